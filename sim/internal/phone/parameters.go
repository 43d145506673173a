package phone

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// takes is in what form a front end hands over its parameters.
type takes int

const (
	object takes = iota
	objectOrQuery
	address
)

// read reads the parameters. That they have the wrong form is a mistake of the call, not of the front end: no
// front end can hand over such a thing.
func (o *opening) read(form takes) error {
	text := ""
	if json.Unmarshal(o.in.Parameters, &text) == nil && !bytes.Equal(bytes.TrimSpace(o.in.Parameters), []byte("null")) {
		switch form {
		case address:
			o.url = strings.TrimSpace(text)
			return nil
		case objectOrQuery:
			return o.readQuery(text)
		}
		return misuse("%s hands over an object, not a string: give parameters as they stand in its call", o.in.As)
	}
	if form == address {
		return misuse("%s hands over a URL: give parameters as a JSON string", o.in.As)
	}
	if err := o.readObject(o.in.Parameters); err != nil || form == object {
		return err
	}
	return o.unwrap()
}

// unwrap takes the parameters out of a whole call of Pay Score, in whose place they may be there alone.
func (o *opening) unwrap() error {
	o.business = o.sent.Get("businessType")
	inner := o.raw["extraData"]
	query := o.sent.Get("queryString") + o.sent.Get("query")
	switch {
	case o.kinds["extraData"] == "Object":
		o.sent = nil
		return o.readObject(inner)
	case query != "":
		o.sent = nil
		return o.readQuery(query)
	}
	return nil
}

func (o *opening) readObject(text json.RawMessage) error {
	o.raw, o.kinds = map[string]json.RawMessage{}, map[string]string{}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return misuse("parameters has to be what %s hands over: a JSON object", o.in.As)
	}
	for d.More() {
		t, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return misuse("parameters is not JSON")
		}
		if len(o.raw) == maxParameters {
			return misuse("parameters has more than %d members, and no front end hands over so many", maxParameters)
		}
		o.put(t.(string), value) // in an object, a token at this place is a name
	}
	return nil
}

// maxParameters is how many there may be.
const maxParameters = 100

// put keeps a parameter. What is no string is read as if it were, so that all else can be checked too.
func (o *opening) put(name string, value json.RawMessage) {
	o.raw[name] = value
	text := ""
	if json.Unmarshal(value, &text) == nil && value[0] == '"' {
		o.sent.Set(name, text)
		return
	}
	switch value[0] {
	case '{':
		o.kinds[name] = "Object"
	case '[':
		o.kinds[name] = "Array"
	case 'n':
		o.kinds[name] = "Null"
		return
	case 't', 'f':
		o.kinds[name] = "Boolean"
	default:
		o.kinds[name] = "Number"
	}
	o.sent.Set(name, string(value))
}

// readQuery reads name=value&…, as a page hands them over in queryString. A plus sign is read as what
// it is to a URL, a space: that is how packages get lost.
func (o *opening) readQuery(text string) error {
	for pair := range strings.SplitSeq(strings.TrimPrefix(text, "?"), "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil || name == "" {
			return misuse("parameters is not a queryString: want name=value, joined by & and escaped as in a URL")
		}
		if len(o.sent) == maxParameters {
			return misuse("parameters has more than %d members, and no front end hands over so many", maxParameters)
		}
		o.sent.Set(name, plain)
	}
	return nil
}

// maxNonce is how long a nonce may be, in characters.
const maxNonce = 32

// require checks that all of these parameters are there and strings. App hands over numbers too: the SDK of
// iOS has its timestamp as one. It tells whether there is anything to go on with.
func (o *opening) require(numbers bool, names ...string) bool {
	good, there := true, true
	fail := func(name, kind, finding, mend string) {
		o.fail("parameters", o.lacks(name, kind), finding, mend)
		good = false
	}
	for _, name := range names {
		kind := o.kinds[name]
		near := o.near(name)
		switch {
		case o.sent.Get(name) == "" && near != "":
			fail(name, "Undefined", name+" is missing, and there is "+near, "spell it "+name)
		case kind == "Null":
			fail(name, kind, name+" is null", "hand over its value")
		case o.sent.Get(name) == "":
			fail(name, "Undefined", name+" is missing or empty", "hand it over, as a string")
		case kind != "" && (!numbers || kind != "Number"):
			fail(name, kind, name+" is of the type "+kind, "hand it over as a string: in quotes, where it is JSON")
		case strings.HasPrefix(strings.ToLower(name), "nonce") && utf8.RuneCountInString(o.sent.Get(name)) > maxNonce:
			fail(name, "", name+" is longer than 32 characters", "make it shorter")
		}
		there = there && o.sent.Get(name) != ""
	}
	if good {
		o.pass("parameters")
	}
	return there
}

// near is a parameter that was handed over under nearly this name.
func (o *opening) near(name string) string {
	i := slices.IndexFunc(o.sent, func(m xmlv2.Member) bool { return m.Name != name && bare(m.Name) == bare(name) })
	if i < 0 {
		return ""
	}
	return o.sent[i].Name
}

// bare is a name without what merchants write in different ways.
func bare(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
