package phone

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/internal/trade"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is the cashier as a page in WeChat, a mini-program and an app call it.

// request is what is known of one of these calls.
type request struct {
	appIDs   []string // that it may be signed with, the likeliest first
	prepayID string
	kind     auth.SignType // by which it is signed
	session  *trade.Prepay // nil if the simulator does not keep the order
	order    *trade.Order
	payees   []*keys.Merchant // who may have made the order, the likeliest first
}

func (o *opening) jsapi() error {
	there := o.require(false, "appId", "timeStamp", "nonceStr", "package", "signType", "paySign")
	return o.pageOf(o.sent.Get("appId"), there)
}

func (o *opening) miniProgram() error {
	there := o.require(false, "timeStamp", "nonceStr", "package", "paySign")
	if o.sent.Get("appId") != "" && o.in.AppID == "" {
		o.in.AppID = o.sent.Get("appId") // nobody reads it there, but it says which mini-program it is
	}
	return o.pageOf(o.in.AppID, there)
}

// pageOf checks the two calls that only differ in whether they name their appid.
func (o *opening) pageOf(appID string, there bool) error {
	o.checkTimestamp("timeStamp")
	r := &request{appIDs: []string{appID}, kind: auth.SignType(o.sent.Get("signType"))}
	switch {
	case r.kind == "" && o.in.As == control.MiniProgram:
		r.kind = auth.MD5 // which a mini-program may leave out
	case r.kind == "":
		r.kind = kindOf(o.sent.Get("paySign"))
	}
	r.prepayID = o.checkPackage()
	r.session, r.order = o.Trades.ByPrepay(o.tx, r.prepayID)
	if o.in.As == control.MiniProgram && appID == "" {
		if r.order == nil {
			return misuse("say by appid which mini-program it is: its parameters do not, and the simulator keeps no order that would")
		}
		r.appIDs = []string{r.order.AppID, r.order.SubAppID}
	}
	o.checkSignType(r)
	if err := o.checkOrder(r, "JSAPI"); err != nil {
		return err
	}
	if there && len(r.payees) > 0 {
		o.checkSignature(badSignature, r.payees, o.pageSignatures(r)...)
	}
	o.checkCashier(r.session, r.order, otherPayer)
	return nil
}

// pageSignatures are what may have been signed, one for each appid.
func (o *opening) pageSignatures(r *request) (all []*signature) {
	for _, appID := range r.appIDs {
		if appID == "" {
			continue
		}
		members := xmlv2.Members{{Name: "appId", Text: appID}}
		for _, name := range []string{"timeStamp", "nonceStr", "package"} {
			members.Set(name, o.sent.Get(name))
		}
		if said := o.sent.Get("signType"); r.kind != rsa && said != "" {
			members.Set("signType", said)
		}
		all = append(all, o.signature(r.kind, members, "paySign"))
	}
	return all
}

func (o *opening) app() error {
	there := o.require(true, "appid", "partnerid", "prepayid", "package", "noncestr", "timestamp", "sign")
	o.checkTimestamp("timestamp")
	r := &request{appIDs: []string{o.sent.Get("appid")}, prepayID: o.sent.Get("prepayid")}
	switch pack := o.sent.Get("package"); {
	case strings.HasPrefix(r.prepayID, "prepay_id="):
		o.fail("package", outdated.guessed(front.Inferred), "prepayid begins with prepay_id=", "hand over the prepay_id alone: prepay_id= belongs to pages and mini-programs")
		r.prepayID = strings.TrimPrefix(r.prepayID, "prepay_id=")
	case pack != "Sign=WXPay" && pack != "":
		o.fail("package", badSignature.guessed(front.Inferred), fmt.Sprintf("package is %q", pack), "set package to Sign=WXPay, and prepayid to the prepay_id")
	default:
		o.pass("package")
	}
	r.session, r.order = o.Trades.ByPrepay(o.tx, r.prepayID)
	r.kind = kindOf(o.sent.Get("sign")) // nothing in the parameters says it
	if r.order != nil {
		r.kind = r.order.SignType
	}
	if err := o.checkOrder(r, "APP"); err != nil {
		return err
	}
	if there && len(r.payees) > 0 {
		var members xmlv2.Members
		for _, name := range appNames(r.kind) {
			members.Set(name, o.sent.Get(name))
		}
		members.Set("prepayid", r.prepayID) // as it should be
		o.checkSignature(badSignature, r.payees, o.signature(r.kind, members, "sign"))
	}
	o.checkCashier(r.session, r.order, otherPayer)
	return nil
}

// appNames are what an app signs, for APIv3 in the order of the lines.
func appNames(kind auth.SignType) []string {
	if kind == rsa {
		return []string{"appid", "timestamp", "noncestr", "prepayid"}
	}
	return []string{"appid", "partnerid", "prepayid", "package", "noncestr", "timestamp"}
}

// worn is the age from which on what was signed is worth a remark: nothing that it opens lives longer.
const worn = 2 * time.Hour

