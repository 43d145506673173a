package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/openwechatpay/wechatpay/sim"
)

// journalFormat is the version of the file. A change that an older wxpay would misread raises it.
const journalFormat = 1

const (
	lockPatience = 200 * time.Millisecond // how long another wxpay has to let the file go
	flushEvery   = time.Second
)

// What the file has: its format, and the events by their numbers, which begin with 1. An event is
// kept behind its checksum.
var (
	headBucket  = []byte("wxpay")
	formatKey   = []byte("format")
	eventBucket = []byte("events")
	checksums   = crc32.MakeTable(crc32.Castagnoli)
)

// journal keeps the events of a simulator in a file, so that the next start goes on where this
// one ended.
//
// An event is with the operating system before anybody is told of it, so it survives the
// process, kill -9 included. It is on the disk a second later: a power cut may take that second,
// or leave a file that the next start finds damaged. Waiting for the disk each time would cost
// ten times the time of an event.
type journal struct {
	path    string
	db      *bolt.DB    // nil until the file is there
	written atomic.Bool // since the last flush
	flushed chan error  // of the flusher, once it ended
	stop    chan struct{}

	sync   func() error          // hands the file to the disk
	failed atomic.Pointer[error] // why the disk did not take it
	report func(error)           // is told of that at once; nil if nobody is
}

var _ sim.Journal = (*journal)(nil)

// newJournal is a journal in a file that need not be there.
func newJournal(path string) *journal { return &journal{path: path} }

// journalError is why a journal is of no use. Whatever it is, the file was left as it was.
type journalError struct {
	path string
	err  error
}

func (e *journalError) Error() string {
	dir := filepath.Dir(e.path)
	switch {
	case errors.Is(e.err, berrors.ErrTimeout):
		return inUse(dir).Error()
	case errors.Is(e.err, errDamaged):
		return fmt.Sprintf("%s is %v; it was left as it is: move it away to begin without orders, or choose another directory with --dir", e.path, e.err)
	default:
		return fmt.Sprintf("%s: %v; it was left as it is: move it away to begin without orders, or choose another directory with --dir", e.path, e.err)
	}
}

func (e *journalError) Unwrap() error { return e.err }

var errDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errDamaged}, args...)...)
}

