package facts

import (
	"cmp"
	"slices"
	"testing"

	"github.com/openwechatpay/wechatpay/catalog"
)

func TestFactsAreThoseOfTheCatalog(t *testing.T) {
	t.Parallel()
	exceptional := 0
	for _, op := range catalog.Operations() {
		want := Fact{Host: op.Host, Repeatable: op.Repeatable != ""}
		if got := Of(op.Method, op.Path); got != want {
			t.Errorf("%s: the facts are %+v, want %+v", op.ID(), got, want)
		}
		if want != usual {
			exceptional++
		}
	}
	if len(exceptions) != exceptional || exceptional == 0 {
		t.Errorf("the table has %d rows for %d exceptions", len(exceptions), exceptional)
	}
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
		"another method":                     {"DELETE", "/v3/payscore/oversea/partner/serviceorder"},
		"a path with its argument filled in": {"POST", "/v3/payscore/oversea/partner/serviceorder/1/cancel"},
		"no path":                            {"", ""},
	} {
		if got := Of(tt.method, tt.path); got != usual {
			t.Errorf("%s: the facts are %+v", name, got)
		}
	}
}

func TestLookingUpDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Of("POST", "/v3/payscore/oversea/partner/serviceorder") }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}
