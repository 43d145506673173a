package sim_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// FuzzFront sends whatever it likes, signed or not. The gateway never fails, answers JSON or
// nothing, and signs for those only who signed.
func FuzzFront(f *testing.F) {
	d := newDirect(f)
	verifier, err := auth.NewVerifier(auth.PublicKey(world.PublicKeyID(world.ServiceProvider), &d.key.PublicKey))
	if err != nil {
		f.Fatal(err)
	}
	order, _ := json.Marshal(newOrder(nil))
	f.Add("POST", "/v3/payscore/partner/serviceorder", "", order, true)
	f.Add("GET", "/v3/payscore/partner/serviceorder?sub_mchid=1900000109&out_order_no=1", "", []byte(nil), true)
	f.Add("POST", "/v3/payscore/partner/serviceorder/1/cancel", "", []byte(`{"sub_mchid":"1900000109","reason":"r"}`), true)
	f.Add("POST", "/v3/payscore/partner/serviceorder/%zz/cancel", auth.Scheme+` mchid="1",nonce_str="1",timestamp="1",serial_no="1",signature="1"`, []byte(`{`), false)
	f.Add("PUT", "//v3/../?&=%", "Bearer x", []byte("\xff"), false)

	f.Fuzz(func(t *testing.T, method, target, authorization string, body []byte, signed bool) {
		header := d.header(method, target, body)
		if !signed {
			header.Set("Authorization", authorization)
		}
		status, answered, text := d.call(method, target, header, body)
		if status >= 500 {
			t.Errorf("answered %d %s", status, text)
		}
		if len(text) > 0 && !json.Valid(text) && answered.Get("Content-Type") != "text/plain" { // of APIv2
			t.Errorf("answered %q, which is not JSON", text)
		}
		if answered.Get("Wechatpay-Signature") == "" {
			return
		}
		if !signed {
			t.Errorf("signed the answer %d %s to a request that was not", status, text)
		}
		if err := verifier.Verify(t.Context(), answered, text, time.Now()); err != nil {
			t.Errorf("the answer %d %s does not verify: %v", status, text, err)
		}
	})
}

// FuzzAPIv2 sends whatever is a message to the calls that have rules, signed. The gateway never fails, and
// signs what it answers, but for what its front refuses.
func FuzzAPIv2(f *testing.F) {
	d := newDirect(f)
	key := d.gateway.World().Merchant(world.ServiceProvider).APIv2Key
	paths := []string{"/pay/unifiedorder", "/pay/orderquery", "/pay/closeorder", "/pay/micropay", "/secapi/pay/reverse", "/secapi/pay/refund", "/pay/refundquery", "/pay/contractorder"}
	for i, m := range []xmlv2.Members{
		v2Order(), named("out_trade_no", "A1000001"), named("out_trade_no", "A1000001"), v2Code(), named("out_trade_no", "A1000001"),
		v2Refund(), named("out_trade_no", "A1000001", "offset", "0"), v2Order("contract_code", "1"),
	} {
		text, err := xmlv2.Encode(xmlv2.Root, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, text)
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		m, err := xmlv2.Decode(body, xmlv2.Limits{Bytes: 1 << 16})
		if err != nil || i < 0 {
			return
		}
		m = with(m, "mch_id", world.ServiceProvider, "nonce_str", "1", "sign_type", "MD5", "sign", "")
		m.Set("sign", must(auth.MD5.Sign(key, m.Texts())))
		status, _, text := d.call("POST", paths[i%len(paths)], http.Header{}, xmlOf(t, m))
		got, err := xmlv2.Decode(text, xmlv2.Limits{Bytes: len(text)})
		if status != 200 || err != nil {
			t.Fatalf("answered %d %s: %v", status, text, err)
		}
		if got.Get("return_code") == "SUCCESS" && auth.VerifyParams(key, got.Texts(), auth.MD5) != nil {
			t.Errorf("answered %s, which does not verify", text)
		}
	})
}

// FuzzRepeatedCalls sends one body twice to creating an order: the second answer is the first.
func FuzzRepeatedCalls(f *testing.F) {
	d := newDirect(f)
	order, _ := json.Marshal(newOrder(nil))
	f.Add(order)
	f.Add([]byte(`{"out_order_no":"1","out_order_no":"2"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		const target = "/v3/payscore/partner/serviceorder"
		header := d.header("POST", target, body)
		_, _, first := d.call("POST", target, header, body)
		_, _, second := d.call("POST", target, header, body)
		if !bytes.Equal(first, second) {
			t.Errorf("answered %s\n    then %s", first, second)
		}
	})
}
