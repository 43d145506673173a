package sim_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// These tests are the rows of the domain notes on Pay Score that no other test is about, in the
// order of the notes.

// role is a way to call Pay Score, with what its calls name.
type role struct {
	*bench
	name   string
	orders string // path of its orders
	ids    object // of acts on an order
	query  object // of queries
}

// roles are the four ways to call.
func (b *bench) roles() []role {
	partner := object{"service_id": world.ServiceID, "sub_mchid": world.SubMerchant}
	merchant := object{"service_id": world.ServiceID, "appid": world.AppID}
	bank := object{"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "channel_id": world.ChannelID}
	oversea := object{"service_id": world.OverseaService, "sub_mchid": world.SubMerchant}
	return []role{
		{b, "a service provider", "v3/payscore/partner/serviceorder", partner, partner},
		{b, "a merchant", "v3/payscore/serviceorder", merchant, merchant},
		{b, "an acquiring institution", "v3/payscore/acquiringbank/serviceorder", bank, bank},
		{b, "an overseas institution", "v3/payscore/oversea/partner/serviceorder", oversea, oversea},
	}
}

// eachRole runs a test for each way to call, each with its own gateway.
func eachRole(t *testing.T, test func(*testing.T, role)) {
	t.Parallel()
	for i, name := range []string{"a service provider", "a merchant", "an acquiring institution", "an overseas institution"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBench(t).roles()[i])
		})
	}
}

// order is the content of a new order of this role, with the changes.
func (r role) order(changes object) object {
	o := newOrder(changes)
	delete(o, "sub_mchid")
	maps.Copy(o, r.ids)
	if r.ids["service_id"] == world.OverseaService {
		o["currency"] = "HKD"
	}
	return o
}

func (r role) post(no, action string, members object) answer {
	r.t.Helper()
	body := maps.Clone(r.ids)
	maps.Copy(body, members)
	return r.call(http.MethodPost, r.orders+"/{out_order_no}/"+action, wechatpay.Path("out_order_no", no), wechatpay.JSON(body))
}

func (r role) get(no string) answer {
	r.t.Helper()
	opts := []wechatpay.CallOption{wechatpay.Query("out_order_no", no)}
	for name, value := range r.query {
		opts = append(opts, wechatpay.Query(name, value.(string)))
	}
	return r.call(http.MethodGet, r.orders, opts...)
}

// confirmed is the number of a new order of this role that its user confirmed an hour ago.
func (r role) confirmed(changes object) string {
	r.t.Helper()
	o := r.order(changes)
	no := o["out_order_no"].(string)
	r.want(r.call(http.MethodPost, r.orders, wechatpay.JSON(o)), "200")
	r.Confirm(no)
	r.Advance(time.Hour)
	return no
}

// completion is one that is good after [role.confirmed].
func (r role) completion(amount int) object {
	return object{
		"post_payments": []object{{"name": "租金", "amount": amount}}, "total_amount": amount,
		"time_range": object{"start_time": r.at(-30 * time.Minute), "end_time": r.at(-time.Minute)},
	}
}

func lowered(amount int) object {
	return object{"post_payments": []object{{"name": "租金", "amount": amount}}, "total_amount": amount, "reason": "r"}
}

func (r role) paidElsewhere() object {
	return object{"type": "Order_Paid", "detail": object{"paid_time": r.at(0)}}
}

// wantExactly compares the names of an object's members with those that are listed.
func wantExactly(t *testing.T, what string, o object, want string) {
	t.Helper()
	got := slices.Sorted(maps.Keys(o))
	wanted := strings.Fields(want)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		t.Errorf("%s has %s\n    want %s", what, strings.Join(got, " "), strings.Join(wanted, " "))
	}
}

// ending is the number at the end of a refusal's Request-ID.
func (a answer) ending() string {
	if a.err == nil {
		return ""
	}
	return a.err.RequestID[strings.LastIndexByte(a.err.RequestID, '-')+1:]
}

// §1

// TestWhatSuccessIsForEachRole is the matrix of calls: what they answer, and which are not there.
func TestWhatSuccessIsForEachRole(t *testing.T) {
	want := map[string]string{
		"a service provider":       "create 200, send-pendingmessage 204, send-prepaidmessage 204, complete 204, modify 204, sync 204, query 200, cancel 204, pay 204, on delivery 200",
		"a merchant":               "create 200, send-pendingmessage 204, send-prepaidmessage 204, complete 200, modify 200, sync 200, query 200, cancel 200, pay 200, on delivery 200",
		"an acquiring institution": "create 200, send-pendingmessage 404, send-prepaidmessage 404, complete 204, modify 204, sync 204, query 200, cancel 204, pay 404, on delivery 200",
		"an overseas institution":  "create 200, send-pendingmessage 404, send-prepaidmessage 404, complete 204, modify 404, sync 204, query 200, cancel 204, pay 404, on delivery 404",
	}
	eachRole(t, func(t *testing.T, r role) {
		var got []string
		seen := func(what string, a answer) {
			got = append(got, what+" "+a.String())
			if body := len(a.res.Body) > 0; body != (a.status == 200) {
				t.Errorf("%s answers %d with the body %s", what, a.status, a.res.Body)
			}
		}
		o := r.order(nil)
		no := o["out_order_no"].(string)
		seen("create", r.call("POST", r.orders, wechatpay.JSON(o)))
		r.Confirm(no)
		r.Advance(time.Hour)
		message := maps.Clone(r.ids)
		maps.Copy(message, object{"post_payments": []object{{"name": "租金", "amount": 100}}, "total_amount": 100, "prepaid_time": "20261126"})
		delete(message, "appid") // of messages only
		for _, kind := range []string{"send-pendingmessage", "send-prepaidmessage"} {
			seen(kind, r.call("POST", r.orders+"/{out_order_no}/"+kind, wechatpay.Path("out_order_no", no), wechatpay.JSON(message)))
		}
		seen("complete", r.post(no, "complete", r.completion(4000)))
		seen("modify", r.post(no, "modify", lowered(3000)))
		seen("sync", r.post(no, "sync", r.paidElsewhere()))
		seen("query", r.get(no))
		seen("cancel", r.post(r.confirmed(nil), "cancel", object{"reason": "r"}))
		no = r.confirmed(nil)
		r.post(no, "complete", r.completion(4000))
		seen("pay", r.post(no, "pay", nil))
		shopping := object{
			"goods":     []object{{"name": "鞋", "picture": "https://example.com/1.jpg", "amount": 4000, "count": 1}},
			"jump_link": object{"jump_link_type": "JUMP_LINK_MINI_PROGRAM", "appid": world.AppID, "path": "pages/order"},
		}
		seen("on delivery", r.call("POST", strings.TrimSuffix(r.orders, "serviceorder")+"servicepayondeliveryorder", wechatpay.JSON(r.order(object{"shopping_info": shopping}))))
		if got := strings.ReplaceAll(strings.Join(got, ", "), "404  ", "404"); got != want[r.name] {
			t.Errorf("answered %s\n    want %s", got, want[r.name])
		}
	})
}

