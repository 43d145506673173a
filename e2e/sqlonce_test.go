package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/webhook/sqlonce"
)

// system is a database as users of sqlonce have it.
type system struct {
	name    string
	kind    string
	dialect sqlonce.Dialect
	params  string // of the DSN

	bytes    string // the type of ids
	idle     string // the setting that a lease changes
	setIdle  string
	session  string // asks which connection this is
	waiting  string // asks how many connections of this database wait for another
	sessions string // asks for all connections of this database but this
	kill     string // a connection
	ago      string // is a time before now, in hours
}

func (s *system) driver() string { return kinds[s.kind].driver }

var postgreSQL = system{
	name: "PostgreSQL", kind: "postgresql", dialect: sqlonce.PostgreSQL, bytes: "bytea",
	idle: "SHOW idle_in_transaction_session_timeout", setIdle: "SET idle_in_transaction_session_timeout = '1234s'",
	session:  "SELECT pg_backend_pid()",
	waiting:  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
	sessions: "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
	kill:     "SELECT pg_terminate_backend(%d)", ago: "now() - interval '%d hours'",
}

var mariaDB = system{
	name: "MariaDB", kind: "mariadb", dialect: sqlonce.MariaDB, bytes: "VARBINARY(300)",
	idle: "SELECT @@SESSION.idle_write_transaction_timeout", setIdle: "SET SESSION idle_write_transaction_timeout = 1234",
	session:  "SELECT CONNECTION_ID()",
	waiting:  "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'INSERT IGNORE %'", // not innodb_trx: it stays as it is while somebody asks
	sessions: "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
	kill:     "KILL %d", ago: "UTC_TIMESTAMP(6) - INTERVAL %d HOUR",
}

// systems are what every test runs on. MySQL itself is in no package of Debian: its dialect runs on MariaDB.
func systems() []system {
	odd := mariaDB
	odd.name, odd.params = "MariaDB with clientFoundRows, in another time zone", "?clientFoundRows=true&time_zone=%27%2B08%3A00%27"
	mySQL := mariaDB
	mySQL.name, mySQL.dialect = "MariaDB by the dialect of MySQL", sqlonce.MySQL
	mySQL.idle, mySQL.setIdle = "SELECT @@SESSION.wait_timeout", "SET SESSION wait_timeout = 1234"
	return []system{postgreSQL, mariaDB, odd, mySQL}
}

// levels are the systems with every isolation level that they have.
func levels() (all []system) {
	for _, level := range []string{"read committed", "repeatable read", "serializable"} {
		p, m := postgreSQL, mariaDB
		p.name, p.params = "PostgreSQL, "+level, fmt.Sprintf(" default_transaction_isolation='%s'", level)
		m.name, m.params = "MariaDB, "+level, "?tx_isolation=%27"+strings.ToUpper(strings.ReplaceAll(level, " ", "-"))+"%27"
		all = append(all, p, m)
	}
	return all
}

// shop is a receiver with a database of its own. What it does for a notification is to ship something.
type shop struct {
	*system
	t     *testing.T
	ctx   context.Context
	dsn   string
	db    *sql.DB
	store *sqlonce.Store
}

