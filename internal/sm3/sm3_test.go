package sm3

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

func sum(parts ...string) string {
	h := New()
	for _, part := range parts {
		_, _ = h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestTheDigestIsTheOneThatIsKnown has the two examples of the standard's annex A; the others were
// computed by OpenSSL.
func TestTheDigestIsTheOneThatIsKnown(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ message, want string }{
		"of three letters, from the standard": {"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
		"of a whole block, from the standard": {strings.Repeat("abcd", 16), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"},
		"of nothing":                          {"", "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"},
		"of a million letters":                {strings.Repeat("a", 1e6), "c8aaf89429554029e231941a2acc0ad61ff2a5acd8fadd25847a3a732b3b02c3"},
	}
	for name, tt := range tests {
		if got := sum(tt.message); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestTheDigestIsOpenSSLs covers what the few known ones do not: each length around the ends of
// blocks, where the padding differs.
func TestTheDigestIsOpenSSLs(t *testing.T) {
	t.Parallel()
	for length := range 2*blockSize + 2 {
		message := strings.Repeat("0123456789", 14)[:length]
		cmd := exec.CommandContext(t.Context(), "openssl", "dgst", "-sm3", "-r")
		cmd.Stdin = strings.NewReader(message)
		want, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl does not tell it: %v", err)
		}
		if got := sum(message); !strings.HasPrefix(string(want), got+" ") {
			t.Errorf("of %d bytes: %s, want %s", length, got, want)
		}
	}
}

func TestHowAMessageIsSplitDoesNotMatter(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		message := make([]byte, random.IntN(5*blockSize))
		for i := range message {
			message[i] = byte(random.Uint32())
		}
		whole := sum(string(message))
		h := New()
		for rest := message; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 2*blockSize))
			if written, err := h.Write(rest[:n]); written != n || err != nil {
				t.Fatalf("wrote %d of %d bytes: %v", written, n, err)
			}
			rest = rest[n:]
			_ = h.Sum(nil) // must not disturb what comes after
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != whole {
			t.Fatalf("%x split gives %s, whole %s", message, got, whole)
		}
	}
}

func TestAHashStartsAnewAndAppends(t *testing.T) {
	t.Parallel()
	h := New()
	_, _ = h.Write(bytes.Repeat([]byte("something else"), 10)) // more than a block
	h.Reset()
	_, _ = h.Write([]byte("abc"))
	got := h.Sum([]byte("before"))
	if !bytes.HasPrefix(got, []byte("before")) || hex.EncodeToString(got[len("before"):]) != sum("abc") {
		t.Errorf("appended %x", got)
	}
	if len(got) != len("before")+h.Size() || h.BlockSize() != 64 {
		t.Errorf("%d bytes were appended, in blocks of %d", len(got)-len("before"), h.BlockSize())
	}
}
