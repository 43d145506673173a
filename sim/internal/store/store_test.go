package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

type row struct {
	N   int       `json:"n"`
	Due time.Time `json:"due,omitzero"`
}

// memory is a journal in memory.
type memory struct {
	events [][]byte
	fail   error
}

func (m *memory) Append(event []byte) error {
	if m.fail == nil {
		m.events = append(m.events, event)
	}
	return m.fail
}

func (m *memory) Replay(fn func([]byte) error) error {
	for _, e := range m.events {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// bench is a store with one table whose time is now.
type bench struct {
	*store.Store
	rows    *store.Table[row]
	now     time.Time
	fired   []string
	changed []string
}

func newBench(j store.Journal) *bench {
	b := &bench{now: time.Unix(1000, 0)}
	b.Store = store.New(func() time.Time { return b.now }, j)
	b.rows = store.NewTable(b.Store, "row", store.Hooks[row]{
		Due: func(r *row) time.Time { return r.Due },
		Fire: func(tx *store.Tx, key string, r *row) {
			b.fired = append(b.fired, key)
			b.rows.Put(tx, key, &row{N: r.N + 1})
		},
		Changed: func(key string, old, new *row) {
			b.changed = append(b.changed, fmt.Sprintf("%s:%v→%v", key, old != nil, new != nil))
		},
	})
	return b
}

func (b *bench) put(t *testing.T, key string, r row) {
	t.Helper()
	if err := b.Update(func(tx *store.Tx) error { b.rows.Put(tx, key, &r); return nil }); err != nil {
		t.Fatal(err)
	}
}

// all is the table as text.
func (b *bench) all() string {
	var s []string
	b.View(func(tx *store.Tx) {
		for key, r := range b.rows.All(tx) {
			s = append(s, fmt.Sprintf("%s=%d", key, r.N))
		}
	})
	return strings.Join(s, " ")
}

func TestATransactionSeesWhatItPutAndOthersOnlyItsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.put(t, "a", row{N: 1})
	err := b.Update(func(tx *store.Tx) error {
		b.rows.Put(tx, "a", &row{N: 2})
		b.rows.Put(tx, "b", &row{N: 3})
		b.rows.Delete(tx, "b")
		if b.rows.Get(tx, "a").N != 2 || b.rows.Get(tx, "b") != nil {
			t.Error("the transaction does not see what it put")
		}
		return errors.New("no")
	})
	if err == nil || b.all() != "a=1" {
		t.Errorf("after a failure: %v, %s", err, b.all())
	}
}

func TestATransactionThatTheJournalRefusesLeavesNothing(t *testing.T) {
	t.Parallel()
	j := &memory{fail: errors.New("the disk is full")}
	b := newBench(j)
	ran := false
	err := b.Update(func(tx *store.Tx) error {
		b.rows.Put(tx, "a", &row{N: 1})
		tx.After(func() { ran = true })
		return nil
	})
	if !errors.Is(err, j.fail) || b.all() != "" || len(b.changed) != 0 || ran {
		t.Errorf("got %v, %q, %v, ran %v", err, b.all(), b.changed, ran)
	}
}

func TestRowsStandInTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	for i := range 100 {
		b.put(t, fmt.Sprint(i), row{N: i})
	}
	for i := range 99 {
		if err := b.Update(func(tx *store.Tx) error { b.rows.Delete(tx, fmt.Sprint(i)); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	b.put(t, "0", row{N: 7})
	b.put(t, "99", row{N: 8})
	if got := b.all(); got != "99=8 0=7" {
		t.Errorf("the rows are %s", got)
	}
}

func TestTimersFireInOrderOnceAndOnlyIfTheRowStillSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	at := func(s int) time.Time { return b.now.Add(time.Duration(s) * time.Second) }
	b.put(t, "late", row{Due: at(30)})
	b.put(t, "early", row{Due: at(10)})
	b.put(t, "moved", row{Due: at(5)})
	b.put(t, "moved", row{Due: at(20)})
	b.put(t, "stopped", row{Due: at(1)})
	b.put(t, "stopped", row{})
	if got := b.Next(); !got.Equal(at(10)) {
		t.Errorf("the next timer is at %v", got)
	}
	b.now = at(25)
	for {
		_, fired, err := b.Ring()
		if err != nil {
			t.Fatal(err)
		}
		if !fired {
			break
		}
	}
	if want := []string{"early", "moved"}; !slices.Equal(b.fired, want) {
		t.Errorf("fired %v, want %v", b.fired, want)
	}
}

func TestAJournalGivesTheSameRowsAndTimers(t *testing.T) {
	t.Parallel()
	j := new(memory)
	b := newBench(j)
	b.put(t, "a", row{N: 1, Due: b.now.Add(time.Hour)})
	b.put(t, "b", row{N: 2})
	b.put(t, "a", row{N: 3, Due: b.now.Add(time.Minute)})
	if err := b.Update(func(tx *store.Tx) error { b.rows.Delete(tx, "b"); return nil }); err != nil {
		t.Fatal(err)
	}
	again := newBench(j)
	if err := again.Replay(); err != nil {
		t.Fatal(err)
	}
	if again.all() != "a=3" || !again.Next().Equal(b.now.Add(time.Minute)) || !slices.Equal(again.changed, []string{"a:false→true"}) {
		t.Errorf("replayed %s, next %v, %v", again.all(), again.Next(), again.changed)
	}
	if err := again.Reset(); err != nil || again.all() != "" || !again.Next().IsZero() {
		t.Errorf("after a reset: %v, %s", err, again.all())
	}
	after := newBench(j)
	if err := after.Replay(); err != nil || after.all() != "" {
		t.Errorf("replayed after a reset: %v, %s", err, after.all())
	}
}

func TestAJournalThatDoesNotReadIsRefused(t *testing.T) {
	t.Parallel()
	event := func(table, row string) string {
		return string(rune(len(table))) + table + "\x01a" + string(rune(len(row))) + row
	}
	for want, text := range map[string]string{
		"event 1 of the journal is damaged":                                           "\x09ro",
		`event 1 of the journal is about "other", which this version does not know`:   event("other", "{}"),
		`event 1 of the journal does not fit this version: the row "a" of row: json:`: event("row", "[]"),
	} {
		b := newBench(&memory{events: [][]byte{[]byte(text)}})
		if err := b.Replay(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

// FuzzReplay reads what is no journal: it is refused, or leaves rows that can be shown.
func FuzzReplay(f *testing.F) {
	j := new(memory)
	b := newBench(j)
	if err := b.Update(func(tx *store.Tx) error {
		b.rows.Put(tx, "a", &row{N: 1})
		b.rows.Put(tx, "b", &row{N: 2, Due: b.now})
		b.rows.Delete(tx, "c")
		return nil
	}); err != nil {
		f.Fatal(err)
	}
	f.Add(j.events[0])
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, event []byte) {
		b := newBench(&memory{events: [][]byte{event, event}})
		if b.Replay() == nil {
			_ = b.all()
		}
	})
}
