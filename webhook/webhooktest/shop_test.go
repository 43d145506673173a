package webhooktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
	"github.com/openwechatpay/wechatpay/webhook/webhooktest"
)

const price = 4000 // fen, of whatever the shop sells

// shop is a receiver that does everything right, but for what a test spoils.
type shop struct {
	sender *webhooktest.Sender

	verifier func(webhook.Verifier) webhook.Verifier // around the true one
	store    webhook.Store
	options  []webhook.Option
	rest     func(*shop, *webhook.Notification) error // of events that are unknown
	strict   bool                                     // refuses members that it does not know
	trusting bool                                     // does not compare the amount
	undoes   bool                                     // lets what is late count
	sour     bool                                     // refuses what is late
	deaf     bool                                     // says that it did what it could not do
	queue    bool                                     // does it later

	mu     sync.Mutex
	orders map[string]int64
	moved  int64
	broken bool
}

func newShop(t testing.TB, opts ...webhooktest.Option) *shop {
	t.Helper()
	sender, err := webhooktest.NewSender(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return &shop{sender: sender, orders: map[string]int64{}}
}

// order returns the number of a new order.
func (s *shop) order() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	no := fmt.Sprintf("order-%d", len(s.orders))
	s.orders[no] = price
	return no
}

// pay ships what was paid.
func (s *shop) pay(no string, amount int64) error {
	if s.isBroken() {
		time.Sleep(time.Millisecond) // of the bubble's clock: until all that came at once are there
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.broken && s.deaf:
		return nil
	case s.broken:
		return errors.New("the database is down")
	case s.orders[no] != amount && !s.trusting:
		return errors.New("that is not what it costs")
	}
	s.moved += amount
	return nil
}

func (s *shop) isBroken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

func (s *shop) confirm(string) error {
	switch {
	case s.sour:
		return errors.New("it is paid already")
	case s.undoes:
		s.mu.Lock()
		s.moved -= price
		s.mu.Unlock()
	}
	return nil
}

// handler is the shop's receiver.
func (s *shop) handler(t testing.TB) http.Handler {
	t.Helper()
	merchant := s.sender.Merchant()
	if s.verifier != nil {
		merchant.Verifier = s.verifier(merchant.Verifier)
	}
	receiver, err := webhook.New(merchant, s.options...)
	if err != nil {
		t.Fatal(err)
	}
	options := []webhook.MuxOption{webhook.Log(slog.New(slog.DiscardHandler))}
	if s.store != nil {
		options = append(options, webhook.Remember(s.store))
	}
	mux, err := webhook.NewMux(receiver, options...)
	if err != nil {
		t.Fatal(err)
	}
	webhook.On(mux, func(_ context.Context, e webhook.Event[payscore.UserPaid]) error {
		var exact struct {
			payscore.UserPaid
			New json.RawMessage `json:"webhooktest"`
		}
		if err := json.Unmarshal(e.Resource, &exact); err != nil || s.strict && exact.New != nil {
			return errors.New("what is that?")
		}
		if s.queue {
			go func() {
				time.Sleep(time.Second) // of the bubble's clock
				_ = s.pay(e.Data.OutOrderNo, e.Data.TotalAmount)
			}()
			return nil
		}
		return s.pay(e.Data.OutOrderNo, e.Data.TotalAmount)
	})
	webhook.On(mux, func(_ context.Context, e webhook.Event[payscore.UserConfirm]) error {
		return s.confirm(e.Data.OutOrderNo)
	})
	webhook.On(mux, func(_ context.Context, e webhook.Event[pay.Payment]) error {
		return s.pay(e.Data.OutTradeNo, e.Data.TotalFee)
	})
	webhook.On(mux, func(_ context.Context, e webhook.Event[pay.Refund]) error {
		return s.pay(e.Data.ReqInfo.OutRefundNo, e.Data.ReqInfo.RefundFee)
	})
	if s.rest != nil {
		mux.Default(func(_ context.Context, n *webhook.Notification) error { return s.rest(s, n) })
	}
	return mux
}

func paid(no string, amount int64) payscore.UserPaid {
	return payscore.UserPaid{OutOrderNo: no, State: "DONE", TotalAmount: amount}
}

func paidV2(no string, amount int64) pay.Payment {
	return pay.Payment{OutTradeNo: no, TransactionID: "of " + no, TotalFee: amount, ResultCode: "SUCCESS"}
}

// subject is the shop with its receiver, or with another that stands before it.
func (s *shop) subject(t testing.TB, before func(http.Handler) http.Handler) webhooktest.Subject {
	t.Helper()
	handler := s.handler(t)
	if before != nil {
		handler = before(handler)
	}
	return webhooktest.Subject{
		Sender: s.sender, Handler: handler, Amount: price,
		Event: func() any { return paid(s.order(), price) },
		Moved: func(context.Context) (int64, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.moved, nil
		},
		WrongAmount: func() any { return paid(s.order(), price-1) },
		Earlier: func(event any) any {
			return payscore.UserConfirm{OutOrderNo: event.(payscore.UserPaid).OutOrderNo, State: "DOING"}
		},
		Break: func(_ context.Context, broken bool) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.broken = broken
			return nil
		},
	}
}

// subjectV2 is the same for payments of APIv2.
func (s *shop) subjectV2(t testing.TB, before func(http.Handler) http.Handler) webhooktest.Subject {
	t.Helper()
	subject := s.subject(t, before)
	subject.Event = func() any { return paidV2(s.order(), price) }
	subject.WrongAmount = func() any { return paidV2(s.order(), price-1) }
	subject.Earlier = nil // there is none
	return subject
}
