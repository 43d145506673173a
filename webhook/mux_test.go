package webhook_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/webhook"
)

// shared and paidV2 share their event type with others, as TRANSACTION.SUCCESS does.
type shared struct{ userPaid }

func (shared) EventTypes() []string    { return []string{"PAYSCORE.USER_PAID"} }
func (shared) OriginalTypes() []string { return []string{"profitsharing"} }

type paidV2 struct {
	OutTradeNo string `xml:"out_trade_no"`
}

func (paidV2) EventTypes() []string    { return []string{"payment", "PAYSCORE.USER_PAID"} }
func (paidV2) OriginalTypes() []string { return []string{webhook.OriginalTypeV2} }

// question is an event that is answered with content.
type question struct{ userPaid }

func (question) EventTypes() []string        { return []string{"PAYSCORE.USER_PAID"} }
func (question) AnswerWithin() time.Duration { return time.Second }

type signedQuestion struct{ question }

func (signedQuestion) AnswerSigned() bool { return true }

// both is a receiver of both APIs, whose clock stands.
func both(tb testing.TB) *webhook.Receiver {
	tb.Helper()
	r, err := webhook.New(webhook.Merchant{MchID: "10000100", Verifier: verifier(tb), APIv3Key: apiv3Key, APIv2Key: apiv2Key},
		webhook.Clock(func() time.Time { return now }))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// newMux is a Mux of both, and what it logs.
func newMux(tb testing.TB, opts ...webhook.MuxOption) (*webhook.Mux, *log) {
	tb.Helper()
	logged := new(log)
	m, err := webhook.NewMux(both(tb), append([]webhook.MuxOption{webhook.Log(slog.New(slog.NewTextHandler(logged, nil)))}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return m, logged
}

type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// counts handles events of T, and counts them.
func counts[T any](m *webhook.Mux, n *atomic.Int64) {
	webhook.On(m, func(context.Context, webhook.Event[T]) error { n.Add(1); return nil })
}

func TestANotificationReachesTheFunctionForIt(t *testing.T) {
	t.Parallel()
	m, _ := newMux(t)
	var got []string
	note := func(what string, data any) { got = append(got, fmt.Sprint(what, " ", data)) }
	webhook.On(m, func(_ context.Context, e webhook.Event[userPaid]) error {
		note(e.MchID+" "+e.ID+" "+e.EventType, e.Data.TotalAmount)
		return nil
	})
	webhook.On(m, func(_ context.Context, e webhook.Event[shared]) error { note("shared", e.Data.TotalAmount); return nil })
	webhook.On(m, func(_ context.Context, e webhook.Event[paidV2]) error { note("v2", e.Data.OutTradeNo); return nil })
	webhook.On(m, func(_ context.Context, e webhook.Event[*userConfirm]) error {
		note("confirm", e.Data.OutOrderNo)
		return nil
	})
	m.Default(func(_ context.Context, n *webhook.Notification) error { note("default", n.EventType); return nil })

	event := func(name string) func(string) string {
		return func(body string) string {
			return strings.NewReplacer("PAYSCORE.USER_PAID", name, "EV-2018022511223320873", "EV-"+name).Replace(body)
		}
	}
	for _, d := range []delivery{
		{},
		{resource: set("original_type", "profitsharing"), body: func(b string) string { return strings.Replace(b, "EV-2018022511223320873", "EV-2", 1) }},
		{body: event("PAYSCORE.USER_CONFIRM")},
		{body: event("PAYSCORE.NEW")},
	} {
		header, body := d.make(t)
		if answer := m.Answer(t.Context(), header, body); answer.StatusCode != http.StatusNoContent || len(answer.Body) > 0 {
			t.Errorf("answered %d %s", answer.StatusCode, answer.Body)
		}
	}
	answer := m.Answer(t.Context(), nil, []byte(bodyV2(t, signedV2(t, auth.MD5, apiv2Key, paid()))))
	if answer.StatusCode != http.StatusOK || string(answer.Body) != webhook.SuccessV2 || answer.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Errorf("answered %d %v %s", answer.StatusCode, answer.Header, answer.Body)
	}
	want := "[10000100 EV-2018022511223320873 PAYSCORE.USER_PAID 4000 shared 4000 confirm 20241124001 default PAYSCORE.NEW v2 1409811653]"
	if fmt.Sprint(got) != want {
		t.Errorf("handled %v\nwant %v", got, want)
	}
}

// share and giveBack both arrive as PAYSCORE.USER_PAID, too, as shares and returns of profit both
// arrive as TRANSACTION.SUCCESS.
type share struct{ userPaid }

func (share) EventTypes() []string    { return []string{"SHARE", "PAYSCORE.USER_PAID"} }
func (share) OriginalTypes() []string { return []string{"profitsharing"} }

type giveBack struct{ share }

func (giveBack) EventTypes() []string { return []string{"RETURN", "PAYSCORE.USER_PAID"} }

func TestWhatMayBeTwoThingsIsTakenForNeither(t *testing.T) {
	t.Parallel()
	m, _ := newMux(t)
	var shares, returns, payments, others atomic.Int64
	counts[userPaid](m, &payments)
	counts[share](m, &shares)
	send := func(id string, originalType string) int {
		header, body := delivery{resource: set("original_type", originalType), body: func(b string) string {
			return strings.Replace(b, "EV-2018022511223320873", id, 1)
		}}.make(t)
		return m.Answer(t.Context(), header, body).StatusCode
	}
	if status := send("1", "profitsharing"); status != 204 || shares.Load() != 1 {
		t.Errorf("the one of them was answered %d, and handled %d times", status, shares.Load())
	}
	counts[giveBack](m, &returns)
	if status := send("2", "profitsharing"); status != 404 {
		t.Errorf("one of two was answered %d", status)
	}
	m.Default(func(context.Context, *webhook.Notification) error { others.Add(1); return nil })
	if status := send("3", "profitsharing"); status != 204 || others.Load() != 1 {
		t.Errorf("by default one of two was answered %d, and handled %d times", status, others.Load())
	}
	if status := send("4", "payscore"); status != 204 || payments.Load() != 1 || shares.Load() != 1 || returns.Load() != 0 {
		t.Errorf("a payment was answered %d; handled %d payments, %d shares, %d returns", status, payments.Load(), shares.Load(), returns.Load())
	}
}

func TestANotificationWithoutAnOriginalTypeIsOfTheOneProduct(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		register func(*webhook.Mux, *atomic.Int64)
		want     int64
	}{
		"one type":            {counts[shared], 1},
		"two types":           {func(m *webhook.Mux, n *atomic.Int64) { counts[shared](m, n); counts[other](m, n) }, 0},
		"the type of APIv2":   {counts[paidV2], 0},
		"a type for all":      {counts[userPaid], 1},
		"a type for the rest": {func(m *webhook.Mux, n *atomic.Int64) { counts[userPaid](m, n); counts[shared](m, new(atomic.Int64)) }, 1},
	} {
		m, _ := newMux(t)
		var handled atomic.Int64
		tt.register(m, &handled)
		header, body := delivery{resource: without("original_type")}.make(t)
		status := map[int64]int{0: http.StatusNotFound, 1: http.StatusNoContent}[tt.want]
		if answer := m.Answer(t.Context(), header, body); answer.StatusCode != status || handled.Load() != tt.want {
			t.Errorf("%s: answered %d, handled %d; want %d, %d", name, answer.StatusCode, handled.Load(), status, tt.want)
		}
	}
}

type other struct{ userPaid }

func (other) OriginalTypes() []string { return []string{"transaction"} }

// TestWhatIsRefusedIsAnsweredWithoutAWord tells strangers nothing, and whoever reads the log all but what is
// secret.
func TestWhatIsRefusedIsAnsweredWithoutAWord(t *testing.T) {
	t.Parallel()
	unhandled := func(b string) string { return strings.Replace(b, "PAYSCORE.USER_PAID", "PAYSCORE.NEW", 1) }
	good := bodyV2(t, signedV2(t, auth.MD5, apiv2Key, paid()))
	tests := map[string]struct {
		delivery delivery
		v2       string
		status   int
		logged   string
	}{
		"no signature":               {delivery{header: func(h http.Header) { clear(h) }}, "", 401, "not signed by WeChat Pay"},
		"a forged signature":         {delivery{key: keys().stranger}, "", 401, "the signature does not match"},
		"a key of nobody":            {delivery{header: header("Wechatpay-Serial", "PUB_KEY_ID_0")}, "", 401, "signed with an unknown key"},
		"a probe":                    {delivery{header: header("Wechatpay-Signature", "WECHATPAY/SIGNTEST/canary")}, "", 401, "a probe was refused, as it has to be"},
		"an old one":                 {delivery{age: time.Hour}, "", 401, "more than 5 minutes"},
		"one from the future":        {delivery{age: -time.Hour}, "", 401, "more than 5 minutes"},
		"a body that is cut off":     {delivery{later: func(b string) string { return b[:len(b)/2] }}, "", 401, "the signature does not match"},
		"a body that is no JSON":     {delivery{body: always("canary")}, "", 400, "malformed"},
		"another APIv3 key":          {delivery{sealed: "canary-of-another-merchant-12345"}, "", 500, "does not open with this key"},
		"a resource that misfits":    {delivery{plaintext: `{"openid":"canary","total_amount":"canary"}`}, "", 500, `its field \"total_amount\" does not fit int64`},
		"a body that is too large":   {delivery{body: always(strings.Repeat("x", webhook.DefaultMaxBody+1))}, "", 413, "too large"},
		"an event of nobody":         {delivery{body: unhandled}, "", 404, "add one with webhook.On"},
		"APIv2: no sign":             {delivery{}, bodyV2(t, paid()), 401, "not signed"},
		"APIv2: another amount":      {delivery{}, strings.Replace(good, ">4000<", ">1<", 1), 401, "does not match"},
		"APIv2: another merchant":    {delivery{}, strings.Replace(good, ">10000100<", ">10000101<", 1), 401, `the merchant \"10000101\", who is not one of those here`},
		"APIv2: cut off":             {delivery{}, good[:len(good)/2], 401, "malformed"},
		"APIv2: a failure":           {delivery{}, bodyV2(t, pairs("return_code", "FAIL", "return_msg", "canary")), 404, "no function is there for the event"},
		"APIv2: an event of nobody":  {delivery{}, bodyV2(t, signedV2(t, auth.MD5, apiv2Key, pairs("mch_id", "10000100", "change_type", "ADD"))), 404, "contract_change"},
		"APIv2: a content that lies": {delivery{}, bodyV2(t, signedV2(t, auth.MD5, apiv2Key, with(paid(), "total_fee", "canary"))), 500, "the member total_fee"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, logged := newMux(t)
			var handled atomic.Int64
			counts[userPaid](m, &handled)
			webhook.On(m, func(context.Context, webhook.Event[paymentV2]) error { handled.Add(1); return nil })
			if strings.HasSuffix(name, "a failure") {
				m.Default(func(context.Context, *webhook.Notification) error { handled.Add(1); return nil })
			}
			header, body := tt.delivery.make(t)
			if tt.v2 != "" {
				header, body = http.Header{}, []byte(tt.v2)
			}
			answer := m.Answer(t.Context(), header, body)
			if answer.StatusCode != tt.status || handled.Load() != 0 {
				t.Fatalf("answered %d, handled %d; want %d, 0", answer.StatusCode, handled.Load(), tt.status)
			}
			if tt.v2 != "" && string(answer.Body) != webhook.FailureV2 {
				t.Errorf("answered %s", answer.Body)
			}
			if tt.v2 == "" && !strings.HasPrefix(string(answer.Body), `{"code":"FAIL","message":"`) {
				t.Errorf("answered %s", answer.Body)
			}
			if !strings.Contains(logged.String(), tt.logged) || strings.Count(logged.String(), "\n") != 1 {
				t.Errorf("logged %q, want one line with %q", logged, tt.logged)
			}
			secrets := []string{"canary", openID, "20241124001", "1409811653", apiv3Key, apiv2Key}
			for _, name := range []string{"Wechatpay-Signature", "Wechatpay-Nonce"} {
				if value := header.Get(name); value != "" {
					secrets = append(secrets, value)
				}
			}
			for _, secret := range secrets {
				if strings.Contains(logged.String()+string(answer.Body), secret) {
					t.Errorf("%q shows in the log or the answer: %s %s", secret, logged, answer.Body)
				}
			}
		})
	}
}

