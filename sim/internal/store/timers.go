package store

import (
	"cmp"
	"container/heap"
	"time"
)

// timer is when a row's timer rings. One that no longer fits its row is passed over.
type timer struct {
	due time.Time
	tableKey
}

// timers is a heap, the next to ring first. Among equals the order is by name, so that a
// history always runs the same way.
type timers []timer

func (t timers) Len() int      { return len(t) }
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t timers) Less(i, j int) bool {
	if c := t[i].due.Compare(t[j].due); c != 0 {
		return c < 0
	}
	return cmp.Or(cmp.Compare(t[i].table, t[j].table), cmp.Compare(t[i].key, t[j].key)) < 0
}
func (t *timers) Push(x any) { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	*t = (*t)[:last]
	return x
}

func (s *Store) schedule(table, key string) {
	if due := s.tables[table].due(key); !due.IsZero() {
		heap.Push(&s.timers, timer{due, tableKey{table, key}})
	}
}

// Next is when the next timer rings, the zero Time if none does.
func (s *Store) Next() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next()
}

func (s *Store) next() time.Time {
	for len(s.timers) > 0 {
		t := s.timers[0]
		if s.tables[t.table].due(t.key).Equal(t.due) {
			return t.due
		}
		heap.Pop(&s.timers)
	}
	return time.Time{}
}

// Ring fires the next timer if it is due, as one transaction, and returns what its Fire
// asked for by After. It tells whether one was.
func (s *Store) Ring() (after []func(), fired bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.next()
	if due.IsZero() || due.After(s.now()) {
		return nil, false, nil
	}
	t := heap.Pop(&s.timers).(timer)
	tx := &Tx{Now: s.now(), s: s}
	s.tables[t.table].fire(tx, t.key)
	if err := s.commit(tx); err != nil {
		heap.Push(&s.timers, t) // it is still due
		return nil, true, err
	}
	return tx.after, true, nil
}

// Changes has a value after changes: the next timer may be another one.
func (s *Store) Changes() <-chan struct{} { return s.rang }
