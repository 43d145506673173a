package crypt

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
)

// EncryptOAEP encrypts a sensitive field (敏感信息字段) with RSA-OAEP, SHA-1 and
// MGF1-SHA-1, and returns it in standard base64. With a key of 2048 bits the plaintext has
// at most 214 bytes.
//
// APIv2 has some fields encrypted in the same way, with the key that /risk/getpublickey answers.
//
// SHA-1 is what WeChat Pay requires; OAEP does not lean on its collision resistance.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4013053257 and
// https://pay.weixin.qq.com/doc/v2/merchant/4011941097.
func EncryptOAEP(pub *rsa.PublicKey, plaintext string) (string, error) {
	if pub == nil || pub.N == nil {
		return "", errors.New("no public key to encrypt with")
	}
	if limit := pub.Size() - 2*sha1.Size - 2; len(plaintext) > limit {
		return "", fmt.Errorf("the plaintext has %d bytes, RSA-OAEP with this key takes at most %d", len(plaintext), limit)
	}
	ciphertext, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, pub, []byte(plaintext), nil)
	if err != nil {
		return "", fmt.Errorf("encrypt with RSA-OAEP: %w", err)
	}
	return base64.StdEncoding.EncodeToString(ciphertext), nil
}

// DecryptOAEP is the reverse of [EncryptOAEP]. The key may live in a KMS or an HSM that
// decrypts OAEP with SHA-1.
func DecryptOAEP(key crypto.Decrypter, ciphertext string) (string, error) {
	if private, ok := key.(*rsa.PrivateKey); key == nil || ok && private == nil {
		return "", errors.New("no private key to decrypt with")
	}
	raw, err := base64.StdEncoding.DecodeString(ciphertext)
	if err != nil {
		return "", fmt.Errorf("%w: it is not base64", ErrDecrypt)
	}
	plaintext, err := key.Decrypt(rand.Reader, raw, &rsa.OAEPOptions{Hash: crypto.SHA1})
	if err != nil {
		return "", ErrDecrypt
	}
	return string(plaintext), nil
}
