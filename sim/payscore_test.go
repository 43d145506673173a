package sim_test

import (
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

func TestAnOrderIsCreatedConfirmedAndCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	b.wantState(no, "CREATED")
	b.Confirm(no)
	b.wantState(no, "DOING/USER_CONFIRM")
	a := b.cancel(no, cancelBody("用户取消"))
	if a.status != http.StatusNoContent || len(a.res.Body) != 0 || !a.res.Verified {
		t.Errorf("answered %+v", a.res)
	}
	b.wantState(no, "REVOKED")
}

func TestWhatACreatedOrderAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(object{
		"post_payments":  []object{{"name": "就餐费用", "amount": 4000, "description": "就餐人均100元", "count": 4}},
		"post_discounts": []object{{"name": "满20减1元", "description": "不与其他优惠叠加", "amount": 100}},
		"location":       object{"start_location": "嗨客时尚主题展餐厅"},
		"attach":         "Easdfowealsdkjfnlaksjdlfkwqoi",
	})
	a := b.create(o)
	if a.status != http.StatusOK {
		t.Fatal(a)
	}
	if a.body["mchid"] != world.ServiceProvider || a.body["state"] != "CREATED" {
		t.Errorf("answered %v", a.body)
	}
	for name := range o {
		if a.body[name] == nil {
			t.Errorf("%s is not in the answer", name)
		}
	}
	if id := a.body["order_id"].(string); !regexp.MustCompile(`^1000000000\d{21}$`).MatchString(id) {
		t.Errorf("the order_id is %s, want 31 digits that begin with 1000000000", id)
	}
	if p := a.body["package"].(string); p == "" || len(p) > 300 {
		t.Errorf("the package has %d characters, want 1 to 300", len(p))
	}
	for _, name := range []string{"openid", "state_description", "total_amount", "collection"} {
		if _, ok := a.body[name]; ok {
			t.Errorf("the answer has %s", name)
		}
	}
}

