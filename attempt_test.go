package wechatpay_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
)

// Three calls that differ in whether they may be attempted again when the first may have happened.
const (
	queryOrder  = "GET v3/payscore/partner/serviceorder"
	cancelOrder = "POST v3/payscore/partner/serviceorder/{out_order_no}/cancel" // repeatable, by the catalog
	payOrder    = "POST v3/payscore/partner/serviceorder/{out_order_no}/pay"    // not repeatable
)

// nobody listens on this port: one that was closed, another test might open.
const nobody = "http://127.0.0.1:1"

// host is a server of WeChat Pay that does as told, and records what reached its business layer.
type host struct {
	*httptest.Server
	mu     sync.Mutex
	plan   []trouble // for one request after the other, then none
	bodies []string  // that the business layer saw
	nonces []string  // of all requests
}

// trouble is what happens to one request.
type trouble string

const (
	fine            trouble = ""
	resetBefore     trouble = "reset before the work was done"
	resetAfter      trouble = "reset after the work was done"
	slow            trouble = "slow first byte"
	cut             trouble = "truncated body"
	tooMany         trouble = "429"
	tooManyUnsigned trouble = "429 without a signature"
	tooManyLater    trouble = "429 with Retry-After"
	tooManyMuch     trouble = "429 with Retry-After of an hour"
	systemError     trouble = "500"
	badGateway      trouble = "502 HTML"
	unavailable     trouble = "503"
	gatewayTimeout  trouble = "504"
	refusedCall     trouble = "400"
	stale           trouble = "stale timestamp"
	unknownSerial   trouble = "unknown serial"
	probed          trouble = "probe signature"
	stripped        trouble = "stripped headers"
	swapped         trouble = "swapped body"
	undecodable     trouble = "undecodable verified 200"
	accepted        trouble = "202 with a code"
	redirected      trouble = "redirect"

	// Those are not the doing of one host.
	unconnected trouble = "connect refused"
	firstDown   trouble = "first host down"
	clockOff    trouble = "clock off by 6 minutes"
	rotated     trouble = "certificate rotated mid-flight"
)

func newHost(t *testing.T, plan ...trouble) *host {
	t.Helper()
	h := &host{plan: plan}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Server.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a, _ := auth.ParseAuthorization(r.Header.Get("Authorization"))
	h.mu.Lock()
	does := fine
	if len(h.plan) > 0 {
		does, h.plan = h.plan[0], h.plan[1:]
	}
	h.nonces = append(h.nonces, a.Nonce)
	if seconds, _ := strconv.ParseInt(a.Timestamp, 10, 64); time.Since(time.Unix(seconds, 0)).Abs() > auth.Window {
		does = clockOff
	}
	switch does {
	case clockOff, resetBefore, tooMany, tooManyUnsigned, tooManyLater, tooManyMuch, unavailable, badGateway, refusedCall, redirected:
	default:
		h.bodies = append(h.bodies, string(body))
	}
	h.mu.Unlock()
	h.answer(w, r, does)
}

