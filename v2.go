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
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/internal/download"
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
		k.dialect.(*xmlCall).link = true
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
		return undecodable(&k, res, err)
	}
	return nil
}

// link makes the address of a call that a browser makes.
func (c *Client) link(ctx context.Context, k *call, opts []CallOption, address *url.URL) error {
	if err := c.begin(ctx, k, opts); err != nil {
		return &Error{Outcome: NotSent, Err: err, Method: k.method, Path: k.path}
	}
	_, to := c.origin(k)
	u, err := url.Parse(to.text + k.target)
	if err != nil {
		return &Error{Outcome: NotSent, Err: withoutURL(err), Method: k.method, Path: k.path}
	}
	*address = *u
	return nil
}

// certify is a copy of the http.Client that shows the certificate in TLS; nil without one. A transport
// that is not net/http's has to show it by itself.
func (c *Client) certify(certificate tls.Certificate) (*http.Client, error) {
	if len(certificate.Certificate) == 0 {
		return nil, nil
	}
	if certificate.PrivateKey == nil {
		return nil, errors.New("the Merchant.Certificate has no key: load both with tls.LoadX509KeyPair")
	}
	hc := *c.http
	own, ok := hc.Transport.(withoutLocation).transport.(*http.Transport)
	if !ok {
		return &hc, nil
	}
	if own.DialTLSContext != nil {
		return nil, errors.New("the Transport makes its own TLS, so that it has to show the certificate: leave Merchant.Certificate out")
	}
	own = own.Clone()
	if own.TLSClientConfig == nil {
		own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	own.TLSClientConfig.Certificates, own.TLSClientConfig.GetClientCertificate = []tls.Certificate{certificate}, nil
	if own.TLSNextProto["h2"] != nil { // which would share connections with whom it was cloned from
		own.TLSNextProto, own.ForceAttemptHTTP2 = nil, true
	}
	own.IdleConnTimeout = cmp.Or(own.IdleConnTimeout, time.Minute) // nobody closes them
	hc.Transport = withoutLocation{own}
	return &hc, nil
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

// XML is [JSON] for APIv2, as the body or the query: a map[string]string or a struct. What is signed
// with, and who calls, is added where missing.
func XML(body any) CallOption {
	return func(k *call) error {
		if body == nil {
			return errors.New("the XML body is nil")
		}
		if k.dialect != nil {
			return errors.New("this call has its own request struct: XML is for Chain and Endpoints, and once")
		}
		k.dialect = &xmlCall{in: body}
		return nil
	}
}

// xmlCall is a call of APIv2.
type xmlCall struct {
	in   any
	link bool // it only wants the address
	path string
	fact facts.V2
}

// build makes the members of the request, signs them, and puts them where they belong.
func (x *xmlCall) build(c *Client, k *call) error {
	path := strings.TrimPrefix(k.path, "/v2/")
	x.path = "/" + path
	if c.apiv2Key() == "" {
		return errors.New("APIv2 needs Merchant.APIv2Key (APIv2密钥): set it on the merchant platform (商户平台) under API安全")
	}
	x.fact = facts.OfV2(x.path)
	if x.fact.Answer == "redirect" && !x.link {
		return errors.New("a browser calls it: the verb of the typed chain gives the address")
	}
	if x.fact.Certificate && c.certified == nil {
		return errors.New("this call needs the merchant's API certificate (商户API证书) in TLS: give Merchant.Certificate")
	}
	members, err := xmlv2.Marshal(x.in)
	if err != nil {
		return err
	}
	members = slices.DeleteFunc(members, func(m xmlv2.Member) bool { return m.Text == "" && m.Members == nil }) // as good as absent
	if name := x.fact.InQuery; members.Get(name) != "" {
		k.query = append(k.query, pair{name, members.Get(name)})
		members = slices.DeleteFunc(members, func(m xmlv2.Member) bool { return m.Name == name })
	}
	if err := x.complete(c, k, &members); err != nil {
		return err
	}
	k.fact = facts.Fact{Host: x.fact.Host, Anonymous: true}
	k.certified = x.fact.Certificate
	if k.method == http.MethodGet && k.form == nil {
		for _, m := range members {
			k.query = append(k.query, pair{m.Name, m.Text})
		}
	}
	k.target = appendQuery("/"+path, k.query)
	if k.method != http.MethodGet && k.form == nil {
		k.body, err = xmlv2.Encode(xmlv2.Root, members)
	}
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
	if k.file != nil && x.fact.SignOver == nil {
		return errors.New("this call takes no file")
	}
	if x.fact.SignOver != nil {
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
	if v := reflect.Indirect(reflect.ValueOf(x.in)); !ok && v.Kind() == reflect.Struct && v.FieldByName("File").IsValid() {
		u, ok = v.FieldByName("File").Interface().(Upload)
	}
	if !ok || u.Content == nil {
		return errors.New("this call uploads a file: give wechatpay.File")
	}
	content, err := io.ReadAll(io.LimitReader(u.Content, multipart.MaxKept+1))
	switch {
	case err != nil:
		return fmt.Errorf("the file cannot be read: %w", err)
	case len(content) > multipart.MaxKept:
		return fmt.Errorf("the file has more than %d bytes", multipart.MaxKept)
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
		return readJSON(res, failed)
	case x.fact.Answer == "download" && len(res.Body) > 0 && !isXML(res.Body):
		if failed.Err = checkDigest(x.path, res); failed.Err != nil {
			return failed
		}
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
		failed.Outcome = outcomeOfV2(failed)
		failed.Code = cmp.Or(failed.Code, members.Get("return_code"))
		return failed
	}
	if members.Get("sign") == "" && failed.Code != "" { // as some answer to a wrong signature
		failed.unsigned = x.fact.Unsigned
		failed.Outcome = outcomeOfV2(failed)
		return failed
	}
	if !x.fact.Unsigned || members.Get("sign") != "" {
		if failed.Err = auth.VerifyParams(c.apiv2Key(), members.Texts(), auth.MD5, auth.HMACSHA256); failed.Err != nil {
			failed.Code, failed.Message = "", ""
			return failed
		}
		res.Verified, failed.Verified = true, true
	}
	if result := members.Get("result_code"); result != "" && result != "SUCCESS" || failed.Code != "" {
		failed.unsigned = x.fact.Unsigned
		failed.Outcome = outcomeOfV2(failed)
		return failed
	}
	if x.fact.Answer == "download" {
		failed.Err, failed.Message = errors.New("the answer is neither a file nor a failure"), ""
		return failed
	}
	res.decode = func(v any) error { return xmlv2.Unmarshal(members, v) }
	return nil
}

// isXML tells a failure from a file: those of bills begin with a word.
func isXML(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))), []byte("<"))
}

