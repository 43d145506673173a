package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

// This file is the way of a notification, from its arrival to its answer.

// Answer is what a notification is answered with.
type Answer struct {
	StatusCode int
	Header     http.Header
	Body       []byte
}

var _ http.Handler = (*Mux)(nil)

// ServeHTTP answers a notification.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	answer := m.serve(w, r, arrived)
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(answer.Body) // if it does not arrive, the notification comes again
}

func (m *Mux) serve(w http.ResponseWriter, r *http.Request, arrived time.Time) Answer {
	if m == nil || m.receiver == nil {
		return refusal(http.StatusInternalServerError, "there is no receiver", false) // NewMux makes none such
	}
	if r.Method != http.MethodPost {
		answer := refusal(http.StatusMethodNotAllowed, "notifications are sent with POST", false)
		answer.Header.Set("Allow", http.MethodPost)
		return answer
	}
	body, err := m.read(w, r, arrived)
	if err != nil {
		return m.refuse(r.Context(), err, isXML(body))
	}
	return m.answer(r.Context(), r.Header, body, arrived)
}

// read takes the body as it is, as long as it is not too large and comes in time.
func (m *Mux) read(w http.ResponseWriter, r *http.Request, arrived time.Time) ([]byte, error) {
	limit := m.receiver.maxBody
	if r.ContentLength > int64(limit) {
		return nil, fmt.Errorf("webhook: %w", ErrTooLarge)
	}
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(arrived.Add(budget(m.deadline))) // a server that cannot has its own, or none
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), 16<<10)) + bytes.MinRead)
	_, err := io.Copy(&body, http.MaxBytesReader(w, r.Body, int64(limit)))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return body.Bytes(), fmt.Errorf("webhook: %w", ErrTooLarge)
	}
	if err != nil { // the deadline stays, else the server would wait for the rest
		w.Header().Set("Connection", "close")
		return body.Bytes(), errBroken
	}
	_ = conn.SetReadDeadline(time.Time{}) // else it would end the handler's context
	return body.Bytes(), nil
}

var errBroken = errors.New("webhook: the body did not arrive as a whole, or not in time")

// Answer handles the notification that has this header and this body, untouched by any middleware, and
// tells what to answer: write its Header, which may be nil, its StatusCode and its Body. It is for frameworks
// that cannot take the Mux as an http.Handler, as gin does with gin.WrapH(mux), and does not wait longer than
// the time for an answer. Names of header may be in lower case.
//
// A function may run on when Answer has returned, and with it what is in ctx: of a framework that uses
// its own contexts again, such as fasthttp, give context.Background(). Limit the reading of the body, to
// [DefaultMaxBody] and in time, and the method to POST yourself.
func (m *Mux) Answer(ctx context.Context, header http.Header, body []byte) Answer {
	if m == nil || m.receiver == nil || ctx == nil {
		return refusal(http.StatusInternalServerError, "there is no receiver", isXML(body)) // NewMux makes none such
	}
	return m.answer(ctx, header, body, time.Now())
}

func (m *Mux) answer(ctx context.Context, header http.Header, body []byte, arrived time.Time) Answer {
	ctx, cancel := context.WithDeadline(ctx, arrived.Add(budget(m.deadline)))
	defer cancel()
	xml := isXML(body)
	n, err := m.receiver.Parse(ctx, header, body)
	if err != nil {
		return m.refuse(ctx, err, xml)
	}
	r := m.route(n)
	if r == nil {
		err := m.unrouted(n)
		m.log.WarnContext(ctx, "a notification is refused", "notification", n, "err", err)
		return refusal(http.StatusNotFound, "nobody handles this event", xml)
	}
	if r.deadline > 0 {
		ctx, cancel = context.WithDeadline(ctx, arrived.Add(budget(r.deadline)))
		defer cancel()
	}
	reply, err := m.inTime(ctx, r, n)
	if err != nil {
		m.log.ErrorContext(ctx, "a notification was not handled, and will come again", "notification", n, "err", err)
		if ctx.Err() != nil || errors.Is(err, errBusy) {
			return refusal(http.StatusServiceUnavailable, "not handled in time", xml)
		}
		return refusal(http.StatusInternalServerError, "not handled", xml)
	}
	return success(reply, xml)
}

