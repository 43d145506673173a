package payscore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// The states of a grant.
const (
	unbound     = "UNBINDUSER" // asked for, and nobody granted it yet
	available   = "AVAILABLE"
	unavailable = "UNAVAILABLE" // ended
)

// tokenLife is how long the front end may open the page for granting.
const tokenLife = time.Hour

// Permission is a user's grant of a service (授权), or a merchant's wish for it (预授权).
type Permission struct {
	parties
	Access    string    `json:"access"`
	MchID     string    `json:"mchid"`
	Code      string    `json:"authorization_code,omitempty"` // 授权协议号; empty if the user granted by himself
	NotifyURL string    `json:"notify_url,omitempty"`
	State     string    `json:"state"`
	OpenID    string    `json:"openid,omitempty"`
	Token     string    `json:"token,omitempty"` // opens the page for granting, once
	TokenAt   time.Time `json:"token_at,omitzero"`
	GrantedAt time.Time `json:"granted_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`

	Content json.RawMessage `json:"content,omitempty"` // what was asked
}

// key is the grant's place in the table: by its code, else by its user.
func (p *Permission) key() string {
	if p.Code != "" {
		return p.MchID + "/code/" + p.Code
	}
	return p.MchID + "/" + p.SubMchID + "/" + p.ServiceID + "/" + p.OpenID
}

// grantKey is under what an order finds the grant that it needs.
func grantKey(mchID, subMchID, serviceID, openID string) string {
	return mchID + "/" + subMchID + "/" + serviceID + "/" + openID
}

func (p *Permission) grantKey() string { return grantKey(p.MchID, p.SubMchID, p.ServiceID, p.OpenID) }

func (p *Product) indexPermission(k string, old, new *Permission) {
	if old != nil && old.State == available {
		without(p.grants, old.grantKey(), k)
	}
	if new != nil && new.State == available {
		p.grants[new.grantKey()] = append(p.grants[new.grantKey()], k)
	}
}

func (p *Product) granted(o *Order) bool {
	return len(p.grants[grantKey(o.MchID, o.SubMchID, o.ServiceID, o.OpenID)]) > 0
}

// permissionRequest is the body of asking for a grant.
type permissionRequest struct {
	parties
	AuthorizationCode string `json:"authorization_code"`
	NotifyURL         string `json:"notify_url"`
	Scene             string `json:"scene"`
}

// authorize asks for a grant (预授权): the token opens the page on which the user gives it.
func (a access) authorize(tx *store.Tx, c *front.Call) (any, error) {
	token, err := a.token(tx, c)
	if err != nil {
		return nil, err
	}
	return struct {
		Token string `json:"apply_permissions_token"`
	}{token}, nil
}

// authorizeScene asks for a grant inside of a payment.
func (a access) authorizeScene(tx *store.Tx, c *front.Call) (any, error) {
	token, err := a.token(tx, c)
	if err != nil {
		return nil, err
	}
	return struct {
		Scene string `json:"scene"`
		Token string `json:"transaction_permissions_token"`
	}{"TRANSACTION", token}, nil
}

func (a access) token(tx *store.Tx, c *front.Call) (string, error) {
	var r permissionRequest
	if err := c.Decode(&r); err != nil {
		return "", err
	}
	if _, err := a.service(c.Merchant, r.parties, false); err != nil {
		return "", err
	}
	p := &Permission{
		parties: r.parties, Access: a.name, MchID: c.Merchant.MchID, Code: r.AuthorizationCode, NotifyURL: r.NotifyURL,
		State: unbound, Content: c.Canonical(),
	}
	if before := a.permissions.Get(tx, p.key()); before != nil {
		if !bytes.Equal(before.Content, p.Content) || before.State != unbound {
			return "", badRequest("INVALID_REQUEST", "授权协议号已被使用", 0).Guessed(front.Unknown)
		}
		if tx.Now.Before(before.TokenAt.Add(tokenLife)) {
			return before.Token, nil
		}
		p = new(*before)
	}
	p.Token, p.TokenAt = newPackage(), tx.Now
	a.permissions.Put(tx, p.key(), p)
	return p.Token, nil
}

