package payscore

import (
	"bytes"
	"crypto/rand"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is the orders of plans: one for each detail, which the user does not confirm again.

// planOrderRequest is the body of creating the order of a detail.
type planOrderRequest struct {
	parties
	SignPlanID          string    `json:"sign_plan_id"`
	DetailNo            int64     `json:"plan_detail_no"`
	OpenID              string    `json:"openid"`
	SubOpenID           string    `json:"sub_openid"`
	NotifyURL           string    `json:"notify_url"`
	ServiceIntroduction string    `json:"service_introduction"`
	TimeRange           TimeRange `json:"time_range"`
	Location            *Location `json:"location"`
	Attach              string    `json:"attach"`
	OutTradeNo          string    `json:"out_trade_no"` // becomes the order's out_order_no
}

// createPlanOrder begins the next detail of a plan. From then on it is an order like others. The
// same content again gets the order as it is by now.
func (a access) createPlanOrder(tx *store.Tx, c *front.Call) (any, error) {
	var r planOrderRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	service, err := a.planService(c.Merchant, r.parties)
	if err != nil {
		return nil, err
	}
	k := key(c.Merchant.MchID, r.SubMchID, r.OutTradeNo)
	if o := a.orders.Get(tx, k); o != nil {
		if o.Access != a.name || !bytes.Equal(o.CreateContent, c.Canonical()) {
			return nil, otherContent().Guessed(front.Inferred)
		}
		return o.planOrder(), nil
	}
	s, err := a.usable(tx, c, &r)
	if err != nil {
		return nil, err
	}
	o := newPlanOrder(tx, c, &r, s)
	o.Access, o.RiskFund.Name = a.name, riskName(service)
	today := &createRequest{TimeRange: o.TimeRange, Location: o.Location, RiskFund: o.RiskFund}
	if err := today.check(tx, service); err != nil {
		return nil, err
	}
	if err := a.take(tx, o); err != nil {
		return nil, err
	}
	a.orders.Put(tx, k, o)
	after := *s
	after.Going, after.Signed = r.DetailNo, slices.Clone(s.Signed)
	d := &after.Signed[r.DetailNo-1]
	d.State, d.OrderID, d.UseTime = using, o.OrderID, rfc3339(tx.Now)
	a.signPlans.Put(tx, after.key(), &after)
	return o.planOrder(), nil
}

// usable is the signature whose next detail the request names. The rules are documented, what the
// gateway says is not.
func (a access) usable(tx *store.Tx, c *front.Call, r *planOrderRequest) (*SignPlan, error) {
	s := a.signPlans.Get(tx, a.signPlanIDs[r.SignPlanID])
	switch {
	case s == nil, s.MchID != c.Merchant.MchID, s.SubMchID != r.SubMchID, s.ServiceID != r.ServiceID:
		return nil, planNotExist()
	case r.OpenID != "" && r.SubOpenID != "":
		return nil, invalid("openid和sub_openid只能填写一个")
	case r.OpenID+r.SubOpenID != "" && r.OpenID+r.SubOpenID != s.OpenID:
		return nil, invalid("用户标识与签约计划的用户不一致")
	case s.State != signed:
		return nil, badRequest("INVALID_REQUEST", "签约计划状态不合法", 0).Guessed(front.Invented).With("the signature is " + s.State)
	case s.going() != nil:
		return nil, badRequest("INVALID_REQUEST", "上一个计划明细的订单未取消或未支付成功", 0).Guessed(front.Invented)
	}
	next := slices.IndexFunc(s.Signed, func(d SignedDetail) bool { return d.State == notUsed })
	switch {
	case next < 0, s.Signed[next].No != r.DetailNo:
		return nil, invalid("必须按照计划明细的序号依次创建服务订单")
	case s.Signed[next].MerchantNo != r.OutTradeNo:
		return nil, invalid("商户侧订单号与签约计划的商户侧计划明细使用订单号不一致")
	}
	return s, nil
}

// newPlanOrder is the order of a detail. What it is to cost comes from the plan; that its risk is
// the price is a guess.
func newPlanOrder(tx *store.Tx, c *front.Call, r *planOrderRequest, s *SignPlan) *Order {
	d := s.Signed[r.DetailNo-1]
	o := &Order{
		MchID: c.Merchant.MchID, SubMchID: r.SubMchID, AppID: r.AppID, SubAppID: r.SubAppID, ServiceID: r.ServiceID,
		OutOrderNo: r.OutTradeNo, OrderID: newOrderID(tx.Now), QueryID: rand.Text() + rand.Text(), OpenID: s.OpenID,
		ServiceIntroduction: r.ServiceIntroduction,
		PostPayments:        []Payment{{Name: d.Name, Amount: &d.OriginalPrice}},
		RiskFund:            RiskFund{Amount: d.ActualPrice},
		TimeRange:           r.TimeRange, Location: r.Location, Attach: r.Attach, NotifyURL: r.NotifyURL,
		CreatedAt: tx.Now, CreateContent: c.Canonical(), SignPlan: s.key(), PlanDetailNo: d.No,
	}
	if d.ActualPrice < d.OriginalPrice {
		o.PostDiscounts = []Discount{{Name: d.Discount, Amount: new(d.OriginalPrice - d.ActualPrice)}}
	}
	return o
}

// riskName is what the risk is called in the mode of the service, where the call has no name for it.
func riskName(s *world.Service) string {
	if s.Enjoy {
		return "ESTIMATE_ORDER_COST"
	}
	return "DEPOSIT"
}

// planOrder is the answer to creating the order of a detail.
func (o *Order) planOrder() entity {
	e := o.entity()
	e.RiskFund.Name = ""
	return e
}

// put keeps an order that changed. With one of a plan that ends, its detail ends.
func (p *Product) put(tx *store.Tx, o *Order) {
	p.orders.Put(tx, o.key(), o)
	if o.SignPlan != "" && o.State.Final() {
		s := p.signPlans.Get(tx, o.SignPlan).without(o, tx.Now)
		p.signPlans.Put(tx, s.key(), s)
	}
}

// without is the signature after the order of one of its details has ended: with the last detail, a
// plan that was going on is complete.
func (s *SignPlan) without(o *Order, now time.Time) *SignPlan {
	after := *s
	after.Signed = slices.Clone(s.Signed)
	d := &after.Signed[o.PlanDetailNo-1]
	if o.State == Done {
		d.State, d.CompleteTime, d.ActualPayPrice = used, rfc3339(now), o.TotalAmount
	} else {
		d.State, d.CancelTime = detailCancelled, rfc3339(now)
	}
	left := slices.ContainsFunc(after.Signed, func(d SignedDetail) bool { return d.State == notUsed })
	if after.State == signed && !left {
		after.State = signCompleted
	}
	return &after
}
