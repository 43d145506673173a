// Package binsize holds the budget of what the SDK adds to a program. Its programs make the same
// call with the SDK (hello) and without (floor).
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
	hello, floor := size(t, "hello"), size(t, "floor")
	t.Logf("hello has %d bytes, floor %d: the SDK adds %d", hello, floor, hello-floor)
	if hello-floor > budget {
		t.Errorf("the SDK adds %d bytes, want at most %d", hello-floor, budget)
	}
}

// size builds the program as it would be shipped, without symbols and debug information. Those
// would count the length of names, of which generated code has many.
func size(t *testing.T, program string) int64 {
	t.Helper()
	binary := filepath.Join(t.TempDir(), program)
	run(t, "build", "-ldflags=-s -w", "-o", binary, "./"+program)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestAProgramCompilesNothingThatItDoesNotUse(t *testing.T) {
	t.Parallel()
	ours := []string{module, module + "/auth", module + "/crypt", module + "/code", module + "/v3/payscore"}
	unwelcome := []string{"html/template", "text/template", "encoding/xml", "testing", "embed", "plugin", "go/ast"}
	for _, program := range []string{"./hello", module + "/v3/payscore"} {
		for dep := range strings.FieldsSeq(run(t, "list", "-deps", "-f", "{{.ImportPath}}", program)) {
			switch {
			case slices.Contains(unwelcome, dep):
				t.Errorf("%s compiles %s", program, dep)
			case !strings.Contains(strings.Split(dep, "/")[0], "."):
				continue // the standard library
			case !strings.HasPrefix(dep, module):
				t.Errorf("%s compiles %s, which is neither of this module nor of the standard library", program, dep)
			case slices.Contains(ours, dep), strings.HasPrefix(dep, module+"/internal/"):
				continue
			default:
				t.Errorf("%s compiles %s, which it does not use", program, dep)
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
