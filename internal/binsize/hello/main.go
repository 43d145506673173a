// Hello cancels a Pay Score order (取消支付分订单) with the SDK. Its size is measured against
// floor's, which does the same without. With the build tag index it goes by the index of all products.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := cancel(context.Background(), log); err != nil {
		log.Error("not cancelled", "err", err)
		os.Exit(1)
	}
}

func cancel(ctx context.Context, log *slog.Logger) error {
	key, err := auth.LoadPrivateKey("apiclient_key.pem")
	if err != nil {
		return err
	}
	pub, err := auth.LoadPublicKey("pub_key.pem")
	if err != nil {
		return err
	}
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID:        "1900000109",
		SerialNo:     "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
		PrivateKey:   key,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey("PUB_KEY_ID_0119000001092024112600000000", pub)},
	}, wechatpay.Logger(log))
	if err != nil {
		return err
	}
	res, err := product(client).Partner().Serviceorder().OutOrderNo("20241124001").Cancel().
		Post(ctx, payscore.CancelPartnerServiceOrderRequest{SubMchID: "1900000209", Reason: "用户取消"})
	if err != nil {
		return err
	}
	log.Info("cancelled", "status", res.StatusCode)
	return nil
}
