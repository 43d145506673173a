package openssl_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"

	"github.com/openwechatpay/wechatpay/openssl"
)

func ExampleSignerOr() {
	key, err := rsa.GenerateKey(rand.Reader, 2048) // in place of auth.LoadPrivateKey
	if err != nil {
		fmt.Println(err)
		return
	}
	signer := openssl.SignerOr(key)
	digest := sha256.Sum256([]byte("GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n"))
	signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	fmt.Println(rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature), err)
	// Output: <nil> <nil>
}
