package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

const (
	outOrderNo = "1234323JKHDFE1243252"
	subMchID   = "1900000209"
	serviceID  = "500001"
	reason     = "用户取消"
)

// order is an answer of 1.4 kB.
const order = `{"appid":"wxd678efh567hg6787","mchid":"1900000109","sub_appid":"wxd678efh567hg6789","sub_mchid":"1900000209","out_order_no":"1234323JKHDFE1243252","service_id":"500001","openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","sub_openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6p","state":"DONE","state_description":"MCH_COMPLETE","total_amount":40000,"service_introduction":"某某酒店","post_payments":[{"name":"就餐费用服务费","amount":4000,"description":"就餐人均100元","count":4},{"name":"打包费","amount":36000,"description":"每份1元","count":4}],"post_discounts":[{"name":"满20减1元","description":"不与其他优惠叠加","amount":100,"count":2}],"risk_fund":{"name":"ESTIMATE_ORDER_COST","amount":50000,"description":"就餐的预估费用"},"time_range":{"start_time":"20091225091010","end_time":"20091225121010","start_time_remark":"备注1","end_time_remark":"备注2"},"location":{"start_location":"嗨客时尚主题展餐厅","end_location":"嗨客时尚主题展餐厅"},"attach":"Easdfowealsdkjfnlaksjdlfkwqoi&wl3l2sald","notify_url":"https://api.test.example/wechatpay/payscore/notifications","order_id":"15646546545165651651","need_collection":true,"collection":{"state":"USER_PAID","total_amount":40000,"paying_amount":0,"paid_amount":40000,"details":[{"seq":1,"amount":40000,"paid_type":"NEWTON","paid_time":"20091225091210","transaction_id":"15646546545165651651"}]}}`

func checkOrder(o *payscore.GetPartnerServiceOrderResponse) error {
	if o.TotalAmount != 40000 || len(o.Collection.Details) != 1 {
		return errors.New("the order came back as another one")
	}
	return nil
}

// answersNow signs the answers of both calls anew.
func (b *bench) answersNow() error {
	none, err := b.sign(nil)
	if err != nil {
		return err
	}
	some, err := b.sign([]byte(order))
	if err != nil {
		return err
	}
	return b.server.answerWith(map[string]answer{
		"POST /v3/payscore/partner/serviceorder/" + outOrderNo + "/cancel": {http.StatusNoContent, none, nil},
		"GET /v3/payscore/partner/serviceorder":                            {http.StatusOK, some, []byte(order)},
	})
}

type call func(context.Context) error

func cancelWith(c *wechatpay.Client) call {
	return func(ctx context.Context) error {
		_, err := payscore.New(c).Partner().Serviceorder().OutOrderNo(outOrderNo).Cancel().
			Post(ctx, payscore.CancelPartnerServiceOrderRequest{SubMchID: subMchID, Reason: reason})
		return err
	}
}

func queryWith(c *wechatpay.Client) call {
	return func(ctx context.Context) error {
		o, err := payscore.New(c).Partner().Serviceorder().
			Get(ctx, payscore.GetPartnerServiceOrderQuery{ServiceID: serviceID, SubMchID: subMchID, OutOrderNo: outOrderNo})
		if err != nil {
			return err
		}
		return checkOrder(o)
	}
}

// line makes calls with inFlight callers and keeps how long each call took.
type line struct {
	call     call
	inFlight int
	took     []float64 // nanoseconds
}

func (l *line) run(n int) error {
	took, errs := make([][]float64, l.inFlight), make([]error, l.inFlight)
	var callers sync.WaitGroup
	for i := range l.inFlight {
		callers.Go(func() {
			for range n / l.inFlight {
				began := time.Now()
				if errs[i] = l.call(context.Background()); errs[i] != nil {
					return
				}
				took[i] = append(took[i], float64(time.Since(began)))
			}
		})
	}
	callers.Wait()
	for _, some := range took {
		l.took = append(l.took, some...)
	}
	return errors.Join(errs...)
}

// twin is a call, by hand and with the SDK.
type twin struct {
	name  string
	floor func(*floor) call
	sdk   func(*wechatpay.Client) call
}

