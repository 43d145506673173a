package payscore

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is the first version of Pay Score: 先享后付 and 智慧零售. Their orders are orders as the
// others are, with the same life; they only speak another language.

// The ways in which an order was completed (完结类型).
const (
	finishUnused = 1 // 未使用服务，取消订单
	finishUsed   = 2 // 完成服务使用，结束订单
)

// Legacy is what only orders of the first version have.
type Legacy struct {
	FinishTicket string     `json:"finish_ticket"` // the query shows it, the completion has to name it
	FinishType   int64      `json:"finish_type,omitempty"`
	RealTime     *TimeRange `json:"real_time,omitempty"`
	RealEnd      string     `json:"real_end_location,omitempty"`
}

// registerLegacy registers the first version.
func (p *Product) registerLegacy(f *front.Front) {
	for _, name := range []string{"payafter", "smartretail"} {
		a := access{p, name, "/v3/payscore/" + name + "-orders", false}
		order := a.prefix + "/{out_order_no}"
		f.Handle("POST "+a.prefix, a.createLegacy)
		f.Handle("GET "+a.prefix, a.queryLegacy)
		f.Handle("POST "+order+"/cancel", a.cancel)
		f.Handle("POST "+order+"/complete", a.completeLegacy)
		if name == "payafter" {
			f.Handle("POST "+order+"/sync", a.syncLegacy)
		}
	}
	merchant, _, _, _ := p.accesses()
	f.Handle("GET /v3/payscore/user-service-state", merchant.serviceState)
}

// fee is an item that is paid after use.
type fee struct {
	Name   string `json:"fee_name,omitempty"`
	Count  *int64 `json:"fee_count,omitempty"`
	Amount *int64 `json:"fee_amount,omitempty"` // fen, for all of Count
	Desc   string `json:"fee_desc,omitempty"`
}

// reduction is what the merchant takes off.
type reduction struct {
	Name   string `json:"discount_name,omitempty"`
	Desc   string `json:"discount_desc,omitempty"`
	Amount *int64 `json:"discount_amount,omitempty"` // fen
}

func payments(fees []fee) (items []Payment) {
	for _, f := range fees {
		items = append(items, Payment{f.Name, f.Amount, f.Desc, f.Count})
	}
	return items
}

func discounts(reductions []reduction) (items []Discount) {
	for _, r := range reductions {
		items = append(items, Discount{Name: r.Name, Description: r.Desc, Amount: r.Amount})
	}
	return items
}

// legacyRequest is the body of creating an order. Who the user is changes nothing here, but belongs to
// its content.
type legacyRequest struct {
	parties
	OutOrderNo    string      `json:"out_order_no"`
	StartTime     string      `json:"service_start_time"`
	EndTime       string      `json:"service_end_time"`
	StartLocation string      `json:"service_start_location"`
	EndLocation   string      `json:"service_end_location"`
	Introduction  string      `json:"service_introduction"`
	Fees          []fee       `json:"fees"`
	Discounts     []reduction `json:"discounts"`
	RiskAmount    int64       `json:"risk_amount"` // fen
	Attach        string      `json:"attach"`
	Confirm       *bool       `json:"need_user_confirm"`
	OpenID        string      `json:"openid"`
	Name          string      `json:"name,omitempty"`
	Phone         string      `json:"phone,omitempty"`
	UserID        string      `json:"userid,omitempty"`
	Address       string      `json:"address,omitempty"`
}

// today is the request in today's words.
func (r *legacyRequest) today(service *world.Service) *createRequest {
	today := &createRequest{
		parties: r.parties, OutOrderNo: r.OutOrderNo, ServiceIntroduction: r.Introduction,
		PostPayments: payments(r.Fees), PostDiscounts: discounts(r.Discounts),
		TimeRange: TimeRange{StartTime: r.StartTime, EndTime: r.EndTime},
		RiskFund:  RiskFund{Name: riskName(service), Amount: r.RiskAmount},
		Attach:    r.Attach, OpenID: r.OpenID, NeedUserConfirm: r.Confirm,
	}
	if r.StartLocation+r.EndLocation != "" {
		today.Location = &Location{r.StartLocation, r.EndLocation}
	}
	return today
}

// createLegacy makes an order. The same content again gets the order as it is by now.
func (a access) createLegacy(tx *store.Tx, c *front.Call) (any, error) {
	var r legacyRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	service, err := a.service(c.Merchant, r.parties, r.Confirm == nil || *r.Confirm)
	if err != nil {
		return nil, err
	}
	today := r.today(service)
	content, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	k := key(c.Merchant.MchID, "", r.OutOrderNo)
	if o := a.orders.Get(tx, k); o != nil {
		if o.Access != a.name || !bytes.Equal(o.CreateContent, content) {
			return nil, otherContent().Guessed(front.Inferred)
		}
		return a.renewed(tx, o).createdLegacy(), nil
	}
	if err := today.check(tx, service); err != nil {
		return nil, err
	}
	o, err := a.newOrder(tx, c, today)
	if err != nil {
		return nil, err
	}
	o.CreateContent, o.Legacy = content, &Legacy{FinishTicket: newPackage()}
	a.orders.Put(tx, k, o)
	return o.createdLegacy(), nil
}

