package openssl

import (
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
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
	v := &Verifier{pub.Size(), k}
	if err := v.prove(pub); err != nil {
		return nil, err
	}
	return v, nil
}

// prove refuses what is no signature, as crypto/rsa has to, which says so by another error for keys that it does not
// take: with an exponent of 1 anybody signs. A library that its configuration does not let verify, or that takes
// anything, is found out now, and not by a signature that is good, or forged.
func (v *Verifier) prove(pub *rsa.PublicKey) error {
	digest, none := make([]byte, crypto.SHA256.Size()), make([]byte, v.size)
	if err := rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest, none); !errors.Is(err, rsa.ErrVerification) {
		return fmt.Errorf("openssl: the public key is not valid: %w", err)
	}
	if err := v.Verify(digest, none); !errors.Is(err, rsa.ErrVerification) {
		return fmt.Errorf("openssl: this library does not verify: verify with crypto/rsa alone: %w", cmp.Or(err, errTakesAnything))
	}
	return nil
}

var errTakesAnything = errors.New("it takes anything for a signature")

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
