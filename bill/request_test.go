package bill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/code"
)

func decode(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

// ask makes a request of a gateway that knows no bill, and returns what was asked of it.
func ask[R Row[R]](t *testing.T, request Request[R]) (target, body string, err error) {
	t.Helper()
	g := &gateway{answers: map[string][]reply{}}
	_, err = Open(t.Context(), g.client(t), request)
	if len(g.asked) > 0 {
		target = g.asked[0]
	}
	return target, strings.Join(g.sent, ""), err
}

func TestWhatARequestAsksFor(t *testing.T) {
	t.Parallel()
	type asked struct {
		target, body string
		err          error
	}
	of := func(target, body string, err error) asked { return asked{target, body, err} }
	tests := map[string]struct {
		got    asked
		target string
		body   []string // what it has
	}{
		"Trade":                    {of(ask(t, Trade{Date: "2024-11-24"})), "GET /v3/bill/tradebill?bill_date=2024-11-24", nil},
		"Trade with all":           {of(ask(t, Trade{Date: "2024-11-24", Type: Refund, SubMchID: "1900000110", Gzip: true})), "GET /v3/bill/tradebill?bill_date=2024-11-24&bill_type=REFUND&sub_mchid=1900000110&tar_type=GZIP", nil},
		"FundFlow":                 {of(ask(t, FundFlow{Date: "2024-11-24"})), "GET /v3/bill/fundflowbill?bill_date=2024-11-24", nil},
		"FundFlow with all":        {of(ask(t, FundFlow{Date: "2024-11-24", Account: Fees, Gzip: true})), "GET /v3/bill/fundflowbill?bill_date=2024-11-24&account_type=FEES&tar_type=GZIP", nil},
		"SubMerchantFundFlow":      {of(ask(t, SubMerchantFundFlow{Date: "2024-11-24", SubMchID: "1"})), "GET /v3/bill/sub-merchant-fundflowbill?bill_date=2024-11-24&sub_mchid=1&account_type=BASIC&algorithm=AEAD_AES_256_GCM", nil},
		"EcommerceFundFlow":        {of(ask(t, EcommerceFundFlow{Date: "2024-11-24", Gzip: true})), "GET /v3/ecommerce/bill/fundflowbill?bill_date=2024-11-24&account_type=ALL&algorithm=AEAD_AES_256_GCM&tar_type=GZIP", nil},
		"ProfitSharing":            {of(ask(t, ProfitSharing{Date: "2024-11-24", SubMchID: "1", Gzip: true})), "GET /v3/profitsharing/bills?bill_date=2024-11-24&sub_mchid=1&tar_type=GZIP", nil},
		"Statement":                {of(ask(t, Statement{Date: "2024-11-24", MchID: "1"})), "GET /v3/global/statements?date=20241124&mchid=1", nil},
		"Statement of institution": {of(ask(t, Statement{Date: "2024-11-24", SpMchID: "1", SubMchID: "2"})), "GET /v3/global/statements?date=20241124&sp_mchid=1&sub_mchid=2", nil},
		"GlobalProfitSharing":      {of(ask(t, GlobalProfitSharing{Date: "2024-11-24", SubMchID: "2"})), "GET /v3/global/profit-sharing/bill-download-url?bill_date=2024-11-24&sub_mchid=2", nil},
		"GlobalRefunds":            {of(ask(t, GlobalRefunds{Date: "2024-11-24"})), "GET /v3/global/profit-sharing/refunds/bill-download-url?bill_date=2024-11-24", nil},
		"FundsToOversea":           {of(ask(t, FundsToOversea{Date: "2024-11-24"})), "GET /v3/funds-to-oversea/bill-download-url?bill_date=2024-11-24", nil},
		"TradeV2": {of(ask(t, TradeV2{Date: "2024-11-24", AppID: "wx1", Type: All, SubMchID: "2", Gzip: true})), "POST /pay/downloadbill",
			[]string{"<appid>wx1<", "<bill_date>20241124<", "<bill_type>ALL<", "<sub_mch_id>2<", "<tar_type>GZIP<", "<sign>"}},
		"FundFlowV2": {of(ask(t, FundFlowV2{Date: "2024-11-24", AppID: "wx1"})), "POST /pay/downloadfundflow",
			[]string{"<appid>wx1<", "<bill_date>20241124<", "<account_type>Basic<", "<sign_type>HMAC-SHA256<"}},
	}
	for name, tt := range tests {
		if tt.got.target != tt.target || tt.got.err == nil {
			t.Errorf("%s asks for %s, %v\nwant %s", name, tt.got.target, tt.got.err, tt.target)
		}
		for _, part := range tt.body {
			if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(tt.got.body, "<![CDATA[", ""), "]]>", ""), part) {
				t.Errorf("%s sends %s, without %s", name, tt.got.body, part)
			}
		}
	}
	refused := map[string]asked{
		"is not a day":     of(ask(t, Trade{Date: "20241124"})),
		"is not a day ":    of(ask(t, FundFlow{})),
		"such as 2024":     of(ask(t, Statement{Date: "2024-02-30", MchID: "1"})),
		"MchID or SpMchID": of(ask(t, Statement{Date: "2024-11-24"})),
		"either MchID":     of(ask(t, Statement{Date: "2024-11-24", MchID: "1", SpMchID: "1"})),
		"the SubMchID":     of(ask(t, SubMerchantFundFlow{Date: "2024-11-24"})),
		"the AppID":        of(ask(t, TradeV2{Date: "2024-11-24"})),
		"of this Account":  of(ask(t, FundFlowV2{Date: "2024-11-24", AppID: "wx1", Account: Deposit})),
		"request is nil":   of(ask[TradeRow](t, nil)),
	}
	for text, got := range refused {
		if got.target != "" || got.err == nil || !strings.Contains(got.err.Error(), strings.TrimSpace(text)) || !strings.HasPrefix(got.err.Error(), "bill: ") {
			t.Errorf("asked for %q, %v; want …%s…", got.target, got.err, text)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	client := at(nil).client(t)
	for text, opt := range map[string]Option{"an Option is nil": nil, "the TempDir is empty": TempDir(""), "MaxBytes is 0": MaxBytes(0)} {
		for way, get := range ways[TradeRow]() {
			if _, err := get(t, client, Trade{Date: "2024-11-24"}, opt); err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v", way, err)
			}
		}
	}
	content := small()
	for way, get := range ways[TradeRow]() {
		_, err := get(t, plain(told(content, "x"), file(content)).client(t), Trade{Date: "2024-11-24"}, TempDir(filepath.Join(t.TempDir(), "none")))
		if (way == "Open") != errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s in a directory that is not there: %v", way, err)
		}
	}
	if _, err := Open(t.Context(), nil, Trade{Date: "2024-11-24"}); err == nil {
		t.Error("no client opens a bill")
	}
}

