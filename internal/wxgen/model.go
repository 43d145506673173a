package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

// model is one product on its way from facts to Go.
type model struct {
	product  *catalog.Product
	v2       bool   // of APIv2
	segment  string // "payscore", "mch-manage"
	pkg      string // "payscore", "mchmanage"
	root     *node
	structs  map[string]*structType
	enums    map[string]*enumType
	events   []*event
	declared map[string]string // every package-level name, and what it is
	shared   map[string]bool   // event types that are of other notifications, too
	inText   int               // how many strings of JSON hold what is being looked at
	errs     []error
}

// place is where in the catalog something stands.
type place struct {
	m    *model
	text string
}

// at is one place deeper.
func (p place) at(inner string) place { return place{p.m, p.text + ": " + inner} }

// errorf says that something is wrong here.
func (p place) errorf(format string, args ...any) {
	p.m.errs = append(p.m.errs, fmt.Errorf("%s: %s", p.text, fmt.Sprintf(format, args...)))
}

// newModel works out everything about a product but how it is written down.
func newModel(product *catalog.Product) (*model, error) {
	_, segment, _ := strings.Cut(product.Name, "/")
	m := &model{
		product:  product,
		v2:       strings.HasPrefix(product.Name, "v2/"),
		segment:  segment,
		pkg:      packageName(segment),
		root:     &node{path: roots(product)[0], typeName: "Root"},
		structs:  map[string]*structType{},
		enums:    map[string]*enumType{},
		declared: map[string]string{"New": "the function New", "Root": "the path /" + product.Name},
	}
	file := place{m, product.Name + ".json"}
	for _, op := range product.Operations {
		m.addOperation(op, file.at(op.ID()))
	}
	m.root.sort(file)
	for _, n := range product.Notifications {
		m.addEvent(n, file.at(strings.Join(n.EventTypes, " ")))
	}
	for _, name := range slices.Sorted(maps.Keys(m.enums)) {
		m.enums[name].declare()
	}
	return m, errors.Join(m.errs...)
}

// roots are what the paths of a product begin with: /v3/<name>, or /<name> where a product is elsewhere,
// or both.
func roots(product *catalog.Product) []string {
	_, segment, _ := strings.Cut(product.Name, "/")
	usual, other := "/"+product.Name, "/"+segment
	found := slices.DeleteFunc([]string{usual, other}, func(root string) bool {
		return !slices.ContainsFunc(product.Operations, func(op *catalog.Operation) bool { return strings.HasPrefix(op.Path+"/", root+"/") })
	})
	if len(found) == 0 {
		return []string{usual} // of a product without operations
	}
	return found
}

// declare takes a name of the package. Of two things with one name none is ever renamed:
// the catalog has to name one of them.
func (m *model) declare(name, what string, p place) {
	if other, taken := m.declared[name]; taken {
		p.errorf("the name %s is taken by %s", name, other)
		return
	}
	m.declared[name] = what
}

func (m *model) addOperation(op *catalog.Operation, p place) {
	n := m.walk(op, p)
	if n == nil {
		return
	}
	if s := op.Security; m.v2 {
		// Each of its operations says how it is signed.
	} else if file := op.Response.Body.Kind == "download"; file != (s.ResponseUnsigned || s.ResponseSignatureOver != "") || !file && s.Scheme == "none" {
		p.at("security").errorf("an answer is a file or signed over its body: nothing else is supported")
	}
	v := &verb{op: op}
	n.verbs = append(n.verbs, v)
	name := cmp.Or(op.Name, m.name(op))
	v.in = m.input(name, op, p)
	if v.in != nil {
		v.in.doc = fmt.Sprintf("is what [%s.%s] takes", n.typeName, v.name())
	}
	v.out = m.output(name, op, p.at("response"))
	if v.out != nil {
		v.out.answers = append(v.out.answers, fmt.Sprintf("[%s.%s]", n.typeName, v.name()))
	}
}

// input is the struct of query and body together, nil if there is neither.
func (m *model) input(name string, op *catalog.Operation, p place) *structType {
	query, headers, body := op.Request.Query, op.Request.Headers, op.Request.Body
	switch {
	case body != nil && body.File != nil:
		return m.upload(name, op, p)
	case m.v2 && body != nil && len(body.Fields) == 0:
		return nil
	case body != nil && len(body.Fields) == 0:
		p.at("request").errorf("a body without fields is not supported")
		return nil
	case body != nil:
		return m.object(shape{name: name + "Request", own: true, role: request, query: query, headers: headers, fields: body.Fields}, p.at("request"))
	case len(query)+len(headers) > 0:
		return m.object(shape{name: name + "Query", own: true, role: request, query: query, headers: headers}, p.at("query"))
	}
	return nil
}

// upload is the struct of what goes with a file, and of the file. Its name and digest are left out:
// the client knows them.
func (m *model) upload(name string, op *catalog.Operation, p place) *structType {
	body := op.Request.Body
	fields := slices.DeleteFunc(slices.Clone(body.Fields), func(f catalog.Field) bool {
		return f.Name == body.File.Name || f.Name == body.File.Digest
	})
	s := m.object(shape{name: name + "Request", own: true, role: request, query: op.Request.Query, headers: op.Request.Headers, fields: fields}, p.at("request"))
	if s.field("File") != nil {
		p.at("request").errorf("a field has the name of the file, File")
	}
	s.file = body.File
	return s
}

// output is the struct of the answer, nil if that is empty.
func (m *model) output(name string, op *catalog.Operation, p place) *structType {
	body := op.Response.Body
	switch {
	case body.Kind == "empty", body.Kind == "download", body.Kind == "redirect":
		return nil
	case m.v2 && len(body.Fields) == 0: // but for what every answer has
		return nil
	case len(body.Fields) == 0:
		p.errorf("an answer without fields is not supported")
		return nil
	case m.v2 && body.Kind == "json":
		m.inText++
		defer func() { m.inText-- }()
	}
	if body.TypeName != "" {
		return m.object(shape{name: body.TypeName, explicit: true, role: answer, fields: body.Fields}, p)
	}
	return m.object(shape{name: name + "Response", own: true, role: answer, fields: body.Fields}, p)
}
