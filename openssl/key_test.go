//go:build ((linux && !android) || (darwin && !ios)) && (amd64 || arm64) && !noopenssl

package openssl

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// made is a key in all forms in which these tests want it.
type made struct {
	std            *rsa.PrivateKey
	der, publicDER []byte
}

var of2048 = sync.OnceValues(func() (made, error) {
	std, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return made{}, err
	}
	publicDER, err := x509.MarshalPKIXPublicKey(&std.PublicKey)
	return made{std, x509.MarshalPKCS1PrivateKey(std), publicDER}, err
})

// private is a key of 2048 bits, the same for all.
func private(tb testing.TB) made {
	tb.Helper()
	m, err := of2048()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// TestAllThatIsMadeIsFreed counts what this package asks libcrypto to make, and to free.
func TestAllThatIsMadeIsFreed(t *testing.T) {
	t.Parallel()
	lib, err := system()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	alive := map[uintptr]string{}
	keep := func(what string, address uintptr) uintptr {
		mu.Lock()
		defer mu.Unlock()
		if alive[address] != "" {
			t.Errorf("a %s is where a %s is not freed", what, alive[address])
		}
		alive[address] = what
		return address
	}
	drop := func(what string, address uintptr) {
		mu.Lock()
		defer mu.Unlock()
		if alive[address] != what {
			t.Errorf("a %s is freed which is none, or was freed before", what)
		}
		delete(alive, address)
	}
	counting := *lib
	counting.readPrivate = func(kind int32, into uintptr, from *uintptr, length int) uintptr {
		return keep("key", lib.readPrivate(kind, into, from, length))
	}
	counting.newContext = func(key, engine uintptr) uintptr { return keep("context", lib.newContext(key, engine)) }
	counting.freeKey = func(key uintptr) { drop("key", key); lib.freeKey(key) }
	counting.freeContext = func(context uintptr) { drop("context", context); lib.freeContext(context) }

	m := private(t)
	left := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(alive)
	}
	for range 5 {
		k, err := counting.privateKey(m.der)
		if err != nil {
			t.Fatal(err)
		}
		s := &Signer{public: &m.std.PublicKey, key: k}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				signsAlike(t, s, m.std)
				opens(t, s, m.std)
				k.sign(wechatPay, make([]byte, 32), 100)                // does not fit
				k.sign(scheme{padding(99), crypto.SHA256}, m.der, 2048) // is none
			})
		}
		wg.Wait()
		if _, err := k.sign(wechatPay, make([]byte, 32), 256); err != nil { // whose context stays
			t.Fatal(err)
		}
		if n := left(); n < 2 || n > 5*(1+cap(lib.turns)) {
			t.Errorf("%d keys and contexts are kept", n)
		}
		runtime.KeepAlive(k)
	}
	for range 500 {
		if runtime.GC(); left() == 0 {
			return
		}
		runtime.Gosched() // to the cleanups
	}
	t.Errorf("%d are never freed", left())
}

// TestASignatureThatWasNotTriedIsNotCalledWrong has libcrypto get ready to sign where it is to verify.
func TestASignatureThatWasNotTriedIsNotCalledWrong(t *testing.T) {
	t.Parallel()
	lib, err := system()
	if err != nil {
		t.Fatal(err)
	}
	other := *lib
	other.verifyInit = lib.signInit
	k, err := other.privateKey(private(t).der)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.verify(make([]byte, 32), make([]byte, 256)); err == nil || errors.Is(err, rsa.ErrVerification) {
		t.Errorf("it says %v", err)
	}
}

func TestAContextIsUsedAgain(t *testing.T) {
	t.Parallel()
	lib, err := system()
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	counting := *lib
	counting.newContext = func(key, engine uintptr) uintptr { made++; return lib.newContext(key, engine) }
	k, err := counting.privateKey(private(t).der)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := k.sign(wechatPay, make([]byte, 32), 256); err != nil {
			t.Fatal(err)
		}
	}
	if made != 1 {
		t.Errorf("10 signatures, one after the other, made %d contexts", made)
	}
}

