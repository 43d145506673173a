package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

const (
	apiv2KeySize = 32
	// maxReqInfo bounds req_info in bytes of base64; true ones have about 1000.
	maxReqInfo = 64 << 10
)

// OpenReqInfo decrypts req_info, in standard base64, of the refund notifications (退款结果通知) of
// APIv2, and returns the XML in it, whose root is named root. The cipher is AES-256-ECB with PKCS #7,
// its key the MD5 of the APIv2 key (APIv2密钥) in lower-case hexadecimal.
//
// The notification has no signature, and ECB does not notice blocks that are moved or left out: who
// acts on it asks for the refund first.
//
// See https://pay.weixin.qq.com/doc/v2/merchant/4011935223.
func OpenReqInfo(apiv2Key, reqInfo string) ([]byte, error) {
	block, err := reqInfoCipher(apiv2Key)
	if err != nil {
		return nil, err
	}
	if len(reqInfo) > maxReqInfo {
		return nil, fmt.Errorf("%w: it has %d bytes, want at most %d", ErrDecrypt, len(reqInfo), maxReqInfo)
	}
	ciphertext, err := base64.StdEncoding.DecodeString(reqInfo)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not base64", ErrDecrypt)
	}
	return openECB(block, ciphertext)
}

// SealReqInfo is the reverse of [OpenReqInfo].
func SealReqInfo(apiv2Key string, plaintext []byte) (string, error) {
	block, err := reqInfoCipher(apiv2Key)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sealECB(block, plaintext)), nil
}

func reqInfoCipher(apiv2Key string) (cipher.Block, error) {
	if len(apiv2Key) != apiv2KeySize {
		return nil, fmt.Errorf("the APIv2 key (APIv2密钥) has %d bytes, want %d", len(apiv2Key), apiv2KeySize)
	}
	return aes.NewCipher(reqInfoKey(apiv2Key))
}

// reqInfoKey is text and not the 16 bytes that it stands for: so it has 32 bytes, as AES-256 wants.
func reqInfoKey(apiv2Key string) []byte {
	digest := md5.Sum([]byte(apiv2Key))
	return hex.AppendEncode(nil, digest[:])
}

func openECB(block cipher.Block, ciphertext []byte) ([]byte, error) {
	if len(ciphertext) == 0 || len(ciphertext)%aes.BlockSize != 0 {
		return nil, ErrDecrypt
	}
	plaintext := make([]byte, len(ciphertext))
	for i := 0; i < len(ciphertext); i += aes.BlockSize {
		block.Decrypt(plaintext[i:], ciphertext[i:])
	}
	return unpad(plaintext)
}

func sealECB(block cipher.Block, plaintext []byte) []byte {
	pad := aes.BlockSize - len(plaintext)%aes.BlockSize
	text := append(bytes.Clone(plaintext), bytes.Repeat([]byte{byte(pad)}, pad)...)
	for i := 0; i < len(text); i += aes.BlockSize {
		block.Encrypt(text[i:], text[i:])
	}
	return text
}

// unpad takes off PKCS #7: of at most a block, every byte is how many there are.
func unpad(text []byte) ([]byte, error) {
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, ErrDecrypt
	}
	text, padding := text[:len(text)-pad], text[len(text)-pad:]
	if bytes.Count(padding, padding[:1]) != pad {
		return nil, ErrDecrypt
	}
	return text, nil
}
