package facts

import "slices"

// V2 is how an operation of APIv2 is signed and sent. Nobody may change it.
type V2 struct {
	path string // behind /v2

	Host        string
	SignTypes   []string // that it takes; the first holds where a request does not say
	SignOver    []string // the members that are signed; nil is all
	InQuery     string   // the member of a POST that stands in the URL, and is not signed; "" if there is none
	SaysType    bool     // it has the member sign_type
	Nonce       bool     // it has the member nonce_str
	Caller      string   // the member that is the caller's number; "" if there is none
	Certificate bool     // it wants the merchant's certificate in TLS
	Unsigned    bool     // its answer has no signature
	Answer      string   // "xml", "json", "download" (text, or XML of a failure) or "redirect"
}

// UsualV2 is what holds for an operation that is unknown.
var UsualV2 = V2{Host: usual.Host, SignTypes: []string{"MD5", "HMAC-SHA256"}, SaysType: true, Nonce: true, Caller: "mch_id", Answer: "xml"}

// OfV2 returns how the operation with this path is signed and sent, without the /v2 that only the
// chain has in front.
func OfV2(path string) V2 {
	if i := slices.IndexFunc(operationsV2[:], func(o V2) bool { return o.path == path }); i >= 0 {
		return operationsV2[i]
	}
	other := UsualV2
	other.Unsigned = path == "/sandboxnew/pay/getsignkey" // which only the older documents have
	return other
}
