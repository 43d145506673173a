package main

import (
	"go/token"
	"strings"
	"unicode"
)

// initialisms is the one list of words that Go writes unlike other words. WeChat Pay
// runs some of them together with the word before. No (单号) is not one: OutOrderNo.
var initialisms = map[string]string{
	"api":    "API",
	"appid":  "AppID",
	"http":   "HTTP",
	"id":     "ID",
	"ids":    "IDs",
	"ip":     "IP",
	"json":   "JSON",
	"mchid":  "MchID",
	"openid": "OpenID",
	"url":    "URL",
	"urls":   "URLs",
	"userid": "UserID",
}

// exported turns a name of the wire into an exported Go name: sub_mchid is SubMchID,
// out-trade-no OutTradeNo and USER_PAID UserPaid. It is empty if there is no such name.
func exported(wire string) string {
	name := capitals(wire)
	if !token.IsIdentifier(name) || !token.IsExported(name) {
		return ""
	}
	return name
}

// capitals runs the words of a name together.
func capitals(wire string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(wire, isSeparator) {
		b.WriteString(capital(strings.ToLower(word)))
	}
	return b.String()
}

// local is exported for an argument or an unexported field: sub_mchid is subMchID.
func local(wire string) string {
	first, rest, found := strings.Cut(strings.ToLower(wire), "_")
	name := first
	if head := initialisms[first]; head != "" && unicode.IsUpper(rune(head[1])) {
		name = strings.ToLower(head) // id, url
	} else if head != "" {
		name = strings.ToLower(head[:1]) + head[1:] // mchID, openID
	}
	if found {
		name += exported(rest)
	}
	if !token.IsIdentifier(name) {
		return ""
	}
	return name
}

func capital(word string) string {
	if name, ok := initialisms[word]; ok {
		return name
	}
	runes := []rune(word)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}

func isSeparator(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ' ' }

// singular is the name of one item of a list: post_payments gives PostPayment and
// plan_detail_list PlanDetail.
func singular(name string) string {
	for _, end := range []struct{ plural, singular string }{
		{"List", ""}, {"Goods", "Goods"}, {"News", "News"}, {"ss", "ss"}, {"us", "us"},
		{"ies", "y"}, {"ches", "ch"}, {"shes", "sh"}, {"xes", "x"}, {"s", ""},
	} {
		if stem, ok := strings.CutSuffix(name, end.plural); ok && stem+end.singular != "" {
			return stem + end.singular
		}
	}
	return name
}

// fileStem is the name of a path's segment as part of a file name.
func fileStem(segment string) string {
	return strings.ToLower(strings.NewReplacer("-", "_", ".", "_").Replace(segment))
}

// packageName is the name of a product's package: no signs, as Go has it.
func packageName(segment string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", "/", "").Replace(segment))
}
