package wechatpay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Call is how generated code calls an operation whose answer has a body: args fill the
// parameters of path from left to right, in is the operation's request or query struct, or
// nil. By hand, [Client.Chain] is more convenient.
func Call[Out any](ctx context.Context, c *Client, method, path string, args []string, in any, opts []CallOption) (*Out, error) {
	res, err := Send(ctx, c, method, path, args, in, opts)
	if err != nil {
		return nil, err
	}
	out := new(Out)
	if err := res.Decode(out); err != nil {
		return nil, &Error{StatusCode: res.StatusCode, RequestID: res.RequestID, Verified: true, Method: method, Path: path, Err: err}
	}
	return out, nil
}

// Send is [Call] for operations whose answer has no body.
func Send(ctx context.Context, c *Client, method, path string, args []string, in any, opts []CallOption) (*Response, error) {
	k := call{method: method, path: path, args: args, in: in}
	res, err := c.do(ctx, &k, opts)
	if e, ok := err.(*Error); ok {
		e.Method, e.Path = method, path
	}
	return res, err
}

// call is one call on its way: what the caller said, then the bytes that it became.
type call struct {
	method, path string
	args         []string  // typed: the path's arguments in order
	named        []pair    // dynamic: the path's arguments by name
	in           any       // typed: the request or query struct
	json         any       // dynamic: the body
	query        []pair    // of both
	header       []pair    // of both
	into         *Response // where the Response goes as well

	target string // path and query as they are sent and signed
	body   []byte // nil if there is none

	dialed, connected atomic.Bool // what net/http tells: it looked for a connection, it had one
}

type pair struct{ name, value string }

// do is the way of every request: build the bytes, sign them, send them, verify the bytes
// that come back. A Response that it returns is verified, an error is an *Error.
func (c *Client) do(ctx context.Context, k *call, opts []CallOption) (*Response, error) {
	if c == nil || c.signer == nil {
		return nil, notSent(errors.New("there is no client: make one with wechatpay.New, and look for a misspelt key of Endpoints"))
	}
	if err := alive(ctx); err != nil {
		return nil, notSent(err)
	}
	if err := k.build(opts); err != nil {
		return nil, notSent(err)
	}
	req, err := c.request(k)
	if err != nil {
		return nil, notSent(err)
	}
	if err := alive(ctx); err != nil { // signing takes a while, with a remote key above all
		return nil, notSent(err)
	}
	ctx, cancel := context.WithTimeout(k.watch(ctx), c.timeout)
	defer cancel()
	res, err := c.send(req.WithContext(ctx), k)
	if err != nil {
		return nil, err
	}
	if k.into != nil {
		*k.into = *res
	}
	return res, nil
}

// request signs the call's bytes and makes the request that carries exactly them.
func (c *Client) request(k *call) (*http.Request, error) {
	origin := c.origin(k.method, k.path)
	req, err := http.NewRequest(k.method, origin.String()+k.target, bytes.NewReader(k.body))
	if err != nil {
		return nil, withoutURL(err)
	}
	authorization, err := c.signer.Authorize(k.method, req.URL.RequestURI(), k.body, c.now())
	if err != nil {
		return nil, err
	}
	for _, h := range k.header {
		req.Header.Set(h.name, h.value)
	}
	req.Header.Set("Authorization", authorization.Header())
	req.Header.Set("Wechatpay-Serial", c.verifier.Serial())
	req.Header.Set("Accept", "application/json")
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", c.userAgent)
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// watch has net/http tell how far the call gets.
func (k *call) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { k.dialed.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { k.connected.Store(true) },
	})
}

// send makes one attempt.
func (c *Client) send(req *http.Request, k *call) (*Response, error) {
	began := c.now()
	answer, err := c.http.Do(req)
	if err != nil {
		c.record(req, k, nil, began)
		return nil, &Error{Outcome: k.outcome(err), Err: withoutURL(err)}
	}
	defer answer.Body.Close()
	res, err := c.verify(req, answer)
	c.record(req, k, res, began)
	if res == nil {
		return nil, &Error{StatusCode: answer.StatusCode, RequestID: answer.Header.Get("Request-ID"), Err: err}
	}
	if err != nil || !res.ok() {
		return nil, refusal(res, err)
	}
	return res, nil
}

// record logs one attempt, without what is secret or personal: the path stands with its
// parameters' names.
func (c *Client) record(req *http.Request, k *call, res *Response, began time.Time) {
	if !c.log.Enabled(req.Context(), slog.LevelDebug) {
		return
	}
	attrs := []any{"method", k.method, "host", req.URL.Host, "path", k.path, "took", c.now().Sub(began)}
	if res != nil {
		attrs = append(attrs, "status", res.StatusCode, "request_id", legible(res.RequestID), "verified", res.Verified)
	}
	c.log.DebugContext(req.Context(), "wechatpay call", attrs...)
}

// alive refuses a context that has ended: after sending, the same error would leave the
// outcome open.
func alive(ctx context.Context) error {
	if ctx == nil {
		return errors.New("the context is nil")
	}
	return ctx.Err()
}

func notSent(err error) *Error { return &Error{Outcome: NotSent, Err: err} }

// outcome is [NotSent] only for errors that come before a connection stands, which net/http
// tells, and other transports by the error. After that, a request may have arrived however
// the connection ended.
func (k *call) outcome(err error) Outcome {
	if k.connected.Load() {
		return Unknown
	}
	if k.dialed.Load() {
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

// build turns what the caller said into the bytes of the request.
func (k *call) build(opts []CallOption) error {
	for _, opt := range opts {
		if opt == nil {
			return errors.New("a CallOption is nil")
		}
		if err := opt(k); err != nil {
			return err
		}
	}
	path, err := k.expandPath()
	if err != nil {
		return err
	}
	if k.in != nil && k.json != nil {
		return errors.New("this call has its own request struct: JSON is for Chain and Endpoints")
	}
	if k.in != nil {
		if err := k.encode(k.in); err != nil {
			return err
		}
	}
	if k.json != nil {
		if k.body, err = marshal(k.json); err != nil {
			return err
		}
	}
	k.target = path + encodeQuery(k.query)
	return nil
}
