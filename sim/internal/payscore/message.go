package payscore

import (
	"slices"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// messageRequest is the body of telling the user what he is going to pay.
type messageRequest struct {
	parties
	charge
}

// sendMessage tells the user what he is going to pay: each kind once for an order. Nobody but the
// user sees it. In which states it may be sent is not known; here, while the service is used.
func (a access) sendMessage(kind string) front.Handler {
	return func(tx *store.Tx, c *front.Call) (any, error) {
		var r messageRequest
		if err := c.Decode(&r); err != nil {
			return nil, err
		}
		o, err := a.order(tx, c, c.Path("out_order_no"), r.parties)
		if err != nil {
			return nil, err
		}
		switch {
		case o.State != Serving:
			return nil, notCompletable(o.State).Guessed(front.Inferred)
		case slices.Contains(o.Messages, kind):
			return nil, badRequest("INVALID_REQUEST", "每笔订单只能发送一次", 0).Guessed(front.Invented)
		}
		if err := r.check(a.limit(o)); err != nil {
			return nil, err
		}
		after := *o
		after.Messages = append(slices.Clip(o.Messages), kind)
		a.orders.Put(tx, o.key(), &after)
		return nil, nil
	}
}