func TestAnEnjoyFirstServiceMayBeConfirmedOrderByOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(w *world.World) { w.Services[0].Enjoy = true })
	b.want(b.create(newOrder(nil)), "400 PARAM_ERROR 风险金名称与此服务的模式不匹配")
	no := b.confirmed(object{"risk_fund": object{"name": "ESTIMATE_ORDER_COST", "amount": 1}})
	b.Advance(time.Hour)
	b.want(b.act(no, "complete", b.completion(20001, nil)), "400 INVALID_REQUEST 总金额超过此服务的服务风险金额")
	b.want(b.act(no, "complete", b.completion(20000, nil)), "204")
	other := b.created(object{"risk_fund": object{"name": "ESTIMATE_ORDER_COST", "amount": 1}})
	if _, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: other, Deposit: true}); err == nil || !strings.Contains(err.Error(), "先享模式") {
		t.Errorf("a deposit where none is taken: %v", err)
	}
}

// §2

func TestTheNumberOfThePathIsNotRepeatedInTheBody(t *testing.T) {
	eachRole(t, func(t *testing.T, r role) {
		for _, action := range []string{"cancel", "complete", "sync"} {
			members := object{"out_order_no": "1"}
			r.want(r.post("1", action, members), "400 PARAM_ERROR 无法将输入源“/body/out_order_no”映射到目标字段“商户服务订单号”中，此字段并非多重字段但被输入源“/uri_template/out_order_no”映射过了。")
		}
	})
}

func TestTheOrderOfTheChecks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	long := strings.Repeat("因", 51)
	nobody := object{"sub_mchid": "1"}
	b.want(b.cancel("none", object{"sub_mchid": "1", "reason": long}), "400 PARAM_ERROR 输入源“/body/reason”")
	b.want(b.cancel("none", object{"sub_mchid": "1", "reason": "r"}), "403 NO_AUTH")
	b.want(b.act("none", "complete", b.completion(99999, nobody)), "403 NO_AUTH")
	b.want(b.act("none", "complete", b.completion(99999, nil)), "404 ORDER_NOT_EXIST")
	b.want(b.act(no, "complete", b.completion(99999, nil)), "400 PARAM_ERROR 订单重入参数校验失败")
	b.want(b.act(b.created(nil), "complete", b.completion(99999, nil)), "400 INVALID_REQUEST 当前订单状态不合法")
	o := newOrder(nil)
	b.want(b.create(o), "200")
	o["risk_fund"] = object{"name": "DEPOSIT", "amount": 99999}
	b.want(b.create(o), "400 PARAM_ERROR 订单重入参数校验失败")
	o["sub_mchid"] = "1"
	b.want(b.create(o), "403 NO_AUTH")
	o["appid"] = nil
	b.want(b.create(o), "400 PARAM_ERROR 无法将 JSON 输入源“/body/appid”")
}

func TestTheItemsOfAnAuthorizationComeInAnyOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	res := b.send(raw{method: "GET", target: queryTarget, header: func(h http.Header) {
		scheme, items, _ := strings.Cut(h.Get("Authorization"), " ")
		list := strings.Split(items, ",")
		slices.Reverse(list)
		h.Set("Authorization", scheme+" "+strings.Join(list, ","))
	}})
	if got := read(t, res); !strings.HasPrefix(got, "404") {
		t.Errorf("answered %s", got)
	}
}

// §3

// TestWhoMayAct is what identities are refused with after the creation: the same as at it.
func TestWhoMayAct(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*world.World)
		want   string
	}{
		"a sub-merchant of nobody":                    {func(w *world.World) { w.Merchants[1].Parents = nil }, "403 NO_AUTH mchid与sub_mchid之间Mma绑定关系不存在"},
		"a sub-merchant that did not grant Pay Score": {func(w *world.World) { w.Merchants[1].Grants = nil }, "403 NO_AUTH 请检查sub_mchid是否授权mchid微信支付分产品权限"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tt.change)
			r := b.roles()[0]
			for action, members := range map[string]object{
				"cancel": {"reason": "r"}, "complete": r.completion(1), "modify": lowered(1), "pay": nil, "sync": r.paidElsewhere(),
			} {
				b.want(r.post("1", action, members), tt.want)
			}
			b.want(b.query("1"), tt.want)
			b.want(b.call("POST", permissions, wechatpay.JSON(permission("C1", nil))), tt.want)
		})
	}
	b := newBench(t)
	b.want(b.call("POST", permissions, wechatpay.JSON(permission("C1", object{"sub_appid": "wx0"}))), "403 NO_AUTH sub_mchid与sub_appid之间Mma绑定关系不存在")
	b.want(b.create(newOrder(object{"service_id": "A"})), "403 NO_AUTH 商户暂无权限使用此服务")
}

// §4

func TestIdentifiersHaveTheObservedForm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	toNoon(b)
	today := b.at(0)[:8]
	a := b.create(newOrder(nil))
	if id := a.body["order_id"].(string); !regexp.MustCompile(`^1000000000` + today + `\d{13}$`).MatchString(id) {
		t.Errorf("the order_id is %s, want 31 digits: 1000000000, the day, and 13 more", id)
	}
	no := b.completed(100, nil)
	b.Advance(time.Minute)
	detail := b.query(no).body["collection"].(object)["details"].([]any)[0].(object)
	if id := detail["transaction_id"].(string); !regexp.MustCompile(`^42\d{26}$`).MatchString(id) {
		t.Errorf("the transaction_id is %s, want 28 digits", id)
	}
}

func TestWhatIsEchoedIsWhatWasAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(object{
		"post_payments":  []object{{"name": "租金", "amount": 100, "description": "每小时", "count": 2}},
		"post_discounts": []object{{"name": "减", "description": "满减", "amount": 10, "count": 1}},
		"risk_fund":      object{"name": "DEPOSIT", "amount": 100, "description": "押金"},
		"time_range":     object{"start_time": b.at(time.Hour), "start_time_remark": "起", "end_time": b.at(2 * time.Hour), "end_time_remark": "止"},
		"location":       object{"start_location": "客村", "end_location": "体育西"},
		"attach":         "a%3D1", "sub_appid": world.SubAppID,
	})
	a := b.create(o)
	for _, body := range []object{a.body, b.query(o["out_order_no"].(string)).body} {
		for name, want := range o {
			if mustJSON(body[name]) != mustJSON(want) {
				t.Errorf("%s is %s, want %s", name, mustJSON(body[name]), mustJSON(want))
			}
		}
	}
}

// TestWhatItemsMayBeWhereverTheyAre is the rules about items between fields, in every call that has
// them.
func TestWhatItemsMayBeWhereverTheyAre(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		payments, discounts []object
		want                string
	}{
		"two items of one name":                   {[]object{{"name": "a", "amount": 50}, {"name": "a", "amount": 50}}, nil, "400 PARAM_ERROR 后付费项目名称不能重复"},
		"an item with a name and nothing else":    {[]object{{"name": "a"}, {"amount": 100}}, nil, "400 PARAM_ERROR 后付费项目的金额和计费说明至少填写一个"},
		"two discounts of one name":               {[]object{{"amount": 102}}, []object{{"name": "a", "description": "a", "amount": 1}, {"name": "a", "description": "b", "amount": 1}}, "400 PARAM_ERROR 后付费商户优惠名称不能重复"},
		"a discount with a name only":             {[]object{{"amount": 101}}, []object{{"name": "a", "amount": 1}}, "400 PARAM_ERROR 后付费商户优惠的名称和说明必须同时填写"},
		"a discount with a description only":      {[]object{{"amount": 101}}, []object{{"description": "a", "amount": 1}}, "400 PARAM_ERROR 后付费商户优惠的名称和说明必须同时填写"},
		"goods may have one name":                 {[]object{{"name": "商品信息", "amount": 50}, {"name": "商品信息", "amount": 50}}, nil, ""},
		"items may have no name":                  {[]object{{"amount": 50}, {"amount": 50}}, nil, ""},
		"an item may have a description only":     {[]object{{"name": "a", "description": "d"}, {"amount": 100}}, nil, ""},
		"discounts may have no name":              {[]object{{"amount": 103}}, []object{{"amount": 1}, {"amount": 2}}, ""},
		"an item and a discount may share a name": {[]object{{"name": "a", "amount": 101}}, []object{{"name": "a", "description": "d", "amount": 1}}, ""},
	}
	b := newBench(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			items := object{"post_payments": tt.payments, "post_discounts": tt.discounts}
			if tt.discounts == nil {
				delete(items, "post_discounts")
			}
			want := func(good string) string {
				if tt.want == "" {
					return good
				}
				return tt.want
			}
			b.want(b.create(newOrder(items)), want("200"))
			no := b.confirmed(nil)
			b.Advance(time.Hour)
			b.want(b.act(no, "send-pendingmessage", object{"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "total_amount": 100, "prepaid_time": "20261126",
				"post_payments": items["post_payments"], "post_discounts": cmpOr(tt.discounts)}), want("204"))
			b.want(b.act(no, "complete", b.completion(100, items)), want("204"))
			paying := b.completed(101, nil)
			b.want(b.act(paying, "modify", b.modification(100, items)), want("204"))
			if tt.want == "" && mustJSON(b.query(paying).body["post_payments"]) != mustJSON(tt.payments) {
				t.Errorf("the items are %v", b.query(paying).body["post_payments"])
			}
			b.cancel(no, cancelBody("r"))
			b.cancel(paying, cancelBody("r"))
		})
	}
}

// cmpOr is the discounts, or an empty list.
func cmpOr(discounts []object) []object {
	if discounts == nil {
		return []object{}
	}
	return discounts
}

func TestTheCapIsThatOfTheService(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(w *world.World) { w.Services[0].Cap = 500 })
	risk := func(amount int) object {
		return object{"risk_fund": object{"name": "DEPOSIT", "amount": amount}}
	}
	b.want(b.create(newOrder(risk(501))), "400 INVALID_REQUEST 创建订单的订单风险金额超过此服务的服务风险金额")
	no := b.confirmed(risk(500))
	b.Advance(time.Hour)
	b.want(b.act(no, "complete", b.completion(501, nil)), "400 INVALID_REQUEST 总金额超过此服务的服务风险金额")
	b.want(b.act(no, "complete", b.completion(500, nil)), "204")
}

func TestOnlyMerchantsHaveToSayWhenTheServiceBegins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.roles()
	none := object{"time_range": object{}}
	b.want(b.call("POST", r[0].orders, wechatpay.JSON(r[0].order(none))), "200")
	b.want(b.call("POST", r[1].orders, wechatpay.JSON(r[1].order(none))), "400 PARAM_ERROR 输入源“/body/time_range/start_time”映射到字段“服务开始时间”必填性规则校验失败")
	b.want(b.create(newOrder(object{"time_range": object{"start_time_remark": "a"}})), "400 PARAM_ERROR 服务时间备注仅在填写服务时间时可填写")
	b.want(b.create(newOrder(object{"time_range": object{"start_time": "OnAccept", "start_time_remark": "a", "end_time": b.at(time.Hour), "end_time_remark": "b"}})), "200")
}

