package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"hppsend/pipeline"
)

// View is what one who asks sees of a target: a run, or nobody in particular. It implements
// pipeline.Records.
type View struct {
	l        *Ledger
	target   string
	targetID int64 // 0 until it is known
	asks     int64 // the number of the run that asks; 0 for none
}

// View looks at a target without being a run.
func (l *Ledger) View(target string) *View { return &View{l: l, target: target} }

// Digest stands for a contact in this ledger.
func (v *View) Digest(contact string) pipeline.Digest { return v.l.Digest(contact) }

const recordColumns = `d.id, d.session, d.reminder, d.method, d.contact, d.country, d.other, d.intent, d.time,
	d.attempts, d.status, d.binding, d.http_status, d.code, d.reason, d.correlation_id, coalesce(r.id, ''), coalesce(i.id, '')
	FROM distribution d LEFT JOIN run r ON r.number = d.run LEFT JOIN run i ON i.number = d.intent`

// Lookup gives all records of each session.
func (v *View) Lookup(ctx context.Context, sessions []string) ([][]pipeline.Record, error) {
	out, err := v.lookup(ctx, sessions)
	return out, v.l.reading(err)
}

func (v *View) lookup(ctx context.Context, sessions []string) ([][]pipeline.Record, error) {
	out := make([][]pipeline.Record, len(sessions))
	wanted := make(map[string][]int, len(sessions))
	for i, s := range sessions {
		if s != "" {
			wanted[s] = append(wanted[s], i)
		}
	}
	names := make([]string, 0, len(wanted))
	for s := range wanted {
		names = append(names, s)
	}
	slices.Sort(names) // the index is read in its order
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	rows, err := v.l.db.QueryContext(ctx, "SELECT "+recordColumns+` WHERE d.session IN (SELECT value FROM json_each(?))
		AND d.target = (SELECT id FROM target WHERE name = ?) ORDER BY d.id`, string(list), v.target)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		session, rec, _, err := v.scan(rows)
		if err != nil {
			return nil, err
		}
		for _, i := range wanted[session] {
			out[i] = append(out[i], rec)
		}
	}
	return out, rows.Err()
}

// scan reads a record, and the run that has an attempt open on it.
func (v *View) scan(rows *sql.Rows) (session string, rec pipeline.Record, open int64, err error) {
	var contact, other []byte
	var intent sql.NullInt64
	var at int64
	var intentRun string
	if err := rows.Scan(&rec.ID, &session, &rec.Reminder, &rec.Method, &contact, &rec.Country, &other, &intent, &at,
		&rec.Attempts, &rec.Status, &rec.Binding, &rec.HTTPStatus, &rec.Code, &rec.Reason, &rec.CorrelationID,
		&rec.Run, &intentRun); err != nil {
		return "", rec, 0, err
	}
	copy(rec.Contact[:], contact)
	copy(rec.Other[:], other)
	rec.Time = time.UnixMilli(at)
	if rec.Status == "" {
		rec.Status = pipeline.Pending
	}
	switch {
	case !intent.Valid:
	case intent.Int64 == v.asks:
		rec.Intent, rec.Run = pipeline.OwnIntent, intentRun
	case v.l.lives(intent.Int64, intentRun):
		rec.Intent, rec.Run = pipeline.ForeignIntent, intentRun
	case rec.Status != pipeline.Delivered:
		rec.Status, rec.Code, rec.Reason = pipeline.Uncertain, pipeline.CodeInterrupted, interruptedReason
		rec.Binding, rec.HTTPStatus, rec.CorrelationID = false, 0, ""
		rec.Attempts++
		rec.Run = intentRun
	}
	return session, rec, intent.Int64, nil
}

// Claim opens an attempt if the records of the session are those that were judged.
func (r *Run) Claim(ctx context.Context, c pipeline.Claim) (got pipeline.Claimed, err error) {
	err = r.l.update(ctx, func(t *txn) error {
		records, intents, err := t.records(r, c.Distribution.Session)
		if err != nil {
			return err
		}
		if got = (pipeline.Claimed{Version: version(records), Records: records}); got.Version != c.Seen {
			return nil
		}
		got.Ticket, err = t.open(r, c, records, intents)
		return err
	})
	if err != nil {
		return pipeline.Claimed{}, err
	}
	return got, nil
}

var versions = maphash.MakeSeed()

// version tells one state of the records of a session from others, to this process.
func version(records []pipeline.Record) pipeline.Version {
	if len(records) == 0 {
		return pipeline.NoRecords
	}
	var h maphash.Hash
	h.SetSeed(versions)
	fmt.Fprint(&h, records)
	return 1 + pipeline.Version(h.Sum64()>>2)
}

// records gives the records of a session, and the run that has an attempt open on each; 0 for none.
func (t *txn) records(r *Run, session string) (records []pipeline.Record, intents []int64, err error) {
	rows, err := t.query("SELECT "+recordColumns+" WHERE d.session = ? AND d.target = ? ORDER BY d.id", session, r.targetID)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		_, rec, intent, err := r.scan(rows)
		if err != nil {
			return nil, nil, err
		}
		records, intents = append(records, rec), append(intents, intent)
	}
	return records, intents, rows.Err()
}

// open writes the intent. An intent of a dead run on the same record becomes a doubt first.
func (t *txn) open(r *Run, c pipeline.Claim, records []pipeline.Record, intents []int64) (pipeline.Ticket, error) {
	d, now := c.Distribution, time.Now().UnixMilli()
	contact := r.l.secret.digest(d.Contact)
	other := []byte{}
	if d.Other != "" {
		digest := r.l.secret.digest(d.Other)
		other = digest[:]
	}
	for i, rec := range records {
		if rec.Reminder != r.reminder || rec.Method != d.Method || rec.Contact != contact || rec.Country != d.Country {
			continue
		}
		if intents[i] != 0 {
			if err := t.doubt(intents[i]); err != nil {
				return 0, err
			}
		}
		return pipeline.Ticket(rec.ID), t.exec(`UPDATE distribution SET intent = ?, other = ?, sheet = ?, row = ?, time = ? WHERE id = ?`,
			r.number, other, r.sheet(c.Place), c.Place.Row, now, rec.ID)
	}
	res, err := t.result(`INSERT INTO distribution (session, target, reminder, method, contact, country, other,
		sheet, row, intent, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.Session, r.targetID, r.reminder, d.Method, contact[:], d.Country, other, r.sheet(c.Place), c.Place.Row, r.number, now)
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	return pipeline.Ticket(id), err
}

// reading gives every error of reading the same form, but for an end that was asked for.
func (l *Ledger) reading(err error) error {
	var known *pipeline.Error // of what had to be written first
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &known) {
		return err
	}
	todo := "see that its disk is there and can be read; the same command then goes on"
	if damaged(err) {
		todo = restore
	}
	return &pipeline.Error{Kind: pipeline.NoLedger, Problem: "read the ledger " + l.path, Todo: todo, Err: err}
}
