package wechatpay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/download"
)

// Response is an answer of WeChat Pay whose signature was verified; the few files that WeChat Pay
// never signs say so in Verified. Printed or logged it comes without URL, headers and body, which
// may hold what is nobody's business. As JSON it is whole.
type Response struct {
	StatusCode int         // 200, or 204 where there is no body
	Header     http.Header // as received
	Body       []byte      // as received: the bytes that were verified
	RequestID  string      // to be named to WeChat Pay's support
	Serial     string      // names the key that verified: a public key's ID or a certificate's serial number
	Verified   bool        // whether WeChat Pay's signature was good: of Body, or of the hash that a file is compared with
	Attempts   int         // how often the call was tried; 1 if it succeeded at once
	Method     string      // of the request
	URL        string      // of the request; it may hold an openid

	opener *opener         // decrypts sensitive fields
	decode func(any) error // of APIv2, nil for APIv3
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

// Result is like [Error.Result]; 0 is a success.
func (r *Response) Result() int64 { return resultOf(r.RequestID) }

// Decode reads the JSON of Body into v, and decrypts each [Sensitive] in it.
func (r *Response) Decode(v any) error {
	if r.decode != nil {
		return r.decode(v)
	}
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
	if err != nil {
		return err
	}
	return open(r.opener, reflect.ValueOf(v))
}

var errTooLarge = errors.New("the answer has more")

// verify reads an answer and verifies its bytes. The Response is there whenever the answer
// was read; the error then tells why it is not verified.
func (c *Client) verify(ctx context.Context, k *call, answer *http.Response) (*Response, error) {
	body, err := c.read(answer)
	if err != nil {
		return nil, err
	}
	res := c.response(k, answer, body)
	if k.dialect != nil { // which verifies
		return res, nil
	}
	err = c.check(ctx, k, res)
	if err == nil {
		res.verified()
	}
	// Refusals of the front servers, before authentication, are never signed.
	if errors.Is(err, auth.ErrNotSigned) && !res.ok() {
		return res, nil
	}
	return res, err
}

// read reads the body of an answer, into as much memory as it says that it takes, if that is little.
func (c *Client) read(answer *http.Response) ([]byte, error) {
	const believed = 64 << 10 // of what it says
	var body []byte
	var err error
	switch limited := io.LimitReader(answer.Body, c.maxAnswer+1); {
	case answer.Body == http.NoBody: // for which io.ReadAll takes memory as well
		body = []byte{}
	case answer.ContentLength >= 0 && answer.ContentLength <= min(believed, c.maxAnswer):
		sized := bytes.NewBuffer(make([]byte, 0, answer.ContentLength+bytes.MinRead))
		_, err = sized.ReadFrom(limited)
		body = sized.Bytes()
	default:
		body, err = io.ReadAll(limited)
	}
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if int64(len(body)) > c.maxAnswer {
		return nil, fmt.Errorf("%w than %d bytes; MaxAnswer sets the limit", errTooLarge, c.maxAnswer)
	}
	return body, nil
}

// check tells why an answer is not verified.
func (c *Client) check(ctx context.Context, k *call, res *Response) error {
	switch {
	case c.checkList != nil:
		return c.checkList(res)
	case k.fact.SignedOver == "" || !res.ok():
		return c.verifier.Verify(ctx, res.Header, res.Body, c.now())
	}
	hash, err := c.signedHash(ctx, k, res)
	if err == nil && !hash.Of(res.Body) {
		err = fmt.Errorf("%w: the file does not have the hash that was signed", auth.ErrBadSignature)
	}
	return err
}

// signedHash is the hash of a file, in a header, that WeChat Pay signs in place of the file.
//
// See https://pay.weixin.qq.com/wiki/doc/api/wxpay/ch/fusion_wallet_ch/H5Payment/chapter8_5.shtml.
func (c *Client) signedHash(ctx context.Context, k *call, res *Response) (*download.Hash, error) {
	sum := res.Header.Get(k.fact.SignedOver)
	hash, err := download.ParseHash("SHA1", sum)
	if err != nil {
		return nil, fmt.Errorf("%w: %s has no SHA-1 of the file", auth.ErrNotSigned, k.fact.SignedOver)
	}
	return hash, c.verifier.Verify(ctx, res.Header, []byte(`{"sha1":"`+sum+`"}`), c.now())
}

// handOver begins to hand over a file. Where its hash is signed, that is verified before.
func (c *Client) handOver(ctx context.Context, k *call, answer *http.Response) (*Response, *Error) {
	res := c.response(k, answer, nil)
	if k.fact.SignedOver != "" {
		var err error
		if k.stream.Hash, err = c.signedHash(ctx, k, res); err != nil {
			_ = answer.Body.Close()
			return nil, refusal(res, err)
		}
		res.verified()
	}
	if k.stream.Hash == nil && endless(answer) {
		_ = answer.Body.Close()
		return nil, refusal(res, errors.New("nothing tells where the file ends, so that it may come cut off: give its Hash"))
	}
	k.stream.reader = download.New(answer.Body, k.stream.Config)
	return res, nil
}

// endless tells whether the body of an answer just stops, as HTTP/1.0 has it. What was unpacked told its end.
func endless(answer *http.Response) bool {
	return answer.ProtoMajor == 1 && answer.ContentLength < 0 && len(answer.TransferEncoding) == 0 && !answer.Uncompressed
}

func (c *Client) response(k *call, answer *http.Response, body []byte) *Response {
	return &Response{
		StatusCode: answer.StatusCode,
		Header:     answer.Header,
		Body:       body,
		RequestID:  answer.Header.Get("Request-Id"),
		Method:     k.method,
		URL:        k.url,
		opener:     c.opener,
	}
}

func (r *Response) verified() { r.Verified, r.Serial = true, r.Header.Get("Wechatpay-Serial") }

func (r *Response) ok() bool { return r.StatusCode >= 200 && r.StatusCode < 300 }

// pending tells whether r is a success by its status alone: a 202 with a code, such as USERPAYING, is
// accepted and not done. That of operations that document a 202 has none.
func (r *Response) pending() bool {
	return r.StatusCode == http.StatusAccepted && refusal(r, nil).Code != ""
}

// Stream is [Call] for a file, which is not signed, or by its hash. Close it.
func Stream(ctx context.Context, c *Client, method, path string, args []string, in any, opts []CallOption) (io.ReadCloser, error) {
	return c.stream(ctx, &call{method: method, path: path, args: args, in: in}, opts)
}

// Download gets the file at the address that an earlier answer told, such as its download_url, and
// hands it over as it comes. WeChat Pay does not sign files: give the hash that the signed answer told
// with [Hash]. What was packed on demand (tar_type GZIP) comes unpacked. Read returns [io.EOF] only
// if the file came whole, so that one without a length and without [Hash] is refused; Close it.
// [AttemptTimeout] limits how long its parts take to come, and ctx the whole.
//
// The host is one of WeChat Pay or of [Hosts]; [BaseURL] holds for it too.
func (c *Client) Download(ctx context.Context, address string, opts ...CallOption) (io.ReadCloser, error) {
	k := &call{method: http.MethodGet}
	if c != nil { // else do tells
		if err := k.locate(c, strings.TrimSpace(address)); err != nil { // published samples begin with a blank
			return nil, &Error{Outcome: NotSent, Method: k.method, Path: "Download", Err: err}
		}
	}
	return c.stream(ctx, k, opts)
}

// stream is a file on its way.
type stream struct {
	download.Config
	reader *download.Reader // nil until it comes
}

func (c *Client) stream(ctx context.Context, k *call, opts []CallOption) (io.ReadCloser, error) {
	k.stream = &stream{}
	if _, err := c.do(ctx, k, opts); err != nil {
		return nil, err
	}
	return k.stream.reader, nil
}

// locate makes the address what is called. Path and query are signed and sent as they stand there.
func (k *call) locate(c *Client, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || !strings.HasPrefix(u.Path, "/") {
		return errors.New("the address of the download is not a URL, such as https://api.mch.weixin.qq.com/v3/…")
	}
	host := strings.ToLower(u.Host)
	for name, address := range c.hosts {
		if address.host == host { // that of another one, whose address this is
			host = name
		}
	}
	ours := c.hosts[host] != nil || c.base != nil && c.base.host == host
	if !ours && (u.Scheme != "https" || !strings.HasSuffix(host, ".mch.weixin.qq.com") && !strings.HasSuffix(host, ".wechatpay.cn")) {
		return fmt.Errorf("the download is at %s://%s, which is not of WeChat Pay", u.Scheme, legible(host))
	}
	k.path, k.target = u.EscapedPath(), u.RequestURI()
	k.look()
	k.fact.Host = host
	return nil
}

// prepare tells the stream, if there is one, what the options said.
func (k *call) prepare() error {
	if k.stream == nil {
		if k.hash != nil || k.maxBytes != 0 {
			return errors.New("this call does not hand over a file as it comes: Hash and MaxBytes are for Download and the like")
		}
		return nil
	}
	if k.hash != nil && k.fact.SignedOver != "" {
		return errors.New("the hash of this file comes with it, and is signed: it takes no Hash")
	}
	_, query, _ := strings.Cut(k.target, "?")
	values, _ := url.ParseQuery(query) // what does not parse is not what is looked for
	k.stream.Config = download.Config{Hash: k.hash, MaxBytes: k.maxBytes, Unpack: strings.EqualFold(values.Get("tartype"), "gzip")}
	return nil
}

// limit limits an attempt: the whole of it, or of a stream what comes before the file, which has
// a limit of its own.
func (k *call) limit(ctx context.Context, d time.Duration) (context.Context, func()) {
	if k.stream == nil {
		return context.WithTimeout(ctx, d)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	k.stream.Timeout, k.stream.Cancel = d, cancel
	return ctx, func() {
		timer.Stop()
		if k.stream.reader == nil {
			cancel(nil)
		}
	}
}
