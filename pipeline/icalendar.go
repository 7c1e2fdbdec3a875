package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// event is an event of a calendar, as far as it is of use here: the properties by name, the last of each but for EXDATE
// and RDATE, which may come several times.
type event struct {
	line  int
	props map[string]property
	times []property // EXDATE and RDATE
}

type property struct{ name, params, value string }

// calendar takes the events of a calendar. What stands outside of events, such as the rules of time zones, and what
// stands within them in parts of its own, such as alarms, is passed over.
func (r *holidayReader) calendar(text string) {
	var now *event
	var within []string
	for n, line := range unfolded(text) {
		p, ok := propertyOf(line)
		switch {
		case !ok:
			r.fault(n, "%q is no line of a calendar", shortened(line))
		case p.name == "BEGIN":
			if within = append(within, strings.ToUpper(p.value)); within[len(within)-1] == "VEVENT" {
				now = &event{line: n, props: map[string]property{}}
			}
		case p.name == "END":
			if len(within) == 0 || within[len(within)-1] != strings.ToUpper(p.value) {
				r.fault(n, "END:%s has no beginning", shortened(p.value))
				return
			}
			if within = within[:len(within)-1]; now != nil && strings.EqualFold(p.value, "VEVENT") {
				if err := r.event(*now); err != nil {
					r.fault(now.line, "the event %q: %v", shortened(now.props["SUMMARY"].value), err)
				}
				now = nil
			}
		case now != nil && within[len(within)-1] == "VEVENT":
			if p.name == "EXDATE" || p.name == "RDATE" {
				now.times = append(now.times, p)
			} else {
				now.props[p.name] = p
			}
		}
	}
	if len(within) > 0 {
		r.fault(strings.Count(text, "\n")+1, "it ends within %s: the file is cut off", within[len(within)-1])
	}
}

// unfolded yields the lines of a calendar with the number of the line each begins on: one that begins with a space goes
// on with the one before (RFC 5545, 3.1).
func unfolded(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n, begun, whole := 0, 0, ""
		for line := range strings.Lines(text) {
			n++
			line = strings.TrimRight(line, "\r\n")
			if more, ok := strings.CutPrefix(line, " "); ok {
				whole += more
				continue
			}
			if more, ok := strings.CutPrefix(line, "\t"); ok {
				whole += more
				continue
			}
			if whole != "" && !yield(begun, whole) {
				return
			}
			begun, whole = n, line
		}
		if whole != "" {
			yield(begun, whole)
		}
	}
}

var calendarLine = regexp.MustCompile(`^([A-Za-z0-9-]+)((?:;[^=:;]+=(?:"[^"]*"|[^":;]*))*):(.*)$`)

func propertyOf(line string) (property, bool) {
	m := calendarLine.FindStringSubmatch(line)
	if m == nil {
		return property{}, false
	}
	return property{strings.ToUpper(m[1]), strings.ToUpper(m[2]), strings.TrimSpace(m[3])}, true
}

var errNotWholeDays = errors.New("it is not of whole days")

// event adds the days of an event.
func (r *holidayReader) event(e event) error {
	if strings.EqualFold(e.props["STATUS"].value, "CANCELLED") {
		return nil
	}
	start, ok := e.props["DTSTART"]
	if !ok {
		return errors.New("it has no beginning (DTSTART)")
	}
	from, err := start.day(start.value)
	if err != nil {
		return err
	}
	days, err := e.days(from)
	if err != nil {
		return err
	}
	d := HolidayDate{}
	if rule, ok := e.props["RRULE"]; ok {
		if d.Every, d.Last, err = yearly(rule.value, from); err != nil {
			return err
		}
	}
	if _, ok := e.props["RECURRENCE-ID"]; ok && d.Every > 0 {
		return errors.New("it is one of a series, and has a rule of its own")
	}
	for _, p := range e.times {
		for value := range strings.SplitSeq(p.value, ",") {
			day, err := p.day(value)
			if err != nil {
				return err
			}
			if p.name == "EXDATE" { // of this event only: another may have the day
				d.Except = append(d.Except, day.Year())
			} else {
				r.add(day, days, HolidayDate{})
			}
		}
	}
	r.add(from, days, d)
	return nil
}

// day is the day of a date, or of a midnight, as some programs write whole days.
func (p property) day(value string) (time.Time, error) {
	value = strings.TrimSpace(value)
	if date, ok := strings.CutSuffix(value, "T000000"); ok {
		value = date
	}
	if strings.Contains(value, "T") {
		return time.Time{}, errNotWholeDays
	}
	day, err := time.Parse("20060102", value)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no date", shortened(value))
	}
	return day, nil
}

const mostHolidayDays = 366

// days is how long the event lasts: its end is the day after its last.
func (e event) days(from time.Time) (int, error) {
	days := 1
	switch end, duration := e.props["DTEND"], e.props["DURATION"]; {
	case end.value != "":
		until, err := end.day(end.value)
		if err != nil {
			return 0, err
		}
		if days = int(until.Sub(from) / (24 * time.Hour)); days == 0 && until.Equal(from) {
			days = 1 // as some programs write one day
		}
	case duration.value != "":
		m := regexp.MustCompile(`^\+?P(\d{1,4})([DW])$`).FindStringSubmatch(duration.value)
		if m == nil {
			return 0, errNotWholeDays
		}
		if days, _ = strconv.Atoi(m[1]); m[2] == "W" {
			days *= 7
		}
	}
	if days < 1 || days > mostHolidayDays {
		return 0, fmt.Errorf("it would last %d days", days)
	}
	return days, nil
}

// yearly reads the rule of an event that comes on the same day of every year, or every so many.
func yearly(rule string, from time.Time) (every, last int, err error) {
	every, count := 1, 0
	kind := ""
	for part := range strings.SplitSeq(strings.ToUpper(rule), ";") {
		name, value, _ := strings.Cut(part, "=")
		n, numErr := strconv.Atoi(value)
		switch name {
		case "FREQ":
			kind = value
		case "INTERVAL":
			every = n
		case "COUNT":
			count = n
		case "UNTIL":
			day, err := time.Parse("20060102", value[:min(8, len(value))])
			if err != nil {
				return 0, 0, fmt.Errorf("its rule ends at %q, which is no date", shortened(value))
			}
			if last = day.Year(); from.AddDate(last-from.Year(), 0, 0).After(day) {
				last--
			}
			numErr = nil
		case "BYMONTH":
			if n != int(from.Month()) {
				numErr = strconv.ErrRange
			}
		case "BYMONTHDAY":
			if n != from.Day() {
				numErr = strconv.ErrRange
			}
		case "WKST":
			numErr = nil
		default:
			return 0, 0, fmt.Errorf("its rule %q is more than a day that comes every year: write its dates", shortened(rule))
		}
		if name != "FREQ" && numErr != nil {
			return 0, 0, fmt.Errorf("its rule %q is more than a day that comes every year: write its dates", shortened(rule))
		}
	}
	if kind != "YEARLY" || every < 1 || count < 0 {
		return 0, 0, fmt.Errorf("its rule %q is more than a day that comes every year: write its dates", shortened(rule))
	}
	if count > 0 {
		last = from.Year() + (count-1)*every
	}
	return every, last, nil
}
