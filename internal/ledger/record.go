package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"hppsend/pipeline"
)

// View is what one who asks sees of a target: a run, or nobody in particular. It implements
// pipeline.Records.
type View struct {
	l        *Ledger
	target   string
	targetID int64 // 0 until it is known
	number   int64 // of the run that asks; 0 for none
}

// View looks at a target without being a run.
func (l *Ledger) View(target string) *View { return &View{l: l, target: target} }

// Digest stands for a contact in this ledger.
func (v *View) Digest(contact string) pipeline.Digest { return v.l.Digest(contact) }

const recordColumns = `d.id, d.session, d.reminder, d.method, d.contact, d.country, d.other, d.intent, d.time,
	d.attempts, d.status, d.binding, d.http_status, d.code, d.reason, d.correlation_id, coalesce(r.id, ''), coalesce(i.id, ''),
	d.seq, d.version, d.sheet, d.row, {lives i}
	FROM record d LEFT JOIN run r ON r.number = d.run LEFT JOIN run i ON i.number = d.intent`

// lookupQuery goes by record_key, session by session.
const lookupQuery = "SELECT " + recordColumns + ` WHERE d.session IN ({among})
	AND d.target = (SELECT id FROM target WHERE name = ?) ORDER BY d.id`

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
	rows, err := v.l.rows(ctx, lookupQuery, string(list), v.target)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := v.scan(rows)
		if err != nil {
			return nil, err
		}
		if rec.blank() {
			continue
		}
		for _, i := range wanted[rec.session] {
			out[i] = append(out[i], rec.Record)
		}
	}
	return out, rows.Err()
}

// kept is a record with what the ledger keeps beside it.
type kept struct {
	pipeline.Record
	session string
	intent  int64 // the run that has an attempt open; 0 for none
	seq     int   // 0 for the gate
	sheet   string
	row     int
	version pipeline.Version
}

// blank reports whether it is a gate whose claim was taken back, and no record.
func (k *kept) blank() bool { return k.intent == 0 && k.Attempts == 0 && k.Status == pipeline.Pending }

func (v *View) scan(rows *sql.Rows) (k kept, err error) {
	var contact, other []byte
	var intent sql.NullInt64
	var at int64
	var intentRun string
	var lives sql.NullBool
	if err := rows.Scan(&k.ID, &k.session, &k.Reminder, &k.Method, &contact, &k.Country, &other, &intent, &at,
		&k.Attempts, &k.Status, &k.Binding, &k.HTTPStatus, &k.Code, &k.Reason, &k.CorrelationID,
		&k.Run, &intentRun, &k.seq, &k.version, &k.sheet, &k.row, &lives); err != nil {
		return k, err
	}
	copy(k.Contact[:], contact)
	copy(k.Other[:], other)
	k.Time = time.UnixMilli(at)
	if k.Status == "" {
		k.Status = pipeline.Pending
	}
	k.intent = intent.Int64
	switch {
	case !intent.Valid:
	case k.intent == v.number:
		k.Intent, k.Run = pipeline.OwnIntent, intentRun
	case v.l.alive(k.intent, intentRun, lives):
		k.Intent, k.Run = pipeline.ForeignIntent, intentRun
	case k.Status != pipeline.Delivered:
		k.Status, k.Code, k.Reason = pipeline.Uncertain, pipeline.CodeInterrupted, interruptedReason
		k.Binding, k.HTTPStatus, k.CorrelationID = false, 0, ""
		k.Attempts++
		k.Run = intentRun
	}
	k.Run = wholeRun(k.Run)
	return k, nil
}

// wholeRun is the run that a part is of, by their ids.
func wholeRun(id string) string {
	whole, _, _ := strings.Cut(id, ".")
	return whole
}

// reading gives every error of reading the same form, but for an end that was asked for.
func (l *Ledger) reading(err error) error {
	var known *pipeline.Error // of what had to be written first
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &known) {
		return err
	}
	_, _, cause := l.store.reason(err)
	return &pipeline.Error{Kind: pipeline.NoLedger, Problem: "read the ledger " + l.path, Todo: l.store.todo(err, true), Err: cause}
}
