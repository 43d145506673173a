package sim_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// The tests of bills stop the wire clock at noon, so that times are known to the second.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60))

// otherMerchant is a merchant that has nothing to do with the first.
const otherMerchant = "1900000001"

// biller is merchants that pay by APIv2 and fetch bills.
type biller struct {
	*v2Caller
}

// newBiller knows, besides the default world, another merchant, and lets all of them sign.
func newBiller(t *testing.T, change ...func(*sim.Config)) *biller {
	t.Helper()
	w := simtest.World(t)
	other := w.Merchants[0]
	other.MchID, other.BrandID = otherMerchant, ""
	w.Merchants = append(w.Merchants, other)
	sub := &w.Merchants[1]
	sub.PrivateKey, sub.Certificate, sub.SerialNo = other.PrivateKey, other.Certificate, other.SerialNo
	c := sim.Config{World: w, Clock: func() time.Time { return noon }}
	for _, fn := range change {
		fn(&c)
	}
	return &biller{v2CallerWith(t, c)}
}

// got is an answer to a call of APIv3.
type got struct {
	*http.Response
	body []byte
}

// short is the status, of a refusal with its code and message.
func (g got) short() string {
	var e struct{ Code, Message string }
	if g.StatusCode == http.StatusOK || json.Unmarshal(g.body, &e) != nil {
		return fmt.Sprint(g.StatusCode)
	}
	return fmt.Sprint(g.StatusCode, " ", e.Code, " ", e.Message)
}

// get signs and sends, in the name of a merchant.
func (b *biller) get(mchID, target string) got {
	b.t.Helper()
	m := b.World.Merchant(mchID)
	key := must(auth.ParsePrivateKey([]byte(m.PrivateKey)))
	a := must(must(auth.NewSigner(mchID, m.SerialNo, key)).Authorize(http.MethodGet, target, nil, noon))
	req := must(http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL+target, nil))
	req.Header.Set("Authorization", a.Header())
	req.Header.Set("Accept", "*/*")
	req.Header.Set("User-Agent", "test")
	res := must(http.DefaultTransport.RoundTrip(req))
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return got{res, body}
}

// billLink is what the answer to an application says.
type billLink struct {
	URL      string `json:"download_url"`
	HashType string `json:"hash_type"`
	Hash     string `json:"hash_value"`
	Sequence int    `json:"bill_sequence"`
	Key      string `json:"encrypt_key"`
	Nonce    string `json:"nonce"`
}

// target is the download_url without the host, which is the gateway's.
func (l billLink) target(t *testing.T, b *biller) string {
	t.Helper()
	address, err := url.Parse(l.URL)
	if err != nil || !strings.HasPrefix(l.URL, b.URL+"/v3/billdownload/file?token=") {
		t.Fatalf("the file is at %q, %v", l.URL, err)
	}
	return address.RequestURI()
}

// apply asks for a bill that there is.
func (b *biller) apply(mchID, target string) (l billLink) {
	b.t.Helper()
	g := b.get(mchID, target)
	if g.StatusCode != http.StatusOK || g.Header.Get("Wechatpay-Signature") == "" {
		b.t.Fatalf("%s: %d %s", target, g.StatusCode, g.body)
	}
	if err := json.Unmarshal(g.body, &l); err != nil {
		b.t.Fatal(err)
	}
	return l
}

// fetch asks for a bill and downloads it, and compares it with its hash.
func (b *biller) fetch(mchID, target string) []byte {
	b.t.Helper()
	l := b.apply(mchID, target)
	file := b.get(mchID, l.target(b.t, b))
	if file.StatusCode != http.StatusOK || file.Header.Get("Wechatpay-Signature") != "" {
		b.t.Fatalf("the file is answered %d %s with %v", file.StatusCode, file.body, file.Header)
	}
	if sum := sha1.Sum(file.body); l.HashType != "SHA1" || l.Hash != hex.EncodeToString(sum[:]) {
		b.t.Errorf("%s: the file of %d bytes does not have the hash %s %s", target, len(file.body), l.HashType, l.Hash)
	}
	return file.body
}

