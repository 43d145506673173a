package doctor_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
)

const (
	order  = "/v3/payscore/serviceorder"
	search = "/v3/payscore/serviceorder?service_id=500001&out_order_no=a%7Cb+c&appid=wx1"
	plain  = `{"service_id":"500001","appid":"wx1","amount":100,"note":"r"}`
	varied = `{"service_id":"500001","notify_url":"https://example.com/a?b=1&c=2","name":"用户取消","risk":{"amount":100,"name":"押金"},"rest":null,"list":[1,2]}`
)

// post signs text and sends body.
func post(body, text string) client {
	return client{method: "POST", target: order, body: body, text: text}
}

// get signs text and sends no body.
func get(target, text string) client { return client{method: "GET", target: target, text: text} }

// signsBody is a client that only takes another body for signing.
func signsBody(sent, signed string) client {
	return post(sent, lines("POST", order, when, nonce, signed))
}

// signsTarget is a client that only takes another target for signing.
func signsTarget(sent, signed string) client {
	return get(sent, lines("GET", signed, when, nonce, ""))
}

// encoded is what Encode of encoding/json writes.
func encoded(v any) string {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		panic(err)
	}
	return b.String()
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

// broken are clients, each with the mistakes that it makes.
func broken() map[string]map[string]client {
	return map[string]map[string]client{
		"method-case": {
			"in lower case": {method: "POST", target: order, body: plain, text: lines("post", order, when, nonce, plain)},
			"as a word":     {method: "GET", target: search, text: lines("Get", search, when, nonce, "")},
		},
		"method-other": {
			"POST for GET": {method: "GET", target: search, text: lines("POST", search, when, nonce, "")},
			"PUT for POST": post(plain, lines("PUT", order, when, nonce, plain)),
		},
		"host-included": {
			"the simulator's address": signsTarget(search, "http://"+host+search),
			"the gateway's address":   signsTarget(search, "https://api.mch.weixin.qq.com"+search),
			"the name only":           signsTarget(search, "api.mch.weixin.qq.com"+search),
		},
		"base-path-dropped": {
			"without the version":      signsTarget(search, strings.TrimPrefix(search, "/v3")),
			"without the two in front": signsTarget(search, strings.TrimPrefix(search, "/v3/payscore")),
		},
		"base-path-added": {
			"of a proxy":    signsTarget(search, "/proxy"+search),
			"doubled slash": signsTarget(search, "/"+search),
			"in a header": {method: "GET", target: search, header: http.Header{"X-Forwarded-Prefix": {"/of/its/own"}},
				text: lines("GET", "/of/its/own"+search, when, nonce, "")},
		},
		"leading-slash-missing": {"": signsTarget(search, search[1:])},
		"trailing-slash": {
			"signed": post(plain, lines("POST", order+"/", when, nonce, plain)),
			"sent":   {method: "POST", target: order + "/", body: plain, text: lines("POST", order, when, nonce, plain)},
		},
		"path-template": {
			"in braces": {method: "POST", target: order + "/12/cancel", body: plain, template: order + "/{out_order_no}/cancel",
				text: lines("POST", order+"/{out_order_no}/cancel", when, nonce, plain)},
			"after a colon": {method: "POST", target: order + "/12/cancel", body: plain, template: order + "/{out_order_no}/cancel",
				text: lines("POST", order+"/:out_order_no/cancel", when, nonce, plain)},
		},
		"query-left-out":           {"": signsTarget(search, order)},
		"query-parameter-left-out": {"": signsTarget(search, strings.Replace(search, "&out_order_no=a%7Cb+c", "", 1))},
		"query-mark": {
			"signed":   signsTarget(order, order+"?"),
			"left out": signsTarget(search, strings.Replace(search, "?", "", 1)),
		},
		"query-reordered": {
			"sorted":  signsTarget(search, order+"?appid=wx1&out_order_no=a%7Cb+c&service_id=500001"),
			"as ever": signsTarget(order+"?appid=1&b=2&c=3&d=4", order+"?c=3&appid=1&d=4&b=2"),
		},
		"target-decoded": {
			"the query":           signsTarget(search, order+"?service_id=500001&out_order_no=a|b c&appid=wx1"),
			"with its plus signs": signsTarget(search, order+"?service_id=500001&out_order_no=a|b+c&appid=wx1"),
			"the path":            signsTarget("/v3/certificates/a%2Fb%20c", "/v3/certificates/a/b c"),
			"all of it":           signsTarget("/v3/bill%7C/x?y=%E4%B8%AD", "/v3/bill|/x?y=中"),
		},
		"target-encoded": {
			"the query":  signsTarget(order+"?out_order_no=a|b", order+"?out_order_no=a%7Cb"),
			"twice":      signsTarget(order+"?out_order_no=a%7Cb", order+"?out_order_no=a%257Cb"),
			"the path":   signsTarget(order+"/a|b", order+"/a%7Cb"),
			"as a value": signsTarget(order+"?time=2025-01-01T00:00:00+08:00", order+"?time="+url.QueryEscape("2025-01-01T00:00:00+08:00")),
		},
		"target-reencoded": {
			"%20 for +":        signsTarget(search, strings.Replace(search, "+", "%20", 1)),
			"+ for %20":        signsTarget(order+"?a=b%20c", order+"?a=b+c"),
			"lower case":       signsTarget(search, strings.Replace(search, "%7C", "%7c", 1)),
			"upper case":       signsTarget(order+"?a=%e4%b8%ad", order+"?a=%E4%B8%AD"),
			"other characters": signsTarget(order+"?a=%E4(b)", order+"?a=%E4%28b%29"),
			"in the path":      signsTarget(order+"/a%7cb", order+"/a%7Cb"),
		},

		"timestamp-milliseconds": {
			"of the second": post(plain, lines("POST", order, when+"000", nonce, plain)),
			"of any time":   post(plain, lines("POST", order, when+"739", nonce, plain)),
		},
		"timestamp-differs": {
			"a second later":       post(plain, lines("POST", order, "1700000001", nonce, plain)),
			"five seconds earlier": {method: "GET", target: search, text: lines("GET", search, "1699999995", nonce, "")},
		},
		"nonce-case": {
			"signed in lower case": post(plain, lines("POST", order, when, strings.ToLower(nonce), plain)),
			"sent in lower case":   {method: "POST", target: order, body: plain, nonce: strings.ToLower(nonce), text: lines("POST", order, when, nonce, plain)},
		},
		"nonce-encoded": {
			"for the header":  {method: "POST", target: order, body: plain, nonce: "a%2Bb%3D%3D", text: lines("POST", order, when, "a+b==", plain)},
			"for the signing": {method: "POST", target: order, body: plain, nonce: "a+b==", text: lines("POST", order, when, "a%2Bb%3D%3D", plain)},
		},
		"nonce-dashes": {
			"signed": {method: "POST", target: order, body: plain, nonce: "550e8400e29b41d4a716446655440000", text: lines("POST", order, when, "550e8400-e29b-41d4-a716-446655440000", plain)},
			"sent":   {method: "POST", target: order, body: plain, nonce: "550e8400-e29b-41d4-a716-446655440000", text: lines("POST", order, when, "550e8400e29b41d4a716446655440000", plain)},
		},
		"value-spaces": {
			"a nonce of the shell":   post(plain, lines("POST", order, when, nonce+"\n", plain)),
			"a time of the shell":    post(plain, lines("POST", order, when+"\n", nonce, plain)),
			"a nonce with its space": {method: "POST", target: order, body: plain, nonce: nonce + " ", text: lines("POST", order, when, nonce, plain)},
		},

		"body-left-out": {"": signsBody(plain, "")},
		"body-not-sent": {
			"an empty object": get(search, lines("GET", search, when, nonce, "{}")),
			"null":            get(search, lines("GET", search, when, nonce, "null")),
		},
		"query-as-body": {
			"as it is": get("/v3/a?b=1&a=2", lines("GET", "/v3/a?b=1&a=2", when, nonce, "b=1&a=2")),
			"as JSON":  get("/v3/a?b=1&a=%202", lines("GET", "/v3/a?b=1&a=%202", when, nonce, `{"b":"1","a":" 2"}`)),
		},
		"body-newline-signed": {
			"by Encode": signsBody(strings.TrimSuffix(encoded(map[string]any{"a": 1}), "\n"), encoded(map[string]any{"a": 1})),
		},
		"body-newline-unsigned": {
			"by Encode": signsBody(encoded(map[string]any{"a": 1}), `{"a":1}`),
			"by a file": signsBody(plain+"\r\n", plain),
		},
		"body-spaces": {"": signsBody("  "+plain+"  ", plain)},
		"body-bom": {
			"sent":   signsBody("\ufeff"+plain, plain),
			"signed": signsBody(plain, "\ufeff"+plain),
		},
		"body-gzip": {"": signsBody(zipped(plain), plain)},
		"body-charset": {
			"ASCII":            signsBody(varied, strings.NewReplacer("用户取消", "????", "押金", "??").Replace(varied)),
			"UTF-8 twice":      signsBody(`{"a":"é中"}`, "{\"a\":\"Ã©ä¸\u00ad\"}"),
			"Latin-1 for sign": signsBody(`{"a":"é"}`, "{\"a\":\"\xe9\"}"),
		},
		"body-as-form": {
			"as in APIv2": signsBody(plain, "amount=100&appid=wx1&note=r&service_id=500001"),
			"as a form":   signsBody(`{"a":"b c","d":1}`, "a=b+c&d=1"),
		},
		"body-stringified": {
			"signed": signsBody(`{"a":"b/c"}`, `"{\"a\":\"b/c\"}"`),
			"sent":   signsBody(`"{\"a\":\"b/c\"}"`, `{"a":"b/c"}`),
		},
		"body-remarshalled": remarshalled(),

		"upload-body-signed":  {"": upload(multipart)},
		"upload-empty-signed": {"": upload("")},
		"upload-part-signed":  {"": upload("\x89PNG\r\n")},
		"meta-signed":         {"": notAnUpload(meta)},

		"final-newline-missing": {
			"with a body":    post(plain, strings.TrimSuffix(lines("POST", order, when, nonce, plain), "\n")),
			"without a body": get(search, strings.Join([]string{"GET", search, when, nonce, ""}, "\n")),
		},
		"final-newline-extra": {"": get(search, lines("GET", search, when, nonce, "", ""))},
		"body-line-missing": {
			"without a body": get(search, strings.Join([]string{"GET", search, when, nonce}, "\n")),
			"with a body":    post(plain, lines("POST", order, when, nonce)),
		},
		"leading-newline": {"": post(plain, "\n"+lines("POST", order, when, nonce, plain))},
		"crlf": {
			"everywhere":           post(plain, strings.ReplaceAll(lines("POST", order, when, nonce, plain), "\n", "\r\n")),
			"but for the end":      post(plain, strings.Join([]string{"POST", order, when, nonce, plain}, "\r\n")),
			"carriage returns":     get(search, strings.ReplaceAll(lines("GET", search, when, nonce, ""), "\n", "\r")),
			"but for the last one": post(plain, strings.Join([]string{"POST", order, when, nonce, plain}, "\r\n")+"\n"),
		},
		"literal-backslash-n": {
			"of PHP":          post(plain, strings.ReplaceAll(lines("POST", order, when, nonce, plain), "\n", `\n`)),
			"but for the end": post(plain, strings.Join([]string{"POST", order, when, nonce, plain}, `\n`)),
		},
		"separator-wrong": {
			"nothing":    post(plain, strings.Join([]string{"POST", order, when, nonce, plain}, "")),
			"ampersands": post(plain, strings.Join([]string{"POST", order, when, nonce, plain}, "&")),
			"spaces":     post(plain, strings.Join([]string{"POST", order, when, nonce, plain}, " ")+"\n"),
		},
		"lines-reordered": {
			"nonce before timestamp":   post(plain, lines("POST", order, nonce, when, plain)),
			"body before nonce":        post(plain, lines("POST", order, when, plain, nonce)),
			"the time first of all":    post(plain, lines(when, nonce, "POST", order, plain)),
			"the target before method": post(plain, lines(order, "POST", when, nonce, plain)),
		},
		"line-missing": {
			"the method":    post(plain, lines(order, when, nonce, plain)),
			"the timestamp": post(plain, lines("POST", order, nonce, plain)),
		},
		"answer-layout": {"": post(plain, lines(when, nonce, plain))},
	}
}

