package v3_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/v3/pay"
	"github.com/openwechatpay/wechatpay/v3/profitsharing"
	"github.com/openwechatpay/wechatpay/webhook"
)

// eventType is a type of the generated files that has the method EventTypes.
type eventType struct {
	product, name string
	events        []string
	fields        []string // as on the wire
}

// eventTypes are those of all products. No program can list the types that it holds, so that
// the files have to.
func eventTypes(t *testing.T) []eventType {
	t.Helper()
	names, err := filepath.Glob("*/*_gen.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no generated files: %v", err)
	}
	var all []eventType
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		structs := map[string]*ast.StructType{}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if typ, ok := spec.(*ast.TypeSpec); ok {
						structs[typ.Name.Name], _ = typ.Type.(*ast.StructType)
					}
				}
			case *ast.FuncDecl: // behind its type
				if d.Name.Name == "EventTypes" {
					typ := d.Recv.List[0].Type.(*ast.Ident).Name
					all = append(all, eventType{"v3/" + filepath.Dir(name), typ, literals(d.Body), tags(structs[typ])})
				}
			}
		}
	}
	return all
}

// literals are the strings that stand in a piece of code.
func literals(n ast.Node) (all []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, _ := strconv.Unquote(l.Value)
			all = append(all, s)
		}
		return true
	})
	return all
}

// tags are what the fields of a struct are called on the wire.
func tags(s *ast.StructType) (all []string) {
	for _, f := range s.Fields.List {
		tag, _ := strconv.Unquote(f.Tag.Value)
		wire, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		all = append(all, wire)
	}
	slices.Sort(all)
	return all
}

func TestEveryNotificationHasOneType(t *testing.T) {
	t.Parallel()
	type key struct{ product, event string }
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	missing := map[key]*catalog.Notification{}
	for _, p := range c.Products {
		for _, n := range p.Notifications {
			missing[key{p.Name, n.EventTypes[0]}] = n
		}
	}
	for _, typ := range eventTypes(t) {
		k := key{typ.product, typ.events[0]}
		n, ok := missing[k]
		if !ok {
			t.Errorf("%s of %s is for %s, which the catalog does not have, or another type is for it", typ.name, k.product, k.event)
			continue
		}
		delete(missing, k)
		if !slices.Equal(typ.events, n.EventTypes) {
			t.Errorf("%s of %s is for %v, want %v", typ.name, k.product, typ.events, n.EventTypes)
		}
		if want := names(n.Resource.Fields); !slices.Equal(typ.fields, want) {
			t.Errorf("%s of %s has the fields %v, want %v", typ.name, k.product, typ.fields, want)
		}
	}
	for k := range missing {
		t.Errorf("%s has no type for %s", k.product, k.event)
	}
}

// TestANotificationThatArrivesAsAnotherDecodes: WeChat Pay calls a share of profit that was paid
// out TRANSACTION.SUCCESS, as it calls a payment.
func TestANotificationThatArrivesAsAnotherDecodes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		event string
		ok    bool
	}{
		"it arrives as what it is":            {"PROFITSHARING.SUCCESS", true},
		"it arrives as another event":         {"TRANSACTION.SUCCESS", true},
		"an event of another type is no such": {"PROFITSHARING.RETURN", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &webhook.Notification{EventType: tt.event, OriginalType: "profitsharing", Resource: json.RawMessage(`{"transaction_id":"1"}`)}
			shared, err := webhook.Decode[profitsharing.ProfitsharingSuccess](n)
			if ok := err == nil && shared.TransactionID == "1"; ok != tt.ok {
				t.Errorf("the transaction is %q, %v", shared.TransactionID, err)
			}
		})
	}
}

// Of two that arrive with one event type, the original type tells which one it is. Those that do not say,
// as the documents leave it out here and there, are what the event type is the name of.
func TestAShareOfProfitDoesNotReadAsAPayment(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		original       string
		payment, share bool
	}{
		"a payment":            {"transaction", true, false},
		"a share of profit":    {"profitsharing", false, true},
		"what does not say":    {"", true, false},
		"what nobody has seen": {"other", false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &webhook.Notification{EventType: "TRANSACTION.SUCCESS", OriginalType: tt.original, Resource: json.RawMessage(`{"transaction_id":"1"}`)}
			if _, err := webhook.Decode[pay.TransactionSuccess](n); (err == nil) != tt.payment {
				t.Errorf("as a payment: %v", err)
			}
			if _, err := webhook.Decode[*profitsharing.ProfitsharingSuccess](n); (err == nil) != tt.share {
				t.Errorf("as a share of profit: %v", err)
			}
		})
	}
}
