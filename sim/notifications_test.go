package sim_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// doormat is a merchant's server that takes whatever comes, and keeps it as it came.
type doormat struct {
	URL string

	mu       sync.Mutex
	arrived  []arrival
	together int           // how many may be there at the same time
	inside   int           // how many are there now
	crowd    int           // how many were there at the same time
	full     chan struct{} // closed when together are
}

// arrival is a request as it came.
type arrival struct {
	header http.Header
	body   []byte
}

func newDoormat(t *testing.T) *doormat {
	t.Helper()
	d := &doormat{full: make(chan struct{})}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	d.URL = server.URL
	return d
}

func (d *doormat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if d.enter(arrival{r.Header, body}) {
		select { // nobody is answered before all are there
		case <-d.full:
		case <-r.Context().Done():
		}
	}
	_, _ = io.WriteString(w, thanks)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
}

// enter tells whether others have to come first.
func (d *doormat) enter(a arrival) (wait bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.arrived = append(d.arrived, a)
	d.inside++
	d.crowd = max(d.crowd, d.inside)
	if d.together > 0 && d.inside == d.together {
		close(d.full)
	}
	return d.together > 0
}

// wait lets n requests be there before one is answered.
func (d *doormat) wait(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.together = n
}

// taken is what came since it was asked the last time, and how much of that at the same time.
func (d *doormat) taken() (arrived []arrival, crowd int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	arrived, crowd, d.arrived, d.crowd = d.arrived, d.crowd, nil, 0
	return arrived, crowd
}

// envelope is a notification of APIv3 as it is on the wire.
type envelope struct {
	ID        string `json:"id"`
	EventType string `json:"event_type"`
	Summary   string `json:"summary"`
	Resource  struct {
		OriginalType   string  `json:"original_type"`
		Ciphertext     string  `json:"ciphertext"`
		AssociatedData *string `json:"associated_data"`
		Nonce          string  `json:"nonce"`
	} `json:"resource"`
}

func (a arrival) read(t *testing.T) (e envelope) {
	t.Helper()
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return e
}

// open is the plaintext.
func (e envelope) open(key string) ([]byte, error) {
	associated := ""
	if e.Resource.AssociatedData != nil {
		associated = *e.Resource.AssociatedData
	}
	ciphertext, err := base64.StdEncoding.DecodeString(e.Resource.Ciphertext)
	if err != nil {
		return nil, err
	}
	return crypt.OpenGCM(key, e.Resource.Nonce, associated, ciphertext)
}

// aRefund is the plaintext of a notification that was seen.
const aRefund = `{"mchid":"1230000109","out_trade_no":"A1","transaction_id":"4200001","out_refund_no":"R1","refund_id":"50300001",` +
	`"refund_status":"SUCCESS","success_time":"2018-11-19T16:24:13+08:00","amount":{"total":100,"refund":40,"payer_total":100,"payer_refund":40},` +
	`"user_received_account":"招商银行信用卡"}`

// draft sends a notification that the test makes up.
func (b *bench) draft(d control.Draft) control.Notification {
	b.t.Helper()
	n, err := b.Control().Notify(b.t.Context(), d)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Advance(0)
	return n
}