func TestWhatRefusalsMean(t *testing.T) {
	t.Parallel()
	unsigned := func(r reply) reply { r.file = true; return r }
	xml := func(body string) reply {
		return reply{status: http.StatusOK, file: true, body: []byte("<xml><return_code><![CDATA[FAIL]]></return_code>" + body + "</xml>")}
	}
	v3, v2 := Trade{Date: "2024-11-24"}, TradeV2{Date: "2024-11-24", AppID: "wx1"}
	tests := map[string]struct {
		request Request[TradeRow]
		answer  reply
		is      []error
		not     []error
	}{
		"no bill":                           {v3, refusal("NO_STATEMENT_EXIST"), []error{ErrNotExist, code.NoStatementExist}, []error{ErrCreating, ErrDamaged}},
		"a bill that is being made":         {v3, refusal("STATEMENT_CREATING"), []error{ErrCreating, code.StatementCreating}, []error{ErrNotExist, ErrDamaged}},
		"no bill, says nobody who signs":    {v3, unsigned(refusal("NO_STATEMENT_EXIST")), nil, []error{ErrNotExist, code.NoStatementExist, ErrDamaged}},
		"in the making, says nobody":        {v3, unsigned(refusal("STATEMENT_CREATING")), nil, []error{ErrCreating, code.StatementCreating}},
		"a wrong request":                   {v3, refusal("INVALID_REQUEST"), []error{code.InvalidRequest}, []error{ErrNotExist, ErrCreating, ErrDamaged}},
		"an answer without a hash":          {v3, said(map[string]any{"download_url": "https://api.mch.weixin.qq.com/x"}), nil, []error{ErrDamaged}},
		"an answer that is none":            {v3, reply{status: 200, body: []byte("[]")}, nil, []error{ErrNotExist}},
		"no bill of APIv2":                  {v2, xml("<return_msg>No Bill Exist</return_msg><error_code>20002</error_code>"), []error{ErrNotExist}, []error{ErrCreating}},
		"no bill of APIv2, without a code":  {v2, xml("<return_msg>No Bill Exist</return_msg>"), []error{ErrNotExist}, nil},
		"no bill of APIv2, by another code": {v2, xml("<return_msg>x</return_msg><err_code>NO_BILL_EXIST</err_code>"), []error{ErrNotExist}, nil},
		"a bill of APIv2 in the making":     {v2, xml("<return_msg>x</return_msg><err_code>BILL_CREATING</err_code>"), []error{ErrCreating}, nil},
		"a wrong signature":                 {v2, xml("<return_msg>sign error</return_msg><error_code>20001</error_code>"), nil, []error{ErrNotExist, ErrCreating, ErrDamaged}},
	}
	for name, tt := range tests {
		for way, get := range ways[TradeRow]() {
			rows, err := get(t, at(map[string]reply{"/v3/bill/tradebill": tt.answer, "/pay/downloadbill": tt.answer}).client(t), tt.request)
			if err == nil || len(rows) > 0 || !strings.HasPrefix(err.Error(), "bill: ") {
				t.Errorf("%s, by %s: %d rows, %v", name, way, len(rows), err)
			}
			if _, ok := errors.AsType[*wechatpay.Error](err); !ok && name != "an answer that is none" {
				t.Errorf("%s, by %s: the error is %T", name, way, err)
			}
			for _, is := range tt.is {
				if !errors.Is(err, is) {
					t.Errorf("%s, by %s: %v is not %v", name, way, err, is)
				}
			}
			for _, not := range tt.not {
				if errors.Is(err, not) {
					t.Errorf("%s, by %s: %v is %v", name, way, err, not)
				}
			}
		}
	}
}

