package sqlonce_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openwechatpay/wechatpay/webhook/sqlonce"
)

var dialects = []sqlonce.Dialect{sqlonce.PostgreSQL, sqlonce.MariaDB, sqlonce.MySQL}

func storeOf(t *testing.T, db *sql.DB, dialect sqlonce.Dialect) *sqlonce.Store {
	t.Helper()
	s, err := sqlonce.New(db, dialect)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func succeed(context.Context) error { return nil }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	db := open(t, &fake{})
	tests := map[string]struct {
		db      *sql.DB
		dialect sqlonce.Dialect
		opt     sqlonce.Option
		want    string
	}{
		"no database":          {nil, sqlonce.MySQL, sqlonce.Lease(time.Second), "no database: open one with sql.Open"},
		"no dialect":           {db, "", sqlonce.Lease(time.Second), `the dialect "" is unknown: take postgresql, mariadb or mysql`},
		"another dialect":      {db, "sqlite", sqlonce.Lease(time.Second), `the dialect "sqlite" is unknown`},
		"a nil option":         {db, sqlonce.MySQL, nil, "an Option is nil"},
		"no lease":             {db, sqlonce.MySQL, sqlonce.Lease(0), "the Lease is 0s, want 1s to 24h0m0s"},
		"a lease under 1 s":    {db, sqlonce.MySQL, sqlonce.Lease(time.Second - 1), "want 1s to 24h0m0s"},
		"a lease over a day":   {db, sqlonce.MySQL, sqlonce.Lease(24*time.Hour + 1), "want 1s to 24h0m0s"},
		"no table":             {db, sqlonce.MySQL, sqlonce.Table(""), `the Table "" is no name`},
		"a table of SQL":       {db, sqlonce.MySQL, sqlonce.Table("a; DROP TABLE b"), `the Table "a; DROP TABLE b" is no name`},
		"a table with 3 parts": {db, sqlonce.MySQL, sqlonce.Table("a.b.c"), `the Table "a.b.c" is no name`},
	}
	for name, tt := range tests {
		if s, err := sqlonce.New(tt.db, tt.dialect, tt.opt); s != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, %v; want …%s…", name, s, err, tt.want)
		}
	}
}

func TestOnceRefuses(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := storeOf(t, open(t, f), sqlonce.PostgreSQL)
	tests := map[string]struct {
		store *sqlonce.Store
		ctx   context.Context
		id    string
		fn    func(context.Context) error
		want  string
	}{
		"no store":                {nil, t.Context(), "a", succeed, "make one with sqlonce.New"},
		"a store of nobody":       {new(sqlonce.Store), t.Context(), "a", succeed, "make one with sqlonce.New"},
		"no context":              {s, nil, "a", succeed, "the context is nil"},
		"no function":             {s, t.Context(), "a", nil, "there is no function to run"},
		"no id":                   {s, t.Context(), "", succeed, "an id has 1 to 255 bytes, not 0"},
		"an id that is too long":  {s, t.Context(), strings.Repeat("支", 86), succeed, "an id has 1 to 255 bytes, not 258"},
		"an id of several orders": {s, t.Context(), strings.Repeat("x", 256), succeed, "an id has 1 to 255 bytes, not 256"},
	}
	for name, tt := range tests {
		if err := tt.store.Once(tt.ctx, tt.id, tt.fn); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want …%s…", name, err, tt.want)
		}
	}
	var none context.Context
	for name, err := range map[string]error{
		"CreateTable of no store":     (*sqlonce.Store)(nil).CreateTable(t.Context()),
		"CreateTable without context": s.CreateTable(none),
		"Prune of no store":           second((*sqlonce.Store)(nil).Prune(t.Context(), 100*time.Hour)),
		"Prune without context":       second(s.Prune(none, 100*time.Hour)),
		"Prune of what is young":      second(s.Prune(t.Context(), 48*time.Hour-1)),
	} {
		if err == nil {
			t.Errorf("%s gives no error", name)
		}
	}
	if said := f.heard(); len(said) != 0 {
		t.Errorf("the database was told %q", said)
	}
	if text := (*sqlonce.Store)(nil).Schema(); text != "" {
		t.Errorf("the schema of no store is %s", text)
	}
}

func second(_ int, err error) error { return err }

