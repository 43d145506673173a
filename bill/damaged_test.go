package bill

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const (
	successColumns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注"
	successRow     = "`2024-11-24 08:00:01,`wx1,`1900000109,`0,`,`4200001,`order-1,`o1,`JSAPI,`SUCCESS,`OTHERS,`CNY,`0.05,`0.01,`tea,`,`0.00030,`0.60%,`0.06,`"
	successTotals  = "总交易单数,应结订单总金额,手续费总金额,订单总金额"

	refundColumns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额," +
		"退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"

	oldColumns = "交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,企业红包金额," +
		"微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率"
	oldRow    = "`2014-11-10 16:33:45,`wx1,`10000100,`0,`1000,`1001690740201411100005734289,`1415640626,`o1,`MICROPAY,`SUCCESS,`CFT,`CNY,`0.01,`0.0,`0,`0,`0,`0,`,`,`tea,`,`0,`0.60%"
	oldTotals = "总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额"
)

// lined is a file with these lines, as bills are: with a BOM, and with CRLF.
func lined(lines ...string) string { return "\ufeff" + strings.Join(lines, "\r\n") + "\r\n" }

// small is a trade bill of three rows.
func small() []byte {
	row := func(format string, n int) string { return strings.TrimSuffix(fmt.Sprintf(format, n, n, n), "\r\n") }
	return []byte(lined(allColumns, row(paidRow, 1), row(paidRow, 2), row(refundRow, 3), allTotals,
		"`3.0,`24.60,`4.56,`0.00,`0.12024,`24.60,`4.56"))
}

func replaced(content []byte, old, new string) []byte {
	if !bytes.Contains(content, []byte(old)) {
		panic("there is no " + old)
	}
	return bytes.Replace(content, []byte(old), []byte(new), 1)
}

// check gets a bill in both ways, and expects either these rows or an error that is one of the two, with this text.
func check(t *testing.T, name string, g func() *gateway, want []TradeRow, is error, text string, opts ...Option) {
	t.Helper()
	for way, get := range ways[TradeRow]() {
		t.Run(name+", "+way, func(t *testing.T) {
			dir := t.TempDir()
			rows, err := get(t, g().client(t), Trade{Date: "2024-11-24"}, append(opts, TempDir(dir))...)
			checkGone(t, dir)
			if want != nil {
				if err != nil || !reflect.DeepEqual(rows, want) {
					t.Errorf("got %d rows, %v: %+v", len(rows), err, rows)
				}
				return
			}
			if !errors.Is(err, is) || errors.Is(err, ErrDamaged) == errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), text) || !strings.HasPrefix(err.Error(), "bill: ") {
				t.Errorf("the error is %v, want %v: …%s…", err, is, text)
			}
			if way == "Open" && rows != nil {
				t.Errorf("there are %d rows", len(rows))
			}
		})
	}
}

func TestABillThatIsNotWholeIsAnError(t *testing.T) {
	t.Parallel()
	whole, err := all(Read[TradeRow](bytes.NewReader(small())))
	if err != nil || len(whole) != 3 {
		t.Fatal(len(whole), err)
	}
	content := small()
	both := map[string]struct {
		bytes []byte
		token string
	}{"plain": {content, "x"}, "packed": {packed(content), "x&tartype=gzip"}}
	for kind, of := range both {
		served := func(content []byte, cut bool) func() *gateway {
			return func() *gateway {
				return plain(told(small(), of.token), reply{status: http.StatusOK, body: content, file: true, cut: cut})
			}
		}
		check(t, kind+" and whole", served(of.bytes, false), whole, nil, "")
		for i := range 40 {
			short := of.bytes[:len(of.bytes)*i/40]
			check(t, fmt.Sprintf("%s, cut at place %d", kind, i), served(short, false), nil, ErrDamaged, "")
			check(t, fmt.Sprintf("%s, broken off at place %d", kind, i), served(short, true), nil, ErrDamaged, "")
			flipped := slices.Clone(of.bytes)
			flipped[len(flipped)*i/40] ^= 1 << (i % 8)
			if rows, err := unpackedRows(flipped); err == nil && reflect.DeepEqual(rows, whole) {
				continue // a bit of the time or the like, which says nothing
			}
			check(t, fmt.Sprintf("%s, with a bit flipped at place %d", kind, i), served(flipped, false), nil, ErrDamaged, "")
		}
	}
}

// unpackedRows are those of a packed bill.
func unpackedRows(packed []byte) ([]TradeRow, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return all(Read[TradeRow](r))
}

