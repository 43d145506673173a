package v3_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/crypt"
	abnormalfundprocessing "github.com/openwechatpay/wechatpay/v3/abnormal-fund-processing"
	"github.com/openwechatpay/wechatpay/v3/brand"
	"github.com/openwechatpay/wechatpay/v3/businesscircle"
	combinetransactions "github.com/openwechatpay/wechatpay/v3/combine-transactions"
	creditrepayment "github.com/openwechatpay/wechatpay/v3/credit-repayment"
	discountcard "github.com/openwechatpay/wechatpay/v3/discount-card"
	"github.com/openwechatpay/wechatpay/v3/ecommerce"
	edupapay "github.com/openwechatpay/wechatpay/v3/edu-papay"
	"github.com/openwechatpay/wechatpay/v3/eduschoolpay"
	fundapp "github.com/openwechatpay/wechatpay/v3/fund-app"
	"github.com/openwechatpay/wechatpay/v3/global"
	hirepowerbank "github.com/openwechatpay/wechatpay/v3/hire-power-bank"
	"github.com/openwechatpay/wechatpay/v3/inspolicymgr"
	"github.com/openwechatpay/wechatpay/v3/marketing"
	mchmanage "github.com/openwechatpay/wechatpay/v3/mch-manage"
	medins "github.com/openwechatpay/wechatpay/v3/med-ins"
	"github.com/openwechatpay/wechatpay/v3/merchant"
	merchantriskmanage "github.com/openwechatpay/wechatpay/v3/merchant-risk-manage"
	merchantservice "github.com/openwechatpay/wechatpay/v3/merchant-service"
	newtaxcontrolfapiao "github.com/openwechatpay/wechatpay/v3/new-tax-control-fapiao"
	"github.com/openwechatpay/wechatpay/v3/offlineface"
	"github.com/openwechatpay/wechatpay/v3/papay"
	"github.com/openwechatpay/wechatpay/v3/parking"
	"github.com/openwechatpay/wechatpay/v3/pay"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/v3/platsolution"
	"github.com/openwechatpay/wechatpay/v3/profitsharing"
	"github.com/openwechatpay/wechatpay/v3/refund"
	"github.com/openwechatpay/wechatpay/v3/security"
	transactionblock "github.com/openwechatpay/wechatpay/v3/transaction-block"
	"github.com/openwechatpay/wechatpay/v3/transfer"
	"github.com/openwechatpay/wechatpay/v3/vehicle"
	"github.com/openwechatpay/wechatpay/v3/webizpay"
	"github.com/openwechatpay/wechatpay/webhook"
)

