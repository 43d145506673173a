package doctor_test

import (
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
)

const members = `mchid="1230000109",nonce_str="593BEC0C",timestamp="1700000000",serial_no="1DDE",signature="uOVR/+=="`

func TestAMalformedAuthorizationHeaderIsExplained(t *testing.T) {
	t.Parallel()
	right := auth.Scheme + " " + members
	change := func(old, new string) []string { return []string{strings.ReplaceAll(right, old, new)} }
	tests := map[string]struct {
		values []string
		want   string // "" for nothing
	}{
		"a header that is right":                {[]string{right}, ""},
		"spaces after commas":                   {change(",", ", "), ""},
		"no header":                             {nil, "there is no Authorization header"},
		"two headers":                           {[]string{right, right}, "there are 2 Authorization headers"},
		"an empty header":                       {[]string{""}, "nothing follows the scheme"},
		"another scheme":                        {[]string{"Bearer abc"}, "the scheme is Bearer, want " + auth.Scheme},
		"the name of the header":                {[]string{"Authorization: " + right}, "the name of the header stands in its value too"},
		"no scheme":                             {[]string{members}, "the scheme is missing"},
		"no space after the scheme":             {change("2048 ", "2048"), "the space after the scheme is missing"},
		"no quotes":                             {change(`"`, ""), "the value of mchid is not in quotes"},
		"single quotes":                         {change(`"`, "'"), "the quotes are single"},
		"typographic quotes":                    {change(`="`, `=“`), "the quotes are typographic"},
		"escaped quotes":                        {change(`"`, `\"`), "the quotes are escaped"},
		"colons":                                {change(`="`, `:"`), "there is a colon after mchid"},
		"semicolons":                            {change(",", ";"), "the members are separated by ;"},
		"ampersands":                            {change(",", "&"), "the members are separated by &"},
		"spaces only":                           {change(",", " "), "the comma between two members is missing"},
		"a comma at the end":                    {[]string{right + ","}, "a comma ends the header"},
		"JSON":                                  {[]string{auth.Scheme + ` {"mchid":"1"}`}, "the members are JSON"},
		"percent-encoded":                       {change(`"`, "%22"), "the header is percent-encoded"},
		"a member by another name":              {change("nonce_str", "nonce"), "no member is named nonce:"},
		"a merchant number in APIv2's spelling": {change("mchid", "mch_id"), "no member is named mch_id:"},
		"an empty signature":                    {change("uOVR/+==", ""), "the value of signature is empty"},
		"a brand's header that is right":        {[]string{strings.Replace(auth.BrandScheme+" "+members, "mchid", "brand_id", 1)}, ""},
		"a brand that sends mchid":              {[]string{auth.BrandScheme + " " + members}, "there is mchid in place of brand_id"},
		"a merchant that sends brand_id":        {change("mchid", "brand_id"), "there is brand_id in place of mchid"},
		"no space after the scheme of brands":   {[]string{auth.BrandScheme + strings.Replace(members, "mchid", "brand_id", 1)}, "the space after the scheme is missing"},
		"a member that is missing":              {change(`,timestamp="1700000000"`, ""), `no "timestamp"`},
		"a member twice":                        {[]string{right + `,mchid="1"`}, `unknown or repeated member "mchid"`},
		"a quote that does not end it":          {[]string{strings.TrimSuffix(right, `"`)}, "not closed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := doctor.Authorization(tt.values)
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("says %q, want %q", got, tt.want)
			}
			if strings.Contains(got, "uOVR") {
				t.Errorf("shows the signature: %q", got)
			}
		})
	}
}

func FuzzAuthorization(f *testing.F) {
	f.Add(auth.Scheme + " " + members)
	f.Add("Bearer abc")
	f.Fuzz(func(t *testing.T, header string) {
		_, err := auth.ParseAuthorization(header)
		if got := doctor.Authorization([]string{header}); (got == "") != (err == nil) {
			t.Errorf("says %q of a header whose error is %v", got, err)
		}
	})
}
