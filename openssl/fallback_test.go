package openssl

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"testing"
)

// fallback tells what is wrong with this package in a process that has no library.
func fallback() error {
	std, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	if v, err := Version(); !errors.Is(err, ErrNoLibrary) {
		return fmt.Errorf("the version is %q, %v", v, err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(std)})
	if s, err := NewSigner(text); s != nil || !errors.Is(err, ErrNoLibrary) {
		return fmt.Errorf("the signer is %v, %v", s, err)
	}
	if v, err := NewVerifier(&std.PublicKey); v != nil || !errors.Is(err, ErrNoLibrary) {
		return fmt.Errorf("the verifier is %v, %v", v, err)
	}
	s := SignerOr(std)
	if s != crypto.Signer(std) {
		return fmt.Errorf("a %T stands in", s)
	}
	digest := sha256.Sum256([]byte("without a library"))
	signature, err := s.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	return rsa.VerifyPKCS1v15(&std.PublicKey, crypto.SHA256, digest[:], signature)
}

func TestWhatIsEmptyHasNoKey(t *testing.T) {
	t.Parallel()
	digest := make([]byte, sha256.Size)
	if _, err := new(Signer).Sign(nil, digest, crypto.SHA256); !errors.Is(err, errEmpty) {
		t.Errorf("an empty Signer signs: %v", err)
	}
	if _, err := new(Signer).Decrypt(nil, digest, &rsa.OAEPOptions{Hash: crypto.SHA1}); !errors.Is(err, errEmpty) {
		t.Errorf("an empty Signer decrypts: %v", err)
	}
	if err := new(Verifier).Verify(digest, digest); !errors.Is(err, errEmpty) {
		t.Errorf("an empty Verifier verifies: %v", err)
	}
	if s := SignerOr(nil); s != crypto.Signer((*rsa.PrivateKey)(nil)) {
		t.Errorf("in place of nil there is a %T", s)
	}
}
