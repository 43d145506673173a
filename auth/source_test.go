package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
)

// source has keys, and others that it finds when one is missed.
type source struct {
	mu          sync.Mutex
	keys, found []auth.PlatformKey
	err         error
	missed      []string
}

func (s *source) Keys(ctx context.Context, missed string) ([]auth.PlatformKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if missed == "" {
		return s.keys, nil
	}
	s.missed = append(s.missed, missed)
	if ctx.Err() != nil {
		return s.keys, ctx.Err()
	}
	s.keys = append(s.keys, s.found...)
	return s.keys, s.err
}

var errSource = errors.New("500 SYSTEM_ERROR")

func TestVerifyAsksTheSourceForWhatItDoesNotHave(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	certificate := auth.PlatformKey{Serial: "7B", Public: &keys().ours.PublicKey, NotBefore: now, NotAfter: now.Add(time.Hour)}
	expired := certificate
	expired.NotAfter = now.Add(-time.Second)
	other := auth.PublicKey(keyID, &keys().other.PublicKey)
	tests := map[string]struct {
		source *source
		given  []auth.PlatformKey
		missed string
		want   error
		text   string
	}{
		"a key that it was given":                       {source: &source{}, given: []auth.PlatformKey{certificate}},
		"a key of the source":                           {source: &source{keys: []auth.PlatformKey{certificate}}, given: []auth.PlatformKey{other}},
		"a key of the source alone":                     {source: &source{keys: []auth.PlatformKey{certificate}}},
		"a key that is found":                           {source: &source{found: []auth.PlatformKey{certificate}}, given: []auth.PlatformKey{other}, missed: "7b"},
		"a key that is found though it was not easy":    {source: &source{found: []auth.PlatformKey{certificate}, err: errSource}, missed: "7b"},
		"a key that has expired, but not in the source": {source: &source{keys: []auth.PlatformKey{certificate}}, given: []auth.PlatformKey{expired}},
		"a key that has expired and is found again":     {source: &source{found: []auth.PlatformKey{certificate}}, given: []auth.PlatformKey{expired}, missed: "7b"},
		"a key that has expired for good":               {source: &source{keys: []auth.PlatformKey{expired}}, missed: "7b", want: auth.ErrUnknownSerial, text: "the platform certificate 7B expired on 2024-11-24"},
		"a key that nobody has":                         {source: &source{keys: []auth.PlatformKey{other}}, missed: "7b", want: auth.ErrUnknownSerial, text: "this program has " + keyID},
		"no key at all":                                 {source: &source{}, missed: "7b", want: auth.ErrUnknownSerial, text: "this program has none"},
		"a key that was not found for a reason":         {source: &source{err: errSource}, missed: "7b", want: auth.ErrUnknownSerial, text: "which was looked for in vain: 500 SYSTEM_ERROR"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := auth.NewVerifierFrom(tt.source, tt.given...)
			if err != nil {
				t.Fatal(err)
			}
			err = v.Verify(t.Context(), signed(t, keys().ours, "7b", "", now), nil, now)
			if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error is %v, want %v %s", err, tt.want, tt.text)
			}
			if errors.Is(err, errSource) {
				t.Error("the source's error is passed off as one of this message")
			}
			if got := strings.Join(tt.source.missed, " "); got != tt.missed {
				t.Errorf("it asked for %q, want %q", got, tt.missed)
			}
		})
	}
}

func TestVerifyAsksTheSourceForNothingThatIsRefusedAnyway(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	s := new(source)
	v, err := auth.NewVerifierFrom(s)
	if err != nil {
		t.Fatal(err)
	}
	header := signed(t, keys().ours, "7B", "", now)
	header.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x")
	if err := v.Verify(t.Context(), header, nil, now); !errors.Is(err, auth.ErrProbe) {
		t.Error(err)
	}
	if err := v.Verify(t.Context(), signed(t, keys().ours, "7B", "", now), nil, now.Add(time.Hour)); !errors.Is(err, auth.ErrExpired) {
		t.Error(err)
	}
	if s.missed != nil {
		t.Errorf("it asked for %v", s.missed)
	}
	if _, err := auth.NewVerifierFrom(nil, auth.PublicKey(keyID, &keys().ours.PublicKey)); err == nil {
		t.Error("there is a verifier from no source")
	}
}