// Replay reads the file without the right to change it, and takes that right only when all of it
// is as it was written and fn took every event.
func (j *journal) Replay(fn func(event []byte) error) error {
	if _, err := os.Lstat(j.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info, err := os.Stat(j.path) // which fails for a link that leads nowhere
	if err != nil {
		return &journalError{j.path, err}
	}
	if info.Size() == 0 {
		return &journalError{j.path, damaged("it is empty")} // bbolt would begin a new one
	}
	last, err := j.read(fn)
	if err == nil {
		err = j.open(last)
	}
	if err != nil {
		return &journalError{j.path, err}
	}
	return nil
}

// read calls fn with every event and returns the number of the last.
func (j *journal) read(fn func(event []byte) error) (last uint64, err error) {
	db, err := openBolt(j.path, true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	file, err := os.Open(j.path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	err = viewing(db, func(tx *bolt.Tx, told func(func() error) error) error {
		if err := checkSize(tx, j.path); err != nil {
			return err
		}
		if err := checkTree(tx, file, db.Info().PageSize); err != nil {
			return err
		}
		if err := checkHead(tx); err != nil {
			return err
		}
		events := tx.Bucket(eventBucket)
		err := events.ForEach(func(key, value []byte) error {
			event, err := decodeEvent(key, value, last+1)
			if err != nil {
				return err
			}
			last++
			return told(func() error { return fn(event) })
		})
		if err == nil && last != events.Sequence() {
			err = damaged("it has %d of %d events", last, events.Sequence())
		}
		if err != nil {
			return err
		}
		return checkPages(tx, db.Info().PageSize)
	})
	return last, err
}

// viewing reads a file that may be damaged anywhere. Bbolt takes its pages at their word: it
// panics, or reads where no memory is. What panics inside of told does so on its own account.
func viewing(db *bolt.DB, read func(tx *bolt.Tx, told func(func() error) error) error) (err error) {
	own := false
	told := func(fn func() error) error {
		own = true
		err := fn()
		own = false
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if own {
			return
		}
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	return db.View(func(tx *bolt.Tx) error { return read(tx, told) })
}

// checkSize checks that the file was not cut off.
func checkSize(tx *bolt.Tx, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		return damaged("it was cut off after %d of %d bytes", info.Size(), tx.Size())
	}
	return nil
}

// checkHead checks that the file is a journal, of a version that this wxpay reads.
func checkHead(tx *bolt.Tx) error {
	head := tx.Bucket(headBucket)
	if head == nil || tx.Bucket(eventBucket) == nil {
		return errors.New("it is not the journal of a simulator")
	}
	format, err := strconv.Atoi(string(head.Get(formatKey)))
	if err != nil {
		return damaged("its format is no number")
	}
	if format > journalFormat {
		return fmt.Errorf("a newer wxpay wrote it, in format %d, and this one reads %d: use the newer one", format, journalFormat)
	}
	return nil
}

// checkPages checks the pages that no event leads to, and that none is said to be free that is
// not: bbolt would trust them when it writes.
func checkPages(tx *bolt.Tx, pageSize int) (err error) {
	end := int(tx.Size()) / pageSize
	for id := 2; id < end; { // sizes first: Check believes them, and would count to four billion
		page, err := tx.Page(id)
		switch {
		case err != nil:
			return err
		case page.Type == "free":
			id++
		case page.OverflowCount >= end-id:
			return damaged("page %d has no end", id)
		default:
			id += 1 + page.OverflowCount
		}
	}
	for fault := range tx.Check() { // to its end, for it waits to be read
		if err == nil {
			err = damaged("%w", fault)
		}
	}
	return err
}

// open takes the right to change a file whose last event was read.
func (j *journal) open(last uint64) error {
	db, err := openBolt(j.path, false)
	if err != nil {
		return err
	}
	var now uint64
	err = viewing(db, func(tx *bolt.Tx, _ func(func() error) error) error {
		now = tx.Bucket(eventBucket).Sequence()
		return nil
	})
	if err == nil && now != last {
		err = errors.New("another wxpay wrote to it while it was read: start again")
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	j.use(db)
	return nil
}

// use writes to db from now on.
func (j *journal) use(db *bolt.DB) {
	j.db, j.sync, j.stop, j.flushed = db, db.Sync, make(chan struct{}), make(chan error, 1)
	go func() { j.flushed <- j.flush() }()
}

// begin makes the file, unless it is there: in whole or not at all.
func (j *journal) begin() error {
	if j.db != nil {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(j.path), temporary+filepath.Base(j.path)+"-*") // of mode 0600
	if err != nil {
		return err
	}
	err = errors.Join(f.Close(), makeJournal(f.Name()))
	if err == nil {
		err = place(f.Name(), j.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return &journalError{j.path, err}
	}
	if err := j.open(0); err != nil {
		return &journalError{j.path, err}
	}
	return nil
}

// place gives a file its name, unless something has it already.
func place(made, name string) error {
	err := os.Link(made, name)
	if err == nil {
		return os.Remove(made)
	}
	if _, there := os.Lstat(name); !errors.Is(there, fs.ErrNotExist) {
		return fmt.Errorf("it was not there at the start: %w", fs.ErrExist)
	}
	return os.Rename(made, name) // on a file system without links
}

// makeJournal writes a journal without events to an empty file.
func makeJournal(path string) error {
	db, err := openBolt(path, false)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		head, err := tx.CreateBucket(headBucket)
		if err != nil {
			return err
		}
		if err := head.Put(formatKey, strconv.AppendInt(nil, journalFormat, 10)); err != nil {
			return err
		}
		_, err = tx.CreateBucket(eventBucket)
		return err
	})
	return errors.Join(err, db.Sync(), db.Close())
}

// openBolt opens a file that is there.
func openBolt(path string, readOnly bool) (db *bolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	db, err = bolt.Open(path, 0o600, &bolt.Options{
		ReadOnly:        readOnly,
		PreLoadFreelist: true,
		Timeout:         lockPatience,
		NoSync:          true,
		NoStatistics:    true,
	})
	_, unread := errors.AsType[*fs.PathError](err)
	if err != nil && !unread && !errors.Is(err, berrors.ErrTimeout) {
		err = damaged("%w", err)
	}
	return db, err
}

// Append keeps an event.
func (j *journal) Append(event []byte) error {
	if j.db == nil {
		return errors.New("the journal has not begun")
	}
	if failed := j.failed.Load(); failed != nil {
		return *failed
	}
	err := j.db.Update(func(tx *bolt.Tx) error {
		events := tx.Bucket(eventBucket)
		events.FillPercent = 1 // nothing is ever put between two events
		n, err := events.NextSequence()
		if err != nil {
			return err
		}
		return events.Put(encodeEvent(n, event))
	})
	if err == nil {
		j.written.Store(true)
	}
	return err
}

// encodeEvent is an event as the file keeps it.
func encodeEvent(n uint64, event []byte) (key, value []byte) {
	value = make([]byte, 4, 4+len(event))
	binary.BigEndian.PutUint32(value, crc32.Checksum(event, checksums))
	return binary.BigEndian.AppendUint64(nil, n), append(value, event...)
}

// decodeEvent is the event with the number want. It is good until the file is closed.
func decodeEvent(key, value []byte, want uint64) ([]byte, error) {
	switch {
	case len(key) != 8 || binary.BigEndian.Uint64(key) != want:
		return nil, damaged("event %d is missing", want)
	case len(value) < 4 || crc32.Checksum(value[4:], checksums) != binary.BigEndian.Uint32(value):
		return nil, damaged("event %d is not as it was written", want)
	}
	return value[4:], nil
}

// flush hands what was written to the disk, again and again until stop, or until the disk does
// not take it: what it has then nobody knows, so no more is written.
func (j *journal) flush() error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-j.stop:
			return j.sync()
		case <-tick.C:
			if !j.written.Swap(false) {
				continue
			}
			if err := j.sync(); err != nil {
				err = fmt.Errorf("%s does not get to the disk: %w; no more is kept in it", j.path, err)
				j.failed.Store(&err)
				if j.report != nil {
					j.report(err)
				}
				<-j.stop
				return err
			}
		}
	}
}

// Close leaves everything on the disk. It is called once.
func (j *journal) Close() error {
	if j.db == nil {
		return nil
	}
	close(j.stop)
	return errors.Join(<-j.flushed, j.db.Close())
}
