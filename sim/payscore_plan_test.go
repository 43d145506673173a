package sim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// seller is who sells plans: a merchant for itself, or a service provider for a sub-merchant.
type seller struct {
	*bench
	partner bool
}

// bothSellers runs a test as a merchant and as a service provider.
func bothSellers(t *testing.T, test func(*testing.T, seller)) {
	t.Parallel()
	for name, partner := range map[string]bool{"a merchant": false, "a service provider": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, seller{newBench(t), partner})
		})
	}
}

// path is where this seller finds what a service provider finds under "partner/".
func (s seller) path(product, rest string) string {
	if s.partner {
		rest = "partner/" + rest
	}
	return "v3/payscore/" + product + rest
}

// body is a body of this seller with the changes: a nil takes a member out.
func (s seller) body(members, changes object) wechatpay.CallOption {
	all := maps.Clone(members)
	if s.partner {
		all["sub_mchid"] = world.SubMerchant
	}
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return wechatpay.JSON(all)
}

// get asks for what the path names.
func (s seller) get(path string, opts ...wechatpay.CallOption) answer {
	s.t.Helper()
	if s.partner {
		opts = append(opts, wechatpay.Query("sub_mchid", world.SubMerchant))
	}
	return s.call(http.MethodGet, path, opts...)
}

// newPlan is a plan of three lessons.
func newPlan() object {
	return object{
		"service_id": world.ServiceID, "appid": world.AppID, "merchant_plan_no": fmt.Sprintf("P%d", lastNo.Add(1)),
		"plan_name": "瑜伽课3节", "plan_duration": 30, "deduction_quantity": 3, "total_original_price": 1500, "total_actual_price": 1100,
		"plan_detail_list": []object{
			{"plan_detail_name": "第一节", "original_price": 500, "actual_price": 500},
			{"plan_detail_name": "第二节", "original_price": 500, "actual_price": 400, "plan_discount_description": "享受八折"},
			{"plan_detail_name": "第三节", "original_price": 500, "actual_price": 200, "plan_discount_description": "享受四折"},
		},
	}
}

func (s seller) createPlan(plan, changes object) answer {
	s.t.Helper()
	return s.call("POST", s.path("plan/", "payscore-plans"), s.body(plan, changes))
}

func (s seller) planCall(method, no, action string) answer {
	s.t.Helper()
	path := s.path("plan/", "payscore-plans/merchant-plan-no/{merchant_plan_no}"+action)
	if method == http.MethodGet {
		return s.get(path, wechatpay.Path("merchant_plan_no", no))
	}
	opts := []wechatpay.CallOption{wechatpay.Path("merchant_plan_no", no)}
	if s.partner {
		opts = append(opts, s.body(object{}, nil))
	}
	return s.call(method, path, opts...)
}

// newSignature is the wish for a signature of a plan.
func newSignature(planID string) object {
	no := fmt.Sprintf("S%d", lastNo.Add(1))
	var details []object
	for i := range 3 {
		details = append(details, object{"plan_detail_no": i + 1, "merchant_plan_detail_no": fmt.Sprintf("%s-%d", no, i+1)})
	}
	return object{
		"service_id": world.ServiceID, "appid": world.AppID, "plan_id": planID, "openid": world.OpenID,
		"merchant_sign_plan_no": no, "notify_url": "https://example.com/notify", "sign_plan_detail": details,
	}
}

func (s seller) askToSign(signature, changes object) answer {
	s.t.Helper()
	return s.call("POST", s.path("sign-plan/", "user-sign-plans"), s.body(signature, changes))
}

const signaturePath = "user-sign-plans/merchant-sign-plan-no/{merchant_sign_plan_no}"

func (s seller) signature(no string) object {
	s.t.Helper()
	a := s.get(s.path("sign-plan/", signaturePath), wechatpay.Path("merchant_sign_plan_no", no))
	if a.status != 200 {
		s.t.Fatalf("querying the signature: %v", a)
	}
	return a.body
}

func (s seller) stopSignature(no, reason string) answer {
	s.t.Helper()
	return s.call("POST", s.path("sign-plan/", signaturePath+"/stop"), wechatpay.Path("merchant_sign_plan_no", no), s.body(object{"stop_reason": reason}, nil))
}

// asked is a new plan whose signature was asked for: its number, and its ID.
func (s seller) asked(planChanges, changes object) (no, id string) {
	s.t.Helper()
	plan := s.createPlan(newPlan(), planChanges)
	if plan.status != 200 {
		s.t.Fatalf("creating a plan: %v", plan)
	}
	signature := newSignature(plan.body["plan_id"].(string))
	a := s.askToSign(signature, changes)
	if a.status != 200 {
		s.t.Fatalf("asking for a signature: %v", a)
	}
	return signature["merchant_sign_plan_no"].(string), a.body["sign_plan"].(object)["sign_plan_id"].(string)
}

