package sim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

func TestACashierThatNobodyPaidAtUnlocksTheOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID, OutOfMoney: true}); err != nil {
		t.Fatal(err)
	}
	no := b.completed(4000, nil)
	b.Advance(2 * time.Minute) // the first deduction failed; the next one is six hours away
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Control().OpenCashier(t.Context(), control.Order{OutOrderNo: no}); err != nil {
		t.Fatal(err)
	}
	b.Advance(3 * time.Minute)
	b.wantState(no, "DOING/MCH_COMPLETE")
	b.want(b.act(no, "modify", b.modification(3000, nil)), "204")
	b.Advance(6 * time.Hour)
	b.wantState(no, "DONE")
}

func TestADeductionIsNotEndedByItsUser(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := control.Order{OutOrderNo: b.completed(4000, nil)}
	if _, err := b.Control().StartDeduction(t.Context(), no); err != nil {
		t.Fatal(err)
	}
	for name, act := range map[string]func(context.Context, control.Order) (control.OrderState, error){
		"leaves": b.Control().Leave, "pays": b.Control().Pay, "goes to pay": b.Control().OpenCashier,
	} {
		if _, err := act(t.Context(), no); err == nil {
			t.Errorf("during a deduction the user %s", name)
		}
	}
	b.Advance(3 * time.Minute)
	b.wantState(no.OutOrderNo, "DONE")
	if n := b.Notifications(); len(n) != 2 {
		t.Errorf("there are %d notifications, want the confirmation and the payment", len(n))
	}
}

func TestAFaultOfNotificationsMayBeOfOneOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	struck, spared := b.created(object{"notify_url": r.URL}), b.created(object{"notify_url": r.URL})
	b.fault(world.Fault{Event: "*", Order: struck, Effect: world.EffectDrop, Times: 1})
	b.Confirm(spared)
	b.Confirm(struck)
	for i, n := range b.Notifications() {
		if want := []bool{true, false}[i]; n.Delivered != want {
			t.Errorf("notification %d is delivered: %v, want %v", i+1, n.Delivered, want)
		}
	}
}

func TestTheClockStopsWhenNobodyWaitsForIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID, OutOfMoney: true}); err != nil {
		t.Fatal(err)
	}
	b.completed(4000, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.Control().Advance(ctx, 99*365*24*time.Hour); err == nil || !strings.Contains(err.Error(), "the clock stopped on its way") {
		t.Errorf("moving the clock by 99 years: %v", err)
	}
	b.Advance(time.Minute)
}

func TestADeliveryThatTheJournalDidNotTakeIsMadeAgain(t *testing.T) {
	t.Parallel()
	journal := new(memory)
	g := simtest.StartWith(t, sim.Config{World: simtest.World(t), Journal: journal})
	b := &bench{g, g.Client(wechatpay.MaxAttempts(1)), t}
	r := newReceiver(t, b)
	r.then = func() { journal.fail(true) }
	b.Confirm(b.created(object{"notify_url": r.URL}))
	deadline := time.Now().Add(10 * time.Second)
	for journal.refusals() < 1 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	r.mu.Lock()
	r.then = nil
	r.mu.Unlock()
	journal.fail(false)
	for !delivered(b) && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if !delivered(b) || r.count() != 2 {
		t.Errorf("received %d, delivered %v: want a second delivery, which is kept", r.count(), delivered(b))
	}
}

func delivered(b *bench) bool {
	n, err := b.Control().Notifications(b.t.Context())
	return err == nil && len(n) == 1 && n[0].Delivered
}
