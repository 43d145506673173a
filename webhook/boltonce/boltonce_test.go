package boltonce

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

var errFailed = errors.New("no stock")

func openFile(t *testing.T, path string, options bolt.Options) *bolt.DB {
	t.Helper()
	options.Timeout = time.Minute
	db, err := bolt.Open(path, 0o600, &options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// open is a new file that only its marks are tested of, not the disk.
func open(t *testing.T) *bolt.DB {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "shop.db"), bolt.Options{NoSync: true})
}

func storeOf(t *testing.T, db *bolt.DB) *Store {
	t.Helper()
	s, err := New(db)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func succeed(context.Context) error { return nil }

func fail(context.Context) error { return errFailed }

// runs tells whether Once runs a function for id that then fails, so that nothing is marked by asking.
func runs(t *testing.T, s *Store, id string) (ran bool) {
	t.Helper()
	err := s.Once(t.Context(), id, func(context.Context) error { ran = true; return errFailed })
	if ran != errors.Is(err, errFailed) {
		t.Fatalf("Once gives %v", err)
	}
	return ran
}

// The effect of a notification is that its count in the bucket of orders goes up.
func ship(tx *bolt.Tx, id string) error {
	orders, err := tx.CreateBucketIfNotExists([]byte("orders"))
	if err != nil {
		return err
	}
	var count uint64
	if value := orders.Get([]byte(id)); value != nil {
		count = binary.BigEndian.Uint64(value)
	}
	return orders.Put([]byte(id), binary.BigEndian.AppendUint64(nil, count+1))
}

func shipped(t *testing.T, db *bolt.DB, id string) (count uint64) {
	t.Helper()
	err := db.View(func(tx *bolt.Tx) error {
		if orders := tx.Bucket([]byte("orders")); orders != nil {
			if value := orders.Get([]byte(id)); value != nil {
				count = binary.BigEndian.Uint64(value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// shipAndMark is a function for Once whose whole effect is in the file.
func shipAndMark(db *bolt.DB, id string) func(context.Context) error {
	return func(ctx context.Context) error {
		return db.Update(func(tx *bolt.Tx) error {
			return errors.Join(ship(tx, id), Mark(ctx, tx))
		})
	}
}

// writes is how many transactions were committed to the file.
func writes(t *testing.T, db *bolt.DB) (n int) {
	t.Helper()
	if err := db.View(func(tx *bolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNewRefusesADatabaseThatCannotKeepMarks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	closed := openFile(t, path, bolt.Options{})
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		db   *bolt.DB
		want string
	}{
		"none":                      {nil, "boltonce: no database: open one with bolt.Open"},
		"one that was never open":   {new(bolt.DB), "boltonce: database not open"},
		"one that is closed":        {closed, "boltonce: database not open"},
		"one that can only be read": {openFile(t, path, bolt.Options{ReadOnly: true}), "boltonce: the database is read-only: open it without ReadOnly"},
	}
	for name, tt := range tests {
		if s, err := New(tt.db); s != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func TestAWrongCallRunsNothing(t *testing.T) {
	t.Parallel()
	s := storeOf(t, open(t))
	closed := storeOf(t, open(t))
	if err := closed.db.Close(); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	fn := func(context.Context) error { ran = true; return nil }
	tests := map[string]struct {
		s    *Store
		ctx  context.Context
		id   string
		fn   func(context.Context) error
		want string
		is   error
	}{
		"no store":              {nil, t.Context(), "a", fn, "boltonce: there is no store: make one with boltonce.New", nil},
		"a store of nobody":     {new(Store), t.Context(), "a", fn, "boltonce: there is no store: make one with boltonce.New", nil},
		"no context":            {s, nil, "a", fn, "boltonce: the context is nil", nil},
		"a context that ended":  {s, over, "a", fn, "boltonce: context canceled", context.Canceled},
		"no id":                 {s, t.Context(), "", fn, "boltonce: an id has 1 to 255 bytes, not 0", nil},
		"an id that is longer":  {s, t.Context(), strings.Repeat("a", 256), fn, "boltonce: an id has 1 to 255 bytes, not 256", nil},
		"no function":           {s, t.Context(), "a", nil, "boltonce: there is no function to run", nil},
		"a file that is closed": {closed, t.Context(), "a", fn, "boltonce: database not open", berrors.ErrDatabaseNotOpen},
	}
	for name, tt := range tests {
		err := tt.s.Once(tt.ctx, tt.id, tt.fn)
		if err == nil || err.Error() != tt.want || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s gives %v", name, err)
		}
	}
	if ran {
		t.Error("a function ran")
	}
}

func TestAFunctionRunsUntilItHasSucceeded(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "\x00\xff", strings.Repeat("a", 255), "8aba0534-0419-5a7b-b839-4422ca20407a"} {
		path := filepath.Join(t.TempDir(), "shop.db")
		db := openFile(t, path, bolt.Options{})
		s := storeOf(t, db)
		for range 2 {
			if err := s.Once(t.Context(), id, fail); err != errFailed {
				t.Errorf("a function that fails gives %v", err)
			}
		}
		if err := s.Once(t.Context(), id, succeed); err != nil {
			t.Error(err)
		}
		before := writes(t, db)
		if runs(t, s, id) {
			t.Error("it ran again though it had succeeded")
		}
		if writes(t, db) != before {
			t.Error("a duplicate wrote to the file")
		}
		if !runs(t, s, id[:len(id)-1]+"b") {
			t.Error("another id counts as done")
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if runs(t, storeOf(t, openFile(t, path, bolt.Options{})), id) {
			t.Error("it ran again after the file was opened again")
		}
	}
}

func TestAHundredDuplicatesAtOnceRunOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storeOf(t, open(t))
		goOn, running, ran := make(chan struct{}), 0, 0
		fn := func(context.Context) error {
			running++ // without a lock, so that the race detector tells of two
			ran++
			<-goOn
			if running != 1 {
				t.Errorf("%d run at once", running)
			}
			running--
			return nil
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := s.Once(t.Context(), "a", fn); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(goOn)
		wg.Wait()
		if ran != 1 {
			t.Errorf("it ran %d times", ran)
		}
	})
}

func TestWhoWaitsRunsItIfTheOthersFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storeOf(t, open(t))
		goOn, ran, failed := make(chan struct{}), 0, 0
		var mu sync.Mutex
		fn := func(context.Context) error {
			<-goOn
			ran++
			switch ran {
			case 1:
				return errFailed
			case 2:
				panic(errFailed)
			case 3:
				runtime.Goexit()
			}
			return nil
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				ended := false
				defer func() {
					if p := recover(); p != nil && p != errFailed {
						t.Errorf("it panics with %v", p)
					}
					if !ended {
						mu.Lock()
						failed++
						mu.Unlock()
					}
				}()
				err := s.Once(t.Context(), "a", fn)
				ended = err == nil
			})
		}
		synctest.Wait()
		close(goOn)
		wg.Wait()
		if ran != 4 || failed != 3 {
			t.Errorf("it ran %d times, and %d failed", ran, failed)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storeOf(t, open(t))
		goOn := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Once(t.Context(), "a", func(context.Context) error { <-goOn; return nil }); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := s.Once(ctx, "a", succeed); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it gives %v", err)
		}
		close(goOn)
		wg.Wait()
		if runs(t, s, "a") {
			t.Error("the mark is not there")
		}
	})
}

func TestDifferentNotificationsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	s := storeOf(t, open(t))
	ours, theirs := make(chan struct{}), make(chan struct{})
	meet := func(mine, other chan struct{}) func(context.Context) error {
		return func(ctx context.Context) error {
			close(mine)
			select {
			case <-other:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Once(t.Context(), "a", meet(ours, theirs)); err != nil {
			t.Error(err)
		}
	})
	if err := s.Once(t.Context(), "b", meet(theirs, ours)); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestAFunctionThatOutlivesItsContextIsMarked(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := storeOf(t, db)
	for id, then := range map[string]func(context.Context) error{"by Once": succeed, "by Mark": shipAndMark(db, "by Mark")} {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Once(ctx, id, func(ctx context.Context) error { cancel(); return then(ctx) })
		if err != nil || runs(t, s, id) {
			t.Errorf("%s it is not marked: %v", id, err)
		}
	}
}

func TestAFunctionMayWriteToTheFileAndHandleOthers(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := storeOf(t, db)
	other := storeOf(t, open(t))
	err := s.Once(t.Context(), "a", func(ctx context.Context) error {
		if err := db.Update(func(tx *bolt.Tx) error { return ship(tx, "a") }); err != nil {
			return err
		}
		for _, inner := range []func(context.Context) error{succeed, shipAndMark(db, "b")} {
			if err := s.Once(ctx, "b", inner); err != nil {
				return err
			}
		}
		if err := other.Once(ctx, "a", succeed); err != nil {
			return err
		}
		return s.Once(ctx, "c", func(ctx context.Context) error {
			const want = "boltonce: Once was called for an id by the function that handles it: it would wait for itself"
			for _, id := range []string{"a", "c"} {
				if err := s.Once(ctx, id, succeed); err == nil || err.Error() != want {
					return fmt.Errorf("calling itself gives %v", err)
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]uint64{"a": 1, "b": 0} {
		if got := shipped(t, db, id); got != want || runs(t, s, id) {
			t.Errorf("%s was shipped %d times", id, got)
		}
	}
}

func TestAMarkThatCannotBeWrittenIsToldAsSuch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	db := openFile(t, path, bolt.Options{})
	s := storeOf(t, db)
	err := s.Once(t.Context(), "a", func(context.Context) error { return db.Close() })
	const want = "boltonce: the function succeeded, but that could not be marked, so the next delivery runs it again: database not open"
	if !errors.Is(err, berrors.ErrDatabaseNotOpen) || err.Error() != want {
		t.Errorf("it gives %v", err)
	}
	if !runs(t, storeOf(t, openFile(t, path, bolt.Options{})), "a") {
		t.Error("it is marked")
	}
}
