package auth_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/vectors"
)

// TestVectors checks signing and verifying against what others computed.
func TestVectors(t *testing.T) {
	t.Parallel()
	vectors.Run(t, "auth", vectors.Checks{
		"v3-request-sign":      checkRequestSign,
		"v3-request-message":   checkRequestMessage,
		"v3-sign-error-length": checkMessageLength,
		"v3-paysign":           checkLines,
		"rsa-sign":             checkSignature,
		"v3-response-verify":   checkResponse,
		"v3-statement-message": checkStatement,
		"v3-callback":          checkCallback,
		"cert-selection":       checkSelection,
		"v2-sign":              checkParams,
		"v2-paysign":           checkParams,
		"md5":                  checkSecretAlone,
		"sort":                 checkOrder,
	})
}

func checkRequestSign(t *testing.T, set vectors.Set, v vectors.Vector) {
	text := auth.RequestText(v.Method, v.URL, v.Timestamp, v.Nonce, []byte(v.Body))
	if string(text) != v.Message {
		t.Errorf("the signed text is %q, want %q", text, v.Message)
	}
	checkSignature(t, set, v)
}

func checkRequestMessage(t *testing.T, _ vectors.Set, v vectors.Vector) {
	if text := auth.RequestText(v.Method, v.URL, v.Timestamp, v.Nonce, []byte(v.Body)); string(text) != v.Message {
		t.Errorf("the signed text is %q, want %q", text, v.Message)
	}
	header := strings.Replace(v.AuthorizationTemplate, "<scheme>", auth.Scheme, 1)
	a, err := auth.ParseAuthorization(header)
	if err != nil {
		t.Fatal(err)
	}
	if a.Header() != header {
		t.Errorf("the header is %q, want %q", a.Header(), header)
	}
}

func checkMessageLength(t *testing.T, _ vectors.Set, v vectors.Vector) {
	lines := strings.SplitN(v.Message, "\n", 5)
	text := auth.RequestText(lines[0], lines[1], lines[2], lines[3], nil)
	if len(text) != v.GatewayReportedLength {
		t.Errorf("the signed text has %d bytes, the gateway reported %d", len(text), v.GatewayReportedLength)
	}
}

func checkSignature(t *testing.T, set vectors.Set, v vectors.Vector) {
	key, err := auth.ParsePrivateKey([]byte(set.Keys[v.Key].Private))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := auth.Sign(key, []byte(v.Message))
	if err != nil {
		t.Fatal(err)
	}
	if signature != v.Signature {
		t.Errorf("the signature is %s, want %s", signature, v.Signature)
	}
	if err := auth.Verify(&key.PublicKey, []byte(v.Message), v.Signature); err != nil {
		t.Errorf("the signature does not verify: %v", err)
	}
}

// checkLines gives the lines of the text to the method that front ends are signed for with.
func checkLines(t *testing.T, set vectors.Set, v vectors.Vector) {
	key, err := auth.ParsePrivateKey([]byte(set.Keys[v.Key].Private))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := auth.NewSigner("1900000109", "408B07E7", key)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.SignLines(strings.Split(strings.TrimSuffix(v.Message, "\n"), "\n")...)
	if err != nil || signature != v.Signature {
		t.Errorf("the signature is %s, %v; want %s", signature, err, v.Signature)
	}
	checkSignature(t, set, v)
}

func checkResponse(t *testing.T, set vectors.Set, v vectors.Vector) {
	pub, err := auth.ParsePublicKey([]byte(set.Keys[v.Key].Public))
	if err != nil {
		t.Fatal(err)
	}
	const id = "PUB_KEY_ID_0114232134912410000000000000"
	header := http.Header{}
	header.Set("Wechatpay-Serial", id)
	header.Set("Wechatpay-Timestamp", v.Timestamp)
	header.Set("Wechatpay-Nonce", v.Nonce)
	header.Set("Wechatpay-Signature", v.Signature)
	checkVerdicts(t, verifier(t, auth.PublicKey(id, pub)), header, v.Body)
}

func checkStatement(t *testing.T, _ vectors.Set, v vectors.Vector) {
	text := auth.AnswerText(v.Timestamp, v.Nonce, []byte(`{"sha1":"`+v.SHA1+`"}`))
	if string(text) != v.Message {
		t.Errorf("the signed text is %q, want %q", text, v.Message)
	}
}

