package v3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
	v3 "github.com/openwechatpay/wechatpay/v3"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// These tests go through all operations by reflection: the chain from v3.New on one side,
// the catalog on the other. They know no product.

const keyID = "PUB_KEY_ID_0119000001092024112600000000"

// keys are made once: making RSA keys is slow.
var keys = sync.OnceValue(func() (k struct{ merchant, platform *rsa.PrivateKey }) {
	k.merchant, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.platform, _ = rsa.GenerateKey(rand.Reader, 2048)
	return k
})

// gateway keeps the last request and answers with one body, signed as WeChat Pay signs.
type gateway struct {
	answer []byte
	last   *http.Request
	sent   []byte
}

func (g *gateway) RoundTrip(req *http.Request) (*http.Response, error) {
	g.last = req
	if kind, parameters, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); kind == "multipart/form-data" {
		meta, err := multipart.NewReader(req.Body, parameters["boundary"]).NextPart()
		if err != nil {
			return nil, err
		}
		g.sent, _ = io.ReadAll(meta)
	} else {
		g.sent, _ = io.ReadAll(req.Body)
	}
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), "00112233445566778899aabbccddeeff"
	signature, err := auth.Sign(keys().platform, auth.AnswerText(timestamp, nonce, g.answer))
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header: http.Header{
			"Wechatpay-Serial":    {keyID},
			"Wechatpay-Timestamp": {timestamp},
			"Wechatpay-Nonce":     {nonce},
			"Wechatpay-Signature": {signature},
		},
		Body: io.NopCloser(bytes.NewReader(g.answer)),
	}, nil
}

func newClient(t testing.TB, g *gateway) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID:        "1900000109",
		SerialNo:     "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
		PrivateKey:   keys().merchant,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(keyID, &keys().platform.PublicKey)},
	}, wechatpay.Transport(g))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// verb is a verb of the chain, found by walking it. Each step's argument is the step's own
// name in lower case, so that target tells the operation.
type verb struct {
	op   *catalog.Operation
	call reflect.Value
}

// in is the zero value of what the verb takes, invalid if that is nothing. A file is there.
func (v verb) in() reflect.Value {
	if t := v.call.Type(); t.NumIn() == 3 {
		return withFile(reflect.Zero(t.In(1)), v.op)
	}
	return reflect.Value{}
}

// withFile is the request with a file that op takes, if it takes one.
func withFile(in reflect.Value, op *catalog.Operation) reflect.Value {
	if op.Request.Body == nil || op.Request.Body.File == nil {
		return in
	}
	name := "file.txt"
	if limits := op.Request.Body.File.Limits; len(limits) > 0 {
		name = "file." + limits[0].Types[0]
	}
	own := reflect.New(in.Type()).Elem()
	own.Set(in)
	own.FieldByName("File").Set(reflect.ValueOf(wechatpay.Upload{Name: name, Content: strings.NewReader("content")}))
	return own
}

// do calls the verb, and returns what it returns.
func (v verb) do(t *testing.T, in reflect.Value) any {
	t.Helper()
	args := []reflect.Value{reflect.ValueOf(t.Context())}
	if in.IsValid() {
		args = append(args, in)
	}
	results := v.call.Call(args)
	if err, _ := results[1].Interface().(error); err != nil {
		t.Errorf("%s: %v", v.op.ID(), err)
	}
	return results[0].Interface()
}

