package sim_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

func controlOrder(no string) control.Order { return control.Order{OutOrderNo: no} }

const (
	notThere  = "400 NO_STATEMENT_EXIST 请求的账单文件不存在"
	notYet    = "400 STATEMENT_CREATING 账单生成中"
	badDate   = "400 PARAM_ERROR 账单日期格式不正确"
	tooOld    = "400 INVALID_REQUEST 请求的账单日期已过期"
	noMoreURL = "400 INVALID_REQUEST 账单下载地址已失效，请重新申请账单"
)

// TestWhenABillIsThere goes along the day after and the three months: an order is paid at noon of 24 November.
func TestWhenABillIsThere(t *testing.T) {
	t.Parallel()
	steps := []struct {
		at, date, want, v2, fundV2 string // at is the business clock
	}{
		{"2026-11-24 12:00:00", "2026-11-24", badDate, "FAIL No Bill Exist", "NO_BILL_EXIST 账单不存在"},
		{"2026-11-24 12:00:00", "2026-11-25", badDate, "FAIL No Bill Exist", "NO_BILL_EXIST 账单不存在"},
		{"2026-11-24 12:00:00", "2026-11-23", notThere, "FAIL No Bill Exist", "NO_BILL_EXIST 账单不存在"},
		{"2026-11-24 12:00:00", "2026-08-24", notThere, "FAIL No Bill Exist", "NO_BILL_EXIST 账单不存在"},
		{"2026-11-24 12:00:00", "2026-08-23", tooOld, "FAIL No Bill Exist", "NO_BILL_EXIST 账单不存在"},
		{"2026-11-24 23:59:59", "2026-11-24", badDate, "FAIL No Bill Exist", "NO_BILL_EXIST 账单不存在"},
		{"2026-11-25 00:00:00", "2026-11-24", notYet, "FAIL Bill Creating", "BILL_CREATING 账单生成中"},
		{"2026-11-25 09:59:59", "2026-11-24", notYet, "FAIL Bill Creating", "BILL_CREATING 账单生成中"},
		{"2026-11-25 09:59:59", "2026-11-23", notThere, "FAIL No Bill Exist", "NO_BILL_EXIST 账单不存在"},
		{"2026-11-25 10:00:00", "2026-11-24", "200", "200", "200"},
		{"2027-02-24 23:59:59", "2026-11-24", "200", "200", "200"},
		{"2027-02-25 00:00:00", "2026-11-24", tooOld, "FAIL No Bill Exist", "NO_BILL_EXIST 账单不存在"},
	}
	b := newBiller(t)
	b.ok(order())
	b.PayTrade("A1000001")
	now := noon
	for _, s := range steps {
		at := must(time.ParseInLocation(time.DateTime, s.at, noon.Location()))
		b.Advance(at.Sub(now))
		now = at
		for _, path := range []string{"tradebill", "fundflowbill"} {
			if got := b.get(world.ServiceProvider, "/v3/bill/"+path+"?bill_date="+s.date).short(); got != s.want {
				t.Errorf("at %s the %s of %s: %s, want %s", s.at, path, s.date, got, s.want)
			}
		}
		date := strings.ReplaceAll(s.date, "-", "")
		if got := shortFile(b.call("/pay/downloadbill", named("bill_date", date))); got != s.v2 {
			t.Errorf("at %s the bill of APIv2 of %s: %s, want %s", s.at, date, got, s.v2)
		}
		if got := shortFile(b.call("/pay/downloadfundflow", named("bill_date", date, "account_type", "Basic", "sign_type", "HMAC-SHA256"))); got != s.fundV2 {
			t.Errorf("at %s the funds of APIv2 of %s: %s, want %s", s.at, date, got, s.fundV2)
		}
	}
}

// shortFile is 200 for a file.
func shortFile(r v2Reply) string {
	if bytes.HasPrefix(r.body, []byte("\ufeff")) {
		return fmt.Sprint(r.StatusCode)
	}
	return r.short()
}

