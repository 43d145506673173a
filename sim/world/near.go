package world

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// shown is how many names are near.
const shown = 3

// near are the names that are the most like a name, with commas between them.
func near(name string, names []string) string {
	name = name[:min(len(name), 200)] // the work grows with its length
	distances := map[string]int{}
	for _, other := range names {
		distances[other] = distance(strings.ToLower(name), strings.ToLower(other))
	}
	sorted := slices.SortedFunc(maps.Keys(distances), func(a, b string) int {
		return cmp.Or(cmp.Compare(distances[a], distances[b]), cmp.Compare(a, b))
	})
	return strings.Join(sorted[:min(shown, len(sorted))], ", ")
}

// distance is how many bytes have to be put in, taken out or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
