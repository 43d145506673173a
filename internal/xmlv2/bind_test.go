package xmlv2

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
)

type tradeType string

type goods struct {
	GoodsDetail []string `json:"goods_detail"`
}

func (g goods) MarshalText() ([]byte, error)     { return json.Marshal(g.GoodsDetail) }
func (g *goods) UnmarshalText(text []byte) error { return json.Unmarshal(text, &g.GoodsDetail) }

type photos []string

func (p photos) MarshalText() ([]byte, error)     { return json.Marshal([]string(p)) }
func (p *photos) UnmarshalText(text []byte) error { return json.Unmarshal(text, (*[]string)(p)) }

// guarded writes itself with care and is read as it is, as a Sensitive does.
type guarded string

func (g guarded) MarshalText() ([]byte, error) { return []byte("<" + g + ">"), nil }

type redPacket struct {
	OpenID string `xml:"openid"`
	Amount int64  `xml:"amount,omitempty"`
}

type redPackets struct {
	List []redPacket `xml:"hbinfo"`
}

type everything struct {
	Text     string      `xml:"text"`
	Left     string      `xml:"left,omitempty"`
	Kind     tradeType   `xml:"kind"`
	Fee      int64       `xml:"fee"`
	Rate     json.Number `xml:"rate,omitempty"`
	Yes      bool        `xml:"yes"`
	Pointer  *int64      `xml:"pointer"`
	False    *bool       `xml:"false"`
	Detail   goods       `xml:"detail,omitempty"`
	More     *goods      `xml:"more"`
	Photos   photos      `xml:"photos"`
	Name     guarded     `xml:"name,omitempty"`
	Coupons  []string    `xml:"coupon_id_$n"`
	Fees     []int64     `xml:"coupon_fee_$n"`
	Refunds  [][]string  `xml:"coupon_refund_id_$n_$m"`
	Packets  *redPackets `xml:"hblist"`
	Packet   redPacket   `xml:"packet,omitempty"`
	Untagged string
	Dashed   string `xml:"-"`
}

func TestStructsAndMembersAreTheSame(t *testing.T) {
	t.Parallel()
	required := flat("text", "", "kind", "", "fee", "0", "yes", "false", "photos", "")
	with := func(pairs ...string) Members {
		m := append(Members{}, required...)
		for ; len(pairs) > 0; pairs = pairs[2:] {
			m.Set(pairs[0], pairs[1])
		}
		return m
	}
	tests := map[string]struct {
		value   everything
		members Members
	}{
		"what is required, even if it is zero": {everything{}, with()},
		"text":                                 {everything{Text: " 支付 ", Left: "x", Kind: "JSAPI"}, Members{{Name: "text", Text: " 支付 "}, {Name: "left", Text: "x"}, {Name: "kind", Text: "JSAPI"}, {Name: "fee", Text: "0"}, {Name: "yes", Text: "false"}, {Name: "photos"}}},
		"whole numbers":                        {everything{Fee: -1 << 63}, with("fee", "-9223372036854775808")},
		"a pointer to zero":                    {everything{Pointer: new(int64(0)), False: new(false)}, Members{{Name: "text"}, {Name: "kind"}, {Name: "fee", Text: "0"}, {Name: "yes", Text: "false"}, {Name: "pointer", Text: "0"}, {Name: "false", Text: "false"}, {Name: "photos"}}},
		"indexed members":                      {everything{Coupons: []string{"a", "b"}, Fees: []int64{1, 2}}, with("coupon_id_0", "a", "coupon_id_1", "b", "coupon_fee_0", "1", "coupon_fee_1", "2")},
		"members with two indexes":             {everything{Refunds: [][]string{{"a", "b"}, nil, {"c"}}}, with("coupon_refund_id_0_0", "a", "coupon_refund_id_0_1", "b", "coupon_refund_id_2_0", "c")},
		"more than ten indexed members":        {everything{Coupons: strings.Split("abcdefghijkl", "")}, with(indexed("coupon_id_", "abcdefghijkl")...)},
		"members of a member": {everything{Packets: &redPackets{List: []redPacket{{"o1", 1}, {"o2", 0}}}, Packet: redPacket{"o3", 3}},
			append(with(), Member{Name: "hblist", Members: Members{{Name: "hbinfo", Members: flat("openid", "o1", "amount", "1")}, {Name: "hbinfo", Members: flat("openid", "o2")}}},
				Member{Name: "packet", Members: flat("openid", "o3", "amount", "3")})},
	}
	for name, tt := range tests {
		got, err := Marshal(tt.value)
		if err != nil || !reflect.DeepEqual(got, tt.members) {
			t.Errorf("%s: marshalled to %v, %v; want %v", name, got, err, tt.members)
		}
		if got, err := Marshal(&tt.value); err != nil || !reflect.DeepEqual(got, tt.members) {
			t.Errorf("%s: behind a pointer marshalled to %v, %v", name, got, err)
		}
		var back everything
		if err := Unmarshal(tt.members, &back); err != nil || !reflect.DeepEqual(back, tt.value) {
			t.Errorf("%s: came back as %+v, %v", name, back, err)
		}
	}
}

