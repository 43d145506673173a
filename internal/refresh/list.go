package refresh

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

// list is the answer of GET /v3/certificates.
type list struct {
	Data []entry `json:"data"`
}

type entry struct {
	SerialNo  string `json:"serial_no"`
	Encrypted struct {
		Algorithm      string `json:"algorithm"`
		Nonce          string `json:"nonce"`
		AssociatedData string `json:"associated_data"`
		Ciphertext     string `json:"ciphertext"`
	} `json:"encrypt_certificate"`
}

// algorithm is the cipher of certificates, as the list names it.
const algorithm = "AEAD_AES_256_GCM"

// Read returns the certificates of a list that are valid at now or will be. The list is the one
// answer that is decoded before it is verified: who has no key yet finds it in there. Nobody but
// WeChat Pay and the merchant can have encrypted it, and the key that signed the answer has to
// be among its certificates, or among known.
func Read(apiv3Key string, header http.Header, body []byte, known []auth.PlatformKey, now time.Time) ([]auth.PlatformKey, error) {
	var l list
	if json.Unmarshal(body, &l) != nil {
		return nil, errors.New("the list of platform certificates (平台证书) is not JSON of the documented form")
	}
	var keys []auth.PlatformKey
	for i, e := range l.Data {
		key, err := e.open(apiv3Key)
		if err != nil {
			return nil, fmt.Errorf("platform certificate %d of the list: %w", i+1, err)
		}
		if !now.After(key.NotAfter) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the list holds no platform certificate (平台证书) that is still valid")
	}
	verifier, err := auth.NewVerifier(with(keys, known)...)
	if err != nil {
		return nil, err
	}
	if err := verifier.Verify(context.Background(), header, body, now); err != nil {
		return nil, fmt.Errorf("the list of platform certificates: %w", err)
	}
	return keys, nil
}

func (e entry) open(apiv3Key string) (auth.PlatformKey, error) {
	if e.Encrypted.Algorithm != algorithm {
		return auth.PlatformKey{}, fmt.Errorf("its algorithm is not %s", algorithm)
	}
	ciphertext, err := base64.StdEncoding.DecodeString(e.Encrypted.Ciphertext)
	if err != nil {
		return auth.PlatformKey{}, errors.New("its ciphertext is not base64")
	}
	text, err := crypt.OpenGCM(apiv3Key, e.Encrypted.Nonce, e.Encrypted.AssociatedData, ciphertext)
	if err != nil {
		return auth.PlatformKey{}, fmt.Errorf("it is not encrypted with this APIv3 key (APIv3密钥): %w", err)
	}
	cert, err := auth.ParseCertificate(text)
	if err != nil {
		return auth.PlatformKey{}, err
	}
	key, err := auth.Certificate(cert)
	if err != nil {
		return auth.PlatformKey{}, err
	}
	if !same(key.Serial, e.SerialNo) {
		return auth.PlatformKey{}, errors.New("its serial_no is not that of the certificate")
	}
	return key, nil
}

// with adds those of others to keys that are not among them.
func with(keys, others []auth.PlatformKey) []auth.PlatformKey {
	all := keys[:len(keys):len(keys)]
	for _, key := range others {
		if !has(all, key.Serial) {
			all = append(all, key)
		}
	}
	return all
}

func has(keys []auth.PlatformKey, serial string) bool {
	for _, key := range keys {
		if same(key.Serial, serial) {
			return true
		}
	}
	return false
}

// same compares serial numbers as numbers: their digits come in either case and with zeros in front.
func same(a, b string) bool {
	return strings.EqualFold(strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0"))
}
