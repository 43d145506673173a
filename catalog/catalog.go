// Package catalog holds the facts about WeChat Pay's interface: every documented
// operation and notification, with all their fields, as JSON. The generator, the
// simulator and the command read the same files; nothing else in the project knows
// what an endpoint looks like.
//
// Start with [Operations] and [Find]. README.md beside the files explains their format.
package catalog

import (
	"embed"
	"io/fs"
	"sync"
)

//go:embed v2/*.json v3/*.json
var files embed.FS

// Catalog is everything that the files say.
type Catalog struct {
	Products []*Product // by name
}

// Product is one file: what shares the first segments of the path.
type Product struct {
	Name          string            `json:"-"`       // "v3/payscore", as the file is named
	Title         string            `json:"title"`   // the official name
	English       string            `json:"english"` // the same in English
	Steps         map[string]string `json:"steps"`   // the chain's names of paths, where their last segments will not do
	Operations    []*Operation      `json:"operations"`
	Notifications []*Notification   `json:"notifications"`
}

// Operation is one endpoint with one method.
type Operation struct {
	Method       string     `json:"method"`
	Host         string     `json:"host"`
	HostOptional bool       `json:"host_optional"` // the default host takes it as well
	Path         string     `json:"path"`          // as on the wire, with {parameters}
	DynamicURL   bool       `json:"dynamic_url"`   // an earlier answer tells the address, host and query too
	Title        string     `json:"title"`         // the official short name
	Name         string     `json:"name"`          // the official name in English, where one is known: "CancelServiceOrder"
	Categories   []string   `json:"categories"`    // where the official overview lists it
	Modes        []string   `json:"modes"`         // who may call it: "merchant", "partner"
	Lifecycle    *Lifecycle `json:"lifecycle"`     // nil if it is simply in use
	Repeatable   string     `json:"repeatable"`    // who says that the same content again succeeds again, and happens once
	Security     Security   `json:"security"`      // what differs from the usual
	Request      Request    `json:"request"`
	Response     Response   `json:"response"`
	Presets      []Preset   `json:"presets"`
	Docs         []string   `json:"docs"`       // official pages; none if it is known from elsewhere
	DecidedBy    string     `json:"decided_by"` // what decided a conflict between sources
}

// ID names the operation: "POST /v3/certificates".
func (o *Operation) ID() string { return o.Method + " " + o.Path }

// Lifecycle is what has become of an operation.
type Lifecycle struct {
	Status     string   `json:"status"` // "retired", "superseded", "restricted" (to some merchants), "beta"
	Since      string   `json:"since"`
	ReplacedBy []string `json:"replaced_by"` // IDs
}

// Security is how an operation differs from one that is signed with
// WECHATPAY2-SHA256-RSA2048, both ways, over its body.
type Security struct {
	Scheme                string `json:"scheme"`                  // "none": the request carries no signature; "brand": a brand signs it
	ResponseUnsigned      bool   `json:"response_unsigned"`       // the answer has no signature
	ResponseSignatureOver string `json:"response_signature_over"` // the header that is signed instead of the body
	NeedsPlatformSerial   bool   `json:"needs_platform_serial"`   // Wechatpay-Serial names the key that fields are encrypted with

	// Of APIv2:
	SignTypes         []string `json:"sign_types"`         // MD5, HMAC-SHA256; the first is the default
	ClientCertificate bool     `json:"client_certificate"` // the merchant's certificate in TLS
	NoNonce           bool     `json:"no_nonce"`           // it takes no nonce_str
	SignOver          []string `json:"sign_over"`          // the members that are signed, where it is not all
}

// Request is what an operation takes.
type Request struct {
	Path    []Field `json:"path"`
	Query   []Field `json:"query"`
	Headers []Field `json:"headers"`
	Body    *Body   `json:"body"`
}

// Response is what an operation answers with on success.
type Response struct {
	Status []int `json:"status"`
	Body   *Body `json:"body"`
}

