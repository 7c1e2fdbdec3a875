package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	"hppsend/pipeline"
)

// migrate brings the schema up to date, in one transaction. A ledger of an earlier version is refused while
// a run is under way on it.
func (l file) migrate(ctx context.Context, onNew func(*sql.Tx) error) error {
	const readVersion = "PRAGMA user_version"
	var version int
	if err := l.conn.QueryRowContext(ctx, readVersion).Scan(&version); err != nil || version == len(migrations) {
		return err // the usual case waits for nobody's write
	}
	tx, err := l.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := tx.QueryRowContext(ctx, readVersion).Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("its schema has version %d, and this program knows %d", version, len(migrations))
	}
	if version > 0 {
		if err := l.atRest(); err != nil {
			return err
		}
	}
	for v := version; v < len(migrations); v++ {
		m := migrations[v]
		_, err := tx.ExecContext(ctx, m.schema)
		if err == nil && m.records != nil {
			err = m.records(ctx, tx)
		}
		if err != nil {
			return fmt.Errorf("bring the schema from version %d to %d: %w", v, v+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations))); err != nil {
		return err
	}
	if version == 0 {
		if err := onNew(tx); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if l.info().Size < maxVacuum { // what tables of earlier versions took
		l.conn.ExecContext(ctx, "VACUUM")
	}
	return nil
}

// atRest refuses a ledger on which a run is under way: it holds the lock on its file from before it is entered.
func (l file) atRest() error {
	files, err := filepath.Glob(filepath.Join(globSafe.Replace(l.runsFolder()), "*.lock"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if held(file) {
			run := strings.TrimSuffix(filepath.Base(file), ".lock")
			return wrong(pipeline.NoLedger, l.path, "it is of an earlier version of hppsend, and run "+run+" is under way on it",
				"wait for that run to end, or stop it; then start again")
		}
	}
	return nil
}

// globSafe takes the meaning from what means something in a pattern.
var globSafe = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]")

// oneForm brings every session to its one form. Records that are then of one key become one: the weightiest
// stays, with the attempts of all. No run lives, so what is open is in doubt.
func oneForm(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `UPDATE distribution SET status = ?, code = ?, reason = ?, binding = 0, http_status = 0,
		correlation_id = '', attempts = attempts + 1, run = intent WHERE intent IS NOT NULL AND status <> ?`,
		pipeline.Uncertain, pipeline.CodeInterrupted, interruptedReason, pipeline.Delivered); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE distribution SET intent = NULL WHERE intent IS NOT NULL"); err != nil {
		return err
	}
	odd, err := otherForms(ctx, tx)
	if err != nil {
		return err
	}
	for id, session := range odd {
		if err := rename(ctx, tx, id, session); err != nil {
			return err
		}
	}
	return nil
}

// otherForms gives the records whose session is not in its one form, and that form.
func otherForms(ctx context.Context, tx *sql.Tx) (map[int64]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, session FROM distribution")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	odd := map[int64]string{}
	for rows.Next() {
		var id int64
		var session string
		if err := rows.Scan(&id, &session); err != nil {
			return nil, err
		}
		if one := pipeline.CanonicalSession(session); one != session {
			odd[id] = one
		}
	}
	return odd, rows.Err()
}

// rename gives a record another session, and joins it with the record that then has the same key.
func rename(ctx context.Context, tx *sql.Tx, id int64, session string) error {
	var twin sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT max(b.id) FROM distribution a JOIN distribution b ON b.session = ? AND b.target = a.target
		AND b.reminder = a.reminder AND b.method = a.method AND b.contact = a.contact AND b.country = a.country WHERE a.id = ?`,
		session, id).Scan(&twin); err != nil {
		return err
	}
	if twin.Valid {
		var stays, goes int64
		if err := tx.QueryRowContext(ctx, `SELECT id, ? + ? - id FROM distribution WHERE id IN (?1, ?2)
			ORDER BY CASE WHEN status = 'delivered' THEN 0 WHEN status = 'uncertain' THEN 1 WHEN status = 'rejected' AND binding THEN 2
			ELSE 3 END, CASE status WHEN 'delivered' THEN time ELSE -time END LIMIT 1`, id, twin.Int64).Scan(&stays, &goes); err != nil {
			return err
		}
		for _, change := range []string{
			"UPDATE distribution SET attempts = attempts + (SELECT attempts FROM distribution WHERE id = ?2) WHERE id = ?1",
			"UPDATE settlement SET distribution = ?1 WHERE distribution = ?2",
			"DELETE FROM distribution WHERE id = ?2 AND ?1 <> ?2",
		} {
			if _, err := tx.ExecContext(ctx, change, stays, goes); err != nil {
				return err
			}
		}
		id = stays
	}
	_, err := tx.ExecContext(ctx, "UPDATE distribution SET session = ? WHERE id = ?", session, id)
	return err
}
