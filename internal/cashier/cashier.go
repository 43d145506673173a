// Package cashier makes what a merchant's front end hands over to WeChat (调起支付). The products return it in
// types of their own, next to the calls that it follows.
package cashier

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
)

// Signer is a *wechatpay.Client, which this package may not import.
type Signer interface {
	MchID() string
	Stamp() (timestamp, nonce string)
	SignLines(lines ...string) (string, error)
	SignParams(t auth.SignType, params map[string]string) (string, error)
}

// Bridge is what a page in WeChat passes to getBrandWCPayRequest, and but for the AppID what a mini-program
// passes to wx.requestPayment.
type Bridge struct {
	AppID, TimeStamp, NonceStr, Package, SignType, PaySign string
}

// MiniProgram is a Bridge without the AppID.
type MiniProgram struct {
	TimeStamp, NonceStr, Package, SignType, PaySign string
}

// MiniProgram is b for a mini-program.
func (b Bridge) MiniProgram() MiniProgram {
	return MiniProgram{TimeStamp: b.TimeStamp, NonceStr: b.NonceStr, Package: b.Package, SignType: b.SignType, PaySign: b.PaySign}
}

// V3Bridge signs with the merchant's private key. The order of its lines is the documented one; signType has
// none.
func V3Bridge(s Signer, appID, prepayID string) (Bridge, error) {
	b, err := bridge(s, appID, prepayID)
	if err != nil {
		return Bridge{}, err
	}
	b.SignType = "RSA"
	if b.PaySign, err = s.SignLines(b.AppID, b.TimeStamp, b.NonceStr, b.Package); err != nil {
		return Bridge{}, err
	}
	return b, nil
}

// V2Bridge signs with the APIv2 key, by the type that the order was signed with.
func V2Bridge(s Signer, signType, appID, prepayID string) (Bridge, error) {
	b, err := bridge(s, appID, prepayID)
	if err != nil {
		return Bridge{}, err
	}
	t := typeOf(signType)
	b.SignType = string(t)
	b.PaySign, err = s.SignParams(t, map[string]string{
		"appId": b.AppID, "timeStamp": b.TimeStamp, "nonceStr": b.NonceStr, "package": b.Package, "signType": b.SignType,
	})
	if err != nil {
		return Bridge{}, err
	}
	return b, nil
}

func bridge(s Signer, appID, prepayID string) (Bridge, error) {
	if err := cmp.Or(checkAppID(appID), checkPrepayID(prepayID)); err != nil {
		return Bridge{}, err
	}
	b := Bridge{AppID: appID, Package: "prepay_id=" + prepayID}
	b.TimeStamp, b.NonceStr = s.Stamp()
	return b, nil
}

// App is what an app fills the PayReq of WeChat's SDK with.
type App struct {
	AppID, PartnerID, PrepayID, Package, NonceStr, Timestamp, Sign string
}

// V3App signs the bare prepay_id; neither the package nor the partnerid are signed.
func V3App(s Signer, appID, partnerID, prepayID string) (App, error) {
	a, err := app(s, appID, partnerID, prepayID)
	if err != nil {
		return App{}, err
	}
	if a.Sign, err = s.SignLines(a.AppID, a.Timestamp, a.NonceStr, a.PrepayID); err != nil {
		return App{}, err
	}
	return a, nil
}

// V2App signs all that it hands over, by the type that the order was signed with, which is not handed over.
func V2App(s Signer, signType, appID, partnerID, prepayID string) (App, error) {
	a, err := app(s, appID, partnerID, prepayID)
	if err != nil {
		return App{}, err
	}
	a.Sign, err = s.SignParams(typeOf(signType), map[string]string{
		"appid": a.AppID, "partnerid": a.PartnerID, "prepayid": a.PrepayID,
		"package": a.Package, "noncestr": a.NonceStr, "timestamp": a.Timestamp,
	})
	if err != nil {
		return App{}, err
	}
	return a, nil
}

func app(s Signer, appID, partnerID, prepayID string) (App, error) {
	err := cmp.Or(checkAppID(appID), checkPrepayID(prepayID),
		Check("partnerid", partnerID, "give the merchant number (商户号) that the order is for"))
	if err != nil {
		return App{}, err
	}
	a := App{AppID: appID, PartnerID: partnerID, PrepayID: prepayID, Package: "Sign=WXPay"}
	a.Timestamp, a.NonceStr = s.Stamp()
	return a, nil
}

// typeOf is the signType, or what holds in APIv2 where an order says none.
func typeOf(signType string) auth.SignType { return cmp.Or(auth.SignType(signType), auth.MD5) }

