//go:build index

package main

import (
	"log/slog"

	"github.com/openwechatpay/wechatpay"
	v3 "github.com/openwechatpay/wechatpay/v3"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// product goes by both halves of the index: the chain, and the map.
func product(client *wechatpay.Client) payscore.Root {
	slog.Debug("known", "endpoints", len(v3.Endpoints(client)))
	return v3.New(client).Payscore()
}
