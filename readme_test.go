package wechatpay_test

import (
	"bufio"
	"crypto/rand"
	"go/format"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// TestTheReadmesPrograms builds and runs every Go block of the READMEs, as a user would who
// copied it: against a simulator, with the settings that wxpay sim writes.
func TestTheReadmesPrograms(t *testing.T) {
	t.Parallel()
	gateway := simtest.Start(t)
	environment := settings(t, gateway)
	_, err := payscore.New(gateway.Client()).Partner().Serviceorder().Post(t.Context(), payscore.CreatePartnerServiceOrderRequest{
		OutOrderNo: "20241124001", ServiceID: world.ServiceID, AppID: world.AppID, SubMchID: world.SubMerchant,
		ServiceIntroduction: "充电宝", TimeRange: payscore.TimeRange{StartTime: "OnAccept"},
		RiskFund: payscore.RiskFund{Name: payscore.RiskFundNameDeposit, Amount: 10000}, NotifyURL: "https://example.com/notify",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		programs := blocks(t, name, "go")
		if len(programs) != 3 {
			t.Errorf("%s has %d Go blocks, want 3", name, len(programs))
		}
		for _, program := range programs {
			switch {
			case strings.Contains(program, "func Test"):
				runGo(t, program, "x_test.go", environment, "test", "-count=1", ".")
			case strings.Contains(program, "webhook.On"):
				receives(t, gateway, program, environment)
			default:
				if got := runGo(t, program, "main.go", environment, "run", "."); !regexp.MustCompile(`^204 true \S+\n$`).MatchString(got) {
					t.Errorf("%s: the program printed %q", name, got)
				}
			}
		}
	}
}

// TestTheReadmesCommands runs every shell block of the READMEs, but in a directory and on ports of
// its own. What is to run on and on is stopped when it has introduced itself.
func TestTheReadmesCommands(t *testing.T) {
	t.Parallel()
	wxpay := filepath.Join(t.TempDir(), "wxpay")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", wxpay, "./cmd/wxpay").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, block := range blocks(t, "README.md", "sh") {
		args, ok := strings.CutPrefix(strings.TrimSpace(block), "go run ./cmd/wxpay ")
		if !ok {
			t.Errorf("%q is not run by a test", block)
			continue
		}
		args = strings.NewReplacer("127.0.0.1:8080", "127.0.0.1:0", "./wxpay-sim", filepath.Join(t.TempDir(), "wxpay-sim")).Replace(args)
		cmd := exec.CommandContext(t.Context(), wxpay, strings.Fields(args)...)
		if strings.HasPrefix(args, "sim ") {
			cmd.Args = append(cmd.Args, "--manage", "127.0.0.1:0")
			runUntil(t, cmd, "/requests")
			continue
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("wxpay %s: %v\n%s", args, err, out)
		}
	}
}

// receives runs a program that receives notifications, on a port of its own, until it tells of an order
// that was paid.
func receives(t *testing.T, gateway *simtest.Gateway, program string, environment []string) {
	t.Helper()
	if lines := strings.Count(program, "\n"); lines >= 30 {
		t.Errorf("a receiver takes %d lines, want fewer than 30", lines)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	const listens = "127.0.0.1:8090"
	if !strings.Contains(program, listens) {
		t.Fatalf("the program does not listen on %s", listens)
	}
	receiver := filepath.Join(t.TempDir(), "receiver")
	runGo(t, strings.Replace(program, listens, address, 1), "main.go", environment, "build", "-o", receiver, ".")
	cmd := exec.CommandContext(t.Context(), receiver)
	cmd.Env = append(os.Environ(), environment...)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	waitFor(t, address)

	no := "N" + rand.Text()
	paidOrder(t, gateway, no, "http://"+address+"/")
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), "paid "+no+" 4000") {
			return
		}
		t.Logf("the receiver says: %s", lines.Text())
	}
	t.Error("the receiver ended without a word of the order")
}

// waitFor waits until somebody listens.
func waitFor(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatalf("nobody listens on %s", address)
}

