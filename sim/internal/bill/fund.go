package bill

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is the fund-flow bill (资金账单): what moved on an account, and what was left on it.

const (
	fundHeading = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
	fundSummary = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
)

// The accounts on which something moves. There are others, but nothing does on them.
var moving = []string{"BASIC", "ALL"}

// booking is one line of an account.
type booking struct {
	e          *Entry
	name, kind string // 业务名称, 业务类型
	amount     int64  // fen, negative if it left the account
	by, note   string
}

// bookings are what an entry moves on its account. A refund is booked when it is accepted.
func (e *Entry) bookings() []booking {
	byAPI := e.MchID + "API"
	var all []booking
	switch e.Kind {
	case Payment:
		all = []booking{{e, "交易", "交易", e.Amount, "system", ""}, {e, "交易", "扣除交易手续费", -e.Fee, "system", ""}}
	case Refund, Reversal:
		all = []booking{{e, "退款", "退款", -e.Amount, byAPI, e.Reason}, {e, "退款", "退还交易手续费", e.Fee, byAPI, ""}}
	case Closing:
		all = []booking{{e, "退款", "退款关闭", e.Amount, "system", ""}}
	}
	return slices.DeleteFunc(all, func(b booking) bool { return b.amount == 0 })
}

// fundFile is the fund-flow bill, nil if nothing moved that day. The account of a sub-merchant is its own,
// whoever made the order; all accounts begin with nothing.
func (p *Product) fundFile(tx *store.Tx, r *request) []byte {
	if !slices.Contains(moving, r.Type) {
		return nil
	}
	wanted := func(e *Entry) bool { return e.account() == r.MchID }
	switch {
	case r.AllSubs:
		wanted = func(e *Entry) bool { return p.isSub(e.account(), r.MchID) }
	case r.SubMch != "":
		wanted = func(e *Entry) bool { return e.account() == r.SubMch }
	}
	t, balance, f := newTable(fundHeading), map[string]int64{}, flow{}
	entries := p.entries(tx, r.Day, wanted)
	for i := range entries {
		for n, b := range entries[i].bookings() {
			account := b.e.account()
			balance[account] += b.amount
			if b.e.At.Before(r.Day.begin()) {
				continue
			}
			f.add(b.amount)
			t.row(b.row(n, balance[account])...)
		}
	}
	if f.count() == 0 {
		return nil
	}
	t.heading(fundSummary)
	t.row(strconv.Itoa(f.count()), strconv.Itoa(f.ins), yuan(f.in), strconv.Itoa(f.outs), yuan(f.out))
	return t.b.Bytes()
}

// flow is the sum of what moved.
type flow struct {
	ins, outs int
	in, out   int64
}

func (f *flow) add(amount int64) {
	if amount > 0 {
		f.ins, f.in = f.ins+1, f.in+amount
	} else {
		f.outs, f.out = f.outs+1, f.out-amount
	}
}

func (f *flow) count() int { return f.ins + f.outs }

func (b *booking) row(n int, balance int64) []string {
	direction, amount := "收入", b.amount
	if amount < 0 {
		direction, amount = "支出", -amount
	}
	id, voucher := b.e.TransactionID, b.e.OutTradeNo
	if b.e.Kind != Payment {
		id, voucher = b.e.RefundID, b.e.OutRefundNo
	}
	return []string{
		moment(b.e.At), id, b.number(id, n), b.name, b.kind, direction, yuan(amount), yuan(balance), b.by, inFund.Replace(b.note), inFund.Replace(voucher),
	}
}

// number is 资金流水单号: account, day and ten digits. They follow from what was booked, so that they are
// the same whenever the bill is made.
func (b *booking) number(id string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", id, b.e.Kind, n))
	digits := binary.BigEndian.Uint64(sum[:]) % 10_000_000_000
	return b.e.account() + b.e.At.In(clock.Beijing).Format("20060102") + fmt.Sprintf("%010d", digits)
}
