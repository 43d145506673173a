package payscore

import (
	"fmt"
	"strconv"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is the levels of users (用户分层), and how much is suggested to let them have before
// they pay.

const (
	// riskVersion is the version of the levels. There is only this one.
	riskVersion = 1
	// usualLevel is that of users of whom the world says nothing.
	usualLevel = 1
)

// assessRequest is the body of asking for a user's level. What the user is going to buy does not
// change it.
type assessRequest struct {
	parties
	AuthorizationCode string `json:"authorization_code"`
	OpenID            string `json:"openid"`
	SubOpenID         string `json:"sub_openid"`
}

// assess shows a user's grant with his level. The user is named by a grant or by an openid; that it
// has to be exactly one of them is a guess.
func (a access) assess(tx *store.Tx, c *front.Call) (any, error) {
	var r assessRequest
	if err := c.Decode(&r); err != nil {
		return nil, err
	}
	if a.partner {
		r.SubMchID = c.Query("sub_mchid")
	}
	if r.AuthorizationCode != "" {
		if r.OpenID+r.SubOpenID != "" {
			return nil, invalid("authorization_code、openid和sub_openid必须且只能填写一个").Guessed(front.Inferred)
		}
		p, err := a.withCode(tx, c, r.AuthorizationCode, r.parties)
		if err != nil {
			return nil, err
		}
		return a.rated(p), nil
	}
	return a.grantOf(tx, c, r.parties, r.OpenID, r.SubOpenID)
}

// rated is a grant as queries show it, with the level of the user once there is one. Acquiring
// institutions (从业机构) do not learn it.
func (a access) rated(p *Permission) permissionRecord {
	r := p.record()
	if p.OpenID != "" && a.name != "acquiringbank" {
		r.RiskLevel, r.RiskVersion = a.riskLevel(p.OpenID), riskVersion
	}
	return r
}

func (p *Product) riskLevel(openID string) int64 {
	if u := p.world.User(openID); u != nil && u.RiskLevel != 0 {
		return u.RiskLevel
	}
	return usualLevel
}

// quotas shows the suggestions for the users of a service.
func (a access) quotas(_ *store.Tx, c *front.Call) (any, error) {
	p := queried(c)
	p.ServiceID = c.Path("service_id")
	service, err := a.boundService(c.Merchant, p)
	if err != nil {
		return nil, err
	}
	if version := c.Query("risk_level_version"); version != strconv.Itoa(riskVersion) {
		return nil, invalid("分层版本不存在").With(fmt.Sprintf("the version is %s, want %d", version, riskVersion))
	}
	return struct {
		ServiceID   string        `json:"service_id"`
		MchID       string        `json:"mchid"`
		SubMchID    string        `json:"sub_mchid"`
		AppID       string        `json:"appid"`
		SubAppID    string        `json:"sub_appid,omitempty"`
		RiskVersion int64         `json:"risk_level_version"`
		Quotas      []world.Quota `json:"quotas"`
	}{p.ServiceID, c.Merchant.MchID, p.SubMchID, p.AppID, p.SubAppID, riskVersion, append([]world.Quota{}, service.Quotas...)}, nil
}
