package xmlv2

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// maxCells is how many elements the slices of one field may come to have. No message has that many,
// and a stranger's coupon_id_999999999 must not be what decides.
const maxCells = 1000

// Unmarshal is the reverse of [Marshal]: v is a pointer to a struct or to a map[string]string.
//
// An empty member is one that is not there, as it is for signatures: what it is for stays zero, or
// nil. A member that v has no field for is left out. Of indexed members some may be missing; the
// elements that they would be are zero, so that the slices of one message, such as those of
// coupon_id_$n and coupon_fee_$n, still go together. Errors name the member that has not the type of
// its field.
func Unmarshal(in Members, v any) error {
	if m, ok := v.(*map[string]string); ok && m != nil {
		*m = make(map[string]string, len(in))
		for name, text := range in.Texts() {
			(*m)[name] = text
		}
		return nil
	}
	value := reflect.ValueOf(v)
	if value.Kind() != reflect.Pointer || value.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("a %T holds no message of APIv2, want a pointer to a struct or to a map[string]string", v)
	}
	return unmarshal(in, value.Elem())
}

func unmarshal(in Members, value reflect.Value) error {
	p := planOf(value.Type())
	if p.err != nil {
		return p.err
	}
	cells := make([]int, len(p.fields)) // of the slices of a field, and members of any other
	for i := range in {
		at, indexes, found := p.lookup(in[i].Name)
		if !found {
			continue
		}
		f, v := &p.fields[at], value.Field(at)
		if cells[at] == 0 && v.Kind() == reflect.Slice && f.shape != texter {
			v.SetZero()
		}
		if err := f.set(v, indexes[:f.indexes], &cells[at], &in[i]); err != nil {
			return fmt.Errorf("the member %s: %w", in[i].Name, err)
		}
	}
	return nil
}

// lookup finds the field that the member name belongs to, and the indexes that name ends in.
func (p *plan) lookup(name string) (at int, indexes [2]int, found bool) {
	if at, found = p.find[place{name, 0}]; found {
		return at, indexes, true
	}
	base, last, ok := cutIndex(name)
	if !ok {
		return 0, indexes, false
	}
	if at, found = p.find[place{base, 1}]; found {
		return at, [2]int{last}, true
	}
	if base, first, ok := cutIndex(base); ok {
		at, found = p.find[place{base, 2}]
		return at, [2]int{first, last}, found
	}
	return 0, indexes, false
}

// cutIndex takes the index off a name such as coupon_id_0.
func cutIndex(name string) (base string, index int, ok bool) {
	i := strings.LastIndexByte(name, '_')
	digits := name[i+1:]
	n, err := strconv.ParseUint(digits, 10, 24)
	if i < 0 || err != nil || len(digits) > 1 && digits[0] == '0' {
		return "", 0, false
	}
	return name[:i], int(n), true
}

// set puts m into v, behind the indexes that are left.
func (f *field) set(v reflect.Value, indexes []int, cells *int, m *Member) error {
	if len(indexes) > 0 {
		if *cells += max(0, indexes[0]+1-v.Len()); *cells > maxCells {
			return fmt.Errorf("its indexes make more than %d elements", maxCells)
		}
		for v.Len() <= indexes[0] {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		}
		return f.set(v.Index(indexes[0]), indexes[1:], cells, m)
	}
	if f.indexes == 0 {
		if *cells++; *cells > 1 && f.shape != list {
			return errors.New("it is there twice")
		}
	}
	if f.shape == members || f.shape == list {
		return f.setMembers(v, m)
	}
	if len(m.Members) > 0 {
		return errors.New("it holds members, want text")
	}
	if m.Text == "" {
		return nil
	}
	return f.setText(target(v), m.Text)
}

// target is what v points to, if v is a pointer, and else v.
func target(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	v.Set(reflect.New(v.Type().Elem()))
	return v.Elem()
}

func (f *field) setMembers(v reflect.Value, m *Member) error {
	if !blank(m.Text) {
		return errors.New("it holds text, want members")
	}
	if len(m.Members) == 0 {
		return nil
	}
	if f.shape == list {
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		v = v.Index(v.Len() - 1)
	}
	return unmarshal(m.Members, target(v))
}

func (f *field) setText(v reflect.Value, text string) error {
	switch {
	case f.shape == texter:
		u, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
		if !ok && v.Kind() == reflect.String {
			v.SetString(text) // such as a Sensitive, which writes itself with care
			return nil
		}
		if !ok {
			return errors.New("its type writes text, but does not read it")
		}
		return u.UnmarshalText([]byte(text))
	case f.shape == number && !isNumber(text):
		return errors.New("want a number")
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("want true or false")
		}
		v.SetBool(b)
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errors.New("want a whole number")
		}
		v.SetInt(n)
	}
	return nil
}

func isNumber(text string) bool {
	return text != "" && strings.IndexByte("-0123456789", text[0]) >= 0 && json.Valid([]byte(text))
}
