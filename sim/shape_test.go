package sim_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/catalog/catalogtest"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/sm3"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// The operations of this file have no rules. Should theirs be written, others take their place here.
const (
	refunds    = "v3/refund/domestic/refunds"
	statements = "v3/global/statements"
)

func refund(changes object) object {
	o := object{"out_trade_no": "T00001", "out_refund_no": "R1", "amount": object{"refund": 888, "total": 999, "currency": "CNY"}}
	for name, value := range changes {
		o[name] = value
	}
	return o
}

// at is the value at a path of names, such as amount/refund.
func (a answer) at(path string) any {
	var value any = map[string]any(a.body)
	for name := range strings.SplitSeq(path, "/") {
		if list, ok := value.([]any); ok {
			value = list[0]
		}
		inner, _ := value.(map[string]any)
		value = inner[name]
	}
	return value
}

func TestAnAnswerWithoutRulesSaysWhatWasSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	goods := func(id string, quantity int) object {
		return object{"merchant_goods_id": id, "goods_name": "n", "unit_price": 5, "refund_amount": 7, "refund_quantity": quantity}
	}
	refunded := b.call(http.MethodPost, refunds, wechatpay.JSON(refund(object{"goods_detail": []object{goods("G1", 2), goods("G2", 3)}})))
	queried := b.call(http.MethodGet, refunds+"/{out_refund_no}", wechatpay.Path("out_refund_no", "R1"), wechatpay.Query("sub_mchid", "1900000110"))
	tests := map[string]struct {
		a    answer
		path string
		want any
	}{
		"a member of the body":                   {refunded, "out_refund_no", "R1"},
		"a member of an object of the same name": {refunded, "amount/refund", 888.0},
		"another one beside it":                  {refunded, "amount/total", 999.0},
		"a member of an item of another list":    {refunded, "promotion_detail/goods_detail/merchant_goods_id", "G1"},
		"a number of it":                         {refunded, "promotion_detail/goods_detail/refund_quantity", 2.0},
		"a parameter of the path":                {queried, "out_refund_no", "R1"},
		"what nobody said, the first of an enum": {refunded, "channel", "ORIGINAL"},
		"what nobody said, an amount":            {queried, "amount/total", 100.0},
		"what nobody said, a currency":           {queried, "amount/currency", "CNY"},
		"what nobody said, the label":            {queried, "promotion_detail/goods_detail/goods_name", "商品名称"},
	}
	for name, tt := range tests {
		if got := tt.a.at(tt.path); got != tt.want {
			t.Errorf("%s: %s is %v, want %v in %v", name, tt.path, got, tt.want, tt.a.body)
		}
	}
	if got := refunded.body["promotion_detail"].([]any)[0].(map[string]any)["goods_detail"].([]any); len(got) != 2 || got[1].(map[string]any)["merchant_goods_id"] != "G2" {
		t.Errorf("of two goods the answer has %v", got)
	}
}

func TestWhatIsDerivedGoesWithTheMerchantsOwnNumber(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := func(a answer) string { s, _ := a.at("refund_id").(string); return s }
	first := b.call(http.MethodPost, refunds, wechatpay.JSON(refund(nil)))
	query := func(no string) answer {
		return b.call(http.MethodGet, refunds+"/{out_refund_no}", wechatpay.Path("out_refund_no", no))
	}
	if got := id(query("R1")); got == "" || got != id(first) {
		t.Errorf("the refund R1 is %q, and when it is queried %q", id(first), got)
	}
	if got := id(query("R2")); got == id(first) {
		t.Errorf("two refunds have the number %q", got)
	}
	other := b.call(http.MethodPost, refunds, wechatpay.JSON(refund(object{"out_refund_no": "R2", "reason": "r"})))
	if got := other.at("transaction_id"); got == nil || got != first.at("transaction_id") {
		t.Errorf("the trade of one refund is %v, and of another one %v", first.at("transaction_id"), got)
	}
	if a := query("R1"); a.at("transaction_id") == a.at("refund_id") {
		t.Errorf("the trade and its refund have the number %v", a.at("refund_id"))
	}
}

func TestAnAnswerWithoutRulesStaysTheSameForADay(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.FixedZone("", 8*60*60))
	g := simtest.StartWith(t, sim.Config{World: simtest.World(t), Clock: func() time.Time { return noon }})
	b := &bench{g, g.Client(wechatpay.Clock(func() time.Time { return noon })), t}
	ask := func() string {
		return string(b.call(http.MethodPost, refunds, wechatpay.JSON(refund(nil))).res.Body)
	}
	first := ask()
	b.Advance(11*time.Hour + 59*time.Minute)
	if again := ask(); again != first || !strings.Contains(first, `"create_time":"2026-11-25T00:00:00+08:00"`) {
		t.Errorf("at noon the answer was %s\nand before midnight %s", first, again)
	}
	b.Advance(time.Minute)
	if next := ask(); next != strings.ReplaceAll(first, "2026-11-25", "2026-11-26") {
		t.Errorf("at noon the answer was %s\nand on the next day %s", first, next)
	}
}

