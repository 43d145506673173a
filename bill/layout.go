package bill

import (
	"errors"
	"time"
)

// layout is how a kind of bill is written.
type layout[R any] struct {
	columns []column[R]
	totals  []total[R]
	other   func(*R) *map[string]string // where columns go that have no name here

	summary bool // it ends with one: without it, something is missing
	many    bool // the summary may have several lines
	loose   bool // values may lack their backtick
}

// column is one that has a place in the row: one of the functions says which.
type column[R any] struct {
	name    string
	aliases []string
	must    bool // a bill without it is not one of this kind

	text   func(*R) *string
	fen    func(*R) *int64
	amount func(*R) *Amount
	time   func(*R) *time.Time
}

// as adds names that other bills have for the column.
func (c column[R]) as(aliases ...string) column[R] {
	c.aliases = append(c.aliases, aliases...)
	return c
}

func (c column[R]) needed() column[R] {
	c.must = true
	return c
}

func text[R any](name string, at func(*R) *string) column[R] { return column[R]{name: name, text: at} }

func fen[R any](name string, at func(*R) *int64) column[R] { return column[R]{name: name, fen: at} }

func amount[R any](name string, at func(*R) *Amount) column[R] {
	return column[R]{name: name, amount: at}
}

func moment[R any](name string, at func(*R) *time.Time) column[R] {
	return column[R]{name: name, time: at}
}

// total is a column of the summary: what it sums of each row.
type total[R any] struct {
	name    string
	aliases []string
	of      string // the column that has to be there, or "" for a count
	must    bool
	add     func(*R) Amount
}

// one is what a row adds to a count.
func one[R any](*R) Amount { return perYuan }

func ofFen(fen int64) Amount { return Amount(fen) * perFen }

// set reads a value that is not text into its place. What is empty is zero, unless the column is
// needed: the sums tell if it was not.
func (c *column[R]) set(row *R, value string, days *days) (err error) {
	if value == "" && !c.must {
		return nil
	}
	switch {
	case c.fen != nil:
		var n int64
		if n, err = ParseFen(value); err == nil && int64(ofFen(n)/perFen) != n {
			err = errors.New("an amount beyond all measure")
		}
		*c.fen(row) = n
	case c.amount != nil:
		*c.amount(row), err = ParseAmount(value)
	default:
		*c.time(row), err = days.parse(value)
	}
	return err
}

// beijing is UTC+8, where the times of bills are at home.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// days reads times. The rows of a bill are mostly of one day, which is kept.
type days struct {
	day   string
	start int64 // in Unix time
}

var errTime = errors.New("not a time such as 2024-11-24 16:33:45")

func (d *days) parse(value string) (time.Time, error) {
	if len(value) != len(time.DateTime) || value[10] != ' ' || value[13] != ':' || value[16] != ':' {
		t, err := time.Parse(time.RFC3339, value) // as in other places of APIv3
		if t = t.In(beijing); err != nil || t.Year() < 1 || t.Year() > 9999 {
			return time.Time{}, errTime
		}
		return t, nil
	}
	if d.day != value[:10] {
		start, err := time.ParseInLocation(time.DateOnly, value[:10], beijing)
		if err != nil {
			return time.Time{}, errTime
		}
		d.day, d.start = value[:10], start.Unix()
	}
	hours, minutes, seconds := twoDigits(value[11:]), twoDigits(value[14:]), twoDigits(value[17:])
	if hours > 23 || minutes > 59 || seconds > 59 {
		return time.Time{}, errTime
	}
	return time.Unix(d.start+int64(hours*3600+minutes*60+seconds), 0).In(beijing), nil
}

// twoDigits is the number at the beginning of text, or one that is too large for any use.
func twoDigits(text string) uint {
	tens, ones := uint(text[0]-'0'), uint(text[1]-'0')
	if tens > 9 || ones > 9 {
		return 100
	}
	return tens*10 + ones
}
