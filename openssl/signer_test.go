//go:build ((linux && !android) || (darwin && !ios)) && (amd64 || arm64) && !noopenssl

package openssl

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebitengine/purego"
)

// TestOpenSSLAgreesWithTheStandardLibrary on random keys and random messages, in both directions.
func TestOpenSSLAgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for bits, keys := range map[int]int{2048: 4, 2056: 1, 3072: 1, 4096: 1} {
		for range keys {
			t.Run(fmt.Sprint(bits), func(t *testing.T) {
				t.Parallel()
				std, err := rsa.GenerateKey(rand.Reader, bits)
				if err != nil {
					t.Fatal(err)
				}
				s, err := NewSigner(pkcs8(t, std))
				if err != nil {
					t.Fatal(err)
				}
				v, err := NewVerifier(&std.PublicKey)
				if err != nil {
					t.Fatal(err)
				}
				for range 20 {
					signsAlike(t, s, std)
					verifiesAlike(t, v, std)
					opens(t, s, std)
				}
			})
		}
	}
}

func signsAlike(t *testing.T, s *Signer, std *rsa.PrivateKey) {
	t.Helper()
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		digest := random(hash.Size())
		want, err := std.Sign(rand.Reader, digest, hash)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Sign(rand.Reader, digest, hash)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v is signed otherwise: %v", hash, err)
		}
		pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		got, err = s.Sign(rand.Reader, digest, pss)
		if err != nil || rsa.VerifyPSS(&std.PublicKey, hash, digest, got, pss) != nil {
			t.Fatalf("%v is signed by PSS as crypto/rsa does not: %v", hash, err)
		}
	}
}

// verifiesAlike tries a signature, and what comes close to it.
func verifiesAlike(t *testing.T, v *Verifier, std *rsa.PrivateKey) {
	t.Helper()
	digest := random(32)
	signature, err := std.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(digest, signature); err != nil {
		t.Fatalf("a true signature: %v", err)
	}
	flipped := bytes.Clone(signature)
	flipped[len(random(1))+int(random(1)[0])%100] ^= 1
	beyond := new(big.Int).Add(new(big.Int).SetBytes(signature), std.N) // the same, modulo N
	for name, other := range map[string][]byte{
		"with another bit":     flipped,
		"plus the modulus":     beyond.Bytes(),
		"with a byte in front": append([]byte{0}, signature...),
		"cut off":              signature[:len(signature)-1],
		"of zeros":             make([]byte, len(signature)),
		"of ones":              bytes.Repeat([]byte{0xff}, len(signature)),
		"of nothing":           nil,
	} {
		want := rsa.VerifyPKCS1v15(&std.PublicKey, crypto.SHA256, digest, other)
		if got := v.Verify(digest, other); want == nil || !errors.Is(got, rsa.ErrVerification) {
			t.Fatalf("a signature %s: %v, and crypto/rsa says %v", name, got, want)
		}
	}
	if err := v.Verify(random(32), signature); !errors.Is(err, rsa.ErrVerification) {
		t.Fatalf("the signature of another digest: %v", err)
	}
}

func opens(t *testing.T, s *Signer, std *rsa.PrivateKey) {
	t.Helper()
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		plaintext := random(int(random(1)[0]) % 100)
		ciphertext, err := rsa.EncryptOAEP(hash.New(), rand.Reader, &std.PublicKey, plaintext, nil)
		if err != nil {
			t.Fatal(err)
		}
		opts := &rsa.OAEPOptions{Hash: hash}
		if got, err := s.Decrypt(rand.Reader, ciphertext, opts); err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("OAEP with %v opens to something else: %v", hash, err)
		}
		ciphertext[len(ciphertext)/2] ^= 1
		for _, other := range [][]byte{ciphertext, ciphertext[1:], nil} {
			if got, err := s.Decrypt(rand.Reader, other, opts); got != nil || !errors.Is(err, rsa.ErrDecryption) {
				t.Fatalf("OAEP with %v opens what was changed: %v", hash, err)
			}
		}
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func signerOf2048(t testing.TB) (*Signer, *rsa.PrivateKey) {
	t.Helper()
	std := private(t).std
	s, ok := SignerOr(std).(*Signer)
	if !ok {
		_, err := Version()
		t.Fatalf("there is no Signer: %v", err)
	}
	return s, std
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s, std := signerOf2048(t)
	v, err := NewVerifier(&std.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 20 {
				digest := random(32)
				signature, err := s.Sign(nil, digest, crypto.SHA256)
				if err != nil || rsa.VerifyPKCS1v15(&std.PublicKey, crypto.SHA256, digest, signature) != nil {
					t.Errorf("a signature is wrong: %v", err)
				}
				if err := v.Verify(digest, signature); err != nil {
					t.Error(err)
				}
				if err := v.Verify(random(32), signature); err == nil {
					t.Error("a signature of something else verifies")
				}
			}
			opens(t, s, std)
		})
	}
	wg.Wait()
}

