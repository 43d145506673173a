package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// console runs commands against a simulator, as its user types them.
type console struct {
	*running
	t *testing.T
}

func newConsole(t *testing.T) console {
	t.Helper()
	return console{startSim(t, filepath.Join(t.TempDir(), "wxpay-sim"), "--memory"), t}
}

// run runs wxpay sim with args.
func (c console) run(args ...string) (status int, stdout, stderr string) {
	return wxpay(c.t.Context(), append(append([]string{"sim"}, args...), "--manage", c.settings["WECHATPAY_MANAGE_URL"])...)
}

// says runs a command that has to go well, and looks for texts in its output.
func (c console) says(line string, want ...string) string {
	c.t.Helper()
	status, stdout, stderr := c.run(strings.Fields(line)...)
	if status != 0 || stderr != "" {
		c.t.Errorf("wxpay sim %s: exit status %d, %s", line, status, stderr)
	}
	for _, text := range want {
		if !strings.Contains(stdout, text) {
			c.t.Errorf("wxpay sim %s says\n%swant %q", line, stdout, text)
		}
	}
	return stdout
}

// refuses runs a command that must not go well.
func (c console) refuses(line, want string) {
	c.t.Helper()
	status, stdout, stderr := c.run(strings.Fields(line)...)
	if status != 1 || stdout != "" || !strings.HasPrefix(stderr, "wxpay: "+want) {
		c.t.Errorf("wxpay sim %s: exit status %d, %q, want %q", line, status, stdout+stderr, want)
	}
}

// tells runs a command with --json, whose output has to be of the API's form.
func tells[T any](c console, line string) (v T) {
	c.t.Helper()
	d := json.NewDecoder(strings.NewReader(c.says(line + " --json")))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		c.t.Errorf("wxpay sim %s --json: %v", line, err)
	}
	if d.More() {
		c.t.Errorf("wxpay sim %s --json says more than one thing", line)
	}
	return v
}

func (c console) order(no, notifyURL string) {
	c.t.Helper()
	in := createRequest(no, notifyURL)
	in.TimeRange.EndTime = "20991231"
	if _, err := payscore.New(c.client(c.t)).Partner().Serviceorder().Post(c.t.Context(), in); err != nil {
		c.t.Fatal(err)
	}
}

func (c console) complete(no string) {
	c.t.Helper()
	in := completeRequest(time.Time{})
	in.TimeRange = payscore.TimeRange{}
	if _, err := payscore.New(c.client(c.t)).Partner().Serviceorder().OutOrderNo(no).Complete().Post(c.t.Context(), in); err != nil {
		c.t.Fatal(err)
	}
}

func (c console) cancel(no string) error {
	_, err := payscore.New(c.client(c.t)).Partner().Serviceorder().OutOrderNo(no).Cancel().Post(c.t.Context(), cancelRequest())
	return err
}

