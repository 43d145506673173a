package boltonce

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

func TestAnEffectAndItsMarkAreCommittedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	const pending = "boltonce: the function succeeded, but its transaction with the mark is not committed: " +
		"commit it before the function returns, or return why it failed"
	tests := map[string]struct {
		once func(s *Store, db *bolt.DB) error
		want string // the error
		done bool
	}{
		"a transaction that is committed": {
			once: func(s *Store, db *bolt.DB) error { return s.Once(context.Background(), "a", shipAndMark(db, "a")) },
			done: true,
		},
		"one by hand": {
			once: func(s *Store, db *bolt.DB) error {
				return s.Once(context.Background(), "a", func(ctx context.Context) error {
					tx, err := db.Begin(true)
					if err != nil {
						return err
					}
					return errors.Join(ship(tx, "a"), Mark(ctx, tx), tx.Commit())
				})
			},
			done: true,
		},
		"a batch": {
			once: func(s *Store, db *bolt.DB) error {
				return s.Once(context.Background(), "a", func(ctx context.Context) error {
					tries := 0
					return db.Batch(func(tx *bolt.Tx) error { // which runs it again, alone, if it fails
						if tries++; tries == 1 {
							return errors.Join(ship(tx, "a"), Mark(ctx, tx), errFailed)
						}
						return errors.Join(ship(tx, "a"), Mark(ctx, tx))
					})
				})
			},
			done: true,
		},
		"a function that fails after the commit": {
			once: func(s *Store, db *bolt.DB) error {
				return s.Once(context.Background(), "a", func(ctx context.Context) error {
					return errors.Join(shipAndMark(db, "a")(ctx), errFailed)
				})
			},
			want: errFailed.Error(),
			done: true,
		},
		"a function that panics after the commit": {
			once: func(s *Store, db *bolt.DB) (err error) {
				defer func() { err = recover().(error) }()
				return s.Once(context.Background(), "a", func(ctx context.Context) error {
					panic(errors.Join(shipAndMark(db, "a")(ctx), errFailed))
				})
			},
			want: errFailed.Error(),
			done: true,
		},
		"a transaction that is rolled back": {
			once: func(s *Store, db *bolt.DB) error {
				return s.Once(context.Background(), "a", func(ctx context.Context) error {
					return db.Update(func(tx *bolt.Tx) error { return errors.Join(ship(tx, "a"), Mark(ctx, tx), errFailed) })
				})
			},
			want: errFailed.Error(),
		},
		"one whose failure the function hides": {
			once: func(s *Store, db *bolt.DB) error {
				return s.Once(context.Background(), "a", func(ctx context.Context) error {
					_ = db.Update(func(tx *bolt.Tx) error { return errors.Join(ship(tx, "a"), Mark(ctx, tx), errFailed) })
					return nil
				})
			},
			want: pending,
		},
		"one that is open when the function returns": {
			once: func(s *Store, db *bolt.DB) error {
				return db.Update(func(tx *bolt.Tx) error {
					return s.Once(context.Background(), "a", func(ctx context.Context) error { return errors.Join(ship(tx, "a"), Mark(ctx, tx)) })
				})
			},
			want: pending,
		},
		"one that is marked twice": {
			once: func(s *Store, db *bolt.DB) error {
				return s.Once(context.Background(), "a", func(ctx context.Context) error {
					return errors.Join(shipAndMark(db, "a")(ctx), shipAndMark(db, "a")(ctx))
				})
			},
			want: "boltonce: the notification has a mark already: roll this transaction back",
			done: true,
		},
		"one that another store of the file got ahead of": {
			once: func(s *Store, db *bolt.DB) error {
				return s.Once(context.Background(), "a", func(ctx context.Context) error {
					other, err := New(db)
					if err != nil {
						return err
					}
					return errors.Join(other.Once(ctx, "a", shipAndMark(db, "a")), shipAndMark(db, "a")(ctx))
				})
			},
			want: "boltonce: the notification has a mark already: roll this transaction back",
			done: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			s := storeOf(t, db)
			before := writes(t, db)
			err := tt.once(s, db)
			if err == nil && tt.want != "" || err != nil && err.Error() != tt.want {
				t.Errorf("Once gives %v", err)
			}
			var want uint64
			if tt.done {
				want = 1
			}
			if got := shipped(t, db, "a"); got != want {
				t.Errorf("it was shipped %d times", got)
			}
			if got := writes(t, db) - before; got != int(want) {
				t.Errorf("%d transactions were committed", got) // one more would mark it again
			}
			if runs(t, s, "a") == tt.done {
				t.Errorf("it is marked: %t", !tt.done)
			}
		})
	}
}

