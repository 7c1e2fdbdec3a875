package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// LastSent implements pipeline.Contacts.
func (v *View) LastSent(ctx context.Context, contacts []pipeline.Digest, since time.Time, content [32]byte, reminder string) ([]time.Time, error) {
	out := make([]time.Time, len(contacts))
	err := v.eachOf(ctx, contacts, func(i int, at int64) {
		out[i] = time.UnixMilli(at)
	}, `SELECT record.contact, max(record.time) FROM record LEFT JOIN run ON run.number = coalesce({owner}, record.run)
		WHERE record.contact IN ({digests}) AND record.target = (SELECT id FROM target WHERE name = ?) AND record.time >= ? AND `+maySent+`
		AND NOT coalesce(run.sha256 = ? AND run.reminder = ?, FALSE) GROUP BY record.contact`, v.target, since.UnixMilli(), content[:], reminder)
	return out, v.l.reading(err)
}

// maySent is of what was sent, or may have been.
const maySent = "(record.status IN ('delivered', 'uncertain') OR record.intent IS NOT NULL)"

// openFor is for how long a call may be under way; one that is open for longer was left so by a run that died.
const openFor = 5 * time.Minute

// surelyOver is of what was sent, or may have been, and is not just under way. It takes the time since when a call is.
const surelyOver = "(record.status IN ('delivered', 'uncertain') OR record.time < ?1)"

const anyForgotten = "SELECT EXISTS (SELECT 1 FROM forgotten)"

// AnyForgotten implements pipeline.Contacts.
func (v *View) AnyForgotten(ctx context.Context) (some bool, err error) {
	err = v.l.row(ctx, anyForgotten).Scan(&some)
	return some, v.l.reading(err)
}

// Forgotten implements pipeline.Contacts.
func (v *View) Forgotten(ctx context.Context, contacts []pipeline.Digest) ([]bool, error) {
	out := make([]bool, len(contacts))
	err := v.eachOf(ctx, contacts, func(i int, _ int64) { out[i] = true }, "SELECT contact, time FROM forgotten WHERE contact IN ({digests})")
	return out, v.l.reading(err)
}

// sentSince counts what was sent at a target since a time, or may have been; what is under way beside that, and what of it
// has been so since before another time.
const sentSince = `SELECT (SELECT count(*) FROM record WHERE target = ?1 AND time >= ?2 AND status IN ('delivered', 'uncertain') AND (?3 = '' OR method = ?3)), open, old FROM
	(SELECT count(*) AS open, coalesce(sum(CASE WHEN time < ?4 THEN 1 ELSE 0 END), 0) AS old FROM record WHERE target = ?1 AND intent IS NOT NULL AND (?3 = '' OR method = ?3)
		AND NOT (status IN ('delivered', 'uncertain') AND time >= ?2)) AS o`

// SentSince implements pipeline.Sends.
func (v *View) SentSince(ctx context.Context, since time.Time, m pipeline.Method) (n int, err error) {
	var target int64
	err = v.l.row(ctx, "SELECT id FROM target WHERE name = ?", v.target).Scan(&target)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil {
		var open, old int
		err = v.l.row(ctx, sentSince, target, since.UnixMilli(), string(m), since.UnixMilli()).Scan(&n, &open, &old)
		n += open
	}
	return n, v.l.reading(err)
}