// TestWhenAServiceMayHaveBegunAndEnded is the rules about the time of a completion.
func TestWhenAServiceMayHaveBegunAndEnded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		created   func(b *bench) object // an hour before the completion
		completed func(b *bench) object
		want      string
	}{
		"an end that was planned need not be said again": {
			func(b *bench) object { return object{"start_time": "OnAccept", "end_time": b.at(30 * time.Minute)} },
			func(*bench) object { return nil }, "204"},
		"an end need be said where none was planned": {
			func(*bench) object { return object{"start_time": "OnAccept"} },
			func(*bench) object { return nil }, "400 PARAM_ERROR 创建订单未填写服务结束时间,则结束时间必填"},
		"an end is said in place of that which was planned": {
			func(b *bench) object { return object{"start_time": "OnAccept", "end_time": b.at(30 * time.Minute)} },
			func(b *bench) object { return object{"end_time": b.at(-time.Minute)} }, "204"},
		"an end in the second of the start is none": {
			func(*bench) object { return object{"start_time": "OnAccept"} },
			func(b *bench) object {
				return object{"start_time": b.at(-30 * time.Minute), "end_time": b.at(-30 * time.Minute)}
			}, "400 PARAM_ERROR 真实结束时间小于预计开始时间"},
		"an end before the start that was planned": {
			func(b *bench) object { return object{"start_time": b.at(20 * time.Minute)} },
			func(b *bench) object { return object{"end_time": b.at(-50 * time.Minute)} }, "400 PARAM_ERROR 真实结束时间小于预计开始时间"},
		"an end now": {
			func(*bench) object { return object{"start_time": "OnAccept"} },
			func(b *bench) object { return object{"end_time": b.at(0)} }, "204"},
		"a start before the order": {
			func(*bench) object { return object{"start_time": "OnAccept"} },
			func(b *bench) object {
				return object{"start_time": b.at(-2 * time.Hour), "end_time": b.at(-time.Minute)}
			}, "400 PARAM_ERROR 实际开始时间不能早于创建订单的时间"},
		"a start after now": {
			func(*bench) object { return object{"start_time": "OnAccept"} },
			func(b *bench) object { return object{"start_time": b.at(time.Hour), "end_time": b.at(-time.Minute)} }, "400 PARAM_ERROR 实际开始时间不能晚于使用完结接口的时间"},
		"days where the order has days": {
			func(b *bench) object { return object{"start_time": b.at(0)[:8]} },
			func(b *bench) object { return object{"start_time": b.at(0)[:8], "end_time": b.at(0)[:8]} }, "204"},
		"a second for the end where the order has days": {
			func(b *bench) object { return object{"start_time": b.at(0)[:8]} },
			func(b *bench) object { return object{"end_time": b.at(-time.Minute)} }, "400 PARAM_ERROR 服务结束时间的格式与创建订单时不一致"},
		"a second for the start where the order has days": {
			func(b *bench) object { return object{"start_time": b.at(0)[:8]} },
			func(b *bench) object {
				return object{"start_time": b.at(-time.Minute), "end_time": b.at(0)[:8]}
			}, "400 PARAM_ERROR 服务开始时间的格式与创建订单时不一致"},
		"a day for the start where the order has seconds": {
			func(*bench) object { return object{"start_time": "OnAccept"} },
			func(b *bench) object {
				return object{"start_time": b.at(0)[:8], "end_time": b.at(-time.Minute)}
			}, "400 PARAM_ERROR 服务开始时间的格式与创建订单时不一致"},
		"tomorrow": {
			func(b *bench) object { return object{"start_time": b.at(0)[:8]} },
			func(b *bench) object { return object{"end_time": b.at(24 * time.Hour)[:8]} }, "400 PARAM_ERROR 实际结束时间不能晚于使用完结接口的时间"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			toNoon(b)
			no := b.confirmed(object{"time_range": tt.created(b)})
			b.Advance(time.Hour)
			r := tt.completed(b)
			var change any = r
			if r == nil {
				change = nil
			}
			b.want(b.act(no, "complete", b.completion(1, object{"time_range": change})), tt.want)
		})
	}
}

// toNoon moves the clock to the next noon, so that no test comes upon midnight.
func toNoon(b *bench) {
	b.t.Helper()
	c, err := b.Control().Clock(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	y, m, d := c.Business.Date()
	noon := time.Date(y, m, d+1, 12, 0, 0, 0, c.Business.Location())
	b.Advance(noon.Sub(c.Business))
}

func TestAnEndLocationNeedsTheStartLocationOfTheOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	end := object{"location": object{"end_location": "体育西"}}
	no := b.confirmed(nil)
	b.Advance(time.Hour)
	b.want(b.act(no, "complete", b.completion(1, end)), "400 PARAM_ERROR 创建订单未填写服务开始地点时，不可填写服务结束地点")
	no = b.confirmed(object{"location": object{"start_location": "客村"}})
	b.Advance(time.Hour)
	b.want(b.act(no, "complete", b.completion(1, end)), "204")
	wantMembers(t, b.query(no).body["location"].(object), object{"start_location": "客村", "end_location": "体育西"})
}

// §5

func TestWhatEachStateShows(t *testing.T) {
	const order = "appid mchid out_order_no service_id service_introduction state risk_fund time_range notify_url order_id "
	ids := map[string]string{"a service provider": "sub_mchid ", "a merchant": "", "an acquiring institution": "sub_mchid channel_id ", "an overseas institution": "sub_mchid currency "}
	eachRole(t, func(t *testing.T, r role) {
		base := order + ids[r.name]
		shows := func(no, state, description, more string) {
			t.Helper()
			a := r.get(no)
			wantMembers(t, a.body, object{"state": state, "mchid": world.ServiceProvider})
			if got, _ := a.body["state_description"].(string); got != description {
				t.Errorf("%s has the description %q, want %q", state, got, description)
			}
			wantExactly(t, "an order that is "+state, a.body, base+more)
		}
		o := r.order(nil)
		no := o["out_order_no"].(string)
		a := r.call("POST", r.orders, wechatpay.JSON(o))
		wantExactly(t, "the answer to its creation", a.body, base+"package")
		shows(no, "CREATED", "", "")
		r.Confirm(no)
		shows(no, "DOING", "USER_CONFIRM", "state_description openid")
		r.Advance(time.Hour)
		r.post(no, "complete", r.completion(4000))
		const money = " post_payments total_amount need_collection collection"
		shows(no, "DOING", "MCH_COMPLETE", "state_description openid"+money)
		wantMembers(t, r.get(no).body["collection"].(object), object{"state": "USER_PAYING", "total_amount": 4000, "paying_amount": 4000, "paid_amount": 0, "details": nil})
		r.post(no, "sync", r.paidElsewhere())
		shows(no, "DONE", "", "openid"+money)
		collection := r.get(no).body["collection"].(object)
		wantMembers(t, collection, object{"state": "USER_PAID", "total_amount": 4000, "paying_amount": 0, "paid_amount": 4000})
		wantExactly(t, "money that came elsewhere", collection["details"].([]any)[0].(object), "seq amount paid_type paid_time")
		no = r.confirmed(nil)
		r.post(no, "complete", r.completion(0))
		shows(no, "DONE", "", "openid post_payments total_amount")
		no = r.confirmed(nil)
		r.post(no, "cancel", object{"reason": "r"})
		shows(no, "REVOKED", "", "openid")
		o = r.order(nil)
		r.want(r.call("POST", r.orders, wechatpay.JSON(o)), "200")
		r.Advance(30 * 24 * time.Hour)
		shows(o["out_order_no"].(string), "EXPIRED", "", "")
	})
}

