package world_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/sim/world"
)

var update = flag.Bool("update", false, "write world.schema.json")

// closed are the values of members that take no others.
var closed = map[reflect.Type][]any{
	reflect.TypeFor[world.KeyMode]():          {world.PublicKeyMode, world.CertificateMode, world.MigratingMode},
	reflect.TypeFor[world.CertificateState](): {world.CertificateGood, world.CertificateRevoked, world.CertificateReplaced},
	reflect.TypeFor[world.Effect]():           effects(),
}

// effects are all that may strike something.
func effects() (all []any) {
	for _, event := range []string{"", "*", world.EventV2Payment, world.EventV2Refund, "REFUND.SUCCESS"} {
		for _, e := range world.EffectsOn(event) {
			if !slices.Contains(all, any(e)) {
				all = append(all, e)
			}
		}
	}
	return all
}

// schema is the JSON schema of a type.
func schema(t reflect.Type) map[string]any {
	if values := closed[t]; values != nil {
		return map[string]any{"enum": values}
	}
	switch {
	case t == reflect.TypeFor[world.Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9.]+(h|m|s|ms))+$`}
	case t.Kind() == reflect.Pointer:
		return schema(t.Elem())
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": schema(t.Elem())}
	case t.Kind() == reflect.Struct:
		return object(t)
	}
	kinds := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.Uint64: "integer", reflect.Float64: "number"}
	return map[string]any{"type": kinds[t.Kind()]}
}

func object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		properties[name] = schema(field.Type)
		if options == "" {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// TestTheSchemaIsThatOfTheTypes keeps world.schema.json, which editors read, as the types are. With
// -update it writes it.
func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	t.Parallel()
	s := schema(reflect.TypeFor[world.World]())
	s["$schema"], s["title"] = "https://json-schema.org/draft/2020-12/schema", "The world of a simulated WeChat Pay gateway"
	want, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("world.schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("world.schema.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("world.schema.json is not that of the types: run go test ./sim/world -update (%v)", err)
	}
}

func TestAWorldMayNameItsSchema(t *testing.T) {
	t.Parallel()
	if _, err := world.Read(strings.NewReader(`{"$schema": "world.schema.json", "merchants": [{"mchid": "1"}]}`)); err != nil {
		t.Error(err)
	}
	if _, err := world.Read(strings.NewReader(`{"merchants": [{"mchid": "1", "nonsense": 1}]}`)); err == nil {
		t.Error("a member that is none was read")
	}
}
