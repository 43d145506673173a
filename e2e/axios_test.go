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
	"slices"
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
	ctx, cancel := context.WithTimeout(context.Background(), patience) // t.Context ends before the simulators are asked to
	t.Cleanup(cancel)
	wxpay := build(ctx, t)
	certificates := world.Default()
	certificates.Merchant(world.ServiceProvider).KeyMode = world.CertificateMode

	tests := []struct {
		name  string
		args  []string
		extra []step // after a month
	}{
		{"with the public key", nil, nil},
		{"with the public key, by HTTPS", []string{"--tls"}, nil},
		{"with platform certificates", []string{"--seed", seed(t, certificates)}, []step{{"download certificates", facts{"status": 200., "same": true}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkLife(t, live(ctx, t, "client.mjs", startSimulator(ctx, t, wxpay, orderNotExist, tt.args...)), tt.extra)
		})
	}
}

type facts = map[string]any

// step is what the script tells about one thing that happened.
type step struct {
	name  string
	facts facts
}

// live runs the script against the simulator with this directory.
func live(ctx context.Context, t *testing.T, script, dir string) []step {
	t.Helper()
	if _, err := os.Stat(script); err != nil { // which also tells go test's cache about the script
		t.Fatal(err)
	}
	node := exec.CommandContext(ctx, "sh", "-c", `set -a; . "$1"; NODE_EXTRA_CA_CERTS=$WECHATPAY_CA_FILE exec node "$2"`, "sh", filepath.Join(dir, "wechatpay.env"), script)
	node.Env = append(os.Environ(), "E2E_APPID="+world.AppID, "E2E_SUB_MCHID="+world.SubMerchant, "E2E_SERVICE_ID="+world.ServiceID,
		"E2E_GRANT_SERVICE_ID="+world.GrantServiceID, "E2E_OPENID="+world.OpenID)
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s%s", script, err, out, &stderr)
	}
	var steps []step
	for line := range strings.Lines(string(out)) {
		told := facts{}
		if err := json.Unmarshal([]byte(line), &told); err != nil {
			t.Fatalf("it prints what is not JSON: %s", line)
		}
		name, _ := told["step"].(string)
		steps = append(steps, step{name, told})
	}
	return steps
}

// anything stands for a fact that is there.
const anything = "anything"

// checkLife holds what the script told against what should have happened, in order.
func checkLife(t *testing.T, got, extra []step) {
	t.Helper()
	ok, done := facts{"status": 200.}, facts{"status": 204., "body": "", "request_id": anything}
	want := slices.Concat([]step{
		{"ask for a grant", facts{"status": 200., "token": anything}},
		{"query asked", facts{"status": 200., "state": "UNBINDUSER", "openid": nil}},
		{"grant", ok},
		{"granted", facts{"verified": true, "event_type": "PAYSCORE.USER_OPEN_SERVICE", "authorization_code": anything}},
		{"query granted", facts{"status": 200., "state": "AVAILABLE", "openid": world.OpenID}},

		{"create", facts{"status": 200., "state": "CREATED", "order_id": anything}},
		{"query created", facts{"status": 200., "state": "CREATED", "state_description": nil}},
		{"confirm", ok},
		{"confirmed", facts{"verified": true, "event_type": "PAYSCORE.USER_CONFIRM", "out_order_no": anything, "state": "DOING", "state_description": "USER_CONFIRM"}},
		{"query confirmed", facts{"status": 200., "state": "DOING", "state_description": "USER_CONFIRM"}},
		{"cancel", done},
		{"query cancelled", facts{"status": 200., "state": "REVOKED", "state_description": nil}},

		{"create another", facts{"status": 200., "state": "CREATED"}},
		{"confirm another", ok},
		{"confirmed another", facts{"verified": true, "event_type": "PAYSCORE.USER_CONFIRM"}},
		{"complete", done},
		{"query completed", facts{"status": 200., "state": "DOING", "state_description": "MCH_COMPLETE", "total_amount": 4000.}},
		{"modify", done},
		{"query modified", facts{"status": 200., "state": "DOING", "state_description": "MCH_COMPLETE", "total_amount": 3000.}},
		{"deduct", ok},
		{"paid", facts{"verified": true, "event_type": "PAYSCORE.USER_PAID", "state": "DONE", "total_amount": 3000., "transaction_id": anything}},
		{"query paid", facts{"status": 200., "state": "DONE", "total_amount": 3000.}},

		{"a month later", ok},
		{"query a month later", facts{"status": 200., "state": "DONE", "total_amount": 3000.}},
	}, extra, []step{
		{"unknown order", facts{"status": 404., "code": "ORDER_NOT_EXIST", "message": "查询单据不存在"}},
		// Its verification is on: with another key the plugin refuses what it accepted before.
		{"wrong platform key", facts{"status": 200., "error": "EV3_RES_HEADER_SIGNATURE_DIGEST"}},
	})
	check(t, got, want)
}