func TestSimUserPlaysTheUser(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	const nobody = "http://127.0.0.1:1/"
	c.order("1", nobody)
	c.says("user confirm 1 --openid oSomebody --sub-mchid 1900000109", "✓ order 1 is confirmed", "state", "SERVING", "oSomebody")
	c.refuses("user confirm 1", "order 1 is SERVING: only one that is CREATED can be confirmed")
	c.refuses("user confirm 2", `there is no order "2"`)
	c.refuses("user confirm 1 --mchid 7", `there is no order "1"`)
	c.complete("1")
	if o := tells[control.OrderState](c, "user cashier 1"); o.State != "PAYING" || o.OpenID != "oSomebody" || o.OrderID == "" {
		t.Errorf("at the cashier it is %+v", o)
	}
	if err := c.cancel("1"); err == nil || !strings.Contains(err.Error(), "扣款中") {
		t.Errorf("cancelling while the user is at the cashier: %v", err)
	}
	c.says("user leave 1", "✓ order 1 left")
	c.says("user deduct 1", "a deduction is under way")
	c.says("user set oSomebody --out-of-money", "✓ oSomebody: deductions fail")
	c.says("clock advance 1d")
	c.says("user pay 1", "✓ order 1 is paid", "DONE")

	c.order("2", nobody)
	c.says("user set oSomebody --refuse 综合评估未通过", `assessments fail with "综合评估未通过"`)
	c.refuses("user confirm 2 --openid oSomebody", "综合评估未通过: the assessment failed")
	c.says("user set oSomebody", "✓ oSomebody: a user like others")
	c.says("user open-service oSomebody --service-id "+world.GrantServiceID, "✓ oSomebody granted "+world.GrantServiceID)
	if got := tells[struct{}](c, "user close-service oSomebody --service-id "+world.GrantServiceID); got != (struct{}{}) {
		t.Errorf("it says %v", got)
	}
	c.refuses("user close-service oSomebody --service-id "+world.GrantServiceID, "the user \"oSomebody\" has not granted")
	c.refuses("user open-service oSomebody --authorization-code none", "no merchant asked for a grant")
	c.refuses("user sign-plan none", "")
	c.refuses("user pay-trade none", `there is no order "none"`)
	c.refuses("user decline-trade none --mchid 7", `there is no order "none"`)
	c.refuses("application approve none", "")
}

func TestSimClockShowsAndMoves(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.says("clock", "signatures", "orders", "the same")
	c.says("clock advance 30d", "30d ahead")
	now := tells[control.Clock](c, "clock advance 1h30m")
	if ahead := now.Business.Sub(now.Wire).Round(time.Second); ahead != 30*24*time.Hour+90*time.Minute {
		t.Errorf("it is %v ahead", ahead)
	}
	c.says("clock", "30d1h30m ahead")
	c.says("reset", "✓")
	c.says("clock", "the same")
}