// paymentV2 is what pay.Payment is.
type paymentV2 struct {
	TotalFee int64 `xml:"total_fee"`
}

func (paymentV2) EventTypes() []string { return []string{"payment"} }

func (paymentV2) OriginalTypes() []string { return []string{webhook.OriginalTypeV2} }

func TestWhatAHandlerDoesNotManageComesAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		first  func() error
		logged string
	}{
		"an error":   {func() error { return errors.New("no stock") }, "no stock"},
		"a panic":    {func() error { panic("no shelf") }, "the function panicked: no shelf"},
		"a secret":   {func() error { panic(webhook.Event[userPaid]{Data: userPaid{OpenID: openID}}) }, "the function panicked: a webhook.Event"},
		"no pointer": {func() error { return *(*error)(nil) }, "nil pointer dereference"},
		"an exit":    {func() error { runtime.Goexit(); return nil }, "ended its goroutine"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, logged := newMux(t)
			calls := 0
			webhook.On(m, func(context.Context, webhook.Event[userPaid]) error {
				if calls++; calls == 1 {
					return tt.first()
				}
				return nil
			})
			header, body := delivery{}.make(t)
			for _, want := range []int{500, 204, 204} {
				if answer := m.Answer(t.Context(), header, body); answer.StatusCode != want {
					t.Errorf("answered %d, want %d", answer.StatusCode, want)
				}
			}
			if calls != 2 || !strings.Contains(logged.String(), tt.logged) || strings.Contains(logged.String(), openID) {
				t.Errorf("%d calls, want 2; logged %s", calls, logged)
			}
		})
	}
}

func TestAHandlerThatIsSlowIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, logged := newMux(t)
		var calls atomic.Int64
		webhook.On(m, func(ctx context.Context, e webhook.Event[userPaid]) error {
			calls.Add(1)
			<-ctx.Done() // and does not care
			time.Sleep(time.Minute)
			return nil
		})
		header, body := delivery{}.make(t)
		began := time.Now()
		if answer := m.Answer(t.Context(), header, body); answer.StatusCode != 503 {
			t.Errorf("answered %d, want 503", answer.StatusCode)
		}
		if took := time.Since(began); took >= webhook.Deadline || took < webhook.Deadline/2 {
			t.Errorf("answered after %v", took)
		}
		if !strings.Contains(logged.String(), "did not end in time") {
			t.Errorf("logged %s", logged)
		}
		time.Sleep(2 * time.Minute) // it succeeds after all
		if answer := m.Answer(t.Context(), header, body); answer.StatusCode != 204 || calls.Load() != 1 {
			t.Errorf("then answered %d, and called it %d times; want 204, once", answer.StatusCode, calls.Load())
		}
	})
}

func TestNoMoreRunsAtOnceThanMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, logged := newMux(t, webhook.AtOnce(2))
		release := make(chan struct{})
		webhook.On(m, func(context.Context, webhook.Event[userPaid]) error { <-release; return nil })
		send := func(id string) int {
			header, body := delivery{body: func(b string) string { return strings.Replace(b, "EV-2018022511223320873", id, 1) }}.make(t)
			return m.Answer(t.Context(), header, body).StatusCode
		}
		for i := range 2 {
			if status := send(fmt.Sprint(i)); status != 503 {
				t.Errorf("what hangs is answered %d", status)
			}
		}
		began := time.Now()
		if status := send("3"); status != 503 || time.Since(began) > 0 || !strings.Contains(logged.String(), "see webhook.AtOnce") {
			t.Errorf("one more is answered %d after %v; logged %s", status, time.Since(began), logged)
		}
		close(release)
		synctest.Wait()
		if status := send("4"); status != 204 {
			t.Errorf("when there is room one is answered %d", status)
		}
	})
}

