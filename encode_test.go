package wechatpay

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPathArgumentsStayOneSegment(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ value, want string }{
		"a plain number stays as it is":        {"20241124-001_A", "/v3/orders/20241124-001_A/cancel"},
		"a slash is escaped":                   {"a/b", "/v3/orders/a%2Fb/cancel"},
		"a query and a fragment are escaped":   {"a?b#c", "/v3/orders/a%3Fb%23c/cancel"},
		"a percent sign is escaped once":       {"%2F", "/v3/orders/%252F/cancel"},
		"the signs of order numbers are taken": {"a|b*c", "/v3/orders/a%7Cb%2Ac/cancel"},
		"Chinese is escaped as UTF-8":          {"单", "/v3/orders/%E5%8D%95/cancel"},
		"three dots are a name":                {"...", "/v3/orders/.../cancel"},
		"braces do not nest":                   {"{x}", "/v3/orders/%7Bx%7D/cancel"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typed := call{path: "/v3/orders/{no}/cancel", args: []string{tt.value}}
			dynamic := call{path: "/v3/orders/{no}/cancel", named: []pair{{"no", tt.value}}}
			for _, k := range []*call{&typed, &dynamic} {
				if got, err := k.expandPath(); err != nil || got != tt.want {
					t.Errorf("expanded to %s, %v; want %s", got, err, tt.want)
				}
			}
		})
	}
}

func TestAPathArgumentThatClimbsIsRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{".", "..", "../v2", `..\v2`, "a/..", `a\..\b`, "a/./b", "/..", `..\`, "a//..//b"} {
		k := call{path: "/v3/orders/{no}", args: []string{value}}
		if got, err := k.expandPath(); err == nil || !strings.Contains(err.Error(), "would lead to another endpoint") {
			t.Errorf("%q expands to %s, %v", value, got, err)
		}
	}
	for _, value := range []string{"a..b", "..a/b..", "a/.../b"} {
		k := call{path: "/v3/orders/{no}", args: []string{value}}
		if _, err := k.expandPath(); err != nil {
			t.Errorf("%q gives %v", value, err)
		}
	}
}

func TestPathTakesEachArgumentOnce(t *testing.T) {
	t.Parallel()
	const path = "/v3/users/{openid}/permissions/{service_id}/terminate"
	named := call{path: path, named: []pair{{"service_id", "2"}, {"openid", "1"}}}
	if got, err := named.expandPath(); err != nil || got != "/v3/users/1/permissions/2/terminate" {
		t.Errorf("expanded to %s, %v", got, err)
	}
	for name, k := range map[string]*call{
		"too few arguments":       {path: path, args: []string{"1"}},
		"too many arguments":      {path: path, args: []string{"1", "2", "3"}},
		"a name given twice":      {path: path, named: []pair{{"openid", "1"}, {"openid", "2"}, {"service_id", "3"}}},
		"arguments without names": {path: "/v3/x", args: []string{"1"}},
		"names without places":    {path: "/v3/x", named: []pair{{"openid", "1"}}},
	} {
		if got, err := k.expandPath(); err == nil {
			t.Errorf("%s expand to %s", name, got)
		}
	}
}

// FuzzPath: whatever the arguments are, the path keeps the segments of its template, and each
// argument is found again as the one segment that it fills.
func FuzzPath(f *testing.F) {
	f.Add("/v3/orders/{no}/cancel", "a/../b")
	f.Add("/v3/{a}/{b}", "..")
	f.Add("/v3/{a}/x", "%2e%2e")
	f.Add("v3/%2e%2e/x", "\x00\xff")
	f.Add("/v3/{a}/{b}/", "单?a#b;c\\")
	f.Add("//example.com/{a}", "@example.com:1")
	f.Add("v3/a|b", "")
	f.Add("/v3/{a}/x", `..\..\v2`)
	f.Add("/v3//{a}/..;/", "a/b")
	f.Fuzz(func(t *testing.T, template, value string) {
		k := call{path: withSlash(template)}
		for name := range strings.SplitSeq(template, "{") {
			name, _, _ = strings.Cut(name, "}")
			k.named = append(k.named, pair{name, value})
		}
		k.named = k.named[1:]
		path, err := k.expandPath()
		if err != nil {
			return
		}
		u, err := url.Parse("https://api.mch.weixin.qq.com" + path)
		if err != nil {
			t.Fatalf("%q with %q expands to %q, which does not parse: %v", template, value, path, err)
		}
		if u.Host != "api.mch.weixin.qq.com" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			t.Fatalf("%q with %q leaves the path: %q", template, value, path)
		}
		if u.RequestURI() != path {
			t.Fatalf("%q is sent as %q", path, u.RequestURI())
		}
		got, want := strings.Split(path, "/"), strings.Split(k.path, "/")
		if len(got) != len(want) {
			t.Fatalf("%q with %q has other segments: %q", template, value, path)
		}
		for i, segment := range got {
			plain, err := url.PathUnescape(segment)
			if err != nil || plain == "." || plain == ".." {
				t.Errorf("%q with %q has the segment %q", template, value, segment)
			}
			for part := range strings.SplitSeq(strings.ReplaceAll(plain, `\`, "/"), "/") {
				if part == "." || part == ".." {
					t.Errorf("%q with %q has the segment %q, which climbs where slashes are unescaped", template, value, segment)
				}
			}
			if plain == "" && i > 0 && i < len(got)-1 {
				t.Errorf("%q with %q has an empty segment: %q", template, value, path)
			}
			if strings.HasPrefix(want[i], "{") && plain != value {
				t.Errorf("%q with %q has the segment %q, which reads as %q", template, value, segment, plain)
			}
		}
	})
}

type item struct {
	Name   string   `json:"name"`
	Amount *int64   `json:"amount,omitzero"`
	Tags   []string `json:"tags"`
}

type request struct {
	ServiceID string      `query:"service_id"`
	Limit     int64       `query:"limit,omitzero"`
	Offset    *int64      `query:"offset,omitzero"`
	States    []string    `query:"states,omitzero"`
	Since     Time        `query:"since,omitzero"`
	All       bool        `query:"all,omitzero"`
	Total     json.Number `query:"total,omitzero"`
}

type queryOnly struct {
	OutOrderNo string `query:"out_order_no"`
	QueryID    string `query:"query_id,omitzero"`
}

func TestAQueryStructBecomesTheQuery(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   any
		want string
	}{
		"required fields are sent empty, optional ones are not": {queryOnly{}, "?out_order_no="},
		"a pointer that is nil is not sent": {struct {
			Offset *int64 `query:"offset"`
		}{}, ""},
		"values are escaped": {queryOnly{"a b&c=d", "单/+"}, "?out_order_no=a%20b%26c%3Dd&query_id=%E5%8D%95%2F%2B"},
		"every kind of value": {request{ServiceID: "1", Limit: 2, Offset: new(int64(0)), States: []string{"A", "B"}, All: true, Total: "7",
			Since: Time{time.Unix(1732435200, 0)}},
			"?service_id=1&limit=2&offset=0&states=A&states=B&since=2024-11-24T16%3A00%3A00%2B08%3A00&all=true&total=7"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := call{path: "/v3/x", in: tt.in}
			if err := k.build(nil); err != nil || k.target != "/v3/x"+tt.want {
				t.Errorf("the target is %s, %v; want %s", k.target, err, tt.want)
			}
		})
	}
}

func TestAQueryStructHasNoBody(t *testing.T) {
	t.Parallel()
	k := call{path: "/v3/x", in: queryOnly{OutOrderNo: "1"}}
	if err := k.build(nil); err != nil || k.body != nil {
		t.Errorf("the body is %s, %v", k.body, err)
	}
}

func TestAQueryRefusesWhatItCannotHold(t *testing.T) {
	t.Parallel()
	for _, in := range []any{struct {
		F float64 `query:"f"`
	}{}, struct {
		L []struct{} `query:"l"`
	}{make([]struct{}, 1)}} {
		k := call{path: "/v3/x", in: in}
		if err := k.build(nil); err == nil || !strings.Contains(err.Error(), "a query cannot hold") {
			t.Errorf("%T gives %v", in, err)
		}
	}
}

type body struct {
	Items  []item `json:"items"`
	More   []item `json:"more,omitzero"`
	Nested struct {
		X []int `json:"x"`
	} `json:"nested"`
	Free map[string]any  `json:"free"`
	Raw  json.RawMessage `json:"raw"`
	At   Time            `json:"at"`
}

func TestRequiredListsAreSentEmptyAndNotNull(t *testing.T) {
	t.Parallel()
	k := call{path: "/v3/x", in: body{}}
	if err := k.build(nil); err != nil {
		t.Fatal(err)
	}
	if got, want := string(k.body), `{"items":[],"nested":{"x":[]},"free":{},"raw":{},"at":""}`; got != want {
		t.Errorf("the body is %s, want %s", got, want)
	}
}

type tree struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
	Kids []tree   `json:"kids,omitzero"`
}

type bareTree struct {
	Kids []bareTree `json:"kids,omitzero"`
}

type nest []nest

func TestATypeThatHoldsItselfIsSent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   any
		want string
	}{
		"with lists to be filled on every level": {tree{Name: "a", Kids: []tree{{Name: "b", Kids: []tree{{}}}}},
			`{"name":"a","tags":[],"kids":[{"name":"b","tags":[],"kids":[{"name":"","tags":[]}]}]}`},
		"with nothing to be filled": {bareTree{Kids: []bareTree{{}, {}}}, `{"kids":[{},{}]}`},
		"as a list of itself": {struct {
			Nest nest `json:"nest,omitzero"`
		}{nest{{}, {{}}}}, `{"nest":[[],[[]]]}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := call{path: "/v3/x", in: tt.in}
			if err := k.build(nil); err != nil || string(k.body) != tt.want {
				t.Errorf("the body is %s, %v; want %s", k.body, err, tt.want)
			}
		})
	}
}

