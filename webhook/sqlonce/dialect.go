package sqlonce

import (
	"fmt"
	"strings"
	"time"
)

// Dialect is what a database speaks.
type Dialect string

// The dialects that are known. PostgreSQL before 9.6 and MariaDB before 10.3 end no idle transactions.
const (
	PostgreSQL Dialect = "postgresql"
	MariaDB    Dialect = "mariadb"
	MySQL      Dialect = "mysql"
)

// statements is what a dialect says about one table.
type statements struct {
	create  []string
	alone   string // keeps others from creating at the same time; empty if they may
	lease   string // the first statement of a transaction
	restore string // what its connection is told after it; empty if the end of the transaction does that
	insert  string // of an id; affects no row if it is there
	find    string // an id
	prune   string // the oldest that are older than a number of seconds, at most a batch
}

var dialects = map[Dialect]func(table string, lease time.Duration) statements{
	PostgreSQL: postgreSQL,
	// MariaDB has a time for transactions that have written, which goes before its other ones.
	MariaDB: func(table string, lease time.Duration) statements {
		return mySQL(table, lease, "idle_write_transaction_timeout")
	},
	// In MySQL the time of idle connections is the same within transactions.
	MySQL: func(table string, lease time.Duration) statements { return mySQL(table, lease, "wait_timeout") },
}

func postgreSQL(table string, lease time.Duration) statements {
	quoted := quote(table, `"`)
	index := quote(table[strings.LastIndex(table, ".")+1:]+handledAt, `"`)
	return statements{
		create: []string{
			"CREATE TABLE IF NOT EXISTS " + quoted + " (\n\tid bytea PRIMARY KEY,\n\thandled_at timestamptz NOT NULL\n)",
			"CREATE INDEX IF NOT EXISTS " + index + " ON " + quoted + " (handled_at)",
		},
		// Without it one of two fails, IF NOT EXISTS or not. The number is any that others do not take.
		alone:  "SELECT pg_advisory_xact_lock(7266182105)",
		lease:  fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", lease.Milliseconds()),
		insert: "INSERT INTO " + quoted + " (id, handled_at) VALUES ($1, now()) ON CONFLICT DO NOTHING",
		find:   "SELECT 1 FROM " + quoted + " WHERE id = $1",
		prune: fmt.Sprintf("DELETE FROM %[1]s WHERE id IN (SELECT id FROM %[1]s WHERE handled_at < now() - $1::bigint * interval '1 second' ORDER BY handled_at LIMIT %[2]d)",
			quoted, batch),
	}
}

// mySQL speaks to MySQL and MariaDB, where timeout is the variable that ends idle transactions. What the
// variables were before stays with the connection, in variables of its own.
func mySQL(table string, lease time.Duration, timeout string) statements {
	quoted := quote(table, "`")
	seconds := int64((lease + time.Second - 1) / time.Second)
	return statements{
		create: []string{
			// VARBINARY, for collations take letters of either case for the same, and mind no spaces at the end.
			"CREATE TABLE IF NOT EXISTS " + quoted + " (\n\tid VARBINARY(255) NOT NULL PRIMARY KEY,\n\thandled_at DATETIME(6) NOT NULL,\n\tINDEX (handled_at)\n) ENGINE=InnoDB",
		},
		// Without autocommit, what a function does after a deadlock rolled everything back is another transaction,
		// which is not committed either.
		lease:   fmt.Sprintf("SET @wechatpay_idle = @@SESSION.%[1]s, @wechatpay_autocommit = @@SESSION.autocommit, SESSION %[1]s = %[2]d, SESSION autocommit = 0", timeout, seconds),
		restore: fmt.Sprintf("SET SESSION %s = @wechatpay_idle, SESSION autocommit = @wechatpay_autocommit, @wechatpay_idle = NULL, @wechatpay_autocommit = NULL", timeout),
		// Not ON DUPLICATE KEY UPDATE: where the driver counts rows that it found, that affects a row, too.
		insert: "INSERT IGNORE INTO " + quoted + " (id, handled_at) VALUES (?, UTC_TIMESTAMP(6))",
		find:   "SELECT 1 FROM " + quoted + " WHERE id = ?",
		prune:  fmt.Sprintf("DELETE FROM %s WHERE handled_at < UTC_TIMESTAMP(6) - INTERVAL ? SECOND ORDER BY handled_at LIMIT %d", quoted, batch),
	}
}

// quote quotes a name that has no quotes, so that it may be a word of SQL such as order.
func quote(table, mark string) string {
	return mark + strings.ReplaceAll(table, ".", mark+"."+mark) + mark
}
