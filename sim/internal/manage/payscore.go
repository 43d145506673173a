package manage

import (
	"fmt"
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/payscore"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is what people do with Pay Score.

func (a *API) handlePayScore(mux *http.ServeMux) {
	mux.Handle("POST /user/confirm", a.acts(func(tx *store.Tx, o *payscore.Order, n control.Order) (*payscore.Order, error) {
		return a.PayScore.Confirm(tx, o, n.OpenID, n.Deposit)
	}))
	mux.Handle("POST /user/leave", a.acts(plainly(a.PayScore.Leave)))
	mux.Handle("POST /user/cashier", a.acts(plainly(a.PayScore.OpenCashier)))
	mux.Handle("POST /user/pay", a.acts(plainly(a.PayScore.Pay)))
	mux.Handle("POST /deduction/start", a.acts(plainly(a.PayScore.StartDeduction)))
	mux.Handle("POST /user/open-service", does(a, a.openService))
	mux.Handle("POST /user/close-service", does(a, a.closeService))
	mux.Handle("POST /user/set", does(a, a.setUser))
	a.handleAgreements(mux)
}

// act is what somebody does with an order.
type act func(tx *store.Tx, o *payscore.Order, named control.Order) (*payscore.Order, error)

// plainly is an act that needs nothing but the order.
func plainly(fn func(*store.Tx, *payscore.Order) (*payscore.Order, error)) act {
	return func(tx *store.Tx, o *payscore.Order, _ control.Order) (*payscore.Order, error) { return fn(tx, o) }
}

// acts serves an act on the order that the request names.
func (a *API) acts(do act) http.Handler {
	return answer(func(r *http.Request) (any, error) {
		named, err := read[control.Order](r)
		if err != nil {
			return nil, err
		}
		var after *payscore.Order
		err = a.Store.Update(func(tx *store.Tx) error {
			o, err := a.order(tx, named)
			if err != nil {
				return err
			}
			if after, err = do(tx, o, named); err != nil {
				return failure{http.StatusConflict, err}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return control.OrderState{OrderID: after.OrderID, QueryID: after.QueryID, State: string(after.State), OpenID: after.OpenID}, nil
	})
}

func (a *API) order(tx *store.Tx, named control.Order) (*payscore.Order, error) {
	found := a.PayScore.Find(tx, named.MchID, named.SubMchID, named.OutOrderNo)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, failure{http.StatusNotFound, fmt.Errorf("there is no order %q", named.OutOrderNo)}
	default:
		return nil, failure{http.StatusConflict, fmt.Errorf("%d merchants have an order %q: say whose by mchid and sub_mchid", len(found), named.OutOrderNo)}
	}
}

// does serves what changes something and has nothing to say.
func does[T any](a *API, do func(tx *store.Tx, in T) error) http.Handler {
	return answer(func(r *http.Request) (any, error) {
		in, err := read[T](r)
		if err != nil {
			return nil, err
		}
		err = a.Store.Update(func(tx *store.Tx) error { return do(tx, in) })
		if err != nil {
			return nil, notDone(err)
		}
		return struct{}{}, nil
	})
}

func (a *API) openService(tx *store.Tx, s control.Service) error {
	return a.PayScore.OpenService(tx, payscore.Grant{ServiceID: s.ServiceID, OpenID: s.OpenID, Code: s.AuthorizationCode})
}

func (a *API) closeService(tx *store.Tx, s control.Service) error {
	return a.PayScore.CloseService(tx, s.ServiceID, s.OpenID)
}

func (a *API) setUser(tx *store.Tx, u control.User) error {
	return a.PayScore.SetPerson(tx, u.OpenID, payscore.Person{OutOfMoney: u.OutOfMoney, Refuse: u.Refuse})
}
