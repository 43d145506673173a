module github.com/openwechatpay/wechatpay

go 1.26
