package manage

import (
	"fmt"
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/internal/trade"
)

// This file is what people and WeChat Pay do with basic payments.

func (a *API) handleTrades(mux *http.ServeMux) {
	mux.Handle("POST /user/pay-trade", a.actsOnTrade(func(tx *store.Tx, o *trade.Order, n control.Trade) (*trade.Order, error) {
		return a.Trades.Pay(tx, o, n.OpenID)
	}))
	mux.Handle("POST /user/decline-trade", a.actsOnTrade(func(tx *store.Tx, o *trade.Order, _ control.Trade) (*trade.Order, error) {
		return a.Trades.Decline(tx, o)
	}))
	mux.Handle("POST /refund/settle", does(a, a.settleRefund))
	mux.Handle("POST /merchant/set", does(a, a.setFunds))
}

// actsOnTrade serves an act on the order that the request names.
func (a *API) actsOnTrade(do func(tx *store.Tx, o *trade.Order, named control.Trade) (*trade.Order, error)) http.Handler {
	return answer(func(r *http.Request) (any, error) {
		named, err := read[control.Trade](r)
		if err != nil {
			return nil, err
		}
		var after *trade.Order
		err = a.Store.Update(func(tx *store.Tx) error {
			o, err := only(a.Trades.Find(tx, named.MchID, named.OutTradeNo), "order", named.OutTradeNo)
			if err != nil {
				return err
			}
			after, err = do(tx, o, named)
			return err
		})
		if err != nil {
			return nil, notDone(err)
		}
		return control.TradeState{State: string(after.State), TransactionID: after.TransactionID, OpenID: after.OpenID}, nil
	})
}

// only is the one that was found.
func only[T any](found []*T, what, number string) (*T, error) {
	switch len(found) {
	case 0:
		return nil, store.Missingf("there is no %s %q", what, number)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%d merchants have the %s %q: say whose by mchid", len(found), what, number)
}

func (a *API) settleRefund(tx *store.Tx, named control.Refund) error {
	r, err := only(a.Trades.FindRefund(tx, named.MchID, named.OutRefundNo), "refund", named.OutRefundNo)
	if err != nil {
		return err
	}
	return a.Trades.Settle(tx, r, trade.Status(named.Status))
}

func (a *API) setFunds(tx *store.Tx, f control.Funds) error {
	return a.Trades.SetMerchant(tx, f.MchID, trade.Merchant{OutOfMoney: f.OutOfMoney})
}
