package pipeline

import (
	"slices"
	"sync"
	"time"
)

// HolidayDate is a day that is closed, or one that is not closed after all.
type HolidayDate struct {
	Year    int // the first, where it comes again
	Month   time.Month
	Day     int
	Every   int    `json:",omitempty"` // years, after which it comes again; 0 once
	Last    int    `json:",omitempty"` // the last year in which it may come; 0 for no end
	Except  []int  `json:",omitempty"` // years in which it does not come
	Country string `json:",omitempty"` // ISO 3166 alpha-2 in upper case that it is of; empty for all
	Open    bool   `json:",omitempty"` // it is taken off, wherever else it stands
}

// Holidays are the days on which nobody is messaged, by the calendar on the recipient's wall. The nil Holidays are none. It is
// safe for concurrent use once it is filled in.
type Holidays struct {
	National bool // the public holidays of the recipient's country, see [NationalHolidays]
	Dates    []HolidayDate

	mu     sync.Mutex
	byDay  map[monthDay][]HolidayDate
	public map[countryYear]map[monthDay]string // by name
}

type monthDay struct {
	month time.Month
	day   int
}

type countryYear struct {
	country string
	year    int
}

// Closed reports whether a day is a holiday in a country. A date of the country itself goes before one of all
// countries, and both before the public holidays; of two that say different things the day that is taken off is open.
func (h *Holidays) Closed(country string, year int, month time.Month, day int) bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byDay == nil {
		h.byDay = map[monthDay][]HolidayDate{}
		for _, d := range h.Dates {
			h.byDay[monthDay{d.Month, d.Day}] = append(h.byDay[monthDay{d.Month, d.Day}], d)
		}
	}
	dates := h.byDay[monthDay{month, day}]
	for _, of := range []string{country, ""} {
		said := func(open bool) bool {
			return slices.ContainsFunc(dates, func(d HolidayDate) bool { return d.Country == of && d.Open == open && d.comes(year) })
		}
		switch {
		case said(true):
			return false
		case said(false):
			return true
		}
	}
	if !h.National {
		return false
	}
	key := countryYear{country, year}
	public, ok := h.public[key]
	if !ok {
		if h.public == nil {
			h.public = map[countryYear]map[monthDay]string{}
		}
		public = map[monthDay]string{}
		for _, d := range NationalHolidays(country, year) {
			public[monthDay{d.Month, d.Day}] = d.Name
		}
		h.public[key] = public
	}
	_, closed := public[monthDay{month, day}]
	return closed
}

// comes reports whether a date comes in a year.
func (d HolidayDate) comes(year int) bool {
	switch {
	case slices.Contains(d.Except, year):
		return false
	case year == d.Year:
		return true
	case d.Every == 0 || year < d.Year || d.Last > 0 && year > d.Last:
		return false
	}
	return (year-d.Year)%d.Every == 0
}

// Knows reports whether there is something to go by for a country: its public holidays, where they are asked for.
func (h *Holidays) Knows(country string) bool {
	return h == nil || !h.National || nationalHolidays()[country] != nil
}
