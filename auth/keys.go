package auth

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
)

// PublicKey is the WeChat Pay public key (微信支付公钥) with the given ID, PUB_KEY_ID_… .
// The ID is an opaque string; the merchant platform shows it beside the key.
func PublicKey(id string, pub *rsa.PublicKey) PlatformKey {
	return PlatformKey{Serial: id, Public: pub}
}

// Certificate is the key of a platform certificate (平台证书).
func Certificate(cert *x509.Certificate) (PlatformKey, error) {
	if cert == nil {
		return PlatformKey{}, errors.New("no platform certificate (平台证书)")
	}
	pub, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return PlatformKey{}, fmt.Errorf("the platform certificate holds a %T, want an RSA key", cert.PublicKey)
	}
	return PlatformKey{Serial: SerialNo(cert), Public: pub, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}, nil
}

// SerialNo is the serial number of a certificate as WeChat Pay writes it: hexadecimal,
// in upper case, two digits a byte. Without a certificate it is empty.
func SerialNo(cert *x509.Certificate) string {
	if cert == nil || cert.SerialNumber == nil {
		return ""
	}
	return fmt.Sprintf("%X", cert.SerialNumber.Bytes())
}

// LoadPrivateKey reads a merchant's API private key (商户API私钥), apiclient_key.pem.
func LoadPrivateKey(path string) (*rsa.PrivateKey, error) { return load(path, ParsePrivateKey) }

// LoadPublicKey reads a WeChat Pay public key (微信支付公钥), pub_key.pem, or the key that APIv2 has
// fields encrypted for.
func LoadPublicKey(path string) (*rsa.PublicKey, error) { return load(path, ParsePublicKey) }

// LoadCertificate reads a certificate, such as apiclient_cert.pem or a platform certificate.
func LoadCertificate(path string) (*x509.Certificate, error) { return load(path, ParseCertificate) }

func load[T any](path string, parse func([]byte) (*T, error)) (*T, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// ParsePrivateKey reads an RSA private key from PEM, in PKCS #1 or PKCS #8.
func ParsePrivateKey(text []byte) (*rsa.PrivateKey, error) {
	block, err := decodePEM(text, "a private key (商户API私钥, apiclient_key.pem)", "PRIVATE KEY", "RSA PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	if block.Type == "RSA PRIVATE KEY" {
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		return key, damaged(block, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, damaged(block, err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("found a %T, want an RSA private key", key)
	}
	return private, nil
}

// ParsePublicKey reads an RSA public key from PEM, either as it is (PKIX, or PKCS #1 as APIv2's
// /risk/getpublickey answers it) or out of a certificate.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	block, err := decodePEM(text, "a public key (微信支付公钥, pub_key.pem)", "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	if block.Type == "RSA PUBLIC KEY" {
		key, err := x509.ParsePKCS1PublicKey(block.Bytes)
		return key, damaged(block, err)
	}
	var key any
	if block.Type == "CERTIFICATE" {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, damaged(block, err)
		}
		key = cert.PublicKey
	} else if key, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return nil, damaged(block, err)
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("found a %T, want an RSA public key", key)
	}
	return public, nil
}

// ParseCertificate reads one certificate from PEM.
func ParseCertificate(text []byte) (*x509.Certificate, error) {
	block, err := decodePEM(text, "a certificate", "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	return cert, damaged(block, err)
}

// decodePEM finds the first PEM block of text and checks that it is of one of the types.
// Its errors tell a wrong file by kind, never by content.
func decodePEM(text []byte, want string, types ...string) (*pem.Block, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("empty, want %s in PEM", want)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("no PEM block, want %s that begins with -----BEGIN %s-----", want, types[0])
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["Proc-Type"] != "" {
		return nil, fmt.Errorf("found a private key that is locked with a password, want %s without one", want)
	}
	if !slices.Contains(types, block.Type) {
		return nil, fmt.Errorf("found a PEM block of type %q, want %s", clip(block.Type), want)
	}
	return block, nil
}

// damaged hides what the parser says: it may quote the content.
func damaged(block *pem.Block, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the PEM block of type %q is damaged or not of its kind", block.Type)
}
