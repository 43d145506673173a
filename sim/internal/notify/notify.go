// Package notify delivers notifications (回调通知) to merchants: signed and encrypted as WeChat
// Pay's are, and again on its ladder until somebody says that they arrived.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/fault"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Deadline is how long a merchant may take to answer.
const Deadline = 5 * time.Second

// Ladder names how long WeChat Pay waits between one delivery and the next.
type Ladder string

// The ladders. Most notifications are delivered on the first, which has no name.
const (
	Common      Ladder = ""
	EveryMinute Ladder = "every_minute" // of plans (支付分计划)
	Day         Ladder = "day"          // of payments and refunds: 15 deliveries, the last after a day
)

var ladders = map[Ladder][]time.Duration{
	Common: {
		15 * time.Second, 15 * time.Second, 30 * time.Second, 3 * time.Minute,
		30 * time.Minute, 30 * time.Minute, 30 * time.Minute, 30 * time.Minute, time.Hour,
	},
	Day: {
		15 * time.Second, 15 * time.Second, 30 * time.Second, 3 * time.Minute, 10 * time.Minute, 20 * time.Minute,
		30 * time.Minute, 30 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 3 * time.Hour, 3 * time.Hour, 6 * time.Hour, 6 * time.Hour,
	},
	EveryMinute: slices.Repeat([]time.Duration{time.Minute}, 11),
}

// Notification is a notification with its deliveries.
type Notification struct {
	ID             string          `json:"id"`
	MchID          string          `json:"mchid"`
	Order          string          `json:"order,omitempty"` // the merchant's number of what it is about
	URL            string          `json:"url"`
	EventType      string          `json:"event_type"`
	Summary        string          `json:"summary"`
	OriginalType   string          `json:"original_type"`
	AssociatedData string          `json:"associated_data"`
	Resource       json.RawMessage `json:"resource"` // in plain text
	Ladder         Ladder          `json:"ladder,omitempty"`
	CreateTime     time.Time       `json:"create_time"`

	// V2 makes it one of APIv2, in XML. Resource is its members then, as an object of strings.
	V2 *V2 `json:"v2,omitempty"`

	Next      time.Time `json:"next,omitzero"` // of the next delivery, zero if there will be none
	Held      bool      `json:"held,omitzero"` // until the next one of the merchant has gone
	Delivered bool      `json:"delivered"`     // the merchant said so
	Attempts  []Attempt `json:"attempts"`
}

// Attempt is one delivery.
type Attempt struct {
	At     time.Time    `json:"at"`
	Status int          `json:"status,omitzero"` // of the merchant's answer
	Error  string       `json:"error,omitempty"`
	Fault  world.Effect `json:"fault,omitempty"` // what struck it
}

// Delivery is a delivery on demand.
type Delivery struct {
	ID string `json:"id"` // of the notification
	Attempt
	Answer string `json:"answer,omitempty"` // the beginning of what the merchant answered
}

// Service delivers notifications.
type Service struct {
	Clock *clock.Clock
	Keys  *keys.Ring
	World *world.World
	Store *store.Store
	Allow []string // hosts other than loopback that may be called

	Faults *fault.Set
	Log    *slog.Logger

	table  *store.Table[Notification]
	client *http.Client
	mu     sync.Mutex
	held   map[string]map[string]bool // merchant to the notifications that wait for the next
	going  map[string]bool            // deliveries under way
	ctx    context.Context
	cancel context.CancelFunc
}

// Start adds the service's table to its store.
func (s *Service) Start() {
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.going = map[string]bool{}
	s.held = map[string]map[string]bool{}
	s.client = newClient()
	s.table = store.NewTable(s.Store, "notification", store.Hooks[Notification]{
		Due:     func(n *Notification) time.Time { return n.Next },
		Fire:    s.fire,
		Changed: s.index,
	})
}

// Close breaks deliveries off.
func (s *Service) Close() {
	s.cancel()
	s.client.CloseIdleConnections()
}

// Send queues a notification, to be delivered as soon as the transaction has ended.
func (s *Service) Send(tx *store.Tx, n Notification) error {
	_, err := s.queue(tx, n)
	return err
}

func (s *Service) queue(tx *store.Tx, n Notification) (*Notification, error) {
	resource := bytes.TrimSpace(n.Resource)
	if len(resource) == 0 {
		return nil, errors.New("a notification without a resource")
	}
	n.ID, n.CreateTime, n.Next = newID(), tx.Now, tx.Now
	s.release(tx, n.MchID)
	if f := s.Faults.OfQueue(n.told()); f != nil {
		n.Held = f.Effect == world.EffectReorder
		n.Next = tx.Now.Add(max(time.Duration(f.Delay), holding(n.Held)))
	}
	s.table.Put(tx, n.ID, &n)
	return &n, nil
}

// told is what faults may fit to.
func (n *Notification) told() fault.Notification {
	return fault.Notification{Event: n.EventType, MchID: n.MchID, Order: n.Order}
}

// holding is how long a notification waits for another one to go before it.
func holding(held bool) time.Duration {
	if held {
		return time.Minute
	}
	return 0
}

// release lets the merchant's notifications go that waited for the one which is being queued now.
func (s *Service) release(tx *store.Tx, mchID string) {
	for id := range s.held[mchID] {
		after := *s.table.Get(tx, id)
		after.Held, after.Next = false, tx.Now.Add(time.Millisecond)
		s.table.Put(tx, id, &after)
	}
}

// index keeps held as the table changes.
func (s *Service) index(id string, old, new *Notification) {
	if old != nil && old.Held {
		delete(s.held[old.MchID], id)
	}
	if new != nil && new.Held {
		if s.held[new.MchID] == nil {
			s.held[new.MchID] = map[string]bool{}
		}
		s.held[new.MchID][id] = true
	}
}

// Resend delivers a notification again, now, whatever became of it.
func (s *Service) Resend(tx *store.Tx, id string) error {
	n := s.table.Get(tx, id)
	if n == nil {
		return store.Missingf("there is no notification %q", id)
	}
	after := *n
	after.Next, after.Held, after.Delivered = tx.Now, false, false
	s.table.Put(tx, id, &after)
	return nil
}

// SendNow delivers a notification on demand, with an effect, "" for none. It stands beside the notification's
// own deliveries, which go on as they would have, and faults do not strike it.
func (s *Service) SendNow(id string, effect world.Effect) ([]Delivery, error) {
	var n *Notification
	s.Store.View(func(tx *store.Tx) { n = s.table.Get(tx, id) })
	if n == nil {
		return nil, store.Missingf("there is no notification %q", id)
	}
	if err := effect.CheckOnDemand(n.EventType); err != nil {
		return nil, err
	}
	return s.deliveries(n, effect), nil
}

// All returns the notifications, the oldest first.
func (s *Service) All() []*Notification {
	var all []*Notification
	s.Store.View(func(tx *store.Tx) {
		for _, n := range s.table.All(tx) {
			all = append(all, n)
		}
	})
	return all
}
