package sim_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// own is an order of a merchant for itself (普通商户).
func own(changes object) object {
	o := newOrder(changes)
	delete(o, "sub_mchid")
	return o
}

func (b *bench) merchant(method, path string, opts ...wechatpay.CallOption) answer {
	b.t.Helper()
	return b.call(method, "v3/payscore/"+path, opts...)
}

func TestAMerchantGetsBodiesWhereAServiceProviderGetsNone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := own(nil)
	no := o["out_order_no"].(string)
	path := wechatpay.Path("out_order_no", no)
	has := func(a answer, status int, names ...string) {
		t.Helper()
		if a.status != status {
			t.Fatalf("answered %v", a)
		}
		for _, name := range names {
			if strings.HasPrefix(name, "-") {
				if _, ok := a.body[name[1:]]; ok {
					t.Errorf("the answer has %s: %v", name[1:], a.body)
				}
			} else if a.body[name] == nil {
				t.Errorf("the answer lacks %s: %v", name, a.body)
			}
		}
	}
	has(b.merchant("POST", "serviceorder", wechatpay.JSON(o)), 200, "appid", "mchid", "out_order_no", "service_id", "order_id", "package", "notify_url", "-sub_mchid")
	b.Confirm(no)
	query := func() answer {
		return b.merchant("GET", "serviceorder", wechatpay.Query("service_id", world.ServiceID), wechatpay.Query("appid", world.AppID), wechatpay.Query("out_order_no", no))
	}
	has(query(), 200, "openid", "state", "state_description", "-sub_mchid", "-package")
	b.Advance(time.Hour)
	ids := object{"service_id": world.ServiceID, "appid": world.AppID}
	with := func(other object) wechatpay.CallOption {
		body := maps.Clone(ids)
		maps.Copy(body, other)
		return wechatpay.JSON(body)
	}
	items := func(amount int) object {
		return object{"post_payments": []object{{"name": "租金", "amount": amount}}, "total_amount": amount}
	}
	completion := items(4000)
	completion["time_range"] = object{"end_time": b.at(-time.Minute)}
	has(b.merchant("POST", "serviceorder/{out_order_no}/complete", path, with(completion)), 200, "state", "total_amount", "need_collection", "post_payments", "order_id", "-collection", "-openid", "-attach")
	modification := items(3000)
	modification["reason"] = "r"
	has(b.merchant("POST", "serviceorder/{out_order_no}/modify", path, with(modification)), 200, "collection", "order_id", "-openid")
	has(b.merchant("POST", "serviceorder/{out_order_no}/sync", path, with(object{"type": "Order_Paid", "detail": object{"paid_time": b.at(0)}})), 200, "collection", "openid", "state")
	has(query(), 200, "collection", "total_amount")

	o = own(nil)
	no = o["out_order_no"].(string)
	path = wechatpay.Path("out_order_no", no)
	has(b.merchant("POST", "serviceorder", wechatpay.JSON(o)), 200)
	a := b.merchant("POST", "serviceorder/{out_order_no}/cancel", path, with(object{"reason": "r"}))
	has(a, 200, "appid", "mchid", "out_order_no", "service_id", "order_id")
	if len(a.body) != 5 {
		t.Errorf("a cancel answers %v, want five members", a.body)
	}
	has(b.merchant("POST", "serviceorder/{out_order_no}/cancel", path, with(object{"reason": "r"})), 200, "order_id")

	o = own(nil)
	no = o["out_order_no"].(string)
	has(b.merchant("POST", "serviceorder", wechatpay.JSON(o)), 200)
	b.Confirm(no)
	b.Advance(time.Hour)
	completion["time_range"] = object{"end_time": b.at(-time.Minute)}
	path = wechatpay.Path("out_order_no", no)
	has(b.merchant("POST", "serviceorder/{out_order_no}/complete", path, with(completion)), 200)
	has(b.merchant("POST", "serviceorder/{out_order_no}/pay", path, with(nil)), 200, "appid", "mchid", "out_order_no", "service_id", "order_id")
}

func TestAMerchantNamesTheAppidOfTheOrder(t *testing.T) {
	t.Parallel()
	const other = "wx0000000000000001"
	b := newBench(t, func(w *world.World) { w.Merchants[0].AppIDs = append(w.Merchants[0].AppIDs, other) })
	o := own(nil)
	b.want(b.merchant("POST", "serviceorder", wechatpay.JSON(o)), "200")
	cancel := func(appID string) answer {
		return b.merchant("POST", "serviceorder/{out_order_no}/cancel", wechatpay.Path("out_order_no", o["out_order_no"].(string)), wechatpay.JSON(object{"appid": appID, "reason": "r"}))
	}
	b.want(cancel(other), "400 PARAM_ERROR appid与创建订单时的appid不一致")
	b.want(cancel("wx1"), "403 NO_AUTH")
	b.want(cancel(world.AppID), "200")
}

