package wechatpay_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

const cancelPath = "v3/payscore/partner/serviceorder/{out_order_no}/cancel"

type cancelRequest struct {
	SubMchID string `json:"sub_mchid"`
	Reason   string `json:"reason"`
}

type order struct {
	State string `json:"state"`
	Total int64  `json:"total_amount"`

	Fee json.Number `json:"fee"`
}

func TestTheRequestOnTheWire(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	res, err := newClient(t, g).Chain(cancelPath).Post(t.Context(),
		wechatpay.Path("out_order_no", "20241124|001"),
		wechatpay.Query("note", "a b&c"),
		wechatpay.Header("Accept-Language", "en"),
		wechatpay.JSON(cancelRequest{SubMchID: "1900000209", Reason: "用户取消"}))
	if err != nil {
		t.Fatal(err)
	}
	g.checkSigned(t)
	if got, want := g.last.Method+" "+g.last.URL.String(), "POST https://api.mch.weixin.qq.com/v3/payscore/partner/serviceorder/20241124%7C001/cancel?note=a%20b%26c"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if got, want := string(g.sent), `{"sub_mchid":"1900000209","reason":"用户取消"}`; got != want {
		t.Errorf("sent the body %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"Accept": "application/json", "Content-Type": "application/json", "Wechatpay-Serial": keyID, "Accept-Language": "en",
	} {
		if got := g.last.Header.Get(name); got != want {
			t.Errorf("sent %s: %s, want %s", name, got, want)
		}
	}
	if !strings.HasPrefix(g.last.Header.Get("User-Agent"), "openwechatpay (") {
		t.Errorf("sent the User-Agent %q", g.last.Header.Get("User-Agent"))
	}
	if !res.Verified || res.Serial != keyID || res.StatusCode != 204 || res.RequestID != "08F3B1CC06-0" {
		t.Errorf("the response is %+v", res)
	}
}

func TestACallWithoutABodySendsNoContentType(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 200, body: `{"state":"DOING"}`}
	if _, err := newClient(t, g).Chain("/v3/certificates").Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.checkSigned(t)
	if len(g.sent) != 0 || g.last.Header.Get("Content-Type") != "" {
		t.Errorf("sent %q as %q", g.sent, g.last.Header.Get("Content-Type"))
	}
}

