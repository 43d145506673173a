package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// patience is how long a test waits for what should happen at once.
const patience = 30 * time.Second

// running is a wxpay sim that a test started.
type running struct {
	dir      string
	lines    <-chan string // of its output
	stop     func()
	status   <-chan int
	settings map[string]string

	mu     sync.Mutex
	stderr bytes.Buffer
}

// Write collects what goes to stderr.
func (r *running) Write(text []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.Write(text)
}

// startSim runs wxpay sim in this process, on ports that are free, until the test ends.
func startSim(t *testing.T, dir string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	status := make(chan int, 1)
	r := &running{dir: dir, lines: linesOf(out), stop: cancel, status: status}
	go func() {
		defer in.Close()
		args := append([]string{"sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir}, args...)
		status <- program{stdout: in, stderr: r}.run(ctx, args)
	}()
	t.Cleanup(func() { r.end(t) })
	r.waitFor(t, "/requests")
	r.settings = readSettings(t, filepath.Join(dir, settingsFile))
	return r
}

// linesOf reads until the end, whoever listens.
func linesOf(r io.Reader) <-chan string {
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// waitFor returns the next line of the output that has text in it.
func (r *running) waitFor(t *testing.T, text string) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				t.Fatalf("it ended before it said %q: %s", text, &r.stderr)
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-timeout:
			t.Fatalf("it does not say %q", text)
		}
	}
}

// end stops it. The second time it does nothing.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	select {
	case status, ok := <-r.status:
		if ok && status != 0 {
			t.Errorf("it ended with exit status %d: %s", status, &r.stderr)
		}
		r.status = closed
	case <-time.After(patience):
		t.Error("it does not end")
	}
}

var closed = func() <-chan int {
	c := make(chan int)
	close(c)
	return c
}()

// readSettings reads a wechatpay.env as a shell does.
func readSettings(t *testing.T, name string) map[string]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `set -a; . "$1"; exec env -0`, "sh", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for variable := range strings.SplitSeq(string(out), "\x00") {
		if name, value, ok := strings.Cut(variable, "="); ok && strings.HasPrefix(name, "WECHATPAY_") {
			settings[name] = value
		}
	}
	return settings
}

