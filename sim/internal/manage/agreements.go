package manage

import (
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/payscore"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is what people do with plans of Pay Score, and what WeChat Pay decides about
// applications.

func (a *API) handleAgreements(mux *http.ServeMux) {
	mux.Handle("POST /user/sign-plan", a.signs(func(tx *store.Tx, s *payscore.SignPlan, _ control.SignPlan) (*payscore.SignPlan, error) {
		return a.PayScore.Sign(tx, s)
	}))
	mux.Handle("POST /user/cancel-plan", a.signs(func(tx *store.Tx, s *payscore.SignPlan, named control.SignPlan) (*payscore.SignPlan, error) {
		return a.PayScore.CancelPlan(tx, s, named.CancelReason)
	}))
	mux.Handle("POST /application/approve", does(a, func(tx *store.Tx, named control.Application) error {
		return a.PayScore.Approve(tx, named.MchID, named.OutApplyNo)
	}))
	mux.Handle("POST /application/reject", does(a, func(tx *store.Tx, named control.Application) error {
		return a.PayScore.Reject(tx, named.MchID, named.OutApplyNo, named.RejectReason)
	}))
}

// signs serves what the user does with the signature that the request names.
func (a *API) signs(do func(*store.Tx, *payscore.SignPlan, control.SignPlan) (*payscore.SignPlan, error)) http.Handler {
	return answer(func(r *http.Request) (any, error) {
		named, err := read[control.SignPlan](r)
		if err != nil {
			return nil, err
		}
		var after *payscore.SignPlan
		err = a.Store.Update(func(tx *store.Tx) error {
			s, err := a.PayScore.FindSignPlan(tx, named.MchID, named.SubMchID, named.MerchantSignPlanNo)
			if err != nil {
				return err
			}
			after, err = do(tx, s, named)
			return err
		})
		if err != nil {
			return nil, notDone(err)
		}
		return control.SignPlanState{SignPlanID: after.SignPlanID, State: after.State, OpenID: after.OpenID}, nil
	})
}
