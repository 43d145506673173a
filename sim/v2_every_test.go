package sim_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/catalog/catalogtest"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// v2Caller is a merchant that calls by APIv2.
type v2Caller struct {
	*simtest.Gateway
	t     *testing.T
	key   string
	mchID string
	http  *http.Client
	url   string
	last  int
}

func newV2Caller(t *testing.T) *v2Caller { return v2CallerWith(t, sim.Config{World: simtest.World(t)}) }

func v2CallerWith(t *testing.T, c sim.Config) *v2Caller {
	t.Helper()
	g := simtest.StartWith(t, c)
	m := g.World.Merchant(world.ServiceProvider)
	return &v2Caller{Gateway: g, t: t, key: m.APIv2Key, mchID: m.MchID, http: http.DefaultClient, url: g.URL}
}

func v2Operations(t *testing.T) []*catalog.Operation {
	t.Helper()
	c, err := catalog.LoadV2()
	if err != nil {
		t.Fatal(err)
	}
	return c.Operations()
}

func v2Operation(t *testing.T, path string) *catalog.Operation {
	t.Helper()
	all := v2Operations(t)
	i := slices.IndexFunc(all, func(op *catalog.Operation) bool { return op.Path == path })
	if i < 0 {
		t.Fatalf("the catalog has no %s", path)
	}
	return all[i]
}

// v2Reply is the answer to a call.
type v2Reply struct {
	*http.Response
	body    []byte
	members xmlv2.Members
	seen    control.Exchange
}

func (r v2Reply) String() string { return fmt.Sprintf("%d %.600s", r.StatusCode, r.body) }

// signed adds what the codec of an SDK does.
func (c *v2Caller) signed(op *catalog.Operation, sent xmlv2.Members) xmlv2.Members {
	c.t.Helper()
	sent = slices.Clone(sent)
	for _, name := range []string{"mch_id", "mchid", "combine_mch_id"} {
		if sent.Get(name) != "" {
			sent.Set(name, c.mchID)
		}
	}
	if sent.Get("mch_id")+sent.Get("mchid")+sent.Get("combine_mch_id") == "" {
		sent.Set("mch_id", c.mchID)
	}
	if len(op.Security.SignTypes) == 0 {
		return sent
	}
	t := auth.SignType(op.Security.SignTypes[0])
	if named := sent.Get("sign_type"); named != "" {
		t = auth.SignType(named)
	}
	if !op.Security.NoNonce && op.Security.SignOver == nil && sent.Get("nonce_str") == "" {
		sent.Set("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS")
	}
	over := slices.Clone(sent)
	if op.Security.SignOver != nil {
		over = slices.DeleteFunc(over, func(m xmlv2.Member) bool { return !slices.Contains(op.Security.SignOver, m.Name) })
	}
	sign, err := t.Sign(c.key, over.Texts())
	if err != nil {
		c.t.Fatal(err)
	}
	sent.Set("sign", sign)
	return sent
}

// call signs and sends members.
func (c *v2Caller) call(path string, sent xmlv2.Members) v2Reply {
	c.t.Helper()
	op := v2Operation(c.t, path)
	return c.post(path, xmlOf(c.t, c.signed(op, sent)))
}

func xmlOf(t *testing.T, m xmlv2.Members) []byte {
	t.Helper()
	text, err := xmlv2.Encode(xmlv2.Root, m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *v2Caller) post(path string, body []byte) v2Reply {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(req)
}

func (c *v2Caller) do(req *http.Request) v2Reply {
	c.t.Helper()
	client := *c.http
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	got := v2Reply{Response: res}
	if got.body, err = io.ReadAll(res.Body); err != nil {
		c.t.Fatal(err)
	}
	if bytes.HasPrefix(got.body, []byte("<xml>")) {
		if got.members, err = xmlv2.Decode(got.body, xmlv2.Limits{Bytes: len(got.body), Nested: true}); err != nil {
			c.t.Fatalf("%s: %v", got.body, err)
		}
	}
	seen, err := c.Control().Requests(c.t.Context(), c.last)
	if err != nil || len(seen) == 0 {
		c.t.Fatalf("the log has %d new requests, %v", len(seen), err)
	}
	got.seen = seen[len(seen)-1]
	c.last = got.seen.ID
	return got
}

// sample sends an operation what it requires.
func (c *v2Caller) sample(op *catalog.Operation) v2Reply {
	c.t.Helper()
	s := catalogtest.Sampler{RequiredOnly: true, Encrypt: func(plaintext string) any {
		key, err := auth.ParsePrivateKey([]byte(c.World.Platform.PrivateKey))
		if err != nil {
			c.t.Fatal(err)
		}
		return must(crypt.EncryptOAEP(&key.PublicKey, plaintext))
	}}
	if op.Request.Body != nil && op.Request.Body.File != nil {
		return c.sampleUpload(op)
	}
	r := s.Request(op)
	if op.Method == http.MethodGet {
		query := url.Values{}
		sent := xmlv2.Members{}
		for name, values := range r.Query {
			sent.Set(name, values[0])
		}
		for name, text := range c.signed(op, sent).Texts() {
			query.Set(name, text)
		}
		return c.do(must(http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+op.Path+"?"+query.Encode(), nil)))
	}
	target := op.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	return c.post(target, xmlOf(c.t, c.signed(op, texts(c.t, op, r.Body))))
}

