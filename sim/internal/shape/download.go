package shape

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/url"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/sm3"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
)

// bill is a statement of a day without trades: its headings, and the summary.
const bill = "\ufeff交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额," +
	"微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n" +
	"总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00\r\n"

// pixel is a PNG of one pixel.
const pixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff\xff\x7f\x00\x09\xfb\x03\xfd\x05\x43\x45\xca\x00\x00\x00\x00IEND\xaeB`\x82"

// receipt is a PDF with an empty page.
const receipt = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

// fileOf is the file that an operation hands over, by what its path is about.
func fileOf(op *catalog.Operation) front.File {
	switch {
	case strings.Contains(op.Path, "image"):
		return front.File{Type: "image/png", Content: []byte(pixel)}
	case strings.Contains(op.Path, "bill"), strings.Contains(op.Path, "fundflow"), strings.Contains(op.Path, "statement"):
		return front.File{Type: "text/plain; charset=utf-8", Content: []byte(bill)}
	}
	return front.File{Type: "application/pdf", Content: []byte(receipt)}
}

// download answers an operation that hands over a file: packed and then encrypted, if its URL says so.
// That a bill is packed first is a guess.
func download(op *catalog.Operation, query func(name string) string) (*front.File, error) {
	file := fileOf(op)
	if strings.EqualFold(query("tartype"), "gzip") {
		packed, err := file.Packed()
		if err != nil {
			return nil, err
		}
		file = *packed
	}
	if token := query("token"); strings.HasPrefix(token, sealed) {
		key, nonce := sealing(token)
		ciphertext, err := crypt.SealGCM(key, nonce, "", file.Content)
		return &front.File{Type: "application/octet-stream", Content: ciphertext}, err
	}
	return &file, nil
}

// Token begins the token of a file that has no rules, and sealed that of an encrypted one.
const (
	Token  = "shaped-"
	sealed = Token + "sealed-"
)

// sealing is what a file is encrypted with. Its token tells, for nothing else is kept.
func sealing(token string) (key, nonce string) {
	sum := sha256.Sum256([]byte(token))
	text := hex.EncodeToString(sum[:])
	return text[:crypt.APIv3KeySize], text[crypt.APIv3KeySize:][:16]
}

// links are the operations that a download_url leads to, by a word of its label. The last is for all
// others: bills.
var links = []struct{ word, id string }{
	{"发票", "GET /invoicing/fapiao/fapiao-file"},
	{"回单", "GET /v3/transferdownload/signfile"},
	{"", "GET /v3/billdownload/file"},
}

// link lets the download_url of an object lead to a file of this gateway, and the hash beside it be
// that of the file, so that the download that follows can be tried.
func (a *answer) link(fields []catalog.Field, object map[string]any) {
	i := slices.IndexFunc(fields, func(f catalog.Field) bool { return f.Name == "download_url" && f.Type == "string" })
	if i < 0 {
		return
	}
	var op *catalog.Operation
	for _, l := range links {
		if strings.Contains(fields[i].Label, l.word) {
			op = catalog.Find(l.id)
			break
		}
	}
	if op == nil {
		return
	}
	query := url.Values{}
	for _, f := range op.Request.Query {
		if f.Required {
			query.Set(f.Name, fitted(&f, a.text(&f)))
		}
	}
	if token := query.Get("token"); token != "" {
		query.Set("token", Token+token)
	}
	if a.c.Query("tar_type") == "GZIP" {
		query.Set("tartype", "gzip")
	}
	if object["encrypt_key"] != nil && object["nonce"] != nil && a.c.Query("algorithm") != "SM4_GCM" {
		token := sealed + strings.TrimPrefix(query.Get("token"), Token)
		query.Set("token", token)
		object["encrypt_key"], object["nonce"] = sealing(token)
	}
	object["download_url"] = a.c.Origin + op.Path + "?" + query.Encode()
	if object["hash_value"] != nil {
		object["hash_type"], object["hash_value"] = digest(object["hash_type"], fileOf(op).Content)
	}
}

// hashes make the digests that hash_type names. Bills have SHA-1 without saying so.
var hashes = map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SM3": sm3.New}

func digest(kind any, content []byte) (name, value string) {
	name, _ = kind.(string)
	if hashes[name] == nil {
		name = "SHA1"
	}
	h := hashes[name]()
	h.Write(content)
	return name, hex.EncodeToString(h.Sum(nil))
}
