module github.com/openwechatpay/wechatpay/webhook/sqlonce

go 1.26.0

require github.com/openwechatpay/wechatpay v0.0.0

replace github.com/openwechatpay/wechatpay => ../..
