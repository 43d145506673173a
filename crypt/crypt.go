// Package crypt holds the two ciphers of APIv3: AEAD_AES_256_GCM, which hides the
// resource of a notification and downloaded certificates, and RSA-OAEP, which hides
// sensitive fields (敏感信息字段) such as names and card numbers. APIv2 has RSA-OAEP too, and
// AES-256-ECB, which hides req_info of its refund notifications.
//
// Most programs never import it: package webhook opens notifications.
//
// # Keys
//
// AEAD_AES_256_GCM takes the APIv3 key (APIv3密钥): the 32 characters that were set on the
// merchant platform, as they are. OAEP takes the public key of the receiver: WeChat
// Pay's on the way up, the merchant's certificate on the way down. req_info takes the APIv2 key
// (APIv2密钥), as it is.
//
// # Errors
//
// What cannot be opened is [ErrDecrypt]; it does not tell why, because that
// would help who forged it. No error contains a key, a plaintext or a ciphertext.
package crypt

import "errors"

// ErrDecrypt is the error of a ciphertext that does not open: another key, a changed
// byte, a missing end.
var ErrDecrypt = errors.New("the ciphertext does not open with this key; it may be changed, cut off or meant for another key")
