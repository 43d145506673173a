package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
)

// kills in the environment is how often TestNoAnswerIsLostWhenItIsKilled kills.
const kills = "WXPAY_KILLS"

// States of an order as its query tells them.
const (
	none      = "" // there is no such order
	created   = "CREATED"
	confirmed = "DOING USER_CONFIRM"
	completed = "DOING MCH_COMPLETE"
	done      = "DONE"
	revoked   = "REVOKED"
)

// told is what the simulator said about an order before it was killed.
type told struct {
	orderID string
	state   string // after the last call that was answered
	asked   string // the state that a call without an answer may have brought, if there was one
}

// allows tells whether an order in this state contradicts nothing. A completed order is paid in
// time, by itself.
func (o told) allows(state string) bool {
	return state == o.state || o.asked != "" && state == o.asked || state == done && (o.state == completed || o.asked == completed)
}

// witness knows everything that was answered, over all rounds.
type witness struct {
	mu        sync.Mutex
	names     []string // of the orders, the oldest first
	orders    map[string]*told
	delivered map[string]string // the notifications that arrived, to their orders
	recorded  map[string]bool   // those that the simulator called delivered
	ahead     time.Duration     // of the business clock
	answers   atomic.Int64
}

// answered notes the answer to a call about an order, and tells whether the next one may go out.
// Without an answer, the call may have been carried out.
func (w *witness) answered(no, state string, err error, alive func() bool) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.orders[no]
	if err != nil {
		o.asked = state
		if alive() {
			return false, fmt.Errorf("order %s to %s: %w", no, state, err)
		}
		return false, nil
	}
	o.state = state
	w.answers.Add(1)
	return true, nil
}

// receive is the merchant's receiver of notifications.
func (w *witness) receive(receiver func() *webhook.Receiver) http.Handler {
	return http.HandlerFunc(func(res http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			var n *webhook.Notification
			if n, err = receiver().Parse(r.Context(), r.Header, body); err == nil {
				w.mu.Lock()
				w.delivered[n.ID] = strings.TrimPrefix(r.URL.Path, "/")
				w.mu.Unlock()
				res.WriteHeader(http.StatusNoContent)
				return
			}
		}
		res.WriteHeader(http.StatusBadRequest)
	})
}

// process is a wxpay sim in a process of its own, which may be killed.
type process struct {
	*running
	cmd    *exec.Cmd
	killed atomic.Bool
	client *wechatpay.Client
	errs   bytes.Buffer
}

func startProcess(t *testing.T, dir string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], "sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir)}
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	p.cmd.Stderr = &p.errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.running = &running{dir: dir, lines: linesOf(out)}
	t.Cleanup(p.kill)
	p.waitFor(t, "/requests")
	go func() {
		for range p.lines { // so that it never waits to print
		}
	}()
	p.settings = readSettings(t, filepath.Join(dir, settingsFile))
	p.client = p.running.client(t)
	return p
}

// kill is kill -9. The second time it does nothing.
func (p *process) kill() {
	if !p.killed.Swap(true) {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// TestNoAnswerIsLostWhenItIsKilled kills the simulator in the middle of its work, again and again,
// and holds what it knows afterwards against everything that it said before.
func TestNoAnswerIsLostWhenItIsKilled(t *testing.T) {
	t.Parallel()
	rounds := 3
	if text := os.Getenv(kills); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	w := &witness{orders: map[string]*told{}, delivered: map[string]string{}, recorded: map[string]bool{}}
	var receiver atomic.Pointer[webhook.Receiver]
	shop := httptest.NewServer(w.receive(receiver.Load))
	defer shop.Close()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")

	checked := 0
	for round := range rounds {
		p := startProcess(t, dir)
		opens, err := webhook.New(webhook.Merchant{Verifier: p.client.Verifier(), APIv3Key: p.settings["WECHATPAY_APIV3_KEY"]})
		if err != nil {
			t.Fatal(err)
		}
		receiver.Store(opens)
		w.check(t, p, w.names[checked:])
		checked = len(w.names)
		w.load(t, p, round, shop.URL)
		if t.Failed() {
			t.Fatalf("round %d; its stderr: %s", round+1, &p.errs)
		}
	}
	w.check(t, startProcess(t, dir), w.names)
	t.Logf("%d kills, %d answers, %d orders, %d notifications", rounds, w.answers.Load(), len(w.names), len(w.delivered))
	if int(w.answers.Load()) < 20*rounds || len(w.delivered) < rounds {
		t.Error("there was next to no work")
	}
}

var errKilled = errors.New("it was killed")

// load lets merchants and users work until the simulator is killed, at a moment that nobody knows.
func (w *witness) load(t *testing.T, p *process, round int, notifyURL string) {
	t.Helper()
	const workers = 6
	enough := w.answers.Load() + 20 + rand.Int64N(150)
	within := time.Duration(rand.Int64N(int64(3 * time.Millisecond))) // about as long as a call takes
	timely, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	ctx, cancel := context.WithCancelCause(timely)
	shoot := sync.OnceFunc(func() {
		time.AfterFunc(within, func() {
			p.kill()
			cancel(errKilled) // nobody waits for another simulator to come
		})
	})
	defer context.AfterFunc(timely, shoot)()
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for n := 0; !p.killed.Load(); n++ {
				if err := w.life(ctx, p, fmt.Sprintf("kill%03dw%dn%d", round, worker, n), notifyURL, n%4); err != nil {
					t.Error(err)
					shoot()
					return
				}
				if w.answers.Load() >= enough {
					shoot()
				}
			}
		})
	}
	group.Go(func() { w.watch(ctx, p) })
	group.Wait()
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), errKilled) {
		t.Error("it took too long")
	}
}

