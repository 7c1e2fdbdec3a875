package pipeline

import (
	"context"
	"fmt"
	"time"
)

// Preflight says that each session is looked at before its call.
type Preflight struct {
	// Age is how long before the call the look may have been; what is known for longer is looked at again.
	Age time.Duration
	// SendUnclear has rows sent whose session could not be seen, or is in a state that is not known.
	SendUnclear bool `json:",omitempty"`
}

// Seen is what is known of a session, by a look at it.
type Seen struct {
	Session
	Looked  time.Time // the last look that told something
	Waiting time.Time // the last one that found it WAITING; zero when none has
	Opened  time.Time // the first one that found that a consumer had opened it; likewise
}

// Looks keeps what is known of sessions, for all runs and machines on a ledger. Both methods are safe for
// concurrent use.
type Looks interface {
	// Seen gives what is known of each session; the zero Seen where nothing is.
	Seen(ctx context.Context, sessions []string) ([]Seen, error)
	// Saw keeps what looks have told, over what was known before but for what is older.
	Saw(ctx context.Context, looks ...Seen) error
}

// After is what is known once a session was found to be so at a time.
func (s Seen) After(found Session, at time.Time) Seen {
	if found.Expires.IsZero() { // as of one that is gone
		found.Expires = s.Expires
	}
	s.Session, s.Looked = found, at
	if found.Status == SessionWaiting {
		s.Waiting = at
	}
	if found.Status.Opened() && s.Opened.IsZero() {
		s.Opened = at
	}
	return s
}

// preflighted gives what a session as it was seen at a time makes of a row that was to be sent; false when it is to be
// sent all the same.
func (r Rules) preflighted(it item, s Seen, now time.Time) (Outcome, bool) {
	seen := when(s.Looked)
	switch s.Status {
	case SessionCompleted:
		return r.outcome(it, Skipped, CodeSessionCompleted, "the session is paid, as was seen on "+seen), true
	case SessionCancelled:
		return r.outcome(it, Skipped, CodeSessionCancelled, "the session was cancelled, as was seen on "+seen), true
	case SessionDisabled:
		return r.outcome(it, Skipped, CodeSessionDisabled, "the session was disabled, as was seen on "+seen), true
	case SessionGone:
		if s.ExpiredAt(now) {
			return r.outcome(it, Rejected, CodeSessionExpired, "the session expired on "+when(s.Expires)), true
		}
		return r.outcome(it, Rejected, "NOT_FOUND", "HPP has no such session, or it has expired, as was seen on "+seen), true
	}
	if s.ExpiredAt(now) {
		return r.outcome(it, Rejected, CodeSessionExpired, "the session expired on "+when(s.Expires)), true
	}
	switch s.Status {
	case SessionWaiting, SessionInProgress, SessionBack, SessionFailed, SessionError:
		return Outcome{}, false
	}
	return r.unclear(it, fmt.Sprintf("the session is in a state that is not known here, %s", s.Status))
}

// unclear holds a row back whose session could not be seen, unless such rows are sent.
func (r Rules) unclear(it item, why string) (Outcome, bool) {
	if r.Preflight.SendUnclear {
		return Outcome{}, false
	}
	return r.outcome(it, Pending, CodePreflightUnclear, "not sent, since it is unclear how the session stands: "+why), true
}

// fresh reports whether what is known of a session is good enough to go by. What has ended does not change any more.
func (p Preflight) fresh(s Seen, now time.Time) bool {
	age := now.Sub(s.Looked)
	return !s.Looked.IsZero() && (age >= 0 && age < p.Age || s.Status.Ended() && s.Status != SessionGone)
}