// signed is a plan that the user signed.
func (s seller) signed(planChanges, changes object) (no, id string) {
	s.t.Helper()
	no, id = s.asked(planChanges, changes)
	if _, err := s.Control().SignPlan(s.t.Context(), control.SignPlan{MerchantSignPlanNo: no}); err != nil {
		s.t.Fatal(err)
	}
	return no, id
}

// detailOrder is the content of the order of a detail.
func detailOrder(no, id string, detail int) object {
	return object{
		"service_id": world.ServiceID, "appid": world.AppID, "sign_plan_id": id, "plan_detail_no": detail, "openid": world.OpenID,
		"notify_url": "https://example.com/notify", "service_introduction": "瑜伽课", "time_range": object{"start_time": "OnAccept"},
		"out_trade_no": fmt.Sprintf("%s-%d", no, detail),
	}
}

func (s seller) use(order, changes object) answer {
	s.t.Helper()
	return s.call("POST", s.path("sign-plan/", "serviceorder"), s.body(order, changes))
}

// act does what a merchant does with an order.
func (s seller) act(no, action string, members object) answer {
	s.t.Helper()
	all := object{"service_id": world.ServiceID}
	if !s.partner {
		all["appid"] = world.AppID
	}
	maps.Copy(all, members)
	return s.call("POST", s.path("", "serviceorder/{out_order_no}/"+action), wechatpay.Path("out_order_no", no), s.body(all, nil))
}

// success is how acts on orders are answered: a service provider gets no body.
func (s seller) success() string {
	if s.partner {
		return "204"
	}
	return "200"
}

// complete completes an order that was begun a while ago.
func (s seller) complete(no string, amount int) answer {
	s.t.Helper()
	s.Advance(10 * time.Minute)
	return s.act(no, "complete", object{"post_payments": []object{{"name": "课时费", "amount": amount}}, "total_amount": amount,
		"time_range": object{"end_time": s.at(-time.Minute)}})
}

// wantDetails compares the states of a signature's details.
func (s seller) wantDetails(no string, want ...string) {
	s.t.Helper()
	var got []string
	for _, d := range s.signature(no)["signed_detail_list"].([]any) {
		got = append(got, d.(object)["plan_detail_state"].(string))
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		s.t.Errorf("the details are %v, want %v", got, want)
	}
}

// wantMembers compares some members of a body.
func wantMembers(t *testing.T, body, want object) {
	t.Helper()
	for name, value := range want {
		if fmt.Sprint(body[name]) != fmt.Sprint(value) {
			t.Errorf("%s is %v, want %v", name, body[name], value)
		}
	}
}

// told is what notifications of a type told the merchant.
func (r *receiver) told(t *testing.T, eventType string) (told []object) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errs) > 0 {
		t.Error(errors.Join(r.errs...))
	}
	for _, n := range r.received {
		if n.EventType != eventType {
			continue
		}
		var o object
		if err := json.Unmarshal(n.Resource, &o); err != nil {
			t.Fatal(err)
		}
		told = append(told, o)
	}
	return told
}

func TestAPlanIsCreatedAndStopped(t *testing.T) {
	bothSellers(t, func(t *testing.T, s seller) {
		plan := newPlan()
		no := plan["merchant_plan_no"].(string)
		a := s.createPlan(plan, nil)
		s.want(a, "200")
		wantMembers(t, a.body, object{"mchid": world.ServiceProvider, "plan_state": "NORMAL", "merchant_plan_no": no, "deduction_quantity": 3, "stop_mchid": nil})
		if sub, ok := a.body["sub_mchid"]; ok != s.partner || ok && sub != world.SubMerchant {
			t.Errorf("the plan is of the sub-merchant %v", sub)
		}
		if id := a.body["plan_id"].(string); !regexp.MustCompile(`^\d{32}$`).MatchString(id) {
			t.Errorf("the plan_id is %s, want 32 digits", id)
		}
		for i, d := range a.body["plan_detail_list"].([]any) {
			if d.(object)["plan_detail_no"] != float64(i+1) {
				t.Errorf("detail %d has the number %v", i+1, d.(object)["plan_detail_no"])
			}
		}
		if again := s.createPlan(plan, nil); again.body["plan_id"] != a.body["plan_id"] {
			t.Error("creating again gives another plan")
		}
		s.want(s.createPlan(plan, object{"plan_name": "其他"}), "400 PARAM_ERROR 订单重入参数校验失败")
		if q := s.planCall("GET", no, ""); q.body["plan_id"] != a.body["plan_id"] {
			t.Errorf("the query answers %v %v", q, q.body)
		}
		stopped := s.planCall("POST", no, "/stop")
		wantMembers(t, stopped.body, object{"plan_state": "STOP", "stop_mchid": world.ServiceProvider})
		if at, _ := stopped.body["stop_time"].(string); !strings.HasSuffix(at, "+08:00") {
			t.Errorf("it was stopped at %q", at)
		}
		s.want(s.planCall("POST", no, "/stop"), "200")
		s.want(s.askToSign(newSignature(a.body["plan_id"].(string)), nil), "400 INVALID_REQUEST 支付分计划已停止")
	})
}