func TestADamagedBillIsAnErrorAndASoundOneHasItsRows(t *testing.T) {
	t.Parallel()
	content := small()
	whole, err := all(Read[TradeRow](bytes.NewReader(content)))
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(rows []TradeRow)) []TradeRow {
		rows := slices.Clone(whole)
		change(rows)
		return rows
	}
	lf := bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	long := replaced(content, "咖啡", strings.Repeat("x", maxLine))
	tests := map[string]struct {
		content []byte
		rows    []TradeRow // nil for an error
		text    string     // of the error
	}{
		"as it should be":                         {content, whole, ""},
		"without a BOM":                           {content[3:], whole, ""},
		"with LF alone":                           {lf, whole, ""},
		"with LF alone and without a BOM":         {lf[3:], whole, ""},
		"without what ends the last line":         {bytes.TrimSuffix(content, []byte("\r\n")), whole, ""},
		"with empty lines at the end":             {append(slices.Clone(content), "\r\n\r\n"...), whole, ""},
		"with a count that is whole":              {replaced(content, "`3.0,", "`3,"), whole, ""},
		"with comma and backtick in a value":      {replaced(content, "咖啡", "a,b`c,"), with(func(r []TradeRow) { r[0].Description = "a,b`c,，大杯\\ 加糖" }), ""},
		"with a value that begins with both":      {replaced(content, "`咖啡", "``,咖啡"), with(func(r []TradeRow) { r[0].Description = "`,咖啡，大杯\\ 加糖" }), ""},
		"with commas before the next column":      {replaced(content, "加糖,`", "加糖,,`"), with(func(r []TradeRow) { r[0].Description += "," }), ""},
		"with a sum that disagrees":               {replaced(content, "`24.60,`4.56,", "`24.61,`4.56,"), nil, "line 6, column 应结订单总金额: the summary says 24.61, the rows come to 24.60"},
		"with fees that disagree":                 {replaced(content, "`0.12024", "`0.12025"), nil, "line 6, column 手续费总金额: the summary says 0.12025, the rows come to 0.12024"},
		"with a count that disagrees":             {replaced(content, "`3.0,", "`4.0,"), nil, "line 6, column 总交易单数: the summary says 4, the rows come to 3"},
		"with a count that is a fraction":         {replaced(content, "`3.0,", "`3.5,"), nil, "the summary says 3.50, the rows come to 3"},
		"with a column renamed":                   {replaced(content, ",订单金额,", ",订购金额,"), nil, "line 6, column 订单总金额: column 订单金额 is missing, but the summary totals it"},
		"with a unit behind a column":             {replaced(replaced(content, ",订单金额,", ",订单金额(元),"), ",手续费,", ",手续费（元）,"), whole, ""},
		"with a unit behind what is not money":    {replaced(content, "交易时间", "交易时间(元)"), nil, "line 1, column 交易时间: it is missing"},
		"with a unit behind a total":              {replaced(replaced(content, ",手续费总金额", ",手续费总金额(元)"), "`0.12024", "`0.12025"), nil, "line 6, column 手续费总金额: the summary says 0.12025"},
		"with a column twice, once with its unit": {replaced(content, "付款银行", "手续费(元)"), nil, "line 1, column 手续费: it is there twice"},
		"with a sum that is none":                 {replaced(content, "`3.0,`24.60", "`3.0,`24.6O"), nil, "line 6, column 应结订单总金额: not an amount"},
		"without its count":                       {replaced(replaced(content, "总交易单数,", ""), "`3.0,", ""), nil, "line 6, column 总交易单数: it is missing"},
		"without a row":                           {replaced(content, fmt.Sprintf(paidRow, 1, 1, 1), ""), nil, "line 5, column 总交易单数"},
		"with a row twice":                        {replaced(content, fmt.Sprintf(paidRow, 1, 1, 1), fmt.Sprintf(paidRow+paidRow, 1, 1, 1, 1, 1, 1)), nil, "line 7, column 总交易单数"},
		"without a summary":                       {content[:bytes.Index(content, []byte("总交易"))], nil, "line 4: the bill ends here, without a summary"},
		"with the headings of a summary":          {content[:bytes.LastIndex(content, []byte("`3.0"))], nil, "line 5: the summary has headings only"},
		"with a summary cut short":                {content[:bytes.LastIndex(content, []byte(",`24.60"))], nil, "line 6: it has 5 values, the heading names 7"},
		"with something after the summary":        {append(slices.Clone(content), "`1\r\n"...), nil, "line 7: something follows"},
		"with two summaries":                      {append(slices.Clone(content), content[bytes.Index(content, []byte("总交易")):]...), nil, "line 7: something follows"},
		"with a column too few":                   {replaced(content, "`JSAPI,", ""), nil, "line 2: it has 26 values, the heading names 27"},
		"with a column too many":                  {replaced(content, "`JSAPI,", "`JSAPI,`,"), nil, "line 2: it has more than the 27 values"},
		"with a row that begins with no backtick": {replaced(content, "`2024", "2024"), nil, "line 2: it does not begin with a backtick"},
		"with a backtick lost":                    {replaced(content, ",`1900000109", ",1900000109"), nil, "line 2: it has 26 values"},
		"with an amount of three decimals":        {replaced(content, "`12.30", "`12.301"), nil, "line 2, column 应结订单金额: not an amount with at most 2 decimals"},
		"with an amount that is missing":          {replaced(content, "`12.30", "`"), nil, "line 2, column 应结订单金额"},
		"with an amount like 1e3":                 {replaced(content, "`12.30", "`1e3"), nil, "line 2, column 应结订单金额"},
		"with an amount that is not a number":     {replaced(content, "`12.30", "`NaN"), nil, "line 2, column 应结订单金额"},
		"with an amount beyond int64":             {replaced(content, "`12.30", "`92233720368547758.08"), nil, "line 2, column 应结订单金额"},
		"with an amount beyond all sums":          {replaced(content, "`12.30", "`92233720368547.76"), nil, "line 2, column 应结订单金额: an amount beyond all measure"},
		"with a sum beyond int64":                 {replaced(replaced(content, "`12.30", "`92233720368547.75"), "`12.30,`0.00,`0,`0", "`92233720368547.75,`0.00,`0,`0"), nil, "the sum up to here is beyond all measure"},
		"with a fee of six decimals":              {replaced(content, "`0.07380", "`0.073801"), nil, "line 2, column 手续费: not an amount with at most 5 decimals"},
		"with the 30th of February":               {replaced(content, "2024-11-24", "2024-02-30"), nil, "line 2, column 交易时间: not a time"},
		"with a 25th hour":                        {replaced(content, "00:00:01", "25:00:01"), nil, "line 2, column 交易时间"},
		"with a time that is none":                {replaced(content, "00:00:01", "00:00:x1"), nil, "line 2, column 交易时间"},
		"that is empty":                           {nil, nil, "line 1: the file is empty"},
		"that is a BOM":                           {[]byte("\ufeff"), nil, "line 1: heading 1 is empty"},
		"that is HTML":                            {[]byte("<html><body>502</body></html>"), nil, "line 1, column 交易时间: it is missing"},
		"that is of another kind":                 {[]byte(lined(fundColumns, fundTotals, "`0,`0,`0,`0,`0")), nil, "line 1, column 交易时间: it is missing"},
		"without the column of the amounts":       {replaced(content, "应结订单金额,", "x,"), nil, "line 1, column 应结订单金额: it is missing"},
		"with a heading twice":                    {replaced(content, "公众账号ID", "商户号"), nil, "line 1: heading 3 is empty, or there twice"},
		"with a column under two names":           {replaced(content, "公众账号ID", "总金额"), nil, "line 1, column 应结订单金额: it is there twice"},
		"with a total under two names":            {replaced(content, "订单总金额,申请", "总交易额,申请"), nil, "line 6, column 应结订单总金额: it is there twice"},
		"with a line without end":                 {long, nil, "line 2: it has more than 1048576 bytes"},
		"with headings without end":               {[]byte(strings.Repeat("x,", maxColumns)), nil, "line 1: it has more than 1000 columns"},
	}
	for name, tt := range tests {
		check(t, name, func() *gateway { return plain(told(tt.content, "x"), file(tt.content)) }, tt.rows, ErrFormat, tt.text)
		rows, err := all(Read[TradeRow](bytes.NewReader(tt.content)))
		if tt.rows != nil && (err != nil || !reflect.DeepEqual(rows, tt.rows)) || tt.rows == nil && (!errors.Is(err, ErrDamaged) || errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.text)) {
			t.Errorf("%s, by Read: %d rows, %v", name, len(rows), err)
		}
	}
	other := told(append(content, ' '), "x")
	check(t, "with another hash", func() *gateway { return plain(other, file(content)) }, nil, ErrDamaged, "does not have the hash")
	worse := replaced(content, "`12.30", "`NaN")
	check(t, "with another hash and an amount that is none", func() *gateway { return plain(other, file(worse)) }, nil, ErrDamaged, "")
	check(t, "with an amount that is none, and broken off", func() *gateway {
		return plain(told(worse, "x"), reply{status: http.StatusOK, body: worse, file: true, cut: true})
	}, nil, ErrDamaged, "")
	check(t, "with an amount that is none, and larger than it may be", func() *gateway { return plain(told(worse, "x"), file(worse)) }, nil, ErrDamaged, "more bytes than MaxBytes", MaxBytes(int64(len(worse)-1)))
	bomb := packed(append(slices.Clone(content), bytes.Repeat([]byte("\r\n"), 4<<20)...))
	check(t, "that is a bomb", func() *gateway { return plain(told(content, "x&tartype=GZIP"), file(bomb)) }, nil, ErrDamaged, "unpacks to more than")
	check(t, "larger than it may be", func() *gateway { return plain(told(content, "x"), file(content)) }, nil, ErrDamaged, "more bytes than MaxBytes", MaxBytes(int64(len(content)-1)))
	check(t, "as large as it may be", func() *gateway { return plain(told(content, "x"), file(content)) }, whole, nil, "", MaxBytes(int64(len(content))))
}

