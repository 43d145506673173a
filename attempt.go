package wechatpay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
)

// This file is the attempts of a call: where they go, and whether there is another one.

// Attempt is one attempt of a call, without what is secret or personal.
type Attempt struct {
	Number     int    // 1 for the first
	MchID      string // of who calls, or "" for a brand
	BrandID    string
	Method     string // of the call
	Path       string // as in Error
	Host       string
	StatusCode int // 0 if there was no answer
	RequestID  string
	Verified   bool
	Took       time.Duration
	Err        error         // nil for a success, else an *Error of its own: of the call, if it ended here
	Wait       time.Duration // before the next attempt; 0 if there is none
}

// attempts sends the call until it succeeds, fails for good, or has been tried often enough. Each
// attempt has the same bytes and a signature of its own. Beside an error, a Response is that of a
// 2xx that is none.
func (c *Client) attempts(ctx context.Context, k *call) (*Response, error) {
	open := false // whether an earlier attempt may have been carried out
	for n := 1; ; n++ {
		began := c.now()
		host, to := c.origin(k)
		a := Attempt{Number: n, MchID: c.signer.MchID(), BrandID: c.signer.BrandID(), Method: k.method, Path: k.shown, Host: to.host}
		res, failed := c.attempt(ctx, k, to)
		a.Took = c.now().Sub(began)
		if res != nil {
			res.Attempts = n
		}
		if failed == nil {
			a.StatusCode, a.RequestID, a.Verified = res.StatusCode, res.RequestID, res.Verified
			c.record(ctx, a)
			return res, nil
		}
		failed.Method, failed.Path, failed.Attempts = k.method, k.shown, n
		if ctx.Err() == nil { // who hangs up says nothing about the host
			c.backups.after(host, failed)
		}
		wait, again := c.again(ctx, k, failed)
		if open && k.method != http.MethodGet {
			failed.Outcome = Unknown
		}
		told := *failed // a copy, for fn may keep it while the caller changes his
		a.StatusCode, a.RequestID, a.Verified, a.Err, a.Wait = told.StatusCode, told.RequestID, told.Verified, &told, wait
		c.record(ctx, a)
		if !again || !pause(ctx, wait) {
			return res, failed
		}
		// With a signed 429 nothing was done; another may be the word of a proxy that sent the call before.
		nothing := failed.Verified && failed.StatusCode == http.StatusTooManyRequests
		open = open || failed.Outcome == Unknown && !nothing
	}
}

// attempt signs and sends the call once.
func (c *Client) attempt(ctx context.Context, k *call, to origin) (*Response, *Error) {
	if k.form != nil {
		defer k.form.Detach()
	}
	header, err := c.header(k)
	if err != nil {
		return nil, notSent(err)
	}
	if err := alive(ctx); err != nil { // signing takes a while, with a remote key above all
		return nil, notSent(err)
	}
	k.url = to.text + k.target
	var way way
	limited, end := k.limit(way.watch(ctx), c.timeout)
	defer end()
	req, err := k.request(limited, header)
	if err != nil {
		return nil, notSent(err)
	}
	answer, err := c.sender(k).Do(req)
	if err != nil {
		return nil, &Error{Outcome: way.outcome(err), Err: withoutURL(err), broken: true}
	}
	if k.stream != nil && answer.StatusCode/100 == 2 {
		return c.handOver(ctx, k, answer)
	}
	defer answer.Body.Close()
	res, err := c.verify(ctx, k, answer) // whose wait for a platform key is not the attempt's
	if errors.Is(err, auth.ErrNotSigned) && k.fact.Unsigned {
		err = nil
	}
	if res == nil {
		return nil, &Error{StatusCode: answer.StatusCode, RequestID: answer.Header.Get("Request-ID"), Err: err, broken: !errors.Is(err, errTooLarge)}
	}
	if k.dialect != nil {
		if failed := k.dialect.read(c, res); failed != nil {
			return nil, failed
		}
		return res, nil
	}
	if err != nil || !res.ok() {
		failed := refusal(res, err)
		failed.retryAfter = answer.Header.Get("Retry-After")
		return nil, failed
	}
	if res.pending() {
		return res, refusal(res, nil)
	}
	return res, nil
}

