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
			return nil, damage(l.n+1, "", fmt.Sprintf("it has more than %d bytes: this is not a bill", maxLine))
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
}

func newParser[R any](l layout[R], file io.Reader) *parser[R] {
	return &parser[R]{layout: l, lines: lines{from: bufio.NewReaderSize(file, 64<<10)}, sums: make([]Amount, len(l.totals))}
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
	if _, known := err.(*fault); known {
		return err
	}
	return fmt.Errorf("after line %d: %w", p.lines.n, err)
}

// readHeading makes the plan of which value goes where.
func (p *parser[R]) readHeading() error {
	line, err := p.lines.next()
	if err == io.EOF {
		return damage(1, "", "the file is empty")
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
		at := find(p.names, c.name, c.aliases)
		switch {
		case len(at) > 1:
			return damage(p.lines.n, c.name, "it is there twice")
		case len(at) == 1:
			p.plan[at[0]] = c
		case c.must:
			return damage(p.lines.n, c.name, "it is missing: this is a bill of another kind, or none")
		}
	}
	return nil
}

// headings are the names in a line of headings.
func (p *parser[R]) headings(line string) ([]string, error) {
	if strings.Count(line, ",") >= maxColumns {
		return nil, damage(p.lines.n, "", fmt.Sprintf("it has more than %d columns: this is not a bill", maxColumns))
	}
	names := strings.Split(line, ",")
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name == "" || seen[name] {
			return nil, damage(p.lines.n, "", fmt.Sprintf("heading %d is empty, or there twice", i+1))
		}
		seen[name], names[i] = true, name
	}
	return names, nil
}

// find tells where names has name or one of its aliases.
func find(names []string, name string, aliases []string) (at []int) {
	for i, have := range names {
		if have == name || slices.Contains(aliases, have) {
			at = append(at, i)
		}
	}
	return at
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
	if err := p.split(line, p.values); err != nil {
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
		default:
			if err := c.set(&p.row, value, &p.days); err != nil {
				return damage(p.lines.n, c.name, err.Error())
			}
		}
	}
	p.rows++
	for i := range p.sums {
		t := &p.layout.totals[i]
		sum, ok := p.sums[i].plus(t.add(&p.row))
		if !ok {
			return damage(p.lines.n, t.of, "the sum up to here is beyond all measure")
		}
		p.sums[i] = sum
	}
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

// split splits a line into as many values as there is place for.
func (p *parser[R]) split(line string, values []string) error {
	n := 0
	if line[0] == '`' {
		n = splitAtBackticks(line[1:], values)
	}
	if n != len(values) && p.layout.loose {
		n = splitAtCommas(line, values)
	}
	switch {
	case line[0] != '`' && !p.layout.loose:
		return damage(p.lines.n, "", "it does not begin with a backtick")
	case n > len(values):
		return damage(p.lines.n, "", fmt.Sprintf("it has more than the %d values that the heading names", len(values)))
	case n < len(values):
		return damage(p.lines.n, "", fmt.Sprintf("it has %d values, the heading names %d: something is missing", n, len(values)))
	}
	return nil
}

// splitAtBackticks splits at each comma that a backtick follows, since values may hold either. It
// returns how many values there are, or one more than there is place for.
func splitAtBackticks(line string, values []string) (n int) {
	start := 0
	for i := 0; n < len(values); n++ {
		for {
			next := strings.IndexByte(line[i:], '`')
			if next < 0 {
				values[n] = line[start:]
				return n + 1
			}
			i += next + 1
			if i >= 2 && line[i-2] == ',' {
				break
			}
		}
		values[n], start = line[start:i-2], i
	}
	return n + 1
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

// readSummary reads from the headings of the summary to the end of the file.
func (p *parser[R]) readSummary(line string) error {
	names, err := p.headings(line)
	if err != nil {
		return err
	}
	values := make([]string, len(names))
	read := false
	for {
		line, err := p.lines.next()
		if err == io.EOF && read {
			return p.end(names)
		}
		if err == io.EOF {
			return damage(p.lines.n, "", "the summary has headings only: something is missing")
		}
		if err != nil {
			return p.broken(err)
		}
		if read && !p.layout.many {
			return damage(p.lines.n, "", "something follows the summary")
		}
		if err := p.split(line, values); err != nil {
			return err
		}
		read = true
		if err := p.compare(names, values); err != nil {
			return err
		}
	}
}

// compare compares a line of the summary with the rows.
func (p *parser[R]) compare(names, values []string) error {
	told := make([]Total, len(names))
	for i, name := range names {
		told[i] = Total{Name: name, Text: values[i]}
	}
	for i, t := range p.layout.totals {
		at := find(names, t.name, t.aliases)
		switch {
		case len(at) > 1:
			return damage(p.lines.n, t.name, "it is there twice")
		case len(at) == 0 && t.must:
			return damage(p.lines.n, t.name, "it is missing in the summary")
		case len(at) == 0 || !p.has(t.of):
			continue
		}
		said, err := ParseAmount(values[at[0]])
		if err != nil {
			return damage(p.lines.n, t.name, err.Error())
		}
		if said != p.sums[i] {
			return damage(p.lines.n, t.name, fmt.Sprintf("the summary says %v, the rows come to %v", said, p.sums[i]))
		}
		told[at[0]].Name, told[at[0]].Checked = t.name, true
	}
	p.summary.Totals = append(p.summary.Totals, told...)
	return nil
}

// has tells whether the file has a column; "" is always there.
func (p *parser[R]) has(name string) bool {
	return name == "" || slices.ContainsFunc(p.plan, func(c *column[R]) bool { return c != nil && c.name == name })
}

// end is the end of the file, after a summary with these headings or without one.
func (p *parser[R]) end(summary []string) error {
	if summary == nil && p.layout.summary {
		return damage(p.lines.n, "", "the bill ends here, without a summary: it was cut off")
	}
	p.summary.Rows = p.rows
	return nil
}
