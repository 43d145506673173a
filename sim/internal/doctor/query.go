package doctor

import (
	"net/url"
	"slices"
	"strings"
)

// maxPermuted is how many things are tried in every order.
const maxPermuted = 5

// queries are what clients sign in place of the query, which begins with its question mark.
func queries(right string) []variant {
	all := []variant{wrong(common, "query-left-out", "", "")}
	if right == "" {
		return append(all, wrong(rare, "query-mark", "", "?"))
	}
	text := right[1:]
	all = append(all, wrong(rare, "query-mark", "", text))
	for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if plain, err := decode(text); err == nil {
			all = append(all, wrong(common, "target-decoded", "", "?"+plain))
		}
	}
	pairs := strings.Split(text, "&")
	sorted := slices.Sorted(slices.Values(pairs))
	all = append(all, wrong(common, "query-reordered", "", asQuery(sorted)))
	if len(pairs) > 1 {
		for i, pair := range pairs {
			name, _, _ := strings.Cut(pair, "=")
			rest := slices.Delete(slices.Clone(pairs), i, i+1)
			all = append(all, wrong(rare, "query-parameter-left-out", name, asQuery(rest)))
		}
	}
	all = append(all, reescaped(right, "?&=")...)
	all = append(all, sortedToo(asQuery(sorted))...)
	if len(pairs) <= maxPermuted {
		for order := range permutations(len(pairs)) {
			permuted := make([]string, len(pairs))
			for i, from := range order {
				permuted[i] = pairs[from]
			}
			all = append(all, wrong(wide, "query-reordered", "", asQuery(permuted)))
		}
	}
	return all
}

func asQuery(pairs []string) string { return "?" + strings.Join(pairs, "&") }

// sortedToo is a sorted query with its percent-encoding done otherwise.
func sortedToo(sorted string) []variant {
	reordered := note{mistake: "query-reordered"}
	var both []variant
	for _, v := range reescaped(sorted, "?&=") {
		v.notes = append([]note{reordered}, v.notes...)
		both = append(both, v)
	}
	if plain, err := url.QueryUnescape(sorted); err == nil {
		v := wrong(rare, "target-decoded", "", plain)
		v.notes = append([]note{reordered}, v.notes...)
		both = append(both, v)
	}
	return both
}
