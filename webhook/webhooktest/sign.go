package webhooktest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/webhook"
)

// Delivery is a notification as it arrives: the arguments of webhook.Receiver.Parse and
// webhook.Mux.Answer.
type Delivery struct {
	Header http.Header
	Body   []byte
}

// Request is a new request that brings d to url, for a client or for a handler's ServeHTTP, for which a
// path is enough.
func (d Delivery) Request(ctx context.Context, url string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Body))
	if err != nil {
		return nil, fmt.Errorf("webhooktest: %w", err)
	}
	req.Header = d.Header.Clone()
	return req, nil
}

// A SignOption changes one notification.
type SignOption func(*draft)

// ID is the ID of the notification (通知ID), so that the same can be sent again. Default: a new one. Of APIv2
// only those of package wxv have one; the others are the same if they tell the same.
func ID(id string) SignOption { return func(d *draft) { d.id = id } }

// At is the time at which it is signed. Default: now. Those of APIv2 do not tell it.
func At(t time.Time) SignOption { return func(d *draft) { d.at = t } }

// EventType is the type that it arrives with (通知类型). Default: the first of the event's EventTypes.
func EventType(eventType string) SignOption { return func(d *draft) { d.eventType = eventType } }

// OriginalType is the original type that it arrives with (原始回调类型). Default: the first of the event's
// OriginalTypes, and if it has none what the event type begins with, as payscore. webhook.OriginalTypeV2
// makes it a message of APIv2.
func OriginalType(originalType string) SignOption {
	return func(d *draft) { d.originalType = originalType }
}

// AssociatedData is what the encryption is bound to (附加数据), which may be empty. Default: the original
// type. Events of APIv2 say it themselves.
func AssociatedData(text string) SignOption { return func(d *draft) { d.associatedData = &text } }

// draft is a notification in the making, with what is wrong about it on purpose.
type draft struct {
	keys
	event                       any
	id, eventType, originalType string
	at                          time.Time
	associatedData              *string

	noAssociatedData bool   // not even an empty one
	unknown          string // the text of a member that nobody knows, in the envelope and in the resource
	padding          int    // bytes of white space
}

// Sign returns a notification of event, signed and encrypted as WeChat Pay's are. The event is a value of a
// generated type such as payscore.UserPaid or pay.Payment of APIv2; or any that becomes JSON, with the
// option [EventType], and of APIv2 a map[string]string.
//
// In a message of APIv2, what WeChat Pay sets is filled in where the event leaves it empty: mch_id,
// nonce_str, return_code and result_code, sign_type, and what says how event_ciphertext is encrypted.
func (s *Sender) Sign(event any, opts ...SignOption) (Delivery, error) {
	d, err := s.sign(event, opts)
	if err != nil {
		return Delivery{}, fmt.Errorf("webhooktest: %w", err)
	}
	return d, nil
}

func (s *Sender) sign(event any, opts []SignOption) (Delivery, error) {
	if s == nil || s.keys == nil {
		return Delivery{}, errors.New("there is no sender: make one with webhooktest.NewSender")
	}
	if v := reflect.ValueOf(event); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return Delivery{}, errors.New("the event is nil")
	}
	d := draft{keys: s.keys(), event: event, at: time.Now()}
	if e, ok := event.(interface{ EventTypes() []string }); ok && len(e.EventTypes()) > 0 {
		d.eventType = e.EventTypes()[0]
	}
	if e, ok := event.(interface{ OriginalTypes() []string }); ok && len(e.OriginalTypes()) > 0 {
		d.originalType = e.OriginalTypes()[0]
	}
	for _, opt := range opts {
		if opt == nil {
			return Delivery{}, errors.New("a SignOption is nil")
		}
		opt(&d)
	}
	if d.originalType == webhook.OriginalTypeV2 {
		return s.signV2(&d)
	}
	if d.eventType == "" {
		return Delivery{}, fmt.Errorf("%T has no method EventTypes: say the type with webhooktest.EventType", event)
	}
	return s.signV3(&d)
}

// originalTypes are those that differ from what the event types begin with.
var originalTypes = map[string]string{
	"APPLYMENT_STATE": "applyment", "BLOCKRECORD": "block_record", "BLOCKSUBMISSION": "block_submisison_record", // sic
	"MANAGERECORD": "manage_record", "MCHTRANSFER": "mch_payment", "MCHWITHDRAW": "mch_withdraw",
	"PRODUCT_COUPON_SP": "product_coupon", "SECURITY_ECHO": "security",
}

