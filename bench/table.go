package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is what a measurement found.
type table struct {
	title string
	says  string // what was compared with what
	head  []string
	rows  []row
}

type row struct {
	name  string
	cells []cell
	goals []goal
}

// goal is what a row is to reach.
type goal struct {
	text   string // with whether it is met
	met    bool
	budget bool // of a number that no machine changes, so that the tests hold it
}

func (g goal) asBudget() goal {
	g.budget = true
	return g
}

// cell is a figure, or why there is none.
type cell struct {
	value  float64
	spread *spread // shown behind it, if there is one
	digits int
	none   string
}

func figure(value float64, digits int) cell { return cell{value: value, digits: digits} }

// micros is a time in microseconds.
func micros(nanoseconds float64) cell { return figure(nanoseconds/1e3, 1) }

// between shows the spread behind the median.
func between(s spread) cell { return cell{value: s.median, spread: &s, digits: 3} }

func nothing(why string) cell { return cell{none: why} }

func (c cell) String() string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', c.digits, 64) }
	switch {
	case c.none != "":
		return c.none
	case c.spread != nil:
		return number(c.value) + " (" + number(c.spread.low) + "–" + number(c.spread.high) + ")"
	}
	return number(c.value)
}

// found tells whether c is a figure.
func (c cell) found() bool {
	return c.none == "" && !math.IsNaN(c.value) && !math.IsInf(c.value, 0)
}

func atMost(value, limit float64, unit string) goal {
	return judged("≤", limit, limit-value, unit)
}

func atLeast(value, limit float64, unit string) goal {
	return judged("≥", limit, value-limit, unit)
}

// judged says whether a goal is met, and if not by how much it is missed.
func judged(sign string, limit, room float64, unit string) goal {
	digits := 0
	if limit != math.Trunc(limit) {
		digits = 2
	}
	text := fmt.Sprintf("%s %.*f%s: ", sign, digits, limit, unit)
	if room >= 0 {
		return goal{text: text + "met", met: true}
	}
	return goal{text: text + fmt.Sprintf("missed by %.2g%s", -room, unit)}
}

func (t table) lines() [][]string {
	lines := [][]string{append([]string{""}, t.head...)}
	goals := false
	for _, r := range t.rows {
		goals = goals || len(r.goals) > 0
	}
	if goals {
		lines[0] = append(lines[0], "goal")
	}
	for _, r := range t.rows {
		line := []string{r.name}
		for _, c := range r.cells {
			line = append(line, c.String())
		}
		if goals {
			var texts []string
			for _, g := range r.goals {
				texts = append(texts, g.text)
			}
			line = append(line, strings.Join(texts, ", "))
		}
		lines = append(lines, line)
	}
	return lines
}

func (t table) print(w io.Writer, markdown bool) error {
	var b strings.Builder
	if markdown {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", t.title, t.says)
		for i, line := range t.lines() {
			b.WriteString("| " + strings.Join(line, " | ") + " |\n")
			if i == 0 {
				b.WriteString("| ---" + strings.Repeat(" | ---", len(line)-1) + " |\n")
			}
		}
	} else {
		fmt.Fprintf(&b, "\n%s\n%s\n\n", strings.ToUpper(t.title), t.says)
		t.align(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// align counts characters, of which text/tabwriter would count some twice.
func (t table) align(b *strings.Builder) {
	lines := t.lines()
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	for _, line := range lines {
		var text strings.Builder
		for i, cell := range line {
			text.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
}
