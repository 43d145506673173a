// Package bill is the bills (账单) behind the simulator's front: which trades of which day stand in them,
// how their files are written, and how they are asked for and downloaded.
//
// Nothing of a bill is kept. It is made of the orders each time, as they stood when the day's bills were
// generated, so that it is always the same file. Where the rules come from, and where they are
// guesses, docs/simulator.md tells.
package bill

import (
	"iter"
	"math/bits"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Source is a product whose trades move money.
type Source interface {
	// Entries yields what moved money, as it stood at a time. What came later may be among it.
	Entries(tx *store.Tx, until time.Time) iter.Seq[Entry]
}

// Kind is what an entry is about.
type Kind int

// The kinds.
const (
	Payment Kind = iota
	Refund
	Closing  // of a refund (退款关闭): the merchant has the money back
	Reversal // of a payment by code (撤销)
)

// Entry is something that moved money.
type Entry struct {
	Kind        Kind
	At          time.Time
	Amount, Fee int64 // fen; Fee is what the merchant paid, or got back

	// Of the payment, in all kinds.
	MchID, SubMchID, AppID, DeviceInfo, OpenID, TradeType string
	TransactionID, OutTradeNo, Currency, Body, Attach     string

	// Of a refund.
	RefundID, OutRefundNo, RefundStatus, Reason string
	Succeeded                                   time.Time
}

// account is whose money it is.
func (e *Entry) account() string {
	if e.SubMchID != "" {
		return e.SubMchID
	}
	return e.MchID
}

// The fee (手续费) of every merchant is 0.60 %, rounded to fen.
const (
	rate     = 60 // of 10,000
	rateText = "0.60%"
)

// Fee is the fee of a payment, in fen.
func Fee(total int64) int64 { return Share(rate, total, 10_000) }

// Share is amount × part / whole, rounded half up. The part is not larger than the whole.
func Share(amount, part, whole int64) int64 {
	high, low := bits.Mul64(uint64(amount), uint64(part))
	share, rest := bits.Div64(high, low, uint64(whole))
	if rest >= uint64(whole)-rest {
		share++
	}
	return int64(share)
}

// Product is the bills of what the sources tell.
type Product struct {
	world   *world.World
	sources []Source
	key     string // of tokens
}

// Register adds bills to a gateway.
func Register(f *front.Front, w *world.World, sources ...Source) {
	p := &Product{world: w, sources: sources, key: tokenKey(w)}
	f.Handle("GET /v3/bill/tradebill", p.applyTrade)
	f.Handle("GET /v3/bill/fundflowbill", p.applyFund)
	f.Handle("GET /v3/bill/sub-merchant-fundflowbill", p.applySubMerchant)
	f.Handle("GET /v3/ecommerce/bill/fundflowbill", p.applyEcommerce)
	f.Handle("GET /v3/billdownload/file", p.download)
	f.Handle("POST /pay/downloadbill", p.downloadTradeV2)
	f.Handle("POST /pay/downloadfundflow", p.downloadFundV2)
}

// request is which bill is wanted.
type request struct {
	Fund    bool   `json:"fund,omitempty"` // 资金账单, else 交易账单
	Day     day    `json:"day"`
	MchID   string `json:"mchid"`             // who asked
	SubMch  string `json:"sub_mch,omitempty"` // whose bill it is, if it is not that of all or of who asked
	AllSubs bool   `json:"all_subs,omitempty"`
	Type    string `json:"type,omitempty"` // bill_type or account_type
}

// file is the bill, nil if nothing stands in it.
func (p *Product) file(tx *store.Tx, r *request) []byte {
	if r.Fund {
		return p.fundFile(tx, r)
	}
	return p.tradeFile(tx, r)
}

// entries are what moved money before the end of the day, the oldest first. At the same time, they stand in
// the order in which the orders came.
func (p *Product) entries(tx *store.Tx, d day, wanted func(e *Entry) bool) []Entry {
	var all []Entry
	for _, s := range p.sources {
		for e := range s.Entries(tx, d.generated()) {
			if e.At.Before(d.end()) && wanted(&e) {
				all = append(all, e)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return a.At.Compare(b.At) })
	return all
}

// isSub tells whether a merchant is a sub-merchant of another.
func (p *Product) isSub(mchID, parent string) bool {
	m := p.world.Merchant(mchID)
	return m != nil && isSubOf(parent)(*m)
}

func isSubOf(parent string) func(world.Merchant) bool {
	return func(m world.Merchant) bool { return slices.Contains(m.Parents, parent) }
}
