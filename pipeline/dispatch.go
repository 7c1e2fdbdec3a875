package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// job is a row on its way to an outcome.
type job struct {
	order Order
	calls int       // attempts that count
	due   time.Time // not before
	probe bool      // it asks after the server in an outage, and does not count
	held  time.Time // when it was first tried again, after another run had held it
}

type done struct {
	job     *job
	attempt Attempt
	err     error
}

// dispatch is the state of sending one file. Only the goroutine of loop touches it.
type dispatch struct {
	*Sending
	courier  *Courier
	ctx      context.Context
	cut      context.CancelFunc
	feeding  context.Context // until the run is stopped, or has tried every row
	stopFeed context.CancelFunc
	orders   chan *job
	done     chan done

	fresh       *job // the next row that was never tried
	waiting     jobs
	held        []*job
	inFlight    int
	unavailable int       // in a row
	probeAt     time.Time // when the next probe may go; zero without an outage
	probes      int
	streaks     map[Method]*streak
	strange     []refusal
	graceEnd    time.Time
	progress    Progress
	rate        float64 // of the pacer, when the last answer came

	revisions   sync.WaitGroup
	revisionMu  sync.Mutex
	revisionErr error
}

func (d *dispatch) work() {
	for j := range d.orders {
		var a Attempt
		err := Guarded(func() (err error) {
			a, err = d.courier.Deliver(d.ctx, j.order)
			return err
		})
		d.done <- done{j, a, err}
	}
}

// loop offers rows to the workers and takes in what became of them, until no row is left to be tried
// or the run is stopped and nothing is in flight.
func (d *dispatch) loop(feed <-chan fed) {
	stop, cut := d.stop, d.ctx.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if d.ctx.Err() != nil || closed(d.stop) { // before all else: a select is fair
			d.end(stopped)
		}
		now := time.Now()
		d.expire(now)
		next := d.next(now)
		exhausted := feed == nil && d.fresh == nil && len(d.waiting) == 0 && len(d.held) == 0
		if d.inFlight == 0 && (exhausted || d.stopping()) {
			return
		}
		if d.stopping() {
			stop, cut = nil, nil
		}
		var orders chan<- *job
		if next != nil {
			orders = d.orders
			next.probe = !d.probeAt.IsZero()
			next.order.Last = !next.probe && next.calls+1 >= d.cfg.MaxAttempts
		}
		var rows <-chan fed
		if d.fresh == nil && len(d.waiting)+len(d.held) < waitingMost && !d.stopping() {
			rows = feed
		}
		if wake := d.wake(now); !wake.IsZero() {
			timer.Reset(wake.Sub(now))
		} else {
			timer.Stop()
		}
		select {
		case orders <- next:
			d.took(next, time.Now())
		case r := <-d.done:
			d.inFlight--
			d.takeIn(r)
		case f, ok := <-rows:
			switch {
			case !ok:
				feed = nil
			case f.err != nil:
				d.end(Broken("the input could not be read again", f.err))
			default:
				d.fresh = f.job
			}
		case <-d.pacer.waits:
			if w := d.pacer.Waiting(); w != (Wait{}) {
				d.obs.Notice(Notice{
					Code: "waiting", Time: time.Now(),
					Text: fmt.Sprintf("%s, until %s", w, w.Until.Local().Format(time.DateTime)),
				})
			}
		case a := <-d.canary.asked:
			d.goOn(a)
		case <-timer.C:
		case <-stop:
		case <-cut:
		}
		d.report()
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

// expire does what the time has come for.
func (d *dispatch) expire(now time.Time) {
	switch {
	case d.stopping():
		if !d.graceEnd.IsZero() && !now.Before(d.graceEnd) {
			d.graceEnd = time.Time{}
			d.cut()
		}
	case !d.cfg.Until.IsZero() && !now.Before(d.cfg.Until):
		d.end(Ending{Finding: Finding{StopUntil, fmt.Sprintf(
			"the run was stopped: it was to send until %s", d.cfg.Until.Format("15:04"))}})
	case !d.trouble.IsZero() && !now.Before(d.trouble.Add(d.cfg.RetryFor)):
		d.end(Ending{Finding: Finding{StopNothing, fmt.Sprintf(
			"the run was stopped: nothing could be sent for %s; the last answer: %s", d.cfg.RetryFor, d.why)}})
	case d.inFlight > 0 || len(d.waiting) > 0 || d.fresh == nil && len(d.held) == 0:
	case d.limited():
		d.end(Ending{Finding: Finding{StopLimit, fmt.Sprintf(
			"the limit of %d rows was reached before this row", d.cfg.Limit)}})
	case d.canaryHolds():
		d.proveCanary()
	}
}

func (d *dispatch) stopping() bool { return d.ending.Code != "" }

// end stops the run: no new call, and those in flight may end within the grace time.
func (d *dispatch) end(e Ending) {
	if d.stopping() {
		return
	}
	d.ending = e
	d.fresh = nil
	d.graceEnd = time.Now().Add(d.cfg.Grace)
	d.stopFeed()
	d.pacer.Stop()
	d.obs.Notice(Notice{Code: e.Code, Text: e.Reason, Time: time.Now()})
}

// report tells the observer how far the run is.
func (d *dispatch) report() {
	p := d.progress
	p.InFlight, p.Retrying, p.Rate = d.inFlight, len(d.waiting), d.pacer.Rate()
	switch {
	case d.stopping():
		p.Waiting, p.Until = "stopping: waiting for the calls in flight", d.graceEnd
	case d.unwritten():
		p.Waiting = "the ledger cannot be written"
	case d.canary.asked != nil:
		p.Waiting = AwaitingAnswer
	case !d.pacer.PausedUntil().IsZero():
		p.Waiting, p.Until = "HPP asked for a pause", d.pacer.PausedUntil()
	case !d.probeAt.IsZero():
		p.Waiting, p.Until = "HPP is not available", d.probeAt
	case d.pacer.Waiting() != Wait{}:
		w := d.pacer.Waiting()
		p.Waiting, p.Until = w.String(), w.Until
	case d.inFlight == 0 && len(d.held) > 0:
		p.Waiting = "another run is sending these sessions"
	}
	d.obs.Progress(p)
}

// takeIn decides what follows from an attempt.
func (d *dispatch) takeIn(r done) {
	switch {
	case errors.Is(r.err, ErrStopped):
		d.end(stopped)
	case r.err != nil:
		d.end(Broken("the run was stopped: the ledger could not be used", r.err))
	case r.attempt.Ticket == 0:
		d.notDue(r)
	default:
		r.job.order.Own = r.attempt.Ticket
		d.answered(r.job, r.attempt)
	}
}

// notDue takes in a row that the ledger did not let be tried.
func (d *dispatch) notDue(r done) {
	switch now := time.Now(); r.attempt.Result.Status {
	case Pending:
		j := r.job
		if j.order.Own == 0 {
			d.tried--
		}
		if j.held.IsZero() || now.Sub(j.held) < d.cfg.RetryFor {
			j.due = now.Add(heldInterval)
			d.held = append(d.held, j)
		}
	case Uncertain:
		d.progress.Uncertain++
	case Rejected:
		d.progress.Rejected++
	case Delivered, Skipped, Failed:
		d.progress.Skipped++
	}
}
