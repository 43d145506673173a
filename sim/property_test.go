package sim_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// TestWhateverHappensAnOrderStaysRight lets calls, people, time and faults come as they may, and
// looks after each step whether every order still makes sense. WXPAY_HISTORIES says how many
// histories there are; a failing one names its seed, which WXPAY_SEED plays again.
func TestWhateverHappensAnOrderStaysRight(t *testing.T) {
	t.Parallel()
	histories, _ := strconv.Atoi(cmp.Or(os.Getenv("WXPAY_HISTORIES"), "4"))
	first := rand.Uint64()
	if text := os.Getenv("WXPAY_SEED"); text != "" {
		first, _ = strconv.ParseUint(text, 10, 64)
		histories = 1
	}
	for i := range uint64(histories) {
		seed := first + i
		t.Run(fmt.Sprintf("WXPAY_SEED=%d", seed), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, seed)
			for range 120 {
				h.step()
				h.look()
				if t.Failed() {
					t.Logf("what happened:\n%s", h.story())
					return
				}
			}
			t.Logf("the orders ended as %s", h.ends())
		})
	}
}

// history is one course of things.
type history struct {
	*bench
	random *rand.Rand
	orders []*watched // that things happen to
	ended  []*watched // that nothing should happen to any more
	told   []string   // what happened
	seen   int        // notifications
	url    string
}

// watched is an order with what was seen of it last.
type watched struct {
	no   string
	last object // the query, nil while there is no order
}

func newHistory(t *testing.T, seed uint64) *history {
	b := newBench(t)
	h := &history{bench: b, random: rand.New(rand.NewPCG(seed, seed)), url: newReceiver(t, b).URL}
	for range 3 {
		h.orders = append(h.orders, h.another())
	}
	return h
}

func (h *history) another() *watched {
	return &watched{no: fmt.Sprintf("H%d", len(h.orders)+len(h.ended))}
}

func (h *history) tell(format string, args ...any) {
	h.told = append(h.told, fmt.Sprintf(format, args...))
}

func (h *history) story() string {
	var s []byte
	for i, line := range h.told {
		s = fmt.Appendf(s, "%3d  %s\n", i+1, line)
	}
	return string(s)
}

// ends is what has become of the orders.
func (h *history) ends() (ends []any) {
	for _, o := range slices.Concat(h.ended, h.orders) {
		ends = append(ends, o.last["state"])
	}
	return ends
}

func pick[T any](h *history, of ...T) T { return of[h.random.IntN(len(of))] }

// step is one thing that happens.
func (h *history) step() {
	o := pick(h, h.orders...)
	if len(h.ended) > 0 && h.random.IntN(4) == 0 {
		o = pick(h, h.ended...)
	}
	switch h.random.IntN(20) {
	case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9:
		h.callTwice(o)
	case 10, 11, 12, 13, 14:
		h.people(o)
	case 15, 16, 17:
		d := pick(h, time.Second, time.Minute, 3*time.Minute, 3*time.Minute, 3*time.Minute, time.Hour, 6*time.Hour, 24*time.Hour)
		if h.random.IntN(20) == 0 {
			d = 31 * 24 * time.Hour
		}
		h.tell("%v pass", d)
		h.Advance(d)
	default:
		f := world.Fault{Times: 1, Effect: pick(h, world.EffectReset, world.EffectTruncate, world.EffectWrongSignature, world.EffectHTML), After: pick(h, true, false)}
		if pick(h, true, false) {
			f = world.Fault{Times: 1, Event: "*", Effect: pick(h, world.EffectDrop, world.EffectDuplicate, world.EffectDuplicateAtOnce, world.EffectReorder, world.EffectProbe)}
		}
		h.tell("fault: %s %s", f.Event, f.Effect)
		h.fault(f)
	}
}

// callTwice makes a random call and then the same again: if the first succeeded, the second
// changes nothing.
func (h *history) callTwice(o *watched) {
	path, body := h.anyCall(o)
	call := func() (int, error) {
		res, err := h.client.Chain(path).Post(h.t.Context(), wechatpay.Path("out_order_no", o.no), wechatpay.JSON(body))
		if path == orders {
			res, err = h.client.Chain(path).Post(h.t.Context(), wechatpay.JSON(body))
		}
		if err != nil {
			return 0, err
		}
		return res.StatusCode, nil
	}
	status, err := call()
	h.tell("POST %s %s %s: %d %v", path, o.no, mustJSON(body), status, err)
	if err != nil {
		return
	}
	before := h.show(o)
	_, err = call()
	if wechatpay.OutcomeOf(err) == wechatpay.Refused && err != nil && path != orders+"/{out_order_no}/pay" {
		h.t.Errorf("the same call again: %v", err)
	}
	if after := h.show(o); !reflect.DeepEqual(before, after) {
		h.t.Errorf("the same call again changed\n%s\n    to %s", mustJSON(before), mustJSON(after))
	}
}

