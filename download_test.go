package wechatpay_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/v3/billdownload"
	merchantservice "github.com/openwechatpay/wechatpay/v3/merchant-service"
)

const (
	billURL = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=canary_-x%2F%7e~&b&a=1"
	bill    = "\ufeff交易时间,公众账号ID\r\n`2022-03-21 13:51:31,`wx1\r\n"
)

func sha1Of(content string) wechatpay.CallOption {
	sum := sha1.Sum([]byte(content))
	return wechatpay.Hash("SHA1", hex.EncodeToString(sum[:]))
}

// all reads a download to its end, and closes it.
func all(file io.ReadCloser, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}

func packed(content string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, content)
	w.Close()
	return b.String()
}

func TestADownloadIsSignedOverItsAddressAsItStandsThere(t *testing.T) {
	t.Parallel()
	image := merchantservice.New
	tests := map[string]struct {
		call func(c *wechatpay.Client) (io.ReadCloser, error)
		want string // the target
	}{
		"of an address": {func(c *wechatpay.Client) (io.ReadCloser, error) {
			return c.Download(t.Context(), billURL, sha1Of(bill))
		}, strings.TrimPrefix(billURL, "https://api.mch.weixin.qq.com")},
		"of an address with a blank in front": {func(c *wechatpay.Client) (io.ReadCloser, error) {
			return c.Download(t.Context(), " "+billURL)
		}, strings.TrimPrefix(billURL, "https://api.mch.weixin.qq.com")},
		"of an address with an escaped path": {func(c *wechatpay.Client) (io.ReadCloser, error) {
			return c.Download(t.Context(), "https://api.mch.weixin.qq.com/v3/merchant-service/images/a%2Fb~%7E%3d#x")
		}, "/v3/merchant-service/images/a%2Fb~%7E%3d"},
		"by its types": {func(c *wechatpay.Client) (io.ReadCloser, error) {
			return billdownload.New(c).File().Get(t.Context(), billdownload.DownloadBillQuery{Token: "a/b"}, sha1Of(bill))
		}, "/v3/billdownload/file?token=a%2Fb"},
		"by its types, with an argument": {func(c *wechatpay.Client) (io.ReadCloser, error) {
			return image(c).Images().MediaID("a/b").Get(t.Context())
		}, "/v3/merchant-service/images/a%2Fb"},
		"asynchronously": {func(c *wechatpay.Client) (io.ReadCloser, error) {
			in := billdownload.DownloadBillQuery{Token: "1"}
			return wechatpay.GetAsync(t.Context(), billdownload.New(c).File(), in).Wait(t.Context())
		}, "/v3/billdownload/file?token=1"},
	}
	for name, tt := range tests {
		g := &gateway{status: 200, body: bill, change: unsigned}
		content, err := all(tt.call(newClient(t, g)))
		if err != nil || content != bill {
			t.Errorf("a download %s gives %q, %v", name, content, err)
			continue
		}
		if got := g.last.URL.RequestURI(); got != tt.want || g.last.URL.Host != "api.mch.weixin.qq.com" {
			t.Errorf("a download %s goes to %s of %s, want %s", name, got, g.last.URL.Host, tt.want)
		}
		if g.last.Header.Get("Accept") != "*/*" || g.last.Method != http.MethodGet {
			t.Errorf("a download %s is a %s with %v", name, g.last.Method, g.last.Header)
		}
		g.checkSigned(t)
	}
}