func TestAnAddressThatExpiredIsAppliedForOnce(t *testing.T) {
	t.Parallel()
	content := small()
	old := reply{status: http.StatusBadRequest, file: true, body: []byte(`{"code":"INVALID_REQUEST","message":"x"}`)}
	forbidden := reply{status: http.StatusForbidden, file: true, body: []byte(`{"code":"NO_AUTH","message":"x"}`)}
	for name, tt := range map[string]struct {
		downloads []reply
		asked     int
		rows      int
	}{
		"once":                {[]reply{old, file(content)}, 4, 3},
		"twice":               {[]reply{old, old}, 4, 0},
		"with another answer": {[]reply{forbidden}, 2, 0},
	} {
		for way, get := range ways[TradeRow]() {
			g := plain(told(content, "x"), reply{})
			g.answers[downloadPath] = slices.Clone(tt.downloads)
			rows, err := get(t, g.client(t), Trade{Date: "2024-11-24"})
			if len(rows) != tt.rows || (err == nil) != (tt.rows > 0) || len(g.asked) != tt.asked {
				t.Errorf("%s, by %s: %d rows after %d requests, %v", name, way, len(rows), len(g.asked), err)
			}
		}
	}
}

func TestBillsOfAPIv2(t *testing.T) {
	t.Parallel()
	whole, err := all(Read[TradeRow](strings.NewReader(string(small()))))
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"plain": small(), "packed": packed(small())} {
		for way, get := range ways[TradeRow]() {
			rows, err := get(t, at(map[string]reply{"/pay/downloadbill": file(body)}).client(t), TradeV2{Date: "2024-11-24", AppID: "wx1"}, TempDir(t.TempDir()))
			if err != nil || !reflect.DeepEqual(rows, whole) {
				t.Errorf("%s, by %s: %d rows, %v", name, way, len(rows), err)
			}
			for i := 1; i < 40; i++ { // of nothing there is an answer that is not a file
				dir := t.TempDir()
				rows, err := get(t, at(map[string]reply{"/pay/downloadbill": file(body[:len(body)*i/40])}).client(t), TradeV2{Date: "2024-11-24", AppID: "wx1"}, TempDir(dir))
				if !errors.Is(err, ErrDamaged) || way == "Open" && rows != nil {
					t.Errorf("%s and cut at place %d, by %s: %d rows, %v", name, i, way, len(rows), err)
				}
				checkGone(t, dir)
			}
		}
	}
	fund := lined(fundLines...)
	sum := told([]byte(fund), "x")["hash_value"].(string)
	for digest, ok := range map[string]bool{
		"SHA=" + sum: true, "sha=" + strings.ToUpper(sum): true, "SHA=" + strings.Repeat("0", 40): false, "": false, sum: false, "MD5=" + sum: false, "SHA=x": false,
	} {
		answer := file([]byte(fund))
		answer.header = http.Header{"Digest": {digest}}
		for way, get := range ways[FundFlowRow]() {
			rows, err := get(t, at(map[string]reply{"/pay/downloadfundflow": answer}).client(t), FundFlowV2{Date: "2024-11-24", AppID: "wx1"})
			if (err == nil) != ok || (len(rows) == 3) != ok {
				t.Errorf("with the digest %q, by %s: %d rows, %v", digest, way, len(rows), err)
			}
		}
	}
}

