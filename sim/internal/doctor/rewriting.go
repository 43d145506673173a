package doctor

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// change is one decision of whoever marshals.
type change struct {
	detail string
	apply  func(*form)
}

// spacings are the white space of the usual libraries.
var spacings = []struct {
	detail string
	spacing
}{
	{"no white space", spacing{}},
	{"spaces after : and ,", spacing{colon: ": ", comma: ", "}},
	{"spaces after :", spacing{colon: ": "}},
	{"spaces after ,", spacing{comma: ", "}},
	{"an indent of two", spacing{colon: ": ", newline: "\n", indent: "  "}},
	{"an indent of four", spacing{colon: ": ", newline: "\n", indent: "    "}},
	{"tabs as indent", spacing{colon: ": ", newline: "\n", indent: "\t"}},
	{"an indent of two and spaces around :", spacing{colon: " : ", newline: "\n", indent: "  ", inEmpty: " "}},
	{"an indent of two and line breaks of Windows", spacing{colon: ": ", newline: "\r\n", indent: "  "}},
	{"an indent of four and line breaks of Windows", spacing{colon: ": ", newline: "\r\n", indent: "    "}},
}

// changes are all decisions but that about white space. Of each list one is taken, or none.
var changes = [][]change{
	{{"sorted members", func(f *form) { f.sorted = true }}},
	{
		{"Chinese and other characters as they are", func(f *form) { f.wide = bare }},
		{`Chinese and other characters as \uXXXX`, func(f *form) { f.wide = escaped }},
		{`Chinese and other characters as \uXXXX in upper case`, func(f *form) { f.wide = escapedUpper }},
	},
	{
		{"<, > and & as they are", func(f *form) { f.html = bare }},
		{`<, > and & as \u003c, \u003e and \u0026`, func(f *form) { f.html = escaped }},
		{`<, > and & as \u003C, \u003E and \u0026`, func(f *form) { f.html = escapedUpper }},
	},
	{
		{"slashes as they are", func(f *form) { f.slash = bare }},
		{`slashes as \/`, func(f *form) { f.slash = escaped }},
	},
	{
		{"numbers in their shortest form", func(f *form) { f.number = shortest }},
		{"whole numbers with .0", func(f *form) { f.number = decimal }},
		{"numbers as strings", func(f *form) { f.number = strconv.Quote }},
	},
	{{"members that are null left out", func(f *form) { f.dropNull = true }}},
}

func shortest(raw string) string {
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return raw
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func decimal(raw string) string {
	if strings.ContainsAny(raw, ".eE") {
		return raw
	}
	return raw + ".0"
}

// What rewriting a body may cost.
const (
	maxRewritten = 16 << 20 // bytes
	often        = 2        // more decisions than these are tried with no other mistake
	most         = 4        // decisions at once
)

// rewritings are the results of marshalling text otherwise, those of the fewest decisions first.
func rewritings(text string) []variant {
	v, ok := parse(text)
	if !ok {
		return nil
	}
	type style struct {
		form
		details []string
	}
	var styles []style
	base := spacingOf(text, v)
	for i, s := range spacings {
		var details []string
		if i != base {
			details = []string{s.detail}
		}
		styles = append(styles, style{form{spacing: s.spacing}, details})
	}
	for _, list := range effective(changes, v) {
		for _, s := range styles {
			if len(s.details) == most {
				continue
			}
			for _, c := range list {
				next := style{s.form, append(slices.Clone(s.details), c.detail)}
				c.apply(&next.form)
				styles = append(styles, next)
			}
		}
	}
	slices.SortStableFunc(styles, func(a, b style) int { return cmp.Compare(len(a.details), len(b.details)) })
	all := make([]variant, 0, len(styles))
	for size := 0; len(styles) > 0 && size < maxRewritten; styles = styles[1:] {
		s := styles[0]
		rank := rare
		switch {
		case len(s.details) <= 1:
			rank = common
		case len(s.details) > often:
			rank = wide
		}
		result := string(s.append(nil, v, 0))
		size += len(result)
		all = append(all, wrong(rank, "body-remarshalled", strings.Join(s.details, ", "), result))
	}
	return append(all, shuffled(v, base)...)
}

// spacingOf is the number of the white space that text is written with, -1 if it is none of them.
func spacingOf(text string, v value) int {
	for i, s := range spacings {
		if string(form{spacing: s.spacing}.append(nil, v, 0)) == text {
			return i
		}
	}
	return -1
}

// effective are the changes that make a difference to v.
func effective(changes [][]change, v value) [][]change {
	plain := string(form{}.append(nil, v, 0))
	var all [][]change
	for _, list := range changes {
		var kept []change
		for _, c := range list {
			var f form
			c.apply(&f)
			if string(f.append(nil, v, 0)) != plain {
				kept = append(kept, c)
			}
		}
		all = append(all, kept)
	}
	return all
}

// shuffled are the members of an object in every order, if there are few.
func shuffled(v value, base int) []variant {
	if v.kind != '{' || len(v.items) > maxPermuted {
		return nil
	}
	f := form{spacing: spacings[max(base, 0)].spacing}
	var all []variant
	for order := range permutations(len(v.items)) {
		other := value{kind: v.kind}
		for _, i := range order {
			other.names, other.items = append(other.names, v.names[i]), append(other.items, v.items[i])
		}
		all = append(all, wrong(wide, "body-remarshalled", "its members in another order", string(f.append(nil, other, 0))))
	}
	return all
}
