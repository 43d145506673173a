package wechatpay_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay"
)

var errCall = errors.New("the call failed")

func value[T any](v T, err error) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return v, err }
}

func TestAFutureGivesItsResultToEveryoneWhoWaits(t *testing.T) {
	t.Parallel()
	f := wechatpay.Async(t.Context(), value(7, nil))
	for range 3 {
		if v, err := f.Wait(t.Context()); v != 7 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
	}
	<-f.Done()
}

func TestThen(t *testing.T) {
	t.Parallel()
	var seen []int
	see := func(v int) error { seen = append(seen, v); return nil }
	tests := map[string]struct {
		future *wechatpay.Future[int]
		want   error
		text   string
	}{
		"then runs with the value":                    {wechatpay.Async(t.Context(), value(1, nil)).Then(see), nil, ""},
		"then is passed by after an error":            {wechatpay.Async(t.Context(), value(2, errCall)).Then(see), errCall, ""},
		"an error of then is the future's":            {wechatpay.Async(t.Context(), value(3, nil)).Then(func(int) error { return errCall }), errCall, ""},
		"a second then is passed by after an error":   {wechatpay.Async(t.Context(), value(4, nil)).Then(func(int) error { return errCall }).Then(see), errCall, ""},
		"a panic in then is the future's error":       {wechatpay.Async(t.Context(), value(5, nil)).Then(func(int) error { panic("oh") }), nil, "panic in an asynchronous call: oh"},
		"a panic in the call is the future's error":   {wechatpay.Async(t.Context(), func(context.Context) (int, error) { panic("oh") }), nil, "panic in an asynchronous call: oh"},
		"a goroutine that ends is the future's error": {wechatpay.Async(t.Context(), func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }), nil, "ended without a result"},
		"no function is the future's error":           {wechatpay.Async[int](t.Context(), nil), nil, "was given no function"},
		"no future is an error":                       {(*wechatpay.Future[int])(nil), nil, "no call to wait for"},
		"a future of nobody is an error":              {new(wechatpay.Future[int]), nil, "no call to wait for"},
		"then of no future is an error":               {(*wechatpay.Future[int])(nil).Then(see), nil, "no call to wait for"},
		"no function in then changes nothing":         {wechatpay.Async(t.Context(), value(6, nil)).Then(nil), nil, ""},
	}
	for name, tt := range tests {
		_, err := tt.future.Wait(t.Context())
		if tt.want != nil && !errors.Is(err, tt.want) || tt.text != "" && (err == nil || !strings.Contains(err.Error(), tt.text)) || tt.want == nil && tt.text == "" && err != nil {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	if !slices.Equal(seen, []int{1}) {
		t.Errorf("then saw %v, want [1]", seen)
	}
}

func TestMapAndAll(t *testing.T) {
	t.Parallel()
	one, two := wechatpay.Async(t.Context(), value(1, nil)), wechatpay.Async(t.Context(), value(2, nil))
	failed := wechatpay.Async(t.Context(), value(0, errCall))
	text := wechatpay.Map(two, func(v int) (string, error) { return strings.Repeat("x", v), nil })
	if v, err := text.Wait(t.Context()); v != "xx" || err != nil {
		t.Errorf("mapped to %q, %v", v, err)
	}
	if v, err := wechatpay.All(one, two).Wait(t.Context()); !slices.Equal(v, []int{1, 2}) || err != nil {
		t.Errorf("all gave %v, %v", v, err)
	}
	if v, err := wechatpay.All(one, failed, two).Wait(t.Context()); !slices.Equal(v, []int{1, 0, 2}) || !errors.Is(err, errCall) {
		t.Errorf("all gave %v, %v", v, err)
	}
}

func TestWhatIsNotThereIsAnErrorAndNotWaitedFor(t *testing.T) {
	t.Parallel()
	none := (*wechatpay.Future[int])(nil)
	<-none.Done()
	if _, err := wechatpay.All(wechatpay.Async(t.Context(), value(1, nil)), none).Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "no call to wait for") {
		t.Errorf("all gave %v", err)
	}
	//lint:ignore SA1012 this is the mistake under test
	if _, err := wechatpay.Async(t.Context(), value(1, nil)).Wait(nil); err == nil || !strings.Contains(err.Error(), "the context of Wait is nil") {
		t.Errorf("without a context the error is %v", err)
	}
}

func TestTheContextOfWaitEndsTheWaitingAndThatOfAsyncTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := wechatpay.Async(ctx, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := f.Wait(short); !errors.Is(err, context.DeadlineExceeded) || wechatpay.OutcomeOf(err) != wechatpay.Unknown {
			t.Errorf("waiting ended with %v", err)
		}
		select {
		case <-f.Done():
			t.Error("the call ended with the waiting")
		default:
		}
		cancel()
		if _, err := f.Wait(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("the call ended with %v", err)
		}
	}) // fails if a goroutine is left behind
}

type node struct{ c *wechatpay.Client }

func (n node) Get(ctx context.Context, in cancelQuery, opts ...wechatpay.CallOption) (*order, error) {
	return wechatpay.Call(ctx, n.c, "GET", "/v3/x", nil, in, opts, new(order))
}
func (n node) Post(ctx context.Context, in cancelRequest, opts ...wechatpay.CallOption) (*wechatpay.Response, error) {
	return wechatpay.Send(ctx, n.c, "POST", "/v3/x", nil, in, opts)
}
func (n node) Put(ctx context.Context, in cancelRequest, opts ...wechatpay.CallOption) (*order, error) {
	return wechatpay.Call(ctx, n.c, "PUT", "/v3/x", nil, in, opts, new(order))
}
func (n node) Patch(ctx context.Context, in cancelRequest, opts ...wechatpay.CallOption) (*order, error) {
	return wechatpay.Call(ctx, n.c, "PATCH", "/v3/x", nil, in, opts, new(order))
}
func (n node) Delete(ctx context.Context, in cancelRequest, opts ...wechatpay.CallOption) (*order, error) {
	return wechatpay.Call(ctx, n.c, "DELETE", "/v3/x", nil, in, opts, new(order))
}

type cancelQuery struct {
	SubMchID string `query:"sub_mchid"`
}

func TestEveryVerbOfATypedNodeRunsInTheBackground(t *testing.T) {
	t.Parallel()
	g := &gateway{status: 200, body: `{"state":"DONE"}`}
	n := node{newClient(t, g)}
	in := cancelRequest{SubMchID: "1", Reason: "2"}
	isDone := func(out *order) error {
		if out.State != "DONE" {
			t.Errorf("decoded %+v", out)
		}
		return nil
	}
	for method, call := range map[string]func() error{
		"GET": func() error {
			_, err := wechatpay.GetAsync(t.Context(), n, cancelQuery{"1"}).Then(isDone).Wait(t.Context())
			return err
		},
		"POST": func() error { _, err := wechatpay.PostAsync(t.Context(), n, in).Wait(t.Context()); return err },
		"PUT": func() error {
			_, err := wechatpay.PutAsync(t.Context(), n, in).Then(isDone).Wait(t.Context())
			return err
		},
		"PATCH": func() error {
			_, err := wechatpay.PatchAsync(t.Context(), n, in).Then(isDone).Wait(t.Context())
			return err
		},
		"DELETE": func() error {
			_, err := wechatpay.DeleteAsync(t.Context(), n, in).Then(isDone).Wait(t.Context())
			return err
		},
	} {
		if err := call(); err != nil || g.last.Method != method {
			t.Errorf("%s sent %s, %v", method, g.last.Method, err)
		}
	}
}
