package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
	"github.com/openwechatpay/wechatpay/webhook"
)

// stage is what the steps of the demo play on: a simulator, a service provider's client, the
// users, and a receiver of notifications.
type stage struct {
	*simulator
	merchant wechatpay.Merchant
	client   *wechatpay.Client
	impostor *wechatpay.Client // whose private key is not the merchant's
	users    *control.Client
	wire     *wire
	inbox    *inbox

	notifyURL string // the order number follows
	orders    int    // made so far
}

// newStage sets everything up. The calls of the clients go by transport. After an error the
// command ends, and what was opened with it.
func newStage(ctx context.Context, transport http.RoundTripper, stderr io.Writer) (*stage, error) {
	var listeners [3]net.Listener
	for i := range listeners {
		var err error
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	gateway, err := sim.New(sim.Config{})
	if err != nil {
		return nil, err
	}
	if transport == nil {
		transport = &http.Transport{}
	}
	s := &stage{simulator: serve(gateway, listeners[0], listeners[1], nil, stderr), wire: &wire{next: transport}}
	s.users = control.New(s.manageURL, http.DefaultClient)
	s.notifyURL = urlOf(listeners[2].Addr()) + "/notifications/"
	if err := s.makeClients(ctx); err != nil {
		s.Close()
		return nil, err
	}
	s.start(listeners[2], s.inbox, stderr)
	return s, nil
}

// makeClients makes what a service provider would, from the keys that the simulator made.
func (s *stage) makeClients(ctx context.Context) error {
	m, err := firstMerchant(ctx, s.simulator)
	if err != nil {
		return err
	}
	key, err := auth.ParsePrivateKey([]byte(m.PrivateKey))
	if err != nil {
		return err
	}
	pub, err := auth.ParsePublicKey([]byte(m.PublicKey))
	if err != nil {
		return err
	}
	s.merchant = wechatpay.Merchant{
		MchID: m.MchID, SerialNo: m.SerialNo, PrivateKey: key, APIv3Key: m.APIv3Key,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(m.PublicKeyID, pub)},
	}
	if s.client, err = s.newClient(s.merchant); err != nil {
		return err
	}
	other := s.merchant
	if other.PrivateKey, err = rsa.GenerateKey(rand.Reader, auth.MinBits); err != nil {
		return err
	}
	if s.impostor, err = s.newClient(other); err != nil {
		return err
	}
	receiver, err := webhook.New(webhook.Merchant{Verifier: s.client.Verifier(), APIv3Key: s.merchant.APIv3Key})
	s.inbox = &inbox{receiver: receiver}
	return err
}

func (s *stage) newClient(m wechatpay.Merchant) (*wechatpay.Client, error) {
	return wechatpay.New(m, wechatpay.BaseURL(s.baseURL), wechatpay.Transport(s.wire))
}

// newNumber is a merchant's order number (商户服务订单号) that was not used before.
func (s *stage) newNumber() string {
	s.orders++
	return fmt.Sprintf("demo%s%02d", time.Now().Format("20060102150405"), s.orders)
}

// order makes an order that its user has confirmed, and returns its number.
func (s *stage) order(ctx context.Context) (no string, err error) {
	no = s.newNumber()
	_, err = payscore.New(s.client).Partner().Serviceorder().Post(ctx, payscore.CreatePartnerServiceOrderRequest{
		ServiceID: world.ServiceID, AppID: world.AppID, SubMchID: world.SubMerchant, OutOrderNo: no,
		ServiceIntroduction: "雨伞租借",
		RiskFund:            payscore.RiskFund{Name: payscore.RiskFundNameDeposit, Amount: 5000},
		TimeRange:           payscore.TimeRange{StartTime: "OnAccept"},
		NotifyURL:           s.notifyURL + no,
	})
	if err != nil {
		return no, err
	}
	_, err = s.users.Confirm(ctx, control.Order{OutOrderNo: no})
	return no, err
}

// wire remembers the request that went over it last.
type wire struct {
	next http.RoundTripper

	mu          sync.Mutex
	method, url string
}

// RoundTrip is how requests go out.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.method, w.url = req.Method, req.URL.String()
	w.mu.Unlock()
	return w.next.RoundTrip(req)
}

func (w *wire) last() (method, url string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.method, w.url
}

// inbox receives notifications (回调通知).
type inbox struct {
	receiver *webhook.Receiver

	mu         sync.Mutex
	deliveries []delivery
}

// delivery is a notification as it came in.
type delivery struct {
	method, url, requestID string
	notification           *webhook.Notification // nil if it was refused
}

// ServeHTTP answers as WeChat Pay wants it: 204 to what was verified, else a 4xx.
func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := i.open(w, r)
	i.mu.Lock()
	i.deliveries = append(i.deliveries, delivery{r.Method, "http://" + r.Host + r.RequestURI, r.Header.Get("Request-ID"), n})
	i.mu.Unlock()
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (i *inbox) open(w http.ResponseWriter, r *http.Request) (*webhook.Notification, error) {
	receiver := i.receiver
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.DefaultMaxBody))
	if err != nil {
		return nil, err
	}
	n, err := receiver.Parse(r.Context(), r.Header, body)
	return n, err
}

// all returns the deliveries that were verified.
func (i *inbox) all() []delivery {
	i.mu.Lock()
	defer i.mu.Unlock()
	var verified []delivery
	for _, d := range i.deliveries {
		if d.notification != nil {
			verified = append(verified, d)
		}
	}
	return verified
}
