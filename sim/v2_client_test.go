package sim_test

import (
	"errors"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// TestTheClientPaysQueriesAndRefundsByAPIv2 is the project's own client, with all of its checks.
func TestTheClientPaysQueriesAndRefundsByAPIv2(t *testing.T) {
	t.Parallel()
	g := simtest.Start(t)
	client := g.Client()
	call := func(path string, in map[string]string) (map[string]string, error) {
		in["appid"] = world.AppID
		out := map[string]string{}
		res, err := client.Chain("v2/"+path).Post(t.Context(), wechatpay.XML(in))
		if err == nil {
			err = res.Decode(&out)
		}
		return out, err
	}
	made, err := call("pay/unifiedorder", map[string]string{
		"body": "腾讯充值", "out_trade_no": "A1000001", "total_fee": "100", "spbill_create_ip": "1.2.3.4",
		"notify_url": "https://example.com/pay", "trade_type": "JSAPI", "openid": world.OpenID,
	})
	if err != nil || len(made["prepay_id"]) != 36 {
		t.Fatalf("%v, %v", made, err)
	}
	g.PayTrade("A1000001")
	if got, err := call("pay/orderquery", map[string]string{"out_trade_no": "A1000001"}); err != nil || got["trade_state"] != "SUCCESS" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := call("secapi/pay/refund", map[string]string{"out_trade_no": "A1000001", "out_refund_no": "R1", "total_fee": "100", "refund_fee": "1"}); err != nil {
		t.Error(err)
	}
	g.Advance(3 * time.Second)
	if got, err := call("pay/refundquery", map[string]string{"out_trade_no": "A1000001"}); err != nil || got["refund_status_0"] != "SUCCESS" {
		t.Errorf("%v, %v", got, err)
	}
	_, err = call("pay/closeorder", map[string]string{"out_trade_no": "A1000001"})
	if refusal, ok := errors.AsType[*wechatpay.Error](err); !ok || refusal.Code != "ORDERPAID" {
		t.Errorf("closing what was paid: %v", err)
	}
}
