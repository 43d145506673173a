package phone

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
)

// explanations say of each mistake what the merchant did, and what to do. %s stands for a detail. Those of an
// RSA signature that shows by itself what is wrong with it are package doctor's.
var explanations = map[string]string{
	// Key and digest.
	"apiv3-key":        "It was signed with the APIv3 key (APIv3密钥). Sign with the APIv2 key (APIv2密钥): what is handed over here is signed by the rules of APIv2, also where the order is made by APIv3.",
	"other-key":        "It was signed with %s. Sign with the APIv2 key (APIv2密钥) of the merchant that made the order.",
	"other-sign-type":  "It was signed by %s, and not by the type that is handed over or that the order has. Take the same for all three.",
	"lower-case":       "The signature is in lower case. Write its hexadecimal digits in upper case.",
	"key-not-appended": "&key= and the key are missing at the end of the text. HMAC-SHA256 takes the key twice: there, and as its key.",
	"hmac-without-key": "It is the SHA-256 of the text. HMAC-SHA256 takes the key as its key besides.",
	"key-without-name": "The key stands at the end of the text without &key= before it.",
	"rsa-signature":    "It is an RSA signature, as APIv3 has them. What is handed over here is signed by the rules of APIv2: MD5 or HMAC-SHA256, with the APIv2 key.",
	"not-hexadecimal":  "It is not in hexadecimal: MD5 has 32 digits, HMAC-SHA256 has 64, in upper case.",
	"unknown":          "None of the usual mistakes leads to it. A key that the simulator does not have, or a text that nobody thinks of: compare key and text with those of this merchant.",
	"unknown-key":      "No key that the simulator knows made it, and it may not even be RSA. Load the private key that belongs to the merchant's certificate, and see that nothing changes the signature on its way.",
	"unknown-text":     "The key is known, but none of the usual mistakes leads to the text that was signed: a nonce or time that is made twice, once to sign and once to hand over, is the most frequent.",

	// Values.
	"wrong-appid":               "It was signed with the appid %s. Sign with the one that is handed over, which is that of the page, mini-program or app.",
	"timestamp-milliseconds":    "The timestamp was signed in milliseconds and handed over in seconds, or the other way round. Take it once, in seconds, for both.",
	"timestamp-differs":         "The timestamp that was signed is some seconds off the one that is handed over. Take it once, for both.",
	"nonce-case":                "The nonce was signed in another case than it is handed over in. Make it once, for both.",
	"package-without-prepay-id": "The prepay_id was signed without prepay_id= in front. Sign package as it is handed over.",
	"package-with-prepay-id":    "The prepay_id was signed with prepay_id= in front, once too often. Sign it as it is handed over.",
	"package-signed":            "%s was signed in place of the prepay_id. The fourth line of an app is the prepay_id alone.",
	"values-escaped":            "The values were escaped for a URL before they were signed. Sign them as they are.",
	"values-unescaped":          "The values were signed before they were escaped for a URL. Sign them as they are handed over.",

	// Names and lines.
	"sign-type-signed":      "The type of the signature was signed. It is handed over here without being signed, or is not there at all.",
	"sign-type-differs":     "The type of the signature was signed as %s. Sign it as it is handed over.",
	"sign-type-left-out":    "The type of the signature was not signed. Here it is a member as any other.",
	"member-left-out":       "%s was not signed.",
	"member-added":          "%s was signed, and is none of what is signed here.",
	"name-spelling":         "%s was signed in place of the name that is handed over. Names are signed as they are spelt there.",
	"not-sorted":            "The members were signed in another order. Sort them by name, byte by byte: upper case comes before lower case.",
	"lines-reordered":       "The lines were signed in another order. It is appid, timestamp, nonce, and package or prepay_id.",
	"final-newline-missing": "The line feed after the last line is missing. Every line ends in one.",
	"crlf":                  "The lines were ended by \\r\\n. End each by a line feed (\\n) only.",
	"literal-backslash-n":   "The lines were ended by a backslash and the letter n. Write a real line feed: \"\\n\" is not one in single quotes of PHP or the shell.",
	"parameters-signed":     "name=value pairs were signed, as in APIv2. APIv3 signs four lines with the values alone.",
}

// spoil makes every mistake in a draft.
func (s *signature) spoil(d draft) (all []draft) {
	for _, make := range []func(*signature, draft) []draft{
		wrongAppIDs, times, nonces, packages, signTypes, (*signature).spoilMembers, (*signature).spoilLayout,
	} {
		all = append(all, make(s, d)...)
	}
	return all
}