// TestWhatCreateRefuses is every rule about the content of a new order.
func TestWhatCreateRefuses(t *testing.T) {
	t.Parallel()
	payment := func(item object) object { return object{"post_payments": []object{item}} }
	risk := func(name string, amount any) object {
		return object{"risk_fund": object{"name": name, "amount": amount}}
	}
	tests := map[string]struct {
		change object
		want   string
	}{
		"a number is required":                                     {object{"out_order_no": nil}, "400 PARAM_ERROR 输入源“/body/out_order_no”映射到字段“商户服务订单号”必填性规则校验失败，此字段为必填项"},
		"a service_id is required":                                 {object{"service_id": nil}, "400 PARAM_ERROR 输入源“/body/service_id”映射到字段“服务ID”必填性规则校验失败"},
		"a sub-merchant is required":                               {object{"sub_mchid": nil}, "400 PARAM_ERROR 输入源“/body/sub_mchid”映射到字段“子商户号”必填性规则校验失败"},
		"an appid is required":                                     {object{"appid": nil}, "400 PARAM_ERROR 输入源“/body/appid”"},
		"an introduction is required":                              {object{"service_introduction": nil}, "400 PARAM_ERROR 输入源“/body/service_introduction”映射到字段“服务信息”必填性规则校验失败"},
		"a risk fund is required":                                  {object{"risk_fund": nil}, "400 PARAM_ERROR 输入源“/body/risk_fund”"},
		"the risk fund's amount is required":                       {object{"risk_fund": object{"name": "DEPOSIT"}}, "400 PARAM_ERROR 输入源“/body/risk_fund/amount”"},
		"a time range is required":                                 {object{"time_range": nil}, "400 PARAM_ERROR 输入源“/body/time_range”"},
		"a notify_url is required":                                 {object{"notify_url": nil}, "400 PARAM_ERROR 输入源“/body/notify_url”"},
		"a number has at most 32 characters":                       {object{"out_order_no": strings.Repeat("1", 33)}, "400 PARAM_ERROR 输入源“/body/out_order_no”映射到值字段“商户服务订单号”字符串规则校验失败，字符数 33，大于最大值 32"},
		"a number has letters, digits and four other characters":   {object{"out_order_no": "a b"}, "400 PARAM_ERROR 输入源“/body/out_order_no”映射到值字段“商户服务订单号”字符串规则校验失败，字符串必须匹配正则表达式“^[0-9a-zA-Z_\\-\\|\\*]+$”"},
		"a service_id has at most 32 digits":                       {object{"service_id": strings.Repeat("1", 33)}, "400 PARAM_ERROR 输入源“/body/service_id”映射到值字段“服务ID”字符串规则校验失败，字符数 33，大于最大值 32"},
		"an introduction has at most 20 characters":                {object{"service_introduction": strings.Repeat("服", 21)}, "400 PARAM_ERROR 输入源“/body/service_introduction”映射到值字段“服务信息”字符串规则校验失败，字符数 21，大于最大值 20"},
		"an attach has at most 256 characters":                     {object{"attach": strings.Repeat("a", 257)}, "400 PARAM_ERROR 输入源“/body/attach”"},
		"a notify_url has at most 255 characters":                  {object{"notify_url": "https://example.com/" + strings.Repeat("a", 240)}, "400 PARAM_ERROR 输入源“/body/notify_url”"},
		"a notify_url has no query":                                {object{"notify_url": "https://example.com/?a=1"}, "400 PARAM_ERROR 输入源“/body/notify_url”"},
		"a notify_url is a URL":                                    {object{"notify_url": "example.com"}, "400 PARAM_ERROR 输入源“/body/notify_url”"},
		"an openid has at most 128 characters":                     {object{"openid": strings.Repeat("o", 129)}, "400 PARAM_ERROR 输入源“/body/openid”"},
		"a number of items is an array":                            {object{"post_payments": object{}}, "400 PARAM_ERROR 无法将 JSON 输入源“/body/post_payments”映射到多重字段“后付费项目”中，此字段需要 JSON 数组对象"},
		"there are at most 100 items":                              {object{"post_payments": slices.Repeat([]object{{"name": "商品信息", "amount": 1}}, 101)}, "400 PARAM_ERROR 输入源“/body/post_payments”"},
		"an item's name has at most 20 characters":                 {payment(object{"name": strings.Repeat("费", 21), "amount": 1}), "400 PARAM_ERROR 输入源“/body/post_payments/0/name”"},
		"an item has an amount or a description":                   {payment(object{"name": "费用"}), "400 PARAM_ERROR 后付费项目的金额和计费说明至少填写一个"},
		"an item's description has at most 30 characters":          {payment(object{"name": "费用", "description": strings.Repeat("费", 31)}), "400 PARAM_ERROR 输入源“/body/post_payments/0/description”"},
		"an item's amount is not negative":                         {payment(object{"name": "费用", "amount": -1}), "400 PARAM_ERROR 输入源“/body/post_payments/0/amount”"},
		"an item's amount is an integer":                           {payment(object{"name": "费用", "amount": 0.5}), "400 PARAM_ERROR 无法将 JSON 输入源“/body/post_payments/0/amount”映射到目标字段“金额”中，此字段需要一个合法的 64 位有符号整数"},
		"an item's amount is not a string":                         {payment(object{"name": "费用", "amount": "100"}), "400 PARAM_ERROR 无法将 JSON 输入源“/body/post_payments/0/amount”"},
		"an item's count is at least 1":                            {payment(object{"name": "费用", "amount": 1, "count": 0}), "400 PARAM_ERROR 输入源“/body/post_payments/0/count”"},
		"an item's count is at most 100":                           {payment(object{"name": "费用", "amount": 1, "count": 101}), "400 PARAM_ERROR 输入源“/body/post_payments/0/count”"},
		"two items do not have one name":                           {object{"post_payments": []object{{"name": "费用", "amount": 1}, {"name": "费用", "amount": 2}}}, "400 PARAM_ERROR 后付费项目名称不能重复"},
		"a discount's name has at most 20 characters":              {object{"post_discounts": []object{{"name": strings.Repeat("减", 21), "description": "减"}}}, "400 PARAM_ERROR 输入源“/body/post_discounts/0/name”"},
		"a discount's description has at most 30 characters":       {object{"post_discounts": []object{{"name": "减", "description": strings.Repeat("减", 31)}}}, "400 PARAM_ERROR 输入源“/body/post_discounts/0/description”"},
		"a discount has a description":                             {object{"post_discounts": []object{{"name": "减"}}}, "400 PARAM_ERROR"},
		"two discounts do not have one name":                       {object{"post_discounts": []object{{"name": "减", "description": "a"}, {"name": "减", "description": "b"}}}, "400 PARAM_ERROR 后付费商户优惠名称不能重复"},
		"a risk fund's name is one of four":                        {risk("RISK", 100), "400 PARAM_ERROR 输入源“/body/risk_fund/name”"},
		"the enjoy-first name is not for a deposit-waived service": {risk("ESTIMATE_ORDER_COST", 100), "400 PARAM_ERROR 风险金名称与此服务的模式不匹配"},
		"a risk amount is more than 0":                             {risk("DEPOSIT", 0), "400 PARAM_ERROR 输入源“/body/risk_fund/amount”"},
		"a risk amount is not above the service's cap":             {risk("DEPOSIT", 20001), "400 INVALID_REQUEST 创建订单的订单风险金额超过此服务的服务风险金额"},
		"a risk description has at most 30 characters":             {object{"risk_fund": object{"name": "DEPOSIT", "amount": 1, "description": strings.Repeat("押", 31)}}, "400 PARAM_ERROR 输入源“/body/risk_fund/description”"},
		"items without discounts are not above the service's cap":  {payment(object{"name": "费用", "amount": 20001}), "400 INVALID_REQUEST 创建订单的订单风险金额超过此服务的服务风险金额"},
		"an end location comes with a start location":              {object{"location": object{"end_location": "b"}}, "400 PARAM_ERROR 未填写服务开始地点时，不可填写服务结束地点"},
		"a location has at most 50 characters":                     {object{"location": object{"start_location": strings.Repeat("路", 51)}}, "400 PARAM_ERROR 输入源“/body/location/start_location”"},
		"a device has at most 50 characters":                       {object{"device": object{"start_device_id": strings.Repeat("1", 51)}}, "400 PARAM_ERROR 输入源“/body/device/start_device_id”"},
		"null is not a value":                                      {object{"attach": (*string)(nil)}, "400 PARAM_ERROR 无法将 JSON 输入源“/body/attach”"},
		"a member that the operation does not have is refused":     {object{"sp_mchid": "1"}, "400 PARAM_ERROR 请求中含有未在API文档中定义的参数"},
		"an emoji is refused":                                      {object{"service_introduction": "充电宝🔋"}, "400 PARAM_ERROR 输入源“/body/service_introduction”"},
		"a remark comes with its time":                             {object{"time_range": object{"start_time": "OnAccept", "end_time_remark": "a"}}, "400 PARAM_ERROR 服务时间备注仅在填写服务时间时可填写"},
		"a remark has at most 20 characters":                       {object{"time_range": object{"start_time": "OnAccept", "start_time_remark": strings.Repeat("备", 21)}}, "400 PARAM_ERROR 输入源“/body/time_range/start_time_remark”"},
		"a start has a format of its own":                          {object{"time_range": object{"start_time": "2026-11-25T10:00:00+08:00"}}, "400 PARAM_ERROR"},
		"an end is never OnAccept":                                 {object{"time_range": object{"start_time": "OnAccept", "end_time": "OnAccept"}}, "400 PARAM_ERROR"},
	}
	b := newBench(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{b.Gateway, b.client, t}
			o := newOrder(tt.change)
			b.want(b.create(o), tt.want)
			if no, ok := o["out_order_no"].(string); ok && len(no) < 32 && !strings.Contains(no, " ") {
				b.want(b.query(no), "404 ORDER_NOT_EXIST")
			}
		})
	}
}

