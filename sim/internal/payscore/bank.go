package payscore

import (
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is what only acquiring institutions (从业机构) do: they collect by themselves, with a
// number that they register first.

// deductionLife is how long a registered number is good.
const deductionLife = 24 * time.Hour

// registerRequest is the body of registering the number of a deduction.
type registerRequest struct {
	parties
	OutTradeNo string `json:"out_trade_no"`
}

// registerDeduction registers the number under which the institution will collect.
func (a access) registerDeduction(tx *store.Tx, c *front.Call) (any, error) {
	var r registerRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	o, err := a.order(tx, c, c.Path("out_order_no"), r.parties)
	if err != nil {
		return nil, err
	}
	if o.State != Paying {
		return nil, notPaying(o.State)
	}
	if o.registered(tx.Now) && o.DeductionNo != r.OutTradeNo {
		return nil, deducting().With("another number is registered: wait until it is a day old, or close it")
	}
	after := *o
	after.DeductionNo, after.DeductionNoAt = r.OutTradeNo, tx.Now
	a.orders.Put(tx, o.key(), &after)
	return struct {
		Description string `json:"description"`
	}{o.ServiceIntroduction}, nil
}

func (o *Order) registered(now time.Time) bool {
	return o.DeductionNo != "" && now.Before(o.DeductionNoAt.Add(deductionLife))
}

// queryDeduction shows the registered number.
func (a access) queryDeduction(tx *store.Tx, c *front.Call) (any, error) {
	o, err := a.order(tx, c, c.Query("out_order_no"), queried(c))
	if err != nil {
		return nil, err
	}
	if !o.registered(tx.Now) {
		return nil, orderNotExist().Guessed(front.Inferred).With("no number is registered")
	}
	return struct {
		Description string `json:"description"`
		OutTradeNo  string `json:"out_trade_no"`
	}{o.ServiceIntroduction, o.DeductionNo}, nil
}
