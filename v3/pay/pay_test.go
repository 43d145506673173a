package pay_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/openwechatpay/wechatpay/v3/pay"
)

// The first is the form of a notification that was seen; the others are of partners and of combined
// orders. The page of TRANSACTION.SUCCESS has half of their members.
func TestANotificationOfAPaymentIsReadWhole(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"of a merchant": `{"mchid":"1900000109","appid":"wx8888888888888888","out_trade_no":"N1","transaction_id":"4200000001",
			"trade_type":"NATIVE","trade_state":"SUCCESS","trade_state_desc":"支付成功","bank_type":"OTHERS","attach":"a",
			"success_time":"2023-04-03T16:55:33+08:00","payer":{"openid":"o1"},
			"amount":{"total":1,"payer_total":1,"currency":"CNY","payer_currency":"CNY"}}`,
		"of a partner": `{"sp_mchid":"1900000109","sub_mchid":"1900000209","sp_appid":"wx8","sub_appid":"wx9","out_trade_no":"N1",
			"trade_type":"JSAPI","trade_state":"SUCCESS","payer":{"sp_openid":"o1","sub_openid":"o2"},"amount":{"total":4000,"payer_total":3900}}`,
		"of a combined order": `{"combine_appid":"wx8","combine_out_trade_no":"C1","combine_mchid":"1900000109","scene_info":{"device_id":"d1"},
			"sub_orders":[{"mchid":"1900000109","trade_type":"JSAPI","trade_state":"SUCCESS","bank_type":"OTHERS","attach":"a",
			"amount":{"total_amount":10,"currency":"CNY","payer_amount":10,"payer_currency":"CNY"},
			"success_time":"2015-05-20T13:29:35.120+08:00","transaction_id":"42","out_trade_no":"N1","sub_mchid":"1900000209"}],
			"combine_payer_info":{"openid":"o1"}}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var event pay.TransactionSuccess
			if err := json.Unmarshal([]byte(text), &event); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			_ = json.Unmarshal(again, &got)
			_ = json.Unmarshal([]byte(text), &want)
			if missing := lost(want, got); len(missing) > 0 {
				t.Errorf("lost are %v", missing)
			}
		})
	}
}

// lost are the members of want that got does not have.
func lost(want, got any) (names []string) {
	switch want := want.(type) {
	case map[string]any:
		members, _ := got.(map[string]any)
		for name, value := range want {
			for _, inner := range lost(value, members[name]) {
				names = append(names, name+"/"+inner)
			}
		}
	case []any:
		items, _ := got.([]any)
		for i, value := range want {
			if i >= len(items) {
				return []string{"an item"}
			}
			names = append(names, lost(value, items[i])...)
		}
	default:
		if !reflect.DeepEqual(want, got) {
			return []string{""}
		}
	}
	return names
}
