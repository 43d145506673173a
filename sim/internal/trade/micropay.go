package trade

import (
	"regexp"
	"time"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// authCode is what a payment code (付款码) looks like.
var authCode = regexp.MustCompile(`^1[0-5][0-9]{16}$`)

// askedFrom is the amount from which the user has to enter the password, in fen.
const askedFrom = 100000

// micropay takes a payment by the code on the user's phone (付款码支付).
func (p *Product) micropay(tx *store.Tx, c *front.Call) (any, error) {
	if refusal := p.checkParties(c); refusal != nil {
		return nil, refusal
	}
	o, err := p.newOrder(tx, c, microTrade)
	if err != nil {
		return nil, err
	}
	if known := p.orders.Get(tx, o.key()); known != nil {
		return nil, known.refuseCode(o.Fingerprint, tx.Now)
	}
	code := c.V2.Sent.Get("auth_code")
	switch {
	case !authCode.MatchString(code):
		return nil, refuse("AUTH_CODE_INVALID", "101 付款码无效，请重新扫码")
	case p.codes.Get(tx, code) != nil:
		return nil, refuse("AUTH_CODE_INVALID", "101 每个二维码仅限使用一次，请刷新再试")
	}
	p.codes.Put(tx, code, &Code{Order: o.key()})
	o.OpenID = p.somebody()
	return p.takeByCode(tx, o)
}

// takeByCode ends the call in one of three ways, each of which leaves an order.
func (p *Product) takeByCode(tx *store.Tx, o *Order) (any, error) {
	switch {
	case p.broke(tx, o.OpenID):
		o.State = PayError
		p.orders.Put(tx, o.key(), o)
		return refuse("NOTENOUGH", "用户余额不足").Guessed(front.Inferred), nil
	case o.Total >= askedFrom:
		o.State = UserPaying
		p.orders.Put(tx, o.key(), o)
		return asked(), nil
	}
	paid := o.paid(tx.Now)
	p.orders.Put(tx, o.key(), paid)
	return paid.withParties(paid.payment()), nil
}

func asked() *front.Refusal { return refuse("USERPAYING", descriptions[UserPaying]) }

// refuseCode is what becomes of a second payment of the number.
func (o *Order) refuseCode(fingerprint string, now time.Time) *front.Refusal {
	switch refusal := o.refuseAgain(fingerprint, now); {
	case refusal != nil:
		return refusal
	case o.State == UserPaying:
		return asked()
	}
	return repeated() // what failed needs another number
}

// paid is the order once its user has paid.
func (o *Order) paid(now time.Time) *Order {
	after := *o
	after.State, after.Paid, after.TransactionID = Success, now, newTransactionID(now)
	return &after
}

// reversible is how long after the order it may be reversed.
const reversible = 7 * 24 * time.Hour

// reverse takes a payment by code back (撤销订单).
func (p *Product) reverse(tx *store.Tx, c *front.Call) (any, error) {
	done := xmlv2.Members{{Name: "recall", Text: "N"}}
	o := p.find(tx, c)
	switch {
	case o == nil || o.State == Revoked:
		return done, nil // somebody else's too, which changes nothing
	case o.TradeType != microTrade || o.State == Refunded:
		return nil, refuse("INVALID_REQUEST", "订单状态不支持撤销").Guessed(front.Invented)
	case o.State == UserPaying:
		r := refuse("USERPAYING", "正在支付中不能发起撤销")
		r.Detail = xmlv2.Members{{Name: "recall", Text: "Y"}}
		return nil, r
	case tx.Now.After(o.Created.Add(reversible)):
		return nil, refuse("REVERSE_EXPIRE", "订单无法撤销")
	}
	after := *o
	after.State, after.Reversed, after.ReversalID = Revoked, tx.Now, newRefundID(tx.Now)
	p.orders.Put(tx, o.key(), &after)
	return done, nil
}
