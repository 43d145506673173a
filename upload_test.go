package wechatpay_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/openwechatpay/wechatpay"
	mchmanage "github.com/openwechatpay/wechatpay/v3/mch-manage"
	media "github.com/openwechatpay/wechatpay/v3/merchant"
)

const uploadMedia = "v3/merchant/media/upload"

// parts takes the body of an upload apart.
func parts(t *testing.T, header http.Header, body []byte) (meta, file string, fileHeader map[string]string) {
	t.Helper()
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		t.Fatalf("the Content-Type is %q", header.Get("Content-Type"))
	}
	r := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	first, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(first)
	if first.FormName() != "meta" || first.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the first part has %v", first.Header)
	}
	second, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	content, _ := io.ReadAll(second)
	if _, err := r.NextPart(); err != io.EOF {
		t.Errorf("after the file comes %v", err)
	}
	return string(text), string(content), map[string]string{
		"part": second.FormName(), "filename": second.FileName(), "type": second.Header.Get("Content-Type"),
	}
}

func sum(content string) string {
	digest := sha256.Sum256([]byte(content))
	return hex.EncodeToString(digest[:])
}

func TestAnUploadSignsMetaAndSendsTheFileBehindIt(t *testing.T) {
	t.Parallel()
	const content = "not really\r\n--a picture"
	file := func() io.Reader { return strings.NewReader(content) }
	upload := wechatpay.Upload{Name: "执照 \"1\".JPG", Content: file()}
	meta := `{"filename":"执照 \"1\".JPG","sha256":"` + sum(content) + `"}`
	odd := `{"file_name":"a.docx","file_digest":"` + sum(content) + `","item_id":7}`
	usual := map[string]string{"part": "file", "filename": "执照 %221%22.JPG", "type": "image/jpeg"}
	submission := map[string]string{"part": "submission_file", "filename": "a.docx", "type": "application/octet-stream"}
	const submit = "v3/mch-manage/submission-files/sub-mchid/{sub_mchid}/upload"
	const sm3 = "e15b97e48eb3b179859a0c49e6482e0ae090292e2218a763d6baab2bc989807b"
	invoice := `{"digest":"` + sm3 + `","digest_algorithm":"DIGEST_ALGORITHM_SM3"}`
	tests := map[string]struct {
		call func(c *wechatpay.Client) error
		meta string
		file map[string]string
	}{
		"by its path": {func(c *wechatpay.Client) error {
			_, err := c.Chain(uploadMedia).Post(t.Context(), wechatpay.File(upload.Name, file()))
			return err
		}, meta, usual},
		"by its types": {func(c *wechatpay.Client) error {
			_, err := media.New(c).Media().Upload().Post(t.Context(), media.UploadMediaRequest{File: upload})
			return err
		}, meta, usual},
		"asynchronously by its types": {func(c *wechatpay.Client) error {
			in := media.UploadMediaRequest{File: wechatpay.Upload{Name: upload.Name, Content: file()}}
			_, err := wechatpay.PostAsync(t.Context(), media.New(c).Media().Upload(), in).Wait(t.Context())
			return err
		}, meta, usual},
		"from a source that is read only once": {func(c *wechatpay.Client) error {
			_, err := c.Chain(uploadMedia).Post(t.Context(), wechatpay.File(upload.Name, iotest.OneByteReader(file())))
			return err
		}, meta, usual},
		"by a path that is not known": {func(c *wechatpay.Client) error {
			_, err := c.Chain("v3/new/upload").Post(t.Context(), wechatpay.File(upload.Name, file()))
			return err
		}, meta, usual},
		"with other names and members by its path": {func(c *wechatpay.Client) error {
			_, err := c.Chain(submit).Post(t.Context(), wechatpay.Path("sub_mchid", "1900000209"),
				wechatpay.File("a.docx", file()), wechatpay.JSON(map[string]int{"item_id": 7}))
			return err
		}, odd, submission},
		"with other names and members by its types": {func(c *wechatpay.Client) error {
			in := mchmanage.UploadSubmissionFileRequest{File: wechatpay.Upload{Name: "a.docx", Content: file()}, ItemID: 7}
			_, err := mchmanage.New(c).SubmissionFiles().SubMchID().SubMchID("1900000209").Upload().Post(t.Context(), in)
			return err
		}, odd, submission},
		"with another hash and without a name in meta": {func(c *wechatpay.Client) error {
			_, err := c.Chain("v3/taxi-invoice/cards/upload-file").Post(t.Context(),
				wechatpay.File("a.pdf", file()), wechatpay.JSON(map[string]string{"digest_algorithm": "DIGEST_ALGORITHM_SM3"}))
			return err
		}, invoice, map[string]string{"part": "file", "filename": "a.pdf", "type": "application/pdf"}},
	}
	for name, tt := range tests {
		g := &gateway{status: 200, body: `{"media_id":"1","file_id":"1"}`}
		if err := tt.call(newClient(t, g)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		meta, file, header := parts(t, g.last.Header, g.sent)
		if meta != tt.meta || file != content || fmt.Sprint(header) != fmt.Sprint(tt.file) {
			t.Errorf("%s: sent meta %s\nand %q with %v\nwant %s\nand %v", name, meta, file, header, tt.meta, tt.file)
		}
		if g.last.ContentLength != int64(len(g.sent)) {
			t.Errorf("%s: announced %d bytes and sent %d", name, g.last.ContentLength, len(g.sent))
		}
		g.sent = []byte(meta)
		g.checkSigned(t)
	}
}

func TestAnUploadThatWeChatPayWouldRefuseIsNotSent(t *testing.T) {
	t.Parallel()
	file := func(name, content string) []wechatpay.CallOption {
		return []wechatpay.CallOption{wechatpay.File(name, strings.NewReader(content))}
	}
	large := strings.Repeat("x", 5<<20)
	const video = "v3/merchant/media/video_upload"
	tests := map[string]struct {
		path string
		opts []wechatpay.CallOption
		want string
	}{
		"without its file":               {uploadMedia, nil, "this call uploads a file: give wechatpay.File"},
		"without its file but with JSON": {uploadMedia, []wechatpay.CallOption{wechatpay.JSON(map[string]string{})}, "this call uploads a file"},
		"without content":                {uploadMedia, []wechatpay.CallOption{wechatpay.File("a.jpg", nil)}, "the file has no Content"},
		"of a nil pointer":               {uploadMedia, []wechatpay.CallOption{wechatpay.File("a.jpg", (*bytes.Reader)(nil))}, "the file has no Content"},
		"without a name":                 {uploadMedia, file("", "x"), "the file has no Name"},
		"without an extension":           {uploadMedia, file("jpg", "x"), "no extension"},
		"with a name that is too long":   {uploadMedia, file(strings.Repeat("长", 125)+".jpg", "x"), "129 characters, want at most 128"},
		"with folders":                   {uploadMedia, file("/home/me/a.jpg", "x"), "has folders"},
		"with folders of Windows":        {uploadMedia, file(`C:\a.jpg`, "x"), "has folders"},
		"with a line break in its name":  {uploadMedia, file("a\r\nX: y.jpg", "x"), "control character"},
		"that is empty":                  {uploadMedia, file("a.jpg", ""), "the file is empty"},
		"of another type":                {uploadMedia, file("a.gif", "x"), `the type "gif" is not taken here: want one of jpg jpeg bmp png pdf`},
		"of a type for other uploads":    {video, file("a.jpg", "x"), `the type "jpg" is not taken here: want one of avi wmv`},
		"that is a byte too large":       {uploadMedia, file("a.jpg", large+"x"), "more than 5242880 bytes"},
		"a byte too large, from a source that is read only once": {uploadMedia,
			[]wechatpay.CallOption{wechatpay.File("a.jpg", io.MultiReader(strings.NewReader(large), strings.NewReader("x")))}, "more than 5242880 bytes"},
		"without an end, from a source that is read only once": {"v3/new/upload",
			[]wechatpay.CallOption{wechatpay.File("a.jpg", endless{})}, "more than 33554432 bytes"},
		"from a source that breaks off": {uploadMedia,
			[]wechatpay.CallOption{wechatpay.File("a.jpg", iotest.ErrReader(errors.New("the disk is gone")))}, "the file does not read: the disk is gone"},
		"with a digest of the caller's": {uploadMedia, append(file("a.jpg", "x"), wechatpay.JSON(map[string]string{"sha256": "x"})), `the member "sha256" follows from the file`},
		"with members that are a list":  {uploadMedia, append(file("a.jpg", "x"), wechatpay.JSON([]int{1})), "not a JSON object"},
	}
	for name, tt := range tests {
		g := &gateway{status: 200, body: "{}"}
		_, err := newClient(t, g).Chain(tt.path).Post(t.Context(), tt.opts...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || wechatpay.OutcomeOf(err) != wechatpay.NotSent || g.calls != 0 {
			t.Errorf("a file %s gives %v after %d requests, want …%s…", name, err, g.calls, tt.want)
		}
	}
	for name, content := range map[string]string{"a.jpg": large, "a.pdf": large + "x", "A.PNG": "x"} {
		g := &gateway{status: 200, body: "{}"}
		if err := post(t, newClient(t, g).Chain(uploadMedia), file(name, content)...); err != nil {
			t.Errorf("%s of %d bytes gives %v", name, len(content), err)
		}
	}
	_, err := media.New(newClient(t, &gateway{})).Media().Upload().Post(t.Context(), media.UploadMediaRequest{})
	if err == nil || !strings.Contains(err.Error(), "the file has no Content") {
		t.Errorf("a request without its file gives %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// onDisk is a file that was read up to the content.
func onDisk(t testing.TB, content []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.jpg")
	if err := os.WriteFile(name, append([]byte("read before"), content...), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Seek(int64(len("read before")), io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return f
}

// done are the bodies that the business layer saw.
func (h *host) done() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.bodies)
}

func TestAnUploadIsSentAgainOnlyWhereNothingWasDone(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // more than a connection buffers
	for name, tt := range map[string]struct {
		plan     []trouble
		outcome  wechatpay.Outcome
		attempts int
		done     int // how often it was
	}{
		"after too many calls":           {[]trouble{tooMany}, 0, 2, 1},
		"after a reset before the work":  {[]trouble{resetBefore}, wechatpay.Unknown, 1, 0},
		"after a reset behind the work":  {[]trouble{resetAfter}, wechatpay.Unknown, 1, 1},
		"after an error of the gateway":  {[]trouble{systemError}, wechatpay.Unknown, 1, 1},
		"after a refusal without a sign": {[]trouble{tooManyUnsigned}, wechatpay.Unknown, 1, 0},
	} {
		h := newHost(t, tt.plan...)
		client, err := wechatpay.New(merchant(), wechatpay.BaseURL(h.URL))
		if err != nil {
			t.Fatal(err)
		}
		file := onDisk(t, content)
		res, err := client.Chain(uploadMedia).Post(t.Context(), wechatpay.File("a.jpg", file))
		attempts := 0
		if e, ok := errors.AsType[*wechatpay.Error](err); ok {
			attempts = e.Attempts
		} else if err == nil {
			attempts = res.Attempts
		}
		bodies := h.done()
		if (err == nil) != (tt.attempts == 2) || attempts != tt.attempts || len(bodies) != tt.done || err != nil && wechatpay.OutcomeOf(err) != tt.outcome {
			t.Errorf("%s: %d attempts, %d times done: %v", name, attempts, len(bodies), err)
		}
		for _, body := range bodies {
			if !strings.Contains(body, string(content)) || strings.Contains(body, "read before") {
				t.Errorf("%s: another file was sent, of %d bytes", name, len(body))
			}
		}
		if rest, err := io.ReadAll(file); err != nil || !bytes.Equal(rest, content) {
			t.Errorf("%s: the file is not where it was: %d bytes are left, %v", name, len(rest), err)
		}
	}
}

func TestAnUploadGoesToTheStandInWhenNobodyListens(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	client, err := wechatpay.New(merchant(), wechatpay.Hosts(map[string]string{"api.mch.weixin.qq.com": nobody, "api2.mch.weixin.qq.com": h.URL}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the same file again, for it was put back
		res, err := client.Chain(uploadMedia).Post(t.Context(), wechatpay.File("a.jpg", strings.NewReader("content")))
		if err != nil {
			t.Fatal(err)
		}
		bodies := h.done()
		if !strings.Contains(bodies[len(bodies)-1], "\r\n\r\ncontent\r\n") {
			t.Errorf("sent %q in %d attempts", bodies, res.Attempts)
		}
	}
}

// TestAnAnswerBeforeTheFileIsReadEndsTheReading: the transport may still be reading when the next
// attempt, or the caller, wants the file. The race detector would tell.
func TestAnAnswerBeforeTheFileIsReadEndsTheReading(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res := answer(http.StatusOK, `{"media_id":"1"}`, time.Now())
		if calls.Add(1) == 1 {
			res = answer(http.StatusTooManyRequests, `{"code":"FREQUENCY_LIMITED"}`, time.Now())
		} else if body, err := io.ReadAll(r.Body); err != nil || !bytes.Contains(body, content) {
			t.Errorf("the second attempt sent %d bytes, %v", len(body), err)
		}
		for name, values := range res.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	defer server.Close()
	client, err := wechatpay.New(merchant(), wechatpay.BaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		calls.Store(0)
		file := bytes.NewReader(content)
		if err := post(t, client.Chain(uploadMedia), wechatpay.File("a.jpg", file)); err != nil && calls.Load() == 2 {
			t.Fatal(err)
		}
		if _, err := file.Seek(0, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatGoesWithAFileIsEncryptedWhereItIsSensitive(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 200, body: "{}"}
	err := post(t, newClient(t, g).Chain("v3/new/upload"), wechatpay.File("a.jpg", strings.NewReader("x")),
		wechatpay.JSON(map[string]any{"phone": wechatpay.Sensitive("canary")}))
	if err != nil {
		t.Fatal(err)
	}
	meta, _, _ := parts(t, g.last.Header, g.sent)
	if strings.Contains(meta, "canary") || len(meta) < 400 {
		t.Errorf("meta is %s", meta)
	}
}

// megabytes is a file that is made while it is read, and can be read again.
type megabytes struct{ at, size int64 }

func (m *megabytes) Read(p []byte) (int, error) {
	n := min(int64(len(p)), m.size-m.at)
	if n == 0 {
		return 0, io.EOF
	}
	m.at += n
	return int(n), nil
}

func (m *megabytes) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		m.at = offset
	}
	return m.at, nil
}

// discarding is a client of a transport that reads what is sent as net/http does, and keeps nothing.
func discarding(t testing.TB) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(merchant(), wechatpay.Transport(discard{}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

type discard struct{}

func (discard) RoundTrip(req *http.Request) (*http.Response, error) {
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, req.Body, make([]byte, 32<<10))
	req.Body.Close()
	if err != nil || n != req.ContentLength {
		return nil, fmt.Errorf("%d bytes of %d: %w", n, req.ContentLength, err)
	}
	return answer(http.StatusOK, `{"media_id":"1"}`, time.Now()), nil
}

func TestAnUploadTakesAsMuchMemoryForALargeFileAsForASmallOne(t *testing.T) {
	client := discarding(t)
	allocated := func(size int64) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := post(t, client.Chain("v3/new/upload"), wechatpay.File("a.jpg", &megabytes{size: size})); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	allocated(1)
	if small, large := allocated(1), allocated(100<<20); large > small+1<<20 {
		t.Errorf("a byte takes %d bytes, 100 MiB take %d", small, large)
	}
}

func BenchmarkUpload10MiB(b *testing.B) {
	client := discarding(b)
	b.ReportAllocs()
	b.SetBytes(10 << 20)
	for b.Loop() {
		if _, err := client.Chain("v3/new/upload").Post(b.Context(), wechatpay.File("a.jpg", &megabytes{size: 10 << 20})); err != nil {
			b.Fatal(err)
		}
	}
}
