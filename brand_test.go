package wechatpay_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
)

// brand has keys of its own. That they are the merchant's here only saves making more.
func brand() wechatpay.Merchant {
	m := merchant()
	m.MchID, m.BrandID = "", "1900009191"
	return m
}

func signatureType(scheme string) func(*http.Response) {
	return func(r *http.Response) { r.Header.Set("Wechatpay-Signature-Type", scheme) }
}

func TestABrandCallsItsOwnPaths(t *testing.T) {
	t.Parallel()
	const brandPath, merchantPath = "/brand/marketing/product-coupon/x", "/v3/payscore/serviceorder"
	tests := map[string]struct {
		merchant wechatpay.Merchant
		path     string
		change   func(*http.Response)
		is       error
		text     string // of the error, "" if it succeeds
		scheme   string // of the request, "" if there is none
	}{
		"a brand calls a brand's path":                  {brand(), brandPath, signatureType(auth.BrandScheme), nil, "", auth.BrandScheme},
		"a brand is answered without a signature type":  {brand(), brandPath, nil, nil, "", auth.BrandScheme},
		"a brand is answered as merchants are":          {brand(), brandPath, signatureType(auth.Scheme), auth.ErrBadSignature, "its type is", auth.BrandScheme},
		"a brand calls a merchant's path":               {brand(), merchantPath, nil, nil, "Merchant.MchID", ""},
		"a merchant calls a brand's path":               {merchant(), brandPath, nil, nil, "Merchant.BrandID", ""},
		"a merchant is answered as brands are":          {merchant(), merchantPath, signatureType(auth.BrandScheme), auth.ErrBadSignature, "its type is", auth.Scheme},
		"a merchant calls a path that only looks alike": {merchant(), "/brandy", nil, nil, "", auth.Scheme},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{status: 200, body: "{}", change: tt.change}
			client, err := wechatpay.New(tt.merchant, wechatpay.Transport(g))
			if err != nil {
				t.Fatal(err)
			}
			err = post(t, client.Chain(tt.path), wechatpay.JSON(cancelRequest{}))
			if (err == nil) != (tt.text == "") || err != nil && (!strings.Contains(err.Error(), tt.text) || tt.is != nil && !errors.Is(err, tt.is)) {
				t.Errorf("the error is %v", err)
			}
			if tt.scheme == "" {
				if g.calls != 0 || wechatpay.OutcomeOf(err) != wechatpay.NotSent {
					t.Errorf("after %d calls: %v", g.calls, err)
				}
				return
			}
			g.checkSigned(t)
			a, err := auth.ParseAuthorization(g.last.Header.Get("Authorization"))
			if err != nil || a.Scheme != tt.scheme || a.MchID != tt.merchant.MchID || a.BrandID != tt.merchant.BrandID {
				t.Errorf("signed as %v, %v", a, err)
			}
			if g.last.Header.Get("Wechatpay-Serial") != keyID {
				t.Errorf("asked for the key %q", g.last.Header.Get("Wechatpay-Serial"))
			}
		})
	}
}

func TestADownloadOfABrandGoesWhereItWasTold(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 200, body: bill, change: unsigned}
	client, err := newClient(t, g).For(brand())
	if err != nil {
		t.Fatal(err)
	}
	if content, err := all(client.Download(t.Context(), billURL)); err != nil || content != bill {
		t.Errorf("got %q, %v", content, err)
	}
	g.checkSigned(t)
	if _, err := newClient(t, g).Download(t.Context(), "https://api.mch.weixin.qq.com/brand/x"); err == nil || !strings.Contains(err.Error(), "Merchant.BrandID") {
		t.Errorf("a merchant downloads what is a brand's: %v", err)
	}
}

func TestNobodyIsAMerchantAndABrand(t *testing.T) {
	t.Parallel()
	both := brand()
	both.MchID = "1900000109"
	if _, err := wechatpay.New(both); err == nil || !strings.Contains(err.Error(), "MchID and a BrandID") {
		t.Errorf("the error is %v", err)
	}
	untrusting := brand()
	untrusting.PlatformKeys = nil
	// Brands have no platform certificates, which might be downloaded in place of the key.
	downloads := wechatpay.DownloadCertificates(time.Hour, func(error) {})
	if _, err := wechatpay.New(untrusting, downloads); err == nil || !strings.Contains(err.Error(), "no key to verify") {
		t.Errorf("the error is %v", err)
	}
	if text := fmt.Sprint(brand()); !strings.Contains(text, "brand_id=1900009191") || strings.Contains(text, "mchid") {
		t.Errorf("it prints as %s", text)
	}
}

func TestTheNumberAtTheEndOfARequestID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int64{
		"08F6A3B1CC06-268435462":               268435462,
		"08F6A3B1CC06-0":                       0,
		"08F6A3B1CC06":                         0,
		"":                                     0,
		"-":                                    0,
		"-5":                                   5,
		"08F6A3B1CC06-":                        0,
		"08F6A3B1CC06--1":                      0,
		"08F6A3B1CC06-+1":                      0,
		"08F6A3B1CC06-1 ":                      0,
		"08F6A3B1CC06-0x10":                    0,
		"08F6A3B1CC06-9223372036854775807":     9223372036854775807,
		"08F6A3B1CC06-9223372036854775808":     0,
		"e2762b10-b6b9-5108-a42c-162422528012": 0, // as they were before
	} {
		res, e := &wechatpay.Response{RequestID: id}, &wechatpay.Error{RequestID: id}
		if res.Result() != want || e.Result() != want {
			t.Errorf("of %q it is %d and %d, want %d", id, res.Result(), e.Result(), want)
		}
	}
	failing := &gateway{status: 404, body: `{"code":"ORDER_NOT_EXIST"}`, change: func(r *http.Response) { r.Header.Set("Request-ID", "08F6-268512771") }}
	err := post(t, newClient(t, failing).Chain("v3/x"))
	if e, ok := errors.AsType[*wechatpay.Error](err); !ok || e.Result() != 268512771 {
		t.Errorf("the error is %v", err)
	}
}
