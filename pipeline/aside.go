package pipeline

import (
	"context"
	"errors"
	"time"
)

// errYield says that a send has come while a slot was waited for that was not for one.
var errYield = errors.New("a send goes first")

// Aside blocks until one call may be made that is no send: it takes its slot from the same pace and honours the
// same pauses, and of several calls that wait, the sends go first. It returns ErrStopped when no call may be made
// any more, or the error that the shared pace could not be had for.
func (p *Pacer) Aside(ctx context.Context) error {
	granted := make(chan struct{})
	if err := p.put(ctx, p.asides, request{what: (*slots).wait, permit: true, granted: granted}); err != nil {
		return err
	}
	return p.await(ctx, granted)
}

// grantAside waits for a slot, and gives it to a send if one is waiting for it by then; the call that it was for
// then waits for the next.
func (p *Pacer) grantAside(s *slots, aside request) {
	for p.life.Err() == nil {
		s.aside = true
		err := Guarded(func() error { return s.wait() })
		s.aside = false
		switch {
		case errors.Is(err, errYield):
			p.letSendGo(s)
		case err != nil:
			p.end(err)
		default:
			select {
			case r := <-p.requests:
				if r.permit {
					close(r.granted)
					continue
				}
				close(aside.granted)
				p.grant(s, r)
			default:
				close(aside.granted)
			}
			return
		}
	}
}

// letSendGo grants what the send asks for that has come. One that has left again meanwhile is not waited for.
func (p *Pacer) letSendGo(s *slots) {
	gone := time.NewTimer(time.Millisecond)
	defer gone.Stop()
	select {
	case r := <-p.requests:
		p.grant(s, r)
	case <-gone.C:
	case <-p.life.Done():
	}
}

// interruptions tells of sends that come, where they are to go first.
func (s *slots) interruptions() <-chan struct{} {
	if !s.aside {
		return nil
	}
	return s.pacer.sendCame
}
