package world

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
)

// certificateYears is how long a merchant's API certificate is good for.
const certificateYears = 5

// PublicKeyID is the ID (微信支付公钥ID) by which the merchant knows WeChat Pay's public key:
// every merchant has one of its own.
func PublicKeyID(mchID string) string { return "PUB_KEY_ID_01" + mchID + "2611000000000000" }

// Complete gives keys to the platform and to the merchants that lack them. What it made stands
// in w afterwards, so that writing w and reading it again keeps the keys.
func (w *World) Complete(now time.Time) error {
	if w.Platform.PrivateKey == "" {
		key, err := newPrivateKey()
		if err != nil {
			return err
		}
		w.Platform.PrivateKey = key
	}
	certificates := false
	for i := range w.Merchants {
		m := &w.Merchants[i]
		certificates = certificates || m.KeyMode != PublicKeyMode
		if err := m.complete(now); err != nil {
			return fmt.Errorf("world: merchant %s: %w", m.MchID, err)
		}
	}
	if !certificates || len(w.Platform.Certificates) > 0 {
		return nil
	}
	first, err := NewPlatformCertificate(now)
	w.Platform.Certificates = []PlatformCertificate{first}
	return err
}

// NewPlatformCertificate makes a platform certificate (平台证书) that is good for five years.
func NewPlatformCertificate(now time.Time) (PlatformCertificate, error) {
	text, err := newPrivateKey()
	if err != nil {
		return PlatformCertificate{}, err
	}
	key, err := auth.ParsePrivateKey([]byte(text))
	if err != nil {
		return PlatformCertificate{}, err
	}
	serial, _ := new(big.Int).SetString(newSerialNo(), 16)
	der, err := NewCertificate(serial, "Tenpay.com Simulator", &key.PublicKey, key, now)
	return PlatformCertificate{PrivateKey: text, Certificate: encodePEM("CERTIFICATE", der)}, err
}

// newSerialNo is 40 hexadecimal digits, the first of which makes it a positive number.
func newSerialNo() string { return "5" + randomHex(20)[1:] }

// complete leaves a sub-merchant without keys: its service provider calls for it.
func (m *Merchant) complete(now time.Time) error {
	if m.APIv3Key == "" {
		m.APIv3Key = randomHex(16)
	}
	if m.APIv2Key == "" {
		m.APIv2Key = randomHex(16)
	}
	if len(m.Parents) > 0 && m.PrivateKey == "" && m.Certificate == "" {
		return nil
	}
	if m.PrivateKey == "" && m.Certificate == "" {
		key, err := newPrivateKey()
		if err != nil {
			return err
		}
		m.PrivateKey = key
	}
	if m.Certificate == "" {
		if err := m.issue(now); err != nil {
			return err
		}
	}
	cert, err := auth.ParseCertificate([]byte(m.Certificate))
	if err != nil {
		return fmt.Errorf("its certificate: %w", err)
	}
	m.SerialNo = auth.SerialNo(cert)
	return nil
}

// issue makes the API certificate (商户API证书) for the merchant's key.
func (m *Merchant) issue(now time.Time) error {
	key, err := auth.ParsePrivateKey([]byte(m.PrivateKey))
	if err != nil {
		return fmt.Errorf("its private_key: %w", err)
	}
	if m.SerialNo == "" {
		m.SerialNo = newSerialNo()
	}
	serial, ok := new(big.Int).SetString(m.SerialNo, 16)
	if !ok {
		return errors.New("its serial_no is not hexadecimal")
	}
	der, err := NewCertificate(serial, "Tenpay.com Simulator Merchant "+m.MchID, &key.PublicKey, key, now)
	if err != nil {
		return err
	}
	m.Certificate = encodePEM("CERTIFICATE", der)
	return nil
}

// NewCertificate is a certificate in DER, as WeChat Pay issues them, but signed by signer.
func NewCertificate(serial *big.Int, name string, pub *rsa.PublicKey, signer *rsa.PrivateKey, now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{"wxpay simulator"}, Country: []string{"CN"}},
		NotBefore:    now.Add(-time.Hour).Truncate(time.Second),
		NotAfter:     now.AddDate(certificateYears, 0, 0).Truncate(time.Second),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	return x509.CreateCertificate(rand.Reader, template, template, pub, signer)
}

func newPrivateKey() (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, auth.MinBits)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return encodePEM("PRIVATE KEY", der), nil
}

// PublicKeyPEM is the public half of a private key in PEM, as pub_key.pem has it.
func PublicKeyPEM(key *rsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", err
	}
	return encodePEM("PUBLIC KEY", der), nil
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func randomHex(bytes int) string {
	raw := make([]byte, bytes)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}
