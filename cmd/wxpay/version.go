package main

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/openssl"
)

func (p program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the Go version, the platform and what the simulator signs with",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(p.stdout, versionLine()+signerLine(signing()))
			return err
		},
	}
}

// signing is the version of OpenSSL that signs, or why none does. It tries: a library that is there may be
// configured not to sign.
func signing() (string, error) {
	version, err := openssl.Version()
	if err != nil {
		return "", err
	}
	key, err := rsa.GenerateKey(rand.Reader, auth.MinBits)
	if err != nil {
		return "", err
	}
	_, err = openssl.NewSigner(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	return version, err
}

// signerLine says what signs in wxpay sim: OpenSSL if it has a version, or else crypto/rsa.
func signerLine(version string, err error) string {
	if err != nil {
		return fmt.Sprintf("wxpay sim signs with crypto/rsa: %v\n", err)
	}
	return fmt.Sprintf("wxpay sim signs with %s\n", version)
}

// versionLine is what version begins with, and --version prints.
func versionLine() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return fmt.Sprintf("wxpay %s %s %s/%s\n", version(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// version is the module's version, which Go also makes up for what it builds in a checkout, or
// else the commit.
func version(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := cmp.Or(settings["vcs.revision"], "(devel)")
	if settings["vcs.modified"] == "true" {
		revision += "+dirty"
	}
	return revision
}
