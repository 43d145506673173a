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

// named is the merchant that a message of APIv2 is for: the one that it names. The only one that there is may
// go unnamed, or have no number here.
func (r *Receiver) named(message xmlv2.Members) (merchant, error) {
	mchID, combined := message.Get("mch_id"), message.Get("combine_mch_id")
	if mchID != "" && combined != "" && mchID != combined {
		return merchant{}, fmt.Errorf("%w: it names two merchants", ErrMalformed)
	}
	mchID = cmp.Or(mchID, combined)
	for _, m := range r.merchants {
		switch alone := len(r.merchants) == 1; {
		case m.mchID != mchID && !(alone && (m.mchID == "" || mchID == "")):
		case m.verifyV2 == nil:
			return merchant{}, fmt.Errorf("%w: it is of APIv2, and the merchant %.64q has no APIv2 key here: set webhook.Merchant.APIv2Key", auth.ErrUnknownSerial, m.mchID)
		default:
			return m, nil
		}
	}
	return merchant{}, fmt.Errorf("%w: it is of APIv2, for the merchant %.64q, who is not one of those here: give it to webhook.New or webhook.Also", auth.ErrUnknownSerial, mchID)
}
