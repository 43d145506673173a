package auth_test

import (
	"fmt"
	"log/slog"
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

func TestTheFirstAbsentMemberIsReportedEveryTime(t *testing.T) {
	t.Parallel()
	for range 50 {
		_, err := auth.ParseAuthorization(auth.Scheme + ` timestamp="1554208460"`)
		if err == nil || !strings.Contains(err.Error(), `no "mchid"`) {
			t.Fatalf("the error is %v", err)
		}
	}
}

func TestAuthorizationPrintsWithoutItsSignature(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} {
		if text := fmt.Sprintf(format, whole) + fmt.Sprintf(format, &whole); strings.Contains(text, whole.Signature) || !strings.Contains(text, whole.MchID) {
			t.Errorf("%s prints %s", format, text)
		}
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pointer", &whole, "value", whole)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pointer", &whole, "value", whole)
	if strings.Contains(log.String(), whole.Signature) || strings.Count(log.String(), whole.MchID) != 4 {
		t.Errorf("the log has %s", log.String())
	}
}

func TestTheErrorOfALongHeaderIsShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10000)
	for _, header := range []string{long, "a " + long + `="1"`, "a " + long + `="`, `a mchid="` + long} {
		if _, err := auth.ParseAuthorization(header); err == nil || len(err.Error()) > 200 {
			t.Errorf("the error is %v", err)
		}
	}
}

// FuzzParseAuthorization: what parses is what its own header says, and no header says two things.
func FuzzParseAuthorization(f *testing.F) {
	f.Add(whole.Header())
	f.Add(strings.ReplaceAll(whole.Header(), ",", " , "))
	f.Add(auth.Scheme + ` mchid="`)
	f.Add(strings.NewReplacer(auth.Scheme, auth.BrandScheme, "mchid", "brand_id").Replace(whole.Header()))
	f.Add("a\tb\u00a0c " + strings.TrimPrefix(whole.Header(), auth.Scheme+" "))
	f.Add(strings.Replace(whole.Header(), "1900000109", " =,\\\n", 1))
	f.Fuzz(func(t *testing.T, header string) {
		a, err := auth.ParseAuthorization(header)
		if err != nil {
			return
		}
		again, err := auth.ParseAuthorization(a.Header())
		if err != nil || again != a {
			t.Errorf("%q parses to %v, whose header parses to %v, %v", header, a, again, err)
		}
		for _, value := range []string{a.MchID + a.BrandID, a.Nonce, a.Timestamp, a.SerialNo, a.Signature} {
			if value == "" || strings.Count(header, value) == 0 || strings.Contains(value, `"`) {
				t.Errorf("%q parses to the value %q", header, value)
			}
		}
	})
}
