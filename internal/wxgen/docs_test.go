package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/openwechatpay/wechatpay/catalog"
)

// tea is a made-up catalog with what the reference and the comparison tell apart.
const tea = `{
  "title": "茶", "english": "Tea",
  "operations": [
    {
      "method": "POST", "host": "api.mch.weixin.qq.com", "path": "/v3/tea/pots", "title": "泡茶", "name": "BrewPot",
      "request": {"body": {"kind": "json", "required": true, "fields": [
        {"name": "leaf", "type": "string", "label": "茶叶", "required": true, "enum": ["GREEN", "BLACK"], "max_length": 8},
        {"name": "minutes", "type": "integer", "label": "分钟", "minimum": 1, "maximum": 9},
        {"name": "cups", "type": "object[]", "label": "杯", "fields": [
          {"name": "sugar", "type": "integer", "label": "糖"}
        ]}
      ]}},
      "response": {"status": [200], "body": {"kind": "json", "fields": [
        {"name": "pot_id", "type": "string", "label": "壶号", "required": true, "max_length": 8},
        {"name": "state", "type": "string", "label": "状态", "enum": ["HOT", "COLD"]}
      ]}},
      "docs": ["https://pay.weixin.qq.com/doc/v3/merchant/1", "https://pay.weixin.qq.com/doc/v3/merchant/2", "https://pay.weixin.qq.com/doc/v3/partner/3", "https://pay.weixin.qq.com/wiki/3"]
    },
    {
      "method": "GET", "host": "api.mch.weixin.qq.com", "path": "/v3/tea/pots/{pot_id}", "title": "查询壶",
      "lifecycle": {"status": "superseded", "since": "2024-01-01", "replaced_by": ["POST /v3/tea/pots"]},
      "request": {"path": [{"name": "pot_id", "type": "string", "label": "壶号", "required": true}]},
      "response": {"status": [200], "body": {"kind": "json", "fields": [{"name": "warmth", "type": "number", "label": "温度"}]}},
      "docs": ["https://pay.weixin.qq.com/doc/v3/merchant/4"]
    },
    {
      "method": "DELETE", "host": "api.mch.weixin.qq.com", "path": "/v3/tea/pots/{pot_id}", "title": "倒掉",
      "request": {"path": [{"name": "pot_id", "type": "string", "label": "壶号", "required": true}]},
      "response": {"status": [204], "body": {"kind": "empty"}}
    },
    {
      "method": "POST", "host": "api.mch.weixin.qq.com", "path": "/v3/tea/photos", "title": "上传照片",
      "request": {"body": {"kind": "multipart", "required": true, "fields": [
        {"name": "filename", "type": "string", "required": true},
        {"name": "sha256", "type": "string", "required": true}
      ], "file": {"part": "file", "name": "filename", "digest": "sha256", "limits": [{"types": ["jpg"], "max_bytes": 2048}]}}},
      "response": {"status": [204], "body": {"kind": "empty"}}
    },
    {
      "method": "GET", "host": "api.mch.weixin.qq.com", "path": "/v3/tea/photos/{page}", "title": "下载照片",
      "security": {"response_unsigned": true},
      "request": {"path": [{"name": "page", "type": "integer", "required": true}]},
      "response": {"status": [200], "body": {"kind": "download"}}
    }
  ],
  "notifications": [
    {
      "event_types": ["TEA.READY", "TEA.DONE"], "title": "茶好了通知",
      "resource": {"name": "resource", "type": "object", "fields": [
        {"name": "pot_id", "type": "string", "label": "壶号", "required": true},
        {"name": "pourer", "type": "string", "label": "倒茶人"}
      ]},
      "docs": ["https://pay.weixin.qq.com/doc/v3/partner/5"]
    },
    {
      "event_types": ["TEA.ASKED"], "title": "点茶问询",
      "resource": {"name": "resource", "type": "object", "fields": [{"name": "guest", "type": "string", "label": "客人"}]},
      "answer": {"within": "3s", "fields": [{"name": "strength", "type": "integer", "label": "浓度"}]},
      "docs": ["https://pay.weixin.qq.com/doc/v3/partner/6"]
    }
  ]
}`

