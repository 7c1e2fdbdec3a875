package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hppsend/pipeline"
)

// claim is a claim to be made in a transaction that it shares with others. The gate of the session is the
// judge: a claim that saw no records makes it, which its key lets happen once; any other takes it from the
// version that was seen. Only a claim that loses reads.
type claim struct {
	run *Run
	pipeline.Claim
	contact, other []byte // digests

	got    pipeline.Claimed
	buried bool // the run was ended as a dead one: it claims nothing
	again  bool // it may be on disk already: the answer to its commit was lost
}

func (c *claim) retried() { c.again = true }

// Claim opens an attempt if the records of the session are those that were judged.
func (r *Run) Claim(ctx context.Context, c pipeline.Claim) (pipeline.Claimed, error) {
	if c.Distribution.Contact == "" { // it was forgotten while the row waited
		return pipeline.Claimed{Version: c.Seen, Bar: pipeline.Bar{Forgotten: true}}, nil
	}
	contact := r.l.secret.digest(c.Distribution.Contact)
	o := &claim{run: r, Claim: c, contact: contact[:], other: []byte{}}
	if c.Distribution.Other != "" {
		other := r.l.secret.digest(c.Distribution.Other)
		o.other = other[:]
	}
	if err := r.hold.ready(ctx); err != nil {
		return pipeline.Claimed{}, err
	}
	if err := r.l.update(ctx, o); err != nil {
		return pipeline.Claimed{}, err
	}
	if o.buried {
		return pipeline.Claimed{}, errRun
	}
	return o.got, nil
}

func (c *claim) apply(t *txn) error {
	c.got = pipeline.Claimed{Version: c.Seen}
	if c.again {
		if all, err := t.records(c.run, c.Distribution.Session); err != nil || c.own(all) {
			return err
		}
	}
	if barred, err := c.barred(t); err != nil || barred {
		return err
	}
	took := false
	var err error
	switch session := c.Distribution.Session; c.Seen {
	case pipeline.Unseen:
	case pipeline.NoRecords:
		if took, err = c.insert(t, 0); err != nil || took {
			return err
		}
	default:
		if took, err = t.changed("UPDATE record SET version = {fresh} WHERE session = ? AND target = ? AND seq = 0 AND version = ?",
			session, c.run.targetID, int64(c.Seen)); err != nil {
			return err
		}
	}
	all, err := c.known(t)
	if err != nil {
		return err
	}
	if took {
		if granted, err := c.open(t, all); err != nil || granted {
			return err
		}
		if all, err = t.records(c.run, c.Distribution.Session); err != nil {
			return err
		}
	}
	c.got.Version = pipeline.NoRecords
	for i := range all {
		if all[i].seq == 0 {
			c.got.Version = all[i].version
		}
		if !all[i].blank() {
			c.got.Records = append(c.got.Records, all[i].Record)
		}
	}
	return nil
}

// known gives the records of the session. What a part of a run learns to be in doubt is so for good: whoever left it
// open could else take it back, and a row that was settled by it would be nobody's.
func (c *claim) known(t *txn) ([]kept, error) {
	all, err := t.records(c.run, c.Distribution.Session)
	if err != nil || c.run.owner == c.run.number {
		return all, err
	}
	buried := false
	for _, k := range all {
		if k.intent != 0 && k.Intent == pipeline.NoIntent {
			if _, err := t.bury(k.intent, k.Run); err != nil {
				return nil, err
			}
			buried = true
		}
	}
	if buried {
		return t.records(c.run, c.Distribution.Session)
	}
	return all, nil
}

// open writes the intent under the gate that was taken: into the distribution's own record, into a blank
// gate, or into a new record beneath. An intent of a dead run on it becomes a doubt first; it reports false for one
// that lives after all.
func (c *claim) open(t *txn, all []kept) (granted bool, err error) {
	d, next, blank := c.Distribution, 0, int64(0)
	for _, k := range all {
		next = max(next, k.seq+1)
		if k.blank() {
			blank = k.ID
			continue
		}
		if k.Reminder != c.run.reminder || k.Method != d.Method || string(k.Contact[:]) != string(c.contact) || k.Country != d.Country {
			continue
		}
		if k.intent != 0 {
			if dead, err := t.bury(k.intent, k.Run); err != nil || !dead {
				return false, err
			}
		}
		c.got.Ticket = pipeline.Ticket(k.ID)
		return true, t.exec("UPDATE record SET intent = ?, other = ?, sheet = ?, row = ?, time = ? WHERE id = ?",
			c.run.number, c.other, c.run.sheet(c.Place), c.Place.Row, time.Now().UnixMilli(), k.ID)
	}
	if blank != 0 {
		c.got.Ticket = pipeline.Ticket(blank)
		return true, t.exec(`UPDATE record SET intent = ?, reminder = ?, method = ?, contact = ?, country = ?, other = ?, sheet = ?, row = ?,
			time = ? WHERE id = ?`, c.run.number, c.run.reminder, string(d.Method), c.contact, d.Country, c.other, c.run.sheet(c.Place),
			c.Place.Row, time.Now().UnixMilli(), blank)
	}
	return c.insert(t, next)
}

// own finds what this claim has written already. A run has one claim at a time for a row.
func (c *claim) own(all []kept) bool {
	for _, k := range all {
		if k.intent == c.run.number && k.sheet == Storable(c.run.sheet(c.Place)) && k.row == c.Place.Row {
			c.got.Ticket = pipeline.Ticket(k.ID)
			return true
		}
	}
	return false
}

// insert makes a record, and reports whether it did: of one seq there is one.
func (c *claim) insert(t *txn, seq int) (bool, error) {
	d := c.Distribution
	err := t.get([]any{&c.got.Ticket}, `INSERT INTO record (session, target, seq, version, reminder, method, contact, country, other, sheet, row, intent, time)
		VALUES (?, ?, ?, {fresh}, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
		d.Session, c.run.targetID, seq, c.run.reminder, string(d.Method), c.contact, d.Country, c.other, c.run.sheet(c.Place),
		c.Place.Row, c.run.number, time.Now().UnixMilli())
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// records gives the records of a session, a blank gate among them.
func (t *txn) records(r *Run, session string) (all []kept, err error) {
	rows, err := t.query("SELECT "+recordColumns+" WHERE d.session = ? AND d.target = ? ORDER BY d.id", session, r.targetID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		k, err := r.scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// touch gives the gate over a record beneath another version.
func (t *txn) touch(id int64) error {
	return t.exec(`UPDATE record SET version = {fresh} WHERE seq = 0
		AND (session, target) = (SELECT session, target FROM record WHERE id = ? AND seq > 0)`, id)
}
