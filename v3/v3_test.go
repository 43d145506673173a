package v3_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	v3 "github.com/openwechatpay/wechatpay/v3"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// These tests go through all operations by reflection: the chain from v3.New on one side,
// the catalog on the other. They know no product.

// schemes are those of Authorization, by what the catalog calls them.
var schemes = map[string]string{"": auth.Scheme, "brand": auth.BrandScheme, "none": ""}

func TestTheChainHasEveryOperationOnce(t *testing.T) {
	t.Parallel()
	found := verbs(t)
	if len(found) != len(catalog.Operations()) {
		t.Errorf("the chain has %d verbs, the catalog %d operations", len(found), len(catalog.Operations()))
	}
	for _, v := range found {
		v.do(t, v.zero())
		if got := v.g.last; got.Method != v.op.Method || got.URL.Host != v.op.Host || got.URL.Path != v.target {
			t.Errorf("%s sends %s https://%s%s, want %s", v.op.ID(), got.Method, got.URL.Host, got.URL.Path, v.target)
		}
		if got, _, _ := strings.Cut(v.g.last.Header.Get("Authorization"), " "); got != schemes[v.op.Security.Scheme] {
			t.Errorf("%s is signed with %q, want %q", v.op.ID(), got, schemes[v.op.Security.Scheme])
		}
	}
}

func TestAZeroRequestHasTheRequiredFieldsAndNoNull(t *testing.T) {
	t.Parallel()
	for _, v := range verbs(t) {
		v.do(t, v.zero())
		query := v.g.last.URL.Query()
		if want, got := required(v.op.Request.Query), slices.Sorted(maps.Keys(query)); !slices.Equal(got, want) {
			t.Errorf("%s: the zero query has %v, want %v", v.op.ID(), got, want)
		}
		for name, values := range query {
			if hasNull(values[0]) {
				t.Errorf("%s: the zero query has a null: %s=%s", v.op.ID(), name, values[0])
			}
		}
		if got := own(v.g.last.Header); len(got) > 0 { // an empty header is left out
			t.Errorf("%s: the zero request has the headers %v", v.op.ID(), got)
		}
		if v.op.Request.Body == nil {
			if len(v.g.sent) > 0 {
				t.Errorf("%s sends a body: %s", v.op.ID(), v.g.sent)
			}
			continue
		}
		var body map[string]any
		if err := json.Unmarshal(v.g.sent, &body); err != nil {
			t.Errorf("%s: %v", v.op.ID(), err)
			continue
		}
		if want, got := required(v.op.Request.Body.Fields), slices.Sorted(maps.Keys(body)); !slices.Equal(got, want) {
			t.Errorf("%s: the zero request has %v, want %v", v.op.ID(), got, want)
		}
		if hasNull(body) {
			t.Errorf("%s: the zero request has a null: %s", v.op.ID(), v.g.sent)
		}
	}
}

func TestAFullRequestHasEveryField(t *testing.T) {
	t.Parallel()
	for _, v := range verbs(t) {
		in := v.full()
		if !in.IsValid() {
			continue
		}
		v.do(t, in)
		query := v.g.last.URL.Query()
		if want, got := names(v.op.Request.Query), slices.Sorted(maps.Keys(query)); !slices.Equal(got, want) {
			t.Errorf("%s: the full query has %v, want %v", v.op.ID(), got, want)
		}
		for _, f := range v.op.Request.Query {
			compareText(t, v.op.ID()+" "+f.Name, query[f.Name], f)
		}
		if want, got := names(v.op.Request.Headers), own(v.g.last.Header); !slices.Equal(got, want) {
			t.Errorf("%s: the full request has the headers %v, want %v", v.op.ID(), got, want)
		}
		for _, f := range v.op.Request.Headers {
			compareText(t, v.op.ID()+" "+f.Name, v.g.last.Header.Values(f.Name), f)
		}
		if v.op.Request.Body != nil {
			compare(t, v.op.ID(), v.g.sent, v.op.Request.Body.Fields)
		}
	}
}

