package doctor_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
)

const (
	when  = "1700000000"
	nonce = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
	host  = "127.0.0.1:8080"
)

// keyring is a merchant's key, another merchant's and the platform's.
var keyring = sync.OnceValue(func() (keys [3]*rsa.PrivateKey) {
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

// client is a client that signs text, whatever it sends.
type client struct {
	method, target, body string
	text                 string // what it signs
	header               http.Header
	meta                 []byte
	template             string
	nonce                string // in the header
	sign                 func(t *testing.T, text string) string
}

// send is the request as it arrives.
func (c client) send(t *testing.T) doctor.Case {
	t.Helper()
	sign := c.sign
	if sign == nil {
		sign = signed
	}
	if c.nonce == "" {
		c.nonce = nonce
	}
	if c.header == nil {
		c.header = http.Header{"Content-Type": {"application/json"}}
	}
	keys := keyring()
	return doctor.Case{
		Method: c.method, Target: c.target, Host: host, Header: c.header, Body: []byte(c.body), Meta: c.meta, Template: c.template,
		Authorization: auth.Authorization{
			Scheme: auth.Scheme, MchID: "1230000109", SerialNo: "1",
			Nonce: c.nonce, Timestamp: when, Signature: sign(t, c.text),
		},
		Public: &keys[0].PublicKey,
		Others: map[string]*rsa.PublicKey{"merchant 1900000109": &keys[1].PublicKey, "WeChat Pay itself": &keys[2].PublicKey},
	}
}

// signed is what a client that knows how to sign makes of text.
func signed(t *testing.T, text string) string { return signedBy(t, keyring()[0], text) }

func signedBy(t *testing.T, key *rsa.PrivateKey, text string) string {
	t.Helper()
	signature, err := auth.Sign(key, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// lines are what is signed, with a line feed after each.
func lines(of ...string) string { return strings.Join(of, "\n") + "\n" }

// names are the mistakes of findings.
func names(findings []doctor.Finding) string {
	var all []string
	for _, f := range findings {
		all = append(all, f.Mistake)
	}
	return strings.Join(all, " ")
}
