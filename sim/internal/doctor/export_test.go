package doctor

import (
	"crypto/sha256"
	"maps"
	"slices"
)

// Mistakes are all that the doctor knows.
var Mistakes = slices.Sorted(maps.Keys(explanations))

// Texts is how many texts are tried for c at most.
func Texts(c Case) int {
	s := newSearch(&c)
	s.explain(&opened{hash: sha256.New()})
	return s.texts
}

// Rewritings are the texts that rewriting a body leads to.
func Rewritings(text string) []string {
	var all []string
	for _, v := range rewritings(text) {
		all = append(all, v.value)
	}
	return all
}