func TestDurationsMayHaveDays(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"0": 0, "90s": 90 * time.Second, "720h": 720 * time.Hour, "30d": 720 * time.Hour, "1d12h": 36 * time.Hour,
		"": -1, "d": -1, "-1h": -1, "-1d": -1, "1": -1, "1d-1h": -1, "1.5d": -1, "99999999d": -1, "1h2d": -1, "moon": -1,
	}
	for text, want := range tests {
		got, err := parseDuration(text)
		if (err == nil) != (want >= 0) || err == nil && got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestSimFaultLetsThingsGoWrong(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.order("1", "http://127.0.0.1:1/")
	path := "/v3/payscore/partner/serviceorder/{out_order_no}/cancel"
	c.says("fault add --effect status --status 429 --code FREQUENCY_LIMITED --retry-after 3 --times 1 --path "+path,
		"✓ fault 1: "+path+": 429 FREQUENCY_LIMITED, Retry-After 3, once")
	id := tells[control.FaultID](c, "fault add --effect delay --delay 2s --event * --probability 0.5 --mchid 1230000109")
	c.says("fault list", "ID", path, "429 FREQUENCY_LIMITED", "once", "every notification of 1230000109", "delay 2s", "every time, with a chance of 0.5")
	if all := tells[[]control.Fault](c, "fault list"); len(all) != 2 || all[1].ID != id.ID || all[1].Effect != world.EffectDelay {
		t.Errorf("the faults are %+v", all)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Second) // before it may be tried again
	defer cancel()
	_, err := payscore.New(c.client(t)).Partner().Serviceorder().OutOrderNo("1").Cancel().Post(short, cancelRequest())
	if !errors.Is(err, code.FrequencyLimited) {
		t.Errorf("the call with a fault: %v", err)
	}
	if err := c.cancel("1"); err != nil {
		t.Errorf("the call after it: %v", err)
	}
	c.refuses("fault remove 1", `there is no fault "1"`)
	c.says(fmt.Sprint("fault remove ", id.ID), "✓ fault 2 is out")
	c.says("fault clear", "✓ all faults are out")
	c.says("fault list", "No fault may strike.")
	c.says("fault add --effect reset --host localhost", "fault 3: every call to localhost: ")
	if status, _, stderr := c.run("fault", "add", "--effect", "reset", "--path", path+"led"); status != 2 || !strings.Contains(stderr, "near it are "+path+",") {
		t.Errorf("a path that no operation has: exit status %d, %s", status, stderr)
	}
	c.says("fault add --effect v2-refund --event REFUND.SUCCESS", "fault 4: notifications REFUND.SUCCESS: v2-refund")
	if status, _, stderr := c.run("fault", "add", "--effect", "v2-refund", "--event", "*"); status != 2 || !strings.Contains(stderr, "has to be one of REFUND.ABNORMAL, ") {
		t.Errorf("the form of refunds for all: exit status %d, %s", status, stderr)
	}
}

func TestTheHelpTellsOfEveryEffect(t *testing.T) {
	t.Parallel()
	var told []world.Effect
	for _, e := range effects {
		told = append(told, e.effect)
	}
	there := allEffects()
	slices.Sort(told)
	slices.Sort(there)
	if there = slices.Compact(there); !slices.Equal(told, there) {
		t.Errorf("it tells of %q, and there are %q", told, there)
	}
	for line, want := range map[string][]world.Effect{"fault add --help": there, "notify send --help": world.EffectsOnDemand("REFUND.SUCCESS")} {
		_, stdout, _ := wxpay(t.Context(), append([]string{"sim"}, strings.Fields(line)...)...)
		for _, e := range there {
			if shown := strings.Contains(stdout, "\n  "+string(e)+" "); shown != slices.Contains(want, e) {
				t.Errorf("%s tells of %s: %t", line, e, shown)
			}
		}
	}
}

func TestSimNotifyShowsAndRepeats(t *testing.T) {
	t.Parallel()
	status := http.StatusNoContent
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Wechatpay-Signature"), "WECHATPAY/SIGNTEST/") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(status)
	}))
	defer shop.Close()
	c := newConsole(t)
	c.says("notify list", "There was no notification.")
	c.order("1", shop.URL)
	c.says("user confirm 1")
	c.says("clock advance 0")
	all := tells[[]control.Notification](c, "notify list")
	if len(all) != 1 || !all[0].Delivered {
		t.Fatalf("the notifications are %+v", all)
	}
	id := all[0].ID
	c.says("notify list", "EVENT", id[:8], "PAYSCORE.USER_CONFIRM", "delivered", shop.URL)
	c.says("notify show "+id[:8], id, `"out_order_no": "1"`, "answered 204")
	c.says("notify resend "+id[:8], "✓ the merchant answered 204")
	c.says("notify send "+id+" --as probe", "✓ "+id[:8]+": the merchant answered 400: it refused it, as it has to")
	if all := tells[[]control.Delivery](c, "notify send "+id+" --as probe"); len(all) != 1 || all[0].ID != id || all[0].Status != 400 {
		t.Errorf("the probe was answered %+v", all)
	}
	if n := tells[control.Notification](c, "notify show "+id); len(n.Attempts) != 2 {
		t.Errorf("it is %+v", n)
	}
	c.refuses("notify show none", `there is no notification "none"`)
	if status, stdout, _ := c.run("notify", "resend", id[:8]); status != 0 {
		t.Errorf("resending: exit status %d, %s", status, stdout)
	}
	credulous := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	defer credulous.Close()
	c.order("3", credulous.URL)
	c.says("user confirm 3")
	c.says("clock advance 0")
	other := tells[[]control.Notification](c, "notify list")[1].ID
	c.refuses("notify send "+other+" --as stale", other[:8]+": the merchant answered 200: it believed what it has to refuse (stale)")
	shop.Close()
	c.refuses("notify resend "+id, "not delivered: ")
	c.refuses("notify send "+id, id[:8]+": not delivered: ")
	c.refuses("notify send "+id+" --as probe", id[:8]+": not delivered: ")
	c.order("2", shop.URL)
	c.says("user confirm 2")
	c.says("clock advance 0")
	c.says("notify list", "next ")
	c.says("clock advance 7d")
	c.says("notify list", "given up")
}

