package v3_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/catalog/catalogtest"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
	v3 "github.com/openwechatpay/wechatpay/v3"
)

// These tests call every operation of the catalog at a stateless simulator, which checks the signature
// and every field, and compare what goes over the wire with the catalog.

// caller calls the simulator as a merchant and as a brand, and keeps the last exchange.
type caller struct {
	t        *testing.T
	clients  map[string]*wechatpay.Client // by the scheme of the catalog
	gateway  *url.URL
	platform crypto.Decrypter
	merchant crypto.Decrypter
	public   auth.PlatformKey

	last   *http.Request // as the SDK sent it
	sent   []byte        // of it, the part meta if it uploads a file
	file   []byte        // the other part
	status int
	answer []byte
}

// every runs a test for each product, with a caller of its own, at one simulator.
func every(t *testing.T, test func(c *caller, op *catalog.Operation)) {
	t.Parallel()
	g := stateless(t)
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("of", func(t *testing.T) { // ends when all products have
		for _, p := range c.Products {
			t.Run(p.Name, func(t *testing.T) {
				t.Parallel()
				c := newCaller(t, g)
				for _, op := range p.Operations {
					test(c, op)
				}
			})
		}
	})
}

// stateless is a simulator without rules. Its merchant has platform certificates too, so that there are
// some to download.
func stateless(t *testing.T) *simtest.Gateway {
	t.Helper()
	w := simtest.World(t)
	w.Stateless, w.Merchants[0].KeyMode = true, world.MigratingMode
	return simtest.StartWith(t, sim.Config{World: w})
}

func newCaller(t *testing.T, g *simtest.Gateway) *caller {
	t.Helper()
	m, brand := g.Merchant(), g.Brand()
	gateway, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	platform, err := auth.ParsePrivateKey([]byte(g.World.Platform.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, gateway: gateway, platform: platform, merchant: m.PrivateKey.(crypto.Decrypter), public: m.PlatformKeys[0]}
	c.clients = map[string]*wechatpay.Client{"": c.client(m), "none": c.client(m), "brand": c.client(brand)}
	return c
}

func (c *caller) client(m wechatpay.Merchant) *wechatpay.Client {
	c.t.Helper()
	client, err := wechatpay.New(m, wechatpay.Transport(c), wechatpay.MaxAttempts(1))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(client.Close)
	return client
}

// RoundTrip keeps an exchange, and makes it with the simulator in place of WeChat Pay.
func (c *caller) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	c.last, c.answer = req, nil
	if c.sent, c.file, err = parts(req.Header, body); err != nil {
		return nil, err
	}
	redirected := req.Clone(req.Context())
	redirected.URL.Scheme, redirected.URL.Host = c.gateway.Scheme, c.gateway.Host
	redirected.Body, redirected.Host = io.NopCloser(bytes.NewReader(body)), ""
	res, err := http.DefaultTransport.RoundTrip(redirected)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	c.status = res.StatusCode
	if c.answer, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(c.answer))
	return res, nil
}

// parts are what is signed of a body, and the file beside it.
func parts(header http.Header, body []byte) (meta, file []byte, err error) {
	kind, parameters, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return body, nil, nil
	}
	var both [2][]byte
	r := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for i := range both {
		part, err := r.NextPart()
		if err != nil {
			return nil, nil, err
		}
		if both[i], err = io.ReadAll(part); err != nil {
			return nil, nil, err
		}
	}
	return both[0], both[1], nil
}

// request is one with every field.
func request(op *catalog.Operation, encrypt func(plaintext string) any) *catalogtest.Request {
	r := catalogtest.Sampler{Encrypt: encrypt}.Request(op)
	if r.Query.Has("algorithm_type") {
		r.Query.Set("algorithm_type", "ALL") // of platform certificates: the simulator has none of SM2
	}
	return r
}