func indexed(name, values string) (pairs []string) {
	for i, value := range values {
		pairs = append(pairs, fmt.Sprint(name, i), string(value))
	}
	return pairs
}

func TestTypesSayThemselvesHowTheyAreText(t *testing.T) {
	t.Parallel()
	value := everything{Detail: goods{[]string{"a"}}, More: &goods{}, Photos: photos{"b", "c"}, Name: "n", Rate: "0.6"}
	m, err := Marshal(value)
	for name, want := range map[string]string{"detail": `["a"]`, "more": "null", "photos": `["b","c"]`, "name": "<n>", "rate": "0.6"} {
		if got := m.Get(name); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	var back everything
	m.Set("name", "n")
	if err := Unmarshal(m, &back); err != nil || !reflect.DeepEqual(back, value) {
		t.Errorf("came back as %+v, %v", back, err)
	}
}

func TestUnmarshalTakesAnEmptyMemberForNone(t *testing.T) {
	t.Parallel()
	var m Members
	for _, name := range strings.Fields("text left kind fee rate yes pointer false detail more photos name hblist packet") {
		m.Set(name, "")
	}
	m.Set("hblist", "\n\t")
	var got everything
	if err := Unmarshal(m, &got); err != nil || !reflect.DeepEqual(got, everything{}) {
		t.Errorf("empty members make %+v, %v", got, err)
	}
}

func TestUnmarshalKeepsIndexesTogether(t *testing.T) {
	t.Parallel()
	got := everything{Coupons: []string{"old", "old"}, Refunds: [][]string{{"old"}}}
	m := flat("coupon_fee_2", "3", "coupon_fee_0", "1", "coupon_id_1", "", "coupon_id_0", "a",
		"coupon_refund_id_1_1", "b", "coupon_id_01", "x", "coupon_id_-1", "x", "coupon_id_", "x", "coupon_id", "x", "unknown_0", "x", "coupon_refund_id_0", "x")
	want := everything{Fees: []int64{1, 0, 3}, Coupons: []string{"a", ""}, Refunds: [][]string{nil, {"", "b"}}}
	if err := Unmarshal(m, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("came as %+v, %v; want %+v", got, err, want)
	}
}

func TestUnmarshalRefusesAndNamesTheMember(t *testing.T) {
	t.Parallel()
	many := Members{}
	for i := range 501 {
		many = append(many, Member{Name: fmt.Sprintf("coupon_refund_id_%d_%d", i, 1), Text: "x"})
	}
	tests := map[string]struct {
		members Members
		want    string
	}{
		"a word for a whole number":              {flat("fee", "canary"), "the member fee: want a whole number"},
		"a fraction for a whole number":          {flat("fee", "1.5"), "the member fee: want a whole number"},
		"white space for a whole number":         {flat("fee", " "), "the member fee: want a whole number"},
		"a number that is too large":             {flat("fee", "9223372036854775808"), "the member fee: want a whole number"},
		"a word for a number":                    {flat("rate", "canary"), "the member rate: want a number"},
		"JSON for a number":                      {flat("rate", `"1"`), "the member rate: want a number"},
		"a percentage for a number":              {flat("rate", "0.6%"), "the member rate: want a number"},
		"a number with white space":              {flat("rate", " 1"), "the member rate: want a number"},
		"a word for a bool":                      {flat("yes", "canary"), "the member yes: want true or false"},
		"no JSON where there should be":          {flat("detail", "{"), "the member detail: "},
		"a word among indexed numbers":           {flat("coupon_fee_0", "1", "coupon_fee_1", "canary"), "the member coupon_fee_1: want a whole number"},
		"an index that is beyond all":            {flat("coupon_id_1000", "x"), "the member coupon_id_1000: its indexes make more than 1000"},
		"a first index that is beyond all":       {flat("coupon_refund_id_9999999_0", "x"), "more than 1000"},
		"a second index that is beyond all":      {flat("coupon_refund_id_0_1000", "x"), "more than 1000"},
		"an index beyond all, after a small one": {flat("coupon_id_999", "x", "coupon_id_0", "x", "coupon_id_1000", "x"), "the member coupon_id_1000: "},
		"too many in all":                        {many, "more than 1000"},
		"a member twice":                         {flat("text", "a", "text", "canary"), "the member text: it is there twice"},
		"a list twice":                           {Members{{Name: "hblist", Members: flat("a", "1")}, {Name: "hblist", Members: flat("a", "1")}}, "the member hblist: it is there twice"},
		"members where there should be text":     {Members{{Name: "text", Members: flat("a", "1")}}, "the member text: it holds members"},
		"text where there should be members":     {flat("hblist", "canary"), "the member hblist: it holds text"},
		"text where there should be a list":      {Members{{Name: "hblist", Members: flat("hbinfo", "canary")}}, "the member hblist: the member hbinfo: it holds text"},
		"a wrong member in a list":               {Members{{Name: "hblist", Members: Members{{Name: "hbinfo", Members: flat("amount", "canary")}}}}, "the member hbinfo: the member amount: want a whole"},
		"members where an indexed is text":       {Members{{Name: "coupon_id_0", Members: flat("a", "1")}}, "the member coupon_id_0: it holds members"},
		"a number in digits that are not its":    {flat("fee", "٣"), "want a whole number"},
	}
	for name, tt := range tests {
		var v everything
		if err := Unmarshal(tt.members, &v); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s gives %v, want …%s…", name, err, tt.want)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s shows the value: %v", name, err)
		}
	}
	var v everything
	if err := Unmarshal(flat("coupon_id_999", "x"), &v); err != nil || len(v.Coupons) != 1000 {
		t.Errorf("the last index that is allowed makes %d elements, %v", len(v.Coupons), err)
	}
}

