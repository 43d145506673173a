//go:build !(((linux && !android) || (darwin && !ios)) && (amd64 || arm64)) || noopenssl

package openssl

import "runtime"

// This file is for systems on which no library is looked for, and for the build tag noopenssl. There are
// no keys then.

type key struct{}

func version() (string, error) { return "", none() }

func privateKey([]byte) (*key, error) { return nil, none() }

func publicKey([]byte) (*key, error) { return nil, none() }

func (*key) sign(scheme, []byte, int) ([]byte, error) { return nil, none() }

func (*key) verify([]byte, []byte) error { return none() }

func (*key) decrypt(scheme, []byte) ([]byte, error) { return nil, none() }

func none() error {
	return missing("this program was built without it, for %s/%s; sign with crypto/rsa", runtime.GOOS, runtime.GOARCH)
}
