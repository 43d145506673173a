package sim_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

const (
	applications = "v3/payscore/partner/service-account-applications"
	newcomer     = "1900000555" // a sub-merchant that is bound to no service
)

// withNewcomer adds a sub-merchant whose binding has to be applied for.
func withNewcomer(w *world.World) {
	w.Merchants = append(w.Merchants, world.Merchant{MchID: newcomer, Parents: []string{world.ServiceProvider}, Grants: []string{"payscore"}})
}

func application(no string, changes object) object {
	body := object{"service_id": world.ServiceID, "appid": world.AppID, "sub_mchid": newcomer, "out_apply_no": no}
	maps.Copy(body, changes)
	return body
}

func (b *bench) apply(body object) answer {
	b.t.Helper()
	return b.call(http.MethodPost, applications, wechatpay.JSON(body))
}

func (b *bench) application(no string) answer {
	b.t.Helper()
	return b.call(http.MethodGet, applications+"/{out_apply_no}", wechatpay.Path("out_apply_no", no))
}

func TestASubMerchantIsBoundByAnApplication(t *testing.T) {
	t.Parallel()
	b := newBench(t, withNewcomer)
	r := newReceiver(t, b)
	order := newOrder(object{"sub_mchid": newcomer})
	body := application("A1", object{"result_notify_url": r.URL})
	a := b.apply(body)
	b.want(a, "200")
	wantMembers(t, a.body, object{"apply_state": "PROCESSING", "mchid": world.ServiceProvider, "sub_mchid": newcomer, "out_apply_no": "A1", "result_notify_url": r.URL, "reject_reason": nil})
	b.want(b.create(order), "403 NO_AUTH 商户暂无权限使用此服务")
	if err := b.Control().Approve(t.Context(), control.Application{OutApplyNo: "A1"}); err != nil {
		t.Fatal(err)
	}
	wantMembers(t, b.application("A1").body, object{"apply_state": "APPROVED"})
	wantMembers(t, b.apply(body).body, object{"apply_state": "APPROVED"})
	b.want(b.create(order), "200")
	b.want(b.create(newOrder(object{"sub_mchid": newcomer, "service_id": world.GrantServiceID, "need_user_confirm": false, "openid": world.OpenID})), "403 NO_AUTH 商户暂无权限使用此服务")
	b.Advance(0)
	told := r.told(t, "PAYSCORE.BIND_SERVICE_ACCOUNT")
	if len(told) != 1 {
		t.Fatalf("told %v", told)
	}
	wantMembers(t, told[0], object{"service_id": world.ServiceID, "appid": world.AppID, "mchid": world.ServiceProvider, "sub_mchid": newcomer,
		"out_apply_no": "A1", "apply_state": "APPROVED", "reject_reason": nil})
	if err := b.Control().Reject(t.Context(), control.Application{OutApplyNo: "A1"}); err == nil {
		t.Error("an application was decided twice")
	}
}

func TestAnApplicationIsRejected(t *testing.T) {
	t.Parallel()
	b := newBench(t, withNewcomer)
	r := newReceiver(t, b)
	b.want(b.apply(application("A2", object{"result_notify_url": r.URL})), "200")
	if err := b.Control().Reject(t.Context(), control.Application{OutApplyNo: "A2", MchID: world.ServiceProvider, RejectReason: "资料不全"}); err != nil {
		t.Fatal(err)
	}
	want := object{"apply_state": "REJECTED", "reject_reason": "资料不全"}
	wantMembers(t, b.application("A2").body, want)
	b.want(b.create(newOrder(object{"sub_mchid": newcomer})), "403 NO_AUTH 商户暂无权限使用此服务")
	b.Advance(0)
	if told := r.told(t, "PAYSCORE.BIND_SERVICE_ACCOUNT"); len(told) != 1 {
		t.Errorf("told %v", told)
	} else {
		wantMembers(t, told[0], want)
	}
}

