package front

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// TestBrandsSignUnderTheirOwnScheme has operations of its own, whatever the catalog has of brands.
func TestBrandsSignUnderTheirOwnScheme(t *testing.T) {
	t.Parallel()
	const brandID = "40001"
	w := world.Default()
	w.Merchants[0].BrandID = brandID
	w.Merchants[0].KeyMode = world.CertificateMode // of the merchant: brands have the public key
	if err := w.Complete(time.Now()); err != nil {
		t.Fatal(err)
	}
	_, f := newFront(t, w)
	answer := catalog.Response{Status: []int{204}, Body: &catalog.Body{Kind: "empty"}}
	f.Route(&catalog.Operation{Method: "GET", Path: "/brand/cards", Response: answer},
		&catalog.Operation{Method: "GET", Path: "/v3/cards", Response: answer, Security: catalog.Security{Scheme: "brand"}},
		&catalog.Operation{Method: "GET", Path: "/brand/users", Response: answer, Request: catalog.Request{Query: []catalog.Field{{Name: "mobile", Type: "string", Encrypted: "platform"}}}},
		&catalog.Operation{Method: "GET", Path: "/v3/orders", Response: answer})
	f.Shape = func(*Call) (any, error) { return nil, nil }

	m := w.Merchants[0]
	key, err := auth.ParsePrivateKey([]byte(m.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	merchant, err := auth.NewSigner(m.MchID, m.SerialNo, key)
	if err != nil {
		t.Fatal(err)
	}
	brand, err := auth.NewBrandSigner(brandID, m.SerialNo, key)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := auth.NewBrandSigner("40002", m.SerialNo, key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := auth.ParsePrivateKey([]byte(w.Platform.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	mobile, err := crypt.EncryptOAEP(&public.PublicKey, "13800000000")
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) func(string) string {
		return func(header string) string { return strings.Replace(header, old, new, 1) }
	}
	tests := map[string]struct {
		path   string
		signer *auth.Signer
		change func(header string) string
		scheme string // of the answer, "" if it is refused
		why    string // in the request log
	}{
		"a brand calls a path of brands":              {"/brand/cards", brand, nil, auth.BrandScheme, ""},
		"a brand calls what the catalog marks so":     {"/v3/cards", brand, nil, auth.BrandScheme, ""},
		"a brand encrypts with the public key":        {"/brand/users?mobile=" + url.QueryEscape(mobile), brand, nil, auth.BrandScheme, ""},
		"a merchant calls a path of merchants":        {"/v3/orders", merchant, nil, auth.Scheme, ""},
		"a merchant calls a path of brands":           {"/brand/cards", merchant, nil, "", "brands call this path: want the scheme " + auth.BrandScheme + " with brand_id"},
		"a brand calls a path of merchants":           {"/v3/orders", brand, nil, "", "merchants call this path: want the scheme " + auth.Scheme + " with mchid"},
		"mchid where brand_id belongs":                {"/brand/cards", brand, swap("brand_id", "mchid"), "", "there is mchid in place of brand_id"},
		"brand_id under the scheme of merchants":      {"/brand/cards", brand, swap(auth.BrandScheme, auth.Scheme), "", "there is brand_id in place of mchid"},
		"the number of the merchant as that of brand": {"/brand/cards", brand, swap(brandID, m.MchID), "", `the world has no "brand ` + m.MchID + `" that signs calls`},
		"a brand that nobody knows":                   {"/brand/cards", stranger, nil, "", `the world has no "brand 40002" that signs calls`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := tt.signer.Authorize("GET", tt.path, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			header := a.Header()
			if tt.change != nil {
				header = tt.change(header)
			}
			req := httptest.NewRequest("GET", tt.path, nil)
			req.Header = http.Header{"Authorization": {header}, "Accept": {"*/*"}, "User-Agent": {"test"}, "Wechatpay-Serial": {world.PublicKeyID(m.MchID)}}
			res := httptest.NewRecorder()
			f.ServeHTTP(res, req)
			seen := f.Log.Since(0)
			finding := ""
			for _, c := range seen[len(seen)-1].Checks {
				if !c.Passed {
					finding = c.Finding
				}
			}
			if got := res.Header().Get("Wechatpay-Signature-Type"); got != tt.scheme || (res.Code == 204) != (tt.scheme != "") {
				t.Errorf("answered %d %s, signed by %q, want %q", res.Code, res.Body, got, tt.scheme)
			}
			if got := res.Header().Get("Wechatpay-Serial"); (got == world.PublicKeyID(m.MchID)) != (tt.scheme == auth.BrandScheme) {
				t.Errorf("it is signed with the key %q", got)
			}
			if (finding == "") != (tt.why == "") || !strings.Contains(finding, tt.why) {
				t.Errorf("the log says %q, want …%s…", finding, tt.why)
			}
		})
	}
}