// sentAs compares the last request with what it had to be.
func (c *caller) sentAs(op *catalog.Operation, want *catalogtest.Request) {
	c.t.Helper()
	if c.last == nil {
		c.t.Errorf("%s: nothing was sent", op.ID())
		return
	}
	path, _, _ := strings.Cut(want.Target(op), "?")
	if got := c.last; got.Method != op.Method || got.URL.Host != op.Host || got.URL.EscapedPath() != path {
		c.t.Errorf("%s: sent %s https://%s%s, want https://%s%s", op.ID(), got.Method, got.URL.Host, got.URL.EscapedPath(), op.Host, path)
	}
	if got := c.last.URL.Query(); !reflect.DeepEqual(tree(c.t, marshal(got), c.platform), tree(c.t, marshal(want.Query), nil)) {
		c.t.Errorf("%s: sent the query %v, want %v", op.ID(), got, want.Query)
	}
	for name, value := range want.Header {
		if got := c.last.Header.Get(name); got != value {
			c.t.Errorf("%s: sent %s: %q, want %q", op.ID(), name, got, value)
		}
	}
	if got := own(c.last.Header); len(got) != len(want.Header) {
		c.t.Errorf("%s: sent the headers %v, want %v", op.ID(), got, want.Header)
	}
	if scheme, _, _ := strings.Cut(c.last.Header.Get("Authorization"), " "); scheme != schemes[op.Security.Scheme] {
		c.t.Errorf("%s: signed by the scheme %q", op.ID(), scheme)
	}
	if want.Body == nil && len(c.sent) > 0 || want.File != nil && !bytes.Equal(c.file, want.File.Content) {
		c.t.Errorf("%s: sent the body %s and the file %q", op.ID(), c.sent, c.file)
	}
	if want.Body != nil && !reflect.DeepEqual(tree(c.t, c.sent, c.platform), tree(c.t, marshal(want.Body), nil)) {
		c.t.Errorf("%s: sent\n%s, want\n%s", op.ID(), c.sent, marshal(want.Body))
	}
}

// tree is JSON with what strings in it hold in their place: the plaintext of what is encrypted for key, if
// there is one, and JSON.
func tree(t *testing.T, text []byte, key crypto.Decrypter) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Errorf("%v in %s", err, text)
	}
	return mapped(v, func(s string) any { return inside(opened(key, s)) })
}

// inside is the JSON that s holds, in which other strings may hold some again, else s.
func inside(s string) any {
	if v, ok := decoded(s); ok {
		return mapped(v, inside)
	}
	return s
}

// mapped is v with other strings.
func mapped(v any, change func(s string) any) any {
	switch v := v.(type) {
	case string:
		return change(v)
	case []any:
		for i := range v {
			v[i] = mapped(v[i], change)
		}
	case map[string]any:
		for name := range v {
			v[name] = mapped(v[name], change)
		}
	}
	return v
}

// opened is the plaintext of s, which is s itself if it is not encrypted for key.
func opened(key crypto.Decrypter, s string) string {
	if raw, err := base64.StdEncoding.DecodeString(s); key == nil || err != nil || len(raw) != 256 {
		return s
	}
	plaintext, err := crypt.DecryptOAEP(key, s)
	if err != nil {
		return err.Error()
	}
	return plaintext
}

// answeredAs tells whether the last answer is a success, of which the body is there if it has one.
func (c *caller) answeredAs(op *catalog.Operation, err error) bool {
	c.t.Helper()
	if err != nil {
		c.t.Errorf("%s: %v\n%s", op.ID(), err, c.answer)
		return false
	}
	if c.status != op.Response.Status[0] || (len(c.answer) == 0) != (op.Response.Body.Kind == "empty") {
		c.t.Errorf("%s: answered %d %s", op.ID(), c.status, c.answer)
		return false
	}
	return true
}

func TestEveryTypedCallIsWhatTheCatalogSays(t *testing.T) {
	found := map[string]verb{}
	for _, v := range verbs(t) {
		found[v.op.ID()] = v
	}
	filled := &fields{types: map[reflect.Type]bool{}, seen: map[string]bool{}}
	t.Cleanup(func() { filled.check(t) })
	every(t, func(c *caller, op *catalog.Operation) {
		want := request(op, nil)
		v, res := found[op.ID()], new(wechatpay.Response)
		call := v.on(v3.New(c.clients[op.Security.Scheme]), arguments(op, want))
		args := []reflect.Value{reflect.ValueOf(c.t.Context())}
		if call.Type().NumIn() == 3 {
			args = append(args, input(c.t, op, call.Type().In(1), want))
		}
		c.last = nil
		results := call.Call(append(args, reflect.ValueOf(wechatpay.Into(res))))
		err, _ := results[1].Interface().(error)
		c.sentAs(op, want)
		if !c.answeredAs(op, err) {
			return
		}
		c.decodedAs(op, res, results[0])
		filled.add(results[0])
		if op.Response.Body.Kind == "json" {
			res.Body = []byte(nonzero.Replace(string(res.Body)))
			again := reflect.New(results[0].Type().Elem())
			if err := res.Decode(again.Interface()); err != nil {
				c.t.Errorf("%s: %v", op.ID(), err)
			}
			filled.add(again)
		}
	})
}

