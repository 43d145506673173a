package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

const fileKey = "0123456789abcdef0123456789abcdef"

func TestAFileOpensAsTheStandardLibrarySealsIt(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{7})
	for _, size := range []int{0, 1, 15, 16, 17, 31, 32, 33, 255, 4096, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200_001} {
		for _, nonce := range []string{"x", "0123456789ab", "a8607ef79034c49c", "0123456789abcdefghijk"} {
			for _, data := range []string{"", "bill", "sixteen bytes ad", "more than a block of associated data"} {
				plaintext := make([]byte, size)
				_, _ = random.Read(plaintext)
				sealed, err := SealGCM(fileKey, nonce, data, plaintext)
				if err != nil {
					t.Fatal(err)
				}
				r, err := OpenGCMFile(fileKey, nonce, data, bytes.NewReader(sealed), int64(len(sealed)))
				if err != nil {
					t.Fatalf("%d bytes with the nonce %q and %q: %v", size, nonce, data, err)
				}
				if err := iotest.TestReader(r, plaintext); err != nil {
					t.Errorf("%d bytes with the nonce %q and %q: %v", size, nonce, data, err)
				}
			}
		}
	}
}

func TestAFileThatIsNotAuthenticDoesNotOpen(t *testing.T) {
	t.Parallel()
	sealed, err := SealGCM(fileKey, "a8607ef79034c49c", "", bytes.Repeat([]byte("0.01,"), 100))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, key, nonce, data string, file []byte) {
		t.Helper()
		if r, err := OpenGCMFile(key, nonce, data, bytes.NewReader(file), int64(len(file))); r != nil || !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s: opened %v, %v", what, r, err)
		}
	}
	for i := range len(sealed) * 8 {
		flipped := bytes.Clone(sealed)
		flipped[i/8] ^= 1 << (i % 8)
		refused("a bit flipped", fileKey, "a8607ef79034c49c", "", flipped)
	}
	for n := range sealed {
		refused("cut off", fileKey, "a8607ef79034c49c", "", sealed[:n])
	}
	refused("another key", "1123456789abcdef0123456789abcdef", "a8607ef79034c49c", "", sealed)
	refused("another nonce", fileKey, "a8607ef79034c49d", "", sealed)
	refused("no nonce", fileKey, "", "", sealed)
	refused("other associated data", fileKey, "a8607ef79034c49c", "x", sealed)
	refused("nothing", fileKey, "a8607ef79034c49c", "", nil)
	if _, err := OpenGCMFile("short", "n", "", bytes.NewReader(sealed), int64(len(sealed))); err == nil {
		t.Error("a key of five bytes opened it")
	}
	if _, err := OpenGCMFile(fileKey, "n", "", bytes.NewReader(sealed), maxGCMFile+tagSize+1); !errors.Is(err, ErrDecrypt) {
		t.Errorf("more than GCM encrypts gives %v", err)
	}
	broken := errors.New("the disk is broken")
	if _, err := OpenGCMFile(fileKey, "n", "", readerAt(func([]byte, int64) (int, error) { return 0, broken }), 100); !errors.Is(err, broken) {
		t.Errorf("a file that cannot be read gives %v", err)
	}
	if _, err := OpenGCMFile(fileKey, "a8607ef79034c49c", "", bytes.NewReader(sealed[:50]), int64(len(sealed))); err == nil {
		t.Error("a file that is shorter than it was said opened")
	}
}

type readerAt func([]byte, int64) (int, error)

func (r readerAt) ReadAt(p []byte, at int64) (int, error) { return r(p, at) }

// TestTheCounterStartsAgain: GCM counts in four bytes. With some nonces that ends within a file.
func TestTheCounterStartsAgain(t *testing.T) {
	t.Parallel()
	block, err := aes.NewCipher([]byte(fileKey))
	if err != nil {
		t.Fatal(err)
	}
	const before = 3 // blocks until the counter starts again
	counter := [aes.BlockSize]byte{0: 1, 11: 0xff}
	binary.BigEndian.PutUint32(counter[12:], math.MaxUint32-before)
	var want []byte
	next := counter
	for i := range uint32(2 * before) {
		binary.BigEndian.PutUint32(next[12:], math.MaxUint32-before+1+i) // which wraps
		var key [aes.BlockSize]byte
		block.Encrypt(key[:], next[:])
		want = append(want, key[:]...)
	}
	r := &gcmReader{block: block, counter: counter, from: bytes.NewReader(make([]byte, len(want)))}
	if got, err := io.ReadAll(iotest.OneByteReader(r)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("it decrypts to %x, %v\nwant %x", got, err, want)
	}
}

func FuzzOpenGCMFile(f *testing.F) {
	f.Add([]byte("plaintext"), "a8607ef79034c49c", "", []byte("forged ciphertext and a tag"))
	f.Add([]byte{}, "x", "data", []byte{})
	f.Fuzz(func(t *testing.T, plaintext []byte, nonce, data string, forged []byte) {
		if r, err := OpenGCMFile(fileKey, nonce, data, bytes.NewReader(forged), int64(len(forged))); r != nil || err == nil {
			t.Errorf("%x opened", forged)
		}
		sealed, err := SealGCM(fileKey, nonce, data, plaintext)
		if err != nil {
			return // no nonce
		}
		r, err := OpenGCMFile(fileKey, nonce, data, bytes.NewReader(sealed), int64(len(sealed)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("it opens to %x, %v; want %x", got, err, plaintext)
		}
	})
}

// BenchmarkOpenGCMFile authenticates and decrypts 16 MiB; beside it the standard library does so in memory.
func BenchmarkOpenGCMFile(b *testing.B) {
	plaintext := make([]byte, 16<<20)
	sealed, err := SealGCM(fileKey, "a8607ef79034c49c", "", plaintext)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("as a stream", func(b *testing.B) {
		b.SetBytes(int64(len(plaintext)))
		for b.Loop() {
			r, err := OpenGCMFile(fileKey, "a8607ef79034c49c", "", bytes.NewReader(sealed), int64(len(sealed)))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 64<<10)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("in memory", func(b *testing.B) {
		b.SetBytes(int64(len(plaintext)))
		block, err := aes.NewCipher([]byte(fileKey))
		if err != nil {
			b.Fatal(err)
		}
		aead, err := cipher.NewGCMWithNonceSize(block, 16)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := aead.Open(nil, []byte("a8607ef79034c49c"), sealed, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
