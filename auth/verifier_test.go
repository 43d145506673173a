package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
)

const keyID = "PUB_KEY_ID_0119000001092024112600000000"

// keys are made once: making RSA keys is slow.
var keys = sync.OnceValue(func() (k struct{ ours, other *rsa.PrivateKey }) {
	k.ours, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.other, _ = rsa.GenerateKey(rand.Reader, 2048)
	return k
})

// signed is the header of an answer that WeChat Pay signed at now.
func signed(t testing.TB, key *rsa.PrivateKey, serial, body string, now time.Time) http.Header {
	t.Helper()
	timestamp, nonce := strconv.FormatInt(now.Unix(), 10), "00112233445566778899aabbccddeeff"
	signature, err := auth.Sign(key, auth.AnswerText(timestamp, nonce, []byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("Wechatpay-Serial", serial)
	header.Set("Wechatpay-Timestamp", timestamp)
	header.Set("Wechatpay-Nonce", nonce)
	header.Set("Wechatpay-Signature", signature)
	header.Set("Wechatpay-Signature-Type", auth.Scheme)
	return header
}

func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	const body = `{"state":"REVOKED"}`
	tests := map[string]struct {
		change func(http.Header)
		body   string
		later  time.Duration
		want   error
	}{
		"a signed answer verifies":                                    {body: body},
		"an answer verifies without a signature type":                 {body: body, change: func(h http.Header) { h.Del("Wechatpay-Signature-Type") }},
		"an answer verifies to the last second of the window":         {body: body, later: auth.Window},
		"an answer from a clock that is ahead verifies in the window": {body: body, later: -auth.Window},
		"an answer that is older than the window is expired":          {body: body, later: auth.Window + time.Second, want: auth.ErrExpired},
		"an answer from beyond the window is expired":                 {body: body, later: -auth.Window - time.Second, want: auth.ErrExpired},
		"a changed body does not verify":                              {body: body + " ", want: auth.ErrBadSignature},
		"an answer without a signature is not signed":                 {body: body, change: func(h http.Header) { h.Del("Wechatpay-Signature") }, want: auth.ErrNotSigned},
		"an answer without a serial is not signed":                    {body: body, change: func(h http.Header) { h.Del("Wechatpay-Serial") }, want: auth.ErrNotSigned},
		"an answer without a timestamp is not signed":                 {body: body, change: func(h http.Header) { h.Del("Wechatpay-Timestamp") }, want: auth.ErrNotSigned},
		"an answer without a nonce is not signed":                     {body: body, change: func(h http.Header) { h.Del("Wechatpay-Nonce") }, want: auth.ErrNotSigned},
		"an answer with an unknown serial is refused":                 {body: body, change: func(h http.Header) { h.Set("Wechatpay-Serial", "7B") }, want: auth.ErrUnknownSerial},
		"an answer with the serial of another key does not verify":    {body: body, change: func(h http.Header) { h.Set("Wechatpay-Serial", keyID+"1") }, want: auth.ErrBadSignature},
		"a probe is told from a forgery":                              {body: body, change: func(h http.Header) { h.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/abc") }, want: auth.ErrProbe},
		"a signature that is not base64 does not verify":              {body: body, change: func(h http.Header) { h.Set("Wechatpay-Signature", "!") }, want: auth.ErrBadSignature},
		"a timestamp that is not a number is expired":                 {body: body, change: func(h http.Header) { h.Set("Wechatpay-Timestamp", "now") }, want: auth.ErrExpired},
		"a timestamp at the end of the integers is expired":           {body: body, change: func(h http.Header) { h.Set("Wechatpay-Timestamp", "9223372036854775807") }, want: auth.ErrExpired},
		"a timestamp in milliseconds is expired":                      {body: body, change: func(h http.Header) { h.Set("Wechatpay-Timestamp", "1732435200000") }, want: auth.ErrExpired},
		"another signature type does not verify as this one":          {body: body, change: func(h http.Header) { h.Set("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3") }, want: auth.ErrBadSignature},
		"a line feed in the nonce does not verify":                    {body: body, change: func(h http.Header) { h.Set("Wechatpay-Nonce", "0\n0") }, want: auth.ErrBadSignature},
		"a changed timestamp does not verify":                         {body: body, change: func(h http.Header) { h.Set("Wechatpay-Timestamp", "1732435201") }, want: auth.ErrBadSignature},
	}
	v := verifier(t, auth.PublicKey(keyID, &keys().ours.PublicKey), auth.PublicKey(keyID+"1", &keys().other.PublicKey))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := signed(t, keys().ours, keyID, body, now)
			if tt.change != nil {
				tt.change(header)
			}
			if err := v.Verify(t.Context(), header, []byte(tt.body), now.Add(tt.later)); !errors.Is(err, tt.want) {
				t.Errorf("the error is %v, want %v", err, tt.want)
			}
		})
	}
}

