package pipeline

import (
	"fmt"
	"time"
)

const (
	outageAfter   = 10  // unavailable answers in a row, then one row at a time asks
	foreignLimit  = 3   // answers in a row that are not HPP's own
	recentAnswers = 200 // how many answers the share of refusals is taken of
)

// breaker decides for a run as a whole, from what its calls came to, whether more of them may be made and why
// the run is to end. In an outage it is a circuit breaker that lets one row at a time through to ask; the
// brakes end the run for good. It is plain state: it starts nothing, waits for nothing and reads no clock. What it
// knows of a run beyond one process is exported, so that JSON keeps it.
type breaker struct {
	cfg    SendConfig
	jitter func(try int) time.Duration // the wait before a probe

	tried   int        // rows, over all files
	canary  canary     // the first of them
	Ending  Ending     // why the run ends; zero while it goes on
	Recent  recent     // the last answers
	Failing time.Time  // since when no answer was a clear one; zero when the last was
	Sends   bool       // sends have failed since then, so that looks that do not prove nothing
	Failure string     // what the last such answer said
	File    fileStreak // what is counted anew in each file
}

// canary is the small first part of a run that decides whether the rest is sent.
type canary struct {
	bad    int  // of its rows that were not delivered
	passed bool // the rest may go
}

// fileStreak are answers in a row, to the rows of one file.
type fileStreak struct {
	unavailable int
	probeAt     time.Time // when the next probe may go; zero without an outage
	probes      int
	Identical   map[Method]*streak
	Vague       int      // looks that came to nothing that is understood
	Foreign     []Ticket // of refusals that are not HPP's own
}

// streak is the same answer of HPP, again and again, to rows of one method.
type streak struct {
	Code     string
	Answers  int
	Refusals []Ticket // of those of the answers that were refusals, which may yet be revised
}

// Revision makes a refusal bind later runs, or takes it back so that its row is pending.
type Revision struct {
	Ticket Ticket
	Bind   bool
}

// Conclusion is what the refusal is closed with now.
func (r Revision) Conclusion() Conclusion {
	if r.Bind {
		return Conclusion{Status: Rejected, Binding: true}
	}
	return Conclusion{Status: Pending}
}

func revisions(of []Ticket, bind bool) (all []Revision) {
	for _, t := range of {
		all = append(all, Revision{t, bind})
	}
	return all
}

// Answer is what a call came to.
type Answer struct {
	Method Method
	Ticket Ticket
	Reply  Reply
	Last   bool `json:",omitempty"` // no further attempt at the row follows
	Probe  bool `json:",omitempty"` // it asked after the server
	Look   bool `json:",omitempty"` // at a session: nothing was sent
	// Instead says that the row's other contact is tried next.
	Instead bool `json:",omitempty"`
}

func (a Answer) action() action { return after(a.Reply.Verdict, a.Last) }

// recent are the last answers of HPP, over all files.
type recent struct {
	Refused  [recentAnswers]bool
	Next     int
	Refusals int
}

// add takes note of an answer and gives how many of the last ones were refusals.
func (r *recent) add(refused bool) int {
	if r.Refused[r.Next] {
		r.Refusals--
	}
	if r.Refused[r.Next] = refused; refused {
		r.Refusals++
	}
	r.Next = (r.Next + 1) % recentAnswers
	return r.Refusals
}

// stop ends the run. What ended it first counts.
func (b *breaker) stop(code, format string, args ...any) {
	b.end(Ending{Finding: Finding{Code: code, Reason: "the run was stopped" + fmt.Sprintf(format, args...)}})
}

func (b *breaker) end(e Ending) {
	if !b.ended() {
		b.Ending = e
	}
}

func (b *breaker) ended() bool { return b.Ending.Code != "" }

// outage reports whether HPP is not available, so that only probes may go.
func (b *breaker) outage() bool { return !b.File.probeAt.IsZero() }

// allows reports whether a call may be made, beside so many that are under way.
func (b *breaker) allows(now time.Time, inFlight int) bool {
	return !b.ended() && (!b.outage() || inFlight == 0 && !now.Before(b.File.probeAt))
}

