package world

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

// This file is which effects may strike what.

var (
	ofCalls      = []Effect{EffectStatus, EffectReset, EffectHTML, EffectTruncate, EffectShorten, EffectFlipBit, EffectDelay}
	ofSignatures = []Effect{EffectWrongSignature, EffectUnsigned, EffectUnknownSerial, EffectProbe, EffectStale, EffectFuture}
	ofDeliveries = []Effect{EffectDelay, EffectDrop, EffectDuplicate, EffectDuplicateAtOnce, EffectReorder}
	ofResources  = []Effect{EffectEmptyAssociatedData, EffectNoAssociatedData, EffectWrongAPIv3Key}

	// beforehand are effects on a delivery that is still to come, which none on demand is.
	beforehand = []Effect{EffectDelay, EffectDrop, EffectReorder}
)

// EffectsOn returns the effects that may strike notifications of an event type, such as REFUND.SUCCESS or
// [EventV2Payment]; with "*" those that a fault of all may have, and with "" those on calls. A fault of all
// passes over what its effect cannot strike: APIv2 has neither serial numbers nor times.
func EffectsOn(event string) []Effect {
	switch event {
	case "":
		return slices.Concat(ofCalls, ofSignatures)
	case EventV2Payment:
		return slices.Concat(ofDeliveries, []Effect{EffectWrongSignature, EffectUnsigned})
	case EventV2Refund: // which nobody signs
		return slices.Clone(ofDeliveries)
	}
	all := slices.Concat(ofDeliveries, ofSignatures, ofResources)
	if slices.Contains(refunds(), event) {
		return append(all, EffectV2Refund)
	}
	return all
}

// EffectsOnDemand returns the effects that a delivery on demand of such a notification may have.
func EffectsOnDemand(event string) []Effect {
	return slices.DeleteFunc(EffectsOn(event), func(e Effect) bool { return slices.Contains(beforehand, e) })
}

// CheckOnDemand tells why a notification of an event type cannot be delivered on demand with the effect e. "",
// which is none, always can be.
func (e Effect) CheckOnDemand(event string) error {
	if e == "" {
		return nil
	}
	if slices.Contains(beforehand, e) {
		return fmt.Errorf("%s happens to what is still to come: add a fault with it; on demand there are %s", e, listed(EffectsOnDemand(event)))
	}
	return e.check(event, EffectsOnDemand(event))
}

// check tells why e is none of the effects that are possible.
func (e Effect) check(event string, possible []Effect) error {
	switch {
	case slices.Contains(possible, e):
		return nil
	case e == EffectV2Refund && event != "":
		return fmt.Errorf("%s is of refunds by APIv3, so the event has to be one of %s; %s has this form anyway", e, strings.Join(refunds(), ", "), EventV2Refund)
	case event == "":
		return fmt.Errorf("calls have no effect %.64q, but %s", e, listed(possible))
	}
	return fmt.Errorf("notifications %.64s have no effect %.64q, but %s", event, e, listed(possible))
}

// refunds are the events of refunds by APIv3.
func refunds() (events []string) {
	for _, n := range catalog.Notifications() {
		if slices.Contains(n.OriginalTypes, "refund") {
			events = append(events, n.EventTypes[0])
		}
	}
	return events
}

func listed(effects []Effect) string {
	names := make([]string, len(effects))
	for i, e := range effects {
		names[i] = string(e)
	}
	return strings.Join(names, ", ")
}
