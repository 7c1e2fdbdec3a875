package pipeline

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// ForecastRow is a row that is to be sent, as a forecast sees it.
type ForecastRow struct {
	Class   uint16 // index of Forecast.Classes
	Method  uint16 // index of what the caller's quotas tell apart, such as SMS and e-mail
	Expires int64  // Unix seconds at which its session ends; 0 where that is not known
}

// ForecastQuota is how many rows may go in a period.
type ForecastQuota struct {
	Limit  int
	Method int // of ForecastRow.Method; negative for all
	// Period gives the bounds of the period that a time is in, such as a day in the user's zone.
	Period func(t time.Time) (from, to time.Time)
	Used   int // sent in the period of Start already
}

// Forecast is what it takes to say when rows will go. It is a pure function of its fields.
type Forecast struct {
	Start   time.Time
	Rate    float64     // rows a second; +Inf for no limit
	Classes []*Calendar // by which the rows may go; nil for always
	Quotas  []ForecastQuota
	Until   time.Time // no row goes from then on; zero for no end
	// BySoonest has the rows go in the order in which they expire, those that do not last; else in their own.
	BySoonest bool
	// Drop leaves a row out that has expired when its turn comes: it takes no slot and no quota.
	Drop bool
}

// Never is the time of a row that does not go, by a forecast.
const Never = math.MaxInt64

// Times gives for each row the Unix time, in nanoseconds, at which it would go; Never for one that would not, since its
// hours never come, Until comes before, or so many go before it that it is years. As the sending does, it takes at each moment the first row
// of which the class is open and no quota is used up. Retries and refusals are not foreseen, nor what other runs take.
func (f Forecast) Times(rows []ForecastRow) []int64 {
	s := f.simulation(rows)
	for s.left > 0 && s.step() {
	}
	return s.times
}

// forecastHorizon is how far ahead a forecast looks.
const forecastHorizon = 2 * 366 * 24 * time.Hour

// simulation is a forecast in the making.
type simulation struct {
	Forecast
	rows    []ForecastRow
	times   []int64
	queues  []forecastQueue
	left    int
	now     time.Time
	gap     float64 // nanoseconds between rows
	part    float64 // of a nanosecond, that was rounded off
	horizon time.Time
	periods []forecastPeriod
}

// forecastQueue holds the rows of one class and method, in their order.
type forecastQueue struct {
	class, method int
	rows          []int32
	next          int
	from, to      time.Time // the stretch in which they may go, or will next; a zero from is never, a zero to has no end
}

type forecastPeriod struct {
	to   time.Time
	used int
}

func (f Forecast) simulation(rows []ForecastRow) *simulation {
	s := &simulation{
		Forecast: f, rows: rows, times: make([]int64, len(rows)), now: f.Start, horizon: f.Start.Add(forecastHorizon),
		periods: make([]forecastPeriod, len(f.Quotas)),
	}
	if s.gap = 1e9 / f.Rate; math.IsInf(f.Rate, 1) || f.Rate <= 0 {
		s.gap = 0
	}
	if !f.Until.IsZero() && f.Until.Before(s.horizon) {
		s.horizon = f.Until
	}
	for i, q := range f.Quotas {
		_, s.periods[i].to = q.Period(f.Start)
		s.periods[i].used = q.Used
	}
	index := map[[2]uint16]int{}
	for i, r := range rows {
		s.times[i] = Never
		key := [2]uint16{r.Class, r.Method}
		n, ok := index[key]
		if !ok {
			n = len(s.queues)
			index[key] = n
			s.queues = append(s.queues, forecastQueue{class: int(r.Class), method: int(r.Method)})
		}
		s.queues[n].rows = append(s.queues[n].rows, int32(i))
	}
	for i := range s.queues {
		q := &s.queues[i]
		if f.BySoonest {
			slices.SortStableFunc(q.rows, func(a, b int32) int { return cmp.Compare(rows[a].lasts(), rows[b].lasts()) })
		}
		s.open(q)
	}
	s.left = len(rows)
	return s
}

// lasts is when a row expires, the last of all where it does not.
func (r ForecastRow) lasts() int64 {
	if r.Expires == 0 {
		return math.MaxInt64
	}
	return r.Expires
}

// expired reports whether the session of a row has expired at a time, in Unix nanoseconds.
func (r ForecastRow) expired(at int64) bool {
	return r.Expires != 0 && (at == Never || at >= r.Expires*int64(time.Second))
}

