// Package world describes whom a simulated gateway knows: merchants with their keys, the
// sub-merchants and services bound to them, and users. It is data: read it from JSON with
// [Read], or begin with [Default] and change it.
//
// What is left out gets a working value: a merchant without keys is given keys, a merchant
// without an APIv3 key or an APIv2 key that. See docs/simulator.md for the JSON form.
package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// World is whom a gateway knows, and by which rules it answers.
type World struct {
	Schema    string     `json:"$schema,omitempty"` // where world.schema.json is, for editors
	Platform  Platform   `json:"platform,omitzero"`
	Merchants []Merchant `json:"merchants"`
	Services  []Service  `json:"services,omitempty"`
	Users     []User     `json:"users,omitempty"`
	Rules     Rules      `json:"rules,omitzero"`
	Faults    []Fault    `json:"faults,omitempty"`
	Seed      uint64     `json:"seed,omitzero"` // of the faults that have a probability

	// Stateless lets no product have rules: each operation is answered in its documented shape, and
	// nothing is kept. Platform certificates are keys, and stay what they are.
	Stateless bool `json:"stateless,omitzero"`
}

// Platform is WeChat Pay itself: what it signs with.
type Platform struct {
	PrivateKey   string                `json:"private_key,omitempty"`  // in PEM; its public half is the 微信支付公钥 of every merchant
	Certificates []PlatformCertificate `json:"certificates,omitempty"` // 平台证书; the first signs
}

// PlatformCertificate is a platform certificate (平台证书) with its key.
type PlatformCertificate struct {
	PrivateKey  string `json:"private_key"` // in PEM
	Certificate string `json:"certificate"` // in PEM
}

// KeyMode is with which kind of key WeChat Pay signs to a merchant.
type KeyMode string

// The modes. New merchants have public keys only.
const (
	PublicKeyMode   KeyMode = ""            // 微信支付公钥
	CertificateMode KeyMode = "certificate" // 平台证书
	MigratingMode   KeyMode = "migrating"   // from certificates to the public key: what Wechatpay-Serial asks for
)

// CertificateState is what has become of a merchant's API certificate.
type CertificateState string

// The states. Whether it has expired its dates tell.
const (
	CertificateGood     CertificateState = ""
	CertificateRevoked  CertificateState = "revoked"  // 已作废
	CertificateReplaced CertificateState = "replaced" // 已更换
)

// Merchant is a merchant number (商户号): one that calls, or a sub-merchant (子商户) that a
// service provider (服务商) calls for.
type Merchant struct {
	MchID  string   `json:"mchid"`            // 商户号
	AppIDs []string `json:"appids,omitempty"` // the appids bound to it

	// BrandID makes it a brand (品牌) as well, which signs with the same certificate.
	BrandID string `json:"brand_id,omitempty"`

	// Parents are the service providers whose sub-merchant it is.
	Parents []string `json:"parents,omitempty"`
	// Grants are the products that the parents may use in its name, such as "payscore".
	Grants []string `json:"grants,omitempty"`

	APIv3Key    string `json:"apiv3_key,omitempty"`   // APIv3密钥, 32 bytes
	APIv2Key    string `json:"apiv2_key,omitempty"`   // APIv2密钥, 32 bytes
	PrivateKey  string `json:"private_key,omitempty"` // 商户API私钥 in PEM; of a simulated merchant it is no secret
	Certificate string `json:"certificate,omitempty"` // 商户API证书 in PEM; alone it is enough to verify what the merchant signs
	SerialNo    string `json:"serial_no,omitempty"`   // 商户API证书序列号; given without a certificate, one is issued with it

	CertificateState CertificateState `json:"certificate_state,omitempty"`
	KeyMode          KeyMode          `json:"key_mode,omitempty"`
}

// Service is a Pay Score service (支付分服务), as it was agreed at onboarding.
type Service struct {
	ServiceID string `json:"service_id"` // 服务ID
	// Confirm tells that the user confirms each order (需确认模式). Without it, the user grants
	// the service once (免确认模式).
	Confirm bool `json:"confirm"`
	// Enjoy tells that a user who fails the assessment is refused (先享模式). Without it, the
	// user may pay a deposit instead (先免模式).
	Enjoy bool `json:"enjoy,omitzero"`
	// Cap is the highest risk amount (服务风险金额上限), in fen.
	Cap int64 `json:"cap"`
	// Currency is that of an overseas service, such as HKD; empty for one in fen.
	Currency string `json:"currency,omitempty"`
	// Plans tells that the service may be sold by plans (支付分计划), and how long those may be; nil
	// for one that may not.
	Plans *Plans `json:"plans,omitempty"`
	// Quotas are how much is suggested to let users of a level (用户分层) have before they pay.
	Quotas []Quota `json:"quotas,omitempty"`
	// Bindings are who may use the service.
	Bindings []Binding `json:"bindings"`
}

// Plans are the limits of a service's plans.
type Plans struct {
	MaxDays       int64 `json:"max_days"`       // of the time in which the user may use a plan
	MaxDeductions int64 `json:"max_deductions"` // 扣费次数
}

// Quota is the suggestion for users of one level.
type Quota struct {
	RiskLevel      int64 `json:"risk_level"`
	SuggestedQuota int64 `json:"suggested_quota"` // fen
}

// Binding is one tuple that is bound to a service. SubMchID and SubAppID are empty for a
// merchant that uses the service itself.
type Binding struct {
	MchID    string `json:"mchid"`
	AppID    string `json:"appid"`
	SubMchID string `json:"sub_mchid,omitempty"`
	SubAppID string `json:"sub_appid,omitempty"`
	// ChannelID is the channel of an acquiring institution (从业机构).
	ChannelID string `json:"channel_id,omitempty"`
}

