package bill

import "github.com/openwechatpay/wechatpay/sim/internal/front"

func refuse(status int, code, message string, sub int) *front.Refusal {
	return &front.Refusal{Status: status, Code: code, Message: message, Sub: sub}
}

// refusals are what APIv3 answers about days that have no bills, or none yet.
var refusals = map[availability]func() *front.Refusal{
	tooNew: func() *front.Refusal {
		return refuse(400, "PARAM_ERROR", "账单日期格式不正确", 270522884).Guessed(front.Inferred).With("the day is not over by the business clock")
	},
	creating: func() *front.Refusal {
		return refuse(400, "STATEMENT_CREATING", "账单生成中", 270522882).With("by the business clock it is not 10 o'clock yet on the day after")
	},
	expired: func() *front.Refusal {
		return refuse(400, "INVALID_REQUEST", "请求的账单日期已过期", 270522880).Guessed(front.Inferred).With("bills are there for three months")
	},
}