// TestWhatHasEndedStaysAsItIs is every call on every order that has ended, in both profiles.
func TestWhatHasEndedStaysAsItIs(t *testing.T) {
	t.Parallel()
	const (
		other     = "订单重入参数校验失败"
		cancel    = "当前订单状态不满足撤销条件"
		complete  = "当前订单状态不合法"
		notPaying = "仅服务订单支付状态为待支付时，才可使用此能力"
	)
	type refusals map[string][2]string // of each call: as observed, as documented
	late := func(cancelled, completed, synced [2]string) refusals {
		paying := [2]string{"INVALID_REQUEST " + notPaying, "INVALID_ORDER_STATE " + notPaying}
		return refusals{"cancel": cancelled, "complete": completed, "sync": synced, "modify": paying, "pay": paying}
	}
	otherContent := [2]string{"PARAM_ERROR " + other, "INVALID_REQUEST " + other}
	notPaid := [2]string{"INVALID_REQUEST " + notPaying, "INVALID_ORDER_STATE " + notPaying}
	done := [2]string{"PARAM_ERROR " + cancel, "ORDER_DONE " + cancel}
	tests := map[string]struct {
		end   func(b *bench) string
		state string
		want  refusals
	}{
		"paid by deduction": {func(b *bench) string {
			no := b.completed(4000, nil)
			b.Advance(time.Minute)
			return no
		}, "DONE", late(done, otherContent, notPaid)},
		"paid elsewhere": {func(b *bench) string {
			no := b.completed(4000, nil)
			b.act(no, "sync", b.synchronised(nil))
			b.Advance(time.Minute)
			return no
		}, "DONE", late(done, otherContent, otherContent)},
		"completed for nothing": {func(b *bench) string {
			no := b.confirmed(nil)
			b.Advance(time.Hour)
			b.act(no, "complete", b.completion(0, nil))
			return no
		}, "DONE", late(done, otherContent, notPaid)},
		"lowered to nothing": {func(b *bench) string {
			no := b.completed(4000, nil)
			b.act(no, "modify", b.modification(0, nil))
			return no
		}, "DONE", late(done, otherContent, notPaid)},
		"cancelled": {func(b *bench) string {
			no := b.confirmed(nil)
			b.cancel(no, cancelBody("other"))
			return no
		}, "REVOKED", late(otherContent, [2]string{"INVALID_REQUEST " + complete, "ORDER_CANCELED " + complete}, notPaid)},
		"expired": {func(b *bench) string {
			no := b.created(nil)
			b.Advance(30 * 24 * time.Hour)
			return no
		}, "EXPIRED", late([2]string{"PARAM_ERROR " + cancel, "INVALID_ORDER_STATE " + cancel}, [2]string{"INVALID_REQUEST " + complete, "INVALID_ORDER_STATE " + complete}, notPaid)},
	}
	for name, tt := range tests {
		for profile, documented := range map[string]bool{" as observed": false, " as documented": true} {
			t.Run(name+profile, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, rules(world.Rules{Documented: documented}))
				no := tt.end(b)
				before := mustJSON(b.query(no).body)
				for action, body := range map[string]object{
					"cancel": cancelBody("r"), "complete": b.completion(1, nil), "modify": b.modification(1, nil),
					"pay": {"sub_mchid": world.SubMerchant}, "sync": b.synchronised(nil),
				} {
					want := tt.want[action][0]
					if documented {
						want = tt.want[action][1]
					}
					b.want(b.act(no, action, body), "400 "+want)
				}
				b.Advance(48 * time.Hour)
				b.wantState(no, tt.state)
				if after := mustJSON(b.query(no).body); after != before {
					t.Errorf("the order was %s\n    and is %s", before, after)
				}
			})
		}
	}
}

func TestAnOrderThatWaitsForItsUserTakesNothingButACancel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	b.want(b.act(no, "complete", b.completion(1, nil)), "400 INVALID_REQUEST 当前订单状态不合法")
	for action, body := range map[string]object{"modify": b.modification(1, nil), "pay": {"sub_mchid": world.SubMerchant}, "sync": b.synchronised(nil)} {
		b.want(b.act(no, action, body), "400 INVALID_REQUEST 仅服务订单支付状态为待支付时，才可使用此能力")
	}
	b.want(b.cancel(no, cancelBody("r")), "204")
}

func TestAUserWhoFailsTheAssessmentOfAGrantedServiceGetsNoOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.Control().OpenService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	for message, ending := range map[string]string{
		"综合评估未通过":       "271300099",
		"存在待处理的超时未支付订单": "271299627",
		"已开启青少年模式支付限额，暂无法使用支付分先用后付服务": "268560785",
	} {
		if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID, Refuse: message}); err != nil {
			t.Fatal(err)
		}
		o := granted(nil)
		a := b.create(o)
		b.want(a, "400 INVALID_REQUEST "+message)
		if a.ending() != ending {
			t.Errorf("%s: the Request-ID ends in %s, want %s", message, a.ending(), ending)
		}
		b.want(b.query(o["out_order_no"].(string)), "404 ORDER_NOT_EXIST")
	}
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	a := b.create(granted(object{"time_range": object{"start_time": "OnAccept"}}))
	b.want(a, "200")
	if start := a.body["time_range"].(object)["start_time"].(string); !regexp.MustCompile(`^\d{14}$`).MatchString(start) {
		t.Errorf("the order begins %s, want the moment of its creation", start)
	}
}