// Body is the body of a request or an answer.
type Body struct {
	Kind     string  `json:"kind"`      // "json", "empty", "xml" of APIv2; "multipart" of a request that uploads a file, "download" of an answer that is one; "redirect" where a browser goes
	Required bool    `json:"required"`  // of a request
	TypeName string  `json:"type_name"` // of an answer that several operations give, where they share a type
	Fields   []Field `json:"fields"`    // of the part meta, where it is multipart
	File     *File   `json:"file"`      // of a multipart body
}

// File is the file of a multipart body, which the part meta describes: only that is signed.
type File struct {
	Part   string      `json:"part"`   // the name of its part
	Label  string      `json:"label"`  // the official short name
	Name   string      `json:"name"`   // the member of meta that is the file's name, if there is one
	Digest string      `json:"digest"` // the member of meta that is the file's digest in lower-case hexadecimal
	Hash   string      `json:"hash"`   // what makes the digest: "SM3", of APIv2 "MD5"; "" is SHA-256
	Limits []FileLimit `json:"limits"` // none if nothing is documented
}

// FileLimit is how large files of some types may be. Other types are refused.
type FileLimit struct {
	Types    []string `json:"types"` // as names end, without the dot
	MaxBytes int64    `json:"max_bytes"`
}

// Field is one member of a body, or one parameter. All limits are zero where none is
// documented.
type Field struct {
	Name      string   `json:"name"`
	FieldName string   `json:"field_name"` // of the Go field, where its own name will not do
	Type      string   `json:"type"`       // string, integer, number, boolean, object; each also with []
	TypeName  string   `json:"type_name"`  // of an object or an enum, where its own name will not do
	Label     string   `json:"label"`      // the official short name
	Required  bool     `json:"required"`   // in an optional object: where the object is there
	Enum      []string `json:"enum"`       // documented values; answers may have more
	Format    string   `json:"format"`     // of a string that is a time, such as "rfc3339"; alternatives with | between
	Integral  bool     `json:"integral"`   // a number that is an integer
	Indexed   int      `json:"indexed"`    // of APIv2: 1 where the name ends in _$n, which is _0, _1, …; 2 for _$n_$m
	Unit      string   `json:"unit"`       // "fen" where that is what a number counts
	MinLength int      `json:"min_length"`
	MaxLength int      `json:"max_length"` // in characters
	Pattern   string   `json:"pattern"`    // a regular expression for the whole value
	Minimum   *int64   `json:"minimum"`
	Maximum   *int64   `json:"maximum"`
	MinItems  int      `json:"min_items"`
	MaxItems  int      `json:"max_items"`
	Default   string   `json:"default"`    // what leaving it out means
	Encrypted string   `json:"encrypted"`  // with whose key: "platform" on the way up, "merchant" on the way down; of APIv2 "risk", that of /risk/getpublickey, and in notifications "apiv2_key" and "apiv3_key"
	Encoded   string   `json:"encoded"`    // "json": a string that holds a value of the type as JSON
	Fields    []Field  `json:"fields"`     // of an object, or of the items of an object[]; none if it is free
	DecidedBy string   `json:"decided_by"` // what decided a conflict between sources
}

// Preset is a combination of values that WeChat Pay demands in one trade: one of the
// alternatives is to be sent.
type Preset struct {
	Label        string        `json:"label"`
	Alternatives []Alternative `json:"alternatives"`
}

// Alternative fixes the items of one array of the request.
type Alternative struct {
	Field  string  `json:"field"`
	Groups []Group `json:"groups"`
}

// Group is one item of the array.
type Group struct {
	Fixed    map[string]string `json:"fixed"`    // members with these values
	Free     []string          `json:"free"`     // members with values of one's own
	Optional bool              `json:"optional"` // the item may be left out
}

