package bill

import "time"

// ProfitSharingRow is a share, or the return of one, in a profit-sharing bill (分账账单). The columns
// of overseas bills are documented, and have places here; those of bills in China are not, so that
// all of them are in Other. The summary has several lines, whose columns are documented nowhere
// either: only the number of rows is compared, and only if a heading is known to be it. No sum is.
// See https://pay.weixin.qq.com/doc/global/v3/zh/4013025018 and https://pay.weixin.qq.com/doc/v3/merchant/4012529628.
type ProfitSharingRow struct {
	CreateTime                         time.Time         // create_time
	Initiator, Sponsor, SubMchID       string            // initiator, a merchant's number or "system"; sponsor, whose money it was; sub_mchid
	TransactionID, OrderID, OutOrderNo string            // transaction_id, order_id, out_order_no
	DetailID, ReceiverAccount          string            // detail_id, receiver_account
	Amount                             Amount            // amount, in Currency
	Currency                           string            // currency
	SettlementAmount                   Amount            // settlement_amount, in SettlementCurrency
	SettlementCurrency, ExchangeRate   string            // settlement_currency, exchange_rate
	BusinessType, Status, Description  string            // business_type, status, description
	Other                              map[string]string // nil if there is nothing
}

func (ProfitSharingRow) layout() layout[ProfitSharingRow] {
	type row = ProfitSharingRow
	return layout[row]{
		columns: []column[row]{
			moment("create_time", func(r *row) *time.Time { return &r.CreateTime }),
			text("initiator", func(r *row) *string { return &r.Initiator }),
			text("sponsor", func(r *row) *string { return &r.Sponsor }),
			text("sub_mchid", func(r *row) *string { return &r.SubMchID }),
			text("transaction_id", func(r *row) *string { return &r.TransactionID }),
			text("order_id", func(r *row) *string { return &r.OrderID }),
			text("out_order_no", func(r *row) *string { return &r.OutOrderNo }),
			text("detail_id", func(r *row) *string { return &r.DetailID }).as("detaill_id"), // as one page prints it
			text("receiver_account", func(r *row) *string { return &r.ReceiverAccount }),
			amount("amount", func(r *row) *Amount { return &r.Amount }),
			text("currency", func(r *row) *string { return &r.Currency }),
			amount("settlement_amount", func(r *row) *Amount { return &r.SettlementAmount }),
			text("settlement_currency", func(r *row) *string { return &r.SettlementCurrency }),
			text("exchange_rate", func(r *row) *string { return &r.ExchangeRate }),
			text("business_type", func(r *row) *string { return &r.BusinessType }),
			text("status", func(r *row) *string { return &r.Status }),
			text("description", func(r *row) *string { return &r.Description }),
		},
		other:   func(r *row) *map[string]string { return &r.Other },
		totals:  rowCount[row](),
		summary: true,
		words:   append([]string{"笔数", "金额", "count", "amount"}, summaryWords...),
		many:    true,
		loose:   true, // up to January 2025
	}
}

// StatementRow is a payment or a refund in the statement of an overseas merchant (境外对账单). Its
// amounts are in the currencies beside them. No summary is documented: one of a line is taken if
// its headings have 总, 合计 or total, and only the number of rows is compared, if a heading is known
// to be it.
// See https://pay.weixin.qq.com/doc/global/v3/zh/4013013869.
type StatementRow struct {
	Time                                 time.Time         // 交易时间
	AppID, MchID, SubMchID               string            // 公众账号ID, 商户号, 子商户号
	DeviceInfo                           string            // 设备号
	TransactionID, OutTradeNo            string            // 微信订单号, 商户订单号
	OpenID                               string            // 用户标识
	TradeType, TradeState, BankType      string            // 交易类型, 交易状态, 付款银行
	ChargeCouponCurrency, CouponCurrency string            // 充值券币种, 优惠券币种
	ChargeCouponAmount, CouponAmount     Amount            // 充值券金额, 优惠券金额
	RefundID, OutRefundNo                string            // 微信退款单号, 商户退款单号
	RefundType, RefundState              string            // 退款类型, 退款状态
	Description, Attach                  string            // 商品名称, 商户数据包
	Fee                                  Amount            // 手续费
	Rate                                 string            // 费率
	Currency, PayerCurrency              string            // 标价币种, 用户支付币种
	OrderAmount, PayerAmount             Amount            // 订单金额(标价币种), 用户支付金额
	SettlementCurrency                   string            // 结算币种
	SettlementTotal                      Amount            // 应结订单金额
	PaymentRate, RefundRate              string            // 支付汇率, 退款汇率
	RefundRequestAmount                  Amount            // 申请退款金额
	PayerRefundCurrency                  string            // 用户退款币种
	SettlementRefundCurrency             string            // 退款结算币种
	PayerRefundAmount, SettlementRefund  Amount            // 用户退款金额, 退款应结订单金额
	ChargeCouponRefund, CouponRefund     Amount            // 充值券退款金额, 优惠券退款金额
	Other                                map[string]string // nil if there is nothing
}