func TestOnlyItsCreatorKnowsAPlan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mine, theirs := seller{b, false}, seller{b, true}
	plan := newPlan()
	no := plan["merchant_plan_no"].(string)
	a := mine.createPlan(plan, nil)
	b.want(a, "200")
	b.want(theirs.planCall("GET", no, ""), "404 ORDER_NOT_EXIST")
	b.want(theirs.planCall("POST", no, "/stop"), "404 ORDER_NOT_EXIST")
	b.want(theirs.askToSign(newSignature(a.body["plan_id"].(string)), nil), "404 ORDER_NOT_EXIST")
	b.want(mine.planCall("GET", "none", ""), "404 ORDER_NOT_EXIST")
	signature, id := mine.signed(nil, nil)
	b.want(theirs.stopSignature(signature, "r"), "404 ORDER_NOT_EXIST")
	b.want(theirs.use(detailOrder(signature, id, 1), nil), "404 ORDER_NOT_EXIST")
}

func TestWhatAPlanRefuses(t *testing.T) {
	t.Parallel()
	details := func(prices ...int) object {
		var list []object
		original, actual := 0, 0
		for i := 0; i < len(prices); i += 2 {
			list = append(list, object{"plan_detail_name": "课", "original_price": prices[i], "actual_price": prices[i+1]})
			original, actual = original+prices[i], actual+prices[i+1]
		}
		return object{"plan_detail_list": list, "deduction_quantity": len(list), "total_original_price": original, "total_actual_price": actual}
	}
	with := func(base, changes object) object {
		maps.Copy(base, changes)
		return base
	}
	tests := map[string]struct {
		change object
		want   string
	}{
		"a name has at most 20 characters":                  {object{"plan_name": strings.Repeat("课", 21)}, "400 PARAM_ERROR 输入源“/body/plan_name”"},
		"there are as many deductions as details":           {object{"deduction_quantity": 4}, "400 PARAM_ERROR 支付分计划扣费次数与计划明细数量不一致"},
		"a detail costs no more than the one before":        {details(500, 400, 500, 401), "400 PARAM_ERROR 计划明细实际支付金额不能大于上一个计划明细的实际支付金额"},
		"a detail may cost as much as the one before":       {details(500, 400, 400, 400), "200"},
		"a detail costs no more than without the discount":  {details(500, 501), "400 PARAM_ERROR 计划明细原支付金额不能小于实际支付金额"},
		"the sum of the original prices is right":           {with(details(500, 400), object{"total_original_price": 501}), "400 PARAM_ERROR 支付分计划总金额与计划明细金额之和不一致"},
		"the sum of the prices is right":                    {with(details(500, 400), object{"total_actual_price": 401}), "400 PARAM_ERROR 支付分计划总金额与计划明细金额之和不一致"},
		"it lasts as long as the service allows":            {object{"plan_duration": 366}, "200"},
		"it lasts no longer than the service allows":        {object{"plan_duration": 367}, "400 PARAM_ERROR 支付分计划有效期超过服务规定的最大有效期"},
		"it lasts a day at least":                           {object{"plan_duration": 0}, "400 PARAM_ERROR"},
		"it has no more deductions than the service allows": {details(slices.Repeat([]int{1}, 202)...), "400 PARAM_ERROR 支付分计划扣费次数超过服务规定的最大扣费次数"},
		"there are details":                                 {object{"plan_detail_list": nil, "deduction_quantity": 0, "total_original_price": 0, "total_actual_price": 0}, "400 PARAM_ERROR"},
		"the service may be sold by plans":                  {object{"service_id": world.OverseaService}, "403 NO_AUTH 商户暂无权限使用此服务"},
		"a sub-merchant of nobody":                          {object{"sub_mchid": "1"}, "403 NO_AUTH mchid与sub_mchid之间Mma绑定关系不存在"},
	}
	b := newBench(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := seller{&bench{b.Gateway, b.client, t}, true}
			s.want(s.createPlan(newPlan(), tt.change), tt.want)
		})
	}
}

