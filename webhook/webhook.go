// Package webhook receives the notifications (回调通知) that WeChat Pay sends to a merchant, of APIv3
// and of APIv2. It believes nobody who does not sign, and loses nothing that is true.
//
//	receiver, err := webhook.New(webhook.Merchant{Verifier: client.Verifier(), APIv3Key: apiv3Key})
//	…
//	mux, err := webhook.NewMux(receiver)
//	…
//	webhook.On(mux, func(ctx context.Context, e webhook.Event[payscore.UserPaid]) error {
//		return deliver(ctx, e.Data.OutOrderNo, e.Data.TotalAmount)
//	})
//	http.Handle("POST /notify", mux)
//
// A [Mux] does all: it reads, verifies, decrypts, finds the function for the event, runs it once though
// the notification may come several times, and answers in time with what WeChat Pay wants to hear.
// Frameworks that are not net/http hand header and body to [Mux.Answer]. Who wants only to open a
// notification calls [Receiver.Parse] and [Decode].
//
// # Keys
//
// A notification of APIv3 is signed like an answer, with WeChat Pay's key, and its resource is
// encrypted with the merchant's APIv3 key (APIv3密钥); in partner mode both are the
// service provider's. Take the verifier of the client: if that downloads platform certificates
// (平台证书), a notification by one that is new has it downloaded first. A notification of APIv2 is
// signed with the merchant's APIv2 key (APIv2密钥).
//
// # Once
//
// Notifications come twice, late and out of order. A [Store] remembers what was done; the one that a
// Mux has by itself is in memory, which is enough for one process whose effects may happen again after a
// crash. Modules webhook/boltonce and webhook/sqlonce remember in a file and in a database, where effect
// and mark can be one transaction. [Progress] tells what is late.
//
// # Errors
//
// Errors wrap those of packages auth and crypt, [ErrTooLarge] or [ErrMalformed]. All of them
// are answered with a 4xx or 5xx: WeChat Pay sends again what was true, and probes
// (auth.ErrProbe) want just that. No error contains the body, a key or a signature.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

// DefaultMaxBody is the largest notification that is opened, in bytes, unless [MaxBody] says another.
// Real ones have a few kilobytes.
const DefaultMaxBody = 1 << 20

// ErrTooLarge is the error of a body that is larger than [MaxBody] allows, or one of APIv2 of more than 128 KiB.
var ErrTooLarge = errors.New("the notification is too large")

// ErrMalformed is the error of a body that was signed by WeChat Pay but does not read as a
// notification, and of APIv2 also of one that does not read as far as its signature.
var ErrMalformed = errors.New("the notification is malformed")

// A Verifier tells whether WeChat Pay signed body in the last minutes before now, as
// [auth.Verifier] does. Errors wrap those of package auth; auth.ErrUnknownSerial has the next
// merchant asked.
type Verifier interface {
	Verify(ctx context.Context, header http.Header, body []byte, now time.Time) error
}

var _ Verifier = (*auth.Verifier)(nil)

// Merchant is whose notifications are opened: what WeChat Pay signs with, and the keys. One of
// APIv3 has a Verifier and an APIv3Key, one of APIv2 an APIv2Key, many have all three.
//
// Printed or logged it comes without its keys.
type Merchant struct {
	// MchID is the merchant's number (商户号), the service provider's in partner mode. It comes back in
	// [Notification], and tells of which merchant a message of APIv2 is. Where there are several
	// merchants each has one. It is a part of what a [Store] remembers: who adds or changes it has
	// the notifications of the last day handled again, if they come again.
	MchID string
	// Verifier knows WeChat Pay's keys. Take the client's, or make one with auth.NewVerifier.
	Verifier Verifier
	// APIv3Key opens what is encrypted (APIv3密钥, 32 bytes).
	APIv3Key string `json:"-"`
	// APIv2Key verifies and opens messages of APIv2 (APIv2密钥, 32 bytes). Those of 先住后付 and 租借
	// (package wxv) want the APIv3Key as well. It may stay empty where APIv2 is not in use.
	APIv2Key string `json:"-"`
}

