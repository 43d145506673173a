package catalogtest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/catalog/catalogtest"
)

// That samples fit all operations, the tests of the simulator and of package v3 tell.

func TestAValueIsOneThatItsFieldMayHave(t *testing.T) {
	t.Parallel()
	inner := []catalog.Field{{Name: "id", Type: "string", Required: true}, {Name: "n", Type: "integer"}}
	angles := func(plaintext string) any { return "<" + plaintext + ">" }
	tests := map[string]struct {
		field   catalog.Field
		sampler catalogtest.Sampler
		want    any
	}{
		"a text":                           {field: catalog.Field{Type: "string"}, want: "4200000001"},
		"a text that has to be long":       {field: catalog.Field{Type: "string", MinLength: 12}, want: "420000000100"},
		"a text that has to be short":      {field: catalog.Field{Type: "string", MaxLength: 2}, want: "42"},
		"a text with a pattern":            {field: catalog.Field{Type: "string", Pattern: "https://.+"}, want: "https://example.com/notify"},
		"one of an enumeration":            {field: catalog.Field{Type: "string", Enum: []string{"B", "A"}}, want: "B"},
		"a time":                           {field: catalog.Field{Type: "string", Format: "yyyyMMdd|rfc3339"}, want: "20261125"},
		"a literal":                        {field: catalog.Field{Type: "string", Format: "OnAccept"}, want: "OnAccept"},
		"a number that has to be large":    {field: catalog.Field{Type: "integer", Minimum: new(int64(5))}, want: int64(5)},
		"a number that has to be small":    {field: catalog.Field{Type: "number", Maximum: new(int64(-5))}, want: int64(-5)},
		"a number of an enumeration":       {field: catalog.Field{Type: "integer", Enum: []string{"3"}}, want: json.Number("3")},
		"a list":                           {field: catalog.Field{Type: "boolean[]", MinItems: 2}, want: []any{true, true}},
		"an object":                        {field: catalog.Field{Type: "object", Fields: inner}, want: map[string]any{"id": "4200000001", "n": int64(1)}},
		"an object with what is required":  {catalog.Field{Type: "object", Fields: inner}, catalogtest.Sampler{RequiredOnly: true}, map[string]any{"id": "4200000001"}},
		"a string of JSON":                 {field: catalog.Field{Type: "string[]", Encoded: "json"}, want: `["4200000001"]`},
		"a sensitive text":                 {field: catalog.Field{Type: "string", Encrypted: "platform"}, want: "4200000001"},
		"a sensitive text that is hidden":  {catalog.Field{Type: "string", Encrypted: "platform"}, catalogtest.Sampler{Encrypt: angles}, "<4200000001>"},
		"a text that is not, with the key": {catalog.Field{Type: "string"}, catalogtest.Sampler{Encrypt: angles}, "4200000001"},
	}
	for name, tt := range tests {
		if got := tt.sampler.Value(&tt.field); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %#v, want %#v", name, got, tt.want)
		}
	}
}

func TestAPatternThatNoTextFitsIsNamed(t *testing.T) {
	t.Parallel()
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "[Q]+ of no") {
			t.Errorf("panicked with %s", text)
		}
	}()
	catalogtest.Sampler{}.Value(&catalog.Field{Name: "no", Type: "string", Pattern: "[Q]+"})
}

func TestARequestHasWhatTheOperationTakes(t *testing.T) {
	t.Parallel()
	op := &catalog.Operation{Method: "POST", Path: "/v3/pots/{no}/brew", Request: catalog.Request{
		Path:    []catalog.Field{{Name: "no", Type: "string", Enum: []string{"a/b"}}},
		Query:   []catalog.Field{{Name: "kinds", Type: "string[]", MinItems: 2, Enum: []string{"A&B"}}},
		Headers: []catalog.Field{{Name: "Idempotency-Key", Type: "string"}},
		Body: &catalog.Body{Kind: "multipart", Fields: []catalog.Field{{Name: "sha256", Type: "string", Required: true}},
			File: &catalog.File{Part: "file", Name: "filename", Digest: "sha256", Limits: []catalog.FileLimit{{Types: []string{"pdf"}}}}},
	}}
	r := catalogtest.Sampler{}.Request(op)
	if got, want := r.Target(op), "/v3/pots/a%2Fb/brew?kinds=A%26B&kinds=A%26B"; got != want {
		t.Errorf("the target is %s, want %s", got, want)
	}
	if r.Header["Idempotency-Key"] != "4200000001" || r.File.Name != "a.pdf" || r.Body["filename"] != "a.pdf" {
		t.Errorf("the request is %+v", r)
	}
	other := *op.Request.Body.File
	other.Hash = "SM3"
	if digest := r.Body["sha256"]; digest != catalogtest.Digest(op.Request.Body.File, r.File.Content) || digest == catalogtest.Digest(&other, r.File.Content) {
		t.Errorf("the digest is %v", digest)
	}
}