// usual are the headers that the client sets by itself.
var usual = []string{"Accept", "Accept-Encoding", "Authorization", "Content-Type", "User-Agent", "Wechatpay-Serial"}

// own are the names of the headers that are an operation's own.
func own(header http.Header) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(header)), func(name string) bool { return slices.Contains(usual, name) })
}

func TestAnAnswerKeepsEveryField(t *testing.T) {
	t.Parallel()
	for _, v := range verbs(t) {
		out := v.do(t, v.zero())
		switch v.op.Response.Body.Kind {
		case "download":
			file, ok := out.(io.Reader)
			if !ok {
				t.Errorf("%s: the answer is a file and the verb returns a %T", v.op.ID(), out)
				continue
			}
			if text, err := io.ReadAll(file); err != nil || !bytes.Equal(text, v.g.answer) {
				t.Errorf("%s: the file is %q, %v", v.op.ID(), text, err)
			}
		case "empty":
			if _, ok := out.(*wechatpay.Response); !ok {
				t.Errorf("%s: the answer is empty and the verb returns a %T", v.op.ID(), out)
			}
		default:
			text := marshal(out)
			answer := bytes.ReplaceAll(v.g.answer, []byte(hidden()), []byte("[hidden]")) // as JSON shows it
			var got, want any
			if json.Unmarshal(text, &got) != nil || json.Unmarshal(answer, &want) != nil || !reflect.DeepEqual(pruned(got), pruned(want)) {
				t.Errorf("%s: a %T keeps\n%s\nof\n%s", v.op.ID(), out, text, answer)
			}
		}
	}
}

func TestEndpointsHasEveryPath(t *testing.T) {
	t.Parallel()
	g := new(gateway)
	endpoints := v3.Endpoints(newClient(t, g))
	want := map[string]bool{}
	for _, op := range catalog.Operations() {
		want[op.Path[1:]] = true
	}
	if got, want := slices.Sorted(maps.Keys(endpoints)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("the map has %v, want %v", got, want)
	}
	_, err := endpoints["v3/payscore/partner/serviceorder/{out_order_no}/cancel"].Post(t.Context(),
		wechatpay.Path("out_order_no", "1"), wechatpay.JSON(struct{}{}))
	if err != nil || g.last.URL.Path != "/v3/payscore/partner/serviceorder/1/cancel" {
		t.Errorf("sent %v: %v", g.last.URL, err)
	}
}

// What the chain returns is kept here, so that the compiler cannot leave the walk out.
var kept payscore.PartnerServiceorderOutOrderNoCancel

func TestTheStepsOfTheChainDoNotAllocate(t *testing.T) {
	client := newClient(t, new(gateway))
	if n := testing.AllocsPerRun(100, func() {
		kept = v3.New(client).Payscore().Partner().Serviceorder().OutOrderNo("20241124001").Cancel()
	}); n != 0 {
		t.Errorf("the chain allocates %v times", n)
	}
}

func TestANodeCanBeKeptAndUsedAgain(t *testing.T) {
	t.Parallel()
	g := new(gateway)
	order := payscore.New(newClient(t, g)).Partner().Serviceorder().OutOrderNo("a/b")
	for range 2 {
		_, err := order.Cancel().Post(t.Context(), payscore.CancelPartnerServiceOrderRequest{SubMchID: "1900000209", Reason: "用户取消"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := g.last.URL.EscapedPath(), "/v3/payscore/partner/serviceorder/a%2Fb/cancel"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	}
}

func TestTypedNodesHaveAsynchronousForms(t *testing.T) {
	t.Parallel()
	g := &gateway{answer: []byte(`{"state":"DOING"}`)}
	orders := payscore.New(newClient(t, g)).Partner().Serviceorder()
	ctx := context.Background()
	order, err := wechatpay.GetAsync(ctx, orders, payscore.GetPartnerServiceOrderQuery{SubMchID: "1900000209", OutOrderNo: "1"}).Wait(ctx)
	if err != nil || order.State != payscore.ServiceOrderStateDoing {
		t.Errorf("got %v, %v", order, err)
	}
}
