package bill

import (
	"cmp"
	"strconv"

	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is the trade bill (交易账单).

// The columns. Each type of bill has its own in the middle.
const (
	commonColumns  = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
	timeColumns    = "退款申请时间,退款成功时间,"
	refundColumns  = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
	chargeColumns  = "商品名称,商户数据包,手续费,费率,订单金额,"
	appliedColumns = "申请退款金额,"
	remarkColumn   = "费率备注"

	tradeSummary   = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
	successSummary = "总交易单数,应结订单总金额,手续费总金额,订单总金额"
)

// The types of trade bills that have rows here.
const (
	typeAll     = "ALL"
	typeSuccess = "SUCCESS"
	typeRefund  = "REFUND"
)

// tradeHeadings are the columns of each type.
var tradeHeadings = map[string]string{
	typeAll:     commonColumns + refundColumns + chargeColumns + appliedColumns + remarkColumn,
	typeSuccess: commonColumns + chargeColumns + remarkColumn,
	typeRefund:  commonColumns + timeColumns + refundColumns + chargeColumns + appliedColumns + remarkColumn,
}

// standsIn tells whether an entry is a row of a trade bill of the type. The closing of a refund never is.
func (e *Entry) standsIn(billType string) bool {
	switch billType {
	case typeAll:
		return e.Kind != Closing
	case typeSuccess:
		return e.Kind == Payment
	case typeRefund:
		return e.Kind == Refund || e.Kind == Reversal
	}
	return false // 充值退款 and special bills: there is nothing of the kind
}

// tradeFile is the trade bill, nil if it has no rows. It has all orders that the merchant made, or those for
// one sub-merchant.
func (p *Product) tradeFile(tx *store.Tx, r *request) []byte {
	rows := p.entries(tx, r.Day, func(e *Entry) bool {
		return e.MchID == r.MchID && (r.SubMch == "" || e.SubMchID == r.SubMch) && !e.At.Before(r.Day.begin()) && e.standsIn(r.Type)
	})
	if len(rows) == 0 {
		return nil
	}
	t := newTable(tradeHeadings[r.Type])
	var paid, refunded, fees int64
	for i := range rows {
		e := &rows[i]
		t.row(e.tradeRow(r.Type)...)
		if e.Kind == Payment {
			paid, fees = paid+e.Amount, fees+e.Fee
		} else {
			refunded, fees = refunded+e.Amount, fees-e.Fee
		}
	}
	count := strconv.Itoa(len(rows))
	if r.Type == typeSuccess {
		t.heading(successSummary)
		t.row(count, yuan(paid), feeText(fees), yuan(paid))
	} else {
		t.heading(tradeSummary)
		t.row(count, yuan(paid), yuan(refunded), yuan(0), feeText(fees), yuan(paid), yuan(refunded))
	}
	return t.b.Bytes()
}

// states are 交易状态 by kind.
var states = map[Kind]string{Payment: "SUCCESS", Refund: "REFUND", Reversal: "REVOKED"}

func (e *Entry) tradeRow(billType string) []string {
	escape, paid, refunded, fee := inPayment, e.Amount, int64(0), e.Fee
	refund := []string{"0", "0", yuan(0), yuan(0), "", ""}
	if e.Kind != Payment {
		escape, paid, refunded, fee = inRefund, 0, e.Amount, -e.Fee
		refund = []string{e.RefundID, e.OutRefundNo, yuan(refunded), yuan(0), "ORIGINAL", e.RefundStatus}
	}
	row := []string{
		moment(e.At), e.AppID, e.MchID, cmp.Or(e.SubMchID, "0"), escape.Replace(e.DeviceInfo), e.TransactionID, e.OutTradeNo, e.OpenID,
		e.TradeType, states[e.Kind], "OTHERS", e.Currency, yuan(paid), yuan(0),
	}
	if billType == typeRefund {
		row = append(row, moment(e.At), moment(e.Succeeded))
	}
	if billType != typeSuccess {
		row = append(row, refund...)
	}
	row = append(row, escape.Replace(e.Body), escape.Replace(e.Attach), feeText(fee), rateText, yuan(paid))
	if billType != typeSuccess {
		row = append(row, yuan(refunded))
	}
	return append(row, "")
}