// handled is the type of every event, as a program that handles all would list them.
var handled = []func(m *webhook.Mux, got *received){
	keep[abnormalfundprocessing.TransferSuccess],
	keep[brand.PointExchangeCoupon],
	keep[brand.SyncUserPoint],
	keep[brand.UserCardCreate],
	keep[brand.UserCardDelete],
	keep[businesscircle.MallAuthActivateCard],
	keep[businesscircle.MallRefundSuccess],
	keep[businesscircle.MallTransactionSuccess],
	keep[combinetransactions.SettlementSuccess],
	keep[creditrepayment.DeductionPay],
	keep[creditrepayment.SignContract],
	keep[creditrepayment.TerminateContract],
	keep[discountcard.AgreementEnded],
	keep[discountcard.GetCard],
	keep[discountcard.Settlement],
	keep[discountcard.UserAccepted],
	keep[discountcard.UserPaid],
	keep[ecommerce.EcommerceEntrustSign],
	keep[ecommerce.EcommerceEntrustTerminate],
	keep[edupapay.EntrustRelease],
	keep[edupapay.EntrustSigning],
	keep[eduschoolpay.UserDebtStateUpdate],
	keep[eduschoolpay.TransactionIndustryFailed],
	keep[eduschoolpay.TransactionIndustrySuccess],
	keep[fundapp.BudgetClosed],
	keep[fundapp.BudgetFinished],
	keep[fundapp.BudgetLocked],
	keep[fundapp.AuthorizationClosed],
	keep[fundapp.AuthorizationConfirmed],
	keep[fundapp.BillFinished],
	keep[fundapp.QQWalletBillFinished],
	keep[global.ApplymentStateApproved],
	ask[global.CrossBorderPayGetMchInfo, global.CrossBorderPayGetMchInfoAnswer],
	ask[global.CrossBorderPayPushOrderInfo, global.CrossBorderPayPushOrderInfoAnswer],
	keep[global.PapaySign],
	keep[global.PapayTerminate],
	keep[hirepowerbank.ReceiveInsurance],
	keep[inspolicymgr.PolicyGranted],
	keep[marketing.CouponSend],
	keep[marketing.CouponUse],
	keep[marketing.DeliveryPlanChange],
	keep[marketing.MembercardAcceptCard],
	keep[marketing.MembercardActivateCard],
	keep[marketing.MembercardUsercardManage],
	keep[marketing.ProductCouponImageGeneration],
	keep[marketing.ProductCouponSend],
	keep[mchmanage.ManageRecordChange],
	keep[medins.OrderSuccess],
	keep[merchantriskmanage.RiskTradeIdentification],
	keep[merchantriskmanage.ViolationAppeal],
	keep[merchantriskmanage.ViolationIntercept],
	keep[merchantriskmanage.ViolationPunish],
	keep[merchantservice.ComplaintCreate],
	keep[merchantservice.ComplaintStateChange],
	keep[merchant.WithdrawChange],
	keep[merchant.MerchantNotifyNotify],
	keep[newtaxcontrolfapiao.FapiaoCardDiscarded],
	keep[newtaxcontrolfapiao.FapiaoCardInserted],
	keep[newtaxcontrolfapiao.FapiaoIssued],
	keep[newtaxcontrolfapiao.FapiaoReversed],
	keep[newtaxcontrolfapiao.FapiaoUserApplied],
	keep[offlineface.FacepayUserStateChange],
	keep[papay.EntrustSign],
	keep[papay.EntrustTerminate],
	keep[papay.EntrustTerminateInquiry],
	ask[papay.EntrustTerminateRetention, papay.EntrustTerminateRetentionAnswer],
	keep[papay.InsuranceEntrustRenew],
	keep[papay.InsuranceEntrustSign],
	keep[papay.InsuranceEntrustTerminate],
	ask[parking.ParkingFeeQueryTransInfo, parking.ParkingFeeQueryTransInfoAnswer],
	keep[pay.TransactionSuccess],
	keep[payscore.BindServiceAccount],
	keep[payscore.MchPrepay],
	keep[payscore.UserAccepted],
	keep[payscore.UserCancelSignPlan],
	keep[payscore.UserCloseService],
	keep[payscore.UserConfirm],
	keep[payscore.UserOpenService],
	keep[payscore.UserPaid],
	keep[payscore.UserSignPlan],
	keep[platsolution.RechargeClosed],
	keep[platsolution.RechargeFundReturned],
	keep[platsolution.RechargeSuccess],
	keep[profitsharing.ProfitsharingReturn],
	keep[profitsharing.ProfitsharingSuccess],
	keep[refund.RefundAbnormal],
	keep[refund.RefundClosed],
	keep[refund.RefundSuccess],
	keep[security.SecurityEchoSuccess],
	keep[transactionblock.BlockRecordChange],
	keep[transactionblock.BlockSubmissionChange],
	keep[transfer.BatchClosed],
	keep[transfer.BatchFinished],
	keep[vehicle.TransactionFail],
	keep[vehicle.TransactionPayBack],
	keep[vehicle.EntranceStateChange],
	keep[vehicle.UserStateChange],
	keep[webizpay.Authorized],
	keep[webizpay.PaymentRefundSuccess],
	keep[webizpay.PaymentSuccess],
	keep[webizpay.QuotaCardExpired],
	keep[webizpay.Revoked],
}

// received is what the function for an event was given last, and its type.
type received struct {
	event any
	of    string
}

