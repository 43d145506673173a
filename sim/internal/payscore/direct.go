package payscore

import (
	"bytes"
	"crypto/rand"
	"slices"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// directGrant lets a merchant complete orders as it creates them. It is given by hand.
const directGrant = "payscore-direct-complete"

// directRequest is the body of creating an order and completing it at once.
type directRequest struct {
	parties
	charge
	OutOrderNo          string    `json:"out_order_no"`
	ServiceIntroduction string    `json:"service_introduction"`
	TimeRange           TimeRange `json:"time_range"`
	Location            *Location `json:"location"`
	Attach              string    `json:"attach"`
	NotifyURL           string    `json:"notify_url"`
	OpenID              string    `json:"openid"`
}

// directComplete makes an order that is complete: the service was used before.
func (a access) directComplete(tx *store.Tx, c *front.Call) (any, error) {
	var r directRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	if !slices.Contains(c.Merchant.Grants, directGrant) {
		return nil, noAuth("当前无权限进行此操作").With("the merchant needs the grant " + directGrant + ", which is given by hand")
	}
	service, err := a.service(c.Merchant, r.parties, false)
	if err != nil {
		return nil, err
	}
	k := key(c.Merchant.MchID, r.SubMchID, r.OutOrderNo)
	if o := a.orders.Get(tx, k); o != nil {
		if !bytes.Equal(o.CreateContent, c.Canonical()) {
			return nil, otherContent()
		}
		return a.directCompleted(o), nil
	}
	o, err := a.newDirect(tx, c, &r, service)
	if err != nil {
		return nil, err
	}
	a.orders.Put(tx, k, o)
	return a.directCompleted(o), nil
}

func (a access) newDirect(tx *store.Tx, c *front.Call, r *directRequest, service *world.Service) (*Order, error) {
	o := &Order{
		Access: a.name, MchID: c.Merchant.MchID, SubMchID: r.SubMchID, AppID: r.AppID, SubAppID: r.SubAppID,
		ServiceID: r.ServiceID, OutOrderNo: r.OutOrderNo,
		OrderID: newOrderID(tx.Now), QueryID: rand.Text() + rand.Text(),
		ServiceIntroduction: r.ServiceIntroduction, TimeRange: r.TimeRange, Location: r.Location,
		Attach: r.Attach, NotifyURL: r.NotifyURL,
		CreatedAt: tx.Now, CreateContent: c.Canonical(), CompleteContent: c.Canonical(),
	}
	if err := a.begin(tx, o, r.OpenID); err != nil {
		return nil, err
	}
	if err := r.check(service.Cap); err != nil {
		return nil, err
	}
	return o.completedAt(tx, &completeRequest{charge: r.charge, TimeRange: r.TimeRange}), nil
}

func (a access) directCompleted(o *Order) any {
	if a.partner {
		return nil
	}
	e := o.entity()
	e.TotalAmount = &o.TotalAmount
	return e
}
