package wechatpay_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	v2 "github.com/openwechatpay/wechatpay/v2"
	"github.com/openwechatpay/wechatpay/v2/appauth"
	"github.com/openwechatpay/wechatpay/v2/pay"
)

const apiv2Key = "v2key-0123456789abcdef0123456789"

// gatewayV2 checks what comes, and answers with members that it signs.
type gatewayV2 struct {
	answer  xmlv2.Members
	raw     string // instead of the answer
	status  int
	signing auth.SignType // "" signs nothing
	spoil   bool          // changes a member after signing
	digest  string

	last *http.Request
	sent xmlv2.Members
	body []byte
}

func (g *gatewayV2) RoundTrip(req *http.Request) (*http.Response, error) {
	g.last, g.body = req, nil
	if req.Body != nil {
		g.body, _ = io.ReadAll(req.Body)
	}
	g.sent, _ = xmlv2.Decode(g.body, xmlv2.Limits{Bytes: 1 << 20})
	body := []byte(g.raw)
	if g.raw == "" {
		members := append(xmlv2.Members{}, g.answer...)
		if g.signing != "" {
			sign, err := g.signing.Sign(apiv2Key, members.Texts())
			if err != nil {
				return nil, err
			}
			members.Set("sign", sign)
		}
		if g.spoil {
			members.Set("prepay_id", "another")
		}
		body, _ = xmlv2.Encode(xmlv2.Root, members)
	}
	status := g.status
	if status == 0 {
		status = 200
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/plain"}, "Digest": {g.digest}}, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

func newClientV2(t *testing.T, g *gatewayV2, change func(*wechatpay.Merchant)) *wechatpay.Client {
	t.Helper()
	m := merchant()
	m.APIv2Key = apiv2Key
	if change != nil {
		change(&m)
	}
	client, err := wechatpay.New(m, wechatpay.Transport(g))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func members(pairs ...string) (m xmlv2.Members) {
	for i := 0; i < len(pairs); i += 2 {
		m.Set(pairs[i], pairs[i+1])
	}
	return m
}

var placed = members("return_code", "SUCCESS", "result_code", "SUCCESS", "prepay_id", "wx1", "code_url", "weixin://1")

func TestAnOrderOfAPIv2IsSignedInEachOfThreeWays(t *testing.T) {
	t.Parallel()
	in := map[string]string{"appid": "wx8888", "body": "<茶> ]]> & 点心", "out_trade_no": "N1", "total_fee": "4000", "notify_url": "https://example.com", "trade_type": "NATIVE", "spbill_create_ip": "127.0.0.1"}
	order := pay.PostUnifiedorderRequest{AppID: "wx8888", Body: "<茶> ]]> & 点心", OutTradeNo: "N1", TotalFee: 4000, NotifyURL: "https://example.com", TradeType: "NATIVE", SpbillCreateIP: "127.0.0.1"}
	ways := map[string]func(*wechatpay.Client) (prepayID string, err error){
		"typed": func(c *wechatpay.Client) (string, error) {
			out, err := v2.New(c).Pay().Unifiedorder().Post(t.Context(), order)
			if err != nil {
				return "", err
			}
			return out.PrepayID, nil
		},
		"by the chain": func(c *wechatpay.Client) (string, error) {
			res, err := c.Chain("v2/pay/unifiedorder").Post(t.Context(), wechatpay.XML(in))
			return decoded(res, err)
		},
		"by the index": func(c *wechatpay.Client) (string, error) {
			res, err := v2.Endpoints(c)["v2/pay/unifiedorder"].Post(t.Context(), wechatpay.XML(order))
			return decoded(res, err)
		},
	}
	for name, call := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, signing := range []auth.SignType{auth.MD5, auth.HMACSHA256} {
				g := &gatewayV2{answer: placed, signing: signing}
				if got, err := call(newClientV2(t, g, nil)); err != nil || got != "wx1" {
					t.Fatalf("got %q, %v", got, err)
				}
				if g.last.URL.Path != "/pay/unifiedorder" || g.last.Header.Get("Authorization") != "" || g.last.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
					t.Errorf("sent %s with %v", g.last.URL, g.last.Header)
				}
				if err := auth.VerifyParams(apiv2Key, g.sent.Texts(), auth.MD5); err != nil {
					t.Errorf("%v: %s", err, g.body)
				}
				if len(g.sent.Get("nonce_str")) != 32 || g.sent.Get("mch_id") != merchant().MchID || g.sent.Get("body") != in["body"] || g.sent.Get("total_fee") != "4000" {
					t.Errorf("sent %s", g.body)
				}
			}
		})
	}
}

