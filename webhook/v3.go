package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

// This file opens the notifications of APIv3: JSON that is signed in the header and encrypted within.

// envelope is a notification on the wire.
type envelope struct {
	ID           string   `json:"id"`
	CreateTime   string   `json:"create_time"`
	EventType    string   `json:"event_type"`
	ResourceType string   `json:"resource_type"`
	Summary      string   `json:"summary"`
	Resource     resource `json:"resource"`
}

type resource struct {
	OriginalType   string `json:"original_type"`
	Algorithm      string `json:"algorithm"`
	Ciphertext     string `json:"ciphertext"`
	Nonce          string `json:"nonce"`
	AssociatedData string `json:"associated_data"`
}

// parseV3 lets each merchant try whose key it may be. Of their errors the one counts that came furthest.
func (r *Receiver) parseV3(ctx context.Context, header http.Header, body []byte) (*Notification, error) {
	var unverified, unopened error
	for _, m := range r.holding(header.Get("Wechatpay-Serial")) {
		if m.verifier == nil {
			continue
		}
		if err := m.verifier.Verify(ctx, header, body, r.now()); err != nil {
			if unverified == nil || errors.Is(unverified, auth.ErrUnknownSerial) {
				unverified = err
			}
			continue
		}
		n, err := r.openV3(m, body)
		if err == nil {
			return n, nil
		}
		unopened = err
	}
	switch {
	case unopened != nil:
		return nil, unopened
	case unverified != nil && len(r.merchants) > 1 && errors.Is(unverified, auth.ErrUnknownSerial):
		return nil, fmt.Errorf("%w, nor has another of the %d merchants here", unverified, len(r.merchants))
	case unverified != nil:
		return nil, unverified
	}
	return nil, fmt.Errorf("%w: it is of APIv3, and no merchant here has a Verifier: set webhook.Merchant.Verifier and APIv3Key", auth.ErrUnknownSerial)
}

func (r *Receiver) openV3(m merchant, body []byte) (*Notification, error) {
	var e envelope
	if json.Unmarshal(body, &e) != nil {
		return nil, fmt.Errorf("%w: it is not JSON of the documented form", ErrMalformed)
	}
	plaintext, err := r.decrypt(m, e.Resource)
	if errors.Is(err, crypt.ErrDecrypt) {
		return nil, fmt.Errorf("%w: set webhook.Merchant.APIv3Key of the merchant %q to the APIv3 key (APIv3密钥) that is set on the merchant platform now", err, m.mchID)
	}
	if err != nil {
		return nil, err
	}
	if e.ID == "" { // never seen, but what has no name could not be told from the next
		e.ID = "sha256-" + fingerprint([]byte(e.EventType), plaintext)
	}
	return &Notification{
		MchID:        m.mchID,
		ID:           e.ID,
		CreateTime:   e.createTime(),
		EventType:    e.EventType,
		ResourceType: e.ResourceType,
		Summary:      e.Summary,
		OriginalType: e.Resource.OriginalType,
		Signed:       true,
		Resource:     plaintext,
	}, nil
}

func (r *Receiver) decrypt(m merchant, sealed resource) ([]byte, error) {
	cipher, known := r.ciphers[sealed.Algorithm]
	if !known {
		return nil, fmt.Errorf("%w: its algorithm is not AEAD_AES_256_GCM, or another that webhook.Cipher named", ErrMalformed)
	}
	ciphertext, err := base64.StdEncoding.DecodeString(sealed.Ciphertext)
	if err != nil {
		return nil, fmt.Errorf("%w: its ciphertext is not base64", ErrMalformed)
	}
	return m.open(cipher, sealed, ciphertext)
}

// createTime is zero where it does not read: nothing is decided by it.
func (e envelope) createTime() time.Time {
	t, _ := time.Parse(time.RFC3339, e.CreateTime)
	return t
}

// fingerprint is the same for the same parts, and no others.
func fingerprint(parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:", len(part)) // so that no part can end in the next one
		hash.Write(part)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
