package sim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/catalog/catalogtest"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
)

// These tests hold the fields of every call of Pay Score against the numbers of the domain notes,
// whatever role has them: the catalog is what the simulator checks by, the notes say what it ought
// to check.

// form is a call that is filled in: with as little as it takes, to begin with.
type form struct {
	op          *catalog.Operation
	path, query map[string]string
	body        object
}

// least makes what a call has to have, and no more.
var least = catalogtest.Sampler{RequiredOnly: true}

// filledIn is the least that the operation takes.
func filledIn(op *catalog.Operation) *form {
	r := least.Request(op)
	f := &form{op, r.Path, map[string]string{}, r.Body}
	for name := range r.Query {
		f.query[name] = r.Query.Get(name)
	}
	return f
}

// address is a URL of n characters.
func address(n int) string {
	const begin = "https://example.com/"
	return begin + strings.Repeat("a", n-len(begin))
}

// misfit is why the form is refused, nil if it is not.
func (f *form) misfit(t *testing.T) *mapping.Misfit {
	t.Helper()
	query := url.Values{}
	for name, value := range f.query {
		query.Set(name, value)
	}
	in := mapping.Input{Path: f.path, RawQuery: query.Encode()}
	if f.body != nil {
		text, err := json.Marshal(f.body)
		if err != nil {
			t.Fatal(err)
		}
		in.ContentType, in.Body = "application/json", text
	}
	_, misfit := mapping.Map(f.op, in, mapping.Policy{})
	return misfit
}

// find is the field that a place such as "post_payments.name" names.
func find(fields []catalog.Field, place string) *catalog.Field {
	name, rest, inner := strings.Cut(place, ".")
	i := slices.IndexFunc(fields, func(f catalog.Field) bool { return f.Name == name })
	switch {
	case i < 0:
		return nil
	case inner:
		return find(fields[i].Fields, rest)
	}
	return &fields[i]
}

// set sets a member of the body, and returns the pointer to it.
func (f *form) set(place string, value any) (pointer string) {
	o, fields, pointer := f.body, f.op.Request.Body.Fields, "/body"
	for {
		name, rest, inner := strings.Cut(place, ".")
		pointer += "/" + name
		if !inner {
			o[name] = value
			return pointer
		}
		field := find(fields, name)
		if o[name] == nil {
			o[name] = least.Value(field)
		}
		next := o[name]
		if list, ok := next.([]any); ok {
			next, pointer = list[0], pointer+"/0"
		}
		o, fields, place = next.(object), field.Fields, rest
	}
}

// today are the calls of Pay Score but for those of its first version, and its bills.
func today() []*catalog.Operation {
	return slices.DeleteFunc(slices.Clone(catalog.Operations()), func(op *catalog.Operation) bool {
		return !strings.HasPrefix(op.Path, "/v3/payscore/") || strings.Contains(op.Path, "-orders") || strings.HasSuffix(op.Path, "/merchant-bill")
	})
}

// The calls in which a member has to be, so that it is not lost where it matters.
var (
	creating   = []string{"POST /v3/payscore/partner/serviceorder", "POST /v3/payscore/serviceorder"}
	completing = []string{"POST /v3/payscore/partner/serviceorder/{out_order_no}/complete", "POST /v3/payscore/serviceorder/{out_order_no}/complete"}
	modifying  = []string{"POST /v3/payscore/partner/serviceorder/{out_order_no}/modify", "POST /v3/payscore/serviceorder/{out_order_no}/modify"}
	charging   = slices.Concat(creating, completing, modifying)
	cancelling = []string{
		"POST /v3/payscore/partner/serviceorder/{out_order_no}/cancel", "POST /v3/payscore/serviceorder/{out_order_no}/cancel",
		"POST /v3/payscore/acquiringbank/serviceorder/{out_order_no}/cancel", "POST /v3/payscore/oversea/partner/serviceorder/{out_order_no}/cancel",
	}
	granting = []string{"POST /v3/payscore/partner/permissions", "POST /v3/payscore/permissions", "POST /v3/payscore/acquiringbank/permissions"}
	ending   = []string{"POST /v3/payscore/partner/permissions/terminate", "POST /v3/payscore/permissions/openid/{openid}/terminate"}
	signing  = []string{"POST /v3/payscore/sign-plan/partner/user-sign-plans", "POST /v3/payscore/sign-plan/user-sign-plans"}
)