func TestMapsHoldMessagesToo(t *testing.T) {
	t.Parallel()
	in := map[string]string{"b": "2", "a": "1", "c": ""}
	m, err := Marshal(in)
	if err != nil || !reflect.DeepEqual(m, flat("a", "1", "b", "2", "c", "")) {
		t.Errorf("marshalled to %v, %v", m, err)
	}
	out := map[string]string{"old": "x"}
	m = append(m, Member{Name: "l", Members: flat("a", "1")})
	if err := Unmarshal(m, &out); err != nil || !maps.Equal(out, in) {
		t.Errorf("came back as %v, %v", out, err)
	}
}

func TestTypesThatAreNotXMLAreRefused(t *testing.T) {
	t.Parallel()
	type recursive []recursive
	type loop *loop
	type wrong struct {
		B any `xml:"b"`
	}
	a, b := fieldOf[string]("A", "a"), fieldOf[int64]("B", "a")
	twice := reflect.New(reflect.StructOf([]reflect.StructField{a, b})).Interface()
	tests := map[string]struct {
		in   any // a pointer
		want string
	}{
		"a fraction": {one[float64](`a`), "a float64 is nothing in XML"},
		"an int, which is not as long everywhere": {one[int](`a`), "a int is nothing in XML"},
		"a map":                          {one[map[string]string](`a`), "is nothing in XML"},
		"bytes":                          {one[[]byte](`a`), "is nothing in XML"},
		"a list of texts":                {one[[]string](`a`), "is nothing in XML"},
		"a list of JSON in strings":      {one[[]goods](`a`), "is nothing in XML"},
		"a pointer to a list":            {one[*[]redPacket](`a`), "is nothing in XML"},
		"a pointer to a pointer":         {one[**int64](`a`), "is nothing in XML"},
		"a pointer to itself":            {one[loop](`a`), "is nothing in XML"},
		"a list of itself":               {one[recursive](`a`), "is nothing in XML"},
		"an interface":                   {one[any](`a`), "is nothing in XML"},
		"an index without a slice":       {one[string](`a_$n`), "more indexes than its type"},
		"two indexes with one slice":     {one[[]string](`a_$n_$m`), "more indexes than its type"},
		"an index of lists":              {one[[][]redPacket](`a_$n`), "is nothing in XML"},
		"an option that there is not":    {one[string](`a,omitzero`), "will not do"},
		"a name that is none":            {one[string](`a b`), "will not do"},
		"no name":                        {one[string](`,omitempty`), "will not do"},
		"a name twice":                   {twice, "B: two fields are named a"},
		"a string":                       {new("a"), "no message of APIv2"},
		"nothing":                        {nil, "no message of APIv2"},
		"a pointer to nothing":           {(*everything)(nil), "no message of APIv2"},
		"a map of something":             {&map[string]any{}, "no message of APIv2"},
		"a wrong type within a good one": {one[wrong](`a`), "wrong.B: a interface {} is nothing in XML"},
	}
	for name, tt := range tests {
		if _, err := Marshal(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s is marshalled: %v, want …%s…", name, err, tt.want)
		}
		m := Members{{Name: "a", Members: flat("b", "1")}}
		if err := Unmarshal(m, tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s is unmarshalled: %v, want …%s…", name, err, tt.want)
		}
	}
	if err := Unmarshal(nil, everything{}); err == nil {
		t.Error("a struct that is no pointer is unmarshalled")
	}
	if m, err := Marshal(one[json.Number](`a`)); err != nil || !reflect.DeepEqual(m, flat("a", "")) {
		t.Errorf("an empty json.Number is marshalled to %v, %v", m, err)
	}
	if _, err := Marshal(everything{Rate: "canary"}); err == nil || !strings.Contains(err.Error(), "the member rate: ") || strings.Contains(err.Error(), "canary") {
		t.Errorf("a json.Number that is none gives %v", err)
	}
}

// one is a pointer to a struct of one field, whose tag need not be one that vet lets pass.
func one[T any](tag string) any {
	return reflect.New(reflect.StructOf([]reflect.StructField{fieldOf[T]("A", tag)})).Interface()
}

func fieldOf[T any](name, tag string) reflect.StructField {
	return reflect.StructField{Name: name, Type: reflect.TypeFor[T](), Tag: reflect.StructTag(`xml:"` + tag + `"`)}
}
