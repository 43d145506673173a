package pay

import (
	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/internal/cashier"
)

// This file is what a front end hands over to WeChat so that the user pays (调起支付), for orders of
// unifiedorder and combinedorder. Make it anew each time that the cashier opens, on the server: it is for one
// payer, and holds a signature. Its type has to be that of the order: "" is MD5, as it is there.

// JSAPIParams is what a page in WeChat passes to getBrandWCPayRequest of WeixinJSBridge, as JSON.
type JSAPIParams struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"` // seconds
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`  // prepay_id=…
	SignType  string `json:"signType"` // MD5 or HMAC-SHA256, as the order
	PaySign   string `json:"paySign"`
}

// NewJSAPIParams opens the cashier on a page in WeChat (JSAPI调起支付). signType is the order's sign_type, and
// appID its appid; of a partner's order the sub_appid, where it has one.
//
// See https://pay.weixin.qq.com/wiki/doc/api/jsapi.php?chapter=7_7&index=6.
func NewJSAPIParams(client *wechatpay.Client, signType SignType, appID, prepayID string) (JSAPIParams, error) {
	b, err := cashier.V2Bridge(client, string(signType), appID, prepayID)
	return JSAPIParams(b), err
}

// MiniProgramParams is what a mini-program passes to wx.requestPayment, as JSON. Its appid is signed, but
// not passed.
type MiniProgramParams struct {
	TimeStamp string `json:"timeStamp"` // seconds
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`  // prepay_id=…
	SignType  string `json:"signType"` // MD5 or HMAC-SHA256, as the order
	PaySign   string `json:"paySign"`
}

// NewMiniProgramParams opens the cashier in a mini-program (小程序调起支付). signType is the order's sign_type,
// and appID that of the mini-program, in partner mode too.
//
// See https://pay.weixin.qq.com/wiki/doc/api/wxa/wxa_api.php?chapter=7_7&index=5.
func NewMiniProgramParams(client *wechatpay.Client, signType SignType, appID, prepayID string) (MiniProgramParams, error) {
	b, err := cashier.V2Bridge(client, string(signType), appID, prepayID)
	return MiniProgramParams(b.MiniProgram()), err
}

// AppParams is what an app fills the PayReq of WeChat's SDK with.
type AppParams struct {
	AppID     string `json:"appid"`
	PartnerID string `json:"partnerid"`
	PrepayID  string `json:"prepayid"`
	Package   string `json:"package"` // Sign=WXPay
	NonceStr  string `json:"noncestr"`
	Timestamp string `json:"timestamp"` // seconds
	Sign      string `json:"sign"`
}

// NewAppParams opens the cashier in an app (APP调起支付). signType is the order's sign_type, which is neither
// signed nor passed. partnerID is the order's mch_id; in partner mode the sub_mch_id.
//
// See https://pay.weixin.qq.com/wiki/doc/api/app/app.php?chapter=9_12&index=2 and https://pay.weixin.qq.com/doc/v2/partner/4011986561.
func NewAppParams(client *wechatpay.Client, signType SignType, appID, partnerID, prepayID string) (AppParams, error) {
	a, err := cashier.V2App(client, string(signType), appID, partnerID, prepayID)
	return AppParams(a), err
}

// H5URL is where a browser outside WeChat goes to (H5支付): the order's mweb_url, which is good for five
// minutes. After paying, or cancelling, it comes back to redirectURL, whose host is the registered one; without
// one, to the page that it left. That it comes back says nothing about the payment: query.
//
// See https://pay.weixin.qq.com/wiki/doc/api/H5.php?chapter=15_4.
func H5URL(mwebURL, redirectURL string) (string, error) {
	return cashier.H5("mweb_url", mwebURL, redirectURL)
}

// NativeURL is the text of the QR code that the user scans (Native支付): the order's code_url, as it is.
//
// See https://pay.weixin.qq.com/wiki/doc/api/native.php?chapter=6_5.
func NativeURL(codeURL string) (string, error) { return cashier.Native(codeURL) }
