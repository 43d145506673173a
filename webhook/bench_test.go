package webhook_test

import (
	"context"
	"crypto"
	"crypto/aes"
	stdcipher "crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
)

// event is a notification of Pay Score (支付分) as they come: 1.1 kB within.
const event = `{"appid":"wxd678efh567hg6787","mchid":"1230000109","sub_appid":"wxd678efh567hg6789","sub_mchid":"1900000109","out_order_no":"1234323JKHDFE1243252","service_id":"500001","sub_openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","state":"DONE","total_amount":40000,"service_introduction":"某某酒店","post_payments":[{"name":"就餐费用服务费","amount":4000,"description":"就餐人均100元","count":4},{"name":"打包费","amount":36000,"description":"每份1元","count":4}],"post_discounts":[{"name":"满20减1元","description":"不与其他优惠叠加","amount":100,"count":2}],"risk_fund":{"name":"ESTIMATE_ORDER_COST","amount":50000,"description":"就餐的预估费用"},"time_range":{"start_time":"20091225091010","end_time":"20091225121010","start_time_remark":"备注1","end_time_remark":"备注2"},"location":{"start_location":"嗨客时尚主题展餐厅","end_location":"嗨客时尚主题展餐厅"},"order_id":"15646546545165651651","need_collection":true,"collection":{"state":"USER_PAID","total_amount":40000,"paying_amount":0,"paid_amount":40000,"details":[{"seq":1,"amount":40000,"paid_type":"NEWTON","paid_time":"20091225091210","transaction_id":"15646546545165651651"}]}}`

// BenchmarkPayScore takes one event of Pay Score from its bytes to its type: verified, decrypted, decoded.
// Beside it is the same done by hand with the standard library, in turns, so that what else the machine
// does strikes both. The ratio is the median over turns, with that of the fifth and the ninety-fifth
// percentile.
func BenchmarkPayScore(b *testing.B) {
	header, body := delivery{associatedData: "payscore", plaintext: event}.make(b)
	ours, bare := parsed(b, header, body), byHand(b, header, body)
	var ratios []float64
	var ourTime, bareTime time.Duration
	const each = 20
	for b.Loop() {
		first := timed(each, bare)
		second := timed(each, ours)
		ratios = append(ratios, float64(second)/float64(first))
		bareTime, ourTime = bareTime+first, ourTime+second
	}
	slices.Sort(ratios)
	n := float64(len(ratios) * each)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(bareTime.Nanoseconds())/n, "bare-ns")
	b.ReportMetric(float64(ourTime.Nanoseconds())/n, "ours-ns")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(ratios[len(ratios)/20], "ratio-p5")
	b.ReportMetric(ratios[len(ratios)*19/20], "ratio-p95")
	b.ReportMetric(testing.AllocsPerRun(100, bare), "bare-allocs")
	b.ReportMetric(testing.AllocsPerRun(100, ours), "ours-allocs")
}

func timed(n int, fn func()) time.Duration {
	began := time.Now()
	for range n {
		fn()
	}
	return time.Since(began)
}

// parsed opens and decodes with a Receiver.
func parsed(tb testing.TB, header http.Header, body []byte) func() {
	r := receiver(tb, apiv3Key)
	return func() {
		n, err := r.Parse(context.Background(), header, body)
		if err != nil {
			tb.Fatal(err)
		}
		if e, err := webhook.Decode[payscore.UserPaid](n); err != nil || e.TotalAmount != 40000 {
			tb.Fatal(e.TotalAmount, err)
		}
	}
}

// byHand opens and decodes with nothing but the standard library, and without a look at what may be wrong.
func byHand(tb testing.TB, header http.Header, body []byte) func() {
	public := &keys().platform.PublicKey
	return func() {
		signature, err := base64.StdEncoding.DecodeString(header.Get("Wechatpay-Signature"))
		if err != nil {
			tb.Fatal(err)
		}
		digest := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n", header.Get("Wechatpay-Timestamp"), header.Get("Wechatpay-Nonce"), body))
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature); err != nil {
			tb.Fatal(err)
		}
		var e struct {
			ID        string `json:"id"`
			EventType string `json:"event_type"`
			Resource  struct {
				Ciphertext     string `json:"ciphertext"`
				Nonce          string `json:"nonce"`
				AssociatedData string `json:"associated_data"`
			} `json:"resource"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			tb.Fatal(err)
		}
		ciphertext, err := base64.StdEncoding.DecodeString(e.Resource.Ciphertext)
		if err != nil {
			tb.Fatal(err)
		}
		block, err := aes.NewCipher([]byte(apiv3Key))
		if err != nil {
			tb.Fatal(err)
		}
		aead, err := stdcipher.NewGCM(block)
		if err != nil {
			tb.Fatal(err)
		}
		plaintext, err := aead.Open(nil, []byte(e.Resource.Nonce), ciphertext, []byte(e.Resource.AssociatedData))
		if err != nil {
			tb.Fatal(err)
		}
		var paid payscore.UserPaid
		if err := json.Unmarshal(plaintext, &paid); err != nil || paid.TotalAmount != 40000 {
			tb.Fatal(paid.TotalAmount, err)
		}
	}
}

// BenchmarkAnswer is the whole way of an event through a Mux.
func BenchmarkAnswer(b *testing.B) {
	m, err := webhook.NewMux(receiver(b, apiv3Key), webhook.Remember(each{}))
	if err != nil {
		b.Fatal(err)
	}
	webhook.On(m, func(context.Context, webhook.Event[payscore.UserPaid]) error { return nil })
	header, body := delivery{associatedData: "payscore", plaintext: event}.make(b)
	b.ReportAllocs()
	for b.Loop() {
		if answer := m.Answer(context.Background(), header, body); answer.StatusCode != http.StatusNoContent {
			b.Fatal(answer.StatusCode)
		}
	}
}

// each remembers nothing.
type each struct{}

func (each) Once(ctx context.Context, _ string, fn func(context.Context) error) error { return fn(ctx) }

// TestOpeningAnEventAllocatesLittle is the budget above what the same takes by hand.
func TestOpeningAnEventAllocatesLittle(t *testing.T) {
	const above = 30
	header, body := delivery{associatedData: "payscore", plaintext: event}.make(t)
	ours, bare := testing.AllocsPerRun(100, parsed(t, header, body)), testing.AllocsPerRun(100, byHand(t, header, body))
	if ours > bare+above {
		t.Errorf("%v allocations, by hand %v: want at most %d more", ours, bare, above)
	}
}
