package pipeline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// dayOfUTC is a day's quota, as a zone without summer time has it.
func dayOfUTC(t time.Time) (from, to time.Time) {
	from = t.UTC().Truncate(24 * time.Hour)
	return from, from.Add(24 * time.Hour)
}

// TestForecast names when each row goes.
func TestForecast(t *testing.T) {
	stockholm := Locale{"SE", []string{"Europe/Stockholm"}}
	newYork := Locale{"US", []string{"America/New_York"}}
	office := []*Calendar{
		mustCalendar(t, "daily 09:00-20:00", nil, time.Hour, stockholm), mustCalendar(t, "daily 09:00-20:00", nil, time.Hour, newYork),
		mustCalendar(t, "mon 09:00-09:30", nil, time.Hour, stockholm), nil,
	}
	start := instant(t, "2026-01-12T07:59:00Z") // a minute before nine in Stockholm
	day := func(limit, method, used int) ForecastQuota {
		return ForecastQuota{Limit: limit, Method: method, Period: dayOfUTC, Used: used}
	}
	tests := []struct {
		why  string
		f    Forecast
		rows []ForecastRow
		want string // the clock in Greenwich, with the days after the first before it
	}{
		{"the rate alone", Forecast{Rate: 2}, []ForecastRow{{Class: 3}, {Class: 3}, {Class: 3}}, "07:59:00 07:59:00.5 07:59:01"},
		{"without a rate", Forecast{Rate: math.Inf(1)}, []ForecastRow{{Class: 3}, {Class: 3}}, "07:59:00 07:59:00"},
		{"one who may goes before one who may not yet", Forecast{Rate: 1}, []ForecastRow{{}, {Class: 1}, {Class: 3}, {}}, "08:00:00 14:00:00 07:59:00 08:00:01"},
		{"no call within the margin", Forecast{Rate: 1.0 / 3600 / 6}, []ForecastRow{{}, {}, {}}, "08:00:00 14:00:00 1d 08:00:00"},
		{"hours that are too short", Forecast{Rate: 1}, []ForecastRow{{Class: 2}, {}}, "never 08:00:00"},
		{"a quota of two a day", Forecast{Rate: 1, Quotas: []ForecastQuota{day(2, -1, 0)}}, []ForecastRow{{Class: 3}, {Class: 3}, {Class: 3}, {Class: 3}, {Class: 3}}, "07:59:00 07:59:01 1d 00:00:00 1d 00:00:01 2d 00:00:00"},
		{"of which one is used", Forecast{Rate: 1, Quotas: []ForecastQuota{day(2, -1, 1)}}, []ForecastRow{{Class: 3}, {Class: 3}}, "07:59:00 1d 00:00:00"},
		{"of which more are used", Forecast{Rate: 1, Quotas: []ForecastQuota{day(2, -1, 9)}}, []ForecastRow{{Class: 3}, {Class: 3}}, "1d 00:00:00 1d 00:00:01"},
		{"a quota of one method", Forecast{Rate: 1, Quotas: []ForecastQuota{day(1, 1, 0), day(9, 0, 0)}}, []ForecastRow{{Class: 3, Method: 1}, {Class: 3, Method: 1}, {Class: 3}}, "07:59:00 1d 00:00:00 07:59:01"},
		{"quota and hours", Forecast{Rate: 1, Quotas: []ForecastQuota{day(1, -1, 1)}}, []ForecastRow{{}, {}}, "1d 08:00:00 2d 08:00:00"},
		{"a quota of nothing", Forecast{Rate: 1, Quotas: []ForecastQuota{day(0, -1, 0)}}, []ForecastRow{{}, {Class: 3}}, "never never"},
		{"until", Forecast{Rate: 1, Until: start.Add(2 * time.Second)}, []ForecastRow{{Class: 3}, {}, {Class: 3}, {Class: 3}}, "07:59:00 never 07:59:01 never"},
		{"the soonest to expire", Forecast{Rate: 1, BySoonest: true}, []ForecastRow{{Class: 3}, {Class: 3, Expires: 9}, {Class: 3, Expires: 5}, {Class: 3, Expires: 9}}, "07:59:03 07:59:01 07:59:00 07:59:02"},
		{"the soonest of those who may", Forecast{Rate: 1, BySoonest: true}, []ForecastRow{{Class: 3}, {Expires: 9}, {Class: 3, Expires: 50}}, "07:59:01 08:00:00 07:59:00"},
	}
	for _, test := range tests {
		test.f.Start, test.f.Classes = start, office
		var got []string
		for _, at := range test.f.Times(test.rows) {
			if at == Never {
				got = append(got, "never")
				continue
			}
			shown := time.Unix(0, at).UTC()
			text := shown.Format("15:04:05.999")
			if days := int(shown.Truncate(24*time.Hour).Sub(start.Truncate(24*time.Hour)) / (24 * time.Hour)); days > 0 {
				text = fmt.Sprintf("%dd %s", days, text)
			}
			got = append(got, text)
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s: %s, want %s", test.why, text, test.want)
		}
	}
}

