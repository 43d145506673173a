module github.com/openwechatpay/wechatpay/e2e

go 1.26.0

require (
	github.com/go-sql-driver/mysql v1.10.1
	github.com/lib/pq v1.12.3
	github.com/openwechatpay/wechatpay v0.0.0
	github.com/openwechatpay/wechatpay/webhook/sqlonce v0.0.0
)

require filippo.io/edwards25519 v1.2.0 // indirect

replace (
	github.com/openwechatpay/wechatpay => ..
	github.com/openwechatpay/wechatpay/webhook/sqlonce => ../webhook/sqlonce
)
