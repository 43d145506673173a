package xmlv2

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// FuzzDecode reads what anybody sends. What is read is written to something that is read as the
// same, and encoding/xml reads the same into it.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`<?xml version="1.0" encoding="UTF-8"?><xml><a>1</a><b><![CDATA[x]]></b><c/></xml>`,
		"<xml><a>&lt;&#13;&#x41;\r\n</a><b>1<![CDATA[]]]]><![CDATA[>]]></b></xml>",
		"<xml><l><i><a>1</a></i>\n<i><a>2</a></i></l></xml>",
		`<!DOCTYPE xml [<!ENTITY b "c">]><xml><a>&b;</a></xml>`,
		"\uFEFF <root>\n</root> ",
		"<xml><a>&lt</a></xml>",
	} {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, nested bool) {
		limits := Limits{Bytes: 4096, Nested: nested}
		m, err := Decode(text, limits)
		if err != nil {
			if m != nil || !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrNotUTF8) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("read as %v, %v", m, err)
			}
			return
		}
		if theirs, err := standard(string(text)); err != nil || !reflect.DeepEqual(theirs, m) {
			t.Fatalf("read as %q, by encoding/xml as %q, %v", m, theirs, err)
		}
		again, err := Encode(Root, m)
		if err != nil {
			t.Fatalf("%q is not written: %v", m, err)
		}
		limits.Bytes = len(again)
		if back, err := Decode(again, limits); err != nil || !reflect.DeepEqual(back, m) {
			t.Fatalf("%q comes back as %q, %v", m, back, err)
		}
	})
}

// FuzzEncode writes whatever a member can hold, and reads the same back or names the member.
func FuzzEncode(f *testing.F) {
	f.Add("body", "]]>\r\n<&\u2028")
	f.Add("a><b", "\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		m := flat(name, value)
		text, err := Encode(Root, m)
		if err != nil {
			return
		}
		if back, err := Decode(text, Limits{Bytes: len(text)}); err != nil || !reflect.DeepEqual(back, m) {
			t.Fatalf("%q comes back as %q, %v", m, back, err)
		}
		if theirs, err := standard(string(text)); err != nil || !reflect.DeepEqual(theirs, m) {
			t.Fatalf("%q is read by encoding/xml as %q, %v", m, theirs, err)
		}
	})
}

// standard is what encoding/xml makes of a text that Decode takes.
func standard(text string) (Members, error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	stack := []Member{{}}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return stack[0].Members[0].Members, nil
		}
		if err != nil {
			return nil, err
		}
		top := &stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			stack = append(stack, Member{Name: token.Name.Local})
		case xml.CharData:
			top.Text += string(token)
		case xml.EndElement:
			if m := *top; len(m.Members) > 0 {
				top.Text = "" // the white space between
			}
			outer := &stack[len(stack)-2]
			outer.Members, stack = append(outer.Members, *top), stack[:len(stack)-1]
		}
	}
}
