package sim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/v3/merchant"
)

const (
	imageTarget = "/v3/merchant/media/upload"
	videoTarget = "/v3/merchant/media/video_upload"

	png = "\x89PNG\r\n\x1a\nand what follows"
)

// upload is the body of an upload that is made by hand, so that it can be made wrongly.
type upload struct {
	meta, metaHeader string // "" stands for what is right
	fileHeader       string
	content          string
}

const (
	usualMeta = "Content-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json"
	usualFile = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png"
)

func metaOf(name, content string) string {
	sum := sha256.Sum256([]byte(content))
	return fmt.Sprintf(`{"filename":%q,"sha256":%q}`, name, hex.EncodeToString(sum[:]))
}

// raw is the request, signed over meta.
func (u upload) raw(target string) raw {
	if u.meta == "" {
		u.meta = metaOf("a.png", u.content)
	}
	if u.metaHeader == "" {
		u.metaHeader = usualMeta
	}
	if u.fileHeader == "" {
		u.fileHeader = usualFile
	}
	body := "--b\r\n" + u.metaHeader + "\r\n\r\n" + u.meta + "\r\n--b\r\n" + u.fileHeader + "\r\n\r\n" + u.content + "\r\n--b--\r\n"
	return raw{method: "POST", target: target, body: body, signed: u.meta, header: func(h http.Header) {
		h.Set("Content-Type", "multipart/form-data; boundary=b")
	}}
}

func TestAnUploadIsTakenInEachStyleThatSDKsHave(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, u := range map[string]upload{
		"as documented":                          {content: png},
		"a semicolon behind meta":                {content: png, metaHeader: "Content-Disposition: form-data; name=\"meta\";\r\nContent-Type: application/json"},
		"no Content-Type of meta":                {content: png, metaHeader: "Content-Disposition: form-data; name=\"meta\""},
		"blanks in meta":                         {content: png, meta: strings.ReplaceAll(metaOf("a.png", png), ":", " : ")},
		"the name of the file in capitals":       {content: png, meta: metaOf("A.PNG", png)},
		"a line break at the end of the content": {content: png + "\r\n"},
		"a file that is as large as may be":      {content: png + strings.Repeat("x", 5<<20-len(png))},
	} {
		if got := read(t, b.send(u.raw(imageTarget))); !strings.HasPrefix(got, `200 {"media_id":"`) {
			t.Errorf("%s: answered %s", name, got)
		}
	}
}

func TestAFileThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	refused := func(message string) string {
		return `400 {"code":"PARAM_ERROR","message":"` + message + `，请检查后重新提交"}`
	}
	pdf := "%PDF-1.7" + strings.Repeat("x", 7<<20+1<<19)
	tests := map[string]struct {
		target string
		upload upload
		want   string
	}{
		"another type":              {imageTarget, upload{content: png, meta: metaOf("a.gif", png)}, refused("图片文件名称不正确")},
		"an image for a video":      {videoTarget, upload{content: png}, refused("视频文件名称不正确")},
		"no content":                {imageTarget, upload{}, refused("文件为空")},
		"a byte too much":           {imageTarget, upload{content: png + strings.Repeat("x", 5<<20-len(png)+1)}, refused("文件大小不能超过5M")},
		"a byte too much for a PDF": {imageTarget, upload{content: pdf, meta: metaOf("a.pdf", pdf)}, refused("文件大小不能超过7.5M")},
		"content that is no image":  {imageTarget, upload{content: "text"}, refused("文件二进制内容不是图片")},
		"another digest":            {imageTarget, upload{content: png, meta: metaOf("a.png", "other")}, refused("图片sha256值有误")},
		"a digest in capitals": {imageTarget, upload{content: png, meta: `{"filename":"a.png","sha256":"` + strings.ToUpper(hex.EncodeToString(make([]byte, 31))) + `AB"}`},
			`400 {"code":"PARAM_ERROR","detail":{"location":"body"`},
		"no digest": {imageTarget, upload{content: png, meta: `{"filename":"a.png"}`},
			`400 {"code":"PARAM_ERROR","detail":{"location":"body","value":""},"message":"输入源“/body/meta/sha256”映射到字段“文件摘要”必填性规则校验失败，此字段为必填项"}`},
		"a member that nobody knows": {imageTarget, upload{content: png, meta: strings.Replace(metaOf("a.png", png), "{", `{"x":1,`, 1)},
			`400 {"code":"PARAM_ERROR","detail":{"location":null,"value":["/body/meta/x"]}`},
		"a file under another name": {imageTarget, upload{content: png, fileHeader: strings.Replace(usualFile, `"file"`, `"media"`, 1)},
			`400 {"code":"PARAM_ERROR","detail":{"location":"body","value":""},"message":"输入源“/body/file”映射到字段“图片文件”必填性规则校验失败，此字段为必填项"}`},
	}
	for name, tt := range tests {
		if got := read(t, b.send(tt.upload.raw(tt.target))); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: answered %s\nwant %s", name, got, tt.want)
		}
	}
	large := upload{content: strings.Repeat("x", 16<<20)}.raw(imageTarget)
	if got := read(t, b.send(large)); got != "413" {
		t.Errorf("a body that is larger than any: answered %s", got)
	}
}

