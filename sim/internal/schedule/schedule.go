// Package schedule fires the timers of a store: as time passes, and in order when the business
// clock is moved ahead.
package schedule

import (
	"context"
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

	ringing sync.Mutex     // held while timers fire, so that only one goroutine does
	running sync.WaitGroup // what fired timers do outside of their transactions
	cancel  context.CancelFunc
	stopped chan struct{}
}

// Start fires the timers of s from now on. Moved is called in a transaction whenever the business
// clock was moved.
func Start(c *clock.Clock, s *store.Store, log *slog.Logger, moved func(tx *store.Tx, ahead time.Duration)) *Scheduler {
	ctx, cancel := context.WithCancel(context.Background())
	sch := &Scheduler{clock: c, store: s, moved: moved, log: log, cancel: cancel, stopped: make(chan struct{})}
	go sch.run(ctx)
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

func (s *Scheduler) run(ctx context.Context) {
	defer close(s.stopped)
	for ctx.Err() == nil {
		wait := time.Hour
		if err := s.ringAll(); err != nil {
			s.log.Error("a timer did not fire, and will be tried again", "err", err)
			wait = patience
		} else if next := s.store.Next(); !next.IsZero() {
			wait = max(0, next.Sub(s.clock.Business()))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
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
	for {
		after, fired, err := s.store.Ring()
		if err != nil || !fired {
			return err
		}
		for _, fn := range after {
			do(fn)
		}
	}
}

// Advance moves the business clock ahead by d. Every timer that is due in between fires in
// its order and at its time, and what it does is done before the next one.
func (s *Scheduler) Advance(d time.Duration) error {
	s.ringing.Lock()
	defer s.ringing.Unlock()
	s.running.Wait()
	end := s.clock.Ahead() + d
	for {
		if err := s.ring(func(fn func()) { fn() }); err != nil {
			return err
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

// move never goes back: time has passed since the step was worked out.
func (s *Scheduler) move(ahead time.Duration) error {
	s.clock.Set(max(ahead, s.clock.Ahead()))
	return s.store.Update(func(tx *store.Tx) error {
		s.moved(tx, s.clock.Ahead())
		return nil
	})
}

// Reset deletes all rows and puts the business clock back to real time. Nothing fires meanwhile.
func (s *Scheduler) Reset() error {
	s.ringing.Lock()
	defer s.ringing.Unlock()
	s.running.Wait()
	s.clock.Set(0)
	return s.store.Reset()
}
