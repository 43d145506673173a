package sim_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/certificates"
)

func keyMode(mode world.KeyMode) func(*world.World) {
	return func(w *world.World) { w.Merchants[0].KeyMode = mode }
}

// download are the certificates that the merchant can download, decrypted, by serial number.
func (b *bench) download() map[string]auth.PlatformKey {
	b.t.Helper()
	list, err := certificates.New(b.client).Get(b.t.Context(), certificates.DownloadCertificatesQuery{})
	if err != nil {
		b.t.Fatal(err)
	}
	found := map[string]auth.PlatformKey{}
	for _, c := range list.Data {
		e := c.EncryptCertificate
		if e.Algorithm != "AEAD_AES_256_GCM" || len(e.Nonce) != 12 || e.AssociatedData != "certificate" {
			b.t.Errorf("the certificate is encrypted with %+v", e)
		}
		raw, err := base64.StdEncoding.DecodeString(e.Ciphertext)
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := crypt.OpenGCM(b.Merchant().APIv3Key, e.Nonce, e.AssociatedData, raw)
		if err != nil {
			b.t.Fatal(err)
		}
		cert, err := auth.ParseCertificate(text)
		if err != nil {
			b.t.Fatal(err)
		}
		if auth.SerialNo(cert) != c.SerialNo || !cert.NotAfter.Equal(c.ExpireTime.Time) || !cert.NotBefore.Equal(c.EffectiveTime.Time) {
			b.t.Errorf("the certificate is %s until %v, the list says %s until %v", auth.SerialNo(cert), cert.NotAfter, c.SerialNo, c.ExpireTime)
		}
		if found[c.SerialNo], err = auth.Certificate(cert); err != nil {
			b.t.Fatal(err)
		}
	}
	return found
}

// trusting is a client that trusts these keys and no others. It asks for the first.
func (b *bench) trusting(keys ...auth.PlatformKey) *wechatpay.Client {
	b.t.Helper()
	m := b.Merchant()
	m.PlatformKeys = keys
	client, err := wechatpay.New(m, wechatpay.BaseURL(b.URL))
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

func TestAMerchantWithThePublicKeyOnlyGetsNoCertificates(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(w *world.World) {
		w.Merchants = append(w.Merchants, world.Merchant{MchID: "1900000999", KeyMode: world.CertificateMode})
	})
	b.want(b.call(http.MethodGet, "v3/certificates"), "404 RESOURCE_NOT_EXISTS 无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。")
}

func TestAMerchantWithCertificates(t *testing.T) {
	t.Parallel()
	b := newBench(t, keyMode(world.CertificateMode))
	r := newReceiver(t, b)
	found := b.download()
	if len(found) != 1 {
		t.Fatalf("downloaded %d certificates, want 1", len(found))
	}
	no := b.created(object{"notify_url": r.URL})
	b.Confirm(no)
	a := b.cancel(no, cancelBody("r"))
	if a.status != http.StatusNoContent || found[a.res.Serial].Public == nil {
		t.Errorf("answered %v, signed by %s", a, a.res.Serial)
	}
	b.Notifications()
	r.only(t)
	b.want(b.call(http.MethodGet, "v3/certificates", wechatpay.Query("algorithm_type", "SM2")), "404 RESOURCE_NOT_EXISTS")
	b.want(b.call(http.MethodGet, "v3/certificates", wechatpay.Query("algorithm_type", "ALL")), "200")
}

func TestAMigratingMerchantIsAnsweredWithTheKeyThatItAsksFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, keyMode(world.MigratingMode))
	r := newReceiver(t, b)
	keys := b.Merchant().PlatformKeys
	if len(keys) != 2 {
		t.Fatalf("it has %d keys, want the public key and a certificate", len(keys))
	}
	for _, asked := range keys {
		b.client = b.trusting(asked)
		if a := b.query("none"); a.err == nil || !a.err.Verified {
			t.Errorf("asked for %s: %v", asked.Serial, a.err)
		}
	}
	for _, serial := range []string{"", "7B"} {
		res := b.send(raw{method: "GET", target: queryTarget, header: func(h http.Header) { h.Set("Wechatpay-Serial", serial) }})
		if got := res.Header.Get("Wechatpay-Serial"); got != keys[1].Serial {
			t.Errorf("asked for %q, it is answered with %s, want the certificate", serial, got)
		}
	}
	b.client = b.Client()
	b.Confirm(b.created(object{"notify_url": r.URL}))
	b.Notifications()
	r.only(t)
}

