package doctor

import (
	"bytes"
	"cmp"
	"crypto"
	_ "crypto/md5" // for crypto.MD5, as are the others
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"math/big"
	"slices"
)

// opened is a signature that a public key was applied to. It tells whether a text is the one
// that was signed.
type opened struct {
	notes []note // what is wrong with key, encoding and algorithm
	hash  hash.Hash
	sum   []byte // of PKCS #1 v1.5
	bare  []byte // of PKCS #1 v1.5 where the name of the hash is missing: what stands there instead
	pss   *pss
	buf   []byte
}

// key is a public key with its owner, "" for the merchant that is named by the request.
type key struct {
	owner  string
	public *rsa.PublicKey
}

// open applies every key to the signature in every encoding. If one fits for certain, it is
// the only answer; else the answers are all that are possible.
func open(c *Case) (all []*opened, certain bool) {
	keys := []key{{"", c.Public}}
	for _, owner := range slices.Sorted(maps.Keys(c.Others)) {
		keys = append(keys, key{owner, c.Others[owner]})
	}
	for _, e := range decodings(c.Authorization.Signature) {
		for _, k := range keys {
			block := apply(k.public, e.raw)
			if block == nil {
				continue
			}
			var notes []note
			if k.owner != "" {
				notes = append(notes, note{mistake: "other-key", detail: k.owner})
			}
			notes = append(notes, e.notes...)
			if o := openPKCS1(block); o != nil {
				o.notes = append(notes, o.notes...)
				return []*opened{o}, true
			}
			for _, o := range openPSS(block, k.public.N.BitLen()-1) {
				o.notes = append(slices.Clone(notes), o.notes...)
				if o.pss.certain {
					return []*opened{o}, true
				}
				all = append(all, o)
			}
		}
	}
	return all, false
}

// apply is RSA with a public key: nothing of it is secret, so it need not take constant time.
func apply(k *rsa.PublicKey, signature []byte) []byte {
	s := new(big.Int).SetBytes(signature)
	if len(signature) != k.Size() || s.Cmp(k.N) >= 0 {
		return nil
	}
	return s.Exp(s, big.NewInt(int64(k.E)), k.N).FillBytes(make([]byte, k.Size()))
}

// hashes are those that a signature may name.
var hashes = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
	crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2},
	crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
	crypto.SHA224: {2, 16, 840, 1, 101, 3, 4, 2, 4},
	crypto.SHA1:   {1, 3, 14, 3, 2, 26},
	crypto.MD5:    {1, 2, 840, 113549, 2, 5},
}

// openPKCS1 reads 00 01 ff … ff 00, the name of the hash, the hash. A block that is not a
// signature of this kind looks like one with a chance of less than 2^-80.
func openPKCS1(block []byte) *opened {
	rest, ok := bytes.CutPrefix(block, []byte{0, 1})
	if !ok {
		return nil
	}
	padding := len(rest) - len(bytes.TrimLeft(rest, "\xff"))
	if padding < 8 || padding == len(rest) || rest[padding] != 0 {
		return nil
	}
	payload := rest[padding+1:]
	for h, id := range hashes {
		if sum, ok := bytes.CutPrefix(payload, digestInfo(h, id)); ok && len(sum) == h.Size() {
			o := &opened{hash: h.New(), sum: sum}
			if h != crypto.SHA256 {
				o.notes = []note{{mistake: "other-hash", detail: h.String()}}
			}
			return o
		}
	}
	return &opened{hash: crypto.SHA256.New(), bare: payload, notes: []note{{mistake: "digest-info-missing"}}}
}

// digestInfo is what stands before the hash: its name.
func digestInfo(h crypto.Hash, id asn1.ObjectIdentifier) []byte {
	text, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Sum       []byte
	}{pkix.AlgorithmIdentifier{Algorithm: id, Parameters: asn1.NullRawValue}, make([]byte, h.Size())})
	if err != nil {
		panic(err) // the identifiers are constant
	}
	return text[:len(text)-h.Size()]
}

// signs tells whether text is what was signed.
func (o *opened) signs(text []byte) bool {
	sum := o.sumOf(text)
	switch {
	case o.pss != nil:
		return o.pss.signs(sum)
	case o.bare == nil:
		return bytes.Equal(sum, o.sum)
	}
	return bytes.Equal(o.bare, sum) || bytes.Equal(o.bare, text) ||
		string(o.bare) == hex.EncodeToString(sum) || string(o.bare) == base64.StdEncoding.EncodeToString(sum)
}

// signsHash tells whether the hash of text is what was signed, in whatever form.
func (o *opened) signsHash(text []byte) bool {
	sum := slices.Clone(o.sumOf(text))
	lower := hex.EncodeToString(sum)
	return o.signs(sum) || o.signs([]byte(lower)) || o.signs(fmt.Appendf(nil, "%X", sum)) ||
		o.signs([]byte(base64.StdEncoding.EncodeToString(sum)))
}

// sumOf is the hash of text, until the next call.
func (o *opened) sumOf(text []byte) []byte {
	o.hash.Reset()
	o.hash.Write(text)
	o.buf = o.hash.Sum(o.buf[:0])
	return o.buf
}

// shown is what the signature tells about its text.
func (o *opened) shown() string {
	if o.pss != nil {
		return "hidden by PSS"
	}
	return hex.EncodeToString([]byte(cmp.Or(string(o.sum), string(o.bare))))
}
