package combinetransactions

import (
	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/internal/cashier"
)

// This file is what a front end hands over to WeChat so that the user pays (调起支付), for a combined
// order (合单). Make it anew each time that the cashier opens, on the server: it is for one payer, and holds a
// signature.

// JSAPIParams is what a page in WeChat passes to getBrandWCPayRequest of WeixinJSBridge, as JSON.
type JSAPIParams struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"` // seconds
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`  // prepay_id=…
	SignType  string `json:"signType"` // RSA
	PaySign   string `json:"paySign"`
}

// NewJSAPIParams opens the cashier on a page in WeChat (JSAPI调起支付), for an order of JSAPI. appID is the
// order's combine_appid.
//
// See https://pay.weixin.qq.com/docs/merchant/apis/combine-payment/orders/jsapi-transfer-payment.html.
func NewJSAPIParams(client *wechatpay.Client, appID, prepayID string) (JSAPIParams, error) {
	b, err := cashier.V3Bridge(client, appID, prepayID)
	return JSAPIParams(b), err
}

// MiniProgramParams is what a mini-program passes to wx.requestPayment, as JSON. Its appid is signed, but
// not passed.
type MiniProgramParams struct {
	TimeStamp string `json:"timeStamp"` // seconds
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`  // prepay_id=…
	SignType  string `json:"signType"` // RSA
	PaySign   string `json:"paySign"`
}

// NewMiniProgramParams opens the cashier in a mini-program (小程序调起支付). appID is the
// order's combine_appid, and that of the mini-program.
//
// See https://pay.weixin.qq.com/docs/merchant/apis/combine-payment/orders/mini-transfer-payment.html.
func NewMiniProgramParams(client *wechatpay.Client, appID, prepayID string) (MiniProgramParams, error) {
	b, err := cashier.V3Bridge(client, appID, prepayID)
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

// NewAppParams opens the cashier in an app (APP调起支付). appID is the order's combine_appid, and
// partnerID its combine_mchid, which is not signed.
//
// See https://pay.weixin.qq.com/docs/merchant/apis/combine-payment-identity/orders/app-transfer-payment.html.
func NewAppParams(client *wechatpay.Client, appID, partnerID, prepayID string) (AppParams, error) {
	a, err := cashier.V3App(client, appID, partnerID, prepayID)
	return AppParams(a), err
}

// H5URL is where a browser outside WeChat goes to (H5调起支付): the order's h5_url, which is good for five
// minutes. After paying, or cancelling, it comes back to redirectURL, whose host is the registered one; without
// one, to the page that it left. That it comes back says nothing about the payment: query.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4012791835.
func H5URL(h5URL, redirectURL string) (string, error) {
	return cashier.H5("h5_url", h5URL, redirectURL)
}

// NativeURL is the text of the QR code that the user scans (Native支付): the order's code_url, as it is.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4012791877.
func NativeURL(codeURL string) (string, error) { return cashier.Native(codeURL) }
