package shape

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// TestAValueIsWhatItsFieldMayHave has limits that few answers of the catalog have.
func TestAValueIsWhatItsFieldMayHave(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		field catalog.Field
		want  any
	}{
		"a label":                           {catalog.Field{Type: "string", Name: "bank", Label: "开户银行"}, "开户银行"},
		"a label that is too long":          {catalog.Field{Type: "string", Name: "bank", Label: "开户银行", MaxLength: 2}, "开户"},
		"a label that is too short":         {catalog.Field{Type: "string", Name: "bank", Label: "银行", MinLength: 5, MaxLength: 6}, "银行银行银行"},
		"no label":                          {catalog.Field{Type: "string", Name: "bank"}, "bank"},
		"a pattern of hexadecimal digits":   {catalog.Field{Type: "string", Name: "sha256", Pattern: "[0-9a-f]{64}"}, nil},
		"a pattern of digits":               {catalog.Field{Type: "string", Name: "phone", Pattern: "[0-9]{6,}"}, nil},
		"a number of an order":              {catalog.Field{Type: "string", Name: "order_id", MaxLength: 20}, nil},
		"what only ends like a number":      {catalog.Field{Type: "string", Name: "paid", Label: "已付"}, "已付"},
		"an enumeration":                    {catalog.Field{Type: "string", Name: "state", Enum: []string{"B", "A"}}, "B"},
		"an enumeration of numbers":         {catalog.Field{Type: "integer", Name: "state", Enum: []string{"3", "4"}}, json.Number("3")},
		"an amount":                         {catalog.Field{Type: "integer", Name: "total", Unit: "fen"}, int64(100)},
		"an amount that is bounded":         {catalog.Field{Type: "integer", Name: "amount", Maximum: new(int64(7))}, int64(7)},
		"a number that is bounded":          {catalog.Field{Type: "number", Name: "count", Minimum: new(int64(5))}, int64(5)},
		"a boolean":                         {catalog.Field{Type: "boolean", Name: "paid"}, false},
		"a time":                            {catalog.Field{Type: "string", Name: "create_time", Format: "rfc3339"}, "2026-11-25T00:00:00+08:00"},
		"a time in the second of formats":   {catalog.Field{Type: "string", Name: "create_time", Format: "yyyyMMdd|rfc3339"}, "20261125"},
		"a time of which only the name is":  {catalog.Field{Type: "string", Name: "create_time"}, "2026-11-25T00:00:00+08:00"},
		"the end of something":              {catalog.Field{Type: "string", Name: "expire_date", Format: "yyyy-MM-dd"}, "2026-12-25"},
		"a literal":                         {catalog.Field{Type: "string", Name: "start", Format: "OnAccept"}, "OnAccept"},
		"an address":                        {catalog.Field{Type: "string", Name: "code_url", MaxLength: 30}, nil},
		"the user of the world":             {catalog.Field{Type: "string", Name: "sub_openid"}, world.OpenID},
		"the merchant":                      {catalog.Field{Type: "string", Name: "sp_mchid"}, world.ServiceProvider},
		"an appid of the merchant":          {catalog.Field{Type: "string", Name: "appid"}, world.AppID},
		"an appid of somebody else":         {catalog.Field{Type: "string", Name: "sub_appid", Pattern: "wx[0-9a-f]{16}"}, nil},
		"a list that has to have three":     {catalog.Field{Type: "boolean[]", Name: "l", MinItems: 3}, []any{false, false, false}},
		"what can hardly be encrypted":      {catalog.Field{Type: "string", Name: "n", Label: "名", MinLength: 80, MaxLength: 80, Encrypted: "merchant"}, nil},
		"a free object":                     {catalog.Field{Type: "object", Name: "o"}, nil},
		"a free object that is required":    {catalog.Field{Type: "object", Name: "o", Required: true}, map[string]any{}},
		"objects in a list that has a most": {catalog.Field{Type: "object[]", Name: "o", MaxItems: 1, Fields: []catalog.Field{{Name: "b", Type: "boolean"}}}, []any{map[string]any{"b": false}}},
	}
	w := world.Default()
	op := &catalog.Operation{Method: "GET", Path: "/v3/x"}
	values, misfit := mapping.Map(op, mapping.Input{}, mapping.Policy{})
	if misfit != nil {
		t.Fatal(misfit)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &front.Call{Op: op, Merchant: &w.Merchants[0], Values: values}
			noon := time.Date(2026, 11, 25, 12, 0, 0, 0, clock.Beijing)
			a := &answer{c: c, world: w, today: today(noon), sent: read(c), numbers: map[string]string{}}
			got := a.member(&tt.field, nil, 0)
			if tt.want != nil && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("it is %#v, want %#v", got, tt.want)
			}
			if got == nil {
				if tt.field.Type != "object" {
					t.Error("it is not there")
				}
				return
			}
			text, err := json.Marshal(map[string]any{tt.field.Name: got})
			if err != nil {
				t.Fatal(err)
			}
			plain := tt.field
			plain.Encrypted = ""
			takes := &catalog.Operation{Request: catalog.Request{Body: &catalog.Body{Kind: "json", Fields: []catalog.Field{plain}}}}
			if _, misfit := mapping.Map(takes, mapping.Input{ContentType: "application/json", Body: text}, mapping.Policy{}); misfit != nil {
				t.Errorf("%s does not fit: %s", text, misfit.Message)
			}
			if s, _ := got.(string); tt.field.Encrypted != "" && len(s) > 214 {
				t.Errorf("%d bytes cannot be encrypted", len(s))
			}
		})
	}
}

