package bill

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
)

const platformKeyID = "PUB_KEY_ID_0119000001092024112600000000"

// keys are made once: making RSA keys is slow.
var keys = sync.OnceValue(func() (k struct{ merchant, platform *rsa.PrivateKey }) {
	k.merchant, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.platform, _ = rsa.GenerateKey(rand.Reader, 2048)
	return k
})

// gateway answers each request with what its path has; a path may have several answers, of which the
// last one stays.
type gateway struct {
	mu      sync.Mutex
	answers map[string][]reply
	asked   []string // the targets
	sent    []string // the bodies
}

// reply is signed, unless it is a file.
type reply struct {
	status int
	body   []byte
	file   bool
	cut    bool // the connection breaks at the end
	header http.Header
}

func (g *gateway) RoundTrip(req *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, req.Method+" "+req.URL.RequestURI())
	if req.Body != nil {
		sent, _ := io.ReadAll(req.Body)
		g.sent = append(g.sent, string(sent))
	}
	answers := g.answers[req.URL.Path]
	if len(answers) == 0 {
		return nil, fmt.Errorf("there is nothing at %s", req.URL.Path)
	}
	a := answers[0]
	if len(answers) > 1 {
		g.answers[req.URL.Path] = answers[1:]
	}
	var body io.Reader = bytes.NewReader(a.body)
	if a.cut {
		body = io.MultiReader(body, broken{})
	}
	res := &http.Response{StatusCode: a.status, ProtoMajor: 1, ContentLength: int64(len(a.body)), Body: io.NopCloser(body), Header: http.Header{}, Request: req}
	if !a.file {
		sign(res.Header, a.body)
	}
	for name, values := range a.header {
		res.Header[name] = values
	}
	return res, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func sign(header http.Header, body []byte) {
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), "00112233445566778899aabbccddeeff"
	signature, err := auth.Sign(keys().platform, auth.AnswerText(timestamp, nonce, body))
	if err != nil {
		panic(err)
	}
	for name, value := range map[string]string{"Serial": platformKeyID, "Timestamp": timestamp, "Nonce": nonce, "Signature": signature} {
		header.Set("Wechatpay-"+name, value)
	}
}

// at is a gateway with one answer for each path.
func at(answers map[string]reply) *gateway {
	g := &gateway{answers: make(map[string][]reply)}
	for path, answer := range answers {
		g.answers[path] = []reply{answer}
	}
	return g
}

func platformKeys() []auth.PlatformKey {
	return []auth.PlatformKey{auth.PublicKey(platformKeyID, &keys().platform.PublicKey)}
}

func (g *gateway) client(t testing.TB) *wechatpay.Client { return clientOver(t, g) }

// clientOver is a client that reaches its gateway through transport.
func clientOver(t testing.TB, transport http.RoundTripper, opts ...wechatpay.Option) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID:        "1900000109",
		SerialNo:     "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
		PrivateKey:   keys().merchant,
		PlatformKeys: platformKeys(),
		APIv2Key:     "192006250b4c09247ec02edce69f6a2d",
		Certificate:  tls.Certificate{Certificate: [][]byte{{0}}, PrivateKey: keys().merchant},
	}, append(opts, wechatpay.Transport(transport), wechatpay.MaxAttempts(1))...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func said(v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return reply{status: http.StatusOK, body: body}
}

func refusal(code string) reply {
	return reply{status: http.StatusBadRequest, body: []byte(`{"code":"` + code + `","message":"x"}`)}
}

func file(content []byte) reply { return reply{status: http.StatusOK, body: content, file: true} }

const downloadPath = "/v3/billdownload/file"

// told is an answer about a file with this content. Addresses begin with a blank, as in the documents.
func told(content []byte, address string) map[string]any {
	sum := sha1.Sum(content)
	return map[string]any{
		"hash_type": "SHA1", "hash_value": hex.EncodeToString(sum[:]),
		"download_url": " https://api.mch.weixin.qq.com" + downloadPath + "?token=" + address,
	}
}

// plain is a gateway where a trade bill is: told is the answer about it, comes is the file.
func plain(told map[string]any, comes reply) *gateway {
	return at(map[string]reply{"/v3/bill/tradebill": said(told), downloadPath: comes})
}

func packed(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}

const partKey, partNonce = "0123456789abcdef0123456789abcdef", "a8607ef79034c49c"

// sealed is a part as it comes, and what is told of it.
func sealed(sequence int, content []byte, pack bool) (told1 map[string]any, comes []byte) {
	comes = content
	if pack {
		comes = packed(content)
	}
	comes, err := crypt.SealGCM(partKey, partNonce, "", comes)
	if err != nil {
		panic(err)
	}
	key, err := crypt.EncryptOAEP(&keys().merchant.PublicKey, partKey)
	if err != nil {
		panic(err)
	}
	told1 = told(content, "x")
	told1["download_url"] = fmt.Sprintf("https://api.mch.weixin.qq.com%s/%d?token=x", downloadPath, sequence)
	told1["bill_sequence"], told1["encrypt_key"], told1["nonce"] = sequence, key, partNonce
	return told1, comes
}

// inParts is a gateway where an encrypted bill is, in parts.
func inParts(pack bool, contents ...[]byte) *gateway {
	answers := map[string]reply{}
	var list []map[string]any
	for i, content := range contents {
		told, comes := sealed(i+1, content, pack)
		list = append([]map[string]any{told}, list...) // backwards, for the numbers hold
		answers[fmt.Sprintf("%s/%d", downloadPath, i+1)] = file(comes)
	}
	answers["/v3/ecommerce/bill/fundflowbill"] = said(map[string]any{"download_bill_count": len(list), "download_bill_list": list})
	return at(answers)
}

// all are the rows up to the first error.
func all[R any](rows iter.Seq2[R, error]) (got []R, err error) {
	for row, err := range rows {
		if err != nil {
			return got, err
		}
		got = append(got, row)
	}
	return got, nil
}

// ways are the ways of getting a bill. Of Open, an error means no rows.
func ways[R Row[R]]() map[string]func(*testing.T, *wechatpay.Client, Request[R], ...Option) ([]R, error) {
	return map[string]func(*testing.T, *wechatpay.Client, Request[R], ...Option) ([]R, error){
		"Open": func(t *testing.T, c *wechatpay.Client, r Request[R], opts ...Option) ([]R, error) {
			b, err := Open(t.Context(), c, r, opts...)
			if err != nil {
				return nil, err
			}
			defer func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}()
			rows, err := all(b.Rows())
			if err != nil || int64(len(rows)) != b.Summary.Rows {
				t.Errorf("a bill that was checked has %d rows of %d, and the error %v", len(rows), b.Summary.Rows, err)
			}
			return rows, nil
		},
		"Stream": func(t *testing.T, c *wechatpay.Client, r Request[R], opts ...Option) ([]R, error) {
			return all(Stream(t.Context(), c, r, opts...))
		},
	}
}

// checkGone fails if there is a file in dir, or an open one that was.
func checkGone(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in the directory: %v, %v", left, err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	if left := stillOpen(dir); len(left) > 0 {
		t.Errorf("still open: %v", left)
	}
}

// stillOpen are the files that were made in dir and take up room, with a name or without.
func stillOpen(dir string) (left []string) {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && strings.HasPrefix(name, dir+"/") {
			left = append(left, name)
		}
	}
	return left
}
