package pipeline

import (
	"container/heap"
	"time"
)

const (
	outageAfter       = 10               // unavailable answers in a row, then one row at a time asks
	backOffBase       = time.Second      // of a row, and of the probe
	backOffMost       = 30 * time.Second // likewise
	heldInterval      = time.Second      // between tries of a row that another run holds
	unwrittenInterval = time.Second      // between looks whether the ledger can be written again
	strangeLimit      = 3                // answers in a row that are not HPP's own
	waitingMost       = 10_000           // rows that wait for another attempt before no new one is taken
)

// next is the row to be offered now: one whose back-off is over before a new one, in an outage one at a
// time, and none in a pause, so that no claim is held through it.
func (d *dispatch) next(now time.Time) *job {
	outage := !d.probeAt.IsZero()
	switch {
	case d.stopping(), d.unwritten(), !d.pacer.PausedUntil().IsZero(), outage && (d.inFlight > 0 || now.Before(d.probeAt)):
	case len(d.waiting) > 0 && (outage || !now.Before(d.waiting[0].due)):
		return d.waiting[0]
	case d.limited(), d.canaryHolds():
	case d.fresh != nil:
		return d.fresh
	case len(d.held) > 0 && !now.Before(d.held[0].due):
		return d.held[0]
	}
	return nil
}

// limited tells whether no further row may be tried; rows that were tried are still brought to an end.
func (d *dispatch) limited() bool { return d.cfg.Limit > 0 && d.tried >= d.cfg.Limit }

// unwritten tells whether an outcome is not on disk yet: no new call meanwhile.
func (d *dispatch) unwritten() bool { return d.courier.unwritten.Load() > 0 }

func (d *dispatch) took(j *job, now time.Time) {
	switch {
	case j == d.fresh:
		d.fresh = nil
		d.tried++
	case len(d.held) > 0 && j == d.held[0]:
		d.held = d.held[1:]
		if j.held.IsZero() {
			j.held = now
		}
		if j.order.Own == 0 {
			d.tried++
		}
	default:
		heap.Pop(&d.waiting)
	}
	d.inFlight++
}

// wake is when something is to be done though nothing happens; zero for never.
func (d *dispatch) wake(now time.Time) (at time.Time) {
	if d.stopping() {
		return d.graceEnd
	}
	sooner := func(t time.Time) { // what was due before waits for a worker, not for a time
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if !d.trouble.IsZero() {
		sooner(d.trouble.Add(d.cfg.RetryFor))
	}
	sooner(d.cfg.Until)
	sooner(d.pacer.PausedUntil())
	sooner(d.probeAt)
	if len(d.waiting) > 0 {
		sooner(d.waiting[0].due)
	}
	if len(d.held) > 0 {
		sooner(d.held[0].due)
	}
	if d.unwritten() {
		sooner(now.Add(unwrittenInterval))
	}
	return at
}

// jobs is a heap of rows that wait, the first due on top.
type jobs []*job

func (h jobs) Len() int           { return len(h) }
func (h jobs) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h jobs) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *jobs) Push(x any)        { *h = append(*h, x.(*job)) }
func (h *jobs) Pop() any {
	last := len(*h) - 1
	j := (*h)[last]
	*h = (*h)[:last]
	return j
}
