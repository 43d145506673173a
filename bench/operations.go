package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
)

// operation is what the SDK does with bytes, and the same by hand.
type operation struct {
	name       string
	floor, sdk func() error
	goal       float64 // of the ratio; 0 if there is none
	more       float64 // allocations than by hand, at most
}

func operations(how effort, b *bench) ([]table, error) {
	t := table{
		title: "Verification, webhooks, sensitive fields and XML",
		says: "CPU time in µs, and allocations. By hand it is the same with nothing but the standard library, but of answers in XML, " +
			"which encoding/xml only decodes: no signature is verified, nothing is refused.",
		head: []string{"floor", "SDK", "SDK / floor (p5–p95)", "allocations of the floor", "allocations"},
	}
	for _, some := range []func(*bench) ([]operation, error){verification, webhooks, fields, inXML} {
		operations, err := some(b)
		if err != nil {
			return nil, err
		}
		for _, o := range operations {
			all, err := compete(how, 1, each(o.floor), each(o.sdk))
			if err != nil {
				return nil, err
			}
			ratio := over(all[1], all[0])
			bare, _, err := allocs(o.floor)
			if err != nil {
				return nil, err
			}
			ours, _, err := allocs(o.sdk)
			if err != nil {
				return nil, err
			}
			r := row{name: o.name, cells: []cell{
				micros(spreadOf(all[0]).median), micros(spreadOf(all[1]).median), between(ratio), figure(bare, 0), figure(ours, 0),
			}}
			if o.goal != 0 {
				r.goals = append(r.goals, atMost(ratio.median, o.goal, ""))
			}
			r.goals = append(r.goals, atMost(ours-bare, o.more, " more").asBudget())
			t.rows = append(t.rows, r)
		}
	}
	return []table{t}, nil
}

func verification(b *bench) ([]operation, error) {
	body := []byte(order)
	header, err := b.sign(body)
	if err != nil {
		return nil, err
	}
	verifier, err := auth.NewVerifier(auth.PublicKey(keyID, &b.platform.PublicKey))
	if err != nil {
		return nil, err
	}
	return []operation{{
		name:  "verify an answer of 1.4 kB",
		floor: func() error { return verify(&b.platform.PublicKey, header, body) },
		sdk:   func() error { return verifier.Verify(context.Background(), header, body, time.Now()) },
		more:  2,
	}}, nil
}

// event is the resource of a notification of Pay Score (支付分): 1.1 kB.
const event = `{"appid":"wxd678efh567hg6787","mchid":"1230000109","sub_appid":"wxd678efh567hg6789","sub_mchid":"1900000109","out_order_no":"1234323JKHDFE1243252","service_id":"500001","sub_openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","state":"DONE","total_amount":40000,"service_introduction":"某某酒店","post_payments":[{"name":"就餐费用服务费","amount":4000,"description":"就餐人均100元","count":4},{"name":"打包费","amount":36000,"description":"每份1元","count":4}],"post_discounts":[{"name":"满20减1元","description":"不与其他优惠叠加","amount":100,"count":2}],"risk_fund":{"name":"ESTIMATE_ORDER_COST","amount":50000,"description":"就餐的预估费用"},"time_range":{"start_time":"20091225091010","end_time":"20091225121010","start_time_remark":"备注1","end_time_remark":"备注2"},"location":{"start_location":"嗨客时尚主题展餐厅","end_location":"嗨客时尚主题展餐厅"},"order_id":"15646546545165651651","need_collection":true,"collection":{"state":"USER_PAID","total_amount":40000,"paying_amount":0,"paid_amount":40000,"details":[{"seq":1,"amount":40000,"paid_type":"NEWTON","paid_time":"20091225091210","transaction_id":"15646546545165651651"}]}}`

