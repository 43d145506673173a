package bill

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// token is what the token of a download_url says. It is encrypted, so that nothing is kept of it and
// nobody makes one.
type token struct {
	Bill *request  `json:"bill"`
	Made time.Time `json:"made"`

	// Of a part of an encrypted bill.
	Part       int    `json:"part,omitempty"` // from 1
	Key, Nonce string `json:",omitempty"`
}

// tokenLife is how long a download_url is good, by the business clock: who tests what happens later moves
// that, as everything else that ends.
const tokenLife = 5 * time.Minute

// tokenNonce is how many characters the nonce before a token's ciphertext has.
const tokenNonce = 12

// tokenKey is another key for each world.
func tokenKey(w *world.World) string {
	sum := sha256.Sum256([]byte("tokens of bills\n" + w.Platform.PrivateKey))
	return hex.EncodeToString(sum[:])[:crypt.APIv3KeySize]
}

func (p *Product) seal(t *token) (string, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	nonce := randomHex(tokenNonce / 2)
	ciphertext, err := crypt.SealGCM(p.key, nonce, "", text)
	return base64.RawURLEncoding.EncodeToString(append([]byte(nonce), ciphertext...)), err
}

// open is the token as it was made, nil if the gateway made no such token.
func (p *Product) open(text string) *token {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < tokenNonce {
		return nil
	}
	plaintext, err := crypt.OpenGCM(p.key, string(raw[:tokenNonce]), "", raw[tokenNonce:])
	if err != nil {
		return nil
	}
	t := new(token)
	if json.Unmarshal(plaintext, t) != nil || t.Bill == nil {
		return nil
	}
	return t
}