// LogValue is m without its keys.
func (m Merchant) LogValue() slog.Value { return slog.GroupValue(slog.String("mchid", m.MchID)) }

// Format prints m without its keys, whatever the verb.
func (m Merchant) Format(f fmt.State, _ rune) { fmt.Fprint(f, m.LogValue()) }

// Receiver opens notifications. It is safe for concurrent use.
type Receiver struct {
	merchants []merchant
	ciphers   map[string]cipher
	maxBody   int
	now       func() time.Time
}

// An Option changes how a [Receiver] works.
type Option func(*Receiver) error

// Also opens the notifications to further merchants that come to the same URL. The one a notification
// is for is found by the key that it is signed with, and then by whose APIv3 key opens it. It is
// [Notification.MchID]: look orders up by that and their number, or one merchant can pay the orders of another.
func Also(merchants ...Merchant) Option {
	return func(r *Receiver) error {
		for _, m := range merchants {
			if err := r.add(m); err != nil {
				return err
			}
		}
		return nil
	}
}

// MaxBody is the largest notification that is opened, in bytes. Default: [DefaultMaxBody]. One of APIv2 has 128 KiB
// at most, whatever MaxBody is.
func MaxBody(size int) Option {
	return func(r *Receiver) error {
		if size <= 0 {
			return fmt.Errorf("MaxBody is %d bytes, want at least 1", size)
		}
		r.maxBody = size
		return nil
	}
}

// Clock tells the time, for the window in which a signature is good. Default: time.Now.
func Clock(now func() time.Time) Option {
	return func(r *Receiver) error {
		if now == nil {
			return errors.New("the Clock is nil")
		}
		r.now = now
		return nil
	}
}

type cipher = func(apiv3Key, nonce, associatedData string, ciphertext []byte) ([]byte, error)

// Cipher opens resources whose algorithm has this name, beside AEAD_AES_256_GCM. Its errors are told
// and logged as they are.
func Cipher(algorithm string, open func(apiv3Key, nonce, associatedData string, ciphertext []byte) ([]byte, error)) Option {
	return func(r *Receiver) error {
		if algorithm == "" || open == nil {
			return errors.New("a Cipher needs the name of its algorithm, and a function that opens")
		}
		r.ciphers[algorithm] = open
		return nil
	}
}

// New returns a Receiver of the notifications to m.
func New(m Merchant, opts ...Option) (*Receiver, error) {
	r := &Receiver{maxBody: DefaultMaxBody, now: time.Now, ciphers: map[string]cipher{"AEAD_AES_256_GCM": crypt.OpenGCM}}
	for _, opt := range append([]Option{Also(m)}, opts...) {
		if opt == nil {
			return nil, errors.New("webhook: an Option is nil")
		}
		if err := opt(r); err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
	}
	return r, nil
}

// Parse verifies the bytes of body against header, or against their own signature if they are of
// APIv2, and only then reads and decrypts them. Body is the request's, untouched by any middleware.
func (r *Receiver) Parse(ctx context.Context, header http.Header, body []byte) (*Notification, error) {
	n, err := r.parse(ctx, header, body)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return n, nil
}

func (r *Receiver) parse(ctx context.Context, header http.Header, body []byte) (*Notification, error) {
	if r == nil || len(r.merchants) == 0 {
		return nil, errors.New("there is no receiver: make one with webhook.New")
	}
	if ctx == nil {
		return nil, errors.New("the context is nil")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(body) > r.maxBody {
		return nil, ErrTooLarge
	}
	if isXML(body) {
		return r.parseV2(body)
	}
	return r.parseV3(ctx, canonical(header), body)
}

// canonical is header with the names that http.Header looks for: some frameworks have them in lower case.
func canonical(header http.Header) http.Header {
	if header.Get("Wechatpay-Signature") != "" {
		return header
	}
	named := http.Header{}
	for name, values := range header {
		if len(values) > 0 && len(name) < 64 {
			named.Set(name, values[0])
		}
	}
	return named
}

// isXML tells that a body is of APIv2. JSON cannot begin so.
func isXML(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n"), []byte("<"))
}
