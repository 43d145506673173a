package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// sixWays are how the demo cancels, in its order.
var sixWays = []string{
	"sync pure chain", "sync declarative", "sync indexed",
	"async pure chain", "async declarative", "async indexed",
}

// demoJSON runs wxpay demo --json with calls that go by transport.
func demoJSON(t *testing.T, transport http.RoundTripper) (status int, results []result, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = program{stdout: &out, stderr: &errs, transport: transport}.run(t.Context(), []string{"demo", "--json"})
	for line := range strings.Lines(out.String()) {
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		var r result
		if err := d.Decode(&r); err != nil {
			t.Fatalf("not JSON: %v\n%s", err, line)
		}
		results = append(results, r)
	}
	return status, results, errs.String()
}

func TestDemoCancelsInSixWays(t *testing.T) {
	t.Parallel()
	status, results, stderr := demoJSON(t, nil)
	if status != 0 || stderr != "" {
		t.Fatalf("exit status %d, %s", status, stderr)
	}
	var ways []string
	seen := map[string]bool{}
	for i, r := range results {
		if r.Step != i+1 || r.Failed != "" || r.RequestID == "" || seen[r.RequestID] || seen[r.Method+" "+r.URL] {
			t.Errorf("step %d is not one of its own that held: %+v", i+1, r)
		}
		seen[r.RequestID], seen[r.Method+" "+r.URL] = true, true
		if r.State != "REVOKED" {
			continue
		}
		ways = append(ways, r.Way)
		if r.facts != (facts{Status: 204, Verified: true, State: "REVOKED"}) {
			t.Errorf("%s: %+v", r.Way, r.facts)
		}
		if r.Method != "POST" || !strings.HasPrefix(r.URL, "http://127.0.0.1:") || !strings.HasSuffix(r.URL, "/cancel") {
			t.Errorf("%s: called %s %s", r.Way, r.Method, r.URL)
		}
		if strings.HasPrefix(r.Way, "async") != strings.Contains(r.Go, ".Then(cancelled).Wait(ctx)") || strings.Contains(r.Go, "\n") {
			t.Errorf("%s: shows %s", r.Way, r.Go)
		}
	}
	if !slices.Equal(ways, sixWays) {
		t.Errorf("cancelled by %q, want %q", ways, sixWays)
	}
}

func TestDemoReceivesANotification(t *testing.T) {
	t.Parallel()
	_, results, _ := demoJSON(t, nil)
	i := slices.IndexFunc(results, func(r result) bool { return r.Way == "notification" })
	if i < 0 {
		t.Fatal("there is none")
	}
	want := facts{Status: 204, Verified: true, State: "DOING", EventType: "PAYSCORE.USER_CONFIRM"}
	r := results[i]
	_, no, ok := strings.Cut(r.URL, "/notifications/")
	if r.facts != want || !ok {
		t.Errorf("got %+v", r)
	}
	if slices.ContainsFunc(results, func(r result) bool { return strings.HasSuffix(r.URL, "/"+no+"/cancel") }) {
		t.Error("it is the notification of another step's order")
	}
}

func TestDemoGetsPaid(t *testing.T) {
	t.Parallel()
	_, results, _ := demoJSON(t, nil)
	i := slices.IndexFunc(results, func(r result) bool { return r.Way == "complete" })
	if i < 0 || i+1 == len(results) {
		t.Fatal("nothing is completed")
	}
	completed, paid := results[i], results[i+1]
	if want := (facts{Status: 204, Verified: true, State: "DOING", TotalAmount: 4000}); completed.facts != want {
		t.Errorf("completed as %+v, want %+v", completed.facts, want)
	}
	no, ok := strings.CutSuffix(completed.URL, "/complete")
	if !ok || !strings.HasSuffix(paid.URL, "/notifications"+no[strings.LastIndex(no, "/"):]) {
		t.Errorf("%s is not about %s", paid.URL, completed.URL)
	}
	want := facts{Status: 204, Verified: true, State: "DONE", EventType: "PAYSCORE.USER_PAID", TotalAmount: 4000}
	if paid.Way != "notification" || paid.facts != want || len(paid.TransactionID) != 28 {
		t.Errorf("paid as %+v", paid)
	}
}

