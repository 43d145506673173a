// Package keys holds the keys of a simulated gateway: its own, which it signs with, and those of
// its merchants, which it verifies with.
package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Ring is all keys of a world. It is safe for concurrent use.
type Ring struct {
	platform  *rsa.PrivateKey
	signer    func(*rsa.PrivateKey) crypto.Signer
	signs     crypto.Signer // with platform
	merchants map[string]*Merchant
	brands    map[string]*Merchant // by brand_id
	world     []world.PlatformCertificate
	rotations *store.Table[Rotation]

	mu           sync.RWMutex
	certificates []*Certificate // 平台证书
	signing      string         // the serial number of the one that signs
}

// Merchant is a merchant that signs calls.
type Merchant struct {
	*world.Merchant
	Public   *rsa.PublicKey
	NotAfter time.Time // when its certificate expires
}

// New reads the keys of w, which has to be complete, and keeps what becomes of them in st. Each key signs
// as what signer makes of it, or itself if that is nil.
func New(w *world.World, st *store.Store, signer func(*rsa.PrivateKey) crypto.Signer) (*Ring, error) {
	platform, err := auth.ParsePrivateKey([]byte(w.Platform.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("the platform's private_key: %w", err)
	}
	if signer == nil {
		signer = func(key *rsa.PrivateKey) crypto.Signer { return key }
	}
	signs := signer(platform)
	if signs == nil {
		return nil, errors.New("the Signer of the gateway's configuration returned nil: it has to return the key itself where it knows nothing better")
	}
	r := &Ring{
		platform: platform, signer: signer, signs: signs,
		merchants: map[string]*Merchant{}, brands: map[string]*Merchant{}, world: w.Platform.Certificates,
	}
	if err := r.readMerchants(w); err != nil {
		return nil, err
	}
	if err := r.set(Rotation{Certificates: r.world}); err != nil {
		return nil, err
	}
	r.rotations = store.NewTable(st, "platform.rotation", store.Hooks[Rotation]{Changed: r.changed})
	return r, nil
}

func (r *Ring) readMerchants(w *world.World) error {
	for i := range w.Merchants {
		m := &w.Merchants[i]
		if m.Certificate == "" {
			continue
		}
		cert, err := auth.ParseCertificate([]byte(m.Certificate))
		if err != nil {
			return fmt.Errorf("the certificate of merchant %s: %w", m.MchID, err)
		}
		public, ok := cert.PublicKey.(*rsa.PublicKey)
		if !ok {
			return fmt.Errorf("the certificate of merchant %s holds a %T, want an RSA key", m.MchID, cert.PublicKey)
		}
		r.merchants[m.MchID] = &Merchant{Merchant: m, Public: public, NotAfter: cert.NotAfter}
		if m.BrandID != "" {
			brand := *m
			brand.KeyMode = world.PublicKeyMode // brands have no platform certificates
			r.brands[m.BrandID] = &Merchant{Merchant: &brand, Public: public, NotAfter: cert.NotAfter}
		}
	}
	return nil
}

// Merchant is the merchant with this number, if it signs calls.
func (r *Ring) Merchant(mchID string) *Merchant { return r.merchants[mchID] }

// Brand is the merchant that is the brand with this number, if it signs calls.
func (r *Ring) Brand(brandID string) *Merchant { return r.brands[brandID] }

// Others are the public keys that may be mixed up with that of a merchant, by whose they are.
func (r *Ring) Others(mchID string) map[string]*rsa.PublicKey {
	others := map[string]*rsa.PublicKey{"WeChat Pay": &r.platform.PublicKey}
	for id, m := range r.merchants {
		if id != mchID {
			others["merchant "+id] = m.Public
		}
	}
	return others
}

// Known tells whether the key is that of a merchant.
func (r *Ring) Known(public *rsa.PublicKey) bool {
	for _, m := range r.merchants {
		if m.Public.Equal(public) {
			return true
		}
	}
	return false
}

// OthersV2 are the texts that may be mixed up with the APIv2 key of a merchant, by what they are.
func (r *Ring) OthersV2(mchID string) map[string]string {
	others := map[string]string{}
	for id, m := range r.merchants {
		if others["the APIv3 key (APIv3密钥) of merchant "+id] = m.APIv3Key; id != mchID {
			others["the key of merchant "+id] = m.APIv2Key
		}
	}
	return others
}

// PublicKeyPEM is WeChat Pay's public key (微信支付公钥).
func (r *Ring) PublicKeyPEM() (string, error) { return world.PublicKeyPEM(r.platform) }

// Sign adds the signature of body, which goes to the merchant, to the headers h. The scheme is that of
// who called, and the key the one that asked names, where it may be chosen. An effect of a fault
// spoils it.
func (r *Ring) Sign(h http.Header, scheme, mchID, asked string, body []byte, now time.Time, spoil world.Effect) {
	switch spoil {
	case world.EffectUnsigned:
		return
	case world.EffectStale:
		now = now.Add(-auth.Window - time.Minute)
	case world.EffectFuture:
		now = now.Add(auth.Window + time.Minute)
	case world.EffectWrongSignature:
		body = append([]byte("not "), body...)
	}
	serial, key := r.choose(mchID, asked)
	if scheme == auth.BrandScheme {
		serial, key = world.PublicKeyID(mchID), r.signs
	}
	timestamp, nonce := strconv.FormatInt(now.Unix(), 10), newNonce()
	signature, err := auth.Sign(key, auth.AnswerText(timestamp, nonce, body))
	if err != nil {
		panic(err) // a key in memory does not fail, and another that does is named in sim.Config.Signer
	}
	if spoil == world.EffectProbe {
		signature = "WECHATPAY/SIGNTEST/" + signature[len("WECHATPAY/SIGNTEST/"):]
	}
	if spoil == world.EffectUnknownSerial {
		serial = "PUB_KEY_ID_0000000000000000000000000000"
	}
	h.Set("Wechatpay-Nonce", nonce)
	h.Set("Wechatpay-Timestamp", timestamp)
	h.Set("Wechatpay-Serial", serial)
	h.Set("Wechatpay-Signature", signature)
	h.Set("Wechatpay-Signature-Type", scheme)
}

func newNonce() string {
	var raw [16]byte
	rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}
