package pipeline

import (
	"errors"
	"time"
)

// attempted decides what follows from an attempt.
func (s *scheduler) attempted(d done, now time.Time) {
	s.looked(d, now)
	switch j, r := d.job, d.result; {
	case errors.Is(d.err, ErrStopped):
		s.breaker.end(stopped)
	case d.err != nil:
		s.breaker.end(Broken("the run was stopped: the ledger could not be used", d.err))
	case r.Ticket == 0 && !r.Again.IsZero():
		s.keptForLater(j, r)
	case r.Ticket == 0 && r.action != (action{}): // the look at its session decided
		if r.Unclaimed.Code != "" && j.attempt.Own == 0 { // it was not tried: neither the limit nor the canary is about such rows
			s.breaker.tried--
		}
		s.follow(j, r.action, now)
	case r.Ticket == 0:
		s.follow(j, unclaimed(r.Unclaimed), now)
	default:
		j.attempt.Own = r.Ticket
		if r.Reply.Verdict == Unavailable && !j.probe {
			j.calls++
		}
		act := j.fallBack(r)
		s.answered(Answer{Method: r.Made.Method, Ticket: r.Ticket, Reply: r.Reply, Last: j.attempt.Last, Probe: j.probe, Instead: act.next == afterRefusal}, now)
		s.follow(j, act, now)
	}
}

// keptForLater gives a row back that a rule lets be tried again at a time.
func (s *scheduler) keptForLater(j *job, r Result) {
	if j.attempt.Own == 0 {
		s.breaker.tried--
	}
	if j.later != nil {
		j.later(r)
	}
}

// passAgain goes over the file once more if some of its rows were kept for later, once the first of them may go. It
// reports false when the sending is over.
func (s *scheduler) passAgain(now time.Time) bool {
	if s.passes == nil || s.breaker.ended() {
		return false
	}
	opens, left := s.passes.opens()
	if left && opens.why.Code == "" && now.Before(opens.until) {
		opens.why = s.distributor.Rules.outside(opens.until)
	}
	switch {
	case !left:
		return false
	case !now.Before(opens.until):
		s.opens = barrier{}
		s.rows = s.passes.begin(s.feeding)
	case !s.cfg.Wait && !opens.soon:
		s.kept = Ending{Finding: opens.why}
		s.notice(opens.why.Code, "%s", opens.why.Reason)
		return false
	case s.opens != opens:
		if s.opens = opens; !opens.soon {
			s.notice(opens.why.Code, "%s; the run waits", opens.why.Reason)
		}
	}
	return true
}

// looked tells of the look that was made before an attempt.
func (s *scheduler) looked(d done, now time.Time) {
	j, look := d.job, d.result.looked
	if look == nil {
		return
	}
	if look.Sight == LookFailed && !j.probe {
		j.calls++
	}
	if look.Sight != LookVague || !s.distributor.sendsUnclear() {
		s.answered(Answer{Method: j.attempt.Distribution.Method, Reply: look.reply(), Last: j.attempt.Last, Probe: j.probe, Look: true}, now)
	}
}

// answered tells the breaker of an answer, and people of what it changes.
func (s *scheduler) answered(a Answer, now time.Time) {
	outage := s.breaker.outage()
	if a.Instead && s.cfg.StopAfterIdentical > 0 {
		s.instead[a.Ticket] = true
	}
	revised := s.breaker.answered(now, a)
	if s.answers != nil {
		s.answers(a)
	}
	s.revise(revised)
	if !outage && s.breaker.outage() {
		s.notice("unavailable", "HPP was not available %d times in a row (%s); one row at a time asks until it is",
			s.breaker.File.unavailable, s.breaker.Failure)
	}
	if a.Reply.Verdict == Throttled {
		s.notice("throttled", "HPP answered that there were too many calls (429); every run waits until %s",
			s.pacer.PausedUntil().Local().Format(time.TimeOnly))
	}
	pace, q := s.pacer.Rate(), a.Reply.Quota
	if pace < s.pace && q.Limit > 0 {
		s.notice("slowed", "%d of the %d calls of HPP's limit are left, which the shop's checkout shares; the pace goes down to %.3g a second",
			q.Remaining, q.Limit, pace)
	}
	s.pace = pace
}

// follow puts a row where it waits for what comes next, or counts its outcome.
func (s *scheduler) follow(j *job, a action, now time.Time) {
	switch a.next {
	case afterPause, afterRefusal:
		s.queue.retry(j, now)
	case afterDelay:
		s.queue.retry(j, now.Add(backOff(max(0, j.calls-1))))
	case afterOther:
		if j.attempt.Own == 0 {
			s.breaker.tried--
		}
		if j.heldSince.IsZero() || now.Sub(j.heldSince) < s.cfg.RetryFor {
			s.queue.hold(j, now.Add(heldInterval))
		} else {
			j.settle(a.status)
		}
	case nothing:
		s.progress.count(a.status)
		j.settle(a.status)
	}
}
