package payscore

import (
	"bytes"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// completeRequest is the body of completing an order.
type completeRequest struct {
	parties
	charge
	Currency      string    `json:"currency"`
	TimeRange     TimeRange `json:"time_range"`
	Location      *Location `json:"location"`
	ProfitSharing bool      `json:"profit_sharing"`
	GoodsTag      string    `json:"goods_tag"`
}

// charge is what the user is to pay.
type charge struct {
	PostPayments  []Payment  `json:"post_payments"`
	PostDiscounts []Discount `json:"post_discounts"`
	TotalAmount   int64      `json:"total_amount"` // fen
}

// check holds the charge against its own sum, and against the most that the order may cost.
func (r charge) check(limit int64) error {
	if err := checkItems(r.PostPayments, r.PostDiscounts); err != nil {
		return err
	}
	if r.TotalAmount != total(r.PostPayments, r.PostDiscounts) {
		return badRequest("PARAM_ERROR", "最终总金额计算非法", 268435464).With("total_amount is the sum of post_payments less that of post_discounts")
	}
	if r.TotalAmount > limit {
		return overCap("总金额超过此服务的服务风险金额")
	}
	return nil
}

// complete ends the service and asks for the money. The same content again succeeds again.
func (a access) complete(tx *store.Tx, c *front.Call) (any, error) {
	var r completeRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	o, err := a.order(tx, c, c.Path("out_order_no"), r.parties)
	if err != nil {
		return nil, err
	}
	if o.CompleteContent != nil && o.State != Revoked {
		if !bytes.Equal(o.CompleteContent, c.Canonical()) {
			return nil, otherContent()
		}
		return a.completed(o), nil
	}
	if o.State != Serving {
		return nil, notCompletable(o.State)
	}
	if err := a.checkComplete(tx, o, &r); err != nil {
		return nil, err
	}
	after := o.completedAt(tx, &r)
	after.CompleteContent = c.Canonical()
	a.put(tx, after)
	return a.completed(after), nil
}

func (a access) checkComplete(tx *store.Tx, o *Order, r *completeRequest) error {
	if r.Currency != "" && r.Currency != o.Currency {
		return invalid("标价币种与创建订单时不一致")
	}
	if err := r.TimeRange.checkComplete(o, tx.Now); err != nil {
		return err
	}
	if r.Location != nil && r.Location.EndLocation != "" && r.Location.StartLocation == "" && (o.Location == nil || o.Location.StartLocation == "") {
		return invalid("创建订单未填写服务开始地点时，不可填写服务结束地点")
	}
	return r.check(a.limit(o))
}

// limit is the most that the order may cost: what the service may (先享模式), or what the order
// was created with, as the price of its plan's detail.
func (a access) limit(o *Order) int64 {
	service := a.world.Service(o.ServiceID)
	switch {
	case service == nil, o.SignPlan != "":
		return o.RiskFund.Amount
	case service.Enjoy || o.RiskFund.Amount == 0:
		return service.Cap
	default:
		return min(o.RiskFund.Amount, service.Cap)
	}
}

// completedAt is the order after its completion: paid for if it costs nothing, else the first
// deduction is near. An acquiring institution (从业机构) collects by itself.
func (o *Order) completedAt(tx *store.Tx, r *completeRequest) *Order {
	after := *o
	after.PostPayments, after.PostDiscounts = r.PostPayments, r.PostDiscounts
	after.TotalAmount, after.CompletedAt = r.TotalAmount, tx.Now
	after.TimeRange = o.TimeRange.completedBy(r.TimeRange)
	if r.Location != nil {
		after.Location = o.Location.completedBy(*r.Location)
	}
	if r.TotalAmount == 0 {
		after.State = Done
		return &after
	}
	after.State = Paying
	after.Collection = &Collection{State: userPaying, TotalAmount: r.TotalAmount, PayingAmount: r.TotalAmount}
	if o.Access != "acquiringbank" {
		after.DeductAt = tx.Now.Add(firstDeduction)
	}
	return &after
}

// completedBy is the place with what the completion added.
func (l *Location) completedBy(with Location) *Location {
	if l != nil && with.StartLocation == "" {
		with.StartLocation = l.StartLocation
	}
	return &with
}

// completed is the answer to completing the order.
func (a access) completed(o *Order) any {
	if a.partner {
		return nil
	}
	e := o.entity().withMoney(o)
	e.TotalAmount = &o.TotalAmount
	e.Attach, e.NotifyURL, e.Collection = "", "", nil
	return e
}
