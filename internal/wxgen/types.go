package main

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

// role is on which way a value goes. Optional numbers of what a merchant sends are pointers,
// for there zero and absent differ; those of what it receives are plain.
type role int

const (
	request role = iota
	answer
	notification // the resource of one
	reply        // what a notification is answered with
)

// sent tells whether the merchant writes it.
func (r role) sent() bool { return r == request || r == reply }

// shape is one occurrence of an object in the catalog.
type shape struct {
	name     string
	explicit bool // the name is the catalog's, not the field's
	own      bool // the name is of an operation or an event: nothing shares it
	doc      string
	role     role
	query    []catalog.Field
	headers  []catalog.Field
	fields   []catalog.Field
	encoded  bool   // a string holds it as JSON
	list     string // what it is a list of, if it is none of fields
}

// structType is a struct of the generated package.
type structType struct {
	name     string
	doc      string   // the comment, without the name
	answers  []string // the verbs whose answer it is, as doc links
	explicit bool
	own      bool
	sent     bool // the merchant sends it
	where    place
	fields   []*structField
	file     *catalog.File // that a request uploads with them
	encoded  bool          // a string holds it as JSON
	list     string        // what it is a list of, if it is none of fields
	xml      bool          // its fields are elements
}

type structField struct {
	wire     string // "out_order_no"
	name     string // "OutOrderNo"
	typ      string
	in       string // "query" or "header" if a request has it there and not in the body
	optional bool
	comment  string
}

// enumType is a string with documented values.
type enumType struct {
	name     string
	doc      string // the comment, without the name
	explicit bool
	where    place
	values   []string
}

// object is the struct of a shape. Shapes with one name share a struct, if they agree.
func (m *model) object(s shape, p place) *structType {
	t := &structType{name: s.name, doc: s.doc, explicit: s.explicit, own: s.own, sent: s.role.sent(), where: p, encoded: s.encoded, list: s.list, xml: m.v2 && m.inText == 0}
	for _, f := range s.query {
		t.add(m.field(f, s.role, p.at(f.Name)), "query")
		if strings.HasPrefix(f.Type, "object") && f.Encoded == "" {
			p.at(f.Name).errorf("an object in the query is not supported")
		}
		if f.Encoded != "" && isSecret(f) {
			p.at(f.Name).errorf("an encrypted field inside of one of the query is not supported")
		}
	}
	for _, f := range s.headers {
		t.add(m.field(f, s.role, p.at(f.Name)), "header")
		if f.Type != "string" || f.Encrypted != "" {
			p.at(f.Name).errorf("a header that is not a plain string is not supported")
		}
	}
	for _, f := range s.fields {
		t.add(m.field(f, s.role, p.at(f.Name)), "")
	}
	if known, ok := m.structs[s.name]; ok && !s.own && !known.own {
		known.merge(t)
		return known
	}
	m.declare(s.name, "the type of "+p.text, p)
	m.structs[s.name] = t
	return t
}

// shared tells whether a type stands in the file of all types, not beside its one verb.
func (t *structType) shared() bool { return !t.own }

func (t *structType) add(f *structField, in string) {
	f.in = in
	if other := t.field(f.name); other != nil {
		t.where.at(f.wire).errorf("the field %s is there already, for %s", f.name, other.wire)
		return
	}
	t.fields = append(t.fields, f)
}

func (t *structType) field(name string) *structField {
	if i := slices.IndexFunc(t.fields, func(f *structField) bool { return f.name == name }); i >= 0 {
		return t.fields[i]
	}
	return nil
}

// merge takes another occurrence in. Answers that the catalog gives one name may have
// different fields, and the type then has all of them. Requests never: the gateway refuses
// a field that an operation does not know.
func (t *structType) merge(o *structType) {
	union := t.explicit && o.explicit
	if t.encoded != o.encoded || t.list != o.list || t.xml != o.xml {
		o.where.errorf("the type %s is encoded in another way at %s: %s", t.name, t.where.text, remedy)
	}
	for _, f := range o.fields {
		known := t.field(f.name)
		switch {
		case known == nil && (t.sent || !union):
			o.where.at(f.wire).errorf("the type %s has no such field at %s: %s", t.name, t.where.text, remedy)
		case known == nil:
			f.optional = f.optional || !o.sent
			t.fields = append(t.fields, f)
		case known.wire != f.wire:
			o.where.at(f.wire).errorf("in the type %s the field %s is %s at %s: give one of them a field_name", t.name, f.name, known.wire, t.where.text)
		case known.typ != f.typ || known.in != f.in:
			o.where.at(f.wire).errorf("in the type %s it is a %s here and a %s at %s: %s", t.name, f.typ, known.typ, t.where.text, remedy)
		}
	}
	for _, f := range t.fields {
		if o.field(f.name) == nil && (o.sent || !union) {
			o.where.errorf("the type %s has the field %s at %s, and not here: %s", t.name, f.name, t.where.text, remedy)
		}
	}
	t.mergeOptional(o)
}

