package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// comparison is how a value stands to another, both as their flag writes them: below 0 it is tighter, 0 as tight,
// above 0 looser; not ok where neither holds all that the other holds, so that one cannot stand for the other.
type comparison func(s *settings, a, b string) (c int, ok bool)

// numbering gives a value as a number.
type numbering func(s *settings, text string) (float64, error)

// lower has the lower number be tighter.
func lower(of numbering) comparison {
	return func(s *settings, a, b string) (int, bool) {
		x, errX := of(s, a)
		y, errY := of(s, b)
		return cmp.Compare(x, y), errX == nil && errY == nil
	}
}

// higher has the higher number be tighter.
func higher(of numbering) comparison {
	return func(s *settings, a, b string) (int, bool) {
		c, ok := lower(of)(s, a, b)
		return -c, ok
	}
}

func number(_ *settings, text string) (float64, error) { return strconv.ParseFloat(text, 64) }

// noneIfZero is a number of which 0 says that there is no limit.
func noneIfZero(s *settings, text string) (float64, error) {
	n, err := number(s, text)
	if n == 0 {
		n = math.Inf(1)
	}
	return n, err
}

// rateNumber is in calls a second; nothing is the default of where is sent to, and less than any while that is not
// known.
func rateNumber(s *settings, text string) (float64, error) {
	if text == "" {
		t, named, _ := s.target()
		if !named {
			return 0, nil
		}
		return defaultRate(t), nil
	}
	var r rateFlag
	err := r.Set(text)
	return float64(r), err
}

// ageNumber is a length of time in hours; nothing is none.
func ageNumber(_ *settings, text string) (float64, error) {
	if d, err := time.ParseDuration(text); text == "" || err == nil && d == 0 {
		return 0, nil
	}
	var a age
	err := a.Set(text)
	return time.Duration(a).Hours(), err
}

func percentNumber(_ *settings, text string) (float64, error) { return percent(text) }

// fewerRejected compares what --max-rejected says. A number and a share cannot stand for each other: which of
// them is reached first depends on the file.
func fewerRejected(_ *settings, a, b string) (int, bool) {
	var x, y most
	if x.Set(a) != nil || y.Set(b) != nil {
		return 0, false
	}
	bound := func(m most) float64 {
		if m == (most{}) {
			return math.Inf(1)
		}
		return max(float64(m.Rows), m.Share)
	}
	same := (x.Share > 0) == (y.Share > 0) || x == (most{}) || y == (most{})
	return cmp.Compare(bound(x), bound(y)), same
}

// ranked has values that are named with the tightest first.
func ranked(values ...string) comparison {
	return func(_ *settings, a, b string) (int, bool) {
		x, y := slices.Index(values, a), slices.Index(values, b)
		return cmp.Compare(x, y), x >= 0 && y >= 0
	}
}

// fixed has a value stand for nothing but itself, and be tighter than none.
func fixed(_ *settings, a, b string) (int, bool) {
	switch {
	case a == b:
		return 0, true
	case b == "":
		return -1, true
	case a == "":
		return 1, true
	}
	return 0, false
}

// moreSends reports whether more is said to be sent, in the same period by the same method, than is held.
func moreSends(said, holds string) bool {
	read := func(text string) (all allowances) {
		for one := range strings.SplitSeq(text, ", ") {
			if one != "" && all.Set(one) != nil {
				return nil
			}
		}
		return all
	}
	for _, a := range read(said) {
		for _, b := range read(holds) {
			if a.Per == b.Per && a.Method == b.Method && a.Messages > b.Messages {
				return true
			}
		}
	}
	return false
}

// sooner has the time that comes first be tighter.
func sooner(_ *settings, a, b string) (int, bool) {
	now := time.Now()
	next := func(text string) (time.Time, bool) {
		var c clock
		switch {
		case text == "":
			return now.AddDate(1000, 0, 0), true
		case c.Set(text) != nil:
			return now, false
		}
		at := c.on(now, 0)
		if c.tomorrow || !at.After(now) {
			at = c.on(now, 1)
		}
		return at, true
	}
	x, okX := next(a)
	y, okY := next(b)
	return x.Compare(y), okX && okY
}

// within has a part of the day be tighter than one that it lies in.
func within(_ *settings, a, b string) (int, bool) {
	minutes := func(text string) (in [24 * 60]bool, ok bool) {
		var w window
		if text == "" {
			for i := range in {
				in[i] = true
			}
			return in, true
		}
		if w.Set(text) != nil {
			return in, false
		}
		from, to := int(w.from.time.Minutes()), int(w.to.time.Minutes())
		for i := from; i != to; i = (i + 1) % len(in) {
			in[i] = true
		}
		return in, true
	}
	x, okX := minutes(a)
	y, okY := minutes(b)
	return subset(x[:], y[:], okX && okY)
}

// withinWeek has a part of the week be tighter than one that it lies in. Its days are in the short form in which the
// setting writes them, from Monday on.
func withinWeek(_ *settings, a, b string) (int, bool) {
	x, okX := minutesOfWeek(a)
	y, okY := minutesOfWeek(b)
	return subset(x, y, okX && okY)
}

// minutesOfWeek are those that hours hold, from Monday on; all, where nothing is written.
func minutesOfWeek(text string) (in []bool, ok bool) {
	const day = 24 * 60
	in = make([]bool, 7*day)
	for i := range in {
		in[i] = text == ""
	}
	names := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	first, last := -1, -1
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, ",", " ")) {
		from, to, isRange := strings.Cut(word, "-")
		var h, m, h2, m2 int
		switch n, _ := fmt.Sscanf(word, "%d:%d-%d:%d", &h, &m, &h2, &m2); {
		case word == "daily":
			first, last = 0, 6
		case slices.Contains(names, from):
			first = slices.Index(names, from)
			if last = first; isRange {
				last = slices.Index(names, to)
			}
		case n == 4 && first >= 0 && h*60+m >= 0 && h2*60+m2 <= day:
			for d := first; d <= last; d++ {
				for i := h*60 + m; i < h2*60+m2; i++ {
					in[d*day+i] = true
				}
			}
		default:
			return nil, false
		}
		if last < first {
			return nil, false
		}
	}
	return in, true
}

// subset compares two sets: the one that lies in the other is tighter.
func subset(a, b []bool, ok bool) (int, bool) {
	more, less := false, false
	for i := 0; ok && i < len(a); i++ {
		more, less = more || a[i] && !b[i], less || b[i] && !a[i]
	}
	switch {
	case more && less:
		return 0, false
	case more:
		return 1, ok
	case less:
		return -1, ok
	}
	return 0, ok
}

// moreApprovers has the one be tighter by which, of any number of messages, no fewer people have to approve. Where
// nothing is said it depends on where is sent to, and anything may be.
func moreApprovers(_ *settings, a, b string) (int, bool) {
	var x, y approversFlag
	if a == "" || b == "" {
		return cmp.Compare(len(b), len(a)), true
	}
	if x.Set(a) != nil || y.Set(b) != nil {
		return 0, false
	}
	more, less := false, false
	for _, t := range slices.Concat(x.tiers, y.tiers) {
		p, q := x.tiers.For(t.Messages), y.tiers.For(t.Messages)
		more, less = more || p > q, less || p < q
	}
	switch {
	case more && less:
		return 0, false
	case more:
		return -1, true
	case less:
		return 1, true
	}
	return 0, true
}