func TestSimNotifySendsInOrderAndAsItIsTold(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var bodies []string
	answer := "{}"
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(body))
		_, _ = io.WriteString(w, answer)
	}))
	defer shop.Close()
	arrived := func() (got []string) {
		mu.Lock()
		defer mu.Unlock()
		got, bodies = bodies, nil
		return got
	}
	c := newConsole(t)
	c.says("fault add --effect delay --delay 720h --event *")
	first := tells[control.Notification](c, "notify new REFUND.SUCCESS --url "+shop.URL).ID
	file := filepath.Join(t.TempDir(), "refund.json")
	writeFile(t, file, ` {"out_refund_no": "R2"} `)
	c.says("notify new REFUND.CLOSED --url "+shop.URL+" --mchid 1230000109 --resource "+file, ": REFUND.CLOSED goes to "+shop.URL)
	second := tells[[]control.Notification](c, "notify list")[1].ID
	c.says("notify show "+second, `"out_refund_no": "R2"`, "1230000109")

	c.says("notify send "+second+" "+first[:8], "✓ "+second[:8]+": the merchant answered 200", "✓ "+first[:8]+": the merchant answered 200")
	if got := arrived(); len(got) != 2 || !strings.Contains(got[0], second) || !strings.Contains(got[1], first) {
		t.Errorf("there came %q", got)
	}
	if all := tells[[]control.Delivery](c, "notify send "+first+" --as duplicate-at-once"); len(all) != 2 || all[1].Answer != "{}" || len(arrived()) != 2 {
		t.Errorf("it was delivered as %+v", all)
	}
	c.refuses("notify send "+first+" --as v2-refund", first[:8]+": the merchant answered 200, but the answer is not the XML that it has to be")
	if got := arrived(); len(got) != 1 || !strings.Contains(got[0], "<req_info>") {
		t.Errorf("as v2-refund it is %q", got)
	}

	c.refuses("notify send "+first+" none", `there is no notification "none"`)
	c.refuses("notify send "+first+" --as nonsense", `notifications REFUND.SUCCESS have no effect "nonsense", but duplicate, `)
	c.refuses("notify send "+first+" --as drop", "drop happens to what is still to come: add a fault with it; on demand there are duplicate, ")
	c.refuses("notify new REFUND.SUCCESS --mchid 7 --url "+shop.URL, `there is no merchant "7"`)
	c.refuses("notify new REFUND.SUCCESS --resource none.json --url "+shop.URL, "--resource: ")
	writeFile(t, file, `{`)
	c.refuses("notify new REFUND.SUCCESS --url "+shop.URL+" --resource "+file, "--resource: "+file+" is not JSON")
	for line, want := range map[string]string{
		"notify send": "requires at least 1 arg", "notify new REFUND.SUCCESS": "want --url", "notify new REFUND --url http://localhost/": "near it are ",
	} {
		if status, _, stderr := c.run(strings.Fields(line)...); status != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit status %d, %s", line, status, stderr)
		}
	}
	if got := arrived(); len(got) != 0 {
		t.Errorf("what was refused came all the same: %q", got)
	}
}

