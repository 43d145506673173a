package webhook_test

import (
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/webhook"
)

type state string

func TestNewsMoveAThingOnlyForward(t *testing.T) {
	t.Parallel()
	p := webhook.Progress[state]{{"CREATED"}, {"DOING"}, {"DONE", "REVOKED"}}
	early, late := now, now.Add(time.Second)
	tests := map[string]struct {
		stored   state
		storedAt time.Time
		news     state
		newsAt   time.Time
		want     bool
	}{
		"the first news": {"", time.Time{}, "DOING", early, true},
		"the first news, of a state that is not known": {"", time.Time{}, "NEW", early, true},
		"the next state":                    {"CREATED", early, "DOING", late, true},
		"a state far ahead":                 {"CREATED", early, "DONE", late, true},
		"a state ahead, of an earlier time": {"DOING", late, "DONE", early, true},
		"a state ahead, of no time":         {"DOING", late, "DONE", time.Time{}, true},
		"a state behind":                    {"DONE", early, "DOING", early, false},
		"a state behind, of a later time":   {"DONE", early, "DOING", late, false},
		"the same again":                    {"DOING", early, "DOING", early, false},
		"the same, later":                   {"DOING", early, "DOING", late, true},
		"the same, earlier":                 {"DOING", late, "DOING", early, false},
		"the same, of no time":              {"DOING", early, "DOING", time.Time{}, false},
		"the end again, later":              {"DONE", early, "DONE", late, true},
		"another end":                       {"DONE", early, "REVOKED", late, false},
		"an end and what is not known":      {"DONE", early, "NEW", late, false},
		"what is not known, later":          {"DOING", early, "NEW", late, true},
		"what is not known, earlier":        {"DOING", late, "NEW", early, false},
		"after what is not known, later":    {"NEW", early, "DOING", late, true},
		"after what is not known, earlier":  {"NEW", late, "DONE", early, false},
	}
	for name, tt := range tests {
		if got := p.Moves(tt.stored, tt.storedAt, tt.news, tt.newsAt); got != tt.want {
			t.Errorf("%s: moves %v, want %v", name, got, tt.want)
		}
	}
	if webhook.Progress[state](nil).Moves("A", early, "B", early) || !webhook.Progress[state](nil).Moves("A", early, "B", late) {
		t.Error("where no state is known the later time decides")
	}
}