// header signs the call's bytes. The caller's and the client's headers go with them: what is sent, what
// is wanted back, and who calls, unless that is nobody's business. The last one of a name holds.
func (c *Client) header(k *call) (http.Header, error) {
	h := http.Header{"User-Agent": {c.userAgent}}
	for _, own := range k.header {
		if own.value != "" {
			h.Set(own.name, own.value)
		}
	}
	accept, contentType := "application/json", "application/json"
	switch {
	case k.dialect != nil && k.body != nil:
		accept, contentType = "*/*", "text/xml; charset=utf-8"
	case k.stream != nil:
		accept = "*/*"
	}
	h.Set("Accept", accept)
	if k.body != nil {
		h.Set("Content-Type", contentType)
	}
	if k.fact.SignedOver != "" { // the hash is of the file as it comes, which net/http would ask for as gzip
		h.Set("Accept-Encoding", "identity")
	}
	if k.fact.Anonymous {
		return h, nil
	}
	authorization, err := c.signer.Authorize(k.method, k.target, k.body, c.now())
	if err != nil {
		return nil, err
	}
	h.Set("Authorization", authorization.Header())
	if k.key.Serial != "" {
		h.Set("Wechatpay-Serial", k.key.Serial)
	}
	return h, nil
}

// request carries exactly the bytes that were signed.
func (k *call) request(ctx context.Context, header http.Header) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header = header
	if k.form != nil {
		if err := k.form.Attach(req); err != nil {
			return nil, err
		}
	}
	if header.Get("Idempotency-Key")+header.Get("X-Idempotency-Key") != "" {
		req.GetBody = nil // with which net/http would send it again by itself: it takes the header for a leave
	}
	return req, nil
}

// Retry is a reason for another attempt.
type Retry uint

const (
	// RetryUnsent: nothing was sent, for there was no connection.
	RetryUnsent Retry = 1 << iota
	// RetryTooMany: WeChat Pay said that there are too many calls (429), and did nothing. Where
	// its signature is missing, only calls that may be repeated are attempted again.
	RetryTooMany
	// RetryUnknown: the call may have been carried out. Only those are attempted again that may be
	// repeated: GET, and what the documents say succeeds again with the same content.
	RetryUnknown
)

