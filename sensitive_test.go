package wechatpay_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

type account struct {
	Name  wechatpay.Sensitive  `json:"name"`
	Phone *wechatpay.Sensitive `json:"phone,omitzero"`
	Note  string               `json:"note"`
}

type transfer struct {
	account           // an embedded type that nobody else sees
	Payee   account   `json:"payee,omitzero"`
	Agent   *account  `json:"agent,omitzero"`
	Items   []account `json:"items"`
	Tags    []string  `json:"tags"`

	IDs  [2]wechatpay.Sensitive         `json:"ids,omitzero"`
	Also []wechatpay.Sensitive          `json:"also,omitzero"`
	By   map[string]wechatpay.Sensitive `json:"by,omitzero"`
	Any  any                            `json:"any,omitzero"`

	Left  wechatpay.Sensitive `json:"-"`
	Total int64               `json:"total"`
}

// wrapped encodes itself, as types do that keep the order of members.
type wrapped struct{ Inner any }

func (w wrapped) MarshalJSON() ([]byte, error) { return json.Marshal(w.Inner) }

// revealed is JSON in which every ciphertext for key is its plaintext between angles.
func revealed(t *testing.T, body []byte, key *rsa.PrivateKey) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var reveal func(any) any
	reveal = func(value any) any {
		switch value := value.(type) {
		case map[string]any:
			for name, member := range value {
				value[name] = reveal(member)
			}
		case []any:
			for i, item := range value {
				value[i] = reveal(item)
			}
		case string:
			if plaintext, err := crypt.DecryptOAEP(key, value); err == nil {
				return "‹" + plaintext + "›"
			}
		}
		return value
	}
	text, err := json.Marshal(reveal(value))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestASensitiveIsEncryptedWhereverItStands(t *testing.T) {
	t.Parallel()
	phone := wechatpay.Sensitive("138")
	tests := map[string]struct {
		in   any
		want string
	}{
		"in a map":                       {map[string]any{"name": wechatpay.Sensitive("张三"), "n": 1}, `{"n":1,"name":"‹张三›"}`},
		"in a map of such":               {map[string]wechatpay.Sensitive{"name": "张三", "empty": ""}, `{"empty":"","name":"‹张三›"}`},
		"deep in maps and lists":         {map[string]any{"a": []any{map[string]any{"b": []any{1, phone}}, "c"}}, `{"a":[{"b":[1,"‹138›"]},"c"]}`},
		"in lists of maps":               {map[string]any{"a": []map[string]any{{"b": phone}, {"b": "c"}}}, `{"a":[{"b":"‹138›"},{"b":"c"}]}`},
		"behind pointers":                {map[string]any{"a": &phone, "b": &account{Name: "c"}}, `{"a":"‹138›","b":{"name":"‹c›","note":""}}`},
		"in a struct of a map":           {map[string]any{"a": account{Name: "b"}}, `{"a":{"name":"‹b›","note":""}}`},
		"in a type that encodes itself":  {map[string]any{"a": wrapped{map[string]any{"b": phone}}}, `{"a":{"b":"‹138›"}}`},
		"in a list at the top":           {[]any{phone, "a"}, `["‹138›","a"]`},
		"with all characters of JSON":    {map[string]any{"a": wechatpay.Sensitive("\"\\\u2028<&>\n")}, `{"a":"‹\"\\\u2028\u003c\u0026\u003e\n›"}`},
		"in a struct's member":           {account{Name: "a"}, `{"name":"‹a›","note":""}`},
		"behind the pointer of a struct": {&account{Name: "a", Phone: &phone}, `{"name":"‹a›","note":"","phone":"‹138›"}`},
		"in no member, as all are empty": {account{Phone: new(wechatpay.Sensitive)}, `{"name":"","note":"","phone":""}`},
		"in a struct that is embedded":   {transfer{account: account{Name: "a"}, Items: []account{}, Tags: []string{}}, `{"items":[],"name":"‹a›","note":"","tags":[],"total":0}`},
		"in structs, arrays, lists, maps and values of any type": {transfer{
			Payee: account{Name: "a"}, Agent: &account{Name: "b", Note: "x"}, Items: []account{{Name: "c"}, {Phone: &phone}}, Tags: []string{"t"},
			IDs: [2]wechatpay.Sensitive{"", "d"}, Also: []wechatpay.Sensitive{"e", "f"}, By: map[string]wechatpay.Sensitive{"g": "h"},
			Any: []any{account{Name: "i"}}, Left: "out", Total: 1,
		}, `{"agent":{"name":"‹b›","note":"x"},"also":["‹e›","‹f›"],"any":[{"name":"‹i›","note":""}],"by":{"g":"‹h›"},"ids":["","‹d›"],` +
			`"items":[{"name":"‹c›","note":""},{"name":"","note":"","phone":"‹138›"}],"name":"","note":"","payee":{"name":"‹a›","note":""},"tags":["t"],"total":1}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{status: 204}
			client := newClient(t, g)
			if _, err := client.Chain("v3/x").Post(t.Context(), wechatpay.JSON(tt.in)); err != nil {
				t.Fatal(err)
			}
			g.checkSigned(t)
			if got := revealed(t, g.sent, keys().platform); got != tt.want {
				t.Errorf("sent %s,\nwant %s", got, tt.want)
			}
			if strings.Contains(string(g.sent), `"138"`) && !strings.Contains(tt.want, "‹138›") { // in quotes: Base64 may have any three
				t.Errorf("sent %s", g.sent)
			}
			if reflect.TypeOf(tt.in).Kind() != reflect.Struct {
				return
			}
			if _, err := wechatpay.Send(t.Context(), client, "POST", "/v3/x", nil, tt.in, nil); err != nil {
				t.Fatal(err)
			}
			if got := revealed(t, g.sent, keys().platform); got != tt.want {
				t.Errorf("typed, it sent %s,\nwant %s", got, tt.want)
			}
		})
	}
}

func TestARequestHasItsListsFilledAndItsFieldsEncryptedAtOnce(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	in := transfer{Payee: account{Name: "a"}}
	if _, err := wechatpay.Send(t.Context(), newClient(t, g), "POST", "/v3/x", nil, in, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := revealed(t, g.sent, keys().platform), `{"items":[],"name":"","note":"","payee":{"name":"‹a›","note":""},"tags":[],"total":0}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

// TestTheSameValueIsSentAgainAndByMany also has the race detector look for writes.
func TestTheSameValueIsSentAgainAndByMany(t *testing.T) {
	t.Parallel()
	phone := wechatpay.Sensitive("138")
	value := func() transfer {
		return transfer{account: account{Name: "a", Phone: &phone}, Agent: &account{Name: "b", Phone: &phone}, Items: []account{{Name: "c"}},
			Also: []wechatpay.Sensitive{"d"}, By: map[string]wechatpay.Sensitive{"e": "f"},
			Any: map[string]any{"g": []any{wechatpay.Sensitive("h"), map[string]any{"i": &account{Name: "j"}}}}}
	}
	in := value()
	var mu sync.Mutex
	sent := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		g := &gateway{status: 204}
		client := newClient(t, g)
		wg.Go(func() {
			for range 2 {
				if _, err := wechatpay.Send(t.Context(), client, "POST", "/v3/x", nil, in, nil); err != nil {
					t.Error(err)
				}
				mu.Lock()
				sent[string(g.sent)] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if !reflect.DeepEqual(in, value()) {
		t.Error("the caller's value was changed")
	}
	if phone != "138" {
		t.Error("what the caller's value points to was changed")
	}
	if len(sent) != 16 {
		t.Errorf("16 calls have %d different bodies, want a ciphertext of its own in each", len(sent))
	}
	for body := range sent {
		if got, want := revealed(t, []byte(body), keys().platform), `"agent":{"name":"‹b›","note":"","phone":"‹138›"}`; !strings.Contains(got, want) {
			t.Errorf("sent %s, want …%s…", got, want)
		}
	}
}

func TestAnotherAttemptCarriesTheSameCiphertext(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 429, body: `{"code":"FREQUENCY_LIMITED"}`}
	var bodies []string
	client := newClient(t, g, wechatpay.Trace(func(context.Context, wechatpay.Attempt) { bodies = append(bodies, string(g.sent)) }))
	_, err := client.Chain("v3/x").Post(t.Context(), wechatpay.JSON(map[string]any{"name": wechatpay.Sensitive("张三")}))
	if err == nil || len(bodies) < 2 {
		t.Fatalf("there were %d attempts, %v", len(bodies), err)
	}
	for _, body := range bodies {
		if body != bodies[0] || revealed(t, []byte(body), keys().platform) != `{"name":"‹张三›"}` {
			t.Errorf("the attempts carried %s and %s", bodies[0], body)
		}
	}
}

func TestFieldsAreEncryptedForTheKeyThatTheHeaderNames(t *testing.T) {
	t.Parallel()
	older, newer := otherKey(), keys().platform
	now := time.Now()
	certificate := func(serial string, key *rsa.PrivateKey, age time.Duration) auth.PlatformKey {
		return auth.PlatformKey{Serial: serial, Public: &key.PublicKey, NotBefore: now.Add(-age), NotAfter: now.Add(time.Hour)}
	}
	tests := map[string]struct {
		keys   []auth.PlatformKey
		serial string
		key    *rsa.PrivateKey
	}{
		"the newest certificate":             {[]auth.PlatformKey{certificate("0A", older, 2*time.Hour), certificate("0B", newer, time.Hour)}, "0B", newer},
		"the public key before certificates": {[]auth.PlatformKey{certificate("0B", newer, time.Hour), auth.PublicKey(keyID, &older.PublicKey)}, keyID, older},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := merchant()
			m.PlatformKeys = tt.keys
			g := &gateway{err: errors.New("that will do")}
			client, err := wechatpay.New(m, wechatpay.Transport(g))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Chain("v3/x").Post(t.Context(), wechatpay.JSON(map[string]any{"a": wechatpay.Sensitive("b")})); err == nil || g.calls == 0 {
				t.Fatalf("nothing was sent: %v", err)
			}
			if got := revealed(t, g.sent, tt.key); got != `{"a":"‹b›"}` || g.last.Header.Get("Wechatpay-Serial") != tt.serial {
				t.Errorf("sent %s, and named the key %s", got, g.last.Header.Get("Wechatpay-Serial"))
			}
		})
	}
}

// secretive keeps a Sensitive where nothing can replace it, and encodes itself.
type secretive struct{ name wechatpay.Sensitive }

func (s secretive) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]any{"name": s.name}) }