// nonzero makes values of a body ones that are not those of a Go type without it: the simulator answers
// false, and 0 where it begins an enumeration.
var nonzero = strings.NewReplacer(":false", ":true", ":0,", ":1,", ":0}", ":1}")

// arguments are those of the path, from left to right.
func arguments(op *catalog.Operation, r *catalogtest.Request) (all []string) {
	for segment := range strings.SplitSeq(op.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			all = append(all, r.Path[strings.TrimSuffix(name, "}")])
		}
	}
	return all
}

// input is a request as what its verb takes.
func input(t *testing.T, op *catalog.Operation, of reflect.Type, r *catalogtest.Request) reflect.Value {
	t.Helper()
	in := reflect.New(of)
	if r.Body != nil {
		if err := json.Unmarshal(marshal(r.Body), in.Interface()); err != nil {
			t.Errorf("%s: %v", op.ID(), err)
		}
	}
	in = in.Elem()
	for i := range of.NumField() {
		query, _, _ := strings.Cut(of.Field(i).Tag.Get("query"), ",")
		header, _, _ := strings.Cut(of.Field(i).Tag.Get("header"), ",")
		for _, text := range r.Query[query] {
			put(t, in.Field(i), text)
		}
		if header != "" {
			put(t, in.Field(i), r.Header[header])
		}
	}
	if r.File != nil {
		in.FieldByName("File").Set(reflect.ValueOf(wechatpay.Upload{Name: r.File.Name, Content: bytes.NewReader(r.File.Content)}))
	}
	return in
}

// put sets a field to a text, of a list one item after the other.
func put(t *testing.T, field reflect.Value, text string) {
	t.Helper()
	quoted := marshal(text)
	if kind := field.Type().Kind(); kind == reflect.Slice {
		item := reflect.New(field.Type().Elem()).Elem()
		put(t, item, text)
		field.Set(reflect.Append(field, item))
		return
	} else if json.Unmarshal(quoted, field.Addr().Interface()) == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), field.Addr().Interface()); err != nil {
		t.Errorf("%s does not go into a %v: %v", text, field.Type(), err)
	}
}

// decodedAs compares the result with the body that it was decoded from.
func (c *caller) decodedAs(op *catalog.Operation, res *wechatpay.Response, result reflect.Value) {
	c.t.Helper()
	switch out := result.Interface().(type) {
	case io.ReadCloser:
		defer out.Close()
		if file, err := io.ReadAll(out); err != nil || !bytes.Equal(file, c.answer) {
			c.t.Errorf("%s: the file is %q, %v", op.ID(), file, err)
		}
	case *wechatpay.Response:
		if op.Response.Body.Kind != "empty" {
			c.t.Errorf("%s: its answer has no type", op.ID())
		}
	default:
		var secrets []string
		want := mapped(tree(c.t, res.Body, nil), func(s string) any {
			plaintext := opened(c.merchant, s)
			if plaintext == s {
				return s
			}
			secrets = append(secrets, plaintext)
			return "[hidden]" // as JSON shows it
		})
		if got := tree(c.t, marshal(out), nil); !reflect.DeepEqual(pruned(got), pruned(want)) {
			c.t.Errorf("%s: a %T keeps\n%s\nof\n%s", op.ID(), out, marshal(out), res.Body)
		}
		if got := sensitive(result); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(secrets))) {
			c.t.Errorf("%s: decrypted %q, want %q", op.ID(), got, secrets)
		}
	}
}

// sensitive are the plaintexts in a value.
func sensitive(v reflect.Value) (all []string) {
	eachValue(v, func(v reflect.Value) {
		if v.Type() == reflect.TypeFor[wechatpay.Sensitive]() && v.Len() > 0 {
			all = append(all, v.String())
		}
	})
	return all
}