// TestMerchantsDoNotTakeEachOthersNotifications: two that share a URL use one ID.
func TestMerchantsDoNotTakeEachOthersNotifications(t *testing.T) {
	t.Parallel()
	const theirV2 = "canary-of-another-APIv2-key-1234"
	r, err := webhook.New(webhook.Merchant{MchID: "1", APIv2Key: apiv2Key}, webhook.Also(webhook.Merchant{MchID: "2", APIv2Key: theirV2},
		webhook.Merchant{MchID: "3", Verifier: verifier(t), APIv3Key: apiv3Key}, webhook.Merchant{MchID: "4", Verifier: verifier(t), APIv3Key: theirV2}),
		webhook.Clock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	m, err := webhook.NewMux(r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	m.Default(func(_ context.Context, n *webhook.Notification) error { got = append(got, n.MchID); return nil })
	for mchID, key := range map[string]string{"1": apiv2Key, "2": theirV2} {
		body := bodyV2(t, signedV2(t, auth.MD5, key, pairs("return_code", "SUCCESS", "mch_id", mchID, "event_type", "X")))
		m.Answer(t.Context(), nil, []byte(body))
		m.Answer(t.Context(), nil, []byte(body))
	}
	for _, key := range []string{apiv3Key, theirV2} {
		header, body := delivery{sealed: key}.make(t)
		m.Answer(t.Context(), header, body)
		m.Answer(t.Context(), header, body)
	}
	if slices.Sort(got); fmt.Sprint(got) != "[1 2 3 4]" {
		t.Errorf("handled those of %v, want one of each", got)
	}
}

func TestFrameworksWithOtherHeadersAreServed(t *testing.T) {
	t.Parallel()
	m, _ := newMux(t)
	var handled atomic.Int64
	counts[userPaid](m, &handled)
	header, body := delivery{}.make(t)
	lower := http.Header{}
	for name, values := range header {
		lower[strings.ToLower(name)] = values
	}
	if answer := m.Answer(t.Context(), lower, body); answer.StatusCode != 204 || handled.Load() != 1 {
		t.Errorf("answered %d", answer.StatusCode)
	}
}

// TestAnAliasDoesNotTakeWhatDoesNotSayWhatItIs: a payment without an original type is no share of profit.
func TestAnAliasDoesNotTakeWhatDoesNotSayWhatItIs(t *testing.T) {
	t.Parallel()
	m, _ := newMux(t)
	var handled atomic.Int64
	counts[share](m, &handled)
	header, body := delivery{resource: without("original_type")}.make(t)
	if answer := m.Answer(t.Context(), header, body); answer.StatusCode != 404 || handled.Load() != 0 {
		t.Errorf("answered %d, handled %d", answer.StatusCode, handled.Load())
	}
}

func TestAQuestionIsAnsweredInItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMux(t)
		var asked atomic.Int64
		var pause time.Duration
		webhook.Reply(m, func(ctx context.Context, e webhook.Event[question]) (map[string]any, error) {
			asked.Add(1)
			select {
			case <-time.After(pause):
				return map[string]any{"code": "SUCCESS", "total_amount": e.Data.TotalAmount}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}, webhook.SignedBy(func(_ context.Context, body []byte) (string, error) { return fmt.Sprint("over ", len(body)), nil }))
		header, body := delivery{}.make(t)
		for range 2 { // a question has no memory
			answer := m.Answer(t.Context(), header, body)
			if answer.StatusCode != 200 || string(answer.Body) != `{"code":"SUCCESS","total_amount":4000}` || answer.Header.Get("Authorization") != "over 38" {
				t.Errorf("answered %d %v %s", answer.StatusCode, answer.Header, answer.Body)
			}
		}
		pause = 2 * time.Second
		began := time.Now()
		if answer := m.Answer(t.Context(), header, body); answer.StatusCode != 503 || time.Since(began) >= time.Second || asked.Load() != 3 {
			t.Errorf("answered %d after %v, asked %d times", answer.StatusCode, time.Since(began), asked.Load())
		}
	})
}

