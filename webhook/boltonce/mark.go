package boltonce

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	keep    = 72 * time.Hour // after which marks go by themselves
	minKeep = 48 * time.Hour // before which none may: WeChat Pay sends for 24 h 4 min
	step    = 2              // marks that go with a new one: more than one, so that a heap of old ones shrinks
	batch   = 1000           // marks that go in one transaction of Prune
)

// What the file has: every mark by its id, and again by its time for those that find the oldest.
var (
	bucketName = []byte("wechatpay/webhook/boltonce")
	idsName    = []byte("ids")   // the id, with the stamp as its value
	timesName  = []byte("times") // the stamp and the id
)

const stampSize = 8

// stamp orders as bytes like t does as a time. The highest bit is turned so that this is true before
// 1970, too: a machine whose clock begins there looks back over it for its oldest marks.
func stamp(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMilli())^1<<63)
}

// marks are the buckets in a transaction that can write.
type marks struct{ ids, times *bolt.Bucket }

func openMarks(tx *bolt.Tx) (m marks, err error) {
	top, err := tx.CreateBucketIfNotExists(bucketName)
	if err != nil {
		return m, err
	}
	if m.ids, err = top.CreateBucketIfNotExists(idsName); err != nil {
		return m, err
	}
	if m.times, err = top.CreateBucketIfNotExists(timesName); err != nil {
		return m, err
	}
	m.times.FillPercent = 0.9 // new ones come last, so a page that is split in halves stays half empty
	return m, nil
}

// mark puts id into the file, unless it is there, and takes a few old ones out.
func mark(tx *bolt.Tx, id string, now time.Time) (fresh bool, err error) {
	m, err := openMarks(tx)
	if err != nil || m.ids.Get([]byte(id)) != nil {
		return false, err
	}
	at := m.stamp(now)
	if err := m.ids.Put([]byte(id), at); err != nil {
		return false, err
	}
	if err := m.times.Put(append(at, id...), nil); err != nil {
		return false, err
	}
	_, err = m.prune(now.Add(-keep), step)
	return true, err
}

// stamp is now, or the newest stamp if the clock was put back since then.
func (m marks) stamp(now time.Time) []byte {
	at := stamp(now)
	if newest, _ := m.times.Cursor().Last(); len(newest) >= stampSize && bytes.Compare(newest[:stampSize], at) > 0 {
		return bytes.Clone(newest[:stampSize])
	}
	return at
}

// prune takes out the oldest marks from before a time, at most limit.
func (m marks) prune(before time.Time, limit int) (removed int, err error) {
	end := stamp(before)
	var old [][]byte // for a cursor does not go on over what is deleted
	c := m.times.Cursor()
	for key, _ := c.First(); key != nil && bytes.Compare(key, end) < 0 && len(old) < limit; key, _ = c.Next() {
		old = append(old, key)
	}
	for _, key := range old {
		if err := m.ids.Delete(key[stampSize:]); err != nil {
			return 0, err
		}
		if err := m.times.Delete(key); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

func (s *Store) marked(id string) (found bool, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		if top := tx.Bucket(bucketName); top != nil {
			found = top.Bucket(idsName).Get([]byte(id)) != nil
		}
		return nil
	})
	return found, err
}

// Prune removes the marks that are older than a duration, and tells how many. That is needed only to
// be rid of them sooner than three days later. Less than 48 hours is refused: WeChat
// Pay may still send what is younger. It writes 1,000 in a transaction, so that others get
// their turn; those that are written stay so if it fails or ctx ends.
func (s *Store) Prune(ctx context.Context, olderThan time.Duration) (removed int, err error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	if olderThan < minKeep {
		return 0, errors.New("boltonce: Prune keeps at least 48 hours: WeChat Pay may still send what is younger")
	}
	before := time.Now().Add(-olderThan)
	for last := batch; last == batch; removed += last {
		if err := ctx.Err(); err != nil {
			return removed, fmt.Errorf("boltonce: %w", err)
		}
		err := s.db.Update(func(tx *bolt.Tx) error {
			m, err := openMarks(tx)
			if err == nil {
				last, err = m.prune(before, batch)
			}
			return err
		})
		if err != nil {
			return removed, fmt.Errorf("boltonce: %w", err)
		}
	}
	return removed, nil
}