// eachValue calls fn with v and all that is in it.
func eachValue(v reflect.Value, fn func(v reflect.Value)) {
	fn(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachValue(v.Elem(), fn)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachValue(v.Index(i), fn)
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if field.IsExported() {
				eachValue(value, fn)
			}
		}
	}
}

// fields is which fields of results were seen with a value.
type fields struct {
	mu    sync.Mutex
	types map[reflect.Type]bool
	seen  map[string]bool
}

func (f *fields) add(result reflect.Value) {
	f.mu.Lock()
	defer f.mu.Unlock()
	eachValue(result, func(v reflect.Value) {
		if v.Kind() != reflect.Struct || !strings.Contains(v.Type().PkgPath(), "/v3/") {
			return
		}
		f.types[v.Type()] = true
		for field, value := range v.Fields() {
			if !value.IsZero() {
				f.seen[v.Type().String()+"."+field.Name] = true
			}
		}
	})
}

// unanswered are the fields of results that no answer of the simulator has, with the reason.
var unanswered = map[string]string{
	"lovefeast.Data.MerchantOrder":                             free,
	"lovefeast.GetUserOrdersOutTradeNoResponse.Amount":         free,
	"lovefeast.GetUserOrdersOutTradeNoResponse.MerchantOrder":  free,
	"merchantservice.ClickMessage.MessageContent":              free,
	"abnormalfundprocessing.Instruction.InstructionInstanceID": notified,
	"marketing.ConsumeInformation.ConsumeAmount":               notified,
	"refund.AmountResult.SettlementCurrency":                   notified,
	"refund.AmountResult.PayerCurrency":                        notified,
	"refund.AmountResult.ExchangeRate":                         notified,
	"refund.ExchangeRate.Type":                                 notified,
	"refund.ExchangeRate.Rate":                                 notified,
}

const (
	free     = "an object of which nothing is documented, and which the simulator leaves out"
	notified = "of a notification, which has the type of an answer"
)

func (f *fields) check(t *testing.T) {
	n := 0
	for typ := range f.types {
		for field := range typ.Fields() {
			name := typ.String() + "." + field.Name
			if n++; f.seen[name] == (unanswered[name] != "") {
				t.Errorf("%s, a %v, was in an answer: %v, want %v", name, field.Type, f.seen[name], unanswered[name] == "")
			}
		}
	}
	t.Logf("of %d fields of %d types, all but %d were in an answer", n, len(f.types), len(unanswered))
}

func TestEveryCallThroughTheChainIsWhatTheCatalogSays(t *testing.T) {
	every(t, func(c *caller, op *catalog.Operation) {
		c.dynamic(op, c.clients[op.Security.Scheme].Chain(op.Path[1:]))
	})
}

func TestEveryCallThroughEndpointsIsWhatTheCatalogSays(t *testing.T) {
	every(t, func(c *caller, op *catalog.Operation) {
		c.dynamic(op, v3.Endpoints(c.clients[op.Security.Scheme])[op.Path[1:]])
	})
}

// dynamic calls an operation without types.
func (c *caller) dynamic(op *catalog.Operation, e wechatpay.Endpoint) {
	c.t.Helper()
	c.last = nil
	res, err := verbOf(op, e)(c.t.Context(), c.options(op, request(op, secret))...)
	c.sentAs(op, request(op, nil))
	if !c.answeredAs(op, err) {
		return
	}
	if res.Verified == op.Security.ResponseUnsigned || !bytes.Equal(res.Body, c.answer) {
		c.t.Errorf("%s: the Response is verified: %v, with the body %s", op.ID(), res.Verified, res.Body)
	}
}

func secret(plaintext string) any { return wechatpay.Sensitive(plaintext) }

func verbOf(op *catalog.Operation, e wechatpay.Endpoint) func(context.Context, ...wechatpay.CallOption) (*wechatpay.Response, error) {
	return map[string]func(context.Context, ...wechatpay.CallOption) (*wechatpay.Response, error){
		"GET": e.Get, "POST": e.Post, "PUT": e.Put, "PATCH": e.Patch, "DELETE": e.Delete,
	}[op.Method]
}