// User is somebody with WeChat.
type User struct {
	OpenID    string `json:"openid"`              // the same under every appid: the simulator has no use for more
	RiskLevel int64  `json:"risk_level,omitzero"` // 用户分层; 1 if it is not said, as it is for users who are not in the world
}

// Rules choose between answers where the sources about the real gateway disagree or are silent.
// The zero value is what was observed, else the stricter.
type Rules struct {
	// Documented makes errors as the documents print them, instead of as they were observed:
	// INVALID_ORDER_STATE, ORDER_DONE and ORDER_CANCELED for states, and a detail with field
	// and issue.
	Documented bool `json:"documented,omitzero"`
	// RefuseCancelWhilePaying refuses to cancel an order that was completed, as some sources have it.
	RefuseCancelWhilePaying bool `json:"refuse_cancel_while_paying,omitzero"`
	// IgnoreUnknown accepts members that an operation does not have.
	IgnoreUnknown bool `json:"ignore_unknown,omitzero"`
	// ModifyOnce accepts one change of an order's amount only, as some pages have it.
	ModifyOnce bool `json:"modify_once,omitzero"`
	// RepeatAnyReason accepts a second cancel with another reason.
	RepeatAnyReason bool `json:"repeat_any_reason,omitzero"`
}

// Read reads a World from JSON, and checks it.
func Read(r io.Reader) (*World, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	w := new(World)
	if err := d.Decode(w); err != nil {
		return nil, fmt.Errorf("the world is not JSON of the documented form: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("the world is not JSON of the documented form: something follows it")
	}
	return w, w.Check()
}

// Check tells what is wrong with w: names that are missing, double or lead nowhere.
func (w *World) Check() error {
	known, brands := map[string]bool{}, map[string]bool{}
	for i, m := range w.Merchants {
		switch {
		case m.MchID == "":
			return fmt.Errorf("world: merchant %d has no mchid", i+1)
		case known[m.MchID]:
			return fmt.Errorf("world: merchant %s is there twice", m.MchID)
		case m.APIv3Key != "" && len(m.APIv3Key) != 32:
			return fmt.Errorf("world: the apiv3_key of merchant %s has %d bytes, want 32", m.MchID, len(m.APIv3Key))
		case m.APIv2Key != "" && len(m.APIv2Key) != 32:
			return fmt.Errorf("world: the apiv2_key of merchant %s has %d bytes, want 32", m.MchID, len(m.APIv2Key))
		}
		if m.BrandID != "" && brands[m.BrandID] {
			return fmt.Errorf("world: brand %s is there twice", m.BrandID)
		}
		if err := m.checkModes(); err != nil {
			return err
		}
		known[m.MchID], brands[m.BrandID] = true, true
	}
	for _, m := range w.Merchants {
		for _, parent := range m.Parents {
			if !known[parent] {
				return fmt.Errorf("world: merchant %s has the parent %s, which is not there", m.MchID, parent)
			}
		}
	}
	for i, f := range w.Faults {
		if err := f.Check(); err != nil {
			return fmt.Errorf("world: fault %d: %w", i+1, err)
		}
	}
	return w.checkServices(known)
}

func (m *Merchant) checkModes() error {
	switch m.KeyMode {
	case PublicKeyMode, CertificateMode, MigratingMode:
	default:
		return fmt.Errorf("world: the key_mode of merchant %s is %q, want %q, %q or nothing", m.MchID, m.KeyMode, CertificateMode, MigratingMode)
	}
	switch m.CertificateState {
	case CertificateGood, CertificateRevoked, CertificateReplaced:
	default:
		return fmt.Errorf("world: the certificate_state of merchant %s is %q, want %q, %q or nothing", m.MchID, m.CertificateState, CertificateRevoked, CertificateReplaced)
	}
	return nil
}

func (w *World) checkServices(merchants map[string]bool) error {
	known := map[string]bool{}
	for i, s := range w.Services {
		switch {
		case s.ServiceID == "":
			return fmt.Errorf("world: service %d has no service_id", i+1)
		case known[s.ServiceID]:
			return fmt.Errorf("world: service %s is there twice", s.ServiceID)
		case s.Cap <= 0:
			return fmt.Errorf("world: service %s has no cap, in fen", s.ServiceID)
		}
		known[s.ServiceID] = true
		if s.Plans != nil && (s.Plans.MaxDays <= 0 || s.Plans.MaxDeductions <= 0) {
			return fmt.Errorf("world: the plans of service %s have no limits: want max_days and max_deductions", s.ServiceID)
		}
		for _, b := range s.Bindings {
			if !merchants[b.MchID] || b.SubMchID != "" && !merchants[b.SubMchID] {
				return fmt.Errorf("world: service %s is bound to a merchant that is not there: %s %s", s.ServiceID, b.MchID, b.SubMchID)
			}
		}
	}
	return nil
}

// Merchant is the merchant with this number, nil if there is none.
func (w *World) Merchant(mchID string) *Merchant {
	i := slices.IndexFunc(w.Merchants, func(m Merchant) bool { return m.MchID == mchID })
	if i < 0 {
		return nil
	}
	return &w.Merchants[i]
}

// User is the user with this openid, nil if the world does not name him.
func (w *World) User(openID string) *User {
	i := slices.IndexFunc(w.Users, func(u User) bool { return u.OpenID == openID })
	if i < 0 {
		return nil
	}
	return &w.Users[i]
}

// Service is the service with this ID, nil if there is none.
func (w *World) Service(serviceID string) *Service {
	i := slices.IndexFunc(w.Services, func(s Service) bool { return s.ServiceID == serviceID })
	if i < 0 {
		return nil
	}
	return &w.Services[i]
}
