// Package jsontext reads JSON that a string of JSON holds.
package jsontext

import "encoding/json"

// Unmarshal is json.Unmarshal, but for the empty text: WeChat Pay sends that where there is nothing.
func Unmarshal(text []byte, v any) error {
	if len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, v)
}
