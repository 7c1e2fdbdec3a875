package pipeline

import (
	"container/heap"
	"context"
	"fmt"
	"time"
)

// refusal is a refusal that may yet be revised.
type refusal struct {
	ticket Ticket
	reply  Reply
}

// streak is the same answer of HPP, again and again, to rows of one method.
type streak struct {
	code     string
	answers  int
	refusals []refusal // those of the answers that were refusals
}

// answered decides what follows from the answer to a call that was made.
func (d *dispatch) answered(j *job, a Attempt) {
	v := a.Reply.Verdict
	if v != Unavailable {
		d.unavailable, d.probes, d.probeAt = 0, 0, time.Time{}
	}
	if v != Throttled {
		d.pacer.Answered()
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
		return
	}
	j.due = now.Add(fullJitter(backOffBase, backOffMost, max(0, j.calls-1)))
	heap.Push(&d.waiting, j)
}

// repeated counts the same answer in a row, by a refusal or by no clear answer. Too often is not the
// fault of the rows: the method is not enabled, the region is wrong, the server is broken.
func (d *dispatch) repeated(m Method, a Attempt) {
	if d.cfg.StopAfterIdentical == 0 {
		return
	}
	if s := d.streaks[m]; s == nil || s.code != a.Reply.Code {
		d.breakStreak(m)
		if d.streaks[m] == nil {
			d.streaks[m] = &streak{code: a.Reply.Code}
		}
	}
	s := d.streaks[m]
	if s.code != a.Reply.Code { // the one that stopped the run
		return
	}
	s.answers++
	if a.Reply.Verdict == Refused {
		s.refusals = append(s.refusals, refusal{a.Ticket, a.Reply})
	}
	if d.tripped(s) {
		d.end(Ending{Finding: Finding{StopIdentical, fmt.Sprintf(
			"the run was stopped: %d %s rows in a row came to the same, %s", s.answers, m, s.code)}})
	}
}

func (d *dispatch) tripped(s *streak) bool { return s.answers >= d.cfg.StopAfterIdentical }

// breakStreak makes the refusals of a method bind later runs: another answer has come since. What
// stopped the run stays as it is.
func (d *dispatch) breakStreak(m Method) {
	if s := d.streaks[m]; s != nil && !d.tripped(s) {
		delete(d.streaks, m)
		d.revise(s.refusals, true)
	}
}

// refusedByOther counts refusals that are not HPP's own, by which a wrong endpoint is known.
func (d *dispatch) refusedByOther(a Attempt) {
	d.strange = append(d.strange, refusal{a.Ticket, a.Reply})
	if len(d.strange) == strangeLimit {
		d.end(Ending{Finding: Finding{StopStrange, fmt.Sprintf(
			"the run was stopped: %d answers in a row did not come from HPP (HTTP %d); is the endpoint right, or a firewall in between?",
			len(d.strange), a.Reply.HTTPStatus)}})
	}
}

// closeStreaks settles the refusals that are still open at the end: those that stopped the run are
// taken back, so that their rows are pending; the others bind if the run ended by itself.
func (d *dispatch) closeStreaks() {
	if d.ending.Code == StopStrange {
		d.revise(d.strange, false)
		d.progress.Rejected -= len(d.strange)
	}
	for m, s := range d.streaks {
		switch {
		case d.tripped(s):
			d.revise(s.refusals, false)
			d.progress.Rejected -= len(s.refusals)
		case d.ending.Code == "" || d.ending.Code == StopLimit:
			d.breakStreak(m)
		}
	}
	d.report()
}

// revise makes refusals bind later runs, or takes them back, beside the sending.
func (d *dispatch) revise(refusals []refusal, bind bool) {
	ctx := context.WithoutCancel(d.ctx)
	for _, r := range refusals {
		d.revisions.Go(func() {
			out := d.courier.conclusion(r.reply, true)
			if out.Called = false; bind {
				out.Binding = true
			} else {
				out.Status = Pending
			}
			if err := d.courier.conclude(ctx, r.ticket, out); err != nil {
				d.revisionMu.Lock()
				d.revisionErr = err
				d.revisionMu.Unlock()
			}
		})
	}
}