// check holds what a script told against what should have happened, in order.
func check(t *testing.T, got, want []step) {
	t.Helper()
	for i, w := range want {
		if i >= len(got) || got[i].name != w.name {
			t.Fatalf("step %d is not %q: %v", i+1, w.name, got)
		}
		for name, value := range w.facts {
			if is := got[i].facts[name]; is != value && !(value == anything && is != nil) {
				t.Errorf("%s: %s is %v, want %v", w.name, name, is, value)
			}
		}
	}
	if len(got) > len(want) {
		t.Errorf("there are more steps: %v", got[len(want):])
	}
}

// orderNotExist is what the simulator of a merchant's life refuses.
var orderNotExist = []string{"ORDER_NOT_EXIST"}

// TestWechatpayAxiosPluginByAPIv2 has the plugin pay, query, refund and close orders of APIv2 by HTTPS, with
// the merchant's certificate where that is wanted.
func TestWechatpayAxiosPluginByAPIv2(t *testing.T) {
	t.Parallel()
	checkNode(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	got := live(ctx, t, "v2.mjs", startSimulator(ctx, t, build(ctx, t), []string{"ORDERPAID", "证书出错", "签名错误"}, "--tls"))
	done := facts{"return_code": "SUCCESS", "result_code": "SUCCESS"}
	state := func(is string) facts { return facts{"result_code": "SUCCESS", "trade_state": is} }
	check(t, got, []step{
		{"create", facts{"result_code": "SUCCESS", "prepay_id": anything}},
		{"query created", state("NOTPAY")},
		{"pay", facts{"status": 200.}},
		{"paid", facts{"verified": true, "out_trade_no": anything, "total_fee": "4000", "transaction_id": anything}},
		{"query paid", state("SUCCESS")},
		{"create again", facts{"error": anything}},
		{"refund without a certificate", facts{"error": anything}},
		{"refund", facts{"result_code": "SUCCESS", "refund_id": anything}},
		{"settle", facts{"status": 200.}},
		{"refunded", facts{"verified": true, "out_refund_no": anything, "refund_status": "SUCCESS"}},
		{"query refund", facts{"result_code": "SUCCESS", "refund_status_0": "SUCCESS"}},
		{"create with HMAC", done},
		{"close", done},
		{"query closed", state("CLOSED")},
		{"wrong key", facts{"error": anything}},
	})
}

// seed is a file with a world.
func seed(t *testing.T, w *world.World) string {
	t.Helper()
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
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

// build builds wxpay.
func build(ctx context.Context, t *testing.T) string {
	t.Helper()
	wxpay := filepath.Join(t.TempDir(), "wxpay")
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", "../cmd/wxpay", "-o", wxpay, ".").CombinedOutput(); err != nil {
		t.Fatalf("wxpay does not build: %v\n%s", err, out)
	}
	return wxpay
}

// startSimulator runs wxpay sim until the test ends. It returns its directory.
func startSimulator(ctx context.Context, t *testing.T, wxpay string, refused []string, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	sim := exec.CommandContext(ctx, wxpay, append([]string{"sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir}, args...)...)
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
		err := sim.Wait()
		// It tells on stderr which calls it refused, a line each.
		told := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		if err != nil || !slices.EqualFunc(told, refused, strings.Contains) {
			t.Errorf("wxpay sim ended with %v, %q, want lines with %q", err, told, refused)
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
