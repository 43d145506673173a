package marketing_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/v3/marketing"
)

const apiv2Key = "canary-APIv2-key-0123456789-abcd"

func cashierClient(t *testing.T) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(wechatpay.Merchant{MchID: "10016226", APIv2Key: apiv2Key})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestTheCouponPlugInSignsEachCouponByItsNumber(t *testing.T) {
	t.Parallel()
	coupons := []marketing.SentCoupon{
		{StockID: "1234567", OutRequestNo: "abc123"},
		{StockID: "2345678", OutRequestNo: "123_a-b|c*", CouponCode: "asdsada"},
		{StockID: "3456789", OutRequestNo: "R3", CreateCouponMerchant: "1900000109"},
	}
	p, err := marketing.NewCouponPluginParams(cashierClient(t), coupons...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	want := `{"send_coupon_params":[{"stock_id":"1234567","out_request_no":"abc123"},` +
		`{"stock_id":"2345678","out_request_no":"123_a-b|c*","coupon_code":"asdsada"},` +
		`{"stock_id":"3456789","out_request_no":"R3","create_coupon_merchant":"1900000109"}],` +
		`"send_coupon_merchant":"10016226","sign":"SIGNATURE"}`
	if got := strings.Replace(string(text), p.Sign, "SIGNATURE", 1); got != want || err != nil {
		t.Errorf("the plug-in gets %s, %v; want %s", got, err, want)
	}
	signed := map[string]string{
		"send_coupon_merchant": "10016226", "sign": p.Sign,
		"stock_id0": "1234567", "out_request_no0": "abc123",
		"stock_id1": "2345678", "out_request_no1": "123_a-b|c*", "coupon_code1": "asdsada",
		"stock_id2": "3456789", "out_request_no2": "R3", "create_coupon_merchant2": "1900000109",
	}
	if err := auth.VerifyParams(apiv2Key, maps.All(signed), auth.HMACSHA256); err != nil {
		t.Error(err)
	}
	if p.SendCouponParams[0].StockID = "x"; coupons[0].StockID != "1234567" {
		t.Error("the parameters share the caller's coupons")
	}
}

func TestThePageOfACouponHasItsURL(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		coupon marketing.SentCoupon
		want   url.Values
	}{
		"a coupon":             {marketing.SentCoupon{StockID: "1234567890000000", OutRequestNo: "201911280000"}, url.Values{"stock_id": {"1234567890000000"}, "out_request_no": {"201911280000"}}},
		"a coupon with a code": {marketing.SentCoupon{StockID: "1", OutRequestNo: "R|1", CouponCode: "C/1"}, url.Values{"stock_id": {"1"}, "out_request_no": {"R|1"}, "coupon_code": {"C/1"}}},
	} {
		address, err := marketing.CouponURL(cashierClient(t), "oiSFDIOoijdsf", tt.coupon)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		begin, query, _ := strings.Cut(address, "?")
		query, fragment, _ := strings.Cut(query, "#")
		if begin != "https://action.weixin.qq.com/busifavor/getcouponinfo" || fragment != "wechat_pay&wechat_redirect" || strings.Contains(address, "canary") {
			t.Errorf("%s: the URL is %s", name, address)
		}
		got, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		signed := map[string]string{}
		for field := range got {
			signed[field] = got.Get(field)
		}
		if err := auth.VerifyParams(apiv2Key, maps.All(signed), auth.HMACSHA256); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tt.want["send_coupon_merchant"], tt.want["open_id"], tt.want["sign"] = []string{"10016226"}, []string{"oiSFDIOoijdsf"}, got["sign"]
		if got.Encode() != tt.want.Encode() {
			t.Errorf("%s: the query is %v, want %v", name, got, tt.want)
		}
	}
}

func TestACouponThatCannotBeHandedOutIsRefused(t *testing.T) {
	t.Parallel()
	client := cashierClient(t)
	good := marketing.SentCoupon{StockID: "1", OutRequestNo: "R1"}
	plugIn := func(c *wechatpay.Client, coupons ...marketing.SentCoupon) error {
		p, err := marketing.NewCouponPluginParams(c, coupons...)
		if p.Sign != "" || p.SendCouponParams != nil {
			t.Errorf("handed over with an error is %v", p)
		}
		return err
	}
	page := func(openID string, coupon marketing.SentCoupon) error {
		address, err := marketing.CouponURL(client, openID, coupon)
		if address != "" {
			t.Errorf("handed over with an error is %s", address)
		}
		return err
	}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"no coupon":                         {plugIn(client), "takes 1 to 10"},
		"eleven coupons":                    {plugIn(client, make([]marketing.SentCoupon, 11)...), "takes 1 to 10"},
		"the second without a batch":        {plugIn(client, good, marketing.SentCoupon{OutRequestNo: "R1"}), "coupon 1: the stock_id is empty"},
		"a coupon without a number":         {plugIn(client, marketing.SentCoupon{StockID: "1"}), "the out_request_no is empty"},
		"a number with a slash":             {plugIn(client, marketing.SentCoupon{StockID: "1", OutRequestNo: "R/1"}), "make another one"},
		"a number of 129 characters":        {plugIn(client, marketing.SentCoupon{StockID: "1", OutRequestNo: strings.Repeat("1", 129)}), "make another one"},
		"a code with a blank":               {plugIn(client, marketing.SentCoupon{StockID: "1", OutRequestNo: "R1", CouponCode: "a b"}), "the coupon_code has a blank"},
		"a merchant with a blank":           {plugIn(client, marketing.SentCoupon{StockID: "1", OutRequestNo: "R1", CreateCouponMerchant: " 1"}), "the create_coupon_merchant has a blank"},
		"no client":                         {plugIn(nil, good), "wechatpay.New"},
		"nobody who gets it":                {page("", good), "the open_id is empty"},
		"a page for a coupon of the plugin": {page("o1", marketing.SentCoupon{StockID: "1", OutRequestNo: "R1", CreateCouponMerchant: "1"}), "use the plug-in"},
		"a page for no coupon":              {page("o1", marketing.SentCoupon{}), "the stock_id is empty"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) || strings.Contains(tt.err.Error(), "canary") {
			t.Errorf("%s: the error is %v, want …%s…", name, tt.err, tt.want)
		}
	}
}
