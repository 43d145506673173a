package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// with is members with some of them changed, by pairs of name and value.
func with(m xmlv2.Members, pairs ...string) xmlv2.Members {
	m = slices.Clone(m)
	for i := 0; i < len(pairs); i += 2 {
		m.Set(pairs[i], pairs[i+1])
	}
	return m
}

func pairs(p ...string) xmlv2.Members { return with(nil, p...) }

// v2Order is a call of /pay/unifiedorder.
func v2Order(changed ...string) xmlv2.Members {
	return with(pairs("appid", world.AppID, "mch_id", world.ServiceProvider, "body", "腾讯充值", "out_trade_no", "A1000001", "total_fee", "100",
		"spbill_create_ip", "123.12.12.123", "notify_url", "https://example.com/pay", "trade_type", "JSAPI", "openid", world.OpenID), changed...)
}

// v2Code is a call of /pay/micropay.
func v2Code(changed ...string) xmlv2.Members {
	return with(pairs("appid", world.AppID, "mch_id", world.ServiceProvider, "body", "店", "out_trade_no", "A1000001", "total_fee", "100",
		"spbill_create_ip", "123.12.12.123", "auth_code", "130061098828009406"), changed...)
}

// named is a call that names an order or a refund.
func named(p ...string) xmlv2.Members {
	return with(pairs("appid", world.AppID, "mch_id", world.ServiceProvider), p...)
}

func v2Refund(changed ...string) xmlv2.Members {
	return with(named("out_trade_no", "A1000001", "out_refund_no", "R1", "total_fee", "100", "refund_fee", "40"), changed...)
}

// short is an answer in a line: what it refuses with, or the members that are asked for.
func (r v2Reply) short(names ...string) string {
	switch {
	case r.members.Get("return_code") != "SUCCESS":
		return "FAIL " + r.members.Get("return_msg")
	case r.members.Get("result_code") != "SUCCESS":
		return r.members.Get("err_code") + " " + r.members.Get("err_code_des")
	}
	said := []string{"SUCCESS"}
	for _, name := range names {
		said = append(said, r.members.Get(name))
	}
	return strings.Join(said, " ")
}

// step is something that happens to an order, and what comes of it.
type step func(c *v2Caller) string

func order(changed ...string) step {
	return func(c *v2Caller) string { return c.call("/pay/unifiedorder", v2Order(changed...)).short() }
}

func byCode(changed ...string) step {
	return func(c *v2Caller) string {
		return c.call("/pay/micropay", v2Code(changed...)).short("trade_type")
	}
}

func queried(p ...string) step {
	return func(c *v2Caller) string {
		return c.call("/pay/orderquery", named(append([]string{"out_trade_no", "A1000001"}, p...)...)).short("trade_state", "trade_state_desc")
	}
}

func closed(p ...string) step {
	return func(c *v2Caller) string {
		return c.call("/pay/closeorder", named(append([]string{"out_trade_no", "A1000001"}, p...)...)).short()
	}
}

func reversed(p ...string) step {
	return func(c *v2Caller) string {
		got := c.call("/secapi/pay/reverse", named(append([]string{"out_trade_no", "A1000001"}, p...)...))
		return got.short() + " " + got.members.Get("recall")
	}
}

func refunded(changed ...string) step {
	return func(c *v2Caller) string { return c.call("/secapi/pay/refund", v2Refund(changed...)).short() }
}

func refundOf(p ...string) step {
	return func(c *v2Caller) string {
		return c.call("/pay/refundquery", named(p...)).short("refund_count", "refund_status_0", "refund_fee_0")
	}
}

func done(err error) string {
	if err != nil {
		return "refused"
	}
	return "done"
}

func paid(openID string) step {
	return func(c *v2Caller) string {
		_, err := c.Control().PayTrade(c.t.Context(), control.Trade{OutTradeNo: "A1000001", OpenID: openID})
		return done(err)
	}
}

func declined(c *v2Caller) string {
	got, err := c.Control().DeclineTrade(c.t.Context(), control.Trade{OutTradeNo: "A1000001"})
	return done(err) + " " + got.State
}

func settled(status string) step {
	return func(c *v2Caller) string {
		return done(c.Control().SettleRefund(c.t.Context(), control.Refund{OutRefundNo: "R1", Status: status}))
	}
}

func funds(none bool) step {
	return func(c *v2Caller) string {
		return done(c.Control().SetFunds(c.t.Context(), control.Funds{MchID: world.ServiceProvider, OutOfMoney: none}))
	}
}

