package xmlv2

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits are what [Decode] takes.
type Limits struct {
	// Bytes is how long the text may be.
	Bytes int
	// Nested lets members hold members, and those that do come more than once, as in the answers of
	// /mmpaymkttransfers/gethbinfo and /secapi/mch/submchmanage. No signature covers those, so it
	// is not for what is verified.
	Nested bool
}

// The bounds that no message comes near, whatever its bytes.
const (
	maxMembers = 4096 // in all
	maxName    = 64   // bytes
	flatDepth  = 2    // elements in each other, the root included
	maxDepth   = 8
)

// Decode reads a message, whatever its root is named. A value may be text and CDATA in any mixture;
// both line endings that XML knows come out as \n, as everywhere in XML.
func Decode(text []byte, limits Limits) (Members, error) {
	if len(text) > limits.Bytes {
		return nil, fmt.Errorf("%w: it has %d bytes, want at most %d", ErrTooLarge, len(text), limits.Bytes)
	}
	if !utf8.Valid(text) {
		return nil, ErrNotUTF8
	}
	s := scanner{text: string(text), size: len(text), depth: flatDepth}
	if limits.Nested {
		s.depth = maxDepth
	}
	if illegal(s.text) {
		return nil, fmt.Errorf("%w: it has a character that XML has not", ErrSyntax)
	}
	return s.document()
}

// scanner reads a text from its beginning.
type scanner struct {
	text    string // what is left
	size    int    // of the whole
	depth   int    // elements that may be in each other
	members int    // so far
}

func (s *scanner) fail(what string) error {
	return fmt.Errorf("%w: %s, at byte %d", ErrSyntax, what, s.size-len(s.text))
}

func (s *scanner) skip(prefix string) bool {
	rest, found := strings.CutPrefix(s.text, prefix)
	s.text = rest
	return found
}

func (s *scanner) skipSpace() { s.text = strings.TrimLeft(s.text, " \t\r\n") }

// document reads all of the text. A byte order mark and white space before the declaration are not
// XML, but harmless and seen.
func (s *scanner) document() (Members, error) {
	s.skip("\uFEFF")
	s.skipSpace()
	if err := s.declaration(); err != nil {
		return nil, err
	}
	s.skipSpace()
	root, err := s.element(1)
	if err != nil {
		return nil, err
	}
	if !blank(root.Text) {
		return nil, s.fail("the root holds text, want elements")
	}
	if s.skipSpace(); s.text != "" {
		return nil, s.fail("something follows the root")
	}
	return root.Members, nil
}