func TestAUserSignsAPlan(t *testing.T) {
	bothSellers(t, func(t *testing.T, s seller) {
		r := newReceiver(t, s.bench)
		plan := s.createPlan(newPlan(), nil)
		signature := newSignature(plan.body["plan_id"].(string))
		no := signature["merchant_sign_plan_no"].(string)
		a := s.askToSign(signature, object{"notify_url": r.URL})
		s.want(a, "200")
		if p, _ := a.body["package"].(string); p == "" || len(p) > 300 {
			t.Errorf("the package has %d characters, want 1 to 300", len(p))
		}
		wantMembers(t, a.body["sign_plan"].(object), object{
			"sign_state": "UNSIGNED", "cancel_sign_type": "NOT_CANCEL", "going_detail_no": 0, "openid": world.OpenID, "mchid": world.ServiceProvider,
			"merchant_callback_url": r.URL, "plan_id": plan.body["plan_id"], "plan_name": "瑜伽课3节", "total_origin_price": 1500, "total_actual_price": 1100,
		})
		state, err := s.Control().SignPlan(t.Context(), control.SignPlan{MerchantSignPlanNo: no})
		if err != nil || state.State != "SIGNED" || state.OpenID != world.OpenID {
			t.Fatalf("signing: %+v, %v", state, err)
		}
		if _, err := s.Control().SignPlan(t.Context(), control.SignPlan{MerchantSignPlanNo: no}); err == nil {
			t.Error("a plan was signed twice")
		}
		got := s.signature(no)
		wantMembers(t, got, object{"sign_state": "SIGNED", "sign_plan_id": a.body["sign_plan"].(object)["sign_plan_id"]})
		if sub, ok := got["sub_mchid"]; ok != s.partner || ok && sub != world.SubMerchant {
			t.Errorf("the signature is for the sub-merchant %v", sub)
		}
		over, err := time.Parse(time.RFC3339, got["plan_over_time"].(string))
		if err != nil {
			t.Fatal(err)
		}
		clock, _ := s.Control().Clock(t.Context())
		if left := over.Sub(clock.Business); left <= 29*24*time.Hour || left > 30*24*time.Hour || over.Format("150405") != "000000" {
			t.Errorf("a plan of 30 days is over at %v, %v from now", over, left)
		}
		s.wantDetails(no, "NOT_USED", "NOT_USED", "NOT_USED")
		s.Advance(0)
		told := r.told(t, "PAYSCORE.USER_SIGN_PLAN")
		if len(told) != 1 {
			t.Fatalf("told %v", told)
		}
		wantMembers(t, told[0], got)
	})
}

func TestWhatASignatureRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change object
		want   string
	}{
		"a plan that is not there":  {object{"plan_id": "none"}, "404 ORDER_NOT_EXIST"},
		"a plan of another service": {object{"service_id": world.GrantServiceID}, "404 ORDER_NOT_EXIST"},
		"no user":                   {object{"openid": nil}, "400 PARAM_ERROR openid和sub_openid必须且只能填写一个"},
		"two users":                 {object{"sub_openid": "o1", "sub_appid": world.SubAppID}, "400 PARAM_ERROR openid和sub_openid必须且只能填写一个"},
		"a user under a sub_appid that is not named":       {object{"openid": nil, "sub_openid": "o1"}, "400 PARAM_ERROR 填写sub_openid时，sub_appid必填"},
		"a user under the sub_appid":                       {object{"openid": nil, "sub_openid": "o1", "sub_appid": world.SubAppID}, "200"},
		"a number of 33 characters":                        {object{"merchant_sign_plan_no": strings.Repeat("1", 33)}, "400 PARAM_ERROR 输入源“/body/merchant_sign_plan_no”"},
		"fewer details than the plan has":                  {object{"sign_plan_detail": []object{{"plan_detail_no": 1, "merchant_plan_detail_no": "1"}}}, "400 PARAM_ERROR 签约计划明细数量与支付分计划不一致"},
		"details in another order":                         {object{"sign_plan_detail": []object{{"plan_detail_no": 2, "merchant_plan_detail_no": "1"}, {"plan_detail_no": 1, "merchant_plan_detail_no": "2"}, {"plan_detail_no": 3, "merchant_plan_detail_no": "3"}}}, "400 PARAM_ERROR 签约计划明细序号与支付分计划不一致"},
		"two details with one number":                      {object{"sign_plan_detail": []object{{"plan_detail_no": 1, "merchant_plan_detail_no": "1"}, {"plan_detail_no": 2, "merchant_plan_detail_no": "1"}, {"plan_detail_no": 3, "merchant_plan_detail_no": "3"}}}, "400 PARAM_ERROR 商户侧计划明细使用订单号不能重复"},
		"a notify_url with a query":                        {object{"notify_url": "https://example.com/?a=1"}, "400 PARAM_ERROR 输入源“/body/notify_url”"},
		"a service that may not be sold by plans":          {object{"service_id": world.OverseaService}, "403 NO_AUTH"},
		"a sub-merchant that did not ask for the plan too": {object{"sub_mchid": "1"}, "403 NO_AUTH"},
	}
	b := newBench(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := seller{&bench{b.Gateway, b.client, t}, true}
			plan := s.createPlan(newPlan(), nil)
			s.want(s.askToSign(newSignature(plan.body["plan_id"].(string)), tt.change), tt.want)
		})
	}
}

