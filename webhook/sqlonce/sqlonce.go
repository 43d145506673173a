// Package sqlonce remembers in a PostgreSQL, MariaDB or MySQL database which notifications were handled,
// for receivers of any number of processes. It commits what a notification brought about together with
// the mark that it was handled.
//
//	store, err := sqlonce.New(db, sqlonce.PostgreSQL)
//	…
//	mux, err := webhook.NewMux(receiver, webhook.Remember(store))
//	…
//	webhook.On(mux, func(ctx context.Context, e webhook.Event[pay.Payment]) error {
//		_, err := sqlonce.Tx(ctx).ExecContext(ctx, "UPDATE orders SET paid = true WHERE no = $1", e.Data.OutTradeNo)
//		return err
//	})
//
// It imports no driver: bring one for database/sql. It is tested with github.com/lib/pq on PostgreSQL and
// with github.com/go-sql-driver/mysql on MariaDB, where the dialect [MySQL] is tested, too; MySQL itself
// is not.
//
// # Once
//
// [Store.Once] begins a transaction, inserts the id of the notification, runs the function, and commits.
// The function works in that transaction, which [Tx] finds in its context. So its effect and the mark are
// both there or neither is, whenever the process, the machine or the network dies.
//
// The primary key decides who is first, not what anybody read before. A process that inserts the same id
// meanwhile waits in the database: until the first commits, then it has nothing to do; or until that rolls
// back, then it runs its own function. Calls for one id within one process wait in memory, where they hold
// no connection.
//
// So the same notification in several processes holds a connection of each until its ctx ends. Where
// pages use the same pool, give the store a *sql.DB of its own with SetMaxOpenConns: then notifications that wait
// take none from them.
//
// # The function
//
// It writes in the transaction only, and to tables that have transactions, in MySQL and MariaDB those of
// InnoDB. It returns the error of every statement: after a deadlock the database may have rolled back
// the mark as well, and [Store.Once] refuses to commit the rest. It neither commits nor rolls back; in
// MySQL and MariaDB CREATE TABLE and its like commit, too, and what comes after them is rolled back. It is
// done with the transaction when it returns, and has read or closed its rows. It may set savepoints.
//
// It needs no second connection: many that take one from the same pool could wait for each other.
//
// What it does elsewhere, such as a message that it sends, happens again if the transaction fails
// afterwards. Write the message to a table, and send it from there.
//
// # Lease
//
// A transaction holds its id for as long as its connection lives. If the process dies, the machine closes
// it at once. If the machine is gone, the network swallows what is sent or the process is stopped, nobody
// does: so the database closes it, once it has heard nothing for the time of a [Lease], and rolls back.
// Whoever was only asleep finds that it cannot commit. So the function does not pause for longer than the
// lease between one statement and the next, for example for a slow call to another service; as a
// whole it may take longer. What stands between the pool and the server must pass on SET; ProxySQL keeps
// MySQL's to itself, which takes the lease away.
//
// # Silence
//
// Where the network swallows what is sent, [Store.Once] returns at the latest 5 seconds after its function,
// or after the end of ctx if the function has not begun. If the database has not answered COMMIT by then, the
// error says that nobody knows whether it is committed; if COMMIT was not sent, nothing is. The next delivery
// gets its turn: it finds the mark, or runs the function, or waits in the database for the lease to end.
//
// The connection keeps its place in the pool until the driver or TCP gives it up, for COMMIT and ROLLBACK have
// no context in database/sql. github.com/go-sql-driver/mysql does so after the readTimeout and writeTimeout
// of its DSN; a readTimeout that is shorter than the lease would cut duplicates off that wait for it. The
// drivers of PostgreSQL have no such setting, and Linux gives up after a quarter of an hour what is not
// acknowledged. It does so sooner if a net.Dialer sets TCP_USER_TIMEOUT in its Control, which
// github.com/lib/pq takes by Connector.Dialer and github.com/jackc/pgx as the DialFunc of its ConnConfig. In the
// connection string of either, tcp_user_timeout and tcp_keepalives_idle are settings of the server, for its side.
//
// # Durability
//
// WeChat Pay does not send again what was answered with success. If the database loses a transaction that it
// said was committed, the mark and what the function did are gone together, and nothing tells. So it has to
// keep what it commits:
//
//   - PostgreSQL: fsync and synchronous_commit are on, which is the default. With a standby that may take over,
//     synchronous_standby_names names it, and synchronous_commit is on or remote_apply, not local.
//   - MySQL and MariaDB: innodb_flush_log_at_trx_commit and sync_binlog are 1; MariaDB has 0 for the second by
//     default. With a replica that may take over, replication is semisynchronous with the wait point
//     AFTER_SYNC; it becomes asynchronous when no replica answers for the time of
//     rpl_semi_sync_source_timeout, or rpl_semi_sync_master_timeout: by default 10 seconds.
//
// After a failover without that, or with a backup that was restored, nobody knows what is missing: query the
// orders of that time that are not paid, or compare them with the bills (账单).
//
// # Isolation
//
// Transactions have the isolation level of the connection, for it is the function's too. The claim is
// right under each. In READ COMMITTED, the default of PostgreSQL, an insertion sees what others have
// committed when it is its turn. So it does in InnoDB under REPEATABLE READ, the default there: insertions
// look at the newest row and not at a snapshot, and the snapshot of what the function reads is younger
// than the claim.
//
// In PostgreSQL above READ COMMITTED an insertion that waited for the commit of another fails, and in InnoDB
// several that waited for one that rolled back deadlock. Either is tried again, since nothing has happened
// yet. After the function began nothing is: its error, or that of the commit, comes back, and the next
// delivery runs it.
//
// # Table
//
// There is one table, wechatpay_notifications unless [Table] calls it otherwise, with the columns id, in
// bytes, and handled_at, a time with an index. [Store.Schema] returns it for migrations, and
// [Store.CreateTable] creates it. [Store.Prune] removes old marks: call it once a day.
//
// # Errors
//
// Errors of the function come back as they are. Whatever the error, answer WeChat Pay with a failure: it
// sends the notification again. That is also right if a commit fails and nobody knows whether it took
// place: the next delivery finds the mark, or does not.
package sqlonce

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/openwechatpay/wechatpay/internal/turns"
	"github.com/openwechatpay/wechatpay/webhook"
)

