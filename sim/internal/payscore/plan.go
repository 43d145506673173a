package payscore

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is plans (支付分计划): a merchant's offer of several uses of a service, each with its
// price, which users sign as a whole.

// The states of a plan.
const (
	planNormal = "NORMAL" // users may sign it
	planStop   = "STOP"   // nobody may any more; who did goes on
)

// Plan is a plan of a merchant.
type Plan struct {
	parties
	planTerms
	MchID          string          `json:"mchid"`
	PlanID         string          `json:"plan_id"`
	MerchantPlanNo string          `json:"merchant_plan_no"`
	State          string          `json:"plan_state"`
	StopMchID      string          `json:"stop_mchid,omitempty"`
	StopAt         time.Time       `json:"stop_at,omitzero"`
	Content        json.RawMessage `json:"content"` // what was asked
}

// planTerms are what a plan offers.
type planTerms struct {
	PlanName          string       `json:"plan_name"`
	PlanDuration      int64        `json:"plan_duration"` // days from that of the signature
	DeductionQuantity int64        `json:"deduction_quantity"`
	TotalOriginal     int64        `json:"total_original_price"` // fen
	TotalActual       int64        `json:"total_actual_price"`   // fen
	Details           []PlanDetail `json:"plan_detail_list"`
}

// PlanDetail is one use of the service (计划明细).
type PlanDetail struct {
	No            int64  `json:"plan_detail_no"` // from 1
	Name          string `json:"plan_detail_name"`
	OriginalPrice int64  `json:"original_price"` // fen
	Discount      string `json:"plan_discount_description,omitempty"`
	ActualPrice   int64  `json:"actual_price"` // fen
}

// key is the plan's place in the table.
func (p *Plan) key() string { return key(p.MchID, p.SubMchID, p.MerchantPlanNo) }

func (p *Product) indexPlan(k string, old, new *Plan) {
	if new == nil {
		delete(p.planIDs, old.PlanID)
		return
	}
	p.planIDs[new.PlanID] = k
}

// registerPlans registers what this access may do with plans and their signatures.
func (a access) registerPlans(f *front.Front) {
	role := ""
	if a.partner {
		role = "/partner"
	}
	plans := "/v3/payscore/plan" + role + "/payscore-plans"
	plan := plans + "/merchant-plan-no/{merchant_plan_no}"
	f.Handle("POST "+plans, a.createPlan)
	f.Handle("GET "+plan, a.queryPlan)
	f.Handle("POST "+plan+"/stop", a.stopPlan)

	signed := "/v3/payscore/sign-plan" + role
	signPlan := signed + "/user-sign-plans/merchant-sign-plan-no/{merchant_sign_plan_no}"
	f.Handle("POST "+signed+"/user-sign-plans", a.createSignPlan)
	f.Handle("GET "+signPlan, a.querySignPlan)
	f.Handle("POST "+signPlan+"/stop", a.stopSignPlan)
	f.Handle("POST "+signed+"/serviceorder", a.createPlanOrder)
}

// planRequest is the body of creating a plan.
type planRequest struct {
	parties
	planTerms
	MerchantPlanNo string `json:"merchant_plan_no"`
}

// createPlan makes a plan. The same content again gets the plan as it is by now.
func (a access) createPlan(tx *store.Tx, c *front.Call) (any, error) {
	var r planRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	service, err := a.planService(c.Merchant, r.parties)
	if err != nil {
		return nil, err
	}
	plan := &Plan{
		parties: r.parties, planTerms: r.planTerms, MchID: c.Merchant.MchID,
		PlanID: "010000332100" + digits(20), MerchantPlanNo: r.MerchantPlanNo, State: planNormal, Content: c.Canonical(),
	}
	if before := a.plans.Get(tx, plan.key()); before != nil {
		if !bytes.Equal(before.Content, plan.Content) {
			return nil, otherContent().Guessed(front.Inferred)
		}
		return before.shown(), nil
	}
	if err := plan.check(service.Plans); err != nil {
		return nil, err
	}
	for i := range plan.Details {
		plan.Details[i].No = int64(i + 1)
	}
	a.plans.Put(tx, plan.key(), plan)
	return plan.shown(), nil
}

