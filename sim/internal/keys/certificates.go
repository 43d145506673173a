package keys

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is platform certificates (平台证书) and their rotation: a new one is there for a while
// before it signs, and the old one for a while after.

// Certificate is a platform certificate.
type Certificate struct {
	world.PlatformCertificate
	SerialNo            string
	NotBefore, NotAfter time.Time
	key                 *rsa.PrivateKey
	signs               crypto.Signer // with key
}

// Rotation is which certificates there are, once they are no longer those of the world.
type Rotation struct {
	Certificates []world.PlatformCertificate `json:"certificates"`
	Signing      string                      `json:"signing"` // serial number; the first if it is empty
}

// changed follows the table: without a row it is the world that tells.
func (r *Ring) changed(_ string, _, now *Rotation) {
	if now == nil {
		now = &Rotation{Certificates: r.world}
	}
	if err := r.set(*now); err != nil {
		panic(err) // they were read before they were put
	}
}

func (r *Ring) set(to Rotation) error {
	var certificates []*Certificate
	for i, c := range to.Certificates {
		read, err := readCertificate(c)
		if err != nil {
			return fmt.Errorf("platform certificate %d: %w", i+1, err)
		}
		if read.signs = r.signer(read.key); read.signs == nil {
			return fmt.Errorf("platform certificate %d: the Signer of the gateway's configuration returned nil", i+1)
		}
		certificates = append(certificates, read)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.certificates, r.signing = certificates, to.Signing
	if r.signing == "" && len(certificates) > 0 {
		r.signing = certificates[0].SerialNo
	}
	return nil
}

func readCertificate(c world.PlatformCertificate) (*Certificate, error) {
	cert, err := auth.ParseCertificate([]byte(c.Certificate))
	if err != nil {
		return nil, err
	}
	key, err := auth.ParsePrivateKey([]byte(c.PrivateKey))
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("its private_key is not that of its certificate")
	}
	return &Certificate{PlatformCertificate: c, SerialNo: auth.SerialNo(cert), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, key: key}, nil
}

// Certificates returns the platform certificates, and the serial number of the one that signs.
func (r *Ring) Certificates() (all []*Certificate, signing string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.certificates, r.signing
}

// choose is the key to sign with to a merchant, and its name. Where the merchant's mode leaves it
// open, it is the one that asked names.
func (r *Ring) choose(mchID, asked string) (serial string, key crypto.Signer) {
	id := world.PublicKeyID(mchID)
	mode := world.PublicKeyMode
	if m := r.merchants[mchID]; m != nil {
		mode = m.KeyMode
	}
	if mode == world.PublicKeyMode || mode == world.MigratingMode && asked == id {
		return id, r.signs
	}
	all, signing := r.Certificates()
	for _, name := range []string{asked, signing} {
		if i := slices.IndexFunc(all, func(c *Certificate) bool { return c.SerialNo == name }); i >= 0 {
			return all[i].SerialNo, all[i].signs
		}
	}
	return id, r.signs // its certificates were all taken away
}

// AddCertificate adds a new certificate, which does not sign yet.
func (r *Ring) AddCertificate(tx *store.Tx, made world.PlatformCertificate) (serialNo string, err error) {
	read, err := readCertificate(made)
	if err != nil {
		return "", err
	}
	after := r.rotation()
	after.Certificates = append(after.Certificates, made)
	r.rotations.Put(tx, "", &after)
	return read.SerialNo, nil
}

// SignWith lets the certificate sign from now on.
func (r *Ring) SignWith(tx *store.Tx, serialNo string) error {
	after := r.rotation()
	if r.index(serialNo) < 0 {
		return store.Missingf("there is no platform certificate %s", serialNo)
	}
	after.Signing = serialNo
	r.rotations.Put(tx, "", &after)
	return nil
}

// RemoveCertificate takes a certificate away that does not sign.
func (r *Ring) RemoveCertificate(tx *store.Tx, serialNo string) error {
	after := r.rotation()
	i := r.index(serialNo)
	switch {
	case i < 0:
		return store.Missingf("there is no platform certificate %s", serialNo)
	case serialNo == after.Signing:
		return fmt.Errorf("the platform certificate %s signs: let another one sign first", serialNo)
	}
	after.Certificates = slices.Delete(after.Certificates, i, i+1)
	r.rotations.Put(tx, "", &after)
	return nil
}

// rotation is what there is now.
func (r *Ring) rotation() Rotation {
	all, signing := r.Certificates()
	now := Rotation{Signing: signing}
	for _, c := range all {
		now.Certificates = append(now.Certificates, c.PlatformCertificate)
	}
	return now
}

func (r *Ring) index(serialNo string) int {
	all, _ := r.Certificates()
	return slices.IndexFunc(all, func(c *Certificate) bool { return c.SerialNo == serialNo })
}
