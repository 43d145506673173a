package payscore

import (
	"cmp"
	"time"

	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
)

// onAccept stands for the moment in which the user confirms.
const onAccept = "OnAccept"

// The two formats of times, to the second and to the day.
const (
	toTheSecond = "20060102150405"
	toTheDay    = "20060102"
)

// TimeRange is when the service is used (服务时间段).
type TimeRange struct {
	StartTime       string `json:"start_time,omitempty"`
	StartTimeRemark string `json:"start_time_remark,omitempty"`
	EndTime         string `json:"end_time,omitempty"`
	EndTimeRemark   string `json:"end_time_remark,omitempty"`
}

// moment is a time of either format.
type moment struct {
	time.Time
	day bool
}

func parseMoment(text string) (moment, bool) {
	if t, err := time.ParseInLocation(toTheSecond, text, clock.Beijing); err == nil && len(text) == len(toTheSecond) {
		return moment{t, false}, true
	}
	t, err := time.ParseInLocation(toTheDay, text, clock.Beijing)
	return moment{t, true}, err == nil && len(text) == len(toTheDay)
}

// passed tells that m is over at now: a day is over when it ends.
func (m moment) passed(now time.Time) bool {
	if m.day {
		return m.AddDate(0, 0, 1).Compare(now) <= 0
	}
	return !m.After(now)
}

// checkCreate checks what a new order says about its time.
func (r TimeRange) checkCreate(now time.Time) error {
	if r.StartTime == "" && r.StartTimeRemark != "" || r.EndTime == "" && r.EndTimeRemark != "" {
		return invalid("服务时间备注仅在填写服务时间时可填写")
	}
	var start moment
	if r.StartTime != "" && r.StartTime != onAccept {
		var ok bool
		if start, ok = parseMoment(r.StartTime); !ok {
			return invalid("服务开始时间格式错误，应为yyyyMMddHHmmss、yyyyMMdd或OnAccept")
		}
		if start.passed(now) {
			return invalid("服务开始时间不能早于调用接口的时间")
		}
	}
	if r.EndTime == "" {
		return nil
	}
	end, ok := parseMoment(r.EndTime)
	switch {
	case !ok:
		return invalid("服务结束时间格式错误，应为yyyyMMddHHmmss或yyyyMMdd")
	case end.day && (end.passed(now) || end.Format(toTheDay) < start.Format(toTheDay)):
		return invalid("服务结束时间不能早于服务开始时间和当天")
	case !end.day && (!end.After(now.Add(time.Minute)) || !end.After(start.Time)):
		return invalid("服务结束时间必须晚于服务开始时间，且晚于调用接口的时间一分钟以上")
	}
	return nil
}

// checkComplete checks what a completion says about the time of the order.
func (r TimeRange) checkComplete(o *Order, now time.Time) error {
	if r.EndTime == "" && o.TimeRange.EndTime == "" {
		return badRequest("PARAM_ERROR", "创建订单未填写服务结束时间,则结束时间必填", 0)
	}
	start, _ := parseMoment(cmp.Or(r.StartTime, o.TimeRange.StartTime))
	if r.StartTime != "" {
		if planned, ok := parseMoment(o.TimeRange.StartTime); ok && planned.day != start.day {
			return invalid("服务开始时间的格式与创建订单时不一致")
		}
		if !start.day && start.Before(o.CreatedAt.Truncate(time.Second)) || start.day && start.Format(toTheDay) < o.CreatedAt.Format(toTheDay) {
			return invalid("实际开始时间不能早于创建订单的时间")
		}
		if start.After(now) {
			return invalid("实际开始时间不能晚于使用完结接口的时间")
		}
	}
	if r.EndTime == "" {
		return nil
	}
	end, _ := parseMoment(r.EndTime)
	switch planned, _ := parseMoment(o.TimeRange.StartTime); {
	case end.After(now):
		return badRequest("PARAM_ERROR", "实际结束时间不能晚于使用完结接口的时间", 0).Guessed(front.Unknown)
	case !planned.IsZero() && planned.day != end.day:
		return invalid("服务结束时间的格式与创建订单时不一致")
	case end.Before(planned.Time), end.Before(start.Time), !end.day && end.Equal(start.Time):
		return badRequest("PARAM_ERROR", "真实结束时间小于预计开始时间", 271316637)
	}
	return nil
}

// completedBy is the time with what the completion said about it.
func (r TimeRange) completedBy(with TimeRange) TimeRange {
	return TimeRange{
		StartTime:       cmp.Or(with.StartTime, r.StartTime),
		StartTimeRemark: cmp.Or(with.StartTimeRemark, r.StartTimeRemark),
		EndTime:         cmp.Or(with.EndTime, r.EndTime),
		EndTimeRemark:   cmp.Or(with.EndTimeRemark, r.EndTimeRemark),
	}
}
