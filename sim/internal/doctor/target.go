package doctor

import (
	"net/url"
	"regexp"
	"strings"
)

// origins are what clients sign before the path.
func origins(c *Case) []variant {
	var all []variant
	for _, host := range []string{c.Host, "api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"} {
		if host == "" {
			continue
		}
		all = append(all,
			wrong(common, "host-included", "", "https://"+host),
			wrong(rare, "host-included", "", "http://"+host),
			wrong(rare, "host-included", "", "//"+host),
			wrong(rare, "host-included", "", host))
	}
	prefixes := []string{c.Header.Get("X-Forwarded-Prefix"), "/", "/v3", "/api", "/proxy", "/wechat", "/wechatpay", "/wxpay", "/pay"}
	for _, prefix := range prefixes {
		all = append(all, wrong(rare, "base-path-added", prefix, prefix))
	}
	return all
}

// paths are what clients sign in place of the path.
func paths(right string, c *Case) []variant {
	var all []variant
	if plain, err := url.PathUnescape(right); err == nil {
		all = append(all, wrong(common, "target-decoded", "", plain))
	}
	for from, dropped := 1, 0; dropped < 3; dropped++ {
		next := strings.IndexByte(right[min(from, len(right)):], '/')
		if next < 0 {
			break
		}
		at := from + next
		all = append(all, wrong(rare, "base-path-dropped", right[:at], right[at:]))
		from = at + 1
	}
	all = append(all,
		wrong(rare, "leading-slash-missing", "", strings.TrimPrefix(right, "/")),
		wrong(rare, "trailing-slash", "", right+"/"),
		wrong(rare, "trailing-slash", "", strings.TrimSuffix(right, "/")))
	if c.Template != "" {
		for _, name := range []string{"{$1}", ":$1", "<$1>", "{{$1}}"} {
			all = append(all, wrong(common, "path-template", "", parameter.ReplaceAllString(c.Template, name)))
		}
	}
	return append(all, reescaped(right, "/")...)
}

// parameter is a parameter of a path, as the documents print it.
var parameter = regexp.MustCompile(`\{(\w+)\}`)

// reescaped is text with its percent-encoding done otherwise: what stands between the
// separators is encoded again, and the whole once more on top.
func reescaped(text, separators string) []variant {
	mistake := "target-reencoded"
	if !strings.Contains(text, "%") {
		mistake = "target-encoded"
	}
	var all []variant
	again := func(mistake string, e escaper, decode func(string) (string, error)) {
		all = append(all, wrong(rare, mistake, "", eachPiece(text, separators, func(piece string) string {
			if plain, err := decode(piece); err == nil {
				return e.escape(plain)
			}
			return piece
		})))
	}
	for _, e := range escapers {
		again(mistake, e, url.PathUnescape)
	}
	for _, e := range escapers {
		again("target-reencoded", e, url.QueryUnescape)
	}
	all = append(all,
		wrong(rare, "target-reencoded", "", escapes.ReplaceAllStringFunc(text, strings.ToLower)),
		wrong(rare, "target-reencoded", "", escapes.ReplaceAllStringFunc(text, strings.ToUpper)))
	for _, e := range escapers[:2] {
		all = append(all, wrong(rare, "target-encoded", "", eachPiece(text, separators, e.escape)))
	}
	return all
}

var escapes = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// eachPiece changes what stands between separators.
func eachPiece(text, separators string, change func(string) string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(text, separators)
		if i < 0 {
			b.WriteString(change(text))
			return b.String()
		}
		b.WriteString(change(text[:i]))
		b.WriteByte(text[i])
		text = text[i+1:]
	}
}

// escaper is a way of percent-encoding.
type escaper struct {
	keep  string // besides letters and digits
	plus  bool   // for spaces
	lower bool   // hexadecimal digits
}

// escapers are those of the usual libraries: RFC 3986 and forms, encodeURIComponent, Java's
// URLEncoder, path segments, encodeURI, .NET's HttpUtility.
var escapers = []escaper{
	{keep: "-._~"},
	{keep: "-._~", plus: true},
	{keep: "-._~!*'()"},
	{keep: "-._*", plus: true},
	{keep: "-._~!*'()$&+,;=:@"},
	{keep: "-._~!*'();/?:@&=+$,#"},
	{keep: "-._~!*'();/?:@&=+$,[]|{}^`\\"},
	{keep: "-._!*()", plus: true, lower: true},
	{keep: "-._~", lower: true},
}

func (e escaper) escape(text string) string {
	digits := "0123456789ABCDEF"
	if e.lower {
		digits = "0123456789abcdef"
	}
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(e.keep, c) >= 0:
			b.WriteByte(c)
		case c == ' ' && e.plus:
			b.WriteByte('+')
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
