package webhooktest_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
	"github.com/openwechatpay/wechatpay/webhook/webhooktest"
)

// check runs a check in a bubble, whose clock jumps over what is waited for.
func check(t *testing.T, s webhooktest.Subject) (report *webhooktest.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		report, err = webhooktest.Check(t.Context(), s)
		time.Sleep(2 * time.Hour) // of the bubble's clock: until handlers that go on have ended
		if err != nil {
			t.Fatal(err)
		}
	})
	return report
}

// found is what failed, with what is worst about it, and what was not tried.
func found(r *webhooktest.Report) (failed, untried []string) {
	for _, c := range r.Cases {
		name := c.Name
		if c.Believed {
			name += ", believed"
		}
		if c.Twice {
			name += ", twice"
		}
		switch c.Verdict {
		case webhooktest.Failed:
			failed = append(failed, name)
		case webhooktest.NotTried:
			untried = append(untried, name)
		}
	}
	return failed, untried
}

// checkFound compares a report with the cases that should have failed, each on a line.
func checkFound(t *testing.T, r *webhooktest.Report, want string) {
	t.Helper()
	failed, _ := found(r)
	if got := strings.Join(failed, "\n"); got != unindented(want) {
		t.Errorf("failed:\n%s\nwant:\n%s\n%v", got, unindented(want), r)
	}
	if err := r.Err(); (err == nil) != (len(failed) == 0) {
		t.Errorf("the error is %v", err)
	}
}

func unindented(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

type before = func(http.Handler) http.Handler

// refund is a subject whose events are sealed and not signed.
func refund(t *testing.T, s *shop, b before) webhooktest.Subject {
	subject := s.subjectV2(t, b)
	of := func(amount int64) any {
		return pay.Refund{ReqInfo: pay.ReqInfo{OutRefundNo: s.order(), RefundFee: amount, RefundStatus: "SUCCESS"}}
	}
	subject.Event = func() any { return of(price) }
	subject.WrongAmount = func() any { return of(price + 1) }
	return subject
}

func TestACorrectReceiverPassesAllCases(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		subject func(*testing.T, *shop) webhooktest.Subject
		passed  int // the others are for want of an Earlier
	}{
		"of APIv3":            {func(t *testing.T, s *shop) webhooktest.Subject { return s.subject(t, nil) }, 25},
		"of APIv2":            {func(t *testing.T, s *shop) webhooktest.Subject { return s.subjectV2(t, nil) }, 16},
		"of refunds of APIv2": {func(t *testing.T, s *shop) webhooktest.Subject { return refund(t, s, nil) }, 14},
		"of refunds, whose parser knows no entities": {func(t *testing.T, s *shop) webhooktest.Subject {
			return refund(t, s, rewriting(func(body string) string { return strings.Replace(doctype.ReplaceAllString(body, ""), "&n;", "", 1) }))
		}, 14},
		"that answers 200": {func(t *testing.T, s *shop) webhooktest.Subject {
			return s.subject(t, answering(func(a *httptest.ResponseRecorder) { a.Code = cmp.Or(map[int]int{204: 200}[a.Code], a.Code) }))
		}, 25},
		"that refuses with 200 and FAIL, as APIv2 allows": {func(t *testing.T, s *shop) webhooktest.Subject {
			return s.subjectV2(t, answering(func(a *httptest.ResponseRecorder) { a.Code = 200 }))
		}, 16},
		"at a path, behind a ServeMux": {func(t *testing.T, s *shop) webhooktest.Subject {
			subject := s.subject(t, func(h http.Handler) http.Handler {
				mux := http.NewServeMux()
				mux.Handle("POST /notify/{shop}", h)
				return mux
			})
			subject.URL = "/notify/1"
			return subject
		}, 25},
		"that lets all but one of many wait in vain": {func(t *testing.T, s *shop) webhooktest.Subject {
			return s.subject(t, onlyOne)
		}, 25},
		"that keeps what it does not know": {func(t *testing.T, s *shop) webhooktest.Subject {
			s.rest = func(*shop, *webhook.Notification) error { return nil }
			return s.subject(t, nil)
		}, 25},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := check(t, tt.subject(t, newShop(t)))
			checkFound(t, r, "")
			if _, untried := found(r); len(r.Cases)-len(untried) != tt.passed || strings.Join(untried, "") != "reordered" && untried != nil {
				t.Errorf("%d cases were tried, want %d, and not %q", len(r.Cases)-len(untried), tt.passed, untried)
			}
		})
	}
}

