package payscore_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// notifications are the types that package webhook decodes to.
var notifications = []interface{ EventTypes() []string }{
	payscore.BindServiceAccount{},
	payscore.MchPrepay{},
	payscore.UserAccepted{},
	payscore.UserCancelSignPlan{},
	payscore.UserCloseService{},
	payscore.UserConfirm{},
	payscore.UserOpenService{},
	payscore.UserPaid{},
	payscore.UserSignPlan{},
}

func TestEveryNotificationHasAType(t *testing.T) {
	t.Parallel()
	want := map[string]*catalog.Notification{}
	for _, n := range catalog.Notifications() {
		if strings.HasPrefix(n.EventTypes[0], "PAYSCORE.") {
			want[n.EventTypes[0]] = n
		}
	}
	for _, typed := range notifications {
		n := want[typed.EventTypes()[0]]
		if n == nil {
			t.Errorf("%T is for %s, which the catalog does not have", typed, typed.EventTypes()[0])
			continue
		}
		delete(want, typed.EventTypes()[0])
		checkDecodes(t, typed, n.Resource.Fields)
	}
	for _, event := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("no type is for %s", event)
	}
}

// checkDecodes checks that the type of typed has exactly the fields.
func checkDecodes(t *testing.T, typed any, fields []catalog.Field) {
	t.Helper()
	value := reflect.New(reflect.TypeOf(typed))
	text, err := json.Marshal(sample(fields))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value.Interface()); err != nil {
		t.Errorf("%T: %v", typed, err)
	}
	if got := value.Elem().NumField(); got != len(fields) {
		t.Errorf("%T has %d fields, the catalog %d", typed, got, len(fields))
	}
	for i := range value.Elem().NumField() {
		if value.Elem().Field(i).IsZero() {
			t.Errorf("%T does not read %s", typed, value.Elem().Type().Field(i).Name)
		}
	}
}

func sample(fields []catalog.Field) map[string]any {
	object := map[string]any{}
	for _, f := range fields {
		item, list := strings.CutSuffix(f.Type, "[]")
		value := map[string]any{"string": "x", "integer": 7, "number": 7, "boolean": true}[item]
		if item == "object" {
			value = sample(f.Fields)
		}
		if list {
			value = []any{value}
		}
		object[f.Name] = value
	}
	return object
}

func TestOptionalNumbersOfRequestsCanBeZero(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   payscore.Payment
		want string
	}{
		"left out is not sent":  {payscore.Payment{Name: "骑行费用"}, `{"name":"骑行费用"}`},
		"zero fen is sent":      {payscore.Payment{Amount: new(int64(0))}, `{"amount":0}`},
		"the amount is integer": {payscore.Payment{Amount: new(int64(100000000)), Count: new(int64(1))}, `{"amount":100000000,"count":1}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(tt.in)
			if err != nil || string(got) != tt.want {
				t.Errorf("encodes as %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}
