package phone

import (
	"net/url"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
)

// redPacket checks the call by which a mini-program opens a red packet (小程序红包). The simulator keeps none, so
// it can judge the form and the signature only. What is shown if they are wrong nobody has told.
func (o *opening) redPacket() error {
	if o.in.AppID == "" {
		return misuse("say by appid which mini-program it is: its parameters do not")
	}
	bad := shown{basis: front.Unknown}
	there := o.require(false, "timeStamp", "nonceStr", "package", "signType", "paySign")
	o.checkTimestamp("timeStamp")
	pack := o.sent.Get("package")
	plain, err := url.QueryUnescape(pack)
	switch {
	case pack == "":
	case err != nil || strings.ContainsAny(pack, "=&") || !strings.Contains(plain, "="):
		o.fail("package", bad, "package is not escaped", "escape the package of the answer whole, hand it over and sign it so: encodeURIComponent, url.QueryEscape")
	default:
		o.pass("package")
	}
	if kind := o.sent.Get("signType"); kind != string(auth.MD5) && kind != "" {
		o.fail("sign-type", bad, "signType is not MD5", "sign by MD5, whatever the red packet was sent with")
	}
	r := &request{appIDs: []string{o.in.AppID}}
	o.checkStrange(r)
	if there && len(r.payees) > 0 {
		members := xmlv2.Members{{Name: "appId", Text: o.in.AppID}}
		for _, name := range []string{"timeStamp", "nonceStr", "package"} {
			members.Set(name, o.sent.Get(name))
		}
		o.checkSignature(bad, r.payees, o.signature(auth.MD5, members, "paySign"))
	}
	return nil
}