// createdLegacy is the answer to creating the order: what the front end opens the page with.
func (o *Order) createdLegacy() any {
	answer := struct {
		AppID        string `json:"appid"`
		MchID        string `json:"mchid"`
		OutOrderNo   string `json:"out_order_no"`
		ServiceID    string `json:"service_id"`
		OrderID      string `json:"order_id"`
		BusinessType string `json:"miniprogram_businesstype,omitempty"`
		PageAppID    string `json:"miniprogram_appid,omitempty"`
		PagePath     string `json:"miniprogram_path,omitempty"`
		Package      string `json:"package,omitempty"`
	}{AppID: o.AppID, MchID: o.MchID, OutOrderNo: o.OutOrderNo, ServiceID: o.ServiceID, OrderID: o.OrderID}
	if o.State == Created {
		answer.BusinessType, answer.PageAppID, answer.PagePath = "wxpayScoreUse", "wxd8f3793ea3b935b8", "pages/use/use"
		answer.Package = o.Package
	}
	return answer
}

// queryLegacy shows an order.
func (a access) queryLegacy(tx *store.Tx, c *front.Call) (any, error) {
	o, err := a.queriedOrder(tx, c)
	if err != nil {
		return nil, err
	}
	return o.legacy(), nil
}

// legacyState is what the first version calls the order's state. FINISHED is final where nothing
// is to be paid.
func (o *Order) legacyState() string {
	switch {
	case o.State == Serving:
		return "USER_ACCEPTED"
	case o.State == Paying, o.State == Done && o.Collection == nil:
		return "FINISHED"
	case o.State == Done:
		return "USER_PAID"
	default:
		return string(o.State)
	}
}

// legacyRecord is an order as queries show it.
type legacyRecord struct {
	AppID             string      `json:"appid"`
	MchID             string      `json:"mchid"`
	OutOrderNo        string      `json:"out_order_no"`
	ServiceID         string      `json:"service_id"`
	State             string      `json:"state"`
	FinishType        int64       `json:"finish_type,omitempty"`
	StartTime         string      `json:"service_start_time,omitempty"`
	EndTime           string      `json:"service_end_time,omitempty"`
	RealStartTime     string      `json:"real_service_start_time,omitempty"`
	RealEndTime       string      `json:"real_service_end_time,omitempty"`
	PaidTime          string      `json:"pay_succ_time,omitempty"`
	StartLocation     string      `json:"service_start_location,omitempty"`
	EndLocation       string      `json:"service_end_location,omitempty"`
	RealStartLocation string      `json:"real_service_start_location,omitempty"`
	RealEndLocation   string      `json:"real_service_end_location,omitempty"`
	Introduction      string      `json:"service_introduction,omitempty"`
	Fees              []fee       `json:"fees,omitempty"`
	Discounts         []reduction `json:"discounts,omitempty"`
	RiskAmount        int64       `json:"risk_amount,omitempty"`
	TotalAmount       *int64      `json:"total_amount,omitempty"`
	Attach            string      `json:"attach,omitempty"`
	FinishTicket      string      `json:"finish_ticket,omitempty"` // only of an order that can be completed
	TransactionID     string      `json:"finish_transaction_id,omitempty"`
	PayType           string      `json:"pay_type,omitempty"`
}

func (o *Order) legacy() legacyRecord {
	r := legacyRecord{
		AppID: o.AppID, MchID: o.MchID, OutOrderNo: o.OutOrderNo, ServiceID: o.ServiceID, State: o.legacyState(),
		FinishType: o.Legacy.FinishType, StartTime: o.TimeRange.StartTime, EndTime: o.TimeRange.EndTime,
		Introduction: o.ServiceIntroduction, RiskAmount: o.RiskFund.Amount, Attach: o.Attach,
	}
	for _, p := range o.PostPayments {
		r.Fees = append(r.Fees, fee{p.Name, p.Count, p.Amount, p.Description})
	}
	for _, d := range o.PostDiscounts {
		r.Discounts = append(r.Discounts, reduction{d.Name, d.Description, d.Amount})
	}
	if o.Location != nil {
		r.StartLocation, r.EndLocation = o.Location.StartLocation, o.Location.EndLocation
	}
	if o.State == Serving {
		r.FinishTicket = o.Legacy.FinishTicket
	}
	if o.State == Paying || o.State == Done {
		r.TotalAmount = &o.TotalAmount
	}
	if actual := o.Legacy.RealTime; actual != nil {
		r.RealStartTime, r.RealEndTime = actual.StartTime, actual.EndTime
		r.RealStartLocation, r.RealEndLocation = r.StartLocation, o.Legacy.RealEnd
	}
	if o.State == Done && o.Collection != nil {
		paid := o.Collection.Details[0]
		r.PaidTime, r.TransactionID = paid.PaidTime, paid.TransactionID
		if paid.PaidType == mch {
			r.PayType = "MchChannelPayType"
		}
	}
	return r
}