// client is what a user makes of the directory.
func (r *running) client(t *testing.T, opts ...wechatpay.Option) *wechatpay.Client {
	t.Helper()
	key, err := auth.LoadPrivateKey(r.settings["WECHATPAY_PRIVATE_KEY_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	pub, err := auth.LoadPublicKey(r.settings["WECHATPAY_PUBLIC_KEY_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID:        r.settings["WECHATPAY_MCHID"],
		SerialNo:     r.settings["WECHATPAY_SERIAL_NO"],
		PrivateKey:   key,
		APIv3Key:     r.settings["WECHATPAY_APIV3_KEY"],
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(r.settings["WECHATPAY_PUBLIC_KEY_ID"], pub)},
	}, append(opts, wechatpay.BaseURL(r.settings["WECHATPAY_BASE_URL"]))...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestSimServesWhoHasItsDirectory(t *testing.T) {
	t.Parallel()
	r := startSim(t, filepath.Join(t.TempDir(), "it's a $HOME", "wxpay-sim"))

	_, err := payscore.New(r.client(t)).Partner().Serviceorder().
		Get(t.Context(), payscore.GetPartnerServiceOrderQuery{SubMchID: world.SubMerchant, OutOrderNo: "none"})
	if refused, ok := errors.AsType[*wechatpay.Error](err); !ok || !errors.Is(err, code.OrderNotExist) || !refused.Verified {
		t.Fatalf("a query for no order: %v, want a signed ORDER_NOT_EXIST", err)
	}
	line := r.waitFor(t, "GET /v3/payscore/partner/serviceorder?")
	if !strings.HasSuffix(line, " 404 by business") {
		t.Errorf("the request is printed as %q", line)
	}
	stranger := r.settings["WECHATPAY_BASE_URL"] + "/v3/certificates"
	if res, err := http.Get(stranger); err != nil {
		t.Fatal(err)
	} else {
		res.Body.Close()
	}
	r.waitFor(t, "GET /v3/certificates ")
	cert, err := auth.LoadCertificate(r.settings["WECHATPAY_CERTIFICATE_FILE"])
	if err != nil || auth.SerialNo(cert) != r.settings["WECHATPAY_SERIAL_NO"] {
		t.Errorf("the certificate is not the merchant's: %v", err)
	}
	users := control.New(r.settings["WECHATPAY_MANAGE_URL"], http.DefaultClient)
	requests, err := users.Requests(t.Context(), 0)
	if err != nil || len(requests) != 2 {
		t.Errorf("the management API tells of %d requests: %v", len(requests), err)
	}
	r.end(t)
	why := strings.SplitAfter(r.stderr.String(), "\n") // a line for each
	if len(why) != 3 || !strings.HasPrefix(why[0], line+": ORDER_NOT_EXIST") || !strings.Contains(why[1], " GET /v3/certificates 400 by headers: ") || why[2] != "" {
		t.Errorf("stderr: %q", why)
	}
}

func TestSimNotifiesHostsThatAreAllowed(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer shop.Close()
	// It is not a loopback address, but leads to one.
	notifyURL := strings.Replace(shop.URL, "127.0.0.1", "0.0.0.0", 1) + "/notifications"
	for _, flags := range [][]string{nil, {"--allow-callbacks", "shop", "--allow-callbacks", "0.0.0.0"}} {
		r := startSim(t, filepath.Join(t.TempDir(), "wxpay-sim"), flags...)
		_, err := payscore.New(r.client(t)).Partner().Serviceorder().Post(t.Context(), payscore.CreatePartnerServiceOrderRequest{
			ServiceID: world.ServiceID, AppID: world.AppID, SubMchID: world.SubMerchant, OutOrderNo: "20241124001",
			ServiceIntroduction: "雨伞租借",
			RiskFund:            payscore.RiskFund{Name: payscore.RiskFundNameDeposit, Amount: 5000},
			TimeRange:           payscore.TimeRange{StartTime: "OnAccept"},
			NotifyURL:           notifyURL,
		})
		if err != nil {
			t.Fatal(err)
		}
		users := control.New(r.settings["WECHATPAY_MANAGE_URL"], http.DefaultClient)
		if _, err := users.Confirm(t.Context(), control.Order{OutOrderNo: "20241124001"}); err != nil {
			t.Fatal(err)
		}
		if _, err := users.Advance(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		sent, err := users.Notifications(t.Context())
		if err != nil || len(sent) != 1 {
			t.Fatalf("there are %d notifications: %v", len(sent), err)
		}
		if sent[0].Delivered != (flags != nil) {
			t.Errorf("with %q it is delivered: %t, %+v", flags, sent[0].Delivered, sent[0].Attempts)
		}
	}
}

func TestSimKeepsItsFilesToItsUser(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, dir string }{
		{"a new directory", filepath.Join(t.TempDir(), "new", "wxpay-sim")},
		{"an empty directory", t.TempDir()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			startSim(t, tt.dir)
			if mode := modeOf(t, tt.dir); mode != 0o700 {
				t.Errorf("the directory's mode is %o", mode)
			}
			entries, err := os.ReadDir(tt.dir)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
				if mode := modeOf(t, filepath.Join(tt.dir, e.Name())); mode != 0o600 {
					t.Errorf("the mode of %s is %o", e.Name(), mode)
				}
			}
			if want := []string{lockName, certificateFile, privateKeyFile, journalFile, publicKeyFile, settingsFile, worldFile}; !slices.Equal(names, want) {
				t.Errorf("it has %q, want %q", names, want)
			}
		})
	}
}

func modeOf(t *testing.T, name string) os.FileMode {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestSimStartsAgainWithTheSameKeys(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	startSim(t, dir).end(t)
	var edited bytes.Buffer
	if err := json.Compact(&edited, []byte(contentOf(t, dir)[worldFile])); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, worldFile), edited.String()) // as its user likes it
	before := contentOf(t, dir)

	r := startSim(t, dir)
	after := contentOf(t, dir)
	for _, name := range []string{worldFile, privateKeyFile, certificateFile, publicKeyFile} {
		if before[name] == "" || after[name] != before[name] {
			t.Errorf("%s is another", name)
		}
	}
	if before[settingsFile] == after[settingsFile] || !strings.Contains(after[settingsFile], r.settings["WECHATPAY_BASE_URL"]+"\n") {
		t.Error("the settings do not have the new address")
	}
	if _, err := r.client(t).Chain("v3/nowhere").Get(t.Context()); err == nil {
		t.Error("a call to nowhere succeeds")
	}
	r.waitFor(t, "GET /v3/nowhere 404")
}

func TestSimCompletesAWorldThatLacksKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, worldFile), `{"merchants": [{"mchid": "1900000001"}]}`)
	first := startSim(t, dir)
	first.end(t)
	kept := contentOf(t, dir)[worldFile]
	second := startSim(t, dir)
	if contentOf(t, dir)[worldFile] != kept || !strings.Contains(kept, "PRIVATE KEY") {
		t.Errorf("the keys are not kept: %s", kept)
	}
	if second.settings["WECHATPAY_MCHID"] != "1900000001" || second.settings["WECHATPAY_SERIAL_NO"] != first.settings["WECHATPAY_SERIAL_NO"] {
		t.Errorf("the settings are of another merchant: %v", second.settings)
	}
}

func TestSimBeginsWithASeed(t *testing.T) {
	t.Parallel()
	dir, seed := filepath.Join(t.TempDir(), "wxpay-sim"), filepath.Join(t.TempDir(), "seed.json")
	writeFile(t, seed, `{"merchants": [{"mchid": "1900000001", "apiv3_key": "quotes ' and \" and $x and \\ ;#!!"}]}`)
	r := startSim(t, dir, "--seed", seed)
	if key := r.settings["WECHATPAY_APIV2_KEY"]; len(key) != 32 {
		t.Errorf("the APIv2 key is %q", key)
	}
	if r.settings["WECHATPAY_MCHID"] != "1900000001" || r.settings["WECHATPAY_APIV3_KEY"] != `quotes ' and " and $x and \ ;#!!` {
		t.Errorf("the merchant is another: %v", r.settings)
	}
	r.end(t)
	refuses(t, dir, "--seed is of no use", "--seed", seed)
}

func TestSimIsStatelessUntilItIsToldOtherwise(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	for _, tt := range []struct {
		args      []string
		stateless bool
	}{
		{nil, false},
		{[]string{"--stateless"}, true},
		{nil, true},
		{[]string{"--stateless=false"}, false},
	} {
		r := startSim(t, dir, tt.args...)
		_, err := payscore.New(r.client(t)).Partner().Serviceorder().
			Get(t.Context(), payscore.GetPartnerServiceOrderQuery{ServiceID: "1", SubMchID: "2", OutOrderNo: "NEVER_MADE"})
		if (err == nil) != tt.stateless {
			t.Errorf("with %v, an order that was never made is answered %v", tt.args, err)
		}
		r.end(t)
	}
}

func TestSimWithoutThePrivateKey(t *testing.T) {
	t.Parallel()
	w := world.Default()
	if err := w.Complete(time.Now()); err != nil {
		t.Fatal(err)
	}
	w.Merchant(world.ServiceProvider).PrivateKey = ""
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	dir, seed := filepath.Join(t.TempDir(), "wxpay-sim"), filepath.Join(t.TempDir(), "seed.json")
	writeFile(t, seed, string(text))
	r := startSim(t, dir, "--seed", seed)
	if _, err := os.Stat(filepath.Join(dir, privateKeyFile)); err == nil || r.settings["WECHATPAY_PRIVATE_KEY_FILE"] != "" {
		t.Error("there is a private key, though its owner kept it")
	}
}