func TestCertificatesAreRotatedWithAnOverlap(t *testing.T) {
	t.Parallel()
	journal := new(memory)
	w := simtest.World(t)
	w.Merchants[0].KeyMode = world.CertificateMode
	if err := w.Complete(time.Now()); err != nil {
		t.Fatal(err)
	}
	start := func() *bench {
		g := simtest.StartWith(t, sim.Config{World: w, Journal: journal})
		return &bench{g, g.Client(), t}
	}
	b := start()
	old := b.Merchant().PlatformKeys[0]
	added, err := b.Control().AddCertificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	both := b.download()
	if len(both) != 2 || both[added.SerialNo].Public == nil {
		t.Fatalf("after a new one was added there are %v", both)
	}
	signedBy := func(asked string) string {
		t.Helper()
		return b.send(raw{method: "GET", target: queryTarget, header: func(h http.Header) { h.Set("Wechatpay-Serial", asked) }}).Header.Get("Wechatpay-Serial")
	}
	if got := signedBy(""); got != old.Serial {
		t.Errorf("before the switch %s signs, want the old one", got)
	}
	if got := signedBy(added.SerialNo); got != added.SerialNo {
		t.Errorf("asked for the new one, %s signs", got)
	}
	if err := b.Control().RemoveCertificate(t.Context(), old.Serial); err == nil || !strings.Contains(err.Error(), "signs") {
		t.Errorf("taking away the one that signs: %v", err)
	}
	if err := b.Control().SignWith(t.Context(), added.SerialNo); err != nil {
		t.Fatal(err)
	}
	if got := signedBy(""); got != added.SerialNo {
		t.Errorf("after the switch %s signs, want the new one", got)
	}
	if err := b.Control().RemoveCertificate(t.Context(), old.Serial); err != nil {
		t.Fatal(err)
	}
	b = start()
	if got := signedBy(old.Serial); got != added.SerialNo {
		t.Errorf("after a restart %s signs, want the new one", got)
	}
	if err := b.Control().Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := signedBy(""); got != old.Serial {
		t.Errorf("after a reset %s signs, want the world's", got)
	}
	if err := b.Control().SignWith(t.Context(), "7B"); err == nil {
		t.Error("a certificate that is not there signs")
	}
}

func TestWhatHasBecomeOfTheMerchantsCertificate(t *testing.T) {
	t.Parallel()
	for state, want := range map[world.CertificateState]string{
		world.CertificateRevoked:  `401 {"code":"SIGN_ERROR","message":"商户证书已作废"}`,
		world.CertificateReplaced: `401 {"code":"SIGN_ERROR","message":"已更换证书，请使用新证书"}`,
	} {
		b := newBench(t, func(w *world.World) { w.Merchants[0].CertificateState = state })
		if got := read(t, b.send(raw{method: "GET", target: queryTarget})); got != want {
			t.Errorf("answered %s\n    want %s", got, want)
		}
	}
}

func TestAResetForgetsWhatHappened(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	no := b.confirmed(object{"notify_url": r.URL})
	b.Advance(24 * time.Hour)
	b.fault(world.Fault{Effect: world.EffectReset})
	if err := b.Control().Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want(b.query(no), "404 ORDER_NOT_EXIST")
	if n := b.Notifications(); len(n) != 0 {
		t.Errorf("the notifications are %+v", n)
	}
	c, err := b.Control().Clock(t.Context())
	if err != nil || c.Business.Sub(c.Wire).Abs() > time.Second {
		t.Errorf("the clock is %+v, %v", c, err)
	}
	b.want(b.create(newOrder(object{"out_order_no": no})), "200")
}
