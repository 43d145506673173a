package doctor_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
)

// writes is a client that signs the right text, in its own way.
func writes(sign func(t *testing.T, text string) string) client {
	c := signsBody(plain, plain)
	c.sign = sign
	return c
}

// rewrites is a client that changes a signature which is right. Some changes show in a plus sign
// or a slash only, so it takes nonces until there are both.
func rewrites(change func(signature string) string) client {
	for i := 0; ; i++ {
		nonce := strconv.Itoa(i)
		signature, err := auth.Sign(keyring()[0], []byte(lines("GET", search, when, nonce, "")))
		if err != nil {
			panic(err)
		}
		if strings.Contains(signature, "+") && strings.Contains(signature, "/") {
			return client{method: "GET", target: search, nonce: nonce, sign: func(*testing.T, string) string { return change(signature) }}
		}
	}
}

func raw(signature string) []byte {
	b, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		panic(err)
	}
	return b
}

// wrapped is base64 as openssl writes it, after the line breaks became spaces in a header.
func wrapped(signature string) string {
	var lines []string
	for line := range slices.Chunk([]byte(signature), 64) {
		lines = append(lines, string(line))
	}
	return strings.Join(lines, " ")
}

func withPSS(hash crypto.Hash, salt int) func(*testing.T, string) string {
	return func(t *testing.T, text string) string {
		h := hash.New()
		h.Write([]byte(text))
		signature, err := rsa.SignPSS(rand.Reader, keyring()[0], hash, h.Sum(nil), &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(signature)
	}
}

// padded signs sum under the name of hash, 0 for none.
func padded(hash crypto.Hash, sum func(text string) []byte) func(*testing.T, string) string {
	return func(t *testing.T, text string) string {
		signature, err := rsa.SignPKCS1v15(nil, keyring()[0], hash, sum(text))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(signature)
	}
}

func sum256(text string) []byte { s := sha256.Sum256([]byte(text)); return s[:] }

// signatures are clients that sign the right text with a wrong key or in a wrong way.
func signatures() map[string]map[string]client {
	by := func(i int) client {
		return writes(func(t *testing.T, text string) string { return signedBy(t, keyring()[i], text) })
	}
	twice := func(form func([]byte) string) client {
		return writes(func(t *testing.T, text string) string { return signed(t, form(sum256(text))) })
	}
	return map[string]map[string]client{
		"other-key": {"a sub-merchant's": by(1), "the platform's": by(2)},
		"signature-base64url": {
			"padded":   rewrites(func(s string) string { return base64.URLEncoding.EncodeToString(raw(s)) }),
			"unpadded": rewrites(func(s string) string { return base64.RawURLEncoding.EncodeToString(raw(s)) }),
		},
		"signature-unpadded":     {"": rewrites(func(s string) string { return strings.TrimRight(s, "=") })},
		"signature-base64-twice": {"": rewrites(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
		"signature-hex": {
			"lower case": rewrites(func(s string) string { return hex.EncodeToString(raw(s)) }),
			"upper case": rewrites(func(s string) string { return strings.ToUpper(hex.EncodeToString(raw(s))) }),
			"in base64":  rewrites(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(raw(s)))) }),
		},
		"signature-plus-lost": {"": rewrites(func(s string) string { return strings.ReplaceAll(s, "+", " ") })},
		"signature-wrapped": {
			"into lines":           rewrites(wrapped),
			"a line break at last": rewrites(func(s string) string { return s + " " }),
			"and escaped":          rewrites(func(s string) string { return strings.ReplaceAll(wrapped(s), " ", `\n`) }),
		},
		"signature-escaped": {
			"for a URL": rewrites(url.QueryEscape),
			"for JSON":  rewrites(func(s string) string { return strings.ReplaceAll(s, "/", `\/`) }),
		},
		"signature-reversed": {"": rewrites(func(s string) string {
			b := raw(s)
			slices.Reverse(b)
			return base64.StdEncoding.EncodeToString(b)
		})},
		"v2-signature": {
			"MD5": writes(func(_ *testing.T, text string) string {
				s := md5.Sum([]byte(text))
				return strings.ToUpper(hex.EncodeToString(s[:]))
			}),
			"HMAC-SHA256": writes(func(_ *testing.T, text string) string {
				h := hmac.New(sha256.New, []byte("key"))
				h.Write([]byte(text))
				return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
			}),
		},
		"not-rsa": {"": writes(func(t *testing.T, text string) string {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			signature, err := ecdsa.SignASN1(rand.Reader, key, sum256(text))
			if err != nil {
				t.Fatal(err)
			}
			return base64.StdEncoding.EncodeToString(signature)
		})},
		"pss": {
			"with a salt like the hash": writes(withPSS(crypto.SHA256, rsa.PSSSaltLengthEqualsHash)),
			"with the longest salt":     writes(withPSS(crypto.SHA256, rsa.PSSSaltLengthAuto)),
		},
		"pss other-hash": {"": writes(withPSS(crypto.SHA1, 20))},
		"other-hash": {
			"SHA-1":   writes(padded(crypto.SHA1, func(text string) []byte { s := sha1.Sum([]byte(text)); return s[:] })),
			"MD5":     writes(padded(crypto.MD5, func(text string) []byte { s := md5.Sum([]byte(text)); return s[:] })),
			"SHA-512": writes(padded(crypto.SHA512, func(text string) []byte { s := sha512.Sum512([]byte(text)); return s[:] })),
		},
		"digest-info-missing": {
			"the hash":                writes(padded(0, sum256)),
			"the hash in hexadecimal": writes(padded(0, func(text string) []byte { return []byte(hex.EncodeToString(sum256(text))) })),
			"the text":                writes(padded(0, func(text string) []byte { return []byte(text) })),
		},
		"hashed-twice": {
			"in hexadecimal": twice(hex.EncodeToString),
			"in upper case":  twice(func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }),
			"in base64":      twice(base64.StdEncoding.EncodeToString),
			"as bytes":       twice(func(b []byte) string { return string(b) }),
		},
		"unknown-text": {"": signsBody(plain, "something else")},

		// With a mistake in the text.
		"other-key query-left-out":   {"": signedOtherwise(signsTarget(search, order), func(t *testing.T, text string) string { return signedBy(t, keyring()[1], text) })},
		"other-key unknown-text":     {"": signedOtherwise(signsTarget(search, "other"), func(t *testing.T, text string) string { return signedBy(t, keyring()[1], text) })},
		"pss final-newline-missing":  {"": signedOtherwise(post(plain, strings.TrimSuffix(lines("POST", order, when, nonce, plain), "\n")), withPSS(crypto.SHA256, rsa.PSSSaltLengthAuto))},
		"pss unknown-text":           {"": signedOtherwise(signsTarget(search, "other"), withPSS(crypto.SHA256, 32))},
		"hashed-twice body-left-out": {"": signedOtherwise(signsBody(plain, ""), func(t *testing.T, text string) string { return signed(t, hex.EncodeToString(sum256(text))) })},
		"signature-hex other-hash crlf": {"": signedOtherwise(post(plain, strings.ReplaceAll(lines("POST", order, when, nonce, plain), "\n", "\r\n")), func(t *testing.T, text string) string {
			s := padded(crypto.SHA1, func(text string) []byte { s := sha1.Sum([]byte(text)); return s[:] })(t, text)
			return hex.EncodeToString(raw(s))
		})},
	}
}