// refuses runs wxpay sim, which must end by itself and leave dir as it was.
func refuses(t *testing.T, dir, want string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	before := contentOf(t, dir)
	args = append([]string{"sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir}, args...)
	status, stdout, stderr := wxpay(ctx, args...)
	if status != 1 || stdout != "" || !strings.HasPrefix(stderr, "wxpay: ") || !strings.Contains(stderr, want) {
		t.Errorf("exit status %d, %q, want 1 and %q", status, stdout+stderr, want)
	}
	after := contentOf(t, dir)
	for name := range after {
		if after[name] != before[name] {
			t.Errorf("it changed %s", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there were %d files, and are %d", len(before), len(after))
	}
}

func TestSimRefusesADirectoryThatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, content, want string }{
		{"somebody else's", "thesis.txt", "three years of work", "is not a simulator's directory"},
		{"with a world cut off", worldFile, `{"merchants": [{"mchid": "1900`, "is damaged"},
		{"with an empty world", worldFile, "", "is damaged"},
		{"with a world of another kind", worldFile, `{"continents": 7}`, "is damaged"},
		{"with a key that is none", worldFile, `{"merchants": [{"mchid": "1900000001", "private_key": "moon"}]}`, "is damaged"},
		{"with a world without merchants", worldFile, `{"merchants": []}`, "no merchant that signs calls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, tt.file), tt.content)
			mode := modeOf(t, dir)
			refuses(t, dir, tt.want)
			if after := modeOf(t, dir); after != mode {
				t.Errorf("the directory's mode was %o and is %o", mode, after)
			}
		})
	}
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "wxpay-sim")
		writeFile(t, file, "")
		status, _, stderr := wxpay(t.Context(), "sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", file)
		if status != 1 || !strings.Contains(stderr, "not a directory") {
			t.Errorf("exit status %d, %q", status, stderr)
		}
	})
	t.Run("a seed that is damaged", func(t *testing.T) {
		t.Parallel()
		seed := filepath.Join(t.TempDir(), "seed.json")
		writeFile(t, seed, "{")
		refuses(t, filepath.Join(t.TempDir(), "wxpay-sim"), "--seed "+seed, "--seed", seed)
	})
}

// What a start left behind that was broken off is no hindrance, and may have keys.
func TestSimRemovesTemporaryFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 { // the first start, and the next one
		left := temporary + privateKeyFile + "-1"
		writeFile(t, filepath.Join(dir, left), "-----BEGIN PRIVATE KEY-----")
		startSim(t, dir).end(t)
		for name := range contentOf(t, dir) {
			if strings.HasPrefix(name, temporary) {
				t.Errorf("%s is still there", name)
			}
		}
	}
}

func TestSimSaysWhichAddressIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, flag := range []string{"--listen", "--manage"} {
		dir := filepath.Join(t.TempDir(), "wxpay-sim")
		refuses(t, dir, flag+" "+taken.Addr().String()+": address already in use; choose another with "+flag, flag, taken.Addr().String())
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("with %s taken, the directory was made all the same", flag)
		}
	}
}

func TestSimEndsOnASignal(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "wxpay-sim")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir)
			cmd.Env = append(os.Environ(), asCommand+"=1")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			r := &running{lines: linesOf(out)}
			r.waitFor(t, "/requests")
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			for range r.lines { // until it closes its output
			}
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Errorf("it ended with %v, %s", err, &stderr)
			}
			address := strings.TrimPrefix(readSettings(t, filepath.Join(dir, settingsFile))["WECHATPAY_BASE_URL"], "http://")
			if conn, err := net.Dial("tcp", address); err == nil {
				conn.Close()
				t.Error("its port is still open")
			}
		})
	}
}

func TestTheURLIsOneThatLeadsThere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		address  string
		want     string
		loopback bool
	}{
		{"127.0.0.1:8080", "http://127.0.0.1:8080", true},
		{"[::1]:8080", "http://[::1]:8080", true},
		{"0.0.0.0:8080", "http://127.0.0.1:8080", false},
		{"[::]:8080", "http://127.0.0.1:8080", false},
		{"192.0.2.1:8080", "http://192.0.2.1:8080", false},
	}
	for _, tt := range tests {
		address, err := net.ResolveTCPAddr("tcp", tt.address)
		if err != nil {
			t.Fatal(err)
		}
		if got := urlOf(address); got != tt.want || isLoopback(address) != tt.loopback {
			t.Errorf("%s: %s and %t, want %s and %t", tt.address, got, isLoopback(address), tt.want, tt.loopback)
		}
	}
}

// contentOf is the content of a directory's files, empty if it is not there.
func contentOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	content := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		content[e.Name()] = string(text)
	}
	return content
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
