package sim_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v2/mmpaymkttransfers"
	payv2 "github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/v3/marketing"
	"github.com/openwechatpay/wechatpay/v3/pay"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// otherAppID is of another merchant.
const otherAppID = "wx0000000000000001"

// handing is a merchant that hands parameters to phones.
type handing struct {
	*v2Caller
	orders int
}

func newHanding(t *testing.T) *handing {
	t.Helper()
	w := simtest.World(t)
	other := w.Merchants[0]
	other.MchID, other.BrandID, other.AppIDs, other.APIv2Key = "1900000001", "", []string{otherAppID}, strings.Repeat("k", 32)
	w.Merchants = append(w.Merchants, other)
	return &handing{v2Caller: v2CallerWith(t, sim.Config{World: w})}
}

func (h *handing) merchant() *world.Merchant { return h.World.Merchant(world.ServiceProvider) }

// ordered makes an order with a number of its own.
func (h *handing) ordered(changed ...string) (answer xmlv2.Members, no string) {
	h.t.Helper()
	h.orders++
	no = fmt.Sprintf("PHONE%d", h.orders)
	got := h.call("/pay/unifiedorder", v2Order(append([]string{"out_trade_no", no}, changed...)...))
	if got.short() != success {
		h.t.Fatalf("ordering is answered %v", got)
	}
	return got.members, no
}

func now() string { return strconv.FormatInt(time.Now().Unix(), 10) }

func (h *handing) open(as control.FrontEnd, parameters any, change func(*control.Handed)) control.Opened {
	h.t.Helper()
	handed := control.Handed{As: as, Parameters: json.RawMessage(mustJSON(parameters))}
	if change != nil {
		change(&handed)
	}
	opened, err := h.Control().OpenPhone(h.t.Context(), handed)
	if err != nil {
		h.t.Fatalf("%s: %v", as, err)
	}
	if strings.Contains(mustJSON(opened), h.merchant().APIv2Key) || strings.Contains(mustJSON(opened), h.merchant().APIv3Key) {
		h.t.Errorf("%s: the answer has a key", as)
	}
	return opened
}

// told is an answer in a line: what the user sees, the checks that failed, the mistakes.
func told(o control.Opened) string {
	if o.Opens {
		return "opens"
	}
	line := o.Shows
	if o.Number != 0 {
		line = strconv.Itoa(o.Number)
	}
	line += ":"
	for _, c := range o.Checks {
		if !c.Passed {
			line += " " + c.Name
		}
	}
	for _, d := range o.Diagnosis {
		line += " " + d.Mistake
	}
	return strings.TrimPrefix(line, ":")
}

// spoilt is a call of a front end with something wrong.
type spoilt struct {
	before object                   // changed before it is signed; nil takes a parameter away
	text   func(text string) string // of what is signed, without the key
	sign   func(text string) string // in place of the right way
	after  object                   // changed after it was signed
	handed func(*control.Handed)
	order  []string // changed of the order
	then   func(h *handing, no string)
	want   string
}

func change(to, by object) object {
	to = maps.Clone(to)
	for name, value := range by {
		if to[name] = value; value == nil {
			delete(to, name)
		}
	}
	return to
}

func (s spoilt) signed(text string, right func(string) string) string {
	if s.text != nil {
		text = s.text(text)
	}
	if s.sign != nil {
		return s.sign(text)
	}
	return right(text)
}

func valuesOf(o object, names ...string) (all []string) {
	for _, name := range names {
		text, _ := o[name].(string)
		all = append(all, text)
	}
	return all
}

// lines are signed by APIv3.
func lines(all []string) string { return strings.Join(all, "\n") + "\n" }

// paramsOf are signed by APIv2.
func paramsOf(o object, names ...string) string {
	var m xmlv2.Members
	for _, name := range names {
		m.Set(name, fmt.Sprint(o[name]))
	}
	return string(auth.ParamsText(m.Texts()))
}

func (h *handing) rsa(text string) string {
	return must(auth.Sign(must(auth.ParsePrivateKey([]byte(h.merchant().PrivateKey))), []byte(text)))
}

func (h *handing) md5Sign(text string) string { return digestOf(text, h.key) }

func (h *handing) hmac(text string) string { return hmacWith(h.key)(text) }

func hmacWith(key string) func(string) string {
	return func(text string) string {
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(text + "&key=" + key))
		return strings.ToUpper(hex.EncodeToString(m.Sum(nil)))
	}
}

func replacing(old, new string) func(string) string {
	return func(text string) string {
		if !strings.Contains(text, old) {
			panic("the text has no " + strconv.Quote(old) + ": " + text)
		}
		return strings.ReplaceAll(text, old, new)
	}
}

const badSign = "支付验证签名失败: "