func TestTextsAreCountedInCharactersInEveryCall(t *testing.T) {
	t.Parallel()
	identifier := func(n int) any { return strings.Repeat("1", n) }
	prose := func(n int) any { return strings.Repeat("字", n) }
	link := func(n int) any { return address(n) }
	tests := []struct {
		member string
		most   int
		text   func(n int) any
		in     []string
	}{
		{"out_order_no", 32, identifier, creating},
		{"service_id", 32, identifier, charging},
		{"appid", 32, identifier, creating},
		{"sub_appid", 32, identifier, creating[:1]},
		{"sub_mchid", 32, identifier, creating[:1]},
		{"channel_id", 32, identifier, []string{"POST /v3/payscore/acquiringbank/serviceorder"}},
		{"openid", 128, identifier, creating},
		{"sub_openid", 128, identifier, creating[:1]},
		{"authorization_code", 32, identifier, granting},
		{"out_apply_no", 32, identifier, []string{"POST /v3/payscore/partner/service-account-applications"}},
		{"service_introduction", 20, prose, creating},
		{"attach", 256, prose, creating},
		{"notify_url", 255, link, creating},
		{"result_notify_url", 255, link, []string{"POST /v3/payscore/partner/service-account-applications"}},
		{"post_payments.name", 20, prose, charging},
		{"post_payments.description", 30, prose, charging},
		{"post_discounts.name", 20, prose, charging},
		{"post_discounts.description", 30, prose, charging},
		{"risk_fund.description", 30, prose, creating},
		{"time_range.start_time_remark", 20, prose, slices.Concat(creating, completing)},
		{"time_range.end_time_remark", 20, prose, slices.Concat(creating, completing)},
		{"location.start_location", 50, prose, creating},
		{"location.end_location", 50, prose, slices.Concat(creating, completing)},
		{"device.start_device_id", 50, prose, charging},
		{"device.end_device_id", 50, prose, charging},
		{"device.materiel_no", 100, prose, charging},
		{"goods_tag", 32, prose, completing},
		{"reason", 50, prose, slices.Concat(cancelling, modifying, ending)},
		{"plan_name", 20, prose, []string{"POST /v3/payscore/plan/partner/payscore-plans", "POST /v3/payscore/plan/payscore-plans"}},
		{"merchant_sign_plan_no", 32, identifier, signing},
	}
	for _, tt := range tests {
		t.Run(tt.member, func(t *testing.T) {
			t.Parallel()
			eachCallWith(t, tt.member, tt.in, func(t *testing.T, f *form, field *catalog.Field) {
				most := tt.most
				if tt.member == "notify_url" && strings.HasSuffix(f.op.Path, "/user-sign-plans") {
					most = 1024
				}
				pointer := f.set(tt.member, tt.text(most))
				if misfit := f.misfit(t); misfit != nil {
					t.Errorf("%d characters: %+v", most, misfit)
				}
				f.set(tt.member, tt.text(most+1))
				want := fmt.Sprintf("输入源“%s”映射到值字段“%s”字符串规则校验失败，字符数 %d，大于最大值 %d", pointer, field.Label, most+1, most)
				if misfit := f.misfit(t); misfit == nil || misfit.Message != want {
					t.Errorf("%d characters: %+v\n    want %s", most+1, misfit, want)
				}
			})
		})
	}
}

// eachCallWith runs a test for each call that has the member, and makes sure that some do.
func eachCallWith(t *testing.T, member string, want []string, test func(*testing.T, *form, *catalog.Field)) {
	t.Helper()
	missing := maps.Collect(func(yield func(string, bool) bool) {
		for _, id := range want {
			yield(id, true)
		}
	})
	for _, op := range today() {
		if op.Request.Body == nil {
			continue
		}
		field := find(op.Request.Body.Fields, member)
		if field == nil {
			continue
		}
		delete(missing, op.ID())
		t.Run(op.ID(), func(t *testing.T) { test(t, filledIn(op), field) })
	}
	for id := range missing {
		t.Errorf("%s has no member %s", id, member)
	}
}

