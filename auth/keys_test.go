package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/auth"
)

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block("PRIVATE KEY", der)
}

func pkix(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block("PUBLIC KEY", der)
}

func TestKeysLoadFromEveryForm(t *testing.T) {
	t.Parallel()
	key := keys().ours
	private := func(text string) bool {
		k, err := auth.ParsePrivateKey([]byte(text))
		return err == nil && k.Equal(key)
	}
	public := func(text string) bool {
		k, err := auth.ParsePublicKey([]byte(text))
		return err == nil && k.Equal(&key.PublicKey)
	}
	tests := map[string]bool{
		"a private key in PKCS #8":            private(pkcs8(t, key)),
		"a private key in PKCS #1":            private(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))),
		"a private key after a line of text":  private("Bag Attributes\n" + pkcs8(t, key)),
		"a public key":                        public(pkix(t, &key.PublicKey)),
		"a public key in PKCS #1":             public(block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey))),
		"a public key out of a certificate":   public(block("CERTIFICATE", certificateOf(t, key))),
		"a public key with CRLF line endings": public(strings.ReplaceAll(pkix(t, &key.PublicKey), "\n", "\r\n")),
	}
	for name, loaded := range tests {
		if !loaded {
			t.Errorf("%s does not load", name)
		}
	}
}

func TestCertificateHasTheSerialNumberThatWeChatPayPrints(t *testing.T) {
	t.Parallel()
	cert, err := auth.ParseCertificate([]byte(block("CERTIFICATE", certificateOf(t, keys().ours))))
	if err != nil {
		t.Fatal(err)
	}
	if got := auth.SerialNo(cert); got != "0A01" {
		t.Errorf("the serial number is %s, want 0A01", got)
	}
	for _, none := range []*x509.Certificate{nil, {}} {
		if got := auth.SerialNo(none); got != "" {
			t.Errorf("the serial number of none is %s", got)
		}
	}
}

func TestAWrongFileSaysWhatItIs(t *testing.T) {
	t.Parallel()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	canary := "c2VjcmV0LWtleS1tYXRlcmlhbA=="
	privatePEM := pkcs8(t, keys().ours)
	private := func(b []byte) error { _, err := auth.ParsePrivateKey(b); return err }
	public := func(b []byte) error { _, err := auth.ParsePublicKey(b); return err }
	cert := func(b []byte) error { _, err := auth.ParseCertificate(b); return err }
	tests := map[string]struct {
		parse func([]byte) error
		text  string
		want  string
	}{
		"an empty file for a private key":                  {private, "", "empty, want a private key"},
		"a file of white space for a public key":           {public, " \n", "empty, want a public key"},
		"bare base64 for a private key":                    {private, canary, "no PEM block, want a private key"},
		"a certificate for a private key":                  {private, block("CERTIFICATE", certificateOf(t, keys().ours)), `found a PEM block of type "CERTIFICATE", want a private key`},
		"a private key for a public key":                   {public, privatePEM, `found a PEM block of type "PRIVATE KEY", want a public key`},
		"a public key for a certificate":                   {cert, pkix(t, &keys().ours.PublicKey), `found a PEM block of type "PUBLIC KEY", want a certificate`},
		"a damaged private key":                            {private, "-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----\n", "is damaged or not of its kind"},
		"a damaged PKCS #1 private key":                    {private, "-----BEGIN RSA PRIVATE KEY-----\n" + canary + "\n-----END RSA PRIVATE KEY-----\n", "is damaged or not of its kind"},
		"a damaged public key":                             {public, "-----BEGIN PUBLIC KEY-----\n" + canary + "\n-----END PUBLIC KEY-----\n", "is damaged or not of its kind"},
		"a damaged PKCS #1 public key":                     {public, "-----BEGIN RSA PUBLIC KEY-----\n" + canary + "\n-----END RSA PUBLIC KEY-----\n", "is damaged or not of its kind"},
		"a damaged certificate for a public key":           {public, "-----BEGIN CERTIFICATE-----\n" + canary + "\n-----END CERTIFICATE-----\n", "is damaged or not of its kind"},
		"a damaged certificate":                            {cert, "-----BEGIN CERTIFICATE-----\n" + canary + "\n-----END CERTIFICATE-----\n", "is damaged or not of its kind"},
		"a private key that is cut off":                    {private, privatePEM[:200], "no PEM block"},
		"a private key behind a password":                  {private, block("ENCRYPTED PRIVATE KEY", []byte("x")), "locked with a password"},
		"an elliptic private key":                          {private, pkcs8(t, curve), "*ecdsa.PrivateKey, want an RSA private key"},
		"an elliptic public key":                           {public, pkix(t, &curve.PublicKey), "*ecdsa.PublicKey, want an RSA public key"},
		"a private key in PKCS #1 that is behind a secret": {private, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + canary + "\n-----END RSA PRIVATE KEY-----\n", "locked with a password"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("the error is %v, want …%s…", err, tt.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error shows the file's content: %v", err)
			}
		})
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "apiclient_key.pem")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadPrivateKey(path); err == nil || !strings.Contains(err.Error(), "apiclient_key.pem: empty") {
		t.Errorf("the error is %v", err)
	}
	if _, err := auth.LoadPublicKey(path + "x"); !os.IsNotExist(err) {
		t.Errorf("of a file that is not there the error is %v", err)
	}
}