// openShop makes a database for one shop, or several.
func openShop(t *testing.T, on *system, opts ...sqlonce.Option) *shop {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	s := (&shop{system: on, t: t, ctx: ctx, dsn: database(t, on.kind) + on.params}).another(opts...)
	s.exec("CREATE TABLE shipped (id " + on.bytes + ", who " + on.bytes + ")")
	if err := s.store.CreateTable(s.ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// another is a shop with the same database that knows nothing of s, as one in another process.
func (s *shop) another(opts ...sqlonce.Option) *shop {
	s.t.Helper()
	db := openDatabase(s.t, s.driver(), s.dsn)
	store, err := sqlonce.New(db, s.dialect, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	return &shop{system: s.system, t: s.t, ctx: s.ctx, dsn: s.dsn, db: db, store: store}
}

func (s *shop) exec(statement string, args ...any) {
	s.t.Helper()
	if _, err := s.db.ExecContext(s.ctx, s.in(statement), args...); err != nil {
		s.t.Fatal(err)
	}
}

// in writes the only place of a statement as its dialect does.
func (s *system) in(statement string) string {
	if s.dialect == sqlonce.PostgreSQL {
		return strings.ReplaceAll(statement, "?", "$1")
	}
	return statement
}

// ask is the only value that a question is answered with.
func (s *shop) ask(question string, args ...any) (answer string) {
	s.t.Helper()
	if err := s.db.QueryRowContext(s.ctx, s.in(question), args...).Scan(&answer); err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// ship is a function for Once.
func (s *system) ship(id string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := sqlonce.Tx(ctx).ExecContext(ctx, s.in("INSERT INTO shipped (id) VALUES (?)"), []byte(id))
		return err
	}
}

// check holds what was shipped and what is marked for an id against what should be.
func (s *shop) check(id string, shipped, marked int) {
	s.t.Helper()
	if got := s.ask("SELECT count(*) FROM shipped WHERE id = ?", []byte(id)); got != fmt.Sprint(shipped) {
		s.t.Errorf("%q was shipped %s times, want %d", id, got, shipped)
	}
	if got := s.ask("SELECT count(*) FROM wechatpay_notifications WHERE id = ?", []byte(id)); got != fmt.Sprint(marked) {
		s.t.Errorf("%q has %s marks, want %d", id, got, marked)
	}
}

// await asks until the answer is the wanted.
func (s *shop) await(question, want string) {
	s.t.Helper()
	for answer := ""; answer != want; <-time.After(time.Millisecond) {
		if err := s.db.QueryRowContext(s.ctx, question).Scan(&answer); err != nil {
			s.t.Fatalf("%s is not %s: %v", question, want, err)
		}
	}
}

// killOthers ends all connections to the database but one of s.
func (s *shop) killOthers() {
	s.t.Helper()
	s.db.SetMaxOpenConns(1)
	rows, err := s.db.QueryContext(s.ctx, s.sessions)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			s.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		s.t.Fatal("found no connection to kill: ", err)
	}
	for _, id := range ids {
		s.exec(fmt.Sprintf(s.kill, id))
	}
	s.await(fmt.Sprintf("SELECT count(*) FROM (%s) AS open", s.sessions), "0")
}

// onEach runs a test on each system, with a database for each.
func onEach(t *testing.T, on []system, test func(s *shop), opts ...sqlonce.Option) {
	t.Helper()
	for _, system := range on {
		t.Run(system.name, func(t *testing.T) {
			t.Parallel()
			test(openShop(t, &system, opts...))
		})
	}
}

var errShop = errors.New("the shop is closed")

func TestTheMarkAndTheEffectAreCommittedTogether(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		ctx := s.ctx
		fails := func(ctx context.Context) error { return errors.Join(s.ship("a")(ctx), errShop) }
		if err := s.store.Once(ctx, "a", fails); !errors.Is(err, errShop) {
			s.t.Errorf("a function that fails gives %v", err)
		}
		s.check("a", 0, 0)
		func() {
			defer func() {
				if p := recover(); p != errShop {
					s.t.Errorf("a function that panics gives %v", p)
				}
			}()
			_ = s.store.Once(ctx, "a", func(ctx context.Context) error {
				panic(errors.Join(s.ship("a")(ctx), errShop).(interface{ Unwrap() []error }).Unwrap()[0])
			})
		}()
		s.check("a", 0, 0)
		another := s.another()
		within := func(ctx context.Context) error {
			err := s.ship("a")(ctx)
			another.check("a", 0, 0) // nobody sees it before it is whole
			return err
		}
		if err := s.store.Once(ctx, "a", within); err != nil {
			s.t.Error(err)
		}
		s.check("a", 1, 1)
		for _, s := range []*shop{s, another} {
			if err := s.store.Once(ctx, "a", func(context.Context) error { return errors.New("it ran again") }); err != nil {
				s.t.Error(err)
			}
		}
		if err := s.store.Once(ctx, "b", s.ship("b")); err != nil {
			s.t.Error(err)
		}
		s.check("a", 1, 1)
		s.check("b", 1, 1)
	})
}

