package mapping_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
)

// order has no path parameter, and one member of each kind.
func order() *catalog.Operation {
	return &catalog.Operation{Method: "POST", Path: "/v3/orders", Request: catalog.Request{
		Body: &catalog.Body{Kind: "json", Required: true, Fields: []catalog.Field{
			{Name: "appid", Type: "string", Label: "公众号ID", Required: true, MaxLength: 32},
			{Name: "out_trade_no", Type: "string", Label: "商户订单号", MinLength: 6, MaxLength: 32, Pattern: `[0-9a-zA-Z_\-\|\*]+`},
			{Name: "reason", Type: "string", Label: "撤销原因", MaxLength: 50},
			{Name: "scene", Type: "string", Label: "场景类型", Enum: []string{"Wap", "iOS"}},
			{Name: "time_expire", Type: "string", Label: "交易结束时间", Format: "rfc3339"},
			{Name: "start_time", Type: "string", Label: "服务开始时间", Format: "yyyyMMddHHmmss|yyyyMMdd|OnAccept"},
			{Name: "amount", Type: "object", Label: "金额信息", Fields: []catalog.Field{
				{Name: "total", Type: "integer", Label: "总金额", Required: true, Minimum: new(int64(1)), Maximum: new(int64(1000))},
				{Name: "currency", Type: "string", Label: "货币类型"},
			}},
			{Name: "post_payments", Type: "object[]", Label: "后付费项目", MinItems: 1, MaxItems: 2, Fields: []catalog.Field{
				{Name: "name", Type: "string", Label: "付费名称", Required: true, MaxLength: 20},
				{Name: "count", Type: "number", Label: "付费数量", Integral: true},
			}},
			{Name: "tags", Type: "string[]", Label: "标签", MaxLength: 3},
			{Name: "rate", Type: "number", Label: "费率", Minimum: new(int64(1)), Maximum: new(int64(9))},
			{Name: "level", Type: "integer", Label: "等级", Enum: []string{"1", "2"}},
			{Name: "need_user_confirm", Type: "boolean", Label: "是否需要用户确认"},
			{Name: "id_name", Type: "string", Label: "姓名", MaxLength: 4, Encrypted: "platform"},
			{Name: "payees", Type: "object[]", Label: "收款人", Fields: []catalog.Field{
				{Name: "ids", Type: "string[]", Label: "证件", MinLength: 2, Pattern: "[0-9]+", Encrypted: "platform"},
			}},
			{Name: "unlabelled", Type: "string", MaxLength: 1},
			{Name: "extra", Type: "object", Label: "附加信息"},
			{Name: "dates", Type: "string[]", Label: "有效期限", MaxItems: 2, Encoded: "json"},
			{Name: "card", Type: "object", Label: "卡", Encoded: "json", Fields: []catalog.Field{{Name: "no", Type: "string", Required: true}}},
		}},
	}}
}

// cancel has a path parameter and a body.
func cancel() *catalog.Operation {
	return &catalog.Operation{Method: "POST", Path: "/v3/payscore/serviceorder/{out_order_no}/cancel", Request: catalog.Request{
		Path: []catalog.Field{{Name: "out_order_no", Type: "string", Label: "商户服务订单号", Required: true, MaxLength: 32}},
		Body: &catalog.Body{Kind: "json", Required: true, Fields: []catalog.Field{
			{Name: "reason", Type: "string", Label: "撤销原因", Required: true, MaxLength: 50},
		}},
	}}
}

// list has a numeric path parameter, a query and no body.
func list() *catalog.Operation {
	return &catalog.Operation{Method: "GET", Path: "/v3/applyments/{applyment_id}", Request: catalog.Request{
		Path:  []catalog.Field{{Name: "applyment_id", Type: "number", Integral: true, Label: "微信支付申请单号 ", Required: true}},
		Query: query(),
	}}
}

// search has only a query.
func search() *catalog.Operation {
	return &catalog.Operation{Method: "GET", Path: "/v3/search", Request: catalog.Request{Query: query()}}
}

func query() []catalog.Field {
	return []catalog.Field{
		{Name: "mchid", Type: "string", Label: "直连商户号", Required: true, MaxLength: 10},
		{Name: "limit", Type: "integer", Label: "最大资源条数", Minimum: new(int64(20))},
		{Name: "detail", Type: "boolean", Label: "是否查询明细"},
		{Name: "ratio", Type: "number", Label: "比例"},
		{Name: "ability", Type: "string[]", Label: "能力", Enum: []string{"A", "B"}},
	}
}

func post(body string) mapping.Input {
	return mapping.Input{ContentType: "application/json", Body: []byte(body)}
}

func cancelOf(orderNo, body string) mapping.Input {
	in := post(body)
	in.Path = map[string]string{"out_order_no": orderNo}
	return in
}

func get(id, query string) mapping.Input {
	return mapping.Input{Path: map[string]string{"applyment_id": id}, RawQuery: query}
}

// member is an order with one more member.
func member(text string) mapping.Input { return post(`{"appid":"wx1",` + text + `}`) }

// sealed is a member of which text between angles stands for ciphertext.
func sealed(text string) mapping.Input {
	in := member(text)
	in.Serial = "7B"
	in.Decrypt = func(ciphertext string) (string, error) {
		plaintext, ok := strings.CutPrefix(ciphertext, "<")
		if !ok {
			return "", errors.New("there are no angles")
		}
		switch plaintext = strings.TrimSuffix(plaintext, ">"); plaintext {
		case "smile":
			return emoji, nil
		case "bytes":
			return "\xff", nil
		}
		return plaintext, nil
	}
	return in
}

const (
	noValue = ""
	emoji   = "\U0001F600"
)

