package cashier_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/cashier"
	"github.com/openwechatpay/wechatpay/internal/vectors"
)

// stamped is a Client whose time and nonce are those of a vector. All else, and so the signature, is the
// Client's; what products add to these functions is the names of the fields.
type stamped struct {
	*wechatpay.Client
	timestamp, nonce string
}

func (s stamped) Stamp() (string, string) { return s.timestamp, s.nonce }

var _ cashier.Signer = (*wechatpay.Client)(nil)

func TestVectors(t *testing.T) {
	t.Parallel()
	vectors.Run(t, "internal/cashier", vectors.Checks{"v3-paysign": checkV3, "v2-paysign": checkV2})
}

func checkV3(t *testing.T, set vectors.Set, v vectors.Vector) {
	key, err := auth.ParsePrivateKey([]byte(set.Keys[v.Key].Private))
	if err != nil {
		t.Fatal(err)
	}
	client := signer(t, wechatpay.Merchant{
		MchID: "1900000109", SerialNo: "408B07E7", PrivateKey: key, PlatformKeys: []auth.PlatformKey{auth.PublicKey("PUB_KEY_ID_1", &key.PublicKey)},
	}, v.Timestamp, v.Nonce)
	lines := strings.Split(v.Message, "\n")
	if prepayID, ok := strings.CutPrefix(lines[3], "prepay_id="); ok {
		b, err := cashier.V3Bridge(client, lines[0], prepayID)
		if want := (cashier.Bridge{AppID: lines[0], TimeStamp: v.Timestamp, NonceStr: v.Nonce, Package: lines[3], SignType: "RSA", PaySign: v.Signature}); b != want || err != nil {
			t.Errorf("a page gets %+v, %v; want %+v", b, err, want)
		}
		return
	}
	a, err := cashier.V3App(client, lines[0], "1900000109", lines[3])
	want := cashier.App{AppID: lines[0], PartnerID: "1900000109", PrepayID: lines[3], Package: "Sign=WXPay", NonceStr: v.Nonce, Timestamp: v.Timestamp, Sign: v.Signature}
	if a != want || err != nil {
		t.Errorf("an app gets %+v, %v; want %+v", a, err, want)
	}
}

func checkV2(t *testing.T, _ vectors.Set, v vectors.Vector) {
	p := v.Params
	merchant := wechatpay.Merchant{MchID: "1900000109", APIv2Key: v.APIKey}
	switch {
	case p["appId"] != "":
		client := signer(t, merchant, p["timeStamp"], p["nonceStr"])
		b, err := cashier.V2Bridge(client, p["signType"], p["appId"], strings.TrimPrefix(p["package"], "prepay_id="))
		sign := map[string]string{"MD5": v.MD5, "HMAC-SHA256": v.HMACSHA256}[p["signType"]]
		if want := (cashier.Bridge{AppID: p["appId"], TimeStamp: p["timeStamp"], NonceStr: p["nonceStr"], Package: p["package"], SignType: p["signType"], PaySign: sign}); b != want || err != nil {
			t.Errorf("a page gets %+v, %v; want %+v", b, err, want)
		}
	case p["partnerid"] != "":
		client := signer(t, merchant, p["timestamp"], p["noncestr"])
		for signType, sign := range map[string]string{"MD5": v.MD5, "HMAC-SHA256": v.HMACSHA256, "": v.MD5} {
			a, err := cashier.V2App(client, signType, p["appid"], p["partnerid"], p["prepayid"])
			want := cashier.App{AppID: p["appid"], PartnerID: p["partnerid"], PrepayID: p["prepayid"], Package: p["package"], NonceStr: p["noncestr"], Timestamp: p["timestamp"], Sign: sign}
			if a != want || err != nil {
				t.Errorf("%s: an app gets %+v, %v; want %+v", signType, a, err, want)
			}
		}
	case p["mch_id"] != "":
		client := signer(t, merchant, p["timestamp"], p["nonce_str"])
		want := maps.Clone(p)
		want["sign"] = v.HMACSHA256
		if query, err := cashier.Query(client, map[string]string{"package": p["package"]}); !maps.Equal(query, want) || err != nil {
			t.Errorf("a page of Pay Score gets %v, %v; want %v", query, err, want)
		}
	default:
		t.Error("no front end has these parameters: make it pass through the function that makes them")
	}
}

func signer(t *testing.T, m wechatpay.Merchant, timestamp, nonce string) stamped {
	t.Helper()
	client, err := wechatpay.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return stamped{client, timestamp, nonce}
}

func TestARedPacketSignsItsPackageEscapedAndNotItsType(t *testing.T) {
	t.Parallel()
	client := signer(t, wechatpay.Merchant{MchID: "1900000109", APIv2Key: "192006250b4c09247ec02edce69f6a2d"}, "1514363815", "Ww213sdad")
	b, err := cashier.RedPacket(client, "wxd27ebc41b85ce36d", "sendid=242e8abd163d300019b2cae74ba8e8c06e3f0e51ab84d16b3c80decd22a5b672&ver=8&sign=4110d649&mchid=11475856&appid=wxd27ebc41b85ce36d")
	want := cashier.Bridge{
		AppID: "wxd27ebc41b85ce36d", TimeStamp: "1514363815", NonceStr: "Ww213sdad", SignType: "MD5",
		Package: "sendid%3D242e8abd163d300019b2cae74ba8e8c06e3f0e51ab84d16b3c80decd22a5b672%26ver%3D8%26sign%3D4110d649%26mchid%3D11475856%26appid%3Dwxd27ebc41b85ce36d",
		PaySign: "B2650A7FC6FE5DCD96822C17770AC085", // computed with md5sum
	}
	if b != want || err != nil {
		t.Errorf("it gets %+v, %v; want %+v", b, err, want)
	}
}

