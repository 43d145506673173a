package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/catalog"
)

// This file makes the types of notifications, and of what those that ask something are answered with.

// event is a notification's type.
type event struct {
	notification *catalog.Notification
	resource     *structType
	answer       *structType // nil if it is only acknowledged
}

func (m *model) addEvent(n *catalog.Notification, p place) {
	name := n.Name
	if name == "" && m.v2 {
		name = exported(n.EventTypes[0])
	} else if name == "" {
		_, tail, _ := strings.Cut(n.EventTypes[0], ".")
		name = exported(tail)
	}
	if name == "" {
		p.errorf("the event type gives no Go name: the catalog has to give one")
		return
	}
	s := m.object(shape{name: name, own: true, role: notification, fields: n.Resource.Fields}, p.at("resource"))
	s.doc = fmt.Sprintf("is the %s of %s, %s", map[bool]string{false: "resource", true: "message"}[m.v2], n.EventTypes[0], n.Title)
	if n.Unsigned {
		s.doc += ". It is not signed: ask WeChat Pay before acting on it"
	}
	e := &event{notification: n, resource: s}
	if n.Answer != nil {
		e.answer = m.object(shape{name: name + "Answer", own: true, role: reply, fields: n.Answer.Fields}, p.at("answer"))
		e.answer.doc = fmt.Sprintf("is what [%s] is answered with", name)
	}
	m.events = append(m.events, e)
}

func (m *model) printEvents(p *printer) {
	for _, e := range m.events {
		printStruct(p, e.resource, e.notification.Docs...)
		types := e.notification.EventTypes
		p.printf("// EventTypes are the types that it arrives with: %s.\n", enumerate(types))
		p.printf("func (%s) EventTypes() []string { return %#v }\n\n", e.resource.name, types)
		m.printOriginals(p, e)
		if e.answer != nil {
			printAnswer(p, e)
		}
	}
}

// printOriginals prints what tells a notification from others with the same event type. All of APIv2 have
// it, and not only those that share one today: WeChat Pay may call another of APIv3 alike tomorrow.
func (m *model) printOriginals(p *printer, e *event) {
	originals := e.notification.OriginalTypes
	switch {
	case m.v2:
		originals = []string{"v2"}
		p.printf("// OriginalTypes tell it from notifications of APIv3 with the same event type: package webhook gives those\n")
		p.printf("// of APIv2 the original type v2.\n")
	case len(originals) > 0 && slices.ContainsFunc(e.notification.EventTypes, func(t string) bool { return m.shared[t] }):
		p.printf("// OriginalTypes tell it from others with the same event type: %s.\n", enumerate(originals))
	default:
		return
	}
	p.printf("func (%s) OriginalTypes() []string { return %#v }\n\n", e.resource.name, originals)
}

// printAnswer prints what a notification is answered with, and what package webhook asks about that.
func printAnswer(p *printer, e *event) {
	within, _ := time.ParseDuration(e.notification.Answer.Within) // the catalog has checked it
	p.printf("// AnswerWithin is the time in which WeChat Pay wants a [%s].\n", e.answer.name)
	p.printf("func (%s) AnswerWithin() time.Duration { return %d * time.Second }\n\n", e.resource.name, within/time.Second)
	if e.notification.Answer.Signed {
		p.printf("// AnswerSigned tells that WeChat Pay verifies who answers, by the header Authorization of the answer. It\n")
		p.printf("// has the form of a request's; which text is signed is not documented.\n")
		p.printf("func (%s) AnswerSigned() bool { return true }\n\n", e.resource.name)
	}
	printStruct(p, e.answer)
}
