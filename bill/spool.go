package bill

import (
	"io"
	"os"
	"path/filepath"
	"sync"
)

// spool is a temporary file, which only its owner may read.
type spool struct {
	file  *os.File
	size  int64
	close func() error
}

func newSpool(dir string) (*spool, error) { return createSpool(dir, os.Remove) }

// createSpool removes the name of the file at once where the system allows that, so that nothing is
// left even if the process is killed; else when it is closed.
func createSpool(dir string, remove func(string) error) (*spool, error) {
	file, err := os.CreateTemp(dir, "wechatpay-bill-*")
	if err != nil {
		return nil, onDisk("no temporary file can be made", err)
	}
	name := file.Name()
	if remove(name) == nil {
		name = ""
	}
	return &spool{file: file, close: sync.OnceValue(func() error {
		err := file.Close()
		if name == "" {
			return err
		}
		if gone := remove(name); gone != nil {
			return onDisk("the temporary file "+filepath.Base(name)+" is still there", gone)
		}
		return err
	})}, nil
}

// fill writes all of from into the file, and keeps the errors of reading and of writing apart.
func (s *spool) fill(from io.Reader) error {
	piece := make([]byte, 64<<10)
	for {
		n, err := from.Read(piece)
		if _, failed := s.file.Write(piece[:n]); failed != nil {
			return onDisk("the temporary file cannot be written", failed)
		}
		s.size += int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// reader reads the file from its beginning. Several do not disturb each other.
func (s *spool) reader() io.Reader { return io.NewSectionReader(s.file, 0, s.size) }

// Close removes the file, once.
func (s *spool) Close() error { return s.close() }

// onDisk is an error that says nothing about the bill.
func onDisk(what string, err error) error { return &fault{what + ": " + err.Error(), []error{err}} }
