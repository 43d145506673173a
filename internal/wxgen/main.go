// Wxgen writes what follows from the catalog: the products under v3, their index, the table of
// package internal/facts, and docs/api.md.
//
//	go run ./internal/wxgen                  writes the files, and removes those it no longer writes
//	go run ./internal/wxgen check            only tells what is wrong with the catalog
//	go run ./internal/wxgen find WORD...     lists the operations that all words lead to: parts of URLs and titles, fields
//	go run ./internal/wxgen diff OLD NEW     tells what differs between the catalogs of two checkouts; . is this one
//
// It knows no product. What it cannot express in Go it refuses, with file, operation and
// field, rather than guess.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "diff" {
		return diffDirs(args[1], args[2], os.Stdout)
	}
	c, err := catalog.Load()
	if err != nil {
		return err
	}
	v2, err := catalog.LoadV2()
	if err != nil {
		return err
	}
	switch {
	case len(args) == 0:
		return writeAll(c, v2)
	case len(args) == 1 && args[0] == "check":
		_, err := generate(c, v2)
		return err
	case len(args) > 1 && args[0] == "find":
		both := &catalog.Catalog{Products: slices.Concat(c.Products, v2.Products)}
		return find(both, args[1:], os.Stdout)
	}
	return errors.New("usage: wxgen [check | find WORD... | diff OLD NEW]")
}

func writeAll(c, v2 *catalog.Catalog) error {
	files, err := generate(c, v2)
	if err != nil {
		return err
	}
	for version, of := range map[string]*catalog.Catalog{"v3": c, "v2": v2} {
		if files[apiPages[version]], err = apiFile(of, version); err != nil {
			return err
		}
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	return write(root, files)
}

// generate returns the content of all files of Go, by their path in the module.
func generate(c, v2 *catalog.Catalog) (map[string][]byte, error) {
	sources := map[string]string{}
	var errs []error
	shared := sharedEvents(c, v2)
	for _, product := range slices.Concat(c.Products, v2.Products) {
		own, err := productFiles(product, shared)
		if err != nil {
			errs = append(errs, err)
		}
		maps.Copy(sources, own)
	}
	sources["v3/v3_gen.go"] = indexFile(c, "v3")
	sources["internal/facts/facts_gen.go"] = factsFile(c)
	if len(v2.Products) > 0 {
		sources["v2/v2_gen.go"] = indexFile(v2, "v2")
		sources["internal/facts/v2_gen.go"] = factsV2File(v2)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for path, source := range sources {
		formatted, err := gofmt(source)
		if err != nil {
			return nil, fmt.Errorf("%s does not format: %w", path, err)
		}
		files[path] = formatted
	}
	return files, nil
}

func productFiles(product *catalog.Product, shared map[string]bool) (map[string]string, error) {
	m, err := newModel(product)
	if err != nil {
		return nil, err
	}
	m.shared = shared
	return m.files()
}

// sharedEvents are the event types that several notifications arrive with, be they of APIv3 or APIv2.
func sharedEvents(c, v2 *catalog.Catalog) map[string]bool {
	seen, shared := map[string]bool{}, map[string]bool{}
	for _, n := range slices.Concat(c.Notifications(), v2.Notifications()) {
		for _, event := range n.EventTypes {
			shared[event] = seen[event]
			seen[event] = true
		}
	}
	return shared
}

// moduleRoot is the directory of go.mod, upwards from here.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("there is no go.mod here or above")
		}
		dir = parent
	}
}

// write makes the module's generated files be exactly files.
func write(root string, files map[string][]byte) error {
	stale, err := generated(root)
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		delete(stale, path)
		name := filepath.Join(root, filepath.FromSlash(path))
		if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, files[path]) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, files[path], 0o644); err != nil {
			return err
		}
	}
	for path := range stale {
		name := filepath.Join(root, filepath.FromSlash(path))
		if err := os.Remove(name); err != nil {
			return err
		}
		_ = os.Remove(filepath.Dir(name)) // if the product is gone, and nothing else is left there
	}
	return nil
}

// generated finds the files that an earlier run wrote: those that end in _gen.go and begin
// with our header.
func generated(root string) (map[string]bool, error) {
	found := map[string]bool{}
	for _, dir := range []string{"v2", "v3", "internal/facts"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, "_gen.go") {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil || !bytes.HasPrefix(text, []byte(header)) {
				return err
			}
			path, err := filepath.Rel(root, name)
			found[filepath.ToSlash(path)] = true
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
