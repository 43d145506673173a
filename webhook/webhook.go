// Package webhook opens the notifications (回调通知) that WeChat Pay sends to a merchant.
//
//	receiver, err := webhook.New(client.Verifier(), apiv3Key)
//	…
//	n, err := receiver.Parse(r.Context(), r.Header, body)
//	if err != nil {
//		http.Error(w, `{"code":"FAIL","message":"refused"}`, http.StatusBadRequest)
//		return
//	}
//	paid, err := webhook.Decode[payscore.UserPaid](n)
//
// Those of APIv2, which are XML, go through [NewV2], [ReceiverV2.Parse] and [DecodeV2], and are answered
// with [SuccessV2] or [FailureV2].
//
// # Keys
//
// A notification is signed like an answer, with WeChat Pay's key, and its resource is
// encrypted with the merchant's APIv3 key (APIv3密钥); in partner mode both are the
// service provider's. Take the verifier of the client: if that downloads platform certificates
// (平台证书), a notification by one that is new has it downloaded first.
//
// # Errors
//
// Errors wrap those of packages auth and crypt, [ErrTooLarge] or [ErrMalformed]. All of them
// are answered with a 4xx: WeChat Pay sends again what was true, and probes
// (auth.ErrProbe) want just that. No error contains the body, a key or a signature.
package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

// MaxBody is the largest notification that is opened, in bytes. Real ones have a few
// kilobytes. Limit the reading of a request's body to it, with http.MaxBytesReader.
const MaxBody = 1 << 20

// ErrTooLarge is the error of a body of more than [MaxBody] bytes.
var ErrTooLarge = errors.New("the notification is too large")

// ErrMalformed is the error of a body that was signed by WeChat Pay but does not read as a
// notification, and of APIv2 also of one that does not read as far as its signature.
var ErrMalformed = errors.New("the notification is malformed")

// algorithm is the cipher of resources, as they name it.
const algorithm = "AEAD_AES_256_GCM"

// Receiver opens the notifications to one merchant. It is safe for concurrent use.
type Receiver struct {
	verifier *auth.Verifier
	open     func(resource) ([]byte, error) // has the APIv3 key where no %+v finds it
	now      func() time.Time
}

// An Option changes how a [Receiver] works.
type Option func(*Receiver) error

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

// New returns a Receiver that trusts the keys of verifier and decrypts with apiv3Key.
func New(verifier *auth.Verifier, apiv3Key string, opts ...Option) (*Receiver, error) {
	if verifier == nil {
		return nil, errors.New("webhook: no verifier: make one with auth.NewVerifier, or take the client's")
	}
	if err := crypt.CheckAPIv3Key(apiv3Key); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	open := func(sealed resource) ([]byte, error) { return sealed.open(apiv3Key) }
	r := &Receiver{verifier: verifier, open: open, now: time.Now}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("webhook: an Option is nil")
		}
		if err := opt(r); err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
	}
	return r, nil
}

// Notification is a verified and decrypted notification.
//
// Printed or logged it comes without its resource. As JSON it is whole, so that it can
// be put into a queue.
type Notification struct {
	ID           string    // 通知ID, the same in every delivery of one notification
	CreateTime   time.Time // 通知创建时间: of the first delivery, which may be a day ago
	EventType    string    // 通知类型, such as PAYSCORE.USER_PAID
	ResourceType string    // 通知数据类型
	Summary      string    // 回调摘要
	OriginalType string    // 原始回调类型, the product that the resource belongs to

	Resource json.RawMessage // 通知数据, decrypted; see [Decode]
}

// LogValue is n without its resource.
func (n Notification) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", n.ID), slog.String("event_type", n.EventType),
		slog.String("original_type", n.OriginalType), slog.Time("create_time", n.CreateTime))
}

// Format prints n without its resource, whatever the verb.
func (n Notification) Format(f fmt.State, _ rune) { fmt.Fprint(f, n.LogValue()) }

// Parse verifies the bytes of body against header, and only then reads and decrypts
// them. Body is the request's, untouched by any middleware.
func (r *Receiver) Parse(ctx context.Context, header http.Header, body []byte) (*Notification, error) {
	n, err := r.parse(ctx, header, body)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return n, nil
}