// apart takes a Sensitive apart where it encodes itself.
type apart struct{ Name wechatpay.Sensitive }

func (a apart) MarshalJSON() ([]byte, error) { return json.Marshal(string(a.Name)) }

type unreachable struct{ *account }

func TestASensitiveThatCannotBeEncryptedIsNotSent(t *testing.T) {
	t.Parallel()
	canary := wechatpay.Sensitive("canary")
	long := canary + wechatpay.Sensitive(strings.Repeat("x", 209))
	tests := map[string]struct {
		in   any
		want string
	}{
		"of 215 bytes":                                 {map[string]any{"name": long}, "the field /name cannot be encrypted: the plaintext has 215 bytes, RSA-OAEP with this key takes at most 214"},
		"of 72 Chinese characters":                     {map[string]any{"name": wechatpay.Sensitive(strings.Repeat("字", 72))}, "has 216 bytes"},
		"deep in a map":                                {map[string]any{"payer": map[string]any{"ids": []any{"1", long}}}, "the field /payer/ids/1 cannot"},
		"in a list of structs":                         {transfer{Items: []account{{}, {Name: long}}}, "the field /items/1/name cannot"},
		"in an embedded struct":                        {transfer{account: account{Name: long}}, "the field /name cannot"},
		"behind a pointer":                             {transfer{Agent: &account{Phone: &long}}, "the field /agent/phone cannot"},
		"in an array":                                  {transfer{IDs: [2]wechatpay.Sensitive{1: long}}, "the field /ids/1 cannot"},
		"that is not UTF-8":                            {map[string]any{"name": canary + "\xff"}, "the field /name is not UTF-8"},
		"that was hidden before":                       {map[string]any{"name": wechatpay.Sensitive(canary.String())}, "the field /name is the text that stands for a Sensitive"},
		"that hides as a plain text":                   {map[string]any{"name": canary.String()}, "where it cannot be encrypted"},
		"that is the key of a map":                     {map[wechatpay.Sensitive]any{canary: 1}, "is the key of a map"},
		"that is a key further down":                   {map[string]any{"a": []any{map[wechatpay.Sensitive]string{canary: "1"}}}, "is the key of a map"},
		"that a type keeps for itself":                 {map[string]any{"a": secretive{canary}}, "where it cannot be encrypted"},
		"that a type takes apart":                      {map[string]any{"a": apart{canary}}, "where it cannot be encrypted"},
		"behind the embedded pointer of nobody's type": {unreachable{&account{Name: canary}}, "where it cannot be encrypted"},
		"in the query": {struct {
			Name wechatpay.Sensitive `query:"name" json:"-"`
			Body string              `json:"body"`
		}{Name: long}, "the field /name cannot be encrypted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{status: 204}
			client := newClient(t, g)
			opts, in := []wechatpay.CallOption{wechatpay.JSON(tt.in)}, any(nil)
			if reflect.TypeOf(tt.in).Kind() == reflect.Struct {
				opts, in = nil, tt.in
			}
			_, err := wechatpay.Send(t.Context(), client, "POST", "/v3/x", nil, in, opts)
			if err == nil || !strings.Contains(err.Error(), tt.want) || wechatpay.OutcomeOf(err) != wechatpay.NotSent || g.calls != 0 {
				t.Fatalf("the error is %v, want …%s…; %d were sent", err, tt.want, g.calls)
			}
			checkCanaries(t, name, printed(t, err))
		})
	}
	g := &gateway{status: 204}
	if _, err := newClient(t, g).Chain("v3/x").Post(t.Context(), wechatpay.JSON(map[string]any{"name": long[:214]})); err != nil {
		t.Errorf("of 214 bytes it gives %v", err)
	}
	if _, err := newClient(t, g).Chain("v3/x").Post(t.Context(), wechatpay.JSON(transfer{Left: long})); err != nil {
		t.Errorf("of 215 bytes in a field that is not sent it gives %v", err)
	}
}

