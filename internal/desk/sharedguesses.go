package desk

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Shared books count for all desks, and know what was tried by a digest alone.

func (d *Desk) guessKey(key string) []byte { return d.Accounts[0].key.derive("guess\n" + key) }

// guessWait is how long the next try of a login from an address has to wait.
func (d *Desk) guessWait(ctx context.Context, login, address string) (wait time.Duration, err error) {
	if !d.db.shared {
		return d.guesses.wait(login, address), nil
	}
	for key, free := range tried(login, address) {
		var wrong int
		var until int64
		err := d.db.QueryRowContext(ctx, "SELECT wrong, until FROM guess WHERE hash = ?", d.guessKey(key)).Scan(&wrong, &until)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		if wrong < free { // and what it says of the time is when it was tried, by the clock of another host
			continue
		}
		wait = max(wait, moment(until).Sub(d.db.now()))
	}
	return wait, nil
}

func (d *Desk) guessedWrong(ctx context.Context, login, address string) error {
	if !d.db.shared {
		d.guesses.wrong(login, address)
		return nil
	}
	return d.tx(ctx, func(t *txn) error {
		for key, free := range tried(login, address) {
			var one guess
			var until int64
			err := t.QueryRowContext(ctx, "SELECT wrong, until FROM guess WHERE hash = ?", d.guessKey(key)).Scan(&one.wrong, &until)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			one.until = moment(until)
			one = one.again(t.now, free)
			if err := t.exec("INSERT INTO guess (hash, wrong, until) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET wrong = excluded.wrong, until = excluded.until",
				d.guessKey(key), one.wrong, stamp(one.until)); err != nil {
				return err
			}
		}
		return nil
	})
}

// guessedRight forgets the wrong tries of who has shown to be the right one.
func (d *Desk) guessedRight(ctx context.Context, login, address string) error {
	if !d.db.shared {
		d.guesses.right(login, address)
		return nil
	}
	_, err := d.db.ExecContext(ctx, "DELETE FROM guess WHERE hash IN (?, ?)", d.guessKey("both "+login+" "+address), d.guessKey("login "+login))
	return err
}
