package wechatpay

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// This file makes the bytes of a request: path, query and body.

// expandPath fills the parameters of the call's path, each argument escaped as one segment.
func (k *call) expandPath() (string, error) {
	if err := checkTemplate(k.path); err != nil {
		return "", err
	}
	if len(k.args) == 0 && len(k.named) == 0 && !strings.Contains(k.path, "{") {
		return k.path, nil
	}
	var b strings.Builder
	args, used := k.args, 0
	rest := k.path
	for {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			break
		}
		name, tail, _ := strings.Cut(after, "}")
		value, err := "", error(nil)
		if len(args) > 0 {
			value, args = args[0], args[1:]
		} else if value, err = k.argument(name); err != nil {
			return "", err
		} else {
			used++
		}
		if err := checkArgument(name, value); err != nil {
			return "", err
		}
		b.WriteString(url.PathEscape(value))
		rest = tail
	}
	if used != len(k.named) || len(args) > 0 {
		return "", fmt.Errorf("a Path names no parameter of %s, or one twice", k.shown)
	}
	return b.String(), nil
}

// argument finds what Path said about the parameter.
func (k *call) argument(name string) (string, error) {
	for _, p := range k.named {
		if p.name == name {
			return p.value, nil
		}
	}
	return "", fmt.Errorf("the path parameter {%s} has no value: give wechatpay.Path(%q, …)", name, name)
}

// checkArgument refuses what would change the meaning of the path: an empty segment is
// another endpoint, and dots climb, between escaped slashes too: some servers take those for
// slashes.
func checkArgument(name, value string) error {
	if value == "" {
		return fmt.Errorf("the path parameter {%s} is empty", name)
	}
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return fmt.Errorf("the path parameter {%s} has a part %q, which would lead to another endpoint", name, part)
		}
	}
	return nil
}

// checkTemplate refuses what is not the path of an endpoint as the documents print it.
func checkTemplate(path string) error {
	switch {
	case path == "" || path == "/":
		return errors.New("the endpoint has no path: the key of Endpoints is misspelt, or Chain was given nothing")
	case strings.Contains(path, "://"):
		return errors.New("the path begins with a host: give the path alone, and the host by BaseURL or Hosts")
	case path[0] != '/': // Chain sees to it, generated code has it; else it would become part of the host
		return errors.New("the path does not begin with a slash")
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("the path has a segment %q", segment)
		}
		if inner, ok := strings.CutPrefix(segment, "{"); ok {
			inner, ok = strings.CutSuffix(inner, "}")
			if !ok || inner == "" || strings.ContainsAny(inner, "{}") {
				return fmt.Errorf("the path has a malformed parameter %q", segment)
			}
			continue
		}
		if i := strings.IndexFunc(segment, func(r rune) bool { return !isPathRune(r) }); i >= 0 {
			return fmt.Errorf("the path has %q, which belongs into wechatpay.Path or wechatpay.Query", segment[i:i+1])
		}
	}
	return nil
}

// isPathRune tells the characters that stand in a path as themselves. Escapes are not among
// them, for they could hide what is refused; nor is the semicolon, after which some servers
// ignore the rest of a segment.
func isPathRune(r rune) bool {
	return isLetterOrDigit(r) || strings.ContainsRune("-_.~*!$&'()+,=:@", r)
}

func isLetterOrDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// appendQuery is path and query as a request has them.
func appendQuery(path string, query []pair) string {
	if len(query) == 0 {
		return path
	}
	text := append(make([]byte, 0, 512), path...) // more than most have
	for i, q := range query {
		text = append(append(append(append(text, "?&"[min(i, 1)]), escape(q.name)...), '='), escape(q.value)...)
	}
	return string(text)
}

// escape is url.QueryEscape but for the space, which a path-minded server wants as %20.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// encode takes a request struct apart: fields tagged query or header go there, all others
// into the body. The caller's value stays as it is.
func (k *call) encode(in any) error {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Struct {
		return fmt.Errorf("the request is a %T, want a struct", in)
	}
	s := shapeOf(v.Type())
	k.query = slices.Grow(k.query, len(s.parts))
	for _, p := range s.parts {
		if err := add(k, p, v.Field(p.index)); err != nil {
			return err
		}
	}
	if !s.body {
		return nil
	}
	var err error
	k.body, err = k.marshal(in, true)
	return err
}

// shape is what encode knows about a type of request structs, worked out once.
type shape struct {
	parts []part
	body  bool // a field goes into the body
}

// part is a field that does not go into the body.
type part struct {
	index            int
	name             string
	optional, header bool
}

var shapes sync.Map // of reflect.Type to shape: a cache, written once for each type

