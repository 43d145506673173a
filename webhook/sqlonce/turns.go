package sqlonce

import (
	"context"
	"sync"
)

// turns lets one call at a time handle an id, and the others wait in memory: in the database each of them
// would hold a connection, which the one that works may need.
type turns struct {
	mu   sync.Mutex
	byID map[string]*turn
}

// turn is there only as long as somebody handles its id or waits to.
type turn struct {
	taken   chan struct{} // of one place
	calls   int           // by the mutex of turns
	handled bool          // by whoever has the turn: those who waited need not ask the database
}

// take waits for the turn of id. Whoever got it passes it on.
func (s *turns) take(ctx context.Context, id string) (*turn, error) {
	t := s.join(id)
	select {
	case t.taken <- struct{}{}:
	case <-ctx.Done():
		s.leave(id, t)
		return nil, ctx.Err()
	}
	if err := ctx.Err(); err != nil { // select takes either
		s.pass(id, t)
		return nil, err
	}
	return t, nil
}

func (s *turns) pass(id string, t *turn) {
	<-t.taken
	s.leave(id, t)
}

func (s *turns) join(id string) *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID[id]
	if t == nil {
		if s.byID == nil {
			s.byID = map[string]*turn{}
		}
		t = &turn{taken: make(chan struct{}, 1)}
		s.byID[id] = t
	}
	t.calls++
	return t
}

func (s *turns) leave(id string, t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.calls--; t.calls == 0 {
		delete(s.byID, id)
	}
}
