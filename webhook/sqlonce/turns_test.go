package sqlonce

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestOneAtATimeHasTheTurnOfAnID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s turns
		first, err := s.take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		other, err := s.take(t.Context(), "b") // another id is another turn
		if err != nil {
			t.Fatal(err)
		}
		s.pass("b", other)

		const waiting = 5
		got := make(chan *turn)
		for range waiting {
			go func() {
				next, err := s.take(t.Context(), "a")
				if err != nil {
					t.Error(err)
				}
				got <- next
			}()
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := s.take(ctx, "a")
			gone <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("who does not wait any longer gets %v", err)
		}
		first.handled = true
		s.pass("a", first)
		for range waiting {
			next := <-got
			synctest.Wait()
			select {
			case <-got:
				t.Error("two have the turn")
			default:
			}
			if next != first || !next.handled {
				t.Error("who waited does not learn that it is handled")
			}
			s.pass("a", next)
		}
		if len(s.byID) != 0 {
			t.Errorf("%d turns are left", len(s.byID))
		}
		last, err := s.take(t.Context(), "a")
		if err != nil || last.handled {
			t.Errorf("who comes later gets %v, %v", last, err)
		}
	})
}

func TestNoTurnIsTakenAfterItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var s turns
	for range 100 { // select takes either
		if _, err := s.take(ctx, "a"); !errors.Is(err, context.Canceled) || len(s.byID) != 0 {
			t.Fatalf("it gives %v and leaves %d", err, len(s.byID))
		}
	}
}