// encrypted is how WeChat Pay sends plaintext to the merchant.
func encrypted(t *testing.T, plaintext string) string {
	t.Helper()
	ciphertext, err := crypt.EncryptOAEP(&keys().merchant.PublicKey, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

func TestAnAnswersFieldsAreDecrypted(t *testing.T) {
	t.Parallel()
	a, b := encrypted(t, "张三"), encrypted(t, "138")
	g := &gateway{status: 200, body: `{"name":"` + a + `","phone":"` + b + `","note":"` + b + `","payee":{"name":""},"agent":{"name":"` + a + `"},` +
		`"items":[{"name":"` + a + `"},{"phone":null}],"ids":["` + b + `",""],"also":["` + a + `"],"by":{"x":"` + b + `","y":""},"any":{"z":"` + a + `"}}`}
	phone := wechatpay.Sensitive("138")
	want := transfer{
		account: account{Name: "张三", Phone: &phone, Note: b}, Agent: &account{Name: "张三"}, Items: []account{{Name: "张三"}, {}},
		IDs: [2]wechatpay.Sensitive{"138", ""}, Also: []wechatpay.Sensitive{"张三"}, By: map[string]wechatpay.Sensitive{"x": "138", "y": ""},
		Any: map[string]any{"z": a},
	}
	client := newClient(t, g)
	out, err := wechatpay.Call(t.Context(), client, "GET", "/v3/x", nil, nil, nil, new(transfer))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*out, want) {
		t.Errorf("decoded %+v, want %+v", out, want)
	}
	res, err := client.Chain("v3/x").Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // and again over what is there
		into := transfer{Any: new(account)}
		if err := res.Decode(&into); err != nil || into.Name != "张三" || into.Items[0].Name != "张三" {
			t.Errorf("a dynamic call decodes %+v, %v", into, err)
		}
	}
	var inner account
	within := any(&inner)
	if err := res.Decode(&within); err != nil || inner.Name != "张三" {
		t.Errorf("behind an interface it decodes %q, %v", string(inner.Name), err)
	}
}