func TestAPackageForSigningIsGoodForAnHour(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	plan := newPlan()
	created := s.createPlan(plan, nil)
	signature := newSignature(created.body["plan_id"].(string))
	sign := func() error {
		_, err := s.Control().SignPlan(t.Context(), control.SignPlan{MerchantSignPlanNo: signature["merchant_sign_plan_no"].(string)})
		return err
	}
	first := s.askToSign(signature, nil)
	if again := s.askToSign(signature, nil); again.body["package"] != first.body["package"] {
		t.Error("asking again gives another package")
	}
	s.want(s.askToSign(signature, object{"openid": "o2"}), "400 PARAM_ERROR 订单重入参数校验失败")
	s.Advance(time.Hour)
	if err := sign(); err == nil || !strings.Contains(err.Error(), "package") {
		t.Errorf("signing after an hour: %v", err)
	}
	if again := s.askToSign(signature, nil); again.body["package"] == first.body["package"] {
		t.Error("asking again gives the package that is no longer good")
	}
	s.want(s.planCall("POST", plan["merchant_plan_no"].(string), "/stop"), "200")
	if err := sign(); err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("signing a plan that was stopped: %v", err)
	}
}

func TestAPlanIsUsedDetailByDetail(t *testing.T) {
	bothSellers(t, func(t *testing.T, s seller) {
		no, id := s.signed(nil, nil)
		order := func(detail int) object { return detailOrder(no, id, detail) }
		s.want(s.use(order(2), nil), "400 PARAM_ERROR 必须按照计划明细的序号依次创建服务订单")
		s.want(s.use(order(1), object{"out_trade_no": "other"}), "400 PARAM_ERROR 商户侧订单号与签约计划的商户侧计划明细使用订单号不一致")
		if s.partner {
			s.want(s.use(order(1), object{"sub_openid": world.OpenID}), "400 PARAM_ERROR openid和sub_openid只能填写一个")
			s.want(s.use(order(1), object{"openid": nil, "sub_openid": "o2"}), "400 PARAM_ERROR 用户标识与签约计划的用户不一致")
		}
		s.want(s.use(order(1), object{"openid": "o2"}), "400 PARAM_ERROR 用户标识与签约计划的用户不一致")
		s.want(s.use(order(1), object{"sign_plan_id": "none"}), "404 ORDER_NOT_EXIST")
		s.want(s.use(order(1), object{"service_id": world.GrantServiceID}), "404 ORDER_NOT_EXIST")
		s.want(s.use(order(1), object{"time_range": object{"start_time": "20200101"}}), "400 PARAM_ERROR 服务开始时间不能早于调用接口的时间")

		a := s.use(order(1), nil)
		s.want(a, "200")
		wantMembers(t, a.body, object{"state": "DOING", "state_description": "USER_CONFIRM", "out_order_no": no + "-1", "mchid": world.ServiceProvider,
			"package": nil, "risk_fund": object{"amount": 500}})
		if a.body["post_payments"].([]any)[0].(object)["amount"] != 500.0 {
			t.Errorf("the order is %v", a.body)
		}
		if start := a.body["time_range"].(object)["start_time"].(string); !regexp.MustCompile(`^\d{14}$`).MatchString(start) {
			t.Errorf("the order begins %s, want the moment of its creation", start)
		}
		s.want(s.use(order(1), nil), "200")
		s.want(s.use(order(1), object{"attach": "other"}), "400 PARAM_ERROR 订单重入参数校验失败")
		s.wantDetails(no, "USING", "NOT_USED", "NOT_USED")
		s.want(s.use(order(2), nil), "400 INVALID_REQUEST 上一个计划明细的订单未取消或未支付成功")
		s.want(s.stopSignature(no, "r"), "400 INVALID_REQUEST 存在未完成订单")

		s.want(s.complete(no+"-1", 501), "400 INVALID_REQUEST 总金额超过此服务的服务风险金额")
		s.want(s.complete(no+"-1", 450), s.success())
		s.want(s.use(order(2), nil), "400 INVALID_REQUEST 上一个计划明细的订单未取消或未支付成功")
		s.Advance(time.Minute) // the deduction
		s.wantDetails(no, "USED", "NOT_USED", "NOT_USED")
		d := s.signature(no)["signed_detail_list"].([]any)[0].(object)
		wantMembers(t, d, object{"actual_pay_price": 450, "order_id": a.body["order_id"], "cancel_time": ""})
		for _, name := range []string{"use_time", "complete_time"} {
			if _, err := time.Parse(time.RFC3339, d[name].(string)); err != nil {
				t.Error(err)
			}
		}

		a = s.use(order(2), nil)
		s.want(a, "200")
		if a.body["post_discounts"].([]any)[0].(object)["amount"] != 100.0 {
			t.Errorf("the order of a detail with a discount is %v", a.body)
		}
		s.want(s.act(no+"-2", "cancel", object{"reason": "r"}), s.success())
		s.wantDetails(no, "USED", "SIGN_PLAN_DETAIL_CANCEL", "NOT_USED")
		wantMembers(t, s.signature(no), object{"sign_state": "SIGNED", "going_detail_no": 2})

		s.want(s.use(order(3), nil), "200")
		s.want(s.complete(no+"-3", 0), s.success())
		s.wantDetails(no, "USED", "SIGN_PLAN_DETAIL_CANCEL", "USED")
		wantMembers(t, s.signature(no), object{"sign_state": "COMPLETE", "going_detail_no": 3})
		s.want(s.stopSignature(no, "r"), "400 INVALID_REQUEST 签约计划状态不合法")
	})
}

