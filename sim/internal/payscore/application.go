package payscore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is how a platform (收付通) binds its sub-merchants to a service: it applies, somebody
// at WeChat Pay decides, and from then on the service may be used for them.

// The states of an application.
const (
	processing = "PROCESSING"
	approved   = "APPROVED"
	rejected   = "REJECTED"
)

// Application is the wish to bind a sub-merchant to a service. One that was approved is a binding
// like those of the world.
type Application struct {
	applied
	Content json.RawMessage `json:"content"` // what was asked
}

// applied is an application as answers show it.
type applied struct {
	ServiceID    string `json:"service_id"`
	MchID        string `json:"mchid"`
	AppID        string `json:"appid"`
	SubMchID     string `json:"sub_mchid"`
	SubAppID     string `json:"sub_appid,omitempty"`
	OutApplyNo   string `json:"out_apply_no"`
	NotifyURL    string `json:"result_notify_url,omitempty"`
	State        string `json:"apply_state"`
	RejectReason string `json:"reject_reason,omitempty"`
}

// key is the application's place in the table.
func (a *Application) key() string { return a.MchID + "/" + a.OutApplyNo }

// boundTo is a binding of a service, as an index has it.
type boundTo struct {
	serviceID string
	world.Binding
}

func (p *Product) indexApplication(_ string, old, new *Application) {
	if old != nil && old.State == approved {
		delete(p.bindings, old.binding())
	}
	if new != nil && new.State == approved {
		p.bindings[new.binding()] = true
	}
}

func (a *Application) binding() boundTo {
	return boundTo{a.ServiceID, world.Binding{MchID: a.MchID, AppID: a.AppID, SubMchID: a.SubMchID, SubAppID: a.SubAppID}}
}

// bound tells whether a service may be used by b: the world says so, or an application for it was
// approved.
func (p *Product) bound(s *world.Service, b world.Binding) bool {
	return slices.Contains(s.Bindings, b) || p.bindings[boundTo{s.ServiceID, b}]
}

// apply asks for a binding. The same content again gets the application as it is by now.
func (a access) apply(tx *store.Tx, c *front.Call) (any, error) {
	var r applied
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	if err := a.permit(c.Merchant, parties{AppID: r.AppID, SubAppID: r.SubAppID, SubMchID: r.SubMchID}); err != nil {
		return nil, err
	}
	if !a.bindsTo(c.Merchant, r.ServiceID) {
		return nil, noAuth("商户暂无权限，绑定失败").Guessed(front.Unknown).With("want a service_id that the service provider is bound to")
	}
	r.MchID, r.State = c.Merchant.MchID, processing
	application := &Application{r, c.Canonical()}
	if before := a.applications.Get(tx, application.key()); before != nil {
		if !bytes.Equal(before.Content, application.Content) {
			return nil, badRequest("INVALID_REQUEST", "申请单号已被使用，且参数不一致", 0).Guessed(front.Invented)
		}
		return before.applied, nil
	}
	a.applications.Put(tx, application.key(), application)
	return application.applied, nil
}

// bindsTo tells whether the service is one of the service provider's.
func (p *Product) bindsTo(m *world.Merchant, serviceID string) bool {
	service := p.world.Service(serviceID)
	return service != nil && slices.ContainsFunc(service.Bindings, func(b world.Binding) bool { return b.MchID == m.MchID })
}

// queryApplication shows an application to who made it.
func (a access) queryApplication(tx *store.Tx, c *front.Call) (any, error) {
	wanted := &Application{applied: applied{MchID: c.Merchant.MchID, OutApplyNo: c.Path("out_apply_no")}}
	application := a.applications.Get(tx, wanted.key())
	if application == nil {
		return nil, orderNotExist().Guessed(front.Unknown).With("there is no such application")
	}
	return application.applied, nil
}

// Approve is WeChat Pay deciding for an application.
func (p *Product) Approve(tx *store.Tx, mchID, outApplyNo string) error {
	return p.decide(tx, mchID, outApplyNo, func(a *Application) { a.State = approved })
}

// Reject is WeChat Pay deciding against an application.
func (p *Product) Reject(tx *store.Tx, mchID, outApplyNo, reason string) error {
	return p.decide(tx, mchID, outApplyNo, func(a *Application) { a.State, a.RejectReason = rejected, reason })
}

func (p *Product) decide(tx *store.Tx, mchID, outApplyNo string, decision func(*Application)) error {
	undecided, err := p.findApplication(tx, mchID, outApplyNo)
	if err != nil {
		return err
	}
	if undecided.State != processing {
		return fmt.Errorf("the application %q was decided: it is %s", outApplyNo, undecided.State)
	}
	after := *undecided
	decision(&after)
	p.applications.Put(tx, after.key(), &after)
	if after.NotifyURL == "" {
		return nil
	}
	told := after.applied
	told.NotifyURL = "" // who was told there knows it
	resource, err := json.Marshal(told)
	if err != nil {
		return err
	}
	return p.notify.Send(tx, notify.Notification{
		MchID: after.MchID, URL: after.NotifyURL, EventType: "PAYSCORE.BIND_SERVICE_ACCOUNT", Summary: "服务账户绑定结果",
		OriginalType: "payscore", AssociatedData: "payscore", Resource: resource,
	})
}

// findApplication is the one application with this number, of any merchant if none is named.
func (p *Product) findApplication(tx *store.Tx, mchID, outApplyNo string) (*Application, error) {
	var found []*Application
	for _, a := range p.applications.All(tx) {
		if a.OutApplyNo == outApplyNo && (mchID == "" || a.MchID == mchID) {
			found = append(found, a)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, store.Missingf("there is no application %q", outApplyNo)
	default:
		return nil, fmt.Errorf("%d merchants have an application %q: say whose by mchid", len(found), outApplyNo)
	}
}
