package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/certificates"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
)

// downloader is a client that has no platform key but those that it downloads.
type downloader struct {
	*wechatpay.Client
	downloads atomic.Int32
	spoil     atomic.Pointer[func(body []byte) []byte] // changes lists on their way
	told      chan error
}

func (b *bench) downloader(opts ...wechatpay.Option) *downloader {
	b.t.Helper()
	m := b.Merchant()
	m.PlatformKeys = nil
	return b.downloaderOf(m, opts...)
}

func (b *bench) downloaderOf(m wechatpay.Merchant, opts ...wechatpay.Option) *downloader {
	b.t.Helper()
	d := &downloader{told: make(chan error, 100)}
	opts = append([]wechatpay.Option{
		wechatpay.BaseURL(b.URL), wechatpay.MaxAttempts(1), wechatpay.Transport(d),
		wechatpay.DownloadCertificates(time.Hour, func(err error) { d.told <- err }),
	}, opts...)
	var err error
	if d.Client, err = wechatpay.New(m, opts...); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(d.Close)
	return d
}

func (d *downloader) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if req.URL.Path != "/v3/certificates" {
		return res, err
	}
	d.downloads.Add(1)
	if spoil := d.spoil.Load(); spoil != nil && err == nil {
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader((*spoil)(body)))
	}
	return res, err
}

// hear waits for the next error of a download.
func (d *downloader) hear(t *testing.T) error {
	t.Helper()
	select {
	case err := <-d.told:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("no error was told")
		return nil
	}
}

// lookUp is a call that succeeds, if there is such an order.
func lookUp(t *testing.T, client *wechatpay.Client, no string) error {
	_, err := client.Chain(orders).Get(t.Context(), wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("out_order_no", no))
	return err
}

// crowd calls without end, or until one fails.
type crowd struct {
	calls  atomic.Int64
	did    chan struct{} // a value for each call, if anybody wants to know
	failed chan error
	over   chan struct{}
	work   sync.WaitGroup
}

func (b *bench) crowd(client *wechatpay.Client, no string, size int) *crowd {
	c := &crowd{did: make(chan struct{}), failed: make(chan error, size), over: make(chan struct{})}
	for range size {
		c.work.Go(func() {
			for {
				if err := lookUp(b.t, client, no); err != nil {
					c.failed <- fmt.Errorf("call %d: %w", c.calls.Load(), err)
					return
				}
				c.calls.Add(1)
				select {
				case c.did <- struct{}{}:
				case <-c.over:
					return
				default:
				}
			}
		})
	}
	b.t.Cleanup(c.stop)
	return c
}

// more waits for so many calls more.
func (c *crowd) more(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-c.did:
		case err := <-c.failed:
			t.Fatal(err)
		}
	}
}

// stop ends the calls. After that, what failed is in failed.
func (c *crowd) stop() {
	select {
	case <-c.over:
	default:
		close(c.over)
	}
	c.work.Wait()
}

// end ends the calls, of which none may have failed.
func (c *crowd) end(t *testing.T) {
	t.Helper()
	c.stop()
	if len(c.failed) > 0 {
		t.Error(<-c.failed)
	}
}

