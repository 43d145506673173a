package webhooktest_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/vectors"
	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/v2/wxv"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
	"github.com/openwechatpay/wechatpay/webhook/webhooktest"
)

const (
	apiv3Key = "canary-APIv3-key-0123456789-abcd"
	apiv2Key = "canary-APIv2-key-0123456789-abcd"
)

// key is one that everybody knows.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	sets, err := vectors.All()
	if err != nil {
		panic(err)
	}
	for _, set := range sets {
		if text := set.Keys["own_merchant"].Private; text != "" {
			key, err := auth.ParsePrivateKey([]byte(text))
			if err != nil {
				panic(err)
			}
			return key
		}
	}
	panic("there is no key")
})

func newSender(t testing.TB, opts ...webhooktest.Option) *webhooktest.Sender {
	t.Helper()
	sender, err := webhooktest.NewSender(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// opened is a delivery of event, opened by who has the sender's keys.
func opened(t testing.TB, sender *webhooktest.Sender, event any, opts ...webhooktest.SignOption) (*webhook.Notification, webhooktest.Delivery) {
	t.Helper()
	d, err := sender.Sign(event, opts...)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := webhook.New(sender.Merchant())
	if err != nil {
		t.Fatal(err)
	}
	n, err := receiver.Parse(t.Context(), d.Header, d.Body)
	if err != nil {
		t.Fatal(err)
	}
	return n, d
}

func TestATypedEventArrivesAsItIs(t *testing.T) {
	t.Parallel()
	sender := newSender(t)
	want := payscore.UserPaid{OutOrderNo: "1", State: "DONE", TotalAmount: price, PostPayments: []payscore.OrderPayment{}}
	for name, event := range map[string]any{"a value": want, "a pointer": &want} {
		n, d := opened(t, sender, event)
		got, err := webhook.Decode[payscore.UserPaid](n)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s came as %+v, %v", name, got, err)
		}
		if n.EventType != "PAYSCORE.USER_PAID" || n.OriginalType != "payscore" || n.ResourceType != "encrypt-resource" || time.Since(n.CreateTime) > time.Minute || len(n.ID) != 36 {
			t.Errorf("%s came as %v", name, n)
		}
		for header, want := range map[string]string{
			"Content-Type": "application/json", "User-Agent": "Mozilla/4.0", "Accept": "*/*", "Cache-Control": "no-cache", "Pragma": "no-cache",
			"Wechatpay-Signature-Type": auth.Scheme, "Wechatpay-Serial": sender.PlatformKey().Serial,
		} {
			if got := d.Header.Get(header); got != want {
				t.Errorf("%s is %q, want %q", header, got, want)
			}
		}
	}
}

// TestANotificationOfAPIv3LooksLikeARealOne holds it against one that was seen.
func TestANotificationOfAPIv3LooksLikeARealOne(t *testing.T) {
	t.Parallel()
	_, d := opened(t, newSender(t), paid("1", price), webhooktest.ID("EV-1"), webhooktest.At(time.Now().UTC()))
	want := regexp.MustCompile(`^\{"id":"EV-1","create_time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00","resource_type":"encrypt-resource","event_type":"PAYSCORE.USER_PAID","summary":"\w+",` +
		`"resource":\{"original_type":"payscore","algorithm":"AEAD_AES_256_GCM","ciphertext":"[A-Za-z0-9+/=]+","associated_data":"payscore","nonce":"[A-Za-z0-9]{12}"\}\}$`)
	if !want.Match(d.Body) {
		t.Errorf("the body is %s", d.Body)
	}
	if nonce := d.Header.Get("Wechatpay-Nonce"); !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).MatchString(nonce) {
		t.Errorf("the nonce is %q", nonce)
	}
}