func TestIdsAreComparedAsBytes(t *testing.T) {
	t.Parallel()
	ids := []string{"id", "ID", "Id", "id ", "id  ", " id", "id\x00", "id\t", "íd", "i\u0301d", "\xff", "\\xff", "'", strings.Repeat("x", 254), strings.Repeat("x", 255), strings.Repeat("支", 85)}
	onEach(t, systems(), func(s *shop) {
		for range 2 {
			for _, id := range ids {
				if err := s.store.Once(s.ctx, id, s.ship(id)); err != nil {
					s.t.Errorf("%q gives %v", id, err)
				}
			}
		}
		for _, id := range ids {
			s.check(id, 1, 1)
		}
		for _, id := range []string{"", strings.Repeat("x", 256), strings.Repeat("支", 86)} {
			err := s.store.Once(s.ctx, id, func(context.Context) error { s.t.Error("it ran"); return nil })
			if err == nil || !strings.Contains(err.Error(), "an id has 1 to 255 bytes") {
				s.t.Errorf("an id of %d bytes gives %v", len(id), err)
			}
		}
	})
}

// TestAHundredDuplicatesTakeOneConnection: the function takes the second of two itself, which would
// never be free if duplicates waited in the database.
func TestAHundredDuplicatesTakeOneConnection(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		ctx := s.ctx
		s.db.SetMaxOpenConns(2)
		var begun, all sync.WaitGroup
		var runs atomic.Int32
		begun.Add(100)
		for range 100 {
			all.Go(func() {
				begun.Done()
				err := s.store.Once(ctx, "a", func(ctx context.Context) error {
					runs.Add(1)
					begun.Wait()
					return errors.Join(s.ship("a")(ctx), s.db.PingContext(ctx))
				})
				if err != nil {
					s.t.Error(err)
				}
			})
		}
		all.Wait()
		if runs.Load() != 1 {
			s.t.Errorf("it ran %d times", runs.Load())
		}
		if n := s.db.Stats().WaitCount; n != 0 {
			s.t.Errorf("somebody waited %d times for a connection", n)
		}
		s.check("a", 1, 1)
	})
}

func TestAHundredNotificationsShareTwoConnections(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		s.db.SetMaxOpenConns(2)
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				id := fmt.Sprint(i % 100)
				if err := s.store.Once(s.ctx, id, s.ship(id)); err != nil {
					s.t.Error(err)
				}
			})
		}
		all.Wait()
		for i := range 100 {
			s.check(fmt.Sprint(i), 1, 1)
		}
	})
}

// TestWhoWaitsInTheDatabaseTakesOver has several wait for one that fails. In InnoDB they deadlock then,
// and above READ COMMITTED some fail in PostgreSQL; neither is the caller's concern.
func TestWhoWaitsInTheDatabaseTakesOver(t *testing.T) {
	t.Parallel()
	for _, first := range []error{nil, errShop} {
		t.Run(fmt.Sprint("the first gives ", first), func(t *testing.T) {
			t.Parallel()
			onEach(t, levels(), func(s *shop) { takeOver(s, first) })
		})
	}
}

func takeOver(s *shop, first error) {
	ctx := s.ctx
	const others = 3
	free, begun := make(chan bool), make(chan bool)
	var all sync.WaitGroup
	all.Go(func() {
		err := s.store.Once(ctx, "a", func(ctx context.Context) error {
			close(begun)
			<-free
			return errors.Join(s.ship("a")(ctx), first)
		})
		if !errors.Is(err, first) {
			s.t.Errorf("the first gives %v", err)
		}
	})
	<-begun
	var ran atomic.Int32
	for range others {
		another := s.another()
		all.Go(func() {
			err := another.store.Once(ctx, "a", func(ctx context.Context) error { ran.Add(1); return s.ship("a")(ctx) })
			if err != nil {
				s.t.Errorf("one that waited gives %v", err)
			}
		})
	}
	s.await(s.waiting, fmt.Sprint(others))
	close(free)
	all.Wait()
	s.check("a", 1, 1)
	if first == nil && ran.Load() != 0 {
		s.t.Errorf("%d that waited ran", ran.Load())
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		free, begun := make(chan bool), make(chan bool)
		var all sync.WaitGroup
		all.Go(func() {
			if err := s.store.Once(s.ctx, "a", func(ctx context.Context) error { close(begun); <-free; return s.ship("a")(ctx) }); err != nil {
				s.t.Error(err)
			}
		})
		<-begun
		other := s.another()
		for name, waits := range map[string]*shop{"in memory": s, "in the database": other} {
			ctx, cancel := context.WithCancel(s.ctx)
			ended := make(chan error)
			go func() {
				ended <- waits.store.Once(ctx, "a", func(context.Context) error { s.t.Error("it ran"); return nil })
			}()
			if waits == other {
				s.await(s.waiting, "1")
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				s.t.Errorf("waiting %s gives %v", name, err)
			}
		}
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		if err := s.store.Once(ctx, "b", s.ship("b")); !errors.Is(err, context.Canceled) {
			s.t.Errorf("a context that has ended gives %v", err)
		}
		close(free)
		all.Wait()
		s.check("a", 1, 1)
		s.check("b", 0, 0)
		if err := other.store.Once(s.ctx, "b", s.ship("b")); err != nil {
			s.t.Error(err)
		}
	})
}