// budget leaves the answer a tenth of the time to arrive.
func budget(deadline time.Duration) time.Duration { return deadline - deadline/10 }

// outcome is what became of a handler.
type outcome struct {
	reply *Answer // of a question
	err   error
}

// inTime runs what r does with n, and does not wait for it when ctx has ended. It goes on then, and if it
// succeeds after all, the notification is marked, and its next delivery answered at once.
func (m *Mux) inTime(ctx context.Context, r *route, n *Notification) (*Answer, error) {
	select {
	case m.running <- struct{}{}:
	default:
		return nil, fmt.Errorf("%w: %d run and do not end, see webhook.AtOnce", errBusy, cap(m.running))
	}
	ended := make(chan outcome, 1)
	go func() {
		o := outcome{err: errors.New("the function ended its goroutine")}
		defer func() {
			if p := recover(); p != nil {
				o = outcome{err: fmt.Errorf("the function panicked: %s\n%s", told(p), debug.Stack())}
			}
			<-m.running
			ended <- o
		}()
		o = m.run(ctx, r, n)
	}()
	select {
	case o := <-ended:
		return o.reply, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the function did not end in time: %w", ctx.Err())
	}
}

var errBusy = errors.New("too many functions run at once")

// told is a panic without what may be the content of a notification.
func told(p any) string {
	switch p := p.(type) {
	case error:
		return p.Error()
	case string:
		return p
	}
	return fmt.Sprintf("a %T", p)
}

func (m *Mux) run(ctx context.Context, r *route, n *Notification) outcome {
	if r.reply == nil {
		return outcome{err: m.store.Once(ctx, n.key(), func(ctx context.Context) error { return r.handle(ctx, n) })}
	}
	reply, err := r.answer(ctx, n)
	return outcome{reply: reply, err: err}
}

// success is the answer after which a notification does not come again.
func success(reply *Answer, xml bool) Answer {
	switch {
	case reply != nil:
		return *reply
	case xml:
		return Answer{http.StatusOK, contentType("text/xml; charset=utf-8"), []byte(SuccessV2)}
	}
	return Answer{StatusCode: http.StatusNoContent}
}

// refuse is the answer to what did not open, which tells a stranger nothing.
func (m *Mux) refuse(ctx context.Context, err error, xml bool) Answer {
	status, message := http.StatusBadRequest, "not a notification of WeChat Pay"
	switch {
	case errors.Is(err, auth.ErrProbe):
		m.log.InfoContext(ctx, "a probe was refused, as it has to be", "err", err)
		return refusal(http.StatusUnauthorized, "the signature does not match", xml)
	case errors.Is(err, errBroken):
		message = "the body did not arrive"
	case ctx.Err() != nil:
		status, message = http.StatusServiceUnavailable, "not handled in time"
	case errors.Is(err, ErrTooLarge):
		status, message = http.StatusRequestEntityTooLarge, "the body is too large"
	case errors.Is(err, auth.ErrNotSigned), errors.Is(err, auth.ErrBadSignature), errors.Is(err, auth.ErrExpired), errors.Is(err, auth.ErrUnknownSerial):
		status, message = http.StatusUnauthorized, "the signature does not match"
	case xml:
		// An unsigned refund, perhaps: whether it decrypts or reads is nobody's business.
		status, message = http.StatusUnauthorized, "the signature does not match"
	case errors.Is(err, crypt.ErrDecrypt):
		// It is WeChat Pay's: the APIv3 key here is not the merchant's.
		status, message = http.StatusInternalServerError, "it does not decrypt"
	}
	m.log.WarnContext(ctx, "a notification is refused", "status", status, "err", err)
	return refusal(status, message, xml)
}

// refusal is an answer after which a notification comes again.
func refusal(status int, message string, xml bool) Answer {
	if xml {
		return Answer{status, contentType("text/xml; charset=utf-8"), []byte(FailureV2)}
	}
	body, err := json.Marshal(struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{"FAIL", message})
	if err != nil {
		body = nil // the status says it
	}
	return Answer{status, contentType("application/json"), body}
}

func contentType(name string) http.Header { return http.Header{"Content-Type": {name}} }
