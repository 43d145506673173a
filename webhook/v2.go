package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// This file is the notifications of APIv2. They are signed with the key that opens them, and nothing in
// them tells when, so that they have a receiver of their own.

// What a notification of APIv2 is answered with, both with the status 200. WeChat Pay takes anything else,
// such as JSON or a character more, for a failure, and sends again.
const (
	SuccessV2 = `<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>`
	FailureV2 = `<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[refused]]></return_msg></xml>`
)

// ReceiverV2 opens the notifications of APIv2 to one merchant. It is safe for concurrent use.
type ReceiverV2 struct {
	// The keys are in these, where no %+v finds them.
	verify      func(xmlv2.Members) error
	openReqInfo func(reqInfo string) ([]byte, error)
	openEvent   func(resource) ([]byte, error)
}

// An OptionV2 changes how a [ReceiverV2] works.
type OptionV2 func(*ReceiverV2) error

// APIv3Key is what the notifications of package wxv (先住后付, 租借) are encrypted with, although they are
// of APIv2. No other needs it.
func APIv3Key(apiv3Key string) OptionV2 {
	return func(r *ReceiverV2) error {
		r.openEvent = func(sealed resource) ([]byte, error) { return sealed.open(apiv3Key) }
		return crypt.CheckAPIv3Key(apiv3Key)
	}
}

// NewV2 returns a ReceiverV2 that verifies and decrypts with apiv2Key.
func NewV2(apiv2Key string, opts ...OptionV2) (*ReceiverV2, error) {
	if err := auth.CheckAPIv2Key(apiv2Key); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	r := &ReceiverV2{
		verify: func(m xmlv2.Members) error {
			// Whatever was asked for: some merchants of HMAC-SHA256 are sent MD5.
			return auth.VerifyParams(apiv2Key, m.Texts(), auth.MD5, auth.HMACSHA256)
		},
		openReqInfo: func(reqInfo string) ([]byte, error) { return crypt.OpenReqInfo(apiv2Key, reqInfo) },
		openEvent: func(resource) ([]byte, error) {
			return nil, errors.New("it is encrypted with the APIv3 key (APIv3密钥): give webhook.APIv3Key to NewV2")
		},
	}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("webhook: an OptionV2 is nil")
		}
		if err := opt(r); err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
	}
	return r, nil
}

// NotificationV2 is an opened notification of APIv2. Nothing in it tells when it was sent: it may be
// old, and may have come before.
//
// Printed or logged it comes without its message. As JSON it is whole, so that it can be put into a
// queue.
type NotificationV2 struct {
	// EventType is event_type, such as CHECK.SUCCESS. Few kinds have one. The others are payment, refund,
	// combined_payment, contract_change, plate_change and risky_transactions, as their members tell. It is
	// failure where nothing is signed but return_code is FAIL, and empty for what is unknown here.
	EventType string
	// Signed is false for a failure and for a refund. The latter is only encrypted, in a way that leaves
	// room for forgery: ask WeChat Pay for the refund before acting on it.
	Signed bool
	// Message is the XML, in which req_info holds members and event_ciphertext JSON; see [DecodeV2].
	Message string
}

// LogValue is n without its message.
func (n NotificationV2) LogValue() slog.Value {
	return slog.GroupValue(slog.String("event_type", n.EventType), slog.Bool("signed", n.Signed))
}

// Format prints n without its message, whatever the verb.
func (n NotificationV2) Format(f fmt.State, _ rune) { fmt.Fprint(f, n.LogValue()) }

// Parse verifies and decrypts body, which is the request's. Errors wrap [auth.ErrNotSigned],
// [auth.ErrBadSignature], [crypt.ErrDecrypt], [ErrTooLarge] or [ErrMalformed].
func (r *ReceiverV2) Parse(body []byte) (*NotificationV2, error) {
	n, err := r.parse(body)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return n, nil
}

