// Package vectors holds test vectors: inputs with the outputs that somebody else computed.
// Only tests import it.
package vectors

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
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

// UnmarshalJSON also takes a key for a map of certificates by serial number.
func (k *Key) UnmarshalJSON(text []byte) error {
	type plain Key
	if err := json.Unmarshal(text, (*plain)(k)); err != nil {
		return err
	}
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