const remedy = "give one of them another type_name"

// mergeOptional makes a field required if it is everywhere. Requests go before answers, for
// only what is sent can be refused.
func (t *structType) mergeOptional(o *structType) {
	for _, f := range t.fields {
		here := o.field(f.name)
		switch {
		case t.sent == o.sent:
			f.optional = f.optional || here == nil || here.optional
		case o.sent && here != nil:
			f.optional, f.comment = here.optional, here.comment
		}
	}
	t.sent = t.sent || o.sent
}

// field is one field of a struct.
func (m *model) field(f catalog.Field, r role, p place) *structField {
	name := cmp.Or(f.FieldName, several(exported(plain(f)), f.Indexed))
	if name == "" {
		p.errorf("the field gives no Go name")
	}
	item, list := strings.CutSuffix(f.Type, "[]")
	typ := m.fieldType(f, item, list, r, p)
	switch {
	case f.Encoded != "":
	case f.Indexed > 0:
		typ = strings.Repeat("[]", f.Indexed) + typ
	case list:
		typ = "[]" + typ
	case r.sent() && !f.Required && (typ == "int64" || typ == "bool"):
		typ = "*" + typ
	}
	return &structField{wire: f.Name, name: name, typ: typ, optional: !f.Required, comment: comment(f, r)}
}

// plain is the name of a field without the indices of APIv2: coupon_id_$n stands for coupon_id_0,
// coupon_id_1 and so on.
func plain(f catalog.Field) string {
	return strings.TrimSuffix(strings.TrimSuffix(f.Name, "_$m"), "_$n")
}

// several is the name of a field that stands for many: CouponFees, and CouponRefundFeeLists for lists
// of such.
func several(name string, indexed int) string {
	switch {
	case indexed == 0:
		return name
	case indexed == 2:
		return name + "Lists"
	case strings.HasSuffix(name, "s"):
		return name + "es"
	}
	return name + "s"
}

// fieldType is the Go type of a field, but for the list or the pointer that it may be.
func (m *model) fieldType(f catalog.Field, item string, list bool, r role, p place) string {
	if f.Encoded == "" {
		return m.itemType(f, item, list, r, p)
	}
	m.inText++
	defer func() { m.inText-- }()
	s := shape{name: cmp.Or(f.TypeName, exported(f.Name)), explicit: f.TypeName != "", encoded: true, role: r}
	s.doc = fmt.Sprintf("is what %s holds as JSON", about(f))
	if list {
		f.TypeName = s.name + "Item"
		s.list = m.itemType(f, item, list, r, p)
	} else if s.fields = f.Fields; len(f.Fields) == 0 {
		p.errorf("an encoded object without fields is not supported")
	}
	return m.object(s, p).name
}

// itemType is the Go type of a field, or of its items if it is a list.
func (m *model) itemType(f catalog.Field, item string, list bool, r role, p place) string {
	switch item {
	case "string":
		if m.v2 && f.Encrypted != "" { // ciphertext, as the caller makes and reads it
			return "string"
		}
		if f.Encrypted != "" {
			return encryptedType(f, r, p)
		}
		if len(f.Enum) > 0 {
			return m.enum(f, list, p).name
		}
		if f.Format == "rfc3339" {
			return "wechatpay.Time"
		}
		return "string"
	case "integer":
		return "int64"
	case "number":
		if f.Integral {
			return "int64"
		}
		return "json.Number"
	case "boolean":
		return "bool"
	}
	if len(f.Fields) == 0 {
		return "json.RawMessage"
	}
	s := shape{name: f.TypeName, explicit: f.TypeName != "", role: r, fields: f.Fields}
	s.doc = "is the object " + about(f)
	if list {
		s.doc = "is an item of " + about(f)
	}
	if s.name == "" {
		s.name = typeName(f.Name, list)
	}
	return m.object(s, p).name
}

// encryptedType is the Go type of a field that is encrypted: the client encrypts and decrypts it. What
// reads notifications has no private key, and leaves the ciphertext to its caller.
func encryptedType(f catalog.Field, r role, p place) string {
	if r == reply { // it does not go through the client
		p.errorf("an encrypted field in the answer to a notification is not supported")
	}
	if r.sent() != (f.Encrypted == "platform") {
		p.errorf("the key of the %s encrypts what goes the other way", f.Encrypted)
	}
	if r == notification {
		return "string"
	}
	return "wechatpay.Sensitive"
}

