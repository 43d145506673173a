package manage

import (
	"errors"
	"net/http"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/phone"
)

// openPhone hands the phone what a front end hands over. That it is wrong is what one asks to be told: the call
// fails where it is wrong itself, or where the user cannot do what he is to do on a page that opened.
func (a *API) openPhone(r *http.Request) (any, error) {
	handed, err := read[control.Handed](r)
	if err != nil {
		return nil, err
	}
	p := &phone.Phone{World: a.World, Keys: a.Keys, Clock: a.Clock, Store: a.Store, Trades: a.Trades, PayScore: a.PayScore}
	opened, err := p.Open(handed)
	if m, ok := errors.AsType[phone.Misuse](err); ok {
		return nil, wrong(m.Unwrap())
	}
	if err != nil {
		return nil, notDone(err)
	}
	return opened, nil
}
