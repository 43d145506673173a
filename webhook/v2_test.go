package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/vectors"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/webhook"
)

const apiv2Key = "canary-APIv2-key-0123456789-abcd"

// payment is what generated types of APIv2 look like, refund one with members that are encrypted, and
// checked one with JSON that is.
type payment struct {
	OutTradeNo string   `xml:"out_trade_no"`
	TotalFee   int64    `xml:"total_fee"`
	Attach     string   `xml:"attach,omitempty"`
	CouponIDs  []string `xml:"coupon_id_$n,omitempty"`
}

func (payment) EventTypes() []string { return []string{"payment"} }

type refund struct {
	ReturnCode string  `xml:"return_code"`
	OutTradeNo string  `xml:"out_trade_no"`
	ReqInfo    reqInfo `xml:"req_info"`
}

type reqInfo struct {
	RefundStatus string `xml:"refund_status"`
	RecvAccount  string `xml:"refund_recv_accout"`
	RefundFee    int64  `xml:"refund_fee"`
}

func (refund) EventTypes() []string { return []string{"refund"} }

type checked struct {
	Bill bill `xml:"event_ciphertext"`
}

type bill struct {
	OutOrderNo string `json:"out_order_no"`
}

func (checked) EventTypes() []string { return []string{"CHECK.SUCCESS"} }

func (b bill) MarshalText() ([]byte, error) { panic("only decoded") }

func (b *bill) UnmarshalText(text []byte) error {
	type plain bill
	if err := json.Unmarshal(text, (*plain)(b)); err != nil {
		return fmt.Errorf("%s: %w", text, err) // as a careless type of a user's might
	}
	return nil
}

// pairs are names and texts of members.
func pairs(texts ...string) (m xmlv2.Members) {
	for ; len(texts) > 1; texts = texts[2:] {
		m.Set(texts[0], texts[1])
	}
	return m
}

func paid() xmlv2.Members {
	return pairs("return_code", "SUCCESS", "result_code", "SUCCESS", "appid", "wx2421b1c4370ec43b", "mch_id", "10000100",
		"nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS", "out_trade_no", "1409811653", "transaction_id", "1004400740201409030005092168", "total_fee", "4000", "attach", "canary & <深圳>", "coupon_id_0", "c0", "coupon_id_1", "c1")
}

func checkedBill(tb testing.TB, apiv3Key, plaintext string) xmlv2.Members {
	tb.Helper()
	ciphertext, err := crypt.SealGCM(apiv3Key, "0123456789ab", "bill", []byte(plaintext))
	if err != nil {
		tb.Fatal(err)
	}
	return pairs("mch_id", "10000100", "event_type", "CHECK.SUCCESS", "event_algorithm", "AEAD_AES_256_GCM", "event_nonce", "0123456789ab",
		"event_associated_data", "bill", "event_ciphertext", base64.StdEncoding.EncodeToString(ciphertext))
}

func refunded(tb testing.TB, plaintext string) xmlv2.Members {
	tb.Helper()
	sealed, err := crypt.SealReqInfo(apiv2Key, []byte(plaintext))
	if err != nil {
		tb.Fatal(err)
	}
	return pairs("return_code", "SUCCESS", "mch_id", "10000100", "req_info", sealed)
}

const reqInfoText = `<root><refund_status><![CDATA[SUCCESS]]></refund_status><refund_recv_accout>canary 零钱</refund_recv_accout><refund_fee>100</refund_fee></root>`

func signedV2(tb testing.TB, t auth.SignType, key string, m xmlv2.Members) xmlv2.Members {
	tb.Helper()
	sign, err := t.Sign(key, m.Texts())
	if err != nil {
		tb.Fatal(err)
	}
	m.Set("sign", sign)
	return m
}

func bodyV2(tb testing.TB, m xmlv2.Members) string {
	tb.Helper()
	body, err := xmlv2.Encode(xmlv2.Root, m)
	if err != nil {
		tb.Fatal(err)
	}
	return string(body)
}

func with(m xmlv2.Members, name, text string) xmlv2.Members {
	m.Set(name, text)
	return m
}

