package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/vectors"
)

// TestVectors checks the ciphers against what others computed.
func TestVectors(t *testing.T) {
	t.Parallel()
	vectors.Run(t, "crypt", vectors.Checks{
		"aes-gcm":         checkGCM,
		"aes-gcm-raw":     checkRawGCM,
		"rsa-oaep-sha1":   checkOAEP,
		"limit":           checkLimit,
		"v3-callback":     checkCallback,
		"v3-certificates": checkCertificates,
		"aes-ecb":         checkECB,
		"v2-req-info":     checkReqInfo,
		"md5":             checkReqInfoKey,
	})
}

func checkGCM(t *testing.T, _ vectors.Set, v vectors.Vector) {
	ciphertext, err := base64.StdEncoding.DecodeString(v.Ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	expectOpen(t, v.APIKey, v.Nonce, v.AssociatedData, ciphertext, v.Plaintext)
}

func checkRawGCM(t *testing.T, set vectors.Set, v vectors.Vector) {
	ciphertext, err := hex.DecodeString(v.RawHex)
	if err != nil {
		t.Fatal(err)
	}
	expectOpen(t, v.Key, v.Nonce, v.AssociatedData, ciphertext, v.Plaintext)
}

// sealed is how ciphertexts stand in bodies.
type sealed struct {
	Ciphertext     []byte // in JSON in base64
	Nonce          string
	AssociatedData string `json:"associated_data"`
}

func checkCallback(t *testing.T, _ vectors.Set, v vectors.Vector) {
	var body struct{ Resource sealed }
	if err := json.Unmarshal([]byte(v.Body), &body); err != nil {
		t.Fatal(err)
	}
	r := body.Resource
	expectOpen(t, v.APIv3Key, r.Nonce, r.AssociatedData, r.Ciphertext, v.Plaintext)
}

func checkCertificates(t *testing.T, _ vectors.Set, v vectors.Vector) {
	var body struct {
		Data []struct {
			Encrypted sealed `json:"encrypt_certificate"`
		}
	}
	if err := json.Unmarshal(v.Response, &body); err != nil || len(body.Data) != 1 {
		t.Fatalf("%d certificates, %v", len(body.Data), err)
	}
	encrypted := body.Data[0].Encrypted
	text, err := OpenGCM(v.APIv3Key, encrypted.Nonce, encrypted.AssociatedData, encrypted.Ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(text)) != strings.TrimSpace(v.CertificatePEM) {
		t.Error("the certificate differs")
	}
}

// expectOpen expects the plaintext, and ErrDecrypt once a byte is changed or cut off. Keys of 16
// bytes, which some published vectors have, are not APIv3 keys and must be refused as such.
func expectOpen(t *testing.T, key, nonce, associatedData string, ciphertext []byte, want string) {
	t.Helper()
	got, err := open(key, nonce, associatedData, ciphertext)
	if err != nil || string(got) != want {
		t.Errorf("opened to %q, %v; want %q", got, err, want)
	}
	if _, err := OpenGCM(key, nonce, associatedData, ciphertext); (err == nil) != (len(key) == APIv3KeySize) {
		t.Errorf("with a key of %d bytes the error is %v", len(key), err)
	}
	if _, err := open(key, nonce, associatedData+"x", ciphertext); err != ErrDecrypt {
		t.Errorf("with other associated data the error is %v", err)
	}
	for cut := range ciphertext {
		if _, err := open(key, nonce, associatedData, ciphertext[:cut]); err != ErrDecrypt {
			t.Fatalf("cut off after %d bytes the error is %v", cut, err)
		}
	}
}

func checkOAEP(t *testing.T, set vectors.Set, v vectors.Vector) {
	key, err := auth.ParsePrivateKey([]byte(set.Keys[v.Key].Private))
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecryptOAEP(key, v.Ciphertext)
	if err != nil || got != v.Plaintext {
		t.Errorf("decrypted to %q, %v; want %q", got, err, v.Plaintext)
	}
	ciphertext, err := EncryptOAEP(&key.PublicKey, v.Plaintext)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecryptOAEP(key, ciphertext); err != nil || got != v.Plaintext {
		t.Errorf("our own ciphertext decrypted to %q, %v", got, err)
	}
}

func checkLimit(t *testing.T, _ vectors.Set, v vectors.Vector) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := EncryptOAEP(&key.PublicKey, strings.Repeat("x", v.MaxPlaintext)); err != nil {
		t.Errorf("%d bytes are refused: %v", v.MaxPlaintext, err)
	}
	if _, err := EncryptOAEP(&key.PublicKey, strings.Repeat("x", v.MaxPlaintext+1)); err == nil {
		t.Errorf("%d bytes are taken", v.MaxPlaintext+1)
	}
}

func checkECB(t *testing.T, _ vectors.Set, v vectors.Vector) {
	block, err := aes.NewCipher([]byte(v.Key))
	if err != nil {
		t.Fatal(err)
	}
	ciphertext, err := base64.StdEncoding.DecodeString(v.Ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := openECB(block, ciphertext); err != nil || string(got) != v.Plaintext {
		t.Errorf("opened to %q, %v; want %q", got, err, v.Plaintext)
	}
	if got := sealECB(block, []byte(v.Plaintext)); !bytes.Equal(got, ciphertext) {
		t.Errorf("sealed to %x, want %x", got, ciphertext)
	}
}

func checkReqInfo(t *testing.T, _ vectors.Set, v vectors.Vector) {
	if got := string(reqInfoKey(v.APIv2Key)); got != v.AESKey {
		t.Errorf("the AES key is %s, want %s", got, v.AESKey)
	}
	if got, err := OpenReqInfo(v.APIv2Key, v.ReqInfo); err != nil || string(got) != v.Plaintext {
		t.Errorf("opened to %q, %v; want %q", got, err, v.Plaintext)
	}
	if got, err := SealReqInfo(v.APIv2Key, []byte(v.Plaintext)); err != nil || got != v.ReqInfo {
		t.Errorf("sealed to %s, %v; want %s", got, err, v.ReqInfo)
	}
}

// checkReqInfoKey takes whatever is hashed for a key: it is the one MD5 here.
func checkReqInfoKey(t *testing.T, _ vectors.Set, v vectors.Vector) {
	if got := string(reqInfoKey(v.InputSigned)); got != v.Hex {
		t.Errorf("the MD5 is %s, want %s", got, v.Hex)
	}
}