// webhooks take an event from its bytes to its type: verified, decrypted, decoded.
func webhooks(b *bench) ([]operation, error) {
	const nonce, associated = "0123456789ab", "payscore"
	sealed, err := crypt.SealGCM(apiv3Key, nonce, associated, []byte(event))
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{
		"id": "EV-2018022511223320873", "create_time": "2024-11-24T16:00:00+08:00", "resource_type": "encrypt-resource",
		"event_type": "PAYSCORE.USER_PAID", "summary": "用户支付成功", "resource": map[string]any{
			"original_type": "payscore", "algorithm": "AEAD_AES_256_GCM", "nonce": nonce,
			"associated_data": associated, "ciphertext": base64.StdEncoding.EncodeToString(sealed),
		},
	})
	if err != nil {
		return nil, err
	}
	header, err := b.sign(body)
	if err != nil {
		return nil, err
	}
	verifier, err := auth.NewVerifier(auth.PublicKey(keyID, &b.platform.PublicKey))
	if err != nil {
		return nil, err
	}
	receiver, err := webhook.New(webhook.Merchant{Verifier: verifier, APIv3Key: apiv3Key})
	if err != nil {
		return nil, err
	}
	mux, err := webhook.NewMux(receiver, webhook.Remember(forgetful{}))
	if err != nil {
		return nil, err
	}
	webhook.On(mux, func(context.Context, webhook.Event[payscore.UserPaid]) error { return nil })
	byHand := func() error { return openByHand(&b.platform.PublicKey, header, body) }
	return []operation{
		{"open a notification", byHand, func() error {
			n, err := receiver.Parse(context.Background(), header, body)
			if err != nil {
				return err
			}
			e, err := webhook.Decode[payscore.UserPaid](n)
			return errors.Join(err, checkPaid(e.TotalAmount))
		}, 1.10, 15},
		{"answer a notification, with a Mux", byHand, func() error {
			if a := mux.Answer(context.Background(), header, body); a.StatusCode != http.StatusNoContent {
				return errors.New("the notification was refused")
			}
			return nil
		}, 0, 30},
	}, nil
}

// forgetful has each notification handled.
type forgetful struct{}

func (forgetful) Once(ctx context.Context, _ string, fn func(context.Context) error) error {
	return fn(ctx)
}

func checkPaid(amount int64) error {
	if amount != 40000 {
		return errors.New("the event came out as another one")
	}
	return nil
}