func TestNumbersAreBoundedInEveryCall(t *testing.T) {
	t.Parallel()
	const none = 1 << 62
	for _, tt := range []struct {
		member      string
		least, most int
		in          []string
	}{
		{"post_payments.amount", 0, none, charging},
		{"post_payments.count", 1, 100, charging},
		{"post_discounts.amount", 0, none, charging},
		{"post_discounts.count", 1, 100, charging},
		{"risk_fund.amount", 1, none, creating},
		{"total_amount", 0, none, slices.Concat(completing, modifying)},
	} {
		t.Run(tt.member, func(t *testing.T) {
			t.Parallel()
			eachCallWith(t, tt.member, tt.in, func(t *testing.T, f *form, field *catalog.Field) {
				var pointer string
				for _, n := range []int{tt.least, tt.most} {
					pointer = f.set(tt.member, n)
					if misfit := f.misfit(t); misfit != nil {
						t.Errorf("%d: %+v", n, misfit)
					}
				}
				f.set(tt.member, tt.least-1)
				want := fmt.Sprintf("输入源“%s”映射到数值字段“%s”规则校验失败，值低于最小值 %d", pointer, field.Label, tt.least)
				if misfit := f.misfit(t); misfit == nil || misfit.Message != want {
					t.Errorf("%d: %+v\n    want %s", tt.least-1, misfit, want)
				}
				f.set(tt.member, tt.most+1)
				if misfit := f.misfit(t); tt.most < none && (misfit == nil || misfit.Field != pointer || misfit.Rule != "maximum") {
					t.Errorf("%d: %+v", tt.most+1, misfit)
				}
				f.set(tt.member, 0.5)
				want = fmt.Sprintf("无法将 JSON 输入源“%s”映射到目标字段“%s”中，此字段需要一个合法的 64 位有符号整数", pointer, field.Label)
				if misfit := f.misfit(t); misfit == nil || misfit.Message != want {
					t.Errorf("0.5: %+v\n    want %s", misfit, want)
				}
			})
		})
	}
}

func TestListsAreBoundedInEveryCall(t *testing.T) {
	t.Parallel()
	for member, in := range map[string][]string{"post_payments": charging, "post_discounts": charging} {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			eachCallWith(t, member, in, func(t *testing.T, f *form, field *catalog.Field) {
				fewest, most := 0, 100
				if strings.HasSuffix(f.op.Path, "/complete") || strings.HasSuffix(f.op.Path, "/modify") {
					fewest = 1
				}
				switch {
				case member == "post_payments":
				case strings.HasSuffix(f.op.Path, "/direct-complete"):
					fewest, most = 0, 5
				default:
					fewest, most = 0, 30
				}
				items := func(n int) []any { return slices.Repeat([]any{least.Object(field.Fields)}, n) }
				for _, n := range []int{fewest, most} {
					f.set(member, items(n))
					if misfit := f.misfit(t); misfit != nil {
						t.Errorf("%d items: %+v", n, misfit)
					}
				}
				if fewest > 0 {
					f.set(member, items(fewest-1))
					if misfit := f.misfit(t); misfit == nil || misfit.Rule != "min_items" {
						t.Errorf("%d items: %+v", fewest-1, misfit)
					}
				}
				f.set(member, items(most+1))
				if misfit := f.misfit(t); misfit == nil || misfit.Rule != "max_items" {
					t.Errorf("%d items: %+v", most+1, misfit)
				}
			})
		})
	}
}

