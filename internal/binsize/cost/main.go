//go:build unix

// Cost runs a command and tells what it and its children cost: cost go build ./…
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

func main() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	elapsed := time.Since(began)
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	largest := u.Maxrss // of the largest process, in KiB but on macOS
	if runtime.GOOS == "darwin" {
		largest /= 1024
	}
	fmt.Printf("%.1f s CPU, %.1f s on %d cores, %d MiB in the largest process\n", cpu.Seconds(), elapsed.Seconds(), runtime.NumCPU(), largest/1024)
}
