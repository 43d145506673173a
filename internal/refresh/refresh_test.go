package refresh_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/refresh"
)

// fake is what is downloaded: the certificates, after a while, or an error.
type fake struct {
	*refresh.Certificates
	mu     sync.Mutex
	keys   []auth.PlatformKey
	err    error
	takes  time.Duration
	begun  []time.Time
	told   []error
	active atomic.Int32
	onTold func()
}

func start(t *testing.T, every time.Duration, keys ...auth.PlatformKey) *fake {
	f := prepare(t, every, keys...)
	f.Start()
	return f
}

func prepare(t *testing.T, every time.Duration, keys ...auth.PlatformKey) *fake {
	f := &fake{keys: keys, takes: time.Second}
	f.Certificates = refresh.New(refresh.Config{
		Every:    every,
		Now:      time.Now,
		Download: func(ctx context.Context) ([]auth.PlatformKey, error) { return f.download(t, ctx) },
		OnError: func(err error) {
			f.mu.Lock()
			f.told = append(f.told, err)
			onTold := f.onTold
			f.mu.Unlock()
			if onTold != nil {
				onTold()
			}
		},
	})
	return f
}

func (f *fake) download(t *testing.T, ctx context.Context) ([]auth.PlatformKey, error) {
	if f.active.Add(1) > 1 {
		t.Error("there are two downloads at once")
	}
	defer f.active.Add(-1)
	f.mu.Lock()
	f.begun = append(f.begun, time.Now())
	takes := f.takes
	f.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	return slices.Clone(f.keys), nil
}

// set is what is downloaded from now on.
func (f *fake) set(err error, keys ...auth.PlatformKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.keys = err, keys
}

func (f *fake) slow(takes time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.takes = takes
}

func (f *fake) downloads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.begun)
}

func (f *fake) errors() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.told)
}

// serials are those that there are now.
func (f *fake) serials(t *testing.T) string {
	t.Helper()
	began := time.Now()
	keys, err := f.Keys(t.Context(), "")
	if err != nil || time.Since(began) != 0 {
		t.Errorf("reading took %v: %v", time.Since(began), err)
	}
	return serials(keys)
}

func serials(keys []auth.PlatformKey) string {
	var names []string
	for _, key := range keys {
		names = append(names, key.Serial)
	}
	return strings.Join(names, " ")
}

// certificate is good from now for so long.
func certificate(serial string, good time.Duration) auth.PlatformKey {
	return auth.PlatformKey{Serial: serial, NotBefore: time.Now(), NotAfter: time.Now().Add(good)}
}

var errServer = errors.New("500 SYSTEM_ERROR")

const year = 365 * 24 * time.Hour

func TestTheFirstDownloadIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, time.Hour, certificate("A1", year))
		defer f.Close()
		began := time.Now()
		for range 64 {
			go func() {
				if err := f.Ready(t.Context()); err != nil || time.Since(began) != time.Second {
					t.Errorf("ready after %v: %v", time.Since(began), err)
				}
			}()
		}
		over, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if err := f.Ready(over); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second/2 {
			t.Errorf("who has half a second gets %v after %v", err, time.Since(began))
		}
		if got := f.serials(t); got != "" {
			t.Errorf("before the first download there are %s", got)
		}
		keys, err := f.Keys(t.Context(), "A1") // as a notification that comes before the first call
		if err != nil || serials(keys) != "A1" || f.downloads() != 1 {
			t.Errorf("a key that is missed then gives %s, %v after %d downloads", serials(keys), err, f.downloads())
		}
		synctest.Wait()
	})
}

func TestAFirstDownloadThatFailsIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := prepare(t, 12*time.Hour)
		f.set(errServer)
		f.Start()
		defer f.Close()
		began := time.Now()
		for range 3 {
			if err := f.Ready(t.Context()); !errors.Is(err, errServer) || time.Since(began) != time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			synctest.Wait()
		}
		if n := f.downloads(); n != 1 || len(f.errors()) != 1 {
			t.Errorf("at once there were %d downloads, and %v was told", n, f.errors())
		}
		f.set(nil, certificate("A1", year))
		time.Sleep(time.Second)
		if err := f.Ready(t.Context()); err != nil || f.serials(t) != "A1" {
			t.Errorf("after a second: %s, %v", f.serials(t), err)
		}
		if n := f.downloads(); n != 2 {
			t.Errorf("there were %d downloads, want 2", n)
		}
	})
}

