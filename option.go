package wechatpay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/internal/download"
)

// An Option changes how a [Client] works. [New] refuses what is not valid.
type Option func(*Client) error

// BaseURL sends every call to one address, whatever the operation's host, such as a
// simulator's. It is https unless the host is loopback, and has no path: the path is
// part of what is signed.
func BaseURL(address string) Option {
	return func(c *Client) (err error) {
		c.base, err = parseOrigin("the BaseURL", address)
		return err
	}
}

// Hosts sends the calls of single hosts to other addresses: the keys are hosts as the
// documents print them ("api.mch.weixin.qq.com"), the values are as for [BaseURL],
// which goes before.
func Hosts(addresses map[string]string) Option {
	return func(c *Client) error {
		c.hosts = make(map[string]*origin, len(addresses))
		for host, address := range addresses {
			if !isHost(host) {
				return errors.New("a key of Hosts is not a host alone, such as api.mch.weixin.qq.com")
			}
			other, err := parseOrigin("the address of "+host, address)
			if err != nil {
				return err
			}
			c.hosts[host] = other
		}
		return nil
	}
}

// HTTPClient sends with a copy of hc, which never follows a redirect and whose CheckRedirect is
// never asked. It is given in place of [Transport].
func HTTPClient(hc *http.Client) Option {
	return func(c *Client) error {
		if hc == nil {
			return errors.New("the HTTPClient is nil")
		}
		c.http = hc
		return nil
	}
}

// Transport sends with rt, which is also the place for tracing and metrics. It sees
// the request as it goes out, and must not change it.
func Transport(rt http.RoundTripper) Option {
	return func(c *Client) error {
		if rt == nil {
			return errors.New("the Transport is nil")
		}
		c.http = &http.Client{Transport: rt}
		return nil
	}
}

// Clock tells the time, for signing and for verifying. Default: time.Now.
func Clock(now func() time.Time) Option {
	return func(c *Client) error {
		if now == nil {
			return errors.New("the Clock is nil")
		}
		c.now = now
		return nil
	}
}

// Logger gets a record at level debug for each attempt of a call. No record contains
// a key, a signature, a body or an argument of [Path]. Default: none.
func Logger(log *slog.Logger) Option {
	return func(c *Client) error {
		if log == nil {
			return errors.New("the Logger is nil")
		}
		c.log = log
		return nil
	}
}

// AttemptTimeout limits one attempt, from connecting to the last byte of the answer;
// the context of a call limits the whole. Default: 30 seconds.
func AttemptTimeout(d time.Duration) Option {
	return func(c *Client) error {
		if d <= 0 {
			return fmt.Errorf("the AttemptTimeout is %v, want more than 0", d)
		}
		c.timeout = d
		return nil
	}
}

// MaxAnswer limits the body of an answer, in bytes. Default: 10 MiB.
func MaxAnswer(bytes int64) Option {
	return func(c *Client) error {
		if bytes <= 0 {
			return fmt.Errorf("MaxAnswer is %d, want more than 0", bytes)
		}
		c.maxAnswer = min(bytes, math.MaxInt64-1) // for one more is read, to tell the end from more
		return nil
	}
}

// origin is where calls go: https://host, and the host.
type origin struct{ text, host string }

// parseOrigin reads https://host. Its errors name the address by what it is for: the address
// itself may hold a password.
func parseOrigin(what, address string) (*origin, error) {
	if address == "" {
		return nil, fmt.Errorf("%s is empty", what)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%s is not of the form https://host, or http://127.0.0.1:8080 on this machine", what)
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s has more than a host: the path is part of what is signed", what)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("%s is not https; plain http is for loopback only", what)
	}
	return &origin{(&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), u.Host}, nil
}

// isHost tells whether host is one as the documents print them, in lower case and with nothing around it.
func isHost(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return r != '.' && r != '-' && (!isLetterOrDigit(r) || r >= 'A' && r <= 'Z')
	})
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// newTransport differs from net/http's default in two ways. It keeps as many connections to the
// one host as there are callers: net/http keeps two, and the rest shake hands anew. And it
// drops an idle connection before WeChat Pay does, which is after 8 seconds (Keep-Alive:
// timeout=8): a request that meets the closing connection would be of unknown outcome.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          0, // no limit of its own: it follows from MaxIdleConnsPerHost
		MaxIdleConnsPerHost:   1024,
		IdleConnTimeout:       7 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// withoutRedirects copies the http.Client that was given, or makes the default one, so that a
// redirect comes back as the answer: following it would send signed requests elsewhere.
func (c *Client) withoutRedirects() *http.Client {
	hc := http.Client{}
	if c.http != nil {
		hc = *c.http
	}
	if hc.Transport == nil {
		transport := newTransport()
		hc.Transport, c.closeIdle = transport, transport.CloseIdleConnections
	}
	hc.Transport = withoutLocation{hc.Transport}
	return &hc
}

// withoutLocation takes the Location off redirects, without which an http.Client returns them.
// CheckRedirect would come too late: a Location that does not parse stands in an error by then,
// in place of the answer. Nobody misses it, for a redirect never becomes a Response.
type withoutLocation struct{ transport http.RoundTripper }

func (w withoutLocation) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := w.transport.RoundTrip(req)
	if err != nil || res == nil || res.StatusCode < 300 || res.StatusCode > 399 {
		return res, err
	}
	bare := *res // a copy: the transport may keep its own
	bare.Header = res.Header.Clone()
	bare.Header.Del("Location")
	return &bare, nil
}

