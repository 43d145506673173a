package control

import (
	"context"
	"net/http"
)

// SignPlan names the plan that a user is asked to sign, or has signed. Where MerchantSignPlanNo alone
// is not clear, MchID and SubMchID tell whose it is.
type SignPlan struct {
	MerchantSignPlanNo string `json:"merchant_sign_plan_no"`
	MchID              string `json:"mchid,omitempty"`
	SubMchID           string `json:"sub_mchid,omitempty"`
	CancelReason       string `json:"cancel_reason,omitempty"`
}

// SignPlanState is the plan after its user acted on it.
type SignPlanState struct {
	SignPlanID string `json:"sign_plan_id"`
	State      string `json:"sign_state"` // UNSIGNED, SIGNED, SIGN_PLAN_CANCEL, COMPLETE, EXPIRE
	OpenID     string `json:"openid"`
}

// SignPlan lets the user sign a plan (签约支付分计划).
func (c *Client) SignPlan(ctx context.Context, s SignPlan) (SignPlanState, error) {
	return call[SignPlanState](ctx, c, http.MethodPost, "/user/sign-plan", s)
}

// CancelPlan lets the user cancel a plan that he signed.
func (c *Client) CancelPlan(ctx context.Context, s SignPlan) (SignPlanState, error) {
	return call[SignPlanState](ctx, c, http.MethodPost, "/user/cancel-plan", s)
}

// Application names a service provider's application to bind a sub-merchant to a service. MchID is
// needed where more than one has the number.
type Application struct {
	OutApplyNo   string `json:"out_apply_no"`
	MchID        string `json:"mchid,omitempty"`
	RejectReason string `json:"reject_reason,omitempty"`
}

// Approve lets WeChat Pay approve an application.
func (c *Client) Approve(ctx context.Context, a Application) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/application/approve", a)
	return err
}

// Reject lets WeChat Pay reject an application.
func (c *Client) Reject(ctx context.Context, a Application) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/application/reject", a)
	return err
}
