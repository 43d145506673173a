package wechatpay_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	with := func(change func(*wechatpay.Merchant)) wechatpay.Merchant {
		m := merchant()
		change(&m)
		return m
	}
	tests := map[string]struct {
		merchant wechatpay.Merchant
		opts     []wechatpay.Option
		want     string
	}{
		"a merchant without a number":      {with(func(m *wechatpay.Merchant) { m.MchID = "" }), nil, "no merchant number"},
		"a merchant without a serial":      {with(func(m *wechatpay.Merchant) { m.SerialNo = "" }), nil, "no serial number"},
		"a merchant without a key":         {with(func(m *wechatpay.Merchant) { m.PrivateKey = nil }), nil, "no merchant private key"},
		"a merchant who trusts nobody":     {with(func(m *wechatpay.Merchant) { m.PlatformKeys = nil }), nil, "no key to verify WeChat Pay with"},
		"an APIv3 key of the wrong length": {with(func(m *wechatpay.Merchant) { m.APIv3Key = "short" }), nil, "has 5 bytes, want 32"},
		"a nil option":                     {merchant(), []wechatpay.Option{nil}, "an Option is nil"},
		"a nil transport":                  {merchant(), []wechatpay.Option{wechatpay.Transport(nil)}, "the Transport is nil"},
		"a nil http client":                {merchant(), []wechatpay.Option{wechatpay.HTTPClient(nil)}, "the HTTPClient is nil"},
		"a nil clock":                      {merchant(), []wechatpay.Option{wechatpay.Clock(nil)}, "the Clock is nil"},
		"a nil logger":                     {merchant(), []wechatpay.Option{wechatpay.Logger(nil)}, "the Logger is nil"},
		"no time for an attempt":           {merchant(), []wechatpay.Option{wechatpay.AttemptTimeout(0)}, "want more than 0"},
		"no room for an answer":            {merchant(), []wechatpay.Option{wechatpay.MaxAnswer(0)}, "want more than 0"},
		"a base without a scheme":          {merchant(), []wechatpay.Option{wechatpay.BaseURL("api.mch.weixin.qq.com")}, "not of the form"},
		"a base with a path":               {merchant(), []wechatpay.Option{wechatpay.BaseURL("https://example.com/v3")}, "part of what is signed"},
		"a base with a password":           {merchant(), []wechatpay.Option{wechatpay.BaseURL("https://a:b@example.com")}, "not of the form"},
		"plain http to another machine":    {merchant(), []wechatpay.Option{wechatpay.BaseURL("http://example.com")}, "plain http is for loopback only"},
		"another scheme":                   {merchant(), []wechatpay.Option{wechatpay.BaseURL("ftp://127.0.0.1")}, "is not https"},
		"a mapped host without a scheme":   {merchant(), []wechatpay.Option{wechatpay.Hosts(map[string]string{"a": "b"})}, "not of the form"},
		"a mapped host with a scheme":      {merchant(), []wechatpay.Option{wechatpay.Hosts(map[string]string{"https://api.mch.weixin.qq.com": "https://a.example.com"})}, "a key of Hosts is not a host alone"},
		"a mapped host with a path":        {merchant(), []wechatpay.Option{wechatpay.Hosts(map[string]string{"api.mch.weixin.qq.com/": "https://a.example.com"})}, "a key of Hosts is not a host alone"},
		"a mapped host in upper case":      {merchant(), []wechatpay.Option{wechatpay.Hosts(map[string]string{"API.mch.weixin.qq.com": "https://a.example.com"})}, "a key of Hosts is not a host alone"},
		"a mapped host without a name":     {merchant(), []wechatpay.Option{wechatpay.Hosts(map[string]string{"": "https://a.example.com"})}, "a key of Hosts is not a host alone"},
		"a stand-in with a scheme":         {merchant(), []wechatpay.Option{wechatpay.BackupHosts(map[string]string{"api.mch.weixin.qq.com": "https://a.example.com"})}, "BackupHosts has what is not a host alone"},
		"a stand-in with a path":           {merchant(), []wechatpay.Option{wechatpay.BackupHosts(map[string]string{"api.mch.weixin.qq.com": "a.example.com/v3"})}, "BackupHosts has what is not a host alone"},
		"a stand-in without a name":        {merchant(), []wechatpay.Option{wechatpay.BackupHosts(map[string]string{"api.mch.weixin.qq.com": ""})}, "BackupHosts has what is not a host alone"},
		"a stand-in for a URL":             {merchant(), []wechatpay.Option{wechatpay.BackupHosts(map[string]string{"https://api.mch.weixin.qq.com": "a.example.com"})}, "BackupHosts has what is not a host alone"},
		"a reason that there is not":       {merchant(), []wechatpay.Option{wechatpay.RetryFor(wechatpay.RetryUnsent | 1<<3)}, "RetryFor has a reason that there is not: 0b1000"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := wechatpay.New(tt.merchant, tt.opts...); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "wechatpay: ") {
				t.Errorf("the error is %v, want …%s…", err, tt.want)
			}
		})
	}
}

