package multipart

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/internal/sm3"
)

var usual = Rules{Part: "file", Name: "filename", Digest: "sha256"}

func newForm(t *testing.T, content io.Reader) (*Form, *http.Request) {
	t.Helper()
	f, err := New(usual, "a.jpg", content, nil)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "https://example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Attach(req); err != nil {
		t.Fatal(err)
	}
	return f, req
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestABodyThatIsAskedForAgainIsTheSameAndEndsTheFirst(t *testing.T) {
	t.Parallel()
	content := strings.NewReader("content")
	f, req := newForm(t, content)
	first := req.Body
	if _, err := io.CopyN(io.Discard, first, req.ContentLength-50); err != nil { // into the file
		t.Fatal(err)
	}
	second, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, second)
	if int64(len(text)) != req.ContentLength || !strings.Contains(text, "\r\n\r\ncontent\r\n--"+f.boundary+"--\r\n") {
		t.Errorf("sent %d bytes of %d: %s", len(text), req.ContentLength, text)
	}
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, errEnded) {
		t.Errorf("the first body reads on: %v", err)
	}
	f.Detach()
	if rest := read(t, content); rest != "content" {
		t.Errorf("the file is left with %q", rest)
	}
	if _, err := second.Read(make([]byte, 1)); !errors.Is(err, errEnded) {
		t.Errorf("the second body reads on: %v", err)
	}
	(*Form)(nil).Detach()
}

// broken is a file that does not go back once it was read.
type broken struct {
	*bytes.Reader
	seeks int
}

func (b *broken) Seek(offset int64, whence int) (int64, error) {
	if b.seeks++; b.seeks > 2 {
		return 0, errors.New("the disk is gone")
	}
	return b.Reader.Seek(offset, whence)
}

func TestAFileThatDoesNotGoBackIsAnError(t *testing.T) {
	t.Parallel()
	f, err := New(usual, "a.jpg", &broken{Reader: bytes.NewReader([]byte("x"))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = f.Attach(&http.Request{Header: http.Header{}})
	if err == nil || err.Error() != "the file does not go back to its beginning: the disk is gone" {
		t.Errorf("the error is %v", err)
	}
}

// TestAFileThatShrinksIsNotFilledUp: the length that was announced then does not come, and a server
// refuses the request.
func TestAFileThatShrinksIsNotFilledUp(t *testing.T) {
	t.Parallel()
	content := bytes.NewReader([]byte("content"))
	_, req := newForm(t, content)
	content.Reset([]byte("con"))
	if text := read(t, req.Body); int64(len(text)) >= req.ContentLength {
		t.Errorf("sent %d bytes of %d", len(text), req.ContentLength)
	}
	content = bytes.NewReader([]byte("con"))
	_, req = newForm(t, content)
	content.Reset([]byte("con and more"))
	if text := read(t, req.Body); int64(len(text)) != req.ContentLength {
		t.Errorf("sent %d bytes of %d", len(text), req.ContentLength)
	}
}

func TestAPipeIsKeptInMemory(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("content"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	f, req := newForm(t, r)
	for range 2 {
		if text := read(t, req.Body); !strings.Contains(text, "\r\n\r\ncontent\r\n") {
			t.Errorf("sent %s", text)
		}
		if err := f.Attach(req); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatIsKeptInMemoryHasALimit: where the operation tells none, of a file that can be read only once.
func TestWhatIsKeptInMemoryHasALimit(t *testing.T) {
	t.Parallel()
	small := Rules{Part: "file", Digest: "sha256", Limits: []Limit{{[]string{"jpg"}, 10}}}
	for name, tt := range map[string]struct {
		rules Rules
		size  int64
		want  string // the error, "" for none
	}{
		"as much as is kept":          {usual, MaxKept, ""},
		"a byte more":                 {usual, MaxKept + 1, "the file has more than 33554432 bytes"},
		"as much as the operation":    {small, 10, ""},
		"a byte more than it has too": {small, 11, "the file has more than 10 bytes"},
	} {
		_, err := New(tt.rules, "a.jpg", io.LimitReader(zeros{}, tt.size), nil)
		if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestMetaKeepsWhatGoesWithTheFile(t *testing.T) {
	t.Parallel()
	const digest = `"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"`
	for members, want := range map[string]string{
		"":                         `{"filename":"x.jpg",` + digest + `}`,
		"{}":                       `{"filename":"x.jpg",` + digest + `}`,
		" {\n} ":                   `{"filename":"x.jpg",` + digest + "\n} ",
		`{"a":{"filename":"b"}}`:   `{"filename":"x.jpg",` + digest + `,"a":{"filename":"b"}}`,
		`null`:                     "",
		`[]`:                       "",
		`{"a":1`:                   "",
		`{"filename":"other.jpg"}`: "",
	} {
		var given []byte
		if members != "" {
			given = []byte(members)
		}
		f, err := New(usual, "x.jpg", strings.NewReader("x"), given)
		if (err == nil) != (want != "") || err == nil && string(f.Meta()) != want {
			t.Errorf("%q gives %v, want %s", members, err, want)
			if err == nil {
				t.Logf("got %s", f.Meta())
			}
		}
	}
}

// TestMetaIsAsTheOperationWantsIt: a receipt's meta has no name, and an invoice's digest is SM3.
func TestMetaIsAsTheOperationWantsIt(t *testing.T) {
	t.Parallel()
	const (
		sum256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
		sum3   = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
	)
	tests := map[string]struct {
		rules   Rules
		members string
		want    string
	}{
		"with a name and a SHA-256":     {usual, `{"a":1}`, `{"filename":"x.pdf","sha256":"` + sum256 + `","a":1}`},
		"with a SHA-256 alone":          {Rules{Part: "file", Digest: "sha256"}, `{}`, `{"sha256":"` + sum256 + `"}`},
		"with an SM3 alone":             {Rules{Part: "file", Digest: "digest", Hash: sm3.New}, `{}`, `{"digest":"` + sum3 + `"}`},
		"with an SM3 and what names it": {Rules{Part: "file", Digest: "digest", Hash: sm3.New}, `{"digest_alogrithm":"SM3"}`, `{"digest":"` + sum3 + `","digest_alogrithm":"SM3"}`},
	}
	for name, tt := range tests {
		f, err := New(tt.rules, "x.pdf", strings.NewReader("abc"), []byte(tt.members))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(f.Meta()); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
