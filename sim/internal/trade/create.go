package trade

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// create makes an order (统一下单).
func (p *Product) create(tx *store.Tx, c *front.Call) (any, error) {
	if refusal := p.checkOrder(c); refusal != nil {
		return nil, refusal
	}
	o, err := p.newOrder(tx, c, c.V2.Sent.Get("trade_type"))
	if err != nil {
		return nil, err
	}
	if known := p.orders.Get(tx, o.key()); known != nil {
		if refusal := known.refuseAgain(o.Fingerprint, tx.Now); refusal != nil {
			return nil, refusal
		}
		again := *known
		again.Issued = tx.Now
		o = &again
	}
	p.orders.Put(tx, o.key(), o)
	prepayID, session := newPrepayID(tx.Now), &Prepay{Order: o.key(), Issued: tx.Now}
	answer := xmlv2.Members{{Name: "trade_type", Text: o.TradeType}, {Name: "prepay_id", Text: prepayID}}
	switch o.TradeType {
	case "NATIVE":
		session.Code = prepayID[len(prepayID)-13 : len(prepayID)-4]
		answer.Set("code_url", "weixin://wxpay/bizpayurl?pr="+session.Code)
	case "MWEB":
		session.Package = digits(10)
		answer.Set("mweb_url", "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id="+prepayID+"&package="+session.Package)
	}
	p.prepays.Put(tx, prepayID, session)
	return o.withParties(answer), nil
}

// refuseAgain is what becomes of a second order of the number, nil if it is the same one again.
func (o *Order) refuseAgain(fingerprint string, now time.Time) *front.Refusal {
	switch {
	case o.Fingerprint != fingerprint:
		return repeated()
	case o.State == Success || o.State == Refunded:
		return refuse("ORDERPAID", "该订单已支付")
	case o.State == Closed:
		return refuse("INVALID_REQUEST", "201 商户订单号重复").DocumentedAs("ORDERCLOSED")
	case o.State == Revoked:
		return refuse("ORDERREVERSED", "订单已撤销，请重新下单支付")
	case o.State == NotPay && now.After(o.Deadline):
		return refuse("INVALID_REQUEST", "该订单已失效").Guessed(front.Inferred)
	}
	return nil
}

// newOrder is the order that a call asks for.
func (p *Product) newOrder(tx *store.Tx, c *front.Call, tradeType string) (*Order, error) {
	sent := c.V2.Sent
	total, err := strconv.ParseInt(sent.Get("total_fee"), 10, 64)
	if err != nil {
		return nil, err
	}
	deadline := tx.Now.Add(lifetime)
	if text := sent.Get("time_expire"); text != "" {
		expire, err := time.ParseInLocation(compact, text, clock.Beijing)
		if err != nil {
			return nil, err
		}
		deadline = latest(tx.Now.Add(time.Minute), earliest(expire, tx.Now.Add(longest)))
	}
	return &Order{
		MchID: c.Merchant.MchID, SubMchID: sent.Get("sub_mch_id"), AppID: sent.Get("appid"), OutTradeNo: sent.Get("out_trade_no"),
		TradeType: tradeType, Fingerprint: fingerprint(c), SignType: c.V2.SignType,
		Total: total, FeeType: cmp.Or(sent.Get("fee_type"), "CNY"), Body: sent.Get("body"), Attach: sent.Get("attach"), DeviceInfo: sent.Get("device_info"),
		NotifyURL: sent.Get("notify_url"), OpenID: cmp.Or(sent.Get("openid"), sent.Get("sub_openid")), SubAppID: sent.Get("sub_appid"),
		State: NotPay, Created: tx.Now, Deadline: deadline, Closes: latest(tx.Now.Add(lifetime), deadline), Issued: tx.Now,
	}, nil
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

var (
	outTradeNo = regexp.MustCompile(`^[0-9A-Za-z_\-|*]{6,32}$`)
	openID     = regexp.MustCompile(`^o[0-9A-Za-z_-]{27}$`)
)

// maxDetail is how long detail may be, in bytes.
const maxDetail = 6144

// checkOrder checks what the fields of the catalog do not tell.
func (p *Product) checkOrder(c *front.Call) *front.Refusal {
	sent := c.V2.Sent
	if refusal := p.checkParties(c); refusal != nil {
		return refusal
	}
	address, err := url.Parse(sent.Get("notify_url"))
	switch tradeType := sent.Get("trade_type"); {
	case !slices.Contains([]string{"JSAPI", "NATIVE", "APP", "MWEB"}, tradeType):
		return outer("trade_type参数错误").Guessed(front.Invented)
	case tradeType == "JSAPI" && sent.Get("openid")+sent.Get("sub_openid") == "":
		return outer("JSAPI支付必须传openid")
	case tradeType == "NATIVE" && sent.Get("product_id") == "":
		return refuse("LACK_PARAMS", "缺少参数product_id").Guessed(front.Inferred)
	case tradeType == "MWEB" && sent.Get("scene_info") == "":
		return refuse("LACK_PARAMS", "缺少参数scene_info").Guessed(front.Inferred)
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" || address.RawQuery != "":
		return outer("notify_url参数错误").Guessed(front.Invented).With("it has to be http or https, with a host and without a query")
	case sent.Get("openid") != "" && !openID.MatchString(sent.Get("openid")):
		return outer("无效的openid").Guessed(front.Inferred)
	}
	return nil
}

// checkParties checks what orders and payments by code have in common.
func (p *Product) checkParties(c *front.Call) *front.Refusal {
	sent := c.V2.Sent
	appID, subMchID, subAppID := sent.Get("appid"), sent.Get("sub_mch_id"), sent.Get("sub_appid")
	has := func(m world.Merchant) bool { return slices.Contains(m.AppIDs, appID) }
	switch sub := p.world.Merchant(subMchID); {
	case !slices.ContainsFunc(p.world.Merchants, has):
		return refuse("APPID_NOT_EXIST", "appid不存在").Guessed(front.Inferred)
	case !has(*c.Merchant):
		return refuse("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
	case subMchID == c.Merchant.MchID:
		return outer("子商户mchid不能与自身mchid相同").Guessed(front.Inferred)
	case subMchID != "" && (sub == nil || !slices.Contains(sub.Parents, c.Merchant.MchID)):
		return refuse("NOAUTH", "受理关系不存在").Guessed(front.Inferred)
	case subAppID != "" && (sub == nil || !slices.Contains(sub.AppIDs, subAppID)):
		return refuse("APPID_MCHID_NOT_MATCH", "sub_mch_id与sub_appid不匹配").Guessed(front.Inferred)
	case sent.Get("sub_openid") != "" && subAppID == "":
		return outer("sub_openid需要同时传sub_appid").Guessed(front.Invented)
	case !outTradeNo.MatchString(sent.Get("out_trade_no")):
		return refuse("PARAM_ERROR", "商户订单号格式错误").Guessed(front.Invented).With("6 to 32 bytes of 0-9A-Za-z_-|*")
	case sent.Get("total_fee") == "0" || sent.Get("total_fee")[0] == '-':
		return outer("输入源“/body/xml/total_fee”映射到数值字段“标价金额”规则校验失败，值低于最小值 1").Guessed(front.Inferred)
	case len(sent.Get("detail")) > maxDetail:
		return refuse("INVALID_REQUEST", "字段 detail 长度超限")
	}
	return nil
}
