package phone

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
)

// This file is the doctor of cashier signatures. What can be told of an RSA signature without its text, package
// doctor tells; of APIv2 there is nothing to see, so that texts, keys and digests are all tried.

// draft is a text that may have been signed, with the mistakes that lead to it.
type draft struct {
	members  xmlv2.Members
	lay      func(xmlv2.Members) string // nil for the right way
	mistakes []note
	alone    bool // it is one of many of its kind: no other mistake is tried with it
}

// note is a mistake, with what %s of its explanation stands for.
type note struct{ name, detail string }

func (n note) finding() doctor.Finding {
	return doctor.Finding{Mistake: n.name, Explanation: strings.ReplaceAll(explanations[n.name], "%s", n.detail)}
}

// made tells whether a text was signed, and what was wrong with key and digest.
type made func(text string) (wrong []note, ok bool)

// What a search may cost. Texts of more members or bytes are those of no front end.
const (
	maxTexts   = 20_000
	maxMembers = 40
	maxBytes   = 4 << 10
)

// diagnose finds the mistakes that explain a signature: those of one text before those of two.
func (o *opening) diagnose(m *keys.Merchant, all []*signature) []doctor.Finding {
	var otherwise []doctor.Finding
	for depth := range 3 {
		for _, s := range all {
			var is made
			var seen []doctor.Finding // of the signature itself
			if s.kind == rsa {
				is, seen, otherwise = s.opened(o.Keys, m)
			} else {
				is, otherwise = s.digested(o.Keys, m)
			}
			if is == nil {
				return otherwise
			}
			if notes, ok := s.explain(is, depth); ok {
				return append(seen, found(notes)...)
			}
		}
	}
	return otherwise
}

func found(notes []note) (all []doctor.Finding) {
	for _, n := range notes {
		all = append(all, n.finding())
	}
	return all
}

// opened looks into an RSA signature. Without a key that made it there is nothing to try.
func (s *signature) opened(ring *keys.Ring, m *keys.Merchant) (is made, seen, otherwise []doctor.Finding) {
	all, looks := doctor.Open(s.sign, m.Public, ring.Others(m.MchID))
	if looks != nil {
		return nil, nil, looks
	}
	if len(all) == 0 {
		return nil, nil, found([]note{{name: "unknown-key"}})
	}
	seen = all[0].Findings()
	is = func(text string) ([]note, bool) {
		return nil, slices.ContainsFunc(all, func(o doctor.Opened) bool { return o.Signs([]byte(text)) })
	}
	return is, seen, append(slices.Clip(seen), note{name: "unknown-text"}.finding())
}

// digest is a way to make a signature of APIv2, right or wrong.
type digest struct {
	mistake string // "" if it is right, for its kind
	kind    auth.SignType
	sum     func(text, key string) []byte
}

var digests = []digest{
	{"", auth.MD5, func(text, key string) []byte { return md5Of(text + "&key=" + key) }},
	{"", auth.HMACSHA256, func(text, key string) []byte { return hmacOf(text+"&key="+key, key) }},
	{"key-not-appended", auth.HMACSHA256, hmacOf},
	{"hmac-without-key", auth.HMACSHA256, func(text, key string) []byte { return sha256Of(text + "&key=" + key) }},
	{"key-without-name", auth.MD5, func(text, key string) []byte { return md5Of(text + key) }},
	{"key-without-name", auth.MD5, func(text, key string) []byte { return md5Of(text + "&" + key) }},
	{"key-without-name", auth.HMACSHA256, func(text, key string) []byte { return hmacOf(text+key, key) }},
}

func md5Of(text string) []byte { sum := md5.Sum([]byte(text)); return sum[:] }

func sha256Of(text string) []byte { sum := sha256.Sum256([]byte(text)); return sum[:] }

func hmacOf(text, key string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// digested tries keys and digests on a text.
func (s *signature) digested(ring *keys.Ring, m *keys.Merchant) (is made, otherwise []doctor.Finding) {
	want, err := hex.DecodeString(s.sign)
	if raw, wrong := base64.StdEncoding.DecodeString(s.sign); err != nil && wrong == nil && len(raw) >= 128 {
		return nil, found([]note{{name: "rsa-signature"}})
	}
	if err != nil {
		return nil, found([]note{{name: "not-hexadecimal"}})
	}
	all := map[string]string{"": m.APIv2Key}
	for whose, key := range ring.OthersV2(m.MchID) {
		if key != m.APIv3Key {
			all[whose] = key
		}
	}
	all[ownAPIv3Key] = m.APIv3Key
	owners := slices.Sorted(maps.Keys(all))
	is = func(text string) ([]note, bool) {
		for _, d := range digests {
			for _, whose := range owners {
				if all[whose] != "" && hmac.Equal(d.sum(text, all[whose]), want) {
					return s.wrongWith(d, whose), true
				}
			}
		}
		return nil, false
	}
	return is, found([]note{{name: "unknown"}})
}

// ownAPIv3Key stands for the merchant's own: the best known mistake of Pay Score.
const ownAPIv3Key = "the APIv3 key"

func (s *signature) wrongWith(d digest, whose string) (all []note) {
	switch whose {
	case "":
	case ownAPIv3Key:
		all = append(all, note{name: "apiv3-key"})
	default:
		all = append(all, note{"other-key", whose})
	}
	if d.mistake != "" {
		all = append(all, note{name: d.mistake})
	}
	if d.kind != s.kind {
		all = append(all, note{"other-sign-type", string(d.kind)})
	}
	if s.sign != strings.ToUpper(s.sign) {
		all = append(all, note{name: "lower-case"})
	}
	return all
}

// explain looks for a text with so many mistakes that was signed.
func (s *signature) explain(is made, depth int) ([]note, bool) {
	if depth > 0 && (len(s.members) > maxMembers || len(s.text()) > maxBytes) {
		return nil, false
	}
	drafts := []draft{{members: s.members}}
	for range depth {
		var next []draft
		for _, d := range drafts {
			if !d.alone && d.lay == nil {
				next = append(next, s.spoil(d)...)
			}
		}
		drafts = next
	}
	for _, d := range drafts[:min(len(drafts), maxTexts)] {
		lay := d.lay
		if lay == nil {
			lay = s.lay
		}
		if wrong, ok := is(lay(d.members)); ok {
			return append(slices.Clip(wrong), d.mistakes...), true
		}
	}
	return nil, false
}
