package sim_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// raw is a request that is made by hand, so that it can be made wrongly.
type raw struct {
	method, target, body string
	sign                 func(a *auth.Authorization) // changes the header after it was signed
	header               func(h http.Header)
	key                  *rsa.PrivateKey // signs instead of the merchant's
	signed               string          // is signed instead of the body
	at                   time.Time       // when it is signed
}

func (b *bench) send(r raw) *http.Response {
	b.t.Helper()
	m := b.Merchant()
	key := r.key
	if key == nil {
		key = m.PrivateKey.(*rsa.PrivateKey)
	}
	if r.at.IsZero() {
		r.at = time.Now()
	}
	if r.signed == "" {
		r.signed = r.body
	}
	signer, err := auth.NewSigner(m.MchID, m.SerialNo, key)
	if err != nil {
		b.t.Fatal(err)
	}
	a, err := signer.Authorize(r.method, r.target, []byte(r.signed), r.at)
	if err != nil {
		b.t.Fatal(err)
	}
	if r.sign != nil {
		r.sign(&a)
	}
	req, err := http.NewRequest(r.method, b.URL+r.target, strings.NewReader(r.body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", a.Header())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	if r.header != nil {
		r.header(req.Header)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { res.Body.Close() })
	return res
}

// read is the status with the body behind it.
func read(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", res.StatusCode, body))
}

const queryTarget = "/v3/payscore/partner/serviceorder?sub_mchid=" + world.SubMerchant + "&out_order_no=none"

func TestWhatTheFrontRefusesBeforeTheSignature(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	drop := func(names ...string) func(http.Header) {
		return func(h http.Header) {
			for _, name := range names {
				h[name] = nil
			}
		}
	}
	set := func(value string) func(http.Header) {
		return func(h http.Header) { h.Set("Authorization", value) }
	}
	const format = `401 {"code":"SIGN_ERROR","message":"Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"}`
	const serial = `401 {"code":"SIGN_ERROR","message":"商户证书序列号有误。请使用签名私钥匹配的证书序列号"}`
	const late = `401 {"code":"SIGN_ERROR","message":"Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"}`
	tests := map[string]struct {
		request raw
		want    string
	}{
		"an unknown path gets 404 and nothing else": {raw{method: "GET", target: "/v3/nothing"}, "404"},
		"a path with a slash too many gets 404":     {raw{method: "GET", target: "/v3/payscore/partner/serviceorder/"}, "404"},
		"another version gets 404":                  {raw{method: "GET", target: "/v4/payscore/serviceorder"}, "404"},
		"a wrong method gets 405 and nothing else":  {raw{method: "DELETE", target: queryTarget}, "405"},
		"a wrong method goes before the signature":  {raw{method: "PUT", target: queryTarget, header: set("Bearer 1")}, "405"},
		"no User-Agent":                               {raw{method: "GET", target: queryTarget, header: drop("User-Agent")}, `400 {"code":"INVALID_REQUEST","message":"Http头缺少Accept或User-Agent"}`},
		"no Accept goes before the signature":         {raw{method: "GET", target: queryTarget, header: drop("Accept", "Authorization")}, `400 {"code":"INVALID_REQUEST","message":"Http头缺少Accept或User-Agent"}`},
		"no Authorization":                            {raw{method: "GET", target: queryTarget, header: drop("Authorization")}, format},
		"an Authorization of another kind":            {raw{method: "GET", target: queryTarget, header: set("Bearer abc")}, format},
		"an Authorization that lacks a member":        {raw{method: "GET", target: queryTarget, header: set(auth.Scheme + ` mchid="1",nonce_str="1",timestamp="1",serial_no="1"`)}, format},
		"a timestamp that is not a number":            {raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.Timestamp = "now" }}, format},
		"an unknown scheme":                           {raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.Scheme = "WECHATPAY2-SM2-WITH-SM3" }}, `401 {"code":"SIGN_ERROR","message":"HTTP头Authorization认证类型不正确"}`},
		"a timestamp of six minutes ago":              {raw{method: "GET", target: queryTarget, at: time.Now().Add(-6 * time.Minute)}, late},
		"a timestamp of six minutes ahead":            {raw{method: "GET", target: queryTarget, at: time.Now().Add(6 * time.Minute)}, late},
		"a timestamp in milliseconds":                 {raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.Timestamp += "000" }}, late},
		"the timestamp goes before the serial number": {raw{method: "GET", target: queryTarget, at: time.Now().Add(-time.Hour), sign: func(a *auth.Authorization) { a.SerialNo = "1" }}, late},
		"an unknown merchant":                         {raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.MchID = "1" }}, serial},
		"a sub-merchant that signs for itself":        {raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.MchID = world.SubMerchant }}, serial},
		"an unknown serial number":                    {raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.SerialNo = "1" }}, serial},
		"the serial number goes before the signature": {raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.SerialNo, a.Signature = "1", "1" }}, serial},
		"a signature that is not base64":              {raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.Signature = "!" }}, `401 {"code":"SIGN_ERROR"`},
		"the signature goes before the content":       {raw{method: "GET", target: "/v3/payscore/partner/serviceorder", signed: "other"}, `401 {"code":"SIGN_ERROR"`},
		"a body that is larger than any":              {raw{method: "POST", target: "/v3/payscore/partner/serviceorder", body: strings.Repeat(" ", 1<<20+1)}, "413"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			res := b.send(tt.request)
			if got := read(t, res); got != tt.want && !(strings.Contains(tt.want, "{") && strings.HasPrefix(got, tt.want)) {
				t.Errorf("answered %s\n    want %s", got, tt.want)
			}
			for name := range res.Header {
				if strings.HasPrefix(name, "Wechatpay-") {
					t.Errorf("a refusal before the signature has the header %s", name)
				}
			}
			if res.Header.Get("Request-Id") == "" {
				t.Error("the refusal has no Request-ID")
			}
		})
	}
}

