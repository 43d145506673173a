package mapping

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// Upload is a multipart body taken apart.
type Upload struct {
	Meta    []byte        // the part meta, which is signed; empty without one
	Form    xmlv2.Members // the other parts that are no files: of APIv2, which has no meta
	HasFile bool
	Name    string // of the file, as its part says
	File    []byte
}

// maxParts is how many parts of a body are looked at.
const maxParts = 8

// ParseUpload takes the body of an upload apart, nil if op takes none. What is not there is empty:
// the real gateway then expects an empty body to be signed.
func ParseUpload(op *catalog.Operation, contentType string, body []byte) *Upload {
	if op.Request.Body == nil || op.Request.Body.File == nil {
		return nil
	}
	u := &Upload{Meta: []byte{}}
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || parameters["boundary"] == "" {
		return u
	}
	r := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for range maxParts {
		part, err := r.NextRawPart()
		if err != nil {
			break
		}
		content, err := io.ReadAll(part)
		if err != nil {
			break
		}
		switch name := part.FormName(); {
		case name == "meta" && len(u.Meta) == 0:
			u.Meta = content
		case name == op.Request.Body.File.Part && !u.HasFile:
			u.HasFile, u.Name, u.File = true, part.FileName(), content
		case name != "" && part.FileName() == "":
			u.Form = append(u.Form, xmlv2.Member{Name: name, Text: string(content)})
		}
	}
	return u
}

// bodySource is where the members of the body come from. That those of an upload stand under
// meta is a guess; that its file is a neighbour of meta was seen.
func (m *mapper) bodySource() source {
	if m.in.Message != nil {
		return source{"body", "xml"}
	}
	if m.in.Upload != nil {
		return source{"body", "meta"}
	}
	return source{"body"}
}

// ruleFile refuses an upload without its file.
func (m *mapper) ruleFile() *Misfit {
	if m.in.Upload == nil || m.in.Upload.HasFile {
		return nil
	}
	file := m.op.Request.Body.File
	return required(&catalog.Field{Name: file.Part, Label: file.Label}, source{"body", file.Part})
}