// options say what a request holds. Of a file, the SDK says the digest and the name. In a query, who calls
// encrypts by himself.
func (c *caller) options(op *catalog.Operation, r *catalogtest.Request) (opts []wechatpay.CallOption) {
	c.t.Helper()
	for name, value := range r.Path {
		opts = append(opts, wechatpay.Path(name, value))
	}
	for name, values := range r.Query {
		for _, value := range values {
			if i := slices.IndexFunc(op.Request.Query, func(f catalog.Field) bool { return f.Name == name && f.Encrypted != "" }); i >= 0 {
				value = c.encrypted(fmt.Sprint(catalogtest.Sampler{}.Value(&op.Request.Query[i])))
			}
			opts = append(opts, wechatpay.Query(name, value))
		}
	}
	for name, value := range r.Header {
		opts = append(opts, wechatpay.Header(name, value))
	}
	if r.File != nil {
		body := maps.Clone(r.Body)
		delete(body, op.Request.Body.File.Digest)
		delete(body, op.Request.Body.File.Name)
		return append(opts, wechatpay.JSON(body), wechatpay.File(r.File.Name, bytes.NewReader(r.File.Content)))
	}
	if r.Body != nil {
		opts = append(opts, wechatpay.JSON(r.Body))
	}
	return opts
}

func (c *caller) encrypted(plaintext string) string {
	c.t.Helper()
	ciphertext, err := crypt.EncryptOAEP(c.public.Public, plaintext)
	if err != nil {
		c.t.Fatal(err)
	}
	return ciphertext
}

func TestWhatIsMissingOrOfAnotherTypeIsNamed(t *testing.T) {
	for what, spoil := range map[string]func(*catalog.Operation, *catalogtest.Request) string{
		"missing": withoutOne, "of another type": withOneOfAnotherType,
	} {
		t.Run(what, func(t *testing.T) {
			var none atomic.Int64
			t.Cleanup(func() {
				t.Logf("of %d operations, nothing can be %s in %d", len(catalog.Operations()), what, none.Load())
				if int(none.Load()) > len(catalog.Operations())/3 { // as of those that have only a path
					t.Errorf("%d are too many", none.Load())
				}
			})
			every(t, func(c *caller, op *catalog.Operation) {
				r := request(op, secret)
				name := spoil(op, r)
				if name == "" {
					none.Add(1)
					return
				}
				_, err := verbOf(op, c.clients[op.Security.Scheme].Chain(op.Path))(c.t.Context(), c.options(op, r)...)
				if !errors.Is(err, code.ParamError) || !strings.Contains(err.Error(), "/"+name+"”") {
					c.t.Errorf("%s whose %s is %s: %v", op.ID(), name, what, err)
				}
			})
		})
	}
}

// withoutOne takes one field that is required out of a request, and returns its name.
func withoutOne(op *catalog.Operation, r *catalogtest.Request) string {
	for _, f := range members(op) {
		if f.Required {
			delete(r.Body, f.Name)
			return f.Name
		}
	}
	for _, f := range op.Request.Query {
		if f.Required {
			r.Query.Del(f.Name)
			return f.Name
		}
	}
	return ""
}

// withOneOfAnotherType makes one value of a request one of another type, and returns its name. Outside of
// a body all is text: what may be any text is there twice, as only a list may be.
func withOneOfAnotherType(op *catalog.Operation, r *catalogtest.Request) string {
	if all := members(op); len(all) > 0 {
		f := all[0]
		if r.Body[f.Name] = "x"; f.Type == "string" || f.Encoded != "" {
			r.Body[f.Name] = 1
		}
		return f.Name
	}
	if all := op.Request.Query; len(all) > 0 {
		f := all[0]
		if r.Query.Set(f.Name, "x"); f.Type == "string" {
			r.Query.Add(f.Name, "x")
		}
		return f.Name
	}
	for _, f := range op.Request.Path {
		if f.Type != "string" {
			r.Path[f.Name] = "x"
			return f.Name
		}
	}
	return ""
}

// members are those of a body, but for what the SDK says of a file.
func members(op *catalog.Operation) []catalog.Field {
	body := op.Request.Body
	if body == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(body.Fields), func(f catalog.Field) bool {
		return body.File != nil && (f.Name == body.File.Digest || f.Name == body.File.Name)
	})
}
