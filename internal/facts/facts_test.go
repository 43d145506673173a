package facts

import (
	"cmp"
	"reflect"
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
		if got := Of(op.Method, op.Path); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the facts are %+v, want %+v", op.ID(), got, want)
		}
		if want.Host = ""; want != (Fact{}) || op.Host != usual.Host && !inRegion(op.Path) {
			exceptional++
		}
	}
	if len(exceptions) != exceptional || exceptional == 0 {
		t.Errorf("the table has %d rows for %d exceptions", len(exceptions), exceptional)
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
		"another path":                       {"GET", "/v3/nothing"},
		"another method":                     {"DELETE", "/v3/payscore/serviceorder"},
		"a path with its argument filled in": {"POST", "/v3/payscore/serviceorder/1/cancel"},
		"no path":                            {"", ""},
	} {
		if got := Of(tt.method, tt.path); got != usual {
			t.Errorf("%s: the facts are %+v", name, got)
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
		if got := Of("POST", path); got != want {
			t.Errorf("%s: the facts are %+v, want %+v", path, got, want)
		}
	}
}

func TestLookingUpDoesNotAllocate(t *testing.T) {
	for _, path := range []string{"/v3/payscore/oversea/partner/serviceorder", "/v3/merchant/media/upload"} {
		if n := testing.AllocsPerRun(100, func() { Of("POST", path) }); n != 0 {
			t.Errorf("%s allocates %v times", path, n)
		}
	}
}