func TestAnOrderOfOneAccessIsNotThereForAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	b.want(b.merchant("GET", "serviceorder", wechatpay.Query("service_id", world.ServiceID), wechatpay.Query("appid", world.AppID), wechatpay.Query("out_order_no", no)), "404 ORDER_NOT_EXIST")
	b.want(b.merchant("POST", "acquiringbank/serviceorder/{out_order_no}/cancel", wechatpay.Path("out_order_no", no),
		wechatpay.JSON(object{"sub_mchid": world.SubMerchant, "channel_id": world.ChannelID, "reason": "r"})), "404 ORDER_NOT_EXIST")
}

func TestAnAcquiringInstitutionCollectsByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(object{"channel_id": world.ChannelID})
	no := o["out_order_no"].(string)
	path := wechatpay.Path("out_order_no", no)
	ids := object{"service_id": world.ServiceID, "sub_mchid": world.SubMerchant, "channel_id": world.ChannelID}
	with := func(other object) wechatpay.CallOption {
		body := maps.Clone(ids)
		maps.Copy(body, other)
		return wechatpay.JSON(body)
	}
	query := func() answer {
		return b.merchant("GET", "acquiringbank/serviceorder", wechatpay.Query("service_id", world.ServiceID), wechatpay.Query("sub_mchid", world.SubMerchant),
			wechatpay.Query("channel_id", world.ChannelID), wechatpay.Query("out_order_no", no))
	}
	if a := b.merchant("POST", "acquiringbank/serviceorder", wechatpay.JSON(o)); a.status != 200 || a.body["channel_id"] != world.ChannelID {
		t.Fatalf("answered %v %v", a, a.body)
	}
	b.Confirm(no)
	b.Advance(time.Hour)
	completion := b.completion(4000, object{"time_range": object{"start_time": b.at(-30 * time.Minute), "end_time": b.at(-time.Minute)}, "channel_id": world.ChannelID})
	b.want(b.merchant("POST", "acquiringbank/serviceorder/{out_order_no}/complete", path, wechatpay.JSON(completion)), "204")
	b.Advance(48 * time.Hour)
	if a := query(); a.body["state"] != "DOING" {
		t.Errorf("after two days the order is %v", a.body)
	}
	registration := with(object{"appid": world.AppID, "out_trade_no": "D1"})
	b.want(b.merchant("POST", "acquiringbank/serviceorder/{out_order_no}/registerdeductinfo", path, registration), "200")
	a := b.merchant("GET", "acquiringbank/serviceorder/deduction", wechatpay.Query("service_id", world.ServiceID), wechatpay.Query("appid", world.AppID),
		wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("channel_id", world.ChannelID), wechatpay.Query("out_order_no", no))
	if a.status != 200 || a.body["out_trade_no"] != "D1" {
		t.Errorf("the deduction is %v %v", a, a.body)
	}
	cancel := func() answer {
		return b.merchant("POST", "acquiringbank/serviceorder/{out_order_no}/cancel", path, with(object{"reason": "r"}))
	}
	b.want(cancel(), "400 INVALID_REQUEST 单据正在扣款中")
	b.Advance(24 * time.Hour)
	b.want(cancel(), "204")
}

func TestAnOverseasOrderHasACurrency(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const oversea = "oversea/partner/serviceorder"
	o := newOrder(object{"service_id": world.OverseaService, "currency": "HKD"})
	no := o["out_order_no"].(string)
	path := wechatpay.Path("out_order_no", no)
	o["currency"] = "USD"
	b.want(b.merchant("POST", oversea, wechatpay.JSON(o)), "400 PARAM_ERROR 标价币种与此服务的币种不一致")
	o["currency"] = "HKD"
	if a := b.merchant("POST", oversea, wechatpay.JSON(o)); a.status != 200 || a.body["currency"] != "HKD" {
		t.Fatalf("answered %v %v", a, a.body)
	}
	b.Confirm(no)
	b.Advance(time.Hour)
	completion := b.completion(4000, object{"service_id": world.OverseaService, "currency": "USD"})
	b.want(b.merchant("POST", oversea+"/{out_order_no}/complete", path, wechatpay.JSON(completion)), "400 PARAM_ERROR 标价币种与创建订单时不一致")
	completion["currency"] = "HKD"
	b.want(b.merchant("POST", oversea+"/{out_order_no}/complete", path, wechatpay.JSON(completion)), "204")
	b.want(b.merchant("POST", oversea+"/{out_order_no}/cancel", path, wechatpay.JSON(object{"service_id": world.OverseaService, "sub_mchid": world.SubMerchant, "reason": "r"})), "204")
	a := b.merchant("GET", oversea, wechatpay.Query("service_id", world.OverseaService), wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("out_order_no", no))
	if a.body["state"] != "REVOKED" || a.body["currency"] != "HKD" {
		t.Errorf("the order is %v", a.body)
	}
}