// signing signs, and cannot decrypt.
type signing struct{ crypto.Signer }

// remote signs and decrypts, as a key in a KMS does.
type remote struct {
	crypto.Signer
	decrypter crypto.Decrypter
}

func (r remote) Decrypt(random io.Reader, text []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return r.decrypter.Decrypt(random, text, opts)
}

func TestWhatComesBackEncryptedWantsAKeyThatDecrypts(t *testing.T) {
	t.Parallel()
	key := keys().merchant
	good := `{"name":"` + encrypted(t, "canary") + `"}`
	tests := map[string]struct {
		key  crypto.Signer
		body string
		want string // none if it succeeds
	}{
		"a key in memory":                         {key, good, ""},
		"a key elsewhere":                         {remote{key, key}, good, ""},
		"a key that only signs":                   {signing{key}, good, "the field /name cannot be decrypted: the merchant's private key, a wechatpay_test.signing, signs but does not decrypt"},
		"such a key, where nothing came":          {signing{key}, `{"name":""}`, ""},
		"a field of another key":                  {remote{key, otherKey()}, good, "the field /name cannot be decrypted: "},
		"a field that is not encrypted":           {key, `{"name":"canary"}`, "the field /name cannot be decrypted: "},
		"a field that is not encrypted, deep":     {key, `{"items":[{},{"phone":"canary"}]}`, "the field /items/1/phone cannot be decrypted: "},
		"a field that is not encrypted, in a map": {key, `{"by":{"canary":"canary"}}`, "the field /by/* cannot be decrypted: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := merchant()
			m.PrivateKey = tt.key
			client, err := wechatpay.New(m, wechatpay.Transport(&gateway{status: 200, body: tt.body}))
			if err != nil {
				t.Fatal(err)
			}
			var res wechatpay.Response
			out, err := wechatpay.Call(t.Context(), client, "POST", "/v3/x", nil, nil, []wechatpay.CallOption{wechatpay.Into(&res)}, new(transfer))
			if string(res.Body) != tt.body || !res.Verified {
				t.Errorf("the response is %v", res)
			}
			if tt.want == "" {
				if err != nil || strings.Contains(tt.body, "canary") && out.Name != "canary" {
					t.Errorf("it gives %v, %v", out, err)
				}
				return
			}
			if err == nil || out != nil || !strings.Contains(err.Error(), tt.want) || wechatpay.OutcomeOf(err) != wechatpay.Unknown {
				t.Fatalf("it gives %v, %v; want …%s…", out, err, tt.want)
			}
			if strings.Contains(tt.want, "cannot be decrypted: ") && len(tt.want) < 60 && !errors.Is(err, crypt.ErrDecrypt) {
				t.Errorf("%v is not crypt.ErrDecrypt", err)
			}
			checkCanaries(t, name, printed(t, err))
		})
	}
	byHand := wechatpay.Response{Body: []byte(good)}
	if err := byHand.Decode(new(account)); err == nil || !strings.Contains(err.Error(), "is not of a call") {
		t.Errorf("a response made by hand gives %v", err)
	}
}

