package webhooktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/xmlv2"
)

// scenario is a case before it is tried.
type scenario struct {
	name    string
	sent    texts // a scenario is none where this is empty
	advice  texts // for who fails it
	untried func(*checker) string
	run     func(*trial)
}

// texts are of APIv3, of APIv2, and of the messages of APIv2 that are not signed but sealed.
type texts struct{ v3, v2, sealed string }

func all(text string) texts    { return texts{text, text, text} }
func each(v3, v2 string) texts { return texts{v3, v2, v2} }

func (t texts) of(c *checker) string {
	switch {
	case !c.v2:
		return t.v3
	case !c.sealed:
		return t.v2
	}
	return t.sealed
}

const (
	crowd   = 100              // that come at once
	ways    = 10               // by which they come, each signed by itself; so many meet a handler that fails
	tooMuch = 10 << 20         // bytes; real notifications have a few thousand
	mending = 10 * time.Second // is what Break has for it
)

// scenarios are in this order: what is true, what is not, and what comes again.
var scenarios = [...]scenario{
	{
		name:   "true notification",
		sent:   all("a true notification"),
		advice: all("Nothing can be concluded before this passes: give the handler the keys of Subject.Sender, let it know the order of Subject.Event, and compare Amount and Moved. If it works on after its answer, set Settle."),
		run: func(t *trial) {
			if answers := t.send(answered, t.Amount, t.sign(t.sample)); len(t.faults) == 0 && len(answers) > 0 {
				t.control = &answers[0]
			}
		},
	},
	{
		name:   "documented answer",
		sent:   all("the same"),
		advice: each("Answer with status 200 or 204.", "Answer with status 200 and the XML in webhook.SuccessV2, without a character more."),
		run: func(t *trial) {
			t.answers = []string{t.control.text}
			if !t.control.taken {
				t.fault("it answered %s to a true notification, which WeChat Pay takes for a failure", t.control.text)
			}
		},
	},
	{
		name: "new member",
		sent: all("a true one with a member that is not documented yet"),
		advice: texts{
			v3:     "Ignore members that you do not know: WeChat Pay adds some without notice.",
			v2:     "Verify all members that came, also those that you do not know: WeChat Pay adds some without notice.",
			sealed: "Ignore members that you do not know: WeChat Pay adds some without notice.",
		},
		run: func(t *trial) {
			t.send(taken, t.Amount, t.fresh(func(d *draft) { d.unknown = "new" }))
		},
	},
	{
		name:   "empty associated data",
		sent:   texts{v3: "a true one whose associated_data is empty"},
		advice: texts{v3: "Decrypt with empty associated data where associated_data is empty: that of Pay Score is."},
		run:    func(t *trial) { t.send(taken, t.Amount, t.fresh(AssociatedData(""))) },
	},
	{
		name:   "absent associated data",
		sent:   texts{v3: "a true one without associated_data"},
		advice: texts{v3: "Decrypt with empty associated data where associated_data is not there."},
		run:    func(t *trial) { t.send(taken, t.Amount, t.fresh(func(d *draft) { d.noAssociatedData = true })) },
	},
	{
		name:   "unsigned",
		sent:   texts{v3: "one without the Wechatpay headers", v2: "one without its member sign"},
		advice: all("Anyone can send this: refuse what is not signed, with a 4xx or 5xx, before anything is done with it."),
		run: func(t *trial) {
			t.send(refused, 0, t.change(t.fresh(), func(d Delivery) (Delivery, error) {
				if t.v2 {
					return respelled(d, withoutSign)
				}
				for _, name := range []string{"Nonce", "Timestamp", "Serial", "Signature", "Signature-Type"} {
					d.Header.Del("Wechatpay-" + name)
				}
				return d, nil
			}))
		},
	},
	{
		name:   "forged signature",
		sent:   texts{v3: "one signed with a stranger's key, under WeChat Pay's serial", v2: "one signed with another APIv2 key", sealed: "one sealed with another APIv2 key"},
		advice: texts{v3: "Anyone can send this: verify Wechatpay-Signature with WeChat Pay's public key before anything is done.", v2: "Anyone can send this: verify sign with the APIv2 key before anything is done.", sealed: "Anyone can send this: refuse what the APIv2 key does not open."},
		run: func(t *trial) {
			stranger, err := strangersKey()
			if err != nil {
				t.err = err
			}
			t.send(refused, 0, t.fresh(func(d *draft) { d.platform, d.apiv2Key = stranger, newKey() }))
		},
	},
	{
		name:   "wrong serial",
		sent:   texts{v3: "one signed with WeChat Pay's key, under a serial that nobody has"},
		advice: texts{v3: "Choose the key by Wechatpay-Serial and refuse what names another: else a change of WeChat Pay's key finds the handler unprepared."},
		run: func(t *trial) {
			t.send(refused, 0, t.header(t.fresh(), "Wechatpay-Serial", func(string) string { return "PUB_KEY_ID_0000000000000000000000000000" }))
		},
	},
	{
		name:   "SIGNTEST probe",
		sent:   texts{v3: "one under a WECHATPAY/SIGNTEST/ signature, and then truly signed"},
		advice: texts{v3: "WeChat Pay tests with this that signatures are verified: refuse it like any other, and remember nothing of it."},
		run: func(t *trial) {
			event, id := t.event(), newID()
			t.send(refused, 0, t.header(t.sign(event, ID(id)), "Wechatpay-Signature", func(s string) string {
				const probe = "WECHATPAY/SIGNTEST/"
				return probe + s[len(probe):]
			}))
			t.send(taken, t.Amount, t.sign(event, ID(id)))
		},
	},
	{
		name:   "changed body",
		sent:   texts{v3: "one with another id than was signed", v2: "one with another member than was signed"},
		advice: texts{v3: "Verify the signature over the bytes of the body, not over a part of it: with another id, one truth could be told many times.", v2: "Verify sign over all members that came."},
		run: func(t *trial) {
			id := newID()
			t.send(refused, 0, t.change(t.fresh(ID(id)), func(d Delivery) (Delivery, error) {
				if t.v2 {
					return respelled(d, func(message *xmlv2.Members) { message.Set(neutral(*message), "webhooktest") })
				}
				d.Body = []byte(strings.Replace(string(d.Body), id, newID(), 1))
				return d, nil
			}))
		},
	},
	{
		name:   "trailing newline",
		sent:   texts{v3: "one with a newline after what was signed"},
		advice: texts{v3: "Verify the bytes as they came, before anything trims or rewrites them: what is verified has to be what is read."},
		run: func(t *trial) {
			t.send(refused, 0, t.change(t.fresh(), func(d Delivery) (Delivery, error) {
				return Delivery{d.Header, slices.Concat(d.Body, []byte("\n"))}, nil
			}))
		},
	},
	{
		name:   "stale timestamp",
		sent:   texts{v3: "one that was signed six minutes ago"},
		advice: texts{v3: "Refuse what is older than five minutes by Wechatpay-Timestamp: who recorded it could send it again when nobody remembers it. True ones are signed afresh each time."},
		run:    func(t *trial) { t.send(refused, 0, t.fresh(At(time.Now().Add(-auth.Window-time.Minute)))) },
	},
	{
		name:   "future timestamp",
		sent:   texts{v3: "one that is signed for in six minutes"},
		advice: texts{v3: "Refuse what is more than five minutes ahead by Wechatpay-Timestamp: it would stay good for longer than it is remembered."},
		run:    func(t *trial) { t.send(refused, 0, t.fresh(At(time.Now().Add(auth.Window+time.Minute)))) },
	},
	{
		name:   "wrong APIv3 key",
		sent:   texts{v3: "one that is encrypted with another APIv3 key"},
		advice: texts{v3: "Refuse what does not decrypt, so that it comes again: perhaps the key was changed, and the handler does not have it yet."},
		run:    func(t *trial) { t.send(refused, 0, t.fresh(func(d *draft) { d.apiv3Key = newKey() })) },
	},
	{
		name:   "entity",
		sent:   each("", "one whose XML declares an entity"),
		advice: all("Turn DTDs and entities off in the parser of XML: by them a stranger has files read and memory filled (XXE)."),
		run:    func(t *trial) { t.send(refused, 0, t.change(t.fresh(), withEntity)) },
	},
	{
		name:   "truncated",
		sent:   all("the first half of one, after which the connection breaks off"),
		advice: all("Refuse a body that could not be read to its end."),
		run: func(t *trial) {
			p := t.fresh()
			p.cut = true
			t.send(dropped, 0, p)
		},
	},
	{
		name:   "oversize",
		sent:   all("a true one that is 10 MiB long, which is not said before"),
		advice: all("Stop reading after about 1 MiB, as http.MaxBytesReader does: anyone can send this, and the signature is looked at only when all is in memory."),
		run: func(t *trial) {
			p := t.fresh(func(d *draft) { d.padding = tooMuch })
			p.chunked = true
			if t.Handler != nil {
				p.read = new(int)
			}
			t.send(dropped, 0, p)
			if !t.over() && p.read != nil && *p.read > tooMuch {
				t.fault("it refused it, but read it all")
			}
		},
	},
	{
		name:   "unknown event",
		sent:   texts{v3: "an event of the same product that is not documented yet"},
		advice: texts{v3: "Look at event_type before acting: what an event is about says nothing about what happened."},
		run: func(t *trial) {
			product, _, _ := strings.Cut(t.eventType, ".")
			t.send(harmless, 0, t.fresh(EventType(product+".WEBHOOKTEST")))
		},
	},
	{
		name:    "wrong amount",
		sent:    all("a true one about another amount than the order's"),
		advice:  all("Compare the amount with the order's before acting, whoever signed it."),
		untried: func(c *checker) string { return missing(c.WrongAmount == nil, "WrongAmount") },
		run: func(t *trial) {
			if !t.over() {
				t.send(harmless, 0, t.sign(t.WrongAmount()))
			}
		},
	},
	{
		name:   "replay",
		sent:   all("a true one, and its very bytes again"),
		advice: all("Remember what was done, and answer with success when it comes again."),
		run: func(t *trial) {
			p := t.fresh()
			t.send(taken, t.Amount, p)
			t.send(taken, 0, p)
		},
	},
	{
		name:   "duplicate",
		sent:   texts{v3: "a true one, and again, signed afresh", v2: "a true one, and again, signed afresh", sealed: "a true one, and again, sealed afresh"},
		advice: each("Remember what was done by the id of the notification, and answer with success when it comes again.", "Remember what was done by the number of what it is about, and answer with success when it comes again."),
		run: func(t *trial) {
			event, id := t.event(), newID()
			t.send(taken, t.Amount, t.sign(event, ID(id)))
			t.send(taken, 0, t.sign(event, ID(id)))
		},
	},
	{
		name:   "two at once",
		sent:   all("a true one twice at the same time"),
		advice: all("Between looking whether it was done and noting that it is, nobody else may look: lock, or let a unique key in the database decide."),
		run:    func(t *trial) { t.atOnce(2) },
	},
	{
		name:   "a hundred at once",
		sent:   all("a true one a hundred times at the same time"),
		advice: all("Between looking whether it was done and noting that it is, nobody else may look: lock, or let a unique key in the database decide."),
		run:    func(t *trial) { t.atOnce(crowd) },
	},
	{
		name:    "reordered",
		sent:    all("a true one, and then what was true before it"),
		advice:  all("What is late changes nothing any more, and is answered with success: see webhook.Progress."),
		untried: func(c *checker) string { return missing(c.Earlier == nil, "Earlier") },
		run: func(t *trial) {
			event := t.event()
			t.send(taken, t.Amount, t.sign(event))
			if !t.over() {
				t.send(taken, 0, t.sign(t.Earlier(event)))
			}
		},
	},
	{
		name:    "failure first",
		sent:    all("a true one while the handler cannot do anything, and again when it can"),
		advice:  all("Answer with a 5xx what could not be done, and note as done only what was: else the order is paid and never delivered."),
		untried: func(c *checker) string { return missing(c.Break == nil, "Break") },
		run: func(t *trial) {
			event, id := t.event(), newID()
			first, again := t.sign(event, ID(id)), t.sign(event, ID(id))
			t.broken(func() { t.send(undone, 0, first) })
			t.send(taken, t.Amount, again)
		},
	},
	{
		name:    "failures at once",
		sent:    all("a true one ten times at the same time while the handler cannot do anything, and again when it can"),
		advice:  all("Answer with success only what is done: while another works on the same, wait for it or answer with a failure, for that one may fail."),
		untried: func(c *checker) string { return missing(c.Break == nil, "Break") },
		run: func(t *trial) {
			event, id := t.event(), newID()
			again := t.sign(event, ID(id))
			t.broken(func() { t.send(undone, 0, t.copies(ways, event, id)...) })
			t.send(taken, t.Amount, again)
		},
	},
}