func TestNumbersOfMerchantsHaveLettersDigitsAndFourOtherCharacters(t *testing.T) {
	t.Parallel()
	const pattern = `^[0-9a-zA-Z_\-\|\*]+$`
	for member, in := range map[string][]string{"out_order_no": creating, "authorization_code": granting} {
		t.Run(member, func(t *testing.T) {
			t.Parallel()
			eachCallWith(t, member, in, func(t *testing.T, f *form, field *catalog.Field) {
				pointer := f.set(member, "Az09_-|*")
				if misfit := f.misfit(t); misfit != nil {
					t.Errorf("refused: %+v", misfit)
				}
				for _, text := range []string{"a b", "a.b", "a/b", "a@b", "号", "a\n"} {
					f.set(member, text)
					want := fmt.Sprintf("输入源“%s”映射到值字段“%s”字符串规则校验失败，字符串必须匹配正则表达式“%s”", pointer, field.Label, pattern)
					if misfit := f.misfit(t); misfit == nil || misfit.Message != want {
						t.Errorf("%q: %+v\n    want %s", text, misfit, want)
					}
				}
			})
		})
	}
}

func TestNumbersInPathsAndQueriesAreBounded(t *testing.T) {
	t.Parallel()
	most := map[string]int{"out_order_no": 32, "authorization_code": 32, "query_id": 512, "sub_mchid": 32, "service_id": 32, "appid": 32, "openid": 128, "sub_openid": 128, "out_apply_no": 32}
	seen := map[string]int{}
	check := func(t *testing.T, where string, fields []catalog.Field, values func(*form) map[string]string, op *catalog.Operation) {
		for _, field := range fields {
			n, ok := most[field.Name]
			if !ok {
				continue
			}
			seen[where+field.Name]++
			f := filledIn(op)
			values(f)[field.Name] = strings.Repeat("1", n)
			if misfit := f.misfit(t); misfit != nil {
				t.Errorf("%s: %s of %d characters: %+v", op.ID(), field.Name, n, misfit)
			}
			values(f)[field.Name] += "1"
			if misfit := f.misfit(t); misfit == nil || misfit.Field != where+field.Name || misfit.Rule != "max_length" {
				t.Errorf("%s: %s of %d characters: %+v", op.ID(), field.Name, n+1, misfit)
			}
		}
	}
	for _, op := range today() {
		check(t, "/uri_template/", op.Request.Path, func(f *form) map[string]string { return f.path }, op)
		check(t, "/query/", op.Request.Query, func(f *form) map[string]string { return f.query }, op)
	}
	for place, calls := range map[string]int{"/uri_template/out_order_no": 22, "/uri_template/authorization_code": 6, "/query/query_id": 4, "/query/out_order_no": 5} {
		if seen[place] < calls {
			t.Errorf("%s is in %d calls, want at least %d", place, seen[place], calls)
		}
	}
}

