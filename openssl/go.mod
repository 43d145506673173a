module github.com/openwechatpay/wechatpay/openssl

go 1.26.0

require (
	github.com/ebitengine/purego v0.11.3
	github.com/openwechatpay/wechatpay v0.0.0
)

replace github.com/openwechatpay/wechatpay => ..
