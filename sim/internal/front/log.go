package front

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
)

// Exchange is one request with its answer, and what each check said.
type Exchange struct {
	ID     int       `json:"id"`
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Target string    `json:"target"`
	Host   string    `json:"host"`

	Listener string `json:"listener,omitempty"` // the host that the listener stands for, "" if it has no name

	Header  http.Header `json:"header"`
	Secrets []string    `json:"secrets,omitempty"` // which headers a real merchant would show nobody
	Body    []byte      `json:"body"`

	Operation  string  `json:"operation"`   // "" if none was found
	MchID      string  `json:"mchid"`       // who signed it, "" if nobody did
	SignedText []byte  `json:"signed_text"` // the text that the gateway expected to be signed
	Checks     []Check `json:"checks"`

	Diagnosis []doctor.Finding `json:"diagnosis,omitempty"` // the mistakes that explain a signature which does not match

	Status       int           `json:"status"`
	AnswerHeader http.Header   `json:"answer_header"`
	Answer       []byte        `json:"answer"`
	Took         time.Duration `json:"took"`

	began time.Time
	gone  <-chan struct{} // is closed when nobody waits for the answer any more

	scheme string          // by which it was signed, "" if by none
	upload *mapping.Upload // what Body is, where the operation takes a file
}

// Explain tells in a few lines what was asked and which check refused it.
func (x *Exchange) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "request %d: %s %s was answered %d\n", x.ID, x.Method, x.Target, x.Status)
	if len(x.Body) > 0 {
		fmt.Fprintf(&b, "  body: %.2000s\n", x.Body)
	}
	for _, check := range x.Checks {
		if !check.Passed {
			fmt.Fprintf(&b, "  %s: %s %s\n", check.Name, check.Finding, check.Basis)
		}
	}
	for _, finding := range x.Diagnosis {
		if finding.Difference != "" {
			fmt.Fprintf(&b, "  %s: %s\n", finding.Mistake, finding.Difference)
		}
	}
	return b.String()
}

// Check is what one check said.
type Check struct {
	Name    string `json:"name"`
	Passed  bool   `json:"passed"`
	Finding string `json:"finding,omitempty"`
	Basis   Basis  `json:"basis,omitempty"`
}

func (x *Exchange) path() string {
	path, _, _ := strings.Cut(x.Target, "?")
	return path
}

func (x *Exchange) query() string {
	_, query, _ := strings.Cut(x.Target, "?")
	return query
}

func (x *Exchange) pass(name string) {
	x.Checks = append(x.Checks, Check{Name: name, Passed: true})
}

func (x *Exchange) check(name, finding string) {
	x.Checks = append(x.Checks, Check{Name: name, Finding: finding})
}

// note tells about a check that passed what it is worth.
func (x *Exchange) note(name, finding string, basis Basis) {
	x.Checks = append(x.Checks, Check{Name: name, Passed: true, Finding: finding, Basis: basis})
}

// refuse notes the check that failed and makes its answer.
func (x *Exchange) refuse(name string, r *Refusal) *answer {
	finding := strings.TrimPrefix(r.Error(), ": ") // of APIv2 there may be no code
	if r.Why != "" {
		finding += " (" + r.Why + ")"
	}
	x.Checks = append(x.Checks, Check{Name: name, Finding: finding, Basis: r.Basis})
	return refused(r)
}

// Log keeps the last exchanges: a thousand, or fewer if they are large.
type Log struct {
	// Seen is called with each exchange, if it is not nil.
	Seen func(*Exchange)

	mu   sync.Mutex
	last []*Exchange
	size int // bytes that last keeps
	n    int // how many there were
}

// What a [Log] keeps: of one exchange no body is longer than keptOfOne, so that a stranger who sends
// nonsense does not fill the memory.
const (
	kept      = 1000
	keptBytes = 32 << 20
	keptOfOne = 64 << 10
)

func (l *Log) add(x *Exchange) {
	x.Took = time.Since(x.began)
	l.mu.Lock()
	l.n++
	x.ID = l.n
	l.keep(x.shortened())
	l.mu.Unlock()
	if l.Seen != nil {
		l.Seen(x)
	}
}

func (l *Log) keep(x *Exchange) {
	l.last = append(l.last, x)
	l.size += x.size()
	gone := 0
	for len(l.last)-gone > kept || l.size > keptBytes {
		l.size -= l.last[gone].size()
		gone++
	}
	l.last = slices.Delete(l.last, 0, gone)
}

// shortened is the exchange as it is kept.
func (x *Exchange) shortened() *Exchange {
	short := *x
	short.upload = nil
	for _, text := range []*[]byte{&short.Body, &short.SignedText, &short.Answer} {
		if len(*text) > keptOfOne {
			*text = append(slices.Clone((*text)[:keptOfOne]), "… (cut)"...)
		}
	}
	return &short
}

func (x *Exchange) size() int {
	size := 500 + len(x.Target) + len(x.Body) + len(x.SignedText) + len(x.Answer)
	for name, values := range x.Header {
		size += len(name)
		for _, value := range values {
			size += len(value)
		}
	}
	return size
}

// Since returns the exchanges with an ID above id that are still kept, the oldest first.
func (l *Log) Since(id int) []*Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, _ := slices.BinarySearchFunc(l.last, id+1, func(x *Exchange, id int) int { return cmp.Compare(x.ID, id) })
	return slices.Clone(l.last[i:])
}
