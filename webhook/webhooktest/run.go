package webhooktest

import "context"

// T is the part of *testing.T that [Run] needs, so that a command that checks does not link package testing.
type T[Self any] interface {
	Helper()
	Context() context.Context
	Run(name string, f func(Self)) bool
	Error(args ...any)
	Skip(args ...any)
	Fatal(args ...any)
}

// Run is [Check] in a test: t is a *testing.T, of which every case is a subtest. What was not tried is
// skipped.
func Run[Self T[Self]](t Self, s Subject) {
	t.Helper()
	report, err := Check(t.Context(), s)
	if report != nil {
		for _, c := range report.Cases {
			t.Run(c.Name, func(t Self) {
				t.Helper()
				switch c.Verdict {
				case Failed:
					t.Error("sent: " + c.Sent + "\n" + c.Reason)
				case NotTried:
					t.Skip(c.Reason)
				}
			})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
