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
	given []uint64             // a bit for each row that was given and has not come back
	shut  map[Method]time.Time // until when no message may go by a method
	open  []opening            // of each locale of the plan, as far as it is known
	early time.Time            // when the first of the rows that were left out as it is too early for them may go; zero for none
	left  bool                 // a row was left out by the last pass, or has come back since
}

func newPasses(p *Plan, file int, src Source) *passes {
	return &passes{plan: p, file: file, src: src, given: make([]uint64, (p.Files[file].rows+63)/64), shut: map[Method]time.Time{}}
}

// begin reads the file once more. The channel is closed at its end, after an error, or when the context ends.
func (f *passes) begin(ctx context.Context) <-chan feedItem {
	f.mu.Lock()
	f.left, f.early = false, time.Time{}
	maps.DeleteFunc(f.shut, func(_ Method, until time.Time) bool { return !time.Now().Before(until) })
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
				j.later = func(_ string, until time.Time) { f.back(j, until) }
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
	if time.Now().Before(f.shut[f.plan.channels[e.channel].Method]) {
		f.left = true
		return false
	}
	if opens := f.opening(f.plan.Files[f.file].first+n, time.Now()); !opens.IsZero() {
		f.left = true
		if f.early.IsZero() || opens.Before(f.early) {
			f.early = opens
		}
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

// back takes a row back, and keeps others by its method from being given until a time, unless it is by its hours, which are
// looked at anyway.
func (f *passes) back(j *job, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := j.attempt.N
	f.given[n/64] &^= 1 << (n % 64)
	f.left = true
	if opens := f.opening(f.plan.Files[f.file].first+n, time.Now()); !opens.IsZero() {
		if f.early.IsZero() || opens.Before(f.early) {
			f.early = opens
		}
		return
	}
	if m := j.attempt.Distribution.Method; until.After(f.shut[m]) {
		f.shut[m] = until
	}
}

// opens gives when another pass is worth while, which may be now, and whether it is for the hours that it is not now; ok is
// false when no row is left.
func (f *passes) opens() (at time.Time, hours, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, until := range f.shut {
		if at.IsZero() || until.Before(at) {
			at = until
		}
	}
	if !f.early.IsZero() && (at.IsZero() || f.early.Before(at)) {
		at, hours = f.early, true
	}
	return at, hours, f.left
}
