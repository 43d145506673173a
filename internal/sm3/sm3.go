// Package sm3 is the hash SM3 of GB/T 32905-2016, which the standard library lacks and invoices are
// digested with.
package sm3

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

const (
	size      = 32 // of a digest
	blockSize = 64
)

var start = [8]uint32{0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e}

type digest struct {
	state  [8]uint32
	rest   [blockSize]byte // what was written after the last whole block
	length uint64          // of all that was written
}

var _ hash.Hash = (*digest)(nil)

// New returns a hash that nothing was written to.
func New() hash.Hash { return &digest{state: start} }

func (d *digest) Size() int      { return size }
func (d *digest) BlockSize() int { return blockSize }
func (d *digest) Reset()         { *d = digest{state: start} }

func (d *digest) Write(p []byte) (int, error) {
	n := len(p)
	if kept := d.length % blockSize; kept > 0 {
		taken := copy(d.rest[kept:], p)
		p = p[taken:]
		if kept+uint64(taken) == blockSize {
			d.compress(d.rest[:])
		}
	}
	for ; len(p) >= blockSize; p = p[blockSize:] {
		d.compress(p[:blockSize])
	}
	if len(p) > 0 {
		copy(d.rest[:], p)
	}
	d.length += uint64(n)
	return n, nil
}

// Sum pads a copy, so that more can be written afterwards.
func (d *digest) Sum(b []byte) []byte {
	end := *d
	padding := make([]byte, 1+(blockSize+55-d.length%blockSize)%blockSize, blockSize+8)
	padding[0] = 0x80
	_, _ = end.Write(binary.BigEndian.AppendUint64(padding, d.length*8))
	for _, word := range end.state {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	return b
}

// compress is the function CF of the standard, and has the standard's names.
func (d *digest) compress(block []byte) {
	var w [68]uint32
	for j := range 16 {
		w[j] = binary.BigEndian.Uint32(block[4*j:])
	}
	for j := 16; j < 68; j++ {
		x := w[j-16] ^ w[j-9] ^ bits.RotateLeft32(w[j-3], 15)
		p1 := x ^ bits.RotateLeft32(x, 15) ^ bits.RotateLeft32(x, 23)
		w[j] = p1 ^ bits.RotateLeft32(w[j-13], 7) ^ w[j-6]
	}
	v := &d.state
	a, b, c, d0, e, f, g, h := v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
	for j := range 64 {
		t, ff, gg := uint32(0x79cc4519), a^b^c, e^f^g
		if j >= 16 {
			t, ff, gg = 0x7a879d8a, a&b|a&c|b&c, e&f|^e&g
		}
		ss1 := bits.RotateLeft32(bits.RotateLeft32(a, 12)+e+bits.RotateLeft32(t, j%32), 7)
		ss2 := ss1 ^ bits.RotateLeft32(a, 12)
		tt1 := ff + d0 + ss2 + (w[j] ^ w[j+4])
		tt2 := gg + h + ss1 + w[j]
		a, b, c, d0 = tt1, a, bits.RotateLeft32(b, 9), c
		e, f, g, h = tt2^bits.RotateLeft32(tt2, 9)^bits.RotateLeft32(tt2, 17), e, bits.RotateLeft32(f, 19), g
	}
	for i, word := range [8]uint32{a, b, c, d0, e, f, g, h} {
		v[i] ^= word
	}
}