func decoded(res *wechatpay.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if !res.Verified {
		return "", errors.New("it is not verified")
	}
	out := map[string]string{}
	err = res.Decode(&out)
	return out["prepay_id"], err
}

func TestTheSignTypeOfAPIv2FollowsFromTheOperation(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path string
		in   map[string]string
		want string // of the member sign_type
		sign auth.SignType
	}{
		"MD5 by default":               {"v2/pay/orderquery", map[string]string{}, "", auth.MD5},
		"HMAC as the caller says":      {"v2/pay/orderquery", map[string]string{"sign_type": "HMAC-SHA256"}, "HMAC-SHA256", auth.HMACSHA256},
		"HMAC where nothing else goes": {"v2/pay/profitsharingquery", map[string]string{}, "HMAC-SHA256", auth.HMACSHA256},
		"MD5 of what is not known":     {"v2/pay/new", map[string]string{}, "", auth.MD5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gatewayV2{answer: members("return_code", "SUCCESS"), signing: tt.sign}
			before := maps.Clone(tt.in)
			if _, err := newClientV2(t, g, nil).Chain(tt.path).Post(t.Context(), wechatpay.XML(tt.in)); err != nil {
				t.Fatal(err)
			}
			if err := auth.VerifyParams(apiv2Key, g.sent.Texts(), tt.sign); err != nil || g.sent.Get("sign_type") != tt.want {
				t.Errorf("%v: %s", err, g.body)
			}
			if !maps.Equal(before, tt.in) {
				t.Errorf("the caller's map became %v", tt.in)
			}
		})
	}
}