var twins = []twin{
	{"cancel, 204", func(f *floor) call { return f.cancel }, cancelWith},
	{fmt.Sprintf("query, %d bytes", len(order)), func(f *floor) call { return f.query }, queryWith},
}

// both are the two ways of a call that is signed by key.
func (b *bench) both(t twin, key crypto.Signer) (floor, sdk call, err error) {
	client, err := b.client(key, wechatpay.BaseURL(b.server.address))
	if err != nil {
		return nil, nil, err
	}
	return t.floor(b.floor(key)), t.sdk(client), b.answersNow()
}

func callsWithoutRSA(how effort, b *bench) ([]table, error) {
	t := table{
		title: "A call without the signature's RSA",
		says: "CPU time of a call in µs. Both sides sign with a crypto.Signer that returns a constant signature of 256 bytes, or with a key of 512 bits, " +
			"and verify a real signature of RSA-2048.",
		head: []string{"floor", "SDK", "SDK / floor (p5–p95)", "above, µs (p5–p95)"},
	}
	constant, err := b.constant()
	if err != nil {
		return nil, err
	}
	short, err := b.short()
	if err != nil {
		return nil, err
	}
	for _, by := range []struct {
		key  crypto.Signer
		name string
	}{{constant, "constant"}, {short, "512 bits"}} {
		for _, twin := range twins {
			for _, inFlight := range []int{1, 64} {
				r, err := b.withoutRSA(how, by.key, twin, inFlight)
				if err != nil {
					return nil, err
				}
				r.name = fmt.Sprintf("%s, %s, %d in flight", by.name, twin.name, inFlight)
				t.rows = append(t.rows, r)
			}
		}
	}
	return []table{t}, nil
}

func (b *bench) withoutRSA(how effort, key crypto.Signer, twin twin, inFlight int) (row, error) {
	floor, sdk, err := b.both(twin, key)
	if err != nil {
		return row{}, err
	}
	if inFlight == 1 {
		how.rounds *= 4 // for it is a small difference that is looked for, and a turn is short
	}
	all, err := compete(how, inFlight*how.each, (&line{call: floor, inFlight: inFlight}).run, (&line{call: sdk, inFlight: inFlight}).run)
	if err != nil {
		return row{}, err
	}
	ratio, more := over(all[1], all[0]), above(all[1], all[0])
	extra := between(spread{more.low / 1e3, more.median / 1e3, more.high / 1e3})
	extra.digits = 1
	return row{
		cells: []cell{micros(spreadOf(all[0]).median), micros(spreadOf(all[1]).median), between(ratio), extra},
		goals: []goal{atMost(ratio.median, 1.10, ""), atMost(more.median/1e3, 12, " µs")},
	}, nil
}

func allocations(_ effort, b *bench) ([]table, error) {
	t := table{
		title: "Allocations of a call",
		says:  "Without the server, which is another process.",
		head:  []string{"floor", "SDK", "above", "bytes of the floor", "bytes"},
	}
	key, err := b.constant()
	if err != nil {
		return nil, err
	}
	for _, twin := range twins {
		floor, sdk, err := b.both(twin, key)
		if err != nil {
			return nil, err
		}
		bare, bareBytes, err := allocs(func() error { return floor(context.Background()) })
		if err != nil {
			return nil, err
		}
		ours, ourBytes, err := allocs(func() error { return sdk(context.Background()) })
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, row{
			twin.name,
			[]cell{figure(bare, 0), figure(ours, 0), figure(ours-bare, 0), figure(bareBytes, 0), figure(ourBytes, 0)},
			[]goal{atMost(ours-bare, 15, "").asBudget()}, // 20 were asked for
		})
	}
	return []table{t}, nil
}

