package desk

import (
	"context"
	"database/sql"
	"errors"
)

// Undo takes back the last batch of mends that was not taken back, or the batch that is named.
func (s *Seat) Undo(ctx context.Context, upload string, batch int64) (*Upload, *Sheet, error) {
	return s.mend(ctx, upload, func(t *txn, u *Upload, sheet *Sheet) ([]typed, error) {
		if sheet.Refused != nil {
			return nil, sheet.Refused
		}
		if batch == 0 {
			if err := t.QueryRowContext(ctx, "SELECT coalesce(max(batch), 0) FROM mend m WHERE upload = ? AND"+standing, u.ID).Scan(&batch); err != nil {
				return nil, err
			}
			if batch == 0 {
				return nil, &Refusal{Code: Conflict, Problem: "there is nothing to undo", Todo: "look at the page anew"}
			}
		}
		return s.before(t, u, batch, sheet.Table())
	})
}

// Restore gives every cell the file's own text again, in one batch.
func (s *Seat) Restore(ctx context.Context, upload string) (*Upload, *Sheet, error) {
	return s.mend(ctx, upload, func(t *txn, u *Upload, _ *Sheet) (all []typed, err error) {
		now, err := s.d.current(ctx, t, s.d.accounts[u.Account].key, u.ID)
		for _, m := range now {
			if !m.Own {
				all = append(all, typed{Edit: Edit{Cell: m.Cell, Text: m.Was, Version: m.Version}, table: m.Table, was: m.Was, own: true})
			}
		}
		return all, err
	})
}

// before gives what undoes a batch: each cell's text as it was, which is the file's own if it was typed into another
// table.
func (s *Seat) before(t *txn, u *Upload, batch int64, table string) (all []typed, err error) {
	k := s.d.accounts[u.Account].key
	now, err := s.d.current(t.ctx, t, k, u.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range now {
		if m.Batch != batch {
			continue
		}
		e := typed{Edit: Edit{Cell: m.Cell, Text: m.Was, Version: m.Version}, table: m.Table, was: m.Was, own: true, undoes: batch}
		id := m.Cell.id(k)
		var version int
		var where, was, text []byte
		err := t.QueryRowContext(t.ctx, "SELECT version, place, was, text FROM mend m WHERE upload = ? AND cell = ? AND batch < ? AND"+standing+"ORDER BY version DESC LIMIT 1",
			u.ID, id, batch).Scan(&version, &where, &was, &text)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if err == nil {
			older, err := k.openMend(u.ID, id, version, where, was, text)
			if err != nil {
				return nil, err
			}
			if older.Table == table {
				e.Text, e.table, e.was, e.own = older.Text, table, older.Was, older.Own
			}
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		return nil, &Refusal{Code: Conflict, Problem: "these cells were changed again since", Todo: "undo that first"}
	}
	return all, nil
}