// sheet is a bill that was read.
type sheet struct {
	heading, sumHeading string
	rows                [][]string
	sum                 []string
}

// read takes a bill apart by the rules of the documents: byte order mark, CRLF, a backtick before each value.
func (b *biller) read(file []byte) (s sheet) {
	b.t.Helper()
	text, hasMark := strings.CutPrefix(string(file), "\ufeff")
	lines := strings.Split(text, "\r\n")
	if !hasMark || len(lines) < 4 || lines[len(lines)-1] != "" || strings.Count(text, "\n") != len(lines)-1 {
		b.t.Fatalf("no bill: %q", file)
	}
	values := func(line string) []string {
		rest, ok := strings.CutPrefix(line, "`")
		if !ok {
			b.t.Fatalf("the row %q does not begin with a backtick", line)
		}
		return strings.Split(rest, ",`")
	}
	s.heading, lines = lines[0], lines[1:len(lines)-1]
	s.sumHeading, s.sum = lines[len(lines)-2], values(lines[len(lines)-1])
	for _, line := range lines[:len(lines)-2] {
		s.rows = append(s.rows, values(line))
	}
	for _, row := range s.rows {
		if len(row) != strings.Count(s.heading, ",")+1 {
			b.t.Errorf("a row has %d values under the heading %s: %q", len(row), s.heading, row)
		}
	}
	return s
}

// column is the values under a heading.
func (s sheet) column(name string) (values []string) {
	i := slices.Index(strings.Split(s.heading, ","), name)
	for _, row := range s.rows {
		values = append(values, row[i])
	}
	return values
}

