package world

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Fault makes calls or notifications go wrong. What is empty fits everything.
type Fault struct {
	// Which calls it is for. Such a call passed every check of the front: one that is refused
	// anyway does not use a fault up.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"` // as the catalog has it, with {parameters}
	MchID  string `json:"mchid,omitempty"`
	Order  string `json:"order,omitempty"` // the merchant's number in path, query or body

	// Event makes it a fault of notifications of this type, such as PAYSCORE.USER_PAID; "*" of all.
	Event string `json:"event,omitempty"`

	Times       int     `json:"times,omitzero"`       // how often it strikes; 0 for every time
	Probability float64 `json:"probability,omitzero"` // of striking, where it fits; 0 for always

	Effect Effect `json:"effect"`
	// After lets the work be done before a [EffectStatus], [EffectReset] or [EffectHTML] strikes.
	After bool `json:"after,omitzero"`

	Status     int      `json:"status,omitzero"` // of EffectStatus and EffectHTML
	Code       string   `json:"code,omitempty"`  // of EffectStatus; empty for a status without a body
	Message    string   `json:"message,omitempty"`
	RetryAfter int      `json:"retry_after,omitzero"` // seconds, of EffectStatus
	Delay      Duration `json:"delay,omitzero"`       // of EffectDelay
}

// Effect is what a fault does.
type Effect string

// Effects on calls and, from EffectDelay to EffectStale, on notifications as well.
const (
	EffectStatus   Effect = "status"   // another answer, such as 500 SYSTEM_ERROR, 429 or 202
	EffectReset    Effect = "reset"    // the connection is reset without an answer
	EffectHTML     Effect = "html"     // a page of a proxy, 502 unless told otherwise
	EffectTruncate Effect = "truncate" // the answer ends in its middle

	EffectDelay          Effect = "delay"           // it comes late; of a call, the answer
	EffectWrongSignature Effect = "wrong-signature" // it is signed over something else
	EffectUnsigned       Effect = "unsigned"        // the headers of the signature are missing
	EffectUnknownSerial  Effect = "unknown-serial"  // it names a key that nobody has
	EffectProbe          Effect = "probe"           // WECHATPAY/SIGNTEST/, which has to fail
	EffectStale          Effect = "stale"           // it was signed six minutes ago

	EffectDrop      Effect = "drop"      // a delivery is lost on its way
	EffectDuplicate Effect = "duplicate" // a delivery arrives twice
	EffectReorder   Effect = "reorder"   // a notification comes after the one that follows it
)

var (
	ofCalls         = []Effect{EffectStatus, EffectReset, EffectHTML, EffectTruncate}
	ofBoth          = []Effect{EffectDelay, EffectWrongSignature, EffectUnsigned, EffectUnknownSerial, EffectProbe, EffectStale}
	ofNotifications = []Effect{EffectDrop, EffectDuplicate, EffectReorder}
)

// Check tells what is wrong with f.
func (f Fault) Check() error {
	own := ofCalls
	if f.Event != "" {
		own = ofNotifications
	}
	switch {
	case !slices.Contains(own, f.Effect) && !slices.Contains(ofBoth, f.Effect):
		return fmt.Errorf("fault: the effect %q is none of %v, %v", f.Effect, own, ofBoth)
	case f.Event != "" && (f.Method != "" || f.Path != ""):
		return fmt.Errorf("fault: it has an event, so it is of notifications, which have no method and path")
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("fault: the probability is %v, want 0 to 1", f.Probability)
	case f.Times < 0 || f.Delay < 0 || f.RetryAfter < 0:
		return fmt.Errorf("fault: times, delay and retry_after are not negative")
	case f.Effect == EffectStatus && (f.Status < 200 || f.Status > 599), f.Effect == EffectHTML && f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("fault: the status %d is none", f.Status)
	case f.Code != "" && (f.Status == 204 || f.Status == 304):
		return fmt.Errorf("fault: an answer of status %d has no body, so it has no code", f.Status)
	case f.Effect == EffectDelay && f.Delay == 0:
		return fmt.Errorf(`fault: a delay needs a delay, such as "2s"`)
	}
	return nil
}

// Duration is a time.Duration that JSON writes as "1m30s".
type Duration time.Duration

// MarshalJSON is the duration in words.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads what [time.ParseDuration] does.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf(`a duration is text such as "1m30s"`)
	}
	parsed, err := time.ParseDuration(s)
	*d = Duration(parsed)
	return err
}
