package pipeline

import (
	"fmt"
	"time"
)

// Order is what a person wishes of a run that goes on.
type Order string

// The orders.
const (
	GoOn   Order = ""       // none, or a pause has ended
	Pause  Order = "pause"  // no call until it ends
	Cancel Order = "cancel" // no call any more; calls in flight may end
)

// Ordered is an order with who gave it, and when. The zero Ordered is none.
type Ordered struct {
	Order Order
	By    string
	Time  time.Time
}

// String says what is done by it, as in "paused by Ann since 14:05".
func (o Ordered) String() string {
	if o.Order == Cancel {
		return "cancelled by " + o.By
	}
	at := o.Time.Local()
	clock := at.Format("15:04")
	if time.Since(at) > 12*time.Hour {
		clock = at.Format("2006-01-02 15:04")
	}
	return fmt.Sprintf("paused by %s since %s", o.By, clock)
}

// Order has the sending do what is ordered, from the next call on. It is safe for concurrent use.
func (s *Sending) Order(o Ordered) {
	if o.Order == Cancel {
		select {
		case s.cancelled <- o:
		default: // it is known
		}
		return
	}
	s.pacer.Order(o)
	signal(s.ordered)
}

// heed tells people of a pause that began or ended by order, and lets nothing that is counted in time run on in it.
func (s *scheduler) heed(now time.Time) {
	o := s.pacer.Ordered()
	if o.Order == Pause || s.opens != (barrier{}) {
		s.breaker.rested(now)
	}
	switch {
	case o == s.heeded:
		return
	case o.Order == Pause:
		s.notice("paused", "The run is %s: no call is made until somebody says hppsend resume", o)
	default:
		s.notice("resumed", "The run goes on: it was %s", s.heeded)
	}
	s.heeded = o
}
