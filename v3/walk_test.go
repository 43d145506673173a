package v3_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/hex"
	"hash/fnv"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
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
	v3 "github.com/openwechatpay/wechatpay/v3"
)

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
	over   string // the header that tells the SHA-1 of the answer, and is signed in its place
	last   *http.Request
	sent   []byte
}

func (g *gateway) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.keep(req); err != nil {
		return nil, err
	}
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), "00112233445566778899aabbccddeeff"
	header, signed := http.Header{}, g.answer
	if g.over != "" {
		sum := sha1.Sum(g.answer)
		header.Set(g.over, hex.EncodeToString(sum[:]))
		signed = []byte(`{"sha1":"` + header.Get(g.over) + `"}`)
	}
	signature, err := auth.Sign(keys().platform, auth.AnswerText(timestamp, nonce, signed))
	if err != nil {
		return nil, err
	}
	header.Set("Wechatpay-Serial", keyID)
	header.Set("Wechatpay-Timestamp", timestamp)
	header.Set("Wechatpay-Nonce", nonce)
	header.Set("Wechatpay-Signature", signature)
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(bytes.NewReader(g.answer))}, nil
}

// keep keeps a request with its body; of one that uploads a file, with the part meta.
func (g *gateway) keep(req *http.Request) (err error) {
	g.last = req
	body := io.Reader(req.Body)
	if kind, parameters, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); kind == "multipart/form-data" {
		if body, err = multipart.NewReader(body, parameters["boundary"]).NextPart(); err != nil {
			return err
		}
	}
	g.sent, err = io.ReadAll(body)
	return err
}

// newClient is a client of a merchant.
func newClient(t testing.TB, g *gateway) *wechatpay.Client {
	t.Helper()
	return clientOf(t, g, wechatpay.Merchant{MchID: "1900000109"})
}