func receiverV2(tb testing.TB, apiv3Key string) *webhook.Receiver {
	tb.Helper()
	r, err := webhook.New(webhook.Merchant{APIv2Key: apiv2Key, APIv3Key: apiv3Key})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestANotificationOfAPIv2IsOpened(t *testing.T) {
	t.Parallel()
	sign := func(m xmlv2.Members) string { return bodyV2(t, signedV2(t, auth.HMACSHA256, apiv2Key, m)) }
	tests := map[string]struct {
		body   string
		event  string
		signed bool
	}{
		"a payment signed with HMAC-SHA256":           {sign(paid()), "payment", true},
		"a payment signed with MD5":                   {bodyV2(t, signedV2(t, auth.MD5, apiv2Key, paid())), "payment", true},
		"a payment that says HMAC-SHA256 and has MD5": {bodyV2(t, signedV2(t, auth.MD5, apiv2Key, with(paid(), "sign_type", "HMAC-SHA256"))), "payment", true},
		"a payment that failed":                       {sign(with(paid(), "result_code", "FAIL")), "payment", true},
		"a payment with members that nobody knows":    {sign(with(paid(), "new", "x")), "payment", true},
		"a payment with a member that is empty":       {sign(with(paid(), "req_info", "")), "payment", true},
		"a payment in another layout":                 {"\uFEFF<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + regexp.MustCompile(`(</\w+)>`).ReplaceAllString(sign(paid()), "$1\n>\r\n\t"), "payment", true},
		"a payment of exactly the largest size":       {padded(sign(paid()), 128<<10), "payment", true},
		"a refund, which nobody signs":                {bodyV2(t, refunded(t, reqInfoText)), "refund", false},
		"a refund that is signed":                     {sign(refunded(t, reqInfoText)), "refund", true},
		"a refund that has members of a payment":      {bodyV2(t, append(refunded(t, reqInfoText), paid()[5:]...)), "refund", false},
		"a refund that names an event":                {bodyV2(t, with(refunded(t, reqInfoText), "event_type", "CHECK.SUCCESS")), "refund", false},
		"an event":                                    {sign(checkedBill(t, apiv3Key, `{"out_order_no":"b1"}`)), "CHECK.SUCCESS", true},
		"an event that nobody knows":                  {sign(pairs("event_type", "CHECK.NEW")), "CHECK.NEW", true},
		"a combined payment":                          {sign(pairs("return_code", "SUCCESS", "combine_out_trade_no", "c1", "result_code", "SUCCESS")), "combined_payment", true},
		"a contract that was signed":                  {sign(pairs("change_type", "ADD", "contract_id", "1")), "contract_change", true},
		"a plate that changed":                        {sign(pairs("plate_number", "粤B88888")), "plate_change", true},
		"risky transactions":                          {sign(pairs("event_code", "1", "transaction_id_list", "{}")), "risky_transactions", true},
		"what nobody knows":                           {sign(pairs("return_code", "SUCCESS", "new", "1")), "", true},
		"an answer about an order that is not paid":   {sign(with(with(paid(), "transaction_id", ""), "trade_state", "NOTPAY")), "", true},
		"a payment whose attach is a query":           {sign(with(paid(), "attach", "a=1&b=2")), "payment", true},
		"a name with an ampersand":                    {sign(with(paid(), "bank_type", "A&B")), "payment", true},
		"a failure":                                   {bodyV2(t, pairs("return_code", "FAIL", "return_msg", "签名失败")), "failure", false},
		"a failure that is signed":                    {sign(with(paid(), "return_code", "FAIL")), "payment", true},
	}
	r := receiverV2(t, apiv3Key)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := r.Parse(t.Context(), nil, []byte(tt.body))
			if err != nil || n.EventType != tt.event || n.Signed != tt.signed {
				t.Errorf("parsed %v, %v; want the event %q, signed %v", n, err, tt.event, tt.signed)
			}
		})
	}
}

// padded is body with white space in front of its end.
func padded(body string, size int) string {
	return body + strings.Repeat(" ", size-len(body))
}

