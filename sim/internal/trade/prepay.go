package trade

import (
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// Prepay is a way to the cashier that an order has: its prepay_id (预支付交易会话标识), with what leads
// to it where the user comes from elsewhere.
type Prepay struct {
	Order   string    `json:"order"` // its key
	Issued  time.Time `json:"issued"`
	Code    string    `json:"code,omitempty"`    // pr of a code_url
	Package string    `json:"package,omitempty"` // of a mweb_url
}

// ByPrepay is the way to the cashier with this prepay_id, and its order. There may be none.
func (p *Product) ByPrepay(tx *store.Tx, prepayID string) (*Prepay, *Order) {
	s := p.prepays.Get(tx, prepayID)
	if s == nil {
		return nil, nil
	}
	return s, p.orders.Get(tx, s.Order)
}

// ByCode is the way to the cashier that a code_url with this pr leads to, and its order.
func (p *Product) ByCode(tx *store.Tx, pr string) (*Prepay, *Order) {
	return p.ByPrepay(tx, p.byCode[pr])
}

// Over tells that the way to the cashier is too old.
func (s *Prepay) Over(o *Order, now time.Time) bool {
	return now.After(s.Issued.Add(o.age()))
}

// Replaced tells that the same order was made again, which ends what users scan or follow. An earlier
// prepay_id lives on.
func (s *Prepay) Replaced(o *Order) bool {
	return (s.Code != "" || s.Package != "") && s.Issued.Before(o.Issued)
}

// age is how long what leads to the cashier is good for.
func (o *Order) age() time.Duration {
	if o.TradeType == "MWEB" {
		return webAge
	}
	return prepayAge
}

func (p *Product) indexPrepay(prepayID string, old, now *Prepay) {
	if old != nil {
		delete(p.byCode, old.Code)
	}
	if now != nil && now.Code != "" {
		p.byCode[now.Code] = prepayID
	}
}
