package webhook

import (
	"slices"
	"time"
)

// Progress is the states of a thing in the order in which it goes through them; those that exclude each
// other stand together. An order of Pay Score (支付分) is
//
//	webhook.Progress[payscore.ServiceOrderState]{{"CREATED"}, {"DOING"}, {"DONE", "REVOKED", "EXPIRED"}}
type Progress[S ~string] [][]S

// Moves tells whether news of a thing goes beyond what is stored of it: notifications may come late and out of
// order, and an older one must not undo what a newer one did. States further along go beyond, those
// before do not, whatever their times. Within one step, and where Progress does not know a state, the
// later time does, and a time that is not known does not; but at the last step nothing moves any more
// to another state. What does not move is done with: answer that it was received.
//
// Stored is the zero value where nothing is.
func (p Progress[S]) Moves(stored S, storedAt time.Time, news S, newsAt time.Time) bool {
	if stored == "" {
		return true
	}
	from, to := p.step(stored), p.step(news)
	switch {
	case from >= 0 && to >= 0 && from != to:
		return to > from
	case from >= 0 && from == len(p)-1 && stored != news:
		return false
	}
	return newsAt.After(storedAt)
}

// step is how far along a state is, -1 if it is not known.
func (p Progress[S]) step(state S) int {
	return slices.IndexFunc(p, func(step []S) bool { return slices.Contains(step, state) })
}