// TestAnInvoiceIsDownloadedInNobodysName: its address is a secret by itself, and its host takes no
// Authorization.
func TestAnInvoiceIsDownloadedInNobodysName(t *testing.T) {
	t.Parallel()
	const target = "/invoicing/fapiao/fapiao-file?token=canary%2F1"
	for name, call := range map[string]func(*wechatpay.Client) (string, error){
		"by its address": func(c *wechatpay.Client) (string, error) {
			return all(c.Download(t.Context(), "https://pay.wechatpay.cn"+target))
		},
		"as its types do": func(c *wechatpay.Client) (string, error) {
			query := []wechatpay.CallOption{wechatpay.Query("token", "canary/1")}
			return all(wechatpay.Stream(t.Context(), c, "GET", "/invoicing/fapiao/fapiao-file", nil, nil, query))
		},
		"without types": func(c *wechatpay.Client) (string, error) {
			res, err := c.Chain("invoicing/fapiao/fapiao-file").Get(t.Context(), wechatpay.Query("token", "canary/1"))
			if err != nil {
				return "", err
			}
			return string(res.Body), nil
		},
	} {
		for whose, m := range map[string]wechatpay.Merchant{"a merchant": merchant(), "a brand": brand()} {
			if m.BrandID != "" && name != "by its address" {
				continue // brands call what is theirs, and download what they are told
			}
			g := &gateway{status: 200, body: bill, change: unsigned}
			client, err := newClient(t, g).For(m)
			if err != nil {
				t.Fatal(err)
			}
			content, err := call(client)
			if err != nil || content != bill {
				t.Errorf("%s gets %q %s, %v", whose, content, name, err)
				continue
			}
			if got := g.last.URL.String(); got != "https://pay.wechatpay.cn"+target {
				t.Errorf("%s: sent to %s", name, got)
			}
			for header := range g.last.Header {
				if header == "Authorization" || strings.HasPrefix(header, "Wechatpay-") {
					t.Errorf("%s: the request has the header %s", name, header)
				}
			}
		}
		g := &gateway{status: 404, body: "canary", change: unsigned}
		_, err := call(newClient(t, g))
		if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.StatusCode != 404 || e.Path != "/invoicing/fapiao/fapiao-file" {
			t.Errorf("%s: %v", name, err)
		}
		checkCanaries(t, name, printed(t, err))
	}
	g := &gateway{status: 204}
	if err := post(t, newClient(t, g).Chain("v3/x")); err != nil || g.last.Header.Get("Authorization") == "" {
		t.Errorf("other calls go without Authorization: %v", err)
	}
}

func TestADownloadEndsOnlyIfTheFileIsWhole(t *testing.T) {
	t.Parallel()
	gz := strings.Replace(billURL, "&b", "&tartype=GZIP", 1)
	broken := func(r *http.Response) {
		unsigned(r)
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(bill[:20]), brokenReader{}))
	}
	tests := map[string]struct {
		url, body string
		change    func(*http.Response)
		opts      []wechatpay.CallOption
		content   string
		err       string // "" if it ends well
	}{
		"without a hash":                  {billURL, bill, unsigned, nil, bill, ""},
		"with its hash":                   {billURL, bill, unsigned, []wechatpay.CallOption{sha1Of(bill)}, bill, ""},
		"that is empty, with its hash":    {billURL, "", unsigned, []wechatpay.CallOption{sha1Of("")}, "", ""},
		"with another hash":               {billURL, bill, unsigned, []wechatpay.CallOption{sha1Of(bill + " ")}, bill, "does not have the hash"},
		"that is empty, with a hash":      {billURL, "", unsigned, []wechatpay.CallOption{sha1Of(bill)}, "", "does not have the hash"},
		"that breaks off":                 {billURL, "", broken, nil, bill[:20], "the file broke off"},
		"as large as it may be":           {billURL, bill, unsigned, []wechatpay.CallOption{wechatpay.MaxBytes(int64(len(bill))), sha1Of(bill)}, bill, ""},
		"a byte larger than it may be":    {billURL, bill, unsigned, []wechatpay.CallOption{wechatpay.MaxBytes(int64(len(bill)) - 1)}, bill[:len(bill)-1], "has more than"},
		"packed, with the hash of within": {gz, packed(bill), unsigned, []wechatpay.CallOption{sha1Of(bill)}, bill, ""},
		"packed, and cut off":             {gz, packed(bill)[:30], unsigned, nil, "", "the file broke off"},
		"packed, and cut off at once":     {gz, packed(bill)[:5], unsigned, nil, "", "the file broke off"},
		"packed, and unpacked before":     {gz, bill, unsigned, []wechatpay.CallOption{sha1Of(bill)}, bill, ""},
		"packed, and larger than it may be": {gz, packed(strings.Repeat("x", 1<<20)), unsigned,
			[]wechatpay.CallOption{wechatpay.MaxBytes(10)}, "xxxxxxxxxx", "has more than 10 bytes"},
		"packed unasked": {billURL, packed(bill), unsigned, nil, packed(bill), ""},
	}
	for name, tt := range tests {
		var res wechatpay.Response
		client := newClient(t, &gateway{status: 200, body: tt.body, change: tt.change})
		file, err := client.Download(t.Context(), tt.url, append(tt.opts, wechatpay.Into(&res))...)
		if err != nil {
			t.Errorf("a file %s: %v", name, err)
			continue
		}
		content, err := io.ReadAll(file)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || tt.content != "" && string(content) != tt.content {
			t.Errorf("a file %s gives %q, %v", name, content, err)
		}
		if n, again := file.Read(make([]byte, 1)); n != 0 || again == nil || err != nil && again != err {
			t.Errorf("a file %s goes on with %d bytes, %v", name, n, again)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		if res.StatusCode != 200 || res.Verified || res.RequestID == "" || res.Attempts != 1 {
			t.Errorf("a file %s has the answer %v", name, res)
		}
	}
}

