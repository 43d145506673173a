// Package schedule fires the timers of a store: as time passes, and in order when the business
// clock is moved ahead.
package schedule

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// Scheduler fires timers until it is closed.
type Scheduler struct {
	clock *clock.Clock
	store *store.Store
	moved func(tx *store.Tx, ahead time.Duration) // keeps where the clock is
	log   *slog.Logger

	ringing sync.Mutex      // held while timers fire, so that only one goroutine does
	running sync.WaitGroup  // what fired timers do outside of their transactions
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	stopped chan struct{}
}

// Start fires the timers of s from now on. Moved is called in a transaction whenever the business
// clock was moved.
func Start(c *clock.Clock, s *store.Store, log *slog.Logger, moved func(tx *store.Tx, ahead time.Duration)) *Scheduler {
	ctx, cancel := context.WithCancel(context.Background())
	sch := &Scheduler{clock: c, store: s, moved: moved, log: log, ctx: ctx, cancel: cancel, stopped: make(chan struct{})}
	go sch.run()
	return sch
}

// Close stops firing, and waits for what timers began.
func (s *Scheduler) Close() {
	s.cancel()
	<-s.stopped
	s.running.Wait()
}

// patience is how long the scheduler waits when the journal takes no more events.
const patience = time.Second

func (s *Scheduler) run() {
	defer close(s.stopped)
	for s.ctx.Err() == nil {
		wait := time.Hour
		if err := s.ringAll(); err != nil {
			s.log.Error("a timer did not fire, and will be tried again", "err", err)
			wait = patience
		} else if next := s.store.Next(); !next.IsZero() {
			wait = max(0, next.Sub(s.clock.Business()))
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.ctx.Done():
		case <-timer.C:
		case <-s.store.Changes():
		}
		timer.Stop()
	}
}

// ringAll fires what is due. What timers do outside of their transactions, such as
// delivering a notification, goes on in the background.
func (s *Scheduler) ringAll() error {
	s.ringing.Lock()
	defer s.ringing.Unlock()
	return s.ring(func(fn func()) { s.running.Go(fn) })
}

// ring fires all timers that are due, and does what they ask for.
func (s *Scheduler) ring(do func(func())) error {
	for s.ctx.Err() == nil {
		fired, err := s.ringOne(do)
		if err != nil || !fired {
			return err
		}
	}
	return nil
}

// ringOne fires the next timer, if it is due.
func (s *Scheduler) ringOne(do func(func())) (fired bool, err error) {
	after, fired, err := s.store.Ring()
	if err != nil {
		return fired, err
	}
	for _, fn := range after {
		do(fn)
	}
	return fired, nil
}

// Advance moves the business clock ahead by d. Every timer that is due in between fires in
// its order and at its time, and what it does is done before the next one. It stops where it is
// when ctx ends, or the scheduler.
func (s *Scheduler) Advance(ctx context.Context, d time.Duration) error {
	s.ringing.Lock()
	defer s.ringing.Unlock()
	s.running.Wait()
	end := s.clock.Ahead() + d
	for {
		if err := cmp.Or(ctx.Err(), s.ctx.Err()); err != nil {
			return fmt.Errorf("the clock stopped on its way: %w", err)
		}
		fired, err := s.ringOne(func(fn func()) { fn() })
		if err != nil {
			return err
		}
		if fired {
			continue
		}
		next := s.store.Next()
		if next.IsZero() {
			break
		}
		at := s.clock.Ahead() + next.Sub(s.clock.Business())
		if at > end {
			break
		}
		if err := s.move(at); err != nil {
			return err
		}
	}
	if s.clock.Ahead() < end {
		return s.move(end)
	}
	return nil
}

// move never goes back: time has passed since the step was worked out. The clock follows when the
// journal has it.
func (s *Scheduler) move(ahead time.Duration) error {
	if ahead <= s.clock.Ahead() {
		return nil
	}
	return s.store.Update(func(tx *store.Tx) error {
		s.moved(tx, ahead)
		return nil
	})
}

// Reset deletes all rows, with which the business clock goes back to real time. Nothing fires
// meanwhile.
func (s *Scheduler) Reset() error {
	s.ringing.Lock()
	defer s.ringing.Unlock()
	s.running.Wait()
	return s.store.Reset()
}
