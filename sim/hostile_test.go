package sim_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// These tests are of what a merchant may try who means no good, or is only clumsy.

func TestANotificationDoesNotReachTheManagementAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	management := httptest.NewServer(b.Management)
	t.Cleanup(management.Close)
	for _, path := range []string{"/reset", "/certificates", "/faults"} {
		no := b.created(object{"notify_url": management.URL + path})
		if _, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no, OpenID: path}); err != nil {
			t.Fatal(err)
		}
		n := b.Notifications()
		if last := n[len(n)-1]; last.Delivered || last.Attempts[0].Status != http.StatusForbidden {
			t.Errorf("a notification to %s is answered %+v", path, last.Attempts)
		}
		b.wantState(no, "DOING/USER_CONFIRM")
	}
}

func TestTheManagementAPIWantsItsBodies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	for _, body := range []string{"", "[]", `{"a":1}`, "{} {}", "null x"} {
		req, _ := http.NewRequest("POST", "http://localhost/reset", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		if res := serve(b.Management, req); res.Code != http.StatusBadRequest {
			t.Errorf("a reset with the body %q is answered %d", body, res.Code)
		}
	}
	b.wantState(no, "CREATED")
}

func TestTheClockStopsAtAHundredYears(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, by := range []time.Duration{200 * 365 * 24 * time.Hour, 60 * 365 * 24 * time.Hour, 60 * 365 * 24 * time.Hour, -1} {
		before, _ := b.Control().Clock(t.Context())
		_, err := b.Control().Advance(t.Context(), by)
		after, _ := b.Control().Clock(t.Context())
		if moved := after.Business.Sub(before.Business) > time.Hour; moved != (err == nil) {
			t.Errorf("by %v: moved %v, %v", by, moved, err)
		}
	}
}

func TestAnOrderIsNotShownToAnotherMerchantByItsQueryID(t *testing.T) {
	t.Parallel()
	const other = "1900000777"
	b := newBench(t, func(w *world.World) {
		w.Merchants = append(w.Merchants, world.Merchant{MchID: other, Parents: []string{world.ServiceProvider}, Grants: []string{"payscore"}})
	})
	state, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: b.created(nil)})
	if err != nil {
		t.Fatal(err)
	}
	query := func(subMchID string) answer {
		return b.call(http.MethodGet, orders, wechatpay.Query("sub_mchid", subMchID), wechatpay.Query("query_id", state.QueryID))
	}
	b.want(query(other), "404 ORDER_NOT_EXIST")
	b.want(query(world.SubMerchant), "200")
}

func TestAPackageIsUsedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(nil)
	no := o["out_order_no"].(string)
	b.want(b.create(o), "200")
	if _, err := b.Control().Leave(t.Context(), control.Order{OutOrderNo: no}); err != nil {
		t.Fatal(err)
	}
	b.wantState(no, "CREATED")
	b.want(b.create(o), "200")
	if _, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no}); err == nil || !strings.Contains(err.Error(), "订单未获得权益，系统繁忙") {
		t.Errorf("confirming with a package that was used: %v", err)
	}
}

func TestARedirectIsNoAnswerToANotification(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var followed atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			followed.Add(1)
			return
		}
		http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	b.Confirm(b.created(object{"notify_url": server.URL + "/here"}))
	if n := b.Notifications()[0]; n.Delivered || n.Attempts[0].Status != http.StatusTemporaryRedirect || followed.Load() != 0 {
		t.Errorf("the notification is %+v, followed %d times", n, followed.Load())
	}
}

func TestOnly200And204AcknowledgeANotification(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{200: true, 204: true, 201: false, 202: false, 400: false, 500: false} {
		b := newBench(t)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		b.Confirm(b.created(object{"notify_url": server.URL}))
		if n := b.Notifications()[0]; n.Delivered != want {
			t.Errorf("after %d it is delivered: %v", status, n.Delivered)
		}
	}
}

func TestAMerchantThatTakesTooLongDidNotAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(gone) })
	b.Confirm(b.created(object{"notify_url": server.URL}))
	if n := b.Notifications()[0]; n.Delivered || n.Attempts[0].Status != 0 || !strings.Contains(n.Attempts[0].Error, "deadline") {
		t.Errorf("the notification is %+v", n)
	}
}

func TestABodyOfAlmostAMebibyteIsRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := `{"reason":"` + strings.Repeat("r", 1<<20-100) + `"}`
	if got := read(t, b.send(raw{method: "POST", target: "/v3/payscore/partner/serviceorder/1/cancel", body: body})); !strings.HasPrefix(got, `400 {"code":"PARAM_ERROR"`) {
		t.Errorf("answered %.200s", got)
	}
}

func TestASerialNumberMayBeInLowerCase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	res := b.send(raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.SerialNo = strings.ToLower(a.SerialNo) }})
	if got := read(t, res); !strings.HasPrefix(got, "404") {
		t.Errorf("answered %s", got)
	}
}

func TestTheRequestLogIsBounded(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("x", 200<<10)
	gateway, err := sim.New(sim.Config{World: simtest.World(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	for range 1200 {
		req := httptest.NewRequest("POST", "/nothing", strings.NewReader(body))
		serve(gateway, req)
	}
	c := control.New("http://localhost", &http.Client{Transport: handlerTransport{gateway.Management()}})
	kept, err := c.Requests(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, x := range kept {
		size += len(x.Body)
	}
	ids := func(a, b control.Exchange) int { return a.ID - b.ID }
	if size > 33<<20 || len(kept) < 400 || kept[len(kept)-1].ID != 1200 || !slices.IsSortedFunc(kept, ids) {
		t.Errorf("the log keeps %d requests of %d bytes", len(kept), size)
	}
	if last, err := c.Requests(t.Context(), 1199); err != nil || len(last) != 1 {
		t.Errorf("since the last but one there are %d, %v", len(last), err)
	}
}

// handlerTransport calls a handler without a listener.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return serve(h, req).Result(), nil
}
