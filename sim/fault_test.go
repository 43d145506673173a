package sim_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

func (b *bench) fault(f world.Fault) {
	b.t.Helper()
	if _, err := b.Control().AddFault(b.t.Context(), f); err != nil {
		b.t.Fatal(err)
	}
}

const cancelTemplate = "/" + cancel

// TestWhatAFaultDoesToACall strikes a cancel with each effect, and looks whether the order was
// cancelled all the same.
func TestWhatAFaultDoesToACall(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault     world.Fault
		is        error
		text      string
		outcome   wechatpay.Outcome
		cancelled bool
	}{
		"a system error before the work":          {world.Fault{Effect: world.EffectStatus, Status: 500, Code: "SYSTEM_ERROR"}, code.SystemError, "500 SYSTEM_ERROR", wechatpay.Unknown, false},
		"a system error after the work":           {world.Fault{Effect: world.EffectStatus, Status: 500, Code: "SYSTEM_ERROR", After: true}, code.SystemError, "500 SYSTEM_ERROR", wechatpay.Unknown, true},
		"too many calls":                          {world.Fault{Effect: world.EffectStatus, Status: 429, Code: "FREQUENCY_LIMITED", Message: "请求过于频繁", RetryAfter: 3}, code.FrequencyLimited, "请求过于频繁", wechatpay.Unknown, false},
		"a reset before the work":                 {world.Fault{Effect: world.EffectReset}, nil, "", wechatpay.Unknown, false},
		"a reset after the work":                  {world.Fault{Effect: world.EffectReset, After: true}, nil, "", wechatpay.Unknown, true},
		"the page of a proxy":                     {world.Fault{Effect: world.EffectHTML}, nil, "502 Bad Gateway", wechatpay.Unknown, false},
		"an answer that is signed wrongly":        {world.Fault{Effect: world.EffectWrongSignature}, auth.ErrBadSignature, "", wechatpay.Unknown, true},
		"an answer that is not signed":            {world.Fault{Effect: world.EffectUnsigned}, auth.ErrNotSigned, "", wechatpay.Unknown, true},
		"an answer that names an unknown key":     {world.Fault{Effect: world.EffectUnknownSerial}, auth.ErrUnknownSerial, "", wechatpay.Unknown, true},
		"an answer with the signature of a probe": {world.Fault{Effect: world.EffectProbe}, auth.ErrProbe, "", wechatpay.Unknown, true},
		"an answer of six minutes ago":            {world.Fault{Effect: world.EffectStale}, auth.ErrExpired, "", wechatpay.Unknown, true},
		"an answer that is signed ahead":          {world.Fault{Effect: world.EffectFuture}, auth.ErrExpired, "", wechatpay.Unknown, true},
		"an answer that comes too late":           {world.Fault{Effect: world.EffectDelay, Delay: world.Duration(time.Minute)}, nil, "deadline", wechatpay.Unknown, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.client = b.Client(wechatpay.AttemptTimeout(2*time.Second), wechatpay.MaxAttempts(1))
			no := b.created(nil)
			tt.fault.Path, tt.fault.Times = cancelTemplate, 1
			b.fault(tt.fault)
			_, err := b.client.Chain(cancel).Post(t.Context(), wechatpay.Path("out_order_no", no), wechatpay.JSON(cancelBody("r")))
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error is %v, want %v …%s…", err, tt.is, tt.text)
			}
			if got := wechatpay.OutcomeOf(err); err != nil && got != tt.outcome {
				t.Errorf("the outcome is %v, want %v: %v", got, tt.outcome, err)
			}
			want := "CREATED"
			if tt.cancelled {
				want = "REVOKED"
			}
			b.wantState(no, want)
			b.want(b.cancel(no, cancelBody("r")), "204") // it struck once
		})
	}
}

func TestAnAnswerThatEndsInItsMiddle(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	b.fault(world.Fault{Method: "GET", Effect: world.EffectTruncate, Times: 1})
	_, err := b.client.Chain(orders).Get(t.Context(), wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("out_order_no", no))
	if err == nil || wechatpay.OutcomeOf(err) != wechatpay.Unknown || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("the error is %v", err)
	}
	b.wantState(no, "CREATED")
}

func TestAcceptedAndNotDone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	b.fault(world.Fault{Method: "POST", Effect: world.EffectStatus, Status: 202, Times: 1})
	if a := b.cancel(no, cancelBody("r")); a.status != http.StatusAccepted || !a.res.Verified {
		t.Errorf("answered %v", a)
	}
	b.wantState(no, "CREATED")
}