func TestWhatCreateAcceptsAtItsLimits(t *testing.T) {
	t.Parallel()
	tests := map[string]object{
		"a number of 32 characters":                {"out_order_no": "Az09_-|*" + strings.Repeat("1", 24)},
		"20 Chinese characters count as 20":        {"service_introduction": strings.Repeat("服", 20)},
		"a risk amount as high as the cap":         {"risk_fund": object{"name": "CASH_DEPOSIT", "amount": 20000}},
		"the other deposit":                        {"risk_fund": object{"name": "ADVANCE", "amount": 1}},
		"items that repeat 商品信息":                   {"post_payments": []object{{"name": "商品信息", "amount": 1}, {"name": "商品信息", "amount": 2}}},
		"an item with a description and no amount": {"post_payments": []object{{"name": "计费规则", "description": "每小时1元"}}},
		"an item without a name":                   {"post_payments": []object{{"amount": 1}, {"amount": 2}}},
		"an item that costs nothing":               {"post_payments": []object{{"name": "费用", "amount": 0}}},
		"items above the cap with a discount":      {"post_payments": []object{{"name": "费用", "amount": 20001}}, "post_discounts": []object{{"name": "减", "description": "减", "amount": 1}}},
		"an attach of 256 characters":              {"attach": strings.Repeat("a", 256)},
		"the sub-merchant's appid":                 {"sub_appid": world.SubAppID},
		"need_user_confirm as it is by default":    {"need_user_confirm": true},
		"a device":                                 {"device": object{"start_device_id": "HG123456", "materiel_no": "example"}},
		"an end a day after the start":             {"time_range": object{"start_time": "OnAccept", "end_time": time.Now().AddDate(0, 0, 2).Format("20060102")}},
	}
	b := newBench(t)
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{b.Gateway, b.client, t}
			b.want(b.create(newOrder(change)), "200")
		})
	}
}

func TestWhenAnOrderMayBeginAndEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	day := func(d int) string { return b.at(time.Duration(d) * 24 * time.Hour)[:8] }
	tests := map[string]struct {
		start, end string
		want       string
	}{
		"a start to the second is in the future":            {b.at(time.Hour), "", "200"},
		"a start to the second is not past":                 {b.at(-time.Minute), "", "400 PARAM_ERROR 服务开始时间不能早于调用接口的时间"},
		"a start to the day may be today":                   {day(0), "", "200"},
		"a start to the day is not yesterday":               {day(-1), "", "400 PARAM_ERROR 服务开始时间不能早于调用接口的时间"},
		"an end to the second comes after the start":        {b.at(2 * time.Hour), b.at(time.Hour), "400 PARAM_ERROR 服务结束时间必须晚于服务开始时间"},
		"an end to the second is more than a minute away":   {"OnAccept", b.at(30 * time.Second), "400 PARAM_ERROR 服务结束时间必须晚于服务开始时间"},
		"an end to the second is good after two minutes":    {"OnAccept", b.at(2 * time.Minute), "200"},
		"an end to the day may be the day of the start":     {day(1), day(1), "200"},
		"an end to the day is not before that of the start": {day(2), day(1), "400 PARAM_ERROR 服务结束时间不能早于服务开始时间和当天"},
		"an end to the day is not yesterday":                {"OnAccept", day(-1), "400 PARAM_ERROR 服务结束时间不能早于服务开始时间和当天"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			r := object{"start_time": tt.start}
			if tt.end != "" {
				r["end_time"] = tt.end
			}
			b.want(b.create(newOrder(object{"time_range": r})), tt.want)
		})
	}
}

func TestCreatingAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(nil)
	first := b.create(o)
	again := b.create(o)
	b.want(again, "200")
	if first.body["order_id"] != again.body["order_id"] || first.body["package"] != again.body["package"] {
		t.Errorf("answered %v, then %v", first.body, again.body)
	}
	o["attach"] = "other"
	b.want(b.create(o), "400 PARAM_ERROR 订单重入参数校验失败")
}

func TestCreatingAgainIsComparedBeforeTheTimeIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(object{"time_range": object{"start_time": b.at(time.Minute)}})
	b.want(b.create(o), "200")
	b.Advance(time.Hour)
	b.want(b.create(o), "200")
}

func TestWhoMayCreate(t *testing.T) {
	t.Parallel()
	const other = "1900000999"
	tests := map[string]struct {
		change func(*world.World)
		order  object
		want   string
	}{
		"a sub-merchant of nobody": {func(w *world.World) {}, object{"sub_mchid": other}, "403 NO_AUTH mchid与sub_mchid之间Mma绑定关系不存在"},
		"a sub-merchant of somebody else": {func(w *world.World) {
			w.Merchants = append(w.Merchants, world.Merchant{MchID: other, Parents: []string{world.SubMerchant}})
		}, object{"sub_mchid": other}, "403 NO_AUTH mchid与sub_mchid之间Mma绑定关系不存在"},
		"a sub-merchant that did not grant Pay Score": {func(w *world.World) { w.Merchants[1].Grants = nil }, nil, "403 NO_AUTH 请检查sub_mchid是否授权mchid微信支付分产品权限"},
		"a sub_appid that is not the sub-merchant's":  {func(w *world.World) {}, object{"sub_appid": "wx0"}, "403 NO_AUTH sub_mchid与sub_appid之间Mma绑定关系不存在"},
		"an appid that is not the service provider's": {func(w *world.World) {}, object{"appid": "wx0"}, "403 NO_AUTH"},
		"a service that does not exist":               {func(w *world.World) {}, object{"service_id": "500001"}, "403 NO_AUTH 商户暂无权限使用此服务"},
		"a tuple that is not bound to the service":    {func(w *world.World) { w.Services[0].Bindings = w.Services[0].Bindings[1:] }, nil, "403 NO_AUTH 商户暂无权限使用此服务"},
		"the other mode of confirming":                {func(w *world.World) {}, object{"need_user_confirm": false, "openid": world.OpenID}, "403 NO_AUTH 商户暂无权限使用此服务"},
		"confirming for a service that users grant":   {func(w *world.World) {}, object{"service_id": world.GrantServiceID}, "403 NO_AUTH 商户暂无权限使用此服务"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tt.change)
			b.want(b.create(newOrder(tt.order)), tt.want)
		})
	}
}

