package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escaping is how characters of a kind are written in a string of JSON.
type escaping int

const (
	asWritten escaping = iota
	bare               // as they are
	escaped            // \u4e2d, or \/ for a slash
	escapedUpper
)

// appendString writes a string, given with its quotes. Characters that f does not speak of stay as
// they were written.
func (f form) appendString(text []byte, raw string) []byte {
	if f.wide == asWritten && f.html == asWritten && f.slash == asWritten {
		return append(text, raw...)
	}
	for len(raw) > 0 {
		r, n := character(raw)
		text = f.appendCharacter(text, r, raw[:n])
		raw = raw[n:]
	}
	return text
}

func (f form) appendCharacter(text []byte, r rune, raw string) []byte {
	kind := asWritten
	switch {
	case r == '/':
		if f.slash == escaped {
			return append(text, `\/`...)
		}
		kind = f.slash
	case strings.ContainsRune("<>&\u2028\u2029", r) && f.html != asWritten:
		kind = f.html
	case r >= 0x80:
		kind = f.wide
	}
	switch kind {
	case bare:
		return utf8.AppendRune(text, r)
	case escaped, escapedUpper:
		return appendEscape(text, r, kind)
	}
	return append(text, raw...)
}

func appendEscape(text []byte, r rune, kind escaping) []byte {
	format := `\u%04x`
	if kind == escapedUpper {
		format = `\u%04X`
	}
	for _, unit := range utf16.AppendRune(nil, r) {
		text = fmt.Appendf(text, format, unit)
	}
	return text
}

// character reads the first character of a string of JSON, and how many bytes it is written
// in. Of a broken one it returns an ASCII character, so that it stays as it is.
func character(raw string) (rune, int) {
	if raw[0] != '\\' {
		r, n := utf8.DecodeRuneInString(raw)
		if r == utf8.RuneError && n == 1 {
			return 0, 1
		}
		return r, n
	}
	if raw[1] != 'u' {
		if raw[1] == '/' {
			return '/', 2
		}
		return 0, 2
	}
	r := unit(raw)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(r, unit(raw[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return 0, 6
}

// unit is the number of a \u escape.
func unit(raw string) rune {
	n, err := strconv.ParseUint(raw[2:6], 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}
