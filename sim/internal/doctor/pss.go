package doctor

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"encoding/binary"
	"hash"
)

// pss is a signature that was padded by PSS, with its salt laid open.
type pss struct {
	hash    hash.Hash
	salt    []byte
	sum     []byte // of eight zeros, the hash of the text, and the salt
	certain bool   // whether its form leaves no doubt
}

// openPSS reads a block of so many bits as PSS with the hashes that libraries combine. See RFC 8017,
// section 9.1.2.
func openPSS(block []byte, bits int) []*opened {
	var all []*opened
	for _, h := range []struct{ text, mask crypto.Hash }{
		{crypto.SHA256, crypto.SHA256},
		{crypto.SHA256, crypto.SHA1}, // what Java does unless it is told otherwise
		{crypto.SHA1, crypto.SHA1},
	} {
		p := unmask(block, bits, h.text, h.mask)
		if p == nil {
			continue
		}
		o := &opened{hash: h.text.New(), pss: p, notes: []note{{mistake: "pss"}}}
		if h.text != crypto.SHA256 {
			o.notes = append(o.notes, note{mistake: "other-hash", detail: h.text.String()})
		}
		all = append(all, o)
	}
	return all
}

// unmask lays the salt open, or returns nil if block is not of this form.
func unmask(block []byte, bits int, text, mask crypto.Hash) *pss {
	if bits%8 == 0 { // the topmost byte is not used, which no key of whole bytes comes to
		return nil
	}
	n := len(block) - text.Size() - 1
	if n < 1 || block[len(block)-1] != 0xbc {
		return nil
	}
	sum := block[n : n+text.Size()]
	data := make([]byte, n)
	subtle.XORBytes(data, block[:n], generate(mask.New(), sum, n))
	data[0] &= 0xff >> (8*len(block) - bits)
	rest := bytes.TrimLeft(data, "\x00")
	if len(rest) == 0 || rest[0] != 1 {
		return nil
	}
	const zeros = 10 // that come about by chance once in 2^80
	return &pss{hash: text.New(), salt: rest[1:], sum: sum, certain: n-len(rest) >= zeros}
}

// generate is the mask generation function MGF1.
func generate(h hash.Hash, seed []byte, n int) []byte {
	var mask []byte
	for i := uint32(0); len(mask) < n; i++ {
		h.Reset()
		h.Write(seed)
		h.Write(binary.BigEndian.AppendUint32(nil, i))
		mask = h.Sum(mask)
	}
	return mask[:n]
}

// signs tells whether sum is the hash of the text that was signed.
func (p *pss) signs(sum []byte) bool {
	p.hash.Reset()
	p.hash.Write(make([]byte, 8))
	p.hash.Write(sum)
	p.hash.Write(p.salt)
	return bytes.Equal(p.hash.Sum(nil), p.sum)
}
