// Package phone is the user's phone where a merchant's front end hands it parameters (调起支付): it checks
// them as WeChat does before it opens a page, and tells besides what a developer needs to know.
//
// What a page is about, and what the user does on it, is the products': this package asks them. Which of the
// texts are guesses, docs/simulator.md tells.
package phone

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/payscore"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/internal/trade"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Phone is the phones of all users.
type Phone struct {
	World    *world.World
	Keys     *keys.Ring
	Clock    *clock.Clock
	Store    *store.Store
	Trades   *trade.Product
	PayScore *payscore.Product
}

// Misuse is an error of who plays the user, in place of a mistake of the merchant's front end.
type Misuse struct{ error }

// Unwrap lets a call that names what is not there be told from one that is wrong.
func (m Misuse) Unwrap() error { return m.error }

func misuse(format string, args ...any) error { return Misuse{fmt.Errorf(format, args...)} }

// opening is one page that may open.
type opening struct {
	*Phone
	tx    *store.Tx
	in    control.Handed
	sent  xmlv2.Members              // the parameters, in their order
	raw   map[string]json.RawMessage // the same, as they stand in an object
	kinds map[string]string          // the JSON types of those that are no strings
	url   string                     // of front ends that hand over an address

	business string // businessType of a call of Pay Score, "" if only what is in it was handed over

	out  control.Opened
	acts map[control.Act]func() error // what the user can do on the page

	explain func() // why the signature does not match, which takes a while
}

// Open checks what was handed over. What is wrong with that is told and no error.
func (p *Phone) Open(in control.Handed) (control.Opened, error) {
	o := &opening{Phone: p, in: in, out: control.Opened{As: in.As}, acts: map[control.Act]func() error{}}
	look, ok := looks[in.As]
	if !ok {
		return o.out, misuse("there is no front end %q, but %s", in.As, list(control.FrontEnds()))
	}
	if in.Then != "" && !slices.Contains(look.acts, in.Then) {
		return o.out, misuse("the user does not %q on the page of %s, but %s", in.Then, in.As, list(look.acts))
	}
	if err := o.read(look.takes); err != nil {
		return o.out, err
	}
	err := p.Store.Update(func(tx *store.Tx) error {
		o.tx = tx
		o.checkBusiness()
		if err := look.check(o); err != nil {
			return err
		}
		o.out.Opens = !slices.ContainsFunc(o.out.Checks, failed)
		return o.act()
	})
	if err == nil && o.explain != nil {
		o.explain() // outside of the transaction, which keeps all others waiting
	}
	return o.out, err
}

// act lets the user go on, if the page opened and he is to.
func (o *opening) act() error {
	if !o.out.Opens || o.in.Then == "" {
		return nil
	}
	act := o.acts[o.in.Then]
	if act == nil {
		return fmt.Errorf("the parameters are good, but the simulator keeps nothing that they are about: there is nothing to %s", o.in.Then)
	}
	o.out.Callback = callbacks[o.in.As].after(o.in.Then)
	return act()
}

func failed(c control.PhoneCheck) bool { return !c.Passed }

// look is how the phone looks at what a front end hands over.
type look struct {
	takes takes
	check func(*opening) error
	acts  []control.Act
}

var looks = map[control.FrontEnd]look{
	control.JSAPI:          {object, (*opening).jsapi, []control.Act{control.ActPay, control.ActLeave}},
	control.MiniProgram:    {object, (*opening).miniProgram, []control.Act{control.ActPay, control.ActLeave}},
	control.App:            {object, (*opening).app, []control.Act{control.ActPay, control.ActLeave}},
	control.H5:             {address, (*opening).h5, []control.Act{control.ActPay, control.ActLeave}},
	control.Native:         {address, (*opening).native, []control.Act{control.ActPay, control.ActLeave}},
	control.PayScoreUse:    {objectOrQuery, (*opening).use, []control.Act{control.ActConfirm, control.ActLeave}},
	control.PayScoreDetail: {objectOrQuery, (*opening).detail, []control.Act{control.ActPay, control.ActLeave}},
	control.PayScoreEnable: {objectOrQuery, (*opening).enable, []control.Act{control.ActOpenService, control.ActLeave}},
	control.PayScorePlan:   {objectOrQuery, (*opening).plan, []control.Act{control.ActSignPlan, control.ActLeave}},
	control.RedPacket:      {object, (*opening).redPacket, nil},
	control.Coupon:         {object, (*opening).coupon, nil},
	control.CouponH5:       {address, (*opening).couponH5, nil},
}

// pass tells that a check found nothing.
func (o *opening) pass(name string) { o.note(name, "", "") }

// note tells about a check that passed what it is worth.
func (o *opening) note(name, finding, mend string) {
	o.out.Checks = append(o.out.Checks, control.PhoneCheck{Name: name, Passed: true, Finding: finding, Mend: mend})
}

// fail tells what is wrong. The first check that fails decides what the user sees; the others are for the
// developer, who need not mend one thing after the other.
func (o *opening) fail(name string, s shown, finding, mend string) {
	if !slices.ContainsFunc(o.out.Checks, failed) {
		o.out.Shows, o.out.Number, o.out.Callback = s.text, s.number, s.callback
		if o.out.Callback == "" {
			o.out.Callback = callbacks[o.in.As].failed(s.text)
		}
	}
	o.out.Checks = append(o.out.Checks, control.PhoneCheck{Name: name, Finding: finding, Mend: mend, Basis: s.basis})
}

// user is whose phone it is.
func (o *opening) user() string {
	if o.in.OpenID == "" && len(o.World.Users) > 0 {
		return o.World.Users[0].OpenID
	}
	return o.in.OpenID
}

// list is names in a sentence.
func list[T ~string](names []T) string {
	if len(names) == 0 {
		return "nothing"
	}
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