func TestADetailEndsWhereverItsOrderEnds(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	synced := object{"type": "Order_Paid", "detail": object{}}
	for name, end := range map[string]func(no string){
		"paid by the user": func(no string) {
			if _, err := s.Control().Pay(t.Context(), control.Order{OutOrderNo: no}); err != nil {
				t.Fatal(err)
			}
		},
		"paid elsewhere": func(no string) {
			synced["detail"] = object{"paid_time": s.at(0)}
			s.want(s.act(no, "sync", synced), "204")
		},
		"collected": func(no string) { s.want(s.act(no, "pay", nil), "204") },
		"lowered to nothing": func(no string) {
			s.want(s.act(no, "modify", object{"post_payments": []object{{"name": "课时费", "amount": 0}}, "total_amount": 0, "reason": "r"}), "204")
		},
	} {
		t.Run(name, func(t *testing.T) {
			no, id := s.signed(nil, nil)
			s.want(s.use(detailOrder(no, id, 1), nil), "200")
			s.want(s.complete(no+"-1", 500), "204")
			s.wantDetails(no, "USING", "NOT_USED", "NOT_USED")
			end(no + "-1")
			s.wantDetails(no, "USED", "NOT_USED", "NOT_USED")
		})
	}
}

func TestWhoCancelsASignature(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cancel func(s seller, no string) error
		by     string
		reason string
		told   int
	}{
		"the merchant": {func(s seller, no string) error {
			s.want(s.stopSignature(no, "用户协商后停止"), "200")
			s.want(s.stopSignature(no, "用户协商后停止"), "200")
			s.want(s.stopSignature(no, "其他"), "400 INVALID_REQUEST 签约计划状态不合法")
			return nil
		}, "MERCHANT", "用户协商后停止", 0},
		"the user": {func(s seller, no string) error {
			_, err := s.Control().CancelPlan(s.t.Context(), control.SignPlan{MerchantSignPlanNo: no, CancelReason: "不想去了"})
			return err
		}, "USER", "不想去了", 1},
		"the end of the grant": {func(s seller, no string) error {
			grant := control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}
			if err := s.Control().OpenService(s.t.Context(), grant); err != nil {
				return err
			}
			return s.Control().CloseService(s.t.Context(), grant)
		}, "REVOKE_SERVICE", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			bothSellers(t, func(t *testing.T, s seller) {
				r := newReceiver(t, s.bench)
				service := object{"service_id": world.GrantServiceID}
				no, id := s.signed(service, object{"service_id": world.GrantServiceID, "notify_url": r.URL})
				if err := tt.cancel(s, no); err != nil {
					t.Fatal(err)
				}
				got := s.signature(no)
				wantMembers(t, got, object{"sign_state": "SIGN_PLAN_CANCEL", "cancel_sign_type": tt.by, "cancel_reason": tt.reason})
				if _, err := time.Parse(time.RFC3339, got["cancel_sign_time"].(string)); err != nil {
					t.Error(err)
				}
				s.wantDetails(no, "NOT_USED", "NOT_USED", "NOT_USED")
				s.want(s.use(detailOrder(no, id, 1), service), "400 INVALID_REQUEST 签约计划状态不合法")
				if _, err := s.Control().CancelPlan(t.Context(), control.SignPlan{MerchantSignPlanNo: no}); err == nil {
					t.Error("a signature was cancelled twice")
				}
				s.Advance(0)
				told := r.told(t, "PAYSCORE.USER_CANCEL_SIGN_PLAN")
				if len(told) != tt.told {
					t.Fatalf("told %v, want %d", told, tt.told)
				}
				if tt.told > 0 {
					wantMembers(t, told[0], got)
				}
			})
		})
	}
}

