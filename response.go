package wechatpay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
)

// Response is an answer of WeChat Pay whose signature was verified.
//
// Printed or logged it comes without URL, headers and body, which may hold what is
// nobody's business. As JSON it is whole.
type Response struct {
	StatusCode int         // 200, or 204 where there is no body
	Header     http.Header // as received
	Body       []byte      // as received: the bytes that were verified
	RequestID  string      // to be named to WeChat Pay's support
	Serial     string      // names the key that verified: a public key's ID or a certificate's serial number
	Verified   bool        // whether WeChat Pay's signature of Body was good
	Attempts   int         // how often the call was tried; 1 if it succeeded at once

	Method string // of the request
	URL    string // of the request; it may hold an openid
}

// LogValue is r without what is secret or personal.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("method", r.Method),
		slog.Int("status", r.StatusCode),
		slog.String("request_id", legible(r.RequestID)),
		slog.Bool("verified", r.Verified),
		slog.Int("bytes", len(r.Body)),
	)
}

// Format prints r like [Response.LogValue], whatever the verb.
func (r Response) Format(f fmt.State, _ rune) { fmt.Fprint(f, r.LogValue()) }

// Decode reads the JSON of Body into v.
func (r *Response) Decode(v any) error {
	err := json.Unmarshal(r.Body, v)
	// The texts of encoding/json quote the body, which may hold what is nobody's business.
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("the field %q of the answer does not fit %v", wrong.Field, wrong.Type)
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("the answer of %d bytes is not JSON at offset %d", len(r.Body), wrong.Offset)
	}
	if err != nil && strings.HasPrefix(err.Error(), "json: ") {
		return fmt.Errorf("the answer does not decode into %T", v)
	}
	return err
}

var errTooLarge = errors.New("the answer has more")

// verify reads an answer and verifies its bytes. The Response is there whenever the answer
// was read; the error then tells why it is not verified.
func (c *Client) verify(req *http.Request, answer *http.Response) (*Response, error) {
	body, err := io.ReadAll(io.LimitReader(answer.Body, c.maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if int64(len(body)) > c.maxAnswer {
		return nil, fmt.Errorf("%w than %d bytes; MaxAnswer sets the limit", errTooLarge, c.maxAnswer)
	}
	res := &Response{
		StatusCode: answer.StatusCode,
		Header:     answer.Header,
		Body:       body,
		RequestID:  answer.Header.Get("Request-ID"),
		Method:     req.Method,
		URL:        req.URL.String(),
	}
	err = c.verifier.Verify(res.Header, body, c.now())
	if err == nil {
		res.Verified, res.Serial = true, res.Header.Get("Wechatpay-Serial")
	}
	// Refusals of the front servers, before authentication, are never signed.
	if errors.Is(err, auth.ErrNotSigned) && !res.ok() {
		return res, nil
	}
	return res, err
}

func (r *Response) ok() bool { return r.StatusCode >= 200 && r.StatusCode < 300 }