func TestTxIsNilOutsideOfOnce(t *testing.T) {
	t.Parallel()
	for _, ctx := range []context.Context{nil, t.Context()} {
		if tx := sqlonce.Tx(ctx); tx != nil {
			t.Errorf("got %v", tx)
		}
	}
}

func TestOnceWithinItselfIsRefused(t *testing.T) {
	t.Parallel()
	db := open(t, &fake{})
	s, other := storeOf(t, db, sqlonce.PostgreSQL), storeOf(t, open(t, &fake{}), sqlonce.PostgreSQL)
	err := s.Once(t.Context(), "a", func(ctx context.Context) error {
		return other.Once(ctx, "a", func(within context.Context) error { // another database is another matter
			if sqlonce.Tx(within) == sqlonce.Tx(ctx) {
				t.Error("the inner function has the outer transaction")
			}
			for _, id := range []string{"a", "b"} {
				if err := s.Once(within, id, succeed); err == nil || !strings.Contains(err.Error(), "called by a function that Once runs") {
					t.Errorf("%s gives %v", id, err)
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWhateverFailsNothingPassesForDone has each statement fail, once and from then on, in ways that leave the
// connection whole or not.
func TestWhateverFailsNothingPassesForDone(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		whole := &fake{}
		if err := storeOf(t, open(t, whole), dialect).Once(t.Context(), "a", succeed); err != nil {
			t.Fatal(err)
		}
		count := len(whole.heard())
		if count < 6 {
			t.Fatalf("the database is told %q", whole.heard())
		}
		for failing := range count {
			for _, failure := range []error{errFake, driver.ErrBadConn} {
				for _, always := range []bool{false, true} {
					f := &fake{}
					f.fails = func(no int, statement string) error {
						if no == failing || always && no > failing {
							return failure
						}
						return nil
					}
					t.Run(fmt.Sprintf("%s, statement %d, %v, always %t", dialect, failing, failure, always), func(t *testing.T) {
						t.Parallel()
						checkFailure(t, f, dialect, always)
					})
				}
			}
		}
	}
}

func checkFailure(t *testing.T, f *fake, dialect sqlonce.Dialect, always bool) {
	t.Helper()
	runs := 0
	err := storeOf(t, open(t, f), dialect).Once(t.Context(), "a", func(context.Context) error { runs++; return nil })
	said := f.heard()
	if runs > 1 {
		t.Errorf("the function ran %d times", runs)
	}
	if (err == nil) != f.there {
		t.Errorf("it gives %v, and the mark is there: %t\n%q", err, f.there, said)
	}
	if runs == 0 && !always {
		t.Errorf("a claim that fails once is not tried again: %v\n%q", err, said)
	}
	if len(said) > 50 {
		t.Errorf("it does not give up: %q", said)
	}
	checkConnections(t, f)
}

// checkConnections: each connection ended its transaction, and what follows it, or was closed.
func checkConnections(t *testing.T, f *fake) {
	t.Helper()
	last := map[string]string{}
	for no, line := range f.heard() {
		conn, statement, _ := strings.Cut(line, " ")
		if f.fails != nil && f.fails(no, statement) != nil && statement != "CLOSE" {
			statement = "failed: " + statement
		}
		last[conn] = statement
	}
	for conn, statement := range last {
		ended := statement == "COMMIT" || statement == "ROLLBACK"
		if strings.Contains(strings.Join(f.heard(), "\n"), conn+" SET @wechatpay") {
			ended = strings.HasPrefix(statement, "SET SESSION ")
		}
		if !ended && statement != "CLOSE" {
			t.Errorf("connection %s ends with %s:\n%s", conn, statement, strings.Join(f.heard(), "\n"))
		}
	}
}

func TestConnectionsThatDiedInThePoolAreNoFailure(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{errFake, driver.ErrBadConn} {
		f := &fake{}
		db := open(t, f)
		const idle = 10
		db.SetMaxIdleConns(idle)
		var held [idle]*sql.Conn
		for i := range held {
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held[i] = conn
		}
		for _, conn := range held {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
		}
		f.fails = func(no int, _ string) error {
			if strings.HasPrefix(f.said[no], fmt.Sprint(idle+1, " ")) {
				return nil
			}
			return failure
		}
		if err := storeOf(t, db, sqlonce.PostgreSQL).Once(t.Context(), "a", succeed); err != nil || !f.there {
			t.Errorf("%v gives %v: %q", failure, err, f.heard())
		}
	}
}

func TestAFunctionThatDoesNotReturnLeavesNoTransaction(t *testing.T) {
	t.Parallel()
	ends := map[string]func(context.Context) error{
		"an error":       func(context.Context) error { return errFake },
		"a panic":        func(context.Context) error { panic("no") },
		"a Goexit":       func(context.Context) error { runtime.Goexit(); return nil },
		"its own Commit": func(ctx context.Context) error { return sqlonce.Tx(ctx).Commit() },
		"its Rollback":   func(ctx context.Context) error { return sqlonce.Tx(ctx).Rollback() },
	}
	for name, end := range ends {
		for _, dialect := range dialects {
			t.Run(name+", "+string(dialect), func(t *testing.T) {
				t.Parallel()
				f := &fake{}
				s := storeOf(t, open(t, f), dialect)
				ended := make(chan any)
				go func() {
					err := errors.New("it did not return")
					defer func() {
						if p := recover(); p != nil {
							ended <- p
							return
						}
						ended <- err
					}()
					err = s.Once(t.Context(), "a", end)
				}()
				got := <-ended
				if got == nil || got == error(nil) {
					t.Error("it passes for done")
				}
				if name == "an error" && got != errFake || name == "a panic" && got != "no" {
					t.Errorf("it gives %v", got)
				}
				checkConnections(t, f)
				if err := s.Once(t.Context(), "a", succeed); err != nil {
					t.Errorf("the next delivery gives %v", err)
				}
			})
		}
	}
}

func TestWhoWaitsRunsAfterOneThatFailed(t *testing.T) {
	t.Parallel()
	for _, first := range []error{nil, errFake} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{}
			db := sql.OpenDB(f)
			defer db.Close()
			s := storeOf(t, db, sqlonce.PostgreSQL)
			ended := make(chan error, 1)
			runs := 0
			err := s.Once(t.Context(), "a", func(context.Context) error {
				go func() {
					ended <- s.Once(t.Context(), "a", func(context.Context) error { runs++; return nil })
				}()
				synctest.Wait()
				return first
			})
			if err != first {
				t.Errorf("the first gives %v, want %v", err, first)
			}
			if err := <-ended; err != nil || (runs == 1) != (first != nil) {
				t.Errorf("after %v the second runs %d times, and gives %v", first, runs, err)
			}
			begun := slices.DeleteFunc(f.heard(), func(line string) bool { return !strings.HasSuffix(line, "BEGIN") })
			if len(begun) != 1+runs { // who waited for a success asks no database
				t.Errorf("there were %d transactions", len(begun))
			}
		})
	}
}

func TestADuplicateIsNotRun(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		f := &fake{there: true}
		s := storeOf(t, open(t, f), dialect)
		if err := s.Once(t.Context(), "a", func(context.Context) error { t.Error("it ran"); return nil }); err != nil {
			t.Error(err)
		}
		if said := f.heard(); slices.ContainsFunc(said, func(line string) bool { return strings.HasSuffix(line, "COMMIT") }) {
			t.Errorf("the database is told %q", said)
		}
		checkConnections(t, f)
	}
}

func TestAMarkThatIsNotThereIsNoDuplicate(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		f := &fake{lost: true}
		s := storeOf(t, open(t, f), dialect)
		err := s.Once(t.Context(), "a", func(context.Context) error { t.Error("it ran"); return nil })
		if err == nil || !strings.Contains(err.Error(), "compare the table with what Schema returns") {
			t.Errorf("it gives %v", err)
		}
		checkConnections(t, f)
	}
}

func TestALeaseIsInWholeSecondsWhereItHasToBe(t *testing.T) {
	t.Parallel()
	for dialect, want := range map[sqlonce.Dialect]string{
		sqlonce.PostgreSQL: "SET LOCAL idle_in_transaction_session_timeout = 1001",
		sqlonce.MariaDB:    "SESSION idle_write_transaction_timeout = 2,",
		sqlonce.MySQL:      "SESSION wait_timeout = 2,",
	} {
		f := &fake{}
		s, err := sqlonce.New(open(t, f), dialect, sqlonce.Lease(1001*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Once(t.Context(), "a", succeed); err != nil {
			t.Error(err)
		}
		if said := f.heard(); !strings.Contains(said[1], want) {
			t.Errorf("the database is told %q, want …%s…", said, want)
		}
	}
}
