package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hppsend/pipeline"
)

// byRule is who settles what is proved by the session itself.
const byRule = "rule: opened since"

// SettleOpened ends the doubts about those of the distributions whose sessions prove that the link arrived, as
// [pipeline.Seen.OpenedSince] has it, and keeps that it was by rule, with both times. Where the session was sent, or may
// have been, in another way too, nobody knows which link was opened, and the doubt stays. It gives those that it has
// settled.
func (l *Ledger) SettleOpened(ctx context.Context, doubts []Sent) ([]pipeline.Ticket, error) {
	o := &settleOpened{now: time.Now()}
	for _, s := range doubts {
		if s.Status == pipeline.Uncertain && s.Seen.OpenedSince(s.Time) {
			o.doubts = append(o.doubts, s)
		}
	}
	if len(o.doubts) == 0 {
		return nil, nil
	}
	err := l.update(ctx, o)
	return o.settled, err
}

type settleOpened struct {
	doubts []Sent
	now    time.Time

	settled []pipeline.Ticket
}

func (o *settleOpened) apply(t *txn) error {
	o.settled = nil
	for _, s := range o.doubts {
		if err := t.touch(int64(s.Ticket)); err != nil {
			return err
		}
		old, err := t.state(s.Ticket)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (old.Status != pipeline.Uncertain || old.intent != 0 || !old.Time.Equal(s.Time)) {
			continue // somebody was there before, or has sent it again
		}
		var others bool
		if err == nil {
			err = t.get([]any{&others}, `SELECT EXISTS (SELECT 1 FROM record o JOIN record d ON o.session = d.session AND o.target = d.target
				WHERE d.id = ? AND o.id <> d.id AND (o.status IN ('delivered', 'uncertain') OR o.intent IS NOT NULL))`, s.Ticket)
		}
		if err != nil {
			return err
		}
		if others {
			continue
		}
		minute := func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }
		reason := fmt.Sprintf("settled as delivered by rule: nobody had opened the session on %s, the call was made by %s, and by %s somebody had opened it",
			minute(s.Seen.Waiting), minute(s.Time), minute(s.Seen.Opened))
		if err := t.exec("INSERT INTO settlement (distribution, code, was, who, time) VALUES (?, ?, ?, ?, ?)",
			s.Ticket, pipeline.CodeSettledDelivered, old.Code, byRule, o.now.UnixMilli()); err != nil {
			return err
		}
		if err := t.exec("UPDATE record SET status = ?, code = ?, reason = ?, version = "+newVersion+" WHERE id = ?",
			pipeline.Delivered, pipeline.CodeSettledDelivered, reason, s.Ticket); err != nil {
			return err
		}
		o.settled = append(o.settled, s.Ticket)
	}
	return nil
}
