package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// sliceTime is how much time's worth of slots is taken at once, so that a run can hand out many
	// permits for one write to the ledger, and hear of a pause this soon.
	sliceTime = 100 * time.Millisecond
	// maxPause is the longest that one answer can make everybody wait.
	maxPause = 5 * time.Minute
)

// Pacer hands out the permits of one run, no faster than its rate, out of the pace that all runs on
// the ledger share. It implements Permits. Run must be running for Permit to return.
type Pacer struct {
	pace     Pace
	rate     float64 // calls a second; +Inf for unlimited
	headroom float64 // the share of HPP's limit that is left to others; below it the pace goes down
	limiter  *rate.Limiter
	requests chan chan struct{}
	paused   chan struct{}           // a pause has begun; one place, as one is as good as several
	life     context.Context         // while permits are given; its cause says why no more are
	end      context.CancelCauseFunc // of life

	mu        sync.Mutex
	pause     time.Time // no permit before
	throttled int       // pauses since the last call that was not throttled
	factor    float64   // of the rate, in the slice at hand
	slowed    time.Time // when it was last asked for less
}

// NewPacer makes a pacer for a rate in calls a second; math.Inf(1) for no limit of our own. When less
// than headroom, 0 to 1, of HPP's limit is left the pace goes down; without a limit of our own it cannot.
func NewPacer(pace Pace, perSecond, headroom float64) *Pacer {
	limit, burst := rate.Limit(perSecond), 1
	switch {
	case math.IsInf(perSecond, 1):
		limit = rate.Inf
	case perSecond >= 1000: // a timer is late by more than a slot
		burst = int(min(perSecond/100, math.MaxInt32))
	}
	p := &Pacer{
		pace: pace, rate: perSecond, headroom: headroom, factor: 1, limiter: rate.NewLimiter(limit, burst),
		requests: make(chan chan struct{}), paused: make(chan struct{}, 1),
	}
	p.life, p.end = context.WithCancelCause(context.Background())
	return p
}

// ClaimBound is how many claims may wait for a permit: a tenth of a second's worth and one.
func ClaimBound(perSecond float64, concurrency int) int {
	return int(min(1+perSecond*sliceTime.Seconds(), float64(concurrency)))
}

// Stop ends the handing out; waiting and later calls of Permit return ErrStopped.
func (p *Pacer) Stop() { p.end(ErrStopped) }

// Permit blocks until one call may be made. It returns ErrStopped when none may any more, or the
// error that the shared pace could not be had for.
func (p *Pacer) Permit(ctx context.Context) error {
	granted := make(chan struct{})
	select {
	case p.requests <- granted:
	case <-p.life.Done():
		return context.Cause(p.life)
	case <-ctx.Done():
		return ErrStopped
	}
	select {
	case <-granted:
		return context.Cause(p.life) // nil while it lasts: a stop takes a permit back that is not used yet
	case <-p.life.Done():
		return context.Cause(p.life)
	case <-ctx.Done():
		return ErrStopped
	}
}

// Throttled holds this run at once, and every other within a slice.
func (p *Pacer) Throttled(retryAfter time.Duration) {
	until, ok := p.throttle(time.Now(), retryAfter)
	if !ok {
		return
	}
	if err := p.pace.Pause(context.WithoutCancel(p.life), until); err != nil {
		p.end(fmt.Errorf("tell other runs of a pause: %w", err))
	}
}

// throttle begins a pause, or tells that the one in force is enough.
func (p *Pacer) throttle(now time.Time, retryAfter time.Duration) (until time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	inForce := p.pause.After(now)
	if retryAfter <= 0 {
		if inForce { // an answer to a call that was on its way when the pause began
			return until, false
		}
		retryAfter = max(time.Second, fullJitter(time.Second, maxPause, p.throttled))
	}
	if !inForce {
		p.throttled++
	}
	until = now.Add(min(retryAfter, maxPause))
	return until, p.hold(until)
}

// hold lengthens the pause and wakes Run; p.mu is held.
func (p *Pacer) hold(until time.Time) bool {
	if !until.After(p.pause) {
		return false
	}
	p.pause = until
	select {
	case p.paused <- struct{}{}:
	default:
	}
	return true
}

// Answered makes the next pause a short one again, and slows every run down when the answer says that
// too little of the limit is left: once for each window of the limit.
func (p *Pacer) Answered(q Quota) {
	window := max(q.Window, time.Second)
	p.mu.Lock()
	p.throttled = 0
	slow := q.Limit > 0 && q.left() < p.headroom && !math.IsInf(p.rate, 1) && time.Since(p.slowed) >= window
	if slow {
		p.slowed = time.Now()
	}
	p.mu.Unlock()
	if !slow {
		return
	}
	if err := p.pace.Slow(context.WithoutCancel(p.life), window); err != nil {
		p.end(fmt.Errorf("slow down the common pace: %w", err))
	}
}

