// Package fault chooses what goes wrong. It does nothing itself: who answers or delivers asks it.
package fault

import (
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/openwechatpay/wechatpay/sim/world"
)

// Set is the faults of a gateway, the first that fits goes first. It is safe for concurrent use.
type Set struct {
	world []world.Fault
	seed  uint64

	mu     sync.Mutex
	faults []*live
	random *rand.Rand
	last   int
}

// live is a fault with how often it may still strike.
type live struct {
	id   int
	left int // -1 for ever
	world.Fault
}

// New returns a Set of the faults. The same seed and the same calls in the same order have the same
// faults.
func New(faults []world.Fault, seed uint64) *Set {
	s := &Set{world: faults, seed: seed}
	s.Reset()
	return s
}

// Reset goes back to the faults that the Set was made with.
func (s *Set) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.random = rand.New(rand.NewPCG(s.seed, s.seed))
	s.faults = nil
	for _, f := range s.world {
		s.add(f)
	}
}

// Add adds a fault and returns its number.
func (s *Set) Add(f world.Fault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(f)
}

func (s *Set) add(f world.Fault) int {
	s.last++
	left := f.Times
	if left == 0 {
		left = -1
	}
	s.faults = append(s.faults, &live{s.last, left, f})
	return s.last
}

// Remove takes a fault out, and tells whether it was there.
func (s *Set) Remove(id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.faults)
	s.faults = slices.DeleteFunc(s.faults, func(f *live) bool { return f.id == id })
	return len(s.faults) < n
}

// Clear takes all faults out.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Listed is a fault with its number.
type Listed struct {
	ID   int `json:"id"`
	Left int `json:"left"` // how often it may still strike, -1 for ever
	world.Fault
}

// All returns the faults that may still strike.
func (s *Set) All() []Listed {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Listed{}
	for _, f := range s.faults {
		all = append(all, Listed{f.id, f.left, f.Fault})
	}
	return all
}

// Call is what a fault may fit to: a call.
type Call struct {
	Method, Path, MchID string
	Hosts               []string                // the names of the host that was called
	Names               func(order string) bool // whether it is about the order with this number
}

// OfCall returns the fault that strikes this call, nil if none does.
func (s *Set) OfCall(c Call) *world.Fault {
	return s.strike(func(f *world.Fault) bool {
		return f.Event == "" && fits(f.Method, c.Method) && fits(f.Path, c.Path) && fits(f.MchID, c.MchID) &&
			(f.Host == "" || slices.Contains(c.Hosts, f.Host)) && (f.Order == "" || c.Names(f.Order))
	})
}

// Effects of notifications strike either when one is queued or when it is delivered.
var queued = []world.Effect{world.EffectDelay, world.EffectReorder}

// Notification is what a fault may fit to: a notification.
type Notification struct{ Event, MchID, Order string }

// OfQueue returns the fault that strikes a notification as it is queued.
func (s *Set) OfQueue(n Notification) *world.Fault {
	return s.strike(func(f *world.Fault) bool { return slices.Contains(queued, f.Effect) && n.fits(f) })
}

// OfDelivery returns the fault that strikes one delivery of a notification.
func (s *Set) OfDelivery(n Notification) *world.Fault {
	return s.strike(func(f *world.Fault) bool { return !slices.Contains(queued, f.Effect) && n.fits(f) })
}

func (n Notification) fits(f *world.Fault) bool {
	return (f.Event == "*" || f.Event == n.Event) && fits(f.MchID, n.MchID) && fits(f.Order, n.Order) &&
		slices.Contains(world.EffectsOn(n.Event), f.Effect)
}

func fits(want, got string) bool { return want == "" || want == got }

// strike returns the first fault that fits and takes its chance.
func (s *Set) strike(fits func(*world.Fault) bool) *world.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !fits(&f.Fault) || f.Probability > 0 && s.random.Float64() >= f.Probability {
			continue
		}
		if f.left > 0 {
			f.left--
		}
		if f.left == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return &f.Fault
	}
	return nil
}
