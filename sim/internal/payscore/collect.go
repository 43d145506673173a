package payscore

import (
	"bytes"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is how the money of a completed order comes in.

const (
	userPaying = "USER_PAYING"
	userPaid   = "USER_PAID"

	// newton is money that Pay Score collected, mch money that the merchant got elsewhere.
	newton = "NEWTON"
	mch    = "MCH"
)

// When WeChat Pay tries to deduct it does not tell. The simulator tries after a minute, and then
// every six hours until it has the money.
const (
	firstDeduction = time.Minute
	nextDeduction  = 6 * time.Hour
)

// lockLife is how long a deduction that was begun locks its order.
const lockLife = 3 * time.Minute

// locked tells that a deduction is under way, or the user is at the cashier.
func (o *Order) locked(now time.Time) bool { return now.Before(o.LockedUntil) }

// due is when something happens to the order by itself.
func (o *Order) due() time.Time {
	switch {
	case o.State == Created:
		return o.CreatedAt.Add(expiry)
	case o.State != Paying:
		return time.Time{}
	case !o.LockedUntil.IsZero():
		return o.LockedUntil
	default:
		return o.DeductAt
	}
}

// elapse is what happens then: an order that nobody confirmed expires, one that waits for its
// money is deducted.
func (p *Product) elapse(tx *store.Tx, _ string, o *Order) {
	after := *o
	if o.State == Created {
		after.State = Expired // no notification of it is documented
		p.orders.Put(tx, o.key(), &after)
		return
	}
	after.LockedUntil, after.AtCashier = time.Time{}, false
	if o.AtCashier { // the user went to pay, and did not
		p.orders.Put(tx, o.key(), &after)
		return
	}
	next := o.DeductAt
	if !next.IsZero() && !next.After(tx.Now) {
		next = tx.Now.Add(nextDeduction)
	}
	if err := p.deduct(tx, &after, next); err != nil {
		panic(err) // the order does not encode, which its creation would have shown
	}
}

// deduct is one attempt to get the money. The one after it, if it fails, is at next.
func (p *Product) deduct(tx *store.Tx, o *Order, next time.Time) error {
	if p.person(tx, o.OpenID).OutOfMoney {
		o.DeductAt = next
		p.orders.Put(tx, o.key(), o)
		return nil
	}
	o.DeductedAs = digits(28)
	return p.paid(tx, o, Detail{PaidType: newton, PaidTime: tx.Now.Format(toTheSecond), TransactionID: newTransactionID(tx.Now)})
}

// paid ends the order with the money there, and tells the merchant if it was Pay Score that got it.
func (p *Product) paid(tx *store.Tx, o *Order, d Detail) error {
	d.Seq, d.Amount = 1, o.TotalAmount
	o.State, o.LockedUntil, o.AtCashier, o.DeductAt = Done, time.Time{}, false, time.Time{}
	o.Collection = &Collection{State: userPaid, TotalAmount: o.TotalAmount, PaidAmount: o.TotalAmount, Details: []Detail{d}}
	if d.PaidType == newton {
		o.PaidAt = tx.Now
	}
	p.put(tx, o)
	if d.PaidType != newton {
		return nil // that a sync is notified is not documented
	}
	return p.inform(tx, o, "PAYSCORE.USER_PAID", "微信支付分服务订单支付成功", o.entity().withUser(o).withMoney(o))
}

// newTransactionID is 28 digits that begin as the gateway's do.
func newTransactionID(now time.Time) string { return "4200001188" + now.Format(toTheDay) + digits(10) }

// pay asks for one more attempt (催收扣款). WeChat Pay's own go on as before.
func (a access) pay(tx *store.Tx, c *front.Call) (any, error) {
	var r parties
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	o, err := a.order(tx, c, c.Path("out_order_no"), r)
	if err != nil {
		return nil, err
	}
	switch {
	case o.State != Paying:
		return nil, notPaying(o.State)
	case o.locked(tx.Now):
		return nil, deducting()
	}
	after := *o
	return a.ids(o), a.deduct(tx, &after, o.DeductAt)
}

// syncRequest is the body of telling that an order was paid elsewhere.
type syncRequest struct {
	parties
	Detail struct {
		PaidTime string `json:"paid_time"`
	} `json:"detail"`
}

// sync ends an order whose money the merchant got by itself. The same content again succeeds again.
func (a access) sync(tx *store.Tx, c *front.Call) (any, error) {
	var r syncRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	o, err := a.order(tx, c, c.Path("out_order_no"), r.parties)
	if err != nil {
		return nil, err
	}
	if o.State == Done && o.SyncContent != nil {
		if !bytes.Equal(o.SyncContent, c.Canonical()) {
			return nil, otherContent().Guessed(front.Inferred)
		}
		return a.synced(o), nil
	}
	switch {
	case o.State != Paying:
		return nil, notPaying(o.State)
	case o.locked(tx.Now):
		return nil, deducting()
	}
	if err := checkPaidTime(r.Detail.PaidTime, o, tx.Now); err != nil {
		return nil, err
	}
	after := *o
	after.SyncContent = c.Canonical()
	if err := a.paid(tx, &after, Detail{PaidType: mch, PaidTime: r.Detail.PaidTime}); err != nil {
		return nil, err
	}
	return a.synced(&after), nil
}

func (a access) synced(o *Order) any {
	if a.partner {
		return nil
	}
	return o.entity().withUser(o).withMoney(o)
}

// checkPaidTime checks that the money came after the completion and before now. A day is compared
// by its day, for it stands for its first second.
func checkPaidTime(text string, o *Order, now time.Time) error {
	paid, ok := parseMoment(text)
	switch {
	case !ok:
		return invalid("收款成功时间格式错误，应为yyyyMMddHHmmss或yyyyMMdd")
	case paid.After(now):
		return invalid("收款成功时间不能晚于调用接口的时间")
	case paid.day && paid.Format(toTheDay) < o.CompletedAt.Format(toTheDay),
		!paid.day && paid.Before(o.CompletedAt.Truncate(time.Second)):
		return invalid("收款成功时间不能早于完结订单的时间")
	}
	return nil
}
