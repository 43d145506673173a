package sim_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// These tests are the rows of the domain notes on Pay Score about what merchants are told, and about
// grants and plans, that no other test is about.

// §10

// TestTheEnvelopeOfANotification looks at a notification as it comes over the wire.
func TestTheEnvelopeOfANotification(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"code":"SUCCESS","message":"成功"}`)
	}))
	t.Cleanup(server.Close)
	b.Confirm(b.created(object{"notify_url": server.URL}))
	if sent := b.Notifications(); len(sent) != 1 || !sent[0].Delivered {
		t.Fatalf("sent %+v", sent)
	}
	for _, name := range []string{"Wechatpay-Serial", "Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Request-Id"} {
		if header.Get(name) == "" {
			t.Errorf("there is no header %s", name)
		}
	}
	if got := header.Get("Wechatpay-Signature-Type"); got != "WECHATPAY2-SHA256-RSA2048" {
		t.Errorf("the signature is of type %q", got)
	}
	var envelope object
	if err := json.Unmarshal(body, &envelope); err != nil {
		t.Fatal(err)
	}
	wantExactly(t, "the notification", envelope, "id create_time event_type resource_type summary resource")
	wantMembers(t, envelope, object{"event_type": "PAYSCORE.USER_CONFIRM", "resource_type": "encrypt-resource"})
	if id := envelope["id"].(string); id == "" || len(id) > 36 {
		t.Errorf("the id is %s, want at most 36 characters", id)
	}
	if at := envelope["create_time"].(string); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$`).MatchString(at) {
		t.Errorf("it was made %s", at)
	}
	if summary := []rune(envelope["summary"].(string)); len(summary) == 0 || len(summary) > 64 {
		t.Errorf("the summary has %d characters", len(summary))
	}
	resource := envelope["resource"].(object)
	wantExactly(t, "the resource", resource, "original_type algorithm ciphertext nonce associated_data")
	wantMembers(t, resource, object{"original_type": "payscore", "algorithm": "AEAD_AES_256_GCM"})
	nonce, data := resource["nonce"].(string), resource["associated_data"].(string)
	if len(nonce) != 12 || len(data) >= 16 {
		t.Errorf("the nonce is %q, the associated data %q", nonce, data)
	}
	ciphertext, err := base64.StdEncoding.DecodeString(resource["ciphertext"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := crypt.OpenGCM(b.World.Merchants[0].APIv3Key, nonce, data, ciphertext); err != nil {
		t.Errorf("the service provider's key does not open it: %v", err)
	}
	if _, err := crypt.OpenGCM(b.World.Merchants[1].APIv3Key, nonce, data, ciphertext); err == nil {
		t.Error("the sub-merchant's key opens it")
	}
}

// plain is what a notification tells.
func plain(t *testing.T, n control.Notification) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(n.Resource, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestWhatTheNotificationsOfAnOrderTell(t *testing.T) {
	ids := map[string]string{"a service provider": "sub_mchid ", "a merchant": "", "an acquiring institution": "sub_mchid channel_id ", "an overseas institution": "sub_mchid currency "}
	const order = "appid mchid out_order_no service_id openid service_introduction state risk_fund time_range order_id need_collection "
	eachRole(t, func(t *testing.T, r role) {
		base := order + ids[r.name]
		no := r.confirmed(object{"location": object{"start_location": "客村"}, "attach": "a"})
		r.post(no, "complete", r.completion(4000))
		if _, err := r.Control().Pay(t.Context(), control.Order{OutOrderNo: no}); err != nil {
			t.Fatal(err)
		}
		sent := r.Notifications()
		if len(sent) != 2 || sent[0].EventType != "PAYSCORE.USER_CONFIRM" || sent[1].EventType != "PAYSCORE.USER_PAID" {
			t.Fatalf("sent %+v", sent)
		}
		confirmed, paid := plain(t, sent[0]), plain(t, sent[1])
		wantExactly(t, "USER_CONFIRM", confirmed, base+"location attach state_description")
		wantMembers(t, confirmed, object{"state": "DOING", "state_description": "USER_CONFIRM", "need_collection": false, "mchid": world.ServiceProvider, "openid": world.OpenID, "attach": "a"})
		wantExactly(t, "USER_PAID", paid, base+"location attach post_payments total_amount collection notify_url")
		wantMembers(t, paid, object{"state": "DONE", "need_collection": true, "total_amount": 4000, "out_order_no": no})
		collection := paid["collection"].(object)
		wantExactly(t, "the collection", collection, "state total_amount paying_amount paid_amount details")
		wantExactly(t, "the detail", collection["details"].([]any)[0].(object), "seq amount paid_type paid_time transaction_id")
	})
}

func TestUnderTheSubMerchantsAppidNotificationsNameItsUserOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.completed(4000, object{"sub_appid": world.SubAppID})
	b.Advance(time.Minute)
	body := permission("C1", object{"sub_appid": world.SubAppID, "notify_url": "https://example.com/notify"})
	b.want(b.call("POST", permissions, wechatpay.JSON(body)), "200")
	if err := b.Control().OpenService(t.Context(), control.Service{OpenID: world.OpenID, AuthorizationCode: "C1"}); err != nil {
		t.Fatal(err)
	}
	sent := b.Notifications()
	if len(sent) != 3 {
		t.Fatalf("sent %+v", sent)
	}
	for _, n := range sent {
		wantMembers(t, plain(t, n), object{"sub_openid": world.OpenID, "sub_appid": world.SubAppID, "openid": nil})
	}
	wantMembers(t, b.query(no).body, object{"sub_openid": world.OpenID, "openid": nil})
}

// TestWhatIsNotNotified is the changes of an order of which no notification is documented.
func TestWhatIsNotNotified(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cancelled, completed := b.confirmed(nil), b.confirmed(nil)
	waiting := b.created(nil)
	before := len(b.Notifications())
	b.Advance(time.Hour)
	b.want(b.cancel(cancelled, cancelBody("r")), "204")
	b.want(b.act(completed, "complete", b.completion(4000, nil)), "204")
	b.want(b.act(completed, "modify", b.modification(3000, nil)), "204")
	b.want(b.act(completed, "sync", b.synchronised(nil)), "204")
	b.Advance(31 * 24 * time.Hour)
	b.wantState(waiting, "EXPIRED")
	if n := b.Notifications(); len(n) != before {
		t.Errorf("sent %+v", n[before:])
	}
}

func TestGrantsAreNotifiedToWhoAsked(t *testing.T) {
	t.Parallel()
	ids := map[string]string{"partner/": "sub_mchid", "": "", "acquiringbank/": "sub_mchid channel_id"}
	for prefix, more := range ids {
		b := newBench(t)
		body := permission("C1", object{"notify_url": "https://example.com/notify"})
		switch prefix {
		case "":
			delete(body, "sub_mchid")
		case "acquiringbank/":
			body["channel_id"] = world.ChannelID
		}
		a := b.merchant("POST", prefix+"permissions", wechatpay.JSON(body))
		b.want(a, "200")
		wantExactly(t, prefix+"permissions", a.body, "apply_permissions_token")
		if err := b.Control().OpenService(t.Context(), control.Service{OpenID: world.OpenID, AuthorizationCode: "C1"}); err != nil {
			t.Fatal(err)
		}
		if err := b.Control().CloseService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
			t.Fatal(err)
		}
		sent := b.Notifications()
		if len(sent) != 2 || sent[0].EventType != "PAYSCORE.USER_OPEN_SERVICE" || sent[1].EventType != "PAYSCORE.USER_CLOSE_SERVICE" {
			t.Fatalf("%s: sent %+v", prefix, sent)
		}
		for _, n := range sent {
			told := plain(t, n)
			wantExactly(t, prefix+n.EventType, told, "appid mchid service_id openid user_service_status openorclose_time authorization_code "+more)
			wantMembers(t, told, object{"user_service_status": strings.TrimPrefix(n.EventType, "PAYSCORE."), "mchid": world.ServiceProvider})
		}
	}
}

