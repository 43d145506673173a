package front

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/fault"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// TestAnswersAreEncryptedForTheMerchant answers an operation that the simulator does not have yet:
// what its handler returns is plain.
func TestAnswersAreEncryptedForTheMerchant(t *testing.T) {
	t.Parallel()
	type bill struct {
		Sequence int64  `json:"bill_sequence"`
		Key      string `json:"encrypt_key"`
		Nonce    string `json:"nonce"`
	}
	type bills struct {
		Count int64  `json:"download_bill_count"`
		List  []bill `json:"download_bill_list"`
	}
	const secret = "the key of a bill, of 32 letters"
	tests := map[string]struct {
		result any
		err    error
		want   string // of the error, none if it succeeds
	}{
		"in each item of a list":            {bills{2, []bill{{1 << 60, secret, secret}, {2, "", "n"}}}, nil, ""},
		"where there is no item":            {bills{}, nil, ""},
		"where it is longer than it may be": {bills{1, []bill{{1, strings.Repeat("x", 215), ""}}}, nil, "500 SYSTEM_ERROR"},
		"where the call is refused":         {nil, &Refusal{Status: 404, Code: "NO_STATEMENT_EXIST", Message: "账单不存在"}, "404 NO_STATEMENT_EXIST"},
		"where the handler fails":           {bills{}, errors.New("out of paper"), "500 SYSTEM_ERROR"},
	}
	w := world.Default()
	if err := w.Complete(time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, f := newFront(t, w)
			f.Handle("GET /v3/payscore/merchant-bill", func(*store.Tx, *Call) (any, error) { return tt.result, tt.err })
			var res wechatpay.Response
			out, err := payscore.New(client).MerchantBill().Get(t.Context(), payscore.GetMerchantBillQuery{
				BillDate: "2026-11-24", EncryptionAlgorithm: payscore.EncryptionAlgorithmAeadAes256Gcm, ServiceID: world.ServiceID,
			}, wechatpay.Into(&res))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("it gives %v, want …%s…", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := tt.result.(bills)
			if out.DownloadBillCount != want.Count || len(out.DownloadBillList) != len(want.List) {
				t.Fatalf("answered %s", res.Body)
			}
			for i, got := range out.DownloadBillList {
				if string(got.EncryptKey) != want.List[i].Key || got.Nonce != want.List[i].Nonce || got.BillSequence != want.List[i].Sequence {
					t.Errorf("bill %d is %+v with the key %q, want %+v", i, got, string(got.EncryptKey), want.List[i])
				}
			}
			if len(want.List) == 2 && !strings.Contains(string(res.Body), `"encrypt_key":"",`) {
				t.Errorf("what is empty does not stay so: %s", res.Body)
			}
			if strings.Contains(string(res.Body), `"encrypt_key":"`+secret) {
				t.Errorf("the answer shows %s", res.Body)
			}
		})
	}
}

// newFront is a front that has no operation yet, and a client of it.
func newFront(t *testing.T, w *world.World) (*wechatpay.Client, *Front) {
	t.Helper()
	clk := clock.New(time.Now)
	st := store.New(clk.Business, nil)
	ring, err := keys.New(w, st, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &Front{Clock: clk, Store: st, Keys: ring, Log: new(Log), Faults: fault.New(nil, 0)}
	f.Route(catalog.Operations()...)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	m := w.Merchants[0]
	key, err := auth.ParsePrivateKey([]byte(m.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	text, err := ring.PublicKeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	public, err := auth.ParsePublicKey([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	client, err := wechatpay.New(wechatpay.Merchant{
		MchID: m.MchID, SerialNo: m.SerialNo, PrivateKey: key,
		PlatformKeys: []auth.PlatformKey{auth.PublicKey(world.PublicKeyID(m.MchID), public)},
	}, wechatpay.BaseURL(server.URL), wechatpay.MaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	return client, f
}
