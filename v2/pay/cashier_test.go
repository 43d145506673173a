package pay_test

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/v2/pay"
)

const apiv2Key = "canary-APIv2-key-0123456789-abcd"

func cashierClient(t *testing.T) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(wechatpay.Merchant{MchID: "1900000109", APIv2Key: apiv2Key}, wechatpay.Clock(func() time.Time { return time.Unix(1554208460, 0) }))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestWhatAFrontEndGets compares the JSON that goes to it, where the nonce and the signature stand for
// themselves, and verifies the signature over the documented parameters.
func TestWhatAFrontEndGets(t *testing.T) {
	t.Parallel()
	client := cashierClient(t)
	for given, signType := range map[pay.SignType]auth.SignType{"": auth.MD5, pay.SignTypeMd5: auth.MD5, pay.SignTypeHmacSha256: auth.HMACSHA256} {
		page, err1 := pay.NewJSAPIParams(client, given, "wx8888", "wx1")
		mini, err2 := pay.NewMiniProgramParams(client, given, "wx8888", "wx1")
		app, err3 := pay.NewAppParams(client, given, "wx8888", "1900000209", "wx1")
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			params                 any
			nonce, signature, want string
			more                   map[string]string // what is signed, but not handed over
			name                   string            // of the signature
		}{
			"a page": {page, page.NonceStr, page.PaySign,
				`{"appId":"wx8888","timeStamp":"1554208460","nonceStr":"NONCE","package":"prepay_id=wx1","signType":"TYPE","paySign":"SIGNATURE"}`, nil, "paySign"},
			"a mini-program": {mini, mini.NonceStr, mini.PaySign,
				`{"timeStamp":"1554208460","nonceStr":"NONCE","package":"prepay_id=wx1","signType":"TYPE","paySign":"SIGNATURE"}`, map[string]string{"appId": "wx8888"}, "paySign"},
			"an app": {app, app.NonceStr, app.Sign,
				`{"appid":"wx8888","partnerid":"1900000209","prepayid":"wx1","package":"Sign=WXPay","noncestr":"NONCE","timestamp":"1554208460","sign":"SIGNATURE"}`, nil, "sign"},
		} {
			text, err := json.Marshal(tt.params)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.NewReplacer(tt.nonce, "NONCE", tt.signature, "SIGNATURE", string(signType), "TYPE").Replace(string(text))
			if got != tt.want {
				t.Errorf("%s gets %s, want %s", name, got, tt.want)
			}
			if strings.Contains(string(text), "canary") {
				t.Errorf("%s gets the key: %s", name, text)
			}
			signed := map[string]string{}
			if err := json.Unmarshal(text, &signed); err != nil {
				t.Fatal(err)
			}
			delete(signed, tt.name)
			maps.Copy(signed, tt.more)
			signed["sign"] = tt.signature
			if err := auth.VerifyParams(apiv2Key, maps.All(signed), signType); err != nil {
				t.Errorf("%s, %s: %v", name, signType, err)
			}
		}
	}
}

func TestABrowserAndACodeGetAnAddress(t *testing.T) {
	t.Parallel()
	const mweb = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2"
	if got, err := pay.H5URL(mweb, "https://shop.example.com/paid"); err != nil || got != mweb+"&redirect_url=https%3A%2F%2Fshop.example.com%2Fpaid" {
		t.Errorf("a browser gets %s, %v", got, err)
	}
	if _, err := pay.H5URL("", ""); err == nil || !strings.Contains(err.Error(), "mweb_url") {
		t.Errorf("without an address: %v", err)
	}
	if got, err := pay.NativeURL("weixin://wxpay/bizpayurl?pr=p4lpSuKzz"); err != nil || got != "weixin://wxpay/bizpayurl?pr=p4lpSuKzz" {
		t.Errorf("a code gets %s, %v", got, err)
	}
}

func TestNothingIsHandedOverWithAnError(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		client   *wechatpay.Client
		signType pay.SignType
		prepayID string
		want     string
	}{
		"no client":             {nil, "", "wx1", "wechatpay.New"},
		"no prepay_id":          {cashierClient(t), "", "", "the prepay_id is empty"},
		"the signType of APIv3": {cashierClient(t), "RSA", "wx1", "want MD5 or HMAC-SHA256"},
	} {
		page, err1 := pay.NewJSAPIParams(tt.client, tt.signType, "wx8888", tt.prepayID)
		mini, err2 := pay.NewMiniProgramParams(tt.client, tt.signType, "wx8888", tt.prepayID)
		app, err3 := pay.NewAppParams(tt.client, tt.signType, "wx8888", "1900000109", tt.prepayID)
		for _, err := range []error{err1, err2, err3} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: the error is %v, want …%s…", name, err, tt.want)
			}
		}
		if page != (pay.JSAPIParams{}) || mini != (pay.MiniProgramParams{}) || app != (pay.AppParams{}) {
			t.Errorf("%s: handed over are %v %v %v", name, page, mini, app)
		}
	}
}
