package front

import (
	"cmp"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
)

// This file is the way of a request of APIv2: method, XML, merchant, client certificate, signature,
// then the mapping onto the fields. What is refused on the way is answered by return_code FAIL, which
// nobody signs.

// V2 is what the answer to a call of APIv2 needs to know about the call.
type V2 struct {
	Sent     xmlv2.Members // with nonce_str and sign
	SignType auth.SignType
	key      string // APIv2密钥
	unsigned bool   // the answer is
}

// RouteV2 is [Front.Route] for operations of APIv2.
func (f *Front) RouteV2(operations ...*catalog.Operation) {
	for _, op := range operations {
		f.v2.add(op)
	}
}

// answerV2 is the way of a request, nil if its path is none of APIv2.
func (f *Front) answerV2(x *Exchange, r *http.Request) *answer {
	op, _, others := f.v2.find(r.Method, x.path())
	if op == nil && !others {
		return nil
	}
	if err := x.read(r, op); err != nil {
		x.check("body", err.Error())
		return unread(err)
	}
	if op == nil {
		return x.fail("route", outer("请使用post方法").With("REQUIRE_POST_METHOD"))
	}
	x.Operation = op.ID()
	x.pass("route")
	sent, refusal := x.message(op)
	if refusal != nil {
		return x.fail("message", refusal)
	}
	x.pass("message")
	c := &Call{Op: op, Upload: x.upload, Origin: origin(r), V2: &V2{Sent: sent, unsigned: op.Security.ResponseUnsigned}}
	if a := f.admit(x, r, c); a != nil {
		return a
	}
	return f.takeV2(x, c)
}

// admit finds out who calls: by number, certificate and signature.
func (f *Front) admit(x *Exchange, r *http.Request, c *Call) *answer {
	id := cmp.Or(c.V2.Sent.Get("mch_id"), c.V2.Sent.Get("mchid"), c.V2.Sent.Get("combine_mch_id"))
	m := f.Keys.Merchant(id)
	if m == nil {
		return x.fail("merchant", outer("商户号不存在").Guessed(Inferred).With(fmt.Sprintf("the world has no merchant %.60q that signs calls", id)))
	}
	c.Merchant, c.V2.key = m.Merchant, m.APIv2Key
	if c.Op.Security.ClientCertificate {
		if a := f.checkClient(x, r, m); a != nil {
			return a
		}
	}
	if len(c.Op.Security.SignTypes) > 0 {
		if refusal := f.verifyV2(x, c); refusal != nil {
			return x.fail("signature", refusal.ofBill(c.Op))
		}
		x.pass("signature")
	}
	x.MchID = m.MchID
	return nil
}

// takeV2 maps what the caller sent, and carries it out.
func (f *Front) takeV2(x *Exchange, c *Call) *answer {
	if c.V2.Sent.Get("nonce_str") == "" && c.Op.Request.Body != nil && !c.Op.Security.NoNonce && c.Op.Security.SignOver == nil {
		return x.fail("mapping", outer("输入源“/body/xml/nonce_str”映射到字段“随机字符串”必填性规则校验失败，此字段为必填项").With("required of /body/xml/nonce_str"))
	}
	values, misfit := mapping.Map(c.Op, mapping.Input{
		RawQuery: x.query(), Body: x.Body, Upload: x.upload, Message: c.V2.Sent, Decrypt: f.Keys.RiskDecrypter(),
	}, mapping.Policy{Unknown: mapping.Ignore, Length: mapping.Bytes})
	if misfit != nil {
		refusal := f.misfitting(c.Op, misfit)
		return x.fail("mapping", outer(refusal.Message).Guessed(refusal.Basis).With(refusal.Why))
	}
	x.pass("mapping")
	c.Values = values
	if x.upload != nil {
		if refusal := checkFile(c); refusal != nil {
			return x.fail("file", outer(refusal.Message).Guessed(Inferred).With(refusal.Why))
		}
		x.pass("file")
	}
	return f.strike(x, c)
}

// outer is a refusal by return_code.
func outer(message string) *Refusal { return &Refusal{Status: http.StatusOK, Message: message} }

