package wechatpay_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/crypt"
)

const apiv3Key = "canary-apiv3-key-0123456789abcde"

// issuer is the platform with certificates: a transport that gives them out and signs with one.
type issuer struct {
	mu     sync.Mutex
	listed []platformCertificate
	signs  platformCertificate
	refuse func(req *http.Request) *http.Response // an answer in place of the list
	takes  time.Duration                          // a list
	lists  int
	asked  []string // Wechatpay-Serial of the requests
}

type platformCertificate struct {
	serial string
	key    *rsa.PrivateKey
	sealed string
}

// certificateKeys are made once: making RSA keys is slow.
var certificateKeys = sync.OnceValue(func() (k [2]*rsa.PrivateKey) {
	for i := range k {
		k[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return k
})

// certificateOf is the i-th certificate, each of which is newer than those before.
func certificateOf(t testing.TB, i int) platformCertificate {
	t.Helper()
	key := certificateKeys()[i]
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(0x5a00 + i)),
		NotBefore:    time.Now().Add(time.Duration(i-10) * time.Hour), NotAfter: time.Now().AddDate(5, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := crypt.SealGCM(apiv3Key, "0123456789ab", "certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return platformCertificate{fmt.Sprintf("%X", 0x5a00+i), key, base64.StdEncoding.EncodeToString(sealed)}
}

func (p *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	asked := "nothing"
	if named, ok := req.Header["Wechatpay-Serial"]; ok {
		asked = strings.Join(named, ",")
	}
	p.mu.Lock()
	p.asked = append(p.asked, req.URL.Path+" "+asked)
	listed, signs, refuse, takes := p.listed, p.signs, p.refuse, p.takes
	if req.URL.Path == "/v3/certificates" {
		p.lists++
	}
	p.mu.Unlock()
	if req.URL.Path != "/v3/certificates" {
		return signs.answer(200, "{}"), nil
	}
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if refuse != nil {
		return refuse(req), nil
	}
	data := []any{}
	for _, c := range listed {
		data = append(data, map[string]any{"serial_no": c.serial, "encrypt_certificate": map[string]any{
			"algorithm": "AEAD_AES_256_GCM", "nonce": "0123456789ab", "associated_data": "certificate", "ciphertext": c.sealed,
		}})
	}
	text, err := json.Marshal(map[string]any{"data": data})
	return signs.answer(200, string(text)), err
}

func (c platformCertificate) answer(status int, body string) *http.Response {
	res := answer(status, body, time.Now())
	signature, err := auth.Sign(c.key, auth.AnswerText(res.Header.Get("Wechatpay-Timestamp"), res.Header.Get("Wechatpay-Nonce"), []byte(body)))
	if err != nil {
		panic(err)
	}
	res.Header.Set("Wechatpay-Serial", c.serial)
	res.Header.Set("Wechatpay-Signature", signature)
	return res
}

// set is what p does from now on.
func (p *issuer) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *issuer) downloads() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lists
}

// certificateMerchant has no platform keys.
func certificateMerchant() wechatpay.Merchant {
	m := merchant()
	m.PlatformKeys, m.APIv3Key = nil, apiv3Key
	return m
}

// downloading is a client of p. The errors of its downloads are added to told.
func downloading(t testing.TB, p *issuer, m wechatpay.Merchant, told *[]error, opts ...wechatpay.Option) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(m, append(opts, wechatpay.Transport(p), wechatpay.MaxAttempts(1), wechatpay.AttemptTimeout(48*time.Hour),
		wechatpay.DownloadCertificates(12*time.Hour, func(err error) { *told = append(*told, err) }))...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func get(ctx context.Context, client *wechatpay.Client) error {
	_, err := client.Chain("v3/x").Get(ctx)
	return err
}

// bubble is a test in which time is synctest's, and keys are made outside.
func bubble(t *testing.T, f func(t *testing.T)) {
	keys()
	certificateKeys()
	synctest.Test(t, f)
}

func TestTheFirstCallWaitsForTheCertificates(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		first, second := certificateOf(t, 0), certificateOf(t, 1)
		p := &issuer{listed: []platformCertificate{first, second}, signs: first, takes: time.Second}
		var told []error
		client := downloading(t, p, certificateMerchant(), &told)
		defer client.Close()
		began := time.Now()
		over, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		err := get(over, client)
		if !errors.Is(err, context.DeadlineExceeded) || wechatpay.OutcomeOf(err) != wechatpay.NotSent || time.Since(began) != time.Second/2 {
			t.Errorf("who has half a second gets %v after %v", err, time.Since(began))
		}
		if err := get(t.Context(), client); err != nil || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if want := []string{"/v3/certificates nothing", "/v3/x 5A01"}; !slices.Equal(p.asked, want) {
			t.Errorf("the requests were %q, want %q", p.asked, want)
		}
		if len(told) != 0 {
			t.Errorf("told %v", told)
		}
	})
}

