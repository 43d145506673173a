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

// maxXML is the largest message that is read, in bytes: unlike JSON it is read before anything of it is
// verified.
const maxXML = 128 << 10

func (r *Receiver) parseV2(body []byte) (*Notification, error) {
	if len(body) > maxXML {
		return nil, ErrTooLarge
	}
	message, err := xmlv2.Decode(body, xmlv2.Limits{Bytes: maxXML})
	if err != nil {
		return nil, fmt.Errorf("%w: it is %v", ErrMalformed, err)
	}
	m, err := r.named(message)
	if err != nil {
		return nil, err
	}
	return r.openV2(m, message)
}

func (r *Receiver) openV2(m merchant, message xmlv2.Members) (*Notification, error) {
	n := &Notification{MchID: m.mchID, EventType: eventTypeV2(message), OriginalType: OriginalTypeV2, Signed: message.Get("sign") != ""}
	var err error
	switch {
	case !n.Signed && message.Get("return_code") == "FAIL":
		// Nothing else that it says is to be believed.
		n.EventType, message = failureV2, only(message, "return_code", "return_msg")
	case !n.Signed && message.Get("req_info") != "":
		// Nor here but what opens.
		message = only(message, "return_code", "return_msg", "appid", "mch_id", "sub_appid", "sub_mch_id", "nonce_str", "req_info")
	default:
		err = verifiedV2(m, n.EventType, message)
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
	n.ID, n.Message = idV2(n, message), string(text)
	return n, nil
}

// only is a message without members of other names.
func only(message xmlv2.Members, names ...string) xmlv2.Members {
	return slices.DeleteFunc(slices.Clone(message), func(m xmlv2.Member) bool { return !slices.Contains(names, m.Name) })
}

// verifiedV2 tells whether a message is signed, and is a notification: the same key signs requests, answers
// and what the payer's phone is given.
func verifiedV2(m merchant, eventType string, message xmlv2.Members) error {
	if err := m.verifyV2(message); err != nil {
		return err
	}
	// In the text that is signed nothing sets values apart from names. Who moves a member into the value
	// before it, or out of one that he chose, has the signature of another message.
	for name, text := range message.Texts() {
		if _, rest, found := strings.Cut(text, "&"); found && strings.Contains(rest, "=") && name != "attach" {
			return fmt.Errorf("%w: the member %.64q holds what may have been members of their own", auth.ErrBadSignature, name)
		}
	}
	if eventType == "" && message.Get("return_code") == "" {
		return fmt.Errorf("%w: it has no return_code, and is none of the kinds that have none", ErrMalformed)
	}
	return nil
}

// Kinds that are treated otherwise than the rest.
const (
	refundV2  = "refund"
	failureV2 = "failure"
)

// kindsV2 are the kinds without an event_type, by the members that all of them have and no other. That of the
// only one that may be unsigned comes first: what else is in it must not make it another. Where a message
// has all that is in identity, those tell one happening from another, together with states, which may
// be empty.
var kindsV2 = [...]struct {
	members          []string
	eventType        string
	identity, states []string
}{
	{[]string{"req_info"}, refundV2, nil, nil},
	{[]string{"combine_out_trade_no", "return_code", "result_code"}, "combined_payment", []string{"combine_mch_id", "combine_out_trade_no", "result_code"}, nil},
	{[]string{"change_type"}, "contract_change", []string{"mch_id", "contract_id", "change_type", "operate_time"}, nil},
	{[]string{"plate_number"}, "plate_change", nil, nil},
	{[]string{"transaction_id_list"}, "risky_transactions", nil, nil},
	{[]string{"out_trade_no", "return_code", "result_code"}, "payment", []string{"mch_id", "transaction_id", "result_code"}, []string{"trade_state", "user_repaid"}},
}

func eventTypeV2(message xmlv2.Members) string {
	for _, kind := range kindsV2 {
		lacks := func(name string) bool { return message.Get(name) == "" }
		switch {
		case slices.ContainsFunc(kind.members, lacks):
		case kind.eventType == "payment" && message.Get("result_code") == "SUCCESS" && lacks("transaction_id"):
			return "" // an answer about an order that is not paid
		default:
			return kind.eventType
		}
	}
	return message.Get("event_type")
}

// idV2 is what a message is told apart by, which has no ID. Where a signature vouches for it, a payment is
// its transaction with its state, and a contract its change, so that one happening has one ID however it is
// told. All others are their whole content, but for what is new in each delivery: what differs is never
// taken for what was done already. A refund is among those, with what opens of it, because anyone may
// have made it up. If its number were its ID, a forgery that was believed would have the true one left out.
func idV2(n *Notification, message xmlv2.Members) string {
	if n.EventType == refundV2 && !n.Signed {
		message = only(message, "req_info")
	}
	for _, kind := range kindsV2 {
		if !n.Signed || kind.eventType != n.EventType || len(kind.identity) == 0 {
			continue
		}
		known := only(message, slices.Concat(kind.identity, kind.states)...)
		if !slices.ContainsFunc(kind.identity, func(name string) bool { return known.Get(name) == "" }) {
			message = known
		}
	}
	return "v2-" + fingerprint([]byte(n.MchID), []byte(n.EventType), content(message))
}

// content is a message without what is new in each delivery or says nothing, and without the order of
// its members.
func content(message xmlv2.Members) []byte {
	var content []byte
	for _, m := range slices.SortedFunc(slices.Values(message), func(a, b xmlv2.Member) int { return strings.Compare(a.Name, b.Name) }) {
		if m.Name == "nonce_str" || m.Name == "sign" || m.Name == "sign_type" || m.Text == "" && len(m.Members) == 0 {
			continue
		}
		content = fmt.Appendf(content, "%q %q %q\n", m.Name, m.Text, m.Members)
	}
	return content
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
