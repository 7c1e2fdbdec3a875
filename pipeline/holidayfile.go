package pipeline

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"hppsend/internal/contact"
)

// ReadHolidays reads a file of holidays: a calendar (iCalendar, RFC 5545) of events of whole days, of which each may last
// several and come again each year; or a date a line, 2026-12-24, with a country behind it where it is of one only, and
// "not" or a minus before it where it is taken off the public holidays. What follows a # is a remark. Every line that
// cannot be read is told of, in one *Error of kind BadInput.
func ReadHolidays(name string, data []byte) ([]HolidayDate, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := holidayReader{name: name}
	switch {
	case !utf8.Valid(data):
		r.fault(1, "it is no text in UTF-8")
	case bytes.HasPrefix(bytes.ToUpper(bytes.TrimSpace(data)), []byte("BEGIN:VCALENDAR")):
		r.calendar(string(data))
	default:
		r.lines(string(data))
	}
	if len(r.faults) == 0 && len(r.dates) == 0 {
		r.fault(0, "it holds no date")
	}
	if len(r.faults) > 0 {
		return nil, &Error{
			Kind: BadInput, Place: Place{File: name, Line: r.first}, Problem: strings.Join(r.faults, "; "),
			Todo: "write a date a line, such as 2026-12-24, or 2026-06-19 SE for one country, or export a calendar (.ics) of whole days",
		}
	}
	return r.dates, nil
}

type holidayReader struct {
	name   string
	dates  []HolidayDate
	faults []string
	first  int // line of the first
}

func (r *holidayReader) fault(line int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(r.faults) == 0 {
		r.first = line
	} else {
		text = fmt.Sprintf("line %d: %s", line, text)
	}
	r.faults = append(r.faults, text)
}

// add adds as many days from one on as an event lasts.
func (r *holidayReader) add(from time.Time, days int, d HolidayDate) {
	for i := range days {
		day, of := from.AddDate(0, 0, i), d
		of.Year, of.Month, of.Day = day.Year(), day.Month(), day.Day()
		over := day.Year() - from.Year() // of an event over the new year
		if d.Last > 0 {
			of.Last = d.Last + over
		}
		of.Except = nil
		for _, year := range d.Except {
			of.Except = append(of.Except, year+over)
		}
		r.dates = append(r.dates, of)
	}
}

var holidayLine = regexp.MustCompile(`^(-|not\s+)?\s*(\d{4}-\d{2}-\d{2})(?:[\s,;]+(.*))?$`)

func (r *holidayReader) lines(text string) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		m := holidayLine.FindStringSubmatch(strings.ToLower(line))
		if m == nil {
			r.fault(n, "%q is no date", shortened(line))
			continue
		}
		day, err := time.Parse(time.DateOnly, m[2])
		if err != nil {
			r.fault(n, "there is no day %s", m[2])
			continue
		}
		d := HolidayDate{Open: m[1] != ""}
		if of := strings.Trim(m[3], " ,;\t"); of != "" {
			var ok bool
			if d.Country, ok = contact.Country(of); !ok {
				r.fault(n, "%q is no country; a remark goes behind a #", shortened(of))
				continue
			}
		}
		r.add(day, 1, d)
	}
}

// shortened is what stands in a file, as far as a message needs it.
func shortened(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}
