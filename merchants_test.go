package wechatpay_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
)

// ExampleClient_For calls for the merchants of a database, whose keys come and go with them.
func ExampleClient_For() {
	shared, err := wechatpay.New(merchant(), wechatpay.Transport(&gateway{status: 204}))
	if err != nil {
		log.Fatal(err)
	}
	merchants := map[string]wechatpay.Merchant{}
	for _, mchID := range []string{"1900000201", "1900000202"} {
		m := merchant()
		m.MchID = mchID
		merchants[mchID] = m
	}
	for _, mchID := range []string{"1900000201", "1900000202"} {
		client, err := shared.For(merchants[mchID])
		if err != nil {
			log.Fatal(err)
		}
		res, err := client.Chain("v3/pay/transactions/out-trade-no/{out_trade_no}/close").
			Post(context.Background(), wechatpay.Path("out_trade_no", "1"), wechatpay.JSON(map[string]string{"mchid": mchID}))
		fmt.Println(mchID, res.StatusCode, err)
	}
	// Output:
	// 1900000201 204 <nil>
	// 1900000202 204 <nil>
}

// counting counts requests by the merchant that signed them.
type counting struct {
	http.RoundTripper
	mu    sync.Mutex
	calls map[string]int
}

func (c *counting) RoundTrip(req *http.Request) (*http.Response, error) {
	a, err := auth.ParseAuthorization(req.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.calls[a.MchID+" "+req.URL.Path]++
	c.mu.Unlock()
	return c.RoundTripper.RoundTrip(req)
}

func (c *counting) counted() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

func TestMerchantsComeAndGoWhileOthersCall(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) { // which fails if a goroutine is left
		certificate := certificateOf(t, 0)
		transport := &counting{RoundTripper: &issuer{listed: []platformCertificate{certificate}, signs: certificate, takes: time.Second}, calls: map[string]int{}}
		shared, err := wechatpay.New(certificateMerchant(), wechatpay.Transport(transport),
			wechatpay.DownloadCertificates(12*time.Hour, func(err error) { t.Error(err) }))
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		want := map[string]int{}
		for i := range 8 {
			for j := range 5 {
				mchID := fmt.Sprintf("19%08d", i*10+j)
				want[mchID+" /v3/certificates"], want[mchID+" /v3/x"] = 1, 2
			}
			callers.Go(func() {
				for j := range 5 {
					m := certificateMerchant()
					m.MchID = fmt.Sprintf("19%08d", i*10+j)
					client, err := shared.For(m)
					if err != nil {
						t.Error(err)
						return
					}
					for range 2 {
						if err := get(t.Context(), client); err != nil {
							t.Errorf("%s: %v", m.MchID, err)
						}
						if err := get(t.Context(), shared); err != nil {
							t.Errorf("the first: %v", err)
						}
					}
					client.Close()
					if i == 0 { // in between, one whose keys are given
						given := merchant()
						given.MchID = "1800000000"
						other, err := shared.For(given)
						if err != nil {
							t.Error(err)
						}
						other.Close()
					}
				}
			})
		}
		callers.Wait()
		want["1900000109 /v3/certificates"], want["1900000109 /v3/x"] = 1, 80
		if got := transport.counted(); !maps.Equal(got, want) {
			t.Errorf("the calls were %v, want %v", got, want)
		}
		time.Sleep(13 * time.Hour)
		want["1900000109 /v3/certificates"]++
		if got := transport.counted(); !maps.Equal(got, want) {
			t.Errorf("half a day later they were %v, want the first to go on alone: %v", got, want)
		}
		shared.Close()
		synctest.Wait()
	})
}

func TestClientsOfManyMerchantsShareWhatIsKnownOfHosts(t *testing.T) {
	t.Parallel()
	first, second := newHost(t), newHost(t)
	shared := twoHosts(t, nobody, second.URL)
	other, err := shared.For(merchant())
	if err != nil {
		t.Fatal(err)
	}
	if _, attempts, err := makeCall(t, other, queryOrder); err != nil || attempts != 2 {
		t.Errorf("after %d attempts %v", attempts, err)
	}
	if _, attempts, err := makeCall(t, shared, queryOrder); err != nil || attempts != 1 {
		t.Errorf("after %d attempts %v, want the host to be left out that failed for the other", attempts, err)
	}
	if len(first.business()) != 0 {
		t.Error("called a host that nobody named")
	}
}