// permissionRecord is a grant as queries show it.
type permissionRecord struct {
	ServiceID   string `json:"service_id"`
	AppID       string `json:"appid"`
	MchID       string `json:"mchid"`
	SubAppID    string `json:"sub_appid,omitempty"`
	SubMchID    string `json:"sub_mchid,omitempty"`
	ChannelID   string `json:"channel_id,omitempty"`
	OpenID      string `json:"openid,omitempty"`
	SubOpenID   string `json:"sub_openid,omitempty"`
	Code        string `json:"authorization_code,omitempty"`
	State       string `json:"authorization_state"`
	NotifyURL   string `json:"notify_url,omitempty"`
	EndedAt     string `json:"cancel_authorization_time,omitempty"`
	GrantedAt   string `json:"authorization_success_time,omitempty"`
	RiskLevel   int64  `json:"user_risk_level,omitempty"`
	RiskVersion int64  `json:"risk_level_version,omitempty"`
}

func (p *Permission) record() permissionRecord {
	r := permissionRecord{
		ServiceID: p.ServiceID, AppID: p.AppID, MchID: p.MchID, SubAppID: p.SubAppID, SubMchID: p.SubMchID, ChannelID: p.ChannelID,
		Code: p.Code, State: p.State, NotifyURL: p.NotifyURL, EndedAt: millis(p.EndedAt), GrantedAt: millis(p.GrantedAt),
	}
	if p.SubAppID != "" {
		r.SubOpenID = p.OpenID
	} else {
		r.OpenID = p.OpenID
	}
	return r
}

// millis is RFC 3339 with milliseconds, as grants have it.
func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(clock.Beijing).Format("2006-01-02T15:04:05.000Z07:00")
}

// queryByCode shows a grant by its code.
func (a access) queryByCode(tx *store.Tx, c *front.Call) (any, error) {
	p, err := a.byCode(tx, c, queried(c))
	if err != nil {
		return nil, err
	}
	return a.rated(p), nil
}

// byCode is the grant that the path names, for who asked for it.
func (a access) byCode(tx *store.Tx, c *front.Call, who parties) (*Permission, error) {
	return a.withCode(tx, c, c.Path("authorization_code"), who)
}

func (a access) withCode(tx *store.Tx, c *front.Call, code string, who parties) (*Permission, error) {
	if err := a.permit(c.Merchant, who); err != nil {
		return nil, err
	}
	p := a.permissions.Get(tx, (&Permission{MchID: c.Merchant.MchID, Code: code}).key())
	if p == nil || p.Access != a.name || p.SubMchID != who.SubMchID || p.ServiceID != who.ServiceID {
		return nil, wrongCode()
	}
	return p, nil
}

// wrongCode is an answer whose message is known and whose code is not.
func wrongCode() *refusal {
	return badRequest("INVALID_REQUEST", "商户解除授权的授权码不是这个用户签约的授权", 0).Guessed(front.Unknown)
}

// queryByUser shows a grant by its user.
func (a access) queryByUser(tx *store.Tx, c *front.Call) (any, error) {
	return a.grantOf(tx, c, queried(c), c.Path("openid")+c.Query("openid"), c.Query("sub_openid"))
}

// grantOf shows the grant of a user, who may never have given one.
func (a access) grantOf(tx *store.Tx, c *front.Call, who parties, openID, subOpenID string) (any, error) {
	openID, err := oneOpenID(who, openID, subOpenID)
	if err != nil {
		return nil, err
	}
	if _, err := a.boundService(c.Merchant, who); err != nil {
		return nil, err
	}
	if p := a.byUser(tx, c.Merchant, who, openID); p != nil {
		return a.rated(p), nil
	}
	never := &Permission{parties: who, MchID: c.Merchant.MchID, OpenID: openID, State: unavailable}
	return a.rated(never), nil
}