func TestAnApplicationWithoutAnAddressIsNotNotified(t *testing.T) {
	t.Parallel()
	b := newBench(t, withNewcomer)
	b.want(b.apply(application("A3", nil)), "200")
	if err := b.Control().Approve(t.Context(), control.Application{OutApplyNo: "A3"}); err != nil {
		t.Fatal(err)
	}
	if sent := b.Notifications(); len(sent) != 0 {
		t.Errorf("sent %+v", sent)
	}
}

func TestABindingIsNotifiedOnTheCommonLadder(t *testing.T) {
	t.Parallel()
	b := newBench(t, withNewcomer)
	r := newReceiver(t, b)
	r.refuse(100)
	b.want(b.apply(application("A4", object{"result_notify_url": r.URL})), "200")
	if err := b.Control().Approve(t.Context(), control.Application{OutApplyNo: "A4"}); err != nil {
		t.Fatal(err)
	}
	b.Advance(4 * time.Hour)
	var got []time.Duration
	n := b.Notifications()[0]
	for i := range n.Attempts[1:] {
		got = append(got, n.Attempts[i+1].At.Sub(n.Attempts[i].At).Round(time.Second))
	}
	const s, m = time.Second, time.Minute
	if want := []time.Duration{15 * s, 15 * s, 30 * s, 3 * m, 30 * m, 30 * m, 30 * m, 30 * m, 60 * m}; !slices.Equal(got, want) {
		t.Errorf("there were %v between the deliveries, want %v", got, want)
	}
}

func TestWhatAnApplicationRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, withNewcomer, func(w *world.World) {
		w.Services = append(w.Services, world.Service{ServiceID: "500001", Confirm: true, Cap: 1})
	})
	b.want(b.apply(application("A5", nil)), "200")
	for name, tt := range map[string]struct {
		body object
		want string
	}{
		"a service that is not the service provider's": {application("A6", object{"service_id": "500001"}), "403 NO_AUTH 商户暂无权限，绑定失败"},
		"a service that does not exist":                {application("A6", object{"service_id": "1"}), "403 NO_AUTH 商户暂无权限，绑定失败"},
		"a sub-merchant of nobody":                     {application("A6", object{"sub_mchid": "1"}), "403 NO_AUTH mchid与sub_mchid之间Mma绑定关系不存在"},
		"a number that was used for something else":    {application("A5", object{"service_id": world.GrantServiceID}), "400 INVALID_REQUEST 申请单号已被使用"},
		"a number with another character":              {application("A|6", nil), "400 PARAM_ERROR 输入源“/body/out_apply_no”"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			b.want(b.apply(tt.body), tt.want)
		})
	}
	b.want(b.application("A6"), "404 ORDER_NOT_EXIST")
	b.want(b.application("A5"), "200")
}

func TestAJournalBringsBindingsBack(t *testing.T) {
	t.Parallel()
	journal := new(memory)
	w := simtest.World(t)
	withNewcomer(w)
	start := func() *bench {
		g := simtest.StartWith(t, sim.Config{World: w, Journal: journal})
		return &bench{g, g.Client(), t}
	}
	first := start()
	first.want(first.apply(application("A7", nil)), "200")
	if err := first.Control().Approve(t.Context(), control.Application{OutApplyNo: "A7"}); err != nil {
		t.Fatal(err)
	}
	second := start()
	second.want(second.create(newOrder(object{"sub_mchid": newcomer})), "200")
}

