package pipeline

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/aa"
	"github.com/rickar/cal/v2/ar"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/au"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/mw"
	"github.com/rickar/cal/v2/nc"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/ru"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/ua"
	"github.com/rickar/cal/v2/us"
	"github.com/rickar/cal/v2/za"
)

// nationalHolidays are the lists of the library, by country. Each is of lists of which a day must be in all: Australia has
// holidays by state only.
var nationalHolidays = sync.OnceValue(func() map[string][][]*cal.Holiday {
	cal.DefaultLoc = time.UTC // else a day may become the one before, where the clocks of this machine leave out a midnight
	whitSunday := aa.Pentecost.Clone(&cal.Holiday{Name: "Zielone Świątki"})
	christmasEve := &cal.Holiday{Name: "Wigilia Bożego Narodzenia", StartYear: 2025, Month: time.December, Day: 24, Func: cal.CalcDayOfMonth}
	one := func(days []*cal.Holiday, more ...*cal.Holiday) [][]*cal.Holiday {
		return [][]*cal.Holiday{slices.Concat(days, more)}
	}
	return map[string][][]*cal.Holiday{
		"AR": one(ar.Holidays), "AT": one(at.Holidays), "BE": one(be.Holidays), "BG": one(bg.Holidays), "BR": one(br.Holidays),
		"CA": one(ca.Holidays), "CH": one(ch.Holidays), "CZ": one(cz.Holidays), "DE": one(de.Holidays), "DK": one(dk.Holidays),
		"ES": one(es.Holidays), "FR": one(fr.Holidays), "GB": one(gb.Holidays), "GR": one(gr.Holidays), "HR": one(hr.Holidays),
		"IE": one(ie.Holidays), "IT": one(it.Holidays), "JP": one(jp.Holidays), "LT": one(lt.Holidays), "LV": one(lv.Holidays),
		"MW": one(mw.Holidays), "NC": one(nc.Holidays), "NL": one(nl.Holidays), "NO": one(no.Holidays), "NZ": one(nz.Holidays),
		"PL": one(pl.Holidays, whitSunday, christmasEve), "RO": one(ro.Holidays), "RU": one(ru.Holidays),
		"SE": one(se.Holidays, se.Paskdagen, se.Pingstdagen), "SI": one(si.Holidays), "SK": one(sk.Holidays),
		"UA": one(ua.Holidays), "US": one(us.Holidays), "ZA": one(za.Holidays),
		"AU": {
			au.HolidaysACT, au.HolidaysNSW, au.HolidaysNT, au.HolidaysQLD, au.HolidaysSA, au.HolidaysTAS, au.HolidaysVIC,
			au.HolidaysWA,
		},
	}
})

// NationalDay is a public holiday of a year.
type NationalDay struct {
	Month time.Month
	Day   int
	Name  string // in a language of the country
}

// NationalHolidays gives the public holidays of a country in a year, in order, as github.com/rickar/cal has them: the day
// itself, and where it falls on a weekend also the day on which it is observed instead. Its lists are made for working
// days and leave out most feasts that are on a Sunday: Easter Sunday and Whit Sunday are put back where the Monday after is
// one, and so are Poland's Whit Sunday and, by a law of 2024, its Christmas Eve. None for a country that it lacks. The days of a part of the country only are not among them, but for those that the
// library has in the country's own list.
func NationalHolidays(country string, year int) []NationalDay {
	var all map[monthDay]string
	for i, list := range nationalHolidays()[country] {
		days := holidaysIn(list, year)
		if i == 0 {
			all = days
		}
		maps.DeleteFunc(all, func(d monthDay, _ string) bool { _, ok := days[d]; return !ok })
	}
	for _, feast := range []*cal.Holiday{
		aa.Easter, aa.Pentecost,
		{Name: "Orthodox Easter", Julian: true, Func: cal.CalcEasterOffset},
		{Name: "Orthodox Whit Sunday", Julian: true, Offset: 49, Func: cal.CalcEasterOffset},
	} {
		sunday, _ := feast.Calc(year)
		monday := sunday.AddDate(0, 0, 1)
		if _, ok := all[dayOfYear(monday)]; ok {
			all[dayOfYear(sunday)] = cmp.Or(all[dayOfYear(sunday)], feast.Name)
		}
	}
	out := make([]NationalDay, 0, len(all))
	for d, name := range all {
		out = append(out, NationalDay{d.month, d.day, name})
	}
	slices.SortFunc(out, func(a, b NationalDay) int { return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Day, b.Day)) })
	return out
}

// holidaysIn gives the days of a list in a year. One that is observed on another day may come from the year before or after.
func holidaysIn(list []*cal.Holiday, year int) map[monthDay]string {
	days := map[monthDay]string{}
	for _, h := range list {
		for _, of := range []int{year - 1, year, year + 1} {
			actual, observed := h.Calc(of)
			for _, day := range []time.Time{actual, observed} {
				if !day.IsZero() && day.Year() == year {
					days[dayOfYear(day)] = h.Name
				}
			}
		}
	}
	return days
}

func dayOfYear(t time.Time) monthDay { return monthDay{t.Month(), t.Day()} }
