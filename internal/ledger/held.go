package ledger

import (
	"context"

	"hppsend/pipeline"
)

// maxHeld is how many rows one transaction keeps.
const maxHeld = 5000

// Hold implements pipeline.Holds.
func (r *Run) Hold(ctx context.Context, rows []pipeline.Hold, late bool) error {
	for len(rows) > 0 {
		n := min(len(rows), maxHeld)
		if err := r.l.update(ctx, holding{r.owner, rows[:n], late}); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// holding keeps rows that rules have held back.
type holding struct {
	run  int64
	rows []pipeline.Hold
	late bool
}

func (o holding) apply(t *txn) error {
	for _, h := range o.rows {
		if err := t.exec(`INSERT INTO held (run, n, status, code, reason, late) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (run, n) DO UPDATE SET status = excluded.status, code = excluded.code, reason = excluded.reason, late = excluded.late`,
			o.run, h.N, string(h.Status), h.Code, h.Reason, o.late); err != nil {
			return err
		}
	}
	return nil
}

// Held gives the rows of a run that rules have held back, in their order; with late only those that were when their turn
// had come.
func (l *Ledger) Held(ctx context.Context, run string, late bool) (all []pipeline.Hold, err error) {
	defer func() { err = l.reading(err) }()
	query := "SELECT n, held.status, held.code, held.reason FROM held JOIN run ON run.number = held.run WHERE run.id = ?"
	if late {
		query += " AND late = {true}"
	}
	rows, err := l.rows(ctx, query+" ORDER BY n", run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h pipeline.Hold
		if err := rows.Scan(&h.N, &h.Status, &h.Code, &h.Reason); err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, rows.Err()
}
