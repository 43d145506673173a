package wechatpay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/code"
)

// TestWhomARefusalIsBelieved is about answers that are no success: what they do to the outcome,
// and whether errors.Is finds their code.
func TestWhomARefusalIsBelieved(t *testing.T) {
	t.Parallel()
	const html = "<html>Not Found</html>"
	tests := map[string]struct {
		status  int
		code    code.Code // of the body, if it is none of the next
		body    string
		signed  bool
		outcome wechatpay.Outcome
		found   bool // the code, by errors.Is
	}{
		"a signed 404":                          {404, code.OrderNotExist, "", true, wechatpay.Refused, true},
		"a signed 403":                          {403, code.NoAuth, "", true, wechatpay.Refused, true},
		"a signed 429":                          {429, code.FrequencyLimited, "", true, wechatpay.Unknown, true},
		"a signed 500":                          {500, code.SystemError, "", true, wechatpay.Unknown, true},
		"an unsigned SIGN_ERROR":                {401, code.SignError, "", false, wechatpay.Refused, true},
		"an unsigned INVALID_REQUEST":           {400, code.InvalidRequest, "", false, wechatpay.Refused, true},
		"an unsigned PARAM_ERROR":               {400, code.ParamError, "", false, wechatpay.Refused, true},
		"an unsigned 404 of nothing":            {404, "", "", false, wechatpay.Refused, false},
		"an unsigned 405 of nothing":            {405, "", "", false, wechatpay.Refused, false},
		"an unsigned 404 with a code":           {404, code.OrderNotExist, "", false, wechatpay.Unknown, false},
		"an unsigned 404 with a page":           {404, "", html, false, wechatpay.Unknown, false},
		"an unsigned 405 with a page":           {405, "", html, false, wechatpay.Unknown, false},
		"an unsigned 400 of nothing":            {400, "", "", false, wechatpay.Unknown, false},
		"an unsigned 401 of nothing":            {401, "", "", false, wechatpay.Unknown, false},
		"an unsigned 400 with a business code":  {400, code.OrderPaid, "", false, wechatpay.Unknown, false},
		"an unsigned 401 with another code":     {401, code.NoAuth, "", false, wechatpay.Unknown, false},
		"an unsigned 403 with a code":           {403, code.RuleLimit, "", false, wechatpay.Unknown, false},
		"an unsigned 429":                       {429, code.FrequencyLimited, "", false, wechatpay.Unknown, false},
		"a front's code with another status":    {404, code.SignError, "", false, wechatpay.Unknown, false},
		"a front's code with a server's status": {502, code.ParamError, "", false, wechatpay.Unknown, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{status: tt.status, body: tt.body}
			if tt.code != "" {
				g.body = fmt.Sprintf(`{"code":%q}`, tt.code)
			}
			if !tt.signed {
				g.change = unsigned
			}
			err := post(t, newClient(t, g).Chain("v3/x"), wechatpay.JSON(cancelRequest{}))
			e, ok := errors.AsType[*wechatpay.Error](err)
			if !ok {
				t.Fatalf("the error is %v", err)
			}
			if e.Outcome != tt.outcome || e.Verified != tt.signed {
				t.Errorf("the outcome is %v, verified %t: %v", e.Outcome, e.Verified, err)
			}
			if got := errors.Is(err, tt.code); got != tt.found {
				t.Errorf("errors.Is finds %s: %t", tt.code, got)
			}
			if e.Code != string(tt.code) || !strings.Contains(err.Error(), e.Code) {
				t.Errorf("the code is %q: %v", e.Code, err)
			}
		})
	}
}

func TestAnErrorsMembersAreReadOneByOne(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, code, message, detail string }{
		"all three":                          {`{"code":"A","message":"b","detail":{"c":1}}`, "A", "b", `{"c":1}`},
		"a message that is no text":          {`{"code":"A","message":{"x":1}}`, "A", "", ""},
		"a code that is no text":             {`{"code":1,"message":"b","detail":[]}`, "", "b", "[]"},
		"a code that is null":                {`{"code":null,"message":"b"}`, "", "b", ""},
		"names in the wrong case":            {`{"CODE":"A","Message":"b","DETAIL":1}`, "", "", ""},
		"names in both cases":                {`{"code":"A","CODE":"B","Code":"C"}`, "A", "", ""},
		"more than anybody knows":            {`{"code":"A","new":{"code":"B"}}`, "A", "", ""},
		"a list":                             {`[{"code":"A"}]`, "", "", ""},
		"null":                               {`null`, "", "", ""},
		"two documents":                      {`{"code":"A"}{"code":"B"}`, "", "", ""},
		"a page":                             {`<html>`, "", "", ""},
		"text of Latin-1, which is no UTF-8": {"{\"code\":\"A\",\"message\":\"\xe9\"}", "A", "\ufffd", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := post(t, newClient(t, &gateway{status: 400, body: tt.body}).Chain("v3/x"))
			e, ok := errors.AsType[*wechatpay.Error](err)
			if !ok || e.Code != tt.code || e.Message != tt.message || string(e.Detail) != tt.detail {
				t.Errorf("read %q, %q, %q", e.Code, e.Message, e.Detail)
			}
		})
	}
}

