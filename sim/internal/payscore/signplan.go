package payscore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is users' signatures of plans (签约计划).

// The states of a signature.
const (
	unsigned      = "UNSIGNED" // asked for
	signed        = "SIGNED"
	signCancelled = "SIGN_PLAN_CANCEL"
	signCompleted = "COMPLETE" // every detail was used
	signExpired   = "EXPIRE"
)

// Who cancelled a signature.
const (
	byNobody   = "NOT_CANCEL"
	byUser     = "USER"
	byMerchant = "MERCHANT"
	byRevoke   = "REVOKE_SERVICE" // the user ended the grant of the service
)

// The states of a signature's details.
const (
	notUsed         = "NOT_USED"
	using           = "USING" // it has an order
	used            = "USED"
	detailCancelled = "SIGN_PLAN_DETAIL_CANCEL" // its order was cancelled
)

// SignPlan is a user's signature of a plan, or a merchant's wish for it.
type SignPlan struct {
	parties
	planTerms
	MchID       string          `json:"mchid"`
	PlanID      string          `json:"plan_id"`
	SignPlanID  string          `json:"sign_plan_id"`
	MerchantNo  string          `json:"merchant_sign_plan_no"`
	OpenID      string          `json:"openid"`
	NotifyURL   string          `json:"notify_url"`
	Signed      []SignedDetail  `json:"signed_detail_list"`
	Going       int64           `json:"going_detail_no"` // the detail that was begun last, 0 if none was
	State       string          `json:"sign_state"`
	OverAt      time.Time       `json:"over_at"`
	SignedAt    time.Time       `json:"signed_at,omitzero"`
	CancelledAt time.Time       `json:"cancelled_at,omitzero"`
	CancelledBy string          `json:"cancel_sign_type"`
	Reason      string          `json:"cancel_reason,omitempty"`
	Package     string          `json:"package"` // opens the page for signing, for an hour
	PackageAt   time.Time       `json:"package_at"`
	Content     json.RawMessage `json:"content"` // what was asked
}

// SignedDetail is one use of the service, as it stands in the journal and in answers. What there is
// not yet is empty there, as in the samples of notifications.
type SignedDetail struct {
	No             int64  `json:"plan_detail_no"`
	OriginalPrice  int64  `json:"original_price"`
	Discount       string `json:"plan_discount_description"`
	ActualPrice    int64  `json:"actual_price"`
	State          string `json:"plan_detail_state"`
	OrderID        string `json:"order_id"`
	MerchantNo     string `json:"merchant_plan_detail_no"`
	Name           string `json:"plan_detail_name"`
	ActualPayPrice int64  `json:"actual_pay_price"`
	UseTime        string `json:"use_time"`
	CompleteTime   string `json:"complete_time"`
	CancelTime     string `json:"cancel_time"`
}

// key is the signature's place in the table.
func (s *SignPlan) key() string { return key(s.MchID, s.SubMchID, s.MerchantNo) }

func (p *Product) indexSignPlan(k string, old, new *SignPlan) {
	if new == nil {
		delete(p.signPlanIDs, old.SignPlanID)
		return
	}
	p.signPlanIDs[new.SignPlanID] = k
}

// due is when the time of the plan is over.
func (s *SignPlan) due() time.Time {
	if s.State == unsigned || s.State == signed {
		return s.OverAt
	}
	return time.Time{}
}

// expirePlan ends a plan whose time is over. An order of it goes on.
func (p *Product) expirePlan(tx *store.Tx, k string, s *SignPlan) {
	after := *s
	after.State = signExpired
	p.signPlans.Put(tx, k, &after)
}

// over is when a plan ends that is signed now: with the last of its days, that of the signature
// being the first.
func over(now time.Time, days int64) time.Time {
	y, m, d := now.In(clock.Beijing).Date()
	return time.Date(y, m, d+int(days), 0, 0, 0, 0, clock.Beijing)
}

// signPlanRequest is the body of asking for a signature.
type signPlanRequest struct {
	parties
	PlanID    string `json:"plan_id"`
	OpenID    string `json:"openid"`
	SubOpenID string `json:"sub_openid"`
	No        string `json:"merchant_sign_plan_no"`
	NotifyURL string `json:"notify_url"`
	Details   []struct {
		No         int64  `json:"plan_detail_no"`
		MerchantNo string `json:"merchant_plan_detail_no"`
	} `json:"sign_plan_detail"`
}