func TestWhereThereIsAKeyNoCallWaits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		certificate := certificateOf(t, 0)
		m := certificateMerchant()
		m.PlatformKeys = merchant().PlatformKeys
		p := &issuer{listed: []platformCertificate{certificate}, signs: certificate, takes: time.Second}
		p.signs = platformCertificate{keyID, keys().platform, ""} // to one who asks for the public key
		var told []error
		client := downloading(t, p, m, &told)
		defer client.Close()
		began := time.Now()
		if err := get(t.Context(), client); err != nil || time.Since(began) != 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(2 * time.Second)
		p.set(func() { p.signs = certificate }) // as before the key is switched on
		if err := get(t.Context(), client); err != nil {
			t.Error(err)
		}
		if want := []string{"/v3/certificates " + keyID, "/v3/x " + keyID, "/v3/x " + keyID}; !slices.Equal(slices.Sorted(slices.Values(p.asked)), want) || len(told) != 0 {
			t.Errorf("the requests were %q, want %q; told %v", p.asked, want, told)
		}
	})
}

func TestAnAnswerByAnUnknownCertificateIsVerifiedOnceItIsDownloaded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		first, second := certificateOf(t, 0), certificateOf(t, 1)
		p := &issuer{listed: []platformCertificate{first}, signs: first}
		var told []error
		client := downloading(t, p, certificateMerchant(), &told)
		defer client.Close()
		if err := get(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		p.set(func() { p.signs, p.listed, p.takes = second, []platformCertificate{second}, time.Second })
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if err := get(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := p.downloads(); n != 2 {
			t.Errorf("there were %d downloads, want 2", n)
		}
		p.set(func() { p.signs = first }) // on its way since before
		if err := get(t.Context(), client); err != nil {
			t.Error(err)
		}
		p.set(func() { p.signs = platformCertificate{"7B", second.key, ""} })
		err := get(t.Context(), client)
		if !errors.Is(err, auth.ErrUnknownSerial) || wechatpay.OutcomeOf(err) != wechatpay.Unknown || p.downloads() != 2 {
			t.Errorf("a certificate that is nowhere gives %v after %d downloads", err, p.downloads())
		}
		time.Sleep(time.Minute)
		if get(t.Context(), client); p.downloads() != 3 {
			t.Errorf("a minute later there were %d downloads, want 3", p.downloads())
		}
	})
}

// TestTheWaitForACertificateIsNotTheAttempts: an order that was carried out must not be of unknown outcome because
// its answer came late in the attempt and is signed with a certificate that has to be downloaded.
func TestTheWaitForACertificateIsNotTheAttempts(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		first, second := certificateOf(t, 0), certificateOf(t, 1)
		p := &issuer{listed: []platformCertificate{first}, signs: first}
		slow := roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path != "/v3/certificates" {
				time.Sleep(8 * time.Second)
			}
			return p.RoundTrip(req)
		})
		client, err := wechatpay.New(certificateMerchant(), wechatpay.Transport(slow), wechatpay.MaxAttempts(1), wechatpay.AttemptTimeout(10*time.Second),
			wechatpay.DownloadCertificates(12*time.Hour, func(err error) { t.Error(err) }))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := get(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		p.set(func() { p.signs, p.listed, p.takes = second, []platformCertificate{second}, 5*time.Second })
		if err := get(t.Context(), client); err != nil {
			t.Error(err)
		}
		third := platformCertificate{"7B", second.key, ""}
		p.set(func() { p.signs, p.takes = third, 9*time.Second })
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		began := time.Now()
		if err := get(ctx, client); err == nil || time.Since(began) != 9*time.Second {
			t.Errorf("the caller waits for 9 seconds, and after %v it is %v", time.Since(began), err)
		}
	})
}