func TestWhatAPIv2Answers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		g        *gatewayV2
		path     string
		outcome  wechatpay.Outcome
		is       error
		text     string
		verified bool
	}{
		"a signed refusal": {&gatewayV2{answer: members("return_code", "SUCCESS", "result_code", "FAIL", "err_code", "ORDERPAID", "err_code_des", "该订单已支付"), signing: auth.MD5},
			"", wechatpay.Refused, code.Orderpaid, "ORDERPAID: 该订单已支付", true},
		"a signed SYSTEMERROR": {&gatewayV2{answer: members("return_code", "SUCCESS", "result_code", "FAIL", "err_code", "SYSTEMERROR"), signing: auth.MD5},
			"", wechatpay.Unknown, code.Systemerror, "SYSTEMERROR", true},
		"a user who has to enter the password": {&gatewayV2{answer: members("return_code", "SUCCESS", "result_code", "FAIL", "err_code", "USERPAYING"), signing: auth.MD5},
			"v2/pay/micropay", wechatpay.Unknown, code.Userpaying, "USERPAYING", true},
		"an unsigned FAIL":           {&gatewayV2{answer: members("return_code", "FAIL", "return_msg", "签名错误")}, "", wechatpay.Refused, nil, "FAIL: 签名错误", false},
		"an unsigned success":        {&gatewayV2{answer: placed}, "", wechatpay.Unknown, auth.ErrNotSigned, "", false},
		"a success that was changed": {&gatewayV2{answer: placed, signing: auth.MD5, spoil: true}, "", wechatpay.Unknown, auth.ErrBadSignature, "", false},
		"a red packet that is under way": {&gatewayV2{answer: members("return_code", "SUCCESS", "result_code", "FAIL", "err_code", "PROCESSING", "err_code_des", "请求已受理，请稍后使用原单号查询发放结果")},
			"v2/mmpaymkttransfers/sendredpack", wechatpay.Unknown, code.Processing, "query by your number", false},
		"a code that nobody knows": {&gatewayV2{answer: members("return_code", "SUCCESS", "result_code", "FAIL", "err_code", "NEW"), signing: auth.MD5}, "", wechatpay.Unknown, nil, "NEW", true},
		"a FAIL of a busy system":  {&gatewayV2{answer: members("return_code", "FAIL", "return_msg", "系统繁忙，请稍后再试")}, "v2/secapi/pay/refund", wechatpay.Unknown, nil, "系统繁忙", false},
		"a code without a result":  {&gatewayV2{answer: members("return_code", "SUCCESS", "return_msg", "SIGN_ERROR", "err_code", "SIGN_ERROR")}, "v2/mmpaymkttransfers/sendredpack", wechatpay.Refused, code.SignError, "SIGN_ERROR", false},
		"a sign that is wrong where none is wanted": {&gatewayV2{answer: members("return_code", "SUCCESS", "result_code", "SUCCESS", "sign", strings.Repeat("0", 32))},
			"v2/mmpaymkttransfers/sendredpack", wechatpay.Unknown, auth.ErrBadSignature, "", false},
		"a bill that is HTML":          {&gatewayV2{raw: "<html></html>"}, "v2/pay/downloadbill", wechatpay.Unknown, nil, "return_code", false},
		"a bill that is nothing":       {&gatewayV2{answer: members()}, "v2/pay/downloadbill", wechatpay.Unknown, nil, "", false},
		"a failure behind a BOM":       {&gatewayV2{raw: "\ufeff<xml><return_code>FAIL</return_code><return_msg>no</return_msg></xml>"}, "v2/pay/downloadbill", wechatpay.Refused, nil, "no", false},
		"a fund bill without a hash":   {&gatewayV2{raw: "记账时间"}, "v2/pay/downloadfundflow", wechatpay.Unknown, nil, "no header Digest", false},
		"a fund bill of another hash":  {&gatewayV2{raw: "记账时间", digest: "MD5=" + strings.Repeat("0", 32)}, "v2/pay/downloadfundflow", wechatpay.Unknown, nil, "no header Digest", false},
		"a fund bill of half a hash":   {&gatewayV2{raw: "记账时间", digest: "sha=00"}, "v2/pay/downloadfundflow", wechatpay.Unknown, nil, "the hash is not one", false},
		"a fund bill that was cut off": {&gatewayV2{raw: "记账时间", digest: "SHA=" + strings.Repeat("0", 40)}, "v2/pay/downloadfundflow", wechatpay.Unknown, nil, "cut off", false},
		"a success that is no file":    {&gatewayV2{answer: members("return_code", "SUCCESS"), signing: auth.MD5}, "v2/pay/downloadbill", wechatpay.Unknown, nil, "neither a file", true},
		"JSON that says no":            {&gatewayV2{raw: `{"retcode":-1,"retmsg":"sign error"}`}, "v2/appauth/getaccesstoken", wechatpay.Refused, nil, "sign error", false},
		"JSON that is none":            {&gatewayV2{raw: "<html>"}, "v2/appauth/getaccesstoken", wechatpay.Unknown, nil, "", false},
		"a refusal that somebody forged": {&gatewayV2{answer: members("return_code", "SUCCESS", "result_code", "FAIL", "err_code", "ORDERNOTEXIST"), signing: auth.MD5, spoil: true},
			"", wechatpay.Unknown, auth.ErrBadSignature, "200 OK", false},
		"members that no signature covers": {&gatewayV2{raw: "<xml><return_code>SUCCESS</return_code><a><b>1</b></a></xml>"}, "", wechatpay.Unknown, nil, "XML", false},
		"a refusal of what never signs": {&gatewayV2{answer: members("return_code", "SUCCESS", "result_code", "FAIL", "err_code", "NOTENOUGH")},
			"v2/mmpaysptrans/query_bank", wechatpay.Refused, code.Notenough, "NOTENOUGH", false},
		"HTML":         {&gatewayV2{raw: "<html><body>502</body></html>"}, "", wechatpay.Unknown, nil, "", false},
		"an entity":    {&gatewayV2{raw: `<!DOCTYPE xml [<!ENTITY a "b">]><xml><return_code>&a;</return_code></xml>`}, "", wechatpay.Unknown, nil, "", false},
		"a 502":        {&gatewayV2{raw: "bad gateway", status: 502}, "", wechatpay.Unknown, nil, "502", false},
		"nginx's page": {&gatewayV2{raw: "<html><head><title>400 The SSL certificate error</title></head></html>", status: 400}, "", wechatpay.Refused, nil, "Merchant.Certificate", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClientV2(t, tt.g, func(m *wechatpay.Merchant) {
				m.Certificate = tls.Certificate{Certificate: [][]byte{{1}}, PrivateKey: m.PrivateKey}
			})
			path := tt.path
			if path == "" {
				path = "v2/pay/unifiedorder"
			}
			var res wechatpay.Response
			call := client.Chain(path).Post
			if strings.HasSuffix(path, "getaccesstoken") {
				call = client.Chain(path).Get
			}
			_, err := call(t.Context(), wechatpay.XML(map[string]string{"out_trade_no": "N1"}), wechatpay.Into(&res))
			e, ok := errors.AsType[*wechatpay.Error](err)
			if !ok || e.Outcome != tt.outcome || e.Verified != tt.verified || !strings.Contains(err.Error(), tt.text) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("the error is %+v", err)
			}
			if res.StatusCode != 0 {
				t.Errorf("an answer that is a failure was handed over: %v", res)
			}
			checkCanaries(t, name, strings.ReplaceAll(printed(t, err), apiv2Key, "canary"))
		})
	}
}

