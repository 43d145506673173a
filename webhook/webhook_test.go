package webhook_test

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/vectors"
	"github.com/openwechatpay/wechatpay/webhook"
)

const (
	keyID    = "PUB_KEY_ID_0119000001092024112600000000"
	apiv3Key = "canary-APIv3-key-0123456789-abcd"
	openID   = "canary-openid"
)

var now = time.Unix(1732435200, 0)

// keys are the same in every process, so that what fuzzing finds can be run again.
var keys = sync.OnceValue(func() (k struct{ platform, stranger *rsa.PrivateKey }) {
	sets, err := vectors.All()
	if err != nil {
		panic(err)
	}
	for name, key := range map[string]**rsa.PrivateKey{"own_merchant": &k.platform, "official_doc_merchant": &k.stranger} {
		for _, set := range sets {
			if text := set.Keys[name].Private; text != "" {
				*key, err = auth.ParsePrivateKey([]byte(text))
			}
		}
		if err != nil || *key == nil {
			panic(name)
		}
	}
	return k
})

// userPaid is what generated types of events look like.
type userPaid struct {
	OutOrderNo  string `json:"out_order_no"`
	OpenID      string `json:"openid"`
	TotalAmount int64  `json:"total_amount"`
}

func (userPaid) EventTypes() []string { return []string{"PAYSCORE.USER_PAID"} }

type userConfirm struct{ userPaid }

func (userConfirm) EventTypes() []string { return []string{"PAYSCORE.USER_CONFIRM"} }

const plaintext = `{"out_order_no":"20241124001","openid":"` + openID + `","total_amount":4000}`

// delivery is one request of WeChat Pay, spoilt at whichever step a test wants.
type delivery struct {
	key            *rsa.PrivateKey // that signs
	sealed         string          // APIv3 key
	nonce          string
	associatedData string
	plaintext      string
	resource       func(map[string]any) // before the body is made
	body           func(string) string  // before it is signed
	header         func(http.Header)    // after
	later          func(string) string  // the body, after it was signed
	age            time.Duration
}

func (d delivery) make(tb testing.TB) (http.Header, []byte) {
	tb.Helper()
	if d.key == nil {
		d.key = keys().platform
	}
	if d.sealed == "" {
		d.sealed = apiv3Key
	}
	if d.nonce == "" {
		d.nonce = "0123456789ab"
	}
	if d.plaintext == "" {
		d.plaintext = plaintext
	}
	ciphertext, err := crypt.SealGCM(d.sealed, d.nonce, d.associatedData, []byte(d.plaintext))
	if err != nil {
		tb.Fatal(err)
	}
	resource := map[string]any{
		"original_type": "payscore", "algorithm": "AEAD_AES_256_GCM", "nonce": d.nonce,
		"associated_data": d.associatedData, "ciphertext": base64.StdEncoding.EncodeToString(ciphertext),
	}
	if d.resource != nil {
		d.resource(resource)
	}
	text, err := json.Marshal(map[string]any{
		"id": "EV-2018022511223320873", "create_time": "2024-11-24T16:00:00+08:00", "resource_type": "encrypt-resource",
		"event_type": "PAYSCORE.USER_PAID", "summary": "canary-summary", "resource": resource,
	})
	if err != nil {
		tb.Fatal(err)
	}
	body := string(text)
	if d.body != nil {
		body = d.body(body)
	}
	header := signed(tb, d.key, body, now.Add(-d.age))
	if d.header != nil {
		d.header(header)
	}
	if d.later != nil {
		body = d.later(body)
	}
	return header, []byte(body)
}

func signed(tb testing.TB, key *rsa.PrivateKey, body string, at time.Time) http.Header {
	tb.Helper()
	timestamp, nonce := strconv.FormatInt(at.Unix(), 10), "R3vTqOyPb2WnLpXsZ1aKc9dEfGhJkM4u"
	signature, err := auth.Sign(key, auth.AnswerText(timestamp, nonce, []byte(body)))
	if err != nil {
		tb.Fatal(err)
	}
	header := http.Header{}
	header.Set("Wechatpay-Serial", keyID)
	header.Set("Wechatpay-Timestamp", timestamp)
	header.Set("Wechatpay-Nonce", nonce)
	header.Set("Wechatpay-Signature", signature)
	header.Set("Wechatpay-Signature-Type", auth.Scheme)
	return header
}

