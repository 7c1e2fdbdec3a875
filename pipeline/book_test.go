package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// OpenLedger opens a ledger of the real kind, new and empty, until the end of the test. The tests outside the
// package set it: the ledger imports the package.
var OpenLedger func(t testing.TB) TestLedger

// TestLedger is what the tests need of a ledger.
type TestLedger interface {
	View() Records
	Begin(ctx context.Context, run string) (TestRun, error)
	Held(run string, late bool) ([]Hold, error)
	NeverAgain(contact string) error
}

// TestRun is a run that has begun.
type TestRun interface {
	Records
	Ledger
	Holds
	Over() // it is dead: what it has open is in doubt
	End(ctx context.Context, ending Finding, counts json.RawMessage) error
}

// book is a ledger that can fail, and whose runs can be killed.
type book struct {
	t      testing.TB
	ledger TestLedger

	mu       sync.Mutex
	runs     map[string]TestRun
	dead     map[string]bool
	sessions []string // that were claimed
	claims   int

	failClaim    func(Claim) error
	failConclude func(Conclusion) error
	concluded    func(session string) // what happens as soon as an attempt is closed
}

func newBook(t testing.TB) *book {
	t.Helper()
	return &book{t: t, ledger: OpenLedger(t), runs: map[string]TestRun{}, dead: map[string]bool{}}
}

// bookRun is the book as one run sees it.
type bookRun struct {
	Records
	book *book
	run  TestRun
	name string
	of   map[Ticket]string // sessions
}

// run begins a run, or gives the one that has begun; the empty name is nobody's in particular.
func (b *book) run(name string) *bookRun {
	if name == "" {
		return &bookRun{Records: b.ledger.View(), book: b}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	run, ok := b.runs[name]
	if !ok {
		var err error
		if run, err = b.ledger.Begin(context.Background(), name); err != nil {
			b.t.Fatal(err)
		}
		b.runs[name] = run
	}
	return &bookRun{Records: run, book: b, run: run, name: name, of: map[Ticket]string{}}
}

func (r *bookRun) Holds() error { return r.run.Holds() }

func (r *bookRun) Claim(ctx context.Context, c Claim) (Claimed, error) {
	b := r.book
	b.mu.Lock()
	err, fails := b.killed(r.name), b.failClaim
	b.mu.Unlock()
	if err == nil && fails != nil {
		err = fails(c)
	}
	if err != nil {
		return Claimed{}, err
	}
	got, err := r.run.Claim(ctx, c)
	b.mu.Lock()
	defer b.mu.Unlock()
	if got.Ticket != 0 {
		b.claims++
		r.of[got.Ticket] = c.Distribution.Session
		b.sessions = append(b.sessions, c.Distribution.Session)
	}
	return got, err
}

// Hold keeps what rules hold back, unless the run is dead.
func (r *bookRun) Hold(ctx context.Context, rows []Hold, late bool) error {
	r.book.mu.Lock()
	err := r.book.killed(r.name)
	r.book.mu.Unlock()
	return cmp.Or(err, r.run.Hold(ctx, rows, late))
}

func (r *bookRun) Conclude(ctx context.Context, t Ticket, c Conclusion) error {
	b := r.book
	b.mu.Lock()
	err, fails := b.killed(r.name), b.failConclude
	b.mu.Unlock()
	if err == nil && fails != nil {
		err = fails(c)
	}
	if err == nil {
		err = r.run.Conclude(ctx, t, c)
	}
	b.mu.Lock()
	then, session := b.concluded, r.of[t]
	b.mu.Unlock()
	if err == nil && then != nil {
		then(session)
	}
	return err
}

var errKilled = errors.New("the process was killed")

// killed is the error of every change by a run that is dead; b.mu is held.
func (b *book) killed(run string) error {
	if b.dead[run] {
		return errKilled
	}
	return nil
}

// kill ends a run as a crash does: from now on nothing of it reaches the ledger or the server.
func (b *book) kill(run string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead[run] = true; b.runs[run] != nil {
		b.runs[run].Over()
	}
}

// end ends a run as its own process does.
func (b *book) end(run string) {
	b.t.Helper()
	b.mu.Lock()
	r := b.runs[run]
	b.mu.Unlock()
	r.Over()
	if err := r.End(context.Background(), Finding{}, nil); err != nil {
		b.t.Fatal(err)
	}
}

// take claims a session by e-mail for a run, whatever is known of it, and gives the function that concludes.
func (b *book) take(run, session, contact string) func(Conclusion) {
	b.t.Helper()
	r := b.run(run)
	claim := Claim{Distribution: Distribution{Session: session, Method: Email, Contact: contact}, Seen: NoRecords}
	got, err := r.Claim(context.Background(), claim)
	if err == nil && got.Ticket == 0 {
		claim.Seen = got.Version
		got, err = r.Claim(context.Background(), claim)
	}
	if err != nil || got.Ticket == 0 {
		b.t.Fatalf("%s is not granted to %s: %v", session, run, err)
	}
	return func(c Conclusion) {
		if err := r.run.Conclude(context.Background(), got.Ticket, c); err != nil {
			b.t.Fatal(err)
		}
	}
}

// all gives the records of every session that was claimed, by session.
func (b *book) all() map[string][]Record {
	b.t.Helper()
	b.mu.Lock()
	sessions := slices.Compact(slices.Sorted(slices.Values(b.sessions)))
	b.mu.Unlock()
	records, err := b.ledger.View().Lookup(context.Background(), sessions)
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string][]Record{}
	for i, s := range sessions {
		if len(records[i]) > 0 {
			all[s] = records[i]
		}
	}
	return all
}

