package shape

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
)

// sent is what a request says, by name: first path and query, then the body.
type sent struct {
	byName map[string][]said
	size   int // of the body, in bytes
	left   int // of the budget
}

// A large request would make an enormous answer if each member of a name said all of it again. So the
// bytes of texts, and the items of lists, are taken from a budget.
const (
	budget  = 4 << 20
	perItem = 4 << 10
)

// said is one value of a request.
type said struct {
	depth int // 0 at the top
	value any
}

func read(c *front.Call) *sent {
	s := &sent{map[string][]said{}, len(c.Canonical()), budget}
	for name, text := range c.Texts() {
		if text != "" {
			s.add(name, 0, text)
		}
	}
	s.walk(c.Body(), 0)
	return s
}

func (s *sent) add(name string, depth int, value any) {
	s.byName[name] = append(s.byName[name], said{depth, value})
}

// walk adds the members of an object, and of those in it. Of a list of objects only the first stands
// for it.
func (s *sent) walk(object map[string]any, depth int) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value := object[name]
		s.add(name, depth, value)
		if list, ok := value.([]any); ok && len(list) > 0 {
			value = list[0]
		}
		if inner, ok := value.(map[string]any); ok {
			s.walk(inner, depth+1)
		}
	}
}

// find looks for what fits: in the counterpart, then as deep in the request, then anywhere in it.
func (s *sent) find(name string, counterpart map[string]any, depth int, fits func(value any) bool) {
	if value, ok := counterpart[name]; ok && fits(value) {
		return
	}
	for _, said := range s.byName[name] {
		if said.depth == depth && fits(said.value) {
			return
		}
	}
	for _, said := range s.byName[name] {
		if said.depth != depth && fits(said.value) {
			return
		}
	}
}

// afford takes the cost of a value from the budget, if that has it. Of a list or an object it is that of
// the body, which is as large at least.
func (s *sent) afford(value any) bool {
	cost := 0
	switch value := value.(type) {
	case string:
		cost = len(value)
	case []any, map[string]any:
		cost = s.size
	}
	if cost > s.left {
		return false
	}
	s.left -= cost
	return true
}

// maxPlain is how many bytes can be encrypted with a key of 2048 bits.
const maxPlain = 214

// echo is the value that the request has under the name of f, if f may have it.
func (s *sent) echo(f *catalog.Field, counterpart map[string]any, depth int) (found any, ok bool) {
	s.find(f.Name, counterpart, depth, func(value any) bool {
		value = converted(f, value)
		text, isText := value.(string)
		if f.Encrypted != "" && isText && len(text) > maxPlain || isText && text == "" || !s.afford(value) || !mapping.Fits(f, value) {
			return false
		}
		found, ok = value, true
		return true
	})
	return found, ok
}

// converted is the text of a path or a query as the type of f.
func converted(f *catalog.Field, value any) any {
	text, ok := value.(string)
	switch {
	case !ok:
	case (f.Type == "integer" || f.Type == "number") && text != "" && strings.Trim(text, "0123456789") == "" && (text == "0" || text[0] != '0'):
		return json.Number(text)
	case f.Type == "boolean" && (text == "true" || text == "false"):
		return text == "true"
	}
	return value
}

// object is the request's object of this name, nil if there is none.
func (s *sent) object(name string, counterpart map[string]any, depth int) (found map[string]any) {
	s.find(name, counterpart, depth, func(value any) (ok bool) {
		found, ok = value.(map[string]any)
		return ok
	})
	return found
}

// list is the request's list of this name, or what the budget has for it; nil if there is none.
func (s *sent) list(name string, counterpart map[string]any, depth int) (found []any) {
	s.find(name, counterpart, depth, func(value any) (ok bool) {
		found, ok = value.([]any)
		return ok
	})
	found = found[:min(len(found), s.left/perItem)]
	s.left -= len(found) * perItem
	return found
}
