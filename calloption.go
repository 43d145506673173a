package wechatpay

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
)

// A CallOption says something about one call.
type CallOption func(*call) error

// Path fills the parameter {name} of the path. The value is escaped; it may not be empty.
func Path(name, value string) CallOption {
	return func(k *call) error {
		k.named = append(k.named, pair{name, value})
		return nil
	}
}

// Query adds name=value to the query, in the order of the options. It is escaped.
func Query(name, value string) CallOption {
	return func(k *call) error {
		if name == "" {
			return errors.New("a Query has no name")
		}
		k.query = append(k.query, pair{name, value})
		return nil
	}
}

// Header sets a header of the request, such as Accept-Language. Those that carry the signature,
// those that describe the bodies and those of the connection belong to the client.
func Header(name, value string) CallOption {
	return func(k *call) error {
		name = textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case name == "Authorization", name == "Host", name == "Accept", strings.HasPrefix(name, "Wechatpay-"), strings.HasPrefix(name, "Content-"):
			return fmt.Errorf("the header %s is set by the client", name)
		case slices.Contains(hopByHop, name), strings.HasPrefix(name, "Proxy-"):
			return fmt.Errorf("the header %s is about the connection, not about the call", name)
		case name == "Accept-Encoding": // then net/http leaves the answer packed, and no signature matches
			return errors.New("the header Accept-Encoding is set by the client")
		case name == "Idempotency-Key", name == "X-Idempotency-Key": // WeChat Pay knows neither, but net/http repeats a POST for them
			return fmt.Errorf("the header %s would have the request sent twice", name)
		case name == "" || strings.ContainsFunc(name, func(r rune) bool { return r != '-' && !isLetterOrDigit(r) }):
			return errors.New("a Header has a name with a character that cannot be part of it")
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return fmt.Errorf("the value of the Header %s has a control character", name)
		}
		k.header = append(k.header, pair{name, value})
		return nil
	}
}

// hopByHop are the headers that tell the next machine how to transmit: net/http decides those.
var hopByHop = []string{"Connection", "Expect", "Http2-Settings", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// JSON is the body of a call through [Client.Chain] or an index: a struct, a map, or a
// json.RawMessage.
func JSON(body any) CallOption {
	return func(k *call) error {
		if body == nil {
			return errors.New("the JSON body is nil")
		}
		k.json = body
		return nil
	}
}

// Into also hands over the Response, which typed calls do not return: its Request-ID, its
// headers and the fields that the types do not know. Only a verified success fills res, even if
// its body then does not fit the type; after any other error res is unchanged.
func Into(res *Response) CallOption {
	return func(k *call) error {
		if res == nil {
			return errors.New("Into is nil")
		}
		k.into = res
		return nil
	}
}
