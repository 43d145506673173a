//go:build linux && !android && (amd64 || arm64) && !noopenssl

package openssl

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestOnMuslTheLibraryOfGlibcIsRefused builds this test for the other C library of Linux, and lets it
// load what is no library there.
func TestOnMuslTheLibraryOfGlibcIsRefused(t *testing.T) {
	t.Parallel()
	linker := "/lib/ld-musl-" + map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH] + ".so.1"
	if _, err := os.Stat(linker); err != nil {
		t.Fatalf("there is no musl: %v: run make deps", err)
	}
	if _, err := Version(); err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(maps), "ld-musl") {
		return // this is musl itself, where no other C library's would be found
	}
	var library string
	for field := range strings.FieldsSeq(string(maps)) {
		if strings.Contains(filepath.Base(field), "libcrypto.so.3") {
			library = field
		}
	}
	binary := filepath.Join(t.TempDir(), "musl.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags=-I="+linker, "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// The directory has only this library, so that no other of glibc is found beside it.
	alone := filepath.Join(t.TempDir(), "libcrypto.so.3")
	content, err := os.ReadFile(library)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alone, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := inAChild(t, binary, alone); !strings.Contains(said, alone) {
		t.Errorf("it says %s", said)
	}
}
