package xmlv2

import (
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

// What it costs beside the same by hand is measured in bench.
func BenchmarkSignedCall(b *testing.B) {
	in := newOrder()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ours(in); err != nil {
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
