package sqlonce_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fake is a database of one row that writes down what it is told. End-to-end tests have real ones; this
// one fails where those do not.
type fake struct {
	mu    sync.Mutex
	conns int
	said  []string
	fails func(no int, statement string) error // of a statement, by its place in said
	waits func(ctx context.Context, statement string)
	there bool // the row, committed
	lost  bool // it can be neither inserted nor found
}

var errFake = errors.New("the fake fails")

func open(t *testing.T, f *fake) *sql.DB {
	t.Helper()
	db := sql.OpenDB(f)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (f *fake) Connect(context.Context) (driver.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns++
	return &fakeConn{fake: f, no: f.conns}, nil
}

func (f *fake) Driver() driver.Driver { return nil }

// heard is what was said so far.
func (f *fake) heard() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.said)
}

type fakeConn struct {
	*fake
	no    int
	wrote bool
}

func (c *fakeConn) tell(ctx context.Context, statement string) error {
	c.mu.Lock()
	c.said = append(c.said, fmt.Sprintf("%d %s", c.no, statement))
	var err error
	if c.fails != nil {
		err = c.fails(len(c.said)-1, statement)
	}
	c.mu.Unlock()
	if c.waits != nil {
		c.waits(ctx, statement)
	}
	return err
}

func (c *fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("nobody prepares") }
func (c *fakeConn) Begin() (driver.Tx, error) {
	return nil, errors.New("nobody begins without a context")
}
func (c *fakeConn) Close() error { return c.tell(context.Background(), "CLOSE") }
func (c *fakeConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	return c, c.tell(ctx, "BEGIN")
}

func (c *fakeConn) Commit() error {
	err := c.tell(context.Background(), "COMMIT")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.there = c.there || c.wrote && err == nil
	return err
}

func (c *fakeConn) Rollback() error {
	c.wrote = false
	return c.tell(context.Background(), "ROLLBACK")
}

func (c *fakeConn) ExecContext(ctx context.Context, statement string, _ []driver.NamedValue) (driver.Result, error) {
	if err := c.tell(ctx, statement); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasPrefix(statement, "INSERT") && (c.there || c.lost) {
		return driver.RowsAffected(0), nil
	}
	c.wrote = c.wrote || strings.HasPrefix(statement, "INSERT")
	return driver.RowsAffected(1), nil
}

func (c *fakeConn) QueryContext(ctx context.Context, statement string, _ []driver.NamedValue) (driver.Rows, error) {
	return &fakeRows{ended: c.lost}, c.tell(ctx, statement)
}

type fakeRows struct{ ended bool }

func (*fakeRows) Columns() []string { return []string{"one"} }
func (*fakeRows) Close() error      { return nil }
func (r *fakeRows) Next(row []driver.Value) error {
	if r.ended {
		return io.EOF
	}
	r.ended, row[0] = true, int64(1)
	return nil
}
