package bill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openwechatpay/wechatpay"
)

// A Request says which bill: [Trade] and the like. Its Date is a day in UTC+8 as 2024-11-24, whatever
// the operation wants to see, and not more than three months ago.
type Request[R Row[R]] interface {
	row() R // which rows the bill has, for the compiler
	fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error)
}

var (
	_ Request[TradeRow]         = Trade{}
	_ Request[FundFlowRow]      = FundFlow{}
	_ Request[FundFlowRow]      = SubMerchantFundFlow{}
	_ Request[FundFlowRow]      = EcommerceFundFlow{}
	_ Request[ProfitSharingRow] = ProfitSharing{}
	_ Request[StatementRow]     = Statement{}
	_ Request[ProfitSharingRow] = GlobalProfitSharing{}
	_ Request[Record]           = GlobalRefunds{}
	_ Request[Record]           = FundsToOversea{}
	_ Request[TradeRow]         = TradeV2{}
	_ Request[FundFlowRow]      = FundFlowV2{}
)

// TradeType says which trades a trade bill has.
type TradeType string

// What [Trade] has for Type.
const (
	All     TradeType = "ALL"     // the default
	Success TradeType = "SUCCESS" // payments, without what is of refunds
	Refund  TradeType = "REFUND"  // refunds, with their times
)

// Account is one of a merchant's accounts.
type Account string

// What [FundFlow] has for Account.
const (
	Basic     Account = "BASIC"     // 基本账户, the default
	Operation Account = "OPERATION" // 运营账户
	Fees      Account = "FEES"      // 手续费账户
	Deposit   Account = "DEPOSIT"   // 保证金账户, of sub-merchants
)

// Trade is the trade bill (交易账单) of a day: payments and refunds, of APIv2 as well.
// See https://pay.weixin.qq.com/doc/v3/merchant/4013071227.
type Trade struct {
	Date     string
	Type     TradeType
	SubMchID string // of a service provider: only this one's; default: those of all
	Gzip     bool   // packed on its way
}

func (Trade) row() (none TradeRow) { return none }

func (r Trade) asked() asked { return asked{r.Date, r.SubMchID} }

func (r Trade) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	return fetchPlain(ctx, client, application{
		path: "/v3/bill/tradebill", date: r.Date, gzip: r.Gzip, hash: true,
		query: []pair{{"bill_type", string(r.Type)}, {"sub_mchid", r.SubMchID}},
	})
}

// FundFlow is the fund-flow bill (资金账单) of a day and an account.
// See https://pay.weixin.qq.com/doc/v3/merchant/4013071235.
type FundFlow struct {
	Date    string
	Account Account
	Gzip    bool // packed on its way
}

func (FundFlow) row() (none FundFlowRow) { return none }

func (r FundFlow) asked() asked { return asked{r.Date, ""} }

func (r FundFlow) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	return fetchPlain(ctx, client, application{
		path: "/v3/bill/fundflowbill", date: r.Date, gzip: r.Gzip, hash: true,
		query: []pair{{"account_type", string(r.Account)}},
	})
}

// SubMerchantFundFlow is the fund-flow bill of a service provider's sub-merchant (子商户资金账单),
// which comes encrypted with AEAD_AES_256_GCM.
// See https://pay.weixin.qq.com/doc/v3/partner/4012710630.
type SubMerchantFundFlow struct {
	Date, SubMchID string
	Account        Account
	Gzip           bool // packed on its way
}

func (SubMerchantFundFlow) row() (none FundFlowRow) { return none }

func (r SubMerchantFundFlow) asked() asked { return asked{r.Date, ""} }

func (r SubMerchantFundFlow) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	if r.SubMchID == "" {
		return nil, errors.New("the SubMchID is empty")
	}
	if r.Account == "" {
		r.Account = Basic
	}
	return fetchSealed(ctx, client, s, application{
		path: "/v3/bill/sub-merchant-fundflowbill", date: r.Date, gzip: r.Gzip,
		query: []pair{{"sub_mchid", r.SubMchID}, {"account_type", string(r.Account)}, {"algorithm", algorithm}},
	})
}

// EcommerceFundFlow is the fund-flow bill of all sub-merchants of a platform (二级商户资金账单),
// which comes encrypted with AEAD_AES_256_GCM, and may come in several parts.
// See https://pay.weixin.qq.com/doc/v3/partner/4012760697.
type EcommerceFundFlow struct {
	Date string
	Gzip bool // packed on its way
}

func (EcommerceFundFlow) row() (none FundFlowRow) { return none }

func (r EcommerceFundFlow) asked() asked { return asked{r.Date, ""} }

func (r EcommerceFundFlow) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	return fetchSealed(ctx, client, s, application{
		path: "/v3/ecommerce/bill/fundflowbill", date: r.Date, gzip: r.Gzip,
		query: []pair{{"account_type", "ALL"}, {"algorithm", algorithm}},
	})
}

// ProfitSharing is the profit-sharing bill (分账账单) of a day. Its columns are documented nowhere, so
// that all of them are in Other. Of its summary only the number of rows is compared, if a heading
// says that it is such: no sum.
// See https://pay.weixin.qq.com/doc/v3/merchant/4012529628.
type ProfitSharing struct {
	Date     string
	SubMchID string // of a service provider: only this one's; default: those of all
	Gzip     bool   // packed on its way
}

func (ProfitSharing) row() (none ProfitSharingRow) { return none }

func (r ProfitSharing) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	return fetchPlain(ctx, client, application{
		path: "/v3/profitsharing/bills", date: r.Date, gzip: r.Gzip, hash: true,
		query: []pair{{"sub_mchid", r.SubMchID}},
	})
}

