package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxPause is the longest that one answer can make everybody wait.
	maxPause = 5 * time.Minute
	// longWait is what a wait for a slot may take without a word.
	longWait = 3 * time.Second
)

// Pacer hands out the permits of one run, no faster than its rate, out of the pace that all runs on
// the ledger share. It implements Permits. Run must be running for a turn and a permit to be had.
type Pacer struct {
	pace      Pace
	rate      float64 // calls a second; +Inf for unlimited
	headroom  float64 // the share of HPP's limit that is left to others; below it the pace goes down
	limiter   *rate.Limiter
	requests  chan request
	asides    chan request            // of calls that let sends go first
	sends     atomic.Int32            // requests that wait, for a permit or for when one is near
	sendCame  chan struct{}           // one has come; one place, as one is as good as several
	paused    chan struct{}           // a pause has begun; one place, as one is as good as several
	waits     chan struct{}           // a long wait for a slot has begun; likewise
	turnEnded chan struct{}           // another may be had; likewise
	life      context.Context         // while permits are given; its cause says why no more are
	end       context.CancelCauseFunc // of life

	mu        sync.Mutex
	pause     time.Time // no permit before
	ordered   Ordered   // a pause by a person
	throttled int       // pauses since the last call that was not throttled
	factor    float64   // of the rate, in the slice at hand
	slowed    time.Time // when it was last asked for less
	wait      Wait      // the long one at hand
	told      bool      // of a wait for the run's own rate
	turns     int       // that are being had
	claimTime time.Duration
}

// request asks for a permit, or for when one is near.
type request struct {
	what    func(*slots) error
	permit  bool // for the next slot, and nothing else
	granted chan<- struct{}
}

// Wait is a long wait for a slot.
type Wait struct {
	Until time.Time // zero for none
	Own   bool      // for the run's own rate; else for the pace that all runs share
}

// String says what is waited for.
func (w Wait) String() string {
	if w.Own {
		return "waiting for the next call that the rate of this run allows"
	}
	return "waiting for the pace that all runs on this ledger share: earlier calls have taken it"
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
		requests: make(chan request), asides: make(chan request), sendCame: make(chan struct{}, 1), paused: make(chan struct{}, 1), waits: make(chan struct{}, 1),
		turnEnded: make(chan struct{}, 1), claimTime: time.Millisecond,
	}
	p.life, p.end = context.WithCancelCause(context.Background())
	return p
}

// ClaimBound is how many claims may wait for a permit: a tenth of a second's worth and one.
func ClaimBound(perSecond float64, concurrency int) int {
	return int(min(1+perSecond*SliceTime.Seconds(), float64(concurrency)))
}

// Stop ends the handing out; who waits or comes later is given ErrStopped.
func (p *Pacer) Stop() { p.end(ErrStopped) }

// ask waits until Run grants what is asked for.
func (p *Pacer) ask(ctx context.Context, what func(*slots) error, permit bool) error {
	granted := make(chan struct{})
	p.sends.Add(1)
	signal(p.sendCame)
	err := p.put(ctx, p.requests, request{what, permit, granted})
	p.sends.Add(-1)
	if err != nil {
		return err
	}
	return p.await(ctx, granted)
}

// put hands a request to Run.
func (p *Pacer) put(ctx context.Context, to chan<- request, r request) error {
	select {
	case to <- r:
		return nil
	case <-p.life.Done():
		return context.Cause(p.life)
	case <-ctx.Done():
		return ErrStopped
	}
}

// await waits until a request is granted.
func (p *Pacer) await(ctx context.Context, granted <-chan struct{}) error {
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
	signal(p.paused)
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

// Order begins or ends a pause by a person.
func (p *Pacer) Order(o Ordered) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ordered = o; o.Order == Pause {
		signal(p.paused)
	}
}

// Ordered is the pause by a person that is in force.
func (p *Pacer) Ordered() Ordered {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ordered
}

// PausedUntil is when the pause that is in force ends, as far as that is known; zero when there is none.
func (p *Pacer) PausedUntil() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ordered.Order == Pause { // until it is looked again
		return time.Now().Add(SliceTime)
	}
	if p.pause.After(time.Now()) {
		return p.pause
	}
	return time.Time{}
}

// Waiting gives the long wait for a slot that is going on; the zero Wait when there is none.
func (p *Pacer) Waiting() Wait {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wait.Until.After(time.Now()) {
		return p.wait
	}
	return Wait{}
}

// waitFor takes note of a wait for a slot; the zero Wait ends it. Of waits for the run's own rate the first
// is worth a word.
func (p *Pacer) waitFor(w Wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begins := p.wait == Wait{}
	if begins && time.Until(w.Until) <= longWait {
		return
	}
	p.wait = w
	if !begins || w.Own && p.told {
		return
	}
	p.told = p.told || w.Own
	signal(p.waits)
}

// Run hands out permits until the context ends or Stop is called. It returns an error when the shared
// pace cannot be had, and no permit is given after that.
func (p *Pacer) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, p.Stop)()
	s := slots{pacer: p}
	for p.life.Err() == nil {
		select { // a select alone is fair
		case r := <-p.requests:
			p.grant(&s, r)
			continue
		default:
		}
		select {
		case r := <-p.requests:
			p.grant(&s, r)
		case r := <-p.asides:
			p.grantAside(&s, r)
		case <-p.life.Done():
		}
	}
	s.giveBack(context.WithoutCancel(ctx))
	if err := context.Cause(p.life); !errors.Is(err, ErrStopped) {
		return err
	}
	return nil
}

// grant does what is asked for.
func (p *Pacer) grant(s *slots, r request) {
	if err := Guarded(func() error { return r.what(s) }); err != nil {
		p.end(err)
	} else {
		close(r.granted)
	}
}

// listen hears of a pause that another run was asked for, and of when a slot can be had.
func (p *Pacer) listen() (Slice, error) {
	slice, err := p.pace.Reserve(p.life, 0, p.rate, time.Time{})
	if err != nil {
		return slice, fmt.Errorf("look whether there is a pause: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold(slice.Pause)
	return slice, nil
}

// gap is the time between two slots.
func (p *Pacer) gap() time.Duration { return time.Duration(float64(time.Second) / p.Rate()) }

// slow reports whether a slot lasts longer than a slice.
func (p *Pacer) slow() bool { return p.gap() > SliceTime }

// slots is how many slots are taken at once.
func (p *Pacer) slots() int {
	perSecond := p.Rate()
	if math.IsInf(perSecond, 1) {
		return 0
	}
	return max(1, int(perSecond*SliceTime.Seconds()))
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

// sleep waits for all of d, or tells that a pause began before, or the end; or, where it is told of them, that a
// send came.
func (p *Pacer) sleep(d time.Duration, sends <-chan struct{}) (rested bool) {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.paused:
	case <-sends:
	case <-p.life.Done():
	}
	return false
}

// fullJitter is an exponential back-off, drawn evenly from all of its span.
func fullJitter(base, most time.Duration, try int) time.Duration {
	span := min(float64(most), float64(base)*math.Exp2(float64(try)))
	return time.Duration(rand.Float64() * span)
}