func TestWhatSucceededIsCommittedAfterItsContext(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		ctx, cancel := context.WithCancel(s.ctx)
		err := s.store.Once(ctx, "a", func(ctx context.Context) error {
			defer cancel()
			return s.ship("a")(ctx)
		})
		if err != nil {
			s.t.Error(err)
		}
		s.check("a", 1, 1)
	})
}

// TestATransactionThatIsOverIsNoSuccess is about functions that succeed, and have ended their transaction
// or lost it.
func TestATransactionThatIsOverIsNoSuccess(t *testing.T) {
	t.Parallel()
	run := func(statement string) func(*shop, context.Context) {
		return func(s *shop, ctx context.Context) { _, _ = sqlonce.Tx(ctx).ExecContext(ctx, statement) }
	}
	tests := map[string]struct {
		over      func(*shop, context.Context)
		committed bool // the mark, too, so that nothing is left but to tell
		after     bool // what comes after a ROLLBACK of one's own may be committed
		only      string
	}{
		"Commit":                           {func(s *shop, ctx context.Context) { _ = sqlonce.Tx(ctx).Commit() }, true, false, ""},
		"Rollback":                         {func(s *shop, ctx context.Context) { _ = sqlonce.Tx(ctx).Rollback() }, false, false, ""},
		"COMMIT":                           {run("COMMIT"), true, true, ""},
		"ROLLBACK":                         {run("ROLLBACK"), false, true, ""},
		"ROLLBACK and another transaction": {func(s *shop, ctx context.Context) { run("ROLLBACK")(s, ctx); run("BEGIN")(s, ctx) }, false, false, ""},
		"a table":                          {run("CREATE TABLE orders (id INT)"), true, false, "mariadb"},
		"a statement that failed":          {run("SELECT 1/0"), false, false, "postgresql"},
		"a deadlock":                       {deadlock, false, false, "mariadb"},
		"rows that stay open":              {leaveOpen, false, false, ""},
		"a connection that is cut":         {func(s *shop, _ context.Context) { s.another().killOthers() }, false, false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := slices.DeleteFunc(systems(), func(s system) bool { return tt.only != "" && tt.only != s.kind })
			onEach(t, on, func(s *shop) {
				for _, goesOn := range []bool{false, true} {
					id := fmt.Sprint(goesOn)
					err := s.store.Once(s.ctx, id, func(ctx context.Context) error {
						if err := s.ship(id)(ctx); err != nil {
							return err
						}
						tt.over(s, ctx)
						if goesOn {
							_ = s.ship("after " + id)(ctx)
						}
						return nil
					})
					if err == nil || !strings.Contains(err.Error(), "its transaction is over or cannot be committed") {
						s.t.Errorf("the error is %v", err)
					}
					n := 0
					if tt.committed {
						n = 1
					}
					s.check(id, n, n)
					if !tt.after {
						s.check("after "+id, 0, 0)
					}
					if err := s.store.Once(s.ctx, id, s.ship(id)); err != nil {
						s.t.Errorf("the next delivery gives %v", err)
					}
					s.check(id, 1, 1)
				}
			})
		})
	}
}

