package control

import (
	"context"
	"net/http"
)

// Trade names an order of basic payments (基础支付), and the user who acts on it. MchID is needed where
// more than one merchant has the number. Without an OpenID somebody acts.
type Trade struct {
	OutTradeNo string `json:"out_trade_no"`
	MchID      string `json:"mchid,omitempty"`
	OpenID     string `json:"openid,omitempty"`
}

// TradeState is an order after somebody acted on it.
type TradeState struct {
	State         string `json:"trade_state"` // NOTPAY, SUCCESS, USERPAYING, PAYERROR, …
	TransactionID string `json:"transaction_id"`
	OpenID        string `json:"openid"`
}

// PayTrade lets the user pay: at the cashier, or by the password that a payment by code asked for.
func (c *Client) PayTrade(ctx context.Context, t Trade) (TradeState, error) {
	return call[TradeState](ctx, c, http.MethodPost, "/user/pay-trade", t)
}

// DeclineTrade lets the user not pay: a payment by code that asked for the password has failed then.
func (c *Client) DeclineTrade(ctx context.Context, t Trade) (TradeState, error) {
	return call[TradeState](ctx, c, http.MethodPost, "/user/decline-trade", t)
}

// Refund names a refund, and how it ends: SUCCESS, CHANGE if the money does not reach the user, or
// REFUNDCLOSE. By itself it ends as SUCCESS, after three seconds.
type Refund struct {
	OutRefundNo string `json:"out_refund_no"`
	MchID       string `json:"mchid,omitempty"`
	Status      string `json:"refund_status"`
}

// SettleRefund lets a refund end now.
func (c *Client) SettleRefund(ctx context.Context, r Refund) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/refund/settle", r)
	return err
}

// Funds is what is to be with a merchant from now on.
type Funds struct {
	MchID      string `json:"mchid"`
	OutOfMoney bool   `json:"out_of_money"` // refunds are refused
}

// SetFunds changes what a merchant has for refunds.
func (c *Client) SetFunds(ctx context.Context, f Funds) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/merchant/set", f)
	return err
}
