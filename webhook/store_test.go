package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/openwechatpay/wechatpay/webhook"
)

func TestMemoryRunsEachIDOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := webhook.NewMemory(10)
		release := make(chan error)
		var runs, nils, failures atomic.Int64
		for range 100 {
			go func() {
				err := m.Once(t.Context(), "a", func(context.Context) error { runs.Add(1); return <-release })
				if err == nil {
					nils.Add(1)
				} else {
					failures.Add(1)
				}
			}()
		}
		synctest.Wait()
		if runs.Load() != 1 || nils.Load() != 0 {
			t.Fatalf("%d run at once, %d do not wait", runs.Load(), nils.Load())
		}
		release <- errors.New("no stock") // so that the next one tries
		synctest.Wait()
		if runs.Load() != 2 || failures.Load() != 1 {
			t.Fatalf("after a failure %d ran, %d failed; want 2, 1", runs.Load(), failures.Load())
		}
		release <- nil
		synctest.Wait()
		if runs.Load() != 2 || nils.Load() != 99 {
			t.Errorf("in the end %d ran, %d succeeded; want 2, 99", runs.Load(), nils.Load())
		}
	})
}

func TestMemoryDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := webhook.NewMemory(10)
		release := make(chan error)
		go func() { _ = m.Once(t.Context(), "a", func(context.Context) error { return <-release }) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		waits := make(chan error)
		go func() { waits <- m.Once(ctx, "a", func(context.Context) error { panic("it is not its turn") }) }()
		synctest.Wait()
		cancel()
		if err := <-waits; !errors.Is(err, context.Canceled) {
			t.Errorf("waiting ends with %v", err)
		}
		if err := m.Once(ctx, "b", func(context.Context) error { panic("it is too late") }); !errors.Is(err, context.Canceled) {
			t.Errorf("beginning ends with %v", err)
		}
		release <- nil
	})
}

func TestMemoryLeavesWhatPanicsToTheNext(t *testing.T) {
	t.Parallel()
	m := webhook.NewMemory(10)
	func() {
		defer func() { _ = recover() }()
		_ = m.Once(t.Context(), "a", func(context.Context) error { panic("no shelf") })
	}()
	ran := false
	if err := m.Once(t.Context(), "a", func(context.Context) error { ran = true; return nil }); err != nil || !ran {
		t.Errorf("after a panic: %v, ran %v", err, ran)
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	t.Parallel()
	m := webhook.NewMemory(3)
	var ran []string
	once := func(id string) {
		if err := m.Once(t.Context(), id, func(context.Context) error { ran = append(ran, id); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range strings.Fields("a b c a b c d a b a d c") {
		once(id)
	}
	// d pushes a out, a b, b c, and c d.
	if got, want := fmt.Sprint(ran), "[a b c d a b c]"; got != want {
		t.Errorf("ran %s, want %s", got, want)
	}
	for i := range 10_000 {
		once(fmt.Sprint(i))
	}
	if n := webhook.Remembered(m); n != 3 {
		t.Errorf("remembers %d, want 3", n)
	}
}

func TestAMemoryThatNewMemoryDidNotMakeRefuses(t *testing.T) {
	t.Parallel()
	m := webhook.NewMemory(1)
	//lint:ignore SA1012 this is the mistake under test
	for _, err := range []error{m.Once(nil, "a", func(context.Context) error { return nil }), m.Once(t.Context(), "", func(context.Context) error { return nil }), m.Once(t.Context(), "a", nil)} {
		if err == nil || !strings.Contains(err.Error(), "needs a context, an id and a function") {
			t.Errorf("got %v", err)
		}
	}
	for _, m := range []*webhook.Memory{nil, new(webhook.Memory)} {
		if err := m.Once(t.Context(), "a", func(context.Context) error { return nil }); err == nil || !strings.Contains(err.Error(), "webhook.NewMemory") {
			t.Errorf("got %v", err)
		}
	}
}