func (h *history) anyCall(o *watched) (path string, body object) {
	const order = orders + "/{out_order_no}/"
	amount := pick(h, 0, 100, 3000, 3000, 4000, 4000, 10000, 10001)
	switch pick(h, "create", "create", "complete", "complete", "complete", "modify", "modify", "pay", "sync", "sync", "cancel") {
	case "create":
		return orders, newOrder(object{"out_order_no": o.no, "notify_url": h.url, "attach": pick(h, "a", "b")})
	case "complete":
		return order + "complete", h.completion(amount, nil)
	case "modify":
		return order + "modify", h.modification(amount, nil)
	case "pay":
		return order + "pay", object{"sub_mchid": world.SubMerchant}
	case "sync":
		return order + "sync", h.synchronised(nil)
	default:
		return order + "cancel", cancelBody(pick(h, "r", "s"))
	}
}

func (h *history) people(o *watched) {
	c, ctx := h.Control(), h.t.Context()
	named := control.Order{OutOrderNo: o.no}
	acts := map[string]func(context.Context, control.Order) (control.OrderState, error){
		"confirm": c.Confirm, "leave": c.Leave, "cashier": c.OpenCashier, "pay": c.Pay, "deduction": c.StartDeduction,
	}
	what := pick(h, "confirm", "confirm", "confirm", "confirm", "leave", "cashier", "pay", "deduction", "money")
	if what == "money" {
		broke := pick(h, true, false)
		h.tell("the user is out of money: %v", broke)
		if err := c.SetUser(ctx, control.User{OpenID: world.OpenID, OutOfMoney: broke}); err != nil {
			h.t.Error(err)
		}
		return
	}
	after, err := acts[what](ctx, named)
	h.tell("the user: %s %s: %s %v", what, o.no, after.State, err)
}

// show is the order as a query shows it, nil if there is none.
func (h *history) show(o *watched) object {
	for range 3 { // a fault may wait for the query
		res, err := h.client.Chain(orders).Get(h.t.Context(), wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("out_order_no", o.no))
		if err == nil {
			var body object
			if err := json.Unmarshal(res.Body, &body); err != nil {
				h.t.Fatal(err)
			}
			return body
		}
		if wechatpay.OutcomeOf(err) == wechatpay.Refused {
			return nil
		}
	}
	h.t.Fatal("the query fails again and again")
	return nil
}

// look holds every order against what was seen of it before, and new notifications against it.
func (h *history) look() {
	for _, o := range slices.Concat(h.orders, h.ended) {
		now := h.show(o)
		if o.last != nil && final(o.last) && !reflect.DeepEqual(now, o.last) {
			h.t.Errorf("%s left its final state:\n%s\n    to %s", o.no, mustJSON(o.last), mustJSON(now))
		}
		if fault := senseless(now); fault != "" {
			h.t.Errorf("%s: %s: %s", o.no, fault, mustJSON(now))
		}
		o.last = now
	}
	notifications, err := h.Control().Notifications(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, n := range notifications[h.seen:] {
		h.agree(n)
	}
	h.seen = len(notifications)
	for i, o := range h.orders {
		if o.last != nil && final(o.last) && h.random.IntN(4) == 0 {
			h.ended = append(h.ended, o)
			h.orders[i] = h.another()
		}
	}
}

func final(order object) bool {
	return slices.Contains([]any{"DONE", "REVOKED", "EXPIRED"}, order["state"])
}

// senseless tells what is wrong with an order as it is shown.
func senseless(order object) string {
	if order == nil {
		return ""
	}
	description, doing := order["state_description"]
	if doing != (order["state"] == "DOING") {
		return "only an order that is DOING has a state_description"
	}
	c, _ := order["collection"].(object)
	switch {
	case c == nil && description == "MCH_COMPLETE":
		return "a completed order has no collection"
	case c == nil:
		return ""
	case order["state"] == "REVOKED" || order["state"] == "CREATED":
		return "an order that nobody pays for has a collection"
	case c["paid_amount"].(float64)+c["paying_amount"].(float64) != c["total_amount"].(float64) || c["total_amount"] != order["total_amount"]:
		return "paid and paying are not the total"
	case (c["state"] == "USER_PAID") != (order["state"] == "DONE"):
		return "paid and done do not agree"
	}
	return ""
}

// agree holds a notification that is new in this step against the order.
func (h *history) agree(n control.Notification) {
	var told object
	if err := json.Unmarshal(n.Resource, &told); err != nil {
		h.t.Fatal(err)
	}
	all := slices.Concat(h.orders, h.ended)
	i := slices.IndexFunc(all, func(o *watched) bool { return o.no == told["out_order_no"] })
	if i < 0 {
		h.t.Fatalf("a notification of no order: %s", n.Resource)
	}
	delete(told, "need_collection") // false, until there is something to collect
	for name, value := range told {
		if !reflect.DeepEqual(value, all[i].last[name]) {
			h.t.Errorf("%s of %s has %s: %v, the query %v", n.EventType, told["out_order_no"], name, value, all[i].last[name])
		}
	}
	if want := map[string]any{"PAYSCORE.USER_CONFIRM": "DOING", "PAYSCORE.USER_PAID": "DONE"}[n.EventType]; told["state"] != want {
		h.t.Errorf("%s says %v", n.EventType, told["state"])
	}
}
