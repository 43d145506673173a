package wechatpay_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
)

func TestAClientSignsLinesWithTheMerchantsKey(t *testing.T) {
	t.Parallel()
	signature, err := newClient(t, &gateway{}).SignLines("wx8888", "1554208460", "nonce", "prepay_id=wx1")
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.Verify(&keys().merchant.PublicKey, []byte("wx8888\n1554208460\nnonce\nprepay_id=wx1\n"), signature); err != nil {
		t.Error(err)
	}
}

func TestAClientSignsParamsWithTheAPIv2Key(t *testing.T) {
	t.Parallel()
	params := map[string]string{"appId": "wx8888", "package": "prepay_id=wx1"}
	for _, signType := range []auth.SignType{auth.MD5, auth.HMACSHA256} {
		sign, err := newClientV2(t, &gatewayV2{}, nil).SignParams(signType, params)
		if err != nil {
			t.Fatal(err)
		}
		signed := maps.Clone(params)
		signed["sign"] = sign
		if err := auth.VerifyParams(apiv2Key, maps.All(signed), signType); err != nil {
			t.Errorf("%s: %v", signType, err)
		}
	}
	if len(params) != 2 {
		t.Errorf("the caller's parameters became %v", params)
	}
}

func TestAClientForAnotherMerchantSignsWithItsKeys(t *testing.T) {
	t.Parallel()
	first := newClientV2(t, &gatewayV2{}, nil)
	other, err := first.For(wechatpay.Merchant{MchID: "1900000110", APIv2Key: strings.Repeat("k", 32)})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := first.SignParams(auth.MD5, map[string]string{"a": "1"})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := other.SignParams(auth.MD5, map[string]string{"a": "1"})
	if err != nil || theirs == ours {
		t.Errorf("signed %s and %s, %v", ours, theirs, err)
	}
	if first.MchID() != "1900000109" || other.MchID() != "1900000110" {
		t.Errorf("they call for %s and %s", first.MchID(), other.MchID())
	}
}

func TestWhoHasNoKeyIsToldWhichOne(t *testing.T) {
	t.Parallel()
	brand, err := wechatpay.New(wechatpay.Merchant{BrandID: "1900009191", SerialNo: "1DDE55AD", PrivateKey: keys().merchant, PlatformKeys: merchant().PlatformKeys})
	if err != nil {
		t.Fatal(err)
	}
	v2Alone, err := wechatpay.New(wechatpay.Merchant{MchID: "1900000109", APIv2Key: apiv2Key})
	if err != nil {
		t.Fatal(err)
	}
	lines := func(c *wechatpay.Client) error { _, err := c.SignLines("a", "b"); return err }
	params := func(c *wechatpay.Client) error {
		_, err := c.SignParams(auth.HMACSHA256, map[string]string{"a": "b"})
		return err
	}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"lines, with the APIv2 key alone":         {lines(v2Alone), "apiclient_key.pem"},
		"parameters, without the APIv2 key":       {params(newClient(t, &gateway{})), "Merchant.APIv2Key"},
		"lines by a brand":                        {lines(brand), "Client.For"},
		"parameters by a brand":                   {params(brand), "Client.For"},
		"lines by a nil client":                   {lines(nil), "wechatpay.New"},
		"parameters by a nil client":              {params(nil), "wechatpay.New"},
		"lines by a client that New did not make": {lines(new(wechatpay.Client)), "wechatpay.New"},
		"a line of two":                           {second(newClient(t, &gateway{}).SignLines("a\nb")), "line feed"},
		"a line that ends like one":               {second(newClient(t, &gateway{}).SignLines("a", "b\n")), "line feed"},
		"a carriage return":                       {second(newClient(t, &gateway{}).SignLines("a\r")), "line feed"},
		"a type of signature that is none":        {second(v2Alone.SignParams("RSA", nil)), "want MD5 or HMAC-SHA256"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, want …%s…", name, tt.err, tt.want)
		}
	}
	if brand.MchID() != "" || (*wechatpay.Client)(nil).MchID() != "" {
		t.Error("who is no merchant has a number")
	}
}

func second[T any](_ T, err error) error { return err }

func TestAStampIsTheClientsTimeAndANonceOfItsOwn(t *testing.T) {
	t.Parallel()
	at := time.Unix(1554208460, 999)
	client := newClient(t, &gateway{}, wechatpay.Clock(func() time.Time { return at }))
	seen := map[string]bool{}
	for range 1000 {
		timestamp, nonce := client.Stamp()
		if timestamp != "1554208460" {
			t.Fatalf("the time is %s", timestamp)
		}
		if nonce == "" || len(nonce) > 32 || strings.Trim(nonce, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" || seen[nonce] {
			t.Fatalf("the nonce is %q, or came before", nonce)
		}
		seen[nonce] = true
	}
	synctest.Test(t, func(t *testing.T) { // who has no Clock, and who is no client
		want := strconv.FormatInt(time.Now().Unix(), 10)
		for _, c := range []*wechatpay.Client{newClient(t, &gateway{}), new(wechatpay.Client), nil} {
			if timestamp, nonce := c.Stamp(); timestamp != want || nonce == "" {
				t.Errorf("the stamp is %s, %q; want %s", timestamp, nonce, want)
			}
		}
	})
}

func TestNoErrorOfSigningShowsAKey(t *testing.T) {
	t.Parallel()
	client := newClientV2(t, &gatewayV2{}, func(m *wechatpay.Merchant) { m.APIv2Key = "canary-APIv2-key-0123456789-abcd" })
	for name, err := range map[string]error{
		"a type that is none": second(client.SignParams("RSA", map[string]string{"canary": "canary"})),
		"a line feed":         second(client.SignLines("canary\n")),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
			continue
		}
		checkCanaries(t, name, printed(t, err))
	}
	sign, err := client.SignParams(auth.HMACSHA256, map[string]string{"a": "b"})
	if err != nil {
		t.Fatal(err)
	}
	checkCanaries(t, "a signature", sign)
}