func TestSimRequestsTellWhatWasWrong(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.refuses("requests show", "there was no request yet")
	c.order("1", "http://127.0.0.1:1/")
	if err := c.cancel("none"); !errors.Is(err, code.OrderNotExist) {
		t.Fatal(err)
	}
	all := c.says("requests", "200  POST", "/v3/payscore/partner/serviceorder/none/cancel", "business: ORDER_NOT_EXIST: 查询单据不存在")
	if strings.Count(all, "\n") != 3 {
		t.Errorf("two requests, one with why it was refused, are\n%s", all)
	}
	if failed := c.says("requests --failed", "404  POST"); strings.Contains(failed, "200  POST") {
		t.Errorf("failed is\n%s", failed)
	}
	x := tells[control.Exchange](c, "requests show 2")
	signature := x.AnswerHeader.Get("Wechatpay-Signature")
	shown := c.says("requests show 2", "404 Not Found", "✓ signature", "✗ business", "the text to be signed", "  POST↵\n",
		`"reason":"用户取消"}↵`, `"code":"ORDER_NOT_EXIST"`, "Wechatpay-Signature: "+signature[:8]+"…", `signature="`)
	if again := c.says("requests show"); again != shown {
		t.Errorf("the last one is\n%s", again)
	}
	_, signed, _ := strings.Cut(x.Header.Get("Authorization"), `signature="`)
	if signed == "" || strings.Contains(shown, strings.TrimSuffix(signed, `"`)) || strings.Contains(shown, signature) {
		t.Errorf("a signature is shown in whole:\n%s", shown)
	}
	c.refuses("requests show 3", "there is no request 3")

	c.sign("GET", "/v3/payscore/partner/serviceorder?sub_mchid=1900000109", "/v3/payscore/partner/serviceorder")
	c.says("requests show 3", "401 Unauthorized", "✗ signature", "what was signed instead", "query-left-out", "The query was not signed.")

	bill := "/v3/profitsharing/bills?bill_date=2026-11-24"
	c.sign("GET", bill, bill)
	c.says("requests", bill, "rules: the simulator has none for this operation", "(INVENTED)")
	c.says("requests show 4", "200 OK", "✓ rules: the simulator has none for this operation", "(INVENTED)")
	if failed := c.says("requests --failed", "404  POST"); strings.Contains(failed, bill) {
		t.Errorf("an answer without rules counts as failed:\n%s", failed)
	}
}

