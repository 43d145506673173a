package sim_test

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

func TestWhatTheFrontOfAPIv2Refuses(t *testing.T) {
	t.Parallel()
	const path = "/pay/unifiedorder"
	tests := map[string]struct {
		send func(c *v2Caller) v2Reply
		want string // the answer in short
	}{
		"another method than POST": {func(c *v2Caller) v2Reply {
			return c.do(must(http.NewRequest(http.MethodGet, c.url+path, nil)))
		}, "FAIL 请使用post方法"},
		"nothing at all": {func(c *v2Caller) v2Reply { return c.post(path, nil) }, "FAIL post数据为空"},
		"what is no XML": {func(c *v2Caller) v2Reply { return c.post(path, []byte(`{"a":1}`)) }, "FAIL XML格式错误"},
		"an entity of one's own": {func(c *v2Caller) v2Reply {
			return c.post(path, []byte(`<!DOCTYPE xml [<!ENTITY a "b">]><xml><a>&a;</a></xml>`))
		}, "FAIL XML格式错误"},
		"a member twice":           {func(c *v2Caller) v2Reply { return c.post(path, []byte(`<xml><a>1</a><a>2</a></xml>`)) }, "FAIL XML格式错误"},
		"bytes that are not UTF-8": {func(c *v2Caller) v2Reply { return c.post(path, []byte("<xml><a>\xff</a></xml>")) }, "FAIL 编码格式错误"},
		"another charset": {func(c *v2Caller) v2Reply {
			return c.post(path, []byte(`<?xml version="1.0" encoding="GBK"?><xml><a>1</a></xml>`))
		}, "FAIL 编码格式错误"},
		"a merchant that nobody knows": {func(c *v2Caller) v2Reply { return c.post(path, []byte(`<xml><mch_id>1</mch_id></xml>`)) }, "FAIL 商户号不存在"},
		"a sub-merchant that calls": {func(c *v2Caller) v2Reply {
			return c.post(path, []byte(`<xml><mch_id>`+world.SubMerchant+`</mch_id></xml>`))
		}, "FAIL 商户号不存在"},
		"no sign": {func(c *v2Caller) v2Reply { return c.post(path, xmlOf(c.t, v2Order("nonce_str", "1"))) }, "FAIL 签名错误"},
		"a sign that does not match": {func(c *v2Caller) v2Reply {
			return c.post(path, xmlOf(c.t, v2Order("nonce_str", "1", "sign", strings.Repeat("A", 32))))
		}, "FAIL 签名错误"},
		"a sign type that is none": {func(c *v2Caller) v2Reply {
			return c.post(path, xmlOf(c.t, v2Order("sign_type", "SHA1", "sign", strings.Repeat("A", 32))))
		}, "FAIL 签名错误"},
		"MD5 where only HMAC-SHA256 will do": {func(c *v2Caller) v2Reply {
			return c.call("/pay/profitsharingquery", named("sign_type", "MD5", "transaction_id", "1", "out_order_no", "1"))
		}, "FAIL 签名错误"},
		"no nonce_str": {func(c *v2Caller) v2Reply {
			order := v2Order()
			order.Set("sign", must(auth.MD5.Sign(c.key, order.Texts())))
			return c.post(path, xmlOf(c.t, order))
		}, "FAIL 输入源“/body/xml/nonce_str”映射到字段“随机字符串”必填性规则校验失败，此字段为必填项"},
		"a required member that is missing": {func(c *v2Caller) v2Reply { return c.call(path, v2Order("body", "")) }, "FAIL 输入源“/body/xml/body”映射到字段“商品描述”必填性规则校验失败，此字段为必填项"},
		"an amount that is no number":       {func(c *v2Caller) v2Reply { return c.call(path, v2Order("total_fee", "1.5")) }, "FAIL 无法将输入源“/body/xml/total_fee”映射到目标字段“标价金额”中，此字段需要一个合法的 64 位有符号整数"},
		"a value outside its enumeration":   {func(c *v2Caller) v2Reply { return c.call(path, v2Order("receipt", "X")) }, "FAIL 输入源“/body/xml/receipt”映射到枚举字段“电子发票入口开放标识”规则校验失败，值不在枚举范围内"},
		"a character of four bytes":         {func(c *v2Caller) v2Reply { return c.call(path, v2Order("body", "🍜")) }, "FAIL 输入源“/body/xml/body”映射到值字段“商品描述”字符串规则校验失败，不支持 4 字节的 UTF-8 字符"},
		"neither of two numbers":            {func(c *v2Caller) v2Reply { return c.call("/pay/orderquery", named()) }, "FAIL 输入源“/body/xml/transaction_id”映射到字段“微信订单号”必填性规则校验失败，此字段为必填项"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newV2Caller(t)
			got := tt.send(c)
			if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/plain" || got.short() != tt.want {
				t.Errorf("answered %v, want %s", got, tt.want)
			}
			if len(got.members) != 2 {
				t.Errorf("answered %v, want nothing but return_code and return_msg", got)
			}
		})
	}
}

