package xmlv2

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// plan is what the fields of a struct are in XML. Fields carry the tag `xml:"name"`, or
// `xml:"name,omitempty"` if they are left out when they are zero; those without a tag are none.
type plan struct {
	fields []field
	find   map[place]int
	err    error // the type is wrong, and no value of it will do
}

// place is where a field's value stands: coupon_id_$n is {coupon_id, 1}, for it is coupon_id_0,
// coupon_id_1 and so on.
type place struct {
	name    string
	indexes int
}

// field is a field of a struct. Behind indexes, which are slices, and a pointer its type is text, or
// a struct, or a slice of structs, which is an element that is repeated.
type field struct {
	place
	omitEmpty bool
	shape     shape
}

// shape is how a type stands in XML.
type shape int

const (
	plain   shape = iota // a string, an int64 or a bool
	number               // json.Number, whose text is checked
	texter               // says itself how it is text, as JSON does in a string
	members              // a struct
	list                 // a slice of structs
)

var (
	marshaler = reflect.TypeFor[encoding.TextMarshaler]()
	plans     sync.Map // of reflect.Type: a program has as many as it has structs
)

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(t, newPlan(t))
	return p.(*plan)
}

func newPlan(t reflect.Type) *plan {
	p := &plan{fields: make([]field, t.NumField()), find: make(map[place]int)}
	for i := range p.fields {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("xml")
		if !tagged || tag == "-" {
			continue
		}
		field, err := newField(tag, f)
		if _, twice := p.find[field.place]; err == nil && twice {
			err = fmt.Errorf("two fields are named %s", field.name)
		}
		if err != nil {
			p.err = fmt.Errorf("%s.%s: %w", t, f.Name, err)
			return p
		}
		p.fields[i], p.find[field.place] = field, i
	}
	return p
}

func newField(tag string, f reflect.StructField) (field, error) {
	name, option, _ := strings.Cut(tag, ",")
	t, indexes := f.Type, 0
	for _, suffix := range []string{"_$m", "_$n"} {
		base, found := strings.CutSuffix(name, suffix)
		if !found {
			continue
		}
		if t.Kind() != reflect.Slice {
			return field{}, fmt.Errorf("its name %s has more indexes than its type", tag)
		}
		name, t, indexes = base, t.Elem(), indexes+1
	}
	if !isName(name) || !f.IsExported() || option != "" && option != "omitempty" {
		return field{}, fmt.Errorf("the tag %q or the field's name will not do", tag)
	}
	s, ok := shapeOf(t)
	if !ok || s == list && indexes > 0 {
		return field{}, fmt.Errorf("a %s is nothing in XML", f.Type)
	}
	return field{place: place{name, indexes}, omitEmpty: option != "", shape: s}, nil
}

func shapeOf(t reflect.Type) (s shape, ok bool) {
	if t.Kind() == reflect.Pointer {
		if t.Elem().Kind() == reflect.Pointer {
			return 0, false
		}
		s, ok = shapeOf(t.Elem())
		return s, ok && s != list
	}
	switch {
	case t.Implements(marshaler):
		return texter, true
	case t == reflect.TypeFor[json.Number]():
		return number, true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int64:
		return plain, true
	case reflect.Struct:
		return members, true
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			s, _ = shapeOf(t.Elem())
			return list, s == members
		}
	}
	return 0, false
}
