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

// pace is the row that keeps it, in Unix nanoseconds.
type pace struct{ next, pause, written int64 }

// Reserve takes slots, at a rate a second, from the next free time on.
func (p *Pace) Reserve(ctx context.Context, slots int, rate float64) (pipeline.Slice, error) {
	var s pipeline.Slice
	err := p.l.update(ctx, func(t *txn) error {
		now := time.Now()
		id, row, err := t.pace(p.target, now)
		if err != nil {
			return err
		}
		s = row.take(now, slots, rate)
		if slots == 0 {
			return nil
		}
		return t.setPace(id, row)
	})
	return s, err
}

// Pause holds every run until a time.
func (p *Pace) Pause(ctx context.Context, until time.Time) error {
	return p.l.update(ctx, func(t *txn) error {
		id, row, err := t.pace(p.target, time.Now())
		if err != nil {
			return err
		}
		row.pause = max(row.pause, until.UnixNano())
		return t.setPace(id, row)
	})
}

// take moves the row on by slots at a rate a second, and says when they are. The times it gives carry
// now's monotonic reading, so that a later change of the clock does not move them.
func (p *pace) take(now time.Time, slots int, rate float64) pipeline.Slice {
	at := now.UnixNano()
	start := max(at, p.next)
	s := pipeline.Slice{Start: now.Add(time.Duration(start - at)), Slots: slots}
	if p.pause > at {
		s.Pause = now.Add(time.Duration(p.pause - at))
	}
	if slots > 0 {
		p.next = start + int64(float64(slots)/rate*float64(time.Second))
	}
	p.written = at
	return s
}

// follow shifts what is ahead when the clock went back since the row was written.
func (p *pace) follow(now time.Time) {
	if back := p.written - now.UnixNano(); back > 0 {
		p.next -= back
		p.pause -= back
		p.written = now.UnixNano()
	}
}

func (t *txn) pace(target string, now time.Time) (id int64, row *pace, err error) {
	if id, err = t.target(target); err != nil {
		return 0, nil, err
	}
	row = &pace{}
	err = t.get([]any{&row.next, &row.pause, &row.written}, "SELECT next, pause, written FROM target WHERE id = ?", id)
	row.follow(now)
	return id, row, err
}

func (t *txn) setPace(id int64, row *pace) error {
	return t.exec("UPDATE target SET next = ?, pause = ?, written = ? WHERE id = ?", row.next, row.pause, row.written, id)
}
