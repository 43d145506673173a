package payscore

import (
	"slices"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// access is a way to call Pay Score (接入角色): who calls for whom, and what success looks like.
type access struct {
	*Product
	name    string
	prefix  string // of the paths of its orders
	partner bool   // it calls for a sub-merchant, and success often has no body
}

// The ways to call. Orders of one are not there for another.
func (p *Product) accesses() (merchant, partner, bank, oversea access) {
	return access{p, "merchant", "/v3/payscore", false},
		access{p, "partner", "/v3/payscore/partner", true},
		access{p, "acquiringbank", "/v3/payscore/acquiringbank", true},
		access{p, "oversea", "/v3/payscore/oversea/partner", true}
}

// parties are the members by which a call says whose order it is about. Which of them there are
// depends on the access.
type parties struct {
	AppID     string `json:"appid"`
	SubAppID  string `json:"sub_appid"`
	SubMchID  string `json:"sub_mchid"`
	ChannelID string `json:"channel_id"`
	ServiceID string `json:"service_id"`
}

// queried are the parties of a call that names them in its query.
func queried(c *front.Call) parties {
	return parties{c.Query("appid"), c.Query("sub_appid"), c.Query("sub_mchid"), c.Query("channel_id"), c.Query("service_id")}
}

// permit checks whether the merchant may act for the parties.
func (a access) permit(m *world.Merchant, p parties) error {
	if p.AppID != "" && !slices.Contains(m.AppIDs, p.AppID) {
		r := noAuth("mchid与appid之间Mma绑定关系不存在").Guessed(front.Inferred)
		r.Sub = 271302149 // mch_id 和 appid 未绑定
		return r
	}
	if !a.partner {
		return nil
	}
	sub := a.world.Merchant(p.SubMchID)
	switch {
	case sub == nil || !slices.Contains(sub.Parents, m.MchID):
		return noAuth("mchid与sub_mchid之间Mma绑定关系不存在")
	case !slices.Contains(sub.Grants, product):
		return noAuth("请检查sub_mchid是否授权mchid微信支付分产品权限")
	case p.SubAppID != "" && !slices.Contains(sub.AppIDs, p.SubAppID):
		return noAuth("sub_mchid与sub_appid之间Mma绑定关系不存在").Guessed(front.Inferred) // of the text only the end is known
	}
	return nil
}

// product is the grant of a sub-merchant that lets its service provider use Pay Score.
const product = "payscore"

// service is the service that the parties may use in this mode.
func (a access) service(m *world.Merchant, p parties, confirm bool) (*world.Service, error) {
	s, err := a.boundService(m, p)
	if err != nil {
		return nil, err
	}
	if s.Confirm != confirm {
		return nil, notYours("need_user_confirm is not as it was agreed for this service_id")
	}
	return s, nil
}

// boundService is the service that the parties are bound to.
func (a access) boundService(m *world.Merchant, p parties) (*world.Service, error) {
	if err := a.permit(m, p); err != nil {
		return nil, err
	}
	s := a.world.Service(p.ServiceID)
	binding := world.Binding{MchID: m.MchID, AppID: p.AppID, SubMchID: p.SubMchID, SubAppID: p.SubAppID, ChannelID: p.ChannelID}
	if s == nil || !a.bound(s, binding) {
		return nil, notYours("want a service_id that these merchants and appids are bound to")
	}
	return s, nil
}

// order is the order with the merchant's number, for whom it belongs to. One of another service
// than the call names is not there, which is a guess.
func (a access) order(tx *store.Tx, c *front.Call, outOrderNo string, p parties) (*Order, error) {
	if err := a.permit(c.Merchant, p); err != nil {
		return nil, err
	}
	return a.owned(a.orders.Get(tx, key(c.Merchant.MchID, p.SubMchID, outOrderNo)), c, p)
}

func (a access) owned(o *Order, c *front.Call, p parties) (*Order, error) {
	switch {
	case o == nil, o.Access != a.name, o.MchID != c.Merchant.MchID, o.SubMchID != p.SubMchID:
		return nil, orderNotExist()
	case p.ServiceID != "" && p.ServiceID != o.ServiceID:
		return nil, orderNotExist().Guessed(front.Inferred).With("the order belongs to another service_id")
	case p.ChannelID != "" && p.ChannelID != o.ChannelID:
		return nil, orderNotExist().Guessed(front.Inferred).With("the order belongs to another channel_id")
	case p.AppID != "" && p.AppID != o.AppID:
		return nil, invalid("appid与创建订单时的appid不一致").Guessed(front.Unknown)
	}
	return o, nil
}
