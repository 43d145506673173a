package wechatpay

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

func TestTime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, out string }{
		"a time in UTC+8 stays as it is":      {`"2018-06-08T10:34:56+08:00"`, `"2018-06-08T10:34:56+08:00"`},
		"a time in UTC goes out in UTC+8":     {`"2018-06-08T02:34:56Z"`, `"2018-06-08T10:34:56+08:00"`},
		"fractions come in and do not go out": {`"2018-06-08T10:34:56.120+08:00"`, `"2018-06-08T10:34:56+08:00"`},
		"the empty string is the zero time":   {`""`, `""`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var at Time
			if err := json.Unmarshal([]byte(tt.in), &at); err != nil {
				t.Fatal(err)
			}
			if out, err := json.Marshal(at); err != nil || string(out) != tt.out {
				t.Errorf("went out as %s, %v; want %s", out, err, tt.out)
			}
		})
	}
	var at Time
	for _, text := range []string{`"yesterday"`, `1`, `"2018-06-08 10:34:56"`, `"0000-00-00T00:00:00Z"`} {
		if json.Unmarshal([]byte(text), &at) == nil {
			t.Errorf("%s was taken for %v", text, at)
		}
	}
}

// payer is a request with every kind of field that may have to do with a Sensitive.
type payer struct {
	Name   Sensitive       `json:"name"`
	Phone  Sensitive       `json:"phone,omitzero"`
	Remark string          `json:"remark"`
	Total  *int64          `json:"total,omitzero"`
	Items  []payerItem     `json:"items,omitzero"`
	Raw    json.RawMessage `json:"raw,omitzero"`
	Free   map[string]any  `json:"free,omitzero"`
}

type payerItem struct {
	Holder Sensitive `json:"holder,omitzero"`
	Count  int64     `json:"count"`
}

// TestABodyWithoutASensitiveCostsNothing counts the allocations that are not encoding/json's own.
func TestABodyWithoutASensitiveCostsNothing(t *testing.T) {
	for name, in := range map[string]any{
		"a dynamic body": map[string]any{"appid": "wx1", "n": 1, "f": 1.5, "nil": nil, "list": []any{"a", true, map[string]any{"b": json.Number("2")}},
			"texts": []string{"a"}, "more": map[string]any{"raw": json.RawMessage(`{}`), "text": map[string]string{"a": "b"}}},
		"a struct that cannot hold one":   struct{ A, B string }{"a", "b"},
		"a request whose lists are there": tree{Name: "a", Tags: []string{}, Kids: []tree{{Tags: []string{"b"}}}},
		"a request where all of them are empty": payer{Remark: "a", Total: new(int64(1)), Items: []payerItem{{Count: 1}, {Count: 2}},
			Free: map[string]any{"a": "b", "c": []any{"d"}}},
	} {
		var k call
		got := leastAllocs(t, func() error { _, err := k.marshal(in, true); return err })
		want := leastAllocs(t, func() error { _, err := json.Marshal(in); return err })
		if got > want {
			t.Errorf("%s is encoded with %v allocations, of which encoding/json makes %v", name, got, want)
		}
	}
}

// leastAllocs leaves out what comes now and then: the pools of encoding/json, which the race
// detector empties at random.
func leastAllocs(t *testing.T, f func() error) float64 {
	least := math.Inf(1)
	for range 30 {
		least = min(least, testing.AllocsPerRun(1, func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		}))
	}
	return least
}

func TestABodyThatHoldsItselfIsAnError(t *testing.T) {
	t.Parallel()
	own := map[string]any{}
	own["again"], own["and again"] = own, []any{own}
	hiding := map[string]any{"name": Sensitive("canary")}
	hiding["again"] = []any{hiding}
	type ring struct {
		Next *ring     `json:"next"`
		Name Sensitive `json:"name,omitzero"`
	}
	loop := &ring{}
	loop.Next = loop
	for name, in := range map[string]any{"a map": own, "a map with a Sensitive": hiding, "a pointer": loop} {
		var k call
		k.key = auth.PublicKey("1", &sealKey().PublicKey)
		if _, err := k.marshal(in, false); err == nil || !strings.Contains(err.Error(), "itself") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s gives %.200v", name, err)
		}
	}
}

