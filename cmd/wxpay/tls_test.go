package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// trusting is an HTTP client that trusts the CA of a simulator, and dials it whatever the name.
func (r *running) trusting(t *testing.T) *http.Client {
	t.Helper()
	text, err := os.ReadFile(r.settings["WECHATPAY_CA_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("there is no certificate in it")
	}
	address := strings.TrimPrefix(r.settings["WECHATPAY_BASE_URL"], "https://")
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestSimServesHTTPS(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	r := startSim(t, dir, "--tls")
	if base := r.settings["WECHATPAY_BASE_URL"]; !strings.HasPrefix(base, "https://127.0.0.1:") || r.settings["WECHATPAY_CA_FILE"] != filepath.Join(dir, caFile) {
		t.Fatalf("the settings are %v", r.settings)
	}
	hc := r.trusting(t)
	_, err := payscore.New(r.client(t, wechatpay.HTTPClient(hc))).Partner().Serviceorder().
		Get(t.Context(), payscore.GetPartnerServiceOrderQuery{SubMchID: world.SubMerchant, OutOrderNo: "none"})
	if !errors.Is(err, code.OrderNotExist) {
		t.Errorf("a call by HTTPS: %v", err)
	}
	for _, name := range []string{"127.0.0.1", "[::1]", "localhost", "shop", "api.mch.weixin.qq.com"} {
		res, err := hc.Get("https://" + name + ":8443/v3/certificates")
		if err != nil {
			t.Errorf("by the name %s: %v", name, err)
			continue
		}
		res.Body.Close()
		if res.Proto != "HTTP/1.1" {
			t.Errorf("it speaks %s", res.Proto)
		}
	}
	_, err = payscore.New(r.client(t)).Partner().Serviceorder().
		Get(t.Context(), payscore.GetPartnerServiceOrderQuery{SubMchID: world.SubMerchant, OutOrderNo: "none"})
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
		t.Errorf("without its CA: %v", err)
	}
	for _, name := range []string{caFile, caKeyFile} {
		if mode := modeOf(t, filepath.Join(dir, name)); mode != 0o600 {
			t.Errorf("the mode of %s is %o", name, mode)
		}
	}
	r.end(t)

	before := contentOf(t, dir)[caFile]
	again := startSim(t, dir, "--tls")
	again.settings["WECHATPAY_CA_FILE"] = filepath.Join(t.TempDir(), "copied.pem")
	writeFile(t, again.settings["WECHATPAY_CA_FILE"], before)
	if res, err := again.trusting(t).Get("https://localhost/"); err != nil {
		t.Errorf("after a restart the CA is another: %v", err)
	} else {
		res.Body.Close()
	}
	again.end(t)
	if plain := startSim(t, dir); !strings.HasPrefix(plain.settings["WECHATPAY_BASE_URL"], "http://") || plain.settings["WECHATPAY_CA_FILE"] != "" {
		t.Errorf("without --tls the settings are %v", plain.settings)
	}
}

func TestSimRefusesACAThatIsDamaged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	startSim(t, dir, "--tls").end(t)
	writeFile(t, filepath.Join(dir, caFile), "moon")
	refuses(t, dir, "the CA of --tls: ", "--tls")
}

func TestSimRefusesHalfOfACA(t *testing.T) {
	t.Parallel()
	for _, gone := range []string{caFile, caKeyFile} {
		dir := filepath.Join(t.TempDir(), "wxpay-sim")
		startSim(t, dir, "--tls").end(t)
		if err := os.Remove(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
		refuses(t, dir, "is there, but "+filepath.Join(dir, gone)+" is missing", "--tls")
		startSim(t, dir).end(t) // without --tls there is no need of it
	}
}

func TestSimAsksForTheCertificateOfAMerchant(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	r := startSim(t, dir, "--tls")
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, certificateFile), filepath.Join(dir, privateKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	message := "<xml><mch_id>" + r.settings["WECHATPAY_MCHID"] + "</mch_id></xml>"
	for name, tt := range map[string]struct {
		shown []tls.Certificate
		want  string
	}{
		"none":                 {nil, "证书出错"},
		"that of the merchant": {[]tls.Certificate{pair}, "签名错误"}, // so that much was right
	} {
		hc := r.trusting(t)
		hc.Transport.(*http.Transport).TLSClientConfig.Certificates = tt.shown
		res, err := hc.Post("https://localhost:8443/secapi/pay/reverse", "text/xml", strings.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !strings.Contains(string(text), tt.want) {
			t.Errorf("with %s: %s, %v, want %s", name, text, err, tt.want)
		}
	}
}
