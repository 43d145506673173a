package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defects gathers what is wrong, with the place in front.
type defects struct{ errs []error }

// report says that something is wrong at one place.
type report func(format string, args ...any)

func (d *defects) at(place string) report {
	return func(format string, args ...any) {
		d.errs = append(d.errs, fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...)))
	}
}

// at goes one place deeper.
func (r report) at(place string) report {
	return func(format string, args ...any) { r("%s: %s", place, fmt.Sprintf(format, args...)) }
}

func (d *defects) err() error { return errors.Join(d.errs...) }

// parse reads one file. It returns nil if the file cannot be used.
func parse(name string, text []byte, report report) *Product {
	p := new(Product)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(p); err != nil {
		if !reportStrangers(text, report) {
			report("%v", err)
		}
		return nil
	}
	if _, err := decoder.Token(); err != io.EOF {
		report("there is more after the product")
		return nil
	}
	p.Name = strings.TrimSuffix(name, path.Ext(name))
	return p
}

// reportStrangers reports keys that the format does not have. The decoder only says that
// there is one.
func reportStrangers(text []byte, report report) bool {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return false
	}
	found := false
	walkStrangers(v, reflect.TypeFor[Product](), report, func() { found = true })
	return found
}

func walkStrangers(v any, t reflect.Type, report report, found func()) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := v.(type) {
	case []any:
		if t.Kind() != reflect.Slice {
			return
		}
		for _, element := range v {
			walkStrangers(element, t.Elem(), report.at(nameOf(element)), found)
		}
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return
		}
		known := map[string]reflect.Type{}
		for f := range t.Fields() {
			known[f.Tag.Get("json")] = f.Type
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			inner, ok := known[key]
			switch {
			case !ok:
				found()
				report("the format has no key %q", key)
			case isList(v[key]):
				walkStrangers(v[key], inner, report, found)
			default:
				walkStrangers(v[key], inner, report.at(key), found)
			}
		}
	}
}

func isList(v any) bool { _, ok := v.([]any); return ok }

// nameOf is what a person calls an element of a list.
func nameOf(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	if m["method"] != nil {
		return fmt.Sprintf("%v %v", m["method"], m["path"])
	}
	for _, key := range []string{"name", "event_types", "label", "field"} {
		if m[key] != nil {
			return fmt.Sprint(m[key])
		}
	}
	return "?"
}

// check reports what is wrong although it reads well.
func (c *Catalog) check(d *defects) {
	operations, events := map[string]bool{}, map[string]bool{}
	for _, p := range c.Products {
		report := d.at(p.Name + ".json")
		checkTitle(report, p.Title)
		p.checkSteps(report)
		for _, op := range p.Operations {
			report := report.at(op.ID())
			if operations[op.ID()] {
				report("the operation is there twice")
			}
			operations[op.ID()] = true
			op.check(report)
		}
		for _, n := range p.Notifications {
			report := report.at(strings.Join(n.EventTypes, " "))
			n.check(report, strings.HasPrefix(p.Name, "v2/"))
			if len(n.EventTypes) == 0 {
				continue
			}
			event := n.EventTypes[0] // the others are aliases, which notifications share
			if events[event] {
				report("the event type %s is there twice", event)
			}
			events[event] = true
		}
	}
}

