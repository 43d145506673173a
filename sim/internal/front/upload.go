package front

import (
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/internal/sm3"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
)

// read reads the body of a request to op, nil if there is no such operation.
func (x *Exchange) read(r *http.Request, op *catalog.Operation) (err error) {
	limit := int64(maxBody)
	if op != nil && op.Request.Body != nil && op.Request.Body.File != nil {
		limit = maxUpload
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		return err
	}
	x.Body = body
	if op != nil {
		x.upload = mapping.ParseUpload(op, r.Header.Get("Content-Type"), body)
	}
	return nil
}

// line is what stands for the body in the text that is signed.
func (x *Exchange) line() []byte {
	if x.upload != nil {
		return x.upload.Meta
	}
	return x.Body
}

// checkFile is what the gateway says about a file, in the words of the table of 2020, which is about
// images. That those about other files only name them otherwise is a guess, and so is the order.
func checkFile(c *Call) *Refusal {
	var meta map[string]any
	if err := c.Decode(&meta); err != nil {
		return SystemError()
	}
	file := c.Op.Request.Body.File
	name, ok := meta[file.Name].(string)
	if !ok {
		name = c.Upload.Name
	}
	digest, _ := meta[file.Digest].(string)
	noun, _, _ := strings.Cut(file.Label, "文件") // 图片, of 图片文件
	refuse := func(message, why string) *Refusal {
		r := &Refusal{Status: http.StatusBadRequest, Code: "PARAM_ERROR", Message: message + "，请检查后重新提交", Why: why}
		if noun != "图片" {
			r.Basis = Inferred
		}
		return r
	}
	kind := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	limit, known := limitOf(file, kind)
	method, actual := digestOf(file, c.Upload.File)
	switch {
	case !known:
		return refuse(noun+"文件名称不正确", fmt.Sprintf("a file of the type %.16q is not taken", kind))
	case len(c.Upload.File) == 0:
		return refuse("文件为空", "the part of the file has no content")
	case limit > 0 && int64(len(c.Upload.File)) > limit:
		return refuse(fmt.Sprintf("文件大小不能超过%gM", float64(limit)/(1<<20)), fmt.Sprintf("the file has %d bytes", len(c.Upload.File)))
	case !looksLike(kind, c.Upload.File):
		return refuse("文件二进制内容不是"+cmp.Or(noun, kind), "its content is "+http.DetectContentType(c.Upload.File))
	case actual != digest:
		return refuse(noun+method+"值有误", "the file that came has the "+method+" "+actual)
	}
	return nil
}

// digestOf is the digest that meta has to tell, and what makes it.
func digestOf(file *catalog.File, content []byte) (method, digest string) {
	method, h := "sha256", sha256.New()
	switch file.Hash {
	case "SM3":
		method, h = "sm3", sm3.New()
	case "MD5":
		method, h = "md5", md5.New()
	}
	h.Write(content)
	return method, hex.EncodeToString(h.Sum(nil))
}

// limitOf is how many bytes a file of the type may have, 0 if that is not documented. Without limits
// all types are known.
func limitOf(file *catalog.File, kind string) (int64, bool) {
	for _, limit := range file.Limits {
		if slices.Contains(limit.Types, kind) {
			return limit.MaxBytes, true
		}
	}
	return 0, len(file.Limits) == 0
}

// looksLike tells images and PDF by how they begin, and believes all other files.
func looksLike(kind string, content []byte) bool {
	found := http.DetectContentType(content)
	switch kind {
	case "jpg", "jpeg", "png", "bmp":
		return strings.HasPrefix(found, "image/")
	case "pdf":
		return found == "application/pdf"
	}
	return true
}
