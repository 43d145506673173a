package doctor

import "strings"

// The parts of the text that mistakes are made in, the likelier first where two lead to the
// same text. Method, target, timestamp, nonce and body are its lines; the target has three
// parts, the body two.
const (
	atMethod = iota
	atOrigin // before the path: nothing, unless it is wrong
	atPath
	atQuery // with its question mark
	atBody
	atTail   // line breaks at the end of the body
	atLayout // how the lines are put together
	atTimestamp
	atNonce
	parts
)

// rank tells how many other mistakes a mistake is tried with.
type rank int

const (
	common rank = iota // up to two others
	rare               // one other
	wide               // none: it is one of many of its kind
)

// variant is a part as a mistake makes it.
type variant struct {
	rank  rank
	value string
	notes []note

	join  join // in place of value, for the layout
	whole bool // of a body: its tail is in it
}

// join puts lines together.
type join func(text []byte, lines *[5]string) []byte

// What a search may cost.
const (
	maxTexts = 30_000
	maxBytes = 64 << 20
)

// search looks for the text that was signed.
type search struct {
	right  [parts]string
	wrong  [parts][]variant
	picked [parts]*variant // nil is right
	signs  func(text []byte) bool

	buf         []byte
	texts, size int // that were tried
}

func newSearch(c *Case) *search {
	s := &search{}
	p, q := cutTarget(c.Target)
	text, end := cutTail(string(c.line()))
	s.right = [parts]string{
		atMethod: c.Method, atPath: p, atQuery: q,
		atTimestamp: c.Authorization.Timestamp, atNonce: c.Authorization.Nonce,
		atBody: text, atTail: end,
	}
	s.wrong = [parts][]variant{
		atMethod: methods(c.Method), atOrigin: origins(c), atPath: paths(p, c), atQuery: queries(q),
		atTimestamp: timestamps(s.right[atTimestamp]), atNonce: nonces(s.right[atNonce]),
		atBody: bodies(text, end, q, c), atTail: tails(text, end), atLayout: layouts(text),
	}
	for i := range s.wrong {
		s.wrong[i] = distinct(s.right[i], s.wrong[i])
	}
	return s
}

// distinct drops variants that change nothing or are there already.
func distinct(right string, variants []variant) []variant {
	seen := map[string]bool{right: true}
	var all []variant
	for _, v := range variants {
		if v.join == nil && !v.whole {
			if seen[v.value] {
				continue
			}
			seen[v.value] = true
		}
		all = append(all, v)
	}
	return all
}

// explain finds the fewest mistakes that lead to the text that o signs. There may be none.
func (s *search) explain(o *opened) ([]note, bool) {
	s.texts, s.size = 0, 0
	s.signs = o.signs
	if s.pick(0, wide) || s.pick(1, rare) || s.pick(1, wide) {
		return s.notes(), true
	}
	s.signs = o.signsHash
	if s.pick(0, wide) || s.pick(1, rare) {
		return append([]note{{mistake: "hashed-twice"}}, s.notes()...), true
	}
	s.signs = o.signs
	if s.pick(2, common) || s.pick(2, rare) || s.pick(3, common) {
		return s.notes(), true
	}
	return nil, false
}

// pick tries every text with n mistakes of at most this rank.
func (s *search) pick(n int, most rank) bool {
	s.picked = [parts]*variant{}
	return s.pickFrom(0, n, most)
}

func (s *search) pickFrom(part, n int, most rank) bool {
	if n == 0 {
		return s.try()
	}
	for ; part < parts; part++ {
		for i := range s.wrong[part] {
			v := &s.wrong[part][i]
			if v.rank > most {
				continue
			}
			s.picked[part] = v
			if s.pickFrom(part+1, n-1, most) {
				return true
			}
		}
		s.picked[part] = nil
	}
	return false
}

// try tells whether the text that is picked is the one that was signed.
func (s *search) try() bool {
	if s.texts >= maxTexts || s.size >= maxBytes {
		return false
	}
	s.buf = s.text(s.buf[:0])
	s.texts++
	s.size += len(s.buf)
	return s.signs(s.buf)
}

func (s *search) text(buf []byte) []byte {
	value := func(part int) string {
		if v := s.picked[part]; v != nil {
			return v.value
		}
		return s.right[part]
	}
	lines := [5]string{
		value(atMethod),
		value(atOrigin) + value(atPath) + value(atQuery),
		value(atTimestamp),
		value(atNonce),
		value(atBody),
	}
	if v := s.picked[atBody]; v == nil || !v.whole {
		lines[4] += value(atTail)
	}
	if v := s.picked[atLayout]; v != nil {
		return v.join(buf, &lines)
	}
	return ended("\n", "\n")(buf, &lines)
}

// notes are the mistakes that are picked, with where they show.
func (s *search) notes() []note {
	names := [parts]string{atMethod: "method", atOrigin: "target", atPath: "path", atQuery: "query", atTimestamp: "timestamp", atNonce: "nonce", atBody: "body", atTail: "end of the body"}
	var all []note
	for part, v := range s.picked {
		if v == nil {
			continue
		}
		for _, n := range v.notes {
			if v.join == nil {
				n.difference = difference(names[part], s.right[part], v.value)
			}
			all = append(all, n)
		}
	}
	return all
}

// cutTarget cuts path from query, which keeps its question mark.
func cutTarget(target string) (path, query string) {
	if i := strings.IndexByte(target, '?'); i >= 0 {
		return target[:i], target[i:]
	}
	return target, ""
}

// cutTail cuts the line breaks off the end of a body.
func cutTail(body string) (text, end string) {
	text = strings.TrimRight(body, "\r\n")
	return text, body[len(text):]
}
