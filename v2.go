package wechatpay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/internal/facts"
	"github.com/openwechatpay/wechatpay/internal/multipart"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// This file is how APIv2 differs from APIv3. Only [XML] and [CallXML] lead here, so that programs
// without them do not link it.

// CallXML is [Call] for APIv2. An out that is a [url.URL] becomes the address that a browser is sent
// to, and nothing is called.
func CallXML[Out any](ctx context.Context, c *Client, method, path string, in any, opts []CallOption, out Out) (none Out, err error) {
	if err := c.callXML(ctx, method, path, in, opts, out); err != nil {
		return none, err
	}
	return out, nil
}

func (c *Client) callXML(ctx context.Context, method, path string, in any, opts []CallOption, out any) error {
	k := call{method: method, path: path, shown: path, dialect: &xmlCall{in: cmp.Or(in, any(map[string]string{}))}}
	if address, ok := out.(*url.URL); ok {
		return c.link(ctx, &k, opts, address)
	}
	res, err := c.do(ctx, &k, opts)
	if err != nil {
		return err
	}
	if whole, ok := out.(*Response); ok {
		*whole = *res
		return nil
	}
	if err := res.Decode(out); err != nil {
		return &Error{StatusCode: res.StatusCode, Verified: res.Verified, Method: method, Path: k.shown, Err: err, Attempts: res.Attempts}
	}
	return nil
}

// link makes the address of a call that a browser makes.
func (c *Client) link(ctx context.Context, k *call, opts []CallOption, address *url.URL) error {
	if err := c.begin(ctx, k, opts); err != nil {
		return &Error{Outcome: NotSent, Err: err, Method: k.method, Path: k.path}
	}
	_, origin := c.origin(k)
	u, err := url.Parse(origin.String() + k.target)
	if err != nil {
		return &Error{Outcome: NotSent, Err: withoutURL(err), Method: k.method, Path: k.path}
	}
	*address = *u
	return nil
}

