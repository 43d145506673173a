package trade

import (
	"strconv"
	"time"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

const (
	pageSize = 10 // refunds in an answer
	// byNumber is how many refunds an order may have that are asked for by the order's number.
	byNumber = 20
)

// queryRefunds tells about refunds (查询退款): of the numbers that may be there the most telling counts.
func (p *Product) queryRefunds(tx *store.Tx, c *front.Call) (any, error) {
	sent := c.V2.Sent
	if key, one := p.namedRefund(c); one {
		r := p.refunds.Get(tx, key)
		if r == nil || r.MchID != c.Merchant.MchID {
			return nil, refuse("REFUNDNOTEXIST", "not exist")
		}
		o := p.orders.Get(tx, keyOf(r.MchID, r.OutTradeNo))
		return o.refundMembers([]*Refund{r}, 1), nil
	}
	o := p.find(tx, c)
	if o == nil || len(o.Refunds) == 0 {
		return nil, refuse("REFUNDNOTEXIST", "not exist")
	}
	offset := 0
	if text := sent.Get("offset"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n >= len(o.Refunds) {
			return nil, refuse("PARAM_ERROR", "offset超过退款笔数").Guessed(front.Inferred)
		}
		offset = n
	}
	if len(o.Refunds) > byNumber {
		return nil, refuse("PARAM_ERROR", "部分退款次数超过20次，请使用退款单号查询").Guessed(front.Inferred)
	}
	var page []*Refund
	for _, number := range o.Refunds[offset:min(offset+pageSize, len(o.Refunds))] {
		page = append(page, p.refunds.Get(tx, keyOf(o.MchID, number)))
	}
	return o.refundMembers(page, len(o.Refunds)), nil
}

// namedRefund is the key of the refund that the call names, if it names one.
func (p *Product) namedRefund(c *front.Call) (key string, one bool) {
	if id := c.V2.Sent.Get("refund_id"); id != "" {
		return p.byRefundID[id], true
	}
	if number := c.V2.Sent.Get("out_refund_no"); number != "" {
		return keyOf(c.Merchant.MchID, number), true
	}
	return "", false
}

// refundMembers are some of an order's refunds.
func (o *Order) refundMembers(refunds []*Refund, all int) xmlv2.Members {
	total := strconv.FormatInt(o.Total, 10)
	m := xmlv2.Members{
		{Name: "transaction_id", Text: o.TransactionID}, {Name: "out_trade_no", Text: o.OutTradeNo}, {Name: "total_fee", Text: total},
		{Name: "fee_type", Text: o.FeeType}, {Name: "cash_fee", Text: total}, {Name: "refund_count", Text: strconv.Itoa(len(refunds))},
	}
	if all > len(refunds) {
		m.Set("total_refund_count", strconv.Itoa(all))
	}
	for i, r := range refunds {
		set := func(name, text string) { m.Set(name+"_"+strconv.Itoa(i), text) }
		set("out_refund_no", r.OutRefundNo)
		set("refund_id", r.RefundID)
		set("refund_channel", "ORIGINAL")
		set("refund_fee", strconv.FormatInt(r.Fee, 10))
		set("coupon_refund_fee", "0")
		set("coupon_refund_count", "0")
		set("refund_status", string(r.Status))
		set("refund_account", r.Account)
		set("refund_recv_accout", received)
		if r.Status == Done {
			set("refund_success_time", r.Settled.In(clock.Beijing).Format(time.DateTime))
		}
	}
	return o.withParties(m)
}

// received is where refunds go.
const received = "支付用户零钱"