// FuzzNewSigner: whatever is in a file, the process goes on, and what is a key signs as crypto/rsa does.
func FuzzNewSigner(f *testing.F) {
	m := private(f)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(m.std)
	if err != nil {
		f.Fatal(err)
	}
	whole := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: m.der})
	f.Add(whole)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: m.der}))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: m.der[:len(m.der)/2]}))
	f.Add(whole[:len(whole)/2])
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := NewSigner(text)
		if err != nil {
			return
		}
		digest := sha256.Sum256(text)
		signature, err := s.Sign(nil, digest[:], crypto.SHA256)
		if err != nil || rsa.VerifyPKCS1v15(s.public, crypto.SHA256, digest[:], signature) != nil {
			t.Errorf("it signs to something else: %v", err)
		}
	})
}

// FuzzPrivateKey hands to OpenSSL what NewSigner never would: DER that nobody has looked at.
func FuzzPrivateKey(f *testing.F) {
	m := private(f)
	f.Add(m.der)
	f.Add(m.der[:len(m.der)-1])
	f.Add(append([]byte{0x30, 0x82, 0xff, 0xff}, m.der[4:]...))
	for _, at := range []int{1, 4, 8, 11, 300, len(m.der) / 2} {
		flipped := append([]byte(nil), m.der...)
		flipped[at] ^= 0x81
		f.Add(flipped)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if len(der) > 1500 {
			return // a long exponent takes long
		}
		k, err := privateKey(der)
		if err != nil {
			return
		}
		digest := sha256.Sum256(der)
		fits := 0
		for _, size := range []int{1, 256, 2048} {
			if _, err := k.sign(wechatPay, digest[:], size); err == nil {
				fits++
			}
		}
		if fits > 1 {
			t.Error("a signature has two sizes")
		}
		k.decrypt(scheme{oaep1, crypto.SHA1}, digest[:])
	})
}

// FuzzPublicKey likewise.
func FuzzPublicKey(f *testing.F) {
	m := private(f)
	digest := sha256.Sum256(nil)
	signature, err := rsa.SignPKCS1v15(nil, m.std, crypto.SHA256, digest[:])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.publicDER, signature)
	f.Add(m.publicDER[:40], signature[:40])
	f.Fuzz(func(t *testing.T, der, signature []byte) {
		k, err := publicKey(der)
		if err != nil || len(der) > 1500 || len(signature) == 0 {
			return
		}
		if k.verify(digest[:], signature) == nil {
			pub, err := x509.ParsePKIXPublicKey(der)
			if err == nil && rsa.VerifyPKCS1v15(pub.(*rsa.PublicKey), crypto.SHA256, digest[:], signature) != nil {
				t.Error("a signature verifies that crypto/rsa refuses")
			}
		}
	})
}

// TestCallersWaitForTheirTurn: there are two turns, and two calls that do not end.
func TestCallersWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	lib, err := system()
	if err != nil {
		t.Fatal(err)
	}
	arrived, gate := make(chan struct{}), make(chan struct{})
	held := *lib
	held.turns = make(chan struct{}, 2)
	held.newContext = func(key, engine uintptr) uintptr {
		arrived <- struct{}{}
		<-gate
		return lib.newContext(key, engine)
	}
	k, err := held.privateKey(private(t).der)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range cap(held.turns) {
		wg.Go(func() {
			if _, err := k.sign(wechatPay, make([]byte, 32), 256); err != nil {
				t.Error(err)
			}
		})
	}
	for range cap(held.turns) {
		<-arrived
	}
	select {
	case held.turns <- struct{}{}:
		t.Error("a third call may run beside two, of at most two")
	default:
	}
	close(gate)
	wg.Wait()
	if n := len(held.turns); n != 0 {
		t.Errorf("%d turns are not given back", n)
	}
}