// TestForecastIsTheSimplest holds the forecast to one that looks at every row at every moment.
func TestForecastIsTheSimplest(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	start := instant(t, "2026-03-27T12:00:00Z") // before a weekend on which clocks change
	classes := []*Calendar{
		nil, mustCalendar(t, "mon-fri 09:00-12:00 13:00-20:00", nil, 10*time.Minute, Locale{"SE", []string{"Europe/Stockholm"}}),
		mustCalendar(t, "daily 09:00-20:00", &Holidays{National: true}, 10*time.Minute, Locale{"US", []string{"America/New_York", "Pacific/Honolulu"}}),
	}
	for range 40 {
		f := Forecast{Start: start, Rate: 1.0 / 600, Classes: classes, BySoonest: rng.IntN(2) == 0}
		if rng.IntN(2) == 0 {
			f.Quotas = append(f.Quotas, ForecastQuota{Limit: 1 + rng.IntN(30), Method: rng.IntN(3) - 1, Period: dayOfUTC, Used: rng.IntN(10)})
		}
		if rng.IntN(3) == 0 {
			f.Until = start.Add(time.Duration(rng.IntN(100)) * time.Hour)
		}
		rows := make([]ForecastRow, rng.IntN(200))
		for i := range rows {
			rows[i] = ForecastRow{Class: uint16(rng.IntN(3)), Method: uint16(rng.IntN(2))}
			if rng.IntN(2) == 0 {
				rows[i].Expires = start.Add(time.Duration(rng.IntN(5)) * time.Hour).Unix()
			}
		}
		got, want := f.Times(rows), simplest(f, rows)
		for i := range rows {
			if got[i] != want[i] {
				t.Fatalf("row %d of %d goes at %s, want %s: %+v", i, len(rows), time.Unix(0, got[i]), time.Unix(0, want[i]), f)
			}
		}
	}
}

// simplest goes from minute to minute, or from row to row where they go.
func simplest(f Forecast, rows []ForecastRow) []int64 {
	times := make([]int64, len(rows))
	for i := range times {
		times[i] = Never
	}
	used := make([]int, len(f.Quotas))
	ends := make([]time.Time, len(f.Quotas))
	for i, q := range f.Quotas {
		used[i] = q.Used
		_, ends[i] = q.Period(f.Start)
	}
	left := len(rows)
	for now := f.Start; left > 0 && now.Before(f.Start.Add(60*24*time.Hour)) && (f.Until.IsZero() || now.Before(f.Until)); {
		for i, q := range f.Quotas {
			if !now.Before(ends[i]) {
				used[i] = 0
				_, ends[i] = q.Period(now)
			}
		}
		best := -1
		open := make([]bool, len(f.Classes))
		for i, c := range f.Classes {
			open[i] = c == nil || c.Open(now)
		}
		for i, r := range rows {
			may := times[i] == Never && open[r.Class]
			for n, q := range f.Quotas {
				may = may && (q.Method >= 0 && q.Method != int(r.Method) || used[n] < q.Limit)
			}
			if may && (best < 0 || f.BySoonest && r.lasts() < rows[best].lasts()) {
				best = i
			}
		}
		if best < 0 {
			now = now.Add(5 * time.Minute).Truncate(5 * time.Minute)
			continue
		}
		times[best] = now.UnixNano()
		left--
		for n, q := range f.Quotas {
			if q.Method < 0 || q.Method == int(rows[best].Method) {
				used[n]++
			}
		}
		now = now.Add(time.Duration(1e9 / f.Rate))
	}
	return times
}