func TestWhichCallsAFaultFits(t *testing.T) {
	t.Parallel()
	strikes := world.Fault{Effect: world.EffectStatus, Status: 503}
	tests := map[string]struct {
		change func(f *world.Fault, no string)
		want   string
	}{
		"every call":                 {func(*world.Fault, string) {}, "503"},
		"its path":                   {func(f *world.Fault, _ string) { f.Path = cancelTemplate }, "503"},
		"another path":               {func(f *world.Fault, _ string) { f.Path = "/" + orders }, "204"},
		"another method":             {func(f *world.Fault, _ string) { f.Method = "GET" }, "204"},
		"its merchant":               {func(f *world.Fault, _ string) { f.MchID = world.ServiceProvider }, "503"},
		"another merchant":           {func(f *world.Fault, _ string) { f.MchID = "1" }, "204"},
		"its order":                  {func(f *world.Fault, no string) { f.Order = no }, "503"},
		"another order":              {func(f *world.Fault, _ string) { f.Order = "1" }, "204"},
		"the host of its listener":   {func(f *world.Fault, _ string) { f.Host = "api.mch.weixin.qq.com" }, "503"},
		"the host of its request":    {func(f *world.Fault, _ string) { f.Host = "127.0.0.1" }, "503"},
		"another host":               {func(f *world.Fault, _ string) { f.Host = "api2.mch.weixin.qq.com" }, "204"},
		"an event, which is no call": {func(f *world.Fault, _ string) { f.Event, f.Effect, f.Status = "*", world.EffectDrop, 0 }, "204"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			no := b.created(nil)
			f := strikes
			tt.change(&f, no)
			b.fault(f)
			b.want(b.cancel(no, cancelBody("r")), tt.want)
		})
	}
}

