package payscore_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

const apiv2Key = "canary-APIv2-key-0123456789-abcd"

func cashierClient(t *testing.T) *wechatpay.Client {
	t.Helper()
	client, err := wechatpay.New(wechatpay.Merchant{MchID: "1900000109", APIv2Key: apiv2Key}, wechatpay.Clock(func() time.Time { return time.Unix(1554208460, 0) }))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestWhatOpensAPage compares the JSON of all three front ends, where the nonce and the signature stand for
// themselves, and verifies the signature over what they pass on.
func TestWhatOpensAPage(t *testing.T) {
	t.Parallel()
	client := cashierClient(t)
	const who = `"mch_id":"1900000109","nonce_str":"NONCE",`
	const when = `"sign":"SIGNATURE","sign_type":"HMAC-SHA256","timestamp":"1554208460"}}`
	const query = `&sign=SIGNATURE&sign_type=HMAC-SHA256&timestamp=1554208460`
	for name, tt := range map[string]struct {
		make  func() (payscore.View, error)
		want  string
		query string
	}{
		"an order to be confirmed": {
			func() (payscore.View, error) { return payscore.NewUseView("AAQTF+/=") },
			`{"businessType":"wxpayScoreUse","extraData":{"package":"AAQTF+/="}}`, "package=AAQTF%2B%2F%3D",
		},
		"an order to be confirmed, in the older form": {
			func() (payscore.View, error) { return payscore.NewSignedUseView(client, "AAQTF") },
			`{"businessType":"wxpayScoreUse","extraData":{` + who + `"package":"AAQTF",` + when, "mch_id=1900000109&nonce_str=NONCE&package=AAQTF" + query,
		},
		"the details of an order": {
			func() (payscore.View, error) { return payscore.NewDetailView(client, "500001", "N1") },
			`{"businessType":"wxpayScoreDetail","extraData":{` + who + `"out_order_no":"N1","service_id":"500001",` + when,
			"mch_id=1900000109&nonce_str=NONCE&out_order_no=N1&service_id=500001" + query,
		},
		"a service to be granted": {
			func() (payscore.View, error) { return payscore.NewEnableView("AAQTnZoAAAA-82Z_") },
			`{"businessType":"wxpayScoreEnable","extraData":{"apply_permissions_token":"AAQTnZoAAAA-82Z_"}}`, "apply_permissions_token=AAQTnZoAAAA-82Z_",
		},
		"a service to be granted, in the older form": {
			func() (payscore.View, error) { return payscore.NewSignedEnableView(client, "500001", "R1") },
			`{"businessType":"wxpayScoreEnable","extraData":{` + who + `"out_request_no":"R1","service_id":"500001",` + when,
			"mch_id=1900000109&nonce_str=NONCE&out_request_no=R1&service_id=500001" + query,
		},
	} {
		view, err := tt.make()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		placeholders := func(s string) string { return s }
		if sign := view.ExtraData["sign"]; sign != "" {
			placeholders = strings.NewReplacer(view.ExtraData["nonce_str"], "NONCE", sign, "SIGNATURE").Replace
			if err := auth.VerifyParams(apiv2Key, maps.All(view.ExtraData), auth.HMACSHA256); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for front, want := range map[any]string{
			view.JSAPI(): `{"businessType":"` + view.BusinessType + `","queryString":"` + tt.query + `"}`,
			view.App():   `{"businessType":"` + view.BusinessType + `","query":"` + tt.query + `","extInfo":"{\"miniProgramType\":0}"}`,
			&view:        tt.want,
		} {
			text, err := json.Marshal(front)
			if got := placeholders(strings.ReplaceAll(string(text), `\u0026`, "&")); got != want || err != nil {
				t.Errorf("%s: handed over is %s, %v; want %s", name, got, err, want)
			}
			if strings.Contains(string(text), "canary") {
				t.Errorf("%s: handed over is the key: %s", name, text)
			}
		}
		values, err := url.ParseQuery(view.JSAPI().QueryString)
		if err != nil || len(values) != len(view.ExtraData) {
			t.Errorf("%s: the query is %v, %v", name, values, err)
		}
		for field, value := range view.ExtraData {
			if values.Get(field) != value {
				t.Errorf("%s: the query has the %s %q, want %q", name, field, values.Get(field), value)
			}
		}
	}
}

func TestAPageThatCannotOpenIsRefused(t *testing.T) {
	t.Parallel()
	client := cashierClient(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	apiv3Alone, err := wechatpay.New(wechatpay.Merchant{
		MchID: "1900000109", SerialNo: "408B07E7", PrivateKey: key, APIv3Key: "canary-APIv3-key-0123456789-abcd",
		PlatformKeys: []auth.PlatformKey{auth.PublicKey("PUB_KEY_ID_1", &key.PublicKey)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		make func() (payscore.View, error)
		want string
	}{
		"a merchant without an APIv2 key":       {func() (payscore.View, error) { return payscore.NewDetailView(apiv3Alone, "500001", "N1") }, "Merchant.APIv2Key"},
		"no client":                             {func() (payscore.View, error) { return payscore.NewSignedUseView(nil, "AAQTF") }, "wechatpay.New"},
		"no package":                            {func() (payscore.View, error) { return payscore.NewUseView("") }, "the package is empty: give the one of the answer"},
		"no package, in the older form":         {func() (payscore.View, error) { return payscore.NewSignedUseView(client, "") }, "the package is empty"},
		"a package that is a query":             {func() (payscore.View, error) { return payscore.NewUseView("package=AAQTF") }, "has package= before it"},
		"a package with a blank":                {func() (payscore.View, error) { return payscore.NewUseView("AAQTF ") }, "the package has a blank"},
		"no token":                              {func() (payscore.View, error) { return payscore.NewEnableView("") }, "the apply_permissions_token is empty"},
		"details of no service":                 {func() (payscore.View, error) { return payscore.NewDetailView(client, "", "N1") }, "the service_id is empty"},
		"details of no order":                   {func() (payscore.View, error) { return payscore.NewDetailView(client, "500001", "") }, "the out_order_no is empty"},
		"details of an order and another field": {func() (payscore.View, error) { return payscore.NewDetailView(client, "500001", "N1&sign_type=MD5") }, "the out_order_no has a character"},
		"a grant without a number":              {func() (payscore.View, error) { return payscore.NewSignedEnableView(client, "500001", "") }, "the out_request_no is empty"},
		"a grant of no service":                 {func() (payscore.View, error) { return payscore.NewSignedEnableView(client, "", "R1") }, "the service_id is empty"},
	} {
		view, err := tt.make()
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error is %v, want …%s…", name, err, tt.want)
		}
		if view.BusinessType != "" || view.ExtraData != nil {
			t.Errorf("%s: handed over is %v", name, view)
		}
	}
}
