package wechatpay

import (
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

// This file is the values that need more than encoding/json: times, and sensitive fields with what
// encrypts them on the way out and decrypts them on the way in.

// beijing is UTC+8, where WeChat Pay's times are at home. It has had no daylight saving
// time since 1991, so a fixed zone does, and no time-zone database is needed.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// Time is as APIv3 writes it: RFC 3339 in whole seconds, such as 2018-06-08T10:34:56+08:00. It goes out
// in UTC+8. The zero Time is the empty string, both ways; fractions that come in are kept.
type Time struct{ time.Time }

// MarshalJSON is t in UTC+8.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte(`""`), nil
	}
	return []byte(t.In(beijing).Format(`"` + time.RFC3339 + `"`)), nil
}

// UnmarshalJSON reads RFC 3339.
func (t *Time) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("a time is not a string: %w", err)
	}
	if s == "" {
		t.Time = time.Time{}
		return nil
	}
	parsed, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("a time is not RFC 3339")
	}
	t.Time = parsed
	return nil
}

// Sensitive is a sensitive field (敏感信息字段), such as a name or a phone number: at most 214
// bytes, sent encrypted for WeChat Pay, and decrypted with the merchant's private key where an
// answer has it. In a body of one's own it may stand anywhere:
//
//	wechatpay.JSON(map[string]any{"name": wechatpay.Sensitive("张三")})
//
// The value is read by string(s). Printed, logged or as JSON it is [hidden], unless by the verb %p
// or from an unexported field, where fmt asks no type, or as the key of a map.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4013053257.
type Sensitive string

// hidden stands for every Sensitive that is not empty.
const hidden = "[hidden]"

// String is [hidden], or empty if s is.
func (s Sensitive) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format prints s like [Sensitive.String], whatever the verb.
func (s Sensitive) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue is s like [Sensitive.String].
func (s Sensitive) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is s like [Sensitive.String]; in a call's body, the ciphertext.
func (s Sensitive) MarshalText() ([]byte, error) {
	if ciphertext, ok := strings.CutPrefix(string(s), sealed); ok {
		return []byte(ciphertext), nil
	}
	return []byte(s.String()), nil
}

// sealed is how MarshalText knows the engine's copies from the caller's values: in a copy it stands
// before the ciphertext. It is random, so that nobody can put it before a plaintext, and a copy
// is gone when its bytes are made. What it opens is ciphertext only.
var sealed = rand.Text()

// sealer makes the copy of a body that is marshalled: Sensitive values are encrypted in it and, of
// request structs, required lists that are nil are empty, for nil encodes as null, which the
// gateway refuses. What has neither is not copied, and nothing of the caller's is written to.
type sealer struct {
	key   auth.PlatformKey
	lists bool
}

// maxDepth is what a body may be deep before it is taken for one that holds itself. WeChat Pay
// refuses less.
const maxDepth = 1000

// seal returns v, or what is sent in its place.
func (s *sealer) seal(v reflect.Value, depth int) (own reflect.Value, changed bool, err error) {
	t := traitsOf(v.Type())
	if t.needs&needsKey == 0 && !(s.lists && t.needs&needsLists != 0) {
		return v, false, nil
	}
	if depth > maxDepth {
		return v, false, errors.New("the body is too deep, or holds itself")
	}
	switch v.Kind() {
	case reflect.String:
		return s.encrypt(v)
	case reflect.Struct:
		return s.sealFields(v, t.fields, depth)
	case reflect.Slice, reflect.Array:
		return s.sealItems(v, depth)
	case reflect.Map:
		return s.sealMembers(v, depth)
	case reflect.Pointer:
		if v.IsNil() {
			return v, false, nil
		}
		inner, changed, err := s.seal(v.Elem(), depth+1)
		if err != nil || !changed {
			return v, false, err
		}
		own = reflect.New(v.Type().Elem())
		own.Elem().Set(inner)
		return own, true, nil
	default: // an interface
		if v.IsNil() {
			return v, false, nil
		}
		return s.seal(v.Elem(), depth+1)
	}
}

func (s *sealer) encrypt(v reflect.Value) (reflect.Value, bool, error) {
	switch plaintext := v.String(); {
	case plaintext == "":
		return v, false, nil
	case plaintext == hidden:
		return v, false, &fieldError{err: errors.New("is the text that stands for a Sensitive in JSON: whoever wrote that JSON has the value")}
	case !utf8.ValidString(plaintext):
		return v, false, &fieldError{err: errors.New("is not UTF-8")}
	default:
		ciphertext, err := crypt.EncryptOAEP(s.key.Public, plaintext)
		if err != nil {
			return v, false, &fieldError{err: fmt.Errorf("cannot be encrypted: %w", err)}
		}
		return reflect.ValueOf(Sensitive(sealed + ciphertext)), true, nil
	}
}

