package sim_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// act posts to an order's path.
func (b *bench) act(no, action string, body object) answer {
	b.t.Helper()
	return b.call(http.MethodPost, orders+"/{out_order_no}/"+action, wechatpay.Path("out_order_no", no), wechatpay.JSON(body))
}

// completion is the content of a completion that is good an hour after the confirmation.
func (b *bench) completion(amount int, changes object) object {
	b.t.Helper()
	body := object{
		"service_id": world.ServiceID, "sub_mchid": world.SubMerchant,
		"post_payments": []object{{"name": "租金", "amount": amount}},
		"total_amount":  amount,
		"time_range":    object{"end_time": b.at(-time.Minute)},
	}
	for name, value := range changes {
		if body[name] = value; value == nil {
			delete(body, name)
		}
	}
	return body
}

// completed is the number of an order that was completed and waits for its money.
func (b *bench) completed(amount int, changes object) string {
	b.t.Helper()
	no := b.confirmed(changes)
	b.Advance(time.Hour)
	if a := b.act(no, "complete", b.completion(amount, nil)); a.status != http.StatusNoContent {
		b.t.Fatalf("completing an order: %v", a)
	}
	return no
}

func TestACompletedOrderIsPaidByDeduction(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	no := b.confirmed(object{"notify_url": r.URL, "attach": "a"})
	b.Notifications()
	b.Advance(time.Hour)
	b.want(b.act(no, "complete", b.completion(4000, nil)), "204")
	b.wantState(no, "DOING/MCH_COMPLETE")
	a := b.query(no)
	if c := a.body["collection"].(object); c["state"] != "USER_PAYING" || c["total_amount"] != 4000.0 || c["paying_amount"] != 4000.0 || c["paid_amount"] != 0.0 || a.body["need_collection"] != true {
		t.Errorf("an order that waits for its money shows %v", a.body)
	}
	b.Advance(time.Minute)
	b.wantState(no, "DONE")
	a = b.query(no)
	c := a.body["collection"].(object)
	if c["state"] != "USER_PAID" || c["paying_amount"] != 0.0 || c["paid_amount"] != 4000.0 || a.body["total_amount"] != 4000.0 {
		t.Errorf("a paid order shows %v", a.body)
	}
	d := c["details"].([]any)[0].(object)
	if d["paid_type"] != "NEWTON" || d["seq"] != 1.0 || d["amount"] != 4000.0 || !regexp.MustCompile(`^42\d{26}$`).MatchString(d["transaction_id"].(string)) || !regexp.MustCompile(`^\d{14}$`).MatchString(d["paid_time"].(string)) {
		t.Errorf("the payment is %v", d)
	}
	sent := b.Notifications()
	if len(sent) != 2 || sent[1].EventType != "PAYSCORE.USER_PAID" || !sent[1].Delivered {
		t.Fatalf("sent %+v", sent)
	}
	var told object
	if err := json.Unmarshal(sent[1].Resource, &told); err != nil {
		t.Fatal(err)
	}
	for name, want := range a.body {
		if got, _ := json.Marshal(told[name]); string(got) != mustJSON(want) {
			t.Errorf("the notification has %s: %s, the query %s", name, got, mustJSON(want))
		}
	}
	if told["openid"] != world.OpenID || told["notify_url"] != r.URL {
		t.Errorf("the notification is %v", told)
	}
}

func mustJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestACompletionOfNothingIsTheEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.confirmed(nil)
	b.Advance(time.Hour)
	b.want(b.act(no, "complete", b.completion(0, nil)), "204")
	b.wantState(no, "DONE")
	if a := b.query(no); a.body["collection"] != nil || a.body["need_collection"] != nil {
		t.Errorf("an order that cost nothing shows %v", a.body)
	}
	b.want(b.cancel(no, cancelBody("r")), "400 PARAM_ERROR 当前订单状态不满足撤销条件")
}

func TestCompletingAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.confirmed(nil)
	b.Advance(time.Hour)
	body := b.completion(4000, nil)
	b.want(b.act(no, "complete", body), "204")
	b.want(b.act(no, "complete", body), "204")
	later := b.completion(4000, object{"time_range": object{"end_time": b.at(-30 * time.Second)}})
	b.want(b.act(no, "complete", later), "400 PARAM_ERROR 订单重入参数校验失败")
	b.Advance(time.Minute)
	b.wantState(no, "DONE")
	b.want(b.act(no, "complete", body), "204")
	b.want(b.act(no, "complete", later), "400 PARAM_ERROR 订单重入参数校验失败")
}

func TestWhatCompleteRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.confirmed(nil)
	b.Advance(2 * time.Hour)
	tests := []struct {
		name    string
		changes object
		want    string
	}{
		{"no items", object{"post_payments": nil}, "400 PARAM_ERROR 输入源“/uri_template/post_payments”"},
		{"an empty list of items", object{"post_payments": []object{}}, "400 PARAM_ERROR 输入源“/body/post_payments”"},
		{"no total", object{"total_amount": nil}, "400 PARAM_ERROR 输入源“/uri_template/total_amount”"},
		{"no service", object{"service_id": nil}, "400 PARAM_ERROR 输入源“/uri_template/service_id”"},
		{"a negative total", object{"total_amount": -1}, "400 PARAM_ERROR 输入源“/body/total_amount”"},
		{"a total that is not the sum", object{"total_amount": 4001}, "400 PARAM_ERROR 最终总金额计算非法"},
		{"a total without the discount", object{"post_discounts": []object{{"name": "减", "description": "减", "amount": 100}}}, "400 PARAM_ERROR 最终总金额计算非法"},
		{"a count is not multiplied", object{"post_payments": []object{{"name": "租金", "amount": 2000, "count": 2}}}, "400 PARAM_ERROR 最终总金额计算非法"},
		{"more than the order's risk fund", object{"post_payments": []object{{"name": "租金", "amount": 10001}}, "total_amount": 10001}, "400 INVALID_REQUEST 总金额超过此服务的服务风险金额"},
		{"amounts beyond counting", object{"post_payments": []object{{"name": "a", "amount": 9e18}, {"name": "b", "amount": 9e18}}, "total_amount": 9e18}, "400 PARAM_ERROR"},
		{"no end where the order has none", object{"time_range": nil}, "400 PARAM_ERROR 创建订单未填写服务结束时间,则结束时间必填"},
		{"an end in the future", object{"time_range": object{"end_time": b.at(time.Hour)}}, "400 PARAM_ERROR 实际结束时间不能晚于使用完结接口的时间"},
		{"an end before the start", object{"time_range": object{"end_time": b.at(-3 * time.Hour)}}, "400 PARAM_ERROR 真实结束时间小于预计开始时间"},
		{"an end to the day of an order to the second", object{"time_range": object{"end_time": b.at(0)[:8]}}, "400 PARAM_ERROR 服务结束时间的格式与创建订单时不一致"},
		{"a start before the order was created", object{"time_range": object{"start_time": b.at(-3 * time.Hour), "end_time": b.at(-time.Minute)}}, "400 PARAM_ERROR 实际开始时间不能早于创建订单的时间"},
		{"a start in the future", object{"time_range": object{"start_time": b.at(time.Hour), "end_time": b.at(-time.Minute)}}, "400 PARAM_ERROR 实际开始时间不能晚于使用完结接口的时间"},
		{"an end location without a start location", object{"location": object{"end_location": "b"}}, "400 PARAM_ERROR 创建订单未填写服务开始地点时"},
		{"two items of one name", object{"post_payments": []object{{"name": "租金", "amount": 2000}, {"name": "租金", "amount": 2000}}}, "400 PARAM_ERROR 后付费项目名称不能重复"},
		{"a tag of 33 characters", object{"goods_tag": strings.Repeat("g", 33)}, "400 PARAM_ERROR 输入源“/body/goods_tag”"},
		{"an unknown member", object{"appid": world.AppID}, "400 PARAM_ERROR 请求中含有未在API文档中定义的参数"},
		{"another service's order", object{"service_id": world.GrantServiceID}, "404 ORDER_NOT_EXIST"},
		{"a sub-merchant of nobody", object{"sub_mchid": "1"}, "403 NO_AUTH"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			b.want(b.act(no, "complete", b.completion(4000, tt.changes)), tt.want)
			b.wantState(no, "DOING/USER_CONFIRM")
		})
	}
	good := object{
		"post_payments":  []object{{"name": "租金", "amount": 4100, "description": "每小时", "count": 2}},
		"post_discounts": []object{{"name": "减", "description": "减", "amount": 100}},
		"total_amount":   4000,
		"time_range":     object{"start_time": b.at(-time.Hour), "end_time": b.at(-time.Minute), "end_time_remark": "还"},
		"location":       object{"start_location": "a", "end_location": "b"},
		"complete_time":  "2026-01-01T00:00:00+08:00", "profit_sharing": true, "goods_tag": "tag",
	}
	b.want(b.act("none", "complete", b.completion(4000, nil)), "404 ORDER_NOT_EXIST")
	b.want(b.act(no, "complete", b.completion(0, good)), "204")
	a := b.query(no)
	if a.body["post_payments"].([]any)[0].(object)["amount"] != 4100.0 || a.body["post_discounts"].([]any)[0].(object)["amount"] != 100.0 || a.body["location"].(object)["end_location"] != "b" || a.body["time_range"].(object)["end_time_remark"] != "还" {
		t.Errorf("the completion did not replace what the order had: %v", a.body)
	}
}

