package ledger

import (
	"context"
	"time"
)

// What became of a time at which a run was to be started.
const (
	TimeKnown  = "known"  // it is when the schedule was first looked at
	TimeBegun  = "begun"  // a process has started it
	TimeEnded  = "ended"  // the run has ended, with an exit code
	TimeMissed = "missed" // nobody was there to start it in time, or whoever had begun it died
	TimeFailed = "failed" // whoever had begun it could not begin a run; another may
	TimeEmpty  = "empty"  // whoever had begun it found no file; another may
)

// Scheduled is a time of a schedule, to the millisecond, with what became of it.
type Scheduled struct {
	Name  string
	Due   time.Time
	State string
	Host  string
	Exit  int
	Lives bool // whoever has begun it is there
}

// Now is what the clock of the ledger shows, which is one for all hosts.
func (l *Ledger) Now(ctx context.Context) (now time.Time, err error) {
	if _, err := l.serverOf(); err != nil {
		return now, err
	}
	err = l.row(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, l.reading(err)
}

// LastScheduled gives the last time of a schedule that is known; the first who looks makes now that.
func (l *Ledger) LastScheduled(ctx context.Context, name string, now time.Time) (last Scheduled, err error) {
	if err := l.update(ctx, statement{
		"INSERT INTO scheduled (name, due, state) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT FROM scheduled WHERE name = ?1) ON CONFLICT DO NOTHING",
		[]any{name, now.UnixMilli(), TimeKnown},
	}); err != nil {
		return last, err
	}
	all, err := l.scheduled(ctx, "name = ?1 ORDER BY due DESC LIMIT 1", name)
	if err != nil || len(all) == 0 {
		return last, err
	}
	return all[0], nil
}

// ScheduledSince gives the times that were due since one, the last first.
func (l *Ledger) ScheduledSince(ctx context.Context, since time.Time) ([]Scheduled, error) {
	return l.scheduled(ctx, "due >= ?1 ORDER BY due DESC", since.UnixMilli())
}

func (l *Ledger) scheduled(ctx context.Context, where string, args ...any) (all []Scheduled, err error) {
	defer func() { err = l.reading(err) }()
	rows, err := l.rows(ctx, "SELECT name, due, state, host, exit, coalesce(lives(process), FALSE) FROM scheduled WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s Scheduled
		var due int64
		if err := rows.Scan(&s.Name, &due, &s.State, &s.Host, &s.Exit, &s.Lives); err != nil {
			return nil, err
		}
		s.Due = time.UnixMilli(due)
		all = append(all, s)
	}
	return all, rows.Err()
}

// ClaimTime gives one of all who ask the right to start what is due, as long as it lives; ok is false for the others. The
// caller calls done at the end, with what became of it and an exit code; TimeBegun lets somebody else go on.
func (l *Ledger) ClaimTime(ctx context.Context, name string, due time.Time, host string) (done func(state string, exit int) error, ok bool, err error) {
	s, err := l.serverOf()
	if err != nil {
		return nil, false, err
	}
	h, err := s.hold(ctx, "")
	if err != nil {
		return nil, false, err
	}
	o := &claimTime{name: name, due: due.UnixMilli(), host: host, process: h.(*share).process}
	if err := l.update(ctx, o); err != nil || !o.took {
		h.release()
		return nil, false, err
	}
	return func(state string, exit int) error {
		defer h.release()
		return l.update(context.WithoutCancel(ctx), statement{
			"UPDATE scheduled SET state = ?, exit = ?, process = NULL WHERE name = ? AND due = ? AND process = ?",
			[]any{state, exit, name, o.due, o.process},
		})
	}, true, nil
}

type claimTime struct {
	name, host   string
	due, process int64

	again, took bool
}

func (o *claimTime) retried() { o.again = true }

func (o *claimTime) apply(t *txn) (err error) {
	o.took, err = t.changed(`INSERT INTO scheduled AS s (name, due, state, process, host) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name, due)
		DO UPDATE SET state = ?3, process = ?4, host = ?5 WHERE s.state IN (?3, ?7, ?8) AND (s.process = ?4 AND ?6 OR NOT coalesce(lives(s.process), FALSE))`,
		o.name, o.due, TimeBegun, o.process, o.host, o.again, TimeFailed, TimeEmpty)
	return err
}

// Missed records that nobody was there at a time, and reports false when that, or something else of it, is known.
func (l *Ledger) Missed(ctx context.Context, name string, due time.Time) (first bool, err error) {
	o := &missTime{name: name, due: due.UnixMilli()}
	err = l.update(ctx, o)
	return o.first, err
}

type missTime struct {
	name  string
	due   int64
	first bool
}

func (o *missTime) apply(t *txn) (err error) {
	o.first, err = t.changed(`INSERT INTO scheduled AS s (name, due, state) VALUES (?1, ?2, ?3) ON CONFLICT (name, due)
		DO UPDATE SET state = ?3, process = NULL WHERE s.state = ?4 AND NOT coalesce(lives(s.process), FALSE)`, o.name, o.due, TimeMissed, TimeBegun)
	return err
}

// forgetTimes forgets what was due before a time, but for the last of each schedule, from which it goes on.
func (l *Ledger) forgetTimes(ctx context.Context, at int64) error {
	return l.update(ctx, statement{"DELETE FROM scheduled s WHERE due < ? AND EXISTS (SELECT FROM scheduled l WHERE l.name = s.name AND l.due > s.due)", []any{at}})
}
