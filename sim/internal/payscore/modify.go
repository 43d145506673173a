package payscore

import (
	"bytes"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// modifyRequest is the body of lowering what an order costs.
type modifyRequest struct {
	parties
	charge
	Reason string `json:"reason"`
}

// modify lowers what the user is to pay, as long as nothing was paid. The same content again
// succeeds again, which is a guess: strictly read, it is not lower.
func (a access) modify(tx *store.Tx, c *front.Call) (any, error) {
	var r modifyRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	o, err := a.order(tx, c, c.Path("out_order_no"), r.parties)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(o.ModifyContent, c.Canonical()) && (o.State == Paying || o.State == Done) {
		return a.modified(o), nil
	}
	if err := a.modifiable(o, tx); err != nil {
		return nil, err
	}
	if err := r.check(a.limit(o)); err != nil {
		return nil, err
	}
	if r.TotalAmount >= o.TotalAmount {
		return nil, invalid("修改后的金额必须小于修改前的金额")
	}
	after := *o
	after.PostPayments, after.PostDiscounts = r.PostPayments, r.PostDiscounts
	after.TotalAmount, after.ModifyContent = r.TotalAmount, c.Canonical()
	after.Collection = &Collection{State: userPaying, TotalAmount: r.TotalAmount, PayingAmount: r.TotalAmount}
	if r.TotalAmount == 0 {
		after.State, after.Collection = Done, nil
	}
	a.put(tx, &after)
	return a.modified(&after), nil
}

func (a access) modifiable(o *Order, tx *store.Tx) error {
	switch {
	case o.State != Paying:
		return notPaying(o.State)
	case o.locked(tx.Now):
		return deducting()
	case o.Deposit:
		return badRequest("INVALID_REQUEST", "已支付押金的订单不支持修改金额", 0).Guessed(front.Unknown)
	case a.world.Rules.ModifyOnce && o.ModifyContent != nil:
		return badRequest("INVALID_REQUEST", "订单金额只可修改一次", 0).Guessed(front.Unknown)
	}
	return nil
}

func (a access) modified(o *Order) any {
	if a.partner {
		return nil
	}
	return o.entity().withMoney(o)
}