// verbs walks the chain. Every operation of the catalog has to be there once.
func verbs(t *testing.T, g *gateway) []verb {
	t.Helper()
	missing := map[string]*catalog.Operation{}
	for _, op := range catalog.Operations() {
		missing[op.Method+" "+target(op.Path)] = op
	}
	var found []verb
	var walk func(n reflect.Value)
	walk = func(n reflect.Value) {
		for method, call := range n.Methods() {
			switch call.Type().NumIn() {
			case 0:
				walk(call.Call(nil)[0])
			case 1:
				walk(call.Call([]reflect.Value{reflect.ValueOf(strings.ToLower(method.Name))})[0])
			default:
				// What is sent tells which operation it is.
				v := verb{call: call}
				in := zeros(call.Type())
				results := call.Call(slices.Concat([]reflect.Value{reflect.ValueOf(t.Context())}, in))
				// Without its file, an upload is not sent.
				if err, ok := results[1].Interface().(*wechatpay.Error); ok && err.Outcome == wechatpay.NotSent && len(in) == 1 {
					if op := missing[err.Method+" "+target(err.Path)]; op != nil {
						in[0] = withFile(in[0], op)
						results = call.Call(slices.Concat([]reflect.Value{reflect.ValueOf(t.Context())}, in))
					}
				}
				id := g.last.Method + " " + g.last.URL.Path
				if v.op = missing[id]; v.op == nil {
					t.Errorf("%s of %s sends %s, which is not in the catalog or is there twice: %v", method.Name, n.Type(), id, results[1])
					continue
				}
				if !strings.EqualFold(method.Name, v.op.Method) {
					t.Errorf("%s of %s sends %s", method.Name, n.Type(), id)
				}
				delete(missing, id)
				found = append(found, v)
			}
		}
	}
	walk(reflect.ValueOf(v3.New(newClient(t, g))))
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("the chain has no verb for %s", id)
	}
	return found
}

func zeros(verb reflect.Type) []reflect.Value {
	if verb.NumIn() == 3 {
		return []reflect.Value{reflect.Zero(verb.In(1))}
	}
	return nil
}

// target is a path with its parameters replaced by their names in lower case.
func target(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = strings.ToLower(strings.ReplaceAll(strings.Trim(s, "{}"), "_", ""))
		}
	}
	return strings.Join(segments, "/")
}

func TestTheChainHasEveryOperationOnce(t *testing.T) {
	t.Parallel()
	if found := verbs(t, new(gateway)); len(found) != len(catalog.Operations()) {
		t.Errorf("the chain has %d verbs, the catalog %d operations", len(found), len(catalog.Operations()))
	}
}

func TestAZeroRequestHasTheRequiredFieldsAndNoNull(t *testing.T) {
	t.Parallel()
	g := new(gateway)
	for _, v := range verbs(t, g) {
		g.answer = sample(v.op)
		v.do(t, v.in())
		if want, got := required(v.op.Request.Query), queryNames(g.last.URL); !slices.Equal(got, want) {
			t.Errorf("%s: the zero query has %v, want %v", v.op.ID(), got, want)
		}
		if v.op.Request.Body == nil {
			if len(g.sent) > 0 {
				t.Errorf("%s sends a body: %s", v.op.ID(), g.sent)
			}
			continue
		}
		var body map[string]any
		if err := json.Unmarshal(g.sent, &body); err != nil {
			t.Errorf("%s: %v", v.op.ID(), err)
			continue
		}
		if want, got := required(v.op.Request.Body.Fields), slices.Sorted(maps.Keys(body)); !slices.Equal(got, want) {
			t.Errorf("%s: the zero request has %v, want %v", v.op.ID(), got, want)
		}
		if hasNull(body) {
			t.Errorf("%s: the zero request has a null: %s", v.op.ID(), g.sent)
		}
	}
}

func TestAFullRequestHasEveryField(t *testing.T) {
	t.Parallel()
	g := new(gateway)
	for _, v := range verbs(t, g) {
		in := v.in()
		if !in.IsValid() {
			continue
		}
		g.answer = sample(v.op)
		v.do(t, withFile(full(in.Type()), v.op))
		if want, got := names(v.op.Request.Query), queryNames(g.last.URL); !slices.Equal(got, want) {
			t.Errorf("%s: the full query has %v, want %v", v.op.ID(), got, want)
		}
		if v.op.Request.Body != nil {
			compare(t, v.op.ID(), g.sent, v.op.Request.Body.Fields)
		}
	}
}

