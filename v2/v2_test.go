package v2_test

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/catalog/catalogtest"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	v2 "github.com/openwechatpay/wechatpay/v2"
)

// These tests call every operation of APIv2 at a stateless simulator, which checks sign type, signature
// and every field, in each of three ways. They know no product.

// caller keeps the last request as it went out.
type caller struct {
	*wechatpay.Client
	risk *rsa.PublicKey // of /risk/getpublickey
	t    *testing.T
	last *http.Request
	sent []byte
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	w := simtest.World(t)
	w.Stateless = true
	g := simtest.StartWith(t, sim.Config{World: w})
	platform, err := auth.ParsePrivateKey([]byte(w.Platform.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, risk: &platform.PublicKey}
	client, err := wechatpay.New(g.Merchant(), wechatpay.BaseURL(g.URL), wechatpay.Transport(c), wechatpay.MaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	c.Client = client
	return c
}

func (c *caller) RoundTrip(req *http.Request) (*http.Response, error) {
	c.last, c.sent = req, nil
	if req.Body != nil && req.Header.Get("Content-Type") == "text/xml; charset=utf-8" {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		c.sent = body
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	return http.DefaultTransport.RoundTrip(req)
}

func operations(t *testing.T) []*catalog.Operation {
	t.Helper()
	c, err := catalog.LoadV2()
	if err != nil {
		t.Fatal(err)
	}
	return c.Operations()
}

// verbs walks the chain: a context that has ended makes each verb say which operation it is.
func verbs(t *testing.T, client *wechatpay.Client) map[string]reflect.Value {
	t.Helper()
	ended, end := context.WithCancel(t.Context())
	end()
	found := map[string]reflect.Value{}
	var walk func(reflect.Value)
	walk = func(n reflect.Value) {
		for _, call := range n.Methods() {
			if call.Type().NumIn() == 0 {
				walk(call.Call(nil)[0])
				continue
			}
			args := []reflect.Value{reflect.ValueOf(ended)}
			if call.Type().NumIn() == 3 {
				args = append(args, reflect.Zero(call.Type().In(1)))
			}
			failed := call.Call(args)[1].Interface().(*wechatpay.Error)
			found[failed.Method+" "+strings.TrimPrefix(failed.Path, "/v2")] = call
		}
	}
	walk(reflect.ValueOf(v2.New(client)))
	return found
}

// sample is what an operation takes: all fields of its body, or of its query.
func (c *caller) sample(op *catalog.Operation) (members xmlv2.Members, file *catalogtest.File) {
	t := c.t
	t.Helper()
	r := catalogtest.Sampler{Encrypt: func(plaintext string) any {
		ciphertext, err := crypt.EncryptOAEP(c.risk, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		return ciphertext
	}}.Request(op)
	fields := op.Request.Query
	values := map[string]any{}
	for name, v := range r.Query {
		values[name] = v[0]
	}
	if op.Request.Body != nil {
		fields = slices.Concat(fields, op.Request.Body.Fields)
		maps.Copy(values, r.Body)
	}
	for _, f := range fields {
		if !slices.Contains(callers, f.Name) {
			members = append(members, elements(t, &f, values[f.Name])...)
		}
	}
	return members, r.File
}

// callers are the members that the client fills in with its own number.
var callers = []string{"mch_id", "mchid", "combine_mch_id", "sp_mch_id"}

// elements are those of one field: one, or as many as the index in its name stands for.
func elements(t *testing.T, f *catalog.Field, value any) (m xmlv2.Members) {
	t.Helper()
	if _, text := value.(string); f.Encoded == "" || text {
		for i, item := range list(value) {
			name := strings.NewReplacer("$n", strconv.Itoa(i), "$m", strconv.Itoa(i)).Replace(f.Name)
			m.Set(name, fmt.Sprint(item))
		}
		return m
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	m.Set(f.Name, string(text))
	return m
}

func list(value any) []any {
	if items, ok := value.([]any); ok {
		return items
	}
	return []any{value}
}

// check compares what went out with the sample.
func (c *caller) check(op *catalog.Operation, want xmlv2.Members) {
	c.t.Helper()
	if c.last.Method != op.Method || c.last.URL.Path != op.Path {
		c.t.Errorf("%s: sent %s %s", op.ID(), c.last.Method, c.last.URL.Path)
	}
	got := xmlv2.Members{}
	switch {
	case c.sent != nil:
		var err error
		if got, err = xmlv2.Decode(c.sent, xmlv2.Limits{Bytes: len(c.sent)}); err != nil {
			c.t.Fatalf("%s: %v", op.ID(), err)
		}
	case op.Method != http.MethodGet:
		return // a form, which the simulator has read
	}
	for name, values := range c.last.URL.Query() {
		got.Set(name, values[0])
	}
	for name, text := range want.Texts() {
		if got.Get(name) != text && !sameJSON(got.Get(name), text) {
			c.t.Errorf("%s: %s is %q, want %q", op.ID(), name, got.Get(name), text)
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

func TestEveryOperationOfAPIv2IsTyped(t *testing.T) {
	t.Parallel()
	c := newCaller(t)
	found := verbs(t, c.Client)
	all := operations(t)
	if len(found) != len(all) || len(all) != 129 {
		t.Errorf("the chain has %d verbs, the catalog %d operations", len(found), len(all))
	}
	for _, op := range all {
		call, ok := found[op.ID()]
		delete(found, op.ID())
		if !ok {
			t.Errorf("the chain has no verb for %s", op.ID())
			continue
		}
		members, file := c.sample(op)
		var res wechatpay.Response
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		if call.Type().NumIn() == 3 {
			in := reflect.New(call.Type().In(1))
			if err := xmlv2.Unmarshal(members, in.Interface()); err != nil {
				t.Fatalf("%s: %v", op.ID(), err)
			}
			if file != nil {
				in.Elem().FieldByName("File").Set(reflect.ValueOf(upload(file)))
			}
			args = append(args, in.Elem())
		}
		results := call.Call(append(args, reflect.ValueOf(wechatpay.Into(&res))))
		if err, _ := results[1].Interface().(error); err != nil {
			t.Errorf("%s: %v", op.ID(), err)
			continue
		}
		if u, ok := results[0].Interface().(*url.URL); ok {
			if u.Path != op.Path || u.Query().Get("sign") == "" && len(op.Security.SignTypes) > 0 {
				t.Errorf("%s: a browser goes to %v", op.ID(), u)
			}
			continue
		}
		c.check(op, members)
		keeps(t, op, results[0].Interface(), &res)
	}
}

func upload(f *catalogtest.File) wechatpay.Upload {
	return wechatpay.Upload{Name: f.Name, Content: strings.NewReader(string(f.Content))}
}

// keeps tells which members of an answer its type lost.
func keeps(t *testing.T, op *catalog.Operation, out any, res *wechatpay.Response) {
	t.Helper()
	if _, whole := out.(*wechatpay.Response); whole || op.Response.Body.Kind != "xml" {
		return
	}
	want, err := xmlv2.Decode(res.Body, xmlv2.Limits{Bytes: len(res.Body), Nested: true})
	if err != nil {
		t.Fatalf("%s: %v", op.ID(), err)
	}
	got, err := xmlv2.Marshal(out)
	if err != nil {
		t.Fatalf("%s: %v", op.ID(), err)
	}
	for name, text := range want.Texts() {
		if protocol[name] || text == "" || !documented(op, name) {
			continue
		}
		if have := got.Get(name); have != text && !sameJSON(have, text) {
			t.Errorf("%s: the answer has %s %q, its type keeps %q", op.ID(), name, text, have)
		}
	}
}

// documented tells whether an answer has the member by its page; the simulator adds who called.
func documented(op *catalog.Operation, name string) bool {
	return !slices.Contains([]string{"mch_id", "appid"}, name) ||
		slices.ContainsFunc(op.Response.Body.Fields, func(f catalog.Field) bool { return f.Name == name })
}

// protocol are the members that every answer has, and the client sees to.
var protocol = map[string]bool{"return_code": true, "return_msg": true, "result_code": true, "err_code": true, "err_code_des": true, "nonce_str": true, "sign": true}

func TestEveryOperationOfAPIv2IsReachedWithoutTypes(t *testing.T) {
	t.Parallel()
	c := newCaller(t)
	ways := map[string]func(path string) wechatpay.Endpoint{
		"by the chain": func(path string) wechatpay.Endpoint { return c.Chain("v2" + path) },
		"by the index": func(path string) wechatpay.Endpoint { return v2.Endpoints(c.Client)["v2"+path] },
	}
	for name, way := range ways {
		for _, op := range operations(t) {
			if op.Response.Body.Kind == "redirect" {
				continue // a browser calls it
			}
			members, file := c.sample(op)
			body := map[string]string{}
			for name, text := range members.Texts() {
				body[name] = text
			}
			opts := []wechatpay.CallOption{wechatpay.XML(body)}
			if file != nil {
				opts = append(opts, wechatpay.File(file.Name, strings.NewReader(string(file.Content))))
			}
			call := way(op.Path).Post
			if op.Method == http.MethodGet {
				call = way(op.Path).Get
			}
			if _, err := call(t.Context(), opts...); err != nil {
				t.Errorf("%s %s: %v", op.ID(), name, err)
				continue
			}
			c.check(op, members)
		}
	}
}

func TestWhatIsMissingOrOfAnotherTypeIsNamed(t *testing.T) {
	t.Parallel()
	c := newCaller(t)
	missed, mistyped := 0, 0
	for _, op := range operations(t) {
		if op.Response.Body.Kind == "redirect" || op.Request.Body == nil || op.Request.Body.File != nil {
			continue
		}
		members, _ := c.sample(op)
		fields := op.Request.Body.Fields
		if i := slices.IndexFunc(fields, func(f catalog.Field) bool {
			return f.Required && f.Name != "sign_type" && !slices.Contains(callers, f.Name)
		}); i >= 0 {
			missed++
			c.refused(op, slices.DeleteFunc(slices.Clone(members), func(m xmlv2.Member) bool { return m.Name == fields[i].Name }), fields[i].Name)
		}
		if i := slices.IndexFunc(fields, func(f catalog.Field) bool { return f.Type == "integer" || f.Type == "number" }); i >= 0 {
			mistyped++
			wrong := slices.Clone(members)
			wrong.Set(fields[i].Name, "many")
			c.refused(op, wrong, fields[i].Name)
		}
	}
	if t.Logf("something was missing %d times, and of another type %d times", missed, mistyped); missed < 100 || mistyped < 40 {
		t.Error("of 129 operations, that is too few")
	}
}

// refused sends members that the simulator has to refuse, naming one.
func (c *caller) refused(op *catalog.Operation, members xmlv2.Members, name string) {
	c.t.Helper()
	body := map[string]string{}
	for name, text := range members.Texts() {
		body[name] = text
	}
	_, err := c.Chain("v2"+op.Path).Post(c.t.Context(), wechatpay.XML(body))
	if err == nil || !strings.Contains(err.Error(), "/"+name+"”") || wechatpay.OutcomeOf(err) != wechatpay.Refused {
		c.t.Errorf("%s with a wrong %s: %v", op.ID(), name, err)
	}
}
