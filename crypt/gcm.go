package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// APIv3KeySize is the length of an APIv3 key (APIv3密钥) in bytes.
const APIv3KeySize = 32

const tagSize = 16

// CheckAPIv3Key tells whether apiv3Key can be an APIv3 key (APIv3密钥).
func CheckAPIv3Key(apiv3Key string) error {
	if len(apiv3Key) != APIv3KeySize {
		return fmt.Errorf("the APIv3 key (APIv3密钥) has %d bytes, want %d: "+
			"it is the text set on the merchant platform (商户平台), not decoded", len(apiv3Key), APIv3KeySize)
	}
	return nil
}

// OpenGCM decrypts AEAD_AES_256_GCM: the ciphertext with its 16-byte tag at the end,
// already decoded from base64. The associated data may be empty. The nonce is text of any
// length but zero: 12 bytes in notifications, 16 in bills.
func OpenGCM(apiv3Key, nonce, associatedData string, ciphertext []byte) ([]byte, error) {
	if err := CheckAPIv3Key(apiv3Key); err != nil {
		return nil, err
	}
	return open(apiv3Key, nonce, associatedData, ciphertext)
}

// SealGCM is the reverse of [OpenGCM]. A nonce must not be used twice with one key.
func SealGCM(apiv3Key, nonce, associatedData string, plaintext []byte) ([]byte, error) {
	if err := CheckAPIv3Key(apiv3Key); err != nil {
		return nil, err
	}
	aead, err := newGCM(apiv3Key, nonce)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, []byte(nonce), plaintext, []byte(associatedData)), nil
}

// open takes AES keys of any size, so that published vectors with short test keys serve.
func open(key, nonce, associatedData string, ciphertext []byte) ([]byte, error) {
	if nonce == "" || len(ciphertext) < tagSize {
		return nil, ErrDecrypt
	}
	aead, err := newGCM(key, nonce)
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, []byte(nonce), ciphertext, []byte(associatedData))
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

// newGCM fits the cipher to the nonce: Open panics on a nonce of another length, and
// the nonce comes from outside.
func newGCM(key, nonce string) (cipher.AEAD, error) {
	if nonce == "" {
		return nil, errors.New("the nonce of AEAD_AES_256_GCM is empty")
	}
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		return nil, errors.New("not an AES key")
	}
	return cipher.NewGCMWithNonceSize(block, len(nonce))
}
