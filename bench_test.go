package wechatpay_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// What a call costs beside the same by hand is measured in bench, where its budget of allocations is.

func BenchmarkCall(b *testing.B) {
	client, err := wechatpay.New(merchant(), wechatpay.BaseURL(cancelServer(b)))
	if err != nil {
		b.Fatal(err)
	}
	in := payscore.CancelPartnerServiceOrderRequest{SubMchID: "1900000209", Reason: "用户取消"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := payscore.New(client).Partner().Serviceorder().OutOrderNo("20241124001").Cancel().Post(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// cancelServer answers like the gateway. Its answer is signed beforehand: benchmarks measure
// the client's side only.
func cancelServer(tb testing.TB) (address string) {
	signed := answer(http.StatusNoContent, "", time.Now()).Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		maps.Copy(w.Header(), signed)
		w.WriteHeader(http.StatusNoContent)
	}))
	tb.Cleanup(server.Close)
	return server.URL
}

func BenchmarkChain(b *testing.B) {
	client := newClient(b, &gateway{})
	b.ReportAllocs()
	for b.Loop() {
		walked = payscore.New(client).Partner().Serviceorder().OutOrderNo("20241124001").Cancel()
	}
}

// walked keeps the compiler from leaving out what nobody uses.
var walked payscore.PartnerServiceorderOutOrderNoCancel

func TestTheStepsOfAChainAllocateNothing(t *testing.T) {
	client := newClient(t, &gateway{})
	got := testing.AllocsPerRun(100, func() {
		walked = payscore.New(client).Partner().Serviceorder().OutOrderNo("20241124001").Cancel()
	})
	if got != 0 {
		t.Errorf("a walk allocates %v times", got)
	}
}
