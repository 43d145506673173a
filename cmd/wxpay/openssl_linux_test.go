//go:build !android && (amd64 || arm64) && !noopenssl

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSimSignsWithOpenSSL looks into the file that tells which libraries a process has, as Linux does.
func TestSimSignsWithOpenSSL(t *testing.T) {
	t.Parallel()
	p := startProcess(t, filepath.Join(t.TempDir(), "wxpay-sim"))
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.cmd.Process.Pid))
	if err != nil || !strings.Contains(string(maps), "libcrypto.so.3") {
		t.Errorf("the simulator has no libcrypto: %v", err)
	}
}