func TestWhatDoesNotFitIsRefusedInTheGatewaysWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("字", 51)
	nested := strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32)
	tests := []struct {
		name    string
		op      *catalog.Operation
		in      mapping.Input
		rule    string
		basis   string
		detail  string
		message string
	}{
		// required
		{"a required member is missing", order(), post(`{"reason":"x"}`), "required", "OBS", `{"location":"body","value":""}`,
			"输入源“/body/appid”映射到字段“公众号ID”必填性规则校验失败，此字段为必填项"},
		{"a required member is an empty string", order(), post(`{"appid":""}`), "required", "INFERRED", `{"location":"body","value":""}`,
			"输入源“/body/appid”映射到字段“公众号ID”必填性规则校验失败，此字段为必填项"},
		{"a required member of an item is missing", order(), member(`"post_payments":[{"name":"a"},{"count":1}]`), "required", "OBS", `{"location":"body","value":""}`,
			"输入源“/body/post_payments/1/name”映射到字段“付费名称”必填性规则校验失败，此字段为必填项"},
		{"a required member of an empty object is missing", order(), member(`"amount":{}`), "required", "OBS", `{"location":"body","value":""}`,
			"输入源“/body/amount/total”映射到字段“总金额”必填性规则校验失败，此字段为必填项"},
		{"a required member is missing beside a path parameter", cancel(), cancelOf("1", `{}`), "required", "OBS", `{"location":"uri_template","value":""}`,
			"输入源“/uri_template/reason”映射到字段“撤销原因”必填性规则校验失败，此字段为必填项"},
		{"a required member is missing in the JSON of a string", order(), member(`"card":"{}"`), "required", "OBS", `{"location":"body","value":""}`,
			"输入源“/body/card/no”映射到字段“no”必填性规则校验失败，此字段为必填项"},
		{"what should be a string that holds JSON is JSON", order(), member(`"dates":["a"]`), "type", "OBS", `{"location":"body","value":["a"]}`,
			"无法将 JSON 输入源“/body/dates”映射到目标字段“有效期限”中，此字段需要一个 string 类型的 Json 值"},
		{"a string holds no JSON", order(), member(`"dates":"a"`), "json", "INVENTED", ``, "无法解析输入源“/body/dates”，内容不是合法的 JSON"},
		{"a string holds too many items", order(), member(`"dates":"[\"a\",\"b\",\"c\"]"`), "max_items", "INVENTED", `{"location":"body","value":3}`,
			"输入源“/body/dates”映射到多重字段“有效期限”规则校验失败，元素个数 3，大于最大值 2"},
		{"a required member is missing in an empty body", order(), post(``), "required", "OBS", `{"location":null,"value":""}`,
			"输入源“/appid”映射到字段“公众号ID”必填性规则校验失败，此字段为必填项"},
		{"a required query parameter is missing beside a path parameter", list(), get("1", ""), "required", "OBS", `{"location":"uri_template","value":""}`,
			"输入源“/uri_template/mchid”映射到字段“直连商户号”必填性规则校验失败，此字段为必填项"},
		{"a required query parameter is missing beside another", search(), get("", "limit=20"), "required", "INFERRED", `{"location":"query","value":""}`,
			"输入源“/query/mchid”映射到字段“直连商户号”必填性规则校验失败，此字段为必填项"},
		{"a required query parameter is empty", search(), get("", "mchid="), "required", "INFERRED", `{"location":"query","value":""}`,
			"输入源“/query/mchid”映射到字段“直连商户号”必填性规则校验失败，此字段为必填项"},
		{"a path parameter is empty", cancel(), cancelOf("", `{"reason":"x"}`), "required", "INFERRED", `{"location":"uri_template","value":""}`,
			"输入源“/uri_template/out_order_no”映射到字段“商户服务订单号”必填性规则校验失败，此字段为必填项"},
		{"a path parameter is not there at all", cancel(), post(`{"reason":"x"}`), "required", "OBS", `{"location":"uri_template","value":""}`,
			"输入源“/uri_template/out_order_no”映射到字段“商户服务订单号”必填性规则校验失败，此字段为必填项"},
		{"a numeric path parameter is empty", list(), get("", "mchid=1"), "required", "INFERRED", `{"location":"uri_template","value":""}`,
			"输入源“/uri_template/applyment_id”映射到字段“微信支付申请单号 ”必填性规则校验失败，此字段为必填项"},

		// types
		{"an integer is a fraction", order(), member(`"amount":{"total":0.01}`), "type", "OBS", `{"location":"body","value":0.01}`,
			"无法将 JSON 输入源“/body/amount/total”映射到目标字段“总金额”中，此字段需要一个合法的 64 位有符号整数"},
		{"an integer is written as 1.0", order(), member(`"amount":{"total":1.0}`), "type", "OBS", `{"location":"body","value":1.0}`,
			"无法将 JSON 输入源“/body/amount/total”映射到目标字段“总金额”中，此字段需要一个合法的 64 位有符号整数"},
		{"an integer is written as 1e2", order(), member(`"amount":{"total":1e2}`), "type", "OBS", `{"location":"body","value":1e2}`,
			"无法将 JSON 输入源“/body/amount/total”映射到目标字段“总金额”中，此字段需要一个合法的 64 位有符号整数"},
		{"an integer is a string", order(), member(`"amount":{"total":"1"}`), "type", "OBS", `{"location":"body","value":"1"}`,
			"无法将 JSON 输入源“/body/amount/total”映射到目标字段“总金额”中，此字段需要一个合法的 64 位有符号整数"},
		{"an integer does not fit 64 bits", order(), member(`"amount":{"total":9223372036854775808}`), "type", "OBS", `{"location":"body","value":9223372036854775808}`,
			"无法将 JSON 输入源“/body/amount/total”映射到目标字段“总金额”中，此字段需要一个合法的 64 位有符号整数"},
		{"an integral number is a fraction", order(), member(`"post_payments":[{"name":"a","count":1.5}]`), "type", "OBS", `{"location":"body","value":1.5}`,
			"无法将 JSON 输入源“/body/post_payments/0/count”映射到目标字段“付费数量”中，此字段需要一个合法的 64 位有符号整数"},
		{"a string is a number", order(), post(`{"appid":4}`), "type", "OBS", `{"location":"body","value":4}`,
			"无法将 JSON 输入源“/body/appid”映射到目标字段“公众号ID”中，此字段需要一个 string 类型的 Json 值"},
		{"a string of a list is a number", order(), member(`"tags":["a",2]`), "type", "OBS", `{"location":"body","value":2}`,
			"无法将 JSON 输入源“/body/tags/1”映射到目标字段“标签”中，此字段需要一个 string 类型的 Json 值"},
		{"an object is a list", order(), member(`"amount":[{"total":3600,"currency":"CNY"}]`), "type", "OBS", `{"location":"body","value":[{"currency":"CNY","total":3600}]}`,
			"无法将 JSON 输入源“/body/amount”映射到目标字段“金额信息”中，此字段需要一个合法的 Json 对象"},
		{"a list is an object", order(), member(`"post_payments":{}`), "type", "OBS", `{"location":"body","value":{}}`,
			"无法将 JSON 输入源“/body/post_payments”映射到多重字段“后付费项目”中，此字段需要 JSON 数组对象"},
		{"a boolean is a string", order(), member(`"need_user_confirm":"true"`), "type", "INVENTED", `{"location":"body","value":"true"}`,
			"无法将 JSON 输入源“/body/need_user_confirm”映射到目标字段“是否需要用户确认”中，此字段需要一个 bool 类型的 Json 值"},
		{"a number is a string", order(), member(`"rate":"0.6"`), "type", "INVENTED", `{"location":"body","value":"0.6"}`,
			"无法将 JSON 输入源“/body/rate”映射到目标字段“费率”中，此字段需要一个合法的数值"},
		{"a path parameter is not a number", list(), get("APPLYMENT_1", "mchid=1"), "type", "OBS", `{"location":"uri_template","value":"APPLYMENT_1"}`,
			"无法将输入源“/uri_template/applyment_id”映射到目标字段“微信支付申请单号 ”中，此字段需要一个合法的 64 位无符号整数"},
		{"a path parameter is negative", list(), get("-1", "mchid=1"), "type", "OBS", `{"location":"uri_template","value":"-1"}`,
			"无法将输入源“/uri_template/applyment_id”映射到目标字段“微信支付申请单号 ”中，此字段需要一个合法的 64 位无符号整数"},
		{"a query parameter is not a number", search(), get("", "mchid=1&limit=%2B20"), "type", "INFERRED", `{"location":"query","value":"+20"}`,
			"无法将输入源“/query/limit”映射到目标字段“最大资源条数”中，此字段需要一个合法的 64 位有符号整数"},
		{"a query parameter is not a boolean", search(), get("", "mchid=1&detail=1"), "type", "INVENTED", `{"location":"query","value":"1"}`,
			"无法将输入源“/query/detail”映射到目标字段“是否查询明细”中，此字段需要一个 bool 类型的 Json 值"},
		{"a query parameter is JSON but not a number", search(), get("", "mchid=1&ratio=[]"), "type", "INVENTED", `{"location":"query","value":"[]"}`,
			"无法将输入源“/query/ratio”映射到目标字段“比例”中，此字段需要一个合法的数值"},
		{"a type is wrong before something is missing", order(), post(`{"amount":{"total":0.01}}`), "type", "OBS", `{"location":"body","value":0.01}`,
			"无法将 JSON 输入源“/body/amount/total”映射到目标字段“总金额”中，此字段需要一个合法的 64 位有符号整数"},

		// null
		{"a string is null", order(), member(`"reason":null`), "null", "INFERRED", `{"location":"body","value":null}`,
			"无法将 JSON 输入源“/body/reason”映射到目标字段“撤销原因”中，此字段需要一个 string 类型的 Json 值"},
		{"a list is null", order(), member(`"tags":null`), "null", "INFERRED", `{"location":"body","value":null}`,
			"无法将 JSON 输入源“/body/tags”映射到多重字段“标签”中，此字段需要 JSON 数组对象"},
		{"null is in an object that is free", order(), member(`"extra":{"a":[{"b":null}]}`), "null", "INVENTED", `{"location":"body","value":null}`,
			"无法将 JSON 输入源“/body/extra/a/0/b”映射到目标字段“b”中，此字段不能为 null"},

		// strings
		{"a string has 51 characters", order(), member(`"reason":"` + long + `"`), "max_length", "OBS", `{"location":"body","value":51}`,
			"输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，字符数 51，大于最大值 50"},
		{"a string is too short", order(), member(`"out_trade_no":"1"`), "min_length", "OBS", `{"location":"body","value":1}`,
			"输入源“/body/out_trade_no”映射到值字段“商户订单号”字符串规则校验失败，字符数 1，小于最小值 6"},
		{"an empty string is too short", order(), member(`"out_trade_no":""`), "min_length", "OBS", `{"location":"body","value":0}`,
			"输入源“/body/out_trade_no”映射到值字段“商户订单号”字符串规则校验失败，字符数 0，小于最小值 6"},
		{"a string does not match", order(), member(`"out_trade_no":"123456<&>"`), "pattern", "OBS", `{"location":"body","value":"123456<&>"}`,
			`输入源“/body/out_trade_no”映射到值字段“商户订单号”字符串规则校验失败，字符串必须匹配正则表达式“[0-9a-zA-Z_\-\|\*]+”`},
		{"a string of a list is too long", order(), member(`"tags":["abc","abcd"]`), "max_length", "OBS", `{"location":"body","value":4}`,
			"输入源“/body/tags/1”映射到值字段“标签”字符串规则校验失败，字符数 4，大于最大值 3"},
		{"a field without a label goes by its name", order(), member(`"unlabelled":"ab"`), "max_length", "OBS", `{"location":"body","value":2}`,
			"输入源“/body/unlabelled”映射到值字段“unlabelled”字符串规则校验失败，字符数 2，大于最大值 1"},
		{"a path parameter is too long", cancel(), cancelOf(strings.Repeat("1", 33), `{"reason":"x"}`), "max_length", "OBS", `{"location":"uri_template","value":33}`,
			"输入源“/uri_template/out_order_no”映射到值字段“商户服务订单号”字符串规则校验失败，字符数 33，大于最大值 32"},
		{"a path parameter is too long before a member is", cancel(), cancelOf(strings.Repeat("1", 33), `{"reason":"`+long+`"}`), "max_length", "OBS", `{"location":"uri_template","value":33}`,
			"输入源“/uri_template/out_order_no”映射到值字段“商户服务订单号”字符串规则校验失败，字符数 33，大于最大值 32"},
		{"a query parameter is too long", search(), get("", "mchid=12345678901"), "max_length", "INFERRED", `{"location":"query","value":11}`,
			"输入源“/query/mchid”映射到值字段“直连商户号”字符串规则校验失败，字符数 11，大于最大值 10"},
		{"a value is not in the enumeration", order(), member(`"scene":"wap"`), "enum", "INVENTED", `{"location":"body","value":"wap"}`,
			"输入源“/body/scene”映射到枚举字段“场景类型”规则校验失败，值不在枚举范围内"},
		{"a number is not in the enumeration", order(), member(`"level":3`), "enum", "INVENTED", `{"location":"body","value":3}`,
			"输入源“/body/level”映射到枚举字段“等级”规则校验失败，值不在枚举范围内"},
		{"a time is not RFC 3339", order(), member(`"time_expire":"2018-06-08T10:34:56"`), "format", "INVENTED", `{"location":"body","value":"2018-06-08T10:34:56"}`,
			"输入源“/body/time_expire”映射到值字段“交易结束时间”字符串规则校验失败，字符串必须符合格式“rfc3339”"},
		{"a time has none of its formats", order(), member(`"start_time":"20181301"`), "format", "INVENTED", `{"location":"body","value":"20181301"}`,
			"输入源“/body/start_time”映射到值字段“服务开始时间”字符串规则校验失败，字符串必须符合格式“yyyyMMddHHmmss|yyyyMMdd|OnAccept”"},

		// numbers and lists
		{"a number is too small", order(), member(`"amount":{"total":0}`), "minimum", "OBS", `{"location":"body","value":0}`,
			"输入源“/body/amount/total”映射到数值字段“总金额”规则校验失败，值低于最小值 1"},
		{"a query parameter is too small", search(), get("", "mchid=1&limit=1"), "minimum", "OBS", `{"location":"query","value":1}`,
			"输入源“/query/limit”映射到数值字段“最大资源条数”规则校验失败，值低于最小值 20"},
		{"a number is too large", order(), member(`"amount":{"total":1001}`), "maximum", "INVENTED", `{"location":"body","value":1001}`,
			"输入源“/body/amount/total”映射到数值字段“总金额”规则校验失败，值高于最大值 1000"},
		{"a fraction is too small", order(), member(`"rate":0.19`), "minimum", "OBS", `{"location":"body","value":0.19}`,
			"输入源“/body/rate”映射到数值字段“费率”规则校验失败，值低于最小值 1"},
		{"a number is enormous", order(), member(`"rate":1e999999`), "maximum", "INVENTED", `{"location":"body","value":1e999999}`,
			"输入源“/body/rate”映射到数值字段“费率”规则校验失败，值高于最大值 9"},
		{"a list is too short", order(), member(`"post_payments":[]`), "min_items", "INVENTED", `{"location":"body","value":0}`,
			"输入源“/body/post_payments”映射到多重字段“后付费项目”规则校验失败，元素个数 0，小于最小值 1"},
		{"a list is too long", order(), member(`"post_payments":[{"name":"a"},{"name":"b"},{"name":"c"}]`), "max_items", "INVENTED", `{"location":"body","value":3}`,
			"输入源“/body/post_payments”映射到多重字段“后付费项目”规则校验失败，元素个数 3，大于最大值 2"},

		// more than there should be
		{"a path parameter is in the body too", cancel(), cancelOf("1", `{"reason":"x","out_order_no":"1"}`), "repeated", "OBS", noValue,
			"无法将输入源“/body/out_order_no”映射到目标字段“商户服务订单号”中，此字段并非多重字段但被输入源“/uri_template/out_order_no”映射过了。"},
		{"a member is there twice", order(), post(`{"appid":"a","appid":"a"}`), "repeated", "INVENTED", noValue,
			"无法将输入源“/body/appid”映射到目标字段“公众号ID”中，此字段并非多重字段但被输入源“/body/appid”映射过了。"},
		{"a member of a free object is there twice", order(), member(`"extra":{"a":1,"\u0061":2}`), "repeated", "INVENTED", noValue,
			"无法将输入源“/body/extra/a”映射到目标字段“a”中，此字段并非多重字段但被输入源“/body/extra/a”映射过了。"},
		{"a query parameter is there twice", search(), get("", "mchid=1&mchid=1"), "repeated", "INVENTED", noValue,
			"无法将输入源“/query/mchid”映射到目标字段“直连商户号”中，此字段并非多重字段但被输入源“/query/mchid”映射过了。"},
		{"a member is unknown", order(), member(`"amount":{"total":1,"payer":1}`), "unknown", "OBS", `{"location":null,"value":["/body/amount/payer"]}`,
			"请求中含有未在API文档中定义的参数"},
		{"several members are unknown", order(), member(`"z":1,"a/b~":{"c":null},"y":[],"m":""`), "unknown", "INFERRED", `{"location":null,"value":["/body/a~1b~0","/body/m","/body/y","/body/z"]}`,
			"请求中含有未在API文档中定义的参数"},
		{"a query parameter is unknown", search(), get("", "mchid=1&sub_mch_id=2"), "unknown", "OBS", `{"location":null,"value":["/query/sub_mch_id"]}`,
			"请求中含有未在API文档中定义的参数"},
		{"something is missing before something is unknown", order(), post(`{"sp_appid":"wx1"}`), "required", "OBS", `{"location":"body","value":""}`,
			"输入源“/body/appid”映射到字段“公众号ID”必填性规则校验失败，此字段为必填项"},
		{"there is a body where none belongs", search(), mapping.Input{RawQuery: "mchid=1", Body: []byte(`{}`)}, "body_unexpected", "INVENTED", noValue,
			"无法解析输入源“/body”，此接口没有请求体"},

		// characters
		{"a string has a 4-byte character", order(), member(`"reason":"` + emoji + `"`), "four_bytes", "INVENTED", `{"location":"body","value":"` + emoji + `"}`,
			"输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，不支持 4 字节的 UTF-8 字符"},
		{"a string has a 4-byte character as escapes", order(), member(`"reason":"\ud83d\ude00"`), "four_bytes", "INVENTED", `{"location":"body","value":"` + emoji + `"}`,
			"输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，不支持 4 字节的 UTF-8 字符"},
		{"a key of a free object has a 4-byte character", order(), member(`"extra":{"a":[{"` + emoji + `":1}]}`), "four_bytes", "INVENTED", `{"location":"body","value":"` + emoji + `"}`,
			"输入源“/body/extra/a/0/" + emoji + "”映射到值字段“" + emoji + "”字符串规则校验失败，不支持 4 字节的 UTF-8 字符"},
		{"a string of a free object has a 4-byte character", order(), member(`"extra":{"a":["\uD83D\uDE00"]}`), "four_bytes", "INVENTED", `{"location":"body","value":"` + emoji + `"}`,
			"输入源“/body/extra/a/0”映射到值字段“0”字符串规则校验失败，不支持 4 字节的 UTF-8 字符"},
		{"a path parameter has a 4-byte character", cancel(), cancelOf(emoji, `{"reason":"x"}`), "four_bytes", "INVENTED", `{"location":"uri_template","value":"` + emoji + `"}`,
			"输入源“/uri_template/out_order_no”映射到值字段“商户服务订单号”字符串规则校验失败，不支持 4 字节的 UTF-8 字符"},
		{"a query parameter has a 4-byte character", search(), get("", "mchid=%F0%9F%98%80"), "four_bytes", "INVENTED", `{"location":"query","value":"` + emoji + `"}`,
			"输入源“/query/mchid”映射到值字段“直连商户号”字符串规则校验失败，不支持 4 字节的 UTF-8 字符"},
		{"a string has a lone high surrogate", order(), member(`"reason":"a\\\ud83d"`), "surrogate", "INVENTED", noValue,
			"输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，字符串含有不成对的代理项转义"},
		{"a key has a lone low surrogate", order(), member(`"extra":{"\uDE00":1}`), "surrogate", "INVENTED", noValue,
			"输入源“/body/extra/\uFFFD”映射到值字段“\uFFFD”字符串规则校验失败，字符串含有不成对的代理项转义"},
		{"the body is not UTF-8", order(), member("\"reason\":\"\xff\""), "utf8", "INVENTED", noValue,
			"无法解析输入源“/body”，内容不是合法的 UTF-8 编码"},
		{"a path parameter is not UTF-8", cancel(), cancelOf("\xff", `{"reason":"x"}`), "utf8", "INVENTED", noValue,
			"无法解析输入源“/uri_template/out_order_no”，内容不是合法的 UTF-8 编码"},
		{"a query parameter is not UTF-8", search(), get("", "mchid=%ff"), "utf8", "INVENTED", noValue,
			"无法解析输入源“/query/mchid”，内容不是合法的 UTF-8 编码"},
		{"a query parameter is not percent-encoded", search(), get("", "mchid=%zz"), "query_encoding", "INVENTED", noValue,
			"无法解析输入源“/query/mchid”，URL 编码不合法"},
		{"the name of a query parameter is not percent-encoded", search(), get("", "mchid=1&%"), "query_encoding", "INVENTED", noValue,
			"无法解析输入源“/query”，URL 编码不合法"},

		// sensitive fields
		{"an encrypted field comes without Wechatpay-Serial", order(), member(`"id_name":"<a>"`), "wechatpay_serial", "INFERRED", noValue,
			"平台证书序列号Wechatpay-Serial错误"},
		{"an encrypted field comes with an unknown Wechatpay-Serial", order(), mapping.Input{ContentType: "application/json", Body: []byte(`{"appid":"a","id_name":"<a>"}`), Serial: "7B"},
			"wechatpay_serial", "OBS", noValue, "平台证书序列号Wechatpay-Serial错误"},
		{"an encrypted field is not encrypted", order(), sealed(`"id_name":"张三"`), "ciphertext", "OBS", noValue,
			"请确认待处理的消息是否为加密后的密文"},
		{"an item of an encrypted list is not encrypted", order(), sealed(`"payees":[{"ids":["<12>","34"]}]`), "ciphertext", "OBS", noValue,
			"请确认待处理的消息是否为加密后的密文"},
		{"a plaintext is too long", order(), sealed(`"id_name":"<张三三三三>"`), "max_length", "OBS", `{"location":"body","value":5}`,
			"输入源“/body/id_name”映射到值字段“姓名”字符串规则校验失败，字符数 5，大于最大值 4"},
		{"a plaintext is too short", order(), sealed(`"payees":[{"ids":["<1>"]}]`), "min_length", "OBS", `{"location":"body","value":1}`,
			"输入源“/body/payees/0/ids/0”映射到值字段“证件”字符串规则校验失败，字符数 1，小于最小值 2"},
		{"a plaintext does not match, and is not shown", order(), sealed(`"payees":[{"ids":["<ab>"]}]`), "pattern", "OBS", `{"location":"body","value":""}`,
			"输入源“/body/payees/0/ids/0”映射到值字段“证件”字符串规则校验失败，字符串必须匹配正则表达式“[0-9]+”"},
		{"a plaintext has a 4-byte character", order(), sealed(`"id_name":"<smile>"`), "four_bytes", "INVENTED", `{"location":"body","value":""}`,
			"输入源“/body/id_name”映射到值字段“姓名”字符串规则校验失败，不支持 4 字节的 UTF-8 字符"},
		{"a plaintext is not UTF-8", order(), sealed(`"id_name":"<bytes>"`), "utf8", "INVENTED", noValue,
			"无法解析输入源“/body/id_name”，内容不是合法的 UTF-8 编码"},
		{"a type is wrong beside what is not encrypted", order(), sealed(`"id_name":"张三","level":"x"`), "type", "OBS", `{"location":"body","value":"x"}`,
			"无法将 JSON 输入源“/body/level”映射到目标字段“等级”中，此字段需要一个合法的 64 位有符号整数"},
		{"something is not encrypted beside a missing member", order(), mapping.Input{ContentType: "application/json", Body: []byte(`{"id_name":"a"}`)}, "wechatpay_serial", "INFERRED", noValue,
			"平台证书序列号Wechatpay-Serial错误"},

		// syntax
		{"the JSON is broken", order(), post(`{"appid":"wx1",}`), "json", "INVENTED", noValue,
			"无法解析输入源“/body”，内容不是合法的 JSON"},
		{"the JSON ends early", order(), post(`{"appid":"wx1","extra":{"a":[1`), "json", "INVENTED", noValue,
			"无法解析输入源“/body”，内容不是合法的 JSON"},
		{"the JSON closes what it did not open", order(), post(`{"appid":"wx1","tags":["a"}}`), "json", "INVENTED", noValue,
			"无法解析输入源“/body”，内容不是合法的 JSON"},
		{"the body begins with a byte order mark", order(), post("\uFEFF{}"), "json", "INVENTED", noValue,
			"无法解析输入源“/body”，内容不是合法的 JSON"},
		{"the body is blank", order(), post(" "), "json", "INVENTED", noValue,
			"无法解析输入源“/body”，内容不是合法的 JSON"},
		{"there is more after the JSON", order(), post(`{"appid":"wx1"} {}`), "json_trailing", "INVENTED", noValue,
			"无法解析输入源“/body”，JSON 之后含有多余的数据"},
		{"the JSON is too deep", order(), member(`"extra":` + nested), "json_depth", "INVENTED", noValue,
			"无法解析输入源“/body”，JSON 嵌套层数大于最大值 32"},
		{"the body is a list", order(), post(`[]`), "type", "OBS", `{"location":"body","value":[]}`,
			"无法将 JSON 输入源“/body”映射到目标字段“body”中，此字段需要一个合法的 Json 对象"},
		{"the body is a string", order(), post(`"x"`), "type", "OBS", `{"location":"body","value":"x"}`,
			"无法将 JSON 输入源“/body”映射到目标字段“body”中，此字段需要一个合法的 Json 对象"},
		{"the body is null", order(), post(`null`), "null", "INFERRED", `{"location":"body","value":null}`,
			"无法将 JSON 输入源“/body”映射到目标字段“body”中，此字段需要一个合法的 Json 对象"},
		{"the body is form-encoded", order(), mapping.Input{ContentType: "application/x-www-form-urlencoded", Body: []byte(`{"appid":"wx1"}`)},
			"content_type", "INVENTED", `{"location":"header","value":"application/x-www-form-urlencoded"}`,
			"Http头Content-Type不合法，此接口需要 application/json"},
		{"the body is in another charset", order(), mapping.Input{ContentType: "application/json; charset=gbk", Body: []byte(`{"appid":"wx1"}`)},
			"content_type", "INVENTED", `{"location":"header","value":"application/json; charset=gbk"}`,
			"Http头Content-Type不合法，此接口需要 application/json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v, misfit := mapping.Map(test.op, test.in, mapping.Policy{})
			if misfit == nil {
				t.Fatalf("it was mapped: %s", v.Canonical())
			}
			if v != nil || misfit.Code != "PARAM_ERROR" {
				t.Errorf("values %v, code %s", v, misfit.Code)
			}
			if misfit.Message != test.message {
				t.Errorf("message\n got %s\nwant %s", misfit.Message, test.message)
			}
			if misfit.Rule != test.rule || misfit.Basis != test.basis {
				t.Errorf("got %s %s, want %s %s", misfit.Rule, misfit.Basis, test.rule, test.basis)
			}
			if got := string(misfit.Detail(mapping.Today)); got != test.detail {
				t.Errorf("detail\n got %s\nwant %s", got, test.detail)
			}
		})
	}
}

