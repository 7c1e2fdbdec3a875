package pipeline

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// SendConfig says how hard to try and when to stop.
type SendConfig struct {
	Concurrency        int           // calls under way at once
	MaxAttempts        int           // calls for one row, when HPP is unavailable
	RetryFor           time.Duration // how long to go on without one success
	Grace              time.Duration // how long calls in flight may take once the run is stopped
	Limit              int           // rows tried, over all files; 0 for no limit
	StopAfterIdentical int           // the same refusal in a row, by one method; 0 to go on regardless
}

// The codes of endings; rows that were not reached carry them.
const (
	StopSignal    = "stopped"
	StopLimit     = "limit_reached"
	StopDenied    = "denied"
	StopIdentical = "identical_refusals"
	StopStrange   = "refused_by_other"
	StopNothing   = "nothing_but_failures"
	StopBroken    = "run_broke"
)

// Ending is why a run came to its end. The zero Ending is a run that went through.
type Ending struct {
	Finding
	Err error // the run broke: the ledger, the input
}

var stopped = Ending{Finding: Finding{StopSignal, "the run was stopped before it came to this row"}}

const (
	outageAfter       = 10               // unavailable answers in a row, then one row at a time asks
	backOffBase       = time.Second      // of a row, and of the probe
	backOffMost       = 30 * time.Second // likewise
	heldInterval      = time.Second      // between tries of a row that another run holds
	unwrittenInterval = time.Second      // between looks whether the ledger can be written again
	strangeLimit      = 3                // answers in a row that are not HPP's own
	waitingMost       = 10_000           // rows that wait for another attempt before no new one is taken
)

// Sending is the send pass of one invocation, over one file after another.
type Sending struct {
	cfg   SendConfig
	pacer *Pacer
	obs   Observer
	stop  <-chan struct{}
	tried int

	ending  Ending
	trouble time.Time // since when nothing succeeded; zero when the last answer was a clear one
}

// NewSending prepares a send pass. Once stop is closed no new call is made, and calls in flight may end
// within the grace time. The pacer must be running.
func NewSending(cfg SendConfig, pacer *Pacer, obs Observer, stop <-chan struct{}) *Sending {
	return &Sending{cfg: cfg, pacer: pacer, obs: obs, stop: stop}
}

// Send brings every row of a file that the plan has down as due to its outcome in the ledger. The
// context cuts off the calls in flight, which are then uncertain. After an ending that is not zero no
// further file is to be sent.
func (s *Sending) Send(ctx context.Context, plan *Plan, file int, src Source, c *Courier) Ending {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	feedCtx, stopFeed := context.WithCancel(ctx)
	defer stopFeed()
	d := &dispatch{
		Sending: s, courier: c, ctx: ctx, cut: cut, stopFeed: stopFeed,
		orders: make(chan *job), done: make(chan done),
		streaks: map[Method]*streak{}, progress: Progress{Due: plan.Files[file].Due},
	}
	feed := plan.feed(feedCtx, file, src)
	var workers sync.WaitGroup
	for range s.cfg.Concurrency {
		workers.Go(d.work)
	}
	d.loop(feed)
	close(d.orders)
	workers.Wait()
	stopFeed()
	for range feed { // until the reading has ended
	}
	d.closeStreaks()
	d.revisions.Wait()
	if d.revisionErr != nil && s.ending.Err == nil {
		s.ending = Ending{Finding{StopBroken, "the ledger could not be written"}, d.revisionErr}
	}
	return s.ending
}

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

	revisions   sync.WaitGroup
	revisionMu  sync.Mutex
	revisionErr error
}

func (d *dispatch) work() {
	for j := range d.orders {
		a, err := d.courier.Deliver(d.ctx, j.order)
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
				d.end(Ending{Finding{StopBroken, "the input could not be read again"}, f.err})
			default:
				d.fresh = f.job
			}
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

// next is the row to be offered now: one whose back-off is over before a new one, and in an outage one
// at a time.
func (d *dispatch) next(now time.Time) *job {
	outage := !d.probeAt.IsZero()
	switch {
	case d.stopping(), d.unwritten(), outage && (d.inFlight > 0 || now.Before(d.probeAt)):
	case len(d.waiting) > 0 && (outage || !now.Before(d.waiting[0].due)):
		return d.waiting[0]
	case d.limited():
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

// expire does what the time has come for.
func (d *dispatch) expire(now time.Time) {
	switch {
	case d.stopping():
		if !d.graceEnd.IsZero() && !now.Before(d.graceEnd) {
			d.graceEnd = time.Time{}
			d.cut()
		}
	case !d.trouble.IsZero() && !now.Before(d.trouble.Add(d.cfg.RetryFor)):
		d.end(Ending{Finding: Finding{StopNothing, fmt.Sprintf(
			"the run was stopped: nothing could be sent for %s", d.cfg.RetryFor)}})
	case d.limited() && d.inFlight == 0 && len(d.waiting) == 0 && (d.fresh != nil || len(d.held) > 0):
		d.end(Ending{Finding: Finding{StopLimit, fmt.Sprintf(
			"the limit of %d rows was reached before this row", d.cfg.Limit)}})
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
	p.InFlight, p.Retrying = d.inFlight, len(d.waiting)
	switch {
	case d.stopping():
		p.Waiting, p.Until = "stopping: waiting for the calls in flight", d.graceEnd
	case d.unwritten():
		p.Waiting = "the ledger cannot be written"
	case !d.pacer.PausedUntil().IsZero():
		p.Waiting, p.Until = "HPP asked for a pause", d.pacer.PausedUntil()
	case !d.probeAt.IsZero():
		p.Waiting, p.Until = "HPP cannot be reached", d.probeAt
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
		d.end(Ending{Finding{StopBroken, "the run was stopped: the ledger could not be used"}, r.err})
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
