package shape

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
)

// value is a single value that f may have.
func (a *answer) value(f *catalog.Field) any {
	switch f.Type {
	case "boolean":
		return false
	case "integer", "number":
		return number(f)
	}
	if len(f.Enum) > 0 {
		return f.Enum[0]
	}
	if f.Format != "" {
		return a.today.format(f)
	}
	chosen := fitted(f, a.text(f))
	for _, text := range []string{chosen, fitted(f, a.hex(f.Name)), fitted(f, a.digits(f.Name, 20))} {
		if mapping.Fits(f, text) {
			return text
		}
	}
	return chosen
}

// fen is what an amount is that the request says nothing about, if it may be.
const fen = 100

func number(f *catalog.Field) any {
	if len(f.Enum) > 0 {
		return json.Number(f.Enum[0])
	}
	n := int64(1)
	if f.Unit == "fen" || endsIn(f.Name, "amount", "fee", "price") {
		n = fen
	}
	if f.Minimum != nil {
		n = max(n, *f.Minimum)
	}
	if f.Maximum != nil {
		n = min(n, *f.Maximum)
	}
	return n
}

// text is what a text is by its name. What has no telling name is its own label.
func (a *answer) text(f *catalog.Field) string {
	switch {
	case f.Name == "pub_key" && a.c.V2 != nil:
		return a.riskKey()
	case f.Name == "mchid", f.Name == "sp_mchid", f.Name == "mch_id":
		return cmp.Or(a.c.Merchant.MchID, a.digits(f.Name, 10))
	case f.Name == "brand_id" && a.c.Merchant.BrandID != "":
		return a.c.Merchant.BrandID
	case endsIn(f.Name, "appid"):
		return a.appID(f.Name)
	case endsIn(f.Name, "openid") && len(a.world.Users) > 0:
		return a.world.Users[0].OpenID
	case strings.HasSuffix(f.Name, "url"):
		return "https://example.com/" + a.hex(f.Name)[:16]
	case endsIn(f.Name, "mchid"):
		return a.digits(f.Name, 10)
	case endsIn(f.Name, "id", "no", "number", "sn", "code"):
		return a.digits(f.Name, 28)
	case endsIn(f.Name, "state", "status", "result"):
		return "SUCCESS" // whose values are not documented
	case endsIn(f.Name, "type"):
		return "OTHERS"
	case endsIn(f.Name, "ip"):
		return "127.0.0.1"
	case endsIn(f.Name, "time", "expire"):
		return a.today.format(&catalog.Field{Name: f.Name, Format: "rfc3339"})
	case endsIn(f.Name, "date"):
		return a.today.format(&catalog.Field{Name: f.Name, Format: "yyyy-MM-dd"})
	case endsIn(f.Name, "currency"):
		return "CNY"
	case endsIn(f.Name, "token", "ticket", "nonce", "str", "package", "sign", "key"):
		return a.hex(f.Name)[:32]
	}
	return cmp.Or(f.Label, f.Name)
}

// appID is the caller's if it has one; an appid of somebody else has only the form.
func (a *answer) appID(name string) string {
	if ids := a.c.Merchant.AppIDs; len(ids) > 0 && (name == "appid" || name == "sp_appid") {
		return ids[0]
	}
	return "wx" + a.hex(name)[:16]
}

// fitted is text that is as long as it may be.
func fitted(f *catalog.Field, text string) string {
	runes := []rune(text)
	for len(runes) < f.MinLength {
		runes = append(runes, runes...)
	}
	if f.MaxLength > 0 && len(runes) > f.MaxLength {
		runes = runes[:f.MaxLength]
	}
	if f.Encrypted != "" && len(string(runes)) > maxPlain {
		runes = runes[:maxPlain/3]
	}
	return string(runes)
}

// endsIn tells whether the last word of a name is one of these.
func endsIn(name string, words ...string) bool {
	return slices.Contains(words, name[strings.LastIndexByte(name, '_')+1:])
}

// hex is 64 digits that the merchant's own number and the name decide.
func (a *answer) hex(name string) string {
	sum := sha256.Sum256([]byte(a.c.Merchant.MchID + "\n" + a.own(name) + "\n" + name))
	return hex.EncodeToString(sum[:])
}

// digits is the same as a number of n digits, which does not begin with 0.
func (a *answer) digits(name string, n int) string {
	x, _ := new(big.Int).SetString(a.hex(name), 16)
	return "4" + x.String()[1:n]
}

// own stands for the merchant's own number for what name names: out_refund_no for refund_id. Else it is
// the first of the request, and without one all of it.
func (a *answer) own(name string) string {
	stem := stemOf(name)
	if a.numbers[stem] == "" {
		sum := sha256.Sum256([]byte(cmp.Or(a.outNumber(stem), a.everything())))
		a.numbers[stem] = string(sum[:])
	}
	return a.numbers[stem]
}

// outNumber is the number out_… of the stem, else the first one.
func (a *answer) outNumber(stem string) (first string) {
	for name, text := range a.c.Texts() {
		rest, isOwn := strings.CutPrefix(name, "out_")
		if isOwn && text != "" && stemOf(rest) == stem {
			return text
		}
		if isOwn {
			first = cmp.Or(first, text)
		}
	}
	return first
}

func (a *answer) everything() string {
	var all strings.Builder
	for name, text := range a.c.Texts() {
		all.WriteString(name + "=" + text + "\n")
	}
	return all.String() + string(a.c.Canonical())
}

// stemOf is what is named by a number: refund, of refund_id.
func stemOf(name string) string {
	stem, _, _ := strings.Cut(name, "_")
	return stem
}

// day is the day of the business clock. Answers are dated by it alone, so that they stay the same for
// as long.
type day struct{ time.Time }

func today(now time.Time) day {
	year, month, date := now.Date()
	return day{time.Date(year, month, date, 0, 0, 0, 0, clock.Beijing)}
}

// ahead is how far off is what ends something.
const ahead = 30 * 24 * time.Hour

// format is the beginning of the day in the first of the field's formats. What ends is later.
func (d day) format(f *catalog.Field) string {
	at := d.Time
	for _, word := range []string{"expire", "end", "deadline", "until"} {
		if strings.Contains(f.Name, word) {
			at = d.Add(ahead)
		}
	}
	format, _, _ := strings.Cut(f.Format, "|")
	layouts := map[string]string{"rfc3339": time.RFC3339, "yyyy-MM-dd": time.DateOnly, "yyyyMMdd": "20060102", "yyyyMMddHHmmss": "20060102150405"}
	if layout := layouts[format]; layout != "" {
		return at.Format(layout)
	}
	return format // a literal, OnAccept
}