// life is that of an order, as far as it is answered.
func (w *witness) life(ctx context.Context, p *process, no, notifyURL string, kind int) error {
	alive := func() bool { return !p.killed.Load() }
	orders := payscore.New(p.client).Partner().Serviceorder()
	w.mu.Lock()
	w.names = append(w.names, no)
	w.orders[no] = new(told)
	w.mu.Unlock()

	in := createRequest(no, notifyURL+"/"+no)
	in.TimeRange.EndTime = "20991231" // so that completing it needs no time
	order, err := orders.Post(ctx, in)
	if next, err := w.answered(no, created, err, alive); !next {
		return err
	}
	w.mu.Lock()
	w.orders[no].orderID = order.OrderID
	w.mu.Unlock()
	if kind > 0 {
		_, err = p.users().Confirm(ctx, control.Order{OutOrderNo: no})
		if next, err := w.answered(no, confirmed, err, alive); !next {
			return err
		}
	}
	if kind > 1 {
		_, err = orders.OutOrderNo(no).Complete().Post(ctx, payscore.CompletePartnerServiceOrderRequest{
			ServiceID: world.ServiceID, SubMchID: world.SubMerchant,
			PostPayments: []payscore.Payment{{Name: "雨伞租借", Amount: new(int64(price))}}, TotalAmount: price,
		})
		_, err = w.answered(no, completed, err, alive)
		return err
	}
	_, err = orders.OutOrderNo(no).Cancel().Post(ctx, cancelRequest())
	_, err = w.answered(no, revoked, err, alive)
	return err
}

// watch moves the clock, and remembers which notifications were said to be delivered.
func (w *witness) watch(ctx context.Context, p *process) {
	for n := 0; ctx.Err() == nil; n++ {
		clock, err := p.users().Advance(ctx, time.Second)
		if err != nil {
			return // it was killed, or else the others find out
		}
		w.mu.Lock()
		w.ahead = max(w.ahead, clock.Business.Sub(clock.Wire).Truncate(time.Second))
		w.mu.Unlock()
		if n%8 != 0 {
			continue
		}
		sent, err := p.users().Notifications(ctx)
		if err != nil {
			return
		}
		w.mu.Lock()
		for _, n := range sent {
			if n.Delivered {
				w.recorded[n.ID] = true
			}
		}
		w.mu.Unlock()
	}
}

// check holds what the simulator knows of the orders, its notifications and its clock against all
// that was told.
func (w *witness) check(t *testing.T, p *process, names []string) {
	t.Helper()
	clock, err := p.users().Clock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	ahead, delivered, recorded := w.ahead, maps.Clone(w.delivered), maps.Clone(w.recorded)
	w.mu.Unlock()
	if now := clock.Business.Sub(clock.Wire) + time.Millisecond; now < ahead {
		t.Errorf("the business clock is %v ahead, and was %v", now, ahead)
	}
	for _, no := range names {
		w.checkOrder(t, p, no)
	}

	sent, err := p.users().Notifications(t.Context()) // after the orders, which go on by themselves
	if err != nil {
		t.Fatal(err)
	}
	known, told := map[string]control.Notification{}, map[string]bool{}
	for _, n := range sent {
		known[n.ID] = n
		told[path.Base(n.URL)+" "+n.EventType] = true
	}
	for _, id := range slices.Sorted(maps.Keys(delivered)) {
		if n, ok := known[id]; !ok || path.Base(n.URL) != delivered[id] {
			t.Errorf("notification %s of order %s arrived, and is not in the log", id, delivered[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(recorded)) {
		if !known[id].Delivered {
			t.Errorf("notification %s was delivered, and no longer is", id)
		}
	}
	for _, no := range names {
		state := w.orders[no].state
		if state == confirmed && !told[no+" PAYSCORE.USER_CONFIRM"] || state == completed && !told[no+" PAYSCORE.USER_CONFIRM"] || state == done && !told[no+" PAYSCORE.USER_PAID"] {
			t.Errorf("order %s is %s, and there is no notification of it", no, state)
		}
	}
}

func (w *witness) checkOrder(t *testing.T, p *process, no string) {
	t.Helper()
	o, state, orderID := w.orders[no], none, ""
	order, err := payscore.New(p.client).Partner().Serviceorder().Get(t.Context(), payscore.GetPartnerServiceOrderQuery{SubMchID: world.SubMerchant, OutOrderNo: no})
	switch {
	case err == nil:
		state, orderID = strings.TrimSpace(string(order.State)+" "+string(order.StateDescription)), order.OrderID
	case !errors.Is(err, code.OrderNotExist):
		t.Fatal(err)
	}
	if !o.allows(state) {
		t.Errorf("order %s is %q, and the last answer said %q (%q was asked for)", no, state, o.state, o.asked)
	}
	if o.orderID != "" && orderID != o.orderID {
		t.Errorf("order %s has the order_id %q, and was created with %q", no, orderID, o.orderID)
	}
	*o = told{orderID: orderID, state: state} // which is an answer, too
}