// eachOf gives what a query, which takes the digests first, says of each contact.
func (v *View) eachOf(ctx context.Context, contacts []pipeline.Digest, found func(i int, value int64), query string, args ...any) error {
	wanted := make(map[pipeline.Digest][]int, len(contacts))
	for i, d := range contacts {
		if d != (pipeline.Digest{}) {
			wanted[d] = append(wanted[d], i)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	list, err := digestList(slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return err
	}
	rows, err := v.l.rows(ctx, query, append([]any{list}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		var value int64
		if err := rows.Scan(&text, &value); err != nil {
			return err
		}
		var d pipeline.Digest
		copy(d[:], text)
		for _, i := range wanted[d] {
			found(i, value)
		}
	}
	return rows.Err()
}

// NeverAgain puts contacts on the ledger's own list of those that must never be messaged again. It gives how many were
// not on it.
func (l *Ledger) NeverAgain(ctx context.Context, who string, contacts ...pipeline.Digest) (int, error) {
	o := &neverAgain{contact.MaskAll(who), contacts, 0}
	err := l.update(ctx, o)
	return o.added, err
}

type neverAgain struct {
	who      string
	contacts []pipeline.Digest
	added    int
}

func (o *neverAgain) apply(t *txn) error {
	o.added, t.anyForgotten = 0, nil
	for _, d := range o.contacts {
		added, err := t.changed("INSERT INTO forgotten (contact, who, time) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", d[:], o.who, time.Now().UnixMilli())
		if err != nil {
			return err
		}
		if added {
			o.added++
		}
	}
	return nil
}

// barred judges what a claim must keep to beside its session, and reports whether it is barred by that. What others are
// about to commit was waited for (guard).
func (c *claim) barred(t *txn) (bool, error) {
	forgets, err := t.forgets()
	if err != nil {
		return false, err
	}
	if forgets {
		if err := t.get([]any{&c.got.Bar.Forgotten}, "SELECT EXISTS (SELECT 1 FROM forgotten WHERE contact IN (?, ?))", c.contact, c.other); err != nil || c.got.Bar.Forgotten {
			return true, err
		}
	}
	if since := c.Restraint.Cooldown; !since.IsZero() {
		var sent, open int64
		if err := t.get([]any{&sent, &open}, `SELECT coalesce(max(CASE WHEN `+surelyOver+` THEN record.time END), 0), coalesce(max(record.time), 0) FROM record LEFT JOIN run ON run.number = coalesce({owner}, record.run)
			WHERE record.contact IN (?2, ?3) AND record.target = ?4 AND record.time >= ?5 AND `+maySent+`
			AND NOT coalesce((run.sha256, run.reminder) = (SELECT sha256, reminder FROM run WHERE number = ?6), FALSE)`,
			time.Now().Add(-openFor).UnixMilli(), c.contact, c.other, c.run.targetID, since.UnixMilli(), c.run.owner); err != nil {
			return false, err
		}
		if at := cmp.Or(sent, open); at > 0 {
			c.got.Bar.Sent, c.got.Bar.Open = time.UnixMilli(at), sent == 0
			return true, nil
		}
	}
	if c.Restraint.Once {
		if err := t.get([]any{&c.got.Bar.Again}, `SELECT EXISTS (SELECT 1 FROM record JOIN run ON run.number = coalesce({owner}, record.run)
			WHERE record.contact = ? AND record.target = ? AND record.session <> ? AND `+maySent+`
			AND (run.sha256, run.reminder) = (SELECT sha256, reminder FROM run WHERE number = ?))`,
			c.contact, c.run.targetID, c.Distribution.Session, c.run.owner); err != nil || c.got.Bar.Again {
			return true, err
		}
	}
	for i, count := range c.Restraint.Counts {
		var sent, open, old int
		if err := t.get([]any{&sent, &open, &old}, sentSince, c.run.targetID, count.Since.UnixMilli(), string(count.Method), time.Now().Add(-openFor).UnixMilli()); err != nil {
			return false, err
		}
		if sent+open >= count.Messages {
			c.got.Bar.Full, c.got.Bar.Open = i+1, sent+old < count.Messages
			return true, nil
		}
	}
	return false, nil
}

// forgets reports whether there is anybody who must never be messaged again.
func (t *txn) forgets() (some bool, err error) {
	if t.anyForgotten == nil {
		if err := t.get([]any{&some}, anyForgotten); err != nil {
			return false, err
		}
		t.anyForgotten = &some
	}
	return *t.anyForgotten, nil
}

// restrained reports whether a claim has to be judged by more than its session.
func (c *claim) restrained() bool {
	return !c.Restraint.Cooldown.IsZero() || c.Restraint.Once || len(c.Restraint.Counts) > 0
}