// TestNoSensitivePrints also tells who forges what marks the engine's own copies: nobody can.
func TestNoSensitivePrints(t *testing.T) {
	t.Parallel()
	canary := wechatpay.Sensitive("canary")
	long := wechatpay.Sensitive(strings.Repeat("canary", 100))
	for name, v := range map[string]any{
		"a Sensitive": canary, "a pointer to one": &canary, "a long one": long, "a list": []wechatpay.Sensitive{canary},
		"a request": account{Name: canary, Phone: &canary}, "a request's pointer": &account{Name: canary, Phone: &canary},
		"all in one": transfer{account: account{Name: canary}, IDs: [2]wechatpay.Sensitive{canary}, Also: []wechatpay.Sensitive{canary},
			By: map[string]wechatpay.Sensitive{"a": canary}, Any: []any{canary, map[string]any{"a": canary}}, Left: canary},
		"a dynamic body": map[string]any{"a": canary, "b": []any{canary, &canary}},
		"a forged mark":  account{Name: wechatpay.Sensitive(base64.StdEncoding.EncodeToString([]byte("x"))) + canary},
	} {
		var log strings.Builder
		logger := slog.New(slog.NewMultiHandler(slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)))
		logger.Info("x", "v", v, slog.Group("g", "v", v))
		text := printed(t, v) + log.String() + fmt.Sprint(v) + fmt.Sprintf("%z %10.3s %#x % X", v, v, v, v)
		if as, err := xml.Marshal(struct{ V any }{v}); err == nil {
			text += string(as)
		}
		checkCanaries(t, name, text)
		if !strings.Contains(text, "[hidden]") {
			t.Errorf("%s does not show that there is something: %s", name, text)
		}
	}
	if text := fmt.Sprintf("%v|%s|%q", wechatpay.Sensitive(""), wechatpay.Sensitive(""), []wechatpay.Sensitive{""}); text != "||[]" {
		t.Errorf("the empty one prints as %s", text)
	}
	if v := slog.AnyValue(canary).Resolve(); v.Kind() != slog.KindString || v.String() != "[hidden]" {
		t.Errorf("a handler of one's own gets %v", v.Kind())
	}
	if string(canary) != "canary" {
		t.Error("the value is not to be had")
	}
	var read account
	if err := json.Unmarshal([]byte(`{"name":"canary"}`), &read); err != nil || read.Name != canary {
		t.Errorf("from JSON of its own it is %q, %v", string(read.Name), err)
	}
}

var otherKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// inText is what a string holds as JSON.
type inText struct {
	Type string `json:"type"`
}

func (v inText) MarshalText() ([]byte, error) {
	type plain inText
	return json.Marshal(plain(v))
}

// textList is the same for a list.
type textList []string

func (v textList) MarshalText() ([]byte, error) { return json.Marshal([]string(v)) }

func TestWhatARequestHasOutsideOfItsBody(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 204}
	in := struct {
		Name   wechatpay.Sensitive   `query:"name" json:"-"`
		Names  []wechatpay.Sensitive `query:"names" json:"-"`
		Absent wechatpay.Sensitive   `query:"absent,omitzero" json:"-"`
		Empty  wechatpay.Sensitive   `query:"empty" json:"-"`
		Inner  inText                `query:"inner" json:"-"`
		List   textList              `query:"list" json:"-"`
		Key    string                `header:"Idempotency-Key" json:"-"`
		None   string                `header:"X-None,omitzero" json:"-"`
		Body   string                `json:"body"`
	}{Name: "张三", Names: []wechatpay.Sensitive{"李四", "王五"}, Inner: inText{"A&B"}, List: textList{"长期"}, Key: "k1", Body: "b"}
	if _, err := wechatpay.Send(t.Context(), newClient(t, g), "POST", "/v3/x", nil, in, nil); err != nil {
		t.Fatal(err)
	}
	query := g.last.URL.Query()
	for _, name := range []string{"name", "names"} {
		for i, ciphertext := range query[name] {
			var err error
			if query[name][i], err = crypt.DecryptOAEP(keys().platform, ciphertext); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	want := url.Values{"name": {"张三"}, "names": {"李四", "王五"}, "empty": {""}, "inner": {`{"type":"A\u0026B"}`}, "list": {`["长期"]`}}
	if !reflect.DeepEqual(query, want) {
		t.Errorf("the query is %v, want %v", query, want)
	}
	if _, ok := g.last.Header["X-None"]; ok || g.last.Header.Get("Idempotency-Key") != "k1" {
		t.Errorf("the header is %v", g.last.Header)
	}
	if string(g.sent) != `{"body":"b"}` {
		t.Errorf("the body is %s", g.sent)
	}
}
