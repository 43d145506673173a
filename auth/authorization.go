package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Authorization is the content of a request's Authorization header.
//
// Printed, logged or as JSON it comes without the signature; [Authorization.Header] is what
// goes on the wire.
type Authorization struct {
	Scheme    string // [Scheme], for RSA merchants, or [BrandScheme]
	MchID     string // 商户号 of the merchant that calls: in partner mode the service provider (服务商)
	BrandID   string // 品牌ID of the brand that calls, in place of MchID
	SerialNo  string // 商户API证书序列号, or 品牌API证书序列号
	Nonce     string
	Timestamp string // Unix seconds
	Signature string `json:"-"` // of [RequestText], in standard base64
}

// errAuthorization is the one error of [ParseAuthorization]; what is wrong follows it.
var errAuthorization = errors.New("malformed Authorization header")

// Header is a as the value of an Authorization header.
func (a Authorization) Header() string {
	name, id := a.caller()
	return a.Scheme + " " + name + `="` + id +
		`",nonce_str="` + a.Nonce +
		`",timestamp="` + a.Timestamp +
		`",serial_no="` + a.SerialNo +
		`",signature="` + a.Signature + `"`
}

// caller is the member that tells who calls.
func (a Authorization) caller() (name, id string) {
	if a.Scheme == BrandScheme {
		return "brand_id", a.BrandID
	}
	return "mchid", a.MchID
}

// String is a without its signature.
func (a Authorization) String() string {
	name, id := a.caller()
	return fmt.Sprintf("%s %s=%q serial_no=%q timestamp=%q nonce_str=%q",
		a.Scheme, name, id, a.SerialNo, a.Timestamp, a.Nonce)
}

// Format prints a like String, whatever the verb.
func (a Authorization) Format(f fmt.State, _ rune) { fmt.Fprint(f, a.String()) }

// ParseAuthorization reads an Authorization header. The five members may stand in any
// order, with spaces around them; each must be there once, and no other.
func ParseAuthorization(header string) (Authorization, error) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(header), " ")
	if !ok {
		return Authorization{}, fmt.Errorf("%w: nothing follows the scheme", errAuthorization)
	}
	a := Authorization{Scheme: scheme}
	fields := map[string]*string{
		"mchid":     &a.MchID,
		"nonce_str": &a.Nonce,
		"timestamp": &a.Timestamp,
		"serial_no": &a.SerialNo,
		"signature": &a.Signature,
	}
	if scheme == BrandScheme {
		delete(fields, "mchid")
		fields["brand_id"] = &a.BrandID
	}
	for more := true; more; {
		name, value, tail, err := cutMember(rest)
		if err != nil {
			return Authorization{}, err
		}
		field := fields[name]
		if field == nil {
			return Authorization{}, fmt.Errorf("%w: unknown or repeated member %q", errAuthorization, clip(name))
		}
		*field = value
		delete(fields, name)
		rest, more = strings.CutPrefix(tail, ",")
		if !more && tail != "" {
			return Authorization{}, fmt.Errorf("%w: no comma after %q", errAuthorization, name)
		}
	}
	if len(fields) > 0 {
		return Authorization{}, fmt.Errorf("%w: no %q", errAuthorization, slices.Sorted(maps.Keys(fields))[0])
	}
	return a, nil
}

// cutMember cuts one name="value" off the front of text, with the spaces around it.
// Values hold no escapes: a double quote ends them.
func cutMember(text string) (name, value, rest string, err error) {
	name, rest, ok := strings.Cut(text, "=")
	name, rest = strings.TrimSpace(name), strings.TrimSpace(rest)
	if !ok || name == "" || !strings.HasPrefix(rest, `"`) {
		return "", "", "", fmt.Errorf(`%w: want name="value"`, errAuthorization)
	}
	value, rest, ok = strings.Cut(rest[1:], `"`)
	if !ok || value == "" {
		return "", "", "", fmt.Errorf("%w: the value of %q is empty or not closed", errAuthorization, clip(name))
	}
	return name, value, strings.TrimSpace(rest), nil
}
