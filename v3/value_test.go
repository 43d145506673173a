package v3_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
)

// required are the names of the fields that a zero request has.
func required(fields []catalog.Field) []string {
	return names(slices.DeleteFunc(slices.Clone(fields), func(f catalog.Field) bool { return !f.Required }))
}

func names(fields []catalog.Field) []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.Name)
	}
	slices.Sort(all)
	return all
}

func hasNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		inner, ok := decoded(v)
		return ok && hasNull(inner)
	case []any:
		return slices.ContainsFunc(v, hasNull)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), hasNull)
	}
	return false
}

// decoded is the object or the list that a string holds as JSON, if it holds one.
func decoded(s string) (v any, ok bool) {
	if !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") {
		return nil, s == "null"
	}
	return v, json.Unmarshal([]byte(s), &v) == nil
}

// pruned is v without what is zero, and with the JSON that strings hold in their place. A type that
// requests share may have a field that they must send and this answer does not have; it encodes
// as "".
func pruned(v any) any {
	switch v := v.(type) {
	case string:
		if inner, ok := decoded(v); ok {
			return pruned(inner)
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	case map[string]any:
		for name, member := range v {
			switch v[name] = pruned(member); v[name] {
			case "", false, 0.0, json.Number("0"):
				delete(v, name)
			}
		}
	}
	return v
}

// full is a value of type t in which nothing is zero.
func full(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch {
	case t == reflect.TypeFor[wechatpay.Time]():
		v.Set(reflect.ValueOf(wechatpay.Time{Time: time.Now()}))
	case t == reflect.TypeFor[wechatpay.Upload](): // what it may be depends on the operation
	case t == reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte("{}"))
	case t == reflect.TypeFor[json.Number]():
		v.SetString("1")
	case t.Kind() == reflect.String:
		v.SetString("1")
	case t.Kind() == reflect.Int64:
		v.SetInt(1)
	case t.Kind() == reflect.Bool:
		v.SetBool(true)
	case t.Kind() == reflect.Pointer:
		v.Set(full(t.Elem()).Addr())
	case t.Kind() == reflect.Slice:
		v.Set(reflect.Append(v, full(t.Elem())))
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			v.Field(i).Set(full(t.Field(i).Type))
		}
	default:
		panic("no value of type " + t.String())
	}
	return v
}

// compare checks that text has the fields, all of them and no others, with values of
// their types.
func compare(t *testing.T, place string, text json.RawMessage, fields []catalog.Field) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		t.Errorf("%s: %v in %s", place, err, text)
		return
	}
	if got, want := slices.Sorted(maps.Keys(members)), names(fields); !slices.Equal(got, want) {
		t.Errorf("%s: has %v, want %v", place, got, want)
	}
	for _, f := range fields {
		compareValue(t, place+" "+f.Name, members[f.Name], f)
	}
}

func compareValue(t *testing.T, place string, text json.RawMessage, f catalog.Field) {
	t.Helper()
	if f.Encoded != "" {
		var inner string
		if err := json.Unmarshal(text, &inner); err != nil {
			t.Errorf("%s: is %s, want a string that holds JSON", place, text)
			return
		}
		text = json.RawMessage(inner)
	}
	item, list := strings.CutSuffix(f.Type, "[]")
	if list {
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil || len(items) != 1 {
			t.Errorf("%s: is %s, want a list of one", place, text)
			return
		}
		text = items[0]
	}
	first := map[string]string{"string": `"`, "integer": "1", "number": "1", "boolean": "t", "object": "{"}[item]
	if !bytes.HasPrefix(text, []byte(first)) {
		t.Errorf("%s: is %s, want a %s", place, text, f.Type)
	}
	switch {
	case f.Encrypted != "":
		compareSecret(t, place, text)
	case f.Format == "rfc3339":
		if err := new(wechatpay.Time).UnmarshalJSON(text); err != nil {
			t.Errorf("%s: %v: %s", place, err, text)
		}
	}
	if len(f.Fields) > 0 {
		compare(t, place, text, f.Fields)
	}
}

// compareSecret checks that WeChat Pay can decrypt what a full request has encrypted.
func compareSecret(t *testing.T, place string, text json.RawMessage) {
	t.Helper()
	var ciphertext string
	if err := json.Unmarshal(text, &ciphertext); err != nil {
		t.Errorf("%s: %v", place, err)
	}
	if plaintext, err := crypt.DecryptOAEP(keys().platform, ciphertext); err != nil || plaintext != "1" {
		t.Errorf("%s: decrypts to %q, %v", place, plaintext, err)
	}
}

// compareText checks the values of a parameter or a header: a list is there as often as it
// has items.
func compareText(t *testing.T, place string, values []string, f catalog.Field) {
	t.Helper()
	if len(values) != 1 {
		t.Errorf("%s: is there %d times", place, len(values))
		return
	}
	if f.Encoded == "" {
		f.Type = strings.TrimSuffix(f.Type, "[]")
	}
	text := []byte(values[0])
	if f.Type == "string" || f.Encoded != "" {
		text, _ = json.Marshal(values[0])
	}
	compareValue(t, place, text, f)
}

// sample is an answer of the operation with every field in it.
func sample(op *catalog.Operation) []byte {
	if op.Response.Body.Kind == "empty" {
		return nil
	}
	return marshal(sampleObject(op.Response.Body.Fields))
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// hidden is a sensitive field of an answer, which its merchant can decrypt.
var hidden = sync.OnceValue(func() string {
	ciphertext, err := crypt.EncryptOAEP(&keys().merchant.PublicKey, "secret")
	if err != nil {
		panic(err)
	}
	return ciphertext
})

func sampleObject(fields []catalog.Field) map[string]any {
	object := map[string]any{}
	for _, f := range fields {
		object[f.Name] = sampleValue(f)
	}
	return object
}

func sampleValue(f catalog.Field) any {
	item, list := strings.CutSuffix(f.Type, "[]")
	value := map[string]any{"string": "x", "integer": 7, "number": 7, "boolean": true, "object": map[string]any{"x": "x"}}[item]
	switch {
	case len(f.Fields) > 0:
		value = sampleObject(f.Fields)
	case f.Encrypted == "merchant":
		value = hidden()
	case f.Format == "rfc3339":
		value = "2018-06-08T10:34:56+08:00"
	}
	if list {
		value = []any{value}
	}
	if f.Encoded != "" {
		return string(marshal(value))
	}
	return value
}