// allowsNew reports whether a row may be tried that was not tried before.
func (b *breaker) allowsNew() bool { return !b.limited() && !b.canaryHolds() }

func (b *breaker) limited() bool { return b.cfg.Limit > 0 && b.tried >= b.cfg.Limit }

func (b *breaker) canaryHolds() bool {
	return b.cfg.Canary > 0 && !b.canary.passed && b.tried >= b.cfg.Canary
}

// expire does what the time has come for. When idle, none but rows that were never tried are left. It reports
// whether the first rows were all delivered and the rest waits for a word.
func (b *breaker) expire(now time.Time, idle bool) (proven bool) {
	switch {
	case b.ended():
	case !b.cfg.Until.IsZero() && !now.Before(b.cfg.Until):
		b.stop(StopUntil, ": it was to send until %s", b.cfg.Until.Format("15:04"))
	case !b.Failing.IsZero() && !now.Before(b.Failing.Add(b.cfg.RetryFor)):
		b.stop(StopNothing, ": nothing could be sent for %s; the last answer: %s", b.cfg.RetryFor, b.Failure)
	case !idle:
	case b.limited():
		b.end(Ending{Finding: Finding{Code: StopLimit, Reason: fmt.Sprintf("the limit of %d rows was reached before this row", b.cfg.Limit)}})
	case !b.canaryHolds():
	case b.canary.bad > 0:
		b.stop(StopCanary, " after its first %d rows: %d of them were not accepted by HPP", b.cfg.Canary, b.canary.bad)
	default:
		return true
	}
	return false
}

// rested tells that nothing was tried for a while, so that nothing was learnt either.
func (b *breaker) rested(now time.Time) {
	if !b.Failing.IsZero() {
		b.Failing = now
	}
}

// goOn takes in the word on whether the rest may be sent.
func (b *breaker) goOn(yes bool) {
	if b.canary.passed = yes; !yes {
		b.stop(StopCanary, " after its first %d rows, as was answered", b.cfg.Canary)
	}
}

// wake is when expire or allows may say something else; zero for never.
func (b *breaker) wake(now time.Time) time.Time {
	var tooLong time.Time
	if !b.Failing.IsZero() {
		tooLong = b.Failing.Add(b.cfg.RetryFor)
	}
	return first(now, b.cfg.Until, b.File.probeAt, tooLong)
}

// answered takes in the answer to a call, and gives the refusals that are to be revised by it.
func (b *breaker) answered(now time.Time, a Answer) []Revision {
	if a.Look {
		b.looked(now, a)
		return nil
	}
	v, act := a.Reply.Verdict, a.action()
	if v == Unavailable {
		b.unavailable(now, a.Probe)
	} else {
		b.File.unavailable, b.File.probes, b.File.probeAt = 0, 0, time.Time{}
	}
	if act.next == nothing && !a.Instead && v != Denied && act.status != Delivered {
		b.canary.bad++
	}
	if v != Throttled && v != Unavailable && v != Denied {
		n := b.Recent.add(act.status == Rejected)
		if b.cfg.MaxRejected.Exceeded(n, recentAnswers) {
			b.stop(StopRejected, ": %d of the last %d answers were refusals", n, recentAnswers)
		}
	}
	switch v {
	case Accepted, Refused:
		b.Failing, b.Sends = time.Time{}, false
		if b.Ending.Code != StopRefusedByOther {
			b.File.Foreign = nil
		}
	case Throttled, Unavailable:
		b.Sends = true
		b.failing(now, a)
		return nil
	case RefusedByOther:
		b.refusedByOther(a)
		return nil
	case Denied:
		b.stop(StopDenied, ": HPP does not accept the credentials (401)")
		return nil
	case Unclear:
	}
	if v == Accepted {
		return b.breakStreak(a.Method)
	}
	return b.repeated(a)
}

func (b *breaker) failing(now time.Time, a Answer) {
	if b.Failure = a.Reply.Reason; b.Failing.IsZero() {
		b.Failing = now
	}
}