func TestADownloadGoesNowhereElse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		url  string
		opts []wechatpay.CallOption
	}{
		"to another host":                  {"https://example.com/canary", nil},
		"to a host that ends alike":        {"https://evilmch.weixin.qq.com/canary", nil},
		"to a host that ends like another": {"https://pay.evilwechatpay.cn/canary", nil},
		"to a domain without a host":       {"https://wechatpay.cn/canary", nil},
		"to a host that begins alike":      {"https://api.mch.weixin.qq.com.example.com/canary", nil},
		"to another port":                  {"https://api.mch.weixin.qq.com:8443/canary", nil},
		"with a password":                  {"https://canary@api.mch.weixin.qq.com/canary", nil},
		"without TLS":                      {"http://api.mch.weixin.qq.com/canary", nil},
		"by another protocol":              {"file:///canary", nil},
		"to a path alone":                  {"/v3/billdownload/file?token=canary", nil},
		"to nothing":                       {"", nil},
		"to a host alone":                  {"https://api.mch.weixin.qq.com", nil},
		"to what does not parse":           {"https://api.mch.weixin.qq.com/%zz?token=canary", nil},
		"to an address with a line break":  {"https://api.mch.weixin.qq.com/a\r\ncanary", nil},
		"with a query more":                {billURL, []wechatpay.CallOption{wechatpay.Query("canary", "1")}},
		"with an argument of the path":     {billURL, []wechatpay.CallOption{wechatpay.Path("canary", "1")}},
		"with a body":                      {billURL, []wechatpay.CallOption{wechatpay.JSON(map[string]string{"canary": "1"})}},
		"with a file":                      {billURL, []wechatpay.CallOption{wechatpay.File("canary.jpg", strings.NewReader("x"))}},
		"with a hash of another kind":      {billURL, []wechatpay.CallOption{wechatpay.Hash("MD5", "00")}},
		"with a hash that is cut off":      {billURL, []wechatpay.CallOption{wechatpay.Hash("SHA1", "00")}},
		"with a hash that is not there":    {billURL, []wechatpay.CallOption{wechatpay.Hash("", "")}},
		"with a hash that is no such text": {billURL, []wechatpay.CallOption{wechatpay.Hash("SHA1", strings.Repeat("canary--", 5))}},
		"with a limit of nothing":          {billURL, []wechatpay.CallOption{wechatpay.MaxBytes(0)}},
	} {
		g := &gateway{status: 200, body: bill, change: unsigned}
		file, err := newClient(t, g).Download(t.Context(), tt.url, tt.opts...)
		if err == nil || file != nil || wechatpay.OutcomeOf(err) != wechatpay.NotSent || g.calls != 0 {
			t.Errorf("a download %s gives %v, after %d requests", name, err, g.calls)
			continue
		}
		checkCanaries(t, name, printed(t, err))
	}
	var none *wechatpay.Client
	if _, err := none.Download(t.Context(), billURL); err == nil || !strings.Contains(err.Error(), "there is no client") {
		t.Errorf("a download without a client gives %v", err)
	}
	for name, opt := range map[string]wechatpay.CallOption{"a hash": sha1Of(bill), "a limit": wechatpay.MaxBytes(1)} {
		g := &gateway{status: 200, body: "{}"}
		if err := post(t, newClient(t, g).Chain("v3/x"), opt); err == nil || g.calls != 0 {
			t.Errorf("%s of a call that is no download gives %v", name, err)
		}
	}
}

