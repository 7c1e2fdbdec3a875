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
	limiter  *rate.Limiter
	requests chan chan error
	stopped  chan struct{}
	stop     func()

	mu        sync.Mutex
	pause     time.Time // no permit before
	throttled int       // pauses since the last call that was not throttled
	failure   error
	paused    chan struct{} // a pause has begun; one place, as one is as good as several
}

// NewPacer makes a pacer for a rate in calls a second; math.Inf(1) for no limit of our own.
func NewPacer(pace Pace, perSecond float64) *Pacer {
	limit, burst := rate.Limit(perSecond), 1
	if perSecond >= 1000 { // a timer is late by more than a slot
		burst = int(min(perSecond/100, math.MaxInt32))
	}
	if math.IsInf(perSecond, 1) {
		limit = rate.Inf
	}
	p := &Pacer{
		pace: pace, rate: perSecond, limiter: rate.NewLimiter(limit, burst),
		requests: make(chan chan error), stopped: make(chan struct{}), paused: make(chan struct{}, 1),
	}
	p.stop = sync.OnceFunc(func() { close(p.stopped) })
	return p
}

// ClaimBound is how many claims may wait for a permit: a tenth of a second's worth and one.
func ClaimBound(perSecond float64, concurrency int) int {
	return int(min(1+perSecond*sliceTime.Seconds(), float64(concurrency)))
}

// Stop ends the handing out; waiting and later calls of Permit return ErrStopped.
func (p *Pacer) Stop() { p.stop() }

// why is what ended the handing out.
func (p *Pacer) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	return ErrStopped
}

// Permit blocks until one call may be made.
func (p *Pacer) Permit(ctx context.Context) error {
	granted := make(chan error, 1)
	select {
	case p.requests <- granted:
	case <-p.stopped:
		return p.why()
	case <-ctx.Done():
		return ErrStopped
	}
	select {
	case err := <-granted:
		return err
	case <-p.stopped:
		return p.why()
	case <-ctx.Done():
		return ErrStopped
	}
}

// Throttled holds this run at once, and every other within a slice.
func (p *Pacer) Throttled(retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.pause.After(now) && retryAfter == 0 {
		return // an answer to a call that was on its way when the pause began
	}
	if retryAfter == 0 {
		retryAfter = max(time.Second, fullJitter(time.Second, maxPause, p.throttled))
	}
	p.throttled++
	if until := now.Add(min(retryAfter, maxPause)); until.After(p.pause) {
		p.pause = until
		select {
		case p.paused <- struct{}{}:
		default:
		}
	}
}

// Answered tells that a call was not throttled, so that the next pause is a short one again.
func (p *Pacer) Answered() {
	p.mu.Lock()
	p.throttled = 0
	p.mu.Unlock()
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := slots{pacer: p}
	defer s.drop()
	for {
		select {
		case granted := <-p.requests:
			err := s.wait(ctx)
			granted <- err
			if err != nil && !errors.Is(err, ErrStopped) {
				p.mu.Lock()
				p.failure = err
				p.mu.Unlock()
				p.Stop()
				return err
			}
		case <-p.stopped:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// slots is the stretch of the shared pace that is being used, and the one after it.
type slots struct {
	pacer *Pacer
	left  int
	end   time.Time
	start time.Time
	ahead chan reserved // the next slice, being taken; nil when none is
	told  time.Time     // the pause that was last written to the shared pace
}

type reserved struct {
	slice Slice
	err   error
}

// wait returns at the time of the next slot.
func (s *slots) wait(ctx context.Context) error {
	p := s.pacer
	for {
		if err := s.announce(ctx); err != nil {
			return err
		}
		now := time.Now()
		if s.left == 0 || !now.Before(s.end) {
			if err := s.next(ctx); err != nil {
				return err
			}
			continue
		}
		if until := p.PausedUntil(); !until.IsZero() || now.Before(s.start) {
			if until.Before(s.start) {
				until = s.start
			}
			if _, err := p.sleep(ctx, until.Sub(now)); err != nil {
				return err
			}
			continue
		}
		r := p.limiter.ReserveN(now, 1)
		delay := r.DelayFrom(now)
		if !now.Add(delay).Before(s.end) {
			r.CancelAt(now)
			s.left = 0 // what is left of the slice is forfeit
			continue
		}
		if rested, err := p.sleep(ctx, delay); err != nil {
			return err
		} else if !rested {
			continue
		}
		s.left--
		return nil
	}
}

// next takes the slice that was reserved ahead, or reserves one, and has the one after it reserved.
func (s *slots) next(ctx context.Context) error {
	if s.ahead == nil {
		s.reserve(ctx)
	}
	var r reserved
	select {
	case r = <-s.ahead:
	case <-s.pacer.stopped:
		return ErrStopped
	}
	s.ahead = nil
	if r.err != nil {
		return fmt.Errorf("take a share of the common pace: %w", r.err)
	}
	p := s.pacer
	p.mu.Lock()
	if r.slice.Pause.After(p.pause) {
		p.pause = r.slice.Pause
		s.told = r.slice.Pause
	}
	p.mu.Unlock()
	s.start, s.left, s.end = r.slice.Start, r.slice.Slots, r.slice.Start.Add(p.length())
	if math.IsInf(p.rate, 1) {
		s.left, s.end = math.MaxInt, time.Now().Add(p.length())
	}
	if time.Now().Before(s.end) {
		s.reserve(ctx)
	}
	return nil
}

func (s *slots) reserve(ctx context.Context) {
	p := s.pacer
	ahead := make(chan reserved, 1) // so that the goroutine ends when nobody waits any more
	s.ahead = ahead
	go func() {
		slice, err := p.pace.Reserve(ctx, p.slots(), p.rate)
		ahead <- reserved{slice, err}
	}()
}

// drop waits for a reservation that nobody will use.
func (s *slots) drop() {
	if s.ahead != nil {
		<-s.ahead
	}
}

// announce writes a pause of this run's to the shared pace, once.
func (s *slots) announce(ctx context.Context) error {
	until := s.pacer.PausedUntil()
	if until.IsZero() || !until.After(s.told) {
		return nil
	}
	s.told = until
	return s.pacer.pace.Pause(ctx, until)
}

// slots is how many slots are taken at once.
func (p *Pacer) slots() int {
	if math.IsInf(p.rate, 1) {
		return 0
	}
	return max(1, int(p.rate*sliceTime.Seconds()))
}

// length is how long the slots of one slice last.
func (p *Pacer) length() time.Duration {
	if math.IsInf(p.rate, 1) {
		return sliceTime
	}
	return time.Duration(float64(p.slots()) / p.rate * float64(time.Second))
}

// sleep waits for all of d, or tells that a pause began before.
func (p *Pacer) sleep(ctx context.Context, d time.Duration) (rested bool, err error) {
	if d <= 0 {
		return true, nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, nil
	case <-p.paused:
		return false, nil
	case <-p.stopped:
		return false, ErrStopped
	case <-ctx.Done():
		return false, ErrStopped
	}
}

// fullJitter is an exponential back-off, drawn evenly from all of its span.
func fullJitter(base, most time.Duration, try int) time.Duration {
	span := min(float64(most), float64(base)*math.Exp2(float64(try)))
	return time.Duration(rand.Float64() * span)
}
