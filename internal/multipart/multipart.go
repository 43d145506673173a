// Package multipart makes the body of an upload: the part meta, which is signed and tells a file's
// name and digest, then the file. The file is not kept in memory where it can be read twice.
package multipart

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Rules are what an operation says about its file.
type Rules struct {
	Part   string           // the name of its part
	Name   string           // the member of meta that is its name, "" if meta has none
	Digest string           // the member of meta that is its digest
	Hash   func() hash.Hash // what makes the digest, nil for SHA-256
	Limits []Limit
}

// Limit is how large files of some types may be. Where there are limits, other types are refused.
type Limit struct {
	Types    []string // as names end, without the dot
	MaxBytes int64
}

const (
	maxName = 128 // characters

	// MaxKept is the largest file that is kept in memory, where no limit of its own is documented:
	// one that can be read only once.
	MaxKept = 32 << 20
)

// Form is the body of an upload. It can be sent again.
type Form struct {
	meta       []byte
	head, tail string // what stands around the file
	boundary   string

	content io.ReadSeeker
	start   int64 // where content begins
	size    int64

	mu   sync.Mutex
	sent *body // the last one that was handed out
}

// New reads the file once for its digest, and makes the form. members is a JSON object of what else
// is in meta, nil if there is nothing.
func New(rules Rules, name string, content io.Reader, members []byte) (*Form, error) {
	if v := reflect.ValueOf(content); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, errors.New("the file has no Content")
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	limit, err := rules.limit(name)
	if err != nil {
		return nil, err
	}
	f := &Form{}
	if err := f.hold(content, limit); err != nil {
		return nil, err
	}
	digest, err := f.digest(rules.Hash, limit)
	if err != nil {
		return nil, err
	}
	if f.meta, err = rules.meta(name, digest, members); err != nil {
		return nil, err
	}
	f.boundary = rand.Text()
	f.head = "--" + f.boundary + "\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\r\n" +
		string(f.meta) + "\r\n--" + f.boundary + "\r\nContent-Disposition: form-data; name=\"" + rules.Part + "\"; filename=\"" +
		quoted.Replace(name) + "\"\r\nContent-Type: " + contentType(name) + "\r\n\r\n"
	f.tail = "\r\n--" + f.boundary + "--\r\n"
	return f, nil
}

// quoted is a name in quotes, as browsers write it.
var quoted = strings.NewReplacer(`"`, "%22")

