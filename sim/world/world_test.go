package world_test

import (
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/sim/world"
)

func TestABrandIsOneMerchant(t *testing.T) {
	t.Parallel()
	if _, err := world.Read(strings.NewReader(`{"merchants": [{"mchid": "1", "brand_id": "8"}, {"mchid": "2", "brand_id": "9"}, {"mchid": "3"}, {"mchid": "4"}]}`)); err != nil {
		t.Error(err)
	}
	_, err := world.Read(strings.NewReader(`{"merchants": [{"mchid": "1", "brand_id": "8"}, {"mchid": "2", "brand_id": "8"}]}`))
	if err == nil || !strings.Contains(err.Error(), "brand 8 is there twice") {
		t.Errorf("two merchants of one brand: %v", err)
	}
}
