package payscore

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/internal/cashier"
)

// This file is what a front end hands over to WeChat to open a page of Pay Score (调起支付分). What is signed is
// signed with HMAC-SHA256 under Merchant.APIv2Key of the Client, in partner mode the service provider's, though
// the calls before it are of APIv3.

// View opens a page of Pay Score. It is itself, as JSON, what a mini-program passes to wx.openBusinessView;
// [View.JSAPI] and [View.App] are the same for the other front ends. That the user comes back says nothing
// about what became of it: query.
type View struct {
	BusinessType string            `json:"businessType"`
	ExtraData    map[string]string `json:"extraData"`
}

// JSAPIView is what a page in WeChat passes to openBusinessView of the JS-SDK, as JSON.
type JSAPIView struct {
	BusinessType string `json:"businessType"`
	QueryString  string `json:"queryString"` // ExtraData, escaped
}

// AppView is what an app fills the WXOpenBusinessView request of WeChat's SDK with.
type AppView struct {
	BusinessType string `json:"businessType"`
	Query        string `json:"query"`   // ExtraData, escaped
	ExtInfo      string `json:"extInfo"` // JSON, for the released version of the page
}

// JSAPI is v for a page in WeChat.
func (v View) JSAPI() JSAPIView {
	return JSAPIView{BusinessType: v.BusinessType, QueryString: v.query()}
}

// App is v for an app.
func (v View) App() AppView {
	return AppView{BusinessType: v.BusinessType, Query: v.query(), ExtInfo: `{"miniProgramType":0}`}
}

func (v View) query() string {
	query := url.Values{}
	for name, value := range v.ExtraData {
		query.Set(name, value)
	}
	return query.Encode()
}

// NewUseView opens the page where the user confirms an order (调起支付分-确认订单, wxpayScoreUse), with the package
// that creating the order answered: it opens once, whether the user confirms or not. This is the documented form
// of today, which is not signed; [NewSignedUseView] is the one before it.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4012587949, for pages https://pay.weixin.qq.com/doc/v3/merchant/4012587945
// and for partners https://pay.weixin.qq.com/doc/v3/partner/4012155294.
func NewUseView(pack string) (View, error) {
	if err := checkPackage(pack); err != nil {
		return View{}, err
	}
	return View{BusinessType: "wxpayScoreUse", ExtraData: map[string]string{"package": pack}}, nil
}

// NewSignedUseView is [NewUseView] in its older form, which is signed and still common.
//
// See https://pay.weixin.qq.com/wiki/doc/apiv3/apis/chapter6_1_12.shtml.
func NewSignedUseView(client *wechatpay.Client, pack string) (View, error) {
	if err := checkPackage(pack); err != nil {
		return View{}, err
	}
	return signed(client, "wxpayScoreUse", map[string]string{"package": pack})
}

// NewDetailView opens the page with the details of an order (调起支付分-订单详情, wxpayScoreDetail).
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4012587984, for pages https://pay.weixin.qq.com/doc/v3/merchant/4012587983
// and for partners https://pay.weixin.qq.com/doc/v3/partner/4012155286.
func NewDetailView(client *wechatpay.Client, serviceID, outOrderNo string) (View, error) {
	err := cmp.Or(checkServiceID(serviceID),
		cashier.Check("out_order_no", outOrderNo, "give your number (商户服务订单号) of the order"))
	if err != nil {
		return View{}, err
	}
	return signed(client, "wxpayScoreDetail", map[string]string{"service_id": serviceID, "out_order_no": outOrderNo})
}

// NewEnableView opens the page where the user grants a service (调起支付分-授权服务, wxpayScoreEnable), with the
// apply_permissions_token that pre-authorization (商户预授权) answered, which is good for an hour. This is the
// documented form of today, which is not signed; [NewSignedEnableView] is the one before it. Where the token is
// of permissions/apply-for-scene, the page for partners wants ExtraData["scene"] = "ORDER" as well.
//
// See https://pay.weixin.qq.com/doc/v3/partner/4012677913.
func NewEnableView(token string) (View, error) {
	if err := cashier.CheckToken("apply_permissions_token", token, "give the one of the answer to pre-authorization (商户预授权)"); err != nil {
		return View{}, err
	}
	return View{BusinessType: "wxpayScoreEnable", ExtraData: map[string]string{"apply_permissions_token": token}}, nil
}

// NewSignedEnableView is [NewEnableView] in its older form, which needs no call before it and is signed.
// outRequestNo is a number of your own for the grant (商户签约单号).
//
// See https://pay.weixin.qq.com/wiki/doc/apiv3/payscore.php?chapter=29_1&index=1.
func NewSignedEnableView(client *wechatpay.Client, serviceID, outRequestNo string) (View, error) {
	err := cmp.Or(checkServiceID(serviceID),
		cashier.Check("out_request_no", outRequestNo, "give a number of your own for the grant (商户签约单号)"))
	if err != nil {
		return View{}, err
	}
	return signed(client, "wxpayScoreEnable", map[string]string{"service_id": serviceID, "out_request_no": outRequestNo})
}

func signed(client *wechatpay.Client, businessType string, fields map[string]string) (View, error) {
	query, err := cashier.Query(client, fields)
	if err != nil {
		return View{}, err
	}
	return View{BusinessType: businessType, ExtraData: query}, nil
}

func checkPackage(pack string) error {
	if strings.HasPrefix(pack, "package=") {
		return errors.New("the package has package= before it: give it as the answer to creating the order has it")
	}
	return cashier.CheckToken("package", pack, "give the one of the answer to creating the order, which only an order to be confirmed has")
}

func checkServiceID(serviceID string) error {
	return cashier.Check("service_id", serviceID, "give the number of the service (服务ID)")
}
