package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/openssl"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// simulator measures queries, without a network, beside the two RSA operations that each of them takes:
// the request's signature is checked, the answer is signed.
func simulator(how effort, b *bench) ([]table, error) {
	t := table{
		title: "The simulator",
		says:  "Signed queries of one order, handed to the gateway without a network, and what its two RSA operations would allow for.",
		head:  []string{"requests/s/core", "RSA alone/s/core", "RSA's part (p5–p95)"},
	}
	standard, err := simulated(how, "answers signed with crypto/rsa", nil)
	if err != nil {
		return nil, err
	}
	t.rows = append(t.rows, standard)
	fast := row{name: "with OpenSSL", cells: without(len(t.head))}
	if b.openssl != nil {
		fast, err = simulated(how, "with OpenSSL", openssl.SignerOr)
	}
	t.rows = append(t.rows, fast)
	return []table{t}, err
}

func simulated(how effort, name string, signer func(*rsa.PrivateKey) crypto.Signer) (row, error) {
	gateway, err := sim.New(sim.Config{Signer: signer})
	if err != nil {
		return row{}, err
	}
	defer gateway.Close()
	m := gateway.World().Merchant(world.ServiceProvider)
	key, err := auth.ParsePrivateKey([]byte(m.PrivateKey))
	if err != nil {
		return row{}, err
	}
	platform, err := auth.ParsePrivateKey([]byte(gateway.World().Platform.PrivateKey))
	if err != nil {
		return row{}, err
	}
	target, err := ordered(gateway, wechatpay.Merchant{
		MchID: m.MchID, SerialNo: m.SerialNo, PrivateKey: key,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(world.PublicKeyID(m.MchID), &platform.PublicKey)},
	})
	if err != nil {
		return row{}, err
	}
	caller, err := auth.NewSigner(m.MchID, m.SerialNo, key)
	if err != nil {
		return row{}, err
	}
	query, err := signedQuery(gateway, caller, target)
	if err != nil {
		return row{}, err
	}
	var signs crypto.Signer = platform
	if signer != nil {
		signs = signer(platform)
	}
	text := auth.RequestText(http.MethodGet, target, "1", "1", nil)
	signature, err := auth.Sign(platform, text)
	if err != nil {
		return row{}, err
	}
	all, err := compete(how, 1, each(func() error {
		_, err := auth.Sign(signs, text)
		return errors.Join(err, auth.Verify(&platform.PublicKey, text, signature))
	}), each(query))
	if err != nil {
		return row{}, err
	}
	return row{name: name, cells: []cell{figure(perSecond(all[1]), 0), figure(perSecond(all[0]), 0), between(over(all[0], all[1]))}}, nil
}

// ordered makes an order, and returns the target that queries it.
func ordered(gateway *sim.Gateway, m wechatpay.Merchant) (target string, err error) {
	client, err := wechatpay.New(m, wechatpay.Transport(into{gateway}))
	if err != nil {
		return "", err
	}
	_, err = payscore.New(client).Partner().Serviceorder().Post(context.Background(), payscore.CreatePartnerServiceOrderRequest{
		OutOrderNo: outOrderNo, ServiceID: world.ServiceID, AppID: world.AppID, SubMchID: world.SubMerchant,
		ServiceIntroduction: "充电宝", TimeRange: payscore.TimeRange{StartTime: "OnAccept"},
		RiskFund: payscore.RiskFund{Name: payscore.RiskFundNameDeposit, Amount: 10000}, NotifyURL: "https://example.com/notify",
	})
	return "/v3/payscore/partner/serviceorder?sub_mchid=" + world.SubMerchant + "&out_order_no=" + outOrderNo, err
}

// signedQuery is a request that is signed once: the gateway accepts it for five minutes, as the real one does.
func signedQuery(gateway *sim.Gateway, signer *auth.Signer, target string) (func() error, error) {
	a, err := signer.Authorize(http.MethodGet, target, nil, time.Now())
	if err != nil {
		return nil, err
	}
	header := http.Header{"Authorization": {a.Header()}, "Accept": {"*/*"}, "User-Agent": {"bench"}}
	path, query, _ := strings.Cut(target, "?")
	return func() error {
		w := httptest.NewRecorder()
		gateway.ServeHTTP(w, &http.Request{
			Method: http.MethodGet, RequestURI: target, URL: &url.URL{Path: path, RawQuery: query}, Host: "localhost",
			Header: header, Body: io.NopCloser(bytes.NewReader(nil)),
		})
		if w.Code != http.StatusOK {
			return fmt.Errorf("the simulator answered a query with %d", w.Code)
		}
		return nil
	}, nil
}

// into sends to a gateway without a network.
type into struct{ gateway http.Handler }

func (t into) RoundTrip(req *http.Request) (*http.Response, error) {
	incoming := req.Clone(req.Context())
	incoming.RequestURI = req.URL.RequestURI()
	if incoming.Body == nil {
		incoming.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	t.gateway.ServeHTTP(w, incoming)
	return w.Result(), nil
}
