package mapping

import (
	"slices"

	"github.com/openwechatpay/wechatpay/catalog"
)

// This file is messages of APIv2: elements with text, whose types only the catalog tells.

// mapMessage makes of the message the body that it would be in JSON. What the catalog does not know
// is signed, but nobody looks at it.
func (m *mapper) mapMessage() *Misfit {
	expected := m.op.Request.Body
	if expected == nil {
		return nil
	}
	at, body := m.bodySource(), map[string]any{}
	for _, member := range m.in.Message {
		f := fieldAt(expected.Fields, source{"xml", member.Name})
		here := at.child(member.Name)
		if misfit := checkText(f, member.Text, here); misfit != nil {
			return misfit
		}
		if member.Text == "" { // which is the same as none
			continue
		}
		if body[member.Name] = member.Text; f.Encoded == "" {
			body[member.Name], _ = fromText(f, member.Text, at) // what is no such value stays text, and is refused as such
		}
	}
	m.body = body
	return m.mapMembers(expected.Fields, body, at)
}

// numbers are the names of an order or a refund. The documents mark each of them as required where
// one of them is (二选一, 四选一).
var numbers = []string{"out_trade_no", "transaction_id", "out_refund_no", "refund_id"}

// asRequired are the fields as they are required: of the numbers that name the same thing, those that
// are there stand for those that are not, and what scene_info has to hold depends on the trade_type.
func (m *mapper) asRequired(fields []catalog.Field) []catalog.Field {
	same := m.sameThing(fields)
	fields = slices.Clone(fields)
	for i := range fields {
		if slices.Contains(same, fields[i].Name) {
			fields[i].Required = false
		}
		if fields[i].Name == "scene_info" {
			fields[i].Fields = nil
		}
	}
	return fields
}

// sameThing are the numbers that need not all be there, because one is.
func (m *mapper) sameThing(fields []catalog.Field) []string {
	required := func(name string) bool {
		f := find(fields, name)
		return f != nil && f.Required
	}
	same := numbers[:2]
	if required("refund_id") {
		same = numbers
	}
	given := func(name string) bool { return m.body[name] != nil }
	if required("transaction_id") && required("out_trade_no") && slices.ContainsFunc(same, given) {
		return same
	}
	return nil
}