// checkName refuses a name that WeChat Pay refuses, or that would tell where the file was.
func checkName(name string) error {
	n := utf8.RuneCountInString(name)
	switch {
	case name == "":
		return errors.New("the file has no Name")
	case n > maxName:
		return fmt.Errorf("the file's Name has %d characters, want at most %d", n, maxName)
	case strings.ContainsAny(name, `/\`):
		return errors.New("the file's Name has folders: give the last part, as of filepath.Base")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("the file's Name has a control character, or is not UTF-8")
	case extension(name) == "":
		return errors.New("the file's Name has no extension, such as .jpg")
	}
	return nil
}

func extension(name string) string { return strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")) }

// limit is how many bytes a file with this name may have, 0 if that is not documented.
func (r Rules) limit(name string) (int64, error) {
	var all []string
	for _, limit := range r.Limits {
		if slices.Contains(limit.Types, extension(name)) {
			return limit.MaxBytes, nil
		}
		all = append(all, limit.Types...)
	}
	if len(all) > 0 {
		return 0, fmt.Errorf("a file of the type %.16q is not taken here: want one of %s", extension(name), strings.Join(all, " "))
	}
	return 0, nil
}

func tooLarge(limit int64) error { return fmt.Errorf("the file has more than %d bytes", limit) }

// hold keeps what is to be sent: content itself if it can be read again, else its bytes.
func (f *Form) hold(content io.Reader, limit int64) (err error) {
	if seeker, ok := content.(io.ReadSeeker); ok {
		if f.start, err = seeker.Seek(0, io.SeekCurrent); err == nil { // a pipe is a file that cannot
			f.content = seeker
			return nil
		}
	}
	if limit == 0 {
		limit = MaxKept
	}
	kept, err := io.ReadAll(io.LimitReader(content, limit+1))
	if err != nil {
		return fmt.Errorf("the file does not read: %w", err)
	}
	if int64(len(kept)) > limit {
		return tooLarge(limit)
	}
	f.content, f.start = bytes.NewReader(kept), 0
	return nil
}

// digest reads the file to its end, or until it is too large, and goes back.
func (f *Form) digest(newHash func() hash.Hash, limit int64) (string, error) {
	defer f.Detach()
	if newHash == nil {
		newHash = sha256.New
	}
	sum, source := newHash(), io.Reader(f.content)
	if limit > 0 {
		source = io.LimitReader(source, limit+1)
	}
	size, err := io.Copy(sum, source)
	switch {
	case err != nil:
		return "", fmt.Errorf("the file does not read: %w", err)
	case limit > 0 && size > limit:
		return "", tooLarge(limit)
	case size == 0:
		return "", errors.New("the file is empty, or was read to its end before")
	}
	f.size = size
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// meta puts the file's name, where the operation wants it, and its digest before the other members.
func (r Rules) meta(name, digest string, members []byte) ([]byte, error) {
	var others map[string]json.RawMessage
	if members == nil {
		members = []byte("{}")
	}
	if json.Unmarshal(members, &others) != nil || others == nil {
		return nil, errors.New("what goes with a file is not a JSON object")
	}
	for _, member := range []string{r.Name, r.Digest} {
		if _, given := others[member]; given {
			return nil, fmt.Errorf("the member %q follows from the file: leave it out", member)
		}
	}
	meta := []byte("{")
	if r.Name != "" {
		text, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		meta = fmt.Appendf(meta, "%q:%s,", r.Name, text)
	}
	meta = fmt.Appendf(meta, "%q:%q", r.Digest, digest)
	if len(others) > 0 {
		meta = append(meta, ',')
	}
	return append(meta, bytes.TrimLeft(members, " \t\r\n")[1:]...), nil
}

// Meta is the part that is signed.
func (f *Form) Meta() []byte { return f.meta }

// Attach makes the form the body of req. What was attached before ends.
func (f *Form) Attach(req *http.Request) (err error) {
	if req.Body, err = f.open(); err != nil {
		return err
	}
	req.GetBody = f.open // net/http asks for it where nothing of the first was sent
	req.ContentLength = int64(len(f.head)) + f.size + int64(len(f.tail))
	req.Header.Set("Content-Type", "multipart/form-data; boundary="+f.boundary)
	return nil
}

func (f *Form) open() (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent.end()
	if _, err := f.content.Seek(f.start, io.SeekStart); err != nil {
		return nil, fmt.Errorf("the file does not go back to its beginning: %w", err)
	}
	f.sent = &body{Reader: io.MultiReader(strings.NewReader(f.head), io.LimitReader(f.content, f.size), strings.NewReader(f.tail))}
	return f.sent, nil
}

// Detach ends the reading of what was attached: a transport may go on after it has given an answer.
// The file is left as it was found. A nil Form has nothing to detach.
func (f *Form) Detach() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent.end()
	_, _ = f.content.Seek(f.start, io.SeekStart) // whoever reads next notices
}

// body is what a transport reads. After its end nothing touches the file any more.
type body struct {
	io.Reader
	mu    sync.Mutex
	ended bool
}

var errEnded = errors.New("the upload has ended")

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return 0, errEnded
	}
	return b.Reader.Read(p)
}

func (b *body) Close() error {
	b.end()
	return nil
}

func (b *body) end() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// contentType is the media type of a file by its name. Package mime would ask the machine.
func contentType(name string) string {
	switch kind := extension(name); kind {
	case "jpg":
		return "image/jpeg"
	case "jpeg", "png", "bmp", "gif":
		return "image/" + kind
	case "pdf":
		return "application/pdf"
	case "txt":
		return "text/plain"
	case "csv":
		return "text/csv"
	case "m4v", "f4v":
		return "video/mp4"
	case "avi":
		return "video/x-msvideo"
	case "wmv":
		return "video/x-ms-wmv"
	case "mov":
		return "video/quicktime"
	case "mkv":
		return "video/x-matroska"
	case "flv":
		return "video/x-flv"
	case "mpeg", "mp4":
		return "video/" + kind
	}
	return "application/octet-stream"
}
