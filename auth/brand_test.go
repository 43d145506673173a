package auth_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
)

func TestABrandSignsInItsOwnName(t *testing.T) {
	t.Parallel()
	signer, err := auth.NewBrandSigner("1900009191", "1DDE55AD", keys().ours)
	if err != nil {
		t.Fatal(err)
	}
	a, err := signer.Authorize("GET", "/brand/x?a=b", nil, time.Unix(1554208460, 0))
	if err != nil {
		t.Fatal(err)
	}
	if want := `WECHATPAY-BRAND-SHA256-RSA2048 brand_id="1900009191",nonce_str="`; !strings.HasPrefix(a.Header(), want) || strings.Contains(a.Header(), "mchid") {
		t.Errorf("the header is %s", a.Header())
	}
	if text := a.String(); !strings.Contains(text, `brand_id="1900009191"`) || strings.Contains(text, "mchid") {
		t.Errorf("it prints as %s", text)
	}
	if err := auth.Verify(&keys().ours.PublicKey, auth.RequestText("GET", "/brand/x?a=b", a.Timestamp, a.Nonce, nil), a.Signature); err != nil {
		t.Error(err)
	}
	if again, err := auth.ParseAuthorization(a.Header()); err != nil || again != a {
		t.Errorf("the header parses to %v, %v", again, err)
	}
	if signer.BrandID() != "1900009191" || signer.MchID() != "" {
		t.Errorf("it signs for the brand %q and the merchant %q", signer.BrandID(), signer.MchID())
	}
}

func TestMchIDAndBrandIDDoNotStandForEachOther(t *testing.T) {
	t.Parallel()
	brand := auth.Authorization{Scheme: auth.BrandScheme, BrandID: "1", SerialNo: "2", Nonce: "3", Timestamp: "4", Signature: "c2ln"}
	for name, header := range map[string]string{
		"a brand with mchid":         strings.Replace(brand.Header(), "brand_id", "mchid", 1),
		"a merchant with brand_id":   strings.Replace(brand.Header(), auth.BrandScheme, auth.Scheme, 1),
		"a brand with both":          brand.Header() + `,mchid="1"`,
		"a merchant with both":       whole.Header() + `,brand_id="1"`,
		"a brand without its number": strings.Replace(brand.Header(), `brand_id="1",`, "", 1),
	} {
		if a, err := auth.ParseAuthorization(header); err == nil {
			t.Errorf("%s parses to %v", name, a)
		}
	}
	for name, err := range map[string]error{
		"no brand number":                       second(auth.NewBrandSigner("", "1", keys().ours)),
		"a brand number that leaves its quotes": second(auth.NewBrandSigner(`1",mchid="2`, "1", keys().ours)),
		"no serial number":                      second(auth.NewBrandSigner("1", "", keys().ours)),
		"no key":                                second(auth.NewBrandSigner("1", "1", nil)),
		"no key to verify with":                 second(auth.NewBrandVerifier()),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAVerifierRefusesTheOtherSignatureType(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	key := auth.PublicKey(keyID, &keys().ours.PublicKey)
	brand, err := auth.NewBrandVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	merchant := verifier(t, key)
	for name, tt := range map[string]struct {
		verifier *auth.Verifier
		change   func(http.Header)
		want     error
	}{
		"a merchant gets a merchant's": {merchant, func(h http.Header) {}, nil},
		"a merchant gets a brand's":    {merchant, func(h http.Header) { h.Set("Wechatpay-Signature-Type", auth.BrandScheme) }, auth.ErrBadSignature},
		"a brand gets a brand's":       {brand, func(h http.Header) { h.Set("Wechatpay-Signature-Type", auth.BrandScheme) }, nil},
		"a brand gets a merchant's":    {brand, func(h http.Header) {}, auth.ErrBadSignature},
		"a brand gets one unnamed":     {brand, func(h http.Header) { h.Del("Wechatpay-Signature-Type") }, nil},
	} {
		header := signed(t, keys().ours, keyID, "{}", now)
		tt.change(header)
		if err := tt.verifier.Verify(t.Context(), header, []byte("{}"), now); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}
