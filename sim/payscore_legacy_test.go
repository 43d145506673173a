package sim_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// old is the first version of one of its products.
type old struct {
	*bench
	product string // payafter-orders, smartretail-orders
}

// bothOld runs a test with both products of the first version.
func bothOld(t *testing.T, test func(*testing.T, old)) {
	t.Parallel()
	for _, product := range []string{"payafter-orders", "smartretail-orders"} {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			test(t, old{newBench(t), product})
		})
	}
}

// order is the content of an order that is good, with the changes: a nil takes a member out.
func (o old) order(changes object) object {
	all := object{
		"appid": world.AppID, "service_id": world.ServiceID, "out_order_no": fmt.Sprintf("T%d", lastNo.Add(1)),
		"service_start_time": "OnAccept", "service_start_location": "客村", "service_introduction": "共享充电宝",
		"fees": []object{{"fee_name": "租金", "fee_desc": "每小时1元"}}, "risk_amount": 10000, "attach": "a",
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

func (o old) post(path string, no string, body object) answer {
	o.t.Helper()
	opts := []wechatpay.CallOption{wechatpay.JSON(body)}
	if path != "" {
		opts = append(opts, wechatpay.Path("out_order_no", no))
	}
	return o.merchant("POST", o.product+path, opts...)
}

func (o old) get(no string) answer {
	o.t.Helper()
	return o.merchant("GET", o.product, wechatpay.Query("appid", world.AppID), wechatpay.Query("service_id", world.ServiceID), wechatpay.Query("out_order_no", no))
}

// accepted is the number of a new order that its user accepted, and its ticket.
func (o old) accepted() (no, ticket string) {
	o.t.Helper()
	order := o.order(nil)
	no = order["out_order_no"].(string)
	o.want(o.post("", "", order), "200")
	o.Confirm(no)
	ticket, _ = o.get(no).body["finish_ticket"].(string)
	if ticket == "" {
		o.t.Fatal("an order that was accepted has no finish_ticket")
	}
	return no, ticket
}

// finish is the content of a completion that is good.
func (o old) finish(ticket string, amount int, changes object) object {
	o.t.Helper()
	body := object{
		"appid": world.AppID, "service_id": world.ServiceID, "finish_type": 2, "finish_ticket": ticket, "total_amount": amount,
		"real_service_end_time": o.at(-time.Minute), "real_service_end_location": "体育西",
		"fees":      []object{{"fee_name": "租金", "fee_amount": amount + 100, "fee_count": 1}},
		"discounts": []object{{"discount_name": "满减", "discount_desc": "满20减1元", "discount_amount": 100}},
	}
	maps.Copy(body, changes)
	maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
	return body
}

// wantState compares the state of an order.
func (o old) wantState(no, want string) {
	o.t.Helper()
	if got := o.get(no).body["state"]; got != want {
		o.t.Errorf("order %s is %v, want %s", no, got, want)
	}
}

func TestAnOrderOfTheFirstVersionFromItsBeginningToItsEnd(t *testing.T) {
	bothOld(t, func(t *testing.T, o old) {
		order := o.order(nil)
		no := order["out_order_no"].(string)
		a := o.post("", "", order)
		o.want(a, "200")
		wantMembers(t, a.body, object{"appid": world.AppID, "mchid": world.ServiceProvider, "out_order_no": no, "service_id": world.ServiceID, "miniprogram_businesstype": "wxpayScoreUse"})
		if p, _ := a.body["package"].(string); p == "" || len(p) > 300 {
			t.Errorf("the package has %d characters, want 1 to 300", len(p))
		}
		o.want(o.post("", "", order), "200")
		o.want(o.post("", "", o.order(object{"out_order_no": no, "attach": "b"})), "400 PARAM_ERROR 订单重入参数校验失败")
		got := o.get(no).body
		wantMembers(t, got, object{"state": "CREATED", "service_start_time": "OnAccept", "risk_amount": 10000, "finish_ticket": nil, "total_amount": nil})

		o.Confirm(no)
		got = o.get(no).body
		wantMembers(t, got, object{"state": "USER_ACCEPTED", "service_start_location": "客村", "real_service_start_time": nil})
		ticket := got["finish_ticket"].(string)
		o.Advance(time.Hour)
		completion := o.finish(ticket, 4000, nil)
		a = o.post("/{out_order_no}/complete", no, completion)
		o.want(a, "200")
		if len(a.body) != 5 || a.body["order_id"] == nil {
			t.Errorf("a completion answers %v, want five members", a.body)
		}
		o.want(o.post("/{out_order_no}/complete", no, completion), "200")
		o.want(o.post("/{out_order_no}/complete", no, o.finish(ticket, 3000, nil)), "400 PARAM_ERROR 订单重入参数校验失败")
		wantMembers(t, o.get(no).body, object{
			"state": "FINISHED", "finish_type": 2, "total_amount": 4000, "finish_ticket": nil, "real_service_end_time": completion["real_service_end_time"],
			"real_service_end_location": "体育西", "service_end_location": nil, "real_service_start_time": got["service_start_time"],
			"discounts": []object{{"discount_amount": 100, "discount_desc": "满20减1元", "discount_name": "满减"}},
		})
		o.Advance(time.Minute)
		got = o.get(no).body
		wantMembers(t, got, object{"state": "USER_PAID", "pay_type": nil})
		if got["pay_succ_time"] == nil || got["finish_transaction_id"] == nil {
			t.Errorf("a paid order shows %v", got)
		}
		if sent := o.Notifications(); len(sent) != 0 {
			t.Errorf("an order without an address was notified: %+v", sent)
		}
		o.want(o.post("/{out_order_no}/cancel", no, object{"appid": world.AppID, "service_id": world.ServiceID, "reason": "r"}), "400 PARAM_ERROR 当前订单状态不满足撤销条件")
	})
}

func TestAnOrderOfTheFirstVersionThatWasNotUsed(t *testing.T) {
	bothOld(t, func(t *testing.T, o old) {
		no, ticket := o.accepted()
		unused := func(changes object) answer {
			body := object{"appid": world.AppID, "service_id": world.ServiceID, "finish_type": 1, "finish_ticket": ticket, "total_amount": 0, "cancel_reason": "没有用"}
			maps.Copy(body, changes)
			return o.post("/{out_order_no}/complete", no, body)
		}
		o.want(unused(object{"cancel_reason": strings.Repeat("因", 31)}), "400 PARAM_ERROR 取消订单时，取消订单的原因必填")
		o.want(unused(object{"cancel_reason": ""}), "400 PARAM_ERROR")
		o.want(unused(object{"total_amount": 1}), "400 PARAM_ERROR 取消订单时，总金额必须为0")
		o.want(unused(nil), "200")
		o.want(unused(nil), "200")
		wantMembers(t, o.get(no).body, object{"state": "FINISHED", "finish_type": 1, "total_amount": 0, "real_service_end_time": nil})
		o.Advance(48 * time.Hour)
		o.wantState(no, "FINISHED")
	})
}

func TestAnOrderOfTheFirstVersionIsCancelled(t *testing.T) {
	bothOld(t, func(t *testing.T, o old) {
		no, ticket := o.accepted()
		cancel := func(changes object) answer {
			body := object{"appid": world.AppID, "service_id": world.ServiceID, "reason": "r"}
			maps.Copy(body, changes)
			return o.post("/{out_order_no}/cancel", no, body)
		}
		o.want(cancel(object{"service_id": world.GrantServiceID}), "404 ORDER_NOT_EXIST")
		a := cancel(nil)
		o.want(a, "200")
		wantMembers(t, a.body, object{"appid": world.AppID, "mchid": world.ServiceProvider, "out_order_no": no, "service_id": world.ServiceID})
		if len(a.body) != 5 || a.body["order_id"] == nil {
			t.Errorf("a cancel answers %v, want five members", a.body)
		}
		o.want(cancel(nil), "200")
		o.wantState(no, "REVOKED")
		o.want(o.post("/{out_order_no}/complete", no, o.finish(ticket, 100, nil)), "400 INVALID_REQUEST 当前订单状态不合法")
	})
}

func TestAnOrderOfTheFirstVersionExpires(t *testing.T) {
	bothOld(t, func(t *testing.T, o old) {
		order := o.order(nil)
		o.want(o.post("", "", order), "200")
		o.Advance(30 * 24 * time.Hour)
		o.wantState(order["out_order_no"].(string), "EXPIRED")
	})
}

func TestWhatTheFirstVersionRefuses(t *testing.T) {
	bothOld(t, func(t *testing.T, o old) {
		for name, tt := range map[string]struct {
			change object
			want   string
		}{
			"no appid":                         {object{"appid": nil}, "400 PARAM_ERROR 输入源“/body/appid”"},
			"a number with a blank":            {object{"out_order_no": "a b"}, "400 PARAM_ERROR 输入源“/body/out_order_no”"},
			"a risk above the service's cap":   {object{"risk_amount": 20001}, "400 INVALID_REQUEST 创建订单的订单风险金额超过此服务的服务风险金额"},
			"a start that is past":             {object{"service_start_time": "20200101"}, "400 PARAM_ERROR 服务开始时间不能早于调用接口的时间"},
			"an end location alone":            {object{"service_start_location": nil, "service_end_location": "b"}, "400 PARAM_ERROR 未填写服务开始地点时"},
			"two fees with one name":           {object{"fees": []object{{"fee_name": "租金", "fee_amount": 1}, {"fee_name": "租金", "fee_amount": 1}}}, "400 PARAM_ERROR 后付费项目名称不能重复"},
			"the other mode of confirming":     {object{"need_user_confirm": false, "openid": world.OpenID}, "403 NO_AUTH 商户暂无权限使用此服务"},
			"a user who did not grant it":      {object{"need_user_confirm": false, "openid": world.OpenID, "service_id": world.GrantServiceID}, "403 NO_AUTH 商户暂无权限使用此服务"},
			"an appid that is not his":         {object{"appid": "wx0"}, "403 NO_AUTH"},
			"no user where nobody has to look": {object{"need_user_confirm": false, "service_id": world.GrantServiceID}, "400 PARAM_ERROR"},
		} {
			t.Run(name, func(t *testing.T) {
				b := old{&bench{o.Gateway, o.client, t}, o.product}
				b.want(b.post("", "", b.order(tt.change)), tt.want)
			})
		}
		no, ticket := o.accepted()
		o.Advance(time.Hour)
		for name, tt := range map[string]struct {
			change object
			want   string
		}{
			"no finish_ticket":            {object{"finish_ticket": nil}, "400 PARAM_ERROR 完结凭证finish_ticket必填"},
			"another finish_ticket":       {object{"finish_ticket": "x"}, "400 PARAM_ERROR 完结凭证finish_ticket错误"},
			"no finish_type":              {object{"finish_type": nil}, "400 PARAM_ERROR 完结类型finish_type必填"},
			"an unknown finish_type":      {object{"finish_type": 3}, "400 PARAM_ERROR"},
			"a total that is not it":      {object{"total_amount": 1}, "400 PARAM_ERROR 最终总金额计算非法"},
			"a total above the risk":      {object{"total_amount": 10001, "fees": []object{{"fee_name": "租金", "fee_amount": 10101}}}, "400 INVALID_REQUEST 总金额超过此服务的服务风险金额"},
			"no end at all":               {object{"real_service_end_time": nil}, "400 PARAM_ERROR 创建订单未填写服务结束时间,则结束时间必填"},
			"an end in the future":        {object{"real_service_end_time": o.at(time.Hour)}, "400 PARAM_ERROR 实际结束时间不能晚于使用完结接口的时间"},
			"an end before the start":     {object{"real_service_end_time": o.at(-2 * time.Hour)}, "400 PARAM_ERROR 真实结束时间小于预计开始时间"},
			"an order of another service": {object{"service_id": world.GrantServiceID}, "404 ORDER_NOT_EXIST"},
		} {
			t.Run(name, func(t *testing.T) {
				b := old{&bench{o.Gateway, o.client, t}, o.product}
				b.want(b.post("/{out_order_no}/complete", no, b.finish(ticket, 4000, tt.change)), tt.want)
				b.wantState(no, "USER_ACCEPTED")
			})
		}
		o.want(o.merchant("GET", o.product, wechatpay.Query("service_id", world.ServiceID)), "400 PARAM_ERROR")
		o.want(o.get("none"), "404 ORDER_NOT_EXIST")
	})
}

func TestTheFirstVersionsDoNotKnowEachOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	payafter, smartretail := old{b, "payafter-orders"}, old{b, "smartretail-orders"}
	no, _ := payafter.accepted()
	b.want(smartretail.get(no), "404 ORDER_NOT_EXIST")
	b.want(smartretail.post("", "", smartretail.order(object{"out_order_no": no})), "400 PARAM_ERROR 订单重入参数校验失败")
	b.want(b.merchant("GET", "serviceorder", wechatpay.Query("service_id", world.ServiceID), wechatpay.Query("appid", world.AppID), wechatpay.Query("out_order_no", no)), "404 ORDER_NOT_EXIST")
}

func TestAQueryOfTheFirstVersionByTheNumberThatTheFrontEndGot(t *testing.T) {
	t.Parallel()
	o := old{newBench(t), "payafter-orders"}
	order := o.order(nil)
	no := order["out_order_no"].(string)
	o.want(o.post("", "", order), "200")
	state, err := o.Control().Confirm(t.Context(), control.Order{OutOrderNo: no})
	if err != nil {
		t.Fatal(err)
	}
	wantMembers(t, o.merchant("GET", "payafter-orders", wechatpay.Query("query_id", state.QueryID)).body, object{"out_order_no": no})
}

func TestAPayafterOrderThatWasPaidElsewhere(t *testing.T) {
	t.Parallel()
	o := old{newBench(t), "payafter-orders"}
	no, ticket := o.accepted()
	o.Advance(time.Hour)
	sync := func() answer {
		return o.post("/{out_order_no}/sync", no, object{"appid": world.AppID, "service_id": world.ServiceID, "type": "Order_Paid", "detail": object{"paid_time": o.at(0)[:8]}})
	}
	o.want(sync(), "400 INVALID_REQUEST 仅服务订单支付状态为待支付时")
	o.want(o.post("/{out_order_no}/complete", no, o.finish(ticket, 4000, nil)), "200")
	a := sync()
	o.want(a, "200")
	if len(a.body) != 4 || a.body["order_id"] == nil || a.body["service_id"] != nil {
		t.Errorf("a sync answers %v, want four members", a.body)
	}
	wantMembers(t, o.get(no).body, object{"state": "USER_PAID", "pay_type": "MchChannelPayType", "finish_transaction_id": nil})
}

func TestAnOrderOfTheFirstVersionThatNobodyConfirms(t *testing.T) {
	bothOld(t, func(t *testing.T, o old) {
		state := func(openID string) answer {
			return o.merchant("GET", "user-service-state", wechatpay.Query("appid", world.AppID), wechatpay.Query("service_id", world.GrantServiceID), wechatpay.Query("openid", openID))
		}
		wantMembers(t, state(world.OpenID).body, object{"use_service_state": "UNAVAILABLE", "openid": world.OpenID, "appid": world.AppID, "service_id": world.GrantServiceID})
		if err := o.Control().OpenService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
			t.Fatal(err)
		}
		wantMembers(t, state(world.OpenID).body, object{"use_service_state": "AVAILABLE"})
		wantMembers(t, state("o2").body, object{"use_service_state": "UNAVAILABLE"})
		order := o.order(object{"service_id": world.GrantServiceID, "need_user_confirm": false, "openid": world.OpenID})
		a := o.post("", "", order)
		o.want(a, "200")
		wantMembers(t, a.body, object{"package": nil, "miniprogram_path": nil})
		got := o.merchant("GET", o.product, wechatpay.Query("out_order_no", order["out_order_no"].(string)))
		wantMembers(t, got.body, object{"state": "USER_ACCEPTED"})
	})
}