func openByHand(public *rsa.PublicKey, header http.Header, body []byte) error {
	if err := verify(public, header, body); err != nil {
		return err
	}
	var e struct {
		ID        string `json:"id"`
		EventType string `json:"event_type"`
		Resource  struct {
			Ciphertext     string `json:"ciphertext"`
			Nonce          string `json:"nonce"`
			AssociatedData string `json:"associated_data"`
		} `json:"resource"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	ciphertext, err := base64.StdEncoding.DecodeString(e.Resource.Ciphertext)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher([]byte(apiv3Key))
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	plaintext, err := aead.Open(nil, []byte(e.Resource.Nonce), ciphertext, []byte(e.Resource.AssociatedData))
	if err != nil {
		return err
	}
	var paid payscore.UserPaid
	if err := json.Unmarshal(plaintext, &paid); err != nil {
		return err
	}
	return checkPaid(paid.TotalAmount)
}

// fields are single sensitive fields (敏感信息字段).
func fields(b *bench) ([]operation, error) {
	const name = "张三"
	text, err := crypt.EncryptOAEP(&b.merchant.PublicKey, name)
	if err != nil {
		return nil, err
	}
	return []operation{
		{"encrypt a sensitive field", func() error {
			raw, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &b.platform.PublicKey, []byte(name), nil)
			if err == nil && base64.StdEncoding.EncodeToString(raw) == "" {
				err = errors.New("nothing came out")
			}
			return err
		}, func() error {
			_, err := crypt.EncryptOAEP(&b.platform.PublicKey, name)
			return err
		}, 0, 5},
		{"decrypt a sensitive field", func() error {
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return err
			}
			plain, err := b.merchant.Decrypt(rand.Reader, raw, &rsa.OAEPOptions{Hash: crypto.SHA1})
			if err == nil && string(plain) != name {
				err = errors.New("another name came out")
			}
			return err
		}, func() error {
			plain, err := crypt.DecryptOAEP(b.merchant, text)
			if err == nil && plain != name {
				err = errors.New("another name came out")
			}
			return err
		}, 0, 5},
	}, nil
}

// payment is a call of /pay/unifiedorder: 17 members, with the four that are added.
type payment struct {
	Body           string `xml:"body"`
	Detail         string `xml:"detail,omitempty"`
	Attach         string `xml:"attach,omitempty"`
	OutTradeNo     string `xml:"out_trade_no"`
	FeeType        string `xml:"fee_type,omitempty"`
	TotalFee       int64  `xml:"total_fee"`
	SpbillCreateIP string `xml:"spbill_create_ip"`
	TimeStart      string `xml:"time_start,omitempty"`
	TimeExpire     string `xml:"time_expire,omitempty"`
	NotifyURL      string `xml:"notify_url"`
	TradeType      string `xml:"trade_type"`
	OpenID         string `xml:"openid,omitempty"`
	Receipt        string `xml:"receipt,omitempty"`
}

func inXML(*bench) ([]operation, error) {
	in := payment{
		Body: "腾讯充值中心-QQ会员充值", Detail: `{"goods_detail":[{"goods_id":"iphone6s_16G","quantity":1,"price":528800}]}`, Attach: "深圳分店",
		OutTradeNo: "20150806125346", FeeType: "CNY", TotalFee: 528800, SpbillCreateIP: "123.12.12.123", TimeStart: "20091225091010", TimeExpire: "20091227091010",
		NotifyURL: "https://api.test.example/wechatpay/notifications", TradeType: "JSAPI", OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", Receipt: "Y",
	}
	text, err := signedXML(in)
	if err != nil {
		return nil, err
	}
	byHand, err := signedXMLByHand(in)
	if err != nil {
		return nil, err
	}
	if err := sameMembers(text, byHand); err != nil {
		return nil, err
	}
	return []operation{
		{"sign and write a call of APIv2", func() error {
			_, err := signedXMLByHand(in)
			return err
		}, func() error {
			_, err := signedXML(in)
			return err
		}, 0, 0},
		{"read and verify an answer of APIv2", func() error {
			var out payment
			return errors.Join(xml.Unmarshal(text, &out), checkPayment(out))
		}, func() error {
			m, err := xmlv2.Decode(text, xmlv2.Limits{Bytes: 1 << 20})
			if err != nil {
				return err
			}
			if err := auth.VerifyParams(apiv2Key, m.Texts(), auth.MD5, auth.HMACSHA256); err != nil {
				return err
			}
			var out payment
			return errors.Join(xmlv2.Unmarshal(m, &out), checkPayment(out))
		}, 0, 0},
	}, nil
}

// sameMembers tells whether two texts say the same: members may stand in another order.
func sameMembers(a, b []byte) error {
	limits := xmlv2.Limits{Bytes: 1 << 20}
	left, errA := xmlv2.Decode(a, limits)
	right, errB := xmlv2.Decode(b, limits)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if !maps.Equal(maps.Collect(left.Texts()), maps.Collect(right.Texts())) {
		return errors.New("the two ways to write a call in XML do not write the same")
	}
	return nil
}

func checkPayment(p payment) error {
	if p.TotalFee != 528800 {
		return errors.New("the payment came back as another one")
	}
	return nil
}

func signedXML(in payment) ([]byte, error) {
	m, err := xmlv2.Marshal(in)
	if err != nil {
		return nil, err
	}
	m.Set("appid", "wx2421b1c4370ec43b")
	m.Set("mch_id", "10000100")
	m.Set("nonce_str", "1add1a30ac87aa2db72f57a2375d8fec")
	sign, err := auth.MD5.Sign(apiv2Key, m.Texts())
	if err != nil {
		return nil, err
	}
	m.Set("sign", sign)
	return xmlv2.Encode(xmlv2.Root, m)
}

// signedXMLByHand knows the names of the members, and so needs no reflection.
func signedXMLByHand(in payment) ([]byte, error) {
	type member struct{ name, text string }
	members := []member{
		{"appid", "wx2421b1c4370ec43b"}, {"mch_id", "10000100"}, {"nonce_str", "1add1a30ac87aa2db72f57a2375d8fec"},
		{"body", in.Body}, {"detail", in.Detail}, {"attach", in.Attach}, {"out_trade_no", in.OutTradeNo}, {"fee_type", in.FeeType},
		{"total_fee", strconv.FormatInt(in.TotalFee, 10)}, {"spbill_create_ip", in.SpbillCreateIP}, {"time_start", in.TimeStart},
		{"time_expire", in.TimeExpire}, {"notify_url", in.NotifyURL}, {"trade_type", in.TradeType}, {"openid", in.OpenID}, {"receipt", in.Receipt},
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	var text, body bytes.Buffer
	body.WriteString("<xml>")
	for _, m := range members {
		for _, s := range [...]string{m.name, "=", m.text, "&"} {
			text.WriteString(s)
		}
		body.WriteString("<" + m.name + ">")
		if err := xml.EscapeText(&body, []byte(m.text)); err != nil {
			return nil, err
		}
		body.WriteString("</" + m.name + ">")
	}
	text.WriteString("key=" + apiv2Key)
	digest := md5.Sum(text.Bytes())
	body.WriteString("<sign>" + strings.ToUpper(hex.EncodeToString(digest[:])) + "</sign></xml>")
	return body.Bytes(), nil
}