// checkDigest compares a file with the SHA-1 that its header tells. Bills of funds have to come with one, as nothing
// else protects them; trade bills come without.
func checkDigest(path string, res *Response) error {
	kind, told, _ := strings.Cut(res.Header.Get("Digest"), "=")
	if !strings.EqualFold(kind, "SHA") {
		if strings.HasSuffix(path, "/pay/downloadfundflow") {
			return errors.New("the answer has no header Digest: SHA=…, which tells the hash of the file: nothing protects it, get it again")
		}
		return nil
	}
	hash, err := download.ParseHash("SHA1", told)
	if err == nil && !hash.Of(res.Body) {
		err = errors.New("the file does not have the hash that its header tells: it was cut off or changed")
	}
	return err
}

// readJSON reads the one answer that is JSON.
func readJSON(res *Response, failed *Error) *Error {
	var told struct {
		Retcode *json.Number `json:"retcode"`
		Retmsg  string       `json:"retmsg"`
	}
	if err := res.Decode(&told); err != nil || told.Retcode == nil {
		failed.Err = cmp.Or(err, errors.New("the answer has no retcode"))
		return failed
	}
	if *told.Retcode != "0" {
		failed.Code, failed.Message, failed.Outcome = told.Retcode.String(), told.Retmsg, Refused
		return failed
	}
	return nil
}

// refusedV2 are the codes that say no for good. Any other may say that the outcome is open, as
// SYSTEMERROR, USERPAYING, BANKERROR, PROCESSING and CA_ERROR do: query, and repeat with the same number.
var refusedV2 = []code.Code{
	code.Noauth, code.Notenough, code.Orderpaid, code.Orderclosed, code.Ordernotexist, code.Refundnotexist, code.OutTradeNoUsed,
	code.AppIDNotExist, code.MchIDNotExist, code.AppIDMchIDNotMatch, code.LackParams, code.Signerror, code.SignError,
	code.XMLFormatError, code.RequirePostMethod, code.PostDataEmpty, code.NotUTF8, code.ParamError, code.InvalidRequest,
	code.InvalidTransactionID, code.TradeOverdue, code.UserAccountAbnormal, code.Orderreversed, code.Authcodeexpire,
	code.AuthCodeError, code.AuthCodeInvalid, code.Notsuportcard, code.BuyerMismatch, code.CertError, code.ReverseExpire, code.Rulelimit,
}

// outcomeOfV2 is what a failure says: by its code, or where it has none by its text.
func outcomeOfV2(e *Error) Outcome {
	if e.Code != "" {
		if slices.Contains(refusedV2, code.Code(e.Code)) {
			return Refused
		}
		return Unknown
	}
	for _, open := range []string{"系统", "已受理", "稍后", "system", "busy", "timeout"} {
		if strings.Contains(strings.ToLower(e.Message), open) {
			return Unknown
		}
	}
	return Refused
}