// bill reads the trade bill of the first merchant for the day at whose noon it all begins.
func (b *biller) bill(options string) sheet {
	b.t.Helper()
	return b.read(b.fetch(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24"+options))
}

// ok carries out a step that ends in SUCCESS.
func (b *biller) ok(do step) {
	b.t.Helper()
	if got := do(b.v2Caller); !strings.HasPrefix(got, success) {
		b.t.Fatal(got)
	}
}

// number is a member of what queries tell.
func (b *biller) number(path, name string, p ...string) string {
	b.t.Helper()
	return b.call(path, named(p...)).members.Get(name)
}

// ordinaryDay is a day with one of each, and what falls out of it.
func ordinaryDay(b *biller) (transaction, reversed, ofSub, refundID string) {
	b.t.Helper()
	b.ok(order("total_fee", "10000", "attach", "深圳", "device_info", "D1"))
	b.PayTrade("A1000001")
	b.Advance(time.Minute)
	b.ok(refunded("total_fee", "10000", "refund_fee", "5000", "refund_desc", "缺货"))
	b.ok(byCode("out_trade_no", "A1000002", "total_fee", "9999"))
	b.Advance(time.Minute)
	b.ok(reversedOf("A1000002"))
	b.ok(order("out_trade_no", "A1000003", "total_fee", "1", "sub_mch_id", world.SubMerchant))
	b.PayTrade("A1000003")
	b.failed("A1000006")
	b.ok(order("out_trade_no", "A1000004"))                                     // which nobody pays
	b.Advance(11*time.Hour + 58*time.Minute)                                    // to midnight
	b.ok(byCode("out_trade_no", "A1000005", "auth_code", "130061098828009407")) // which is of the next day
	transaction = b.number("/pay/orderquery", "transaction_id", "out_trade_no", "A1000001")
	reversed = b.number("/pay/orderquery", "transaction_id", "out_trade_no", "A1000002")
	ofSub = b.number("/pay/orderquery", "transaction_id", "out_trade_no", "A1000003")
	return transaction, reversed, ofSub, b.number("/pay/refundquery", "refund_id_0", "out_refund_no", "R1")
}

// failed is a payment by code that was not made, and reversed all the same.
func (b *biller) failed(no string) {
	b.t.Helper()
	if got := byCode("out_trade_no", no, "total_fee", "100000", "auth_code", "130061098828009408")(b.v2Caller); !strings.HasPrefix(got, "USERPAYING") {
		b.t.Fatal(got)
	}
	if _, err := b.Control().DeclineTrade(b.t.Context(), control.Trade{OutTradeNo: no}); err != nil {
		b.t.Fatal(err)
	}
	b.ok(reversedOf(no))
}

func reversedOf(no string) step {
	return func(c *v2Caller) string { return c.call("/secapi/pay/reverse", named("out_trade_no", no)).short() }
}

const (
	headingAll     = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
	headingSuccess = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注"
	headingRefund  = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
	summaryAll     = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)

// TestATradeBillIsWhatHappenedThatDay compares whole files.
func TestATradeBillIsWhatHappenedThatDay(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	transaction, reversed, ofSub, refundID := ordinaryDay(b)
	b.Advance(10 * time.Hour)
	all := b.bill("")
	reversalID := all.rows[3][14]
	if !regexp.MustCompile(`^50[0-9]{27}$`).MatchString(reversalID) {
		t.Errorf("the reversal has the number %q", reversalID)
	}
	row := func(begin, middle, end string) string {
		return "`" + strings.ReplaceAll(begin+","+middle+strings.TrimSuffix(","+end, ",/"), ",", ",`") + "\r\n"
	}
	party := func(at, sub, device, transaction, no, kind, state, amount string) string {
		return strings.Join([]string{"2026-11-24 12:0" + at, world.AppID, world.ServiceProvider, sub, device, transaction, no, world.OpenID, kind, state, "OTHERS", "CNY", amount, "0.00"}, ",")
	}
	first := party("0:00", "0", "D1", transaction, "A1000001", "JSAPI", "SUCCESS", "100.00")
	back := party("1:00", "0", "D1", transaction, "A1000001", "JSAPI", "REFUND", "0.00")
	code := party("1:00", "0", "", reversed, "A1000002", "MICROPAY", "SUCCESS", "99.99")
	undone := party("2:00", "0", "", reversed, "A1000002", "MICROPAY", "REVOKED", "0.00")
	sub := party("2:00", world.SubMerchant, "", ofSub, "A1000003", "JSAPI", "SUCCESS", "0.01")
	const none = "0,0,0.00,0.00,,"
	ofRefund, ofReversal := refundID+",R1,50.00,0.00,ORIGINAL,SUCCESS", reversalID+",A1000002,99.99,0.00,ORIGINAL,SUCCESS"
	tests := map[string]string{
		"ALL": headingAll + "\r\n" +
			row(first, none, "腾讯充值,深圳,0.60000,0.60%,100.00,0.00,") +
			row(back, ofRefund, "腾讯充值,深圳,-0.30000,0.60%,0.00,50.00,") +
			row(code, none, "店,,0.60000,0.60%,99.99,0.00,") +
			row(undone, ofReversal, "店,,-0.60000,0.60%,0.00,99.99,") +
			row(sub, none, "腾讯充值,,0.00000,0.60%,0.01,0.00,") +
			summaryAll + "\r\n`5,`200.00,`149.99,`0.00,`0.30000,`200.00,`149.99\r\n",
		"SUCCESS": headingSuccess + "\r\n" +
			row(first, "腾讯充值,深圳,0.60000,0.60%,100.00", "") +
			row(code, "店,,0.60000,0.60%,99.99", "") +
			row(sub, "腾讯充值,,0.00000,0.60%,0.01", "") +
			"总交易单数,应结订单总金额,手续费总金额,订单总金额\r\n`3,`200.00,`1.20000,`200.00\r\n",
		"REFUND": headingRefund + "\r\n" +
			row(back, "2026-11-24 12:01:00,2026-11-24 12:01:03,"+ofRefund, "腾讯充值,深圳,-0.30000,0.60%,0.00,50.00,") +
			row(undone, "2026-11-24 12:02:00,2026-11-24 12:02:00,"+ofReversal, "店,,-0.60000,0.60%,0.00,99.99,") +
			summaryAll + "\r\n`2,`0.00,`149.99,`0.00,`-0.90000,`0.00,`149.99\r\n",
	}
	for billType, want := range tests {
		if got := string(b.fetch(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24&bill_type="+billType)); got != "\ufeff"+want {
			t.Errorf("the bill %s is\n%s\nwant\n%s", billType, got, want)
		}
	}
}

func TestWhoseTradesStandInABill(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	ordinaryDay(b)
	b.Advance(10 * time.Hour)
	tests := map[string]struct{ mchID, options, want string }{
		"of all":                       {world.ServiceProvider, "", "A1000001 A1000001 A1000002 A1000002 A1000003"},
		"of one sub-merchant":          {world.ServiceProvider, "&sub_mchid=" + world.SubMerchant, "A1000003"},
		"of the day after":             {world.ServiceProvider, "&day=25", "A1000005"},
		"of a sub-merchant for itself": {world.SubMerchant, "", "400 NO_STATEMENT_EXIST 请求的账单文件不存在"},
		"of a merchant without orders": {otherMerchant, "", "400 NO_STATEMENT_EXIST 请求的账单文件不存在"},
		"of who is no sub-merchant":    {world.ServiceProvider, "&sub_mchid=" + otherMerchant, "400 INVALID_REQUEST 不是指定的子商户的父商户"},
		"of nobody":                    {world.ServiceProvider, "&sub_mchid=1", "400 INVALID_REQUEST 无效的商户号"},
		"of another's sub-merchant":    {otherMerchant, "&sub_mchid=" + world.SubMerchant, "403 NO_AUTH 无权调用此接口"},
		"a sub-merchant as a partner":  {world.SubMerchant, "&sub_mchid=" + world.SubMerchant, "403 NO_AUTH 无权调用此接口"},
		"of refunded top-ups":          {world.ServiceProvider, "&bill_type=RECHARGE_REFUND", "400 NO_STATEMENT_EXIST 请求的账单文件不存在"},
	}
	for name, tt := range tests {
		target := "/v3/bill/tradebill?bill_date=2026-11-24" + tt.options
		if strings.HasSuffix(tt.options, "&day=25") {
			b.Advance(24 * time.Hour)
			target = "/v3/bill/tradebill?bill_date=2026-11-25"
		}
		got := b.get(tt.mchID, target).short()
		if got == "200" {
			got = strings.Join(b.read(b.fetch(tt.mchID, target)).column("商户订单号"), " ")
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestPayScoreOrdersStandInTheBillOnceTheirMoneyIsThere(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	p := &bench{b.Gateway, b.Client(wechatpay.Clock(func() time.Time { return noon })), t}
	complete := func(no string) {
		t.Helper()
		p.want(p.call(http.MethodPost, orders+"/{out_order_no}/complete", wechatpay.Path("out_order_no", no), wechatpay.JSON(object{
			"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "total_amount": 1050,
			"post_payments": []object{{"name": "费", "amount": 1050}}, "time_range": object{"end_time": "20261124120100"},
		})), "204")
	}
	deducted := p.confirmed(object{"attach": "机,柜"})
	byHand := p.confirmed(object{"attach": "机,柜"})
	b.Advance(time.Minute)
	complete(byHand)
	payByHand(p, byHand)
	complete(deducted)
	p.confirmed(nil) // which is not completed
	b.Advance(22*time.Hour + time.Minute)
	s := b.bill("")
	orderID, _ := p.query(deducted).body["order_id"].(string)
	transaction := p.query(deducted).at("collection/details/transaction_id")
	if got := fmt.Sprint(s.column("交易类型"), s.column("商户数据包"), s.column("特约商户号"), s.column("商品名称"), s.column("订单金额"), s.column("手续费")); got !=
		fmt.Sprintf(`[JSAPI AUTH] [机\ 柜 wxzff|%s|%s] [%[3]s %[3]s] [共享充电宝 共享充电宝] [10.50 10.50] [0.06000 0.06000]`, orderID, deducted, world.SubMerchant) {
		t.Errorf("the rows are %s", got)
	}
	numbers := s.column("商户订单号")
	if numbers[0] != byHand || !regexp.MustCompile(`^[0-9]{28}$`).MatchString(numbers[1]) || s.column("微信订单号")[1] != transaction {
		t.Errorf("the orders are %v, the trades %v, want %v", numbers, s.column("微信订单号"), transaction)
	}
	if own := b.get(world.SubMerchant, "/v3/bill/tradebill?bill_date=2026-11-24").short(); own != "400 NO_STATEMENT_EXIST 请求的账单文件不存在" {
		t.Errorf("the sub-merchant's own bill: %s", own)
	}
}

// TestMoneyThatPayScoreDidNotCollectForAMerchantHereStandsInNoBill has orders that are paid, but elsewhere.
func TestMoneyThatPayScoreDidNotCollectForAMerchantHereStandsInNoBill(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path  string
		order object // and what of it the completion has as well
		paid  func(p *bench, no string)
	}{
		"which the merchant got himself": {orders, object{}, func(p *bench, no string) {
			p.want(p.call(http.MethodPost, orders+"/{out_order_no}/sync", wechatpay.Path("out_order_no", no), wechatpay.JSON(object{
				"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "type": "Order_Paid", "detail": object{"paid_time": "20261124120100"},
			})), "204")
		}},
		"of an acquiring institution": {"v3/payscore/acquiringbank/serviceorder", object{"channel_id": world.ChannelID}, payByHand},
		"of a service overseas":       {"v3/payscore/oversea/partner/serviceorder", object{"service_id": world.OverseaService, "currency": "HKD"}, payByHand},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBiller(t)
			p := &bench{b.Gateway, b.Client(wechatpay.Clock(func() time.Time { return noon })), t}
			o := newOrder(tt.order)
			no := o["out_order_no"].(string)
			p.want(p.call(http.MethodPost, tt.path, wechatpay.JSON(o)), "200")
			b.Confirm(no)
			b.Advance(time.Minute)
			completion := object{
				"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "total_amount": 1050,
				"post_payments": []object{{"name": "费", "amount": 1050}}, "time_range": object{"start_time": "20261124120000", "end_time": "20261124120100"},
			}
			maps.Copy(completion, tt.order)
			p.want(p.call(http.MethodPost, tt.path+"/{out_order_no}/complete", wechatpay.Path("out_order_no", no), wechatpay.JSON(completion)), "204")
			tt.paid(p, no)
			b.Advance(22 * time.Hour)
			if got := b.get(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24").short(); got != notThere {
				t.Errorf("the bill is answered %s", got)
			}
		})
	}
}

func payByHand(p *bench, no string) {
	if _, err := p.Control().Pay(p.t.Context(), controlOrder(no)); err != nil {
		p.t.Fatal(err)
	}
}

func TestWhatMerchantsWriteIsEscapedInABill(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	const text = "a,b`c\\d'e\"f\ue000g\th\ni"
	b.ok(order("body", text, "attach", text))
	b.PayTrade("A1000001")
	b.ok(refunded("refund_desc", "x,y`z\nq", "out_refund_no", "R|*@1"))
	b.Advance(22 * time.Hour)
	s := b.bill("")
	inPayment, inRefund := `a\ b\`+"`"+`c\\d\'e\"f\ g\th\ni`, `a\ b\140c\\d\'e\"f\ g\th\ni`
	for _, column := range []string{"商品名称", "商户数据包"} {
		if got := s.column(column); got[0] != inPayment || got[1] != inRefund {
			t.Errorf("%s is %q, want %q and %q", column, got, inPayment, inRefund)
		}
	}
	f := b.read(b.fetch(world.ServiceProvider, "/v3/bill/fundflowbill?bill_date=2026-11-24"))
	if got := f.column("备注"); !slices.Contains(got, "x,y`z\\nq") {
		t.Errorf("the remarks are %q", got)
	}
}

// TestABillIsFrozen fetches the same bill again after more happened to its refund.
func TestABillIsFrozen(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		then time.Duration // after noon, when the money that did not reach the user does
		want string
	}{
		"what ended before 9 o'clock shows":   {21 * time.Hour, "SUCCESS 2026-11-25 09:00:00"},
		"what ended after 9 o'clock does not": {21*time.Hour + time.Second, "CHANGE "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBiller(t)
			b.ok(order())
			b.PayTrade("A1000001")
			b.ok(refunded())
			settled("CHANGE")(b.v2Caller)
			b.Advance(tt.then)
			settled("SUCCESS")(b.v2Caller)
			b.Advance(22*time.Hour - tt.then)
			first := b.fetch(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24&bill_type=REFUND")
			s := b.read(first)
			if got := s.column("退款状态")[0] + " " + s.column("退款成功时间")[0]; got != tt.want {
				t.Errorf("the refund is %q, want %q", got, tt.want)
			}
			b.Advance(30 * 24 * time.Hour)
			b.ok(refunded("out_refund_no", "R2"))
			if again := b.fetch(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24&bill_type=REFUND"); !bytes.Equal(again, first) {
				t.Errorf("the bill was\n%s\nand is\n%s", first, again)
			}
		})
	}
}

func TestTheSameJournalMakesTheSameBills(t *testing.T) {
	t.Parallel()
	j := new(memory)
	var w *world.World
	start := func() *biller {
		return newBiller(t, func(c *sim.Config) {
			c.Journal = j
			if w != nil {
				c.World = w
			}
		})
	}
	b := start()
	w = b.World
	ordinaryDay(b)
	b.Advance(10 * time.Hour)
	targets := []string{
		"/v3/bill/tradebill?bill_date=2026-11-24", "/v3/bill/tradebill?bill_date=2026-11-24&bill_type=REFUND", "/v3/bill/fundflowbill?bill_date=2026-11-24",
	}
	var before [][]byte
	for _, target := range targets {
		before = append(before, b.fetch(world.ServiceProvider, target))
	}
	l := b.apply(world.ServiceProvider, targets[0])
	old := l.target(t, b)
	b = start()
	for i, target := range targets {
		if after := b.fetch(world.ServiceProvider, target); !bytes.Equal(after, before[i]) {
			t.Errorf("%s was\n%s\nand is\n%s", target, before[i], after)
		}
	}
	if g := b.get(world.ServiceProvider, old); !bytes.Equal(g.body, before[0]) {
		t.Errorf("what was asked for before the restart is answered %s", g.short())
	}
}

func unpacked(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestABillIsPackedOnlyIfThatWasAskedFor(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	ordinaryDay(b)
	b.Advance(10 * time.Hour)
	const target = "/v3/bill/tradebill?bill_date=2026-11-24"
	plain := b.fetch(world.ServiceProvider, target)
	l := b.apply(world.ServiceProvider, target+"&tar_type=GZIP")
	address := l.target(t, b)
	if !strings.HasSuffix(address, "&tartype=gzip") || strings.Contains(b.apply(world.ServiceProvider, target).URL, "tartype") {
		t.Errorf("the packed file is at %s", l.URL)
	}
	if got := unpacked(t, b.get(world.ServiceProvider, address).body); !bytes.Equal(got, plain) {
		t.Errorf("the packed file is %s", got)
	}
	if sum := sha1.Sum(plain); l.Hash != hex.EncodeToString(sum[:]) {
		t.Error("the hash is not that of the file when it is unpacked")
	}
	if got := b.get(world.ServiceProvider, strings.TrimSuffix(address, "&tartype=gzip")).body; !bytes.Equal(got, plain) {
		t.Errorf("without tartype the file is %q", got)
	}
}