func (s *sealer) sealFields(v reflect.Value, fields []slot, depth int) (own reflect.Value, changed bool, err error) {
	own = v
	for _, f := range fields {
		field := v.FieldByIndex(f.index)
		if f.optional && field.IsZero() {
			continue // and stays left out
		}
		sent, other := field, false
		if s.lists && f.list && field.IsNil() {
			sent, other = emptyList(field.Type()), true
		} else if sent, other, err = s.seal(field, depth+1); err != nil {
			return v, false, within(f.name, err)
		}
		if !other {
			continue
		}
		if !changed {
			own, changed = reflect.New(v.Type()).Elem(), true
			own.Set(v)
		}
		own.FieldByIndex(f.index).Set(sent)
	}
	return own, changed, nil
}

func (s *sealer) sealItems(v reflect.Value, depth int) (own reflect.Value, changed bool, err error) {
	own = v
	for i := range v.Len() {
		sent, other, err := s.seal(v.Index(i), depth+1)
		if err != nil {
			return v, false, within(strconv.Itoa(i), err)
		}
		if !other {
			continue
		}
		if !changed {
			own, changed = reflect.New(v.Type()).Elem(), true
			if v.Kind() == reflect.Slice {
				own.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			}
			reflect.Copy(own, v)
		}
		own.Index(i).Set(sent)
	}
	return own, changed, nil
}

func (s *sealer) sealMembers(v reflect.Value, depth int) (own reflect.Value, changed bool, err error) {
	if plain(v.Interface(), depth) { // without the allocations of a walk by reflection
		return v, false, nil
	}
	if v.Type().Key() == reflect.TypeFor[Sensitive]() && v.Len() > 0 {
		return v, false, errors.New("a Sensitive is the key of a map, where nothing is encrypted")
	}
	own = v
	member := reflect.New(v.Type().Elem()).Elem()
	for i := v.MapRange(); i.Next(); {
		member.SetIterValue(i)
		sent, other, err := s.seal(member, depth+1)
		if err != nil {
			return v, false, within(fmt.Sprint(i.Key()), err)
		}
		if !other {
			continue
		}
		if !changed {
			own, changed = reflect.MakeMapWithSize(v.Type(), v.Len()), true
			for i := v.MapRange(); i.Next(); {
				own.SetMapIndex(i.Key(), i.Value())
			}
		}
		own.SetMapIndex(i.Key(), sent)
	}
	return own, changed, nil
}

// plain finds out at little cost that what a dynamic body usually is has no Sensitive.
func plain(v any, depth int) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, member := range v {
			if depth > maxDepth || !plain(member, depth+1) {
				return false
			}
		}
		return true
	case []any:
		for _, item := range v {
			if depth > maxDepth || !plain(item, depth+1) {
				return false
			}
		}
		return true
	}
	return traitsOf(reflect.TypeOf(v)).needs&needsKey == 0
}

// opener decrypts what comes back encrypted.
type opener struct {
	decrypt func(ciphertext string) (string, error) // has the key where no %+v finds it
}

func newOpener(key crypto.Signer) *opener {
	decrypter, ok := key.(crypto.Decrypter)
	if !ok {
		err := fmt.Errorf("the merchant's private key, a %T, signs but does not decrypt: it is no crypto.Decrypter", key)
		return &opener{func(string) (string, error) { return "", err }}
	}
	return &opener{func(ciphertext string) (string, error) { return crypt.DecryptOAEP(decrypter, ciphertext) }}
}

// open decrypts each Sensitive in v, which was just decoded, in its place.
func open(o *opener, v reflect.Value) error {
	t := traitsOf(v.Type())
	if t.needs&needsKey == 0 {
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		return openText(o, v)
	case reflect.Pointer:
		if !v.IsNil() {
			return open(o, v.Elem())
		}
	case reflect.Interface: // decoding puts no Sensitive in, but fills what a pointer in it leads to
		if v.Elem().Kind() == reflect.Pointer {
			return open(o, v.Elem())
		}
	case reflect.Struct:
		for _, f := range t.fields {
			if err := open(o, v.FieldByIndex(f.index)); err != nil {
				return within(f.name, err)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := open(o, v.Index(i)); err != nil {
				return within(strconv.Itoa(i), err)
			}
		}
	case reflect.Map:
		for i := v.MapRange(); i.Next(); {
			member := reflect.New(v.Type().Elem()).Elem()
			member.SetIterValue(i)
			if err := open(o, member); err != nil {
				return within("*", err) // its name is the answer's
			}
			v.SetMapIndex(i.Key(), member)
		}
	}
	return nil
}

func openText(o *opener, v reflect.Value) error {
	if v.Len() == 0 {
		return nil
	}
	if o == nil {
		return &fieldError{err: errors.New("cannot be decrypted: the Response is not of a call, and has no key")}
	}
	plaintext, err := o.decrypt(v.String())
	if err != nil {
		return &fieldError{err: fmt.Errorf("cannot be decrypted: %w", err)}
	}
	v.SetString(plaintext)
	return nil
}

// fieldError says what is wrong with the field that a JSON pointer names, never its value.
type fieldError struct {
	pointer string
	err     error
}

func (e *fieldError) Error() string { return fmt.Sprintf("the field %s %v", e.pointer, e.err) }

func (e *fieldError) Unwrap() error { return e.err }

// within puts the name of what holds it before the pointer of a fieldError.
func within(name string, err error) error {
	if e, ok := err.(*fieldError); ok {
		e.pointer = "/" + name + e.pointer
	}
	return err
}