func userBroke(c *v2Caller) string {
	return done(c.Control().SetUser(c.t.Context(), control.User{OpenID: world.OpenID, OutOfMoney: true}))
}

func after(d time.Duration) step {
	return func(c *v2Caller) string {
		c.Advance(d)
		return "later"
	}
}

const (
	success  = "SUCCESS"
	notPaid  = "SUCCESS NOTPAY 订单未支付"
	isPaid   = "SUCCESS SUCCESS 支付成功"
	isClosed = "SUCCESS CLOSED 订单已关闭"
	isRefund = "SUCCESS REFUND 订单发生过退款，退款详情请查询退款单"
	unknown  = "ORDERNOTEXIST 此交易订单号不存在"
	again    = "INVALID_REQUEST 201 商户订单号重复"
	noOrder  = "ORDERNOTEXIST 订单不存在"
	noRefund = "REFUNDNOTEXIST not exist"
	day      = 24 * time.Hour
)

// expected is a step with what comes of it.
type expected struct {
	do   step
	want string
}

// TestWhatBecomesOfOrdersOfAPIv2 are the rows of the v2 part of payments.md, one after the other.
func TestWhatBecomesOfOrdersOfAPIv2(t *testing.T) {
	t.Parallel()
	create, pay := expected{order(), success}, expected{paid(""), "done"}
	micro := expected{byCode(), "SUCCESS MICROPAY"}
	asked := expected{byCode("total_fee", "100000"), "USERPAYING 需要用户输入支付密码"}
	refund := expected{refunded(), success}
	tests := map[string][]expected{
		// States.
		"an order that nobody paid is NOTPAY":                           {create, {queried(), notPaid}},
		"an order that was paid is SUCCESS":                             {create, pay, {queried(), isPaid}},
		"an order that was closed is CLOSED":                            {create, {closed(), success}, {queried(), isClosed}},
		"an order of which a part was refunded is REFUND":               {create, pay, refund, {queried(), isRefund}},
		"an order stays REFUND when its refund is closed":               {create, pay, refund, {settled("REFUNDCLOSE"), "done"}, {queried(), isRefund}},
		"an order that nobody pays closes after seven days":             {create, {after(7*day - time.Second), "later"}, {queried(), notPaid}, {after(time.Second), "later"}, {queried(), isClosed}},
		"an order whose time_expire is over stays NOTPAY":               {{order("time_expire", "20200101000000"), success}, {after(time.Minute + time.Second), "later"}, {queried(), notPaid}},
		"an order whose time_expire is over cannot be paid":             {{order("time_expire", "20200101000000"), success}, {after(time.Minute + time.Second), "later"}, {paid(""), "refused"}},
		"an order whose time_expire was a minute too early can be paid": {{order("time_expire", "20200101000000"), success}, {after(59 * time.Second), "later"}, pay},
		"a closed order cannot be paid":                                 {create, {closed(), success}, {paid(""), "refused"}},
		"an order for one user cannot be paid by another":               {create, {paid("oUpF8uMuAJO_M2pxb1Q9zNjWeS6p"), "refused"}, pay},
		"a user who leaves the cashier leaves the order as it is":       {create, {declined, "done NOTPAY"}, {queried(), notPaid}},
		"a prepay_id is good for two hours":                             {create, {after(2*time.Hour + time.Second), "later"}, {paid(""), "refused"}},
		"the same order again gets a new prepay_id":                     {create, {after(2*time.Hour + time.Second), "later"}, create, pay},
		"what leads to the cashier of the web is good for five minutes": {{order("trade_type", "MWEB", "scene_info", "{}"), success}, {after(5*time.Minute + time.Second), "later"}, {paid(""), "refused"}},

		// Making an order again.
		"the same number with another amount is refused":       {create, {order("total_fee", "101"), again}},
		"the same number with another description is refused":  {create, {order("body", "x"), again}},
		"the same number of another trade type is refused":     {create, {order("trade_type", "APP"), again}},
		"the same number of a payment by code is refused":      {create, {byCode(), again}},
		"the number of a payment by code is refused to others": {micro, {order(), again}},
		"the same members of an order after a payment by code are refused": {{byCode("trade_type", "JSAPI", "openid", world.OpenID, "notify_url", "https://example.com/pay"), "SUCCESS MICROPAY"},
			{order("auth_code", "130061098828009406", "body", "店"), again}},
		"the same number after the close is refused":                     {create, {closed(), success}, {order(), again}},
		"the same number after the payment is refused as paid":           {create, pay, {order(), "ORDERPAID 该订单已支付"}},
		"the same number after a refund is refused as paid":              {create, pay, refund, {order(), "ORDERPAID 该订单已支付"}},
		"the same number after its time_expire is refused as dead":       {{order("time_expire", "20200101000000"), success}, {after(2 * time.Minute), "later"}, {order("time_expire", "20200101000000"), "INVALID_REQUEST 该订单已失效"}},
		"the same order signed by another type is the same":              {create, {order("sign_type", "HMAC-SHA256"), success}},
		"an order for a sub-merchant has the number of who calls":        {{order("sub_mch_id", world.SubMerchant), success}, {order(), again}},
		"an order of a sub-merchant is not that of the others":           {{order("sub_mch_id", world.SubMerchant), success}, {queried("sub_mch_id", "1"), unknown}, {queried("sub_mch_id", world.SubMerchant), notPaid}},
		"a sub_appid of another merchant is refused":                     {{order("sub_mch_id", world.SubMerchant, "sub_appid", world.AppID), "APPID_MCHID_NOT_MATCH sub_mch_id与sub_appid不匹配"}},
		"a sub_openid without its sub_appid is refused":                  {{order("sub_mch_id", world.SubMerchant, "openid", "", "sub_openid", world.OpenID), "FAIL sub_openid需要同时传sub_appid"}},
		"one's own number as sub-merchant is refused":                    {{order("sub_mch_id", world.ServiceProvider), "FAIL 子商户mchid不能与自身mchid相同"}},
		"the user of a sub-merchant pays":                                {{order("sub_mch_id", world.SubMerchant, "sub_appid", world.SubAppID, "openid", "", "sub_openid", world.OpenID), success}, pay, {subOpenID, "SUCCESS " + world.OpenID + " " + world.SubAppID}},
		"what was reversed is not refunded":                              {micro, {reversed(), "SUCCESS N"}, {refunded(), "ERROR 订单已全额退款"}},
		"a payment by code of which a part was refunded is not reversed": {micro, refund, {reversed(), "INVALID_REQUEST 订单状态不支持撤销 "}},
		"a time_expire of more than 15 days is one of 15 days":           {{order("time_expire", "20991231000000"), success}, {after(14 * day), "later"}, {queried(), notPaid}, {after(day + time.Second), "later"}, {queried(), isClosed}},
		"a foreign sub-merchant is refused":                              {{order("sub_mch_id", "1999999999"), "NOAUTH 受理关系不存在"}},
		"an appid that nobody has is refused":                            {{order("appid", "wx0000000000000000"), "APPID_NOT_EXIST appid不存在"}},
		"the appid of another merchant is refused":                       {{order("appid", world.SubAppID), "APPID_MCHID_NOT_MATCH appid和mch_id不匹配"}},
		"JSAPI without an openid is refused":                             {{order("openid", ""), "FAIL JSAPI支付必须传openid"}},
		"NATIVE without a product_id is refused":                         {{order("trade_type", "NATIVE"), "LACK_PARAMS 缺少参数product_id"}},
		"MWEB without a scene_info is refused":                           {{order("trade_type", "MWEB"), "LACK_PARAMS 缺少参数scene_info"}},
		"a detail that is too long is refused":                           {{order("detail", `{"goods_detail":[{"goods_id":"1","quantity":1,"price":1,"goods_name":"`+strings.Repeat("x", 6200)+`"}]}`), "INVALID_REQUEST 字段 detail 长度超限"}},
		"an amount of nothing is refused":                                {{order("total_fee", "0"), "FAIL 输入源“/body/xml/total_fee”映射到数值字段“标价金额”规则校验失败，值低于最小值 1"}},
		"an openid that is none is refused":                              {{order("openid", "x"), "FAIL 无效的openid"}},
		"an unknown order is ORDERNOTEXIST":                              {{queried(), unknown}},
		"an unknown transaction_id is ORDERNOTEXIST":                     {create, {queried("transaction_id", "4200001761202304031254529083"), unknown}},

		// Closing.
		"an order that is closed can be closed again": {create, {closed(), success}, {closed(), success}},
		"an order that is unknown can be closed":      {{closed(), success}, {queried(), unknown}},
		"an order that was paid cannot be closed":     {create, pay, {closed(), "ORDERPAID order paid"}, {queried(), isPaid}},
		"an order that was refunded cannot be closed": {create, pay, refund, {closed(), "ORDERPAID order paid"}},
		"a payment by code cannot be closed":          {micro, {closed(), "INVALID_REQUEST 当前交易不允许进行普通关单（只能撤销）"}},

		// Payments by code.
		"a payment by code is paid at once":                         {micro, {queried(), isPaid}},
		"a payment by code of a thousand yuan wants the password":   {asked, {queried(), "SUCCESS USERPAYING 需要用户输入支付密码"}},
		"a payment by code just below wants no password":            {{byCode("total_fee", "99999"), "SUCCESS MICROPAY"}},
		"a user who enters the password has paid":                   {asked, pay, {queried(), isPaid}},
		"a user who closes the box has not paid":                    {asked, {declined, "done PAYERROR"}, {queried(), "SUCCESS PAYERROR 支付失败，请撤销订单"}},
		"a user who does nothing has not paid after a while":        {asked, {after(time.Minute), "later"}, {queried(), "SUCCESS PAYERROR 支付失败，请撤销订单"}},
		"a payment by code again asks for the password again":       {asked, asked},
		"a payment by code that is paid already is refused as paid": {micro, {byCode(), "ORDERPAID 该订单已支付"}},
		"a payment code is good for one payment":                    {micro, {byCode("out_trade_no", "A1000002"), "AUTH_CODE_INVALID 101 每个二维码仅限使用一次，请刷新再试"}},
		"a payment code that is none is refused":                    {{byCode("auth_code", "990061098828009406"), "AUTH_CODE_INVALID 101 付款码无效，请重新扫码"}},
		"a user without money fails, and the order is PAYERROR":     {{userBroke, "done"}, {byCode(), "NOTENOUGH 用户余额不足"}, {queried(), "SUCCESS PAYERROR 支付失败，请撤销订单"}},
		"what failed needs another number and another code":         {{userBroke, "done"}, {byCode(), "NOTENOUGH 用户余额不足"}, {byCode(), again}},
		"a payment by code that was paid is reversed":               {micro, {reversed(), "SUCCESS N"}, {queried(), "SUCCESS REVOKED 订单已撤销"}},
		"a payment by code that failed is reversed":                 {asked, {declined, "done PAYERROR"}, {reversed(), "SUCCESS N"}, {queried(), "SUCCESS REVOKED 订单已撤销"}},
		"a payment by code is not reversed while the user pays":     {asked, {reversed(), "USERPAYING 正在支付中不能发起撤销 Y"}},
		"a payment by code is reversed again":                       {micro, {reversed(), "SUCCESS N"}, {reversed(), "SUCCESS N"}},
		"an unknown number is reversed without effect":              {{reversed(), "SUCCESS N"}, {queried(), unknown}},
		"a payment by code is not reversed after seven days":        {micro, {after(7*day + time.Second), "later"}, {reversed(), "REVERSE_EXPIRE 订单无法撤销 "}},
		"an order that is no payment by code is not reversed":       {create, {reversed(), "INVALID_REQUEST 订单状态不支持撤销 "}},
		"the number of what was reversed is refused":                {micro, {reversed(), "SUCCESS N"}, {byCode(), "ORDERREVERSED 订单已撤销，请重新下单支付"}},
		"a payment by code that was paid is refunded":               {micro, refund, {queried(), isRefund}},

		// Refunds.
		"a refund is processed, then successful":              {create, pay, refund, {refundOf("out_refund_no", "R1"), "SUCCESS 1 PROCESSING 40"}, {after(3 * time.Second), "later"}, {refundOf("out_refund_no", "R1"), "SUCCESS 1 SUCCESS 40"}},
		"a refund may not reach the user":                     {create, pay, refund, {settled("CHANGE"), "done"}, {refundOf("out_trade_no", "A1000001"), "SUCCESS 1 CHANGE 40"}},
		"a refund that did not reach the user may do so yet":  {create, pay, refund, {settled("CHANGE"), "done"}, {settled("SUCCESS"), "done"}, {refundOf("out_trade_no", "A1000001"), "SUCCESS 1 SUCCESS 40"}},
		"a refund that is successful stays so":                {create, pay, refund, {settled("SUCCESS"), "done"}, {settled("CHANGE"), "refused"}},
		"a refund that is closed can be made by a new number": {create, pay, {refunded("refund_fee", "100"), success}, {settled("REFUNDCLOSE"), "done"}, {after(time.Minute), "later"}, {refunded("refund_fee", "100", "out_refund_no", "R2"), success}},
		"an order that nobody paid is not refunded":           {create, {refunded(), noOrder}},
		"an order that is unknown is not refunded":            {{refunded(), noOrder}},
		"an order that was closed is not refunded":            {create, {closed(), success}, {refunded(), "ERROR 订单已关闭"}},
		"the same refund again is the same":                   {create, pay, refund, refund, {refundOf("out_trade_no", "A1000001"), "SUCCESS 1 PROCESSING 40"}},
		"the same number of another amount is refused":        {create, pay, refund, {refunded("refund_fee", "41"), "INVALID_REQUEST 订单金额或退款金额与之前请求不一致，请核实后再试"}},
		"the same number of another order is refused":         {create, pay, refund, {byCode("out_trade_no", "A1000002"), "SUCCESS MICROPAY"}, {refunded("out_trade_no", "A1000002"), "INVALID_REQUEST 支付单号校验不一致，请核实后再试"}},
		"a refund of another total is refused":                {create, pay, {refunded("total_fee", "99"), "INVALID_REQUEST 订单金额或退款金额与之前请求不一致，请核实后再试"}},
		"more than was paid is not refunded":                  {create, pay, {refunded("refund_fee", "101"), "INVALID_REQUEST refund_fee大于可退金额"}},
		"more than is left is not refunded":                   {create, pay, refund, {after(time.Minute), "later"}, {refunded("out_refund_no", "R2", "refund_fee", "61"), "INVALID_REQUEST refund_fee大于可退金额"}},
		"what is left is refunded after a minute":             {create, pay, refund, {after(time.Minute), "later"}, {refunded("out_refund_no", "R2", "refund_fee", "60"), success}},
		"two refunds within a minute are refused":             {create, pay, refund, {after(58 * time.Second), "later"}, {refunded("out_refund_no", "R2"), "FREQUENCY_LIMITED 单笔订单请求频率过高，请于1分钟后重试."}},
		"an order that was refunded wholly is not refunded":   {create, pay, {refunded("refund_fee", "100"), success}, {refunded("out_refund_no", "R2"), "ERROR 订单已全额退款"}},
		"an order older than a year is not refunded":          {create, pay, {after(365*day + time.Second), "later"}, {refunded(), "TRADE_OVERDUE 当前订单过期不能申请退款"}},
		"a merchant without money does not refund":            {create, pay, {funds(true), "done"}, {refunded(), "NOTENOUGH 基本账户余额不足，请充值后重新发起"}, {funds(false), "done"}, refund},
		"a transaction_id and another number are refused":     {create, pay, {refundedBoth, "INVALID_REQUEST 您的请求参数与订单信息不一致"}},
		"an unknown refund is REFUNDNOTEXIST":                 {{refundOf("out_refund_no", "R1"), noRefund}},
		"the refunds of an unpaid order are REFUNDNOTEXIST":   {create, {refundOf("out_trade_no", "A1000001"), noRefund}},
		"the refunds of a paid order are REFUNDNOTEXIST":      {create, pay, {refundOf("out_trade_no", "A1000001"), noRefund}},
		"the refunds of a closed order are REFUNDNOTEXIST":    {create, {closed(), success}, {refundOf("out_trade_no", "A1000001"), noRefund}},
		"of two numbers that of the refund counts":            {create, pay, refund, {refundOf("out_refund_no", "R1", "out_trade_no", "A9999999"), "SUCCESS 1 PROCESSING 40"}},
		"an empty offset is none":                             {create, pay, refund, {refundOf("out_trade_no", "A1000001", "offset", ""), "SUCCESS 1 PROCESSING 40"}},
		"an offset that is too large is refused":              {create, pay, refund, {refundOf("out_trade_no", "A1000001", "offset", "1"), "PARAM_ERROR offset超过退款笔数"}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newV2Caller(t)
			for i, s := range steps {
				if got := s.do(c); got != s.want {
					t.Fatalf("step %d: %q, want %q", i+1, got, s.want)
				}
			}
		})
	}
}

