package trade

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// Status is the refund_status of a refund.
type Status string

// The statuses.
const (
	Processing Status = "PROCESSING"
	Done       Status = "SUCCESS"
	Change     Status = "CHANGE"      // the money does not reach the user
	Cancelled  Status = "REFUNDCLOSE" // the merchant has it back
)

// Refund is a refund (退款单).
type Refund struct {
	MchID       string        `json:"mch_id"`
	OutRefundNo string        `json:"out_refund_no"`
	RefundID    string        `json:"refund_id"`
	OutTradeNo  string        `json:"out_trade_no"`
	Fee         int64         `json:"refund_fee"` // fen
	Account     string        `json:"refund_account"`
	NotifyURL   string        `json:"notify_url,omitempty"`
	SignType    auth.SignType `json:"sign_type"`
	Status      Status        `json:"status"`
	Created     time.Time     `json:"created"`
	Settles     time.Time     `json:"settles,omitzero"` // when the money is with the user
	Settled     time.Time     `json:"settled,omitzero"`
	Reason      string        `json:"refund_desc,omitempty"`
	FeeBack     int64         `json:"fee_back,omitempty"` // fen of the fee (手续费)
	Ends        []End         `json:"ends,omitempty"`     // what became of it, the oldest first
}

// End is a status that a refund came to.
type End struct {
	Status Status    `json:"status"`
	At     time.Time `json:"at"`
}

func (r *Refund) key() string { return keyOf(r.MchID, r.OutRefundNo) }

const (
	settling   = 3 * time.Second // until the money is with the user
	refundable = 365 * 24 * time.Hour
	apart      = time.Minute // refunds of one order
	maxRefunds = 50          // of one order
)

var outRefundNo = regexp.MustCompile(`^[0-9A-Za-z_\-|*@]{1,64}$`)

// refund gives money back (申请退款).
func (p *Product) refund(tx *store.Tx, c *front.Call) (any, error) {
	sent := c.V2.Sent
	total, errTotal := strconv.ParseInt(sent.Get("total_fee"), 10, 64)
	fee, errFee := strconv.ParseInt(sent.Get("refund_fee"), 10, 64)
	if errTotal != nil || errFee != nil || fee < 1 || !outRefundNo.MatchString(sent.Get("out_refund_no")) {
		return nil, refuse("PARAM_ERROR", "参数错误").Guessed(front.Inferred).With("refund_fee is 1 at least, out_refund_no up to 64 bytes of 0-9A-Za-z_-|*@")
	}
	o := p.find(tx, c)
	switch {
	case o == nil || o.TransactionID == "" && o.State != Closed:
		return nil, refuse("ORDERNOTEXIST", "订单不存在")
	case sent.Get("out_trade_no") != "" && sent.Get("out_trade_no") != o.OutTradeNo:
		return nil, refuse("INVALID_REQUEST", "您的请求参数与订单信息不一致").Guessed(front.Inferred)
	}
	if known := p.refunds.Get(tx, keyOf(o.MchID, sent.Get("out_refund_no"))); known != nil {
		if refusal := known.refuseAgain(o, total, fee); refusal != nil {
			return nil, refusal
		}
		return known.accepted(o), nil
	}
	if refusal := p.refuseRefund(tx, o, total, fee); refusal != nil {
		return nil, refusal
	}
	account := sent.Get("refund_account")
	if account == "" {
		account = "REFUND_SOURCE_UNSETTLED_FUNDS"
	}
	r := &Refund{
		MchID: o.MchID, OutRefundNo: sent.Get("out_refund_no"), RefundID: newRefundID(tx.Now), OutTradeNo: o.OutTradeNo, Fee: fee, Account: account,
		NotifyURL: sent.Get("notify_url"), SignType: c.V2.SignType, Status: Processing, Created: tx.Now, Settles: tx.Now.Add(settling),
		Reason: sent.Get("refund_desc"), FeeBack: o.feeBack(fee),
	}
	p.refunds.Put(tx, r.key(), r)
	after := *o
	after.State, after.Returned, after.LastRefund = Refunded, o.Returned+fee, tx.Now
	after.FeeBack += r.FeeBack
	after.Refunds = append(slices.Clip(o.Refunds), r.OutRefundNo)
	p.orders.Put(tx, o.key(), &after)
	return r.accepted(&after), nil
}

// refuseAgain is what becomes of a second refund of the number, nil if it is the same one again.
func (r *Refund) refuseAgain(o *Order, total, fee int64) *front.Refusal {
	switch {
	case r.OutTradeNo != o.OutTradeNo:
		return refuse("INVALID_REQUEST", "支付单号校验不一致，请核实后再试")
	case r.Fee != fee || o.Total != total:
		return refuse("INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
	}
	return nil
}

// refuseRefund is why an order takes no such refund, nil if it does.
func (p *Product) refuseRefund(tx *store.Tx, o *Order, total, fee int64) *front.Refusal {
	m := p.merchants.Get(tx, o.MchID)
	switch {
	case o.State == Closed:
		return refuse("ERROR", "订单已关闭")
	case o.State == Revoked:
		return refuse("ERROR", "订单已全额退款").Guessed(front.Inferred)
	case tx.Now.After(o.Paid.Add(refundable)):
		return refuse("TRADE_OVERDUE", "当前订单过期不能申请退款").Guessed(front.Inferred)
	case total != o.Total:
		return refuse("INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
	case o.Returned == o.Total:
		return refuse("ERROR", "订单已全额退款")
	case fee > o.Total-o.Returned:
		return refuse("INVALID_REQUEST", "refund_fee大于可退金额")
	case tx.Now.Before(o.LastRefund.Add(apart)):
		return refuse("FREQUENCY_LIMITED", "单笔订单请求频率过高，请于1分钟后重试.")
	case len(o.Refunds) >= maxRefunds:
		return refuse("INVALID_REQUEST", "订单部分退款次数超过限制").Guessed(front.Unknown)
	case m != nil && m.OutOfMoney:
		return refuse("NOTENOUGH", "基本账户余额不足，请充值后重新发起")
	}
	return nil
}

// accepted is the answer to an application.
func (r *Refund) accepted(o *Order) xmlv2.Members {
	fee := strconv.FormatInt(r.Fee, 10)
	return o.withParties(xmlv2.Members{
		{Name: "transaction_id", Text: o.TransactionID}, {Name: "out_trade_no", Text: o.OutTradeNo}, {Name: "out_refund_no", Text: r.OutRefundNo},
		{Name: "refund_id", Text: r.RefundID}, {Name: "refund_channel"}, {Name: "refund_fee", Text: fee}, {Name: "coupon_refund_fee", Text: "0"},
		{Name: "total_fee", Text: strconv.FormatInt(o.Total, 10)}, {Name: "cash_fee", Text: strconv.FormatInt(o.Total, 10)},
		{Name: "coupon_refund_count", Text: "0"}, {Name: "cash_refund_fee", Text: fee},
	})
}

// settleDue lets the money arrive.
func (p *Product) settleDue(tx *store.Tx, _ string, r *Refund) {
	_ = p.settle(tx, r, Done) // it is processing, or it would not be due
}
