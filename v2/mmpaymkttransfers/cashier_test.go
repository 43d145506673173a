package mmpaymkttransfers_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/v2/mmpaymkttransfers"
)

const apiv2Key = "canary-APIv2-key-0123456789-abcd"

func TestAMiniProgramOpensARedPacket(t *testing.T) {
	t.Parallel()
	client, err := wechatpay.New(wechatpay.Merchant{MchID: "1900000109", APIv2Key: apiv2Key}, wechatpay.Clock(func() time.Time { return time.Unix(1514363815, 0) }))
	if err != nil {
		t.Fatal(err)
	}
	p, err := mmpaymkttransfers.NewRedPacketParams(client, "wx8888", "sendid=1&ver=8&sign=2")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.NewReplacer(p.NonceStr, "NONCE", p.PaySign, "SIGNATURE").Replace(string(text))
	if want := `{"timeStamp":"1514363815","nonceStr":"NONCE","package":"sendid%3D1%26ver%3D8%26sign%3D2","signType":"MD5","paySign":"SIGNATURE"}`; got != want {
		t.Errorf("it passes %s, want %s", got, want)
	}
	signed := map[string]string{"appId": "wx8888", "timeStamp": p.TimeStamp, "nonceStr": p.NonceStr, "package": p.Package, "sign": p.PaySign}
	if err := auth.VerifyParams(apiv2Key, maps.All(signed), auth.MD5); err != nil {
		t.Error(err)
	}
	for name, pack := range map[string]string{"no package": "", "a package that is escaped": p.Package} {
		if p, err := mmpaymkttransfers.NewRedPacketParams(client, "wx8888", pack); err == nil || p != (mmpaymkttransfers.RedPacketParams{}) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s gives %v, %v", name, p, err)
		}
	}
}
