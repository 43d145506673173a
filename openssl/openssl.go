// Package openssl signs with the system's OpenSSL 3, which takes a third to a quarter of the time of
// crypto/rsa where the CPU has what OpenSSL is written for. An RSA signature is nine tenths of what a call
// of WeChat Pay costs a program.
//
//	key, err := auth.LoadPrivateKey("apiclient_key.pem")
//	…
//	client, err := wechatpay.New(wechatpay.Merchant{
//		PrivateKey: openssl.SignerOr(key), // key itself where there is no OpenSSL
//		…
//	})
//
// libcrypto is loaded when it is first needed, without cgo: nothing has to be installed to build, and
// a program cross-compiles as before. [Version] tells what was found, or why nothing was, and [NewSigner]
// why it does not sign.
//
// # Keys
//
// A [Signer] is a [crypto.Signer] and a [crypto.Decrypter], so that whatever takes one can use it: a
// Merchant, for its answers with sensitive fields (敏感信息字段) as well, and crypto/tls. Keys are RSA, of at
// least 2048 bits. What a Signer makes is what crypto/rsa makes of the same key, and a new one has proven
// so by a signature that crypto/rsa verified, and by opening what crypto/rsa encrypted.
//
// The key is in memory of libcrypto, which wipes and frees it some time after the last use of the Signer. So
// keep a Signer as long as its key is in use, and do not make one for each call: each proves itself
// first. [NewSigner] and [SignerOr] wipe the copy that they hand to libcrypto, and not what they
// were given.
//
// # Errors
//
// [ErrNoLibrary] says that there is no OpenSSL 3 to load. Errors say what OpenSSL gave as its reason,
// and nothing of keys and messages.
//
// # Where it works
//
// It works on Linux and macOS, on amd64 and arm64, with and without cgo. Elsewhere, and with the build
// tag noopenssl, there is never a library.
//
//   - Linux: libcrypto.so.3, from where the dynamic linker finds libraries: the package libssl3 of Debian and
//     Ubuntu, openssl-libs of Fedora, libcrypto3 of Alpine.
//   - macOS: libcrypto.3.dylib of Homebrew, MacPorts, or built into /usr/local.
//
// A program that imports this package is linked dynamically on Linux, with CGO_ENABLED=0 as well: it does not
// start in an image that has no libc, such as scratch, and one that was built on a system with glibc does
// not start on one with musl, such as Alpine. Build it with -tags noopenssl for those, or on Alpine itself.
//
// OpenSSL reads its own configuration, openssl.cnf, as it does for every program: what that asks for,
// such as the FIPS provider, counts here too.
//
// # Concurrency
//
// A call of libcrypto keeps a thread of the system busy. At most four run at a time for each of GOMAXPROCS, as
// that was when the library was loaded, and others wait for their turn.
package openssl

import (
	"errors"
	"fmt"
)

// ErrNoLibrary is the error of all that needs libcrypto, where it cannot be loaded or is not that of
// OpenSSL 3. The error around it tells why.
var ErrNoLibrary = errors.New("openssl: there is no libcrypto of OpenSSL 3")

// Version is what the library calls itself, such as OpenSSL 3.0.17 1 Jul 2025. Without one the error is
// [ErrNoLibrary].
func Version() (string, error) { return version() }

func missing(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrNoLibrary}, args...)...)
}
