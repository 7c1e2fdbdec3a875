package pipeline

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"
)

// SendConfig says how hard to try and when to stop.
type SendConfig struct {
	Concurrency        int                                   // calls under way at once
	MaxAttempts        int                                   // calls for one row, when HPP is unavailable
	RetryFor           time.Duration                         // how long to go on without one success
	Grace              time.Duration                         // how long calls in flight may take once the run is stopped
	Limit              int                                   // rows tried, over all files; 0 for no limit
	StopAfterIdentical int                                   // the same refusal in a row, by one method; 0 to go on regardless
	Until              time.Time                             // no new call from then on; zero for no end
	MaxRejected        Most                                  // of the last answers
	Canary             int                                   // rows tried first, over all files; the rest follows only if all were accepted
	GoOn               func(ctx context.Context, n int) bool // asks whether the rest may follow; nil: it may
}

// The codes of endings; rows that were not reached carry them.
const (
	StopSignal    = "stopped"
	StopLimit     = "limit_reached"
	StopDenied    = "denied"
	StopIdentical = "identical_refusals"
	StopStrange   = "refused_by_other"
	StopRejected  = "too_many_rejected"
	StopCanary    = "canary"
	StopUntil     = "until"
	StopNothing   = "nothing_but_failures"
	StopBroken    = "run_broke"
)

// Ending is why a run came to its end. The zero Ending is a run that went through.
type Ending struct {
	Finding
	Err error // the run broke: the ledger, the input
}

// Broken is the ending of a run by the ledger or the input, or by a fault of ours.
func Broken(why string, err error) Ending {
	if bug := (*Bug)(nil); errors.As(err, &bug) {
		why = "the run was stopped: there is a fault in the program"
	}
	return Ending{Finding{StopBroken, why}, err}
}

var stopped = Ending{Finding: Finding{StopSignal, "the run was stopped before it came to this row"}}

// Sending is the send pass of one invocation, over one file after another.
type Sending struct {
	cfg   SendConfig
	pacer *Pacer
	obs   Observer
	stop  <-chan struct{}
	tried int

	canary canary
	recent recent

	ending  Ending
	trouble time.Time // since when nothing succeeded; zero when the last answer was a clear one
	why     string    // what the last such answer said
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
		Sending: s, courier: c, ctx: ctx, cut: cut, feeding: feedCtx, stopFeed: stopFeed,
		orders: make(chan *job), done: make(chan done),
		streaks: map[Method]*streak{}, progress: Progress{Due: plan.Files[file].Due},
	}
	feed := plan.feed(feedCtx, file, src)
	var workers sync.WaitGroup
	for range s.cfg.Concurrency {
		workers.Go(d.work)
	}
	bug := Guarded(func() error { d.loop(feed); return nil })
	close(d.orders)
	if bug != nil {
		d.abandon(bug, &workers)
	}
	workers.Wait()
	stopFeed()
	for range feed { // until the reading has ended
	}
	if bug == nil {
		bug = Guarded(func() error { d.closeStreaks(); return nil })
	}
	d.revisions.Wait()
	if err := cmp.Or(bug, d.revisionErr); err != nil && s.ending.Err == nil {
		s.ending = Broken("the ledger could not be written", err)
	}
	return s.ending
}

// abandon lets the calls in flight come to their end, which their workers write, when the loop that
// should take them in is no more.
func (d *dispatch) abandon(bug error, workers *sync.WaitGroup) {
	d.ending = Broken("", bug)
	d.stopFeed()
	d.pacer.Stop()
	defer time.AfterFunc(d.cfg.Grace, d.cut).Stop()
	ended := make(chan struct{})
	go func() {
		workers.Wait()
		close(ended)
	}()
	for {
		select {
		case <-d.done:
		case <-ended:
			return
		}
	}
}
