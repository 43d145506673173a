package wechatpay_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
)

// These tests go over real connections: what net/http does on its own between the client and the
// wire is what they are about.

// rawServer gives each connection to serve, with the connection's number from 1 on.
func rawServer(t *testing.T, serve func(*connection)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for number := 1; ; number++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(&connection{conn.(*net.TCPConn), number})
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

type connection struct {
	*net.TCPConn
	number int
}

// request reads one request and returns its very bytes.
func (c *connection) request() ([]byte, error) {
	var raw bytes.Buffer
	req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &raw)))
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, req.Body)
	return raw.Bytes(), err
}

// accept answers with a signed 204.
func (c *connection) accept() error {
	res := answer(204, "", time.Now())
	res.ProtoMajor, res.ProtoMinor = 1, 1
	res.Body, res.ContentLength = http.NoBody, 0 // else it would close the connection
	return res.Write(c)
}

// transport is the one that a client has by default, but closed with the test.
func transport(t *testing.T) *http.Transport {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func dial(t *testing.T, address string, opts ...wechatpay.Option) *wechatpay.Client {
	t.Helper()
	opts = append([]wechatpay.Option{wechatpay.Transport(transport(t)), wechatpay.BaseURL(address)}, opts...)
	client, err := wechatpay.New(merchant(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestTheBytesOnTheWireAreTheBytesThatWereSigned(t *testing.T) {
	t.Parallel()
	received := make(chan []byte, 1)
	client := dial(t, rawServer(t, func(c *connection) {
		raw, _ := c.request()
		received <- raw
		c.accept()
	}))
	err := post(t, client.Chain(cancelPath), wechatpay.Path("out_order_no", "a|b/c d+单%2F;="),
		wechatpay.Query("note", "x|y/z +单&=%7C"), wechatpay.JSON(map[string]string{"reason": "<用户>&\u2028取消"}))
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(<-received, []byte("\r\n\r\n"))
	line, fields, _ := strings.Cut(string(head), "\r\n")
	const target = "/v3/payscore/partner/serviceorder/a%7Cb%2Fc%20d+%E5%8D%95%252F%3B=/cancel?note=x%7Cy%2Fz%20%2B%E5%8D%95%26%3D%257C"
	if line != "POST "+target+" HTTP/1.1" {
		t.Errorf("the request line is %s", line)
	}
	if strings.Contains(fields, "Transfer-Encoding") || !strings.Contains(fields, fmt.Sprintf("Content-Length: %d\r\n", len(body))) {
		t.Errorf("the headers are %s", fields)
	}
	_, header, _ := strings.Cut(fields, "Authorization: ")
	header, _, _ = strings.Cut(header, "\r\n")
	a, err := auth.ParseAuthorization(header)
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.Verify(&keys().merchant.PublicKey, auth.RequestText("POST", target, a.Timestamp, a.Nonce, body), a.Signature); err != nil {
		t.Errorf("the signature is not of the bytes on the wire: %v", err)
	}
}

func TestAnswersOverARealConnection(t *testing.T) {
	t.Parallel()
	const body = `{"state":"DONE"}`
	write := func(w http.ResponseWriter, res *http.Response, text string) {
		for name, values := range res.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(res.StatusCode)
		io.WriteString(w, text)
	}
	packed := func() string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, body)
		w.Close()
		return b.String()
	}()
	tests := map[string]struct {
		serve func(w http.ResponseWriter, r *http.Request)
		is    error
		text  string // of the error, none if it succeeds
	}{
		"a body with its length": {func(w http.ResponseWriter, _ *http.Request) { write(w, answer(200, body, time.Now()), body) }, nil, ""},
		"a body in chunks": {func(w http.ResponseWriter, _ *http.Request) {
			write(w, answer(200, body, time.Now()), body[:5])
			w.(http.Flusher).Flush()
			io.WriteString(w, body[5:])
		}, nil, ""},
		"a packed body is verified as text": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("asked for %q", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Encoding", "gzip")
			write(w, answer(200, body, time.Now()), packed)
		}, nil, ""},
		"a body that is shorter than its length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
			write(w, answer(200, body, time.Now()), body)
		}, io.ErrUnexpectedEOF, "broke off"},
		"a body that is longer than its length": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n", len(body)-1)
			answer(200, body, time.Now()).Header.Write(conn)
			io.WriteString(conn, "\r\n"+body)
		}, auth.ErrBadSignature, "does not match"},
		"a body in chunks that breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			write(w, answer(200, body, time.Now()), body)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, io.ErrUnexpectedEOF, "broke off"},
		"a packed body that is cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			write(w, answer(200, body, time.Now()), packed[:len(packed)-9])
		}, io.ErrUnexpectedEOF, "broke off"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v3/x" {
				t.Errorf("the redirect to %s was followed", r.URL)
			}
			http.Redirect(w, r, "/v3/y", http.StatusTemporaryRedirect)
		}, nil, "307 Temporary Redirect"},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, io.EOF, "EOF"},
	}
	for name, tt := range tests {
		for _, version := range []int{1, 2} {
			if version == 2 && strings.Contains(name, "than its length") {
				continue // cannot be said in HTTP/2
			}
			t.Run(fmt.Sprintf("%s in HTTP %d", name, version), func(t *testing.T) {
				t.Parallel()
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.ProtoMajor != version {
						t.Errorf("called by %s", r.Proto)
					}
					tt.serve(w, r)
				}))
				server.EnableHTTP2 = version == 2
				server.StartTLS()
				t.Cleanup(server.Close)
				var res wechatpay.Response
				err := post(t, dial(t, server.URL, wechatpay.HTTPClient(server.Client())).Chain("v3/x"), wechatpay.Into(&res))
				if tt.text == "" {
					if err != nil || string(res.Body) != body {
						t.Errorf("got %q, %v", res.Body, err)
					}
					return
				}
				// An abrupt end has other names in HTTP/2.
				if err == nil || version == 1 && (!strings.Contains(err.Error(), tt.text) || tt.is != nil && !errors.Is(err, tt.is)) {
					t.Errorf("the error is %v, want …%s…", err, tt.text)
				}
				if wechatpay.OutcomeOf(err) != wechatpay.Unknown {
					t.Errorf("the outcome is %v", wechatpay.OutcomeOf(err))
				}
			})
		}
	}
}

