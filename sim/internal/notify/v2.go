package notify

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is notifications of APIv2: XML whose members are signed, or of refunds encrypted.

// V2 is how a notification of APIv2 goes out.
type V2 struct {
	AppID    string        `json:"appid"`
	SignType auth.SignType `json:"sign_type,omitempty"` // of the call that led to it; MD5 if it is not said
	// Sealed puts its members into req_info, and nothing is signed (退款结果通知).
	Sealed bool `json:"sealed,omitzero"`
}

// bodyV2 is the message as it goes out, with a fresh nonce_str.
func (n *Notification) bodyV2(m *world.Merchant, effect world.Effect) ([]byte, error) {
	texts := map[string]string{}
	if err := json.Unmarshal(n.Resource, &texts); err != nil {
		return nil, err
	}
	message := xmlv2.Members{{Name: "return_code", Text: "SUCCESS"}, {Name: "appid", Text: n.V2.AppID}, {Name: "mch_id", Text: n.MchID},
		{Name: "nonce_str", Text: strings.ReplaceAll(newID(), "-", "")}}
	own := xmlv2.Members{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		own = append(own, xmlv2.Member{Name: name, Text: texts[name]})
	}
	if n.V2.Sealed {
		plaintext, err := xmlv2.Encode("root", own)
		if err != nil {
			return nil, err
		}
		sealed, err := crypt.SealReqInfo(m.APIv2Key, plaintext)
		if err != nil {
			return nil, err
		}
		message.Set("req_info", sealed)
		return xmlv2.Encode(xmlv2.Root, message)
	}
	for _, member := range own {
		message.Set(member.Name, member.Text)
	}
	sign, err := cmp.Or(n.V2.SignType, auth.MD5).Sign(m.APIv2Key, message.Texts())
	if err != nil {
		return nil, err
	}
	switch effect {
	case world.EffectUnsigned:
	case world.EffectWrongSignature:
		message.Set("sign", sign[1:]+sign[:1])
	default:
		message.Set("sign", sign)
	}
	return xmlv2.Encode(xmlv2.Root, message)
}

// takenV2 tells why an answer does not say that the merchant has the notification: whatever its
// status, only return_code SUCCESS in XML does.
func takenV2(status int, answer []byte) error {
	if status >= http.StatusMultipleChoices {
		return nil // which tells enough
	}
	said, err := xmlv2.Decode(answer, xmlv2.Limits{Bytes: len(answer)})
	if err != nil {
		return fmt.Errorf("the answer is not the XML that it has to be: %w", err)
	}
	if said.Get("return_code") != "SUCCESS" {
		return errors.New("the answer has no return_code SUCCESS")
	}
	return nil
}