func TestWhatANotificationOfAPIv2Says(t *testing.T) {
	t.Parallel()
	r := receiverV2(t, apiv3Key)
	parse := func(m xmlv2.Members) *webhook.Notification {
		n, err := r.Parse(t.Context(), nil, []byte(bodyV2(t, m)))
		if err != nil {
			t.Fatal(err)
		}
		queue, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		n = new(webhook.Notification)
		if err := json.Unmarshal(queue, n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	sign := func(m xmlv2.Members) xmlv2.Members { return signedV2(t, auth.HMACSHA256, apiv2Key, m) }

	pay, err := webhook.Decode[payment](parse(sign(paid())))
	if got, want := fmt.Sprint(pay), "{1409811653 4000 canary & <深圳> [c0 c1]}"; err != nil || got != want {
		t.Errorf("the payment is %s, %v; want %s", got, err, want)
	}
	pointer, err := webhook.Decode[*payment](parse(sign(paid())))
	if err != nil || pointer.TotalFee != 4000 {
		t.Errorf("behind a pointer the payment is %+v, %v", pointer, err)
	}
	// What stands outside of req_info is not what was encrypted.
	back, err := webhook.Decode[refund](parse(with(refunded(t, reqInfoText), "refund_fee", "999")))
	if got, want := fmt.Sprint(back), "{SUCCESS  {SUCCESS canary 零钱 100}}"; err != nil || got != want {
		t.Errorf("the refund is %s, %v; want %s", got, err, want)
	}
	event, err := webhook.Decode[checked](parse(sign(checkedBill(t, apiv3Key, `{"out_order_no":"b1"}`))))
	if err != nil || event.Bill.OutOrderNo != "b1" {
		t.Errorf("the event is %+v, %v", event, err)
	}
	failure, err := webhook.Decode[map[string]string](parse(pairs("return_code", "FAIL", "return_msg", "签名失败", "out_trade_no", "forged", "total_fee", "1")))
	if got, want := fmt.Sprint(failure), "map[return_code:FAIL return_msg:签名失败]"; err != nil || got != want {
		t.Errorf("the failure is %s, %v; want %s", got, err, want)
	}
}

func TestANotificationOfAPIv2IsRefused(t *testing.T) {
	t.Parallel()
	signed := func() xmlv2.Members { return signedV2(t, auth.HMACSHA256, apiv2Key, paid()) }
	good := bodyV2(t, signed())
	sealed := refunded(t, reqInfoText).Get("req_info")
	swapped := sealed[32:64] + sealed[:32] + sealed[64:]
	stranger := strings.Repeat("k", 32)
	sign := func(m xmlv2.Members) string { return bodyV2(t, signedV2(t, auth.HMACSHA256, apiv2Key, m)) }
	tests := map[string]struct {
		body string
		want error
	}{
		"no sign":                              {bodyV2(t, paid()), auth.ErrNotSigned},
		"an empty sign":                        {bodyV2(t, with(paid(), "sign", "")), auth.ErrNotSigned},
		"no sign, and result_code FAIL":        {bodyV2(t, with(paid(), "result_code", "FAIL")), auth.ErrNotSigned},
		"no sign, and an empty req_info":       {bodyV2(t, with(paid(), "req_info", "")), auth.ErrNotSigned},
		"an event without sign":                {bodyV2(t, checkedBill(t, apiv3Key, "{}")), auth.ErrNotSigned},
		"nothing at all":                       {"<xml></xml>", auth.ErrNotSigned},
		"a refund by name, without a sign":     {bodyV2(t, pairs("event_type", "refund", "x", "1")), auth.ErrNotSigned},
		"a failure by name, without a sign":    {bodyV2(t, pairs("event_type", "failure", "x", "1")), auth.ErrNotSigned},
		"a member that was moved into another": {bodyV2(t, folded(signed(), "nonce_str", "mch_id")), auth.ErrBadSignature},
		"a member that hides others":           {bodyV2(t, with(signedV2(t, auth.MD5, apiv2Key, with(paid(), "total_fee", "4000&total_fee=1")), "x", "")), auth.ErrBadSignature},
		"what a payer's phone is given":        {sign(pairs("appId", "wx2421b1c4370ec43b", "nonceStr", "x", "package", "prepay_id=1", "signType", "MD5", "timeStamp", "1")), webhook.ErrMalformed},
		"the merchant's own call":              {sign(pairs("appid", "wx2421b1c4370ec43b", "mch_id", "10000100", "out_trade_no", "1409811653", "total_fee", "4000", "body", "x")), webhook.ErrMalformed},
		"a message that names two merchants":   {sign(with(paid(), "combine_mch_id", "10000101")), webhook.ErrMalformed},
		"a forged sign of MD5":                 {bodyV2(t, with(paid(), "sign", strings.Repeat("A", 32))), auth.ErrBadSignature},
		"a forged sign of HMAC-SHA256":         {bodyV2(t, with(paid(), "sign", strings.Repeat("A", 64))), auth.ErrBadSignature},
		"a sign of no type's length":           {bodyV2(t, with(paid(), "sign", "canary")), auth.ErrBadSignature},
		"a sign under another key":             {bodyV2(t, signedV2(t, auth.HMACSHA256, stranger, paid())), auth.ErrBadSignature},
		"a forged sign of a refund":            {bodyV2(t, with(refunded(t, reqInfoText), "sign", strings.Repeat("A", 32))), auth.ErrBadSignature},
		"a forged sign of a failure":           {bodyV2(t, pairs("return_code", "FAIL", "sign", strings.Repeat("A", 32))), auth.ErrBadSignature},
		"another amount":                       {bodyV2(t, with(signed(), "total_fee", "1")), auth.ErrBadSignature},
		"a member more":                        {bodyV2(t, with(signed(), "sub_mch_id", "1")), auth.ErrBadSignature},
		"a member less":                        {bodyV2(t, signed()[1:]), auth.ErrBadSignature},
		"values that are swapped":              {strings.NewReplacer("c0", "c1", "c1", "c0").Replace(good), auth.ErrBadSignature},
		"a member twice":                       {strings.Replace(good, "<xml>", "<xml><total_fee>1</total_fee>", 1), webhook.ErrMalformed},
		"a sign twice":                         {strings.Replace(good, "<xml>", "<xml><sign>A</sign>", 1), webhook.ErrMalformed},
		"a document type":                      {`<!DOCTYPE xml [<!ENTITY canary SYSTEM "file:///etc/passwd">]>` + good, webhook.ErrMalformed},
		"an entity of its own":                 {strings.Replace(good, "<xml>", "<xml><a>&canary;</a>", 1), webhook.ErrMalformed},
		"a member that holds members":          {strings.Replace(good, "<xml>", "<xml><a><b>1</b></a>", 1), webhook.ErrMalformed},
		"a body that is cut off":               {good[:len(good)-1], webhook.ErrMalformed},
		"a body that is JSON":                  {`{"canary":1}`, auth.ErrUnknownSerial},
		"an empty body":                        {"", auth.ErrUnknownSerial},
		"a body of nothing but a bracket":      {"<", webhook.ErrMalformed},
		"a body in another charset":            {strings.Replace(good, "深圳", "\xc9\xee", 1), webhook.ErrMalformed},
		"a body that is too large":             {padded(good, 128<<10+1), webhook.ErrTooLarge},
		"more members than any has":            {"<xml>" + manyMembers(5000) + "</xml>", webhook.ErrMalformed},
		"a req_info that is not base64":        {bodyV2(t, pairs("req_info", "canary!")), crypt.ErrDecrypt},
		"a req_info that is cut off":           {bodyV2(t, pairs("req_info", sealed[:32])), crypt.ErrDecrypt},
		"a req_info under another key":         {bodyV2(t, pairs("req_info", sealedUnder(t, stranger))), crypt.ErrDecrypt},
		"a req_info whose blocks are swapped":  {bodyV2(t, pairs("req_info", swapped)), webhook.ErrMalformed},
		"a req_info that is no XML":            {bodyV2(t, refunded(t, "canary")), webhook.ErrMalformed},
		"a req_info with a document type":      {bodyV2(t, refunded(t, "<!DOCTYPE root []><root><a>1</a></root>")), webhook.ErrMalformed},
		"a req_info with a member twice":       {bodyV2(t, refunded(t, "<root><a>1</a><a>2</a></root>")), webhook.ErrMalformed},
		"an event under another APIv3 key":     {sign(checkedBill(t, stranger, "{}")), crypt.ErrDecrypt},
		"an event of another algorithm":        {sign(with(checkedBill(t, apiv3Key, "{}"), "event_algorithm", "canary")), webhook.ErrMalformed},
		"an event with other associated data":  {sign(with(checkedBill(t, apiv3Key, "{}"), "event_associated_data", "x")), crypt.ErrDecrypt},
		"an event whose ciphertext is no text": {sign(checkedBill(t, apiv3Key, "\x00canary")), webhook.ErrMalformed},
	}
	r := receiverV2(t, apiv3Key)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := r.Parse(t.Context(), nil, []byte(tt.body))
			if n != nil || !errors.Is(err, tt.want) {
				t.Fatalf("got %v, %v; want %v", n, err, tt.want)
			}
			checkSilent(t, err, http.Header{})
		})
	}
}

