package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// This file opens the notifications of APIv2: XML that is signed with the key that opens it, and in which
// nothing tells when.

// OriginalTypeV2 is the OriginalType of every notification of APIv2. They have none themselves, but some
// have the event type of one of APIv3.
const OriginalTypeV2 = "v2"

// What a notification of APIv2 is answered with. WeChat Pay takes anything else, such as JSON or a character
// more, for a failure, and sends again.
const (
	SuccessV2 = `<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>`
	FailureV2 = `<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[refused]]></return_msg></xml>`
)

func (r *Receiver) parseV2(body []byte) (*Notification, error) {
	message, err := xmlv2.Decode(body, xmlv2.Limits{Bytes: r.maxBody})
	if err != nil {
		return nil, fmt.Errorf("%w: it is %v", ErrMalformed, err)
	}
	named := r.named(message)
	if len(named) == 0 {
		return nil, fmt.Errorf("%w: it is of APIv2, and no merchant here has its mch_id and an APIv2 key: set webhook.Merchant.APIv2Key", auth.ErrUnknownSerial)
	}
	return r.openV2(named[0], message)
}

func (r *Receiver) openV2(m merchant, message xmlv2.Members) (*Notification, error) {
	n := &Notification{MchID: m.mchID, EventType: eventTypeV2(message), OriginalType: OriginalTypeV2, Signed: message.Get("sign") != ""}
	var err error
	switch {
	case !n.Signed && message.Get("return_code") == "FAIL":
		// Nothing else that it says is to be believed.
		n.EventType, message = failureV2, xmlv2.Members{{Name: "return_code", Text: "FAIL"}, {Name: "return_msg", Text: message.Get("return_msg")}}
	case n.Signed || n.EventType != refundV2:
		err = m.verifyV2(message)
	}
	if err != nil {
		return nil, err
	}
	if err := r.decryptV2(m, n.EventType, message); err != nil {
		return nil, err
	}
	text, err := xmlv2.Encode(xmlv2.Root, message)
	if err != nil {
		return nil, fmt.Errorf("%w: what was encrypted is not text", ErrMalformed)
	}
	n.ID, n.Message = idV2(n, message, text), string(text)
	return n, nil
}

// Kinds that are treated otherwise than the rest.
const (
	refundV2  = "refund"
	failureV2 = "failure"
)

// kindsV2 are the kinds without an event_type, by the member that no other has. That of the only one
// that may be unsigned comes first: what else is in it must not make it another. The same names are what
// one happening is known by, where a message tells it.
var kindsV2 = [...]struct {
	member, eventType string
	identity          []string
}{
	{"req_info", refundV2, nil},
	{"combine_out_trade_no", "combined_payment", []string{"combine_mch_id", "combine_out_trade_no", "result_code"}},
	{"change_type", "contract_change", []string{"mch_id", "contract_id", "change_type", "operate_time"}},
	{"plate_number", "plate_change", nil},
	{"transaction_id_list", "risky_transactions", nil},
	{"out_trade_no", "payment", []string{"mch_id", "transaction_id", "result_code"}},
}

func eventTypeV2(message xmlv2.Members) string {
	for _, kind := range kindsV2 {
		if message.Get(kind.member) != "" {
			return kind.eventType
		}
	}
	return message.Get("event_type")
}

// idV2 is what a message is told apart by, which has no ID. Where a signature vouches for it, a payment is
// its transaction and a contract its change, so that one happening has one ID however it is
// told. All others are their whole content, but for what is new in each delivery: what differs is never
// taken for what was done already. A refund is among those because anyone may have made it up. If its
// number were its ID, a forgery that was believed would have the true one left out.
func idV2(n *Notification, message xmlv2.Members, text []byte) string {
	parts := [][]byte{[]byte(n.EventType)}
	for _, kind := range kindsV2 {
		if !n.Signed || kind.eventType != n.EventType {
			continue
		}
		for _, name := range kind.identity {
			parts = append(parts, []byte(message.Get(name)))
		}
		if len(parts) > 1 && !slices.ContainsFunc(parts, func(part []byte) bool { return len(part) == 0 }) {
			return "v2-" + fingerprint(parts...)
		}
	}
	return "v2-" + fingerprint([]byte(n.EventType), content(message, text))
}

// content is a message without what is new in each delivery, and without the order of its members.
func content(message xmlv2.Members, text []byte) []byte {
	kept := slices.DeleteFunc(slices.Clone(message), func(m xmlv2.Member) bool {
		return m.Name == "nonce_str" || m.Name == "sign" || m.Name == "sign_type"
	})
	slices.SortFunc(kept, func(a, b xmlv2.Member) int { return strings.Compare(a.Name, b.Name) })
	sorted, err := xmlv2.Encode(xmlv2.Root, kept)
	if err != nil {
		return text // which was encoded just now
	}
	return sorted
}

// decryptV2 puts the plaintext where the ciphertext was.
func (r *Receiver) decryptV2(m merchant, eventType string, message xmlv2.Members) error {
	for i := range message {
		member := &message[i]
		switch {
		case member.Text == "":
		case member.Name == "req_info" && eventType == refundV2:
			text, err := m.openReqInfo(member.Text)
			if err != nil {
				return err
			}
			inner, err := xmlv2.Decode(text, xmlv2.Limits{Bytes: len(text)})
			if err != nil {
				return fmt.Errorf("%w: what was encrypted is %v", ErrMalformed, err)
			}
			*member = xmlv2.Member{Name: member.Name, Members: inner}
		case member.Name == "event_ciphertext" && eventType == message.Get("event_type"):
			text, err := r.openEvent(m, message, member.Text)
			if err != nil {
				return err
			}
			member.Text = string(text)
		}
	}
	return nil
}

// openEvent opens what is encrypted with the APIv3 key although it is of APIv2.
func (r *Receiver) openEvent(m merchant, message xmlv2.Members, ciphertext string) ([]byte, error) {
	if m.open == nil {
		return nil, errors.New("it is encrypted with the APIv3 key (APIv3密钥): set webhook.Merchant.APIv3Key as well")
	}
	return r.decrypt(m, resource{
		Algorithm: message.Get("event_algorithm"), Nonce: message.Get("event_nonce"),
		AssociatedData: message.Get("event_associated_data"), Ciphertext: ciphertext,
	})
}
