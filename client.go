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
// WeChat Pay signs either with its public key (微信支付公钥), which does not expire and which new
// merchants get, or with platform certificates (平台证书), which it replaces every few years.
// [DownloadCertificates] fetches those and keeps them fresh; then call [Client.Close] in the
// end. Who moves from certificates to the public key (平台证书切换微信支付公钥) has both: give the key
// and download the certificates. What verifies follows from the Wechatpay-Serial of the
// answer. To exchange keys while calls are under way, use the Replace method of [Client.Verifier].
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
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/refresh"
)

// Merchant is who calls, in partner mode (服务商模式) the service provider: the numbers and keys that the
// merchant platform (商户平台) shows under API security (API安全). Printed, logged or as JSON it comes
// without its keys.
type Merchant struct {
	MchID        string             // 商户号
	BrandID      string             // 品牌ID, in place of MchID for calls of /brand/…, with the brand's own certificate and keys (品牌经营平台)
	SerialNo     string             // 商户API证书序列号, 40 hexadecimal digits
	PrivateKey   crypto.Signer      `json:"-"` // 商户API私钥, RSA of at least 2048 bits; see auth.LoadPrivateKey
	APIv3Key     string             `json:"-"` // APIv3密钥, 32 bytes; may be empty where nothing is decrypted
	APIv2Key     string             `json:"-"` // APIv2密钥, 32 bytes, which also signs for pages of Pay Score (支付分) and coupons; APIv2 alone needs no PrivateKey and no PlatformKeys
	Certificate  tls.Certificate    `json:"-"` // 商户API证书 with its key, for calls of APIv2 that want it in TLS; see tls.LoadX509KeyPair. A Transport that is no *http.Transport has to show it itself
	PlatformKeys []auth.PlatformKey // 微信支付公钥 and 平台证书 that answers are verified with; none is needed with DownloadCertificates
}

// LogValue is m without its keys.
func (m Merchant) LogValue() slog.Value {
	who := slog.String("mchid", m.MchID)
	if m.BrandID != "" {
		who = slog.String("brand_id", m.BrandID)
	}
	return slog.GroupValue(who, slog.String("serial_no", m.SerialNo))
}

// Format prints m without its keys, whatever the verb.
func (m Merchant) Format(f fmt.State, _ rune) { fmt.Fprint(f, m.LogValue()) }

// Client calls in the name of one merchant, safe for concurrent use. Keep it.
type Client struct {
	signer    *auth.Signer
	verifier  *auth.Verifier
	opener    *opener       // of what comes back encrypted
	apiv2Key  func() string // has the key where no %+v finds it
	http      *http.Client
	certified *http.Client       // with the merchant's certificate in TLS, nil without one
	base      *origin            // where every host is mapped to, nil if none
	hosts     map[string]*origin // where single hosts are mapped to
	now       func() time.Time
	log       *slog.Logger
	timeout   time.Duration // of one attempt
	maxAnswer int64         // bytes
	userAgent string

	maxAttempts int
	retries     Retry // for which reasons
	backups     backups
	trace       func(context.Context, Attempt)

	downloads    downloads             // nil without DownloadCertificates
	certificates certificates          // nil without downloads, and in the Client that downloads
	checkList    func(*Response) error // nil but in the Client that downloads
	closeIdle    func()                // closes idle connections, if nobody else has the transport
}

