package v2_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	v2 "github.com/openwechatpay/wechatpay/v2"
	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/v2/secapi"
	"github.com/openwechatpay/wechatpay/webhook"
)

// TestAnOrderOfAPIv2IsPaidAndRefunded goes the way of a merchant: order, notification, query, refund,
// notification.
func TestAnOrderOfAPIv2IsPaidAndRefunded(t *testing.T) {
	t.Parallel()
	g := simtest.Start(t)
	m := g.Merchant()
	client, err := wechatpay.New(m, wechatpay.BaseURL(g.URL))
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := webhook.New(webhook.Merchant{APIv2Key: m.APIv2Key})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := webhook.NewMux(receiver)
	if err != nil {
		t.Fatal(err)
	}
	payments, refunds := make(chan pay.Payment, 9), make(chan pay.Refund, 9)
	webhook.On(mux, func(_ context.Context, e webhook.Event[pay.Payment]) error { payments <- e.Data; return nil })
	webhook.On(mux, func(_ context.Context, e webhook.Event[pay.Refund]) error { refunds <- e.Data; return nil })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	orders := v2.New(client).Pay()
	order := pay.PostUnifiedorderRequest{AppID: "wx8888888888888888", Body: "雨伞", OutTradeNo: "N20261125", TotalFee: 4000,
		SpbillCreateIP: "127.0.0.1", NotifyURL: server.URL, TradeType: "NATIVE", ProductID: "1"}
	if ids := g.World.Merchants[0].AppIDs; len(ids) > 0 {
		order.AppID = ids[0]
	}
	placed, err := orders.Unifiedorder().Post(t.Context(), order)
	if err != nil || placed.CodeURL == "" {
		t.Fatalf("placed %+v, %v", placed, err)
	}
	if _, err := g.Control().PayTrade(t.Context(), control.Trade{OutTradeNo: order.OutTradeNo}); err != nil {
		t.Fatal(err)
	}
	paid := next(t, payments)
	if paid.TotalFee != 4000 || paid.OutTradeNo != order.OutTradeNo || paid.TransactionID == "" {
		t.Fatalf("paid %+v", paid)
	}
	found, err := orders.Orderquery().Post(t.Context(), pay.PostOrderqueryRequest{AppID: order.AppID, OutTradeNo: order.OutTradeNo})
	if err != nil || found.TradeState != "SUCCESS" || found.TransactionID != paid.TransactionID {
		t.Fatalf("found %+v, %v", found, err)
	}
	_, err = v2.New(client).Secapi().Pay().Refund().Post(t.Context(), secapi.PostPayRefundRequest{AppID: order.AppID,
		OutTradeNo: order.OutTradeNo, OutRefundNo: "R1", TotalFee: 4000, RefundFee: 1500, NotifyURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Control().SettleRefund(t.Context(), control.Refund{OutRefundNo: "R1", Status: "SUCCESS"}); err != nil {
		t.Fatal(err)
	}
	refunded := next(t, refunds)
	if refunded.ReqInfo.OutRefundNo != "R1" || refunded.ReqInfo.RefundFee != 1500 || refunded.ReqInfo.RefundStatus != "SUCCESS" {
		t.Errorf("refunded %+v", refunded)
	}
}

// next is the next notification.
func next[T any](t *testing.T, notifications <-chan T) T {
	t.Helper()
	select {
	case n := <-notifications:
		return n
	case <-time.After(20 * time.Second):
		t.Fatal("no notification came")
		return *new(T)
	}
}