// declaration reads <?xml version="1.0" encoding="UTF-8"?> if it is there.
func (s *scanner) declaration() error {
	if !s.skip("<?xml") {
		return nil
	}
	text, rest, found := strings.Cut(s.text, "?>")
	if !found || len(text) > 100 {
		return s.fail("the XML declaration does not end")
	}
	text = strings.ToLower(strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", "'", `"`).Replace(text))
	text = strings.TrimSuffix(strings.TrimSuffix(text, `standalone="yes"`), `standalone="no"`)
	encoding, found := strings.CutPrefix(text, `version="1.0"`)
	switch {
	case !found || encoding != "" && !strings.HasPrefix(encoding, "encoding="):
		return s.fail("the XML declaration is not one of XML 1.0")
	case encoding != "" && encoding != `encoding="utf-8"`:
		return fmt.Errorf("%w: it declares another charset", ErrNotUTF8)
	}
	s.text = rest
	return nil
}

// element reads <name>, what it holds and </name>, or <name/>.
func (s *scanner) element(depth int) (Member, error) {
	if s.members++; s.members > maxMembers {
		return Member{}, fmt.Errorf("%w: it has more than %d members", ErrTooLarge, maxMembers)
	}
	name, err := s.open()
	m := Member{Name: name}
	switch {
	case err != nil:
		return m, err
	case depth > s.depth:
		return m, s.fail(fmt.Sprintf("the elements are more than %d deep", s.depth))
	case s.skip("/>"):
		return m, nil
	case !s.skip(">"):
		return m, s.fail("the tag has an attribute or does not end")
	}
	if err := s.content(&m, depth); err != nil {
		return m, err
	}
	if !s.skip(name) {
		return m, s.fail("the end tag belongs to another element than " + name)
	}
	if s.skipSpace(); !s.skip(">") {
		return m, s.fail("the end tag does not end")
	}
	return m, nil
}

// open reads <name and the white space behind it.
func (s *scanner) open() (string, error) {
	if !s.skip("<") {
		return "", s.fail("want an element")
	}
	end := nameEnd(s.text)
	name := s.text[:end]
	if !isName(name) {
		return "", s.fail("want the name of an element; comments, directives and processing instructions are refused")
	}
	s.text = s.text[end:]
	s.skipSpace()
	return name, nil
}

// content reads what m holds, and the </ behind it.
func (s *scanner) content(m *Member, depth int) error {
	var seen map[string]bool // whether it holds members
	for {
		text, err := s.value()
		if err != nil {
			return err
		}
		ended := s.skip("</")
		if ended && len(m.Members) == 0 {
			m.Text = text
			return nil
		}
		if !blank(text) {
			return s.fail("the element " + m.Name + " holds text and elements")
		}
		if ended {
			return nil
		}
		child, err := s.element(depth + 1)
		if err != nil {
			return err
		}
		holds := len(child.Members) > 0
		if before, twice := seen[child.Name]; twice && !(before && holds) {
			return s.fail("the element " + child.Name + " is there twice")
		}
		if seen == nil {
			seen = make(map[string]bool)
		}
		seen[child.Name] = holds
		m.Members = append(m.Members, child)
	}
}

// value reads text and CDATA up to the next tag.
func (s *scanner) value() (string, error) {
	var parts []string
	for {
		if s.skip("<![CDATA[") {
			part, rest, found := strings.Cut(s.text, "]]>")
			if !found {
				return "", s.fail("the CDATA does not end")
			}
			parts, s.text = append(parts, lines(part)), rest
			continue
		}
		end := strings.IndexByte(s.text, '<')
		if end < 0 {
			return "", s.fail("the text ends within an element")
		}
		if end == 0 {
			return strings.Join(parts, ""), nil
		}
		part, known := unescape(lines(s.text[:end]))
		if !known {
			return "", s.fail("in the text that begins there is an entity that is refused, or ]]>")
		}
		parts, s.text = append(parts, part), s.text[end:]
	}
}

// lines makes all line endings \n. A \r that is meant stands in an entity.
func lines(text string) string {
	if strings.IndexByte(text, '\r') < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

func unescape(text string) (string, bool) {
	if strings.Contains(text, "]]>") {
		return "", false
	}
	before, rest, more := strings.Cut(text, "&")
	if !more {
		return text, true
	}
	var b strings.Builder
	for more {
		name, after, ended := strings.Cut(rest, ";")
		char, known := entity(name)
		if !known || !ended {
			return "", false
		}
		b.WriteString(before)
		b.WriteRune(char)
		before, rest, more = strings.Cut(after, "&")
	}
	b.WriteString(before)
	return b.String(), true
}

// entity is the character that &name; stands for.
func entity(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "apos":
		return '\'', true
	case "quot":
		return '"', true
	}
	digits, number := strings.CutPrefix(name, "#")
	base := 10
	if hex, found := strings.CutPrefix(digits, "x"); found {
		digits, base = hex, 16
	}
	char, err := strconv.ParseUint(digits, base, 21)
	if !number || err != nil || !utf8.ValidRune(rune(char)) || illegal(string(rune(char))) {
		return 0, false
	}
	return rune(char), true
}

func blank(text string) bool { return strings.Trim(text, " \t\r\n") == "" }
