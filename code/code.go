// Package code lists the error codes (错误码) of APIv3 and APIv2.
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
//
// # Names
//
// A name has its words where the wire has underscores: ORDER_NOT_EXIST is [OrderNotExist], and
// ORDERNOTEXIST is [Ordernotexist]. They mean the same, but which one comes depends on the product
// and on the age of its page, not on the version alone, so that no name says v2. Where a program
// calls products of both kinds, it asks for both.
package code

// Code is an error code as it stands in the member code of an error's body, or in err_code of APIv2.
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

// Codes that mean what a code above means, from some products.
const (
	NotFound             Code = "NOT_FOUND"              // 404 [ResourceNotExists], from transfers, certificates and due diligence
	RatelimitExceed      Code = "RATELIMIT_EXCEED"       // 429 [FrequencyLimited]
	RateLimited          Code = "RATE_LIMITED"           // 429 the same, from onboarding
	FrequencyLimit       Code = "FREQUENCY_LIMIT"        // 429 the same
	FrequencyLimitExceed Code = "FREQUENCY_LIMIT_EXCEED" // 429 the same, from transfers and uploads
)

// Codes of transactions (交易) and refunds (退款).
const (
	AppIDMchIDNotMatch  Code = "APPID_MCHID_NOT_MATCH" // 400 the appid is not bound to the merchant
	OrderClosed         Code = "ORDER_CLOSED"          // 400 the order was closed
	OrderPaid           Code = "ORDER_PAID"            // 400 the order was paid
	AlreadyExists       Code = "ALREADY_EXISTS"        // 400 the resource is there already
	OutTradeNoUsed      Code = "OUT_TRADE_NO_USED"     // 403 the number belongs to an order with other content
	UserAccountAbnormal Code = "USER_ACCOUNT_ABNORMAL" // 403 the user's account was closed or locked
	OpenIDMismatch      Code = "OPENID_MISMATCH"       // 500 the openid is not one of the appid; from combined orders
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

// Codes of transfers (商家转账), coupons (代金券) and onboarding (进件).
const (
	UserError             Code = "USER_ERROR"              // 403 the merchant may not transfer at present
	RequestBlocked        Code = "REQUEST_BLOCKED"         // 403 the coupon cannot be had now
	ResourceAlreadyExists Code = "RESOURCE_ALREADY_EXISTS" // 400 an application with this number is under way
	Processing            Code = "PROCESSING"              // 400 the same, on older pages
	ApplymentNotexist     Code = "APPLYMENT_NOTEXIST"      // 400 no such application
)

// Codes of APIv2, where the status is always 200, and of APIv3 for combined orders (合单) and on
// older pages, where it is the one here.
const (
	Orderpaid            Code = "ORDERPAID"             // 400 the order was paid; APIv3 says so of any paid order that is to be closed
	Noauth               Code = "NOAUTH"                // 403 the merchant lacks a permission
	Rulelimit            Code = "RULELIMIT"             // 403 a business rule limits the call
	Accounterror         Code = "ACCOUNTERROR"          // 403 the account cannot be used
	Ordernotexist        Code = "ORDERNOTEXIST"         // 404 no order has this number
	Systemerror          Code = "SYSTEMERROR"           // 500 repeat with identical parameters, then query
	Bankerror            Code = "BANKERROR"             // 500 the outcome is open at the user's bank; query
	InvalidTransactionID Code = "INVALID_TRANSACTIONID" // 500 no such transaction_id
	Userpaying           Code = "USERPAYING"            // 202 the user has to enter the password; query, do not pay again
)

// Codes of APIv2 alone. See https://pay.weixin.qq.com/doc/v2/merchant/4011935214 for orders,
// https://pay.weixin.qq.com/doc/v2/merchant/4011937125 for codes that users show and
// https://pay.weixin.qq.com/doc/v2/merchant/4011937624 for refunds.
const (
	Signerror         Code = "SIGNERROR"           // the signature is wrong
	CertError         Code = "CERT_ERROR"          // the client certificate is missing or wrong
	RequirePostMethod Code = "REQUIRE_POST_METHOD" // the call was not a POST
	PostDataEmpty     Code = "POST_DATA_EMPTY"     // the call had no body
	XMLFormatError    Code = "XML_FORMAT_ERROR"    // the body is not XML
	NotUTF8           Code = "NOT_UTF8"            // the body is not in UTF-8
	LackParams        Code = "LACK_PARAMS"         // a field is missing
	AppIDNotExist     Code = "APPID_NOT_EXIST"     // no such appid
	MchIDNotExist     Code = "MCHID_NOT_EXIST"     // no such merchant

	Orderclosed     Code = "ORDERCLOSED"       // the order was closed
	Orderreversed   Code = "ORDERREVERSED"     // the order was reversed
	Notenough       Code = "NOTENOUGH"         // the balance is too low
	Notsuportcard   Code = "NOTSUPORTCARD"     // the user's card does not do here
	Authcodeexpire  Code = "AUTHCODEEXPIRE"    // the user's code is too old; scan a new one
	AuthCodeError   Code = "AUTH_CODE_ERROR"   // the user's code is malformed
	AuthCodeInvalid Code = "AUTH_CODE_INVALID" // the user's code was used before, or is none
	BuyerMismatch   Code = "BUYER_MISMATCH"    // another user may not pay this order
	ReverseExpire   Code = "REVERSE_EXPIRE"    // it is too late to reverse; refund

	Error             Code = "ERROR"                // the refund failed for a reason in the message
	BizerrNeedRetry   Code = "BIZERR_NEED_RETRY"    // repeat the refund with the same number
	InvalidReqTooMuch Code = "INVALID_REQ_TOO_MUCH" // too many refunds failed; wait a minute
	TradeOverdue      Code = "TRADE_OVERDUE"        // the order is too old for a refund
	OrderNotReady     Code = "ORDER_NOT_READY"      // the order cannot be refunded yet
	RefundFeeMismatch Code = "REFUND_FEE_MISMATCH"  // one number with two amounts
	Refundnotexist    Code = "REFUNDNOTEXIST"       // no refund has this number

	NotShareOrder Code = "NOT_SHARE_ORDER" // the order was not made for profit sharing
	NoBillExist   Code = "NO_BILL_EXIST"   // there is no bill for that day
	BillCreating  Code = "BILL_CREATING"   // the bill is being made
)
