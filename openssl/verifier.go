package openssl

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
)

// Verifier is an RSA public key in libcrypto. It is safe for concurrent use.
//
// It verifies in little more than half the time of crypto/rsa, which is some 14 µs less. Where a
// signature is made as well that is hardly to be noticed, and the verifier of package auth does not use
// it. It pays for a program that does nothing but verify, thousands of times a second.
type Verifier struct {
	size int
	key  *key
}

// NewVerifier returns a Verifier with a key, such as one of [auth.LoadPublicKey]. Without OpenSSL 3 the
// error is [ErrNoLibrary].
func NewVerifier(pub *rsa.PublicKey) (*Verifier, error) {
	pub, err := checked(pub)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("openssl: the public key is not valid: %w", err)
	}
	k, err := publicKey(der)
	if err != nil {
		return nil, err
	}
	// A configuration that does not let it verify is found out now, and not by a signature that is good.
	if err := k.verifies(); err != nil {
		return nil, err
	}
	return &Verifier{pub.Size(), k}, nil
}

// Verify tells whether signature is one of the SHA-256 digest by PKCS #1 v1.5, as WeChat Pay signs. If
// not, the error is [rsa.ErrVerification].
func (v *Verifier) Verify(digest, signature []byte) error {
	if v.key == nil {
		return errEmpty
	}
	if err := checkDigest(crypto.SHA256, digest); err != nil {
		return err
	}
	if len(signature) != v.size {
		return rsa.ErrVerification
	}
	return v.key.verify(digest, signature)
}
