package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	backOffBase       = time.Second      // of a row, and of the probe
	maxBackOff        = 30 * time.Second // likewise
	heldInterval      = time.Second      // between tries of a row that another run holds
	lookInterval      = time.Minute      // between looks whether it is time for rows that are kept for later
	unwrittenInterval = time.Second      // between looks whether the ledger can be written again
)

// scheduler sends one file: it offers its rows to the workers, each when its time has come, and takes in what
// became of them. What follows from an answer, action and breaker say. Only the goroutine of loop touches it.
type scheduler struct {
	*Sending
	distributor *Distributor
	ctx         context.Context
	cut         context.CancelFunc
	feeding     context.Context // until the run is stopped, or has tried every row
	stopFeed    context.CancelFunc
	jobs        chan *job
	done        chan done

	queue
	inFlight int
	asked    chan word // the word on whether the rest may be sent; nil while nobody is asked
	graceEnd time.Time
	halted   bool // the ending was acted upon
	progress Progress
	pace     float64 // of the pacer, when the last answer came
	heeded   Ordered // what people were told of

	answers func(Answer) // is told of each; nil in a run of one process
	passes  *passes      // nil where rows come from elsewhere
	rows    <-chan feedItem
	opens   barrier // what the next pass waits for; zero while one goes on
	kept    Ending  // of this file alone, where rows of it are kept for later

	instead     map[Ticket]bool // refusals that may be revised and are no outcome of their rows: another contact was tried
	revisions   sync.WaitGroup
	revisionMu  sync.Mutex
	revisionErr error
}

type done struct {
	job    *job
	result Result
	err    error
}

// word is what a person says to whether the rest may be sent.
type word struct {
	yes bool
	err error // nobody could be asked
}

func (s *scheduler) work() {
	for j := range s.jobs {
		var r Result
		err := Guarded(func() (err error) {
			r, err = s.distributor.Deliver(s.ctx, j.attempt)
			return err
		})
		s.done <- done{j, r, err}
	}
}

