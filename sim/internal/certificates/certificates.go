// Package certificates is the download of platform certificates (平台证书).
package certificates

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Register adds the download to a gateway.
func Register(f *front.Front, ring *keys.Ring) {
	f.Handle("GET /v3/certificates", func(_ *store.Tx, c *front.Call) (any, error) { return list(ring, c) })
}

// certificate is one of the list.
type certificate struct {
	SerialNo  string    `json:"serial_no"`
	Effective string    `json:"effective_time"`
	Expire    string    `json:"expire_time"`
	Encrypted encrypted `json:"encrypt_certificate"`
}

type encrypted struct {
	Algorithm      string `json:"algorithm"`
	Nonce          string `json:"nonce"`
	AssociatedData string `json:"associated_data"`
	Ciphertext     string `json:"ciphertext"`
}

// list encrypts each certificate with the merchant's APIv3 key. A merchant that only has the public
// key gets none. That there are none of SM2 is a guess, for the simulator has no such keys.
func list(ring *keys.Ring, c *front.Call) (any, error) {
	all, _ := ring.Certificates()
	if c.Merchant.KeyMode == world.PublicKeyMode || len(all) == 0 || c.Query("algorithm_type") == "SM2" {
		return nil, &front.Refusal{
			Status: http.StatusNotFound, Code: "RESOURCE_NOT_EXISTS",
			Message: "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。可查看指引https://pay.weixin.qq.com/docs/merchant/products/platform-certificate/wxp-pub-key-guide.html",
		}
	}
	data := []certificate{}
	for _, cert := range all {
		nonce := rand.Text()[:12]
		ciphertext, err := crypt.SealGCM(c.Merchant.APIv3Key, nonce, "certificate", []byte(cert.Certificate))
		if err != nil {
			return nil, err
		}
		data = append(data, certificate{
			SerialNo:  cert.SerialNo,
			Effective: cert.NotBefore.In(clock.Beijing).Format(time.RFC3339),
			Expire:    cert.NotAfter.In(clock.Beijing).Format(time.RFC3339),
			Encrypted: encrypted{"AEAD_AES_256_GCM", nonce, "certificate", base64.StdEncoding.EncodeToString(ciphertext)},
		})
	}
	return struct {
		Data []certificate `json:"data"`
	}{data}, nil
}