func TestWhichStatesCanBeCompleted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		documented bool
		created    string
		revoked    string
	}{
		"as observed":   {false, "400 INVALID_REQUEST 当前订单状态不合法", "400 INVALID_REQUEST 当前订单状态不合法"},
		"as documented": {true, "400 INVALID_ORDER_STATE 当前订单状态不合法", "400 ORDER_CANCELED 当前订单状态不合法"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, rules(world.Rules{Documented: tt.documented}))
			body := b.completion(100, nil)
			b.want(b.act(b.created(nil), "complete", body), tt.created)
			no := b.created(nil)
			b.want(b.cancel(no, cancelBody("r")), "204")
			b.want(b.act(no, "complete", body), tt.revoked)
			no = b.completed(100, nil)
			b.want(b.cancel(no, cancelBody("r")), "204")
			b.want(b.act(no, "complete", body), tt.revoked)
		})
	}
}

func TestAnEnjoyFirstOrderMayCostWhatItsServiceMay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.Control().OpenService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	o := granted(nil)
	b.want(b.create(o), "200")
	b.Advance(time.Hour)
	no, service := o["out_order_no"].(string), object{"service_id": world.GrantServiceID}
	b.want(b.act(no, "complete", b.completion(20001, service)), "400 INVALID_REQUEST 总金额超过此服务的服务风险金额")
	b.want(b.act(no, "complete", b.completion(20000, service)), "204")
}

func TestADeductionIsTriedUntilThereIsMoney(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID, OutOfMoney: true}); err != nil {
		t.Fatal(err)
	}
	no := b.completed(4000, nil)
	b.Advance(40 * 24 * time.Hour)
	b.wantState(no, "DOING/MCH_COMPLETE")
	b.want(b.act(no, "pay", object{"sub_mchid": world.SubMerchant}), "204")
	b.wantState(no, "DOING/MCH_COMPLETE")
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	b.wantState(no, "DOING/MCH_COMPLETE")
	b.Advance(6 * time.Hour)
	b.wantState(no, "DONE")
}

func TestTheMerchantMayAskForOneMoreAttempt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	pay := object{"service_id": world.ServiceID, "sub_mchid": world.SubMerchant}
	b.want(b.act(no, "pay", pay), "204")
	b.wantState(no, "DONE")
	b.want(b.act(no, "pay", pay), "400 INVALID_REQUEST 仅服务订单支付状态为待支付时，才可使用此能力")
	b.want(b.act(b.confirmed(nil), "pay", pay), "400 INVALID_REQUEST 仅服务订单支付状态为待支付时，才可使用此能力")
}

