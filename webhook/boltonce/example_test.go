package boltonce_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/webhook"
	"github.com/openwechatpay/wechatpay/webhook/boltonce"
)

func ExampleNew() {
	if err := shop(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1409811653 is paid: 4000
	// 200
	// 200
}

func shop() (err error) {
	dir, err := os.MkdirTemp("", "boltonce")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := bolt.Open(filepath.Join(dir, "shop.db"), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	store, err := boltonce.New(db)
	if err != nil {
		return err
	}
	receiver, err := webhook.New(webhook.Merchant{APIv2Key: "192006250b4c09247ec02edce69f6a2d"})
	if err != nil {
		return err
	}
	mux, err := webhook.NewMux(receiver, webhook.Remember(store))
	if err != nil {
		return err
	}
	webhook.On(mux, func(ctx context.Context, e webhook.Event[pay.Payment]) error {
		return db.Update(func(tx *bolt.Tx) error {
			paid, err := tx.CreateBucketIfNotExists([]byte("paid"))
			if err != nil {
				return err
			}
			if err := paid.Put([]byte(e.Data.OutTradeNo), fmt.Append(nil, e.Data.TotalFee)); err != nil {
				return err
			}
			fmt.Println(e.Data.OutTradeNo, "is paid:", e.Data.TotalFee)
			return boltonce.Mark(ctx, tx) // in the file with the payment, or neither is
		})
	})
	const notification = `<xml>
<return_code>SUCCESS</return_code>
<result_code>SUCCESS</result_code>
<out_trade_no>1409811653</out_trade_no>
<transaction_id>1004400740201409030005092168</transaction_id>
<total_fee>4000</total_fee>
<sign>A88B3CF503C0200166DCDF8101BD7C43</sign>
</xml>`
	for range 2 { // WeChat Pay sends it twice
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("POST", "/notify", strings.NewReader(notification)))
		fmt.Println(w.Code)
	}
	return nil
}
