package payscore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// A service provider creates an order for a sub-merchant; its user confirms it, and it is cancelled.
func Example() {
	ctx := context.Background()
	client, users := simulated() // in production, wechatpay.New
	orders := payscore.New(client).Partner().Serviceorder()

	created, err := orders.Post(ctx, payscore.CreatePartnerServiceOrderRequest{
		ServiceID:           world.ServiceID,
		AppID:               world.AppID,
		SubMchID:            world.SubMerchant,
		OutOrderNo:          "20241124001",
		ServiceIntroduction: "充电宝租借",
		RiskFund:            payscore.RiskFund{Name: payscore.RiskFundNameDeposit, Amount: 9900},
		TimeRange:           payscore.TimeRange{StartTime: "OnAccept"},
		NotifyURL:           "https://example.com/notify",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.State)

	// The front end opens the page for confirming with created.Package.
	if _, err := users.Confirm(ctx, control.Order{OutOrderNo: created.OutOrderNo}); err != nil {
		log.Fatal(err)
	}
	order, err := orders.Get(ctx, payscore.GetPartnerServiceOrderQuery{SubMchID: world.SubMerchant, OutOrderNo: "20241124001"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.State, order.StateDescription)

	res, err := orders.OutOrderNo("20241124001").Cancel().Post(ctx, payscore.CancelPartnerServiceOrderRequest{
		SubMchID: world.SubMerchant, Reason: "用户取消",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.StatusCode)
	// Output:
	// CREATED
	// DOING USER_CONFIRM
	// 204
}

// A call that fails tells what was wrong, and whether it may have happened all the same.
func Example_failure() {
	client, _ := simulated()
	_, err := payscore.New(client).Partner().Serviceorder().OutOrderNo("none").Cancel().
		Post(context.Background(), payscore.CancelPartnerServiceOrderRequest{SubMchID: world.SubMerchant, Reason: "用户取消"})
	fmt.Println(errors.Is(err, code.OrderNotExist), wechatpay.OutcomeOf(err))
	// Output: true Refused
}

// The server makes what a front end opens the pages of Pay Score with: here a mini-program shows an order to be
// confirmed, and a page in WeChat its details.
func ExampleNewUseView() {
	client, _ := simulated()
	order, err := payscore.New(client).Partner().Serviceorder().Post(context.Background(), payscore.CreatePartnerServiceOrderRequest{
		ServiceID:           world.ServiceID,
		AppID:               world.AppID,
		SubMchID:            world.SubMerchant,
		OutOrderNo:          "20241124002",
		ServiceIntroduction: "充电宝租借",
		RiskFund:            payscore.RiskFund{Name: payscore.RiskFundNameDeposit, Amount: 9900},
		TimeRange:           payscore.TimeRange{StartTime: "OnAccept"},
		NotifyURL:           "https://example.com/notify",
	})
	if err != nil {
		log.Fatal(err)
	}

	confirm, err := payscore.NewUseView(order.Package)
	if err != nil {
		log.Fatal(err)
	}
	forMiniProgram, err := json.Marshal(confirm) // for wx.openBusinessView
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.ReplaceAll(string(forMiniProgram), order.Package, "…"))

	details, err := payscore.NewDetailView(client, world.ServiceID, order.OutOrderNo)
	if err != nil {
		log.Fatal(err)
	}
	forPage := details.JSAPI() // for openBusinessView of the JS-SDK
	query, err := url.ParseQuery(forPage.QueryString)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(forPage.BusinessType, query.Get("out_order_no"), query.Get("sign_type"), len(query.Get("sign")))
	// Output:
	// {"businessType":"wxpayScoreUse","extraData":{"package":"…"}}
	// wxpayScoreDetail 20241124002 HMAC-SHA256 64
}

// simulated is a client of a simulated gateway, and the users of that gateway.
func simulated() (*wechatpay.Client, *control.Client) {
	gateway, err := sim.New(sim.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server, management := httptest.NewServer(gateway), httptest.NewServer(gateway.Management())
	users := control.New(management.URL, http.DefaultClient)
	merchants, err := users.Merchants(context.Background())
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
		APIv2Key:     merchants[0].APIv2Key, // which signs for pages
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(merchants[0].PublicKeyID, pub)},
	}, wechatpay.BaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	return client, users
}
