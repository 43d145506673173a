package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
)

// TestMain is the server as well, which the bench runs as a process of its own.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveArgument {
		exit(serve(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

func newTestBench(t *testing.T) *bench {
	t.Helper()
	b, err := newBench()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// TestEveryMeasurementGivesItsFigures holds the budgets as well. It is not parallel, for allocations are
// counted.
func TestEveryMeasurementGivesItsFigures(t *testing.T) {
	b := newTestBench(t)
	for _, m := range measurements {
		t.Run(m.titles[0], func(t *testing.T) {
			tables, err := m.run(once, b)
			if err != nil {
				t.Fatal(err)
			}
			var titles []string
			for _, table := range tables {
				titles = append(titles, table.title)
				checkTable(t, table, b.openssl != nil)
			}
			if !slices.Equal(titles, m.titles) {
				t.Errorf("the tables are %q, want %q", titles, m.titles)
			}
		})
	}
}

func checkTable(t *testing.T, table table, all bool) {
	t.Helper()
	if len(table.rows) == 0 {
		t.Errorf("%s has no rows", table.title)
	}
	for _, r := range table.rows {
		if len(r.cells) != len(table.head) {
			t.Errorf("%s, %s: %d cells under %d heads", table.title, r.name, len(r.cells), len(table.head))
		}
		found := 0
		for i, c := range r.cells {
			switch {
			case c.found():
				found++
			case c.none == "":
				t.Errorf("%s, %s: %s is %v", table.title, r.name, table.head[i], c.value)
			}
		}
		if all && found == 0 {
			t.Errorf("%s, %s: there is no figure", table.title, r.name)
		}
		for _, g := range r.goals {
			if g.budget && !g.met {
				t.Errorf("%s, %s: %s", table.title, r.name, g.text)
			}
		}
		ratio := slices.Index(table.head, "SDK / floor (p5–p95)")
		several := strings.HasSuffix(r.name, " 1 in flight") // rounds, of whose ratios the median is another than the ratio of the medians
		if ratio > 0 && r.cells[ratio].none == "" && !several {
			if want := r.cells[1].value / r.cells[0].value; math.Abs(r.cells[ratio].value/want-1) > 1e-9 {
				t.Errorf("%s, %s: the ratio is %v, want %v", table.title, r.name, r.cells[ratio].value, want)
			}
		}
		if len(r.cells) > 0 && r.cells[0].none == "" && r.cells[0].value <= 0 {
			t.Errorf("%s, %s: %s is %v, want more than nothing", table.title, r.name, table.head[0], r.cells[0].value)
		}
	}
}

// TestBothSidesSendTheSameRequest keeps the floor honest.
func TestBothSidesSendTheSameRequest(t *testing.T) {
	t.Parallel()
	b := newTestBench(t)
	if err := b.answersNow(); err != nil {
		t.Fatal(err)
	}
	var seen []*http.Request
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen, bodies = append(seen, r), append(bodies, string(body))
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	client, err := b.client(b.merchant, wechatpay.BaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	f := b.floor(b.merchant)
	f.address = server.URL
	for _, twin := range twins {
		seen, bodies = nil, nil
		byHand, bySDK := twin.floor(f)(t.Context()), twin.sdk(client)(t.Context())
		if byHand == nil || bySDK == nil || len(seen) != 2 {
			t.Fatalf("%s: %d requests, %v, %v", twin.name, len(seen), byHand, bySDK)
		}
		left, right := seen[0], seen[1]
		if left.Method != right.Method || left.RequestURI != right.RequestURI || bodies[0] != bodies[1] {
			t.Errorf("%s: by hand %s %s %s, with the SDK %s %s %s", twin.name,
				left.Method, left.RequestURI, bodies[0], right.Method, right.RequestURI, bodies[1])
		}
		byName := func(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }
		if !slices.Equal(byName(left.Header), byName(right.Header)) {
			t.Errorf("%s: the headers are %v, and with the SDK %v", twin.name, byName(left.Header), byName(right.Header))
		}
		for name := range left.Header {
			if name != "Authorization" && left.Header.Get(name) != right.Header.Get(name) || len(left.Header.Get(name)) != len(right.Header.Get(name)) {
				t.Errorf("%s: %s differs", twin.name, name)
			}
		}
	}
}

func TestTheFloorRefusesWhatDoesNotVerify(t *testing.T) {
	t.Parallel()
	b := newTestBench(t)
	header, err := b.sign([]byte(order))
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(&b.platform.PublicKey, header, []byte(order)); err != nil {
		t.Error(err)
	}
	if verify(&b.platform.PublicKey, header, []byte(order+" ")) == nil {
		t.Error("another body verifies")
	}
	const timestamp, nonce = "1554208460", "00112233445566778899aabbccddeeff"
	signature, err := auth.Sign(b.platform, auth.AnswerText(timestamp, nonce, []byte(order)))
	if err != nil {
		t.Fatal(err)
	}
	header.Set("Wechatpay-Timestamp", timestamp)
	header.Set("Wechatpay-Signature", signature)
	if verify(&b.platform.PublicKey, header, []byte(order)) == nil {
		t.Error("an old answer verifies")
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	tables, err := connections(once, newTestBench(t))
	if err != nil {
		t.Fatal(err)
	}
	if ours, usual := tables[0].rows[0].cells[0].value, tables[0].rows[1].cells[0].value; ours < 1 || usual < 2*ours {
		t.Errorf("there are %v, and %v with net/http's default transport, which keeps two", ours, usual)
	}
}

func TestWhatIsAskedForIsPrinted(t *testing.T) {
	for markdown, heading := range map[bool]string{false: "\nA CHAIN\n", true: "\n### A chain\n"} {
		var out, progress strings.Builder
		if err := run(&out, &progress, once, "chain", markdown); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); !strings.Contains(text, heading) || strings.Contains(strings.ToLower(text), "builds") || !strings.Contains(text, "All of it took") {
			t.Errorf("it printed %s", text)
		}
		if progress.String() != "measuring: A chain\n" {
			t.Errorf("meanwhile it printed %q", progress.String())
		}
	}
	if some, err := chosen("openssl over"); err != nil || len(some) != 1 || some[0].titles[0] != "A call with RSA-2048" {
		t.Errorf("the second table of a measurement is not found: %v, %v", some, err)
	}
	if some, err := chosen(""); err != nil || len(some) != len(measurements) {
		t.Errorf("by default %d are chosen: %v", len(some), err)
	}
	if err := run(io.Discard, io.Discard, once, "nothing like it", false); err == nil || !strings.Contains(err.Error(), "Builds") {
		t.Errorf("what there is not gives %v", err)
	}
}

func TestTheServerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := serve(strings.NewReader(""), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "http://127.0.0.1:") {
		t.Errorf("it wrote %q", out.String())
	}
}

func TestContendersTakeTurnsInAnotherOrderEachRound(t *testing.T) {
	t.Parallel()
	var turns []string
	as := func(name string) contender {
		return func(int) error {
			turns = append(turns, name)
			return nil
		}
	}
	all, err := compete(effort{rounds: 6}, 1, as("a"), as("b"), as("c"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(turns, " "); got != "a b c a b c c b a b c a a c b c a b b a c" { // the first three warm up
		t.Errorf("the turns were %s", got)
	}
	if len(all) != 3 || len(all[0]) != 6 || len(all[2]) != 6 {
		t.Errorf("the series are %v", all)
	}
	failed := errors.New("failed")
	if _, err := compete(once, 1, as("a"), func(int) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("the error is %v", err)
	}
}

func TestASpreadIsAMedianBetweenTwoPercentiles(t *testing.T) {
	t.Parallel()
	var values, doubles series
	for i := range 101 {
		values, doubles = append(values, float64(100-i)), append(doubles, float64(200-2*i))
	}
	if got := spreadOf(values); got != (spread{5, 50, 95}) {
		t.Errorf("the spread is %v", got)
	}
	if got := over(doubles[:100], values[:100]); got != (spread{2, 2, 2}) {
		t.Errorf("the ratio is %v", got)
	}
	if got := above(doubles, values); got != (spread{5, 50, 95}) {
		t.Errorf("the difference is %v", got)
	}
}

func TestATableReadsInBothForms(t *testing.T) {
	t.Parallel()
	table := table{
		title: "Speeds", says: "In µs.", head: []string{"µs", "ratio"},
		rows: []row{
			{"甲", []cell{micros(1500), between(spread{0.9, 1, 1.1})}, []goal{atMost(1.2, 1.1, ""), atMost(1, 2, " s")}},
			{"b", []cell{figure(2, 0), nothing("–")}, []goal{atLeast(3, 3, "×")}},
			{"c", []cell{figure(math.NaN(), 0), figure(1, 0)}, nil},
		},
	}
	const text = `
SPEEDS
In µs.

   µs   ratio                goal
甲  1.5  1.000 (0.900–1.100)  ≤ 1.10: missed by 0.1, ≤ 2 s: met
b  2    –                    ≥ 3×: met
c  NaN  1
`
	const markdown = `
### Speeds

In µs.

|  | µs | ratio | goal |
| --- | --- | --- | --- |
| 甲 | 1.5 | 1.000 (0.900–1.100) | ≤ 1.10: missed by 0.1, ≤ 2 s: met |
| b | 2 | – | ≥ 3×: met |
| c | NaN | 1 |  |
`
	for form, want := range map[bool]string{false: text, true: markdown} {
		var b strings.Builder
		if err := table.print(&b, form); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("it reads %s\nwant %s", b.String(), want)
		}
	}
	for i, want := range []bool{true, false} {
		if table.rows[i].cells[1].found() != want {
			t.Errorf("that there is a figure in line %d is %v", i, !want)
		}
	}
	if table.rows[2].cells[0].found() {
		t.Error("what is no number counts as a figure")
	}
}

func TestTheMachineIsNamed(t *testing.T) {
	t.Parallel()
	b := newTestBench(t)
	if got := machine(b); !strings.HasPrefix(got, time.Now().Format("2006-")) || !strings.Contains(got, "go1.") {
		t.Errorf("it is %q", got)
	}
	if got := machine(&bench{noOpenSSL: errors.New("it may not sign")}); !strings.HasSuffix(got, ", no OpenSSL: it may not sign") {
		t.Errorf("without a Signer it is %q", got)
	}
}
