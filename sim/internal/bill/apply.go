package bill

import (
	"cmp"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"net/url"
	"slices"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// This file is asking for bills: the answer tells where the file is, and its hash.

// link is where a file is.
type link struct {
	URL      string `json:"download_url"`
	HashType string `json:"hash_type"`
	Hash     string `json:"hash_value"` // of the file as it is when it is unpacked
}

func (p *Product) applyTrade(tx *store.Tx, c *front.Call) (any, error) {
	return p.apply(tx, c, &request{Type: cmp.Or(c.Query("bill_type"), typeAll), SubMch: c.Query("sub_mchid")})
}

func (p *Product) applyFund(tx *store.Tx, c *front.Call) (any, error) {
	return p.apply(tx, c, &request{Fund: true, Type: cmp.Or(c.Query("account_type"), "BASIC"), SubMch: c.Query("sub_mchid")})
}

func (p *Product) apply(tx *store.Tx, c *front.Call, r *request) (any, error) {
	content, err := p.made(tx, c, r)
	if err != nil {
		return nil, err
	}
	return p.link(tx, c, &token{Bill: r}, content)
}

// made is the bill that a call asks for.
func (p *Product) made(tx *store.Tx, c *front.Call, r *request) ([]byte, error) {
	r.Day, r.MchID = day(c.Query("bill_date")), c.Merchant.MchID
	if err := p.permit(r); err != nil {
		return nil, err
	}
	if err := refusals[r.Day.at(tx.Now)]; err != nil {
		return nil, err()
	}
	content := p.file(tx, r)
	if content == nil {
		return nil, refuse(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在", 270522881)
	}
	return content, nil
}

// link makes the token by which content is downloaded.
func (p *Product) link(tx *store.Tx, c *front.Call, t *token, content []byte) (*link, error) {
	t.Made = tx.Now
	text, err := p.seal(t)
	if err != nil {
		return nil, err
	}
	address := c.Origin + "/v3/billdownload/file?token=" + url.QueryEscape(text)
	if c.Query("tar_type") == "GZIP" {
		address += "&tartype=gzip"
	}
	sum := sha1.Sum(content)
	return &link{URL: address, HashType: "SHA1", Hash: hex.EncodeToString(sum[:])}, nil
}

// permit refuses bills of who is none of the caller's.
func (p *Product) permit(r *request) error {
	switch {
	case r.SubMch == "" && !r.AllSubs:
		return nil
	case !slices.ContainsFunc(p.world.Merchants, isSubOf(r.MchID)):
		return refuse(403, "NO_AUTH", "无权调用此接口", 270522900).Guessed(front.Inferred).With("the merchant is nobody's parent")
	case r.AllSubs:
		return nil
	case p.world.Merchant(r.SubMch) == nil:
		return refuse(400, "INVALID_REQUEST", "无效的商户号", 270522892).Guessed(front.Inferred)
	case !p.isSub(r.SubMch, r.MchID):
		return refuse(400, "INVALID_REQUEST", "不是指定的子商户的父商户", 270522890).Guessed(front.Inferred)
	}
	return nil
}

// sealedLink is a part of an encrypted bill.
type sealedLink struct {
	Sequence int `json:"bill_sequence"`
	*link
	Key   string `json:"encrypt_key"` // which the front encrypts with the key of the caller's certificate
	Nonce string `json:"nonce"`
}

func (p *Product) applySubMerchant(tx *store.Tx, c *front.Call) (any, error) {
	return p.applySealed(tx, c, &request{Fund: true, Type: c.Query("account_type"), SubMch: c.Query("sub_mchid")})
}

func (p *Product) applyEcommerce(tx *store.Tx, c *front.Call) (any, error) {
	return p.applySealed(tx, c, &request{Fund: true, Type: c.Query("account_type"), AllSubs: true})
}

func (p *Product) applySealed(tx *store.Tx, c *front.Call, r *request) (any, error) {
	content, err := p.made(tx, c, r)
	if err != nil {
		return nil, err
	}
	if c.Query("algorithm") == "SM4_GCM" {
		return nil, refuse(400, "INVALID_REQUEST", "不支持的加密算法", 0).Guessed(front.Invented).With("the simulator has no SM4")
	}
	var list []sealedLink
	for i, part := range parts(content) {
		t := &token{Bill: r, Part: i + 1, Key: randomHex(16), Nonce: randomHex(8)}
		link, err := p.link(tx, c, t, part)
		if err != nil {
			return nil, err
		}
		list = append(list, sealedLink{i + 1, link, t.Key, t.Nonce})
	}
	return struct {
		Count int          `json:"download_bill_count"`
		List  []sealedLink `json:"download_bill_list"`
	}{len(list), list}, nil
}

func randomHex(n int) string {
	raw := make([]byte, n)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}
