package mapping

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/openwechatpay/wechatpay/catalog"
)

// mapMembers checks the types of an object's members. Members that the catalog does not know
// are kept for later, or dropped where the policy ignores them.
func (m *mapper) mapMembers(fields []catalog.Field, object map[string]any, at source) *Misfit {
	for i := range fields {
		if _, ok := object[fields[i].Name]; !ok {
			continue
		}
		if misfit := m.mapMember(&fields[i], object, at.child(fields[i].Name)); misfit != nil {
			return misfit
		}
	}
	m.unknown = append(m.unknown, unknownNames(fields, object, at)...)
	if m.policy.Unknown == Ignore {
		maps.DeleteFunc(object, func(name string, _ any) bool { return find(fields, name) == nil })
	}
	return nil
}

// mapMember puts what a string holds as JSON in the string's place, where the field says that it does.
func (m *mapper) mapMember(f *catalog.Field, object map[string]any, at source) (misfit *Misfit) {
	if f.Encoded == "" {
		return m.mapValue(f, object[f.Name], at)
	}
	text, ok := object[f.Name].(string)
	if !ok {
		return wrongType(&catalog.Field{Name: f.Name, Label: f.Label, Type: "string"}, object[f.Name], at)
	}
	if text == "" {
		return nil
	}
	if object[f.Name], misfit = parse(nil, []byte(text), at); misfit != nil {
		return misfit
	}
	return m.mapValue(f, object[f.Name], at)
}

// unknownNames are pointers to the members that the catalog does not know, in one order.
func unknownNames[V any](fields []catalog.Field, object map[string]V, at source) (pointers []string) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if find(fields, name) == nil {
			pointers = append(pointers, at.child(name).String())
		}
	}
	return pointers
}

func (m *mapper) mapValue(f *catalog.Field, value any, at source) *Misfit {
	base, multiple := strings.CutSuffix(f.Type, "[]")
	if !multiple {
		return m.mapOne(f, value, at)
	}
	list, ok := value.([]any)
	if !ok {
		return notArray(f, value, at)
	}
	one := *f
	one.Type = base
	for i, item := range list {
		if misfit := m.mapOne(&one, item, at.child(strconv.Itoa(i))); misfit != nil {
			return misfit
		}
	}
	return nil
}

func (m *mapper) mapOne(f *catalog.Field, value any, at source) *Misfit {
	ok := true
	switch f.Type {
	case "integer", "number":
		var number json.Number
		if number, ok = value.(json.Number); ok && isInteger(f) {
			_, err := number.Int64()
			ok = err == nil
		}
	case "boolean":
		_, ok = value.(bool)
	case "object":
		object, isObject := value.(map[string]any)
		if isObject && len(f.Fields) > 0 {
			return m.mapMembers(f.Fields, object, at)
		}
		if isObject {
			return noNull(f, object, at)
		}
		ok = false
	default:
		_, ok = value.(string)
	}
	if !ok {
		return wrongType(f, value, at)
	}
	return nil
}

// noNull looks for null where the catalog does not say what an object holds.
func noNull(f *catalog.Field, value any, at source) *Misfit {
	switch node := value.(type) {
	case nil:
		return null(f, at)
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			if misfit := noNull(&catalog.Field{Name: name}, node[name], at.child(name)); misfit != nil {
				return misfit
			}
		}
	case []any:
		for i, item := range node {
			if misfit := noNull(f, item, at.child(strconv.Itoa(i))); misfit != nil {
				return misfit
			}
		}
	}
	return nil
}

// isInteger: a number that label or format prove to be whole counts as an integer.
func isInteger(f *catalog.Field) bool { return f.Type == "integer" || f.Integral }

// mapTexts maps path or query parameters, which are always text. An empty one is kept as
// text, whatever its type, and counts as missing.
func mapTexts(fields []catalog.Field, texts map[string][]string, at source) (map[string]any, *Misfit) {
	values := map[string]any{}
	for _, f := range fields {
		here, list := at.child(f.Name), []any{}
		base, multiple := strings.CutSuffix(f.Type, "[]")
		if f.Encoded != "" {
			base, multiple = "string", false
		}
		if f.Type = base; len(texts[f.Name]) > 1 && !multiple {
			return nil, repeated(&f, here, here, Invented)
		}
		for _, text := range texts[f.Name] {
			value, ok := fromText(&f, text, at)
			if misfit := checkText(&f, text, here); misfit != nil {
				return nil, misfit
			}
			if !ok && text != "" {
				return nil, wrongType(&f, text, here)
			}
			if values[f.Name] = value; multiple {
				list = append(list, value)
				values[f.Name] = list
			}
		}
	}
	return values, nil
}

// fromText is text as the field's type, or as it is. Path parameters are unsigned.
func fromText(f *catalog.Field, text string, at source) (any, bool) {
	switch {
	case isInteger(f) && at[0] == "uri_template":
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return json.Number(strconv.FormatUint(n, 10)), true
		}
	case isInteger(f):
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && text[0] != '+' {
			return json.Number(strconv.FormatInt(n, 10)), true
		}
	case f.Type == "number":
		if json.Valid([]byte(text)) && strings.Trim(text, "+-.0123456789eE") == "" {
			return json.Number(text), true
		}
	case f.Type == "boolean":
		if text == "true" || text == "false" {
			return text == "true", true
		}
	default:
		return text, true
	}
	return text, false
}