// Notification is what WeChat Pay sends to a merchant.
type Notification struct {
	EventTypes    []string `json:"event_types"`    // the first names it; it was seen to arrive as the others. In lower case it is our name for what APIv2 gives none
	OriginalTypes []string `json:"original_types"` // of the resource; none if it is not documented
	Title         string   `json:"title"`
	Name          string   `json:"name"` // the name of its type, where the event's will not do
	Modes         []string `json:"modes"`
	Unsigned      bool     `json:"unsigned"` // of APIv2: it has no sign
	Resource      *Field   `json:"resource"` // the plaintext; of APIv2 the whole message, but for sign
	Answer        *Answer  `json:"answer"`   // nil if it only tells something, and is acknowledged
	Retry         []string `json:"retry"`    // the times between deliveries
	Docs          []string `json:"docs"`
	DecidedBy     string   `json:"decided_by"`
}

// Answer is what a notification that asks something is answered with: an object, as JSON.
type Answer struct {
	Within string  `json:"within"` // how long WeChat Pay waits for it, such as "3s"
	Signed bool    `json:"signed"` // WeChat Pay verifies its header Authorization
	Fields []Field `json:"fields"`
}

// Load returns the project's catalog of APIv3. It is read once; nobody may change it.
func Load() (*Catalog, error) { return load() }

var load = sync.OnceValues(func() (*Catalog, error) { return Read(files) })

// LoadV2 returns the project's catalog of APIv2. It is read once; nobody may change it.
func LoadV2() (*Catalog, error) { return loadV2() }

var loadV2 = sync.OnceValues(func() (*Catalog, error) { return readFiles(files, "v2/*.json") })

// Read reads and validates a catalog of APIv3: the files v3/*.json of fsys. The error names
// each defect in a line of its own, with file, operation and field.
func Read(fsys fs.FS) (*Catalog, error) { return readFiles(fsys, "v3/*.json") }

func readFiles(fsys fs.FS, pattern string) (*Catalog, error) {
	names, err := fs.Glob(fsys, pattern)
	if err != nil {
		return nil, err
	}
	c := new(Catalog)
	var d defects
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		if p := parse(name, text, d.at(name)); p != nil {
			c.Products = append(c.Products, p)
		}
	}
	c.check(&d)
	if err := d.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Operations returns the operations of all products.
func (c *Catalog) Operations() []*Operation {
	var all []*Operation
	for _, p := range c.Products {
		all = append(all, p.Operations...)
	}
	return all
}

// Notifications returns the notifications of all products.
func (c *Catalog) Notifications() []*Notification {
	var all []*Notification
	for _, p := range c.Products {
		all = append(all, p.Notifications...)
	}
	return all
}

// index is the project's catalog, looked at from all sides.
type index struct {
	operations    []*Operation
	notifications []*Notification
	byID          map[string]*Operation
}

// theIndex is empty should the files be broken, which a test forbids.
var theIndex = sync.OnceValue(func() *index {
	x := &index{byID: map[string]*Operation{}}
	c, err := Load()
	if err != nil {
		return x
	}
	x.operations, x.notifications = c.Operations(), c.Notifications()
	for _, op := range x.operations {
		x.byID[op.ID()] = op
	}
	return x
})

// Operations returns all operations, in the order of the files. Nobody may change them.
func Operations() []*Operation { return theIndex().operations }

// Find returns the operation with this ID, such as "POST /v3/payscore/serviceorder", with
// the parameters of the path as they are documented. It is nil if there is none.
func Find(id string) *Operation { return theIndex().byID[id] }

// Notifications returns all notifications, in the order of the files. Nobody may change them.
func Notifications() []*Notification { return theIndex().notifications }

// FindNotification returns the notification that this event type names, such as
// "PAYSCORE.USER_PAID". It is nil if there is none.
func FindNotification(eventType string) *Notification {
	for _, n := range Notifications() {
		if n.EventTypes[0] == eventType {
			return n
		}
	}
	return nil
}
