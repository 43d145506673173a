package doctor

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// wrong is a variant with one mistake.
func wrong(r rank, mistake, detail, value string) variant {
	return variant{rank: r, value: value, notes: []note{{mistake: mistake, detail: detail}}}
}

func methods(right string) []variant {
	lower := strings.ToLower(right)
	all := []variant{wrong(common, "method-case", lower, lower)}
	if right != "" {
		title := right[:1] + lower[1:]
		all = append(all, wrong(rare, "method-case", title, title))
	}
	for _, m := range []string{"POST", "GET", "PUT", "PATCH", "DELETE", "HEAD"} {
		all = append(all, wrong(rare, "method-other", m, m))
	}
	return all
}

// skew is how many seconds two looks at the clock may be apart.
const skew = 5

func timestamps(right string) []variant {
	all := spaced(right)
	seconds, err := strconv.ParseInt(right, 10, 64)
	if err != nil {
		return all
	}
	for d := int64(1); d <= skew; d++ {
		many := strconv.FormatInt(d, 10) + " s "
		all = append(all,
			wrong(rare, "timestamp-differs", many+"earlier", strconv.FormatInt(seconds-d, 10)),
			wrong(rare, "timestamp-differs", many+"later", strconv.FormatInt(seconds+d, 10)))
	}
	all = append(all,
		wrong(rare, "timestamp-milliseconds", "", right+"000"),
		wrong(wide, "timestamp-milliseconds", "", right+".0"))
	for ms := range int64(1000) {
		all = append(all, wrong(wide, "timestamp-milliseconds", "", strconv.FormatInt(seconds*1000+ms, 10)))
	}
	return all
}

func nonces(right string) []variant {
	all := append(spaced(right),
		wrong(rare, "nonce-case", "", strings.ToLower(right)),
		wrong(rare, "nonce-case", "", strings.ToUpper(right)),
		wrong(rare, "nonce-encoded", "", url.QueryEscape(right)),
		wrong(rare, "nonce-encoded", "", url.PathEscape(right)),
		wrong(rare, "nonce-dashes", "", strings.ReplaceAll(right, "-", "")))
	if plain, err := url.QueryUnescape(right); err == nil {
		all = append(all, wrong(rare, "nonce-encoded", "", plain))
	}
	if plain, err := url.PathUnescape(right); err == nil {
		all = append(all, wrong(rare, "nonce-encoded", "", plain))
	}
	if len(right) == 32 { // a UUID, it may be
		uuid := strings.Join([]string{right[:8], right[8:12], right[12:16], right[16:20], right[20:]}, "-")
		all = append(all, wrong(rare, "nonce-dashes", "", uuid))
	}
	return all
}

// spaced is a value with white space at its edges, and without.
func spaced(right string) []variant {
	all := []variant{wrong(rare, "value-spaces", "", strings.TrimSpace(right))}
	for _, end := range []string{"\n", "\r\n", " "} {
		all = append(all, wrong(rare, "value-spaces", "", right+end))
	}
	return append(all, wrong(rare, "value-spaces", "", " "+right))
}

// ended is the join of lines with sep between them and end after the last.
func ended(sep, end string) join {
	return func(text []byte, lines *[5]string) []byte {
		for i, line := range lines {
			if i > 0 {
				text = append(text, sep...)
			}
			text = append(text, line...)
		}
		return append(text, end...)
	}
}

// chosen is the join of the lines with these numbers, each with a line feed.
func chosen(numbers ...int) join {
	return func(text []byte, lines *[5]string) []byte {
		for _, i := range numbers {
			text = append(append(text, lines[i]...), '\n')
		}
		return text
	}
}

// layouts are the ways of putting the lines together, for a request with this body.
func layouts(body string) []variant {
	var all []variant
	add := func(r rank, mistake, detail string, j join) {
		all = append(all, variant{rank: r, join: j, notes: []note{{mistake: mistake, detail: detail}}})
	}
	four := func(text []byte, lines *[5]string) []byte {
		text = chosen(0, 1, 2, 3)(text, lines)
		return text[:len(text)-1]
	}
	add(common, "final-newline-missing", "", ended("\n", ""))
	if body == "" {
		add(common, "body-line-missing", "", four)
	} else {
		add(rare, "body-line-missing", "", four)
		add(rare, "body-line-missing", "", chosen(0, 1, 2, 3))
	}
	add(rare, "leading-newline", "", func(text []byte, lines *[5]string) []byte {
		return ended("\n", "\n")(append(text, '\n'), lines)
	})
	add(common, "crlf", "", ended("\r\n", "\r\n"))
	add(rare, "crlf", "", ended("\r\n", ""))
	add(rare, "crlf", "", ended("\r\n", "\n"))
	add(rare, "crlf", "", ended("\r", "\r"))
	add(common, "literal-backslash-n", "", ended(`\n`, `\n`))
	add(rare, "literal-backslash-n", "", ended(`\n`, ""))
	for _, sep := range []struct{ detail, text string }{
		{"nothing", ""}, {"spaces", " "}, {"commas", ","}, {"ampersands", "&"}, {"bars", "|"},
	} {
		add(rare, "separator-wrong", sep.detail, ended(sep.text, ""))
		add(rare, "separator-wrong", sep.detail, ended(sep.text, sep.text))
		add(rare, "separator-wrong", sep.detail, ended(sep.text, "\n"))
	}
	add(rare, "answer-layout", "", chosen(2, 3, 4))
	for i, name := range lineNames[:4] {
		rest := slices.Delete([]int{0, 1, 2, 3, 4}, i, i+1)
		add(rare, "line-missing", name, chosen(rest...))
	}
	return append(all, orders()...)
}

var lineNames = [5]string{"method", "target", "timestamp", "nonce", "body"}

// orders are the lines in every order but the right one. Two that changed places come first.
func orders() []variant {
	var swaps, others []variant
	for order := range permutations(5) {
		moved := 0
		var names []string
		for i, line := range order {
			if i != line {
				moved++
			}
			names = append(names, lineNames[line])
		}
		v := variant{
			rank: wide, join: chosen(order...),
			notes: []note{{mistake: "lines-reordered", detail: strings.Join(names, ", ")}},
		}
		switch {
		case moved == 2:
			v.rank = rare
			swaps = append(swaps, v)
		case moved > 2:
			others = append(others, v)
		}
	}
	return append(swaps, others...)
}
