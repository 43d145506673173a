//go:debug rsa1024min=0

// Bench measures the SDK beside the same work done by hand with nothing but the standard library, which
// it calls the floor. Both take turns in one run, so that what else the machine does strikes both.
//
//	go run ./bench             some eight minutes on an idle machine
//	go run ./bench -short      under a minute, to look; goals are judged by the whole
//	go run ./bench -markdown   the tables of docs/performance.md
//	go run ./bench -only bills what has this in its title
//	go run ./bench -cpuprofile cpu.out, to see where the time goes
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
	"slices"
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
	if flag.NArg() > 0 {
		exit(fmt.Errorf("%q is left over: choose tables with -only", flag.Args()))
	}
	how := whole
	if *short {
		how = brief
	}
	if *profile == "" {
		exit(run(os.Stdout, os.Stderr, how, *only, *markdown))
	}
	file, err := os.Create(*profile)
	if err != nil {
		exit(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		exit(err)
	}
	err = run(os.Stdout, os.Stderr, how, *only, *markdown)
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
	titles []string // of its tables
	run    func(effort, *bench) ([]table, error)
}

var measurements = []measurement{
	{[]string{"A call without the signature's RSA"}, callsWithoutRSA},
	{[]string{"Allocations of a call"}, allocations},
	{[]string{"Connections"}, connections},
	{[]string{"A call with RSA-2048", "OpenSSL over crypto/rsa"}, callsWithRSA},
	{[]string{"Verification, webhooks, sensitive fields and XML"}, operations},
	{[]string{"Bills"}, bills},
	{[]string{"The simulator"}, simulator},
	{[]string{"A chain"}, chain},
	{[]string{"Builds"}, builds},
}

// chosen are the measurements that have the text in a title, whatever its case.
func chosen(text string) ([]measurement, error) {
	var some []measurement
	var all []string
	for _, m := range measurements {
		all = append(all, m.titles...)
		if slices.ContainsFunc(m.titles, func(title string) bool { return strings.Contains(strings.ToLower(title), strings.ToLower(text)) }) {
			some = append(some, m)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("no title has %q in it; there are: %s", text, strings.Join(all, "; "))
	}
	return some, nil
}

// run prints each table as soon as it is there, and to progress what is measured meanwhile.
func run(w, progress io.Writer, how effort, only string, markdown bool) error {
	some, err := chosen(only)
	if err != nil {
		return err
	}
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.close()
	began := time.Now()
	fmt.Fprintln(w, machine(b))
	for _, m := range some {
		fmt.Fprintf(progress, "measuring: %s\n", m.titles[0])
		tables, err := m.run(how, b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.titles[0], err)
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