func TestAQuestionWithoutAnAnswerIsA5xx(t *testing.T) {
	t.Parallel()
	refuses := webhook.SignedBy(func(context.Context, []byte) (string, error) { return "", errors.New("no key") })
	for name, register := range map[string]func(*webhook.Mux){
		"an error": func(m *webhook.Mux) {
			webhook.Reply(m, func(context.Context, webhook.Event[question]) (any, error) { return nil, errors.New("unknown plate") })
		},
		"nothing": func(m *webhook.Mux) {
			webhook.Reply(m, func(context.Context, webhook.Event[question]) (*question, error) { return nil, nil })
		},
		"what is no JSON": func(m *webhook.Mux) {
			webhook.Reply(m, func(context.Context, webhook.Event[question]) (any, error) { return func() {}, nil })
		},
		"a signature that fails": func(m *webhook.Mux) {
			webhook.Reply(m, func(context.Context, webhook.Event[question]) (any, error) { return 1, nil }, refuses)
		},
	} {
		m, _ := newMux(t)
		register(m)
		header, body := delivery{}.make(t)
		if answer := m.Answer(t.Context(), header, body); answer.StatusCode != 500 || answer.Header.Get("Authorization") != "" {
			t.Errorf("%s: answered %d %v", name, answer.StatusCode, answer.Header)
		}
	}
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	m, _ := newMux(t)
	var handled atomic.Int64
	counts[userPaid](m, &handled)
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	send := func(method string, header http.Header, body io.Reader) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res
	}
	header, body := delivery{}.make(t)
	if res := send("POST", header, bytes.NewReader(body)); res.StatusCode != 204 || handled.Load() != 1 {
		t.Errorf("answered %s, handled %d", res.Status, handled.Load())
	}
	chunked := struct{ io.Reader }{bytes.NewReader(body)}
	if res := send("POST", header, chunked); res.StatusCode != 204 || handled.Load() != 1 {
		t.Errorf("in chunks and again: answered %s, handled %d", res.Status, handled.Load())
	}
	if res := send("GET", header, nil); res.StatusCode != 405 || res.Header.Get("Allow") != "POST" {
		t.Errorf("GET: answered %s %v", res.Status, res.Header)
	}
	large := bytes.Repeat([]byte("x"), webhook.DefaultMaxBody+1)
	if res := send("POST", header, bytes.NewReader(large)); res.StatusCode != 413 {
		t.Errorf("too large: answered %s", res.Status)
	}
	if res := send("POST", header, struct{ io.Reader }{bytes.NewReader(large)}); res.StatusCode != 413 {
		t.Errorf("too large in chunks: answered %s", res.Status)
	}
}

// TestABodyThatDoesNotComeIsNotWaitedFor is a stranger who sends a byte now and then.
func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	m, logged := newMux(t, webhook.AnswerWithin(200*time.Millisecond))
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(status, "400") || !strings.Contains(logged.String(), "not in time") {
		t.Errorf("answered %q, %v; logged %s", status, err, logged)
	}
}

