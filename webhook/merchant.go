package webhook

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// This file is one merchant's keys, and whose turn it is where there are several.

// merchant has the keys in functions, where no %+v finds them. Those of an API that it does not use
// are nil.
type merchant struct {
	mchID    string
	verifier Verifier
	open     func(cipher, resource, []byte) ([]byte, error)

	verifyV2    func(xmlv2.Members) error
	openReqInfo func(reqInfo string) ([]byte, error)
}

func (r *Receiver) add(m Merchant) error {
	added, err := newMerchant(m)
	if err != nil {
		return err
	}
	for _, other := range r.merchants {
		if m.MchID == "" || other.mchID == "" || m.MchID == other.mchID {
			return fmt.Errorf("there are several merchants, and %q and %q do not tell two of them apart: give each its MchID", other.mchID, m.MchID)
		}
	}
	r.merchants = append(r.merchants, added)
	return nil
}

func newMerchant(m Merchant) (merchant, error) {
	added := merchant{mchID: m.MchID}
	if v, ok := m.Verifier.(*auth.Verifier); ok && v == nil {
		m.Verifier = nil
	}
	if m.APIv2Key == "" && m.Verifier == nil {
		return added, errors.New("no verifier: take the client's, or make one with auth.NewVerifier")
	}
	if m.Verifier != nil || m.APIv3Key != "" {
		if err := crypt.CheckAPIv3Key(m.APIv3Key); err != nil {
			return added, err
		}
		added.verifier = m.Verifier
		added.open = func(c cipher, sealed resource, ciphertext []byte) ([]byte, error) {
			return c(m.APIv3Key, sealed.Nonce, sealed.AssociatedData, ciphertext)
		}
	}
	if m.APIv2Key != "" {
		if err := auth.CheckAPIv2Key(m.APIv2Key); err != nil {
			return added, err
		}
		added.verifyV2 = func(members xmlv2.Members) error {
			// Whatever was asked for: some merchants of HMAC-SHA256 are sent MD5.
			return auth.VerifyParams(m.APIv2Key, members.Texts(), auth.MD5, auth.HMACSHA256)
		}
		added.openReqInfo = func(reqInfo string) ([]byte, error) { return crypt.OpenReqInfo(m.APIv2Key, reqInfo) }
	}
	return added, nil
}

// holding are the merchants that may hold the key with this serial. If one is known to hold it, those
// that are known not to are left out: they would go and look for it.
func (r *Receiver) holding(serial string) []merchant {
	if len(r.merchants) == 1 {
		return r.merchants
	}
	var holding, others []merchant
	for _, m := range r.merchants {
		switch v, ok := m.verifier.(interface{ Has(serial string) bool }); {
		case ok && !v.Has(serial):
			others = append(others, m)
		case m.verifier != nil:
			holding = append(holding, m)
		}
	}
	if len(holding) > 0 {
		return holding
	}
	return others
}

// named are the merchants that a message of APIv2 may be for: the one that it names, or whose numbers
// nobody gave.
func (r *Receiver) named(message xmlv2.Members) []merchant {
	mchID := cmp.Or(message.Get("mch_id"), message.Get("combine_mch_id"))
	var named []merchant
	for _, m := range r.merchants {
		if m.verifyV2 != nil && (len(r.merchants) == 1 || m.mchID == mchID) {
			named = append(named, m)
		}
	}
	return named
}
