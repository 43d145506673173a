// Package facts tells what is exceptional about an operation, so that the dynamic ways of
// calling know what the typed ones know.
package facts

import (
	"cmp"
	"sort"
	"strings"
	"sync"
)

// Fact is what is exceptional about one operation. Another kind of exception is another
// field here, filled in by internal/wxgen.
type Fact struct {
	Host       string  // where it is sent
	Unsigned   bool    // its answer has no signature
	Anonymous  bool    // its request has none
	SignedOver string  // the header that is signed in place of the body of its answer: {"sha1":"…"}
	Repeatable bool    // the same content again succeeds again, and happens once
	Upload     *Upload // what it says about the file that it takes, nil if it takes none
}

// Upload is what an operation says about the file that it takes. Nobody may change it.
type Upload struct {
	Part   string // the name of its part
	Name   string // the member of meta that is its name
	Digest string // the member of meta that is its digest
	Hash   string // what makes the digest: "SM3"; "" is SHA-256
	Limits []Limit
}

// Limit is how large files of some types may be. Other types are refused.
type Limit struct {
	Types    []string // as names end, without the dot
	MaxBytes int64
}

// usual is what holds for an operation without exceptions, and for one that is unknown.
var usual = Fact{Host: "api.mch.weixin.qq.com"}

// UsualUpload is what most operations that take files say, for one that is unknown.
var UsualUpload = Upload{Part: "file", Name: "filename", Digest: "sha256"}

// exception is one row of the table.
type exception struct {
	path, method string
	fact         Fact
}

// region is where all paths that begin alike are sent to another host, unknown ones too.
type region struct{ prefix, host string }

// Of returns the facts of the operation with this method and path, whose parameters stand in braces or are
// filled in, and its path as the documents print it: "" if nothing is exceptional about it.
func Of(method, path string) (fact Fact, template string) {
	bare := strings.TrimSuffix(path, "/")
	i, found := sort.Find(len(exceptions), func(i int) int { // which copies none, as package slices does
		e := &exceptions[i]
		return cmp.Or(strings.Compare(bare, e.path), strings.Compare(method, e.method))
	})
	if !found && !strings.Contains(bare, "{") {
		for _, i = range parametric() {
			if found = exceptions[i].method == method && fits(exceptions[i].path, bare); found {
				break
			}
		}
	}
	if found {
		fact, template = exceptions[i].fact, exceptions[i].path
	}
	for _, r := range regions {
		if fact.Host == "" && strings.HasPrefix(path, r.prefix) {
			fact.Host = r.host
		}
	}
	fact.Host = cmp.Or(fact.Host, usual.Host)
	return fact, template
}

// parametric are the exceptions whose paths have parameters, by their places.
var parametric = sync.OnceValue(func() (places []int) {
	for i, e := range exceptions {
		if strings.Contains(e.path, "{") {
			places = append(places, i)
		}
	}
	return places
})

// fits tells whether path is template with its parameters filled in.
func fits(template, path string) bool {
	if before, _, _ := strings.Cut(template, "{"); !strings.HasPrefix(path, before) {
		return false // at little cost, as nearly always
	}
	for more := true; more; {
		var want, segment string
		var left bool
		want, template, more = strings.Cut(template, "/")
		segment, path, left = strings.Cut(path, "/")
		if more != left || segment != want && (segment == "" || !strings.HasPrefix(want, "{")) {
			return false
		}
	}
	return true
}
