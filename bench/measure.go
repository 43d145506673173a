package main

import (
	"math"
	"runtime"
	"slices"
	"time"
)

// effort is how much is measured.
type effort struct {
	rounds    int           // of a comparison
	batch     time.Duration // CPU time of one turn of one contender, at least
	each      int           // calls of each caller in a turn, at least: fewer are in flight towards its end
	billBytes int64
	index     bool // whether the index of all products is compiled, which takes ten seconds of CPU time
}

var (
	whole = effort{rounds: 200, batch: 15 * time.Millisecond, each: 16, billBytes: 16 << 20, index: true}
	brief = effort{rounds: 40, batch: 5 * time.Millisecond, each: 4, billBytes: 4 << 20}
	once  = effort{rounds: 1, batch: time.Millisecond, each: 1, billBytes: 1 << 16} // for the test
)

// contender does a thing n times.
type contender func(n int) error

// each makes a contender of what is done once.
func each(do func() error) contender {
	return func(n int) error {
		for range n {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	}
}

// series is the CPU time of one operation, in nanoseconds, by rounds.
type series []float64

// compete lets the contenders take turns. All of them do as much in a turn, a multiple of step, as takes the
// first one the time of a batch.
func compete(how effort, step int, contenders ...contender) ([]series, error) {
	n := step
	for {
		took, err := cpuOf(contenders[0], n)
		if err != nil {
			return nil, err
		}
		if took >= how.batch {
			break
		}
		n *= 2
	}
	for _, c := range contenders[1:] { // warm as well
		if err := c(n); err != nil {
			return nil, err
		}
	}
	runtime.GC()
	all := make([]series, len(contenders))
	for round := range how.rounds {
		for _, i := range turnsOf(round, len(contenders)) {
			took, err := cpuOf(contenders[i], n)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], float64(took)/float64(n))
		}
	}
	return all, nil
}

// turnsOf is the order of the n contenders in a round: every second round goes backwards, and each pair of rounds
// begins with another one, so that nobody always follows the same.
func turnsOf(round, n int) []int {
	turns := make([]int, n)
	for i := range turns {
		turns[i] = (round/2 + i) % n
	}
	if round%2 == 1 {
		slices.Reverse(turns)
	}
	return turns
}

func cpuOf(c contender, n int) (time.Duration, error) {
	began := cpuTime()
	err := c(n)
	return cpuTime() - began, err
}

// allocs are the allocations of what is done once, and their bytes, counted as testing.AllocsPerRun counts.
func allocs(do func() error) (n, bytes float64, err error) {
	const runs = 200
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if err := do(); err != nil {
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if err := do(); err != nil {
			return 0, 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return math.Floor(float64(after.Mallocs-before.Mallocs) / runs), float64(after.TotalAlloc-before.TotalAlloc) / runs, nil
}

// spread is a median between two percentiles.
type spread struct{ low, median, high float64 }

func spreadOf(values []float64) spread {
	return spread{percentile(values, 0.05), percentile(values, 0.50), percentile(values, 0.95)}
}

func percentile(values []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(math.Round(part*float64(len(sorted)-1)))]
}

// over is a divided by b, round by round.
func over(a, b series) spread {
	return spreadOf(combine(a, b, func(x, y float64) float64 { return x / y }))
}

// above is a minus b, round by round.
func above(a, b series) spread {
	return spreadOf(combine(a, b, func(x, y float64) float64 { return x - y }))
}

func combine(a, b series, f func(x, y float64) float64) series {
	out := make(series, len(a))
	for i := range a {
		out[i] = f(a[i], b[i])
	}
	return out
}