// certify is a copy of the http.Client that shows the certificate in TLS; nil without one. A transport
// that is not net/http's has to show it by itself.
func (c *Client) certify(certificate tls.Certificate) *http.Client {
	if len(certificate.Certificate) == 0 {
		return nil
	}
	hc := *c.http
	if own, ok := hc.Transport.(withoutLocation).transport.(*http.Transport); ok {
		own = own.Clone()
		if own.TLSClientConfig == nil {
			own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		own.TLSClientConfig.Certificates = []tls.Certificate{certificate}
		hc.Transport = withoutLocation{own}
	}
	return &hc
}

// sender is what sends the call.
func (c *Client) sender(k *call) *http.Client {
	if k.certified {
		return c.certified
	}
	return c.http
}

// isOfV2 tells whether m has what APIv2 needs, and nothing of APIv3.
func (m Merchant) isOfV2() bool {
	return m.PrivateKey == nil && m.APIv2Key != "" && m.BrandID == "" && len(m.PlatformKeys) == 0
}

// XML is the body, or the query, of a call of APIv2 through [Client.Chain] or an index: a
// map[string]string or a struct. What is signed with, and who calls, is added where it is missing.
func XML(body any) CallOption {
	return func(k *call) error {
		if body == nil {
			return errors.New("the XML body is nil")
		}
		k.dialect = &xmlCall{in: body}
		return nil
	}
}

// xmlCall is a call of APIv2.
type xmlCall struct {
	in   any
	fact facts.V2
}

// build makes the members of the request, signs them, and puts them where they belong.
func (x *xmlCall) build(c *Client, k *call) error {
	path, ok := strings.CutPrefix(k.path, "/v2/")
	if !ok {
		return errors.New("XML is for what begins with /v2/")
	}
	if c.apiv2Key() == "" {
		return errors.New("APIv2 needs Merchant.APIv2Key (APIv2密钥): set it on the merchant platform (商户平台) under API安全")
	}
	x.fact = facts.OfV2("/" + path)
	if x.fact.Certificate && c.certified == nil {
		return errors.New("this call needs the merchant's API certificate (商户API证书) in TLS: give Merchant.Certificate")
	}
	members, err := xmlv2.Marshal(x.in)
	if err != nil {
		return err
	}
	if name := x.fact.InQuery; name != "" {
		k.query = append(k.query, pair{name, members.Get(name)})
		members = slices.DeleteFunc(members, func(m xmlv2.Member) bool { return m.Name == name })
	}
	if err := x.complete(c, k, &members); err != nil {
		return err
	}
	k.fact = facts.Fact{Host: x.fact.Host, Anonymous: true}
	k.certified = x.fact.Certificate
	k.target = "/" + path
	switch {
	case k.form != nil:
		return nil
	case k.method == http.MethodGet:
		for _, m := range members {
			k.query = append(k.query, pair{m.Name, m.Text})
		}
		k.target += encodeQuery(k.query)
		return nil
	}
	k.target += encodeQuery(k.query)
	k.body, err = xmlv2.Encode(xmlv2.Root, members)
	return err
}

// complete adds who calls and what is signed with. What the caller said stays.
func (x *xmlCall) complete(c *Client, k *call, members *xmlv2.Members) error {
	if x.fact.Caller != "" && members.Get(x.fact.Caller) == "" {
		members.Set(x.fact.Caller, c.signer.MchID())
	}
	if x.fact.Nonce && members.Get("nonce_str") == "" {
		var nonce [16]byte
		rand.Read(nonce[:])
		members.Set("nonce_str", hex.EncodeToString(nonce[:]))
	}
	if len(x.fact.SignTypes) == 0 {
		return nil
	}
	sign := auth.SignType(cmp.Or(members.Get("sign_type"), x.fact.SignTypes[0]))
	if !slices.Contains(x.fact.SignTypes, string(sign)) {
		return fmt.Errorf("the sign_type is %s, this call takes %s", legible(string(sign)), strings.Join(x.fact.SignTypes, " or "))
	}
	if x.fact.SaysType && sign != auth.MD5 {
		members.Set("sign_type", string(sign))
	}
	if k.file != nil || x.fact.SignOver != nil {
		return x.attach(c, k, members, sign)
	}
	signature, err := sign.Sign(c.apiv2Key(), members.Texts())
	if err == nil {
		members.Set("sign", signature)
	}
	return err
}

// attach makes the form of the one upload, which is small. The file is signed by its MD5.
func (x *xmlCall) attach(c *Client, k *call, members *xmlv2.Members, sign auth.SignType) error {
	u, ok := k.file.(Upload)
	if v := reflect.ValueOf(x.in); !ok && v.Kind() == reflect.Struct && v.FieldByName("File").IsValid() {
		u, ok = v.FieldByName("File").Interface().(Upload)
	}
	if !ok || u.Content == nil {
		return errors.New("this call uploads a file: give wechatpay.File")
	}
	content, err := io.ReadAll(io.LimitReader(u.Content, multipart.MaxKept+1))
	if err != nil || len(content) > multipart.MaxKept {
		return errors.New("the file cannot be read, or is too large")
	}
	digest := md5.Sum(content)
	members.Set("media_hash", hex.EncodeToString(digest[:]))
	members.Set("sign_type", string(sign))
	signed := slices.DeleteFunc(slices.Clone(*members), func(m xmlv2.Member) bool { return !slices.Contains(x.fact.SignOver, m.Name) })
	signature, err := sign.Sign(c.apiv2Key(), signed.Texts())
	if err != nil {
		return err
	}
	members.Set("sign", signature)
	k.form = multipart.Plain(members.Texts(), "media", u.Name, content)
	return nil
}

// read tells what the answer says: nil if it is a success.
func (x *xmlCall) read(c *Client, res *Response) *Error {
	failed := &Error{StatusCode: res.StatusCode, RequestID: res.RequestID}
	switch {
	case res.StatusCode != http.StatusOK:
		failed.Outcome = failed.outcome(len(res.Body) == 0)
		if bytes.Contains(res.Body, []byte("SSL certificate error")) {
			failed.Err, failed.Outcome = errors.New("the certificate in TLS was not accepted (Merchant.Certificate)"), Refused
		}
		return failed
	case x.fact.Answer == "json":
		res.decode = func(v any) error { return json.Unmarshal(res.Body, v) }
		return nil
	case x.fact.Answer == "download" && !bytes.HasPrefix(bytes.TrimSpace(res.Body), []byte("<xml")):
		return nil
	}
	members, err := xmlv2.Decode(res.Body, xmlv2.Limits{Bytes: len(res.Body), Nested: x.fact.Unsigned})
	if err == nil && members.Get("return_code") == "" {
		err = errors.New("the answer has no return_code: it is not of APIv2")
	}
	if err != nil {
		failed.Err = err
		return failed
	}
	failed.Code = cmp.Or(members.Get("err_code"), members.Get("error_code"))
	failed.Message = cmp.Or(members.Get("err_code_des"), members.Get("return_msg"))
	if members.Get("return_code") != "SUCCESS" { // which nobody signs: the call did not get further than the front
		failed.Code = cmp.Or(failed.Code, members.Get("return_code"))
		failed.Outcome = outcomeOfV2(failed.Code + failed.Message)
		return failed
	}
	if !x.fact.Unsigned {
		if failed.Err = auth.VerifyParams(c.apiv2Key(), members.Texts(), auth.MD5, auth.HMACSHA256); failed.Err != nil {
			failed.Code, failed.Message = "", ""
			return failed
		}
		res.Verified, failed.Verified = true, true
	}
	if result := members.Get("result_code"); result != "" && result != "SUCCESS" {
		failed.unsigned = x.fact.Unsigned
		failed.Outcome = outcomeOfV2(failed.Code)
		return failed
	}
	res.decode = func(v any) error { return xmlv2.Unmarshal(members, v) }
	return nil
}

// outcomeOfV2 is Unknown for the codes that say so: query, and repeat with the same number.
func outcomeOfV2(says string) Outcome {
	for _, open := range []code.Code{code.Systemerror, code.Userpaying, code.Bankerror, code.BizerrNeedRetry} {
		if strings.Contains(says, string(open)) {
			return Unknown
		}
	}
	return Refused
}
