package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

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
