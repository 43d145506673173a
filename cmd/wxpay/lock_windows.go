package main

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks a file that is there for the lock alone: nobody else can open it, and it goes
// when it is closed.
func lockFile(path string) (unlock func(), err error) {
	const (
		deleteOnClose    = 0x04000000        // FILE_FLAG_DELETE_ON_CLOSE
		sharingViolation = syscall.Errno(32) // ERROR_SHARING_VIOLATION
		deleteAccess     = 0x00010000        // DELETE, which deleteOnClose needs
		access           = syscall.GENERIC_READ | deleteAccess
	)
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	handle, err := syscall.CreateFile(name, access, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL|deleteOnClose, 0)
	if errors.Is(err, sharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED) {
		return nil, errLocked // the second while it is being removed
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return func() { _ = syscall.CloseHandle(handle) }, nil
}
