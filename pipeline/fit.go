package pipeline

import (
	"math"
	"slices"
	"sort"
	"time"
)

// Fit is what a forecast says of rows as a whole.
type Fit struct {
	First, Last time.Time // when the first and the last of those that make it would go; zero when none does
	Late        []int     // rows that would not go before they expire, or never, in order
	Never       int       // of them, those that would not go at all
}

// Fit says which rows will make it. A row is late when it would go when its session has expired, or not at all.
func (f Forecast) Fit(rows []ForecastRow) Fit { return fitOf(rows, f.Times(rows)) }

func fitOf(rows []ForecastRow, times []int64) (fit Fit) {
	var first, last int64 = math.MaxInt64, math.MinInt64
	for i, at := range times {
		switch {
		case at == Never:
			fit.Never++
			fit.Late = append(fit.Late, i)
		case rows[i].expired(at):
			fit.Late = append(fit.Late, i)
		default:
			first, last = min(first, at), max(last, at)
		}
	}
	if last >= first {
		fit.First, fit.Last = time.Unix(0, first), time.Unix(0, last)
	}
	return fit
}

// roundRates are those that are proposed, a second.
var roundRates = []float64{0.5, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000}

// RateThatFits gives the lowest round rate a second above the forecast's own by which every row would make it, or 0 when
// none does, since it is not the rate that holds them up.
func (f Forecast) RateThatFits(rows []ForecastRow) float64 {
	from := sort.SearchFloat64s(roundRates, math.Nextafter(f.Rate, math.Inf(1)))
	rates := roundRates[from:]
	at := sort.Search(len(rates), func(i int) bool {
		f.Rate = rates[i]
		return len(f.Fit(rows).Late) == 0
	})
	if at == len(rates) {
		return 0
	}
	return rates[at]
}

// HoursThatFit gives the narrowest hours of some that are wider than the given ones by which every row would make it:
// the same on every day, from eight to ten at night, and always. False when it is not the hours that hold them up. with gives
// the calendars of the classes by other hours.
func (f Forecast) HoursThatFit(rows []ForecastRow, now Hours, with func(Hours) []*Calendar) (Hours, bool) {
	for _, h := range now.wider() {
		f.Classes = with(h)
		if len(f.Fit(rows).Late) == 0 {
			return h, true
		}
	}
	return Hours{}, false
}

// wider gives hours that hold these and more, from the narrowest on.
func (h Hours) wider() (all []Hours) {
	if h.Always() {
		return nil
	}
	var daily, long, always Hours
	from, to := dayMinutes, 0
	for _, day := range h.week {
		for _, s := range day {
			from, to = min(from, s.from), max(to, s.to)
		}
	}
	for d := range 7 {
		daily.week[d] = []daySpan{{from, to}}
		long.week[d] = []daySpan{{min(from, 8*60), max(to, 22*60)}}
		always.week[d] = []daySpan{{0, dayMinutes}}
	}
	for _, wide := range []Hours{daily, long, always} {
		if wide.String() != h.String() && !slices.ContainsFunc(all, func(o Hours) bool { return o.String() == wide.String() }) {
			all = append(all, wide)
		}
	}
	return all
}