// createSignPlan asks for a signature: the package opens the page on which the user gives it. The
// same content again gets the signature as it is by now, with a package that is good.
func (a access) createSignPlan(tx *store.Tx, c *front.Call) (any, error) {
	var r signPlanRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	openID, err := oneOpenID(r.parties, r.OpenID, r.SubOpenID)
	if err != nil {
		return nil, err
	}
	if _, err := a.planService(c.Merchant, r.parties); err != nil {
		return nil, err
	}
	if before := a.signPlans.Get(tx, key(c.Merchant.MchID, r.SubMchID, r.No)); before != nil {
		if !bytes.Equal(before.Content, c.Canonical()) {
			return nil, otherContent().Guessed(front.Inferred)
		}
		return a.repackaged(tx, before).asked(), nil
	}
	plan, err := a.signable(tx, c, &r)
	if err != nil {
		return nil, err
	}
	s := &SignPlan{
		parties: r.parties, planTerms: plan.planTerms, MchID: c.Merchant.MchID, PlanID: plan.PlanID,
		SignPlanID: "010200332100" + digits(20), MerchantNo: r.No, OpenID: openID, NotifyURL: r.NotifyURL,
		State: unsigned, OverAt: over(tx.Now, plan.PlanDuration), CancelledBy: byNobody,
		Package: newPackage(), PackageAt: tx.Now, Content: c.Canonical(),
	}
	for i, d := range plan.Details {
		s.Signed = append(s.Signed, SignedDetail{
			No: d.No, Name: d.Name, OriginalPrice: d.OriginalPrice, Discount: d.Discount, ActualPrice: d.ActualPrice,
			State: notUsed, MerchantNo: r.Details[i].MerchantNo,
		})
	}
	a.signPlans.Put(tx, s.key(), s)
	return s.asked(), nil
}

// signable is the plan that a signature is asked of, if its creator asks and it may be signed.
func (a access) signable(tx *store.Tx, c *front.Call, r *signPlanRequest) (*Plan, error) {
	plan := a.plans.Get(tx, a.planIDs[r.PlanID])
	switch {
	case plan == nil, plan.MchID != c.Merchant.MchID, plan.SubMchID != r.SubMchID, plan.ServiceID != r.ServiceID:
		return nil, planNotExist()
	case plan.State != planNormal:
		return nil, badRequest("INVALID_REQUEST", "支付分计划已停止，无法签约", 0).Guessed(front.Invented)
	case len(r.Details) != len(plan.Details):
		return nil, invalid("签约计划明细数量与支付分计划不一致")
	}
	seen := map[string]bool{}
	for i, d := range r.Details {
		if d.No != plan.Details[i].No {
			return nil, invalid("签约计划明细序号与支付分计划不一致")
		}
		if seen[d.MerchantNo] {
			return nil, invalid("商户侧计划明细使用订单号不能重复")
		}
		seen[d.MerchantNo] = true
	}
	return plan, nil
}

// repackaged is the signature with a package that still opens the page, if it waits for its user.
func (p *Product) repackaged(tx *store.Tx, s *SignPlan) *SignPlan {
	if s.State != unsigned || tx.Now.Before(s.PackageAt.Add(packageLife)) {
		return s
	}
	after := *s
	after.Package, after.PackageAt = newPackage(), tx.Now
	p.signPlans.Put(tx, s.key(), &after)
	return &after
}

// querySignPlan shows a signature to who asked for it.
func (a access) querySignPlan(tx *store.Tx, c *front.Call) (any, error) {
	s, err := a.signPlan(tx, c, c.Query("sub_mchid"))
	if err != nil {
		return nil, err
	}
	return s.shown(), nil
}