func shapeOf(t reflect.Type) shape {
	if known, ok := shapes.Load(t); ok {
		return known.(shape)
	}
	var s shape
	for i := range t.NumField() {
		tag, query := t.Field(i).Tag.Lookup("query")
		header := false
		if !query {
			tag, header = t.Field(i).Tag.Lookup("header")
		}
		if !query && !header {
			s.body = true
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		s.parts = append(s.parts, part{index: i, name: name, optional: option == "omitzero", header: header})
	}
	shapes.Store(t, s)
	return s
}

// add adds a field to the query or the header: a list as often as it has elements. Methods that name a
// reflect.Value, of types that Client leads to, would cost each product's compiler dozens of functions.
func add(k *call, p part, v reflect.Value) error {
	if p.optional && v.IsZero() {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		if _, encoded := v.Interface().(encoding.TextMarshaler); !encoded {
			for i := range v.Len() {
				if err := add(k, part{name: p.name, header: p.header}, v.Index(i)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	text, err := textOf(k, v)
	switch {
	case err != nil:
		return within(p.name, err)
	case p.header:
		return Header(p.name, text)(k)
	}
	k.query = append(k.query, pair{p.name, text})
	return nil
}

// textOf is a value outside of the body.
func textOf(k *call, v reflect.Value) (string, error) {
	if v.Kind() == reflect.String && v.Type().NumMethod() == 0 {
		return v.String(), nil // without an allocation, as most are
	}
	switch value := v.Interface().(type) {
	case Time:
		text, err := value.MarshalJSON()
		return strings.Trim(string(text), `"`), err
	case Sensitive:
		s := sealer{key: k.key}
		own, _, err := s.encrypt(v)
		if err != nil {
			return "", err
		}
		return strings.TrimPrefix(own.String(), sealed), nil
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		return string(text), err
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	}
	return "", fmt.Errorf("a query cannot hold a %v", v.Type())
}

// needs is what a type may hold that encoding/json does not see to.
type needs uint8

const (
	needsKey   needs = 1 << iota // a Sensitive
	needsLists                   // a required list that is nil
)

// traits is what seal and open know about a type, worked out once.
type traits struct {
	needs  needs
	fields []slot // of a struct: those that have needs
}

// slot is a field of a struct or of a struct embedded in it.
type slot struct {
	index          []int
	name           string
	optional, list bool
}

var known sync.Map // of reflect.Type to *traits: a cache, written once for each type

func traitsOf(t reflect.Type) *traits {
	if found, ok := known.Load(t); ok {
		return found.(*traits)
	}
	found := &traits{needs: needsOf(t, make(map[reflect.Type]bool))}
	if t.Kind() == reflect.Struct {
		for _, f := range slots(t, nil) {
			field := t.FieldByIndex(f.index)
			if f.list || needsOf(field.Type, make(map[reflect.Type]bool)) != 0 {
				found.fields = append(found.fields, f)
			}
		}
	}
	known.Store(t, found)
	return found
}

// needsOf looks into each type once, for a type may hold itself.
func needsOf(t reflect.Type, seen map[reflect.Type]bool) (n needs) {
	if seen[t] {
		return 0
	}
	seen[t] = true
	if t == reflect.TypeFor[Sensitive]() {
		return needsKey
	}
	switch t.Kind() {
	case reflect.Interface: // that may hold anything
		return needsKey
	case reflect.Map:
		return needsOf(t.Key(), seen) | needsOf(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return needsOf(t.Elem(), seen)
	case reflect.Struct:
		for _, f := range slots(t, nil) {
			if f.list {
				n |= needsLists
			}
			n |= needsOf(t.FieldByIndex(f.index).Type, seen)
		}
	}
	return n
}

// slots are the fields of t that become members of JSON.
func slots(t reflect.Type, outer []int) (all []slot) {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		index := append(outer[:len(outer):len(outer)], f.Index...)
		switch {
		case tag == "-" || f.Tag.Get("query") != "":
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			all = append(all, slots(f.Type, index)...)
		case f.IsExported():
			all = append(all, slot{index, cmp.Or(name, f.Name), isOptional(f), isRequiredList(f)})
		}
	}
	return all
}

func emptyList(t reflect.Type) reflect.Value {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return reflect.ValueOf(json.RawMessage("{}"))
	case t.Kind() == reflect.Map:
		return reflect.MakeMap(t)
	default:
		return reflect.MakeSlice(t, 0, 0)
	}
}

// isRequiredList tells whether a nil value of the field would be sent as null.
func isRequiredList(field reflect.StructField) bool {
	if field.Type.Kind() != reflect.Slice && field.Type.Kind() != reflect.Map {
		return false
	}
	return field.Tag.Get("json") != "" && !isOptional(field)
}

func isOptional(field reflect.StructField) bool {
	return strings.HasSuffix(field.Tag.Get("json"), ",omitzero")
}

// marshal is the only place where a body is made: the bytes are signed and sent as they are.
// Required lists are filled in request structs only: what else is in a dynamic body is the caller's.
func (k *call) marshal(v any, lists bool) ([]byte, error) {
	s := sealer{key: k.key, lists: lists}
	if own, changed, err := s.seal(reflect.ValueOf(v), 0); err != nil {
		return nil, err
	} else if changed {
		v = own.Interface()
	}
	body, err := json.Marshal(v)
	if wrong, ok := errors.AsType[*json.UnsupportedTypeError](err); ok {
		return nil, fmt.Errorf("the body does not encode as JSON: it holds a %v", wrong.Type)
	}
	if wrong, ok := errors.AsType[*json.MarshalerError](err); ok {
		return nil, fmt.Errorf("the body does not encode as JSON: it holds a %v that does not", wrong.Type)
	}
	if err != nil { // the other texts of encoding/json quote the value
		return nil, errors.New("the body does not encode as JSON: it holds a number that is none, or itself")
	}
	switch {
	case bytes.Equal(body, []byte("null")):
		return nil, errors.New("the body is null, which WeChat Pay refuses")
	case bytes.Contains(body, []byte(`"`+hidden+`"`)), bytes.Contains(body, []byte(sealed)):
		return nil, errors.New("the body has a Sensitive where it cannot be encrypted: in a type that encodes itself, " +
			"behind an embedded pointer, or as the text " + hidden)
	}
	return body, nil
}