func TestASignatureThatDoesNotMatchIsAnsweredWithWhatTheGatewayBuilt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var a auth.Authorization
	const target, body = "/v3/payscore/partner/serviceorder/1/cancel", `{"reason":"用户取消"}`
	res := b.send(raw{method: "POST", target: target, body: body, key: other, sign: func(signed *auth.Authorization) { a = *signed }})
	text := auth.RequestText("POST", target, a.Timestamp, a.Nonce, []byte(body))
	shown, _ := json.Marshal("POST\n" + target + "\n" + a.Timestamp + "\n" + a.Nonce + "\n" + body[:8] + "\n")
	want := `401 {"code":"SIGN_ERROR","detail":{"detail":{"issue":"sign not match"},"field":"signature","location":"authorization",` +
		`"sign_information":{"method":"POST","sign_message_length":` + strconv.Itoa(len(text)) + `,"truncated_sign_message":` + string(shown) + `,"url":"` + target + `"}},"message":"签名错误"}`
	if got := read(t, res); got != want {
		t.Errorf("answered %s\n    want %s", got, want)
	}
	res = b.send(raw{method: "GET", target: queryTarget, key: other, sign: func(signed *auth.Authorization) { a = *signed }})
	if got := read(t, res); !strings.Contains(got, a.Nonce+`\n\n"`) {
		t.Errorf("a call without a body is answered %s", got)
	}
}

func TestAnExpiredCertificateIsRefused(t *testing.T) {
	t.Parallel()
	g := simtest.StartWith(t, sim.Config{World: simtest.World(t), Clock: func() time.Time { return time.Now().AddDate(6, 0, 0) }})
	b := &bench{g, g.Client(), t}
	res := b.send(raw{method: "GET", target: queryTarget, at: time.Now().AddDate(6, 0, 0)})
	if got, want := read(t, res), `401 {"code":"SIGN_ERROR","message":"商户证书已过期"}`; got != want {
		t.Errorf("answered %s\n    want %s", got, want)
	}
}

