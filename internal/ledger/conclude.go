package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hppsend/pipeline"
)

// state is the part of a record that a conclusion changes.
type state struct {
	intent   int64 // 0 for none
	run      int64 // 0 for none
	attempts int
	beneath  bool // it is no gate
	pipeline.Conclusion
}

// conclusion is what is to become of a ticket, in a transaction that it shares with others.
type conclusion struct {
	run    int64 // that has it open
	owner  int64 // the run that this is a part of, or the same
	ticket pipeline.Ticket
	pipeline.Conclusion
}

// Conclude closes an attempt of this run, or revises one that it has closed.
func (r *Run) Conclude(ctx context.Context, ticket pipeline.Ticket, c pipeline.Conclusion) error {
	return r.l.update(ctx, &conclusion{r.number, r.owner, ticket, c})
}

func (c *conclusion) apply(t *txn) error {
	if done, err := c.first(t); err != nil || done {
		return err
	}
	id := int64(c.ticket)
	if err := t.touch(id); err != nil { // first, since a claim too takes the gate before what lies beneath
		return err
	}
	old, err := t.state(c.ticket)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // taken back already
	}
	if err != nil {
		return err
	}
	if old.repeats(c) {
		return nil
	}
	now, keep := old.concluded(c.run, c.owner, c.Conclusion)
	if !keep && old.beneath {
		return t.exec("DELETE FROM record WHERE id = ?", id)
	}
	return t.exec(`UPDATE record SET intent = nullif(?, 0), run = nullif(?, 0), attempts = ?, status = ?, binding = ?, http_status = ?,
		code = ?, reason = ?, correlation_id = ?, time = ?, version = `+newVersion+` WHERE id = ?`,
		now.intent, now.run, now.attempts, string(now.Status), now.Binding, now.HTTPStatus, now.Code, now.Reason,
		now.CorrelationID, now.Time.UnixMilli(), id)
}

// first closes the first attempt at a gate, the usual one, in one statement: to what state.concluded makes
// of it. It reports whether it was that.
func (c *conclusion) first(t *txn) (bool, error) {
	if !c.Called {
		return false, nil
	}
	status := c.Status
	if status == pipeline.Pending {
		status = ""
	}
	return t.changed(`UPDATE record SET intent = NULL, run = ?, attempts = attempts + 1, status = ?, binding = ?,
		http_status = ?, code = ?, reason = ?, correlation_id = ?, time = ?, version = {fresh}
		WHERE id = ? AND intent = ? AND status = '' AND seq = 0`,
		c.owner, string(status), c.Binding, c.HTTPStatus, c.Code, c.Reason, c.CorrelationID, c.Time.UnixMilli(), int64(c.ticket), c.run)
}

func (t *txn) state(ticket pipeline.Ticket) (s state, err error) {
	var at int64
	err = t.get([]any{
		&s.intent, &s.run, &s.attempts, &s.Status, &s.Binding, &s.HTTPStatus, &s.Code, &s.Reason, &s.CorrelationID, &at, &s.beneath,
	}, `SELECT coalesce(intent, 0), coalesce(run, 0), attempts, status, binding, http_status, code, reason,
		correlation_id, time, seq > 0 FROM record WHERE id = ? {lock}`, ticket)
	s.Time = time.UnixMilli(at)
	return s, err
}

// newVersion gives a gate another version, where a statement may change what lies beneath as well.
const newVersion = "CASE WHEN seq = 0 THEN {fresh} ELSE 0 END"

// repeats reports whether a conclusion is the one that was written last: whoever wrote it did not hear that it was.
func (s state) repeats(c *conclusion) bool {
	status := c.Status
	if status == pipeline.Pending {
		status = ""
	}
	return c.Called && s.intent != c.run && s.run == c.owner && s.Status == status && s.HTTPStatus == c.HTTPStatus && s.Code == c.Code &&
		s.CorrelationID == c.CorrelationID && s.Time.UnixMilli() == c.Time.UnixMilli()
}

// concluded is what a record becomes by a conclusion of a run, or of a part of owner. keep is false when nothing was ever
// tried and the record goes. The rules, in order:
//
//   - a delivery is never overwritten;
//   - a revision touches only a refusal that the run itself has written;
//   - a run that was taken for dead while it lived still says what came of its own call; the part of one also that
//     nothing was sent, which ends the row: another part has let it be by then;
//   - what is in doubt stays so under anything but a delivery;
//   - an attempt that came to nothing leaves the record as it was.
func (s state) concluded(run, owner int64, c pipeline.Conclusion) (now state, keep bool) {
	now = s
	open := s.intent == run
	if open {
		now.intent = 0
	}
	if !c.Called {
		switch {
		case open:
			return now, s.Status != "" || s.attempts > 0
		case s.Status == pipeline.Rejected && s.run == owner && c.Status == pipeline.Rejected:
			now.Binding = c.Binding
		case s.Status == pipeline.Rejected && s.run == owner && c.Status == pipeline.Pending:
			now.Status, now.Binding = "", false
		}
		return now, true
	}
	buried := !open && s.run == owner && s.Status == pipeline.Uncertain && s.Code == pipeline.CodeInterrupted
	if !buried {
		now.attempts++ // counted when it was buried
	}
	if s.Status == pipeline.Delivered {
		return now, true
	}
	if !open && !buried && c.Status != pipeline.Delivered {
		return now, true
	}
	if s.Status == pipeline.Uncertain && !buried && c.Status != pipeline.Delivered {
		now.run = owner                           // it was tried again, and the doubt remains
		if now.Code == pipeline.CodeInterrupted { // which is another's, and not for this run to take back
			now.Code = pipeline.CodeNoClearAnswer
		}
		return now, true
	}
	if c.Status == pipeline.Pending && s.Status != "" && !buried {
		return now, true
	}
	now.run, now.Conclusion = owner, c
	switch {
	case c.Status != pipeline.Pending:
	case buried && run != owner:
		now.Status = pipeline.Failed
	default:
		now.Status = ""
	}
	return now, true
}