// Rate is how many calls a second may be made at present.
func (p *Pacer) Rate() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rate * p.factor
}

// PausedUntil is when the pause that is in force ends; zero when there is none.
func (p *Pacer) PausedUntil() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pause.After(time.Now()) {
		return p.pause
	}
	return time.Time{}
}

// Run hands out permits until the context ends or Stop is called. It returns an error when the shared
// pace cannot be had, and no permit is given after that.
func (p *Pacer) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, p.Stop)()
	s := slots{pacer: p}
	for p.life.Err() == nil {
		select {
		case granted := <-p.requests:
			if err := Guarded(s.wait); err != nil {
				p.end(err)
			} else {
				close(granted)
			}
		case <-p.life.Done():
		}
	}
	if s.ahead != nil {
		<-s.ahead
	}
	if err := context.Cause(p.life); !errors.Is(err, ErrStopped) {
		return err
	}
	return nil
}

// slots is the stretch of the shared pace that is being used, and the one after it.
type slots struct {
	pacer      *Pacer
	left       int
	start, end time.Time
	ahead      chan reserved // the next slice, being taken; nil when none is
}

type reserved struct {
	slice Slice
	err   error
}

// wait returns at the time of the next slot.
func (s *slots) wait() error {
	p := s.pacer
	for p.life.Err() == nil {
		now := time.Now()
		if s.left == 0 || !now.Before(s.end) { // what is left of a slice that has passed is forfeit
			if err := s.next(); err != nil {
				return err
			}
			continue
		}
		if held := max(p.PausedUntil().Sub(now), s.start.Sub(now)); held > 0 {
			// Where many share the pace a slice may lie far ahead, and a pause is to be heard of before.
			if p.sleep(min(held, sliceTime)) && held > sliceTime {
				if err := p.listen(); err != nil {
					return err
				}
			}
			continue
		}
		if s.ahead == nil { // not before this one has begun, so as to hear of a pause within a slice
			s.reserve()
		}
		turn := p.limiter.ReserveN(now, 1)
		delay := turn.DelayFrom(now)
		switch {
		case !now.Add(delay).Before(s.end):
			turn.Cancel()
			s.left = 0
		case p.sleep(delay):
			s.left--
			return nil
		default: // a pause began
			turn.Cancel()
		}
	}
	return context.Cause(p.life)
}

// next goes on to the slice that was reserved ahead, or reserves one.
func (s *slots) next() error {
	if s.ahead == nil {
		s.reserve()
	}
	r := <-s.ahead
	s.ahead = nil
	if r.err != nil {
		return fmt.Errorf("take a share of the common pace: %w", r.err)
	}
	s.start, s.left = r.slice.Start, r.slice.Slots
	s.end = s.start.Add(s.pacer.follow(r.slice))
	if math.IsInf(s.pacer.rate, 1) { // others do not hold it back
		s.start, s.left, s.end = time.Time{}, math.MaxInt, time.Now().Add(sliceTime)
	}
	return nil
}

// reserve takes the next slice. A pause that it tells of holds at once.
func (s *slots) reserve() {
	p := s.pacer
	ahead := make(chan reserved, 1)
	s.ahead = ahead
	go func() {
		var slice Slice
		err := Guarded(func() (err error) {
			slice, err = p.pace.Reserve(p.life, p.slots(), p.rate)
			return err
		})
		p.mu.Lock()
		p.hold(slice.Pause)
		p.mu.Unlock()
		ahead <- reserved{slice, err}
	}()
}

// listen hears of a pause that another run was asked for.
func (p *Pacer) listen() error {
	slice, err := p.pace.Reserve(p.life, 0, p.rate)
	if err != nil {
		return fmt.Errorf("look whether there is a pause: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold(slice.Pause)
	return nil
}

// slots is how many slots are taken at once.
func (p *Pacer) slots() int {
	perSecond := p.Rate()
	if math.IsInf(perSecond, 1) {
		return 0
	}
	return max(1, int(perSecond*sliceTime.Seconds()))
}

// follow takes on the pace of a slice, and says how long the slice lasts.
func (p *Pacer) follow(s Slice) time.Duration {
	factor := s.Factor
	if factor == 0 {
		factor = 1
	}
	p.mu.Lock()
	changed := factor != p.factor
	p.factor = factor
	p.mu.Unlock()
	if changed {
		p.limiter.SetLimit(rate.Limit(p.rate * factor))
	}
	return time.Duration(float64(s.Slots) / (p.rate * factor) * float64(time.Second))
}

// sleep waits for all of d, or tells that a pause began before, or the end.
func (p *Pacer) sleep(d time.Duration) (rested bool) {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.paused:
	case <-p.life.Done():
	}
	return false
}

// fullJitter is an exponential back-off, drawn evenly from all of its span.
func fullJitter(base, most time.Duration, try int) time.Duration {
	span := min(float64(most), float64(base)*math.Exp2(float64(try)))
	return time.Duration(rand.Float64() * span)
}
