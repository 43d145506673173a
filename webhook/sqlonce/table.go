package sqlonce

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

const (
	minKeep   = 48 * time.Hour // before which no mark may go
	batch     = 1000           // marks that go in one transaction of Prune
	handledAt = "_handled_at"  // after the name of the table makes that of the index
)

// tableName keeps to what every database takes as it is. PostgreSQL cuts names after 63 bytes, the
// index's too.
var tableName = regexp.MustCompile(`^([a-z_][a-z0-9_]{0,49}\.)?[a-z_][a-z0-9_]{0,49}$`)

func checkTable(name string) error {
	if !tableName.MatchString(name) {
		return fmt.Errorf("the Table %q is no name: want 1 to 50 lower case letters, digits and underscores, and no digit first; those of its schema and a dot may go before", name)
	}
	return nil
}

// Schema is the SQL that creates the table and its index, for a migration. Every statement ends with a
// semicolon and a newline.
func (s *Store) Schema() string {
	if s == nil {
		return ""
	}
	return strings.Join(s.sql.create, ";\n") + ";\n"
}

// CreateTable creates the table and its index unless they are there. Processes may do so at the same
// time. Even then PostgreSQL wants the right to create from who asks.
func (s *Store) CreateTable(ctx context.Context) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	if err := s.createTable(ctx); err != nil {
		return fmt.Errorf("sqlonce: %w", err)
	}
	return nil
}

func (s *Store) createTable(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if s.sql.alone != "" {
		if _, err := tx.ExecContext(ctx, s.sql.alone); err != nil {
			return err
		}
	}
	for _, statement := range s.sql.create {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Prune removes the marks that are older than a duration by the clock of the database, and tells how many.
// Less than 48 hours is refused: WeChat Pay sends a notification for 24 hours and 4 minutes, and what comes
// again without its mark is handled again. It removes 1,000 in a transaction, so that nobody waits long for
// it; those that are removed stay so if it fails or ctx ends.
//
// While the clock of the database is ahead, Prune removes marks that are younger than they look. Of APIv3, what
// somebody recorded is refused after five minutes, for its time is signed. APIv2 signs no time: functions that
// handle its notifications also look at the state of the order, and leave alone what is paid already.
func (s *Store) Prune(ctx context.Context, olderThan time.Duration) (removed int, err error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	if olderThan < minKeep {
		return 0, errors.New("sqlonce: Prune keeps at least 48 hours: WeChat Pay may still send what is younger")
	}
	seconds := int64((olderThan + time.Second - 1) / time.Second)
	for last := int64(batch); last == batch; removed += int(last) {
		res, err := s.db.ExecContext(ctx, s.sql.prune, seconds)
		if err == nil {
			last, err = res.RowsAffected()
		}
		if err != nil {
			return removed, fmt.Errorf("sqlonce: %w", err)
		}
	}
	return removed, nil
}