// answering has the answers changed.
func answering(change func(*httptest.ResponseRecorder)) before {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := httptest.NewRecorder()
			next.ServeHTTP(a, r)
			change(a)
			for name, values := range a.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(a.Code)
			w.Write(a.Body.Bytes())
		})
	}
}

// onlyOne refuses what comes while another is there.
func onlyOne(next http.Handler) http.Handler {
	var busy sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !busy.TryLock() {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		defer busy.Unlock()
		next.ServeHTTP(w, r)
		time.Sleep(time.Millisecond) // of the bubble's clock: until all others have come
	})
}

// when has the requests answered by instead that are so.
func when(is func(r *http.Request, body string) bool, instead http.HandlerFunc) before {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(io.LimitReader(r.Body, webhook.DefaultMaxBody+1))
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
			if is(r, string(body)) {
				instead(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// failing is the end of a body that was read to this error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, cmp.Or(f.err, io.EOF) }

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func unsigned(r *http.Request, _ string) bool { return r.Header.Get("Wechatpay-Signature") == "" }

func unknown(_ *http.Request, body string) bool {
	return strings.Contains(body, "PAYSCORE.WEBHOOKTEST")
}

func always(*http.Request, string) bool { return true }

func associated(value any) func(*http.Request, string) bool {
	return func(_ *http.Request, body string) bool {
		var e struct{ Resource map[string]any }
		return json.Unmarshal([]byte(body), &e) == nil && e.Resource["associated_data"] == value
	}
}

// rewriting has the body changed before it is read.
func rewriting(change func(string) string) before {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(io.LimitReader(r.Body, webhook.DefaultMaxBody+1))
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(change(string(body))), failing{err}))
			r.ContentLength = -1
			next.ServeHTTP(w, r)
		})
	}
}

type verifier func(ctx context.Context, header http.Header, body []byte, now time.Time) error

func (v verifier) Verify(ctx context.Context, header http.Header, body []byte, now time.Time) error {
	return v(ctx, header, body, now)
}

// ignoring takes what only has this wrong.
func ignoring(fault error) func(webhook.Verifier) webhook.Verifier {
	return func(v webhook.Verifier) webhook.Verifier {
		return verifier(func(ctx context.Context, header http.Header, body []byte, now time.Time) error {
			err := v.Verify(ctx, header, body, now)
			if errors.Is(err, fault) {
				return nil
			}
			return err
		})
	}
}

// clocked verifies by another clock.
func clocked(clock func(now, signed time.Time) time.Time) func(webhook.Verifier) webhook.Verifier {
	return func(v webhook.Verifier) webhook.Verifier {
		return verifier(func(ctx context.Context, header http.Header, body []byte, now time.Time) error {
			var seconds int64
			fmt.Sscan(header.Get("Wechatpay-Timestamp"), &seconds)
			return v.Verify(ctx, header, body, clock(now, time.Unix(seconds, 0)))
		})
	}
}

type store func(ctx context.Context, id string, fn func(context.Context) error) error

func (s store) Once(ctx context.Context, id string, fn func(context.Context) error) error {
	return s(ctx, id, fn)
}

func forgetful() webhook.Store {
	return store(func(ctx context.Context, _ string, fn func(context.Context) error) error { return fn(ctx) })
}

// hasty marks what it has not done yet.
func hasty() webhook.Store {
	var seen sync.Map
	return store(func(ctx context.Context, id string, fn func(context.Context) error) error {
		if _, there := seen.LoadOrStore(id, true); there {
			return nil
		}
		return fn(ctx)
	})
}

// racy lets others look between its look and its mark.
func racy() webhook.Store {
	var done sync.Map
	return store(func(ctx context.Context, id string, fn func(context.Context) error) error {
		if _, there := done.Load(id); there {
			return nil
		}
		time.Sleep(time.Millisecond) // of the bubble's clock
		err := fn(ctx)
		if err == nil {
			done.Store(id, true)
		}
		return err
	})
}

// hopeful takes what another has begun for done.
func hopeful() webhook.Store {
	var seen sync.Map
	return store(func(ctx context.Context, id string, fn func(context.Context) error) error {
		if _, there := seen.LoadOrStore(id, true); there {
			return nil
		}
		err := fn(ctx)
		if err != nil {
			seen.Delete(id)
		}
		return err
	})
}

// harsh refuses what it has done.
func harsh() webhook.Store {
	var seen sync.Map
	return store(func(ctx context.Context, id string, fn func(context.Context) error) error {
		if _, there := seen.LoadOrStore(id, true); there {
			return errors.New("that was there before")
		}
		err := fn(ctx)
		if err != nil {
			seen.Delete(id)
		}
		return err
	})
}