// checkTimestamp checks the unit. Whether phones mind the age nobody has told.
func (o *opening) checkTimestamp(name string) {
	text := o.sent.Get(name)
	seconds, err := strconv.ParseInt(text, 10, 64)
	wrong := badSignature.guessed(front.Invented)
	off := o.Clock.Wire().Sub(time.Unix(seconds, 0)).Round(time.Second)
	switch {
	case text == "":
	case err != nil:
		o.fail("timestamp", wrong, fmt.Sprintf("%s is %q: no whole number", name, text), "hand over the seconds since 1970, in digits")
	case len(text) >= 13:
		o.fail("timestamp", wrong, name+" looks like milliseconds", "hand over and sign seconds: ten digits")
	case len(text) != 10:
		o.fail("timestamp", wrong, fmt.Sprintf("%s has %d digits", name, len(text)), "hand over and sign the seconds since 1970: ten digits")
	case off > worn:
		o.note("timestamp", fmt.Sprintf("%s is %s old", name, span(off)), "sign when the user wants to pay: what it opens lives for two hours at most")
	case off < -worn:
		o.note("timestamp", fmt.Sprintf("%s is %s in the future", name, span(-off)), "set the clock of the machine that signs")
	default:
		o.pass("timestamp")
	}
}

// span is a time in words, in days where hours would be many.
func span(d time.Duration) string {
	if days := int(d.Hours() / 24); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}

// checkPackage checks the form of package, and returns the prepay_id in it.
func (o *opening) checkPackage() string {
	pack := o.sent.Get("package")
	id, ok := strings.CutPrefix(pack, "prepay_id=")
	id, _, _ = strings.Cut(id, "&") // what follows is about instalments
	switch {
	case pack == "":
		return ""
	case !ok:
		o.fail("package", noPackage, "package does not begin with prepay_id=", "hand over and sign prepay_id= and the prepay_id, as one string")
	case id == "" || id == "undefined" || id == "null":
		o.fail("package", noPackage, "package has no prepay_id in it", "look whether the order was made: log what it was answered with")
	default:
		o.pass("package")
	}
	return id
}

// checkSignType compares signType with that of the order.
func (o *opening) checkSignType(r *request) {
	said := o.sent.Get("signType")
	known := slices.Contains([]auth.SignType{rsa, auth.MD5, auth.HMACSHA256}, r.kind)
	switch {
	case said == "" && o.in.As == control.JSAPI: // told before
	case !known:
		o.fail("sign-type", badSignature.guessed(front.Inferred), fmt.Sprintf("signType is %q", said), "hand over RSA for orders of APIv3, MD5 or HMAC-SHA256 for those of APIv2, spelt so")
		if r.kind = rsa; r.order != nil {
			r.kind = r.order.SignType
		}
	case r.order != nil && r.kind != r.order.SignType:
		o.fail("sign-type", badSignature, fmt.Sprintf("signType is %s, and the order was made by APIv2 and %s", r.kind, r.order.SignType), fmt.Sprintf("sign by %s, and hand over this signType", r.order.SignType))
	case said == "":
		o.note("sign-type", "signType is missing, which stands for MD5", "hand over RSA for orders of APIv3")
	default:
		o.pass("sign-type")
	}
}

// checkOrder checks whether the prepay_id, the appid and the merchant belong together.
func (o *opening) checkOrder(r *request, tradeType string) error {
	if o.in.MchID != "" && o.Keys.Merchant(o.in.MchID) == nil {
		return Misuse{store.Missingf("there is no merchant %q that signs", o.in.MchID)}
	}
	switch {
	case r.prepayID == "":
	case r.order != nil:
		o.checkKept(r, tradeType)
	case r.kind == rsa:
		o.note("prepay-id", "the prepay_id is not known: orders of APIv3 have no rules here, so that nothing is kept of them", "")
	default:
		o.fail("prepay-id", outdated.guessed(front.Inferred), "no order of APIv2 has this prepay_id", "hand over the prepay_id that the order was answered with; those of APIv3 are signed by RSA")
	}
	if r.order == nil {
		o.checkStrange(r)
	}
	return nil
}

// checkKept compares the call with the order that it is about.
func (o *opening) checkKept(r *request, tradeType string) {
	o.about(r.order)
	r.payees = o.signers(r.order.MchID)
	mine := []string{r.order.AppID, r.order.SubAppID}
	partner := o.sent.Get("partnerid")
	switch {
	case r.order.TradeType != tradeType:
		o.fail("trade-type", wrongScene, fmt.Sprintf("the order is of the trade_type %s", r.order.TradeType), fmt.Sprintf("make an order of the trade_type %s for this front end", tradeType))
	default:
		o.pass("trade-type")
	}
	switch {
	case r.appIDs[0] != "" && !slices.Contains(mine, r.appIDs[0]):
		o.fail("appid", wrongAppID, fmt.Sprintf("the order was made with the appid %s, and not with %s, which is %s", r.order.AppID, clip(r.appIDs[0]), o.ownerOf(r.appIDs[0])), "use the same appid for both")
	default:
		o.pass("appid")
	}
	switch {
	case partner != "" && partner != r.order.MchID && partner != r.order.SubMchID,
		o.in.MchID != "" && o.in.MchID != r.order.MchID:
		o.fail("merchant", badSignature.guessed(front.Inferred), "the order is of the merchant "+r.order.MchID, "hand over the parameters of the merchant that made the order")
	default:
		o.pass("merchant")
	}
}