func TestVerifierTrustsACertificateUntilItExpires(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	key := auth.PlatformKey{Serial: "7B", Public: &keys().ours.PublicKey, NotBefore: now.Add(-time.Hour), NotAfter: now}
	v := verifier(t, key)
	header := signed(t, keys().ours, "7B", "", now)
	if err := v.Verify(t.Context(), header, nil, now); err != nil {
		t.Errorf("at its last second the certificate gives %v", err)
	}
	if err := v.Verify(t.Context(), header, nil, now.Add(time.Second)); !errors.Is(err, auth.ErrUnknownSerial) {
		t.Errorf("after its last second the certificate gives %v", err)
	}
}

func TestVerifierFindsACertificateHoweverItsSerialIsWritten(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	const serial = "7B00112233445566778899AABBCCDDEEFF001122"
	for _, ours := range []string{serial, "00" + serial, strings.ToLower(serial)} {
		v := verifier(t, auth.PlatformKey{Serial: ours, Public: &keys().ours.PublicKey, NotBefore: now, NotAfter: now})
		for _, theirs := range []string{serial, "0" + serial, strings.ToLower(serial)} {
			if err := v.Verify(t.Context(), signed(t, keys().ours, theirs, "", now), nil, now); err != nil {
				t.Errorf("the key %s, asked for as %s, gives %v", ours, theirs, err)
			}
		}
	}
}

func TestALineFeedInTheNonceCannotCutTheBody(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	v := verifier(t, auth.PublicKey(keyID, &keys().ours.PublicKey))
	header := signed(t, keys().ours, keyID, "{\"amount\":1}\n{}", now)
	header.Set("Wechatpay-Nonce", header.Get("Wechatpay-Nonce")+"\n{\"amount\":1}")
	if err := v.Verify(t.Context(), header, []byte("{}"), now); !errors.Is(err, auth.ErrBadSignature) {
		t.Errorf("a body whose head was cut off gives %v", err)
	}
}

func TestVerifierAsksForThePublicKeyBeforeAnyCertificate(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	certificate := auth.PlatformKey{Serial: "7B", Public: &keys().ours.PublicKey, NotBefore: now, NotAfter: now.Add(time.Hour)}
	public := auth.PublicKey(keyID, &keys().ours.PublicKey)
	for _, order := range [][]auth.PlatformKey{{certificate, public}, {public, certificate}} {
		if got := verifier(t, order...).Preferred(now).Serial; got != keyID {
			t.Errorf("it asks for %s", got)
		}
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	t.Parallel()
	small := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	tests := map[string]struct {
		keys []auth.PlatformKey
		want string
	}{
		"no key at all":          {nil, "no key to verify WeChat Pay with"},
		"a key without a name":   {[]auth.PlatformKey{auth.PublicKey("", &keys().ours.PublicKey)}, "no name of the platform key"},
		"a name with a quote":    {[]auth.PlatformKey{auth.PublicKey(`a"b`, &keys().ours.PublicKey)}, "cannot be part of it"},
		"a nil key":              {[]auth.PlatformKey{auth.PublicKey(keyID, nil)}, "the RSA key is empty"},
		"a key of 1024 bits":     {[]auth.PlatformKey{auth.PublicKey(keyID, small)}, "1024 bits"},
		"two writings of a name": {[]auth.PlatformKey{auth.PublicKey("07b", &keys().ours.PublicKey), auth.PublicKey("7B", &keys().other.PublicKey)}, "two platform keys"},
		"two keys with one name": {[]auth.PlatformKey{auth.PublicKey(keyID, &keys().ours.PublicKey), auth.PublicKey(keyID, &keys().other.PublicKey)}, "two platform keys"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := auth.NewVerifier(tt.keys...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want …%s…", err, tt.want)
			}
		})
	}
}

func TestNewSignerRefuses(t *testing.T) {
	t.Parallel()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		sign func() error
		want string
	}{
		"no merchant number":             {func() error { _, err := auth.NewSigner("", "7B", keys().ours); return err }, "no merchant number"},
		"a merchant number with a quote": {func() error { _, err := auth.NewSigner(`1"`, "7B", keys().ours); return err }, "cannot be part of it"},
		"no serial number":               {func() error { _, err := auth.NewSigner("1", "", keys().ours); return err }, "no serial number"},
		"no key":                         {func() error { _, err := auth.NewSigner("1", "7B", nil); return err }, "no merchant private key"},
		"a nil RSA key":                  {func() error { _, err := auth.NewSigner("1", "7B", (*rsa.PrivateKey)(nil)); return err }, "no merchant private key"},
		"an empty RSA key":               {func() error { _, err := auth.NewSigner("1", "7B", new(rsa.PrivateKey)); return err }, "the RSA key is empty"},
		"a key that is not RSA":          {func() error { _, err := auth.NewSigner("1", "7B", curve); return err }, "want an RSA key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := tt.sign(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want …%s…", err, tt.want)
			}
		})
	}
}

// remoteKey is a key in a KMS: a value with a secret in it.
type remoteKey struct {
	crypto.Signer
	Token string
}