func TestADepositIsConfirmedLikeOtherOrders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: "o1", Refuse: "综合评估未通过"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no, OpenID: "o1", Deposit: true}); err != nil {
		t.Fatal(err)
	}
	b.wantState(no, "DOING/USER_CONFIRM")
	if sent := b.Notifications(); len(sent) != 1 || sent[0].EventType != "PAYSCORE.USER_CONFIRM" {
		t.Errorf("sent %+v", sent)
	}
	b.want(b.cancel(no, cancelBody("r")), "204")
}

func TestOneMoreAttemptDoesNotChangeTheSchedule(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID, OutOfMoney: true}); err != nil {
		t.Fatal(err)
	}
	no := b.completed(4000, nil)
	b.Advance(time.Minute) // the first attempt fails
	b.Advance(3 * time.Hour)
	b.want(b.act(no, "pay", object{"sub_mchid": world.SubMerchant}), "204")
	if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	b.Advance(3*time.Hour - time.Minute)
	b.wantState(no, "DOING/MCH_COMPLETE")
	b.Advance(2 * time.Minute)
	b.wantState(no, "DONE")
}

// TestADeductionLocksAnOrderForThreeMinutes: after it, a merchant may cancel, modify, tell that it
// was paid, and ask for an attempt.
func TestADeductionLocksAnOrderForThreeMinutes(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"cancel", "modify", "sync", "pay"} {
		for name, begin := range map[string]func(*control.Client, *testing.T, control.Order) error{
			"a deduction": func(c *control.Client, t *testing.T, o control.Order) error {
				_, err := c.StartDeduction(t.Context(), o)
				return err
			},
			"a user at the cashier": func(c *control.Client, t *testing.T, o control.Order) error {
				_, err := c.OpenCashier(t.Context(), o)
				return err
			},
		} {
			t.Run(action+" during "+name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				if err := b.Control().SetUser(t.Context(), control.User{OpenID: world.OpenID, OutOfMoney: true}); err != nil {
					t.Fatal(err)
				}
				no := b.completed(4000, nil)
				if err := begin(b.Control(), t, control.Order{OutOrderNo: no}); err != nil {
					t.Fatal(err)
				}
				body := func() object {
					switch action {
					case "cancel":
						return cancelBody("r")
					case "modify":
						return b.modification(1, nil)
					case "sync":
						return b.synchronised(nil)
					}
					return object{"sub_mchid": world.SubMerchant}
				}
				b.Advance(3*time.Minute - time.Second)
				a := b.act(no, action, body())
				b.want(a, "400 INVALID_REQUEST 单据正在扣款中，请稍后再试")
				if a.ending() != "271316754" {
					t.Errorf("the Request-ID ends in %s", a.ending())
				}
				b.wantState(no, "DOING/MCH_COMPLETE")
				b.Advance(time.Second)
				b.want(b.act(no, action, body()), "204")
			})
		}
	}
}

func TestACancelEndsTheDeductions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	b.want(b.cancel(no, cancelBody("r")), "204")
	before := len(b.Notifications())
	b.Advance(48 * time.Hour)
	b.wantState(no, "REVOKED")
	if n := b.Notifications(); len(n) != before {
		t.Errorf("sent %+v", n[before:])
	}
}

func TestAnOrderThatIsLoweredToNothingIsDone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	before := len(b.Notifications())
	b.want(b.act(no, "modify", b.modification(0, nil)), "204")
	wantMembers(t, b.query(no).body, object{"state": "DONE", "total_amount": 0, "collection": nil, "need_collection": nil})
	if n := b.Notifications(); len(n) != before {
		t.Errorf("sent %+v", n[before:])
	}
}

func TestMoneyThatCameOnADayIsShownWithTheDay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	toNoon(b)
	no := b.completed(4000, nil)
	b.want(b.act(no, "sync", b.synchronised(object{"detail": object{"paid_time": b.at(0)[:8], "seq": 1, "paid_amount": 4000}})), "204")
	d := b.query(no).body["collection"].(object)["details"].([]any)[0].(object)
	wantMembers(t, d, object{"paid_time": b.at(0)[:8], "paid_type": "MCH", "seq": 1, "amount": 4000})
}

// §6 and §7

func TestASyncDoesNotComeBeforeTheCompletion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	b.Advance(30 * time.Second)
	at := func(d time.Duration) object {
		return b.synchronised(object{"detail": object{"paid_time": b.at(d)}})
	}
	b.want(b.act(no, "sync", at(-time.Minute)), "400 PARAM_ERROR 收款成功时间不能早于完结订单的时间")
	b.want(b.act(no, "sync", at(2*time.Second)), "400 PARAM_ERROR 收款成功时间不能晚于调用接口的时间")
	b.want(b.act(no, "sync", at(-10*time.Second)), "204")
}

func TestAServiceThatIsNamedIsTheOrders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, nil)
	other := object{"service_id": world.GrantServiceID}
	b.want(b.act(no, "modify", b.modification(1, other)), "404 ORDER_NOT_EXIST")
	b.want(b.act(no, "sync", b.synchronised(other)), "404 ORDER_NOT_EXIST")
	b.want(b.act(no, "pay", object{"service_id": world.GrantServiceID, "sub_mchid": world.SubMerchant}), "404 ORDER_NOT_EXIST")
	b.wantState(no, "DOING/MCH_COMPLETE")
	b.want(b.act(no, "modify", b.modification(1, object{"service_id": nil})), "204")
	b.want(b.act(no, "pay", object{"sub_mchid": world.SubMerchant}), "204")
}

