package ledger

import (
	"context"
	"database/sql"
	"time"

	"hppsend/pipeline"
)

// Sent is a distribution that HPP accepted, or may have, with what is known of its session since.
type Sent struct {
	Ticket   pipeline.Ticket
	Run      string // the whole one, also where a part of it sent
	Label    string
	Reminder string
	Session  string
	Method   pipeline.Method
	Country  string          // of the phone number; empty for e-mail
	Status   pipeline.Status // Delivered or Uncertain
	Time     time.Time       // when that was known
	Seen     pipeline.Seen   // the zero one where nothing is known
}

// sentQuery goes by record_sent.
const sentQuery = `SELECT d.id, d.session, d.method, d.country, d.status, d.time, coalesce(d.run, 0),
	coalesce(s.status, ''), coalesce(s.updated, 0), coalesce(s.expires, 0), coalesce(s.looked, 0), coalesce(s.waiting, 0), coalesce(s.opened, 0)
	FROM record d LEFT JOIN seen s ON s.session = d.session AND s.target = d.target
	WHERE d.target = (SELECT id FROM target WHERE name = ?1) AND d.status IN ('delivered', 'uncertain') AND d.intent IS NULL
	AND d.time >= ?2 AND (d.time > ?2 OR d.id > ?3) ORDER BY d.time, d.id LIMIT ?4`

// maxSent is how many are read at once.
const maxSent = 2000

// EachSent gives what was sent at a target by the runs that are wanted, in the order of sending, to a function, until it
// returns an error. What it knows of sessions is that of the moment. What a dead process left open is uncertain by then.
func (l *Ledger) EachSent(ctx context.Context, target string, wanted func(RunInfo) bool, each func(Sent) error) error {
	if err := l.update(ctx, endDead{}); err != nil {
		return err
	}
	runs, since, err := l.sendingRuns(ctx, target, wanted)
	if err != nil || len(runs) == 0 {
		return l.reading(err)
	}
	at, id := since, int64(0)
	for {
		page, last, err := l.sentPage(ctx, target, runs, at, id)
		if err != nil {
			return l.reading(err)
		}
		for _, s := range page {
			if err := each(s); err != nil {
				return err
			}
		}
		if last.id == 0 {
			return nil
		}
		at, id = last.time, last.id
	}
}

// mark is where a page ends; zero where nothing follows.
type mark struct{ time, id int64 }

func (l *Ledger) sentPage(ctx context.Context, target string, runs map[int64]RunInfo, at, id int64) (page []Sent, last mark, err error) {
	rows, err := l.rows(ctx, sentQuery, target, at, id, maxSent)
	if err != nil {
		return nil, last, err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var s Sent
		var run int64
		var seen pipeline.Session
		var times [5]int64
		if err := rows.Scan(&s.Ticket, &s.Session, &s.Method, &s.Country, &s.Status, &last.time, &run,
			&seen.Status, &times[0], &times[1], &times[2], &times[3], &times[4]); err != nil {
			return nil, mark{}, err
		}
		last.id = int64(s.Ticket)
		info, ok := runs[run]
		if !ok {
			continue
		}
		s.Run, s.Label, s.Reminder, s.Time = wholeRun(info.ID), info.Label, info.Reminder, time.UnixMilli(last.time)
		if seen.Status != "" {
			seen.ID = s.Session
			s.Seen = seenOf(seen, times)
		}
		page = append(page, s)
	}
	if n < maxSent {
		last = mark{}
	}
	return page, last, rows.Err()
}

// sendingRuns gives the runs that are wanted by their numbers, with those of their parts, and when the first began.
func (l *Ledger) sendingRuns(ctx context.Context, target string, wanted func(RunInfo) bool) (map[int64]RunInfo, int64, error) {
	rows, err := l.rows(ctx, "SELECT run.number, "+runColumns+" WHERE target.name = ? ORDER BY run.number", target)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	runs, since, whole := map[int64]RunInfo{}, int64(0), map[string]RunInfo{}
	for rows.Next() {
		var number int64
		info, err := scanRun(numbered{rows, &number})
		if err != nil {
			return nil, 0, err
		}
		switch id := wholeRun(info.ID); {
		case id == info.ID && wanted(info):
			whole[id] = info
			if at := info.Started.UnixMilli(); len(runs) == 0 || at < since {
				since = at
			}
		case id == info.ID:
			continue
		default: // a part, which comes after its whole
			if _, ok := whole[id]; !ok {
				continue
			}
		}
		runs[number] = whole[wholeRun(info.ID)]
	}
	return runs, since - clockSlack.Milliseconds(), rows.Err()
}

// clockSlack is how far a clock may be put back while a run goes on, without what it sent being missed.
const clockSlack = 24 * time.Hour

// numbered reads one more column, before those that others read.
type numbered struct {
	rows   *sql.Rows
	number *int64
}

func (n numbered) Scan(to ...any) error { return n.rows.Scan(append([]any{n.number}, to...)...) }