func (r *Receiver) parse(ctx context.Context, header http.Header, body []byte) (*Notification, error) {
	if r == nil || r.verifier == nil {
		return nil, errors.New("there is no receiver: make one with webhook.New")
	}
	if ctx == nil {
		return nil, errors.New("the context is nil")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(body) > MaxBody {
		return nil, ErrTooLarge
	}
	if err := r.verifier.Verify(ctx, header, body, r.now()); err != nil {
		return nil, err
	}
	var e envelope
	if json.Unmarshal(body, &e) != nil {
		return nil, fmt.Errorf("%w: it is not JSON of the documented form", ErrMalformed)
	}
	resource, err := r.open(e.Resource)
	if err != nil {
		return nil, err
	}
	return &Notification{
		ID:           e.ID,
		CreateTime:   e.createTime(),
		EventType:    e.EventType,
		ResourceType: e.ResourceType,
		Summary:      e.Summary,
		OriginalType: e.Resource.OriginalType,
		Resource:     resource,
	}, nil
}

// Decode reads the resource of n as a T, such as payscore.UserPaid. If T is the type of another
// event, the error says so.
func Decode[T any](n *Notification) (T, error) {
	if n == nil {
		return *new(T), errors.New("webhook: there is no notification to decode")
	}
	event, into, err := typed[T](n.EventType)
	if err == nil {
		err = original(*event, n)
	}
	if err != nil {
		return *new(T), err
	}
	err = json.Unmarshal(n.Resource, into)
	// Of the causes, those that quote the resource are left out.
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return *new(T), fmt.Errorf("webhook: %w: the resource of %s does not read as %T: its field %q does not fit %v",
			ErrMalformed, n.EventType, *new(T), wrong.Field, wrong.Type)
	}
	if err != nil || string(n.Resource) == "null" {
		return *new(T), fmt.Errorf("webhook: %w: the resource of %s does not read as %T", ErrMalformed, n.EventType, *new(T))
	}
	return *event, nil
}

// typed is a T and what to decode it into, unless T is the type of other events than eventType.
func typed[T any](eventType string) (event *T, into any, err error) {
	event = new(T)
	into = event
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Pointer { // whose nil has no EventTypes
		into = reflect.New(t.Elem()).Interface()
		*event = into.(T)
	}
	if e, ok := any(*event).(interface{ EventTypes() []string }); ok && !slices.Contains(e.EventTypes(), eventType) {
		return nil, nil, fmt.Errorf("webhook: a notification of type %s does not decode as %T, which is for %s",
			eventType, *event, strings.Join(e.EventTypes(), " and "))
	}
	return event, into, nil
}

// original refuses what is of another product, where several send one event type: a profit sharing arrives as
// TRANSACTION.SUCCESS, too, and would read as a payment of nothing.
func original(event any, n *Notification) error {
	e, ok := event.(interface{ OriginalTypes() []string })
	if !ok || n.OriginalType == "" || slices.Contains(e.OriginalTypes(), n.OriginalType) {
		return nil
	}
	return fmt.Errorf("webhook: a notification of type %s with the original type %s does not decode as %T, which is for %s",
		n.EventType, n.OriginalType, event, strings.Join(e.OriginalTypes(), " and "))
}

// envelope is a notification on the wire.
type envelope struct {
	ID           string   `json:"id"`
	CreateTime   string   `json:"create_time"`
	EventType    string   `json:"event_type"`
	ResourceType string   `json:"resource_type"`
	Summary      string   `json:"summary"`
	Resource     resource `json:"resource"`
}

type resource struct {
	OriginalType   string `json:"original_type"`
	Algorithm      string `json:"algorithm"`
	Ciphertext     string `json:"ciphertext"`
	Nonce          string `json:"nonce"`
	AssociatedData string `json:"associated_data"`
}

// createTime is zero where it does not read: nothing is decided by it.
func (e envelope) createTime() time.Time {
	t, _ := time.Parse(time.RFC3339, e.CreateTime)
	return t
}

func (r resource) open(apiv3Key string) ([]byte, error) {
	if r.Algorithm != algorithm {
		return nil, fmt.Errorf("%w: its algorithm is not %s", ErrMalformed, algorithm)
	}
	ciphertext, err := base64.StdEncoding.DecodeString(r.Ciphertext)
	if err != nil {
		return nil, fmt.Errorf("%w: its ciphertext is not base64", ErrMalformed)
	}
	return crypt.OpenGCM(apiv3Key, r.Nonce, r.AssociatedData, ciphertext)
}