// looked takes in what a look came to. That HPP tells of sessions does not say that it sends: while sends fail,
// looks change nothing about it.
func (b *breaker) looked(now time.Time, a Answer) {
	switch a.Reply.Verdict {
	case Throttled:
		b.failing(now, a)
		return
	case Unavailable:
		b.unavailable(now, a.Probe)
		b.failing(now, a)
		return
	case Denied:
		b.stop(StopDenied, ": HPP does not accept the credentials (401)")
		return
	case Unclear:
		if b.File.Vague++; b.cfg.StopAfterIdentical > 0 && b.File.Vague >= b.cfg.StopAfterIdentical {
			b.stop(StopIdentical, ": %d looks at sessions in a row came to nothing that is understood; the last: %s", b.File.Vague, a.Reply.Reason)
		}
	case Accepted, Refused, RefusedByOther:
		b.File.Vague = 0
	}
	if !b.Sends {
		b.File.unavailable, b.File.probes, b.File.probeAt, b.Failing = 0, 0, time.Time{}, time.Time{}
	}
}

// unavailable counts towards an outage. In one a call asks after the server and not after the row.
func (b *breaker) unavailable(now time.Time, probe bool) {
	f := &b.File
	if f.unavailable++; f.unavailable < outageAfter {
		return
	}
	if f.probeAt.IsZero() || probe { // not for calls that were under way when it began
		f.probeAt = now.Add(b.jitter(f.probes))
		f.probes++
	}
}

// repeated counts the same answer in a row, by a refusal or by no clear answer. Too often is not the
// fault of the rows: the method is not enabled, the region is wrong, the server is broken.
func (b *breaker) repeated(a Answer) (revised []Revision) {
	if b.cfg.StopAfterIdentical == 0 {
		return nil
	}
	s := b.File.Identical[a.Method]
	if s == nil || s.Code != a.Reply.Code {
		if revised = b.breakStreak(a.Method); b.File.Identical[a.Method] != nil { // the one that stopped the run
			return revised
		}
		s = &streak{Code: a.Reply.Code}
		b.File.Identical[a.Method] = s
	}
	s.Answers++
	if a.Reply.Verdict == Refused {
		s.Refusals = append(s.Refusals, a.Ticket)
	}
	if b.tripped(s) {
		b.stop(StopIdentical, ": %d %s rows in a row came to the same, %s", s.Answers, a.Method, s.Code)
	}
	return revised
}

func (b *breaker) tripped(s *streak) bool { return s.Answers >= b.cfg.StopAfterIdentical }

// breakStreak makes the refusals of a method bind later runs: another answer has come since. What
// stopped the run stays as it is.
func (b *breaker) breakStreak(m Method) []Revision {
	s := b.File.Identical[m]
	if s == nil || b.tripped(s) {
		return nil
	}
	delete(b.File.Identical, m)
	return revisions(s.Refusals, true)
}

// refusedByOther counts refusals that are not HPP's own, by which a wrong endpoint is known.
func (b *breaker) refusedByOther(a Answer) {
	b.File.Foreign = append(b.File.Foreign, a.Ticket)
	if n := len(b.File.Foreign); n == foreignLimit {
		b.stop(StopRefusedByOther, ": %d answers in a row did not come from HPP (HTTP %d); is the endpoint right, or a firewall in between?",
			n, a.Reply.HTTPStatus)
	}
}

// endFile settles the refusals that are still open at the end of a file: those that stopped the run are
// taken back, so that their rows are pending; the others bind if the file was sent to its end.
func (b *breaker) endFile() (revised []Revision) {
	if b.Ending.Code == StopRefusedByOther {
		revised = append(revised, revisions(b.File.Foreign, false)...)
	}
	for m, s := range b.File.Identical {
		switch {
		case b.tripped(s):
			revised = append(revised, revisions(s.Refusals, false)...)
		case !b.ended() || b.Ending.Code == StopLimit:
			revised = append(revised, b.breakStreak(m)...)
		}
	}
	b.beginFile()
	return revised
}

// beginFile forgets what is counted within a file.
func (b *breaker) beginFile() { b.File = fileStreak{Identical: map[Method]*streak{}} }
