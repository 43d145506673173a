package sim_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/catalog/catalogtest"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
)

// The tests of this file call every operation of the catalog with a request that is made of its fields.

// every runs a test for each operation that it wants, and for each product of them with a gateway of its
// own.
func every(t *testing.T, wants func(op *catalog.Operation) bool, test func(t *testing.T, c *caller, op *catalog.Operation)) {
	t.Parallel()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(c.Operations(), wants) {
		t.Fatal("the catalog has no such operation")
	}
	for _, p := range c.Products {
		operations := slices.DeleteFunc(slices.Clone(p.Operations), func(op *catalog.Operation) bool { return !wants(op) })
		if len(operations) == 0 {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			c := newCaller(t)
			for _, op := range operations {
				test(t, c, op)
			}
		})
	}
}

func all(*catalog.Operation) bool { return true }

// caller is a merchant that calls.
type caller struct {
	*simtest.Gateway
	t        *testing.T
	signers  map[string]*auth.Signer // by the scheme of the catalog
	verify   map[string]*auth.Verifier
	platform *rsa.PublicKey
	key      *rsa.PrivateKey
	serial   string
	last     int // ID of the last exchange
}

func newCaller(t *testing.T) *caller { return callerOf(t, simtest.Start(t)) }

func callerOf(t *testing.T, g *simtest.Gateway) *caller {
	t.Helper()
	m := g.Merchant()
	merchants, err := g.Control().Merchants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	platform, err := auth.ParsePublicKey([]byte(merchants[0].PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	key := m.PrivateKey.(*rsa.PrivateKey)
	c := &caller{Gateway: g, t: t, platform: platform, key: key, serial: merchants[0].PublicKeyID}
	c.signers = map[string]*auth.Signer{
		"":      must(auth.NewSigner(m.MchID, m.SerialNo, key)),
		"brand": must(auth.NewBrandSigner(g.Brand().BrandID, m.SerialNo, key)),
	}
	c.verify = map[string]*auth.Verifier{
		"":      must(auth.NewVerifier(m.PlatformKeys...)),
		"brand": must(auth.NewBrandVerifier(m.PlatformKeys...)),
	}
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// request is what a call is made of.
type request struct {
	op     *catalog.Operation
	target string
	header map[string]string
	body   map[string]any // nil without one; of an upload the part meta
	file   *catalogtest.File
}

// reply is the answer to a call.
type reply struct {
	*http.Response
	body []byte
	seen control.Exchange
}

func (r reply) String() string { return fmt.Sprintf("%d %.600s", r.StatusCode, r.body) }

func (c *caller) send(r request) reply {
	c.t.Helper()
	var body []byte
	kind := "application/json"
	if r.body != nil {
		body = jsonOf(c.t, r.body)
	}
	signed := body
	if r.op.Request.Body != nil && r.op.Request.Body.File != nil {
		body, kind = multipartOf(c.t, r.op.Request.Body.File, body, r.file)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), r.op.Method, c.URL+r.target, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Wechatpay-Serial", c.serial)
	if signer := c.signers[r.op.Security.Scheme]; signer != nil {
		a, err := signer.Authorize(r.op.Method, r.target, signed, time.Now())
		if err != nil {
			c.t.Fatal(err)
		}
		req.Header.Set("Authorization", a.Header())
	}
	return c.do(req)
}

func (c *caller) do(req *http.Request) reply {
	c.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	got := reply{Response: res}
	if got.body, err = io.ReadAll(res.Body); err != nil {
		c.t.Fatal(err)
	}
	seen, err := c.Control().Requests(c.t.Context(), c.last)
	if err != nil || len(seen) != 1 {
		c.t.Fatalf("%s %s: the log has %d new requests, %v", req.Method, req.URL, len(seen), err)
	}
	got.seen, c.last = seen[0], seen[0].ID
	return got
}

func jsonOf(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func multipartOf(t *testing.T, f *catalog.File, meta []byte, file *catalogtest.File) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range []struct {
		header  string
		content []byte
	}{{`form-data; name="meta"`, meta}, {fmt.Sprintf(`form-data; name=%q; filename=%q`, f.Part, file.Name), file.Content}} {
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {part.header}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = p.Write(part.content)
	}
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// minimal is a request with what is required, and nothing else.
func (c *caller) minimal(op *catalog.Operation) request {
	return c.request(op, catalogtest.Sampler{RequiredOnly: true, Encrypt: c.encrypt})
}

func (c *caller) request(op *catalog.Operation, s catalogtest.Sampler) request {
	r := s.Request(op)
	return request{op: op, target: r.Target(op), header: r.Header, body: r.Body, file: r.File}
}

func (c *caller) encrypt(plaintext string) any {
	c.t.Helper()
	ciphertext, err := crypt.EncryptOAEP(c.platform, plaintext)
	if err != nil {
		c.t.Fatal(err)
	}
	return ciphertext
}

// shaped tells that the simulator has no rules for the operation.
func (r reply) shaped() bool {
	return slices.ContainsFunc(r.seen.Checks, func(c control.Check) bool { return c.Name == "rules" && c.Passed && c.Basis == "INVENTED" })
}

func TestEveryOperationIsAnsweredInItsShape(t *testing.T) {
	every(t, all, func(t *testing.T, c *caller, op *catalog.Operation) {
		got := c.send(c.minimal(op))
		if slices.ContainsFunc(got.seen.Checks, func(c control.Check) bool { return c.Name != "business" && !c.Passed }) {
			t.Errorf("%s: a request with all that is required is answered %v", op.ID(), got)
			return
		}
		if !got.shaped() {
			return // its product has rules, and tests of its own
		}
		if got.StatusCode != op.Response.Status[0] {
			t.Errorf("%s: answered %v, want %d", op.ID(), got, op.Response.Status[0])
			return
		}
		if err := c.checkSignature(op, got); err != nil {
			t.Errorf("%s: %v", op.ID(), err)
		}
		if err := c.checkBody(op.Response.Body, got.body); err != nil {
			t.Errorf("%s: answered %v: %v", op.ID(), got, err)
		}
		if again := c.send(c.minimal(op)); !bytes.Equal(unencrypted(op, got.body), unencrypted(op, again.body)) {
			t.Errorf("%s: answered %v, and the second time %v", op.ID(), got, again)
		}
	})
}

// unencrypted is a body that ought to be the same each time: none if something in it is encrypted.
func unencrypted(op *catalog.Operation, body []byte) []byte {
	if strings.Contains(fmt.Sprintf("%+v", op.Response.Body.Fields), "Encrypted:merchant") {
		return nil
	}
	return body
}

// checkSignature tells what is wrong with the signature of an answer.
func (c *caller) checkSignature(op *catalog.Operation, r reply) error {
	if op.Security.ResponseUnsigned {
		if r.Header.Get("Wechatpay-Signature") != "" {
			return fmt.Errorf("an answer that is never signed is")
		}
		return nil
	}
	text := r.body
	if name := op.Security.ResponseSignatureOver; name != "" {
		text = fmt.Appendf(nil, `{"sha1":"%s"}`, r.Header.Get(name))
	}
	return c.verify[op.Security.Scheme].Verify(c.t.Context(), r.Header, text, time.Now())
}

// checkBody tells where an answer is not as the catalog has it.
func (c *caller) checkBody(want *catalog.Body, body []byte) error {
	switch want.Kind {
	case "empty":
		if len(body) > 0 {
			return fmt.Errorf("want no body")
		}
		return nil
	case "download":
		if len(body) == 0 {
			return fmt.Errorf("want a file")
		}
		return nil
	}
	var got map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&got); err != nil {
		return err
	}
	return c.checkObject(want.Fields, got)
}

func (c *caller) checkObject(fields []catalog.Field, got map[string]any) error {
	for name := range got {
		if !slices.ContainsFunc(fields, func(f catalog.Field) bool { return f.Name == name }) && len(fields) > 0 {
			return fmt.Errorf("nobody knows the member %s", name)
		}
	}
	for i := range fields {
		f := &fields[i]
		value, ok := got[f.Name]
		if !ok && !f.Required && f.Type == "object" && len(f.Fields) == 0 {
			continue
		}
		if !ok {
			return fmt.Errorf("there is no %s", f.Name)
		}
		if err := c.checkValue(f, value); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func (c *caller) checkValue(f *catalog.Field, value any) error {
	if f.Encoded != "" {
		text, _ := value.(string)
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("it is not a string that holds JSON: %v", value)
		}
	}
	if one, isList := strings.CutSuffix(f.Type, "[]"); isList {
		list, ok := value.([]any)
		if !ok || len(list) < max(1, f.MinItems) || f.MaxItems > 0 && len(list) > f.MaxItems {
			return fmt.Errorf("the list is %v", value)
		}
		item := *f
		item.Type, item.Encoded = one, ""
		for _, value := range list {
			if err := c.checkValue(&item, value); err != nil {
				return err
			}
		}
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		if f.Type == "object" {
			return c.checkObject(f.Fields, value)
		}
	case bool:
		if f.Type == "boolean" {
			return nil
		}
	case json.Number:
		return checkNumber(f, value)
	case string:
		if f.Type == "string" {
			return c.checkText(f, value)
		}
	}
	return fmt.Errorf("want a %s, got %v", f.Type, value)
}

func checkNumber(f *catalog.Field, number json.Number) error {
	n, err := number.Int64()
	switch {
	case f.Type != "integer" && f.Type != "number", err != nil:
		return fmt.Errorf("want a %s, got %v", f.Type, number)
	case f.Minimum != nil && n < *f.Minimum, f.Maximum != nil && n > *f.Maximum, len(f.Enum) > 0 && !slices.Contains(f.Enum, strconv.FormatInt(n, 10)):
		return fmt.Errorf("it may not be %d", n)
	}
	return nil
}

func (c *caller) checkText(f *catalog.Field, text string) (err error) {
	if f.Encrypted != "" {
		if text, err = crypt.DecryptOAEP(c.key, text); err != nil {
			return err
		}
	}
	layouts := map[string]string{"rfc3339": time.RFC3339, "yyyy-MM-dd": time.DateOnly, "yyyyMMdd": "20060102", "yyyyMMddHHmmss": "20060102150405"}
	format, _, _ := strings.Cut(f.Format, "|")
	if layout := layouts[format]; layout != "" {
		if _, err := time.Parse(layout, text); err != nil {
			return err
		}
	}
	n := utf8.RuneCountInString(text)
	switch {
	case n == 0, n < f.MinLength, f.MaxLength > 0 && n > f.MaxLength:
		return fmt.Errorf("%q has %d characters, want %d to %d", text, n, f.MinLength, f.MaxLength)
	case len(f.Enum) > 0 && !slices.Contains(f.Enum, text):
		return fmt.Errorf("it may not be %q", text)
	case f.Pattern != "" && !regexp.MustCompile("^(?:"+f.Pattern+")$").MatchString(text):
		return fmt.Errorf("%q does not match %s", text, f.Pattern)
	}
	return nil
}

func TestEveryRequiredMemberOfABodyIsMissed(t *testing.T) {
	every(t, all, func(t *testing.T, c *caller, op *catalog.Operation) {
		r := c.minimal(op)
		eachMember(r.body, "", func(pointer string) {
			if op.Request.Body.File != nil {
				pointer = "/meta" + pointer
			}
			got := c.send(r)
			if got.StatusCode != http.StatusBadRequest || !strings.Contains(string(got.body), `"PARAM_ERROR"`) || !strings.Contains(string(got.body), pointer+"”") {
				t.Errorf("%s without %s: answered %v", op.ID(), pointer, got)
			}
		})
	})
}

// eachMember takes each member of an object out while it calls without, also of the objects in it.
func eachMember(object map[string]any, at string, without func(pointer string)) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value := object[name]
		here := at + "/" + name
		delete(object, name)
		without(here)
		object[name] = value
		if list, ok := value.([]any); ok {
			value, here = list[0], here+"/0"
		}
		if inner, ok := value.(map[string]any); ok {
			eachMember(inner, here, without)
		}
	}
}

func TestTheDigestOfEveryUploadIsCompared(t *testing.T) {
	upload := func(op *catalog.Operation) bool { return op.Request.Body != nil && op.Request.Body.File != nil }
	every(t, upload, func(t *testing.T, c *caller, op *catalog.Operation) {
		r := c.minimal(op)
		other := *op.Request.Body.File
		if other.Hash = ""; op.Request.Body.File.Hash == "" {
			other.Hash = "SM3"
		}
		for name, digest := range map[string]string{
			"of another file": catalogtest.Digest(op.Request.Body.File, []byte("another")),
			"by another hash": catalogtest.Digest(&other, r.file.Content),
			"in upper case":   strings.ToUpper(catalogtest.Digest(op.Request.Body.File, r.file.Content)),
		} {
			r.body[op.Request.Body.File.Digest] = digest
			if got := c.send(r); got.StatusCode != http.StatusBadRequest || !strings.Contains(string(got.body), "PARAM_ERROR") {
				t.Errorf("%s with a digest %s: answered %v", op.ID(), name, got)
			}
		}
	})
}