func checkCallback(t *testing.T, set vectors.Set, v vectors.Vector) {
	header := http.Header{}
	for name, value := range v.Headers {
		header.Set(name, value)
	}
	checkVerdicts(t, verifier(t, certificate(t, set, header.Get("Wechatpay-Serial"))), header, v.Body)
}

func checkSelection(t *testing.T, set vectors.Set, v vectors.Vector) {
	var keys []auth.PlatformKey
	var newest time.Time // all are valid
	for _, serial := range v.Certs {
		key := certificate(t, set, serial)
		if keys = append(keys, key); key.NotBefore.After(newest) {
			newest = key.NotBefore
		}
	}
	if got := verifier(t, keys...).Preferred(newest).Serial; got != v.ExpectedSerial {
		t.Errorf("the certificate asked for is %s, want %s", got, v.ExpectedSerial)
	}
}

func checkParams(t *testing.T, _ vectors.Set, v vectors.Vector) {
	text := string(auth.ParamsText(maps.All(v.Params)))
	if v.StringA != "" && text != v.StringA || v.StringSignTemp != "" && text+"&key="+v.APIKey != v.StringSignTemp {
		t.Errorf("the signed text is %q, want %q and %q", text, v.StringA, v.StringSignTemp)
	}
	checks := 0
	for signType, want := range map[auth.SignType]string{auth.MD5: v.MD5, auth.HMACSHA256: v.HMACSHA256} {
		if want == "" {
			continue
		}
		checks++
		got, err := signType.Sign(v.APIKey, maps.All(v.Params))
		if err != nil || got != want {
			t.Errorf("the signature is %s, %v; want %s", got, err, want)
		}
		signed := maps.Clone(v.Params)
		signed["sign"] = want
		if err := auth.VerifyParams(v.APIKey, maps.All(signed), signType); err != nil {
			t.Errorf("the signature does not verify: %v", err)
		}
	}
	if checks == 0 {
		t.Error("the vector has no signature")
	}
}

// checkSecretAlone signs nothing, so that only the secret is left. Without a name it is the key of
// req_info, which is package crypt's.
func checkSecretAlone(t *testing.T, _ vectors.Set, v vectors.Vector) {
	name, secret, found := strings.Cut(v.InputSigned, "=")
	if !found {
		return
	}
	sign := auth.SignWorkWx
	if name == "&key" {
		sign = auth.MD5.Sign
	}
	got, err := sign(secret, maps.All(v.Params))
	if err != nil || got != strings.ToUpper(v.Hex) {
		t.Errorf("the signature of nothing is %s, %v; want %s", got, err, v.Hex)
	}
}

func checkOrder(t *testing.T, _ vectors.Set, v vectors.Vector) {
	var names []string
	if err := json.Unmarshal(v.Input, &names); err != nil {
		t.Fatal(err)
	}
	text := auth.ParamsText(func(yield func(string, string) bool) {
		for _, name := range names {
			if !yield(name, "x") {
				return
			}
		}
	})
	if want := strings.Join(v.Expected, "=x&") + "=x"; string(text) != want {
		t.Errorf("the text is %q, want %q", text, want)
	}
}

// checkVerdicts expects yes for the message as it is, and no once a byte is changed.
func checkVerdicts(t *testing.T, v *auth.Verifier, header http.Header, body string) {
	t.Helper()
	seconds, err := strconv.ParseInt(header.Get("Wechatpay-Timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(seconds, 0)
	if err := v.Verify(t.Context(), header, []byte(body), now); err != nil {
		t.Errorf("the message does not verify: %v", err)
	}
	if err := v.Verify(t.Context(), header, []byte(body+" "), now); err == nil {
		t.Error("a changed message verifies")
	}
}

func verifier(t *testing.T, keys ...auth.PlatformKey) *auth.Verifier {
	t.Helper()
	v, err := auth.NewVerifier(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// certificate finds a certificate among the set's keys.
func certificate(t *testing.T, set vectors.Set, serial string) auth.PlatformKey {
	t.Helper()
	for _, key := range set.Keys {
		text, ok := key.Certificates[serial]
		if !ok {
			continue
		}
		cert, err := auth.ParseCertificate([]byte(text.PEM))
		if err != nil {
			t.Fatal(err)
		}
		platform, err := auth.Certificate(cert)
		if err != nil {
			t.Fatal(err)
		}
		if platform.Serial != serial {
			t.Errorf("the serial number is %s, want %s", platform.Serial, serial)
		}
		return platform
	}
	t.Fatalf("no certificate %s", serial)
	return auth.PlatformKey{}
}
