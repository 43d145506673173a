//go:build ((linux && !android) || (darwin && !ios)) && (amd64 || arm64) && !noopenssl

package openssl

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// restricted in the environment makes the test binary try what a configuration of OpenSSL does not let it do.
const restricted = "OPENSSL_TEST_RESTRICTED"

// withoutLeave tells what was possible in spite of the configuration, if anything was.
func withoutLeave() error {
	std, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	if _, err := Version(); err != nil {
		return err
	}
	if _, err := newSigner(std); err == nil || errors.Is(err, ErrNoLibrary) {
		return fmt.Errorf("a new Signer: %w", err)
	}
	if _, err := NewVerifier(&std.PublicKey); err == nil || errors.Is(err, ErrNoLibrary) {
		return fmt.Errorf("a new Verifier: %w", err)
	}
	if SignerOr(std) != crypto.Signer(std) {
		return errors.New("SignerOr does not fall back")
	}
	return nil
}

func TestAConfigurationThatForbidsSigningIsHeard(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "openssl.cnf")
	text := "openssl_conf = init\n[init]\nalg_section = algorithms\n[algorithms]\ndefault_properties = fips=yes\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), restricted+"=1", "OPENSSL_CONF="+config)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "<nil>\n" {
		t.Errorf("it says %s, %v", out, err)
	}
}

// otherName in the environment makes the test binary look for the library by that name, and fall back.
const otherName = "OPENSSL_TEST_OTHER_NAME"

func TestMain(m *testing.M) {
	if os.Getenv(restricted) != "" {
		fmt.Println(withoutLeave())
		os.Exit(0)
	}
	if name := os.Getenv(otherName); name != "" {
		names = []string{name}
		if err := fallback(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, err := Version()
		fmt.Println(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// inAChild runs binary as a process that knows the library by this name alone, and returns what it
// says of it.
func inAChild(t *testing.T, binary, name string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), otherName+"="+name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestAProcessWithoutTheLibraryFallsBack(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "libcrypto.so.3")
	if err := os.WriteFile(broken, []byte("\x7fELF and nothing else"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ name, want string }{
		"there is none":                  {"libnothing.so.3", "libnothing.so.3"},
		"it is of another project":       {map[string]string{"linux": "libc.so.6", "darwin": "/usr/lib/libSystem.B.dylib"}[runtime.GOOS], "it has no OpenSSL_version_num"},
		"it is damaged":                  {broken, broken},
		"it has a name that C cannot do": {filepath.Dir(broken), filepath.Dir(broken)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := inAChild(t, self, tt.name)
			if !strings.HasPrefix(said, ErrNoLibrary.Error()) || !strings.Contains(said, tt.want) || !strings.Contains(said, "install") {
				t.Errorf("it says %s", said)
			}
		})
	}
}

func TestOnlyOpenSSL3IsTaken(t *testing.T) {
	t.Parallel()
	for number, taken := range map[uint]bool{
		0x1010117f: false, // OpenSSL 1.1.1w
		0x20000000: false, // LibreSSL, whatever its version
		0x30000000: true,  // OpenSSL 3.0.0
		0x30500040: true,  // OpenSSL 3.5.4
		0x40000000: false, // OpenSSL 4.0.0
	} {
		if err := checkVersion(number); (err == nil) != taken {
			t.Errorf("%#x: %v", number, err)
		}
	}
}

func TestTheLibraryIsNamed(t *testing.T) {
	t.Parallel()
	if v, err := Version(); err != nil || !strings.HasPrefix(v, "OpenSSL 3.") {
		t.Errorf("the version is %q, %v", v, err)
	}
}

func TestOpenSSLSaysWhyItDoesNotReadAKey(t *testing.T) {
	t.Parallel()
	k, err := privateKey([]byte("not a key"))
	if k != nil || err == nil || !strings.HasPrefix(err.Error(), "openssl: read the private key: ") || strings.Contains(err.Error(), "no reason") {
		t.Errorf("it says %v", err)
	}
	if k, err := publicKey(nil); k != nil || err == nil {
		t.Errorf("nothing is a public key: %v", err)
	}
}

// TestErrorsDoNotStayOnTheThread is about others who use the same library on the same thread, and would take an
// error for theirs.
func TestErrorsDoNotStayOnTheThread(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	lib, err := system()
	if err != nil {
		t.Fatal(err)
	}
	k, err := privateKey(private(t).der)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := publicKey(private(t).publicDER)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"a key that is not read":          func() error { _, err := privateKey([]byte("not a key")); return err },
		"a signature that does not fit":   func() error { _, err := k.sign(wechatPay, make([]byte, 32), 100); return err },
		"a padding that there is not":     func() error { _, err := k.sign(scheme{padding(99), wechatPay.hash}, make([]byte, 32), 256); return err },
		"a ciphertext that does not open": func() error { _, err := k.decrypt(scheme{oaep1, wechatPay.hash}, make([]byte, 256)); return err },
		"a signature that is another's":   func() error { return pub.verify(make([]byte, 32), make([]byte, 256)) },
	} {
		if call() == nil {
			t.Errorf("%s is no error", name)
		}
		if code := lib.lastError(); code != 0 {
			t.Errorf("%s leaves the error %q", name, lib.reason(code))
			lib.clearErrors()
		}
	}
}
