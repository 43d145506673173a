package xmlv2

import (
	"reflect"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/vectors"
)

func TestEncodeWritesWhatAnyParserReadsBack(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		members Members
		want    string
	}{
		"no members":                     {nil, "<xml></xml>"},
		"members in their order":         {flat("b", "x", "a", "1"), "<xml><b><![CDATA[x]]></b><a>1</a></xml>"},
		"an empty value":                 {flat("a", ""), "<xml><a></a></xml>"},
		"a number that is not of digits": {flat("a", "-1.5"), "<xml><a><![CDATA[-1.5]]></a></xml>"},
		"markup":                         {flat("a", "<b>&amp;</b>"), "<xml><a><![CDATA[<b>&amp;</b>]]></a></xml>"},
		"white space":                    {flat("a", " \n"), "<xml><a><![CDATA[ \n]]></a></xml>"},
		"the end of CDATA":               {flat("a", "]]>"), "<xml><a><![CDATA[]]]]><![CDATA[>]]></a></xml>"},
		"half the end of CDATA":          {flat("a", "]]"), "<xml><a><![CDATA[]]]]></a></xml>"},
		"a carriage return":              {flat("a", "1\r\n2"), "<xml><a><![CDATA[1]]>&#13;<![CDATA[\n2]]></a></xml>"},
		"Chinese":                        {flat("a", "支付😀"), "<xml><a><![CDATA[支付😀]]></a></xml>"},
		"members of members": {Members{{Name: "l", Members: Members{{Name: "i", Members: flat("a", "1")}, {Name: "i", Members: flat("a", "2")}}}},
			"<xml><l><i><a>1</a></i><i><a>2</a></i></l></xml>"},
	}
	for name, tt := range tests {
		text, err := Encode(Root, tt.members)
		if err != nil || string(text) != tt.want {
			t.Errorf("%s: written as %s, %v; want %s", name, text, err, tt.want)
		}
		if got, err := Decode(text, Limits{Bytes: plenty, Nested: true}); err != nil || !reflect.DeepEqual(got, tt.members) {
			t.Errorf("%s: read back as %v, %v", name, got, err)
		}
	}
}

func TestEncodeRefusesAndNamesTheMember(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		members Members
		want    string
	}{
		"a control character":                   {flat("ok", "1", "body", "canary\x00"), "the member body has a character that XML has not"},
		"a character that XML has not":          {flat("body", "canary\uFFFE"), "the member body has a character"},
		"bytes that are not UTF-8":              {flat("body", "canary\xff"), "the member body is not UTF-8"},
		"a character that is cut off":           {flat("body", "canary支"[:8]), "the member body is not UTF-8"},
		"a member without a name":               {flat("", "canary"), `"" cannot name a member`},
		"a name that is markup":                 {flat("a><b", "canary"), `"a><b" cannot name`},
		"a name that is longer than it is read": {flat(strings.Repeat("a", 65), "canary"), "cannot name"},
		"text and members":                      {Members{{Name: "a", Text: "canary", Members: flat("b", "1")}}, "the member a holds text and members"},
		"a member within a member":              {Members{{Name: "a", Members: flat("b", "\x01")}}, "the member b has a character"},
	}
	for name, tt := range tests {
		text, err := Encode(Root, tt.members)
		if text != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s gives %s, %v; want …%s…", name, text, err, tt.want)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s shows the value: %v", name, err)
		}
	}
	if _, err := Encode("x y", nil); err == nil {
		t.Error("a root that is no name is written")
	}
}

func TestMembersAreFoundAndSetByName(t *testing.T) {
	t.Parallel()
	m := flat("a", "1", "b", "2")
	m = append(m, Member{Name: "l", Members: flat("a", "9")})
	m.Set("b", "3")
	m.Set("sign", "S")
	m.Set("c", "")
	for name, want := range map[string]string{"a": "1", "b": "3", "sign": "S", "c": "", "l": "", "d": ""} {
		if got := m.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	var names []string
	for name := range m.Texts() {
		if names = append(names, name); name == "sign" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "a b sign" {
		t.Errorf("what is signed is %s", got)
	}
	m.Set("l", "x")
	if got, err := Encode(Root, m); err != nil || strings.Contains(string(got), "9") {
		t.Errorf("with a text in the place of members it is %s, %v", got, err)
	}
}

// TestVectors checks bodies that others wrote.
func TestVectors(t *testing.T) {
	t.Parallel()
	vectors.Run(t, "internal/xmlv2", vectors.Checks{
		"v2-callback-reply": func(t *testing.T, _ vectors.Set, v vectors.Vector) {
			m, err := Decode([]byte(v.Body), Limits{Bytes: plenty})
			if err != nil || m.Get("return_code") != "SUCCESS" || m.Get("return_msg") != "OK" {
				t.Fatalf("read as %v, %v", m, err)
			}
			if text, err := Encode(Root, m); err != nil || string(text) != v.Body {
				t.Errorf("written as %s, %v; want %s", text, err, v.Body)
			}
		},
		"v2-req-info": func(t *testing.T, _ vectors.Set, v vectors.Vector) {
			text, err := crypt.OpenReqInfo(v.APIv2Key, v.ReqInfo)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Decode(text, Limits{Bytes: len(text)})
			if err != nil || len(m) != strings.Count(v.Plaintext, "<![CDATA[") || m.Get("refund_status") != "SUCCESS" || m.Get("refund_recv_accout") != "支付用户零钱" {
				t.Errorf("read as %v, %v", m, err)
			}
		},
	})
}
