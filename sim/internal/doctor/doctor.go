// Package doctor finds out which mistake of a client explains a signature that does not match.
//
// The signature is opened first: with a public key, an RSA signature shows by which hash it was made,
// and the hash itself. That settles the questions about key, encoding and algorithm for sure, and
// makes trying a text as cheap as hashing it. Then the texts are tried that clients sign by
// mistake: those of one mistake before those of two, those of two before those of three.
package doctor

import (
	"crypto/rsa"
	"net/http"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
)

// Case is a request whose signature does not match.
type Case struct {
	Method string
	Target string // path and query as they stand in the request line
	Host   string
	Header http.Header
	Body   []byte // as it was received
	Meta   []byte // of an upload, the text of its part meta, which is what is signed; else nil

	Template string // the path as the documents print it, with {names}; "" if it is not known

	Authorization auth.Authorization
	Public        *rsa.PublicKey            // of the merchant that the Authorization header names
	Others        map[string]*rsa.PublicKey // keys that may have been mixed up with it, by whose they are
}

// Finding is one mistake of the client.
type Finding struct {
	Mistake     string `json:"mistake"`              // its name, one of docs/simulator.md
	Explanation string `json:"explanation"`          // what the client did, and what to do
	Difference  string `json:"difference,omitempty"` // where what was signed begins to differ
}

// Diagnose returns the mistakes that together explain the signature: the fewest that do. There is
// none if the signature matches, or if no key of the Case made it.
//
// If a key made it, but of a text that none of the known mistakes leads to, the last finding
// is unknown-text.
func Diagnose(c Case) []Finding {
	if auth.Verify(c.Public, c.text(), c.Authorization.Signature) == nil {
		return nil
	}
	if n := otherKind(c.Authorization.Signature); n != nil {
		return []Finding{n.finding()}
	}
	opened, certain := open(&c)
	if len(opened) == 0 {
		return nil
	}
	s := newSearch(&c)
	for _, o := range opened {
		if notes, ok := s.explain(o); ok {
			return findings(append(o.notes, notes...))
		}
	}
	if !certain {
		return nil
	}
	o := opened[0]
	return findings(append(o.notes, note{mistake: "unknown-text", detail: o.shown()}))
}

// line is what stands for the body in the text that is signed.
func (c *Case) line() []byte {
	if c.Meta != nil {
		return c.Meta
	}
	return c.Body
}

// text is what the client should have signed.
func (c *Case) text() []byte {
	return auth.RequestText(c.Method, c.Target, c.Authorization.Timestamp, c.Authorization.Nonce, c.line())
}

// note is a mistake, before it is put into words.
type note struct {
	mistake    string
	detail     string
	difference string
}

func (n note) finding() Finding {
	explanation := strings.ReplaceAll(explanations[n.mistake], "%s", n.detail)
	return Finding{Mistake: n.mistake, Explanation: explanation, Difference: n.difference}
}

// findings puts notes into words. A mistake that shows in two places is named once.
func findings(notes []note) []Finding {
	var all []Finding
	seen := map[string]bool{}
	for _, n := range notes {
		if !seen[n.mistake] {
			seen[n.mistake] = true
			all = append(all, n.finding())
		}
	}
	return all
}