func TestTheLevelOfAUser(t *testing.T) {
	t.Parallel()
	const risky = "oRisky"
	b := newBench(t, func(w *world.World) { w.Users = append(w.Users, world.User{OpenID: risky, RiskLevel: 3}) })
	partner := func(members object) answer {
		body := object{"service_id": world.GrantServiceID, "appid": world.AppID}
		maps.Copy(body, members)
		return b.call("POST", permissions+"/assess-user-risk-level", wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.JSON(body))
	}
	wantMembers(t, partner(object{"openid": world.OpenID}).body, object{"authorization_state": "UNAVAILABLE", "user_risk_level": 1, "risk_level_version": 1,
		"mchid": world.ServiceProvider, "sub_mchid": world.SubMerchant, "openid": world.OpenID})
	wantMembers(t, partner(object{"openid": risky}).body, object{"user_risk_level": 3})
	wantMembers(t, partner(object{"sub_openid": risky, "sub_appid": world.SubAppID}).body, object{"user_risk_level": 3, "sub_openid": risky, "openid": nil})

	b.want(b.call("POST", permissions, wechatpay.JSON(permission("L1", nil))), "200")
	wantMembers(t, partner(object{"authorization_code": "L1"}).body, object{"authorization_state": "UNBINDUSER", "user_risk_level": nil})
	if err := b.Control().OpenService(t.Context(), control.Service{OpenID: risky, AuthorizationCode: "L1"}); err != nil {
		t.Fatal(err)
	}
	want := object{"authorization_state": "AVAILABLE", "authorization_code": "L1", "user_risk_level": 3, "risk_level_version": 1}
	wantMembers(t, partner(object{"authorization_code": "L1"}).body, want)
	wantMembers(t, b.call("GET", permissions+"/authorization-code/{authorization_code}", wechatpay.Path("authorization_code", "L1"),
		wechatpay.Query("service_id", world.GrantServiceID), wechatpay.Query("sub_mchid", world.SubMerchant)).body, want)
	wantMembers(t, b.call("GET", permissions+"/search", wechatpay.Query("service_id", world.GrantServiceID), wechatpay.Query("appid", world.AppID),
		wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("openid", risky)).body, want)

	b.want(partner(nil), "400 PARAM_ERROR")
	b.want(partner(object{"authorization_code": "L1", "openid": risky}), "400 PARAM_ERROR authorization_code、openid和sub_openid必须且只能填写一个")
	b.want(partner(object{"authorization_code": "none"}), "400 INVALID_REQUEST")
	b.want(partner(object{"openid": risky, "service_id": "1"}), "403 NO_AUTH")

	goods := object{"goods": []object{{"name": "鞋", "picture": "https://example.com/1.jpg", "amount": 4000, "count": 1}}}
	a := b.merchant("POST", "permissions/assess-user-risk-level", wechatpay.JSON(object{"service_id": world.GrantServiceID, "appid": world.AppID, "openid": risky, "shopping_info": goods}))
	wantMembers(t, a.body, object{"user_risk_level": 3, "risk_level_version": 1, "sub_mchid": nil, "mchid": world.ServiceProvider})
}

func TestTheSuggestedQuotasOfAService(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	quotas := func(serviceID string, version int) answer {
		return b.merchant("GET", "partner/servicequotas/service-id/{service_id}", wechatpay.Path("service_id", serviceID), wechatpay.Query("sub_mchid", world.SubMerchant),
			wechatpay.Query("appid", world.AppID), wechatpay.Query("risk_level_version", strconv.Itoa(version)))
	}
	a := quotas(world.GrantServiceID, 1)
	wantMembers(t, a.body, object{"service_id": world.GrantServiceID, "mchid": world.ServiceProvider, "sub_mchid": world.SubMerchant, "appid": world.AppID, "risk_level_version": 1,
		"quotas": []object{{"risk_level": 1, "suggested_quota": 20000}, {"risk_level": 2, "suggested_quota": 10000}, {"risk_level": 3, "suggested_quota": 5000}}})
	if a := quotas(world.OverseaService, 1); a.status != 200 || a.body["quotas"] == nil {
		t.Errorf("a service without quotas: %v %v", a, a.body)
	}
	b.want(quotas(world.GrantServiceID, 2), "400 PARAM_ERROR 分层版本不存在")
	b.want(quotas("1", 1), "403 NO_AUTH")
}
