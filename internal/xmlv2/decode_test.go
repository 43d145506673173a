package xmlv2

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

const plenty = 1 << 20

func flat(pairs ...string) Members {
	var m Members
	for ; len(pairs) > 0; pairs = pairs[2:] {
		m = append(m, Member{Name: pairs[0], Text: pairs[1]})
	}
	return m
}

func TestDecodeReadsWhatAPIv2Sends(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want Members
	}{
		"text and CDATA":                           {"<xml><a>1</a><b><![CDATA[x]]></b></xml>", flat("a", "1", "b", "x")},
		"white space between elements":             {"<xml>\r\n\t<a>1</a> \n</xml>\n", flat("a", "1")},
		"white space in a value":                   {"<xml><a> \n</a><b><![CDATA[ x ]]></b></xml>", flat("a", " \n", "b", " x ")},
		"white space in tags":                      {"<xml\n><a >1</a\t></xml >", flat("a", "1")},
		"empty elements in each form":              {"<xml><a></a><b/><c /><d><![CDATA[]]></d></xml>", flat("a", "", "b", "", "c", "", "d", "")},
		"no members":                               {"<xml></xml>", nil},
		"no members in short":                      {"<xml/>", nil},
		"a root of another name":                   {"<root><a>1</a></root>", flat("a", "1")},
		"names of every kind":                      {"<x><refund_fee_0>1</refund_fee_0><A.b-c>2</A.b-c></x>", flat("refund_fee_0", "1", "A.b-c", "2")},
		"a declaration":                            {`<?xml version="1.0" encoding="UTF-8"?><xml><a>1</a></xml>`, flat("a", "1")},
		"a declaration without a charset":          {"<?xml version='1.0' ?>\n<xml><a>1</a></xml>", flat("a", "1")},
		"a declaration with all that it can have":  {`<?xml version = "1.0" encoding='utf-8' standalone="yes"?><xml><a>1</a></xml>`, flat("a", "1")},
		"a byte order mark and a line feed before": {"\uFEFF\n<?xml version=\"1.0\"?><xml><a>1</a></xml>", flat("a", "1")},
		"all entities":                             {"<xml><a>&lt;&gt;&amp;&quot;&apos;&#65;&#x4e;&#x1F600;&#13;</a></xml>", flat("a", "<>&\"'AN😀\r")},
		"an entity that is no longer one":          {"<xml><a>&amp;lt;</a><b><![CDATA[&lt;]]></b></xml>", flat("a", "&lt;", "b", "&lt;")},
		"elements in CDATA":                        {"<xml><a><![CDATA[<b>&</b>]]></a></xml>", flat("a", "<b>&</b>")},
		"text and CDATA in one value":              {"<xml><a>1<![CDATA[]]]]><![CDATA[>]]>2&#51;</a></xml>", flat("a", "1]]>23")},
		"line endings of all kinds":                {"<xml><a>1\r\n2\r3\n</a><b><![CDATA[\r\n\r]]></b></xml>", flat("a", "1\n2\n3\n", "b", "\n\n")},
		"Chinese":                                  {"<xml><a>支付</a><b><![CDATA[签名错误]]></b></xml>", flat("a", "支付", "b", "签名错误")},
		"what is CDATA's end in two parts":         {"<xml><a>]]&gt;</a></xml>", flat("a", "]]>")},
	}
	for name, tt := range tests {
		got, err := Decode([]byte(tt.text), Limits{Bytes: plenty})
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: read as %q, %v; want %q", name, got, err, tt.want)
		}
	}
}

func TestDecodeReadsListsWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	const text = `<xml><status>RECEIVED</status><hblist>
		<hbinfo><openid>o1</openid><amount>1</amount></hbinfo>
		<hbinfo><openid>o2</openid></hbinfo>
	</hblist></xml>`
	want := Members{
		{Name: "status", Text: "RECEIVED"},
		{Name: "hblist", Members: Members{
			{Name: "hbinfo", Members: flat("openid", "o1", "amount", "1")},
			{Name: "hbinfo", Members: flat("openid", "o2")},
		}},
	}
	got, err := Decode([]byte(text), Limits{Bytes: plenty, Nested: true})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read as %v, %v; want %v", got, err, want)
	}
	if _, err := Decode([]byte(text), Limits{Bytes: plenty}); !errors.Is(err, ErrSyntax) {
		t.Errorf("where lists are not asked for the error is %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	in := func(text string) string { return "<xml><a>canary</a>" + text + "</xml>" }
	tests := map[string]struct {
		text   string
		nested bool
		err    error
		want   string
	}{
		"nothing":                                    {"", false, ErrSyntax, "want an element"},
		"white space":                                {" \n", false, ErrSyntax, "want an element"},
		"JSON":                                       {`{"a":"canary"}`, false, ErrSyntax, "want an element"},
		"text before the root":                       {"canary<xml></xml>", false, ErrSyntax, "want an element"},
		"text after the root":                        {"<xml></xml>canary", false, ErrSyntax, "something follows the root, at byte 11"},
		"another root":                               {"<xml></xml><xml></xml>", false, ErrSyntax, "something follows"},
		"a root of text":                             {"<xml>canary</xml>", false, ErrSyntax, "the root holds text"},
		"a root that does not end":                   {"<xml><a>1</a>", false, ErrSyntax, "ends within an element"},
		"a tag that does not end":                    {"<xml", false, ErrSyntax, "does not end"},
		"an end tag that does not end":               {"<xml></xml", false, ErrSyntax, "end tag does not end"},
		"an end tag of another name":                 {in("<b>1</c>"), false, ErrSyntax, "another element than b"},
		"an end tag of a longer name":                {in("<b>1</bb>"), false, ErrSyntax, "end tag does not end"},
		"an element without a name":                  {in("<>1</>"), false, ErrSyntax, "want the name"},
		"a name that begins with a digit":            {in("<1>1</1>"), false, ErrSyntax, "want the name"},
		"a name with a colon":                        {in("<a:b>1</a:b>"), false, ErrSyntax, "attribute or does not end"},
		"a name in Chinese":                          {in("<支>1</支>"), false, ErrSyntax, "want the name"},
		"a name that is longer than any":             {in("<" + strings.Repeat("b", 65) + "/>"), false, ErrSyntax, "want the name"},
		"white space before a name":                  {in("< b>1</b>"), false, ErrSyntax, "want the name"},
		"an attribute":                               {in(`<b c="canary">1</b>`), false, ErrSyntax, "attribute"},
		"a comment":                                  {in("<b><!-- canary --></b>"), false, ErrSyntax, "comments"},
		"a comment in a value":                       {in("<b>1<!-- canary -->2</b>"), false, ErrSyntax, "text and elements"},
		"a DTD":                                      {`<!DOCTYPE xml [<!ENTITY b "canary">]><xml><a>&b;</a></xml>`, false, ErrSyntax, "directives"},
		"a DTD after the declaration":                {`<?xml version="1.0"?><!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>`, false, ErrSyntax, "directives"},
		"a processing instruction":                   {in("<?canary ?>"), false, ErrSyntax, "processing instructions"},
		"a second declaration":                       {`<?xml version="1.0"?><?xml version="1.0"?><xml/>`, false, ErrSyntax, "processing instructions"},
		"a declaration of another charset":           {`<?xml version="1.0" encoding="GBK"?><xml/>`, false, ErrNotUTF8, "declares another"},
		"a declaration of another version":           {`<?xml version="1.1"?><xml/>`, false, ErrSyntax, "declaration"},
		"a declaration with something else":          {`<?xml version="1.0" canary="1"?><xml/>`, false, ErrSyntax, "declaration"},
		"a declaration that does not end":            {`<?xml version="1.0"`, false, ErrSyntax, "declaration does not end"},
		"an entity of a DTD":                         {in("<b>&canary;</b>"), false, ErrSyntax, "an entity that is refused"},
		"an entity that does not end":                {in("<b>&lt</b>"), false, ErrSyntax, "entity"},
		"a bare ampersand":                           {in("<b>a&b</b>"), false, ErrSyntax, "entity"},
		"an entity of no character":                  {in("<b>&#0;</b>"), false, ErrSyntax, "entity"},
		"an entity of half a character":              {in("<b>&#xD800;</b>"), false, ErrSyntax, "entity"},
		"an entity of a character that XML has not":  {in("<b>&#xFFFE;</b>"), false, ErrSyntax, "entity"},
		"an entity beyond all characters":            {in("<b>&#x110000;</b>"), false, ErrSyntax, "entity"},
		"an entity without a number":                 {in("<b>&#;</b>"), false, ErrSyntax, "entity"},
		"an entity of letters without a mark":        {in("<b>&x41;</b>"), false, ErrSyntax, "entity"},
		"an entity of digits without a mark":         {in("<b>&65;</b>"), false, ErrSyntax, "entity"},
		"the end of CDATA in text":                   {in("<b>canary]]></b>"), false, ErrSyntax, "]]>"},
		"CDATA that does not end":                    {in("<b><![CDATA[canary</b>"), false, ErrSyntax, "CDATA does not end"},
		"text beside elements":                       {in("canary"), false, ErrSyntax, "text and elements"},
		"CDATA beside elements":                      {in("<![CDATA[canary]]>"), false, ErrSyntax, "text and elements"},
		"text before elements":                       {"<xml>canary<a>1</a></xml>", false, ErrSyntax, "text and elements"},
		"an element twice":                           {in("<a>1</a>"), false, ErrSyntax, "element a is there twice"},
		"an element twice where lists are":           {in("<a>1</a>"), true, ErrSyntax, "element a is there twice"},
		"an element that holds text, then members":   {in("<a><b>1</b></a>"), true, ErrSyntax, "element a is there twice"},
		"an element that holds members, then text":   {in("<b><c>1</c></b><b>1</b>"), true, ErrSyntax, "element b is there twice"},
		"an element three times, once empty":         {in("<b><c>1</c></b><b/><b><c>1</c></b>"), true, ErrSyntax, "twice"},
		"elements in elements":                       {in("<b><c>1</c></b>"), false, ErrSyntax, "more than 2 deep"},
		"elements that are too deep":                 {strings.Repeat("<a>", 9) + strings.Repeat("</a>", 9), true, ErrSyntax, "more than 8 deep"},
		"elements that are deeper than the stack":    {strings.Repeat("<a>", plenty/3), true, ErrSyntax, "more than 8 deep"},
		"more members than any message":              {in(strings.Repeat("<b><c/></b>", 2048)), true, ErrTooLarge, "4096 members"},
		"bytes that are not UTF-8":                   {in("<b>\xff</b>"), false, ErrNotUTF8, ""},
		"GBK":                                        {in("<b>\xd6\xa7\xb8\xb6</b>"), false, ErrNotUTF8, ""},
		"a control character":                        {in("<b>\x00</b>"), false, ErrSyntax, "character that XML has not"},
		"a character that XML has not":               {in("<b>\uFFFF</b>"), false, ErrSyntax, "character that XML has not"},
		"more bytes than allowed":                    {in(strings.Repeat(" ", plenty)), false, ErrTooLarge, "want at most 1048576"},
		"an element that is cut off behind its name": {"<xml><a>1</a", false, ErrSyntax, "does not end"},
	}
	for name, tt := range tests {
		m, err := Decode([]byte(tt.text), Limits{Bytes: plenty, Nested: tt.nested})
		if m != nil || !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s gives %v, %v; want %v: …%s…", name, m, err, tt.err, tt.want)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s shows what was sent: %v", name, err)
		}
	}
	if _, err := Decode([]byte("<xml/>"), Limits{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("without a limit the error is %v", err)
	}
}

// TestDecodeTakesMemoryInProportion holds what is allocated against the bytes that come.
func TestDecodeTakesMemoryInProportion(t *testing.T) {
	const size = 1 << 20
	tests := map[string]string{
		"many elements":                             "<xml>" + strings.Repeat("<b><c/></b>", size/11),
		"many pieces of CDATA":                      "<xml><a>" + strings.Repeat("<![CDATA[]]>", size/12) + "</a></xml>",
		"many entities":                             "<xml><a>" + strings.Repeat("&lt;", size/4) + "</a></xml>",
		"many line endings":                         "<xml><a>" + strings.Repeat("\r", size) + "</a></xml>",
		"an entity of any size":                     "<xml><a>&" + strings.Repeat("a", size) + ";</a></xml>",
		"white space, many times, between elements": "<xml>" + strings.Repeat(strings.Repeat(" ", 250)+"<b><c/></b>", size/262) + "</xml>",
	}
	for name, text := range tests {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Decode([]byte(text), Limits{Bytes: 2 * size, Nested: true})
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 12*uint64(len(text)) {
			t.Errorf("%s: %d bytes take %d bytes of memory", name, len(text), took)
		}
	}
}
