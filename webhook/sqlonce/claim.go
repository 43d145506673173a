package sqlonce

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// tries is how often an id is claimed if that fails: enough for a deadlock, or a serialization failure,
// which no driver tells in the same way. Nothing has happened until the claim is there, so the error
// need not be known for trying again to be safe.
const tries = 3

// How long a database may be silent where nobody else says how long to wait. What WeChat Pay is told later
// than after 5 seconds, it does not hear.
const (
	patience  = 5 * time.Second // with the end of a transaction, and with a claim whose context has ended
	restoring = time.Second     // with what makes a connection as it was: another one costs less
)

// claim is the transaction of one notification, and the connection that has nothing else to do.
type claim struct {
	store   *Store
	conn    *sql.Conn
	tx      *sql.Tx
	during  context.Context // of the transaction
	keep    func() bool     // from then on the end of the caller's context no longer ends the transaction
	cancel  context.CancelFunc
	ended   bool        // or about to be
	decided atomic.Bool // that it is committed now, or that it never will be: by whoever is first
}

// claim marks id in a transaction that is still open. It returns nil if somebody has committed such a mark.
func (s *Store) claim(ctx context.Context, id string) (*claim, error) {
	type answer struct {
		claim *claim
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		c, err := s.tryClaims(ctx, id)
		answers <- answer{c, err}
	}()
	select {
	case a := <-answers:
		return a.claim, a.err
	case <-ctx.Done():
	}
	// A driver may tell the server that it waits no longer, and wait for what that says.
	late := time.NewTimer(s.patience)
	defer late.Stop()
	select {
	case a := <-answers:
		return a.claim, a.err
	case <-late.C:
	}
	go func() {
		if a := <-answers; a.claim != nil {
			a.claim.rollback()
		}
	}()
	return nil, fmt.Errorf("%w, and the database does not answer", ctx.Err())
}

func (s *Store) tryClaims(ctx context.Context, id string) (c *claim, err error) {
	for range tries {
		if c, err = s.tryClaim(ctx, id); err == nil || ctx.Err() != nil {
			break
		}
	}
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) { // some drivers only say that a statement was cancelled
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return c, err
}

func (s *Store) tryClaim(ctx context.Context, id string) (*claim, error) {
	c, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	first, err := c.insert(ctx, id)
	if err == nil && first && !c.keep() {
		err = ctx.Err()
	}
	if err != nil || !first {
		c.rollback()
		return nil, err
	}
	return c, nil
}

// begin begins a transaction that ctx ends until it is kept.
func (s *Store) begin(ctx context.Context) (*claim, error) {
	// The server may have closed connections that idle in the pool. Each shows that only when it is used, and
	// not every driver tells by driver.ErrBadConn.
	for dead := s.db.Stats().Idle; ; dead-- {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		during, cancel := context.WithCancel(context.WithoutCancel(ctx))
		keep := context.AfterFunc(ctx, cancel)
		tx, err := conn.BeginTx(during, nil)
		if err == nil {
			return &claim{store: s, conn: conn, tx: tx, during: during, keep: keep, cancel: cancel}, nil
		}
		keep()
		cancel()
		discard(conn)
		if dead <= 0 || ctx.Err() != nil {
			return nil, err
		}
	}
}

// insert tells whether id is new. If another transaction has inserted it, this waits for its end.
func (c *claim) insert(ctx context.Context, id string) (bool, error) {
	said := c.store.sql
	if _, err := c.tx.ExecContext(ctx, said.lease); err != nil {
		return false, err
	}
	res, err := c.tx.ExecContext(ctx, said.insert, []byte(id))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	if n == 1 {
		_, err := c.tx.ExecContext(ctx, "SAVEPOINT "+savepoint)
		return true, err
	}
	// An insertion that inserts nothing may have other reasons than a duplicate, where a trigger, or a
	// column that is too short, has a say. That must not pass for a notification that was handled.
	var one int
	err = c.tx.QueryRowContext(ctx, said.find, []byte(id)).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, errors.New("the mark can neither be inserted nor found: compare the table with what Schema returns")
	}
	return false, err
}

// savepoint is set after the mark. It is gone when the transaction is, so that its release fails where a
// commit would find nothing to do and succeed: after a COMMIT or ROLLBACK that was run as a statement, or a
// deadlock that rolled back everything before the function went on.
const savepoint = "wechatpay_sqlonce"

// errSilent is of a commit that was not begun in time.
var errSilent = errors.New("the function succeeded, but the database does not answer: nothing is committed")

// commit commits the mark and the function's effect, although the caller's ctx may have ended.
func (c *claim) commit() error {
	return c.end(func() error {
		if _, err := c.tx.ExecContext(c.during, "RELEASE SAVEPOINT "+savepoint); err != nil {
			return fmt.Errorf("the function succeeded, but its transaction is over or cannot be committed: the function must neither commit nor roll it back, "+
				"return the error of every statement, and not pause for longer than the lease of %v: %w", c.store.lease, err)
		}
		if !c.decided.CompareAndSwap(false, true) {
			return errSilent // which nobody hears
		}
		if err := c.tx.Commit(); err != nil {
			return fmt.Errorf("the function succeeded, but whether it is committed is not known, the next delivery finds out: %w", err)
		}
		return nil
	})
}

// rollback rolls back what is neither committed nor about to be.
func (c *claim) rollback() {
	if !c.ended {
		_ = c.end(c.tx.Rollback) // its error says what the database does by itself when the connection is gone
	}
}

// end has do end the transaction, and gives the connection back as it was, or else closes it. Where neither
// do nor what follows comes to an end, for the network swallows what is sent and nothing in database/sql says
// for how long, the caller is let go, and the connection stays with the goroutine until the driver or
// TCP gives it up.
func (c *claim) end(do func() error) error {
	c.ended = true
	c.keep()
	outcome, gone := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(gone)
		defer c.cancel()
		defer c.conn.Close() // its error says that it is discarded
		err := do()
		outcome <- err
		whole := err == nil || c.tx.Rollback() == nil
		if !whole || !c.restore() {
			discard(c.conn)
		}
	}()
	late := time.NewTimer(c.store.patience)
	defer late.Stop()
	select {
	case err := <-outcome:
		select { // so that the connection is there for who comes next
		case <-gone:
		case <-late.C:
		}
		return err
	case <-late.C:
	}
	if c.decided.CompareAndSwap(false, true) {
		c.cancel()
		return errSilent
	}
	// It is not cancelled: a commit that waits for a replica would then be there without it, and seen by the next delivery.
	return fmt.Errorf("the function succeeded, but the database has not answered COMMIT for %v: whether it is committed is not known, the next delivery finds out", c.store.patience)
}

// restore tells whether the connection is as it was before the transaction.
func (c *claim) restore() bool {
	if c.store.sql.restore == "" {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), restoring)
	defer cancel()
	_, err := c.conn.ExecContext(ctx, c.store.sql.restore)
	return err == nil
}

// discard closes a connection and gives nothing back to the pool.
func discard(conn *sql.Conn) { _ = conn.Raw(func(any) error { return driver.ErrBadConn }) }
