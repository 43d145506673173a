// Package payscore is Pay Score (微信支付分) behind the simulator's front: its orders, their
// states and rules, and what users do with them.
//
// Each call is a file. Where the rules come from, and where they are guesses, docs/simulator.md
// tells.
package payscore

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Product is Pay Score with its orders.
type Product struct {
	world        *world.World
	notify       *notify.Service
	orders       *store.Table[Order]
	permissions  *store.Table[Permission]
	people       *store.Table[Person]
	applications *store.Table[Application]
	plans        *store.Table[Plan]
	signPlans    *store.Table[SignPlan]

	// Indexes, kept as the tables change.
	byQueryID    map[string]string   // to the key of the order
	byOutOrderNo map[string][]string // to the keys of the orders
	open         map[string][]string // openid to the keys of the user's orders in progress
	grants       map[string][]string // grantKey to the keys of permissions that are available
	bindings     map[boundTo]bool    // those of applications that were approved
	planIDs      map[string]string   // to the key of the plan
	signPlanIDs  map[string]string   // to the key of the signature
}

// Register adds Pay Score to a gateway.
func Register(f *front.Front, w *world.World, n *notify.Service) *Product {
	p := &Product{
		world: w, notify: n,
		byQueryID: map[string]string{}, byOutOrderNo: map[string][]string{}, open: map[string][]string{}, grants: map[string][]string{},
		bindings: map[boundTo]bool{}, planIDs: map[string]string{}, signPlanIDs: map[string]string{},
	}
	p.orders = store.NewTable(f.Store, "payscore.order", store.Hooks[Order]{Due: (*Order).due, Fire: p.elapse, Changed: p.index})
	p.permissions = store.NewTable(f.Store, "payscore.permission", store.Hooks[Permission]{Changed: p.indexPermission})
	p.people = store.NewTable(f.Store, "payscore.person", store.Hooks[Person]{})
	p.applications = store.NewTable(f.Store, "payscore.application", store.Hooks[Application]{Changed: p.indexApplication})
	p.plans = store.NewTable(f.Store, "payscore.plan", store.Hooks[Plan]{Changed: p.indexPlan})
	p.signPlans = store.NewTable(f.Store, "payscore.sign_plan", store.Hooks[SignPlan]{Due: (*SignPlan).due, Fire: p.expirePlan, Changed: p.indexSignPlan})

	merchant, partner, bank, oversea := p.accesses()
	for _, a := range []access{merchant, partner, bank, oversea} {
		a.registerOrders(f)
	}
	for _, a := range []access{merchant, partner, bank} {
		a.registerPermissions(f)
	}
	for _, a := range []access{merchant, partner} {
		a.registerPlans(f)
	}
	p.registerLegacy(f)
	return p
}

// registerOrders registers what this access may do with orders.
func (a access) registerOrders(f *front.Front) {
	orders := a.prefix + "/serviceorder"
	order := orders + "/{out_order_no}"
	f.Handle("POST "+orders, a.create)
	f.Handle("GET "+orders, a.query)
	f.Handle("POST "+order+"/cancel", a.cancel)
	f.Handle("POST "+order+"/complete", a.complete)
	f.Handle("POST "+order+"/sync", a.sync)
	switch a.name {
	case "merchant", "partner":
		f.Handle("POST "+order+"/modify", a.modify)
		f.Handle("POST "+order+"/pay", a.pay)
		f.Handle("POST "+order+"/send-pendingmessage", a.sendMessage("pending"))
		f.Handle("POST "+order+"/send-prepaidmessage", a.sendMessage("prepaid"))
		f.Handle("POST "+orders+"/direct-complete", a.directComplete)
		f.Handle("POST "+a.prefix+"/servicepayondeliveryorder", a.create)
	case "acquiringbank":
		f.Handle("POST "+order+"/modify", a.modify)
		f.Handle("POST "+order+"/registerdeductinfo", a.registerDeduction)
		f.Handle("GET "+orders+"/deduction", a.queryDeduction)
		f.Handle("POST "+a.prefix+"/servicepayondeliveryorder", a.create)
	}
}

// registerPermissions registers what this access may do with users' grants.
func (a access) registerPermissions(f *front.Front) {
	permissions := a.prefix + "/permissions"
	code := permissions + "/authorization-code/{authorization_code}"
	f.Handle("POST "+permissions, a.authorize)
	f.Handle("GET "+code, a.queryByCode)
	f.Handle("POST "+code+"/terminate", a.terminateByCode)
	switch a.name {
	case "merchant":
		f.Handle("POST "+permissions+"/assess-user-risk-level", a.assess)
		f.Handle("GET "+permissions+"/openid/{openid}", a.queryByUser)
		f.Handle("POST "+permissions+"/openid/{openid}/terminate", a.terminateByUser)
		f.Handle("POST "+a.prefix+"/users/{openid}/permissions/{service_id}/terminate", a.terminateByUser)
	case "partner":
		f.Handle("POST "+permissions+"/assess-user-risk-level", a.assess)
		f.Handle("GET "+a.prefix+"/servicequotas/service-id/{service_id}", a.quotas)
		f.Handle("POST "+a.prefix+"/service-account-applications", a.apply)
		f.Handle("GET "+a.prefix+"/service-account-applications/{out_apply_no}", a.queryApplication)
		f.Handle("POST "+permissions+"/apply-for-scene", a.authorizeScene)
		f.Handle("GET "+permissions+"/search", a.queryByUser)
		f.Handle("POST "+permissions+"/terminate", a.terminateByUser)
	}
}

// inform queues the notification of an event of the order, if there is where to send it: orders of
// the first version have no address.
func (p *Product) inform(tx *store.Tx, o *Order, eventType, summary string, resource any) error {
	if o.NotifyURL == "" {
		return nil
	}
	text, err := json.Marshal(resource)
	if err != nil {
		return err
	}
	return p.notify.Send(tx, notify.Notification{
		MchID: o.MchID, Order: o.OutOrderNo, URL: o.NotifyURL, EventType: eventType, Summary: summary,
		OriginalType: "payscore", AssociatedData: "payscore", Resource: text,
	})
}

// newOrderID is 31 digits that begin as the gateway's do.
func newOrderID(now time.Time) string { return "1000000000" + now.Format(toTheDay) + digits(13) }

// digits is n random digits.
func digits(n int) string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	x, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return fmt.Sprintf("%0*d", n, x)
}