// preflight looks at the session of a row, unless it was looked at lately. A result with an action says what becomes of
// the row without a call.
func (d *Distributor) preflight(ctx context.Context, a Attempt) (Result, error) {
	p := d.Rules.Preflight
	if p == nil {
		return Result{}, nil
	}
	if early, ok := d.early(a, a.Distribution); ok { // it would be looked at again when its hour has come
		return early, nil
	}
	it := item{Distribution: a.Distribution, session: a.Distribution.Session, place: a.Place}
	known, err := d.known(ctx, it.session)
	if err != nil {
		return Result{}, err
	}
	now := time.Now()
	if p.fresh(known, now) {
		return d.seen(ctx, it, a, known, now, nil)
	}
	look, err := d.look(ctx, it.session)
	if err != nil {
		return Result{}, err
	}
	switch look.Sight {
	case Found, Gone:
		known = known.After(look.Session, time.Now())
		if err := d.Looks.Saw(context.WithoutCancel(ctx), known); err != nil {
			return Result{looked: &look}, &LedgerError{Err: fmt.Errorf("keep how session %s stands: %w", it.session, err)}
		}
		return d.seen(ctx, it, a, known, look.Now, &look)
	case LookLimit:
		return Result{looked: &look, action: action{Pending, afterPause}}, nil
	case LookDenied:
		return Result{looked: &look, action: action{Pending, nothing}}, nil
	case LookFailed:
		if !a.Last {
			return Result{looked: &look, action: action{Pending, afterDelay}}, nil
		}
	case LookVague:
	}
	if d.Sender == nil {
		return Result{looked: &look, action: action{Failed, nothing}}, nil
	}
	out, held := d.Rules.unclear(it, look.Reason)
	return d.decided(ctx, a, out, held, &look)
}

// known gives what is known of a session.
func (d *Distributor) known(ctx context.Context, session string) (Seen, error) {
	seen, err := d.Looks.Seen(ctx, []string{session})
	switch {
	case err != nil && ctx.Err() != nil:
		return Seen{}, ErrStopped
	case err != nil:
		return Seen{}, &LedgerError{Err: fmt.Errorf("see what is known of session %s: %w", session, err)}
	}
	return seen[0], nil
}

// look makes one look, in its turn.
func (d *Distributor) look(ctx context.Context, session string) (Look, error) {
	if err := d.Permits.Aside(ctx); err != nil {
		return Look{}, err
	}
	look := d.Looker.Look(ctx, session)
	if ctx.Err() != nil { // cut off: that nothing came is not the session's fault
		return Look{}, ErrStopped
	}
	if look.Sight == LookLimit {
		d.Permits.Throttled(look.RetryAfter)
	} else {
		d.Permits.Answered(look.Quota)
	}
	return look, nil
}

// seen gives what a session as it was seen makes of its row.
func (d *Distributor) seen(ctx context.Context, it item, a Attempt, s Seen, now time.Time, look *Look) (Result, error) {
	if d.Sender == nil { // nothing is to be sent, and it was seen
		return Result{looked: look, action: action{Delivered, nothing}}, nil
	}
	out, held := d.Rules.preflighted(it, s, now)
	return d.decided(ctx, a, out, held, look)
}

// decided keeps for the report what a look holds back.
func (d *Distributor) decided(ctx context.Context, a Attempt, out Outcome, held bool, look *Look) (Result, error) {
	if !held {
		return Result{looked: look}, nil
	}
	return Result{Unclaimed: out, looked: look, action: action{out.Status, nothing}}, d.heldBack(ctx, a, out)
}

// sendsUnclear reports whether looks that are not understood keep nothing back.
func (d *Distributor) sendsUnclear() bool {
	return d.Rules.Preflight != nil && d.Rules.Preflight.SendUnclear
}

// OpenedSince reports whether the session proves that a link that may have been sent arrived: it was seen WAITING, and
// opened only after the call. One that was opened before the call, or may have been, proves nothing: updated_at says when
// it was changed last. called is when the call was known to have no clear answer.
func (s Seen) OpenedSince(called time.Time) bool {
	return !s.Waiting.IsZero() && s.Opened.After(called) && s.Opened.After(s.Waiting) &&
		(s.Updated.IsZero() || !s.Updated.Before(called))
}
