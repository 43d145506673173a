package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

// node is one step of the chain: a path, whether or not it can be called.
type node struct {
	path     string // "/v3/payscore/partner"
	segment  string // "partner" or "{out_order_no}"
	step     string // the method that leads here: "Partner", "OutOrderNo"
	typeName string // "Partner", "PartnerServiceorderOutOrderNo"; "Root" at the root
	label    string // of a parameter
	integer  bool   // of a parameter
	params   []string
	children []*node
	verbs    []*verb
}

func (n *node) isParam() bool { return strings.HasPrefix(n.segment, "{") }

// verb is one operation: a method of its node.
type verb struct {
	op  *catalog.Operation
	in  *structType // nil if it takes nothing but the path
	out *structType // nil if the answer has no body
}

// name is Get, Post, Put, Patch or Delete.
func (v *verb) name() string { return capital(strings.ToLower(v.op.Method)) }

// methods are in the order in which a node has its verbs.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// steps are the segments of a path behind the product's. Of an overseas path such as /hk/v3/refunds
// all are, and v3 is one of them.
func (m *model) steps(path string) (product string, segments []string, ok bool) {
	for _, product = range []string{"/" + m.product.Name, "/" + m.segment} {
		rest, found := strings.CutPrefix(path, product)
		if found && (rest == "" || rest[0] == '/') {
			// A slash at the end belongs to the path that is sent, but is no step of its own.
			return product, strings.FieldsFunc(rest, func(r rune) bool { return r == '/' }), true
		}
	}
	return "", nil, false
}

// walk finds or makes the node of an operation.
func (m *model) walk(op *catalog.Operation, p place) *node {
	path, segments, ok := m.steps(op.Path)
	if !ok {
		p.errorf("the path does not begin with /%s", m.product.Name)
		return nil
	}
	n := m.root
	for _, segment := range segments {
		path += "/" + segment
		if n = m.child(n, segment, path, op, p); n == nil {
			return nil
		}
	}
	if slices.ContainsFunc(n.verbs, func(v *verb) bool { return v.op.Method == op.Method }) {
		p.errorf("%s has the method %s twice", n.path, op.Method)
		return nil
	}
	return n
}

// child finds or makes the node that is one segment further.
func (m *model) child(n *node, segment, path string, op *catalog.Operation, p place) *node {
	wire := strings.Trim(segment, "{}")
	if i := slices.IndexFunc(n.children, func(c *node) bool { return c.segment == segment }); i >= 0 {
		if c := n.children[i]; c.isParam() && c.integer != isInteger(parameter(op, wire)) {
			p.at("path").at(wire).errorf("it is a string here and an integer in another operation, or the other way round")
		}
		return n.children[i]
	}
	c := &node{path: path, segment: segment, step: exported(wire), params: n.params}
	if named := m.product.Steps[path]; named != "" {
		c.step = named
	}
	if c.step == "" {
		p.errorf("the segment %q gives no Go name", segment)
		return nil
	}
	for _, other := range n.children {
		if other.step == c.step {
			p.errorf("the segments %q and %q are both the step %s", other.segment, segment, c.step)
		}
	}
	c.typeName = c.step
	if n != m.root {
		c.typeName = n.typeName + c.step
	}
	m.declare(c.typeName, "the path "+c.path, p)
	if c.isParam() && !c.addParam(wire, op, p.at("path").at(wire)) {
		return nil
	}
	n.children = append(n.children, c)
	return c
}

// addParam makes n the node of a parameter, which its type keeps in a field.
func (n *node) addParam(wire string, op *catalog.Operation, p place) bool {
	f := parameter(op, wire)
	n.integer = isInteger(f)
	if f.Type != "string" && !n.integer {
		p.errorf("a parameter of the type %s is not supported", f.Type)
	}
	name := local(wire)
	if name == "" || name == "c" || name == "n" || slices.Contains(n.params, name) {
		p.errorf("the parameter gives no Go name of its own")
		return false
	}
	n.label = f.Label
	n.params = append(slices.Clip(n.params), name)
	return true
}

// parameter is what an operation says about a parameter of its path.
func parameter(op *catalog.Operation, wire string) catalog.Field {
	return op.Request.Path[slices.IndexFunc(op.Request.Path, func(f catalog.Field) bool { return f.Name == wire })]
}

func isInteger(f catalog.Field) bool {
	return f.Type == "integer" || f.Type == "number" && f.Integral
}

// sort puts the tree into the order in which it is written.
func (n *node) sort(p place) {
	slices.SortFunc(n.children, func(a, b *node) int { return strings.Compare(a.step, b.step) })
	slices.SortFunc(n.verbs, func(a, b *verb) int {
		return cmp.Compare(slices.Index(methods, a.op.Method), slices.Index(methods, b.op.Method))
	})
	for _, c := range n.children {
		if slices.ContainsFunc(n.verbs, func(v *verb) bool { return v.name() == c.step }) {
			p.at(c.path).errorf("the step %s has the name of a verb of %s", c.step, n.path)
		}
		c.sort(p)
	}
}

// operations is the number of operations at n and below.
func (n *node) operations() int {
	sum := len(n.verbs)
	for _, c := range n.children {
		sum += c.operations()
	}
	return sum
}

// name is the name of an operation that the catalog does not name: its method, and the steps of its
// path without the parameters. What stands before one is a singular: GET /stocks/{stock_id} is GetStock.
func (m *model) name(op *catalog.Operation) string {
	_, segments, _ := m.steps(op.Path)
	var name strings.Builder
	for i, segment := range segments {
		if segment[0] == '{' || segment == "v3" {
			continue
		}
		step := exported(segment)
		if i+1 < len(segments) && segments[i+1][0] == '{' && !says(segment, segments[i+1]) {
			step = singular(step)
		}
		name.WriteString(step)
	}
	verb := capital(strings.ToLower(op.Method))
	if name.Len() == 0 {
		return verb + exported(m.segment)
	}
	return verb + name.String()
}

// says tells whether a segment only says what the parameter behind it is: out-trade-no before
// {out_trade_no}.
func says(segment, param string) bool {
	segment, param = strings.ReplaceAll(segment, "-", "_"), strings.Trim(param, "{}")
	return segment == param || strings.HasSuffix(param, "_"+segment)
}