func (StatementRow) layout() layout[StatementRow] {
	type row = StatementRow
	return layout[row]{
		columns: []column[row]{
			moment("交易时间", func(r *row) *time.Time { return &r.Time }).needed(),
			text("公众账号ID", func(r *row) *string { return &r.AppID }),
			text("商户号", func(r *row) *string { return &r.MchID }),
			text("子商户号", func(r *row) *string { return &r.SubMchID }),
			text("设备号", func(r *row) *string { return &r.DeviceInfo }),
			text("微信订单号", func(r *row) *string { return &r.TransactionID }).needed(),
			text("商户订单号", func(r *row) *string { return &r.OutTradeNo }).needed(),
			text("用户标识", func(r *row) *string { return &r.OpenID }),
			text("交易类型", func(r *row) *string { return &r.TradeType }),
			text("交易状态", func(r *row) *string { return &r.TradeState }).needed(),
			text("付款银行", func(r *row) *string { return &r.BankType }),
			text("充值券币种", func(r *row) *string { return &r.ChargeCouponCurrency }),
			amount("充值券金额", func(r *row) *Amount { return &r.ChargeCouponAmount }),
			text("优惠券币种", func(r *row) *string { return &r.CouponCurrency }),
			amount("优惠券金额", func(r *row) *Amount { return &r.CouponAmount }),
			text("微信退款单号", func(r *row) *string { return &r.RefundID }),
			text("商户退款单号", func(r *row) *string { return &r.OutRefundNo }),
			text("退款类型", func(r *row) *string { return &r.RefundType }),
			text("退款状态", func(r *row) *string { return &r.RefundState }),
			text("商品名称", func(r *row) *string { return &r.Description }),
			text("商户数据包", func(r *row) *string { return &r.Attach }),
			amount("手续费", func(r *row) *Amount { return &r.Fee }),
			text("费率", func(r *row) *string { return &r.Rate }),
			text("标价币种", func(r *row) *string { return &r.Currency }),
			amount("订单金额(标价币种)", func(r *row) *Amount { return &r.OrderAmount }).as("订单金额（标价币种）"),
			text("用户支付币种", func(r *row) *string { return &r.PayerCurrency }),
			amount("用户支付金额", func(r *row) *Amount { return &r.PayerAmount }),
			text("结算币种", func(r *row) *string { return &r.SettlementCurrency }),
			amount("应结订单金额", func(r *row) *Amount { return &r.SettlementTotal }),
			text("支付汇率", func(r *row) *string { return &r.PaymentRate }),
			text("退款汇率", func(r *row) *string { return &r.RefundRate }),
			amount("申请退款金额", func(r *row) *Amount { return &r.RefundRequestAmount }),
			text("用户退款币种", func(r *row) *string { return &r.PayerRefundCurrency }),
			amount("用户退款金额", func(r *row) *Amount { return &r.PayerRefundAmount }),
			text("退款结算币种", func(r *row) *string { return &r.SettlementRefundCurrency }),
			amount("退款应结订单金额", func(r *row) *Amount { return &r.SettlementRefund }),
			amount("充值券退款金额", func(r *row) *Amount { return &r.ChargeCouponRefund }),
			amount("优惠券退款金额", func(r *row) *Amount { return &r.CouponRefund }),
		},
		totals: rowCount[row](),
		other:  func(r *row) *map[string]string { return &r.Other },
		words:  summaryWords,
	}
}