func TestAUserPaysByHimself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	if _, err := b.Control().Pay(t.Context(), control.Order{OutOrderNo: no}); err != nil {
		t.Fatal(err)
	}
	b.wantState(no, "DONE")
	if _, err := b.Control().Pay(t.Context(), control.Order{OutOrderNo: no}); err == nil {
		t.Error("an order was paid twice")
	}
	if n := b.Notifications(); n[len(n)-1].EventType != "PAYSCORE.USER_PAID" {
		t.Errorf("the last notification is %s", n[len(n)-1].EventType)
	}
}

// TestNobodyElseChangesAnOrderDuringADeduction covers cancel, modify, pay and sync.
func TestNobodyElseChangesAnOrderDuringADeduction(t *testing.T) {
	t.Parallel()
	const locked = "400 INVALID_REQUEST 单据正在扣款中，请稍后再试"
	b := newBench(t)
	no := b.completed(4000, nil)
	if _, err := b.Control().OpenCashier(t.Context(), control.Order{OutOrderNo: no}); err != nil {
		t.Fatal(err)
	}
	pay := object{"sub_mchid": world.SubMerchant}
	b.want(b.cancel(no, cancelBody("r")), locked)
	b.want(b.act(no, "pay", pay), locked)
	b.want(b.act(no, "modify", b.modification(3000, nil)), locked)
	b.want(b.act(no, "sync", b.synchronised(nil)), locked)
	b.wantState(no, "DOING/MCH_COMPLETE")
	if _, err := b.Control().Leave(t.Context(), control.Order{OutOrderNo: no}); err != nil {
		t.Fatal(err)
	}
	b.want(b.act(no, "modify", b.modification(3000, nil)), "204")
	if _, err := b.Control().StartDeduction(t.Context(), control.Order{OutOrderNo: no}); err != nil {
		t.Fatal(err)
	}
	b.want(b.cancel(no, cancelBody("r")), locked)
	b.Advance(3 * time.Minute)
	b.wantState(no, "DONE")
}

func TestCancellingAnOrderThatWaitsForItsMoney(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules world.Rules
		want  string
		state string
	}{
		"is allowed by most pages":     {world.Rules{}, "204", "REVOKED"},
		"is refused by others":         {world.Rules{RefuseCancelWhilePaying: true}, "400 PARAM_ERROR 当前订单状态不满足撤销条件", "DONE"},
		"is refused in documents' way": {world.Rules{RefuseCancelWhilePaying: true, Documented: true}, "400 INVALID_ORDER_STATE 当前订单状态不满足撤销条件", "DONE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, rules(tt.rules))
			no := b.completed(4000, nil)
			b.want(b.cancel(no, cancelBody("r")), tt.want)
			b.Advance(time.Minute)
			b.wantState(no, tt.state)
			if a := b.query(no); tt.state == "REVOKED" && (a.body["collection"] != nil || a.body["total_amount"] != nil) {
				t.Errorf("a cancelled order shows %v", a.body)
			}
		})
	}
}

func TestAFinishedOrderCannotBeCancelled(t *testing.T) {
	t.Parallel()
	for name, want := range map[bool]string{false: "400 PARAM_ERROR 当前订单状态不满足撤销条件", true: "400 ORDER_DONE 当前订单状态不满足撤销条件"} {
		b := newBench(t, rules(world.Rules{Documented: name}))
		no := b.completed(4000, nil)
		b.Advance(time.Minute)
		b.want(b.cancel(no, cancelBody("r")), want)
		b.wantState(no, "DONE")
	}
}

// modification is the content of lowering an amount.
func (b *bench) modification(amount int, changes object) object {
	b.t.Helper()
	body := object{
		"service_id": world.ServiceID, "sub_mchid": world.SubMerchant,
		"post_payments": []object{{"name": "租金", "amount": amount}}, "total_amount": amount, "reason": "用户投诉",
	}
	for name, value := range changes {
		if body[name] = value; value == nil {
			delete(body, name)
		}
	}
	return body
}

