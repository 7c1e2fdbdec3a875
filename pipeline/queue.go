package pipeline

import (
	"container/heap"
	"time"
)

// maxQueued is how many rows wait for another attempt before no new one is taken.
const maxQueued = 10_000

// job is a row on its way to an outcome.
type job struct {
	attempt   Attempt
	calls     int       // that count as attempts
	due       time.Time // not before
	probe     bool      // it asks after the server in an outage, and does not count
	heldSince time.Time // when it was first tried again, after another run had held it

	settled func(Status) // is told what the run has brought it to; nil where nobody asks
	later   func(Result) // is told that a rule lets it be tried again at a time
}

func (j *job) settle(s Status) {
	if j.settled != nil {
		j.settled(s)
	}
}

// queue are the rows that a worker is to take.
type queue struct {
	fresh   *job   // the next row that was never tried
	waiting dueSet // for another attempt
	held    []*job // by another run; in the order in which they are due
}

func (q *queue) empty() bool { return q.fresh == nil && len(q.waiting) == 0 && len(q.held) == 0 }

// untried reports whether there are rows, and none that was called already.
func (q *queue) untried() bool { return len(q.waiting) == 0 && (q.fresh != nil || len(q.held) > 0) }

// room reports whether a new row may be taken in.
func (q *queue) room() bool { return len(q.waiting)+len(q.held) < maxQueued }

// next is the row to be offered: one whose back-off is over before a new one. In an outage one that waits
// need not wait for its time.
func (q *queue) next(now time.Time, outage, allowNew bool) *job {
	switch {
	case len(q.waiting) > 0 && (outage || !now.Before(q.waiting[0].due)):
		return q.waiting[0]
	case !allowNew:
	case q.fresh != nil:
		return q.fresh
	case len(q.held) > 0 && !now.Before(q.held[0].due):
		return q.held[0]
	}
	return nil
}

// remove takes the row out that next gave, and reports whether it is new to this run.
func (q *queue) remove(j *job, now time.Time) (isNew bool) {
	switch {
	case j == q.fresh:
		q.fresh = nil
	case len(q.held) > 0 && j == q.held[0]:
		q.held = q.held[1:]
		if j.heldSince.IsZero() {
			j.heldSince = now
		}
	default:
		heap.Pop(&q.waiting)
		return false
	}
	return true
}

// retry takes in a row for another attempt.
func (q *queue) retry(j *job, due time.Time) {
	j.due = due
	heap.Push(&q.waiting, j)
}

// hold takes in a row that another run holds.
func (q *queue) hold(j *job, due time.Time) {
	j.due = due
	q.held = append(q.held, j)
}

// wake is when the next row is due; zero for never.
func (q *queue) wake(now time.Time) time.Time {
	var waiting, held time.Time
	if len(q.waiting) > 0 {
		waiting = q.waiting[0].due
	}
	if len(q.held) > 0 {
		held = q.held[0].due
	}
	return first(now, waiting, held)
}

// dueSet is a heap of rows, the first due on top.
type dueSet []*job

func (h dueSet) Len() int           { return len(h) }
func (h dueSet) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueSet) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueSet) Push(x any)        { *h = append(*h, x.(*job)) }
func (h *dueSet) Pop() any {
	last := len(*h) - 1
	j := (*h)[last]
	*h = (*h)[:last]
	return j
}
