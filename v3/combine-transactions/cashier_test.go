package combinetransactions_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	combinetransactions "github.com/openwechatpay/wechatpay/v3/combine-transactions"
)

// key is made once: making RSA keys is slow.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, _ := rsa.GenerateKey(rand.Reader, 2048)
	return k
})

func cashierClient(t *testing.T) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID: "1900000109", SerialNo: "408B07E7", PrivateKey: key(), PlatformKeys: []auth.PlatformKey{auth.PublicKey("PUB_KEY_ID_1", &key().PublicKey)},
	}, wechatpay.Clock(func() time.Time { return time.Unix(1554208460, 0) }))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestWhatAFrontEndGets compares the JSON that goes to it, where the nonce and the signature stand for
// themselves, and verifies the signature over the documented text.
func TestWhatAFrontEndGets(t *testing.T) {
	t.Parallel()
	client := cashierClient(t)
	page, err1 := combinetransactions.NewJSAPIParams(client, "wx8888", "wx1")
	mini, err2 := combinetransactions.NewMiniProgramParams(client, "wx8888", "wx1")
	app, err3 := combinetransactions.NewAppParams(client, "wx8888", "1900000109", "wx1")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		params                       any
		nonce, signature, last, want string
	}{
		"a page": {page, page.NonceStr, page.PaySign, "prepay_id=wx1",
			`{"appId":"wx8888","timeStamp":"1554208460","nonceStr":"NONCE","package":"prepay_id=wx1","signType":"RSA","paySign":"SIGNATURE"}`},
		"a mini-program": {mini, mini.NonceStr, mini.PaySign, "prepay_id=wx1",
			`{"timeStamp":"1554208460","nonceStr":"NONCE","package":"prepay_id=wx1","signType":"RSA","paySign":"SIGNATURE"}`},
		"an app": {app, app.NonceStr, app.Sign, "wx1",
			`{"appid":"wx8888","partnerid":"1900000109","prepayid":"wx1","package":"Sign=WXPay","noncestr":"NONCE","timestamp":"1554208460","sign":"SIGNATURE"}`},
	} {
		text, err := json.Marshal(tt.params)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.NewReplacer(tt.nonce, "NONCE", tt.signature, "SIGNATURE").Replace(string(text)); got != tt.want {
			t.Errorf("%s gets %s, want %s", name, got, tt.want)
		}
		signed := strings.Join([]string{"wx8888", "1554208460", tt.nonce, tt.last, ""}, "\n")
		if err := auth.Verify(&key().PublicKey, []byte(signed), tt.signature); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if page.NonceStr == mini.NonceStr || page.NonceStr == app.NonceStr {
		t.Error("two hand-overs have the same nonce")
	}
}

func TestABrowserAndACodeGetAnAddress(t *testing.T) {
	t.Parallel()
	const h5 = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2"
	if got, err := combinetransactions.H5URL(h5, "https://shop.example.com/paid"); err != nil || got != h5+"&redirect_url=https%3A%2F%2Fshop.example.com%2Fpaid" {
		t.Errorf("a browser gets %s, %v", got, err)
	}
	if _, err := combinetransactions.H5URL("", ""); err == nil || !strings.Contains(err.Error(), "h5_url") {
		t.Errorf("without an address: %v", err)
	}
	if got, err := combinetransactions.NativeURL("weixin://wxpay/bizpayurl?pr=p4lpSuKzz"); err != nil || got != "weixin://wxpay/bizpayurl?pr=p4lpSuKzz" {
		t.Errorf("a code gets %s, %v", got, err)
	}
}

func TestNothingIsHandedOverWithAnError(t *testing.T) {
	t.Parallel()
	v2Alone, err := wechatpay.New(wechatpay.Merchant{MchID: "1900000109", APIv2Key: "canary-APIv2-key-0123456789-abcd"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		client   *wechatpay.Client
		prepayID string
		want     string
	}{
		"a merchant without a private key": {v2Alone, "wx1", "apiclient_key.pem"},
		"no client":                        {nil, "wx1", "wechatpay.New"},
		"no prepay_id":                     {cashierClient(t), "", "the prepay_id is empty"},
	} {
		page, err1 := combinetransactions.NewJSAPIParams(tt.client, "wx8888", tt.prepayID)
		mini, err2 := combinetransactions.NewMiniProgramParams(tt.client, "wx8888", tt.prepayID)
		app, err3 := combinetransactions.NewAppParams(tt.client, "wx8888", "1900000109", tt.prepayID)
		for _, err := range []error{err1, err2, err3} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: the error is %v, want …%s…", name, err, tt.want)
			}
		}
		if page != (combinetransactions.JSAPIParams{}) || mini != (combinetransactions.MiniProgramParams{}) || app != (combinetransactions.AppParams{}) {
			t.Errorf("%s: handed over are %v %v %v", name, page, mini, app)
		}
	}
}
