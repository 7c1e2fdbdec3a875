package desk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Delete forgets an upload: the file, what was typed into it, its name and notes. What was sent stays known to the
// ledger, by digests.
func (s *Seat) Delete(ctx context.Context, upload string) error {
	_, err := s.change(ctx, upload, func(t *txn, u *Upload) error {
		if err := s.d.erase(t, u); err != nil {
			return err
		}
		return s.did(t, u, "delete", "", "")
	}, Uploader, Administrator)
	if err == nil {
		s.d.removeFiles(upload)
		s.d.shed(ctx)
	}
	return err
}

// shed takes what was deleted out of the log of the books, too.
func (d *Desk) shed(ctx context.Context) {
	if d.db.shared { // whose database sees to it by itself
		return
	}
	if _, err := d.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		d.fault("what was deleted is in the log of the books until they are closed", "", err)
	}
}

func (d *Desk) erase(t *txn, u *Upload) error {
	if err := t.step(u, Delete); err != nil {
		return err
	}
	if d.db.shared {
		if err := t.exec("DELETE FROM piece WHERE upload = ?", u.ID); err != nil {
			return err
		}
	}
	return errors.Join(
		t.exec("UPDATE upload SET name = NULL, reading = NULL, note = NULL, reason = NULL WHERE id = ?", u.ID),
		t.exec("UPDATE mend SET place = NULL, was = NULL, text = NULL WHERE upload = ?", u.ID),
	)
}

func (d *Desk) removeFiles(id string) {
	d.forget(id)
	plans, _ := filepath.Glob(d.planOf(id, "*"))
	for _, path := range append(plans, d.fileOf(id)) {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			d.fault("a file that is not kept any more could not be removed", id, err)
		}
	}
}

// tidy deletes what nobody has touched for so long that it is kept no longer, ends approvals that were waited for
// too long, and removes files that the books do not know.
func (d *Desk) tidy(ctx context.Context) error {
	now := d.db.now()
	old, err := column[string](ctx, d.db, "SELECT id FROM upload WHERE changed < ? AND state NOT IN (?, ?, ?, ?)", stamp(now.Add(-d.Keep)), Running, Waiting, Approved, Deleted)
	if err != nil {
		return err
	}
	if len(old) > 0 {
		defer d.shed(ctx)
	}
	for _, id := range old {
		gone := false
		if err := d.tx(ctx, func(t *txn) error {
			u := &Upload{ID: id} // which need not be readable, as of an account that is gone
			var changed int64
			if err := t.QueryRowContext(ctx, "SELECT account, state, changed FROM upload WHERE id = ?", id).Scan(&u.Account, &u.State, &changed); err != nil {
				return err
			}
			if changed >= stamp(now.Add(-d.Keep)) || contains([]State{Running, Waiting, Approved, Deleted}, u.State) { // since it was looked up
				return nil
			}
			gone = true
			return errors.Join(d.erase(t, u), t.audit(Event{Account: u.Account, Action: "delete", Upload: id, Place: "kept no longer"}))
		}); err != nil {
			return err
		}
		if gone {
			d.removeFiles(id)
		}
	}
	lapsed, err := column[string](ctx, d.db, "SELECT id FROM upload WHERE state = ? AND asked < ?", Waiting, stamp(now.Add(-approvalLife)))
	if err != nil {
		return err
	}
	for _, id := range lapsed {
		if err := d.tx(ctx, func(t *txn) error {
			u, err := d.scan(t.QueryRowContext(ctx, "SELECT "+uploadColumns+" WHERE u.id = ?", id))
			if r := (*Refusal)(nil); errors.As(err, &r) { // of an account that is gone
				return nil
			}
			if err != nil {
				return err
			}
			if u.State != Waiting || now.Sub(u.Asked) < approvalLife { // since it was looked up
				return nil
			}
			return errors.Join(
				d.returned(t, u, Lapse, "nobody approved it within 72 hours; ask for approval again"),
				t.audit(Event{Account: u.Account, Action: "lapse", Upload: id}),
			)
		}); err != nil {
			return err
		}
	}
	if err := d.tx(ctx, func(t *txn) error {
		return errors.Join(
			t.exec("DELETE FROM session WHERE seen < ? OR made < ?", stamp(now.Add(-sessionIdle)), stamp(now.Add(-sessionLife))),
			t.exec("DELETE FROM invitation WHERE expires < ?", stamp(now)),
		)
	}); err != nil {
		return err
	}
	return d.sweep(ctx, now)
}

// sweep removes files of uploads that were cut off while they came in, and what another desk has deleted.
func (d *Desk) sweep(ctx context.Context, now time.Time) error {
	files, err := os.ReadDir(d.path("files"))
	if err != nil {
		return broken("the folder of uploads", err)
	}
	known, err := column[string](ctx, d.db, "SELECT id FROM upload WHERE state <> ? UNION ALL SELECT id FROM suppression", Deleted)
	if err != nil {
		return err
	}
	deleted := map[string]bool{}
	if d.db.shared {
		ids, err := column[string](ctx, d.db, "SELECT id FROM upload WHERE state = ?", Deleted)
		if err != nil {
			return err
		}
		for _, id := range ids {
			deleted[id] = true
			d.forget(id)
		}
		if _, err := d.db.ExecContext(ctx, `DELETE FROM piece WHERE made < ? AND NOT EXISTS (SELECT FROM upload u WHERE u.id = piece.upload)
			AND NOT EXISTS (SELECT FROM suppression s WHERE s.id = piece.upload)`, stamp(now.Add(-lostAfter))); err != nil {
			return err
		}
		if _, err := d.db.ExecContext(ctx, "DELETE FROM signin WHERE begun < ?", stamp(now.Add(-SigninTime))); err != nil {
			return err
		}
		if _, err := d.db.ExecContext(ctx, "DELETE FROM guess WHERE until < ?", stamp(now.Add(-guessTime))); err != nil {
			return err
		}
	}
	for _, f := range files {
		id := uploadOf(f.Name())
		if info, err := f.Info(); err == nil && (deleted[id] || !slices.Contains(known, id) && time.Since(info.ModTime()) > lostAfter) {
			os.Remove(d.path("files", f.Name()))
		}
	}
	return nil
}