// oneOpenID is the openid of a call that names one under either appid.
func oneOpenID(who parties, openID, subOpenID string) (string, error) {
	switch {
	case (openID == "") == (subOpenID == ""):
		return "", invalid("openid和sub_openid必须且只能填写一个")
	case subOpenID != "" && who.SubAppID == "":
		return "", invalid("填写sub_openid时，sub_appid必填")
	}
	return openID + subOpenID, nil
}

// byUser is the user's grant: the one that is available, else the last that was.
func (a access) byUser(tx *store.Tx, m *world.Merchant, who parties, openID string) *Permission {
	for _, k := range a.grants[grantKey(m.MchID, who.SubMchID, who.ServiceID, openID)] {
		return a.permissions.Get(tx, k)
	}
	var last *Permission
	for _, p := range a.permissions.All(tx) {
		if p.MchID == m.MchID && p.SubMchID == who.SubMchID && p.ServiceID == who.ServiceID && p.OpenID == openID {
			last = p
		}
	}
	return last
}

// terminateRequest is the body of ending a grant.
type terminateRequest struct {
	parties
	OpenID    string `json:"openid"`
	SubOpenID string `json:"sub_openid"`
	Reason    string `json:"reason"`
}

// terminateByCode ends a grant by its code.
func (a access) terminateByCode(tx *store.Tx, c *front.Call) (any, error) {
	var r terminateRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	p, err := a.byCode(tx, c, r.parties)
	if err != nil {
		return nil, err
	}
	return nil, a.end(tx, p)
}

// terminateByUser ends a grant by its user.
func (a access) terminateByUser(tx *store.Tx, c *front.Call) (any, error) {
	var r terminateRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	if r.ServiceID == "" {
		r.ServiceID = c.Path("service_id")
	}
	openID, err := oneOpenID(r.parties, c.Path("openid")+r.OpenID, r.SubOpenID)
	if err != nil {
		return nil, err
	}
	if _, err := a.boundService(c.Merchant, r.parties); err != nil {
		return nil, err
	}
	p := a.byUser(tx, c.Merchant, r.parties, openID)
	if p == nil {
		return nil, wrongCode().With("the user never granted this service")
	}
	return nil, a.end(tx, p)
}

// end ends a grant, unless orders of it are not finished. What has ended may be ended again, which
// is a guess.
func (p *Product) end(tx *store.Tx, g *Permission) error {
	if g.State == unavailable {
		return nil
	}
	for _, k := range p.open[g.OpenID] {
		if o := p.orders.Get(tx, k); o.ServiceID == g.ServiceID && o.MchID == g.MchID && o.SubMchID == g.SubMchID {
			return unfinished().With("order " + o.OutOrderNo + " is " + string(o.State))
		}
	}
	after := *g
	after.State, after.EndedAt = unavailable, tx.Now
	p.permissions.Put(tx, g.key(), &after)
	if err := p.informGrant(tx, &after, "USER_CLOSE_SERVICE", "解除授权", after.EndedAt); err != nil {
		return err
	}
	return p.revokePlans(tx, &after)
}

// unfinished refuses to end what an order in progress needs. Its code is not known.
func unfinished() *refusal {
	return badRequest("INVALID_REQUEST", "存在未完成订单", 0).Guessed(front.Unknown)
}

