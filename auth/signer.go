package auth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Signer signs requests in the name of one merchant. It is safe for concurrent use
// if its key is; the keys of crypto/rsa are.
type Signer struct {
	mchID, brandID string // one of them
	serialNo       string
	sign           func(digest [sha256.Size]byte) (string, error) // has the key where no %+v finds it
}

// NewSigner returns a Signer for the merchant mchID (商户号), whose API certificate
// (商户API证书) has the serial number serialNo and belongs to key. The key may live in a
// KMS or an HSM; it must be RSA, of at least [MinBits].
func NewSigner(mchID, serialNo string, key crypto.Signer) (*Signer, error) {
	if err := checkHeaderValue("merchant number (商户号)", mchID); err != nil {
		return nil, err
	}
	return (&Signer{mchID: mchID, serialNo: serialNo}).with(key)
}

// NewCaller returns a Signer of the merchant mchID that signs nothing: APIv2 only has to know who calls.
func NewCaller(mchID string) (*Signer, error) {
	if err := checkHeaderValue("merchant number (商户号)", mchID); err != nil {
		return nil, err
	}
	return &Signer{mchID: mchID, sign: func([sha256.Size]byte) (string, error) {
		return "", errors.New("no merchant private key (商户API私钥), which APIv3 signs with: load apiclient_key.pem with auth.LoadPrivateKey")
	}}, nil
}

// NewBrandSigner returns a Signer for the brand brandID (品牌ID), whose API certificate (品牌API证书)
// has the serial number serialNo and belongs to key. A merchant's certificate does not do.
func NewBrandSigner(brandID, serialNo string, key crypto.Signer) (*Signer, error) {
	if err := checkHeaderValue("brand number (品牌ID)", brandID); err != nil {
		return nil, err
	}
	return (&Signer{brandID: brandID, serialNo: serialNo}).with(key)
}

// with has s sign with key.
func (s *Signer) with(key crypto.Signer) (*Signer, error) {
	if err := checkHeaderValue("serial number of the API certificate (API证书序列号)", s.serialNo); err != nil {
		return nil, err
	}
	private, ok := key.(*rsa.PrivateKey)
	if key == nil || ok && private == nil {
		return nil, errors.New("no merchant private key (商户API私钥): load apiclient_key.pem with auth.LoadPrivateKey")
	}
	pub, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the merchant's key is a %T, want an RSA key", key.Public())
	}
	if err := checkBits(pub); err != nil {
		return nil, err
	}
	if private != nil {
		private.Precompute()
	}
	s.sign = func(digest [sha256.Size]byte) (string, error) { return signDigest(key, digest) }
	return s, nil
}

// MchID is the merchant number (商户号) that the Signer signs for; a brand has none.
func (s *Signer) MchID() string { return s.mchID }

// BrandID is the brand number (品牌ID) that the Signer signs for; a merchant has none.
func (s *Signer) BrandID() string { return s.brandID }

// Authorize signs one request at the time now, with a fresh nonce. For target and body
// see [RequestText]. A request that is sent again is authorized again.
func (s *Signer) Authorize(method, target string, body []byte, now time.Time) (Authorization, error) {
	a := Authorization{
		Scheme:    Scheme,
		MchID:     s.mchID,
		BrandID:   s.brandID,
		SerialNo:  s.serialNo,
		Nonce:     newNonce(),
		Timestamp: strconv.FormatInt(now.Unix(), 10),
	}
	if s.brandID != "" {
		a.Scheme = BrandScheme
	}
	signature, err := s.sign(digest(body, method, target, a.Timestamp, a.Nonce))
	if err != nil {
		return Authorization{}, err
	}
	a.Signature = signature
	return a, nil
}

// SignLines signs what a front end hands over to WeChat (调起支付签名): lines, each closed by a line feed,
// the last one too. A line that holds a line feed is refused, for it would read like two.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4012365339.
func (s *Signer) SignLines(lines ...string) (string, error) {
	for _, line := range lines {
		if strings.ContainsAny(line, "\r\n") {
			return "", errors.New("a line to sign holds a line feed: give each line by itself, without its end")
		}
	}
	return s.sign(sha256.Sum256([]byte(strings.Join(lines, "\n") + "\n")))
}

// Sign signs text with SHA-256 and RSA (PKCS #1 v1.5) and returns the signature in
// standard base64.
func Sign(key crypto.Signer, text []byte) (string, error) {
	return signDigest(key, sha256.Sum256(text))
}

func signDigest(key crypto.Signer, digest [sha256.Size]byte) (string, error) {
	const usual = 684 // bytes of base64 at most, but for keys of more than 4096 bits
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign with the merchant's private key: %w", err)
	}
	return string(base64.StdEncoding.AppendEncode(make([]byte, 0, usual), signature)), nil
}

// Verify tells whether signature, in standard base64, is [Sign]'s of text with the
// private half of pub. If not, the error is [ErrBadSignature].
func Verify(pub *rsa.PublicKey, text []byte, signature string) error {
	return verifyDigest(pub, sha256.Sum256(text), signature)
}

func verifyDigest(pub *rsa.PublicKey, digest [sha256.Size]byte, signature string) error {
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: it is not base64", ErrBadSignature)
	}
	if rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest[:], raw) != nil {
		return ErrBadSignature
	}
	return nil
}

// newNonce is 16 random bytes in hexadecimal.
func newNonce() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	var text [32]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// checkHeaderValue refuses what would break out of its quotes in a header.
func checkHeaderValue(what, value string) error {
	if value == "" {
		return fmt.Errorf("no %s", what)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == ',' }) {
		return fmt.Errorf("the %s has a character that cannot be part of it", what)
	}
	return nil
}

func checkBits(pub *rsa.PublicKey) error {
	if pub == nil || pub.N == nil {
		return errors.New("the RSA key is empty")
	}
	if bits := pub.N.BitLen(); bits < MinBits {
		return fmt.Errorf("the RSA key has %d bits, want at least %d", bits, MinBits)
	}
	return nil
}