func TestTheVariantsOfTradeBills(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lines []string
		want  string // of the rows
	}{
		"payments, of 20 columns": {[]string{successColumns, successRow, successTotals, "`1.0,`0.05,`0.00030,`0.06"}, "order-1 5 1 0 0 0.0003 6 0 []"},
		"refunds, of 29 columns": {[]string{refundColumns,
			"`2024-11-24 08:00:01,`wx1,`1900000109,`0,`,`4200001,`order-1,`o1,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`2024-11-24 08:00:01,`,`5000001,`refund-1,`0.05,`0.01,`ORIGINAL,`PROCESSING,`tea,`,`-0.00030,`0.60%,`0.00,`0.06,`",
			allTotals, "`1,`0,`0.05,`0.01,`-0.00030,`0,`0.06"}, "order-1 0 0 5 1 -0.0003 0 6 []"},
		"old ones, of 24 columns": {[]string{oldColumns, oldRow, oldTotals, "`1,`0.01,`0.0,`0.0,`0"}, "1415640626 1 0 0 0 0.00 0 0 []"},
		"old ones, with the names of APIv2": {[]string{strings.NewReplacer("企业红包金额", "代金券或立减优惠金额", "企业红包退款金额", "代金券或立减优惠退款金额").Replace(oldColumns),
			oldRow, strings.Replace(oldTotals, "总企业红包退款金额", "总代金券或立减优惠退款金额", 1), "`1,`0.01,`0.0,`0.0,`0"}, "1415640626 1 0 0 0 0.00 0 0 []"},
		"with columns in another order":   {[]string{"费率备注,手续费," + strings.TrimSuffix(strings.Replace(successColumns, ",手续费", "", 1), ",费率备注"), "`,`0.00030," + strings.TrimSuffix(strings.Replace(successRow, ",`0.00030", "", 1), ",`"), successTotals, "`1.0,`0.05,`0.00030,`0.06"}, "order-1 5 1 0 0 0.0003 6 0 []"},
		"with columns that nobody knows":  {[]string{successColumns + ",门店, 备用 ", successRow + ",`7,`", successTotals + ",门店数", "`1,`0.05,`0.00030,`0.06,`1"}, "order-1 5 1 0 0 0.0003 6 0 [备用= 门店=7]"},
		"with a total of 0 of no column":  {[]string{successColumns, successRow, successTotals + ",退款总金额", "`1.0,`0.05,`0.00030,`0.06,`0.00"}, "order-1 5 1 0 0 0.0003 6 0 []"},
		"with a total of no column":       {[]string{successColumns, successRow, successTotals + ",退款总金额", "`1.0,`0.05,`0.00030,`0.06,`9"}, "column 退款金额 is missing, but the summary totals it"},
		"with a total of no column, bare": {[]string{successColumns, successRow, successTotals + ",退款总金额", "`1.0,`0.05,`0.00030,`0.06,`-"}, "order-1 5 1 0 0 0.0003 6 0 []"},
		"with a total that is none":       {[]string{successColumns, successRow, successTotals + ",退款总金额", "`1.0,`0.05,`0.00030,`0.06,`x"}, "not an amount"},
		"without a row":                   {[]string{allColumns, allTotals, "`0.0,`0.0,`0.0,`0.0,`0.0,`0.0,`0.0"}, ""},
	}
	for name, tt := range tests {
		content := []byte(lined(tt.lines...))
		for way, get := range ways[TradeRow]() {
			date := "2024-11-24"
			if strings.HasPrefix(name, "old ones") {
				date = "2014-11-10"
			}
			rows, err := get(t, plain(told(content, "x"), file(content)).client(t), Trade{Date: date}, TempDir(t.TempDir()))
			if err != nil {
				if !errors.Is(err, ErrFormat) || !strings.HasSuffix(err.Error(), tt.want) && !strings.Contains(err.Error(), tt.want+" with") || tt.want == "" {
					t.Errorf("%s by %s: %v", name, way, err)
				}
				continue
			}
			var got []string
			for _, r := range rows {
				var other []string
				for name, value := range r.Other {
					other = append(other, name+"="+value)
				}
				slices.Sort(other)
				got = append(got, fmt.Sprint(r.OutTradeNo, " ", r.SettlementTotal, r.CouponAmount, r.RefundAmount, r.CouponRefundAmount, " ", r.Fee, " ", r.OrderAmount, r.RefundRequestAmount, " ", other))
			}
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("%s by %s: %q; want %q", name, way, got, tt.want)
			}
		}
	}
}

