package crypt

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

const key = "canary-APIv3-key-0123456789-abcd"

func TestOpenGCMRefuses(t *testing.T) {
	t.Parallel()
	sealed, err := SealGCM(key, "0123456789ab", "payscore", []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		key, nonce, associatedData string
		ciphertext                 []byte
		want                       error
		text                       string
	}{
		"another key":             {strings.ToUpper(key), "0123456789ab", "payscore", sealed, ErrDecrypt, ""},
		"a short key":             {"canary", "0123456789ab", "payscore", sealed, nil, "has 6 bytes, want 32"},
		"no key":                  {"", "0123456789ab", "payscore", sealed, nil, "has 0 bytes, want 32"},
		"another nonce":           {key, "0123456789aB", "payscore", sealed, ErrDecrypt, ""},
		"a nonce of another size": {key, "0123456789a", "payscore", sealed, ErrDecrypt, ""},
		"no nonce":                {key, "", "payscore", sealed, ErrDecrypt, ""},
		"other associated data":   {key, "0123456789ab", "", sealed, ErrDecrypt, ""},
		"no ciphertext":           {key, "0123456789ab", "payscore", nil, ErrDecrypt, ""},
		"a tag without its text":  {key, "0123456789ab", "payscore", sealed[len(sealed)-tagSize:], ErrDecrypt, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := OpenGCM(tt.key, tt.nonce, tt.associatedData, tt.ciphertext)
			if got != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("opened to %q, %v", got, err)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestSealGCMRefusesAnEmptyNonce(t *testing.T) {
	t.Parallel()
	if _, err := SealGCM(key, "", "", nil); err == nil {
		t.Error("it takes one")
	}
}

func TestOpenGCMLeavesTheCiphertextAsItIs(t *testing.T) {
	t.Parallel()
	sealed, err := SealGCM(key, "n", "", []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(sealed)
	for range 2 {
		if got, err := OpenGCM(key, "n", "", sealed); err != nil || string(got) != "text" {
			t.Errorf("opened to %q, %v", got, err)
		}
	}
	if !bytes.Equal(sealed, before) {
		t.Error("the ciphertext was changed")
	}
}

// FuzzOpenGCM: data opens only if it is what sealing makes, and what was sealed opens, but not with
// one bit changed.
func FuzzOpenGCM(f *testing.F) {
	for _, nonce := range []string{"0123456789ab", "x", "0123456789abcdef", "\x00"} {
		sealed, err := SealGCM(key, nonce, "payscore", []byte("{}"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(nonce, "payscore", sealed, uint(7))
		f.Add(nonce, "", sealed[:tagSize-1], uint(0))
	}
	f.Add("", "", []byte(nil), uint(0))
	f.Fuzz(func(t *testing.T, nonce, associatedData string, data []byte, bit uint) {
		plaintext, err := OpenGCM(key, nonce, associatedData, data)
		if err == nil {
			if again, err := SealGCM(key, nonce, associatedData, plaintext); err != nil || !bytes.Equal(again, data) {
				t.Errorf("%q opens to %q, which seals to %q, %v", data, plaintext, again, err)
			}
		} else if err != ErrDecrypt {
			t.Errorf("%q gives %v", data, err)
		}
		sealed, err := SealGCM(key, nonce, associatedData, data)
		if err != nil {
			if nonce != "" {
				t.Errorf("with the nonce %q sealing gives %v", nonce, err)
			}
			return
		}
		if got, err := OpenGCM(key, nonce, associatedData, sealed); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%q, sealed, opens to %q, %v", data, got, err)
		}
		bit %= uint(len(sealed)) * 8
		sealed[bit/8] ^= 1 << (bit % 8)
		if got, err := OpenGCM(key, nonce, associatedData, sealed); err != ErrDecrypt {
			t.Errorf("with the bit %d changed it opens to %q, %v", bit, got, err)
		}
	})
}