// bySignature remembers signatures instead of notifications.
func bySignature(next http.Handler) http.Handler {
	var seen sync.Map
	return when(func(r *http.Request, _ string) bool {
		_, there := seen.LoadOrStore(r.Header.Get("Wechatpay-Signature"), true)
		return there
	}, status(204))(next)
}

// early remembers the IDs of all that came, whoever sent it.
func early(next http.Handler) http.Handler {
	var seen sync.Map
	return when(func(_ *http.Request, body string) bool {
		var e struct{ ID string }
		if json.Unmarshal([]byte(body), &e) != nil {
			return false
		}
		_, there := seen.LoadOrStore(e.ID, true)
		return there
	}, status(204))(next)
}

// overrun refuses everybody while more than ten are there.
func overrun(next http.Handler) http.Handler {
	var there atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there.Add(1)
		defer there.Add(-1)
		time.Sleep(time.Millisecond) // of the bubble's clock: until all have come
		crowded := there.Load() > 10
		time.Sleep(time.Millisecond) // and looked
		if crowded {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// payAnyway takes any event for a payment.
func payAnyway(s *shop, n *webhook.Notification) error {
	var e payscore.UserPaid
	if err := json.Unmarshal(n.Resource, &e); err != nil {
		return err
	}
	return s.pay(e.OutOrderNo, e.TotalAmount)
}

// wrong has one receiver for each mistake.
var wrong = map[string]struct {
	spoil  func(*shop)
	before before
	failed string
	reason string // of the first
}{
	"takes nothing":       {before: when(always, status(404)), failed: "true notification", reason: "it moved nothing, and should have moved 4000 fen"},
	"pays twice for once": {spoil: func(s *shop) { s.store = forgetful() }, before: twice, failed: "true notification, twice", reason: "it moved 8000 fen, and should have moved 4000"},
	"is too late":         {before: slow, failed: "true notification", reason: "it did not answer within 5 seconds"},
	"answers 201": {before: answering(func(a *httptest.ResponseRecorder) { a.Code = cmp.Or(map[int]int{204: 201}[a.Code], a.Code) }),
		failed: "documented answer", reason: "it answered 201 to a true notification"},
	"answers 500 to what it did": {before: answering(func(a *httptest.ResponseRecorder) { a.Code = cmp.Or(map[int]int{204: 500}[a.Code], a.Code) }),
		failed: "documented answer", reason: "it answered 500 to a true notification"},
	"does not know new members":      {spoil: func(s *shop) { s.strict = true }, failed: "new member"},
	"wants associated data":          {before: when(associated(""), status(400)), failed: "empty associated data", reason: "it answered 400, and WeChat Pay sends again what was true"},
	"wants a member associated_data": {before: when(associated(nil), status(400)), failed: "absent associated data"},
	"believes what is not signed":    {spoil: func(s *shop) { s.verifier = ignoring(auth.ErrNotSigned) }, failed: "unsigned, believed", reason: "it moved 4000 fen, and should have moved nothing; it answered 204, as if it had believed it. Anyone"},
	"answers strangers as friends":   {before: when(unsigned, status(200)), failed: "unsigned, believed", reason: "it answered 200, as if"},
	"sends strangers elsewhere":      {before: when(unsigned, status(302)), failed: "unsigned", reason: "it answered 302, which is no refusal"},
	"hangs":                          {before: when(unsigned, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), failed: "unsigned", reason: "within 5 seconds"},
	"panics":                         {before: when(unsigned, func(http.ResponseWriter, *http.Request) { panic("canary") }), failed: "unsigned", reason: "the handler panicked at check_test.go:"},
	"dereferences nil":               {before: when(unsigned, func(http.ResponseWriter, *http.Request) { var s *shop; s.moved++ }), failed: "unsigned", reason: "nil pointer dereference"},
	"cuts the connection":            {before: when(unsigned, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), failed: "unsigned", reason: "the handler cut the connection"},
	"ends its goroutine":             {before: when(unsigned, func(http.ResponseWriter, *http.Request) { runtime.Goexit() }), failed: "unsigned", reason: "the handler ended its goroutine"},
	"does not verify":                {spoil: func(s *shop) { s.verifier = ignoring(auth.ErrBadSignature) }, failed: "forged signature, believed\nchanged body, believed\ntrailing newline, believed"},
	"does not look at the serial":    {spoil: func(s *shop) { s.verifier = ignoring(auth.ErrUnknownSerial) }, failed: "wrong serial, believed"},
	"takes a probe for health": {before: when(func(r *http.Request, _ string) bool {
		return strings.Contains(r.Header.Get("Wechatpay-Signature"), "/SIGNTEST/")
	}, status(200)), failed: "SIGNTEST probe, believed"},
	"marks what it has not verified":       {before: early, failed: "SIGNTEST probe\nfailure first\nfailures at once", reason: "it moved nothing, and should have moved 4000 fen. WeChat Pay"},
	"trims":                                {before: rewriting(strings.TrimSpace), failed: "trailing newline, believed"},
	"has no window":                        {spoil: func(s *shop) { s.verifier = clocked(func(_, signed time.Time) time.Time { return signed }) }, failed: "stale timestamp, believed\nfuture timestamp, believed"},
	"knows no past":                        {spoil: func(s *shop) { s.verifier = clocked(earlier) }, failed: "stale timestamp, believed"},
	"knows no future":                      {spoil: func(s *shop) { s.verifier = clocked(later) }, failed: "future timestamp, believed"},
	"has done with what it cannot read":    {spoil: func(s *shop) { s.options = opensAll(s) }, failed: "wrong APIv3 key, believed"},
	"has done with what it could not hear": {before: deafened, failed: "truncated, believed"},
	"reads without an end":                 {spoil: func(s *shop) { s.options = []webhook.Option{webhook.MaxBody(1 << 30)} }, failed: "oversize, believed"},
	"asks how long it is":                  {spoil: func(s *shop) { s.options = []webhook.Option{webhook.MaxBody(1 << 30)} }, before: asking, failed: "oversize, believed"},
	"reads all before it refuses":          {before: greedy, failed: "oversize", reason: "it refused it, but read it all"},
	"takes every event for a payment":      {spoil: func(s *shop) { s.rest = payAnyway }, failed: "unknown event, believed"},
	"panics at what is unknown":            {before: when(unknown, func(http.ResponseWriter, *http.Request) { panic(errors.New("canary")) }), failed: "unknown event", reason: "with a value of type *errors.errorString; it did not answer"},
	"trusts the amount":                    {spoil: func(s *shop) { s.trusting = true }, failed: "wrong amount, believed", reason: "it moved 3999 fen"},
	"forgets":                              {spoil: func(s *shop) { s.store = forgetful() }, failed: "replay, twice\nduplicate, twice\ntwo at once, twice\na hundred at once, twice"},
	"remembers signatures":                 {spoil: func(s *shop) { s.store = forgetful() }, before: bySignature, failed: "duplicate, twice\ntwo at once, twice\na hundred at once, twice"},
	"looks, and then marks":                {spoil: func(s *shop) { s.store = racy() }, failed: "two at once, twice\na hundred at once, twice", reason: "it moved 8000 fen, and should have moved 4000"},
	"refuses what it has done":             {spoil: func(s *shop) { s.store = harsh() }, failed: "replay\nduplicate"},
	"cannot do with many":                  {before: overrun, failed: "a hundred at once", reason: "it moved nothing"},
	"lets what is late undo":               {spoil: func(s *shop) { s.undoes = true }, failed: "reordered", reason: "it moved -4000 fen"},
	"refuses what is late":                 {spoil: func(s *shop) { s.sour = true }, failed: "reordered"},
	"marks what it has not done":           {spoil: func(s *shop) { s.store = hasty() }, failed: "failure first\nfailures at once", reason: "it moved nothing, and should have moved 4000 fen. Answer"},
	"says that it did what it could not":   {spoil: func(s *shop) { s.deaf = true }, failed: "failure first\nfailures at once", reason: "it answered 204 to what it could not do"},
	"takes what has begun for done":        {spoil: func(s *shop) { s.store = hopeful() }, failed: "failures at once", reason: "it answered 204 to what it could not do, and WeChat Pay never sends it again. Answer with success only"},
}

func TestAWrongReceiverFailsItsCases(t *testing.T) {
	t.Parallel()
	for name, tt := range wrong {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			if tt.spoil != nil {
				tt.spoil(s)
			}
			checkWrong(t, check(t, s.subject(t, tt.before)), tt.failed, tt.reason)
		})
	}
}