// open counts the attempts of living runs that are not concluded.
func (b *book) open() (intents int) {
	b.t.Helper()
	for _, records := range b.all() {
		for _, rec := range records {
			if rec.Intent != NoIntent {
				intents++
			}
		}
	}
	return intents
}

// canned are records that are looked up as they are, whether or not a ledger could have come to them.
type canned map[string][]Record

func (c canned) know(session string, rec Record) {
	rec.ID = int64(len(c[session]) + 1)
	rec.Status = cmp.Or(rec.Status, Pending)
	c[session] = append(c[session], rec)
}

func (c canned) Lookup(ctx context.Context, sessions []string) ([][]Record, error) {
	out := make([][]Record, len(sessions))
	for i, s := range sessions {
		out[i] = slices.Clone(c[s])
	}
	return out, ctx.Err()
}

func (canned) Digest(contact string) Digest { return digestOf(contact) }

func digestOf(contact string) (d Digest) {
	sum := sha256.Sum256([]byte("secret" + CanonicalContact(contact)))
	d[0] = 1
	copy(d[1:], sum[:])
	return d
}

// commonPace is a pace in memory that any number of pacers share.
type commonPace struct {
	mu          sync.Mutex
	next, pause time.Time
	gap         time.Duration // of the slots taken last
	stall       time.Duration // how long the next reservation takes
	fail        error
	reserved    int
	factor      float64
	slowed      []time.Duration // what Slow was called with
}

func (p *commonPace) Slow(_ context.Context, within time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slowed = append(p.slowed, within)
	p.factor = cmp.Or(p.factor, 1) * 0.7
	return p.fail
}

func (p *commonPace) Reserve(ctx context.Context, slots int, rate float64, from time.Time) (Slice, error) {
	p.mu.Lock()
	stall := p.stall
	p.stall = 0
	p.mu.Unlock()
	if stall > 0 {
		select {
		case <-time.After(stall):
		case <-ctx.Done():
			return Slice{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return Slice{}, p.fail
	}
	p.reserved++
	now := time.Now()
	s := Slice{Start: p.next, Pause: p.pause, Factor: p.factor}
	gap := time.Duration(float64(time.Second) / (rate * cmp.Or(p.factor, 1)))
	if free := p.next.Add(max(gap, SliceTime) - p.gap); p.gap > SliceTime && free.Before(s.Start) {
		s.Start = free
	}
	for _, t := range []time.Time{now, from} {
		if t.After(s.Start) {
			s.Start = t
		}
	}
	if slots > 0 && (s.Start.Sub(now) <= 2*SliceTime || p.gap <= SliceTime) {
		s.Slots = slots
		p.next = s.Start.Add(time.Duration(float64(slots) / (rate * cmp.Or(p.factor, 1)) * float64(time.Second)))
		p.gap, s.End = gap, p.next
	}
	return s, nil
}

func (p *commonPace) GiveBack(_ context.Context, s Slice) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next.Equal(s.End) {
		p.next = p.next.Add(-time.Duration(s.Slots) * p.gap)
	}
	return p.fail
}

func (p *commonPace) Pause(_ context.Context, until time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.pause) {
		p.pause = until
	}
	return p.fail
}