func verifier(tb testing.TB) *auth.Verifier {
	tb.Helper()
	v, err := auth.NewVerifier(auth.PublicKey(keyID, &keys().platform.PublicKey))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func receiver(tb testing.TB, apiv3Key string) *webhook.Receiver {
	tb.Helper()
	r, err := webhook.New(webhook.Merchant{Verifier: verifier(tb), APIv3Key: apiv3Key}, webhook.Clock(func() time.Time { return now }))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func set(name string, value any) func(map[string]any) {
	return func(resource map[string]any) { resource[name] = value }
}

func without(name string) func(map[string]any) {
	return func(resource map[string]any) { delete(resource, name) }
}

func header(name, value string) func(http.Header) {
	return func(h http.Header) { h.Set(name, value) }
}

func always(body string) func(string) string { return func(string) string { return body } }

func TestParseOpensWhatWeChatPaySent(t *testing.T) {
	t.Parallel()
	tests := map[string]delivery{
		"a notification": {associatedData: "payscore"},
		"a notification with empty associated data":          {},
		"a notification without associated data":             {resource: without("associated_data")},
		"a notification with null for associated data":       {resource: set("associated_data", nil)},
		"a resource with a nonce of one byte":                {nonce: "x"},
		"a resource with a nonce of 16 bytes":                {nonce: "0123456789abcdef"},
		"a resource with a nonce of an odd length":           {nonce: "0123456789abcde"},
		"a notification to the last second of the window":    {age: auth.Window},
		"a notification from a clock that is ahead":          {age: -auth.Window},
		"a notification with fields that nobody knows":       {resource: set("new", map[string]int{"x": 1})},
		"a notification with white space around":             {body: func(body string) string { return " " + body + "\n" }},
		"a notification without the type of its signature":   {header: func(h http.Header) { h.Del("Wechatpay-Signature-Type") }},
		"a notification of exactly the largest size allowed": {body: func(body string) string { return body + strings.Repeat(" ", webhook.DefaultMaxBody-len(body)) }},
	}
	r := receiver(t, apiv3Key)
	for name, d := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header, body := d.make(t)
			n, err := r.Parse(t.Context(), header, body)
			if err != nil {
				t.Fatal(err)
			}
			if n.ID != "EV-2018022511223320873" || n.EventType != "PAYSCORE.USER_PAID" || n.OriginalType != "payscore" ||
				n.ResourceType != "encrypt-resource" || n.Summary != "canary-summary" || !n.CreateTime.Equal(now) {
				t.Errorf("parsed %v", n)
			}
			got, err := webhook.Decode[userPaid](n)
			if want := (userPaid{"20241124001", openID, 4000}); err != nil || got != want {
				t.Errorf("decoded %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		delivery delivery
		want     error
	}{
		"a signature by another key":                 {delivery{key: keys().stranger}, auth.ErrBadSignature},
		"a forged signature":                         {delivery{header: header("Wechatpay-Signature", base64.StdEncoding.EncodeToString(make([]byte, 256)))}, auth.ErrBadSignature},
		"a signature that is not base64":             {delivery{header: header("Wechatpay-Signature", "canary!")}, auth.ErrBadSignature},
		"a body that was changed":                    {delivery{later: func(body string) string { return strings.Replace(body, "USER_PAID", "USER_OPEN", 1) }}, auth.ErrBadSignature},
		"a body that was formatted":                  {delivery{later: func(body string) string { return body + "\n" }}, auth.ErrBadSignature},
		"a body that was moved into the nonce":       {delivery{body: func(body string) string { return "{}\n" + body }, later: func(body string) string { return body[3:] }, header: func(h http.Header) { h.Set("Wechatpay-Nonce", h.Get("Wechatpay-Nonce")+"\n{}") }}, auth.ErrBadSignature},
		"a body that was lost":                       {delivery{later: always("")}, auth.ErrBadSignature},
		"a nonce that was changed":                   {delivery{header: header("Wechatpay-Nonce", "canary")}, auth.ErrBadSignature},
		"a timestamp that was refreshed":             {delivery{age: time.Hour, header: header("Wechatpay-Timestamp", strconv.FormatInt(now.Unix(), 10))}, auth.ErrBadSignature},
		"a serial of a key that is not trusted":      {delivery{header: header("Wechatpay-Serial", "7B00112233445566778899AABBCCDDEEFF001122")}, auth.ErrUnknownSerial},
		"a notification that is too old":             {delivery{age: auth.Window + time.Second}, auth.ErrExpired},
		"a notification from the future":             {delivery{age: -auth.Window - time.Second}, auth.ErrExpired},
		"a probe":                                    {delivery{header: header("Wechatpay-Signature", "WECHATPAY/SIGNTEST/canary")}, auth.ErrProbe},
		"an unsigned notification":                   {delivery{header: func(h http.Header) { clear(h) }}, auth.ErrNotSigned},
		"a notification without a serial":            {delivery{header: func(h http.Header) { h.Del("Wechatpay-Serial") }}, auth.ErrNotSigned},
		"a signature of another algorithm":           {delivery{header: header("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3")}, auth.ErrBadSignature},
		"a body that is too large":                   {delivery{body: always(strings.Repeat(" ", webhook.DefaultMaxBody+1))}, webhook.ErrTooLarge},
		"an empty body that is signed":               {delivery{body: always("")}, webhook.ErrMalformed},
		"a body that is signed and not JSON":         {delivery{body: always(`{"id":"canary`)}, webhook.ErrMalformed},
		"a body that is signed and JSON of no use":   {delivery{body: always(`["canary"]`)}, webhook.ErrMalformed},
		"a body that is signed and null":             {delivery{body: always(`null`)}, webhook.ErrMalformed},
		"a body with a resource of another form":     {delivery{body: always(`{"resource":"canary"}`)}, webhook.ErrMalformed},
		"a body with a member of a wrong type":       {delivery{body: func(body string) string { return strings.Replace(body, `"canary-summary"`, "1", 1) }}, webhook.ErrMalformed},
		"a body with two documents":                  {delivery{body: func(body string) string { return body + body }}, webhook.ErrMalformed},
		"a resource of an unknown algorithm":         {delivery{resource: set("algorithm", "canary")}, webhook.ErrMalformed},
		"a resource of no algorithm":                 {delivery{resource: without("algorithm")}, webhook.ErrMalformed},
		"a resource that is not base64":              {delivery{resource: set("ciphertext", "canary!")}, webhook.ErrMalformed},
		"a resource that is cut off":                 {delivery{resource: func(r map[string]any) { r["ciphertext"] = r["ciphertext"].(string)[:40] }}, crypt.ErrDecrypt},
		"a resource that is shorter than its tag":    {delivery{resource: set("ciphertext", "Y2FuYXJ5")}, crypt.ErrDecrypt},
		"a resource that is empty":                   {delivery{resource: set("ciphertext", "")}, crypt.ErrDecrypt},
		"a resource without a nonce":                 {delivery{resource: without("nonce")}, crypt.ErrDecrypt},
		"a resource with another nonce":              {delivery{resource: set("nonce", "canary")}, crypt.ErrDecrypt},
		"a resource with a nonce of an odd length":   {delivery{resource: set("nonce", "0123456789abc")}, crypt.ErrDecrypt},
		"a resource with a very long nonce":          {delivery{resource: set("nonce", strings.Repeat("canary", 1000))}, crypt.ErrDecrypt},
		"a resource with other associated data":      {delivery{associatedData: "payscore", resource: set("associated_data", "canary")}, crypt.ErrDecrypt},
		"a resource that lost its associated data":   {delivery{associatedData: "payscore", resource: without("associated_data")}, crypt.ErrDecrypt},
		"a resource that another merchant can open":  {delivery{sealed: "canary-of-another-merchant-12345"}, crypt.ErrDecrypt},
		"a body of nothing but an empty JSON object": {delivery{body: always("{}")}, webhook.ErrMalformed},
	}
	r := receiver(t, apiv3Key)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header, body := tt.delivery.make(t)
			n, err := r.Parse(t.Context(), header, body)
			if n != nil || !errors.Is(err, tt.want) {
				t.Fatalf("got %v, %v; want %v", n, err, tt.want)
			}
			checkSilent(t, err, header)
		})
	}
}

