package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

// How sure we are of a refusal: seen from the real gateway, concluded from what was seen, or
// made up in its style where nothing is known.
const (
	Observed = "OBS"
	Inferred = "INFERRED"
	Invented = "INVENTED"
)

// Misfit is a refusal with status 400, in the gateway's words.
type Misfit struct {
	Code     string // PARAM_ERROR
	Message  string
	Location string // body, uri_template, query or header; empty where the gateway says null
	Value    any    // what detail shows: the value, a length, or pointers
	HasValue bool   // without a value there is no detail
	Field    string // the source as a JSON pointer, /body/amount/total
	Rule     string // what was broken, for logs: required, max_length, …
	Basis    string // Observed, Inferred or Invented
	Hint     string // what else logs should tell

	home string // the part of the request that a missing member belongs to, where Location is another
}

// Shape is how the detail of an error looks.
type Shape int

const (
	Today      Shape = iota // location and value, as the gateway answers
	Documented              // field, issue, location and value, as the rules page says
)

// Detail is the member detail of the error body, or nil where there is none.
func (f *Misfit) Detail(shape Shape) json.RawMessage {
	if !f.HasValue {
		return nil
	}
	detail := map[string]any{"location": nil, "value": f.Value}
	if f.Location != "" {
		detail["location"] = f.Location
	}
	if shape == Documented {
		location := cmp.Or(f.home, f.Location)
		detail["issue"] = f.Message
		if location != "" {
			detail["location"] = location
		}
		switch location {
		case "body":
			detail["field"] = strings.TrimPrefix(strings.TrimPrefix(f.Field, "/body"), "/"+f.Location)
		case "":
			detail["field"] = f.Field
		default:
			detail["field"] = f.Field[strings.LastIndexByte(f.Field, '/')+1:]
		}
		if location == "uri_template" {
			detail["location"] = "url"
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(detail); err != nil {
		panic("mapping: a detail does not encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// refuse builds a misfit without a value. What was seen for a body or a path is only inferred
// for a query, but for a minimum, which was seen there too.
func refuse(rule, basis string, at source, message string) *Misfit {
	if at[0] == "query" && basis == Observed && rule != "minimum" {
		basis = Inferred
	}
	return &Misfit{
		Code: "PARAM_ERROR", Message: message, Location: at[0], Field: at.String(), Rule: rule, Basis: basis,
	}
}

func (f *Misfit) with(value any) *Misfit {
	f.Value, f.HasValue = value, true
	return f
}

func label(f *catalog.Field) string {
	if f.Label != "" {
		return f.Label
	}
	return f.Name
}

// The sentences that most messages begin with.

func notMapped(f *catalog.Field, at source, target, reason string) string {
	json := ""
	if at[0] == "body" && (len(at) < 2 || at[1] != "xml") {
		json = " JSON "
	}
	return fmt.Sprintf("无法将%s输入源“%s”映射到%s“%s”中，%s", json, at, target, label(f), reason)
}

func notAllowed(f *catalog.Field, at source, target, rule, reason string) string {
	return fmt.Sprintf("输入源“%s”映射到%s“%s”%s校验失败，%s", at, target, label(f), rule, reason)
}

func required(f *catalog.Field, at source) *Misfit {
	return refuse("required", Observed, at, notAllowed(f, at, "字段", "必填性规则", "此字段为必填项")).with("")
}

func wrongType(f *catalog.Field, value any, at source) *Misfit {
	wanted, basis := "此字段需要一个 string 类型的 Json 值", Observed
	switch {
	case f.Type == "object":
		wanted = "此字段需要一个合法的 Json 对象"
	case f.Type == "boolean":
		wanted, basis = "此字段需要一个 bool 类型的 Json 值", Invented
	case isInteger(f) && at[0] == "uri_template":
		wanted = "此字段需要一个合法的 64 位无符号整数"
	case isInteger(f):
		wanted = "此字段需要一个合法的 64 位有符号整数"
	case f.Type == "number":
		wanted, basis = "此字段需要一个合法的数值", Invented
	}
	return typed(basis, at, value, notMapped(f, at, "目标字段", wanted))
}

func notArray(f *catalog.Field, value any, at source) *Misfit {
	return typed(Observed, at, value, notMapped(f, at, "多重字段", "此字段需要 JSON 数组对象"))
}

// typed is a value of a wrong type. That null is one of them is not known.
func typed(basis string, at source, value any, message string) *Misfit {
	rule := "type"
	if value == nil {
		rule = "null"
		if basis == Observed {
			basis = Inferred
		}
	}
	return refuse(rule, basis, at, message).with(value)
}

func null(f *catalog.Field, at source) *Misfit {
	return refuse("null", Invented, at, notMapped(f, at, "目标字段", "此字段不能为 null")).with(nil)
}

// repeated is a field that two sources want to set. The gateway sends no detail with it.
func repeated(f *catalog.Field, at, first source, basis string) *Misfit {
	reason := fmt.Sprintf("此字段并非多重字段但被输入源“%s”映射过了。", first)
	return refuse("repeated", basis, at,
		fmt.Sprintf("无法将输入源“%s”映射到目标字段“%s”中，%s", at, label(f), reason))
}

// undocumented is seen with one pointer; several at once are a guess.
func undocumented(pointers []string) *Misfit {
	basis := Observed
	if len(pointers) > 1 {
		basis = Inferred
	}
	misfit := refuse("unknown", basis, source{""}, "请求中含有未在API文档中定义的参数").with(pointers)
	misfit.Field = pointers[0]
	return misfit
}

func length(f *catalog.Field, at source, unit string, n int, relation string, bound int) *Misfit {
	rule := "max_length"
	if n < bound {
		rule = "min_length"
	}
	reason := fmt.Sprintf("%s %d，%s %d", unit, n, relation, bound)
	return refuse(rule, Observed, at, notAllowed(f, at, "值字段", "字符串规则", reason)).with(n)
}

func pattern(f *catalog.Field, text string, at source) *Misfit {
	reason := fmt.Sprintf("字符串必须匹配正则表达式“%s”", f.Pattern)
	return refuse("pattern", Observed, at, notAllowed(f, at, "值字段", "字符串规则", reason)).with(shown(f, text))
}

func format(f *catalog.Field, text string, at source) *Misfit {
	reason := fmt.Sprintf("字符串必须符合格式“%s”", f.Format)
	return refuse("format", Invented, at, notAllowed(f, at, "值字段", "字符串规则", reason)).with(shown(f, text))
}

func fourBytes(f *catalog.Field, text string, at source) *Misfit {
	reason := "不支持 4 字节的 UTF-8 字符"
	return refuse("four_bytes", Invented, at, notAllowed(f, at, "值字段", "字符串规则", reason)).with(shown(f, text))
}

func surrogate(f *catalog.Field, at source) *Misfit {
	reason := "字符串含有不成对的代理项转义"
	return refuse("surrogate", Invented, at, notAllowed(f, at, "值字段", "字符串规则", reason))
}

func enum(f *catalog.Field, value any, at source) *Misfit {
	return refuse("enum", Invented, at, notAllowed(f, at, "枚举字段", "规则", "值不在枚举范围内")).with(value)
}

func tooSmall(f *catalog.Field, number json.Number, at source) *Misfit {
	reason := fmt.Sprintf("值低于最小值 %d", *f.Minimum)
	return refuse("minimum", Observed, at, notAllowed(f, at, "数值字段", "规则", reason)).with(number)
}

func tooLarge(f *catalog.Field, number json.Number, at source) *Misfit {
	reason := fmt.Sprintf("值高于最大值 %d", *f.Maximum)
	return refuse("maximum", Invented, at, notAllowed(f, at, "数值字段", "规则", reason)).with(number)
}

// wrongSerial is of a field that is encrypted with nobody knows which key. That it may be missing is
// not documented.
func wrongSerial(at source, serial string) *Misfit {
	misfit := refuse("wechatpay_serial", Observed, at, "平台证书序列号Wechatpay-Serial错误")
	misfit.Hint = fmt.Sprintf("Wechatpay-Serial is %.60q, which names no key of WeChat Pay that this merchant has", serial)
	if serial == "" {
		misfit.Basis, misfit.Hint = Inferred, "there is no Wechatpay-Serial, which has to name the key that it is encrypted with"
	}
	return misfit
}

func notCiphertext(at source, err error) *Misfit {
	misfit := refuse("ciphertext", Observed, at, "请确认待处理的消息是否为加密后的密文")
	misfit.Hint = err.Error()
	return misfit
}

// shown is a text as detail shows it: not if it came encrypted.
func shown(f *catalog.Field, text string) string {
	if f.Encrypted != "" {
		return ""
	}
	return text
}

func items(f *catalog.Field, at source, n int, relation string, bound int) *Misfit {
	rule := "max_items"
	if n < bound {
		rule = "min_items"
	}
	reason := fmt.Sprintf("元素个数 %d，%s %d", n, relation, bound)
	return refuse(rule, Invented, at, notAllowed(f, at, "多重字段", "规则", reason)).with(n)
}

func contentType(given, wanted string) *Misfit {
	return refuse("content_type", Invented, source{"header", "Content-Type"},
		"Http头Content-Type不合法，此接口需要 "+wanted).with(given)
}

// unreadable is an input that cannot even be taken apart; nothing of it goes back.
func unreadable(rule string, at source, reason string) *Misfit {
	return refuse(rule, Invented, at, fmt.Sprintf("无法解析输入源“%s”，%s", at, reason))
}