func TestDemoMeetsThreeFailures(t *testing.T) {
	t.Parallel()
	_, results, _ := demoJSON(t, nil)
	want := []facts{
		{Status: 404, Verified: true, Code: "ORDER_NOT_EXIST", Outcome: "Refused"},
		{Status: 400, Verified: true, State: "DOING", Code: "PARAM_ERROR", Outcome: "Refused"},
		{Status: 401, State: "DOING", Code: "SIGN_ERROR", Outcome: "Refused"},
	}
	messages := []string{"查询单据不存在", "字符数 51，大于最大值 50", "签名错误"}
	for _, r := range results {
		if r.Way != "failure" {
			continue
		}
		if len(want) == 0 {
			t.Fatalf("a failure too many: %+v", r)
		}
		if r.facts != want[0] || !strings.Contains(r.Message, messages[0]) {
			t.Errorf("got %+v, want %+v and %s", r, want[0], messages[0])
		}
		want, messages = want[1:], messages[1:]
	}
	if len(want) > 0 {
		t.Errorf("these failures are missing: %+v", want)
	}
}

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestDemoFailsWhereWhatItShowsDoesNotHold(t *testing.T) {
	t.Parallel()
	isCancel := func(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/cancel") }
	change := func(fits func(*http.Request) bool, spoil func(*http.Response)) roundTripper {
		return func(req *http.Request) (*http.Response, error) {
			res, err := http.DefaultTransport.RoundTrip(req)
			if err == nil && fits(req) {
				spoil(res)
			}
			return res, err
		}
	}
	tests := []struct {
		name      string
		transport roundTripper
		want      map[string]string // why each way fails
	}{
		{
			"the signatures of empty answers are stripped",
			change(isCancel, func(res *http.Response) {
				if res.StatusCode == 204 {
					res.Header.Del("Wechatpay-Signature")
				}
			}),
			all(sixWays, "verified is false, want true"),
		},
		{
			"empty answers carry a signature of other bytes",
			change(isCancel, func(res *http.Response) {
				if res.StatusCode == 204 {
					res.Header.Set("Wechatpay-Nonce", "00112233445566778899aabbccddeeff")
				}
			}),
			all(sixWays, "verified is false, want true"),
		},
		{
			"there is no Request-ID",
			change(isCancel, func(res *http.Response) { res.Header.Del("Request-ID") }),
			all(append(sixWays, "failure"), "there was no Request-ID"),
		},
		{
			"the states are not to be trusted",
			change(func(req *http.Request) bool { return req.Method == "GET" }, func(res *http.Response) {
				res.Header.Set("Wechatpay-Timestamp", "1")
			}),
			all(append(sixWays, "complete", "notification", "failure"), "the order's state is not known"),
		},
		{
			"the completion's answer is not signed",
			change(func(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/complete") }, func(res *http.Response) {
				res.Header.Del("Wechatpay-Signature")
			}),
			all([]string{"complete"}, "verified is false, want true"),
		},
		{
			"orders do not arrive",
			func(req *http.Request) (*http.Response, error) {
				if isCancel(req) || req.Method == "GET" {
					return http.DefaultTransport.RoundTrip(req)
				}
				return nil, errors.New("the line is dead")
			},
			all(append(sixWays, "notification", "complete", "failure"), "the line is dead"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, results, stderr := demoJSON(t, tt.transport)
			if status != 1 || !strings.HasPrefix(stderr, "wxpay: ") || !strings.Contains(stderr, "did not hold") {
				t.Errorf("exit status %d, %q, want 1 and why", status, stderr)
			}
			failed := map[string]bool{}
			for _, r := range results {
				if r.Failed == "" {
					continue
				}
				failed[r.Way] = true
				if want := tt.want[r.Way]; want == "" || !strings.Contains(r.Failed, want) {
					t.Errorf("%s fails: %s, want %q", r.Way, r.Failed, want)
				}
			}
			for way := range tt.want {
				if !failed[way] {
					t.Errorf("%s held", way)
				}
			}
		})
	}
}

func all(ways []string, why string) map[string]string {
	m := map[string]string{}
	for _, way := range ways {
		m[way] = why
	}
	return m
}

// Each fact alone makes a step fail.
func TestDifferences(t *testing.T) {
	t.Parallel()
	if got := differences(facts{Status: 204, Verified: true}, facts{Status: 204, Verified: true}); got != "" {
		t.Errorf("of the same facts: %s", got)
	}
	for i := range reflect.TypeFor[facts]().NumField() {
		var got facts
		switch field := reflect.ValueOf(&got).Elem().Field(i); field.Kind() {
		case reflect.Int, reflect.Int64:
			field.SetInt(1)
		case reflect.Bool:
			field.SetBool(true)
		default:
			field.SetString("other")
		}
		if differences(got, facts{}) == "" {
			t.Errorf("the field %s makes no difference", reflect.TypeFor[facts]().Field(i).Name)
		}
	}
}

func TestDemoForPeople(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := wxpay(t.Context(), "demo")
	if status != 0 || stderr != "" {
		t.Errorf("exit status %d, %s", status, stderr)
	}
	for line := range strings.Lines(stdout) {
		if n := columns(strings.TrimRight(line, "\n")); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.Contains(stdout, "\x1b") {
		t.Error("there is colour, and no terminal")
	}
	if marks := strings.Count(stdout, "✓"); marks != 12 || strings.Contains(stdout, "✗") || !strings.Contains(stdout, "All 12 steps held.") {
		t.Errorf("%d steps are marked as held:\n%s", marks, stdout)
	}
	if n := strings.Count(stdout, "204 · signature verified · REVOKED · Request-ID 08"); n != 6 {
		t.Errorf("%d orders are shown as cancelled, want 6:\n%s", n, stdout)
	}
}

func TestDemoForPeopleShowsWhatFailed(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	dead := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("the line is dead") })
	status := program{stdout: &out, stderr: &errs, transport: dead}.run(t.Context(), []string{"demo"})
	if status != 1 || errs.String() != "wxpay: 12 of 12 steps did not hold\n" {
		t.Errorf("exit status %d, %q", status, errs.String())
	}
	if n := strings.Count(out.String(), "✗"); n != 12 || strings.Contains(out.String(), "✓") || strings.Count(out.String(), "did not hold: ") != 12 {
		t.Errorf("%d steps are marked as failed:\n%s", n, out.String())
	}
}

