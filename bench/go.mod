module github.com/openwechatpay/wechatpay/bench

go 1.26.0

require (
	github.com/openwechatpay/wechatpay v0.0.0
	github.com/openwechatpay/wechatpay/openssl v0.0.0
)

require github.com/ebitengine/purego v0.11.3 // indirect

replace (
	github.com/openwechatpay/wechatpay => ..
	github.com/openwechatpay/wechatpay/openssl => ../openssl
)
