package trade

import "github.com/openwechatpay/wechatpay/sim/internal/front"

// refuse is result_code FAIL.
func refuse(code, message string) *front.Refusal { return &front.Refusal{Code: code, Message: message} }

// outer is return_code FAIL, as parameters are refused.
func outer(message string) *front.Refusal { return &front.Refusal{Message: message} }

// repeated is a number that was used for something else.
func repeated() *front.Refusal {
	return refuse("INVALID_REQUEST", "201 商户订单号重复").DocumentedAs("OUT_TRADE_NO_USED")
}