func TestNoCallFailsWhileCertificatesAreRotated(t *testing.T) {
	t.Parallel()
	b := newBench(t, keyMode(world.CertificateMode))
	no := b.created(nil)
	d := b.downloader()
	c := b.crowd(d.Client, no, 16)
	c.more(t, 50)
	old := d.Verifier().Preferred(time.Now()).Serial
	added, err := b.Control().AddCertificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.more(t, 50)
	if err := b.Control().SignWith(t.Context(), added.SerialNo); err != nil {
		t.Fatal(err)
	}
	c.more(t, 50)
	if err := b.Control().RemoveCertificate(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	c.more(t, 50)
	c.end(t)
	if got := d.Verifier().Preferred(time.Now()).Serial; got != added.SerialNo || old == added.SerialNo {
		t.Errorf("in the end it asks for %s, want %s after %s", got, added.SerialNo, old)
	}
	if n := d.downloads.Load(); n != 2 || len(d.told) != 0 {
		t.Errorf("there were %d downloads, want 2, and %d errors", n, len(d.told))
	}
	t.Logf("%d calls", c.calls.Load())
}

func TestANotificationByANewCertificateHasItDownloaded(t *testing.T) {
	t.Parallel()
	b := newBench(t, keyMode(world.CertificateMode))
	d := b.downloader()
	if err := lookUp(t, d.Client, b.created(nil)); err != nil {
		t.Fatal(err)
	}
	b.client = d.Client
	r := newReceiver(t, b)
	added, err := b.Control().AddCertificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Control().SignWith(t.Context(), added.SerialNo); err != nil {
		t.Fatal(err)
	}
	b.confirmed(object{"notify_url": r.URL})
	b.Notifications()
	if _, err := webhook.Decode[payscore.UserConfirm](r.only(t)); err != nil {
		t.Error(err)
	}
	if n := d.downloads.Load(); n != 2 {
		t.Errorf("there were %d downloads, want 2", n)
	}
}

func TestCallsGoOnWhileARefreshFails(t *testing.T) {
	t.Parallel()
	garbage := func(body []byte) []byte {
		return bytes.ReplaceAll(body, []byte(`"ciphertext":"`), []byte(`"ciphertext":"AAAA`))
	}
	tests := map[string]struct {
		fault world.Fault
		spoil func([]byte) []byte
		want  string
	}{
		"the server fails":                {fault: world.Fault{Effect: world.EffectStatus, Status: 500, Code: "SYSTEM_ERROR"}, want: "500 SYSTEM_ERROR"},
		"the connection is reset":         {fault: world.Fault{Effect: world.EffectReset}, want: "were not downloaded"},
		"a proxy answers":                 {fault: world.Fault{Effect: world.EffectHTML}, want: "502 Bad Gateway"},
		"the list ends in its middle":     {fault: world.Fault{Effect: world.EffectTruncate}, want: "broke off"},
		"the list is not signed":          {fault: world.Fault{Effect: world.EffectUnsigned}, want: auth.ErrNotSigned.Error()},
		"the list is wrongly signed":      {fault: world.Fault{Effect: world.EffectWrongSignature}, want: auth.ErrBadSignature.Error()},
		"the list is signed by a nobody":  {fault: world.Fault{Effect: world.EffectUnknownSerial}, want: auth.ErrUnknownSerial.Error()},
		"the list is old":                 {fault: world.Fault{Effect: world.EffectStale}, want: auth.ErrExpired.Error()},
		"the list is a probe":             {fault: world.Fault{Effect: world.EffectProbe}, want: auth.ErrProbe.Error()},
		"the certificates are garbage":    {spoil: garbage, want: "APIv3密钥"},
		"the list has no certificates":    {spoil: func([]byte) []byte { return []byte(`{"data":[]}`) }, want: "holds no platform certificate"},
		"the list was changed on its way": {spoil: func(body []byte) []byte { return append(body, ' ') }, want: auth.ErrBadSignature.Error()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, keyMode(world.CertificateMode))
			no := b.created(nil)
			d := b.downloader()
			c := b.crowd(d.Client, no, 4)
			c.more(t, 4)
			if tt.fault.Effect != "" {
				tt.fault.Path = "/v3/certificates"
				b.fault(tt.fault)
			}
			if tt.spoil != nil {
				d.spoil.Store(&tt.spoil)
			}
			missed := b.addressed(t, d)
			if err := missed(); !errors.Is(err, auth.ErrUnknownSerial) || !strings.Contains(err.Error(), "was looked for in vain") {
				t.Errorf("a message by a new certificate: %v", err)
			}
			if err := d.hear(t); !strings.Contains(err.Error(), tt.want) {
				t.Errorf("told %v, want %s", err, tt.want)
			}
			c.more(t, 8)
			if err := b.Control().ClearFaults(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.spoil.Store(nil)
			for len(d.Verifier().Keys()) < 2 { // the next one succeeds, after a second
				c.more(t, 1)
			}
			c.end(t)
			if err := missed(); err != nil {
				t.Errorf("then a message by the new certificate: %v", err)
			}
		})
	}
}

// addressed lets a new certificate sign, and returns a function that has the client verify a message by it.
func (b *bench) addressed(t *testing.T, d *downloader) func() error {
	t.Helper()
	added, err := b.Control().AddCertificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	res := b.send(raw{method: "GET", target: queryTarget, header: func(h http.Header) { h.Set("Wechatpay-Serial", added.SerialNo) }})
	body, err := io.ReadAll(res.Body)
	if err != nil || res.Header.Get("Wechatpay-Serial") != added.SerialNo {
		t.Fatalf("signed by %s: %v", res.Header.Get("Wechatpay-Serial"), err)
	}
	return func() error { return d.Verifier().Verify(t.Context(), res.Header, body, time.Now()) }
}

