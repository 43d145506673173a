package wechatpay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/openwechatpay/wechatpay"

// An arrow says what packages may import beside the standard library. Packages are named without
// the module, the root is ".". A star stands for one segment, three dots for any number.
type arrow struct {
	from string
	to   []string
}

// mechanism stands for the packages under internal that have no arrow of their own.
const mechanism = "internal/*"

// arrows is the order of this module: the first whose from fits a package holds for it.
var arrows = []arrow{
	{".", []string{"auth", "crypt", "code", "internal/facts", mechanism}},
	{"auth", []string{mechanism}},
	{"crypt", []string{mechanism}},
	{"code", nil},
	{"catalog", nil},
	{"catalog/catalogtest", []string{"catalog", mechanism}},
	{"webhook", []string{"auth", "crypt", "code", mechanism}},
	{"webhook/webhooktest", []string{"webhook", "auth", "crypt", mechanism}},
	{"bill", []string{".", "crypt", mechanism}},

	// Products know nothing of each other, so that a program compiles those that it uses.
	{"v3", []string{".", "v3/*"}},
	{"v2", []string{".", "v2/*", mechanism}},
	{"v3/*", []string{".", mechanism}},
	{"v2/*", []string{".", mechanism}},

	// The simulator is a reading of the rules of its own: it never sees the SDK.
	{"sim/simtest", []string{".", "auth", "crypt", "sim", "sim/control", "sim/world"}},
	{"sim/...", []string{"catalog", "auth", "crypt", "sim/world", "sim/control", "sim/internal/...", mechanism}},

	{"internal/facts", nil},
	{"internal/vectors", nil},
	{"internal/wxgen", []string{"catalog"}},
	{"internal/wxgen/...", []string{"catalog", "internal/wxgen/..."}},
	{"internal/binsize/hello", []string{".", "auth", "v3/payscore"}},
	{"internal/binsize/...", nil},
	{"examples/...", []string{".", "auth", "crypt", "code", "webhook", "webhook/webhooktest", "bill", "catalog", "v3", "v3/*", "v2", "v2/*", "sim", "sim/simtest", "sim/control", "sim/world"}},
	{mechanism, []string{"auth", "crypt"}},
}

func TestPackagesImportOnlyWhatTheArrowsAllow(t *testing.T) {
	t.Parallel()
	for name, imports := range packages(t) {
		for _, fault := range faults(name, imports) {
			t.Error(fault)
		}
	}
}

// faults tells which imports of a package no arrow allows. Tests are not bound.
func faults(name string, imports []string) []string {
	rule := arrowOf(name)
	if rule == nil {
		return []string{fmt.Sprintf("no arrow covers the package %s: add one to arrows_test.go", name)}
	}
	var faults []string
	for _, path := range imports {
		to, ours := strings.CutPrefix(path, module+"/")
		switch {
		case path == module:
			to = "."
		case !ours && !strings.Contains(strings.Split(path, "/")[0], ".") && path != "C":
			continue // the standard library
		case !ours:
			faults = append(faults, fmt.Sprintf("%s imports %s: this module imports nothing but itself and the standard library", name, path))
			continue
		}
		if !rule.allows(to) {
			faults = append(faults, fmt.Sprintf("%s imports %s: the arrow from %s leads to %v only", name, to, rule.from, rule.to))
		}
	}
	return faults
}

func arrowOf(name string) *arrow {
	for i := range arrows {
		if fits(arrows[i].from, name) {
			return &arrows[i]
		}
	}
	return nil
}

func (a *arrow) allows(to string) bool {
	return slices.ContainsFunc(a.to, func(pattern string) bool {
		if pattern == mechanism {
			target := arrowOf(to)
			return target != nil && target.from == mechanism
		}
		return fits(pattern, to)
	})
}

func fits(pattern, name string) bool {
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == root || strings.HasPrefix(name, root+"/")
	}
	ok, err := filepath.Match(pattern, name)
	return ok && err == nil
}

// packages lists the module's packages with what they import, their tests apart.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(command(t, "go", "list", "-e", "-json=ImportPath,Imports", "./...")))
	found := make(map[string][]string)
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if name == "" {
			name = "."
		}
		found[name] = p.Imports
	}
	if len(found["."]) == 0 || len(found) < 5 {
		t.Fatalf("go list found %d packages", len(found))
	}
	return found
}

