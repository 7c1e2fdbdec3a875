package pipeline

import (
	"cmp"
	"context"
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
	MaxRejected        Threshold                             // of the last answers
	Canary             int                                   // rows tried first, over all files; the rest follows only if all were accepted
	Wait               bool                                  // for rows that a rule keeps for later, rather than to end
	GoOn               func(ctx context.Context, n int) bool `json:"-"` // asks whether the rest may follow; nil: it may
}

// The codes of endings; rows that were not reached carry them.
const (
	StopSignal         = "stopped"
	StopCancelled      = "cancelled"
	StopLimit          = "limit_reached"
	StopDenied         = "denied"
	StopIdentical      = "identical_refusals"
	StopRefusedByOther = "refused_by_other"
	StopRejected       = "too_many_rejected"
	StopCanary         = "canary"
	StopUntil          = "until"
	StopNothing        = "nothing_but_failures"
	StopBroken         = "run_broke"
)

// Ending is why a run came to its end. The zero Ending is a run that went through.
type Ending struct {
	Finding
	Err error // the run broke: the ledger, the input
}

// OfFile reports whether other files may still be sent: rules keep what is left of this one for later.
func (e Ending) OfFile() bool { return e.Code == CodeQuota || e.Code == CodeHours }

// Broken is the ending of a run by the ledger or the input, or by a fault of ours.
func Broken(why string, err error) Ending {
	if Stack(err) != nil {
		why = "the run was stopped: there is a fault in the program"
	}
	return Ending{Finding{Code: StopBroken, Reason: why}, err}
}

var stopped = Ending{Finding: Finding{Code: StopSignal, Reason: "the run was stopped before it came to this row"}}

// Sending is the send pass of one invocation, over one file after another.
type Sending struct {
	cfg     SendConfig
	pacer   *Pacer
	obs     Observer
	stop    <-chan struct{}
	breaker breaker

	cancelled chan Ordered  // of size 1: once is enough
	ordered   chan struct{} // something was; of size 1: one word is as good as several
}

// NewSending prepares a send pass. Once stop is closed no new call is made, and calls in flight may end
// within the grace time. The pacer must be running.
func NewSending(cfg SendConfig, pacer *Pacer, obs Observer, stop <-chan struct{}) *Sending {
	s := &Sending{cfg: cfg, pacer: pacer, obs: obs, stop: stop, breaker: breaker{cfg: cfg, jitter: backOff}, cancelled: make(chan Ordered, 1), ordered: make(chan struct{}, 1)}
	s.breaker.beginFile()
	return s
}

// Send brings every row of a file that the plan has down as due to its outcome in the ledger. The
// context cuts off the calls in flight, which are then uncertain. After an ending that is not zero no
// further file is to be sent, unless it is one of this file alone: OfFile.
func (s *Sending) Send(ctx context.Context, plan *Plan, file int, src Source, d *Distributor) Ending {
	p := newPasses(plan, file, src)
	return s.send(ctx, d, nil, plan.Files[file].Due, p, p.begin)
}

// send brings the rows of a feed to their outcomes, and those of further passes, if there are any. The feed ends with
// its context.
func (s *Sending) send(ctx context.Context, d *Distributor, answers func(Answer), due int, p *passes, feeding func(context.Context) <-chan feedItem) Ending {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	feedCtx, stopFeed := context.WithCancel(ctx)
	defer stopFeed()
	sch := &scheduler{
		Sending: s, distributor: d, ctx: ctx, cut: cut, feeding: feedCtx, stopFeed: stopFeed,
		jobs: make(chan *job), done: make(chan done), progress: Progress{Due: due}, answers: answers, passes: p, instead: map[Ticket]bool{},
	}
	feed := feeding(feedCtx)
	var workers sync.WaitGroup
	for range s.cfg.Concurrency {
		workers.Go(sch.work)
	}
	bug := Guarded(func() error { sch.loop(feed); return nil })
	close(sch.jobs)
	if bug != nil {
		sch.abandon(bug, &workers)
	}
	workers.Wait()
	stopFeed()
	for _, f := range []<-chan feedItem{feed, sch.rows} {
		for f != nil { // until the reading has ended
			if _, ok := <-f; !ok {
				break
			}
		}
	}
	if bug == nil {
		bug = Guarded(func() error { sch.end(); return nil })
	}
	sch.revisions.Wait()
	if err := cmp.Or(bug, sch.revisionErr); err != nil && s.breaker.Ending.Err == nil {
		s.breaker.Ending = Broken("the ledger could not be written", err)
	}
	if s.breaker.Ending.Code == "" {
		return sch.kept
	}
	return s.breaker.Ending
}

// end settles what is open at the end of a file.
func (s *scheduler) end() {
	if revised := s.breaker.endFile(); s.answers == nil { // else that is for whoever decides about the run
		s.revise(revised)
	}
	s.report()
}

// abandon lets the calls in flight come to their end, which their workers write, when the loop that
// should take them in is no more.
func (s *scheduler) abandon(bug error, workers *sync.WaitGroup) {
	s.breaker.Ending = Broken("", bug)
	s.stopFeed()
	s.pacer.Stop()
	defer time.AfterFunc(s.cfg.Grace, s.cut).Stop()
	ended := make(chan struct{})
	go func() {
		workers.Wait()
		close(ended)
	}()
	for {
		select {
		case <-s.done:
		case <-ended:
			return
		}
	}
}