func TestCallDecodesWhatWasVerified(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 200, body: `{"state":"DOING","total_amount":4000,"new_field":1}`}
	var res wechatpay.Response
	out, err := wechatpay.Call(t.Context(), newClient(t, g), "GET", "/v3/order/{no}", []string{"1"}, nil,
		[]wechatpay.CallOption{wechatpay.Into(&res)}, new(order))
	if err != nil {
		t.Fatal(err)
	}
	if *out != (order{State: "DOING", Total: 4000}) {
		t.Errorf("decoded %+v", out)
	}
	if string(res.Body) != g.body || res.Method != "GET" || res.URL != "https://api.mch.weixin.qq.com/v3/order/1" {
		t.Errorf("the response is %+v", res)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	tests := map[string]struct {
		gateway gateway
		outcome wechatpay.Outcome
		is      error
		text    string
	}{
		"an order that is not there is refused": {
			gateway{status: 404, body: `{"code":"ORDER_NOT_EXIST","message":"订单不存在"}`},
			wechatpay.Refused, code.OrderNotExist, "404 ORDER_NOT_EXIST: 订单不存在 (Request-ID 08F3B1CC06-0)"},
		"a wrong key is refused without a signature": {
			gateway{status: 401, body: `{"code":"SIGN_ERROR","message":"签名错误","detail":{}}`, change: unsigned},
			wechatpay.Refused, code.SignError, "401 SIGN_ERROR: 签名错误"},
		"an unsigned 404 without a body is refused by the front": {
			gateway{status: 404, change: unsigned}, wechatpay.Refused, nil, "404 Not Found"},
		"an unsigned 403 may be a proxy's word": {
			gateway{status: 403, body: `<html>`, change: unsigned}, wechatpay.Unknown, nil, "403 Forbidden"},
		"a system error leaves the outcome open": {
			gateway{status: 500, body: `{"code":"SYSTEM_ERROR","message":"系统错误"}`},
			wechatpay.Unknown, code.SystemError, "never with a new number"},
		"HTML of a proxy leaves the outcome open": {
			gateway{status: 502, body: `<html>Bad Gateway</html>`, change: unsigned}, wechatpay.Unknown, nil, "502 Bad Gateway"},
		"a status without a name leaves the outcome open": {
			gateway{status: 520, change: unsigned}, wechatpay.Unknown, nil, "520 (Request-ID"},
		"a redirect is not followed": {
			gateway{status: 302, change: func(r *http.Response) { unsigned(r); r.Header.Set("Location", "https://example.com/") }},
			wechatpay.Unknown, nil, "302 Found"},
		"a redirect that WeChat Pay signed leaves the outcome open": {
			gateway{status: 303, change: func(r *http.Response) { r.Header.Set("Location", "https://example.com/") }},
			wechatpay.Unknown, nil, "303 See Other"},
		"a redirect to what is no address keeps its status": {
			gateway{status: 302, change: func(r *http.Response) { unsigned(r); r.Header.Set("Location", "http://[bad%zz?openid=secret") }},
			wechatpay.Unknown, nil, "302 Found"},
		"an unsigned success is not believed": {
			gateway{status: 200, body: `{"state":"DONE"}`, change: unsigned}, wechatpay.Unknown, auth.ErrNotSigned, "not signed"},
		"an unsigned empty 204 is not believed": {
			gateway{status: 204, change: unsigned}, wechatpay.Unknown, auth.ErrNotSigned, "not signed"},
		"a changed success is not believed": {
			gateway{status: 200, body: `{"state":"DONE"}`, change: swapBody(`{"state":"DOING"}`)}, wechatpay.Unknown, auth.ErrBadSignature, "does not match"},
		"the code of a changed refusal is not believed": {
			gateway{status: 404, body: `{}`, change: swapBody(`{"code":"ORDER_NOT_EXIST"}`)}, wechatpay.Unknown, auth.ErrBadSignature, "404 Not Found"},
		"an answer signed with an unknown key is not believed": {
			gateway{status: 204, change: func(r *http.Response) { r.Header.Set("Wechatpay-Serial", "7B") }}, wechatpay.Unknown, auth.ErrUnknownSerial, `"7B"`},
		"a probe is not believed": {
			gateway{status: 204, change: func(r *http.Response) { r.Header.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x") }}, wechatpay.Unknown, auth.ErrProbe, "probe"},
		"an old answer is not believed": {
			gateway{status: 204, change: func(r *http.Response) { r.Header = answer(204, "", time.Now().Add(-6*time.Minute)).Header }}, wechatpay.Unknown, auth.ErrExpired, "clock"},
		"a verified success that is not JSON leaves the outcome open": {
			gateway{status: 200, body: `{"state":`}, wechatpay.Unknown, nil, "is not JSON"},
		"a verified success of another form leaves the outcome open": {
			gateway{status: 200, body: `{"total_amount":"secret"}`}, wechatpay.Unknown, nil, `the field "total_amount"`},
		"an answer that breaks off leaves the outcome open": {
			gateway{status: 200, change: func(r *http.Response) { r.Body = io.NopCloser(brokenReader{}) }}, wechatpay.Unknown, io.ErrUnexpectedEOF, "broke off"},
		"an answer that never ends is cut": {
			gateway{status: 200, change: func(r *http.Response) { r.Body = io.NopCloser(endlessReader{}) }}, wechatpay.Unknown, nil, "MaxAnswer"},
		"a number that is none is not shown": {
			gateway{status: 200, body: `{"fee":"secret"}`}, wechatpay.Unknown, nil, "does not decode into *wechatpay_test.order"},
		"a refused connection means that nothing was sent": {
			gateway{err: &net.OpError{Op: "dial", Net: "tcp", Err: refused}}, wechatpay.NotSent, refused, "connection refused"},
		"a proxy that cannot be reached means that nothing was sent": {
			gateway{err: &net.OpError{Op: "proxyconnect", Net: "tcp", Err: refused}}, wechatpay.NotSent, refused, "connection refused"},
		"a certificate that does not verify means that nothing was sent": {
			gateway{err: &tls.CertificateVerificationError{Err: refused}}, wechatpay.NotSent, refused, "connection refused"},
		"a connection that is reset leaves the outcome open": {
			gateway{err: &net.OpError{Op: "read", Net: "tcp", Err: io.ErrUnexpectedEOF}}, wechatpay.Unknown, io.ErrUnexpectedEOF, "query by your number"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := wechatpay.Call(t.Context(), newClient(t, &tt.gateway, wechatpay.MaxAnswer(1000)),
				"POST", "/v3/order/{openid}", []string{"openid-canary"}, cancelRequest{Reason: "body-canary"}, nil, new(order))
			if out != nil {
				t.Errorf("decoded %+v", out)
			}
			checkFailure(t, err, tt.outcome, tt.is, tt.text)
		})
	}
}

// TestAnAnswerIsReadWhateverLengthItSays has answers that say less and more than they have, as a transport that
// unpacks lets them.
func TestAnAnswerIsReadWhateverLengthItSays(t *testing.T) {
	t.Parallel()
	body := `{"state":"` + strings.Repeat("x", 3000) + `"}`
	size := int64(len(body))
	for _, says := range []int64{-1, 0, 1, size - 1, size, size + 1, 1 << 30, math.MaxInt64} {
		for most, fits := range map[int64]bool{size - 1: false, size: true, size + 1: true, math.MaxInt64: true} {
			g := &gateway{status: http.StatusOK, body: body, change: func(r *http.Response) { r.ContentLength = says }}
			res, err := newClient(t, g, wechatpay.MaxAnswer(most)).Chain("v3/x").Get(t.Context())
			if fits && (err != nil || string(res.Body) != body || cap(res.Body) > 4*len(body)) {
				t.Errorf("%d bytes that say %d, of at most %d: %v", size, says, most, err)
			}
			if !fits && (err == nil || !strings.Contains(err.Error(), "MaxAnswer")) {
				t.Errorf("%d bytes that say %d are more than %d: %v", size, says, most, err)
			}
		}
	}
}

// checkFailure checks an error of a call that was given canaries which no error may show.
func checkFailure(t *testing.T, err error, outcome wechatpay.Outcome, is error, text string) {
	t.Helper()
	e, ok := errors.AsType[*wechatpay.Error](err)
	if !ok {
		t.Fatalf("the error is %v, want a *wechatpay.Error", err)
	}
	if wechatpay.OutcomeOf(err) != outcome {
		t.Errorf("the outcome is %v, want %v: %v", e.Outcome, outcome, err)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("the error is %v, want %v", err, is)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("the error is %v, want …%s…", err, text)
	}
	if !strings.HasPrefix(err.Error(), "wechatpay: POST /v3/order/{openid}: ") {
		t.Errorf("the error %v does not begin with the operation", err)
	}
	for _, canary := range []string{"canary", "secret", "Wechatpay-Signature", "api.mch.weixin"} {
		if strings.Contains(err.Error(), canary) {
			t.Errorf("the error shows %s: %v", canary, err)
		}
	}
}

func swapBody(body string) func(*http.Response) {
	return func(r *http.Response) { r.Body = io.NopCloser(strings.NewReader(body)) }
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) { return len(p), nil }

func TestAVerifiedSuccessThatDoesNotDecodeStillHandsOverItsResponse(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 200, body: `[]`}
	var res wechatpay.Response
	_, err := wechatpay.Call(t.Context(), newClient(t, g), "GET", "/v3/x", nil, nil, []wechatpay.CallOption{wechatpay.Into(&res)}, new(order))
	if e, ok := errors.AsType[*wechatpay.Error](err); !ok || !e.Verified || string(res.Body) != `[]` || !res.Verified {
		t.Errorf("got %v and %+v", err, res)
	}
	g = &gateway{status: 200, body: `[]`, change: unsigned} // of an operation that is never signed
	_, err = wechatpay.Call(t.Context(), newClient(t, g), "GET", "/v3/billdownload/file", nil, nil, nil, new(order))
	if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.Verified || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("without a signature, got %v", err)
	}
}