func TestAnAnswerKeepsEveryField(t *testing.T) {
	t.Parallel()
	g := new(gateway)
	for _, v := range verbs(t, g) {
		g.answer = sample(v.op)
		out := v.do(t, v.in())
		if v.op.Response.Body.Kind == "download" {
			if text, err := io.ReadAll(out.(io.Reader)); err != nil || !bytes.Equal(text, g.answer) {
				t.Errorf("%s: the file is %q, %v", v.op.ID(), text, err)
			}
			continue
		}
		if v.op.Response.Body.Kind == "empty" {
			if _, ok := out.(*wechatpay.Response); !ok {
				t.Errorf("%s: the answer is empty and the verb returns a %T", v.op.ID(), out)
			}
			continue
		}
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		answer := bytes.ReplaceAll(g.answer, []byte(hidden()), []byte("[hidden]")) // as JSON shows it
		var got, want any
		if json.Unmarshal(text, &got) != nil || json.Unmarshal(answer, &want) != nil || !reflect.DeepEqual(pruned(got), want) {
			t.Errorf("%s: a %T keeps\n%s\nof\n%s", v.op.ID(), out, text, g.answer)
		}
	}
}

func TestEndpointsHasEveryPath(t *testing.T) {
	t.Parallel()
	g := new(gateway)
	endpoints := v3.Endpoints(newClient(t, g))
	want := map[string]bool{}
	for _, op := range catalog.Operations() {
		want[op.Path[1:]] = true
	}
	if got, want := slices.Sorted(maps.Keys(endpoints)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("the map has %v, want %v", got, want)
	}
	_, err := endpoints["v3/payscore/partner/serviceorder/{out_order_no}/cancel"].Post(t.Context(),
		wechatpay.Path("out_order_no", "1"), wechatpay.JSON(struct{}{}))
	if err != nil || g.last.URL.Path != "/v3/payscore/partner/serviceorder/1/cancel" {
		t.Errorf("sent %v: %v", g.last.URL, err)
	}
}

// What the chain returns is kept here, so that the compiler cannot leave the walk out.
var kept payscore.PartnerServiceorderOutOrderNoCancel

func TestTheStepsOfTheChainDoNotAllocate(t *testing.T) {
	client := newClient(t, new(gateway))
	if n := testing.AllocsPerRun(100, func() {
		kept = v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo("20241124001").Cancel()
	}); n != 0 {
		t.Errorf("the chain allocates %v times", n)
	}
}

func TestANodeCanBeKeptAndUsedAgain(t *testing.T) {
	t.Parallel()
	g := new(gateway)
	order := payscore.New(newClient(t, g)).Partner().Serviceorder().OutOrderNo("a/b")
	for range 2 {
		_, err := order.Cancel().Post(t.Context(), payscore.CancelPartnerServiceOrderRequest{SubMchID: "1900000209", Reason: "用户取消"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := g.last.URL.EscapedPath(), "/v3/payscore/partner/serviceorder/a%2Fb/cancel"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	}
}

func TestTypedNodesHaveAsynchronousForms(t *testing.T) {
	t.Parallel()
	g := &gateway{answer: []byte(`{"state":"DOING"}`)}
	orders := payscore.New(newClient(t, g)).Partner().Serviceorder()
	ctx := context.Background()
	order, err := wechatpay.GetAsync(ctx, orders, payscore.GetPartnerServiceOrderQuery{SubMchID: "1900000209", OutOrderNo: "1"}).Wait(ctx)
	if err != nil || order.State != payscore.ServiceOrderStateDoing {
		t.Errorf("got %v, %v", order, err)
	}
}

// required are the names of the fields that a zero request has.
func required(fields []catalog.Field) []string {
	var all []string
	for _, f := range fields {
		if f.Required {
			all = append(all, f.Name)
		}
	}
	slices.Sort(all)
	return all
}

func names(fields []catalog.Field) []string {
	var all []string
	for _, f := range fields {
		all = append(all, f.Name)
	}
	slices.Sort(all)
	return all
}

func queryNames(u *url.URL) []string { return slices.Sorted(maps.Keys(u.Query())) }

func hasNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(v, hasNull)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), hasNull)
	}
	return false
}

