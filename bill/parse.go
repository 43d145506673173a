package bill

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	// maxLine is the longest line that is read. Those of bills have some hundred bytes.
	maxLine = 1 << 20
	// maxColumns is the most columns that are read. Those of bills have at most 38.
	maxColumns = 1000
)

// lines are those of a file that are not empty, without what ends them.
type lines struct {
	from *bufio.Reader
	n    int // of the last one, from 1
}

// next returns io.EOF after the last line. Each has memory of its own, which the values of a row share.
func (l *lines) next() (string, error) {
	for {
		chunk, err := l.from.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			chunk, err = l.rest(chunk)
		}
		if err != nil && err != io.EOF {
			return "", err
		}
		if err == io.EOF && len(chunk) == 0 {
			return "", io.EOF
		}
		l.n++
		if end := len(chunk) - 1; chunk[end] == '\n' {
			chunk = chunk[:end]
		}
		if end := len(chunk) - 1; end >= 0 && chunk[end] == '\r' {
			chunk = chunk[:end]
		}
		if len(chunk) > 0 {
			return string(chunk), nil
		}
	}
}

// rest is a line that begins with chunk and does not fit into the buffer.
func (l *lines) rest(chunk []byte) ([]byte, error) {
	line := slices.Clone(chunk)
	for {
		chunk, err := l.from.ReadSlice('\n')
		line = append(line, chunk...)
		switch {
		case len(line) > maxLine:
			return nil, wrong(l.n+1, "", fmt.Sprintf("it has more than %d bytes: this is not a bill", maxLine))
		case err != bufio.ErrBufferFull:
			return line, err
		}
	}
}

// parser reads one bill. It is made new for each reading.
type parser[R any] struct {
	layout  layout[R]
	lines   lines
	names   []string     // of the columns, as the file has them
	plan    []*column[R] // of the columns; nil for one without a place
	values  []string
	sums    []Amount // of the totals
	days    days
	row     R // the one that is read; here, it is allocated once
	rows    int64
	summary Summary
	said    []claim // of the totals
	free    int     // the column that may look like several; -1 if there is none

	asked       asked
	start, stop int64 // of the day that was asked for, in Unix time
}

func newParser[R any](l layout[R], file io.Reader) *parser[R] {
	return &parser[R]{layout: l, lines: lines{from: bufio.NewReaderSize(file, 64<<10)}, sums: make([]Amount, len(l.totals)), said: make([]claim, len(l.totals)), free: -1}
}

// each reads the bill to its end, and hands over the rows until yield says no.
func (p *parser[R]) each(yield func(R) bool) error {
	if err := p.readHeading(); err != nil {
		return err
	}
	for {
		line, err := p.lines.next()
		if err == io.EOF {
			return p.end(nil)
		}
		if err != nil {
			return p.broken(err)
		}
		if isHeading(line) {
			return p.readSummary(line)
		}
		if err := p.read(line); err != nil {
			return err
		}
		if !yield(p.row) {
			return nil
		}
	}
}

// broken is the error of a file that cannot be read on.
func (p *parser[R]) broken(err error) error {
	switch err.(type) {
	case *fault, misread:
		return err
	}
	return fmt.Errorf("after line %d: %w", p.lines.n, err)
}

// readHeading makes the plan of which value goes where.
func (p *parser[R]) readHeading() error {
	line, err := p.lines.next()
	if err == io.EOF {
		return wrong(1, "", "the file is empty")
	}
	if err != nil {
		return p.broken(err)
	}
	if p.names, err = p.headings(strings.TrimPrefix(line, "\ufeff")); err != nil {
		return err
	}
	p.plan, p.values = make([]*column[R], len(p.names)), make([]string, len(p.names))
	for i := range p.layout.columns {
		c := &p.layout.columns[i]
		at := find(p.names, c.name, c.aliases, c.isMoney())
		switch {
		case len(at) > 1:
			return wrong(p.lines.n, c.name, "it is there twice")
		case len(at) == 1:
			p.plan[at[0]] = c
			if c.free {
				p.free = at[0]
			}
		case c.must:
			return wrong(p.lines.n, c.name, "it is missing: this is a bill of another kind, or none")
		}
	}
	return nil
}

// headings are the names in a line of headings.
func (p *parser[R]) headings(line string) ([]string, error) {
	if strings.Count(line, ",") >= maxColumns {
		return nil, wrong(p.lines.n, "", fmt.Sprintf("it has more than %d columns: this is not a bill", maxColumns))
	}
	names := strings.Split(line, ",")
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name == "" || seen[name] {
			return nil, wrong(p.lines.n, "", fmt.Sprintf("heading %d is empty, or there twice", i+1))
		}
		seen[name], names[i] = true, name
	}
	return names, nil
}