func subOpenID(c *v2Caller) string {
	return c.call("/pay/orderquery", named("out_trade_no", "A1000001")).short("sub_openid", "sub_appid")
}

func refundedBoth(c *v2Caller) string {
	id := c.call("/pay/orderquery", named("out_trade_no", "A1000001")).members.Get("transaction_id")
	return refunded("transaction_id", id, "out_trade_no", "A9999999")(c)
}

// v2Receiver is a merchant's server for notifications of APIv2.
type v2Receiver struct {
	URL    string
	mu     sync.Mutex
	answer string
	got    []xmlv2.Members
}

const thanks = `<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>`

func newV2Receiver(t *testing.T) *v2Receiver {
	t.Helper()
	r := &v2Receiver{answer: thanks}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *v2Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	m, err := xmlv2.Decode(body, xmlv2.Limits{Bytes: 1 << 20})
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && req.Header.Get("Content-Type") == "text/xml" {
		r.got = append(r.got, m)
	}
	if r.answer == "204" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, _ = io.WriteString(w, r.answer)
}

func (r *v2Receiver) says(answer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *v2Receiver) all() []xmlv2.Members {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func TestAPaymentOfAPIv2IsToldAsItWasSigned(t *testing.T) {
	t.Parallel()
	for _, signType := range []auth.SignType{auth.MD5, auth.HMACSHA256} {
		t.Run(string(signType), func(t *testing.T) {
			t.Parallel()
			c, r := newV2Caller(t), newV2Receiver(t)
			order("notify_url", r.URL, "sign_type", string(signType), "attach", "深圳")(c)
			paid("")(c)
			c.Advance(0)
			got := r.all()
			if len(got) != 1 {
				t.Fatalf("%d notifications came", len(got))
			}
			if err := auth.VerifyParams(c.key, got[0].Texts(), signType); err != nil {
				t.Error(err)
			}
			for name, want := range map[string]string{"return_code": "SUCCESS", "result_code": "SUCCESS", "out_trade_no": "A1000001", "total_fee": "100", "cash_fee": "100",
				"attach": "深圳", "openid": world.OpenID, "mch_id": world.ServiceProvider, "appid": world.AppID, "trade_type": "JSAPI", "is_subscribe": "N"} {
				if got[0].Get(name) != want {
					t.Errorf("%s is %q, want %q", name, got[0].Get(name), want)
				}
			}
		})
	}
}

func TestARefundOfAPIv2IsToldInReqInfo(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"SUCCESS", "CHANGE", "REFUNDCLOSE"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			c, r := newV2Caller(t), newV2Receiver(t)
			order()(c)
			paid("")(c)
			refunded("notify_url", r.URL)(c)
			settled(status)(c)
			c.Advance(0)
			got := r.all()
			if len(got) != 1 || got[0].Get("sign") != "" {
				t.Fatalf("%d notifications came: %v", len(got), got)
			}
			text, err := crypt.OpenReqInfo(c.key, got[0].Get("req_info"))
			if err != nil {
				t.Fatal(err)
			}
			m, err := xmlv2.Decode(text, xmlv2.Limits{Bytes: len(text)})
			if err != nil || !strings.HasPrefix(string(text), "<root>") {
				t.Fatalf("%s: %v", text, err)
			}
			if m.Get("refund_status") != status || m.Get("out_refund_no") != "R1" || m.Get("refund_fee") != "40" || (m.Get("success_time") == "") == (status == "SUCCESS") {
				t.Errorf("it is %s", text)
			}
		})
	}
}

