// Package control speaks the management API of a simulated gateway: it plays its users, moves
// its clock and reads its logs. Package simtest has one ready; for a simulator that runs by
// itself, begin with [New].
//
// docs/management.md lists the calls, for other languages.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/fault"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// Client calls one management API.
type Client struct {
	base  string
	http  *http.Client
	token string
}

// New returns a Client for the management API at base, such as http://127.0.0.1:8081, that
// calls by hc.
func New(base string, hc *http.Client) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), http: hc}
}

// WithToken returns a Client that sends the token, which a management API wants that is not on
// loopback: its simulator's wechatpay.env has it as WECHATPAY_MANAGE_TOKEN. Without one, it is "".
func (c *Client) WithToken(token string) *Client {
	return &Client{base: c.base, http: c.http, token: token}
}

// Merchant is a merchant of the simulator with all it needs to call. The keys are of a
// simulated merchant: they are no secret.
type Merchant struct {
	MchID       string `json:"mchid"`         // 商户号
	BrandID     string `json:"brand_id"`      // 品牌ID, under which it calls /brand/… with the same keys; "" if it is no brand
	SerialNo    string `json:"serial_no"`     // 商户API证书序列号
	PrivateKey  string `json:"private_key"`   // 商户API私钥, PEM; empty if the world has only the certificate
	Certificate string `json:"certificate"`   // 商户API证书, PEM
	APIv3Key    string `json:"apiv3_key"`     // APIv3密钥
	APIv2Key    string `json:"apiv2_key"`     // APIv2密钥
	PublicKeyID string `json:"public_key_id"` // 微信支付公钥ID
	PublicKey   string `json:"public_key"`    // 微信支付公钥, PEM

	Secrets []string `json:"secrets"` // which members a real merchant would show nobody

	KeyMode      world.KeyMode `json:"key_mode"`     // with which kind of key WeChat Pay signs to it
	Certificates []string      `json:"certificates"` // 平台证书, PEM, the one that signs first; none if it has the public key only
}

// Merchants returns the merchants that sign calls.
func (c *Client) Merchants(ctx context.Context) ([]Merchant, error) {
	return call[[]Merchant](ctx, c, http.MethodGet, "/merchants", nil)
}

// Order names an order, and the user who acts on it. Where OutOrderNo alone is not clear, MchID
// and SubMchID tell whose it is. Without an OpenID somebody acts.
type Order struct {
	OutOrderNo string `json:"out_order_no"`
	MchID      string `json:"mchid,omitempty"`
	SubMchID   string `json:"sub_mchid,omitempty"`
	OpenID     string `json:"openid,omitempty"`
	Deposit    bool   `json:"deposit,omitempty"` // of a confirmation: the assessment failed, and the user paid a deposit
}

// OrderState is an order after somebody acted on it.
type OrderState struct {
	OrderID string `json:"order_id"`
	QueryID string `json:"query_id"` // what the front end gets when the user comes back
	State   string `json:"state"`    // CREATED, SERVING, PAYING, DONE, REVOKED, EXPIRED
	OpenID  string `json:"openid"`
}

// Confirm lets the user confirm a Pay Score order (确认订单).
func (c *Client) Confirm(ctx context.Context, o Order) (OrderState, error) {
	return call[OrderState](ctx, c, http.MethodPost, "/user/confirm", o)
}

// Leave lets the user leave the page that he has open: that for confirming, whose package is used
// then, or the cashier.
func (c *Client) Leave(ctx context.Context, o Order) (OrderState, error) {
	return call[OrderState](ctx, c, http.MethodPost, "/user/leave", o)
}

// OpenCashier lets the user go to pay an order. It is locked until he pays or leaves, for three
// minutes at most.
func (c *Client) OpenCashier(ctx context.Context, o Order) (OrderState, error) {
	return call[OrderState](ctx, c, http.MethodPost, "/user/cashier", o)
}

// Pay lets the user pay a completed order by himself (主动支付).
func (c *Client) Pay(ctx context.Context, o Order) (OrderState, error) {
	return call[OrderState](ctx, c, http.MethodPost, "/user/pay", o)
}

// StartDeduction begins a deduction that takes three minutes, and locks the order as long.
func (c *Client) StartDeduction(ctx context.Context, o Order) (OrderState, error) {
	return call[OrderState](ctx, c, http.MethodPost, "/deduction/start", o)
}

// Service names a Pay Score service and a user. With an AuthorizationCode it is the grant that a
// merchant asked for.
type Service struct {
	ServiceID         string `json:"service_id,omitempty"`
	OpenID            string `json:"openid"`
	AuthorizationCode string `json:"authorization_code,omitempty"`
}

// OpenService lets the user grant a Pay Score service (开通服务).
func (c *Client) OpenService(ctx context.Context, s Service) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/user/open-service", s)
	return err
}

// CloseService lets the user end his grants of a Pay Score service (关闭服务).
func (c *Client) CloseService(ctx context.Context, s Service) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/user/close-service", s)
	return err
}

