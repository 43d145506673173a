package auth

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
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

// A Source has platform keys that come and go by themselves, such as certificates that are
// downloaded. It is safe for concurrent use.
type Source interface {
	// Keys returns the keys that there are now, at once. If missed is not empty, it names one
	// that is not among them, or has expired: then Keys may look for it first, until ctx ends,
	// and the error tells why it was not looked for to the end.
	Keys(ctx context.Context, missed string) ([]PlatformKey, error)
}

// Verifier verifies what WeChat Pay signed. It is safe for concurrent use.
type Verifier struct {
	given  atomic.Pointer[[]PlatformKey]
	source Source // nil if there is none
	scheme string // what Wechatpay-Signature-Type names, if it does; "" is Scheme
}

// NewVerifier returns a Verifier that trusts keys, and only those.
func NewVerifier(keys ...PlatformKey) (*Verifier, error) {
	return newVerifier(&Verifier{}, keys)
}

// NewVerifierFrom returns a Verifier that trusts the keys of source, and keys as well, which may
// be none.
func NewVerifierFrom(source Source, keys ...PlatformKey) (*Verifier, error) {
	if source == nil {
		return nil, errors.New("there is no source of platform keys")
	}
	return newVerifier(&Verifier{source: source}, keys)
}

// NewBrandVerifier returns a Verifier of what WeChat Pay signs for a brand (品牌). Its public keys
// (微信支付公钥) are the brand's own; a brand has no platform certificates.
func NewBrandVerifier(keys ...PlatformKey) (*Verifier, error) {
	return newVerifier(&Verifier{scheme: BrandScheme}, keys)
}

func newVerifier(v *Verifier, keys []PlatformKey) (*Verifier, error) {
	if err := v.Replace(keys...); err != nil {
		return nil, err
	}
	return v, nil
}

// Replace puts keys in the place of those that the Verifier was made with or was given since;
// those of a [Source] stay. Calls and notifications may be under way: each is verified with
// the old keys or with the new. If keys are not valid, the old ones stay.
func (v *Verifier) Replace(keys ...PlatformKey) error {
	if len(keys) == 0 && v.source == nil {
		return errors.New("no key to verify WeChat Pay with: " +
			"give its public key (微信支付公钥, auth.PublicKey) or a platform certificate (平台证书, auth.Certificate)")
	}
	for i, key := range keys {
		if err := key.check(); err != nil {
			return err
		}
		if _, twice := find(keys[:i], key.Serial); twice {
			return fmt.Errorf("two platform keys are named %s", key.Serial)
		}
	}
	given := slices.Clone(keys)
	v.given.Store(&given)
	return nil
}

// Keys returns the keys that are trusted now, for instance to watch when they expire.
func (v *Verifier) Keys() []PlatformKey { return slices.Concat(v.ours(), v.sourced()) }

// Has tells whether a key with this serial is trusted now, without looking for it.
func (v *Verifier) Has(serial string) bool {
	_, found := find(v.Keys(), serial)
	return found
}

// Preferred is the key that WeChat Pay is asked to sign with at now, by a request's
// Wechatpay-Serial header, and that sensitive fields are encrypted for: the WeChat Pay public
// key if there is one, else the newest platform certificate that is valid. If none is valid it
// is the newest, and the zero PlatformKey if there is no key.
func (v *Verifier) Preferred(now time.Time) PlatformKey {
	var best PlatformKey
	for _, keys := range [...][]PlatformKey{v.ours(), v.sourced()} {
		for _, key := range keys {
			if best.Public == nil || key.preferredTo(best, now) {
				best = key
			}
		}
	}
	return best
}

// Verify tells whether WeChat Pay signed body in the last minutes before now. The
// header is that of an answer or of a notification; body is its bytes as received.
// Where the keys come from a [Source], a key that is missing is waited for until ctx ends.
func (v *Verifier) Verify(ctx context.Context, header http.Header, body []byte, now time.Time) error {
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
	if scheme, want := header.Get("Wechatpay-Signature-Type"), cmp.Or(v.scheme, Scheme); scheme != "" && scheme != want {
		return fmt.Errorf("%w: its type is %q, want %s", ErrBadSignature, clip(scheme), want)
	}
	if err := checkTimestamp(timestamp, now); err != nil {
		return err
	}
	key, err := v.key(ctx, serial, now)
	if err != nil {
		return err
	}
	return verifyDigest(key.Public, digest(body, timestamp, nonce), signature)
}

// key finds the key with this name.
func (v *Verifier) key(ctx context.Context, serial string, now time.Time) (PlatformKey, error) {
	key, found := find(v.ours(), serial)
	if !found || key.expired(now) {
		if sourced, ok := find(v.sourced(), serial); ok {
			key, found = sourced, true
		}
	}
	var failed error
	if v.source != nil && (!found || key.expired(now)) {
		var keys []PlatformKey
		keys, failed = v.source.Keys(ctx, serial)
		if renewed, ok := find(keys, serial); ok {
			key, found = renewed, true
		}
	}
	switch {
	case !found && failed != nil: // as text: what its codes are about is another call
		return PlatformKey{}, fmt.Errorf("%w: Wechatpay-Serial is %q, which was looked for in vain: %v", ErrUnknownSerial, clip(serial), failed)
	case !found:
		return PlatformKey{}, fmt.Errorf("%w: Wechatpay-Serial is %q, and this program has %s", ErrUnknownSerial, clip(serial), v.names())
	case key.expired(now):
		return PlatformKey{}, fmt.Errorf("%w: the platform certificate %s expired on %s",
			ErrUnknownSerial, key.Serial, key.NotAfter.Format(time.DateOnly))
	}
	return key, nil
}

func (v *Verifier) ours() []PlatformKey {
	if given := v.given.Load(); given != nil {
		return *given
	}
	return nil
}

func (v *Verifier) sourced() []PlatformKey {
	if v.source == nil {
		return nil
	}
	keys, _ := v.source.Keys(context.Background(), "")
	return keys
}

// names are the serials of the keys, for who has to find out why one is not among them.
func (v *Verifier) names() string {
	var names []string
	for _, key := range v.Keys() {
		names = append(names, key.Serial)
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	if len(names) > 3 {
		names = append(names[:3], "…")
	}
	return strings.Join(names, ", ")
}

// find looks in a handful of keys.
func find(keys []PlatformKey, serial string) (PlatformKey, bool) {
	name := canonical(serial)
	for _, key := range keys {
		if canonical(key.Serial) == name {
			return key, true
		}
	}
	return PlatformKey{}, false
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

// preferredTo is the order in which keys are asked for: public keys do not expire, what is valid
// goes before what is not, and of two certificates the one that began later is the successor.
func (k PlatformKey) preferredTo(other PlatformKey, now time.Time) bool {
	if ours, theirs := k.valid(now), other.valid(now); ours != theirs {
		return ours
	}
	if k.NotAfter.IsZero() || other.NotAfter.IsZero() {
		return k.NotAfter.IsZero() && !other.NotAfter.IsZero()
	}
	return k.NotBefore.After(other.NotBefore)
}

func (k PlatformKey) valid(now time.Time) bool { return !k.expired(now) && !now.Before(k.NotBefore) }

func (k PlatformKey) expired(now time.Time) bool {
	return !k.NotAfter.IsZero() && now.After(k.NotAfter)
}
