package manage

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

func (a *API) handleFaults(mux *http.ServeMux) {
	mux.Handle("GET /faults", answer(func(*http.Request) (any, error) { return a.Faults.All(), nil }))
	mux.Handle("POST /faults", answer(a.addFault))
	mux.Handle("DELETE /faults", answer(func(*http.Request) (any, error) { a.Faults.Clear(); return struct{}{}, nil }))
	mux.Handle("DELETE /faults/{id}", answer(a.removeFault))
}

func (a *API) addFault(r *http.Request) (any, error) {
	f, err := read[world.Fault](r)
	if err != nil {
		return nil, err
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	return control.FaultID{ID: a.Faults.Add(f)}, nil
}

func (a *API) removeFault(r *http.Request) (any, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !a.Faults.Remove(id) {
		return nil, failure{http.StatusNotFound, fmt.Errorf("there is no fault %q: it may have struck for the last time", r.PathValue("id"))}
	}
	return struct{}{}, nil
}
