package bill

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzRead reads what strangers send: it is an error, or it can be written such that it reads as the
// same.
func FuzzRead(f *testing.F) {
	for _, lines := range [][]string{
		{successColumns, successRow, successTotals, "`1.0,`0.05,`0.00030,`0.06"},
		{oldColumns + ",x", oldRow + ",`a,b`c", oldTotals + ",y", "`1,`0.01,`0.0,`0.0,`0,`7"},
		fundLines,
		{"a,b", "`1,`2", "`,`,"},
		{"a,create_time", "`1,2024-11-24T08:00:01.5+08:00", "总笔数", "`1"},
		{fundColumns, fundLines[1] + "x,`y", fundTotals, "`1,`1,`12.30,`0,`0"},
		{strings.Replace(fundLines[1], ",`,`", ",`x,`y,`", 1)},
	} {
		for kind := range byte(5) {
			f.Add([]byte(lined(lines...)), kind)
		}
	}
	f.Add(small(), byte(0))
	f.Fuzz(func(t *testing.T, content []byte, kind byte) {
		switch kind % 5 {
		case 0:
			again[TradeRow](t, content)
		case 1:
			again[FundFlowRow](t, content)
		case 2:
			again[ProfitSharingRow](t, content)
		case 3:
			again[StatementRow](t, content)
		default:
			again[Record](t, content)
		}
	})
}

func again[R Row[R]](t *testing.T, content []byte) {
	rows, p, err := parsed[R](content)
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("the error is %v", err)
		}
		return
	}
	if got, err := all(Read[R](bytes.NewReader(content))); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("Read gives %d rows of %d, %v", len(got), len(rows), err)
	}
	text := encode(p, rows)
	second, _, err := parsed[R]([]byte(text))
	if err != nil || !reflect.DeepEqual(rows, second) {
		t.Errorf("%q\nis written as %q\nwhich reads as %d rows of %d, %v", content, text, len(second), len(rows), err)
	}
}

func parsed[R Row[R]](content []byte) (rows []R, p *parser[R], err error) {
	var none R
	p = newParser(none.layout(), bytes.NewReader(content))
	err = judged(p.each(func(row R) bool {
		rows = append(rows, row)
		return true
	}), false)
	return rows, p, err
}

// encode writes rows in the columns that p read them from.
func encode[R any](p *parser[R], rows []R) string {
	lines := []string{strings.Join(p.names, ",")}
	for _, row := range rows {
		var b strings.Builder
		for i, c := range p.plan {
			b.WriteString(",`" + written(c, &row, (*p.layout.other(&row))[p.names[i]]))
		}
		lines = append(lines, b.String()[1:])
	}
	if !p.layout.summary {
		return lined(lines...)
	}
	names, values := []string{"备用总"}, []string{"`"}
	for i, t := range p.layout.totals {
		if p.has(t.of) {
			names, values = append(names, t.name), append(values, "`"+p.sums[i].String())
		}
	}
	return lined(append(lines, strings.Join(names, ","), strings.Join(values, ","))...)
}

// written is a value as bills have it; other is that of a column without a place.
func written[R any](c *column[R], row *R, other string) string {
	switch {
	case c == nil:
		return other
	case c.text != nil:
		return *c.text(row)
	case c.fen != nil:
		return ofFen(*c.fen(row)).String()
	case c.amount != nil:
		return c.amount(row).String()
	}
	switch at := *c.time(row); {
	case at.IsZero():
		return ""
	case at.Nanosecond() != 0:
		return at.Format(time.RFC3339Nano)
	default:
		return at.Format(time.DateTime)
	}
}
