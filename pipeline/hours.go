package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are the times of the week at which a recipient may be messaged, by the clock on the recipient's wall. The zero
// Hours hold always. They are written and read, also in JSON, as [ParseHours] has them.
type Hours struct{ week [7][]daySpan } // from Sunday on; each day's in order, apart from each other

// daySpan is a part of a day, in minutes since midnight; to is not of it.
type daySpan struct{ from, to int }

const dayMinutes = 24 * 60

var (
	weekdays  = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	hoursDash = regexp.MustCompile(`\s*[-–—]\s*`)
	hoursSpan = regexp.MustCompile(`^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$`)
)

// ParseHours reads sending hours such as "mon-fri 09:00-12:00 13:00-20:00, sat 10:00-16:00": days, and then the hours
// of each of them. Days are English, in full or by three letters, ranges of them (fri-mon goes over the weekend), or daily. A day
// that is not named is closed. What goes past midnight is refused, since it is not plain whose day it belongs to: it is two
// parts, fri 20:00-24:00 and sat 00:00-02:00, which are then one. So are hours of one day that overlap: "mon-fri 09:00-20:00, fri
// 10:00-16:00" most likely means fewer hours on Friday, and both together would be more.
func ParseHours(text string) (Hours, error) {
	var h Hours
	var days []int
	spans, n := 0, 0 // of these days; and words
	for word := range strings.FieldsFuncSeq(hoursDash.ReplaceAllString(strings.ToLower(text), "-"), func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '\t' || r == '\n' }) {
		n++
		if m := hoursSpan.FindStringSubmatch(word); m != nil {
			span, err := parseSpan(word, m[1:])
			switch {
			case err != nil:
				return Hours{}, err
			case len(days) == 0:
				return Hours{}, fmt.Errorf("the hours %s stand before any day: write daily %s, or mon-fri %s", word, word, word)
			}
			for _, d := range days {
				if err := h.add(d, span, word); err != nil {
					return Hours{}, err
				}
			}
			spans++
			continue
		}
		more, ok := parseDays(word)
		if !ok { // which is not shown: it may be a password in the wrong place
			return Hours{}, fmt.Errorf("word %d is no day and no hours; they are written like %s", n, hoursExample)
		}
		if spans > 0 {
			days, spans = nil, 0
		}
		days = append(days, more...)
	}
	switch {
	case len(days) == 0:
		return Hours{}, fmt.Errorf("no hours are written; they are like %s", hoursExample)
	case spans == 0:
		return Hours{}, fmt.Errorf("no hours follow the last day; they are written like %s", hoursExample)
	}
	return h, nil
}

const hoursExample = `"mon-fri 09:00-20:00, sat 10:00-16:00"`

func parseDays(word string) (days []int, ok bool) {
	if word == "daily" {
		return []int{1, 2, 3, 4, 5, 6, 0}, true
	}
	first, last, isRange := strings.Cut(word, "-")
	from, ok := dayOf(first)
	to := from
	if ok && isRange {
		to, ok = dayOf(last)
	}
	if !ok {
		return nil, false
	}
	days = []int{from}
	for d := from; d != to; {
		d = (d + 1) % 7
		days = append(days, d)
	}
	return days, true
}

func dayOf(name string) (int, bool) {
	for d, short := range weekdays {
		if name == short || name == strings.ToLower(time.Weekday(d).String()) {
			return d, true
		}
	}
	return 0, false
}

func parseSpan(word string, digits []string) (daySpan, error) {
	var n [4]int
	for i, d := range digits {
		n[i], _ = strconv.Atoi(d) // two digits at most
	}
	s := daySpan{n[0]*60 + n[1], n[2]*60 + n[3]}
	switch {
	case n[1] > 59 || n[3] > 59 || s.from >= dayMinutes || s.to > dayMinutes:
		return daySpan{}, fmt.Errorf("%s are no times of a day, which go from 00:00 to 24:00", word)
	case s.from == s.to || s.to == 0:
		return daySpan{}, fmt.Errorf("%s has no length; the end of a day is written 24:00", word)
	case s.from > s.to:
		return daySpan{}, fmt.Errorf("%s goes past midnight: write the part until 24:00 at the one day and that from 00:00 at the next", word)
	}
	return s, nil
}

// add adds a span to a day, in order.
func (h *Hours) add(day int, s daySpan, word string) error {
	all := h.week[day]
	i := 0
	for i < len(all) && all[i].to < s.from {
		i++
	}
	switch {
	case i < len(all) && all[i].to == s.from: // which goes on
		s.from = all[i].from
		all = slices.Delete(all, i, i+1)
	case i < len(all) && all[i].from < s.to:
		return fmt.Errorf("%s has hours that overlap, %s and %s: say one of them for that day", weekdays[day], all[i], word)
	}
	if i < len(all) && all[i].from < s.to {
		return fmt.Errorf("%s has hours that overlap, %s and %s: say one of them for that day", weekdays[day], all[i], word)
	}
	if i < len(all) && all[i].from == s.to {
		s.to = all[i].to
		all = slices.Delete(all, i, i+1)
	}
	h.week[day] = slices.Insert(all, i, s)
	return nil
}

func (s daySpan) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.from/60, s.from%60, s.to/60, s.to%60)
}

// Always reports whether the hours hold always.
func (h Hours) Always() bool {
	for _, day := range h.week {
		if len(day) > 0 {
			return false
		}
	}
	return true
}

// String writes the hours as ParseHours reads them; empty where they hold always.
func (h Hours) String() string {
	var parts []string
	for i := 0; i < 7; {
		day := (i + 1) % 7 // a week begins on Monday, where it can be written
		same := i + 1
		for same < 7 && slices.Equal(h.week[(same+1)%7], h.week[day]) {
			same++
		}
		if spans := h.week[day]; len(spans) > 0 {
			name := weekdays[day]
			switch same - i {
			case 1:
			case 7:
				name = "daily"
			default:
				name += "-" + weekdays[same%7]
			}
			for _, s := range spans {
				name += " " + s.String()
			}
			parts = append(parts, name)
		}
		i = same
	}
	return strings.Join(parts, ", ")
}

// MarshalText is String.
func (h Hours) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is ParseHours, and takes an empty text for hours that hold always.
func (h *Hours) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*h = Hours{}
		return nil
	}
	*h, err = ParseHours(string(text))
	return err
}
