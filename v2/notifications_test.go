package v2_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/v2/mchrisk"
	"github.com/openwechatpay/wechatpay/v2/papay"
	"github.com/openwechatpay/wechatpay/v2/pay"
	"github.com/openwechatpay/wechatpay/v2/vehicle"
	"github.com/openwechatpay/wechatpay/v2/wxv"
	"github.com/openwechatpay/wechatpay/webhook"
)

const (
	notifyV2Key = "v2key-0123456789abcdef0123456789"
	notifyV3Key = "v3key-0123456789abcdef0123456789"
)

// notified reads each notification as the type that is for it.
var notified = map[string]func(*webhook.Notification) (any, error){
	"v2/mchrisk risky_transactions": decodes[mchrisk.RiskyTransactions],
	"v2/papay contract_change":      decodes[papay.ContractChange],
	"v2/pay combined_payment":       decodes[pay.CombinedPayment],
	"v2/pay payment":                decodes[pay.Payment],
	"v2/pay refund":                 decodes[pay.Refund],
	"v2/vehicle plate_change":       decodes[vehicle.PlateChange],
	"v2/wxv CHECK.FAIL":             decodes[wxv.CheckFail],
	"v2/wxv CHECK.SUCCESS":          decodes[wxv.CheckSuccess],
	"v2/wxv TRANSACTION.FAIL":       decodes[wxv.TransactionFail],
	"v2/wxv TRANSACTION.SUCCESS":    decodes[wxv.TransactionSuccess],
}

func decodes[T any](n *webhook.Notification) (any, error) { return webhook.Decode[T](n) }

// TestEveryNotificationComesBackAsItsOneType makes each of its catalog's fields, all of them and those
// that are always there, and looks whether the type brings all of them back.
func TestEveryNotificationComesBackAsItsOneType(t *testing.T) {
	t.Parallel()
	receiver, err := webhook.New(webhook.Merchant{APIv2Key: notifyV2Key, APIv3Key: notifyV3Key})
	if err != nil {
		t.Fatal(err)
	}
	types := eventTypes(t)
	for _, p := range catalogV2(t).Products {
		for _, n := range p.Notifications {
			key := p.Name + " " + n.EventTypes[0]
			decode, events := notified[key], types[key]
			if delete(types, key); decode == nil || !slices.Equal(events, n.EventTypes) {
				t.Errorf("%s has a type for %q, and one in this test: %v", key, events, decode != nil)
				continue
			}
			for what, requiredOnly := range map[string]bool{"all of its members": false, "those that are required": true} {
				t.Run(key+" with "+what, func(t *testing.T) {
					t.Parallel()
					checkNotification(t, receiver, n, sampled(n.Resource.Fields, requiredOnly), decode)
				})
			}
		}
	}
	for key := range types {
		t.Errorf("there is a second type for %s, or the catalog does not have it", key)
	}
}

