// Package download hands over a file while it comes in: no more than is wanted, unpacked where it
// was packed, and compared with a hash at its end.
package download

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// Hash is what an earlier answer told about a file.
type Hash struct {
	new  func() hash.Hash
	want []byte
}

// ParseHash reads hash_type and hash_value: the hash in hexadecimal.
func ParseHash(kind, value string) (*Hash, error) {
	h := &Hash{}
	switch strings.ToUpper(kind) {
	case "SHA1":
		h.new = sha1.New
	case "SHA256":
		h.new = sha256.New
	default:
		return nil, fmt.Errorf("the hash type %.16q is not known: want SHA1 or SHA256", kind)
	}
	want, err := hex.DecodeString(value)
	if err != nil || len(want) != h.new().Size() {
		return nil, fmt.Errorf("the hash is not one of %s in hexadecimal", strings.ToUpper(kind))
	}
	h.want = want
	return h, nil
}

// Of tells whether h is the hash of content.
func (h *Hash) Of(content []byte) bool {
	sum := h.new()
	sum.Write(content)
	return bytes.Equal(sum.Sum(nil), h.want)
}

// Config says how a file is read.
type Config struct {
	Hash     *Hash         // of the file, unpacked; nil if none is known
	MaxBytes int64         // of the file, unpacked; 0 if it may be of any size
	Unpack   bool          // it may come as gzip
	Timeout  time.Duration // how long a piece of it may take to come

	Cancel context.CancelCauseFunc // ends the request
}

// Reader is a file that comes in. It is not safe for concurrent use, as a file is not.
type Reader struct {
	c     Config
	body  io.ReadCloser
	plain io.Reader // what comes of body, nil until it is unpacked
	hash  hash.Hash
	left  int64 // of MaxBytes
	timer *time.Timer
	late  atomic.Bool // the timer ended the request
	err   error       // of the end
}

var _ io.ReadCloser = (*Reader)(nil)

// New reads a file from body.
func New(body io.ReadCloser, c Config) *Reader {
	r := &Reader{c: c, body: body, left: c.MaxBytes}
	if !c.Unpack {
		r.plain = body
	}
	if c.Hash != nil {
		r.hash = c.Hash.new()
	}
	// It runs while a piece is waited for, and not while the reader is busy with the last one.
	r.timer = time.AfterFunc(c.Timeout, func() {
		r.late.Store(true)
		c.Cancel(context.DeadlineExceeded)
	})
	r.timer.Stop()
	return r
}

// Read returns io.EOF only if the file came whole, and with its hash.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	n, err := r.next(p)
	if r.hash != nil {
		r.hash.Write(p[:n])
	}
	switch {
	case r.c.MaxBytes > 0 && int64(n) > r.left:
		n, err = int(r.left), fmt.Errorf("the file has more than %d bytes", r.c.MaxBytes)
	case err == io.EOF && r.hash != nil && !bytes.Equal(r.hash.Sum(nil), r.c.Hash.want):
		err = errors.New("the file does not have the hash that was told: it was changed or cut off")
	case err != nil && r.late.Load():
		err = fmt.Errorf("the file broke off, nothing came for %v: %w", r.c.Timeout, context.DeadlineExceeded)
	case err != nil && err != io.EOF:
		err = fmt.Errorf("the file broke off: %w", err)
	}
	r.left -= int64(n)
	if err != nil {
		r.end(err)
	}
	return n, err
}

// next is the next piece of the unpacked file. It may be a byte more than is left, so that the end
// can be told from more.
func (r *Reader) next(p []byte) (n int, err error) {
	r.timer.Reset(r.c.Timeout)
	defer r.timer.Stop()
	if r.plain == nil {
		if r.plain, err = Unpack(r.body); err != nil {
			return 0, err
		}
	}
	if r.c.MaxBytes > 0 && int64(len(p)) > r.left+1 {
		p = p[:r.left+1]
	}
	return r.plain.Read(p)
}

// maxRatio is how many times the size of what was packed its content may have, beyond the first MiB. Bills, which are
// much the same from row to row, come to 30; gzip itself can come to a thousand, which fills a disk.
const (
	maxRatio  = 200
	freeBytes = 1 << 20
)

// Unpack is what file holds. What does not begin as gzip does was unpacked before, as net/http does
// where a server says Content-Encoding.
func Unpack(file io.Reader) (io.Reader, error) {
	packed := &counted{Reader: file}
	buffered := bufio.NewReader(packed)
	if magic, err := buffered.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return buffered, nil
	}
	plain, err := gzip.NewReader(buffered)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &bounded{plain: plain, packed: packed}, err
}

// counted counts what is read of a packed file.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded is unpacked content that is not out of all proportion.
type bounded struct {
	plain  io.Reader
	packed *counted
	n      int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.plain.Read(p)
	b.n += int64(n)
	if b.n > freeBytes+maxRatio*b.packed.n {
		return 0, fmt.Errorf("the file unpacks to more than %d times its size", maxRatio)
	}
	return n, err
}

// Close ends the download. What was not read to its end was not checked.
func (r *Reader) Close() error {
	if r.err == nil {
		r.end(errors.New("the download is closed"))
	}
	return nil
}

func (r *Reader) end(err error) {
	r.err = err
	r.timer.Stop()
	_ = r.body.Close()
	r.c.Cancel(context.Canceled)
}