// sampleUpload sends a picture, with its digest.
func (c *v2Caller) sampleUpload(op *catalog.Operation) v2Reply {
	c.t.Helper()
	content := []byte("\x89PNG\r\n\x1a\n")
	digest := md5.Sum(content)
	file := op.Request.Body.File
	return c.upload(op, xmlv2.Members{{Name: "sign_type", Text: "HMAC-SHA256"}, {Name: file.Digest, Text: hex.EncodeToString(digest[:])}, {Name: "not_signed", Text: "1"}}, content)
}

func (c *v2Caller) upload(op *catalog.Operation, sent xmlv2.Members, content []byte) v2Reply {
	c.t.Helper()
	sent = c.signed(op, sent)
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, text := range sent.Texts() {
		if err := w.WriteField(name, text); err != nil {
			c.t.Fatal(err)
		}
	}
	part := must(w.CreateFormFile(op.Request.Body.File.Part, "1.png"))
	_, _ = part.Write(content)
	_ = w.Close()
	req := must(http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+op.Path, &b))
	req.Header.Set("Content-Type", w.FormDataContentType())
	return c.do(req)
}

// texts are the members of a body as APIv2 writes them.
func texts(t *testing.T, op *catalog.Operation, body map[string]any) xmlv2.Members {
	t.Helper()
	sent := xmlv2.Members{}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		switch value := body[name].(type) {
		case map[string]any, []any:
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			sent.Set(name, string(text))
		default:
			sent.Set(name, fmt.Sprint(value))
		}
	}
	return sent
}

// checkSign tells what is wrong with the sign of an answer.
func (c *v2Caller) checkSign(op *catalog.Operation, got v2Reply) error {
	switch {
	case op.Security.ResponseUnsigned && got.members.Get("sign") == "":
		return nil
	case op.Security.ResponseUnsigned:
		return fmt.Errorf("an answer that is never signed is")
	}
	return auth.VerifyParams(c.key, got.members.Texts(), auth.MD5, auth.HMACSHA256)
}

func TestEveryOperationOfAPIv2IsAnsweredInItsShape(t *testing.T) {
	t.Parallel()
	c := newV2Caller(t)
	all := v2Operations(t)
	if len(all) < 129 {
		t.Fatalf("the catalog has %d operations", len(all))
	}
	for _, op := range all {
		t.Run(op.ID(), func(t *testing.T) {
			c.t = t
			got := c.sample(op)
			for _, check := range got.seen.Checks {
				if !check.Passed && check.Name != "business" {
					t.Fatalf("answered %v: %s %s", got, check.Name, check.Finding)
				}
			}
			if got.StatusCode != op.Response.Status[0] {
				t.Fatalf("answered %v, want %d", got, op.Response.Status[0])
			}
			switch op.Response.Body.Kind {
			case "redirect":
				if got.Header.Get("Location") == "" {
					t.Error("nobody is sent anywhere")
				}
			case "json":
				if !json.Valid(got.body) {
					t.Errorf("answered %v", got)
				}
			case "download":
				refused := slices.ContainsFunc(got.seen.Checks, func(c control.Check) bool { return !c.Passed })
				if len(got.body) == 0 || bytes.HasPrefix(got.body, []byte("<xml")) != refused {
					t.Errorf("answered %v", got)
				}
			case "xml":
				c.checkMessage(op, got)
			}
		})
	}
}

// checkMessage tells where an answer is not as the catalog has it.
func (c *v2Caller) checkMessage(op *catalog.Operation, got v2Reply) {
	c.t.Helper()
	if got.members.Get("return_code") != "SUCCESS" || got.Header.Get("Content-Type") != "text/plain" {
		c.t.Fatalf("answered %v", got)
	}
	if err := c.checkSign(op, got); err != nil {
		c.t.Errorf("answered %v: %v", got, err)
	}
	if got.members.Get("result_code") != "SUCCESS" {
		return // the rules of its product refuse, and have tests of their own
	}
	shaped := slices.ContainsFunc(got.seen.Checks, func(c control.Check) bool { return c.Name == "rules" })
	for _, f := range op.Response.Body.Fields {
		name := strings.NewReplacer("$n", "0", "$m", "0").Replace(f.Name)
		if there := slices.ContainsFunc(got.members, func(m xmlv2.Member) bool { return m.Name == name }); f.Required && shaped && !there {
			c.t.Errorf("answered %v: there is no %s", got, name)
		}
	}
}