// spoilMembers changes which members there are, and their names. To lines, names mean nothing.
func (s *signature) spoilMembers(d draft) (all []draft) {
	all = append(s.fewer(d), s.added(d)...)
	if s.kind == rsa {
		return all
	}
	return append(append(all, spellings(d)...), escaped(d)...)
}

// with is the draft after one more mistake.
func (d draft) with(n note, members xmlv2.Members) draft {
	return draft{members: members, mistakes: append(slices.Clip(d.mistakes), n)}
}

// replaced is the draft with another value.
func (d draft) replaced(n note, at int, value string) draft {
	members := slices.Clone(d.members)
	members[at].Text = value
	return d.with(n, members)
}

// at is where one of these names stands, whichever way it is spelt, or -1.
func (d draft) at(name string) int {
	return slices.IndexFunc(d.members, func(m xmlv2.Member) bool { return bare(m.Name) == name })
}

func wrongAppIDs(s *signature, d draft) (all []draft) {
	at := d.at("appid")
	if at < 0 {
		return nil
	}
	for _, appID := range s.appIDs {
		if appID != d.members[at].Text {
			all = append(all, d.replaced(note{"wrong-appid", appID}, at, appID))
		}
	}
	return all
}

func times(_ *signature, d draft) (all []draft) {
	at := d.at("timestamp")
	if at < 0 {
		return nil
	}
	text := d.members[at].Text
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	if len(text) == 13 {
		return append(all, d.replaced(note{name: "timestamp-milliseconds"}, at, text[:10]))
	}
	for off := int64(-5); off <= 5; off++ {
		if off != 0 {
			all = append(all, d.replaced(note{name: "timestamp-differs"}, at, strconv.FormatInt(seconds+off, 10)))
		}
	}
	if len(d.mistakes) > 0 {
		return all
	}
	for ms := range int64(1000) {
		one := d.replaced(note{name: "timestamp-milliseconds"}, at, strconv.FormatInt(seconds*1000+ms, 10))
		one.alone = true
		all = append(all, one)
	}
	return all
}

func nonces(_ *signature, d draft) (all []draft) {
	at := d.at("noncestr")
	if at < 0 {
		return nil
	}
	for _, other := range []string{strings.ToLower(d.members[at].Text), strings.ToUpper(d.members[at].Text)} {
		if other != d.members[at].Text {
			all = append(all, d.replaced(note{name: "nonce-case"}, at, other))
		}
	}
	return all
}

func packages(s *signature, d draft) (all []draft) {
	const prefix = "prepay_id="
	if at := d.at("package"); at >= 0 && strings.HasPrefix(d.members[at].Text, prefix) {
		text := d.members[at].Text
		all = append(all, d.replaced(note{name: "package-without-prepay-id"}, at, strings.TrimPrefix(text, prefix)),
			d.replaced(note{name: "package-with-prepay-id"}, at, prefix+text))
	}
	if at := d.at("prepayid"); at >= 0 {
		all = append(all, d.replaced(note{name: "package-with-prepay-id"}, at, prefix+d.members[at].Text))
		if pack := s.sent.Get("package"); s.kind == rsa && pack != "" {
			all = append(all, d.replaced(note{"package-signed", pack}, at, pack))
		}
	}
	return all
}

// signTypes signs another type than is handed over.
func signTypes(_ *signature, d draft) (all []draft) {
	at := d.at("signtype")
	if at < 0 {
		return nil
	}
	for _, kind := range []string{"MD5", "HMAC-SHA256", "HMACSHA256", "HMAC_SHA256", "RSA"} {
		if kind != d.members[at].Text {
			all = append(all, d.replaced(note{"sign-type-differs", kind}, at, kind))
		}
	}
	return all
}

// fewer leaves out a member.
func (s *signature) fewer(d draft) (all []draft) {
	for i, m := range d.members {
		n := note{"member-left-out", m.Name}
		if bare(m.Name) == "signtype" {
			n = note{name: "sign-type-left-out"}
		}
		all = append(all, d.with(n, slices.Delete(slices.Clone(d.members), i, i+1)))
	}
	return all
}

// added adds what was handed over, or belongs to the order, and is not signed.
func (s *signature) added(d draft) (all []draft) {
	add := func(m xmlv2.Member) {
		n := note{"member-added", m.Name}
		if bare(m.Name) == "signtype" {
			n = note{name: "sign-type-signed"}
		}
		all = append(all, d.with(n, append(slices.Clone(d.members), m)))
	}
	for _, m := range s.more {
		add(m)
	}
	if s.sent.Get("signType") == "" && d.at("signtype") < 0 {
		for _, name := range []string{"signType", "sign_type", "signtype"} {
			add(xmlv2.Member{Name: name, Text: string(s.kind)})
		}
	}
	return all
}

