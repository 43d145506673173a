// Package shape answers operations that the simulator has no rules of: in the shape that the catalog
// documents, with values that go with what was sent. It keeps nothing, and the same call is answered
// alike, on the same day.
//
// A member of the answer that the request has too says the same. What is derived comes from the
// merchant's own number, so that one order has one transaction_id, whichever operation is asked.
package shape

import (
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Shape answers calls.
type Shape struct {
	World *world.World
	Clock *clock.Clock // its business time dates what is answered
}

// Answer is the answer to c, as a handler of the front returns it.
func (s *Shape) Answer(c *front.Call) (any, error) {
	switch body := c.Op.Response.Body; body.Kind {
	case "empty":
		return nil, nil
	case "download":
		return download(c.Op, options(c))
	case "redirect":
		return redirect(c), nil
	default:
		a := &answer{c: c, world: s.World, today: today(s.Clock.Business()), sent: read(c), numbers: map[string]string{}}
		return a.object(body.Fields, c.Body(), 0), nil
	}
}

// answer is one answer while it is made.
type answer struct {
	c     *front.Call
	world *world.World
	today day
	sent  *sent

	numbers map[string]string // what own found, by stem
}

// object is an object with these fields. Its counterpart in the request, if there is one, is the first
// to be asked for its members.
func (a *answer) object(fields []catalog.Field, counterpart map[string]any, depth int) map[string]any {
	object := map[string]any{}
	for i := range fields {
		if value := a.member(&fields[i], counterpart, depth); value != nil {
			object[fields[i].Name] = value
		}
	}
	a.link(fields, object)
	return object
}

// member is a member of an object, nil if it stays out: nobody knows what is in a free one.
func (a *answer) member(f *catalog.Field, counterpart map[string]any, depth int) any {
	base, isList := strings.CutSuffix(f.Type, "[]")
	switch {
	case base == "object" && isList:
		return a.list(f, a.sent.list(f.Name, counterpart, depth), depth)
	case base == "object":
		return a.inner(f, a.sent.object(f.Name, counterpart, depth), depth)
	}
	if value, ok := a.sent.echo(f, counterpart, depth); ok {
		return value
	}
	if !isList {
		return a.value(f)
	}
	one := *f
	one.Type = base
	if name, index, isIndexed := strings.Cut(f.Name, "_$"); isIndexed { // of APIv2: _$n or _$n_$m
		one.Name = name
		if strings.Contains(index, "$") {
			return []any{[]any{a.value(&one)}}
		}
		return []any{a.value(&one)}
	}
	return slices.Repeat([]any{a.value(&one)}, max(f.MinItems, 1))
}

func (a *answer) inner(f *catalog.Field, counterpart map[string]any, depth int) any {
	switch {
	case len(f.Fields) > 0:
		return a.object(f.Fields, counterpart, depth+1)
	case counterpart != nil && a.sent.afford(counterpart):
		return counterpart
	case f.Required:
		return map[string]any{}
	}
	return nil
}

// list is a list of objects: one for each that the request has under this name, else one.
func (a *answer) list(f *catalog.Field, counterparts []any, depth int) []any {
	n := max(len(counterparts), f.MinItems, 1)
	if f.MaxItems > 0 {
		n = min(n, f.MaxItems)
	}
	list := make([]any, n)
	for i := range list {
		var own map[string]any
		if i < len(counterparts) {
			own, _ = counterparts[i].(map[string]any)
		}
		list[i] = a.object(f.Fields, own, depth+1)
	}
	return list
}
