package wechatpay

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/openwechatpay/wechatpay/code"
)

// Outcome tells what is known about a call that failed: did it happen?
type Outcome int

const (
	// Unknown: the call may have been carried out. Query by your own number, or repeat
	// with the same number and the same content; never use a new number. After a 429, which
	// is Unknown as well, wait first.
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

// OutcomeOf tells whether the call that returned err, which is not nil, may have been carried
// out. Of several, joined by [All] or errors.Join, it tells the worst. An error without an
// [*Error] is Unknown.
func OutcomeOf(err error) Outcome {
	worst, _ := outcomeOf(err)
	return worst
}

// outcomeOf also tells whether err holds an *Error. What that holds is its cause, and no other call.
func outcomeOf(err error) (worst Outcome, known bool) {
	switch e := err.(type) {
	case *Error:
		return e.Outcome, true
	case unknown:
		return Unknown, true
	case interface{ Unwrap() error }:
		return outcomeOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			switch outcome, ok := outcomeOf(err); {
			case !ok: // it says something about the others
			case !known || outcome == Unknown:
				worst, known = outcome, true
			case worst != Unknown:
				worst = max(worst, outcome)
			}
		}
	}
	return worst, known
}

// unknown is the error of a call that tells nothing of its outcome, beside those of other calls.
type unknown struct{ error }

func (u unknown) Unwrap() error { return u.error }

// Error is a call that failed. The members from StatusCode to Verified are of the answer, if there
// was one. They are as sent; in the text of the Error, what is long is cut off and control
// characters are replaced. Printed, logged or as JSON it comes without its Detail, which may quote
// what was refused.
type Error struct {
	StatusCode int             // 0 if there was no answer
	Code       string          // 错误码; compare with errors.Is, which knows whom to believe, and package code
	Message    string          // 错误描述
	Detail     json.RawMessage `json:"-"` // as sent; its form differs by code
	RequestID  string          // to be named to WeChat Pay's support
	Verified   bool            // whether the answer's signature was good; refusals before authentication carry none
	Method     string
	Path       string // as the documents print it: what looks like an argument is “…”
	Outcome    Outcome
	Err        error // the cause, where it is not the answer
	Attempts   int   // how often it was tried

	retryAfter string // as the answer says
	broken     bool   // an I/O error: there was no connection, or it broke
	unsigned   bool   // the operation never signs, so that its code has to be believed
}

// Result is the number at the end of RequestID: what WeChat Pay calls the failure internally, more
// exactly than by Code; 0 if there is none.
func (e *Error) Result() int64 { return resultOf(e.RequestID) }

// resultOf is the number behind the one dash of a Request-ID. Older ones are UUIDs.
func resultOf(requestID string) int64 {
	_, number, _ := strings.Cut(requestID, "-")
	result, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return 0
	}
	return int64(result)
}

// Error tells what failed, whether it may have happened, and what to do then.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "wechatpay: %s %s: ", e.Method, legible(e.Path))
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, "%s: ", strings.TrimSpace(fmt.Sprint(e.StatusCode, " ", e.answer())))
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "%s: ", legible(e.Err.Error()))
	}
	text := strings.TrimSuffix(b.String(), ": ")
	if e.RequestID != "" {
		text += " (Request-ID " + legible(e.RequestID) + ")"
	}
	return text + "; " + e.Outcome.advice()
}

func (o Outcome) advice() string {
	switch o {
	case NotSent:
		return "nothing was sent"
	case Refused:
		return "it was refused, and nothing was done"
	default:
		return "it may have been carried out: query by your number, or repeat with the same number and content, never with a new number"
	}
}

// answer is what WeChat Pay said, else the status in words.
func (e *Error) answer() string {
	switch {
	case e.Code == "":
		return http.StatusText(e.StatusCode)
	case e.Message == "":
		return legible(e.Code)
	default:
		return legible(e.Code) + ": " + legible(e.Message)
	}
}

// legible is text of a stranger as it may stand in a line of a log: not long, and without
// characters that end the line, steer a terminal or cannot be seen.
func legible(text string) string {
	const limit = 256
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > limit {
			b.WriteRune('…')
			break
		}
		if !strconv.IsPrint(r) {
			r = '\ufffd'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// LogValue is e's text.
func (e Error) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints e's text, whatever the verb.
func (e Error) Format(f fmt.State, verb rune) {
	if verb != 'q' {
		verb = 's'
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), e.Error())
}

// Unwrap gives errors.Is the code and the cause. The code of an answer without a signature may be
// a proxy's, so that only those are given which WeChat Pay's front servers send unsigned.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Code != "" && (e.Verified || e.unsigned || e.byFront()) {
		errs = append(errs, code.Code(e.Code))
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// withoutArguments is path with “…” for what may be an argument: every segment but parameters in
// braces and words as the documents have them, which are lower-case letters, - and _, at most one
// digit, as in h5, and at most 48 characters.
func withoutArguments(path string) string {
	words := true
	for segment := range strings.SplitSeq(path, "/") {
		words = words && isWord(segment)
	}
	if words { // without allocating
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if !isWord(segment) {
			segments[i] = "…"
		}
	}
	return strings.Join(segments, "/")
}

func isWord(segment string) bool {
	if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
		return true
	}
	digits := 0
	for i, r := range segment {
		switch {
		case r >= '0' && r <= '9' && i > 0:
			digits++
		case r != '-' && r != '_' && (r < 'a' || r > 'z'):
			return false
		}
	}
	return digits <= 1 && len(segment) <= 48
}

// refusal is the Error of an answer that is not a success. Of an answer whose signature
// is there but wrong, nothing is taken but the status.
func refusal(res *Response, cause error) *Error {
	e := &Error{StatusCode: res.StatusCode, RequestID: res.RequestID, Verified: res.Verified, Err: cause}
	if cause == nil {
		e.readBody(res.Body)
	}
	e.Outcome = e.outcome(len(res.Body) == 0)
	return e
}

// readBody reads the error's JSON, each member by itself and by its exact name. A front server or
// a proxy may send HTML or nothing instead: then the status has to do.
func (e *Error) readBody(body []byte) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return
	}
	// A member that is not text stays empty.
	_ = json.Unmarshal(members["code"], &e.Code)
	_ = json.Unmarshal(members["message"], &e.Message)
	e.Detail = members["detail"]
}

// outcome is [Refused] for what WeChat Pay refuses. A 429 is not among it: it says to repeat the
// same call later, of a refund that its outcome is unknown, and without a signature it may be
// the word of a proxy that sent the call before.
func (e *Error) outcome(empty bool) Outcome {
	switch {
	case e.Err != nil || e.StatusCode < 400 || e.StatusCode >= 500 || e.StatusCode == http.StatusTooManyRequests:
		return Unknown
	case e.Verified || e.byFront():
		return Refused
	case empty && (e.StatusCode == http.StatusNotFound || e.StatusCode == http.StatusMethodNotAllowed):
		return Refused // by the front servers, too: they know no such path, or no such method
	}
	return Unknown
}

// byFront tells whether e has the status and code with which WeChat Pay's front servers refuse by
// themselves, before they sign. Any other answer without a signature may be the word of a proxy
// about a request that went through.
func (e *Error) byFront() bool {
	switch e.StatusCode {
	case http.StatusUnauthorized:
		return e.Code == string(code.SignError)
	case http.StatusBadRequest:
		return e.Code == string(code.InvalidRequest) || e.Code == string(code.ParamError)
	}
	return false
}