func TestADownloadGoesWhereTheClientIsSentTo(t *testing.T) {
	t.Parallel()
	const ours = "http://127.0.0.1:8080"
	hosts := wechatpay.Hosts(map[string]string{"apihk.mch.weixin.qq.com": ours})
	for name, tt := range map[string]struct {
		opt       wechatpay.Option
		url, want string
	}{
		"a base instead of the host":     {wechatpay.BaseURL(ours), billURL, ours},
		"the base itself":                {wechatpay.BaseURL(ours), ours + "/v3/x", ours},
		"an address instead of one host": {hosts, "https://apihk.mch.weixin.qq.com/v3/x", ours},
		"that address itself":            {hosts, ours + "/v3/x", ours},
		"another host":                   {hosts, "https://API2.mch.weixin.qq.com/v3/x", "https://api2.mch.weixin.qq.com"},
	} {
		g := &gateway{status: 200, body: bill, change: unsigned}
		_, err := all(newClient(t, g, tt.opt).Download(t.Context(), tt.url))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := g.last.URL.Scheme + "://" + g.last.URL.Host; got != tt.want {
			t.Errorf("%s: sent to %s", name, got)
		}
	}
}

func TestADownloadThatIsRefusedIsAnError(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 400, body: `{"code":"PARAM_ERROR","message":"token错误"}`, change: unsigned}
	_, err := newClient(t, g).Download(t.Context(), billURL)
	e, ok := errors.AsType[*wechatpay.Error](err)
	if !ok || e.StatusCode != 400 || e.Message != "token错误" || e.Verified || !errors.Is(err, code.ParamError) || e.Path != "/v3/billdownload/file" {
		t.Errorf("the error is %v", err)
	}
	checkCanaries(t, "a refusal", printed(t, err))
	_, err = newClient(t, g).Download(t.Context(), "https://api.mch.weixin.qq.com/v3/merchant-service/images/canary")
	if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.Path != "/v3/merchant-service/images/{media_id}" {
		t.Errorf("the error is %v", err)
	}
	checkCanaries(t, "a refusal of an address that ends with an argument", printed(t, err))
	_, err = newClient(t, g).Download(t.Context(), "https://api.mch.weixin.qq.com/v3/new/CANARY%2f1")
	if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.Path != "/v3/new/…" {
		t.Errorf("the error is %v", err)
	}
	h := newHost(t, unavailable, badGateway)
	client, err := wechatpay.New(merchant(), wechatpay.BaseURL(h.URL))
	if err != nil {
		t.Fatal(err)
	}
	if content, err := all(client.Download(t.Context(), billURL)); err != nil || content != `{"state":"REVOKED"}` {
		t.Errorf("after two that failed, the third attempt gives %q, %v", content, err)
	}
}

