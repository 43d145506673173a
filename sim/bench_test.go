package sim_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// direct calls a gateway without a network, in the name of the service provider.
type direct struct {
	gateway *sim.Gateway
	signer  *auth.Signer
	key     *rsa.PrivateKey // the platform's
	tb      testing.TB
}

func newDirect(tb testing.TB) *direct {
	tb.Helper()
	gateway, err := sim.New(sim.Config{World: simtest.World(tb)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(gateway.Close)
	m := gateway.World().Merchant(world.ServiceProvider)
	key, err := auth.ParsePrivateKey([]byte(m.PrivateKey))
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := auth.NewSigner(m.MchID, m.SerialNo, key)
	if err != nil {
		tb.Fatal(err)
	}
	platform, err := auth.ParsePrivateKey([]byte(gateway.World().Platform.PrivateKey))
	if err != nil {
		tb.Fatal(err)
	}
	return &direct{gateway, signer, platform, tb}
}

// header signs a request. The gateway accepts it again and again, as the real one does.
func (d *direct) header(method, target string, body []byte) http.Header {
	a, err := d.signer.Authorize(method, target, body, time.Now())
	if err != nil {
		panic(err) // a fuzz target may not use the testing.F of d
	}
	return http.Header{"Authorization": {a.Header()}, "Accept": {"*/*"}, "User-Agent": {"test"}, "Content-Type": {"application/json"}}
}

func (d *direct) call(method, target string, header http.Header, body []byte) (int, http.Header, []byte) {
	path, query, _ := strings.Cut(target, "?")
	w := serve(d.gateway, &http.Request{
		Method: method, RequestURI: target, URL: &url.URL{Path: path, RawQuery: query}, Host: "localhost",
		Header: header, Body: io.NopCloser(bytes.NewReader(body)),
	})
	return w.Code, w.Header(), w.Body.Bytes()
}

// BenchmarkQuery is one signed query on one core. It reports which part of it is the two RSA
// operations: checking the request's signature and making the answer's.
func BenchmarkQuery(b *testing.B) {
	d := newDirect(b)
	const target = "/v3/payscore/partner/serviceorder"
	order, _ := json.Marshal(newOrder(object{"out_order_no": "B1"}))
	if status, _, body := d.call("POST", target, d.header("POST", target, order), order); status != 200 {
		b.Fatalf("creating an order: %d %s", status, body)
	}
	query := target + "?sub_mchid=" + world.SubMerchant + "&out_order_no=B1"
	header := d.header("GET", query, nil)
	var took time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		began := time.Now()
		if status, _, _ := d.call("GET", query, header, nil); status != 200 {
			b.Fatal(status)
		}
		took += time.Since(began)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/took.Seconds(), "requests/s")
	b.ReportMetric(100*d.rsa(b.N, query).Seconds()/took.Seconds(), "%RSA")
}

// rsa is how long n verifications and signatures take alone.
func (d *direct) rsa(n int, target string) time.Duration {
	text := auth.RequestText("GET", target, "1", "1", nil)
	signature, err := auth.Sign(d.key, text)
	if err != nil {
		d.tb.Fatal(err)
	}
	began := time.Now()
	for range n {
		if _, err := auth.Sign(d.key, text); err != nil {
			d.tb.Fatal(err)
		}
		if err := auth.Verify(&d.key.PublicKey, text, signature); err != nil {
			d.tb.Fatal(err)
		}
	}
	return time.Since(began)
}

// BenchmarkOrders creates orders and reports what 100,000 of them take in memory.
func BenchmarkOrders(b *testing.B) {
	d := newDirect(b)
	const target = "/v3/payscore/partner/serviceorder"
	unknown := d.header("GET", target, nil)
	for range 1000 { // what the request log keeps is there whatever is created
		d.call("GET", target, unknown, make([]byte, 500))
	}
	before := heap()
	for i := range b.N {
		order, _ := json.Marshal(newOrder(object{"out_order_no": fmt.Sprintf("B%d", i)}))
		if status, _, body := d.call("POST", target, d.header("POST", target, order), order); status != 200 {
			b.Fatalf("creating an order: %d %s", status, body)
		}
	}
	b.ReportMetric(float64(heap()-before)/float64(b.N)*100_000/(1<<20), "MB/100k-orders")
	runtime.KeepAlive(d)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
