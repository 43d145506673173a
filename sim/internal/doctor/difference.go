package doctor

import (
	"fmt"
	"unicode/utf8"
)

// shown is how many bytes of a difference are shown: never a whole body, but for the shortest.
const shown = 24

// difference tells where signed begins to differ from sent.
func difference(where, sent, signed string) string {
	at := 0
	for at < len(sent) && at < len(signed) && sent[at] == signed[at] {
		at++
	}
	from := max(0, at-shown/3)
	return fmt.Sprintf("%s from byte %d on: signed %s, sent %s", where, at+1, excerpt(signed, from), excerpt(sent, from))
}

// excerpt is text from there on, shortened between characters.
func excerpt(text string, from int) string {
	for from > 0 && from < len(text) && !utf8.RuneStart(text[from]) {
		from--
	}
	rest, before, after := text[from:], "", ""
	if from > 0 {
		before = "…"
	}
	if len(rest) > shown {
		end := shown
		for end > 0 && !utf8.RuneStart(rest[end]) {
			end--
		}
		rest, after = rest[:end], "…"
	}
	return before + fmt.Sprintf("%q", rest) + after
}
