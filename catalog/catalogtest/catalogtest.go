// Package catalogtest makes requests that fit operations of the catalog, for tests of SDKs and of
// simulators: each value has the type, the length, the pattern and so on that its field wants.
//
//	for _, op := range catalog.Operations() {
//		r := catalogtest.Sampler{}.Request(op)
//		… call r.Target(op) with r.Body …
//	}
//
// The same operation always gets the same request.
package catalogtest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/internal/sm3"
)

// Sampler makes requests. The zero value gives them every field, and sensitive fields as plaintext.
type Sampler struct {
	RequiredOnly bool // leaves out what is optional

	// Encrypt makes what stands for a sensitive field in the place of its plaintext.
	Encrypt func(plaintext string) any
}

// Request is what a call of an operation sends.
type Request struct {
	Path   map[string]string // by parameter, not escaped
	Query  url.Values
	Header map[string]string // those of the operation's own
	Body   map[string]any    // nil without one; of an upload it is the part meta, with name and digest of the file
	File   *File             // nil unless the operation takes one
}

// File is the file of an upload.
type File struct {
	Name    string
	Content []byte
}

// Request is a request that fits op.
func (s Sampler) Request(op *catalog.Operation) *Request {
	r := &Request{Path: map[string]string{}, Query: url.Values{}, Header: map[string]string{}}
	for i := range op.Request.Path {
		r.Path[op.Request.Path[i].Name] = fmt.Sprint(s.Value(&op.Request.Path[i]))
	}
	for name, value := range s.Object(op.Request.Query) {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for _, value := range list {
			r.Query.Add(name, fmt.Sprint(value))
		}
	}
	for name, value := range s.Object(op.Request.Headers) {
		r.Header[name] = fmt.Sprint(value)
	}
	body := op.Request.Body
	if body == nil || body.Kind == "empty" {
		return r
	}
	r.Body = s.Object(body.Fields)
	if f := body.File; f != nil {
		r.File = fileOf(f)
		r.Body[f.Digest] = Digest(f, r.File.Content)
		if f.Name != "" {
			r.Body[f.Name] = r.File.Name
		}
	}
	return r
}

// Target is path and query of the request as they are sent.
func (r *Request) Target(op *catalog.Operation) string {
	target := op.Path
	for name, value := range r.Path {
		target = strings.Replace(target, "{"+name+"}", url.PathEscape(value), 1)
	}
	if len(r.Query) == 0 {
		return target
	}
	return target + "?" + r.Query.Encode()
}

// fileOf is a file of the first type that f allows. Its content begins as that type does, no more.
func fileOf(f *catalog.File) *File {
	kind, content := "png", "\x89PNG\r\n\x1a\n of nothing"
	if len(f.Limits) > 0 {
		kind = f.Limits[0].Types[0]
	}
	if kind == "pdf" {
		content = "%PDF-1.7 of nothing"
	}
	return &File{Name: "a." + kind, Content: []byte(content)}
}

// Digest is the digest of a file's content as the part meta has it.
func Digest(f *catalog.File, content []byte) string {
	h := map[string]func() hash.Hash{"": sha256.New, "SM3": sm3.New, "MD5": md5.New}[f.Hash]()
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// Object is an object with these fields.
func (s Sampler) Object(fields []catalog.Field) map[string]any {
	object := map[string]any{}
	for i := range fields {
		if f := &fields[i]; f.Required || !s.RequiredOnly {
			object[f.Name] = s.Value(f)
		}
	}
	return object
}

// Value is a value that f may have, as encoding/json takes it.
func (s Sampler) Value(f *catalog.Field) any {
	base, isList := strings.CutSuffix(f.Type, "[]")
	one := *f
	one.Type = base
	value := s.one(&one)
	if isList {
		value = slices.Repeat([]any{value}, max(1, f.MinItems))
	}
	if f.Encoded == "" {
		return value
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("catalogtest: %s: %v", f.Name, err))
	}
	return string(text)
}

func (s Sampler) one(f *catalog.Field) any {
	switch f.Type {
	case "object":
		return s.Object(f.Fields)
	case "boolean":
		return true
	case "integer", "number":
		return number(f)
	}
	if f.Encrypted != "" && s.Encrypt != nil {
		return s.Encrypt(text(f))
	}
	return text(f)
}

func number(f *catalog.Field) any {
	if len(f.Enum) > 0 {
		return json.Number(f.Enum[0])
	}
	n := int64(1)
	if f.Minimum != nil {
		n = max(n, *f.Minimum)
	}
	if f.Maximum != nil {
		n = min(n, *f.Maximum)
	}
	return n
}

// texts are what a text is, of which one should fit a pattern.
var texts = []string{"4200000001", "https://example.com/notify", "https://example.com", strings.Repeat("0", 64)}

// formats are a time in each format.
var formats = map[string]string{
	"rfc3339": "2026-11-25T20:00:00+08:00", "yyyy-MM-dd": "2026-11-25", "yyyyMMdd": "20261125", "yyyyMMddHHmmss": "20261125200000",
}

func text(f *catalog.Field) string {
	if len(f.Enum) > 0 {
		return f.Enum[0]
	}
	if format, _, _ := strings.Cut(f.Format, "|"); formats[format] != "" {
		return formats[format]
	} else if format != "" {
		return format // a literal, OnAccept
	}
	for _, text := range texts {
		if len(text) < f.MinLength {
			text += strings.Repeat("0", f.MinLength-len(text))
		}
		if f.MaxLength > 0 {
			text = text[:min(len(text), f.MaxLength)]
		}
		if f.Pattern == "" || regexp.MustCompile("^(?:"+f.Pattern+")$").MatchString(text) {
			return text
		}
	}
	panic(fmt.Sprintf("catalogtest: no text fits the pattern %s of %s: add one", f.Pattern, f.Name))
}