// decryptMembers puts the plaintexts of sensitive fields in their place: the rules are for those.
func (m *mapper) decryptMembers(fields []catalog.Field, object map[string]any, at source) (misfit *Misfit) {
	for i := range fields {
		name := fields[i].Name
		value, ok := object[name]
		if !ok {
			continue
		}
		if object[name], misfit = m.decryptValue(&fields[i], value, at.child(name)); misfit != nil {
			return misfit
		}
	}
	return nil
}

func (m *mapper) decryptValue(f *catalog.Field, value any, at source) (_ any, misfit *Misfit) {
	switch value := value.(type) {
	case string:
		if f.Encrypted == "" || value == "" {
			return value, nil
		}
		if m.in.Decrypt == nil {
			return nil, wrongSerial(at, m.in.Serial)
		}
		plaintext, err := m.in.Decrypt(value)
		if err != nil {
			return nil, notCiphertext(at, err)
		}
		return plaintext, checkText(f, plaintext, at)
	case map[string]any:
		return value, m.decryptMembers(f.Fields, value, at)
	case []any:
		for i := range value {
			if value[i], misfit = m.decryptValue(f, value[i], at.child(strconv.Itoa(i))); misfit != nil {
				return nil, misfit
			}
		}
	}
	return value, nil
}

// Fits tells whether f may have the value, by its type and its rules.
func Fits(f *catalog.Field, value any) bool {
	m, at := new(mapper), source{"body"}
	return m.mapValue(f, value, at) == nil && m.ruleValue(f, value, at) == nil
}

// ruleMembers checks presence and rules in the order of the catalog.
func (m *mapper) ruleMembers(fields []catalog.Field, object map[string]any, at source) *Misfit {
	for i := range fields {
		f := &fields[i]
		value, ok := object[f.Name]
		if !ok && f.Required {
			return m.missing(f, at)
		}
		if !ok {
			continue
		}
		if misfit := m.ruleValue(f, value, at.child(f.Name)); misfit != nil {
			return misfit
		}
	}
	return nil
}

func (m *mapper) ruleValue(f *catalog.Field, value any, at source) *Misfit {
	switch value := value.(type) {
	case string:
		return m.ruleText(f, value, at)
	case json.Number:
		return m.ruleNumber(f, value, at)
	case map[string]any:
		if len(f.Fields) > 0 {
			return m.ruleMembers(f.Fields, value, at)
		}
	case []any:
		if len(value) < f.MinItems {
			return items(f, at, len(value), "小于最小值", f.MinItems)
		}
		if f.MaxItems > 0 && len(value) > f.MaxItems {
			return items(f, at, len(value), "大于最大值", f.MaxItems)
		}
		for i, item := range value {
			if misfit := m.ruleValue(f, item, at.child(strconv.Itoa(i))); misfit != nil {
				return misfit
			}
		}
	}
	return nil
}

// ruleText takes an empty string for one that is not there, unless a minimum length says
// otherwise.
func (m *mapper) ruleText(f *catalog.Field, text string, at source) *Misfit {
	n, unit := utf8.RuneCountInString(text), "字符数"
	if m.policy.Length == Bytes {
		n, unit = len(text), "字节数"
	}
	switch {
	case n < f.MinLength:
		return length(f, at, unit, n, "小于最小值", f.MinLength)
	case text == "" && f.Required:
		misfit := required(f, at)
		misfit.Basis = Inferred
		return misfit
	case text == "":
		return nil
	case f.MaxLength > 0 && n > f.MaxLength:
		return length(f, at, unit, n, "大于最大值", f.MaxLength)
	case f.Pattern != "" && !matches(f.Pattern, text):
		return pattern(f, text, at)
	case m.policy.Enum == Refuse && len(f.Enum) > 0 && !slices.Contains(f.Enum, text):
		return enum(f, text, at)
	case f.Format != "" && !formatted(f.Format, text):
		return format(f, text, at)
	}
	return nil
}

// formatted says whether text has one of the formats, with | between them.
func formatted(formats, text string) bool {
	layouts := map[string]string{"yyyy-MM-dd": time.DateOnly, "yyyyMMdd": "20060102", "yyyyMMddHHmmss": "20060102150405"}
	for format := range strings.SplitSeq(formats, "|") {
		var err error
		if layout, ok := layouts[format]; ok {
			_, err = time.Parse(layout, text)
		} else if format == "rfc3339" {
			err = new(time.Time).UnmarshalText([]byte(text)) // stricter than time.Parse
		} else if format != text { // a literal, OnAccept
			continue
		}
		if err == nil {
			return true
		}
	}
	return false
}

func (m *mapper) ruleNumber(f *catalog.Field, number json.Number, at source) *Misfit {
	if f.Minimum != nil && compare(number, *f.Minimum) < 0 {
		return tooSmall(f, number, at)
	}
	if f.Maximum != nil && compare(number, *f.Maximum) > 0 {
		return tooLarge(f, number, at)
	}
	if m.policy.Enum == Refuse && len(f.Enum) > 0 && !slices.Contains(f.Enum, normalNumber(string(number))) {
		return enum(f, number, at)
	}
	return nil
}

// compare is exact for integers; others come close enough, an enormous one as infinity.
func compare(number json.Number, bound int64) int {
	if n, err := number.Int64(); err == nil {
		return cmp.Compare(n, bound)
	}
	n, _ := number.Float64()
	return cmp.Compare(n, float64(bound))
}

var patterns sync.Map // of pattern to *regexp.Regexp: a cache

// matches tells whether the pattern fits the whole text.
func matches(pattern, text string) bool {
	known, ok := patterns.Load(pattern)
	if !ok {
		known, _ = patterns.LoadOrStore(pattern, regexp.MustCompile(`^(?:`+pattern+`)$`))
	}
	return known.(*regexp.Regexp).MatchString(text)
}
