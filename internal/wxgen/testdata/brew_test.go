// Package brew calls an operation that madeup_test.go adds to a copy of this module.
package brew

import (
	"errors"
	"testing"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/code"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	v3 "github.com/openwechatpay/wechatpay/v3"
	industrycoupon "github.com/openwechatpay/wechatpay/v3/industry-coupon"
)

const path = "v3/industry-coupon/pots/{out_pot_no}/brew"

func TestTheMadeUpOperation(t *testing.T) {
	client := simtest.Start(t).Client(wechatpay.MaxAttempts(1))
	out, err := v3.New(client).IndustryCoupon().Pots().OutPotNo("P1").Brew().Post(t.Context(), industrycoupon.BrewPotRequest{Cups: 3})
	if err != nil || out.OutPotNo != "P1" || out.Cups != 3 {
		t.Errorf("typed: got %+v, %v", out, err)
	}
	for name, e := range map[string]wechatpay.Endpoint{"Chain": client.Chain(path), "Endpoints": v3.Endpoints(client)[path]} {
		res, err := e.Post(t.Context(), wechatpay.Path("out_pot_no", "P1"), wechatpay.JSON(map[string]int{"cups": 3}))
		if err != nil || string(res.Body) != `{"cups":3,"out_pot_no":"P1"}` {
			t.Errorf("%s: got %v, %v", name, res, err)
		}
		_, err = e.Post(t.Context(), wechatpay.Path("out_pot_no", "P1"), wechatpay.JSON(map[string]int{"cups": 13}))
		if !errors.Is(err, code.ParamError) {
			t.Errorf("%s: thirteen cups are answered %v", name, err)
		}
	}
}
