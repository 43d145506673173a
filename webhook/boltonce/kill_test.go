package boltonce

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// In the environment they make the test binary a receiver that waits to be killed: where, and in which
// file.
const (
	diesEnv   = "BOLTONCE_TEST_DIES"
	fileEnv   = "BOLTONCE_TEST_FILE"
	noSyncEnv = "BOLTONCE_TEST_NOSYNC"
)

func TestMain(m *testing.M) {
	if dies := os.Getenv(diesEnv); dies != "" {
		receive(os.Getenv(fileEnv), dies)
	}
	os.Exit(m.Run())
}

// here tells the test that the receiver is where it is to be killed.
func here() {
	fmt.Println("here")
	select {}
}

// dying are functions for Once, by where they or Once after them are killed.
var dying = map[string]func(db *bolt.DB) func(context.Context) error{
	"in the function": func(*bolt.DB) func(context.Context) error {
		return func(context.Context) error { here(); return nil }
	},
	"between the effect and the mark": func(db *bolt.DB) func(context.Context) error {
		return func(context.Context) error {
			if err := db.Update(func(tx *bolt.Tx) error { return ship(tx, "a") }); err != nil {
				return err
			}
			_, err := db.Begin(true) // nobody else writes any more
			go here()
			return err
		}
	},
	"after the mark": func(db *bolt.DB) func(context.Context) error {
		return func(context.Context) error {
			return db.Update(func(tx *bolt.Tx) error { return ship(tx, "a") })
		}
	},
	"in the transaction": func(db *bolt.DB) func(context.Context) error {
		return func(ctx context.Context) error {
			return db.Update(func(tx *bolt.Tx) error {
				if err := errors.Join(ship(tx, "a"), Mark(ctx, tx)); err != nil {
					return err
				}
				here()
				return nil
			})
		}
	},
	"after the transaction": func(db *bolt.DB) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := shipAndMark(db, "a")(ctx); err != nil {
				return err
			}
			here()
			return nil
		}
	},
}

// endless is a receiver that handles one after the other until it is killed.
const endless = "anywhere"

func receive(file, dies string) {
	go func() {
		io.Copy(io.Discard, os.Stdin) // which ends with the test, whatever hangs here or there
		os.Exit(1)
	}()
	db, err := bolt.Open(file, 0o600, &bolt.Options{Timeout: time.Minute, NoSync: os.Getenv(noSyncEnv) != ""})
	if err == nil {
		err = receiveIn(db, dies)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func receiveIn(db *bolt.DB, dies string) error {
	s, err := New(db)
	if err != nil {
		return err
	}
	if dies != endless {
		err := s.Once(context.Background(), "a", dying[dies](db))
		if err == nil {
			here()
		}
		return err
	}
	for i := range 100_000 {
		id := strconv.Itoa(i)
		if err := s.Once(context.Background(), id, shipAndMark(db, id)); err != nil {
			return err
		}
		fmt.Println(id)
	}
	return errors.New("nobody killed it")
}

// start is a receiver in a process of its own. The second kill does nothing.
func start(t *testing.T, file, dies string, noSync bool) (lines *bufio.Scanner, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), diesEnv+"="+dies, fileEnv+"="+file)
	if noSync {
		cmd.Env = append(cmd.Env, noSyncEnv+"=1")
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		cmd.Process.Kill() // SIGKILL
		cmd.Wait()
		in.Close()
	}
	t.Cleanup(kill)
	return bufio.NewScanner(out), kill
}

func TestWhatWasNotMarkedIsHandledAgainAfterAKill(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		again bool   // the function runs at the next delivery
		count uint64 // of effects after that, if the function ships and marks
	}{
		"in the function":                 {true, 1},
		"between the effect and the mark": {true, 2}, // at least once
		"after the mark":                  {false, 1},
		"in the transaction":              {true, 1},
		"after the transaction":           {false, 1},
	}
	for dies, tt := range tests {
		for _, noSync := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, NoSync %t", dies, noSync), func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "shop.db")
				lines, kill := start(t, file, dies, noSync)
				if !lines.Scan() || lines.Text() != "here" {
					t.Fatalf("it says %q, %v", lines.Text(), lines.Err())
				}
				if _, err := bolt.Open(file, 0o600, &bolt.Options{Timeout: time.Millisecond}); err != berrors.ErrTimeout {
					t.Errorf("a second process gets %v", err)
				}
				kill()
				db := openFile(t, file, bolt.Options{})
				s := storeOf(t, db)
				ran := false
				err := s.Once(t.Context(), "a", func(ctx context.Context) error { ran = true; return shipAndMark(db, "a")(ctx) })
				if err != nil || ran != tt.again {
					t.Errorf("it ran: %t, and gave %v", ran, err)
				}
				if got := shipped(t, db, "a"); got != tt.count {
					t.Errorf("it was shipped %d times", got)
				}
			})
		}
	}
}

func TestWithMarkNoKillMakesAnEffectTwiceOrLosesOne(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "shop.db")
	last := -1 // of those that were answered
	for range 5 {
		lines, kill := start(t, file, endless, false)
		for upTo := last + 100; last < upTo && lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(err)
			}
			last = max(last, n)
		}
		kill() // whatever it does just now
	}
	if last < 500-1 {
		t.Fatalf("it handled only %d", last)
	}
	db := openFile(t, file, bolt.Options{NoSync: true})
	s := storeOf(t, db)
	for i := range last + 100 {
		id := strconv.Itoa(i)
		before := shipped(t, db, id)
		if before == 0 && i <= last {
			t.Errorf("%s was answered, and is lost", id)
		}
		err := s.Once(t.Context(), id, shipAndMark(db, id))
		if got := shipped(t, db, id); err != nil || got != 1 {
			t.Errorf("%s was shipped %d times: %v", id, got, err)
		}
	}
}