func TestALargeRequestMakesNoEnormousAnswer(t *testing.T) {
	t.Parallel()
	text := catalog.Field{Name: "text", Type: "string"}
	inner := catalog.Field{Name: "inner", Type: "object[]", Fields: []catalog.Field{text}}
	list := catalog.Field{Name: "list", Type: "object[]", Fields: []catalog.Field{text, {Name: "words", Type: "string[]"}, {Name: "free", Type: "object"}, inner}}
	tests := map[string]string{
		"many items":            `{"list":[` + strings.Repeat(`{},`, 200_000) + `{}]}`,
		"many in many":          `{"list":[` + strings.Repeat(`{},`, 100_000) + `{}],"inner":[` + strings.Repeat(`{},`, 100_000) + `{}]}`,
		"a long text in many":   `{"text":"` + strings.Repeat("x", 500_000) + `","list":[` + strings.Repeat(`{},`, 100_000) + `{}]}`,
		"a long list in many":   `{"words":[` + strings.Repeat(`"x",`, 100_000) + `"x"],"list":[` + strings.Repeat(`{},`, 100_000) + `{}]}`,
		"a large object inside": `{"free":{"a":"` + strings.Repeat("x", 500_000) + `"},"list":[` + strings.Repeat(`{},`, 100_000) + `{}]}`,
	}
	op := &catalog.Operation{
		Request:  catalog.Request{Body: &catalog.Body{Kind: "json", Fields: []catalog.Field{text, {Name: "words", Type: "string[]"}, {Name: "free", Type: "object"}, list, inner}}},
		Response: catalog.Response{Body: &catalog.Body{Kind: "json", Fields: []catalog.Field{list}}},
	}
	w := world.Default()
	s := &Shape{World: w, Clock: clock.New(time.Now)}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, misfit := mapping.Map(op, mapping.Input{ContentType: "application/json", Body: []byte(body)}, mapping.Policy{})
			if misfit != nil {
				t.Fatal(misfit.Message)
			}
			got, err := s.Answer(&front.Call{Op: op, Merchant: &w.Merchants[0], Values: values})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) < 1000 || len(text) > 2*budget {
				t.Errorf("%d bytes are answered with %d", len(body), len(text))
			}
		})
	}
}