// find tells where names has name or one of its aliases. Headings of money may have their unit
// behind them.
func find(names []string, name string, aliases []string, money bool) (at []int) {
	for i, have := range names {
		if money {
			have, name = unitless(have), unitless(name)
		}
		if have == name || slices.Contains(aliases, have) {
			at = append(at, i)
		}
	}
	return at
}

func unitless(heading string) string {
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(heading, "(元)"), "（元）"))
}

// isHeading tells the headings of the summary from a row, of which some value has a backtick, or is a
// number or a time. A row that was damaged is not mistaken for them.
func isHeading(line string) bool {
	if strings.IndexByte(line, '`') >= 0 {
		return false
	}
	for name := range strings.SplitSeq(line, ",") {
		if name != "" && (name[0] == '-' || name[0] >= '0' && name[0] <= '9') {
			return false
		}
	}
	return true
}

// read reads a row.
func (p *parser[R]) read(line string) error {
	if err := p.split(line, p.values, p.free); err != nil {
		return err
	}
	var none R
	p.row = none
	for i, value := range p.values {
		c := p.plan[i]
		switch {
		case c == nil:
			p.keep(p.names[i], value)
		case c.text != nil:
			*c.text(&p.row) = value
			if c.oneOf != nil && !slices.Contains(c.oneOf, value) {
				return wrong(p.lines.n, c.name, "neither "+strings.Join(c.oneOf, " nor "))
			}
		default:
			if err := c.set(&p.row, value, &p.days); err != nil {
				return wrong(p.lines.n, c.name, err.Error())
			}
		}
	}
	p.rows++
	for i := range p.sums {
		t := &p.layout.totals[i]
		sum, ok := p.sums[i].plus(t.add(&p.row))
		if !ok {
			return wrong(p.lines.n, t.of, "the sum up to here is beyond all measure")
		}
		p.sums[i] = sum
	}
	p.see()
	return nil
}

// keep keeps a value that has no place.
func (p *parser[R]) keep(name, value string) {
	other := p.layout.other(&p.row)
	if *other == nil {
		*other = make(map[string]string)
	}
	(*other)[name] = value
}

// split splits a line into as many values as there is place for. The value at free, if it is not
// negative, takes what is too much.
func (p *parser[R]) split(line string, values []string, free int) error {
	n := 0
	if line[0] == '`' {
		n = splitAtBackticks(line[1:], values)
	}
	if n > len(values) && free >= 0 && splitAround(line[1:], values, free) {
		return nil
	}
	if n != len(values) && p.layout.loose {
		n = splitAtCommas(line, values)
	}
	switch {
	case line[0] != '`' && !p.layout.loose:
		return wrong(p.lines.n, "", "it does not begin with a backtick")
	case n > len(values):
		return wrong(p.lines.n, "", fmt.Sprintf("it has more than the %d values that the heading names", len(values)))
	case n < len(values):
		return wrong(p.lines.n, "", fmt.Sprintf("it has %d values, the heading names %d: something is missing", n, len(values)))
	}
	return nil
}

// splitAtBackticks splits at each comma that a backtick follows, since values may hold either. It
// returns how many values there are, or one more than there is place for.
func splitAtBackticks(line string, values []string) (n int) {
	start := 0
	for i := 1; i < len(line); i++ {
		if line[i] != '`' || line[i-1] != ',' {
			continue
		}
		if n == len(values) {
			return n + 1
		}
		values[n], start = line[start:i-1], i+1
		n++
	}
	if n < len(values) {
		values[n] = line[start:]
	}
	return n + 1
}

// splitAround splits a line that has too many values, all of which but one come from WeChat Pay.
// Else whoever writes that one, such as the reason of a refund, could make a day unreadable. It
// tells whether what follows it is such that it cannot be a part of it.
func splitAround(line string, values []string, free int) bool {
	parts := strings.Split(line, ",`")
	rest := len(parts) - (len(values) - free - 1)
	copy(values, parts[:free])
	values[free] = strings.Join(parts[free:rest], ",`")
	copy(values[free+1:], parts[rest:])
	for _, value := range values[free+1:] {
		if strings.ContainsAny(value, ",` ") {
			return false
		}
	}
	return true
}

// splitAtCommas splits where some values lack their backtick. None may hold a comma then.
func splitAtCommas(line string, values []string) (n int) {
	for value := range strings.SplitSeq(line, ",") {
		if n == len(values) {
			return n + 1
		}
		values[n] = strings.TrimPrefix(value, "`")
		n++
	}
	return n
}