func TestWhatIsSignedIsTheTargetAsItWasSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, target := range []string{
		"/v3/payscore/partner/serviceorder?sub_mchid=" + world.SubMerchant + "&out_order_no=a%7Cb",
		"/v3/payscore/partner/serviceorder?out_order_no=a%7cb&sub_mchid=" + world.SubMerchant,
		"/v3/payscore/partner/serviceorder?out_order_no=a|b&sub_mchid=%31900000109",
		"/v3/payscore/partner/%73erviceorder?sub_mchid=1900000109&out_order_no=1",
	} {
		if got := read(t, b.send(raw{method: "GET", target: target})); !strings.HasPrefix(got, "404") {
			t.Errorf("%s is answered %s", target, got)
		}
	}
	no := b.created(object{"out_order_no": "a|*-_Z9"})
	b.want(b.cancel(no, cancelBody("r")), "204")
}

// TestAnswersAreSigned covers what is answered after the signature, success or not.
func TestAnswersAreSigned(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	m := b.Merchant()
	verifier, err := auth.NewVerifier(m.PlatformKeys...)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(cancelBody("r"))
	cancelTarget := "/v3/payscore/partner/serviceorder/" + no + "/cancel"
	tests := []struct {
		name    string
		request raw
		status  int
		sub     string // at the end of the Request-ID
	}{
		{"a field that is missing", raw{method: "POST", target: cancelTarget, body: "{}"}, 400, "268435461"},
		{"broken JSON", raw{method: "POST", target: cancelTarget, body: "{"}, 400, "268435461"},
		{"an order that is not there", raw{method: "GET", target: queryTarget}, 404, "271317510"},
		{"a permission that is missing", raw{method: "GET", target: strings.Replace(queryTarget, world.SubMerchant, "1", 1)}, 403, "268503786"},
		{"an order", raw{method: "GET", target: strings.Replace(queryTarget, "none", no, 1)}, 200, "0"},
		{"an empty body", raw{method: "POST", target: cancelTarget, body: string(body)}, 204, "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			res := b.send(tt.request)
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.status {
				t.Errorf("answered %d %s, want %d", res.StatusCode, body, tt.status)
			}
			if err := verifier.Verify(t.Context(), res.Header, body, time.Now()); err != nil {
				t.Errorf("the answer does not verify: %v", err)
			}
			if id := res.Header.Get("Request-Id"); !strings.HasSuffix(id, "-"+tt.sub) {
				t.Errorf("the Request-ID is %s, want it to end in -%s", id, tt.sub)
			}
			if got := res.Header.Get("Wechatpay-Signature-Type"); got != auth.Scheme {
				t.Errorf("the signature is of type %q", got)
			}
			if tt.status == 204 && len(body) != 0 {
				t.Errorf("a 204 has the body %s", body)
			}
		})
	}
}

