package pipeline

import (
	"container/heap"
	"fmt"
	"time"
)

// answered decides what follows from the answer to a call that was made.
func (d *dispatch) answered(j *job, a Attempt) {
	v := a.Reply.Verdict
	if v != Unavailable {
		d.unavailable, d.probes, d.probeAt = 0, 0, time.Time{}
	}
	d.slowed(a.Reply.Quota)
	switch v {
	case Accepted, Refused, RefusedByOther, Unclear:
		d.judged(v)
	}
	switch v {
	case Accepted:
		d.progress.Delivered++
		d.cleared()
		d.breakStreak(j.order.Distribution.Method)
	case Refused:
		d.progress.Rejected++
		d.cleared()
		d.repeated(j.order.Distribution.Method, a)
	case RefusedByOther:
		d.progress.Rejected++
		d.refusedByOther(a)
	case Throttled:
		d.troubled(a.Reply.Reason)
		d.obs.Notice(Notice{Code: "throttled", Time: time.Now(), Text: fmt.Sprintf(
			"HPP answered that there were too many calls (429); every run waits until %s",
			d.pacer.PausedUntil().Local().Format(time.TimeOnly))})
		j.due = time.Now()
		heap.Push(&d.waiting, j)
	case Unavailable:
		d.troubled(a.Reply.Reason)
		d.retry(j)
	case Denied:
		d.end(Ending{Finding: Finding{StopDenied, "the run was stopped: HPP does not accept the credentials (401)"}})
	default: // Unclear
		d.progress.Uncertain++
		d.repeated(j.order.Distribution.Method, a)
	}
}

// slowed says when the pace goes down to leave room for others.
func (d *dispatch) slowed(q Quota) {
	now := d.pacer.Rate()
	if now < d.rate && q.Limit > 0 {
		d.obs.Notice(Notice{Code: "slowed", Time: time.Now(), Text: fmt.Sprintf(
			"%d of the %d calls of HPP's limit are left, which the shop's checkout shares; the pace goes down to %.3g a second",
			q.Remaining, q.Limit, now)})
	}
	d.rate = now
}

// cleared takes note of a clear answer by HPP itself.
func (d *dispatch) cleared() {
	d.trouble = time.Time{}
	if d.ending.Code != StopStrange {
		d.strange = nil
	}
}

// troubled takes note of an answer after which nothing goes on as it should.
func (d *dispatch) troubled(why string) {
	if d.trouble.IsZero() {
		d.trouble = time.Now()
	}
	d.why = why
}

// retry puts a row into back-off, unless that was its last attempt. In an outage a call asks after the
// server and not after the row, so it does not count.
func (d *dispatch) retry(j *job) {
	now := time.Now()
	d.unavailable++
	if !j.probe {
		j.calls++
	}
	if d.unavailable >= outageAfter {
		began := d.probeAt.IsZero()
		if began {
			d.obs.Notice(Notice{Code: "unavailable", Time: now, Text: fmt.Sprintf(
				"HPP was not available %d times in a row (%s); one row at a time asks until it is", d.unavailable, d.why)})
		}
		if began || j.probe { // not for calls that were under way when it began
			d.probeAt = now.Add(fullJitter(backOffBase, backOffMost, d.probes))
			d.probes++
		}
	}
	if j.order.Last {
		d.progress.Failed++
		d.canary.bad++
		return
	}
	j.due = now.Add(fullJitter(backOffBase, backOffMost, max(0, j.calls-1)))
	heap.Push(&d.waiting, j)
}