// TestFit says which rows will not make it, and what would make them fit.
func TestFit(t *testing.T) {
	start := instant(t, "2026-01-16T08:00:00Z") // a Friday, nine in Stockholm
	hours := mustHours(t, "mon-fri 09:00-20:00, sat 10:00-16:00")
	with := func(h Hours) []*Calendar {
		return []*Calendar{mustCalendar(t, h.String(), nil, 5*time.Minute, Locale{"SE", []string{"Europe/Stockholm"}})}
	}
	rows := make([]ForecastRow, 100)
	expire := func(after time.Duration) []ForecastRow {
		for i := range rows {
			rows[i].Expires = start.Add(after).Unix()
		}
		return rows
	}
	f := Forecast{Start: start, Rate: 1, Classes: with(hours)}
	fit := f.Fit(expire(time.Minute))
	if len(fit.Late) != 40 || fit.Late[0] != 60 || fit.Never != 0 || !fit.First.Equal(start) || !fit.Last.Equal(start.Add(59*time.Second)) {
		t.Errorf("a minute: %+v", fit)
	}
	if rate := f.RateThatFits(rows); rate != 2 {
		t.Errorf("a rate of %v would do", rate)
	}
	if h, ok := f.HoursThatFit(rows, hours, with); ok {
		t.Errorf("the hours %s would do", h)
	}
	f.Start = instant(t, "2026-01-17T15:30:00Z") // late on Saturday
	start = f.Start
	if fit := f.Fit(expire(24 * time.Hour)); len(fit.Late) != 100 || fit.Never != 0 || !fit.Last.IsZero() {
		t.Errorf("over Sunday: %+v", fit)
	}
	if rate := f.RateThatFits(rows); rate != 0 {
		t.Errorf("over Sunday a rate of %v would do", rate)
	}
	if h, ok := f.HoursThatFit(rows, hours, with); !ok || h.String() != "daily 09:00-20:00" {
		t.Errorf("over Sunday the hours %s would do: %t", h, ok)
	}
	expire(2 * time.Minute)
	start = f.Start
	if h, ok := f.HoursThatFit(rows, mustHours(t, "daily 22:00-23:00"), with); !ok || h.String() != "daily 08:00-23:00" {
		t.Errorf("at once the hours %s would do: %t", h, ok)
	}
}

// A million rows of many classes are forecast in two seconds.
func TestForecastOfAMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var classes []*Calendar
	for _, name := range everyZone(t) {
		if len(classes) == 200 {
			break
		}
		classes = append(classes, mustCalendar(t, "mon-fri 09:00-20:00, sat 10:00-16:00", &Holidays{National: true}, 5*time.Minute, Locale{"SE", []string{name}}))
	}
	rng := rand.New(rand.NewPCG(3, 4))
	rows := make([]ForecastRow, 1_000_000)
	for i := range rows {
		rows[i] = ForecastRow{Class: uint16(rng.IntN(len(classes))), Expires: 2_000_000_000 + rng.Int64N(1e6)}
	}
	f := Forecast{
		Start: instant(t, "2026-01-16T08:00:00Z"), Rate: 20, Classes: classes, BySoonest: true,
		Quotas: []ForecastQuota{{Limit: 200_000, Method: -1, Period: dayOfUTC}},
	}
	began := time.Now()
	fit := f.Fit(rows)
	t.Logf("%v for a million rows, the last of which goes at %s", time.Since(began), fit.Last.UTC())
	if fit.Never > 0 || len(fit.Late) > 0 || fit.Last.Before(f.Start.Add(4*24*time.Hour)) {
		t.Errorf("%d never, %d late, the last at %s", fit.Never, len(fit.Late), fit.Last)
	}
}
