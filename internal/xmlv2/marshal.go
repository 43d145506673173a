package xmlv2

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// room is for what the codec adds to a request: appid, mch_id, nonce_str, sign_type, sign and the like.
const room = 8

// Marshal turns a struct, or a pointer to one, into Members, in the order of its fields; and a
// map[string]string, in the order of its names.
//
// A field with the tag `xml:"name"` is the member of that name. Its type is a string, an int64, a
// json.Number, a bool, an encoding.TextMarshaler, or a pointer to one of these; a struct
// for a member that holds members, and a slice of structs for one that is repeated. The tag
// `xml:"coupon_id_$n"` makes coupon_id_0, coupon_id_1, … of a slice, and
// `xml:"coupon_refund_id_$n_$m"` of a slice of slices. Nil pointers are left out, and so is what is
// zero if ",omitempty" follows the name.
func Marshal(v any) (Members, error) {
	value := reflect.ValueOf(v)
	if value.Kind() == reflect.Pointer {
		value = value.Elem() // of nil nothing that there is a case for
	}
	if m, ok := v.(map[string]string); ok {
		out := make(Members, 0, len(m)+room)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			out = append(out, Member{Name: name, Text: m[name]})
		}
		return out, nil
	}
	if value.Kind() != reflect.Struct {
		return nil, fmt.Errorf("a %T is no message of APIv2, want a struct or a map[string]string", v)
	}
	return marshal(value)
}

func marshal(value reflect.Value) (Members, error) {
	p := planOf(value.Type())
	if p.err != nil {
		return nil, p.err
	}
	out := make(Members, 0, len(p.fields)+room)
	for i := range p.fields {
		f := &p.fields[i]
		if v := value.Field(i); f.name == "" || f.omitEmpty && v.IsZero() {
			continue
		}
		var err error
		if out, err = f.append(out, f.name, f.indexes, value.Field(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// append adds what v is to out, under a name that has all but so many of its indexes.
func (f *field) append(out Members, name string, indexes int, v reflect.Value) (Members, error) {
	if indexes > 0 {
		var err error
		for i := 0; i < v.Len() && err == nil; i++ {
			out, err = f.append(out, name+"_"+strconv.Itoa(i), indexes-1, v.Index(i))
		}
		return out, err
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return out, nil
		}
		v = v.Elem()
	}
	switch f.shape {
	case members:
		inner, err := marshal(v)
		return append(out, Member{Name: name, Members: inner}), err
	case list:
		for i := range v.Len() {
			inner, err := marshal(v.Index(i))
			if err != nil {
				return nil, err
			}
			out = append(out, Member{Name: name, Members: inner})
		}
		return out, nil
	}
	text, err := f.text(v)
	if err != nil {
		return nil, fmt.Errorf("the member %s: %w", name, err)
	}
	return append(out, Member{Name: name, Text: text}), nil
}

func (f *field) text(v reflect.Value) (string, error) {
	switch {
	case v.Kind() == reflect.Slice && v.IsNil(): // JSON in a string would be null, which the gateway refuses
		return "", nil
	case f.shape == texter:
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		return string(text), err
	case f.shape == number && v.String() != "" && !isNumber(v.String()):
		return "", errors.New("its json.Number is not a number")
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case v.Kind() == reflect.String:
		return v.String(), nil
	}
	return strconv.FormatInt(v.Int(), 10), nil
}