func TestWhatTheFrontOfAPIv2Accepts(t *testing.T) {
	t.Parallel()
	tests := map[string]xmlv2.Members{
		"a member that nobody knows, which is signed": v2Order("new_member", "1"),
		"HMAC-SHA256, by which the answer is signed":  v2Order("sign_type", "HMAC-SHA256"),
		"MD5 that is named":                           v2Order("sign_type", "MD5"),
		"values that look like parameters":            v2Order("attach", "a=1&b=2 ]]> <c>"),
		"white space around a value":                  v2Order("attach", " a\n"),
	}
	for name, sent := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newV2Caller(t)
			got := c.call("/pay/unifiedorder", sent)
			if got.short() != success {
				t.Fatalf("answered %v", got)
			}
			want := auth.MD5
			if sent.Get("sign_type") == string(auth.HMACSHA256) {
				want = auth.HMACSHA256
			}
			if err := auth.VerifyParams(c.key, got.members.Texts(), want); err != nil {
				t.Errorf("answered %v: %v", got, err)
			}
		})
	}
}

// digestOf is what a client signs by MD5, if it is that.
func digestOf(text, key string) string {
	sum := md5.Sum([]byte(text + "&key=" + key))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func TestTheDoctorNamesTheMistakeOfASignOfAPIv2(t *testing.T) {
	t.Parallel()
	sent := v2Order("nonce_str", "1", "sign_type", "MD5", "attach", "a b", "detail", "")
	right := string(auth.ParamsText(sent.Texts()))
	tests := map[string]struct {
		sign func(c *v2Caller) string
		want string
	}{
		"the APIv3 key":            {func(c *v2Caller) string { return digestOf(right, c.World.Merchant(c.mchID).APIv3Key) }, "other-key"},
		"the other sign type":      {func(c *v2Caller) string { return must(auth.HMACSHA256.Sign(c.key, sent.Texts())) }, "other-sign-type"},
		"lower case":               {func(c *v2Caller) string { return strings.ToLower(digestOf(right, c.key)) }, "lower-case"},
		"values escaped for a URL": {func(c *v2Caller) string { return digestOf(string(auth.ParamsText(escaped(sent).Texts())), c.key) }, "values-escaped"},
		"an empty value": {func(c *v2Caller) string {
			return digestOf(strings.Replace(right, "&mch_id", "&detail=&mch_id", 1), c.key)
		}, "empty-values"},
		"sign_type left out":        {func(c *v2Caller) string { return digestOf(strings.Replace(right, "&sign_type=MD5", "", 1), c.key) }, "sign-type-left-out"},
		"nonce_str left out":        {func(c *v2Caller) string { return digestOf(strings.Replace(right, "&nonce_str=1", "", 1), c.key) }, "nonce-left-out"},
		"an order that is no order": {func(c *v2Caller) string { return digestOf(inOrder(sent), c.key) }, "not-sorted"},
		"a key that nobody knows":   {func(c *v2Caller) string { return digestOf(right, strings.Repeat("x", 32)) }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newV2Caller(t)
			got := c.post("/pay/unifiedorder", xmlOf(t, with(sent, "sign", tt.sign(c))))
			found := ""
			for _, f := range got.seen.Diagnosis {
				found += f.Mistake
			}
			if got.short() != "FAIL 签名错误" || found != tt.want {
				t.Errorf("answered %v, and found %q, want %q", got, found, tt.want)
			}
			if strings.Contains(string(got.seen.SignedText), c.key) {
				t.Error("the log has the key")
			}
		})
	}
}

