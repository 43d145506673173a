package refresh_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/refresh"
)

const (
	apiv3Key = "0123456789abcdef0123456789abcdef"
	keyID    = "PUB_KEY_ID_0119000001092024112600000000"
)

// keys are made once: making RSA keys is slow.
var keys = sync.OnceValue(func() (k struct{ one, two, public *rsa.PrivateKey }) {
	k.one, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.two, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.public, _ = rsa.GenerateKey(rand.Reader, 2048)
	return k
})

// item is one certificate of a list, before it is encrypted.
type item struct {
	serial    int64
	key       crypto.Signer
	from, to  time.Duration // from now
	serialNo  string        // in the list; the certificate's if it is empty
	algorithm string
	spoil     func(ciphertext string) string
}

func good(serial int64, key *rsa.PrivateKey) item {
	return item{serial: serial, key: key, from: -time.Hour, to: year}
}

func (i item) object(t testing.TB, now time.Time) map[string]any {
	template := &x509.Certificate{SerialNumber: big.NewInt(i.serial), NotBefore: now.Add(i.from), NotAfter: now.Add(i.to)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, i.key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	sealed, err := crypt.SealGCM(apiv3Key, "0123456789ab", "certificate", text)
	if err != nil {
		t.Fatal(err)
	}
	ciphertext := base64.StdEncoding.EncodeToString(sealed)
	if i.spoil != nil {
		ciphertext = i.spoil(ciphertext)
	}
	if i.serialNo == "" {
		i.serialNo = auth.SerialNo(cert)
	}
	if i.algorithm == "" {
		i.algorithm = "AEAD_AES_256_GCM"
	}
	return map[string]any{
		"serial_no": i.serialNo, "effective_time": "2018-06-08T10:34:56+08:00", "expire_time": "2018-12-08T10:34:56+08:00",
		"encrypt_certificate": map[string]any{
			"algorithm": i.algorithm, "nonce": "0123456789ab", "associated_data": "certificate", "ciphertext": ciphertext,
		},
	}
}

func body(t testing.TB, now time.Time, items ...item) string {
	data := []any{}
	for _, i := range items {
		data = append(data, i.object(t, now))
	}
	text, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// signed are the headers of an answer that WeChat Pay signed at now.
func signed(t testing.TB, key *rsa.PrivateKey, serial, body string, now time.Time) http.Header {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	signature, err := auth.Sign(key, auth.AnswerText(timestamp, "n", []byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("Wechatpay-Serial", serial)
	header.Set("Wechatpay-Timestamp", timestamp)
	header.Set("Wechatpay-Nonce", "n")
	header.Set("Wechatpay-Signature", signature)
	return header
}

func TestRead(t *testing.T) {
	t.Parallel()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	one, two := good(0x5a01, keys().one), good(0x5b02, keys().two)
	with := func(i item, change func(*item)) item { change(&i); return i }
	expired := with(two, func(i *item) { i.to = -time.Second })
	tests := map[string]struct {
		items  []item
		by     *rsa.PrivateKey // keys().one if it is nil
		serial string          // 5A01 if it is empty
		change func(header http.Header, body *string)
		known  []auth.PlatformKey
		want   string // the serials
		text   string // of the error
		is     error
	}{
		"a list signed by its only certificate":          {items: []item{one}, want: "5A01"},
		"a list signed by one of two":                    {items: []item{two, one}, want: "5B02 5A01"},
		"a certificate that will be valid":               {items: []item{one, with(two, func(i *item) { i.from = time.Hour })}, want: "5A01 5B02"},
		"a certificate that has expired is left out":     {items: []item{expired, one}, want: "5A01"},
		"a certificate in its last second":               {items: []item{with(two, func(i *item) { i.to = 0 }), one}, want: "5B02 5A01"},
		"a serial number in small letters and zeros":     {items: []item{with(one, func(i *item) { i.serialNo = "005a01" })}, want: "5A01"},
		"a list signed by the public key":                {items: []item{one}, by: keys().public, serial: keyID, known: []auth.PlatformKey{auth.PublicKey(keyID, &keys().public.PublicKey)}, want: "5A01"},
		"a list signed by a certificate that is known":   {items: []item{one}, by: keys().two, serial: "5B02", known: []auth.PlatformKey{{Serial: "5B02", Public: &keys().two.PublicKey, NotBefore: now, NotAfter: now}}, want: "5A01"},
		"the list's certificate goes before a known one": {items: []item{one}, known: []auth.PlatformKey{{Serial: "5A01", Public: &keys().two.PublicKey}}, want: "5A01"},

		"a list signed by a key that is nowhere":    {items: []item{one}, by: keys().two, serial: "5B02", is: auth.ErrUnknownSerial},
		"a list signed by another in its name":      {items: []item{one}, by: keys().two, is: auth.ErrBadSignature},
		"a list signed by an expired certificate":   {items: []item{one, expired}, by: keys().two, serial: "5B02", is: auth.ErrUnknownSerial},
		"a list without a signature":                {items: []item{one}, change: func(h http.Header, _ *string) { clear(h) }, is: auth.ErrNotSigned},
		"a list from yesterday":                     {items: []item{one}, change: func(h http.Header, b *string) { maps(h, signed(t, keys().one, "5A01", *b, now.Add(-24*time.Hour))) }, is: auth.ErrExpired},
		"a probe":                                   {items: []item{one}, change: func(h http.Header, _ *string) { h.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x") }, is: auth.ErrProbe},
		"a list with a byte more":                   {items: []item{one}, change: func(_ http.Header, b *string) { *b += " " }, is: auth.ErrBadSignature},
		"a list that is cut off":                    {items: []item{one}, change: func(_ http.Header, b *string) { *b = (*b)[:len(*b)/2] }, text: "is not JSON"},
		"a page of a proxy":                         {change: func(_ http.Header, b *string) { *b = "<html>" }, text: "is not JSON"},
		"an empty list":                             {text: "holds no platform certificate"},
		"no list at all":                            {change: func(_ http.Header, b *string) { *b = "{}" }, text: "holds no platform certificate"},
		"a list of expired certificates":            {items: []item{expired}, text: "holds no platform certificate"},
		"a certificate under another serial number": {items: []item{with(one, func(i *item) { i.serialNo = "5B02" })}, text: "its serial_no is not that of the certificate"},
		"a certificate without a serial number":     {items: []item{with(one, func(i *item) { i.serialNo = "0" })}, text: "its serial_no is not that of the certificate"},
		"one good and one under another's number":   {items: []item{one, with(two, func(i *item) { i.serialNo = "5A01" })}, text: "certificate 2 of the list"},
		"a certificate that is there twice":         {items: []item{one, one}, text: "two platform keys are named 5A01"},
		"another algorithm":                         {items: []item{with(one, func(i *item) { i.algorithm = "AEAD_SM4_GCM" })}, text: "its algorithm is not"},
		"a ciphertext that is not base64":           {items: []item{with(one, func(i *item) { i.spoil = func(string) string { return "*" } })}, text: "is not base64"},
		"a ciphertext that is too short":            {items: []item{with(one, func(i *item) { i.spoil = func(string) string { return "AAAA" } })}, is: crypt.ErrDecrypt},
		"a ciphertext of garbage":                   {items: []item{with(one, func(i *item) { i.spoil = func(s string) string { return "AAAA" + s[4:] } })}, is: crypt.ErrDecrypt, text: "it is not encrypted with this APIv3 key (APIv3密钥)"},
		"a certificate of an elliptic curve":        {items: []item{with(one, func(i *item) { i.key = curve })}, text: "want an RSA key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			by, serial := keys().one, "5A01"
			if tt.by != nil {
				by = tt.by
			}
			if tt.serial != "" {
				serial = tt.serial
			}
			text := body(t, now, tt.items...)
			header := signed(t, by, serial, text, now)
			if tt.change != nil {
				tt.change(header, &text)
			}
			found, err := refresh.Read(apiv3Key, header, []byte(text), tt.known, now)
			if tt.want != "" {
				if err != nil || serials(found) != tt.want {
					t.Errorf("read %s, %v, want %s", serials(found), err, tt.want)
				}
				return
			}
			if err == nil || found != nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("read %s, %v, want %v %s", serials(found), err, tt.is, tt.text)
			}
		})
	}
}

func maps(to, from http.Header) {
	for name := range from {
		to[name] = from[name]
	}
}

// FuzzRead: whatever comes, it is refused or read, and only what was signed is read.
func FuzzRead(f *testing.F) {
	now := time.Unix(1764000000, 0)
	list := body(f, now, good(0x5a01, keys().one))
	header := signed(f, keys().one, "5A01", list, now)
	f.Add([]byte(list))
	f.Add([]byte(`{"data":[{"serial_no":"5A01"}]}`))
	f.Add([]byte(`{"data":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := refresh.Read(apiv3Key, header, text, nil, now)
		if (err == nil) != (string(text) == list) || err == nil && serials(found) != "5A01" {
			t.Errorf("%q reads as %s, %v", text, serials(found), err)
		}
	})
}
