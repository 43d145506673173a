package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
	v3 "github.com/openwechatpay/wechatpay/v3"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
)

// step is one thing that the demo shows.
type step struct {
	way  string // as --json names it
	name string // for people
	line string // the Go that a user writes for it, and that play runs
	want facts
	play func(ctx context.Context, r *result) error
}

// facts are what has to hold of a step.
type facts struct {
	Status    int    `json:"status"`
	Verified  bool   `json:"verified"` // the signature was there and good
	State     string `json:"state"`    // of the order afterwards, as a query tells
	Code      string `json:"code,omitempty"`
	Outcome   string `json:"outcome,omitempty"`
	EventType string `json:"event_type,omitempty"`

	TotalAmount int64 `json:"total_amount,omitempty"` // fen, of the order afterwards
}

// result is what came of a step. All of it was read from what went over the wire.
type result struct {
	Step   int    `json:"step"`
	Way    string `json:"way"`
	Go     string `json:"go"`
	Method string `json:"method"`
	URL    string `json:"url"`
	facts
	RequestID string `json:"request_id"`
	Message   string `json:"message,omitempty"`
	Failed    string `json:"failed,omitempty"` // why the step did not hold

	TransactionID string `json:"transaction_id,omitempty"` // 微信支付订单号 of what the user paid
}

// perform plays the step and compares what came of it with what should.
func (st step) perform(ctx context.Context) result {
	r := result{Way: st.way, Go: oneLine(st.line)}
	if err := st.play(ctx, &r); err != nil {
		r.Failed = err.Error()
	} else if r.RequestID == "" {
		r.Failed = "there was no Request-ID"
	} else {
		r.Failed = differences(r.facts, st.want)
	}
	return r
}

// differences is empty if there are none.
func differences(got, want facts) string {
	var all []string
	compare := func(what string, got, want any) {
		if got != want {
			all = append(all, fmt.Sprintf("%s is %v, want %v", what, got, want))
		}
	}
	compare("status", got.Status, want.Status)
	compare("verified", got.Verified, want.Verified)
	compare("state", got.State, want.State)
	compare("code", got.Code, want.Code)
	compare("outcome", got.Outcome, want.Outcome)
	compare("event type", got.EventType, want.EventType)
	compare("total amount", got.TotalAmount, want.TotalAmount)
	return strings.Join(all, "; ")
}

// oneLine is Go as it is written, without the line breaks.
func oneLine(line string) string {
	var b strings.Builder
	for part := range strings.Lines(line) {
		part = strings.TrimSpace(part)
		switch before := b.String(); {
		case strings.HasSuffix(before, ","):
			b.WriteString(" ")
		case before != "" && !strings.HasSuffix(before, "."):
			b.WriteString("; ")
		}
		b.WriteString(part)
	}
	return b.String()
}

// steps are what the demo shows, in order.
func (s *stage) steps(ctx context.Context) []step {
	return slices.Concat(s.sixWays(ctx), s.notified(), s.paid(), s.failures(ctx))
}

// cancelRequest is what every cancelling sends.
func cancelRequest() payscore.CancelPartnerServiceOrderRequest {
	return payscore.CancelPartnerServiceOrderRequest{ServiceID: world.ServiceID, SubMchID: world.SubMerchant, Reason: "用户取消"}
}

// sixWays cancel one order each.
func (s *stage) sixWays(ctx context.Context) []step {
	client, in := s.client, cancelRequest()
	revoked := facts{Status: 204, Verified: true, State: "REVOKED"}

	var told atomic.Pointer[wechatpay.Response]
	cancelled := func(res *wechatpay.Response) error {
		told.Store(res)
		return nil
	}
	async := func(call calling) calling {
		return func(no string) (*wechatpay.Response, error) {
			res, err := call(no)
			if err == nil && told.Load() != res {
				return nil, errors.New("the function given to Then did not get the answer")
			}
			return res, err
		}
	}

	return []step{{
		"sync pure chain", "sync, pure chain 同步纯链式",
		`v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel().
	Post(ctx, in)`,
		revoked,
		s.cancelling(func(no string) (*wechatpay.Response, error) {
			return v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel().
				Post(ctx, in)
		}),
	}, {
		"sync declarative", "sync, declarative 同步声明式",
		`client.Chain("v3/payscore/partner/serviceorder/{out_order_no}/cancel").
	Post(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(in))`,
		revoked,
		s.cancelling(func(no string) (*wechatpay.Response, error) {
			return client.Chain("v3/payscore/partner/serviceorder/{out_order_no}/cancel").
				Post(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(in))
		}),
	}, {
		"sync indexed", "sync, indexed 同步属性式",
		`v3.Endpoints(client)["v3/payscore/partner/serviceorder/{out_order_no}/cancel"].
	Post(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(in))`,
		revoked,
		s.cancelling(func(no string) (*wechatpay.Response, error) {
			return v3.Endpoints(client)["v3/payscore/partner/serviceorder/{out_order_no}/cancel"].
				Post(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(in))
		}),
	}, {
		"async pure chain", "async, pure chain 异步纯链式",
		`wechatpay.PostAsync(ctx,
	v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel(), in).
	Then(cancelled).Wait(ctx)`,
		revoked,
		s.cancelling(async(func(no string) (*wechatpay.Response, error) {
			return wechatpay.PostAsync(ctx,
				v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel(), in).
				Then(cancelled).Wait(ctx)
		})),
	}, {
		"async declarative", "async, declarative 异步声明式",
		`client.Chain("v3/payscore/partner/serviceorder/{out_order_no}/cancel").
	PostAsync(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(in)).
	Then(cancelled).Wait(ctx)`,
		revoked,
		s.cancelling(async(func(no string) (*wechatpay.Response, error) {
			return client.Chain("v3/payscore/partner/serviceorder/{out_order_no}/cancel").
				PostAsync(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(in)).
				Then(cancelled).Wait(ctx)
		})),
	}, {
		"async indexed", "async, indexed 异步属性式",
		`v3.Endpoints(client)["v3/payscore/partner/serviceorder/{out_order_no}/cancel"].
	PostAsync(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(in)).
	Then(cancelled).Wait(ctx)`,
		revoked,
		s.cancelling(async(func(no string) (*wechatpay.Response, error) {
			return v3.Endpoints(client)["v3/payscore/partner/serviceorder/{out_order_no}/cancel"].
				PostAsync(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(in)).
				Then(cancelled).Wait(ctx)
		})),
	}}
}

