package sim_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// message is what a client signs, line by line.
type message struct{ method, target, timestamp, nonce, body string }

func (m message) text() string {
	return strings.Join([]string{m.method, m.target, m.timestamp, m.nonce, m.body, ""}, "\n")
}

// mistaken is a client that makes one mistake between what it sends and what it signs.
type mistaken struct {
	method, target, body string
	text                 func(m message) string         // what it signs; nil for what it should
	signature            func(signature string) string  // what it makes of the signature
	key                  func(b *bench) *rsa.PrivateKey // nil for its own
}

// send makes the request, which is refused.
func (c mistaken) send(b *bench) {
	b.t.Helper()
	m := b.Merchant()
	key := m.PrivateKey.(*rsa.PrivateKey)
	if c.key != nil {
		key = c.key(b)
	}
	sent := message{c.method, c.target, strconv.FormatInt(time.Now().Unix(), 10), "593BEC0C930BF1AFEB40B4A08C8FB242", c.body}
	text := sent.text()
	if c.text != nil {
		text = c.text(sent)
	}
	signature, err := auth.Sign(key, []byte(text))
	if err != nil {
		b.t.Fatal(err)
	}
	if c.signature != nil {
		signature = c.signature(signature)
	}
	a := auth.Authorization{
		Scheme: auth.Scheme, MchID: m.MchID, SerialNo: m.SerialNo,
		Nonce: sent.nonce, Timestamp: sent.timestamp, Signature: signature,
	}
	req, err := http.NewRequest(c.method, b.URL+c.target, strings.NewReader(c.body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", a.Header())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		b.t.Errorf("answered %s", res.Status)
	}
}

const (
	cancelTarget = "/v3/payscore/partner/serviceorder/12/cancel"
	cancelJSON   = `{"service_id":"500001","sub_mchid":"1900000109","reason":"用户取消 <1>"}`
)

// mistakes are clients, by the mistake that each makes.
func mistakes() map[string]mistaken {
	get := func(text func(m message) string) mistaken {
		return mistaken{method: "GET", target: queryTarget, text: text}
	}
	post := func(text func(m message) string) mistaken {
		return mistaken{method: "POST", target: cancelTarget, body: cancelJSON, text: text}
	}
	signsBody := func(change func(body string) string) mistaken {
		return post(func(m message) string { m.body = change(m.body); return m.text() })
	}
	return map[string]mistaken{
		"query-left-out": get(func(m message) string { m.target, _, _ = strings.Cut(m.target, "?"); return m.text() }),
		"query-reordered": get(func(m message) string {
			m.target = strings.Replace(m.target, "?sub_mchid="+world.SubMerchant+"&out_order_no=none", "?out_order_no=none&sub_mchid="+world.SubMerchant, 1)
			return m.text()
		}),
		"method-case":       get(func(m message) string { m.method = "get"; return m.text() }),
		"method-other":      post(func(m message) string { m.method = "PUT"; return m.text() }),
		"host-included":     get(func(m message) string { m.target = "https://api.mch.weixin.qq.com" + m.target; return m.text() }),
		"base-path-dropped": get(func(m message) string { m.target = m.target[len("/v3"):]; return m.text() }),
		"path-template": post(func(m message) string {
			m.target = strings.Replace(m.target, "12", "{out_order_no}", 1)
			return m.text()
		}),
		"timestamp-milliseconds": post(func(m message) string { m.timestamp += "123"; return m.text() }),
		"timestamp-differs": post(func(m message) string {
			n, _ := strconv.Atoi(m.timestamp)
			m.timestamp = strconv.Itoa(n - 1)
			return m.text()
		}),
		"nonce-case":          post(func(m message) string { m.nonce = strings.ToLower(m.nonce); return m.text() }),
		"body-left-out":       signsBody(func(string) string { return "" }),
		"body-newline-signed": signsBody(func(body string) string { return body + "\n" }),
		"body-remarshalled":   signsBody(func(body string) string { return remarshal(body) }),
		"body-newline-unsigned": {method: "POST", target: cancelTarget, body: cancelJSON + "\n",
			text: func(m message) string { m.body = cancelJSON; return m.text() }},
		"target-decoded": {method: "GET", target: strings.Replace(queryTarget, "none", "a%7Cb", 1),
			text: func(m message) string { m.target = strings.Replace(m.target, "%7C", "|", 1); return m.text() }},
		"final-newline-missing": post(func(m message) string { return strings.TrimSuffix(m.text(), "\n") }),
		"body-line-missing":     get(func(m message) string { return strings.TrimSuffix(m.text(), "\n\n") }),
		"crlf":                  post(func(m message) string { return strings.ReplaceAll(m.text(), "\n", "\r\n") }),
		"literal-backslash-n":   post(func(m message) string { return strings.ReplaceAll(m.text(), "\n", `\n`) }),
		"lines-reordered":       post(func(m message) string { m.timestamp, m.nonce = m.nonce, m.timestamp; return m.text() }),
		"signature-hex": {method: "GET", target: queryTarget, signature: func(s string) string {
			raw, _ := base64.StdEncoding.DecodeString(s)
			return hex.EncodeToString(raw)
		}},
		"other-key": {method: "GET", target: queryTarget, key: func(b *bench) *rsa.PrivateKey {
			key, err := auth.ParsePrivateKey([]byte(b.World.Platform.PrivateKey))
			if err != nil {
				b.t.Fatal(err)
			}
			return key
		}},
		"v2-signature": {method: "GET", target: queryTarget, signature: func(string) string { return "C380BEC2BFD727A4B6845133519F3AD6" }},
		"unknown-text": post(func(m message) string { m.nonce = "another one"; return m.text() }),
	}
}

// remarshal is what a client gets that goes through a map.
func remarshal(body string) string {
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		panic(err)
	}
	again, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(again)
}

