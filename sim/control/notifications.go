package control

import (
	"context"
	"net/http"
	"net/url"

	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Notification is a notification with its deliveries.
type Notification = notify.Notification

// Attempt is one delivery of a notification.
type Attempt = notify.Attempt

// Notifications returns all notifications, the oldest first.
func (c *Client) Notifications(ctx context.Context) ([]Notification, error) {
	return call[[]Notification](ctx, c, http.MethodGet, "/notifications", nil)
}

// Draft is a notification that is to be sent.
type Draft = notify.Draft

// Notify sends a notification of any event type of APIv3, for what the simulator has no rules of. It is
// delivered as others are.
func (c *Client) Notify(ctx context.Context, d Draft) (Notification, error) {
	return call[Notification](ctx, c, http.MethodPost, "/notifications", d)
}

// Resend delivers a notification again, now, as the next of its own deliveries: it is among its Attempts, faults
// may strike it, and what is left of the deliveries follows until the merchant takes one.
func (c *Client) Resend(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/notifications/"+url.PathEscape(id)+"/resend", struct{}{})
	return err
}

// Delivery is a delivery on demand. The merchant took it if there is no Error, and Status is 200 or 204.
type Delivery = notify.Delivery

// Wish is how [Client.Send] delivers.
type Wish struct {
	Effect world.Effect `json:"effect"` // "" for none
}

// Send delivers a notification now, once, and returns what the merchant answered; two deliveries if the effect
// doubles it. [world.EffectsOnDemand] are the effects that there are, "" is none. The notification's own deliveries
// go on as they would have. Called for one notification after the other, it delivers them in that order.
func (c *Client) Send(ctx context.Context, id string, effect world.Effect) ([]Delivery, error) {
	return call[[]Delivery](ctx, c, http.MethodPost, "/notifications/"+url.PathEscape(id)+"/send", Wish{effect})
}
