package pipeline

import (
	"fmt"
	"time"
)

// Locale is where a recipient may be: a country, and the IANA names of the time zones of which it is one.
type Locale struct {
	Country string // ISO 3166 alpha-2 in upper case; empty where it is not known
	Zones   []string
}

// Calendar says when a call to the recipients of a locale may begin. It is safe for concurrent use once made, and a
// pure function of time.
type Calendar struct {
	hours    Hours
	holidays *Holidays // nil for none
	country  string
	zones    []*time.Location
	margin   time.Duration
}

// NewCalendar joins hours and holidays for a locale, with how long before their end no call may begin any more. A zone that
// the time zone database does not know is an error.
func NewCalendar(h Hours, closed *Holidays, at Locale, margin time.Duration) (*Calendar, error) {
	c := &Calendar{hours: h, holidays: closed, country: at.Country, margin: margin}
	for _, name := range at.Zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, fmt.Errorf("time zone %q: %w", name, err)
		}
		c.zones = append(c.zones, zone)
	}
	return c, nil
}

const (
	hoursHorizon = 400 * 24 * time.Hour // how far ahead an opening is looked for
	hoursLongest = 8 * 24 * time.Hour   // an opening is looked at as far as this, and then again
)

// Next gives the first stretch of time, from a time on, in which a call may begin: from is that time itself when it may
// begin now, and at to none may any more. Where a recipient may be in several zones the hours hold in all of them. A zero to has no end; a
// zero from means that it may never begin, or not within a year.
func (c *Calendar) Next(t time.Time) (from, to time.Time) {
	if len(c.zones) == 0 || c.hours.Always() && c.holidays == nil {
		return t, time.Time{}
	}
	for horizon := t.Add(hoursHorizon); t.Before(horizon); {
		from = c.opens(t, horizon)
		if from.IsZero() {
			return time.Time{}, time.Time{}
		}
		end := c.ends(from)
		if to = end.Add(-c.margin); from.Before(to) {
			return from, to
		}
		t = end
	}
	return time.Time{}, time.Time{}
}

// Open reports whether a call may begin at a time.
func (c *Calendar) Open(t time.Time) bool {
	from, _ := c.Next(t)
	return from.Equal(t)
}

// opens is the first time from t on at which the hours hold in all zones; zero when there is none before the horizon.
func (c *Calendar) opens(t, horizon time.Time) time.Time {
	for t.Before(horizon) {
		later := t
		for _, zone := range c.zones {
			if open, until := c.stretch(t, zone); !open && until.After(later) {
				later = until
			}
		}
		if later.Equal(t) {
			return t
		}
		t = later
	}
	return time.Time{}
}

// ends is when hours that hold at a time end in one of the zones; of those that go on for long, a time until which they do.
func (c *Calendar) ends(t time.Time) time.Time {
	for longest := t.Add(hoursLongest); t.Before(longest); {
		var soonest time.Time
		for _, zone := range c.zones {
			open, until := c.stretch(t, zone)
			if !open {
				return t
			}
			if soonest.IsZero() || until.Before(soonest) {
				soonest = until
			}
		}
		t = soonest
	}
	return t
}

// stretch reports whether the hours hold in a zone at a time, and until when that stays so at least: to the next time
// of the day at which it may change, to midnight, or to where the clocks of the zone change.
func (c *Calendar) stretch(t time.Time, zone *time.Location) (open bool, until time.Time) {
	local := t.In(zone)
	year, month, day := local.Date()
	hour, minute, second := local.Clock()
	wall := (hour*60+minute)*60 + second
	change := dayMinutes * 60
	switch {
	case c.holidays.Closed(c.country, year, month, day):
	case c.hours.Always():
		open = true
	default:
		for _, s := range c.hours.week[local.Weekday()] {
			if wall < s.from*60 {
				change = s.from * 60
				break
			}
			if wall < s.to*60 {
				open, change = true, s.to*60
				break
			}
		}
	}
	until = t.Add(time.Duration(change-wall)*time.Second - time.Duration(local.Nanosecond()))
	if _, end := local.ZoneBounds(); !end.IsZero() && end.After(t) && end.Before(until) {
		until = end
	}
	return open, until
}
