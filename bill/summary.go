package bill

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// readSummary reads from the headings of the summary to the end of the file.
func (p *parser[R]) readSummary(line string) error {
	names, err := p.headings(line)
	if err != nil {
		return err
	}
	if !p.knows(names) {
		return wrong(p.lines.n, "", "it is neither a row nor the headings of a summary")
	}
	values := make([]string, len(names))
	read := false
	for {
		line, err := p.lines.next()
		if err == io.EOF && read {
			return p.end(names)
		}
		if err == io.EOF {
			return wrong(p.lines.n, "", "the summary has headings only: something is missing")
		}
		if err != nil {
			return p.broken(err)
		}
		if read && !p.layout.many {
			return wrong(p.lines.n, "", "something follows the summary")
		}
		if err := p.split(line, values, -1); err != nil {
			return err
		}
		read = true
		if err := p.hear(names, values); err != nil {
			return err
		}
	}
}

// knows tells whether these may be the headings of a summary. Where its columns are documented, the
// count that it needs tells.
func (p *parser[R]) knows(names []string) bool {
	return p.layout.words == nil || slices.ContainsFunc(p.layout.words, func(word string) bool {
		return strings.Contains(strings.ToLower(strings.Join(names, ",")), word)
	})
}

// claim is what the summary says of a total.
type claim struct {
	amount Amount
	line   int // the last one that does; 0 if there is none
}

// hear takes what a line of the summary says.
func (p *parser[R]) hear(names, values []string) error {
	told := make([]Total, len(names))
	for i, name := range names {
		told[i] = Total{Name: name, Text: values[i]}
	}
	for i := range p.layout.totals {
		t, n := &p.layout.totals[i], p.lines.n
		at := find(names, t.name, t.aliases, true)
		switch {
		case len(at) > 1:
			return wrong(n, t.name, "it is there twice")
		case len(at) == 0 && t.must:
			return wrong(n, t.name, "it is missing in the summary")
		case len(at) == 0 || !p.has(t.of) && placeholder(values[at[0]]):
			continue
		}
		amount, err := ParseAmount(values[at[0]])
		switch {
		case err != nil:
			return wrong(n, t.name, err.Error())
		case !p.has(t.of) && amount != 0:
			return wrong(n, t.name, "column "+t.of+" is missing, but the summary totals it")
		case !p.has(t.of):
			continue
		}
		sum, ok := p.said[i].amount.plus(amount)
		if !ok {
			return wrong(n, t.name, "the sum up to here is beyond all measure")
		}
		p.said[i] = claim{sum, n}
		told[at[0]].Name, told[at[0]].Checked = t.name, true
	}
	p.summary.Totals = append(p.summary.Totals, told...)
	return nil
}

// compare compares what the summary says with the rows.
func (p *parser[R]) compare() error {
	for i, said := range p.said {
		if t := &p.layout.totals[i]; said.line > 0 && said.amount != p.sums[i] {
			return wrong(said.line, t.name, fmt.Sprintf("the summary says %s, the rows come to %s", t.text(said.amount), t.text(p.sums[i])))
		}
	}
	return nil
}

// has tells whether the file has a column; "" is always there.
func (p *parser[R]) has(name string) bool {
	return name == "" || slices.ContainsFunc(p.plan, func(c *column[R]) bool { return c != nil && c.name == name })
}

// end is the end of the file, after a summary with these headings or without one.
func (p *parser[R]) end(summary []string) error {
	if summary == nil && p.layout.summary {
		return wrong(p.lines.n, "", "the bill ends here, without a summary: it was cut off")
	}
	if err := p.compare(); err != nil {
		return err
	}
	p.summary.Rows = p.rows
	return p.asked.answered(p.rows)
}
