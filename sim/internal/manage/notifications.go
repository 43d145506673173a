package manage

import (
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

func (a *API) handleNotifications(mux *http.ServeMux) {
	mux.Handle("GET /notifications", answer(a.notifications))
	mux.Handle("POST /notifications/{id}/resend", answer(a.resend))
	mux.Handle("POST /notifications/{id}/probe", answer(a.probe))
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

func (a *API) probe(r *http.Request) (any, error) {
	if _, err := read[struct{}](r); err != nil {
		return nil, err
	}
	attempt, err := a.Notify.Probe(r.PathValue("id"))
	if err != nil {
		return nil, notDone(err)
	}
	return attempt, nil
}
