package wechatpay

import (
	"encoding/json"
	"fmt"
	"time"
)

// beijing is UTC+8, where WeChat Pay's times are at home. It has had no daylight saving
// time since 1991, so a fixed zone does, and no time-zone database is needed.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// Time is a point in time as APIv3 writes it: RFC 3339, whole seconds, with offset, such as
// 2018-06-08T10:34:56+08:00. It goes out in UTC+8. The zero Time is the empty string, both
// ways; fractions of a second that come in are kept.
type Time struct{ time.Time }

// MarshalJSON is t in UTC+8.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte(`""`), nil
	}
	return []byte(t.In(beijing).Format(`"` + time.RFC3339 + `"`)), nil
}

// UnmarshalJSON reads RFC 3339.
func (t *Time) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("a time is not a string: %w", err)
	}
	if s == "" {
		t.Time = time.Time{}
		return nil
	}
	parsed, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("a time is not RFC 3339")
	}
	t.Time = parsed
	return nil
}
