package xmlv2

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Encode writes the message members into an element named root, which is [Root] but for req_info.
// Members come in their order. Values are in CDATA as WeChat Pay's own are, but for those that are
// digits. A character that XML has not is an error, which names the member.
func Encode(root string, members Members) ([]byte, error) {
	m := Member{Name: root, Members: members}
	text := make([]byte, 0, m.size())
	return m.append(text)
}

// size is how many bytes m takes, but for what must be escaped.
func (m *Member) size() int {
	size := len("<></>") + 2*len(m.Name) + len("<![CDATA[]]>") + len(m.Text)
	for i := range m.Members {
		size += m.Members[i].size()
	}
	return size
}

func (m *Member) append(text []byte) ([]byte, error) {
	switch {
	case !isName(m.Name):
		return nil, fmt.Errorf("%q cannot name a member", m.Name)
	case m.Text != "" && len(m.Members) > 0:
		return nil, fmt.Errorf("the member %s holds text and members", m.Name)
	case !utf8.ValidString(m.Text):
		return nil, fmt.Errorf("the member %s is not UTF-8", m.Name)
	case illegal(m.Text):
		return nil, fmt.Errorf("the member %s has a character that XML has not", m.Name)
	}
	text = append(append(append(text, '<'), m.Name...), '>')
	text = appendValue(text, m.Text)
	for i := range m.Members {
		var err error
		if text, err = m.Members[i].append(text); err != nil {
			return nil, err
		}
	}
	return append(append(append(text, "</"...), m.Name...), '>'), nil
}

// outside is what must not stand in CDATA: its end, and \r, which would be read as \n and no longer
// be what was signed.
var outside = strings.NewReplacer("]]>", "]]]]><![CDATA[>", "\r", "]]>&#13;<![CDATA[")

func appendValue(text []byte, value string) []byte {
	if allDigits(value) {
		return append(text, value...)
	}
	if strings.Contains(value, "]]>") || strings.IndexByte(value, '\r') >= 0 {
		value = outside.Replace(value)
	}
	return append(append(append(text, "<![CDATA["...), value...), "]]>"...)
}

func allDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
