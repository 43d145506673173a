package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

// This file makes the tables over all products: the index and the facts.

// indexFile is the part of package v3, or v2, that follows from the catalog.
func indexFile(c *catalog.Catalog, version string) string {
	var p printer
	var imports []string
	for _, product := range c.Products {
		_, segment, _ := strings.Cut(product.Name, "/")
		pkg := packageName(segment)
		imports = append(imports, fmt.Sprintf("%q\n", module+"/"+product.Name))
		p.printf("// %s goes on to %s, %s.\n", exported(segment), roots(product)[0], product.Title)
		p.printf("func (n Root) %s() %s.Root { return %s.New(n.c) }\n\n", exported(segment), pkg, pkg)
	}
	paths := map[string]bool{}
	for _, op := range c.Operations() {
		paths[chained(version, op.Path)] = true
	}
	p.printf("// paths are those of all endpoints.\nvar paths = [...]string{\n")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		p.printf("\t%q,\n", strings.TrimPrefix(path, "/"))
	}
	p.printf("}\n")
	return fmt.Sprintf("%s%s; DO NOT EDIT.\n\npackage %s\n\nimport (\n%s)\n\n%s", header, version, version, strings.Join(imports, ""), p.String())
}

// chained is a path as the chain has it: those of APIv2 have a /v2 in front that is not sent.
func chained(version, path string) string {
	if version == "v2" {
		return "/v2" + path
	}
	return path
}

const usualHost = "api.mch.weixin.qq.com"

// factsFile is the table of package facts: what is exceptional about operations.
func factsFile(c *catalog.Catalog) string {
	var p printer
	p.printf("%sv3; DO NOT EDIT.\n\npackage facts\n\n", header)
	regions := regionsOf(c.Operations())
	p.printf("// regions are the beginnings of paths that have a host of their own.\nvar regions = [...]region{\n")
	for _, prefix := range slices.Sorted(maps.Keys(regions)) {
		p.printf("\t{%q, %q},\n", prefix, regions[prefix])
	}
	p.printf("}\n\n// exceptions are the operations about which something is exceptional, by path and method.\nvar exceptions = [...]exception{\n")
	operations := c.Operations()
	slices.SortFunc(operations, func(a, b *catalog.Operation) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	for _, op := range operations {
		facts := exceptional(op)
		if host := hostIn(regions, op.Path); op.Host != host {
			facts = append([]string{fmt.Sprintf("Host: %q", op.Host)}, facts...)
		}
		if len(facts) > 0 {
			p.printf("\t{%q, %q, Fact{%s}},\n", op.Path, op.Method, strings.Join(facts, ", "))
		}
	}
	p.printf("}\n")
	return p.String()
}

// regionsOf are the shortest beginnings of paths whose operations, two at least, are all sent to one
// host that is not the usual.
func regionsOf(operations []*catalog.Operation) map[string]string {
	regions := map[string]string{}
	for _, op := range operations {
		if op.Host == usualHost {
			continue
		}
		for i, r := range op.Path {
			prefix := op.Path[:i+1]
			if r == '/' && i > 0 && agree(operations, prefix, op.Host) {
				regions[prefix] = op.Host
				break
			}
		}
	}
	return regions
}

// agree tells whether two operations or more have the prefix, and all that do the host.
func agree(operations []*catalog.Operation, prefix, host string) bool {
	n := 0
	for _, op := range operations {
		if strings.HasPrefix(op.Path, prefix) {
			n++
			if op.Host != host {
				return false
			}
		}
	}
	return n > 1
}

// hostIn is the host that the regions give a path.
func hostIn(regions map[string]string, path string) string {
	for prefix, host := range regions {
		if strings.HasPrefix(path, prefix) {
			return host
		}
	}
	return usualHost
}

// exceptional is what is exceptional about an operation but for its host, as fields of a facts.Fact.
func exceptional(op *catalog.Operation) []string {
	var facts []string
	if op.Security.ResponseUnsigned {
		facts = append(facts, "Unsigned: true")
	}
	if op.Security.Scheme == "none" {
		facts = append(facts, "Anonymous: true")
	}
	if header := op.Security.ResponseSignatureOver; header != "" {
		facts = append(facts, fmt.Sprintf("SignedOver: %q", header))
	}
	if op.Repeatable != "" {
		facts = append(facts, "Repeatable: true")
	}
	if body := op.Request.Body; body != nil && body.File != nil {
		facts = append(facts, "Upload: "+uploadFact(body.File))
	}
	return facts
}

// uploadFact is what an operation says about its file, as a facts.Upload.
func uploadFact(f *catalog.File) string {
	var limits []string
	for _, limit := range f.Limits {
		limits = append(limits, fmt.Sprintf("{%#v, %d}", limit.Types, limit.MaxBytes))
	}
	members := fmt.Sprintf("%q, %q, %q, %q", f.Part, f.Name, f.Digest, f.Hash)
	if len(limits) == 0 {
		return "&Upload{" + members + ", nil}"
	}
	return "&Upload{" + members + ", []Limit{" + strings.Join(limits, ", ") + "}}"
}
