package payscore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is what users do: what happens on their phones.

// maxOpen is how many orders a user may have in progress.
const maxOpen = 3

// Person is what is special about a user.
type Person struct {
	OutOfMoney bool   `json:"out_of_money,omitempty"` // deductions fail
	Refuse     string `json:"refuse,omitempty"`       // what assessments are refused with
}

func (p *Product) person(tx *store.Tx, openID string) Person {
	if u := p.people.Get(tx, openID); u != nil {
		return *u
	}
	return Person{}
}

// OutOfMoney tells that the user is.
func (p *Product) OutOfMoney(tx *store.Tx, openID string) bool {
	return p.person(tx, openID).OutOfMoney
}

// SetPerson sets what is special about a user.
func (p *Product) SetPerson(tx *store.Tx, openID string, u Person) error {
	if openID == "" {
		return errors.New("there is no openid")
	}
	p.people.Put(tx, openID, &u)
	return nil
}

// Openable tells why the page for confirming does not open, nil if it does.
func (o *Order) Openable(now time.Time) error {
	switch {
	case o.State != Created:
		return fmt.Errorf("order %s is %s: only one that is CREATED can be confirmed", o.OutOrderNo, o.State)
	case o.PackageUsed:
		return fmt.Errorf("订单未获得权益，系统繁忙: the package of order %s was used: the merchant has to create another order", o.OutOrderNo)
	case !o.packageGood(now):
		return fmt.Errorf("the package of order %s was good for %v: the merchant has to create the order again", o.OutOrderNo, packageLife)
	}
	return nil
}

// openPage opens the page for confirming, which burns the package.
func openPage(tx *store.Tx, o *Order) (*Order, error) {
	if err := o.Openable(tx.Now); err != nil {
		return nil, err
	}
	after := *o
	after.PackageUsed = true
	return &after, nil
}

// Confirm is the user openID confirming an order. Without an openID it is a user of the world
// who has room for it, or else a new one. A user whose assessment fails may pay a deposit
// instead, where the service allows it.
func (p *Product) Confirm(tx *store.Tx, o *Order, openID string, deposit bool) (*Order, error) {
	after, err := openPage(tx, o)
	if err != nil {
		return nil, err
	}
	if after.OpenID = openID; openID == "" {
		after.OpenID = p.somebody(o)
	}
	service := p.world.Service(o.ServiceID)
	if deposit && (service == nil || service.Enjoy) {
		return nil, fmt.Errorf("the service of order %s takes no deposit (先享模式)", o.OutOrderNo)
	}
	if message := p.person(tx, after.OpenID).Refuse; message != "" && !deposit {
		return nil, fmt.Errorf("%s: the assessment failed; the order stays CREATED", message)
	}
	if err := p.take(tx, after); err != nil {
		return nil, err
	}
	after.Deposit = deposit
	p.orders.Put(tx, after.key(), after)
	return after, p.inform(tx, after, "PAYSCORE.USER_CONFIRM", "微信支付分服务订单用户已确认", after.confirmed())
}

// Leave is the user opening the page for confirming and leaving it. The order stays as it is,
// but for its package, which is used.
func (p *Product) Leave(tx *store.Tx, o *Order) (*Order, error) {
	if o.State == Paying {
		return p.leaveCashier(tx, o)
	}
	after, err := openPage(tx, o)
	if err != nil {
		return nil, err
	}
	p.orders.Put(tx, after.key(), after)
	return after, nil
}

// take begins the service for the order's user, unless there are too many already.
func (p *Product) take(tx *store.Tx, o *Order) error {
	if len(p.open[o.OpenID]) >= maxOpen {
		return refusedAssessment("同一实名身份下进行中订单过多").With(fmt.Sprintf("a user has at most %d orders in progress", maxOpen))
	}
	o.State = Serving
	if o.TimeRange.StartTime == onAccept {
		o.TimeRange.StartTime = tx.Now.Format(toTheSecond)
	}
	return nil
}

func (p *Product) somebody(o *Order) string {
	for _, user := range p.world.Users {
		if len(p.open[user.OpenID]) < maxOpen {
			return user.OpenID
		}
	}
	name := sha256.Sum256([]byte(o.OrderID))
	return "o" + hex.EncodeToString(name[:])[:27]
}

