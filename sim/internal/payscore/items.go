package payscore

import "math"

// Payment is an item that is paid after use (后付费项目).
type Payment struct {
	Name        string `json:"name,omitempty"`
	Amount      *int64 `json:"amount,omitempty"` // fen, for all of Count
	Description string `json:"description,omitempty"`
	Count       *int64 `json:"count,omitempty"`
}

// Discount is what the merchant takes off (后付费商户优惠).
type Discount struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Amount      *int64 `json:"amount,omitempty"` // fen
	Count       *int64 `json:"count,omitempty"`
}

// goods may be the name of more than one item.
const goods = "商品信息"

func checkItems(payments []Payment, discounts []Discount) error {
	seen := map[string]bool{}
	for _, item := range payments {
		if item.Name == "" {
			continue
		}
		if seen[item.Name] && item.Name != goods {
			return invalid("后付费项目名称不能重复")
		}
		seen[item.Name] = true
		if item.Amount == nil && item.Description == "" {
			return invalid("后付费项目的金额和计费说明至少填写一个")
		}
	}
	clear(seen)
	for _, item := range discounts {
		if item.Name != "" && seen[item.Name] {
			return invalid("后付费商户优惠名称不能重复")
		}
		seen[item.Name] = true
		if (item.Name == "") != (item.Description == "") {
			return invalid("后付费商户优惠的名称和说明必须同时填写")
		}
	}
	return nil
}

// total is what items and discounts come to, in fen; more than any amount if it is too much to
// count.
func total(payments []Payment, discounts []Discount) int64 {
	var sum int64
	for _, item := range payments {
		if item.Amount != nil && sum > math.MaxInt64-*item.Amount {
			return math.MaxInt64
		}
		if item.Amount != nil {
			sum += *item.Amount
		}
	}
	for _, item := range discounts {
		if item.Amount != nil {
			sum -= *item.Amount
		}
	}
	return sum
}