// legacyCompletion is the body of completing an order.
type legacyCompletion struct {
	parties
	FinishType   int64       `json:"finish_type"`
	CancelReason string      `json:"cancel_reason"`
	StartTime    string      `json:"real_service_start_time"`
	EndTime      string      `json:"real_service_end_time"`
	EndLocation  string      `json:"real_service_end_location"`
	Fees         []fee       `json:"fees"`
	Discounts    []reduction `json:"discounts"`
	TotalAmount  int64       `json:"total_amount"` // fen
	FinishTicket string      `json:"finish_ticket"`
}

// completeLegacy ends the service and asks for the money, or ends an order whose service was not
// used. The same content again succeeds again.
func (a access) completeLegacy(tx *store.Tx, c *front.Call) (any, error) {
	var r legacyCompletion
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	o, err := a.order(tx, c, c.Path("out_order_no"), r.parties)
	if err != nil {
		return nil, err
	}
	if o.CompleteContent != nil && o.State != Revoked {
		if !bytes.Equal(o.CompleteContent, c.Canonical()) {
			return nil, otherContent()
		}
		return a.ids(o), nil
	}
	if o.State != Serving {
		return nil, notCompletable(o.State)
	}
	if err := a.checkLegacy(tx, o, &r); err != nil {
		return nil, err
	}
	after := o.completedAt(tx, &completeRequest{charge: r.charge()})
	legacy := *o.Legacy
	if legacy.FinishType = r.FinishType; r.FinishType == finishUsed {
		actual := o.TimeRange.completedBy(TimeRange{StartTime: r.StartTime, EndTime: r.EndTime})
		legacy.RealTime, legacy.RealEnd = &actual, r.EndLocation
	}
	after.Legacy, after.CompleteContent = &legacy, c.Canonical()
	a.put(tx, after)
	return a.ids(after), nil
}

func (r *legacyCompletion) charge() charge {
	return charge{payments(r.Fees), discounts(r.Discounts), r.TotalAmount}
}

// checkLegacy is the rules of completing. The pages that had them are gone: they are what SDKs of
// the time say.
func (a access) checkLegacy(tx *store.Tx, o *Order, r *legacyCompletion) error {
	switch {
	case r.FinishTicket == "":
		return invalid("完结凭证finish_ticket必填")
	case r.FinishTicket != o.Legacy.FinishTicket:
		return invalid("完结凭证finish_ticket错误").With("want the finish_ticket that the query shows")
	case r.FinishType == finishUnused:
		return r.checkUnused()
	case r.FinishType != finishUsed:
		return invalid("完结类型finish_type必填")
	}
	if err := (TimeRange{StartTime: r.StartTime, EndTime: r.EndTime}).checkComplete(o, tx.Now); err != nil {
		return err
	}
	return r.charge().check(a.limit(o))
}

// checkUnused is the rules of an order whose service was not used.
func (r *legacyCompletion) checkUnused() error {
	switch n := utf8.RuneCountInString(r.CancelReason); {
	case n == 0 || n > 30:
		return invalid("取消订单时，取消订单的原因必填，且不超过30个字符")
	case r.TotalAmount != 0 || len(r.Fees)+len(r.Discounts) > 0:
		return invalid("取消订单时，总金额必须为0")
	}
	return nil
}

// syncLegacy ends an order whose money the merchant got by itself.
func (a access) syncLegacy(tx *store.Tx, c *front.Call) (any, error) {
	if _, err := a.sync(tx, c); err != nil {
		return nil, err
	}
	o := a.orders.Get(tx, key(c.Merchant.MchID, "", c.Path("out_order_no")))
	return struct {
		AppID      string `json:"appid"`
		MchID      string `json:"mchid"`
		OutOrderNo string `json:"out_order_no"`
		OrderID    string `json:"order_id"`
	}{o.AppID, o.MchID, o.OutOrderNo, o.OrderID}, nil
}

// serviceState tells whether a user granted the service.
func (a access) serviceState(_ *store.Tx, c *front.Call) (any, error) {
	p, openID := queried(c), c.Query("openid")
	if _, err := a.boundService(c.Merchant, p); err != nil {
		return nil, err
	}
	state := unavailable
	if len(a.grants[grantKey(c.Merchant.MchID, "", p.ServiceID, openID)]) > 0 {
		state = available
	}
	return struct {
		AppID     string `json:"appid"`
		ServiceID string `json:"service_id"`
		OpenID    string `json:"openid"`
		State     string `json:"use_service_state"`
	}{p.AppID, p.ServiceID, openID, state}, nil
}
