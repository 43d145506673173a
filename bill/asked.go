package bill

import "time"

// asked is what a bill has to be of, and no signature says: the day, and the sub-merchant. What is
// empty is not looked at.
type asked struct{ date, subMchID string }

// expect makes the parser look for a row that was asked for.
func (p *parser[R]) expect(a asked) {
	day, err := time.ParseInLocation(time.DateOnly, a.date, beijing)
	if err != nil || p.layout.times == nil {
		a.date = ""
	}
	if p.layout.sub == nil {
		a.subMchID = ""
	}
	p.asked, p.start, p.stop = a, day.Unix(), day.AddDate(0, 0, 1).Unix()
}

// see forgets what the row has of what was asked for. That is mostly done after the first one.
func (p *parser[R]) see() {
	if p.asked.date != "" {
		for _, at := range p.layout.times(&p.row) {
			if at := at.Unix(); p.start <= at && at < p.stop {
				p.asked.date = ""
			}
		}
	}
	if p.asked.subMchID != "" && p.layout.sub(&p.row) == p.asked.subMchID {
		p.asked.subMchID = ""
	}
}

// answered is an error if none of the rows has what was asked for. Its bill may be as good as
// WeChat Pay made it, and is damaged all the same: it is not the one that was asked for.
func (a asked) answered(rows int64) error {
	switch {
	case rows == 0:
		return nil
	case a.date != "":
		return damaged("it is of another day: none of its rows is of %s", a.date)
	case a.subMchID != "":
		return damaged("it is of another merchant: none of its rows is of the SubMchID")
	}
	return nil
}