func TestCloseEndsOnlyWhatIsTheClientsOwn(t *testing.T) {
	t.Parallel()
	signed := answer(http.StatusNoContent, "", time.Now()).Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { maps.Copy(w.Header(), signed); w.WriteHeader(204) }))
	t.Cleanup(server.Close)
	shared, err := wechatpay.New(merchant(), wechatpay.BaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	other, err := shared.For(merchant())
	if err != nil {
		t.Fatal(err)
	}
	reused := func(c *wechatpay.Client) (reused bool) {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
		if err := get(ctx, c); err != nil {
			t.Error(err)
		}
		return reused
	}
	if reused(shared) || !reused(other) {
		t.Error("the second client does not use the connection of the first")
	}
	other.Close()
	if !reused(shared) {
		t.Error("the Close of the second client closed the connection of the first")
	}
	shared.Close()
	if reused(other) {
		t.Error("the Close of the first client left its connection open")
	}
}

func TestAClientForAMerchantRefusesWhatNewRefuses(t *testing.T) {
	t.Parallel()
	shared := newClient(t, &gateway{})
	for name, change := range map[string]func(*wechatpay.Merchant){
		"no number":            func(m *wechatpay.Merchant) { m.MchID = "" },
		"no key":               func(m *wechatpay.Merchant) { m.PrivateKey = nil },
		"nobody to trust":      func(m *wechatpay.Merchant) { m.PlatformKeys = nil },
		"a short APIv3 key":    func(m *wechatpay.Merchant) { m.APIv3Key = "canary" },
		"a number for a brand": func(m *wechatpay.Merchant) { m.BrandID = "1" },
	} {
		m := merchant()
		change(&m)
		if client, err := shared.For(m); err == nil || client != nil || !strings.HasPrefix(err.Error(), "wechatpay: ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s gives %v", name, err)
		}
	}
	for name, c := range map[string]*wechatpay.Client{"nil": nil, "zero": {}} {
		if _, err := c.For(merchant()); err == nil {
			t.Errorf("a %s Client can be shared", name)
		}
	}
}

// clientCosts are the ways of having one more merchant, the least of which is the parsed key alone.
func clientCosts(tb testing.TB) map[string]func(*rsa.PrivateKey) (kept any, close func()) {
	shared := newClient(tb, &gateway{status: 500})
	downloading, err := wechatpay.New(certificateMerchant(), wechatpay.MaxAttempts(1), wechatpay.Transport(&gateway{err: errors.New("down")}),
		wechatpay.DownloadCertificates(time.Hour, func(error) {}))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(downloading.Close)
	join := func(of *wechatpay.Client, m wechatpay.Merchant) func(*rsa.PrivateKey) (any, func()) {
		return func(key *rsa.PrivateKey) (any, func()) {
			m.PrivateKey = key
			client, err := of.For(m)
			if err != nil {
				tb.Fatal(err)
			}
			return client, client.Close
		}
	}
	return map[string]func(*rsa.PrivateKey) (any, func()){
		"key":         func(key *rsa.PrivateKey) (any, func()) { return key, func() {} },
		"client":      join(shared, merchant()),
		"downloading": join(downloading, certificateMerchant()),
	}
}

// cost is what one more merchant takes, in bytes of the heap and in goroutines.
func cost(tb testing.TB, one func(*rsa.PrivateKey) (any, func())) (bytes, goroutines float64) {
	const n = 100
	der := x509.MarshalPKCS1PrivateKey(keys().merchant)
	kept, ends := make([]any, n), make([]func(), n)
	settle := func() (heap, running float64) {
		var m runtime.MemStats
		for range 100 { // what was begun ends: a failing download
			runtime.Gosched()
		}
		runtime.GC()
		runtime.GC() // for what the first one left to finalizers and pools
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc), float64(runtime.NumGoroutine())
	}
	heap, running := settle()
	for i := range n {
		key, err := x509.ParsePKCS1PrivateKey(der)
		if err != nil {
			tb.Fatal(err)
		}
		kept[i], ends[i] = one(key)
	}
	heapThen, runningThen := settle()
	runtime.KeepAlive(kept)
	for _, end := range ends {
		end()
	}
	return (heapThen - heap) / n, (runningThen - running) / n
}

// BenchmarkBytesPerClient is what a merchant costs that is added with For, beside its parsed key alone.
func BenchmarkBytesPerClient(b *testing.B) {
	for name, one := range clientCosts(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				bytes, goroutines := cost(b, one)
				b.ReportMetric(bytes, "B/merchant")
				b.ReportMetric(goroutines, "goroutines/merchant")
			}
			b.ReportMetric(0, "ns/op") // says nothing here
		})
	}
}

// TestOneMoreMerchantCostsLittle is the budget of For. It runs alone, for the heap is everybody's.
func TestOneMoreMerchantCostsLittle(t *testing.T) {
	const budget = 1500
	costs := clientCosts(t)
	key, _ := cost(t, costs["key"])
	client, goroutines := cost(t, costs["client"])
	t.Logf("one more merchant takes %.0f bytes, its key alone %.0f", client, key)
	if client-key > budget || goroutines > 0 {
		t.Errorf("one more merchant takes %.0f bytes more than its key, and %v goroutines, want at most %d and none", client-key, goroutines, budget)
	}
}
