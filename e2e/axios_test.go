// Package e2e lets other SDKs call the simulator, as their users would.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/openwechatpay/wechatpay/sim" // so that go test does not take an old result for it from its cache
	"github.com/openwechatpay/wechatpay/sim/world"
)

// patience is how long everything together may take, the building of wxpay included.
const patience = 5 * time.Minute

// The SDK wechatpay-axios-plugin is another reading of the same rules: it signs what the simulator
// verifies, and verifies what the simulator signs.
func TestWechatpayAxiosPlugin(t *testing.T) {
	t.Parallel()
	checkNode(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience) // t.Context ends before the simulator is asked to
	t.Cleanup(cancel)
	dir := startSimulator(ctx, t)

	const script = "client.mjs"
	if _, err := os.Stat(script); err != nil { // which also tells go test's cache about the script
		t.Fatal(err)
	}
	node := exec.CommandContext(ctx, "sh", "-c", `set -a; . "$1"; exec node "$2"`, "sh", filepath.Join(dir, "wechatpay.env"), script)
	node.Env = append(os.Environ(), "E2E_APPID="+world.AppID, "E2E_SUB_MCHID="+world.SubMerchant, "E2E_SERVICE_ID="+world.ServiceID)
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s%s", script, err, out, &stderr)
	}

	var steps []string
	told := map[string]map[string]any{}
	for line := range strings.Lines(string(out)) {
		var facts map[string]any
		if err := json.Unmarshal([]byte(line), &facts); err != nil {
			t.Fatalf("it prints what is not JSON: %s", line)
		}
		step, _ := facts["step"].(string)
		steps, told[step] = append(steps, step), facts
	}
	type facts = map[string]any
	want := []struct {
		step  string
		facts facts
	}{
		{"create", facts{"status": 200., "state": "CREATED"}},
		{"query created", facts{"status": 200., "state": "CREATED", "state_description": nil}},
		{"confirm", facts{"status": 200.}},
		{"notification", facts{"verified": true, "event_type": "PAYSCORE.USER_CONFIRM", "state": "DOING", "state_description": "USER_CONFIRM"}},
		{"query confirmed", facts{"status": 200., "state": "DOING", "state_description": "USER_CONFIRM"}},
		{"cancel", facts{"status": 204., "body": ""}},
		{"query cancelled", facts{"status": 200., "state": "REVOKED", "state_description": nil}},
		{"unknown order", facts{"status": 404., "code": "ORDER_NOT_EXIST", "message": "查询单据不存在"}},
		// Its verification is on: with another key the plugin refuses what it accepted before.
		{"wrong platform key", facts{"status": 200., "error": "EV3_RES_HEADER_SIGNATURE_DIGEST"}},
	}
	for i, w := range want {
		if i >= len(steps) || steps[i] != w.step {
			t.Errorf("step %d is not %q: %q", i+1, w.step, steps)
		}
		for name, value := range w.facts {
			if got := told[w.step][name]; got != value {
				t.Errorf("%s: %s is %v, want %v", w.step, name, got, value)
			}
		}
	}
	for _, name := range []struct{ step, fact string }{{"create", "order_id"}, {"cancel", "request_id"}, {"notification", "out_order_no"}} {
		if told[name.step][name.fact] == nil {
			t.Errorf("%s: there is no %s", name.step, name.fact)
		}
	}
}

// checkNode fails where Node or the pinned SDK is not there.
func checkNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("there is no node: run make deps")
	}
	var pinned struct{ Dependencies map[string]string }
	readJSON(t, "package.json", &pinned)
	for name, version := range pinned.Dependencies {
		var installed struct{ Version string }
		readJSON(t, filepath.Join("node_modules", name, "package.json"), &installed)
		if installed.Version != version {
			t.Fatalf("%s is installed as %s, want %s: run make deps", name, installed.Version, version)
		}
	}
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

// startSimulator builds wxpay and runs wxpay sim until the test ends. It returns its directory.
func startSimulator(ctx context.Context, t *testing.T) string {
	t.Helper()
	wxpay := filepath.Join(t.TempDir(), "wxpay")
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", "../cmd/wxpay", "-o", wxpay, ".").CombinedOutput(); err != nil {
		t.Fatalf("wxpay does not build: %v\n%s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	sim := exec.CommandContext(ctx, wxpay, "sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir)
	var stderr bytes.Buffer
	sim.Stderr = &stderr
	out, err := sim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	ready, output := make(chan bool, 1), make(chan []string, 1)
	go func() { output <- readUntilEnd(out, ready) }()
	t.Cleanup(func() {
		_ = sim.Process.Signal(syscall.SIGTERM)
		lines := <-output
		if err := sim.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("wxpay sim ended with %v, %s", err, &stderr)
		}
		if t.Failed() {
			t.Logf("wxpay sim:\n%s", strings.Join(lines, "\n"))
		}
	})
	if !<-ready {
		t.Fatal("wxpay sim does not start")
	}
	return dir
}

// readUntilEnd tells ready true once the simulator has introduced itself, and false if it ends
// before.
func readUntilEnd(r io.Reader, ready chan bool) (lines []string) {
	tell := func(is bool) {
		select {
		case ready <- is:
		default: // told already
		}
	}
	for s := bufio.NewScanner(r); s.Scan(); {
		lines = append(lines, s.Text())
		if strings.HasSuffix(s.Text(), "/requests") {
			tell(true)
		}
	}
	tell(false)
	return lines
}
