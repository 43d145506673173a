// Package refresh keeps platform certificates (平台证书) fresh: when they are downloaded, who waits
// for that, and what a list of them has to hold.
package refresh

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
)

const (
	// missPause is how often keys that are missed are looked for. Anybody can send a notification
	// that names one, so that it has to be seldom.
	missPause = time.Minute
	// firstRetry is the time from a failed download to the next. It doubles with every failure.
	firstRetry = time.Second
	// longestRefusal is how long after a failure callers who need a first download are told of it
	// in place of another attempt.
	longestRefusal = time.Minute
)

// errClosed is what is said to those who wait for a download that will not be.
var errClosed = errors.New("the client was closed before it had downloaded platform certificates (平台证书)")

// publicKey opens the names of keys that no download has.
const publicKey = "PUB_KEY_ID_"

// Certificates are the platform certificates as they were downloaded last. They are an
// [auth.Source]. Reading them never waits, but where there are none yet, or one is missed.
type Certificates struct {
	Config
	keys atomic.Pointer[[]auth.PlatformKey] // nil before the first download

	ctx  context.Context // of the downloads
	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex
	running  *download // nil if there is none
	timer    *time.Timer
	failures int       // since the last success
	failed   error     // the last failure
	retry    time.Time // when who has no certificates may try again
	missed   time.Time // when a missed key was looked for last
}

var _ auth.Source = (*Certificates)(nil)

// Config is how certificates are kept.
type Config struct {
	Every    time.Duration // from one download to the next
	Download func(context.Context) ([]auth.PlatformKey, error)
	OnError  func(error) // gets every failure; never two at once
	Now      func() time.Time
}

// download is one download on its way.
type download struct {
	done chan struct{}
	err  error // once it is done
}

// New returns Certificates that are empty until Start.
func New(c Config) *Certificates {
	r := &Certificates{Config: c}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Start begins the first download. Others follow until Close; between them there is a timer and no
// goroutine.
func (r *Certificates) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin()
}

// Close ends everything that goes on, and waits for that. What was downloaded stays readable.
func (r *Certificates) Close() {
	r.stop()
	r.mu.Lock()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	r.work.Wait()
}

// Ready returns when there are certificates, or why there are none.
func (r *Certificates) Ready(ctx context.Context) error {
	if r.keys.Load() != nil {
		return nil
	}
	r.mu.Lock()
	d, failed := r.running, r.failed
	if d == nil && r.keys.Load() == nil && !time.Now().Before(r.retry) {
		d = r.begin()
	}
	r.mu.Unlock()
	switch {
	case r.keys.Load() != nil:
		return nil
	case d == nil && r.ctx.Err() != nil:
		return errClosed
	case d == nil:
		return failed
	}
	return d.wait(ctx)
}

// Keys returns the certificates. For a missed one they are downloaded again, unless that was done
// just now, or it is no certificate's name.
func (r *Certificates) Keys(ctx context.Context, missed string) ([]auth.PlatformKey, error) {
	var err error
	switch {
	case missed == "" || strings.HasPrefix(missed, publicKey):
	case r.keys.Load() == nil:
		err = r.Ready(ctx)
	default:
		err = r.look(ctx)
	}
	if keys := r.keys.Load(); keys != nil {
		return *keys, err
	}
	return nil, err
}

// look waits for the download that goes on, or begins one.
func (r *Certificates) look(ctx context.Context) error {
	r.mu.Lock()
	d := r.running
	if now := time.Now(); d == nil && (r.missed.IsZero() || now.Sub(r.missed) >= missPause) {
		r.missed = now
		d = r.begin()
	}
	r.mu.Unlock()
	if d == nil {
		return nil
	}
	return d.wait(ctx)
}

func (d *download) wait(ctx context.Context) error {
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin begins a download, unless one goes on or it is over. It is called with mu held.
func (r *Certificates) begin() *download {
	if r.running != nil || r.ctx.Err() != nil {
		return r.running
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	d := &download{done: make(chan struct{})}
	r.running = d
	r.work.Go(func() { r.run(d) })
	return d
}

// run downloads. Who waits goes on before a failure is told, so that what the program does about it
// delays nothing but the next download; but not before a success is over, or who misses a key now would
// take it for a download that goes on.
func (r *Certificates) run(d *download) {
	keys, err := r.Download(r.ctx)
	if err == nil {
		r.publish(keys)
		r.end(nil)
		close(d.done)
		return
	}
	if r.ctx.Err() != nil {
		err = errClosed
	}
	d.err = err
	close(d.done)
	if r.ctx.Err() == nil {
		r.OnError(err)
	}
	r.end(err)
}

// end makes room for the next download, and plans it.
func (r *Certificates) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = nil
	r.plan(err)
}

// publish puts the certificates that were downloaded in the place of those before.
func (r *Certificates) publish(fresh []auth.PlatformKey) {
	var before []auth.PlatformKey
	if keys := r.keys.Load(); keys != nil {
		before = *keys
	}
	keys := with(fresh, retire(before, r.Now()))
	r.keys.Store(&keys)
}

// retire is what certificates are once they left the list: good for what was signed while they
// stood in it and is still on its way, and the last to be asked for.
func retire(keys []auth.PlatformKey, now time.Time) []auth.PlatformKey {
	var retired []auth.PlatformKey
	for _, key := range keys {
		if last := now.Add(auth.Window); last.Before(key.NotAfter) {
			key.NotAfter = last
		}
		if key.NotBefore = (time.Time{}); !now.After(key.NotAfter) {
			retired = append(retired, key)
		}
	}
	return retired
}

// plan sets the timer for the next download. It is called with mu held.
func (r *Certificates) plan(err error) {
	wait := r.Every
	if r.failed = err; err == nil {
		r.failures, r.retry = 0, time.Time{}
	} else {
		wait = min(firstRetry<<min(r.failures, 30), r.Every)
		r.failures++
		r.retry = time.Now().Add(min(wait, longestRefusal))
	}
	if r.ctx.Err() != nil {
		return
	}
	wait -= rand.N(wait/10 + 1) // so that not all clients come at once
	r.timer = time.AfterFunc(wait, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.begin()
	})
}