func TestAnOrderOnDelivery(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(object{"shopping_info": object{"goods": []object{{"name": "鞋", "picture": "https://example.com/1.jpg", "amount": 4000, "count": 1}}}})
	a := b.call(http.MethodPost, "v3/payscore/partner/servicepayondeliveryorder", wechatpay.JSON(o))
	if a.status != 200 || a.body["shopping_info"] == nil {
		t.Fatalf("answered %v %v", a, a.body)
	}
	no := o["out_order_no"].(string)
	b.Confirm(no)
	b.want(b.cancel(no, cancelBody("r")), "204")
}

const permissions = "v3/payscore/partner/permissions"

// permission is the content of asking for a grant.
func permission(code string, changes object) object {
	body := object{"service_id": world.GrantServiceID, "appid": world.AppID, "sub_mchid": world.SubMerchant, "authorization_code": code}
	maps.Copy(body, changes)
	return body
}

func TestAGrantFromItsBeginningToItsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := newReceiver(t, b)
	body := permission("C1", object{"notify_url": r.URL})
	a := b.call("POST", permissions, wechatpay.JSON(body))
	if token, _ := a.body["apply_permissions_token"].(string); a.status != 200 || token == "" || len(token) > 300 {
		t.Fatalf("answered %v %v", a, a.body)
	}
	query := func() answer {
		t.Helper()
		return b.call("GET", permissions+"/authorization-code/{authorization_code}", wechatpay.Path("authorization_code", "C1"),
			wechatpay.Query("service_id", world.GrantServiceID), wechatpay.Query("sub_mchid", world.SubMerchant))
	}
	if a := query(); a.body["authorization_state"] != "UNBINDUSER" || a.body["openid"] != nil {
		t.Errorf("before the user came: %v", a.body)
	}
	b.want(b.create(granted(nil)), "403 NO_AUTH")
	if err := b.Control().OpenService(t.Context(), control.Service{OpenID: world.OpenID, AuthorizationCode: "C1"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Control().OpenService(t.Context(), control.Service{OpenID: "o2", AuthorizationCode: "C1"}); err == nil {
		t.Error("one code was granted by two users")
	}
	a = query()
	if a.body["authorization_state"] != "AVAILABLE" || a.body["openid"] != world.OpenID || !regexp.MustCompile(`\.\d{3}\+08:00$`).MatchString(a.body["authorization_success_time"].(string)) {
		t.Errorf("after the grant: %v", a.body)
	}
	o := granted(nil)
	b.want(b.create(o), "200")
	end := func() answer {
		return b.call("POST", permissions+"/authorization-code/{authorization_code}/terminate", wechatpay.Path("authorization_code", "C1"),
			wechatpay.JSON(object{"service_id": world.GrantServiceID, "sub_mchid": world.SubMerchant, "reason": "用户退出"}))
	}
	b.want(end(), "400 INVALID_REQUEST 存在未完成订单")
	b.want(b.cancel(o["out_order_no"].(string), object{"sub_mchid": world.SubMerchant, "reason": "r"}), "204")
	b.want(end(), "204")
	b.want(end(), "204")
	if a := query(); a.body["authorization_state"] != "UNAVAILABLE" || a.body["cancel_authorization_time"] == nil {
		t.Errorf("after the end: %v", a.body)
	}
	b.want(b.create(granted(nil)), "403 NO_AUTH 商户暂无权限使用此服务")
	sent := b.Notifications()
	if len(sent) != 2 || sent[0].EventType != "PAYSCORE.USER_OPEN_SERVICE" || sent[1].EventType != "PAYSCORE.USER_CLOSE_SERVICE" {
		t.Fatalf("sent %+v", sent)
	}
	for i, status := range []string{"USER_OPEN_SERVICE", "USER_CLOSE_SERVICE"} {
		var told object
		if err := json.Unmarshal(sent[i].Resource, &told); err != nil {
			t.Fatal(err)
		}
		if told["user_service_status"] != status || told["openid"] != world.OpenID || told["authorization_code"] != "C1" || !regexp.MustCompile(`^\d{14}$`).MatchString(told["openorclose_time"].(string)) {
			t.Errorf("told %v", told)
		}
	}
}

func TestATokenIsGoodForAnHour(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := permission("C2", nil)
	first := b.call("POST", permissions, wechatpay.JSON(body))
	again := b.call("POST", permissions, wechatpay.JSON(body))
	if first.body["apply_permissions_token"] != again.body["apply_permissions_token"] {
		t.Error("asking again gives another token")
	}
	b.Advance(time.Hour)
	grant := control.Service{OpenID: world.OpenID, AuthorizationCode: "C2"}
	if err := b.Control().OpenService(t.Context(), grant); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("granting after an hour: %v", err)
	}
	b.want(b.call("POST", permissions, wechatpay.JSON(body)), "200")
	if err := b.Control().OpenService(t.Context(), grant); err != nil {
		t.Error(err)
	}
	b.want(b.call("POST", permissions, wechatpay.JSON(permission("C2", object{"notify_url": "https://example.com/other"}))), "400 INVALID_REQUEST 授权协议号已被使用")
}

func TestWhatAskingForAGrantRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, tt := range map[string]struct {
		body object
		want string
	}{
		"a service that confirms each order": {permission("C3", object{"service_id": world.ServiceID}), "403 NO_AUTH 商户暂无权限使用此服务"},
		"a code of 33 characters":            {permission(strings.Repeat("1", 33), nil), "400 PARAM_ERROR 输入源“/body/authorization_code”"},
		"a code with a blank":                {permission("a b", nil), "400 PARAM_ERROR 输入源“/body/authorization_code”"},
		"a sub-merchant of nobody":           {permission("C3", object{"sub_mchid": "1"}), "403 NO_AUTH mchid与sub_mchid之间Mma绑定关系不存在"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			b.want(b.call("POST", permissions, wechatpay.JSON(tt.body)), tt.want)
		})
	}
	b.want(b.call("POST", permissions+"/authorization-code/{authorization_code}/terminate", wechatpay.Path("authorization_code", "none"),
		wechatpay.JSON(object{"service_id": world.GrantServiceID, "sub_mchid": world.SubMerchant, "reason": "r"})), "400 INVALID_REQUEST 商户解除授权的授权码不是这个用户签约的授权")
}

func TestAGrantByItsUser(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	search := func(openID string) answer {
		return b.call("GET", permissions+"/search", wechatpay.Query("service_id", world.GrantServiceID), wechatpay.Query("appid", world.AppID),
			wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("openid", openID))
	}
	end := func() answer {
		return b.call("POST", permissions+"/terminate", wechatpay.JSON(object{
			"openid": world.OpenID, "service_id": world.GrantServiceID, "appid": world.AppID, "sub_mchid": world.SubMerchant, "reason": "r"}))
	}
	if a := search(world.OpenID); a.body["authorization_state"] != "UNAVAILABLE" {
		t.Errorf("before the grant: %v %v", a, a.body)
	}
	b.want(end(), "400 INVALID_REQUEST")
	if err := b.Control().OpenService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	if a := search(world.OpenID); a.body["authorization_state"] != "AVAILABLE" {
		t.Errorf("after the grant: %v %v", a, a.body)
	}
	b.want(search(""), "400 PARAM_ERROR")
	b.want(end(), "204")
	if a := search(world.OpenID); a.body["authorization_state"] != "UNAVAILABLE" {
		t.Errorf("after its end: %v %v", a, a.body)
	}
	openService := control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}
	if err := b.Control().OpenService(t.Context(), openService); err != nil {
		t.Fatal(err)
	}
	mine := func(path string, method string, opts ...wechatpay.CallOption) answer {
		return b.merchant(method, path, append(opts, wechatpay.Path("openid", world.OpenID))...)
	}
	if a := mine("permissions/openid/{openid}", "GET", wechatpay.Query("service_id", world.GrantServiceID), wechatpay.Query("appid", world.AppID)); a.body["authorization_state"] != "AVAILABLE" {
		t.Errorf("a merchant sees %v %v", a, a.body)
	}
	b.want(mine("permissions/openid/{openid}/terminate", "POST", wechatpay.JSON(object{"service_id": world.GrantServiceID, "appid": world.AppID, "reason": "r"})), "204")
	if err := b.Control().CloseService(t.Context(), openService); err != nil {
		t.Fatal(err)
	}
	if err := b.Control().CloseService(t.Context(), openService); err == nil {
		t.Error("a user ended a grant twice")
	}
}
