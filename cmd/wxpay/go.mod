module github.com/openwechatpay/wechatpay/cmd/wxpay

go 1.26.0

require (
	github.com/openwechatpay/wechatpay v0.0.0
	github.com/openwechatpay/wechatpay/openssl v0.0.0
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.10
	go.etcd.io/bbolt v1.5.0
	golang.org/x/term v0.47.0
)

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/openwechatpay/wechatpay => ../..
	github.com/openwechatpay/wechatpay/openssl => ../../openssl
)
