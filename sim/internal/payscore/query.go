package payscore

import (
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// query shows an order, found by the merchant's number or by the number that the front end
// got when the user came back.
func (a access) query(tx *store.Tx, c *front.Call) (any, error) {
	o, err := a.queriedOrder(tx, c)
	if err != nil {
		return nil, err
	}
	return o.entity().withUser(o).withMoney(o), nil
}

// queriedOrder is the order that the query names.
func (a access) queriedOrder(tx *store.Tx, c *front.Call) (*Order, error) {
	outOrderNo, queryID, p := c.Query("out_order_no"), c.Query("query_id"), queried(c)
	if (outOrderNo == "") == (queryID == "") {
		return nil, invalid("商户服务订单号out_order_no和回跳查询ID query_id必须且只能填写一个")
	}
	if err := a.permit(c.Merchant, p); err != nil {
		return nil, err
	}
	k := key(c.Merchant.MchID, p.SubMchID, outOrderNo)
	if queryID != "" {
		k = a.byQueryID[queryID]
	}
	return a.owned(a.orders.Get(tx, k), c, p)
}
