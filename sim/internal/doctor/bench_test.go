package doctor_test

import (
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
)

func BenchmarkDiagnose(b *testing.B) {
	t := new(testing.T)
	for name, c := range map[string]client{
		"one mistake":             signsBody(varied, varied+"\n"),
		"query left out":          signsTarget(search, order),
		"three mistakes":          combined()["method-case query-left-out body-remarshalled"],
		"unknown text, GET":       signsTarget(search, "other"),
		"unknown text, POST":      {method: "POST", target: search, body: varied, text: "other"},
		"unknown text, large":     {method: "POST", target: search, body: `{"list":[` + strings.Repeat(`{"a":"中/<>","b":1},`, 40_000) + `{}]}`, text: "other"},
		"a key that nobody knows": {method: "POST", target: order, body: varied, sign: func(*testing.T, string) string { return strings.Repeat("A", 342) + "==" }},
	} {
		b.Run(name, func(b *testing.B) {
			request := c.send(t)
			for b.Loop() {
				doctor.Diagnose(request)
			}
			b.ReportMetric(float64(doctor.Texts(request)), "texts")
		})
	}
}
