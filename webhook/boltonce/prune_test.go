package boltonce

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// model is what the file should have, kept in the simplest way.
type model map[string]time.Time

// oldest are the ids that were marked longer than an age ago, the oldest first.
func (m model) oldest(age time.Duration) []string {
	old := slices.DeleteFunc(slices.Collect(maps.Keys(m)), func(id string) bool { return !m[id].Before(time.Now().Add(-age)) })
	slices.SortFunc(old, func(a, b string) int { return cmp.Or(m[a].Compare(m[b]), cmp.Compare(a, b)) })
	return old
}

func (m model) forget(ids []string) {
	for _, id := range ids {
		delete(m, id)
	}
}

// inFile reads the marks, and holds the two buckets against each other.
func inFile(t *testing.T, db *bolt.DB) map[string]string {
	t.Helper()
	marks := map[string]string{}
	err := db.View(func(tx *bolt.Tx) error {
		top := tx.Bucket(bucketName)
		if top == nil {
			return nil
		}
		err := top.Bucket(idsName).ForEach(func(id, at []byte) error { marks[string(id)] = string(at); return nil })
		if err != nil {
			return err
		}
		n := 0
		err = top.Bucket(timesName).ForEach(func(key, _ []byte) error {
			if n++; marks[string(key[stampSize:])] != string(key[:stampSize]) {
				return fmt.Errorf("%q is only among the times", key[stampSize:])
			}
			return nil
		})
		if err == nil && n != len(marks) {
			err = fmt.Errorf("of %d ids, %d are among the times", len(marks), n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return marks
}

// FuzzPruning does with a store and with the model what pairs of bytes say: handle an id, let time
// pass, or prune.
func FuzzPruning(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x02\x01\x01\x02\x60\x02\x60\x00\x01\x00\x03\x03\x00"))
	f.Add([]byte("\x00\x01\x02\x5f\x02\x60\x03\x00\x02\x01\x03\x00\x01\x01"))
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		steps := make([]byte, 300)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		synctest.Test(t, func(t *testing.T) { // whose clock goes only when the test says so
			db := open(t)
			s, m := storeOf(t, db), model{}
			for pair := range slices.Chunk(steps[:min(len(steps), 400)&^1], 2) {
				n := int(pair[1])
				switch pair[0] % 4 {
				case 0, 1:
					handle(t, s, m, fmt.Sprint(n%64), pair[0]%4 == 1)
				case 2:
					time.Sleep(time.Duration(n%97) * 15 * time.Minute)
				case 3:
					age := 48*time.Hour + time.Duration(n)*15*time.Minute
					old := m.oldest(age)
					m.forget(old)
					if removed, err := s.Prune(t.Context(), age); err != nil || removed != len(old) {
						t.Errorf("Prune gives %d and %v, not %d", removed, err, len(old))
					}
				}
				want := map[string]string{}
				for id, at := range m {
					want[id] = string(stamp(at))
				}
				if got := inFile(t, db); !maps.Equal(got, want) {
					t.Fatalf("after %v the marks are %q, not %q", pair, got, want)
				}
			}
		})
	})
}

// handle has Once run for an id, which it must exactly if the model has no mark.
func handle(t *testing.T, s *Store, m model, id string, within bool) {
	t.Helper()
	_, marked := m[id]
	ran := false
	err := s.Once(t.Context(), id, func(ctx context.Context) error {
		ran = true
		if !within {
			return nil
		}
		return s.db.Update(func(tx *bolt.Tx) error { return Mark(ctx, tx) })
	})
	if err != nil || ran == marked {
		t.Errorf("%s ran: %t, and gave %v", id, ran, err)
	}
	if !marked {
		m[id] = time.Now()
		old := m.oldest(72 * time.Hour)
		m.forget(old[:min(len(old), 2)])
	}
}

func TestPruneRemovesMoreThanOneTransactionDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, n := range []int{batch - 1, batch, 2*batch + 1} {
			db := open(t)
			s := storeOf(t, db)
			err := db.Update(func(tx *bolt.Tx) error {
				for i := range n {
					if _, err := mark(tx, fmt.Sprint(i), time.Now()); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(48 * time.Hour)
			if removed, err := s.Prune(t.Context(), 48*time.Hour); removed != 0 || err != nil {
				t.Errorf("of those that are just 48 hours old it removes %d: %v", removed, err)
			}
			time.Sleep(time.Millisecond)
			before := writes(t, db)
			if removed, err := s.Prune(t.Context(), 48*time.Hour); removed != n || err != nil {
				t.Errorf("of %d it removes %d: %v", n, removed, err)
			}
			if got := writes(t, db) - before; got != n/batch+1 {
				t.Errorf("it took %d transactions for %d", got, n)
			}
			if left := inFile(t, db); len(left) != 0 {
				t.Errorf("%d are left", len(left))
			}
		}
	})
}

func TestTheFileStopsGrowing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		random := rand.New(rand.NewPCG(1, 2))
		const perDay = 300
		day := func() (size int64) {
			for range perDay {
				time.Sleep(24 * time.Hour / perDay)
				id := fmt.Sprintf("%08x-0419-5a7b-b839-4422%08x", random.Uint32(), random.Uint32())
				err := db.Update(func(tx *bolt.Tx) error { size = tx.Size(); _, err := mark(tx, id, time.Now()); return err })
				if err != nil {
					t.Fatal(err)
				}
			}
			return size
		}
		var sizes []int64
		for range 10 {
			sizes = append(sizes, day())
		}
		if n := len(inFile(t, db)); n != 3*perDay+1 {
			t.Errorf("%d marks are left of three days of %d", n, perDay)
		}
		if sizes[9] > sizes[3]*5/4 { // it would be more than twice as large
			t.Errorf("after each day it has %d bytes", sizes)
		}
	})
}
