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
	// Permit blocks until one call may be made, at once. It returns ErrStopped when none may any more.
	Permit(ctx context.Context) error
	// Throttled tells that the server asked for a pause; zero when it did not say how long.
	Throttled(retryAfter time.Duration)
	// Answered tells what an answer says of the rate limit, when the call was not throttled.
	Answered(q Quota)
}

// Order is one attempt to be made.
type Order struct {
	Distribution Distribution
	Place        Place
	Own          Ticket // of the run's earlier attempt at the row; zero on the first
	Last         bool   // no further attempt would follow
}

// Attempt is what became of an order.
type Attempt struct {
	Ticket Ticket  // zero: no call was made, and Outcome says why
	Reply  Reply   // its answer, when a call was made
	Result Outcome // why no call was made
}

// Courier takes one distribution to one outcome: claimed on disk, permitted, called, judged, and
// concluded on disk. It is safe for concurrent use, and knows nothing of rows, files or retries.
type Courier struct {
	Rules   Rules
	Records Records
	Ledger  Ledger
	Permits Permits
	Sender  Sender
	Grace   time.Duration // how long an outcome that cannot be written is tried again
	// Binding makes every refusal of HPP's bind later runs at once. Otherwise the caller revises it.
	Binding bool
	// Claims bounds how many claims are held without a permit; nil for no bound.
	Claims chan struct{}

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
func (c *Courier) Deliver(ctx context.Context, o Order) (Attempt, error) {
	ticket, result, err := c.permitted(ctx, o)
	if err != nil || ticket == 0 {
		return Attempt{Result: result}, err
	}
	reply := c.Sender.Send(ctx, o.Distribution)
	if reply.Verdict == Throttled {
		c.Permits.Throttled(reply.RetryAfter)
	} else {
		c.Permits.Answered(reply.Quota)
	}
	err = c.conclude(ctx, ticket, c.conclusion(reply, o.Last))
	return Attempt{Ticket: ticket, Reply: reply}, err
}

// permitted claims the session and waits for the permit to call. A claim without a permit is taken back.
func (c *Courier) permitted(ctx context.Context, o Order) (Ticket, Outcome, error) {
	if c.Claims != nil {
		select {
		case c.Claims <- struct{}{}:
			defer func() { <-c.Claims }()
		case <-ctx.Done():
			return 0, Outcome{}, ErrStopped
		}
	}
	it := item{Distribution: o.Distribution, session: o.Distribution.Session, place: o.Place}
	it.contact = c.Records.Digest(it.Contact)
	if it.Other != "" {
		it.other = c.Records.Digest(it.Other)
	}
	ticket, result, err := c.claim(ctx, it, o)
	if err != nil || ticket == 0 {
		return 0, result, err
	}
	if err := c.Permits.Permit(ctx); err != nil {
		return 0, result, cmp.Or(c.conclude(ctx, ticket, Conclusion{Status: Pending}), err)
	}
	if c.unwritten.Load() > 0 { // no new call while an outcome is not on disk
		return 0, result, c.conclude(ctx, ticket, Conclusion{Status: Pending})
	}
	return ticket, result, nil
}

// claim claims the session, as often as it takes until the records by which the row was judged are those of
// the moment. Most sessions have none. Without a ticket the outcome says why.
func (c *Courier) claim(ctx context.Context, it item, o Order) (Ticket, Outcome, error) {
	ask := Claim{Distribution: o.Distribution, Place: o.Place, Seen: NoRecords}
	j := c.Rules.judge(it, nil, o.Own)
	if j.stage != stageSend { // so it may be because there are no records
		ask.Seen = Unseen
	}
	for {
		got, err := c.Ledger.Claim(ctx, ask)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, Outcome{}, ErrStopped
		case err != nil:
			return 0, Outcome{}, &LedgerError{Err: fmt.Errorf("claim session %s: %w", it.Session, err)}
		case got.Ticket != 0:
			return got.Ticket, j.outcome, nil
		}
		if j = c.Rules.judge(it, got.Records, o.Own); j.stage != stageSend {
			return 0, j.outcome, nil
		}
		ask.Seen = got.Version
	}
}

func (c *Courier) conclusion(r Reply, last bool) Conclusion {
	out := Conclusion{
		Called: true, HTTPStatus: r.HTTPStatus, Code: r.Code, Reason: r.Reason,
		CorrelationID: r.CorrelationID, Time: time.Now(),
	}
	switch r.Verdict {
	case Accepted:
		out.Status = Delivered
	case Refused:
		out.Status, out.Binding = Rejected, c.Binding
	case RefusedByOther:
		out.Status = Rejected
	case Unclear:
		out.Status = Uncertain
	case Unavailable:
		if out.Status = Pending; last {
			out.Status = Failed
		}
	case Throttled, Denied:
		out.Status = Pending
	default: // a sender that gives no verdict has to be taken for one that may have sent
		out.Status, out.Code = Uncertain, CodeNoClearAnswer
	}
	return out
}

// conclude writes an outcome, and tries again for the grace time when it cannot be written.
func (c *Courier) conclude(ctx context.Context, t Ticket, out Conclusion) error {
	ctx = context.WithoutCancel(ctx)
	end := time.Now().Add(c.Grace) // a try may wait itself
	err := c.Ledger.Conclude(ctx, t, out)
	if err == nil {
		return nil
	}
	c.unwritten.Add(1)
	defer c.unwritten.Add(-1)
	again := time.NewTicker(min(time.Second, c.Grace/10+1))
	defer again.Stop()
	for time.Now().Before(end) { // and not by the ticks, which may be old ones
		<-again.C
		if err = c.Ledger.Conclude(ctx, t, out); err == nil {
			return nil
		}
	}
	return &LedgerError{Err: fmt.Errorf("write the outcome of a call: %w", err), Uncertain: out.Called}
}
