package manage

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// sample is the plaintext of a notification in its documented shape, made as the answer of an operation would
// be that has these members.
func (a *API) sample(kind *catalog.Notification, m *world.Merchant) (json.RawMessage, error) {
	op := &catalog.Operation{Response: catalog.Response{Body: &catalog.Body{Kind: "json", Fields: kind.Resource.Fields}}}
	made, err := a.Shape(&front.Call{Op: op, Merchant: m, Values: new(mapping.Values)})
	if err != nil {
		return nil, err
	}
	agree(made, kind)
	return json.Marshal(made)
}

// agree lets what is made say the same as its event type: refund_status CLOSED, of REFUND.CLOSED.
func agree(made any, kind *catalog.Notification) {
	object, ok := made.(map[string]any)
	event := kind.EventTypes[0]
	said := event[strings.LastIndexByte(event, '.')+1:]
	for _, f := range kind.Resource.Fields {
		if ok && slices.Contains(f.Enum, said) {
			object[f.Name] = said
		}
	}
}