// ways are how a notification gets an effect. What arrived is what came with it.
var ways = map[string]func(b *bench, d *doormat, n control.Draft, e world.Effect) (arrived []arrival, crowd int){
	"by a fault": func(b *bench, d *doormat, n control.Draft, e world.Effect) ([]arrival, int) {
		b.t.Helper()
		b.fault(world.Fault{Event: n.EventType, Effect: e, Times: 1})
		b.draft(n)
		if all := b.Notifications(); !all[0].Delivered || all[0].Attempts[0].Fault != e {
			b.t.Errorf("it is %+v", all[0])
		}
		return d.taken()
	},
	"on demand": func(b *bench, d *doormat, n control.Draft, e world.Effect) ([]arrival, int) {
		b.t.Helper()
		before := b.held(n)
		deliveries, err := b.Control().Send(b.t.Context(), before.ID, e)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, got := range deliveries {
			if got.ID != before.ID || got.Fault != e || got.Status != http.StatusOK || got.Error != "" || got.Answer != thanks || got.At.IsZero() {
				b.t.Errorf("it tells %+v", got)
			}
		}
		arrived, crowd := d.taken()
		if len(deliveries) != len(arrived) {
			b.t.Errorf("it tells of %d deliveries, and %d came", len(deliveries), len(arrived))
		}
		if after := b.Notifications()[0]; len(after.Attempts) != 0 || after.Delivered || !after.Next.Equal(before.Next) {
			b.t.Errorf("its own deliveries are others: %+v", after)
		}
		return arrived, crowd
	},
}

// held sends a notification that is not delivered for a while.
func (b *bench) held(n control.Draft) control.Notification {
	b.t.Helper()
	b.fault(world.Fault{Event: "*", Effect: world.EffectDelay, Delay: world.Duration(720 * time.Hour), Times: 1})
	return b.draft(n)
}

func inBothWays(t *testing.T, test func(t *testing.T, way func(b *bench, d *doormat, n control.Draft, e world.Effect) ([]arrival, int))) {
	t.Helper()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, way)
		})
	}
}

// TestEachEffectArrivesAsItIsTold compares the bytes that arrive.
func TestEachEffectArrivesAsItIsTold(t *testing.T) {
	t.Parallel()
	data, empty := "refund", ""
	tests := map[world.Effect]struct {
		refused    error   // what the signature is refused with
		associated *string // associated_data
		sealed     bool    // with another key than the merchant's
		times      int
		crowd      int
	}{
		world.EffectWrongSignature:      {auth.ErrBadSignature, &data, false, 1, 1},
		world.EffectUnsigned:            {auth.ErrNotSigned, &data, false, 1, 1},
		world.EffectUnknownSerial:       {auth.ErrUnknownSerial, &data, false, 1, 1},
		world.EffectProbe:               {auth.ErrProbe, &data, false, 1, 1},
		world.EffectStale:               {auth.ErrExpired, &data, false, 1, 1},
		world.EffectFuture:              {auth.ErrExpired, &data, false, 1, 1},
		world.EffectDuplicate:           {nil, &data, false, 2, 1},
		world.EffectDuplicateAtOnce:     {nil, &data, false, 2, 2},
		world.EffectEmptyAssociatedData: {nil, &empty, false, 1, 1},
		world.EffectNoAssociatedData:    {nil, nil, false, 1, 1},
		world.EffectWrongAPIv3Key:       {nil, &data, true, 1, 1},
	}
	for _, e := range world.EffectsOnDemand("PAYSCORE.USER_PAID") {
		if _, ok := tests[e]; !ok {
			t.Errorf("the effect %s is not tested", e)
		}
	}
	for effect, tt := range tests {
		t.Run(string(effect), func(t *testing.T) {
			t.Parallel()
			inBothWays(t, func(t *testing.T, way func(b *bench, d *doormat, n control.Draft, e world.Effect) ([]arrival, int)) {
				b, d := newBench(t), newDoormat(t)
				if tt.crowd > 1 {
					d.wait(tt.crowd)
				}
				arrived, crowd := way(b, d, control.Draft{EventType: "REFUND.SUCCESS", URL: d.URL, Resource: json.RawMessage(aRefund)}, effect)
				if len(arrived) != tt.times || crowd != tt.crowd {
					t.Fatalf("%d came, %d at the same time, want %d and %d", len(arrived), crowd, tt.times, tt.crowd)
				}
				for _, a := range arrived {
					if err := b.client.Verifier().Verify(t.Context(), a.header, a.body, time.Now()); !errors.Is(err, tt.refused) {
						t.Errorf("the signature is refused with %v, want %v", err, tt.refused)
					}
					e := a.read(t)
					if got := e.Resource.AssociatedData; (got == nil) != (tt.associated == nil) || got != nil && *got != *tt.associated {
						t.Errorf("the body is %s", a.body)
					}
					plaintext, err := e.open(b.Merchant().APIv3Key)
					if tt.sealed != errors.Is(err, crypt.ErrDecrypt) || !tt.sealed && string(plaintext) != aRefund {
						t.Errorf("it opens as %s, %v", plaintext, err)
					}
				}
			})
		})
	}
}

