package wechatpay_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// The two benchmarks of one call do the same work over the same kind of loopback server: marshal,
// sign, send, read, verify. What the client costs is their difference. Signing and verifying by
// themselves are measured in package auth.

func BenchmarkCall(b *testing.B) { benchmark(b, clientCall(b)) }

func BenchmarkCallBare(b *testing.B) { benchmark(b, bareCall(b)) }

func benchmark(b *testing.B, call func(context.Context) error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := call(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCallOverBare is the ratio of the two in time. An operation is one round of calls, some
// of the one kind, then some of the other, so that both meet the same noise; the metrics are the
// median, the least and the greatest of the rounds' ratios.
func BenchmarkCallOverBare(b *testing.B) {
	const calls = 20
	client, bare := clientCall(b), bareCall(b)
	took := func(call func(context.Context) error) float64 {
		began := time.Now()
		for range calls {
			if err := call(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		return float64(time.Since(began))
	}
	took(client)
	took(bare)
	var ratios []float64
	for b.Loop() {
		var ours, theirs float64
		if len(ratios)%2 == 0 {
			ours, theirs = took(client), took(bare)
		} else {
			theirs, ours = took(bare), took(client)
		}
		ratios = append(ratios, ours/theirs)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(ratios[0], "least-ratio")
	b.ReportMetric(ratios[len(ratios)-1], "greatest-ratio")
	b.ReportMetric(0, "ns/op") // says nothing here
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

// TestCallAllocatesLittleMoreThanTheBareLibrary is the budget of a call. The race detector
// allocates by itself, alike on both sides.
func TestCallAllocatesLittleMoreThanTheBareLibrary(t *testing.T) {
	const budget = 12
	client, bare := clientCall(t), bareCall(t)
	count := func(call func(context.Context) error) float64 {
		return testing.AllocsPerRun(50, func() {
			if err := call(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	ours, theirs := count(client), count(bare)
	t.Logf("a call allocates %.0f times, the bare standard library %.0f times", ours, theirs)
	if ours-theirs > budget {
		t.Errorf("a call allocates %.0f times more than the bare standard library, want at most %d", ours-theirs, budget)
	}
}

// clientCall cancels an order with the client.
func clientCall(tb testing.TB) func(context.Context) error {
	client, err := wechatpay.New(merchant(), wechatpay.BaseURL(cancelServer(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	in := payscore.CancelPartnerServiceOrderRequest{SubMchID: "1900000209", Reason: "用户取消"}
	return func(ctx context.Context) error {
		_, err := payscore.New(client).Partner().Serviceorder().OutOrderNo("20241124001").Cancel().Post(ctx, in)
		return err
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

// bareCall is the same call by hand.
func bareCall(tb testing.TB) func(context.Context) error {
	address := cancelServer(tb)
	hc := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	type request struct {
		ServiceID string `json:"service_id,omitzero"`
		SubMchID  string `json:"sub_mchid"`
		Reason    string `json:"reason"`
	}
	return func(ctx context.Context) error {
		body, err := json.Marshal(request{SubMchID: "1900000209", Reason: "用户取消"})
		if err != nil {
			return err
		}
		target := "/v3/payscore/partner/serviceorder/" + url.PathEscape("20241124001") + "/cancel"
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "POST", address+target, bytes.NewReader(body))
		if err != nil {
			return err
		}
		if err := bareSign(req, target, body); err != nil {
			return err
		}
		res, err := hc.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusNoContent {
			return errors.New(res.Status)
		}
		return bareVerify(res.Header, text)
	}
}

func bareSign(req *http.Request, target string, body []byte) error {
	var raw [16]byte
	rand.Read(raw[:])
	nonce, timestamp := hex.EncodeToString(raw[:]), strconv.FormatInt(time.Now().Unix(), 10)
	digest := sha256.Sum256([]byte("POST\n" + target + "\n" + timestamp + "\n" + nonce + "\n" + string(body) + "\n"))
	signature, err := rsa.SignPKCS1v15(nil, keys().merchant, crypto.SHA256, digest[:])
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", fmt.Sprintf(`%s mchid="%s",nonce_str="%s",timestamp="%s",serial_no="%s",signature="%s"`,
		auth.Scheme, "1900000109", nonce, timestamp, "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", base64.StdEncoding.EncodeToString(signature)))
	req.Header.Set("Wechatpay-Serial", keyID)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "bare")
	return nil
}

func bareVerify(header http.Header, body []byte) error {
	timestamp := header.Get("Wechatpay-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute || header.Get("Wechatpay-Serial") != keyID {
		return errors.New("not fresh, or another key")
	}
	signature, err := base64.StdEncoding.DecodeString(header.Get("Wechatpay-Signature"))
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(timestamp + "\n" + header.Get("Wechatpay-Nonce") + "\n" + string(body) + "\n"))
	return rsa.VerifyPKCS1v15(&keys().platform.PublicKey, crypto.SHA256, digest[:], signature)
}
