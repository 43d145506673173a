package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const module = "github.com/openwechatpay/wechatpay"

// program is one of those that the budgets of size are about: they make the same call.
type program struct{ name, path, tags string }

func builds(how effort, _ *bench) ([]table, error) {
	programs := []program{
		{"by hand", module + "/internal/binsize/floor", ""},
		{"with the SDK and one product", module + "/internal/binsize/hello", ""},
	}
	if how.index {
		programs = append(programs, program{"with the index of all products", module + "/internal/binsize/hello", "index"})
	}
	t := table{
		title: "Builds",
		says: "A program that makes one call, with CGO_ENABLED=0: what compiling all packages of this module that it uses and linking it takes where " +
			"the standard library is compiled, its size without symbols, and its packages. `make build-cost` has a cache of its own and tells the memory.",
		head: []string{"CPU, s", "elapsed, s", "bytes", "more than by hand", "packages", "of this module"},
	}
	root, err := goOutput(".", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return nil, err
	}
	var floor int64
	for _, p := range programs {
		r, size, err := built(strings.TrimSpace(root), p)
		if err != nil {
			return nil, err
		}
		if floor == 0 {
			floor = size
		}
		r.cells = slices.Insert(r.cells, 3, figure(float64(size-floor), 0))
		t.rows = append(t.rows, r)
	}
	return []table{t}, nil
}

// built builds the program with a flag that no build had before, so that nothing of the module comes from
// the cache: where imports by a relative path begin, of which there are none.
func built(root string, p program) (r row, size int64, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return row{}, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := filepath.Join(dir, "program")
	if _, err := goOutput(root, "build", "std"); err != nil {
		return row{}, 0, err
	}
	cmd := goCommand(root, "build", "-tags", p.tags, "-ldflags=-s -w", "-gcflags="+module+"/...=-D="+dir, "-o", binary, p.path)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return row{}, 0, fmt.Errorf("go build %s: %w\n%s", p.path, err, out)
	}
	elapsed := time.Since(began)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // with the compilers that it waited for
	info, err := os.Stat(binary)
	if err != nil {
		return row{}, 0, err
	}
	list, err := goOutput(root, "list", "-tags", p.tags, "-deps", p.path)
	if err != nil {
		return row{}, 0, err
	}
	packages := strings.Fields(list)
	return row{name: p.name, cells: []cell{
		figure(cpu.Seconds(), 1), figure(elapsed.Seconds(), 1), figure(float64(info.Size()), 0),
		figure(float64(len(packages)), 0), figure(float64(strings.Count(list, module)), 0),
	}}, info.Size(), nil
}

func goCommand(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	return cmd
}

func goOutput(dir string, args ...string) (string, error) {
	cmd := goCommand(dir, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}