// checkWrong compares the cases that failed, and why the first did.
func checkWrong(t *testing.T, r *webhooktest.Report, failed, reason string) {
	t.Helper()
	checkFound(t, r, failed)
	for _, c := range r.Cases {
		if c.Verdict == webhooktest.Failed {
			if !strings.Contains(c.Reason, reason) {
				t.Errorf("the reason is %q, want …%s…", c.Reason, reason)
			}
			break
		}
	}
	if text := fmt.Sprint(r, r.Err()); strings.Contains(text, "canary") {
		t.Errorf("what the handler panicked with shows: %s", text)
	}
}

func earlier(now, signed time.Time) time.Time {
	if signed.Before(now) {
		return signed
	}
	return now
}

func later(now, signed time.Time) time.Time {
	if signed.After(now) {
		return signed
	}
	return now
}

// twice brings everything a second time.
func twice(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(httptest.NewRecorder(), r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// slow answers when WeChat Pay has gone, though a little earlier than whoever waits longer.
func slow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		time.Sleep(webhook.Deadline + time.Millisecond) // of the bubble's clock
	})
}

// deafened goes away without a word when it cannot read.
func deafened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, webhook.DefaultMaxBody+1))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func greedy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		r.Body, r.ContentLength = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err})), -1
		next.ServeHTTP(w, r)
	})
}