func TestADownloadURLIsGoodForFiveMinutesAndForWhoAskedForIt(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	b.ok(order())
	b.PayTrade("A1000001")
	b.Advance(22 * time.Hour)
	l := b.apply(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24")
	target := l.target(t, b)
	got := func(mchID, target, want string) {
		t.Helper()
		if got := b.get(mchID, target).short(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	got(world.ServiceProvider, target, "200")
	got(world.ServiceProvider, target, "200") // again, as after a download that broke off
	got(otherMerchant, target, "403 NO_AUTH 无权限下载该账单")
	got(world.SubMerchant, target, "403 NO_AUTH 无权限下载该账单")
	got(world.ServiceProvider, "/v3/billdownload/file?token=x", noMoreURL)
	got(world.ServiceProvider, "/v3/billdownload/file?token="+strings.Repeat("A", 100), noMoreURL)
	at := len("/v3/billdownload/file?token=") + 30
	other := target[:at] + string('A'+(target[at]+1)%26) + target[at+1:]
	got(world.ServiceProvider, other, noMoreURL)
	b.Advance(5 * time.Minute)
	got(world.ServiceProvider, target, "200")
	b.Advance(time.Second)
	got(world.ServiceProvider, target, noMoreURL)
	got(world.ServiceProvider, b.apply(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24").target(t, b), "200")
}

func TestABillIsNotDownloadedWithoutASignature(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	b.ok(order())
	b.PayTrade("A1000001")
	b.Advance(22 * time.Hour)
	l := b.apply(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24")
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, l.URL, nil))
	req.Header.Set("Accept", "*/*")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, res); !strings.HasPrefix(got, "401") {
		t.Errorf("answered %s", got)
	}
}

// TestAResetEndsWhatWasAskedFor: a bill that is no more has no rows.
func TestAResetEndsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	b.ok(order())
	b.PayTrade("A1000001")
	b.Advance(22 * time.Hour)
	target := b.apply(world.ServiceProvider, "/v3/bill/tradebill?bill_date=2026-11-24").target(t, b)
	if err := b.Control().Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.get(world.ServiceProvider, target).short(); got != noMoreURL {
		t.Errorf("the file is answered %s", got)
	}
}

// TestABillWithoutRulesIsStillDownloaded goes by the same path as those with rules.
func TestABillWithoutRulesIsStillDownloaded(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	if s := b.read(b.fetch(world.ServiceProvider, "/v3/profitsharing/bills?bill_date=2026-11-24")); len(s.rows) != 0 {
		t.Errorf("it has the rows %v", s.rows)
	}
	seen, err := b.Control().Requests(t.Context(), 0)
	if err != nil || len(seen) != 2 {
		t.Fatalf("saw %d requests, %v", len(seen), err)
	}
	for _, x := range seen {
		if !slices.ContainsFunc(x.Checks, func(c control.Check) bool { return c.Name == "rules" }) {
			t.Errorf("the log does not tell that %s has no rules", x.Operation)
		}
	}
}

// flow is the money of a fund-flow bill, in a line each.
func (s sheet) flow() (lines []string) {
	for _, row := range s.rows {
		lines = append(lines, strings.Join(slices.Delete(slices.Clone(row), 1, 3), " "))
	}
	return append(lines, strings.Join(s.sum, " "))
}

func TestAFundFlowBillIsWhatMovedOnTheAccount(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	transaction, _, ofSub, refundID := ordinaryDay(b)
	b.Advance(12*time.Hour + time.Second)
	settledRefund := "R2"
	b.ok(refunded("total_fee", "10000", "refund_fee", "5000", "out_refund_no", settledRefund))
	if err := b.Control().SettleRefund(t.Context(), control.Refund{OutRefundNo: settledRefund, Status: "REFUNDCLOSE"}); err != nil {
		t.Fatal(err)
	}
	b.Advance(22 * time.Hour)
	const api = world.ServiceProvider + "API"
	tests := map[string]struct {
		target string
		want   []string
	}{
		"of the merchant": {"/v3/bill/fundflowbill?bill_date=2026-11-24&account_type=BASIC", []string{
			"2026-11-24 12:00:00 交易 交易 收入 100.00 100.00 system  A1000001",
			"2026-11-24 12:00:00 交易 扣除交易手续费 支出 0.60 99.40 system  A1000001",
			"2026-11-24 12:01:00 退款 退款 支出 50.00 49.40 " + api + " 缺货 R1",
			"2026-11-24 12:01:00 退款 退还交易手续费 收入 0.30 49.70 " + api + "  R1",
			"2026-11-24 12:01:00 交易 交易 收入 99.99 149.69 system  A1000002",
			"2026-11-24 12:01:00 交易 扣除交易手续费 支出 0.60 149.09 system  A1000002",
			"2026-11-24 12:02:00 退款 退款 支出 99.99 49.10 " + api + "  A1000002",
			"2026-11-24 12:02:00 退款 退还交易手续费 收入 0.60 49.70 " + api + "  A1000002",
			"8 4 200.89 4 151.19",
		}},
		"of the day after": {"/v3/bill/fundflowbill?bill_date=2026-11-25", []string{
			"2026-11-25 00:00:00 交易 交易 收入 1.00 50.70 system  A1000005",
			"2026-11-25 00:00:00 交易 扣除交易手续费 支出 0.01 50.69 system  A1000005",
			"2026-11-25 12:00:01 退款 退款 支出 50.00 0.69 " + api + "  R2",
			"2026-11-25 12:00:01 退款 退还交易手续费 收入 0.30 0.99 " + api + "  R2",
			"2026-11-25 12:00:01 退款 退款关闭 收入 50.00 50.99 system  R2",
			"5 3 51.30 2 50.01",
		}},
	}
	for name, tt := range tests {
		s := b.read(b.fetch(world.ServiceProvider, tt.target))
		if got := s.flow(); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
		if s.heading != "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号" || s.sumHeading != "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额" {
			t.Errorf("%s: the headings are %s and %s", name, s.heading, s.sumHeading)
		}
		numbers := s.column("资金流水单号")
		slices.Sort(numbers)
		if len(slices.Compact(slices.Clone(numbers))) != len(s.rows) || len(numbers[0]) != 28 {
			t.Errorf("%s: the numbers are %v", name, numbers)
		}
	}
	s := b.read(b.fetch(world.ServiceProvider, "/v3/bill/fundflowbill?bill_date=2026-11-24"))
	if got := s.column("微信支付业务单号"); got[0] != transaction || got[1] != transaction || got[2] != refundID || got[3] != refundID {
		t.Errorf("the trades are %v", got)
	}
	own := b.read(b.fetch(world.SubMerchant, "/v3/bill/fundflowbill?bill_date=2026-11-24"))
	if got := own.column("微信支付业务单号"); len(got) != 1 || got[0] != ofSub {
		t.Errorf("on the sub-merchant's own account moved %v", got)
	}
	for _, account := range []string{"OPERATION", "FEES"} {
		if got := b.get(world.ServiceProvider, "/v3/bill/fundflowbill?bill_date=2026-11-24&account_type="+account).short(); got != notThere {
			t.Errorf("the account %s: %s", account, got)
		}
	}
}

// TestTheFeeComesBackWhole: partial refunds round, and their sum does not.
func TestTheFeeComesBackWhole(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	b.ok(order("total_fee", "1000")) // of which the fee is 6 fen
	b.PayTrade("A1000001")
	for i, fee := range []string{"250", "250", "250", "250"} {
		b.ok(refunded("total_fee", "1000", "refund_fee", fee, "out_refund_no", fmt.Sprint("R", i)))
		b.Advance(time.Minute)
	}
	b.Advance(22 * time.Hour)
	s := b.bill("")
	if got := strings.Join(s.column("手续费"), " "); got != "0.06000 -0.02000 -0.01000 -0.02000 -0.01000" || s.sum[4] != "0.00000" {
		t.Errorf("the fees are %s, in sum %s", got, s.sum[4])
	}
	f := b.read(b.fetch(world.ServiceProvider, "/v3/bill/fundflowbill?bill_date=2026-11-24"))
	if got := f.column("账户结余(元)"); got[len(got)-1] != "0.00" {
		t.Errorf("what is left is %v", got)
	}
}

// parts asks for an encrypted bill.
func (b *biller) parts(target string) (list []billLink) {
	b.t.Helper()
	g := b.get(world.ServiceProvider, target)
	var body struct {
		Count int        `json:"download_bill_count"`
		List  []billLink `json:"download_bill_list"`
	}
	if err := json.Unmarshal(g.body, &body); err != nil || g.StatusCode != http.StatusOK || body.Count != len(body.List) || body.Count == 0 {
		b.t.Fatalf("%s: %d %s", target, g.StatusCode, g.body)
	}
	return body.List
}

// opened is a part of an encrypted bill, by the key of the merchant's certificate.
func (b *biller) opened(l billLink, packed bool) []byte {
	b.t.Helper()
	key, err := crypt.DecryptOAEP(must(auth.ParsePrivateKey([]byte(b.World.Merchants[0].PrivateKey))), l.Key)
	if err != nil {
		b.t.Fatal(err)
	}
	g := b.get(world.ServiceProvider, l.target(b.t, b))
	content, err := crypt.OpenGCM(key, l.Nonce, "", g.body)
	if err != nil {
		b.t.Fatalf("part %d of %d bytes: %v", l.Sequence, len(g.body), err)
	}
	if packed {
		content = unpacked(b.t, content)
	}
	if sum := sha1.Sum(content); l.HashType != "SHA1" || l.Hash != hex.EncodeToString(sum[:]) {
		b.t.Errorf("part %d does not have the hash %s", l.Sequence, l.Hash)
	}
	return content
}

func TestTheBillsOfSubMerchantsAreEncrypted(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	for i := range 60 {
		b.ok(byCode("out_trade_no", fmt.Sprint("A10000", i), "auth_code", fmt.Sprint(130061098828009500+i), "sub_mch_id", world.SubMerchant))
	}
	b.ok(byCode()) // which is the service provider's own
	b.Advance(22 * time.Hour)
	const one = "/v3/bill/sub-merchant-fundflowbill?bill_date=2026-11-24&account_type=BASIC&algorithm=AEAD_AES_256_GCM&sub_mchid=" + world.SubMerchant
	const ofAll = "/v3/ecommerce/bill/fundflowbill?bill_date=2026-11-24&account_type=ALL&algorithm=AEAD_AES_256_GCM"
	own := b.fetch(world.SubMerchant, "/v3/bill/fundflowbill?bill_date=2026-11-24")
	for _, target := range []string{one, ofAll, one + "&tar_type=GZIP", ofAll + "&tar_type=GZIP"} {
		list := b.parts(target)
		if len(list) < 2 {
			t.Fatalf("%s comes in %d parts", target, len(list))
		}
		var whole []byte
		for i, l := range list {
			if l.Sequence != i+1 || len(l.Nonce) != 16 {
				t.Errorf("part %d is number %d, its nonce %q", i+1, l.Sequence, l.Nonce)
			}
			whole = append(whole, b.opened(l, strings.HasSuffix(target, "GZIP"))...)
		}
		if !bytes.Equal(whole, own) {
			t.Errorf("%s is\n%s\nwant\n%s", target, whole, own)
		}
	}
	if s := b.read(own); len(s.rows) != 120 || s.sum[2] != "60.00" {
		t.Errorf("the bill has %d rows, in sum %v", len(s.rows), s.sum)
	}
	first, again := b.parts(one)[0], b.parts(one)[0]
	if key := must(auth.ParsePrivateKey([]byte(b.World.Merchants[0].PrivateKey))); unsealed(key, first) == unsealed(key, again) || first.Nonce == again.Nonce {
		t.Error("two applications have the same key or nonce")
	}
	for target, want := range map[string]string{
		strings.Replace(one, "BASIC", "DEPOSIT", 1):                notThere,
		strings.Replace(one, "AEAD_AES_256_GCM", "SM4_GCM", 1):     "400 INVALID_REQUEST 不支持的加密算法",
		strings.Replace(one, world.SubMerchant, otherMerchant, 1):  "400 INVALID_REQUEST 不是指定的子商户的父商户",
		strings.Replace(one, "2026-11-24", "2026-11-23", 1):        notThere,
		strings.Replace(ofAll, "2026-11-24", "2026-11-25", 1):      badDate,
		strings.Replace(one, "&algorithm=AEAD_AES_256_GCM", "", 1): "400 PARAM_ERROR",
	} {
		if got := b.get(world.ServiceProvider, target).short(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	for _, target := range []string{one, ofAll} {
		if got := b.get(world.SubMerchant, target).short(); got != "403 NO_AUTH 无权调用此接口" {
			t.Errorf("%s by the sub-merchant: %s", target, got)
		}
	}
}

func unsealed(key *rsa.PrivateKey, l billLink) string { return must(crypt.DecryptOAEP(key, l.Key)) }

func TestTheBillsOfAPIv2AreTheSame(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	ordinaryDay(b)
	b.Advance(10 * time.Hour)
	funds := func(more ...string) v2Reply {
		return b.call("/pay/downloadfundflow", named(append([]string{"bill_date", "20261124", "account_type", "Basic", "sign_type", "HMAC-SHA256"}, more...)...))
	}
	trades := func(more ...string) v2Reply {
		return b.call("/pay/downloadbill", named(append([]string{"bill_date", "20261124"}, more...)...))
	}
	v3 := func(target string) []byte { return b.fetch(world.ServiceProvider, "/v3/bill/"+target) }
	all, success, ofSub := v3("tradebill?bill_date=2026-11-24"), v3("tradebill?bill_date=2026-11-24&bill_type=SUCCESS"), v3("tradebill?bill_date=2026-11-24&sub_mchid="+world.SubMerchant)
	basic := v3("fundflowbill?bill_date=2026-11-24")
	for name, tt := range map[string]struct{ got, want []byte }{
		"trades":            {trades().body, all},
		"payments":          {trades("bill_type", "SUCCESS").body, success},
		"a sub-merchant's":  {trades("sub_mch_id", world.SubMerchant).body, ofSub},
		"trades, packed":    {unpacked(t, trades("tar_type", "GZIP").body), all},
		"the funds":         {funds().body, basic},
		"the funds, packed": {unpacked(t, funds("tar_type", "GZIP").body), basic},
	} {
		if !bytes.Equal(tt.got, tt.want) {
			t.Errorf("%s: it is\n%s\nwant\n%s", name, tt.got, tt.want)
		}
	}
	sum := sha1.Sum(basic)
	if got := funds().Header.Get("Digest"); got != "SHA="+hex.EncodeToString(sum[:]) {
		t.Errorf("the Digest of the funds is %q", got)
	}
	if got := trades().Header.Get("Digest"); got != "" {
		t.Errorf("the trades have the Digest %q", got)
	}
	none := trades("bill_date", "20261120")
	if none.short() != "FAIL No Bill Exist" || none.members.Get("error_code") != "20002" || none.members.Get("sign") != "" {
		t.Errorf("an empty day is answered %s", none.body)
	}
	if got := trades("sub_mch_id", otherMerchant).short(); got != "FAIL No Bill Exist" {
		t.Errorf("a foreign sub-merchant is answered %s", got)
	}
	if got := funds("account_type", "Fees").short(); got != "NO_BILL_EXIST 账单不存在" {
		t.Errorf("an account without movements is answered %s", got)
	}
	b.key = strings.Repeat("0", 32)
	if got := trades(); got.short() != "FAIL sign error" || got.members.Get("error_code") != "20001" {
		t.Errorf("a wrong signature is answered %s", got.body)
	}
	if got := funds().short(); got != "FAIL 签名错误" {
		t.Errorf("a wrong signature about funds is answered %s", got)
	}
}

// TestABillArrivesDamaged is what faults do to files, so that merchants can try what their programs do.
func TestABillArrivesDamaged(t *testing.T) {
	t.Parallel()
	b := newBiller(t)
	ordinaryDay(b)
	b.Advance(10 * time.Hour)
	const file, apply = "/v3/billdownload/file", "/v3/bill/tradebill"
	const target = apply + "?bill_date=2026-11-24"
	plain := b.fetch(world.ServiceProvider, target)
	strike := func(path string, e world.Effect) {
		t.Helper()
		if _, err := b.Control().AddFault(t.Context(), world.Fault{Path: path, Effect: e, Times: 1}); err != nil {
			t.Fatal(err)
		}
	}
	get := func() []byte {
		return b.get(world.ServiceProvider, b.apply(world.ServiceProvider, target).target(t, b)).body
	}
	strike(file, world.EffectShorten)
	if got := get(); !bytes.Equal(got, plain[:len(plain)/2]) {
		t.Errorf("the shortened file has %d of %d bytes", len(got), len(plain))
	}
	strike(file, world.EffectFlipBit)
	if got := get(); len(got) != len(plain) || differences(got, plain) != 1 {
		t.Errorf("%d bytes of the flipped file are others", differences(got, plain))
	}
	if got := get(); !bytes.Equal(got, plain) {
		t.Error("the fault goes on")
	}
	strike(apply, world.EffectFlipBit)
	g := b.get(world.ServiceProvider, target)
	verifier := must(auth.NewVerifier(b.Merchant().PlatformKeys...))
	if err := verifier.Verify(t.Context(), g.Header, g.body, noon); err == nil || len(g.body) == 0 {
		t.Errorf("the flipped answer %s is signed", g.body)
	}
	strike("/pay/downloadfundflow", world.EffectFlipBit)
	funds := b.call("/pay/downloadfundflow", named("bill_date", "20261124", "account_type", "Basic", "sign_type", "HMAC-SHA256"))
	if sum := sha1.Sum(funds.body); funds.Header.Get("Digest") == "SHA="+hex.EncodeToString(sum[:]) {
		t.Error("the Digest is that of the flipped file")
	}
	strike(file, world.EffectTruncate)
	if _, err := b.interrupted(b.apply(world.ServiceProvider, target).target(t, b)); err == nil {
		t.Error("the truncated file ends as if it were whole")
	}
}

// interrupted is what came of a download, and how it ended.
func (b *biller) interrupted(target string) ([]byte, error) {
	b.t.Helper()
	m := b.World.Merchant(world.ServiceProvider)
	a := must(must(auth.NewSigner(m.MchID, m.SerialNo, must(auth.ParsePrivateKey([]byte(m.PrivateKey))))).Authorize(http.MethodGet, target, nil, noon))
	req := must(http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL+target, nil))
	req.Header = http.Header{"Authorization": {a.Header()}, "Accept": {"*/*"}, "User-Agent": {"test"}}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func differences(a, b []byte) (n int) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
