package doctor

import (
	"cmp"
	"slices"
	"strings"
)

// form is how JSON is written. The zero value is compact and leaves the rest as it was.
type form struct {
	spacing  spacing
	sorted   bool
	dropNull bool
	number   func(raw string) string // nil keeps it

	wide, html, slash escaping // of characters outside ASCII, of those of HTML, of slashes
}

// spacing is the white space between the tokens of JSON.
type spacing struct {
	colon, comma string
	newline      string // before each item
	indent       string // after it, for each level
	inEmpty      string // between the brackets of nothing
}

// append writes v at this depth of nesting.
func (f form) append(text []byte, v value, depth int) []byte {
	switch v.kind {
	case '{', '[':
		return f.appendGroup(text, v, depth)
	case '"':
		return f.appendString(text, v.raw)
	case '0':
		if f.number != nil {
			return append(text, f.number(v.raw)...)
		}
	}
	return append(text, v.raw...)
}

func (f form) appendGroup(text []byte, v value, depth int) []byte {
	text = append(text, v.kind)
	written := 0
	for _, i := range f.order(v) {
		if written > 0 {
			text = append(text, cmp.Or(f.spacing.comma, ",")...)
		}
		text = f.appendBreak(text, depth+1)
		if v.kind == '{' {
			text = f.appendString(text, v.names[i])
			text = append(text, cmp.Or(f.spacing.colon, ":")...)
		}
		text = f.append(text, v.items[i], depth+1)
		written++
	}
	if written > 0 {
		text = f.appendBreak(text, depth)
	} else {
		text = append(text, f.spacing.inEmpty...)
	}
	return append(text, v.kind+2)
}

func (f form) appendBreak(text []byte, depth int) []byte {
	if f.spacing.newline == "" {
		return text
	}
	text = append(text, f.spacing.newline...)
	for range depth {
		text = append(text, f.spacing.indent...)
	}
	return text
}

// order are the numbers of the items of v that are written, in their order.
func (f form) order(v value) []int {
	order := make([]int, 0, len(v.items))
	for i, item := range v.items {
		if !(f.dropNull && v.kind == '{' && item.raw == "null") {
			order = append(order, i)
		}
	}
	if f.sorted && v.kind == '{' {
		slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(v.names[a], v.names[b]) })
	}
	return order
}
