package ledger

import (
	"context"
	"time"

	"hppsend/pipeline"
)

// Pace is the one pace that all runs on a ledger share for a target. It implements pipeline.Pace.
type Pace struct {
	l      *Ledger
	target string
}

// Pace gives the pace of a target.
func (l *Ledger) Pace(target string) *Pace { return &Pace{l, target} }

const (
	slowBy    = 0.7  // what the rate is multiplied by when too little of HPP's limit is left
	slowLeast = 0.05 // of the rate
	growth    = 0.05 // of the rate, a second
)

// pace is the row that keeps it; times are Unix nanoseconds.
type pace struct {
	next, pause, written int64
	gap                  int64   // between two slots of the slice taken last
	headroom             float64 // what rates were multiplied by when they were last slowed down
	slowed               int64   // when that was
}

// paceChange changes the row of a pace by the clock of the ledger, and reports whether it did.
type paceChange func(*pace, clock) bool

// clock is a moment by the clock of the ledger, and between which moments by that of this process it was.
type clock struct {
	at          int64 // Unix nanoseconds
	early, late time.Time
}

// ours gives the moment, by the clock of this process, that is surely not before one by the clock of the ledger.
func (c clock) ours(at int64) time.Time { return c.late.Add(time.Duration(at - c.at)) }

// ledgers gives the moment, by the clock of the ledger, that is surely not before one of this process.
func (c clock) ledgers(t time.Time) int64 { return c.at + int64(t.Sub(c.early)) }

// Reserve takes slots, at a rate a second, from the next free time on.
func (p *Pace) Reserve(ctx context.Context, slots int, rate float64, from time.Time) (s pipeline.Slice, err error) {
	err = p.l.store.withPace(ctx, p.target, func(row *pace, now clock) bool {
		s = row.take(now, slots, rate, from)
		return s.Slots > 0
	})
	return s, err
}

// GiveBack gives back the last slots of a slice, if nobody has taken any after them.
func (p *Pace) GiveBack(ctx context.Context, s pipeline.Slice) error {
	return p.l.store.withPace(ctx, p.target, func(row *pace, _ clock) bool {
		if row.next != s.Next {
			return false
		}
		row.next -= int64(s.Slots) * row.gap
		return true
	})
}

// Pause holds every run until a time.
func (p *Pace) Pause(ctx context.Context, until time.Time) error {
	return p.l.store.withPace(ctx, p.target, func(row *pace, now clock) bool {
		row.pause = max(row.pause, now.ledgers(until))
		return true
	})
}

// Slow multiplies every run's rate by 0.7, unless that was done within a time.
func (p *Pace) Slow(ctx context.Context, within time.Duration) error {
	return p.l.store.withPace(ctx, p.target, func(row *pace, now clock) bool {
		if now.at-row.slowed < int64(within) {
			return false
		}
		row.headroom = max(slowLeast, row.factor(now.at)*slowBy)
		row.slowed, row.written = now.at, now.at
		return true
	})
}

// factor is what rates are multiplied by: it grows back from where it was put.
func (p *pace) factor(now int64) float64 {
	return min(1, p.headroom+growth*time.Duration(now-p.slowed).Seconds())
}

// take moves the row on by slots at a rate a second, and says when they are. The times it gives carry the monotonic
// reading of this process, so that a later change of its clock does not move them; where its clock and the ledger's
// cannot be told apart, the stretch is the shorter for it.
func (p *pace) take(now clock, slots int, rate float64, from time.Time) pipeline.Slice {
	const slice = int64(pipeline.SliceTime)
	gap := p.gap
	s := pipeline.Slice{Factor: p.factor(now.at)}
	if rate > 0 {
		gap = int64(float64(time.Second) / (rate * s.Factor))
	}
	start := p.next
	if p.gap > slice { // the slot of a slow run, which is to be used within a slice
		start = min(start, p.next-p.gap+max(gap, slice))
	}
	if start = max(start, now.at); !from.IsZero() {
		start = max(start, now.ledgers(from))
	}
	s.Start = now.ours(start)
	if p.pause > now.at {
		s.Pause = now.ours(p.pause)
	}
	if slots > 0 && (start <= now.at+2*slice || p.gap <= slice) { // behind fast runs in turn, as they wait too
		s.Slots = slots
		p.next = start + int64(float64(slots)/(rate*s.Factor)*float64(time.Second))
		p.gap, p.written = gap, now.at
		s.Next, s.End = p.next, now.early.Add(time.Duration(p.next-now.at))
	}
	return s
}

// follow shifts what is ahead when the clock went back since the row was written.
func (p *pace) follow(now int64) {
	if back := p.written - now; back > 0 {
		p.next -= back
		p.pause -= back
		p.slowed -= back
		p.written = now
	}
}

func (l file) withPace(ctx context.Context, target string, change paceChange) error {
	return l.update(ctx, paceWrite{target, change})
}

// paceWrite changes a pace by the clock of this machine, which all who use the ledger share.
type paceWrite struct {
	target string
	change paceChange
}

func (o paceWrite) apply(t *txn) error {
	id, err := t.target(o.target)
	if err != nil {
		return err
	}
	var row pace
	if err := t.get(row.fields(), "SELECT "+paceColumns+" FROM target WHERE id = ?", id); err != nil {
		return err
	}
	now := time.Now()
	if row.follow(now.UnixNano()); !o.change(&row, clock{now.UnixNano(), now, now}) {
		return nil
	}
	return t.exec("UPDATE target SET next = ?, gap = ?, pause = ?, written = ?, headroom = ?, slowed = ? WHERE id = ?", append(row.values(), id)...)
}

const paceColumns = "next, gap, pause, written, headroom, slowed"

// fields and values are those of paceColumns.
func (p *pace) fields() []any {
	return []any{&p.next, &p.gap, &p.pause, &p.written, &p.headroom, &p.slowed}
}

func (p *pace) values() []any {
	return []any{p.next, p.gap, p.pause, p.written, p.headroom, p.slowed}
}