// open finds when the rows of a queue may go, from now on.
func (s *simulation) open(q *forecastQueue) {
	q.from, q.to = s.now, time.Time{}
	if q.class < len(s.Classes) && s.Classes[q.class] != nil {
		q.from, q.to = s.Classes[q.class].Next(s.now)
	}
}

// step lets rows go until something changes, or goes on to when something does. It reports whether more can go.
func (s *simulation) step() bool {
	if !s.now.Before(s.horizon) {
		return false
	}
	s.renew()
	open, change := s.queuesOpen()
	if len(open) == 0 {
		if change.IsZero() {
			return false
		}
		s.now, s.part = change, 0
		return true
	}
	if change.IsZero() || s.horizon.Before(change) {
		change = s.horizon
	}
	for line := s.lineUp(open); len(line.queues) > 0 && s.now.Before(change); {
		q := line.queues[0]
		row := q.rows[q.next]
		s.times[row] = s.now.UnixNano()
		q.next++
		s.left--
		line.settle(0)
		if s.Drop && s.rows[row].expired(s.now.UnixNano()) {
			continue
		}
		full := false
		for i, quota := range s.Quotas {
			if quota.Method < 0 || quota.Method == q.method {
				s.periods[i].used++
				full = full || s.periods[i].used >= quota.Limit
			}
		}
		whole := math.Floor(s.gap + s.part)
		s.part += s.gap - whole
		s.now = s.now.Add(time.Duration(whole))
		if full {
			return true
		}
	}
	return true
}

// renew begins the periods that have come.
func (s *simulation) renew() {
	for i := range s.periods {
		if p := &s.periods[i]; !s.now.Before(p.to) {
			_, p.to = s.Quotas[i].Period(s.now)
			p.used = 0
		}
	}
}

// queuesOpen gives the queues of which rows may go now, and when that changes; zero for never.
func (s *simulation) queuesOpen() (open []*forecastQueue, change time.Time) {
	sooner := func(t time.Time) {
		if t.After(s.now) && (change.IsZero() || t.Before(change)) {
			change = t
		}
	}
	for i := range s.queues {
		q := &s.queues[i]
		if q.next == len(q.rows) || q.from.IsZero() {
			continue
		}
		if !q.to.IsZero() && !s.now.Before(q.to) {
			s.open(q)
		}
		switch {
		case q.from.IsZero():
			continue
		case q.from.After(s.now):
			sooner(q.from)
			continue
		}
		full := false
		for n, quota := range s.Quotas {
			if (quota.Method < 0 || quota.Method == q.method) && s.periods[n].used >= quota.Limit {
				sooner(s.periods[n].to)
				full = true
			}
		}
		if !full {
			open = append(open, q)
			sooner(q.to)
		}
	}
	for n := range s.periods { // which the rows may use up, or not
		sooner(s.periods[n].to)
	}
	return open, change
}

// forecastLine is a heap of queues, the one whose next row goes first before the others.
type forecastLine struct {
	*simulation
	queues []*forecastQueue
}

func (s *simulation) lineUp(open []*forecastQueue) *forecastLine {
	l := &forecastLine{s, open}
	for i := len(open)/2 - 1; i >= 0; i-- {
		l.settle(i)
	}
	return l
}

// settle brings a queue to its place, or out of the line when it is empty.
func (l *forecastLine) settle(i int) {
	if q := l.queues[i]; q.next == len(q.rows) {
		last := len(l.queues) - 1
		l.queues[i] = l.queues[last]
		l.queues = l.queues[:last]
	}
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(l.queues); child++ {
			if l.ahead(child, first) {
				first = child
			}
		}
		if first == i {
			return
		}
		l.queues[i], l.queues[first] = l.queues[first], l.queues[i]
		i = first
	}
}

func (l *forecastLine) ahead(a, b int) bool {
	qa, qb := l.queues[a], l.queues[b]
	return l.before(qa.rows[qa.next], qb.rows[qb.next])
}

// before reports whether one row goes before another when both may.
func (s *simulation) before(a, b int32) bool {
	if s.BySoonest {
		if c := cmp.Compare(s.rows[a].lasts(), s.rows[b].lasts()); c != 0 {
			return c < 0
		}
	}
	return a < b
}