func (r *ReceiverV2) parse(body []byte) (*NotificationV2, error) {
	if r == nil || r.verify == nil {
		return nil, errors.New("there is no receiver: make one with webhook.NewV2")
	}
	if len(body) > MaxBody {
		return nil, ErrTooLarge
	}
	message, err := xmlv2.Decode(body, xmlv2.Limits{Bytes: MaxBody})
	if err != nil {
		return nil, fmt.Errorf("%w: it is %v", ErrMalformed, err)
	}
	n := &NotificationV2{EventType: eventTypeV2(message), Signed: message.Get("sign") != ""}
	switch {
	case !n.Signed && message.Get("return_code") == "FAIL":
		// Nothing else that it says is to be believed.
		n.EventType, message = "failure", xmlv2.Members{{Name: "return_code", Text: "FAIL"}, {Name: "return_msg", Text: message.Get("return_msg")}}
	case n.Signed || n.EventType != "refund":
		err = r.verify(message)
	}
	if err != nil {
		return nil, err
	}
	if err := r.open(n.EventType, message); err != nil {
		return nil, err
	}
	text, err := xmlv2.Encode(xmlv2.Root, message)
	if err != nil {
		return nil, fmt.Errorf("%w: what was encrypted is not text", ErrMalformed)
	}
	n.Message = string(text)
	return n, nil
}

// eventTypesV2 are the kinds without an event_type, by the member that no other has. That of the only one
// that may be unsigned comes first: what else is in it must not make it another.
var eventTypesV2 = [...]struct{ member, eventType string }{
	{"req_info", "refund"},
	{"combine_out_trade_no", "combined_payment"},
	{"change_type", "contract_change"},
	{"plate_number", "plate_change"},
	{"transaction_id_list", "risky_transactions"},
	{"out_trade_no", "payment"},
}

func eventTypeV2(message xmlv2.Members) string {
	for _, kind := range eventTypesV2 {
		if message.Get(kind.member) != "" {
			return kind.eventType
		}
	}
	return message.Get("event_type")
}

// open puts the plaintext where the ciphertext was.
func (r *ReceiverV2) open(eventType string, message xmlv2.Members) error {
	for i := range message {
		m := &message[i]
		switch {
		case m.Text == "":
		case m.Name == "req_info" && eventType == "refund":
			text, err := r.openReqInfo(m.Text)
			if err != nil {
				return err
			}
			inner, err := xmlv2.Decode(text, xmlv2.Limits{Bytes: len(text)})
			if err != nil {
				return fmt.Errorf("%w: what was encrypted is %v", ErrMalformed, err)
			}
			*m = xmlv2.Member{Name: m.Name, Members: inner}
		case m.Name == "event_ciphertext" && eventType == message.Get("event_type"):
			text, err := r.openEvent(resource{
				Algorithm: message.Get("event_algorithm"), Nonce: message.Get("event_nonce"),
				AssociatedData: message.Get("event_associated_data"), Ciphertext: m.Text,
			})
			if err != nil {
				return err
			}
			m.Text = string(text)
		}
	}
	return nil
}

// DecodeV2 reads the message of n as a T, such as pay.Payment, or a map[string]string of the members that
// hold text. If T is the type of another event, the error says so.
func DecodeV2[T any](n *NotificationV2) (T, error) {
	if n == nil {
		return *new(T), errors.New("webhook: there is no notification to decode")
	}
	event, into, err := typed[T](n.EventType)
	if err != nil {
		return *new(T), err
	}
	message, err := xmlv2.Decode([]byte(n.Message), xmlv2.Limits{Bytes: len(n.Message), Nested: true})
	if err == nil {
		err = xmlv2.Unmarshal(message, into)
	}
	if err != nil {
		// It begins with the name of a member, and may go on with what is in it.
		where, _, _ := strings.Cut(err.Error(), ": ")
		return *new(T), fmt.Errorf("webhook: %w: the message of %s does not read as %T: %s", ErrMalformed, n.EventType, *new(T), where)
	}
	return *event, nil
}
