// Package trade is basic payments (基础支付) behind the simulator's front, as APIv2 has them: orders,
// payments by code (付款码支付) and refunds, with their states and rules, and what users do with them.
//
// Each call is a file. Where the rules come from, and where they are guesses, docs/simulator.md tells.
package trade

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Product is basic payments with their orders.
type Product struct {
	world     *world.World
	notify    *notify.Service
	broke     func(tx *store.Tx, openID string) bool // tells that the user is out of money
	orders    *store.Table[Order]
	refunds   *store.Table[Refund]
	codes     *store.Table[Code]
	prepays   *store.Table[Prepay] // by prepay_id
	merchants *store.Table[Merchant]

	// Indexes, kept as the tables change.
	byTransaction map[string]string   // transaction_id to the key of the order
	byRefundID    map[string]string   // refund_id to the key of the refund
	byOutTradeNo  map[string][]string // to the keys of the orders
	byOutRefundNo map[string][]string // to the keys of the refunds
	byCode        map[string]string   // pr of a code_url to its prepay_id
}

// Code is a payment code (付款码) that was used.
type Code struct {
	Order string `json:"order"`
}

// Merchant is what is special about a merchant.
type Merchant struct {
	OutOfMoney bool `json:"out_of_money,omitempty"` // for refunds
}

// Register adds basic payments to a gateway.
func Register(f *front.Front, w *world.World, n *notify.Service, broke func(tx *store.Tx, openID string) bool) *Product {
	p := &Product{
		world: w, notify: n, broke: broke,
		byTransaction: map[string]string{}, byRefundID: map[string]string{}, byOutTradeNo: map[string][]string{}, byOutRefundNo: map[string][]string{},
		byCode: map[string]string{},
	}
	p.orders = store.NewTable(f.Store, "trade.order", store.Hooks[Order]{Due: (*Order).due, Fire: p.elapse, Changed: p.indexOrder})
	p.refunds = store.NewTable(f.Store, "trade.refund", store.Hooks[Refund]{Due: func(r *Refund) time.Time { return r.Settles }, Fire: p.settleDue, Changed: p.indexRefund})
	p.prepays = store.NewTable(f.Store, "trade.prepay", store.Hooks[Prepay]{Changed: p.indexPrepay})
	p.codes = store.NewTable(f.Store, "trade.code", store.Hooks[Code]{})
	p.merchants = store.NewTable(f.Store, "trade.merchant", store.Hooks[Merchant]{})

	f.Handle("POST /pay/unifiedorder", p.create)
	f.Handle("POST /pay/orderquery", p.query)
	f.Handle("POST /pay/closeorder", p.close)
	f.Handle("POST /pay/micropay", p.micropay)
	f.Handle("POST /secapi/pay/reverse", p.reverse)
	f.Handle("POST /secapi/pay/refund", p.refund)
	f.Handle("POST /pay/refundquery", p.queryRefunds)
	return p
}

// State is the trade_state of an order.
type State string

// The states.
const (
	NotPay     State = "NOTPAY"
	Success    State = "SUCCESS"
	Refunded   State = "REFUND"
	Closed     State = "CLOSED"
	Revoked    State = "REVOKED"    // of payments by code, as are the next two
	UserPaying State = "USERPAYING" // the user has to enter the password
	PayError   State = "PAYERROR"
)

// descriptions are trade_state_desc.
var descriptions = map[State]string{
	NotPay: "订单未支付", Success: "支付成功", Refunded: "订单发生过退款，退款详情请查询退款单", Closed: "订单已关闭",
	Revoked: "订单已撤销", UserPaying: "需要用户输入支付密码", PayError: "支付失败，请撤销订单",
}

