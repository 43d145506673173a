package wechatpay_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
)

const keyID = "PUB_KEY_ID_0119000001092024112600000000"

// keys are made once: making RSA keys is slow.
var keys = sync.OnceValue(func() (k struct{ merchant, platform *rsa.PrivateKey }) {
	k.merchant, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.platform, _ = rsa.GenerateKey(rand.Reader, 2048)
	return k
})

func merchant() wechatpay.Merchant {
	return wechatpay.Merchant{
		MchID:        "1900000109",
		SerialNo:     "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
		PrivateKey:   keys().merchant,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(keyID, &keys().platform.PublicKey)},
	}
}

// gateway is the one fake that these tests call: a transport that keeps the last request
// and gives one answer, signed as WeChat Pay signs.
type gateway struct {
	status int
	body   string
	change func(*http.Response) // spoils the answer after it was signed
	err    error                // instead of an answer

	calls int
	last  *http.Request
	sent  []byte

	signature string // of the last answer, before it was changed
}

func (g *gateway) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		sent, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	g.calls++
	g.last, g.sent = req, sent
	res := answer(g.status, g.body, time.Now())
	g.signature = res.Header.Get("Wechatpay-Signature")
	if g.err != nil {
		return nil, g.err
	}
	if g.change != nil {
		g.change(res)
	}
	return res, nil
}

// answer is an answer that WeChat Pay signed at now.
func answer(status int, body string, now time.Time) *http.Response {
	timestamp, nonce := strconv.FormatInt(now.Unix(), 10), "00112233445566778899aabbccddeeff"
	signature, err := auth.Sign(keys().platform, auth.AnswerText(timestamp, nonce, []byte(body)))
	if err != nil {
		panic(err)
	}
	return &http.Response{
		StatusCode: status,
		Header: http.Header{
			"Request-Id":          {"08F3B1CC06-0"},
			"Wechatpay-Serial":    {keyID},
			"Wechatpay-Timestamp": {timestamp},
			"Wechatpay-Nonce":     {nonce},
			"Wechatpay-Signature": {signature},
		},
		Body: io.NopCloser(bytes.NewReader([]byte(body))),
	}
}

// unsigned takes the signature off, as front servers and proxies answer.
func unsigned(res *http.Response) {
	for name := range res.Header {
		if name != "Request-Id" {
			res.Header.Del(name)
		}
	}
}

func newClient(t testing.TB, g *gateway, opts ...wechatpay.Option) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(merchant(), append([]wechatpay.Option{wechatpay.Transport(g)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// checkSigned verifies the Authorization header over exactly the bytes that were sent.
func (g *gateway) checkSigned(t *testing.T) {
	t.Helper()
	a, err := auth.ParseAuthorization(g.last.Header.Get("Authorization"))
	if err != nil {
		t.Fatal(err)
	}
	text := auth.RequestText(g.last.Method, g.last.URL.RequestURI(), a.Timestamp, a.Nonce, g.sent)
	if err := auth.Verify(&keys().merchant.PublicKey, text, a.Signature); err != nil {
		t.Errorf("the request is not signed over what was sent: %v", err)
	}
}
