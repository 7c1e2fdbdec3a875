package pipeline

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"hppsend/internal/contact"
)

// timed reports whether some rule asks what time it is where the recipient is.
func (r Rules) timed() bool { return !r.Hours.Always() || r.Holidays != nil }

// locale gives where a recipient may be: by the number's country and area, by home, which is the country of a row that goes
// by e-mail, or else in the zone of the rules. Without any of them it has no zones.
func (r Rules) locale(d Distribution, home string) Locale {
	if d.Method == SMS {
		phone, err := contact.ParsePhone(d.Contact, d.Country)
		if err != nil {
			return r.within(Locale{Country: d.Country, Zones: contact.CountryZones(d.Country)})
		}
		return r.within(Locale{phone.Region, phone.Zones()})
	}
	return r.within(Locale{home, contact.CountryZones(home)})
}

// within puts a recipient of whom no zone is known into that of the rules, if they name one.
func (r Rules) within(l Locale) Locale {
	if len(l.Zones) == 0 && r.Home != "" {
		l.Zones = []string{r.Home}
	}
	return l
}

// outside is why a row does not go now that may from a time on.
func (r Rules) outside(opens time.Time) Finding {
	return Finding{Code: CodeHours, Reason: fmt.Sprintf("it is outside the hours in which the recipients may be messaged where they are; the next begin on %s",
		opens.In(r.zone()).Format("Mon 2006-01-02 15:04 MST"))}
}

// home is the country of a recipient whom the distribution says nothing of.
func (a Attempt) home() string {
	if a.Distribution.Method == SMS {
		return ""
	}
	return a.Locale.Country
}

// key tells a locale from every other.
func (l Locale) key() string { return l.Country + " " + strings.Join(l.Zones, " ") }

// calendars makes the calendar of each locale once. It is safe for concurrent use.
type calendars struct {
	mu    sync.Mutex
	byKey map[string]*Calendar
}

func (c *calendars) of(r Rules, l Locale) *Calendar {
	key := l.key()
	c.mu.Lock()
	defer c.mu.Unlock()
	cal, ok := c.byKey[key]
	if !ok {
		cal = r.calendar(l)
		if c.byKey == nil {
			c.byKey = map[string]*Calendar{}
		}
		c.byKey[key] = cal
	}
	return cal
}

// calendar makes the calendar of a locale. A zone that is not known was refused when it was given, or is of the tables, of
// which each is known.
func (r Rules) calendar(l Locale) *Calendar {
	c, err := NewCalendar(r.Hours, r.Holidays, l, r.Margin)
	if err != nil {
		panic(err)
	}
	return c
}

// next is the first time from a time on at which a call may begin; far ahead where there is none.
func (c *Calendar) next(now time.Time) time.Time {
	from, _ := c.Next(now)
	if from.IsZero() {
		return now.Add(hoursHorizon)
	}
	return from
}

// whereabouts are where the recipients of the rows of a plan may be. They take two bytes a row, and only when some
// rule asks.
type whereabouts struct {
	rows      chunks[uint16] // index of locales and calendars, by ordinal
	locales   []Locale
	calendars []*Calendar // nil for those of whom no zone is known
	index     map[string]uint16
	areas     map[string]uint16 // by the digits that tell the area
}

// areaDigits is how many digits of a number tell where it is, the plus included: no prefix of libphonenumber's data is
// longer.
const areaDigits = 11

// add takes note of where the recipient of the next row may be.
func (w *whereabouts) add(r Rules, it item, country string) {
	if w.index == nil {
		w.index, w.areas = map[string]uint16{}, map[string]uint16{}
	}
	var l Locale
	switch {
	case it.Method == SMS && it.phone != 0:
		phone := it.phone.Phone(it.region)
		area := it.region
		if phone.Area {
			area += phone.E164[:min(areaDigits, len(phone.E164))]
		}
		if i, ok := w.areas[area]; ok {
			w.rows.add(i)
			return
		}
		i := w.indexOf(r, r.within(Locale{phone.Region, phone.Zones()}))
		w.areas[area] = i
		w.rows.add(i)
		return
	case it.Method == Email:
		home, _ := contact.Country(country)
		l = r.within(Locale{home, contact.CountryZones(home)})
	}
	w.rows.add(w.indexOf(r, l))
}

func (w *whereabouts) indexOf(r Rules, l Locale) uint16 {
	key := l.key()
	i, ok := w.index[key]
	if !ok {
		i = uint16(len(w.locales))
		w.index[key] = i
		w.locales = append(w.locales, l)
		var c *Calendar
		if len(l.Zones) > 0 {
			c = r.calendar(l)
		}
		w.calendars = append(w.calendars, c)
	}
	return i
}

// localeOf gives where the recipient of a row may be; the zero Locale where no rule asks.
func (p *Plan) localeOf(ordinal int) Locale {
	if p.where.rows.len() == 0 {
		return Locale{}
	}
	return p.where.locales[*p.where.rows.at(ordinal)]
}
