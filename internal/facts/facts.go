// Package facts tells what is exceptional about an operation, so that the dynamic ways of
// calling know what the typed ones know.
package facts

import (
	"cmp"
	"slices"
)

// Fact is what is exceptional about one operation. Another kind of exception is another
// field here, filled in by internal/wxgen.
type Fact struct {
	Host       string // where it is sent
	Repeatable bool   // the same content again succeeds again, and happens once
}

// usual is what holds for an operation without exceptions, and for one that is unknown.
var usual = Fact{Host: "api.mch.weixin.qq.com"}

// exception is one row of the table.
type exception struct {
	path, method string
	fact         Fact
}

// Of returns the facts of the operation with this method and path, parameters in braces.
func Of(method, path string) Fact {
	i, found := slices.BinarySearchFunc(exceptions[:], exception{path: path, method: method}, func(a, b exception) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	if !found {
		return usual
	}
	fact := exceptions[i].fact
	fact.Host = cmp.Or(fact.Host, usual.Host)
	return fact
}