// User is what is to be with a user from now on.
type User struct {
	OpenID     string `json:"openid"`
	OutOfMoney bool   `json:"out_of_money"` // deductions fail
	Refuse     string `json:"refuse"`       // every assessment fails with this message, such as 综合评估未通过
}

// SetUser changes a user.
func (c *Client) SetUser(ctx context.Context, u User) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/user/set", u)
	return err
}

// Clock is the simulator's two clocks: signatures live on the first, orders on the second.
type Clock struct {
	Wire     time.Time `json:"wire"`
	Business time.Time `json:"business"`
}

// Clock tells the time.
func (c *Client) Clock(ctx context.Context) (Clock, error) {
	return call[Clock](ctx, c, http.MethodGet, "/clock", nil)
}

// advance is the body of moving the clock.
type advance struct {
	By string `json:"by"`
}

// Advance moves the business clock ahead, and returns when all that falls due on the way has
// happened, deliveries of notifications included. With 0 it waits for what is due now.
func (c *Client) Advance(ctx context.Context, by time.Duration) (Clock, error) {
	return call[Clock](ctx, c, http.MethodPost, "/clock/advance", advance{by.String()})
}

// FaultID is the number of a fault.
type FaultID struct {
	ID int `json:"id"`
}

// AddFault lets calls or notifications go wrong from now on.
func (c *Client) AddFault(ctx context.Context, f world.Fault) (FaultID, error) {
	return call[FaultID](ctx, c, http.MethodPost, "/faults", f)
}

// Fault is a fault that may still strike.
type Fault = fault.Listed

// Faults returns the faults that may still strike.
func (c *Client) Faults(ctx context.Context) ([]Fault, error) {
	return call[[]Fault](ctx, c, http.MethodGet, "/faults", nil)
}

// RemoveFault takes a fault out.
func (c *Client) RemoveFault(ctx context.Context, id FaultID) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, fmt.Sprintf("/faults/%d", id.ID), nil)
	return err
}

// ClearFaults takes all faults out.
func (c *Client) ClearFaults(ctx context.Context) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/faults", nil)
	return err
}

// Exchange is a request that came in, with its answer and what each check said.
type Exchange = front.Exchange

// Check is what one check said.
type Check = front.Check

// Requests returns the last requests whose ID is above since, the oldest first.
func (c *Client) Requests(ctx context.Context, since int) ([]Exchange, error) {
	return call[[]Exchange](ctx, c, http.MethodGet, fmt.Sprintf("/requests?since=%d", since), nil)
}

// PlatformCertificate is a platform certificate (平台证书).
type PlatformCertificate struct {
	SerialNo string `json:"serial_no"`
	Signs    bool   `json:"signs"` // answers and notifications are signed with it
}

// PlatformCertificates returns the platform certificates.
func (c *Client) PlatformCertificates(ctx context.Context) ([]PlatformCertificate, error) {
	return call[[]PlatformCertificate](ctx, c, http.MethodGet, "/certificates", nil)
}

// AddCertificate makes a new platform certificate. It can be downloaded, and does not sign yet.
func (c *Client) AddCertificate(ctx context.Context) (PlatformCertificate, error) {
	return call[PlatformCertificate](ctx, c, http.MethodPost, "/certificates", struct{}{})
}

// SignWith lets a platform certificate sign from now on.
func (c *Client) SignWith(ctx context.Context, serialNo string) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/certificates/"+url.PathEscape(serialNo)+"/sign", struct{}{})
	return err
}

// RemoveCertificate takes a platform certificate away that does not sign.
func (c *Client) RemoveCertificate(ctx context.Context, serialNo string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/certificates/"+url.PathEscape(serialNo), nil)
	return err
}

// Reset forgets all orders, grants and notifications, and puts the clock back to real time. The world
// and its faults are as they were at the start.
func (c *Client) Reset(ctx context.Context) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/reset", struct{}{})
	return err
}

// Error is a refusal of the management API.
type Error struct {
	Method, Path string
	StatusCode   int    // HTTP status
	Message      string // why; empty if what answered is no management API
}

// Error is what was refused, and why.
func (e *Error) Error() string {
	return fmt.Sprintf("simulator: %s %s: %d %s: %s", e.Method, e.Path, e.StatusCode, http.StatusText(e.StatusCode), e.Message)
}

// maxAnswer is the largest answer that is read, in bytes.
const maxAnswer = 256 << 20

func call[T any](ctx context.Context, c *Client, method, path string, in any) (out T, err error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return out, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return out, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return out, fmt.Errorf("the simulator does not answer: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return out, err
	}
	if res.StatusCode != http.StatusOK {
		var refusal struct {
			Error string `json:"error"`
		}
		_ = json.Unmarshal(text, &refusal)
		return out, &Error{method, path, res.StatusCode, refusal.Error}
	}
	return out, json.Unmarshal(text, &out)
}
