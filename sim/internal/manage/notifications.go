package manage

import (
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

func (a *API) handleNotifications(mux *http.ServeMux) {
	mux.Handle("GET /notifications", answer(a.notifications))
	mux.Handle("POST /notifications", answer(a.notify))
	mux.Handle("POST /notifications/{id}/resend", answer(a.resend))
	mux.Handle("POST /notifications/{id}/send", answer(a.send))
}

func (a *API) notifications(*http.Request) (any, error) {
	return append([]*control.Notification{}, a.Notify.All()...), nil
}

func (a *API) resend(r *http.Request) (any, error) {
	if _, err := read[struct{}](r); err != nil {
		return nil, err
	}
	err := a.Store.Update(func(tx *store.Tx) error { return a.Notify.Resend(tx, r.PathValue("id")) })
	if err != nil {
		return nil, notDone(err)
	}
	return struct{}{}, nil
}

// notify sends a notification that the request makes up.
func (a *API) notify(r *http.Request) (any, error) {
	draft, err := read[control.Draft](r)
	if err != nil {
		return nil, err
	}
	merchant, kind, err := draft.Check(a.World)
	if err != nil {
		return nil, wrong(err)
	}
	if draft.Resource == nil {
		if draft.Resource, err = a.sample(kind, merchant); err != nil {
			return nil, err
		}
	}
	var sent *control.Notification
	return &sent, a.Store.Update(func(tx *store.Tx) (err error) {
		sent, err = a.Notify.SendDraft(tx, draft, kind)
		return err
	})
}

// send delivers a notification on demand.
func (a *API) send(r *http.Request) (any, error) {
	wish, err := read[control.Wish](r)
	if err != nil {
		return nil, err
	}
	deliveries, err := a.Notify.SendNow(r.PathValue("id"), wish.Effect)
	if err != nil {
		return nil, wrong(err)
	}
	return deliveries, nil
}
