package shape

import (
	"crypto/x509"
	"encoding/pem"
	"net/url"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
)

// This file is what only APIv2 answers.

// redirect sends a browser back to the merchant, as if its user had agreed; where no address was told,
// to a page that is none.
func redirect(c *front.Call) front.Redirect {
	target, err := url.Parse(c.Query("redirect_uri"))
	if err != nil || target.Host == "" {
		return front.Redirect("https://example.com/" + url.PathEscape(c.Query("contract_code")))
	}
	query := target.Query()
	query.Set("code", "0"+c.Merchant.MchID)
	query.Set("state", c.Query("state"))
	target.RawQuery = query.Encode()
	return front.Redirect(target.String())
}

// riskKey is the key of /risk/getpublickey, in PKCS #1 as that answers it: WeChat Pay's own.
func (a *answer) riskKey() string {
	key, err := auth.ParsePrivateKey([]byte(a.world.Platform.PrivateKey))
	if err != nil {
		return ""
	}
	der := x509.MarshalPKCS1PublicKey(&key.PublicKey)
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: der}))
}

// options are what a download is asked for by: a query, or members of APIv2 whose names differ.
func options(c *front.Call) func(name string) string {
	if c.V2 == nil {
		return c.Query
	}
	return func(name string) string { return c.V2.Sent.Get(map[string]string{"tartype": "tar_type"}[name]) }
}
