// Package boltonce remembers in a bbolt file which notifications were handled, for receivers that are
// one process and have no database server.
//
//	db, err := bolt.Open("shop.db", 0o600, &bolt.Options{Timeout: time.Second})
//	…
//	store, err := boltonce.New(db)
//	…
//	mux, err := webhook.NewMux(receiver, webhook.Remember(store))
//	…
//	webhook.On(mux, func(ctx context.Context, e webhook.Event[pay.Payment]) error {
//		return db.Update(func(tx *bolt.Tx) error {
//			if err := paid(tx, e.Data.OutTradeNo); err != nil {
//				return err
//			}
//			return boltonce.Mark(ctx, tx) // in the file with what paid did, or neither is
//		})
//	})
//
// # Once
//
// WeChat Pay sends a notification again until it is answered, and sometimes twice at once.
// [Store.Once] runs a function for the first of them, lets the others wait, and marks the
// notification after the function succeeded.
//
// Without [Mark] that is at least once: a process that dies after the function and before the mark
// runs it again at the next delivery. A function whose whole effect is in the same file closes this
// gap with Mark.
//
// # Transactions
//
// The function runs in no transaction of this package, so it may begin its own. Do not call Once
// within a transaction, one that reads included: bbolt has one writer at a time, who may have to
// wait for the readers, and Once would wait for its caller.
//
// # Size
//
// Every mark removes a few that are older than three days, so that the file has those of about the
// last three days: some 200 bytes each. WeChat Pay sends a notification for 24 hours and 4 minutes.
// [Store.Prune] removes more at a time. A bbolt file does not shrink, but uses again what is free.
//
// # Clock
//
// Ages go by the machine's clock. No mark gets an earlier time than the newest in the file, so that those
// which were made while the clock was back do not look old once it is right again. There is no such remedy for a
// clock that is days ahead: marks go too early, and those that are made meanwhile stay until that time has come.
//
// A notification without its mark is handled again if it comes again. Of APIv3, what somebody recorded
// is refused after five minutes, for its time is signed. APIv2 signs no time: functions that handle its
// notifications also look at the state of the order, and leave alone what is paid already.
//
// # Limits
//
// Make one Store for a file, and share it: two do not see what the other is running. The lock
// of bbolt keeps a second process out for as long as the file is open, and bolt.Open waits for that
// lock forever unless it has a Timeout.
//
// A database with NoSync keeps its marks when the process dies. When the machine does, it may have
// lost any of them, effects in the same file included, and the file may not open any more.
//
// # Errors
//
// Errors of the function come back as they are. Those of bbolt are wrapped, such as
// ErrDatabaseNotOpen after Close. Whatever the error, answer WeChat Pay with a failure: it
// sends the notification again.
package boltonce

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/openwechatpay/wechatpay/internal/turns"
	"github.com/openwechatpay/wechatpay/webhook"
)

// maxID is how long an id may be, in bytes. Those of APIv3 have 36.
const maxID = 255

var _ webhook.Store = (*Store)(nil)

// Store is a [webhook.Store] that remembers in a bbolt file. It is safe for concurrent use.
type Store struct {
	db    *bolt.DB
	turns turns.Turns // of the ids that somebody is handling
}

// New returns a Store that keeps its marks in a bucket of db, beside those of the caller. It does not
// close db.
func New(db *bolt.DB) (*Store, error) {
	if db == nil {
		return nil, errors.New("boltonce: no database: open one with bolt.Open")
	}
	if err := db.View(func(*bolt.Tx) error { return nil }); err != nil {
		return nil, fmt.Errorf("boltonce: %w", err)
	}
	if db.IsReadOnly() {
		return nil, errors.New("boltonce: the database is read-only: open it without ReadOnly")
	}
	return &Store{db: db}, nil
}