// sign sends a request that is signed for another target.
func (c console) sign(method, target, signed string) {
	c.t.Helper()
	key, err := auth.LoadPrivateKey(c.settings["WECHATPAY_PRIVATE_KEY_FILE"])
	if err != nil {
		c.t.Fatal(err)
	}
	signer, err := auth.NewSigner(c.settings["WECHATPAY_MCHID"], c.settings["WECHATPAY_SERIAL_NO"], key)
	if err != nil {
		c.t.Fatal(err)
	}
	a, err := signer.Authorize(method, signed, nil, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.settings["WECHATPAY_BASE_URL"]+target, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", a.Header())
	req.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	res.Body.Close()
}

func TestSimRequestsFollows(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	status := make(chan int, 1)
	go func() {
		defer in.Close()
		status <- program{stdout: in, stderr: in}.run(ctx, []string{"sim", "requests", "--follow", "--json", "--manage", c.settings["WECHATPAY_MANAGE_URL"]})
	}()
	r := &running{lines: linesOf(out)}
	for _, no := range []string{"1", "2"} {
		c.order(no, "http://127.0.0.1:1/")
		var x control.Exchange
		if line := r.waitFor(t, "serviceorder"); json.Unmarshal([]byte(line), &x) != nil || !bytes.Contains(x.Body, []byte(`"out_order_no":"`+no+`"`)) {
			t.Errorf("after order %s it says %s", no, line)
		}
	}
	cancel()
	if got := <-status; got != 0 {
		t.Errorf("exit status %d", got)
	}
}

func TestSimCertificateRotates(t *testing.T) {
	t.Parallel()
	dir, seed := filepath.Join(t.TempDir(), "wxpay-sim"), filepath.Join(t.TempDir(), "seed.json")
	writeFile(t, seed, `{"merchants": [{"mchid": "1900000001", "key_mode": "certificate"}]}`)
	c := console{startSim(t, dir, "--seed", seed), t}
	if c.settings["WECHATPAY_PUBLIC_KEY_FILE"] != "" || c.settings["WECHATPAY_PLATFORM_CERTIFICATE_FILE"] != filepath.Join(dir, platformFile) {
		t.Errorf("the settings are %v", c.settings)
	}
	first := tells[[]control.PlatformCertificate](c, "certificate list")
	if len(first) != 1 || !first[0].Signs {
		t.Fatalf("the certificates are %+v", first)
	}
	second := tells[control.PlatformCertificate](c, "certificate add")
	c.says("certificate sign "+second.SerialNo, "signs")
	c.says("certificate remove "+first[0].SerialNo, "is gone")
	c.refuses("certificate remove "+second.SerialNo, "")
	c.says("certificate list", second.SerialNo+"  signs")
}

func TestNoSimulatorAnswers(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer page.Close()
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	tests := []struct{ name, address, want string }{
		{"nothing is there", free.Addr().String(), "no simulator answers at http://" + free.Addr().String() + ": connection refused; start one with 'wxpay sim', or say where it is with --manage or $WECHATPAY_MANAGE_URL"},
		{"a page is there", page.URL, "what answers at " + page.URL + " is not the management API"},
		{"something else is there", missing.URL, "what answers at " + missing.URL + " is not the management API"},
		{"that is no address", "http://", `"http://" is not the address of a management API`},
	}
	for _, tt := range tests {
		status, stdout, stderr := wxpay(t.Context(), "sim", "clock", "--manage", tt.address)
		if status != 1 || stdout != "" || !strings.HasPrefix(stderr, "wxpay: "+tt.want) {
			t.Errorf("%s: exit status %d, %q, want %q", tt.name, status, stdout+stderr, tt.want)
		}
	}
}

func TestTheEnvironmentSaysWhereTheSimulatorIs(t *testing.T) {
	c := newConsole(t)
	t.Setenv(manageVariable, strings.TrimPrefix(c.settings["WECHATPAY_MANAGE_URL"], "http://"))
	status, stdout, stderr := wxpay(t.Context(), "sim", "clock")
	if status != 0 || !strings.Contains(stdout, "signatures") {
		t.Errorf("exit status %d, %q", status, stdout+stderr)
	}
}

func TestEverySimCommandHelps(t *testing.T) {
	t.Parallel()
	p := program{stdout: io.Discard, stderr: io.Discard}
	var visit func(cmd *cobra.Command, path []string)
	visit = func(cmd *cobra.Command, path []string) {
		path = append(path, cmd.Name())
		_, help, _ := wxpay(t.Context(), append(append([]string{}, path...), "--help")...)
		for _, line := range strings.Split(cmd.Example, "\n") {
			if line != "" && !strings.HasPrefix(line, "  ") {
				t.Errorf("%q: an example is not indented: %q", path, line)
			}
		}
		if cmd.Example == "" || cmd.Short == "" || !strings.Contains(help, cmd.Example) {
			t.Errorf("%q has no example, or does not tell it:\n%s", path, help)
		}
		if cmd.Runnable() && len(path) > 1 && (!strings.Contains(help, "--json") || !strings.Contains(help, "--manage address")) {
			t.Errorf("%q has no --json or no --manage:\n%s", path, help)
		}
		for _, sub := range cmd.Commands() {
			visit(sub, path)
		}
	}
	visit(p.simCommand(), nil)
}

// What is shown of strangers moves no cursor, and Chinese is as wide as it is.
func TestTables(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := paper{w: &out}
	p.table([]string{"NAME", "STATE", "URL"}, [][]cell{{{"雨伞", green}, {"x\x1b[2Jx", red}, {"u", ""}}, {{"a", ""}, {"b", ""}, {"", ""}}})
	want := "NAME  STATE   URL\n雨伞  x\ufffd[2Jx  u\na     b\n"
	if out.String() != want {
		t.Errorf("without colour it is\n%swant\n%s", out.String(), want)
	}
	out.Reset()
	paper{&out, true}.align("", [][]cell{{{"a", green}, {"b", ""}}, {{"雨", ""}, {"c", ""}}})
	if want := "\x1b[32ma\x1b[0m   b\n雨  c\n"; out.String() != want {
		t.Errorf("with colour it is %q, want %q", out.String(), want)
	}
}

func TestAManagementAPIThatIsNotOnLoopbackWantsItsToken(t *testing.T) {
	t.Parallel()
	for _, given := range []string{"", "open-sesame"} {
		c := console{startSim(t, filepath.Join(t.TempDir(), "wxpay-sim"), "--memory", "--manage", "0.0.0.0:0", "--manage-token", given), t}
		token := c.settings[tokenVariable]
		if given != "" && token != given || len(token) < len("open-sesame") {
			t.Fatalf("with --manage-token %q the token is %q", given, token)
		}
		c.order("1", "http://127.0.0.1:1/")
		for _, line := range []string{"user confirm 1", "clock", "requests", "user confirm 1 --manage-token " + token + "x"} {
			c.refuses(line, "the simulator at "+c.settings[manageVariable]+" wants its token: give it with --manage-token or $WECHATPAY_MANAGE_TOKEN, which its wechatpay.env sets")
		}
		c.refuses("clock --manage-token 口令", "--manage-token or $WECHATPAY_MANAGE_TOKEN: a token has printable ASCII")
		c.says("user confirm 1 --manage-token "+token, "is confirmed")

		get := func(header, value string) int {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.settings[manageVariable]+"/clock", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "shop:8081"
			if value != "" {
				req.Header.Set("Authorization", value)
			}
			if header != "" {
				req.Header.Set(header, "x")
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode
		}
		for _, tt := range []struct {
			header, value string
			want          int
		}{
			{"", "", 401}, {"", "Bearer", 401}, {"", "Bearer ", 401}, {"", token, 401}, {"", "Basic " + token, 401}, {"", "Bearer " + token[1:], 401},
			{"", "Bearer " + token, 200}, {"", "bearer " + token, 200},
			{"Origin", "Bearer " + token, 403}, {"Wechatpay-Signature", "Bearer " + token, 403},
		} {
			if got := get(tt.header, tt.value); got != tt.want {
				t.Errorf("by another name with %q and %q: status %d, want %d", tt.value, tt.header, got, tt.want)
			}
		}
		c.end(t)
		if !strings.Contains(c.stderr.String(), "other machines can call --manage 0.0.0.0:0") {
			t.Errorf("it does not warn: %q", c.stderr.String())
		}
	}
}

// It does not run at once with others, for the environment is everybody's.
func TestTheTokenIsThatOfTheEnvironment(t *testing.T) {
	t.Setenv(tokenVariable, "open-sesame")
	c := newConsole(t)
	if token := c.settings[tokenVariable]; token != "open-sesame" {
		t.Errorf("the token is %q", token)
	}
	c.says("clock", "signatures")
	t.Setenv(tokenVariable, "")
	c.refuses("clock", "the simulator at ")
	t.Setenv(tokenVariable, "two words")
	refuses(t, filepath.Join(t.TempDir(), "wxpay-sim"), "$WECHATPAY_MANAGE_TOKEN: a token has")
}

func TestSimPhoneTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := t.TempDir()
	good := map[string]string{"appId": world.AppID, "timeStamp": "1554208460", "nonceStr": "n", "package": "prepay_id=wx1", "signType": "RSA"}
	key, err := auth.LoadPrivateKey(c.settings["WECHATPAY_PRIVATE_KEY_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, lines string) string {
		t.Helper()
		if good["paySign"], err = auth.Sign(key, []byte(lines)); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(good)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		writeFile(t, path, string(text))
		return path
	}
	right := file("good.json", world.AppID+"\n1554208460\nn\nprepay_id=wx1\n")
	spoilt := file("bad.json", world.AppID+"\n1554208460\nn\nwx1\n")
	c.says("phone open --as jsapi "+right, "✓ parameters", "✓ timestamp: timeStamp is ", "✓ prepay-id: the prepay_id is not known", "✓ it opens")
	status, stdout, stderr := c.run("phone", "open", "--as", "jsapi", spoilt)
	if status != 1 || stderr != "wxpay: it does not open: 支付验证签名失败\n" {
		t.Errorf("exit status %d, %s", status, stderr)
	}
	for _, want := range []string{"✗ signature: paySign does not match: package-without-prepay-id", "Sign package as it is handed over.", `to be signed  "` + world.AppID + `\n`, "get_brand_wcpay_request:fail"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it says\n%swant %q", stdout, want)
		}
	}
	status, stdout, _ = c.run("phone", "open", "--as", "jsapi", spoilt, "--json")
	var opened control.Opened
	if err := json.Unmarshal([]byte(stdout), &opened); err != nil || status != 1 || opened.Opens || len(opened.Diagnosis) != 1 {
		t.Errorf("exit status %d, %v, %+v", status, err, opened)
	}
	if opened := tells[control.Opened](c, "phone open --as jsapi "+right); !opened.Opens {
		t.Errorf("it is %+v", opened)
	}
	writeFile(t, right, "package=nonsense")
	if status, _, stderr := c.run("phone", "open", "--as", "pay-score-use", right); status != 1 || stderr != "wxpay: it does not open: the phone shows the error 4186\n" {
		t.Errorf("exit status %d, %s", status, stderr)
	}
	if status, _, stderr := c.run("phone", "open", "--as", "native", "weixin://wxpay/bizpayurl?pr=none"); status != 1 || stderr != "wxpay: it does not open: 该订单已过期，请重新下单\n" {
		t.Errorf("exit status %d, %s", status, stderr)
	}
	writeFile(t, right, `{'appId': 1}`)
	c.refuses("phone open --as jsapi "+right, right+" is not JSON: want what the front end passes on")
	writeFile(t, right, strings.Repeat("1", 70_000))
	c.refuses("phone open --as jsapi "+right, right+" has more than 65536 bytes")
	c.refuses("phone open --as jsapi "+filepath.Join(dir, "none"), "the parameters cannot be read: ")
	c.refuses("phone open --as mini-program "+spoilt+" --appid "+world.AppID+" --then confirm", `the user does not "confirm" on the page of mini-program, but pay, leave`)
	for line, want := range map[string]string{"phone open x": "want --as and one of jsapi, ", "phone open --as alipay x": "want --as and one of jsapi, ", "phone open --as jsapi": "accepts 1 arg(s)"} {
		if status, _, stderr := c.run(strings.Fields(line)...); status != 2 || !strings.Contains(stderr, want) {
			t.Errorf("wxpay sim %s: exit status %d, %s", line, status, stderr)
		}
	}
}

func TestSimPhoneLetsTheUserGoOn(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	in := createRequest("1", "http://127.0.0.1:1/")
	in.TimeRange.EndTime = "20991231"
	made, err := payscore.New(c.client(t)).Partner().Serviceorder().Post(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "use.json")
	writeFile(t, file, `{"businessType": "wxpayScoreUse", "extraData": {"package": "`+made.Package+`"}}`)
	c.says("phone open --as pay-score-use "+file+" --then confirm", "✓ business-type", "about", "SERVING", "openBusinessView:ok", "✓ it opens")
	if status, _, stderr := c.run("phone", "open", "--as", "pay-score-use", file); status != 1 || stderr != "wxpay: it does not open: 订单未获得权益，系统繁忙\n" {
		t.Errorf("the second time: exit status %d, %s", status, stderr)
	}
}

func TestParametersAreReadFromStandardInput(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\ufeff {\"a\": 1}\n": `{"a": 1}`, " weixin://wxpay/bizpayurl?pr=1\n": `"weixin://wxpay/bizpayurl?pr=1"`, `"a=1"`: `"a=1"`, "{": "", "": "",
	} {
		got, err := readParameters("-", strings.NewReader(in))
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q is read as %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestTheHelpTellsOfEveryFrontEnd(t *testing.T) {
	t.Parallel()
	var told []control.FrontEnd
	for _, f := range frontEnds {
		told = append(told, f.as)
	}
	if !slices.Equal(told, control.FrontEnds()) {
		t.Errorf("it tells of %q, and there are %q", told, control.FrontEnds())
	}
}
