package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// Notification is a verified and decrypted notification.
//
// Printed or logged it comes without its content. As JSON it is whole, so that it can
// be put into a queue.
type Notification struct {
	MchID string // of the [Merchant] whose keys opened it, empty if that has none

	// ID is 通知ID, the same in every delivery of one notification. Those of APIv2 have none, and get one
	// that is made of what they tell: a payment of its transaction_id, result_code, trade_state and
	// user_repaid, a combined payment of its combine_out_trade_no and result_code, a change of a
	// contract of contract_id, change_type and operate_time, each with the merchant's number; an unsigned
	// refund of what was encrypted; and all others of all that they say but nonce_str.
	ID           string
	CreateTime   time.Time // 通知创建时间: of the first delivery, which may be a day ago; zero of APIv2
	EventType    string    // 通知类型, such as PAYSCORE.USER_PAID; see below for APIv2
	ResourceType string    // 通知数据类型
	Summary      string    // 回调摘要
	OriginalType string    // 原始回调类型, the product that the resource belongs to; [OriginalTypeV2] of APIv2

	// Signed is false of APIv2 for a failure and for a refund. The latter is only encrypted, in a way that
	// leaves room for forgery: ask WeChat Pay for the refund before acting on it. And where it is true of
	// APIv2, that proves neither when it was signed, nor that it was a notification: the same key signs
	// calls and answers. It may be old. Compare what it says with the order.
	Signed bool

	// Resource is 通知数据, decrypted; nil of APIv2. See [Decode].
	Resource json.RawMessage `json:",omitempty"`
	// Message is the XML of APIv2, in which req_info holds members and event_ciphertext JSON; see [Decode].
	// Few kinds have an EventType of WeChat Pay's. The others are payment, refund, combined_payment,
	// contract_change, plate_change and risky_transactions, as their members tell. It is failure where
	// nothing is signed but return_code is FAIL, and empty for what is unknown here.
	Message string `json:",omitempty"`
}

// LogValue is n without its content.
func (n Notification) LogValue() slog.Value {
	return slog.GroupValue(slog.String("mchid", n.MchID), slog.String("id", n.ID), slog.String("event_type", n.EventType),
		slog.String("original_type", n.OriginalType), slog.Time("create_time", n.CreateTime), slog.Bool("signed", n.Signed))
}

// key is what n is remembered by. Merchants of one URL cannot take each other's.
func (n *Notification) key() string {
	if n.MchID == "" {
		return n.ID
	}
	return n.MchID + "/" + n.ID
}

// Format prints n without its content, whatever the verb.
func (n Notification) Format(f fmt.State, _ rune) { fmt.Fprint(f, n.LogValue()) }

// Decode reads the content of n as a T, such as payscore.UserPaid or pay.Payment of APIv2, or as a map:
// a map[string]any of APIv3, of APIv2 a map[string]string of the members that hold text. If T is
// the type of another event, the error says so.
func Decode[T any](n *Notification) (T, error) {
	if n == nil {
		return *new(T), errors.New("webhook: there is no notification to decode")
	}
	event, into, err := typed[T](n)
	if err != nil {
		return *new(T), err
	}
	if n.OriginalType == OriginalTypeV2 {
		err = n.readMessage(into)
	} else {
		err = n.readResource(into)
	}
	if err != nil {
		return *new(T), fmt.Errorf("webhook: %w: the content of %s does not read as %T%v", ErrMalformed, n.EventType, *new(T), err)
	}
	return *event, nil
}

// typed is a T and what to decode it into, unless T is the type of other events than n.
func typed[T any](n *Notification) (event *T, into any, err error) {
	event = new(T)
	into = event
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Pointer { // whose nil has no EventTypes
		into = reflect.New(t.Elem()).Interface()
		*event = into.(T)
	}
	if types := eventTypes(*event); len(types) > 0 && !slices.Contains(types, n.EventType) {
		return nil, nil, fmt.Errorf("webhook: a notification of type %s does not decode as %T, which is for %s",
			n.EventType, *event, strings.Join(types, " and "))
	}
	// A profit sharing arrives as TRANSACTION.SUCCESS, too, and would read as a payment of nothing.
	if types := originalTypes(*event); !fits(eventTypes(*event), types, n) {
		return nil, nil, fmt.Errorf("webhook: a notification of type %s with the original type %s does not decode as %T, which is for %s",
			n.EventType, n.OriginalType, *event, strings.Join(types, " and "))
	}
	return event, into, nil
}

// fits tells whether n, which has one of the event types, is of one of the original types, if there are any. Some
// of APIv3 do not say: those are what their event type is the own name of.
func fits(eventTypes, originalTypes []string, n *Notification) bool {
	if len(originalTypes) == 0 || slices.Contains(originalTypes, n.OriginalType) {
		return true
	}
	return n.OriginalType == "" && !slices.Contains(originalTypes, OriginalTypeV2) && eventTypes[0] == n.EventType
}

// eventTypes are what the type of event is for, none if it does not say.
func eventTypes(event any) []string {
	if e, ok := event.(interface{ EventTypes() []string }); ok {
		return e.EventTypes()
	}
	return nil
}

// originalTypes are those that set the type of event apart, where several have one event type.
func originalTypes(event any) []string {
	if e, ok := event.(interface{ OriginalTypes() []string }); ok {
		return e.OriginalTypes()
	}
	return nil
}

// Of what went wrong below, only what does not quote the content is told.

func (n *Notification) readResource(into any) error {
	err := json.Unmarshal(n.Resource, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf(": its field %q does not fit %v", wrong.Field, wrong.Type)
	}
	if err != nil || string(n.Resource) == "null" {
		return errors.New("")
	}
	return nil
}

func (n *Notification) readMessage(into any) error {
	message, err := xmlv2.Decode([]byte(n.Message), xmlv2.Limits{Bytes: len(n.Message), Nested: true})
	if err == nil {
		err = xmlv2.Unmarshal(message, into)
	}
	if err != nil {
		where, _, _ := strings.Cut(err.Error(), ": ") // the name of a member, before what may be in it
		return errors.New(": " + where)
	}
	return nil
}