func TestOptionsChangeANotification(t *testing.T) {
	t.Parallel()
	sender := newSender(t)
	n, d := opened(t, sender, map[string]any{"out_bill_no": "1"}, webhooktest.ID("EV-1"), webhooktest.EventType("MCHTRANSFER.BILL.FINISHED"),
		webhooktest.At(time.Now().Add(-2*time.Minute)), webhooktest.AssociatedData(""))
	if n.ID != "EV-1" || n.OriginalType != "mch_payment" || string(n.Resource) != `{"out_bill_no":"1"}` || !strings.Contains(string(d.Body), `"associated_data":""`) {
		t.Errorf("it came as %v with %s", n, n.Resource)
	}
	if age := time.Since(n.CreateTime); age < 2*time.Minute || age > 3*time.Minute {
		t.Errorf("it is %v old", age)
	}
	if n, _ := opened(t, sender, paid("1", price), webhooktest.OriginalType("other"), webhooktest.EventType("A.B")); n.OriginalType != "other" || n.EventType != "A.B" {
		t.Errorf("it came as %v", n)
	}
	old, err := sender.Sign(paid("1", price), webhooktest.At(time.Now().Add(-time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := webhook.New(sender.Merchant())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receiver.Parse(t.Context(), old.Header, old.Body); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("what is an hour old gives %v", err)
	}
}

func TestTwoNotificationsDifferAndOneWithItsIDIsTheSame(t *testing.T) {
	t.Parallel()
	sender := newSender(t)
	event := wxv.TransactionSuccess{EventCiphertext: wxv.PaidBill{}}
	for name, e := range map[string]any{"of APIv3": paid("1", price), "of wxv": event} {
		a, first := opened(t, sender, e, webhooktest.ID("EV-1"))
		b, second := opened(t, sender, e, webhooktest.ID("EV-1"))
		c, _ := opened(t, sender, e)
		d, _ := opened(t, sender, e)
		same := strings.Contains(a.Message, "EV-1") && strings.Contains(b.Message, "EV-1") || a.ID == "EV-1" && b.ID == "EV-1"
		if !same || c.ID == d.ID || c.ID == a.ID || bytes.Equal(first.Body, second.Body) {
			t.Errorf("%s: the IDs are %s, %s, %s and %s", name, a.ID, b.ID, c.ID, d.ID)
		}
	}
}

func TestEventsOfAPIv2ArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, signType := range []auth.SignType{auth.MD5, auth.HMACSHA256} {
		sender := newSender(t, webhooktest.SignType(signType), webhooktest.MchID("1230000109"))
		n, d := opened(t, sender, paidV2("1", price))
		got, err := webhook.Decode[pay.Payment](n)
		if err != nil || !n.Signed || got.OutTradeNo != "1" || got.TotalFee != price || got.MchID != "1230000109" || got.ReturnCode != "SUCCESS" || len(got.NonceStr) != 32 {
			t.Errorf("a payment came as %+v, %v", got, err)
		}
		if d.Header.Get("Content-Type") != "text/xml" || d.Header.Get("Wechatpay-Signature") != "" || len(signature(d)) != map[auth.SignType]int{auth.MD5: 32, auth.HMACSHA256: 64}[signType] {
			t.Errorf("signed with %s it has the header %v", signType, d.Header)
		}
		n, _ = opened(t, sender, pay.Payment{OutTradeNo: "1", TransactionID: "1", NonceStr: "mine", MchID: "1230000109", SignType: string(auth.HMACSHA256)})
		if got, err := webhook.Decode[pay.Payment](n); err != nil || got.NonceStr != "mine" {
			t.Errorf("what was said is %+v, %v", got, err)
		}
	}
	sender := newSender(t)
	n, _ := opened(t, sender, &pay.Refund{ReqInfo: pay.ReqInfo{OutRefundNo: "2", RefundFee: price}})
	if got, err := webhook.Decode[pay.Refund](n); err != nil || n.Signed || got.ReqInfo.OutRefundNo != "2" || got.ReqInfo.RefundFee != price {
		t.Errorf("a refund came as %+v, %v", got, err)
	}
	n, d := opened(t, sender, wxv.TransactionSuccess{EventAssociatedData: "wxv", EventCiphertext: wxv.PaidBill{OutOrderNo: "3"}})
	if got, err := webhook.Decode[wxv.TransactionSuccess](n); err != nil || got.EventCiphertext.OutOrderNo != "3" || got.EventType != "TRANSACTION.SUCCESS" || len(signature(d)) != 64 {
		t.Errorf("a deduction came as %+v, %v", got, err)
	}
	n, _ = opened(t, sender, map[string]string{"out_trade_no": "4", "transaction_id": "4", "mch_id": "", "return_code": "", "result_code": ""}, webhooktest.OriginalType(webhook.OriginalTypeV2))
	if got, err := webhook.Decode[map[string]string](n); err != nil || got["out_trade_no"] != "4" || got["mch_id"] != "1900000109" {
		t.Errorf("a map came as %v, %v", got, err)
	}
}

// signature is the member sign.
func signature(d webhooktest.Delivery) string {
	_, after, _ := strings.Cut(string(d.Body), "<sign><![CDATA[")
	sign, _, _ := strings.Cut(after, "]]>")
	return sign
}

func TestEventsThatCannotBeSignedAreRefused(t *testing.T) {
	t.Parallel()
	sender := newSender(t)
	v2 := webhooktest.OriginalType(webhook.OriginalTypeV2)
	tests := map[string]struct {
		sender *webhooktest.Sender
		event  any
		opt    webhooktest.SignOption
		want   string
	}{
		"no sender":                      {nil, paid("1", price), v2, "no sender"},
		"a sender that was not made":     {new(webhooktest.Sender), paid("1", price), v2, "no sender"},
		"nothing":                        {sender, nil, v2, "the event is nil"},
		"a pointer to nothing":           {sender, (*payscore.UserPaid)(nil), v2, "the event is nil"},
		"an option that is none":         {sender, paid("1", price), nil, "a SignOption is nil"},
		"an event without a type":        {sender, map[string]any{}, webhooktest.ID("1"), "map[string]interface {} has no method EventTypes"},
		"an event that is no JSON":       {sender, func() {}, webhooktest.EventType("A.B"), "func() does not become JSON"},
		"an event that is no XML":        {sender, []string{}, v2, "no message of APIv2"},
		"an event with another sign":     {sender, pay.Payment{SignType: "canary"}, webhooktest.ID("1"), "sign"},
		"a text that XML does not allow": {sender, pay.Payment{Attach: "canary\x00"}, webhooktest.ID("1"), "attach"},
	}
	for name, tt := range tests {
		_, err := tt.sender.Sign(tt.event, tt.opt)
		if err == nil || !strings.HasPrefix(err.Error(), "webhooktest: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s gives %v, want …%s…", name, err, tt.want)
		}
	}
}

