package wechatpay_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
)

// TestCallsLeaveNoGoroutineBehind runs calls over connections in memory: synctest fails if a
// goroutine stays when the test's function returns, and the servers tell which connections do.
func TestCallsLeaveNoGoroutineBehind(t *testing.T) {
	t.Parallel()
	keys() // made outside, for they are shared
	hear := func(conn net.Conn) error {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			_, err = io.Copy(io.Discard, req.Body)
		}
		return err
	}
	reply := func(status int, body string, change func(*http.Response)) func(net.Conn) {
		return func(conn net.Conn) {
			if hear(conn) != nil {
				return
			}
			res := answer(status, body, time.Now())
			res.ProtoMajor, res.ProtoMinor, res.ContentLength = 1, 1, int64(len(body))
			if change != nil {
				change(res)
			}
			res.Write(conn)
			io.Copy(io.Discard, conn)
		}
	}
	silent := func(conn net.Conn) { hear(conn); io.Copy(io.Discard, conn) }
	call := func(ctx context.Context, client *wechatpay.Client) error {
		_, err := client.Chain("v3/x").Post(ctx, wechatpay.JSON(cancelRequest{}))
		return err
	}
	tests := map[string]struct {
		serve func(net.Conn) // nil if it never connects
		call  func(context.Context, *wechatpay.Client) error
		fails bool
	}{
		"a call that succeeds":                {reply(204, "", nil), call, false},
		"a call that is refused":              {reply(404, `{"code":"ORDER_NOT_EXIST"}`, nil), call, true},
		"an answer that does not verify":      {reply(200, "{}", unsigned), call, true},
		"an answer that is too large":         {reply(200, strings.Repeat(" ", 2000), nil), call, true},
		"an answer that breaks off":           {reply(200, "{}", func(r *http.Response) { r.ContentLength = 3 }), call, true},
		"a call that is not answered in time": {silent, call, true},
		"a call that never gets through":      {nil, call, true},
		"a server that hangs up":              {func(conn net.Conn) { hear(conn) }, call, true},
		"a call that is cancelled": {silent, func(ctx context.Context, client *wechatpay.Client) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return call(ctx, client)
		}, true},
		"an asynchronous call that is cancelled while nobody waits": {silent, func(ctx context.Context, client *wechatpay.Client) error {
			ctx, cancel := context.WithCancel(ctx)
			f := client.Chain("v3/x").PostAsync(ctx, wechatpay.JSON(cancelRequest{})).
				Then(func(*wechatpay.Response) error { return errors.New("then ran") })
			wechatpay.All(f, f)
			synctest.Wait()
			cancel()
			return context.Canceled
		}, true},
		"an asynchronous call that runs out of time while nobody waits": {silent, func(ctx context.Context, client *wechatpay.Client) error {
			over, cancel := context.WithCancel(ctx)
			cancel()
			_, err := client.Chain("v3/x").PostAsync(ctx, wechatpay.JSON(cancelRequest{})).Wait(over)
			time.Sleep(time.Minute) // of the bubble's clock: longer than an attempt
			return err
		}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var open atomic.Int32
				tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					if tt.serve == nil {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					ours, theirs := net.Pipe()
					open.Add(1)
					go func() {
						defer open.Add(-1)
						defer theirs.Close()
						tt.serve(theirs)
					}()
					return ours, nil
				}}
				client, err := wechatpay.New(merchant(), wechatpay.Transport(tr), wechatpay.MaxAnswer(1000), wechatpay.BaseURL("http://localhost"))
				if err != nil {
					t.Fatal(err)
				}
				if err := tt.call(t.Context(), client); (err != nil) != tt.fails {
					t.Errorf("the error is %v", err)
				}
				synctest.Wait()
				tr.CloseIdleConnections()
				synctest.Wait()
				if open.Load() != 0 {
					t.Error("the call's connection is still open") // and would be until its time is up
				}
			})
		})
	}
}

