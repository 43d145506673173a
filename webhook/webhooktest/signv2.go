package webhooktest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// This file makes the messages of APIv2: XML with a member sign, or with all that counts in req_info.

func (s *Sender) signV2(d *draft) (Delivery, error) {
	message, err := xmlv2.Marshal(d.event)
	if err != nil {
		return Delivery{}, err
	}
	if d.unknown != "" {
		message.Set(unknownMember, d.unknown)
	}
	s.complete(d, message)
	sealed, err := d.sealV2(message)
	if err != nil {
		return Delivery{}, err
	}
	if !sealed {
		signType := cmp.Or(message.Get("sign_type"), message.Get("algorithm"), string(s.signType))
		sign, err := auth.SignType(signType).Sign(d.apiv2Key, message.Texts())
		if err != nil {
			return Delivery{}, err
		}
		message.Set("sign", sign)
	}
	body, err := xmlv2.Encode(xmlv2.Root, message)
	if err != nil {
		return Delivery{}, err
	}
	return Delivery{delivered("text/xml"), d.padded(body, len("<xml>"))}, nil
}

const unknownMember = "webhooktest"

// complete fills in what WeChat Pay sets, in the members that are there and empty.
func (s *Sender) complete(d *draft, message xmlv2.Members) {
	fresh := map[string]string{
		"mch_id": s.mchID, "combine_mch_id": s.mchID, "nonce_str": strings.ReplaceAll(newID(), "-", ""),
		"return_code": "SUCCESS", "result_code": "SUCCESS", "sign_type": string(s.signType),
		"algorithm": string(auth.HMACSHA256), "event_id": newID(), "event_type": d.eventType, "event_algorithm": "AEAD_AES_256_GCM",
		"event_nonce": newKey()[:12], "event_create_time": d.at.In(beijing).Format(time.RFC3339),
	}
	for i, m := range message {
		if m.Text == "" && len(m.Members) == 0 {
			message[i].Text = fresh[m.Name]
		}
		if m.Name == "event_id" && d.id != "" {
			message[i].Text = d.id
		}
	}
}

// sealV2 puts the ciphertext where the plaintext is. A message with req_info is not signed.
func (d *draft) sealV2(message xmlv2.Members) (unsigned bool, err error) {
	for i := range message {
		member := &message[i]
		switch {
		case member.Name == "req_info":
			root, err := xmlv2.Encode("root", member.Members)
			if err != nil {
				return false, err
			}
			reqInfo, err := crypt.SealReqInfo(d.apiv2Key, root)
			if err != nil {
				return false, err
			}
			*member, unsigned = xmlv2.Member{Name: member.Name, Text: reqInfo}, true
		case member.Name == "event_ciphertext":
			sealed, err := crypt.SealGCM(d.apiv3Key, message.Get("event_nonce"), message.Get("event_associated_data"), []byte(member.Text))
			if err != nil {
				return false, err
			}
			member.Text = base64.StdEncoding.EncodeToString(sealed)
		}
	}
	return unsigned, nil
}

// respelled is d with other members, under the signature that it has.
func respelled(d Delivery, change func(*xmlv2.Members)) (Delivery, error) {
	message, err := xmlv2.Decode(d.Body, xmlv2.Limits{Bytes: len(d.Body)})
	if err != nil {
		return d, err
	}
	change(&message)
	body, err := xmlv2.Encode(xmlv2.Root, message)
	return Delivery{d.Header, body}, err
}

func withoutSign(message *xmlv2.Members) {
	*message = slices.DeleteFunc(*message, func(m xmlv2.Member) bool { return m.Name == "sign" })
}

// neutral is the name of a member that no handler looks at but for the signature: nonce_str, if there is one.
// Of what is sealed only req_info counts.
func neutral(message xmlv2.Members) string {
	name := "nonce_str"
	switch {
	case message.Get("req_info") != "":
		return "req_info"
	case message.Get(name) != "":
		return name
	}
	for _, m := range message {
		if m.Text != "" && m.Name != "sign" {
			name = m.Name
		}
	}
	return name
}

var quotable = strings.NewReplacer("&", "&#38;#38;", "<", "&#38;#60;", "%", "&#37;", `"`, "&#34;")

// withEntity is d with a member's text in an entity, which XML may declare: a parser that resolves it would
// as well read the files that others name. The signature is good for what it stands for.
func withEntity(d Delivery) (Delivery, error) {
	const placeholder = "webhooktest-entity"
	var text string
	d, err := respelled(d, func(message *xmlv2.Members) {
		name := neutral(*message)
		text = message.Get(name)
		message.Set(name, placeholder)
	})
	if err != nil {
		return d, err
	}
	declared := `<!DOCTYPE xml [<!ENTITY n "` + quotable.Replace(text) + `">]>`
	d.Body = []byte(declared + strings.Replace(string(d.Body), "<![CDATA["+placeholder+"]]>", "&n;", 1))
	return d, nil
}

// readV2 reads an answer: WeChat Pay takes it for a success if it is XML, and says so.
func readV2(status int, body []byte) (taken bool, text string) {
	said, err := xmlv2.Decode(body, xmlv2.Limits{Bytes: len(body)})
	switch code := said.Get("return_code"); {
	case err != nil:
		return false, fmt.Sprintf("%d no XML", status)
	case code == "SUCCESS" || code == "FAIL":
		return status == http.StatusOK && code == "SUCCESS", fmt.Sprintf("%d %s", status, code)
	}
	return false, fmt.Sprintf("%d no code", status)
}