func TestADownloadThatFails(t *testing.T) {
	t.Parallel()
	first := certificateOf(t, 0)
	server := func(status int, body string) func(*http.Request) *http.Response {
		return func(*http.Request) *http.Response { return first.answer(status, body) }
	}
	tests := map[string]struct {
		refuse func(*http.Request) *http.Response
		text   string
		is     error
	}{
		"a merchant with the public key": {server(404, `{"code":"RESOURCE_NOT_EXISTS","message":"无可用的平台证书"}`),
			"WeChat Pay has no platform certificates (平台证书) for the merchant 1900000109: give Merchant.PlatformKeys its public key (微信支付公钥) with auth.PublicKey, in place of DownloadCertificates (404 RESOURCE_NOT_EXISTS)", nil},
		"a refusal":           {server(403, `{"code":"NO_AUTH","message":"x"}`), "were not downloaded: 403 NO_AUTH: x (Request-ID 08F3B1CC06-0)", nil},
		"a server that fails": {server(500, `{"code":"SYSTEM_ERROR","message":"x"}`), "were not downloaded: 500 SYSTEM_ERROR: x", nil},
		"a page of a proxy":   {server(200, "<html>"), "is not JSON", nil},
		"a redirect":          {server(302, ""), "were not downloaded: 302", nil},
		"an unsigned list": {func(*http.Request) *http.Response { res := first.answer(200, "{}"); unsigned(res); return res },
			"holds no platform certificate", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				p := &issuer{refuse: tt.refuse, takes: time.Second / 2}
				var told []error
				seen := func(_ context.Context, a wechatpay.Attempt) {
					if a.Verified != (a.Err == nil) {
						t.Errorf("%s fails with %v, and is verified: %v", a.Path, a.Err, a.Verified)
					}
				}
				client := downloading(t, p, certificateMerchant(), &told, wechatpay.Trace(seen))
				defer client.Close()
				err := get(t.Context(), client)
				synctest.Wait()
				if err == nil || !strings.Contains(err.Error(), tt.text) || wechatpay.OutcomeOf(err) != wechatpay.NotSent || !strings.HasSuffix(err.Error(), "; nothing was sent") {
					t.Errorf("the call fails with %v\n    want %s", err, tt.text)
				}
				if errors.Is(err, code.ResourceNotExists) || errors.Is(err, code.SystemError) || strings.Contains(fmt.Sprint(err, told), "canary") {
					t.Errorf("the call's error has what belongs to the download: %v", err)
				}
				if len(told) != 1 || !strings.Contains(told[0].Error(), tt.text) {
					t.Errorf("told %v", told)
				}
				now := certificateOf(t, 0) // of the bubble's time
				p.set(func() { p.refuse, p.listed, p.signs = nil, []platformCertificate{now}, now })
				time.Sleep(time.Second)
				if err := get(t.Context(), client); err != nil {
					t.Errorf("later: %v", err)
				}
			})
		})
	}
}

