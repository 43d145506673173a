package bill

import (
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
)

// day is a day in UTC+8, by its date.
type day string

func (d day) begin() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), clock.Beijing)
	if err != nil {
		return time.Time{} // which is no day of these centuries, and is refused as too old
	}
	return t
}

func (d day) end() time.Time { return d.begin().AddDate(0, 0, 1) }

// generated is when the bills of the day are: what becomes of its refunds later does not show.
func (d day) generated() time.Time { return d.end().Add(9 * time.Hour) }

// ready is from when on they are handed out.
func (d day) ready() time.Time { return d.end().Add(10 * time.Hour) }

// kept is how many months back there are bills.
const kept = 3

// availability is whether there may be bills of a day.
type availability int

const (
	available availability = iota
	tooNew                 // today, or still to come
	creating
	expired
)

func (d day) at(now time.Time) availability {
	now = now.In(clock.Beijing)
	today := day(now.Format(time.DateOnly)).begin()
	switch {
	case !d.begin().Before(today):
		return tooNew
	case d.begin().AddDate(0, kept, 0).Before(today):
		return expired
	case now.Before(d.ready()):
		return creating
	}
	return available
}
