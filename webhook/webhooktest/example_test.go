package webhooktest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
	"github.com/openwechatpay/wechatpay/webhook/webhooktest"
)

// A unit test sends its handler one event.
func ExampleSender_Sign() {
	sender, err := webhooktest.NewSender()
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver, err := webhook.New(sender.Merchant())
	if err != nil {
		fmt.Println(err)
		return
	}
	mux, err := webhook.NewMux(receiver)
	if err != nil {
		fmt.Println(err)
		return
	}
	webhook.On(mux, func(_ context.Context, e webhook.Event[payscore.UserPaid]) error {
		fmt.Println("paid:", e.Data.OutOrderNo, e.Data.TotalAmount)
		return nil
	})

	event := payscore.UserPaid{OutOrderNo: "20241124001", State: "DONE", TotalAmount: 4000}
	for range 2 { // as WeChat Pay does, if the answer is lost
		d, err := sender.Sign(event, webhooktest.ID("EV-2018022511223320873"))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(mux.Answer(context.Background(), d.Header, d.Body).StatusCode)
	}
	// Output:
	// paid: 20241124001 4000
	// 204
	// 204
}

// A handler that believes whatever it is told the price was.
func ExampleCheck() {
	sender, err := webhooktest.NewSender()
	if err != nil {
		fmt.Println(err)
		return
	}
	var orders, moved atomic.Int64
	event := func(amount int64) any {
		return payscore.UserPaid{OutOrderNo: fmt.Sprint(orders.Add(1)), State: "DONE", TotalAmount: amount}
	}
	report, err := webhooktest.Check(context.Background(), webhooktest.Subject{
		Sender:  sender,
		Handler: credulous(sender.Merchant(), &moved),
		Event:   func() any { return event(4000) },
		Amount:  4000,
		Moved:   func(context.Context) (int64, error) { return moved.Load(), nil },

		WrongAmount: func() any { return event(1) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(report)
	// Output:
	// PAYSCORE.USER_PAID: 21 passed, 1 failed, 3 not tried
	// it believed: wrong amount
	//
	//            case                    answer      moved
	// passed     true notification       204          4000
	// passed     documented answer       204             0
	// passed     new member              204          4000
	// passed     empty associated data   204          4000
	// passed     absent associated data  204          4000
	// passed     unsigned                401             0
	// passed     forged signature        401             0
	// passed     wrong serial            401             0
	// passed     SIGNTEST probe          401, 204     4000
	// passed     changed body            401             0
	// passed     trailing newline        401             0
	// passed     stale timestamp         401             0
	// passed     future timestamp        401             0
	// passed     wrong APIv3 key         500             0
	// passed     truncated               400             0
	// passed     oversize                413             0
	// passed     unknown event           404             0
	// FAILED     wrong amount            204             1
	//            sent: a true one about another amount than the order's
	//            it moved 1 fen, and should have moved nothing. Compare the amount with the order's before acting, whoever signed it.
	// passed     replay                  204, 204     4000
	// passed     duplicate               204, 204     4000
	// passed     two at once             2 × 204      4000
	// passed     a hundred at once       100 × 204    4000
	// not tried  reordered               the Subject has no Earlier
	// not tried  failure first           the Subject has no Break
	// not tried  failures at once        the Subject has no Break
}

func credulous(m webhook.Merchant, moved *atomic.Int64) http.Handler {
	receiver, err := webhook.New(m)
	if err != nil {
		panic(err)
	}
	mux, err := webhook.NewMux(receiver, webhook.Log(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	webhook.On(mux, func(_ context.Context, e webhook.Event[payscore.UserPaid]) error {
		moved.Add(e.Data.TotalAmount) // and nobody looked what the order costs
		return nil
	})
	return mux
}