// TestAcceptedIsNotDone is about the status 202, with which some operations succeed, and others say to ask
// later.
func TestAcceptedIsNotDone(t *testing.T) {
	t.Parallel()
	const body = `{"code":"USERPAYING","message":"需要用户输入支付密码"}`
	g := &gateway{status: 202, body: body}
	var res wechatpay.Response
	_, err := wechatpay.Call(t.Context(), newClient(t, g), "POST", "/v3/x", nil, nil, []wechatpay.CallOption{wechatpay.Into(&res)}, new(order))
	e, ok := errors.AsType[*wechatpay.Error](err)
	if !ok || e.Outcome != wechatpay.Unknown || !e.Verified || !errors.Is(err, code.Userpaying) || g.calls != 1 ||
		!strings.Contains(err.Error(), "202 USERPAYING: 需要用户输入支付密码") || !strings.Contains(err.Error(), "query by your number") {
		t.Errorf("after %d calls the error is %v", g.calls, err)
	}
	if string(res.Body) != body || res.StatusCode != 202 || !res.Verified || res.Attempts != 1 {
		t.Errorf("the response is %v", res)
	}
	for name, tt := range map[string]struct {
		body  string
		fails bool
	}{
		"without a body":              {"", false},
		"with a body without a code":  {`{"state":"DOING"}`, false},
		"with a code that is empty":   {`{"code":""}`, false},
		"with a code that is no text": {`{"code":0}`, false},
		"with a code further inside":  {`{"data":{"code":"A"}}`, false},
		"with a code":                 {`{"code":"ACCEPTED"}`, true},
	} {
		_, err := newClient(t, &gateway{status: 202, body: tt.body}).Chain("v3/x").Post(t.Context())
		if (err != nil) != tt.fails || err != nil && wechatpay.OutcomeOf(err) != wechatpay.Unknown {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := post(t, newClient(t, &gateway{status: 200, body: body}).Chain("v3/x")); err != nil {
		t.Errorf("a 200 with a code gives %v", err)
	}
}

// TestTheSimulatorAcceptsWithoutDoing: what it is told to say with 202 is an error as well, and the order stays
// as it was.
func TestTheSimulatorAcceptsWithoutDoing(t *testing.T) {
	t.Parallel()
	gateway := simtest.Start(t)
	client := gateway.Client()
	cancel := func() error {
		return post(t, client.Chain("v3/payscore/partner/serviceorder/{out_order_no}/cancel"), wechatpay.Path("out_order_no", "1"),
			wechatpay.JSON(map[string]string{"service_id": "1", "sub_mchid": "1", "reason": "r"}))
	}
	fault := world.Fault{Method: "POST", Effect: world.EffectStatus, Status: 202, Code: "ACCEPTED", Times: 1}
	if _, err := gateway.Control().AddFault(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
	if err := cancel(); !errors.Is(err, code.Code("ACCEPTED")) || wechatpay.OutcomeOf(err) != wechatpay.Unknown {
		t.Errorf("with a code: %v", err)
	}
	fault.Code = ""
	if _, err := gateway.Control().AddFault(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
	if err := cancel(); err != nil {
		t.Errorf("without a code: %v", err)
	}
}

func TestWhatIsWrongBeforeSendingIsNotSent(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	client := newClient(t, g)
	endpoint := client.Chain(cancelPath)
	path := wechatpay.Path("out_order_no", "1")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		call func() error
		text string
	}{
		"a nil option":        {func() error { return post(t, endpoint, path, nil) }, "a CallOption is nil"},
		"a body that is text": {func() error { return post(t, endpoint, path, wechatpay.JSON(`{}`)) }, "use json.RawMessage"},
		"a body of bytes":     {func() error { return post(t, endpoint, path, wechatpay.JSON([]byte(`{}`))) }, "use json.RawMessage"},
		"a nil body":          {func() error { return post(t, endpoint, path, wechatpay.JSON(nil)) }, "the JSON body is nil"},
		"a body that encodes as null": {func() error {
			return post(t, endpoint, path, wechatpay.JSON((*cancelRequest)(nil)))
		}, "the body is null"},
		"a body that does not encode": {func() error { return post(t, endpoint, path, wechatpay.JSON(make(chan int))) }, "does not encode as JSON"},
		"a nil Into":                  {func() error { return post(t, endpoint, path, wechatpay.Into(nil)) }, "Into is nil"},
		"a query without a name":      {func() error { return post(t, endpoint, path, wechatpay.Query("", "1")) }, "a Query has no name"},
		"a header of the client's own": {func() error {
			return post(t, endpoint, path, wechatpay.Header("wechatpay-serial", "1"))
		}, "Wechatpay-Serial is set by the client"},
		"a header that unpacking depends on": {func() error {
			return post(t, endpoint, path, wechatpay.Header("accept-encoding", "gzip"))
		}, "Accept-Encoding is set by the client"},
		"a header without a name":          {func() error { return post(t, endpoint, path, wechatpay.Header("", "1")) }, "a name with a character"},
		"a header with a space in it":      {func() error { return post(t, endpoint, path, wechatpay.Header("a b", "1")) }, "a name with a character"},
		"a header that holds another":      {func() error { return post(t, endpoint, path, wechatpay.Header("X-A", "1\r\nX-B: 2")) }, "control character"},
		"a path parameter without a value": {func() error { return post(t, endpoint) }, `give wechatpay.Path("out_order_no", …)`},
		"an unknown path parameter":        {func() error { return post(t, endpoint, path, wechatpay.Path("order_no", "1")) }, "names no parameter of /v3/payscore"},
		"an empty path parameter":          {func() error { return post(t, endpoint, wechatpay.Path("out_order_no", "")) }, "{out_order_no} is empty"},
		"a path parameter that climbs":     {func() error { return post(t, endpoint, wechatpay.Path("out_order_no", "..")) }, "would lead to another endpoint"},
		"a path with a query":              {func() error { return post(t, client.Chain("v3/certificates?x=1")) }, `the path has "?"`},
		"a path with a host":               {func() error { return post(t, client.Chain("https://example.com/v3")) }, "begins with a host"},
		"a path that climbs in disguise":   {func() error { return post(t, client.Chain("v3/%2E./v2")) }, `the path has "%"`},
		"a path that hides a slash":        {func() error { return post(t, client.Chain("v3/..%2Fv2")) }, `the path has "%"`},
		"a path with a semicolon":          {func() error { return post(t, client.Chain("v3/..;/v2")) }, `the path has ";"`},
		"a path with an empty segment":     {func() error { return post(t, client.Chain("v3//x")) }, `a segment ""`},
		"a path with two slashes at its end": {func() error {
			return post(t, client.Chain("v3/x//"))
		}, `a segment ""`},
		"a path that would be a host": {func() error {
			_, err := wechatpay.Send(t.Context(), client, "GET", ".example.com/v3", nil, nil, nil)
			return err
		}, "does not begin with a slash"},
		"a path that climbs":             {func() error { return post(t, client.Chain("v3/../v2")) }, `a segment ".."`},
		"a path with a line feed":        {func() error { return post(t, client.Chain("v3/a\nb")) }, "the path has"},
		"a path with an open brace":      {func() error { return post(t, client.Chain("v3/{a/b")) }, "malformed parameter"},
		"no path":                        {func() error { return post(t, client.Chain("")) }, "the key of Endpoints is misspelt"},
		"a misspelt key of an index":     {func() error { return post(t, map[string]wechatpay.Endpoint{}["v3/typo"]) }, "misspelt key of Endpoints"},
		"a nil client":                   {func() error { return post(t, (*wechatpay.Client)(nil).Chain("v3/x")) }, "there is no client"},
		"a client that New did not make": {func() error { return post(t, new(wechatpay.Client).Chain("v3/x")) }, "there is no client"},
		"a body beside a request struct": {func() error {
			_, err := wechatpay.Send(t.Context(), client, "POST", "/v3/x", nil, cancelRequest{}, []wechatpay.CallOption{wechatpay.JSON(1)})
			return err
		}, "has its own request struct"},
		"a request that is not a struct": {func() error {
			_, err := wechatpay.Send(t.Context(), client, "POST", "/v3/x", nil, &cancelRequest{}, nil)
			return err
		}, "want a struct"},
		"a nil context": {func() error {
			_, err := client.Chain("v3/x").Post(nil) //lint:ignore SA1012 this is the mistake under test
			return err
		}, "nil"},
		"a context that has ended": {func() error {
			_, err := client.Chain("v3/x").Post(cancelled)
			return err
		}, "context canceled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := tt.call()
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("the error is %v, want …%s…", err, tt.text)
			}
			if wechatpay.OutcomeOf(err) != wechatpay.NotSent {
				t.Errorf("the outcome is %v", wechatpay.OutcomeOf(err))
			}
		})
	}
	if g.calls != 0 {
		t.Errorf("%d requests were sent", g.calls)
	}
}

func post(t *testing.T, e wechatpay.Endpoint, opts ...wechatpay.CallOption) error {
	t.Helper()
	_, err := e.Post(t.Context(), opts...)
	return err
}

func TestAHeaderOfTheConnectionIsRefused(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	client := newClient(t, g)
	for _, name := range []string{"connection", "Transfer-Encoding", "TE", "Upgrade", "Expect", "Trailer", "Proxy-Connection", "Proxy-Authorization", "Keep-Alive", "HTTP2-Settings"} {
		err := post(t, client.Chain("v3/x"), wechatpay.Header(name, "1"))
		if err == nil || !strings.Contains(err.Error(), "is about the connection") || wechatpay.OutcomeOf(err) != wechatpay.NotSent || g.calls != 0 {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func TestTheUserAgentCanBeTheCallers(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	if err := post(t, newClient(t, g).Chain("v3/x"), wechatpay.Header("user-agent", "shop/1")); err != nil {
		t.Fatal(err)
	}
	if got := g.last.Header["User-Agent"]; len(got) != 1 || got[0] != "shop/1" {
		t.Errorf("sent the User-Agent %q", got)
	}
}

func TestAPathMayEndInASlash(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	if err := post(t, newClient(t, g).Chain("v3/applyment4sub/applyment/")); err != nil || g.last.URL.Path != "/v3/applyment4sub/applyment/" {
		t.Errorf("sent %v, %v", g.last, err)
	}
}

func TestEveryVerbOfAnEndpointSendsItsMethod(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	e := newClient(t, g).Chain("v3/x")
	verbs := map[string][2]func() error{
		"GET":    {func() error { _, err := e.Get(t.Context()); return err }, func() error { _, err := e.GetAsync(t.Context()).Wait(t.Context()); return err }},
		"POST":   {func() error { _, err := e.Post(t.Context()); return err }, func() error { _, err := e.PostAsync(t.Context()).Wait(t.Context()); return err }},
		"PUT":    {func() error { _, err := e.Put(t.Context()); return err }, func() error { _, err := e.PutAsync(t.Context()).Wait(t.Context()); return err }},
		"PATCH":  {func() error { _, err := e.Patch(t.Context()); return err }, func() error { _, err := e.PatchAsync(t.Context()).Wait(t.Context()); return err }},
		"DELETE": {func() error { _, err := e.Delete(t.Context()); return err }, func() error { _, err := e.DeleteAsync(t.Context()).Wait(t.Context()); return err }},
	}
	for method, calls := range verbs {
		for _, call := range calls {
			g.last = nil
			if err := call(); err != nil || g.last.Method != method {
				t.Errorf("%s sent %v, %v", method, g.last, err)
			}
		}
	}
}

func TestAnAttemptEndsInTime(t *testing.T) {
	t.Parallel()
	waiting := roundTripper(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	client, err := wechatpay.New(merchant(), wechatpay.Transport(waiting), wechatpay.AttemptTimeout(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Chain("v3/x").Post(t.Context())
	if !errors.Is(err, context.DeadlineExceeded) || wechatpay.OutcomeOf(err) != wechatpay.Unknown {
		t.Errorf("the error is %v", err)
	}
}

// remoteKey does something before it signs.
type remoteKey struct {
	crypto.Signer
	before func()
}

func (k remoteKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.before()
	return k.Signer.Sign(rand, digest, opts)
}

func TestTheTimeThatSigningTakesIsNotTheAttempts(t *testing.T) {
	t.Parallel()
	keys() // made outside, for they are shared
	synctest.Test(t, func(t *testing.T) {
		m := merchant()
		m.PrivateKey = remoteKey{m.PrivateKey, func() { time.Sleep(time.Hour) }}
		client, err := wechatpay.New(m, wechatpay.Transport(&gateway{status: 204}), wechatpay.AttemptTimeout(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if err := post(t, client.Chain("v3/x")); err != nil {
			t.Error(err)
		}
	})
}

func TestCancellingWhileSigningSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m, g := merchant(), &gateway{status: 204}
	m.PrivateKey = remoteKey{m.PrivateKey, cancel}
	client, err := wechatpay.New(m, wechatpay.Transport(g))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Chain("v3/x").Post(ctx)
	if !errors.Is(err, context.Canceled) || wechatpay.OutcomeOf(err) != wechatpay.NotSent || g.calls != 0 {
		t.Errorf("after %d requests the outcome is %v: %v", g.calls, wechatpay.OutcomeOf(err), err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestTheLogTellsOfACallWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g := &gateway{status: 204}
	err := post(t, newClient(t, g, wechatpay.Logger(logger)).Chain("v3/users/{openid}"),
		wechatpay.Path("openid", "canary"), wechatpay.JSON(map[string]string{"name": "canary"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"method=POST", "path=/v3/users/{openid}", "status=204", "request_id=08F3B1CC06-0", "verified=true"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s: %s", want, log.String())
		}
	}
	authorization, err := auth.ParseAuthorization(g.last.Header.Get("Authorization"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"canary", authorization.Signature, authorization.Nonce} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %s: %s", secret, log.String())
		}
	}
}

func TestTheErrorOfATransportShowsNoURL(t *testing.T) {
	t.Parallel()
	g := &gateway{err: &url.Error{Op: "Post", URL: "https://api.mch.weixin.qq.com/canary", Err: io.EOF}}
	err := post(t, newClient(t, g).Chain("v3/users/{openid}"), wechatpay.Path("openid", "canary"))
	if err == nil || strings.Contains(err.Error(), "canary") || !errors.Is(err, io.EOF) {
		t.Errorf("the error is %v", err)
	}
}