// pruned is v without empty strings. A type that requests share may have a field that they
// must send and this answer does not have; it encodes as "".
func pruned(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	case map[string]any:
		for name, member := range v {
			if v[name] = pruned(member); member == "" {
				delete(v, name)
			}
		}
	}
	return v
}

// full is a value of type t in which nothing is zero.
func full(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch {
	case t == reflect.TypeFor[wechatpay.Time]():
		v.Set(reflect.ValueOf(wechatpay.Time{Time: time.Now()}))
	case t == reflect.TypeFor[wechatpay.Upload](): // what it may be depends on the operation
	case t == reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte("{}"))
	case t == reflect.TypeFor[json.Number]():
		v.SetString("1")
	case t.Kind() == reflect.String:
		v.SetString("1")
	case t.Kind() == reflect.Int64:
		v.SetInt(1)
	case t.Kind() == reflect.Bool:
		v.SetBool(true)
	case t.Kind() == reflect.Pointer:
		v.Set(full(t.Elem()).Addr())
	case t.Kind() == reflect.Slice:
		v.Set(reflect.Append(v, full(t.Elem())))
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			v.Field(i).Set(full(t.Field(i).Type))
		}
	default:
		panic("no value of type " + t.String())
	}
	return v
}

// compare checks that text has the fields, all of them and no others, with values of
// their types.
func compare(t *testing.T, place string, text json.RawMessage, fields []catalog.Field) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		t.Errorf("%s: %v in %s", place, err, text)
		return
	}
	if got, want := slices.Sorted(maps.Keys(members)), names(fields); !slices.Equal(got, want) {
		t.Errorf("%s: has %v, want %v", place, got, want)
	}
	for _, f := range fields {
		place, text := place+" "+f.Name, members[f.Name]
		item, list := strings.CutSuffix(f.Type, "[]")
		if list {
			var items []json.RawMessage
			if err := json.Unmarshal(text, &items); err != nil || len(items) != 1 {
				t.Errorf("%s: is %s, want a list of one", place, text)
				continue
			}
			text = items[0]
		}
		first := map[string]string{"string": `"`, "integer": "1", "number": "1", "boolean": "t", "object": "{"}[item]
		if !bytes.HasPrefix(text, []byte(first)) {
			t.Errorf("%s: is %s, want a %s", place, text, f.Type)
		}
		if len(f.Fields) > 0 {
			compare(t, place, text, f.Fields)
		}
	}
}

// sample is an answer of the operation with every field in it.
func sample(op *catalog.Operation) []byte {
	if op.Response.Body.Kind == "empty" {
		return nil
	}
	text, err := json.Marshal(sampleObject(op.Response.Body.Fields))
	if err != nil {
		panic(err)
	}
	return text
}

// hidden is a sensitive field of an answer, which its merchant can decrypt.
var hidden = sync.OnceValue(func() string {
	ciphertext, err := crypt.EncryptOAEP(&keys().merchant.PublicKey, "secret")
	if err != nil {
		panic(err)
	}
	return ciphertext
})

func sampleObject(fields []catalog.Field) map[string]any {
	object := map[string]any{}
	for _, f := range fields {
		item, list := strings.CutSuffix(f.Type, "[]")
		value := map[string]any{"string": "x", "integer": 7, "number": 7, "boolean": true, "object": map[string]any{}}[item]
		switch {
		case len(f.Fields) > 0:
			value = sampleObject(f.Fields)
		case f.Encrypted == "merchant":
			value = hidden()
		case f.Format == "rfc3339":
			value = "2018-06-08T10:34:56+08:00"
		}
		if list {
			value = []any{value}
		}
		object[f.Name] = value
	}
	return object
}
