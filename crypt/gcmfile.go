package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// This file is GCM for files that do not fit into memory, such as encrypted bills. The standard library opens
// what it has whole, for what is not authenticated must not be used. Here the ciphertext is read twice: once
// to authenticate it, which needs no plaintext, and once to decrypt it.

// maxGCMFile is as much plaintext as GCM encrypts with one nonce, in bytes.
const maxGCMFile = 1<<36 - 32

// OpenGCMFile decrypts AEAD_AES_256_GCM as [OpenGCM] does, of a file of size bytes that has the tag at its
// end. It reads the file once, and returns the plaintext only if all of it is authentic; if not, the error
// wraps [ErrDecrypt]. The plaintext reads the file again: it must not change meanwhile.
func OpenGCMFile(key, nonce, associatedData string, file io.ReaderAt, size int64) (io.Reader, error) {
	if err := CheckAPIv3Key(key); err != nil {
		return nil, errors.New("the key of the file has not the 32 bytes that AEAD_AES_256_GCM needs")
	}
	if nonce == "" || size < tagSize || size-tagSize > maxGCMFile {
		return nil, ErrDecrypt
	}
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		return nil, errors.New("not an AES key")
	}
	hash := newGHASH(block)
	counter := firstCounter(hash, nonce)
	hash.Write([]byte(associatedData))
	hash.pad()
	length := size - tagSize
	if _, err := io.CopyBuffer(hash, io.NewSectionReader(file, 0, length), make([]byte, 64<<10)); err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	hash.pad()
	hash.lengths(uint64(len(associatedData)), uint64(length))
	var tag, want [tagSize]byte
	if _, err := file.ReadAt(tag[:], length); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	block.Encrypt(want[:], counter[:])
	subtle.XORBytes(want[:], want[:], hash.sum())
	if subtle.ConstantTimeCompare(tag[:], want[:]) != 1 {
		return nil, ErrDecrypt
	}
	return &gcmReader{block: block, counter: counter, from: io.NewSectionReader(file, 0, length)}, nil
}

// firstCounter is the counter that the tag is encrypted with; those of the plaintext follow it. It is made with
// hash, which is new again afterwards.
func firstCounter(hash *ghash, nonce string) (counter [aes.BlockSize]byte) {
	if len(nonce) == 12 {
		copy(counter[:], nonce)
		counter[15] = 1
		return counter
	}
	hash.Write([]byte(nonce))
	hash.pad()
	hash.lengths(0, uint64(len(nonce)))
	copy(counter[:], hash.sum())
	hash.high, hash.low = 0, 0
	return counter
}

// gcmReader decrypts what was authenticated.
type gcmReader struct {
	block   cipher.Block
	counter [aes.BlockSize]byte // of the block before the next stream
	from    io.Reader

	stream cipher.Stream
	left   int64 // bytes of the stream, until the counter starts again
}

func (r *gcmReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		r.next()
	}
	n, err := r.from.Read(p[:min(int64(len(p)), r.left)])
	r.stream.XORKeyStream(p[:n], p[:n])
	r.left -= int64(n)
	return n, err
}

// next is the stream up to where the counter starts again: GCM counts in the last four bytes, CTR in all.
func (r *gcmReader) next() {
	count := binary.BigEndian.Uint32(r.counter[12:]) + 1
	binary.BigEndian.PutUint32(r.counter[12:], count)
	r.stream = cipher.NewCTR(r.block, r.counter[:])
	r.left = (math.MaxUint32 - int64(count) + 1) * aes.BlockSize
	binary.BigEndian.PutUint32(r.counter[12:], math.MaxUint32)
}

// ghash is the hash of GCM, NIST SP 800-38D §6.4. An element of the field is 128 bits, of which the first is the
// constant term: high holds the first 64.
type ghash struct {
	times     [256]element // the key times a byte at the beginning of an element
	reduced   [256]uint64  // what a byte at the end comes to when it is shifted out; the high half
	high, low uint64
	rest      [aes.BlockSize]byte // of a block that is not whole
	held      int
}

type element struct{ high, low uint64 }

func newGHASH(block cipher.Block) *ghash {
	var key [aes.BlockSize]byte
	block.Encrypt(key[:], key[:])
	g := &ghash{}
	e := element{binary.BigEndian.Uint64(key[:8]), binary.BigEndian.Uint64(key[8:])}
	for bit := 0x80; bit > 0; bit >>= 1 {
		g.times[bit] = e
		e = e.timesX()
	}
	for b := range 256 {
		for bit := 0x80; bit > 0; bit >>= 1 {
			if b&bit != 0 && b != bit {
				g.times[b].high ^= g.times[bit].high
				g.times[b].low ^= g.times[bit].low
			}
		}
		e := element{0, uint64(b)}
		for range 8 {
			e = e.timesX()
		}
		g.reduced[b] = e.high
	}
	return g
}

// timesX is e times the polynomial x.
func (e element) timesX() element {
	const reduction = 0xe1 << 56 // 1 + x + x² + x⁷, which x¹²⁸ comes to
	return element{e.high>>1 ^ (e.low&1)*reduction, e.low>>1 | e.high<<63}
}

// Write takes all of p, as a hash.Hash does.
func (g *ghash) Write(p []byte) (int, error) {
	size := len(p)
	if g.held > 0 {
		n := copy(g.rest[g.held:], p)
		g.held, p = g.held+n, p[n:]
		if g.held < len(g.rest) {
			return size, nil
		}
		g.add(g.rest[:])
		g.held = 0
	}
	for ; len(p) >= aes.BlockSize; p = p[aes.BlockSize:] {
		g.add(p[:aes.BlockSize])
	}
	g.held = copy(g.rest[:], p)
	return size, nil
}

// pad fills the last block up with zeros.
func (g *ghash) pad() {
	if g.held == 0 {
		return
	}
	clear(g.rest[g.held:])
	g.add(g.rest[:])
	g.held = 0
}

// lengths adds the block at the end, which has two lengths. They are given in bytes.
func (g *ghash) lengths(first, second uint64) {
	var block [aes.BlockSize]byte
	binary.BigEndian.PutUint64(block[:8], first*8)
	binary.BigEndian.PutUint64(block[8:], second*8)
	g.add(block[:])
}

// add is one step: the block is added, and all multiplied by the key, byte by byte from the end.
func (g *ghash) add(block []byte) {
	high, low := g.high^binary.BigEndian.Uint64(block[:8]), g.low^binary.BigEndian.Uint64(block[8:16])
	var product element
	for range 8 {
		product = g.step(product, byte(low))
		low >>= 8
	}
	for range 8 {
		product = g.step(product, byte(high))
		high >>= 8
	}
	g.high, g.low = product.high, product.low
}

func (g *ghash) step(e element, b byte) element {
	t := &g.times[b]
	return element{e.high>>8 ^ g.reduced[byte(e.low)] ^ t.high, e.low>>8 | e.high<<56 ^ t.low}
}

func (g *ghash) sum() []byte {
	sum := binary.BigEndian.AppendUint64(nil, g.high)
	return binary.BigEndian.AppendUint64(sum, g.low)
}