// TestAPageHandsOverAnOrderOfAPIv3 looks at everything but the order, which the simulator does not keep.
func TestAPageHandsOverAnOrderOfAPIv3(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	platform := must(auth.ParsePrivateKey([]byte(h.World.Platform.PrivateKey)))
	at := now()
	seconds := must(strconv.ParseInt(at, 10, 64))
	tests := map[string]spoilt{
		"as it should be":               {want: "opens"},
		"in instalments":                {before: object{"package": "prepay_id=wx1&subsidy_period_type=PERIOD&selected_installment_number=3"}, want: "opens"},
		"something besides":             {after: object{"success": true}, want: "opens"},
		"no appId":                      {after: object{"appId": nil}, want: "调用支付JSAPI缺少参数:appId: parameters"},
		"no package":                    {after: object{"package": nil}, want: "调用支付JSAPI缺少参数:package: parameters"},
		"an empty package":              {after: object{"package": ""}, want: "调用支付JSAPI缺少参数:package: parameters"},
		"no signType":                   {after: object{"signType": nil}, want: "调用支付JSAPI缺少参数:signType: parameters"},
		"no paySign":                    {after: object{"paySign": nil}, want: "调用支付JSAPI缺少参数:paySign: parameters"},
		"no nonceStr, but noncestr":     {after: object{"nonceStr": nil, "noncestr": "n"}, want: "调用支付JSAPI缺少参数:nonceStr: parameters"},
		"a nonce that is null":          {after: object{"nonceStr": (*string)(nil)}, want: "调用支付JSAPI缺少参数:nonceStr: parameters"},
		"a nonce of 33 characters":      {before: object{"nonceStr": strings.Repeat("n", 33)}, want: "调用支付JSAPI缺少参数:nonceStr: parameters"},
		"a timestamp that is a number":  {after: object{"timeStamp": seconds}, want: "调用支付JSAPI缺少参数:timeStamp: parameters"},
		"milliseconds":                  {before: object{"timeStamp": at + "123"}, want: badSign + "timestamp"},
		"a timestamp that is no number": {before: object{"timeStamp": "today"}, want: badSign + "timestamp"},
		"a timestamp of three digits":   {before: object{"timeStamp": "123"}, want: badSign + "timestamp"},
		"an old timestamp":              {before: object{"timeStamp": "1554208460"}, want: "opens"},
		"a bare prepay_id":              {before: object{"package": "wx1"}, want: "JSAPI缺少参数total_fee: package"},
		"a prepay_id that is undefined": {before: object{"package": "prepay_id=undefined"}, want: "JSAPI缺少参数total_fee: package"},
		"an appid of nobody":            {before: object{"appId": "wx0"}, want: "商户传入的appid参数不正确: appid"},
		"the appid of another merchant": {before: object{"appId": otherAppID}, handed: func(c *control.Handed) { c.MchID = world.ServiceProvider }, want: "商户传入的appid参数不正确: merchant"},
		"the appid of the sub-merchant": {before: object{"appId": world.SubAppID}, want: "opens"},
		"a signType that is none":       {after: object{"signType": "SHA256"}, want: badSign + "sign-type"},
		"signed with WeChat Pay's key":  {sign: func(text string) string { return must(auth.Sign(platform, []byte(text))) }, want: badSign + "signature other-key"},
		"signed as APIv2 does":          {sign: h.md5Sign, want: badSign + "signature v2-signature"},
		"no signature at all":           {sign: func(string) string { return "AAAA" }, want: badSign + "signature unknown-key"},
		"signed with another appid":     {text: replacing(world.AppID, otherAppID), want: badSign + "signature wrong-appid"},
		"signed in milliseconds":        {text: replacing(at, at+"456"), want: badSign + "signature timestamp-milliseconds"},
		"handed over in milliseconds":   {after: object{"timeStamp": at + "456"}, want: badSign + "timestamp signature timestamp-milliseconds"},
		"the time taken twice":          {text: replacing(at, strconv.FormatInt(seconds-2, 10)), want: badSign + "signature timestamp-differs"},
		"the nonce taken twice":         {text: replacing("Nonce", "Other"), want: badSign + "signature unknown-text"},
		"the nonce in small letters":    {text: replacing("Nonce", "nonce"), want: badSign + "signature nonce-case"},
		"signed without prepay_id=":     {text: replacing("prepay_id=", ""), want: badSign + "signature package-without-prepay-id"},
		"signed with prepay_id= twice":  {text: replacing("prepay_id=", "prepay_id=prepay_id="), want: badSign + "signature package-with-prepay-id"},
		"signType signed":               {text: func(text string) string { return text + "RSA\n" }, want: badSign + "signature sign-type-signed"},
		"no line feed at the end":       {text: func(text string) string { return strings.TrimSuffix(text, "\n") }, want: badSign + "signature final-newline-missing"},
		"line feeds of Windows":         {text: replacing("\n", "\r\n"), want: badSign + "signature crlf"},
		"line feeds that are none":      {text: replacing("\n", `\n`), want: badSign + "signature literal-backslash-n"},
		"lines in another order":        {text: reordered, want: badSign + "signature lines-reordered"},
		"a line less":                   {text: replacing("Nonce\n", ""), want: badSign + "signature member-left-out"},
		"pairs as of APIv2":             {text: pairsOf, want: badSign + "signature parameters-signed"},
		"two mistakes": {text: func(text string) string {
			return strings.Replace(replacing("prepay_id=", "")(text), world.AppID, otherAppID, 1)
		}, want: badSign + "signature wrong-appid package-without-prepay-id"},
		"a timestamp and a bare package":   {before: object{"package": "wx1"}, after: object{"timeStamp": seconds}, want: "调用支付JSAPI缺少参数:timeStamp: parameters package"},
		"another merchant that hands over": {handed: func(c *control.Handed) { c.MchID = "1900000001" }, want: "商户传入的appid参数不正确: merchant"},
	}
	right := object{"appId": world.AppID, "timeStamp": at, "nonceStr": "Nonce", "package": "prepay_id=wx1", "signType": "RSA"}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := change(right, tt.before)
			p["paySign"] = tt.signed(lines(valuesOf(p, "appId", "timeStamp", "nonceStr", "package")), h.rsa)
			o := h.open(control.JSAPI, change(p, tt.after), tt.handed)
			if got := told(o); got != tt.want {
				t.Errorf("%q, want %q\n%s", got, tt.want, mustJSON(o))
			}
			if o.Opens != (o.Callback == "") || !o.Opens && o.Callback != "get_brand_wcpay_request:fail" {
				t.Errorf("opens %t, and the page is told %q", o.Opens, o.Callback)
			}
		})
	}
}

func reordered(text string) string {
	all := strings.SplitAfter(text, "\n")
	return all[0] + all[2] + all[1] + all[3]
}

func pairsOf(text string) string {
	all := strings.Split(text, "\n")
	return "appId=" + all[0] + "&nonceStr=" + all[2] + "&package=" + all[3] + "&timeStamp=" + all[1]
}

func TestAPageHandsOverAnOrderOfAPIv2(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	apiv3Key, other := h.merchant().APIv3Key, h.World.Merchant("1900000001").APIv2Key
	paid := func(h *handing, no string) {
		must(h.Control().PayTrade(h.t.Context(), control.Trade{OutTradeNo: no}))
	}
	tests := map[string]spoilt{
		"as it should be":            {want: "opens"},
		"the user whom it is for":    {handed: func(c *control.Handed) { c.OpenID = world.OpenID }, want: "opens"},
		"another user":               {handed: func(c *control.Handed) { c.OpenID = "oOther" }, want: "下单账号与支付账号不一致，请核实后再支付: payer"},
		"a prepay_id of nobody":      {before: object{"package": "prepay_id=wx1"}, want: "该订单已过期，请重新下单: prepay-id"},
		"an order of another kind":   {order: []string{"trade_type", "APP"}, want: "支付场景非法: trade-type"},
		"another appid of the world": {before: object{"appId": otherAppID}, want: "商户传入的appid参数不正确: appid"},
		"an order that is paid":      {then: paid, want: "该订单已支付: order"},
		"an order that is closed":    {then: func(h *handing, no string) { h.call("/pay/closeorder", named("out_trade_no", no)) }, want: "该订单已过期，请重新下单: order"},
		"signed by RSA":              {before: object{"signType": "RSA"}, sign: h.rsa, want: badSign + "sign-type signature unknown-text"},
		"the type of another order":  {before: object{"signType": "HMAC-SHA256"}, sign: h.hmac, want: badSign + "sign-type"},
		"another type than it says":  {sign: h.hmac, want: badSign + "signature other-sign-type"},
		"an RSA signature":           {sign: h.rsa, want: badSign + "signature rsa-signature"},
		"base64":                     {sign: func(string) string { return "c2lnbg==" }, want: badSign + "signature not-hexadecimal"},
		"small letters":              {sign: func(text string) string { return strings.ToLower(h.md5Sign(text)) }, want: badSign + "signature lower-case"},
		"the APIv3 key":              {sign: func(text string) string { return digestOf(text, apiv3Key) }, want: badSign + "signature apiv3-key"},
		"another merchant's key":     {sign: func(text string) string { return digestOf(text, other) }, want: badSign + "signature other-key"},
		"a key of nobody":            {sign: func(text string) string { return digestOf(text, "x") }, want: badSign + "signature unknown"},
		"the key without its name":   {sign: func(text string) string { return md5Hex(text + h.key) }, want: badSign + "signature key-without-name"},
		"signType not signed":        {text: replacing("&signType=MD5", ""), want: badSign + "signature sign-type-left-out"},
		"the nonce not signed":       {text: replacing("&nonceStr=Nonce", ""), want: badSign + "signature member-left-out"},
		"signed without prepay_id=":  {text: replacing("prepay_id=", ""), want: badSign + "signature package-without-prepay-id"},
		"signed with another appid":  {text: replacing(world.AppID, otherAppID), want: badSign + "signature wrong-appid"},
		"a name in small letters":    {text: replacing("nonceStr", "noncestr"), want: badSign + "signature name-spelling"},
		"all names in small letters, and sorted so": {text: func(text string) string {
			return sortedPairs(strings.NewReplacer("appId", "appid", "nonceStr", "noncestr", "signType", "signtype", "timeStamp", "timestamp").Replace(text))
		}, want: badSign + "signature name-spelling"},
		"names of requests": {text: func(text string) string {
			return sortedPairs(strings.NewReplacer("appId", "app_id", "nonceStr", "nonce_str", "signType", "sign_type", "timeStamp", "time_stamp").Replace(text))
		}, want: badSign + "signature name-spelling"},
		"values that are escaped": {text: replacing("prepay_id=", "prepay_id%3D"), want: badSign + "signature values-escaped"},
		"the merchant signed too": {text: replacing("&nonceStr", "&mch_id="+world.ServiceProvider+"&nonceStr"), want: badSign + "signature member-added"},
		"pairs that are not sorted": {text: func(text string) string {
			all := strings.Split(text, "&") // appId, nonceStr, package, signType, timeStamp
			return strings.Join([]string{all[0], all[4], all[1], all[2], all[3]}, "&")
		}, want: badSign + "signature not-sorted"},
		"the APIv3 key, in small letters, by the other type": {sign: func(text string) string { return strings.ToLower(hmacWith(apiv3Key)(text)) }, want: badSign + "signature apiv3-key other-sign-type lower-case"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answer, no := h.ordered(tt.order...)
			p := change(object{"appId": world.AppID, "timeStamp": now(), "nonceStr": "Nonce", "package": "prepay_id=" + answer.Get("prepay_id"), "signType": "MD5"}, tt.before)
			text := paramsOf(p, "appId", "timeStamp", "nonceStr", "package", "signType")
			if p["signType"] == "RSA" {
				text = "whatever"
			}
			p["paySign"] = tt.signed(text, h.md5Sign)
			if tt.then != nil {
				tt.then(h, no)
			}
			o := h.open(control.JSAPI, change(p, tt.after), tt.handed)
			if got := told(o); got != tt.want {
				t.Errorf("%q, want %q\n%s", got, tt.want, mustJSON(o))
			}
			if o.About == nil != (p["package"] == "prepay_id=wx1") || o.About != nil && o.About.OutTradeNo != no {
				t.Errorf("it is about %+v, want %s", o.About, no)
			}
			if p["signType"] != "RSA" && o.SignedText != text {
				t.Errorf("to be signed is %q, want %q", o.SignedText, text)
			}
		})
	}
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func sortedPairs(text string) string {
	all := strings.Split(text, "&")
	slices.Sort(all)
	return strings.Join(all, "&")
}