func TestTheContextOfAHandlerOutlivesTheReading(t *testing.T) {
	t.Parallel()
	m, _ := newMux(t, webhook.AnswerWithin(10*time.Second))
	webhook.On(m, func(ctx context.Context, _ webhook.Event[userPaid]) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
			return nil
		}
	})
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	header, body := delivery{}.make(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusNoContent {
		t.Errorf("answered %s", res.Status)
	}
}

func TestNewMuxRefuses(t *testing.T) {
	t.Parallel()
	r := both(t)
	for want, tt := range map[string]struct {
		receiver *webhook.Receiver
		opt      webhook.MuxOption
	}{
		"there is no receiver":  {nil, webhook.AnswerWithin(1)},
		"a MuxOption is nil":    {r, nil},
		"the Store is nil":      {r, webhook.Remember(nil)},
		"the Logger is nil":     {r, webhook.Log(nil)},
		"AnswerWithin is 0s":    {r, webhook.AnswerWithin(0)},
		"more than nothing":     {r, webhook.AnswerWithin(-1)},
		"AtOnce is 0":           {r, webhook.AtOnce(0)},
		"make one with webhook": {nil, nil},
	} {
		if m, err := webhook.NewMux(tt.receiver, tt.opt); m != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v; want …%s…", m, err, want)
		}
	}
	whole, _ := newMux(t)
	//lint:ignore SA1012 this is the mistake under test
	if answer := whole.Answer(nil, nil, nil); answer.StatusCode != 500 {
		t.Errorf("without a context it answers %d", answer.StatusCode)
	}
	for _, m := range []*webhook.Mux{nil, new(webhook.Mux)} {
		if answer := m.Answer(t.Context(), nil, nil); answer.StatusCode != 500 {
			t.Errorf("a Mux that NewMux did not make answers %d", answer.StatusCode)
		}
		w := httptest.NewRecorder()
		if m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/", nil)); w.Code != 500 {
			t.Errorf("a Mux that NewMux did not make answers %d", w.Code)
		}
	}
}

func TestOnPanicsOverWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	handle := func(context.Context, webhook.Event[userPaid]) error { return nil }
	for want, register := range map[string]func(*webhook.Mux){
		"two functions for PAYSCORE.USER_PAID, of webhook_test.userPaid and of webhook_test.userPaid": func(m *webhook.Mux) {
			webhook.On(m, handle)
			webhook.On(m, handle)
		},
		"two functions for PAYSCORE.USER_PAID, of webhook_test.shared": func(m *webhook.Mux) {
			counts[shared](m, nil)
			counts[shared](m, nil)
		},
		"map[string]interface {} is no event's type": func(m *webhook.Mux) { counts[map[string]any](m, nil) },
		"the answer to *webhook_test.signedQuestion is to be signed: give Reply the option SignedBy": func(m *webhook.Mux) {
			webhook.Reply(m, func(context.Context, webhook.Event[*signedQuestion]) (any, error) { return nil, nil })
		},
		"there is no function for webhook_test.userPaid":                                       func(m *webhook.Mux) { webhook.On[userPaid](m, nil) },
		"webhook_test.question is a question that is answered with content: use webhook.Reply": func(m *webhook.Mux) { counts[question](m, nil) },
		"a ReplyOption of webhook_test.question is nil": func(m *webhook.Mux) {
			webhook.Reply(m, func(context.Context, webhook.Event[question]) (any, error) { return nil, nil }, nil)
		},
		"make one with webhook.NewMux": func(*webhook.Mux) {
			new(webhook.Mux).Default(func(context.Context, *webhook.Notification) error { return nil })
		},
		"Default without a function":                    func(m *webhook.Mux) { m.Default(nil) },
		"there is no Mux: make one with webhook.NewMux": func(*webhook.Mux) { webhook.On(nil, handle) },
	} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), want) {
					t.Errorf("panicked with %v, want …%s…", p, want)
				}
			}()
			m, _ := newMux(t)
			register(m)
		}()
	}
}