// confirmed is the resource of the notification that the user confirmed.
func (o *Order) confirmed() any {
	e := o.entity().withUser(o)
	e.NotifyURL = ""
	e.NeedCollection = new(false)
	return e
}

// OpenCashier is the user going to pay an order: until he has paid or left, nobody else changes it.
func (p *Product) OpenCashier(tx *store.Tx, o *Order) (*Order, error) { return p.lock(tx, o, true) }

// StartDeduction begins a deduction that takes its time: it ends by itself after three minutes,
// well if the user has money.
func (p *Product) StartDeduction(tx *store.Tx, o *Order) (*Order, error) {
	if o.Access == "acquiringbank" {
		return nil, fmt.Errorf("order %s is an acquiring institution's (从业机构), which collects by itself", o.OutOrderNo)
	}
	return p.lock(tx, o, false)
}

func (p *Product) lock(tx *store.Tx, o *Order, atCashier bool) (*Order, error) {
	if err := payable(tx, o); err != nil {
		return nil, err
	}
	after := *o
	after.LockedUntil, after.AtCashier = tx.Now.Add(lockLife), atCashier
	p.orders.Put(tx, o.key(), &after)
	return &after, nil
}

// payable tells whether the user may go to pay an order: not while it is being deducted.
func payable(tx *store.Tx, o *Order) error {
	switch {
	case o.State != Paying:
		return fmt.Errorf("order %s is %s: only one that is PAYING can be paid", o.OutOrderNo, o.State)
	case o.locked(tx.Now) && !o.AtCashier:
		return fmt.Errorf("单据正在扣款中: order %s is being deducted, for three minutes at most", o.OutOrderNo)
	}
	return nil
}

func (p *Product) leaveCashier(tx *store.Tx, o *Order) (*Order, error) {
	if !o.AtCashier {
		return nil, fmt.Errorf("nobody is at the cashier for order %s", o.OutOrderNo)
	}
	after := *o
	after.LockedUntil, after.AtCashier = time.Time{}, false
	p.orders.Put(tx, o.key(), &after)
	return &after, nil
}

// Pay is the user paying an order from its page (主动支付).
func (p *Product) Pay(tx *store.Tx, o *Order) (*Order, error) {
	if err := payable(tx, o); err != nil {
		return nil, err
	}
	after := *o
	err := p.paid(tx, &after, Detail{PaidType: newton, PaidTime: tx.Now.Format(toTheSecond), TransactionID: newTransactionID(tx.Now)})
	return &after, err
}

// Find returns the orders with the merchant's number outOrderNo. The other two narrow it down
// where they are not empty.
func (p *Product) Find(tx *store.Tx, mchID, subMchID, outOrderNo string) []*Order {
	var found []*Order
	for _, k := range p.byOutOrderNo[outOrderNo] {
		o := p.orders.Get(tx, k)
		if (mchID == "" || o.MchID == mchID) && (subMchID == "" || o.SubMchID == subMchID) {
			found = append(found, o)
		}
	}
	return found
}

// index keeps the indexes as the table changes.
func (p *Product) index(k string, old, new *Order) {
	switch {
	case old == nil:
		p.byQueryID[new.QueryID] = k
		p.byOutOrderNo[new.OutOrderNo] = append(p.byOutOrderNo[new.OutOrderNo], k)
	case new == nil:
		delete(p.byQueryID, old.QueryID)
		without(p.byOutOrderNo, old.OutOrderNo, k)
	}
	if old != nil && old.inProgress() {
		without(p.open, old.OpenID, k)
	}
	if new != nil && new.inProgress() {
		p.open[new.OpenID] = append(p.open[new.OpenID], k)
	}
}

// without takes k out of the index's list under name.
func without(index map[string][]string, name, k string) {
	index[name] = slices.DeleteFunc(index[name], func(other string) bool { return other == k })
	if len(index[name]) == 0 {
		delete(index, name)
	}
}

func (o *Order) inProgress() bool { return o.OpenID != "" && !o.State.Final() }