func TestStatementsAreSignedOverTheirHash(t *testing.T) {
	t.Parallel()
	const columns = "交易时间,微信订单号,商户订单号,交易状态,手续费,标价币种,订单金额(标价币种),支付汇率,用户退款金额"
	content := lined(columns, "`2024-11-24 08:00:01,`4200001,`order-1,`SUCCESS,`0.50,`HKD,`100.00,`91850000,`", "`2024-11-24 09:00:01,`4200001,`order-1,`REFUND,`,`HKD,`0.00,`91850000,`45.925")
	sum := told([]byte(content), "x")["hash_value"].(string)
	answer := file([]byte(content))
	answer.header = http.Header{"Wechatpay-Statement-Sha1": {sum}}
	sign(answer.header, []byte(`{"sha1":"`+sum+`"}`))
	swapped := answer
	swapped.body = []byte(strings.Replace(content, "100.00", "900.00", 1))
	short := answer
	short.body = []byte(content[:strings.LastIndex(content, "`2024")])
	for way, get := range ways[StatementRow]() {
		rows, err := get(t, at(map[string]reply{"/v3/global/statements": answer}).client(t), Statement{Date: "2024-11-24", MchID: "1"})
		if err != nil || len(rows) != 2 || rows[0].OrderAmount != 100*perYuan || rows[1].PayerRefundAmount.String() != "45.925" || rows[0].Currency != "HKD" {
			t.Errorf("%s: %+v, %v", way, rows, err)
		}
		for name, answer := range map[string]reply{"swapped": swapped, "cut off at a line": short} {
			dir := t.TempDir()
			if _, err := get(t, at(map[string]reply{"/v3/global/statements": answer}).client(t), Statement{Date: "2024-11-24", MchID: "1"}, TempDir(dir)); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s, by %s: %v", name, way, err)
			}
			checkGone(t, dir)
		}
	}
}

func TestOtherBills(t *testing.T) {
	t.Parallel()
	const overseas = "create_time,initiator,sponsor,sub_mchid,transaction_id,order_id,out_order_no,detail_id,receiver_account,amount,currency," +
		"settlement_amount,settlement_currency,exchange_rate,business_type,status,description"
	const share = "`2024-11-24 08:00:01,`system,`1900000109,`1900000110,`4200001,`3000001,`share-1,`3600001,`1900000111,`1.00,`CNY,`1.08,`HKD,`1.08,`x,`SUCCESS,`a,b"
	content := []byte(lined(overseas, share, "total_count,total_amount", "`1,`1.00"))
	g := at(map[string]reply{
		"/v3/global/profit-sharing/bill-download-url": said(map[string]any{"download_url": "https://apihk.mch.weixin.qq.com/v3/bill/downloadurl?token=x"}),
		"/v3/bill/downloadurl":                        file(content),
	})
	for way, get := range ways[ProfitSharingRow]() {
		rows, err := get(t, g.client(t), GlobalProfitSharing{Date: "2024-11-24"})
		if err != nil || len(rows) != 1 || rows[0].SettlementAmount.String() != "1.08" || rows[0].Description != "a,b" || rows[0].Other != nil {
			t.Errorf("%s: %+v, %v", way, rows, err)
		}
	}
	records := []byte(lined("Refund apply time,Refund amount(refund_fee)", "`2024-11-24,`1.00", "`2024-11-25,`2,00"))
	r := at(map[string]reply{
		"/v3/funds-to-oversea/bill-download-url": said(told(records, "x")),
		downloadPath:                             file(records),
	})
	for way, get := range ways[Record]() {
		rows, err := get(t, r.client(t), FundsToOversea{Date: "2024-11-24"})
		if err != nil || len(rows) != 2 || rows[1]["Refund amount(refund_fee)"] != "2,00" || rows[0]["Refund apply time"] != "2024-11-24" {
			t.Errorf("%s: %v, %v", way, rows, err)
		}
	}
}