var (
	methods   = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	modes     = []string{"merchant", "partner"}
	statuses  = []string{"retired", "superseded", "restricted", "beta"}
	types     = []string{"string", "integer", "number", "boolean", "object"}
	formats   = []string{"rfc3339", "yyyy-MM-dd", "yyyyMMdd", "yyyyMMddHHmmss", "OnAccept"}
	hosts     = []string{"api.mch.weixin.qq.com", "apihk.mch.weixin.qq.com", "fraud.mch.weixin.qq.com", "payapp.weixin.qq.com", "api.weixin.qq.com", "pay.wechatpay.cn"}
	pathForm  = regexp.MustCompile(`^(/([A-Za-z0-9._-]+|\{[a-z][a-z0-9_]*\}))+/?$`)
	nameForm  = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
	eventForm = regexp.MustCompile(`^[A-Z0-9_]+(\.[A-Z0-9_]+)*$`)
	ownForm   = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`) // of an event of APIv2 that WeChat Pay gives no name
	paramForm = regexp.MustCompile(`\{([^}]*)\}`)
)

// checkSteps wants each step to be one of a path: a misspelt one would do nothing.
func (p *Product) checkSteps(report report) {
	for _, path := range slices.Sorted(maps.Keys(p.Steps)) {
		report := report.at("steps").at(path)
		checkName(report, "the step", p.Steps[path])
		if !slices.ContainsFunc(p.Operations, func(op *Operation) bool { return strings.HasPrefix(op.Path+"/", path+"/") }) {
			report("no operation's path goes there")
		}
	}
}

func (o *Operation) check(report report) {
	oneOf(report, "the method", o.Method, methods...)
	oneOf(report, "the host", o.Host, hosts...) // signed requests go there
	if !pathForm.MatchString(o.Path) {
		report("the path is malformed")
	}
	checkTitle(report, o.Title)
	checkName(report, "the name", o.Name)
	for _, mode := range o.Modes {
		oneOf(report, "the mode", mode, modes...)
	}
	if o.Lifecycle != nil {
		oneOf(report, "the lifecycle's status", o.Lifecycle.Status, statuses...)
	}
	oneOf(report, "the scheme", o.Security.Scheme, "", "none", "brand")
	for _, t := range o.Security.SignTypes {
		oneOf(report, "the sign type", t, "MD5", "HMAC-SHA256")
	}
	checkPages(report, o.Docs)
	o.checkPath(report)
	checkFields(report.at("query"), o.Request.Query)
	checkFields(report.at("headers"), o.Request.Headers)
	if o.Request.Body != nil {
		o.Request.Body.check(report.at("request"), "json", "empty", "multipart", "xml")
	}
	o.Response.check(report)
	for _, preset := range o.Presets {
		preset.check(report.at("preset "+preset.Label), o.Request.Body)
	}
}

// checkPath compares the path with the parameters that are described.
func (o *Operation) checkPath(report report) {
	report = report.at("path")
	checkFields(report, o.Request.Path)
	var wanted []string
	for _, match := range paramForm.FindAllStringSubmatch(o.Path, -1) {
		wanted = append(wanted, match[1])
	}
	for i, name := range wanted {
		if slices.Contains(wanted[:i], name) {
			report("the parameter {%s} is there twice", name)
		}
		if !slices.ContainsFunc(o.Request.Path, func(f Field) bool { return f.Name == name }) {
			report("the parameter {%s} is not described", name)
		}
	}
	for _, f := range o.Request.Path {
		if !slices.Contains(wanted, f.Name) {
			report.at(f.Name)("it is not in the path")
		}
		if !f.Required || strings.HasSuffix(f.Type, "[]") || f.Type == "object" {
			report.at(f.Name)("a parameter of the path is required, and a single value")
		}
	}
}

func (r *Response) check(report report) {
	if len(r.Status) == 0 {
		report("there is no status of success")
	}
	for _, status := range r.Status {
		if status < 200 || status > 299 && (r.Body == nil || r.Body.Kind != "redirect") {
			report("the status %d is not one of success", status)
		}
	}
	if r.Body == nil {
		report("there is no body of the answer; an empty one has the kind empty")
		return
	}
	r.Body.check(report.at("response"), "json", "empty", "download", "xml", "redirect")
}

func (b *Body) check(report report, kinds ...string) {
	oneOf(report, "the kind", b.Kind, kinds...)
	checkName(report, "the type_name", b.TypeName)
	if (b.Kind == "empty" || b.Kind == "download") && len(b.Fields) > 0 {
		report("its kind is %s, and it has fields", b.Kind)
	}
	if (b.File != nil) != (b.Kind == "multipart") {
		report("a body has a file if it is multipart, and only then")
	}
	checkFields(report, b.Fields)
	if b.File != nil {
		b.File.check(report.at("file"), b.Fields)
	}
}

func (f *File) check(report report, meta []Field) {
	if f.Part == "" || f.Part == "meta" {
		report("the part %q is not one of a file", f.Part)
	}
	checkLine(report, "the label", f.Label)
	oneOf(report, "the hash", f.Hash, "", "SM3", "MD5")
	for _, name := range []string{f.Name, f.Digest} {
		if name != "" && !slices.ContainsFunc(meta, func(m Field) bool { return m.Name == name && m.Type == "string" }) {
			report("meta has no string %q", name)
		}
	}
	for _, limit := range f.Limits {
		if len(limit.Types) == 0 || limit.MaxBytes <= 0 {
			report("a limit has no types, or no size")
		}
		for _, kind := range limit.Types {
			if kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
				report("the type %q is not the lower-case end of a name", kind)
			}
		}
	}
}

func (p *Preset) check(report report, body *Body) {
	if len(p.Alternatives) == 0 || body == nil {
		report("there is nothing to choose")
		return
	}
	for _, a := range p.Alternatives {
		i := slices.IndexFunc(body.Fields, func(f Field) bool { return f.Name == a.Field && f.Type == "object[]" })
		if i < 0 {
			report("the request has no list %q", a.Field)
			continue
		}
		for _, group := range a.Groups {
			for _, name := range slices.Concat(slices.Sorted(maps.Keys(group.Fixed)), group.Free) {
				if !slices.ContainsFunc(body.Fields[i].Fields, func(f Field) bool { return f.Name == name }) {
					report("%s has no member %q", a.Field, name)
				}
			}
		}
	}
}

func (n *Notification) check(report report, v2 bool) {
	if len(n.EventTypes) == 0 {
		report("there is no event type")
	}
	for i, event := range n.EventTypes {
		if !eventForm.MatchString(event) && !(v2 && ownForm.MatchString(event)) {
			report("the event type %q is malformed", event)
		}
		if slices.Contains(n.EventTypes[:i], event) {
			report("it has the event type %s twice", event)
		}
	}
	checkTitle(report, n.Title)
	checkName(report, "the name", n.Name)
	for _, mode := range n.Modes {
		oneOf(report, "the mode", mode, modes...)
	}
	for _, delay := range n.Retry {
		if d, err := time.ParseDuration(delay); err != nil || d < 0 {
			report("the time %q between deliveries is not one, such as 30s", delay)
		}
	}
	checkDocs(report, n.Docs)
	if n.Unsigned && !v2 {
		report("a notification of APIv3 is signed")
	}
	if len(n.OriginalTypes) > 0 && v2 {
		report("a notification of APIv2 has no original type")
	}
	if n.Answer != nil {
		n.Answer.check(report.at("answer"), v2)
	}
	if n.Resource == nil || n.Resource.Type != "object" || len(n.Resource.Fields) == 0 {
		report("there is no resource of type object")
		return
	}
	checkFields(report.at("resource"), n.Resource.Fields)
}

func (a *Answer) check(report report, v2 bool) {
	if v2 {
		report("a notification of APIv2 is acknowledged, and asks nothing")
	}
	if d, err := time.ParseDuration(a.Within); err != nil || d <= 0 || d%time.Second != 0 {
		report("the time %q within which it is wanted is not whole seconds, such as 3s", a.Within)
	}
	if len(a.Fields) == 0 {
		report("there are no fields")
	}
	checkFields(report, a.Fields)
}

func checkFields(report report, fields []Field) {
	seen := map[string]bool{}
	for _, f := range fields {
		report := report.at(f.Name)
		if f.Name == "" {
			report("a field has no name")
		}
		if seen[f.Name] {
			report("the field is there twice")
		}
		seen[f.Name] = true
		f.check(report)
		checkFields(report, f.Fields)
	}
}

func (f *Field) check(report report) {
	item, list := strings.CutSuffix(f.Type, "[]")
	text, number, object := item == "string", item == "integer" || item == "number", item == "object"
	oneOf(report, "the type", item, types...)
	checkLine(report, "the label", f.Label)
	checkName(report, "the type_name", f.TypeName)
	checkName(report, "the field_name", f.FieldName)
	allow := func(ok bool, key string, set bool) {
		if set && !ok {
			report("%s does not go with the type %s", key, f.Type)
		}
	}
	allow(object, "fields", f.Fields != nil)
	allow(object || f.Enum != nil || f.Encoded != "", "type_name", f.TypeName != "")
	allow(text || number, "enum", f.Enum != nil)
	allow(text, "format", f.Format != "")
	inWhole := f.Encrypted == "apiv2_key" || f.Encrypted == "apiv3_key" // an object, which is the plaintext
	allow(text && !inWhole || item == "object" && inWhole, "encrypted", f.Encrypted != "")
	allow(object || list, "encoded", f.Encoded != "")
	allow(item == "number", "integral", f.Integral)
	allow(list && f.Indexed <= 2, "indexed", f.Indexed != 0)
	allow(number, "unit", f.Unit != "")
	allow(number, "minimum and maximum", f.Minimum != nil || f.Maximum != nil)
	allow(text, "min_length and max_length", f.MinLength != 0 || f.MaxLength != 0)
	allow(text, "pattern", f.Pattern != "")
	allow(list, "min_items and max_items", f.MinItems != 0 || f.MaxItems != 0)
	f.checkValues(report)
	f.checkLimits(report)
}

func (f *Field) checkValues(report report) {
	if f.Enum != nil && len(f.Enum) == 0 {
		report("the enum has no value")
	}
	for i, value := range f.Enum {
		if slices.Contains(f.Enum[:i], value) {
			report("the enum has %q twice", value)
		}
		if _, err := strconv.ParseInt(value, 10, 64); err != nil && !strings.HasPrefix(f.Type, "string") {
			report("the enum has %q, which is not an integer", value)
		}
	}
	if f.Format != "" {
		for format := range strings.SplitSeq(f.Format, "|") {
			oneOf(report, "the format", format, formats...)
		}
	}
	oneOf(report, "the key that encrypts", f.Encrypted, "", "platform", "merchant", "risk", "apiv2_key", "apiv3_key")
	oneOf(report, "the encoding", f.Encoded, "", "json")
	oneOf(report, "the unit", f.Unit, "", "fen")
	if _, err := regexp.Compile(f.Pattern); err != nil {
		report("the pattern does not compile: %v", err)
	}
}

func (f *Field) checkLimits(report report) {
	if f.MinLength < 0 || f.MaxLength < 0 || f.MinItems < 0 || f.MaxItems < 0 {
		report("a limit is negative")
	}
	if f.MaxLength != 0 && f.MinLength > f.MaxLength {
		report("min_length %d is more than max_length %d", f.MinLength, f.MaxLength)
	}
	if f.MaxItems != 0 && f.MinItems > f.MaxItems {
		report("min_items %d is more than max_items %d", f.MinItems, f.MaxItems)
	}
	if f.Minimum != nil && f.Maximum != nil && *f.Minimum > *f.Maximum {
		report("minimum %d is more than maximum %d", *f.Minimum, *f.Maximum)
	}
}

func oneOf(report report, what, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		report("%s %q is not one of %s", what, value, strings.TrimSpace(strings.Join(allowed, " ")))
	}
}

func checkTitle(report report, title string) {
	if title == "" {
		report("there is no title")
	}
	checkLine(report, "the title", title)
}

// checkLine keeps line feeds out of what ends up in comments.
func checkLine(report report, what, text string) {
	if strings.ContainsAny(text, "\r\n") {
		report("%s %q is not one line", what, text)
	}
}

func checkName(report report, what, name string) {
	if name != "" && !nameForm.MatchString(name) {
		report("%s %q is not an exported Go name", what, name)
	}
}

func checkDocs(report report, docs []string) {
	if len(docs) == 0 {
		report("there is no official page")
	}
	checkPages(report, docs)
}

func checkPages(report report, docs []string) {
	for _, page := range docs {
		if !strings.HasPrefix(page, "https://") {
			report("the page %q is not a URL", page)
		}
	}
}
