package sim_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// TestThePageOfTheManagementAPI makes every call of docs/management.md, in its order, with its
// example; and looks whether the page has every call that there is.
func TestThePageOfTheManagementAPI(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/management.md")
	if err != nil {
		t.Fatal(err)
	}
	w := simtest.World(t)
	w.Merchants[0].KeyMode = world.MigratingMode
	withNewcomer(w)
	g := simtest.StartWith(t, sim.Config{World: w})
	b := &bench{g, g.Client(), t}
	b.fillForThePage()
	fillTrades(t, g)
	names := &placeholders{}
	made := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```http\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		line, body, _ := strings.Cut(block[1], "\n")
		method, target, _ := strings.Cut(line, " ")
		path, _, _ := strings.Cut(target, "?")
		made[method+" "+strings.Replace(path, "{old_", "{", 1)] = true
		req, err := http.NewRequest(method, "http://localhost"+names.fill(target), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res := serve(g.Management, req)
		if res.Code != http.StatusOK {
			t.Errorf("%s %s is answered %d %s", method, names.fill(target), res.Code, res.Body)
		}
		names.learn(method, path, res.Body.Bytes())
	}
	for _, pattern := range patterns(t) {
		if !made[pattern] {
			t.Errorf("docs/management.md has no example of %s", pattern)
		}
	}
}

// patterns are the calls that the management API serves, as its source has them.
func patterns(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("internal/manage/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`mux\.Handle\("([A-Z]+ [^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			found = append(found, match[1])
		}
	}
	if len(found) < 20 {
		t.Fatalf("found only %v", found)
	}
	return found
}

// placeholders are the names that the page's calls give back.
type placeholders struct{ notification, fault, serial, oldSerial string }

func (p *placeholders) fill(target string) string {
	return strings.NewReplacer(
		"/notifications/{id}", "/notifications/"+p.notification,
		"/faults/{id}", "/faults/"+p.fault,
		"{serial_no}", p.serial,
		"{old_serial_no}", p.oldSerial,
	).Replace(target)
}

func (p *placeholders) learn(method, path string, answer []byte) {
	var list []struct {
		ID       json.RawMessage `json:"id"`
		SerialNo string          `json:"serial_no"`
	}
	if json.Unmarshal(answer, &list) != nil {
		list = list[:0]
		_ = json.Unmarshal(append(append([]byte("["), answer...), ']'), &list)
	}
	if len(list) == 0 {
		return
	}
	id := strings.Trim(string(list[0].ID), `"`)
	switch method + " " + path {
	case "GET /notifications":
		p.notification = id
	case "POST /faults":
		p.fault = id
	case "GET /certificates":
		p.oldSerial = list[0].SerialNo
	case "POST /certificates":
		p.serial = list[0].SerialNo
	}
}

// fillForThePage makes what the page's examples name.
func (b *bench) fillForThePage() {
	b.t.Helper()
	for _, no := range []string{"A4", "A5"} {
		b.confirmed(object{"out_order_no": no})
	}
	b.Advance(2 * time.Minute)
	for _, no := range []string{"A4", "A5"} {
		b.want(b.act(no, "complete", b.completion(4000, nil)), "204")
	}
	for _, no := range []string{"A1", "A2", "A3"} {
		b.created(object{"out_order_no": no})
	}
	b.want(b.call("POST", permissions, wechatpay.JSON(permission("C1", nil))), "200")
	for _, no := range []string{"P1", "P2"} {
		b.want(b.apply(application(no, nil)), "200")
	}
	seller{b, true}.asked(nil, object{"merchant_sign_plan_no": "S1"})
}

// TestTheManagementAPITellsWhatIsNotThereFromWhatCannotBeDone compares 404 with 409.
func TestTheManagementAPITellsWhatIsNotThereFromWhatCannotBeDone(t *testing.T) {
	t.Parallel()
	w := simtest.World(t)
	w.Merchants[0].KeyMode = world.CertificateMode
	withNewcomer(w)
	g := simtest.StartWith(t, sim.Config{World: w})
	b := &bench{g, g.Client(), t}
	b.want(b.apply(application("P1", nil)), "200")
	certificates, err := b.Control().PlatformCertificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, method, path, body string
		want                     int
	}{
		{"an order that is not there", "POST", "/user/confirm", `{"out_order_no": "none"}`, 404},
		{"an application that is not there", "POST", "/application/approve", `{"out_apply_no": "none"}`, 404},
		{"an application that is", "POST", "/application/approve", `{"out_apply_no": "P1"}`, 200},
		{"an application that was decided", "POST", "/application/reject", `{"out_apply_no": "P1", "reject_reason": "r"}`, 409},
		{"a plan that is not there", "POST", "/user/sign-plan", `{"merchant_sign_plan_no": "none"}`, 404},
		{"a service that is not there", "POST", "/user/open-service", `{"openid": "o", "service_id": "none"}`, 404},
		{"a grant that nobody asked for", "POST", "/user/open-service", `{"openid": "o", "authorization_code": "none"}`, 404},
		{"a certificate that is not there, to sign", "POST", "/certificates/none/sign", `{}`, 404},
		{"a certificate that is not there, to be taken away", "DELETE", "/certificates/none", ``, 404},
		{"the certificate that signs", "DELETE", "/certificates/" + certificates[0].SerialNo, ``, 409},
		{"a notification that is not there", "POST", "/notifications/none/resend", `{}`, 404},
		{"a notification that is not there, on demand", "POST", "/notifications/none/send", `{}`, 404},
		{"a notification to a merchant that is not there", "POST", "/notifications", `{"event_type": "REFUND.SUCCESS", "mchid": "1", "url": "http://localhost/"}`, 404},
		{"a notification of an event that is none", "POST", "/notifications", `{"event_type": "REFUND", "url": "http://localhost/"}`, 400},
		{"a fault that is not there", "DELETE", "/faults/17", ``, 404},
	}
	for _, tt := range tests {
		req, err := http.NewRequest(tt.method, "http://localhost"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if res := serve(g.Management, req); res.Code != tt.want {
			t.Errorf("%s: answered %d %s, want %d", tt.name, res.Code, res.Body, tt.want)
		}
	}
}