// TestTheErrorsThatWereObservedAreRead is about answers as WeChat Pay and what stands before it really
// send them.
func TestTheErrorsThatWereObservedAreRead(t *testing.T) {
	t.Parallel()
	const mapper = "输入源“/body/appid”映射到字段“公众号ID”必填性规则校验失败，此字段为必填项"
	const signInformation = `"sign_information":{"method":"POST","sign_message_length":349,"truncated_sign_message":"POST\n/v3/pay/transactions/jsapi\n1756951532\nIXlHDnWguGbz7uMOL7xdPibFoV342jP3\n{\"amount\n","url":"/v3/pay/transactions/jsapi"}`
	value := func(json string) string {
		return `{"code":"PARAM_ERROR","detail":{"location":"body","value":` + json + `},"message":"` + mapper + `"}`
	}
	type answer struct {
		status        int
		body          string
		unsigned      bool
		code, message string
		detail        string // at this pointer: its JSON, "" for none
		value         string
		outcome       wechatpay.Outcome
		text          string // in Error's text
	}
	tests := map[string]answer{
		"a wrong parameter as documented": {400, `{"code":"PARAM_ERROR","message":"参数错误","detail":{"field":"/amount/currency","value":"XYZ","issue":"Currency code is invalid","location":"body"}}`,
			false, "PARAM_ERROR", "参数错误", "field", `"/amount/currency"`, wechatpay.Refused, "400 PARAM_ERROR: 参数错误"},
		"a wrong parameter of the mapper":    {400, value(`"wx1"`), false, "PARAM_ERROR", mapper, "value", `"wx1"`, wechatpay.Refused, "必填项"},
		"a value that is null":               {400, value(`null`), false, "PARAM_ERROR", mapper, "value", `null`, wechatpay.Refused, "必填项"},
		"a value that is a number":           {400, value(`-1.5e3`), false, "PARAM_ERROR", mapper, "value", `-1.5e3`, wechatpay.Refused, "必填项"},
		"a value that is a boolean":          {400, value(`true`), false, "PARAM_ERROR", mapper, "value", `true`, wechatpay.Refused, "必填项"},
		"a value that is an object":          {400, value(`{"a":[1]}`), false, "PARAM_ERROR", mapper, "value", `{"a":[1]}`, wechatpay.Refused, "必填项"},
		"a value that is a list":             {400, value(`[]`), false, "PARAM_ERROR", mapper, "value", `[]`, wechatpay.Refused, "必填项"},
		"a value that is not there":          {400, `{"code":"PARAM_ERROR","detail":{"location":"uri_template"},"message":"m"}`, false, "PARAM_ERROR", "m", "location", `"uri_template"`, wechatpay.Refused, "PARAM_ERROR: m"},
		"a location that is null":            {400, `{"code":"PARAM_ERROR","detail":{"location":null,"value":1},"message":"m"}`, false, "PARAM_ERROR", "m", "location", `null`, wechatpay.Refused, "PARAM_ERROR: m"},
		"a wrong parameter without a detail": {400, `{"code":"PARAM_ERROR","message":"参数错误"}`, false, "PARAM_ERROR", "参数错误", "", "", wechatpay.Refused, "参数错误"},
		"a detail that is text":              {403, `{"code":"NO_AUTH","message":"m","detail":"此商户无权限"}`, false, "NO_AUTH", "m", "", "", wechatpay.Refused, "NO_AUTH: m"},
		"a detail that is null":              {403, `{"code":"NO_AUTH","message":"m","detail":null}`, false, "NO_AUTH", "m", "", "", wechatpay.Refused, "NO_AUTH: m"},
		"a signature that does not match": {401, `{"code":"SIGN_ERROR","detail":{"detail":{"issue":"sign not match"},"field":"signature","location":"authorization",` + signInformation + `},"message":"签名错误"}`,
			true, "SIGN_ERROR", "签名错误", "detail", `{"issue":"sign not match"}`, wechatpay.Refused, "401 SIGN_ERROR: 签名错误"},
		"a signature that does not match, as it was": {401, `{"code":"SIGN_ERROR","detail":{"issue":"sign not match","field":"signature","location":"authorization",` + signInformation + `},"message":"错误的签名，验签失败"}`,
			true, "SIGN_ERROR", "错误的签名，验签失败", "issue", `"sign not match"`, wechatpay.Refused, "验签失败"},
		"no User-Agent":               {400, `{"code":"INVALID_REQUEST","message":"Http头缺少Accept或User-Agent"}`, true, "INVALID_REQUEST", "Http头缺少Accept或User-Agent", "", "", wechatpay.Refused, "User-Agent"},
		"no platform certificates":    {404, `{"code":"RESOURCE_NOT_EXISTS","message":"无可用的平台证书"}`, false, "RESOURCE_NOT_EXISTS", "无可用的平台证书", "", "", wechatpay.Refused, "404 RESOURCE_NOT_EXISTS"},
		"a path that nobody knows":    {404, "", true, "", "", "", "", wechatpay.Refused, "404 Not Found"},
		"a method that nobody knows":  {405, "", true, "", "", "", "", wechatpay.Refused, "405 Method Not Allowed"},
		"a page of nginx":             {502, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body></html>", true, "", "", "", "", wechatpay.Unknown, "502 Bad Gateway"},
		"a page of a proxy":           {403, "<!DOCTYPE html><html><body>Access Denied</body></html>", true, "", "", "", "", wechatpay.Unknown, "403 Forbidden"},
		"too many requests":           {429, `{"code":"FREQUENCY_LIMITED","message":"频率超限"}`, false, "FREQUENCY_LIMITED", "频率超限", "", "", wechatpay.Unknown, "429 FREQUENCY_LIMITED"},
		"a system error":              {500, `{"code":"SYSTEM_ERROR","message":"系统异常，请稍后重试"}`, false, "SYSTEM_ERROR", "系统异常，请稍后重试", "", "", wechatpay.Unknown, "500 SYSTEM_ERROR"},
		"an overload without a body":  {503, "", true, "", "", "", "", wechatpay.Unknown, "503 Service Unavailable"},
		"a status that has no name":   {418 + 9, "", true, "", "", "", "", wechatpay.Unknown, ": 427"},
		"a number more than expected": {403, `{"code":"NOT_ENOUGH","message":"m","request_id":1}`, false, "NOT_ENOUGH", "m", "", "", wechatpay.Refused, "NOT_ENOUGH"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{status: tt.status, body: tt.body}
			if tt.unsigned {
				g.change = unsigned
			}
			err := post(t, newClient(t, g).Chain("v3/x"), wechatpay.JSON(cancelRequest{}))
			e, ok := errors.AsType[*wechatpay.Error](err)
			if !ok {
				t.Fatalf("the error is %v", err)
			}
			if e.StatusCode != tt.status || e.Code != tt.code || e.Message != tt.message || e.Outcome != tt.outcome || e.Verified == tt.unsigned {
				t.Errorf("read %d %q %q, %v, verified %t", e.StatusCode, e.Code, e.Message, e.Outcome, e.Verified)
			}
			if tt.code != "" && !errors.Is(err, code.Code(tt.code)) {
				t.Errorf("errors.Is does not find %s", tt.code)
			}
			if !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "<") {
				t.Errorf("the text is %v", err)
			}
			if tt.detail != "" {
				var members map[string]json.RawMessage
				if err := json.Unmarshal(e.Detail, &members); err != nil || string(members[tt.detail]) != tt.value {
					t.Errorf("the detail has %s %s, %v, want %s", tt.detail, members[tt.detail], err, tt.value)
				}
			}
		})
	}
}