func TestAnAmountIsLoweredUntilItIsPaid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	b.want(b.act(no, "modify", b.modification(4000, nil)), "400 PARAM_ERROR 修改后的金额必须小于修改前的金额")
	b.want(b.act(no, "modify", b.modification(3000, nil)), "204")
	b.want(b.act(no, "modify", b.modification(3000, nil)), "204")
	b.want(b.act(no, "modify", b.modification(3500, nil)), "400 PARAM_ERROR 修改后的金额必须小于修改前的金额")
	b.want(b.act(no, "modify", b.modification(2000, object{"reason": nil})), "400 PARAM_ERROR 输入源“/uri_template/reason”映射到字段“修改原因”")
	b.want(b.act(no, "modify", b.modification(2000, object{"reason": strings.Repeat("因", 51)})), "400 PARAM_ERROR 输入源“/body/reason”映射到值字段“修改原因”")
	b.want(b.act(no, "modify", b.modification(2000, object{"total_amount": 1999})), "400 PARAM_ERROR 最终总金额计算非法")
	b.want(b.act(no, "modify", b.modification(2000, object{"service_id": nil})), "204")
	if c := b.query(no).body["collection"].(object); c["total_amount"] != 2000.0 || c["paying_amount"] != 2000.0 {
		t.Errorf("the collection is %v", c)
	}
	b.Advance(time.Minute)
	b.wantState(no, "DONE")
	b.want(b.act(no, "modify", b.modification(1000, nil)), "400 INVALID_REQUEST 仅服务订单支付状态为待支付时，才可使用此能力")
	b.want(b.act(b.confirmed(nil), "modify", b.modification(1000, nil)), "400 INVALID_REQUEST 仅服务订单支付状态为待支付时，才可使用此能力")
}

func TestAnAmountIsLoweredOnceWhereTheWorldSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t, rules(world.Rules{ModifyOnce: true}))
	no := b.completed(4000, nil)
	b.want(b.act(no, "modify", b.modification(3000, nil)), "204")
	b.want(b.act(no, "modify", b.modification(2000, nil)), "400 INVALID_REQUEST 订单金额只可修改一次")
}

func TestAnOrderWithADepositIsNotModified(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: "o1", Refuse: "综合评估未通过"}); err != nil {
		t.Fatal(err)
	}
	confirm := control.Order{OutOrderNo: no, OpenID: "o1"}
	if _, err := b.Control().Confirm(t.Context(), confirm); err == nil || !strings.Contains(err.Error(), "综合评估未通过") {
		t.Errorf("a user who fails the assessment: %v", err)
	}
	b.wantState(no, "CREATED")
	confirm.Deposit = true
	if _, err := b.Control().Confirm(t.Context(), confirm); err != nil {
		t.Fatal(err)
	}
	b.Advance(time.Hour)
	b.want(b.act(no, "complete", b.completion(4000, nil)), "204")
	b.want(b.act(no, "modify", b.modification(3000, nil)), "400 INVALID_REQUEST 已支付押金的订单不支持修改金额")
	b.Advance(time.Minute)
	b.wantState(no, "DONE")
}

