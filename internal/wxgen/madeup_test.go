package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// brew is an operation that nobody has.
const brew = `{
  "method": "POST", "host": "api.mch.weixin.qq.com", "path": "/v3/industry-coupon/pots/{out_pot_no}/brew", "title": "煮咖啡", "name": "BrewPot",
  "categories": ["出行券"], "modes": ["merchant"],
  "request": {
    "path": [{"name": "out_pot_no", "type": "string", "label": "壶号", "required": true}],
    "body": {"kind": "json", "required": true, "fields": [{"name": "cups", "type": "integer", "label": "杯数", "required": true, "maximum": 12}]}
  },
  "response": {"status": [200], "body": {"kind": "json", "fields": [
    {"name": "out_pot_no", "type": "string", "label": "壶号"},
    {"name": "cups", "type": "integer", "label": "杯数"}
  ]}},
  "docs": ["https://pay.weixin.qq.com/doc/v3/merchant/1"]
}`

// TestAnOperationThatIsAddedIsCallableDocumentedAndSimulated edits one JSON file of a copy of the module,
// and runs the generator there.
func TestAnOperationThatIsAddedIsCallableDocumentedAndSimulated(t *testing.T) {
	t.Parallel()
	dir := copyOfTheModule(t)
	product := filepath.Join(dir, "catalog/v3/industry-coupon.json")
	edit(t, product, func(text string) string {
		return strings.Replace(text, `"operations": [`, `"operations": [`+brew+",", 1)
	})
	inCopy(t, dir, "run", "./internal/wxgen")

	program, err := os.ReadFile("testdata/brew_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "brew"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "brew/brew_test.go"), program, 0o666); err != nil {
		t.Fatal(err)
	}
	inCopy(t, dir, "test", "./brew")

	page, err := os.ReadFile(filepath.Join(dir, apiPages["v3"]))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"煮咖啡", "POST /v3/industry-coupon/pots/{out_pot_no}/brew", ".Pots().OutPotNo(", "BrewPotRequest"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%s does not mention %s", apiPages["v3"], want)
		}
	}
}

// copyOfTheModule is without hidden folders and nested modules.
func copyOfTheModule(t *testing.T) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(name, root))
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil || strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return os.Mkdir(to, 0o777)
		}
		if !d.Type().IsRegular() || strings.HasPrefix(d.Name(), "go.work") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func edit(t *testing.T, name string, change func(text string) string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(change(string(text))), 0o666); err != nil {
		t.Fatal(err)
	}
}

// inCopy runs the go command. Paths are trimmed, so that the cache serves the next copy as well.
func inCopy(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-trimpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
