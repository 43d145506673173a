package phone

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/payscore"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is the pages of Pay Score, which openBusinessView opens.

// businesses are the businessTypes of the pages.
var businesses = map[control.FrontEnd]string{
	control.PayScoreUse: "wxpayScoreUse", control.PayScoreDetail: "wxpayScoreDetail", control.PayScoreEnable: "wxpayScoreEnable", control.PayScorePlan: "wxpayScorePlan",
}

// checkBusiness checks businessType, where the whole call was handed over.
func (o *opening) checkBusiness() {
	switch want := businesses[o.in.As]; o.business {
	case "":
	case want:
		o.pass("business-type")
	default:
		o.fail("business-type", scoreEmpty, fmt.Sprintf("businessType is %q", clip(o.business)), "it is "+want+" for this page")
	}
}

// signedNames are what every signed call has, beside what it is about.
var signedNames = []string{"mch_id", "timestamp", "nonce_str", "sign_type", "sign"}

// signedScore checks a call that is signed, and returns who signed it, nil if nobody did.
func (o *opening) signedScore(about ...string) *keys.Merchant {
	names := append(slices.Clone(signedNames), about...)
	there := o.require(false, names...)
	o.checkTimestamp("timestamp")
	if kind := o.sent.Get("sign_type"); kind != string(auth.HMACSHA256) && kind != "" {
		o.fail("sign-type", scoreSignature.guessed(front.Inferred), fmt.Sprintf("sign_type is %q", clip(kind)), "sign by HMAC-SHA256, and hand over this sign_type, spelt so")
	} else if kind != "" {
		o.pass("sign-type")
	}
	mchID := o.sent.Get("mch_id")
	m := o.Keys.Merchant(mchID)
	switch known := o.World.Merchant(mchID); {
	case mchID == "":
		return nil
	case known == nil:
		o.fail("merchant", scoreSignature.guessed(front.Inferred), "there is no merchant with this mch_id", "hand over the number of the merchant that made the order")
		return nil
	case m == nil:
		o.fail("merchant", scoreSignature.guessed(front.Inferred), "mch_id is a sub-merchant's (子商户)", "hand over the number of the service provider that made the order, and sign with its key")
		return nil
	}
	o.pass("merchant")
	if there {
		var members xmlv2.Members
		for _, name := range names {
			if name != "sign" {
				members.Set(name, o.sent.Get(name))
			}
		}
		o.checkSignature(scoreSignature, []*keys.Merchant{m}, o.signature(auth.HMACSHA256, members, "sign"))
	}
	return m
}

// isSigned tells that the call is of the older kind, which is signed.
func (o *opening) isSigned() bool {
	return slices.ContainsFunc(signedNames, func(name string) bool { return o.sent.Get(name) != "" || o.near(name) != "" })
}

// use opens the page for confirming an order (确认订单).
func (o *opening) use() error {
	mchID := ""
	if o.isSigned() {
		if m := o.signedScore("package"); m != nil {
			mchID = m.MchID
		}
	} else {
		o.require(false, "package")
	}
	pack := o.sent.Get("package")
	order := o.PayScore.ByPackage(o.tx, pack)
	if !o.checkPackageKnown(pack, order != nil, func(pack string) bool { return o.PayScore.ByPackage(o.tx, pack) != nil }) {
		return nil
	}
	o.checkBinding(mchID, order.MchID, order.AppID, order.SubAppID)
	if err := order.Openable(o.tx.Now); err != nil {
		s := scoreUsed
		if !order.PackageUsed || order.State != payscore.Created {
			s = s.guessed(front.Inferred)
		}
		o.fail("order", s, err.Error(), "create another order: a package opens its page once, within an hour")
	} else {
		o.pass("order")
	}
	o.aboutScore(order)
	o.acts[control.ActConfirm] = o.actOn(func() (*payscore.Order, error) { return o.PayScore.Confirm(o.tx, order, o.in.OpenID, false) })
	o.acts[control.ActLeave] = o.actOn(func() (*payscore.Order, error) { return o.PayScore.Leave(o.tx, order) })
	return nil
}

// checkPackageKnown tells whether a package is one of the simulator's, and what may have happened to it.
func (o *opening) checkPackageKnown(pack string, known bool, knows func(string) bool) bool {
	switch {
	case pack == "": // told before
		return false
	case known:
		o.pass("package")
		return true
	case knows(strings.ReplaceAll(pack, " ", "+")):
		o.fail("package", scoreAltered, "package has spaces where it had plus signs: it was read as a part of a URL", "escape it in the queryString: encodeURIComponent, url.QueryEscape")
	case strings.Contains(pack, "%"):
		o.fail("package", scoreAltered, "package is escaped, and no package has % in it", "escape it once, and in a queryString only")
	default:
		o.fail("package", scoreAltered, "no order has this package", "hand it over as the order was answered with it, whole and unchanged")
	}
	return false
}

// checkBinding compares whose call it is with whose order it is about.
func (o *opening) checkBinding(mchID, orders string, appIDs ...string) {
	switch {
	case mchID != "" && mchID != orders:
		o.fail("binding", scoreUnbound.guessed(front.Inferred), "the order was made by the merchant "+orders, "hand over this mch_id, and sign with its key")
	case o.in.AppID != "" && !slices.Contains(appIDs, o.in.AppID):
		o.fail("binding", scoreAppID, fmt.Sprintf("the order was made with the appid %s", appIDs[0]), "open the page from where the appid or sub_appid of the order is")
	default:
		o.pass("binding")
	}
}

