package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// Moment is what there is to decide on about a shared run.
type Moment struct {
	Now     time.Time         // by the clock of the database, which all who decide share
	State   json.RawMessage   // as it was decided last
	Said    []json.RawMessage // since then, in order
	Left    int               // chunks that are not done
	Out     int               // of these, released ones
	Taken   int               // of these, those that a living process works on
	First   bool              // the chunk 0 is not done
	Ordered pipeline.Ordered
}

// Decision is what becomes of a shared run for now.
type Decision struct {
	State   json.RawMessage
	Release int  // so many more chunks
	First   bool // of these only the chunk 0
	Halt    bool // none is taken any more
	Revise  []pipeline.Revision
}

// Conduct has one of all who call it at a time decide about a shared run, by all that was told since the last time:
// what is decided is kept together with that. It reports false when another does so at this moment, or the run has
// ended. The function may be called more than once, for a decision that could not be kept.
func (l *Ledger) Conduct(ctx context.Context, run string, decide func(Moment) (Decision, error)) (bool, error) {
	ordered, err := l.Ordered(ctx, run)
	if err != nil {
		return false, err
	}
	o := &conduct{run: run, decide: decide, ordered: ordered}
	if err = l.update(ctx, o); err == nil {
		err = o.err
	}
	return o.done, err
}

type conduct struct {
	run     string
	decide  func(Moment) (Decision, error)
	ordered pipeline.Ordered

	done bool
	err  error // of decide, which is not to undo what others change beside it
}

func (o *conduct) apply(t *txn) error {
	o.done, o.err = false, nil
	var number int64
	var state string
	err := t.get([]any{&number, &state}, `SELECT s.run, s.state FROM share s JOIN run ON run.number = s.run
		WHERE run.id = ? AND run.ended IS NULL FOR UPDATE OF s SKIP LOCKED`, o.run)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	m := Moment{State: json.RawMessage(state), Ordered: o.ordered}
	if err := t.buryParts(number); err != nil {
		return err
	}
	// The counts first: what is told of a chunk is told before it goes.
	if err := t.get([]any{&m.Now, &m.Left, &m.Out, &m.Taken, &m.First}, `SELECT clock_timestamp(), count(*), count(*) FILTER (WHERE released),
		count(*) FILTER (WHERE process IS NOT NULL), coalesce(bool_or(n = 0), FALSE) FROM chunk WHERE run = ?`, number); err != nil {
		return err
	}
	var heard []int64
	if m.Said, heard, err = t.said(number); err != nil {
		return err
	}
	var d Decision
	if o.err = pipeline.Guarded(func() (err error) { d, err = o.decide(m); return err }); o.err != nil {
		return nil
	}
	if len(m.Said) > 0 {
		if err := t.exec("DELETE FROM answer WHERE id = ANY(?)", heard); err != nil {
			return err
		}
	}
	for _, v := range d.Revise {
		if err := (&conclusion{run: -1, owner: number, ticket: v.Ticket, Conclusion: v.Conclusion()}).apply(t); err != nil {
			return err
		}
	}
	if d.Release > 0 {
		if err := t.exec(`UPDATE chunk SET released = TRUE WHERE run = ?1 AND n IN (SELECT n FROM chunk WHERE run = ?1 AND NOT released
			AND (due IS NULL OR due <= clock_timestamp()) AND (n = 0 OR NOT ?3) ORDER BY n LIMIT ?2)`, number, d.Release, d.First); err != nil {
			return err
		}
	}
	if d.Halt {
		if err := t.exec("UPDATE chunk SET released = FALSE WHERE run = ? AND released", number); err != nil {
			return err
		}
	}
	o.done = true
	if string(d.State) == state {
		return nil
	}
	return t.exec("UPDATE share SET state = ? WHERE run = ?", string(d.State), number)
}

// buryParts ends the parts of a run whose processes are gone, so that nothing comes of them any more, and lets others take
// their chunks. A process that may come back keeps what it has.
func (t *txn) buryParts(run int64) error {
	rows, err := t.query("SELECT number FROM run WHERE part_of = ? AND ended IS NULL AND NOT coalesce(lives(process), FALSE) ORDER BY number", run)
	if err != nil {
		return err
	}
	dead, err := Column[int64](rows)
	if err != nil {
		return err
	}
	for _, number := range dead {
		if _, err := t.bury(number, ""); err != nil {
			return err
		}
	}
	return t.exec("UPDATE chunk c SET process = NULL, asked = NULL WHERE run = ? AND process IS NOT NULL AND NOT EXISTS (SELECT FROM beat b WHERE b.process = c.process)", run)
}

// said gives what was told of a run, a thousand at a time, with their ids. One that is on disk later may have a lesser id.
func (t *txn) said(run int64) (all []json.RawMessage, ids []int64, err error) {
	rows, err := t.query("SELECT id, said FROM answer WHERE run = ? ORDER BY id LIMIT 1000", run)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, nil, err
		}
		all, ids = append(all, json.RawMessage(text)), append(ids, id)
	}
	return all, ids, rows.Err()
}

// TellOf is Tell for somebody who is no part of the run. Of one that has ended nothing is told.
func (l *Ledger) TellOf(ctx context.Context, run string, said json.RawMessage) error {
	return l.update(ctx, statement{"INSERT INTO answer (run, said, word) SELECT number, ?, ? FROM run WHERE id = ? AND shared AND ended IS NULL ON CONFLICT DO NOTHING", []any{string(said), rand.Text(), run}})
}

// EndShared ends a shared run on which nobody works any more. One that has ended stays as it is.
func (l *Ledger) EndShared(ctx context.Context, run string, ending pipeline.Finding, counts json.RawMessage) error {
	return l.update(ctx, endShared{run, ending.Code, contact.MaskAll(ending.Reason), string(maskedJSON(counts))})
}

type endShared struct{ run, code, reason, counts string }

func (o endShared) apply(t *txn) error {
	rows, err := t.query("SELECT p.number FROM run p JOIN run w ON w.number = p.part_of WHERE w.id = ? AND w.ended IS NULL ORDER BY 1", o.run)
	if err != nil {
		return err
	}
	parts, err := Column[int64](rows)
	if err != nil {
		return err
	}
	if _, err := t.changed("UPDATE run SET ended = ?, ending = ?, reason = ?, counts = ? WHERE id = ? AND shared AND ended IS NULL",
		time.Now().UnixMilli(), o.code, o.reason, o.counts, o.run); err != nil {
		return err
	}
	for _, number := range parts { // which claim nothing more
		if err := t.interrupt(number); err != nil {
			return err
		}
	}
	return t.exec("DELETE FROM run WHERE part_of = (SELECT number FROM run WHERE id = ? AND ended IS NOT NULL)", o.run)
}

// Counted records what the report of a shared run that has ended has counted.
func (r *Run) Counted(ctx context.Context, counts json.RawMessage) error {
	return r.l.update(ctx, statement{"UPDATE run SET counts = ? WHERE number = ? AND ended IS NOT NULL", []any{string(maskedJSON(counts)), r.number}})
}