func TestASignerPrintsWithoutItsKey(t *testing.T) {
	t.Parallel()
	signer, err := auth.NewSigner("1900000109", "7B", remoteKey{keys().ours, "canary"})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pointer", signer, "value", *signer)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pointer", signer, "value", *signer)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
		fmt.Fprintf(&log, verb+verb, signer, *signer)
	}
	for _, secret := range []string{"canary", keys().ours.D.String(), keys().ours.D.Text(16)} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("it prints %s: %s", secret, log.String())
		}
	}
	if _, err := signer.Authorize("GET", "/", nil, time.Unix(0, 0)); err != nil {
		t.Error(err)
	}
}

func TestAuthorizeSignsEachRequestAnew(t *testing.T) {
	t.Parallel()
	signer, err := auth.NewSigner("1900000109", "7B", keys().ours)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1732435200, 0)
	first, err := signer.Authorize("POST", "/v3/a?b=c", []byte("{}"), now)
	if err != nil {
		t.Fatal(err)
	}
	second, err := signer.Authorize("POST", "/v3/a?b=c", []byte("{}"), now)
	if err != nil {
		t.Fatal(err)
	}
	if first.Nonce == second.Nonce {
		t.Error("two requests share a nonce")
	}
	if len(first.Nonce) != 32 {
		t.Errorf("the nonce has %d characters", len(first.Nonce))
	}
	text := auth.RequestText("POST", "/v3/a?b=c", "1732435200", first.Nonce, []byte("{}"))
	if err := auth.Verify(&keys().ours.PublicKey, text, first.Signature); err != nil {
		t.Error(err)
	}
}

// FuzzVerify: nothing passes but the one answer that was signed. Its body has line feeds, so that
// moving text between nonce and body is among what is tried.
func FuzzVerify(f *testing.F) {
	const body = "{\n}"
	now := time.Unix(1732435200, 0)
	v, err := auth.NewVerifier(auth.PublicKey(keyID, &keys().ours.PublicKey))
	if err != nil {
		f.Fatal(err)
	}
	good := signed(f, keys().ours, keyID, body, now)
	nonce, signature := good.Get("Wechatpay-Nonce"), good.Get("Wechatpay-Signature")
	f.Add(keyID, "1732435200", nonce, signature, auth.Scheme, []byte(body))
	f.Add(keyID, "1732435200", nonce+"\n{", signature, auth.Scheme, []byte("}"))
	f.Add(keyID, "+1732435200", nonce, signature, "", []byte(body))
	f.Add(keyID, "1732435200\n"+nonce, "{", signature, auth.Scheme, []byte("}"))
	f.Add("", "1732435200", nonce, signature, auth.Scheme, []byte(body))
	f.Add(keyID, "1732435200", nonce, "", auth.Scheme, []byte(body))
	f.Add(keyID, "-9223372036854775808", "n", "WECHATPAY/SIGNTEST/", "", []byte(nil))
	f.Fuzz(func(t *testing.T, serial, timestamp, aNonce, aSignature, scheme string, aBody []byte) {
		header := http.Header{
			"Wechatpay-Serial": {serial}, "Wechatpay-Timestamp": {timestamp}, "Wechatpay-Nonce": {aNonce},
			"Wechatpay-Signature": {aSignature}, "Wechatpay-Signature-Type": {scheme},
		}
		err := v.Verify(t.Context(), header, aBody, now)
		same := timestamp == "1732435200" && aNonce == nonce && string(aBody) == body
		if err == nil && !same {
			t.Errorf("an answer passed that was never signed: %q %q %q", timestamp, aNonce, aBody)
		}
		if same && serial == keyID && aSignature == signature && scheme == auth.Scheme && err != nil {
			t.Errorf("the answer that was signed gives %v", err)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	signer, err := auth.NewSigner("1900000109", "7B", keys().ours)
	if err != nil {
		b.Fatal(err)
	}
	body, now := []byte(`{"sub_mchid":"1900000209","reason":"用户取消"}`), time.Unix(1732435200, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signer.Authorize("POST", "/v3/payscore/partner/serviceorder/1/cancel", body, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	now := time.Unix(1732435200, 0)
	v, err := auth.NewVerifier(auth.PublicKey(keyID, &keys().ours.PublicKey))
	if err != nil {
		b.Fatal(err)
	}
	header := signed(b, keys().ours, keyID, "", now)
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(b.Context(), header, nil, now); err != nil {
			b.Fatal(err)
		}
	}
}

// certificateOf makes a self-signed certificate.
func certificateOf(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(0x0a01), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestAVerifierTellsWhatItHas(t *testing.T) {
	t.Parallel()
	given := &source{keys: []auth.PlatformKey{auth.PublicKey("00AB12", &keys().ours.PublicKey)}}
	v, err := auth.NewVerifierFrom(given, auth.PublicKey("PUB_KEY_ID_1", &keys().ours.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	for serial, want := range map[string]bool{"PUB_KEY_ID_1": true, "ab12": true, "PUB_KEY_ID_2": false, "": false} {
		if v.Has(serial) != want {
			t.Errorf("it has %q: %v", serial, !want)
		}
	}
	if len(given.missed) > 0 {
		t.Errorf("it looked for %v", given.missed)
	}
}