// folded is a message in which one member has become a part of the one before it. Its signed text is the same.
func folded(m xmlv2.Members, name, before string) xmlv2.Members {
	m.Set(before, m.Get(before)+"&"+name+"="+m.Get(name))
	return slices.DeleteFunc(m, func(m xmlv2.Member) bool { return m.Name == name })
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<a%d></a%d>", i, i)
	}
	return b.String()
}

func sealedUnder(t *testing.T, key string) string {
	t.Helper()
	sealed, err := crypt.SealReqInfo(key, []byte(reqInfoText))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestAnEventNeedsTheAPIv3Key(t *testing.T) {
	t.Parallel()
	body := bodyV2(t, signedV2(t, auth.MD5, apiv2Key, checkedBill(t, apiv3Key, "{}")))
	n, err := receiverV2(t, "").Parse(t.Context(), nil, []byte(body))
	if n != nil || err == nil || !strings.Contains(err.Error(), "set webhook.Merchant.APIv3Key as well") {
		t.Errorf("got %v, %v", n, err)
	}
}

func TestDecodeRefusesWhatIsOfAPIv2(t *testing.T) {
	t.Parallel()
	parse := func(m xmlv2.Members) *webhook.Notification {
		n, err := receiverV2(t, apiv3Key).Parse(t.Context(), nil, []byte(bodyV2(t, m)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sign := func(m xmlv2.Members) xmlv2.Members { return signedV2(t, auth.MD5, apiv2Key, m) }
	tests := map[string]struct {
		decode func() error
		want   string
	}{
		"no notification":                        {decodes[payment](nil), "no notification to decode"},
		"a refund for a payment":                 {decodes[payment](parse(refunded(t, reqInfoText))), "of type refund does not decode as webhook_test.payment, which is for payment"},
		"a failure for a payment":                {decodes[payment](parse(with(paid(), "return_code", "FAIL"))), "of type failure does not decode as"},
		"a pointer to the type of another":       {decodes[*refund](parse(sign(paid()))), "which is for refund"},
		"a member that does not fit":             {decodes[payment](parse(sign(with(paid(), "total_fee", "canary")))), "does not read as webhook_test.payment: the member total_fee"},
		"a sealed member that does not fit":      {decodes[refund](parse(refunded(t, "<root><refund_fee>canary</refund_fee></root>"))), "does not read as webhook_test.refund: the member req_info"},
		"JSON that does not fit":                 {decodes[checked](parse(sign(checkedBill(t, apiv3Key, `{"out_order_no":{"canary":1}}`)))), ": the member event_ciphertext"},
		"JSON that is none":                      {decodes[checked](parse(sign(checkedBill(t, apiv3Key, `canary`)))), ": the member event_ciphertext"},
		"a type that no message has":             {decodes[string](parse(sign(paid()))), "want a pointer to a struct or to a map"},
		"a notification that was made by hand":   {decodes[payment](&webhook.Notification{EventType: "payment"}), "does not read as webhook_test.payment"},
		"a notification that was made of canary": {decodes[payment](&webhook.Notification{EventType: "payment", Message: "canary"}), "does not read as webhook_test.payment"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.decode()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("the error is %v, want …%s…", err, tt.want)
			}
			checkSilent(t, err, http.Header{})
		})
	}
}

func TestTheVectorsOfAPIv2(t *testing.T) {
	t.Parallel()
	sets, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, set := range sets {
		for _, v := range set.Vectors {
			switch v.Kind {
			case "v2-req-info":
				r, err := webhook.New(webhook.Merchant{APIv2Key: v.APIv2Key})
				if err != nil {
					t.Fatal(err)
				}
				n, err := r.Parse(t.Context(), nil, []byte(bodyV2(t, pairs("return_code", "SUCCESS", "req_info", v.ReqInfo))))
				if err != nil {
					t.Errorf("%s: %v", v.Name, err)
					continue
				}
				if got, err := webhook.Decode[refund](n); err != nil || got.ReqInfo.RefundStatus != "SUCCESS" || got.ReqInfo.RecvAccount != "支付用户零钱" {
					t.Errorf("%s: the refund is %+v, %v", v.Name, got, err)
				}
			case "v2-callback-reply":
				if webhook.SuccessV2 != v.Body {
					t.Errorf("%s: the answer is %s, want %s", v.Name, webhook.SuccessV2, v.Body)
				}
			default:
				continue
			}
			ran[v.Kind]++
		}
	}
	if len(ran) != 2 {
		t.Errorf("ran %v, want both kinds", ran)
	}
}

func TestTheAnswersOfAPIv2AreMessages(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{webhook.SuccessV2: "[{return_code SUCCESS []} {return_msg OK []}]", webhook.FailureV2: "[{return_code FAIL []} {return_msg refused []}]"} {
		if m, err := xmlv2.Decode([]byte(text), xmlv2.Limits{Bytes: len(text)}); err != nil || fmt.Sprint(m) != want {
			t.Errorf("%s reads as %v, %v; want %s", text, m, err, want)
		}
	}
}

func TestNothingOfAPIv2PrintsASecret(t *testing.T) {
	t.Parallel()
	r := receiverV2(t, apiv3Key)
	n, err := r.Parse(t.Context(), nil, []byte(bodyV2(t, signedV2(t, auth.MD5, apiv2Key, paid()))))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{"receiver": r, "*receiver": *r, "notification": n, "*notification": *n} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
			fmt.Fprintf(&log, verb, v)
		}
		for _, secret := range []string{"canary", fmt.Sprint([]byte("canary")), fmt.Sprintf("%#v", []byte("canary"))[7:20]} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the %s prints %s: %s", name, secret, log.String())
			}
		}
	}
	if !strings.Contains(fmt.Sprint(n), "payment") {
		t.Errorf("the notification prints as %v", n)
	}
}