func TestTheEndOfAGrantCancelsOnlyWhatWasSignedWithIt(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	service := object{"service_id": world.GrantServiceID}
	waiting, _ := s.asked(service, service)
	confirmed, _ := s.signed(nil, nil)
	others, _ := s.signed(service, object{"service_id": world.GrantServiceID, "openid": "o2"})
	own, _ := seller{s.bench, false}.signed(service, service)
	grant := control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}
	if err := s.Control().OpenService(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	s.want(s.call("POST", permissions+"/terminate", s.body(object{"service_id": world.GrantServiceID, "appid": world.AppID, "openid": world.OpenID, "reason": "r"}, nil)), "204")
	for no, state := range map[string]string{waiting: "UNSIGNED", confirmed: "SIGNED", others: "SIGNED"} {
		wantMembers(t, s.signature(no), object{"sign_state": state})
	}
	wantMembers(t, seller{s.bench, false}.signature(own), object{"sign_state": "SIGNED"})
}

func TestAUserUnderTheSubMerchantsAppid(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	user := object{"openid": nil, "sub_openid": "o1", "sub_appid": world.SubAppID}
	no, id := s.signed(nil, user)
	wantMembers(t, s.signature(no), object{"sub_openid": "o1", "openid": nil, "sub_appid": world.SubAppID})
	s.want(s.use(detailOrder(no, id, 1), user), "200")
}

func TestADetailCostsNoMoreThanItsPriceWhateverTheServiceMayCost(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	service := object{"service_id": world.GrantServiceID}
	no, id := s.signed(service, service)
	s.want(s.use(detailOrder(no, id, 1), service), "200")
	s.Advance(10 * time.Minute)
	s.want(s.act(no+"-1", "complete", object{"service_id": world.GrantServiceID, "post_payments": []object{{"name": "课时费", "amount": 501}}, "total_amount": 501,
		"time_range": object{"end_time": s.at(-time.Minute)}}), "400 INVALID_REQUEST 总金额超过此服务的服务风险金额")
}

func TestADetailThatCostsMoreThanTheServiceMayIsRefused(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t, func(w *world.World) { w.Services[0].Cap = 499 }), true}
	no, id := s.signed(nil, nil)
	s.want(s.use(detailOrder(no, id, 1), nil), "400 INVALID_REQUEST 创建订单的订单风险金额超过此服务的服务风险金额")
}

func TestAPlansOrdersCountAmongTheThreeInProgress(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	for range 3 {
		if _, err := s.Control().Confirm(t.Context(), control.Order{OutOrderNo: s.created(nil), OpenID: world.OpenID}); err != nil {
			t.Fatal(err)
		}
	}
	no, id := s.signed(nil, nil)
	s.want(s.use(detailOrder(no, id, 1), nil), "400 INVALID_REQUEST 同一实名身份下进行中订单过多")
	s.wantDetails(no, "NOT_USED", "NOT_USED", "NOT_USED")
}

func TestAUserWithAnOrderOfAPlanCannotCancelIt(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	no, id := s.signed(nil, nil)
	s.want(s.use(detailOrder(no, id, 1), nil), "200")
	if _, err := s.Control().CancelPlan(t.Context(), control.SignPlan{MerchantSignPlanNo: no}); err == nil || !strings.Contains(err.Error(), "存在未完成订单") {
		t.Errorf("cancelling: %v", err)
	}
}

func TestAPlanThatWasStoppedGoesOnForWhoSignedIt(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	plan := newPlan()
	no, id := s.signed(plan, nil)
	s.want(s.planCall("POST", plan["merchant_plan_no"].(string), "/stop"), "200")
	s.want(s.use(detailOrder(no, id, 1), nil), "200")
}

