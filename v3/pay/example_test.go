package pay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/pay"
)

// The server orders, and makes what the page passes to WeixinJSBridge so that the user pays.
func ExampleNewJSAPIParams() {
	client := simulated() // in production, wechatpay.New
	order, err := pay.New(client).Transactions().Jsapi().Post(context.Background(), pay.PostTransactionsJsapiRequest{
		AppID:       world.AppID,
		MchID:       client.MchID(),
		Description: "充电宝租借",
		OutTradeNo:  "20241124001",
		NotifyURL:   "https://example.com/notify",
		Amount:      pay.Amount{Total: 400},
		Payer:       pay.PostTransactionsJsapiPayer{OpenID: "o1"},
	})
	if err != nil {
		log.Fatal(err)
	}

	params, err := pay.NewJSAPIParams(client, world.AppID, order.PrepayID)
	if err != nil {
		log.Fatal(err)
	}
	forPage, err := json.Marshal(params)
	if err != nil {
		log.Fatal(err)
	}
	hide := strings.NewReplacer(params.TimeStamp, "…", params.NonceStr, "…", order.PrepayID, "…", params.PaySign, "…")
	fmt.Println(hide.Replace(string(forPage)))
	// Output: {"appId":"wxd678efh567hg6787","timeStamp":"…","nonceStr":"…","package":"prepay_id=…","signType":"RSA","paySign":"…"}
}

// The server orders, and makes what the app fills the PayReq of WeChat's SDK with.
func ExampleNewAppParams() {
	client := simulated()
	order, err := pay.New(client).Transactions().App().Post(context.Background(), pay.PostTransactionsAppRequest{
		AppID:       world.AppID,
		MchID:       client.MchID(),
		Description: "充电宝租借",
		OutTradeNo:  "20241124002",
		NotifyURL:   "https://example.com/notify",
		Amount:      pay.Amount{Total: 400},
	})
	if err != nil {
		log.Fatal(err)
	}

	params, err := pay.NewAppParams(client, world.AppID, client.MchID(), order.PrepayID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(params.AppID, params.PartnerID, params.PrepayID == order.PrepayID, params.Package)
	// Output: wxd678efh567hg6787 1230000109 true Sign=WXPay
}

// simulated is a client of a simulated gateway.
func simulated() *wechatpay.Client {
	gateway, err := sim.New(sim.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server, management := httptest.NewServer(gateway), httptest.NewServer(gateway.Management())
	merchants, err := control.New(management.URL, http.DefaultClient).Merchants(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	key, err := auth.ParsePrivateKey([]byte(merchants[0].PrivateKey))
	if err != nil {
		log.Fatal(err)
	}
	pub, err := auth.ParsePublicKey([]byte(merchants[0].PublicKey))
	if err != nil {
		log.Fatal(err)
	}
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID:        merchants[0].MchID,
		SerialNo:     merchants[0].SerialNo,
		PrivateKey:   key,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(merchants[0].PublicKeyID, pub)},
	}, wechatpay.BaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	return client
}