func TestOnlyWhatIsNeverSignedMayBeUnsigned(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"v3/billdownload/file":                  true,
		"v3/merchant-service/images/{media_id}": true,
		"v3/transferdownload/signfile":          true,
		"v3/transferdownload/elecvoucherfile":   true,
		"v3/payscore/serviceorder":              false,
		"v3/certificates":                       false,
		"v3/new":                                false,
	} {
		g := &gateway{status: 200, body: bill, change: unsigned}
		e := newClient(t, g).Chain(path)
		var opts []wechatpay.CallOption
		if strings.Contains(path, "{") {
			opts = append(opts, wechatpay.Path("media_id", "1"))
		}
		res, err := e.Get(t.Context(), opts...)
		if (err == nil) != want || err == nil && (res.Verified || string(res.Body) != bill) || err != nil && !errors.Is(err, auth.ErrNotSigned) {
			t.Errorf("%s without a signature gives %v, %v", path, res, err)
		}
		g.change = func(r *http.Response) { r.Header.Set("Wechatpay-Signature", "Zm9yZ2Vk") }
		if res, err := e.Get(t.Context(), opts...); err == nil {
			t.Errorf("%s with a forged signature gives %v", path, res)
		}
	}
}

// serving is a client whose server is fn, over connections in memory. closed tells how many of them
// are closed.
func serving(t *testing.T, fn func(net.Conn), opts ...wechatpay.Option) (client *wechatpay.Client, open *atomic.Int32) {
	t.Helper()
	open = new(atomic.Int32)
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		open.Add(1)
		go func() {
			defer open.Add(-1)
			defer theirs.Close()
			if _, err := http.ReadRequest(bufio.NewReader(theirs)); err != nil {
				return
			}
			_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789")
			fn(theirs)
		}()
		return ours, nil
	}}
	client, err := wechatpay.New(merchant(), append(opts, wechatpay.Transport(tr), wechatpay.BaseURL("http://localhost"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return client, open
}

func TestADownloadWaitsForItsReaderButNotForeverForItsServer(t *testing.T) {
	t.Parallel()
	keys()
	silent := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	rest := func(conn net.Conn) {
		time.Sleep(9 * time.Second) // less than a piece may take
		_, _ = io.WriteString(conn, "0123456789")
		silent(conn)
	}
	for name, tt := range map[string]struct {
		serve func(net.Conn)
		read  func(t *testing.T, file io.ReadCloser, cancel func()) error
		want  error
	}{
		"a server that falls silent": {silent, func(t *testing.T, file io.ReadCloser, _ func()) error {
			_, err := io.ReadAll(file)
			if err == nil || !strings.Contains(err.Error(), "nothing came for 10s") {
				t.Errorf("the error is %v", err)
			}
			return err
		}, context.DeadlineExceeded},
		"a server that is slow": {rest, func(_ *testing.T, file io.ReadCloser, _ func()) error {
			_, err := io.ReadAll(file)
			return err
		}, nil},
		"a reader that is busy for an hour": {rest, func(_ *testing.T, file io.ReadCloser, _ func()) error {
			time.Sleep(time.Hour)
			if _, err := io.ReadFull(file, make([]byte, 5)); err != nil {
				return err
			}
			time.Sleep(time.Hour)
			_, err := io.ReadAll(file)
			return err
		}, nil},
		"a caller who cancels": {silent, func(_ *testing.T, file io.ReadCloser, cancel func()) error {
			time.AfterFunc(time.Second, cancel)
			_, err := io.ReadAll(file)
			return err
		}, context.Canceled},
		"a reader that closes": {silent, func(t *testing.T, file io.ReadCloser, _ func()) error {
			if err := file.Close(); err != nil {
				return err
			}
			if n, err := file.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
				t.Errorf("read %d bytes after closing, %v", n, err)
			}
			return file.Close()
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, open := serving(t, tt.serve, wechatpay.AttemptTimeout(10*time.Second))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				file, err := client.Download(ctx, billURL)
				if err != nil {
					t.Fatal(err)
				}
				if err := tt.read(t, file, cancel); !errors.Is(err, tt.want) {
					t.Errorf("the error is %v", err)
				}
				file.Close()
				if tt.want == nil && name != "a reader that closes" {
					client.Close()
					return
				}
				synctest.Wait()
				if open.Load() != 0 {
					t.Error("the connection is still open")
				}
			})
		})
	}
}

