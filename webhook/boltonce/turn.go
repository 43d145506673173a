package boltonce

import "context"

// turn lets one at a time handle an id. It is there only as long as somebody does or waits to.
type turn struct {
	taken chan struct{} // of one place
	users int           // who handles the id and who waits, by the store's mutex
}

// begin waits for the turn of id. Whoever got it calls end.
func (s *Store) begin(ctx context.Context, id string) (end func(), err error) {
	s.mu.Lock()
	t := s.turns[id]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		s.turns[id] = t
	}
	t.users++
	s.mu.Unlock()

	select {
	case t.taken <- struct{}{}:
		end = func() { <-t.taken; s.leave(id, t) }
	case <-ctx.Done():
		end = func() { s.leave(id, t) }
	}
	if err := ctx.Err(); err != nil { // which may be so with the turn, too: select takes either
		end()
		return nil, err
	}
	return end, nil
}

func (s *Store) leave(id string, t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(s.turns, id)
	}
}
