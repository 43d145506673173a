package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// This file is notifications that are questions: the answer has content, and there is less time.

// Sign makes the Authorization header of an answer from its body.
type Sign func(ctx context.Context, body []byte) (authorization string, err error)

// A ReplyOption changes how a [Reply] is made.
type ReplyOption func(*route)

// SignedBy has the answer signed, as those to the events of cross-border payments (外包内用) are: sign makes
// its Authorization header, in the form that requests have. Which text is signed is not in the public
// documents, so that it is not here: WeChat Pay tells institutions.
func SignedBy(sign Sign) ReplyOption { return func(r *route) { r.sign = sign } }

// Reply has fn called for the events that T is the type of, like [On], and what it returns sent as the
// answer, in JSON: questions such as parking.ParkingFeeQueryTransInfo, whose R is
// parking.ParkingFeeQueryTransInfoAnswer. As they may be asked again, and change nothing, no [Store]
// stands before fn. T tells how long WeChat Pay waits, from one to three seconds; ctx ends in time. An
// error is a 5xx. It panics where [On] does, and where the answer has to be signed and there is no [SignedBy].
func Reply[T, R any](m *Mux, fn func(ctx context.Context, e Event[T]) (R, error), opts ...ReplyOption) {
	r := route{reply: func(ctx context.Context, n *Notification) (any, error) {
		e, err := decoded[T](n)
		if err != nil {
			return nil, err
		}
		return fn(ctx, e)
	}}
	event := zero[T]()
	if q, ok := event.(interface{ AnswerWithin() time.Duration }); ok {
		r.deadline = q.AnswerWithin()
	}
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Sprintf("webhook: a ReplyOption of %T is nil", event))
		}
		opt(&r)
	}
	if q, ok := event.(interface{ AnswerSigned() bool }); ok && q.AnswerSigned() && r.sign == nil {
		panic(fmt.Sprintf("webhook: the answer to %T is to be signed: give Reply the option SignedBy", event))
	}
	add[T](m, fn == nil, r)
}

// answer is what the question n is answered with.
func (r *route) answer(ctx context.Context, n *Notification) (*Answer, error) {
	said, err := r.reply(ctx, n)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(said)
	if err != nil {
		return nil, fmt.Errorf("the answer to %s does not become JSON: %w", r.event, err)
	}
	if string(body) == "null" {
		return nil, fmt.Errorf("there is no answer to %s: its function returned nil", r.event)
	}
	answer := &Answer{StatusCode: http.StatusOK, Header: contentType("application/json"), Body: body}
	if r.sign != nil {
		authorization, err := r.sign(ctx, body)
		if err != nil {
			return nil, fmt.Errorf("the answer to %s is not signed: %w", r.event, err)
		}
		answer.Header.Set("Authorization", authorization)
	}
	return answer, nil
}
