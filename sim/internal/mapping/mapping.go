// Package mapping is what the gateway's front does after a signature verified: it maps the
// path parameters, the query and the body of a request onto an operation of the catalog, and
// refuses the first thing that does not fit, in the real gateway's words.
//
// Start with [Map]. It works in two phases, as the gateway seems to: first everything is
// mapped to its type (path, query, body) and sensitive fields are decrypted, then the rules are
// checked (path, query, body, in the order of the catalog), and members that the catalog does not
// know come last. The evidence is an order without mchid whose amount.total was 0.01, which was
// refused for the amount, and a partner's order sent to the direct URL, which was refused for a
// missing member and not for the foreign ones. Where decrypting stands among them is a guess.
package mapping

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// Input is a request's parts as they came off the wire. The caller bounds their size.
type Input struct {
	Path        map[string]string // decoded path parameters
	RawQuery    string
	ContentType string
	Body        []byte
	Upload      *Upload       // what stands for Body in an upload, else nil
	Message     xmlv2.Members // what Body says in APIv2, else nil

	Serial  string                                  // Wechatpay-Serial
	Decrypt func(ciphertext string) (string, error) // with the key that Serial names, nil if it names none
}

// Handling says what becomes of something that the sources are not clear about.
type Handling int

const (
	Refuse Handling = iota
	Ignore
)

// Unit is what the length of a string is counted in.
type Unit int

const (
	Characters Unit = iota // payscore, profit sharing
	Bytes                  // orders: /v3/pay/transactions
)

// Policy is what to do where the gateway's services differ or the sources are silent.
type Policy struct {
	Unknown     Handling // members, query parameters and bodies that the catalog does not know
	Enum        Handling // values outside an enumeration; the documented lists may be incomplete
	ContentType Handling // bodies that are not announced as application/json
	Length      Unit
}

// Values is a request that was mapped.
type Values struct {
	path      map[string]string
	query     map[string][]string
	body      map[string]any
	canonical []byte
}

// Path is the path parameter called name.
func (v *Values) Path(name string) string { return v.path[name] }

// Query is the query parameter called name, the first one if it may repeat.
func (v *Values) Query(name string) string {
	if len(v.query[name]) == 0 {
		return ""
	}
	return v.query[name][0]
}

// QueryAll is all values of the query parameter called name.
func (v *Values) QueryAll(name string) []string { return slices.Clone(v.query[name]) }

// Body is the body as it was mapped, with numbers as they were written; nil without one. Nobody may
// change it.
func (v *Values) Body() map[string]any { return v.body }

// Decode stores the body into what into points to, as [json.Unmarshal] does.
func (v *Values) Decode(into any) error { return json.Unmarshal(v.canonical, into) }

// Canonical is the body with sorted keys, no blanks and normal numbers, so that bodies with
// the same content are equal. Members that were ignored are not in it. No body is {}.
func (v *Values) Canonical() []byte { return bytes.Clone(v.canonical) }

// Present says whether the body has a member at an RFC 6901 pointer, such as /amount/total.
func (v *Values) Present(pointer string) bool {
	var at any = v.body
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		switch node := at.(type) {
		case map[string]any:
			member, ok := node[name]
			if !ok {
				return false
			}
			at = member
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(node) {
				return false
			}
			at = node[i]
		default:
			return false
		}
	}
	return true
}

// Map maps a request onto an operation, or says why it does not fit.
func Map(op *catalog.Operation, in Input, policy Policy) (*Values, *Misfit) {
	m := &mapper{op: op, in: in, policy: policy}
	for _, phase := range []func() *Misfit{
		m.mapPath, m.mapQuery, m.mapBody, m.decryptQuery, m.decryptBody,
		m.rulePath, m.ruleQuery, m.ruleBody, m.refuseUnknown,
	} {
		if misfit := phase(); misfit != nil {
			return nil, misfit
		}
	}
	v := &Values{path: maps.Clone(in.Path), body: m.body, query: map[string][]string{}}
	for _, f := range op.Request.Query {
		if given, ok := m.texts[f.Name]; ok {
			v.query[f.Name] = given
		}
	}
	v.canonical = canonical(m.body)
	return v, nil
}

// mapper is one call of [Map].
type mapper struct {
	op     *catalog.Operation
	in     Input
	policy Policy

	path    map[string]any
	query   map[string]any
	texts   map[string][]string // the query before it was mapped
	body    map[string]any      // nil without a body
	unknown []string            // pointers to what the catalog does not know
}

func (m *mapper) mapPath() (misfit *Misfit) {
	texts := map[string][]string{}
	for name, text := range m.in.Path {
		texts[name] = []string{text}
	}
	m.path, misfit = mapTexts(m.op.Request.Path, texts, source{"uri_template"})
	return misfit
}

