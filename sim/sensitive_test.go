package sim_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// TestProductsGetThePlaintextOfSensitiveFields creates orders again: the same content succeeds, and
// ciphertexts never are the same.
func TestProductsGetThePlaintextOfSensitiveFields(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]world.KeyMode{
		"with the public key": world.PublicKeyMode, "with a certificate": world.CertificateMode, "with both": world.MigratingMode,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, keyMode(mode))
			keys := b.Merchant().PlatformKeys
			if mode != world.PublicKeyMode { // a certificate that does not sign yet
				added, err := b.Control().AddCertificate(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, b.download()[added.SerialNo])
			}
			for _, key := range keys {
				m := b.Merchant()
				m.PlatformKeys = []auth.PlatformKey{key}
				var sent [][]byte
				client, err := wechatpay.New(m, wechatpay.BaseURL(b.URL), wechatpay.Transport(recording{&sent}))
				if err != nil {
					t.Fatal(err)
				}
				order := payscore.PostPayafterOrdersRequest{
					AppID: world.AppID, ServiceID: world.ServiceID, OutOrderNo: "T" + key.Serial[max(0, len(key.Serial)-20):],
					ServiceStartTime: "OnAccept", ServiceStartLocation: "客村", ServiceIntroduction: "共享充电宝",
					Fees: []payscore.Fee{{FeeName: "租金", FeeDesc: "每小时1元"}}, RiskAmount: new(int64(10000)),
					Name: "张三", Phone: "13800138000", UserID: "310101199001011234", Address: "深圳市南山区",
				}
				post := func() error {
					_, err := payscore.New(client).PayafterOrders().Post(t.Context(), order)
					return err
				}
				for range 2 {
					if err := post(); err != nil {
						t.Fatalf("with the key %s: %v", key.Serial, err)
					}
				}
				if len(sent) != 2 || bytes.Equal(sent[0], sent[1]) || bytes.Contains(sent[0], []byte("张三")) {
					t.Errorf("sent %s", bytes.Join(sent, []byte("\n")))
				}
				order.Name = "李四"
				if err := post(); err == nil || !strings.Contains(err.Error(), "订单重入参数校验失败") {
					t.Errorf("with another name it gives %v", err)
				}
			}
		})
	}
}

// recording keeps the bodies that are sent.
type recording struct{ sent *[][]byte }

func (r recording) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	*r.sent = append(*r.sent, body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(req)
}

func TestWhatIsNotEncryptedAsItShouldBeIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, keyMode(world.MigratingMode))
	public, certificate := b.Merchant().PlatformKeys[0], b.Merchant().PlatformKeys[1]
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(key *rsa.PublicKey, plaintext string) string {
		text, err := crypt.EncryptOAEP(key, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	by := func(raw []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(raw)
	}
	const wrongSerial, notCiphertext = "平台证书序列号Wechatpay-Serial错误", "请确认待处理的消息是否为加密后的密文"
	tests := map[string]struct {
		serial, name string
		message      string // none if it is accepted
		finding      string
	}{
		"with the key that is named":          {public.Serial, seal(public.Public, "张三"), "", ""},
		"with the certificate that is named":  {certificate.Serial, seal(certificate.Public, "张三"), "", ""},
		"not at all, for it is empty":         {"", "", "", ""},
		"without a serial number":             {"", seal(public.Public, "张三"), wrongSerial, "there is no Wechatpay-Serial"},
		"with an unknown serial number":       {"7B", seal(public.Public, "张三"), wrongSerial, `Wechatpay-Serial is "7B", which names no key`},
		"with the public key of another":      {world.PublicKeyID("1900000999"), seal(public.Public, "张三"), wrongSerial, "which names no key"},
		"not at all":                          {public.Serial, "张三", notCiphertext, "perhaps it was not encrypted at all"},
		"half":                                {public.Serial, seal(public.Public, "张三")[:100], notCiphertext, "it has 75 bytes, and a ciphertext of this key 256"},
		"with another key than the one named": {public.Serial, seal(certificate.Public, "张三"), notCiphertext, "with the key " + certificate.Serial + ", which Wechatpay-Serial does not name"},
		"with a key of nobody":                {public.Serial, seal(&other.PublicKey, "张三"), notCiphertext, "with another key"},
		"by SHA-256":                          {public.Serial, by(rsa.EncryptOAEP(sha256.New(), rand.Reader, public.Public, []byte("张三"), nil)), notCiphertext, "by OAEP with SHA-256, in place of OAEP with SHA-1"},
		"by SHA-256 with a mask of SHA-1":     {public.Serial, by(rsa.EncryptOAEPWithOptions(rand.Reader, public.Public, []byte("张三"), &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA1})), notCiphertext, "by OAEP with SHA-256 and MGF1-SHA-1"},
		"with a line break in the base64":     {public.Serial, "AAA*" + seal(public.Public, "张三"), notCiphertext, "not in standard base64"},
	}
	o := old{b, "payafter-orders"}
	for name, tt := range tests {
		body, err := json.Marshal(o.order(object{"name": tt.name}))
		if err != nil {
			t.Fatal(err)
		}
		res := b.send(raw{method: "POST", target: "/v3/payscore/payafter-orders", body: string(body), header: func(h http.Header) {
			if tt.serial != "" {
				h.Set("Wechatpay-Serial", tt.serial)
			}
		}})
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if tt.message == "" {
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", name, res.StatusCode, text)
			}
			continue
		}
		if want := `{"code":"PARAM_ERROR","message":"` + tt.message + `"}`; res.StatusCode != http.StatusBadRequest || string(text) != want {
			t.Errorf("%s: %d %s, want %s", name, res.StatusCode, text, want)
		}
		if res.Header.Get("Wechatpay-Signature") == "" {
			t.Errorf("%s: the refusal is not signed", name)
		}
		exchanges, err := b.Control().Requests(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if why := exchanges[len(exchanges)-1].Explain(); !strings.Contains(why, tt.finding) || !strings.Contains(why, "/body/name") {
			t.Errorf("%s: the log tells %s, want …%s…", name, why, tt.finding)
		}
	}
}

func TestAKeyOfTheOtherModeEncryptsNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range []world.KeyMode{world.PublicKeyMode, world.CertificateMode} {
		b := newBench(t, keyMode(mode), func(w *world.World) { // so that there are certificates
			w.Merchants = append(w.Merchants, world.Merchant{MchID: "1900000999", KeyMode: world.CertificateMode})
		})
		certificates, err := b.Control().PlatformCertificates(t.Context())
		if err != nil || len(certificates) == 0 {
			t.Fatalf("there are %d certificates, %v", len(certificates), err)
		}
		serial := certificates[0].SerialNo
		if mode == world.CertificateMode {
			serial = world.PublicKeyID(b.Merchant().MchID)
		}
		body, err := json.Marshal(old{b, "payafter-orders"}.order(object{"name": "Y2lwaGVydGV4dA=="}))
		if err != nil {
			t.Fatal(err)
		}
		res := b.send(raw{method: "POST", target: "/v3/payscore/payafter-orders", body: string(body), header: func(h http.Header) { h.Set("Wechatpay-Serial", serial) }})
		text, err := io.ReadAll(res.Body)
		if err != nil || !strings.Contains(string(text), "平台证书序列号Wechatpay-Serial错误") {
			t.Errorf("in the mode %q the key %s gives %s, %v", mode, serial, text, err)
		}
	}
}