func TestAnOperationWithoutRulesKeepsNothing(t *testing.T) {
	t.Parallel()
	journal := new(memory)
	g := simtest.StartWith(t, sim.Config{World: simtest.World(t), Journal: journal})
	b := &bench{g, g.Client(), t}
	journal.fail(true)
	b.want(b.call(http.MethodPost, refunds, wechatpay.JSON(refund(nil))), "200")
	if n := journal.refusals(); n != 0 {
		t.Errorf("it wrote %d events", n)
	}
}

func TestTheRequestLogTellsThatThereAreNoRules(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call(http.MethodPost, refunds, wechatpay.JSON(refund(nil)))
	b.created(nil)
	seen, err := b.Control().Requests(t.Context(), 0)
	if err != nil || len(seen) != 2 {
		t.Fatalf("saw %d requests, %v", len(seen), err)
	}
	for i, want := range []bool{true, false} {
		found := false
		for _, c := range seen[i].Checks {
			found = found || c.Name == "rules" && c.Passed && c.Basis == "INVENTED" && c.Finding != ""
		}
		if found != want {
			t.Errorf("%s has the checks %+v", seen[i].Operation, seen[i].Checks)
		}
	}
}

func TestFaultsStrikeOperationsWithoutRules(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fault(world.Fault{Path: "/" + refunds, Order: "R1", Effect: world.EffectStatus, Status: 403, Code: "NOT_ENOUGH", Times: 1})
	b.want(b.call(http.MethodPost, refunds, wechatpay.JSON(refund(object{"out_refund_no": "R2"}))), "200")
	b.want(b.call(http.MethodPost, refunds, wechatpay.JSON(refund(nil))), "403 NOT_ENOUGH")
	b.want(b.call(http.MethodPost, refunds, wechatpay.JSON(refund(nil))), "200")
}

// TestEveryFileIsWhereAnAnswerSays goes the two steps of bills and receipts: an answer tells where the
// file is, its hash, and what it is encrypted with. The gateway is stateless, for some bills have rules.
func TestEveryFileIsWhereAnAnswerSays(t *testing.T) {
	tells := func(op *catalog.Operation) bool {
		return strings.Contains(fmt.Sprintf("%+v", op.Response.Body.Fields), "Name:download_url ")
	}
	every(t, tells, func(t *testing.T, _ *caller, op *catalog.Operation) {
		w := simtest.World(t)
		w.Stateless = true
		c := callerOf(t, simtest.StartWith(t, sim.Config{World: w}))
		tests := []string{""}
		if slices.ContainsFunc(op.Request.Query, func(f catalog.Field) bool { return f.Name == "tar_type" }) {
			tests = append(tests, "GZIP")
		}
		for _, packing := range tests {
			r := c.minimal(op)
			if packing != "" {
				r.target += "&tar_type=" + packing
			}
			got := c.send(r)
			var body object
			if err := json.Unmarshal(got.body, &body); err != nil {
				t.Fatalf("%s: answered %v", op.ID(), got)
			}
			if err := c.fetch(answer{body: body}, packing != ""); err != nil {
				t.Errorf("%s %s: answered %v: %v", op.ID(), packing, got, err)
			}
		}
	})
}

// fetch downloads the file that an answer tells of, and compares it with its hash.
func (c *caller) fetch(a answer, packed bool) error {
	told := a.body
	for _, inside := range a.body {
		if list, ok := inside.([]any); ok {
			told, _ = list[0].(map[string]any)
		}
	}
	text := func(name string) string { s, _ := told[name].(string); return s }
	address, err := url.Parse(text("download_url"))
	if err != nil {
		return err
	}
	op := catalog.Find("GET " + address.Path)
	if op == nil || !strings.HasPrefix(text("download_url"), c.URL+"/") {
		return fmt.Errorf("no operation of this gateway hands over %s", address)
	}
	file := c.send(request{op: op, target: address.RequestURI()})
	if file.StatusCode != http.StatusOK || file.Header.Get("Wechatpay-Signature") != "" {
		return fmt.Errorf("the file is answered %d, with the header %v", file.StatusCode, file.Header)
	}
	content := file.body
	if text("encrypt_key") != "" {
		key, err := crypt.DecryptOAEP(c.key, text("encrypt_key"))
		if err != nil {
			return err
		}
		if content, err = crypt.OpenGCM(key, text("nonce"), "", content); err != nil {
			return err
		}
	}
	if packed {
		r, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			return err
		}
		if content, err = io.ReadAll(r); err != nil {
			return err
		}
	}
	if text("hash_value") == "" {
		return nil
	}
	h := map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SM3": sm3.New}[text("hash_type")]()
	h.Write(content)
	if sum := hex.EncodeToString(h.Sum(nil)); sum != text("hash_value") {
		return fmt.Errorf("the file has the hash %s", sum)
	}
	return nil
}

