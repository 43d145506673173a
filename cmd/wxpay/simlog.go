package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// requestLog prints the simulator's records for people: each request is one line of w that tells
// method, path and status, and each check that refused one is a line of why that tells what it found.
type requestLog struct {
	mu     sync.Mutex
	w, why io.Writer
}

var _ slog.Handler = (*requestLog)(nil)

// Enabled is true for what is worth reading.
func (l *requestLog) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle prints one record.
func (l *requestLog) Handle(_ context.Context, r slog.Record) error {
	line := r.Time.Format("15:04:05")
	if r.Message != "request" {
		line += " " + r.Message
	}
	var findings []string // each with what came before it
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case r.Message != "request":
			line += fmt.Sprintf(" %s=%q", a.Key, a.Value)
		case a.Key == "request_id":
		case a.Key == "refused_by":
			line += " by " + a.Value.String()
		case a.Key == "finding":
			findings = append(findings, line+": "+a.Value.String())
		default:
			line += " " + a.Value.String()
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := fmt.Fprintln(l.w, harmless(line))
	for _, finding := range findings {
		_, failed := fmt.Fprintln(l.why, harmless(finding))
		err = errors.Join(err, failed)
	}
	return err
}

// WithAttrs and WithGroup are not used by the simulator.
func (l *requestLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup is like WithAttrs.
func (l *requestLog) WithGroup(string) slog.Handler { return l }
