package payscore

import (
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
)

// refusal is a refusal of Pay Score. Texts and numbers are the gateway's; where the code is not
// known, its Basis says so.
type refusal = front.Refusal

func badRequest(code, message string, sub int) *refusal {
	return &refusal{Status: http.StatusBadRequest, Code: code, Message: message, Sub: sub}
}

func noAuth(message string) *refusal {
	return &refusal{Status: http.StatusForbidden, Code: "NO_AUTH", Message: message, Sub: 268503786}
}

// notYours refuses the use of a service.
func notYours(why string) *refusal { return noAuth("商户暂无权限使用此服务").With(why) }

func orderNotExist() *refusal {
	return &refusal{Status: http.StatusNotFound, Code: "ORDER_NOT_EXIST", Message: "查询单据不存在", Sub: 271317510}
}

// otherContent refuses a number that was used before with other content.
func otherContent() *refusal {
	return badRequest("PARAM_ERROR", "订单重入参数校验失败", 271316598).DocumentedAs("INVALID_REQUEST")
}

// notCancellable refuses to cancel in the order's state.
func notCancellable(s State) *refusal {
	r := badRequest("PARAM_ERROR", "当前订单状态不满足撤销条件", 271316592).DocumentedAs(documentedState(s)).With("the order is " + string(s))
	if s == Expired {
		r.Basis = front.Inferred
	}
	return r
}

// notCompletable refuses to complete in the order's state.
func notCompletable(s State) *refusal {
	sub := 271302262
	switch s {
	case Revoked:
		sub = 271302333
	case Created:
		sub = 271302332
	}
	return badRequest("INVALID_REQUEST", "当前订单状态不合法", sub).DocumentedAs(documentedState(s)).With("the order is " + string(s))
}

// documentedState is the code that the documents have for a state that forbids the call.
func documentedState(s State) string {
	switch s {
	case Done:
		return "ORDER_DONE"
	case Revoked:
		return "ORDER_CANCELED"
	default:
		return "INVALID_ORDER_STATE"
	}
}

// notPaying refuses what is only for orders that wait for their money. The code is not known.
func notPaying(s State) *refusal {
	return badRequest("INVALID_REQUEST", "仅服务订单支付状态为待支付时，才可使用此能力", 271316657).
		DocumentedAs("INVALID_ORDER_STATE").Guessed(front.Unknown).With("the order is " + string(s))
}

// deducting refuses while money is on its way. The message is documented, its code is not.
func deducting() *refusal {
	return badRequest("INVALID_REQUEST", "单据正在扣款中，请稍后再试", 271316754).Guessed(front.Unknown).With("try again after three minutes")
}

// overCap refuses more risk than the service may have. The message is known, its code is not.
func overCap(message string) *refusal {
	return badRequest("INVALID_REQUEST", message, 271316656).Guessed(front.Unknown)
}

// invalid refuses what breaks a rule whose text in the gateway nobody has seen.
func invalid(message string) *refusal {
	return badRequest("PARAM_ERROR", message, 0).Guessed(front.Invented)
}
