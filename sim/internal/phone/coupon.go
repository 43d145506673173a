package phone

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
)

// This file is coupons. The simulator keeps none, so it can judge the form and the signature only.

// badCoupon is what is shown of a coupon that is not handed out, which nobody has told.
var badCoupon = shown{basis: front.Unknown}

// coupon checks the call of the plug-in of mini-programs. Its list is signed with a number after each name.
func (o *opening) coupon() error {
	var list []map[string]json.RawMessage
	if raw := o.raw["send_coupon_params"]; raw != nil && json.Unmarshal(raw, &list) == nil {
		delete(o.kinds, "send_coupon_params") // which is to be no string
	}
	there := o.require(false, "send_coupon_params", "send_coupon_merchant", "sign")
	if there && len(list) == 0 {
		o.fail("coupons", badCoupon, "send_coupon_params is no list of objects with coupons in it", "hand over a list of objects, each with stock_id and out_request_no")
		return nil
	}
	members := xmlv2.Members{{Name: "send_coupon_merchant", Text: o.sent.Get("send_coupon_merchant")}}
	for i, coupon := range list {
		for name, raw := range coupon {
			text := ""
			if json.Unmarshal(raw, &text) != nil {
				o.fail("coupons", badCoupon, name+" of a coupon is no string", "hand it over as a string")
			}
			members.Set(name+strconv.Itoa(i), text)
		}
	}
	o.checkStocks(members, len(list))
	o.checkCoupons(members, there)
	return nil
}

// checkStocks looks for what every coupon has to have.
func (o *opening) checkStocks(members xmlv2.Members, n int) {
	for i := range n {
		for _, name := range []string{"stock_id", "out_request_no"} {
			if members.Get(name+strconv.Itoa(i)) == "" {
				o.fail("coupons", badCoupon, name+" of a coupon is missing", "hand it over, as a string")
				return
			}
		}
	}
	o.pass("coupons")
}

// couponH5 checks the address of the page that hands out a coupon (商家券).
func (o *opening) couponH5() error {
	u, err := url.Parse(o.url)
	if err != nil || u.Scheme != "https" || u.Host != "action.weixin.qq.com" || u.Path != "/busifavor/getcouponinfo" {
		o.fail("url", badCoupon, "this is not the page that hands out coupons", "go to https://action.weixin.qq.com/busifavor/getcouponinfo?…#wechat_pay&wechat_redirect")
		return nil
	}
	if !strings.HasSuffix(u.Fragment, "wechat_redirect") {
		o.fail("url", badCoupon, "the address does not end in #wechat_pay&wechat_redirect", "add it, behind the parameters")
	} else {
		o.pass("url")
	}
	if err := o.readQuery(u.RawQuery); err != nil {
		return err
	}
	there := o.require(false, "stock_id", "out_request_no", "send_coupon_merchant", "open_id", "sign")
	var members xmlv2.Members
	for _, name := range []string{"stock_id", "out_request_no", "send_coupon_merchant", "open_id", "coupon_code"} {
		if text := o.sent.Get(name); text != "" {
			members.Set(name, text)
		}
	}
	o.checkCoupons(members, there)
	return nil
}

func (o *opening) checkCoupons(members xmlv2.Members, there bool) {
	m := o.Keys.Merchant(o.sent.Get("send_coupon_merchant"))
	switch {
	case o.sent.Get("send_coupon_merchant") == "": // told before
	case m == nil:
		o.fail("merchant", badCoupon, "no merchant of the simulator that signs has the number in send_coupon_merchant", "hand over the number of the merchant whose key signs")
	default:
		o.pass("merchant")
		if there && slices.ContainsFunc(members, func(m xmlv2.Member) bool { return m.Text != "" }) {
			o.checkSignature(badCoupon, []*keys.Merchant{m}, o.signature(auth.HMACSHA256, members, "sign"))
		}
	}
}