// again tells whether there is another attempt after failed, and how long to wait before.
func (c *Client) again(ctx context.Context, k *call, failed *Error) (wait time.Duration, again bool) {
	if failed.Attempts >= c.maxAttempts || ctx.Err() != nil || c.retries&reason(k, failed) == 0 {
		return 0, false
	}
	wait = backoff(failed.Attempts)
	if seconds, err := strconv.ParseUint(failed.retryAfter, 10, 64); err == nil {
		wait = time.Duration(min(seconds, 2*uint64(longestWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(failed.retryAfter); err == nil {
		wait = max(wait, at.Sub(c.now()))
	}
	if deadline, ok := ctx.Deadline(); ok && time.Now().Add(wait).After(deadline) || wait > longestWait {
		return 0, false
	}
	return wait, true
}

// longestWait is the longest Retry-After that is waited for. What lasts longer, the caller should know.
const longestWait = time.Minute

// reason is why the call might be attempted again after failed; 0 if nothing speaks for it.
func reason(k *call, failed *Error) Retry {
	repeatable := k.method == http.MethodGet || k.fact.Repeatable
	switch {
	case failed.StatusCode == http.StatusTooManyRequests && (failed.Verified || repeatable):
		return RetryTooMany
	case failed.Outcome == NotSent && failed.broken:
		return RetryUnsent
	case failed.Outcome == Unknown && repeatable && passing(failed):
		return RetryUnknown
	}
	return 0
}

// passing tells whether the failure may be over at the next attempt: a connection that broke, a server
// that was busy, a probe. Another answer that is not believed will not be believed then either.
func passing(failed *Error) bool {
	switch failed.StatusCode {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return failed.broken || errors.Is(failed.Err, auth.ErrProbe)
}

// backoff grows from 0.2 s by doubling, and takes a random half of it off, so that those who failed
// together do not come back together.
func backoff(attempts int) time.Duration {
	most := 200 * time.Millisecond << min(attempts-1, 5)
	return most/2 + rand.N(most/2)
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// backups are what stands in for hosts, by those hosts. A host that failed is left out for a while.
type backups map[string]*backup

type backup struct {
	host string                    // that stands in
	down atomic.Pointer[time.Time] // until when the other one is left out; nil if it is not
}

func newBackups(hosts map[string]string) backups {
	b := make(backups, len(hosts))
	for host, other := range hosts {
		b[host] = &backup{host: other}
	}
	return b
}

// outageLife is how long a host is left out before it is tried again.
const outageLife = 30 * time.Second

// choose is the host to call for host.
func (b backups) choose(host string) string {
	if other := b[host]; other != nil {
		if down := other.down.Load(); down != nil && time.Now().Before(*down) {
			return other.host
		}
	}
	return host
}

// after notes the end of an attempt: an I/O error speaks against the host that it came from, and for
// the one that this stands in for.
func (b backups) after(host string, failed *Error) {
	if !failed.broken {
		return
	}
	if other := b[host]; other != nil {
		other.down.Store(new(time.Now().Add(outageLife)))
	}
	for _, other := range b {
		if other.host == host {
			other.down.Store(nil)
		}
	}
}

// record shows one attempt to who wants to know.
func (c *Client) record(ctx context.Context, a Attempt) {
	if c.trace != nil {
		c.trace(ctx, a)
	}
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	who := slog.String("mchid", a.MchID)
	if a.BrandID != "" {
		who = slog.String("brand_id", a.BrandID)
	}
	attrs := []any{who, "method", a.Method, "host", a.Host, "path", a.Path, "attempt", a.Number, "took", a.Took}
	if a.StatusCode != 0 {
		attrs = append(attrs, "status", a.StatusCode, "request_id", legible(a.RequestID), "verified", a.Verified)
	}
	if a.Wait > 0 {
		attrs = append(attrs, "wait", a.Wait)
	}
	if a.Err != nil {
		attrs = append(attrs, "err", a.Err)
	}
	c.log.DebugContext(ctx, "wechatpay call", attrs...)
}

// way is how far an attempt got, as net/http tells: it looked for a connection, it had one.
type way struct{ dialed, connected atomic.Bool }

func (w *way) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.dialed.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.connected.Store(true) },
	})
}

// outcome is [NotSent] only for errors that come before a connection stands, which net/http
// tells, and other transports by the error. After that, a request may have arrived however
// the connection ended.
func (w *way) outcome(err error) Outcome {
	if w.connected.Load() {
		return Unknown
	}
	if w.dialed.Load() {
		return NotSent
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return NotSent
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return NotSent
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return NotSent
	}
	return Unknown
}

// withoutURL takes off the URLs that net/http puts before its errors: they may hold an openid.
func withoutURL(err error) error {
	for {
		e, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = e.Err
	}
}

// defaultBackups are WeChat Pay's own: the access point of another city, and for overseas the one at
// home.
var defaultBackups = map[string]string{
	"api.mch.weixin.qq.com":   "api2.mch.weixin.qq.com",
	"apihk.mch.weixin.qq.com": "api.mch.weixin.qq.com",
}

// origin is where a call is sent now: the host, as the documents print it, and its address.
func (c *Client) origin(k *call) (host string, address origin) {
	host = c.backups.choose(k.fact.Host)
	if c.hosts[k.fact.Host] != nil && c.hosts[host] == nil { // what is sent elsewhere does not go to the real stand-in
		host = k.fact.Host
	}
	if c.base != nil {
		return host, *c.base
	}
	if mapped := c.hosts[host]; mapped != nil {
		return host, *mapped
	}
	return host, origin{"https://" + host, host}
}
