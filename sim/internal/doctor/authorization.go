package doctor

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
)

// hints are the usual causes of an Authorization header that does not parse, the more telling
// first. $1 is what the pattern found.
var hints = []struct {
	pattern *regexp.Regexp
	hint    string
}{
	{regexp.MustCompile(`(?i)^(authorization)\s*:`), "the name of the header stands in its value too"},
	{regexp.MustCompile(`(?i)^\s*(bearer|basic|digest)\b`), "the scheme is $1, want " + auth.Scheme},
	{regexp.MustCompile(`^\s*\{|\{"`), "the members are JSON, want name=\"value\" with commas between them"},
	{regexp.MustCompile(`\\"`), "the quotes are escaped by backslashes"},
	{regexp.MustCompile(`[“”‘’＂]`), "the quotes are typographic, want \""},
	{regexp.MustCompile(`=\s*'`), "the quotes are single, want \""},
	{regexp.MustCompile(`%22|%20`), "the header is percent-encoded"},
	{regexp.MustCompile(`^\s*(?:mchid|brand_id|nonce_str|timestamp|serial_no|signature)\s*=`), "the scheme is missing, want " + auth.Scheme + " and a space in front"},
	{regexp.MustCompile(`^\s*(?:` + auth.Scheme + `|` + auth.BrandScheme + `)\w`), "the space after the scheme is missing"},
	{regexp.MustCompile(`^` + auth.BrandScheme + `\s.*\bmchid\s*=`), "there is mchid in place of brand_id, or the scheme of brands in place of " + auth.Scheme},
	{regexp.MustCompile(`^` + auth.Scheme + `\s.*\bbrand_id\s*=`), "there is brand_id in place of mchid, or the scheme of merchants in place of " + auth.BrandScheme},
	{regexp.MustCompile(`\b(mch_id|mchId|sp_mchid|nonce|noncestr|nonceStr|timeStamp|time_stamp|serial|serialNo|serialno|serial_number|sign)\s*=`), "no member is named $1: they are mchid, nonce_str, timestamp, serial_no and signature"},
	{regexp.MustCompile(`\b(\w+)\s*=\s*""`), "the value of $1 is empty"},
	{regexp.MustCompile(`\b(mchid|nonce_str|timestamp|serial_no|signature)"?\s*:`), "there is a colon after $1, want name=\"value\""},
	{regexp.MustCompile(`\b(mchid|nonce_str|timestamp|serial_no|signature)\s*=\s*[^"\s]`), "the value of $1 is not in quotes"},
	{regexp.MustCompile(`"\s*([;&])`), "the members are separated by $1, want commas"},
	{regexp.MustCompile(`"\s*,\s*$`), "a comma ends the header"},
	{regexp.MustCompile(`"\s+\w+\s*=`), "the comma between two members is missing"},
}

// Authorization tells what is wrong with the form of a request's Authorization headers, and the
// usual cause. It is "" for one header that is well formed.
func Authorization(values []string) string {
	if len(values) == 0 {
		return "there is no Authorization header"
	}
	_, err := auth.ParseAuthorization(values[0])
	if err == nil {
		if len(values) > 1 {
			return fmt.Sprintf("there are %d Authorization headers, want one", len(values))
		}
		return ""
	}
	header := strings.TrimSpace(values[0])
	for _, h := range hints {
		found := h.pattern.FindStringSubmatch(header)
		if found == nil {
			continue
		}
		name := ""
		if len(found) > 1 {
			name = found[1]
		}
		return err.Error() + ": " + strings.ReplaceAll(h.hint, "$1", name)
	}
	return err.Error()
}