// leaveOpen reads the first of many rows.
func leaveOpen(s *shop, ctx context.Context) {
	rows, err := sqlonce.Tx(ctx).QueryContext(ctx, "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900) SELECT a.n FROM n AS a, n AS b")
	if err != nil {
		s.t.Fatal(err)
	}
	if !rows.Next() {
		s.t.Fatal(rows.Err())
	}
}

// deadlock makes the transaction the victim of a deadlock with a larger one.
func deadlock(s *shop, ctx context.Context) {
	other, err := s.another().db.BeginTx(ctx, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer other.Rollback()
	table := fmt.Sprintf("pair%d", rand.Uint32())
	s.exec("CREATE TABLE " + table + " (id INT PRIMARY KEY, n INT NOT NULL)")
	s.exec("INSERT INTO " + table + " VALUES (1, 0), (2, 0)")
	update := func(tx *sql.Tx, id int) error {
		_, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET n = n + 1 WHERE id = %d", table, id))
		return err
	}
	for i := range 100 {
		if _, err := other.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%d, 0)", table, 10+i)); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := errors.Join(update(other, 2), update(sqlonce.Tx(ctx), 1)); err != nil {
		s.t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		if err := update(other, 1); err != nil {
			s.t.Errorf("the larger transaction is the victim: %v", err)
		}
	})
	if err := update(sqlonce.Tx(ctx), 2); err == nil || !strings.Contains(err.Error(), "Deadlock") {
		s.t.Errorf("a deadlock gives %v", err)
	}
	all.Wait()
}

func TestAConnectionComesBackAsItWas(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		ctx := s.ctx
		s.db.SetMaxOpenConns(1)
		s.exec(s.setIdle)
		session, idle := s.ask(s.session), s.ask(s.idle)
		if !strings.Contains(idle, "1234") {
			s.t.Fatalf("the setting is %s", idle)
		}
		panics := func() (err error) {
			defer func() { err = fmt.Errorf("%v", recover()) }()
			return s.store.Once(ctx, "panics", func(context.Context) error { panic("no") })
		}
		for name, once := range map[string]func() error{
			"a success":   func() error { return s.store.Once(ctx, "a", s.ship("a")) },
			"a duplicate": func() error { return s.store.Once(ctx, "a", s.ship("a")) },
			"a failure":   func() error { return s.store.Once(ctx, "b", func(context.Context) error { return errShop }) },
			"a panic":     panics,
		} {
			_ = once()
			if got := s.ask(s.idle); got != idle {
				s.t.Errorf("after %s the setting is %s, want %s", name, got, idle)
			}
			if s.dialect != sqlonce.PostgreSQL {
				if got := s.ask("SELECT @wechatpay_idle IS NULL AND @wechatpay_autocommit IS NULL AND @@SESSION.autocommit"); got != "1" {
					s.t.Errorf("after %s a variable is left, or autocommit is off", name)
				}
			}
		}
		if got := s.ask(s.session); got != session {
			s.t.Errorf("it is another connection")
		}
		var within string
		if err := s.store.Once(ctx, "c", func(ctx context.Context) error { return sqlonce.Tx(ctx).QueryRowContext(ctx, s.idle).Scan(&within) }); err != nil {
			s.t.Error(err)
		}
		if within != "30" && within != "30s" {
			s.t.Errorf("within the transaction the setting is %s", within)
		}
	})
}

func TestConnectionsThatTheServerClosedAreNoFailure(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		ctx := s.ctx
		const idle = 10
		s.db.SetMaxIdleConns(idle)
		var held []*sql.Conn
		for range idle {
			conn, err := s.db.Conn(ctx)
			if err != nil {
				s.t.Fatal(err)
			}
			held = append(held, conn)
		}
		for _, conn := range held {
			if err := conn.Close(); err != nil {
				s.t.Fatal(err)
			}
		}
		s.another().killOthers()
		if err := s.store.Once(ctx, "a", s.ship("a")); err != nil {
			s.t.Error(err)
		}
		s.check("a", 1, 1)
	})
}