func TestTimesAreThoseOfBeijing(t *testing.T) {
	t.Parallel()
	texts := []string{"2024-02-29 23:59:59", "2024-03-01 00:00:00", "2024-02-29 00:00:00", "2024-03-01T00:00:00Z", "1970-01-01 08:00:00"}
	want := []string{"2024-02-29T23:59:59+08:00", "2024-03-01T00:00:00+08:00", "2024-02-29T00:00:00+08:00", "2024-03-01T08:00:00+08:00", "1970-01-01T08:00:00+08:00"}
	lines := []string{successColumns}
	for _, text := range texts {
		lines = append(lines, strings.Replace(successRow, "2024-11-24 08:00:01", text, 1))
	}
	rows, err := all(Read[TradeRow](strings.NewReader(lined(append(lines, successTotals, "`5,`0.25,`0.0015,`0.30")...))))
	if err != nil || len(rows) != len(want) {
		t.Fatal(len(rows), err)
	}
	for i, row := range rows {
		if got := row.Time.Format(time.RFC3339); got != want[i] {
			t.Errorf("%s is read as %s, want %s", texts[i], got, want[i])
		}
	}
}

// TestAFileThatIsCutHasAllItsRowsOrAnError is about files that no hash protects.
func TestAFileThatIsCutHasAllItsRowsOrAnError(t *testing.T) {
	t.Parallel()
	content := small()
	whole, err := all(Read[TradeRow](bytes.NewReader(content)))
	if err != nil {
		t.Fatal(err)
	}
	fund := []byte(lined(fundLines...))
	movements, err := all(Read[FundFlowRow](bytes.NewReader(fund)))
	if err != nil {
		t.Fatal(err)
	}
	for cut := range content {
		rows, err := all(Read[TradeRow](iotest.HalfReader(bytes.NewReader(content[:cut]))))
		if err == nil && !reflect.DeepEqual(rows, whole) || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d of %d: %d rows, %v", cut, len(content), len(rows), err)
		}
	}
	for cut := range fund {
		rows, err := all(Read[FundFlowRow](bytes.NewReader(fund[:cut])))
		if err == nil && !reflect.DeepEqual(rows, movements) || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d of %d: %d rows, %v", cut, len(fund), len(rows), err)
		}
	}
}