// TestWhatEachCallHasToHave holds the members that may not be missing against the notes: no more,
// for then a good call would be refused, and no less.
func TestWhatEachCallHasToHave(t *testing.T) {
	t.Parallel()
	const order = "POST /v3/payscore/serviceorder/{out_order_no}/"
	role := func(name, action string) string {
		return "POST /v3/payscore/" + name + "/serviceorder" + action
	}
	tests := map[string]string{
		role("partner", ""):                         "appid notify_url out_order_no risk_fund service_id service_introduction sub_mchid time_range",
		role("partner", "/{out_order_no}/cancel"):   "reason sub_mchid",
		role("partner", "/{out_order_no}/modify"):   "post_payments reason sub_mchid total_amount",
		role("partner", "/{out_order_no}/complete"): "post_payments service_id sub_mchid total_amount",
		role("partner", "/{out_order_no}/pay"):      "sub_mchid",
		role("partner", "/{out_order_no}/sync"):     "detail service_id sub_mchid type",
		"GET /v3/payscore/partner/serviceorder":     "sub_mchid",

		"POST /v3/payscore/serviceorder": "appid notify_url out_order_no risk_fund service_id service_introduction time_range",
		order + "cancel":                 "appid reason",
		order + "modify":                 "appid post_payments reason service_id total_amount",
		order + "complete":               "appid post_payments service_id total_amount",
		order + "pay":                    "appid service_id",
		order + "sync":                   "appid detail service_id type",
		"GET /v3/payscore/serviceorder":  "appid service_id",

		role("acquiringbank", "/{out_order_no}/cancel"):   "channel_id reason sub_mchid",
		role("oversea/partner", "/{out_order_no}/cancel"): "reason service_id sub_mchid",

		"POST /v3/payscore/partner/permissions":                                                   "appid authorization_code service_id sub_mchid",
		"POST /v3/payscore/partner/permissions/apply-for-scene":                                   "appid authorization_code scene service_id sub_mchid",
		"GET /v3/payscore/partner/permissions/authorization-code/{authorization_code}":            "service_id sub_mchid",
		"GET /v3/payscore/partner/permissions/search":                                             "appid service_id sub_mchid",
		"POST /v3/payscore/partner/permissions/authorization-code/{authorization_code}/terminate": "reason service_id sub_mchid",
		"POST /v3/payscore/partner/permissions/terminate":                                         "appid reason service_id sub_mchid",
		"POST /v3/payscore/permissions":                                                           "appid authorization_code service_id",
		"GET /v3/payscore/permissions/openid/{openid}":                                            "appid service_id",
		"POST /v3/payscore/permissions/openid/{openid}/terminate":                                 "appid reason service_id",
		"POST /v3/payscore/partner/service-account-applications":                                  "appid out_apply_no service_id sub_mchid",
	}
	for id, want := range tests {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			op := catalog.Find(id)
			f := filledIn(op)
			if misfit := f.misfit(t); misfit != nil {
				t.Fatalf("the least is refused: %+v", misfit)
			}
			names := slices.Collect(maps.Keys(f.body))
			if f.body == nil {
				names = slices.Collect(maps.Keys(f.query))
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != want {
				t.Errorf("it has to have %s\n    want %s", got, want)
			}
			for name := range strings.FieldsSeq(want) {
				f := filledIn(op)
				delete(f.body, name)
				delete(f.query, name)
				if misfit := f.misfit(t); misfit == nil || misfit.Rule != "required" || !strings.HasSuffix(misfit.Field, "/"+name) {
					t.Errorf("without %s: %+v", name, misfit)
				}
			}
		})
	}
	for id, places := range map[string][]string{
		"POST /v3/payscore/partner/serviceorder":                     {"risk_fund.name", "risk_fund.amount"},
		"POST /v3/payscore/serviceorder":                             {"risk_fund.name", "risk_fund.amount", "time_range.start_time"},
		"POST /v3/payscore/partner/serviceorder/{out_order_no}/sync": {"detail.paid_time"},
		"POST /v3/payscore/serviceorder/{out_order_no}/sync":         {"detail.paid_time"},
	} {
		for _, place := range places {
			f := filledIn(catalog.Find(id))
			outer, inner, _ := strings.Cut(place, ".")
			delete(f.body[outer].(object), inner)
			if misfit := f.misfit(t); misfit == nil || misfit.Rule != "required" || misfit.Field != "/body/"+outer+"/"+inner {
				t.Errorf("%s without %s: %+v", id, place, misfit)
			}
		}
	}
}

func TestACompletionMayTellItsTimeInFourWays(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"2026-11-25T12:00:00.120Z":      true,
		"2026-11-25T12:00:00Z":          true,
		"2026-11-25T12:00:00.120+08:00": true,
		"2026-11-25T12:00:00+08:00":     true,
		"2026-11-25T12:00:00":           false,
		"2026-11-25 12:00:00":           false,
		"20261125120000":                false,
		"20261125":                      false,
	}
	for _, role := range []string{"partner", "acquiringbank", "oversea/partner"} {
		f := filledIn(catalog.Find("POST /v3/payscore/" + role + "/serviceorder/{out_order_no}/complete"))
		for text, good := range tests {
			pointer := f.set("complete_time", text)
			misfit := f.misfit(t)
			if good && misfit != nil || !good && (misfit == nil || misfit.Field != pointer || misfit.Rule != "format") {
				t.Errorf("%s: %s: %+v", role, text, misfit)
			}
		}
	}
	f := filledIn(catalog.Find(completing[1]))
	f.set("complete_time", "2026-11-25T12:00:00Z")
	if misfit := f.misfit(t); misfit == nil || misfit.Rule != "unknown" {
		t.Errorf("a merchant tells the time of a completion: %+v", misfit)
	}
}

func TestTimesOfServicesHaveFormatsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		member, text string
		good         bool
		in           []string
	}{
		{"time_range.start_time", "20261125120000", true, slices.Concat(creating, completing)},
		{"time_range.start_time", "20261125", true, slices.Concat(creating, completing)},
		{"time_range.start_time", "OnAccept", true, creating},
		{"time_range.start_time", "OnAccept", false, completing},
		{"time_range.start_time", "onaccept", false, creating},
		{"time_range.start_time", "2026-11-25T12:00:00+08:00", false, slices.Concat(creating, completing)},
		{"time_range.end_time", "20261125120000", true, slices.Concat(creating, completing)},
		{"time_range.end_time", "20261125", true, slices.Concat(creating, completing)},
		{"time_range.end_time", "OnAccept", false, slices.Concat(creating, completing)},
		{"time_range.end_time", "202611251200", false, slices.Concat(creating, completing)},
		{"detail.paid_time", "20261125120000", true, []string{"POST /v3/payscore/partner/serviceorder/{out_order_no}/sync", "POST /v3/payscore/serviceorder/{out_order_no}/sync"}},
		{"detail.paid_time", "20261125", true, []string{"POST /v3/payscore/partner/serviceorder/{out_order_no}/sync"}},
		{"detail.paid_time", "2026-11-25T12:00:00+08:00", false, []string{"POST /v3/payscore/partner/serviceorder/{out_order_no}/sync"}},
		{"prepaid_time", "20261125", true, []string{"POST /v3/payscore/partner/serviceorder/{out_order_no}/send-prepaidmessage"}},
	} {
		for _, id := range tt.in {
			f := filledIn(catalog.Find(id))
			pointer := f.set(tt.member, tt.text)
			misfit := f.misfit(t)
			if tt.good && misfit != nil || !tt.good && (misfit == nil || misfit.Field != pointer || misfit.Rule != "format") {
				t.Errorf("%s: %s %s: %+v", id, tt.member, tt.text, misfit)
			}
		}
	}
}

func TestAddressesForNotificationsHaveNoQuery(t *testing.T) {
	t.Parallel()
	for member, in := range map[string][]string{"notify_url": slices.Concat(creating, granting, signing), "result_notify_url": {"POST /v3/payscore/partner/service-account-applications"}} {
		eachCallWith(t, member, in, func(t *testing.T, f *form, _ *catalog.Field) {
			for text, good := range map[string]bool{
				"https://example.com/notify": true, "https://example.com:8443/a/b": true,
				"https://example.com/?a=1": false, "https://example.com/#a": false, "https://example.com/a b": false, "example.com/notify": false, "ftp://example.com/": false,
			} {
				pointer := f.set(member, text)
				misfit := f.misfit(t)
				if good && misfit != nil || !good && (misfit == nil || misfit.Field != pointer || misfit.Rule != "pattern") {
					t.Errorf("%s: %+v", text, misfit)
				}
			}
		})
	}
}

func TestOnlyAcquiringInstitutionsAndServiceProvidersNameSubMerchants(t *testing.T) {
	t.Parallel()
	for _, op := range today() {
		if op.Request.Body == nil {
			continue
		}
		own := !strings.Contains(op.Path, "/partner/") && !strings.Contains(op.Path, "/acquiringbank/")
		for _, name := range []string{"sub_mchid", "sub_appid", "sub_openid"} {
			if own && find(op.Request.Body.Fields, name) != nil {
				t.Errorf("%s has the member %s", op.ID(), name)
			}
		}
		if find(op.Request.Body.Fields, "sp_mchid") != nil {
			t.Errorf("%s has the member sp_mchid", op.ID())
		}
	}
}