func TestPruneRemovesWhatIsOlder(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		ctx := s.ctx
		old := func(id string, hours int) {
			s.exec("INSERT INTO wechatpay_notifications (id, handled_at) VALUES (?, "+fmt.Sprintf(s.ago, hours)+")", []byte(id))
		}
		old("49 hours", 49)
		old("47 hours", 47)
		for i := range 2100 {
			old(fmt.Sprint("old ", i), 100)
		}
		if err := s.store.Once(ctx, "now", s.ship("now")); err != nil {
			s.t.Fatal(err)
		}
		for _, tt := range []struct {
			keep    time.Duration
			removed int
			left    string
		}{{99 * time.Hour, 2100, "3"}, {50 * time.Hour, 0, "3"}, {48*time.Hour + time.Nanosecond, 1, "2"}, {48 * time.Hour, 0, "2"}} {
			removed, err := s.store.Prune(ctx, tt.keep)
			left := s.ask("SELECT count(*) FROM wechatpay_notifications")
			if err != nil || removed != tt.removed || left != tt.left {
				s.t.Errorf("Prune(%v) removes %d and leaves %s, %v; want %d, %s", tt.keep, removed, left, err, tt.removed, tt.left)
			}
		}
		if removed, err := s.store.Prune(ctx, 48*time.Hour-1); removed != 0 || err == nil || !strings.Contains(err.Error(), "at least 48 hours") {
			s.t.Errorf("less than 48 hours removes %d, %v", removed, err)
		}
		s.check("47 hours", 0, 1)
		s.check("now", 1, 1)
	})
}

func TestATableMayHaveAnyNameThatIsOne(t *testing.T) {
	t.Parallel()
	onEach(t, systems(), func(s *shop) {
		schema := "public"
		if s.kind == "mariadb" {
			schema = s.ask("SELECT DATABASE()")
		}
		for i, name := range []string{"order", "_", "select_1", schema + ".order2", schema + "." + strings.Repeat("x", 50)} {
			another := s.another(sqlonce.Table(name))
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					if err := another.store.CreateTable(s.ctx); err != nil { // all at once
						s.t.Errorf("%s: %v", name, err)
					}
				})
			}
			all.Wait()
			id := fmt.Sprint(i)
			for range 2 {
				if err := another.store.Once(s.ctx, id, s.ship(id)); err != nil {
					s.t.Errorf("%s: %v", name, err)
				}
			}
			s.check(id, 1, 0)
			if removed, err := another.store.Prune(s.ctx, 48*time.Hour); removed != 0 || err != nil {
				s.t.Errorf("%s: Prune gives %d, %v", name, removed, err)
			}
		}
		for _, name := range []string{"", ".", "a.", ".a", "a.b.c", "A", "1a", "a b", "a;b", `a"`, "a`", "a'", "a--", "a\n", "a\x00", "表", "shipped; DROP TABLE shipped", `x" (id int); DROP TABLE shipped; --`, strings.Repeat("x", 51)} {
			if _, err := sqlonce.New(s.db, s.dialect, sqlonce.Table(name)); err == nil || !strings.Contains(err.Error(), "is no name") {
				s.t.Errorf("the name %q gives %v", name, err)
			}
		}
	})
}

// TestAnotherTableIsNoSuccess: a column that cuts ids makes them alike, and INSERT IGNORE lets it.
func TestAnotherTableIsNoSuccess(t *testing.T) {
	t.Parallel()
	on := slices.DeleteFunc(systems(), func(s system) bool { return s.kind != "mariadb" })
	onEach(t, on, func(s *shop) {
		s.exec("CREATE TABLE short (id VARBINARY(5) NOT NULL PRIMARY KEY, handled_at DATETIME(6) NOT NULL) ENGINE=InnoDB")
		short := s.another(sqlonce.Table("short"))
		for id, handled := range map[string]bool{"12345": true, "123456": false, "1234567": false} {
			if !handled {
				s.exec("INSERT IGNORE INTO short VALUES (?, UTC_TIMESTAMP(6))", []byte("12345"))
			}
			err := short.store.Once(s.ctx, id, s.ship(id))
			if handled != (err == nil) || err != nil && !strings.Contains(err.Error(), "compare the table with what Schema returns") {
				s.t.Errorf("%s gives %v", id, err)
			}
		}
		missing := s.another(sqlonce.Table("missing"))
		if err := missing.store.Once(s.ctx, "a", s.ship("a")); err == nil || !strings.Contains(err.Error(), "missing") {
			s.t.Errorf("a table that is not there gives %v", err)
		}
	})
}