func TestKeysThatAreNotTaken(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 2047)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	whole := pkcs8(t, private(t).std)
	tests := map[string]struct {
		pem  []byte
		want string
	}{
		"nothing":               {nil, "empty"},
		"a key of 2047 bits":    {pkcs8(t, short), "2047 bits"},
		"a key of a curve":      {pkcs8(t, curve), "want an RSA private key"},
		"half a key":            {whole[:len(whole)/2], "no PEM block"},
		"a public key":          {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: private(t).publicDER}), "want a private key"},
		"a key with bytes gone": {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: private(t).der[:1000]}), "damaged"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := NewSigner(tt.pem)
			if s != nil || err == nil || !strings.HasPrefix(err.Error(), "openssl: ") || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrNoLibrary) {
				t.Errorf("it says %v, want %q", err, tt.want)
			}
		})
	}
	if s := SignerOr(short); s != crypto.Signer(short) {
		t.Errorf("in place of a short key there is a %T", s)
	}
	if _, err := NewVerifier(&short.PublicKey); err == nil || !strings.Contains(err.Error(), "2047 bits") {
		t.Errorf("a Verifier of a short key: %v", err)
	}
	if _, err := NewVerifier(nil); err == nil {
		t.Error("nil is verified with")
	}
}

func TestAKeyThatWasPutTogetherByHandStaysAsItIs(t *testing.T) {
	t.Parallel()
	std := private(t).std
	own := &rsa.PrivateKey{PublicKey: std.PublicKey, D: std.D, Primes: std.Primes}
	if _, ok := SignerOr(own).(*Signer); !ok || own.Precomputed.Dp != nil {
		t.Errorf("it is a Signer: %t, and completed: %t", ok, own.Precomputed.Dp != nil)
	}
	wrong := &rsa.PrivateKey{PublicKey: std.PublicKey, D: new(big.Int).Add(std.D, big.NewInt(2)), Primes: std.Primes}
	without := &rsa.PrivateKey{PublicKey: std.PublicKey, D: std.D}
	for name, key := range map[string]*rsa.PrivateKey{"a wrong exponent": wrong, "no primes": without, "nothing": {}} {
		if s := SignerOr(key); s != crypto.Signer(key) {
			t.Errorf("in place of a key with %s there is a %T", name, s)
		}
	}
}

func TestOptionsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s, std := signerOf2048(t)
	for name, tt := range map[string]struct {
		size int
		opts crypto.SignerOpts
		want string
	}{
		"no options":                 {32, nil, "give the hash"},
		"no hash":                    {32, crypto.Hash(0), "want SHA-256"},
		"SHA-1":                      {20, crypto.SHA1, "want SHA-256"},
		"a message":                  {100, crypto.SHA256, "hash the message first"},
		"an empty digest":            {0, crypto.SHA256, "hash the message first"},
		"a digest of another hash":   {64, crypto.SHA256, "hash the message first"},
		"PSS with the longest salt":  {32, &rsa.PSSOptions{Hash: crypto.SHA256}, "as long as the digest"},
		"PSS with a salt of 20":      {32, &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: 20}, "as long as the digest"},
		"PSS with a hash not chosen": {32, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}, "want SHA-256"},
	} {
		if signature, err := s.Sign(nil, make([]byte, tt.size), tt.opts); signature != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for name, opts := range map[string]crypto.DecrypterOpts{
		"no options":        nil,
		"options that sign": crypto.SHA256,
		"no hash":           &rsa.OAEPOptions{},
		"two hashes":        &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA1},
		"a label":           &rsa.OAEPOptions{Hash: crypto.SHA1, Label: []byte("x")},
	} {
		if _, err := s.Decrypt(nil, make([]byte, std.Size()), opts); err == nil || errors.Is(err, rsa.ErrDecryption) {
			t.Errorf("to decrypt with %s: %v", name, err)
		}
	}
	v, err := NewVerifier(&std.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(make([]byte, 31), make([]byte, 256)); err == nil || errors.Is(err, rsa.ErrVerification) {
		t.Errorf("a digest of 31 bytes: %v", err)
	}
}

