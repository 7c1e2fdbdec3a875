package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// recentAnswers is how many answers the share of refusals is taken of.
const recentAnswers = 200

// Most is how many rejected rows are put up with: a number, or a share of all. The zero Most puts up
// with any.
type Most struct {
	Rows  int
	Share float64 // of all, 0 to 1
}

// Exceeded tells whether so many rejected rows are too many.
func (m Most) Exceeded(rejected, all int) bool {
	return m.Rows > 0 && rejected > m.Rows || m.Share > 0 && float64(rejected) > m.Share*float64(all)
}

// String gives it as people write it: 20% or 500.
func (m Most) String() string {
	if m.Share > 0 {
		return strconv.FormatFloat(m.Share*100, 'g', 4, 64) + "%"
	}
	return strconv.Itoa(m.Rows)
}

// recent are the last answers of HPP, over all files.
type recent struct {
	refused  [recentAnswers]bool
	next     int
	refusals int
}

// add takes note of an answer and gives how many of the last ones were refusals.
func (r *recent) add(refused bool) int {
	if r.refused[r.next] {
		r.refusals--
	}
	if r.refused[r.next] = refused; refused {
		r.refusals++
	}
	r.next = (r.next + 1) % recentAnswers
	return r.refusals
}

// canary is the small first part of a run that decides whether the rest is sent.
type canary struct {
	bad    int           // of its rows that were not delivered
	passed bool          // the rest may go
	asked  chan answered // the answer to whether it may; nil while nobody is asked
}

type answered struct {
	yes bool
	err error // nobody could be asked
}

// judged takes note of what a row came to, for the brakes that look at all rows.
func (d *dispatch) judged(v Verdict) {
	if v != Accepted {
		d.canary.bad++
	}
	if n := d.recent.add(v == Refused || v == RefusedByOther); d.cfg.MaxRejected.Exceeded(n, recentAnswers) {
		d.end(Ending{Finding: Finding{StopRejected, fmt.Sprintf(
			"the run was stopped: %d of the last %d answers were refusals", n, recentAnswers)}})
	}
}

// canaryHolds tells whether no new row may be tried before the first ones have their outcome.
func (d *dispatch) canaryHolds() bool {
	return d.cfg.Canary > 0 && !d.canary.passed && d.tried >= d.cfg.Canary
}

// proveCanary decides, once the first rows have their outcome and others are to follow. Asking a
// person is not waited for here.
func (d *dispatch) proveCanary() {
	switch n := d.cfg.Canary; {
	case d.canary.asked != nil:
	case d.canary.bad > 0:
		d.end(Ending{Finding: Finding{StopCanary, fmt.Sprintf(
			"the run was stopped after its first %d rows: %d of them were not accepted by HPP", n, d.canary.bad)}})
	case d.cfg.GoOn == nil:
		d.goOn(answered{yes: true})
	default:
		asked := make(chan answered, 1)
		d.canary.asked = asked
		go func() {
			var a answered
			a.err = Guarded(func() error { a.yes = d.cfg.GoOn(d.feeding, n); return nil })
			asked <- a
		}()
	}
}

// goOn takes in the answer to whether the rest may be sent.
func (d *dispatch) goOn(a answered) {
	d.canary.asked, d.canary.passed = nil, a.yes
	if a.err != nil {
		d.end(Broken("nobody could be asked", a.err))
		return
	}
	if !a.yes {
		d.end(Ending{Finding: Finding{StopCanary, fmt.Sprintf(
			"the run was stopped after its first %d rows, as was answered", d.cfg.Canary)}})
		return
	}
	d.obs.Notice(Notice{Code: "canary", Time: time.Now(), Text: fmt.Sprintf(
		"The first %d rows were all accepted by HPP; the run goes on with the rest.", d.cfg.Canary)})
}

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
			if err := Guarded(func() error { return d.courier.conclude(ctx, r.ticket, out) }); err != nil {
				d.revisionMu.Lock()
				d.revisionErr = err
				d.revisionMu.Unlock()
			}
		})
	}
}
