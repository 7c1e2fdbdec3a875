package pipeline

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// turn is a place among the few that claim a row now, because a slot will soon be theirs.
type turn struct {
	pacer *Pacer
	began time.Time
	ended atomic.Bool
}

// Turn blocks until it is time to claim: no pause is in force, a slot is no more than a SliceTime away, and
// there are not more claims without a permit than it takes to have the next one ready for its slot. So a run
// that is killed leaves few intents that were never called for.
func (p *Pacer) Turn(ctx context.Context) (Turn, error) {
	for !p.takeTurn() {
		select {
		case <-p.turnEnded:
		case <-p.life.Done():
			return nil, context.Cause(p.life)
		case <-ctx.Done():
			return nil, ErrStopped
		}
	}
	t := &turn{pacer: p}
	if p.mayBeFar() {
		if err := p.ask(ctx, (*slots).near, false); err != nil {
			t.End()
			return nil, err
		}
	}
	t.began = time.Now()
	return t, nil
}

// Permit blocks until one call may be made. It returns ErrStopped when none may any more, or the error that
// the shared pace could not be had for.
func (t *turn) Permit(ctx context.Context) error {
	t.pacer.claimed(time.Since(t.began))
	return t.pacer.ask(ctx, (*slots).wait, true)
}

// End lets another have the turn.
func (t *turn) End() {
	if t.ended.Swap(true) {
		return
	}
	t.pacer.mu.Lock()
	defer t.pacer.mu.Unlock()
	t.pacer.turns--
	signal(t.pacer.turnEnded)
}

// mayBeFar reports whether the next slot may be more than a slice away. Whoever need not ask does not wait
// behind those who ask for permits.
func (p *Pacer) mayBeFar() bool {
	return p.slow() || !p.PausedUntil().IsZero() || p.Waiting() != Wait{} || p.life.Err() != nil
}

func (p *Pacer) takeTurn() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	bound := p.maxTurns()
	if p.turns >= bound {
		return false
	}
	if p.turns++; p.turns < bound {
		signal(p.turnEnded) // another may have ended meanwhile
	}
	return true
}

// maxTurns is how many may hold a claim without a permit: twice as many as there are slots in the time that a
// claim takes, and one, and never more than ClaimBound allows. p.mu is held.
func (p *Pacer) maxTurns() int {
	return ClaimBound(min(p.rate, 2*p.rate*p.claimTime.Seconds()/SliceTime.Seconds()), math.MaxInt32)
}

// claimed takes note of how long a claim took, as a moving average.
func (p *Pacer) claimed(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claimTime = max(p.claimTime+(d-p.claimTime)/8, time.Microsecond)
}

// signal wakes one who waits on a channel with one place.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