func connections(_ effort, b *bench) ([]table, error) {
	const callers, calls = 64, 2048
	t := table{
		title: "Connections",
		says:  fmt.Sprintf("Opened for %d calls at %d in flight, signed with crypto/rsa.", calls, callers),
		head:  []string{"connections", "for each caller"},
	}
	for _, of := range []struct {
		name string
		opts []wechatpay.Option
		goal bool
	}{
		{"default settings", nil, true},
		{"net/http's default transport", []wechatpay.Option{wechatpay.Transport(http.DefaultTransport.(*http.Transport).Clone())}, false},
	} {
		client, err := b.client(b.merchant, append(of.opts, wechatpay.BaseURL(b.server.address))...)
		if err != nil {
			return nil, err
		}
		if err := b.answersNow(); err != nil {
			return nil, err
		}
		before, err := b.server.connections()
		if err != nil {
			return nil, err
		}
		if err := (&line{call: cancelWith(client), inFlight: callers}).run(calls); err != nil {
			return nil, err
		}
		after, err := b.server.connections()
		if err != nil {
			return nil, err
		}
		r := row{name: of.name, cells: []cell{figure(float64(after-before), 0), figure(float64(after-before)/callers, 2)}}
		if of.goal {
			r.goals = []goal{atMost(float64(after-before)/callers, 2, "").asBudget()}
		}
		t.rows = append(t.rows, r)
	}
	return []table{t}, nil
}

// callsWithRSA lets both sides sign with crypto/rsa and with libcrypto, all four in turns.
func callsWithRSA(how effort, b *bench) ([]table, error) {
	calls := table{
		title: "A call with RSA-2048",
		says: "Cancel: CPU time in µs, calls per second and core that follow from it, and latency in ms, which includes the server " +
			"on the same cores and, beyond as many in flight as there are cores, the wait for one. " +
			"Differences under 3 % are noise.",
		head: []string{"floor, µs", "SDK, µs", "SDK / floor (p5–p95)", "calls/s/core", "p50", "p50 of the floor", "p99", "p99 of the floor"},
	}
	gain := table{
		title: "OpenSSL over crypto/rsa",
		says:  "Per second and core. Calls are those of the table before, in the same rounds.",
		head:  []string{"crypto/rsa", "openssl.Signer", "gain (p5–p95)"},
	}
	for _, inFlight := range []int{1, 8, 64} {
		how := how
		how.rounds = max(1, how.rounds/(1+inFlight/8)) // for their turns are longer
		signers := []crypto.Signer{b.merchant}
		if b.openssl != nil {
			signers = append(signers, b.openssl)
		}
		var lines []*line
		var contenders []contender
		for _, key := range signers {
			floor, sdk, err := b.both(twins[0], key)
			if err != nil {
				return nil, err
			}
			for _, c := range []call{floor, sdk} {
				lines = append(lines, &line{call: c, inFlight: inFlight})
				contenders = append(contenders, lines[len(lines)-1].run)
			}
		}
		all, err := compete(how, inFlight*how.each, contenders...)
		if err != nil {
			return nil, err
		}
		for i, name := range []string{"crypto/rsa", "openssl"} {
			r := row{name: fmt.Sprintf("%s, %d in flight", name, inFlight)}
			if 2*i >= len(all) {
				r.cells = without(len(calls.head))
			} else {
				r.cells = callCells(all[2*i], all[2*i+1], lines[2*i], lines[2*i+1])
			}
			calls.rows = append(calls.rows, r)
		}
		r := row{name: fmt.Sprintf("calls, %d in flight", inFlight)}
		if b.openssl == nil {
			r.cells = append([]cell{figure(perSecond(all[1]), 0)}, without(2)...)
		} else {
			times := over(all[1], all[3])
			r.cells = []cell{figure(perSecond(all[1]), 0), figure(perSecond(all[3]), 0), between(times)}
			r.goals = []goal{atLeast(times.median, 3, "")}
		}
		gain.rows = append(gain.rows, r)
	}
	signatures, err := b.signatures(how)
	if err != nil {
		return nil, err
	}
	gain.rows = append(gain.rows, signatures...)
	return []table{calls, gain}, nil
}

func callCells(floor, sdk series, floorLine, sdkLine *line) []cell {
	cells := []cell{micros(spreadOf(floor).median), micros(spreadOf(sdk).median), between(over(sdk, floor)), figure(perSecond(sdk), 0)}
	for _, part := range []float64{0.50, 0.99} {
		for _, l := range []*line{sdkLine, floorLine} {
			cells = append(cells, figure(percentile(l.took, part)/1e6, 2))
		}
	}
	return cells
}

func perSecond(s series) float64 { return 1e9 / spreadOf(s).median }

func without(n int) []cell {
	cells := make([]cell, n)
	for i := range cells {
		cells[i] = nothing("–")
	}
	return cells
}
