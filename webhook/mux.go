package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Deadline is how long WeChat Pay waits for an answer to a notification. For the few that are
// questions it is shorter, see [Reply].
const Deadline = 5 * time.Second

// Mux takes notifications to the functions that handle them, each once, and answers. It is an
// http.Handler, which limits how long a body takes to come; http.Server.ReadHeaderTimeout limits the rest.
// [Mux.Answer] serves frameworks that do not take an http.Handler. It is safe for concurrent use.
type Mux struct {
	receiver *Receiver
	store    Store
	log      *slog.Logger
	deadline time.Duration
	running  chan struct{} // has room for the functions that may run at once

	mu     sync.RWMutex
	routes map[string][]route // by event type
	rest   *route
}

// route is what is done with a notification.
type route struct {
	event     string        // the type of the event, for messages
	originals []string      // original types that it is for, all if there are none
	alias     bool          // the event type is that of another event, as which this one was seen to arrive
	ambiguous bool          // and so was another one, so that nothing tells which it is
	deadline  time.Duration // the Mux's, if it is zero
	handle    func(context.Context, *Notification) error
	reply     func(context.Context, *Notification) (any, error) // in the place of handle
	sign      Sign                                              // the reply, if it is to be signed
}

// A MuxOption changes how a [Mux] works.
type MuxOption func(*Mux) error

// Remember has notifications handled once as s knows it. Default: a [Memory] of its own.
func Remember(s Store) MuxOption {
	return func(m *Mux) error {
		if s == nil {
			return errors.New("the Store is nil")
		}
		m.store = s
		return nil
	}
}

// Log has what is refused or fails logged, and why. Nothing of a notification is but what
// [Notification.LogValue] shows; errors of functions, and errors and texts that they panic with, are logged
// as they are. Default: slog.Default().
func Log(l *slog.Logger) MuxOption {
	return func(m *Mux) error {
		if l == nil {
			return errors.New("the Logger is nil: slog.DiscardHandler makes one that is silent")
		}
		m.log = l
		return nil
	}
}

// AnswerWithin is how long after its arrival a notification is answered at the latest. Default:
// [Deadline]; tests want less.
func AnswerWithin(d time.Duration) MuxOption {
	return func(m *Mux) error {
		if d <= 0 {
			return fmt.Errorf("AnswerWithin is %v, want more than nothing", d)
		}
		m.deadline = d
		return nil
	}
}

// DefaultAtOnce is how many functions run at once unless [AtOnce] says another number.
const DefaultAtOnce = 1000

// AtOnce is how many functions run at once, those included that are not waited for any more. What comes
// meanwhile is answered with a 503, and so comes again: where a function waits for what is dead, the
// program lives. Default: [DefaultAtOnce].
func AtOnce(n int) MuxOption {
	return func(m *Mux) error {
		if n <= 0 {
			return fmt.Errorf("AtOnce is %d, want at least 1", n)
		}
		m.running = make(chan struct{}, n)
		return nil
	}
}

// NewMux returns a Mux of what r opens.
func NewMux(r *Receiver, opts ...MuxOption) (*Mux, error) {
	if r == nil {
		return nil, errors.New("webhook: there is no receiver: make one with webhook.New")
	}
	m := &Mux{receiver: r, log: slog.Default(), deadline: Deadline, running: make(chan struct{}, DefaultAtOnce), routes: map[string][]route{}}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("webhook: a MuxOption is nil")
		}
		if err := opt(m); err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
	}
	if m.store == nil {
		m.store = NewMemory(0)
	}
	return m, nil
}

// Event is a notification with its content as a T, such as payscore.UserPaid.
type Event[T any] struct {
	Notification
	Data T
}

// On has fn called for the events that T is the type of: all that payscore.UserPaid, pay.Payment of APIv2
// and their like name. The event is WeChat Pay's, but what it says is still to be compared with the
// order: the amount above all, and of several merchants whose it is. If fn returns nil the notification
// is marked as handled, and answered so that it does not come again. An error or a panic has WeChat Pay
// send it again; so has the end of ctx, which is that of the time for an answer.
//
// A notification whose event type is that of several goes to the one of them that has a function: until
// March 2025 both shares and returns of profit arrived as TRANSACTION.SUCCESS. If several have one,
// nothing but the numbers in it tells which it is, and it goes to the function of [Mux.Default].
//
// Like http.ServeMux, On panics if T is no event's type, or one for [Reply], or if the event has a function
// already.
func On[T any](m *Mux, fn func(ctx context.Context, e Event[T]) error) {
	add[T](m, fn == nil, route{handle: func(ctx context.Context, n *Notification) error {
		e, err := decoded[T](n)
		if err != nil {
			return err
		}
		return fn(ctx, e)
	}})
}

