package pipeline

import (
	"context"
	"fmt"
	"math"
	"time"
)

// slots is the stretch of the shared pace that is being used, and the one after it.
type slots struct {
	pacer      *Pacer
	slice      Slice
	left       int
	start, end time.Time
	ahead      chan reserved // the next slice, being taken; nil when none is
	own        time.Time     // no slot before, by the run's own rate
	others     time.Time     // likewise by the common pace, as far as is known
	aside      bool          // the slot is for a call that lets sends go first
}

type reserved struct {
	slice Slice
	err   error
}

// wait returns at the time of the next slot.
func (s *slots) wait() error {
	p := s.pacer
	for p.life.Err() == nil {
		if s.aside && p.sends.Load() > 0 {
			return errYield
		}
		now := time.Now()
		if s.left == 0 || !now.Before(s.end) { // what is left of a slice that has passed is forfeit
			if err := s.next(now); err != nil {
				return err
			}
			continue
		}
		if held := max(p.PausedUntil().Sub(now), s.start.Sub(now)); held > 0 {
			if err := s.rest(held); err != nil {
				return err
			}
			continue
		}
		if s.ahead == nil && !p.slow() { // not before this one has begun, so as to hear of a pause within a slice
			s.reserve()
		}
		turn := p.limiter.ReserveN(now, 1)
		delay := turn.DelayFrom(now)
		switch {
		case !now.Add(delay).Before(s.end):
			turn.Cancel()
			if p.slow() { // the rate has just gone down
				s.own, s.end = now.Add(delay), now
			} else {
				s.left = 0
			}
		case p.sleep(delay, s.interruptions()):
			s.left--
			if s.own = (time.Time{}); p.slow() {
				s.own = time.Now().Add(p.gap())
			}
			return nil
		default: // a pause began, or a send came
			turn.Cancel()
		}
	}
	return context.Cause(p.life)
}

// near returns once there is no pause and the next slot is at hand or can be had within a slice.
func (s *slots) near() error {
	p := s.pacer
	for p.life.Err() == nil {
		now := time.Now()
		if held := p.PausedUntil().Sub(now); held > 0 {
			if err := s.rest(held); err != nil {
				return err
			}
			continue
		}
		if s.left > 0 && now.Before(s.end) || s.ahead != nil {
			return nil
		}
		if early, err := s.early(now); err != nil || !early {
			return err
		}
	}
	return context.Cause(p.life)
}

// early rests when no slot can be had within a slice, and reports whether it did.
func (s *slots) early(now time.Time) (bool, error) {
	p := s.pacer
	if s.left > 0 && p.slow() { // a pause or a stall took it, which is not to cost another turn
		if err := p.pace.GiveBack(p.life, s.unused()); err != nil {
			return false, fmt.Errorf("give back a share of the common pace: %w", err)
		}
		s.left, s.others = 0, s.start
	}
	until, own := s.others, false
	if !s.own.Before(until) {
		until, own = s.own, true
	}
	d := max(until.Sub(now), 0) - SliceTime
	if d <= 0 {
		return false, nil
	}
	p.waitFor(Wait{until, own})
	return true, s.rest(d)
}

// next goes on to the slice that was reserved ahead, or reserves one once it can be had; until then it rests.
func (s *slots) next(now time.Time) error {
	p := s.pacer
	if s.ahead == nil {
		if early, err := s.early(now); err != nil || early {
			return err
		}
		s.reserve()
	}
	r := <-s.ahead
	s.ahead = nil
	if r.err != nil {
		return fmt.Errorf("take a share of the common pace: %w", r.err)
	}
	s.slice, s.start, s.left, s.others = r.slice, r.slice.Start, r.slice.Slots, r.slice.Start
	if s.left > 0 {
		p.waitFor(Wait{})
	}
	lasts := p.follow(r.slice)
	if p.slow() { // the others count on it
		lasts = min(lasts, SliceTime)
	}
	if s.end = s.start.Add(lasts); !r.slice.End.IsZero() && r.slice.End.Before(s.end) {
		s.end = r.slice.End
	}
	if math.IsInf(p.rate, 1) { // others do not hold it back
		s.start, s.left, s.end, s.others = time.Time{}, math.MaxInt, time.Now().Add(SliceTime), time.Time{}
	}
	return nil
}

// rest waits for d or for a slice, whichever is less. Where many share the pace a slot may lie far ahead, and
// a pause, or that the slot can be had sooner, is to be heard of before.
func (s *slots) rest(d time.Duration) error {
	p := s.pacer
	if !p.sleep(min(d, SliceTime), s.interruptions()) || d <= SliceTime {
		return nil
	}
	slice, err := p.listen()
	if !math.IsInf(p.rate, 1) { // which others do not hold back
		s.others = slice.Start
	}
	return err
}

// unused is what is left of the slice at hand.
func (s *slots) unused() Slice {
	u := s.slice
	u.Slots = s.left
	return u
}

// giveBack gives back, at the end, what was taken and not used, the last first. That it cannot be is no harm:
// it is over soon.
func (s *slots) giveBack(ctx context.Context) {
	if s.ahead != nil {
		if r := <-s.ahead; r.err == nil && r.slice.Slots > 0 {
			s.pacer.pace.GiveBack(ctx, r.slice)
		}
	}
	if u := s.unused(); u.Slots > 0 && !math.IsInf(s.pacer.rate, 1) {
		s.pacer.pace.GiveBack(ctx, u)
	}
}

// reserve takes the next slice. A pause that it tells of holds at once.
func (s *slots) reserve() {
	p := s.pacer
	ahead, own := make(chan reserved, 1), s.own
	s.ahead = ahead
	go func() {
		var slice Slice
		err := Guarded(func() (err error) {
			slice, err = p.pace.Reserve(p.life, p.slots(), p.rate, own)
			return err
		})
		p.mu.Lock()
		p.hold(slice.Pause)
		p.mu.Unlock()
		ahead <- reserved{slice, err}
	}()
}