// FuzzParseV2: what nobody signed is a refund that opens, a failure without content, or refused. What is
// signed comes back as it was sent, but for what was encrypted.
func FuzzParseV2(f *testing.F) {
	r := receiverV2(f, apiv3Key)
	for _, m := range []xmlv2.Members{paid(), refunded(f, reqInfoText), checkedBill(f, apiv3Key, "{}"), pairs("return_code", "FAIL")} {
		f.Add(bodyV2(f, m))
		f.Add(bodyV2(f, signedV2(f, auth.MD5, apiv2Key, m)))
	}
	f.Add("")
	f.Add("<!DOCTYPE xml><xml><a>&b;</a></xml>")
	f.Add("<xml><a><b>1</b></a></xml>")
	f.Add("<xml><event_type>refund</event_type></xml>")
	f.Add("<xml><req_info>AAAAAAAAAAAAAAAAAAAAAA==</req_info></xml>")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := r.Parse(t.Context(), nil, []byte(text))
		if err != nil {
			if !isRefusal(err) {
				t.Errorf("%q gives %v", text, err)
			}
		} else if said, err := webhook.Decode[map[string]string](n); err != nil {
			t.Errorf("%q opens to %q, which does not read: %v", text, n.Message, err)
		} else if !n.Signed && !(n.EventType == "refund" && strings.Contains(text, "req_info")) && (n.EventType != "failure" || len(said) > 2) {
			t.Errorf("%q parses to %v, which nobody signed", text, n)
		}
		sent, err := xmlv2.Decode([]byte(text), xmlv2.Limits{Bytes: webhook.DefaultMaxBody})
		if err != nil {
			return
		}
		n, err = r.Parse(t.Context(), nil, []byte(bodyV2(t, signedV2(t, auth.HMACSHA256, apiv2Key, sent))))
		if err != nil {
			if !isRefusal(err) || errors.Is(err, auth.ErrBadSignature) && !strings.Contains(err.Error(), "members of their own") {
				t.Errorf("%q, signed, gives %v", text, err)
			}
			return
		}
		said, err := webhook.Decode[map[string]string](n)
		for name, want := range sent.Texts() {
			if got := said[name]; got != want && name != "req_info" && name != "event_ciphertext" || err != nil {
				t.Errorf("%s came as %q, %v; want %q", name, got, err, want)
			}
		}
	})
}

// isRefusal tells whether an error is one of those that a stranger's body gives.
func isRefusal(err error) bool {
	for _, known := range []error{webhook.ErrMalformed, webhook.ErrTooLarge, auth.ErrNotSigned, auth.ErrBadSignature, auth.ErrUnknownSerial, crypt.ErrDecrypt} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
