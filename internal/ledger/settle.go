package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"hppsend/pipeline"
)

// Doubt is a row of a run of which nobody knows whether it was sent.
type Doubt struct {
	Ticket        pipeline.Ticket
	Place         pipeline.Place
	Session       string
	Method        pipeline.Method
	HTTPStatus    int
	Attempts      int
	Code          string
	Reason        string
	CorrelationID string
	Time          time.Time // of the call
}

// FindRun finds a run by its id, or by the beginning of it that no other has; ok is false when there
// is none.
func (l *Ledger) FindRun(ctx context.Context, id string) (info RunInfo, ok bool, err error) {
	defer func() { err = l.reading(err) }()
	rows, err := l.rows(ctx, "SELECT "+runColumns+" WHERE substr(run.id, 1, ?) = ? AND {whole} LIMIT 2",
		len(id), strings.ToLower(id))
	if err != nil {
		return info, false, err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		if info, err = scanRun(rows); err != nil {
			return info, false, err
		}
	}
	return info, n == 1 && id != "", rows.Err()
}

// doubtsQuery goes by record_uncertain.
const doubtsQuery = `SELECT d.id, run.path, d.sheet, d.row, d.session, d.method, d.http_status, d.attempts,
	d.code, d.reason, d.correlation_id, d.time FROM record d JOIN run ON run.number = d.run
	WHERE run.id = ? AND d.status = 'uncertain' AND d.intent IS NULL ORDER BY d.row, d.id`

// Doubts gives the uncertain rows of a run, in the order of the input; those that a dead process left
// open are among them.
func (l *Ledger) Doubts(ctx context.Context, run string) (all []Doubt, err error) {
	defer func() { err = l.reading(err) }()
	if err := l.update(ctx, endDead{}); err != nil {
		return nil, err
	}
	rows, err := l.rows(ctx, doubtsQuery, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Doubt
		var at int64
		if err := rows.Scan(&d.Ticket, &d.Place.File, &d.Place.Sheet, &d.Place.Row, &d.Session, &d.Method, &d.HTTPStatus,
			&d.Attempts, &d.Code, &d.Reason, &d.CorrelationID, &at); err != nil {
			return nil, err
		}
		d.Time = time.UnixMilli(at)
		all = append(all, d)
	}
	return all, rows.Err()
}

// Settle ends doubts by what a person has found out: delivered, or surely not sent. It keeps who said
// so and when, and gives how many were still in doubt.
func (l *Ledger) Settle(ctx context.Context, tickets []pipeline.Ticket, delivered bool, who string) (settled int, err error) {
	status, code, word := pipeline.Failed, pipeline.CodeSettledNotSent, "not sent"
	if delivered {
		status, code, word = pipeline.Delivered, pipeline.CodeSettledDelivered, "delivered"
	}
	now := time.Now()
	o := &settle{
		tickets: tickets, status: status, code: code, who: who, now: now.UnixMilli(),
		reason: fmt.Sprintf("settled as %s by %s on %s", word, who, now.UTC().Format("2006-01-02 15:04 UTC")),
	}
	err = l.update(ctx, o)
	return o.settled, err
}

// settle ends doubts.
type settle struct {
	tickets           []pipeline.Ticket
	status            pipeline.Status
	code, reason, who string
	now               int64

	settled int
}

func (o *settle) apply(t *txn) error {
	o.settled = 0
	for _, ticket := range o.tickets {
		if err := t.touch(int64(ticket)); err != nil {
			return err
		}
		old, err := t.state(ticket)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (old.Status != pipeline.Uncertain || old.intent != 0) {
			continue // another run, or another person, was there before
		}
		if err != nil {
			return err
		}
		if err := t.exec("INSERT INTO settlement (distribution, code, was, who, time) VALUES (?, ?, ?, ?, ?)",
			ticket, o.code, old.Code, o.who, o.now); err != nil {
			return err
		}
		if err := t.exec("UPDATE record SET status = ?, code = ?, reason = ?, version = "+newVersion+" WHERE id = ?",
			o.status, o.code, o.reason, ticket); err != nil {
			return err
		}
		o.settled++
	}
	return nil
}
