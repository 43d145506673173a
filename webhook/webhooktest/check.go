package webhooktest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// Check sends the handler what WeChat Pay sends, and what it never would, and reports case by case what
// came of it: which lies it believed, which truths it lost, and whether money moved twice. A handler that
// panics, hangs or answers too late fails the case, which goes no further.
//
// The error is about the Subject: it is not complete, its Event cannot be signed, or its Moved or Break
// failed; or ctx has ended. Then the Report, unless it is nil, has what was found until then. What the handler
// did wrong is [Report.Err].
//
// A notification that is sent again after five minutes is refused for its age, as the stale one is: to show
// that no test has to wait.
func Check(ctx context.Context, s Subject) (*Report, error) {
	c, err := newChecker(s)
	if err != nil {
		return nil, fmt.Errorf("webhooktest: %w", err)
	}
	if s.Client == nil {
		defer c.client.CloseIdleConnections()
	}
	report := &Report{Event: c.eventType}
	for _, s := range scenarios {
		if s.sent.of(c) == "" {
			continue
		}
		result := Case{Name: s.name, Sent: s.sent.of(c), Verdict: NotTried}
		switch {
		case c.err != nil:
			result.Reason = "the check ended before"
		case c.control == nil && len(report.Cases) > 0:
			result.Reason = "what a handler does means nothing if it does not take what is true"
		case s.untried != nil && s.untried(c) != "":
			result.Reason = s.untried(c)
		default:
			c.try(ctx, s, &result)
		}
		report.Cases = append(report.Cases, result)
	}
	if c.err != nil {
		return report, fmt.Errorf("webhooktest: %w", c.err)
	}
	return report, nil
}

// checker is a Subject under check.
type checker struct {
	Subject
	client    *http.Client
	url       string
	v2        bool
	sealed    bool // in req_info, which is not signed
	eventType string

	sample  any     // the first event
	control *answer // to a true notification, nil if that was not taken
	err     error   // ends the check
}

func newChecker(s Subject) (*checker, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	c := &checker{Subject: s, client: s.client(), url: s.address(), sample: s.Event()}
	var d draft
	signed, err := s.Sender.sign(c.sample, []SignOption{func(made *draft) { d = *made }})
	if err != nil {
		return nil, fmt.Errorf("the Subject's Event: %w", err)
	}
	c.eventType = d.eventType
	if message, err := xmlv2.Decode(signed.Body, xmlv2.Limits{Bytes: len(signed.Body)}); err == nil {
		c.v2, c.sealed, c.eventType = true, message.Get("sign") == "", d.eventType+" of APIv2"
	}
	return c, nil
}

// try runs one scenario and tells of it in result.
func (c *checker) try(ctx context.Context, s scenario, result *Case) {
	t := &trial{checker: c, ctx: ctx, advice: s.advice.of(c)}
	s.run(t)
	result.Answer, result.Moved, result.Believed, result.Twice = strings.Join(t.answers, ", "), t.moved, t.believed, t.twice
	switch {
	case c.err != nil:
		result.Reason = "the check ended meanwhile"
	case len(t.faults) > 0:
		result.Verdict, result.Reason = Failed, strings.Join(t.faults, "; ")+". "+t.advice
	default:
		result.Verdict = Passed
	}
}

// trial is a scenario under way. After its first fault it does nothing more.
type trial struct {
	*checker
	ctx    context.Context
	advice string // what to do about a fault

	answers         []string
	moved           int64
	faults          []string
	believed, twice bool
}

// want is what has to become of what is sent.
type want int

const (
	taken    want = iota // answered as a success; of several at once, one is enough
	answered             // answered in time
	undone               // answered as a failure, because it could not be done
	refused              // answered as a failure, because it is a lie
	dropped              // likewise, or the connection is cut
	harmless             // answered in time; it is a lie if it moves money
)

// send brings parcels at once, of which w has to become and so much money has to move.
func (t *trial) send(w want, money int64, parcels ...parcel) []answer {
	if t.over() {
		return nil
	}
	before := t.count()
	answers := t.post(parcels)
	t.wait(t.Settle)
	moved := t.count() - before
	if t.over() {
		return nil
	}
	t.answers = append(t.answers, summary(answers))
	t.moved += moved
	t.judge(w, money, moved, answers)
	return answers
}

// over tells that there is nothing more to do.
func (t *trial) over() bool {
	if t.err == nil && t.ctx.Err() != nil {
		t.err = t.ctx.Err()
	}
	return t.err != nil || len(t.faults) > 0
}

func (t *trial) count() int64 {
	if t.err != nil {
		return 0
	}
	moved, err := t.Moved(t.ctx)
	if err != nil {
		t.err = fmt.Errorf("the Subject's Moved: %w", err)
	}
	return moved
}

