package download

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func packed(t *testing.T, content []byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := gzip.NewWriterLevel(&file, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestUnpackUndoesWhatWasPacked(t *testing.T) {
	t.Parallel()
	random := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	for name, content := range map[string][]byte{
		"nothing":                  nil,
		"a bill":                   bytes.Repeat([]byte("`2024-11-24 16:00:00,`wx2421b1c4370ec43b,`0.01\r\n"), 1000),
		"a MiB of the same":        make([]byte, freeBytes),
		"what does not get less":   random,
		"what looks like gzip not": []byte("\x1fx"),
	} {
		for how, file := range map[string][]byte{"packed": packed(t, content), "as it is": content} {
			r, err := Unpack(bytes.NewReader(file))
			if err != nil {
				t.Fatal(name, how, err)
			}
			if got, err := io.ReadAll(iotest.HalfReader(r)); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s, %s: unpacks to %d bytes, %v; want %d", name, how, len(got), err, len(content))
			}
		}
	}
}

func TestUnpackRefusesABomb(t *testing.T) {
	t.Parallel()
	file := packed(t, make([]byte, 64<<20))
	r, err := Unpack(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	if err == nil || !strings.Contains(err.Error(), "more than 200 times its size") {
		t.Errorf("a bomb of %d bytes unpacks to %d, %v", len(file), n, err)
	}
	if limit := int64(freeBytes + maxRatio*len(file)); n > limit {
		t.Errorf("it unpacked %d bytes of %d before it stopped, want at most %d", n, len(file), limit)
	}
}

func TestUnpackRefusesWhatIsCutOff(t *testing.T) {
	t.Parallel()
	file := packed(t, []byte("a bill"))
	for n := 2; n < len(file); n++ {
		r, err := Unpack(bytes.NewReader(file[:n]))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Errorf("%d of %d bytes unpack without an error", n, len(file))
		}
	}
}
