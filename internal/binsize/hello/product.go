//go:build !index

package main

import (
	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

func product(client *wechatpay.Client) payscore.Root { return payscore.New(client) }
