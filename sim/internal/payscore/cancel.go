package payscore

import (
	"bytes"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// cancelRequest is the body of cancelling an order.
type cancelRequest struct {
	parties
	Reason string `json:"reason"`
}

// cancel ends an order for which nothing is to be paid. The same content again succeeds again.
func (a access) cancel(tx *store.Tx, c *front.Call) (any, error) {
	var r cancelRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	o, err := a.order(tx, c, c.Path("out_order_no"), r.parties)
	if err != nil {
		return nil, err
	}
	if o.State == Revoked {
		return a.ids(o), cancelledBefore(o, c.Canonical(), a.world.Rules)
	}
	if err := cancellable(o, tx.Now, a.world.Rules); err != nil {
		return nil, err
	}
	after := *o
	after.State, after.TotalAmount, after.Collection = Revoked, 0, nil
	after.CancelContent, after.CancelReason = c.Canonical(), r.Reason
	a.put(tx, &after)
	return a.ids(o), nil
}

// ids is what a merchant learns of success where a service provider gets a 204.
func (a access) ids(o *Order) any {
	if a.partner {
		return nil
	}
	return struct {
		AppID      string `json:"appid"`
		MchID      string `json:"mchid"`
		OutOrderNo string `json:"out_order_no"`
		ServiceID  string `json:"service_id"`
		OrderID    string `json:"order_id"`
	}{o.AppID, o.MchID, o.OutOrderNo, o.ServiceID, o.OrderID}
}

// cancelledBefore accepts the same cancel again, and refuses another one. What the gateway
// says to another reason is not known.
func cancelledBefore(o *Order, content []byte, rules world.Rules) error {
	if bytes.Equal(o.CancelContent, content) || rules.RepeatAnyReason {
		return nil
	}
	return otherContent().Guessed(front.Unknown).With("the order was cancelled with other parameters")
}

// cancellable tells whether an order may still be cancelled: until it is done, and not while
// money is on its way.
func cancellable(o *Order, now time.Time, rules world.Rules) error {
	switch {
	case o.State == Created, o.State == Serving:
		return nil
	case o.State != Paying:
		return notCancellable(o.State)
	case o.locked(now):
		return deducting()
	case o.registered(now):
		return deducting().With("a registered deduction is alive: wait until it is a day old, or close it")
	case rules.RefuseCancelWhilePaying:
		return notCancellable(o.State)
	}
	return nil
}
