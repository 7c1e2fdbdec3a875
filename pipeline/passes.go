package pipeline

import (
	"context"
	"maps"
	"sync"
	"time"
)

// passes read a file again and give the rows that are due, as far as they may be sent at the time; what may not yet is
// left to a later pass. So rows for which it is too early keep no others waiting, and take no memory but a bit.
type passes struct {
	plan *Plan
	file int
	src  Source

	mu    sync.Mutex
	given []uint64           // a bit for each row that was given and has not come back
	shut  map[Method]barrier // by which no message may go for a while
	open  []opening          // of each locale of the plan, as far as it is known
	early time.Time          // when the first of the rows that were left out as it is too early for them may go; zero for none
	tried map[int]*job       // rows that came back after a call, or whose second contact is elsewhere, by their numbers
	left  bool               // a row was left out by the last pass, or has come back since
}

// barrier is until when no message may go by a method, and why.
type barrier struct {
	until time.Time
	why   Finding
	soon  bool // it is only a moment
}

func newPasses(p *Plan, file int, src Source) *passes {
	return &passes{
		plan: p, file: file, src: src, given: make([]uint64, (p.Files[file].rows+63)/64), shut: map[Method]barrier{}, tried: map[int]*job{},
	}
}

// begin reads the file once more. The channel is closed at its end, after an error, or when the context ends.
func (f *passes) begin(ctx context.Context) <-chan feedItem {
	f.mu.Lock()
	f.left, f.early = false, time.Time{}
	maps.DeleteFunc(f.shut, func(_ Method, c barrier) bool { return !time.Now().Before(c.until) })
	f.mu.Unlock()
	out := make(chan feedItem)
	go func() {
		defer close(out)
		send := func(i feedItem) bool {
			select {
			case out <- i:
				return true
			case <-ctx.Done():
				return false
			}
		}
		err := Guarded(func() error {
			return f.plan.inOrder(ctx, f.file, f.src, f.may, func(j *job) bool {
				if j = f.take(j); j == nil {
					return true
				}
				return send(feedItem{job: j})
			})
		})
		if err != nil && ctx.Err() == nil { // else the reading was broken off, and nothing is wrong with the input
			send(feedItem{err: err})
		}
	}()
	return out
}

// may reports whether a row is to be given now.
func (f *passes) may(n int, e *entry) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.given[n/64]&(1<<(n%64)) != 0 {
		return false
	}
	by := f.plan.method(e)
	if j := f.tried[n]; j != nil {
		by = j.attempt.Distribution.Method
	}
	if time.Now().Before(f.shut[by].until) {
		f.left = true
		return false
	}
	opens := f.opening(f.plan.Files[f.file].first+n, time.Now())
	if j := f.tried[n]; j != nil && time.Now().Before(j.due) {
		opens = j.due
	}
	if !opens.IsZero() {
		f.tooEarly(opens)
		return false
	}
	f.given[n/64] |= 1 << (n % 64)
	return true
}

// opening is a stretch of time in which rows may go.
type opening struct{ from, to time.Time }

// opening gives when a row may go that may not now, by the hours where its recipient is; zero for one that may.
func (f *passes) opening(ordinal int, now time.Time) time.Time {
	w := &f.plan.where
	if w.rows.len() == 0 {
		return time.Time{}
	}
	if f.open == nil {
		f.open = make([]opening, len(w.calendars))
	}
	at := *w.rows.at(ordinal)
	o := &f.open[at]
	switch {
	case w.calendars[at] == nil:
		return time.Time{}
	case o.from.IsZero() || !o.to.IsZero() && !now.Before(o.to) || now.Before(o.from): // also when the clock was put back
		o.from, o.to = w.calendars[at].Next(now)
		if o.from.IsZero() {
			o.from = now.Add(hoursHorizon)
		}
	}
	if now.Before(o.from) {
		return o.from
	}
	return time.Time{}
}

// take readies a row that is to be given; nil when it may not go any more, by what was learnt since it was read.
func (f *passes) take(j *job) *job {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := j.attempt.N
	if known := f.tried[n]; known != nil {
		delete(f.tried, n)
		return known
	}
	if e := f.plan.entries.at(f.plan.Files[f.file].first + n); time.Now().Before(f.shut[f.plan.method(e)].until) {
		f.given[n/64] &^= 1 << (n % 64)
		f.left = true
		return nil
	}
	j.later = func(r Result) { f.back(j, r) }
	return j
}

// tooEarly takes note of a row for which it is too early; f.mu is held.
func (f *passes) tooEarly(opens time.Time) {
	f.left = true
	if f.early.IsZero() || opens.Before(f.early) {
		f.early = opens
	}
}

// back takes a row back. What keeps it for the hours where its recipient is keeps no other, but those that are looked at
// anyway; else others that go by the same method are not given for as long as it.
func (f *passes) back(j *job, r Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := j.attempt.N
	f.given[n/64] &^= 1 << (n % 64)
	f.left = true
	elsewhere := r.Unclaimed.Code == CodeHours && f.opening(f.plan.Files[f.file].first+n, time.Now()).IsZero()
	if j.due = (time.Time{}); elsewhere {
		j.due = r.Again
	}
	if j.attempt.Own != 0 || elsewhere {
		f.tried[n] = j
	}
	if r.Unclaimed.Code == CodeHours {
		f.tooEarly(r.Again)
	} else if m := r.Made.Method; r.Again.After(f.shut[m].until) {
		f.shut[m] = barrier{r.Again, Finding{Code: r.Unclaimed.Code, Reason: r.Unclaimed.Reason}, r.Soon}
	}
}

// untried reports whether none of the rows that are left was called already.
func (f *passes) untried() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, j := range f.tried {
		if j.attempt.Own != 0 {
			return false
		}
	}
	return true
}

// opens gives when another pass is worth while, which may be now, and what keeps it until then: no finding for the hours.
// ok is false when no row is left.
func (f *passes) opens() (first barrier, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.shut {
		if first.until.IsZero() || c.until.Before(first.until) {
			first = c
		}
	}
	if !f.early.IsZero() && (first.until.IsZero() || f.early.Before(first.until)) {
		first = barrier{until: f.early}
	}
	return first, f.left
}