// synchronised is the content of telling that the money came elsewhere.
func (b *bench) synchronised(changes object) object {
	b.t.Helper()
	body := object{"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "type": "Order_Paid", "detail": object{"paid_time": b.at(0)}}
	for name, value := range changes {
		if body[name] = value; value == nil {
			delete(body, name)
		}
	}
	return body
}

func TestAnOrderThatWasPaidElsewhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	for name, tt := range map[string]struct {
		changes object
		want    string
	}{
		"without a type":            {object{"type": nil}, "400 PARAM_ERROR 输入源“/uri_template/type”映射到字段“场景类型”"},
		"with another type":         {object{"type": "Order"}, "400 PARAM_ERROR"},
		"without a detail":          {object{"detail": nil}, "400 PARAM_ERROR 输入源“/uri_template/detail”"},
		"without a time":            {object{"detail": object{}}, "400 PARAM_ERROR 输入源“/body/detail/paid_time”"},
		"at a time of another form": {object{"detail": object{"paid_time": "2026-11-25T10:00:00+08:00"}}, "400 PARAM_ERROR"},
		"in the future":             {object{"detail": object{"paid_time": b.at(time.Hour)}}, "400 PARAM_ERROR 收款成功时间不能晚于调用接口的时间"},
		"before it was completed":   {object{"detail": object{"paid_time": b.at(-time.Hour)}}, "400 PARAM_ERROR 收款成功时间不能早于完结订单的时间"},
		"on a day before":           {object{"detail": object{"paid_time": b.at(-48 * time.Hour)[:8]}}, "400 PARAM_ERROR 收款成功时间不能早于完结订单的时间"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			b.want(b.act(no, "sync", b.synchronised(tt.changes)), tt.want)
		})
	}
	before := len(b.Notifications())
	body := b.synchronised(nil)
	b.want(b.act(no, "sync", body), "204")
	b.want(b.act(no, "sync", body), "204")
	b.wantState(no, "DONE")
	c := b.query(no).body["collection"].(object)
	d := c["details"].([]any)[0].(object)
	if c["state"] != "USER_PAID" || d["paid_type"] != "MCH" || d["paid_time"] != body["detail"].(object)["paid_time"] || d["transaction_id"] != nil {
		t.Errorf("the collection is %v", c)
	}
	b.Advance(24 * time.Hour)
	if n := b.Notifications(); len(n) != before {
		t.Errorf("a sync was notified: %+v", n[before:])
	}
	b.want(b.act(b.confirmed(nil), "sync", b.synchronised(nil)), "400 INVALID_REQUEST 仅服务订单支付状态为待支付时，才可使用此能力")
	no = b.completed(100, nil)
	b.want(b.act(no, "sync", b.synchronised(object{"detail": object{"paid_time": b.at(0)[:8]}})), "204")
}

func TestEachMessageIsSentOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.confirmed(nil)
	body := object{"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "post_payments": []object{{"name": "租金", "amount": 100}}, "total_amount": 100, "prepaid_time": "20261126"}
	for _, kind := range []string{"send-pendingmessage", "send-prepaidmessage"} {
		b.want(b.act(no, kind, body), "204")
		b.want(b.act(no, kind, body), "400 INVALID_REQUEST 每笔订单只能发送一次")
	}
	body["total_amount"] = 99
	b.want(b.act(b.confirmed(nil), "send-pendingmessage", body), "400 PARAM_ERROR 最终总金额计算非法")
}

func TestADirectCompletionNeedsAGrantOfItsOwn(t *testing.T) {
	t.Parallel()
	body := func(b *bench) object {
		return object{
			"out_order_no": newOrder(nil)["out_order_no"], "service_id": world.GrantServiceID, "appid": world.AppID, "sub_appid": world.SubAppID, "sub_mchid": world.SubMerchant,
			"service_introduction": "停车", "post_payments": []object{{"name": "停车费", "amount": 4000}}, "total_amount": 4000,
			"time_range": object{"start_time": b.at(-2 * time.Hour), "end_time": b.at(-time.Hour)}, "notify_url": "https://example.com/notify", "openid": world.OpenID,
		}
	}
	b := newBench(t)
	b.want(b.call(http.MethodPost, orders+"/direct-complete", wechatpay.JSON(body(b))), "403 NO_AUTH 当前无权限进行此操作")

	b = newBench(t, func(w *world.World) {
		w.Merchants[0].Grants = append(w.Merchants[0].Grants, "payscore-direct-complete")
	})
	if err := b.Control().OpenService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	o := body(b)
	b.want(b.call(http.MethodPost, orders+"/direct-complete", wechatpay.JSON(o)), "204")
	b.want(b.call(http.MethodPost, orders+"/direct-complete", wechatpay.JSON(o)), "204")
	no := o["out_order_no"].(string)
	b.wantState(no, "DOING/MCH_COMPLETE")
	o["attach"] = "other"
	b.want(b.call(http.MethodPost, orders+"/direct-complete", wechatpay.JSON(o)), "400 PARAM_ERROR 订单重入参数校验失败")
	b.Advance(time.Minute)
	b.wantState(no, "DONE")
}
