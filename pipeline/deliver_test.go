package pipeline

import (
	"context"
	"errors"
	"testing"
	"time"
)

// openPermits gives a turn and a permit to everybody.
type openPermits struct{ throttled time.Duration }

func (p *openPermits) Turn(context.Context) (Turn, error) { return p, nil }
func (*openPermits) Permit(context.Context) error         { return nil }
func (*openPermits) Aside(context.Context) error          { return nil }
func (*openPermits) End()                                 {}
func (p *openPermits) Throttled(d time.Duration)          { p.throttled = d }
func (*openPermits) Answered(Quota)                       {}

// A distributor alone takes one distribution to its outcome, without rows, files or retries.
func TestDistributorAlone(t *testing.T) {
	b, permits := newBook(t), &openPermits{}
	replies := []Reply{down, {Verdict: Throttled, RetryAfter: 7 * time.Second}, badValue, ok200}
	s := &server{answer: func(_ context.Context, _ Distribution, nth int) Reply { return replies[nth-1] }}
	run := b.run("run-1")
	c := &Distributor{
		Rules: Rules{Run: "run-1"}, Records: run, Ledger: run, Permits: permits, Sender: s, Grace: time.Second, Binding: true,
	}
	o := Attempt{Distribution: Distribution{Session: id(1), Method: Email, Contact: mail(1)}}

	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if a, err := c.Deliver(cancelled, o); !errors.Is(err, ErrStopped) || a.Ticket != 0 || s.total() != 0 {
		t.Fatalf("with a context that has ended: %v, %v, %d calls", a, err, s.total())
	}
	for i, want := range []Verdict{Unavailable, Throttled, Refused} {
		a, err := c.Deliver(context.Background(), o)
		if err != nil || a.Reply.Verdict != want || a.Ticket == 0 {
			t.Fatalf("attempt %d: %v, %v", i, a, err)
		}
		o.Own = a.Ticket
	}
	if permits.throttled != 7*time.Second {
		t.Errorf("the permits were told of a pause of %v", permits.throttled)
	}
	o.Own = 0
	a, err := c.Deliver(context.Background(), o)
	if err != nil || a.Ticket != 0 || a.Unclaimed.Status != Rejected || s.total() != 3 {
		t.Errorf("a refusal that binds at once: %v, %v, %d calls", a, err, s.total())
	}
	o.Distribution.Contact = mail(2)
	if a, err = c.Deliver(context.Background(), o); err != nil || a.Reply.Verdict != Accepted {
		t.Errorf("with another contact: %v, %v", a, err)
	}
	if a, err = c.Deliver(context.Background(), o); err != nil || a.Unclaimed.Status != Delivered || s.total() != 4 {
		t.Errorf("once delivered: %v, %v, %d calls", a, err, s.total())
	}
}
