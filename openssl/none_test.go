//go:build !(((linux && !android) || (darwin && !ios)) && (amd64 || arm64)) || noopenssl

package openssl

import "testing"

func TestABuildWithoutTheLibraryFallsBack(t *testing.T) {
	t.Parallel()
	if err := fallback(); err != nil {
		t.Error(err)
	}
}