func escaped(m xmlv2.Members) xmlv2.Members {
	m = slices.Clone(m)
	for i := range m {
		m[i].Text = url.QueryEscape(m[i].Text)
	}
	return m
}

func inOrder(m xmlv2.Members) string {
	var pairs []string
	for name, text := range m.Texts() {
		if text != "" {
			pairs = append(pairs, name+"="+text)
		}
	}
	return strings.Join(pairs, "&")
}

func TestAClientCertificateIsTheMerchants(t *testing.T) {
	t.Parallel()
	w := simtest.World(t)
	other := *w.Merchant(world.ServiceProvider)
	other.MchID, other.BrandID, other.PrivateKey, other.Certificate, other.SerialNo = "1900000001", "", "", "", ""
	w.Merchants = append(w.Merchants, other)
	if err := w.Complete(time.Now()); err != nil {
		t.Fatal(err)
	}
	pairOf := func(w *world.World, mchID string) []tls.Certificate {
		m := w.Merchant(mchID)
		return []tls.Certificate{must(tls.X509KeyPair([]byte(m.Certificate), []byte(m.PrivateKey)))}
	}
	revoked := *w
	revoked.Merchants = slices.Clone(w.Merchants)
	revoked.Merchants[0].CertificateState = world.CertificateRevoked
	tests := map[string]struct {
		world *world.World
		shown []tls.Certificate
		want  string
	}{
		"that of the merchant goes on":         {w, pairOf(w, world.ServiceProvider), "200 SUCCESS N"},
		"none is refused":                      {w, nil, "200 FAIL 证书出错，请登录微信支付商户平台下载证书 "},
		"that of another merchant is refused":  {w, pairOf(w, "1900000001"), "200 FAIL certificate not match "},
		"one of nobody gets a page of nginx":   {w, []tls.Certificate{stranger(t)}, "400 400 The SSL certificate error"},
		"one that was revoked gets it as well": {&revoked, pairOf(w, world.ServiceProvider), "400 400 The SSL certificate error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := v2CallerWith(t, sim.Config{World: tt.world})
			address, roots := c.TLS()
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: tt.shown}}
			t.Cleanup(transport.CloseIdleConnections)
			c.http, c.url = &http.Client{Transport: transport}, address
			got := c.call("/secapi/pay/reverse", named("out_trade_no", "A1000001"))
			said := got.Status[:3] + " " + got.short() + " " + got.members.Get("recall")
			if got.members == nil {
				_, title, _ := strings.Cut(string(got.body), "<title>")
				title, _, _ = strings.Cut(title, "</title>")
				said = got.Status[:3] + " " + title
			}
			if said != tt.want {
				t.Errorf("answered %v, want %s", got, tt.want)
			}
		})
	}
}

// stranger is a certificate that the world does not know.
func stranger(t *testing.T) tls.Certificate {
	t.Helper()
	made := must(world.NewPlatformCertificate(time.Now()))
	return must(tls.X509KeyPair([]byte(made.Certificate), []byte(made.PrivateKey)))
}

func TestWithoutTLSNobodyLooksForACertificate(t *testing.T) {
	t.Parallel()
	c := newV2Caller(t)
	got := c.call("/secapi/pay/reverse", named("out_trade_no", "A1000001"))
	i := slices.IndexFunc(got.seen.Checks, func(c control.Check) bool { return c.Name == "client certificate" })
	if got.short() != success || i < 0 || !got.seen.Checks[i].Passed || got.seen.Checks[i].Basis != "INVENTED" {
		t.Errorf("answered %v, and the log has %v", got, got.seen.Checks)
	}
}