func teaCatalog(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Read(fstest.MapFS{"v3/tea.json": {Data: []byte(tea)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheReferenceHasALineForEachThing(t *testing.T) {
	t.Parallel()
	page, err := apiFile(teaCatalog(t), "v3")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"the number of all": "5 operations and 2 notifications of APIv3",
		"a product above":   "| [tea](#tea) | 茶 Tea | 5 |\n",
		"a product":         "\n## tea\n\n茶 Tea: [`tea.New(client)`](../v3/tea), `v3.New(client).Tea()`\n",
		"an operation, with one page for each kind of caller": "- [泡茶](https://pay.weixin.qq.com/doc/v3/merchant/1) [partner](https://pay.weixin.qq.com/doc/v3/partner/3) [page](https://pay.weixin.qq.com/wiki/3)\\\n" +
			"  `POST /v3/tea/pots`\\\n  `.Pots().Post(ctx, BrewPotRequest{…})` → `*BrewPotResponse`\n",
		"an operation that has had its day": "- [查询壶](https://pay.weixin.qq.com/doc/v3/merchant/4) — **superseded** since 2024-01-01 by `POST /v3/tea/pots`\\\n" +
			"  `GET /v3/tea/pots/{pot_id}`\\\n  `.Pots().PotID(potID).Get(ctx)` → `*GetPotResponse`\n",
		"an operation without a page and an answer": "- 倒掉\\\n  `DELETE /v3/tea/pots/{pot_id}`\\\n  `.Pots().PotID(potID).Delete(ctx)` → `*wechatpay.Response`\n",
		"a download":               "  `.Photos().Page(page).Get(ctx)` → `io.ReadCloser`\n",
		"a notification":           "- [茶好了通知](https://pay.weixin.qq.com/doc/v3/partner/5)\\\n  `TEA.READY`, `TEA.DONE` → `Ready`\n",
		"a notification that asks": "- [点茶问询](https://pay.weixin.qq.com/doc/v3/partner/6)\\\n  `TEA.ASKED` → `Asked`, answered with `AskedAnswer` within 3s\n",
	} {
		if strings.Count(string(page), want) != 1 {
			t.Errorf("%s is not there once:\n%s\nin\n%s", name, want, page)
		}
	}
}

// reference is docs/api.md.
func reference(t *testing.T) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, apiPages["v3"]))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheReferenceIsCurrentAndSmallEnoughForGitHub(t *testing.T) {
	t.Parallel()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	want, err := apiFile(c, "v3")
	if err != nil {
		t.Fatal(err)
	}
	page := reference(t)
	if page != string(want) {
		t.Errorf("%s is not what the catalog gives: run go generate ./...", apiPages["v3"])
	}
	if size := len(page); size > 400_000 {
		t.Errorf("%s has %d bytes: GitHub shows 512,000 at most, and browsers get slow before", apiPages["v3"], size)
	}
}

func TestThePageOfAPIv2HasEachOperationOnce(t *testing.T) {
	t.Parallel()
	c, err := catalog.LoadV2()
	if err != nil {
		t.Fatal(err)
	}
	page, err := apiFile(c, "v2")
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range c.Operations() {
		if n := strings.Count(string(page), "`"+op.ID()+"`"); n != 1 {
			t.Errorf("%s is there %d times", op.ID(), n)
		}
	}
}

func TestTheReferenceNamesEveryOperationAndNotificationOnce(t *testing.T) {
	t.Parallel()
	page := reference(t)
	for _, op := range catalog.Operations() {
		if n := strings.Count(page, "\n  `"+op.ID()+"`\\\n"); n != 1 {
			t.Errorf("%s is there %d times", op.ID(), n)
		}
	}
	for _, n := range catalog.Notifications() {
		if times := strings.Count(page, "\n  `"+strings.Join(n.EventTypes, "`, `")+"` → "); times != 1 {
			t.Errorf("%s is there %d times", n.EventTypes[0], times)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(#(.*?)\)`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, "\n## "+link[1]+"\n") {
			t.Errorf("there is no heading %s", link[1])
		}
	}
}

// TestTheReferenceIsGoThatCompiles makes a program of all its lines, which does what they say.
func TestTheReferenceIsGoThatCompiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "referenced.go")
	if err := os.WriteFile(program, []byte(referenceProgram(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "internal/referenced/referenced.go"): program}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay="+name, "./internal/referenced")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// referenceProgram declares, for every chain of docs/api.md, a variable of the type behind the arrow and
// assigns it what the chain returns.
func referenceProgram(t *testing.T) string {
	t.Helper()
	var imports, body strings.Builder
	pkg, id, chains := "", "", 0
	heading := regexp.MustCompile("\\[`(\\w+)\\.New\\(client\\)`\\]\\(\\.\\./(.*?)\\)")
	operation := regexp.MustCompile("^  `([A-Z]+ /.*)`\\\\$")
	chain := regexp.MustCompile("^  `(\\..*)` → `(\\*?)(.*)`$")
	request := regexp.MustCompile(`(\w+)\{…\}`)
	for line := range strings.Lines(reference(t)) {
		line = strings.TrimSuffix(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			pkg = m[1]
			fmt.Fprintf(&imports, "import %s %q\n", pkg, module+"/"+m[2])
		}
		if m := operation.FindStringSubmatch(line); m != nil {
			id = m[1]
		}
		if m := chain.FindStringSubmatch(line); m != nil {
			chains++
			result := m[3]
			if !strings.Contains(result, ".") {
				result = pkg + "." + result
			}
			op := catalog.Find(id)
			if op == nil {
				t.Fatalf("%s is before %s, and in no catalog", id, line)
			}
			body.WriteString("func(")
			for _, f := range op.Request.Path {
				typ := map[bool]string{true: "string", false: "int64"}[f.Type == "string"]
				fmt.Fprintf(&body, "%s %s, ", local(f.Name), typ)
			}
			call := request.ReplaceAllString(m[1], pkg+".$1{}")
			fmt.Fprintf(&body, ") { var out %s%s; out, _ = %s.New(client)%s; _ = out },\n", m[2], result, pkg, call)
		}
	}
	if chains != len(catalog.Operations()) {
		t.Errorf("%d chains are read, want %d", chains, len(catalog.Operations()))
	}
	return "package referenced\n\nimport \"context\"\nimport \"io\"\nimport \"" + module + "\"\n" + imports.String() +
		"\nvar ctx = context.Background()\nvar client *wechatpay.Client\nvar _ io.Reader\n\nvar _ = []any{\n" + body.String() + "}\n"
}

func TestFindingAnOperation(t *testing.T) {
	t.Parallel()
	const (
		brew = "POST /v3/tea/pots 泡茶\n    tea.New(client).Pots().Post(ctx, BrewPotRequest{…}) → *BrewPotResponse\n"
		get  = "GET /v3/tea/pots/{pot_id} 查询壶\n    tea.New(client).Pots().PotID(potID).Get(ctx) → *GetPotResponse\n"
		pour = "DELETE /v3/tea/pots/{pot_id} 倒掉\n    tea.New(client).Pots().PotID(potID).Delete(ctx) → *wechatpay.Response\n"
		ask  = "TEA.ASKED 点茶问询\n    tea.Asked → tea.AskedAnswer\n"
		done = "TEA.READY TEA.DONE 茶好了通知\n    tea.Ready\n"
	)
	for name, tt := range map[string]struct {
		words string
		want  string
	}{
		"by a part of the URL":                   {"/pots/", get + pour},
		"by its title":                           {"泡茶", brew},
		"by the type that it takes":              {"brewpotrequest", brew},
		"by two words that are both in its text": {"DELETE 茶", pour},
		"by a field":                             {"minutes", brew + "    request: minutes 分钟\n"},
		"by a field of an item":                  {"sugar", brew + "    request: cups: sugar 糖\n"},
		"by the label of a field":                {"温度", get + "    response: warmth 温度\n"},
		"by a word of its text and a field":      {"pots leaf", brew + "    request: leaf 茶叶\n"},
		"by two fields, both of which are there": {"leaf state", brew + "    request: leaf 茶叶\n    response: state 状态\n"},
		"by an event type":                       {"tea.done", done},
		"by a field of a notification":           {"pourer", done + "    resource: pourer 倒茶人\n"},
		"by a field of what it is answered with": {"strength", ask + "    answer: strength 浓度\n"},
		"by the type that it is answered with":   {"AskedAnswer", ask},
		"not by a part of a field's name":        {"minute", ""},
		"not by two fields of which one is not":  {"leaf warmth", ""},
		"by nothing":                             {"coffee", ""},
	} {
		var got strings.Builder
		err := find(teaCatalog(t), strings.Fields(tt.words), &got)
		if got.String() != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s: %q finds\n%s%v, want\n%s", name, tt.words, got.String(), err, tt.want)
		}
	}
}
