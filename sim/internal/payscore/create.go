package payscore

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// createRequest is the body of creating an order, whoever does.
type createRequest struct {
	parties
	OutOrderNo          string          `json:"out_order_no"`
	Currency            string          `json:"currency"`
	ServiceIntroduction string          `json:"service_introduction"`
	PostPayments        []Payment       `json:"post_payments"`
	PostDiscounts       []Discount      `json:"post_discounts"`
	TimeRange           TimeRange       `json:"time_range"`
	Location            *Location       `json:"location"`
	RiskFund            RiskFund        `json:"risk_fund"`
	Attach              string          `json:"attach"`
	NotifyURL           string          `json:"notify_url"`
	OpenID              string          `json:"openid"`
	SubOpenID           string          `json:"sub_openid"`
	NeedUserConfirm     *bool           `json:"need_user_confirm"`
	ShoppingInfo        json.RawMessage `json:"shopping_info"`
}

func (r *createRequest) confirm() bool { return r.NeedUserConfirm == nil || *r.NeedUserConfirm }

// create makes an order. The same content again gets the order as it is by now.
func (a access) create(tx *store.Tx, c *front.Call) (any, error) {
	var r createRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	service, err := a.service(c.Merchant, r.parties, r.confirm())
	if err != nil {
		return nil, err
	}
	if service.Currency != r.Currency {
		return nil, invalid("标价币种与此服务的币种不一致")
	}
	k := key(c.Merchant.MchID, r.SubMchID, r.OutOrderNo)
	if o := a.orders.Get(tx, k); o != nil {
		if o.Access != a.name || !bytes.Equal(o.CreateContent, c.Canonical()) {
			return nil, otherContent().Guessed(front.Inferred)
		}
		return a.renewed(tx, o).created(), nil
	}
	if err := r.check(tx, service); err != nil {
		return nil, err
	}
	o, err := a.newOrder(tx, c, &r)
	if err != nil {
		return nil, err
	}
	a.orders.Put(tx, k, o)
	return o.created(), nil
}

// check is the rules between fields, which the front does not know.
func (r *createRequest) check(tx *store.Tx, service *world.Service) error {
	if err := r.TimeRange.checkCreate(tx.Now); err != nil {
		return err
	}
	if r.Location != nil && r.Location.EndLocation != "" && r.Location.StartLocation == "" {
		return invalid("未填写服务开始地点时，不可填写服务结束地点")
	}
	if err := checkItems(r.PostPayments, r.PostDiscounts); err != nil {
		return err
	}
	if service.Enjoy != (r.RiskFund.Name == "ESTIMATE_ORDER_COST") {
		return invalid("风险金名称与此服务的模式不匹配")
	}
	if r.RiskFund.Amount > service.Cap || len(r.PostDiscounts) == 0 && total(r.PostPayments, nil) > service.Cap {
		return overCap("创建订单的订单风险金额超过此服务的服务风险金额")
	}
	return nil
}

// newOrder is the order in its first state.
func (a access) newOrder(tx *store.Tx, c *front.Call, r *createRequest) (*Order, error) {
	o := &Order{
		Access: a.name,
		MchID:  c.Merchant.MchID, SubMchID: r.SubMchID, AppID: r.AppID, SubAppID: r.SubAppID, ChannelID: r.ChannelID,
		ServiceID: r.ServiceID, OutOrderNo: r.OutOrderNo, Currency: r.Currency,
		OrderID: newOrderID(tx.Now), QueryID: rand.Text() + rand.Text(),
		ServiceIntroduction: r.ServiceIntroduction,
		PostPayments:        r.PostPayments, PostDiscounts: r.PostDiscounts,
		RiskFund: r.RiskFund, TimeRange: r.TimeRange, Location: r.Location,
		Attach: r.Attach, NotifyURL: r.NotifyURL, ShoppingInfo: r.ShoppingInfo,
		CreatedAt: tx.Now, CreateContent: c.Canonical(),
	}
	if r.confirm() {
		o.State, o.Package, o.PackageAt = Created, newPackage(), tx.Now
		return o, nil
	}
	openID, err := r.user()
	if err != nil {
		return nil, err
	}
	return o, a.begin(tx, o, openID)
}

// user is the openid of a user who does not confirm by himself.
func (r *createRequest) user() (string, error) {
	switch {
	case (r.OpenID == "") == (r.SubOpenID == ""):
		return "", invalid("免确认模式下，openid和sub_openid必须且只能填写一个")
	case r.SubOpenID != "" && r.SubAppID == "":
		return "", invalid("填写sub_openid时，sub_appid必填")
	}
	return r.OpenID + r.SubOpenID, nil
}

// begin begins the service of a user who granted it once, unless the assessment fails.
func (a access) begin(tx *store.Tx, o *Order, openID string) error {
	o.OpenID = openID
	if !a.granted(o) {
		return notYours("the user has not granted this service, or ended the grant")
	}
	if message := a.person(tx, openID).Refuse; message != "" {
		return refusedAssessment(message)
	}
	return a.take(tx, o)
}

// refusedAssessment is what a user who fails is refused with. Its code is not known; the numbers
// are those of its message, or that of an assessment that fails for no reason given.
func refusedAssessment(message string) *refusal {
	sub := 271300099
	switch message {
	case "存在待处理的超时未支付订单":
		sub = 271299627
	case "已开启青少年模式支付限额，暂无法使用支付分先用后付服务":
		sub = 268560785
	}
	return badRequest("INVALID_REQUEST", message, sub).Guessed(front.Unknown)
}

// renewed is the order with a package that still opens the page. Whether the gateway makes a new
// one when the order is created again is not known; without one the order would be lost.
func (p *Product) renewed(tx *store.Tx, o *Order) *Order {
	if o.State != Created || o.PackageUsed || o.packageGood(tx.Now) {
		return o
	}
	after := *o
	after.Package, after.PackageAt = newPackage(), tx.Now
	p.orders.Put(tx, o.key(), &after)
	return &after
}

func (o *Order) packageGood(now time.Time) bool { return now.Before(o.PackageAt.Add(packageLife)) }

// created is the answer to creating the order.
func (o *Order) created() entity {
	e := o.entity()
	if o.State == Created {
		e.Package = o.Package
	}
	return e
}

// newPackage is what the front end opens the page for confirming with: at most 300 characters.
func newPackage() string {
	var raw [120]byte
	rand.Read(raw[:])
	return base64.StdEncoding.EncodeToString(raw[:])
}