// isSecret tells whether a field, or one inside of it, is encrypted.
func isSecret(f catalog.Field) bool {
	return f.Encrypted != "" || slices.ContainsFunc(f.Fields, isSecret)
}

// typeName is the name of a field's type, unless the catalog gives one.
func typeName(wire string, list bool) string {
	if list {
		return singular(exported(wire))
	}
	return exported(wire)
}

// enum is the type of a string with documented values.
func (m *model) enum(f catalog.Field, list bool, p place) *enumType {
	e := &enumType{name: f.TypeName, explicit: f.TypeName != "", where: p, values: f.Enum}
	if e.name == "" {
		e.name = typeName(plain(f), list)
	}
	e.doc = "is a value of " + about(f)
	known, ok := m.enums[e.name]
	if !ok {
		m.enums[e.name] = e
		return e
	}
	for _, value := range e.values {
		if slices.Contains(known.values, value) {
			continue
		}
		if !known.explicit || !e.explicit {
			p.errorf("the enum %s has no %q at %s: give one of them another type_name", e.name, value, known.where.text)
		}
		known.values = append(slices.Clip(known.values), value)
	}
	if len(e.values) < len(known.values) && !(known.explicit && e.explicit) {
		p.errorf("the enum %s has more values at %s: give one of them another type_name", e.name, known.where.text)
	}
	return known
}

func (e *enumType) declare() {
	e.where.m.declare(e.name, "the enum of "+e.where.text, e.where)
	for _, value := range e.values {
		if !token.IsIdentifier(e.constant(value)) {
			e.where.errorf("the value %q gives no Go name", value)
		}
		e.where.m.declare(e.constant(value), "a value of "+e.name, e.where)
	}
}

// constant is the name of one value. Many values begin with the name of their type.
func (e *enumType) constant(value string) string {
	if name := capitals(value); strings.HasPrefix(name, e.name) {
		return name
	}
	return e.name + capitals(value)
}

// about names a field in prose.
func about(f catalog.Field) string {
	if f.Label == "" {
		return f.Name
	}
	return fmt.Sprintf("%s, %s", f.Name, f.Label)
}

// comment is what stands behind a field: its label, and what a caller has to know.
func comment(f catalog.Field, r role) string {
	var notes []string
	if f.Label != "" {
		notes = append(notes, f.Label)
	}
	if f.Unit != "" {
		notes = append(notes, f.Unit)
	}
	if f.Format != "" && f.Format != "rfc3339" {
		notes = append(notes, strings.ReplaceAll(f.Format, "|", " or "))
	}
	if r.sent() {
		notes = append(notes, limits(f)...)
	}
	switch {
	case f.Encrypted == "risk":
		notes = append(notes, "by crypt.EncryptOAEP with the key of /risk/getpublickey")
	case f.Encrypted == "merchant" && r == notification:
		notes = append(notes, "for crypt.DecryptOAEP")
	}
	return strings.Join(notes, ", ")
}

func limits(f catalog.Field) []string {
	var notes []string
	switch {
	case f.MinLength > 1 && f.MaxLength == 0:
		notes = append(notes, fmt.Sprintf("at least %d characters", f.MinLength))
	case f.MinLength > 1:
		notes = append(notes, fmt.Sprintf("%d to %d characters", f.MinLength, f.MaxLength))
	case f.MaxLength > 0:
		notes = append(notes, fmt.Sprintf("at most %d characters", f.MaxLength))
	}
	switch {
	case f.MinItems > 0 && f.MaxItems > 0:
		notes = append(notes, fmt.Sprintf("%d to %d items", f.MinItems, f.MaxItems))
	case f.MaxItems > 0:
		notes = append(notes, fmt.Sprintf("at most %d items", f.MaxItems))
	case f.MinItems > 0:
		notes = append(notes, fmt.Sprintf("at least %d items", f.MinItems))
	}
	switch {
	case f.Minimum != nil && f.Maximum != nil:
		notes = append(notes, fmt.Sprintf("%d to %d", *f.Minimum, *f.Maximum))
	case f.Minimum != nil && *f.Minimum != 0:
		notes = append(notes, fmt.Sprintf("at least %d", *f.Minimum))
	case f.Maximum != nil:
		notes = append(notes, fmt.Sprintf("at most %d", *f.Maximum))
	}
	return notes
}
