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

// walk finds or makes the node of an operation.
func (m *model) walk(op *catalog.Operation, p place) *node {
	rest, ok := strings.CutPrefix(op.Path, m.root.path)
	if !ok || rest != "" && rest[0] != '/' {
		p.errorf("the path does not begin with %s", m.root.path)
		return nil
	}
	n := m.root
	// A slash at the end belongs to the path that is sent, but is no step of its own.
	for segment := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == '/' }) {
		if n = m.child(n, segment, op, p); n == nil {
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
func (m *model) child(n *node, segment string, op *catalog.Operation, p place) *node {
	if i := slices.IndexFunc(n.children, func(c *node) bool { return c.segment == segment }); i >= 0 {
		return n.children[i]
	}
	wire := strings.Trim(segment, "{}")
	c := &node{path: n.path + "/" + segment, segment: segment, step: exported(wire), params: n.params}
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
	i := slices.IndexFunc(op.Request.Path, func(f catalog.Field) bool { return f.Name == wire })
	f := op.Request.Path[i]
	if f.Type != "string" {
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
