package facts

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/catalog"
)

func TestFactsAreThoseOfTheCatalog(t *testing.T) {
	t.Parallel()
	exceptional := 0
	for _, op := range catalog.Operations() {
		want := Fact{Host: op.Host, Unsigned: op.Security.ResponseUnsigned, Anonymous: op.Security.Scheme == "none", SignedOver: op.Security.ResponseSignatureOver, Repeatable: op.Repeatable != "", Upload: upload(op)}
		for _, path := range []string{op.Path, op.Path + "/", filled(op.Path)} {
			if got, _ := Of(op.Method, path); !reflect.DeepEqual(got, want) {
				t.Errorf("%s as %s: the facts are %+v, want %+v", op.ID(), path, got, want)
			}
		}
		if want.Host = ""; want != (Fact{}) || op.Host != usual.Host && !inRegion(op.Path) {
			exceptional++
		}
	}
	if len(exceptions) != exceptional || exceptional == 0 {
		t.Errorf("the table has %d rows for %d exceptions", len(exceptions), exceptional)
	}
}

// filled is path with its arguments, as some write it.
func filled(path string) string {
	return regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(path, "oUpF8uMuAJO")
}

func TestAPathIsKnownByItsTemplate(t *testing.T) {
	t.Parallel()
	const close = "/v3/pay/transactions/out-trade-no/{out_trade_no}/close"
	for name, tt := range map[string]struct{ method, path, want string }{
		"as it is printed":                {"POST", close, close},
		"with a slash at its end":         {"POST", close + "/", close},
		"filled in":                       {"POST", "/v3/pay/transactions/out-trade-no/1/close", close},
		"filled in, with a slash":         {"POST", "/v3/pay/transactions/out-trade-no/1/close/", close},
		"with another name in its braces": {"POST", "/v3/pay/transactions/out-trade-no/{no}/close", ""},
		"with nothing for its argument":   {"POST", "/v3/pay/transactions/out-trade-no//close", ""},
		"with a segment less":             {"POST", "/v3/pay/transactions/out-trade-no/1", ""},
		"with a segment more":             {"POST", "/v3/pay/transactions/out-trade-no/1/close/2", ""},
		"with another segment":            {"POST", "/v3/pay/transactions/out-trade-no/1/closed", ""},
		"by another method":               {"GET", "/v3/pay/transactions/out-trade-no/1/close", ""},
	} {
		fact, template := Of(tt.method, tt.path)
		if template != tt.want || fact.Repeatable != (tt.want != "") {
			t.Errorf("%s: %q is %q, %+v", name, tt.path, template, fact)
		}
	}
}

// upload is what the catalog says about the file that op takes.
func upload(op *catalog.Operation) *Upload {
	if op.Request.Body == nil || op.Request.Body.File == nil {
		return nil
	}
	f := op.Request.Body.File
	u := &Upload{Part: f.Part, Name: f.Name, Digest: f.Digest, Hash: f.Hash}
	for _, limit := range f.Limits {
		u.Limits = append(u.Limits, Limit(limit))
	}
	return u
}

func TestTheTableIsSortedForTheSearch(t *testing.T) {
	t.Parallel()
	if !slices.IsSortedFunc(exceptions[:], func(a, b exception) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	}) {
		t.Error("the table is not sorted by path and method")
	}
}

func TestWhatIsUnknownIsUsual(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ method, path string }{
		"another path":   {"GET", "/v3/nothing"},
		"another method": {"DELETE", "/v3/payscore/serviceorder"},
		"no path":        {"", ""},
	} {
		if got, template := Of(tt.method, tt.path); got != usual || template != "" {
			t.Errorf("%s: the facts are %+v of %q", name, got, template)
		}
	}
}

func inRegion(path string) bool {
	return slices.ContainsFunc(regions[:], func(r region) bool { return strings.HasPrefix(path, r.prefix) })
}

func TestWhatIsUnknownInARegionIsSentThere(t *testing.T) {
	t.Parallel()
	want := Fact{Host: "apihk.mch.weixin.qq.com"}
	for _, path := range []string{"/v3/global/new", "/global/v3/new", "/v3/payscore/oversea/new"} {
		if got, _ := Of("POST", path); got != want {
			t.Errorf("%s: the facts are %+v, want %+v", path, got, want)
		}
	}
}

func TestLookingUpDoesNotAllocate(t *testing.T) {
	for _, path := range []string{"/v3/payscore/oversea/partner/serviceorder", "/v3/merchant/media/upload", "/v3/marketing/favor/users/1/coupons", "/v3/nothing/1"} {
		if n := testing.AllocsPerRun(100, func() { Of("POST", path) }); n != 0 {
			t.Errorf("%s allocates %v times", path, n)
		}
	}
}