// Once runs fn unless it has succeeded for id before, and marks id only after fn has. An id has 1 to
// 255 bytes.
//
// Of calls with the same id at the same time one runs fn, and the others wait until it is done or
// their ctx is. If fn failed or panicked, the next one runs it. Once fn has succeeded, id is marked
// even if ctx ended meanwhile. fn gets a context for [Mark].
func (s *Store) Once(ctx context.Context, id string, fn func(context.Context) error) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	outer := claimOf(ctx)
	switch {
	case id == "" || len(id) > maxID:
		return fmt.Errorf("boltonce: an id has 1 to %d bytes, not %d", maxID, len(id))
	case fn == nil:
		return errors.New("boltonce: there is no function to run")
	case outer.has(s, id):
		return errors.New("boltonce: Once was called for an id by the function that handles it: it would wait for itself")
	}
	t, err := s.turns.Take(ctx, id)
	if err != nil {
		return fmt.Errorf("boltonce: %w", err)
	}
	defer t.Pass()
	marked, err := s.marked(id)
	if err != nil {
		return fmt.Errorf("boltonce: %w", err)
	}
	if marked {
		return nil
	}
	c := &claim{store: s, id: id, outer: outer}
	if err := fn(context.WithValue(ctx, claimKey{}, c)); err != nil {
		return err
	}
	return c.settle()
}

// check tells whether s and ctx can be used at all.
func (s *Store) check(ctx context.Context) error {
	if s == nil || s.db == nil {
		return errors.New("boltonce: there is no store: make one with boltonce.New")
	}
	if ctx == nil {
		return errors.New("boltonce: the context is nil")
	}
	return nil
}

// claim is one run of a function. It travels in the function's context.
type claim struct {
	store *Store
	id    string
	outer *claim // if Once was called by the function of another

	marked    atomic.Bool // in a transaction, by Mark
	committed atomic.Bool // and that transaction is in the file
}

type claimKey struct{}

func claimOf(ctx context.Context) *claim {
	c, _ := ctx.Value(claimKey{}).(*claim)
	return c
}

func (c *claim) has(s *Store, id string) bool {
	for ; c != nil; c = c.outer {
		if c.store == s && c.id == id {
			return true
		}
	}
	return false
}

// settle marks the id of a function that succeeded. If its transaction with the mark is not in
// the file, then neither is its effect, so the id must not be marked without it.
func (c *claim) settle() error {
	switch {
	case c.committed.Load():
		return nil
	case c.marked.Load():
		return errors.New("boltonce: the function succeeded, but its transaction with the mark is not committed: " +
			"commit it before the function returns, or return why it failed")
	}
	err := c.store.db.Update(func(tx *bolt.Tx) error {
		_, err := mark(tx, c.id, time.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("boltonce: the function succeeded, but that could not be marked, so the next delivery runs it again: %w", err)
	}
	return nil
}

// Mark marks the notification that ctx is about within tx, so that the mark and what the function of
// [Store.Once] does in tx are committed together. ctx is the one that the function got, and tx a
// transaction of the store's database that can write. What else the function does is not done
// again once tx is committed, even if it fails.
//
// Return its error from the transaction: if the notification has a mark already, tx is the second
// try and must not be committed.
func Mark(ctx context.Context, tx *bolt.Tx) error {
	if ctx == nil {
		return errors.New("boltonce: the context is nil")
	}
	c := claimOf(ctx)
	switch {
	case c == nil:
		return errors.New("boltonce: Mark has the wrong context: pass it the one that Once gives to the function")
	case tx == nil || tx.DB() == nil:
		return errors.New("boltonce: Mark has no open transaction: call it within db.Update")
	case tx.DB() != c.store.db:
		return errors.New("boltonce: the transaction is of another database than the store's")
	}
	fresh, err := mark(tx, c.id, time.Now())
	if err != nil {
		return fmt.Errorf("boltonce: %w", err)
	}
	if !fresh {
		return errors.New("boltonce: the notification has a mark already: roll this transaction back")
	}
	c.marked.Store(true)
	tx.OnCommit(func() { c.committed.Store(true) })
	return nil
}
