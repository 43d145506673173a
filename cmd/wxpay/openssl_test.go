package main

import (
	"crypto"
	"crypto/rsa"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/openssl"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

func TestVersionSaysWhatTheSimulatorSignsWith(t *testing.T) {
	t.Parallel()
	_, stdout, _ := wxpay(t.Context(), "version")
	want := "wxpay sim signs with crypto/rsa: "
	if text, err := openssl.Version(); err == nil {
		want = "wxpay sim signs with " + text
	}
	if !strings.Contains(stdout, want) {
		t.Errorf("it prints %q, want %q", stdout, want)
	}
	if got := signerLine("", errors.New("there is none")); got != "wxpay sim signs with crypto/rsa: there is none\n" {
		t.Errorf("without a library it prints %q", got)
	}
}

// TestVersionSaysSoIfOpenSSLMayNotSign: its configuration asks for a provider that is not there.
func TestVersionSaysSoIfOpenSSLMayNotSign(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "openssl.cnf")
	config := "openssl_conf = all\n[all]\nalg_section = algorithms\n[algorithms]\ndefault_properties = fips=yes\n"
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "version")
	cmd.Env = append(os.Environ(), asCommand+"=1", "OPENSSL_CONF="+name)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "wxpay sim signs with crypto/rsa: openssl: ") {
		t.Errorf("it prints %q, %v", out, err)
	}
}

// TestAMerchantAndTheSimulatorSignWithOpenSSL, many at once. It is here because the simulator's module
// has nothing but the standard library.
func TestAMerchantAndTheSimulatorSignWithOpenSSL(t *testing.T) {
	t.Parallel()
	if text, err := openssl.Version(); err != nil {
		t.Fatal(text, err)
	}
	var signers atomic.Int64
	g := simtest.StartWith(t, sim.Config{World: simtest.World(t), Signer: func(key *rsa.PrivateKey) crypto.Signer {
		signer := openssl.SignerOr(key)
		if _, ok := signer.(*openssl.Signer); ok {
			signers.Add(1)
		}
		return signer
	}})
	m := g.Merchant()
	std, ok := m.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		t.Fatalf("the merchant's key is a %T", m.PrivateKey)
	}
	signer, ok := openssl.SignerOr(std).(*openssl.Signer)
	if !ok || signers.Load() == 0 {
		t.Fatalf("OpenSSL signs for the merchant: %t, and for the simulator with %d keys", ok, signers.Load())
	}
	m.PrivateKey = signer
	client, err := wechatpay.New(m, wechatpay.BaseURL(g.URL), wechatpay.MaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			in := payscore.GetPartnerServiceOrderQuery{ServiceID: world.ServiceID, SubMchID: world.SubMerchant, OutOrderNo: "none"}
			_, err := payscore.New(client).Partner().Serviceorder().Get(t.Context(), in)
			if refused, ok := errors.AsType[*wechatpay.Error](err); !ok || refused.StatusCode != 404 || !refused.Verified {
				t.Errorf("the answer is %v", err)
			}
		})
	}
	wg.Wait()

	ciphertext, err := crypt.EncryptOAEP(&std.PublicKey, "张三")
	if err != nil {
		t.Fatal(err)
	}
	if plaintext, err := crypt.DecryptOAEP(signer, ciphertext); plaintext != "张三" {
		t.Errorf("a sensitive field opens to %q, %v", plaintext, err)
	}
}

// TestWxpayIsStaticWithoutOpenSSL, as it has to be where there is no libc.
func TestWxpayIsStaticWithoutOpenSSL(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "wxpay")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "noopenssl", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it needs %q, %v", libraries, err)
	}
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("it needs a dynamic linker")
		}
	}
}
