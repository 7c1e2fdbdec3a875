package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrStopped says that a run is being stopped: no new call is made.
var ErrStopped = errors.New("the run is being stopped")

// Permits says when a call may be made.
type Permits interface {
	// Turn blocks until it is time to claim a row. It returns ErrStopped when no call may be made any more.
	Turn(ctx context.Context) (Turn, error)
	// Aside blocks until one call may be made that is no send: sends that wait go first. It returns ErrStopped
	// when none may any more.
	Aside(ctx context.Context) error
	// Throttled tells that the server asked for a pause; zero when it did not say how long.
	Throttled(retryAfter time.Duration)
	// Answered tells what an answer says of the rate limit, when the call was not throttled.
	Answered(q Quota)
}

// Turn is what one may claim a row in.
type Turn interface {
	// Permit blocks until one call may be made, at once. It returns ErrStopped when none may any more.
	Permit(ctx context.Context) error
	// End must be called, once the permit is had or none is wanted; more than once is no harm.
	End()
}

// Attempt is one attempt to be made at a distribution.
type Attempt struct {
	Distribution Distribution
	Fallback     Distribution // what is tried where HPP refuses the contact for what it is; no Contact for nothing
	Place        Place
	N            int    // the row's number in its file, from 0
	Locale       Locale // where the recipient may be; without zones the hours are not asked
	Placed       Method // of the distribution that the locale is of; its fallback may be elsewhere
	Expires      int64  // Unix seconds at which the session does; 0 where it is not known
	Own          Ticket // of the run's earlier attempt at the row; zero on the first
	Last         bool   // no further attempt would follow
}

// Result is what an attempt came to.
type Result struct {
	Ticket    Ticket       // zero: no call was made, and Unclaimed says why
	Reply     Reply        // its answer, when a call was made
	Unclaimed Outcome      // what the records, or the rules, say of the row, when none was
	Made      Distribution // what was called for, or would have been: the attempt's own distribution or, where that was refused before, its fallback
	Again     time.Time    // when a rule lets it be tried again; zero where none keeps it for later
	Soon      bool         // that depends on calls which are under way

	looked *Look  // the look at the session before it, when one was made
	action action // what becomes of the row, when a call was made, or the look decided
}

// Distributor takes one distribution to one outcome: claimed on disk, permitted, called, judged, and
// concluded on disk. It is safe for concurrent use, and knows nothing of rows, files or retries.
type Distributor struct {
	Rules   Rules
	Records Records
	Ledger  Ledger
	Holds   Holds // keeps what rules hold back now; nil: nothing does
	Permits Permits
	Sender  Sender
	Looker  Looker // for Rules.Preflight, likewise Looks
	Looks   Looks
	Grace   time.Duration // how long an outcome that cannot be written is tried again
	// Binding makes every refusal of HPP's bind later runs at once. Otherwise the caller revises it.
	Binding bool

	calendars calendars
	unwritten atomic.Int32 // outcomes that are kept because they could not be written yet
}

// LedgerError says that the ledger could not be read or written. Uncertain tells that a call was made
// whose outcome is not on disk; a later run will find it in doubt.
type LedgerError struct {
	Err       error
	Uncertain bool
}

func (e *LedgerError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *LedgerError) Unwrap() error { return e.Err }

// Deliver makes one attempt. It returns ErrStopped when the run is being stopped and no call was made,
// and a *LedgerError. A context that ends cuts the call off, and its outcome is still written.
func (d *Distributor) Deliver(ctx context.Context, a Attempt) (Result, error) {
	p, err := d.preflight(ctx, a)
	if err != nil || p.action != (action{}) || !p.Again.IsZero() {
		return p, err
	}
	claimed, err := d.permitted(ctx, a)
	claimed.looked = p.looked
	ticket := claimed.Ticket
	if err != nil || ticket == 0 {
		return claimed, err
	}
	reply := d.Sender.Send(ctx, claimed.Made)
	if reply.Verdict == Throttled {
		d.Permits.Throttled(reply.RetryAfter)
	}
	act := after(reply.Verdict, a.Last)
	err = d.conclude(ctx, ticket, d.conclusion(reply, act.status))
	if reply.Verdict != Throttled {
		d.Permits.Answered(reply.Quota)
	}
	return Result{Ticket: ticket, Reply: reply, Made: claimed.Made, looked: p.looked, action: act}, err
}

// permitted waits for its turn, claims the session and waits for the permit to call. A claim without a permit
// is given back.
func (d *Distributor) permitted(ctx context.Context, a Attempt) (Result, error) {
	turn, err := d.Permits.Turn(ctx)
	if err != nil {
		return Result{}, err
	}
	defer turn.End()
	if a.Expires > 0 && time.Now().Unix() >= a.Expires {
		why := d.Rules.tooLate(a.Expires)
		out := d.Rules.outcome(item{Distribution: a.Distribution, session: a.Distribution.Session}, Skipped, why.Code, why.Reason)
		return Result{Unclaimed: out}, d.heldBack(ctx, a, out)
	}
	if early, ok := d.early(a, a.Distribution); ok {
		return early, nil
	}
	it := item{Distribution: a.Distribution, alt: a.Fallback, session: a.Distribution.Session, place: a.Place}
	it.contact = d.Records.Digest(it.Contact)
	if it.Other != "" {
		it.other = d.Records.Digest(it.Other)
	}
	got, err := d.claim(ctx, it, a)
	if err != nil || got.Ticket == 0 {
		return got, err
	}
	back := Result{Unclaimed: got.Unclaimed}
	if err := Guarded(func() error { return turn.Permit(ctx) }); err != nil {
		return back, cmp.Or(d.conclude(ctx, got.Ticket, Conclusion{Status: Pending}), err)
	}
	if early, ok := d.early(a, got.Made); ok { // it has become late, or the clock was put
		return early, d.conclude(ctx, got.Ticket, Conclusion{Status: Pending})
	}
	if d.unwritten.Load() > 0 || d.holds() != nil { // no new call while an outcome is not on disk
		return back, d.conclude(ctx, got.Ticket, Conclusion{Status: Pending})
	}
	return got, nil
}

