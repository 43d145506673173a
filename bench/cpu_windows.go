package main

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used so far. Windows counts it in ticks of 15 ms, so that one round says
// little there. It does not fail with these arguments.
func cpuTime() time.Duration {
	var created, ended, kernel, user syscall.Filetime
	self, _ := syscall.GetCurrentProcess()
	_ = syscall.GetProcessTimes(self, &created, &ended, &kernel, &user)
	ticks := func(t syscall.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(ticks(kernel)+ticks(user)) * 100
}