// TestADownloadWhoseEndNobodyTellsIsRefused is about servers that just hang up after the file: if they
// do so before, nobody notices.
func TestADownloadWhoseEndNobodyTellsIsRefused(t *testing.T) {
	t.Parallel()
	const refused = "nothing tells where the file ends"
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(bill), bill)
	for name, tt := range map[string]struct {
		head, body string
		opts       []wechatpay.CallOption
		text       string // of the error, "" for none
	}{
		"with a length":                   {fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(bill)), bill, nil, ""},
		"in chunks":                       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", chunked, nil, ""},
		"packed on its way":               {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", packed(bill), nil, ""},
		"packed on its way, and cut off":  {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", packed(bill)[:40], nil, "broke off"},
		"with neither":                    {"HTTP/1.1 200 OK\r\n", bill, nil, refused},
		"with neither, of an old server":  {"HTTP/1.0 200 OK\r\n", bill, nil, refused},
		"with a hash":                     {"HTTP/1.0 200 OK\r\n", bill, []wechatpay.CallOption{sha1Of(bill)}, ""},
		"with a hash that tells the rest": {"HTTP/1.0 200 OK\r\n", bill[:20], []wechatpay.CallOption{sha1Of(bill)}, "cut off"},
	} {
		address := rawServer(t, func(c *connection) {
			if _, err := c.request(); err == nil {
				_, _ = io.WriteString(c, tt.head+"\r\n"+tt.body)
			}
		})
		content, err := all(dial(t, address).Download(t.Context(), billURL, tt.opts...))
		if (err == nil) != (tt.text == "") || err == nil && content != bill || err != nil && !strings.Contains(err.Error(), tt.text) {
			t.Errorf("a file %s gives %q, %v", name, content, err)
		}
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush() // without a length, for HTTP/2 tells the end itself
		_, _ = io.WriteString(w, bill)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newClient(t, nil, wechatpay.HTTPClient(server.Client()), wechatpay.BaseURL(server.URL))
	if content, err := all(client.Download(t.Context(), billURL)); err != nil || content != bill {
		t.Errorf("a file over HTTP/2 gives %q, %v", content, err)
	}
}

func TestADownloadThatDoesNotBeginInTimeIsAnError(t *testing.T) {
	t.Parallel()
	keys()
	synctest.Test(t, func(t *testing.T) {
		tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = io.Copy(io.Discard, theirs)
				theirs.Close()
			}()
			return ours, nil
		}}
		client, err := wechatpay.New(merchant(), wechatpay.Transport(tr), wechatpay.BaseURL("http://localhost"), wechatpay.MaxAttempts(2))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = client.Download(t.Context(), billURL)
		if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.Attempts != 2 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(began).Truncate(time.Second); took != time.Minute {
			t.Errorf("two attempts took %v", took)
		}
		synctest.Wait()
	})
}

// sending is a transport that answers with a file of 10 MiB, made while it is read.
type sending struct{}

func (sending) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(&megabytes{size: 10 << 20})}, nil
}

func BenchmarkDownload10MiB(b *testing.B) {
	client, err := wechatpay.New(merchant(), wechatpay.Transport(sending{}))
	if err != nil {
		b.Fatal(err)
	}
	zeros := sha1Of(string(make([]byte, 10<<20)))
	piece := make([]byte, 32<<10)
	b.ReportAllocs()
	b.SetBytes(10 << 20)
	for b.Loop() {
		clear(piece)
		file, err := client.Download(b.Context(), billURL, zeros)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, file, piece); err != nil || n != 10<<20 {
			b.Fatal(n, err)
		}
		file.Close()
	}
}
