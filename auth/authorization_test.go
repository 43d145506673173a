package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
)

var whole = auth.Authorization{
	Scheme: auth.Scheme, MchID: "1900000109", SerialNo: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
	Nonce: "593BEC0C930BF1AFEB40B4A08C8FB242", Timestamp: "1554208460", Signature: "c2lnbmF0dXJl",
}

func TestParseAuthorization(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"what Header builds":               whole.Header(),
		"the members in another order":     `WECHATPAY2-SHA256-RSA2048 signature="c2lnbmF0dXJl",serial_no="408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",timestamp="1554208460",nonce_str="593BEC0C930BF1AFEB40B4A08C8FB242",mchid="1900000109"`,
		"spaces after the commas":          strings.ReplaceAll(whole.Header(), ",", ", "),
		"spaces and tabs around all signs": " " + strings.ReplaceAll(strings.ReplaceAll(whole.Header(), `",`, "\"\t, "), `="`, ` = "`) + " ",
	}
	for name, header := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := auth.ParseAuthorization(header)
			if err != nil || got != whole {
				t.Errorf("parsed to %v, %v", got, err)
			}
		})
	}
}

func TestParseAuthorizationRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"nothing":                 "",
		"a scheme alone":          auth.Scheme,
		"a bearer token":          "Bearer abc",
		"a member that is absent": strings.Replace(whole.Header(), `mchid="1900000109",`, "", 1),
		"a member given twice":    whole.Header() + `,mchid="1900000110"`,
		"a member nobody knows":   whole.Header() + `,extra="1"`,
		"an empty member":         strings.Replace(whole.Header(), "1900000109", "", 1),
		"a value without quotes":  strings.ReplaceAll(whole.Header(), `"`, ""),
		"a quote left open":       strings.TrimSuffix(whole.Header(), `"`),
		"a trailing comma":        whole.Header() + ",",
		"text after the members":  whole.Header() + " x",
		"no comma in between":     strings.Replace(whole.Header(), ",", " ", 1),
	}
	for name, header := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := auth.ParseAuthorization(header); err == nil {
				t.Errorf("parsed to %v", got)
			}
		})
	}
}

func TestAuthorizationPrintsWithoutItsSignature(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, whole); strings.Contains(text, whole.Signature) || !strings.Contains(text, whole.MchID) {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add(whole.Header())
	f.Add(strings.ReplaceAll(whole.Header(), ",", " , "))
	f.Add(auth.Scheme + ` mchid="`)
	f.Fuzz(func(t *testing.T, header string) {
		a, err := auth.ParseAuthorization(header)
		if err != nil {
			return
		}
		again, err := auth.ParseAuthorization(a.Header())
		if err != nil || again != a {
			t.Errorf("%q parses to %v, whose header parses to %v, %v", header, a, again, err)
		}
	})
}
