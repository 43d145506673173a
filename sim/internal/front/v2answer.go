package front

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is the answers of APIv2: 200 and text/plain, whatever they say.

// Redirect is the address that a handler sends a browser to.
type Redirect string

// fail notes the check that failed and answers return_code FAIL.
func (x *Exchange) fail(name string, r *Refusal) *answer {
	x.refuse(name, r)
	more, _ := r.Detail.(xmlv2.Members)
	return &answer{status: http.StatusOK, members: append(failure(r.Message), more...)}
}

// refusedV2 is the answer to a call that the rules refuse: by err_code, or by return_code if it has none.
func (c *Call) refusedV2(x *Exchange, r *Refusal) *answer {
	if r.Code == "" {
		return x.fail("business", r)
	}
	x.refuse("business", r)
	more, _ := r.Detail.(xmlv2.Members)
	return c.V2.failed(r.Code, r.Message, more...)
}

// failed is result_code FAIL.
func (v *V2) failed(code, message string, more ...xmlv2.Member) *answer {
	said := append(xmlv2.Members{{Name: "err_code", Text: code}, {Name: "err_code_des", Text: message}}, more...)
	return &answer{status: http.StatusOK, v2: v, members: v.envelope("FAIL", said...)}
}

// answeredV2 is the answer that the result of a handler makes: members as they are, or an object by
// the fields of the catalog.
func (f *Front) answeredV2(c *Call, result any) (*answer, error) {
	body := c.Op.Response.Body
	switch result := result.(type) {
	case *Refusal: // that left something behind
		return c.V2.failed(result.Code, result.Message), nil
	case Redirect:
		return &answer{status: c.Op.Response.Status[0], header: "Location", value: string(result)}, nil
	case xmlv2.Members:
		return &answer{status: http.StatusOK, v2: c.V2, members: c.V2.envelope("SUCCESS", result...)}, nil
	case map[string]any:
		encrypt := func(plaintext string) (string, error) {
			return crypt.EncryptOAEP(f.Keys.Merchant(c.Merchant.MchID).Public, plaintext)
		}
		value, err := writeValue(&catalog.Field{Fields: body.Fields}, result, encrypt)
		if err != nil {
			return nil, err
		}
		if body.Kind == "json" {
			return &answer{status: http.StatusOK, body: marshal(value)}, nil
		}
		object, _ := value.(map[string]any)
		return &answer{status: http.StatusOK, v2: c.V2, members: c.V2.envelope("SUCCESS", membersOf(body.Fields, object)...)}, nil
	}
	return nil, fmt.Errorf("a result of APIv2 is a %T", result)
}

// envelope is what every answer has, around its own members. What is not signed has no nonce_str.
func (v *V2) envelope(result string, own ...xmlv2.Member) xmlv2.Members {
	all := xmlv2.Members{{Name: "return_code", Text: "SUCCESS"}, {Name: "return_msg", Text: "OK"}, {Name: "result_code", Text: result}}
	for _, name := range []string{"appid", "mch_id"} {
		if text := v.Sent.Get(name); text != "" {
			all.Set(name, text)
		}
	}
	for _, m := range own {
		if m.Members != nil {
			all = append(all, m) // several may have one name
			continue
		}
		all.Set(m.Name, m.Text)
	}
	if !v.unsigned {
		all.Set("nonce_str", nonceV2())
	}
	return all
}

// sealed is the message that goes out: signed as the call was, unless a fault struck.
func (v *V2) sealed(members xmlv2.Members, spoil world.Effect) []byte {
	if v != nil && !v.unsigned && spoil != world.EffectUnsigned {
		members.Set("sign", signV2(members, cmp.Or(v.SignType, auth.MD5), v.key, spoil))
	}
	text, err := xmlv2.Encode(xmlv2.Root, members)
	if err != nil { // a query may hold what XML has not
		text, _ = xmlv2.Encode(xmlv2.Root, failure("参数错误"))
	}
	return text
}

// failure is return_code FAIL.
func failure(message string) xmlv2.Members {
	return xmlv2.Members{{Name: "return_code", Text: "FAIL"}, {Name: "return_msg", Text: message}}
}

// signV2 is the sign of a message, which an effect of a fault may spoil.
func signV2(members xmlv2.Members, t auth.SignType, key string, spoil world.Effect) string {
	sign, err := t.Sign(key, members.Texts())
	if err != nil {
		panic(err) // the world has only keys that can be
	}
	if spoil == world.EffectWrongSignature {
		sign = sign[1:] + sign[:1]
	}
	return sign
}

func nonceV2() string {
	var raw [16]byte
	rand.Read(raw[:])
	return strings.ToUpper(hex.EncodeToString(raw[:]))
}

// membersOf are the members of an object, in the order of the catalog.
func membersOf(fields []catalog.Field, object map[string]any) (all xmlv2.Members) {
	for i := range fields {
		f := &fields[i]
		value, ok := object[f.Name]
		if !ok || f.Name == "error_code" && !f.Required { // nothing is wrong
			continue
		}
		list, isList := value.([]any)
		switch {
		case f.Indexed > 0:
			all = append(all, indexed(f.Name, list)...)
		case f.Encoded == "" && isList:
			for _, item := range list {
				all = append(all, memberOf(f, item))
			}
		default:
			all = append(all, memberOf(f, value))
		}
	}
	return all
}

// indexed are the members of a name that ends in _$n or _$n_$m.
func indexed(name string, list []any) (all xmlv2.Members) {
	base, index, _ := strings.Cut(name, "$")
	_, rest, _ := strings.Cut(index, "_")
	for i, item := range list {
		numbered := base + strconv.Itoa(i)
		if inner, ok := item.([]any); ok {
			all = append(all, indexed(numbered+"_"+rest, inner)...)
			continue
		}
		all = append(all, xmlv2.Member{Name: numbered, Text: fmt.Sprint(item)})
	}
	return all
}

func memberOf(f *catalog.Field, value any) xmlv2.Member {
	if object, ok := value.(map[string]any); ok {
		return xmlv2.Member{Name: f.Name, Members: membersOf(f.Fields, object)}
	}
	return xmlv2.Member{Name: f.Name, Text: fmt.Sprint(value)}
}