// checkStrange finds out whose the call is where the order is not known.
func (o *opening) checkStrange(r *request) {
	appID := r.appIDs[0]
	for _, m := range o.World.Merchants {
		if slices.Contains(m.AppIDs, appID) {
			r.payees = append(r.payees, o.signers(append([]string{m.MchID}, m.Parents...)...)...)
		}
	}
	switch {
	case appID == "":
		return
	case len(r.payees) == 0:
		o.fail("appid", wrongAppID, "no merchant of the simulator has the appid "+clip(appID), "use an appid that is bound to the merchant, or add it to appids of the merchant in world.json")
		return
	}
	o.pass("appid")
	by := o.in.MchID
	if partner := o.World.Merchant(o.sent.Get("partnerid")); partner != nil && by == "" {
		r.payees = slices.DeleteFunc(r.payees, func(m *keys.Merchant) bool {
			return m.MchID != partner.MchID && !slices.Contains(partner.Parents, m.MchID)
		})
	} else if by == "" && o.sent.Get("partnerid") != "" {
		by = o.sent.Get("partnerid")
	}
	if by != "" {
		r.payees = slices.DeleteFunc(r.payees, func(m *keys.Merchant) bool { return m.MchID != by })
	}
	if len(r.payees) == 0 {
		o.fail("merchant", wrongAppID.guessed(front.Inferred), "the appid is not bound to the merchant that is named", "use an appid that is bound to the merchant")
		return
	}
	o.pass("merchant")
}

// checkCashier tells whether the user could pay the order now.
func (o *opening) checkCashier(session *trade.Prepay, order *trade.Order, other shown) {
	if order == nil {
		return
	}
	s, finding, mend := payable(session, order, o.tx.Now)
	if finding != "" {
		o.fail("order", s, finding, mend)
	} else {
		o.pass("order")
	}
	o.checkPayer(order, other)
}

func (o *opening) checkPayer(order *trade.Order, other shown) {
	if order.OpenID != "" && o.in.OpenID != "" && o.in.OpenID != order.OpenID && order.State == trade.NotPay {
		o.fail("payer", other, "the order is for another user", "make the order with the openid of the user who pays")
		return
	}
	o.pass("payer")
}

// payable tells why an order cannot be paid, if so.
func payable(s *trade.Prepay, order *trade.Order, now time.Time) (text shown, finding, mend string) {
	switch late := s.Over(order, now); {
	case order.State == trade.Success || order.State == trade.Refunded:
		return paidBefore, "the order is paid", "query an order before it is offered for payment again"
	case order.State != trade.NotPay:
		return outdated, fmt.Sprintf("the order is %s", order.State), "make an order with another out_trade_no"
	case s.Replaced(order):
		return outdated, "the order was made again, which ended this address", "show the address of the last answer"
	case late && order.TradeType == "MWEB":
		return outdatedLink, "the address is older than five minutes", "make the same order again, and send the user to its new address"
	case late:
		return outdated, "the prepay_id is older than two hours", "make the same order again, and hand over its new prepay_id"
	case now.After(order.Deadline):
		return tooLate, "the time for paying (time_expire) is over", "close the order, and make one with another out_trade_no"
	}
	return shown{}, "", ""
}

// about tells which order the page is about, and lets the user pay it.
func (o *opening) about(order *trade.Order) {
	tell := func(order *trade.Order) {
		o.out.About = &control.OpenedOrder{MchID: order.MchID, SubMchID: order.SubMchID, OutTradeNo: order.OutTradeNo, State: string(order.State)}
	}
	tell(order)
	o.acts[control.ActPay] = func() error {
		after, err := o.Trades.Pay(o.tx, order, o.in.OpenID)
		if err == nil {
			tell(after)
		}
		return err
	}
	o.acts[control.ActLeave] = func() error { return nil } // which leaves the order as it is
}

// signers are those of these merchants that sign.
func (o *opening) signers(mchIDs ...string) (all []*keys.Merchant) {
	for _, id := range mchIDs {
		if m := o.Keys.Merchant(id); m != nil {
			all = append(all, m)
		}
	}
	return all
}

// ownerOf tells whose an appid is.
func (o *opening) ownerOf(appID string) string {
	i := slices.IndexFunc(o.World.Merchants, func(m world.Merchant) bool { return slices.Contains(m.AppIDs, appID) })
	if i < 0 {
		return "nobody's here"
	}
	return "one of the merchant " + o.World.Merchants[i].MchID
}

// clip is a text of a stranger, not too long.
func clip(text string) string {
	if runes := []rune(text); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return text
}