// notified is what the merchant is told when the user confirms.
func (s *stage) notified() []step {
	return []step{{
		"notification", "the user confirmed, and WeChat Pay notifies 支付分用户确认通知",
		`n, err := receiver.Parse(r.Context(), r.Header, body)
confirmed, err := webhook.Decode[payscore.UserConfirm](n)`,
		facts{Status: 204, Verified: true, State: "DOING", EventType: "PAYSCORE.USER_CONFIRM"},
		func(ctx context.Context, r *result) error {
			no, err := s.order(ctx)
			if err != nil {
				return err
			}
			if _, err := s.users.Advance(ctx, 0); err != nil { // returns when what is due was delivered
				return err
			}
			for _, d := range s.inbox.all() {
				n := d.notification
				confirmed, err := webhook.Decode[payscore.UserConfirm](n)
				if err != nil || confirmed.OutOrderNo != no {
					continue
				}
				r.State = string(confirmed.State)
				return s.delivered(ctx, r, d)
			}
			return errNoNotification
		},
	}}
}

var errNoNotification = errors.New("no notification came that verifies and decrypts")

// delivered tells how a notification came.
func (s *stage) delivered(ctx context.Context, r *result, d delivery) (err error) {
	r.Method, r.URL, r.RequestID = d.method, d.url, d.requestID
	r.Verified, r.EventType = true, d.notification.EventType
	r.Status, err = s.answerTo(ctx, d.notification)
	return err
}

// price is what the user of the demo pays, in fen.
const price = 4000

// paid is an order that comes to its end: completed after an hour, and paid.
func (s *stage) paid() []step {
	var no string
	failed := errors.New("nobody completed it")
	return []step{{
		"complete", "an hour later the service ends, for 40 yuan 完结支付分订单",
		`in.PostPayments = []payscore.Payment{{Name: "雨伞租借", Amount: new(int64(price))}}
in.TotalAmount = price
v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Complete().
	Post(ctx, in)`,
		facts{Status: 204, Verified: true, State: "DOING", TotalAmount: price},
		func(ctx context.Context, r *result) error {
			no, failed = s.complete(ctx, r)
			if failed != nil {
				return failed
			}
			return s.ask(ctx, r, no)
		},
	}, {
		"notification", "the deduction succeeds, and WeChat Pay notifies 支付分用户支付成功通知",
		`n, err := receiver.Parse(r.Context(), r.Header, body)
paid, err := webhook.Decode[payscore.UserPaid](n)`,
		facts{Status: 204, Verified: true, State: "DONE", EventType: "PAYSCORE.USER_PAID", TotalAmount: price},
		func(ctx context.Context, r *result) error {
			if failed != nil {
				return fmt.Errorf("there is no order to pay for: %w", failed)
			}
			if _, err := s.users.Advance(ctx, time.Hour); err != nil {
				return err
			}
			for _, d := range s.inbox.all() {
				n := d.notification
				paid, err := webhook.Decode[payscore.UserPaid](n)
				if err != nil || paid.OutOrderNo != no {
					continue
				}
				if len(paid.Collection.Details) != 1 || paid.Collection.Details[0].TransactionID == "" {
					return errors.New("the notification tells of no transaction")
				}
				r.TransactionID = paid.Collection.Details[0].TransactionID
				return errors.Join(s.delivered(ctx, r, d), s.ask(ctx, r, no))
			}
			return errNoNotification
		},
	}}
}

