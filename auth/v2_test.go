package auth_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
)

const apiv2Key = "192006250b4c09247ec02edce69f6a2d" // of the official example

func TestParamsTextLeavesOutWhatIsNotSigned(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		params map[string]string
		want   string
	}{
		"no parameter is no text":                  {nil, ""},
		"an empty value is left out":               {map[string]string{"a": "1", "b": ""}, "a=1"},
		"a zero is a value":                        {map[string]string{"a": "0"}, "a=0"},
		"white space is a value":                   {map[string]string{"a": " ", "b": " x "}, "a= &b= x "},
		"the signature is left out":                {map[string]string{"a": "1", "sign": "X"}, "a=1"},
		"only the signature itself is left out":    {map[string]string{"Sign": "S", "sign_type": "MD5", "paySign": "P"}, "Sign=S&paySign=P&sign_type=MD5"},
		"upper case goes before lower case":        {map[string]string{"a": "1", "B": "2"}, "B=2&a=1"},
		"an underscore goes before a letter":       {map[string]string{"remark": "1", "re_openid": "2"}, "re_openid=2&remark=1"},
		"a name goes before those that it begins":  {map[string]string{"ab": "2", "a": "1", "a_": "3"}, "a=1&a_=3&ab=2"},
		"indexes are compared as text":             {map[string]string{"c_2": "2", "c_10": "10"}, "c_10=10&c_2=2"},
		"values are not escaped":                   {map[string]string{"url": "https://a.cn/?b=1&c=支付"}, "url=https://a.cn/?b=1&c=支付"},
		"more parameters than there is room for":   {many(100), manyText(100)},
		"the key is not part of it, whatever else": {map[string]string{"key": "1"}, "key=1"},
	}
	for name, tt := range tests {
		if got := string(auth.ParamsText(maps.All(tt.params))); got != tt.want {
			t.Errorf("%s: the text is %q, want %q", name, got, tt.want)
		}
	}
}

func many(n int) map[string]string {
	params := make(map[string]string)
	for i := range n {
		params[fmt.Sprintf("p%03d", i)] = "v"
	}
	return params
}

func manyText(n int) string {
	var text []string
	for i := range n {
		text = append(text, fmt.Sprintf("p%03d=v", i))
	}
	return strings.Join(text, "&")
}

func TestVerifyParamsTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	both := []auth.SignType{auth.MD5, auth.HMACSHA256}
	params := func(t auth.SignType) map[string]string {
		p := map[string]string{"appid": "wxd930ea5d5a258f4f", "total_fee": "1"}
		p["sign"], _ = t.Sign(apiv2Key, maps.All(p))
		return p
	}
	with := func(p map[string]string, name, value string) map[string]string { p[name] = value; return p }
	md5, hmac := params(auth.MD5)["sign"], params(auth.HMACSHA256)["sign"]
	tests := map[string]struct {
		params map[string]string
		accept []auth.SignType
		want   error
	}{
		"MD5 where it is accepted":                   {params(auth.MD5), both[:1], nil},
		"HMAC-SHA256 where it is accepted":           {params(auth.HMACSHA256), both[1:], nil},
		"MD5 where both are":                         {params(auth.MD5), both, nil},
		"HMAC-SHA256 where both are":                 {params(auth.HMACSHA256), both, nil},
		"MD5 where HMAC-SHA256 is wanted":            {params(auth.MD5), both[1:], auth.ErrBadSignature},
		"HMAC-SHA256 where MD5 is wanted":            {params(auth.HMACSHA256), both[:1], auth.ErrBadSignature},
		"where nothing is accepted":                  {params(auth.MD5), nil, auth.ErrBadSignature},
		"an unknown type that is accepted":           {with(params(auth.MD5), "sign", "ABC"), []auth.SignType{""}, auth.ErrBadSignature},
		"an empty value that is added":               {with(params(auth.MD5), "attach", ""), both, nil},
		"a parameter that is added":                  {with(params(auth.MD5), "attach", "x"), both, auth.ErrBadSignature},
		"a value that is changed":                    {with(params(auth.HMACSHA256), "total_fee", "2"), both, auth.ErrBadSignature},
		"a value that is emptied":                    {with(params(auth.HMACSHA256), "total_fee", ""), both, auth.ErrBadSignature},
		"another signature of this length":           {with(params(auth.MD5), "sign", strings.Repeat("0", 32)), both, auth.ErrBadSignature},
		"a signature in lower case":                  {with(params(auth.MD5), "sign", strings.ToLower(md5)), both, auth.ErrBadSignature},
		"a signature that is cut off":                {with(params(auth.HMACSHA256), "sign", hmac[:32]), both, auth.ErrBadSignature},
		"a signature of another length":              {with(params(auth.MD5), "sign", md5+"0"), both, auth.ErrBadSignature},
		"an empty signature":                         {with(params(auth.MD5), "sign", ""), both, auth.ErrNotSigned},
		"no signature":                               {map[string]string{"a": "1"}, both, auth.ErrNotSigned},
		"no parameter, where an empty sign verifies": {nil, both, auth.ErrNotSigned},
	}
	for name, tt := range tests {
		err := auth.VerifyParams(apiv2Key, maps.All(tt.params), tt.accept...)
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s gives %v, want %v", name, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), apiv2Key) || strings.Contains(err.Error(), md5) || strings.Contains(err.Error(), hmac)) {
			t.Errorf("%s shows a secret: %v", name, err)
		}
	}
}

