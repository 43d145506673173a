package auth

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// SignType is how a message of APIv2 is signed (签名类型, sign_type). Both types need the APIv2 key
// (APIv2密钥), on both sides.
//
// See https://pay.weixin.qq.com/doc/v2/merchant/4011985891.
type SignType string

const (
	// MD5 is what holds where a request has no sign_type. It is weak, but many operations know
	// nothing else.
	MD5 SignType = "MD5"
	// HMACSHA256 is HMAC with SHA-256; some operations know nothing else.
	HMACSHA256 SignType = "HMAC-SHA256"
)

// APIv2KeySize is the length of an APIv2 key (APIv2密钥) in bytes.
const APIv2KeySize = 32

// CheckAPIv2Key tells whether apiv2Key can be an APIv2 key (APIv2密钥).
func CheckAPIv2Key(apiv2Key string) error {
	if len(apiv2Key) != APIv2KeySize {
		return fmt.Errorf("the APIv2 key (APIv2密钥) has %d bytes, want %d: "+
			"it is the text set on the merchant platform (商户平台), not decoded", len(apiv2Key), APIv2KeySize)
	}
	return nil
}

// ParamsText is the text that APIv2 signs, but for the key at its end: name=value of each parameter,
// sorted by name byte by byte and joined by &, the values as they are. Parameters without a value
// are left out, and so is the one named sign.
//
// Nothing is escaped, so a value that holds "&b=1" reads like a parameter b: of what a stranger
// sent, believe no more than the receiver's key is good for.
func ParamsText(params iter.Seq2[string, string]) []byte { return paramsText(params, "", "") }

// paramsText has room for the secret, and puts it at the end if it has a name.
func paramsText(params iter.Seq2[string, string], secretName, secret string) []byte {
	type param struct{ name, value string }
	list := make([]param, 0, 32) // more than most messages have
	size := len(secretName) + len(secret) + len("&=")
	for name, value := range params {
		if value == "" || name == "sign" {
			continue
		}
		list = append(list, param{name, value})
		size += len(name) + len(value) + len("=&")
	}
	slices.SortFunc(list, func(a, b param) int { return strings.Compare(a.name, b.name) })

	text := make([]byte, 0, size)
	for i, p := range list {
		if i > 0 {
			text = append(text, '&')
		}
		text = append(append(append(text, p.name...), '='), p.value...)
	}
	if secretName != "" {
		text = append(append(append(append(text, '&'), secretName...), '='), secret...)
	}
	return text
}

// Sign signs params, of which [ParamsText] tells what counts, with the APIv2 key. The signature is
// in upper-case hexadecimal: 32 digits of MD5, 64 of HMAC-SHA256. sign_type is a parameter like any
// other, and who sends it signs it.
func (t SignType) Sign(apiv2Key string, params iter.Seq2[string, string]) (string, error) {
	if err := CheckAPIv2Key(apiv2Key); err != nil {
		return "", err
	}
	switch text := paramsText(params, "key", apiv2Key); t {
	case MD5:
		digest := md5.Sum(text)
		return upperHex(digest[:]), nil
	case HMACSHA256:
		mac := hmac.New(sha256.New, []byte(apiv2Key))
		mac.Write(text)
		return upperHex(mac.Sum(nil)), nil
	}
	return "", fmt.Errorf("the sign type (签名类型) is %q, want %s or %s", clip(string(t)), MD5, HMACSHA256)
}

// VerifyParams tells whether the parameter sign is [SignType.Sign]'s of the other parameters. Its
// length tells of which type it is, and that must be one of accept: WeChat Pay mostly answers with
// the type that the request had, but some notifications to merchants of HMAC-SHA256 come with MD5.
// If it is not, the error is [ErrNotSigned] or [ErrBadSignature].
func VerifyParams(apiv2Key string, params iter.Seq2[string, string], accept ...SignType) error {
	var sign string
	for name, value := range params {
		if name == "sign" {
			sign = value
		}
	}
	if sign == "" {
		return ErrNotSigned
	}
	t, known := map[int]SignType{2 * md5.Size: MD5, 2 * sha256.Size: HMACSHA256}[len(sign)]
	if !known || !slices.Contains(accept, t) {
		return fmt.Errorf("%w: it has %d characters, as none of the sign types %q has", ErrBadSignature, len(sign), accept)
	}
	want, err := t.Sign(apiv2Key, params)
	if err != nil {
		return err
	}
	if !hmac.Equal([]byte(sign), []byte(want)) {
		return ErrBadSignature
	}
	return nil
}

// SignWorkWx is workwx_sign, which red packets and transfers of WeCom (企业微信) have beside sign: MD5
// over those parameters that the operation lists for it, under the secret (企业微信应用secret) of the
// application that pays. It is a parameter of sign in turn.
//
// See https://developer.work.weixin.qq.com/document/path/90281.
func SignWorkWx(secret string, params iter.Seq2[string, string]) (string, error) {
	if secret == "" {
		return "", errors.New("no secret of the WeCom application (企业微信应用secret)")
	}
	digest := md5.Sum(paramsText(params, "secret", secret))
	return upperHex(digest[:]), nil
}

func upperHex(digest []byte) string { return strings.ToUpper(hex.EncodeToString(digest)) }
