package cli

import (
	"cmp"
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
