package bill

import (
	"context"
	"encoding/json"
	"errors"
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
	for digest, ok := range map[string]bool{"SHA=" + sum: true, "SHA=" + strings.Repeat("0", 40): false, "": true} {
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
		"with several totals":         {[]string{columns, total, "`0,`0.00", "`0,`0.00"}, []string{}},
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
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID: "1900000109", SerialNo: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", PrivateKey: keys().merchant, PlatformKeys: platformKeys(),
	}, wechatpay.Transport(cancelling{g, cancel}))
	if err != nil {
		t.Fatal(err)
	}
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