// planService is the service of the parties, if it may be sold by plans.
func (a access) planService(m *world.Merchant, p parties) (*world.Service, error) {
	s, err := a.boundService(m, p)
	if err != nil {
		return nil, err
	}
	if s.Plans == nil {
		return nil, notYours("the service may not be sold by plans (按计划确认权限)")
	}
	return s, nil
}

// check is the rules about a new plan. They are documented, what the gateway says is not.
func (t planTerms) check(limits *world.Plans) error {
	switch {
	case t.PlanDuration <= 0 || t.PlanDuration > limits.MaxDays:
		return invalid("支付分计划有效期超过服务规定的最大有效期")
	case t.DeductionQuantity <= 0 || t.DeductionQuantity > limits.MaxDeductions:
		return invalid("支付分计划扣费次数超过服务规定的最大扣费次数")
	case t.DeductionQuantity != int64(len(t.Details)):
		return invalid("支付分计划扣费次数与计划明细数量不一致")
	}
	var original, actual int64
	for i, d := range t.Details {
		switch {
		case d.ActualPrice < 0 || d.OriginalPrice < d.ActualPrice:
			return invalid("计划明细原支付金额不能小于实际支付金额")
		case i > 0 && d.ActualPrice > t.Details[i-1].ActualPrice:
			return invalid("计划明细实际支付金额不能大于上一个计划明细的实际支付金额")
		}
		original, actual = original+d.OriginalPrice, actual+d.ActualPrice
	}
	if t.TotalOriginal != original || t.TotalActual != actual {
		return invalid("支付分计划总金额与计划明细金额之和不一致")
	}
	return nil
}

// queryPlan shows a plan to who created it.
func (a access) queryPlan(tx *store.Tx, c *front.Call) (any, error) {
	plan, err := a.plan(tx, c, c.Query("sub_mchid"))
	if err != nil {
		return nil, err
	}
	return plan.shown(), nil
}

// stopPlan ends an offer. What has ended may be ended again, which is a guess.
func (a access) stopPlan(tx *store.Tx, c *front.Call) (any, error) {
	var r parties
	if a.partner {
		if err := c.Decode(&r); err != nil {
			return nil, err
		}
	}
	plan, err := a.plan(tx, c, r.SubMchID)
	if err != nil {
		return nil, err
	}
	if plan.State == planStop {
		return plan.shown(), nil
	}
	after := *plan
	after.State, after.StopMchID, after.StopAt = planStop, c.Merchant.MchID, tx.Now
	a.plans.Put(tx, after.key(), &after)
	return after.shown(), nil
}

// plan is the plan that the path names, for who created it.
func (a access) plan(tx *store.Tx, c *front.Call, subMchID string) (*Plan, error) {
	if err := a.permit(c.Merchant, parties{SubMchID: subMchID}); err != nil {
		return nil, err
	}
	plan := a.plans.Get(tx, key(c.Merchant.MchID, subMchID, c.Path("merchant_plan_no")))
	if plan == nil {
		return nil, planNotExist()
	}
	return plan, nil
}

// planNotExist refuses what somebody else created, or nobody. The pages do not say how.
func planNotExist() *refusal {
	return orderNotExist().Guessed(front.Unknown).With("want a plan that this merchant created")
}

// shown is the plan as answers have it.
func (p *Plan) shown() any {
	return struct {
		PlanID         string `json:"plan_id"`
		ServiceID      string `json:"service_id"`
		MchID          string `json:"mchid"`
		SubMchID       string `json:"sub_mchid,omitempty"`
		AppID          string `json:"appid"`
		SubAppID       string `json:"sub_appid,omitempty"`
		MerchantPlanNo string `json:"merchant_plan_no"`
		planTerms
		State     string `json:"plan_state"`
		StopMchID string `json:"stop_mchid,omitempty"`
		StopTime  string `json:"stop_time,omitempty"`
	}{p.PlanID, p.ServiceID, p.MchID, p.SubMchID, p.AppID, p.SubAppID, p.MerchantPlanNo, p.planTerms, p.State, p.StopMchID, rfc3339(p.StopAt)}
}

// rfc3339 is a time as plans have it, empty for none.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(clock.Beijing).Format(time.RFC3339)
}