func TestMarkRefusesWhatCouldNotBeCommittedWithTheEffect(t *testing.T) {
	t.Parallel()
	db, other := open(t), open(t)
	s := storeOf(t, db)
	var closed, readOnly, foreign *bolt.Tx
	for _, err := range []error{
		db.View(func(tx *bolt.Tx) error { closed = tx; return nil }),
		func() (err error) { readOnly, err = db.Begin(false); return err }(),
		func() (err error) { foreign, err = other.Begin(true); return err }(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	defer readOnly.Rollback()
	defer foreign.Rollback()
	err := s.Once(t.Context(), "a", func(ctx context.Context) error {
		tests := map[string]struct {
			ctx  context.Context
			tx   *bolt.Tx
			want string
		}{
			"no context":                      {nil, readOnly, "boltonce: the context is nil"},
			"the context that Once was given": {t.Context(), readOnly, "boltonce: Mark has the wrong context: pass it the one that Once gives to the function"},
			"no transaction":                  {ctx, nil, "boltonce: Mark has no open transaction: call it within db.Update"},
			"a transaction that has ended":    {ctx, closed, "boltonce: Mark has no open transaction: call it within db.Update"},
			"a transaction that only reads":   {ctx, readOnly, "boltonce: tx not writable"},
			"a transaction of another file":   {ctx, foreign, "boltonce: the transaction is of another database than the store's"},
		}
		for name, tt := range tests {
			if err := Mark(tt.ctx, tt.tx); err == nil || err.Error() != tt.want {
				t.Errorf("%s gives %v", name, err)
			}
		}
		return Mark(ctx, readOnly)
	})
	if !errors.Is(err, berrors.ErrTxNotWritable) || !runs(t, s, "a") {
		t.Errorf("Once gives %v", err)
	}
}

func TestPruneRefusesWhatWeChatPayMayStillSend(t *testing.T) {
	t.Parallel()
	s := storeOf(t, open(t))
	closed := storeOf(t, open(t))
	if err := closed.db.Close(); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	const young = "boltonce: Prune keeps at least 48 hours: WeChat Pay may still send what is younger"
	tests := map[string]struct {
		s         *Store
		ctx       context.Context
		olderThan time.Duration
		want      string
	}{
		"no store":              {nil, t.Context(), 48 * time.Hour, "boltonce: there is no store: make one with boltonce.New"},
		"no context":            {s, nil, 48 * time.Hour, "boltonce: the context is nil"},
		"a context that ended":  {s, over, 48 * time.Hour, "boltonce: context canceled"},
		"no age":                {s, t.Context(), 0, young},
		"a negative age":        {s, t.Context(), math.MinInt64, young},
		"less than 48 hours":    {s, t.Context(), 48*time.Hour - 1, young},
		"a file that is closed": {closed, t.Context(), 48 * time.Hour, "boltonce: database not open"},
		"48 hours":              {s, t.Context(), 48 * time.Hour, ""},
		"any age":               {s, t.Context(), math.MaxInt64, ""},
	}
	for name, tt := range tests {
		removed, err := tt.s.Prune(tt.ctx, tt.olderThan)
		if removed != 0 || err == nil && tt.want != "" || err != nil && err.Error() != tt.want {
			t.Errorf("%s gives %d and %v", name, removed, err)
		}
	}
}

func TestStampsAreInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	at := func(year int) []byte { return stamp(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)) }
	stamps := [][]byte{
		at(1600), at(1969), stamp(time.UnixMilli(-1)), stamp(time.UnixMilli(0)), stamp(time.UnixMilli(1)),
		stamp(time.UnixMilli(255)), stamp(time.UnixMilli(256)), at(1971), at(2026), at(2300),
	}
	if !slices.IsSortedFunc(stamps, func(a, b []byte) int {
		if len(a) != stampSize || bytes.Equal(a, b) {
			t.Errorf("%x and %x", a, b)
		}
		return bytes.Compare(a, b)
	}) {
		t.Errorf("they are %x", stamps)
	}
}

func TestAClockThatWasBackMakesNoMarkLookOld(t *testing.T) {
	t.Parallel()
	right := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	db := open(t)
	for _, made := range []struct {
		id  string
		now time.Time
		at  time.Time
	}{
		{"before", right, right},
		{"as the machine starts", time.Unix(0, 0), right},
		{"a week back", right.Add(-7 * 24 * time.Hour), right},
		{"after", right.Add(time.Hour), right.Add(time.Hour)}, // which takes out two that look old
		{"a second back", right.Add(time.Hour - time.Second), right.Add(time.Hour)},
		{"three days later", right.Add(keep), right.Add(keep)},
	} {
		err := db.Update(func(tx *bolt.Tx) error {
			fresh, err := mark(tx, made.id, made.now)
			if err == nil && !fresh {
				err = errors.New("it is there already")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if at := inFile(t, db)[made.id]; at != string(stamp(made.at)) {
			t.Errorf("%s it is stamped %x, want %x", made.id, at, stamp(made.at))
		}
	}
	if marks := inFile(t, db); len(marks) != 6 {
		t.Errorf("of 6 marks %d are left", len(marks))
	}
}