// TestMetaThatIsNotRecognisedIsSignedAsAnEmptyBody is a question of the community, with its length.
func TestMetaThatIsNotRecognisedIsSignedAsAnEmptyBody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := upload{content: png, metaHeader: strings.Replace(usualMeta, "meta", "metadata", 1)}.raw(imageTarget)
	got := read(t, b.send(r))
	if !strings.Contains(got, `"sign_message_length":76,"truncated_sign_message":"POST\n`+imageTarget+`\n`) ||
		!strings.HasPrefix(got, `401 {"code":"SIGN_ERROR"`) || !strings.Contains(got, `\n\n","url":"`+imageTarget+`"`) {
		t.Errorf("answered %s", got)
	}
}

func TestTheDoctorKnowsHowUploadsAreSignedWrongly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	content := png + strings.Repeat("x", 4<<20)
	right := upload{content: content}.raw(imageTarget)
	for mistake, signed := range map[string]string{
		"upload-body-signed": right.body,
		"upload-part-signed": content,
		"unknown-text":       "something else",
	} {
		r := right
		r.signed = signed
		if got := read(t, b.send(r)); !strings.HasPrefix(got, "401 ") {
			t.Errorf("%s: answered %s", mistake, got)
		}
		requests, err := b.Control().Requests(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		last := requests[len(requests)-1]
		if len(last.Diagnosis) != 1 || last.Diagnosis[0].Mistake != mistake {
			t.Errorf("want %s, found %+v", mistake, last.Diagnosis)
		}
		t.Logf("%s took %v", mistake, last.Took)
	}
}

func TestTheSDKUploads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := map[string]bool{}
	for range 2 {
		in := merchant.UploadMediaRequest{File: wechatpay.Upload{Name: "执照.png", Content: strings.NewReader(png)}}
		out, err := merchant.New(b.client).Media().Upload().Post(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		ids[out.MediaID] = true
	}
	res, err := b.client.Chain(videoTarget).Post(t.Context(), wechatpay.File("a.mp4", strings.NewReader("a video")))
	if err != nil || !res.Verified {
		t.Errorf("answered %v, %v", res, err)
	}
	if len(ids) != 2 {
		t.Errorf("two uploads got the media_id %v", ids)
	}
	_, err = b.client.Chain(imageTarget).Post(t.Context(), wechatpay.File("a.png", strings.NewReader("no image")))
	if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.Outcome != wechatpay.Refused || !strings.Contains(e.Message, "文件二进制内容不是图片") {
		t.Errorf("content that is no image: %v", err)
	}
}
