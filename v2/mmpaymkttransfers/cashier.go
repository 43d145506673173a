package mmpaymkttransfers

import (
	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/internal/cashier"
)

// RedPacketParams is what a mini-program passes to wx.sendBizRedPacket, as JSON. Its appid is signed, but not
// passed.
type RedPacketParams struct {
	TimeStamp string `json:"timeStamp"` // seconds
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`  // escaped
	SignType  string `json:"signType"` // MD5, which is not signed
	PaySign   string `json:"paySign"`
}

// NewRedPacketParams opens a red packet in a mini-program (小程序红包, 领取红包), with the package that
// [Sendminiprogramhb.Post] answered. appID is that of the mini-program, its wxappid. Make it anew each time, on
// the server: it is for one user, and holds a signature.
//
// See https://pay.weixin.qq.com/doc/v2/merchant/4011937428 and https://pay.weixin.qq.com/doc/v2/partner/4011941288.
func NewRedPacketParams(client *wechatpay.Client, appID, pack string) (RedPacketParams, error) {
	b, err := cashier.RedPacket(client, appID, pack)
	return RedPacketParams(b.MiniProgram()), err
}