func TestKeysCanBeGiven(t *testing.T) {
	t.Parallel()
	sender := newSender(t, webhooktest.MchID("1230000109"), webhooktest.PlatformKey("PUB_KEY_ID_1", key()), webhooktest.APIv3Key(apiv3Key), webhooktest.APIv2Key(apiv2Key))
	m := sender.Merchant()
	if m.MchID != "1230000109" || m.APIv3Key != apiv3Key || m.APIv2Key != apiv2Key {
		t.Errorf("the merchant is %v", m)
	}
	if k := sender.PlatformKey(); k.Serial != "PUB_KEY_ID_1" || !k.Public.Equal(key().Public()) {
		t.Errorf("the platform key is %s", k.Serial)
	}
	verifier, err := auth.NewVerifier(auth.PublicKey("PUB_KEY_ID_1", &key().PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := webhook.New(webhook.Merchant{Verifier: verifier, APIv3Key: apiv3Key})
	if err != nil {
		t.Fatal(err)
	}
	d, err := sender.Sign(paid("1", price))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receiver.Parse(t.Context(), d.Header, d.Body); err != nil {
		t.Error(err)
	}
	one, other := newSender(t).Merchant(), newSender(t).Merchant()
	if one.APIv3Key == other.APIv3Key || one.APIv2Key == other.APIv2Key || one.APIv3Key == one.APIv2Key {
		t.Error("keys that are made up are the same")
	}
}

func TestOptionsThatWillNotDoAreRefused(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		opt  webhooktest.Option
		want string
	}{
		"none":                      {nil, "an Option is nil"},
		"no platform key":           {webhooktest.PlatformKey("x", nil), "the platform key is nil"},
		"a platform key of no name": {webhooktest.PlatformKey("", key()), "公钥ID"},
		"a key that is not RSA":     {webhooktest.PlatformKey("x", ed), "want RSA"},
		"a short APIv3 key":         {webhooktest.APIv3Key("canary"), "APIv3"},
		"a short APIv2 key":         {webhooktest.APIv2Key("canary"), "APIv2"},
		"another type of signature": {webhooktest.SignType("canary"), "neither auth.MD5"},
	} {
		_, err := webhooktest.NewSender(tt.opt)
		if err == nil || !strings.HasPrefix(err.Error(), "webhooktest: ") || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s gives %v, want …%s…", name, err, tt.want)
		}
	}
}

func TestASenderPrintsNoKey(t *testing.T) {
	t.Parallel()
	sender := newSender(t, webhooktest.MchID("1230000109"), webhooktest.PlatformKey("PUB_KEY_ID_1", key()), webhooktest.APIv3Key(apiv3Key), webhooktest.APIv2Key(apiv2Key))
	var text strings.Builder
	log := slog.New(slog.NewMultiHandler(slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&text, nil)))
	for _, v := range []any{sender, *sender, struct{ S any }{sender}, webhooktest.Subject{Sender: sender}, (*webhooktest.Sender)(nil)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&text, verb+"\n", v)
		}
		log.Info("x", "v", v)
	}
	asJSON, err := json.Marshal(map[string]any{"sender": sender})
	if err != nil {
		t.Error(err)
	}
	text.Write(asJSON)
	for _, secret := range []string{"canary", "63616e617279", "99 97 110 97 114 121", key().D.String(), fmt.Sprintf("%x", key().D), key().Primes[0].String()} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("it shows %s", secret)
		}
	}
	if shown := fmt.Sprint(sender); !strings.Contains(shown, "1230000109") || !strings.Contains(shown, "PUB_KEY_ID_1") {
		t.Errorf("it prints as %s", shown)
	}
}

func TestADeliveryMakesAnyNumberOfRequests(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d, err := s.sender.Sign(paid(s.order(), price))
	if err != nil {
		t.Fatal(err)
	}
	handler := s.handler(t)
	for range 2 {
		req, err := d.Request(t.Context(), "/notify")
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		req.Header.Del("Wechatpay-Signature")
		if w.Code != http.StatusNoContent || req.Method != http.MethodPost || req.URL.Path != "/notify" {
			t.Errorf("it was answered %d", w.Code)
		}
	}
	if s.moved != price {
		t.Errorf("it moved %d fen", s.moved)
	}
	if _, err := d.Request(t.Context(), "http://canary:%%"); err == nil {
		t.Error("a URL that is none makes a request")
	}
}