// TestOneURLServesManyMerchants, each with keys of its own, of which some are downloaded.
func TestOneURLServesManyMerchants(t *testing.T) {
	t.Parallel()
	const theirKey, theirV2 = "canary-of-another-merchant-12345", "canary-of-another-APIv2-key-1234"
	own, err := auth.NewVerifier(auth.PublicKey("PUB_KEY_ID_THEIRS", &keys().stranger.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	never := verifies(func(http.Header) error { asked++; return fmt.Errorf("%w: it asked for it", auth.ErrUnknownSerial) })
	downloads := new(downloads)
	downloading, err := auth.NewVerifierFrom(downloads)
	if err != nil {
		t.Fatal(err)
	}
	r, err := webhook.New(webhook.Merchant{MchID: "1", Verifier: never, APIv3Key: apiv3Key},
		webhook.Also(
			webhook.Merchant{MchID: "2", Verifier: verifier(t), APIv3Key: theirKey, APIv2Key: theirV2},
			webhook.Merchant{MchID: "3", Verifier: verifier(t), APIv3Key: apiv3Key, APIv2Key: apiv2Key},
			webhook.Merchant{MchID: "4", Verifier: own, APIv3Key: apiv3Key},
			webhook.Merchant{MchID: "5", Verifier: downloading, APIv3Key: apiv3Key},
			webhook.Merchant{MchID: "10000100", APIv2Key: apiv2Key},
		), webhook.Clock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	theirs := func(h http.Header) { h.Set("Wechatpay-Serial", "PUB_KEY_ID_THEIRS") }
	for name, tt := range map[string]struct {
		delivery delivery
		mchID    string
		err      error
	}{
		"by the APIv3 key, of two with one signing key": {delivery{}, "3", nil},
		"by the APIv3 key of the other":                 {delivery{sealed: theirKey}, "2", nil},
		"by the signing key":                            {delivery{key: keys().stranger, header: theirs}, "4", nil},
		"a key that one has, by another":                {delivery{header: theirs}, "", auth.ErrBadSignature},
		"a key that nobody has":                         {delivery{header: header("Wechatpay-Serial", "PUB_KEY_ID_0")}, "", auth.ErrUnknownSerial},
	} {
		header, body := tt.delivery.make(t)
		n, err := r.Parse(t.Context(), header, body)
		if !errors.Is(err, tt.err) || (err == nil && n.MchID != tt.mchID) {
			t.Errorf("%s: got %v of %s, %v; want %s, %v", name, n, n.MchID, err, tt.mchID, tt.err)
		}
	}
	if asked == 0 {
		t.Error("a verifier that does not tell what it holds was not asked")
	}
	if got := fmt.Sprint(downloads.missed); got != "[]" {
		t.Errorf("keys that another merchant has were looked for: %s", got)
	}
	for name, tt := range map[string]struct {
		mchID, key string
		want       error
	}{
		"by its number":         {"10000100", apiv2Key, nil},
		"by no number":          {"", apiv2Key, auth.ErrUnknownSerial},
		"by its number and key": {"2", theirV2, nil},
		"the key of another":    {"2", apiv2Key, auth.ErrBadSignature},
		"no merchant's number":  {"5", apiv2Key, auth.ErrUnknownSerial},
		"one without APIv2":     {"4", apiv2Key, auth.ErrUnknownSerial},
	} {
		body := bodyV2(t, signedV2(t, auth.MD5, tt.key, with(paid(), "mch_id", tt.mchID)))
		n, err := r.Parse(t.Context(), nil, []byte(body))
		if !errors.Is(err, tt.want) || err == nil && n.MchID != tt.mchID {
			t.Errorf("APIv2, %s: got %v, %v; want %v", name, n, err, tt.want)
		}
	}
}

// downloads is a source of no keys, and which it was asked for.
type downloads struct{ missed []string }

func (d *downloads) Keys(_ context.Context, missed string) ([]auth.PlatformKey, error) {
	if missed != "" {
		d.missed = append(d.missed, missed)
	}
	return nil, nil
}

// verifies is a verifier that does not tell what it holds.
type verifies func(http.Header) error

func (v verifies) Verify(_ context.Context, header http.Header, _ []byte, _ time.Time) error {
	return v(header)
}

// TestAnotherSuiteOfAlgorithms is where those of SM come in: what verifies and what decrypts are given.
func TestAnotherSuiteOfAlgorithms(t *testing.T) {
	t.Parallel()
	v := verifies(func(h http.Header) error {
		if h.Get("Wechatpay-Signature-Type") != "WECHATPAY2-SM2-WITH-SM3" {
			return auth.ErrBadSignature
		}
		return nil
	})
	r, err := webhook.New(webhook.Merchant{Verifier: v, APIv3Key: apiv3Key}, webhook.Cipher("AEAD_SM4_GCM",
		func(key, nonce, data string, ciphertext []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%q", key[:6]+nonce+data+string(ciphertext)), nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, want := range map[string]string{"AEAD_SM4_GCM": `"canaryn-adabc"`, "AEAD_SM5_GCM": ""} {
		body := `{"id":"1","resource":{"algorithm":"` + algorithm + `","nonce":"n-","associated_data":"ad","ciphertext":"YWJj"}}`
		n, err := r.Parse(t.Context(), http.Header{"Wechatpay-Signature-Type": {"WECHATPAY2-SM2-WITH-SM3"}}, []byte(body))
		if want != "" && (err != nil || string(n.Resource) != want) || want == "" && !errors.Is(err, webhook.ErrMalformed) {
			t.Errorf("%s opens to %v, %v", algorithm, n, err)
		}
	}
}

// TestWhatANotificationIsKnownBy: what happened once has one ID, and nothing else has it.
func TestWhatANotificationIsKnownBy(t *testing.T) {
	t.Parallel()
	r, err := webhook.New(webhook.Merchant{Verifier: verifier(t), APIv2Key: apiv2Key, APIv3Key: apiv3Key}, webhook.Clock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	id := func(m ...string) string {
		n, err := r.Parse(t.Context(), nil, []byte(bodyV2(t, signedV2(t, auth.MD5, apiv2Key, pairs(m...)))))
		if err != nil {
			t.Fatal(err)
		}
		return n.ID
	}
	refund := func(text string, more ...string) string {
		n, err := r.Parse(t.Context(), nil, []byte(bodyV2(t, append(refunded(t, text), pairs(more...)...))))
		if err != nil {
			t.Fatal(err)
		}
		return n.ID
	}
	v3 := func(d delivery) string {
		header, body := d.make(t)
		n, err := r.Parse(t.Context(), header, body)
		if err != nil {
			t.Fatal(err)
		}
		return n.ID
	}
	nameless := func(body string) string { return strings.Replace(body, "EV-2018022511223320873", "", 1) }
	pay := func(more ...string) string {
		return id(append([]string{"return_code", "SUCCESS", "mch_id", "1", "out_trade_no", "o", "transaction_id", "t", "result_code", "SUCCESS", "total_fee", "1"}, more...)...)
	}
	same := map[string][2]string{
		"a payment, told again":                  {pay(), pay("nonce_str", "x")},
		"a payment, told with more":              {pay(), pay("coupon_fee", "1")},
		"a refund, told again":                   {refund(reqInfoText), refund(reqInfoText, "nonce_str", "x")},
		"a refund that is embellished":           {refund(reqInfoText), refund(reqInfoText, "sub_mch_id", "x", "x", "y")},
		"a plate, told again in another order":   {id("plate_number", "p", "mch_id", "1"), id("mch_id", "1", "plate_number", "p", "nonce_str", "n", "sign_type", "MD5")},
		"a combined payment, told with more":     {id("return_code", "SUCCESS", "combine_out_trade_no", "c", "combine_mch_id", "1", "result_code", "SUCCESS"), id("return_code", "SUCCESS", "combine_out_trade_no", "c", "combine_mch_id", "1", "result_code", "SUCCESS", "bank_type", "x")},
		"a notification of APIv3 without its ID": {v3(delivery{body: nameless}), v3(delivery{body: nameless, nonce: "other-nonce-"})},
	}
	for name, ids := range same {
		if ids[0] != ids[1] {
			t.Errorf("%s: got %v", name, ids)
		}
	}
	differ := map[string][2]string{
		"another transaction":           {pay(), pay("transaction_id", "u")},
		"another result":                {pay(), pay("result_code", "FAIL")},
		"another merchant":              {pay(), pay("mch_id", "2")},
		"payments without transactions": {id("return_code", "SUCCESS", "result_code", "FAIL", "out_trade_no", "a"), id("return_code", "SUCCESS", "result_code", "FAIL", "out_trade_no", "b")},
		"another refund":                {refund(reqInfoText), refund(strings.Replace(reqInfoText, "100", "101", 1))},
		"another state":                 {pay("trade_state", "PAY_FAIL"), pay("trade_state", "SUCCESS")},
		"a debt that was repaid":        {pay(), pay("user_repaid", "Y")},
		"contracts at other times":      {id("change_type", "ADD", "mch_id", "1", "contract_id", "c", "operate_time", "1"), id("change_type", "ADD", "mch_id", "1", "contract_id", "c", "operate_time", "2")},
		"values that moved":             {id("plate_number", "ab", "x", "c"), id("plate_number", "a", "x", "bc")},
		"names and values that moved":   {id("change_type", "ADDED", "mch_id", "1", "contract_id", "x", "operate_time", "c"), id("change_type", "ADD", "mch_id", "1", "contract_id", "xED", "operate_time", "c")},
		"another resource of APIv3":     {v3(delivery{body: nameless}), v3(delivery{body: nameless, plaintext: `{"total_amount":1}`})},
	}
	for name, ids := range differ {
		if ids[0] == ids[1] {
			t.Errorf("%s: both are %s", name, ids[0])
		}
	}
}
