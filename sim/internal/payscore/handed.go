package payscore

import "github.com/openwechatpay/wechatpay/sim/internal/store"

// This file finds whatever it is that front ends hand to the phone.

// ByPackage is the order with this package, nil if there is none.
func (p *Product) ByPackage(tx *store.Tx, pack string) *Order {
	for _, o := range p.orders.All(tx) {
		if o.Package == pack && pack != "" {
			return o
		}
	}
	return nil
}

// ByToken is the wish for a grant with this apply_permissions_token, nil if there is none. Once the user
// granted it, the token is gone.
func (p *Product) ByToken(tx *store.Tx, token string) *Permission {
	for _, g := range p.permissions.All(tx) {
		if g.Token == token && token != "" {
			return g
		}
	}
	return nil
}

// SignPlanByPackage is the signature with this package, nil if there is none.
func (p *Product) SignPlanByPackage(tx *store.Tx, pack string) *SignPlan {
	for _, s := range p.signPlans.All(tx) {
		if s.Package == pack && pack != "" {
			return s
		}
	}
	return nil
}
