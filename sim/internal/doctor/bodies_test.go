package doctor_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
)

// remarshalled are clients that marshal once for signing and once for sending, by what the libraries
// of their languages make of varied.
func remarshalled() map[string]client {
	var v any
	if err := json.Unmarshal([]byte(varied), &v); err != nil {
		panic(err)
	}
	sorted, _ := json.Marshal(v)
	indented, _ := json.MarshalIndent(v, "", "\t")
	php := strings.NewReplacer("/", `\/`, "用户取消", `\u7528\u6237\u53d6\u6d88`, "押金", `\u62bc\u91d1`).Replace(varied)
	python := `{"service_id": "500001", "notify_url": "https://example.com/a?b=1&c=2", "name": "\u7528\u6237\u53d6\u6d88", "risk": {"amount": 100, "name": "\u62bc\u91d1"}, "rest": null, "list": [1, 2]}`
	jackson := `{
  "service_id" : "500001",
  "empty" : { },
  "list" : [
    1
  ]
}`
	return map[string]client{
		"a map of Go":               signsBody(varied, string(sorted)),
		"sent as a map of Go":       signsBody(string(sorted), strings.ReplaceAll(string(sorted), `\u0026`, "&")),
		"MarshalIndent":             signsBody(varied, string(indented)),
		"json_encode of PHP":        signsBody(varied, php),
		"sent by json_encode":       signsBody(php, varied),
		"json.dumps of Python":      signsBody(varied, python),
		"sent by json.dumps":        signsBody(python, varied),
		"dumps against json_encode": signsBody(php, python),
		"Jackson":                   signsBody(`{"service_id":"500001","empty":{},"list":[1]}`, jackson),
		"sent with odd spaces":      signsBody(`{ "a":1,"b" : [ 1 ]}`, `{"a":1,"b":[1]}`),
		"numbers as floats":         signsBody(`{"amount":100}`, `{"amount":100.0}`),
		"floats as numbers":         signsBody(`{"amount":100.00}`, `{"amount":100}`),
		"numbers as strings":        signsBody(`{"amount":100,"a":[1]}`, `{"amount":"100","a":["1"]}`),
		"null left out":             signsBody(varied, strings.Replace(varied, `"rest":null,`, "", 1)),
		"members in another order":  signsBody(plain, `{"note":"r","service_id":"500001","amount":100,"appid":"wx1"}`),
		"an accent":                 signsBody(`{"a":"é"}`, `{"a":"\u00e9"}`),
		"an emoji":                  signsBody(`{"a":"😀"}`, `{"a":"\ud83d\ude00"}`),
	}
}

const (
	boundary  = "boundary"
	meta      = `{"filename":"a.png","sha256":"0"}`
	multipart = "--boundary\r\nContent-Disposition: form-data; name=\"meta\";\r\nContent-Type: application/json\r\n\r\n" + meta +
		"\r\n--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\";\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n" +
		"\r\n--boundary--\r\n"
	media = "/v3/merchant/media/upload"
)

// upload signs text and sends a file.
func upload(signed string) client {
	c := notAnUpload(signed)
	c.meta = []byte(meta)
	return c
}

// notAnUpload signs text and sends a file to a call that takes none.
func notAnUpload(signed string) client {
	return client{
		method: "POST", target: media, body: multipart, text: lines("POST", media, when, nonce, signed),
		header: map[string][]string{"Content-Type": {"multipart/form-data; boundary=" + boundary}},
	}
}

func TestTheMetaPartOfAnUploadMayBeMarshalledTwice(t *testing.T) {
	t.Parallel()
	c := upload(`{"filename": "a.png", "sha256": "0"}`)
	if got := names(doctor.Diagnose(c.send(t))); got != "body-remarshalled" {
		t.Errorf("named %q", got)
	}
	if got := doctor.Diagnose(upload(meta).send(t)); got != nil {
		t.Errorf("accused an upload that is right: %v", got)
	}
}

func TestAMetaPartThatWasNotFoundIsSignedAsOneOfTheParts(t *testing.T) {
	t.Parallel()
	c := notAnUpload(meta)
	c.body = strings.Replace(multipart, `name="meta"`, `name="data"`, 1)
	c.meta = []byte{} // what the gateway takes for it
	f := doctor.Diagnose(c.send(t))
	if names(f) != "upload-part-signed" || !strings.Contains(f[0].Explanation, "part data of") {
		t.Errorf("found %+v", f)
	}
}

func TestLargeOrDeepBodiesAreNoTrouble(t *testing.T) {
	t.Parallel()
	large := `{"list":[` + strings.Repeat(`{"a":"中/<>","b":1},`, 40_000) + `{}],"a":null}`
	for name, body := range map[string]string{
		"large":           large,
		"deep":            strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"nearly too deep": strings.Repeat(`{"a":[`, 32) + strings.Repeat("]}", 32),
		"not JSON":        strings.Repeat("[", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := names(doctor.Diagnose(signsBody(body, "other").send(t))); got != "unknown-text" {
				t.Errorf("named %q", got)
			}
			if got := names(doctor.Diagnose(signsBody(body, "").send(t))); got != "body-left-out" {
				t.Errorf("named %q", got)
			}
		})
	}
}

// FuzzRewritings holds that rewriting changes no string but in its spelling.
func FuzzRewritings(f *testing.F) {
	f.Add(varied)
	f.Add(plain)
	f.Add(`[ {"a\/\u003c\ud83d\ude00\ud83d":1e3,"b":[]} , "\\u4e2d" ]`)
	f.Add("\"\xff\"")
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || len(text) > 1000 {
			return
		}
		compact, same := canonical(text), false
		for _, other := range doctor.Rewritings(text) {
			if !json.Valid([]byte(other)) {
				t.Fatalf("%q became %q, which is not JSON", text, other)
			}
			same = same || canonical(other) == compact
		}
		if !same && strings.Count(text, "[")+strings.Count(text, "{") <= 64 {
			t.Errorf("no rewriting of %q has its content", text)
		}
	})
}

// canonical is JSON as encoding/json writes it.
func canonical(text string) string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return text
	}
	canonical, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(canonical)
}
