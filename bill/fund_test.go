package bill

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/crypt"
)

const (
	fundColumns = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
	fundTotals  = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
)

var fundLines = []string{
	fundColumns,
	"`2024-11-24 08:00:01,`4200001,`1900009231202411240001,`交易,`交易,`收入,`12.30,`12.30,`1900000109API,`,`order-1",
	"`2024-11-24 08:00:01,`4200001,`1900009231202411240002,`交易,`扣除交易手续费,`支出,`0.07,`12.23,`system,`结算手续费,`order-1",
	"`2024-11-24 09:30:00,`5000001,`1900009231202411240003,`退款,`退款,`支出,`4.56,`7.67,`admin@1900000109,`a,b`c,`refund-1",
	fundTotals,
	"`3.0,`1.0,`12.30,`2.0,`4.63",
}

func TestFundFlowBillsAreReadAndSummed(t *testing.T) {
	t.Parallel()
	content := lined(fundLines...)
	rows, err := all(Read[FundFlowRow](strings.NewReader(content)))
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	want := FundFlowRow{
		Time: time.Date(2024, 11, 24, 9, 30, 0, 0, beijing), BusinessID: "5000001", FlowID: "1900009231202411240003", Name: "退款", Type: "退款",
		Direction: Expense, Amount: 456, Balance: 767, Applicant: "admin@1900000109", Note: "a,b`c", Voucher: "refund-1",
	}
	if !reflect.DeepEqual(rows[2], want) {
		t.Errorf("got %+v\nwant %+v", rows[2], want)
	}
	wide := strings.NewReplacer("(元)", "（元）").Replace(content)
	if again, err := all(Read[FundFlowRow](strings.NewReader(wide))); err != nil || !reflect.DeepEqual(again, rows) {
		t.Errorf("with wide parentheses: %v, %v", again, err)
	}
	for old, text := range map[string]string{
		"`3.0,`1.0": "column 资金流水总笔数", "`1.0,`12.30": "column 收入笔数", "`12.30,`2.0": "column 收入金额", "`2.0,`4.63": "column 支出笔数", "`4.63": "column 支出金额",
	} {
		spoiled := strings.Replace(content, old, strings.Replace(old, ".", "1.", 1), 1)
		if _, err := all(Read[FundFlowRow](strings.NewReader(spoiled))); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "line 6, "+text) {
			t.Errorf("with another %s: %v", old, err)
		}
	}
}

// fundParts are the lines of a bill in three parts, one of which ends amid a line.
func fundParts() [][]byte {
	content := []byte(lined(fundLines...))
	return [][]byte{content[:300], content[300:450], content[450:]}
}

