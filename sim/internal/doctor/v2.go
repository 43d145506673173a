package doctor

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// CaseV2 is a request of APIv2 whose sign does not match.
type CaseV2 struct {
	Sent   xmlv2.Members
	Type   auth.SignType     // by which it is to be signed
	Key    string            // APIv2密钥
	Others map[string]string // keys that may have been mixed up with it, by what they are
}

// mistakeV2 is a mistake, by what was signed in place of what should have been.
type mistakeV2 struct {
	name, explanation string
	text              func(members xmlv2.Members) string
}

// mistakesV2 begin with the text that is right: its key or its digest may not be.
var mistakesV2 = []mistakeV2{
	{"", "", func(m xmlv2.Members) string { return textV2(m, nil) }},
	{"values-escaped", "The values were escaped for a URL before they were signed. Sign them as they are.",
		func(m xmlv2.Members) string { return textV2(m, url.QueryEscape) }},
	{"empty-values", "Members without a value were signed. Leave them out.", withEmpty},
	{"sign-type-left-out", "sign_type was not signed. It is a member as any other.",
		func(m xmlv2.Members) string { return textV2(without(m, "sign_type"), nil) }},
	{"nonce-left-out", "nonce_str was not signed. It is a member as any other.",
		func(m xmlv2.Members) string { return textV2(without(m, "nonce_str"), nil) }},
	{"not-sorted", "The members were signed in the order in which they came. Sort them by name.", unsorted},
	{"values-trimmed", "White space around values was not signed. Sign them as they are sent.",
		func(m xmlv2.Members) string { return textV2(m, strings.TrimSpace) }},
}

// DiagnoseV2 returns the mistake that explains the sign, or none.
func DiagnoseV2(c CaseV2) []Finding {
	sign := c.Sent.Get("sign")
	keys := map[string]string{"": c.Key}
	maps.Copy(keys, c.Others)
	for _, m := range mistakesV2 {
		text := m.text(c.Sent)
		for _, whose := range slices.Sorted(maps.Keys(keys)) {
			for _, t := range []auth.SignType{auth.MD5, auth.HMACSHA256} {
				if made := digestV2(t, text, keys[whose]); strings.EqualFold(made, sign) {
					return m.findings(c, t, whose, made != sign)
				}
			}
		}
	}
	return nil
}

func (m mistakeV2) findings(c CaseV2, t auth.SignType, whose string, lower bool) (all []Finding) {
	add := func(is bool, name, explanation string) {
		if is {
			all = append(all, Finding{Mistake: name, Explanation: explanation})
		}
	}
	add(whose != "", "other-key", "It was signed with "+whose+". Sign with the APIv2 key (APIv2密钥) of the merchant that mch_id names.")
	add(t != c.Type, "other-sign-type", "It was signed by "+string(t)+". Here it has to be "+string(c.Type)+".")
	add(lower, "lower-case", "The signature is in lower case. Write its hexadecimal digits in upper case.")
	add(m.name != "", m.name, m.explanation)
	return all
}

func digestV2(t auth.SignType, text, key string) string {
	h := hash.Hash(md5.New())
	if t == auth.HMACSHA256 {
		h = hmac.New(sha256.New, []byte(key))
	}
	h.Write([]byte(text + "&key=" + key))
	return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
}

// textV2 is the text that is signed, with its values changed.
func textV2(m xmlv2.Members, change func(string) string) string {
	changed := slices.Clone(m)
	for i := range changed {
		if change != nil {
			changed[i].Text = change(changed[i].Text)
		}
	}
	return string(auth.ParamsText(changed.Texts()))
}

func without(m xmlv2.Members, name string) xmlv2.Members {
	return slices.DeleteFunc(slices.Clone(m), func(m xmlv2.Member) bool { return m.Name == name })
}

func withEmpty(m xmlv2.Members) string {
	sorted := without(m, "sign")
	slices.SortFunc(sorted, func(a, b xmlv2.Member) int { return strings.Compare(a.Name, b.Name) })
	return Joined(sorted)
}

func unsorted(m xmlv2.Members) string {
	return Joined(slices.DeleteFunc(without(m, "sign"), func(m xmlv2.Member) bool { return m.Text == "" }))
}

// Joined is name=value&… of members in the order in which they stand, as no right signature has them.
func Joined(m xmlv2.Members) string {
	pairs := make([]string, len(m))
	for i := range m {
		pairs[i] = m[i].Name + "=" + m[i].Text
	}
	return strings.Join(pairs, "&")
}