// TestWhatAMiniProgramHandsOver has one that knows its appid, and one that does not say it.
func TestWhatAMiniProgramHandsOver(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	at := now()
	is := func(appID string) func(*control.Handed) { return func(c *control.Handed) { c.AppID = appID } }
	tests := map[string]spoilt{
		"as it should be":                        {want: "opens"},
		"that says its appid":                    {handed: is(world.AppID), want: "opens"},
		"that hands over its appid":              {after: object{"appId": world.AppID}, want: "opens"},
		"that is another merchant's":             {handed: is(otherAppID), want: "商户传入的appid参数不正确: appid signature wrong-appid"},
		"by its own appid, of a sub-merchant":    {order: []string{"sub_mch_id", world.SubMerchant, "sub_appid", world.SubAppID}, text: replacing(world.AppID, world.SubAppID), want: "opens"},
		"without signType, which stands for MD5": {before: object{"signType": nil}, text: replacing("&signType=<nil>", ""), want: "opens"},
		"signed with what it does not have":      {before: object{"signType": nil}, text: replacing("<nil>", "MD5"), want: badSign + "signature sign-type-signed"},
		"a timestamp that is a number":           {after: object{"timeStamp": must(strconv.Atoi(at))}, want: "requestPayment:fail parameter error: parameter.timeStamp should be String instead of Number;: parameters"},
		"no package":                             {after: object{"package": nil}, handed: is(world.AppID), want: "requestPayment:fail parameter error: parameter.package should be String instead of Undefined;: parameters"},
		"appId not signed":                       {text: replacing("appId="+world.AppID+"&", ""), want: badSign + "signature member-left-out"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answer, _ := h.ordered(tt.order...)
			p := change(object{"timeStamp": at, "nonceStr": "Nonce", "package": "prepay_id=" + answer.Get("prepay_id"), "signType": "MD5"}, tt.before)
			signed := change(p, object{"appId": world.AppID})
			p["paySign"] = tt.signed(paramsOf(signed, "appId", "timeStamp", "nonceStr", "package", "signType"), h.md5Sign)
			o := h.open(control.MiniProgram, change(p, tt.after), tt.handed)
			got := told(o)
			if o.Shows == "" && !o.Opens {
				got = o.Callback + ": " + strings.TrimSpace(got)
			} else if !o.Opens && o.Callback != "requestPayment:fail ("+o.Shows+")" {
				t.Errorf("it is told %q", o.Callback)
			}
			if got != tt.want {
				t.Errorf("%q, want %q\n%s", got, tt.want, mustJSON(o))
			}
		})
	}
	_, err := h.Control().OpenPhone(t.Context(), control.Handed{As: control.MiniProgram, Parameters: json.RawMessage(`{"package": "prepay_id=wx1", "signType": "RSA"}`)})
	if err == nil || !strings.Contains(err.Error(), "say by appid which mini-program it is") {
		t.Errorf("a mini-program of nobody: %v", err)
	}
}

func TestWhatAnAppHandsOver(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	seconds := must(strconv.ParseInt(now(), 10, 64))
	v2 := []string{"appid", "partnerid", "prepayid", "package", "noncestr", "timestamp"}
	v3 := []string{"appid", "timestamp", "noncestr", "prepayid"}
	tests := map[string]struct {
		spoilt
		v3 bool
	}{
		"by APIv2, as it should be":    {spoilt{want: "opens"}, false},
		"by APIv3, as it should be":    {spoilt{want: "opens"}, true},
		"a timestamp that is a number": {spoilt{before: object{"timestamp": seconds}, want: "opens"}, false},
		"a nonce that is a list":       {spoilt{after: object{"noncestr": []int{1}}, want: ": parameters signature unknown"}, false},
		"no partnerid":                 {spoilt{after: object{"partnerid": nil}, want: ": parameters"}, false},
		"prepay_id= in front":          {spoilt{after: object{"prepayid": "prepay_id=wx1"}, want: "该订单已过期，请重新下单: package"}, true},
		"the package of a page":        {spoilt{before: object{"package": "prepay_id=wx1"}, want: badSign + "package"}, true},
		"an order for pages":           {spoilt{order: []string{"trade_type", "JSAPI"}, want: "支付场景非法: trade-type"}, false},
		"another merchant":             {spoilt{before: object{"partnerid": "1900000001"}, want: badSign + "merchant"}, false},
		"another merchant, by APIv3":   {spoilt{before: object{"partnerid": "1900000001"}, want: "商户传入的appid参数不正确: merchant"}, true},
		"a merchant of nobody":         {spoilt{before: object{"partnerid": "1"}, want: "商户传入的appid参数不正确: merchant"}, true},
		"signed by RSA, made by APIv2": {spoilt{sign: h.rsa, want: badSign + "signature rsa-signature"}, false},
		"signed by MD5, made by APIv3": {spoilt{sign: h.md5Sign, want: "该订单已过期，请重新下单: prepay-id signature unknown"}, true},
		"package signed":               {spoilt{text: replacing("wx1", "Sign=WXPay"), want: badSign + "signature package-signed"}, true},
		"signed with prepay_id=":       {spoilt{text: replacing("wx1", "prepay_id=wx1"), want: badSign + "signature package-with-prepay-id"}, true},
		"signed as of pages":           {spoilt{text: replacing("noncestr", "nonceStr"), want: badSign + "signature name-spelling"}, false},
		"signType signed":              {spoilt{text: replacing("&timestamp", "&signType=MD5&timestamp"), want: badSign + "signature sign-type-signed"}, false},
		"partnerid not signed":         {spoilt{text: replacing("partnerid="+world.ServiceProvider+"&", ""), want: badSign + "signature member-left-out"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id, names, right := "wx1", v3, h.rsa
			if !tt.v3 {
				answer, _ := h.ordered(append([]string{"trade_type", "APP"}, tt.order...)...)
				id, names, right = answer.Get("prepay_id"), v2, h.md5Sign
			}
			p := change(object{
				"appid": world.AppID, "partnerid": world.ServiceProvider, "prepayid": id, "package": "Sign=WXPay", "noncestr": "Nonce", "timestamp": now(),
			}, tt.before)
			text := paramsOf(p, names...)
			if tt.v3 {
				text = lines(valuesOf(p, names...))
			}
			p["sign"] = tt.signed(text, right)
			o := h.open(control.App, change(p, tt.after), tt.handed)
			if got := told(o); got != strings.TrimPrefix(tt.want, ":") {
				t.Errorf("%q, want %q\n%s", got, tt.want, mustJSON(o))
			}
		})
	}
}

