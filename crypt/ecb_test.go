package crypt

import (
	"bytes"
	"crypto/aes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

const apiv2Key = "192006250b4c09247ec02edce69f6a2d" // of the official example

// blocks encrypts whole blocks as they are, so that their padding can be wrong.
func blocks(t *testing.T, plaintext string) string {
	t.Helper()
	block, err := aes.NewCipher(reqInfoKey(apiv2Key))
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(plaintext)
	for i := 0; i < len(text); i += aes.BlockSize {
		block.Encrypt(text[i:], text[i:])
	}
	return base64.StdEncoding.EncodeToString(text)
}

func TestReqInfoComesBackWhateverItsLength(t *testing.T) {
	t.Parallel()
	for n := range 50 {
		want := strings.Repeat("支", n) + strings.Repeat("\x01", n%3)
		sealed, err := SealReqInfo(apiv2Key, []byte(want))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := OpenReqInfo(apiv2Key, sealed); err != nil || string(got) != want {
			t.Errorf("of %d bytes came back %q, %v", len(want), got, err)
		}
	}
}

func TestSealReqInfoLeavesThePlaintextAlone(t *testing.T) {
	t.Parallel()
	text := append(make([]byte, 0, 64), "<root></root>"...)
	if _, err := SealReqInfo(apiv2Key, text); err != nil {
		t.Fatal(err)
	}
	if rest := text[:32]; !bytes.Equal(rest, append([]byte("<root></root>"), make([]byte, 19)...)) {
		t.Errorf("the plaintext and what is behind it became %q", rest)
	}
}

func TestReqInfoIsRefused(t *testing.T) {
	t.Parallel()
	sealed, err := SealReqInfo(apiv2Key, []byte("<root>canary</root>"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(key, reqInfo string) error { _, err := OpenReqInfo(key, reqInfo); return err }
	_, shortKey := SealReqInfo("canary", nil)
	tests := map[string]struct {
		err  error
		want error // nil if it is not about the ciphertext
		text string
	}{
		"under another key":                     {open(strings.Repeat("k", 32), sealed), ErrDecrypt, ""},
		"under a key that is short":             {open("canary", sealed), nil, "APIv2 key (APIv2密钥) has 6 bytes, want 32"},
		"sealed under a key that is short":      {shortKey, nil, "has 6 bytes"},
		"that is empty":                         {open(apiv2Key, ""), ErrDecrypt, ""},
		"that is not base64":                    {open(apiv2Key, "canary!"), ErrDecrypt, "not base64"},
		"that is not of whole blocks":           {open(apiv2Key, sealed[:8]), ErrDecrypt, ""},
		"that is cut off":                       {open(apiv2Key, blocks(t, "<root>canary</ro")), ErrDecrypt, ""},
		"that is longer than any":               {open(apiv2Key, strings.Repeat("A", 64<<10+4)), ErrDecrypt, "65540 bytes"},
		"with padding of no byte":               {open(apiv2Key, blocks(t, "<root></root>xx\x00")), ErrDecrypt, ""},
		"with padding of more than a block":     {open(apiv2Key, blocks(t, strings.Repeat("\x11", 32))), ErrDecrypt, ""},
		"with padding that is not all the same": {open(apiv2Key, blocks(t, "<root></root>x\x01\x02")), ErrDecrypt, ""},
	}
	for name, tt := range tests {
		if tt.err == nil || tt.want != nil && !errors.Is(tt.err, tt.want) || tt.want == nil && errors.Is(tt.err, ErrDecrypt) || !strings.Contains(tt.err.Error(), tt.text) {
			t.Errorf("req_info %s gives %v", name, tt.err)
		} else if strings.Contains(tt.err.Error(), "canary") {
			t.Errorf("req_info %s shows a secret: %v", name, tt.err)
		}
	}
	if got, err := OpenReqInfo(apiv2Key, blocks(t, strings.Repeat("\x10", 16))); err != nil || len(got) != 0 {
		t.Errorf("a block of padding opens to %q, %v", got, err)
	}
}

// FuzzReqInfo opens what anybody sends: what opens is sealed to the same again, and what is sealed opens.
func FuzzReqInfo(f *testing.F) {
	sealed, err := SealReqInfo(apiv2Key, []byte("<root><refund_status><![CDATA[SUCCESS]]></refund_status></root>"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(strings.Repeat("A", 64))
	f.Add("")
	f.Add("bDP/xixH0hFEaZusu714U7rO4wZDF5SwkOt7MIFNUaladrdy0yQefoW3LYmmUmF3r7t23yZjibKV29fZKVgeUY==") // bits that no byte has
	f.Fuzz(func(t *testing.T, text string) {
		if plaintext, err := OpenReqInfo(apiv2Key, text); err == nil {
			again, err := SealReqInfo(apiv2Key, plaintext)
			ciphertext, _ := base64.StdEncoding.DecodeString(text) // of which base64 has several forms
			if want := base64.StdEncoding.EncodeToString(ciphertext); err != nil || again != want {
				t.Fatalf("what opened is sealed to %q, %v; want %q", again, err, want)
			}
		} else if !errors.Is(err, ErrDecrypt) {
			t.Fatalf("the error is %v", err)
		}
		sealed, err := SealReqInfo(apiv2Key, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) > maxReqInfo {
			return
		}
		if got, err := OpenReqInfo(apiv2Key, sealed); err != nil || string(got) != text {
			t.Fatalf("what was sealed opened to %q, %v", got, err)
		}
	})
}