// TestNoErrorAndNoRecordShowsASecret makes calls fail in every way that this package knows, with
// canaries in all that a caller hands over and in all that comes back.
func TestNoErrorAndNoRecordShowsASecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	level := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	logger := slog.New(slog.NewMultiHandler(slog.NewTextHandler(&log, level), slog.NewJSONHandler(&log, level)))
	m := merchant()
	m.APIv3Key = "canary-APIv3-key-0123456789-abcd"
	canary := []wechatpay.CallOption{
		wechatpay.Path("openid", "canary-openid"), wechatpay.Query("openid", "canary-openid"),
		wechatpay.Header("X-Note", "canary-header"), wechatpay.JSON(map[string]any{"name": "canary-body", "id": wechatpay.Sensitive("canary-id")}),
	}
	with := func(opt wechatpay.CallOption) []wechatpay.CallOption {
		return append(canary[:len(canary):len(canary)], opt)
	}
	refused := func(status int) *gateway {
		return &gateway{status: status, body: `{"code":"PARAM_ERROR","message":"x","detail":{"value":"canary-detail"}}`}
	}
	tests := map[string]struct {
		gateway *gateway
		opts    []wechatpay.CallOption
		fails   bool
	}{
		"a success":                          {&gateway{status: 200, body: `{"name":"canary"}`}, canary, false},
		"a refusal":                          {refused(400), canary, true},
		"a failure of the gateway":           {refused(500), canary, true},
		"an unsigned refusal":                {&gateway{status: 401, body: refused(401).body, change: unsigned}, canary, true},
		"an unsigned success":                {&gateway{status: 200, body: `{"name":"canary"}`, change: unsigned}, canary, true},
		"a body that was changed":            {&gateway{status: 200, body: `{}`, change: swapBody("canary")}, canary, true},
		"a forged signature":                 {&gateway{status: 200, body: `{}`, change: func(r *http.Response) { r.Header.Set("Wechatpay-Signature", "canary") }}, canary, true},
		"an answer that does not decode":     {&gateway{status: 200, body: `{"total_amount":"canary"}`}, canary, true},
		"an answer that is no JSON":          {&gateway{status: 200, body: `canary`}, canary, true},
		"an answer that is no number":        {&gateway{status: 200, body: `{"big":"canary"}`}, canary, true},
		"an answer that is no time":          {&gateway{status: 200, body: `{"at":"canary"}`}, canary, true},
		"an answer that is not encrypted":    {&gateway{status: 200, body: `{"holder":"canary"}`}, canary, true},
		"a sensitive field that is too long": {&gateway{}, with(wechatpay.JSON(map[string]any{"id": wechatpay.Sensitive(strings.Repeat("canary", 40))})), true},
		"an answer that breaks off":          {&gateway{status: 200, change: func(r *http.Response) { r.Body = io.NopCloser(brokenReader{}) }}, canary, true},
		"a transport that fails":             {&gateway{err: io.ErrUnexpectedEOF}, canary, true},
		"a redirect to an address":           {&gateway{status: 302, change: func(r *http.Response) { unsigned(r); r.Header.Set("Location", "https://example.com/canary") }}, canary, true},
		"a redirect to no address":           {&gateway{status: 302, change: func(r *http.Response) { r.Header.Set("Location", "http://[bad%zz?openid=canary") }}, canary, true},
		"a body that is no number":           {&gateway{}, with(wechatpay.JSON(map[string]any{"x": json.Number("canary")})), true},
		"a body that is no JSON":             {&gateway{}, with(wechatpay.JSON(json.RawMessage(`canary`))), true},
		"a body that is no type of JSON":     {&gateway{}, with(wechatpay.JSON(map[string]any{"canary": func() {}})), true},
		"a path argument too many":           {&gateway{}, with(wechatpay.Path("other", "canary")), true},
		"a header that cannot be sent":       {&gateway{}, with(wechatpay.Header("X-Note", "canary\r\n")), true},
		"a name of a header with a canary":   {&gateway{}, with(wechatpay.Header("canary: x", "")), true},
	}
	for name, tt := range tests {
		trace := wechatpay.Trace(func(ctx context.Context, a wechatpay.Attempt) {
			logger.InfoContext(ctx, "attempt", "a", a)
			fmt.Fprintf(&log, "%+v", a)
		})
		client, err := wechatpay.New(m, trace, wechatpay.Transport(tt.gateway), wechatpay.Logger(logger))
		if err != nil {
			t.Fatal(err)
		}
		log.Reset()
		res, err := client.Chain("v3/users/{openid}").Post(t.Context(), tt.opts...)
		if err == nil {
			err = res.Decode(&struct {
				Total int64          `json:"total_amount"`
				Big   json.Number    `json:"big"`
				At    wechatpay.Time `json:"at"`

				Holder wechatpay.Sensitive `json:"holder"`
			}{})
		}
		if (err != nil) != tt.fails {
			t.Errorf("%s gives %v", name, err)
		}
		logger.Info("done", "err", err, "response", res)
		text := printed(t, err) + log.String()
		if e, ok := errors.AsType[*wechatpay.Error](err); ok {
			log.Reset()
			logger.Info("its value", "err", *e)
			text += printed(t, *e) + log.String()
		}
		checkSecrets(t, name, text)
		if strings.Contains(text, "signature=") {
			t.Errorf("%s shows its Authorization: %s", name, text)
		}
		if tt.gateway.last == nil {
			continue
		}
		a, err := auth.ParseAuthorization(tt.gateway.last.Header.Get("Authorization"))
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{"signature": a.Signature, "nonce": a.Nonce, "answer's signature": tt.gateway.signature} {
			if secret == "" || strings.Contains(text, secret) {
				t.Errorf("%s shows its %s %q: %s", name, what, secret, text)
			}
		}
	}
	for name, opt := range map[string]wechatpay.Option{
		"a base with a password":           wechatpay.BaseURL("https://canary:canary@example.com"),
		"a base that does not parse":       wechatpay.BaseURL("https://canary:%%@example.com"),
		"a mapped host with a password":    wechatpay.Hosts(map[string]string{"a": "https://canary@example.com"}),
		"a base that is not https":         wechatpay.BaseURL("http://example.com.canary"),
		"a base with a token in its query": wechatpay.BaseURL("https://example.com?token=canary"),
	} {
		if _, err := wechatpay.New(m, opt); err == nil {
			t.Errorf("%s is taken", name)
		} else {
			checkCanaries(t, name, fmt.Sprintf("%v %+v %#v", err, err, err))
		}
	}
	m.APIv3Key = "canary"
	if _, err := wechatpay.New(m); err == nil {
		t.Error("a short APIv3 key is taken")
	} else {
		checkCanaries(t, "a short APIv3 key", fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

// printed is v in every way of printing it.
func printed(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return b.String() + string(text)
}

// checkCanaries looks for a canary as text, as it is escaped and as bytes in decimal and in
// hexadecimal.
func checkCanaries(t *testing.T, name, text string) {
	t.Helper()
	for _, secret := range []string{"canary", "63616e617279", "63616E617279", "99 97 110 97 114 121", "0x63, 0x61, 0x6e"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows %s: %s", name, secret, text)
		}
	}
}

func TestNoValuePrintsASecret(t *testing.T) {
	t.Parallel()
	m := merchant()
	m.APIv3Key = "canary-APIv3-key-0123456789-abcd"
	client := newClient(t, &gateway{status: 200, body: `{"openid":"canary"}`})
	var res wechatpay.Response
	if err := post(t, client.Chain("v3/users/{openid}"), wechatpay.Path("openid", "canary"), wechatpay.Into(&res)); err != nil {
		t.Fatal(err)
	}
	private := keys().merchant
	for name, v := range map[string]any{
		"Merchant": m, "*Merchant": &m, "Client": client, "a client's value": *client, "Response": res, "*Response": &res,
		"a nil *Response": (*wechatpay.Response)(nil), "a nil *Merchant": (*wechatpay.Merchant)(nil), "a struct that holds one": struct{ M wechatpay.Merchant }{m},
		"Endpoint": client.Chain("v3/x"), "Verifier": client.Verifier(),
	} {
		var text strings.Builder
		log := slog.New(slog.NewMultiHandler(slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&text, nil)))
		log.Info("x", "v", v)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&text, verb, v)
		}
		checkCanaries(t, name, text.String())
		for _, secret := range []string{private.D.String(), private.D.Text(16), res.Header.Get("Wechatpay-Signature")} {
			if strings.Contains(text.String(), secret) {
				t.Errorf("%s shows %s", name, secret)
			}
		}
	}
	if text, err := json.Marshal(m); err != nil || strings.Contains(string(text), "canary") || strings.Contains(string(text), private.D.String()) {
		t.Errorf("the merchant as JSON is %s, %v", text, err)
	}
	if text := fmt.Sprint(m); !strings.Contains(text, m.MchID) || !strings.Contains(text, m.SerialNo) {
		t.Errorf("the merchant prints as %s", text)
	}
	if text := fmt.Sprint(res); !strings.Contains(text, "200") || !strings.Contains(text, res.RequestID) {
		t.Errorf("the response prints as %s", text)
	}
	if text, err := json.Marshal(res); err != nil || !strings.Contains(string(text), res.RequestID) {
		t.Errorf("the response as JSON is %s, %v", text, err)
	}
}