func TestWhereCallsGo(t *testing.T) {
	t.Parallel()
	const overseas = "v3/payscore/oversea/partner/serviceorder"
	tests := map[string]struct {
		path string
		opts []wechatpay.Option
		want string
	}{
		"by default to the host of the catalog":    {"v3/certificates", nil, "https://api.mch.weixin.qq.com"},
		"overseas operations to their host":        {overseas, nil, "https://apihk.mch.weixin.qq.com"},
		"all to the base":                          {overseas, []wechatpay.Option{wechatpay.BaseURL("http://127.0.0.1:8080/")}, "http://127.0.0.1:8080"},
		"to a base on localhost in plain":          {"v3/x", []wechatpay.Option{wechatpay.BaseURL("http://localhost:1")}, "http://localhost:1"},
		"to a base on the loopback of IPv6":        {"v3/x", []wechatpay.Option{wechatpay.BaseURL("http://[::1]:1")}, "http://[::1]:1"},
		"a mapped host to its place":               {overseas, []wechatpay.Option{wechatpay.Hosts(map[string]string{"apihk.mch.weixin.qq.com": "https://hk.example.com"})}, "https://hk.example.com"},
		"other hosts stay where they are":          {"v3/x", []wechatpay.Option{wechatpay.Hosts(map[string]string{"apihk.mch.weixin.qq.com": "https://hk.example.com"})}, "https://api.mch.weixin.qq.com"},
		"the base goes before a mapping of a host": {"v3/x", []wechatpay.Option{wechatpay.Hosts(map[string]string{"api.mch.weixin.qq.com": "https://a.example.com"}), wechatpay.BaseURL("https://b.example.com")}, "https://b.example.com"},
		"the base goes before, in whichever order": {"v3/x", []wechatpay.Option{wechatpay.BaseURL("https://b.example.com"), wechatpay.Hosts(map[string]string{"api.mch.weixin.qq.com": "https://a.example.com"})}, "https://b.example.com"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{status: 204}
			if err := post(t, newClient(t, g, tt.opts...).Chain(tt.path)); err != nil {
				t.Fatal(err)
			}
			if got := g.last.URL.Scheme + "://" + g.last.URL.Host; got != tt.want {
				t.Errorf("sent to %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTheCallersHTTPClientStaysAsItIs(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	hc := &http.Client{Transport: g}
	client, err := wechatpay.New(merchant(), wechatpay.HTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	if err := post(t, client.Chain("v3/x")); err != nil {
		t.Fatal(err)
	}
	if hc.CheckRedirect != nil || hc.Transport != g {
		t.Errorf("the client that was given is now %+v", hc)
	}
}

func TestTheClientOffersItsVerifier(t *testing.T) {
	t.Parallel()
	client := newClient(t, &gateway{})
	var v *auth.Verifier = client.Verifier()
	if key := v.Preferred(time.Now()); key.Serial != keyID {
		t.Errorf("it asks for %s", key.Serial)
	}
	if v := (*wechatpay.Client)(nil).Verifier(); v != nil {
		t.Errorf("no client offers %v", v)
	}
}
