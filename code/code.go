// Package code lists the error codes (错误码) of APIv3.
//
// A code is an error, so that it can be asked for:
//
//	if errors.Is(err, code.OrderNotExist) { … }
//
// Of an answer without a signature errors.Is believes only what WeChat Pay's front servers send
// unsigned: a 401 with [SignError], a 400 with [InvalidRequest] or [ParamError]. Any other code
// there may be a proxy's.
//
// The same code comes with different statuses from different operations, so decide by
// code first and by status second. WeChat Pay adds codes without notice; one
// that is not listed here is [Code] of its text.
package code

// Code is an error code as it stands in the member code of an error's body.
type Code string

// Error is the code itself.
func (c Code) Error() string { return string(c) }

// Codes of every product, with the status that they mostly come with. See
// https://pay.weixin.qq.com/doc/v3/merchant/4012081717.
const (
	ParamError         Code = "PARAM_ERROR"         // 400 a field is missing, of the wrong type or out of range; Pay Score also uses it for a state that forbids the call
	InvalidRequest     Code = "INVALID_REQUEST"     // 400 breaks a rule of APIv3 or of the business; one number with two contents
	SignError          Code = "SIGN_ERROR"          // 401 the Authorization header or the signature is wrong
	NoAuth             Code = "NO_AUTH"             // 403 the merchant lacks a permission or a binding
	NotEnough          Code = "NOT_ENOUGH"          // 403 the account's balance is too low; repeat with the same number after a top-up
	RuleLimit          Code = "RULE_LIMIT"          // 403 a business rule limits the call
	TradeError         Code = "TRADE_ERROR"         // 403 the trade failed for a reason in the message
	AccountError       Code = "ACCOUNT_ERROR"       // 403 the account cannot be used
	OrderNotExist      Code = "ORDER_NOT_EXIST"     // 404 no order has this number
	ResourceNotExists  Code = "RESOURCE_NOT_EXISTS" // 404 no such resource
	MchNotExists       Code = "MCH_NOT_EXISTS"      // 400, or 404 for refunds: no such merchant
	FrequencyLimited   Code = "FREQUENCY_LIMITED"   // 429 too many calls; wait, then repeat unchanged
	RatelimitExceeded  Code = "RATELIMIT_EXCEEDED"  // 429 the same, in general documents
	SystemError        Code = "SYSTEM_ERROR"        // 500 repeat with identical parameters, then query
	ServiceUnavailable Code = "SERVICE_UNAVAILABLE" // 503 the same
)

// Codes of transactions (交易) and refunds (退款).
const (
	AppIDMchIDNotMatch  Code = "APPID_MCHID_NOT_MATCH" // 400 the appid is not bound to the merchant
	OrderClosed         Code = "ORDER_CLOSED"          // 400 the order was closed
	OrderPaid           Code = "ORDER_PAID"            // 400 the order was paid
	AlreadyExists       Code = "ALREADY_EXISTS"        // 400 the resource is there already
	OutTradeNoUsed      Code = "OUT_TRADE_NO_USED"     // 403 the number belongs to an order with other content
	UserAccountAbnormal Code = "USER_ACCOUNT_ABNORMAL" // 403 the user's account was closed or locked
)

// Codes of Pay Score (支付分). They are documented; answers seen so far carry
// [ParamError] or [InvalidRequest] instead when a state forbids the call.
const (
	InvalidOrderState Code = "INVALID_ORDER_STATE" // 400 the order's state forbids the call
	OrderCanceled     Code = "ORDER_CANCELED"      // 400 the order was cancelled
	OrderDone         Code = "ORDER_DONE"          // 400 the order is done
)

// Codes of bills (账单).
const (
	NoStatementExist  Code = "NO_STATEMENT_EXIST" // 400 there is no bill for that day
	StatementCreating Code = "STATEMENT_CREATING" // 400 the bill is being made; ask again in half an hour, after 10:00
)