// paidOrder makes an order that its user confirms, and pays 40 yuan for after an hour.
func paidOrder(t *testing.T, gateway *simtest.Gateway, no, notifyURL string) {
	t.Helper()
	orders, users := payscore.New(gateway.Client()).Partner().Serviceorder(), gateway.Control()
	_, err := orders.Post(t.Context(), payscore.CreatePartnerServiceOrderRequest{
		OutOrderNo: no, ServiceID: world.ServiceID, AppID: world.AppID, SubMchID: world.SubMerchant, ServiceIntroduction: "充电宝",
		TimeRange: payscore.TimeRange{StartTime: "OnAccept"}, RiskFund: payscore.RiskFund{Name: payscore.RiskFundNameDeposit, Amount: 10000}, NotifyURL: notifyURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.Confirm(t.Context(), control.Order{OutOrderNo: no}); err != nil {
		t.Fatal(err)
	}
	now, err := users.Advance(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	_, err = orders.OutOrderNo(no).Complete().Post(t.Context(), payscore.CompletePartnerServiceOrderRequest{
		ServiceID: world.ServiceID, SubMchID: world.SubMerchant,
		PostPayments: []payscore.Payment{{Name: "充电宝", Amount: new(int64(4000))}}, TotalAmount: 4000,
		TimeRange: payscore.TimeRange{EndTime: now.Business.In(time.FixedZone("", 8*60*60)).Format("20060102150405")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.Advance(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
}

// runUntil runs cmd until it prints the text, and then interrupts it.
func runUntil(t *testing.T, cmd *exec.Cmd, text string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := false
	for lines := bufio.NewScanner(out); !found && lines.Scan(); {
		found = strings.Contains(lines.Text(), text)
	}
	if !found {
		t.Errorf("%v did not print %q", cmd.Args, text)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v, interrupted: %v", cmd.Args, err)
	}
}

// TestTheReadmesSayTheSame compares their code, which needs no translation.
func TestTheReadmesSayTheSame(t *testing.T) {
	t.Parallel()
	uncommented := regexp.MustCompile(`//.*`)
	for _, language := range []string{"go", "sh", "text"} {
		english := uncommented.ReplaceAllString(strings.Join(blocks(t, "README.md", language), "\n"), "")
		chinese := uncommented.ReplaceAllString(strings.Join(blocks(t, "README.zh-CN.md", language), "\n"), "")
		if english != chinese {
			t.Errorf("the %s blocks of README.md and README.zh-CN.md differ", language)
		}
	}
}

// blocks are the fenced blocks of a document in a language.
func blocks(t *testing.T, name, language string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		found = append(found, match[1])
	}
	return found
}

// runGo runs a program in a module of its own that requires this one and nothing else.
func runGo(t *testing.T, program, file string, environment []string, args ...string) string {
	t.Helper()
	if formatted, err := format.Source([]byte(program)); err != nil || string(formatted) != program {
		t.Errorf("the program is not formatted: %v\n%s", err, program)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	module := "module readme\n\ngo 1.26\n\nrequire github.com/openwechatpay/wechatpay v0.0.0\n\nreplace github.com/openwechatpay/wechatpay => " + here + "\n"
	write(t, filepath.Join(dir, "go.mod"), module)
	write(t, filepath.Join(dir, file), program)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod"), environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the program failed: %v\n%s", err, out)
	}
	return string(out)
}

// settings are the variables of wechatpay.env, with the files that they name.
func settings(t *testing.T, gateway *simtest.Gateway) []string {
	t.Helper()
	merchants, err := gateway.Control().Merchants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, dir := merchants[0], t.TempDir()
	write(t, filepath.Join(dir, "apiclient_key.pem"), m.PrivateKey)
	write(t, filepath.Join(dir, "pub_key.pem"), m.PublicKey)
	return []string{
		"WECHATPAY_BASE_URL=" + gateway.URL,
		"WECHATPAY_MCHID=" + m.MchID,
		"WECHATPAY_SERIAL_NO=" + m.SerialNo,
		"WECHATPAY_PRIVATE_KEY_FILE=" + filepath.Join(dir, "apiclient_key.pem"),
		"WECHATPAY_PUBLIC_KEY_ID=" + m.PublicKeyID,
		"WECHATPAY_APIV3_KEY=" + m.APIv3Key,
		"WECHATPAY_PUBLIC_KEY_FILE=" + filepath.Join(dir, "pub_key.pem"),
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