func TestErrorsHaveTheShapeOfTheProfile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		rules     world.Rules
		too, gone string
	}{
		{"as observed", world.Rules{},
			`400 {"code":"PARAM_ERROR","detail":{"location":"body","value":51},"message":"输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，字符数 51，大于最大值 50"}`,
			`404 {"code":"ORDER_NOT_EXIST","message":"查询单据不存在"}`},
		{"as documented", world.Rules{Documented: true},
			`400 {"code":"PARAM_ERROR","detail":{"field":"/reason","issue":"输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，字符数 51，大于最大值 50","location":"body","value":51},"message":"输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，字符数 51，大于最大值 50"}`,
			`404 {"code":"ORDER_NOT_EXIST","message":"查询单据不存在"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, rules(tt.rules))
			body, _ := json.Marshal(cancelBody(strings.Repeat("因", 51)))
			if got := read(t, b.send(raw{method: "POST", target: "/v3/payscore/partner/serviceorder/1/cancel", body: string(body)})); got != tt.too {
				t.Errorf("answered %s\n    want %s", got, tt.too)
			}
			if got := read(t, b.send(raw{method: "GET", target: queryTarget})); got != tt.gone {
				t.Errorf("answered %s\n    want %s", got, tt.gone)
			}
		})
	}
}

func TestUnknownMembersAreIgnoredWhereTheWorldSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t, rules(world.Rules{IgnoreUnknown: true}))
	b.want(b.create(newOrder(object{"sp_mchid": "1"})), "200")
}

func TestAConfirmationIsNotified(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	no := b.created(object{"notify_url": r.URL + "/notify", "attach": "a"})
	b.Confirm(no)
	sent := b.Notifications()
	if len(sent) != 1 || !sent[0].Delivered || len(sent[0].Attempts) != 1 {
		t.Fatalf("sent %+v", sent)
	}
	n := r.only(t)
	if n.EventType != "PAYSCORE.USER_CONFIRM" || n.OriginalType != "payscore" || n.ResourceType != "encrypt-resource" || n.Summary != "微信支付分服务订单用户已确认" || n.ID != sent[0].ID {
		t.Errorf("received %+v", n)
	}
	var order object
	if err := json.Unmarshal(n.Resource, &order); err != nil {
		t.Fatal(err)
	}
	wanted := object{
		"out_order_no": no, "state": "DOING", "state_description": "USER_CONFIRM", "mchid": world.ServiceProvider, "sub_mchid": world.SubMerchant,
		"openid": world.OpenID, "attach": "a", "need_collection": false,
	}
	for name, want := range wanted {
		if order[name] != want {
			t.Errorf("the notification has %s: %v, want %v", name, order[name], want)
		}
	}
}

func TestANotificationIsSentAgainUntilItArrives(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	r.refuse(3)
	b.Confirm(b.created(object{"notify_url": r.URL}))
	b.Advance(time.Minute) // 15 s + 15 s + 30 s
	n := b.Notifications()[0]
	if len(n.Attempts) != 4 || !n.Delivered || !n.Next.IsZero() {
		t.Errorf("after a minute: %+v", n)
	}
	for i, want := range []time.Duration{0, 15 * time.Second, 30 * time.Second, time.Minute} {
		if got := n.Attempts[i].At.Sub(n.CreateTime).Round(time.Second); got != want {
			t.Errorf("attempt %d came after %v, want %v", i+1, got, want)
		}
	}
}

func TestANotificationThatNobodyTakesIsGivenUpAfterTheLadder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	r.refuse(100)
	b.Confirm(b.created(object{"notify_url": r.URL}))
	b.Advance(48 * time.Hour)
	n := b.Notifications()[0]
	if len(n.Attempts) != 10 || n.Delivered || !n.Next.IsZero() || n.Attempts[9].Status != 500 {
		t.Errorf("after two days: %d attempts, %+v", len(n.Attempts), n)
	}
}

func TestNotificationsGoToLoopbackOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Confirm(b.created(object{"notify_url": "https://example.com/notify"}))
	n := b.Notifications()[0]
	if n.Delivered || !strings.Contains(n.Attempts[0].Error, "not a loopback address") {
		t.Errorf("sent %+v", n)
	}
}

func TestSignaturesStayInRealTimeWhenTheClockIsMoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	b.Advance(40 * 24 * time.Hour)
	no := b.created(object{"notify_url": r.URL})
	b.Confirm(no)
	b.want(b.cancel(no, cancelBody("r")), "204")
	b.Notifications()
	r.only(t)
}

func TestConcurrentCallersSeeEachOrderOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(nil)
	no := o["out_order_no"].(string)
	var mu sync.Mutex
	ids := map[any]int{}
	reasons := map[string]int{}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			res, err := b.client.Chain(orders).Post(t.Context(), wechatpay.JSON(o))
			if err != nil {
				t.Error(err)
				return
			}
			var created object
			if err := json.Unmarshal(res.Body, &created); err != nil {
				t.Error(err)
			}
			_, err = b.client.Chain(cancel).Post(t.Context(), wechatpay.Path("out_order_no", no), wechatpay.JSON(cancelBody("reason "+strconv.Itoa(i))))
			mu.Lock()
			defer mu.Unlock()
			ids[created["order_id"]]++
			if err == nil {
				reasons["cancelled"]++
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 || reasons["cancelled"] != 1 {
		t.Errorf("made the orders %v, of which %v were cancelled: want one, cancelled for one reason", ids, reasons)
	}
}

func TestTheManagementAPIRefusesWebPages(t *testing.T) {
	t.Parallel()
	gateway, err := sim.New(sim.Config{World: simtest.World(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.Close()
	tests := map[string]struct {
		host, contentType, origin string
		want                      int
	}{
		"from another origin":                    {"localhost:8081", "application/json", "https://example.com", 403},
		"from a page of its own address":         {"localhost:8081", "application/json", "http://localhost:8081", 403},
		"by a name that leads to loopback":       {"example.com:8081", "application/json", "", 403},
		"as a form":                              {"127.0.0.1:8081", "application/x-www-form-urlencoded", "", 415},
		"as plain text":                          {"127.0.0.1:8081", "text/plain", "", 415},
		"but a program is answered":              {"127.0.0.1:8081", "application/json; charset=utf-8", "", 200},
		"a program on the loopback of version 6": {"[::1]:8081", "application/json", "", 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest("POST", "http://"+tt.host+"/clock/advance", bytes.NewReader([]byte(`{"by":"0s"}`)))
			req.Header.Set("Content-Type", tt.contentType)
			if tt.origin != "" {
				req.Header.Set("Origin", tt.origin)
			}
			if got := serve(gateway.Management(), req); got.Code != tt.want {
				t.Errorf("answered %d %s, want %d", got.Code, got.Body, tt.want)
			}
		})
	}
}

func TestTheRequestLogTellsWhichCheckRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.cancel("none", cancelBody("r"))
	b.send(raw{method: "GET", target: queryTarget, sign: func(a *auth.Authorization) { a.Signature = "AAAA" }})
	exchanges, err := b.Control().Requests(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(exchanges) != 2 {
		t.Fatalf("the log has %d requests, want 2", len(exchanges))
	}
	last := func(x control.Exchange) string { c := x.Checks[len(x.Checks)-1]; return c.Name + ": " + c.Finding }
	if got := last(exchanges[0]); got != "business: ORDER_NOT_EXIST: 查询单据不存在" {
		t.Errorf("the first says %q", got)
	}
	if got := last(exchanges[1]); !strings.HasPrefix(got, "signature: SIGN_ERROR: 签名错误") || !strings.HasPrefix(string(exchanges[1].SignedText), "GET\n"+queryTarget+"\n") {
		t.Errorf("the second says %q about %q", got, exchanges[1].SignedText)
	}
	if more, err := b.Control().Requests(t.Context(), exchanges[0].ID); err != nil || len(more) != 1 {
		t.Errorf("after the first there are %d, %v", len(more), err)
	}
}

func TestAJournalBringsEverythingBack(t *testing.T) {
	t.Parallel()
	journal := new(memory)
	w := simtest.World(t)
	start := func() *bench {
		g := simtest.StartWith(t, sim.Config{World: w, Journal: journal})
		return &bench{g, g.Client(), t}
	}
	first := start()
	r := newReceiver(t, first)
	r.refuse(1)
	waiting, cancelled := first.created(nil), first.confirmed(object{"notify_url": r.URL})
	first.want(first.cancel(cancelled, cancelBody("r")), "204")
	first.Advance(20 * 24 * time.Hour)
	want := first.Notifications()

	second := start()
	second.wantState(waiting, "CREATED")
	second.want(second.cancel(cancelled, cancelBody("r")), "204")
	second.want(second.cancel(cancelled, cancelBody("other")), "400 PARAM_ERROR 订单重入参数校验失败")
	if got := second.Notifications(); len(got) != 1 || got[0].ID != want[0].ID || len(got[0].Attempts) != 2 || !got[0].Delivered {
		t.Errorf("the notifications are %+v, want %+v", got, want)
	}
	second.Advance(10 * 24 * time.Hour)
	second.wantState(waiting, "EXPIRED")
}

func TestAJournalThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	journal := new(memory)
	g := simtest.StartWith(t, sim.Config{World: simtest.World(t), Journal: journal})
	b := &bench{g, g.Client(), t}
	no := b.created(nil)
	journal.fail(true)
	b.want(b.cancel(no, cancelBody("r")), "500 SYSTEM_ERROR")
	b.wantState(no, "CREATED")
	journal.fail(false)
	b.want(b.cancel(no, cancelBody("r")), "204")
}