// TestAnOutageOfOneHostLeavesTheOtherOne has a client go on by the backup, with the same state.
func TestAnOutageOfOneHostLeavesTheOtherOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	client, err := wechatpay.New(b.Merchant(), wechatpay.Hosts(map[string]string{"api.mch.weixin.qq.com": b.URL, "api2.mch.weixin.qq.com": b.BackupURL}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	no := b.created(nil)
	b.fault(world.Fault{Host: "api.mch.weixin.qq.com", Effect: world.EffectReset})
	if _, err := client.Chain(cancel).Post(t.Context(), wechatpay.Path("out_order_no", no), wechatpay.JSON(cancelBody("r"))); err != nil {
		t.Errorf("cancelling by the backup: %v", err)
	}
	seen, err := b.Control().Requests(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for _, x := range seen[1:] { // the first created the order
		hosts = append(hosts, x.Listener+" "+strconv.Itoa(x.Status))
	}
	if want := []string{"api.mch.weixin.qq.com 0", "api2.mch.weixin.qq.com 204"}; !slices.Equal(hosts, want) {
		t.Errorf("the calls were %q, want %q", hosts, want)
	}
	if err := b.Control().ClearFaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantState(no, "REVOKED")
}

func TestAFaultForOneRequestComesInItsHeader(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	post := func(fault string) error {
		_, err := b.client.Chain(cancel).Post(t.Context(), wechatpay.Path("out_order_no", no), wechatpay.JSON(cancelBody("r")), wechatpay.Header("Wxpay-Sim-Fault", fault))
		return err
	}
	if err := post(`{"effect":"status","status":429,"code":"FREQUENCY_LIMITED"}`); !errors.Is(err, code.FrequencyLimited) {
		t.Errorf("the error is %v", err)
	}
	if err := post(`{"effect":"nonsense"}`); err != nil {
		t.Errorf("a header that is no fault: %v", err)
	}
	b.wantState(no, "REVOKED")
}

func TestARefusedCallUsesNoFaultUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	b.fault(world.Fault{Effect: world.EffectStatus, Status: 503, Times: 1})
	b.want(b.cancel(no, cancelBody(strings.Repeat("因", 51))), "400 PARAM_ERROR")
	b.want(b.cancel(no, cancelBody("r")), "503")
}

func TestFaultsAreTheSameUnderTheSameSeed(t *testing.T) {
	t.Parallel()
	history := func(seed uint64) string {
		w := simtest.World(t)
		w.Seed, w.Faults = seed, []world.Fault{{Method: "GET", Effect: world.EffectStatus, Status: 503, Probability: 0.5}}
		g := simtest.StartWith(t, sim.Config{World: w})
		b := &bench{g, g.Client(wechatpay.MaxAttempts(1)), t}
		var s strings.Builder
		for range 40 {
			s.WriteString(b.query("none").String()[:3] + " ")
		}
		return s.String()
	}
	first := history(1)
	if again := history(1); again != first || !strings.Contains(first, "503") || !strings.Contains(first, "404") {
		t.Errorf("under one seed the answers were %s\n    and then %s", first, again)
	}
	if other := history(2); other == first {
		t.Errorf("under another seed the answers were the same: %s", other)
	}
}

func TestFaultsAreListedAndTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	id, err := b.Control().AddFault(t.Context(), world.Fault{Effect: world.EffectStatus, Status: 503})
	if err != nil {
		t.Fatal(err)
	}
	b.fault(world.Fault{Event: "*", Effect: world.EffectDrop, Times: 2})
	all, err := b.Control().Faults(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != id.ID || all[0].Left != -1 || all[1].Left != 2 {
		t.Errorf("the faults are %+v, %v", all, err)
	}
	b.want(b.cancel(no, cancelBody("r")), "503")
	if err := b.Control().RemoveFault(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := b.Control().RemoveFault(t.Context(), id); err == nil {
		t.Error("a fault was taken out twice")
	}
	b.want(b.cancel(no, cancelBody("r")), "204")
	if err := b.Control().ClearFaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, err := b.Control().Faults(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("the faults are %+v, %v", all, err)
	}
}

func TestAFaultThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, f := range map[string]world.Fault{
		"no effect":                      {},
		"an effect of notifications":     {Effect: world.EffectDrop},
		"an effect of calls on an event": {Effect: world.EffectReset, Event: "*"},
		"an event with a path":           {Effect: world.EffectDrop, Event: "*", Path: cancelTemplate},
		"an event with a host":           {Effect: world.EffectDrop, Event: "*", Host: "localhost"},
		"a status that is none":          {Effect: world.EffectStatus, Status: 99},
		"a page of success":              {Effect: world.EffectHTML, Status: 200},
		"a probability above one":        {Effect: world.EffectReset, Probability: 2},
		"a delay of nothing":             {Effect: world.EffectDelay},
		"a negative number of times":     {Effect: world.EffectReset, Times: -1},
	} {
		if _, err := b.Control().AddFault(t.Context(), f); err == nil || !strings.Contains(err.Error(), "fault: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFaultOfWhatDoesNotExistIsRefusedWithWhatIsNear(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, tt := range map[string]struct {
		fault world.Fault
		want  string
	}{
		"a path with a letter too few":   {world.Fault{Path: "/v3/payscore/partner/serviceorder/{out_order_no}/cancl"}, "no operation has the path /v3/payscore/partner/serviceorder/{out_order_no}/cancl; near it are " + cancelTemplate + ","},
		"a path with a number filled in": {world.Fault{Path: "/v3/payscore/partner/serviceorder/T1/cancel"}, cancelTemplate},
		"a path without its slash":       {world.Fault{Path: cancel}, cancelTemplate},
		"a method that is none":          {world.Fault{Method: "PSOT"}, "no operation has the method PSOT; near it are POST"},
		"a method that the path lacks":   {world.Fault{Method: "GET", Path: cancelTemplate}, "no operation has the method GET with the path " + cancelTemplate + "; it has POST"},
		"a method in lower case":         {world.Fault{Method: "post"}, "near it are POST"},
		"an event that is none":          {world.Fault{Event: "PAYSCORE.USER_PAY"}, "no notification has the event PAYSCORE.USER_PAY; near it are PAYSCORE.USER_PAID,"},
	} {
		tt.fault.Effect = world.EffectReset
		if tt.fault.Event != "" {
			tt.fault.Effect = world.EffectDrop
		}
		if _, err := b.Control().AddFault(t.Context(), tt.fault); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant …%s…", name, err, tt.want)
		}
	}
	b.fault(world.Fault{Method: "POST", Path: cancelTemplate, Effect: world.EffectReset})
	b.fault(world.Fault{Event: "PAYSCORE.USER_PAID", Effect: world.EffectDrop})
}

// TestWhatAFaultDoesToANotification strikes the first delivery, and looks what the merchant saw.
func TestWhatAFaultDoesToANotification(t *testing.T) {
	t.Parallel()
	tests := map[world.Effect]struct {
		is       error // what the receiver refused the first delivery with
		received int   // in all, after the second delivery
		attempts int
	}{
		world.EffectDrop:           {nil, 1, 2},
		world.EffectDuplicate:      {nil, 2, 2},
		world.EffectWrongSignature: {auth.ErrBadSignature, 1, 2},
		world.EffectUnsigned:       {auth.ErrNotSigned, 1, 2},
		world.EffectUnknownSerial:  {auth.ErrUnknownSerial, 1, 2},
		world.EffectProbe:          {auth.ErrProbe, 1, 2},
		world.EffectStale:          {auth.ErrExpired, 1, 2},
		world.EffectFuture:         {auth.ErrExpired, 1, 2},
		world.EffectWrongAPIv3Key:  {crypt.ErrDecrypt, 1, 2},
	}
	for effect, tt := range tests {
		t.Run(string(effect), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := newReceiver(t, b)
			b.fault(world.Fault{Event: "PAYSCORE.USER_CONFIRM", Effect: effect, Times: 1})
			b.Confirm(b.created(object{"notify_url": r.URL}))
			b.Advance(time.Minute)
			n := b.Notifications()[0]
			if len(n.Attempts) != tt.attempts || !n.Delivered || n.Attempts[0].Fault != effect {
				t.Errorf("the notification is %+v", n)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.received) != tt.received {
				t.Errorf("received %d, want %d", len(r.received), tt.received)
			}
			if err := errors.Join(r.errs...); tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && err != nil {
				t.Errorf("refused with %v, want %v", err, tt.is)
			}
		})
	}
}

