package trade

import (
	"cmp"
	"iter"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/bill"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is what orders and refunds have to say in bills.

var _ bill.Source = (*Product)(nil)

// Entries yields payments, reversals and refunds before a time, as they stood then.
func (p *Product) Entries(tx *store.Tx, until time.Time) iter.Seq[bill.Entry] {
	return func(yield func(bill.Entry) bool) {
		for _, o := range p.orders.All(tx) {
			for _, e := range p.entries(tx, o, until) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

func (p *Product) entries(tx *store.Tx, o *Order, until time.Time) (all []bill.Entry) {
	if o.TransactionID == "" {
		return nil
	}
	payment := bill.Entry{
		Kind: bill.Payment, At: o.Paid, Amount: o.Total, Fee: bill.Fee(o.Total),
		MchID: o.MchID, SubMchID: o.SubMchID, AppID: o.AppID, DeviceInfo: o.DeviceInfo, OpenID: o.OpenID, TradeType: o.TradeType,
		TransactionID: o.TransactionID, OutTradeNo: o.OutTradeNo, Currency: o.FeeType, Body: o.Body, Attach: o.Attach,
	}
	all = append(all, payment)
	if !o.Reversed.IsZero() {
		e := payment
		e.Kind, e.At, e.RefundID, e.OutRefundNo = bill.Reversal, o.Reversed, o.ReversalID, o.OutTradeNo
		e.RefundStatus, e.Succeeded = string(Done), o.Reversed
		all = append(all, e)
	}
	for _, number := range o.Refunds {
		all = append(all, p.refunds.Get(tx, keyOf(o.MchID, number)).entries(payment, until)...)
	}
	return all
}

// entries are a refund and, if it was closed, that.
func (r *Refund) entries(payment bill.Entry, until time.Time) []bill.Entry {
	e := payment
	e.Kind, e.At, e.Amount, e.Fee = bill.Refund, r.Created, r.Fee, r.FeeBack
	e.RefundID, e.OutRefundNo, e.Reason, e.RefundStatus = r.RefundID, r.OutRefundNo, r.Reason, string(Processing)
	all := []bill.Entry{e}
	for _, end := range r.Ends {
		if end.At.After(until) {
			break
		}
		all[0].RefundStatus = cmp.Or(inBills[end.Status], string(end.Status))
		switch end.Status {
		case Done:
			all[0].Succeeded = end.At
		case Cancelled:
			closing := e
			closing.Kind, closing.At, closing.Fee = bill.Closing, end.At, 0
			all = append(all, closing)
		}
	}
	return all
}

// inBills are the statuses that bills have another word for.
var inBills = map[Status]string{Cancelled: "FAIL"}

// feeBack is how much of the fee a refund brings back. What partial refunds bring back in sum is the fee,
// whatever was rounded; what a refund brought back that was closed, no other brings back again.
func (o *Order) feeBack(refund int64) int64 {
	due := bill.Share(bill.Fee(o.Total), o.Returned+refund, o.Total)
	return max(0, due-o.FeeBack)
}