// TestTheTextOfAnErrorIsOneLineOfFairLength has strangers say very much, with all that could
// forge a line of a log or steer a terminal.
func TestTheTextOfAnErrorIsOneLineOfFairLength(t *testing.T) {
	t.Parallel()
	const forged = "\n2026-01-01 INFO paid \x1b[2J\r\x00\u202e\u2028\u009b"
	much := strings.Repeat("很", 1<<18)
	said := fmt.Sprintf(`{"code":"A\n\u001b%s","message":"b\n\u001b\u202e\u2028\u009b%[1]s"}`, much)
	named := func(change func(*http.Response)) func(*http.Response) {
		return func(r *http.Response) { change(r); r.Header.Set("Request-ID", "1"+forged+much) }
	}
	tests := map[string]*gateway{
		"an unsigned answer":            {status: 403, body: said, change: named(unsigned)},
		"a signed answer":               {status: 403, body: said, change: named(func(*http.Response) {})},
		"an answer that is not whole":   {status: 200, change: named(func(r *http.Response) { r.Body = http.NoBody; r.StatusCode = 204; unsigned(r) })},
		"a transport that quotes a lot": {err: errors.New("malformed HTTP response: " + forged + much)},
		"an answer with a wrong key":    {status: 204, change: named(func(r *http.Response) { r.Header.Set("Wechatpay-Serial", forged+much) })},
	}
	for name, g := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			err := post(t, newClient(t, g, wechatpay.MaxAnswer(1<<22), wechatpay.Logger(logger)).Chain("v3/x"))
			if err == nil {
				t.Fatal("it succeeds")
			}
			for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err)} {
				if n := utf8.RuneCountInString(text); n > 1200 || n < 60 {
					t.Errorf("the text has %d characters", n)
				}
				if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
					t.Errorf("the text has %q", text[i:i+3])
				}
			}
			if n := utf8.RuneCountInString(log.String()); n > 2000 {
				t.Errorf("the record has %d characters", n)
			}
		})
	}
}