func keep[T interface{ EventTypes() []string }](m *webhook.Mux, got *received) {
	webhook.On(m, func(_ context.Context, e webhook.Event[T]) error {
		*got = received{e.Data, e.Data.EventTypes()[0]}
		return nil
	})
}

// ask answers with an empty R, and signs whatever it is.
func ask[T interface{ EventTypes() []string }, R any](m *webhook.Mux, got *received) {
	webhook.Reply(m, func(_ context.Context, e webhook.Event[T]) (answer R, err error) {
		*got = received{e.Data, e.Data.EventTypes()[0]}
		return answer, nil
	}, webhook.SignedBy(func(context.Context, []byte) (string, error) { return "signed", nil }))
}

// signedByAnyone leaves signatures to the tests of webhook.
type signedByAnyone struct{}

func (signedByAnyone) Verify(context.Context, http.Header, []byte, time.Time) error { return nil }

// TestEveryNotificationReachesItsType delivers each of the catalog's under each of its event types, with all
// its fields, to one Mux that handles all. What the types make of it has the same fields again.
func TestEveryNotificationReachesItsType(t *testing.T) {
	t.Parallel()
	const apiv3Key = "v3key-0123456789abcdef0123456789"
	receiver, err := webhook.New(webhook.Merchant{Verifier: signedByAnyone{}, APIv3Key: apiv3Key})
	if err != nil {
		t.Fatal(err)
	}
	m, err := webhook.NewMux(receiver)
	if err != nil {
		t.Fatal(err)
	}
	var got received
	for _, handle := range handled {
		handle(m, &got)
	}
	m.Default(func(_ context.Context, n *webhook.Notification) error { got = received{nil, "default"}; return nil })
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	all := c.Notifications()
	if len(all) != len(handled) {
		t.Errorf("the catalog has %d notifications, and %d are handled here", len(all), len(handled))
	}
	var aliases []string // that two notifications of one product have
	for _, n := range all {
		for _, eventType := range n.EventTypes {
			body := notification(t, apiv3Key, n, eventType)
			got = received{}
			answer := m.Answer(t.Context(), nil, body)
			if eventType != n.EventTypes[0] && got.of == "default" {
				aliases = append(aliases, n.EventTypes[0]+" as "+eventType)
				continue
			}
			want := http.StatusNoContent
			if n.Answer != nil {
				want = http.StatusOK
			}
			if answer.StatusCode != want || got.of != n.EventTypes[0] {
				t.Errorf("%s, delivered as %s, was answered %d %s, and came as %s", n.EventTypes[0], eventType, answer.StatusCode, answer.Body, got.of)
				continue
			}
			var came, sent any
			if json.Unmarshal(marshal(got.event), &came) != nil || json.Unmarshal(marshal(sampleObject(n.Resource.Fields)), &sent) != nil ||
				!reflect.DeepEqual(pruned(came), pruned(sent)) {
				t.Errorf("%s came as\n%s\nof\n%s", n.EventTypes[0], marshal(came), marshal(sent))
			}
		}
	}
	if want := "[PROFITSHARING.RETURN as TRANSACTION.SUCCESS PROFITSHARING.SUCCESS as TRANSACTION.SUCCESS]"; fmt.Sprint(aliases) != want {
		t.Errorf("nothing tells which are %v, want %s", aliases, want)
	}
}

// notification is a body as WeChat Pay would send it.
func notification(t *testing.T, apiv3Key string, n *catalog.Notification, eventType string) []byte {
	t.Helper()
	ciphertext, err := crypt.SealGCM(apiv3Key, "0123456789ab", "", marshal(sampleObject(n.Resource.Fields)))
	if err != nil {
		t.Fatal(err)
	}
	resource := map[string]string{"algorithm": "AEAD_AES_256_GCM", "nonce": "0123456789ab", "ciphertext": base64.StdEncoding.EncodeToString(ciphertext)}
	if len(n.OriginalTypes) > 0 {
		resource["original_type"] = n.OriginalTypes[0]
	}
	body, err := json.Marshal(map[string]any{"id": rand.Text(), "event_type": eventType, "resource": resource})
	if err != nil {
		t.Fatal(err)
	}
	return body
}
