package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
)

// wantsColour is true for a terminal, unless its user says no (https://no-color.org).
func wantsColour(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Colours of a terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	bold   = "1"
	faint  = "2"
)

// paper is what is printed for people on.
type paper struct {
	w      io.Writer
	colour bool
}

func newPaper(w io.Writer) paper { return paper{w, wantsColour(w)} }

func (p paper) paint(colour, text string) string {
	if !p.colour || colour == "" || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// line prints a line. What strangers sent, the caller makes [harmless] first.
func (p paper) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// done prints that something was done.
func (p paper) done(format string, args ...any) {
	p.line("%s %s", p.paint(green, "✓"), fmt.Sprintf(format, args...))
}

// cell is a field of a table.
type cell struct{ text, colour string }

// table prints rows under names, in columns as wide as they have to be. The last column is as
// long as it is.
func (p paper) table(names []string, rows [][]cell) {
	head := make([]cell, len(names))
	for i, name := range names {
		head[i] = cell{name, faint}
	}
	rows = append([][]cell{head}, rows...)
	p.align("", rows)
}

// pairs prints names with values, one a line. Those that are empty are left out.
func (p paper) pairs(indent string, all ...string) {
	var rows [][]cell
	for i := 0; i < len(all); i += 2 {
		if all[i+1] != "" {
			rows = append(rows, []cell{{all[i], faint}, {all[i+1], ""}})
		}
	}
	p.align(indent, rows)
}

// align aligns rows. A tabwriter would count colours, and Chinese as half as wide as it is.
func (p paper) align(indent string, rows [][]cell) {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(harmless(c.text)))
		}
	}
	for _, row := range rows {
		line := indent
		for i, c := range row {
			text := harmless(c.text)
			line += p.paint(c.colour, text)
			if i < len(row)-1 {
				line += strings.Repeat(" ", widths[i]-columns(text)+2)
			}
		}
		p.line("%s", strings.TrimRight(line, " "))
	}
}

// columns is how wide a terminal shows a text: Chinese is twice as wide.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n++
		if unicode.Is(unicode.Han, r) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xff60 {
			n++
		}
	}
	return n
}

// harmless is a text that does not move the cursor of a terminal, whoever sent it.
func harmless(text string) string { return strings.Map(printable, text) }

// printable keeps what a stranger sent from moving the cursor of a terminal.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return unicode.ReplacementChar
	}
	return r
}

// printJSON prints v for a machine, on a line of its own.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// local is a time as people of this machine read it.
func local(t time.Time) string { return t.Local().Format(time.DateTime) }