func TestEncryptedBillsAreDecryptedPartByPart(t *testing.T) {
	t.Parallel()
	whole, err := all(Read[FundFlowRow](strings.NewReader(lined(fundLines...))))
	if err != nil {
		t.Fatal(err)
	}
	const list, second = "/v3/ecommerce/bill/fundflowbill", downloadPath + "/2"
	change := func(fn func(told map[string]any)) func(*gateway) {
		return func(g *gateway) {
			var told struct {
				Count int              `json:"download_bill_count"`
				List  []map[string]any `json:"download_bill_list"`
			}
			decode(t, g.answers[list][0].body, &told)
			m := map[string]any{"count": told.Count, "list": told.List}
			fn(m)
			g.answers[list] = []reply{said(map[string]any{"download_bill_count": m["count"], "download_bill_list": m["list"]})}
		}
	}
	item := func(sequence int, name string, value any) func(*gateway) {
		return change(func(told map[string]any) {
			for _, part := range told["list"].([]map[string]any) {
				if part["bill_sequence"].(float64) == float64(sequence) {
					part[name] = value
				}
			}
		})
	}
	spoil := func(fn func(body []byte) []byte) func(*gateway) {
		return func(g *gateway) { g.answers[second] = []reply{file(fn(slices.Clone(g.answers[second][0].body)))} }
	}
	otherKey, err := crypt.EncryptOAEP(&keys().merchant.PublicKey, strings.Repeat("x", 32))
	if err != nil {
		t.Fatal(err)
	}
	shortKey, err := crypt.EncryptOAEP(&keys().merchant.PublicKey, "short")
	if err != nil {
		t.Fatal(err)
	}
	type test struct {
		pack   bool
		change func(*gateway)
		is     error // nil if all is well
		text   string
	}
	tests := map[string]test{
		"as it should be": {},
		"packed":          {pack: true},
		"numbered from 0 on": {change: func(g *gateway) {
			item(1, "bill_sequence", 0)(g)
			item(2, "bill_sequence", 1)(g)
			item(3, "bill_sequence", 2)(g)
		}},
		"with a wrong tag":         {change: spoil(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), is: crypt.ErrDecrypt, text: "file 2 of the bill"},
		"with a flipped bit":       {change: spoil(func(b []byte) []byte { b[7] ^= 1; return b }), is: crypt.ErrDecrypt},
		"with nothing in it":       {change: spoil(func(b []byte) []byte { return nil }), is: crypt.ErrDecrypt},
		"with another nonce":       {change: item(2, "nonce", "0123456789abcdef"), is: crypt.ErrDecrypt},
		"with another key":         {change: item(2, "encrypt_key", otherKey), is: crypt.ErrDecrypt},
		"with a short key":         {change: item(2, "encrypt_key", shortKey), is: ErrDamaged, text: "32 bytes"},
		"with another hash":        {change: item(2, "hash_value", strings.Repeat("0", 40)), is: ErrDamaged, text: "does not have the hash"},
		"with a hash that is none": {change: item(2, "hash_value", "x"), is: ErrDamaged, text: "file 2 of the bill: the hash is not"},
		"with two parts swapped": {change: func(g *gateway) {
			item(1, "bill_sequence", 9)(g)
			item(2, "bill_sequence", 1)(g)
			item(9, "bill_sequence", 2)(g)
		}, is: ErrFormat},
		"with a part twice": {change: item(3, "bill_sequence", 2), is: ErrDamaged, text: "numbered"},
		"with a gap":        {change: item(3, "bill_sequence", 4), is: ErrDamaged, text: "numbered"},
		"numbered from 2 on": {change: func(g *gateway) {
			item(3, "bill_sequence", 4)(g)
			item(2, "bill_sequence", 3)(g)
			item(1, "bill_sequence", 2)(g)
		}, is: ErrDamaged, text: "numbered"},
		"without its last part":               {change: change(func(told map[string]any) { told["list"] = told["list"].([]map[string]any)[1:] }), is: ErrDamaged, text: "tells of 3 files of the bill, and has 2"},
		"with the last part not even counted": {change: change(func(told map[string]any) { told["count"], told["list"] = 2, told["list"].([]map[string]any)[1:] }), is: ErrFormat},
		"without any part":                    {change: change(func(told map[string]any) { told["count"], told["list"] = 0, nil }), is: ErrNotExist},
		"with a bomb":                         {change: func(g *gateway) { bomb(t, g, second) }, is: ErrDamaged, text: "unpacks to more than"},
	}
	for i := range 40 {
		tests[fmt.Sprintf("cut at place %d", i)] = test{change: spoil(func(b []byte) []byte { return b[:len(b)*i/40] }), is: crypt.ErrDecrypt}
		tests[fmt.Sprintf("packed, and cut at place %d", i)] = test{pack: true, change: spoil(func(b []byte) []byte { return b[:len(b)*i/40] }), is: crypt.ErrDecrypt}
	}
	for name, tt := range tests {
		for way, get := range ways[FundFlowRow]() {
			t.Run(name+", "+way, func(t *testing.T) {
				dir := t.TempDir()
				g := inParts(tt.pack, fundParts()...)
				if tt.change != nil {
					tt.change(g)
				}
				rows, err := get(t, g.client(t), EcommerceFundFlow{Date: "2024-11-24", Gzip: tt.pack}, TempDir(dir))
				checkGone(t, dir)
				if tt.is == nil && (err != nil || !reflect.DeepEqual(rows, whole)) {
					t.Errorf("got %d rows, %v", len(rows), err)
				}
				if tt.is != nil && (!errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) || tt.is != ErrNotExist && tt.is != ErrFormat && !errors.Is(err, ErrDamaged)) {
					t.Errorf("got %d rows, %v", len(rows), err)
				}
				if err != nil && strings.Contains(err.Error(), partKey) {
					t.Errorf("the error has the key: %v", err)
				}
			})
		}
	}
}

// bomb makes a part one that unpacks to 8 MiB.
func bomb(t *testing.T, g *gateway, path string) {
	t.Helper()
	comes, err := crypt.SealGCM(partKey, partNonce, "", packed(bytes.Repeat([]byte("\r\n"), 4<<20)))
	if err != nil {
		t.Fatal(err)
	}
	g.answers[path] = []reply{file(comes)}
}

