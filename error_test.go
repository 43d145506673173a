package wechatpay_test

import (
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
			if log.Len() > 2000 {
				t.Errorf("the record has %d bytes", log.Len())
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
