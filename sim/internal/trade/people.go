package trade

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is what is not the merchant's to do: users pay, and WeChat Pay settles refunds.

// How long what leads to the cashier is good for.
const (
	prepayAge = 2 * time.Hour
	webAge    = 5 * time.Minute
)

// somebody is who pays where nobody is named.
func (p *Product) somebody() string {
	if len(p.world.Users) > 0 {
		return p.world.Users[0].OpenID
	}
	return world.OpenID
}

// Find returns the orders with this number, of one merchant if it is named.
func (p *Product) Find(tx *store.Tx, mchID, outTradeNo string) (found []*Order) {
	for _, key := range p.byOutTradeNo[outTradeNo] {
		if o := p.orders.Get(tx, key); mchID == "" || o.MchID == mchID {
			found = append(found, o)
		}
	}
	return found
}

// FindRefund returns the refunds with this number, of one merchant if it is named.
func (p *Product) FindRefund(tx *store.Tx, mchID, outRefundNo string) (found []*Refund) {
	for _, key := range p.byOutRefundNo[outRefundNo] {
		if r := p.refunds.Get(tx, key); mchID == "" || r.MchID == mchID {
			found = append(found, r)
		}
	}
	return found
}

// Pay lets a user pay: on the cashier, or by the password that a payment by code asked for.
func (p *Product) Pay(tx *store.Tx, o *Order, openID string) (*Order, error) {
	if openID == "" {
		openID = o.OpenID
	}
	if openID == "" {
		openID = p.somebody()
	}
	switch {
	case o.State != NotPay && o.State != UserPaying:
		return nil, fmt.Errorf("the order is %s: nobody can pay it", o.State)
	case o.OpenID != "" && openID != o.OpenID:
		return nil, fmt.Errorf("the order is for another user: %s", o.OpenID)
	case tx.Now.After(o.Deadline):
		return nil, errors.New("the time for paying (time_expire) is over")
	case tx.Now.After(o.Issued.Add(o.age())):
		return nil, fmt.Errorf("what leads to the cashier is older than %v: make the same order again", o.age())
	case p.broke(tx, openID):
		return nil, errors.New("the user is out of money")
	}
	after := o.paid(tx.Now)
	after.OpenID = openID
	p.orders.Put(tx, o.key(), after)
	return after, p.informOfPayment(tx, after)
}

// Decline lets the user close the box for the password. An order that is paid at the cashier stays as
// it is.
func (p *Product) Decline(tx *store.Tx, o *Order) (*Order, error) {
	switch o.State {
	case NotPay:
		return o, nil
	case UserPaying:
		after := *o
		after.State = PayError
		p.orders.Put(tx, o.key(), &after)
		return &after, nil
	}
	return nil, fmt.Errorf("the order is %s: nobody is asked to pay it", o.State)
}

// SetMerchant sets what is special about a merchant.
func (p *Product) SetMerchant(tx *store.Tx, mchID string, m Merchant) error {
	if p.world.Merchant(mchID) == nil {
		return store.Missingf("there is no merchant %q", mchID)
	}
	p.merchants.Put(tx, mchID, &m)
	return nil
}

// Settle lets a refund end with a status.
func (p *Product) Settle(tx *store.Tx, r *Refund, status Status) error {
	if status != Done && status != Change && status != Cancelled {
		return fmt.Errorf("a refund does not end as %q, but as %s, %s or %s", status, Done, Change, Cancelled)
	}
	return p.settle(tx, r, status)
}

func (p *Product) settle(tx *store.Tx, r *Refund, status Status) error {
	if r.Status != Processing && (r.Status != Change || status != Done) {
		return fmt.Errorf("the refund is %s", r.Status)
	}
	after := *r
	after.Status, after.Settles = status, time.Time{}
	after.Ends = append(slices.Clip(r.Ends), End{status, tx.Now})
	if status == Done {
		after.Settled = tx.Now
	}
	p.refunds.Put(tx, r.key(), &after)
	o := p.orders.Get(tx, keyOf(r.MchID, r.OutTradeNo))
	if status == Cancelled {
		released := *o
		released.Returned -= r.Fee
		p.orders.Put(tx, o.key(), &released)
	}
	return p.informOfRefund(tx, o, &after)
}

// informOfPayment queues the notification of a payment (支付结果通知). Payments by code have none.
func (p *Product) informOfPayment(tx *store.Tx, o *Order) error {
	message := o.withParties(o.payment())
	message.Set("result_code", "SUCCESS")
	return p.inform(tx, notify.Notification{
		MchID: o.MchID, Order: o.OutTradeNo, URL: o.NotifyURL, EventType: world.EventV2Payment, Summary: "支付结果通知",
		V2: &notify.V2{AppID: o.AppID, SignType: o.SignType},
	}, message)
}

// informOfRefund queues the notification of a refund (退款结果通知).
func (p *Product) informOfRefund(tx *store.Tx, o *Order, r *Refund) error {
	told := notify.Refund{
		OutRefundNo: r.OutRefundNo, RefundID: r.RefundID, OutTradeNo: o.OutTradeNo, TransactionID: o.TransactionID,
		Account: r.Account, Received: received, Status: string(r.Status), Fee: r.Fee, Total: o.Total, Succeeded: r.Settled,
	}
	return p.inform(tx, notify.Notification{
		MchID: o.MchID, Order: r.OutRefundNo, URL: r.NotifyURL, EventType: world.EventV2Refund, Summary: "退款结果通知",
		V2: &notify.V2{AppID: o.AppID, Sealed: true},
	}, told.Message())
}

func (p *Product) inform(tx *store.Tx, n notify.Notification, message xmlv2.Members) error {
	if n.URL == "" {
		return nil
	}
	resource, err := json.Marshal(maps.Collect(message.Texts()))
	if err != nil {
		return err
	}
	n.Resource, n.Ladder = resource, notify.Day
	return p.notify.Send(tx, n)
}
