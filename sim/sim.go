// Package sim is a gateway that answers as WeChat Pay (微信支付) does, for tests and for trying
// things out: APIv3 has no sandbox. It is an [http.Handler] that any SDK can call.
//
// Go tests start with package simtest. Everybody else runs wxpay sim.
//
// A [Gateway] checks what it is sent as the real one does, signs what it answers, and keeps
// the state of what it was told. It takes every operation of the catalog, of APIv3 and APIv2; those that it
// has no rules of are answered in their documented shape, and so are all in a world that is stateless. Whom it
// knows is a [world.World]; what users do, how time passes and what was sent is asked and told by its
// [Gateway.Management].
//
// Some operations of APIv2 want the merchant's certificate in TLS: serve the Gateway with a
// [crypto/tls.Config] whose ClientAuth is RequestClientCert, and it judges what clients show.
//
// # Keys
//
// All keys are made for the occasion and are no secret. Do not use them elsewhere.
package sim

import (
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/bill"
	"github.com/openwechatpay/wechatpay/sim/internal/certificates"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/fault"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/manage"
	"github.com/openwechatpay/wechatpay/sim/internal/media"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/internal/payscore"
	"github.com/openwechatpay/wechatpay/sim/internal/schedule"
	"github.com/openwechatpay/wechatpay/sim/internal/shape"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/internal/trade"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Config says how a [Gateway] is made. The zero value is good.
type Config struct {
	World   *world.World     // whom it knows; nil stands for world.Default. It is copied
	Journal Journal          // keeps its state; nil if nothing is kept
	Clock   func() time.Time // the wire clock; nil stands for time.Now
	Log     *slog.Logger     // gets a record for each request; nil if nobody reads it

	// AllowCallbacks names hosts that notifications may go to. Loopback always is.
	AllowCallbacks []string

	// ManageToken is what calls of the management API have to carry: Authorization: Bearer and the
	// token. Without one they have to be to a loopback address.
	ManageToken string

	// Signer makes of a key of the gateway what signs with it: a faster one, for it is most of what an
	// answer costs. If it is nil, keys sign themselves. It is called again when certificates change. What it
	// returns must not be nil, and must not fail: an answer that cannot be signed is a panic.
	Signer func(*rsa.PrivateKey) crypto.Signer
}

// Journal keeps the events of a gateway, so that another one can go on where it ended.
type Journal = store.Journal

// Gateway is a simulated gateway. It is safe for concurrent use.
type Gateway struct {
	world      *world.World
	front      *front.Front
	management http.Handler
	schedule   *schedule.Scheduler
	notify     *notify.Service
	closed     chan struct{}
}

// New starts a Gateway. Close ends it.
func New(c Config) (*Gateway, error) {
	w, err := complete(c)
	if err != nil {
		return nil, err
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	clk := clock.New(now(c))
	st := store.New(clk.Business, c.Journal)
	ring, err := keys.New(w, st, c.Signer)
	if err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	faults := fault.New(w.Faults, w.Seed)
	n := &notify.Service{Clock: clk, Keys: ring, World: w, Store: st, Allow: c.AllowCallbacks, Faults: faults, Log: log}
	n.Start()
	closed := make(chan struct{})
	f := &front.Front{Clock: clk, Store: st, Keys: ring, Rules: w.Rules, Log: &front.Log{Seen: recorder(log)}, Faults: faults, Closed: closed}
	if err := route(f); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	f.Shape = (&shape.Shape{World: w, Clock: clk}).Answer
	certificates.Register(f, ring)
	products := f
	if w.Stateless {
		products = &front.Front{Store: st} // which nobody calls: tables stay, for the journal and the management API
	}
	media.Register(products)
	p := payscore.Register(products, w, n)
	trades := trade.Register(products, w, n, p.OutOfMoney)
	bill.Register(products, w, trades, p)
	moves := store.NewTable(st, "clock", store.Hooks[time.Duration]{
		Changed: func(_ string, _, ahead *time.Duration) {
			if ahead == nil {
				ahead = new(time.Duration)
			}
			clk.Set(*ahead)
		},
	})
	if err := st.Replay(); err != nil {
		n.Close()
		return nil, fmt.Errorf("sim: %w", err)
	}
	s := schedule.Start(clk, st, log, func(tx *store.Tx, ahead time.Duration) { moves.Put(tx, "", &ahead) })
	m := &manage.API{
		World: w, Keys: ring, Clock: clk, Store: st, Schedule: s, Notify: n, Log: f.Log, Faults: faults, PayScore: p, Trades: trades, Shape: f.Shape,
		Token: c.ManageToken,
	}
	return &Gateway{world: w, front: f, management: m.Handler(), schedule: s, notify: n, closed: closed}, nil
}

// route lets f know all operations of both APIs.
func route(f *front.Front) error {
	v2, err := catalog.LoadV2()
	if err != nil {
		return err
	}
	f.Route(catalog.Operations()...)
	f.RouteV2(v2.Operations()...)
	return nil
}

// ServeHTTP answers a merchant's call.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.front.ServeHTTP(w, r) }

// Host is the gateway as the host with this name, for a listener that stands for it: such as
// api2.mch.weixin.qq.com, which takes every call. A fault can strike one host only.
func (g *Gateway) Host(name string) http.Handler { return g.front.Host(name) }

// Management is the management API. Serve it on a listener of its own: on loopback, unless there
// is a [Config.ManageToken].
func (g *Gateway) Management() http.Handler { return g.management }

// World is whom the gateway knows, with the keys that it made. Written as JSON and read again, it
// makes a gateway with the same keys.
func (g *Gateway) World() *world.World { return g.world }

// Close ends what the gateway does by itself: timers, deliveries and delays. It is called once.
func (g *Gateway) Close() {
	close(g.closed)
	g.notify.Close()
	g.schedule.Close()
}

func now(c Config) func() time.Time {
	if c.Clock == nil {
		return time.Now
	}
	return c.Clock
}

// complete is a copy of the configured world that lacks nothing.
func complete(c Config) (*world.World, error) {
	w := c.World
	if w == nil {
		w = world.Default()
	}
	text, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	own := new(world.World)
	if err := json.Unmarshal(text, own); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	if err := own.Check(); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	if err := own.Complete(now(c)()); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	return own, nil
}

// recorder logs each exchange: what was asked, what was answered, and why not.
func recorder(log *slog.Logger) func(*front.Exchange) {
	return func(x *front.Exchange) {
		attrs := []any{"method", x.Method, "target", x.Target, "status", x.Status, "request_id", x.AnswerHeader.Get("Request-Id")}
		for _, check := range x.Checks {
			if !check.Passed {
				attrs = append(attrs, "refused_by", check.Name, "finding", check.Finding)
			}
		}
		log.Info("request", attrs...)
	}
}