// checkSilent looks for what no error may show. What is secret in these tests has a canary in it.
func checkSilent(t *testing.T, err error, header http.Header) {
	t.Helper()
	if !strings.HasPrefix(err.Error(), "webhook: ") {
		t.Errorf("the error does not tell where it comes from: %v", err)
	}
	secrets := []string{"canary"}
	if signature := header.Get("Wechatpay-Signature"); signature != "" {
		secrets = append(secrets, signature)
	}
	for _, secret := range secrets {
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secret) {
			t.Errorf("the error shows %s: %s", secret, text)
		}
	}
}

func TestParseOpensThePublishedNotification(t *testing.T) {
	t.Parallel()
	sets, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, set := range sets {
		for _, v := range set.Vectors {
			if v.Kind != "v3-callback" || len(v.APIv3Key) != crypt.APIv3KeySize {
				continue // published samples have short keys, too: those the tests of auth and crypt open
			}
			ran++
			t.Run(v.Name, func(t *testing.T) { checkVector(t, set, v) })
		}
	}
	if ran == 0 {
		t.Error("none of the vectors is a notification")
	}
}

func checkVector(t *testing.T, set vectors.Set, v vectors.Vector) {
	header := http.Header{}
	for name, value := range v.Headers {
		header.Set(name, value)
	}
	seconds, err := strconv.ParseInt(header.Get("Wechatpay-Timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	var trusted []auth.PlatformKey
	for _, key := range set.Keys {
		text, ok := key.Certificates[header.Get("Wechatpay-Serial")]
		if !ok {
			continue
		}
		cert, err := auth.ParseCertificate([]byte(text.PEM))
		if err != nil {
			t.Fatal(err)
		}
		platform, err := auth.Certificate(cert)
		if err != nil {
			t.Fatal(err)
		}
		trusted = append(trusted, platform)
	}
	verifier, err := auth.NewVerifier(trusted...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := webhook.New(webhook.Merchant{Verifier: verifier, APIv3Key: v.APIv3Key}, webhook.Clock(func() time.Time { return time.Unix(seconds, 0) }))
	if err != nil {
		t.Fatal(err)
	}
	n, err := r.Parse(t.Context(), header, []byte(v.Body))
	if err != nil || string(n.Resource) != v.Plaintext {
		t.Errorf("opened %v, %v", n, err)
	}
}

func TestParseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	header, body := delivery{}.make(t)
	if n, err := receiver(t, apiv3Key).Parse(ctx, header, body); n != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", n, err)
	}
}

func TestParseRefusesToRunWithoutAContext(t *testing.T) {
	t.Parallel()
	header, body := delivery{}.make(t)
	//lint:ignore SA1012 this is the mistake under test
	if n, err := receiver(t, apiv3Key).Parse(nil, header, body); n != nil || err == nil || !strings.Contains(err.Error(), "the context is nil") {
		t.Errorf("got %v, %v", n, err)
	}
}

func TestAReceiverThatNewDidNotMakeRefuses(t *testing.T) {
	t.Parallel()
	header, body := delivery{}.make(t)
	for _, r := range []*webhook.Receiver{nil, new(webhook.Receiver)} {
		if n, err := r.Parse(t.Context(), header, body); n != nil || err == nil || !strings.Contains(err.Error(), "make one with webhook.New") {
			t.Errorf("got %v, %v", n, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	type merchant = webhook.Merchant
	v := verifier(t)
	tests := map[string]struct {
		merchant merchant
		opt      webhook.Option
		want     string
	}{
		"no verifier":              {merchant{APIv3Key: apiv3Key}, webhook.MaxBody(1), "no verifier"},
		"a verifier that is nil":   {merchant{Verifier: (*auth.Verifier)(nil), APIv3Key: apiv3Key}, webhook.MaxBody(1), "no verifier"},
		"no key at all":            {merchant{}, webhook.MaxBody(1), "no verifier"},
		"no APIv3 key":             {merchant{Verifier: v}, webhook.MaxBody(1), "has 0 bytes, want 32"},
		"a key that is short":      {merchant{Verifier: v, APIv3Key: "canary"}, webhook.MaxBody(1), "has 6 bytes, want 32"},
		"a key in hexadecimal":     {merchant{Verifier: v, APIv3Key: strings.Repeat("0a", 32)}, webhook.MaxBody(1), "has 64 bytes, want 32"},
		"an APIv2 key that is cut": {merchant{APIv2Key: apiv2Key[1:]}, webhook.MaxBody(1), "APIv2密钥) has 31 bytes, want 32"},
		"an APIv3 key that is cut": {merchant{APIv2Key: apiv2Key, APIv3Key: apiv3Key[1:]}, webhook.MaxBody(1), "APIv3密钥) has 31 bytes, want 32"},
		"a nil option":             {merchant{Verifier: v, APIv3Key: apiv3Key}, nil, "an Option is nil"},
		"a nil clock":              {merchant{Verifier: v, APIv3Key: apiv3Key}, webhook.Clock(nil), "the Clock is nil"},
		"a body of nothing":        {merchant{Verifier: v, APIv3Key: apiv3Key}, webhook.MaxBody(0), "MaxBody is 0 bytes"},
		"a cipher without a name":  {merchant{Verifier: v, APIv3Key: apiv3Key}, webhook.Cipher("", crypt.OpenGCM), "needs the name of its algorithm"},
		"a cipher that opens none": {merchant{Verifier: v, APIv3Key: apiv3Key}, webhook.Cipher("AEAD_SM4_GCM", nil), "and a function that opens"},
		"a second merchant like the first": {merchant{MchID: "1", Verifier: v, APIv3Key: apiv3Key},
			webhook.Also(merchant{MchID: "1", APIv2Key: apiv2Key}), `"1" and "1" do not tell two of them apart`},
		"a second merchant of no number": {merchant{MchID: "1", Verifier: v, APIv3Key: apiv3Key},
			webhook.Also(merchant{APIv2Key: apiv2Key}), "give each its MchID"},
		"a second merchant without keys": {merchant{MchID: "1", Verifier: v, APIv3Key: apiv3Key},
			webhook.Also(merchant{MchID: "2"}), "no verifier"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := webhook.New(tt.merchant, tt.opt)
			if r != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, %v; want …%s…", r, err, tt.want)
			}
			checkSilent(t, err, http.Header{})
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	parse := func(plaintext string) *webhook.Notification {
		header, body := delivery{plaintext: plaintext}.make(t)
		n, err := receiver(t, apiv3Key).Parse(t.Context(), header, body)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	tests := map[string]struct {
		decode func() error
		want   string
	}{
		"no notification":                       {decodes[userPaid](nil), "no notification to decode"},
		"the type of another event":             {decodes[userConfirm](parse(plaintext)), "PAYSCORE.USER_PAID does not decode as webhook_test.userConfirm, which is for PAYSCORE.USER_CONFIRM"},
		"a pointer to the type of another":      {decodes[*userConfirm](parse(plaintext)), "which is for PAYSCORE.USER_CONFIRM"},
		"a resource that does not fit":          {decodes[userPaid](parse(`{"openid":"canary","total_amount":"canary"}`)), `its field "total_amount" does not fit int64`},
		"a resource that is a list":             {decodes[userPaid](parse(`["canary"]`)), "does not read as webhook_test.userPaid"},
		"a resource that is not JSON":           {decodes[userPaid](parse(`canary`)), "does not read as webhook_test.userPaid"},
		"a resource that is cut off":            {decodes[userPaid](parse(`{"openid":"canary`)), "does not read as webhook_test.userPaid"},
		"a resource that is null":               {decodes[userPaid](parse(`null`)), "does not read as webhook_test.userPaid"},
		"a resource that is null for a pointer": {decodes[*userPaid](parse(`null`)), "does not read as *webhook_test.userPaid"},
		"a notification that was made by hand":  {decodes[userPaid](&webhook.Notification{EventType: "PAYSCORE.USER_PAID"}), "does not read as"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.decode()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("the error is %v, want …%s…", err, tt.want)
			}
			checkSilent(t, err, http.Header{})
		})
	}
}

func decodes[T any](n *webhook.Notification) func() error {
	return func() error {
		_, err := webhook.Decode[T](n)
		return err
	}
}

func TestDecodeTakesPointersAndTypesWithoutAnEvent(t *testing.T) {
	t.Parallel()
	header, body := delivery{}.make(t)
	n, err := receiver(t, apiv3Key).Parse(t.Context(), header, body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := webhook.Decode[*userPaid](n); err != nil || got.TotalAmount != 4000 {
		t.Errorf("decoded %v, %v", got, err)
	}
	if got, err := webhook.Decode[map[string]any](n); err != nil || got["out_order_no"] != "20241124001" {
		t.Errorf("decoded %v, %v", got, err)
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	r := receiver(t, apiv3Key)
	header, body := delivery{}.make(t)
	n, err := r.Parse(t.Context(), header, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{"receiver": r, "*receiver": *r, "notification": n, "*notification": *n} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
			fmt.Fprintf(&log, verb, v)
		}
		for _, secret := range []string{"canary", fmt.Sprint([]byte("canary")), fmt.Sprintf("%#v", []byte("canary"))[7:20]} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the %s prints %s: %s", name, secret, log.String())
			}
		}
	}
	if !strings.Contains(fmt.Sprint(n), "EV-2018022511223320873") {
		t.Errorf("the notification prints as %v", n)
	}
}

// FuzzParse: what was not signed is refused, whatever its header. What is signed opens to what was sealed,
// or is refused as malformed, without a word of it in the error.
func FuzzParse(f *testing.F) {
	r := both(f)
	header, body := delivery{associatedData: "payscore"}.make(f)
	names := []string{"Wechatpay-Signature", "Wechatpay-Nonce", "Wechatpay-Timestamp", "Wechatpay-Serial", "Wechatpay-Signature-Type"}
	value := func(i int) string { return header.Get(names[i]) }
	f.Add(string(body), value(0), value(1), value(2), value(3), value(4))
	f.Add(string(body)+" ", value(0), value(1), value(2), value(3), "")
	f.Add(string(body), value(0), value(1)+"\n", "-9223372036854775808", "0"+value(3), "WECHATPAY2-SM2-WITH-SM3")
	f.Add("", "", "", "", "", "")
	f.Add("{}", "WECHATPAY/SIGNTEST/x", "n", "1", "s", "t")
	f.Add(`{"resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"","ciphertext":"AAAA"}}`, "AAAA", "n", value(2), value(3), "")
	f.Add(`{"id":1}`, "AAAA", "\n", "99999999999999999999", value(3), "")
	f.Add("<xml><return_code>FAIL</return_code></xml>", "", "", "", "", "")
	f.Add(" \uFEFF<", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, text, signature, nonce, timestamp, serial, scheme string) {
		forged := http.Header{}
		for i, value := range []string{signature, nonce, timestamp, serial, scheme} {
			forged.Set(names[i], value)
		}
		n, err := r.Parse(t.Context(), forged, []byte(text))
		if err == nil && n.Signed && (text != string(body) || signature != value(0) || nonce != value(1) || timestamp != value(2)) {
			t.Errorf("%q with the header %q parses to %v", text, forged, n)
		}
		if err != nil && !isRefusal(err) && !errors.Is(err, auth.ErrProbe) && !errors.Is(err, auth.ErrExpired) {
			t.Errorf("%q with the header %q gives %v", text, forged, err)
		}
		n, err = r.Parse(t.Context(), signed(t, keys().platform, text, now), []byte(text))
		if err != nil {
			if !isRefusal(err) {
				t.Errorf("%q gives %v", text, err)
			}
			if len(text) > 4 && strings.Contains(err.Error(), text) {
				t.Errorf("the error shows the body: %v", err)
			}
			return
		}
		if n.OriginalType != webhook.OriginalTypeV2 && string(n.Resource) != plaintext || n.ID == "" {
			t.Errorf("%q opens to %v, %s, which nobody sealed", text, n, n.Resource)
		}
	})
}