func TestTheArrowsRefuse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, to string
		want     string // none if it is allowed
	}{
		"the SDK imports the index":                   {".", module + "/v3", ". imports v3: the arrow from . leads to"},
		"the SDK imports the simulator":               {".", module + "/sim", ". imports sim"},
		"the SDK imports test vectors":                {".", module + "/internal/vectors", ". imports internal/vectors"},
		"a product imports another":                   {"v3/payscore", module + "/v3/pay", "v3/payscore imports v3/pay: the arrow from v3/* leads to"},
		"a product imports the index":                 {"v3/payscore", module + "/v3", "v3/payscore imports v3"},
		"a product imports the keys":                  {"v3/payscore", module + "/auth", "v3/payscore imports auth"},
		"a product imports the SDK":                   {"v3/payscore", module, ""},
		"the index imports a product":                 {"v3", module + "/v3/payscore", ""},
		"the simulator imports the SDK":               {"sim/internal/front", module, "sim/internal/front imports .: the arrow from sim/... leads to"},
		"the simulator imports the typed API":         {"sim", module + "/v3/payscore", "sim imports v3/payscore"},
		"the simulator imports a part of itself":      {"sim", module + "/sim/internal/front", ""},
		"the simulator imports its helper for tests":  {"sim", module + "/sim/simtest", "sim imports sim/simtest"},
		"the helper for tests imports the SDK":        {"sim/simtest", module, ""},
		"the helper for tests imports what is hidden": {"sim/simtest", module + "/sim/internal/front", "sim/simtest imports sim/internal/front"},
		"notifications import the SDK":                {"webhook", module, "webhook imports ."},
		"a mechanism imports the keys":                {"internal/wire", module + "/auth", ""},
		"a mechanism imports the SDK":                 {"internal/wire", module, "internal/wire imports ."},
		"the keys import a mechanism":                 {"auth", module + "/internal/wire", ""},
		"the keys import the generator":               {"auth", module + "/internal/wxgen", "auth imports internal/wxgen"},
		"an example imports what is hidden":           {"examples/cancel", module + "/internal/facts", "examples/cancel imports internal/facts"},
		"an example imports a product":                {"examples/cancel", module + "/v3/payscore", ""},
		"anything imports another module":             {"examples/cancel", "github.com/spf13/cobra", "imports nothing but itself"},
		"anything imports C":                          {"crypt", "C", "imports nothing but itself"},
		"a package that is new":                       {"helpers", "fmt", "no arrow covers the package helpers"},
		"a package of a product that is new":          {"v3/payscore/helpers", "fmt", "no arrow covers"},
	}
	for name, tt := range tests {
		found := strings.Join(faults(tt.from, []string{"fmt", "net/http", tt.to}), "\n")
		if (found == "") != (tt.want == "") || !strings.Contains(found, tt.want) {
			t.Errorf("%s: found %q, want …%s…", name, found, tt.want)
		}
	}
}

func TestTheModuleRequiresNothing(t *testing.T) {
	t.Parallel()
	var mod struct{ Require, Replace, Tool []any }
	if err := json.Unmarshal([]byte(command(t, "go", "mod", "edit", "-json", "go.mod")), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Require)+len(mod.Replace)+len(mod.Tool) != 0 {
		t.Errorf("go.mod has %v %v %v: what wants a dependency lives in a nested module", mod.Require, mod.Replace, mod.Tool)
	}
}

// TestTheRootPackageStaysSmall is the budget of what a newcomer has to read.
func TestTheRootPackageStaysSmall(t *testing.T) {
	t.Parallel()
	const lines, files, docLines = 400, 10, 500
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	if len(names) == 0 || len(names) > files {
		t.Errorf("the root package has %d files, want at most %d", len(names), files)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(text), "\n"); got > lines {
			t.Errorf("%s has %d lines, want at most %d", name, got, lines)
		}
	}
	got := strings.Count(command(t, "go", "doc", "-all", "."), "\n")
	t.Logf("%d files, %d lines of documentation", len(names), got)
	if got < 100 || got > docLines {
		t.Errorf("go doc -all . has %d lines, want at most %d", got, docLines)
	}
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}