// stopSignPlan is the merchant cancelling a signature. The same reason again succeeds again.
func (a access) stopSignPlan(tx *store.Tx, c *front.Call) (any, error) {
	var r struct {
		SubMchID string `json:"sub_mchid"`
		Reason   string `json:"stop_reason"`
	}
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	s, err := a.signPlan(tx, c, r.SubMchID)
	if err != nil {
		return nil, err
	}
	if s.CancelledBy == byMerchant && s.Reason == r.Reason {
		return s.shown(), nil
	}
	if s.State != unsigned && s.State != signed {
		return nil, badRequest("INVALID_REQUEST", "签约计划状态不合法", 0).Guessed(front.Invented).With("the signature is " + s.State)
	}
	if going := s.going(); going != nil {
		return nil, unfinished().With("the order of detail " + going.MerchantNo + " is in progress")
	}
	return a.cancelSignPlan(tx, s, byMerchant, r.Reason).shown(), nil
}

// signPlan is the signature that the path names, for who asked for it.
func (a access) signPlan(tx *store.Tx, c *front.Call, subMchID string) (*SignPlan, error) {
	if err := a.permit(c.Merchant, parties{SubMchID: subMchID}); err != nil {
		return nil, err
	}
	s := a.signPlans.Get(tx, key(c.Merchant.MchID, subMchID, c.Path("merchant_sign_plan_no")))
	if s == nil {
		return nil, planNotExist()
	}
	return s, nil
}

// going is the detail whose order is in progress, nil if there is none.
func (s *SignPlan) going() *SignedDetail {
	if i := slices.IndexFunc(s.Signed, func(d SignedDetail) bool { return d.State == using }); i >= 0 {
		return &s.Signed[i]
	}
	return nil
}

func (p *Product) cancelSignPlan(tx *store.Tx, s *SignPlan, by, reason string) *SignPlan {
	after := *s
	after.State, after.CancelledBy, after.CancelledAt, after.Reason = signCancelled, by, tx.Now, reason
	p.signPlans.Put(tx, s.key(), &after)
	return &after
}

// signPlanRecord is a signature as answers and notifications show it.
type signPlanRecord struct {
	SignPlanID        string         `json:"sign_plan_id"`
	OpenID            string         `json:"openid,omitempty"`
	SubOpenID         string         `json:"sub_openid,omitempty"`
	ServiceID         string         `json:"service_id"`
	MchID             string         `json:"mchid"`
	SubMchID          string         `json:"sub_mchid,omitempty"`
	AppID             string         `json:"appid"`
	SubAppID          string         `json:"sub_appid,omitempty"`
	MerchantNo        string         `json:"merchant_sign_plan_no"`
	NotifyURL         string         `json:"merchant_callback_url"`
	PlanID            string         `json:"plan_id"`
	Going             int64          `json:"going_detail_no"`
	State             string         `json:"sign_state"`
	CancelTime        string         `json:"cancel_sign_time"`
	CancelType        string         `json:"cancel_sign_type"`
	CancelReason      string         `json:"cancel_reason"`
	PlanName          string         `json:"plan_name"`
	OverTime          string         `json:"plan_over_time"`
	TotalOriginal     int64          `json:"total_origin_price"` // sic: the plan itself has original
	DeductionQuantity int64          `json:"deduction_quantity"`
	TotalActual       int64          `json:"total_actual_price"`
	Signed            []SignedDetail `json:"signed_detail_list"`
	SignTime          string         `json:"sign_time"`
}

func (s *SignPlan) shown() signPlanRecord {
	r := signPlanRecord{
		SignPlanID: s.SignPlanID, ServiceID: s.ServiceID, MchID: s.MchID, SubMchID: s.SubMchID, AppID: s.AppID, SubAppID: s.SubAppID,
		MerchantNo: s.MerchantNo, NotifyURL: s.NotifyURL, PlanID: s.PlanID, Going: s.Going, State: s.State,
		CancelTime: rfc3339(s.CancelledAt), CancelType: s.CancelledBy, CancelReason: s.Reason,
		PlanName: s.PlanName, OverTime: rfc3339(s.OverAt), TotalOriginal: s.TotalOriginal,
		DeductionQuantity: s.DeductionQuantity, TotalActual: s.TotalActual, Signed: s.Signed, SignTime: rfc3339(s.SignedAt),
	}
	if s.SubAppID != "" {
		r.SubOpenID = s.OpenID
	} else {
		r.OpenID = s.OpenID
	}
	return r
}

