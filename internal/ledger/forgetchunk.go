package ledger

import (
	"context"
	"database/sql"
	"errors"
)

// RewriteChunks gives the text of every chunk that is with the workers to a function, and keeps what that makes of it;
// nil for what may stay. It gives how many were written anew. A ledger that no workers share has none.
func (l *Ledger) RewriteChunks(ctx context.Context, rewrite func(text []byte) ([]byte, error)) (n int, err error) {
	if l.Shareable() != nil {
		return 0, nil
	}
	rows, err := l.rows(ctx, "SELECT c.run, c.n, run.id FROM chunk c JOIN run ON run.number = c.run ORDER BY c.run, c.n")
	if err != nil {
		return 0, l.reading(err)
	}
	defer rows.Close()
	var all []rewriting
	for rows.Next() {
		o := rewriting{rewrite: rewrite}
		if err := rows.Scan(&o.number, &o.n, &o.run); err != nil {
			return 0, l.reading(err)
		}
		all = append(all, o)
	}
	if err := rows.Err(); err != nil {
		return 0, l.reading(err)
	}
	for i := range all {
		if err := l.update(ctx, &all[i]); err != nil {
			return n, err
		}
		if all[i].changed {
			n++
		}
	}
	return n, nil
}

// rewriting writes a chunk anew.
type rewriting struct {
	number  int64
	n       int
	run     string
	rewrite func([]byte) ([]byte, error)

	changed bool
}

func (o *rewriting) apply(t *txn) error {
	o.changed = false
	var sealed []byte
	err := t.get([]any{&sealed}, "SELECT sealed FROM chunk WHERE run = ? AND n = ? {lock}", o.number, o.n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it is done
	}
	if err != nil {
		return err
	}
	place := chunkPlace(o.run, o.n)
	text, err := t.l.aead().Open(nil, nil, sealed, place)
	if err != nil {
		return err
	}
	if text, err = o.rewrite(text); err != nil || text == nil {
		return err
	}
	o.changed = true
	return t.exec("UPDATE chunk SET sealed = ? WHERE run = ? AND n = ?", t.l.aead().Seal(nil, nil, text, place), o.number, o.n)
}
