package pipeline

import (
	"context"
	"iter"
	"time"
)

// Due is a row that is to be sent, in a share of a run.
type Due struct {
	Distribution Distribution
	Fallback     Distribution `json:",omitzero"` // see Attempt
	Place        Place
	N            int    // the row's number in its file, from 0
	Expires      int64  `json:",omitempty"` // Unix seconds at which the session does; 0 where it is not known
	Home         string `json:",omitempty"` // the recipient's country, where the distribution does not say it and a rule asks
	// Settled is told what this process has brought the row to, once that is in the ledger; not for a row that it did
	// not come to. It must not block.
	Settled func(Status) `json:"-"`
	// Later is told, instead, that a rule lets the row be tried again at a time at the earliest: Result.Again. It must
	// not block.
	Later func(Result) `json:"-"`
}

// DueRows gives the rows of a file that are to be sent, read anew, in the order of the input.
func (p *Plan) DueRows(ctx context.Context, file int, src Source) iter.Seq2[Due, error] {
	return func(yield func(Due, error) bool) {
		on := true
		err := p.inOrder(ctx, file, src, anyTime, func(j *job) bool {
			on = yield(Due{Distribution: j.attempt.Distribution, Fallback: j.attempt.Fallback, Place: j.attempt.Place, N: j.attempt.N, Home: j.attempt.home(), Expires: j.attempt.Expires}, nil)
			return on
		})
		if err != nil && on {
			yield(Due{}, err)
		}
	}
}

// SendShare is Send for one process of several that send a run: it takes rows until none come any more, and tells what
// each call came to. What follows for the run as a whole, [Brakes] decide: this process only heeds an outage, and answers
// after which nothing can go on from here.
func (s *Sending) SendShare(ctx context.Context, rows <-chan Due, answers func(Answer), d *Distributor) Ending {
	return s.send(ctx, d, answers, 0, nil, func(ctx context.Context) <-chan feedItem {
		out := make(chan feedItem)
		go func() {
			defer close(out)
			Guarded(func() error { pass(ctx, d.Rules, rows, out); return nil })
		}()
		return out
	})
}

// pass gives rows on until none come any more, or the context ends.
func pass(ctx context.Context, rules Rules, rows <-chan Due, out chan<- feedItem) {
	for {
		select {
		case r, ok := <-rows:
			if !ok {
				return
			}
			a := Attempt{Distribution: r.Distribution, Fallback: r.Fallback, Place: r.Place, N: r.N, Expires: r.Expires}
			if rules.timed() {
				a.Locale, a.Placed = rules.locale(r.Distribution, r.Home), r.Distribution.Method
			}
			select {
			case out <- feedItem{job: &job{attempt: a, settled: r.Settled, later: r.Later}}:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// Own is what of a configuration one process of several heeds by itself. Its clock is not that of the others.
func (c SendConfig) Own() SendConfig {
	c.Until = time.Time{}
	c.Limit, c.StopAfterIdentical, c.MaxRejected, c.Canary, c.GoOn = 0, 0, Threshold{}, 0, nil
	return c
}

// Brakes decide for a run that several processes send, from what these tell of their calls, when it is to end and which
// refusals bind later runs: the same as one process does for itself. Their JSON is all of their state. The limit and the
// canary are for whoever hands out the rows.
type Brakes struct{ breaker }

// Brake readies brakes, new ones or some that were read from JSON, for use.
func (b *Brakes) Brake(cfg SendConfig) {
	b.cfg, b.jitter = cfg, backOff
	b.cfg.Limit, b.cfg.Canary = 0, 0
	if b.File.Identical == nil {
		b.beginFile()
	}
}

// Answered takes in what calls came to, in the order in which that was told, and gives the refusals to be revised.
func (b *Brakes) Answered(now time.Time, all ...Answer) (out []Revision) {
	for _, a := range all {
		out = append(out, b.answered(now, a)...)
	}
	return out
}

// Look tells that the time has come to something, or that a person holds the run.
func (b *Brakes) Look(now time.Time, held bool) {
	if held {
		b.rested(now)
	}
	b.expire(now, false)
}

// Stop ends the run for a reason of others; what ended it first counts.
func (b *Brakes) Stop(f Finding) { b.end(Ending{Finding: f}) }

// Ended gives why the run ends; the zero Finding while it goes on.
func (b *Brakes) Ended() Finding { return b.Ending.Finding }

// Over gives the refusals that are to be revised now that no call is made any more.
func (b *Brakes) Over() []Revision { return b.endFile() }