// clientOf is a client of m, which says who that is.
func clientOf(t testing.TB, g *gateway, m wechatpay.Merchant) *wechatpay.Client {
	t.Helper()
	m.SerialNo, m.PrivateKey = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", keys().merchant
	m.PlatformKeys = []auth.PlatformKey{auth.PublicKey(keyID, &keys().platform.PublicKey)}
	client, err := wechatpay.New(m, wechatpay.Transport(g))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// verb is a verb of the chain, found by walking it.
type verb struct {
	op     *catalog.Operation
	target string   // the path that it has to send, with the arguments of the walk
	steps  []string // the names of the methods that lead to it, and its own
	call   reflect.Value
	g      *gateway
}

// on is the verb of another chain, with other arguments of the path.
func (v verb) on(root any, args []string) reflect.Value {
	n := reflect.ValueOf(root)
	for _, step := range v.steps {
		method := n.MethodByName(step)
		switch method.Type().NumIn() {
		case 0:
			n = method.Call(nil)[0]
		case 1:
			n, args = method.Call([]reflect.Value{argumentOf(method.Type().In(0), args[0])})[0], args[1:]
		default:
			return method
		}
	}
	panic("no verb is at the end of " + strings.Join(v.steps, "."))
}

// zero is the zero value of what the verb takes, invalid if that is nothing. A file is there.
func (v verb) zero() reflect.Value {
	if t := v.call.Type(); t.NumIn() == 3 {
		return v.withFile(reflect.New(t.In(1)).Elem())
	}
	return reflect.Value{}
}

// full is a value of what the verb takes in which nothing is zero, invalid if that is nothing.
func (v verb) full() reflect.Value {
	if t := v.call.Type(); t.NumIn() == 3 {
		return v.withFile(full(t.In(1)))
	}
	return reflect.Value{}
}

// withFile puts a file into a request that has one: without it, nothing would be sent.
func (v verb) withFile(in reflect.Value) reflect.Value {
	if v.op.Request.Body == nil || v.op.Request.Body.File == nil {
		return in
	}
	name := "file.txt"
	if limits := v.op.Request.Body.File.Limits; len(limits) > 0 {
		name = "file." + limits[0].Types[0]
	}
	in.FieldByName("File").Set(reflect.ValueOf(wechatpay.Upload{Name: name, Content: strings.NewReader("content")}))
	return in
}

// do calls the verb, which the gateway answers with a sample, and returns what it returns.
func (v verb) do(t *testing.T, in reflect.Value) any {
	t.Helper()
	v.g.answer, v.g.over = sample(v.op), v.op.Security.ResponseSignatureOver
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

// walk is on its way through the chain.
type walk struct {
	t       *testing.T
	g       *gateway
	missing map[string]verb // what was not found yet, by the IDs of operations
	found   []verb
}

// verbs are those of all operations, found by walking the chain: that of a merchant, and that of
// a brand, for a client calls either what merchants sign or what brands do.
func verbs(t *testing.T) []verb {
	t.Helper()
	g := new(gateway)
	found := walked(t, g, newClient(t, g))
	found = slices.DeleteFunc(found, func(v verb) bool { return v.op.Security.Scheme == "brand" })
	brands := walked(t, g, clientOf(t, g, wechatpay.Merchant{BrandID: "40014"}))
	brands = slices.DeleteFunc(brands, func(v verb) bool { return v.op.Security.Scheme != "brand" })
	return append(found, brands...)
}

// walked walks one chain. Every operation of the catalog has to be there once.
func walked(t *testing.T, g *gateway, client *wechatpay.Client) []verb {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	w := walk{t: t, g: g, missing: map[string]verb{}}
	for _, p := range c.Products {
		for _, op := range p.Operations {
			w.missing[op.ID()] = verb{op: op, target: target(p, op)}
		}
	}
	w.from(reflect.ValueOf(v3.New(client)), nil)
	for _, id := range slices.Sorted(maps.Keys(w.missing)) {
		t.Errorf("the chain has no verb for %s", id)
	}
	return w.found
}

// from walks on from a node, which these steps led to: whatever takes no context is a step.
func (w *walk) from(n reflect.Value, steps []string) {
	for method, call := range n.Methods() {
		steps := append(slices.Clip(steps), method.Name)
		switch call.Type().NumIn() {
		case 0:
			w.from(call.Call(nil)[0], steps)
		case 1:
			of := call.Type().In(0)
			w.from(call.Call([]reflect.Value{argumentOf(of, argument(method.Name, of.Kind() == reflect.Int64))})[0], steps)
		default:
			w.verb(n.Type().String()+"."+method.Name, call, steps)
		}
	}
}

// verb finds out which operation a verb is: an error says so, and a context that has ended
// makes one before anything is sent.
func (w *walk) verb(name string, call reflect.Value, steps []string) {
	ended, end := context.WithCancel(w.t.Context())
	end()
	args := []reflect.Value{reflect.ValueOf(ended)}
	if t := call.Type(); t.NumIn() == 3 {
		args = append(args, reflect.Zero(t.In(1)))
	}
	failed, ok := call.Call(args)[1].Interface().(*wechatpay.Error)
	if !ok {
		w.t.Errorf("%s does not mind that the context has ended", name)
		return
	}
	id := failed.Method + " " + failed.Path
	v, ok := w.missing[id]
	if !ok {
		w.t.Errorf("%s is %s, which is not in the catalog or is there twice", name, id)
		return
	}
	if !strings.HasSuffix(strings.ToUpper(name), "."+v.op.Method) {
		w.t.Errorf("%s is %s", name, id)
	}
	v.steps, v.call, v.g = steps, call, w.g
	w.found = append(w.found, v)
	delete(w.missing, id)
}

// target is the path of an operation with what the walk gives to the step of each parameter.
func target(p *catalog.Product, op *catalog.Operation) string {
	var path, sent string
	for segment := range strings.SplitSeq(op.Path[1:], "/") {
		path += "/" + segment
		for _, f := range op.Request.Path {
			if segment == "{"+f.Name+"}" {
				step := cmp.Or(p.Steps[path], strings.ReplaceAll(f.Name, "_", ""))
				segment = argument(step, f.Type != "string")
				break
			}
		}
		sent += "/" + segment
	}
	return sent
}

// argument is what the walk gives to a step: the step's own name in lower case, or a number
// that stands for it, and is too large for a float64.
func argument(step string, number bool) string {
	name := strings.ToLower(step)
	if !number {
		return name
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return strconv.FormatInt(1<<60+int64(h.Sum32()), 10)
}

// argumentOf is the argument of a step as what it takes.
func argumentOf(t reflect.Type, text string) reflect.Value {
	if t.Kind() != reflect.Int64 {
		return reflect.ValueOf(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return reflect.ValueOf(n)
}