func TestANotificationThatIsLate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	b.fault(world.Fault{Event: "*", Effect: world.EffectDelay, Delay: world.Duration(time.Hour)})
	b.Confirm(b.created(object{"notify_url": r.URL}))
	b.Advance(59 * time.Minute)
	if n := b.Notifications()[0]; len(n.Attempts) != 0 {
		t.Errorf("after 59 minutes it is %+v", n)
	}
	b.Advance(time.Minute)
	r.only(t)
}

func TestANotificationThatComesAfterTheNext(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	b.fault(world.Fault{Event: "PAYSCORE.USER_CONFIRM", Effect: world.EffectReorder, Times: 1})
	first, second := b.created(object{"notify_url": r.URL}), b.created(object{"notify_url": r.URL})
	b.Confirm(first)
	if n := b.Notifications()[0]; len(n.Attempts) != 0 {
		t.Errorf("it was delivered at once: %+v", n)
	}
	b.Confirm(second)
	b.Advance(time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.received) != 2 || !strings.Contains(string(r.received[0].Resource), second) || !strings.Contains(string(r.received[1].Resource), first) {
		t.Errorf("received %d: want the second order's first", len(r.received))
	}
}

func TestANotificationThatNothingFollowsComesAfterAMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	b.fault(world.Fault{Event: "*", Effect: world.EffectReorder})
	b.Confirm(b.created(object{"notify_url": r.URL}))
	b.Advance(time.Minute)
	r.only(t)
}

func TestANotificationIsResentAndProbed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	b.Confirm(b.created(object{"notify_url": r.URL}))
	n := b.Notifications()[0]
	if err := b.Control().Resend(t.Context(), n.ID); err != nil {
		t.Fatal(err)
	}
	b.Advance(0)
	probed, err := b.Control().Send(t.Context(), n.ID, world.EffectProbe)
	if err != nil || len(probed) != 1 || probed[0].Status != http.StatusInternalServerError {
		t.Errorf("the probe was answered %+v, %v", probed, err)
	}
	r.mu.Lock()
	if len(r.received) != 2 || r.received[0].ID != r.received[1].ID || len(r.errs) != 1 || !errors.Is(r.errs[0], auth.ErrProbe) {
		t.Errorf("received %d, refused %v", len(r.received), r.errs)
	}
	r.mu.Unlock()
	if err := b.Control().Resend(t.Context(), "none"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("resending what is not there: %v", err)
	}
}

func TestAConnectionIsResetInTheMiddleOfAnAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	res := b.send(raw{method: "GET", target: queryTarget, header: func(h http.Header) { h.Set("Wxpay-Sim-Fault", `{"effect":"truncate"}`) }})
	if body, err := io.ReadAll(res.Body); err == nil || len(body) == 0 {
		t.Errorf("read %q, %v", body, err)
	}
}
