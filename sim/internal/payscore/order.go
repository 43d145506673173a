package payscore

import (
	"encoding/json"
	"time"
)

// State is what an order's life has come to. The gateway says it with three fields:
// state, state_description and collection.state.
type State string

// The states of an order.
const (
	Created State = "CREATED" // waiting for the user to confirm
	Serving State = "SERVING" // DOING, USER_CONFIRM: the service is being used
	Paying  State = "PAYING"  // DOING, MCH_COMPLETE: completed, and the money is not there yet
	Done    State = "DONE"
	Revoked State = "REVOKED" // cancelled
	Expired State = "EXPIRED" // nobody confirmed it
)

// Final tells that nothing changes the order any more.
func (s State) Final() bool { return s == Done || s == Revoked || s == Expired }

// wire is how the state stands in answers.
func (s State) wire() (state, description string) {
	switch s {
	case Serving:
		return "DOING", "USER_CONFIRM"
	case Paying:
		return "DOING", "MCH_COMPLETE"
	default:
		return string(s), ""
	}
}

// expiry is how long an order waits for its user.
const expiry = 30 * 24 * time.Hour

// packageLife is how long the front end may open the page for confirming.
const packageLife = time.Hour

// Order is a Pay Score order (支付分订单).
type Order struct {
	Access     string `json:"access"` // by which it was created: "merchant", "partner", "acquiringbank", "oversea"
	MchID      string `json:"mchid"`
	SubMchID   string `json:"sub_mchid,omitempty"`
	AppID      string `json:"appid"`
	SubAppID   string `json:"sub_appid,omitempty"`
	ChannelID  string `json:"channel_id,omitempty"`
	ServiceID  string `json:"service_id"`
	OutOrderNo string `json:"out_order_no"`
	Currency   string `json:"currency,omitempty"` // of an overseas order
	OrderID    string `json:"order_id"`
	QueryID    string `json:"query_id"`
	OpenID     string `json:"openid,omitempty"` // of the user, once there is one

	ServiceIntroduction string     `json:"service_introduction"`
	PostPayments        []Payment  `json:"post_payments,omitempty"`
	PostDiscounts       []Discount `json:"post_discounts,omitempty"`
	RiskFund            RiskFund   `json:"risk_fund"`
	TimeRange           TimeRange  `json:"time_range"`
	Location            *Location  `json:"location,omitempty"`
	Attach              string     `json:"attach,omitempty"`
	NotifyURL           string     `json:"notify_url"`

	ShoppingInfo json.RawMessage `json:"shopping_info,omitempty"` // of a pay-on-delivery order

	State       State     `json:"state"`
	CreatedAt   time.Time `json:"created_at"`
	Package     string    `json:"package,omitempty"`      // opens the page for confirming, once
	PackageAt   time.Time `json:"package_at,omitzero"`    // when it was made
	PackageUsed bool      `json:"package_used,omitempty"` // the page was opened
	Deposit     bool      `json:"deposit,omitempty"`      // the user failed the assessment and paid a deposit

	// What was asked, so that asking again can be told from asking for something else.
	CreateContent   json.RawMessage `json:"create_content"`
	CompleteContent json.RawMessage `json:"complete_content,omitempty"`
	ModifyContent   json.RawMessage `json:"modify_content,omitempty"`
	SyncContent     json.RawMessage `json:"sync_content,omitempty"`
	CancelContent   json.RawMessage `json:"cancel_content,omitempty"`
	CancelReason    string          `json:"cancel_reason,omitempty"`

	TotalAmount int64       `json:"total_amount,omitempty"` // fen
	Collection  *Collection `json:"collection,omitempty"`
	CompletedAt time.Time   `json:"completed_at,omitzero"`
	PaidAt      time.Time   `json:"paid_at,omitzero"`      // if it was Pay Score that got the money
	DeductedAs  string      `json:"deducted_as,omitempty"` // the out_trade_no that WeChat Pay made; the user who pays himself has the order's
	DeductAt    time.Time   `json:"deduct_at,omitzero"`    // when WeChat Pay tries next to get the money
	LockedUntil time.Time   `json:"locked_until,omitzero"` // a deduction is under way, or the user is at the cashier
	AtCashier   bool        `json:"at_cashier,omitempty"`  // which of the two it is

	DeductionNo   string    `json:"deduction_no,omitempty"` // 从业机构 only: registered by the institution
	DeductionNoAt time.Time `json:"deduction_no_at,omitzero"`

	Messages []string `json:"messages,omitempty"` // which messages were sent to the user

	SignPlan     string  `json:"sign_plan,omitempty"`      // of an order of a plan: the key of the signature
	PlanDetailNo int64   `json:"plan_detail_no,omitempty"` // and which of its details it is
	Legacy       *Legacy `json:"legacy,omitempty"`         // of an order of the first version
}

