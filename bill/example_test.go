package bill_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/bill"
)

const tradeBill = "\ufeff交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额," +
	"商品名称,商户数据包,手续费,费率,订单金额,费率备注\r\n" +
	"`2024-11-24 08:00:01,`wx2421b1c4370ec43b,`1900000109,`0,`,`4200002500202411240000000001,`order-1,`oUpF8uMuAJO,`JSAPI,`SUCCESS,`OTHERS,`CNY,`12.30,`0.00,`tea\\ hot,`,`0.07380,`0.60%,`12.30,`\r\n" +
	"`2024-11-24 08:00:02,`wx2421b1c4370ec43b,`1900000109,`0,`,`4200002500202411240000000002,`order-2,`oUpF8uMuAJO,`JSAPI,`SUCCESS,`OTHERS,`CNY,`4.56,`0.00,`coffee,`,`0.02736,`0.60%,`4.56,`\r\n" +
	"总交易单数,应结订单总金额,手续费总金额,订单总金额\r\n`2.0,`16.86,`0.10116,`16.86\r\n"

// A day's payments, checked before the first is seen.
func ExampleOpen() {
	client := clientOf(wechatPay{})
	b, err := bill.Open(context.Background(), client, bill.Trade{Date: "2024-11-24", Type: bill.Success, Gzip: true})
	switch {
	case errors.Is(err, bill.ErrNotExist):
		fmt.Println("nobody paid")
		return
	case errors.Is(err, bill.ErrCreating):
		fmt.Println("try again in half an hour")
		return
	case err != nil:
		fmt.Println(err)
		return
	}
	defer b.Close()
	var fees bill.Amount
	for row, err := range b.Rows() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fees += row.Fee
		fmt.Println(row.Time.Format(time.TimeOnly), row.OutTradeNo, row.SettlementTotal, bill.Unescape(row.Description))
	}
	fmt.Println(b.Summary.Rows, "rows, fees of", fees)
	// Output:
	// 08:00:01 order-1 1230 tea,hot
	// 08:00:02 order-2 456 coffee
	// 2 rows, fees of 0.10116
}

// What is only counted until the end may be read as it comes.
func ExampleStream() {
	client := clientOf(wechatPay{})
	var total int64
	for row, err := range bill.Stream(context.Background(), client, bill.Trade{Date: "2024-11-24", Type: bill.Success}) {
		if err != nil {
			fmt.Println("not a fen of it may be believed:", err)
			return
		}
		total += row.OrderAmount
	}
	fmt.Println(total, "fen") // now it holds
	// Output: 1686 fen
}

// A row is missing, which the summary tells.
func ExampleRead() {
	_, rest, _ := strings.Cut(tradeBill, "`2024-11-24 08:00:01")
	_, rest, _ = strings.Cut(rest, "\r\n")
	heading, _, _ := strings.Cut(tradeBill, "\r\n")
	for row, err := range bill.Read[bill.TradeRow](strings.NewReader(heading + "\r\n" + rest)) {
		if err != nil {
			fmt.Println(errors.Is(err, bill.ErrDamaged), err)
			return
		}
		fmt.Println("provisionally", row.OutTradeNo)
	}
	// Output:
	// provisionally order-2
	// true bill: line 4, column 总交易单数: the summary says 2, the rows come to 1
}

func ExampleAmount_Fen() {
	fee, err := bill.ParseAmount("0.07380")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(fee)
	fmt.Println(fee.Fen())
	fmt.Println((fee * 50).Fen())
	// Output:
	// 0.0738
	// 7 false
	// 369 true
}

// wechatPay stands in for WeChat Pay: it has one bill.
type wechatPay struct{}

// The keys are made once: making RSA keys is slow.
var merchantKey, platformKey = sync.OnceValue(newKey), sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func clientOf(transport http.RoundTripper) *wechatpay.Client {
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID: "1900000109", SerialNo: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", PrivateKey: merchantKey(),
		PlatformKeys: []auth.PlatformKey{auth.PublicKey("PUB_KEY_ID_0119", &platformKey().PublicKey)},
	}, wechatpay.Transport(transport))
	if err != nil {
		panic(err)
	}
	return client
}

func (wechatPay) RoundTrip(req *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: req}
	if req.URL.Path == "/v3/billdownload/file" {
		res.Body = io.NopCloser(strings.NewReader(tradeBill))
		return res, nil
	}
	body := fmt.Sprintf(`{"hash_type":"SHA1","hash_value":"%x","download_url":" https://api.mch.weixin.qq.com/v3/billdownload/file?token=x"}`, sha1.Sum([]byte(tradeBill)))
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	signature, err := auth.Sign(platformKey(), auth.AnswerText(timestamp, "nonce", []byte(body)))
	for name, value := range map[string]string{"Serial": "PUB_KEY_ID_0119", "Timestamp": timestamp, "Nonce": "nonce", "Signature": signature} {
		res.Header.Set("Wechatpay-"+name, value)
	}
	res.Body = io.NopCloser(strings.NewReader(body))
	return res, err
}