func TestANotificationOfAPIv2GoesOnUntilTheMerchantSaysSuccessInXML(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer string
		want   int
	}{
		"XML that says SUCCESS ends it":    {thanks, 1},
		"XML that says FAIL does not":      {strings.ReplaceAll(thanks, "SUCCESS", "FAIL"), 16},
		"JSON does not":                    {`{"code":"SUCCESS"}`, 16},
		"text does not":                    {`SUCCESS`, 16},
		"XML with more around it does not": {thanks + "x", 16},
		"nothing does not":                 {``, 16},
		"204 does not":                     {`204`, 16},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, r := newV2Caller(t), newV2Receiver(t)
			r.says(tt.answer)
			order("notify_url", r.URL)(c)
			paid("")(c)
			c.Advance(48 * time.Hour)
			if got := len(r.all()); got != tt.want {
				t.Errorf("%d deliveries were made, want %d", got, tt.want)
			}
		})
	}
}

func TestOrdersOfAPIv2AreThereAfterARestart(t *testing.T) {
	t.Parallel()
	w, j := simtest.World(t), new(memory)
	c := v2CallerWith(t, sim.Config{World: w, Journal: j})
	for i, do := range []step{order(), paid(""), refunded(), byCode("out_trade_no", "A1000002", "total_fee", "100000")} {
		if got := do(c); i < 3 && got != success && got != "done" {
			t.Fatal(got)
		}
	}
	id := c.call("/pay/orderquery", named("out_trade_no", "A1000001")).members.Get("transaction_id")
	c = v2CallerWith(t, sim.Config{World: w, Journal: j})
	for name, tt := range map[string]expected{
		"the order, by its transaction_id": {queried("out_trade_no", "", "transaction_id", id), isRefund},
		"the refund":                       {refundOf("out_refund_no", "R1"), "SUCCESS 1 PROCESSING 40"},
		"what waits for the password":      {queried("out_trade_no", "A1000002"), "SUCCESS USERPAYING 需要用户输入支付密码"},
		"the code that was used":           {byCode("out_trade_no", "A1000003"), "AUTH_CODE_INVALID 101 每个二维码仅限使用一次，请刷新再试"},
	} {
		if got := tt.do(c); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	c.Advance(time.Minute)
	if got := refundOf("out_refund_no", "R1")(c); got != "SUCCESS 1 SUCCESS 40" {
		t.Errorf("the timer of the refund: %q", got)
	}
}

func TestTheRefundsOfAnOrderComeTenByTenAndFiftyAreTheMost(t *testing.T) {
	t.Parallel()
	c := newV2Caller(t)
	order()(c)
	paid("")(c)
	made := 0
	refund := func(n int) {
		for ; made < n; made++ {
			c.Advance(time.Minute)
			if got := refunded("out_refund_no", fmt.Sprintf("R%d", made), "refund_fee", "1")(c); got != success {
				t.Fatal(got)
			}
		}
	}
	refund(12)
	first := c.call("/pay/refundquery", named("out_trade_no", "A1000001")).members
	rest := c.call("/pay/refundquery", named("out_trade_no", "A1000001", "offset", "10")).members
	if first.Get("refund_count") != "10" || first.Get("total_refund_count") != "12" || first.Get("out_refund_no_9") != "R9" {
		t.Errorf("the first are %v", first)
	}
	if rest.Get("refund_count") != "2" || rest.Get("out_refund_no_0") != "R10" {
		t.Errorf("the rest are %v", rest)
	}
	refund(21)
	if got := refundOf("out_trade_no", "A1000001")(c); got != "PARAM_ERROR 部分退款次数超过20次，请使用退款单号查询" {
		t.Error(got)
	}
	if got := refundOf("out_refund_no", "R20")(c); got != "SUCCESS 1 PROCESSING 1" {
		t.Error(got)
	}
	refund(50)
	c.Advance(time.Minute)
	if got := refunded("out_refund_no", "R50", "refund_fee", "1")(c); got != "INVALID_REQUEST 订单部分退款次数超过限制" {
		t.Error(got)
	}
}

func TestAMerchantDoesNotSeeWhatIsAnothers(t *testing.T) {
	t.Parallel()
	w := simtest.World(t)
	other := w.Merchants[0]
	other.MchID, other.BrandID = "1900000001", ""
	w.Merchants = append(w.Merchants, other)
	c := v2CallerWith(t, sim.Config{World: w})
	order()(c)
	paid("")(c)
	refunded()(c)
	id := c.call("/pay/refundquery", named("out_refund_no", "R1")).members.Get("refund_id_0")
	transaction := c.call("/pay/orderquery", named("out_trade_no", "A1000001")).members.Get("transaction_id")
	c.mchID = other.MchID
	for name, tt := range map[string]expected{
		"the order":                        {queried(), unknown},
		"the order, by its transaction_id": {queried("out_trade_no", "", "transaction_id", transaction), unknown},
		"the refund":                       {refundOf("out_refund_no", "R1"), noRefund},
		"the refund, by its refund_id":     {refundOf("refund_id", id), noRefund},
		"a refund of it":                   {refunded("out_refund_no", "R2"), noOrder},
		"ordering for the sub-merchant":    {order("sub_mch_id", world.SubMerchant), "NOAUTH 受理关系不存在"},
		"closing it, which does nothing":   {closed(), success},
	} {
		if got := tt.do(c); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// fillTrades makes what docs/management.md names.
func fillTrades(t *testing.T, g *simtest.Gateway) {
	t.Helper()
	m := g.World.Merchant(world.ServiceProvider)
	c := &v2Caller{Gateway: g, t: t, key: m.APIv2Key, mchID: m.MchID, http: http.DefaultClient, url: g.URL}
	for _, do := range []step{
		order("out_trade_no", "TRADE1"),
		byCode("out_trade_no", "TRADE2", "total_fee", "100000"),
		byCode("out_trade_no", "TRADE3", "auth_code", "130061098828009407"),
		refunded("out_trade_no", "TRADE3", "out_refund_no", "REFUND1"),
	} {
		do(c)
	}
}

func TestAFaultStrikesNotificationsOfAPIv2(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault world.Fault
		want  string
	}{
		"a wrong signature":                {world.Fault{Event: world.EventV2Payment, Effect: world.EffectWrongSignature}, "1 bad"},
		"no signature":                     {world.Fault{Event: world.EventV2Payment, Effect: world.EffectUnsigned}, "1 bad"},
		"two deliveries":                   {world.Fault{Event: world.EventV2Payment, Effect: world.EffectDuplicate}, "2 good"},
		"none of another kind":             {world.Fault{Event: world.EventV2Refund, Effect: world.EffectDuplicate}, "1 good"},
		"two deliveries at once":           {world.Fault{Event: world.EventV2Payment, Effect: world.EffectDuplicateAtOnce}, "2 good"},
		"a delivery that is lost at first": {world.Fault{Event: "*", Effect: world.EffectDrop, Times: 1}, "1 good"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, r := newV2Caller(t), newV2Receiver(t)
			if _, err := c.Control().AddFault(t.Context(), tt.fault); err != nil {
				t.Fatal(err)
			}
			order("notify_url", r.URL)(c)
			paid("")(c)
			c.Advance(15 * time.Second)
			all, signed := r.all(), "good"
			for _, m := range all {
				if auth.VerifyParams(c.key, m.Texts(), auth.MD5) != nil {
					signed = "bad"
				}
			}
			if got := fmt.Sprint(len(all), " ", signed); got != tt.want {
				t.Errorf("%s came, want %s", got, tt.want)
			}
		})
	}
}

func TestAStatelessWorldAnswersAPIv2InItsShape(t *testing.T) {
	t.Parallel()
	w := simtest.World(t)
	w.Stateless = true
	c := v2CallerWith(t, sim.Config{World: w})
	got := c.call("/pay/orderquery", named("out_trade_no", "A1000001"))
	if got.short("trade_state", "out_trade_no") != "SUCCESS SUCCESS A1000001" || got.members.Get("coupon_id_0") == "" {
		t.Errorf("answered %v", got)
	}
}

func TestTheDocumentedCodesOfAPIv2AreASwitch(t *testing.T) {
	t.Parallel()
	w := simtest.World(t)
	w.Rules.Documented = true
	c := v2CallerWith(t, sim.Config{World: w})
	for i, s := range []expected{
		{order(), success},
		{order("total_fee", "101"), "OUT_TRADE_NO_USED 201 商户订单号重复"},
		{closed(), success},
		{order(), "ORDERCLOSED 201 商户订单号重复"},
	} {
		if got := s.do(c); got != s.want {
			t.Errorf("step %d: %q, want %q", i+1, got, s.want)
		}
	}
}

func TestAPaidOrderOfAPIv2TellsItsPayment(t *testing.T) {
	t.Parallel()
	c := newV2Caller(t)
	order("attach", "深圳", "device_info", "D1")(c)
	if got := c.call("/pay/orderquery", named("out_trade_no", "A1000001")).members; got.Get("total_fee") != "" || got.Get("attach") != "" {
		t.Errorf("before the payment it is %v", got)
	}
	paid("")(c)
	got := c.call("/pay/orderquery", named("out_trade_no", "A1000001"))
	want := "SUCCESS " + world.OpenID + " N JSAPI OTHERS 100 CNY 100 A1000001 深圳 D1"
	if said := got.short("openid", "is_subscribe", "trade_type", "bank_type", "total_fee", "fee_type", "cash_fee", "out_trade_no", "attach", "device_info"); said != want {
		t.Errorf("%q, want %q", said, want)
	}
	if id, end := got.members.Get("transaction_id"), got.members.Get("time_end"); len(id) != 28 || len(end) != 14 {
		t.Errorf("transaction_id %q, time_end %q", id, end)
	}
	refund := c.call("/secapi/pay/refund", v2Refund())
	if len(refund.members.Get("refund_id")) != 29 || refund.short("refund_fee", "total_fee", "cash_refund_fee", "coupon_refund_count") != "SUCCESS 40 100 40 0" {
		t.Errorf("answered %v", refund)
	}
}