func TestListsAreFilledOnlyWhereARequestIsSent(t *testing.T) {
	t.Parallel()
	type inner struct {
		List []int     `json:"list"`
		Name Sensitive `json:"name,omitzero"`
	}
	type outer struct {
		Left  inner  `json:"left,omitzero"`
		Right *inner `json:"right,omitzero"`
		Sent  inner  `json:"sent"`
	}
	for lists, want := range map[bool]string{
		true:  `{"right":{"list":[]},"sent":{"list":[]}}`,
		false: `{"right":{"list":null},"sent":{"list":null}}`, // a dynamic body is the caller's
	} {
		var k call
		in := outer{Right: new(inner)}
		if got, err := k.marshal(in, lists); err != nil || string(got) != want || in.Right.List != nil {
			t.Errorf("sent %s, %v; want %s", got, err, want)
		}
	}
}

var sealKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// The three are the same request: as the client encodes it, as somebody does by hand who encrypts
// with package crypt, and its RSA operations alone.

func sealedBody(k *call) error {
	_, err := k.marshal(payer{Name: "张三", Phone: "13800138000", Remark: "a", Items: []payerItem{{"李四", 1}, {"", 2}}}, true)
	return err
}

func handMadeBody(k *call) error {
	var texts [3]string
	for i, plaintext := range []string{"张三", "13800138000", "李四"} {
		var err error
		if texts[i], err = crypt.EncryptOAEP(k.key.Public, plaintext); err != nil {
			return err
		}
	}
	type item struct {
		Holder string `json:"holder,omitzero"`
		Count  int64  `json:"count"`
	}
	_, err := json.Marshal(struct {
		Name   string `json:"name"`
		Phone  string `json:"phone,omitzero"`
		Remark string `json:"remark"`
		Items  []item `json:"items,omitzero"`
	}{texts[0], texts[1], "a", []item{{texts[2], 1}, {"", 2}}})
	return err
}

func rsaAlone(k *call) error {
	for _, plaintext := range [][]byte{[]byte("张三"), []byte("13800138000"), []byte("李四")} {
		if _, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, k.key.Public, plaintext, nil); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkSealing compares them, in turn so that all meet the same noise: the metrics are medians
// of ratios, and allocations.
func BenchmarkSealing(b *testing.B) {
	const bodies = 20
	k := &call{key: auth.PublicKey("1", &sealKey().PublicKey)}
	ways := []func(*call) error{sealedBody, handMadeBody, rsaAlone}
	var overHand, overRSA []float64
	for b.Loop() {
		var took [3]float64
		for i := range ways {
			turn := (i + len(overRSA)) % len(ways)
			began := time.Now()
			for range bodies {
				if err := ways[turn](k); err != nil {
					b.Fatal(err)
				}
			}
			took[turn] = float64(time.Since(began))
		}
		overHand, overRSA = append(overHand, took[0]/took[1]), append(overRSA, took[0]/took[2])
	}
	slices.Sort(overHand)
	slices.Sort(overRSA)
	b.ReportMetric(overHand[len(overHand)/2], "by-hand-ratio")
	b.ReportMetric(overRSA[len(overRSA)/2], "rsa-ratio")
	for i, name := range []string{"allocs", "by-hand-allocs", "rsa-allocs"} {
		b.ReportMetric(testing.AllocsPerRun(20, func() { _ = ways[i](k) }), name)
	}
	b.ReportMetric(0, "ns/op") // says nothing here
}

// TestSealingAllocatesLittle is the budget of three fields, one of them in a list: the copy of the
// request, that of its list, the ciphertexts and their texts.
func TestSealingAllocatesLittle(t *testing.T) {
	const budget = 18
	k := &call{key: auth.PublicKey("1", &sealKey().PublicKey)}
	ours := leastAllocs(t, func() error { return sealedBody(k) })
	theirs := leastAllocs(t, func() error { return handMadeBody(k) })
	t.Logf("a body with three sensitive fields takes %v allocations, by hand %v", ours, theirs)
	if ours-theirs > budget {
		t.Errorf("a body with three sensitive fields takes %v allocations more than by hand, want at most %d", ours-theirs, budget)
	}
}
