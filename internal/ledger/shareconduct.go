package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// Moment is what there is to decide on about a shared run.
type Moment struct {
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
	Release int // so many more chunks
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
	err = l.update(ctx, o)
	return o.done, err
}

type conduct struct {
	run     string
	decide  func(Moment) (Decision, error)
	ordered pipeline.Ordered

	done bool
}

func (o *conduct) apply(t *txn) error {
	o.done = false
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
	if err := t.exec("UPDATE chunk SET process = NULL, asked = NULL WHERE run = ? AND released AND process IS NOT NULL AND NOT lives(process)", number); err != nil {
		return err
	}
	if m.Said, err = t.said(number); err != nil {
		return err
	}
	if err := t.get([]any{&m.Left, &m.Out, &m.Taken, &m.First}, `SELECT count(*), count(*) FILTER (WHERE released),
		count(*) FILTER (WHERE process IS NOT NULL), coalesce(bool_or(n = 0), FALSE) FROM chunk WHERE run = ?`, number); err != nil {
		return err
	}
	d, err := o.decide(m)
	if err != nil {
		return err
	}
	for _, v := range d.Revise {
		if err := (&conclusion{run: -1, owner: number, ticket: v.Ticket, Conclusion: v.Conclusion()}).apply(t); err != nil {
			return err
		}
	}
	if d.Release > 0 {
		if err := t.exec(`UPDATE chunk SET released = TRUE WHERE run = ?1 AND n IN (SELECT n FROM chunk WHERE run = ?1 AND NOT released ORDER BY n LIMIT ?2)`, number, d.Release); err != nil {
			return err
		}
	}
	o.done = true
	if string(d.State) == state {
		return nil
	}
	return t.exec("UPDATE share SET state = ? WHERE run = ?", string(d.State), number)
}

// said takes what was told of a run.
func (t *txn) said(run int64) (all []json.RawMessage, err error) {
	rows, err := t.query("WITH gone AS (DELETE FROM answer WHERE run = ? RETURNING id, said) SELECT said FROM gone ORDER BY id", run)
	if err != nil {
		return nil, err
	}
	texts, err := column[string](rows)
	for _, text := range texts {
		all = append(all, json.RawMessage(text))
	}
	return all, err
}

// Amend changes what was decided of a shared run, as a person says; it reports false when it has ended.
func (l *Ledger) Amend(ctx context.Context, run string, said json.RawMessage) (bool, error) {
	o := &amend{run: run, said: said}
	err := l.update(ctx, o)
	return o.done, err
}

type amend struct {
	run  string
	said json.RawMessage
	done bool
}

func (o *amend) apply(t *txn) (err error) {
	o.done, err = t.changed("INSERT INTO answer (run, said) SELECT number, ? FROM run WHERE id = ? AND shared AND ended IS NULL", string(o.said), o.run)
	return err
}

// EndShared ends a shared run on which nobody works any more. One that has ended stays as it is.
func (l *Ledger) EndShared(ctx context.Context, run string, ending pipeline.Finding, counts json.RawMessage) error {
	return l.update(ctx, statement{
		"UPDATE run SET ended = ?, ending = ?, reason = ?, counts = ? WHERE id = ? AND shared AND ended IS NULL",
		[]any{time.Now().UnixMilli(), ending.Code, contact.MaskAll(ending.Reason), string(maskedJSON(counts)), run},
	})
}

// Counted records what the report of a shared run that has ended has counted.
func (r *Run) Counted(ctx context.Context, counts json.RawMessage) error {
	return r.l.update(ctx, statement{"UPDATE run SET counts = ? WHERE number = ? AND ended IS NOT NULL", []any{string(maskedJSON(counts)), r.number}})
}