func TestTheCallersValueStaysAsItIs(t *testing.T) {
	t.Parallel()
	in := body{Items: []item{{Name: "a"}}, More: []item{{Name: "b", Amount: new(int64(0))}}}
	before := body{Items: []item{{Name: "a"}}, More: []item{{Name: "b", Amount: new(int64(0))}}}
	for range 2 {
		k := call{path: "/v3/x", in: in}
		if err := k.build(nil); err != nil {
			t.Fatal(err)
		}
		if got, want := string(k.body), `{"items":[{"name":"a","tags":[]}],"more":[{"name":"b","amount":0,"tags":[]}],"nested":{"x":[]},"free":{},"raw":{},"at":""}`; got != want {
			t.Errorf("the body is %s, want %s", got, want)
		}
	}
	if !reflect.DeepEqual(in, before) {
		t.Errorf("the caller's value became %+v", in)
	}
}

// FuzzTarget: what is signed is what net/http sends, of the address of a download and of a query, whose values are
// found in it again.
func FuzzTarget(f *testing.F) {
	f.Add("https://api.mch.weixin.qq.com/v3/billdownload/file?token=a%2Fb&tartype=gzip", "sub_mchid", "1900000209")
	f.Add("https://pay.wechatpay.cn//a b/%zz?x y#z", "a b", "单?a#b;c\\&=+%")
	f.Add("https://api.mch.weixin.qq.com/%7E%3d[*]'?", "", "\x00\xff")
	sent := func(t *testing.T, host, target string) *url.URL {
		u, err := url.Parse("https://" + host + target)
		if err != nil || u.RequestURI() != target || u.Host != host {
			t.Fatalf("what is signed as %q is sent as %q to %q: %v", target, u.RequestURI(), u.Host, err)
		}
		return u
	}
	f.Fuzz(func(t *testing.T, address, name, value string) {
		k := &call{method: http.MethodGet}
		if k.locate(&Client{}, address) == nil {
			sent(t, k.fact.Host, k.target)
		}
		u := sent(t, "api.mch.weixin.qq.com", appendQuery("/v3/x", []pair{{name, value}, {"a", "b"}}))
		if got := u.Query(); name != "a" && (got.Get(name) != value || got.Get("a") != "b") {
			t.Errorf("%q=%q is sent as %q", name, value, u.RawQuery)
		}
	})
}
