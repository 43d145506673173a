package webhooktest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/webhook"
)

// Sender is WeChat Pay as one merchant's handler sees it: it signs and encrypts notifications. It is safe
// for concurrent use if its key is; the keys of crypto/rsa are.
//
// Printed or logged it comes without its keys.
type Sender struct {
	mchID    string
	serial   string
	signType auth.SignType
	verifier *auth.Verifier
	keys     func() keys // in a function, where no %+v finds them
}

// keys are what a notification is signed and sealed with.
type keys struct {
	platform           crypto.Signer
	apiv3Key, apiv2Key string
}

// An Option changes what a [Sender] is made of.
type Option func(*settings) error

type settings struct {
	keys
	mchID, serial string
	signType      auth.SignType
}

// MchID is the number of the merchant (商户号) that is notified. Default: 1900000109, which is nobody's.
func MchID(mchID string) Option {
	return func(s *settings) error {
		s.mchID = mchID
		return nil
	}
}

// PlatformKey signs with this key of WeChat Pay, whose public half the handler knows by the name
// serial: 微信支付公钥ID or 平台证书序列号. Default: a key that is made once in each program.
func PlatformKey(serial string, key crypto.Signer) Option {
	return func(s *settings) error {
		if key == nil {
			return errors.New("the platform key is nil: load one with auth.LoadPrivateKey")
		}
		s.serial, s.platform = serial, key
		return nil
	}
}

// APIv3Key encrypts with this APIv3 key (APIv3密钥, 32 bytes). Default: a random one.
func APIv3Key(apiv3Key string) Option {
	return func(s *settings) error {
		s.apiv3Key = apiv3Key
		return crypt.CheckAPIv3Key(apiv3Key)
	}
}

// APIv2Key signs and seals messages of APIv2 with this APIv2 key (APIv2密钥, 32 bytes). Default: a random
// one.
func APIv2Key(apiv2Key string) Option {
	return func(s *settings) error {
		s.apiv2Key = apiv2Key
		return auth.CheckAPIv2Key(apiv2Key)
	}
}

// SignType is how messages of APIv2 are signed that do not say it themselves. Default: auth.MD5.
func SignType(signType auth.SignType) Option {
	return func(s *settings) error {
		if signType != auth.MD5 && signType != auth.HMACSHA256 {
			return errors.New("the SignType is neither auth.MD5 nor auth.HMACSHA256")
		}
		s.signType = signType
		return nil
	}
}

// NewSender returns a Sender. Without options it makes up all keys: [Sender.Merchant] has them for the
// handler.
func NewSender(opts ...Option) (*Sender, error) {
	s := settings{mchID: "1900000109", signType: auth.MD5, keys: keys{apiv3Key: newKey(), apiv2Key: newKey()}}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("webhooktest: an Option is nil")
		}
		if err := opt(&s); err != nil {
			return nil, fmt.Errorf("webhooktest: %w", err)
		}
	}
	if s.platform == nil {
		key, err := platformKey()
		if err != nil {
			return nil, fmt.Errorf("webhooktest: %w", err)
		}
		s.serial, s.platform = "PUB_KEY_ID_01"+s.mchID+"2026010100000000", key
	}
	pub, ok := s.platform.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("webhooktest: the platform key is for a %T, want RSA", s.platform.Public())
	}
	verifier, err := auth.NewVerifier(auth.PublicKey(s.serial, pub))
	if err != nil {
		return nil, fmt.Errorf("webhooktest: %w", err)
	}
	return &Sender{mchID: s.mchID, serial: s.serial, signType: s.signType, verifier: verifier, keys: func() keys { return s.keys }}, nil
}

// Making a key of RSA is slow, so that all of a program share one, and one that nobody trusts.
var platformKey, strangersKey = sync.OnceValues(newRSA), sync.OnceValues(newRSA)

func newRSA() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, auth.MinBits) }

// newKey is text of the length that both keys have that a merchant sets.
func newKey() string { return (rand.Text() + rand.Text())[:crypt.APIv3KeySize] }

// Merchant is what a handler opens the Sender's notifications with: the argument of webhook.New. A handler
// in another program gets the same from its fields and from [Sender.PlatformKey].
func (s *Sender) Merchant() webhook.Merchant {
	k := s.keys()
	return webhook.Merchant{MchID: s.mchID, Verifier: s.verifier, APIv3Key: k.apiv3Key, APIv2Key: k.apiv2Key}
}

// PlatformKey is the public half of the key that signs, with its name.
func (s *Sender) PlatformKey() auth.PlatformKey { return s.verifier.Keys()[0] }

// LogValue is s without its keys.
func (s *Sender) LogValue() slog.Value {
	if s == nil {
		return slog.StringValue("<nil>")
	}
	return slog.GroupValue(slog.String("mchid", s.mchID), slog.String("serial", s.serial))
}

// Format prints s without its keys, whatever the verb.
func (s *Sender) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.LogValue()) }