func (m *mapper) mapQuery() (misfit *Misfit) {
	at := source{"query"}
	if m.texts, misfit = parseQuery(m.op.Request.Query, m.in.RawQuery); misfit != nil {
		return misfit
	}
	m.unknown = unknownNames(m.op.Request.Query, m.texts, at)
	if m.query, misfit = mapTexts(m.op.Request.Query, m.texts, at); misfit != nil {
		return misfit
	}
	for i := range m.op.Request.Query {
		f := &m.op.Request.Query[i]
		if _, ok := m.query[f.Name]; !ok || f.Encoded == "" {
			continue
		}
		if misfit := m.mapMember(f, m.query, at.child(f.Name)); misfit != nil {
			return misfit
		}
	}
	return nil
}

func (m *mapper) mapBody() *Misfit {
	if m.in.Message != nil {
		return m.mapMessage()
	}
	expected, wanted := m.op.Request.Body, "application/json"
	if m.in.Upload != nil {
		m.in.Body, wanted = m.in.Upload.Meta, "multipart/form-data"
	}
	if len(m.in.Body) == 0 {
		return nil
	}
	at := m.bodySource()
	if expected == nil || expected.Kind == "empty" {
		if m.policy.Unknown == Ignore {
			return nil
		}
		return unreadable("body_unexpected", at, "此接口没有请求体")
	}
	kind, parameters, err := mime.ParseMediaType(m.in.ContentType)
	charset := parameters["charset"]
	wrong := err != nil || kind != wanted || charset != "" && !strings.EqualFold(charset, "utf-8")
	if wrong && m.policy.ContentType == Refuse {
		return contentType(m.in.ContentType, wanted)
	}
	value, misfit := parse(expected.Fields, m.in.Body, at)
	if misfit != nil {
		return misfit
	}
	body, ok := value.(map[string]any)
	if !ok {
		return wrongType(&catalog.Field{Name: "body", Type: "object"}, value, at)
	}
	for _, f := range m.op.Request.Path {
		if _, given := body[f.Name]; given && find(expected.Fields, f.Name) == nil {
			return repeated(&f, at.child(f.Name), source{"uri_template", f.Name}, Observed)
		}
	}
	m.body = body
	return m.mapMembers(expected.Fields, body, at)
}

func (m *mapper) decryptQuery() *Misfit {
	if misfit := m.decryptMembers(m.op.Request.Query, m.query, source{"query"}); misfit != nil {
		return misfit
	}
	for _, f := range m.op.Request.Query {
		if plaintext, ok := m.query[f.Name].(string); ok && f.Encrypted != "" {
			m.texts[f.Name] = []string{plaintext}
		}
	}
	return nil
}

func (m *mapper) decryptBody() *Misfit {
	if m.body == nil {
		return nil
	}
	return m.decryptMembers(m.op.Request.Body.Fields, m.body, m.bodySource())
}

func (m *mapper) rulePath() *Misfit {
	return m.ruleMembers(m.op.Request.Path, m.path, source{"uri_template"})
}

func (m *mapper) ruleQuery() *Misfit {
	return m.ruleMembers(m.op.Request.Query, m.query, source{"query"})
}

func (m *mapper) ruleBody() *Misfit {
	expected := m.op.Request.Body
	if expected == nil {
		return nil
	}
	fields := expected.Fields
	if m.in.Message != nil {
		fields = m.asRequired(fields)
	}
	if misfit := m.ruleMembers(fields, m.body, m.bodySource()); misfit != nil {
		return misfit
	}
	if expected.Required && len(m.in.Body) == 0 {
		return unreadable("body_empty", source{"body"}, "请求体为空")
	}
	return m.ruleFile()
}

func (m *mapper) refuseUnknown() *Misfit {
	if m.policy.Unknown == Ignore || len(m.unknown) == 0 {
		return nil
	}
	return undocumented(m.unknown)
}

// missing is the refusal of a required member or parameter that is not there. What is missing
// has no source, and the gateway names the first that the request has: closing an order, or
// getting one, without mchid answers /uri_template/mchid, and an order with an empty body /appid.
func (m *mapper) missing(f *catalog.Field, at source) *Misfit {
	if len(at) > 1 {
		return required(f, at.child(f.Name))
	}
	first := ""
	switch {
	case len(m.op.Request.Path) > 0:
		first = "uri_template"
	case len(m.texts) > 0:
		first = "query"
	case len(m.in.Body) > 0:
		first = "body"
	}
	r := required(f, source{first, f.Name})
	r.home = at[0]
	return r
}
