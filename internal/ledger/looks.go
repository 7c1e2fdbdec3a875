package ledger

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"hppsend/pipeline"
)

// A ledger keeps what looks at sessions have told, whichever run or command made them.
var _ pipeline.Looks = (*View)(nil)

// seenQuery goes by the key of the table, session by session.
const seenQuery = `SELECT session, status, updated, expires, looked, waiting, opened FROM seen
	WHERE session IN ({among}) AND target = (SELECT id FROM target WHERE name = ?)`

// Seen implements pipeline.Looks.
func (v *View) Seen(ctx context.Context, sessions []string) (out []pipeline.Seen, err error) {
	defer func() { err = v.l.reading(err) }()
	out = make([]pipeline.Seen, len(sessions))
	names := slices.Compact(slices.Sorted(slices.Values(sessions)))
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	rows, err := v.l.rows(ctx, seenQuery, string(list), v.target)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]pipeline.Seen{}
	for rows.Next() {
		var s pipeline.Session
		var at [5]int64
		if err := rows.Scan(&s.ID, &s.Status, &at[0], &at[1], &at[2], &at[3], &at[4]); err != nil {
			return nil, err
		}
		found[s.ID] = seenOf(s, at)
	}
	for i, session := range sessions {
		out[i] = found[session]
	}
	return out, rows.Err()
}

// Saw implements pipeline.Looks.
func (v *View) Saw(ctx context.Context, looks ...pipeline.Seen) error {
	return v.l.update(ctx, &saw{v.target, looks})
}

// saw keeps looks, each unless a later one is known.
type saw struct {
	target string
	looks  []pipeline.Seen
}

func (o *saw) apply(t *txn) error {
	target, err := t.target(o.target)
	if err != nil {
		return err
	}
	for _, s := range o.looks {
		if err := t.exec(`INSERT INTO seen (session, target, status, updated, expires, looked, waiting, opened) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (session, target) DO UPDATE SET status = excluded.status, updated = excluded.updated, looked = excluded.looked,
			expires = CASE WHEN excluded.expires = 0 THEN seen.expires ELSE excluded.expires END,
			waiting = CASE WHEN excluded.waiting > seen.waiting THEN excluded.waiting ELSE seen.waiting END,
			opened = CASE WHEN seen.opened = 0 THEN excluded.opened ELSE seen.opened END
			WHERE excluded.looked >= seen.looked`,
			s.ID, target, string(s.Status), millis(s.Updated), millis(s.Expires), millis(s.Looked), millis(s.Waiting), millis(s.Opened)); err != nil {
			return err
		}
	}
	return nil
}

// millis is a time as the ledger keeps it; 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMilli(at)
}

// seenOf gives what is known of a session out of its columns: updated, expires, looked, waiting and opened.
func seenOf(s pipeline.Session, at [5]int64) pipeline.Seen {
	s.Updated, s.Expires = fromMillis(at[0]), fromMillis(at[1])
	return pipeline.Seen{Session: s, Looked: fromMillis(at[2]), Waiting: fromMillis(at[3]), Opened: fromMillis(at[4])}
}

// forgetLooks forgets what was last seen before a time.
type forgetLooks struct{ before int64 }

func (o forgetLooks) apply(t *txn) error {
	return t.exec("DELETE FROM seen WHERE looked < ?", o.before)
}