func TestFaultsStrikeAPIv2(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault world.Fault
		want  string
	}{
		"a code":                        {world.Fault{Effect: world.EffectStatus, Status: 200, Code: "SYSTEMERROR", Message: "系统错误"}, "200 SYSTEMERROR 系统错误 <nil>"},
		"a wrong signature":             {world.Fault{Effect: world.EffectWrongSignature}, "200 SUCCESS bad"},
		"no signature":                  {world.Fault{Effect: world.EffectUnsigned}, "200 SUCCESS bad"},
		"another path, which is spared": {world.Fault{Effect: world.EffectUnsigned, Path: "/pay/orderquery"}, "200 SUCCESS <nil>"},
		"a page of a proxy":             {world.Fault{Effect: world.EffectHTML}, "502 FAIL  bad"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newV2Caller(t)
			if _, err := c.Control().AddFault(t.Context(), tt.fault); err != nil {
				t.Fatal(err)
			}
			got := c.call("/pay/unifiedorder", v2Order())
			signed := "<nil>"
			if auth.VerifyParams(c.key, got.members.Texts(), auth.MD5) != nil {
				signed = "bad"
			}
			if said := got.Status[:3] + " " + got.short() + " " + signed; said != tt.want {
				t.Errorf("answered %q, want %q", said, tt.want)
			}
		})
	}
}

func TestAFailureThatTheRulesAnswerIsSigned(t *testing.T) {
	t.Parallel()
	c := newV2Caller(t)
	got := c.call("/pay/orderquery", named("out_trade_no", "A1000001", "sign_type", "HMAC-SHA256"))
	if got.short() != unknown || auth.VerifyParams(c.key, got.members.Texts(), auth.HMACSHA256) != nil || got.members.Get("nonce_str") == "" {
		t.Errorf("answered %v", got)
	}
}

func TestAQueryOfAPIv2MayHoldWhatXMLHasNot(t *testing.T) {
	t.Parallel()
	c := newV2Caller(t)
	query := url.Values{"sign_type": {"MD5"}}
	sent := pairs("mch_id", c.mchID, "appid", "\x01", "plan_id", "1", "contract_code", "1", "request_serial", "1", "contract_display_account", "1",
		"notify_url", "1", "version", "1.0", "timestamp", "1", "clientip", "1", "sign_type", "MD5")
	for name, text := range sent.Texts() {
		query.Set(name, text)
	}
	query.Set("sign", must(auth.MD5.Sign(c.key, sent.Texts())))
	got := c.do(must(http.NewRequest(http.MethodGet, c.url+"/papay/h5entrustweb?"+query.Encode(), nil)))
	if got.short() != "FAIL 参数错误" {
		t.Errorf("answered %v", got)
	}
}

func TestBillsOfAPIv2AreTextInAStatelessWorld(t *testing.T) {
	t.Parallel()
	w := simtest.World(t)
	w.Stateless = true
	c := v2CallerWith(t, sim.Config{World: w})
	plain := c.call("/pay/downloadbill", named("bill_date", "20261124", "bill_type", "ALL"))
	if !strings.HasPrefix(string(plain.body), "\ufeff交易时间") {
		t.Errorf("answered %v", plain)
	}
	packed := c.call("/pay/downloadbill", named("bill_date", "20261124", "bill_type", "ALL", "tar_type", "GZIP"))
	r, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if text := must(io.ReadAll(r)); !bytes.Equal(text, plain.body) {
		t.Errorf("packed is %s", text)
	}
	flow := c.call("/pay/downloadfundflow", named("bill_date", "20261124", "account_type", "Basic", "sign_type", "HMAC-SHA256"))
	sum := sha1.Sum(flow.body)
	if got := flow.Header.Get("Digest"); got != "SHA="+hex.EncodeToString(sum[:]) || !strings.HasPrefix(string(flow.body), "\ufeff") {
		t.Errorf("answered %v with the digest %q", flow, got)
	}
}

func TestABrowserIsSentBackToTheMerchant(t *testing.T) {
	t.Parallel()
	c := newV2Caller(t)
	query := url.Values{"mch_id": {c.mchID}, "appid": {world.AppID}, "redirect_uri": {"https://shop.example/back?a=1"}, "response_type": {"code"}, "scope": {"pay_identity"}, "state": {"S"}}
	got := c.do(must(http.NewRequest(http.MethodGet, c.url+"/appauth/authindex?"+query.Encode(), nil)))
	back := must(url.Parse(got.Header.Get("Location")))
	if q := back.Query(); got.StatusCode != http.StatusFound || back.Host != "shop.example" || q.Get("a") != "1" || q.Get("state") != "S" || q.Get("code") == "" {
		t.Errorf("answered %v with %s", got, back)
	}
}
