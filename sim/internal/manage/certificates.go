package manage

import (
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

func (a *API) handleCertificates(mux *http.ServeMux) {
	mux.Handle("GET /certificates", answer(a.certificates))
	mux.Handle("POST /certificates", answer(a.addCertificate))
	mux.Handle("POST /certificates/{serial_no}/sign", answer(a.signWith))
	mux.Handle("DELETE /certificates/{serial_no}", answer(a.removeCertificate))
}

func (a *API) certificates(*http.Request) (any, error) {
	all, signing := a.Keys.Certificates()
	list := []control.PlatformCertificate{}
	for _, c := range all {
		list = append(list, control.PlatformCertificate{SerialNo: c.SerialNo, Signs: c.SerialNo == signing})
	}
	return list, nil
}

// certificatesFor are the certificates that a merchant can download, the one that signs first.
func (a *API) certificatesFor(m world.Merchant) []string {
	list := []string{}
	if m.KeyMode == world.PublicKeyMode {
		return list
	}
	all, signing := a.Keys.Certificates()
	for _, c := range all {
		if c.SerialNo == signing {
			list = append([]string{c.Certificate}, list...)
			continue
		}
		list = append(list, c.Certificate)
	}
	return list
}

func (a *API) addCertificate(r *http.Request) (any, error) {
	if _, err := read[struct{}](r); err != nil {
		return nil, err
	}
	certificate, err := world.NewPlatformCertificate(a.Clock.Wire()) // outside of the transaction: it takes a while
	if err != nil {
		return nil, err
	}
	var made control.PlatformCertificate
	return &made, a.Store.Update(func(tx *store.Tx) (err error) {
		made.SerialNo, err = a.Keys.AddCertificate(tx, certificate)
		return err
	})
}

func (a *API) signWith(r *http.Request) (any, error) {
	if _, err := read[struct{}](r); err != nil {
		return nil, err
	}
	return a.changeCertificate(r, a.Keys.SignWith)
}

func (a *API) removeCertificate(r *http.Request) (any, error) {
	return a.changeCertificate(r, a.Keys.RemoveCertificate)
}

func (a *API) changeCertificate(r *http.Request, change func(tx *store.Tx, serialNo string) error) (any, error) {
	if err := a.Store.Update(func(tx *store.Tx) error { return change(tx, r.PathValue("serial_no")) }); err != nil {
		return nil, notDone(err)
	}
	return struct{}{}, nil
}