// granted is an order of a service that the user granted once.
func granted(changes object) object {
	o := object{"service_id": world.GrantServiceID, "need_user_confirm": false, "openid": world.OpenID,
		"risk_fund": object{"name": "ESTIMATE_ORDER_COST", "amount": 10000}}
	for name, value := range changes {
		o[name] = value
	}
	return newOrder(o)
}

func TestAnOrderOfAGrantedServiceBeginsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(b.create(granted(nil)), "403 NO_AUTH 商户暂无权限使用此服务")
	if err := b.Control().OpenService(t.Context(), control.Service{ServiceID: world.GrantServiceID, OpenID: world.OpenID}); err != nil {
		t.Fatal(err)
	}
	a := b.create(granted(nil))
	if a.status != http.StatusOK || a.body["state"] != "DOING" || a.body["state_description"] != "USER_CONFIRM" || a.body["package"] != nil {
		t.Errorf("answered %v %v", a, a.body)
	}
	b.want(b.create(granted(object{"openid": nil})), "400 PARAM_ERROR 免确认模式下，openid和sub_openid必须且只能填写一个")
	b.want(b.create(granted(object{"sub_appid": world.SubAppID, "sub_openid": "o1"})), "400 PARAM_ERROR 免确认模式下，openid和sub_openid必须且只能填写一个")
	b.want(b.create(granted(object{"openid": nil, "sub_openid": world.OpenID})), "400 PARAM_ERROR 填写sub_openid时，sub_appid必填")
	b.want(b.create(granted(object{"openid": nil, "sub_openid": world.OpenID, "sub_appid": world.SubAppID})), "200")
	b.want(b.create(granted(object{"risk_fund": object{"name": "DEPOSIT", "amount": 1}})), "400 PARAM_ERROR 风险金名称与此服务的模式不匹配")
	b.want(b.create(granted(nil)), "200")
	b.want(b.create(granted(nil)), "400 INVALID_REQUEST 同一实名身份下进行中订单过多")
	if len(b.Notifications()) != 0 {
		t.Error("an order that nobody has to confirm was notified")
	}
}

func TestWhatAQueryShows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	a := b.query(no)
	for _, name := range []string{"openid", "package", "state_description", "total_amount", "need_collection", "collection"} {
		if _, ok := a.body[name]; ok {
			t.Errorf("an order that nobody confirmed shows %s", name)
		}
	}
	b.Confirm(no)
	a = b.query(no)
	if a.body["openid"] != world.OpenID || a.body["out_order_no"] != no || a.body["mchid"] != world.ServiceProvider || a.body["sub_mchid"] != world.SubMerchant {
		t.Errorf("a confirmed order shows %v", a.body)
	}
	if start := a.body["time_range"].(object)["start_time"].(string); !regexp.MustCompile(`^\d{14}$`).MatchString(start) {
		t.Errorf("a confirmed order begins %s, want the moment of the confirmation", start)
	}
	no = b.confirmed(object{"sub_appid": world.SubAppID})
	a = b.query(no)
	if a.body["sub_openid"] != world.OpenID || a.body["openid"] != nil {
		t.Errorf("an order under the sub-merchant's appid shows %v", a.body)
	}
}

func TestAQueryByTheNumberThatTheFrontEndGot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	state, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no})
	if err != nil {
		t.Fatal(err)
	}
	a := b.call(http.MethodGet, orders, wechatpay.Query("sub_mchid", world.SubMerchant), wechatpay.Query("query_id", state.QueryID))
	if a.status != http.StatusOK || a.body["out_order_no"] != no {
		t.Errorf("answered %v %v", a, a.body)
	}
}

func TestWhatAQueryRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := b.created(nil)
	tests := map[string]struct {
		query []string
		want  string
	}{
		"an order that is not there":    {[]string{"sub_mchid", world.SubMerchant, "out_order_no", "none"}, "404 ORDER_NOT_EXIST 查询单据不存在"},
		"a query_id that is not there":  {[]string{"sub_mchid", world.SubMerchant, "query_id", "none"}, "404 ORDER_NOT_EXIST 查询单据不存在"},
		"no sub-merchant":               {[]string{"out_order_no", no}, "400 PARAM_ERROR 输入源“/query/sub_mchid”"},
		"a sub-merchant of nobody":      {[]string{"sub_mchid", "1", "out_order_no", no}, "403 NO_AUTH mchid与sub_mchid之间Mma绑定关系不存在"},
		"neither number":                {[]string{"sub_mchid", world.SubMerchant}, "400 PARAM_ERROR"},
		"both numbers":                  {[]string{"sub_mchid", world.SubMerchant, "out_order_no", no, "query_id", "1"}, "400 PARAM_ERROR"},
		"a service_id of another order": {[]string{"sub_mchid", world.SubMerchant, "out_order_no", no, "service_id", "1"}, "404 ORDER_NOT_EXIST"},
		"a query_id that is too long":   {[]string{"sub_mchid", world.SubMerchant, "query_id", strings.Repeat("1", 513)}, "400 PARAM_ERROR 输入源“/query/query_id”"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			var opts []wechatpay.CallOption
			for pair := range slices.Chunk(tt.query, 2) {
				opts = append(opts, wechatpay.Query(pair[0], pair[1]))
			}
			b.want(b.call(http.MethodGet, orders, opts...), tt.want)
		})
	}
}

func TestTheSameNumberOfAnotherSubMerchantIsAnotherOrder(t *testing.T) {
	t.Parallel()
	const other = "1900000999"
	b := newBench(t, func(w *world.World) {
		w.Merchants = append(w.Merchants, world.Merchant{MchID: other, Parents: []string{world.ServiceProvider}, Grants: []string{"payscore"}})
		w.Services[0].Bindings = append(slices.Clone(w.Services[0].Bindings), world.Binding{MchID: world.ServiceProvider, AppID: world.AppID, SubMchID: other})
	})
	o := newOrder(nil)
	b.want(b.create(o), "200")
	no := o["out_order_no"].(string)
	body := cancelBody("r")
	body["sub_mchid"] = other
	b.want(b.cancel(no, body), "404 ORDER_NOT_EXIST")
	o["sub_mchid"] = other
	b.want(b.create(o), "200")
	b.want(b.cancel(no, body), "204")
	b.wantState(no, "CREATED")
	if _, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no}); err == nil || !strings.Contains(err.Error(), "sub_mchid") {
		t.Errorf("confirming %s: %v, want to be asked whose it is", no, err)
	}
	if _, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no, SubMchID: world.SubMerchant}); err != nil {
		t.Error(err)
	}
}

func TestWhatCancelRefuses(t *testing.T) {
	t.Parallel()
	body := func(changes object) object {
		b := cancelBody("用户取消")
		for name, value := range changes {
			if b[name] = value; value == nil {
				delete(b, name)
			}
		}
		return b
	}
	tests := map[string]struct {
		body object
		want string
	}{
		"no reason":                  {body(object{"reason": nil}), "400 PARAM_ERROR 输入源“/uri_template/reason”映射到字段“撤销原因”必填性规则校验失败，此字段为必填项"},
		"a reason of 51 characters":  {body(object{"reason": strings.Repeat("因", 51)}), "400 PARAM_ERROR 输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，字符数 51，大于最大值 50"},
		"an empty reason":            {body(object{"reason": ""}), "400 PARAM_ERROR 输入源“/body/reason”"},
		"a reason that is a number":  {body(object{"reason": 1}), "400 PARAM_ERROR 无法将 JSON 输入源“/body/reason”映射到目标字段“撤销原因”中，此字段需要一个 string 类型的 Json 值"},
		"a reason that is null":      {body(object{"reason": (*string)(nil)}), "400 PARAM_ERROR"},
		"an emoji":                   {body(object{"reason": "🙂"}), "400 PARAM_ERROR"},
		"no sub-merchant":            {body(object{"sub_mchid": nil}), "400 PARAM_ERROR 输入源“/uri_template/sub_mchid”映射到字段“子商户号”必填性规则校验失败"},
		"the number in the body too": {body(object{"out_order_no": "1"}), "400 PARAM_ERROR 无法将输入源“/body/out_order_no”映射到目标字段“商户服务订单号”中，此字段并非多重字段但被输入源“/uri_template/out_order_no”映射过了。"},
		"an unknown member":          {body(object{"mchid": "1"}), "400 PARAM_ERROR 请求中含有未在API文档中定义的参数"},
		"a sub-merchant of nobody":   {body(object{"sub_mchid": "1"}), "403 NO_AUTH mchid与sub_mchid之间Mma绑定关系不存在"},
		"another service's order":    {body(object{"service_id": world.GrantServiceID}), "404 ORDER_NOT_EXIST"},
	}
	b := newBench(t)
	no := b.created(nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &bench{b.Gateway, b.client, t}
			b.want(b.cancel(no, tt.body), tt.want)
			b.wantState(no, "CREATED")
		})
	}
	b.want(b.cancel("none", body(nil)), "404 ORDER_NOT_EXIST 查询单据不存在")
	b.want(b.cancel("a b", body(nil)), "400 PARAM_ERROR 输入源“/uri_template/out_order_no”")
	b.want(b.cancel(strings.Repeat("1", 33), body(nil)), "400 PARAM_ERROR 输入源“/uri_template/out_order_no”")
	b.want(b.cancel(no, body(object{"reason": strings.Repeat("因", 50), "service_id": nil})), "204")
}

func TestCancellingAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules world.Rules
		other string
	}{
		"as observed":                  {world.Rules{}, "400 PARAM_ERROR 订单重入参数校验失败"},
		"as documented":                {world.Rules{Documented: true}, "400 INVALID_REQUEST 订单重入参数校验失败"},
		"where any reason is accepted": {world.Rules{RepeatAnyReason: true}, "204"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, rules(tt.rules))
			no := b.confirmed(nil)
			b.want(b.cancel(no, cancelBody("用户取消")), "204")
			b.want(b.cancel(no, cancelBody("用户取消")), "204")
			b.want(b.cancel(no, cancelBody("其他原因")), tt.other)
			b.wantState(no, "REVOKED")
		})
	}
}

func TestAnOrderThatNobodyConfirmsExpiresAfter30Days(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules world.Rules
		want  string
	}{
		"as observed":   {world.Rules{}, "400 PARAM_ERROR 当前订单状态不满足撤销条件"},
		"as documented": {world.Rules{Documented: true}, "400 INVALID_ORDER_STATE 当前订单状态不满足撤销条件"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, rules(tt.rules))
			no, confirmed := b.created(nil), b.confirmed(nil)
			b.Advance(30*24*time.Hour - time.Minute)
			b.wantState(no, "CREATED")
			b.Advance(time.Minute)
			b.wantState(no, "EXPIRED")
			b.wantState(confirmed, "DOING/USER_CONFIRM")
			b.want(b.cancel(no, cancelBody("r")), tt.want)
			if _, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no}); err == nil {
				t.Error("an expired order was confirmed")
			}
		})
	}
}

func TestAPackageIsGoodForAnHour(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := newOrder(nil)
	first := b.create(o)
	no := o["out_order_no"].(string)
	b.Advance(time.Hour)
	if _, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no}); err == nil || !strings.Contains(err.Error(), "package") {
		t.Errorf("confirming after an hour: %v", err)
	}
	again := b.create(o)
	if again.body["package"] == first.body["package"] {
		t.Error("creating again gives the package that is no longer good")
	}
	b.Confirm(no)
}

func TestAUserHasAtMostThreeOrdersInProgress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	confirm := func(no string) error {
		_, err := b.Control().Confirm(t.Context(), control.Order{OutOrderNo: no, OpenID: "o1"})
		return err
	}
	var nos []string
	for range 4 {
		nos = append(nos, b.created(nil))
	}
	for _, no := range nos[:3] {
		if err := confirm(no); err != nil {
			t.Fatal(err)
		}
	}
	if err := confirm(nos[3]); err == nil || !strings.Contains(err.Error(), "进行中订单过多") {
		t.Errorf("the fourth order: %v", err)
	}
	b.wantState(nos[3], "CREATED")
	b.want(b.cancel(nos[0], cancelBody("r")), "204")
	if err := confirm(nos[3]); err != nil {
		t.Errorf("the fourth order after the first was cancelled: %v", err)
	}
}
