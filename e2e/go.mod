module github.com/openwechatpay/wechatpay/e2e

go 1.26

require github.com/openwechatpay/wechatpay v0.0.0

replace github.com/openwechatpay/wechatpay => ..