func TestAListThatOneWithAnotherKeyMade(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		forged := certificateOf(t, 0)
		m := certificateMerchant()
		m.APIv3Key = "another-apiv3-key-0123456789abcd"
		p := &issuer{listed: []platformCertificate{forged}, signs: forged}
		var told []error
		client := downloading(t, p, m, &told)
		defer client.Close()
		if err := get(t.Context(), client); !errors.Is(err, crypt.ErrDecrypt) || !strings.Contains(err.Error(), "APIv3密钥") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestNewRefusesDownloadsThatCannotWork(t *testing.T) {
	t.Parallel()
	ok := func(error) {}
	tests := map[string]struct {
		change func(*wechatpay.Merchant)
		opt    wechatpay.Option
		want   string
	}{
		"without an APIv3 key":    {func(m *wechatpay.Merchant) { m.APIv3Key = "" }, wechatpay.DownloadCertificates(time.Hour, ok), "needs Merchant.APIv3Key (APIv3密钥)"},
		"with half an APIv3 key":  {func(m *wechatpay.Merchant) { m.APIv3Key = "short" }, wechatpay.DownloadCertificates(time.Hour, ok), "has 5 bytes, want 32"},
		"with an invalid key":     {func(m *wechatpay.Merchant) { m.PlatformKeys = []auth.PlatformKey{{Serial: "x"}} }, wechatpay.DownloadCertificates(time.Hour, ok), "the RSA key is empty"},
		"that nobody hears of":    {nil, wechatpay.DownloadCertificates(time.Hour, nil), "nobody would hear"},
		"that never end":          {nil, wechatpay.DownloadCertificates(0, ok), "every 0s, want a minute to 12 hours"},
		"that come too often":     {nil, wechatpay.DownloadCertificates(time.Second, ok), "want a minute to 12 hours"},
		"that come once a day":    {nil, wechatpay.DownloadCertificates(24*time.Hour, ok), "want a minute to 12 hours"},
		"that were not asked for": {nil, wechatpay.MaxAttempts(1), "have its platform certificates (平台证书) downloaded with DownloadCertificates"},
	}
	for name, tt := range tests {
		m := certificateMerchant()
		if tt.change != nil {
			tt.change(&m)
		}
		p := new(issuer)
		if _, err := wechatpay.New(m, tt.opt, wechatpay.Transport(p)); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "wechatpay: ") {
			t.Errorf("downloads %s: the error is %v, want …%s…", name, err, tt.want)
		}
		if p.downloads() != 0 {
			t.Errorf("downloads %s begin all the same", name)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	(*wechatpay.Client)(nil).Close()
	plain := newClient(t, &gateway{status: 204})
	plain.Close()
	if err := post(t, plain.Chain("v3/x")); err != nil {
		t.Errorf("a closed client: %v", err)
	}
	bubble(t, func(t *testing.T) {
		certificate := certificateOf(t, 0)
		p := &issuer{listed: []platformCertificate{certificate}, signs: certificate}
		var told []error
		client := downloading(t, p, certificateMerchant(), &told)
		if err := get(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		p.set(func() { p.takes = 24 * time.Hour })
		time.Sleep(12 * time.Hour) // into the second download
		began := time.Now()
		if client.Close(); time.Since(began) != 0 || p.downloads() != 2 || len(told) != 0 {
			t.Errorf("it took %v; there were %d downloads; told %v", time.Since(began), p.downloads(), told)
		}
		time.Sleep(7 * 24 * time.Hour)
		if err := get(t.Context(), client); err != nil || p.downloads() != 2 {
			t.Errorf("a week later: %v after %d downloads", err, p.downloads())
		}
	})
}

func TestThePublicKeyIsReplacedByHand(t *testing.T) {
	t.Parallel()
	const next = keyID + "1"
	g := &gateway{status: 204, change: func(res *http.Response) { res.Header.Set("Wechatpay-Serial", next) }}
	client := newClient(t, g)
	if err := post(t, client.Chain("v3/x")); !errors.Is(err, auth.ErrUnknownSerial) {
		t.Fatalf("before: %v", err)
	}
	if err := client.Verifier().Replace(auth.PublicKey(next, &keys().platform.PublicKey)); err != nil {
		t.Fatal(err)
	}
	if err := post(t, client.Chain("v3/x")); err != nil || g.last.Header.Get("Wechatpay-Serial") != next {
		t.Errorf("after: %v, asked for %s", err, g.last.Header.Get("Wechatpay-Serial"))
	}
}

// BenchmarkCallsDuringARefresh makes calls from 64 goroutines, at rest and while a refresh goes on
// the whole time. The network is a wait of 100 ms, so that the machine is not busy: what is beyond it
// in the percentiles is the client's.
func BenchmarkCallsDuringARefresh(b *testing.B) {
	for _, refreshing := range []bool{false, true} {
		b.Run(fmt.Sprintf("refreshing=%v", refreshing), func(b *testing.B) {
			certificate := certificateOf(b, 0)
			p := &issuer{listed: []platformCertificate{certificate}, signs: certificate}
			fixed := certificate.answer(200, "{}")
			client, err := wechatpay.New(certificateMerchant(), wechatpay.DownloadCertificates(time.Hour, func(err error) { b.Error(err) }),
				wechatpay.Transport(roundTrip(func(req *http.Request) (*http.Response, error) {
					if req.URL.Path == "/v3/certificates" {
						return p.RoundTrip(req)
					}
					time.Sleep(100 * time.Millisecond)
					res := *fixed // signed beforehand: this is the client's side only
					res.Body = io.NopCloser(bytes.NewReader([]byte("{}")))
					return &res, nil
				})))
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			if err := get(b.Context(), client); err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			if refreshing {
				p.set(func() { p.takes = time.Hour })
				missed := platformCertificate{"7B", certificate.key, ""}.answer(200, "")
				go client.Verifier().Verify(ctx, missed.Header, nil, time.Now())
				for p.downloads() < 2 {
					time.Sleep(time.Millisecond)
				}
			}
			measure(b, 64, func() error { return get(ctx, client) })
			if n := p.downloads(); n != 1 && !refreshing || n != 2 && refreshing {
				b.Errorf("there were %d downloads", n)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (t roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return t(req) }

// measure makes b.N calls from so many goroutines, and reports how long single ones took.
func measure(b *testing.B, callers int, call func() error) {
	took := make([]time.Duration, b.N)
	next := make(chan int, callers)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range next {
				began := time.Now()
				if err := call(); err != nil {
					b.Error(err)
				}
				took[i] = time.Since(began)
			}
		})
	}
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[b.N/2])/1e6, "p50-ms")
	b.ReportMetric(float64(took[b.N*99/100])/1e6, "p99-ms")
	b.ReportMetric(float64(took[b.N-1])/1e6, "max-ms")
}
