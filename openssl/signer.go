package openssl

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"github.com/openwechatpay/wechatpay/auth"
)

var (
	_ crypto.Signer    = (*Signer)(nil)
	_ crypto.Decrypter = (*Signer)(nil)
)

// Signer is an RSA private key in libcrypto. It is safe for concurrent use.
type Signer struct {
	public *rsa.PublicKey
	key    *key
}

// NewSigner reads a merchant's API private key (商户API私钥, apiclient_key.pem) from PEM, in PKCS #1 or
// PKCS #8, as [auth.ParsePrivateKey] does.
//
// Without OpenSSL 3 the error is [ErrNoLibrary], and crypto/rsa can do the same: see [SignerOr].
func NewSigner(pem []byte) (*Signer, error) {
	std, err := auth.ParsePrivateKey(pem)
	if err != nil {
		return nil, fmt.Errorf("openssl: %w", err)
	}
	return newSigner(std)
}

// SignerOr is a Signer with the key of std or, where that is not possible, std: without OpenSSL 3, and
// for a key that OpenSSL, as it is configured, or this package does not take: [NewSigner] tells why, and is for
// those who must not sign with anything else. std stays as it is, and can be used beside the Signer.
func SignerOr(std *rsa.PrivateKey) crypto.Signer {
	s, err := newSigner(std)
	if err != nil {
		return std
	}
	return s
}

func newSigner(std *rsa.PrivateKey) (*Signer, error) {
	if std == nil || std.N == nil {
		return nil, errors.New("openssl: no private key")
	}
	own := *std // so that std is not completed while others use it
	own.Precompute()
	if err := own.Validate(); err != nil {
		return nil, fmt.Errorf("openssl: the private key is not valid: %w", err)
	}
	public, err := checked(&own.PublicKey)
	if err != nil {
		return nil, err
	}
	der := x509.MarshalPKCS1PrivateKey(&own)
	defer clear(der)
	k, err := privateKey(der)
	if err != nil {
		return nil, err
	}
	s := &Signer{public: public, key: k}
	if err := s.prove(); err != nil {
		return nil, err
	}
	return s, nil
}

// checked is a copy of a public key that is long enough.
func checked(pub *rsa.PublicKey) (*rsa.PublicKey, error) {
	if pub == nil || pub.N == nil || pub.N.Sign() < 1 {
		return nil, errors.New("openssl: the RSA key is empty")
	}
	if bits := pub.N.BitLen(); bits < auth.MinBits {
		return nil, fmt.Errorf("openssl: the RSA key has %d bits, want at least %d", bits, auth.MinBits)
	}
	own := *pub
	return &own, nil
}

// prove signs and decrypts once. A library that does what its configuration says, but not what WeChat Pay
// verifies and encrypts, is found out before a call depends on it.
func (s *Signer) prove() error {
	digest := sha256.Sum256([]byte("openssl"))
	signature, err := s.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(s.public, crypto.SHA256, digest[:], signature) != nil {
		return errors.New("openssl: a signature of this library does not verify with crypto/rsa: sign with crypto/rsa alone")
	}
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, s.public, digest[:], nil)
	if err != nil {
		return fmt.Errorf("openssl: %w", err)
	}
	opened, err := s.Decrypt(nil, sealed, &rsa.OAEPOptions{Hash: crypto.SHA1})
	if err != nil && !errors.Is(err, rsa.ErrDecryption) { // OpenSSL's reason
		return err
	}
	if !bytes.Equal(opened, digest[:]) {
		return errors.New("openssl: this library does not decrypt what crypto/rsa encrypts: sign with crypto/rsa alone")
	}
	return nil
}

// Public returns the public half of the key, an [*rsa.PublicKey].
func (s *Signer) Public() crypto.PublicKey { return s.public }

// Sign signs a digest of SHA-256, SHA-384 or SHA-512: by PKCS #1 v1.5, which is WeChat Pay's, or by PSS
// with a salt as long as the digest if opts is an [*rsa.PSSOptions], which TLS 1.3 wants. The reader is
// not used and may be nil, for OpenSSL has randomness of its own.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.key == nil {
		return nil, errEmpty
	}
	if opts == nil {
		return nil, errors.New("openssl: no options to sign with: give the hash, such as crypto.SHA256")
	}
	hash := opts.HashFunc()
	if err := checkDigest(hash, digest); err != nil {
		return nil, err
	}
	padding := pkcs1v15
	if pss, ok := opts.(*rsa.PSSOptions); ok {
		if pss.SaltLength != rsa.PSSSaltLengthEqualsHash && pss.SaltLength != hash.Size() {
			return nil, errors.New("openssl: PSS is signed with a salt as long as the digest only: give rsa.PSSSaltLengthEqualsHash")
		}
		padding = pss1
	}
	return s.key.sign(scheme{padding, hash}, digest, s.public.Size())
}

func checkDigest(hash crypto.Hash, digest []byte) error {
	switch hash {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return fmt.Errorf("openssl: the hash is %v, want SHA-256 as WeChat Pay does, SHA-384 or SHA-512", hash)
	}
	if len(digest) != hash.Size() {
		return fmt.Errorf("openssl: the digest has %d bytes, and those of %v %d: hash the message first", len(digest), hash, hash.Size())
	}
	return nil
}

// Decrypt opens what was encrypted by OAEP, with one hash, SHA-1 or SHA-256, and no label: opts is an
// [*rsa.OAEPOptions]. WeChat Pay encrypts with SHA-1. What does not open is [rsa.ErrDecryption],
// whatever the reason. The reader is not used.
func (s *Signer) Decrypt(_ io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	if s.key == nil {
		return nil, errEmpty
	}
	oaep, ok := opts.(*rsa.OAEPOptions)
	if !ok {
		return nil, errors.New("openssl: only OAEP is decrypted: give *rsa.OAEPOptions")
	}
	if oaep.Hash != crypto.SHA1 && oaep.Hash != crypto.SHA256 || oaep.MGFHash != 0 && oaep.MGFHash != oaep.Hash || len(oaep.Label) > 0 {
		return nil, errors.New("openssl: OAEP is decrypted with one hash for all, SHA-1 as WeChat Pay does or SHA-256, and without a label")
	}
	if len(ciphertext) != s.public.Size() {
		return nil, rsa.ErrDecryption
	}
	return s.key.decrypt(scheme{oaep1, oaep.Hash}, ciphertext)
}

var errEmpty = errors.New("openssl: there is no key: make a Signer with openssl.NewSigner, a Verifier with openssl.NewVerifier")

// scheme is how to sign, verify or decrypt.
type scheme struct {
	padding padding
	hash    crypto.Hash
}

// padding has the numbers of OpenSSL.
type padding int32

const (
	pkcs1v15 padding = 1
	oaep1    padding = 4
	pss1     padding = 6
)

// wechatPay is how all of APIv3 is signed.
var wechatPay = scheme{pkcs1v15, crypto.SHA256}