// combined are clients that make two mistakes, or three.
func combined() map[string]client {
	indented, _ := json.MarshalIndent(json.RawMessage(plain), "", "    ")
	return map[string]client{
		"query-left-out body-remarshalled":                       {method: "POST", target: order + "?a=1", body: plain, text: lines("POST", order, when, nonce, string(indented))},
		"query-left-out query-as-body":                           get("/v3/a?b=1", lines("GET", "/v3/a", when, nonce, "b=1")),
		"host-included query-left-out":                           signsTarget(search, "https://api.mch.weixin.qq.com"+order),
		"body-remarshalled body-newline-unsigned":                signsBody(plain+"\n", `{"amount":100,"appid":"wx1","note":"r","service_id":"500001"}`),
		"body-remarshalled final-newline-missing":                post(plain, strings.Join([]string{"POST", order, when, nonce, string(indented)}, "\n")),
		"body-left-out timestamp-differs":                        post(plain, lines("POST", order, "1700000001", nonce, "")),
		"method-case final-newline-missing":                      get(search, "get\n"+search+"\n"+when+"\n"+nonce+"\n"),
		"query-reordered target-decoded":                         signsTarget(search, order+"?appid=wx1&out_order_no=a|b c&service_id=500001"),
		"query-reordered target-reencoded":                       signsTarget(search, order+"?appid=wx1&out_order_no=a%7Cb%20c&service_id=500001"),
		"host-included query-left-out body-line-missing":         get(search, "GET\nhttps://api.mch.weixin.qq.com"+order+"\n"+when+"\n"+nonce),
		"method-case query-left-out body-remarshalled":           {method: "POST", target: order + "?a=1", body: plain, text: lines("post", order, when, nonce, string(indented))},
		"query-left-out body-remarshalled final-newline-missing": {method: "POST", target: order + "?a=1", body: plain, text: "POST\n" + order + "\n" + when + "\n" + nonce + "\n" + string(indented)},
	}
}

