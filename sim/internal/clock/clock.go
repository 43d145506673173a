// Package clock holds the simulator's two clocks. The wire clock is real time: it dates
// signatures and judges theirs. The business clock dates orders and fires timers; it runs at
// the same pace, but can be moved ahead, so that after thirty days every client still signs
// and verifies.
package clock

import (
	"sync/atomic"
	"time"
)

// Beijing is UTC+8, in which WeChat Pay writes its times.
var Beijing = time.FixedZone("UTC+8", 8*60*60)

// Clock is both clocks. It is safe for concurrent use.
type Clock struct {
	wire  func() time.Time
	ahead atomic.Int64 // nanoseconds by which the business clock is ahead
}

// New returns a Clock whose wire clock is wire.
func New(wire func() time.Time) *Clock { return &Clock{wire: wire} }

// Wire is the time of signatures.
func (c *Clock) Wire() time.Time { return c.wire() }

// Business is the time of orders, in UTC+8.
func (c *Clock) Business() time.Time { return c.wire().Add(c.Ahead()).In(Beijing) }

// Ahead is by how much the business clock is ahead of the wire clock.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// Set makes the business clock as much ahead as told.
func (c *Clock) Set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }
