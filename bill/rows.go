package bill

import (
	"time"
)

// A Row is what a bill has a line of: [TradeRow], [FundFlowRow], [ProfitSharingRow], [StatementRow]
// or [Record].
//
// Columns are found by their headings, in any order; those of old bills and of other kinds are where
// today's would be. A column that the bill has not, or that is empty, is the zero value, and one that
// is not known is in Other under its heading. Times are in UTC+8. The texts of a row share the memory
// of its line: who keeps few of many does well to keep strings.Clone of them.
type Row[R any] interface {
	layout() layout[R]
}

var (
	_ Row[TradeRow]         = TradeRow{}
	_ Row[FundFlowRow]      = FundFlowRow{}
	_ Row[ProfitSharingRow] = ProfitSharingRow{}
	_ Row[StatementRow]     = StatementRow{}
	_ Row[Record]           = Record{}
)

// TradeRow is a payment, a refund or a reversal in a trade bill (交易账单). Of a refund, what was
// paid is 0, and Fee is negative; of a payment, what was refunded is 0, and its numbers are "0". A
// refund is there once, on the day it was accepted, and as it was then.
// See https://pay.weixin.qq.com/doc/v3/merchant/4013071246.
type TradeRow struct {
	Time                                time.Time         // 交易时间: when it was paid, or the refund asked for
	AppID, MchID, SubMchID              string            // 公众账号ID, 商户号, 特约商户号, which is "0" if there is none
	DeviceInfo                          string            // 设备号, escaped: see Unescape
	TransactionID, OutTradeNo           string            // 微信订单号, 商户订单号
	OpenID                              string            // 用户标识
	TradeType, TradeState               string            // 交易类型, 交易状态: SUCCESS, REFUND or REVOKED
	BankType, Currency                  string            // 付款银行, 货币种类
	SettlementTotal, CouponAmount       int64             // 应结订单金额, 代金券金额, fen
	RefundCreateTime, RefundSuccessTime time.Time         // 退款申请时间, 退款成功时间, in a bill of refunds
	RefundID, OutRefundNo               string            // 微信退款单号, 商户退款单号
	RefundAmount, CouponRefundAmount    int64             // 退款金额, 充值券退款金额, fen
	RefundType, RefundState             string            // 退款类型: ORIGINAL, BALANCE, …; 退款状态, when the bill was made
	Description, Attach                 string            // 商品名称, 商户数据包, escaped: see Unescape
	Fee                                 Amount            // 手续费
	Rate, RateNote                      string            // 费率, such as 0.60%, 费率备注
	OrderAmount, RefundRequestAmount    int64             // 订单金额, 申请退款金额, fen; 0 in old bills without these columns
	Other                               map[string]string // nil if there is nothing
}

func (TradeRow) layout() layout[TradeRow] {
	type row = TradeRow
	return layout[row]{
		columns: []column[row]{
			moment("交易时间", func(r *row) *time.Time { return &r.Time }).needed(),
			text("公众账号ID", func(r *row) *string { return &r.AppID }),
			text("商户号", func(r *row) *string { return &r.MchID }).needed(),
			text("特约商户号", func(r *row) *string { return &r.SubMchID }).as("子商户号"),
			text("设备号", func(r *row) *string { return &r.DeviceInfo }),
			text("微信订单号", func(r *row) *string { return &r.TransactionID }).needed(),
			text("商户订单号", func(r *row) *string { return &r.OutTradeNo }).needed(),
			text("用户标识", func(r *row) *string { return &r.OpenID }),
			text("交易类型", func(r *row) *string { return &r.TradeType }),
			text("交易状态", func(r *row) *string { return &r.TradeState }).needed(),
			text("付款银行", func(r *row) *string { return &r.BankType }),
			text("货币种类", func(r *row) *string { return &r.Currency }),
			fen("应结订单金额", func(r *row) *int64 { return &r.SettlementTotal }).as("总金额").needed(),
			fen("代金券金额", func(r *row) *int64 { return &r.CouponAmount }).as("企业红包金额", "代金券或立减优惠金额"),
			moment("退款申请时间", func(r *row) *time.Time { return &r.RefundCreateTime }),
			moment("退款成功时间", func(r *row) *time.Time { return &r.RefundSuccessTime }),
			text("微信退款单号", func(r *row) *string { return &r.RefundID }),
			text("商户退款单号", func(r *row) *string { return &r.OutRefundNo }),
			fen("退款金额", func(r *row) *int64 { return &r.RefundAmount }),
			fen("充值券退款金额", func(r *row) *int64 { return &r.CouponRefundAmount }).as("企业红包退款金额", "代金券或立减优惠退款金额"),
			text("退款类型", func(r *row) *string { return &r.RefundType }),
			text("退款状态", func(r *row) *string { return &r.RefundState }),
			text("商品名称", func(r *row) *string { return &r.Description }),
			text("商户数据包", func(r *row) *string { return &r.Attach }),
			amount("手续费", func(r *row) *Amount { return &r.Fee }),
			text("费率", func(r *row) *string { return &r.Rate }),
			fen("订单金额", func(r *row) *int64 { return &r.OrderAmount }),
			fen("申请退款金额", func(r *row) *int64 { return &r.RefundRequestAmount }),
			text("费率备注", func(r *row) *string { return &r.RateNote }),
		},
		totals: []total[row]{
			{name: "总交易单数", must: true, count: true, add: one[row]},
			{name: "应结订单总金额", aliases: []string{"总交易额"}, of: "应结订单金额", add: func(r *row) Amount { return ofFen(r.SettlementTotal) }},
			{name: "退款总金额", aliases: []string{"总退款金额"}, of: "退款金额", add: func(r *row) Amount { return ofFen(r.RefundAmount) }},
			{name: "充值券退款总金额", aliases: []string{"总企业红包退款金额", "总代金券或立减优惠退款金额"}, of: "充值券退款金额", add: func(r *row) Amount { return ofFen(r.CouponRefundAmount) }},
			{name: "手续费总金额", of: "手续费", add: func(r *row) Amount { return r.Fee }},
			{name: "订单总金额", of: "订单金额", add: func(r *row) Amount { return ofFen(r.OrderAmount) }},
			{name: "申请退款总金额", of: "申请退款金额", add: func(r *row) Amount { return ofFen(r.RefundRequestAmount) }},
		},
		other: func(r *row) *map[string]string { return &r.Other },
		// Of a refund, it is documented nowhere which one lies in the day in a bill of refunds.
		times:   func(r *row) [3]time.Time { return [3]time.Time{r.Time, r.RefundCreateTime, r.RefundSuccessTime} },
		sub:     func(r *row) string { return r.SubMchID },
		summary: true,
	}
}

// FundFlowRow is a movement of money in a fund-flow bill (资金账单), booked when it happened to the
// account. Its Note is not escaped: where it looks as if it were several columns, it is read as the
// one that it is.
// See https://pay.weixin.qq.com/doc/v3/merchant/4013071249.
type FundFlowRow struct {
	Time               time.Time         // 记账时间
	BusinessID, FlowID string            // 微信支付业务单号, the transaction's or refund's ID; 资金流水单号
	Name, Type         string            // 业务名称: 交易, 退款, …; 业务类型: 交易, 扣除交易手续费, …
	Direction          string            // 收支类型: Income or Expense
	Amount             int64             // 收支金额(元), fen; not negative, for Direction tells
	Balance            int64             // 账户结余(元), fen
	Applicant, Note    string            // 资金变更提交申请人, 备注
	Voucher            string            // 业务凭证号: your order's or refund's number
	Other              map[string]string // nil if there is nothing
}

// What [FundFlowRow] has for Direction.
const (
	Income  = "收入"
	Expense = "支出"
)

func (FundFlowRow) layout() layout[FundFlowRow] {
	type row = FundFlowRow
	only := func(direction string, add func(*row) Amount) func(*row) Amount {
		return func(r *row) Amount {
			if r.Direction != direction {
				return 0
			}
			return add(r)
		}
	}
	money := func(r *row) Amount { return ofFen(r.Amount) }
	return layout[row]{
		columns: []column[row]{
			moment("记账时间", func(r *row) *time.Time { return &r.Time }).needed(),
			text("微信支付业务单号", func(r *row) *string { return &r.BusinessID }).needed(),
			text("资金流水单号", func(r *row) *string { return &r.FlowID }).needed(),
			text("业务名称", func(r *row) *string { return &r.Name }),
			text("业务类型", func(r *row) *string { return &r.Type }),
			text("收支类型", func(r *row) *string { return &r.Direction }).only(Income, Expense).needed(),
			fen("收支金额(元)", func(r *row) *int64 { return &r.Amount }).needed(),
			fen("账户结余(元)", func(r *row) *int64 { return &r.Balance }),
			text("资金变更提交申请人", func(r *row) *string { return &r.Applicant }),
			text("备注", func(r *row) *string { return &r.Note }).unescaped(),
			text("业务凭证号", func(r *row) *string { return &r.Voucher }),
		},
		totals: []total[row]{
			{name: "资金流水总笔数", must: true, count: true, add: one[row]},
			{name: "收入笔数", count: true, of: "收支类型", add: only(Income, one[row])},
			{name: "收入金额", of: "收支金额(元)", add: only(Income, money)},
			{name: "支出笔数", count: true, of: "收支类型", add: only(Expense, one[row])},
			{name: "支出金额", of: "收支金额(元)", add: only(Expense, money)},
		},
		other:   func(r *row) *map[string]string { return &r.Other },
		times:   func(r *row) [3]time.Time { return [3]time.Time{r.Time} },
		summary: true,
	}
}

// Record is a row of a bill whose columns are documented incompletely or nowhere: all of them under
// their headings. Such a bill may have a summary, with one line, whose headings have 总, 合计 or
// total; of it only the number of rows is compared, if a heading is known to be it.
type Record map[string]string

func (Record) layout() layout[Record] {
	return layout[Record]{
		totals: rowCount[Record](),
		other:  func(r *Record) *map[string]string { return (*map[string]string)(r) },
		words:  summaryWords,
	}
}

// summaryWords are those by which a summary is known that is documented nowhere.
var summaryWords = []string{"总", "合计", "total"}