func TestAStatementIsSignedByItsHash(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := newCaller(t)
	target := "/" + statements + "?date=20261124&mchid=" + b.Merchant().MchID
	req := b.send(raw{method: "GET", target: target})
	content, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(content)
	want := hex.EncodeToString(sum[:])
	if got := req.Header.Get("Wechatpay-Statement-Sha1"); got != want {
		t.Errorf("the header says %q, want %s", got, want)
	}
	if err := c.verify[""].Verify(t.Context(), req.Header, []byte(`{"sha1":"`+want+`"}`), time.Now()); err != nil {
		t.Error(err)
	}
	if err := c.verify[""].Verify(t.Context(), req.Header, content, time.Now()); err == nil {
		t.Error("the file itself is signed")
	}
}

func TestADownloadWithoutASchemeTakesNoSignature(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.call(http.MethodGet, "v3/new-tax-control-fapiao/fapiao-applications/{fapiao_apply_id}/fapiao-files",
		wechatpay.Path("fapiao_apply_id", "F1"), wechatpay.Query("sub_mchid", "1"), wechatpay.Query("fapiao_id", "2"))
	address, _ := a.at("fapiao_download_info_list/download_url").(string)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "*/*")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("from %q: %v", address, err)
	}
	defer res.Body.Close()
	if got := read(t, res); !strings.HasPrefix(got, "200 %PDF-") || res.Header.Get("Wechatpay-Signature") != "" {
		t.Errorf("from %s came %s with %v", address, got, res.Header)
	}
	if got := read(t, b.send(raw{method: "GET", target: "/v3/billdownload/file?token=1", header: func(h http.Header) { h.Del("Authorization") }})); !strings.HasPrefix(got, "401") {
		t.Errorf("a bill without Authorization: %s", got)
	}
}

// TestASensitiveFieldIsAnsweredAsItWasSent sends ciphertexts, and gets others of the same plaintext back.
func TestASensitiveFieldIsAnsweredAsItWasSent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ id, member string }{
		"of the body":  {"POST /v3/security/echo", "encrypted_echo_message"},
		"of the query": {"GET /v3/aggracct-bc/wb-channel/special-reduction/{out_request_no}", "bal_account_no"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCaller(t)
			op := catalog.Find(tt.id)
			r, plain := c.request(op, catalogtest.Sampler{Encrypt: c.encrypt}), catalogtest.Sampler{}.Request(op)
			want := plain.Query.Get(tt.member)
			if plain.Body != nil {
				want = plain.Body[tt.member].(string)
			}
			got := c.send(r)
			var body map[string]any
			if err := json.Unmarshal(got.body, &body); err != nil {
				t.Fatalf("answered %v: %v", got, err)
			}
			ciphertext, _ := body[tt.member].(string)
			if plaintext, err := crypt.DecryptOAEP(c.key, ciphertext); err != nil || plaintext != want {
				t.Errorf("answered %v, whose %s is %q, %v", got, tt.member, plaintext, err)
			}
		})
	}
}

func TestAStatelessGatewayHasNoRules(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(w *world.World) { w.Stateless, w.Merchants[0].KeyMode = true, world.MigratingMode })
	certificate := b.Merchant().PlatformKeys[1].Serial
	tests := map[string]struct {
		a    answer
		want string
		at   string // a member of the answer, with its value
		is   any
	}{
		"an order that was never made":      {b.query("T1"), "200", "out_order_no", "T1"},
		"what only an open order lets":      {b.cancel("T1", cancelBody("r")), "204", "", nil},
		"a service that the world lacks":    {b.create(newOrder(object{"service_id": "1"})), "200", "service_id", "1"},
		"a member that is required":         {b.cancel("T1", object{"service_id": "1", "sub_mchid": "2"}), "400 PARAM_ERROR", "", nil},
		"certificates, for those are keys":  {b.call(http.MethodGet, "v3/certificates"), "200", "data/serial_no", certificate},
		"an operation that never had rules": {b.call(http.MethodPost, refunds, wechatpay.JSON(refund(nil))), "200", "out_refund_no", "R1"},
	}
	for name, tt := range tests {
		if b.want(tt.a, tt.want); tt.at != "" && tt.a.at(tt.at) != tt.is {
			t.Errorf("%s: %s is %v, want %v", name, tt.at, tt.a.at(tt.at), tt.is)
		}
	}
}