func TestAWishForAGrantThatNobodyGaveIsTakenBackSilently(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(b.call("POST", permissions, wechatpay.JSON(permission("C1", object{"notify_url": "https://example.com/notify"}))), "200")
	b.want(b.call("POST", permissions+"/authorization-code/{authorization_code}/terminate", wechatpay.Path("authorization_code", "C1"),
		wechatpay.JSON(object{"service_id": world.GrantServiceID, "sub_mchid": world.SubMerchant, "reason": "r"})), "204")
	if sent := b.Notifications(); len(sent) != 0 {
		t.Errorf("sent %+v", sent)
	}
}

func TestWhatABindingTells(t *testing.T) {
	t.Parallel()
	b := newBench(t, withNewcomer)
	const told = "service_id appid mchid sub_mchid out_apply_no apply_state"
	for _, no := range []string{"A1", "A2"} {
		wantExactly(t, "the answer", b.apply(application(no, object{"result_notify_url": "https://example.com/notify"})).body, told+" result_notify_url")
	}
	if err := b.Control().Approve(t.Context(), control.Application{OutApplyNo: "A1"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Control().Reject(t.Context(), control.Application{OutApplyNo: "A2", RejectReason: "资料不全"}); err != nil {
		t.Fatal(err)
	}
	sent := b.Notifications()
	if len(sent) != 2 {
		t.Fatalf("sent %+v", sent)
	}
	wantExactly(t, "an approval", plain(t, sent[0]), told)
	wantExactly(t, "a rejection", plain(t, sent[1]), told+" reject_reason")
}

func TestAMerchantHasFiveSecondsToAnswer(t *testing.T) {
	t.Parallel()
	if notify.Deadline != 5*time.Second {
		t.Errorf("a merchant has %v", notify.Deadline)
	}
}

// §12

func TestWhatAGrantShows(t *testing.T) {
	t.Parallel()
	for prefix, more := range map[string]string{
		"partner/": "sub_mchid user_risk_level risk_level_version", "": "user_risk_level risk_level_version", "acquiringbank/": "sub_mchid channel_id",
	} {
		b := newBench(t)
		body := permission("C1", object{"notify_url": "https://example.com/notify"})
		opts := []wechatpay.CallOption{wechatpay.Path("authorization_code", "C1"), wechatpay.Query("service_id", world.GrantServiceID)}
		end := object{"service_id": world.GrantServiceID, "reason": "r"}
		if prefix == "" {
			delete(body, "sub_mchid")
		} else {
			end["sub_mchid"] = world.SubMerchant
			opts = append(opts, wechatpay.Query("sub_mchid", world.SubMerchant))
		}
		if prefix == "acquiringbank/" {
			body["channel_id"], end["channel_id"] = world.ChannelID, world.ChannelID
			opts = append(opts, wechatpay.Query("channel_id", world.ChannelID))
		}
		b.want(b.merchant("POST", prefix+"permissions", wechatpay.JSON(body)), "200")
		query := func() object {
			t.Helper()
			a := b.merchant("GET", prefix+"permissions/authorization-code/{authorization_code}", opts...)
			b.want(a, "200")
			return a.body
		}
		const record = "service_id appid mchid authorization_code authorization_state notify_url "
		unbound := strings.NewReplacer("user_risk_level", "", "risk_level_version", "").Replace(more)
		wantExactly(t, prefix+"a wish", query(), record+unbound)
		if err := b.Control().OpenService(t.Context(), control.Service{OpenID: world.OpenID, AuthorizationCode: "C1"}); err != nil {
			t.Fatal(err)
		}
		wantExactly(t, prefix+"a grant", query(), record+"openid authorization_success_time "+more)
		a := b.merchant("POST", prefix+"permissions/authorization-code/{authorization_code}/terminate", wechatpay.Path("authorization_code", "C1"), wechatpay.JSON(end))
		b.want(a, "204")
		ended := query()
		wantExactly(t, prefix+"a grant that has ended", ended, record+"openid authorization_success_time cancel_authorization_time "+more)
		for _, name := range []string{"authorization_success_time", "cancel_authorization_time"} {
			if at := ended[name].(string); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$`).MatchString(at) {
				t.Errorf("%s is %s", name, at)
			}
		}
	}
}

func TestAGrantInsideOfAPayment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	scene := func(changes object) answer {
		body := permission("C1", object{"scene": "TRANSACTION", "transaction_scene_info": object{"mchid": world.ServiceProvider, "sub_mchid": world.SubMerchant}})
		maps.Copy(body, changes)
		return b.call("POST", permissions+"/apply-for-scene", wechatpay.JSON(body))
	}
	a := scene(nil)
	b.want(a, "200")
	wantExactly(t, "the answer", a.body, "scene transaction_permissions_token")
	wantMembers(t, a.body, object{"scene": "TRANSACTION"})
	if token := a.body["transaction_permissions_token"].(string); token == "" || len(token) > 300 {
		t.Errorf("the token has %d characters, want 1 to 300", len(token))
	}
	b.want(scene(object{"scene": "OTHER"}), "400 PARAM_ERROR 输入源“/body/scene”")
	b.want(scene(object{"transaction_scene_info": object{"mchid": "1"}}), "400 PARAM_ERROR 输入源“/body/transaction_scene_info/sub_mchid”")
	if err := b.Control().OpenService(t.Context(), control.Service{OpenID: world.OpenID, AuthorizationCode: "C1"}); err != nil {
		t.Fatal(err)
	}
	b.want(b.create(granted(nil)), "200")
}

func TestACodeIsOneOfTheServiceProvider(t *testing.T) {
	t.Parallel()
	const other = "1900000999"
	b := newBench(t, func(w *world.World) {
		w.Merchants = append(w.Merchants, world.Merchant{MchID: other, Parents: []string{world.ServiceProvider}, Grants: []string{"payscore"}})
		w.Services[1].Bindings = append(slices.Clone(w.Services[1].Bindings), world.Binding{MchID: world.ServiceProvider, AppID: world.AppID, SubMchID: other})
	})
	b.want(b.call("POST", permissions, wechatpay.JSON(permission("C1", nil))), "200")
	b.want(b.call("POST", permissions, wechatpay.JSON(permission("C1", object{"sub_mchid": other}))), "400 INVALID_REQUEST 授权协议号已被使用")
	b.want(b.call("POST", permissions, wechatpay.JSON(permission("C2", object{"sub_mchid": other}))), "200")
}

// TestAGrantNamesTheAppidThatItWasGivenTo: not that of who asks about it.
func TestAGrantNamesTheAppidThatItWasGivenTo(t *testing.T) {
	t.Parallel()
	const other = "wx0000000000000001"
	b := newBench(t, func(w *world.World) {
		w.Merchants[0].AppIDs = append(w.Merchants[0].AppIDs, other)
		w.Services[1].Bindings = append(slices.Clone(w.Services[1].Bindings), world.Binding{MchID: world.ServiceProvider, AppID: other, SubMchID: world.SubMerchant})
	})
	b.want(b.call("POST", permissions, wechatpay.JSON(permission("C1", nil))), "200")
	if err := b.Control().OpenService(t.Context(), control.Service{OpenID: world.OpenID, AuthorizationCode: "C1"}); err != nil {
		t.Fatal(err)
	}
	search := func(pairs ...string) answer {
		opts := []wechatpay.CallOption{wechatpay.Query("service_id", world.GrantServiceID), wechatpay.Query("appid", other), wechatpay.Query("sub_mchid", world.SubMerchant)}
		for pair := range slices.Chunk(pairs, 2) {
			opts = append(opts, wechatpay.Query(pair[0], pair[1]))
		}
		return b.call("GET", permissions+"/search", opts...)
	}
	wantMembers(t, search("openid", world.OpenID).body, object{"appid": world.AppID, "authorization_state": "AVAILABLE", "authorization_code": "C1"})
	b.want(search("openid", world.OpenID, "sub_openid", "o1"), "400 PARAM_ERROR openid和sub_openid必须且只能填写一个")
	b.want(search("sub_openid", "o1"), "400 PARAM_ERROR 填写sub_openid时，sub_appid必填")
	b.want(search(), "400 PARAM_ERROR openid和sub_openid必须且只能填写一个")
}

func TestAGrantIsEndedByTheUsersPathToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := permission("C1", nil)
	delete(body, "sub_mchid")
	b.want(b.merchant("POST", "permissions", wechatpay.JSON(body)), "200")
	if err := b.Control().OpenService(t.Context(), control.Service{OpenID: world.OpenID, AuthorizationCode: "C1"}); err != nil {
		t.Fatal(err)
	}
	b.want(b.merchant("POST", "users/{openid}/permissions/{service_id}/terminate", wechatpay.Path("openid", world.OpenID), wechatpay.Path("service_id", world.GrantServiceID),
		wechatpay.JSON(object{"appid": world.AppID, "reason": "r"})), "204")
	a := b.merchant("GET", "permissions/openid/{openid}", wechatpay.Path("openid", world.OpenID), wechatpay.Query("service_id", world.GrantServiceID), wechatpay.Query("appid", world.AppID))
	wantMembers(t, a.body, object{"authorization_state": "UNAVAILABLE"})
}

// §13

func TestWhatASignatureShows(t *testing.T) {
	bothSellers(t, func(t *testing.T, s seller) {
		sub := ""
		if s.partner {
			sub = " sub_mchid"
		}
		plan := s.createPlan(newPlan(), nil)
		const terms = "plan_id service_id mchid appid merchant_plan_no plan_name plan_duration deduction_quantity total_original_price total_actual_price plan_detail_list plan_state"
		wantExactly(t, "a plan", plan.body, terms+sub)
		stopped := s.planCall("POST", plan.body["merchant_plan_no"].(string), "/stop")
		wantExactly(t, "a plan that was stopped", stopped.body, terms+sub+" stop_mchid stop_time")
		a := s.askToSign(newSignature(s.createPlan(newPlan(), nil).body["plan_id"].(string)), nil)
		wantExactly(t, "the answer", a.body, "sign_plan package")
		signature := a.body["sign_plan"].(object)
		wantExactly(t, "a signature", signature, "sign_plan_id openid service_id mchid appid merchant_sign_plan_no merchant_callback_url plan_id going_detail_no sign_state cancel_sign_time "+
			"cancel_sign_type cancel_reason plan_name plan_over_time total_origin_price deduction_quantity total_actual_price signed_detail_list sign_time"+sub)
		for i, d := range signature["signed_detail_list"].([]any) {
			wantMembers(t, d.(object), object{"plan_detail_no": i + 1, "plan_detail_state": "NOT_USED", "order_id": "", "actual_pay_price": 0})
		}
	})
}
