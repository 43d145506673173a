package marketing

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/internal/cashier"
)

// This file is what a front end hands over to WeChat so that a user gets coupons (发券). It is signed with
// HMAC-SHA256 under Merchant.APIv2Key of the Client, who hands the coupons out (发券商户号).

// SentCoupon is one coupon that a front end hands out.
type SentCoupon struct {
	StockID              string `json:"stock_id"`                        // 批次号, up to 20 characters
	OutRequestNo         string `json:"out_request_no"`                  // 发券凭证, a number of your own: up to 128 letters, digits, _, -, | and *
	CouponCode           string `json:"coupon_code,omitzero"`            // 券code, of a batch (批次) whose codes are given when coupons are handed out
	CreateCouponMerchant string `json:"create_coupon_merchant,omitzero"` // 制券商户号, of 代金券 alone, by the plug-in
}

// CouponPluginParams is what a mini-program passes to the plug-in sendCoupon, as JSON.
type CouponPluginParams struct {
	SendCouponParams   []SentCoupon `json:"send_coupon_params"`
	SendCouponMerchant string       `json:"send_coupon_merchant"` // 发券商户号
	Sign               string       `json:"sign"`
}

// NewCouponPluginParams hands out one to ten coupons in a mini-program (小程序发券插件).
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4012285674 and, for partners,
// https://pay.weixin.qq.com/docs/partner/products/offer-coupons-by-mini-program/apilist.html.
func NewCouponPluginParams(client *wechatpay.Client, coupons ...SentCoupon) (CouponPluginParams, error) {
	if len(coupons) == 0 || len(coupons) > 10 {
		return CouponPluginParams{}, fmt.Errorf("there are %d coupons, the plug-in takes 1 to 10 at once", len(coupons))
	}
	p := CouponPluginParams{SendCouponParams: slices.Clone(coupons), SendCouponMerchant: client.MchID()}
	params := map[string]string{"send_coupon_merchant": p.SendCouponMerchant}
	for i, coupon := range coupons {
		if err := coupon.check(); err != nil {
			return CouponPluginParams{}, fmt.Errorf("coupon %d: %w", i, err)
		}
		for name, value := range coupon.fields() {
			params[name+strconv.Itoa(i)] = value
		}
	}
	var err error
	if p.Sign, err = cashier.SignHMAC(client, params); err != nil {
		return CouponPluginParams{}, err
	}
	return p, nil
}

// CouponURL is where a page in WeChat goes to so that its user gets a coupon (H5发券, 商家券). openID is the user's,
// and stands in the URL.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4012285783 and https://pay.weixin.qq.com/doc/v3/partner/4012285900.
func CouponURL(client *wechatpay.Client, openID string, coupon SentCoupon) (string, error) {
	if err := cmp.Or(coupon.check(), cashier.Check("open_id", openID, "give the OpenID of who gets the coupon")); err != nil {
		return "", err
	}
	if coupon.CreateCouponMerchant != "" {
		return "", errors.New("the page hands out no coupon with a create_coupon_merchant: leave it out, or use the plug-in")
	}
	params := coupon.fields()
	params["send_coupon_merchant"], params["open_id"] = client.MchID(), openID
	sign, err := cashier.SignHMAC(client, params)
	if err != nil {
		return "", err
	}
	query := url.Values{"sign": {sign}}
	for name, value := range params {
		query.Set(name, value)
	}
	// Without the fragment the page answers with the error 268435461.
	return "https://action.weixin.qq.com/busifavor/getcouponinfo?" + query.Encode() + "#wechat_pay&wechat_redirect", nil
}

// fields are those that the coupon has, by name.
func (c SentCoupon) fields() map[string]string {
	fields := map[string]string{"stock_id": c.StockID, "out_request_no": c.OutRequestNo}
	if c.CouponCode != "" {
		fields["coupon_code"] = c.CouponCode
	}
	if c.CreateCouponMerchant != "" {
		fields["create_coupon_merchant"] = c.CreateCouponMerchant
	}
	return fields
}

func (c SentCoupon) check() error {
	err := cmp.Or(
		cashier.Check("stock_id", c.StockID, "give the number of the batch (批次号)"),
		cashier.Check("out_request_no", c.OutRequestNo, "give a number of your own for this coupon (发券凭证)"))
	if c.CouponCode != "" {
		err = cmp.Or(err, cashier.Check("coupon_code", c.CouponCode, "give one of the codes of the batch (券code)"))
	}
	if c.CreateCouponMerchant != "" {
		err = cmp.Or(err, cashier.Check("create_coupon_merchant", c.CreateCouponMerchant, "give the merchant number (制券商户号) that made the batch"))
	}
	if err == nil && (len(c.OutRequestNo) > 128 || strings.ContainsFunc(c.OutRequestNo, notOfRequestNo)) {
		err = errors.New("the out_request_no is not up to 128 letters, digits, _, -, | and *: make another one")
	}
	return err
}

// notOfRequestNo tells what an out_request_no may not hold, by the page of the plug-in.
func notOfRequestNo(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("_-|*", r)
}