// asking believes whatever it is told about the length.
func asking(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > webhook.DefaultMaxBody {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// opensAll reads what it cannot decrypt as an order that was paid for nothing.
func opensAll(s *shop) []webhook.Option {
	s.orders["none"] = 0
	return []webhook.Option{webhook.Cipher("AEAD_AES_256_GCM", func(key, nonce, associatedData string, ciphertext []byte) ([]byte, error) {
		plaintext, err := crypt.OpenGCM(key, nonce, associatedData, ciphertext)
		if err != nil {
			return []byte(`{"out_order_no":"none"}`), nil
		}
		return plaintext, nil
	})}
}

// resigning signs messages of APIv2 with the receiver's own key, which makes it believe them.
func resigning(s *shop, which func(xmlv2.Members) bool) before {
	return rewriting(func(body string) string {
		message, err := xmlv2.Decode([]byte(body), xmlv2.Limits{Bytes: webhook.DefaultMaxBody})
		if err != nil || !which(message) {
			return body
		}
		sign, err := auth.MD5.Sign(s.sender.Merchant().APIv2Key, message.Texts())
		if err != nil {
			return body
		}
		message.Set("sign", sign)
		text, err := xmlv2.Encode(xmlv2.Root, message)
		if err != nil {
			return body
		}
		return string(text)
	})
}

var (
	doctype = regexp.MustCompile(`^<!DOCTYPE xml \[<!ENTITY (\w+) "(.*?)">\]>`)
	newer   = regexp.MustCompile(`<webhooktest>.*</webhooktest>`)
)

// resolving resolves entities as parsers do by default in some languages.
func resolving(body string) string {
	if found := doctype.FindStringSubmatch(body); found != nil {
		return strings.ReplaceAll(strings.TrimPrefix(body, found[0]), "&"+found[1]+";", found[2])
	}
	return body
}

var wrongV2 = map[string]struct {
	sealed bool // sends refunds
	spoil  func(*shop)
	before func(*shop) before
	failed string
	reason string
}{
	"does not verify": {before: func(s *shop) before {
		return resigning(s, func(xmlv2.Members) bool { return true })
	}, failed: "unsigned, believed\nforged signature, believed\nchanged body, believed"},
	"verifies what is signed": {before: func(s *shop) before {
		return resigning(s, func(m xmlv2.Members) bool { return m.Get("sign") == "" })
	}, failed: "unsigned, believed"},
	"answers in JSON": {before: func(*shop) before {
		return answering(func(a *httptest.ResponseRecorder) { a.Body = bytes.NewBufferString(`{"code":"SUCCESS"}`) })
	}, failed: "documented answer", reason: "it answered 200 no XML to a true notification"},
	"answers with a word more": {before: func(*shop) before {
		return answering(func(a *httptest.ResponseRecorder) { a.Body.WriteString("ok") })
	}, failed: "documented answer", reason: "it answered 200 no XML"},
	"answers without a code": {before: func(*shop) before {
		return answering(func(a *httptest.ResponseRecorder) { a.Body = bytes.NewBufferString(`<xml><code>canary</code></xml>`) })
	}, failed: "documented answer", reason: "it answered 200 no code"},
	"answers as APIv3 wants it": {before: func(*shop) before {
		return answering(func(a *httptest.ResponseRecorder) {
			a.Code, a.Body = cmp.Or(map[int]int{200: 204}[a.Code], a.Code), new(bytes.Buffer)
		})
	}, failed: "documented answer", reason: "it answered 204 no XML"},
	"answers 500 to what it did": {before: func(*shop) before {
		return answering(func(a *httptest.ResponseRecorder) { a.Code = cmp.Or(map[int]int{200: 500}[a.Code], a.Code) })
	}, failed: "documented answer", reason: "it answered 500 SUCCESS"},
	"says SUCCESS to everybody": {before: func(*shop) before {
		return answering(func(a *httptest.ResponseRecorder) { a.Code, a.Body = 200, bytes.NewBufferString(webhook.SuccessV2) })
	}, failed: `unsigned, believed
			forged signature, believed
			changed body, believed
			entity, believed
			truncated, believed
			oversize, believed
			failure first
			failures at once`},
	"resolves entities": {before: func(*shop) before { return rewriting(resolving) }, failed: "entity, believed"},
	"verifies the members that it knows": {before: func(*shop) before {
		return rewriting(func(body string) string { return newer.ReplaceAllString(body, "") })
	}, failed: "new member"},
	"trusts the amount":                   {spoil: func(s *shop) { s.trusting = true }, failed: "wrong amount, believed"},
	"forgets":                             {spoil: func(s *shop) { s.store = forgetful() }, failed: "replay, twice\nduplicate, twice\ntwo at once, twice\na hundred at once, twice"},
	"looks, and then marks":               {spoil: func(s *shop) { s.store = racy() }, failed: "two at once, twice\na hundred at once, twice"},
	"marks what it has not done":          {spoil: func(s *shop) { s.store = hasty() }, failed: "failure first\nfailures at once"},
	"takes what has begun for done":       {spoil: func(s *shop) { s.store = hopeful() }, failed: "failures at once"},
	"reads without an end":                {spoil: func(s *shop) { s.options = []webhook.Option{webhook.MaxBody(1 << 30)} }, failed: "oversize", reason: "it refused it, but read it all"},
	"resolves entities in what is sealed": {sealed: true, before: func(*shop) before { return rewriting(resolving) }, failed: "entity, believed"},
	"forgets what was sealed":             {sealed: true, spoil: func(s *shop) { s.store = forgetful() }, failed: "replay, twice\nduplicate, twice\ntwo at once, twice\na hundred at once, twice"},
	"says SUCCESS to what it cannot open": {sealed: true, before: func(*shop) before {
		return answering(func(a *httptest.ResponseRecorder) {
			if a.Code == http.StatusUnauthorized {
				a.Code, a.Body = 200, bytes.NewBufferString(webhook.SuccessV2)
			}
		})
	}, failed: "forged signature, believed\nentity, believed"},
}

func TestAWrongReceiverOfAPIv2FailsItsCases(t *testing.T) {
	t.Parallel()
	for name, tt := range wrongV2 {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			if tt.spoil != nil {
				tt.spoil(s)
			}
			var b before
			if tt.before != nil {
				b = tt.before(s)
			}
			subject := s.subjectV2(t, b)
			if tt.sealed {
				subject = refund(t, s, b)
			}
			checkWrong(t, check(t, subject), tt.failed, tt.reason)
		})
	}
}

