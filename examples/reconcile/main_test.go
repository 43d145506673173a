package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/v2/secapi"
)

// TestReconcile is a day of a merchant in the simulator: three orders are paid, one of them is refunded in
// part, and the merchant's own books have a mistake of each kind.
func TestReconcile(t *testing.T) {
	t.Parallel()
	gateway := simtest.Start(t)
	client := gateway.Client()
	for _, no := range []string{"order-1", "order-2", "order-3"} {
		paidOrder(t, gateway, client, no)
	}
	_, err := secapi.New(client).Pay().Refund().Post(t.Context(), secapi.PostPayRefundRequest{
		AppID: gateway.World.Merchants[0].AppIDs[0], OutTradeNo: "order-1", OutRefundNo: "order-1", TotalFee: 4000, RefundFee: 1500,
	})
	if err != nil {
		t.Fatal(err)
	}
	now, err := gateway.Control().Clock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	day := now.Business.In(time.FixedZone("", 8*60*60)).Format(time.DateOnly)
	if _, err := gateway.Control().Advance(t.Context(), 36*time.Hour); err != nil {
		t.Fatal(err)
	}
	ours, err := readOrders(strings.NewReader("order-1,4000\norder-3,4100\norder-4,100\norder-1,-1500\n"))
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	differences, err := reconcile(t.Context(), client, day, ours, &printed)
	want := "order order-2: the bill has ¥40.00, and we do not have it\n" +
		"order order-3: we have ¥41.00, and the bill has ¥40.00\n" +
		"order order-4: we have ¥1.00, and the bill does not have it\n" +
		day + ": 4 of WeChat Pay, ¥105.00; 4 of ours; 3 differ\n"
	if err != nil || differences != 3 || printed.String() != want {
		t.Errorf("%d differences, %v; printed\n%swant\n%s", differences, err, &printed, want)
	}
	printed.Reset()
	before := now.Business.Add(-24 * time.Hour).In(time.FixedZone("", 8*60*60)).Format(time.DateOnly)
	differences, err = reconcile(t.Context(), client, before, ours, &printed)
	if err != nil || differences != 4 || !strings.Contains(printed.String(), before+": 0 of WeChat Pay, ¥0.00; 4 of ours; 4 differ\n") {
		t.Errorf("a day on which nobody paid: %d differences, %v; printed %s", differences, err, &printed)
	}
}

func paidOrder(t *testing.T, gateway *simtest.Gateway, client *wechatpay.Client, no string) {
	t.Helper()
	_, err := pay.New(client).Unifiedorder().Post(t.Context(), pay.PostUnifiedorderRequest{
		AppID: gateway.World.Merchants[0].AppIDs[0], Body: "雨伞, 一把", OutTradeNo: no, TotalFee: 4000, SpbillCreateIP: "127.0.0.1",
		NotifyURL: "http://127.0.0.1:1/notify", TradeType: "NATIVE", ProductID: "1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.Control().PayTrade(t.Context(), control.Trade{OutTradeNo: no}); err != nil {
		t.Fatal(err)
	}
}

func TestReadOrdersRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"N1,x\n":      "line 1: the amount is not a number of fen",
		"N1,1\nN1,2":  "line 2: the order N1 is there twice",
		"N1\n":        "wrong number of fields",
		"N1,40.00\n":  "line 1: the amount is not a number of fen",
		"\"N1,1\nN2,": "extraneous or missing",
	} {
		if orders, err := readOrders(strings.NewReader(text)); orders != nil || err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q reads as %v, %v; want …%s…", text, orders, err, want)
		}
	}
}