func TestPreferred(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	key := func(serial string, from, to time.Duration) auth.PlatformKey {
		return auth.PlatformKey{Serial: serial, Public: &keys().ours.PublicKey, NotBefore: now.Add(from), NotAfter: now.Add(to)}
	}
	public := auth.PublicKey(keyID, &keys().ours.PublicKey)
	older, newer := key("A1", -2*time.Hour, time.Hour), key("B2", -time.Hour, time.Hour)
	expired, future := key("C3", -time.Minute, -time.Second), key("D4", time.Second, time.Hour)
	last := key("E5", -3*time.Hour, 0)
	tests := map[string]struct {
		keys []auth.PlatformKey
		want string
	}{
		"the public key before certificates":         {[]auth.PlatformKey{newer, public, older}, keyID},
		"the newest certificate":                     {[]auth.PlatformKey{older, newer}, "B2"},
		"a certificate that is valid":                {[]auth.PlatformKey{expired, older, future}, "A1"},
		"a certificate in its last second":           {[]auth.PlatformKey{expired, last, future}, "E5"},
		"the newest where none is valid":             {[]auth.PlatformKey{expired, key("F6", -time.Hour, -time.Minute)}, "C3"},
		"the only one, whether it is valid or not":   {[]auth.PlatformKey{expired}, "C3"},
		"the first public key, until it is replaced": {[]auth.PlatformKey{public, auth.PublicKey(keyID+"1", &keys().other.PublicKey)}, keyID},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for cut := range len(tt.keys) { // some are given, the others the source's
				v, err := auth.NewVerifierFrom(&source{keys: tt.keys[cut:]}, tt.keys[:cut]...)
				if err != nil {
					t.Fatal(err)
				}
				if got := v.Preferred(now); got.Serial != tt.want || got.Public == nil {
					t.Errorf("with %d given it is %s, want %s", cut, got.Serial, tt.want)
				}
			}
		})
	}
	if got := new(auth.Verifier).Preferred(now); got.Serial != "" || got.Public != nil {
		t.Errorf("without keys it is %+v", got)
	}
}

// TestKeysAreReplacedWhileTheyVerify keeps one key all the time, and another in every second set.
func TestKeysAreReplacedWhileTheyVerify(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732435200, 0)
	stays, comes := auth.PublicKey(keyID, &keys().ours.PublicKey), auth.PublicKey(keyID+"1", &keys().other.PublicKey)
	v := verifier(t, stays)
	var wg sync.WaitGroup
	over := make(chan struct{})
	header, newer := signed(t, keys().ours, keyID, "", now), signed(t, keys().other, keyID+"1", "", now)
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := v.Verify(t.Context(), header, nil, now); err != nil {
					t.Errorf("the key that stays: %v", err)
				}
				if err := v.Verify(t.Context(), newer, nil, now); err != nil && !errors.Is(err, auth.ErrUnknownSerial) {
					t.Errorf("the key that comes and goes: %v", err)
				}
				if n := len(v.Keys()); n != 1 && n != 2 || v.Preferred(now).Serial != keyID {
					t.Errorf("there are %d keys", n)
				}
			}
		})
	}
	set := []auth.PlatformKey{stays, comes}
	for i := range 200 {
		if err := v.Replace(set[:1+i%2]...); err != nil {
			t.Error(err)
		}
	}
	close(over)
	wg.Wait()
	if err := v.Verify(t.Context(), newer, nil, now); err != nil {
		t.Errorf("in the end the other one gives %v", err)
	}
	set[1] = stays // the caller's slice is the caller's
	if err := v.Verify(t.Context(), newer, nil, now); err != nil {
		t.Errorf("after the caller changed the slice: %v", err)
	}
}

func TestReplaceRefusesAndKeepsTheOldKeys(t *testing.T) {
	t.Parallel()
	public := auth.PublicKey(keyID, &keys().ours.PublicKey)
	v := verifier(t, public)
	for name, set := range map[string][]auth.PlatformKey{
		"no key": nil, "an invalid key": {auth.PublicKey(keyID, nil)}, "one key twice": {public, public},
	} {
		if err := v.Replace(set...); err == nil || len(v.Keys()) != 1 {
			t.Errorf("%s: %v, then there are %d keys", name, err, len(v.Keys()))
		}
	}
	s := &source{keys: []auth.PlatformKey{{Serial: "7B", Public: &keys().other.PublicKey}}}
	v, err := auth.NewVerifierFrom(s, public)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Replace(); err != nil || len(v.Keys()) != 1 || v.Keys()[0].Serial != "7B" {
		t.Errorf("without given keys: %v, then there are %+v", err, v.Keys())
	}
}
