package payscore

import (
	"iter"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/bill"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is what orders have to say in bills, once Pay Score collected their money.

var _ bill.Source = (*Product)(nil)

// elsewhere are the accesses whose money is in no bill of here: institutions collect by themselves, and
// merchants overseas have statements.
var elsewhere = []string{"acquiringbank", "oversea"}

// Entries yields what was collected before a time.
func (p *Product) Entries(tx *store.Tx, _ time.Time) iter.Seq[bill.Entry] {
	return func(yield func(bill.Entry) bool) {
		for _, o := range p.orders.All(tx) {
			if o.PaidAt.IsZero() || slices.Contains(elsewhere, o.Access) {
				continue
			}
			if !yield(o.entry()) {
				return
			}
		}
	}
}

// entry tells a deduction from what the user paid himself, which bills call JSAPI.
func (o *Order) entry() bill.Entry {
	e := bill.Entry{
		Kind: bill.Payment, At: o.PaidAt, Amount: o.TotalAmount, Fee: bill.Fee(o.TotalAmount),
		MchID: o.MchID, SubMchID: o.SubMchID, AppID: o.AppID, OpenID: o.OpenID, TradeType: "JSAPI",
		TransactionID: o.Collection.Details[0].TransactionID, OutTradeNo: o.OutOrderNo, Currency: "CNY",
		Body: o.ServiceIntroduction, Attach: o.Attach,
	}
	if o.DeductedAs != "" {
		e.TradeType, e.OutTradeNo, e.Attach = "AUTH", o.DeductedAs, "wxzff|"+o.OrderID+"|"+o.OutOrderNo
	}
	return e
}