// TestEveryCaseIsFailedBySomebody: a case that nobody fails may as well not be there.
func TestEveryCaseIsFailedBySomebody(t *testing.T) {
	t.Parallel()
	fails := map[string]bool{}
	add := func(failed string) {
		for line := range strings.Lines(unindented(failed)) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), ",")
			fails[name] = true
		}
	}
	for _, tt := range wrong {
		add(tt.failed)
	}
	for _, tt := range wrongV2 {
		add(tt.failed)
	}
	s := newShop(t)
	for _, r := range []*webhooktest.Report{check(t, s.subject(t, nil)), check(t, s.subjectV2(t, nil))} {
		for _, c := range r.Cases {
			if !fails[c.Name] {
				t.Errorf("no receiver fails %s", c.Name)
			}
		}
	}
}

func TestNothingIsConcludedBeforeATrueNotificationIsTaken(t *testing.T) {
	t.Parallel()
	r := check(t, newShop(t).subject(t, when(always, status(404))))
	for _, c := range r.Cases[1:] {
		if c.Verdict != webhooktest.NotTried || !strings.Contains(c.Reason, "does not take what is true") {
			t.Errorf("%s ended with %s: %s", c.Name, c.Verdict, c.Reason)
		}
	}
	const first = "nothing can be concluded"
	if text := r.String(); len(r.Cases) != 25 || !strings.HasPrefix(strings.Split(text, "\n")[1], first) || strings.Contains(text, "replay") {
		t.Errorf("the report does not begin with it:\n%v", r)
	}
	if err := r.Err(); !strings.Contains(err.Error(), first) {
		t.Errorf("the error is %v", err)
	}
}

func TestAHandlerMayWorkOnAfterItsAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		settle time.Duration
		failed string
	}{
		"if it is waited for":     {2 * time.Second, ""},
		"if it is not waited for": {0, "true notification"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.queue = true
			subject := s.subject(t, nil)
			subject.Settle, subject.Break = tt.settle, nil // it answers before it knows
			checkFound(t, check(t, subject), tt.failed)
		})
	}
}

func TestACheckDoesNotWaitForAHandlerThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		subject := newShop(t).subject(t, when(unsigned, func(http.ResponseWriter, *http.Request) { <-released }))
		r, err := webhooktest.Check(t.Context(), subject)
		if close(released); err != nil {
			t.Fatal(err)
		}
		checkWrong(t, r, "unsigned", "it did not answer within 5 seconds")
	})
}

func TestACheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		subject := newShop(t).subject(t, when(unsigned, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}))
		r, err := webhooktest.Check(ctx, subject)
		failed, untried := found(r)
		if !errors.Is(err, context.Canceled) || len(failed) != 0 || len(untried) != 20 || untried[0] != "unsigned" {
			t.Errorf("it ended with %v; failed %q, not tried %q", err, failed, untried)
		}
	})
}

func TestASubjectThatFailsEndsTheCheck(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	tests := map[string]struct {
		spoil func(*webhooktest.Subject)
		want  string
		tried bool // before it was seen
	}{
		"no sender":                     {func(s *webhooktest.Subject) { s.Sender = nil }, "no Sender", false},
		"no handler":                    {func(s *webhooktest.Subject) { s.Handler = nil }, "neither a Handler nor a URL", false},
		"a handler and a client":        {func(s *webhooktest.Subject) { s.Client = http.DefaultClient }, "needs none", false},
		"no event":                      {func(s *webhooktest.Subject) { s.Event = nil }, "no Event", false},
		"no counter":                    {func(s *webhooktest.Subject) { s.Moved = nil }, "no Moved", false},
		"no amount":                     {func(s *webhooktest.Subject) { s.Amount = 0 }, "Amount is 0", false},
		"time that runs back":           {func(s *webhooktest.Subject) { s.Settle = -1 }, "Settle is -1ns", false},
		"a URL that is none":            {func(s *webhooktest.Subject) { s.Handler, s.URL = nil, "http://canary:%%@x" }, "does not parse", false},
		"a URL that anyone can read on": {func(s *webhooktest.Subject) { s.Handler, s.URL = nil, "http://shop.example.com/notify" }, "neither https nor", false},
		"a URL of something else":       {func(s *webhooktest.Subject) { s.Handler, s.URL = nil, "ftp://localhost/" }, "neither https nor", false},
		"a nil event":                   {func(s *webhooktest.Subject) { s.Event = func() any { return nil } }, "the event is nil", false},
		"an event without a type":       {func(s *webhooktest.Subject) { s.Event = func() any { return map[string]any{} } }, "EventType", false},
		"a wrong amount without a type": {func(s *webhooktest.Subject) { s.WrongAmount = func() any { return map[string]any{} } }, "EventType", true},
		"a counter that fails": {func(s *webhooktest.Subject) {
			s.Moved = func(context.Context) (int64, error) { return 0, down }
		}, "Moved: down", true},
		"a break that fails": {func(s *webhooktest.Subject) {
			s.Break = func(context.Context, bool) error { return down }
		}, "Break(true): down", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				subject := newShop(t).subject(t, nil)
				tt.spoil(&subject)
				r, err := webhooktest.Check(t.Context(), subject)
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") || (r != nil) != tt.tried {
					t.Fatalf("the error is %v, want …%s…, and there is a report: %t", err, tt.want, r != nil)
				}
				if r != nil && (r.Err() != nil || r.Cases[len(r.Cases)-1].Verdict != webhooktest.NotTried) {
					t.Errorf("the handler is said to have failed: %v", r)
				}
			})
		})
	}
}

