package front

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
)

// written is the body of an answer, in which the fields that the catalog marks so are encrypted
// with the key of the certificate of the merchant who called, or are strings of JSON.
func (f *Front) written(c *Call, result any) ([]byte, error) {
	body := marshal(result)
	if c.Op.Response.Body == nil || !slices.ContainsFunc(c.Op.Response.Body.Fields, isMarked) {
		return body, nil
	}
	var value any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	encrypt := func(plaintext string) (string, error) {
		return crypt.EncryptOAEP(f.Keys.Merchant(c.Merchant.MchID).Public, plaintext)
	}
	value, err := writeValue(&catalog.Field{Fields: c.Op.Response.Body.Fields}, value, encrypt)
	return marshal(value), err
}

// isMarked tells whether f is encrypted or encoded, or something in it is.
func isMarked(f catalog.Field) bool {
	return f.Encrypted == "merchant" || f.Encoded != "" || slices.ContainsFunc(f.Fields, isMarked)
}

func writeValue(f *catalog.Field, value any, encrypt func(string) (string, error)) (_ any, err error) {
	switch value := value.(type) {
	case string:
		if f.Encrypted == "merchant" && value != "" {
			return encrypt(value)
		}
	case []any:
		for i := range value {
			if value[i], err = writeValue(f, value[i], encrypt); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for i := range f.Fields {
			inner := &f.Fields[i]
			member, ok := value[inner.Name]
			if !ok {
				continue
			}
			if value[inner.Name], err = writeValue(inner, member, encrypt); err != nil {
				return nil, fmt.Errorf("%s: %w", inner.Name, err)
			}
			if inner.Encoded != "" {
				value[inner.Name] = string(marshal(value[inner.Name]))
			}
		}
	}
	return value, nil
}