func (t *trial) wait(d time.Duration) {
	if d == 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-t.ctx.Done():
	}
}

// post brings all parcels at the same time.
func (t *trial) post(parcels []parcel) []answer {
	answers := make([]answer, len(parcels))
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i, p := range parcels {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			answers[i] = t.checker.post(t.ctx, p)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return answers
}

// judge notes what is wrong.
func (t *trial) judge(w want, money, moved int64, answers []answer) {
	for _, a := range answers {
		if _, panicked := a.err.(errPanic); panicked {
			t.fault("%v", a.err)
			break
		}
	}
	switch {
	case moved == money:
	case money == 0:
		t.fault("it moved %d fen, and should have moved nothing", moved)
	case moved == 0:
		t.fault("it moved nothing, and should have moved %d fen", money)
	default:
		t.fault("it moved %d fen, and should have moved %d", moved, money)
	}
	wrong := slices.DeleteFunc(slices.Clone(answers), func(a answer) bool { return t.fits(w, a) })
	t.twice = w <= answered && moved-money >= t.Amount
	t.believed = w >= refused && (moved != 0 || slices.ContainsFunc(wrong, t.accepts))
	if len(wrong) == 0 || w == taken && len(wrong) < len(answers) {
		return
	}
	t.fault("%s", t.complaint(w, wrong[0]))
}

func (t *trial) fault(format string, args ...any) {
	t.faults = append(t.faults, fmt.Sprintf(format, args...))
}

// accepts tells that the handler takes a for a success. If WeChat Pay does not, that is a fault of its
// own, which is told once.
func (t *trial) accepts(a answer) bool {
	return a.taken || t.control != nil && !t.control.taken && a.err == nil && !a.late && a.status == t.control.status
}

// fits tells that a is what w wants.
func (t *trial) fits(w want, a answer) bool {
	_, panicked := a.err.(errPanic)
	cut := a.err != nil && !panicked && !errors.Is(a.err, context.DeadlineExceeded)
	switch {
	case w == dropped && cut:
		return true
	case a.err != nil || a.late:
		return false
	case w == taken:
		return t.accepts(a)
	case w == answered || w == harmless:
		return true
	case t.v2:
		return !a.taken // whatever else it says
	}
	return a.status >= http.StatusBadRequest
}

// complaint tells what is wrong about a.
func (t *trial) complaint(w want, a answer) string {
	_, panicked := a.err.(errPanic)
	switch {
	case a.late:
		return "it did not answer within 5 seconds, and WeChat Pay does not wait longer"
	case panicked:
		return "it did not answer"
	case a.err != nil:
		return fmt.Sprintf("it did not answer: %v", a.err)
	case w == taken:
		return fmt.Sprintf("it answered %s, and WeChat Pay sends again what was true", a.text)
	case w == undone:
		return fmt.Sprintf("it answered %s to what it could not do, and WeChat Pay never sends it again", a.text)
	case t.accepts(a):
		return fmt.Sprintf("it answered %s, as if it had believed it", a.text)
	}
	return fmt.Sprintf("it answered %s, which is no refusal: 4xx or 5xx is", a.text)
}

// summary is answers in a few words, each once.
func summary(answers []answer) string {
	var texts, parts []string
	for _, a := range answers {
		texts = append(texts, a.text)
	}
	if len(texts) == 1 {
		return texts[0]
	}
	slices.Sort(texts)
	for len(texts) > 0 {
		n := slices.IndexFunc(texts, func(text string) bool { return text != texts[0] })
		if n < 0 {
			n = len(texts)
		}
		parts, texts = append(parts, fmt.Sprintf("%d × %s", n, texts[0])), texts[n:]
	}
	return strings.Join(parts, " and ")
}

// sign is a parcel with event.
func (t *trial) sign(event any, opts ...SignOption) (p parcel) {
	if t.over() {
		return p
	}
	d, err := t.Sender.sign(event, opts)
	if err != nil {
		t.err = fmt.Errorf("an event of the Subject's: %w", err)
	}
	return parcel{Delivery: d}
}

// fresh is a parcel with a true event about an order that nothing was told of yet.
func (t *trial) fresh(opts ...SignOption) parcel { return t.sign(t.event(), opts...) }

func (t *trial) event() any {
	if t.over() {
		return t.sample
	}
	return t.Event()
}

// change is p with something done to it that may fail.
func (t *trial) change(p parcel, change func(Delivery) (Delivery, error)) parcel {
	if t.over() {
		return p
	}
	var err error
	if p.Delivery, err = change(p.Delivery); err != nil {
		t.err = err
	}
	return p
}
