package sim_test

import (
	"crypto"
	"crypto/rsa"
	"io"
	"sync/atomic"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// counted is a key that counts its signatures.
type counted struct {
	crypto.Signer
	signatures *atomic.Int64
}

func (c counted) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	c.signatures.Add(1)
	return c.Signer.Sign(rand, digest, opts)
}

func TestTheSignerOfTheConfigSignsAll(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]world.KeyMode{"with the public key": world.PublicKeyMode, "with certificates": world.CertificateMode} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var signatures atomic.Int64
			w := simtest.World(t)
			w.Merchants[0].KeyMode = mode
			g := simtest.StartWith(t, sim.Config{World: w, Signer: func(key *rsa.PrivateKey) crypto.Signer { return counted{key, &signatures} }})
			b := &bench{g, g.Client(wechatpay.MaxAttempts(1)), t}
			r := newReceiver(t, b)
			no := b.created(object{"notify_url": r.URL})
			if got := signatures.Load(); got != 1 {
				t.Errorf("one answer took %d signatures of the signer", got)
			}
			b.Confirm(no)
			b.Notifications()
			r.only(t)
			if got := signatures.Load(); got != 2 {
				t.Errorf("an answer and a notification took %d signatures of the signer", got)
			}
			if mode == world.PublicKeyMode {
				return
			}
			added, err := b.Control().AddCertificate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Control().SignWith(t.Context(), added.SerialNo); err != nil {
				t.Fatal(err)
			}
			before := signatures.Load()
			if got := b.send(raw{method: "GET", target: queryTarget}).Header.Get("Wechatpay-Serial"); got != added.SerialNo || signatures.Load() != before+1 {
				t.Errorf("with the new certificate %s signs, and the signer %d times", got, signatures.Load()-before)
			}
		})
	}
}
