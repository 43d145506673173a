package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/catalog"
)

// parsed is a catalog of one file that nobody checked.
func parsed(t *testing.T, text string) *catalog.Catalog {
	t.Helper()
	p := new(catalog.Product)
	if err := json.Unmarshal([]byte(text), p); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return &catalog.Catalog{Products: []*catalog.Product{p}}
}

// differences is what diff prints.
func differences(t *testing.T, old, now string) string {
	t.Helper()
	var b strings.Builder
	diff(parsed(t, old), parsed(t, now)).print(&b)
	return b.String()
}

// TestWhatAChangeOfTheCatalogMeans makes each change and takes it back.
func TestWhatAChangeOfTheCatalogMeans(t *testing.T) {
	t.Parallel()
	const (
		brew  = "POST /v3/tea/pots: "
		photo = "POST /v3/tea/photos: "
	)
	// The lines are those of the change, and those of the change back.
	tests := map[string]struct{ old, new, there, back string }{
		"an operation with another URL": {
			`"path": "/v3/tea/pots", `, `"path": "/v3/tea/kettles", `,
			"Added\n  POST /v3/tea/kettles: 泡茶\n\nBreaks\n  POST /v3/tea/pots: is gone\n",
			"Added\n  POST /v3/tea/pots: 泡茶\n\nBreaks\n  POST /v3/tea/kettles: is gone\n",
		},
		"another host": {
			`"host": "api.mch.weixin.qq.com", "path": "/v3/tea/pots", `, `"host": "apihk.mch.weixin.qq.com", "path": "/v3/tea/pots", `,
			"Breaks\n  " + brew + "host is apihk.mch.weixin.qq.com, was api.mch.weixin.qq.com\n",
			"Breaks\n  " + brew + "host is api.mch.weixin.qq.com, was apihk.mch.weixin.qq.com\n",
		},
		"a field of the request that is optional": {
			`{"name": "sugar",`, `{"name": "milk", "type": "string", "label": "奶"}, {"name": "sugar",`,
			"Added\n  " + brew + "request: cups: milk: 奶\n",
			"Breaks\n  " + brew + "request: cups: milk: is gone\n",
		},
		"a field of the request that is required": {
			`{"name": "minutes",`, `{"name": "water", "type": "string", "required": true}, {"name": "minutes",`,
			"Breaks\n  " + brew + "request: water: is new and required\n",
			"Breaks\n  " + brew + "request: water: is gone\n",
		},
		"a field of the answer": {
			`{"name": "warmth",`, `{"name": "weight", "type": "integer", "required": true}, {"name": "warmth",`,
			"Added\n  GET /v3/tea/pots/{pot_id}: response: weight: nothing\n",
			"Breaks\n  GET /v3/tea/pots/{pot_id}: response: weight: is gone\n",
		},
		"another type": {
			`"name": "minutes", "type": "integer"`, `"name": "minutes", "type": "string"`,
			"Breaks\n  " + brew + "request: minutes: type is string, was integer\n",
			"Breaks\n  " + brew + "request: minutes: type is integer, was string\n",
		},
		"a type of a list": {
			`"name": "cups", "type": "object[]"`, `"name": "cups", "type": "object"`,
			"Breaks\n  " + brew + "request: cups: type is object, was object[]\n",
			"Breaks\n  " + brew + "request: cups: type is object[], was object\n",
		},
		"a field that is encrypted": {
			`"name": "state", "type": "string"`, `"name": "state", "type": "string", "encrypted": "merchant"`,
			"Breaks\n  " + brew + "response: state: key of its encryption is merchant, was nothing\n",
			"Breaks\n  " + brew + "response: state: key of its encryption is nothing, was merchant\n",
		},
		"a field of the request that has to be there": {
			`"name": "minutes", "type": "integer"`, `"name": "minutes", "type": "integer", "required": true`,
			"Breaks\n  " + brew + "request: minutes: required is true, was false\n",
			"Also changed\n  " + brew + "request: minutes: required is false, was true\n",
		},
		"a field of the answer that is always there": {
			`"name": "state", "type": "string"`, `"name": "state", "type": "string", "required": true`,
			"Also changed\n  " + brew + "response: state: required is true, was false\n",
			"Also changed\n  " + brew + "response: state: required is false, was true\n",
		},
		"a body that may be left out": {
			`{"body": {"kind": "json", "required": true,`, `{"body": {"kind": "json",`,
			"Also changed\n  " + brew + "request: required is false, was true\n",
			"Breaks\n  " + brew + "request: required is true, was false\n",
		},
		"a value": {
			`["GREEN", "BLACK"]`, `["GREEN", "BLACK", "WHITE"]`,
			"Added\n  " + brew + "request: leaf: the value WHITE\n",
			"Breaks\n  " + brew + "request: leaf: the value WHITE is gone\n",
		},
		"values of the request where any would do": {
			`"name": "sugar", "type": "integer"`, `"name": "sugar", "type": "integer", "enum": ["A", "B"]`,
			"Breaks\n  " + brew + "request: cups: sugar: only A B are documented\n",
			"Breaks\n  " + brew + "request: cups: sugar: the value A is gone\n  " + brew + "request: cups: sugar: the value B is gone\n",
		},
		"values of the answer where any might come": {
			`"name": "pourer", "type": "string"`, `"name": "pourer", "type": "string", "enum": ["A"]`,
			"Also changed\n  TEA.READY: resource: pourer: only A are documented\n",
			"Breaks\n  TEA.READY: resource: pourer: the value A is gone\n",
		},
		"a length that is smaller": {
			`"BLACK"], "max_length": 8`, `"BLACK"], "max_length": 6`,
			"Breaks\n  " + brew + "request: leaf: max_length is 6, was 8\n",
			"Also changed\n  " + brew + "request: leaf: max_length is 8, was 6\n",
		},
		"a length that is no longer limited": {
			`"BLACK"], "max_length": 8`, `"BLACK"]`,
			"Also changed\n  " + brew + "request: leaf: max_length is nothing, was 8\n",
			"Breaks\n  " + brew + "request: leaf: max_length is 8, was nothing\n",
		},
		"a minimum that is greater, and a maximum too": {
			`"minimum": 1, "maximum": 9`, `"minimum": 2, "maximum": 10`,
			"Breaks\n  " + brew + "request: minutes: minimum is 2, was 1\n\nAlso changed\n  " + brew + "request: minutes: maximum is 10, was 9\n",
			"Breaks\n  " + brew + "request: minutes: maximum is 9, was 10\n\nAlso changed\n  " + brew + "request: minutes: minimum is 1, was 2\n",
		},
		"a minimum of zero, which is one": {
			`"minimum": 1, `, `"minimum": 0, `,
			"Also changed\n  " + brew + "request: minutes: minimum is 0, was 1\n",
			"Breaks\n  " + brew + "request: minutes: minimum is 1, was 0\n",
		},
		"a limit of an answer": {
			`"required": true, "max_length": 8`, `"required": true, "max_length": 6`,
			"Also changed\n  " + brew + "response: pot_id: max_length is 6, was 8\n",
			"Also changed\n  " + brew + "response: pot_id: max_length is 8, was 6\n",
		},
		"a pattern": {
			`"name": "sugar", "type": "integer"`, `"name": "sugar", "type": "integer", "pattern": "^[0-9]$"`,
			"Breaks\n  " + brew + "request: cups: sugar: pattern is ^[0-9]$, was nothing\n",
			"Also changed\n  " + brew + "request: cups: sugar: pattern is nothing, was ^[0-9]$\n",
		},
		"a format of an answer": {
			`"name": "pourer", "type": "string"`, `"name": "pourer", "type": "string", "format": "rfc3339"`,
			"Also changed\n  TEA.READY: resource: pourer: format is rfc3339, was nothing\n",
			"Also changed\n  TEA.READY: resource: pourer: format is nothing, was rfc3339\n",
		},
		"an answer that is empty": {
			`{"kind": "json", "fields": [{"name": "warmth", "type": "number", "label": "温度"}]}`, `{"kind": "empty"}`,
			"Breaks\n  GET /v3/tea/pots/{pot_id}: response: body is empty, was json\n",
			"Breaks\n  GET /v3/tea/pots/{pot_id}: response: body is json, was empty\n",
		},
		"a request that is empty": {
			`{"body": {"kind": "multipart", "required": true, "fields": [
        {"name": "filename", "type": "string", "required": true},
        {"name": "sha256", "type": "string", "required": true}
      ], "file": {"part": "file", "name": "filename", "digest": "sha256", "limits": [{"types": ["jpg"], "max_bytes": 2048}]}}}`, `{}`,
			"Breaks\n  " + photo + "request: body is empty, was multipart\n",
			"Breaks\n  " + photo + "request: body is multipart, was empty\n",
		},
		"a file that may be less large": {
			`"max_bytes": 2048`, `"max_bytes": 1024`,
			"Breaks\n  " + photo + "request: file: max_bytes is jpg:1024, was jpg:2048\n",
			"Also changed\n  " + photo + "request: file: max_bytes is jpg:2048, was jpg:1024\n",
		},
		"files that may be of more types": {
			`"types": ["jpg"]`, `"types": ["jpg", "png"]`,
			"Also changed\n  " + photo + "request: file: max_bytes is jpg:2048 png:2048, was jpg:2048\n",
			"Breaks\n  " + photo + "request: file: max_bytes is jpg:2048, was jpg:2048 png:2048\n",
		},
		"files of which nothing is documented": {
			`, "limits": [{"types": ["jpg"], "max_bytes": 2048}]`, ``,
			"Also changed\n  " + photo + "request: file: max_bytes is nothing, was jpg:2048\n",
			"Breaks\n  " + photo + "request: file: max_bytes is jpg:2048, was nothing\n",
		},
		"an answer that is no longer signed": {
			`"title": "倒掉",`, `"title": "倒掉", "security": {"scheme": "none"},`,
			"Also changed\n  DELETE /v3/tea/pots/{pot_id}: security is scheme none, " +
				"was usual\n",
			"Also changed\n  DELETE /v3/tea/pots/{pot_id}: security is usual, " +
				"was scheme none\n",
		},
		"an operation that is retired": {
			`"title": "倒掉",`, `"title": "倒掉", "lifecycle": {"status": "retired", "since": "2026-01-01"},`,
			"Deprecates\n  DELETE /v3/tea/pots/{pot_id}: lifecycle is **retired** since 2026-01-01, was nothing\n",
			"Also changed\n  DELETE /v3/tea/pots/{pot_id}: lifecycle is nothing, was **retired** since 2026-01-01\n",
		},
		"an operation that is a trial": {
			`"title": "倒掉",`, `"title": "倒掉", "lifecycle": {"status": "beta"},`,
			"Also changed\n  DELETE /v3/tea/pots/{pot_id}: lifecycle is **beta**, was nothing\n",
			"Also changed\n  DELETE /v3/tea/pots/{pot_id}: lifecycle is nothing, was **beta**\n",
		},
		"a notification with another event type": {
			`["TEA.READY", "TEA.DONE"]`, `["TEA.POURED", "TEA.DONE"]`,
			"Added\n  TEA.POURED: 茶好了通知\n\nBreaks\n  TEA.READY: is gone\n",
			"Added\n  TEA.READY: 茶好了通知\n\nBreaks\n  TEA.POURED: is gone\n",
		},
		"an event type that a notification arrives with too": {
			`["TEA.READY", "TEA.DONE"]`, `["TEA.READY", "TEA.DONE", "TEA.POURED"]`,
			"Added\n  TEA.READY: arrives as TEA.POURED too\n",
			"Breaks\n  TEA.READY: no longer arrives as TEA.POURED\n",
		},
		"a notification that asks something": {
			`"docs": ["https://pay.weixin.qq.com/doc/v3/partner/5"]`,
			`"answer": {"within": "1s", "fields": [{"name": "cups", "type": "integer"}]}, "docs": ["https://pay.weixin.qq.com/doc/v3/partner/5"]`,
			"Breaks\n  TEA.READY: answer: wanted is true, was false\n",
			"Breaks\n  TEA.READY: answer: wanted is false, was true\n",
		},
		"less time to answer a notification": {
			`"within": "3s"`, `"within": "1s"`,
			"Breaks\n  TEA.ASKED: answer: within is 1s, was 3s\n",
			"Also changed\n  TEA.ASKED: answer: within is 3s, was 1s\n",
		},
		"an answer to a notification that is signed": {
			`"within": "3s"`, `"within": "3s", "signed": true`,
			"Breaks\n  TEA.ASKED: answer: signed is true, was false\n",
			"Also changed\n  TEA.ASKED: answer: signed is false, was true\n",
		},
		"a field of the answer to a notification that has to be there": {
			`"name": "strength", "type": "integer"`, `"name": "strength", "type": "integer", "required": true`,
			"Breaks\n  TEA.ASKED: answer: strength: required is true, was false\n",
			"Also changed\n  TEA.ASKED: answer: strength: required is false, was true\n",
		},
		"an operation's name, which Go types have": {
			`"name": "BrewPot"`, `"name": "MakeTea"`,
			"Also changed\n  " + brew + "name is MakeTea, was BrewPot\n",
			"Also changed\n  " + brew + "name is BrewPot, was MakeTea\n",
		},
		"what is written about it": {
			`"label": "分钟"`, `"label": "时间"`, "", "",
		},
	}
	for name, tt := range tests {
		if n := strings.Count(tea, tt.old); n != 1 {
			t.Errorf("%s: %q is in the catalog %d times", name, tt.old, n)
			continue
		}
		now := strings.Replace(tea, tt.old, tt.new, 1)
		if got := differences(t, tea, now); got != tt.there {
			t.Errorf("%s gives\n%s\nwant\n%s", name, got, tt.there)
		}
		if got := differences(t, now, tea); got != tt.back {
			t.Errorf("%s, taken back, gives\n%s\nwant\n%s", name, got, tt.back)
		}
	}
}

func TestCatalogsAreReadFromDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(path, text string) {
		name := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("checkout/catalog/v3/tea.json", tea)
	put("files/v3/tea.json", strings.Replace(tea, `"DELETE"`, `"PATCH"`, 1))
	put("old/v3/tea.json", strings.NewReplacer(`"event_types": ["TEA.READY", "TEA.DONE"]`, `"event_type": "TEA.READY"`, `"title": "茶"`, `"strange": 1`).Replace(tea))
	put("broken/v3/tea.json", "{")
	for name, tt := range map[string]struct{ old, now, want, err string }{
		"the same twice":         {"checkout", "checkout", "", ""},
		"a checkout and files":   {"checkout", "files", "Added\n  PATCH /v3/tea/pots/{pot_id}: 倒掉\n\nBreaks\n  DELETE /v3/tea/pots/{pot_id}: is gone\n", ""},
		"files of an old form":   {"old", "checkout", "Added\n  TEA.READY: 茶好了通知\n\nBreaks\n  茶好了通知: is gone\n", ""},
		"no files":               {"checkout", "nowhere", "", "nowhere has no catalog/v3/*.json and no v3/*.json"},
		"files that are no JSON": {"broken", "checkout", "", "unexpected end of JSON input"},
	} {
		var got strings.Builder
		err := diffDirs(filepath.Join(dir, tt.old), filepath.Join(dir, tt.now), &got)
		if got.String() != tt.want {
			t.Errorf("%s gives\n%s\nwant\n%s", name, got.String(), tt.want)
		}
		if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: the error is %v, want %q", name, err, tt.err)
		}
	}
}

func TestADotIsTheProjectItself(t *testing.T) {
	t.Parallel()
	c, err := readLoosely(".")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(c.Operations()), len(catalog.Operations()); got != want {
		t.Errorf("it has %d operations, want %d", got, want)
	}
}
