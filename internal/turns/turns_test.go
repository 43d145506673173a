package turns

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

func TestOneAtATimeHasTheTurnOfAnID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s Turns
		first, err := s.Take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		other, err := s.Take(t.Context(), "b") // another id is another turn
		if err != nil {
			t.Fatal(err)
		}
		other.Pass()

		const waiting = 100
		got := make(chan *Turn)
		for range waiting {
			go func() {
				next, err := s.Take(t.Context(), "a")
				if err != nil {
					t.Error(err)
				}
				got <- next
			}()
		}
		synctest.Wait()
		if first.calls != 1+waiting {
			t.Errorf("%d have the turn or wait", first.calls)
		}
		first.Done = true
		first.Pass()
		for range waiting {
			next := <-got
			synctest.Wait()
			select {
			case <-got:
				t.Error("two have the turn")
			default:
			}
			if next != first || !next.Done {
				t.Error("who waited does not learn that it is done")
			}
			next.Pass()
		}
		if len(s.byID) != 0 {
			t.Errorf("%d turns are left", len(s.byID))
		}
		last, err := s.Take(t.Context(), "a")
		if err != nil || last.Done {
			t.Errorf("who comes later gets %v, %v", last, err)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s Turns
		first, err := s.Take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := s.Take(ctx, "a")
			gone <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) || first.calls != 1 {
			t.Errorf("who does not wait any longer gets %v, and %d are left", err, first.calls)
		}
		first.Pass()
		if len(s.byID) != 0 {
			t.Errorf("%d turns are left", len(s.byID))
		}
	})
}

// With its turn and the end of its context at once, select takes either: often enough both.
func TestNoTurnIsTakenAfterItsContext(t *testing.T) {
	t.Parallel()
	for range 100 {
		var s Turns
		ctx, cancel := context.WithCancel(t.Context())
		first, err := s.Take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := s.Take(ctx, "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("who waits gets %v", err)
			}
		})
		cancel()
		first.Pass()
		all.Wait()
		if _, err := s.Take(ctx, "a"); !errors.Is(err, context.Canceled) || len(s.byID) != 0 {
			t.Fatalf("who comes gets %v, and %d turns are left", err, len(s.byID))
		}
	}
}
