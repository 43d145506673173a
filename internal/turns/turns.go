// Package turns lets those who handle the same thing at once do so one after the other. Whoever waits does
// so in memory, where it holds no connection and no transaction, which the one that works may need.
package turns

import (
	"context"
	"sync"
)

// Turns are those of any number of ids. The zero value is ready to use, and safe for concurrent use.
type Turns struct {
	mu   sync.Mutex
	byID map[string]*Turn
}

// Turn is the turn of one id. It is there only as long as somebody has it or waits for it.
type Turn struct {
	// Done is for whoever has the turn to set: those who waited need not look elsewhere whether the id is
	// handled.
	Done bool

	turns *Turns
	id    string
	taken chan struct{} // of one place
	calls int           // who has the turn and who waits, by the mutex of turns
}

// Take waits for the turn of id until ctx ends. Whoever gets it passes it on.
func (s *Turns) Take(ctx context.Context, id string) (*Turn, error) {
	t := s.join(id)
	select {
	case t.taken <- struct{}{}:
	case <-ctx.Done():
		t.leave()
		return nil, ctx.Err()
	}
	if err := ctx.Err(); err != nil { // select takes either
		t.Pass()
		return nil, err
	}
	return t, nil
}

// Pass gives the turn to one of those who wait.
func (t *Turn) Pass() {
	<-t.taken
	t.leave()
}

func (s *Turns) join(id string) *Turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID[id]
	if t == nil {
		if s.byID == nil {
			s.byID = map[string]*Turn{}
		}
		t = &Turn{turns: s, id: id, taken: make(chan struct{}, 1)}
		s.byID[id] = t
	}
	t.calls++
	return t
}

func (t *Turn) leave() {
	t.turns.mu.Lock()
	defer t.turns.mu.Unlock()
	if t.calls--; t.calls == 0 {
		delete(t.turns.byID, t.id)
	}
}
