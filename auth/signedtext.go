package auth

import (
	"crypto/sha256"
	"sync"
)

// RequestText is the text that a merchant signs: method, request target, timestamp,
// nonce and body, each closed by a line feed, the last one too.
//
// The target is path and query exactly as they stand in the request line, the
// timestamp is in Unix seconds, and the body is the bytes that are sent; of an
// upload it is the text of the part named meta. A body that ends in a line
// feed still gets its own.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4012365342.
func RequestText(method, target, timestamp, nonce string, body []byte) []byte {
	return lines(body, method, target, timestamp, nonce)
}

// AnswerText is the text that WeChat Pay signs, in answers and in notifications:
// timestamp, nonce and body, each closed by a line feed. The body of a 204 is empty.
//
// See https://pay.weixin.qq.com/doc/v3/merchant/4013053420.
func AnswerText(timestamp, nonce string, body []byte) []byte {
	return lines(body, timestamp, nonce)
}

// lines are head and then body, each closed by a line feed.
func lines(body []byte, head ...string) []byte {
	size := len(body) + 1
	for _, line := range head {
		size += len(line) + 1
	}
	return appendLines(make([]byte, 0, size), body, head)
}

func appendLines(text, body []byte, head []string) []byte {
	for _, line := range head {
		text = append(append(text, line...), '\n')
	}
	return append(append(text, body...), '\n')
}

// texts are buffers for what is hashed, each a *[]byte.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// digest is the SHA-256 of lines, which are not made anew for it.
func digest(body []byte, head ...string) [sha256.Size]byte {
	const most = 64 << 10 // of what is kept, for few are longer
	buffer := texts.Get().(*[]byte)
	text := appendLines((*buffer)[:0], body, head)
	sum := sha256.Sum256(text)
	if cap(text) <= most {
		*buffer = text
	}
	texts.Put(buffer)
	return sum
}
