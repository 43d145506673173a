package trade

import (
	"strconv"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// query tells about an order (查询订单).
func (p *Product) query(tx *store.Tx, c *front.Call) (any, error) {
	o := p.find(tx, c)
	if o == nil {
		return nil, refuse("ORDERNOTEXIST", "此交易订单号不存在")
	}
	return o.members(), nil
}

// members are the order as queries have it: as long as nobody has paid, next to nothing.
func (o *Order) members() xmlv2.Members {
	all := xmlv2.Members{{Name: "out_trade_no", Text: o.OutTradeNo}}
	if o.TransactionID != "" {
		all = o.payment()
	} else if o.State == Closed {
		all.Set("attach", o.Attach)
	}
	if o.TradeType == microTrade {
		all.Set("trade_type", o.TradeType)
	}
	all.Set("trade_state", string(o.State))
	all.Set("trade_state_desc", descriptions[o.State])
	return o.withParties(all)
}

// payment is what a paid order tells, to who asks, who took it by code, and in the notification.
func (o *Order) payment() xmlv2.Members {
	total := strconv.FormatInt(o.Total, 10)
	all := xmlv2.Members{
		{Name: "openid", Text: o.OpenID}, {Name: "is_subscribe", Text: "N"}, {Name: "trade_type", Text: o.TradeType}, {Name: "bank_type", Text: "OTHERS"},
		{Name: "total_fee", Text: total}, {Name: "fee_type", Text: o.FeeType}, {Name: "cash_fee", Text: total}, {Name: "cash_fee_type", Text: o.FeeType},
		{Name: "transaction_id", Text: o.TransactionID}, {Name: "out_trade_no", Text: o.OutTradeNo}, {Name: "attach", Text: o.Attach},
		{Name: "time_end", Text: o.Paid.In(clock.Beijing).Format(compact)},
	}
	if o.SubAppID != "" { // everybody has one openid under all appids
		all = append(all, xmlv2.Member{Name: "sub_openid", Text: o.OpenID}, xmlv2.Member{Name: "sub_is_subscribe", Text: "N"})
	}
	return all
}

// withParties adds whose the order is.
func (o *Order) withParties(all xmlv2.Members) xmlv2.Members {
	for _, m := range []xmlv2.Member{{Name: "sub_mch_id", Text: o.SubMchID}, {Name: "sub_appid", Text: o.SubAppID}, {Name: "device_info", Text: o.DeviceInfo}} {
		if m.Text != "" {
			all.Set(m.Name, m.Text)
		}
	}
	return all
}

// close closes an order (关闭订单). Whether there is one makes no difference.
func (p *Product) close(tx *store.Tx, c *front.Call) (any, error) {
	o := p.find(tx, c)
	switch {
	case o == nil || o.State == Closed:
	case o.TradeType == microTrade:
		return nil, refuse("INVALID_REQUEST", "当前交易不允许进行普通关单（只能撤销）").Guessed(front.Inferred)
	case o.State != NotPay:
		return nil, refuse("ORDERPAID", "order paid")
	default:
		after := *o
		after.State = Closed
		p.orders.Put(tx, o.key(), &after)
	}
	return xmlv2.Members{{Name: "result_msg", Text: "OK"}, {Name: "sub_mch_id", Text: c.V2.Sent.Get("sub_mch_id")}}, nil
}