func TestWhatIsSignedAheadAndWhatIsStaleAreOnTheirSides(t *testing.T) {
	t.Parallel()
	b, d := newBench(t), newDoormat(t)
	n := b.held(control.Draft{EventType: "REFUND.SUCCESS", URL: d.URL})
	for effect, off := range map[world.Effect]time.Duration{world.EffectStale: -6 * time.Minute, world.EffectFuture: 6 * time.Minute} {
		if _, err := b.Control().Send(t.Context(), n.ID, effect); err != nil {
			t.Fatal(err)
		}
		arrived, _ := d.taken()
		if err := b.client.Verifier().Verify(t.Context(), arrived[0].header, arrived[0].body, time.Now().Add(off)); err != nil {
			t.Errorf("%s: with the clock that it was signed by: %v", effect, err)
		}
	}
}

func TestADuplicateComesAfterTheAnswerToTheFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var answered []time.Time
	shop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered = append(answered, time.Now()) }))
	n := b.held(control.Draft{EventType: "REFUND.SUCCESS", URL: shop.URL})
	got, err := b.Control().Send(t.Context(), n.ID, world.EffectDuplicate)
	shop.Close()
	if err != nil || len(got) != 2 || len(answered) != 2 || got[1].At.Before(answered[0]) {
		t.Errorf("it tells %+v, %v, and was answered at %v", got, err, answered)
	}
}

func TestARefundByAPIv3ComesInTheFormOfAPIv2(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ event, resource, status, successTime, received, account string }{
		"that the user has":               {"REFUND.SUCCESS", aRefund, "SUCCESS", "2018-11-19 16:24:13", "招商银行信用卡", "REFUND_SOURCE_UNSETTLED_FUNDS"},
		"that the user has, abroad":       {"REFUND.SUCCESS", strings.ReplaceAll(aRefund, "16:24:13+08:00", "08:24:13Z"), "SUCCESS", "2018-11-19 16:24:13", "招商银行信用卡", "REFUND_SOURCE_UNSETTLED_FUNDS"},
		"that does not reach the user":    {"REFUND.ABNORMAL", aRefund, "CHANGE", "", "招商银行信用卡", "REFUND_SOURCE_UNSETTLED_FUNDS"},
		"that was closed":                 {"REFUND.CLOSED", strings.ReplaceAll(aRefund, "2018-11-19T16:24:13+08:00", ""), "REFUNDCLOSE", "", "招商银行信用卡", "REFUND_SOURCE_UNSETTLED_FUNDS"},
		"that says whose money it was":    {"REFUND.CLOSED", strings.Replace(aRefund, "{", `{"fund_source":"REFUND_SOURCE_RECHARGE_FUNDS",`, 1), "REFUNDCLOSE", "", "招商银行信用卡", "REFUND_SOURCE_RECHARGE_FUNDS"},
		"that does not say where it goes": {"REFUND.CLOSED", strings.Replace(aRefund, "user_received_account", "x", 1), "REFUNDCLOSE", "", "支付用户零钱", "REFUND_SOURCE_UNSETTLED_FUNDS"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothWays(t, func(t *testing.T, way func(b *bench, d *doormat, n control.Draft, e world.Effect) ([]arrival, int)) {
				b, d := newBench(t), newDoormat(t)
				arrived, _ := way(b, d, control.Draft{EventType: tt.event, URL: d.URL, Resource: json.RawMessage(tt.resource)}, world.EffectV2Refund)
				if len(arrived) != 1 || arrived[0].header.Get("Content-Type") != "text/xml" || arrived[0].header.Get("Wechatpay-Signature") != "" {
					t.Fatalf("it came as %+v", arrived)
				}
				around, inside := openRefund(t, b.Merchant().APIv2Key, arrived[0].body)
				if names := slices.Sorted(maps.Keys(around)); !slices.Equal(names, []string{"appid", "mch_id", "nonce_str", "req_info", "return_code"}) ||
					around["return_code"] != "SUCCESS" || around["mch_id"] != world.ServiceProvider || around["appid"] != world.AppID {
					t.Errorf("around req_info is %v", around)
				}
				want := map[string]string{
					"out_refund_no": "R1", "out_trade_no": "A1", "refund_account": tt.account, "refund_fee": "40", "refund_id": "50300001",
					"refund_recv_accout": tt.received, "refund_request_source": "API", "refund_status": tt.status, "settlement_refund_fee": "40",
					"settlement_total_fee": "100", "total_fee": "100", "transaction_id": "4200001",
				}
				if tt.successTime != "" {
					want["success_time"] = tt.successTime
				}
				if !maps.Equal(inside, want) {
					t.Errorf("req_info has %v\nwant %v", inside, want)
				}
			})
		})
	}
}