// asked is the answer to asking for the signature.
func (s *SignPlan) asked() any {
	return struct {
		SignPlan signPlanRecord `json:"sign_plan"`
		Package  string         `json:"package"`
	}{s.shown(), s.Package}
}

// Signable tells why the page for signing does not open, nil if it does.
func (p *Product) Signable(tx *store.Tx, s *SignPlan) error {
	plan := p.plans.Get(tx, p.planIDs[s.PlanID])
	switch {
	case s.State != unsigned:
		return fmt.Errorf("the plan %s is %s: only one that is UNSIGNED can be signed", s.MerchantNo, s.State)
	case plan == nil || plan.State != planNormal:
		return fmt.Errorf("the plan %s was stopped: nobody can sign it", s.PlanID)
	case !tx.Now.Before(s.PackageAt.Add(packageLife)):
		return fmt.Errorf("the package of %s was good for %v: the merchant has to ask again", s.MerchantNo, packageLife)
	}
	return nil
}

// Sign is the user signing the plan that a merchant asked him to.
func (p *Product) Sign(tx *store.Tx, s *SignPlan) (*SignPlan, error) {
	if err := p.Signable(tx, s); err != nil {
		return nil, err
	}
	after := *s
	after.State, after.SignedAt, after.OverAt = signed, tx.Now, over(tx.Now, s.PlanDuration)
	p.signPlans.Put(tx, s.key(), &after)
	return &after, p.informPlan(tx, &after, "USER_SIGN_PLAN", "用户签约支付分计划成功")
}

// CancelPlan is the user cancelling his signature.
func (p *Product) CancelPlan(tx *store.Tx, s *SignPlan, reason string) (*SignPlan, error) {
	if s.State != signed {
		return nil, fmt.Errorf("the plan %s is %s: only one that is SIGNED can be cancelled", s.MerchantNo, s.State)
	}
	if going := s.going(); going != nil {
		return nil, fmt.Errorf("存在未完成订单: the order of detail %s is in progress", going.MerchantNo)
	}
	after := p.cancelSignPlan(tx, s, byUser, reason)
	return after, p.informCancelled(tx, after)
}

// revokePlans cancels what the user signed with a grant that has ended.
func (p *Product) revokePlans(tx *store.Tx, g *Permission) error {
	for _, s := range p.signPlans.All(tx) {
		if s.State != signed || s.MchID != g.MchID || s.SubMchID != g.SubMchID || s.ServiceID != g.ServiceID || s.OpenID != g.OpenID {
			continue
		}
		if err := p.informCancelled(tx, p.cancelSignPlan(tx, s, byRevoke, "")); err != nil {
			return err
		}
	}
	return nil
}

func (p *Product) informCancelled(tx *store.Tx, s *SignPlan) error {
	return p.informPlan(tx, s, "USER_CANCEL_SIGN_PLAN", "用户取消签约支付分计划")
}

// informPlan queues the notification of a signature or its end.
func (p *Product) informPlan(tx *store.Tx, s *SignPlan, event, summary string) error {
	text, err := json.Marshal(s.shown())
	if err != nil {
		return err
	}
	return p.notify.Send(tx, notify.Notification{
		MchID: s.MchID, URL: s.NotifyURL, EventType: "PAYSCORE." + event, Summary: summary,
		OriginalType: "payscore", AssociatedData: "payscore", Resource: text, Ladder: notify.EveryMinute,
	})
}

// FindSignPlan is the one signature with the merchant's number. The other two say whose it is, where
// they are not empty.
func (p *Product) FindSignPlan(tx *store.Tx, mchID, subMchID, merchantNo string) (*SignPlan, error) {
	var found []*SignPlan
	for _, s := range p.signPlans.All(tx) {
		if s.MerchantNo == merchantNo && (mchID == "" || s.MchID == mchID) && (subMchID == "" || s.SubMchID == subMchID) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, store.Missingf("there is no plan %q for a user to sign", merchantNo)
	default:
		return nil, fmt.Errorf("%d merchants have a plan %q: say whose by mchid and sub_mchid", len(found), merchantNo)
	}
}