func (h *host) answer(w http.ResponseWriter, r *http.Request, does trouble) {
	status, text, at := http.StatusOK, `{"state":"REVOKED"}`, time.Now()
	switch does {
	case resetBefore, resetAfter:
		hangUp(w)
		return
	case slow:
		<-r.Context().Done()
		return
	case cut:
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"state":`))
		return
	case badGateway:
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>502</html>"))
		return
	case redirected:
		w.Header().Set("Location", "https://example.com")
		w.WriteHeader(http.StatusFound)
		return
	case tooMany, tooManyUnsigned:
		status, text = http.StatusTooManyRequests, `{"code":"FREQUENCY_LIMITED"}`
	case tooManyLater:
		status, text = http.StatusTooManyRequests, `{"code":"FREQUENCY_LIMITED"}`
		w.Header().Set("Retry-After", "1")
	case tooManyMuch:
		status, text = http.StatusTooManyRequests, `{"code":"FREQUENCY_LIMITED"}`
		w.Header().Set("Retry-After", "3600")
	case systemError:
		status, text = http.StatusInternalServerError, `{"code":"SYSTEM_ERROR"}`
	case unavailable:
		status, text = http.StatusServiceUnavailable, `{"code":"SERVICE_UNAVAILABLE"}`
	case gatewayTimeout:
		status, text = http.StatusGatewayTimeout, ""
	case refusedCall:
		status, text = http.StatusBadRequest, `{"code":"PARAM_ERROR"}`
	case clockOff:
		status, text = http.StatusUnauthorized, `{"code":"SIGN_ERROR","message":"Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"}`
	case stale:
		at = at.Add(-6 * time.Minute)
	case undecodable:
		text = `[]`
	case accepted:
		status, text = http.StatusAccepted, `{"code":"USERPAYING","state":"DOING"}`
	}
	res := answer(status, text, at)
	switch does {
	case unknownSerial:
		res.Header.Set("Wechatpay-Serial", "7B")
	case probed:
		res.Header.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x")
	case stripped, gatewayTimeout, tooManyUnsigned, clockOff:
		unsigned(res)
	case swapped:
		text = `{"state":"DONE"}`
	}
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// business is what reached the business layer.
func (h *host) business() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.bodies)
}

// twoHosts is a client of two hosts, the second of which stands in for the first.
func twoHosts(t *testing.T, first, second string, opts ...wechatpay.Option) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(merchant(), append([]wechatpay.Option{
		wechatpay.Hosts(map[string]string{"api.mch.weixin.qq.com": first, "api2.mch.weixin.qq.com": second}),
		wechatpay.AttemptTimeout(300 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// rotating is a transport whose platform signs with its next certificate once a call is under way.
type rotating struct {
	issuer
	next platformCertificate
}

func (r *rotating) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/v3/certificates" {
		return r.issuer.RoundTrip(req)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	r.set(func() { r.listed, r.signs = []platformCertificate{r.signs, r.next}, r.next })
	return r.next.answer(res.StatusCode, string(body)), err
}

// troubled is a client that is in one of the troubles that are not the doing of one host.
func troubled(t *testing.T, by trouble, first, second string, opts ...wechatpay.Option) *wechatpay.Client {
	t.Helper()
	switch by {
	case unconnected:
		return twoHosts(t, nobody, nobody, opts...)
	case firstDown:
		return twoHosts(t, nobody, second, opts...)
	case clockOff:
		return twoHosts(t, first, second, append(opts, wechatpay.Clock(func() time.Time { return time.Now().Add(-6 * time.Minute) }))...)
	case rotated:
		old := certificateOf(t, 0)
		client, err := wechatpay.New(certificateMerchant(), append(opts, wechatpay.BaseURL(first),
			wechatpay.Transport(&rotating{issuer{listed: []platformCertificate{old}, signs: old}, certificateOf(t, 1)}),
			wechatpay.DownloadCertificates(time.Hour, func(err error) { t.Error(err) }))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
	return twoHosts(t, first, second, opts...)
}

// makeCall makes a call, and returns how many attempts it took.
func makeCall(t *testing.T, client *wechatpay.Client, name string) (res *wechatpay.Response, attempts int, err error) {
	t.Helper()
	method, path, _ := strings.Cut(name, " ")
	var args []string
	var in any
	if method == "POST" {
		args, in = []string{"1"}, cancelRequest{SubMchID: "1900000109", Reason: "用户取消"}
	}
	res = &wechatpay.Response{}
	_, err = wechatpay.Call(t.Context(), client, method, "/"+path, args, in, []wechatpay.CallOption{wechatpay.Into(res)}, new(order))
	if e, ok := errors.AsType[*wechatpay.Error](err); ok {
		return nil, e.Attempts, err
	}
	return res, res.Attempts, err
}

// TestTheFaultMatrix has each trouble once. The rows say what becomes of a query, of a call that may be
// repeated, and of one that may not: the outcome, after how many attempts, and the error of the
// first of them that failed.
func TestTheFaultMatrix(t *testing.T) {
	t.Parallel()
	const ok = "ok"
	type row struct {
		query, repeatable, other string
		text                     string // of the error
		is                       error  // nil if no error is named for it
	}
	all := func(end, text string, is error) row { return row{end, end, end, text, is} }
	again := func(text string, is error) row { return row{ok + " 2", ok + " 2", "Unknown 1", text, is} }
	for does, want := range map[trouble]row{
		fine:            all(ok+" 1", "", nil),
		unconnected:     all("NotSent 3", "refused", syscall.ECONNREFUSED),
		firstDown:       all(ok+" 2", "refused", syscall.ECONNREFUSED),
		resetBefore:     again("reset", syscall.ECONNRESET),
		resetAfter:      again("reset", syscall.ECONNRESET),
		slow:            again("deadline", context.DeadlineExceeded),
		cut:             again("broke off", io.ErrUnexpectedEOF),
		tooMany:         all(ok+" 2", "429", code.FrequencyLimited),
		tooManyUnsigned: again("429", nil),
		tooManyLater:    all(ok+" 2", "429", code.FrequencyLimited),
		tooManyMuch:     all("Unknown 1", "429", code.FrequencyLimited),
		systemError:     again("500", code.SystemError),
		badGateway:      again("502 Bad Gateway", nil),
		unavailable:     again("503", code.Code("SERVICE_UNAVAILABLE")),
		gatewayTimeout:  again("504 Gateway Timeout", nil),
		refusedCall:     all("Refused 1", "400", code.ParamError),
		clockOff:        all("Refused 1", "401", code.SignError),
		stale:           all("Unknown 1", "5 minutes", auth.ErrExpired),
		unknownSerial:   all("Unknown 1", `"7B"`, auth.ErrUnknownSerial),
		probed:          again("probe", auth.ErrProbe),
		stripped:        all("Unknown 1", "not signed", auth.ErrNotSigned),
		swapped:         all("Unknown 1", "does not match", auth.ErrBadSignature),
		rotated:         all(ok+" 1", "", nil),
		undecodable:     all("Unknown 1", "does not fit", nil),
		accepted:        all("Unknown 1", "202 USERPAYING", code.Userpaying),
		redirected:      all("Unknown 1", "302", nil),
	} {
		for call, end := range map[string]string{queryOrder: want.query, cancelOrder: want.repeatable, payOrder: want.other} {
			t.Run(string(does)+": "+call, func(t *testing.T) {
				t.Parallel()
				first, second := newHost(t, does), newHost(t)
				var failed error // first
				client := troubled(t, does, first.URL, second.URL, wechatpay.Trace(func(_ context.Context, a wechatpay.Attempt) {
					if a.Path != "/v3/certificates" {
						failed = cmp.Or(failed, a.Err)
					}
				}))
				res, attempts, err := makeCall(t, client, call)
				failed = cmp.Or(failed, err) // what does not decode is no failed attempt
				got := ok
				if err != nil {
					got = wechatpay.OutcomeOf(err).String()
				} else if !res.Verified {
					t.Error("a success is not verified")
				}
				if got := fmt.Sprint(got, " ", attempts); got != end {
					t.Errorf("ended as %s, want %s: %v", got, end, err)
				}
				if (failed == nil) != (want.text == "") || failed != nil && (!strings.Contains(failed.Error(), want.text) || want.is != nil && !errors.Is(failed, want.is)) {
					t.Errorf("the error is %v, want %q and %v", failed, want.text, want.is)
				}
				done := append(first.business(), second.business()...)
				if call == payOrder && len(done) > 1 {
					t.Errorf("a call that may not be repeated reached the business layer %d times", len(done))
				}
				if (got == ok) && len(done) == 0 || (got == "NotSent" || got == "Refused") && len(done) > 0 {
					t.Errorf("ended as %s, but was done %d times", got, len(done))
				}
				if len(done) > 1 && done[0] != done[1] {
					t.Errorf("a call was repeated with other bytes:\n%s\n%s", done[0], done[1])
				}
			})
		}
	}
}

func TestAVerifiedSuccessThatDoesNotDecodeIsNotAttemptedAgain(t *testing.T) {
	t.Parallel()
	first, second := newHost(t, undecodable), newHost(t)
	_, err := wechatpay.Call(t.Context(), twoHosts(t, first.URL, second.URL), "GET", "/v3/payscore/partner/serviceorder", nil, nil, nil, new(order))
	if err == nil || wechatpay.OutcomeOf(err) != wechatpay.Unknown || len(first.business()) != 1 || len(second.business()) != 0 {
		t.Errorf("got %v, after %d and %d", err, len(first.business()), len(second.business()))
	}
}

func TestAnAttemptAfterAnIOErrorGoesToTheOtherHost(t *testing.T) {
	t.Parallel()
	first, second := newHost(t, resetAfter, fine, fine), newHost(t, fine, resetBefore, fine)
	client := twoHosts(t, first.URL, second.URL)
	count := func() [2]int { return [2]int{len(first.business()), len(second.business())} }
	for i, want := range [][2]int{{1, 1}, {2, 1}, {3, 1}} {
		if _, _, err := makeCall(t, client, cancelOrder); err != nil {
			t.Fatal(err)
		}
		// The second call goes to the stand-in, which fails, so that the first is tried again and stays.
		if got := count(); got != want {
			t.Errorf("after call %d the hosts did %v, want %v", i+1, got, want)
		}
	}
	if slices.Equal(first.nonces[:1], second.nonces[:1]) {
		t.Error("the second attempt has the signature of the first")
	}
}

func TestAHostThatIsDownIsLeftOutForHalfAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		down := true
		client := newClient(t, &gateway{}, wechatpay.Transport(transportFunc(func(req *http.Request) (*http.Response, error) {
			hosts = append(hosts, req.URL.Host)
			if down && req.URL.Host == "api.mch.weixin.qq.com" {
				return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
			}
			return answer(200, "{}", time.Now()), nil
		})))
		call := func(want ...string) {
			t.Helper()
			hosts = nil
			if _, _, err := makeCall(t, client, payOrder); err != nil || !slices.Equal(hosts, want) {
				t.Errorf("called %v, %v, want %v", hosts, err, want)
			}
		}
		call("api.mch.weixin.qq.com", "api2.mch.weixin.qq.com")
		call("api2.mch.weixin.qq.com")
		time.Sleep(31 * time.Second)
		down = false
		call("api.mch.weixin.qq.com")
	})
}

// downHosts is a transport of hosts some of which are down.
type downHosts struct {
	down   []string
	called []string
}

func (d *downHosts) RoundTrip(req *http.Request) (*http.Response, error) {
	d.called = append(d.called, req.URL.Host)
	if slices.Contains(d.down, req.URL.Host) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}
	return answer(204, "", time.Now()), nil
}

// TestWhatAHostDoesIsHeldAgainstItAlone has a client call hosts some of which are down, one after another.
func TestWhatAHostDoesIsHeldAgainstItAlone(t *testing.T) {
	t.Parallel()
	const (
		api, api2, hk, pay = "api.mch.weixin.qq.com", "api2.mch.weixin.qq.com", "apihk.mch.weixin.qq.com", "pay.wechatpay.cn"
		home, overseas     = "v3/x", "v3/global/x"
		invoice            = "https://pay.wechatpay.cn/invoicing/fapiao/fapiao-file?token=1"
	)
	type step struct {
		call string
		want []string // the hosts that it goes to
	}
	for name, tt := range map[string]struct {
		down  []string
		steps []step
	}{
		"a failing download of another host in between": {[]string{api, pay}, []step{
			{home, []string{api, api2}}, {invoice, []string{pay, pay, pay}}, {home, []string{api2}}}},
		"two hosts with stand-ins": {[]string{api, hk}, []step{
			{home, []string{api, api2}}, {overseas, []string{hk, api, hk}}, {home, []string{api2}}}},
		"a host overseas alone": {[]string{hk}, []step{
			{overseas, []string{hk, api}}, {home, []string{api}}, {overseas, []string{api}}}},
		"both, the one overseas first": {[]string{api, hk}, []step{
			{overseas, []string{hk, api, hk}}, {home, []string{api2}}, {overseas, []string{api, hk, api}}, {home, []string{api2}}}},
		"a host and its stand-in": {[]string{api, api2}, []step{
			{home, []string{api, api2, api}}, {home, []string{api2, api, api2}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hosts := &downHosts{down: tt.down}
				client := newClient(t, nil, wechatpay.Transport(hosts))
				for i, step := range tt.steps {
					hosts.called = nil
					if strings.HasPrefix(step.call, "https:") {
						_, _ = client.Download(t.Context(), step.call)
					} else {
						_, _ = client.Chain(step.call).Get(t.Context())
					}
					if !slices.Equal(hosts.called, step.want) {
						t.Errorf("call %d, of %s, goes to %v, want %v", i+1, step.call, hosts.called, step.want)
					}
				}
			})
		})
	}
}

// TestWhoHangsUpSaysNothingAboutTheHost: the next call goes to the same one.
func TestWhoHangsUpSaysNothingAboutTheHost(t *testing.T) {
	t.Parallel()
	var called []string
	hangUp := func() {}
	client := newClient(t, nil, wechatpay.Transport(transportFunc(func(req *http.Request) (*http.Response, error) {
		called = append(called, req.URL.Host)
		hangUp()
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		return answer(204, "", time.Now()), nil
	})))
	ctx, cancel := context.WithCancel(t.Context())
	hangUp = cancel
	if _, err := client.Chain("v3/x").Get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if _, err := client.Chain("v3/x").Get(t.Context()); err != nil || !slices.Equal(called, []string{"api.mch.weixin.qq.com", "api.mch.weixin.qq.com"}) {
		t.Errorf("called %v, %v", called, err)
	}
}

// TestWhatIsSentElsewhereStaysThere: who maps a host to a simulator wants nothing of it at WeChat Pay.
func TestWhatIsSentElsewhereStaysThere(t *testing.T) {
	t.Parallel()
	const api, api2, hk = "api.mch.weixin.qq.com", "api2.mch.weixin.qq.com", "apihk.mch.weixin.qq.com"
	for name, tt := range map[string]struct {
		hosts map[string]string
		call  string
		want  []string
	}{
		"the first host alone":            {map[string]string{api: "https://a"}, "v3/x", []string{"a", "a", "a"}},
		"the host overseas alone":         {map[string]string{hk: "https://a"}, "v3/global/x", []string{"a", "a", "a"}},
		"both":                            {map[string]string{api: "https://a", api2: "https://b"}, "v3/x", []string{"a", "b"}},
		"the stand-in alone":              {map[string]string{api2: "https://b"}, "v3/x", []string{api, "b"}},
		"neither, which is for real":      {nil, "v3/x", []string{api, api2}},
		"another one, which is no matter": {map[string]string{hk: "https://a"}, "v3/x", []string{api, api2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hosts := &downHosts{down: []string{api, hk, "a"}}
				client := newClient(t, nil, wechatpay.Transport(hosts), wechatpay.Hosts(tt.hosts))
				_, _ = client.Chain(tt.call).Get(t.Context())
				if !slices.Equal(hosts.called, tt.want) {
					t.Errorf("called %v, want %v", hosts.called, tt.want)
				}
			})
		})
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestWhereNothingListensNothingWasSent(t *testing.T) {
	t.Parallel()
	down := nobody
	_, attempts, err := makeCall(t, twoHosts(t, down, down), payOrder)
	if attempts != 3 || wechatpay.OutcomeOf(err) != wechatpay.NotSent {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
	first := newHost(t)
	if _, attempts, err := makeCall(t, twoHosts(t, down, first.URL), payOrder); err != nil || attempts != 2 {
		t.Errorf("with a host that stands in, after %d attempts: %v", attempts, err)
	}
}

// TestTheOutcomeIsThatOfAllAttempts: a refusal tells nothing about an attempt before it.
func TestTheOutcomeIsThatOfAllAttempts(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]wechatpay.Outcome{cancelOrder: wechatpay.Unknown, queryOrder: wechatpay.Refused} {
		first, second := newHost(t, resetAfter), newHost(t, refusedCall)
		_, attempts, err := makeCall(t, twoHosts(t, first.URL, second.URL), call)
		if attempts != 2 || wechatpay.OutcomeOf(err) != want || !errors.Is(err, code.ParamError) {
			t.Errorf("%s: after %d attempts %v: %v", call, attempts, wechatpay.OutcomeOf(err), err)
		}
	}
	for name, tt := range map[string]struct {
		plan              []trouble
		query, repeatable wechatpay.Outcome
	}{
		"429 and a refusal":                       {[]trouble{tooMany, refusedCall}, wechatpay.Refused, wechatpay.Refused},
		"429 twice and a refusal":                 {[]trouble{tooMany, tooMany, refusedCall}, wechatpay.Refused, wechatpay.Refused},
		"429 without a signature and a refusal":   {[]trouble{tooManyUnsigned, refusedCall}, wechatpay.Refused, wechatpay.Unknown},
		"429 with and without one, and a refusal": {[]trouble{tooMany, tooManyUnsigned, refusedCall}, wechatpay.Refused, wechatpay.Unknown},
		"429 without and with one, and a refusal": {[]trouble{tooManyUnsigned, tooMany, refusedCall}, wechatpay.Refused, wechatpay.Unknown},
	} {
		for call, want := range map[string]wechatpay.Outcome{queryOrder: tt.query, cancelOrder: tt.repeatable} {
			first := newHost(t, tt.plan...)
			var traced []wechatpay.Attempt
			client := twoHosts(t, first.URL, first.URL, wechatpay.Trace(func(_ context.Context, a wechatpay.Attempt) { traced = append(traced, a) }))
			_, attempts, err := makeCall(t, client, call)
			if attempts != len(tt.plan) || wechatpay.OutcomeOf(err) != want || !errors.Is(err, code.ParamError) {
				t.Errorf("%s after %s: after %d attempts %v", call, name, attempts, err)
			}
			if last := traced[len(traced)-1].Err; last.Error() != err.Error() {
				t.Errorf("%s after %s: traced %v, want %v", call, name, last, err)
			}
		}
	}
}

// TestATraceMayKeepItsError is for the race detector: neither the client nor the caller writes to it.
func TestATraceMayKeepItsError(t *testing.T) {
	t.Parallel()
	first := newHost(t, resetAfter, refusedCall)
	var readers sync.WaitGroup
	client := twoHosts(t, first.URL, first.URL, wechatpay.Trace(func(_ context.Context, a wechatpay.Attempt) {
		readers.Go(func() {
			e, _ := errors.AsType[*wechatpay.Error](a.Err)
			if e == nil || e.Outcome != wechatpay.Unknown || e.Attempts != a.Number || e.Path != a.Path || e.Method != "POST" {
				t.Errorf("traced %v", a.Err)
			}
		})
	}))
	_, _, err := makeCall(t, client, cancelOrder)
	e, ok := errors.AsType[*wechatpay.Error](err)
	if !ok {
		t.Fatal(err)
	}
	e.Outcome, e.Attempts, e.Path, e.Method = wechatpay.Refused, 0, "", "" // it is the caller's
	readers.Wait()
}

func TestEachReasonToRetryHasItsSwitch(t *testing.T) {
	t.Parallel()
	down := nobody
	const all = wechatpay.RetryUnsent | wechatpay.RetryTooMany | wechatpay.RetryUnknown
	for name, tt := range map[string]struct {
		reason wechatpay.Retry
		first  string
	}{
		"nothing was sent":      {wechatpay.RetryUnsent, down},
		"too many calls":        {wechatpay.RetryTooMany, newHost(t, tooMany, fine, tooMany).URL},
		"it may have been done": {wechatpay.RetryUnknown, newHost(t, systemError, fine, systemError).URL},
	} {
		second := newHost(t)
		if _, attempts, err := makeCall(t, twoHosts(t, tt.first, second.URL, wechatpay.RetryFor(tt.reason)), cancelOrder); err != nil || attempts != 2 {
			t.Errorf("%s, on: after %d attempts %v", name, attempts, err)
		}
		if _, attempts, err := makeCall(t, twoHosts(t, tt.first, second.URL, wechatpay.RetryFor(all&^tt.reason)), cancelOrder); err == nil || attempts != 1 {
			t.Errorf("%s, off: after %d attempts %v", name, attempts, err)
		}
	}
	if _, attempts, err := makeCall(t, twoHosts(t, down, down, wechatpay.MaxAttempts(1)), queryOrder); err == nil || attempts != 1 {
		t.Errorf("with one attempt: %d, %v", attempts, err)
	}
	second := newHost(t)
	if _, attempts, err := makeCall(t, twoHosts(t, down, second.URL, wechatpay.BackupHosts(nil)), queryOrder); err == nil || attempts != 3 || len(second.business()) != 0 {
		t.Errorf("without a host that stands in: %d, %v", attempts, err)
	}
}

func TestNoAttemptGoesPastTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := newClient(t, &gateway{}, wechatpay.Transport(transportFunc(func(*http.Request) (*http.Response, error) {
			calls++
			res := answer(http.StatusTooManyRequests, `{"code":"FREQUENCY_LIMITED"}`, time.Now())
			res.Header.Set("Retry-After", "10")
			return res, nil
		})))
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		began := time.Now()
		_, err := client.Chain("v3/x").Get(ctx)
		if took := time.Since(began); err == nil || calls != 2 || took != 10*time.Second {
			t.Errorf("after %v and %d calls: %v, want to stop when the next wait would be too long", took, calls, err)
		}
	})
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after    string // %s is the date
		in       time.Duration
		min, max time.Duration // 0 if there is no other attempt
	}{
		"seconds":                      {"10", 0, 10 * time.Second, 10 * time.Second},
		"a date":                       {"%s", 10 * time.Second, 10 * time.Second, 10 * time.Second},
		"a date that is over":          {"%s", -time.Hour, 100 * time.Millisecond, 200 * time.Millisecond},
		"a date that is too far":       {"%s", time.Hour, 0, 0},
		"more seconds than are waited": {"61", 0, 0, 0},
		"neither":                      {"soon", 0, 100 * time.Millisecond, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var at []time.Time
				client := newClient(t, nil, wechatpay.MaxAttempts(2), wechatpay.Transport(transportFunc(func(*http.Request) (*http.Response, error) {
					at = append(at, time.Now())
					res := answer(http.StatusTooManyRequests, `{"code":"FREQUENCY_LIMITED"}`, time.Now())
					res.Header.Set("Retry-After", strings.ReplaceAll(tt.after, "%s", time.Now().Add(tt.in).UTC().Format(http.TimeFormat)))
					return res, nil
				})))
				_, err := client.Chain("v3/x").Get(t.Context())
				switch {
				case err == nil || len(at) != 2 && tt.max > 0 || len(at) != 1 && tt.max == 0:
					t.Errorf("after %d attempts: %v", len(at), err)
				case tt.max > 0 && (at[1].Sub(at[0]) < tt.min || at[1].Sub(at[0]) > tt.max):
					t.Errorf("waited %v", at[1].Sub(at[0]))
				}
			})
		})
	}
}

func TestTheWaitGrowsAndVaries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		client := newClient(t, &gateway{}, wechatpay.MaxAttempts(5), wechatpay.Transport(transportFunc(func(*http.Request) (*http.Response, error) {
			at = append(at, time.Now())
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		})))
		if _, err := client.Chain("v3/x").Get(t.Context()); err == nil {
			t.Fatal("it succeeded")
		}
		for i := range 4 {
			most := 200 * time.Millisecond << i
			if wait := at[i+1].Sub(at[i]); wait < most/2 || wait > most {
				t.Errorf("wait %d is %v, want %v to %v", i+1, wait, most/2, most)
			}
		}
	})
}

func TestEveryAttemptIsTracedAndLogged(t *testing.T) {
	t.Parallel()
	var traced []wechatpay.Attempt
	var log bytes.Buffer
	first, second := newHost(t, systemError), newHost(t)
	client := twoHosts(t, first.URL, second.URL,
		wechatpay.Trace(func(_ context.Context, a wechatpay.Attempt) { traced = append(traced, a) }),
		wechatpay.Logger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if _, _, err := makeCall(t, client, cancelOrder); err != nil {
		t.Fatal(err)
	}
	if len(traced) != 2 || traced[0].Number != 1 || traced[0].StatusCode != 500 || traced[0].Err == nil || traced[0].Wait == 0 ||
		traced[1].Number != 2 || traced[1].Err != nil || traced[1].StatusCode != 200 || !traced[1].Verified || traced[1].Wait != 0 || traced[1].Host == "" || traced[1].RequestID == "" {
		t.Errorf("traced %+v", traced)
	}
	failed, well, _ := strings.Cut(log.String(), "\n")
	for _, want := range []string{"mchid=1900000109 ", "attempt=1 ", "status=500 ", "wait=", ` err="wechatpay: POST /v3/payscore/partner/serviceorder/{out_order_no}/cancel: 500 SYSTEM_ERROR (`} {
		if !strings.Contains(failed, want) {
			t.Errorf("the record of the attempt that failed has no %s: %s", want, failed)
		}
	}
	if !strings.Contains(well, "mchid=1900000109 ") || !strings.Contains(well, "attempt=2 ") || strings.Contains(well, "err=") || strings.Count(well, "\n") != 1 {
		t.Errorf("the record of the attempt that succeeded is %s", well)
	}
}

// TestAnAttemptTellsWhoCalled: merchants and brands share the Trace and the Logger of [wechatpay.Client.For].
func TestAnAttemptTellsWhoCalled(t *testing.T) {
	t.Parallel()
	var traced wechatpay.Attempt
	var log bytes.Buffer
	shared := newClient(t, &gateway{status: 204},
		wechatpay.Trace(func(_ context.Context, a wechatpay.Attempt) { traced = a }),
		wechatpay.Logger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	other := merchant()
	other.MchID = "1900000201"
	for path, m := range map[string]wechatpay.Merchant{"/v3/x": other, "/brand/x": brand()} {
		client, err := shared.For(m)
		if err != nil {
			t.Fatal(err)
		}
		log.Reset()
		if err := post(t, client.Chain(path)); err != nil {
			t.Fatal(err)
		}
		want := "mchid=1900000201 "
		if m.BrandID != "" {
			want = "brand_id=1900009191 "
		}
		if traced.MchID != m.MchID || traced.BrandID != m.BrandID || !strings.Contains(log.String(), want) || strings.Count(log.String(), "id=19") != 1 {
			t.Errorf("traced %+v and logged %s", traced, &log)
		}
	}
}