// complete makes an order, lets its user use the service for an hour, and completes it.
func (s *stage) complete(ctx context.Context, r *result) (no string, err error) {
	client := s.client
	if no, err = s.order(ctx); err != nil {
		return no, err
	}
	now, err := s.users.Advance(ctx, time.Hour)
	if err != nil {
		return no, err
	}
	in := payscore.CompletePartnerServiceOrderRequest{
		ServiceID: world.ServiceID, SubMchID: world.SubMerchant,
		TimeRange: payscore.TimeRange{EndTime: now.Business.In(beijing).Format("20060102150405")},
	}
	in.PostPayments = []payscore.Payment{{Name: "雨伞租借", Amount: new(int64(price))}}
	in.TotalAmount = price
	res, err := v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Complete().
		Post(ctx, in)
	return no, s.answered(r, res, err)
}

// beijing is where WeChat Pay's times without an offset are.
var beijing = time.FixedZone("", 8*60*60)

// answerTo is the status that the simulator got for a notification.
func (s *stage) answerTo(ctx context.Context, n *webhook.Notification) (int, error) {
	sent, err := s.users.Notifications(ctx)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(sent, func(c control.Notification) bool { return c.ID == n.ID })
	if i < 0 || len(sent[i].Attempts) == 0 {
		return 0, errors.New("the simulator does not know of the notification")
	}
	return sent[i].Attempts[len(sent[i].Attempts)-1].Status, nil
}

// failures are three calls that are refused, and have changed nothing.
func (s *stage) failures(ctx context.Context) []step {
	client, impostor, in := s.client, s.impostor, cancelRequest()
	return []step{{
		"failure", "an order that does not exist",
		`v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo("no-such-order").Cancel().
	Post(ctx, in)`,
		facts{Status: 404, Verified: true, Code: "ORDER_NOT_EXIST", Outcome: "Refused"},
		func(ctx context.Context, r *result) error {
			return s.cancel(ctx, r, "no-such-order", func(string) (*wechatpay.Response, error) {
				return v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo("no-such-order").Cancel().
					Post(ctx, in)
			})
		},
	}, {
		"failure", "a reason of 51 characters, of which 50 are allowed",
		`in.Reason = strings.Repeat("久", 51)
v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel().
	Post(ctx, in)`,
		facts{Status: 400, Verified: true, State: "DOING", Code: "PARAM_ERROR", Outcome: "Refused"},
		s.cancelling(func(no string) (*wechatpay.Response, error) {
			in := in
			in.Reason = strings.Repeat("久", 51)
			return v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel().
				Post(ctx, in)
		}),
	}, {
		"failure", "a private key that is not the merchant's",
		`v3.New(impostor).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel().
	Post(ctx, in)`,
		facts{Status: 401, State: "DOING", Code: "SIGN_ERROR", Outcome: "Refused"},
		s.cancelling(func(no string) (*wechatpay.Response, error) {
			return v3.New(impostor).Payscore().Partner().Serviceorder().OutOrderNo(no).Cancel().
				Post(ctx, in)
		}),
	}}
}

// calling cancels the order with the number no.
type calling func(no string) (*wechatpay.Response, error)

// cancelling makes an order and cancels it.
func (s *stage) cancelling(call calling) func(context.Context, *result) error {
	return func(ctx context.Context, r *result) error {
		no, err := s.order(ctx)
		if err != nil {
			return fmt.Errorf("there is no order to cancel: %w", err)
		}
		return s.cancel(ctx, r, no, call)
	}
}

// cancel cancels an order, and asks what became of it.
func (s *stage) cancel(ctx context.Context, r *result, no string, call calling) error {
	res, err := call(no)
	if err := s.answered(r, res, err); err != nil {
		return err
	}
	return s.ask(ctx, r, no)
}

// answered tells how the last call was answered, which has no body if it succeeds.
func (s *stage) answered(r *result, res *wechatpay.Response, err error) error {
	r.Method, r.URL = s.wire.last()
	if err != nil {
		refused, ok := errors.AsType[*wechatpay.Error](err)
		if !ok {
			return err
		}
		r.Status, r.RequestID, r.Verified = refused.StatusCode, refused.RequestID, refused.Verified
		r.Code, r.Outcome = refused.Code, wechatpay.OutcomeOf(err).String()
		r.Message = cmp.Or(refused.Message, refused.Error())
		return nil
	}
	r.Status, r.RequestID, r.Verified = res.StatusCode, res.RequestID, res.Verified
	if len(res.Body) > 0 {
		return fmt.Errorf("the answer has a body, of %d bytes", len(res.Body))
	}
	return nil
}

// ask asks what became of an order, which need not be there.
func (s *stage) ask(ctx context.Context, r *result, no string) error {
	order, err := payscore.New(s.client).Partner().Serviceorder().Get(ctx, payscore.GetPartnerServiceOrderQuery{
		SubMchID: world.SubMerchant, OutOrderNo: no,
	})
	if errors.Is(err, code.OrderNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the order's state is not known: %w", err)
	}
	r.State, r.TotalAmount = string(order.State), order.TotalAmount
	return nil
}
