package notify

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is what APIv2 tells of a refund, also of one that was made by APIv3.

// Refund is what a notification of a refund by APIv2 (退款结果通知) tells.
type Refund struct {
	OutRefundNo, RefundID     string
	OutTradeNo, TransactionID string

	Account    string // refund_account, whose money it is
	Received   string // refund_recv_accout, where it goes
	Status     string // SUCCESS, CHANGE, REFUNDCLOSE
	Fee, Total int64  // fen
	Succeeded  time.Time
}

// Message is r as the members of req_info.
func (r Refund) Message() xmlv2.Members {
	total, fee := strconv.FormatInt(r.Total, 10), strconv.FormatInt(r.Fee, 10)
	message := xmlv2.Members{
		{Name: "out_refund_no", Text: r.OutRefundNo}, {Name: "out_trade_no", Text: r.OutTradeNo}, {Name: "refund_account", Text: r.Account},
		{Name: "refund_fee", Text: fee}, {Name: "refund_id", Text: r.RefundID}, {Name: "refund_recv_accout", Text: r.Received},
		{Name: "refund_request_source", Text: "API"}, {Name: "refund_status", Text: r.Status}, {Name: "settlement_refund_fee", Text: fee},
		{Name: "settlement_total_fee", Text: total}, {Name: "total_fee", Text: total}, {Name: "transaction_id", Text: r.TransactionID},
	}
	if r.Status == "SUCCESS" {
		message.Set("success_time", r.Succeeded.In(clock.Beijing).Format(time.DateTime))
	}
	return message
}

// statuses are what the events of refunds by APIv3 are called in APIv2.
var statuses = map[string]string{"REFUND.SUCCESS": "SUCCESS", "REFUND.ABNORMAL": "CHANGE", "REFUND.CLOSED": "REFUNDCLOSE"}

// refundOf reads the resource of a refund by APIv3.
func refundOf(n *Notification) (Refund, error) {
	var said struct {
		OutTradeNo          string `json:"out_trade_no"`
		TransactionID       string `json:"transaction_id"`
		OutRefundNo         string `json:"out_refund_no"`
		RefundID            string `json:"refund_id"`
		SuccessTime         string `json:"success_time"` // "" where the refund was closed
		UserReceivedAccount string `json:"user_received_account"`
		FundSource          string `json:"fund_source"`
		Amount              struct {
			Total  int64 `json:"total"`
			Refund int64 `json:"refund"`
		} `json:"amount"`
	}
	if json.Unmarshal(n.Resource, &said) != nil {
		return Refund{}, errors.New("not delivered: its resource is not that of a refund, so it has no form of APIv2")
	}
	r := Refund{
		OutRefundNo: said.OutRefundNo, RefundID: said.RefundID, OutTradeNo: said.OutTradeNo, TransactionID: said.TransactionID,
		Account: cmp.Or(said.FundSource, "REFUND_SOURCE_UNSETTLED_FUNDS"), Received: cmp.Or(said.UserReceivedAccount, "支付用户零钱"),
		Status: statuses[n.EventType], Fee: said.Amount.Refund, Total: said.Amount.Total, Succeeded: n.CreateTime,
	}
	if at, err := time.Parse(time.RFC3339, said.SuccessTime); err == nil {
		r.Succeeded = at
	}
	return r, nil
}

// asV2 is the notification of a refund by APIv3 as it arrives where the refund had no notify_url, but the
// merchant's account has one.
func (s *Service) asV2(n *Notification) (*Notification, error) {
	m := s.World.Merchant(n.MchID)
	if m == nil {
		return nil, fmt.Errorf("there is no merchant %s", n.MchID)
	}
	r, err := refundOf(n)
	if err != nil {
		return nil, err
	}
	resource, err := json.Marshal(maps.Collect(r.Message().Texts()))
	if err != nil {
		return nil, err
	}
	after := *n
	after.EventType, after.Resource, after.V2 = world.EventV2Refund, resource, &V2{Sealed: true}
	if len(m.AppIDs) > 0 {
		after.V2.AppID = m.AppIDs[0]
	}
	return &after, nil
}
