// Package xmlv2 is the wire format of APIv2: one XML element, mostly named xml, whose members are
// elements with text, as in
//
//	<xml><return_code><![CDATA[SUCCESS]]></return_code><total_fee>1</total_fee></xml>
//
// [Decode] and [Encode] go between bytes and [Members], [Unmarshal] and [Marshal] between Members
// and structs; in the middle the codec adds what every message has, and signs or verifies
// [Members.Texts].
//
// # Subset
//
// Of XML it reads no more than that format needs, and refuses the rest: attributes, comments,
// directives and so DTDs, processing instructions but for the declaration, entities but for the five
// that XML has and those that are numbers, text beside elements, elements that come twice, and
// charsets other than UTF-8. All of these are things that two parsers may read in two ways, and who
// signs a message must have meant what its receiver reads. So it has a scanner of its own, which
// its tests hold against encoding/xml.
//
// # Errors
//
// What does not decode is [ErrSyntax], [ErrNotUTF8] or [ErrTooLarge]. Errors tell offsets in bytes and
// names of members, never values.
package xmlv2

import (
	"errors"
	"iter"
)

// What a text can be wrong about.
var (
	ErrSyntax   = errors.New("not XML as APIv2 has it")
	ErrNotUTF8  = errors.New("not XML in UTF-8")
	ErrTooLarge = errors.New("too large for a message of APIv2")
)

// Root is the name of the element that is a message. That in req_info is named root instead.
const Root = "xml"

// Member is an element: it holds text or other members, or nothing.
type Member struct {
	Name    string
	Text    string  // as it is: entities are resolved, and white space stays
	Members Members // only in a few answers, and those are not signed
}

// Members are what an element holds, in their order.
type Members []Member

// Get is the text of the member name. It is empty where there is none: APIv2 makes no difference.
func (m Members) Get(name string) string {
	for i := range m {
		if m[i].Name == name {
			return m[i].Text
		}
	}
	return ""
}

// Set puts text into the member name, which comes last if there was none.
func (m *Members) Set(name, text string) {
	for i := range *m {
		if (*m)[i].Name == name {
			(*m)[i] = Member{Name: name, Text: text}
			return
		}
	}
	*m = append(*m, Member{Name: name, Text: text})
}

// Texts are the names and texts of the members, which is what is signed. Those that hold members
// have no text, so no signature covers them.
func (m Members) Texts() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range m {
			if len(m[i].Members) == 0 && !yield(m[i].Name, m[i].Text) {
				return
			}
		}
	}
}

// isName tells whether name can name an element. Names of other characters are XML, but none of
// APIv2 has them, and in the text that is signed they could pass for something else.
func isName(name string) bool {
	return name != "" && len(name) <= maxName && nameEnd(name) == len(name)
}

// nameEnd is where the name at the beginning of text ends.
func nameEnd(text string) int {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '.'):
		default:
			return i
		}
	}
	return len(text)
}

// illegal tells whether text, which is valid UTF-8, has a character that XML has not.
func illegal(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return true
		} else if c == 0xEF && i+2 < len(text) && text[i+1] == 0xBF && text[i+2] >= 0xBE { // U+FFFE, U+FFFF
			return true
		}
	}
	return false
}