func TestWhatAPIv2WantsBeforeItSends(t *testing.T) {
	t.Parallel()
	noKey := func(m *wechatpay.Merchant) { m.APIv2Key = "" }
	tests := map[string]struct {
		change func(*wechatpay.Merchant)
		path   string
		opts   []wechatpay.CallOption
		text   string
	}{
		"a key":                      {noKey, "v2/pay/orderquery", []wechatpay.CallOption{wechatpay.XML(map[string]string{})}, "Merchant.APIv2Key"},
		"a certificate":              {nil, "v2/secapi/pay/refund", []wechatpay.CallOption{wechatpay.XML(map[string]string{})}, "Merchant.Certificate"},
		"XML":                        {nil, "v2/pay/orderquery", nil, "takes wechatpay.XML"},
		"no JSON":                    {nil, "v2/pay/orderquery", []wechatpay.CallOption{wechatpay.XML(map[string]string{}), wechatpay.JSON(struct{}{})}, "neither JSON"},
		"a path of APIv2":            {nil, "v3/certificates", []wechatpay.CallOption{wechatpay.XML(map[string]string{})}, "begins with /v2/"},
		"a sign type that goes":      {nil, "v2/pay/profitsharingquery", []wechatpay.CallOption{wechatpay.XML(map[string]string{"sign_type": "MD5"})}, "takes HMAC-SHA256"},
		"no file where none goes":    {nil, "v2/pay/orderquery", []wechatpay.CallOption{wechatpay.XML(map[string]string{}), wechatpay.File("a.png", strings.NewReader("x"))}, "takes no file"},
		"a path that stays":          {nil, "v2/pay/../secapi/pay/refund", []wechatpay.CallOption{wechatpay.XML(map[string]string{})}, `a segment ".."`},
		"no slash at the end":        {nil, "v2/secapi/pay/refund/", []wechatpay.CallOption{wechatpay.XML(map[string]string{})}, "no slash at its end"},
		"no query in the path":       {nil, "v2/pay/orderquery?a=b", []wechatpay.CallOption{wechatpay.XML(map[string]string{})}, `"?"`},
		"a browser":                  {nil, "v2/papay/entrustweb", []wechatpay.CallOption{wechatpay.XML(map[string]string{})}, "a browser calls it"},
		"one body":                   {nil, "v2/pay/orderquery", []wechatpay.CallOption{wechatpay.XML(map[string]string{}), wechatpay.XML(map[string]string{})}, "and once"},
		"a value that XML can carry": {nil, "v2/pay/orderquery", []wechatpay.CallOption{wechatpay.XML(map[string]string{"appid": "\x00"})}, "appid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := new(gatewayV2)
			_, err := newClientV2(t, g, tt.change).Chain(tt.path).Post(t.Context(), tt.opts...)
			if err == nil || !strings.Contains(err.Error(), tt.text) || wechatpay.OutcomeOf(err) != wechatpay.NotSent || g.last != nil {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestABrowserIsSentToASignedAddress(t *testing.T) {
	t.Parallel()
	g := new(gatewayV2)
	u, err := wechatpay.CallXML(t.Context(), newClientV2(t, g, nil), "GET", "/v2/papay/entrustweb", map[string]string{"plan_id": "1", "contract_code": "a b"}, nil, new(url.URL))
	if err != nil || g.last != nil {
		t.Fatal(err)
	}
	params := map[string]string{}
	for name, values := range u.Query() {
		params[name] = values[0]
	}
	if err := auth.VerifyParams(apiv2Key, maps.All(params), auth.MD5); err != nil || u.Path != "/papay/entrustweb" || u.Scheme != "https" || params["contract_code"] != "a b" {
		t.Errorf("%v: %s", err, u)
	}
}

func TestABillOfAPIv2IsTextOrAFailure(t *testing.T) {
	t.Parallel()
	g := &gatewayV2{raw: "\ufeff交易时间,公众账号ID\r\n"}
	client := newClientV2(t, g, nil)
	bill, err := v2.New(client).Pay().Downloadbill().Post(t.Context(), pay.PostDownloadbillRequest{BillDate: "20261124"})
	if err != nil || string(bill.Body) != g.raw {
		t.Fatalf("got %v, %v", bill, err)
	}
	g.raw = "<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg><error_code>20002</error_code></xml>"
	_, err = v2.New(client).Pay().Downloadbill().Post(t.Context(), pay.PostDownloadbillRequest{BillDate: "20261124"})
	if err == nil || !strings.Contains(err.Error(), "20002: No Bill Exist") {
		t.Errorf("the error is %v", err)
	}
}

func TestAMerchantOfAPIv2AloneNeedsNoOtherKeys(t *testing.T) {
	t.Parallel()
	g := &gatewayV2{answer: placed, signing: auth.MD5}
	client, err := wechatpay.New(wechatpay.Merchant{MchID: "1900000109", APIv2Key: apiv2Key}, wechatpay.Transport(g))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Chain("v2/pay/unifiedorder").Post(t.Context(), wechatpay.XML(map[string]string{})); err != nil {
		t.Error(err)
	}
	g.last = nil
	_, err = client.Chain("v3/certificates").Get(t.Context())
	if err == nil || !strings.Contains(err.Error(), "auth.LoadPrivateKey") || wechatpay.OutcomeOf(err) != wechatpay.NotSent || g.last != nil {
		t.Errorf("the error is %v", err)
	}
}

func TestTheCertificateIsShownWhereItIsWantedAlone(t *testing.T) {
	t.Parallel()
	shown := make(chan int, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown <- len(r.TLS.PeerCertificates)
		m := members("return_code", "SUCCESS", "result_code", "SUCCESS")
		sign, _ := auth.MD5.Sign(apiv2Key, m.Texts())
		m.Set("sign", sign)
		body, _ := xmlv2.Encode(xmlv2.Root, m)
		_, _ = w.Write(body)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	m := merchant()
	m.APIv2Key, m.Certificate = apiv2Key, server.TLS.Certificates[0]
	transport := server.Client().Transport.(*http.Transport)
	client, err := wechatpay.New(m, wechatpay.Transport(transport), wechatpay.BaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"v2/secapi/pay/refund": 1, "v2/pay/refundquery": 0} {
		if _, err := client.Chain(path).Post(t.Context(), wechatpay.XML(map[string]string{})); err != nil {
			t.Fatal(err)
		}
		if got := <-shown; got != want {
			t.Errorf("%s shows %d certificates, want %d", path, got, want)
		}
	}
	if len(transport.TLSClientConfig.Certificates) != 0 {
		t.Error("the caller's transport was changed")
	}
}

func TestATokenOfAPIv2IsRead(t *testing.T) {
	t.Parallel()
	g := &gatewayV2{raw: `{"retcode":0,"retmsg":"ok","access_token":"T1","access_token_expire_in":7200,"refresh_token":"R1","refresh_token_expire_in":1}`}
	out, err := v2.New(newClientV2(t, g, nil)).Appauth().Getaccesstoken().Get(t.Context(), appauth.GetGetaccesstokenQuery{AppID: "wx8"})
	if err != nil || out.AccessToken != "T1" || out.AccessTokenExpireIn != 7200 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestACertificateWithoutItsKeyIsRefused(t *testing.T) {
	t.Parallel()
	m := merchant()
	m.APIv2Key, m.Certificate = apiv2Key, tls.Certificate{Certificate: [][]byte{{1}}}
	if _, err := wechatpay.New(m); err == nil || !strings.Contains(err.Error(), "tls.LoadX509KeyPair") {
		t.Errorf("the error is %v", err)
	}
	m.Certificate.PrivateKey = m.PrivateKey
	own := &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF }}
	if _, err := wechatpay.New(m, wechatpay.Transport(own)); err == nil || !strings.Contains(err.Error(), "its own TLS") {
		t.Errorf("the error is %v", err)
	}
}

// An order is found by one of two numbers, which are both required, and the other one is empty then.
func TestWhatIsEmptyIsNotSentByAPIv2(t *testing.T) {
	t.Parallel()
	g := &gatewayV2{answer: members("return_code", "SUCCESS"), signing: auth.MD5}
	if _, err := v2.New(newClientV2(t, g, nil)).Pay().Orderquery().Post(t.Context(), pay.PostOrderqueryRequest{AppID: "wx8", OutTradeNo: "N1"}); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(g.body, []byte("transaction_id")) || g.sent.Get("out_trade_no") != "N1" {
		t.Errorf("sent %s", g.body)
	}
}