// holds gives why no call may begin; one who only looks at sessions has no ledger.
func (d *Distributor) holds() error {
	if d.Ledger == nil {
		return nil
	}
	return d.Ledger.Holds()
}

// claim claims the session, as often as it takes until the records by which the row was judged are those of
// the moment. Most sessions have none. Without a ticket the outcome says why.
func (d *Distributor) claim(ctx context.Context, it item, a Attempt) (Result, error) {
	ask := Claim{Distribution: a.Distribution, Place: a.Place, Seen: NoRecords}
	j := d.Rules.judge(it, nil, a.Own)
	if j.stage != stageSend { // so it may be because there are no records
		ask.Seen = Unseen
	}
	for {
		now := time.Now()
		ask.Restraint = d.Rules.restraint(now, it.Method)
		got, err := d.Ledger.Claim(ctx, ask)
		switch {
		case err != nil && ctx.Err() != nil:
			return Result{}, ErrStopped
		case err != nil:
			return Result{}, &LedgerError{Err: fmt.Errorf("claim session %s: %w", it.Session, err)}
		case got.Ticket != 0:
			return Result{Ticket: got.Ticket, Made: it.Distribution, Unclaimed: j.outcome}, nil
		case got.Bar != Bar{}:
			return d.barred(ctx, it, a, got.Bar, now)
		}
		if j = d.Rules.judge(it, got.Records, a.Own); j.stage != stageSend {
			return Result{Unclaimed: j.outcome}, nil
		}
		if alt, ok := d.Rules.turned(it, got.Records, a.Own); ok {
			it = alt
			ask.Distribution = it.Distribution
		}
		ask.Seen = got.Version
	}
}

// early gives what becomes of a row that is outside of the hours of what is to be made of it now; ok is false for one that
// may go.
func (d *Distributor) early(a Attempt, made Distribution) (r Result, ok bool) {
	if !d.Rules.timed() || len(a.Locale.Zones) == 0 {
		return Result{}, false
	}
	at := a.Locale
	if made.Method != a.Placed {
		if other := d.Rules.locale(made, at.Country); len(other.Zones) > 0 {
			at = other
		}
	}
	now := time.Now()
	opens := d.calendars.of(d.Rules, at).next(now)
	if !now.Before(opens) {
		return Result{}, false
	}
	it := item{Distribution: a.Distribution, session: a.Distribution.Session, place: a.Place}
	why := d.Rules.outside(opens)
	return Result{Unclaimed: d.Rules.outcome(it, Pending, why.Code, why.Reason), Again: opens}, true
}

// barred gives what becomes of a row that the rules bar, and keeps it for the report where that is for good.
func (d *Distributor) barred(ctx context.Context, it item, a Attempt, b Bar, now time.Time) (r Result, err error) {
	r.Made, r.Soon = it.Distribution, b.Open
	r.Unclaimed, r.Again = d.Rules.barred(it, b, now)
	if r.Unclaimed.Status != Pending {
		err = d.heldBack(ctx, a, r.Unclaimed)
	}
	return r, err
}

// heldBack keeps for the report that a rule has held a row back.
func (d *Distributor) heldBack(ctx context.Context, a Attempt, out Outcome) error {
	if d.Holds == nil {
		return nil
	}
	err := d.Holds.Hold(ctx, []Hold{{N: a.N, Status: out.Status, Code: out.Code, Reason: out.Reason}}, true)
	if err != nil && ctx.Err() != nil {
		return ErrStopped
	}
	if err != nil {
		return &LedgerError{Err: fmt.Errorf("keep that a rule holds session %s back: %w", a.Distribution.Session, err)}
	}
	return nil
}

// conclusion is what a call is closed with in the ledger.
func (d *Distributor) conclusion(r Reply, s Status) Conclusion {
	c := Conclusion{
		Status: s, Called: true, Binding: r.Verdict == Refused && d.Binding, HTTPStatus: r.HTTPStatus,
		Code: r.Code, Reason: r.Reason, CorrelationID: r.CorrelationID, Time: time.Now(),
	}
	if r.Verdict == 0 {
		c.Code = CodeNoClearAnswer
	}
	return c
}

// revise makes a refusal bind later runs, or takes it back.
func (d *Distributor) revise(ctx context.Context, r Revision) error {
	return d.conclude(ctx, r.Ticket, r.Conclusion())
}

// conclude writes an outcome, and tries again for the grace time when it cannot be written.
func (d *Distributor) conclude(ctx context.Context, t Ticket, out Conclusion) error {
	ctx = context.WithoutCancel(ctx)
	end := time.Now().Add(d.Grace) // a try may wait itself
	err := d.Ledger.Conclude(ctx, t, out)
	if err == nil {
		return nil
	}
	d.unwritten.Add(1)
	defer d.unwritten.Add(-1)
	again := time.NewTicker(min(time.Second, d.Grace/10+1))
	defer again.Stop()
	for time.Now().Before(end) { // and not by the ticks, which may be old ones
		<-again.C
		if err = d.Ledger.Conclude(ctx, t, out); err == nil {
			return nil
		}
	}
	return &LedgerError{Err: fmt.Errorf("write the outcome of a call: %w", err), Uncertain: out.Called}
}
