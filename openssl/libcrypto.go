//go:build ((linux && !android) || (darwin && !ios)) && (amd64 || arm64) && !noopenssl

package openssl

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/ebitengine/purego"
)

// This file loads libcrypto, and names what is called of it.

// names are where the library may be. On Linux the dynamic linker knows. That of macOS would look for
// a bare name in the working directory as well, so that only full paths are given there.
var names = map[string][]string{
	"linux": {"libcrypto.so.3"},
	"darwin": {
		"/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib",
		"/usr/local/opt/openssl@3/lib/libcrypto.3.dylib",
		"/opt/local/libexec/openssl3/lib/libcrypto.3.dylib",
		"/usr/local/lib/libcrypto.3.dylib",
	},
}[runtime.GOOS]

// system is the library of this system, which is never unloaded.
var system = sync.OnceValues(func() (*library, error) { return load(names) })

func version() (string, error) {
	lib, err := system()
	if err != nil {
		return "", err
	}
	return lib.version, nil
}

// library is what is called of libcrypto. Integers are as wide as C has them: int is int32, long is
// int, and what is a pointer in C is a uintptr, to memory of C unless said otherwise.
type library struct {
	version string
	turns   chan struct{} // how many calls may run at a time

	sign, verify, decrypt uintptr // functions that purego calls without reflection, for they are called often

	readPrivate func(kind int32, into uintptr, from *uintptr, length int) uintptr
	readPublic  func(into uintptr, from *uintptr, length int) uintptr
	freeKey     func(key uintptr)

	newContext  func(key, engine uintptr) uintptr
	freeContext func(context uintptr)
	signInit    func(context uintptr) int32
	verifyInit  func(context uintptr) int32
	decryptInit func(context uintptr) int32
	setPadding  func(context uintptr, padding int32) int32
	setHash     func(context, hash uintptr) int32
	setOAEPHash func(context, hash uintptr) int32
	setMaskHash func(context, hash uintptr) int32
	setSaltSize func(context uintptr, size int32) int32

	sha1, sha256, sha384, sha512 func() uintptr

	lastError   func() uint
	reason      func(code uint) string
	clearErrors func()
}

// load opens the first of names that is OpenSSL 3.
func load(names []string) (*library, error) {
	// dlerror has the error of its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var tried []string
	for _, name := range names {
		handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err == nil {
			var lib *library
			if lib, err = bind(handle); err == nil {
				return lib, nil
			}
			err = fmt.Errorf("%s: %w", name, err)
		}
		tried = append(tried, err.Error())
	}
	return nil, missing("install it (libssl3, openssl-libs, openssl@3), or sign with crypto/rsa: %s", strings.Join(tried, "; "))
}

// bind finds all functions of a library that is open.
func bind(handle uintptr) (*library, error) {
	var number func() uint
	if err := register(handle, "OpenSSL_version_num", &number); err != nil {
		return nil, err
	}
	if err := checkVersion(number()); err != nil {
		return nil, err
	}
	// What a process does when it exits is not to meet threads that still sign.
	const noAtExit = 0x00080000
	var begin func(options uint64, settings uintptr) int32
	var text func(what int32) string
	lib := &library{turns: make(chan struct{}, 4*runtime.GOMAXPROCS(0))}
	for name, f := range map[string]any{
		"OPENSSL_init_crypto":              &begin,
		"OpenSSL_version":                  &text,
		"d2i_PrivateKey":                   &lib.readPrivate,
		"d2i_PUBKEY":                       &lib.readPublic,
		"EVP_PKEY_free":                    &lib.freeKey,
		"EVP_PKEY_CTX_new":                 &lib.newContext,
		"EVP_PKEY_CTX_free":                &lib.freeContext,
		"EVP_PKEY_sign_init":               &lib.signInit,
		"EVP_PKEY_verify_init":             &lib.verifyInit,
		"EVP_PKEY_decrypt_init":            &lib.decryptInit,
		"EVP_PKEY_CTX_set_rsa_padding":     &lib.setPadding,
		"EVP_PKEY_CTX_set_signature_md":    &lib.setHash,
		"EVP_PKEY_CTX_set_rsa_oaep_md":     &lib.setOAEPHash,
		"EVP_PKEY_CTX_set_rsa_mgf1_md":     &lib.setMaskHash,
		"EVP_PKEY_CTX_set_rsa_pss_saltlen": &lib.setSaltSize,
		"EVP_sha1":                         &lib.sha1,
		"EVP_sha256":                       &lib.sha256,
		"EVP_sha384":                       &lib.sha384,
		"EVP_sha512":                       &lib.sha512,
		"ERR_peek_last_error":              &lib.lastError,
		"ERR_reason_error_string":          &lib.reason,
		"ERR_clear_error":                  &lib.clearErrors,
		"EVP_PKEY_sign":                    &lib.sign,
		"EVP_PKEY_verify":                  &lib.verify,
		"EVP_PKEY_decrypt":                 &lib.decrypt,
	} {
		if err := register(handle, name, f); err != nil {
			return nil, err
		}
	}
	if begin(noAtExit, 0) != 1 {
		return nil, errors.New("it does not start")
	}
	lib.version = text(0)
	return lib, nil
}

// register lets f, a pointer to a function or to an address, be the function with the name.
func register(handle uintptr, name string, f any) error {
	address, err := purego.Dlsym(handle, name)
	if err != nil {
		return fmt.Errorf("it has no %s, so it is not libcrypto of OpenSSL 3", name)
	}
	if at, ok := f.(*uintptr); ok {
		*at = address
		return nil
	}
	purego.RegisterFunc(f, address)
	return nil
}

// checkVersion judges a number that has the major version in its highest four of 32 bits. LibreSSL
// has a 2 there for ever.
func checkVersion(number uint) error {
	if major := number >> 28; major != 3 {
		return fmt.Errorf("it has the version number %#x, want one of OpenSSL 3", number)
	}
	return nil
}

// failed is the error of what did not succeed on this thread, with OpenSSL's reason: a text of the
// library itself. Its queue of errors is left empty, for whoever uses the library on this thread next.
func (l *library) failed(what string) error {
	defer l.clearErrors()
	if reason := l.reason(l.lastError()); reason != "" {
		return fmt.Errorf("openssl: %s: %s", what, reason)
	}
	return fmt.Errorf("openssl: %s: OpenSSL gives no reason", what)
}
