package webhooktest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/webhook"
	"github.com/openwechatpay/wechatpay/webhook/webhooktest"
)

var _ webhooktest.T[*testing.T] = (*testing.T)(nil)

// recorder is a test that notes what becomes of it.
type recorder struct {
	name  string
	ctx   context.Context
	ended *[]string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Error(args ...any)        { r.end("failed", args) }
func (r *recorder) Skip(args ...any)         { r.end("skipped", args) }
func (r *recorder) Fatal(args ...any)        { r.end("ended", args) }

func (r *recorder) end(how string, args []any) {
	*r.ended = append(*r.ended, fmt.Sprint(r.name, " ", how, ": ", fmt.Sprint(args...)))
}

func (r *recorder) Run(name string, f func(*recorder)) bool {
	before := len(*r.ended)
	f(&recorder{name: name, ctx: r.ctx, ended: r.ended})
	if len(*r.ended) == before {
		*r.ended = append(*r.ended, name+" passed")
	}
	return true
}

// ran is what became of the subtests of Run.
func ran(t *testing.T, s webhooktest.Subject) (ended []string) {
	t.Helper()
	webhooktest.Run(&recorder{name: "it", ctx: t.Context(), ended: &ended}, s)
	return ended
}

func TestRunMakesEveryCaseASubtest(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.trusting = true
	subject := s.subjectV2(t, nil)
	ended := ran(t, subject)
	for _, want := range []string{"true notification passed", "wrong amount failed: sent: a true one about another amount", "moved nothing. Compare", "reordered skipped: the Subject has no Earlier"} {
		if !slices.ContainsFunc(ended, func(e string) bool { return strings.Contains(e, want) }) {
			t.Errorf("nothing says %q of\n%s", want, strings.Join(ended, "\n"))
		}
	}
	if len(ended) != 17 {
		t.Errorf("there are %d subtests", len(ended))
	}
}

func TestRunFailsWithWhatIsWrongAboutTheSubject(t *testing.T) {
	t.Parallel()
	if ended := ran(t, webhooktest.Subject{}); len(ended) != 1 || !strings.HasPrefix(ended[0], "it ended: webhooktest: the Subject has no Sender") {
		t.Errorf("without a subject it ended with %q", ended)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var ended []string
	subject := newShop(t).subject(t, when(unsigned, func(w http.ResponseWriter, _ *http.Request) { cancel() }))
	webhooktest.Run(&recorder{name: "it", ctx: ctx, ended: &ended}, subject)
	if len(ended) != 26 || !strings.Contains(ended[25], "it ended: webhooktest: context canceled") || !strings.Contains(ended[24], "skipped: the check ended before") {
		t.Errorf("it ended with %q", ended)
	}
}

// TestRun is what a user's test looks like.
func TestRun(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.rest = func(*shop, *webhook.Notification) error { return nil }
	webhooktest.Run(t, s.subject(t, nil))
}
