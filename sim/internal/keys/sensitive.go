package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is sensitive fields (敏感信息字段): merchants encrypt them with a key of WeChat Pay.

// Decrypter opens what a merchant encrypted with the key that serial names: WeChat Pay's public key
// or a platform certificate, of which the merchant's mode decides. It is nil if serial names none.
func (r *Ring) Decrypter(m *world.Merchant, serial string) func(ciphertext string) (string, error) {
	key := r.named(m)[serial]
	if key == nil {
		return nil
	}
	return func(ciphertext string) (string, error) {
		plaintext, err := crypt.DecryptOAEP(key, ciphertext)
		if err != nil {
			return "", r.misencrypted(m, key, ciphertext)
		}
		return plaintext, nil
	}
}

// RiskDecrypter opens what a merchant encrypted with the key of /risk/getpublickey, for which APIv2 has
// one key for all.
func (r *Ring) RiskDecrypter() func(ciphertext string) (string, error) {
	return func(ciphertext string) (string, error) { return crypt.DecryptOAEP(r.platform, ciphertext) }
}

// named are the keys of WeChat Pay that the merchant may name.
func (r *Ring) named(m *world.Merchant) map[string]*rsa.PrivateKey {
	named := map[string]*rsa.PrivateKey{}
	if r.merchants[m.MchID] == nil {
		return named
	}
	if m.KeyMode != world.CertificateMode {
		named[world.PublicKeyID(m.MchID)] = r.platform
	}
	if m.KeyMode != world.PublicKeyMode {
		all, _ := r.Certificates()
		for _, c := range all {
			named[c.SerialNo] = c.key
		}
	}
	return named
}

// misencrypted says what is wrong with a ciphertext that key does not open, as far as it shows.
func (r *Ring) misencrypted(m *world.Merchant, key *rsa.PrivateKey, ciphertext string) error {
	raw, err := base64.StdEncoding.DecodeString(ciphertext)
	if err != nil {
		return errors.New("it is not in standard base64: perhaps it was not encrypted at all")
	}
	if len(raw) != key.Size() {
		return fmt.Errorf("it has %d bytes, and a ciphertext of this key %d", len(raw), key.Size())
	}
	for serial, other := range r.named(m) {
		if _, err := crypt.DecryptOAEP(other, ciphertext); err == nil {
			return fmt.Errorf("it was encrypted with the key %s, which Wechatpay-Serial does not name", serial)
		}
	}
	for name, opts := range map[string]crypto.DecrypterOpts{
		"OAEP with SHA-256":                &rsa.OAEPOptions{Hash: crypto.SHA256},
		"OAEP with SHA-256 and MGF1-SHA-1": &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA1},
		"PKCS #1 v1.5":                     nil,
	} {
		if _, err := key.Decrypt(rand.Reader, raw, opts); err == nil {
			return fmt.Errorf("it was encrypted by %s, in place of OAEP with SHA-1 and MGF1-SHA-1", name)
		}
	}
	return errors.New("it was encrypted with another key, or not by OAEP with SHA-1 and MGF1-SHA-1")
}