func TestWhatAnAddressLeadsTo(t *testing.T) {
	t.Parallel()
	const back = "&redirect_url=https%3A%2F%2Fshop.example%2Fa%3Fb%3D1%26c%3D2"
	const no = "商家参数格式有误，请联系商家解决: "
	other := func(c *control.Handed) { c.OpenID = "oOther" }
	again := func(h *handing, no string) { h.call("/pay/unifiedorder", v2Order(h.last(no)...)) }
	tests := map[string]struct {
		as      control.FrontEnd
		url     func(url string) string // of the order's
		handed  func(*control.Handed)
		after   time.Duration
		then    func(h *handing, no string)
		changed []string
		want    string
	}{
		"a code":                               {as: control.Native, want: "opens"},
		"a code that somebody else scans":      {as: control.Native, handed: other, changed: []string{"openid", world.OpenID}, want: "商家订单信息有误，请重新下单支付: payer"},
		"a code that is two hours old":         {as: control.Native, after: 2*time.Hour + time.Second, want: "该订单已过期，请重新下单: order"},
		"a code of an order that was repeated": {as: control.Native, then: again, after: time.Second, want: "该订单已过期，请重新下单: order"},
		"a code after its time_expire":         {as: control.Native, changed: []string{"time_expire", "20000101000000"}, after: 2 * time.Minute, want: "订单已超过商户设置的最晚支付成功时间，请重新发起支付: order"},
		"the other form of codes":              {as: control.Native, url: func(u string) string { return strings.Replace(u, "?pr=", "/up?groupid=00&pr=", 1) }, want: "opens"},
		"a code of nobody":                     {as: control.Native, url: func(string) string { return "weixin://wxpay/bizpayurl?pr=none" }, want: "该订单已过期，请重新下单: prepay-id"},
		"no code":                              {as: control.Native, url: func(string) string { return "https://shop.example/" }, want: "该订单已过期，请重新下单: url"},
		"a code of the documented shape":       {as: control.Native, url: func(string) string { return "https://example.com/code_url" }, want: " url"},
		"a page":                               {as: control.H5, want: "opens"},
		"a page with a way back":               {as: control.H5, url: func(u string) string { return u + back }, want: "opens"},
		"a way back that is not escaped":       {as: control.H5, url: func(u string) string { return u + "&redirect_url=https://shop.example/a?b=1&c=2" }, want: no + "redirect-url"},
		"a way back that is not escaped, of a page with routes": {as: control.H5, url: func(u string) string { return u + "&redirect_url=https%3A%2F%2Fshop.example/#/paid" }, want: no + "redirect-url"},
		"a way back that is not the last":                       {as: control.H5, url: func(u string) string { return strings.Replace(u, "?", "?"+back[1:]+"&", 1) }, want: "opens"},
		"a way back that is none":                               {as: control.H5, url: func(u string) string { return u + "&redirect_url=shop" }, want: no + "redirect-url"},
		"a page that is five minutes old":                       {as: control.H5, after: 5*time.Minute + time.Second, want: "支付请求已失效，请重新发起支付: order"},
		"a page with another package":                           {as: control.H5, url: func(u string) string { return u + "1" }, want: "由于商家传入的H5交易参数有误，该笔交易暂时无法完成，请联系商家解决: package"},
		"a page of nobody": {as: control.H5, url: func(string) string {
			return "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=1"
		}, want: no + "prepay-id"},
		"another page":                   {as: control.H5, url: func(string) string { return "https://shop.example/" }, want: no + "url"},
		"a page of the documented shape": {as: control.H5, url: func(string) string { return "https://example.com/h5_url" }, want: " url"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHanding(t)
			tradeType, member := []string{"trade_type", "NATIVE", "product_id", "1", "openid", ""}, "code_url"
			if tt.as == control.H5 {
				tradeType, member = []string{"trade_type", "MWEB", "scene_info", "{}", "openid", ""}, "mweb_url"
			}
			answer, no := h.ordered(append(tradeType, tt.changed...)...)
			u := answer.Get(member)
			if tt.url != nil {
				u = tt.url(u)
			}
			h.Advance(tt.after)
			if tt.then != nil {
				tt.then(h, no)
			}
			if got := told(h.open(tt.as, u, tt.handed)); got != strings.TrimPrefix(tt.want, ":") {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// last are the members by which an order is repeated.
func (h *handing) last(no string) []string {
	return []string{"out_trade_no", no, "trade_type", "NATIVE", "product_id", "1", "openid", ""}
}

// TestWhatPagesOfPayScoreAreHanded is the four pages, in both of their forms.
func TestWhatPagesOfPayScoreAreHanded(t *testing.T) {
	t.Parallel()
	w := simtest.World(t)
	other := w.Merchants[0]
	other.MchID, other.BrandID, other.APIv2Key = "1900000001", "", strings.Repeat("k", 32)
	w.Merchants = append(w.Merchants, other)
	g := simtest.StartWith(t, sim.Config{World: w})
	b := &bench{g, g.Client(wechatpay.MaxAttempts(1)), t}
	h := &handing{v2Caller: &v2Caller{Gateway: g, t: t, key: w.Merchants[0].APIv2Key}}
	apiv3Key, otherKey := w.Merchants[0].APIv3Key, other.APIv2Key
	signed := func(more object) object {
		return change(object{"mch_id": world.ServiceProvider, "timestamp": now(), "nonce_str": "Nonce", "sign_type": "HMAC-SHA256"}, more)
	}
	const wrong = "商户签名校验失败: "
	is := func(appID string) func(*control.Handed) { return func(c *control.Handed) { c.AppID = appID } }
	leave := func(no string) { must(b.Control().Leave(t.Context(), control.Order{OutOrderNo: no})) }
	confirm := func(no string) { b.Confirm(no) }
	tests := map[string]struct {
		spoilt
		as    control.FrontEnd
		plain bool // without a signature
		query func(pack string) string
		was   func(no string) // what happened to the order
	}{
		"an order, by its package alone":          {spoilt{want: "opens"}, control.PayScoreUse, true, nil, nil},
		"no package":                              {spoilt{before: object{"package": nil}, want: "4185: parameters"}, control.PayScoreUse, true, nil, nil},
		"an empty package":                        {spoilt{before: object{"package": ""}, want: "4185: parameters"}, control.PayScoreUse, true, nil, nil},
		"a package that was changed":              {spoilt{before: object{"package": "AAQTF"}, want: "4186: package"}, control.PayScoreUse, true, nil, nil},
		"a package that is escaped":               {spoilt{before: object{"package": "A%2BB"}, want: "4186: package"}, control.PayScoreUse, true, nil, nil},
		"from where the order's appid is":         {spoilt{handed: is(world.AppID), want: "opens"}, control.PayScoreUse, true, nil, nil},
		"from elsewhere":                          {spoilt{handed: is("wx0"), want: "4108: binding"}, control.PayScoreUse, true, nil, nil},
		"an order that was looked at":             {spoilt{want: "订单未获得权益，系统繁忙: order"}, control.PayScoreUse, true, nil, leave},
		"an order that is confirmed":              {spoilt{want: "订单未获得权益，系统繁忙: order"}, control.PayScoreUse, true, nil, confirm},
		"a queryString":                           {spoilt{want: "opens"}, control.PayScoreUse, true, func(pack string) string { return "package=" + url.QueryEscape(pack) }, nil},
		"a queryString that is not escaped":       {spoilt{want: "4186: package"}, control.PayScoreUse, true, func(pack string) string { return "package=" + pack }, nil},
		"an order, signed":                        {spoilt{want: "opens"}, control.PayScoreUse, false, nil, nil},
		"mchId in place of mch_id":                {spoilt{after: object{"mch_id": nil, "mchId": world.ServiceProvider}, want: "4185: parameters"}, control.PayScoreUse, false, nil, nil},
		"a timestamp that is a number":            {spoilt{before: object{"timestamp": 1554208460}, want: "4185: parameters"}, control.PayScoreUse, false, nil, nil},
		"a sign_type that is none":                {spoilt{after: object{"sign_type": "HMACSHA256"}, want: wrong + "sign-type signature sign-type-differs"}, control.PayScoreUse, false, nil, nil},
		"MD5":                                     {spoilt{before: object{"sign_type": "MD5"}, sign: h.md5Sign, want: wrong + "sign-type signature other-sign-type"}, control.PayScoreUse, false, nil, nil},
		"signed with the APIv3 key":               {spoilt{sign: hmacWith(apiv3Key), want: wrong + "signature apiv3-key"}, control.PayScoreUse, false, nil, nil},
		"signed with another merchant's key":      {spoilt{sign: hmacWith(otherKey), want: wrong + "signature other-key"}, control.PayScoreUse, false, nil, nil},
		"signed as APIv3 does":                    {spoilt{sign: h.rsa, want: wrong + "signature rsa-signature"}, control.PayScoreUse, false, nil, nil},
		"the SHA-256 alone":                       {spoilt{sign: func(text string) string { return sha256Hex(text + "&key=" + h.key) }, want: wrong + "signature hmac-without-key"}, control.PayScoreUse, false, nil, nil},
		"the key at one place only":               {spoilt{sign: func(text string) string { return hmacBare(text, h.key) }, want: wrong + "signature key-not-appended"}, control.PayScoreUse, false, nil, nil},
		"sign_type not signed":                    {spoilt{text: replacing("&sign_type=HMAC-SHA256", ""), want: wrong + "signature sign-type-left-out"}, control.PayScoreUse, false, nil, nil},
		"signed with what is not handed over":     {spoilt{text: replacing("nonce_str", "nonceStr"), want: wrong + "signature name-spelling"}, control.PayScoreUse, false, nil, nil},
		"the sub-merchant's number":               {spoilt{before: object{"mch_id": world.SubMerchant}, want: wrong + "merchant"}, control.PayScoreUse, false, nil, nil},
		"a number of nobody":                      {spoilt{before: object{"mch_id": "1"}, want: wrong + "merchant"}, control.PayScoreUse, false, nil, nil},
		"another merchant, with his key":          {spoilt{before: object{"mch_id": "1900000001"}, sign: hmacWith(otherKey), want: "4188: binding"}, control.PayScoreUse, false, nil, nil},
		"the page of an order":                    {spoilt{want: "opens"}, control.PayScoreDetail, false, nil, nil},
		"the page of an order without a sign":     {spoilt{after: object{"sign": nil}, want: "4185: parameters"}, control.PayScoreDetail, false, nil, nil},
		"the page of an order of nobody":          {spoilt{before: object{"out_order_no": "none"}, want: ": order"}, control.PayScoreDetail, false, nil, nil},
		"the page of an order of another service": {spoilt{before: object{"service_id": world.GrantServiceID}, want: "4188: binding"}, control.PayScoreDetail, false, nil, nil},
		"a page with the number not signed":       {spoilt{text: func(text string) string { return regexp.MustCompile(`&out_order_no=[^&]*`).ReplaceAllString(text, "") }, want: wrong + "signature member-left-out"}, control.PayScoreDetail, false, nil, nil},
		"granting, by a token":                    {spoilt{want: "opens"}, control.PayScoreEnable, true, nil, nil},
		"granting, by a token of nobody":          {spoilt{before: object{"apply_permissions_token": "none"}, want: "4186: package"}, control.PayScoreEnable, true, nil, nil},
		"granting, signed":                        {spoilt{want: "opens"}, control.PayScoreEnable, false, nil, nil},
		"granting a service of nobody":            {spoilt{before: object{"service_id": "1"}, want: "4188: binding"}, control.PayScoreEnable, false, nil, nil},
		"granting, signed with the APIv3 key":     {spoilt{sign: hmacWith(apiv3Key), want: wrong + "signature apiv3-key"}, control.PayScoreEnable, false, nil, nil},
		"a plan":                                  {spoilt{want: "opens"}, control.PayScorePlan, true, nil, nil},
		"a plan of nobody":                        {spoilt{before: object{"package": "none"}, want: "4186: package"}, control.PayScorePlan, true, nil, nil},
	}
	n := 0
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n++
			no := fmt.Sprintf("USE%d", n)
			p := object{}
			switch {
			case tt.as == control.PayScoreUse:
				p["package"], no = b.fragile(no)
			case tt.as == control.PayScoreDetail:
				b.created(object{"out_order_no": no})
				p["service_id"], p["out_order_no"] = world.ServiceID, no
			case tt.as == control.PayScorePlan:
				s := seller{b, true}
				plan := s.createPlan(newPlan(), object{"merchant_plan_no": no})
				p["package"] = s.askToSign(newSignature(plan.body["plan_id"].(string)), object{"merchant_sign_plan_no": no}).body["package"]
			case tt.plain:
				p["apply_permissions_token"] = b.call("POST", permissions, wechatpay.JSON(permission(no, nil))).body["apply_permissions_token"]
			default:
				p["service_id"], p["out_request_no"] = world.GrantServiceID, no
			}
			var names []string
			if p = change(p, tt.before); !tt.plain {
				p = change(signed(p), tt.before)
				names = slices.Collect(maps.Keys(p))
				p["sign"] = tt.signed(paramsOf(p, names...), h.hmac)
			}
			if tt.was != nil {
				tt.was(no)
			}
			var parameters any = change(p, tt.after)
			if tt.query != nil {
				parameters = tt.query(p["package"].(string))
			}
			o := h.open(tt.as, parameters, tt.handed)
			if got := told(o); got != strings.TrimPrefix(tt.want, ":") {
				t.Errorf("%q, want %q\n%s", got, tt.want, mustJSON(o))
			}
		})
	}
}

// fragile makes an order whose package has a plus sign to lose: one in thirteen has none.
func (b *bench) fragile(prefix string) (pack, no string) {
	b.t.Helper()
	for no = prefix; !strings.Contains(pack, "+"); no += "A" {
		pack = b.create(newOrder(object{"out_order_no": no})).body["package"].(string)
	}
	return pack, strings.TrimSuffix(no, "A")
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func hmacBare(text, key string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return strings.ToUpper(hex.EncodeToString(m.Sum(nil)))
}

// TestTheWholeCallOfPayScore has what a mini-program, a page and an app pass on, in place of what is in it.
func TestTheWholeCallOfPayScore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := &handing{v2Caller: &v2Caller{Gateway: b.Gateway, t: t, key: b.World.Merchants[0].APIv2Key}}
	pack := b.create(newOrder(nil)).body["package"].(string)
	query := "package=" + url.QueryEscape(pack)
	for name, tt := range map[string]struct {
		call object
		want string
	}{
		"a mini-program":        {object{"businessType": "wxpayScoreUse", "extraData": object{"package": pack}}, "opens"},
		"a page":                {object{"businessType": "wxpayScoreUse", "queryString": query}, "opens"},
		"an app":                {object{"businessType": "wxpayScoreUse", "query": query, "extInfo": `{"miniProgramType":0}`}, "opens"},
		"another businessType":  {object{"businessType": "wxpayScoreEnable", "extraData": object{"package": pack}}, "4185: business-type"},
		"a number in extraData": {object{"businessType": "wxpayScoreUse", "extraData": object{"package": 1}}, "4185: parameters package"},
		"nothing in extraData":  {object{"businessType": "wxpayScoreUse", "extraData": object{}}, "4185: parameters"},
	} {
		if got := told(h.open(control.PayScoreUse, tt.call, nil)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestWhatARedPacketIsOpenedWith(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	is := func(c *control.Handed) { c.AppID = world.AppID }
	p := object{"timeStamp": now(), "nonceStr": "Nonce", "package": "sendid%3D1%26ver%3D8", "signType": "MD5"}
	sign := func(p object, more ...string) object {
		text := paramsOf(change(p, object{"appId": world.AppID}), append([]string{"appId", "timeStamp", "nonceStr", "package"}, more...)...)
		return change(p, object{"paySign": h.md5Sign(text)})
	}
	for name, tt := range map[string]struct {
		parameters object
		want       string
	}{
		"as it should be":            {sign(p), "opens"},
		"signType signed":            {sign(p, "signType"), " signature sign-type-signed"},
		"a package as it came":       {sign(change(p, object{"package": "sendid=1&ver=8"})), " package"},
		"a package escaped later":    {change(sign(change(p, object{"package": "sendid=1&ver=8"})), object{"package": p["package"]}), " signature values-unescaped"},
		"another signType":           {sign(change(p, object{"signType": "RSA"})), " sign-type"},
		"no package":                 {change(sign(p), object{"package": nil}), " parameters"},
		"the appid of somebody else": {sign(p), "appid"},
	} {
		who := is
		if tt.want == "appid" {
			who, tt.want = func(c *control.Handed) { c.AppID = "wx0" }, "商户传入的appid参数不正确: appid"
		}
		if got := told(h.open(control.RedPacket, tt.parameters, who)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestWhatCouponsAreHandedOutWith(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	list := func(of ...object) object {
		return object{"send_coupon_params": of, "send_coupon_merchant": world.ServiceProvider}
	}
	one := object{"stock_id": "S", "out_request_no": "R"}
	const text = "out_request_no0=R&send_coupon_merchant=" + world.ServiceProvider + "&stock_id0=S"
	const page = "https://action.weixin.qq.com/busifavor/getcouponinfo?stock_id=S&out_request_no=R&send_coupon_merchant=" + world.ServiceProvider + "&open_id=o1&sign="
	const end = "#wechat_pay&wechat_redirect"
	const pageText = "open_id=o1&out_request_no=R&send_coupon_merchant=" + world.ServiceProvider + "&stock_id=S"
	tests := map[string]struct {
		as         control.FrontEnd
		parameters any
		want       string
	}{
		"the plug-in":                     {control.Coupon, change(list(one), object{"sign": h.hmac(text)}), "opens"},
		"the plug-in, with the APIv3 key": {control.Coupon, change(list(one), object{"sign": hmacWith(h.merchant().APIv3Key)(text)}), " signature apiv3-key"},
		"the plug-in, without coupons":    {control.Coupon, change(list(), object{"send_coupon_params": []object{}, "sign": h.hmac(text)}), " coupons"},
		"the plug-in, without stock_id":   {control.Coupon, change(list(change(one, object{"stock_id": nil})), object{"sign": h.hmac(strings.TrimSuffix(text, "&stock_id0=S"))}), " coupons"},
		"the plug-in, with a number":      {control.Coupon, change(list(change(one, object{"stock_id": 1})), object{"sign": h.hmac(text)}), " coupons coupons signature unknown"},
		"the plug-in, of nobody":          {control.Coupon, change(list(one), object{"send_coupon_merchant": "1", "sign": "A"}), " merchant"},
		"the page":                        {control.CouponH5, page + h.hmac(pageText) + end, "opens"},
		"the page, without its end":       {control.CouponH5, page + h.hmac(pageText), " url"},
		"the page, unsigned":              {control.CouponH5, page + end, " parameters"},
		"the page, by MD5":                {control.CouponH5, page + h.md5Sign(pageText) + end, " signature other-sign-type"},
		"another page":                    {control.CouponH5, "https://shop.example/", " url"},
	}
	for name, tt := range tests {
		if got := told(h.open(tt.as, tt.parameters, nil)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestWhatTheUserDoesOnThePage pays, confirms and leaves, and looks what has become of it.
func TestWhatTheUserDoesOnThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := &handing{v2Caller: &v2Caller{Gateway: b.Gateway, t: t, mchID: world.ServiceProvider, key: b.World.Merchants[0].APIv2Key, url: b.URL}}
	h.http = newV2Caller(t).http
	then := func(act control.Act) func(*control.Handed) { return func(c *control.Handed) { c.Then = act } }
	page := func() (object, string) {
		answer, no := h.ordered()
		p := object{"appId": world.AppID, "timeStamp": now(), "nonceStr": "Nonce", "package": "prepay_id=" + answer.Get("prepay_id"), "signType": "MD5"}
		p["paySign"] = h.md5Sign(paramsOf(p, "appId", "timeStamp", "nonceStr", "package", "signType"))
		return p, no
	}
	p, no := page()
	for _, s := range []struct {
		parameters object
		act        control.Act
		want       string
	}{
		{p, "", "opens  NOTPAY"},
		{p, control.ActLeave, "opens get_brand_wcpay_request:cancel NOTPAY"},
		{change(p, object{"paySign": "A"}), control.ActPay, badSign + "signature not-hexadecimal get_brand_wcpay_request:fail NOTPAY"},
		{p, control.ActPay, "opens get_brand_wcpay_request:ok SUCCESS"},
		{p, control.ActPay, "该订单已支付: order get_brand_wcpay_request:fail SUCCESS"},
	} {
		o := h.open(control.JSAPI, s.parameters, then(s.act))
		if got := told(o) + " " + o.Callback + " " + o.About.State; got != s.want {
			t.Errorf("%q of %s: %q, want %q", s.act, no, got, s.want)
		}
	}

	use := func(no string) object {
		return object{"package": b.create(newOrder(object{"out_order_no": no})).body["package"]}
	}
	left, confirmed := use("LEFT"), use("CONFIRMED")
	if got := told(h.open(control.PayScoreUse, left, nil)) + told(h.open(control.PayScoreUse, left, then(control.ActLeave))) + told(h.open(control.PayScoreUse, left, nil)); got != "opensopens订单未获得权益，系统繁忙: order" {
		t.Errorf("looking, leaving and coming back: %q", got)
	}
	if o := h.open(control.PayScoreUse, confirmed, then(control.ActConfirm)); o.About.State != "SERVING" || o.About.QueryID == "" || o.Callback != "openBusinessView:ok" {
		t.Errorf("confirming: %s", mustJSON(o))
	}
	b.wantState("CONFIRMED", "DOING/USER_CONFIRM")
	token := object{"apply_permissions_token": b.call("POST", permissions, wechatpay.JSON(permission("C1", nil))).body["apply_permissions_token"]}
	if got := told(h.open(control.PayScoreEnable, token, then(control.ActOpenService))) + told(h.open(control.PayScoreEnable, token, nil)); got != "opens4186: package" {
		t.Errorf("granting twice: %q", got)
	}
	s := seller{b, true}
	plan := s.createPlan(newPlan(), nil)
	pack := object{"package": s.askToSign(newSignature(plan.body["plan_id"].(string)), nil).body["package"]}
	if o := h.open(control.PayScorePlan, pack, then(control.ActSignPlan)); o.About == nil || o.About.State != "SIGNED" {
		t.Errorf("signing: %s", mustJSON(o))
	}
	paying := b.completed(4000, nil)
	detail := object{"mch_id": world.ServiceProvider, "service_id": world.ServiceID, "out_order_no": paying, "timestamp": now(), "nonce_str": "Nonce", "sign_type": "HMAC-SHA256"}
	detail["sign"] = h.hmac(paramsOf(detail, slices.Collect(maps.Keys(detail))...))
	if o := h.open(control.PayScoreDetail, detail, then(control.ActPay)); o.About == nil || o.About.State != "DONE" {
		t.Errorf("paying: %s", mustJSON(o))
	}
	b.wantState(paying, "DONE")
}

func TestWhatAPhoneIsNotHanded(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	p := object{"appId": world.AppID, "timeStamp": now(), "nonceStr": "Nonce", "package": "prepay_id=wx1", "signType": "RSA"}
	p["paySign"] = h.rsa(lines(valuesOf(p, "appId", "timeStamp", "nonceStr", "package")))
	good := json.RawMessage(mustJSON(p))
	answer, _ := h.ordered()
	broke := object{"appId": world.AppID, "timeStamp": now(), "nonceStr": "Nonce", "package": "prepay_id=" + answer.Get("prepay_id"), "signType": "MD5"}
	broke["paySign"] = h.md5Sign(paramsOf(broke, "appId", "timeStamp", "nonceStr", "package", "signType"))
	userBroke(h.v2Caller)
	many := object{}
	for i := range 101 {
		many[strconv.Itoa(i)] = "1"
	}
	query := url.Values{}
	for name := range many {
		query.Set(name, "1")
	}
	manyPairs := json.RawMessage(mustJSON(query.Encode()))
	tests := map[string]struct {
		handed control.Handed
		want   string
	}{
		"a front end that there is not":           {control.Handed{As: "alipay", Parameters: good}, "400 there is no front end \"alipay\", but jsapi, "},
		"an act that there is not":                {control.Handed{As: control.JSAPI, Parameters: good, Then: control.ActConfirm}, "400 the user does not \"confirm\" on the page of jsapi, but pay, leave"},
		"an act where there is none":              {control.Handed{As: control.Coupon, Parameters: good, Then: control.ActPay}, "400 the user does not \"pay\" on the page of coupon, but nothing"},
		"a URL for a page in WeChat":              {control.Handed{As: control.JSAPI, Parameters: json.RawMessage(`"https://shop.example/"`)}, "400 jsapi hands over an object"},
		"an object for a code":                    {control.Handed{As: control.Native, Parameters: good}, "400 native hands over a URL"},
		"a list":                                  {control.Handed{As: control.JSAPI, Parameters: json.RawMessage(`[]`)}, "400 parameters has to be what jsapi hands over: a JSON object"},
		"nothing":                                 {control.Handed{As: control.JSAPI, Parameters: json.RawMessage(`null`)}, "400 parameters has to be what jsapi hands over: a JSON object"},
		"too many members":                        {control.Handed{As: control.JSAPI, Parameters: json.RawMessage(mustJSON(many))}, "400 parameters has more than 100 members"},
		"too many pairs":                          {control.Handed{As: control.PayScoreUse, Parameters: manyPairs}, "400 parameters has more than 100 members"},
		"a queryString that is none":              {control.Handed{As: control.PayScoreUse, Parameters: json.RawMessage(`"package=%zz"`)}, "400 parameters is not a queryString"},
		"a merchant of nobody":                    {control.Handed{As: control.JSAPI, Parameters: good, MchID: "7"}, `404 there is no merchant "7" that signs`},
		"paying what the simulator does not keep": {control.Handed{As: control.JSAPI, Parameters: good, Then: control.ActPay}, "409 the parameters are good, but the simulator keeps nothing that they are about"},
		"paying without money":                    {control.Handed{As: control.JSAPI, Parameters: json.RawMessage(mustJSON(broke)), Then: control.ActPay}, "409 the user is out of money"},
	}
	for name, tt := range tests {
		_, err := h.Control().OpenPhone(t.Context(), tt.handed)
		refused, ok := err.(*control.Error)
		if !ok || !strings.HasPrefix(fmt.Sprint(refused.StatusCode, " ", refused.Message), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// TestTheManualListsTheMistakesOfFrontEnds compares the section of docs/simulator.md with the source.
func TestTheManualListsTheMistakesOfFrontEnds(t *testing.T) {
	t.Parallel()
	manual, source := string(must(os.ReadFile("../docs/simulator.md"))), string(must(os.ReadFile("internal/phone/mistakes.go")))
	_, section, _ := strings.Cut(manual, "\n## The user's phone\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, section, _ = strings.Cut(section, "\n| mistake |")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllStringSubmatch(section, -1) {
		listed[m[1]] = true
	}
	there := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\t"([a-z0-9-]+)": +"`).FindAllStringSubmatch(source, -1) {
		there[m[1]] = true
	}
	if len(there) < 25 || !maps.Equal(listed, there) {
		t.Errorf("the manual lists %v, and there are %v", slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(there)))
	}
}

// TestWhatTheSDKMakesOpensEveryPage hands over what the SDK makes, as the JSON that a front end gets.
func TestWhatTheSDKMakesOpensEveryPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.World.Merchants[0]
	h := &handing{v2Caller: &v2Caller{Gateway: b.Gateway, t: t, mchID: m.MchID, key: m.APIv2Key, url: b.URL, http: newV2Caller(t).http}}
	idOf := func(changed ...string) string { answer, _ := h.ordered(changed...); return answer.Get("prepay_id") }
	urlOf := func(member string, changed ...string) string {
		answer, _ := h.ordered(changed...)
		return answer.Get(member)
	}
	use := func(no string) string { return b.create(newOrder(object{"out_order_no": no})).body["package"].(string) }
	b.created(object{"out_order_no": "D1"})
	token := b.call("POST", permissions, wechatpay.JSON(permission("C1", nil))).body["apply_permissions_token"].(string)
	plan := seller{b, true}.createPlan(newPlan(), nil).body["plan_id"].(string)
	is := func(c *control.Handed) { c.AppID = world.AppID }
	coupon := marketing.SentCoupon{StockID: "S", OutRequestNo: "R", CouponCode: "C"}
	pack := seller{b, true}.askToSign(newSignature(plan), nil).body["package"].(string)
	for name, tt := range map[string]struct {
		as         control.FrontEnd
		parameters any
	}{
		"a page":                      {control.JSAPI, must(pay.NewJSAPIParams(b.client, world.AppID, "wx1"))},
		"a mini-program":              {control.MiniProgram, must(pay.NewMiniProgramParams(b.client, world.AppID, "wx1"))},
		"an app":                      {control.App, must(pay.NewAppParams(b.client, world.AppID, m.MchID, "wx1"))},
		"a page, by APIv2":            {control.JSAPI, must(payv2.NewJSAPIParams(b.client, "", world.AppID, idOf()))},
		"a page, by APIv2 and HMAC":   {control.JSAPI, must(payv2.NewJSAPIParams(b.client, payv2.SignTypeHmacSha256, world.AppID, idOf("sign_type", "HMAC-SHA256")))},
		"a mini-program, by APIv2":    {control.MiniProgram, must(payv2.NewMiniProgramParams(b.client, "", world.AppID, idOf()))},
		"an app, by APIv2":            {control.App, must(payv2.NewAppParams(b.client, "", world.AppID, m.MchID, idOf("trade_type", "APP")))},
		"a partner's app, by APIv2":   {control.App, must(payv2.NewAppParams(b.client, "", world.AppID, world.SubMerchant, idOf("trade_type", "APP", "sub_mch_id", world.SubMerchant)))},
		"a code":                      {control.Native, must(payv2.NativeURL(urlOf("code_url", "trade_type", "NATIVE", "product_id", "1")))},
		"a page in a browser":         {control.H5, must(payv2.H5URL(urlOf("mweb_url", "trade_type", "MWEB", "scene_info", "{}"), "https://shop.example/a?b=1#c"))},
		"an order of Pay Score":       {control.PayScoreUse, must(payscore.NewUseView(use("U1")))},
		"an order, to a page":         {control.PayScoreUse, must(payscore.NewUseView(use("U2"))).JSAPI()},
		"an order, to an app, signed": {control.PayScoreUse, must(payscore.NewSignedUseView(b.client, use("U3"))).App()},
		"an order to look at":         {control.PayScoreDetail, must(payscore.NewDetailView(b.client, world.ServiceID, "D1")).JSAPI()},
		"a service":                   {control.PayScoreEnable, must(payscore.NewEnableView(token))},
		"a service, signed":           {control.PayScoreEnable, must(payscore.NewSignedEnableView(b.client, world.GrantServiceID, "R1"))},
		"a plan":                      {control.PayScorePlan, object{"businessType": "wxpayScorePlan", "extraData": object{"package": pack}}},
		"a red packet":                {control.RedPacket, must(mmpaymkttransfers.NewRedPacketParams(b.client, world.AppID, "sendid=1&ver=8"))},
		"coupons":                     {control.Coupon, must(marketing.NewCouponPluginParams(b.client, coupon, coupon))},
		"a coupon":                    {control.CouponH5, must(marketing.CouponURL(b.client, "o1", coupon))},
	} {
		if o := h.open(tt.as, tt.parameters, is); !o.Opens {
			t.Errorf("%s: %s", name, mustJSON(o))
		}
	}
}

// TestWhatADeveloperIsTold looks at findings, which users never see.
func TestWhatADeveloperIsTold(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	b := newBench(t)
	score := &handing{v2Caller: &v2Caller{Gateway: b.Gateway, t: t, key: b.World.Merchants[0].APIv2Key}}
	at := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	page := func(changed object) func() control.Opened {
		return func() control.Opened {
			p := change(object{"appId": world.AppID, "timeStamp": now(), "nonceStr": "Nonce", "package": "prepay_id=wx1", "signType": "RSA"}, changed)
			p["paySign"] = h.rsa(lines(valuesOf(p, "appId", "timeStamp", "nonceStr", "package")))
			return h.open(control.JSAPI, p, nil)
		}
	}
	use := func(text func(pack string) string) func() control.Opened {
		return func() control.Opened {
			score.orders++
			pack, _ := b.fragile(fmt.Sprint("TOLD", score.orders))
			return score.open(control.PayScoreUse, text(pack), nil)
		}
	}
	for name, tt := range map[string]struct {
		open        func() control.Opened
		check, want string
	}{
		"milliseconds":           {page(object{"timeStamp": now() + "123"}), "timestamp", "timeStamp looks like milliseconds: hand over and sign seconds"},
		"three hours ago":        {page(object{"timeStamp": at(-3 * time.Hour)}), "timestamp", "timeStamp is 3h0m"},
		"three days ago":         {page(object{"timeStamp": at(-75 * time.Hour)}), "timestamp", "timeStamp is 3 days old"},
		"in three hours":         {page(object{"timeStamp": at(3*time.Hour + time.Minute)}), "timestamp", "timeStamp is 3h"},
		"an hour ago":            {page(object{"timeStamp": at(-time.Hour)}), "timestamp", ": "},
		"an order of APIv3":      {page(nil), "prepay-id", "the prepay_id is not known: orders of APIv3 have no rules here"},
		"another spelling":       {page(object{"nonceStr": nil, "noncestr": "n"}), "parameters", "nonceStr is missing, and there is noncestr: spell it nonceStr"},
		"a plus sign of a URL":   {use(func(pack string) string { return "package=" + pack }), "package", "package has spaces where it had plus signs"},
		"what is escaped twice":  {use(func(pack string) string { return "package=" + url.QueryEscape(url.QueryEscape(pack)) }), "package", "package is escaped, and no package has % in it"},
		"a package that was cut": {use(func(pack string) string { return "package=" + url.QueryEscape(pack[1:]) }), "package", "no order has this package"},
	} {
		o := tt.open()
		i := slices.IndexFunc(o.Checks, func(c control.PhoneCheck) bool { return c.Name == tt.check })
		if i < 0 || !strings.HasPrefix(o.Checks[i].Finding+": "+o.Checks[i].Mend, tt.want) {
			t.Errorf("%s: %s, want %q", name, mustJSON(o.Checks), tt.want)
		}
	}
}

// TestATextThatIsTooLongIsNotSearched has a mistake that is found in a text that is not.
func TestATextThatIsTooLongIsNotSearched(t *testing.T) {
	t.Parallel()
	h := newHanding(t)
	for size, want := range map[int]string{100: "package-without-prepay-id", 5000: "unknown-text"} {
		id := strings.Repeat("1", size)
		p := object{"appId": world.AppID, "timeStamp": now(), "nonceStr": "Nonce", "package": "prepay_id=" + id, "signType": "RSA"}
		p["paySign"] = h.rsa(lines([]string{world.AppID, p["timeStamp"].(string), "Nonce", id}))
		if got := told(h.open(control.JSAPI, p, nil)); got != badSign+"signature "+want {
			t.Errorf("of %d characters: %q, want %q", size, got, want)
		}
	}
}