func TestEachPartWhoseAddressExpiredIsAppliedForOnce(t *testing.T) {
	t.Parallel()
	whole, err := all(Read[FundFlowRow](strings.NewReader(lined(fundLines...))))
	if err != nil {
		t.Fatal(err)
	}
	const list, second, third = "/v3/ecommerce/bill/fundflowbill", downloadPath + "/2", downloadPath + "/3"
	old := reply{status: http.StatusBadRequest, file: true, body: []byte(`{"code":"INVALID_REQUEST","message":"x"}`)}
	changed := inParts(false, append([][]byte{[]byte("x")}, fundParts()[1:]...)...)
	fewer := inParts(false, fundParts()[:2]...)
	for name, tt := range map[string]struct {
		answers map[string][]reply
		applied int
		text    string // of the error, "" for none
	}{
		"once":                          {map[string][]reply{second: {old}}, 2, ""},
		"twice":                         {map[string][]reply{second: {old}, third: {old}}, 3, ""},
		"the same part twice":           {map[string][]reply{second: {old, old}}, 2, "INVALID_REQUEST"},
		"and the bill is another then":  {map[string][]reply{second: {old}, list: {{}, changed.answers[list][0]}}, 2, "made anew"},
		"and there are fewer parts":     {map[string][]reply{second: {old}, list: {{}, fewer.answers[list][0]}}, 2, "made anew"},
		"and there is no bill any more": {map[string][]reply{second: {old}, list: {{}, refusal("NO_STATEMENT_EXIST")}}, 2, "there is no bill"},
	} {
		for way, get := range ways[FundFlowRow]() {
			dir := t.TempDir()
			g := inParts(false, fundParts()...)
			for path, answers := range tt.answers {
				answers = slices.Clone(answers)
				if path == list {
					answers[0] = g.answers[list][0]
					g.answers[path] = answers
					continue
				}
				g.answers[path] = append(answers, g.answers[path]...)
			}
			rows, err := get(t, g.client(t), EcommerceFundFlow{Date: "2024-11-24"}, TempDir(dir))
			checkGone(t, dir)
			if (err == nil) != (tt.text == "") || err == nil && !reflect.DeepEqual(rows, whole) || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%s, by %s: %d rows, %v", name, way, len(rows), err)
			}
			applied := 0
			for _, target := range g.asked {
				if strings.Contains(target, list) {
					applied++
				}
			}
			if applied != tt.applied {
				t.Errorf("%s, by %s: applied %d times", name, way, applied)
			}
		}
	}
}

func TestFundFlowsThatGoNowhereAreAnError(t *testing.T) {
	t.Parallel()
	_, err := all(Read[FundFlowRow](strings.NewReader(strings.Replace(lined(fundLines...), "`支出,`4.56", "`冻结,`4.56", 1))))
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "line 4, column 收支类型: neither 收入 nor 支出") {
		t.Errorf("the error is %v", err)
	}
	_, err = all(Read[FundFlowRow](strings.NewReader(strings.Replace(lined(fundLines...), "`3.0,`1.0", "`3.0,`2.0", 1))))
	if err == nil || !strings.Contains(err.Error(), "收入笔数: the summary says 2, the rows come to 1") {
		t.Errorf("the error is %v", err)
	}
}

// TestWhoWritesANoteCannotMakeADayUnreadable is about the reasons of refunds.
func TestWhoWritesANoteCannotMakeADayUnreadable(t *testing.T) {
	t.Parallel()
	content := lined(fundLines...)
	for name, tt := range map[string]struct{ old, new, note, voucher string }{
		"one column more":       {"a,b`c", "a,`b", "a,`b", "refund-1"},
		"many":                  {"a,b`c", ",`,`1,`2,`", ",`,`1,`2,`", "refund-1"},
		"with blanks":           {"a,b`c", "x ,` y", "x ,` y", "refund-1"},
		"all columns of a row":  {"a,b`c", strings.Repeat("x,`", 11), strings.Repeat("x,`", 11), "refund-1"},
		"none":                  {"a,b`c", "a", "a", "refund-1"},
		"and no voucher":        {"a,b`c,`refund-1", "a,`b,`", "a,`b", ""},
		"a voucher with blanks": {"a,b`c,`refund-1", "a,`b,`re fund", "", ""}, // for what is which?
		"a voucher with commas": {"a,b`c,`refund-1", "a,`b,`re,fund", "", ""},
	} {
		rows, err := all(Read[FundFlowRow](strings.NewReader(strings.Replace(content, tt.old, tt.new, 1))))
		if tt.note == "" {
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "line 4: it has more than the 11 values") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || len(rows) != 3 || rows[2].Note != tt.note || rows[2].Voucher != tt.voucher || rows[2].Applicant != "admin@1900000109" {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
	}
	if _, err := all(Read[FundFlowRow](strings.NewReader(strings.Replace(content, "`4.63", "`4.63,`1", 1)))); !errors.Is(err, ErrDamaged) {
		t.Errorf("a summary with a value too many gives %v", err)
	}
	if _, err := all(Read[FundFlowRow](strings.NewReader(strings.Replace(content, "order-1\r\n", "order-1", 1)))); !errors.Is(err, ErrDamaged) {
		t.Errorf("two rows in a line give %v", err)
	}
}
