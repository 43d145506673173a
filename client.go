// Package wechatpay calls WeChat Pay (微信支付). The URL is the API: a chain of steps
// mirrors the path of an endpoint, and a verb at its end calls it.
//
//	key, err := auth.LoadPrivateKey("apiclient_key.pem")
//	pub, err := auth.LoadPublicKey("pub_key.pem")
//	client, err := wechatpay.New(wechatpay.Merchant{
//		MchID:        "1900000109",
//		SerialNo:     "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
//		PrivateKey:   key,
//		PlatformKeys: []auth.PlatformKey{auth.PublicKey("PUB_KEY_ID_0119000001092024112600000000", pub)},
//	})
//	res, err := payscore.New(client).Partner().Serviceorder().OutOrderNo("20241124001").Cancel().
//		Post(ctx, payscore.CancelPartnerServiceOrderRequest{SubMchID: "1900000209", Reason: "用户取消"})
//
// Start with [New] and the package of a product, such as v3/payscore, where every
// operation has types. [Client.Chain] calls any path without them. Both have
// asynchronous forms that return a [Future].
//
// # Keys
//
// [Merchant] holds the merchant's private key and the keys that WeChat Pay signs with.
// Package auth loads both. An answer that does not verify is never decoded.
//
// # Errors
//
// Every failing call returns an [*Error]. Ask errors.Is for a code of package code, and
// [OutcomeOf] whether the call may have been carried out all the same.
//
// # Compatibility
//
// Fields that WeChat Pay adds to answers are ignored by the types and stay reachable in
// [Response.Body]. Unknown values of enumerations are kept.
package wechatpay

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/facts"
)

// Merchant is who calls: the numbers and keys shown on the merchant platform (商户平台)
// under API security (API安全). In partner mode (服务商模式) it is the service provider.
//
// Printed, logged or as JSON it comes without its keys.
type Merchant struct {
	MchID        string             // 商户号
	SerialNo     string             // 商户API证书序列号, 40 hexadecimal digits
	PrivateKey   crypto.Signer      `json:"-"` // 商户API私钥, RSA of at least 2048 bits; see auth.LoadPrivateKey
	APIv3Key     string             `json:"-"` // APIv3密钥, 32 bytes; may be empty where nothing is decrypted
	PlatformKeys []auth.PlatformKey // 微信支付公钥 and 平台证书 that answers are verified with; at least one
}

// LogValue is m without its keys.
func (m Merchant) LogValue() slog.Value {
	return slog.GroupValue(slog.String("mchid", m.MchID), slog.String("serial_no", m.SerialNo))
}

// Format prints m without its keys, whatever the verb.
func (m Merchant) Format(f fmt.State, _ rune) { fmt.Fprint(f, m.LogValue()) }

// Client calls WeChat Pay in the name of one merchant. It is safe for concurrent use;
// make one and keep it.
type Client struct {
	signer    *auth.Signer
	verifier  *auth.Verifier
	http      *http.Client
	base      *url.URL            // where every host is mapped to, nil if none
	hosts     map[string]*url.URL // where single hosts are mapped to
	now       func() time.Time
	log       *slog.Logger
	timeout   time.Duration // of one attempt
	maxAnswer int64         // bytes
	userAgent string

	maxAttempts int
	retries     Retry // for which reasons
	backups     *backups
	trace       func(context.Context, Attempt)
}

// New returns a Client for m. Nothing is sent yet.
func New(m Merchant, opts ...Option) (*Client, error) {
	signer, err := auth.NewSigner(m.MchID, m.SerialNo, m.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("wechatpay: %w", err)
	}
	verifier, err := auth.NewVerifier(m.PlatformKeys...)
	if err != nil {
		return nil, fmt.Errorf("wechatpay: %w", err)
	}
	if m.APIv3Key != "" {
		if err := crypt.CheckAPIv3Key(m.APIv3Key); err != nil {
			return nil, fmt.Errorf("wechatpay: %w", err)
		}
	}
	c := &Client{
		signer:      signer,
		verifier:    verifier,
		now:         time.Now,
		log:         slog.New(slog.DiscardHandler),
		timeout:     30 * time.Second,
		maxAnswer:   10 << 20,
		maxAttempts: 3,
		retries:     RetryUnsent | RetryTooMany | RetryUnknown,
		backups:     &backups{of: defaultBackups},
		userAgent:   fmt.Sprintf("openwechatpay (%s; %s/%s)", runtime.Version(), runtime.GOOS, runtime.GOARCH),
	}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("wechatpay: an Option is nil")
		}
		if err := opt(c); err != nil {
			return nil, fmt.Errorf("wechatpay: %w", err)
		}
	}
	c.http = withoutRedirects(c.http)
	return c, nil
}

// Verifier verifies with the client's platform keys, for package webhook. Of a nil Client it is
// nil, which webhook.New refuses.
func (c *Client) Verifier() *auth.Verifier {
	if c == nil {
		return nil
	}
	return c.verifier
}

// Chain returns the endpoint with this path, as the documents print it:
//
//	client.Chain("v3/payscore/partner/serviceorder/{out_order_no}/cancel").
//		Post(ctx, wechatpay.Path("out_order_no", no), wechatpay.JSON(body))
func (c *Client) Chain(path string) Endpoint { return Endpoint{c: c, path: withSlash(path)} }

// defaultBackups are WeChat Pay's own: the access point of another city, and for overseas the one at
// home.
var defaultBackups = map[string]string{
	"api.mch.weixin.qq.com":   "api2.mch.weixin.qq.com",
	"apihk.mch.weixin.qq.com": "api.mch.weixin.qq.com",
}

// origin is where an operation is sent now: the host, as the documents print it, and its address.
func (c *Client) origin(method, path string) (host string, address url.URL) {
	host = c.backups.choose(facts.Of(method, path).Host)
	if c.base != nil {
		return host, *c.base
	}
	if mapped := c.hosts[host]; mapped != nil {
		return host, *mapped
	}
	return host, url.URL{Scheme: "https", Host: host}
}

// withoutRedirects copies given, or makes the default client, so that a redirect comes back as
// the answer: following it would send signed requests elsewhere.
func withoutRedirects(given *http.Client) *http.Client {
	hc := http.Client{}
	if given != nil {
		hc = *given
	}
	if hc.Transport == nil {
		hc.Transport = newTransport()
	}
	hc.Transport = withoutLocation{hc.Transport}
	return &hc
}

// withoutLocation takes the Location off redirects, without which an http.Client returns them.
// CheckRedirect would come too late: a Location that does not parse stands in an error by then,
// in place of the answer. Nobody misses it, for a redirect never becomes a Response.
type withoutLocation struct{ transport http.RoundTripper }

func (w withoutLocation) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := w.transport.RoundTrip(req)
	if err != nil || res == nil || res.StatusCode < 300 || res.StatusCode > 399 {
		return res, err
	}
	bare := *res // a copy: the transport may keep its own
	bare.Header = res.Header.Clone()
	bare.Header.Del("Location")
	return &bare, nil
}