// What a Store has unless told otherwise.
const (
	DefaultTable = "wechatpay_notifications"
	DefaultLease = 30 * time.Second
)

const (
	maxID    = 255            // bytes; those of APIv3 have 36
	minLease = time.Second    // MySQL counts in seconds
	maxLease = 24 * time.Hour // after which nothing is sent again
)

var _ webhook.Store = (*Store)(nil)

// Store is a [webhook.Store] that remembers in a table. It is safe for concurrent use.
type Store struct {
	db       *sql.DB
	table    string
	lease    time.Duration
	patience time.Duration
	sql      statements
	turns    turns.Turns
}

// An Option changes how a [Store] works.
type Option func(*Store) error

// Table is what the table is called. The name of its schema, in MySQL and MariaDB its database, may stand
// before it with a dot. Names have up to 50 lower case letters, digits and underscores. Default:
// [DefaultTable].
func Table(name string) Option {
	return func(s *Store) error {
		s.table = name
		return checkTable(name)
	}
}

// Lease is after how long without a statement the database takes a notification away from a process: from
// 1 second to 24 hours, in MySQL and MariaDB rounded up to seconds. Default: [DefaultLease].
func Lease(d time.Duration) Option {
	return func(s *Store) error {
		if d < minLease || d > maxLease {
			return fmt.Errorf("the Lease is %v, want %v to %v", d, minLease, maxLease)
		}
		s.lease = d
		return nil
	}
}

// New returns a Store that keeps its marks in a table of db. It asks the database nothing, and does not
// create the table.
func New(db *sql.DB, dialect Dialect, opts ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlonce: no database: open one with sql.Open")
	}
	s := &Store{db: db, table: DefaultTable, lease: DefaultLease, patience: patience}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("sqlonce: an Option is nil")
		}
		if err := opt(s); err != nil {
			return nil, fmt.Errorf("sqlonce: %w", err)
		}
	}
	speak, ok := dialects[dialect]
	if !ok {
		return nil, fmt.Errorf("sqlonce: the dialect %q is unknown: take %s, %s or %s", dialect, PostgreSQL, MariaDB, MySQL)
	}
	s.sql = speak(s.table, s.lease)
	return s, nil
}

// Once runs fn unless it has succeeded for id before, and marks id in the transaction of fn. An id has 1
// to 255 bytes, and is another if any of them is.
//
// Of calls with the same id at the same time, in whatever processes, one runs fn, and the others wait
// until it is done or their ctx is. If fn failed or panicked, the next one runs it. What succeeded is
// committed even if ctx ended meanwhile. fn gets a context for [Tx], and may not call Once of the same
// Store.
func (s *Store) Once(ctx context.Context, id string, fn func(context.Context) error) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	switch {
	case id == "" || len(id) > maxID:
		return fmt.Errorf("sqlonce: an id has 1 to %d bytes, not %d", maxID, len(id))
	case fn == nil:
		return errors.New("sqlonce: there is no function to run")
	case runOf(ctx).within(s):
		return errors.New("sqlonce: Once was called by a function that Once runs: do it in the transaction that is there, or after it")
	}
	t, err := s.turns.Take(ctx, id)
	if err != nil {
		return fmt.Errorf("sqlonce: %w", err)
	}
	defer t.Pass()
	if t.Done {
		return nil
	}
	err = s.once(ctx, id, fn)
	t.Done = err == nil
	return err
}

func (s *Store) once(ctx context.Context, id string, fn func(context.Context) error) error {
	c, err := s.claim(ctx, id)
	if err != nil {
		return fmt.Errorf("sqlonce: %w", err)
	}
	if c == nil {
		return nil // it was handled before
	}
	defer c.rollback() // if fn fails, panics or ends its goroutine
	if err := fn(context.WithValue(ctx, runKey{}, &run{store: s, tx: c.tx, outer: runOf(ctx)})); err != nil {
		return err
	}
	if err := c.commit(); err != nil {
		return fmt.Errorf("sqlonce: %w", err)
	}
	return nil
}

// check tells whether s and ctx can be used at all.
func (s *Store) check(ctx context.Context) error {
	if s == nil || s.db == nil {
		return errors.New("sqlonce: there is no store: make one with sqlonce.New")
	}
	if ctx == nil {
		return errors.New("sqlonce: the context is nil")
	}
	return nil
}

// run is what the function of Once finds in its context.
type run struct {
	store *Store
	tx    *sql.Tx
	outer *run // if Once was called by the function of another store
}

type runKey struct{}

func runOf(ctx context.Context) *run {
	r, _ := ctx.Value(runKey{}).(*run)
	return r
}

func (r *run) within(s *Store) bool {
	for ; r != nil; r = r.outer {
		if r.store == s {
			return true
		}
	}
	return false
}

// Tx is the transaction of the notification that ctx is about, and nil if ctx is not the one that
// [Store.Once] gave to its function. What the function does in it is committed together with the mark.
func Tx(ctx context.Context) *sql.Tx {
	if ctx == nil {
		return nil
	}
	if r := runOf(ctx); r != nil {
		return r.tx
	}
	return nil
}