// openRefund reads a notification of a refund by APIv2.
func openRefund(t *testing.T, key string, body []byte) (around, inside map[string]string) {
	t.Helper()
	outer, err := xmlv2.Decode(body, xmlv2.Limits{Bytes: len(body)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := crypt.OpenReqInfo(key, outer.Get("req_info"))
	if err != nil || !strings.HasPrefix(string(text), "<root>") {
		t.Fatalf("req_info is %.20s…, %v", text, err)
	}
	inner, err := xmlv2.Decode(text, xmlv2.Limits{Bytes: len(text)})
	if err != nil {
		t.Fatal(err)
	}
	return maps.Collect(outer.Texts()), maps.Collect(inner.Texts())
}

func TestARefundInTheFormOfAPIv2IsTakenByXMLAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(shop.Close)
	b.fault(world.Fault{Event: "REFUND.SUCCESS", Effect: world.EffectV2Refund, Times: 1})
	n := b.draft(control.Draft{EventType: "REFUND.SUCCESS", URL: shop.URL})
	if after := b.Notifications()[0]; after.Delivered || after.Attempts[0].Status != http.StatusNoContent || after.Attempts[0].Error == "" {
		t.Errorf("it is %+v", after)
	}
	if got, err := b.Control().Send(t.Context(), n.ID, world.EffectV2Refund); err != nil || !strings.Contains(got[0].Error, "XML") {
		t.Errorf("it tells %+v, %v", got, err)
	}
	b.Advance(time.Minute)
	if after := b.Notifications()[0]; !after.Delivered || len(after.Attempts) != 2 || after.EventType != "REFUND.SUCCESS" {
		t.Errorf("in its own form it is %+v", after)
	}
}

func TestAResourceThatIsNoRefundHasNoFormOfAPIv2(t *testing.T) {
	t.Parallel()
	b, d := newBench(t), newDoormat(t)
	n := b.held(control.Draft{EventType: "REFUND.SUCCESS", URL: d.URL, Resource: json.RawMessage(`{"amount":{"total":"all of it"}}`)})
	got, err := b.Control().Send(t.Context(), n.ID, world.EffectV2Refund)
	if arrived, _ := d.taken(); err != nil || len(arrived) != 0 || len(got) != 1 || got[0].Status != 0 || !strings.Contains(got[0].Error, "not that of a refund") {
		t.Errorf("it tells %+v, %v; %d came", got, err, len(arrived))
	}
}

// TestAnEffectThatIsNotPossibleIsRefusedWithThoseThatAre asks for it by a fault and on demand.
func TestAnEffectThatIsNotPossibleIsRefusedWithThoseThatAre(t *testing.T) {
	t.Parallel()
	c, r := newV2Caller(t), newV2Receiver(t)
	b := &bench{Gateway: c.Gateway, t: t}
	order("notify_url", r.URL)(c)
	paid("")(c)
	refunded("notify_url", r.URL)(c)
	settled("SUCCESS")(c)
	for _, event := range []string{"REFUND.SUCCESS", "PAYSCORE.USER_PAID"} {
		b.draft(control.Draft{EventType: event, URL: r.URL})
	}
	ids := map[string]string{}
	for _, n := range b.Notifications() {
		ids[n.EventType] = n.ID
	}
	const (
		first     = "; on demand there are duplicate, duplicate-at-once"
		signature = "wrong-signature, unsigned, unknown-serial, probe, stale, future"
		resource  = "empty-associated-data, no-associated-data, wrong-apiv3-key"
		refunds   = "v2-refund is of refunds by APIv3, so the event has to be one of REFUND.ABNORMAL, REFUND.CLOSED, REFUND.SUCCESS; V2.REFUND has this form anyway"
	)
	tests := map[string]struct {
		event         string
		effect        world.Effect
		byFault, onIt string // what each is refused with
	}{
		"one that is none": {"PAYSCORE.USER_PAID", "nonsense",
			`notifications PAYSCORE.USER_PAID have no effect "nonsense", but delay, drop, duplicate, duplicate-at-once, reorder, ` + signature + ", " + resource,
			`notifications PAYSCORE.USER_PAID have no effect "nonsense", but duplicate, duplicate-at-once, ` + signature + ", " + resource},
		"one that is none, of a refund":          {"REFUND.SUCCESS", "nonsense", resource + ", v2-refund", resource + ", v2-refund"},
		"one of calls":                           {"REFUND.SUCCESS", world.EffectReset, `have no effect "reset", but delay, drop`, `have no effect "reset", but duplicate`},
		"the form of APIv2 of what is no refund": {"PAYSCORE.USER_PAID", world.EffectV2Refund, refunds, refunds},
		"the form of APIv2 of what has it":       {world.EventV2Refund, world.EffectV2Refund, refunds, refunds},
		"a time, of APIv2":                       {world.EventV2Payment, world.EffectStale, `notifications V2.PAYMENT have no effect "stale", but delay, drop`, "but duplicate, duplicate-at-once, wrong-signature, unsigned"},
		"a signature that nobody made":           {world.EventV2Refund, world.EffectUnsigned, "but delay, drop, duplicate, duplicate-at-once, reorder", "but duplicate, duplicate-at-once"},
		"a delay on demand":                      {"REFUND.SUCCESS", world.EffectDelay, "", "delay happens to what is still to come: add a fault with it" + first},
		"a loss on demand":                       {"REFUND.SUCCESS", world.EffectDrop, "", "drop happens to what is still to come: add a fault with it" + first},
		"another order on demand":                {"REFUND.SUCCESS", world.EffectReorder, "", "reorder happens to what is still to come: add a fault with it" + first},
		"the form of APIv2 of all":               {"*", world.EffectV2Refund, refunds, ""},
		"an effect of notifications on calls":    {"", world.EffectNoAssociatedData, `calls have no effect "no-associated-data", but status, reset, html, truncate, shorten, flip-bit, delay, ` + signature, ""},
	}
	for name, tt := range tests {
		_, err := b.Control().AddFault(t.Context(), world.Fault{Event: tt.event, Effect: tt.effect, Delay: 1})
		if (err == nil) != (tt.byFault == "") || err != nil && (!strings.Contains(err.Error(), "fault: ") || !strings.Contains(err.Error(), tt.byFault)) {
			t.Errorf("%s, by a fault: %v", name, err)
		}
		if tt.onIt == "" {
			continue
		}
		_, err = b.Control().Send(t.Context(), ids[tt.event], tt.effect)
		refusal, ok := errors.AsType[*control.Error](err)
		if !ok || refusal.StatusCode != http.StatusBadRequest || !strings.Contains(refusal.Message, tt.onIt) {
			t.Errorf("%s, on demand: %v", name, err)
		}
	}
}

func TestAFaultOfAllPassesOverWhatItCannotStrike(t *testing.T) {
	t.Parallel()
	c, r, d := newV2Caller(t), newV2Receiver(t), newDoormat(t)
	b := &bench{Gateway: c.Gateway, client: c.Client(), t: t}
	b.fault(world.Fault{Event: "*", Effect: world.EffectEmptyAssociatedData, Times: 1})
	order("notify_url", r.URL)(c)
	paid("")(c)
	b.draft(control.Draft{EventType: "REFUND.SUCCESS", URL: d.URL})
	all := b.Notifications()
	if all[0].Attempts[0].Fault != "" || all[1].Attempts[0].Fault != world.EffectEmptyAssociatedData {
		t.Errorf("it struck %q and %q", all[0].Attempts[0].Fault, all[1].Attempts[0].Fault)
	}
}

func TestAPaymentOfAPIv2IsSentOnDemand(t *testing.T) {
	t.Parallel()
	c, r := newV2Caller(t), newV2Receiver(t)
	order("notify_url", r.URL)(c)
	paid("")(c)
	id := c.Notifications()[0].ID
	for effect, want := range map[world.Effect]string{"": "true", world.EffectWrongSignature: "false", world.EffectUnsigned: "false", world.EffectDuplicate: "true true"} {
		before := len(r.all())
		if _, err := c.Control().Send(t.Context(), id, effect); err != nil {
			t.Fatal(err)
		}
		var good []string
		for _, m := range r.all()[before:] {
			good = append(good, fmt.Sprint(auth.VerifyParams(c.key, m.Texts(), auth.MD5) == nil))
		}
		if got := strings.Join(good, " "); got != want {
			t.Errorf("as %q the signatures are %s, want %s", effect, got, want)
		}
	}
}

func TestNotificationsAreSentInTheOrderInWhichTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	b, d := newBench(t), newDoormat(t)
	b.fault(world.Fault{Event: "*", Effect: world.EffectDelay, Delay: world.Duration(720 * time.Hour)})
	var ids []string
	for range 3 {
		ids = append(ids, b.draft(control.Draft{EventType: "REFUND.SUCCESS", URL: d.URL}).ID)
	}
	b.Advance(time.Hour)
	want := []string{ids[2], ids[0], ids[1]}
	for _, id := range want {
		if _, err := b.Control().Send(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
	}
	arrived, _ := d.taken()
	var got []string
	for _, a := range arrived {
		got = append(got, a.read(t).ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("they came as %q, want %q", got, want)
	}
}

func TestFaultsDoNotStrikeWhatIsSentOnDemand(t *testing.T) {
	t.Parallel()
	b, d := newBench(t), newDoormat(t)
	n := b.held(control.Draft{EventType: "REFUND.SUCCESS", URL: d.URL})
	b.fault(world.Fault{Event: "*", Effect: world.EffectDrop, Times: 1})
	got, err := b.Control().Send(t.Context(), n.ID, "")
	if arrived, _ := d.taken(); err != nil || len(arrived) != 1 || got[0].Fault != "" {
		t.Errorf("it tells %+v, %v; %d came", got, err, len(arrived))
	}
	if left, err := b.Control().Faults(t.Context()); err != nil || len(left) != 1 {
		t.Errorf("the faults are %+v, %v", left, err)
	}
}

// TestEveryEventCanBeMade sends each notification of the catalog without saying what is in it.
func TestEveryEventCanBeMade(t *testing.T) {
	t.Parallel()
	b, d := newBench(t), newDoormat(t)
	for _, kind := range catalog.Notifications() {
		event := kind.EventTypes[0]
		b.draft(control.Draft{EventType: event, URL: d.URL})
		arrived, _ := d.taken()
		if len(arrived) != 1 {
			t.Errorf("%s came %d times", event, len(arrived))
			continue
		}
		if err := b.client.Verifier().Verify(t.Context(), arrived[0].header, arrived[0].body, time.Now()); err != nil {
			t.Errorf("%s: %v", event, err)
		}
		e := arrived[0].read(t)
		plaintext, err := e.open(b.Merchant().APIv3Key)
		members := object{}
		if err != nil || json.Unmarshal(plaintext, &members) != nil || len(members) == 0 {
			t.Errorf("%s has %s, %v", event, plaintext, err)
		}
		if e.EventType != event || e.Resource.OriginalType == "" || e.Summary == "" || len(kind.OriginalTypes) > 0 && e.Resource.OriginalType != kind.OriginalTypes[0] {
			t.Errorf("%s came as %+v", event, e)
		}
		for _, f := range kind.Resource.Fields {
			if f.Required && members[f.Name] == nil {
				t.Errorf("%s has no %s", event, f.Name)
			}
		}
		if event == "REFUND.CLOSED" && (members["refund_status"] != "CLOSED" || e.Summary != "退款关闭" || members["mchid"] != world.ServiceProvider) {
			t.Errorf("a refund that was closed says %s", plaintext)
		}
	}
}

func TestADraftThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := control.Draft{EventType: "REFUND.SUCCESS", URL: "http://localhost/"}
	tests := map[string]struct {
		change func(d *control.Draft)
		want   string
	}{
		"an event that is none":      {func(d *control.Draft) { d.EventType = "REFUND.SUCESS" }, "no notification has the event REFUND.SUCESS; near it are REFUND.SUCCESS,"},
		"all events":                 {func(d *control.Draft) { d.EventType = "*" }, "no notification has the event *"},
		"an event of APIv2":          {func(d *control.Draft) { d.EventType = world.EventV2Refund }, "V2.REFUND is of APIv2: pay or refund an order there"},
		"no address":                 {func(d *control.Draft) { d.URL = "" }, "the url has to be one of http or https"},
		"an address of another kind": {func(d *control.Draft) { d.URL = "ftp://localhost/" }, "the url has to be one of http or https"},
		"an address without a host":  {func(d *control.Draft) { d.URL = "http:/notifications" }, "the url has to be one of http or https"},
		"a merchant that is none":    {func(d *control.Draft) { d.MchID = "7" }, `there is no merchant "7"`},
		"a resource that is a list":  {func(d *control.Draft) { d.Resource = json.RawMessage(`[1]`) }, "the resource has to be an object"},
		"a resource of nothing":      {func(d *control.Draft) { d.Resource = json.RawMessage(`null`) }, "the resource has to be an object"},
	}
	for name, tt := range tests {
		d := good
		tt.change(&d)
		if _, err := b.Control().Notify(t.Context(), d); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want …%s…", name, err, tt.want)
		}
	}
	if all := b.Notifications(); len(all) != 0 {
		t.Errorf("there are %d notifications", len(all))
	}
}

func TestADraftIsANotificationLikeOthers(t *testing.T) {
	t.Parallel()
	b, d := newBench(t), newDoormat(t)
	b.fault(world.Fault{Event: "REFUND.SUCCESS", MchID: world.ServiceProvider, Order: "R1", Effect: world.EffectDrop, Times: 1})
	b.draft(control.Draft{EventType: "REFUND.SUCCESS", MchID: world.ServiceProvider, URL: d.URL, Resource: json.RawMessage(aRefund)})
	if arrived, _ := d.taken(); len(arrived) != 0 {
		t.Errorf("%d came, though the fault loses the first", len(arrived))
	}
	b.Advance(15 * time.Second)
	if arrived, _ := d.taken(); len(arrived) != 1 || !b.Notifications()[0].Delivered {
		t.Errorf("%d came after it, %+v", len(arrived), b.Notifications()[0])
	}
}