func TestAPlanExpires(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	no, id := s.signed(object{"plan_duration": 2}, nil)
	waiting, _ := s.asked(object{"plan_duration": 2}, nil)
	s.want(s.use(detailOrder(no, id, 1), nil), "200")
	over, err := time.Parse(time.RFC3339, s.signature(no)["plan_over_time"].(string))
	if err != nil {
		t.Fatal(err)
	}
	clock, _ := s.Control().Clock(t.Context())
	s.Advance(over.Sub(clock.Business) - 30*time.Second)
	wantMembers(t, s.signature(no), object{"sign_state": "SIGNED"})
	s.Advance(time.Minute)
	wantMembers(t, s.signature(no), object{"sign_state": "EXPIRE"})
	wantMembers(t, s.signature(waiting), object{"sign_state": "EXPIRE"})
	s.want(s.use(detailOrder(no, id, 2), nil), "400 INVALID_REQUEST 签约计划状态不合法")
	s.want(s.act(no+"-1", "cancel", object{"reason": "r"}), "204")
	s.wantDetails(no, "SIGN_PLAN_DETAIL_CANCEL", "NOT_USED", "NOT_USED")
	wantMembers(t, s.signature(no), object{"sign_state": "EXPIRE"})
}

func TestThePlansTimeBeginsWithTheSignature(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	signature := newSignature(s.createPlan(newPlan(), nil).body["plan_id"].(string))
	no := signature["merchant_sign_plan_no"].(string)
	s.want(s.askToSign(signature, nil), "200")
	before := s.signature(no)["plan_over_time"].(string)
	s.Advance(24 * time.Hour)
	s.want(s.askToSign(signature, nil), "200")
	if _, err := s.Control().SignPlan(t.Context(), control.SignPlan{MerchantSignPlanNo: no}); err != nil {
		t.Fatal(err)
	}
	if after := s.signature(no)["plan_over_time"].(string); after <= before {
		t.Errorf("a plan that was signed a day later is over at %s, and not later than %s", after, before)
	}
}

func TestAPlanThatExpiredIsNotComplete(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	a := s.createPlan(newPlan(), object{"deduction_quantity": 1, "total_original_price": 500, "total_actual_price": 500,
		"plan_detail_list": []object{{"plan_detail_name": "课", "original_price": 500, "actual_price": 500}}})
	signature := newSignature(a.body["plan_id"].(string))
	signature["sign_plan_detail"] = signature["sign_plan_detail"].([]object)[:1]
	no := signature["merchant_sign_plan_no"].(string)
	id := s.askToSign(signature, nil).body["sign_plan"].(object)["sign_plan_id"].(string)
	if _, err := s.Control().SignPlan(t.Context(), control.SignPlan{MerchantSignPlanNo: no}); err != nil {
		t.Fatal(err)
	}
	s.want(s.use(detailOrder(no, id, 1), nil), "200")
	s.Advance(31 * 24 * time.Hour)
	s.want(s.complete(no+"-1", 500), "204")
	s.Advance(time.Minute)
	s.wantDetails(no, "USED")
	wantMembers(t, s.signature(no), object{"sign_state": "EXPIRE"})
}

func TestASignatureIsNotifiedEveryMinute(t *testing.T) {
	t.Parallel()
	s := seller{newBench(t), true}
	r := newReceiver(t, s.bench)
	r.refuse(100)
	s.signed(nil, object{"notify_url": r.URL})
	s.Advance(time.Hour)
	n := s.Notifications()[0]
	if len(n.Attempts) != 12 || n.Delivered || !n.Next.IsZero() {
		t.Fatalf("after an hour: %d attempts, %+v", len(n.Attempts), n)
	}
	for i := range n.Attempts {
		if got := n.Attempts[i].At.Sub(n.CreateTime).Round(time.Second); got != time.Duration(i)*time.Minute {
			t.Errorf("attempt %d came after %v", i+1, got)
		}
	}
}

func TestAJournalBringsPlansBack(t *testing.T) {
	t.Parallel()
	journal := new(memory)
	w := simtest.World(t)
	start := func() seller {
		g := simtest.StartWith(t, sim.Config{World: w, Journal: journal})
		return seller{&bench{g, g.Client(), t}, true}
	}
	first := start()
	no, id := first.signed(nil, nil)
	first.want(first.use(detailOrder(no, id, 1), nil), "200")
	want := first.signature(no)

	second := start()
	wantMembers(t, second.signature(no), want)
	second.want(second.use(detailOrder(no, id, 1), nil), "200")
	journal.fail(true)
	second.want(second.act(no+"-1", "cancel", object{"reason": "r"}), "500 SYSTEM_ERROR")
	second.wantDetails(no, "USING", "NOT_USED", "NOT_USED")
	journal.fail(false)
	second.want(second.act(no+"-1", "cancel", object{"reason": "r"}), "204")
	second.want(second.use(detailOrder(no, id, 2), nil), "200")
	second.Advance(31 * 24 * time.Hour)
	wantMembers(t, second.signature(no), object{"sign_state": "EXPIRE"})
}