// MaxAttempts limits the attempts of a call, with the first. Default: 3.
func MaxAttempts(n int) Option {
	return func(c *Client) error {
		if n < 1 {
			return fmt.Errorf("MaxAttempts is %d, want at least 1", n)
		}
		c.maxAttempts = n
		return nil
	}
}

// RetryFor says for which reasons a call is attempted again, such as RetryUnsent|RetryTooMany.
// Default: for all of them.
func RetryFor(reasons Retry) Option {
	return func(c *Client) error {
		if others := reasons &^ (RetryUnsent | RetryTooMany | RetryUnknown); others != 0 {
			return fmt.Errorf("RetryFor has a reason that there is not: %#b", others)
		}
		c.retries = reasons
		return nil
	}
}

// BackupHosts says which host stands in for another one after an I/O error, for half a minute, both
// as the documents print them. Default: api2.mch.weixin.qq.com for api.mch.weixin.qq.com, and that
// for apihk.mch.weixin.qq.com; nil for none. It has no effect with [BaseURL], nor where [Hosts] has
// a host without its stand-in.
func BackupHosts(hosts map[string]string) Option {
	return func(c *Client) error {
		for host, other := range hosts {
			if !isHost(host) || !isHost(other) {
				return errors.New("BackupHosts has what is not a host alone, such as api.mch.weixin.qq.com")
			}
		}
		c.backups = newBackups(hosts)
		return nil
	}
}

// Trace calls fn after each attempt, successful or not. It has to return soon.
func Trace(fn func(context.Context, Attempt)) Option {
	return func(c *Client) error {
		if fn == nil {
			return errors.New("the Trace is nil")
		}
		c.trace = fn
		return nil
	}
}

// A CallOption says something about one call.
type CallOption func(*call) error

// Path fills the parameter {name} of the path, escaped; it may not be empty.
func Path(name, value string) CallOption {
	return func(k *call) error {
		k.named = append(k.named, pair{name, value})
		return nil
	}
}

// Query adds name=value to the query, escaped, in the order of the options.
func Query(name, value string) CallOption {
	return func(k *call) error {
		if name == "" {
			return errors.New("a Query has no name")
		}
		k.query = append(k.query, pair{name, value})
		return nil
	}
}

// Header sets a header, such as Accept-Language. Those of the signature, of the bodies and of the
// connection belong to the client.
func Header(name, value string) CallOption {
	return func(k *call) error {
		name = textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case name == "Authorization", name == "Host", name == "Accept", strings.HasPrefix(name, "Wechatpay-"), strings.HasPrefix(name, "Content-"):
			return fmt.Errorf("the header %s is set by the client", name)
		case slices.Contains(hopByHop, name), strings.HasPrefix(name, "Proxy-"):
			return fmt.Errorf("the header %s is about the connection, not about the call", name)
		case name == "Accept-Encoding": // then net/http leaves the answer packed, and no signature matches
			return errors.New("the header Accept-Encoding is set by the client")
		case name == "" || strings.ContainsFunc(name, func(r rune) bool { return r != '-' && !isLetterOrDigit(r) }):
			return errors.New("a Header has a name with a character that cannot be part of it")
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return fmt.Errorf("the value of the Header %s has a control character", name)
		}
		k.header = append(k.header, pair{name, value})
		return nil
	}
}

// hopByHop are the headers that tell the next machine how to transmit: net/http decides those.
var hopByHop = []string{"Connection", "Expect", "Http2-Settings", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// JSON is the body for [Client.Chain] or an index: struct, map, json.RawMessage.
func JSON(body any) CallOption {
	return func(k *call) error {
		switch body.(type) {
		case nil:
			return errors.New("the JSON body is nil")
		case string, []byte: // which would be sent as a string of JSON
			return errors.New("the JSON body is text: use json.RawMessage for what is JSON already")
		}
		k.json = body
		return nil
	}
}

// Upload is a file that a call uploads.
// Where the Content is an io.Seeker, as files are, it is read twice from where it stands, for its
// digest and for sending, and then put back; else it is kept in memory, up to 32 MiB. A file that
// the operation does not take, by its Name or its size, is [NotSent].
type Upload struct {
	Name    string    // with extension and without folders: "licence.jpg"
	Content io.Reader // it is not closed
}

// File is the file that a call through [Client.Chain] or an index uploads, as for [Upload]; what goes
// with it, but for its name and digest, is [JSON].
func File(name string, content io.Reader) CallOption {
	return func(k *call) error {
		k.file = Upload{Name: name, Content: content}
		return nil
	}
}

// Hash has a download compared at its end with the hash_type (SHA1 or SHA256) and the hash_value of an
// earlier answer.
func Hash(kind, value string) CallOption {
	return func(k *call) (err error) {
		k.hash, err = download.ParseHash(kind, value)
		return err
	}
}

// MaxBytes limits a download: what is larger is an error of Read.
func MaxBytes(n int64) CallOption {
	return func(k *call) error {
		if n <= 0 {
			return fmt.Errorf("MaxBytes is %d, want more than 0", n)
		}
		k.maxBytes = n
		return nil
	}
}

// Into also hands over the Response, which typed calls do not return: its Request-ID,
// headers, and fields that the types do not know. Only a verified 2xx fills res, even if its body
// then is an error; else res is unchanged.
func Into(res *Response) CallOption {
	return func(k *call) error {
		if res == nil {
			return errors.New("Into is nil")
		}
		k.into = res
		return nil
	}
}
