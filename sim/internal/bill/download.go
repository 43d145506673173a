package bill

import (
	"bytes"
	"strings"

	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/shape"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// download hands over the file of a token. It may be downloaded again as long as the token is good.
func (p *Product) download(tx *store.Tx, c *front.Call) (any, error) {
	text := c.Query("token")
	if strings.HasPrefix(text, shape.Token) {
		return nil, front.ErrNoRules // a bill of a product that has none
	}
	t := p.open(text)
	switch {
	case t == nil:
		return nil, noToken().With("the gateway made no such token")
	case t.Bill.MchID != c.Merchant.MchID:
		return nil, refuse(403, "NO_AUTH", "无权限下载该账单", 0).Guessed(front.Invented).With("another merchant asked for this bill")
	case tx.Now.After(t.Made.Add(tokenLife)):
		return nil, noToken().With("the token was good for five minutes of the business clock: ask for the bill again")
	}
	content, ok := t.content(p.file(tx, t.Bill))
	if !ok {
		return nil, noToken().With("the gateway was reset since the token was made")
	}
	file := asText(content)
	if strings.EqualFold(c.Query("tartype"), "gzip") {
		packed, err := file.Packed()
		if err != nil {
			return nil, err
		}
		file = packed
	}
	if t.Part == 0 {
		return file, nil
	}
	ciphertext, err := crypt.SealGCM(t.Key, t.Nonce, "", file.Content)
	return &front.File{Type: "application/octet-stream", Content: ciphertext}, err
}

func noToken() *front.Refusal {
	return refuse(400, "INVALID_REQUEST", "账单下载地址已失效，请重新申请账单", 0).Guessed(front.Invented)
}

func asText(content []byte) *front.File {
	return &front.File{Type: "text/plain; charset=utf-8", Content: content}
}

// content is what the token stands for of a bill.
func (t *token) content(bill []byte) ([]byte, bool) {
	if t.Part == 0 {
		return bill, bill != nil
	}
	all := parts(bill)
	if t.Part > len(all) {
		return nil, false
	}
	return all[t.Part-1], true
}

// partSize is from which size on an encrypted bill comes in several parts: a millionth of the real one,
// 16 GB, so that it can be seen.
const partSize = 16 << 10

// parts are what a bill is cut into, at ends of lines. One after the other they are the bill.
func parts(bill []byte) (all [][]byte) {
	for len(bill) > partSize {
		end := bytes.LastIndexByte(bill[:partSize], '\n') + 1
		if end == 0 {
			break // a line that is longer than a part
		}
		all, bill = append(all, bill[:end]), bill[end:]
	}
	if len(bill) > 0 {
		all = append(all, bill)
	}
	return all
}
