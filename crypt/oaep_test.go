package crypt

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
)

func TestOAEPRefuses(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := EncryptOAEP(&key.PublicKey, "canary")
	if err != nil {
		t.Fatal(err)
	}
	encrypt := func(pub *rsa.PublicKey, text string) error { _, err := EncryptOAEP(pub, text); return err }
	decrypt := func(key *rsa.PrivateKey, text string) error { _, err := DecryptOAEP(key, text); return err }
	tests := map[string]struct {
		err  error
		want error
		text string
	}{
		"no public key":                     {encrypt(nil, "canary"), nil, "no public key"},
		"an empty public key":               {encrypt(new(rsa.PublicKey), "canary"), nil, "no public key"},
		"a plaintext that is too long":      {encrypt(&key.PublicKey, strings.Repeat("canary", 40)), nil, "has 240 bytes"},
		"no private key":                    {decrypt(nil, sealed), nil, "no private key"},
		"another private key":               {decrypt(other, sealed), ErrDecrypt, ""},
		"a ciphertext that is not base64":   {decrypt(key, "canary!"), ErrDecrypt, "not base64"},
		"a ciphertext of nothing":           {decrypt(key, ""), ErrDecrypt, ""},
		"a ciphertext that is not from RSA": {decrypt(key, "Y2FuYXJ5"), ErrDecrypt, ""},
	}
	for name, tt := range tests {
		if tt.err == nil || tt.want != nil && !errors.Is(tt.err, tt.want) || !strings.Contains(tt.err.Error(), tt.text) {
			t.Errorf("%s gives %v", name, tt.err)
		} else if strings.Contains(tt.err.Error(), "canary") {
			t.Errorf("%s shows a secret: %v", name, tt.err)
		}
	}
	if _, err := DecryptOAEP(nil, sealed); err == nil {
		t.Error("a nil interface for a key decrypts")
	}
}