// Order is an order. Its number is one of the merchant that calls, whosever sub-merchant is paid.
type Order struct {
	MchID       string        `json:"mch_id"`
	SubMchID    string        `json:"sub_mch_id,omitempty"`
	AppID       string        `json:"appid"`
	OutTradeNo  string        `json:"out_trade_no"`
	TradeType   string        `json:"trade_type"`
	Fingerprint string        `json:"fingerprint"` // of what was sent
	SignType    auth.SignType `json:"sign_type"`
	Total       int64         `json:"total_fee"` // fen
	FeeType     string        `json:"fee_type"`
	Body        string        `json:"body,omitempty"`
	Attach      string        `json:"attach,omitempty"`
	DeviceInfo  string        `json:"device_info,omitempty"`
	NotifyURL   string        `json:"notify_url,omitempty"`
	OpenID      string        `json:"openid,omitempty"` // of who pays; "" if anybody may
	SubAppID    string        `json:"sub_appid,omitempty"`

	State    State     `json:"state"`
	Created  time.Time `json:"created"`
	Deadline time.Time `json:"deadline"` // of paying, which leaves the state as it is
	Closes   time.Time `json:"closes"`   // by itself
	Issued   time.Time `json:"issued"`   // the last prepay_id

	TransactionID string    `json:"transaction_id,omitempty"` // once it is paid
	Paid          time.Time `json:"paid,omitzero"`

	Returned   int64     `json:"returned,omitempty"` // fen, by refunds that were not closed
	FeeBack    int64     `json:"fee_back,omitempty"` // fen of the fee (手续费) that the merchant got back, by all refunds
	LastRefund time.Time `json:"last_refund,omitzero"`
	Refunds    []string  `json:"refunds,omitempty"` // their numbers, the oldest first

	Reversed   time.Time `json:"reversed,omitzero"`     // when what was paid by code went back, if it had been
	ReversalID string    `json:"reversal_id,omitempty"` // the refund_id under which it did
}

const (
	lifetime   = 7 * 24 * time.Hour  // of an order that nobody pays
	longest    = 15 * 24 * time.Hour // until time_expire
	password   = time.Minute         // until a box for the password closes; how long it really is nobody knows
	compact    = "20060102150405"
	microTrade = "MICROPAY"
)

func (o *Order) key() string { return keyOf(o.MchID, o.OutTradeNo) }

func keyOf(mchID, number string) string { return mchID + "\n" + number }

// due is when something happens to the order by itself.
func (o *Order) due() time.Time {
	switch o.State {
	case NotPay:
		return o.Closes
	case UserPaying:
		return o.Created.Add(password)
	}
	return time.Time{}
}

// elapse ends an order whose time is over.
func (p *Product) elapse(tx *store.Tx, _ string, o *Order) {
	after := *o
	after.State = Closed
	if o.State == UserPaying {
		after.State = PayError
	}
	p.orders.Put(tx, o.key(), &after)
}

// fingerprint is the same for requests that ask for the same.
func fingerprint(c *front.Call) string {
	same := slices.DeleteFunc(slices.Clone(c.V2.Sent), func(m xmlv2.Member) bool {
		return m.Name == "nonce_str" || m.Name == "sign" || m.Name == "sign_type"
	})
	sum := sha256.Sum256(append([]byte(c.Op.Path+"\n"), auth.ParamsText(same.Texts())...))
	return hex.EncodeToString(sum[:16])
}

// find is the order that a call names, nil if the caller has none such.
func (p *Product) find(tx *store.Tx, c *front.Call) *Order {
	sent := c.V2.Sent
	key := keyOf(c.Merchant.MchID, sent.Get("out_trade_no"))
	if id := sent.Get("transaction_id"); id != "" {
		key = p.byTransaction[id]
	}
	o := p.orders.Get(tx, key)
	if o == nil || o.MchID != c.Merchant.MchID || sent.Get("sub_mch_id") != "" && sent.Get("sub_mch_id") != o.SubMchID {
		return nil
	}
	return o
}

func (p *Product) indexOrder(key string, old, now *Order) {
	if old != nil {
		delete(p.byTransaction, old.TransactionID)
		unlist(p.byOutTradeNo, old.OutTradeNo, key)
	}
	if now == nil {
		return
	}
	if now.TransactionID != "" {
		p.byTransaction[now.TransactionID] = key
	}
	p.byOutTradeNo[now.OutTradeNo] = append(p.byOutTradeNo[now.OutTradeNo], key)
}

func (p *Product) indexRefund(key string, old, now *Refund) {
	if old != nil {
		delete(p.byRefundID, old.RefundID)
		unlist(p.byOutRefundNo, old.OutRefundNo, key)
	}
	if now != nil {
		p.byRefundID[now.RefundID] = key
		p.byOutRefundNo[now.OutRefundNo] = append(p.byOutRefundNo[now.OutRefundNo], key)
	}
}

func unlist(index map[string][]string, name, key string) {
	index[name] = slices.DeleteFunc(index[name], func(k string) bool { return k == key })
	if len(index[name]) == 0 {
		delete(index, name)
	}
}
