package bill

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestAFileWhoseNameStaysIsRemovedWhenItIsClosed(t *testing.T) {
	t.Parallel()
	busy := errors.New("the file is in use")
	dir, calls := t.TempDir(), 0
	file, err := createSpool(dir, func(name string) error {
		if calls++; calls == 1 { // as Windows says of a file that is open
			return busy
		}
		return os.Remove(name)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := file.fill(strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	if err := errors.Join(file.Close(), file.Close()); err != nil || calls != 2 {
		t.Errorf("after %d calls: %v", calls, err)
	}
	checkGone(t, dir)

	file, err = createSpool(dir, func(string) error { return busy })
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); !errors.Is(err, busy) || !strings.Contains(err.Error(), "is still there") {
		t.Errorf("what cannot be removed gives %v", err)
	}
}

func TestADiskThatFailsIsNotDamage(t *testing.T) {
	t.Parallel()
	file, err := newSpool(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.fill(strings.NewReader("x")); !errors.Is(err, os.ErrClosed) || errors.Is(unusable(err), ErrDamaged) {
		t.Errorf("the error is %v", err)
	}
	if _, err := io.ReadAll(file.reader()); err != nil {
		t.Errorf("of nothing there is %v", err)
	}
}
