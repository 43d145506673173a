package world

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/catalog"
)

// Fault makes calls or notifications go wrong. What is empty fits everything.
type Fault struct {
	// Which calls it is for. Such a call passed every check of the front: one that is refused
	// anyway does not use a fault up.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"` // as the catalog has it, with {parameters}
	MchID  string `json:"mchid,omitempty"`
	Host   string `json:"host,omitempty"`  // that was called: as the request names it, or its listener
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

// Effects on calls and, from EffectDelay to EffectFuture, on notifications as well.
const (
	EffectStatus   Effect = "status"   // another answer, such as 500 SYSTEM_ERROR, 429 or 202
	EffectReset    Effect = "reset"    // the connection is reset without an answer
	EffectHTML     Effect = "html"     // a page of a proxy, 502 unless told otherwise
	EffectTruncate Effect = "truncate" // the answer ends in its middle
	EffectShorten  Effect = "shorten"  // the same, and Content-Length agrees; it was signed before
	EffectFlipBit  Effect = "flip-bit" // one bit in the middle of the answer is another; it was signed before

	EffectDelay          Effect = "delay"           // it comes late; of a call, the answer
	EffectWrongSignature Effect = "wrong-signature" // it is signed over something else
	EffectUnsigned       Effect = "unsigned"        // the headers of the signature are missing
	EffectUnknownSerial  Effect = "unknown-serial"  // it names a key that nobody has
	EffectProbe          Effect = "probe"           // WECHATPAY/SIGNTEST/, which has to fail
	EffectStale          Effect = "stale"           // it was signed six minutes ago
	EffectFuture         Effect = "future"          // it is signed six minutes ahead
)

// Effects on notifications alone. [EffectsOn] tells which may strike which.
const (
	EffectDrop            Effect = "drop"              // a delivery is lost on its way
	EffectDuplicate       Effect = "duplicate"         // a delivery arrives twice, the second after the answer to the first
	EffectDuplicateAtOnce Effect = "duplicate-at-once" // a delivery arrives twice at the same time
	EffectReorder         Effect = "reorder"           // a notification comes after the one that follows it

	EffectEmptyAssociatedData Effect = "empty-associated-data" // associated_data is ""
	EffectNoAssociatedData    Effect = "no-associated-data"    // there is no associated_data
	EffectWrongAPIv3Key       Effect = "wrong-apiv3-key"       // its resource is encrypted with a key that the merchant has not, as after a change of it
	EffectV2Refund            Effect = "v2-refund"             // a refund by APIv3 is told in the XML of APIv2, with req_info
)

// The notifications of APIv2, by names of the simulator's own: they have none.
const (
	EventV2Payment = "V2.PAYMENT" // 支付结果通知
	EventV2Refund  = "V2.REFUND"  // 退款结果通知
)

// Check tells what is wrong with f.
func (f Fault) Check() error {
	if err := f.Effect.check(f.Event, EffectsOn(f.Event)); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	switch {
	case f.Event != "" && (f.Method != "" || f.Path != "" || f.Host != ""):
		return fmt.Errorf("fault: it has an event, so it is of notifications, which have no method, path and host")
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
	return f.checkTarget()
}

// checkTarget refuses a fault that never strikes, because nothing has its method, path or event.
func (f Fault) checkTarget() error {
	var methods, paths, ofPath []string
	for _, op := range operations() {
		methods, paths = append(methods, op.Method), append(paths, op.Path)
		if op.Path == f.Path {
			ofPath = append(ofPath, op.Method)
		}
	}
	switch {
	case f.Path != "" && ofPath == nil:
		return fmt.Errorf("fault: no operation has the path %.200s; near it are %s", f.Path, near(f.Path, paths))
	case f.Path != "" && f.Method != "" && !slices.Contains(ofPath, f.Method):
		return fmt.Errorf("fault: no operation has the method %.10s with the path %s; it has %s", f.Method, f.Path, strings.Join(ofPath, ", "))
	case f.Method != "" && !slices.Contains(methods, f.Method):
		return fmt.Errorf("fault: no operation has the method %.10s; near it are %s", f.Method, near(f.Method, methods))
	}
	if err := CheckEvent(f.Event); f.Event != "" && f.Event != "*" && err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	return nil
}

// CheckEvent refuses an event type that no notification has.
func CheckEvent(event string) error {
	events := []string{EventV2Payment, EventV2Refund}
	for _, n := range catalog.Notifications() {
		events = append(events, n.EventTypes...)
	}
	if slices.Contains(events, event) {
		return nil
	}
	return fmt.Errorf("no notification has the event %.64s; near it are %s", event, near(event, events))
}

// operations are those of both APIs. A catalog that is broken has none, which its tests forbid.
func operations() []*catalog.Operation {
	all := catalog.Operations()
	if v2, err := catalog.LoadV2(); err == nil {
		all = slices.Concat(all, v2.Operations())
	}
	return all
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
