package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/catalog"
)

// kind is what a change means for those who call WeChat Pay. What it means for Go code is told by
// tools/apichanges.sh.
type kind int

const (
	added kind = iota
	breaks
	deprecates
	changed
)

var headings = [...]string{added: "Added", breaks: "Breaks", deprecates: "Deprecates", changed: "Also changed"}

// changes are lines, by kind.
type changes [len(headings)][]string

func (c *changes) add(k kind, place, format string, args ...any) {
	c[k] = append(c[k], place+": "+fmt.Sprintf(format, args...))
}

func (c *changes) print(w io.Writer) {
	gap := ""
	for k, lines := range c {
		if len(lines) > 0 {
			fmt.Fprintf(w, "%s%s\n  %s\n", gap, headings[k], strings.Join(lines, "\n  "))
			gap = "\n"
		}
	}
}

// diffDirs prints what has changed from the catalog of one directory to that of another.
func diffDirs(from, to string, w io.Writer) error {
	old, err := readLoosely(from)
	if err != nil {
		return err
	}
	now, err := readLoosely(to)
	if err != nil {
		return err
	}
	diff(old, now).print(w)
	return nil
}

// readLoosely reads the catalog of a directory, or of a checkout. It checks nothing, for that of an
// old revision was right by the rules of its time.
func readLoosely(dir string) (*catalog.Catalog, error) {
	if dir == "." {
		root, err := moduleRoot()
		if err != nil {
			return nil, err
		}
		dir = root
	}
	names, err := filepath.Glob(filepath.Join(dir, "catalog/v3/*.json"))
	if len(names) == 0 && err == nil {
		names, err = filepath.Glob(filepath.Join(dir, "v3/*.json"))
	}
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no catalog/v3/*.json and no v3/*.json: %w", dir, fs.ErrNotExist)
	}
	c := new(catalog.Catalog)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p := new(catalog.Product)
		if err := json.Unmarshal(text, p); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.Products = append(c.Products, p)
	}
	return c, nil
}

// diff tells what has changed. Labels, official pages, decisions and presets are not compared: neither
// WeChat Pay nor a program goes by them.
func diff(old, now *catalog.Catalog) *changes {
	c := new(changes)
	match(old.Operations(), now.Operations(), (*catalog.Operation).ID, c.operation,
		func(op *catalog.Operation) { c.add(breaks, op.ID(), "is gone") },
		func(op *catalog.Operation) { c.add(added, op.ID(), "%s", op.Title) })
	match(old.Notifications(), now.Notifications(), eventType, c.notification,
		func(n *catalog.Notification) { c.add(breaks, eventType(n), "is gone") },
		func(n *catalog.Notification) { c.add(added, eventType(n), "%s", n.Title) })
	return c
}

// match calls both for what has the same key in both lists, and gone and fresh for what is in one only.
func match[T any](old, now []T, key func(T) string, both func(T, T), gone, fresh func(T)) {
	in := func(list []T, k string) int {
		return slices.IndexFunc(list, func(v T) bool { return key(v) == k })
	}
	for _, v := range old {
		if i := in(now, key(v)); i >= 0 {
			both(v, now[i])
		} else {
			gone(v)
		}
	}
	for _, v := range now {
		if in(old, key(v)) < 0 {
			fresh(v)
		}
	}
}

// eventType names a notification. Old catalogs wrote it otherwise.
func eventType(n *catalog.Notification) string {
	if len(n.EventTypes) == 0 {
		return n.Title
	}
	return n.EventTypes[0]
}

func (c *changes) operation(old, now *catalog.Operation) {
	at := old.ID()
	c.value(breaks, at, "host", old.Host, now.Host)
	c.lifecycle(at, old.Lifecycle, now.Lifecycle)
	c.value(changed, at, "name", old.Name, now.Name)
	c.value(changed, at, "modes", old.Modes, now.Modes)
	c.value(changed, at, "repeatable", old.Repeatable != "", now.Repeatable != "")
	c.value(changed, at, "security", saysOf(old.Security), saysOf(now.Security))
	c.value(changed, at, "status", old.Response.Status, now.Response.Status)
	c.fields(at+": path", true, old.Request.Path, now.Request.Path)
	c.fields(at+": query", true, old.Request.Query, now.Request.Query)
	c.fields(at+": headers", true, old.Request.Headers, now.Request.Headers)
	c.body(at+": request", true, old.Request.Body, now.Request.Body)
	c.body(at+": response", false, old.Response.Body, now.Response.Body)
}

// saysOf is what a struct of facts says, without what it leaves out.
func saysOf(facts any) string {
	var says []string
	for f, v := range reflect.ValueOf(facts).Fields() {
		if !v.IsZero() {
			says = append(says, fmt.Sprintf("%s %v", f.Tag.Get("json"), v))
		}
	}
	return cmp.Or(strings.Join(says, ", "), "usual")
}

// body compares two bodies, which are nil where there are none.
func (c *changes) body(at string, sent bool, old, now *catalog.Body) {
	empty := &catalog.Body{Kind: "empty"}
	old, now = cmp.Or(old, empty), cmp.Or(now, empty)
	if old.Kind != now.Kind {
		c.value(breaks, at, "body", old.Kind, now.Kind)
		return // what is in it says no more
	}
	c.value(tightened(sent && now.Required), at, "required", old.Required, now.Required)
	c.fields(at, sent, old.Fields, now.Fields)
	if old.File != nil && now.File != nil {
		c.file(at+": file", old.File, now.File)
	}
}

func (c *changes) file(at string, old, now *catalog.File) {
	c.value(breaks, at, "part", old.Part, now.Part)
	c.value(breaks, at, "digest", old.Digest, now.Digest)
	c.value(breaks, at, "hash", old.Hash, now.Hash)
	before, after := sizes(old), sizes(now)
	tighter := len(after) > 0 && len(before) == 0
	for end, size := range before {
		tighter = tighter || len(after) > 0 && after[end] < size
	}
	c.value(tightened(tighter), at, "max_bytes", before, after)
}

// sizes are how large files of each type may be. Where none is documented, any may be sent.
func sizes(f *catalog.File) map[string]int64 {
	m := map[string]int64{}
	for _, limit := range f.Limits {
		for _, end := range limit.Types {
			m[end] = limit.MaxBytes
		}
	}
	return m
}

func (c *changes) notification(old, now *catalog.Notification) {
	at := eventType(old)
	match(old.EventTypes, now.EventTypes, strings.Clone, func(_, _ string) {},
		func(event string) { c.add(breaks, at, "no longer arrives as %s", event) },
		func(event string) { c.add(added, at, "arrives as %s too", event) })
	c.value(changed, at, "name", old.Name, now.Name)
	c.fields(at+": resource", false, old.Resource.Fields, now.Resource.Fields)
	c.answer(at+": answer", old.Answer, now.Answer)
}

// answer compares what a notification is answered with. Who only acknowledged it fails when it begins to
// ask something, and who answered has nobody left to answer when it no longer does.
func (c *changes) answer(at string, old, now *catalog.Answer) {
	if old == nil || now == nil {
		c.value(breaks, at, "wanted", old != nil, now != nil)
		return
	}
	before, _ := time.ParseDuration(old.Within)
	after, _ := time.ParseDuration(now.Within)
	c.value(tightened(after < before), at, "within", old.Within, now.Within)
	c.value(tightened(now.Signed), at, "signed", old.Signed, now.Signed)
	c.fields(at, true, old.Fields, now.Fields)
}

// value reports what differs, if it does.
func (c *changes) value(k kind, place, what string, old, now any) {
	if before, after := show(old), show(now); before != after {
		c.add(k, place, "%s is %s, was %s", what, after, before)
	}
}

// show is a value as the lines have it.
func show(v any) string {
	text, ok := v.(string)
	if !ok {
		text = strings.Trim(strings.TrimPrefix(fmt.Sprintf("%+v", v), "map"), "[]")
	}
	return cmp.Or(text, "nothing")
}

func (c *changes) lifecycle(at string, old, now *catalog.Lifecycle) {
	k := deprecates
	if now == nil || now.Status == "beta" {
		k = changed
	}
	c.value(k, at, "lifecycle", strings.TrimPrefix(mark(old), " — "), strings.TrimPrefix(mark(now), " — "))
}

func (c *changes) fields(place string, sent bool, old, now []catalog.Field) {
	match(old, now, func(f catalog.Field) string { return f.Name }, func(f, g catalog.Field) {
		c.field(place+": "+f.Name, sent, f, g)
	}, func(f catalog.Field) {
		c.add(breaks, place+": "+f.Name, "is gone")
	}, func(f catalog.Field) {
		if sent && f.Required {
			c.add(breaks, place+": "+f.Name, "is new and required")
			return
		}
		c.add(added, place+": "+f.Name, "%s", show(f.Label))
	})
}

func (c *changes) field(at string, sent bool, old, now catalog.Field) {
	c.value(breaks, at, "type", old.Type, now.Type)
	c.value(breaks, at, "encoding", old.Encoded, now.Encoded)
	c.value(breaks, at, "key of its encryption", old.Encrypted, now.Encrypted)
	c.value(breaks, at, "unit", old.Unit, now.Unit)
	c.value(breaks, at, "integral", old.Integral, now.Integral)
	c.value(changed, at, "default", old.Default, now.Default)
	c.value(changed, at, "type_name", old.TypeName, now.TypeName)
	c.value(tightened(sent && now.Required), at, "required", old.Required, now.Required)
	c.value(tightened(sent && now.Format != ""), at, "format", old.Format, now.Format)
	c.value(tightened(sent && now.Pattern != ""), at, "pattern", old.Pattern, now.Pattern)
	c.enum(at, sent, old.Enum, now.Enum)
	c.limits(at, sent, old, now)
	c.fields(at, sent, old.Fields, now.Fields)
}

// tightened is what a change of what may be sent means.
func tightened(yes bool) kind {
	if yes {
		return breaks
	}
	return changed
}

// enum reports changed values. Where there were none before, all others are refused now.
func (c *changes) enum(at string, sent bool, old, now []string) {
	if len(old) == 0 && len(now) > 0 {
		c.add(tightened(sent), at, "only %s are documented", strings.Join(now, " "))
		return
	}
	match(old, now, strings.Clone, func(_, _ string) {},
		func(value string) { c.add(breaks, at, "the value %s is gone", value) },
		func(value string) { c.add(added, at, "the value %s", value) })
}

// limits reports changed limits. What is not limited has zero or nil.
func (c *changes) limits(at string, sent bool, old, now catalog.Field) {
	bound := func(n int) *int64 {
		if n == 0 {
			return nil
		}
		return new(int64(n))
	}
	for _, l := range []struct {
		name     string
		old, now *int64
		sign     int64 // of what is tighter
	}{
		{"min_length", bound(old.MinLength), bound(now.MinLength), +1},
		{"max_length", bound(old.MaxLength), bound(now.MaxLength), -1},
		{"minimum", old.Minimum, now.Minimum, +1},
		{"maximum", old.Maximum, now.Maximum, -1},
		{"min_items", bound(old.MinItems), bound(now.MinItems), +1},
		{"max_items", bound(old.MaxItems), bound(now.MaxItems), -1},
	} {
		tighter := l.now != nil && (l.old == nil || l.sign**l.now > l.sign**l.old)
		c.value(tightened(sent && tighter), at, l.name, number(l.old), number(l.now))
	}
}

func number(n *int64) any {
	if n == nil {
		return ""
	}
	return *n
}
