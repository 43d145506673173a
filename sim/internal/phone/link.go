package phone

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/trade"
)

// This file is the cashier as an address leads to it, which nobody signs.

// madeUp begins the addresses of answers that only have the documented shape.
const madeUp = "https://example.com/"

// h5 checks the address that a page in a browser goes to.
func (o *opening) h5() error {
	u, err := url.Parse(o.url)
	switch {
	case strings.HasPrefix(o.url, madeUp):
		o.unknowable()
		return nil
	case err != nil || u.Scheme != "https" || u.Host != "wx.tenpay.com" || u.Path != "/cgi-bin/mmpayweb-bin/checkmweb":
		o.fail("url", badLink, "this is no h5_url or mweb_url", "go to the address of the answer as it is, with nothing but &redirect_url= at its end")
		return nil
	}
	o.pass("url")
	o.checkRedirect(u)
	session, order := o.Trades.ByPrepay(o.tx, u.Query().Get("prepay_id"))
	if order == nil {
		o.fail("prepay-id", badLink, "no order that the simulator keeps has this prepay_id", "go to the address of the answer as it is; orders of APIv3 have no rules here")
		return nil
	}
	if session.Package != "" && u.Query().Get("package") != session.Package {
		o.fail("package", badH5, "package is not that of the answer", "go to the address of the answer as it is")
	} else {
		o.pass("package")
	}
	o.follow(session, order, "MWEB", shown{text: "签名验证失败"}) // Android shows 系统繁忙，请稍后再试
	return nil
}

// checkRedirect checks where the user comes back to. What is not escaped ends at its first & or #.
func (o *opening) checkRedirect(u *url.URL) {
	_, after, there := strings.Cut(u.RawQuery, "redirect_url=")
	value, _, _ := strings.Cut(after, "&")
	back, err := url.Parse(u.Query().Get("redirect_url"))
	lost := u.Fragment != "" || strings.ContainsAny(value, ":/?")
	for name := range u.Query() {
		lost = lost || there && !slices.Contains([]string{"prepay_id", "package", "redirect_url"}, name)
	}
	switch {
	case !there && u.Fragment == "":
		return
	case lost:
		o.fail("redirect-url", badLink, "redirect_url is not escaped, so that a part of it is lost", "escape it whole: encodeURIComponent, url.QueryEscape")
	case err != nil || back.Host == "" || back.Scheme != "http" && back.Scheme != "https":
		o.fail("redirect-url", badLink, "redirect_url is no http or https address", "escape a whole address, once")
	default:
		o.pass("redirect-url")
	}
}

// native checks the address that the user scans.
func (o *opening) native() error {
	u, err := url.Parse(o.url)
	switch {
	case strings.HasPrefix(o.url, madeUp):
		o.unknowable()
		return nil
	case err != nil || u.Scheme != "weixin" || u.Host != "wxpay" || u.Path != "/bizpayurl" && u.Path != "/bizpayurl/up" || u.Query().Get("pr") == "":
		o.fail("url", outdated.guessed(front.Inferred), "this is no code_url", "make the QR code of the code_url as it is, and nothing else")
		return nil
	}
	o.pass("url")
	session, order := o.Trades.ByCode(o.tx, u.Query().Get("pr"))
	if order == nil {
		o.fail("prepay-id", outdated.guessed(front.Inferred), "no order that the simulator keeps has this code_url", "make the QR code of the code_url as it is; orders of APIv3 have no rules here")
		return nil
	}
	o.follow(session, order, "NATIVE", otherScanner)
	return nil
}

// follow checks the order that an address leads to.
func (o *opening) follow(session *trade.Prepay, order *trade.Order, tradeType string, other shown) {
	o.about(order)
	if order.TradeType != tradeType {
		o.fail("trade-type", wrongScene, fmt.Sprintf("the order is of the trade_type %s", order.TradeType), "hand over what the answer has for this front end")
	} else {
		o.pass("trade-type")
	}
	o.checkCashier(session, order, other)
}

// unknowable is an address of an order that nobody keeps: no phone can tell whether it would open.
func (o *opening) unknowable() {
	o.fail("url", shown{basis: front.Invented}, "the address is not known: orders of APIv3 have no rules here, so that it only has the documented shape",
		"try the front end with an order of APIv2, which is kept")
}
