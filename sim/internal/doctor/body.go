package doctor

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// bodies are what clients sign in place of a body that was received as text and end, its line
// breaks at the end. The query belongs to the same request.
func bodies(text, end, query string, c *Case) []variant {
	received := text + end
	all := uploads(received, c)
	if received == "" {
		return append(all, unsent(query)...)
	}
	add := func(r rank, mistake, detail, value string) {
		v := wrong(r, mistake, detail, value)
		v.whole = true
		all = append(all, v)
	}
	if len(all) == 0 {
		add(common, "body-left-out", "", "")
	}
	if plain, ok := unzip(received); ok {
		add(common, "body-gzip", "", plain)
	}
	if bare, ok := strings.CutPrefix(text, bom); ok {
		all = append(all, wrong(rare, "body-bom", "", bare))
	} else {
		all = append(all, wrong(rare, "body-bom", "", bom+text))
	}
	all = append(all,
		wrong(rare, "body-spaces", "", strings.TrimSpace(text)),
		wrong(rare, "body-spaces", "", text+" "))
	all = append(all, charsets(text)...)
	return append(all, marshalled(text)...)
}

const bom = "\ufeff"

// unsent are the bodies that clients sign although they send none.
func unsent(query string) []variant {
	var all []variant
	for _, text := range []string{"{}", "null", "[]", `""`, "undefined", "None", "nil"} {
		all = append(all, wrong(rare, "body-not-sent", text, text))
	}
	if query == "" {
		return all
	}
	text := query[1:]
	all = append(all, wrong(common, "query-as-body", "", text))
	var members []string
	for pair := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(pair, "=")
		members = append(members, quoted(unescaped(name))+":"+quoted(unescaped(value)))
	}
	all = append(all, wrong(common, "query-as-body", "", "{"+strings.Join(members, ",")+"}"))
	slices.Sort(members)
	return append(all, wrong(common, "query-as-body", "", "{"+strings.Join(members, ",")+"}"))
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// quoted is text as a string of JSON without needless escapes.
func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(text) != nil { // a string does not fail
		return strconv.Quote(text)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// maxUnzipped keeps small bodies from growing large.
const maxUnzipped = 1 << 20

func unzip(body string) (string, bool) {
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		return "", false
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxUnzipped))
	return string(plain), err == nil
}

// charsets are what becomes of characters that a character set lacks or has elsewhere.
func charsets(text string) []variant {
	var ascii, latin strings.Builder
	for _, r := range text {
		switch {
		case r < 0x80:
			ascii.WriteRune(r)
		case r < 0x10000:
			ascii.WriteByte('?')
		default:
			ascii.WriteString("??") // two of UTF-16
		}
	}
	for i := range len(text) {
		latin.WriteRune(rune(text[i]))
	}
	all := []variant{
		wrong(rare, "body-charset", "characters that it lacks became question marks", ascii.String()),
		wrong(rare, "body-charset", "the bytes of UTF-8 were taken for Latin-1 and converted again", latin.String()),
	}
	narrow := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return all
		}
		narrow = append(narrow, byte(r))
	}
	return append(all, wrong(rare, "body-charset", "it was signed in Latin-1", string(narrow)))
}

// marshalled are the results of marshalling a JSON body otherwise.
func marshalled(text string) []variant {
	if !json.Valid([]byte(text)) {
		return nil
	}
	all := rewritings(text)
	var inner string
	if json.Unmarshal([]byte(text), &inner) == nil {
		all = append(all, wrong(rare, "body-stringified", "", inner))
	}
	all = append(all,
		wrong(rare, "body-stringified", "", quoted(text)),
		wrong(rare, "body-stringified", "", strings.ReplaceAll(quoted(text), "/", `\/`)))
	return append(all, forms(text)...)
}

// forms are the members of a JSON object as name=value pairs.
func forms(text string) []variant {
	v, ok := parse(text)
	if !ok || v.kind != '{' {
		return nil
	}
	var pairs, encoded []string
	for i, item := range v.items {
		name, value := content(v.names[i]), content(item.raw)
		if item.kind == '{' || item.kind == '[' {
			value = string(form{}.append(nil, item, 0))
		}
		pairs = append(pairs, name+"="+value)
		encoded = append(encoded, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	var all []variant
	for _, list := range [][]string{pairs, encoded, slices.Sorted(slices.Values(pairs)), slices.Sorted(slices.Values(encoded))} {
		all = append(all, wrong(rare, "body-as-form", "", strings.Join(list, "&")))
	}
	return all
}

// content is what a string of JSON says, and of anything else the text.
func content(raw string) string {
	var text string
	if json.Unmarshal([]byte(raw), &text) == nil {
		return text
	}
	return raw
}

// tails are the line breaks that clients sign after the body.
func tails(text, end string) []variant {
	if text+end == "" {
		return []variant{wrong(common, "final-newline-extra", "", "\n")}
	}
	all := []variant{
		wrong(common, "body-newline-signed", "", end+"\n"),
		wrong(rare, "body-newline-signed", "", end+"\r\n"),
		wrong(common, "body-newline-unsigned", "", ""),
	}
	if end == "\r\n" {
		all = append(all, wrong(rare, "body-newline-unsigned", "", "\n"))
	}
	return all
}
