package doctor

import (
	"encoding/json"
	"strings"
)

// value is a value of JSON that keeps how its strings and numbers were written.
type value struct {
	kind  byte // { [ " 0, or the first letter of true, false and null
	raw   string
	names []string // of the members of an object, as they were written
	items []value
}

// maxDepth is the deepest nesting that is looked at.
const maxDepth = 64

// parse reads JSON.
func parse(text string) (value, bool) {
	if !json.Valid([]byte(text)) {
		return value{}, false
	}
	p := parser{text}
	v, ok := p.value(0)
	return v, ok
}

// parser reads text that is known to be valid.
type parser struct{ rest string }

func (p *parser) value(depth int) (value, bool) {
	switch c := p.next(); c {
	case '{', '[':
		return p.group(c, depth)
	case '"':
		return value{kind: c, raw: p.str()}, true
	case 't', 'f', 'n':
		return value{kind: c, raw: p.token()}, true
	default:
		return value{kind: '0', raw: p.token()}, true
	}
}

func (p *parser) group(kind byte, depth int) (value, bool) {
	v := value{kind: kind}
	if depth == maxDepth {
		return v, false
	}
	closing := kind + 2 // of { and of [ alike
	p.rest = p.rest[1:]
	for p.next() != closing {
		if kind == '{' {
			v.names = append(v.names, p.str())
			p.next()
			p.rest = p.rest[1:] // the colon
		}
		item, ok := p.value(depth + 1)
		if !ok {
			return v, false
		}
		v.items = append(v.items, item)
		if p.next() == ',' {
			p.rest = p.rest[1:]
		}
	}
	p.rest = p.rest[1:]
	return v, true
}

// next skips white space and returns what follows.
func (p *parser) next() byte {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	return p.rest[0]
}

// str cuts a string off, with its quotes.
func (p *parser) str() string {
	end := 1
	for p.rest[end] != '"' {
		if p.rest[end] == '\\' {
			end++
		}
		end++
	}
	return p.cut(end + 1)
}

// token cuts off a number or a word.
func (p *parser) token() string {
	end := strings.IndexAny(p.rest, ",]} \t\r\n")
	if end < 0 {
		end = len(p.rest)
	}
	return p.cut(end)
}

func (p *parser) cut(end int) string {
	token := p.rest[:end]
	p.rest = p.rest[end:]
	return token
}