func TestColour(t *testing.T) {
	t.Parallel()
	if text := (paper{colour: true}).paint(green, "✓"); text != "\x1b[32m✓\x1b[0m" {
		t.Errorf("with colour: %q", text)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if wantsColour(file) || wantsColour(new(bytes.Buffer)) {
		t.Error("what is no terminal gets colour")
	}
}

// What the demo shows as Go is in its code, outside of the text that is shown.
func TestTheLinesAreWhatRuns(t *testing.T) {
	t.Parallel()
	code := codeWithoutTexts(t, "demo_steps.go") + codeWithoutTexts(t, "demo_stage.go")
	steps := (&stage{}).steps(t.Context())
	if len(steps) == 0 {
		t.Fatal("there are no steps")
	}
	for _, st := range steps {
		for statement := range strings.SplitSeq(oneLine(st.line), "; ") {
			if !strings.Contains(code, withoutSpace(statement)) {
				t.Errorf("%s shows what is not in the code: %s", st.name, statement)
			}
		}
	}
}

// codeWithoutTexts is a file without its raw strings and its space.
func codeWithoutTexts(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(lit.Value, "`") {
			from, to := files.Position(lit.Pos()).Offset, files.Position(lit.End()).Offset
			copy(text[from:to], bytes.Repeat([]byte(" "), to-from))
		}
		return true
	})
	return withoutSpace(string(text))
}

func withoutSpace(s string) string { return strings.Join(strings.Fields(s), "") }
