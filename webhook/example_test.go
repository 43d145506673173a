package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
)

// A receiver of both APIs. What is true of the notification is not yet true of the order: the amount is
// compared before anything is delivered.
func ExampleMux() {
	receiver, err := webhook.New(webhook.Merchant{APIv2Key: "192006250b4c09247ec02edce69f6a2d"})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux, err := webhook.NewMux(receiver)
	if err != nil {
		fmt.Println(err)
		return
	}
	owed := map[string]int64{"1409811653": 4000} // fen, by our numbers
	webhook.On(mux, func(_ context.Context, e webhook.Event[pay.Payment]) error {
		if e.Data.ResultCode != "SUCCESS" {
			return nil // nobody paid: there is nothing to do
		}
		if owed[e.Data.OutTradeNo] != e.Data.TotalFee {
			return errors.New("the amount is not the order's")
		}
		fmt.Println("paid", e.Data.OutTradeNo)
		return nil
	})

	const body = `<xml>
<return_code>SUCCESS</return_code>
<result_code>SUCCESS</result_code>
<out_trade_no>1409811653</out_trade_no>
<transaction_id>1004400740201409030005092168</transaction_id>
<total_fee>4000</total_fee>
<sign>%s</sign>
</xml>`
	for _, sign := range []string{"A88B3CF503C0200166DCDF8101BD7C43", "A88B3CF503C0200166DCDF8101BD7C43", "00000000000000000000000000000000"} {
		answer := mux.Answer(context.Background(), nil, fmt.Appendf(nil, body, sign))
		fmt.Println(answer.StatusCode, string(answer.Body))
	}
	// Output:
	// paid 1409811653
	// 200 <xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>
	// 200 <xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>
	// 401 <xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[refused]]></return_msg></xml>
}

// The user's confirmation arrives after the payment, although it happened before.
func ExampleProgress() {
	progress := webhook.Progress[payscore.ServiceOrderState]{{"CREATED"}, {"DOING"}, {"DONE", "REVOKED", "EXPIRED"}}
	var stored payscore.ServiceOrderState
	var storedAt time.Time
	at := time.Date(2024, 11, 24, 16, 0, 0, 0, time.UTC)
	for _, news := range []struct {
		state payscore.ServiceOrderState
		at    time.Time // create_time
	}{{"DONE", at.Add(time.Hour)}, {"DOING", at}} {
		if !progress.Moves(stored, storedAt, news.state, news.at) {
			fmt.Println("late:", news.state)
			continue // and answer that it was received
		}
		stored, storedAt = news.state, news.at
		fmt.Println("stored:", stored)
	}
	// Output:
	// stored: DONE
	// late: DOING
}