// TestWhatAMerchantIsAnswered is the exact members of the bodies that only merchants get.
func TestWhatAMerchantIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.roles()[1]
	o := r.order(object{
		"post_payments":  []object{{"name": "租金", "amount": 100}},
		"post_discounts": []object{{"name": "减", "description": "满减"}},
		"location":       object{"start_location": "客村"}, "attach": "a",
	})
	no := o["out_order_no"].(string)
	const entity = "appid mchid out_order_no service_id service_introduction state post_payments post_discounts risk_fund time_range location order_id "
	const echo = "attach notify_url "
	wantExactly(t, "create", r.call("POST", r.orders, wechatpay.JSON(o)).body, entity+echo+"package")
	b.Confirm(no)
	wantExactly(t, "create again, after the confirmation,", r.call("POST", r.orders, wechatpay.JSON(o)).body, entity+echo+"state_description")
	wantExactly(t, "query", r.get(no).body, entity+echo+"state_description openid")
	b.Advance(time.Hour)
	completion := r.completion(4000)
	completion["post_payments"] = []object{{"name": "租金", "amount": 4001}}
	completion["post_discounts"] = []object{{"name": "减", "description": "满减", "amount": 1}}
	completion["location"] = object{"end_location": "体育西"}
	const completed = entity + "state_description total_amount need_collection"
	a := r.post(no, "complete", completion)
	wantExactly(t, "complete", a.body, completed)
	wantMembers(t, a.body, object{"state": "DOING", "state_description": "MCH_COMPLETE", "total_amount": 4000, "need_collection": true})
	if again := r.post(no, "complete", completion); mustJSON(again.body) != mustJSON(a.body) {
		t.Errorf("completing again answers %v, then %v", a.body, again.body)
	}
	discounted := lowered(3000)
	discounted["post_payments"], discounted["post_discounts"] = []object{{"name": "租金", "amount": 3001}}, completion["post_discounts"]
	a = r.post(no, "modify", discounted)
	wantExactly(t, "modify", a.body, completed+" collection "+echo)
	wantMembers(t, a.body["collection"].(object), object{"total_amount": 3000})
	a = r.post(no, "sync", r.paidElsewhere())
	wantExactly(t, "sync", a.body, entity+echo+"openid total_amount need_collection collection")
	wantMembers(t, a.body, object{"state": "DONE"})
	no = r.confirmed(nil)
	r.post(no, "complete", r.completion(4000))
	wantExactly(t, "pay", r.post(no, "pay", nil).body, "appid mchid out_order_no service_id order_id")
	wantExactly(t, "cancel", r.post(r.confirmed(nil), "cancel", object{"reason": "r"}).body, "appid mchid out_order_no service_id order_id")
}

// TestTheSameAgainSucceedsForEachRole is calls after a network failure: what is the same is answered
// the same, what is not is refused.
func TestTheSameAgainSucceedsForEachRole(t *testing.T) {
	eachRole(t, func(t *testing.T, r role) {
		const other = "400 PARAM_ERROR 订单重入参数校验失败"
		same := func(first, again answer) {
			t.Helper()
			if first.status >= 300 || first.String() != again.String() || mustJSON(first.body) != mustJSON(again.body) {
				t.Errorf("answered %v %v\n    and then %v %v", first, first.body, again, again.body)
			}
		}
		o := r.order(nil)
		no := o["out_order_no"].(string)
		create := func() answer { return r.call("POST", r.orders, wechatpay.JSON(o)) }
		same(create(), create())
		o["attach"] = "other"
		r.want(create(), other)
		r.Confirm(no)
		r.Advance(time.Hour)
		completion := r.completion(4000)
		same(r.post(no, "complete", completion), r.post(no, "complete", completion))
		r.want(r.post(no, "complete", r.completion(3999)), other)
		paid := r.paidElsewhere()
		same(r.post(no, "sync", paid), r.post(no, "sync", paid))
		no = r.confirmed(nil)
		r.post(no, "complete", r.completion(4000))
		reason := object{"reason": "用户取消"}
		same(r.post(no, "cancel", reason), r.post(no, "cancel", reason))
		r.want(r.post(no, "cancel", object{"reason": "其他"}), other)
	})
}

func TestAMerchantsOrderOfAGrantedServiceBeginsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.Control().OpenService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	order := func(changes object) answer {
		o := granted(changes)
		delete(o, "sub_mchid")
		return b.merchant("POST", "serviceorder", wechatpay.JSON(o))
	}
	a := order(nil)
	b.want(a, "200")
	wantExactly(t, "the answer", a.body, "appid mchid out_order_no service_id service_introduction state state_description risk_fund time_range notify_url order_id")
	wantMembers(t, a.body, object{"state": "DOING", "state_description": "USER_CONFIRM"})
	b.want(order(object{"openid": nil}), "400 PARAM_ERROR 免确认模式下")
	b.want(order(object{"openid": "o2"}), "403 NO_AUTH 商户暂无权限使用此服务")
}

// TestACompletionAtOnce is creating and completing in one call, which needs a grant of its own.
func TestACompletionAtOnce(t *testing.T) {
	t.Parallel()
	for i, want := range []string{"204", "200"} {
		b := newBench(t, func(w *world.World) {
			w.Merchants[0].Grants = append(w.Merchants[0].Grants, "payscore-direct-complete")
		})
		r := b.roles()[i]
		if err := b.Control().OpenService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
			t.Fatal(err)
		}
		direct := func(amount int, changes object) (object, answer) {
			body := object{
				"out_order_no": newOrder(nil)["out_order_no"], "appid": world.AppID, "service_introduction": "停车", "notify_url": "https://example.com/notify", "openid": world.OpenID,
				"post_payments": []object{{"name": "停车费", "amount": amount}}, "total_amount": amount,
				"time_range": object{"start_time": b.at(-2 * time.Hour), "end_time": b.at(-time.Hour)},
			}
			maps.Copy(body, r.ids)
			body["service_id"] = world.GrantServiceID
			if i == 0 {
				body["sub_appid"] = world.SubAppID
			}
			maps.Copy(body, changes)
			return body, b.call("POST", r.orders+"/direct-complete", wechatpay.JSON(body))
		}
		_, a := direct(100, object{"total_amount": 101})
		b.want(a, "400 PARAM_ERROR 最终总金额计算非法")
		_, a = direct(20001, nil)
		b.want(a, "400 INVALID_REQUEST 总金额超过此服务的服务风险金额")
		_, a = direct(100, object{"openid": "o2"})
		b.want(a, "403 NO_AUTH 商户暂无权限使用此服务")
		_, a = direct(100, object{"service_id": world.ServiceID})
		b.want(a, "403 NO_AUTH 商户暂无权限使用此服务")
		body, a := direct(20000, nil)
		b.want(a, want)
		if i == 1 {
			wantExactly(t, "the answer", a.body, "appid mchid out_order_no service_id service_introduction state state_description post_payments total_amount time_range notify_url order_id")
			wantMembers(t, a.body, object{"state": "DOING", "state_description": "MCH_COMPLETE"})
		}
		b.want(b.call("POST", r.orders+"/direct-complete", wechatpay.JSON(body)), want)
		body["attach"] = "other"
		b.want(b.call("POST", r.orders+"/direct-complete", wechatpay.JSON(body)), "400 PARAM_ERROR 订单重入参数校验失败")
		b.Advance(time.Minute)
		r.query["service_id"] = world.GrantServiceID
		wantMembers(t, r.get(body["out_order_no"].(string)).body, object{"state": "DONE", "total_amount": 20000})
		nothing, a := direct(0, nil)
		b.want(a, want)
		wantMembers(t, r.get(nothing["out_order_no"].(string)).body, object{"state": "DONE", "collection": nil})
	}
}