// detail opens the page of an order (订单详情).
func (o *opening) detail() error {
	m := o.signedScore("service_id", "out_order_no")
	number := o.sent.Get("out_order_no")
	if m == nil || number == "" {
		return nil
	}
	found := o.PayScore.Find(o.tx, m.MchID, "", number)
	if len(found) == 0 {
		o.fail("order", shown{basis: front.Unknown}, "the merchant has no order with this out_order_no", "hand over the number of an order that was made")
		return nil
	}
	i := max(0, slices.IndexFunc(found, func(order *payscore.Order) bool { return order.ServiceID == o.sent.Get("service_id") }))
	order := found[i]
	o.pass("order")
	o.aboutScore(order)
	if order.ServiceID != o.sent.Get("service_id") {
		o.fail("binding", scoreUnbound.guessed(front.Inferred), "the order is of the service "+order.ServiceID, "hand over this service_id")
	} else {
		o.checkBinding(m.MchID, order.MchID, order.AppID, order.SubAppID)
	}
	o.acts[control.ActPay] = o.actOn(func() (*payscore.Order, error) { return o.PayScore.Pay(o.tx, order) })
	o.acts[control.ActLeave] = func() error { return nil } // which changes nothing
	return nil
}

// enable opens the page for granting a service (开通服务).
func (o *opening) enable() error {
	o.acts[control.ActLeave] = func() error { return nil }
	if o.isSigned() {
		return o.enableSigned()
	}
	o.require(false, "apply_permissions_token")
	token := o.sent.Get("apply_permissions_token")
	wish := o.PayScore.ByToken(o.tx, token)
	if !o.checkPackageKnown(token, wish != nil, func(token string) bool { return o.PayScore.ByToken(o.tx, token) != nil }) {
		return nil
	}
	o.checkBinding("", wish.MchID, wish.AppID, wish.SubAppID)
	if err := wish.Openable(o.tx.Now); err != nil {
		o.fail("grant", scoreAltered.guessed(front.Inferred), err.Error(), "ask for the grant again, and hand over the new token")
	} else {
		o.pass("grant")
	}
	tell := func(state string) {
		o.out.About = &control.OpenedOrder{MchID: wish.MchID, SubMchID: wish.SubMchID, AuthorizationCode: wish.Code, State: state}
	}
	tell(wish.State)
	o.acts[control.ActOpenService] = func() error {
		tell("AVAILABLE")
		return o.PayScore.OpenService(o.tx, payscore.Grant{MchID: wish.MchID, OpenID: o.user(), Code: wish.Code})
	}
	return nil
}

// enableSigned is the older call, by which the user grants without that the merchant asked before.
func (o *opening) enableSigned() error {
	m := o.signedScore("service_id", "out_request_no")
	if m == nil || o.sent.Get("service_id") == "" {
		return nil
	}
	service := o.World.Service(o.sent.Get("service_id"))
	bound := func(b world.Binding) bool { return b.MchID == m.MchID }
	if service == nil || !slices.ContainsFunc(service.Bindings, bound) {
		o.fail("binding", scoreUnbound, "the service is not bound to the merchant", "hand over a service_id of this merchant")
		return nil
	}
	o.pass("binding")
	o.acts[control.ActOpenService] = func() error {
		return o.PayScore.OpenService(o.tx, payscore.Grant{MchID: m.MchID, ServiceID: service.ServiceID, OpenID: o.user()})
	}
	return nil
}

// plan opens the page for signing a plan (签约支付分计划).
func (o *opening) plan() error {
	o.require(false, "package")
	pack := o.sent.Get("package")
	wish := o.PayScore.SignPlanByPackage(o.tx, pack)
	if !o.checkPackageKnown(pack, wish != nil, func(pack string) bool { return o.PayScore.SignPlanByPackage(o.tx, pack) != nil }) {
		return nil
	}
	o.checkBinding("", wish.MchID, wish.AppID, wish.SubAppID)
	if err := o.PayScore.Signable(o.tx, wish); err != nil {
		o.fail("plan", scoreUsed.guessed(front.Inferred), err.Error(), "ask for the signature again, and hand over the new package")
	} else {
		o.pass("plan")
	}
	tell := func(state string) {
		o.out.About = &control.OpenedOrder{MchID: wish.MchID, SubMchID: wish.SubMchID, MerchantSignPlanNo: wish.MerchantNo, State: state}
	}
	tell(wish.State)
	o.acts[control.ActLeave] = func() error { return nil }
	o.acts[control.ActSignPlan] = func() error {
		after, err := o.PayScore.Sign(o.tx, wish)
		if err == nil {
			tell(after.State)
		}
		return err
	}
	return nil
}

func (o *opening) aboutScore(order *payscore.Order) {
	o.out.About = &control.OpenedOrder{
		MchID: order.MchID, SubMchID: order.SubMchID, OutOrderNo: order.OutOrderNo, State: string(order.State), QueryID: order.QueryID,
	}
}

// actOn is an act after which the page tells about the order anew.
func (o *opening) actOn(act func() (*payscore.Order, error)) func() error {
	return func() error {
		after, err := act()
		if err == nil {
			o.aboutScore(after)
		}
		return err
	}
}