func TestWhatCannotBeReadIsNotTheBillsFault(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is on fire")
	rows, err := all(Read[TradeRow](io.MultiReader(bytes.NewReader(small()[:900]), iotest.ErrReader(broken))))
	if !errors.Is(err, broken) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "bill: after line ") {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestWhoStopsEarlyHearsNoMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := 0
	for _, err := range Stream(t.Context(), plain(told(nil, "x"), file(small())).client(t), Trade{Date: "2024-11-24"}, TempDir(dir)) {
		if n++; err != nil {
			t.Error(err)
		}
		break
	}
	if n != 1 {
		t.Errorf("there were %d rows", n)
	}
	checkGone(t, dir)
}

// TestAValueThatIsEmptyIsNotThatOfTheRowBefore: the values of all rows are in one slice.
func TestAValueThatIsEmptyIsNotThatOfTheRowBefore(t *testing.T) {
	t.Parallel()
	lines := strings.Split(string(small()), "\r\n")
	lines[1] += "a note"
	rows, err := all(Read[TradeRow](strings.NewReader(strings.Join(lines, "\r\n"))))
	if err != nil || len(rows) != 3 || rows[0].RateNote != "a note" || rows[1].RateNote != "" {
		t.Errorf("the rows are %+v, %v", rows, err)
	}
}