// spelt are the ways in which names are written.
var spelt = map[string][]string{
	"appid":     {"appId", "appid", "app_id"},
	"timestamp": {"timeStamp", "timestamp", "time_stamp"},
	"noncestr":  {"nonceStr", "noncestr", "nonce_str"},
	"signtype":  {"signType", "signtype", "sign_type"},
	"prepayid":  {"prepayId", "prepayid", "prepay_id"},
	"partnerid": {"partnerId", "partnerid", "partner_id"},
	"mchid":     {"mchId", "mchid", "mch_id"},
}

// spellings spells one name in another way, or all of them in the same other one.
func spellings(d draft) (all []draft) {
	for way := range 3 {
		var names []string
		members := slices.Clone(d.members)
		for i, m := range d.members {
			ways := spelt[bare(m.Name)]
			if ways == nil || ways[way] == m.Name {
				continue
			}
			one := slices.Clone(d.members)
			one[i].Name, members[i].Name = ways[way], ways[way]
			names = append(names, ways[way])
			all = append(all, d.with(note{"name-spelling", ways[way]}, one))
		}
		if len(names) > 1 {
			all = append(all, d.with(note{"name-spelling", strings.Join(names, ", ")}, members))
		}
	}
	return all
}

// escaped signs values that were escaped, or are not yet.
func escaped(d draft) []draft {
	members, plain := slices.Clone(d.members), slices.Clone(d.members)
	for i, m := range d.members {
		members[i].Text = url.QueryEscape(m.Text)
		if text, err := url.QueryUnescape(m.Text); err == nil {
			plain[i].Text = text
		}
	}
	return []draft{d.with(note{name: "values-escaped"}, members), d.with(note{name: "values-unescaped"}, plain)}
}

// spoilLayout puts the members together in other ways.
func (s *signature) spoilLayout(d draft) (all []draft) {
	add := func(name string, lay func(xmlv2.Members) string) {
		laid := d.with(note{name: name}, d.members)
		laid.lay = lay
		all = append(all, laid)
	}
	if s.kind != rsa {
		add("not-sorted", doctor.Joined)
		add("not-sorted", s.asSent)
		add("not-sorted", foldedOrder)
		return all
	}
	ended := func(newline string) func(xmlv2.Members) string {
		return func(m xmlv2.Members) string { return strings.ReplaceAll(s.lay(m), "\n", newline) }
	}
	add("final-newline-missing", func(m xmlv2.Members) string { return strings.TrimSuffix(s.lay(m), "\n") })
	add("crlf", ended("\r\n"))
	add("literal-backslash-n", ended(`\n`))
	add("parameters-signed", func(m xmlv2.Members) string { return string(auth.ParamsText(m.Texts())) })
	for _, order := range orders(len(d.members)) {
		add("lines-reordered", func(m xmlv2.Members) string {
			other := make(xmlv2.Members, len(m))
			for i, from := range order {
				other[i] = m[from]
			}
			return s.lay(other)
		})
	}
	return all
}

// asSent joins in the order in which the front end hands over.
func (s *signature) asSent(members xmlv2.Members) string {
	place := func(m xmlv2.Member) int {
		return slices.IndexFunc(s.sent, func(other xmlv2.Member) bool { return bare(other.Name) == bare(m.Name) })
	}
	sorted := slices.Clone(members)
	slices.SortStableFunc(sorted, func(a, b xmlv2.Member) int { return place(a) - place(b) })
	return doctor.Joined(sorted)
}

// foldedOrder sorts as if all letters were small.
func foldedOrder(members xmlv2.Members) string {
	folded := slices.Clone(members)
	slices.SortFunc(folded, func(a, b xmlv2.Member) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return doctor.Joined(folded)
}

// orders are all orders of n lines but the right one, n being at most 4.
func orders(n int) (all [][]int) {
	if n > 4 {
		return nil
	}
	var next func(order []int)
	next = func(order []int) {
		if len(order) == n && !slices.IsSorted(order) {
			all = append(all, slices.Clone(order))
		}
		for i := range n {
			if !slices.Contains(order, i) {
				next(append(slices.Clip(order), i))
			}
		}
	}
	next(nil)
	return all
}