// New returns a Client for m. It sends nothing, but with [DownloadCertificates].
func New(m Merchant, opts ...Option) (*Client, error) {
	c := &Client{
		now:         time.Now,
		log:         slog.New(slog.DiscardHandler),
		timeout:     30 * time.Second,
		maxAnswer:   10 << 20,
		maxAttempts: 3,
		retries:     RetryUnsent | RetryTooMany | RetryUnknown,
		backups:     newBackups(defaultBackups),
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
	c.http = c.withoutRedirects()
	if err := c.become(m, c.downloads); err != nil {
		return nil, fmt.Errorf("wechatpay: %w", err)
	}
	return c, nil
}

// For returns a Client for another merchant, or for a brand, which shares options, what is known
// of hosts, and connections with c, but for those that show its Merchant.Certificate. It takes half
// a kilobyte beside its keys and no goroutine, and is just dropped when it is needed no more.
// [DownloadCertificates] holds for it too, and then it needs a Close of its own, unless m has
// PlatformKeys and no APIv3Key.
func (c *Client) For(m Merchant) (*Client, error) {
	if c == nil || c.signer == nil {
		return nil, errors.New("wechatpay: there is no client to share with: make one with wechatpay.New")
	}
	other, downloads := *c, c.downloads
	other.certificates, other.closeIdle = nil, nil // which are c's
	if len(m.PlatformKeys) > 0 && m.APIv3Key == "" {
		downloads = nil
	}
	if err := other.become(m, downloads); err != nil {
		return nil, fmt.Errorf("wechatpay: %w", err)
	}
	return &other, nil
}

// become has c call in the name of m.
func (c *Client) become(m Merchant, downloads downloads) (err error) {
	if c.signer, err = m.signer(); err != nil {
		return err
	}
	if m.APIv3Key != "" {
		if err := crypt.CheckAPIv3Key(m.APIv3Key); err != nil {
			return err
		}
	}
	if m.APIv2Key != "" {
		if err := auth.CheckAPIv2Key(m.APIv2Key); err != nil {
			return err
		}
	}
	if c.certified, err = c.certify(m.Certificate); err != nil {
		return err
	}
	c.opener = newOpener(m.PrivateKey)
	c.apiv2Key = func() string { return m.APIv2Key }
	return c.trust(m, downloads)
}

// signer signs for the merchant or for the brand. Nobody is both: a brand has a certificate, an API
// key and a public key of WeChat Pay of its own (https://pay.weixin.qq.com/doc/brand/4015407523).
func (m Merchant) signer() (*auth.Signer, error) {
	switch {
	case m.isOfV2():
		return auth.NewCaller(m.MchID)
	case m.BrandID == "":
		return auth.NewSigner(m.MchID, m.SerialNo, m.PrivateKey)
	case m.MchID != "":
		return nil, errors.New("the Merchant has a MchID and a BrandID, whose keys differ: make a Client for each, with Client.For")
	}
	return auth.NewBrandSigner(m.BrandID, m.SerialNo, m.PrivateKey)
}

// Close ends what goes on in the background, which is [DownloadCertificates], and waits for that; the
// other clients need no Close. Calls under way end as ever, and later ones still work with the
// keys that are there.
func (c *Client) Close() {
	if c == nil {
		return
	}
	if c.certificates != nil {
		c.certificates.Close()
	}
	if c.closeIdle != nil {
		c.closeIdle()
	}
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
//
// Only an argument given with [Path] is sure not to show in errors and logs.
func (c *Client) Chain(path string) Endpoint { return Endpoint{c: c, path: withSlash(path)} }

// MchID is the merchant number (商户号) that c calls for; a brand has none.
func (c *Client) MchID() string {
	if c == nil || c.signer == nil {
		return ""
	}
	return c.signer.MchID()
}

// Stamp is the time, in seconds, and a fresh nonce, for SignLines and SignParams.
func (c *Client) Stamp() (timestamp, nonce string) {
	now := time.Now
	if c != nil && c.now != nil {
		now = c.now
	}
	return strconv.FormatInt(now().Unix(), 10), rand.Text()
}

// SignLines signs lines that a front end hands over (调起支付) with Merchant.PrivateKey. Products have
// functions that know which.
func (c *Client) SignLines(lines ...string) (string, error) {
	if err := c.checkSigns(); err != nil {
		return "", err
	}
	return c.signer.SignLines(lines...)
}

// SignParams signs as [auth.SignType.Sign] does, with Merchant.APIv2Key.
func (c *Client) SignParams(t auth.SignType, params map[string]string) (string, error) {
	if err := c.checkSigns(); err != nil {
		return "", err
	}
	if c.apiv2Key() == "" {
		return "", errNoAPIv2Key
	}
	return t.Sign(c.apiv2Key(), maps.All(params))
}

// checkSigns refuses whom WeChat does not ask for a signature of a front end.
func (c *Client) checkSigns() error {
	if c == nil || c.signer == nil {
		return errors.New("there is no client to sign with: make one with wechatpay.New")
	}
	if c.signer.BrandID() != "" {
		return errors.New("what a front end hands over is signed by a merchant, not by a brand: make a Client for the merchant, with Client.For")
	}
	return nil
}

var errNoAPIv2Key = errors.New("the APIv2 key (APIv2密钥) signs this, also beside APIv3, whose key does not do: " +
	"set it on the merchant platform (商户平台) under API安全, and give it as Merchant.APIv2Key")

// DownloadCertificates downloads the platform certificates (平台证书) of /v3/certificates, with
// Merchant.APIv3Key, now and again each time that every has passed: a minute at least, and 12 hours
// at most. An answer or a notification that names another certificate has them downloaded at
// once, but not more than once a minute. No call waits for that but the first, where Merchant has
// no PlatformKeys. If a download fails the old certificates stay, and onError is told; it is tried
// again after a second, then two, then four, up to every. Call [Client.Close] in the end, but not
// in onError, which Close waits for.
func DownloadCertificates(every time.Duration, onError func(error)) Option {
	return func(c *Client) error {
		if every < time.Minute || every > 12*time.Hour {
			return fmt.Errorf("DownloadCertificates is every %v, want a minute to 12 hours", every)
		}
		if onError == nil {
			return errors.New("DownloadCertificates has no onError: nobody would hear of a download that fails")
		}
		c.downloads = func(c *Client, apiv3Key string) certificates {
			return refresh.New(refresh.Config{
				Every:    every,
				Download: func(ctx context.Context) ([]auth.PlatformKey, error) { return c.download(ctx, apiv3Key) },
				OnError:  onError,
				Now:      c.now,
			})
		}
		return nil
	}
}

// downloads are the certificates that a client downloads, once it knows for whom.
type downloads func(c *Client, apiv3Key string) certificates

// certificates are those of package refresh. As an interface, they are linked only by programs that
// use DownloadCertificates.
type certificates interface {
	auth.Source
	Start()
	Ready(ctx context.Context) error
	Close()
}

var _ certificates = (*refresh.Certificates)(nil)

// trust makes the verifier, and begins to download.
func (c *Client) trust(m Merchant, downloads downloads) (err error) {
	switch {
	case m.isOfV2():
		c.verifier = new(auth.Verifier) // of nothing
		return nil
	case m.BrandID != "": // brands have no platform certificates
		c.verifier, err = auth.NewBrandVerifier(m.PlatformKeys...)
		return err
	}
	if downloads == nil {
		if len(m.PlatformKeys) == 0 {
			return errors.New("no key to verify WeChat Pay with: give Merchant.PlatformKeys its public key " +
				"(微信支付公钥, auth.PublicKey), or have its platform certificates (平台证书) downloaded with DownloadCertificates")
		}
		c.verifier, err = auth.NewVerifier(m.PlatformKeys...)
		return err
	}
	if m.APIv3Key == "" {
		return errors.New("DownloadCertificates needs Merchant.APIv3Key (APIv3密钥), which certificates are encrypted with: " +
			"set it on the merchant platform (商户平台) under API安全")
	}
	c.certificates = downloads(c, m.APIv3Key)
	if c.verifier, err = auth.NewVerifierFrom(c.certificates, m.PlatformKeys...); err != nil {
		return err
	}
	c.certificates.Start()
	return nil
}

// ready waits for the first download where there is no key without it.
func (c *Client) ready(ctx context.Context) error {
	if c.certificates == nil || c.verifier.Preferred(c.now()).Public != nil {
		return nil
	}
	if err := c.certificates.Ready(ctx); err != nil {
		return fmt.Errorf("no key to verify with: %w", err)
	}
	return nil
}

// download is a call like others, but for how its answer is verified, and that it waits for no
// download.
func (c *Client) download(ctx context.Context, apiv3Key string) (keys []auth.PlatformKey, err error) {
	d := *c
	d.certificates = nil
	d.checkList = func(res *Response) (err error) {
		if !res.ok() {
			return auth.ErrNotSigned // what signs it, only a list could tell
		}
		keys, err = refresh.Read(apiv3Key, res.Header, res.Body, c.verifier.Keys(), c.now())
		return err
	}
	_, err = d.Chain("/v3/certificates").Get(ctx)
	return keys, c.notDownloaded(err)
}

// notDownloaded tells what a failed download means. It leaves out the codes and the advice that
// belong to the download, for it becomes the cause of other calls' errors.
func (c *Client) notDownloaded(err error) error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return err
	case e.StatusCode == http.StatusNotFound:
		return fmt.Errorf("WeChat Pay has no platform certificates (平台证书) for the merchant %s: give Merchant.PlatformKeys "+
			"its public key (微信支付公钥) with auth.PublicKey, in place of DownloadCertificates (404 %s)", c.signer.MchID(), legible(e.Code))
	case e.Err != nil:
		return fmt.Errorf("the platform certificates (平台证书) of %s were not downloaded: %w", c.signer.MchID(), e.Err)
	}
	return fmt.Errorf("the platform certificates (平台证书) of %s were not downloaded: %d %s (Request-ID %s)", c.signer.MchID(), e.StatusCode, e.answer(), legible(e.RequestID))
}