// Query signs what opens a page of Pay Score with the APIv2 key: fields, and who signs how and when.
func Query(s Signer, fields map[string]string) (map[string]string, error) {
	query := map[string]string{"mch_id": s.MchID(), "sign_type": string(auth.HMACSHA256)}
	maps.Copy(query, fields)
	query["timestamp"], query["nonce_str"] = s.Stamp()
	sign, err := SignHMAC(s, query)
	if err != nil {
		return nil, err
	}
	query["sign"] = sign
	return query, nil
}

// SignHMAC is the only signature that pages of Pay Score and coupons take.
func SignHMAC(s Signer, params map[string]string) (string, error) {
	return s.SignParams(auth.HMACSHA256, params)
}

// RedPacket signs by MD5, and not the signType. The package is escaped, in the signature too.
func RedPacket(s Signer, appID, pack string) (Bridge, error) {
	err := cmp.Or(checkAppID(appID), CheckToken("package", pack, "give the one of the answer of sendminiprogramhb"))
	if err == nil && !strings.Contains(pack, "=") {
		err = errors.New("the package is escaped already, or none: give the one of the answer of sendminiprogramhb, as it is")
	}
	if err != nil {
		return Bridge{}, err
	}
	b := Bridge{AppID: appID, Package: url.QueryEscape(pack), SignType: string(auth.MD5)}
	b.TimeStamp, b.NonceStr = s.Stamp()
	b.PaySign, err = s.SignParams(auth.MD5, map[string]string{
		"appId": b.AppID, "timeStamp": b.TimeStamp, "nonceStr": b.NonceStr, "package": b.Package,
	})
	if err != nil {
		return Bridge{}, err
	}
	return b, nil
}

// H5 is the address of WeChat's middle page. It comes back to redirectURL, where there is one.
func H5(name, address, redirectURL string) (string, error) {
	u, err := absolute(address)
	if err != nil {
		return "", fmt.Errorf("the %s %v: give the one of the order's answer", name, err)
	}
	if redirectURL == "" {
		return address, nil
	}
	if u.Query().Has("redirect_url") || u.Fragment != "" {
		return "", fmt.Errorf("the %s was changed already: give the one of the order's answer, and the redirect_url apart", name)
	}
	if _, err := absolute(redirectURL); err != nil {
		return "", fmt.Errorf("the redirect_url %v: give the whole address of a page, unescaped, such as https://shop.example.com/paid?order=1", err)
	}
	separator := "&"
	if u.RawQuery == "" {
		separator = "?"
	}
	return address + separator + "redirect_url=" + url.QueryEscape(redirectURL), nil
}

// absolute tells what keeps a browser from going to the address. It quotes nothing: addresses have tokens.
func absolute(address string) (*url.URL, error) {
	if strings.TrimSpace(address) == "" {
		return nil, errors.New("is empty")
	}
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(address, " \t") {
		return nil, errors.New("is no address")
	}
	if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("does not begin with https:// and a host")
	}
	return u, nil
}

// Native is the text of the QR code.
func Native(codeURL string) (string, error) {
	if u, err := url.Parse(codeURL); err != nil || u.Scheme == "" || strings.ContainsAny(codeURL, " \t") {
		return "", errors.New("the code_url is no address: give the one of the order's answer, weixin://…")
	}
	return codeURL, nil
}

func checkAppID(appID string) error {
	return Check("appid", appID, "give that of the page, mini-program or app that opens the cashier, wx…")
}

func checkPrepayID(prepayID string) error {
	if strings.HasPrefix(prepayID, "prepay_id=") {
		return errors.New("the prepay_id has prepay_id= before it: give it as the order's answer has it")
	}
	return Check("prepay_id", prepayID, "give the one of the order's answer, as it is")
}

// Check tells whether value can be a number or an ID. What stands between parameters would change what is
// signed, or what is handed over beside it.
func Check(name, value, advice string) error {
	if err := CheckToken(name, value, advice); err != nil {
		return err
	}
	if strings.ContainsAny(value, `&="`) {
		return fmt.Errorf("the %s has a character that cannot be part of it: %s", name, advice)
	}
	return nil
}

// CheckToken is Check for what WeChat Pay made up, and which may hold anything but blanks.
func CheckToken(name, value, advice string) error {
	if value == "" {
		return fmt.Errorf("the %s is empty: %s", name, advice)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("the %s has a blank or another character that cannot be part of it: %s", name, advice)
	}
	return nil
}