// TestNoTypeKeepsASensitiveWhereItShows looks at the source of all packages for the two places where
// the type cannot hide itself: an unexported field, whose methods fmt does not call, and a key of a
// map, for which encoding/json does not call them.
func TestNoTypeKeepsASensitiveWhereItShows(t *testing.T) {
	t.Parallel()
	sensitive := func(expr ast.Expr) (found bool) {
		ast.Inspect(expr, func(n ast.Node) bool {
			name, ok := n.(*ast.Ident)
			found = found || ok && name.Name == "Sensitive"
			return true
		})
		return found
	}
	seen := 0
	look := func(path string, n ast.Node) {
		switch n := n.(type) {
		case *ast.Field:
			if !sensitive(n.Type) {
				return
			}
			seen++
			for _, name := range n.Names {
				if !name.IsExported() {
					t.Errorf("%s keeps a Sensitive in the unexported %s", path, name)
				}
			}
		case *ast.MapType:
			if sensitive(n.Key) {
				t.Errorf("%s has a map whose keys are Sensitive", path)
			}
		}
	}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "cmd/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if structure, ok := n.(*ast.StructType); ok {
				for _, field := range structure.Fields.List {
					look(path, field)
				}
			}
			if m, ok := n.(*ast.MapType); ok {
				look(path, m)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 4 {
		t.Errorf("found %d fields that are Sensitive: the test looks in the wrong place", seen)
	}
}