func TestWhatCannotSignAPIv2SaysSoWithoutTheKey(t *testing.T) {
	t.Parallel()
	params := map[string]string{"a": "1", "sign": strings.Repeat("0", 32)}
	sign := func(t auth.SignType, key string) error { _, err := t.Sign(key, maps.All(params)); return err }
	_, noSecret := auth.SignWorkWx("", maps.All(params))
	tests := map[string]struct {
		err  error
		want string
	}{
		"a key that is short":                      {sign(auth.MD5, "canary"), "has 6 bytes, want 32"},
		"a key that is long":                       {sign(auth.HMACSHA256, strings.Repeat("canary", 8)), "has 48 bytes, want 32"},
		"a key with the line feed of its file":     {auth.CheckAPIv2Key(apiv2Key + "\n"), "has 33 bytes"},
		"no key":                                   {auth.CheckAPIv2Key(""), "APIv2 key (APIv2密钥) has 0 bytes"},
		"a key that is short, where one verifies":  {auth.VerifyParams("canary", maps.All(params), auth.MD5), "has 6 bytes"},
		"a sign type that there is not":            {sign("SHA1", apiv2Key), `"SHA1", want MD5 or HMAC-SHA256`},
		"no sign type":                             {sign("", apiv2Key), `"", want MD5 or HMAC-SHA256`},
		"no secret of the application of WeCom":    {noSecret, "企业微信应用secret"},
		"a sign type that is a text from anywhere": {sign(auth.SignType(strings.Repeat("x", 99)), apiv2Key), "x…"},
	}
	for name, tt := range tests {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s gives %v, want …%s…", name, tt.err, tt.want)
		} else if strings.Contains(tt.err.Error(), "canary") || strings.Contains(tt.err.Error(), apiv2Key) {
			t.Errorf("%s shows the key: %v", name, tt.err)
		}
	}
	if err := auth.CheckAPIv2Key(apiv2Key); err != nil {
		t.Errorf("a good key gives %v", err)
	}
}

// TestSignWorkWx signs the example of the official page, which does not print its secret.
func TestSignWorkWx(t *testing.T) {
	t.Parallel()
	params := map[string]string{
		"act_name": "XXX", "mch_billno": "11111234567890", "mch_id": "10000098", "nonce_str": "qFKEgfig76DF9912fewmkp",
		"re_openid": "oxTWIuGaIt6gTKsQRLau2M0yL16E", "total_amount": "100", "wxappid": "wx123456789", "sign": "X", "remark": "",
	}
	const want = "8B8D04AFC9FD08094CC5A0C2FA8BB60C" // by Python's hashlib
	if got, err := auth.SignWorkWx(apiv2Key, maps.All(params)); err != nil || got != want {
		t.Errorf("the signature is %s, %v; want %s", got, err, want)
	}
}

