package xmlv2

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
)

const apiv2Key = "192006250b4c09247ec02edce69f6a2d" // of the official example

// order is a call of /pay/unifiedorder: 17 members, with the four that the codec adds.
type order struct {
	DeviceInfo     string `xml:"device_info,omitempty"`
	Body           string `xml:"body"`
	Detail         string `xml:"detail,omitempty"`
	Attach         string `xml:"attach,omitempty"`
	OutTradeNo     string `xml:"out_trade_no"`
	FeeType        string `xml:"fee_type,omitempty"`
	TotalFee       int64  `xml:"total_fee"`
	SpbillCreateIP string `xml:"spbill_create_ip"`
	TimeStart      string `xml:"time_start,omitempty"`
	TimeExpire     string `xml:"time_expire,omitempty"`
	GoodsTag       string `xml:"goods_tag,omitempty"`
	NotifyURL      string `xml:"notify_url"`
	TradeType      string `xml:"trade_type"`
	ProductID      string `xml:"product_id,omitempty"`
	LimitPay       string `xml:"limit_pay,omitempty"`
	OpenID         string `xml:"openid,omitempty"`
	Receipt        string `xml:"receipt,omitempty"`
}

func newOrder() order {
	return order{
		Body: "腾讯充值中心-QQ会员充值", Detail: `{"goods_detail":[{"goods_id":"iphone6s_16G","quantity":1,"price":528800}]}`, Attach: "深圳分店",
		OutTradeNo: "20150806125346", FeeType: "CNY", TotalFee: 528800, SpbillCreateIP: "123.12.12.123", TimeStart: "20091225091010", TimeExpire: "20091227091010",
		NotifyURL: "https://www.weixin.qq.com/wxpay/pay.php", TradeType: "JSAPI", OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", Receipt: "Y",
	}
}

// ours is a signed call as the codec builds it.
func ours(in order) ([]byte, error) {
	m, err := Marshal(in)
	if err != nil {
		return nil, err
	}
	m.Set("appid", "wx2421b1c4370ec43b")
	m.Set("mch_id", "10000100")
	m.Set("nonce_str", "1add1a30ac87aa2db72f57a2375d8fec")
	sign, err := auth.MD5.Sign(apiv2Key, m.Texts())
	if err != nil {
		return nil, err
	}
	m.Set("sign", sign)
	return Encode(Root, m)
}

// byHand is the same call as a careful program writes it with nothing but the standard library: no
// reflection, and no check of what it writes but EscapeText's.
func byHand(in order) ([]byte, error) {
	type param struct{ name, value string }
	params := []param{
		{"appid", "wx2421b1c4370ec43b"}, {"mch_id", "10000100"}, {"nonce_str", "1add1a30ac87aa2db72f57a2375d8fec"},
		{"body", in.Body}, {"detail", in.Detail}, {"attach", in.Attach}, {"out_trade_no", in.OutTradeNo}, {"fee_type", in.FeeType},
		{"total_fee", strconv.FormatInt(in.TotalFee, 10)}, {"spbill_create_ip", in.SpbillCreateIP}, {"time_start", in.TimeStart},
		{"time_expire", in.TimeExpire}, {"notify_url", in.NotifyURL}, {"trade_type", in.TradeType}, {"openid", in.OpenID}, {"receipt", in.Receipt},
	}
	slices.SortFunc(params, func(a, b param) int { return strings.Compare(a.name, b.name) })
	var text, body bytes.Buffer
	body.WriteString("<xml>")
	for _, p := range params {
		for _, s := range [...]string{p.name, "=", p.value, "&"} {
			text.WriteString(s)
		}
		body.WriteString("<" + p.name + ">")
		if err := xml.EscapeText(&body, []byte(p.value)); err != nil {
			return nil, err
		}
		body.WriteString("</" + p.name + ">")
	}
	text.WriteString("key=" + apiv2Key)
	digest := md5.Sum(text.Bytes())
	body.WriteString("<sign>" + strings.ToUpper(hex.EncodeToString(digest[:])) + "</sign></xml>")
	return body.Bytes(), nil
}

func TestOursIsWhatOneWritesByHand(t *testing.T) {
	t.Parallel()
	left, err := ours(newOrder())
	if err != nil {
		t.Fatal(err)
	}
	right, err := byHand(newOrder())
	if err != nil {
		t.Fatal(err)
	}
	a, errA := Decode(left, Limits{Bytes: plenty})
	b, errB := Decode(right, Limits{Bytes: plenty})
	if len(a) != 17 || len(b) != 17 || errA != nil || errB != nil {
		t.Fatalf("there are %d and %d members, %v, %v", len(a), len(b), errA, errB)
	}
	for _, m := range a {
		if got := b.Get(m.Name); got != m.Text {
			t.Errorf("%s is %q, and by hand %q", m.Name, m.Text, got)
		}
	}
	if err := auth.VerifyParams(apiv2Key, a.Texts(), auth.MD5); err != nil {
		t.Error(err)
	}
}

// TestASignedCallStaysWithinItsAllocations is the budget of a call of 17 members.
func TestASignedCallStaysWithinItsAllocations(t *testing.T) {
	const budget = 25
	got := testing.AllocsPerRun(100, func() {
		if _, err := ours(newOrder()); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%v allocations", got)
	if got == 0 || got > budget {
		t.Errorf("a signed call takes %v allocations, want at most %d", got, budget)
	}
}

func BenchmarkSignedCall(b *testing.B) { benchmarkCall(b, ours) }

func BenchmarkSignedCallByHand(b *testing.B) { benchmarkCall(b, byHand) }

func benchmarkCall(b *testing.B, build func(order) ([]byte, error)) {
	in := newOrder()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := build(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAnswer reads and verifies an answer as large as the call.
func BenchmarkAnswer(b *testing.B) {
	text, err := ours(newOrder())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := Decode(text, Limits{Bytes: plenty})
		if err != nil {
			b.Fatal(err)
		}
		if err := auth.VerifyParams(apiv2Key, m.Texts(), auth.MD5, auth.HMACSHA256); err != nil {
			b.Fatal(err)
		}
		var out order
		if err := Unmarshal(m, &out); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAnswerByStandard only decodes, with encoding/xml.
func BenchmarkAnswerByStandard(b *testing.B) {
	text, err := ours(newOrder())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var out order
		if err := xml.Unmarshal(text, &out); err != nil {
			b.Fatal(err)
		}
	}
}