func TestAnErrorPrintsItsTextWhateverTheVerb(t *testing.T) {
	t.Parallel()
	e := &wechatpay.Error{StatusCode: 404, Code: "ORDER_NOT_EXIST", Method: "GET", Path: "/v3/x", Verified: true, Outcome: wechatpay.Refused}
	want := "wechatpay: GET /v3/x: 404 ORDER_NOT_EXIST; it was refused, and nothing was done"
	if e.Error() != want {
		t.Fatalf("the text is %s", e)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if text := []string{fmt.Sprintf(verb, e), fmt.Sprintf(verb, *e), fmt.Errorf("%w", e).Error()}; slices.ContainsFunc(text, func(s string) bool { return s != want }) {
			t.Errorf("%s prints %q", verb, text)
		}
	}
	if text := fmt.Sprintf("%q", e); text != `"`+want+`"` {
		t.Errorf("%%q prints %s", text)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pointer", e, "value", *e)
	if strings.Count(log.String(), `":"`+want+`"`) != 2 {
		t.Errorf("the log has %s", log.String())
	}
	if text := fmt.Sprintf("%90s|", e); len(text) != 91 {
		t.Errorf("in 90 columns it prints %q", text)
	}
}

func TestTheOutcomeOfSeveralCallsIsTheWorst(t *testing.T) {
	t.Parallel()
	of := func(o wechatpay.Outcome) error { return &wechatpay.Error{Outcome: o} }
	notSent, refused, unknown, foreign := of(wechatpay.NotSent), of(wechatpay.Refused), of(wechatpay.Unknown), errors.New("foreign")
	failing := func(err error) *wechatpay.Future[int] {
		return wechatpay.Async(t.Context(), func(context.Context) (int, error) { return 0, err })
	}
	all := func(errs ...error) error {
		var futures []*wechatpay.Future[int]
		for _, err := range errs {
			futures = append(futures, failing(err))
		}
		_, err := wechatpay.All(futures...).Wait(t.Context())
		for _, cause := range errs {
			if !errors.Is(err, cause) {
				t.Errorf("%v has lost %v", err, cause)
			}
		}
		return err
	}
	tests := map[string]struct {
		err  error
		want wechatpay.Outcome
	}{
		"an error alone":                              {refused, wechatpay.Refused},
		"an error that is wrapped":                    {fmt.Errorf("x: %w", fmt.Errorf("y: %w", notSent)), wechatpay.NotSent},
		"a foreign error":                             {foreign, wechatpay.Unknown},
		"foreign errors":                              {errors.Join(foreign, foreign), wechatpay.Unknown},
		"two that were not sent":                      {errors.Join(notSent, notSent), wechatpay.NotSent},
		"one that was not sent and one refused":       {errors.Join(notSent, refused), wechatpay.Refused},
		"one refused and one that was not sent":       {errors.Join(refused, notSent), wechatpay.Refused},
		"the unknown one at last":                     {errors.Join(notSent, refused, unknown), wechatpay.Unknown},
		"the unknown one at first":                    {errors.Join(unknown, refused, notSent), wechatpay.Unknown},
		"an error beside what it is to the caller":    {fmt.Errorf("%w: %w", foreign, refused), wechatpay.Refused},
		"joined errors that are wrapped":              {fmt.Errorf("x: %w", errors.Join(refused, fmt.Errorf("y: %w", unknown))), wechatpay.Unknown},
		"a cause that is a call of its own":           {&wechatpay.Error{Outcome: wechatpay.NotSent, Err: unknown}, wechatpay.NotSent},
		"calls of All":                                {all(notSent, refused), wechatpay.Refused},
		"calls of All, with one that is unknown":      {all(refused, unknown), wechatpay.Unknown},
		"calls of All, one of which failed by itself": {all(notSent, foreign), wechatpay.Unknown},
	}
	for name, tt := range tests {
		if got := wechatpay.OutcomeOf(tt.err); got != tt.want {
			t.Errorf("%s: the outcome is %v, want %v", name, got, tt.want)
		}
	}
}

// TestAnArgumentInThePathDoesNotShow: [wechatpay.Path] tells arguments from the path, but some write
// them into it.
func TestAnArgumentInThePathDoesNotShow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path, want string }{
		"of an operation with facts":    {"v3/marketing/favor/users/oUpF8uMuAJO/coupons", "/v3/marketing/favor/users/{openid}/coupons"},
		"that is a word, of the same":   {"v3/marketing/favor/users/canary/coupons", "/v3/marketing/favor/users/{openid}/coupons"},
		"that is a number":              {"v3/new/1900000109/x", "/v3/new/…/x"},
		"that is hexadecimal":           {"v3/new/5f2b8a9c", "/v3/new/…"},
		"that is an openid":             {"v3/new/oUpFuMuAJO-_x/x/", "/v3/new/…/x/"},
		"that begins with a digit":      {"v3/new/1a", "/v3/new/…"},
		"with two digits":               {"v3/new/a1b2", "/v3/new/…"},
		"with other signs":              {"v3/new/a.b", "/v3/new/…"},
		"that is too long for a word":   {"v3/new/" + strings.Repeat("x", 49), "/v3/new/…"},
		"beside a parameter":            {"v3/new/OPENID/{no}", "/v3/new/…/{no}"},
		"which there is not":            {"v3/complaints-v2/apply4sub/h5_x", "/v3/complaints-v2/apply4sub/h5_x"},
		"of a path that cannot be sent": {"v3/new/{no/OPENID", "/v3/new/…/…"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			var traced wechatpay.Attempt
			client := newClient(t, &gateway{status: 404, body: `{"code":"ORDER_NOT_EXIST"}`},
				wechatpay.Logger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
				wechatpay.Trace(func(_ context.Context, a wechatpay.Attempt) { traced = a }))
			var opts []wechatpay.CallOption
			if strings.Contains(tt.path, "{no}") {
				opts = append(opts, wechatpay.Path("no", "OPENID"))
			}
			err := post(t, client.Chain(tt.path), opts...)
			_, again := wechatpay.Call(t.Context(), client, "POST", "/"+tt.path, nil, nil, opts, new(order))
			for _, err := range []error{err, again} {
				if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.Path != tt.want || !strings.Contains(err.Error(), " "+tt.want+": ") {
					t.Errorf("the error is %v, want the path %s", err, tt.want)
				}
			}
			if traced.Number == 0 { // nothing was sent
				return
			}
			if traced.Path != tt.want || !strings.Contains(log.String(), "path="+tt.want+" ") {
				t.Errorf("traced %s and logged %s", traced.Path, log.String())
			}
		})
	}
	err := post(t, newClient(t, &gateway{}).Chain("v3/new/OPENID"), wechatpay.Path("no", "1"))
	if err == nil || strings.Contains(err.Error(), "OPENID") {
		t.Errorf("the error is %v", err)
	}
}

func TestThePathsOfTheDocumentsShowAsTheyAre(t *testing.T) {
	t.Parallel()
	client := newClient(t, &gateway{})
	for _, op := range catalog.Operations() {
		if strings.HasPrefix(op.Path, "/brand/") {
			continue // for which there is another client
		}
		_, err := wechatpay.Send(t.Context(), client, op.Method, op.Path, nil, nil, []wechatpay.CallOption{nil})
		if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.Path != op.Path {
			t.Errorf("%s shows as %s", op.Path, e.Path)
		}
	}
}
