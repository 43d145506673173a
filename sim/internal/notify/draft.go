package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is notifications that nothing in the simulator leads to: it has no rules of what they tell.

// Draft is a notification that is to be sent.
type Draft struct {
	EventType string          `json:"event_type"`
	MchID     string          `json:"mchid,omitempty"` // to whom, the first merchant if it is left out
	URL       string          `json:"url"`
	Resource  json.RawMessage `json:"resource,omitempty"` // in plain text; without one it is of the documented shape
}

// Check completes d, and returns to whom and of which kind it is.
func (d *Draft) Check(w *world.World) (*world.Merchant, *catalog.Notification, error) {
	if err := world.CheckEvent(d.EventType); err != nil {
		return nil, nil, err
	}
	kind := catalog.FindNotification(d.EventType)
	if kind == nil {
		return nil, nil, fmt.Errorf("%s is of APIv2: pay or refund an order there, and it is sent", d.EventType)
	}
	if d.MchID == "" {
		d.MchID = w.Merchants[0].MchID
	}
	m := w.Merchant(d.MchID)
	if m == nil {
		return nil, nil, store.Missingf("there is no merchant %q", d.MchID)
	}
	if u, err := url.Parse(d.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, nil, errors.New("the url has to be one of http or https, such as http://127.0.0.1:9000/notifications")
	}
	return m, kind, nil
}

// SendDraft queues the notification that d is, as [Service.Send] does. Its resource has to be there.
func (s *Service) SendDraft(tx *store.Tx, d Draft, kind *catalog.Notification) (*Notification, error) {
	var resource map[string]any
	if err := json.Unmarshal(d.Resource, &resource); err != nil || resource == nil {
		return nil, errors.New("the resource has to be an object")
	}
	original := strings.ToLower(strings.Split(d.EventType, ".")[0]) // where it is not documented
	if len(kind.OriginalTypes) > 0 {
		original = kind.OriginalTypes[0]
	}
	return s.queue(tx, Notification{
		MchID: d.MchID, Order: orderOf(resource), URL: d.URL, EventType: d.EventType, Summary: strings.TrimSuffix(kind.Title, "通知"),
		OriginalType: original, AssociatedData: original, Resource: d.Resource, Ladder: Day,
	})
}

// orderOf is the merchant's number of what a resource is about. A refund has that of its order as well.
func orderOf(resource map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(resource)) { // out_refund_no stands before out_trade_no
		if number, ok := resource[name].(string); ok && strings.HasPrefix(name, "out_") {
			return number
		}
	}
	return ""
}
