package webhook_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/webhook"
)

func ExampleReceiverV2() {
	receiver, err := webhook.NewV2("192006250b4c09247ec02edce69f6a2d")
	if err != nil {
		fmt.Println(err)
		return
	}
	handle := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.MaxBody))
		if err != nil {
			io.WriteString(w, webhook.FailureV2)
			return
		}
		n, err := receiver.Parse(body)
		if err != nil {
			fmt.Println(err)
			io.WriteString(w, webhook.FailureV2)
			return
		}
		switch n.EventType {
		case "payment":
			paid, err := webhook.DecodeV2[pay.Payment](n)
			if err != nil {
				io.WriteString(w, webhook.FailureV2)
				return
			}
			fmt.Println(paid.OutTradeNo, paid.TotalFee) // compare the amount, and remember the order: it may come again
		case "refund":
			// Nobody signed it: ask for the refund by pay.New(client).Refundquery().Post.
		}
		io.WriteString(w, webhook.SuccessV2)
	}

	const body = `<xml>
<out_trade_no>1409811653</out_trade_no>
<total_fee>4000</total_fee>
<sign>%s</sign>
</xml>`
	for _, sign := range []string{"AD9E5222CC37829AE8396E1716B87C6E", "00000000000000000000000000000000"} {
		w := httptest.NewRecorder()
		handle(w, httptest.NewRequest("POST", "/", strings.NewReader(fmt.Sprintf(body, sign))))
		fmt.Println(w.Body)
	}
	// Output:
	// 1409811653 4000
	// <xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>
	// webhook: the signature does not match
	// <xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[refused]]></return_msg></xml>
}