// TestPublicKeyOfTheRiskAPILoads takes the key that the page of /risk/getpublickey prints,
// https://pay.weixin.qq.com/doc/v2/merchant/4011941097: PKCS #1, which no other key comes in.
func TestPublicKeyOfTheRiskAPILoads(t *testing.T) {
	t.Parallel()
	const printed = `-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEArT82k67xybiJS9AD8nNAeuDYdrtCRaxkS6cgs8L9h83eqlDTlrdw
zBVSv5V4imTq/URbXn4K0V/KJ1TwDrqOI8hamGB0fvU13WW1NcJuv41RnJVua0QA
lS3tS1JzOZpMS9BEGeFvyFF/epbi/m9+2kUWG94FccArNnBtBqqvFncXgQsm98JB
3a62NbS1ePP/hMI7Kkz+JNMyYsWkrOUFDCXAbSZkWBJekY4nGZtK1erqGRve8Jbx
TWirAm/s08rUrjOuZFA21/EI2nea3DidJMTVnXVPY2qcAjF+595shwUKyTjKB8v1
REPB3hPF1Z75O6LwuLfyPiCrCTmVoyfqjwIDAQAB
-----END RSA PUBLIC KEY-----
`
	pub, err := auth.ParsePublicKey([]byte(printed))
	if err != nil || pub.Size() != 256 || pub.E != 65537 {
		t.Fatalf("the key is %v, %v", pub, err)
	}
	if again := block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(pub)); again != printed {
		t.Errorf("the key is printed as %s", again)
	}
}

// FuzzCanonicalText splits what comes into names and values: whatever they are, their order does not
// count, and every value does.
func FuzzCanonicalText(f *testing.F) {
	f.Add("appid\x00wxd930ea5d5a258f4f\x00body\x00test\x00device_info\x001000\x00sign\x00X")
	f.Add("b\x00\x00a\x000\x00_\x00&\x00A\x00=")
	f.Add("a\x001&b=2\x00b\x00")
	f.Fuzz(func(t *testing.T, text string) {
		params := make(map[string]string)
		for parts := strings.Split(text, "\x00"); len(parts) > 1; parts = parts[2:] {
			params[parts[0]] = parts[1]
		}
		var want []string
		names := slices.Sorted(maps.Keys(params))
		for _, name := range names {
			if params[name] != "" && name != "sign" {
				want = append(want, name+"="+params[name])
			}
		}
		for _, order := range []iter.Seq2[string, string]{in(names, params), in(reversed(names), params)} {
			if got := string(auth.ParamsText(order)); got != strings.Join(want, "&") {
				t.Fatalf("the text is %q, want %q", got, want)
			}
		}
		for _, signType := range []auth.SignType{auth.MD5, auth.HMACSHA256} {
			sign, err := signType.Sign(apiv2Key, maps.All(params))
			if err != nil {
				t.Fatal(err)
			}
			params["sign"] = sign
			if err := auth.VerifyParams(apiv2Key, maps.All(params), signType); err != nil {
				t.Fatalf("our own signature gives %v", err)
			}
			for _, name := range names {
				if name == "sign" {
					continue
				}
				old := params[name]
				params[name] += "x"
				if err := auth.VerifyParams(apiv2Key, maps.All(params), signType); !errors.Is(err, auth.ErrBadSignature) {
					t.Fatalf("with another %q the error is %v", name, err)
				}
				params[name] = old
			}
		}
	})
}

// in is the parameters in the order of their names.
func in(names []string, params map[string]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range names {
			if !yield(name, params[name]) {
				return
			}
		}
	}
}

func reversed(names []string) []string {
	names = slices.Clone(names)
	slices.Reverse(names)
	return names
}
