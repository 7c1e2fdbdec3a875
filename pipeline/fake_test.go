package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// book is a ledger in memory that follows the rules of the real one, and counts what it is asked.
type book struct {
	mu     sync.Mutex
	kept   []*keptRecord // a ticket is the index of its record and one
	dead   map[string]bool
	claims int

	failClaim    func(Claim) error
	failConclude func(Conclusion) error
	concluded    func(*keptRecord) // what happens as soon as an attempt is closed
}

type keptRecord struct {
	session string
	intent  string // the run that has an attempt open
	gone    bool   // taken back before anything was tried
	Record         // its Status is empty while nothing was concluded
}

// interrupt is what a record becomes by the death of the run that has an attempt open.
func interrupt(r *Record, run string) {
	r.Status, r.Code, r.Reason = Uncertain, CodeInterrupted, "the run died in the middle of a call"
	r.Binding, r.Run = false, run
	r.Attempts++
}

func newBook() *book { return &book{dead: map[string]bool{}} }

// run is the book as one run sees it; the empty name is nobody's in particular.
func (b *book) run(name string) *bookRun { return &bookRun{b, name} }

type bookRun struct {
	*book
	name string
}

func (b *book) Digest(contact string) (d Digest) {
	sum := sha256.Sum256([]byte("secret" + CanonicalContact(contact)))
	d[0] = 1
	copy(d[1:], sum[:])
	return d
}

func (r *bookRun) records(session string) (out []Record) {
	for _, k := range r.kept {
		if k.session != session || k.gone {
			continue
		}
		rec := k.Record
		if rec.Status == "" {
			rec.Status = Pending
		}
		switch {
		case k.intent == "":
		case k.intent == r.name:
			rec.Intent, rec.Run = OwnIntent, k.intent
		case !r.dead[k.intent]:
			rec.Intent, rec.Run = ForeignIntent, k.intent
		case rec.Status != Delivered:
			interrupt(&rec, k.intent)
		}
		out = append(out, rec)
	}
	return out
}

func (r *bookRun) Lookup(ctx context.Context, sessions []string) ([][]Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([][]Record, len(sessions))
	for i, s := range sessions {
		out[i] = r.records(s)
	}
	return out, ctx.Err()
}

func (r *bookRun) Claim(ctx context.Context, c Claim) (Claimed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := cmp.Or(ctx.Err(), r.killed()); err != nil {
		return Claimed{}, err
	}
	if r.failClaim != nil {
		if err := r.failClaim(c); err != nil {
			return Claimed{}, err
		}
	}
	d := c.Distribution
	if now := r.claimed(d.Session); now.Version != c.Seen {
		return now, nil
	}
	r.claims++
	contact, other := r.Digest(d.Contact), Digest{}
	if d.Other != "" {
		other = r.Digest(d.Other)
	}
	for _, k := range r.kept {
		if k.session == d.Session && !k.gone && k.Method == d.Method && k.Contact == contact && k.Country == d.Country {
			if k.intent != "" { // of a dead run
				interrupt(&k.Record, k.intent)
			}
			k.intent = r.name
			return Claimed{Ticket: Ticket(k.ID)}, nil
		}
	}
	k := &keptRecord{session: d.Session, intent: r.name, Record: Record{
		ID: int64(len(r.kept) + 1), Method: d.Method, Contact: contact, Other: other, Country: d.Country,
	}}
	r.kept = append(r.kept, k)
	return Claimed{Ticket: Ticket(k.ID)}, nil
}

// claimed gives the records of a session, and a version that follows from what they are.
func (r *bookRun) claimed(session string) Claimed {
	now := Claimed{Records: r.records(session)}
	if len(now.Records) > 0 {
		sum := sha256.Sum256(fmt.Append(nil, now.Records))
		now.Version = 1 + Version(binary.BigEndian.Uint32(sum[:]))
	}
	return now
}

func (r *bookRun) Conclude(ctx context.Context, t Ticket, c Conclusion) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := cmp.Or(ctx.Err(), r.killed()); err != nil {
		return err
	}
	if r.failConclude != nil {
		if err := r.failConclude(c); err != nil {
			return err
		}
	}
	k := r.kept[t-1]
	defer func() {
		if r.concluded != nil {
			r.concluded(k)
		}
	}()
	open := k.intent == r.name
	if open {
		k.intent = ""
	}
	if !c.Called {
		mine := k.Status == Rejected && k.Run == r.name
		switch {
		case open:
			k.gone = k.Status == "" && k.Attempts == 0
		case mine && c.Status == Rejected:
			k.Binding = c.Binding
		case mine && c.Status == Pending:
			k.Status, k.Binding = "", false
		}
		return nil
	}
	k.Attempts++
	if k.Status == Delivered || !open && c.Status != Delivered {
		return nil
	}
	if k.Status == Uncertain && c.Status != Delivered {
		k.Run = r.name
		return nil
	}
	if c.Status == Pending && k.Status != "" {
		return nil
	}
	k.Run, k.Status, k.Code, k.Reason, k.Binding = r.name, c.Status, c.Code, c.Reason, c.Binding
	k.HTTPStatus, k.CorrelationID, k.Time = c.HTTPStatus, c.CorrelationID, c.Time
	if c.Status == Pending {
		k.Status = ""
	}
	return nil
}

var errKilled = errors.New("the process was killed")

// killed is the error of every change by a run that is dead; b.mu is held.
func (r *bookRun) killed() error {
	if r.dead[r.name] {
		return errKilled
	}
	return nil
}

// kill ends a run as a crash does: from now on nothing of it reaches the ledger or the server.
func (b *book) kill(run string) {
	b.mu.Lock()
	b.dead[run] = true
	b.mu.Unlock()
}

// know puts a record into the book.
func (b *book) know(session string, rec Record) *keptRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	rec.ID = int64(len(b.kept) + 1)
	k := &keptRecord{session: session, Record: rec}
	b.kept = append(b.kept, k)
	return k
}

func (b *book) open() (intents int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.kept {
		if k.intent != "" && !k.gone && !b.dead[k.intent] {
			intents++
		}
	}
	return intents
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