func TestProfitSharingBillsMayLackBackticks(t *testing.T) {
	t.Parallel()
	const columns, total = "分账时间,微信订单号,分账金额,备注", "总笔数,总金额"
	for name, tt := range map[string]struct {
		lines []string
		want  []string // of 备注; nil for an error
	}{
		"none lacks its own":          {[]string{columns, "`2024-11-24 08:00:01,`4200001,`1.00,`a,b", total, "`1,`1.00"}, []string{"a,b"}},
		"some do":                     {[]string{columns, "`2024-11-24 08:00:01,4200001,`1.00,x", "2024-11-24 08:00:01,`4200001,1.00,", total, "`2,`2.00"}, []string{"x", ""}},
		"all do":                      {[]string{columns, "2024-11-24 08:00:01,4200001,1.00,x", total, "1,1.00"}, []string{"x"}},
		"with several totals":         {[]string{columns, "`1,`,`,`", "`2,`,`,`", "`3,`,`,`", total, "`1,`0.00", "`2,`0.00"}, []string{"", "", ""}},
		"with totals of too few":      {[]string{columns, "`1,`,`,`", "`2,`,`,`", "`3,`,`,`", total, "`1,`0.00", "`1,`0.00"}, nil},
		"with a count under a number": {[]string{columns, "`1,`,`,`", "总交易单数", "`2"}, nil},
		"with a count of no name":     {[]string{columns, "`1,`,`,`", "分账笔数", "`7"}, []string{""}},
		"with half a row as headings": {[]string{columns, "`1,`,`,`", "foo,bar,x,y", "`2,`,`,`"}, nil},
		"some do, and one has commas": {[]string{columns, "`2024-11-24 08:00:01,4200001,`1.00,a,b", total, "`1,`1.00"}, nil},
		"without a summary":           {[]string{columns, "`2024-11-24 08:00:01,`4200001,`1.00,`"}, nil},
		"with half a row":             {[]string{columns, "2024-11-24 08:00:01,4200001", total, "`1,`1.00"}, nil},
	} {
		rows, err := all(Read[ProfitSharingRow](strings.NewReader(lined(tt.lines...))))
		got := []string{}
		for _, row := range rows {
			got = append(got, row.Other["备注"])
		}
		if tt.want == nil && !errors.Is(err, ErrDamaged) || tt.want != nil && (err != nil || !slices.Equal(got, tt.want)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestRowsAreNotLostInASummary(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lines []string
		rows  int // -1 for an error
	}{
		"none":                        {[]string{"a,b", "`x,`1", "`y,`2"}, 2},
		"a line that is none":         {[]string{"a,b", "`x,`1", "foo,bar", "`y,`2"}, -1},
		"a summary":                   {[]string{"a,b", "`x,`1", "`y,`2", "总金额,人数", "`3.00,`2"}, 2},
		"one in English":              {[]string{"a,b", "`x,`1", "`y,`2", "Total amount,n", "`3.00,`2"}, 2},
		"one in other words":          {[]string{"a,b", "`x,`1", "`y,`2", "金额合计", "`3.00"}, 2},
		"two lines behind it":         {[]string{"a,b", "`x,`1", "总金额,人数", "`3.00,`2", "`y,`2"}, -1},
		"two summaries":               {[]string{"a,b", "`x,`1", "总金额,人数", "`3.00,`2", "总金额,人数", "`3.00,`2"}, -1},
		"headings alone":              {[]string{"a,b", "`x,`1", "总金额,人数"}, -1},
		"a count":                     {[]string{"a,b", "`x,`1", "`y,`2", "总笔数", "`2"}, 2},
		"a count that disagrees":      {[]string{"a,b", "`x,`1", "`y,`2", "总笔数", "`3"}, -1},
		"an empty bill and a summary": {[]string{"a,b", "总笔数", "`0"}, 0},
	} {
		rows, err := all(Read[Record](strings.NewReader(lined(tt.lines...))))
		if tt.rows < 0 && !errors.Is(err, ErrDamaged) || tt.rows >= 0 && (err != nil || len(rows) != tt.rows) {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
	}
	const columns, row = "交易时间,微信订单号,商户订单号,交易状态", "`2024-11-24 08:00:01,`4200001,`order-1,`SUCCESS"
	for _, lines := range [][]string{{columns, row, "foo", "`1", row}, {columns, row, "foo,x,y,z", row}, {columns, row, "总笔数", "`2"}, {columns, row, "总金额", "`2", "`3"}} {
		if _, err := all(Read[StatementRow](strings.NewReader(lined(lines...)))); !errors.Is(err, ErrDamaged) {
			t.Errorf("a statement %q gives %v", lines[2:], err)
		}
	}
}

func TestABillIsOfTheDayAndTheMerchantAskedFor(t *testing.T) {
	t.Parallel()
	content := small()
	of := func(old, new string) []byte { return bytes.ReplaceAll(content, []byte(old), []byte(new)) }
	edge := replaced(of("`2024-11-24", "`2024-11-23"), "`2024-11-23 00:00:02", "`2024-11-24 00:00:00")
	refunds := []byte(lined(refundColumns,
		"`2024-11-20 08:00:01,`wx1,`1900000109,`0,`,`4200001,`order-1,`o1,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`2024-11-24 23:59:59,`,`5000001,`refund-1,`0.05,`0.01,`ORIGINAL,`PROCESSING,`tea,`,`-0.00030,`0.60%,`0.00,`0.06,`",
		allTotals, "`1,`0,`0.05,`0.01,`-0.00030,`0,`0.06"))
	empty := []byte(lined(allColumns, allTotals, "`0,`0,`0,`0,`0,`0,`0"))
	next := replaced(of("`2024-11-24", "`2024-11-25"), "`2024-11-25 00:00:02", "`2024-11-25 00:00:00")
	sub := replaced(content, "`1900000109,`0,", "`1900000109,`1900000110,")
	for name, tt := range map[string]struct {
		content []byte
		date    string
		sub     string
		text    string
	}{
		"of the day":                        {content, "2024-11-24", "", ""},
		"of the day before":                 {content, "2024-11-23", "", "it is of another day: none of its rows is of 2024-11-23"},
		"of the day after":                  {content, "2024-11-25", "", "it is of another day"},
		"of which one row is at midnight":   {edge, "2024-11-24", "", ""},
		"that starts the next":              {next, "2024-11-24", "", "another day"},
		"of refunds by their time":          {refunds, "2024-11-24", "", ""},
		"of refunds of payments of the day": {refunds, "2024-11-20", "", ""},
		"of refunds of another day":         {refunds, "2024-11-21", "", "another day"},
		"that is empty":                     {empty, "2024-11-25", "1900000110", ""},
		"of the merchant, once":             {sub, "2024-11-24", "1900000110", ""},
		"of another merchant":               {sub, "2024-11-24", "1900000111", "it is of another merchant"},
		"of no sub-merchant":                {content, "2024-11-24", "1900000110", "it is of another merchant"},
	} {
		for way, get := range ways[TradeRow]() {
			g := plain(told(tt.content, "x"), file(tt.content))
			g.answers["/pay/downloadbill"] = []reply{file(tt.content)}
			for kind, request := range map[string]Request[TradeRow]{"v3": Trade{Date: tt.date, SubMchID: tt.sub}, "v2": TradeV2{Date: tt.date, SubMchID: tt.sub, AppID: "wx1"}} {
				rows, err := get(t, g.client(t), request, TempDir(t.TempDir()))
				if tt.text == "" && err != nil || tt.text != "" && (!errors.Is(err, ErrDamaged) || errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.text)) {
					t.Errorf("%s, %s by %s: %d rows, %v", name, kind, way, len(rows), err)
				}
			}
		}
	}
	fund := []byte(lined(fundLines...))
	sum := told(fund, "x")
	v2 := file(fund)
	v2.header = http.Header{"Digest": {"SHA=" + sum["hash_value"].(string)}}
	for way, get := range ways[FundFlowRow]() {
		for date, ok := range map[string]bool{"2024-11-24": true, "2024-11-25": false} {
			for kind, request := range map[string]Request[FundFlowRow]{
				"FundFlow": FundFlow{Date: date}, "FundFlowV2": FundFlowV2{Date: date, AppID: "wx1"}, "EcommerceFundFlow": EcommerceFundFlow{Date: date}, "SubMerchantFundFlow": SubMerchantFundFlow{Date: date, SubMchID: "1"},
			} {
				g := inParts(false, fundParts()...)
				g.answers["/v3/bill/sub-merchant-fundflowbill"] = g.answers["/v3/ecommerce/bill/fundflowbill"]
				g.answers["/v3/bill/fundflowbill"], g.answers[downloadPath], g.answers["/pay/downloadfundflow"] = []reply{said(sum)}, []reply{file(fund)}, []reply{v2}
				if _, err := get(t, g.client(t), request, TempDir(t.TempDir())); (err == nil) != ok || !ok && !errors.Is(err, ErrDamaged) {
					t.Errorf("%s of %s, by %s: %v", kind, date, way, err)
				}
			}
		}
	}
	for row, err := range Stream(t.Context(), plain(told(content, "x"), file(content)).client(t), Trade{Date: "2024-11-25"}) {
		if err != nil {
			t.Errorf("who stops at %s hears %v", row.OutTradeNo, err)
		}
		break
	}
}

func TestOnlyABillThatCameAsItWasMadeIsWhole(t *testing.T) {
	t.Parallel()
	spoiled := strings.Replace(lined(fundLines...), "`12.30,`12.30", "`12.30,`NaN", 1)
	sum := told([]byte(spoiled), "x")["hash_value"].(string)
	v2 := file([]byte(spoiled))
	v2.header = http.Header{"Digest": {"SHA=" + sum}}
	trade := replaced(small(), "`12.30", "`NaN")
	shares := []byte(lined("amount", "`NaN", "总笔数", "`1"))
	hashless := said(map[string]any{"download_url": "https://apihk.mch.weixin.qq.com" + downloadPath})
	statement := []byte(lined("交易时间,微信订单号,商户订单号,交易状态", "`x,`,`,`"))
	signed := file(statement)
	hash := told(statement, "x")["hash_value"].(string)
	signed.header = http.Header{"Wechatpay-Statement-Sha1": {hash}}
	sign(signed.header, []byte(`{"sha1":"`+hash+`"}`))

	whole := func(name, way string, err error, want error) {
		if !errors.Is(err, want) || errors.Is(err, ErrDamaged) == errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "line 2, column ") {
			t.Errorf("%s, by %s: %v, want %v", name, way, err, want)
		}
	}
	for way, get := range ways[FundFlowRow]() {
		_, err := get(t, at(map[string]reply{"/pay/downloadfundflow": v2}).client(t), FundFlowV2{Date: "2024-11-24", AppID: "wx1"})
		whole("FundFlowV2", way, err, ErrFormat)
		_, err = get(t, inParts(false, []byte(spoiled)[:200], []byte(spoiled)[200:]).client(t), EcommerceFundFlow{Date: "2024-11-24"})
		whole("EcommerceFundFlow", way, err, ErrFormat)
	}
	for way, get := range ways[TradeRow]() {
		_, err := get(t, at(map[string]reply{"/pay/downloadbill": file(trade)}).client(t), TradeV2{Date: "2024-11-24", AppID: "wx1"})
		whole("TradeV2", way, err, ErrDamaged)
	}
	for way, get := range ways[ProfitSharingRow]() {
		_, err := get(t, at(map[string]reply{"/v3/global/profit-sharing/bill-download-url": hashless, downloadPath: file(shares)}).client(t), GlobalProfitSharing{Date: "2024-11-24"})
		whole("GlobalProfitSharing", way, err, ErrDamaged)
	}
	for way, get := range ways[StatementRow]() {
		_, err := get(t, at(map[string]reply{"/v3/global/statements": signed}).client(t), Statement{Date: "2024-11-24", MchID: "1"})
		whole("Statement", way, err, ErrFormat)
	}
}

func TestTimesThatAreNotThereAreZero(t *testing.T) {
	t.Parallel()
	const row = "`2024-11-24 08:00:01,`wx1,`1900000109,`0,`,`4200001,`order-1,`o1,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`%s,`,`5000001,`refund-1,`0.05,`0.01,`ORIGINAL,`PROCESSING,`tea,`,`-0.00030,`0.60%%,`0.00,`0.06,`"
	for text, ok := range map[string]bool{"": true, "0": true, "-": true, " ": true, " - ": true, "x": false, "00": false} {
		rows, err := all(Read[TradeRow](strings.NewReader(lined(refundColumns, fmt.Sprintf(row, text), allTotals, "`1,`0,`0.05,`0.01,`-0.00030,`0,`0.06"))))
		if (err == nil) != ok || ok && !rows[0].RefundCreateTime.IsZero() {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "0", "-", " "} {
		if _, err := all(Read[TradeRow](strings.NewReader(string(replaced(small(), "2024-11-24 00:00:01", text))))); !errors.Is(err, ErrDamaged) {
			t.Errorf("a row without its time %q: %v", text, err)
		}
	}
}

func TestABillThatDoesNotFitIntoMemorySaysWhatToRaise(t *testing.T) {
	t.Parallel()
	content := small()
	client := clientOver(t, at(map[string]reply{"/pay/downloadbill": file(content)}), wechatpay.MaxAnswer(int64(len(content)-1)))
	for way, get := range ways[TradeRow]() {
		if _, err := get(t, client, TradeV2{Date: "2024-11-24", AppID: "wx1"}); err == nil || !strings.Contains(err.Error(), "MaxAnswer sets the limit") {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestTheSummaryIsKept(t *testing.T) {
	t.Parallel()
	content := []byte(lined(oldColumns+",x", oldRow+",`", oldTotals+",店数", "`1.0,`0.01,`0.0,`0.0,`0,`7"))
	b, err := Open(t.Context(), plain(told(content, "x"), file(content)).client(t), Trade{Date: "2014-11-10"}, TempDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	want := Summary{Rows: 1, Totals: []Total{
		{"总交易单数", "1.0", true}, {"应结订单总金额", "0.01", true}, {"退款总金额", "0.0", true}, {"充值券退款总金额", "0.0", true}, {"手续费总金额", "0", true}, {"店数", "7", false},
	}}
	if !reflect.DeepEqual(b.Summary, want) {
		t.Errorf("the summary is %+v", b.Summary)
	}
	if len(b.Columns) != 25 || b.Columns[12] != "总金额" {
		t.Errorf("the columns are %q", b.Columns)
	}
	for range 2 {
		if rows, err := all(b.Rows()); err != nil || len(rows) != 1 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	}
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if rows, err := all(b.Rows()); !errors.Is(err, os.ErrClosed) || len(rows) > 0 {
		t.Errorf("after Close, %d rows and %v", len(rows), err)
	}
}

func TestACallThatIsCancelledIsNotDamage(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := plain(told(small(), "x"), reply{status: 200, file: true})
	g.answers[downloadPath][0].body = small()[:500]
	client := clientOver(t, cancelling{g, cancel})
	dir := t.TempDir()
	if _, err := Open(ctx, client, Trade{Date: "2024-11-24"}, TempDir(dir)); !errors.Is(err, context.Canceled) || errors.Is(err, ErrDamaged) {
		t.Errorf("the error is %v", err)
	}
	checkGone(t, dir)
}

// cancelling is a gateway whose downloads end when the caller hangs up, which he does then.
type cancelling struct {
	http.RoundTripper
	cancel func()
}

func (c cancelling) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(req)
	if err == nil && strings.HasPrefix(req.URL.Path, downloadPath) {
		res.Body = hungUp{req.Context(), c.cancel}
	}
	return res, err
}

type hungUp struct {
	ctx    context.Context
	cancel func()
}

func (h hungUp) Read([]byte) (int, error) {
	h.cancel()
	<-h.ctx.Done()
	return 0, &url.Error{Op: "Get", URL: "https://example.com", Err: h.ctx.Err()}
}

func (h hungUp) Close() error { return nil }