func signedOtherwise(c client, sign func(*testing.T, string) string) client {
	c.sign = sign
	return c
}

func TestAKeyIsNamedByItsOwner(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"a sub-merchant's": "merchant 1900000109", "the platform's": "WeChat Pay itself"} {
		f := doctor.Diagnose(signatures()["other-key"][name].send(t))
		if len(f) != 1 || !strings.Contains(f[0].Explanation, want) {
			t.Errorf("found %+v, want %s to be named", f, want)
		}
	}
}

// TestTheLongestSaltLeavesTheKeyInDoubt is about a block without zeros: its form may come about by
// chance, so that nothing is said unless a text fits.
func TestTheLongestSaltLeavesTheKeyInDoubt(t *testing.T) {
	t.Parallel()
	c := signedOtherwise(signsTarget(search, "other"), withPSS(crypto.SHA256, rsa.PSSSaltLengthAuto))
	if got := doctor.Diagnose(c.send(t)); got != nil {
		t.Errorf("found %+v", got)
	}
}

func TestAnUnknownTextIsShownByItsHash(t *testing.T) {
	t.Parallel()
	f := doctor.Diagnose(signsBody(plain, "something else").send(t))
	if want := hex.EncodeToString(sum256(lines("POST", order, when, nonce, "something else"))); len(f) != 1 || !strings.Contains(f[0].Explanation, want) {
		t.Errorf("found %+v, want the hash %s", f, want)
	}
}
