package wechatpay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/openwechatpay/wechatpay/code"
)

// Outcome tells what is known about a call that failed: did it happen?
type Outcome int

const (
	// Unknown: the call may have been carried out. Query by your own number, or repeat
	// with the same number and the same content; never use a new number.
	Unknown Outcome = iota
	// NotSent: nothing was sent, or nothing arrived.
	NotSent
	// Refused: WeChat Pay said no, and did nothing.
	Refused
)

// String is the name of the constant.
func (o Outcome) String() string {
	switch o {
	case NotSent:
		return "NotSent"
	case Refused:
		return "Refused"
	default:
		return "Unknown"
	}
}

// OutcomeOf tells whether the call that returned err, which is not nil, may have been
// carried out. An error that is not of this package is Unknown.
func OutcomeOf(err error) Outcome {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Outcome
	}
	return Unknown
}

// Error is a call that failed. The members from StatusCode to Verified are of the
// answer, if there was one.
type Error struct {
	StatusCode int             // 0 if there was no answer
	Code       string          // 错误码; compare with errors.Is and package code
	Message    string          // 错误描述
	Detail     json.RawMessage // as sent; its form differs by code
	RequestID  string          // to be named to WeChat Pay's support
	Verified   bool            // whether the answer's signature was good; refusals before authentication carry none

	Method  string
	Path    string // as the documents print it, without arguments
	Outcome Outcome
	Err     error // the cause, where it is not the answer
}

// Error describes the failure and, if its outcome is [Unknown], what to do next.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "wechatpay: %s %s: ", e.Method, e.Path)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, "%s: ", strings.TrimSpace(fmt.Sprint(e.StatusCode, " ", e.answer())))
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "%v: ", e.Err)
	}
	text := strings.TrimSuffix(b.String(), ": ")
	if e.RequestID != "" {
		text += " (Request-ID " + e.RequestID + ")"
	}
	if e.Outcome == Unknown {
		text += "; it may have been carried out: query by your number, or repeat with the same number and content, never with a new number"
	}
	return text
}

// answer is what WeChat Pay said, else the status in words.
func (e *Error) answer() string {
	switch {
	case e.Code == "":
		return http.StatusText(e.StatusCode)
	case e.Message == "":
		return e.Code
	default:
		return e.Code + ": " + e.Message
	}
}

// Unwrap gives errors.Is the code and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Code != "" {
		errs = append(errs, code.Code(e.Code))
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// refusal is the Error of an answer that is not a success. Of an answer whose signature
// is there but wrong, nothing is taken but the status.
func refusal(res *Response, cause error) *Error {
	e := &Error{StatusCode: res.StatusCode, RequestID: res.RequestID, Verified: res.Verified, Err: cause}
	if cause == nil {
		e.readBody(res.Body)
	}
	e.Outcome = e.outcome()
	return e
}

// readBody reads the error's JSON. A front server or a proxy may send HTML or nothing
// instead: then the status has to do.
func (e *Error) readBody(body []byte) {
	var answer struct {
		Code    string          `json:"code"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	e.Code, e.Message, e.Detail = answer.Code, answer.Message, answer.Detail
}

// outcome is [Refused] for what WeChat Pay refuses. Without a signature that holds only for
// the statuses that its front servers answer by themselves, before they sign; any other
// may be the word of a proxy about a request that went through.
func (e *Error) outcome() Outcome {
	switch {
	case e.Err != nil || e.StatusCode < 400 || e.StatusCode >= 500:
		return Unknown
	case e.Verified:
		return Refused
	}
	switch e.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusTooManyRequests:
		return Refused
	}
	return Unknown
}
