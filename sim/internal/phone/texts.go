package phone

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
)

// shown is what the user sees of a mistake, and how that is known.
type shown struct {
	text     string
	number   int    // of the error, on pages of Pay Score
	callback string // in place of the usual one
	basis    front.Basis
}

// guessed is the same, where it is not known whether it is shown for this mistake.
func (s shown) guessed(basis front.Basis) shown {
	s.basis = basis
	return s
}

// What the cashier shows.
var (
	badSignature = shown{text: "支付验证签名失败"}
	noPackage    = shown{text: "JSAPI缺少参数total_fee"}
	wrongAppID   = shown{text: "商户传入的appid参数不正确"}
	wrongScene   = shown{text: "支付场景非法"}
	outdated     = shown{text: "该订单已过期，请重新下单"}
	tooLate      = shown{text: "订单已超过商户设置的最晚支付成功时间，请重新发起支付"}
	paidBefore   = shown{text: "该订单已支付", basis: front.Inferred}
	otherPayer   = shown{text: "下单账号与支付账号不一致，请核实后再支付"}
	otherScanner = shown{text: "商家订单信息有误，请重新下单支付"}
	outdatedLink = shown{text: "支付请求已失效，请重新发起支付"}
	badLink      = shown{text: "商家参数格式有误，请联系商家解决", basis: front.Inferred}
	badH5        = shown{text: "由于商家传入的H5交易参数有误，该笔交易暂时无法完成，请联系商家解决", basis: front.Inferred}
)

// What the pages of Pay Score show.
var (
	scoreSignature = shown{text: "商户签名校验失败"}
	scoreUsed      = shown{text: "订单未获得权益，系统繁忙"}
	scoreAppID     = shown{number: 4108}
	scoreEmpty     = shown{number: 4185}
	scoreAltered   = shown{number: 4186}
	scoreUnbound   = shown{number: 4188}
)

// lacks is what is shown where a parameter is missing, or of this JSON type.
func (o *opening) lacks(name, kind string) shown {
	switch o.in.As {
	case control.JSAPI:
		s := shown{text: "调用支付JSAPI缺少参数:" + name}
		if kind != "Undefined" || !slices.Contains([]string{"package", "appId"}, name) {
			s.basis = front.Inferred // it was seen of these two
		}
		return s
	case control.MiniProgram:
		callback := fmt.Sprintf("requestPayment:fail parameter error: parameter.%s should be String instead of %s;", name, kind)
		if kind == "" {
			callback = "requestPayment:fail"
		}
		return shown{callback: callback, basis: front.Inferred}
	case control.App, control.RedPacket, control.Coupon, control.CouponH5:
		return shown{basis: front.Unknown}
	}
	if name == "package" {
		return scoreEmpty
	}
	return scoreEmpty.guessed(front.Inferred)
}

// callback is what a front end is told in the end.
type callback struct{ ok, cancel, fail string }

// callbacks are those that are told something.
var callbacks = map[control.FrontEnd]callback{
	control.JSAPI:          {"get_brand_wcpay_request:ok", "get_brand_wcpay_request:cancel", "get_brand_wcpay_request:fail"},
	control.MiniProgram:    {"requestPayment:ok", "requestPayment:fail cancel", "requestPayment:fail (%s)"},
	control.App:            {"errCode 0", "errCode -2", "errCode -1"},
	control.PayScoreUse:    {ok: "openBusinessView:ok"},
	control.PayScoreDetail: {ok: "openBusinessView:ok"},
	control.PayScoreEnable: {ok: "openBusinessView:ok"},
	control.PayScorePlan:   {ok: "openBusinessView:ok"},
}

func (c callback) failed(text string) string {
	return strings.ReplaceAll(c.fail, "%s", text)
}

// after is what the front end is told after the user's act. Of Pay Score it is the same if he left: that he comes
// back does not mean that he did anything.
func (c callback) after(act control.Act) string {
	if act == control.ActLeave {
		return cmp.Or(c.cancel, c.ok)
	}
	return c.ok
}
