package front

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Basis tells how an answer of the simulator is known. Where it is not stated, an official page
// says so or a real answer was seen.
type Basis string

// What is not known for sure.
const (
	Inferred Basis = "INFERRED" // deduced
	Invented Basis = "INVENTED" // made up: never rely on it
	Unknown  Basis = "UNKNOWN"  // looked for and not found; a switch may choose another
)

// Refusal is an answer that says no. It is an error, so that handlers return it.
type Refusal struct {
	Status  int
	Code    string
	Message string
	Detail  any
	Sub     int // internal code, at the end of Request-ID; 0 stands for [genericSub]

	Documented string // the code in the documents, where another was observed
	Basis      Basis
	Why        string // what the request log adds
}

// genericSub ends the Request-ID of refusals whose internal code nobody has seen: "bad parameter".
const genericSub = 268435461

// systemSub and rateSub end the Request-ID of an error of the gateway (a guess), and of too many
// calls.
const (
	systemSub = 268435456
	rateSub   = 268435472
)

// Error is the code and the message.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// With adds what the request log tells.
func (r *Refusal) With(why string) *Refusal {
	r.Why = why
	return r
}

// Guessed marks what is not known for sure.
func (r *Refusal) Guessed(b Basis) *Refusal {
	r.Basis = b
	return r
}

// DocumentedAs gives the code that the documents print, where another was observed.
func (r *Refusal) DocumentedAs(code string) *Refusal {
	r.Documented = code
	return r
}

// withRules chooses between the observed and the documented code.
func (r *Refusal) withRules(rules world.Rules) *Refusal {
	if !rules.Documented || r.Documented == "" {
		return r
	}
	other := *r
	other.Code = r.Documented
	return &other
}

// body is the JSON, its keys in alphabetical order as the gateway has them.
func (r *Refusal) body() []byte {
	return marshal(struct {
		Code    string `json:"code"`
		Detail  any    `json:"detail,omitempty"`
		Message string `json:"message"`
	}{r.Code, r.Detail, r.Message})
}

// SystemError is the answer to what went wrong on the gateway's side.
func SystemError() *Refusal {
	return &Refusal{Status: http.StatusInternalServerError, Code: "SYSTEM_ERROR", Message: "系统异常，请稍后重试", Sub: systemSub}
}

func signError(message string) *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Code: "SIGN_ERROR", Message: message, Sub: 270924332}
}

// notMatching says what the gateway itself built: the length of the text, and its beginning up to
// the eighth byte of the body.
func notMatching(x *Exchange, text []byte) *Refusal {
	r := signError("签名错误")
	r.Sub = 268443699
	shown := text[:len(text)-1-max(0, len(x.line())-8)]
	type information struct {
		Method  string `json:"method"`
		Length  int    `json:"sign_message_length"`
		Message string `json:"truncated_sign_message"`
		URL     string `json:"url"`
	}
	type issue struct {
		Issue string `json:"issue"`
	}
	r.Detail = struct {
		Detail      issue       `json:"detail"`
		Field       string      `json:"field"`
		Location    string      `json:"location"`
		Information information `json:"sign_information"`
	}{
		issue{"sign not match"}, "signature", "authorization",
		information{x.Method, len(text), string(shown) + "\n", x.Target},
	}
	return r
}

// policy is how strictly requests are mapped.
func (f *Front) policy() mapping.Policy {
	if f.Rules.IgnoreUnknown {
		return mapping.Policy{Unknown: mapping.Ignore}
	}
	return mapping.Policy{}
}

// subs are the internal codes of what does not fit, by the rule that it breaks. Others have
// genericSub.
var subs = map[string]int{
	"unknown": 270924358, "minimum": 268435464, "maximum": 268435464, "max_length": 268435464, "min_length": 268435464,
}

// misfitting is the refusal of what does not map onto the operation's fields.
func (f *Front) misfitting(op *catalog.Operation, misfit *mapping.Misfit) *Refusal {
	r := &Refusal{
		Status:  http.StatusBadRequest,
		Code:    misfit.Code,
		Message: misfit.Message,
		Sub:     subs[misfit.Rule],
	}
	shape := mapping.Today
	if f.Rules.Documented {
		shape = mapping.Documented
	}
	if detail := misfit.Detail(shape); detail != nil {
		r.Detail = detail
	}
	if misfit.Basis != mapping.Observed {
		r.Basis = Basis(misfit.Basis)
	}
	r.Why = misfit.Rule
	if misfit.Field != "" {
		r.Why += " of " + misfit.Field
	}
	if misfit.Hint != "" {
		r.Why += ": " + misfit.Hint
	}
	if len(op.Docs) > 0 {
		r.Why += ", see " + op.Docs[0]
	}
	return r
}

// marshal is compact JSON without the escapes that encoding/json adds for HTML.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