// Statement is the statement (对账单) of an overseas merchant or institution, up to 180 days back. It
// comes at once, and its hash is signed. A summary, if it has one, is not compared but for the
// number of rows.
// See https://pay.weixin.qq.com/doc/global/v3/zh/4013013869.
type Statement struct {
	Date     string
	MchID    string // of a merchant
	SpMchID  string // of an institution, in place of MchID
	SubMchID string // of an institution: only this one's; default: those of all
}

func (Statement) row() (none StatementRow) { return none }

func (r Statement) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	date, err := compact(r.Date)
	if err != nil {
		return nil, err
	}
	if (r.MchID == "") == (r.SpMchID == "") {
		return nil, errors.New("give either MchID or SpMchID")
	}
	query := options([]pair{{"date", date}, {"mchid", r.MchID}, {"sp_mchid", r.SpMchID}, {"sub_mchid", r.SubMchID}})
	file, err := wechatpay.Stream(ctx, client, "GET", "/v3/global/statements", nil, nil, query)
	if err != nil {
		return nil, err
	}
	return &source{file: file, proven: true}, nil
}

// GlobalProfitSharing is the profit-sharing bill of a day of an overseas merchant, up to 90 days
// back. No hash comes with it, and of its summary only the number of rows is compared, if a heading
// says that it is such: a file whose amounts were changed is not noticed. Its address lives 30
// seconds, in which Open and Stream begin to download.
// See https://pay.weixin.qq.com/doc/global/v3/zh/4013025018 and
// https://pay.weixin.qq.com/wiki/doc/api_external/en/apis/chapter4_1_9.shtml.
type GlobalProfitSharing struct {
	Date     string
	SubMchID string // of an institution
}

func (GlobalProfitSharing) row() (none ProfitSharingRow) { return none }

func (r GlobalProfitSharing) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	return fetchPlain(ctx, client, application{
		path: "/v3/global/profit-sharing/bill-download-url", date: r.Date, query: []pair{{"sub_mchid", r.SubMchID}},
	})
}

// GlobalRefunds is the bill of a day of returned shares (分账退款账单) of an overseas merchant, up to 90
// days back. No hash comes with it, and its address lives 30 seconds, as that of
// [GlobalProfitSharing]. Its summary is not compared but for the number of rows, and it may have
// none: a file that was cut off between two lines is not noticed.
// See https://pay.weixin.qq.com/doc/global/v3/zh/4013025022.
type GlobalRefunds struct {
	Date     string
	SubMchID string // of an institution
}

func (GlobalRefunds) row() (none Record) { return none }

func (r GlobalRefunds) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	return fetchPlain(ctx, client, application{
		path: "/v3/global/profit-sharing/refunds/bill-download-url", date: r.Date, query: []pair{{"sub_mchid", r.SubMchID}},
	})
}

// FundsToOversea is the bill of what was exchanged and left the country (购付汇账单) on the day before.
// See https://pay.weixin.qq.com/doc/v3/partner/4012476132.
type FundsToOversea struct {
	Date     string
	SubMchID string // only this one's; default: those of all
}

func (FundsToOversea) row() (none Record) { return none }

func (r FundsToOversea) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	return fetchPlain(ctx, client, application{
		path: "/v3/funds-to-oversea/bill-download-url", date: r.Date, hash: true, query: []pair{{"sub_mchid", r.SubMchID}},
	})
}

// TradeV2 is [Trade] of APIv2. The bill comes at once, and whole into memory: one of more than 10
// MiB, packed if Gzip says so, is an error until the client's wechatpay.MaxAnswer is raised.
// Nothing is told of its hash.
// See https://pay.weixin.qq.com/doc/v2/merchant/4011935219.
type TradeV2 struct {
	Date, AppID string
	SubAppID    string // of a service provider's sub-merchant
	SubMchID    string // of a service provider: only this one's; default: those of all
	Type        TradeType
	Gzip        bool // packed on its way
}

func (TradeV2) row() (none TradeRow) { return none }

func (r TradeV2) asked() asked { return asked{r.Date, r.SubMchID} }

func (r TradeV2) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	body := map[string]string{"appid": r.AppID, "sub_appid": r.SubAppID, "sub_mch_id": r.SubMchID, "bill_type": string(r.Type)}
	if r.Gzip {
		body["tar_type"] = "GZIP"
	}
	return fetchV2(ctx, client, "/v2/pay/downloadbill", r.Date, body)
}

// FundFlowV2 is [FundFlow] of APIv2, which wants the merchant's certificate. The bill comes at
// once, and whole into memory, as that of [TradeV2], so that wechatpay.MaxAnswer limits it. It has
// to come with its hash, which nobody signs.
// See https://pay.weixin.qq.com/doc/v2/merchant/4011939779.
type FundFlowV2 struct {
	Date, AppID string
	Account     Account
}

func (FundFlowV2) row() (none FundFlowRow) { return none }

func (r FundFlowV2) asked() asked { return asked{r.Date, ""} }

func (r FundFlowV2) fetch(ctx context.Context, client *wechatpay.Client, s settings) (*source, error) {
	account, ok := map[Account]string{"": "Basic", Basic: "Basic", Operation: "Operation", Fees: "Fees"}[r.Account]
	if !ok {
		return nil, errors.New("APIv2 has no bill of this Account: want Basic, Operation or Fees")
	}
	from, err := fetchV2(ctx, client, "/v2/pay/downloadfundflow", r.Date, map[string]string{"appid": r.AppID, "account_type": account})
	if err != nil {
		return nil, err
	}
	from.proven = true // its Digest was compared
	return from, nil
}

// compact is a date without its dashes, as some operations want it.
func compact(date string) (string, error) {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return "", fmt.Errorf("the Date %.20q is not a day such as 2024-11-24", date)
	}
	return day.Format("20060102"), nil
}