// TestAHandlerIsMendedWhateverHappens: what Break broke must not stay so.
func TestAHandlerIsMendedWhateverHappens(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	tests := map[string]struct {
		happens func(s *shop, cancel func(), subject *webhooktest.Subject)
		mends   error // from Break(false)
		is      []error
	}{
		"a handler that does not fail": {happens: func(s *shop, _ func(), _ *webhooktest.Subject) { s.deaf = true }},
		"a check that ends meanwhile": {
			happens: func(s *shop, cancel func(), subject *webhooktest.Subject) { whileBroken(s, subject, cancel) },
			is:      []error{context.Canceled},
		},
		"that, and a Break that fails": {
			happens: func(s *shop, cancel func(), subject *webhooktest.Subject) { whileBroken(s, subject, cancel) },
			mends:   down,
			is:      []error{context.Canceled, down},
		},
		"a Moved that fails": {
			happens: func(s *shop, _ func(), subject *webhooktest.Subject) {
				moved := subject.Moved
				subject.Moved = func(ctx context.Context) (int64, error) {
					if s.isBroken() {
						return 0, errFailed
					}
					return moved(ctx)
				}
			},
			is: []error{errFailed},
		},
		"a Moved that ends the test": {
			happens: func(s *shop, _ func(), subject *webhooktest.Subject) { whileBroken(s, subject, runtime.Goexit) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t)
				subject := s.subject(t, nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tt.happens(s, cancel, &subject)
				breaks := subject.Break
				subject.Break = func(ctx context.Context, broken bool) error {
					if ctx.Err() != nil {
						return ctx.Err() // like a service that is called with it
					}
					if _, limited := ctx.Deadline(); !broken && !limited {
						t.Error("nothing limits how long it may take to mend")
					}
					if err := breaks(ctx, broken); err != nil || broken {
						return err
					}
					return tt.mends
				}
				var err error
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_, err = webhooktest.Check(ctx, subject)
				}()
				<-ended
				if s.isBroken() {
					t.Error("it is still broken")
				}
				for _, want := range tt.is {
					if !errors.Is(err, want) {
						t.Errorf("the error is %v, want %v", err, want)
					}
				}
				if len(tt.is) == 0 && err != nil {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

var errFailed = errors.New("it failed")

// whileBroken has Moved do something when the handler is broken.
func whileBroken(s *shop, subject *webhooktest.Subject, do func()) {
	moved := subject.Moved
	subject.Moved = func(ctx context.Context) (int64, error) {
		if s.isBroken() {
			do()
		}
		return moved(ctx)
	}
}

func TestAHandlerIsReachedByHTTP(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tls    bool
		before before
		failed string
		reason string
	}{
		"a correct one":            {},
		"a correct one by TLS":     {tls: true},
		"one that panics":          {before: when(unsigned, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), failed: "unsigned", reason: "it did not answer: EOF"},
		"one that leads elsewhere": {before: when(unsigned, http.RedirectHandler("/login", http.StatusFound).ServeHTTP), failed: "unsigned", reason: "it answered 302"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			subject := s.subject(t, tt.before)
			server := httptest.NewUnstartedServer(subject.Handler)
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
			if subject.Handler = nil; tt.tls {
				server.StartTLS()
				subject.Client = server.Client()
			} else {
				server.Start()
			}
			t.Cleanup(server.Close)
			subject.URL = server.URL + "/notify"
			r, err := webhooktest.Check(t.Context(), subject)
			if err != nil {
				t.Fatal(err)
			}
			checkWrong(t, r, tt.failed, tt.reason)
		})
	}
}

func TestAReportShowsNothingThatIsSecret(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var signatures []string
	var mu sync.Mutex
	subject := s.subject(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			mu.Lock()
			signatures = append(signatures, r.Header.Get("Wechatpay-Signature"))
			mu.Unlock()
			if err == nil && strings.Contains(string(body), "WEBHOOKTEST") {
				panic(string(body) + "canary")
			}
			http.Error(w, "canary "+string(body), 200)
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(httptest.NewRecorder(), r)
		})
	})
	event := subject.Event
	subject.Event = func() any {
		e := event().(payscore.UserPaid)
		e.OpenID = "canary-openid"
		return e
	}
	r := check(t, subject)
	text, err := json.Marshal(r)
	if err != nil || len(r.Cases) < 20 || r.Err() == nil {
		t.Fatal(string(text), err)
	}
	all := string(text) + r.String() + r.Err().Error()
	m := s.sender.Merchant()
	for _, secret := range append(slices.DeleteFunc(signatures, func(s string) bool { return s == "" }), "canary", "ciphertext", m.APIv2Key, m.APIv3Key) {
		if strings.Contains(all, secret) {
			t.Errorf("it shows %s", secret)
		}
	}
}
