package webhooktest

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Verdict is how a case ended.
type Verdict string

const (
	Passed   Verdict = "passed"
	Failed   Verdict = "failed"
	NotTried Verdict = "not_tried" // for want of something in the [Subject], or because a true notification was not taken
)

// Case is one thing that was tried. Nothing in it quotes what was sent or answered.
type Case struct {
	Name     string  `json:"name"`
	Sent     string  `json:"sent"`             // what was sent
	Answer   string  `json:"answer,omitempty"` // what the handler answered: a status, of APIv2 with its return_code
	Moved    int64   `json:"moved"`            // how much money moved, in fen
	Believed bool    `json:"believed"`         // a lie was answered with success, or moved money
	Twice    bool    `json:"twice"`            // money moved again
	Verdict  Verdict `json:"verdict"`
	Reason   string  `json:"reason,omitempty"` // why it failed and what to do, or why it was not tried
}

// Report is what [Check] found. It marshals to JSON.
type Report struct {
	Event string `json:"event"` // the type of the events that were sent
	Cases []Case `json:"cases"`
}

// names are those of the cases that are.
func (r *Report) names(are func(Case) bool) (names []string) {
	for _, c := range r.Cases {
		if are(c) {
			names = append(names, c.Name)
		}
	}
	return names
}

func ended(v Verdict) func(Case) bool { return func(c Case) bool { return c.Verdict == v } }

// Err sums up what the handler did wrong, nil if that is nothing. Cases that were not tried are no fault.
func (r *Report) Err() error {
	failed := r.names(ended(Failed))
	if len(failed) == 0 {
		return nil
	}
	return errors.New("webhooktest: " + strings.Join(append(r.gravest(), "the handler failed "+strings.Join(failed, ", ")), "; "))
}

// gravest is what has to be read first.
func (r *Report) gravest() (lines []string) {
	if r.inconclusive() {
		lines = append(lines, "nothing can be concluded: the handler does not take what is true")
	}
	if believed := r.names(func(c Case) bool { return c.Believed }); len(believed) > 0 {
		lines = append(lines, "it believed: "+strings.Join(believed, ", "))
	}
	if twice := r.names(func(c Case) bool { return c.Twice }); len(twice) > 0 {
		lines = append(lines, "money moved twice: "+strings.Join(twice, ", "))
	}
	return lines
}

func (r *Report) inconclusive() bool { return len(r.Cases) > 0 && r.Cases[0].Verdict == Failed }

// String is the report as a table, what matters first.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d passed, %d failed, %d not tried\n", r.Event,
		len(r.names(ended(Passed))), len(r.names(ended(Failed))), len(r.names(ended(NotTried))))
	for _, line := range r.gravest() {
		b.WriteString(line + "\n")
	}
	cases := r.Cases
	if r.inconclusive() {
		cases = cases[:1]
	}
	name, answer := 0, len("answer")
	for _, c := range cases {
		name, answer = max(name, utf8.RuneCountInString(c.Name)), max(answer, utf8.RuneCountInString(c.Answer))
	}
	fmt.Fprintf(&b, "\n%-9s  %-*s  %-*s   moved\n", "", name, "case", answer, "answer")
	for _, c := range cases {
		verdict := map[Verdict]string{Passed: "passed", Failed: "FAILED", NotTried: "not tried"}[c.Verdict]
		if c.Verdict == NotTried {
			fmt.Fprintf(&b, "%-9s  %-*s  %s\n", verdict, name, c.Name, c.Reason)
			continue
		}
		fmt.Fprintf(&b, "%-9s  %-*s  %-*s  %6d\n", verdict, name, c.Name, answer, c.Answer, c.Moved)
		if c.Verdict == Failed {
			fmt.Fprintf(&b, "%-9s  sent: %s\n%-9s  %s\n", "", c.Sent, "", c.Reason)
		}
	}
	return b.String()
}
