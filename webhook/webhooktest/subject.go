package webhooktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/webhook"
)

// Subject is a handler to be checked, and what has to be known about it. Its functions are called one after
// another by the goroutine that called [Check] or [Run], so that they may end a test.
type Subject struct {
	// Sender has the keys that the handler opens notifications with, see [Sender.Merchant].
	Sender *Sender

	// Handler is the handler, if it is in this program. Of URL only the path matters then, which may stay
	// empty.
	Handler http.Handler
	// URL is where the handler listens, if it is elsewhere: by https, or on a loopback address.
	URL string
	// Client calls URL. Redirects are not followed. Default: one of its own.
	Client *http.Client

	// Event returns a true event about a fresh order, which the handler knows when it returns: for which
	// it moves Amount. It is called about twenty times.
	Event func() any
	// Amount is the money that each Event is worth, in fen (分).
	Amount int64
	// Moved tells how much money the handler has moved so far, in fen: the sum of what it credited,
	// shipped or paid out. Nothing else may move money meanwhile. If an order that was paid can become
	// unpaid again, the sum has to fall.
	Moved func(ctx context.Context) (int64, error)
	// Settle is how long to wait after each answer before Moved is asked, for a handler that works on
	// after it.
	Settle time.Duration

	// WrongAmount returns an event about a fresh order that has another amount than the order. Without
	// it, whether the handler compares is not tried.
	WrongAmount func() any
	// Earlier returns an earlier state of what event is about, such as a payscore.UserConfirm of the
	// same order: it is delivered late. Without it, reordering is not tried.
	Earlier func(event any) any
	// Break has what the handler does with events fail, as if its database were down, until it is called with
	// false. Let it fail slowly, after a tenth of a second or so: what comes meanwhile shows whether the handler takes
	// what has begun for done. It is called with false whatever happened, after the end of ctx, too. Without it,
	// whether the handler loses what it could not do is not tried.
	Break func(ctx context.Context, broken bool) error
}

func (s *Subject) check() error {
	switch {
	case s.Sender == nil:
		return errors.New("the Subject has no Sender: make one with webhooktest.NewSender")
	case s.Handler == nil && s.URL == "":
		return errors.New("the Subject has neither a Handler nor a URL")
	case s.Handler != nil && s.Client != nil:
		return errors.New("the Subject has a Client, and a Handler that needs none")
	case s.Event == nil || s.Moved == nil:
		return errors.New("the Subject has no Event or no Moved: without them, nobody knows what is true and what it does")
	case s.Amount <= 0:
		return fmt.Errorf("the Subject's Amount is %d, want what an Event is worth in fen", s.Amount)
	case s.Settle < 0:
		return fmt.Errorf("the Subject's Settle is %v", s.Settle)
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return errors.New("the Subject's URL does not parse")
	}
	loopback := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	if s.Handler == nil && u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return errors.New("the Subject's URL is neither https nor on a loopback address")
	}
	return nil
}

// client reaches the handler.
func (s *Subject) client() *http.Client {
	var client *http.Client
	switch {
	case s.Handler != nil:
		client = &http.Client{Transport: inProcess{s.Handler}}
	case s.Client != nil:
		client = new(*s.Client)
	default:
		client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: crowd, IdleConnTimeout: time.Second}}
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// address is the URL that is called.
func (s *Subject) address() string {
	if s.Handler == nil {
		return s.URL
	}
	if u, err := url.Parse(s.URL); err == nil && u.Path != "" {
		return "http://localhost/" + strings.TrimPrefix(u.RequestURI(), "/")
	}
	return "http://localhost/"
}

// inProcess calls a handler without a listener. It does not wait for one when the request has ended.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r := req.Clone(req.Context())
	r.RequestURI, r.RemoteAddr = req.URL.RequestURI(), "127.0.0.1:1024"
	ended := make(chan error, 1)
	go func() {
		err := errors.New("the handler ended its goroutine")
		defer func() {
			if v := recover(); v != nil {
				err = panicked(v)
			}
			ended <- err
		}()
		p.handler.ServeHTTP(w, r)
		err = nil
	}()
	select {
	case err := <-ended:
		if err != nil {
			return nil, err
		}
		return w.Result(), nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// errPanic is a handler's panic. It does not quote what the handler panicked with, which may be a body.
type errPanic string

func (e errPanic) Error() string { return string(e) }

func panicked(v any) error {
	if v == http.ErrAbortHandler {
		return errors.New("the handler cut the connection")
	}
	if err, ok := v.(runtime.Error); ok {
		return errPanic(fmt.Sprintf("the handler panicked%s: %v", where(), err))
	}
	return errPanic(fmt.Sprintf("the handler panicked%s with a value of type %T", where(), v))
}

// where is the line that panicked, as far as it can be told.
func where() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	for panicking := false; ; {
		frame, more := frames.Next()
		runtimes := strings.HasPrefix(frame.Function, "runtime.")
		if panicking && !runtimes {
			return fmt.Sprintf(" at %s:%d", filepath.Base(frame.File), frame.Line)
		}
		panicking = panicking || frame.Function == "runtime.gopanic"
		if !more {
			return ""
		}
	}
}

// parcel is a delivery and how it comes.
type parcel struct {
	Delivery
	cut     bool // the connection breaks off halfway
	chunked bool // its length is not said before
	read    *int // how many bytes were read of it
}

// counted counts what is read of a body.
type counted struct {
	io.Reader
	n *int
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += n
	return n, err
}

// broken is a connection that has broken off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// request is p on its way.
func (p parcel) request(ctx context.Context, url string) (*http.Request, error) {
	req, err := p.Request(ctx, url)
	if err != nil {
		return nil, err
	}
	if p.cut {
		req.Body, req.GetBody = io.NopCloser(io.MultiReader(strings.NewReader(string(p.Body[:len(p.Body)/2])), broken{})), nil
	}
	if p.chunked {
		req.ContentLength, req.GetBody = -1, nil
	}
	if p.read != nil {
		req.Body, req.GetBody = io.NopCloser(counted{req.Body, p.read}), nil
	}
	return req, nil
}

// answer is what the handler did with one parcel, as WeChat Pay sees it.
type answer struct {
	status int
	taken  bool   // for a success, by WeChat Pay
	late   bool   // so that WeChat Pay did not wait for it
	err    error  // in the place of an answer
	text   string // for the report
}

const (
	maxAnswer = 64 << 10    // bytes
	margin    = time.Second // beyond WeChat Pay's patience, to tell who is late from who is silent
)

// post brings one parcel and waits for its answer.
func (c *checker) post(ctx context.Context, p parcel) answer {
	ctx, cancel := context.WithTimeout(ctx, webhook.Deadline+margin)
	defer cancel()
	req, err := p.request(ctx, c.url)
	if err != nil {
		return answer{err: err, text: "none"}
	}
	sent := time.Now()
	res, err := c.client.Do(req)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		res.Body.Close()
	}
	a := answer{late: time.Since(sent) > webhook.Deadline}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	switch _, panicked := err.(errPanic); {
	case panicked:
		a.err, a.text = err, "panic"
	case err != nil:
		a.err, a.text = err, "none"
	case c.v2:
		a.status = res.StatusCode
		a.taken, a.text = readV2(res.StatusCode, body)
	default:
		a.status, a.text = res.StatusCode, fmt.Sprint(res.StatusCode)
		a.taken = a.status == http.StatusOK || a.status == http.StatusNoContent
	}
	return a
}
