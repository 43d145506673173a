// Package binsize holds the budget of what the SDK adds to a program. Its programs make the same
// call with the SDK (hello), with the index of all products (hello with the build tag index) and
// without (floor). What compiling the index costs, make build-cost tells.
package binsize

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/openwechatpay/wechatpay"

func TestTheSDKAddsLittleToAProgram(t *testing.T) {
	t.Parallel()
	const budget = 300_000
	hello, floor := size(t, "hello", ""), size(t, "floor", "")
	t.Logf("hello has %d bytes, floor %d: the SDK adds %d", hello, floor, hello-floor)
	if hello-floor > budget {
		t.Errorf("the SDK adds %d bytes, want at most %d", hello-floor, budget)
	}
}

// TestTheIndexAddsLittleToAProgram is what keeps the index usable: the linker leaves out what is not
// called, as long as nothing looks for methods by name. What stays is the map of all paths.
func TestTheIndexAddsLittleToAProgram(t *testing.T) {
	t.Parallel()
	const budget = 100_000
	hello, index := size(t, "hello", ""), size(t, "hello", "index")
	t.Logf("with the index hello has %d bytes, with one product %d: the index adds %d", index, hello, index-hello)
	if index-hello > budget || index == hello {
		t.Errorf("the index adds %d bytes, want at most %d", index-hello, budget)
	}
}

// TestTheSDKAddsFewPackages counts those that a program compiles, with those of the standard library.
func TestTheSDKAddsFewPackages(t *testing.T) {
	t.Parallel()
	const budget = 14
	count := func(program string) int {
		return len(strings.Fields(run(t, "list", "-deps", "-f", "{{.ImportPath}}", "./"+program)))
	}
	hello, floor := count("hello"), count("floor")
	t.Logf("hello has %d packages, floor %d", hello, floor)
	if hello-floor > budget {
		t.Errorf("the SDK adds %d packages, want at most %d", hello-floor, budget)
	}
}

// size builds the program as it would be shipped, without symbols and debug information. Those
// would count the length of names, of which generated code has many.
func size(t *testing.T, program, tags string) int64 {
	t.Helper()
	binary := filepath.Join(t.TempDir(), program)
	run(t, "build", "-tags", tags, "-ldflags=-s -w", "-o", binary, "./"+program)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestAProgramCompilesNothingThatItDoesNotUse(t *testing.T) {
	t.Parallel()
	engine := []string{module, module + "/auth", module + "/crypt", module + "/code"}
	products := strings.Fields(run(t, "list", module+"/v3/..."))
	unwelcome := []string{"html/template", "text/template", "encoding/xml", "testing", "embed", "plugin", "go/ast"}
	for _, tt := range []struct {
		program, tags string
		products      []string
	}{
		{"./hello", "", []string{module + "/v3/payscore"}},
		{module + "/v3/payscore", "", []string{module + "/v3/payscore"}},
		{"./hello", "index", products},
	} {
		deps := strings.Fields(run(t, "list", "-tags", tt.tags, "-deps", "-f", "{{.ImportPath}}", tt.program))
		for _, dep := range deps {
			switch {
			case slices.Contains(unwelcome, dep):
				t.Errorf("%s compiles %s", tt.program, dep)
			case !strings.Contains(strings.Split(dep, "/")[0], "."):
				continue // the standard library
			case !strings.HasPrefix(dep, module):
				t.Errorf("%s compiles %s, which is neither of this module nor of the standard library", tt.program, dep)
			case slices.Contains(engine, dep), slices.Contains(tt.products, dep), strings.HasPrefix(dep, module+"/internal/"):
				continue
			default:
				t.Errorf("%s compiles %s, which it does not use", tt.program, dep)
			}
		}
		for _, product := range tt.products {
			if !slices.Contains(deps, product) {
				t.Errorf("%s %s leaves %s out", tt.program, tt.tags, product)
			}
		}
	}
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}
