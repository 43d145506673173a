package multipart

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"iter"
)

// Plain is the form of APIv2: each member is a part of its own, and then comes the file.
func Plain(members iter.Seq2[string, string], part, name string, content []byte) *Form {
	f := &Form{boundary: rand.Text(), content: bytes.NewReader(content), size: int64(len(content))}
	for name, text := range members {
		f.head += fmt.Sprintf("--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", f.boundary, name, text)
	}
	f.head += fmt.Sprintf("--%s\r\nContent-Disposition: form-data; name=%q; filename=%q\r\nContent-Type: %s\r\n\r\n",
		f.boundary, part, name, contentType(name))
	f.tail = "\r\n--" + f.boundary + "--\r\n"
	return f
}
