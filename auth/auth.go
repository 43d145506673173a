// Package auth signs requests to WeChat Pay (微信支付) and verifies what comes back.
//
// Most programs never import it but for its loaders: [LoadPrivateKey],
// [LoadPublicKey] and [PublicKey] turn the files of the merchant platform
// (商户平台) into what wechatpay.Merchant and package webhook want.
//
// # Keys
//
// Two pairs of keys are at work. The merchant signs requests with its API private
// key (商户API私钥, apiclient_key.pem), which WeChat Pay knows by the serial number of the
// merchant's API certificate (商户API证书). WeChat Pay signs answers and notifications
// with a key of its own, which is either the WeChat Pay public key (微信支付公钥,
// pub_key.pem, named PUB_KEY_ID_…) or a platform certificate (平台证书, named by its
// serial number). [Verifier] holds any number of both and chooses by the
// Wechatpay-Serial header. Its keys can be replaced while it verifies, and others can come
// from a [Source], which is asked when a message names a key that is not there;
// wechatpay.DownloadCertificates is one.
//
// APIv2 knows no pairs: both sides sign with the APIv2 key (APIv2密钥), by [SignType.Sign], and verify
// with [VerifyParams].
//
// # Errors
//
// What fails to verify is one of [ErrNotSigned], [ErrBadSignature], [ErrExpired],
// [ErrUnknownSerial] and [ErrProbe]; test with errors.Is. No error of this package
// contains a key, a signature or a body.
package auth

import "time"

// Scheme is the authentication scheme (认证类型) of RSA merchants: SHA-256 with RSA,
// PKCS #1 v1.5. It opens the Authorization header and is the value of
// Wechatpay-Signature-Type.
const Scheme = "WECHATPAY2-SHA256-RSA2048"

// BrandScheme takes the place of [Scheme] in the calls of a brand (品牌), whose paths begin with
// /brand/, and in what WeChat Pay signs for it. Only the name differs, and brand_id stands for mchid.
//
// See https://pay.weixin.qq.com/doc/brand/4015407523.
const BrandScheme = "WECHATPAY-BRAND-SHA256-RSA2048"

// Window is how far the clocks of the two sides may be apart, in either direction.
const Window = 5 * time.Minute

// MinBits is the shortest RSA key that is accepted, for signing and for verifying.
const MinBits = 2048