func TestWhatFitsIsMapped(t *testing.T) {
	t.Parallel()
	fifty := strings.Repeat("字", 50)
	bytesOnly, lenient := mapping.Policy{Length: mapping.Bytes}, mapping.Policy{
		Unknown: mapping.Ignore, Enum: mapping.Ignore, ContentType: mapping.Ignore}
	tests := []struct {
		name      string
		op        *catalog.Operation
		in        mapping.Input
		policy    mapping.Policy
		canonical string
	}{
		{"fifty Chinese characters", order(), member(`"reason":"` + fifty + `"`), mapping.Policy{}, `{"appid":"wx1","reason":"` + fifty + `"}`},
		{"fifty bytes", order(), member(`"reason":"` + strings.Repeat("a", 50) + `"`), bytesOnly, `{"appid":"wx1","reason":"` + strings.Repeat("a", 50) + `"}`},
		{"an empty optional string", order(), member(`"scene":"","time_expire":""`), mapping.Policy{}, `{"appid":"wx1","scene":"","time_expire":""}`},
		{"an escaped backslash before ud83d", order(), member(`"reason":"\\ud83d"`), mapping.Policy{}, `{"appid":"wx1","reason":"\\ud83d"}`},
		{"an escape just below the surrogates", order(), member(`"reason":"\uD7FF"`), mapping.Policy{}, "{\"appid\":\"wx1\",\"reason\":\"\uD7FF\"}"},
		{"the smallest and the largest number", order(), member(`"amount":{"total":1000},"rate":1,"level":2`), mapping.Policy{}, `{"amount":{"total":1000},"appid":"wx1","level":2,"rate":1}`},
		{"a replacement character", order(), member("\"reason\":\"\uFFFD\""), mapping.Policy{}, "{\"appid\":\"wx1\",\"reason\":\"\uFFFD\"}"},
		{"times", order(), member(`"time_expire":"2018-06-08T10:34:56.789+08:00","start_time":"OnAccept"`), mapping.Policy{},
			`{"appid":"wx1","start_time":"OnAccept","time_expire":"2018-06-08T10:34:56.789+08:00"}`},
		{"the second format of a time", order(), member(`"start_time":"20180608"`), mapping.Policy{}, `{"appid":"wx1","start_time":"20180608"}`},
		{"a ciphertext, longer than its plaintext may be", order(), sealed(`"id_name":"<张三三三>"`), mapping.Policy{}, `{"appid":"wx1","id_name":"张三三三"}`},
		{"an encrypted field that is empty, without a key", order(), member(`"id_name":""`), mapping.Policy{}, `{"appid":"wx1","id_name":""}`},
		{"ciphertexts in lists", order(), sealed(`"payees":[{},{"ids":["<12>","<345>"]}]`), mapping.Policy{}, `{"appid":"wx1","payees":[{},{"ids":["12","345"]}]}`},
		{"strings that hold JSON", order(), member(`"dates":"[\"a\",\"b\"]","card":"{\"no\":\"1\"}"`), mapping.Policy{},
			`{"appid":"wx1","card":{"no":"1"},"dates":["a","b"]}`},
		{"a string that holds JSON, empty", order(), member(`"dates":""`), mapping.Policy{}, `{"appid":"wx1","dates":""}`},
		{"the largest depth", order(), member(`"extra":` + strings.Repeat(`{"a":`, 31) + "1" + strings.Repeat("}", 31)), mapping.Policy{},
			`{"appid":"wx1","extra":` + strings.Repeat(`{"a":`, 31) + "1" + strings.Repeat("}", 31) + `}`},
		{"equal numbers", order(), member(`"extra":{"a":[1,1.0,10e-1,-0,0.50,5E-1,12300,1.23e4,1e30,1E+30,1e9999999999,-1.5,0.0123,123e-4,1e20,1e21]}`), mapping.Policy{},
			`{"appid":"wx1","extra":{"a":[1,1,1,0,5e-1,5e-1,12300,12300,1e30,1e30,1e9999999999,-1.5,1.23e-2,1.23e-2,100000000000000000000,1e21]}}`},
		{"blanks and another order", order(), post(" {\"unlabelled\" : \"<\",\n\"appid\":\"\\u0061\"}\r\n"), mapping.Policy{}, `{"appid":"a","unlabelled":"<"}`},
		{"a charset", order(), mapping.Input{ContentType: "application/json; charset=UTF-8", Body: []byte(`{"appid":"a"}`)}, mapping.Policy{}, `{"appid":"a"}`},
		{"what a policy ignores", order(), mapping.Input{Body: []byte(`{"appid":"a","amount":{"total":1,"x":null},"scene":"?","y":1}`)}, lenient,
			`{"amount":{"total":1},"appid":"a","scene":"?"}`},
		{"a body that a policy ignores", search(), mapping.Input{RawQuery: "mchid=1&x=1", Body: []byte(`?`)}, lenient, `{}`},
		{"no body", list(), get("1", "mchid=1"), mapping.Policy{}, `{}`},
		{"a parameter that is both in the path and documented in the body", both(), cancelOf("1", `{"out_order_no":"2"}`), mapping.Policy{}, `{"out_order_no":"2"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v, misfit := mapping.Map(test.op, test.in, test.policy)
			if misfit != nil {
				t.Fatalf("refused: %+v", misfit)
			}
			if got := string(v.Canonical()); got != test.canonical {
				t.Errorf("\n got %s\nwant %s", got, test.canonical)
			}
		})
	}
}

func both() *catalog.Operation {
	op := cancel()
	op.Request.Body.Fields = op.Request.Path
	return op
}

func TestLengthsAreCountedInBytesWhereThePolicySaysSo(t *testing.T) {
	t.Parallel()
	_, misfit := mapping.Map(order(), member(`"reason":"`+strings.Repeat("字", 17)+`"`), mapping.Policy{Length: mapping.Bytes})
	want := "输入源“/body/reason”映射到值字段“撤销原因”字符串规则校验失败，字节数 51，大于最大值 50"
	if misfit == nil || misfit.Message != want {
		t.Errorf("got %+v, want %s", misfit, want)
	}
}

func TestARequiredBodyMayNotBeEmptyEvenIfNothingInItIsRequired(t *testing.T) {
	t.Parallel()
	op := cancel()
	op.Request.Body.Fields[0].Required = false
	_, misfit := mapping.Map(op, cancelOf("1", ""), mapping.Policy{})
	if misfit == nil || misfit.Message != "无法解析输入源“/body”，请求体为空" || misfit.Basis != mapping.Invented {
		t.Errorf("got %+v", misfit)
	}
	op.Request.Body.Required = false
	if _, misfit := mapping.Map(op, cancelOf("1", ""), mapping.Policy{}); misfit != nil {
		t.Errorf("an optional body was missed: %+v", misfit)
	}
}

func TestTheDocumentedDetailNamesTheField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		op   *catalog.Operation
		in   mapping.Input
		want string
	}{
		{"a member", order(), member(`"amount":{"total":0}`),
			`{"field":"/amount/total","issue":"输入源“/body/amount/total”映射到数值字段“总金额”规则校验失败，值低于最小值 1","location":"body","value":0}`},
		{"a query parameter", search(), get("", "mchid=1&limit=1"),
			`{"field":"limit","issue":"输入源“/query/limit”映射到数值字段“最大资源条数”规则校验失败，值低于最小值 20","location":"query","value":1}`},
		{"a path parameter", cancel(), cancelOf("", `{"reason":"x"}`),
			`{"field":"out_order_no","issue":"输入源“/uri_template/out_order_no”映射到字段“商户服务订单号”必填性规则校验失败，此字段为必填项","location":"url","value":""}`},
		{"an unknown member", order(), member(`"a":"<&>"`),
			`{"field":"/body/a","issue":"请求中含有未在API文档中定义的参数","location":null,"value":["/body/a"]}`},
		{"nothing, where there is no detail", order(), post(`{`), ``},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, misfit := mapping.Map(test.op, test.in, mapping.Policy{})
			if misfit == nil {
				t.Fatal("it was mapped")
			}
			if got := string(misfit.Detail(mapping.Documented)); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestValuesGiveBackWhatWasMapped(t *testing.T) {
	t.Parallel()
	in := get("007", "mchid=1%200+0&&ability=A&ability=B&limit=020&detail=true&ratio=0.5")
	v, misfit := mapping.Map(list(), in, mapping.Policy{})
	if misfit != nil {
		t.Fatalf("refused: %+v", misfit)
	}
	if v.Path("applyment_id") != "007" || v.Query("mchid") != "1 0 0" || v.Query("absent") != "" || v.Query("limit") != "020" {
		t.Errorf("path %q, query %q %q", v.Path("applyment_id"), v.Query("mchid"), v.Query("limit"))
	}
	if all := v.QueryAll("ability"); len(all) != 2 || all[1] != "B" || v.QueryAll("absent") != nil {
		t.Errorf("ability is %q", all)
	}

	v, misfit = mapping.Map(order(), member(`"amount":{"total":7},"post_payments":[{"name":"a"},{"name":"b"}],"extra":{"a/b":{"":1}}`), mapping.Policy{})
	if misfit != nil {
		t.Fatalf("refused: %+v", misfit)
	}
	for pointer, want := range map[string]bool{
		"/appid": true, "/amount/total": true, "/amount/currency": false, "/post_payments/1/name": true, "/extra/a~1b/": true,
		"/post_payments/2": false, "/post_payments/-1": false, "/post_payments/x": false, "/appid/x": false, "/absent": false,
	} {
		if v.Present(pointer) != want {
			t.Errorf("Present(%q) is %v", pointer, !want)
		}
	}
	var body struct {
		Amount struct{ Total int64 }
	}
	if err := v.Decode(&body); err != nil || body.Amount.Total != 7 {
		t.Errorf("decoded %+v, %v", body, err)
	}
	v.Canonical()[0] = '?'
	if v.Canonical()[0] != '{' {
		t.Error("a caller changed the values")
	}
}

// FuzzMap sends strangers' bytes: nothing panics, every refusal is complete and encodes, and
// what maps has a canonical form that maps to itself.
func FuzzMap(f *testing.F) {
	for _, seed := range []string{
		`{"appid":"wx1","amount":{"total":1},"post_payments":[{"name":"a","count":2}],"extra":{"a":[1.50,-0,1e30,true]}}`,
		`{"appid":"wx1","reason":"\ud83d"}`, `{"appid":"wx1","rate":1e999999999}`, `{"extra":null}`, `[[[[`, `{"a":1]`, ``,
	} {
		f.Add([]byte(seed), "mchid=1&limit=20")
	}
	f.Add([]byte(nil), "mchid=%zz&a=%F0%9F%98%80&&=")
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		op := order()
		op.Request.Query = search().Request.Query
		for _, policy := range []mapping.Policy{{}, {Unknown: mapping.Ignore, Enum: mapping.Ignore, Length: mapping.Bytes}} {
			in := post(string(body))
			in.RawQuery = query
			v, misfit := mapping.Map(op, in, policy)
			if misfit != nil {
				if misfit.Message == "" || misfit.Rule == "" || misfit.Basis == "" || misfit.Field == "" {
					t.Fatalf("an incomplete refusal: %+v", misfit)
				}
				for _, shape := range []mapping.Shape{mapping.Today, mapping.Documented} {
					if detail := misfit.Detail(shape); detail != nil && !json.Valid(detail) {
						t.Fatalf("the detail is not JSON: %s", detail)
					}
				}
				continue
			}
			if !json.Valid(body) {
				t.Fatalf("broken JSON was mapped: %q", body)
			}
			in.Body = v.Canonical()
			again, misfit := mapping.Map(op, in, policy)
			if misfit != nil {
				t.Fatalf("the canonical %s is refused: %+v", in.Body, misfit)
			}
			if !bytes.Equal(again.Canonical(), in.Body) {
				t.Fatalf("the canonical %s became %s", in.Body, again.Canonical())
			}
		}
	})
}

func TestSensitiveParametersOfAQueryAreDecrypted(t *testing.T) {
	t.Parallel()
	op := &catalog.Operation{Method: "GET", Path: "/v3/guides", Request: catalog.Request{Query: []catalog.Field{
		{Name: "mobile", Type: "string", Label: "手机号码", Required: true, MaxLength: 4, Encrypted: "platform"},
	}}}
	tests := map[string]struct{ query, want, refusal string }{
		"a ciphertext":                    {"mobile=%3C138%3E", "138", ""},
		"a plaintext":                     {"mobile=138", "", "请确认待处理的消息是否为加密后的密文"},
		"a plaintext that breaks a rule":  {"mobile=%3C13800%3E", "", "字符数 5，大于最大值 4"},
		"nothing, which needs no key":     {"", "", "此字段为必填项"},
		"a ciphertext of too many things": {"mobile=%3C1%3E&mobile=%3C2%3E", "", "此字段并非多重字段"},
	}
	for name, tt := range tests {
		in := sealed("")
		in.Body, in.RawQuery = nil, tt.query
		v, misfit := mapping.Map(op, in, mapping.Policy{})
		switch {
		case misfit != nil && (tt.refusal == "" || !strings.Contains(misfit.Message, tt.refusal)):
			t.Errorf("%s: refused: %+v", name, misfit)
		case misfit == nil && (tt.refusal != "" || v.Query("mobile") != tt.want):
			t.Errorf("%s: mapped to %q, want %q, or a refusal …%s…", name, v.Query("mobile"), tt.want, tt.refusal)
		}
	}
}
