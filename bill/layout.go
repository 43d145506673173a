package bill

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// layout is how a kind of bill is written.
type layout[R any] struct {
	columns []column[R]
	totals  []total[R]
	other   func(*R) *map[string]string // where columns go that have no name here

	times func(*R) [3]time.Time // of which one lies in the bill's day; nil if that is not known
	sub   func(*R) string       // whose row it is, if the bill is of a service provider

	summary bool     // it ends with one: without it, something is missing
	words   []string // the headings of the summary have one of them; nil if a total is needed
	many    bool     // the summary may have several lines
	loose   bool     // values may lack their backtick
}

// column is one that has a place in the row: one of the functions says which.
type column[R any] struct {
	name    string
	aliases []string
	must    bool     // a bill without it is not one of this kind
	oneOf   []string // all values that there are; nil if they are not known
	free    bool     // a text that somebody wrote, and nobody escaped

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

// only says which values there are. Another one would be left out of all sums.
func (c column[R]) only(values ...string) column[R] {
	c.oneOf = values
	return c
}

// unescaped says that a value may look as if several columns were in it.
func (c column[R]) unescaped() column[R] {
	c.free = true
	return c
}

// isMoney tells whether the heading may have the unit behind it.
func (c *column[R]) isMoney() bool { return c.fen != nil || c.amount != nil }

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
	count   bool // of rows, not money
	add     func(*R) Amount
}

// rowCount is what a summary has for the number of rows where its columns are not documented: the names
// that other bills give it.
func rowCount[R any]() []total[R] {
	return []total[R]{{name: "总笔数", aliases: []string{"总交易单数", "总单数", "总条数", "total_count", "Total count", "Total Count"}, count: true, add: one[R]}}
}

// text is a value of the total, as it is printed.
func (t *total[R]) text(a Amount) string {
	if t.count && a%perYuan == 0 {
		return strconv.FormatInt(int64(a/perYuan), 10)
	}
	return a.String()
}

// one is what a row adds to a count.
func one[R any](*R) Amount { return perYuan }

func ofFen(fen int64) Amount { return Amount(fen) * perFen }

// set reads a value that is not text into its place. What is empty is zero, unless the column is
// needed: the sums tell if it was not.
func (c *column[R]) set(row *R, value string, days *days) (err error) {
	if !c.must && (value == "" || c.time != nil && placeholder(value)) {
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

// placeholder tells whether value stands for nothing.
func placeholder(value string) bool {
	value = strings.TrimSpace(value)
	return value == "" || value == "0" || value == "-"
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
