package bill

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
)

// This file is how all bills are written: UTF-8 with a byte order mark, CRLF, headings as they are and
// a backtick before every value.

const (
	bom     = "\ufeff"
	newline = "\r\n"
)

// table is a bill while it is written.
type table struct{ b bytes.Buffer }

func newTable(heading string) *table {
	t := new(table)
	t.b.WriteString(bom)
	t.heading(heading)
	return t
}

func (t *table) heading(text string) { t.b.WriteString(text + newline) }

func (t *table) row(values ...string) {
	t.b.WriteString("`" + strings.Join(values, ",`") + newline)
}

// yuan is an amount of fen in yuan.
func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}

// feeText is a fee, which has five decimals although it is one of fen.
func feeText(fen int64) string { return yuan(fen) + "000" }

// moment is a time, "" if there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(clock.Beijing).Format(time.DateTime)
}

// What merchants wrote themselves is escaped, and in rows of refunds otherwise than in those of payments.
var (
	inPayment = strings.NewReplacer(escapes("`", "\\`")...)
	inRefund  = strings.NewReplacer(escapes("`", `\140`)...)
	inFund    = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\x01", " ")
)

func escapes(more ...string) []string {
	return append(more, `\`, `\\`, `'`, `\'`, `"`, `\"`, ",", `\ `, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\ue000", `\ `, "\x1a", "\\\x1a")
}
