//go:build ((linux && !android) || (darwin && !ios)) && (amd64 || arm64) && !noopenssl

package openssl

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// This file is keys of libcrypto. No memory of Go stays with it after a call: what it is to keep, it
// copies. Calls that may fail are bound to a thread until the errors of that thread are cleared.

// key is an EVP_PKEY, private or public.
type key struct {
	lib  *library
	pkey uintptr
	idle chan *context // that sign or verify for WeChat Pay, and wait for their next use
}

// context is an EVP_PKEY_CTX, which one call at a time can use. What a call gets or returns by a
// pointer is here, so that it need not be allocated each time.
type context struct {
	address uintptr
	size    uintptr
}

// privateKey reads an RSA private key in DER, in PKCS #1.
func privateKey(der []byte) (*key, error) {
	lib, err := system()
	if err != nil {
		return nil, err
	}
	return lib.privateKey(der)
}

// publicKey reads a public key in DER, in PKIX.
func publicKey(der []byte) (*key, error) {
	lib, err := system()
	if err != nil {
		return nil, err
	}
	return lib.publicKey(der)
}

func (l *library) privateKey(der []byte) (*key, error) {
	const kindRSA = 6
	return l.read("read the private key", der, func(from *uintptr) uintptr { return l.readPrivate(kindRSA, 0, from, len(der)) })
}

func (l *library) publicKey(der []byte) (*key, error) {
	return l.read("read the public key", der, func(from *uintptr) uintptr { return l.readPublic(0, from, len(der)) })
}

func (l *library) read(what string, der []byte, parse func(from *uintptr) uintptr) (*key, error) {
	if len(der) == 0 {
		return nil, errors.New("openssl: " + what + ": it is empty")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The parser moves from to what follows the key, where no pointer of Go may lead: so it is a number,
	// and der is pinned.
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(unsafe.SliceData(der))
	from := uintptr(unsafe.Pointer(unsafe.SliceData(der)))
	pkey := parse(&from)
	if pkey == 0 {
		return nil, l.failed(what)
	}
	k := &key{lib: l, pkey: pkey, idle: make(chan *context, cap(l.turns))}
	runtime.AddCleanup(k, (*remains).free, &remains{l, pkey, k.idle})
	return k, nil
}

// remains is what has to be freed after a key.
type remains struct {
	lib  *library
	pkey uintptr
	idle chan *context
}

func (r *remains) free() {
	for len(r.idle) > 0 {
		r.lib.freeContext((<-r.idle).address)
	}
	r.lib.freeKey(r.pkey)
}

func (k *key) sign(s scheme, digest []byte, size int) ([]byte, error) {
	defer k.begin()()
	c, err := k.context(s, k.lib.signInit)
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	c.size = uintptr(size)
	r, _, _ := purego.SyscallN(k.lib.sign, c.address, uintptr(unsafe.Pointer(unsafe.SliceData(out))), uintptr(unsafe.Pointer(&c.size)),
		uintptr(unsafe.Pointer(unsafe.SliceData(digest))), uintptr(len(digest)))
	if int32(r) != 1 || c.size != uintptr(size) {
		err := k.lib.failed("sign")
		k.lib.freeContext(c.address)
		return nil, err
	}
	k.keep(s, c)
	return out, nil
}

// verify verifies as WeChat Pay signs.
func (k *key) verify(digest, signature []byte) error {
	defer k.begin()()
	c, err := k.context(wechatPay, k.lib.verifyInit)
	if err != nil {
		return err
	}
	r, _, _ := purego.SyscallN(k.lib.verify, c.address, uintptr(unsafe.Pointer(unsafe.SliceData(signature))), uintptr(len(signature)),
		uintptr(unsafe.Pointer(unsafe.SliceData(digest))), uintptr(len(digest)))
	switch int32(r) {
	case 1:
	case 0:
		k.lib.clearErrors()
		err = rsa.ErrVerification
	default: // it was not even tried
		err := k.lib.failed("verify")
		k.lib.freeContext(c.address)
		return err
	}
	k.keep(wechatPay, c)
	return err
}

// decrypt does not tell why a ciphertext does not open, for that helps who guesses.
func (k *key) decrypt(s scheme, ciphertext []byte) ([]byte, error) {
	defer k.begin()()
	c, err := k.context(s, k.lib.decryptInit)
	if err != nil {
		return nil, err
	}
	defer k.lib.freeContext(c.address)
	out := make([]byte, len(ciphertext))
	c.size = uintptr(len(out))
	r, _, _ := purego.SyscallN(k.lib.decrypt, c.address, uintptr(unsafe.Pointer(unsafe.SliceData(out))), uintptr(unsafe.Pointer(&c.size)),
		uintptr(unsafe.Pointer(unsafe.SliceData(ciphertext))), uintptr(len(ciphertext)))
	if int32(r) != 1 || c.size > uintptr(len(out)) {
		k.lib.clearErrors()
		return nil, rsa.ErrDecryption
	}
	return out[:c.size], nil
}

// begin waits for a turn and takes a thread, until the function that it returns is called. It also
// keeps k, and so what k leads to in libcrypto, until then.
func (k *key) begin() (end func()) {
	k.lib.turns <- struct{}{}
	runtime.LockOSThread()
	return func() {
		runtime.UnlockOSThread()
		<-k.lib.turns
		runtime.KeepAlive(k)
	}
}

// context is one that is idle, or else a new one.
func (k *key) context(s scheme, begin func(context uintptr) int32) (*context, error) {
	if s == wechatPay {
		select {
		case c := <-k.idle:
			return c, nil
		default:
		}
	}
	address := k.lib.newContext(k.pkey, 0)
	if address == 0 {
		return nil, k.lib.failed("make a context")
	}
	if begin(address) != 1 || !k.lib.configure(address, s) {
		err := k.lib.failed("choose how to sign, verify or decrypt")
		k.lib.freeContext(address)
		return nil, err
	}
	return &context{address: address}, nil
}

// keep is the end of a call that used c.
func (k *key) keep(s scheme, c *context) {
	if s == wechatPay {
		select {
		case k.idle <- c:
			return
		default:
		}
	}
	k.lib.freeContext(c.address)
}

// configure lets a context use s.
func (l *library) configure(context uintptr, s scheme) bool {
	hash := map[crypto.Hash]func() uintptr{crypto.SHA1: l.sha1, crypto.SHA256: l.sha256, crypto.SHA384: l.sha384, crypto.SHA512: l.sha512}[s.hash]()
	if l.setPadding(context, int32(s.padding)) != 1 {
		return false
	}
	switch s.padding {
	case oaep1:
		return l.setOAEPHash(context, hash) == 1 && l.setMaskHash(context, hash) == 1
	case pss1:
		return l.setHash(context, hash) == 1 && l.setSaltSize(context, int32(s.hash.Size())) == 1
	default:
		return l.setHash(context, hash) == 1
	}
}
