package mapping

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/openwechatpay/wechatpay/catalog"
)

// maxDepth bounds how deep objects and arrays nest; the catalog's deepest request has 9.
const maxDepth = 32

// source is where a value comes from: body, query or uri_template, then names and indexes.
// An empty first element is a request without any source.
type source []string

func (s source) child(name string) source { return append(slices.Clip(s), name) }

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// String is the source as the gateway's messages print it, /body/amount/total.
func (s source) String() string {
	var b strings.Builder
	for i, name := range s {
		if i > 0 || name != "" {
			b.WriteString("/" + pointerEscapes.Replace(name))
		}
	}
	return b.String()
}

// parseQuery splits a query without the silent repairs of [url.ParseQuery].
func parseQuery(fields []catalog.Field, raw string) (map[string][]string, *Misfit) {
	values, at := map[string][]string{}, source{"query"}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		if err != nil {
			return nil, unreadable("query_encoding", at, "URL 编码不合法")
		}
		text, err := url.QueryUnescape(value)
		if err != nil {
			return nil, unreadable("query_encoding", at.child(name), "URL 编码不合法")
		}
		f := fieldAt(fields, at.child(name))
		for _, s := range []string{name, text} {
			if misfit := checkText(f, s, at.child(name)); misfit != nil {
				return nil, misfit
			}
		}
		values[name] = append(values[name], text)
	}
	return values, nil
}

// parse reads one JSON value. Numbers stay as they are written, so that a refusal can
// show them.
func parse(fields []catalog.Field, body []byte, at source) (any, *Misfit) {
	if !utf8.Valid(body) {
		return nil, unreadable("utf8", at, "内容不是合法的 UTF-8 编码")
	}
	p := &parser{at: at, fields: fields, body: body, decoder: json.NewDecoder(bytes.NewReader(body))}
	p.decoder.UseNumber()
	value, misfit := p.value(at)
	if misfit != nil {
		return nil, misfit
	}
	if rest := body[p.decoder.InputOffset():]; len(bytes.Trim(rest, " \t\r\n")) > 0 {
		return nil, unreadable("json_trailing", at, "JSON 之后含有多余的数据")
	}
	return value, nil
}

type parser struct {
	at      source // of the whole
	fields  []catalog.Field
	body    []byte
	decoder *json.Decoder
}

// token is the next token and the bytes it was read from.
func (p *parser) token(at source) (json.Token, []byte, *Misfit) {
	start := p.decoder.InputOffset()
	token, err := p.decoder.Token()
	if err != nil {
		return nil, nil, unreadable("json", p.at, "内容不是合法的 JSON")
	}
	return token, p.body[start:p.decoder.InputOffset()], nil
}

func (p *parser) value(at source) (any, *Misfit) {
	token, raw, misfit := p.token(at)
	if misfit != nil {
		return nil, misfit
	}
	if text, ok := token.(string); ok {
		return text, p.check(text, raw, at)
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if len(at) > maxDepth {
		return nil, unreadable("json_depth", p.at, "JSON 嵌套层数大于最大值 "+strconv.Itoa(maxDepth))
	}
	var value any
	if opening == '{' {
		value, misfit = p.object(at)
	} else {
		value, misfit = p.array(at)
	}
	if misfit == nil {
		_, _, misfit = p.token(at) // the closing one
	}
	return value, misfit
}

func (p *parser) object(at source) (map[string]any, *Misfit) {
	object := map[string]any{}
	for p.decoder.More() {
		token, raw, misfit := p.token(at)
		if misfit != nil {
			return nil, misfit
		}
		name, _ := token.(string)
		here := at.child(name)
		if misfit := p.check(name, raw, here); misfit != nil {
			return nil, misfit
		}
		if _, ok := object[name]; ok {
			return nil, repeated(fieldAt(p.fields, here), here, here, Invented)
		}
		if object[name], misfit = p.value(here); misfit != nil {
			return nil, misfit
		}
	}
	return object, nil
}

func (p *parser) array(at source) ([]any, *Misfit) {
	array := []any{}
	for p.decoder.More() {
		value, misfit := p.value(at.child(strconv.Itoa(len(array))))
		if misfit != nil {
			return nil, misfit
		}
		array = append(array, value)
	}
	return array, nil
}

func (p *parser) check(text string, raw []byte, at source) *Misfit {
	f := fieldAt(p.fields, at)
	if misfit := checkText(f, text, at); misfit != nil {
		return misfit
	}
	if surrogateEscape(raw) { // a pair would have been a 4-byte character
		return surrogate(f, at)
	}
	return nil
}

// checkText refuses what no string of a request may hold: the gateway takes only characters
// of up to 3 bytes.
func checkText(f *catalog.Field, text string, at source) *Misfit {
	if !utf8.ValidString(text) {
		return unreadable("utf8", at, "内容不是合法的 UTF-8 编码")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r > 0xFFFF }) {
		return fourBytes(f, text, at)
	}
	return nil
}

// surrogateEscape finds \ud800 to \udfff in a JSON string; the decoder would replace them.
func surrogateEscape(raw []byte) bool {
	for i := 0; i+3 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] == 'u' && raw[i+2]|0x20 == 'd' && raw[i+3] >= '8' {
			return true
		}
		i++ // what is escaped, perhaps a backslash
	}
	return false
}

// fieldAt is the catalog's field for a source, or one that only has a name.
func fieldAt(fields []catalog.Field, at source) *catalog.Field {
	var found *catalog.Field
	for _, name := range at[1:] {
		next := find(fields, name)
		if next == nil && found != nil && strings.HasSuffix(found.Type, "[]") {
			continue // an index
		}
		if next == nil {
			return &catalog.Field{Name: at[len(at)-1]}
		}
		found, fields = next, next.Fields
	}
	if found == nil {
		return &catalog.Field{Name: at[len(at)-1]}
	}
	return found
}

func find(fields []catalog.Field, name string) *catalog.Field {
	i := slices.IndexFunc(fields, func(f catalog.Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &fields[i]
}

// canonical encodes what was mapped, and makes its numbers normal on the way.
func canonical(body map[string]any) []byte {
	if body == nil {
		return []byte("{}")
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(normal(body)); err != nil {
		panic("mapping: a mapped body does not encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func normal(value any) any {
	switch node := value.(type) {
	case map[string]any:
		for name, member := range node {
			node[name] = normal(member)
		}
	case []any:
		for i, item := range node {
			node[i] = normal(item)
		}
	case json.Number:
		return json.Number(normalNumber(string(node)))
	}
	return value
}

// normalNumber writes equal numbers equally: 1, 1.0, 10e-1. It never expands an exponent into
// many digits, and leaves a number with an enormous one alone.
func normalNumber(literal string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(literal), "e")
	if len(exponent) > 9 {
		return literal
	}
	point, _ := strconv.Atoi(exponent)
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	point += len(whole) - (len(whole) + len(fraction) - len(digits))
	digits = strings.TrimRight(digits, "0")
	switch {
	case digits == "":
		return "0"
	case point > 0 && point <= 21 && len(digits) <= point:
		return sign + digits + strings.Repeat("0", point-len(digits))
	case point > 0 && point <= 21:
		return sign + digits[:point] + "." + digits[point:]
	case len(digits) == 1:
		return sign + digits + "e" + strconv.Itoa(point-1)
	}
	return sign + digits[:1] + "." + digits[1:] + "e" + strconv.Itoa(point-1)
}
