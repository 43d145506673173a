package vectors

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/internal/download"
	"github.com/openwechatpay/wechatpay/internal/sm3"
)

// TestVectors runs those that no other package is the right one for.
func TestVectors(t *testing.T) {
	t.Parallel()
	Run(t, "internal/vectors", Checks{"hash": checkHash, "sm4-gcm": checkSM3})
}

func checkHash(t *testing.T, _ Set, v Vector) {
	kind := map[int]string{40: "SHA1", 64: "SHA256"}[len(v.Hex)]
	var input string
	if err := json.Unmarshal(v.Input, &input); err != nil {
		t.Fatal(err)
	}
	hash, err := download.ParseHash(kind, v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	if !hash.Of([]byte(input)) || hash.Of([]byte(input+"x")) {
		t.Errorf("%s of %q is not %s", kind, input, v.Hex)
	}
}

func checkSM3(t *testing.T, _ Set, v Vector) {
	h := sm3.New()
	_, _ = h.Write([]byte(v.APIv3Key))
	if got := hex.EncodeToString(h.Sum(nil)); got != v.SM3Hex {
		t.Errorf("the digest is %s, want %s", got, v.SM3Hex)
	}
}

// TestEveryVectorIsRunOrLeftOutForAReason shows what is left out as skipped.
func TestEveryVectorIsRunOrLeftOutForAReason(t *testing.T) {
	t.Parallel()
	sets, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		for _, v := range set.Vectors {
			if reason := leftOut[v.Kind]; reason != "" {
				t.Run(v.Kind+"/"+v.Name, func(t *testing.T) { t.Skip(reason) })
			}
		}
	}
	for kind := range leftOut {
		if runBy[kind] != nil {
			t.Errorf("%s is run, and left out", kind)
		}
	}
}

func TestAVectorThatNobodyRunsIsAFault(t *testing.T) {
	t.Parallel()
	check := func(*testing.T, Set, Vector) {}
	ours := Checks{"hash": check, "sm4-gcm": check}
	tests := map[string]struct {
		checks Checks
		kind   string
		want   string // of the one fault, "" for none
	}{
		"of a kind that is run":                   {ours, "hash", ""},
		"of a kind that another runs":             {ours, "aes-gcm", ""},
		"of a kind with a reason":                 {ours, "sm2-sign", ""},
		"of a kind that no table has":             {ours, "sm9-sign", `of the kind "sm9-sign", and no reason is given`},
		"without a kind":                          {ours, "", `of the kind "", and no reason is given`},
		"of a kind that is no longer run":         {Checks{"hash": check}, "hash", "does not run sm4-gcm, as runBy tells"},
		"of a kind that the table is wrong about": {Checks{"hash": check, "sm4-gcm": check, "sm2-sign": check}, "hash", "runs sm2-sign: add that to runBy"},
	}
	for name, tt := range tests {
		got := faults([]Set{{File: "a.json", Vectors: []Vector{{Name: "a", Kind: tt.kind}}}}, "internal/vectors", tt.checks)
		if tt.want == "" && got != nil || tt.want != "" && !slices.ContainsFunc(got, func(fault string) bool { return strings.Contains(fault, tt.want) }) {
			t.Errorf("a vector %s gives %q, want %q", name, got, tt.want)
		}
	}
}