func TestWhatIsHandedOverIsChecked(t *testing.T) {
	t.Parallel()
	client := signer(t, wechatpay.Merchant{MchID: "1900000109", APIv2Key: "canary-APIv2-key-0123456789-abcd"}, "1", "2")
	page := func(appID, prepayID string) func() error {
		return func() error { _, err := cashier.V2Bridge(client, "MD5", appID, prepayID); return err }
	}
	app := func(appID, partnerID, prepayID string) func() error {
		return func() error { _, err := cashier.V2App(client, "", appID, partnerID, prepayID); return err }
	}
	h5 := func(address, redirect string) func() error {
		return func() error { _, err := cashier.H5("h5_url", address, redirect); return err }
	}
	native := func(address string) func() error {
		return func() error { _, err := cashier.Native(address); return err }
	}
	packet := func(pack string) func() error {
		return func() error { _, err := cashier.RedPacket(client, "wx8", pack); return err }
	}
	const address = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2"
	for name, tt := range map[string]struct {
		make func() error
		want string // "" if it is taken
	}{
		"a page":                                     {page("wx8888", "wx2014-_1"), ""},
		"an app":                                     {app("wx8888", "1900000109", "wx1"), ""},
		"a page of H5":                               {h5(address, ""), ""},
		"a page of H5 that comes back":               {h5(address, "https://shop.example.com/paid?order=1&x=茶"), ""},
		"a code":                                     {native("weixin://wxpay/bizpayurl?pr=p4lpSuKzz"), ""},
		"a red packet":                               {packet("sendid=1&ver=8"), ""},
		"no prepay_id":                               {page("wx8888", ""), "the prepay_id is empty: give the one of the order's answer"},
		"a prepay_id that is a package":              {page("wx8888", "prepay_id=wx1"), "has prepay_id= before it: give it as the order's answer has it"},
		"a prepay_id with another parameter":         {page("wx8888", "wx1&a=b"), "the prepay_id has a character"},
		"a prepay_id with a line feed":               {page("wx8888", "wx1\n"), "the prepay_id has a blank"},
		"no appid":                                   {page("", "wx1"), "the appid is empty: give that of the page"},
		"an appid with a blank":                      {page(" wx8888", "wx1"), "the appid has a blank"},
		"an appid that is a name":                    {page("茶", "wx1"), "the appid has a blank or another character"},
		"an app without a partnerid":                 {app("wx8888", "", "wx1"), "the partnerid is empty: give the merchant number"},
		"an app whose prepay_id is a package":        {app("wx8888", "1", "prepay_id=wx1"), "has prepay_id= before it"},
		"an app without an appid":                    {app("", "1", "wx1"), "the appid is empty"},
		"no h5_url":                                  {h5("", ""), "the h5_url is empty: give the one of the order's answer"},
		"an h5_url that is a path":                   {h5("/checkmweb", ""), "the h5_url does not begin with https://"},
		"an h5_url that does not parse":              {h5("https://[canary", ""), "the h5_url is no address"},
		"an h5_url that comes back already":          {h5(address+"&redirect_url=x", "https://shop.example.com"), "was changed already"},
		"an h5_url with a fragment":                  {h5(address+"#x", "https://shop.example.com"), "was changed already"},
		"a redirect_url that is a path":              {h5(address, "/paid"), "the redirect_url does not begin with https:// and a host: give the whole address"},
		"a redirect_url without a scheme":            {h5(address, "shop.example.com/paid"), "the redirect_url does not begin with"},
		"a redirect_url of an app":                   {h5(address, "myapp://paid"), "the redirect_url does not begin with"},
		"a redirect_url that is escaped":             {h5(address, "https%3A%2F%2Fshop.example.com"), "unescaped"},
		"a redirect_url with a blank":                {h5(address, "https://shop.example.com/a b"), "the redirect_url is no address"},
		"a redirect_url of blanks":                   {h5(address, " "), "the redirect_url is empty"},
		"no code_url":                                {native(""), "the code_url is no address"},
		"a code_url that is a number":                {native("p4lpSuKzz"), "the code_url is no address"},
		"a red packet without a package":             {packet(""), "the package is empty: give the one of the answer of sendminiprogramhb"},
		"a red packet whose package is escaped":      {packet("sendid%3D1%26ver%3D8"), "the package is escaped already"},
		"a type of signature that APIv2 has not got": {func() error { _, err := cashier.V2Bridge(client, "RSA", "wx8", "wx1"); return err }, "want MD5 or HMAC-SHA256"},
	} {
		err := tt.make()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, want …%s…", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows what it was given: %v", name, err)
		}
	}
}

func TestTheAddressOfH5KeepsWhatItHasAndComesBack(t *testing.T) {
	t.Parallel()
	const address = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2"
	for name, tt := range map[string]struct{ address, redirect, want string }{
		"to where the browser was":   {address, "", address},
		"to a page":                  {address, "https://www.wechatpay.com.cn", address + "&redirect_url=https%3A%2F%2Fwww.wechatpay.com.cn"},
		"to a page with a query":     {address, "https://a.cn/p?x=1&y=+#z", address + "&redirect_url=https%3A%2F%2Fa.cn%2Fp%3Fx%3D1%26y%3D%2B%23z"},
		"an address without a query": {"https://wx.tenpay.com/h5", "https://a.cn", "https://wx.tenpay.com/h5?redirect_url=https%3A%2F%2Fa.cn"},
	} {
		if got, err := cashier.H5("h5_url", tt.address, tt.redirect); got != tt.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, err, tt.want)
		}
	}
}
