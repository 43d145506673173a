package doctor

import (
	"io"
	"mime"
	"mime/multipart"
	"strings"
)

// maxParts is how many parts of a multipart body are looked at.
const maxParts = 8

// uploads are what clients sign in place of the body of an upload; there is none for other
// requests. Of those that are no uploads but come as multipart, it is the parts.
func uploads(right string, c *Case) []variant {
	var all []variant
	add := func(r rank, mistake, detail, value string) {
		v := wrong(r, mistake, detail, value)
		v.whole = true
		all = append(all, v)
	}
	names, contents := multiparts(c)
	if c.Meta != nil {
		add(common, "upload-body-signed", "", string(c.Body))
		if right != "" {
			add(common, "upload-empty-signed", "", "")
		}
	} else if len(names) > 0 {
		add(common, "body-left-out", "", "")
	}
	for i, name := range names {
		switch {
		case c.Meta == nil && name == "meta":
			add(common, "meta-signed", "", contents[i])
		case contents[i] != right:
			add(rare, "upload-part-signed", name, contents[i])
		}
	}
	return all
}

// multiparts are the parts of a multipart body with their names.
func multiparts(c *Case) (names, contents []string) {
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return nil, nil
	}
	r := multipart.NewReader(strings.NewReader(string(c.Body)), params["boundary"])
	for range maxParts {
		part, err := r.NextRawPart()
		if err != nil {
			break
		}
		content, err := io.ReadAll(part)
		if err != nil {
			break
		}
		names, contents = append(names, part.FormName()), append(contents, string(content))
	}
	return names, contents
}
