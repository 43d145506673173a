package doctor

import (
	"iter"
	"slices"
)

// permutations yields the numbers below n in every order.
func permutations(n int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		extend(nil, n, yield)
	}
}

func extend(order []int, n int, yield func([]int) bool) bool {
	if len(order) == n {
		return yield(slices.Clone(order))
	}
	for i := range n {
		if !slices.Contains(order, i) && !extend(append(order, i), n, yield) {
			return false
		}
	}
	return true
}
