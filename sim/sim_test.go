package sim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// The tests of the simulator speak to it over HTTP, by the dynamic way of calling, which knows
// nothing of what the catalog says about a product.

const (
	orders = "v3/payscore/partner/serviceorder"
	cancel = orders + "/{out_order_no}/cancel"
)

// bench is a gateway with a client, and shortcuts for both.
type bench struct {
	*simtest.Gateway
	client *wechatpay.Client
	t      *testing.T
}

func newBench(t *testing.T, change ...func(*world.World)) *bench {
	t.Helper()
	var g *simtest.Gateway
	if len(change) == 0 {
		g = simtest.Start(t)
	} else {
		w := simtest.World(t)
		for _, fn := range change {
			fn(w)
		}
		g = simtest.StartWith(t, sim.Config{World: w})
	}
	return &bench{Gateway: g, client: g.Client(wechatpay.MaxAttempts(1)), t: t}
}

// with keeps the rules of the real gateway from being changed for other tests.
func rules(r world.Rules) func(*world.World) { return func(w *world.World) { w.Rules = r } }

// object is JSON, as a body or an answer.
type object = map[string]any

var lastNo atomic.Int64

// newOrder is the content of an order that is good, with the changes: a nil takes a member out.
func newOrder(changes object) object {
	o := object{
		"out_order_no":         fmt.Sprintf("T%d", lastNo.Add(1)),
		"service_id":           world.ServiceID,
		"appid":                world.AppID,
		"sub_mchid":            world.SubMerchant,
		"service_introduction": "共享充电宝",
		"time_range":           object{"start_time": "OnAccept"},
		"risk_fund":            object{"name": "DEPOSIT", "amount": 10000},
		"notify_url":           "https://example.com/notify",
	}
	maps.Copy(o, changes)
	for name, value := range o {
		if value == nil {
			delete(o, name)
		}
	}
	return o
}

// answer is what came back: a body, or an error.
type answer struct {
	status int
	body   object
	err    *wechatpay.Error
	res    wechatpay.Response
}

// String is the status with code and message, as tests expect it.
func (a answer) String() string {
	if a.err != nil {
		return fmt.Sprintf("%d %s %s", a.status, a.err.Code, a.err.Message)
	}
	return fmt.Sprint(a.status)
}

func (b *bench) call(method, path string, opts ...wechatpay.CallOption) answer {
	b.t.Helper()
	e := b.client.Chain(path)
	do := e.Post
	if method == http.MethodGet {
		do = e.Get
	}
	res, err := do(b.t.Context(), opts...)
	if err != nil {
		e, ok := errors.AsType[*wechatpay.Error](err)
		if !ok {
			b.t.Fatal(err)
		}
		return answer{status: e.StatusCode, err: e}
	}
	a := answer{status: res.StatusCode, res: *res}
	if len(res.Body) > 0 {
		if err := json.Unmarshal(res.Body, &a.body); err != nil {
			b.t.Fatal(err)
		}
	}
	return a
}

func (b *bench) create(o object) answer {
	b.t.Helper()
	return b.call(http.MethodPost, orders, wechatpay.JSON(o))
}

// created is the number of a new order.
func (b *bench) created(changes object) string {
	b.t.Helper()
	o := newOrder(changes)
	if a := b.create(o); a.status != http.StatusOK {
		b.t.Fatalf("creating an order: %v", a)
	}
	return o["out_order_no"].(string)
}

// confirmed is the number of a new order that its user confirmed.
func (b *bench) confirmed(changes object) string {
	b.t.Helper()
	no := b.created(changes)
	b.Confirm(no)
	return no
}

func (b *bench) query(no string) answer {
	b.t.Helper()
	return b.call(http.MethodGet, orders, wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("out_order_no", no))
}

func (b *bench) cancel(no string, body object) answer {
	b.t.Helper()
	return b.call(http.MethodPost, cancel, wechatpay.Path("out_order_no", no), wechatpay.JSON(body))
}

func cancelBody(reason string) object {
	return object{"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "reason": reason}
}

// state is state and state_description of an order, with a slash between.
func (b *bench) state(no string) string {
	b.t.Helper()
	a := b.query(no)
	if a.status != http.StatusOK {
		b.t.Fatalf("querying %s: %v", no, a)
	}
	state := a.body["state"].(string)
	if description, ok := a.body["state_description"].(string); ok {
		state += "/" + description
	}
	return state
}

// want compares an answer with the beginning of its text.
func (b *bench) want(a answer, want string) {
	b.t.Helper()
	if got := a.String(); got != want && (want == "" || !strings.HasPrefix(got, want)) {
		b.t.Errorf("answered %s\n    want %s", got, want)
	}
}

func (b *bench) wantState(no, want string) {
	b.t.Helper()
	if got := b.state(no); got != want {
		b.t.Errorf("order %s is %s, want %s", no, got, want)
	}
}

// now is the business time as Pay Score writes it.
func (b *bench) at(d time.Duration) string {
	b.t.Helper()
	c, err := b.Control().Clock(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return c.Business.Add(d).Format("20060102150405")
}
