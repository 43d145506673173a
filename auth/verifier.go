package auth

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The ways in which an answer or a notification fails to verify. None of them says
// anything about whether the call was carried out.
var (
	// ErrNotSigned: there is no signature. A proxy may have stripped the Wechatpay-* headers,
	// or the answer is not from WeChat Pay.
	ErrNotSigned = errors.New("not signed by WeChat Pay")
	// ErrBadSignature: the signature does not belong to these bytes and this key.
	ErrBadSignature = errors.New("the signature does not match")
	// ErrExpired: the timestamp is more than [Window] away from the clock, as it is in a replay.
	ErrExpired = errors.New("the timestamp is more than 5 minutes from this machine's clock")
	// ErrUnknownSerial: signed with a key that the [Verifier] does not hold.
	ErrUnknownSerial = errors.New("signed with an unknown key")
	// ErrProbe: a deliberately wrong signature, with which WeChat Pay tests that
	// signatures are verified (签名探测流量). Refuse it like any other; the true message follows.
	ErrProbe = errors.New("a signature probe of WeChat Pay, which must be refused")
)

// probePrefix opens the signature of probes; see https://pay.weixin.qq.com/doc/v3/merchant/4013053249.
const probePrefix = "WECHATPAY/SIGNTEST/"

// Verifier verifies what WeChat Pay signed. It is safe for concurrent use.
type Verifier struct {
	keys      map[string]PlatformKey
	preferred PlatformKey
}

// NewVerifier returns a Verifier that trusts keys, and only those.
func NewVerifier(keys ...PlatformKey) (*Verifier, error) {
	if len(keys) == 0 {
		return nil, errors.New("no key to verify WeChat Pay with: " +
			"give its public key (微信支付公钥, auth.PublicKey) or a platform certificate (平台证书, auth.Certificate)")
	}
	v := &Verifier{keys: make(map[string]PlatformKey, len(keys)), preferred: keys[0]}
	for _, key := range keys {
		if err := key.check(); err != nil {
			return nil, err
		}
		name := canonical(key.Serial)
		if _, twice := v.keys[name]; twice {
			return nil, fmt.Errorf("two platform keys are named %s", key.Serial)
		}
		v.keys[name] = key
		if key.preferredTo(v.preferred) {
			v.preferred = key
		}
	}
	return v, nil
}

// Serial names the key that WeChat Pay is asked to sign with, by a request's
// Wechatpay-Serial header: the WeChat Pay public key if there is one, else the
// newest platform certificate.
func (v *Verifier) Serial() string { return v.preferred.Serial }

// Verify tells whether WeChat Pay signed body in the last minutes before now. The
// header is that of an answer or of a notification; body is its bytes as received.
func (v *Verifier) Verify(header http.Header, body []byte, now time.Time) error {
	signature := header.Get("Wechatpay-Signature")
	serial := header.Get("Wechatpay-Serial")
	timestamp := header.Get("Wechatpay-Timestamp")
	nonce := header.Get("Wechatpay-Nonce")

	switch {
	case signature == "" || serial == "" || timestamp == "" || nonce == "":
		return ErrNotSigned
	case strings.HasPrefix(signature, probePrefix):
		return ErrProbe
	case strings.Contains(nonce, "\n"):
		// Of a signed body with line feeds, the head could be passed off as part of the nonce.
		return fmt.Errorf("%w: there is a line feed in Wechatpay-Nonce", ErrBadSignature)
	}
	if scheme := header.Get("Wechatpay-Signature-Type"); scheme != "" && scheme != Scheme {
		return fmt.Errorf("%w: its type is %q, want %s", ErrBadSignature, clip(scheme), Scheme)
	}
	if err := checkTimestamp(timestamp, now); err != nil {
		return err
	}
	key, ok := v.keys[canonical(serial)]
	if !ok {
		return fmt.Errorf("%w: Wechatpay-Serial is %q, and this program has %s", ErrUnknownSerial, clip(serial), v.names())
	}
	if !key.NotAfter.IsZero() && now.After(key.NotAfter) {
		return fmt.Errorf("%w: the platform certificate %s expired on %s",
			ErrUnknownSerial, key.Serial, key.NotAfter.Format(time.DateOnly))
	}
	return Verify(key.Public, AnswerText(timestamp, nonce, body), signature)
}

// names are the serials of the keys, for who has to find out why one is not among them.
func (v *Verifier) names() string {
	var names []string
	for _, key := range v.keys {
		names = append(names, key.Serial)
	}
	slices.Sort(names)
	if len(names) > 3 {
		names = append(names[:3], "…")
	}
	return strings.Join(names, ", ")
}

// canonical is a serial in the form in which two are compared: a certificate's is a number, whose
// digits come in either case and with or without zeros in front.
func canonical(serial string) string { return strings.ToUpper(strings.TrimLeft(serial, "0")) }

func checkTimestamp(timestamp string, now time.Time) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: Wechatpay-Timestamp is %q, want Unix seconds", ErrExpired, clip(timestamp))
	}
	// Compared as integers: a Duration overflows on timestamps from a stranger.
	window := int64(Window / time.Second)
	if seconds < now.Unix()-window || seconds > now.Unix()+window {
		return ErrExpired
	}
	return nil
}

// clip shortens what a stranger sent before it goes into an error.
func clip(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}

// PlatformKey is a key that WeChat Pay signs with. Make one with [PublicKey] or
// [Certificate].
type PlatformKey struct {
	Serial    string // PUB_KEY_ID_…, or the serial number of a platform certificate
	Public    *rsa.PublicKey
	NotBefore time.Time // zero for a WeChat Pay public key, which does not expire
	NotAfter  time.Time // zero likewise
}

func (k PlatformKey) check() error {
	if err := checkHeaderValue("name of the platform key (公钥ID or 平台证书序列号)", k.Serial); err != nil {
		return err
	}
	if err := checkBits(k.Public); err != nil {
		return fmt.Errorf("platform key %s: %w", k.Serial, err)
	}
	return nil
}

// preferredTo is the order in which keys are asked for: public keys do not expire, and
// of two certificates the one that began later is the successor.
func (k PlatformKey) preferredTo(other PlatformKey) bool {
	if k.NotAfter.IsZero() || other.NotAfter.IsZero() {
		return k.NotAfter.IsZero() && !other.NotAfter.IsZero()
	}
	return k.NotBefore.After(other.NotBefore)
}