// loop goes on until no row is left to be tried, or the run is stopped and nothing is in flight.
func (s *scheduler) loop(feed <-chan feedItem) {
	s.rows = feed
	stop, cut := s.stop, s.ctx.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if s.ctx.Err() != nil || closed(s.stop) { // before all else: a select is fair
			s.breaker.end(stopped)
		}
		now := time.Now()
		s.heed(now)
		s.expire(now)
		next := s.next(now)
		if s.inFlight == 0 && (s.rows == nil && s.queue.empty() || s.breaker.ended()) && !s.passAgain(now) {
			return
		}
		if s.breaker.ended() {
			stop, cut = nil, nil
		}
		var jobs chan<- *job
		if next != nil {
			jobs = s.jobs
			next.probe = s.breaker.outage()
			next.attempt.Last = !next.probe && next.calls+1 >= s.cfg.MaxAttempts
		}
		var rows <-chan feedItem
		if s.fresh == nil && s.queue.room() && !s.breaker.ended() {
			rows = s.rows
		}
		if wake := s.wake(now); !wake.IsZero() {
			timer.Reset(wake.Sub(now))
		} else {
			timer.Stop()
		}
		select {
		case jobs <- next:
			s.offered(next, time.Now())
		case d := <-s.done:
			s.inFlight--
			s.attempted(d, time.Now())
		case f, ok := <-rows:
			switch {
			case !ok:
				s.rows = nil
			case f.err != nil:
				s.breaker.end(Broken("the input could not be read again", f.err))
			case f.job.attempt.Own != 0: // it was called already
				s.queue.retry(f.job, time.Now())
			default:
				s.fresh = f.job
			}
		case <-s.pacer.waits:
			if w := s.pacer.Waiting(); w != (Wait{}) {
				s.notice("waiting", "%s, until %s", w, w.Until.Local().Format(time.DateTime))
			}
		case w := <-s.asked:
			s.goOn(w)
		case <-s.ordered:
		case o := <-s.cancelled:
			s.breaker.stop(StopCancelled, ": it was %s", o)
		case <-timer.C:
		case <-stop:
		case <-cut:
		}
		s.halt()
		s.report()
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// next is the row to be offered now, and none in a pause, so that no claim is held through it.
func (s *scheduler) next(now time.Time) *job {
	if s.unwritten() || !s.pacer.PausedUntil().IsZero() || !s.breaker.allows(now, s.inFlight) {
		return nil
	}
	return s.queue.next(now, s.breaker.outage(), s.breaker.allowsNew())
}

// unwritten reports whether an outcome is not on disk yet: no new call meanwhile.
func (s *scheduler) unwritten() bool { return s.distributor.unwritten.Load() > 0 }

// offered takes note of a row that a worker has taken.
func (s *scheduler) offered(j *job, now time.Time) {
	if s.queue.remove(j, now) && j.attempt.Own == 0 {
		s.breaker.tried++
	}
	s.inFlight++
}

// expire does what the time has come for.
func (s *scheduler) expire(now time.Time) {
	idle := s.inFlight == 0 && (s.queue.untried() || s.opens != barrier{} && s.passes.untried())
	if s.breaker.expire(now, idle) && s.asked == nil {
		s.ask()
	}
	s.halt()
	if s.halted && !s.graceEnd.IsZero() && !now.Before(s.graceEnd) {
		s.graceEnd = time.Time{}
		s.cut()
	}
}

// ask asks whether the rest may follow the first rows. Asking a person is not waited for here.
func (s *scheduler) ask() {
	if s.cfg.GoOn == nil {
		s.goOn(word{yes: true})
		return
	}
	asked := make(chan word, 1)
	s.asked = asked
	go func() {
		var w word
		w.err = Guarded(func() error { w.yes = s.cfg.GoOn(s.feeding, s.cfg.Canary); return nil })
		asked <- w
	}()
}

func (s *scheduler) goOn(w word) {
	s.asked = nil
	if w.err != nil {
		s.breaker.end(Broken("nobody could be asked", w.err))
		return
	}
	if s.breaker.goOn(w.yes); w.yes {
		s.notice("canary", "The first %d rows were all accepted by HPP; the run goes on with the rest.", s.cfg.Canary)
	}
}

// halt stops the run once the breaker has ended it: no new call, and those in flight may end within the grace time.
func (s *scheduler) halt() {
	if s.halted || !s.breaker.ended() {
		return
	}
	s.halted = true
	s.fresh = nil
	s.graceEnd = time.Now().Add(s.cfg.Grace)
	s.stopFeed()
	s.pacer.Stop()
	s.notice(s.breaker.Ending.Code, "%s", s.breaker.Ending.Reason)
}

// wake is when something is to be done though nothing happens; zero for never.
func (s *scheduler) wake(now time.Time) (at time.Time) {
	if s.halted {
		return s.graceEnd
	}
	at = first(now, s.breaker.wake(now), s.queue.wake(now), s.pacer.PausedUntil())
	if s.opens != (barrier{}) { // not at one go: a machine sleeps, and a clock is put right
		at = first(now, at, s.opens.until, now.Add(lookInterval))
	}
	if s.unwritten() {
		at = first(now, at, now.Add(unwrittenInterval))
	}
	return at
}

// first is the earliest of the times that are still to come; zero for none. What was due before waits for a
// worker, not for a time.
func first(now time.Time, times ...time.Time) (at time.Time) {
	for _, t := range times {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// revise makes refusals bind later runs, or takes them back, beside the sending.
func (s *scheduler) revise(all []Revision) {
	ctx := context.WithoutCancel(s.ctx)
	for _, r := range all {
		if !r.Bind && !s.instead[r.Ticket] {
			s.progress.Rejected--
		}
		delete(s.instead, r.Ticket)
		s.revisions.Go(func() {
			if err := Guarded(func() error { return s.distributor.revise(ctx, r) }); err != nil {
				s.revisionMu.Lock()
				s.revisionErr = err
				s.revisionMu.Unlock()
			}
		})
	}
}

func (s *scheduler) notice(code, format string, args ...any) {
	s.obs.Notice(Notice{Code: code, Text: fmt.Sprintf(format, args...), Time: time.Now()})
}

// report tells the observer how far the run is.
func (s *scheduler) report() {
	p := s.progress
	p.InFlight, p.Retrying, p.Rate = s.inFlight, len(s.waiting), s.pacer.Rate()
	switch {
	case s.halted:
		p.Waiting, p.Until = "stopping: waiting for the calls in flight", s.graceEnd
	case s.unwritten():
		p.Waiting = "the ledger cannot be written"
	case s.distributor.holds() != nil:
		p.Waiting = "the ledger does not answer"
	case s.asked != nil:
		p.Waiting = AwaitingAnswer
	case s.pacer.Ordered().Order == Pause:
		p.Waiting = s.pacer.Ordered().String()
	case s.opens != barrier{}:
		p.Waiting, p.Until, p.Rule = s.opens.why.Reason, s.opens.until, s.opens.why.Code
	case !s.pacer.PausedUntil().IsZero():
		p.Waiting, p.Until = "HPP asked for a pause", s.pacer.PausedUntil()
	case s.breaker.outage():
		p.Waiting, p.Until = "HPP is not available", s.breaker.File.probeAt
	case s.pacer.Waiting() != Wait{}:
		w := s.pacer.Waiting()
		p.Waiting, p.Until = w.String(), w.Until
	case s.inFlight == 0 && len(s.held) > 0:
		p.Waiting = "another run is sending these sessions"
	}
	s.obs.Progress(p)
}

// backOff is the wait before another attempt at a row, or before another probe.
func backOff(try int) time.Duration { return fullJitter(backOffBase, maxBackOff, try) }
