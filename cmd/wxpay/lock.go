package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// errLocked is what lockFile fails with while somebody else has the lock.
var errLocked = errors.New("locked")

// inUse tells that another wxpay has the directory.
func inUse(dir string) error {
	return fmt.Errorf("another wxpay runs on %s: end it, or choose another directory with --dir", dir)
}

// lock makes the directory, if it is not there, and keeps every other wxpay out of it until
// unlock. A process that ends lets the lock go, however it ends.
func (d *simDir) lock() error {
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(lockPatience / 20) {
		err := os.MkdirAll(filepath.Dir(d.path), 0o700)
		if err == nil {
			err = os.Mkdir(d.path, 0o700)
		}
		d.made = d.made || err == nil
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		d.unlockFile, err = lockFile(d.file(lockName))
		again := errors.Is(err, errLocked) || errors.Is(err, fs.ErrNotExist) // gone with one who left
		switch {
		case err == nil:
			return nil
		case !again:
			return fmt.Errorf("the directory does not lock: %w", err)
		case time.Now().After(deadline):
			return inUse(d.path)
		}
	}
}

// unlock lets others in. A directory that was made and got nothing goes.
func (d *simDir) unlock() {
	d.unlockFile()
	if d.made {
		_ = os.Remove(d.path) // which fails if anything is in it
	}
}