// TestTLSTakesASigner as the key of a client's certificate, as APIv2 wants one for refunds.
func TestTLSTakesASigner(t *testing.T) {
	t.Parallel()
	s, _ := signerOf2048(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, s.Public(), s)
	if err != nil {
		t.Fatal(err)
	}
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: s}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		ours, theirs := net.Pipe()
		server := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert})
		done := make(chan error, 1)
		go func() { done <- server.HandshakeContext(t.Context()) }()
		roots := x509.NewCertPool()
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		roots.AddCert(cert)
		client := tls.Client(ours, &tls.Config{RootCAs: roots, ServerName: "localhost", Certificates: []tls.Certificate{certificate}, MaxVersion: version})
		if err := errors.Join(client.HandshakeContext(t.Context()), <-done); err != nil {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestNothingOfAKeyIsPrinted(t *testing.T) {
	t.Parallel()
	s, std := signerOf2048(t)
	text := fmt.Sprintf("%v %+v %#v %v", s, s, s, *s)
	for name, secret := range map[string]*big.Int{"d": std.D, "p": std.Primes[0], "q": std.Primes[1]} {
		for _, form := range []string{secret.String(), secret.Text(16), strings.Trim(fmt.Sprint(secret.Bytes()[:16]), "[]")} {
			if strings.Contains(text, form) {
				t.Errorf("%s is in what a Signer prints", name)
			}
		}
	}
}

func TestASignerThatSignsToSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := signerOf2048(t)
	if err := (&Signer{public: &other.PublicKey, key: s.key}).prove(); err == nil || !strings.Contains(err.Error(), "does not verify") {
		t.Errorf("it says %v", err)
	}
}

func TestASignerThatDoesNotDecryptIsRefused(t *testing.T) {
	t.Parallel()
	lib, err := system()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*library){
		"it does not begin":      func(l *library) { l.decryptInit = func(uintptr) int32 { return 0 } },
		"it has another padding": func(l *library) { l.setMaskHash = func(uintptr, uintptr) int32 { return 0 } },
	} {
		other := *lib
		change(&other)
		k, err := other.privateKey(private(t).der)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&Signer{public: &private(t).std.PublicKey, key: k}).prove(); err == nil {
			t.Errorf("%s, and it is taken", name)
		}
	}
}

// TestPublicKeysThatAreNotTaken are those that crypto/rsa refuses, of which some let anybody sign.
func TestPublicKeysThatAreNotTaken(t *testing.T) {
	t.Parallel()
	good := private(t).std.PublicKey
	even := new(big.Int).Lsh(big.NewInt(1), 2047)
	for name, pub := range map[string]*rsa.PublicKey{
		"without a key":             nil,
		"an exponent of 0":          {N: good.N, E: 0},
		"an exponent of 1":          {N: good.N, E: 1},
		"an exponent of 2":          {N: good.N, E: 2},
		"an exponent below 0":       {N: good.N, E: -3},
		"an exponent of 62 bits":    {N: good.N, E: 1<<62 + 1},
		"a modulus that is even":    {N: even, E: 65537},
		"a modulus of 1024 bits":    {N: new(big.Int).Rsh(good.N, 1024), E: 65537},
		"a modulus that is below 0": {N: new(big.Int).Neg(good.N), E: 65537},
	} {
		if v, err := NewVerifier(pub); err == nil || v != nil || errors.Is(err, ErrNoLibrary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAVerifierThatTakesAnythingIsRefused(t *testing.T) {
	t.Parallel()
	lib, err := system()
	if err != nil {
		t.Fatal(err)
	}
	other := *lib
	other.verify = purego.NewCallback(func(context, signature, size, digest, length uintptr) uintptr { return 1 })
	std := private(t).std
	k, err := other.publicKey(private(t).publicDER)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&Verifier{std.Size(), k}).prove(&std.PublicKey); !errors.Is(err, errTakesAnything) {
		t.Errorf("it says %v", err)
	}
}

// BenchmarkSign signs with both in turns, and tells how many times crypto/rsa takes as long.
func BenchmarkSign(b *testing.B) {
	s, std := signerOf2048(b)
	digest := random(32)
	var ours, theirs time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, err := s.Sign(nil, digest, crypto.SHA256); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		if _, err := std.Sign(nil, digest, crypto.SHA256); err != nil {
			b.Fatal(err)
		}
		ours, theirs = ours+between.Sub(begin), theirs+time.Since(between)
	}
	report(b, ours, theirs)
}

func BenchmarkVerify(b *testing.B) {
	_, std := signerOf2048(b)
	v, err := NewVerifier(&std.PublicKey)
	if err != nil {
		b.Fatal(err)
	}
	digest := random(32)
	signature, err := std.Sign(nil, digest, crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	var ours, theirs time.Duration
	for b.Loop() {
		begin := time.Now()
		if err := v.Verify(digest, signature); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		if err := rsa.VerifyPKCS1v15(&std.PublicKey, crypto.SHA256, digest, signature); err != nil {
			b.Fatal(err)
		}
		ours, theirs = ours+between.Sub(begin), theirs+time.Since(between)
	}
	report(b, ours, theirs)
}

func report(b *testing.B, ours, theirs time.Duration) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N), "openssl-ns/op")
	b.ReportMetric(float64(theirs.Nanoseconds())/float64(b.N), "crypto/rsa-ns/op")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "times")
}

// BenchmarkSignAtOnce counts signatures of 64 callers.
func BenchmarkSignAtOnce(b *testing.B) {
	s, std := signerOf2048(b)
	for name, signer := range map[string]crypto.Signer{"openssl": s, "crypto rsa": std} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(64)
			digest := random(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := signer.Sign(nil, digest, crypto.SHA256); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
