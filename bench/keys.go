package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/openssl"
)

const (
	mchID    = "1900000109"
	serialNo = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"
	keyID    = "PUB_KEY_ID_0119000001092024112600000000"
	apiv3Key = "0123456789abcdef0123456789abcdef"
	apiv2Key = "192006250b4c09247ec02edce69f6a2d" // of the official example
)

// bench is what measurements share.
type bench struct {
	merchant, platform *rsa.PrivateKey
	openssl            crypto.Signer // nil if there is none
	noOpenSSL          error         // why
	server             *server
}

func newBench() (*bench, error) {
	var b bench
	var err error
	if b.merchant, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	if b.platform, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	fast, err := openssl.NewSigner(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(b.merchant)}))
	if err == nil {
		b.openssl = fast
	}
	b.noOpenSSL = err
	b.server, err = startServer()
	return &b, err
}

func (b *bench) close() { b.server.close() }

// constant signs with what it signed once: it takes the 1 ms of RSA out of a call, so that the rest shows.
// Nobody but a server that does not look takes such a signature.
type constant struct {
	public    crypto.PublicKey
	signature []byte
}

var _ crypto.Signer = constant{}

func (c constant) Public() crypto.PublicKey { return c.public }

func (c constant) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return c.signature, nil }

// short signs with a key of 512 bits, which takes a twelfth of the time, under the name of one that is long enough.
type short struct {
	public crypto.PublicKey
	key    *rsa.PrivateKey
}

var _ crypto.Signer = short{}

func (s short) Public() crypto.PublicKey { return s.public }

func (s short) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key.Sign(random, digest, opts)
}

func (b *bench) short() (crypto.Signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 512) // with GODEBUG rsa1024min=0, see main.go
	return short{b.merchant.Public(), key}, err
}

func (b *bench) constant() (crypto.Signer, error) {
	signature, err := rsa.SignPKCS1v15(nil, b.merchant, crypto.SHA256, make([]byte, crypto.SHA256.Size()))
	return constant{b.merchant.Public(), signature}, err
}

// client has all options at their defaults, but for opts.
func (b *bench) client(key crypto.Signer, opts ...wechatpay.Option) (*wechatpay.Client, error) {
	return wechatpay.New(wechatpay.Merchant{
		MchID: mchID, SerialNo: serialNo, PrivateKey: key,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(keyID, &b.platform.PublicKey)},
	}, opts...)
}

// sign is the header of an answer with body, as the platform signs it now.
func (b *bench) sign(body []byte) (http.Header, error) {
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), "00112233445566778899aabbccddeeff"
	signature, err := auth.Sign(b.platform, auth.AnswerText(timestamp, nonce, body))
	return http.Header{
		"Content-Type":        {"application/json; charset=utf-8"},
		"Request-Id":          {"08F3B1CC06-0"},
		"Wechatpay-Serial":    {keyID},
		"Wechatpay-Timestamp": {timestamp},
		"Wechatpay-Nonce":     {nonce},
		"Wechatpay-Signature": {signature},
	}, err
}