// Default has fn called for the events that no function is there for, so that they can be kept. Without it they
// are refused, and WeChat Pay sends them again for a day.
func (m *Mux) Default(fn func(ctx context.Context, n *Notification) error) {
	if m == nil || m.routes == nil {
		panic("webhook: there is no Mux: make one with webhook.NewMux")
	}
	if fn == nil {
		panic("webhook: Default without a function")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rest = &route{event: "others", handle: fn}
}

func decoded[T any](n *Notification) (Event[T], error) {
	data, err := Decode[T](n)
	return Event[T]{Notification: *n, Data: data}, err
}

// zero is a T whose methods can be called.
func zero[T any]() any {
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Pointer {
		return reflect.New(t.Elem()).Interface()
	}
	return *new(T)
}

// add takes a route for the events of T.
func add[T any](m *Mux, missing bool, r route) {
	event := zero[T]()
	types := eventTypes(event)
	_, asks := event.(interface{ AnswerWithin() time.Duration })
	switch {
	case m == nil || m.routes == nil:
		panic("webhook: there is no Mux: make one with webhook.NewMux")
	case asks && r.reply == nil:
		panic(fmt.Sprintf("webhook: %T is a question that is answered with content: use webhook.Reply", event))
	case missing:
		panic(fmt.Sprintf("webhook: there is no function for %T", event))
	case len(types) == 0:
		panic(fmt.Sprintf("webhook: %T is no event's type: it has no method EventTypes. Mux.Default gets what has no type", event))
	}
	r.event, r.originals = fmt.Sprintf("%T", event), originalTypes(event)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, eventType := range types {
		r.alias, r.ambiguous = i > 0, false
		routes := m.routes[eventType]
		for i := range routes {
			switch {
			case !r.meets(routes[i]):
			case r.alias && routes[i].alias:
				r.ambiguous, routes[i].ambiguous = true, true
			default:
				panic(fmt.Sprintf("webhook: there are two functions for %s, of %s and of %s", eventType, routes[i].event, r.event))
			}
		}
		m.routes[eventType] = append(routes, r)
	}
}

// meets tells that both are for one original type. A route for all gives way to one for some.
func (r *route) meets(other route) bool {
	if len(r.originals) == 0 || len(other.originals) == 0 {
		return len(r.originals) == len(other.originals)
	}
	return slices.ContainsFunc(r.originals, func(t string) bool { return slices.Contains(other.originals, t) })
}

// takes tells that r is for n, which is of none of the original types that routes have. Some of APIv3 do not
// say theirs: they are what their event type is the own name of.
func (r *route) takes(n *Notification) bool {
	if len(r.originals) == 0 {
		return n.OriginalType != OriginalTypeV2
	}
	return n.OriginalType == "" && !r.alias && !slices.Contains(r.originals, OriginalTypeV2)
}

// route finds what is done with n, nil if nothing is.
func (m *Mux) route(n *Notification) *route {
	m.mu.RLock()
	defer m.mu.RUnlock()
	routes := m.routes[n.EventType]
	for i := range routes {
		switch {
		case !slices.Contains(routes[i].originals, n.OriginalType):
		case routes[i].ambiguous:
			return m.rest
		default:
			return &routes[i]
		}
	}
	var taker *route
	for i := range routes {
		switch {
		case !routes[i].takes(n):
		case taker == nil || len(routes[i].originals) == 0:
			taker = &routes[i]
		case len(taker.originals) > 0:
			return m.rest // it may be two things
		}
	}
	if taker != nil {
		return taker
	}
	if n.EventType == failureV2 && !n.Signed {
		return nil // anyone can say that something failed
	}
	return m.rest
}

// unrouted tells why n has no route.
func (m *Mux) unrouted(n *Notification) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var known []string
	for eventType := range m.routes {
		known = append(known, eventType)
	}
	slices.Sort(known)
	return fmt.Errorf("webhook: no function is there for the event %q with the original type %q, but for [%s]: add one with webhook.On, or for all others Mux.Default",
		n.EventType, n.OriginalType, strings.Join(known, " "))
}
