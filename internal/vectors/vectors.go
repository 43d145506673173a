// Package vectors holds test vectors: inputs with the outputs that somebody else computed.
// Only tests import it.
package vectors

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

//go:embed official.json own.json
var files embed.FS

// Set is one file of vectors, with the keys that they name.
type Set struct {
	File    string         `json:"-"`
	Keys    map[string]Key `json:"keys"`
	Vectors []Vector       `json:"vectors"`
}

// Key is a key in PEM, in whichever forms the vectors need; of certificates, a Key holds one
// for each serial number.
type Key struct {
	Private      string `json:"pem_pkcs8"`
	PrivatePKCS1 string `json:"pem_pkcs1"`
	PrivateOther string `json:"pem_private"`
	Public       string `json:"pem_spki"`

	Certificates map[string]struct {
		PEM string `json:"pem"`
	} `json:"-"`
}

// UnmarshalJSON also takes a key for a map of certificates by serial number. Where a private key
// comes in one form only, it is in Private.
func (k *Key) UnmarshalJSON(text []byte) error {
	type plain Key
	if err := json.Unmarshal(text, (*plain)(k)); err != nil {
		return err
	}
	k.Private = cmp.Or(k.Private, k.PrivateOther)
	_ = json.Unmarshal(text, &k.Certificates) // fails on keys that are not such a map
	return nil
}

// Vector is one vector; which members it has depends on Kind.
type Vector struct {
	Name, Kind, Key, Source string

	Method, URL, Timestamp, Nonce, Body string
	Message, Signature                  string
	AuthorizationTemplate               string `json:"authorization_template"`
	GatewayReportedLength               int    `json:"gateway_reported_length"`

	Certs          []string
	ExpectedSerial string `json:"expected_serial"`

	APIKey         string `json:"api_key"`
	APIv3Key       string `json:"apiv3_key"`
	AssociatedData string `json:"associated_data"`
	Ciphertext     string
	Plaintext      string
	RawHex         string `json:"raw_hex"`
	MaxPlaintext   int    `json:"max_plaintext_bytes"`

	Headers           map[string]string
	Response          json.RawMessage
	CertificatePEM    string `json:"certificate_pem"`
	CertificateSerial string `json:"certificate_serial"`
	SHA1              string

	Params         map[string]string
	StringA        string `json:"string_a"`
	StringSignTemp string `json:"string_sign_temp"`
	MD5            string
	HMACSHA256     string   `json:"hmac_sha256"`
	InputSigned    string   `json:"input_signed"`
	Expected       []string // names
	APIv2Key       string   `json:"apiv2_key"`
	AESKey         string   `json:"aes_key_md5_hex_lower"`
	ReqInfo        string   `json:"req_info"`

	FirstLine     string `json:"first_line"`
	FirstRow      string `json:"first_row"`
	SummaryHeader string `json:"summary_header"`
	SummaryRow    string `json:"summary_row"`

	Input  json.RawMessage
	Hex    string
	SM3Hex string `json:"sm3_hex"`
}

// All is the vectors of this package and, if the environment variable WECHATPAY_VECTORS names a
// file of the same form, the file's as well.
func All() ([]Set, error) {
	var sets []Set
	for _, name := range []string{"official.json", "own.json"} {
		set, err := load(name, files.ReadFile)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	name := os.Getenv("WECHATPAY_VECTORS")
	if name == "" {
		return sets, nil
	}
	set, err := load(name, os.ReadFile)
	return append(sets, set), err
}

// runBy tells whose tests run the vectors of a kind.
var runBy = map[string][]string{
	"v3-request-sign":      {"auth"},
	"v3-request-message":   {"auth"},
	"v3-sign-error-length": {"auth"},
	"v3-paysign":           {"auth", "internal/cashier"},
	"rsa-sign":             {"auth"},
	"v3-response-verify":   {"auth"},
	"v3-statement-message": {"auth"},
	"cert-selection":       {"auth"},
	"v3-callback":          {"auth", "crypt"},
	"aes-gcm":              {"crypt"},
	"aes-gcm-raw":          {"crypt", "bill"},
	"rsa-oaep-sha1":        {"crypt"},
	"limit":                {"crypt"},
	"v3-certificates":      {"crypt"},
	"v2-sign":              {"auth"},
	"v2-paysign":           {"auth", "internal/cashier"},
	"sort":                 {"auth"},
	"md5":                  {"auth", "crypt"},
	"aes-ecb":              {"crypt"},
	"v2-req-info":          {"crypt", "internal/xmlv2"},
	"v2-callback-reply":    {"internal/xmlv2"},
	"bill-structure":       {"bill"}, // its lines; the vector does not hold the whole bill
	"hash":                 {"internal/vectors"},
	"sm4-gcm":              {"internal/vectors"}, // no more than the SM3 that its key comes from
}

// leftOut tells why nobody's tests run the vectors of a kind.
var leftOut = map[string]string{
	"sm2-sign":          "the standard library has no SM2",
	"sm2-encrypt":       "the standard library has no SM2",
	"v3-callback-reply": "the application answers a notification, not this module",
}

// Checks are what a package does with vectors, by kind.
type Checks map[string]func(*testing.T, Set, Vector)

// Run runs the checks that a package has for kinds of vectors. So that none is skipped without
// anybody noticing, it fails on a vector of a kind that no table has, and where package and table
// disagree.
func Run(t *testing.T, by string, checks Checks) {
	t.Helper()
	sets, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults(sets, by, checks) {
		t.Error(fault)
	}
	for _, set := range sets {
		for _, v := range set.Vectors {
			if check := checks[v.Kind]; check != nil {
				t.Run(v.Kind+"/"+v.Name, func(t *testing.T) { check(t, set, v) })
			}
		}
	}
}

func faults(sets []Set, by string, checks Checks) (faults []string) {
	for kind := range checks {
		if !slices.Contains(runBy[kind], by) {
			faults = append(faults, fmt.Sprintf("%s runs %s: add that to runBy", by, kind))
		}
	}
	for kind, packages := range runBy {
		if slices.Contains(packages, by) && checks[kind] == nil {
			faults = append(faults, fmt.Sprintf("%s does not run %s, as runBy tells", by, kind))
		}
	}
	for _, set := range sets {
		for _, v := range set.Vectors {
			if runBy[v.Kind] == nil && leftOut[v.Kind] == "" {
				faults = append(faults, fmt.Sprintf("%s: nobody runs %q of the kind %q, and no reason is given", set.File, v.Name, v.Kind))
			}
		}
	}
	return faults
}

func load(name string, read func(string) ([]byte, error)) (Set, error) {
	text, err := read(name)
	if err != nil {
		return Set{}, err
	}
	set := Set{File: name}
	if err := json.Unmarshal(text, &set); err != nil {
		return Set{}, fmt.Errorf("vectors in %s: %w", name, err)
	}
	if len(set.Vectors) == 0 {
		return Set{}, fmt.Errorf("vectors in %s: none", name)
	}
	return set, nil
}
