package doctor

import (
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net/url"
	"slices"
	"strings"
)

// encoded is what a signature may be when it is decoded in one way.
type encoded struct {
	raw   []byte
	notes []note // what is wrong with the encoding
}

// decodings reads a signature in every way in which clients write it.
func decodings(signature string) []encoded {
	var all []encoded
	add := func(mistake, text string) {
		raw, kind, ok := decode(text)
		if !ok {
			return
		}
		var notes []note
		for _, m := range []string{mistake, kind} {
			if m != "" {
				notes = append(notes, note{mistake: m})
			}
		}
		all = append(all, encoded{raw, notes})
	}
	add("", signature)
	add("signature-plus-lost", strings.ReplaceAll(signature, " ", "+"))
	breaks := strings.NewReplacer(" ", "", "\t", "", `\r`, "", `\n`, "")
	add("signature-wrapped", breaks.Replace(signature))
	if plain, err := url.PathUnescape(signature); err == nil {
		add("signature-escaped", plain)
	}
	add("signature-escaped", strings.ReplaceAll(signature, `\/`, "/"))
	for _, e := range all {
		// Once more, for signatures that were encoded twice.
		if raw, kind, ok := decode(string(e.raw)); ok {
			if kind == "" {
				kind = "signature-base64-twice"
			}
			all = append(all, encoded{raw, append(slices.Clone(e.notes), note{mistake: kind})})
		}
	}
	for _, e := range all {
		raw := slices.Clone(e.raw)
		slices.Reverse(raw)
		all = append(all, encoded{raw, append(slices.Clone(e.notes), note{mistake: "signature-reversed"})})
	}
	return all
}

// decode reads base64 or hexadecimal.
func decode(text string) (raw []byte, mistake string, ok bool) {
	if raw, err := hex.DecodeString(text); err == nil {
		return raw, "signature-hex", true
	}
	for _, e := range []struct {
		encoding *base64.Encoding
		mistake  string
	}{
		{base64.StdEncoding, ""},
		{base64.URLEncoding, "signature-base64url"},
		{base64.RawStdEncoding, "signature-unpadded"},
		{base64.RawURLEncoding, "signature-base64url"},
	} {
		if raw, err := e.encoding.DecodeString(text); err == nil {
			return raw, e.mistake, true
		}
	}
	return nil, "", false
}

// otherKind recognises signatures of other kinds by their form.
func otherKind(signature string) *note {
	text := strings.TrimSpace(signature)
	if _, err := hex.DecodeString(text); err == nil {
		switch len(text) {
		case 32:
			return &note{mistake: "v2-signature", detail: "an MD5"}
		case 64:
			return &note{mistake: "v2-signature", detail: "an HMAC-SHA256"}
		}
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	// A signature of SM2 or ECDSA is a sequence of two numbers.
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(raw, &pair); err == nil && len(rest) == 0 {
		return &note{mistake: "not-rsa"}
	}
	return nil
}
