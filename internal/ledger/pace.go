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

// Reserve takes slots, at a rate a second, from the next free time on.
func (p *Pace) Reserve(ctx context.Context, slots int, rate float64, from time.Time) (pipeline.Slice, error) {
	o := &reserve{target: p.target, slots: slots, rate: rate, from: from}
	err := p.l.update(ctx, o)
	return o.got, err
}

type reserve struct {
	target string
	slots  int
	rate   float64
	from   time.Time

	got pipeline.Slice
}

func (o *reserve) apply(t *txn) error {
	now := time.Now()
	id, row, err := t.pace(o.target, now)
	if err != nil {
		return err
	}
	if o.got = row.take(now, o.slots, o.rate, o.from); o.got.Slots == 0 {
		return nil
	}
	return t.setPace(id, row)
}

// GiveBack gives back the last slots of a slice, if nobody has taken any after them.
func (p *Pace) GiveBack(ctx context.Context, s pipeline.Slice) error {
	return p.l.update(ctx, giveBack{p.target, s})
}

type giveBack struct {
	target string
	slice  pipeline.Slice
}

func (o giveBack) apply(t *txn) error {
	id, row, err := t.pace(o.target, time.Now())
	if err != nil || row.next != o.slice.End.UnixNano() {
		return err
	}
	row.next -= int64(o.slice.Slots) * row.gap
	return t.setPace(id, row)
}

// Pause holds every run until a time.
func (p *Pace) Pause(ctx context.Context, until time.Time) error {
	return p.l.update(ctx, pause{p.target, until})
}

type pause struct {
	target string
	until  time.Time
}

func (o pause) apply(t *txn) error {
	id, row, err := t.pace(o.target, time.Now())
	if err != nil {
		return err
	}
	row.pause = max(row.pause, o.until.UnixNano())
	return t.setPace(id, row)
}

// Slow multiplies every run's rate by 0.7, unless that was done within a time.
func (p *Pace) Slow(ctx context.Context, within time.Duration) error {
	return p.l.update(ctx, slowDown{p.target, within})
}

type slowDown struct {
	target string
	within time.Duration
}

func (o slowDown) apply(t *txn) error {
	now := time.Now()
	id, row, err := t.pace(o.target, now)
	if err != nil || now.UnixNano()-row.slowed < int64(o.within) {
		return err
	}
	row.headroom = max(slowLeast, row.factor(now)*slowBy)
	row.slowed, row.written = now.UnixNano(), now.UnixNano()
	return t.setPace(id, row)
}

// factor is what rates are multiplied by: it grows back from where it was put.
func (p *pace) factor(now time.Time) float64 {
	return min(1, p.headroom+growth*time.Duration(now.UnixNano()-p.slowed).Seconds())
}

// take moves the row on by slots at a rate a second, and says when they are. The times it gives carry
// now's monotonic reading, so that a later change of the clock does not move them.
func (p *pace) take(now time.Time, slots int, rate float64, from time.Time) pipeline.Slice {
	const slice = int64(pipeline.SliceTime)
	at, gap := now.UnixNano(), p.gap
	s := pipeline.Slice{Factor: p.factor(now)}
	if rate > 0 {
		gap = int64(float64(time.Second) / (rate * s.Factor))
	}
	start := p.next
	if p.gap > slice { // the slot of a slow run, which is to be used within a slice
		start = min(start, p.next-p.gap+max(gap, slice))
	}
	if start = max(start, at); !from.IsZero() {
		start = max(start, at+int64(from.Sub(now)))
	}
	s.Start = now.Add(time.Duration(start - at))
	if p.pause > at {
		s.Pause = now.Add(time.Duration(p.pause - at))
	}
	if slots > 0 && (start <= at+2*slice || p.gap <= slice) { // behind fast runs in turn, as they wait too
		s.Slots = slots
		p.next = start + int64(float64(slots)/(rate*s.Factor)*float64(time.Second))
		p.gap, p.written = gap, at
		s.End = now.Add(time.Duration(p.next - at))
	}
	return s
}

// follow shifts what is ahead when the clock went back since the row was written.
func (p *pace) follow(now time.Time) {
	if back := p.written - now.UnixNano(); back > 0 {
		p.next -= back
		p.pause -= back
		p.slowed -= back
		p.written = now.UnixNano()
	}
}

func (t *txn) pace(target string, now time.Time) (id int64, row *pace, err error) {
	if id, err = t.target(target); err != nil {
		return 0, nil, err
	}
	row = &pace{}
	err = t.get([]any{&row.next, &row.gap, &row.pause, &row.written, &row.headroom, &row.slowed},
		"SELECT next, gap, pause, written, headroom, slowed FROM target WHERE id = ?", id)
	row.follow(now)
	return id, row, err
}

func (t *txn) setPace(id int64, row *pace) error {
	return t.exec("UPDATE target SET next = ?, gap = ?, pause = ?, written = ?, headroom = ?, slowed = ? WHERE id = ?",
		row.next, row.gap, row.pause, row.written, row.headroom, row.slowed, id)
}
