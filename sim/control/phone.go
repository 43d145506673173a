package control

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
)

// FrontEnd is where the user is when a merchant hands parameters to his phone.
type FrontEnd string

// The front ends.
const (
	JSAPI          FrontEnd = "jsapi"            // a page in WeChat: getBrandWCPayRequest
	MiniProgram    FrontEnd = "mini-program"     // wx.requestPayment
	App            FrontEnd = "app"              // the request of the SDK for apps, PayReq
	H5             FrontEnd = "h5"               // a page in a browser, which goes to a h5_url or mweb_url
	Native         FrontEnd = "native"           // a code_url that the user scans
	PayScoreUse    FrontEnd = "pay-score-use"    // wxpayScoreUse: confirm an order
	PayScoreDetail FrontEnd = "pay-score-detail" // wxpayScoreDetail: look at an order
	PayScoreEnable FrontEnd = "pay-score-enable" // wxpayScoreEnable: grant a service
	PayScorePlan   FrontEnd = "pay-score-plan"   // wxpayScorePlan: sign a plan
	RedPacket      FrontEnd = "red-packet"       // wx.sendBizRedPacket of a mini-program
	Coupon         FrontEnd = "coupon"           // the plug-in of mini-programs that hands out coupons
	CouponH5       FrontEnd = "coupon-h5"        // a page that hands out a coupon (商家券), by its URL
)

// FrontEnds are all of them.
func FrontEnds() []FrontEnd {
	return []FrontEnd{JSAPI, MiniProgram, App, H5, Native, PayScoreUse, PayScoreDetail, PayScoreEnable, PayScorePlan, RedPacket, Coupon, CouponH5}
}

// Act is what the user does on the page that opened. It is what the calls of the same name under /user do.
type Act string

// The acts. Which of them there are depends on the front end.
const (
	ActPay         Act = "pay"          // an order of basic payments, or a completed one of Pay Score
	ActConfirm     Act = "confirm"      // an order of Pay Score
	ActOpenService Act = "open-service" // grant the service
	ActSignPlan    Act = "sign-plan"
	ActLeave       Act = "leave" // without having done it, which uses the package of a Pay Score order
)

// Handed is what a merchant's front end hands to the phone (调起支付).
type Handed struct {
	As FrontEnd `json:"as"`

	// Parameters are what the front end passes on, exactly: a JSON object; of H5, Native and CouponH5 a JSON
	// string with the URL. Those of Pay Score are the whole call (businessType, and extraData, queryString or
	// query), what is in extraData alone, or a JSON string with what is in queryString.
	Parameters json.RawMessage `json:"parameters"`

	// AppID is that of the mini-program, page or app. The parameters of a mini-program do not have it: it is
	// needed where the order is none that the simulator keeps.
	AppID  string `json:"appid,omitempty"`
	MchID  string `json:"mchid,omitempty"`  // who made the order, where the appid is that of several merchants
	OpenID string `json:"openid,omitempty"` // whose phone it is; without one, it is that of who may act
	Then   Act    `json:"then,omitempty"`   // what the user does if the page opens; nothing without one
}

// Opened is what the phone made of what it was handed.
type Opened struct {
	As    FrontEnd `json:"as"`
	Opens bool     `json:"opens"` // nothing is wrong: the page opens

	Shows    string `json:"shows,omitempty"`    // what the user reads, if it does not
	Number   int    `json:"number,omitempty"`   // of the error, on pages of Pay Score
	Callback string `json:"callback,omitempty"` // what the front end is told, if it is

	Checks     []PhoneCheck     `json:"checks"`
	SignedText string           `json:"signed_text,omitempty"` // what should have been signed, without the key of APIv2
	Diagnosis  []doctor.Finding `json:"diagnosis,omitempty"`   // the mistakes that explain a signature which does not match

	About *OpenedOrder `json:"about,omitempty"` // what the page is about, where the simulator keeps it; after the act
}

// PhoneCheck is what one check said.
type PhoneCheck struct {
	Name    string      `json:"name"`
	Passed  bool        `json:"passed"`
	Finding string      `json:"finding,omitempty"` // what is wrong, or what is worth knowing
	Mend    string      `json:"mend,omitempty"`    // what to do about it
	Basis   front.Basis `json:"basis,omitempty"`   // how what the phone shows is known, as of [Check]
}

// OpenedOrder is the order, grant or plan that a page is about. One of its numbers is there.
type OpenedOrder struct {
	MchID              string `json:"mchid"`
	SubMchID           string `json:"sub_mchid,omitempty"`
	OutTradeNo         string `json:"out_trade_no,omitempty"`
	OutOrderNo         string `json:"out_order_no,omitempty"`
	AuthorizationCode  string `json:"authorization_code,omitempty"`
	MerchantSignPlanNo string `json:"merchant_sign_plan_no,omitempty"`
	State              string `json:"state"`
	QueryID            string `json:"query_id,omitempty"` // of Pay Score: what the front end gets when the user comes back
}

// OpenPhone hands parameters to the phone, which checks them as a phone does and tells what is wrong with them.
// What is wrong is no error: look at [Opened.Opens]. With an act, the user goes on if the page opens.
func (c *Client) OpenPhone(ctx context.Context, h Handed) (Opened, error) {
	return call[Opened](ctx, c, http.MethodPost, "/phone/open", h)
}