// message is what was sent: XML, the form of an upload, or the query that a browser brings.
func (x *Exchange) message(op *catalog.Operation) (xmlv2.Members, *Refusal) {
	if op.Method == http.MethodGet {
		query, err := url.ParseQuery(x.query())
		if err != nil {
			return nil, outer("参数错误").Guessed(Invented).With("the query is not escaped as it has to be")
		}
		sent := xmlv2.Members{}
		for name, values := range query {
			sent = append(sent, xmlv2.Member{Name: name, Text: values[0]})
		}
		return sent, nil
	}
	if x.upload != nil {
		return x.upload.Form, nil
	}
	if len(x.Body) == 0 {
		return nil, outer("post数据为空").With("POST_DATA_EMPTY")
	}
	sent, err := xmlv2.Decode(x.Body, xmlv2.Limits{Bytes: maxBody})
	switch {
	case errors.Is(err, xmlv2.ErrNotUTF8):
		return nil, outer("编码格式错误").With("NOT_UTF8: " + err.Error())
	case err != nil:
		return nil, outer("XML格式错误").With("XML_FORMAT_ERROR: " + err.Error())
	}
	return sent, nil
}

// checkClient looks at the certificate of the connection. Without TLS there is none to look at, and
// the call goes on: who wants the check serves the gateway by TLS and asks clients for certificates.
func (f *Front) checkClient(x *Exchange, r *http.Request, m *keys.Merchant) *answer {
	const name = "client certificate"
	if r.TLS == nil {
		x.note(name, "not looked at, for this listener has no TLS: the real gateway wants the merchant's certificate", Invented)
		return nil
	}
	if len(r.TLS.PeerCertificates) == 0 {
		return x.fail(name, outer("证书出错，请登录微信支付商户平台下载证书").Guessed(Inferred).With("the client showed no certificate"))
	}
	public, _ := r.TLS.PeerCertificates[0].PublicKey.(*rsa.PublicKey)
	switch {
	case public != nil && public.Equal(m.Public) && checkCertificate(m, x.At) == nil:
		x.pass(name)
		return nil
	case public != nil && !public.Equal(m.Public) && f.Keys.Known(public):
		return x.fail(name, outer("certificate not match").With("the client's certificate is another merchant's"))
	}
	x.check(name, "the client's certificate is none that the simulator knows, or no good any more")
	return page(http.StatusBadRequest, "400 The SSL certificate error")
}

// ofBill is a refused signature in the words that the download of bills has of its own.
func (r *Refusal) ofBill(op *catalog.Operation) *Refusal {
	if op.Path == "/pay/downloadbill" {
		r.Message, r.Detail = "sign error", xmlv2.Members{{Name: "error_code", Text: "20001"}}
	}
	return r
}

// verifyV2 checks sign by the type that the request names, else the operation's own.
func (f *Front) verifyV2(x *Exchange, c *Call) *Refusal {
	types := c.Op.Security.SignTypes
	t := auth.SignType(cmp.Or(c.V2.Sent.Get("sign_type"), types[0]))
	if !slices.Contains(types, string(t)) {
		return outer("签名错误").Guessed(Inferred).With(fmt.Sprintf("sign_type is %.20q, and this operation takes %v", t, types))
	}
	c.V2.SignType = t
	signed := c.V2.signed(c.Op.Security.SignOver)
	x.SignedText = auth.ParamsText(signed.Texts())
	err := auth.VerifyParams(c.V2.key, signed.Texts(), t)
	if err == nil {
		return nil
	}
	if errors.Is(err, auth.ErrNotSigned) {
		return outer("签名错误").With("there is no sign")
	}
	x.Diagnosis = doctor.DiagnoseV2(doctor.CaseV2{Sent: signed, Type: t, Key: c.V2.key, Others: f.Keys.OthersV2(c.Merchant.MchID)})
	why := "unknown-text: No mistake that the simulator knows leads to this sign. Compare what you signed with signed_text, to which &key= and the APIv2 key (APIv2密钥) are added."
	if x.Diagnosis != nil {
		why = explained(x.Diagnosis)
	}
	return outer("签名错误").With(why)
}

// signed are the members that the signature is over, with sign.
func (v *V2) signed(over []string) xmlv2.Members {
	if over == nil {
		return v.Sent
	}
	return slices.DeleteFunc(slices.Clone(v.Sent), func(m xmlv2.Member) bool { return m.Name != "sign" && !slices.Contains(over, m.Name) })
}
