// Package store keeps the state of a simulated gateway: tables of rows in memory, changed by
// transactions one after the other, each of them one event of a journal. Reading the
// events again gives the same tables, with the same timers.
//
// A row is never changed once it was put: to change it, put a changed copy. So a transaction
// that fails leaves nothing behind.
package store

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Journal keeps the events of a store. It is called by one goroutine at a time.
type Journal interface {
	// Append keeps event for good before it returns.
	Append(event []byte) error
	// Replay calls fn with every event, the oldest first, and ends with fn's error.
	Replay(fn func(event []byte) error) error
}

// Store is all tables of a gateway. It is safe for concurrent use.
type Store struct {
	now     func() time.Time
	journal Journal // nil if nothing is kept

	mu     sync.Mutex
	tables map[string]table
	timers timers
	rang   chan struct{} // wakes who waits for timers, after each change
}

// table is a Table without its type.
type table interface {
	apply(key string, row any) error
	decode(key string, row []byte) error
	due(key string) time.Time
	fire(tx *Tx, key string)
	keys() []string
}

// New returns an empty Store whose time is now.
func New(now func() time.Time, journal Journal) *Store {
	return &Store{now: now, journal: journal, tables: map[string]table{}, rang: make(chan struct{}, 1)}
}

// Replay reads the journal into the tables, which all have to be there. Of each row only the last
// version is decoded: what a journal has of one order may be ten times what the order is.
func (s *Store) Replay() error {
	if s.journal == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := replay{tables: s.tables, last: map[tableKey]*version{}}
	if err := s.journal.Replay(r.read); err != nil {
		return err
	}
	for _, k := range r.keys() {
		if err := s.tables[k.table].decode(k.key, r.last[k].row); err != nil {
			return fmt.Errorf("event %d of the journal does not fit this version: %w", r.last[k].event, err)
		}
		s.schedule(k.table, k.key)
	}
	return nil
}

// replay is what a journal has told so far.
type replay struct {
	tables map[string]table
	last   map[tableKey]*version
	events int
	rows   int
}

// version is a row as one event has it.
type version struct {
	row   []byte
	event int
	place int // among all rows, by when they first came
}

func (r *replay) read(event []byte) error {
	r.events++
	if err := readEvent(event, r.put); err != nil {
		return fmt.Errorf("event %d of the journal %w", r.events, err)
	}
	return nil
}

func (r *replay) put(table, key, row []byte) error {
	k := tableKey{string(table), string(key)}
	if r.tables[k.table] == nil {
		return fmt.Errorf("is about %q, which this version does not know", table)
	}
	switch v := r.last[k]; {
	case len(row) == 0:
		delete(r.last, k)
	case v == nil:
		r.rows++
		r.last[k] = &version{row: bytes.Clone(row), event: r.events, place: r.rows}
	default:
		v.row, v.event = append(v.row[:0], row...), r.events
	}
	return nil
}

// keys are the rows that are there in the end, in the order in which they came.
func (r *replay) keys() []tableKey {
	return slices.SortedFunc(maps.Keys(r.last), func(a, b tableKey) int { return cmp.Compare(r.last[a].place, r.last[b].place) })
}

// Reset deletes all rows, as one transaction.
func (s *Store) Reset() error {
	return s.Update(func(tx *Tx) error {
		for name, t := range s.tables {
			for _, key := range t.keys() {
				tx.put(name, key, nil)
			}
		}
		return nil
	})
}

// Tx is a transaction: what it puts becomes visible to others when it ends well.
type Tx struct {
	Now   time.Time // when the transaction began, on the store's clock
	s     *Store
	puts  []put
	at    map[tableKey]int // of puts
	after []func()
}

type tableKey struct{ table, key string }

type put struct {
	tableKey
	row any // a *T, nil to delete
}

// After runs fn once the transaction has ended well, outside of it.
func (tx *Tx) After(fn func()) { tx.after = append(tx.after, fn) }

// Update runs fn as one transaction. If fn fails, or the journal does, nothing has happened.
func (s *Store) Update(fn func(tx *Tx) error) error {
	after, err := s.update(fn)
	for _, fn := range after {
		fn()
	}
	return err
}

func (s *Store) update(fn func(tx *Tx) error) ([]func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := &Tx{Now: s.now(), s: s}
	if err := fn(tx); err != nil {
		return nil, err
	}
	if err := s.commit(tx); err != nil {
		return nil, err
	}
	return tx.after, nil
}

// commit writes the event before it changes a row, so that nobody learns of what might be lost.
func (s *Store) commit(tx *Tx) error {
	if len(tx.puts) == 0 {
		return nil
	}
	if s.journal != nil {
		event, err := encodeEvent(tx.puts)
		if err != nil {
			return err
		}
		if err := s.journal.Append(event); err != nil {
			return fmt.Errorf("the journal takes no more events: %w", err)
		}
	}
	for _, p := range tx.puts {
		if err := s.tables[p.table].apply(p.key, p.row); err != nil {
			return err
		}
		s.schedule(p.table, p.key)
	}
	s.wake()
	return nil
}

// wake tells who waits for timers that the next one may be another.
func (s *Store) wake() {
	select {
	case s.rang <- struct{}{}:
	default:
	}
}

// View runs fn with a transaction that puts nothing.
func (s *Store) View(fn func(tx *Tx)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(&Tx{Now: s.now(), s: s})
}