// missing is why a scenario is not tried.
func missing(is bool, field string) string {
	if is {
		return fmt.Sprintf("the Subject has no %s", field)
	}
	return ""
}

// header is p with another header.
func (t *trial) header(p parcel, name string, change func(string) string) parcel {
	return t.change(p, func(d Delivery) (Delivery, error) {
		d.Header.Set(name, change(d.Header.Get(name)))
		return d, nil
	})
}

// atOnce sends one notification n times.
func (t *trial) atOnce(n int) { t.send(taken, t.Amount, t.copies(n, t.event(), newID())...) }

// copies are n parcels with one notification.
func (t *trial) copies(n int, event any, id string) (parcels []parcel) {
	for i := range n {
		if i < ways {
			parcels = append(parcels, t.sign(event, ID(id)))
		} else {
			parcels = append(parcels, parcels[i%ways])
		}
	}
	return parcels
}

// broken does something while the handler fails. It is mended whatever happens, also if a function of the
// Subject ends the test.
func (t *trial) broken(do func()) {
	if t.over() {
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), mending)
		defer cancel()
		t.breaks(ctx, false)
	}()
	t.breaks(t.ctx, true)
	do()
}

func (t *trial) breaks(ctx context.Context, broken bool) {
	if err := t.Break(ctx, broken); err != nil {
		t.err = errors.Join(t.err, fmt.Errorf("the Subject's Break(%t): %w", broken, err))
	}
}
