package webhook_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
)

// event is a notification of Pay Score (支付分) as they come: 1.1 kB within.
const event = `{"appid":"wxd678efh567hg6787","mchid":"1230000109","sub_appid":"wxd678efh567hg6789","sub_mchid":"1900000109","out_order_no":"1234323JKHDFE1243252","service_id":"500001","sub_openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","state":"DONE","total_amount":40000,"service_introduction":"某某酒店","post_payments":[{"name":"就餐费用服务费","amount":4000,"description":"就餐人均100元","count":4},{"name":"打包费","amount":36000,"description":"每份1元","count":4}],"post_discounts":[{"name":"满20减1元","description":"不与其他优惠叠加","amount":100,"count":2}],"risk_fund":{"name":"ESTIMATE_ORDER_COST","amount":50000,"description":"就餐的预估费用"},"time_range":{"start_time":"20091225091010","end_time":"20091225121010","start_time_remark":"备注1","end_time_remark":"备注2"},"location":{"start_location":"嗨客时尚主题展餐厅","end_location":"嗨客时尚主题展餐厅"},"order_id":"15646546545165651651","need_collection":true,"collection":{"state":"USER_PAID","total_amount":40000,"paying_amount":0,"paid_amount":40000,"details":[{"seq":1,"amount":40000,"paid_type":"NEWTON","paid_time":"20091225091210","transaction_id":"15646546545165651651"}]}}`

// What opening it costs beside the same by hand is measured in bench, where its budget of allocations is.
func BenchmarkPayScore(b *testing.B) {
	header, body := delivery{associatedData: "payscore", plaintext: event}.make(b)
	r := receiver(b, apiv3Key)
	b.ReportAllocs()
	for b.Loop() {
		n, err := r.Parse(context.Background(), header, body)
		if err != nil {
			b.Fatal(err)
		}
		if e, err := webhook.Decode[payscore.UserPaid](n); err != nil || e.TotalAmount != 40000 {
			b.Fatal(e.TotalAmount, err)
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
