package doctor

import (
	"crypto/rsa"

	"github.com/openwechatpay/wechatpay/auth"
)

// Opened is an RSA signature that a public key was applied to: it tells whether a text is the one that
// was signed, whatever is wrong with the signature besides.
type Opened struct{ o *opened }

// Open applies the merchant's key and others to a signature. Where it is none of RSA, the findings say what
// it looks like.
func Open(signature string, public *rsa.PublicKey, others map[string]*rsa.PublicKey) ([]Opened, []Finding) {
	if n := otherKind(signature); n != nil {
		return nil, []Finding{n.finding()}
	}
	all, _ := open(&Case{Public: public, Others: others, Authorization: auth.Authorization{Signature: signature}})
	opened := make([]Opened, len(all))
	for i, o := range all {
		opened[i].o = o
	}
	return opened, nil
}

// Signs tells whether text is what was signed.
func (o Opened) Signs(text []byte) bool { return o.o.signs(text) }

// Findings are what is wrong with key, encoding and algorithm.
func (o Opened) Findings() []Finding { return findings(o.o.notes) }