// §8 and §9

// TestTheCodeAndTheRequestIDTellWhy is the codes in both profiles, and the numbers at the end of
// Request-ID.
func TestTheCodeAndTheRequestIDTellWhy(t *testing.T) {
	t.Parallel()
	for profile, documented := range map[string]bool{"as observed": false, "as documented": true} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, rules(world.Rules{Documented: documented, RefuseCancelWhilePaying: true}))
			expired := b.created(nil)
			b.Advance(30 * 24 * time.Hour)
			created, serving := b.created(nil), b.confirmed(nil)
			cancelled := b.created(nil)
			b.want(b.cancel(cancelled, cancelBody("r")), "204")
			paying := b.completed(4000, nil)
			again := newOrder(nil)
			b.want(b.create(again), "200")
			again["attach"] = "other"
			early := object{"time_range": object{"end_time": b.at(-3 * time.Hour)}}
			for _, tt := range []struct {
				a                    answer
				observed, documented string
				message              string
				ending               string
			}{
				{b.query("none"), "404 ORDER_NOT_EXIST", "404 ORDER_NOT_EXIST", "查询单据不存在", "271317510"},
				{b.act(expired, "complete", b.completion(1, nil)), "400 INVALID_REQUEST", "400 INVALID_ORDER_STATE", "当前订单状态不合法", "271302262"},
				{b.act(created, "complete", b.completion(1, nil)), "400 INVALID_REQUEST", "400 INVALID_ORDER_STATE", "当前订单状态不合法", "271302332"},
				{b.act(cancelled, "complete", b.completion(1, nil)), "400 INVALID_REQUEST", "400 ORDER_CANCELED", "当前订单状态不合法", "271302333"},
				{b.cancel(paying, cancelBody("r")), "400 PARAM_ERROR", "400 INVALID_ORDER_STATE", "当前订单状态不满足撤销条件", "271316592"},
				{b.act(paying, "complete", b.completion(1, nil)), "400 PARAM_ERROR", "400 INVALID_REQUEST", "订单重入参数校验失败", "271316598"},
				{b.create(again), "400 PARAM_ERROR", "400 INVALID_REQUEST", "订单重入参数校验失败", "271316598"},
				{b.cancel(cancelled, cancelBody("other")), "400 PARAM_ERROR", "400 INVALID_REQUEST", "订单重入参数校验失败", "271316598"},
				{b.act(serving, "modify", b.modification(1, nil)), "400 INVALID_REQUEST", "400 INVALID_ORDER_STATE", "仅服务订单支付状态为待支付时，才可使用此能力", "271316657"},
				{b.act(serving, "complete", b.completion(10001, nil)), "400 INVALID_REQUEST", "400 INVALID_REQUEST", "总金额超过此服务的服务风险金额", "271316656"},
				{b.act(serving, "complete", b.completion(1, early)), "400 PARAM_ERROR", "400 PARAM_ERROR", "真实结束时间小于预计开始时间", "271316637"},
				{b.cancel(created, cancelBody(strings.Repeat("因", 51))), "400 PARAM_ERROR", "400 PARAM_ERROR", "输入源“/body/reason”", "268435464"},
				{b.cancel(created, object{"sub_mchid": "1", "reason": "r"}), "403 NO_AUTH", "403 NO_AUTH", "mchid与sub_mchid", "268503786"},
				{b.create(newOrder(object{"appid": "wx0"})), "403 NO_AUTH", "403 NO_AUTH", "mchid与appid", "271302149"},
			} {
				code := tt.observed
				if documented {
					code = tt.documented
				}
				b.want(tt.a, code+" "+tt.message)
				if tt.a.ending() != tt.ending {
					t.Errorf("%v: the Request-ID ends in %q, want %s", tt.a, tt.a.ending(), tt.ending)
				}
			}
		})
	}
}

func TestAnAuthorizationThatIsNoneEndsInItsNumber(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	res := b.send(raw{method: "GET", target: queryTarget, header: func(h http.Header) { h.Set("Authorization", "Bearer 1") }})
	if id := res.Header.Get("Request-Id"); res.StatusCode != 401 || !strings.HasSuffix(id, "-270924332") {
		t.Errorf("answered %d, the Request-ID is %s", res.StatusCode, id)
	}
}

// TestTheWaysInWhichACallGoesWrongLater is the codes that are no refusal of the call itself: the
// same call again succeeds.
func TestTheWaysInWhichACallGoesWrongLater(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]world.Fault{
		`429 {"code":"FREQUENCY_LIMITED","message":"请求过于频繁"}`: {Effect: world.EffectStatus, Status: 429, Code: "FREQUENCY_LIMITED", Message: "请求过于频繁", Times: 1},
		`500 {"code":"SYSTEM_ERROR","message":"系统异常"}`:        {Effect: world.EffectStatus, Status: 500, Code: "SYSTEM_ERROR", Message: "系统异常", Times: 1, After: true},
	} {
		b := newBench(t)
		no := b.confirmed(nil)
		b.Advance(time.Hour)
		call := raw{method: "POST", target: "/" + orders + "/" + no + "/complete", body: mustJSON(b.completion(4000, nil))}
		b.fault(f)
		for _, want := range []string{want, "204"} {
			if got := read(t, b.send(call)); got != want {
				t.Errorf("answered %s, want %s", got, want)
			}
		}
		b.wantState(no, "DOING/MCH_COMPLETE")
	}
}
