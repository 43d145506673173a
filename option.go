package wechatpay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
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
		c.hosts = make(map[string]*url.URL, len(addresses))
		for host, address := range addresses {
			origin, err := parseOrigin("the address of "+host, address)
			if err != nil {
				return err
			}
			c.hosts[host] = origin
		}
		return nil
	}
}

// HTTPClient sends with a copy of hc, which never follows a redirect and whose CheckRedirect is
// never asked. It stands for [Transport] too: give one of the two.
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

// Clock tells the time, for signing and for the window of answers. Default: time.Now.
func Clock(now func() time.Time) Option {
	return func(c *Client) error {
		if now == nil {
			return errors.New("the Clock is nil")
		}
		c.now = now
		return nil
	}
}

// Logger gets a record at level debug for each call. No record contains a key,
// a signature, a body or a path argument. Default: none.
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
		c.maxAnswer = bytes
		return nil
	}
}

// parseOrigin reads https://host. Its errors name the address by what it is for: the address
// itself may hold a password.
func parseOrigin(what, address string) (*url.URL, error) {
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
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
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