func catalogV2(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.LoadV2()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func checkNotification(t *testing.T, r *webhook.Receiver, n *catalog.Notification, plain xmlv2.Members, decode func(*webhook.Notification) (any, error)) {
	t.Helper()
	if plain.Get("event_algorithm") != "" {
		plain.Set("event_type", n.EventTypes[0])
	}
	for _, signType := range []auth.SignType{auth.MD5, auth.HMACSHA256} {
		got, err := r.Parse(t.Context(), nil, delivered(t, n, plain, signType))
		if err != nil || got.EventType != n.EventTypes[0] || got.Signed == n.Unsigned {
			t.Fatalf("signed with %s it parses to %v, %v", signType, got, err)
		}
		event, err := decode(got)
		if err != nil {
			t.Fatal(err)
		}
		back, err := xmlv2.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range back {
			var v any
			if strings.HasPrefix(m.Text, "{") && json.Unmarshal([]byte(m.Text), &v) == nil {
				back[i].Text = canonical(v)
			}
		}
		if !reflect.DeepEqual(back, plain) {
			t.Errorf("it came back as\n%v, want\n%v", back, plain)
		}
	}
}

// sampled is a message of these fields, decrypted. No two fields have one value, but for numbers.
func sampled(fields []catalog.Field, requiredOnly bool) (m xmlv2.Members) {
	for _, f := range fields {
		switch value := sampleOf(f, requiredOnly).(type) {
		case nil:
		case map[string]any, []any:
			if f.Encoded != "" {
				m.Set(f.Name, canonical(value))
			} else if items, ok := value.([]any); ok {
				m.Set(strings.Replace(f.Name, "$n", "0", 1), fmt.Sprint(items[0]))
			} else {
				m = append(m, xmlv2.Member{Name: f.Name, Members: sampled(f.Fields, requiredOnly)})
			}
		default:
			m.Set(f.Name, fmt.Sprint(value))
		}
	}
	return m
}

// sampleOf is a value of f as encoding/json has it, nil if f is left out.
func sampleOf(f catalog.Field, requiredOnly bool) any {
	if requiredOnly && !f.Required {
		return nil
	}
	if base, isList := strings.CutSuffix(f.Type, "[]"); isList {
		f.Type, f.Required = base, true
		return []any{sampleOf(f, requiredOnly)}
	}
	switch {
	case f.Type == "object":
		object := map[string]any{}
		for _, inner := range f.Fields {
			if value := sampleOf(inner, requiredOnly); value != nil {
				object[inner.Name] = value
			}
		}
		return object
	case f.Type != "string":
		return len(f.Name)
	case len(f.Enum) > 0:
		return f.Enum[0]
	}
	return f.Name
}

// canonical is v as JSON whose members are in order.
func canonical(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// delivered is how a message arrives.
func delivered(t *testing.T, n *catalog.Notification, plain xmlv2.Members, signType auth.SignType) []byte {
	t.Helper()
	sent := slices.Clone(plain)
	for _, f := range n.Resource.Fields {
		if f.Encrypted != "" {
			sent.Set(f.Name, sealed(t, f.Encrypted, plain, f.Name))
		}
	}
	if !n.Unsigned {
		sign, err := signType.Sign(notifyV2Key, sent.Texts())
		if err != nil {
			t.Fatal(err)
		}
		sent.Set("sign", sign)
	}
	body, err := xmlv2.Encode(xmlv2.Root, sent)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// sealed is the ciphertext of the member name.
func sealed(t *testing.T, key string, plain xmlv2.Members, name string) string {
	t.Helper()
	i := slices.IndexFunc(plain, func(m xmlv2.Member) bool { return m.Name == name })
	if key == "apiv2_key" {
		root, err := xmlv2.Encode("root", plain[i].Members)
		if err != nil {
			t.Fatal(err)
		}
		reqInfo, err := crypt.SealReqInfo(notifyV2Key, root)
		if err != nil {
			t.Fatal(err)
		}
		return reqInfo
	}
	ciphertext, err := crypt.SealGCM(notifyV3Key, plain.Get("event_nonce"), plain.Get("event_associated_data"), []byte(plain[i].Text))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(ciphertext)
}

// eventTypes are what the types of the generated files are for, by product and first event. No program
// can list the types that it holds, so that the files have to.
func eventTypes(t *testing.T) map[string][]string {
	t.Helper()
	names, err := filepath.Glob("*/notifications_gen.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no generated files: %v", err)
	}
	all := map[string][]string{}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			method, ok := d.(*ast.FuncDecl)
			if !ok || method.Name.Name != "EventTypes" {
				continue
			}
			var events []string
			ast.Inspect(method.Body, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok {
					text, _ := strconv.Unquote(l.Value)
					events = append(events, text)
				}
				return true
			})
			key := "v2/" + filepath.Dir(name) + " " + events[0]
			if all[key] != nil {
				t.Errorf("two types are for %s", key)
			}
			all[key] = events
		}
	}
	return all
}