// resource is in the order in which WeChat Pay has its members; an absent associated_data is nil.
type resource struct {
	OriginalType   string  `json:"original_type"`
	Algorithm      string  `json:"algorithm"`
	Ciphertext     string  `json:"ciphertext"`
	AssociatedData *string `json:"associated_data,omitempty"`
	Nonce          string  `json:"nonce"`
}

type envelope struct {
	ID           string   `json:"id"`
	CreateTime   string   `json:"create_time"`
	ResourceType string   `json:"resource_type"`
	EventType    string   `json:"event_type"`
	Summary      string   `json:"summary"`
	Resource     resource `json:"resource"`
	Unknown      string   `json:"webhooktest,omitempty"`
}

func (s *Sender) signV3(d *draft) (Delivery, error) {
	if d.originalType == "" {
		product, _, _ := strings.Cut(d.eventType, ".")
		if d.originalType = originalTypes[product]; d.originalType == "" {
			d.originalType = strings.ToLower(product)
		}
	}
	if d.id == "" {
		d.id = newID()
	}
	if d.associatedData == nil && !d.noAssociatedData {
		d.associatedData = &d.originalType
	}
	sealed, err := d.seal()
	if err != nil {
		return Delivery{}, err
	}
	body, err := json.Marshal(envelope{
		ID: d.id, CreateTime: d.at.In(beijing).Format(time.RFC3339), ResourceType: "encrypt-resource",
		EventType: d.eventType, Summary: "webhooktest", Resource: sealed, Unknown: d.unknown,
	})
	if err != nil {
		return Delivery{}, err
	}
	body = d.padded(body, len("{"))
	header := delivered("application/json")
	if err := s.authorize(header, d, body); err != nil {
		return Delivery{}, err
	}
	return Delivery{header, body}, nil
}

// padded is body with white space at a place where it means nothing.
func (d *draft) padded(body []byte, at int) []byte {
	if d.padding == 0 {
		return body
	}
	return slices.Concat(body[:at], bytes.Repeat([]byte(" "), d.padding), body[at:])
}

var beijing = time.FixedZone("", 8*60*60)

// seal encrypts the event.
func (d *draft) seal() (resource, error) {
	plaintext, err := json.Marshal(d.event)
	if err != nil {
		return resource{}, fmt.Errorf("%T does not become JSON: %w", d.event, err)
	}
	if rest, ok := bytes.CutPrefix(plaintext, []byte("{")); ok && d.unknown != "" {
		plaintext = slices.Concat([]byte(`{"webhooktest":"`+d.unknown+`",`), rest)
	}
	var associatedData string
	if d.associatedData != nil {
		associatedData = *d.associatedData
	}
	nonce := rand.Text()[:12]
	ciphertext, err := crypt.SealGCM(d.apiv3Key, nonce, associatedData, plaintext)
	if err != nil {
		return resource{}, err
	}
	return resource{
		OriginalType: d.originalType, Algorithm: "AEAD_AES_256_GCM", Nonce: nonce,
		Ciphertext: base64.StdEncoding.EncodeToString(ciphertext), AssociatedData: d.associatedData,
	}, nil
}

// authorize puts the signature of body into header.
func (s *Sender) authorize(header http.Header, d *draft, body []byte) error {
	timestamp, nonce := strconv.FormatInt(d.at.Unix(), 10), newKey()
	signature, err := auth.Sign(d.platform, auth.AnswerText(timestamp, nonce, body))
	if err != nil {
		return err
	}
	header.Set("Wechatpay-Nonce", nonce)
	header.Set("Wechatpay-Timestamp", timestamp)
	header.Set("Wechatpay-Serial", s.serial)
	header.Set("Wechatpay-Signature", signature)
	header.Set("Wechatpay-Signature-Type", auth.Scheme)
	return nil
}

// delivered is the header that comes with every notification.
func delivered(contentType string) http.Header {
	return http.Header{
		"Accept":        {"*/*"},
		"Cache-Control": {"no-cache"},
		"Content-Type":  {contentType},
		"Pragma":        {"no-cache"},
		"User-Agent":    {"Mozilla/4.0"},
	}
}

// newID looks like the UUIDs that real notifications have.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