func TestEachMistakeIsNamed(t *testing.T) {
	t.Parallel()
	all := broken()
	for mistake, clients := range signatures() {
		all[mistake] = clients
	}
	for _, mistake := range doctor.Mistakes {
		if len(all[mistake]) == 0 {
			t.Errorf("no client makes the mistake %s", mistake)
		}
	}
	for mistake, clients := range all {
		for name, c := range clients {
			t.Run(mistake+"/"+name, func(t *testing.T) {
				t.Parallel()
				findings := doctor.Diagnose(c.send(t))
				if got := names(findings); got != mistake {
					t.Fatalf("named %q", got)
				}
				checkWords(t, findings)
			})
		}
	}
}

func TestMistakesThatAreMadeTogetherAreAllNamed(t *testing.T) {
	t.Parallel()
	for mistakes, c := range combined() {
		t.Run(mistakes, func(t *testing.T) {
			t.Parallel()
			findings := doctor.Diagnose(c.send(t))
			if got := names(findings); got != mistakes {
				t.Errorf("named %q", got)
			}
			checkWords(t, findings)
		})
	}
}

// checkWords holds for every finding: it is put into words, which fit in a line of a log.
func checkWords(t *testing.T, findings []doctor.Finding) {
	t.Helper()
	for _, f := range findings {
		if f.Explanation == "" || strings.Contains(f.Explanation, "%s") || strings.Contains(f.Explanation, "\n") || len(f.Explanation) > 500 {
			t.Errorf("%s is explained as %q", f.Mistake, f.Explanation)
		}
		if strings.Contains(f.Difference, "\n") || len(f.Difference) > 300 {
			t.Errorf("%s shows the difference %q", f.Mistake, f.Difference)
		}
	}
}

func TestAFindingShowsWhereTheTextsPart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		client client
		want   string
	}{
		"in the body":        {signsBody(plain, strings.Replace(plain, ":", ": ", -1)), `body from byte 15 on: `},
		"in the query":       {signsTarget(search, order), `query from byte 1 on: signed "", sent "?service_id=500001&out_o"…`},
		"between characters": {signsBody(`{"a":"中中中中中中中中中中中<"}`, `{"a":"中中中中中中中中中中中\u003c"}`), `body from byte 40 on: signed …"中中中\\u003c\"}", sent …"中中中<\"}"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := doctor.Diagnose(tt.client.send(t))
			if len(f) != 1 || !strings.HasPrefix(f[0].Difference, tt.want) {
				t.Errorf("found %+v, want %s", f, tt.want)
			}
		})
	}
}

func TestTheManualListsEveryMistake(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Signature doctor")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for line := range strings.Lines(section) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			listed = append(listed, name)
		}
	}
	slices.Sort(listed)
	if !slices.Equal(listed, doctor.Mistakes) {
		t.Errorf("listed are %q,\nwant %q", listed, doctor.Mistakes)
	}
}