func TestTheOutcomeDependsOnWhetherAConnectionStood(t *testing.T) {
	t.Parallel()
	// silent takes connections and says nothing, so that no TLS stands.
	silent := strings.Replace(rawServer(t, func(c *connection) { io.Copy(io.Discard, c) }), "http", "https", 1)
	plain := strings.Replace(rawServer(t, func(c *connection) { io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n") }), "http", "https", 1)
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	// deaf reads the request and says nothing.
	deaf := rawServer(t, func(c *connection) { c.request(); io.Copy(io.Discard, c) })
	rude := rawServer(t, func(c *connection) { c.request() })
	shut := rawServer(t, func(c *connection) { c.Read(make([]byte, 1)); c.SetLinger(0) })
	stuck := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	tests := map[string]struct {
		address string
		opts    []wechatpay.Option
		want    wechatpay.Outcome
	}{
		"a port that is closed":                {nobody, nil, wechatpay.NotSent},
		"time is up while connecting":          {nobody, []wechatpay.Option{wechatpay.Transport(stuck), wechatpay.AttemptTimeout(50 * time.Millisecond)}, wechatpay.NotSent},
		"time is up during the TLS handshake":  {silent, []wechatpay.Option{wechatpay.AttemptTimeout(50 * time.Millisecond)}, wechatpay.NotSent},
		"a server that does not speak TLS":     {plain, nil, wechatpay.NotSent},
		"a certificate that is not trusted":    {stranger.URL, nil, wechatpay.NotSent},
		"time is up while waiting":             {deaf, []wechatpay.Option{wechatpay.AttemptTimeout(50 * time.Millisecond)}, wechatpay.Unknown},
		"a server that hangs up on a request":  {rude, nil, wechatpay.Unknown},
		"a server that resets the connection":  {shut, nil, wechatpay.Unknown},
		"a transport that tells nothing fails": {nobody, []wechatpay.Option{wechatpay.Transport(&gateway{err: io.ErrClosedPipe})}, wechatpay.Unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := post(t, dial(t, tt.address, tt.opts...).Chain("v3/x"), wechatpay.JSON(cancelRequest{}))
			if err == nil || wechatpay.OutcomeOf(err) != tt.want {
				t.Errorf("the outcome is %v, want %v: %v", wechatpay.OutcomeOf(err), tt.want, err)
			}
		})
	}
}

func TestCancellingAfterSendingLeavesTheOutcomeOpen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := dial(t, rawServer(t, func(c *connection) {
		c.request()
		cancel()
		io.Copy(io.Discard, c)
	}))
	_, err := client.Chain("v3/x").Post(ctx, wechatpay.JSON(cancelRequest{}))
	if !errors.Is(err, context.Canceled) || wechatpay.OutcomeOf(err) != wechatpay.Unknown {
		t.Errorf("the outcome is %v: %v", wechatpay.OutcomeOf(err), err)
	}
}

// TestNothingSendsAPostTwice is about net/http, which repeats requests by itself when a connection
// that was idle breaks. That the same server sees a GET twice shows that it sets the trap.
func TestNothingSendsAPostTwice(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int32{"GET": 2, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 1} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var arrived atomic.Int32
			client := dial(t, rawServer(t, func(c *connection) {
				if c.number > 1 {
					c.request()
					arrived.Add(1)
					c.accept()
					return
				}
				c.request()
				c.accept()
				c.request() // is carried out, and then
				arrived.Add(1)
			}))
			in := []wechatpay.CallOption{wechatpay.JSON(cancelRequest{})}
			if method == "GET" {
				in = nil
			}
			send := func() error {
				_, err := wechatpay.Send(t.Context(), client, method, "/v3/x", nil, nil, in)
				return err
			}
			if err := send(); err != nil {
				t.Fatal(err)
			}
			err := send()
			if arrived.Load() != want {
				t.Errorf("it arrived %d times, want %d", arrived.Load(), want)
			}
			if want == 1 && (err == nil || wechatpay.OutcomeOf(err) != wechatpay.Unknown) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAConnectionThatTheServerClosedWhileIdleIsReplaced(t *testing.T) {
	t.Parallel()
	noticed := make(chan struct{})
	client := dial(t, rawServer(t, func(c *connection) {
		c.request()
		c.accept()
		if c.number == 1 {
			c.CloseWrite()
			io.Copy(io.Discard, c) // until the client hangs up, too
			close(noticed)
		}
	}))
	for range 2 {
		if err := post(t, client.Chain("v3/x"), wechatpay.JSON(cancelRequest{})); err != nil {
			t.Fatal(err)
		}
		<-noticed
	}
}

// net/http takes a POST with an Idempotency-Key for one that it may send again by itself.
func TestNobodyButTheClientSendsAgain(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		var posts atomic.Int64
		address := rawServer(t, func(c *connection) {
			if _, err := c.request(); err == nil {
				c.accept()
			}
			if raw, err := c.request(); err == nil && bytes.HasPrefix(raw, []byte("POST")) {
				posts.Add(1) // and hangs up without an answer, on a connection that was good before
			}
		})
		client := newClient(t, nil, wechatpay.Transport(transport(t)), wechatpay.BaseURL(address), wechatpay.MaxAttempts(1))
		if err := post(t, client.Chain("v3/x"), wechatpay.JSON(map[string]int{})); err != nil {
			t.Fatal(err)
		}
		err := post(t, client.Chain("v3/x"), wechatpay.JSON(map[string]int{}), wechatpay.Header(header, "1"))
		if err == nil || wechatpay.OutcomeOf(err) != wechatpay.Unknown || posts.Load() != 1 {
			t.Errorf("with %s, %d requests arrived: %v", header, posts.Load(), err)
		}
	}
}