func TestAClientWhoseFirstDownloadFailsSaysWhy(t *testing.T) {
	t.Parallel()
	b := newBench(t, keyMode(world.CertificateMode))
	b.fault(world.Fault{Path: "/v3/certificates", Effect: world.EffectWrongSignature})
	d := b.downloader()
	err := lookUp(t, d.Client, "none")
	if !errors.Is(err, auth.ErrBadSignature) || wechatpay.OutcomeOf(err) != wechatpay.NotSent {
		t.Errorf("the error is %v", err)
	}
	if exchanges, err := b.Control().Requests(t.Context(), 0); err != nil || len(exchanges) != 1 {
		t.Errorf("there were %d requests, want the download only: %v", len(exchanges), err)
	}
}

func TestDownloadsOfAMerchantWithThePublicKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	d := b.downloader()
	const want = "give Merchant.PlatformKeys its public key (微信支付公钥) with auth.PublicKey"
	if err := lookUp(t, d.Client, no); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "404 RESOURCE_NOT_EXISTS") {
		t.Errorf("without the key: %v", err)
	}
	d = b.downloaderOf(b.Merchant())
	if err := lookUp(t, d.Client, no); err != nil {
		t.Errorf("with the key: %v", err)
	}
	if err := d.hear(t); !strings.Contains(err.Error(), want) {
		t.Errorf("with the key it is told %v", err)
	}
}

// TestAMigratingMerchantTrustsBoth has the public key, and downloads the certificates that
// notifications are still signed with.
func TestAMigratingMerchantTrustsBoth(t *testing.T) {
	t.Parallel()
	b := newBench(t, keyMode(world.MigratingMode))
	m := b.Merchant()
	m.PlatformKeys = m.PlatformKeys[:1]
	d := b.downloaderOf(m)
	b.client = d.Client
	r := newReceiver(t, b)
	no := b.confirmed(object{"notify_url": r.URL})
	b.Notifications()
	r.only(t)
	res := new(wechatpay.Response)
	if _, err := certificates.New(d.Client).Get(t.Context(), certificates.DownloadCertificatesQuery{}, wechatpay.Into(res)); err != nil || res.Serial != m.PlatformKeys[0].Serial {
		t.Errorf("an answer is signed by %s: %v", res.Serial, err)
	}
	if err := lookUp(t, d.Client, no); err != nil || len(d.Verifier().Keys()) != 2 {
		t.Errorf("there are %d keys: %v", len(d.Verifier().Keys()), err)
	}
}

func TestAClientIsClosedWhileCallsAreUnderWay(t *testing.T) {
	t.Parallel()
	b := newBench(t, keyMode(world.CertificateMode))
	d := b.downloader()
	c := b.crowd(d.Client, b.created(nil), 16)
	c.more(t, 20)
	var closing sync.WaitGroup
	for range 4 {
		closing.Go(d.Close)
	}
	closing.Wait()
	c.more(t, 20)
	c.end(t)
}

// TestAClosedClientLeavesNoGoroutine is not parallel, so that no other test begins any meanwhile.
func TestAClosedClientLeavesNoGoroutine(t *testing.T) {
	b := newBench(t, keyMode(world.CertificateMode))
	no := b.created(nil)
	http.DefaultClient.CloseIdleConnections()
	b.client.Close()
	m := b.Merchant()
	m.PlatformKeys = nil
	before := goroutines()
	client, err := wechatpay.New(m, wechatpay.BaseURL(b.URL), wechatpay.DownloadCertificates(time.Hour, func(err error) { t.Error(err) }))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := lookUp(t, client, no); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	left := func() (stacks []string) {
		for id, stack := range goroutines() {
			if _, old := before[id]; !old && (strings.Contains(stack, "persistConn") || strings.Contains(stack, "internal/refresh.")) {
				stacks = append(stacks, stack)
			}
		}
		return stacks
	}
	if len(left()) == 0 {
		t.Error("there is nothing to close, not even a connection")
	}
	client.Close()
	for began := time.Now(); len(left()) > 0; runtime.Gosched() {
		if time.Since(began) > 5*time.Second { // idle connections end by themselves after 7 s
			t.Fatalf("what is left:\n%s", strings.Join(left(), "\n\n"))
		}
	}
}

// goroutines are the stacks of all, by their numbers.
func goroutines() map[string]string {
	text := make([]byte, 4<<20)
	text = text[:runtime.Stack(text, true)]
	found := map[string]string{}
	for stack := range strings.SplitSeq(string(text), "\n\n") {
		var id string
		fmt.Sscanf(stack, "goroutine %s", &id)
		found[id] = stack
	}
	return found
}
