// Package simtest runs a simulated gateway inside a test.
//
//	gateway := simtest.Start(t)
//	client := gateway.Client()
//	… create an order …
//	gateway.Confirm("20241124001") // as its user would
//
// When the test fails, the requests that were refused are printed with what was wrong.
package simtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Gateway is a simulated gateway on a loopback address, for one test.
type Gateway struct {
	URL   string       // what to give to wechatpay.BaseURL, or to another SDK
	World *world.World // whom it knows, with their keys

	// BackupURL is the same gateway as api2.mch.weixin.qq.com, where URL is api.mch.weixin.qq.com: by these
	// names a fault strikes one of them. A client fails over between them if wechatpay.Hosts maps both.
	BackupURL string

	Management http.Handler // its management API; see Control

	t       testing.TB
	control *control.Client
	gateway http.Handler
}

// keys are made once for all tests of a program: making them is slow.
var keys = sync.OnceValues(func() (*world.World, error) {
	w := world.Default()
	return w, w.Complete(time.Now())
})

// World is [world.Default] with keys, to be changed for [StartWith].
func World(t testing.TB) *world.World {
	t.Helper()
	complete, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	w := world.Default()
	w.Platform = complete.Platform
	for i, m := range complete.Merchants {
		m.AppIDs, m.Parents, m.Grants = w.Merchants[i].AppIDs, w.Merchants[i].Parents, w.Merchants[i].Grants
		w.Merchants[i] = m
	}
	return w
}

// Start runs a gateway that knows [World] until the test ends.
func Start(t testing.TB) *Gateway {
	t.Helper()
	return StartWith(t, sim.Config{World: World(t)})
}

// StartWith is [Start] with a configuration.
func StartWith(t testing.TB, c sim.Config) *Gateway {
	t.Helper()
	gateway, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server, backup := httptest.NewServer(gateway.Host("api.mch.weixin.qq.com")), httptest.NewServer(gateway.Host("api2.mch.weixin.qq.com"))
	g := &Gateway{
		URL:   server.URL,
		World: gateway.World(),

		BackupURL: backup.URL,

		Management: gateway.Management(),

		t:       t,
		gateway: gateway,
		control: control.New("http://localhost", &http.Client{Transport: inProcess{gateway.Management()}}),
	}
	t.Cleanup(func() {
		if t.Failed() {
			g.explain()
		}
		gateway.Close() // first: it ends delays that the server would wait for
		server.Close()
		backup.Close()
	})
	return g
}

// TLS serves the gateway by HTTPS as well, where it asks clients for the merchant's certificate: some
// operations of APIv2 want it. By URL, which is plain HTTP, nobody is asked.
func (g *Gateway) TLS() (url string, roots *x509.CertPool) {
	g.t.Helper()
	server := httptest.NewUnstartedServer(g.gateway)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	g.t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

// Control is the gateway's management API, for what the methods of Gateway do not offer.
func (g *Gateway) Control() *control.Client { return g.control }

// Merchant is the gateway's first merchant, who in the default world is the service provider, as a
// client needs it.
func (g *Gateway) Merchant() wechatpay.Merchant {
	g.t.Helper()
	merchants, err := g.control.Merchants(g.t.Context())
	if err != nil || len(merchants) == 0 {
		g.t.Fatalf("the gateway has no merchant that signs calls: %v", err)
	}
	m := merchants[0]
	key, err := auth.ParsePrivateKey([]byte(m.PrivateKey))
	if err != nil {
		g.t.Fatal(err)
	}
	platform, err := platformKeys(m)
	if err != nil {
		g.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair([]byte(m.Certificate), []byte(m.PrivateKey))
	if err != nil {
		g.t.Fatal(err)
	}
	return wechatpay.Merchant{
		MchID: m.MchID, SerialNo: m.SerialNo, PrivateKey: key, APIv3Key: m.APIv3Key, APIv2Key: m.APIv2Key, Certificate: pair, PlatformKeys: platform,
	}
}

// Brand is [Gateway.Merchant] as the brand (品牌) that it is in the default world: it calls /brand/….
func (g *Gateway) Brand() wechatpay.Merchant {
	g.t.Helper()
	m := g.Merchant()
	m.MchID, m.BrandID = "", g.World.Merchant(m.MchID).BrandID
	return m
}

// platformKeys are the keys that WeChat Pay signs with to the merchant. The first is the one that
// its client asks for.
func platformKeys(m control.Merchant) ([]auth.PlatformKey, error) {
	var keys []auth.PlatformKey
	if m.KeyMode != world.CertificateMode {
		pub, err := auth.ParsePublicKey([]byte(m.PublicKey))
		if err != nil {
			return nil, err
		}
		keys = append(keys, auth.PublicKey(m.PublicKeyID, pub))
	}
	for _, text := range m.Certificates {
		cert, err := auth.ParseCertificate([]byte(text))
		if err != nil {
			return nil, err
		}
		key, err := auth.Certificate(cert)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Client is a client of [Gateway.Merchant] that calls the gateway. It is closed when the test ends.
func (g *Gateway) Client(opts ...wechatpay.Option) *wechatpay.Client {
	g.t.Helper()
	client, err := wechatpay.New(g.Merchant(), append([]wechatpay.Option{wechatpay.BaseURL(g.URL)}, opts...)...)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(client.Close)
	return client
}

// Confirm lets a user confirm the Pay Score order with this number.
func (g *Gateway) Confirm(outOrderNo string) {
	g.t.Helper()
	if _, err := g.control.Confirm(g.t.Context(), control.Order{OutOrderNo: outOrderNo}); err != nil {
		g.t.Fatal(err)
	}
}

// PayTrade lets a user pay the order of basic payments (基础支付) with this number.
func (g *Gateway) PayTrade(outTradeNo string) {
	g.t.Helper()
	if _, err := g.control.PayTrade(g.t.Context(), control.Trade{OutTradeNo: outTradeNo}); err != nil {
		g.t.Fatal(err)
	}
}

// Advance moves the clock of orders ahead: what falls due on the way has happened when it
// returns. Signatures stay in real time.
func (g *Gateway) Advance(by time.Duration) {
	g.t.Helper()
	if _, err := g.control.Advance(g.t.Context(), by); err != nil {
		g.t.Fatal(err)
	}
}

// Notifications returns the notifications so far. Deliveries that are due are made first.
func (g *Gateway) Notifications() []control.Notification {
	g.t.Helper()
	g.Advance(0)
	notifications, err := g.control.Notifications(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	return notifications
}

// explained is how many refused requests a failing test prints.
const explained = 5

// explain prints the last requests that were refused, and why.
func (g *Gateway) explain() {
	exchanges, err := g.control.Requests(context.WithoutCancel(g.t.Context()), 0)
	if err != nil {
		g.t.Logf("the gateway's requests: %v", err)
		return
	}
	exchanges = slices.DeleteFunc(exchanges, func(x control.Exchange) bool { return x.Status < 300 && !failed(x) })
	for _, x := range exchanges[max(0, len(exchanges)-explained):] {
		g.t.Log(x.Explain())
	}
}

// failed tells that a check failed, or a fault struck.
func failed(x control.Exchange) bool {
	for _, check := range x.Checks {
		if !check.Passed {
			return true
		}
	}
	return false
}

// inProcess calls a handler without a listener.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result(), nil
}