func TestTheRequestLogNamesTheMistakeBehindASignature(t *testing.T) {
	t.Parallel()
	for mistake, client := range mistakes() {
		t.Run(mistake, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			client.send(b)
			exchanges, err := b.Control().Requests(t.Context(), 0)
			if err != nil || len(exchanges) != 1 {
				t.Fatalf("the log is %v, %v", exchanges, err)
			}
			x := exchanges[0]
			if len(x.Diagnosis) != 1 || x.Diagnosis[0].Mistake != mistake {
				t.Fatalf("found %+v", x.Diagnosis)
			}
			check := x.Checks[len(x.Checks)-1]
			if want := "SIGN_ERROR: 签名错误 (" + mistake + ": "; check.Name != "signature" || check.Passed || !strings.HasPrefix(check.Finding, want) {
				t.Errorf("the check is %+v, want its finding to begin with %s", check, want)
			}
			if !strings.Contains(x.Explain(), mistake+": "+x.Diagnosis[0].Difference) {
				t.Errorf("explained as %s", x.Explain())
			}
		})
	}
}

func TestARequestThatIsSignedRightlyHasNoDiagnosis(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(b.cancel(b.created(nil), cancelBody("r")), "204")
	exchanges, err := b.Control().Requests(t.Context(), 0)
	if err != nil || len(exchanges) != 2 {
		t.Fatalf("the log is %v, %v", exchanges, err)
	}
	for _, x := range exchanges {
		if x.Diagnosis != nil {
			t.Errorf("%s is diagnosed with %v", x.Target, x.Diagnosis)
		}
	}
}

func TestASignatureOfAnUnknownKeyIsCalledThat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b.send(raw{method: "GET", target: queryTarget, key: key})
	exchanges, err := b.Control().Requests(t.Context(), 0)
	if err != nil || len(exchanges) != 1 {
		t.Fatalf("the log is %v, %v", exchanges, err)
	}
	check := exchanges[0].Checks[len(exchanges[0].Checks)-1]
	if exchanges[0].Diagnosis != nil || !strings.Contains(check.Finding, "(unknown-key: ") {
		t.Errorf("the check says %s", check.Finding)
	}
}

func TestAMalformedAuthorizationIsExplained(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send(raw{method: "GET", target: queryTarget, header: func(h http.Header) { h.Set("Authorization", "Bearer abc") }})
	exchanges, err := b.Control().Requests(t.Context(), 0)
	if err != nil || len(exchanges) != 1 {
		t.Fatalf("the log is %v, %v", exchanges, err)
	}
	if check := exchanges[0].Checks[len(exchanges[0].Checks)-1]; !strings.Contains(check.Finding, "the scheme is Bearer") {
		t.Errorf("the check says %s", check.Finding)
	}
}

func TestTheSimulatorsLogTellsTheMistakeInOneLine(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	gateway, err := sim.New(sim.Config{World: simtest.World(t), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.Close()
	m := gateway.World().Merchant(world.ServiceProvider)
	key, err := auth.ParsePrivateKey([]byte(m.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := auth.NewSigner(m.MchID, m.SerialNo, key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := signer.Authorize("POST", cancelTarget, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("POST", cancelTarget, strings.NewReader(cancelJSON))
	req.Header.Set("Authorization", a.Header())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "test")
	serve(gateway, req)
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "body-left-out: The body was not signed.") {
		t.Errorf("logged %s", &log)
	}
}