// key is the order's place in the table.
func (o *Order) key() string { return key(o.MchID, o.SubMchID, o.OutOrderNo) }

func key(mchID, subMchID, outOrderNo string) string { return mchID + "/" + subMchID + "/" + outOrderNo }

// RiskFund is what the order may cost at most (订单风险金).
type RiskFund struct {
	Name        string `json:"name,omitempty"`
	Amount      int64  `json:"amount"` // fen
	Description string `json:"description,omitempty"`
}

// Location is where the service is used (服务位置).
type Location struct {
	StartLocation string `json:"start_location,omitempty"`
	EndLocation   string `json:"end_location,omitempty"`
}

// Collection is how the money came in (收款信息).
type Collection struct {
	State        string   `json:"state"` // USER_PAYING, USER_PAID
	TotalAmount  int64    `json:"total_amount"`
	PayingAmount int64    `json:"paying_amount"`
	PaidAmount   int64    `json:"paid_amount"`
	Details      []Detail `json:"details,omitempty"`
}

// Detail is one payment.
type Detail struct {
	Seq           int64  `json:"seq"`
	Amount        int64  `json:"amount"`
	PaidType      string `json:"paid_type"` // NEWTON, MCH
	PaidTime      string `json:"paid_time"`
	TransactionID string `json:"transaction_id,omitempty"`
}

// entity is the order as answers and notifications show it. Which members are there depends on
// who shows it.
type entity struct {
	AppID               string      `json:"appid"`
	MchID               string      `json:"mchid"`
	SubAppID            string      `json:"sub_appid,omitempty"`
	SubMchID            string      `json:"sub_mchid,omitempty"`
	ChannelID           string      `json:"channel_id,omitempty"`
	OutOrderNo          string      `json:"out_order_no"`
	ServiceID           string      `json:"service_id"`
	OpenID              string      `json:"openid,omitempty"`
	SubOpenID           string      `json:"sub_openid,omitempty"`
	ServiceIntroduction string      `json:"service_introduction"`
	State               string      `json:"state"`
	StateDescription    string      `json:"state_description,omitempty"`
	TotalAmount         *int64      `json:"total_amount,omitempty"`
	PostPayments        []Payment   `json:"post_payments,omitempty"`
	PostDiscounts       []Discount  `json:"post_discounts,omitempty"`
	RiskFund            RiskFund    `json:"risk_fund,omitzero"`
	TimeRange           TimeRange   `json:"time_range"`
	Location            *Location   `json:"location,omitempty"`
	Attach              string      `json:"attach,omitempty"`
	NotifyURL           string      `json:"notify_url,omitempty"`
	OrderID             string      `json:"order_id"`
	NeedCollection      *bool       `json:"need_collection,omitempty"`
	Collection          *Collection `json:"collection,omitempty"`
	Package             string      `json:"package,omitempty"`
	Currency            string      `json:"currency,omitempty"`

	ShoppingInfo json.RawMessage `json:"shopping_info,omitempty"`
}

// entity is what all answers about the order have in common.
func (o *Order) entity() entity {
	state, description := o.State.wire()
	return entity{
		AppID: o.AppID, MchID: o.MchID, SubAppID: o.SubAppID, SubMchID: o.SubMchID, ChannelID: o.ChannelID,
		OutOrderNo: o.OutOrderNo, ServiceID: o.ServiceID, OrderID: o.OrderID,
		ServiceIntroduction: o.ServiceIntroduction,
		State:               state, StateDescription: description,
		PostPayments: o.PostPayments, PostDiscounts: o.PostDiscounts,
		RiskFund: o.RiskFund, TimeRange: o.TimeRange, Location: o.Location,
		Attach: o.Attach, NotifyURL: o.NotifyURL, Currency: o.Currency, ShoppingInfo: o.ShoppingInfo,
	}
}

// withUser adds who the user is: under the sub-merchant's appid, if the order names it.
func (e entity) withUser(o *Order) entity {
	if o.SubAppID != "" {
		e.SubOpenID = o.OpenID
	} else {
		e.OpenID = o.OpenID
	}
	return e
}

// withMoney adds what was asked of the user and what came in, once there is such a thing.
func (e entity) withMoney(o *Order) entity {
	if o.State == Paying || o.State == Done {
		e.TotalAmount = &o.TotalAmount
	}
	if o.Collection != nil {
		e.NeedCollection, e.Collection = new(true), o.Collection
	}
	return e
}
