package jsontext

import (
	"encoding/json"
	"testing"
)

// days is what wxgen generates for a string that holds JSON.
type days []string

func (v days) MarshalText() ([]byte, error) {
	type plain days
	return json.Marshal(plain(v))
}

func (v *days) UnmarshalText(text []byte) error {
	type plain days
	return Unmarshal(text, (*plain)(v))
}

func TestAStringHoldsJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string // of an answer
		want string // the same, encoded again; "" if it does not read
	}{
		"a list in a string":            {`{"days":"[\"2024-11-24\",\"2025-11-24\"]"}`, `{"days":"[\"2024-11-24\",\"2025-11-24\"]"}`},
		"an empty list":                 {`{"days":"[]"}`, `{"days":"[]"}`},
		"an empty string is nothing":    {`{"days":""}`, `{}`},
		"null is nothing":               {`{"days":null}`, `{}`},
		"a string that holds null":      {`{"days":"null"}`, `{}`},
		"nothing is nothing":            {`{}`, `{}`},
		"a list that is in no string":   {`{"days":["2024-11-24"]}`, ``},
		"a string that holds no JSON":   {`{"days":"2024-11-24"}`, ``},
		"a string that holds an object": {`{"days":"{}"}`, ``},
		"a string with more behind it":  {`{"days":"[] []"}`, ``},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v struct {
				Days days `json:"days,omitzero"`
			}
			err := json.Unmarshal([]byte(tt.text), &v)
			if tt.want == "" {
				if err == nil {
					t.Errorf("reads as %q, want an error", v.Days)
				}
				return
			}
			if text, _ := json.Marshal(v); err != nil || string(text) != tt.want {
				t.Errorf("reads as %s, %v; want %s", text, err, tt.want)
			}
		})
	}
}

func TestAnEmptyTextLeavesTheValueAlone(t *testing.T) {
	t.Parallel()
	v := []string{"2024-11-24"}
	if err := Unmarshal(nil, &v); err != nil || len(v) != 1 {
		t.Errorf("the value is %q, %v", v, err)
	}
}
