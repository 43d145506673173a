package wechatpay_test

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/v3/global"
)

// statementHash is where WeChat Pay tells the hash of a statement, which it signs in the file's place.
const statementHash = "Wechatpay-Statement-Sha1"

func hexSHA1(content string) string {
	sum := sha1.Sum([]byte(content))
	return hex.EncodeToString(sum[:])
}

// signedOver makes an answer one that tells the hash sum, and is signed over it.
func signedOver(sum string) func(*http.Response) {
	return func(r *http.Response) {
		r.Header = answer(r.StatusCode, `{"sha1":"`+sum+`"}`, time.Now()).Header
		r.Header.Set(statementHash, sum)
	}
}

// statementWays are the ways of getting a statement. They return what came of it.
var statementWays = map[string]func(*testing.T, *wechatpay.Client, ...wechatpay.CallOption) (string, error){
	"by its types": func(t *testing.T, c *wechatpay.Client, opts ...wechatpay.CallOption) (string, error) {
		return all(global.New(c).Statements().Get(t.Context(), global.GetStatementsQuery{Date: "20240101", MchID: "1900000109"}, opts...))
	},
	"by its address": func(t *testing.T, c *wechatpay.Client, opts ...wechatpay.CallOption) (string, error) {
		return all(c.Download(t.Context(), "https://apihk.mch.weixin.qq.com/v3/global/statements?date=20240101", opts...))
	},
	"without types": func(t *testing.T, c *wechatpay.Client, opts ...wechatpay.CallOption) (string, error) {
		res, err := c.Chain("v3/global/statements").Get(t.Context(), opts...)
		if err != nil {
			return "", err
		}
		return string(res.Body), nil
	},
}

func TestAStatementIsVerifiedByTheHashThatIsSigned(t *testing.T) {
	t.Parallel()
	good := signedOver(hexSHA1(bill))
	after := func(change func(*http.Response)) func(*http.Response) {
		return func(r *http.Response) { good(r); change(r) }
	}
	set := func(name, value string) func(*http.Response) {
		return after(func(r *http.Response) { r.Header.Set(name, value) })
	}
	tests := map[string]struct {
		body   string
		change func(*http.Response)
		is     error  // of all ways
		swaps  bool   // which a stream tells at its end
		calls  int    // 1 if it is 0
		text   string // of the error
	}{
		"as it should be":                       {body: bill, change: good},
		"with its hash in upper case":           {body: bill, change: signedOver(strings.ToUpper(hexSHA1(bill)))},
		"of nothing":                            {change: signedOver(hexSHA1(""))},
		"that was swapped":                      {body: bill + "x", change: good, swaps: true},
		"that was cut off":                      {body: bill[:9], change: good, swaps: true},
		"that was swapped with its hash":        {body: "x", change: set(statementHash, hexSHA1("x")), is: auth.ErrBadSignature},
		"that is signed over itself":            {body: bill, change: func(r *http.Response) { r.Header.Set(statementHash, hexSHA1(bill)) }, is: auth.ErrBadSignature},
		"without its hash":                      {body: bill, change: after(func(r *http.Response) { r.Header.Del(statementHash) }), is: auth.ErrNotSigned, text: statementHash},
		"with a hash that is none":              {body: bill, change: signedOver(`x"}`), is: auth.ErrNotSigned, text: statementHash},
		"with a hash of another kind":           {body: bill, change: signedOver(strings.Repeat("0", 64)), is: auth.ErrNotSigned, text: statementHash},
		"without a signature":                   {body: bill, change: func(r *http.Response) { unsigned(r); r.Header.Set(statementHash, hexSHA1(bill)) }, is: auth.ErrNotSigned},
		"with nothing in its header":            {body: bill, change: unsigned, is: auth.ErrNotSigned},
		"with a key that nobody knows":          {body: bill, change: set("Wechatpay-Serial", "7B"), is: auth.ErrUnknownSerial},
		"with a timestamp that is old":          {body: bill, change: set("Wechatpay-Timestamp", "1554209980"), is: auth.ErrExpired},
		"with the signature of a probe, thrice": {body: bill, change: set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x"), is: auth.ErrProbe, calls: 3},
	}
	for name, tt := range tests {
		for way, get := range statementWays {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				g := &gateway{status: 200, body: tt.body, change: tt.change}
				var res wechatpay.Response
				content, err := get(t, newClient(t, g), wechatpay.Into(&res))
				if g.calls != max(tt.calls, 1) {
					t.Errorf("after %d calls", g.calls)
				}
				if g.last.URL.Host != "apihk.mch.weixin.qq.com" || g.last.Header.Get("Accept-Encoding") != "identity" {
					t.Errorf("asked %s with %v", g.last.URL.Host, g.last.Header)
				}
				g.checkSigned(t)
				if tt.is == nil && !tt.swaps {
					if err != nil || content != tt.body || !res.Verified || res.Serial != keyID {
						t.Errorf("got %q, %v, and the Response %v", content, err, res)
					}
					return
				}
				if err == nil || !errors.Is(err, tt.is) && tt.is != nil || wechatpay.OutcomeOf(err) != wechatpay.Unknown || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("the error is %v", err)
				}
				if tt.swaps && !strings.Contains(err.Error(), "does not have the hash") {
					t.Errorf("the error is %v", err)
				}
				if tt.is != nil && (content != "" || res.Verified) {
					t.Errorf("handed over %q and %v", content, res)
				}
			})
		}
	}
}

func TestAStatementThatIsRefusedIsAnError(t *testing.T) {
	t.Parallel()
	const body = `{"code":"NO_STATEMENT_EXIST","message":"账单不存在"}`
	for way, get := range statementWays {
		_, err := get(t, newClient(t, &gateway{status: 400, body: body}))
		e, ok := errors.AsType[*wechatpay.Error](err)
		if !ok || !errors.Is(err, code.Code("NO_STATEMENT_EXIST")) || !e.Verified || e.Outcome != wechatpay.Refused || e.Path != "/v3/global/statements" {
			t.Errorf("%s: %v", way, err)
		}
		g := &gateway{status: 200, body: bill, change: signedOver(hexSHA1(bill))}
		_, err = get(t, newClient(t, g), sha1Of(bill))
		if err == nil || g.calls != 0 || wechatpay.OutcomeOf(err) != wechatpay.NotSent {
			t.Errorf("%s with another hash: %v", way, err)
		}
	}
}

func TestAStatementOfAForgerIsClosedUnread(t *testing.T) {
	t.Parallel()
	body := &closing{Reader: strings.NewReader(bill)}
	g := &gateway{status: 200, change: func(r *http.Response) { unsigned(r); r.Body = body }}
	if content, err := statementWays["by its types"](t, newClient(t, g)); err == nil || content != "" {
		t.Errorf("got %q, %v", content, err)
	}
	if !body.closed || body.Len() != len(bill) {
		t.Errorf("closed: %t, with %d bytes left", body.closed, body.Len())
	}
}

type closing struct {
	*strings.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

var _ io.ReadCloser = (*closing)(nil)
