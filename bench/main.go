// Bench measures the SDK beside the same work done by hand with nothing but the standard library, which
// it calls the floor. Both take turns in one run, so that what else the machine does strikes both.
//
//	go run ./bench             a few minutes
//	go run ./bench -short      under a minute, to look; goals are judged by the whole
//	go run ./bench -markdown   the tables of docs/performance.md
//	go run ./bench -only Bills what has this in its title
//
// Times are CPU times of this process, with its garbage collector and its part of the kernel. The server
// that is called is a process of its own, so that it is not counted. Ratios are medians over rounds, with
// the fifth and the ninety-fifth percentile.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == serveArgument {
		exit(serve(os.Stdin, os.Stdout))
	}
	short := flag.Bool("short", false, "measure less, for under a minute")
	markdown := flag.Bool("markdown", false, "print Markdown")
	only := flag.String("only", "", "measure only what has this `text` in its title")
	profile := flag.String("cpuprofile", "", "write a CPU profile of what is measured to this `file`")
	flag.Parse()
	how := whole
	if *short {
		how = brief
	}
	if *profile == "" {
		exit(run(os.Stdout, how, *only, *markdown))
	}
	file, err := os.Create(*profile)
	if err != nil {
		exit(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		exit(err)
	}
	err = run(os.Stdout, how, *only, *markdown)
	pprof.StopCPUProfile()
	exit(err)
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// measurement makes one table, or several that come out of the same rounds.
type measurement struct {
	title string
	run   func(effort, *bench) ([]table, error)
}

var measurements = []measurement{
	{"A call without the signature's RSA", callsWithoutRSA},
	{"Allocations of a call", allocations},
	{"Connections", connections},
	{"A call with RSA-2048", callsWithRSA},
	{"Verification, webhooks, sensitive fields and XML", operations},
	{"Bills", bills},
	{"The simulator", simulator},
	{"A chain", chain},
	{"Builds", builds},
}

// run prints each table as soon as it is there.
func run(w io.Writer, how effort, only string, markdown bool) error {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.close()
	began := time.Now()
	fmt.Fprintln(w, machine())
	for _, m := range measurements {
		if !strings.Contains(m.title, only) {
			continue
		}
		tables, err := m.run(how, b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.title, err)
		}
		for _, t := range tables {
			if err := t.print(w, markdown); err != nil {
				return err
			}
		}
	}
	_, err = fmt.Fprintf(w, "\nAll of it took %.0f s.\n", time.Since(began).Seconds())
	return err
}