func TestWhoHasNoCertificatesMayTryAgainAfterAMinuteAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := prepare(t, 12*time.Hour)
		f.set(errServer)
		f.Start()
		defer f.Close()
		time.Sleep(12 * time.Hour)
		for f.active.Load() != 0 {
			time.Sleep(time.Second)
		}
		before := f.downloads()
		time.Sleep(time.Minute)
		if n := f.downloads(); n != before {
			t.Fatalf("by itself it tried %d times more", n-before)
		}
		f.set(nil, certificate("A1", year))
		if err := f.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestCertificatesAreDownloadedAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, time.Hour, certificate("A1", year))
		time.Sleep(time.Minute)
		f.set(nil, certificate("A1", year), certificate("B2", year))
		time.Sleep(time.Hour)
		if got := f.serials(t); got != "A1 B2" || f.downloads() != 2 {
			t.Errorf("after an hour there are %s from %d downloads", got, f.downloads())
		}
		time.Sleep(24 * time.Hour)
		if n := f.downloads(); n < 26 || n > 29 {
			t.Errorf("in a day and an hour there were %d downloads", n)
		}
		f.Close()
	})
}

func TestAFailedRefreshKeepsTheOldCertificatesAndTells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, time.Hour, certificate("A1", year))
		defer f.Close()
		f.slow(0)
		if err := f.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.set(errServer)
		time.Sleep(2 * time.Hour)
		f.mu.Lock()
		begun := f.begun[1:]
		f.mu.Unlock()
		want := time.Second
		for i := 1; i < len(begun); i++ {
			if gap := begun[i].Sub(begun[i-1]); gap > want || gap < want*9/10-1 {
				t.Errorf("between failures %d and %d are %v, want %v less a tenth at most", i, i+1, gap, want)
			}
			want = min(2*want, time.Hour)
		}
		if got := f.serials(t); got != "A1" {
			t.Errorf("there are %s", got)
		}
		if len(begun) < 10 || len(f.errors()) != len(begun) || !errors.Is(f.errors()[0], errServer) {
			t.Errorf("there were %d failures, of which %d were told", len(begun), len(f.errors()))
		}
		f.set(nil, certificate("B2", year))
		time.Sleep(time.Hour)
		if got := f.serials(t); got != "B2 A1" && got != "B2" {
			t.Errorf("then there are %s", got)
		}
	})
}

func TestASlowErrorCallbackHoldsUpNobodyButTheNextDownload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := prepare(t, time.Hour)
		f.set(errServer)
		var telling atomic.Int32
		f.onTold = func() {
			if telling.Add(1) > 1 {
				t.Error("two errors are told at once")
			}
			if err := f.Ready(t.Context()); !errors.Is(err, errServer) { // as a call that reports the error would
				t.Errorf("within the callback: %v", err)
			}
			time.Sleep(time.Minute)
			telling.Add(-1)
		}
		f.Start()
		began := time.Now()
		if err := f.Ready(t.Context()); !errors.Is(err, errServer) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(time.Second / 2)
		if f.Close(); time.Since(began) != time.Minute+time.Second {
			t.Errorf("Close came back after %v, before the callback did", time.Since(began))
		}
	})
}

func TestAMissedKeyIsLookedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, 12*time.Hour, certificate("A1", year))
		defer f.Close()
		if err := f.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.set(nil, certificate("A1", year), certificate("B2", year))
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 40 * time.Millisecond) // some come when it is over
				if keys, err := f.Keys(t.Context(), "B2"); err != nil || serials(keys) != "A1 B2" {
					t.Errorf("caller %d finds %s, %v", i, serials(keys), err)
				}
			})
		}
		wg.Wait()
		if n := f.downloads(); n != 2 {
			t.Errorf("there were %d downloads, want 2", n)
		}
		miss := func(serial string, want int) {
			t.Helper()
			keys, err := f.Keys(t.Context(), serial)
			if n := f.downloads(); n != want || err != nil || serials(keys) != "A1 B2" {
				t.Errorf("%s gives %s, %v, after %d downloads, want %d", serial, serials(keys), err, n, want)
			}
			synctest.Wait()
		}
		miss("C3", 2)
		time.Sleep(time.Minute)
		miss("PUB_KEY_ID_0119000001092024112600000000", 2)
		miss("C3", 3)
		miss("C3", 3)
	})
}

func TestWhoMissesAKeyStopsWaitingWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, 12*time.Hour, certificate("A1", year))
		defer f.Close()
		if err := f.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.slow(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		keys, err := f.Keys(ctx, "B2")
		if !errors.Is(err, context.DeadlineExceeded) || serials(keys) != "A1" {
			t.Errorf("found %s, %v", serials(keys), err)
		}
		if got := f.serials(t); got != "A1" { // which also checks that it took no time
			t.Errorf("while it is looked for there are %s", got)
		}
		if err := f.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestACertificateThatLeftTheListIsGoodForWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		newest := certificate("A1", year)
		f := start(t, 12*time.Hour, newest)
		defer f.Close()
		if err := f.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		older := newest
		older.Serial, older.NotBefore = "B2", newest.NotBefore.Add(-time.Hour)
		f.set(nil, older)
		refreshed := time.Now()
		keys, err := f.Keys(t.Context(), "B2")
		if err != nil || serials(keys) != "B2 A1" {
			t.Fatalf("there are %s, %v", serials(keys), err)
		}
		if got, want := keys[1].NotAfter, refreshed.Add(time.Second+auth.Window); !got.Equal(want) {
			t.Errorf("it is good until %v, want %v", got, want)
		}
		if !keys[1].NotBefore.Before(keys[0].NotBefore) {
			t.Error("it goes before the one that is in the list")
		}
		time.Sleep(2 * time.Minute)
		again, err := f.Keys(t.Context(), "C3")
		if err != nil || serials(again) != "B2 A1" || !again[1].NotAfter.Equal(keys[1].NotAfter) {
			t.Errorf("two minutes later there are %+v, %v", again, err)
		}
		time.Sleep(auth.Window)
		if again, err = f.Keys(t.Context(), "C3"); err != nil || serials(again) != "B2" {
			t.Errorf("when its time is over there are %s, %v", serials(again), err)
		}
	})
}

// TestCloseLeavesNothingBehind: synctest fails if a goroutine stays when the test's function
// returns, and a timer would begin a download in the week that follows.
func TestCloseLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err          error
		sleep        time.Duration
		waited, then string // what Ready says to who waits since the start, and after Close
	}{
		"at once":                        {nil, 0, "client was closed", "client was closed"},
		"in the first download":          {nil, time.Second / 2, "client was closed", "client was closed"},
		"between two downloads":          {nil, time.Minute, "", ""},
		"when the first download failed": {errServer, 1500 * time.Millisecond, "500 SYSTEM_ERROR", "client was closed"},
		"in a later download":            {nil, 0, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := prepare(t, time.Hour)
				f.set(tt.err, certificate("A1", year))
				f.Start()
				waited := make(chan error, 1)
				go func() { waited <- f.Ready(context.Background()) }()
				if name == "in a later download" {
					time.Sleep(time.Minute)
					f.slow(time.Hour)
					time.Sleep(time.Hour)
					if f.active.Load() != 1 {
						t.Fatal("no download goes on")
					}
				}
				time.Sleep(tt.sleep)
				before := time.Now()
				for range 2 {
					f.Close()
				}
				if took := time.Since(before); took != 0 {
					t.Errorf("it took %v", took)
				}
				says(t, <-waited, tt.waited)
				says(t, f.Ready(t.Context()), tt.then)
				told, begun := len(f.errors()), f.downloads()
				if tt.err == nil && told != 0 {
					t.Errorf("that it was closed was told as %v", f.errors())
				}
				time.Sleep(7 * 24 * time.Hour)
				if _, err := f.Keys(t.Context(), "C3"); tt.then == "" && err != nil {
					t.Error(err)
				}
				if n := f.downloads(); n != begun || len(f.errors()) != told {
					t.Errorf("after it was closed there were %d downloads", n-begun)
				}
			})
		})
	}
}

func says(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

// TestClosedCertificatesAreCollected fails if a timer still holds them.
func TestClosedCertificatesAreCollected(t *testing.T) {
	t.Parallel()
	use := func() weak.Pointer[refresh.Certificates] {
		c := refresh.New(refresh.Config{
			Every:    time.Hour,
			Now:      time.Now,
			Download: func(context.Context) ([]auth.PlatformKey, error) { return []auth.PlatformKey{{Serial: "A1"}}, nil },
			OnError:  func(err error) { t.Error(err) },
		})
		c.Start()
		if err := c.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		c.Close()
		return weak.Make(c)
	}
	held := use()
	for range 10 {
		runtime.GC()
		if held.Value() == nil {
			return
		}
	}
	t.Error("something holds them")
}

// TestADownloadThatIsOverIsNotWaitedFor: whoever misses a key the moment that a download has ended has it
// downloaded again. It is tried often, as it was seldom that nothing was.
func TestADownloadThatIsOverIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for range 2000 {
		var downloads atomic.Int64
		c := refresh.New(refresh.Config{
			Every: time.Hour, Now: time.Now, OnError: func(err error) { t.Error(err) },
			Download: func(context.Context) ([]auth.PlatformKey, error) {
				downloads.Add(1)
				return []auth.PlatformKey{{Serial: "1"}}, nil
			},
		})
		c.Start()
		if err := c.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := c.Keys(t.Context(), "2")
		if c.Close(); err != nil || downloads.Load() != 2 {
			t.Fatalf("there were %d downloads, %v; want 2", downloads.Load(), err)
		}
	}
}