// informGrant queues the notification of a grant's beginning or end, where the merchant asked for it.
// The end of a wish that no user granted is none.
func (p *Product) informGrant(tx *store.Tx, g *Permission, status, summary string, at time.Time) error {
	if g.NotifyURL == "" || g.OpenID == "" {
		return nil
	}
	resource := struct {
		AppID     string `json:"appid"`
		MchID     string `json:"mchid"`
		SubAppID  string `json:"sub_appid,omitempty"`
		SubMchID  string `json:"sub_mchid,omitempty"`
		ChannelID string `json:"channel_id,omitempty"`
		ServiceID string `json:"service_id"`
		OpenID    string `json:"openid,omitempty"`
		SubOpenID string `json:"sub_openid,omitempty"`
		Status    string `json:"user_service_status"`
		At        string `json:"openorclose_time"`
		Code      string `json:"authorization_code,omitempty"`
	}{AppID: g.AppID, MchID: g.MchID, SubAppID: g.SubAppID, SubMchID: g.SubMchID, ChannelID: g.ChannelID, ServiceID: g.ServiceID,
		Status: status, At: at.In(clock.Beijing).Format(toTheSecond), Code: g.Code}
	if g.SubAppID != "" {
		resource.SubOpenID = g.OpenID
	} else {
		resource.OpenID = g.OpenID
	}
	text, err := json.Marshal(resource)
	if err != nil {
		return err
	}
	return p.notify.Send(tx, notify.Notification{
		MchID: g.MchID, URL: g.NotifyURL, EventType: "PAYSCORE." + status, Summary: summary,
		OriginalType: "payscore", AssociatedData: "payscore", Resource: text,
	})
}

// Grant names a grant for [Product.OpenService]: the one that was asked for with Code, or one that
// the user gives by himself.
type Grant struct {
	MchID, SubMchID, ServiceID, OpenID, Code string
}

// OpenService is the user granting a service.
func (p *Product) OpenService(tx *store.Tx, g Grant) error {
	if g.OpenID == "" {
		return errors.New("there is no openid")
	}
	if g.Code != "" {
		return p.grantAsked(tx, g)
	}
	service := p.world.Service(g.ServiceID)
	if service == nil || service.Confirm {
		return store.Missingf("there is no service %q that users grant: it has to be in the world, with confirm false", g.ServiceID)
	}
	for _, b := range service.Bindings {
		if b.ChannelID != "" {
			continue // institutions (从业机构) know grants by their code only
		}
		if g.MchID != "" && b.MchID != g.MchID || g.SubMchID != "" && b.SubMchID != g.SubMchID {
			continue
		}
		who := parties{b.AppID, b.SubAppID, b.SubMchID, b.ChannelID, g.ServiceID}
		after := &Permission{parties: who, MchID: b.MchID, OpenID: g.OpenID, State: available, GrantedAt: tx.Now}
		p.permissions.Put(tx, after.key(), after)
	}
	return nil
}

// grantAsked is the user granting what a merchant asked for. The page opens once.
func (p *Product) grantAsked(tx *store.Tx, g Grant) error {
	for k, asked := range p.permissions.All(tx) {
		if asked.Code != g.Code || g.MchID != "" && asked.MchID != g.MchID {
			continue
		}
		if err := asked.Openable(tx.Now); err != nil {
			return err
		}
		after := *asked
		after.State, after.OpenID, after.GrantedAt, after.Token = available, g.OpenID, tx.Now, ""
		p.permissions.Put(tx, k, &after)
		return p.informGrant(tx, &after, "USER_OPEN_SERVICE", "授权成功", tx.Now)
	}
	return store.Missingf("no merchant asked for a grant with the authorization_code %q", g.Code)
}

// Openable tells why the page for granting does not open, nil if it does.
func (p *Permission) Openable(now time.Time) error {
	switch {
	case p.State != unbound:
		return fmt.Errorf("the authorization_code %q is %s", p.Code, p.State)
	case !now.Before(p.TokenAt.Add(tokenLife)):
		return fmt.Errorf("the token of %q was good for %v: the merchant has to ask again", p.Code, tokenLife)
	}
	return nil
}

// CloseService is the user ending all his grants of a service.
func (p *Product) CloseService(tx *store.Tx, serviceID, openID string) error {
	ended := false
	for _, g := range p.permissions.All(tx) {
		if g.ServiceID == serviceID && g.OpenID == openID && g.State == available {
			ended = true
			if err := p.end(tx, g); err != nil {
				return err
			}
		}
	}
	if !ended {
		return fmt.Errorf("the user %q has not granted the service %q", openID, serviceID)
	}
	return nil
}
