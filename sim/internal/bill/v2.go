package bill

import (
	"cmp"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is the bills of APIv2, which come at once.

// failures are what APIv2 answers where there is no file: the two downloads have other words for it.
type failures struct{ none, creating func() *front.Refusal }

var (
	ofTrade = failures{
		none:     func() *front.Refusal { return failed("No Bill Exist", "20002") },
		creating: func() *front.Refusal { return failed("Bill Creating", "20002").Guessed(front.Inferred) },
	}
	ofFund = failures{
		none:     func() *front.Refusal { return &front.Refusal{Code: "NO_BILL_EXIST", Message: "账单不存在"} },
		creating: func() *front.Refusal { return &front.Refusal{Code: "BILL_CREATING", Message: "账单生成中"} },
	}
)

// failed is return_code FAIL with an error_code.
func failed(message, code string) *front.Refusal {
	return &front.Refusal{Message: message, Detail: xmlv2.Members{{Name: "error_code", Text: code}}}
}

func (p *Product) downloadTradeV2(tx *store.Tx, c *front.Call) (any, error) {
	sent := c.V2.Sent
	r := &request{Type: cmp.Or(sent.Get("bill_type"), typeAll), SubMch: sent.Get("sub_mch_id")}
	return p.downloadV2(tx, c, r, ofTrade)
}

func (p *Product) downloadFundV2(tx *store.Tx, c *front.Call) (any, error) {
	return p.downloadV2(tx, c, &request{Fund: true, Type: strings.ToUpper(c.V2.Sent.Get("account_type"))}, ofFund)
}

func (p *Product) downloadV2(tx *store.Tx, c *front.Call, r *request, no failures) (any, error) {
	r.MchID = c.Merchant.MchID
	if date, err := time.Parse("20060102", c.V2.Sent.Get("bill_date")); err == nil {
		r.Day = day(date.Format(time.DateOnly))
	}
	switch r.Day.at(tx.Now) {
	case creating:
		return nil, no.creating().With("by the business clock it is not 10 o'clock yet on the day after")
	case tooNew, expired:
		return nil, no.none().Guessed(front.Inferred).With("bills are there from the day after on, for three months")
	}
	content := p.file(tx, r)
	if content == nil {
		return nil, no.none()
	}
	if c.V2.Sent.Get("tar_type") == "GZIP" {
		return asText(content).Packed()
	}
	return asText(content), nil
}
