package store

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// Table is rows of one kind by key.
type Table[T any] struct {
	store *Store
	name  string
	rows  map[string]*T
	order []string       // keys as they first came, "" where one is gone
	place map[string]int // in order
	hooks Hooks[T]
}

// Hooks are what a table does besides keeping rows. Each may be nil.
type Hooks[T any] struct {
	// Due is when the row's timer rings, the zero Time if it has none.
	Due func(row *T) time.Time
	// Fire is what happens then. It has to put the row anew, with another Due.
	Fire func(tx *Tx, key string, row *T)
	// Changed is called for each row that comes, changes or goes, to keep indexes.
	Changed func(key string, old, new *T)
}

// NewTable adds a table to s. Its name stands in the journal.
func NewTable[T any](s *Store, name string, hooks Hooks[T]) *Table[T] {
	t := &Table[T]{store: s, name: name, rows: map[string]*T{}, place: map[string]int{}, hooks: hooks}
	s.tables[name] = t
	return t
}

// Get is the row with this key, nil if there is none. It is not to be changed.
func (t *Table[T]) Get(tx *Tx, key string) *T {
	if i, ok := tx.at[tableKey{t.name, key}]; ok {
		row, _ := tx.puts[i].row.(*T)
		return row
	}
	return t.rows[key]
}

// Put sets the row with this key.
func (t *Table[T]) Put(tx *Tx, key string, row *T) { tx.put(t.name, key, row) }

// Delete takes the row with this key away.
func (t *Table[T]) Delete(tx *Tx, key string) { tx.put(t.name, key, nil) }

// Wake lets the row's timer ring again, although the row has not changed.
func (t *Table[T]) Wake(key string) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	t.store.schedule(t.name, key)
	t.store.wake()
}

// All yields the rows as they were before the transaction, in the order in which they came.
func (t *Table[T]) All(*Tx) iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		for _, key := range t.order {
			if key == "" {
				continue
			}
			if !yield(key[1:], t.rows[key[1:]]) {
				return
			}
		}
	}
}

func (tx *Tx) put(table, key string, row any) {
	k := tableKey{table, key}
	if i, ok := tx.at[k]; ok {
		tx.puts[i].row = row
		return
	}
	if tx.at == nil {
		tx.at = map[tableKey]int{}
	}
	tx.at[k] = len(tx.puts)
	tx.puts = append(tx.puts, put{k, row})
}

func (t *Table[T]) apply(key string, row any) error {
	value, _ := row.(*T)
	old := t.rows[key]
	switch {
	case value != nil && old == nil:
		t.place[key] = len(t.order)
		t.order = append(t.order, "="+key) // so that a key may be empty
		t.rows[key] = value
	case value != nil:
		t.rows[key] = value
	case old != nil:
		t.remove(key)
	}
	if t.hooks.Changed != nil {
		t.hooks.Changed(key, old, value)
	}
	return nil
}

// remove leaves a hole in order, and closes the holes when they are the half of it.
func (t *Table[T]) remove(key string) {
	t.order[t.place[key]] = ""
	delete(t.place, key)
	delete(t.rows, key)
	if len(t.order) < 2*len(t.rows)+16 {
		return
	}
	t.order = slices.DeleteFunc(t.order, func(k string) bool { return k == "" })
	for i, k := range t.order {
		t.place[k[1:]] = i
	}
}

func (t *Table[T]) decode(key string, text []byte) error {
	row := new(T)
	if err := json.Unmarshal(text, row); err != nil {
		return fmt.Errorf("the row %q of %s: %w", key, t.name, err)
	}
	return t.apply(key, row)
}

func (t *Table[T]) due(key string) time.Time {
	row := t.rows[key]
	if row == nil || t.hooks.Due == nil {
		return time.Time{}
	}
	return t.hooks.Due(row)
}

func (t *Table[T]) fire(tx *Tx, key string) {
	if row := t.rows[key]; row != nil {
		t.hooks.Fire(tx, key, row)
	}
}

func (t *Table[T]) keys() []string { return slices.Collect(maps.Keys(t.rows)) }
