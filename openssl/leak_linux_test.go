//go:build linux && !android && (amd64 || arm64) && !noopenssl

package openssl

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// resident is how many bytes of memory this process has.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var all, pages int
	if _, err := fmt.Sscan(string(text), &all, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// rounds is a number of rounds, or that of the environment if it has one.
func rounds(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv("WXPAY_SIGNATURES")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// grows tells by how many bytes more than at the beginning the process ends, after the first quarter
// of n rounds has let all pools fill. Cleanups get their turn now and then.
func grows(t *testing.T, n int, round func()) int {
	t.Helper()
	var before int
	for i := range n {
		if i == n/4 {
			before = settled(t)
		}
		round()
		if i%100 == 0 {
			runtime.GC()
		}
	}
	return settled(t) - before
}

// settled is what is resident once everything that became free before has been cleaned up.
func settled(t *testing.T) int {
	t.Helper()
	cleaned := make(chan struct{})
	last := new(int)
	runtime.AddCleanup(last, func(done chan struct{}) { close(done) }, cleaned)
	for {
		runtime.GC()
		select {
		case <-cleaned:
			return resident(t)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestSigningKeepsNoMemory(t *testing.T) {
	s, std := signerOf2048(t)
	v, err := NewVerifier(&std.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	digest, pss := random(32), &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: rsa.PSSSaltLengthEqualsHash}
	for name, round := range map[string]func(){
		"a signature":                   func() { s.Sign(nil, digest, crypto.SHA256) },
		"a signature by PSS":            func() { s.Sign(nil, digest, pss) },
		"a signature that does not fit": func() { s.key.sign(wechatPay, digest, 100) },
		"a ciphertext that does not open": func() {
			s.Decrypt(nil, make([]byte, std.Size()), &rsa.OAEPOptions{Hash: crypto.SHA1})
		},
		"a signature of something else": func() { v.Verify(digest, make([]byte, std.Size())) },
	} {
		n := rounds(t, 6000)
		got := grows(t, n, round)
		t.Logf("%s: %d rounds grow by %d bytes", name, n, got)
		if got > 2<<20 {
			t.Errorf("%s: %d rounds grow by %d bytes", name, n, got)
		}
	}
}

func TestSignersThatAreDroppedDoNotAddUp(t *testing.T) {
	std := private(t).std
	n := rounds(t, 4000)
	got := grows(t, n, func() {
		if _, ok := SignerOr(std).(*Signer); !ok {
			t.Fatal("there is no Signer")
		}
	})
	t.Logf("%d signers grow by %d bytes", n, got)
	if got > 12<<20 {
		t.Errorf("%d signers grow by %d bytes", n, got)
	}
}

// TestACallStaysOnItsThread, for OpenSSL keeps the reason of a failure by threads.
func TestACallStaysOnItsThread(t *testing.T) {
	t.Parallel()
	lib, err := system()
	if err != nil {
		t.Fatal(err)
	}
	var moved atomic.Int64
	other := *lib
	other.signInit = func(context uintptr) int32 {
		before := syscall.Gettid()
		for range 200 {
			runtime.Gosched()
		}
		if syscall.Gettid() != before {
			moved.Add(1)
		}
		return lib.signInit(context)
	}
	k, err := other.privateKey(private(t).der)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				k.sign(wechatPay, make([]byte, 32), 100) // does not fit, so that each has a context of its own
			}
		})
	}
	wg.Wait()
	if n := moved.Load(); n > 0 {
		t.Errorf("%d calls moved to another thread", n)
	}
}

// TestCallersDoNotGetAThreadEach: a program that had one for each of 10,000 callers would be ended by the
// runtime.
func TestCallersDoNotGetAThreadEach(t *testing.T) {
	s, _ := signerOf2048(t)
	digest := random(32)
	threads := func() int {
		entries, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Error(err)
		}
		return len(entries)
	}
	before := threads()
	var most atomic.Int64
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			s.Sign(nil, digest, crypto.SHA256)
			most.Store(max(most.Load(), int64(threads())))
		})
	}
	wg.Wait()
	if limit := before + cap(s.key.lib.turns) + 20; int(most.Load()) > limit {
		t.Errorf("there were %d threads, want at most %d", most.Load(), limit)
	}
}
